//! What searches draw: samples and times of many problems and seeds, with their tails.

use super::report::{Distribution, Machine};
use super::runner::ProblemResult;
use serde::Serialize;
use std::fmt;

/// A run over families of problems, or scenes, with several seeds each.
#[derive(Clone, Debug, Serialize)]
pub struct SampleReport {
    /// Name of the backend, with its level.
    pub backend: String,
    /// What it ran on.
    pub machine: Machine,
    /// One entry per problem and seed; the set is the family.
    pub results: Vec<SampleResult>,
}

/// What one search did.
#[derive(Clone, Debug, Serialize)]
pub struct SampleResult {
    /// Seed of the planner.
    pub seed: u64,
    /// The figures.
    #[serde(flatten)]
    pub result: ProblemResult,
}

impl fmt::Display for SampleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, 1 thread; {}", self.backend, self.machine)?;
        let columns = format!("{:>8} {:>8} {:>8} {:>9}", "median", "p95", "p99", "max");
        writeln!(f, "{:<36} {:>11} |{:^36} |{:^36} | {:>8}", "", "solved", "total us", "samples", "dur. s")?;
        writeln!(f, "{:<48} |{columns} |{columns} | {:>8}", "set", "median")?;
        let mut rest = &self.results[..];
        while let Some(first) = rest.first() {
            let of_set = rest.iter().take_while(|r| r.result.set == first.result.set).count();
            let (set, others) = rest.split_at(of_set);
            rest = others;
            let solved: Vec<_> = set.iter().map(|r| &r.result).filter(|r| r.duration_s.is_some()).collect();
            write!(f, "{:<36} {:>5}/{:<5}", first.result.set, solved.len(), set.len())?;
            for value in [|r: &ProblemResult| r.total_us, |r: &ProblemResult| r.iterations as f64] {
                let Distribution { median, p95, p99, max, .. } =
                    Distribution::of(solved.iter().map(|r| value(r)));
                write!(f, " |{median:>8.0} {p95:>8.0} {p99:>8.0} {max:>9.0}")?;
            }
            let durations = Distribution::of(solved.iter().filter_map(|r| r.duration_s));
            writeln!(f, " | {:>8.3}", durations.median)?;
        }
        for SampleResult { seed, result } in self.results.iter().filter(|r| r.result.duration_s.is_none()) {
            writeln!(f, "{} {} seed {seed}: {}", result.set, result.index, result.status)?;
        }
        Ok(())
    }
}

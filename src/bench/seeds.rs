//! Problems planned with many seeds each, held against reference durations.

use super::report::{Distribution, Machine};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a planner did with one seed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct SeedResult {
    /// The problem.
    pub instance: String,
    /// Seed of the planner.
    pub seed: u64,
    /// `solved`, or the reason why not.
    pub status: String,
    /// Time from the problem to the answer, microseconds.
    pub total_us: f64,
    /// Duration of the trajectory, seconds; absent where there is none.
    pub duration_s: Option<f64>,
    /// A duration that others found, seconds, where one is known.
    pub reference_s: Option<f64>,
}

/// A run of a suite with many seeds.
#[derive(Clone, Debug, Serialize)]
pub struct SeedReport {
    /// Name of the suite.
    pub suite: String,
    /// Name of the system, where a suite has several for one problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Name of the backend, with its level.
    pub backend: String,
    /// What it ran on.
    pub machine: Machine,
    /// One entry per problem and seed.
    pub results: Vec<SeedResult>,
    /// Problems that were not planned, and why.
    pub left_out: Vec<LeftOutRun>,
}

/// A problem that was not planned.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOutRun {
    /// The problem.
    pub instance: String,
    /// Why it was not.
    pub reason: String,
}

impl SeedReport {
    /// Problems in the order in which they first occur.
    fn instances(&self) -> Vec<&str> {
        let mut instances: Vec<&str> = self.results.iter().map(|r| r.instance.as_str()).collect();
        instances.dedup();
        instances
    }
}

impl fmt::Display for SeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, system, backend, machine, results, left_out } = self;
        let system = system.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        writeln!(f, "{suite}{system}: {backend}, 1 thread(s); {machine}")?;
        writeln!(
            f,
            "{:<36} {:>9} |{:>10} {:>8} {:>8} {:>9} | {:>9} {:>9} {:>6}",
            "instance", "solved", "total us", "median", "p95", "max", "dur. s", "reference", "ratio"
        )?;
        for instance in self.instances() {
            let all: Vec<&SeedResult> = results.iter().filter(|r| r.instance == instance).collect();
            let solved: Vec<_> = all.iter().filter(|r| r.duration_s.is_some()).collect();
            let total = Distribution::of(solved.iter().map(|r| r.total_us));
            let duration = Distribution::of(solved.iter().filter_map(|r| r.duration_s)).median;
            let reference = all.first().and_then(|r| r.reference_s);
            let number = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:.3}"));
            writeln!(
                f,
                "{instance:<36} {:>4}/{:<4} |{:>10.0} {:>8.0} {:>8.0} {:>9.0} | {duration:>9.3} {:>9} {:>6}",
                solved.len(),
                all.len(),
                total.mean,
                total.median,
                total.p95,
                total.max,
                number(reference),
                number(reference.map(|r| duration / r)),
            )?;
        }
        for result in results.iter().filter(|r| r.duration_s.is_none()) {
            writeln!(f, "{} seed {}: {}", result.instance, result.seed, result.status)?;
        }
        for LeftOutRun { instance, reason } in left_out {
            writeln!(f, "{instance}: left out; {reason}")?;
        }
        Ok(())
    }
}

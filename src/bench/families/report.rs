//! What the planner made of families: solved shares, times to a certified answer, and durations by quality.

use crate::bench::report::{Distribution, Machine};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A problem planned with one quality.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct QualityResult {
    /// Name of the quality.
    pub quality: String,
    /// `solved`, or the reason why not.
    pub status: String,
    /// Time from the problem to the answer, microseconds.
    pub total_us: f64,
    /// Duration of the trajectory, seconds; absent where there is none.
    pub duration_s: Option<f64>,
}

/// What the planner made of one problem.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FamilyResult {
    /// Names of kind and vehicle.
    pub instance: String,
    /// Seed of the problem, and of the planner.
    pub seed: u64,
    /// Of the first quality: time from the problem to the answer, microseconds.
    pub total_us: f64,
    /// Of the first quality: duration of the trajectory, seconds.
    pub duration_s: Option<f64>,
    /// By quality, the quickest first; the others only where the first has an answer.
    pub qualities: Vec<QualityResult>,
}

/// A run over families.
#[derive(Clone, Debug, Serialize)]
pub struct FamilyReport {
    /// Name of the suite: `families`.
    pub suite: String,
    /// Name of the backend, with its level.
    pub backend: String,
    /// Threads that share a problem.
    pub threads: usize,
    /// Time limit of each plan, seconds.
    pub time_limit_s: f64,
    /// What it ran on.
    pub machine: Machine,
    /// One entry per problem.
    pub results: Vec<FamilyResult>,
}

/// By how much a duration may be longer than that of a lower quality and count as the same, as a share of it.
const SAME: f64 = 1e-6;

impl FamilyResult {
    /// Of the results by quality; `None` where there are none.
    pub fn new(instance: String, seed: u64, qualities: Vec<QualityResult>) -> Option<Self> {
        let QualityResult { total_us, duration_s, .. } = *qualities.first()?;
        Some(Self { instance, seed, total_us, duration_s, qualities })
    }

    /// The duration by a quality.
    fn duration(&self, quality: &str) -> Option<f64> {
        self.qualities.iter().find(|q| q.quality == quality)?.duration_s
    }

    /// Whether a higher quality gave a longer trajectory than a lower one, or none where the lower one gave one.
    pub fn is_reversed(&self) -> bool {
        let longer = |pair: &[QualityResult]| match [pair[0].duration_s, pair[1].duration_s] {
            [Some(lower), Some(higher)] => higher > lower * (1.0 + SAME),
            [lower, higher] => lower.is_some() && higher.is_none(),
        };
        self.qualities.windows(2).any(longer)
    }
}

impl FamilyReport {
    /// Names of kind and vehicle in the order in which they first occur.
    fn instances(&self) -> Vec<&str> {
        let mut instances: Vec<&str> = self.results.iter().map(|r| r.instance.as_str()).collect();
        instances.dedup();
        instances
    }

    /// Names of the qualities.
    fn qualities(&self) -> Vec<&str> {
        let most = self.results.iter().max_by_key(|r| r.qualities.len());
        most.map_or(Vec::new(), |r| r.qualities.iter().map(|q| q.quality.as_str()).collect())
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, instance: &str, qualities: &[&str]) -> fmt::Result {
        let all: Vec<&FamilyResult> = self.results.iter().filter(|r| r.instance == instance).collect();
        let solved: Vec<_> = all.iter().filter(|r| r.duration_s.is_some()).collect();
        let Distribution { median, p95, max, .. } = Distribution::of(solved.iter().map(|r| r.total_us / 1e3));
        write!(f, "{instance:<26} {:>4}/{:<4} |", solved.len(), all.len())?;
        write!(f, "{median:>9.1} {p95:>9.1} {max:>9.1} |")?;
        // Medians over the same problems, those that every quality solved.
        let by_all = solved.iter().filter(|r| qualities.iter().all(|q| r.duration(q).is_some()));
        for quality in qualities {
            let durations = Distribution::of(by_all.clone().filter_map(|r| r.duration(quality)));
            write!(f, " {:>9.3}", durations.median)?;
        }
        writeln!(f, " | {:>8}", all.iter().filter(|r| r.is_reversed()).count())
    }
}

impl fmt::Display for FamilyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, threads, time_limit_s, machine, .. } = self;
        writeln!(f, "families: {backend}, {threads} thread(s), at most {time_limit_s} s; {machine}")?;
        let qualities = self.qualities();
        let width = 10 * qualities.len();
        writeln!(f, "{:<26} {:>9} |{:^29} |{:^width$} |", "", "", "time, ms", "median duration, s")?;
        write!(f, "{:<26} {:>9} |{:>9} {:>9} {:>9} |", "kind, vehicle", "solved", "median", "p95", "max")?;
        for quality in &qualities {
            write!(f, " {quality:>9}")?;
        }
        writeln!(f, " | {:>8}", "reversed")?;
        for instance in self.instances() {
            self.row(f, instance, &qualities)?;
        }
        for result in &self.results {
            for QualityResult { quality, status, duration_s, .. } in &result.qualities {
                if duration_s.is_none() {
                    writeln!(f, "{} seed {}, {quality}: {status}", result.instance, result.seed)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(durations: &[Option<f64>]) -> FamilyResult {
        let of = |&duration_s: &Option<f64>| QualityResult {
            quality: String::new(),
            status: String::new(),
            total_us: 1.0,
            duration_s,
        };
        FamilyResult::new(String::new(), 0, durations.iter().map(of).collect()).unwrap()
    }

    #[test]
    fn longer_by_a_higher_quality_is_reversed() {
        assert!(!result(&[Some(3.0), Some(2.0), Some(2.0)]).is_reversed());
        assert!(result(&[Some(3.0), Some(2.0), Some(2.1)]).is_reversed());
        assert!(result(&[Some(3.0), None]).is_reversed());
        assert!(!result(&[None]).is_reversed());
    }
}

//! Tables and JSON of benchmark results: distributions, not averages.

use super::runner::ProblemResult;
use crate::check::simd;
use serde::Serialize;
use std::fmt::{self, Write as _};

/// A whole run of a suite.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Name of the suite.
    pub suite: String,
    /// Name of the robot.
    pub robot: String,
    /// Name of the backend, with its level.
    pub backend: String,
    /// Threads that plan.
    pub threads: usize,
    /// Seed of the planner.
    pub seed: u64,
    /// What it ran on.
    pub machine: Machine,
    /// Wall-clock time of all problems as one batch, seconds; absent where they were planned one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// One entry per problem.
    pub results: Vec<ProblemResult>,
}

/// A suite run at several points between quick plans and quick motions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct QualityCurve {
    /// Name of each point, and the run.
    pub points: Vec<(String, BenchReport)>,
}

/// What a benchmark ran on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Processor, as it names itself.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: usize,
    /// Best SIMD level.
    pub simd: String,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// The machine that this runs on.
    pub fn this() -> Self {
        let named = |text: String| {
            text.lines()
                .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned))
        };
        let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(named);
        Self {
            cpu: cpu.unwrap_or_else(|| "unknown".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            simd: simd::levels()[0].to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} cores, {}, {}", self.cpu, self.cores, self.simd, self.system)
    }
}

/// Mean, median, 95th and 99th percentile and maximum of some numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean: f64,
    /// Median (the upper of the two middle values of an even number).
    pub median: f64,
    /// 95th percentile (nearest rank).
    pub p95: f64,
    /// 99th percentile (nearest rank).
    pub p99: f64,
    /// Greatest.
    pub max: f64,
}

impl Distribution {
    /// Of `values`; NaN where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let at = |i: usize| sorted.get(i.min(n.saturating_sub(1))).copied().unwrap_or(f64::NAN);
        Self {
            mean: sorted.iter().sum::<f64>() / n as f64,
            median: at(n / 2),
            p95: at((n * 95).div_ceil(100).saturating_sub(1)),
            p99: at((n * 99).div_ceil(100).saturating_sub(1)),
            max: at(n),
        }
    }
}

impl BenchReport {
    /// Sets in the order in which they first occur.
    fn sets(&self) -> Vec<&str> {
        let mut sets: Vec<&str> = Vec::new();
        for r in &self.results {
            if !sets.contains(&r.set.as_str()) {
                sets.push(&r.set);
            }
        }
        sets
    }
}

impl fmt::Display for QualityCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((_, BenchReport { suite, robot, backend, threads, seed, machine, .. })) = self.points.first()
        else {
            return Ok(());
        };
        writeln!(f, "{suite} {robot}: {backend}, {threads} thread(s), seed {seed}; {machine}")?;
        let total = format!("{:>9} {:>9} {:>9}", "mean", "median", "p95");
        writeln!(f, "{:<10} {:>9} |{:^31}|{:^17}", "", "solved", "total us", "duration s")?;
        writeln!(f, "{:<20} |{total} |{:>8} {:>8}", "quality", "mean", "median")?;
        for (name, report) in &self.points {
            let solved: Vec<_> = report.results.iter().filter(|r| r.duration_s.is_some()).collect();
            let total = Distribution::of(solved.iter().map(|r| r.total_us));
            let duration = Distribution::of(solved.iter().filter_map(|r| r.duration_s));
            let (solved, all) = (solved.len(), report.results.len());
            writeln!(
                f,
                "{name:<10} {solved:>4}/{all:<4} |{:>9.0} {:>9.0} {:>9.0} |{:>8.3} {:>8.3}",
                total.mean, total.median, total.p95, duration.mean, duration.median
            )?;
        }
        Ok(())
    }
}

/// One line of the table: solved/total, then times as median/p95 and the rest.
fn row(f: &mut fmt::Formatter<'_>, name: &str, results: &[&ProblemResult]) -> fmt::Result {
    let solved: Vec<_> = results.iter().filter(|r| r.duration_s.is_some()).collect();
    let of = |value: fn(&ProblemResult) -> f64| Distribution::of(solved.iter().map(|r| value(r)));
    let mut line = format!("{name:<20} {:>4}/{:<4}", solved.len(), results.len());
    for value in [
        |r: &ProblemResult| r.plan_us,
        |r: &ProblemResult| r.refine_us,
        |r: &ProblemResult| r.certify_us,
        |r: &ProblemResult| r.total_us,
    ] {
        let Distribution { mean, median, p95, max, .. } = of(value);
        let _ = write!(line, " |{mean:>7.0} {median:>6.0} {p95:>7.0} {max:>8.0}");
    }
    let _ = write!(line, " | {:>7.3}", of(|r| r.duration_s.unwrap_or(f64::NAN)).median);
    for value in [
        |r: &ProblemResult| r.iterations as f64,
        |r: &ProblemResult| r.edges as f64,
        |r: &ProblemResult| r.states as f64,
    ] {
        let _ = write!(line, " {:>7.0}", of(value).median);
    }
    writeln!(f, "{line}")
}

impl fmt::Display for BenchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suite, robot, backend, threads, seed, machine, .. } = self;
        writeln!(f, "{suite} {robot}: {backend}, {threads} thread(s), seed {seed}; {machine}")?;
        let columns = format!("{:>7} {:>6} {:>7} {:>8}", "mean", "median", "p95", "max");
        writeln!(
            f,
            "{:<20} {:>9} |{:^31} |{:^31} |{:^31} |{:^31} | {:>7} {:>7} {:>7} {:>7}",
            "",
            "solved",
            "plan us",
            "refine us",
            "certify us",
            "total us",
            "dur. s",
            "samples",
            "edges",
            "states"
        )?;
        writeln!(f, "{:<30} |{columns} |{columns} |{columns} |{columns} | medians", "set")?;
        for set in self.sets() {
            row(f, set, &self.results.iter().filter(|r| r.set == set).collect::<Vec<_>>())?;
        }
        row(f, "all", &self.results.iter().collect::<Vec<_>>())?;
        if let Some(wall) = self.wall_s {
            let (problems, millis) = (self.results.len(), wall * 1e3);
            let rate = problems as f64 / wall;
            writeln!(f, "batch of {problems} in {millis:.1} ms wall: {rate:.0} problems/s")?;
        }
        for r in self.results.iter().filter(|r| r.duration_s.is_none()) {
            writeln!(f, "{} {}: {}", r.set, r.index, r.status)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Distribution;

    #[test]
    fn distributions() {
        let d = Distribution::of((1..=100).rev().map(f64::from));
        assert_eq!(d, Distribution { mean: 50.5, median: 51.0, p95: 95.0, p99: 99.0, max: 100.0 });
        assert_eq!(Distribution::of([2.0]).p95, 2.0);
        assert!(Distribution::of([]).median.is_nan());
    }
}

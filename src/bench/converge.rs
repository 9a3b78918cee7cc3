//! How answers get better with time: cost against time, of several searches, over problems and seeds. Imports `chart`,
//! `report` and `plan`.

use super::chart::{Band, Chart, quartiles};
use super::report::Machine;
use super::runner::MakeChecker;
use crate::check::CheckError;
use crate::plan::{Observer, PlanError, PlanOptions, plan_on_threads};
use crate::problem::Problem;
use serde::Serialize;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An answer of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ConvergeMoment {
    /// Seconds since the call began.
    pub seconds: f64,
    /// What it costs.
    pub cost: f64,
}

/// The answers of one problem, by one search, of one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConvergeRun {
    /// The problem's name.
    pub problem: String,
    /// The search's name.
    pub planner: String,
    /// Its seed.
    pub seed: u64,
    /// No answer costs less; absent where nothing is known of that.
    pub least_cost: Option<f64>,
    /// Its answers, each of which costs less than the one before; none where it found none.
    pub moments: Vec<ConvergeMoment>,
}

/// Runs of problems, searches and seeds.
#[derive(Clone, Debug, Serialize)]
pub struct ConvergeReport {
    /// What answers cost.
    pub cost: String,
    /// For how long each run looked for better answers, seconds.
    pub time_s: f64,
    /// What checked.
    pub backend: String,
    /// What they ran on.
    pub machine: Machine,
    /// The runs.
    pub runs: Vec<ConvergeRun>,
}

/// Points of the curves in each decade of time.
const PER_DECADE: usize = 12;

/// The shortest time on the curves, seconds.
const SOONEST: f64 = 1e-4;

/// Looks for better answers until `time` after the call began, and keeps each with the time when it was there.
///
/// # Errors
/// When the checking backend fails.
pub fn converge(
    (name, planner): (&str, &str),
    problem: &Problem,
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    time: Duration,
) -> Result<ConvergeRun, CheckError> {
    let told = Arc::new(Mutex::new((Vec::new(), f64::NEG_INFINITY)));
    let teller = told.clone();
    let begun = Instant::now();
    let observer = Observer::new(move |progress| {
        let moment = ConvergeMoment { seconds: begun.elapsed().as_secs_f64(), cost: progress.cost };
        if let Ok(mut told) = teller.lock() {
            told.0.push(moment);
            told.1 = progress.least_cost;
        }
    });
    let options = PlanOptions { observer: Some(observer), improve: Some(time), ..options.clone() };
    let answer = plan_on_threads(problem, || checker(problem), &options, 1);
    if let Err(PlanError::Backend(error)) = answer {
        return Err(error);
    }
    let (moments, least) = told.lock().map(|told| told.clone()).unwrap_or_default();
    let least_cost = Some(least).filter(|least| least.is_finite());
    Ok(ConvergeRun { problem: name.to_owned(), planner: planner.to_owned(), seed: options.seed, least_cost, moments })
}

impl ConvergeRun {
    /// The cost of the best answer that was there so soon; infinite where there was none.
    fn at(&self, seconds: f64) -> f64 {
        let there = self.moments.iter().take_while(|moment| moment.seconds <= seconds);
        there.last().map_or(f64::INFINITY, |moment| moment.cost)
    }
}

impl ConvergeReport {
    /// The searches, in the order of the runs.
    fn planners(&self) -> Vec<&str> {
        let mut planners = Vec::new();
        for run in &self.runs {
            if !planners.contains(&&*run.planner) {
                planners.push(&*run.planner);
            }
        }
        planners
    }

    /// What the best answer of any run to a problem costs.
    fn best(&self, problem: &str) -> f64 {
        let costs = self.runs.iter().filter(|run| run.problem == problem).map(|run| run.at(f64::INFINITY));
        costs.fold(f64::INFINITY, f64::min)
    }

    /// What a search's runs cost at a time, in multiples of the best that any run found of the problem.
    fn shares(&self, planner: &str, seconds: f64) -> Vec<f64> {
        let share = |run: &ConvergeRun| match (run.at(seconds), self.best(&run.problem)) {
            (cost, _) if cost.is_infinite() => f64::INFINITY,
            // Costs may be zero.
            (cost, best) => if cost == best { 1.0 } else { cost / best },
        };
        self.runs.iter().filter(|run| run.planner == planner).map(share).collect()
    }

    /// Times of the curves, seconds.
    fn times(&self) -> Vec<f64> {
        let decades = (self.time_s / SOONEST).log10().max(0.0);
        let steps = (decades * PER_DECADE as f64).ceil() as usize;
        (0..=steps).map(|k| self.time_s * 10.0_f64.powf((k as f64 - steps as f64) / PER_DECADE as f64)).collect()
    }

    /// One line per answer: problem, planner, seed, seconds, cost.
    pub fn csv(&self) -> String {
        let mut lines = vec!["problem,planner,seed,seconds,cost".to_owned()];
        for ConvergeRun { problem, planner, seed, moments, .. } in &self.runs {
            let problem = problem.replace([',', '\n', '"'], " ");
            lines.extend(moments.iter().map(|m| format!("{problem},{planner},{seed},{},{}", m.seconds, m.cost)));
        }
        lines.join("\n") + "\n"
    }

    /// Cost against time, a band of quartiles about the median for each search, from where three quarters of its runs have
    /// an answer.
    pub fn svg(&self) -> String {
        let band = |planner: &&str| {
            Band::of_quartiles(*planner, self.times().into_iter(), |seconds| self.shares(planner, seconds))
        };
        Chart {
            title: format!("{}: median and quartiles of {} runs", self.cost, self.runs.len()),
            x: "seconds".to_owned(),
            y: "cost, in multiples of the best that is known".to_owned(),
            is_logarithmic: true,
            bands: self.planners().iter().map(band).collect(),
        }
        .svg()
    }
}

impl fmt::Display for ConvergeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} in multiples of the best that is known; {}, {}", self.cost, self.backend, self.machine)?;
        writeln!(f, "{:<14} {:>9} {:>8} {:>8} {:>8} {:>8}", "planner", "ms", "solved", "lower", "median", "upper")?;
        let powers = (-9..).map(|k| 10.0_f64.powf(f64::from(k) / 2.0));
        let times: Vec<f64> =
            powers.take_while(|t| *t < self.time_s * 0.999).filter(|t| *t >= SOONEST).chain([self.time_s]).collect();
        for planner in self.planners() {
            let runs = || self.runs.iter().filter(|run| run.planner == planner);
            for &seconds in &times {
                let solved = runs().filter(|run| run.at(seconds).is_finite()).count();
                let [lower, median, upper] = quartiles(self.shares(planner, seconds)).map(|share| match share.is_finite() {
                    true => format!("{share:.4}"),
                    false => "-".to_owned(),
                });
                let (ms, all) = (1e3 * seconds, runs().count());
                let solved = format!("{solved}/{all}");
                writeln!(f, "{planner:<14} {ms:>9.2} {solved:>8} {lower:>8} {median:>8} {upper:>8}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(problem: &str, planner: &str, moments: &[[f64; 2]]) -> ConvergeRun {
        let moments = moments.iter().map(|&[seconds, cost]| ConvergeMoment { seconds, cost }).collect();
        ConvergeRun { problem: problem.to_owned(), planner: planner.to_owned(), seed: 0, least_cost: None, moments }
    }

    #[test]
    fn runs_are_held_against_the_best_of_their_problem() {
        let runs = vec![
            run("a", "one", &[[0.001, 4.0], [0.1, 2.0]]),
            run("a", "two", &[[0.002, 3.0]]),
            run("b", "one", &[]),
            run("b", "two", &[[0.01, 10.0]]),
        ];
        let (cost, backend) = ("duration".to_owned(), "scalar".to_owned());
        let report = ConvergeReport { cost, time_s: 1.0, backend, machine: Machine::this(), runs };
        let at = |planner: &str, seconds: f64| quartiles(report.shares(planner, seconds));
        assert_eq!(at("one", 0.01), [2.0, 2.0, 2.0], "of two runs the lower is the median");
        assert_eq!(at("one", 1.0)[0], 1.0);
        assert_eq!(at("two", 0.001), [f64::INFINITY; 3]);
        assert_eq!(at("two", 1.0), [1.0, 1.0, 1.0]);
        assert!(report.to_string().contains("1/2"), "{report}");
        assert_eq!(report.csv().lines().count(), 5);
        let times = report.times();
        assert!(times[0] <= 1.01e-4 && (times[times.len() - 1] - 1.0).abs() < 1e-12);
        assert!(roxmltree::Document::parse(&report.svg()).is_ok());
    }
}

//! Runs a planner over the problems of a suite and keeps what it did on each.

use crate::check::{Backend, CheckError};
use crate::plan::{Outcome, PlanOptions, Solution, plan};
use crate::problem::Problem;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a planner did on one problem.
#[derive(Clone, Debug, Serialize)]
pub struct ProblemResult {
    /// Set that the problem belongs to.
    pub set: String,
    /// Its number in the set.
    pub index: u64,
    /// `solved`, or the reason why not.
    pub status: String,
    /// Time to pack the problem and to search, microseconds.
    pub plan_us: f64,
    /// Time to refine, microseconds.
    pub refine_us: f64,
    /// Time to certify, microseconds.
    pub certify_us: f64,
    /// Time from the problem to the answer, microseconds.
    pub total_us: f64,
    /// Duration of the trajectory, seconds; absent where there is none.
    pub duration_s: Option<f64>,
    /// Samples drawn.
    pub iterations: u64,
    /// Edges checked.
    pub edges: u64,
    /// States checked.
    pub states: u64,
}

/// Plans `problem` `repeat` times (at least once) and keeps the run of median total time.
///
/// # Errors
/// When the checking backend fails.
pub fn run(
    problem: &Problem,
    backend: Backend,
    options: &PlanOptions,
    repeat: usize,
) -> Result<(ProblemResult, Option<Solution>), CheckError> {
    let mut runs =
        (0..repeat.max(1)).map(|_| run_once(problem, backend, options)).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|(a, _), (b, _)| a.total_us.total_cmp(&b.total_us));
    Ok(runs.swap_remove(runs.len() / 2))
}

fn run_once(
    problem: &Problem,
    backend: Backend,
    options: &PlanOptions,
) -> Result<(ProblemResult, Option<Solution>), CheckError> {
    let started = Instant::now();
    let mut checker = backend.checker(problem, options.resolution);
    let outcome = plan(problem, &mut *checker, options)?;
    let total = started.elapsed();
    let statistics = match &outcome {
        Outcome::Solved(solution) => solution.statistics,
        Outcome::Exhausted { statistics, .. } => *statistics,
        Outcome::StartInvalid { .. } | Outcome::GoalInvalid { .. } => Default::default(),
    };
    let after_search = statistics.refine + statistics.certify;
    let status = match &outcome {
        Outcome::Solved(_) => "solved".to_owned(),
        other => other.to_string(),
    };
    let solution = match outcome {
        Outcome::Solved(solution) => Some(*solution),
        _ => None,
    };
    let result = ProblemResult {
        set: String::new(),
        index: 0,
        status,
        plan_us: micros(total.saturating_sub(after_search)),
        refine_us: micros(statistics.refine),
        certify_us: micros(statistics.certify),
        total_us: micros(total),
        duration_s: solution.as_ref().map(|s| s.trajectory.duration()),
        iterations: statistics.iterations,
        edges: statistics.edges,
        states: statistics.states,
    };
    Ok((result, solution))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

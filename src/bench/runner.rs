//! Runs a planner over the problems of a suite and keeps what it did on each.

use crate::check::{CheckError, EdgeChecker};
use crate::plan::{PlanError, PlanOptions, Solution, Task, TrialSettings, plan_batch_by_trial, plan_batch_wide, plan_on_threads};
use crate::wide::Explorer;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// What a planner did on one problem.
#[derive(Clone, Debug, Deserialize, Serialize)]
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

/// What a run gives: the figures, and the answer where there is one.
pub type RunAnswer = (ProblemResult, Option<Solution>);

/// Makes the checker of a problem.
pub type MakeChecker<'a> = dyn Fn(&Problem) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync + 'a;

/// Plans `problem` `repeat` times (at least once), each time on so many threads, and keeps the run of
/// median total time.
///
/// # Errors
/// When the checking backend fails.
pub fn run(
    problem: &Problem,
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    threads: usize,
    repeat: usize,
) -> Result<RunAnswer, CheckError> {
    let once = |_| run_once(problem, checker, options, threads);
    let mut runs = (0..repeat.max(1)).map(once).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by(|(a, _), (b, _)| a.total_us.total_cmp(&b.total_us));
    Ok(runs.swap_remove(runs.len() / 2))
}

fn run_once(
    problem: &Problem,
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    threads: usize,
) -> Result<RunAnswer, CheckError> {
    let started = Instant::now();
    let planned = plan_on_threads(problem, || checker(problem), options, threads);
    answer(planned, Some(started.elapsed()))
}

/// Plans all problems at once on so many threads; also gives the wall-clock time of the whole, counted
/// from `started`. `checker` makes the checker of a problem by its index; `advance` is called once per
/// answer, and `explorer` opens a device for tasks if one is worth trying. Problems are not timed from outside here: their total time is that of all phases, without
/// packing.
///
/// # Errors
/// When the checking backend fails.
pub fn run_batch(
    started: Instant,
    problems: &[Problem],
    explorer: impl FnOnce(&[Task<'_>]) -> Option<Box<dyn Explorer>>,
    checker: impl Fn(usize) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    options: &PlanOptions,
    threads: usize,
    advance: impl Fn() + Sync,
) -> Result<(Vec<RunAnswer>, Duration), CheckError> {
    let tasks: Vec<_> = problems.iter().map(|problem| Task { problem, options }).collect();
    let device = |from: usize| explorer(&tasks[from..]);
    let trial = TrialSettings::DEFAULT;
    // Of a device that fails the answers are those of lanes.
    let (planned, _) = plan_batch_by_trial(&tasks, trial, device, checker, threads, |_, _| advance());
    let wall = started.elapsed();
    let answers = planned.into_iter().map(|planned| answer(planned, None)).collect::<Result<_, _>>()?;
    Ok((answers, wall))
}

/// The same, but `explorer` searches all problems at once, and threads refine and certify what it finds: see
/// [`plan_batch_wide`]. `checker` is told whether the explorer searches the problem.
///
/// # Errors
/// When the device, or a checking backend, fails.
pub fn run_batch_wide(
    started: Instant,
    problems: &[Problem],
    explorer: &mut dyn Explorer,
    checker: impl Fn(usize, bool) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    options: &PlanOptions,
    threads: usize,
    advance: impl Fn() + Sync,
) -> Result<(Vec<RunAnswer>, Duration), CheckError> {
    let tasks: Vec<_> = problems.iter().map(|problem| Task { problem, options }).collect();
    let (planned, failure) = plan_batch_wide(&tasks, explorer, checker, threads, |_, _| advance());
    let wall = started.elapsed();
    failure.map_or(Ok(()), Err)?;
    let answers = planned.into_iter().map(|planned| answer(planned, None)).collect::<Result<_, _>>()?;
    Ok((answers, wall))
}

fn answer(planned: Result<Solution, PlanError>, total: Option<Duration>) -> Result<RunAnswer, CheckError> {
    let (status, statistics, solution) = match planned {
        Ok(solution) => ("solved".to_owned(), solution.statistics, Some(solution)),
        Err(PlanError::Backend(error)) => return Err(error),
        Err(error) => (error.to_string(), error.statistics(), None),
    };
    let total = total.unwrap_or(statistics.total());
    let after_search = statistics.refine + statistics.certify;
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

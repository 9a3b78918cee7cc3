//! Many queries at once, spread over threads.

use super::{PlanError, PlanOptions, Solution, plan_since, sense};
use crate::threads::{MAX_THREADS, start};
use crate::check::{CheckError, EdgeChecker};
use crate::problem::Problem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// One of many queries: what to plan, and how.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// What there is to plan.
    pub problem: &'a Problem,
    /// The caller's choices; the time limit is for this task alone, from when it begins: its checker is made in it.
    pub options: &'a PlanOptions,
}

/// Plans every task, on at most `threads` threads (at least one, and no more than [`MAX_THREADS`]), and gives the
/// answers in the order of the tasks. Where no thread can be started, fewer do the work
/// ([`crate::threads::take_warning`]).
///
/// Each answer is what [`plan`](super::plan()) gives for that task: it depends neither on the number of threads nor
/// on the other tasks. `checker` makes the checker of a task, by its index, on the thread that is to
/// use it; where checkers share a device ([`Checkers`](crate::check::Checkers)), more threads than
/// processors keep it busy. `answered` is told of every answer as it comes, with the index of its
/// task, in any order and from any thread.
///
/// # Panics
/// If `checker` or `answered` panics; tasks that have not begun by then do not.
pub fn plan_batch(
    tasks: &[Task<'_>],
    checker: impl Fn(usize) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    threads: usize,
    answered: impl Fn(usize, &Result<Solution, PlanError>) + Sync,
) -> Vec<Result<Solution, PlanError>> {
    let next = AtomicUsize::new(0);
    // Whoever is free takes the next task: they differ in length by orders of magnitude.
    let work = || {
        let _stop = StopAll(&next, tasks.len());
        let mut answers = Vec::new();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(i) else { return answers };
            let begun = Instant::now();
            // Of what makes no sense there is no checker.
            let checked = sense::admit(task.problem, task.options).map_err(PlanError::from);
            let made = checked.and_then(|()| Ok(checker(i)?));
            let answer =
                made.and_then(|mut checker| plan_since(begun, task.problem, &mut *checker, task.options));
            answered(i, &answer);
            answers.push((i, answer));
        }
    };
    let mut answers = std::thread::scope(|scope| {
        let threads = threads.min(tasks.len()).min(MAX_THREADS);
        let others: Vec<_> = (1..threads).map_while(|_| start(scope, work)).collect();
        let mut answers = work();
        for other in others {
            match other.join() {
                Ok(theirs) => answers.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answers
    });
    answers.sort_unstable_by_key(|&(i, _)| i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Leaves no task to take when its thread panics.
struct StopAll<'a>(&'a AtomicUsize, usize);

impl Drop for StopAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(self.1, Ordering::Relaxed);
        }
    }
}

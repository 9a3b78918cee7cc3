//! Many queries at once, spread over threads, or searched by a device and finished by threads.

use super::wide::{Offer, device_task, is_for_device};
use super::{PlanError, PlanOptions, Solution, plan_offered, sense};
use crate::check::{CheckError, EdgeChecker};
use crate::problem::Problem;
use crate::stop::{CancelToken, Stop};
use crate::threads::{MAX_THREADS, start};
use crate::wide::{Explorer, WideAnswer, WideTask};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < tasks.len());
    let work = || {
        let _stop = OnPanic(|| next.store(tasks.len(), Ordering::Relaxed));
        let mut answers = Vec::new();
        while let Some(i) = take() {
            answers.push((i, answer(&tasks[i], Instant::now(), || checker(i), None)));
            answered(i, &answers[answers.len() - 1].1);
        }
        answers
    };
    let others = threads.min(tasks.len()).min(MAX_THREADS).saturating_sub(1);
    in_order(beside(others, work, work))
}

/// Has some threads do the same work, and does its own beside them; gives what all came to.
fn beside<T: Send>(
    threads: usize,
    work: impl Fn() -> Vec<T> + Sync,
    own: impl FnOnce() -> Vec<T>,
) -> Vec<T> {
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..threads).map_while(|_| start(scope, &work)).collect();
        let mut all = own();
        for other in others {
            match other.join() {
                Ok(theirs) => all.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

fn in_order<T>(mut answers: Vec<(usize, T)>) -> Vec<T> {
    answers.sort_unstable_by_key(|&(i, _)| i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The answer to a task that began a while ago, with a path that has been found already, if there is one.
fn answer(
    task: &Task<'_>,
    begun: Instant,
    checker: impl FnOnce() -> Result<Box<dyn EdgeChecker>, CheckError>,
    offer: Option<&Offer>,
) -> Result<Solution, PlanError> {
    // Of what makes no sense there is no checker.
    sense::admit(task.problem, task.options)?;
    plan_offered(begun, task.problem, &mut *checker()?, task.options, offer)
}

/// The same, but the searches for first answers are those of `explorer`, all at once; whatever it finds a path for is
/// refined and certified by `threads` threads (at least one) beside it, and so is what is not for it: see [`crate::wide`].
/// `checker` makes that of a task, and is told whether the device searches it: then it should be one that works by
/// itself, or threads wait for a device that is busy.
///
/// An answer depends on its own task, and on how many others there are, and are left after the first sets: the more, the
/// fewer edges of each are looked at at once. The device has a task's time limit for the set that it is part of, and what
/// threads do with it has that limit once more. Also gives why the device failed, if it did: what it had not answered by then
/// is planned as by [`plan_batch`].
///
/// # Panics
/// As [`plan_batch`].
pub fn plan_batch_wide(
    tasks: &[Task<'_>],
    explorer: &mut dyn Explorer,
    checker: impl Fn(usize, bool) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    threads: usize,
    answered: impl Fn(usize, &Result<Solution, PlanError>) + Sync,
) -> (Vec<Result<Solution, PlanError>>, Option<CheckError>) {
    let asked = device_tasks(tasks, &checker);
    let broken = Arc::new(AtomicBool::new(false));
    let (offers, offered) = channel::<(usize, Option<Offer>)>();
    let offered = Mutex::new(offered);
    let take = || {
        let next = offered.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        next.filter(|_| !broken.load(Ordering::Relaxed))
    };
    let work = || {
        let _stop = OnPanic(|| broken.store(true, Ordering::Relaxed));
        let mut answers = Vec::new();
        while let Some((i, offer)) = take() {
            let make = || checker(i, asked[i].is_some());
            answers.push((i, answer(&tasks[i], Instant::now(), make, offer.as_ref())));
            answered(i, &answers[answers.len() - 1].1);
        }
        answers
    };
    let mut failure = None;
    let explore = || {
        let is_broken = broken.clone();
        let stop = Stop::new(None, Some(CancelToken::when(move || is_broken.load(Ordering::Relaxed))));
        failure = offer_all(&asked, explorer, &stop, &offers);
        // There are no more: who waits for one goes home.
        drop(offers);
        // Whoever explored lends a hand with what is left.
        work()
    };
    let answers = beside(threads.clamp(1, MAX_THREADS).min(tasks.len()), work, explore);
    (in_order(answers), failure)
}

/// Whether a device is of use for any of some tasks.
pub fn any_for_device(tasks: &[Task<'_>]) -> bool {
    tasks.iter().any(|task| is_for_device(task.problem, task.options))
}

/// How a device is compared with lanes.
#[derive(Clone, Copy, Debug)]
pub struct TrialSettings {
    /// Share of the tasks that each plans to be compared by.
    pub share: f64,
    /// Tasks of a trial, at least: of fewer a hard one decides.
    pub least: usize,
    /// Work that must be left in lanes for a device to be asked for: opening one takes a tenth of a second to some seconds.
    pub worth: Duration,
}

impl TrialSettings {
    /// Those of every batch.
    pub const DEFAULT: Self = Self { share: 1.0 / 32.0, least: 256, worth: Duration::from_secs(2) };
}

/// By whom most of a batch was planned.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchChoice {
    /// By lanes: so little was left that no device was asked for, there is none, or it was slower.
    Lanes,
    /// Searched by a device.
    Device,
    /// By lanes, after the device failed.
    Failed(CheckError),
}

/// [`plan_batch`] or [`plan_batch_wide`], whichever plans more of these tasks a second: by a small share of them that each
/// plans. `explorer` opens a device, if there is one worth trying, for the tasks from a number on; `checker` makes a task's
/// checker in lanes. The answers are those of whoever is faster on this machine.
///
/// # Panics
/// As [`plan_batch`].
pub fn plan_batch_by_trial(
    tasks: &[Task<'_>],
    settings: TrialSettings,
    explorer: impl FnOnce(usize) -> Option<Box<dyn Explorer>>,
    checker: impl Fn(usize) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    threads: usize,
    answered: impl Fn(usize, &Result<Solution, PlanError>) + Sync,
) -> (Vec<Result<Solution, PlanError>>, BatchChoice) {
    let trial = ((tasks.len() as f64 * settings.share) as usize).max(settings.least);
    let lanes = |range: Range<usize>| {
        let first = range.start;
        let make = |i: usize| checker(first + i);
        plan_batch(&tasks[range], make, threads, |i, answer| answered(first + i, answer))
    };
    // Whoever waits for the last of a trial loses a little, too.
    if tasks.len() <= 4 * trial {
        return (lanes(0..tasks.len()), BatchChoice::Lanes);
    }
    let begun = Instant::now();
    let mut answers = lanes(0..trial);
    let in_lanes = begun.elapsed();
    let left = in_lanes.mul_f64((tasks.len() - trial) as f64 / trial as f64);
    let is_worth_it = left > settings.worth && any_for_device(&tasks[trial..]);
    let Some(mut explorer) = is_worth_it.then(|| explorer(trial)).flatten() else {
        answers.extend(lanes(trial..tasks.len()));
        return (answers, BatchChoice::Lanes);
    };
    let mut offset = Offset { explorer: &mut *explorer, by: 0 };
    let mut wide = |range: Range<usize>| {
        let first = range.start;
        offset.by = first - trial;
        let make = |i: usize, _: bool| checker(first + i);
        plan_batch_wide(&tasks[range], &mut offset, make, threads, |i, answer| answered(first + i, answer))
    };
    // What a driver compiles, it compiles for the first.
    let (first, failure) = wide(trial..trial + 1);
    answers.extend(first);
    let begun = Instant::now();
    let (more, later) = wide(trial + 1..2 * trial);
    answers.extend(more);
    let on_device = begun.elapsed().mul_f64(trial as f64 / (trial - 1) as f64);
    let rest = 2 * trial..tasks.len();
    if let Some(failure) = failure.or(later) {
        answers.extend(lanes(rest));
        return (answers, BatchChoice::Failed(failure));
    }
    if on_device >= in_lanes {
        answers.extend(lanes(rest));
        return (answers, BatchChoice::Lanes);
    }
    let (more, failure) = wide(rest);
    answers.extend(more);
    (answers, failure.map_or(BatchChoice::Device, BatchChoice::Failed))
}

/// An explorer of part of the problems on a device: they have other numbers there.
struct Offset<'a> {
    explorer: &'a mut dyn Explorer,
    by: usize,
}

impl Explorer for Offset<'_> {
    fn explore(
        &mut self,
        tasks: &[WideTask],
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<(), CheckError> {
        let moved: Vec<WideTask> =
            tasks.iter().map(|task| WideTask { problem: task.problem + self.by, ..task.clone() }).collect();
        self.explorer.explore(&moved, stop, answered)
    }
}

/// What a device is to search for each task that is for it.
fn device_tasks(
    tasks: &[Task<'_>],
    checker: impl Fn(usize, bool) -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
) -> Vec<Option<WideTask>> {
    let next = AtomicUsize::new(0);
    let ask = |i: usize| {
        let Task { problem, options } = tasks[i];
        if !is_for_device(problem, options) || sense::admit(problem, options).is_err() {
            return None;
        }
        let admitted = problem.admitted();
        // Whoever answers tells what is wrong with it.
        device_task(&admitted.unwound(), options, i, &mut *checker(i, true).ok()?).ok()
    };
    let work = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < tasks.len());
        std::iter::from_fn(take).map(|i| (i, ask(i))).collect()
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    in_order(beside(processors.min(tasks.len() / LEAST_PREPARED), work, work))
}

/// No thread is started for fewer tasks than these, some tenths of a millisecond of work: it takes a tenth to start one.
const LEAST_PREPARED: usize = 16;

/// Has everything explored that is for the explorer, and offers what comes of it to whoever refines; of the rest, nothing.
fn offer_all(
    asked: &[Option<WideTask>],
    explorer: &mut dyn Explorer,
    stop: &Stop,
    offers: &Sender<(usize, Option<Offer>)>,
) -> Option<CheckError> {
    // Who is gone needs no more: a panic of theirs is passed on when all are.
    let offer = |i: usize, found: Option<Offer>| drop(offers.send((i, found)));
    let (numbers, wide): (Vec<usize>, Vec<WideTask>) =
        asked.iter().enumerate().filter_map(|(i, task)| Some((i, task.clone()?))).unzip();
    (0..asked.len()).filter(|&i| asked[i].is_none()).for_each(|i| offer(i, None));
    let mut is_open = vec![true; wide.len()];
    let begun = Instant::now();
    let failure = explorer.explore(&wide, stop, &mut |k, answer| {
        is_open[k] = false;
        let (samples, time) = (answer.samples, begun.elapsed().div_f64(wide.len() as f64));
        offer(numbers[k], answer.path.map(|(positions, _)| Offer { positions, samples, time }));
    });
    (0..wide.len()).filter(|&k| is_open[k]).for_each(|k| offer(numbers[k], None));
    failure.err()
}

/// Does something when its thread panics: that the others take no more work.
struct OnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

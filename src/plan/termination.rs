//! When a search gives up.

use super::{Budget, PlanOptions};
use crate::check::CheckError;
use crate::stop::Stop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Why a stage of a query ends without what it was to give.
#[derive(Clone, Debug)]
pub enum Halt {
    /// A budget was spent.
    Spent(Budget),
    /// The checking backend failed.
    Failed(CheckError),
}

impl From<CheckError> for Halt {
    fn from(error: CheckError) -> Self {
        Self::Failed(error)
    }
}

/// What a stage gives, or nothing where a budget was spent: for stages that may be left out.
pub(super) fn unless_spent<T>(stage: Result<T, Halt>) -> Result<Option<T>, CheckError> {
    match stage {
        Ok(given) => Ok(Some(given)),
        Err(Halt::Spent(_)) => Ok(None),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// The parts of a budget; a search asks after every sample.
#[derive(Clone, Debug)]
pub struct Termination<'a> {
    max_samples: u64,
    stop: Stop,
    /// Samples drawn by earlier searches of the same thread.
    before: u64,
    race: Option<&'a Race>,
}

/// The clock is read once in so many samples, ...
const SAMPLES_PER_CLOCK: u64 = 16;

/// ... and more often in trees of more nodes than this, in which it takes as long to find the nearest as to
/// check some edges: some microseconds.
const NODES_PER_CLOCK: usize = 1 << 14;

/// Until when better answers are looked for, where that is asked for: `None` for as long as the limit of time and
/// the caller allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Improve(Option<Instant>);

impl Improve {
    /// As `options` ask for it, counted from `begun`.
    pub(super) fn new(options: &PlanOptions, begun: Instant) -> Option<Self> {
        options.improve.map(|time| Self(begun.checked_add(time)))
    }
}

/// Searches of one query on several threads, of which the one that needs the fewest samples wins.
///
/// Who wins does not depend on the clock: a search gives up only once it has drawn more samples than
/// another needed for its answer, and so can't win any more, however far the others have come.
#[derive(Debug)]
pub(super) struct Race {
    /// Fewest samples that an answer took so far.
    least: AtomicU64,
    /// How many times the samples of the quickest answer another may take and still count.
    patience: u64,
    /// And how many samples more.
    grace: u64,
}

impl Race {
    /// A race in which answers count that take no more than `patience` times the samples of the
    /// quickest, and `grace` more.
    pub(super) fn new(patience: u64, grace: u64) -> Self {
        Self { least: AtomicU64::new(u64::MAX), patience, grace }
    }

    /// Takes note of a certified answer after so many samples.
    pub(super) fn answered(&self, samples: u64) {
        self.least.fetch_min(samples, Ordering::Relaxed);
    }

    /// Whether an answer after so many samples still counts, as far as is known.
    pub(super) fn counts(&self, samples: u64) -> bool {
        let least = self.least.load(Ordering::Relaxed);
        samples <= least.saturating_mul(self.patience).saturating_add(self.grace)
    }
}

impl<'a> Termination<'a> {
    /// The budgets of `options`, counted from `begun`.
    pub fn since(options: &PlanOptions, begun: Instant) -> Self {
        // What ends later than the clock can tell never ends.
        let deadline = options.time_limit.and_then(|limit| begun.checked_add(limit));
        let stop = Stop::new(deadline, options.cancel.clone());
        Self { max_samples: options.max_samples, stop, before: 0, race: None }
    }

    /// What all phases stop by.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// What is left of the budget after so many samples of earlier searches.
    #[must_use]
    pub fn after(&self, samples: u64) -> Self {
        Self { before: samples, ..self.clone() }
    }

    /// The same, but no more than so many samples in all.
    #[must_use]
    pub(super) fn within(&self, samples: u64) -> Self {
        Self { max_samples: self.max_samples.min(samples), ..self.clone() }
    }

    /// A search's part of the budget, beside others that have drawn `others` samples: until it has drawn `most`.
    #[must_use]
    pub(super) fn turn(&self, others: u64, most: u64) -> Self {
        let before = self.before.saturating_add(others);
        Self { before, ..self.within(before.saturating_add(most)) }
    }

    /// The same, but ending with a race.
    #[must_use]
    pub(super) fn racing(&self, race: &'a Race) -> Self {
        Self { race: Some(race), ..self.clone() }
    }

    /// The same, but with half of what is left of the time.
    #[must_use]
    pub(super) fn halved(&self) -> Self {
        Self { stop: self.stop.share(0.5), ..self.clone() }
    }

    /// The same, but outside of any race and no longer than better answers are looked for.
    #[must_use]
    pub(super) fn until(&self, improve: Option<Improve>) -> Self {
        let stop = self.stop.by(improve.and_then(|Improve(deadline)| deadline));
        Self { stop, race: None, ..self.clone() }
    }

    /// How long to find out for a hint what stood in the way of an answer, after a budget is spent: where it is that
    /// of time, so long at most. Whoever cancels does not wait for hints.
    pub(super) fn afterthought(&self, spent: Budget, most: Duration) -> Option<Stop> {
        match spent {
            Budget::Cancelled => None,
            Budget::Samples => Some(self.stop.clone()),
            Budget::Time => Some(Stop::after(Instant::now(), most)),
        }
    }

    /// The budget that is spent after so many samples.
    pub fn spent(&self, samples: u64) -> Option<Budget> {
        self.spent_among(samples, 0)
    }

    /// The same, of a search whose trees have so many nodes.
    pub fn spent_among(&self, samples: u64, nodes: usize) -> Option<Budget> {
        let all = self.before.saturating_add(samples);
        if all >= self.max_samples || self.race.is_some_and(|race| !race.counts(all)) {
            return Some(Budget::Samples);
        }
        let is_asked = nodes > NODES_PER_CLOCK || samples.is_multiple_of(SAMPLES_PER_CLOCK);
        if is_asked { self.interrupted() } else { None }
    }

    /// Samples that are left of the budget after so many.
    pub(super) fn left(&self, samples: u64) -> u64 {
        self.max_samples.saturating_sub(self.before.saturating_add(samples))
    }

    /// The budget of time, or the caller's patience, where that is spent.
    pub fn interrupted(&self) -> Option<Budget> {
        self.stop.reason().map(Budget::from)
    }

    /// Whether it is.
    pub fn late(&self) -> bool {
        self.stop.is_due()
    }

    /// Whether less than `needed` is left of the time budget.
    pub(super) fn late_for(&self, needed: Duration) -> bool {
        self.stop.is_due_in(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::CancelToken;

    #[test]
    fn a_search_gives_up_only_when_it_cannot_win() {
        let race = Race::new(1, 0);
        let options = PlanOptions { time_limit: None, max_samples: 1000, ..Default::default() };
        let termination = Termination::since(&options, Instant::now()).racing(&race);
        assert_eq!(termination.spent(999), None);
        race.answered(50);
        race.answered(80);
        assert_eq!(termination.spent(50), None, "as good as the winner");
        assert_eq!(termination.spent(51), Some(Budget::Samples));
        assert_eq!(termination.after(50).spent(1), Some(Budget::Samples));
        assert_eq!(termination.until(None).spent(999), None);
        let limited = PlanOptions { time_limit: Some(Duration::from_secs(3600)), ..options };
        let hour = Termination::since(&limited, Instant::now());
        assert!(hour.halved().late_for(Duration::from_secs(1801)) && !hour.halved().late());
        assert!(!termination.halved().late());
        assert_eq!(termination.until(None).within(60).spent(60), Some(Budget::Samples));
    }

    #[test]
    fn a_budget_says_what_ended_it() {
        let token = CancelToken::new();
        let options = PlanOptions {
            time_limit: Some(Duration::MAX),
            cancel: Some(token.clone()),
            ..Default::default()
        };
        let termination = Termination::since(&options, Instant::now());
        assert_eq!((termination.spent(16), termination.stop().left()), (None, None));
        token.cancel();
        assert_eq!((termination.spent(15), termination.spent(16)), (None, Some(Budget::Cancelled)));
        assert_eq!(termination.spent_among(15, 2 * NODES_PER_CLOCK), Some(Budget::Cancelled));
        let late = PlanOptions { time_limit: Some(Duration::ZERO), ..Default::default() };
        assert_eq!(Termination::since(&late, Instant::now()).interrupted(), Some(Budget::Time));
    }

    #[test]
    fn improving_has_an_end_or_none() {
        let begun = Instant::now();
        let options = |improve| PlanOptions { improve, time_limit: None, ..Default::default() };
        let end = |improve| {
            let options = options(improve);
            let improve = Improve::new(&options, begun);
            improve.map(|_| Termination::since(&options, Instant::now()).until(improve).interrupted())
        };
        assert_eq!(end(None), None);
        assert_eq!(end(Some(Duration::ZERO)), Some(Some(Budget::Time)));
        assert_eq!(end(Some(Duration::MAX)), Some(None));
    }
}

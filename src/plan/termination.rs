//! When a search gives up.

use super::{Budget, PlanOptions};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The parts of a budget; a search asks after every sample.
#[derive(Clone, Copy, Debug)]
pub struct Termination<'a> {
    max_samples: u64,
    deadline: Option<Instant>,
    /// Samples drawn by earlier searches of the same thread.
    before: u64,
    race: Option<&'a Race>,
}

/// The clock is read once in so many samples.
const SAMPLES_PER_CLOCK: u64 = 16;

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
    /// The budgets of `options`, counted from now.
    pub fn new(options: &PlanOptions) -> Self {
        let deadline = options.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { max_samples: options.max_samples, deadline, before: 0, race: None }
    }

    /// What is left of the budget after so many samples of earlier searches.
    #[must_use]
    pub fn after(&self, samples: u64) -> Self {
        Self { before: samples, ..*self }
    }

    /// The same, but no more than so many samples in all.
    #[must_use]
    pub(super) fn within(&self, samples: u64) -> Self {
        Self { max_samples: self.max_samples.min(samples), ..*self }
    }

    /// The same, but ending with a race.
    #[must_use]
    pub(super) fn racing(&self, race: &'a Race) -> Self {
        Self { race: Some(race), ..*self }
    }

    /// The same, but with half of what is left of the time.
    #[must_use]
    pub(super) fn halved(&self) -> Self {
        let now = Instant::now();
        let half = |deadline: Instant| now + deadline.saturating_duration_since(now) / 2;
        Self { deadline: self.deadline.map(half), ..*self }
    }

    /// The same, but outside of any race and no later than `deadline`.
    #[must_use]
    pub(super) fn until(&self, deadline: Option<Instant>) -> Self {
        let deadline = [self.deadline, deadline].into_iter().flatten().min();
        Self { deadline, race: None, ..*self }
    }

    /// The budget that is spent after so many samples.
    pub fn spent(&self, samples: u64) -> Option<Budget> {
        let all = self.before.saturating_add(samples);
        if all >= self.max_samples || self.race.is_some_and(|race| !race.counts(all)) {
            return Some(Budget::Samples);
        }
        (samples.is_multiple_of(SAMPLES_PER_CLOCK) && self.late()).then_some(Budget::Time)
    }

    /// Whether the time budget is spent.
    pub fn late(&self) -> bool {
        self.late_for(Duration::ZERO)
    }

    /// Whether less than `needed` is left of the time budget.
    pub(super) fn late_for(&self, needed: Duration) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() + needed >= deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_gives_up_only_when_it_cannot_win() {
        let race = Race::new(1, 0);
        let options = PlanOptions { time_limit: None, max_samples: 1000, ..Default::default() };
        let termination = Termination::new(&options).racing(&race);
        assert_eq!(termination.spent(999), None);
        race.answered(50);
        race.answered(80);
        assert_eq!(termination.spent(50), None, "as good as the winner");
        assert_eq!(termination.spent(51), Some(Budget::Samples));
        assert_eq!(termination.after(50).spent(1), Some(Budget::Samples));
        assert_eq!(termination.until(None).spent(999), None);
        let hour = Termination { deadline: Some(Instant::now() + Duration::from_secs(3600)), ..termination };
        assert!(hour.halved().late_for(Duration::from_secs(1801)) && !hour.halved().late());
        assert!(!termination.halved().late());
        assert_eq!(termination.until(None).within(60).spent(60), Some(Budget::Samples));
    }
}

//! When a search gives up.

use super::{Budget, PlanOptions};
use std::time::Instant;

/// The parts of a budget; a search asks after every sample.
#[derive(Clone, Copy, Debug)]
pub struct Termination {
    max_samples: u64,
    deadline: Option<Instant>,
}

/// The clock is read once in so many samples.
const SAMPLES_PER_CLOCK: u64 = 16;

impl Termination {
    /// The budgets of `options`, counted from now.
    pub fn new(options: &PlanOptions) -> Self {
        let deadline = options.time_limit.and_then(|limit| Instant::now().checked_add(limit));
        Self { max_samples: options.max_samples, deadline }
    }

    /// What is left of the budget after so many samples of earlier searches.
    #[must_use]
    pub fn after(&self, samples: u64) -> Self {
        Self { max_samples: self.max_samples.saturating_sub(samples), ..*self }
    }

    /// The budget that is spent after so many samples.
    pub fn spent(&self, samples: u64) -> Option<Budget> {
        if samples >= self.max_samples {
            return Some(Budget::Samples);
        }
        (samples.is_multiple_of(SAMPLES_PER_CLOCK) && self.late()).then_some(Budget::Time)
    }

    /// Whether the time budget is spent.
    pub fn late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

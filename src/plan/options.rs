//! What a caller may choose about a search.

use std::time::Duration;

/// Choices of a caller; every field has a sensible default.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanOptions {
    /// Seed of everything random. The same seed, backend and options give the same trajectory.
    pub seed: u64,
    /// Wall-clock budget of the whole call; `None` for no limit.
    pub time_limit: Option<Duration>,
    /// Budget of samples drawn by the search.
    pub max_samples: u64,
    /// Longest edge of the search, in the flat output space (root of the sum of squares, rad and m).
    pub range: f64,
    /// Share of the samples that carry a velocity, 0 to 1. The others are at rest.
    pub moving_share: f64,
    /// Edges that the search has checked at once; 0 leaves it to the backend (CPUs: 1). The more, the
    /// less each knows of the others' outcome, but devices are only fast with many.
    pub batch: usize,
    /// Farthest any sphere may move between two checked samples of an edge, metres.
    pub resolution: f64,
    /// Shortcuts tried when the answer is refined; 0 returns the raw path.
    pub shortcut_tries: u32,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            time_limit: Some(Duration::from_secs(5)),
            max_samples: 100_000_000,
            range: 1.0,
            moving_share: 0.0,
            batch: 0,
            resolution: 0.05,
            shortcut_tries: 16,
        }
    }
}

//! What is to be searched, what comes of it, and who searches.

use crate::check::CheckError;
use crate::stop::{CancelToken, Stop};
use std::time::Duration;

/// The numbers of the wide search, the same for every problem and in lanes as on devices, which get them as overrides.
pub struct WideSettings {
    /// An edge whose efforts, or the limits of whose base, do not hold is tried again so often, ...
    pub tries: u32,
    /// ... each time so many times as long.
    pub slower: f32,
    /// States of a path, at most: one that has more is not read back.
    pub most_knots: u32,
    /// Outputs, at most: more do not fit the counters of random numbers.
    pub most_outputs: usize,
    /// Slots go up by so many, which share a pass over a tree.
    pub tile: u32,
    /// Slots of a search in lanes, where nobody says otherwise.
    pub slots: u32,
}

impl WideSettings {
    /// Those of every search.
    pub const DEFAULT: Self =
        Self { tries: 5, slower: 1.5, most_knots: 256, most_outputs: 60, tile: 4, slots: 32 };
}

/// What a unit of one output is to a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WideOutput {
    /// Where samples are drawn from, least and greatest.
    pub bounds: (f64, f64),
    /// What a unit counts in distances.
    pub weight: f64,
    /// How far a unit moves any sphere at most, metres.
    pub reach: f64,
    /// From rest to rest, a way d takes the greatest of d times the first, the root of d times the second, and the cube
    /// root of d times the third: by the limits of velocity, acceleration and jerk.
    pub seconds: [f64; 3],
}

/// A search to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct WideTask {
    /// Number of its problem on the device.
    pub problem: usize,
    /// Outputs.
    pub outputs: Vec<WideOutput>,
    /// Degree of its edges: 3, or 5 where acceleration is part of the state.
    pub degree: usize,
    /// Positions at rest that the trees grow from: of the start, and of the goals. None may be empty.
    pub roots: [Vec<Vec<f64>>; 2],
    /// Seed of everything random.
    pub seed: u64,
    /// Longest edge, in the trees' metric.
    pub range: f64,
    /// What every sphere is grown by, metres.
    pub padding: f64,
    /// Beside that where it is held against obstacles, metres.
    pub clearance: f64,
    /// Farthest that a sphere moves between two samples of an edge, metres.
    pub resolution: f64,
    /// Samples that it may draw.
    pub most_samples: u64,
    /// How long a device may work on it, and the searches beside it; `None`: as long as it takes.
    pub time_limit: Option<Duration>,
    /// By which whoever asked for it says that nobody waits any more.
    pub cancel: Option<CancelToken>,
}

/// What comes of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct WideAnswer {
    /// Positions at rest from a root of the start to one of the goals; and how many of them are of the start's tree.
    /// `None` where none was found.
    pub path: Option<(Vec<Vec<f64>>, usize)>,
    /// Samples drawn.
    pub samples: u64,
    /// Nodes of both trees.
    pub nodes: [usize; 2],
    /// Whether a tree had no more room.
    pub is_full: bool,
}

/// Searches many problems at once.
pub trait Explorer: Send {
    /// Searches all tasks, and hands over the answer to each as it comes, by its index and in any order, until `stop` is
    /// due: the rest is answered by none.
    ///
    /// # Errors
    /// When the device fails. Answers that were handed over before are good.
    fn explore(
        &mut self,
        tasks: &[WideTask],
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<(), CheckError>;
}

//! The wide search: RRT-Connect in rounds of many edges, of many problems at once, the same in lanes and wholly on a
//! device. Imports `check`, `search`, `steer`, `problem` and what lies below them.
//!
//! Every search has some slots, each of which works by itself: it draws a sample, extends a tree towards it, and where
//! that is valid has the other tree connect to the new node, edge by edge, one edge in each round (Kuffner and LaValle,
//! *RRT-Connect*, ICRA 2000). A round reads the trees as they were when it began, and what it found valid is appended in
//! the order of the slots: so a search depends on its seed alone, on whatever device. (pRRTC, Huang et al. 2025, lets
//! thousands of blocks append at any time, which is quicker by a barrier and never the same twice.)
//!
//! The stages of a round have one name everywhere: `propose`, `nearest`, `steer`, `check`, `append`, `tally`; before the
//! first `plant`, after the last `trace`. In lanes they are [`Rounds`]; on a device `shaders/wide/`, one kernel each, for
//! which [`Rounds`] is the oracle. States but the roots are at rest, so that edges are straight lines driven from rest to
//! rest; the answer is made smooth afterwards.

#[cfg(feature = "gpu")]
mod gpu;
mod lanes;
mod layout;
mod random;
mod rounds;

#[cfg(feature = "gpu")]
pub use gpu::{DeviceExplorer, WideTraffic, nearest_rate};
pub use lanes::WideSearch;
pub use layout::{Search, Slot};
pub use rounds::{Rounds, WideRoom};

#[cfg(feature = "gpu")]
use crate::check::Backend;
use crate::check::{AdapterChoice, CheckError, Checkers, OnDevice};
use crate::problem::Problem;
use crate::stop::Stop;

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

/// What searches the problems of some checkers all at once, if they share a device.
///
/// # Errors
/// When the device fails.
pub fn explorer(checkers: &Checkers<'_>) -> Result<Option<Box<dyn Explorer>>, CheckError> {
    #[cfg(feature = "gpu")]
    if let Some(pool) = checkers.pool() {
        return Ok(Some(Box::new(DeviceExplorer::new(pool)?)));
    }
    let _ = checkers;
    Ok(None)
}

/// A device that is worth trying for some problems, each with the farthest that a sphere may move between two samples,
/// metres: hardware that works and has room for them; software is slower than lanes. It is opened if it is not yet, which
/// takes a tenth of a second to some seconds.
pub fn worth_trying<'a>(
    adapter: &AdapterChoice,
    problems: impl IntoIterator<Item = (&'a Problem, impl Into<Option<f64>>)>,
) -> Option<Box<dyn Explorer>> {
    #[cfg(feature = "gpu")]
    if !crate::check::gpu::Gpu::shared(adapter).ok()?.is_software() {
        let checkers = Backend::Gpu.checkers(adapter, problems).ok()?;
        return explorer(&checkers).ok()?;
    }
    #[cfg(not(feature = "gpu"))]
    let _ = (adapter, problems);
    None
}

/// What searches on the device of a checker; tasks name the problem by its number there.
///
/// # Errors
/// When the device fails.
pub fn explorer_on(place: &OnDevice) -> Result<Box<dyn Explorer>, CheckError> {
    #[cfg(feature = "gpu")]
    return Ok(Box::new(DeviceExplorer::new(&place.pool)?));
    #[cfg(not(feature = "gpu"))]
    {
        let message = format!("problem {} is on no device", place.problem);
        Err(CheckError::Backend { backend: "gpu".to_owned(), message })
    }
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

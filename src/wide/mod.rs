//! The wide search: RRT-Connect in rounds of many edges, of many problems at once, the same in lanes and wholly on a
//! device. Imports `check`, `search`, `steer`, `problem` and what lies below them.
//!
//! Every search has some slots, each of which works by itself: it draws a sample, extends a tree towards it, and where
//! that is valid has the other tree connect to the new node, edge by edge, one edge in each round (Kuffner and LaValle,
//! *RRT-Connect*, ICRA 2000). A round reads the trees as they were when it began, and what it found valid is appended in
//! the order of the slots: so a search depends on its seed and its room alone, on whatever device rounds alike. (pRRTC, Huang et al. 2025, lets
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
mod task;

#[cfg(feature = "gpu")]
pub use gpu::{DeviceExplorer, WideTraffic, nearest_rate};
pub use lanes::WideSearch;
pub use layout::{Search, Slot};
pub use rounds::{Rounds, WideRoom};
pub use task::{Explorer, WideAnswer, WideOutput, WideSettings, WideTask};

#[cfg(feature = "gpu")]
use crate::check::Backend;
use crate::check::{AdapterChoice, CheckError, Checkers, OnDevice};
use crate::problem::Problem;

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

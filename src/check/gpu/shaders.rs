//! The WGSL modules and the order in which they are joined. Sizes reach them as overrides; but a thread's
//! own memory must have a constant size, which is written before the first of them.
//! Imports nothing of flatout but `check::packed`'s constants.

use super::super::packed::{CLUSTER, RAKE};
use super::layout::DEGREE_SHIFT;

/// A file of `shaders/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Module {
    /// Name without extension: the stage's, for a stage; of a kind of base, that of its file in `src/base`.
    pub name: &'static str,
    /// Text.
    pub source: &'static str,
}

macro_rules! module {
    ($name:literal) => {
        Module { name: $name, source: include_str!(concat!("../../../shaders/", $name, ".wgsl")) }
    };
}

/// Where threads keep what they work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Memory {
    /// In memory of each thread.
    Private,
    /// In a buffer.
    Storage,
}

impl Memory {
    fn module(self) -> Module {
        match self {
            Self::Private => module!("memory_private"),
            Self::Storage => module!("memory_storage"),
        }
    }
}

/// How the threads of an edge tell each other of failing samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Vote {
    /// By the workgroup's memory.
    Workgroup,
    /// By subgroup operations first.
    Subgroup,
}

impl Vote {
    fn module(self) -> Module {
        match self {
            Self::Workgroup => module!("vote_workgroup"),
            Self::Subgroup => module!("vote_subgroup"),
        }
    }
}

/// All modules in the order in which they are joined.
pub(super) fn modules(memory: Memory, vote: Vote) -> [Module; 15] {
    [
        module!("batch"),
        module!("problem"),
        memory.module(),
        vote.module(),
        module!("unflatten"),
        module!("base"),
        module!("base/ground"),
        module!("base/airplane"),
        module!("base/planar_quadrotor"),
        module!("base/quadrotor"),
        module!("base/omnidirectional"),
        module!("place"),
        module!("collide"),
        module!("limits"),
        module!("check"),
    ]
}

/// The joined source of kernels whose threads keep so many `words`.
pub(super) fn join(modules: &[Module], words: u32) -> String {
    let size = format!("const WORDS = {words}u;");
    let sources = modules.iter().map(|module| module.source);
    std::iter::once(size.as_str()).chain(sources).collect::<Vec<_>>().join("\n")
}

/// The entry points.
pub(super) const ENTRY_POINTS: [&str; 2] = ["check_edges", "check_states"];

/// The overrides of a pipeline.
pub(super) fn overrides(workgroup: u32, vehicles: bool) -> [(&'static str, f64); 5] {
    [
        ("RAKE", RAKE as f64),
        ("CLUSTER", CLUSTER as f64),
        ("WORKGROUP", f64::from(workgroup)),
        ("VEHICLES", f64::from(u8::from(vehicles))),
        ("DEGREE_SHIFT", f64::from(DEGREE_SHIFT)),
    ]
}

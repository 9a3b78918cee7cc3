//! Trajectories as files give them.

use crate::trajectory::Trajectory;
use std::collections::HashSet;

/// A trajectory as a file gives it, with a name for each of its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTrajectory {
    /// Names of the outputs (joints), in the order of the file.
    pub outputs: Vec<String>,
    /// The trajectory, its time counted from the first point.
    pub trajectory: Trajectory,
}

/// The first of `names` that stands there twice.
pub(super) fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

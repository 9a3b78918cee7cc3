//! The trees of RRT-Connect and of what builds on it: how far a node is extended, where samples are drawn, and how
//! distances are measured. Imports `search`, `local_planner` and what lies below them.

use super::PlanOptions;
use super::braking::standstills;
use crate::check::packed::reaches;
use crate::check::{CheckError, Lengths, search_box};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::{ExtensionSettings, NodeIndex, Sampler, Tree, step};
use crate::steer::End;

/// The numbers of the search, the same for every problem.
pub(super) struct SearchSettings {
    /// Extensions that must have failed before their ends are screened: easy queries are over by then, and a node that
    /// one of them adds is of use to the next at once.
    pub(super) unscreened: u64,
    /// The clock is read once in so many edges: so seldom it costs nothing, and a search is late by few of them.
    pub(super) edges_per_clock: u64,
    /// And in so many edges that are proposed or accepted, where a round has thousands: these are cheaper than checked
    /// ones.
    pub(super) proposals_per_clock: usize,
    /// States of the smaller tree from which the nearest of the other is looked for, to tell how near they came: enough
    /// to tell, and few enough for the little time that is left then.
    pub(super) looks: usize,
    /// The least that an output counts in distances, where the mean is one: nor may any be no step at all.
    pub(super) least_weight: f64,
}

impl SearchSettings {
    pub(super) const DEFAULT: Self = Self {
        unscreened: 32,
        edges_per_clock: 16,
        proposals_per_clock: 64,
        looks: 4096,
        least_weight: 0.1,
    };
}

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Grown forward from the start.
    Start = 0,
    /// Grown backward from the goals.
    Goal = 1,
}

impl Side {
    /// That of the other tree.
    pub(super) fn other(self) -> Self {
        match self {
            Self::Start => Self::Goal,
            Self::Goal => Self::Start,
        }
    }
}

/// How the search measures: distances, and where it draws from.
pub(super) struct Metric {
    /// Longest edge.
    pub(super) range: f64,
    /// What a unit of each output counts in distances.
    pub(super) weights: Vec<f64>,
    /// Where samples are drawn from, least and greatest of each output.
    pub(super) bounds: Vec<(f64, f64)>,
}

impl Metric {
    /// That of a problem.
    pub(super) fn new(problem: &Problem, options: &PlanOptions) -> Self {
        let dof = problem.mechanism.dof();
        let lengths = Lengths::of(problem);
        let only_slides = (0..dof).all(|output| !problem.mechanism.is_angle(output));
        let slide = if only_slides { lengths.radian } else { 1.0 };
        let range = options.range.map_or(PlanOptions::RANGE, |range| range / slide);
        let unit = |output| if problem.mechanism.is_angle(output) { 1.0 } else { lengths.radian };
        let units: Vec<f64> = (0..dof).map(unit).collect();
        let weights = weights(&reaches(&problem.mechanism), &units);
        Self { range, weights, bounds: search_box(problem, lengths.radian) }
    }
}

/// A tree and what the search knows of its nodes.
pub(super) struct Grown {
    pub(super) tree: Tree,
    /// The samples that are offered to this tree alone.
    pub(super) sampler: Sampler,
    /// Duration of the edge to each node's parent.
    pub(super) durations: Vec<f64>,
    /// Extensions of each node that have failed.
    pub(super) failures: Vec<u32>,
    /// Acceleration of each root. That of all other nodes is zero.
    pub(super) accelerations: Vec<Vec<f64>>,
    pub(super) still: Vec<f64>,
}

impl Grown {
    /// A tree of its roots alone; `weights` are its metric's.
    pub(super) fn new<'s>(weights: &[f64], sampler: Sampler, roots: impl Iterator<Item = &'s JointState>) -> Self {
        let mut grown = Self {
            tree: Tree::new(weights),
            sampler,
            durations: Vec::new(),
            failures: Vec::new(),
            accelerations: Vec::new(),
            still: vec![0.0; weights.len()],
        };
        for root in roots {
            grown.add(&root.position, &root.velocity, None, 0.0);
            grown.accelerations.push(root.acceleration.clone());
        }
        grown
    }

    pub(super) fn add(
        &mut self,
        position: &[f64],
        velocity: &[f64],
        parent: Option<NodeIndex>,
        duration: f64,
    ) -> NodeIndex {
        self.durations.push(duration);
        self.failures.push(0);
        self.tree.add(position, velocity, parent)
    }

    pub(super) fn end(&self, node: NodeIndex) -> End<'_> {
        let acceleration = self.accelerations.get(node).unwrap_or(&self.still);
        End { position: self.tree.position(node), velocity: self.tree.velocity(node), acceleration }
    }

    /// The node that a sample extends, if it takes samples from so far. `position` is moved back to
    /// no farther than `range` from it.
    pub(super) fn extension(&self, position: &mut [f64], range: f64) -> Option<NodeIndex> {
        let (near, distance) = self.tree.nearest(position);
        self.bring_near(near, distance, position, range).then_some(near)
    }

    /// Moves a sample that is so far from a node back to no farther than `range` from it, less where the node's extensions
    /// fail. Whether the node takes samples from so far.
    pub(super) fn bring_near(&self, near: NodeIndex, distance: f64, position: &mut [f64], range: f64) -> bool {
        let failures = self.failures[near];
        if !ExtensionSettings::DEFAULT.takes(failures, distance, range) {
            return false;
        }
        toward(self.tree.position(near), position, step(failures) * range / distance);
        true
    }

    /// From a node of this tree, which grows forward, to one of another, which grows backward, over an edge of some
    /// duration: the whole path from root to root.
    pub(super) fn path_over(&self, node: NodeIndex, duration: f64, other: &Self, to: NodeIndex) -> Knots {
        let mut path = Knots::default();
        for node in self.tree.to_root(node) {
            path.states.push(self.state(node));
            path.durations.push(self.durations[node]);
        }
        path.states.reverse();
        path.durations.pop();
        path.durations.reverse();
        path.durations.push(duration);
        for node in other.tree.to_root(to) {
            path.states.push(other.state(node));
            path.durations.push(other.durations[node]);
        }
        path.durations.pop();
        path
    }

    pub(super) fn state(&self, node: NodeIndex) -> JointState {
        let End { position, velocity, acceleration } = self.end(node);
        let [position, velocity, acceleration] = [position, velocity, acceleration].map(<[f64]>::to_vec);
        JointState { position, velocity, acceleration }
    }

    /// Joins every root that moves to states at rest near it, from where there is less to go wrong.
    ///
    /// # Errors
    /// When the checking backend fails.
    pub(super) fn leave_speed(&mut self, side: Side, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
        let limits = local.limits().to_vec();
        for root in 0..self.tree.len() {
            for rest in standstills(&limits, &self.state(root), side == Side::Goal) {
                let (mut from, mut to) = (self.end(root), End::from(&rest));
                if side == Side::Goal {
                    std::mem::swap(&mut from, &mut to);
                }
                if let Some(duration) = local.connect(from, to, f64::INFINITY)? {
                    self.add(&rest.position, &rest.velocity, Some(root), duration);
                }
            }
        }
        Ok(())
    }
}

/// Draws a state: at rest, or for a share of the samples with velocity.
pub(super) fn sample(
    sampler: &mut Sampler,
    options: &PlanOptions,
    moving_share: f64,
    limits: &[OutputLimits],
    position: &mut [f64],
    velocity: &mut [f64],
) {
    sampler.sample(position);
    if let Some(sampling) = &options.sampling {
        sampling.draw(&mut || sampler.unit(), position);
    }
    if moving_share > 0.0 && sampler.unit() < moving_share {
        for (output, (v, limits)) in velocity.iter_mut().zip(limits).enumerate() {
            // What can be braked within the bounds, even where velocities have no limit.
            let most = limits.velocity.min((2.0 * limits.acceleration * sampler.width(output)).sqrt());
            *v = if most.is_finite() { (2.0 * sampler.unit() - 1.0) * most } else { 0.0 };
        }
    }
}

/// Moves `to` back to the point that lies the share `share` (at most 1) of the way from `from`.
pub(super) fn toward(from: &[f64], to: &mut [f64], share: f64) {
    if share < 1.0 {
        for (t, &f) in to.iter_mut().zip(from) {
            *t = f + (*t - f) * share;
        }
    }
}

/// What a unit of each output counts in the search's distances: the root of how far it moves the robot
/// at most (`reach`, metres), against the mean of all. A turn of the wrist by itself is a small
/// step, one of the shoulder a large one that more stands in the way of; nor may any be no step at all.
/// `units` is what counts as a unit: a radian, or as many metres as that is worth.
pub(super) fn weights(reach: &[f32], units: &[f64]) -> Vec<f64> {
    let reaches: Vec<f64> = reach.iter().zip(units).map(|(&reach, unit)| f64::from(reach) * unit).collect();
    let mean = reaches.iter().sum::<f64>() / reach.len() as f64;
    let weight = |reach: f64| {
        if mean > 0.0 { (reach / mean).sqrt().max(SearchSettings::DEFAULT.least_weight) } else { 1.0 }
    };
    reaches.iter().zip(units).map(|(&reach, unit)| weight(reach) / unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_more_counts_more() {
        assert_eq!(weights(&[4.0, 0.0, 0.0, 0.0], &[1.0; 4]), [2.0, 0.1, 0.1, 0.1]);
        assert_eq!(weights(&[1.0, 1.0, 1.0], &[1.0; 3]), [1.0; 3]);
        assert_eq!(weights(&[0.0, 0.0], &[1.0; 2]), [1.0; 2]);
        // A slide by what a radian is worth is as far as the turn by a radian.
        assert_eq!(weights(&[4.0, 1.0], &[1.0, 4.0]), [1.0, 0.25]);
    }
}

//! The flat outputs of a quadrotor as a mechanism of their own: what the search and the refinement of
//! accelerations see of it.

use crate::check::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Verdict};
use crate::problem::{JointState, Problem};
use crate::robot::{Mechanism, OutputLimits};
use crate::stop::Stop;
use crate::world::World;

/// A problem in the flat outputs of `problem`'s base, within `limits`. It has no bodies: a checker knows
/// those.
pub(super) fn problem(
    problem: &Problem,
    names: &[&str],
    limits: Vec<OutputLimits>,
    start: JointState,
    goals: Vec<JointState>,
) -> Problem {
    let outer = &problem.mechanism;
    let mechanism = Mechanism::bare(
        outer.bodies[..1].to_vec(),
        names.iter().map(|&name| name.to_owned()).collect(),
        limits,
    );
    let Problem { smoothness, gravity, .. } = *problem;
    Problem { mechanism, world: World::default(), start, goals, smoothness, torque: false, gravity }
}

/// A checker of a quadrotor's problem, for states of its flat outputs: level ones.
pub(super) struct FlatChecker<'a> {
    inner: &'a mut dyn EdgeChecker,
    states: StateBatch,
    /// Of the base's coordinates.
    placed: [Vec<f64>; 2],
}

impl<'a> FlatChecker<'a> {
    /// For a mechanism with so many joints.
    pub(super) fn new(inner: &'a mut dyn EdgeChecker, joints: usize) -> Self {
        Self { inner, states: StateBatch::new(joints), placed: [vec![0.0; joints], vec![0.0; joints]] }
    }

    fn place(&mut self, states: &StateBatch) {
        self.states.clear();
        for i in 0..states.len() {
            for (order, placed) in self.placed.iter_mut().enumerate() {
                for (joint, &value) in placed.iter_mut().zip(states.get(i, order)) {
                    *joint = f64::from(value);
                }
            }
            let [position, velocity] = &self.placed;
            self.states.push(position, velocity, velocity);
        }
    }
}

impl EdgeChecker for FlatChecker<'_> {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.inner.check(edges, verdicts)
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.place(states);
        self.inner.check_states(&self.states, verdicts)
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        self.inner.effort_shares(edges, longest, shares)
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.place(states);
        self.inner.screen(&self.states, free)
    }

    fn screened_at_once(&self) -> usize {
        self.inner.screened_at_once()
    }

    fn set_clearance(&mut self, metres: f64) {
        self.inner.set_clearance(metres);
    }

    fn set_padding(&mut self, metres: f64) {
        self.inner.set_padding(metres);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.inner.set_resolution(metres);
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.inner.set_stop(stop);
    }

    fn states_checked(&self) -> u64 {
        self.inner.states_checked()
    }

    fn preferred_batch(&self) -> usize {
        self.inner.preferred_batch()
    }

    fn name(&self) -> String {
        self.inner.name()
    }

    fn take_warnings(&mut self) -> Vec<String> {
        self.inner.take_warnings()
    }
}

//! A checker that asks a caller's own constraints too, of what another checker lets pass. Imports the oracle's samples.

use super::packed::{EdgeBatch, Packed, RAKE, StateBatch};
use super::scalar::{derivatives, states_of, times};
use super::{CheckError, EdgeChecker, Status, Verdict};
use crate::problem::{Constraint, Problem, StateSample};
use crate::robot::Mechanism;
use crate::stop::Stop;
use crate::world::World;

/// An edge has no more samples than this.
const MOST_SAMPLES: f32 = 1e6;

/// Asks constraints at the samples at which the oracle checks an edge, in `f64`.
pub struct ConstrainedChecker<'a> {
    inner: &'a mut dyn EdgeChecker,
    constraints: &'a [Constraint],
    mechanism: &'a Mechanism,
    /// What tells how many samples an edge has.
    packed: Packed,
    /// How far joints may move between two samples, in their own units.
    step: f32,
    /// One for each output: what a move of it counts.
    ones: Vec<f32>,
    stop: Stop,
}

impl<'a> ConstrainedChecker<'a> {
    /// A checker of `problem` that asks `constraints` of what `inner` lets pass, at a spacing of `resolution` metres.
    pub fn new(
        inner: &'a mut dyn EdgeChecker,
        problem: &'a Problem,
        constraints: &'a [Constraint],
        resolution: f64,
    ) -> Self {
        // Obstacles are the other's business.
        let alone = Problem { world: World::default(), ..problem.clone() };
        let packed = Packed::new(&alone, resolution);
        let mechanism = &problem.mechanism;
        let step = constraints.iter().filter_map(Constraint::step).fold(f64::INFINITY, f64::min) as f32;
        let ones = vec![1.0; mechanism.flat_dof()];
        Self { inner, constraints, mechanism, packed, step, ones, stop: Stop::NEVER }
    }

    /// The first constraint that a state does not meet.
    fn unmet(&self, [y, yd, ydd]: [&[f64]; 3]) -> Option<usize> {
        let sample = StateSample::new(self.mechanism, y, yd, ydd);
        self.constraints.iter().position(|constraint| constraint.margin(&sample) < 0.0)
    }

    fn verdict(&self, edges: &EdgeBatch, i: usize) -> Verdict {
        let edge = edges.get(i);
        let own = (edge.travel(&self.ones) / self.step).ceil().min(MOST_SAMPLES) as usize;
        let rakes = self.packed.rakes(&edge).max((own + 1).div_ceil(RAKE));
        for t in times(&edge, rakes) {
            if self.stop.is_due() {
                return Verdict::UNCHECKED;
            }
            let flat = derivatives(&edge, t, self.mechanism.flat_dof());
            let Some([y, yd, ydd]) = states_of(self.mechanism, flat) else { continue };
            if let Some(unmet) = self.unmet([&y, &yd, &ydd]) {
                return Verdict::invalid(Status::Constraint, t, unmet, 0);
            }
        }
        Verdict::VALID
    }

    fn state(states: &StateBatch, i: usize) -> [Vec<f64>; 3] {
        [0, 1, 2].map(|order| states.get(i, order).iter().map(|&x| f64::from(x)).collect())
    }
}

impl EdgeChecker for ConstrainedChecker<'_> {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.inner.check(edges, verdicts)?;
        for (i, verdict) in verdicts.iter_mut().enumerate() {
            if verdict.is_valid() {
                *verdict = self.verdict(edges, i);
            }
        }
        Ok(())
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.inner.check_states(states, verdicts)?;
        for (i, verdict) in verdicts.iter_mut().enumerate().filter(|(_, verdict)| verdict.is_valid()) {
            let [y, yd, ydd] = Self::state(states, i);
            if let Some(unmet) = self.unmet([&y, &yd, &ydd]) {
                *verdict = Verdict::invalid(Status::Constraint, 0.0, unmet, 0);
            }
        }
        Ok(())
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
        self.inner.screen(states, free)?;
        for (i, free) in free.iter_mut().enumerate().filter(|(_, free)| **free) {
            let [y, yd, ydd] = Self::state(states, i);
            *free = self.unmet([&y, &yd, &ydd]).is_none();
        }
        Ok(())
    }

    fn screened_at_once(&self) -> usize {
        self.inner.screened_at_once()
    }

    fn set_padding(&mut self, metres: f64) {
        self.inner.set_padding(metres);
    }

    fn set_clearance(&mut self, metres: f64) {
        self.inner.set_clearance(metres);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.packed.resolution = metres as f32;
        self.inner.set_resolution(metres);
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.stop = stop.clone();
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

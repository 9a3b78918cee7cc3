//! The local planner: joins two flat states by a valid edge. Every search and the refinement go
//! through it. Imports `check`, `steer` and what lies below them.

use crate::check::{CheckError, EdgeBatch, EdgeChecker, Status, Verdict};
use crate::problem::{FlatState, Problem};
use crate::steer::LeastEffort;

/// How much longer an edge is made, step by step, when its efforts are too great: slower motions
/// need less, down to the weight alone.
const SLOWER: [f64; 5] = [1.25, 1.6, 2.1, 2.8, 4.0];

/// An end of an edge.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Position of each output.
    pub position: &'a [f64],
    /// Velocity of each output.
    pub velocity: &'a [f64],
}

impl<'a> From<&'a FlatState> for End<'a> {
    fn from(state: &'a FlatState) -> Self {
        Self { position: &state.position, velocity: &state.velocity }
    }
}

impl End<'_> {
    fn is_at_rest(&self) -> bool {
        self.velocity.iter().all(|&v| v == 0.0)
    }
}

/// Joins states by valid edges. Counts what it does.
pub struct LocalPlanner<'a> {
    /// The steering in use.
    pub steering: LeastEffort,
    checker: &'a mut dyn EdgeChecker,
    torque: bool,
    edges: EdgeBatch,
    verdicts: Vec<Verdict>,
    coefficients: Vec<f64>,
    /// Edges checked so far.
    pub checked: u64,
}

impl<'a> LocalPlanner<'a> {
    /// A local planner for `problem`, whose edges `checker` checks.
    pub fn new(problem: &Problem, checker: &'a mut dyn EdgeChecker) -> Self {
        let dof = problem.mechanism.dof();
        Self {
            steering: LeastEffort::new(&problem.mechanism.limits),
            checker,
            torque: problem.torque,
            edges: EdgeBatch::new(dof),
            verdicts: Vec::new(),
            coefficients: vec![0.0; 4 * dof],
            checked: 0,
        }
    }

    /// The checker.
    pub fn checker(&mut self) -> &mut dyn EdgeChecker {
        self.checker
    }

    /// Duration of a valid edge from `from` to `to`, if there is one no longer than `longest`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect(&mut self, from: End<'_>, to: End<'_>, longest: f64) -> Result<Option<f64>, CheckError> {
        let at_rest = from.is_at_rest() && to.is_at_rest();
        let shortest = if at_rest {
            Some(self.steering.rest_to_rest_duration(from.position, to.position))
        } else {
            let Self { steering, coefficients, .. } = self;
            steering.steer(from.position, from.velocity, to.position, to.velocity, coefficients)
        };
        let Some(shortest) = shortest.filter(|&t| t <= longest) else { return Ok(None) };
        self.edges.clear();
        self.push(from, to, shortest, at_rest);
        let status = self.check()?[0].status();
        match status {
            Status::Valid => Ok(Some(shortest)),
            Status::Effort if self.torque => self.connect_slower(from, to, shortest, longest, at_rest),
            _ => Ok(None),
        }
    }

    /// The least of a few longer durations at which the efforts hold.
    fn connect_slower(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        shortest: f64,
        longest: f64,
        at_rest: bool,
    ) -> Result<Option<f64>, CheckError> {
        let durations = SLOWER.map(|factor| factor * shortest);
        self.edges.clear();
        for &duration in durations.iter().filter(|&&t| t <= longest) {
            self.push(from, to, duration, at_rest);
        }
        let valid = self.check()?.iter().position(Verdict::is_valid);
        Ok(valid.map(|i| durations[i]))
    }

    fn push(&mut self, from: End<'_>, to: End<'_>, duration: f64, at_rest: bool) {
        if at_rest {
            self.edges.push_at_rest(from.position, to.position, duration);
        } else {
            let Self { steering, coefficients, .. } = self;
            steering.steer_in(duration, from.position, from.velocity, to.position, to.velocity, coefficients);
            self.edges.push(duration, coefficients);
        }
    }

    fn check(&mut self) -> Result<&[Verdict], CheckError> {
        self.checked += self.edges.len() as u64;
        self.checker.check(&self.edges, &mut self.verdicts)?;
        Ok(&self.verdicts)
    }
}

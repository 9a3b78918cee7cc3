//! Sampling a trajectory for the formats that are made of points.

use super::replay::Replay;
use crate::error::{InvalidValue, magnitude};
use crate::problem::Problem;
use crate::robot::DynamicsScratch;
use crate::trajectory::Trajectory;
use serde::Serialize;
use serde_json::Value;

/// Greatest time between two samples, seconds.
const SAMPLE_STEP: f64 = 0.01;
/// Most samples of a file; a trajectory of hours is sampled more sparsely.
const MAX_SAMPLES: f64 = 1e6;

/// Any number that is one.
fn any_number(field: &str, value: f64) -> Result<(), InvalidValue> {
    if value.is_finite() { Ok(()) } else { Err(InvalidValue::new(field, value, "a finite number")) }
}

/// A trajectory on its way into a file, and what else the file shall say.
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// The problem it solves: names of the outputs, and the robot whose efforts are written.
    pub problem: &'a Problem,
    /// The trajectory; it must not be empty.
    pub trajectory: &'a Trajectory,
    /// JSON only: the certificate, or whatever else there is to report.
    pub report: Value,
    /// JSON only: statistics of the planner.
    pub stats: Value,
    /// JSON only: seed of the planner.
    pub seed: Option<u64>,
}

/// Values at given times, `[sample][output]`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Samples {
    /// Seconds, strictly increasing.
    pub(super) time: Vec<f64>,
    /// Of the outputs, as the next two: rad or m.
    pub(super) position: Vec<Vec<f64>>,
    /// rad/s or m/s.
    pub(super) velocity: Vec<Vec<f64>>,
    /// rad/s^2 or m/s^2; at a jump, that after it.
    pub(super) acceleration: Vec<Vec<f64>>,
    /// N m or N; absent where the robot's masses are unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) effort: Vec<Vec<f64>>,
    /// State of the base; absent where the robot stands on none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) state: Vec<Vec<f64>>,
    /// Control of the base, to be held until the next sample: its mean over that time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) control: Vec<Vec<f64>>,
}

impl<'a> Export<'a> {
    /// A trajectory without report, statistics or seed.
    pub fn new(problem: &'a Problem, trajectory: &'a Trajectory) -> Self {
        Self { problem, trajectory, report: Value::Null, stats: Value::Null, seed: None }
    }

    /// Whether it is a trajectory of the problem's mechanism, made of numbers.
    pub(super) fn validate(&self) -> Result<(), InvalidValue> {
        let Self { problem, trajectory, .. } = self;
        problem.mechanism.validate().map_err(|e| e.under("problem.mechanism"))?;
        let outputs = problem.mechanism.flat_dof();
        if trajectory.is_empty() || trajectory.dof() != outputs {
            let found = format!("{} segments of {} outputs", trajectory.len(), trajectory.dof());
            let expected =
                format!("at least one segment of {outputs} outputs, as the problem's mechanism has");
            return Err(InvalidValue::new("trajectory", found, expected));
        }
        for (i, segment) in trajectory.segments().enumerate() {
            magnitude("duration", segment.duration)
                .and_then(|()| segment.coefficients.iter().try_for_each(|&c| any_number("coefficients", c)))
                .map_err(|e| e.under(format_args!("trajectory[{i}]")))?;
        }
        Ok(())
    }

    /// Greatest time between samples, seconds.
    pub(super) fn step(&self) -> f64 {
        SAMPLE_STEP.max(self.trajectory.duration() / MAX_SAMPLES)
    }

    /// Times of all knots, and others in equal steps between them.
    pub(super) fn times_with_knots(&self) -> Vec<f64> {
        self.trajectory.sample_times_with_knots(self.step())
    }

    /// Samples at even times; of a robot on a base at all knots too, with its states and controls, and so dense
    /// that they can be replayed.
    pub(super) fn dense_samples(&self) -> Samples {
        let Problem { mechanism, start, .. } = self.problem;
        let Some(base) = &mechanism.base else {
            return self.samples(self.trajectory.sample_times(self.step()).collect());
        };
        let turns = base.coordinates().iter().position(|coordinate| coordinate.turns);
        let heading = turns.and_then(|i| start.position.get(i).copied());
        let Replay { time, state, control } = Replay::of(base, self.trajectory, heading);
        Samples { state, control, ..self.samples(time) }
    }

    /// Samples at given times.
    pub(super) fn samples(&self, time: Vec<f64>) -> Samples {
        let dof = self.trajectory.dof();
        let derivative = |order| {
            let at = |&t: &f64| {
                let mut values = vec![0.0; dof];
                self.trajectory.evaluate(t, order, &mut values);
                values
            };
            time.iter().map(at).collect::<Vec<_>>()
        };
        let [position, velocity, acceleration] = [0, 1, 2].map(derivative);
        let mut samples = Samples { time, position, velocity, acceleration, ..Samples::default() };
        let mechanism = &self.problem.mechanism;
        // Of robots whose outputs are the positions of their joints.
        if mechanism.vehicle().is_none() && mechanism.bodies[1..].iter().any(|body| body.inertia.mass > 0.0) {
            let mut scratch = DynamicsScratch::default();
            let at = |((y, yd), ydd): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
                let mut efforts = vec![0.0; dof];
                mechanism.inverse_dynamics(y, yd, ydd, self.problem.gravity, &mut scratch, &mut efforts);
                efforts
            };
            let states = samples.position.iter().zip(&samples.velocity).zip(&samples.acceleration);
            samples.effort = states.map(at).collect();
        }
        samples
    }
}

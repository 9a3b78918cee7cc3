//! Sampling a trajectory for the formats that are made of points.

use super::replay::{Replay, ReplayErrors};
use super::sampling::{most_samples, rounded, sample_times, step};
use crate::error::{InputError, InvalidValue, magnitude};
use crate::problem::Problem;
use crate::robot::DynamicsScratch;
use crate::trajectory::Trajectory;
use serde::Serialize;
use serde_json::Value;

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
    /// Of the outputs, as the next two: rad or m. Absent of a linear system, whose outputs are its states and controls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) position: Vec<Vec<f64>>,
    /// rad/s or m/s.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) velocity: Vec<Vec<f64>>,
    /// rad/s^2 or m/s^2; at a jump, that after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) acceleration: Vec<Vec<f64>>,
    /// N m or N; absent where the robot's masses are unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) effort: Vec<Vec<f64>>,
    /// State of the base, or of a linear system; absent where the robot stands on none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) state: Vec<Vec<f64>>,
    /// Control of the base, to be held until the next sample: its mean over that time. Of a linear system the control
    /// at that instant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) control: Vec<Vec<f64>>,
    /// How well that leads from state to state; absent where there is no base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) replay: Option<ReplayErrors>,
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
        validate_motion(trajectory, problem.mechanism.flat_dof(), "as the problem's mechanism has")
    }

    /// Whether points in time can hold it.
    pub(super) fn admit_points(&self) -> Result<(), InputError> {
        let mut velocity = vec![0.0; self.trajectory.dof()];
        self.trajectory.evaluate(0.0, 1, &mut velocity);
        let is_fleeting = self.trajectory.duration() == 0.0 && velocity.iter().any(|&v| v != 0.0);
        let message = "a motion of no length that does not stand is no series of points: write .json";
        if is_fleeting { Err(InputError::new(message)) } else { Ok(()) }
    }

    /// Samples at even times; of a robot on a base at all knots too, with its states and controls, and so dense
    /// that they can be replayed.
    pub(super) fn dense_samples(&self) -> Samples {
        let Problem { mechanism, start, .. } = self.problem;
        let Some(base) = &mechanism.base else {
            let most = most_samples(self.trajectory, 1 + 4 * self.trajectory.dof());
            let step = step(self.trajectory).max(self.trajectory.duration() / most as f64);
            return self.samples(self.trajectory.sample_times(step).collect());
        };
        let turns = base.coordinates().iter().position(|coordinate| coordinate.turns);
        let heading = turns.and_then(|i| start.position.get(i).copied());
        let numbers = 1 + 3 * self.trajectory.dof() + base.state_names().len() + base.control_names().len();
        let most = most_samples(self.trajectory, numbers);
        let Replay { time, state, control, errors } = Replay::of(base, self.trajectory, heading, most);
        Samples { state, control, replay: Some(errors), ..self.samples(time) }
    }

    /// Samples at all knots, and at even times between.
    pub(super) fn even_samples_and_knots(&self) -> Samples {
        self.samples(sample_times(self.trajectory))
    }

    /// Samples at given times.
    fn samples(&self, time: Vec<f64>) -> Samples {
        let dof = self.trajectory.dof();
        let mut states = [const { Vec::new() }; 3];
        for &t in &time {
            let (segment, local) = self.trajectory.locate(t);
            let segment = self.trajectory.segment(segment);
            for (order, all) in states.iter_mut().enumerate() {
                let mut values = vec![0.0; dof];
                segment.evaluate(local, order, &mut values);
                all.push(values);
            }
        }
        let [position, velocity, acceleration] = states;
        let mut samples = Samples { time, position, velocity, acceleration, ..Samples::default() };
        let mechanism = &self.problem.mechanism;
        // Of robots whose outputs are the positions of their joints.
        if mechanism.vehicle().is_none() && mechanism.bodies[1..].iter().any(|body| body.inertia.mass > 0.0) {
            let mut scratch = DynamicsScratch::default();
            let at = |((y, yd), ydd): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
                let mut efforts = vec![0.0; mechanism.flat_dof()];
                mechanism.inverse_dynamics(y, yd, ydd, self.problem.gravity, &mut scratch, &mut efforts);
                efforts
            };
            let states = samples.position.iter().zip(&samples.velocity).zip(&samples.acceleration);
            samples.effort = states.map(at).collect();
        }
        samples
    }
}

/// Whether a trajectory has at least one segment, as many outputs as that whose motion it is, and is made of numbers;
/// `which` tells what outputs are expected. Coefficients may be as great as numbers get: short pieces have great ones.
pub(super) fn validate_motion(
    trajectory: &Trajectory,
    outputs: usize,
    which: &str,
) -> Result<(), InvalidValue> {
    if trajectory.is_empty() || trajectory.dof() != outputs {
        let found = format!("{} segments of {} outputs", trajectory.len(), trajectory.dof());
        let expected = format!("at least one segment of {outputs} outputs, {which}");
        return Err(InvalidValue::new("trajectory", found, expected));
    }
    for (i, segment) in trajectory.segments().enumerate() {
        let odd = segment.coefficients.iter().find(|c| !c.is_finite());
        let sound = odd.map_or(Ok(()), |c| Err(InvalidValue::new("coefficients", c, "a finite number")));
        let sound = magnitude("duration", segment.duration).and(sound);
        sound.map_err(|e| e.under(format_args!("trajectory[{i}]")))?;
    }
    Ok(())
}

impl Samples {
    /// All numbers but the times rounded as they stand in JSON.
    pub(super) fn rounded(mut self) -> Self {
        let Self { position, velocity, acceleration, effort, state, control, .. } = &mut self;
        for table in [position, velocity, acceleration, effort, state, control] {
            table.iter_mut().flatten().for_each(|value| *value = rounded(*value));
        }
        self
    }
}

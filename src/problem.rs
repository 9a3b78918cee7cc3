//! What there is to plan: a mechanism in a world, from a start to a goal.
//! Imports `error`, `trajectory`, `base`, `world` and `robot`.

mod constraint;
mod linear;
mod turns;
mod validate;

pub use constraint::{Constraint, StateConstraint, StateSample};
pub use linear::{LinearProblem, MAX_CONTROLS, MAX_STATES, StateFault, Variable};
pub(crate) use linear::{numbers, shape};

pub use crate::error::InvalidValue;
pub use crate::robot::END_SLACK;

use crate::base::{Moved, Singular};
use crate::robot::{DynamicsScratch, Mechanism};
use crate::trajectory::Trajectory;
use crate::world::World;
use glam::DVec3;
use serde::Serialize;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// Standard gravity pointing down the world's z axis, m/s^2.
pub const GRAVITY: DVec3 = DVec3::new(0.0, 0.0, -9.81);

/// Rates below this are none, rad/s and m/s.
const STILL: f64 = 1e-9;

/// Which derivative of the flat outputs is the last to be limited; all lower ones are continuous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Smoothness {
    /// Accelerations are limited and may jump.
    #[default]
    Acceleration,
    /// Jerks are limited and may jump; accelerations are limited and continuous.
    Jerk,
}

impl Smoothness {
    /// The order of the limited derivative, which is the number of derivatives, the value among
    /// them, that make a flat state.
    pub fn order(self) -> usize {
        match self {
            Self::Acceleration => 2,
            Self::Jerk => 3,
        }
    }

    /// Degree of the polynomials of least effort.
    pub fn degree(self) -> usize {
        2 * self.order() - 1
    }
}

impl fmt::Display for Smoothness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acceleration => "acceleration",
            Self::Jerk => "jerk",
        })
    }
}

impl FromStr for Smoothness {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "acceleration" => Ok(Self::Acceleration),
            "jerk" => Ok(Self::Jerk),
            _ => Err(format!("unknown smoothness \"{s}\"; expected acceleration or jerk")),
        }
    }
}

/// A point in the state space of the flat outputs: their values and derivatives. Of a vehicle
/// ([`Mechanism::vehicle`]): positions and rates of its joints, the coordinates of its base first. A car whose
/// acceleration or steering rate is limited stands with straight wheels where all rates of its coordinates are none;
/// else these tell its speed and its steering angle.
#[derive(Clone, Debug, PartialEq)]
pub struct JointState {
    /// One value per flat output, rad or m.
    pub position: Vec<f64>,
    /// One derivative per flat output, rad/s or m/s.
    pub velocity: Vec<f64>,
    /// One second derivative per flat output, rad/s^2 or m/s^2. Part of the state only for
    /// [`Smoothness::Jerk`]; else it is not read, and may be empty.
    pub acceleration: Vec<f64>,
}

impl JointState {
    /// A state at rest.
    pub fn at_rest(position: Vec<f64>) -> Self {
        let velocity = vec![0.0; position.len()];
        Self { position, acceleration: velocity.clone(), velocity }
    }

    /// The state of a trajectory at time `t`, seconds, which is clamped to it; its acceleration only
    /// where that is part of the state.
    ///
    /// # Panics
    /// If the trajectory is empty.
    pub fn on(trajectory: &Trajectory, t: f64, smoothness: Smoothness) -> Self {
        let evaluate = |order| {
            let mut values = vec![0.0; trajectory.dof()];
            trajectory.evaluate(t, order, &mut values);
            values
        };
        let mut state = Self::at_rest(evaluate(0));
        state.velocity = evaluate(1);
        if smoothness == Smoothness::Jerk {
            state.acceleration = evaluate(2);
        }
        state
    }

    /// The state in which a trajectory of `mechanism` is at time `t`, as [`JointState::on`], but of a vehicle the
    /// positions and rates of its joints; the latter as far as its state tells them.
    ///
    /// # Errors
    /// Where a vehicle's trajectory is singular, as none is that has a certificate.
    ///
    /// # Panics
    /// If the trajectory is empty.
    pub fn of(
        mechanism: &Mechanism,
        trajectory: &Trajectory,
        t: f64,
        smoothness: Smoothness,
    ) -> Result<Self, Singular> {
        let flat = Self::on(trajectory, t, smoothness);
        let Some(base) = mechanism.vehicle() else { return Ok(flat) };
        let (segment, local) = trajectory.locate(t);
        let sample = base.unflatten(&base.flat(&trajectory.segment(segment), local))?;
        let [mut position, mut velocity] = base.configuration(&sample.state)?;
        let outputs = base.outputs().len();
        position.extend(&flat.position[outputs..]);
        velocity.extend(&flat.velocity[outputs..]);
        Ok(Self { velocity, ..Self::at_rest(position) })
    }

    /// The same as [`JointState::of`] for a motion that is under way: of a vehicle whose state does not hold its speed or
    /// its steering, but whose limits forbid that these jump, with the rates that tell them
    /// ([`Base::controls_under_way`](crate::base::Base::controls_under_way)).
    ///
    /// # Errors
    /// As [`JointState::of`].
    ///
    /// # Panics
    /// If the trajectory is empty.
    pub fn under_way(
        mechanism: &Mechanism,
        trajectory: &Trajectory,
        t: f64,
        smoothness: Smoothness,
    ) -> Result<Self, Singular> {
        let mut state = Self::of(mechanism, trajectory, t, smoothness)?;
        let Some(base) = mechanism.vehicle().filter(|base| !base.still_at_ends().is_empty()) else {
            return Ok(state);
        };
        let (segment, local) = trajectory.locate(t);
        let mut moved = Moved::<f64>::default();
        base.map(&base.flat(&trajectory.segment(segment), local), &mut moved)?;
        let rates: Vec<f64> = moved.coordinates.iter().map(|coordinate| coordinate.rate().value()).collect();
        // Where it stands but for rounding, nothing tells how its wheels are turned.
        if rates.iter().any(|rate| rate.abs() > STILL) {
            state.velocity[..rates.len()].copy_from_slice(&rates);
        }
        Ok(state)
    }

    /// Positions, velocities and accelerations of all joints on a trajectory of `mechanism` at time `t`, which is clamped
    /// to it. Of a vehicle the rates, which its state need not hold, come from differences of its positions: they
    /// err by some 1e-7 of their scale, and say nothing at a jump.
    ///
    /// # Errors
    /// As [`JointState::of`].
    ///
    /// # Panics
    /// If the trajectory is empty.
    pub fn in_motion(
        mechanism: &Mechanism,
        trajectory: &Trajectory,
        t: f64,
    ) -> Result<[Vec<f64>; 3], Singular> {
        /// Of the segment's duration: positions are smooth over it, ...
        const STEP: f64 = 1e-4;
        /// ... but of the whole no less than this, or rounding would tell the second difference.
        const LEAST_STEP: f64 = 1e-6;
        let Some(base) = mechanism.vehicle() else {
            let at = |order| {
                let mut values = vec![0.0; trajectory.dof()];
                trajectory.evaluate(t, order, &mut values);
                values
            };
            return Ok([at(0), at(1), at(2)]);
        };
        let duration = trajectory.duration();
        let t = t.clamp(0.0, duration);
        let h = (STEP * trajectory.segment(trajectory.locate(t).0).duration).max(LEAST_STEP * duration);
        let middle = t.clamp(h.min(0.5 * duration), (duration - h).max(0.5 * duration));
        let position = |t| Self::of(mechanism, trajectory, t, Smoothness::Acceleration).map(|s| s.position);
        let (here, now) = (position(t)?, position(middle)?);
        let (before, after) = (position(middle - h)?, position(middle + h)?);
        let turns: Vec<bool> = base.coordinates().iter().map(|coordinate| coordinate.turns).collect();
        let apart = |i: usize, a: &[f64], b: &[f64]| {
            let apart = b[i] - a[i];
            let is_angle = turns.get(i).copied().unwrap_or(false);
            if is_angle { (apart + PI).rem_euclid(2.0 * PI) - PI } else { apart }
        };
        let (mut velocity, mut acceleration) = (Vec::new(), Vec::new());
        for i in 0..now.len() {
            let [left, right] = [apart(i, &before, &now), apart(i, &now, &after)];
            let is_known = h > 0.0;
            velocity.push(if is_known { (left + right) / (2.0 * h) } else { 0.0 });
            acceleration.push(if is_known { (right - left) / (h * h) } else { 0.0 });
        }
        Ok([here, velocity, acceleration])
    }

    /// Whether every derivative is exactly zero.
    pub fn is_at_rest(&self) -> bool {
        self.velocity.iter().chain(&self.acceleration).all(|&v| v == 0.0)
    }
}

/// A query to a planner. Limits are those of the mechanism.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The robot, reduced to what moves.
    pub mechanism: Mechanism,
    /// The obstacles.
    pub world: World,
    /// Where the trajectory begins.
    pub start: JointState,
    /// Where it may end: any one of these.
    pub goals: Vec<JointState>,
    /// How smooth the trajectory is.
    pub smoothness: Smoothness,
    /// Whether joint torques are held within the effort limits.
    pub torque: bool,
    /// Acceleration of free fall in the world frame, m/s^2. Of what flies by its thrust it is that of its
    /// equations ([`crate::base::Base::gravity`]).
    pub gravity: DVec3,
}

/// An effort that a joint has to give and cannot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overload {
    /// Name of the output.
    pub output: String,
    /// What it takes, N m or N.
    pub effort: f64,
    /// The greatest it has.
    pub limit: f64,
    /// The unit of both.
    pub unit: &'static str,
    /// Whether that is what it takes to be held at rest, and not to be in the motion that a state tells.
    pub at_rest: bool,
}

impl Overload {
    /// What cannot be done with a state that takes this.
    pub fn denial(&self) -> &'static str {
        if self.at_rest { "cannot be held" } else { "accelerates more than the joints can" }
    }
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, effort, limit, unit, .. } = self;
        let (effort, limit) = apart(effort.abs(), *limit);
        let short = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        write!(f, "effort of {output} {} of {} {unit}", short(effort), short(limit))
    }
}

/// Two numbers to as many decimals as it takes to tell them apart, from 3 on.
pub(crate) fn apart(a: f64, b: f64) -> (String, String) {
    let write = |decimals: usize| (format!("{a:.decimals$}"), format!("{b:.decimals$}"));
    let enough = (3..12).map(write).find(|(a, b)| a != b);
    enough.unwrap_or_else(|| write(12))
}

impl Problem {
    /// The effort that is too great by the greatest share, if a state is one that must be held, or whose
    /// accelerations are known, and some joint cannot give what that takes; where efforts are limited. Limits
    /// may be exceeded by the share `tolerance` of them.
    ///
    /// A state at rest must be held against gravity. Where one is in motion, what it takes depends on its
    /// accelerations, which are part of the state for [`Smoothness::Jerk`] alone.
    pub fn overload(&self, state: &JointState, tolerance: f64) -> Option<Overload> {
        let Self { mechanism, smoothness, gravity, .. } = self;
        let rests = state.velocity.iter().all(|&v| v == 0.0);
        if !self.torque || mechanism.vehicle().is_some() {
            return None;
        }
        let still = vec![0.0; mechanism.dof()];
        let acceleration = match smoothness {
            Smoothness::Jerk => &state.acceleration,
            Smoothness::Acceleration if rests => &still,
            Smoothness::Acceleration => return None,
        };
        let at_rest = rests && acceleration.iter().all(|&a| a == 0.0);
        let (mut efforts, mut scratch) = (still.clone(), DynamicsScratch::default());
        let JointState { position, velocity, .. } = state;
        mechanism.inverse_dynamics(position, velocity, acceleration, *gravity, &mut scratch, &mut efforts);
        let within = |&(effort, limit): &(f64, f64)| effort.abs() <= limit * (1.0 + tolerance);
        let share = |(effort, limit): (f64, f64)| effort.abs() / limit;
        let pairs = efforts.iter().zip(&mechanism.limits).map(|(&effort, limits)| (effort, limits.effort));
        // A NaN is not within.
        let over = pairs.enumerate().filter(|(_, pair)| !within(pair));
        let (output, (effort, limit)) = over.max_by(|(_, a), (_, b)| share(*a).total_cmp(&share(*b)))?;
        let unit = if mechanism.is_angle(output) { "N m" } else { "N" };
        Some(Overload { output: mechanism.outputs[output].clone(), effort, limit, unit, at_rest })
    }

    /// What is wrong with the gravity, if it is not that of the equations of a vehicle that has any.
    pub fn gravity_fault(&self) -> Option<String> {
        let base = self.mechanism.vehicle()?;
        let down = DVec3::new(0.0, 0.0, -base.gravity()?);
        // Adding nothing takes the sign from a zero.
        let [x, y, z] = self.gravity.to_array().map(|along| along + 0.0);
        (self.gravity != down).then(|| {
            let name = base.name().replace('_', " ");
            let falls = -down.z;
            format!("gravity is [{x}, {y}, {z}], but the equations of the {name} have [0, 0, -{falls}]")
        })
    }
}

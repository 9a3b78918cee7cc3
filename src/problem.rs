//! What there is to plan: a mechanism in a world, from a start to a goal.
//! Imports `error`, `trajectory`, `base`, `world` and `robot`.

mod validate;

pub use crate::error::InvalidValue;
pub use crate::robot::END_SLACK;

use crate::base::Singular;
use crate::robot::Mechanism;
use crate::trajectory::Trajectory;
use crate::world::World;
use glam::DVec3;
use std::fmt;
use std::str::FromStr;

/// Standard gravity pointing down the world's z axis, m/s^2.
pub const GRAVITY: DVec3 = DVec3::new(0.0, 0.0, -9.81);

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
/// ([`Mechanism::vehicle`]): positions and rates of its joints, the coordinates of its base first.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatState {
    /// One value per flat output, rad or m.
    pub position: Vec<f64>,
    /// One derivative per flat output, rad/s or m/s.
    pub velocity: Vec<f64>,
    /// One second derivative per flat output, rad/s^2 or m/s^2. Part of the state only for
    /// [`Smoothness::Jerk`]; else it is not read, and may be empty.
    pub acceleration: Vec<f64>,
}

impl FlatState {
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

    /// The state in which a trajectory of `mechanism` is at time `t`, as [`FlatState::on`], but of a vehicle the
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
    pub start: FlatState,
    /// Where it may end: any one of these.
    pub goals: Vec<FlatState>,
    /// How smooth the trajectory is.
    pub smoothness: Smoothness,
    /// Whether joint torques are held within the effort limits.
    pub torque: bool,
    /// Acceleration of free fall in the world frame, m/s^2.
    pub gravity: DVec3,
}

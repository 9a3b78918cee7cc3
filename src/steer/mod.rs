//! Steering: the local trajectory that joins two flat states and meets the limits of each output.
//! Imports `problem`, `robot` (for limits), `base` and `trajectory`.
//!
//! Nonholonomic bases are steered apart from their speed: along a [`Curve`], whose
//! [`TimeParameterization`] is chosen after it. Paths of omnidirectional bases are driven by such curves too
//! ([`retimed`]).

mod along;
mod path_limits;
mod curve;
mod effort_bounds;
mod filter;
mod heading_limits;
mod higher_order;
mod jerk_limited;
mod least_effort;
mod linear;
mod pace;
mod primitives;
mod quartic;
mod shortest_paths;
mod speed_profile;
mod straight;
mod time_parameterization;
mod time_optimal;

pub use along::retimed;
pub use path_limits::PathLimits;
pub use curve::{Curve, DriveDirection, PathState, nearest_turn};
pub use effort_bounds::steering_limits;
pub use filter::{moving_average, side_by_side};
pub use heading_limits::HeadingLimits;
pub use higher_order::{HigherOrder, ChainState};
pub use jerk_limited::{JerkLimited, JerkProfile, trajectory};
pub use least_effort::{LIMIT_TOLERANCE, LeastEffort};
pub use linear::{Connection, LinearSystem};
pub use pace::{Pace, Pointer};
pub use primitives::{Primitive, Primitives, tangent_of};
pub use shortest_paths::{PathPiece, Word, dubins, reeds_shepp, seen_from};
pub use speed_profile::SpeedProfile;
pub use straight::{LineLaw, straight};
pub use time_parameterization::{EndSpeeds, TimeParameterization};
pub use time_optimal::{Profile, TimeOptimal};

use crate::problem::{JointState, Smoothness};
use crate::robot::OutputLimits;

/// Least share of a motion's duration in which limits that hardly limit (of acceleration, or jerk) bring the
/// velocity, or acceleration, from zero to its limit. Phases much shorter gain nothing, some of these shares of
/// the duration; but times are rounded to some 1e-16 of it, which shifts what the phases lead to by as much
/// over this share of its limit, and that must stay well within 1e-9.
const LEAST_RAMP: f64 = 1e-5;

/// Switching times that are the same up to this share of the duration are the same: their own rounding.
pub(crate) const SAME_TIME: f64 = 4.0 * f64::EPSILON;

/// The speeds that a motion has to do with, added up.
fn speed_in_use(distance: f64, v0: f64, v1: f64, duration: f64) -> f64 {
    v0.abs() + v1.abs() + distance.abs() / duration
}

/// A limit of the derivative of something of a size, so that this takes no less than [`LEAST_RAMP`] to change.
fn blunted(limit: f64, size: f64, duration: f64) -> f64 {
    let most = size / (LEAST_RAMP * duration);
    if most > 0.0 && most < limit { most } else { limit }
}

/// An end of an edge.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Position of each output.
    pub position: &'a [f64],
    /// Velocity of each output.
    pub velocity: &'a [f64],
    /// Acceleration of each output; not read, and perhaps empty, where it is no part of the state.
    pub acceleration: &'a [f64],
}

impl<'a> From<&'a JointState> for End<'a> {
    fn from(state: &'a JointState) -> Self {
        Self { position: &state.position, velocity: &state.velocity, acceleration: &state.acceleration }
    }
}

impl<'a> End<'a> {
    /// Whether every derivative is exactly zero.
    pub fn is_at_rest(&self) -> bool {
        self.velocity.iter().chain(self.acceleration).all(|&v| v == 0.0)
    }

    /// Position, velocity and acceleration.
    pub fn state(&self) -> ChainState<'a, 3> {
        [self.position, self.velocity, self.acceleration]
    }
}

/// Steering by one polynomial per output, of the order that a problem's smoothness asks for.
#[derive(Clone, Debug)]
pub enum Steering {
    /// By cubics.
    Acceleration(LeastEffort),
    /// By quintics.
    Jerk(HigherOrder<3>),
}

impl Steering {
    /// Steering at the limits: every motion is as short as they allow.
    pub fn new(smoothness: Smoothness, limits: &[OutputLimits]) -> Self {
        match smoothness {
            Smoothness::Acceleration => Self::Acceleration(LeastEffort::new(limits)),
            Smoothness::Jerk => Self::Jerk(HigherOrder::new(limits)),
        }
    }

    /// Degree of the polynomials.
    pub fn degree(&self) -> usize {
        match self {
            Self::Acceleration(_) => 3,
            Self::Jerk(_) => 5,
        }
    }

    /// See [`LeastEffort::steer`] and [`HigherOrder::steer`].
    pub fn steer(&self, from: End<'_>, to: End<'_>, coefficients: &mut [f64]) -> Option<f64> {
        match self {
            Self::Acceleration(cubics) => {
                cubics.steer(from.position, from.velocity, to.position, to.velocity, coefficients)
            }
            Self::Jerk(quintics) => quintics.steer(from.state(), to.state(), coefficients),
        }
    }

    /// See [`LeastEffort::steer_in`] and [`HigherOrder::steer_in`].
    pub fn steer_in(&self, duration: f64, from: End<'_>, to: End<'_>, coefficients: &mut [f64]) {
        match self {
            Self::Acceleration(cubics) => {
                cubics.steer_in(
                    duration,
                    from.position,
                    from.velocity,
                    to.position,
                    to.velocity,
                    coefficients,
                );
            }
            Self::Jerk(quintics) => quintics.steer_in(duration, from.state(), to.state(), coefficients),
        }
    }

    /// Shortest duration from rest at p0 to rest at p1 within the limits, along a straight line.
    pub fn rest_to_rest_duration(&self, p0: &[f64], p1: &[f64]) -> f64 {
        match self {
            Self::Acceleration(cubics) => cubics.rest_to_rest_duration(p0, p1),
            Self::Jerk(quintics) => quintics.rest_to_rest_duration(p0, p1),
        }
    }

    /// Per output, what [`Steering::rest_to_rest_duration`] is made of: over a way d it is the greatest of d times the
    /// first, the root of d times the second, and the cube root of d times the third, over all outputs.
    pub fn rest_to_rest_terms(&self) -> Vec<[f64; 3]> {
        match self {
            Self::Acceleration(cubics) => cubics.rest_to_rest_terms(),
            Self::Jerk(quintics) => quintics.rest_to_rest_terms(),
        }
    }
}

//! Limits in the packed form, with what they are widened by.

use crate::robot::OutputLimits;
use bytemuck::{Pod, Zeroable};

/// Velocity, acceleration and effort limits are widened by this share, so that an edge which meets a limit exactly
/// in `f64` is not lost to `f32` rounding (relative 6e-8 per operation, some hundred operations). The certificate
/// holds the true limits.
pub const LIMIT_SLACK: f32 = 1e-4;

/// Position limits are widened by this share of the greater of the two, since positions take far fewer operations.
pub const POSITION_SLACK: f32 = 1e-5;

/// Limits of one output.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedLimits {
    /// Least position.
    pub lower: f32,
    /// Greatest position.
    pub upper: f32,
    /// Greatest speed.
    pub velocity: f32,
    /// Greatest acceleration.
    pub acceleration: f32,
    /// Greatest effort.
    pub effort: f32,
}

/// What position limits are widened by: [`POSITION_SLACK`] of the greater of the two, rad or m.
pub fn position_slack(limits: &OutputLimits) -> f32 {
    let size = |bound: f64| if bound.is_finite() { bound.abs() as f32 } else { 0.0 };
    POSITION_SLACK * size(limits.lower).max(size(limits.upper))
}

pub(super) fn pack_limits(limits: &OutputLimits) -> PackedLimits {
    let slack = position_slack(limits);
    // A position that is not finite must break even a limit that is not there.
    PackedLimits {
        lower: (limits.lower as f32 - slack).max(f32::MIN),
        upper: (limits.upper as f32 + slack).min(f32::MAX),
        velocity: limits.velocity as f32 * (1.0 + LIMIT_SLACK),
        acceleration: limits.acceleration as f32 * (1.0 + LIMIT_SLACK),
        effort: limits.effort as f32 * (1.0 + LIMIT_SLACK),
    }
}

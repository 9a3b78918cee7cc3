//! What the stages hand on to each other.

use super::super::packed::Packed;
use super::super::packed::base::MAX_BOUNDED;
use crate::vector::{Mask, Row32};

/// What the stages of one block of samples write and read, in lanes.
pub(super) struct Scratch {
    /// Time of each sample since its edge began.
    pub(super) time: Row32,
    /// Value, first and second derivative of each output, of a vehicle of each joint:
    /// `[derivative][output]`.
    pub(super) flat: [Vec<Row32>; 3],
    /// Rotation, row by row, and translation of each body in the world.
    pub(super) poses: Vec<[Row32; 12]>,
    /// Centre of each sphere, where `centers_known` of its link; what the base carries is placed once.
    pub(super) centers: Vec<[Row32; 3]>,
    /// Centre of each link's bound.
    pub(super) bounds: Vec<[Row32; 3]>,
    /// Whether the centres of a link's spheres have been calculated for this block.
    pub(super) centers_known: Vec<bool>,
    /// Effort of each output, where efforts are checked.
    pub(super) efforts: Vec<Row32>,
    /// The same with the robot moving, where `efforts` are those of holding it.
    pub(super) moving: Vec<Row32>,
    /// On an edge of a vehicle, what its base bounds.
    pub(super) bounded: [Row32; MAX_BOUNDED],
    /// Spatial velocity and force of each body.
    pub(super) dynamics: Vec<BodyDynamics>,
}

impl Scratch {
    pub(super) fn new(packed: &Packed) -> Self {
        let dof = packed.dof();
        Self {
            time: Row32::ZERO,
            flat: std::array::from_fn(|_| vec![Row32::ZERO; dof]),
            poses: vec![[Row32::ZERO; 12]; packed.bodies.len()],
            centers: vec![[Row32::ZERO; 3]; packed.spheres.len()],
            bounds: vec![[Row32::ZERO; 3]; packed.links.len()],
            centers_known: vec![false; packed.links.len()],
            efforts: vec![Row32::ZERO; dof],
            moving: vec![Row32::ZERO; dof],
            bounded: [Row32::ZERO; MAX_BOUNDED],
            dynamics: vec![BodyDynamics::ZERO; packed.bodies.len()],
        }
    }
}

/// The lowest of the first `count` lanes that is not set.
#[inline(always)]
pub(super) fn first_other_lane(mask: impl Mask, count: usize) -> Option<usize> {
    let bits = !mask.bits() & ((1_u64 << count) - 1) as u32;
    (bits != 0).then(|| bits.trailing_zeros() as usize)
}

/// Motion and load of one body in world axes.
#[derive(Clone, Copy)]
pub(super) struct BodyDynamics {
    /// Angular velocity.
    pub(super) angular: [Row32; 3],
    /// Angular acceleration.
    pub(super) angular_rate: [Row32; 3],
    /// Acceleration of the body's origin, less gravity.
    pub(super) acceleration: [Row32; 3],
    /// Force that its joint passes on to it.
    pub(super) force: [Row32; 3],
    /// Moment about its origin that its joint passes on to it.
    pub(super) moment: [Row32; 3],
}

impl BodyDynamics {
    const NONE: [Row32; 3] = [Row32::ZERO; 3];
    pub(super) const ZERO: Self = Self {
        angular: Self::NONE,
        angular_rate: Self::NONE,
        acceleration: Self::NONE,
        force: Self::NONE,
        moment: Self::NONE,
    };
}

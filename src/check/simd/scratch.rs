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
    /// Centre of each sphere, where its cluster is in `placed`.
    pub(super) centers: Vec<[Row32; 3]>,
    /// Centre of each cluster's ball, where its link is in `placed_clusters`.
    pub(super) clusters: Vec<[Row32; 3]>,
    /// Centre of each link's bound.
    pub(super) bounds: Vec<[Row32; 3]>,
    /// By cluster, whether its spheres have been placed for this block; those that the base carries are placed once.
    pub(super) placed: Vec<bool>,
    /// By link, whether its clusters have been placed for this block.
    pub(super) placed_clusters: Vec<bool>,
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
            clusters: vec![[Row32::ZERO; 3]; packed.clusters.len()],
            bounds: vec![[Row32::ZERO; 3]; packed.links.len()],
            placed: vec![false; packed.clusters.len()],
            placed_clusters: vec![false; packed.links.len()],
            efforts: vec![Row32::ZERO; dof],
            moving: vec![Row32::ZERO; dof],
            bounded: [Row32::ZERO; MAX_BOUNDED],
            dynamics: vec![BodyDynamics::ZERO; packed.bodies.len()],
        }
    }
}

impl Scratch {
    /// For another block: what moves has not been placed.
    #[inline(always)]
    pub(super) fn forget(&mut self, packed: &Packed) {
        self.placed[..packed.moving_clusters].fill(false);
        self.placed_clusters[..packed.moving_links].fill(false);
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

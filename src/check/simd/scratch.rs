//! What the stages hand on to each other, and vectors of three lanes.

use super::super::packed::Packed;
use super::super::packed::base::MAX_BOUNDED;
use crate::lanes::{Lane, Simd};

/// What the stages of one block of samples write and read, in lanes.
pub(super) struct Scratch {
    /// Time of each sample since its edge began.
    pub(super) time: Lane,
    /// Value, first and second derivative of each output, of a vehicle of each joint:
    /// `[derivative][output]`.
    pub(super) flat: [Vec<Lane>; 3],
    /// Rotation, row by row, and translation of each body in the world.
    pub(super) poses: Vec<[Lane; 12]>,
    /// Centre of each sphere, where `centers_known` of its link; what the base carries is placed once.
    pub(super) centers: Vec<[Lane; 3]>,
    /// Centre of each link's bound.
    pub(super) bounds: Vec<[Lane; 3]>,
    /// Whether the centres of a link's spheres have been calculated for this block.
    pub(super) centers_known: Vec<bool>,
    /// Effort of each output, where efforts are checked.
    pub(super) efforts: Vec<Lane>,
    /// The same with the robot moving, where `efforts` are those of holding it.
    pub(super) moving: Vec<Lane>,
    /// On an edge of a vehicle, what its base bounds.
    pub(super) bounded: [Lane; MAX_BOUNDED],
    /// Spatial velocity and force of each body.
    pub(super) dynamics: Vec<BodyDynamics>,
}

impl Scratch {
    pub(super) fn new(packed: &Packed) -> Self {
        let dof = packed.dof();
        Self {
            time: Lane::ZERO,
            flat: std::array::from_fn(|_| vec![Lane::ZERO; dof]),
            poses: vec![[Lane::ZERO; 12]; packed.bodies.len()],
            centers: vec![[Lane::ZERO; 3]; packed.spheres.len()],
            bounds: vec![[Lane::ZERO; 3]; packed.links.len()],
            centers_known: vec![false; packed.links.len()],
            efforts: vec![Lane::ZERO; dof],
            moving: vec![Lane::ZERO; dof],
            bounded: [Lane::ZERO; MAX_BOUNDED],
            dynamics: vec![BodyDynamics::ZERO; packed.bodies.len()],
        }
    }
}

/// The lowest of the first `count` lanes that is not set.
#[inline(always)]
pub(super) fn first_other_lane<S: Simd>(s: S, mask: S::M, count: usize) -> Option<usize> {
    let bits = !s.bits(mask) & ((1_u64 << count) - 1) as u32;
    (bits != 0).then(|| bits.trailing_zeros() as usize)
}

/// A vector of three lanes.
#[derive(Clone, Copy)]
pub(super) struct V3<S: Simd> {
    pub(super) x: S::F,
    pub(super) y: S::F,
    pub(super) z: S::F,
}

impl<S: Simd> V3<S> {
    #[inline(always)]
    pub(super) fn load(s: S, lanes: &[Lane; 3]) -> Self {
        Self { x: s.load(&lanes[0]), y: s.load(&lanes[1]), z: s.load(&lanes[2]) }
    }

    #[inline(always)]
    pub(super) fn store(self, s: S, lanes: &mut [Lane; 3]) {
        let [x, y, z] = lanes;
        s.store(x, self.x);
        s.store(y, self.y);
        s.store(z, self.z);
    }

    #[inline(always)]
    pub(super) fn splat(s: S, v: [f32; 3]) -> Self {
        Self { x: s.splat(v[0]), y: s.splat(v[1]), z: s.splat(v[2]) }
    }

    #[inline(always)]
    pub(super) fn add(self, s: S, b: Self) -> Self {
        Self { x: s.add(self.x, b.x), y: s.add(self.y, b.y), z: s.add(self.z, b.z) }
    }

    #[inline(always)]
    pub(super) fn sub(self, s: S, b: Self) -> Self {
        Self { x: s.sub(self.x, b.x), y: s.sub(self.y, b.y), z: s.sub(self.z, b.z) }
    }

    /// Product of each component.
    #[inline(always)]
    pub(super) fn times(self, s: S, b: Self) -> Self {
        Self { x: s.mul(self.x, b.x), y: s.mul(self.y, b.y), z: s.mul(self.z, b.z) }
    }

    /// self * k + b
    #[inline(always)]
    pub(super) fn scale_add(self, s: S, k: S::F, b: Self) -> Self {
        Self { x: s.mul_add(self.x, k, b.x), y: s.mul_add(self.y, k, b.y), z: s.mul_add(self.z, k, b.z) }
    }

    #[inline(always)]
    pub(super) fn dot(self, s: S, b: Self) -> S::F {
        s.mul_add(self.z, b.z, s.mul_add(self.y, b.y, s.mul(self.x, b.x)))
    }

    #[inline(always)]
    pub(super) fn cross(self, s: S, b: Self) -> Self {
        Self {
            x: s.neg_mul_add(self.z, b.y, s.mul(self.y, b.z)),
            y: s.neg_mul_add(self.x, b.z, s.mul(self.z, b.x)),
            z: s.neg_mul_add(self.y, b.x, s.mul(self.x, b.y)),
        }
    }
}

/// Motion and load of one body in world axes.
#[derive(Clone, Copy)]
pub(super) struct BodyDynamics {
    /// Angular velocity.
    pub(super) angular: [Lane; 3],
    /// Angular acceleration.
    pub(super) angular_rate: [Lane; 3],
    /// Acceleration of the body's origin, less gravity.
    pub(super) acceleration: [Lane; 3],
    /// Force that its joint passes on to it.
    pub(super) force: [Lane; 3],
    /// Moment about its origin that its joint passes on to it.
    pub(super) moment: [Lane; 3],
}

impl BodyDynamics {
    const NONE: [Lane; 3] = [Lane::ZERO; 3];
    pub(super) const ZERO: Self = Self {
        angular: Self::NONE,
        angular_rate: Self::NONE,
        acceleration: Self::NONE,
        force: Self::NONE,
        moment: Self::NONE,
    };
}

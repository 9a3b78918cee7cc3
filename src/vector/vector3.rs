//! Vectors in space, one per lane.

use super::traits::*;
use std::ops::{Add, Mul, Sub};

/// A vector per lane.
#[derive(Clone, Copy)]
pub struct Vector3<F> {
    /// Along x.
    pub x: F,
    /// Along y.
    pub y: F,
    /// Along z.
    pub z: F,
}

type RowOf<F> = <<F as Vector>::Number as Number>::Row;

impl<F: Vector> Vector3<F> {
    /// All components the same.
    #[inline(always)]
    pub fn all(x: F) -> Self {
        Self { x, y: x, z: x }
    }

    /// The same vector in every lane.
    #[inline(always)]
    pub fn splat<S: Vectors<F::Number, F = F>>(s: S, [x, y, z]: [F::Number; 3]) -> Self {
        Self { x: s.splat(x), y: s.splat(y), z: s.splat(z) }
    }

    /// Component by component.
    #[inline(always)]
    pub fn load<S: Vectors<F::Number, F = F>>(s: S, [x, y, z]: &[RowOf<F>; 3]) -> Self {
        Self { x: s.load(x), y: s.load(y), z: s.load(z) }
    }

    /// Component by component.
    #[inline(always)]
    pub fn store(self, [x, y, z]: &mut [RowOf<F>; 3]) {
        self.x.store(x);
        self.y.store(y);
        self.z.store(z);
    }

    /// Product of each component
    #[inline(always)]
    pub fn times(self, b: Self) -> Self {
        Self { x: self.x * b.x, y: self.y * b.y, z: self.z * b.z }
    }

    /// self * factor + b
    #[inline(always)]
    pub fn mul_add(self, factor: F, b: Self) -> Self {
        Self {
            x: self.x.mul_add(factor, b.x),
            y: self.y.mul_add(factor, b.y),
            z: self.z.mul_add(factor, b.z),
        }
    }

    /// Scalar product
    #[inline(always)]
    pub fn dot(self, b: Self) -> F {
        self.z.mul_add(b.z, self.y.mul_add(b.y, self.x * b.x))
    }

    /// Vector product
    #[inline(always)]
    pub fn cross(self, b: Self) -> Self {
        Self {
            x: self.z.neg_mul_add(b.y, self.y * b.z),
            y: self.x.neg_mul_add(b.z, self.z * b.x),
            z: self.y.neg_mul_add(b.x, self.x * b.y),
        }
    }

    /// Euclidean length
    #[inline(always)]
    pub fn length(self) -> F {
        self.dot(self).sqrt()
    }
}

impl<F: Doubles> Vector3<F> {
    /// One lane's vector in all lanes.
    #[inline(always)]
    pub fn lane(self, lane: usize) -> Self {
        Self { x: self.x.lane(lane), y: self.y.lane(lane), z: self.z.lane(lane) }
    }
}

impl<F: Vector> Add for Vector3<F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self { x: self.x + b.x, y: self.y + b.y, z: self.z + b.z }
    }
}

impl<F: Vector> Sub for Vector3<F> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self { x: self.x - b.x, y: self.y - b.y, z: self.z - b.z }
    }
}

impl<F: Vector> Mul<F> for Vector3<F> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: F) -> Self {
        Self { x: self.x * factor, y: self.y * factor, z: self.z * factor }
    }
}

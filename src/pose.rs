//! Rigid transforms in `f64`. Imports `error`.

use crate::error::{InvalidValue, finite};
use glam::{DMat3, DQuat, DVec3};
use std::ops::Mul;

/// A rigid transform: maps coordinates in a child frame to its parent frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Orthonormal rotation, child to parent.
    pub rotation: DMat3,
    /// Origin of the child frame in the parent frame, metres.
    pub translation: DVec3,
}

impl Pose {
    /// The transform that changes nothing.
    pub const IDENTITY: Self = Self { rotation: DMat3::IDENTITY, translation: DVec3::ZERO };

    /// From a unit quaternion and a translation in metres.
    pub fn new(rotation: DQuat, translation: DVec3) -> Self {
        Self { rotation: DMat3::from_quat(rotation), translation }
    }

    /// From fixed-axis roll, pitch, yaw in radians (URDF's `rpy`: R = Rz(yaw) Ry(pitch) Rx(roll)).
    pub fn from_rpy(rpy: [f64; 3], translation: DVec3) -> Self {
        let rotation =
            DMat3::from_rotation_z(rpy[2]) * DMat3::from_rotation_y(rpy[1]) * DMat3::from_rotation_x(rpy[0]);
        Self { rotation, translation }
    }

    /// A pure translation, metres.
    pub fn from_translation(translation: DVec3) -> Self {
        Self { translation, ..Self::IDENTITY }
    }

    /// Checks that it is a rigid transform of numbers.
    ///
    /// # Errors
    /// Which of its numbers is none, or that the rotation is none.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        /// How far the columns of a rotation may be from orthonormal: products of some hundred rotations, and
        /// rotations from single precision, are nearer than that.
        const ROUNDING: f64 = 1e-5;
        for (axis, value) in ["x", "y", "z"].into_iter().zip(self.translation.to_array()) {
            finite(axis, value).map_err(|e| e.under("translation"))?;
        }
        let DMat3 { x_axis: x, y_axis: y, z_axis: z } = self.rotation;
        // Of a right-handed orthonormal frame every axis is the cross product of the other two. The length
        // is asked for apart, as all of a frame of zeros are. Written so that what is no number fails.
        let square = |v: DVec3| v.length_squared() <= ROUNDING * ROUNDING;
        let length = (z.length_squared() - 1.0).abs() <= ROUNDING;
        if length && square(x.cross(y) - z) && square(y.cross(z) - x) && square(z.cross(x) - y) {
            return Ok(());
        }
        let found = format!("{:?}", self.rotation.to_cols_array_2d());
        Err(InvalidValue::new("rotation", found, "an orthonormal right-handed matrix"))
    }

    /// Child coordinates of a point to parent coordinates.
    pub fn point(&self, p: DVec3) -> DVec3 {
        self.rotation * p + self.translation
    }

    /// Child coordinates of a free vector to parent coordinates.
    pub fn vector(&self, v: DVec3) -> DVec3 {
        self.rotation * v
    }

    /// Parent coordinates of a point to child coordinates.
    pub fn local_point(&self, p: DVec3) -> DVec3 {
        self.rotation.transpose() * (p - self.translation)
    }

    /// The transform from parent to child.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let rotation = self.rotation.transpose();
        Self { rotation, translation: -(rotation * self.translation) }
    }
}

impl Mul for Pose {
    type Output = Self;
    fn mul(self, rhs: Self) -> Self {
        Self { rotation: self.rotation * rhs.rotation, translation: self.point(rhs.translation) }
    }
}

//! Rigid transforms in `f64`. Imports nothing of flatout.

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

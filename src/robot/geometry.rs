//! Collision geometry as a URDF file names it, before meshes are read. Imports `error`, `pose`, `world` and the
//! robot's meshes.

use super::mesh::Mesh;
use super::spherize::Solid;
use crate::error::InputError;
use crate::pose::Pose;
use crate::world::Shape;
use glam::DVec3;
use std::path::PathBuf;

/// A piece of collision geometry.
#[derive(Clone, Debug)]
pub(super) enum Geometry {
    /// A primitive and its frame in the link's frame.
    Primitive(Shape, Pose),
    /// What the mesh in a file encloses.
    Mesh {
        /// The file.
        path: PathBuf,
        /// Factors of its coordinates.
        scale: DVec3,
        /// Its frame in the link's.
        pose: Pose,
    },
}

impl Geometry {
    /// Its frame in the link's.
    pub(super) fn pose(&self) -> &Pose {
        match self {
            Self::Primitive(_, pose) | Self::Mesh { pose, .. } => pose,
        }
    }

    /// The solid, read from its file where it has one.
    ///
    /// # Errors
    /// As [`Mesh::load`].
    pub(super) fn load(&self) -> Result<Solid, InputError> {
        Ok(match self {
            &Self::Primitive(shape, pose) => Solid::Primitive(shape, pose),
            Self::Mesh { path, scale, pose } => Solid::Mesh(Mesh::load(path, *scale)?, *pose),
        })
    }
}

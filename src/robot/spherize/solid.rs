//! What is covered, and how closely.

use crate::error::InputError;
use crate::pose::Pose;
use crate::robot::mesh::Mesh;
use crate::world::Shape;
use std::f64::consts::PI;

/// Radii are widened by this fraction of the largest coordinates: far more than rounding may lose, far
/// less than anybody can build.
pub(super) const ROUNDING: f64 = 1e-9;

/// Primitives larger than this (metres) are taken for a mistake in units.
pub(super) const LARGEST_LENGTH: f64 = 1e6;

/// Most spheres that a solid, or all of a robot, may be covered by; each costs time in every check.
pub const MAX_SPHERES: usize = 4096;

/// Solids smaller than this (metres) get one sphere around their bounding box.
pub(super) const SMALLEST_SIZE: f64 = 1e-6;

/// A solid fixed to a link.
#[derive(Clone, Debug)]
pub enum Solid {
    /// A primitive and its frame in the link's frame.
    Primitive(Shape, Pose),
    /// What a mesh encloses (see [`crate::robot::mesh::Surface`]), and its frame in the link's.
    Mesh(Mesh, Pose),
}

/// How closely to cover a solid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoverOptions {
    /// Use no more spheres than this, at least one and at most [`MAX_SPHERES`].
    pub max_spheres: usize,
    /// How far spheres may reach beyond the solid, metres.
    pub tolerance: f64,
}

impl Default for CoverOptions {
    fn default() -> Self {
        Self { max_spheres: 2048, tolerance: 0.01 }
    }
}

impl Solid {
    /// Whether another one has the same shape, wherever it is.
    pub(in crate::robot) fn is_alike(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Primitive(a, _), Self::Primitive(b, _)) => a == b,
            (Self::Mesh(a, _), Self::Mesh(b, _)) => a == b,
            _ => false,
        }
    }

    /// Its frame in the link's.
    pub fn pose(&self) -> &Pose {
        match self {
            Self::Primitive(_, pose) | Self::Mesh(_, pose) => pose,
        }
    }
}

/// Refuses lengths that make no solid.
pub(in crate::robot) fn check_lengths(shape: &Shape) -> Result<(), InputError> {
    let lengths = match *shape {
        Shape::Sphere { radius } => vec![radius],
        Shape::Cuboid { half_extents } => half_extents.to_array().to_vec(),
        Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
            vec![radius, half_length]
        }
        Shape::HalfSpace => vec![],
    };
    match lengths.iter().find(|l| !(0.0..=LARGEST_LENGTH).contains(*l)) {
        Some(l) => Err(InputError::new(format!(
            "{} with a length of {l} m: expected lengths from 0 to {LARGEST_LENGTH:e} m",
            shape.kind()
        ))),
        None => Ok(()),
    }
}

/// Volume of a ball, m^3.
pub(super) fn ball_volume(radius: f64) -> f64 {
    4.0 / 3.0 * PI * radius.powi(3)
}

//! A solid as the fit sees it: a closed surface around it, and the distance to it.

use crate::robot::mesh::{Mesh, Surface};
use crate::stop::Stop;
use crate::world::Shape;
use glam::{DVec2, DVec3};
use std::f64::consts::TAU;

/// Sides of the prism around a cylinder: it is wider than the cylinder by 0.25 percent.
const PRISM_SIDES: u32 = 44;

/// A solid in its own frame, within a closed triangulated surface.
pub(super) struct CoverBody {
    surface: Surface,
    /// Where the distance is better known than the surface tells.
    shape: Option<Shape>,
    size: f64,
    stop: Stop,
}

impl CoverBody {
    pub(super) fn from_mesh(mesh: &Mesh) -> Self {
        Self::new(Surface::new(mesh), None)
    }

    /// A box by its half extents.
    pub(super) fn cuboid(half_extents: DVec3) -> Self {
        let ring = [(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)]
            .map(|(x, y)| DVec2::new(x, y) * half_extents.truncate());
        Self::new(prism(&ring, half_extents.z), Some(Shape::Cuboid { half_extents }))
    }

    /// A cylinder about z.
    pub(super) fn cylinder(radius: f64, half_length: f64) -> Self {
        let half_angle = TAU / 2.0 / f64::from(PRISM_SIDES);
        let corner = |i| DVec2::from_angle(2.0 * half_angle * f64::from(i)) * (radius / half_angle.cos());
        let ring: Vec<_> = (0..PRISM_SIDES).map(corner).collect();
        Self::new(prism(&ring, half_length), Some(Shape::Cylinder { radius, half_length }))
    }

    fn new(surface: Surface, shape: Option<Shape>) -> Self {
        let [low, high] = surface.bounds();
        Self { surface, shape, size: low.distance(high), stop: Stop::NEVER }
    }

    /// The same, to be covered before `stop` is due.
    pub(super) fn until(self, stop: &Stop) -> Self {
        Self { stop: stop.clone(), ..self }
    }

    /// What it is to be covered before.
    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether that is due: then nothing that is found is of use.
    pub(super) fn is_late(&self) -> bool {
        self.stop.is_due()
    }

    /// A closed surface that the solid lies within.
    pub(super) fn surface(&self) -> &Surface {
        &self.surface
    }

    /// Diagonal of the bounding box, metres.
    pub(super) fn size(&self) -> f64 {
        self.size
    }

    /// How large coordinates of points of the solid and differences between them may get, metres.
    pub(super) fn scale(&self) -> f64 {
        let [low, high] = self.surface.bounds();
        self.size + low.length().max(high.length())
    }

    /// Distance from the solid itself, or minus that to its surface.
    pub(super) fn signed_distance(&self, p: DVec3) -> f64 {
        self.shape.map_or_else(|| self.surface.signed_distance(p), |s| s.signed_distance(p))
    }

    /// Distance from the surface of the solid itself, known to be no more than `reach`.
    pub(super) fn distance_within(&self, p: DVec3, reach: f64) -> f64 {
        let to_surface = || self.surface.nearest_within(p, reach).map_or(reach, |q| p.distance(q));
        self.shape.map_or_else(to_surface, |s| s.signed_distance(p).abs())
    }

    /// Whether a point is in the solid itself.
    pub(super) fn contains(&self, p: DVec3) -> bool {
        self.shape.map_or_else(|| self.surface.contains(p), |s| s.signed_distance(p) <= 0.0)
    }

    /// Volume of the solid, m^3.
    pub(super) fn volume(&self) -> f64 {
        match self.shape {
            Some(Shape::Cuboid { half_extents: h }) => 8.0 * h.x * h.y * h.z,
            Some(Shape::Cylinder { radius, half_length }) => TAU * radius * radius * half_length,
            _ => self.surface.volume(),
        }
    }
}

/// The prism over a convex polygon, given counter-clockwise, from z = -half_length to half_length.
fn prism(ring: &[DVec2], half_length: f64) -> Surface {
    let mut triangles = Vec::with_capacity(4 * ring.len());
    for (i, &a) in ring.iter().enumerate() {
        let b = ring[(i + 1) % ring.len()];
        let ([a0, b0, o0], [a1, b1, o1]) =
            ([a, b, ring[0]].map(|v| v.extend(-half_length)), [a, b, ring[0]].map(|v| v.extend(half_length)));
        triangles.extend([[a0, b0, b1], [a0, b1, a1], [o1, a1, b1], [o0, b0, a0]]);
    }
    Surface::closed(triangles)
}

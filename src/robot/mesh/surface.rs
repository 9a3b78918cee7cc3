//! The closed surface that a mesh stands for, in a bounding-volume hierarchy.
//!
//! A solid needs a closed, oriented surface; files often give less. So vertices at one place
//! become one, triangles are turned to agree with each other, and holes are capped (`close`). After
//! that the winding number of the surface is a whole number at every point off the surface,
//! and what it does not wind about is outside.

use super::Mesh;
use super::close::{close, enclosed_volume};
use glam::DVec3;
use std::f64::consts::PI;

/// Triangles in a leaf of the hierarchy.
const LEAF: usize = 4;

/// The closed surface of a solid bounded by triangles.
///
/// The solid is the surface together with all points about which it winds. Hollows within a
/// solid therefore count as filled.
#[derive(Clone, Debug)]
pub struct Surface {
    pub(super) triangles: Vec<[DVec3; 3]>,
    pub(super) nodes: Vec<SurfaceNode>,
    moved: f64,
}

/// A node of the hierarchy: its left child follows it, its right child stands at `right`.
#[derive(Clone, Debug)]
pub(super) struct SurfaceNode {
    pub(super) low: DVec3,
    pub(super) high: DVec3,
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) right: Option<usize>,
}

impl Surface {
    /// The closed surface of a mesh.
    pub fn new(mesh: &Mesh) -> Self {
        let (vertices, triangles) = mesh.welded();
        let (triangles, moved) = close(&vertices, triangles);
        Self { moved, ..Self::closed(triangles) }
    }

    /// From triangles that close a solid, counter-clockwise seen from outside.
    pub(in crate::robot) fn closed(triangles: Vec<[DVec3; 3]>) -> Self {
        let count = triangles.len();
        let mut surface = Self { triangles, nodes: Vec::new(), moved: 0.0 };
        surface.build(0, count);
        surface
    }

    /// All triangles, those that cap holes among them, counter-clockwise seen from outside.
    pub fn triangles(&self) -> &[[DVec3; 3]] {
        &self.triangles
    }

    /// Corners of the axis-aligned bounding box.
    pub fn bounds(&self) -> [DVec3; 2] {
        [self.nodes[0].low, self.nodes[0].high]
    }

    /// How far any point of the mesh's triangles is from this surface at most, metres: corners that all but met were made one.
    pub fn moved(&self) -> f64 {
        self.moved
    }

    /// Volume, m^3; what lies in several parts of the mesh counts several times.
    pub fn volume(&self) -> f64 {
        enclosed_volume(&self.triangles)
    }

    /// The point of the surface nearest to `p`.
    pub fn nearest(&self, p: DVec3) -> DVec3 {
        let mut best = (f64::INFINITY, p);
        self.nearest_below(0, p, &mut best);
        best.1
    }

    /// The point of the surface nearest to `p`, if it is nearer than `reach` (metres); found sooner than without
    /// one.
    pub fn nearest_within(&self, p: DVec3, reach: f64) -> Option<DVec3> {
        let mut best = (reach * reach, p);
        self.nearest_below(0, p, &mut best);
        (best.0 < reach * reach).then_some(best.1)
    }

    /// Distance from `p` to the solid, or minus that to its surface where `p` is inside; metres.
    pub fn signed_distance(&self, p: DVec3) -> f64 {
        let distance = p.distance(self.nearest(p));
        if self.contains(p) { -distance } else { distance }
    }

    /// How often the surface winds about `p`, summed over all triangles (generalised winding
    /// number; Jacobson, Kavan, Sorkine-Hornung, "Robust inside-outside segmentation using
    /// generalized winding numbers", SIGGRAPH 2013).
    pub fn winding_number(&self, p: DVec3) -> f64 {
        winding(&self.triangles, p)
    }

    /// Adds the node over `count` triangles from `first` on, and all below it.
    fn build(&mut self, first: usize, count: usize) {
        let triangles = &mut self.triangles[first..first + count];
        let index = self.nodes.len();
        self.nodes.push(SurfaceNode::over(triangles, first));
        if count <= LEAF {
            return;
        }
        let middle = |t: &[DVec3; 3]| t[0] + t[1] + t[2];
        let low = triangles.iter().map(middle).fold(DVec3::INFINITY, DVec3::min);
        let high = triangles.iter().map(middle).fold(DVec3::NEG_INFINITY, DVec3::max);
        let axis = (high - low).max_position();
        let half = count / 2;
        triangles.select_nth_unstable_by(half, |a, b| middle(a)[axis].total_cmp(&middle(b)[axis]));
        self.build(first, half);
        self.nodes[index].right = Some(self.nodes.len());
        self.build(first + half, count - half);
    }

    fn nearest_below(&self, index: usize, p: DVec3, best: &mut (f64, DVec3)) {
        let node = &self.nodes[index];
        let Some(right) = node.right else {
            for t in &self.triangles[node.first..node.first + node.count] {
                let q = nearest_on_triangle(t, p);
                let d = q.distance_squared(p);
                if d < best.0 {
                    *best = (d, q);
                }
            }
            return;
        };
        let squared = |i: usize| p.distance_squared(p.clamp(self.nodes[i].low, self.nodes[i].high));
        let (l, r) = (squared(index + 1), squared(right));
        let order = if l <= r { [(l, index + 1), (r, right)] } else { [(r, right), (l, index + 1)] };
        for (d, child) in order {
            if d < best.0 {
                self.nearest_below(child, p, best);
            }
        }
    }
}

impl SurfaceNode {
    fn over(triangles: &[[DVec3; 3]], first: usize) -> Self {
        let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
        for t in triangles {
            for &v in t {
                (low, high) = (low.min(v), high.max(v));
            }
        }
        Self { low, high, first, count: triangles.len(), right: None }
    }
}

/// Sum of the solid angles of triangles over 4 pi (van Oosterom, Strackee, "The solid angle of a
/// plane triangle", IEEE Trans. Biomed. Eng. 1983).
fn winding(triangles: &[[DVec3; 3]], p: DVec3) -> f64 {
    let half_angle = |t: &[DVec3; 3]| {
        let [a, b, c] = t.map(|v| v - p);
        let (la, lb, lc) = (a.length(), b.length(), c.length());
        let numerator = a.dot(b.cross(c));
        numerator.atan2(la * lb * lc + a.dot(b) * lc + b.dot(c) * la + c.dot(a) * lb)
    };
    triangles.iter().map(half_angle).sum::<f64>() / (2.0 * PI)
}

/// The point of a triangle, possibly one without area, that is nearest to `p`.
fn nearest_on_triangle(&[a, b, c]: &[DVec3; 3], p: DVec3) -> DVec3 {
    let normal = (b - a).cross(c - a);
    let inside = |u: DVec3, v: DVec3| normal.dot((v - u).cross(p - u)) >= 0.0;
    let area = normal.length_squared();
    if area > 0.0 && inside(a, b) && inside(b, c) && inside(c, a) {
        return p - normal * (normal.dot(p - a) / area);
    }
    let mut nearest = a;
    for (u, v) in [(a, b), (b, c), (c, a)] {
        let q = nearest_on_segment(u, v, p);
        if q.distance_squared(p) < nearest.distance_squared(p) {
            nearest = q;
        }
    }
    nearest
}

fn nearest_on_segment(a: DVec3, b: DVec3, p: DVec3) -> DVec3 {
    let d = b - a;
    let squared = d.length_squared();
    if squared > 0.0 { a + d * ((p - a).dot(d) / squared).clamp(0.0, 1.0) } else { a }
}

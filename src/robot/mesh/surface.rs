//! The closed surface that a mesh stands for, in a bounding-volume hierarchy.
//!
//! A solid needs a closed, oriented surface; files often give less. So vertices at one place
//! become one, triangles are turned to agree with their neighbours, each connected part is
//! turned so that its volume is positive, and each hole is capped by a cone over its rim. After
//! that the winding number of the surface is a whole number at every point off the surface,
//! and what it does not wind about is outside.

use super::Mesh;
use glam::DVec3;
use std::collections::{BTreeMap, BTreeSet};
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
        let mut closed = Vec::with_capacity(triangles.len());
        for part in oriented_parts(&triangles) {
            let mut part: Vec<_> =
                part.iter().map(|t| t.map(|i| vertices[i])).chain(caps(&vertices, &part)).collect();
            if enclosed_volume(&part) < 0.0 {
                part.iter_mut().for_each(|t| t.swap(1, 2));
            }
            closed.append(&mut part);
        }
        Self::closed(closed)
    }

    /// From triangles that close a solid, counter-clockwise seen from outside.
    pub(in crate::robot) fn closed(triangles: Vec<[DVec3; 3]>) -> Self {
        let count = triangles.len();
        let mut surface = Self { triangles, nodes: Vec::new() };
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

/// The parts that hang together over edges shared by two triangles, each oriented as one.
fn oriented_parts(triangles: &[[usize; 3]]) -> Vec<Vec<[usize; 3]>> {
    let mut sides: BTreeMap<[usize; 2], Vec<usize>> = BTreeMap::new();
    for (i, &t) in triangles.iter().enumerate() {
        for [a, b] in edges(t) {
            sides.entry([a.min(b), a.max(b)]).or_default().push(i);
        }
    }
    let mut placed = vec![false; triangles.len()];
    let mut parts = Vec::new();
    for seed in 0..triangles.len() {
        if std::mem::replace(&mut placed[seed], true) {
            continue;
        }
        let mut part = vec![triangles[seed]];
        // Original indices of the triangles in `part`.
        let mut origin = vec![seed];
        let mut next = 0;
        while next < part.len() {
            for [a, b] in edges(part[next]) {
                let &[i, j] = sides[&[a.min(b), a.max(b)]].as_slice() else { continue };
                let other = if i == origin[next] { j } else { i };
                if std::mem::replace(&mut placed[other], true) {
                    continue;
                }
                let mut t = triangles[other];
                // Neighbours that agree run along their common edge in opposite directions.
                if edges(t).any(|e| e == [a, b]) {
                    t.swap(1, 2);
                }
                part.push(t);
                origin.push(other);
            }
            next += 1;
        }
        parts.push(part);
    }
    parts
}

/// Triangles that close a part: cones over the rims of its holes.
fn caps(vertices: &[DVec3], part: &[[usize; 3]]) -> Vec<[DVec3; 3]> {
    let mut surplus: BTreeMap<[usize; 2], i32> = BTreeMap::new();
    for [a, b] in part.iter().flat_map(|&t| edges(t)) {
        *surplus.entry([a.min(b), a.max(b)]).or_default() += if a < b { 1 } else { -1 };
    }
    surplus.retain(|_, count| *count != 0);
    let mut caps = Vec::new();
    for rim in rims(surplus.keys().copied()) {
        let corners: BTreeSet<usize> = rim.iter().flatten().copied().collect();
        let apex = corners.iter().map(|&v| vertices[v]).sum::<DVec3>() / corners.len() as f64;
        for edge in rim {
            let count = surplus[&edge];
            let [a, b] = if count > 0 { edge } else { [edge[1], edge[0]] };
            let cap = [apex, vertices[b], vertices[a]];
            caps.extend(std::iter::repeat_n(cap, count.unsigned_abs() as usize));
        }
    }
    caps
}

/// Edges grouped by what hangs together.
fn rims(edges: impl Iterator<Item = [usize; 2]>) -> Vec<Vec<[usize; 2]>> {
    let mut at: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for [a, b] in edges {
        at.entry(a).or_default().insert(b);
        at.entry(b).or_default().insert(a);
    }
    let mut rims = Vec::new();
    while let Some((&seed, _)) = at.first_key_value() {
        let (mut rim, mut open) = (Vec::new(), vec![seed]);
        while let Some(a) = open.pop() {
            for b in at.remove(&a).unwrap_or_default() {
                // The end that is taken out first lists the edge.
                if at.contains_key(&b) {
                    rim.push([a.min(b), a.max(b)]);
                    open.push(b);
                }
            }
        }
        rims.push(rim);
    }
    rims
}

/// Directed edges of a triangle, but for those that have no length.
fn edges([a, b, c]: [usize; 3]) -> impl Iterator<Item = [usize; 2]> + Clone {
    [[a, b], [b, c], [c, a]].into_iter().filter(|[a, b]| a != b)
}

/// Volume by the divergence theorem, from an origin near the triangles.
fn enclosed_volume(triangles: &[[DVec3; 3]]) -> f64 {
    let origin = triangles.first().map_or(DVec3::ZERO, |t| t[0]);
    let cone = |t: &[DVec3; 3]| (t[0] - origin).dot((t[1] - origin).cross(t[2] - origin)) / 6.0;
    triangles.iter().map(cone).sum()
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

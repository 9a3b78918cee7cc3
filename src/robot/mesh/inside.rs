//! Which points a closed surface winds about: by counting where a ray from the point leaves and enters.

use super::Surface;
use super::surface::SurfaceNode;
use glam::DVec3;

/// Directions of rays, none along anything that people build; the next one is taken where one meets an edge.
const DIRECTIONS: [DVec3; 3] = [
    DVec3::new(0.5377, 0.3119, 0.7831),
    DVec3::new(-0.4193, 0.8267, 0.3741),
    DVec3::new(0.2711, -0.6529, -0.7073),
];

/// A ray that passes an edge as near as this, relative to the distances of its ends, may or may not cross it.
const EDGE: f64 = 1e-10;

/// Boxes are widened by this share of their coordinates before a ray is said to miss them.
const WIDENING: f64 = 1e-12;

impl Surface {
    /// Whether the surface winds about `p`; for points of the surface itself either answer.
    ///
    /// How often a closed surface winds about a point is how often a ray from it leaves less how often it
    /// enters. Where every ray that is tried passes an edge too closely to tell, the solid angles are added.
    pub fn contains(&self, p: DVec3) -> bool {
        let crossings = DIRECTIONS.iter().find_map(|&direction| self.crossings_below(0, p, direction));
        crossings.map_or_else(|| self.winding_number(p).round() != 0.0, |count| count != 0)
    }

    /// How often a ray leaves through triangles below a node less how often it enters, if that is sure.
    fn crossings_below(&self, index: usize, p: DVec3, direction: DVec3) -> Option<i64> {
        let node = &self.nodes[index];
        if !node.is_met(p, direction) {
            return Some(0);
        }
        match node.right {
            None => {
                let triangles = &self.triangles[node.first..node.first + node.count];
                triangles.iter().map(|t| crossing(t, p, direction)).sum()
            }
            Some(right) => {
                Some(self.crossings_below(index + 1, p, direction)? + self.crossings_below(right, p, direction)?)
            }
        }
    }
}

impl SurfaceNode {
    /// Whether a ray meets the box, or nearly does.
    fn is_met(&self, p: DVec3, direction: DVec3) -> bool {
        let widening = WIDENING * (self.low.abs().max(self.high.abs()).max_element() + p.abs().max_element());
        let (a, b) = ((self.low - widening - p) / direction, (self.high + widening - p) / direction);
        let (near, far) = (a.min(b).max_element(), a.max(b).min_element());
        near <= far && far >= 0.0
    }
}

/// 1 where a ray leaves through a triangle, -1 where it enters, 0 where it misses; none where it passes an edge
/// too closely to tell.
fn crossing(triangle: &[DVec3; 3], p: DVec3, direction: DVec3) -> Option<i64> {
    let [a, b, c] = triangle.map(|v| v - p);
    // On which side of each edge the ray passes.
    let sides = [(a, b), (b, c), (c, a)].map(|(u, v)| {
        let side = direction.dot(u.cross(v));
        if side.abs() <= EDGE * u.length() * v.length() { 0.0 } else { side }
    });
    let (all_out, all_in) = (sides.iter().all(|&s| s >= 0.0), sides.iter().all(|&s| s <= 0.0));
    if !all_out && !all_in {
        return Some(0);
    }
    let normal = (b - a).cross(c - a);
    let ahead = normal.dot(a) / normal.dot(direction);
    if ahead < 0.0 {
        return Some(0);
    }
    if sides.contains(&0.0) {
        return None;
    }
    Some(if all_out { 1 } else { -1 })
}

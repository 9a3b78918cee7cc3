//! Whether two closed surfaces, or what they enclose, have a point in common.

use super::Surface;
use crate::pose::Pose;
use glam::{DMat3, DVec3};

impl Surface {
    /// Whether another solid, given by its surface and the pose of that in this one's frame, has a point in
    /// common with this one. Rounding may decide of surfaces that just touch.
    pub fn touches(&self, other: &Self, pose: &Pose) -> bool {
        let rotation = [pose.rotation.x_axis, pose.rotation.y_axis, pose.rotation.z_axis].map(DVec3::abs);
        let pair = SurfacePair { surfaces: [self, other], pose, stretch: DMat3::from_cols_array_2d(&rotation.map(|c| c.to_array())) };
        pair.cross(0, 0) || self.contains(pose.point(other.triangles[0][0])) || other.contains(pose.inverse().point(self.triangles[0][0]))
    }
}

/// Two surfaces, the second seen from the first.
struct SurfacePair<'a> {
    surfaces: [&'a Surface; 2],
    pose: &'a Pose,
    /// Magnitudes of the rotation: half extents of a box times this hold the box turned.
    stretch: DMat3,
}

impl SurfacePair<'_> {
    /// Whether triangles below two nodes cross.
    fn cross(&self, a: usize, b: usize) -> bool {
        let [first, second] = [&self.surfaces[0].nodes[a], &self.surfaces[1].nodes[b]];
        let middle = self.pose.point((second.low + second.high) / 2.0);
        let half = self.stretch * ((second.high - second.low) / 2.0) + (first.high - first.low) / 2.0;
        if (middle - (first.low + first.high) / 2.0).abs().cmpgt(half).any() {
            return false;
        }
        match (first.right, second.right) {
            (None, None) => {
                let triangles = |s: &Surface, first, count| s.triangles[first..first + count].to_vec();
                let turned: Vec<_> = triangles(self.surfaces[1], second.first, second.count)
                    .into_iter()
                    .map(|t| t.map(|v| self.pose.point(v)))
                    .collect();
                triangles(self.surfaces[0], first.first, first.count)
                    .iter()
                    .any(|t| turned.iter().any(|u| triangles_cross(t, u)))
            }
            // The node with more below it is opened.
            (Some(right), other) if other.is_none() || first.count >= second.count => {
                self.cross(a + 1, b) || self.cross(right, b)
            }
            (_, Some(right)) => self.cross(a, b + 1) || self.cross(a, right),
            (Some(right), None) => self.cross(a + 1, b) || self.cross(right, b),
        }
    }
}

/// Whether two triangles have a point in common: no plane across any of the directions that can part two
/// triangles does (Gottschalk, Lin, Manocha, "OBBTree", SIGGRAPH 1996, section 5, for triangles).
fn triangles_cross(a: &[DVec3; 3], b: &[DVec3; 3]) -> bool {
    let edges = |t: &[DVec3; 3]| [t[1] - t[0], t[2] - t[1], t[0] - t[2]];
    let (ea, eb) = (edges(a), edges(b));
    let (na, nb) = (ea[0].cross(ea[1]), eb[0].cross(eb[1]));
    let parts = |axis: DVec3| {
        let range = |t: &[DVec3; 3]| {
            let d = t.map(|v| v.dot(axis));
            [d[0].min(d[1]).min(d[2]), d[0].max(d[1]).max(d[2])]
        };
        let ([a0, a1], [b0, b1]) = (range(a), range(b));
        a1 < b0 || b1 < a0
    };
    if parts(na) || parts(nb) {
        return false;
    }
    if ea.iter().any(|&u| eb.iter().any(|&v| parts(u.cross(v)))) {
        return false;
    }
    // Triangles in one plane are parted across an edge, within the plane.
    !(ea.iter().any(|&u| parts(na.cross(u))) || eb.iter().any(|&v| parts(nb.cross(v))))
}

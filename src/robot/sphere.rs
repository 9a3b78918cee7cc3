//! Balls of collision geometry.

use glam::DVec3;

/// A ball of collision geometry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Centre in the frame of its link (or body), metres.
    pub center: DVec3,
    /// Radius, metres.
    pub radius: f64,
}

/// A small sphere that holds `spheres`: the best of Badoiu and Clarkson's core-set iteration
/// (*Smaller core-sets for balls*, SODA 2003), its radius then measured, so that it always holds.
pub(super) fn bounding_sphere(spheres: &[Sphere]) -> Sphere {
    let reach = |c: DVec3, s: &Sphere| c.distance(s.center) + s.radius;
    let farthest = |c: DVec3| {
        spheres.iter().copied().max_by(|a, b| reach(c, a).total_cmp(&reach(c, b))).unwrap_or(spheres[0])
    };
    let mut center = spheres.iter().map(|s| s.center).sum::<DVec3>() / spheres.len() as f64;
    let mut best = Sphere { center, radius: reach(center, &farthest(center)) };
    for k in 1..200 {
        let far = farthest(center);
        let toward = far.center + (far.center - center).normalize_or_zero() * far.radius;
        center += (toward - center) / (k + 1) as f64;
        let radius = reach(center, &farthest(center));
        if radius < best.radius {
            best = Sphere { center, radius };
        }
    }
    // A whisker for rounding, so that "holds" is true in floating point too.
    Sphere { radius: best.radius * (1.0 + 1e-12), ..best }
}

//! Equal spheres for capsules.

use super::solid::MAX_SPHERES;
use crate::robot::Sphere;
use glam::DVec3;

/// Equal spheres along the axis of a capsule, and how far they reach beyond it: by no more than `tolerance`, where
/// so many as there may be can do that.
///
/// With m gaps between spheres of radius r + e, the end ones hold the end balls if they sit e
/// inside the ends of the axis, and neighbours hold the wall between them if (r + e)^2 >=
/// r^2 + (half a gap)^2, where half a gap is (l - e) / m: a quadratic equation for the least e.
pub(super) fn chain(radius: f64, half_length: f64, tolerance: f64) -> (Vec<Sphere>, f64) {
    let excess = |gaps: f64| {
        let linear = 2.0 * (radius * gaps * gaps + half_length);
        let root = (linear * linear + 4.0 * (gaps * gaps - 1.0) * half_length * half_length).max(0.0).sqrt();
        if half_length > 0.0 { 2.0 * half_length * half_length / (linear + root) } else { 0.0 }
    };
    let close_enough = |&n: &usize| excess((n - 1) as f64) <= tolerance;
    let count = (1..MAX_SPHERES).find(close_enough).unwrap_or(MAX_SPHERES);
    let excess = excess((count - 1) as f64);
    let end = half_length - excess;
    let sphere = |i: usize| {
        let along = if count == 1 { 0.0 } else { 2.0 * i as f64 / (count - 1) as f64 - 1.0 };
        Sphere { center: DVec3::Z * end * along, radius: radius + excess }
    };
    ((0..count).map(sphere).collect(), excess)
}

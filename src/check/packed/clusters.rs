//! Spheres of a link in clusters: those that lie together are held against others by a ball around them first.

use super::robot::{CLUSTER, PackedSphere, hold, pack_sphere};
use crate::robot::Sphere;
use glam::DVec3;

/// The spheres of a link by their numbers, so that each run of [`CLUSTER`] lies together: cut again and again across
/// the longest side of the box around their centres, at a whole number of clusters.
pub(super) fn clustered(spheres: &[Sphere]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spheres.len()).collect();
    cut(spheres, &mut order);
    order
}

fn cut(spheres: &[Sphere], order: &mut [usize]) {
    if order.len() <= CLUSTER {
        return;
    }
    let bounds = order.iter().map(|&i| spheres[i].center).fold(
        [DVec3::INFINITY, DVec3::NEG_INFINITY],
        |[lower, upper], c| [lower.min(c), upper.max(c)],
    );
    let sides = bounds[1] - bounds[0];
    let axis = sides.to_array().into_iter().position(|side| side == sides.max_element()).unwrap_or(0);
    order.sort_by(|&i, &j| spheres[i].center[axis].total_cmp(&spheres[j].center[axis]));
    let half = order.len().div_ceil(CLUSTER) / 2 * CLUSTER;
    let (left, right) = order.split_at_mut(half);
    cut(spheres, left);
    cut(spheres, right);
}

/// A ball that holds spheres: about the middle of the box around them.
pub(super) fn around(spheres: &[Sphere]) -> PackedSphere {
    let bounds = spheres.iter().fold([DVec3::INFINITY, DVec3::NEG_INFINITY], |[lower, upper], s| {
        [lower.min(s.center - s.radius), upper.max(s.center + s.radius)]
    });
    let center = (bounds[0] + bounds[1]) / 2.0;
    let radius = spheres.iter().map(|s| s.center.distance(center) + s.radius).fold(0.0, f64::max);
    hold(pack_sphere(&Sphere { center, radius }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sphere() -> impl Strategy<Value = Sphere> {
        (prop::array::uniform3(-1.0..1.0), 0.0..0.2)
            .prop_map(|(center, radius)| Sphere { center: DVec3::from(center), radius })
    }

    proptest! {
        /// Each sphere is in one cluster, whose ball holds it.
        #[test]
        fn clusters_hold_their_spheres(spheres in prop::collection::vec(sphere(), 1..100)) {
            let order = clustered(&spheres);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..spheres.len()).collect::<Vec<_>>());
            for cluster in order.chunks(CLUSTER) {
                let members: Vec<Sphere> = cluster.iter().map(|&i| spheres[i]).collect();
                let ball = around(&members);
                for packed in members.iter().map(pack_sphere) {
                    let apart = (0..3).map(|i| (packed.center[i] - ball.center[i]).powi(2)).sum::<f32>().sqrt();
                    prop_assert!(apart + packed.radius <= ball.radius);
                }
            }
        }
    }
}

//! The hierarchy of boxes over a world's obstacles, so that the cost of a check grows slower than
//! their number. Imports `check::packed` and `world`.

use super::packed::{INNER, PackedNode, PackedWorld};
use crate::world::Obstacle;
use glam::DVec3;

/// Boxes are this much larger than what they hold, as a share of its coordinates and in metres at
/// least: far more than `f32` loses in either, so that a walk finds whatever a plain list would.
const MARGIN: f64 = 1e-6;
const LEAST_MARGIN: f64 = 1e-5;

/// An obstacle on its way into the hierarchy.
struct TreeItem {
    /// Index as in [`PackedNode::obstacle`].
    obstacle: u32,
    lower: DVec3,
    upper: DVec3,
}

/// The hierarchy over all of `world` but its half-spaces, in depth-first order. `obstacles` are
/// those that `world` was packed from.
pub(super) fn build(world: &PackedWorld, obstacles: &[Obstacle]) -> Vec<PackedNode> {
    let PackedWorld { spheres, cuboids, capsules, cylinders, aligned: _, half_spaces: _ } = world;
    let bounded = [spheres, cuboids, capsules, cylinders].into_iter().flatten();
    let item = |(i, packed): (usize, &super::packed::PackedObstacle)| {
        let [lower, upper] = obstacles[packed.index as usize].bounds();
        TreeItem { obstacle: i as u32, lower, upper }
    };
    let mut items: Vec<TreeItem> = bounded.enumerate().map(item).collect();
    let mut nodes = Vec::new();
    if !items.is_empty() {
        nodes.reserve_exact(2 * items.len() - 1);
        add(&mut items, &mut nodes);
    }
    nodes
}

/// Appends the subtree over `items`: halves by the middles of their boxes, along the axis on which
/// those spread widest.
fn add(items: &mut [TreeItem], nodes: &mut Vec<PackedNode>) {
    let lower = items.iter().map(|i| i.lower).fold(DVec3::INFINITY, DVec3::min);
    let upper = items.iter().map(|i| i.upper).fold(DVec3::NEG_INFINITY, DVec3::max);
    let this = nodes.len();
    let margin = (lower.abs().max(upper.abs()) * MARGIN).max(DVec3::splat(LEAST_MARGIN));
    nodes.push(PackedNode {
        lower: (lower - margin).as_vec3().to_array(),
        skip: 0,
        upper: (upper + margin).as_vec3().to_array(),
        obstacle: if let [only] = items { only.obstacle } else { INNER },
    });
    if items.len() > 1 {
        // Twice the middle orders as the middle does.
        let middle = |i: &TreeItem| i.lower + i.upper;
        let least = items.iter().map(middle).fold(DVec3::INFINITY, DVec3::min);
        let most = items.iter().map(middle).fold(DVec3::NEG_INFINITY, DVec3::max);
        let axis = (most - least).max_position();
        let half = items.len() / 2;
        items.select_nth_unstable_by(half, |a, b| {
            (middle(a)[axis].total_cmp(&middle(b)[axis])).then(a.obstacle.cmp(&b.obstacle))
        });
        let (low, high) = items.split_at_mut(half);
        add(low, nodes);
        add(high, nodes);
    }
    nodes[this].skip = nodes.len() as u32;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::strategy::obstacle;
    use proptest::prelude::*;

    proptest! {
        /// Whatever a walk passes over is not there: for any point, it comes to every obstacle that
        /// holds the point, and to each obstacle once at most.
        #[test]
        fn a_walk_misses_nothing(
            obstacles in prop::collection::vec(obstacle(), 0..120),
            p in [-3.0..3.0, -3.0..3.0, -3.0..3.0],
        ) {
            let p = DVec3::from_array(p);
            let world = PackedWorld::new(&obstacles);
            let nodes = build(&world, &obstacles);
            let bounded = world.len() - world.half_spaces.len();
            prop_assert_eq!(nodes.len(), (2 * bounded).saturating_sub(1));
            let lists = [&world.spheres, &world.cuboids, &world.capsules, &world.cylinders];
            let indices: Vec<u32> = lists.into_iter().flatten().map(|o| o.index).collect();
            let mut found = Vec::new();
            let mut next = 0;
            while next < nodes.len() {
                let PackedNode { lower, upper, skip, obstacle } = nodes[next];
                prop_assert!(skip as usize > next && skip as usize <= nodes.len());
                let within = (0..3).all(|i| f64::from(lower[i]) <= p[i] && p[i] <= f64::from(upper[i]));
                next = if within { next + 1 } else { skip as usize };
                if within && obstacle != INNER {
                    found.push(indices[obstacle as usize]);
                }
            }
            let distinct: std::collections::BTreeSet<_> = found.iter().copied().collect();
            prop_assert_eq!(distinct.len(), found.len());
            for index in indices {
                let inside = obstacles[index as usize].signed_distance(p) <= 0.0;
                prop_assert!(!inside || distinct.contains(&index));
            }
        }
    }
}

//! Obstacles in blocks of lanes, distances to them, and a hierarchy of boxes over the blocks, so
//! that the cost of a proof grows slower than their number. Imports `world` and `pose`.
//!
//! All shapes are one: points within `round` of a box from `lower` to `upper`, which may be of no
//! size or infinite; for a cylinder, x is the distance from its axis, and y is nothing.

use crate::pose::Pose;
use crate::stop::Watch;
use crate::vector::{Doubles, F64_LANES, Row, Row64, Simd64, Vector3};
use crate::world::{Obstacle, Shape};
use glam::DVec3;

/// An obstacle in the one form of all shapes.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorldSolid {
    /// The world's axes in the obstacle's frame, and the origin of the world there.
    axes: [[f64; 3]; 3],
    origin: [f64; 3],
    lower: [f64; 3],
    upper: [f64; 3],
    round: f64,
    cylinder: bool,
}

/// Obstacles, one per lane; lanes left over repeat the last. All of them are cylinders, or none.
#[derive(Debug)]
pub(super) struct SolidBlock {
    /// Indices into the world.
    pub(super) obstacles: [usize; F64_LANES],
    /// Bit by lane: where it repeats none.
    pub(super) lanes: u8,
    axes: [[Row64; 3]; 3],
    origin: [Row64; 3],
    lower: [Row64; 3],
    upper: [Row64; 3],
    round: Row64,
    cylinder: bool,
}

/// A box that holds all that is below it. Nodes stand in depth-first order: a walk goes from a node
/// to the next, or past all that is below it to `skip`.
#[derive(Debug)]
struct SolidNode {
    lower: DVec3,
    upper: DVec3,
    skip: usize,
    /// Of a leaf.
    block: Option<usize>,
}

/// The obstacles of a world.
#[derive(Debug, Default)]
pub(super) struct Solids {
    pub(super) blocks: Vec<SolidBlock>,
    /// By index into the world.
    solids: Vec<WorldSolid>,
    nodes: Vec<SolidNode>,
}

/// A solid in every lane, or the same in all.
pub(super) struct Shaped<F> {
    axes: [Vector3<F>; 3],
    origin: Vector3<F>,
    lower: Vector3<F>,
    upper: Vector3<F>,
    round: F,
    cylinder: bool,
}

/// A signed distance, and what its gradient takes.
#[derive(Clone, Copy)]
pub(super) struct Distance<F> {
    pub(super) value: F,
    local: Vector3<F>,
    beyond: Vector3<F>,
    below: [u8; 3],
    pub(super) outside: F,
}

impl WorldSolid {
    fn new(obstacle: &Obstacle) -> Self {
        let Pose { rotation, translation } = obstacle.pose.inverse();
        let rows = rotation.transpose().to_cols_array_2d();
        let point = ([0.0; 3], [0.0; 3]);
        let without = f64::INFINITY;
        let ((lower, upper), round) = match obstacle.shape {
            Shape::Sphere { radius } => (point, radius),
            Shape::Cuboid { half_extents } => (((-half_extents).to_array(), half_extents.to_array()), 0.0),
            Shape::Capsule { radius, half_length } => {
                (([0.0, 0.0, -half_length], [0.0, 0.0, half_length]), radius)
            }
            Shape::Cylinder { radius, half_length } => {
                (([-without, -without, -half_length], [radius, without, half_length]), 0.0)
            }
            Shape::HalfSpace => (([-without; 3], [without, without, 0.0]), 0.0),
        };
        let cylinder = matches!(obstacle.shape, Shape::Cylinder { .. });
        Self { axes: rows, origin: translation.to_array(), lower, upper, round, cylinder }
    }
}

impl Solids {
    /// Of all obstacles, unless it is time to stop before that: then of some.
    pub(super) fn new(obstacles: &[Obstacle], watch: &mut Watch) -> Self {
        let mut this = Self { solids: obstacles.iter().map(WorldSolid::new).collect(), ..Self::default() };
        let mut items: Vec<SolidItem> = obstacles.iter().enumerate().map(SolidItem::new).collect();
        // Boundless ones would make all boxes boundless, and cylinders take other arithmetic.
        let class = |item: &SolidItem| (item.lower.is_finite(), this.solids[item.obstacle].cylinder);
        items.sort_by_key(class);
        let classes: Vec<usize> =
            items.chunk_by(|a, b| class(a) == class(b)).map(<[SolidItem]>::len).collect();
        let mut rest = &mut items[..];
        for count in classes {
            let (these, others) = rest.split_at_mut(count);
            this.add(these, watch);
            rest = others;
        }
        this
    }

    /// Appends the subtree over `items`: parts of full blocks, by the middles of their boxes along
    /// the axis on which those spread widest.
    fn add(&mut self, items: &mut [SolidItem], watch: &mut Watch) {
        if watch.is_due(items.len() as u32) {
            return;
        }
        let lower = items.iter().map(|i| i.lower).fold(DVec3::INFINITY, DVec3::min);
        let upper = items.iter().map(|i| i.upper).fold(DVec3::NEG_INFINITY, DVec3::max);
        let this = self.nodes.len();
        self.nodes.push(SolidNode { lower, upper, skip: 0, block: None });
        if items.len() <= F64_LANES {
            self.nodes[this].block = Some(self.blocks.len());
            self.blocks.push(SolidBlock::new(&self.solids, items));
        } else {
            let middle = |i: &SolidItem| i.lower + i.upper;
            let least = items.iter().map(middle).fold(DVec3::INFINITY, DVec3::min);
            let most = items.iter().map(middle).fold(DVec3::NEG_INFINITY, DVec3::max);
            let axis = (most - least).max_position();
            let cut = (items.len() / 2).next_multiple_of(F64_LANES);
            items.select_nth_unstable_by(cut, |a, b| {
                middle(a)[axis].total_cmp(&middle(b)[axis]).then(a.obstacle.cmp(&b.obstacle))
            });
            let (low, high) = items.split_at_mut(cut);
            self.add(low, watch);
            self.add(high, watch);
        }
        self.nodes[this].skip = self.nodes.len();
    }

    /// The blocks that a ball may come nearer to than `apart`; all others stay at least so far away
    /// as is returned.
    pub(super) fn near(&self, center: DVec3, radius: f64, apart: f64, mut found: impl FnMut(usize)) -> f64 {
        let (mut next, mut at_least) = (0, f64::INFINITY);
        while let Some(node) = self.nodes.get(next) {
            let beyond = (node.lower - center).max(center - node.upper).max(DVec3::ZERO);
            // Within a box a ball may be deeper in an obstacle than it is large.
            let is_within = beyond == DVec3::ZERO;
            let gap = if is_within { f64::NEG_INFINITY } else { beyond.length() - radius };
            if gap > apart {
                at_least = at_least.min(gap);
                next = node.skip;
            } else {
                if let Some(block) = node.block {
                    found(block);
                }
                next += 1;
            }
        }
        at_least
    }

    /// One obstacle in all lanes.
    #[inline(always)]
    pub(super) fn splat<S: Simd64>(&self, level: S, obstacle: usize) -> Shaped<S::F> {
        let solid = &self.solids[obstacle];
        let [x, y, z] = solid.axes;
        Shaped {
            axes: [Vector3::splat(level, x), Vector3::splat(level, y), Vector3::splat(level, z)],
            origin: Vector3::splat(level, solid.origin),
            lower: Vector3::splat(level, solid.lower),
            upper: Vector3::splat(level, solid.upper),
            round: level.splat(solid.round),
            cylinder: solid.cylinder,
        }
    }
}

impl SolidBlock {
    fn new(solids: &[WorldSolid], items: &[SolidItem]) -> Self {
        let obstacles: [usize; F64_LANES] =
            std::array::from_fn(|lane| items[lane.min(items.len() - 1)].obstacle);
        let row = |part: &dyn Fn(&WorldSolid) -> f64| Row(obstacles.map(|obstacle| part(&solids[obstacle])));
        let rows = |part: &dyn Fn(&WorldSolid) -> [f64; 3]| [0, 1, 2].map(|axis| row(&|s| part(s)[axis]));
        Self {
            obstacles,
            lanes: u8::MAX >> (F64_LANES - items.len()),
            axes: [0, 1, 2].map(|axis| rows(&|s| s.axes[axis])),
            origin: rows(&|s| s.origin),
            lower: rows(&|s| s.lower),
            upper: rows(&|s| s.upper),
            round: row(&|s| s.round),
            cylinder: solids[obstacles[0]].cylinder,
        }
    }

    #[inline(always)]
    pub(super) fn load<S: Simd64>(&self, level: S) -> Shaped<S::F> {
        let [x, y, z] = &self.axes;
        Shaped {
            axes: [Vector3::load(level, x), Vector3::load(level, y), Vector3::load(level, z)],
            origin: Vector3::load(level, &self.origin),
            lower: Vector3::load(level, &self.lower),
            upper: Vector3::load(level, &self.upper),
            round: level.load(&self.round),
            cylinder: self.cylinder,
        }
    }
}

impl<F: Doubles> Shaped<F> {
    /// Signed distance from a point of the world, negative inside; exact.
    #[inline(always)]
    pub(super) fn distance(&self, point: Vector3<F>) -> Distance<F> {
        let [x, y, z] = &self.axes;
        let local = Vector3 { x: x.dot(point), y: y.dot(point), z: z.dot(point) } + self.origin;
        let mut p = local;
        let zero = self.round.like(0.0);
        if self.cylinder {
            p.x = local.x.mul_add(local.x, local.y * local.y).sqrt();
            p.y = zero;
        }
        let (above, below) = (p - self.upper, self.lower - p);
        // In this order a NaN goes through.
        let (dx, dy, dz) = (above.x.max(below.x), above.y.max(below.y), above.z.max(below.z));
        let beyond = Vector3 { x: zero.max(dx), y: zero.max(dy), z: zero.max(dz) };
        let outside = beyond.length();
        let value = outside + zero.min(dx.max(dy).max(dz)) - self.round;
        let below = [below.x.gt(above.x), below.y.gt(above.y), below.z.gt(above.z)];
        Distance { value, local, beyond, below, outside }
    }

    /// A subgradient of the distance, in the world: a vector g, |g| <= 1, with distance(q) >=
    /// distance(p) + g . (q - p) for all q; there is one, since all shapes are convex. Only for
    /// points outside of the box; zero elsewhere.
    #[inline(always)]
    pub(super) fn gradient(&self, distance: &Distance<F>) -> Vector3<F> {
        let tiny = self.round.like(f64::MIN_POSITIVE);
        let scale = self.round.like(1.0) / distance.outside.max(tiny);
        let Vector3 { x, y, z } = distance.beyond * scale;
        let [bx, by, bz] = distance.below;
        let mut g = [(-x).pick(bx, x), (-y).pick(by, y), (-z).pick(bz, z)];
        if self.cylinder {
            let Vector3 { x: lx, y: ly, .. } = distance.local;
            let across = lx.mul_add(lx, ly * ly).sqrt();
            let share = x / across.max(tiny);
            g = [share * lx, share * ly, g[2]];
        }
        let [ax, ay, az] = self.axes;
        ax.mul_add(g[0], ay.mul_add(g[1], az * g[2]))
    }
}

/// An obstacle on its way into the hierarchy.
struct SolidItem {
    obstacle: usize,
    lower: DVec3,
    upper: DVec3,
}

impl SolidItem {
    fn new((index, obstacle): (usize, &Obstacle)) -> Self {
        let [lower, upper] = obstacle.bounds();
        Self { obstacle: index, lower, upper }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{Kernel, Level, Simd, Vector};
    use crate::world::strategy::obstacle;
    use proptest::prelude::*;

    /// Distance and gradient of each lane of a block at a point.
    struct Measure<'a>(&'a SolidBlock, [f64; 3]);

    impl Kernel for Measure<'_> {
        type Output = [Row64; 4];

        fn call<S: Simd>(self, level: S) -> [Row64; 4] {
            let solid = self.0.load(level);
            let distance = solid.distance(Vector3::splat(level, self.1));
            let mut rows = [Row64::ZERO; 4];
            let [g @ .., value] = &mut rows;
            solid.gradient(&distance).store(g);
            distance.value.store(value);
            rows
        }
    }

    fn coordinate() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -3.0..3.0, 1 => Just(0.0), 1 => Just(0.3), 1 => Just(-0.2)]
    }

    proptest! {
        /// At every level, distances are those of the shapes, and stay above their tangents wherever
        /// a tangent is used: outside.
        #[test]
        fn distances_are_exact_and_above_their_tangents(
            obstacles in prop::collection::vec(obstacle(), 1..20),
            p in prop::array::uniform3(coordinate()), q in prop::array::uniform3(coordinate()),
        ) {
            let solids = Solids::new(&obstacles, &mut Watch::default());
            for level in Level::available() {
                let name = level.name();
                for block in &solids.blocks {
                    let [x, y, z, value] = level.run(Measure(block, p));
                    for (lane, &index) in block.obstacles.iter().enumerate() {
                        let far = |p: [f64; 3]| obstacles[index].signed_distance(p.into());
                        let slack = 1e-12 * (1.0 + obstacles[index].pose.translation.length());
                        prop_assert!((value.0[lane] - far(p)).abs() <= slack, "{}: {:?}", name, obstacles[index]);
                        let g = DVec3::new(x.0[lane], y.0[lane], z.0[lane]);
                        prop_assert!(g.length() <= 1.0 + 1e-12);
                        if value.0[lane] > 0.0 {
                            let tangent = value.0[lane] + g.dot(DVec3::from(q) - DVec3::from(p));
                            prop_assert!(far(q) >= tangent - slack, "{}: {:?}", name, obstacles[index]);
                        }
                    }
                }
            }
        }

        /// Whatever a walk passes over is as far away as it says, and it comes to no block twice.
        #[test]
        fn a_walk_misses_nothing(
            obstacles in prop::collection::vec(obstacle(), 0..120),
            p in prop::array::uniform3(coordinate()), radius in 0.0..0.5, apart in 0.0..0.5,
        ) {
            let solids = Solids::new(&obstacles, &mut Watch::default());
            let mut all: Vec<usize> = Vec::new();
            for block in &solids.blocks {
                all.extend((0..F64_LANES).filter(|lane| block.lanes >> lane & 1 == 1).map(|lane| block.obstacles[lane]));
            }
            all.sort_unstable();
            prop_assert!(all.iter().copied().eq(0..obstacles.len()), "every obstacle has a lane");
            let mut found = Vec::new();
            let at_least = solids.near(p.into(), radius, apart, |block| found.push(block));
            prop_assert!(at_least > apart);
            for (index, block) in solids.blocks.iter().enumerate() {
                let times = found.iter().filter(|&&f| f == index).count();
                prop_assert!(times <= 1);
                for &obstacle in block.obstacles.iter().filter(|_| times == 0) {
                    let gap = obstacles[obstacle].signed_distance(p.into()) - radius;
                    prop_assert!(gap >= at_least - 1e-9);
                }
            }
        }
    }
}

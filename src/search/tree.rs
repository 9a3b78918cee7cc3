//! A tree of flat states with nearest-neighbour queries.

use crate::vector::{Kernel, Level, MAX_F32_LANES, Row, Row32, Simd, Simd32, Vector};

/// Index of a node.
pub type NodeIndex = usize;

/// A tree of flat states. Positions stand a second time in lanes, so that the scan for the nearest is
/// a single pass over memory, as many nodes at a time as there are lanes.
#[derive(Clone, Debug)]
pub struct Tree {
    dof: usize,
    /// What a unit of each output counts in distances.
    weights: Vec<f32>,
    /// `[node][output]`, rad or m.
    positions: Vec<f64>,
    /// `[node][output]`, per second.
    velocities: Vec<f64>,
    /// Parent of each node; a root is its own.
    parents: Vec<NodeIndex>,
    level: Level,
    /// Lanes of `level`.
    width: usize,
    /// Weighted positions, `[node / width][output]`, a node per lane; infinity where there is none yet.
    blocks: Vec<Row32>,
}

/// Outputs of a position that is weighted without an allocation.
const FEW: usize = 16;

impl Tree {
    /// A tree without nodes; `weights` is what a unit of each output (at least one) counts in distances.
    pub fn new(weights: &[f64]) -> Self {
        let level = Level::in_use();
        Self {
            dof: weights.len(),
            weights: weights.iter().map(|&w| w as f32).collect(),
            positions: Vec::new(),
            velocities: Vec::new(),
            parents: Vec::new(),
            level,
            width: level.lanes(),
            blocks: Vec::new(),
        }
    }

    /// Adds a node; without a parent it is a root.
    pub fn add(&mut self, position: &[f64], velocity: &[f64], parent: Option<NodeIndex>) -> NodeIndex {
        let node = self.len();
        self.positions.extend_from_slice(position);
        self.velocities.extend_from_slice(velocity);
        self.parents.push(parent.unwrap_or(node));
        let (block, lane) = (node / self.width * self.dof, node % self.width);
        if lane == 0 {
            self.blocks.resize(block + self.dof, Row([f32::INFINITY; MAX_F32_LANES]));
        }
        for ((output, &x), &weight) in self.blocks[block..].iter_mut().zip(position).zip(&self.weights) {
            output.0[lane] = weight * x as f32;
        }
        node
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// Positions of a node.
    pub fn position(&self, node: NodeIndex) -> &[f64] {
        &self.positions[node * self.dof..(node + 1) * self.dof]
    }

    /// Velocities of a node.
    pub fn velocity(&self, node: NodeIndex) -> &[f64] {
        &self.velocities[node * self.dof..(node + 1) * self.dof]
    }

    /// The node nearest to `position` and its distance, both to the accuracy of `f32`: the root of the
    /// sum of squares of the outputs' weighted differences; velocities do not count.
    ///
    /// # Panics
    /// If there is no node.
    pub fn nearest(&self, position: &[f64]) -> (NodeIndex, f64) {
        assert!(!self.is_empty(), "a tree without nodes has no nearest");
        let (mut few, mut many);
        let weighted = if position.len() <= FEW {
            few = [0.0; FEW];
            &mut few[..position.len()]
        } else {
            many = vec![0.0; position.len()];
            &mut many[..]
        };
        for ((w, &x), &weight) in weighted.iter_mut().zip(position).zip(&self.weights) {
            *w = weight * x as f32;
        }
        let (block, lane, square) = self.level.run(NearestNode { blocks: &self.blocks, position: weighted });
        (block * self.width + lane, f64::from(square).sqrt())
    }

    /// The parent of a node; a root is its own.
    pub fn parent(&self, node: NodeIndex) -> NodeIndex {
        self.parents[node]
    }

    /// The nodes from `node` up to its root, both included.
    pub fn to_root(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        let parent = |&n: &NodeIndex| (self.parents[n] != n).then(|| self.parents[n]);
        std::iter::successors(Some(node), parent)
    }
}

/// The block and the lane of the nearest of many positions, and the square of its distance; all are
/// weighted.
struct NearestNode<'a> {
    /// `[block][output]`.
    blocks: &'a [Row32],
    position: &'a [f32],
}

impl Kernel for NearestNode<'_> {
    type Output = (usize, usize, f32);

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> (usize, usize, f32) {
        self.scan(s)
    }
}

impl NearestNode<'_> {
    #[inline(always)]
    fn scan<S: Simd32>(&self, s: S) -> (usize, usize, f32) {
        let (mut least, mut nearest) = (s.splat(f32::INFINITY), s.splat(0.0));
        for (block, lanes) in self.blocks.chunks_exact(self.position.len()).enumerate() {
            let mut square = s.splat(0.0);
            for (lane, &x) in lanes.iter().zip(self.position) {
                let d = s.load(lane) - s.splat(x);
                square = d.mul_add(d, square);
            }
            let closer = square.lt(least);
            least = square.pick(closer, least);
            // Exact up to 2^24 blocks.
            nearest = s.splat(block as f32).pick(closer, nearest);
        }
        let (mut squares, mut blocks) = (Row32::ZERO, Row32::ZERO);
        least.store(&mut squares);
        nearest.store(&mut blocks);
        let mut best = 0;
        for lane in 1..S::LANES {
            if squares.0[lane] < squares.0[best] {
                best = lane;
            }
        }
        (blocks.0[best] as usize, best, squares.0[best])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sampler;
    use super::*;

    #[test]
    fn nearest_and_ancestry() {
        let mut tree = Tree::new(&[1.0, 1.0]);
        let root = tree.add(&[0.0, 0.0], &[0.0, 0.0], None);
        let a = tree.add(&[1.0, 0.0], &[0.0, 0.0], Some(root));
        let b = tree.add(&[1.0, 2.0], &[0.5, 0.0], Some(a));
        assert_eq!(tree.nearest(&[1.0, 1.9]).0, b);
        assert_eq!(tree.nearest(&[0.9, 0.0]).0, a);
        assert_eq!(tree.to_root(b).collect::<Vec<_>>(), [b, a, root]);
        assert_eq!(tree.velocity(b), [0.5, 0.0]);
    }

    #[test]
    fn what_counts_more_is_farther() {
        let mut tree = Tree::new(&[2.0, 0.5]);
        let near = tree.add(&[0.0, 3.0], &[0.0, 0.0], None);
        tree.add(&[1.0, 0.0], &[0.0, 0.0], None);
        assert_eq!(tree.nearest(&[0.0, 0.0]), (near, 1.5));
    }

    /// Against a plain scan, in `f64`: at any level, what is found is as near as rounding lets one tell.
    #[test]
    fn the_nearest_of_many() {
        for dof in [1, 3, 8] {
            let mut sampler = Sampler::new(vec![(-3.0, 3.0); dof], 1);
            let weights: Vec<f64> = (0..dof).map(|output| 0.5 + output as f64 / 4.0).collect();
            let mut draw = || {
                let mut point = vec![0.0; dof];
                sampler.sample(&mut point);
                point
            };
            for level in Level::available() {
                let mut tree = Tree { level, width: level.lanes(), ..Tree::new(&weights) };
                let mut points: Vec<Vec<f64>> = Vec::new();
                for _ in 0..100 {
                    points.push(draw());
                    tree.add(&points[points.len() - 1], &vec![0.0; dof], None);
                    let query = draw();
                    let distance = |p: &Vec<f64>| {
                        let differences = p.iter().zip(&query).zip(&weights);
                        differences.map(|((a, b), w)| (w * (a - b)).powi(2)).sum::<f64>().sqrt()
                    };
                    let least = points.iter().map(distance).fold(f64::INFINITY, f64::min);
                    let (node, found) = tree.nearest(&query);
                    assert!((found - distance(&points[node])).abs() < 1e-5, "{}", level.name());
                    assert!(found <= least + 1e-5, "{}: {found}, {least}", level.name());
                }
            }
        }
    }
}

//! A tree of flat states with nearest-neighbour queries.

/// Index of a node.
pub type Node = usize;

/// A tree of flat states. Positions stand in one flat array, so that the scan for the nearest is a
/// single pass over memory.
#[derive(Clone, Debug)]
pub struct Tree {
    dof: usize,
    /// `[node][output]`, rad or m.
    positions: Vec<f64>,
    /// `[node][output]`, per second.
    velocities: Vec<f64>,
    /// Parent of each node; a root is its own.
    parents: Vec<Node>,
}

impl Tree {
    /// A tree without nodes, of states of `dof` outputs.
    pub fn new(dof: usize) -> Self {
        Self { dof, positions: Vec::new(), velocities: Vec::new(), parents: Vec::new() }
    }

    /// Adds a node; without a parent it is a root.
    pub fn add(&mut self, position: &[f64], velocity: &[f64], parent: Option<Node>) -> Node {
        let node = self.len();
        self.positions.extend_from_slice(position);
        self.velocities.extend_from_slice(velocity);
        self.parents.push(parent.unwrap_or(node));
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
    pub fn position(&self, node: Node) -> &[f64] {
        &self.positions[node * self.dof..(node + 1) * self.dof]
    }

    /// Velocities of a node.
    pub fn velocity(&self, node: Node) -> &[f64] {
        &self.velocities[node * self.dof..(node + 1) * self.dof]
    }

    /// The node nearest to `position` (Euclidean, positions only) and its distance.
    ///
    /// # Panics
    /// If there is no node.
    pub fn nearest(&self, position: &[f64]) -> (Node, f64) {
        let square = |p: &[f64]| p.iter().zip(position).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let mut best = (0, square(self.position(0)));
        for (node, p) in self.positions.chunks_exact(self.dof).enumerate().skip(1) {
            let distance = square(p);
            if distance < best.1 {
                best = (node, distance);
            }
        }
        (best.0, best.1.sqrt())
    }

    /// The nodes from `node` up to its root, both included.
    pub fn to_root(&self, node: Node) -> impl Iterator<Item = Node> + '_ {
        let parent = |&n: &Node| (self.parents[n] != n).then(|| self.parents[n]);
        std::iter::successors(Some(node), parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_and_ancestry() {
        let mut tree = Tree::new(2);
        let root = tree.add(&[0.0, 0.0], &[0.0, 0.0], None);
        let a = tree.add(&[1.0, 0.0], &[0.0, 0.0], Some(root));
        let b = tree.add(&[1.0, 2.0], &[0.5, 0.0], Some(a));
        assert_eq!(tree.nearest(&[1.0, 1.9]).0, b);
        assert_eq!(tree.nearest(&[0.9, 0.0]).0, a);
        assert_eq!(tree.to_root(b).collect::<Vec<_>>(), [b, a, root]);
        assert_eq!(tree.velocity(b), [0.5, 0.0]);
    }
}

//! Trees of stances, joined by motions.

use crate::local_planner::{Given, PathMotion};
use crate::steer::{Curve, PathState, Pointer};

/// A tree of stances.
#[derive(Debug)]
pub(super) struct PathTree {
    /// Which end of its motions is nearer to the root: the first of a tree that grows forward.
    pub(super) given: Given,
    pub(super) stances: Vec<PathState>,
    /// Place and nose of each stance, for a quick look at all of them, as a tree sees them that grows away
    /// from them: backwards where it grows backward.
    pub(super) keys: Vec<Pointer>,
    pub(super) parents: Vec<usize>,
    /// How many extensions of each have failed.
    pub(super) failures: Vec<u32>,
    /// Between each node and its parent, in the direction in which it is driven; of a root, what it takes to
    /// come there from the start, or from there to the goal.
    pub(super) motions: Vec<PathMotion>,
}

impl PathTree {
    pub(super) fn new(given: Given) -> Self {
        Self {
            given,
            stances: Vec::new(),
            keys: Vec::new(),
            parents: Vec::new(),
            failures: Vec::new(),
            motions: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, stance: PathState, parent: Option<usize>, motion: PathMotion) -> usize {
        let node = self.stances.len();
        self.keys.push(match self.given {
            Given::First => stance.pointer(),
            Given::Last => stance.backwards(),
        });
        self.stances.push(stance);
        self.parents.push(parent.unwrap_or(node));
        self.failures.push(0);
        self.motions.push(motion);
        node
    }

    /// Its roots, and their stances.
    pub(super) fn roots(&self) -> impl Iterator<Item = (usize, PathState)> {
        (0..self.stances.len()).filter(|&n| self.parents[n] == n).map(|n| (n, self.stances[n].clone()))
    }

    /// The root above a node.
    pub(super) fn root(&self, mut node: usize) -> usize {
        while self.parents[node] != node {
            node = self.parents[node];
        }
        node
    }

    /// Curves between the root and a node, in the order in which they are driven.
    pub(super) fn curves(&self, node: usize) -> Vec<Curve> {
        let parent = |&n: &usize| (self.parents[n] != n).then(|| self.parents[n]);
        let mut nodes: Vec<usize> = std::iter::successors(Some(node), parent).collect();
        if self.given == Given::First {
            nodes.reverse();
        }
        nodes.into_iter().flat_map(|n| self.motions[n].curves.iter().cloned()).collect()
    }
}

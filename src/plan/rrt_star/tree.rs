//! The tree of Kinodynamic RRT*, whatever joins its states. Imports nothing.
//!
//! Source: Webb and van den Berg, *Kinodynamic RRT\*: asymptotically optimal motion planning for robots with linear
//! dynamics*, ICRA 2013 (arXiv 1205.5088), algorithm 1. A sample is joined by whole connections, never by a part of one:
//! to the state from which it costs the least in all, and then to every state that costs less by way of it. Goals are
//! exact states, and are offered every sample. Beside the published algorithm samples and states are left out by way of
//! which no goal can cost less than the best answer (Gammell, Srinivasa, Barfoot, *Informed RRT\**, IROS 2014), as the
//! least costs without obstacles tell; and connections are checked in the order of what they would cost, so that the
//! first that is valid is the best.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// How the states of a system are joined at the least cost, among obstacles.
pub(super) trait OptimalEdges {
    /// Why a check may fail to be made.
    type Error;

    /// Numbers of a state.
    fn states(&self) -> usize;

    /// Tells of a sample: until the next, connections are asked for that begin or end there.
    fn sampled(&mut self, _sample: &[f64]) {}

    /// No more than the cost of the connection from one state to another, told quickly.
    fn at_least(&self, from: &[f64], to: &[f64]) -> f64;

    /// No more than the cost of any motion from one state to another.
    fn least_cost(&mut self, from: &[f64], to: &[f64]) -> f64;

    /// Cost and duration of the connection from one state to another, where it costs less than `below`, whatever stands in
    /// its way.
    fn cost(&mut self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]>;

    /// How many connections are checked at once: the more, the less each knows of what came of the others.
    fn at_once(&mut self) -> usize {
        1
    }

    /// What each of some connections costs, where it is valid: no less than was said, and more where it must be slower for
    /// what its check found.
    fn valid_costs(&mut self, ways: &[Way<'_>]) -> Result<Vec<Option<f64>>, Self::Error>;

    /// States are joined to those alone from or to which it costs less than this, in a tree of so many.
    fn radius(&mut self, nodes: usize) -> f64;
}

/// A connection that is to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'s> {
    pub(super) from: &'s [f64],
    pub(super) to: &'s [f64],
    /// Cost and duration, as [`OptimalEdges::cost`] told them.
    pub(super) said: [f64; 2],
}

/// What came of a sample that was joined to the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is a state of it.
    Joined,
    /// And the best answer is better now.
    Better,
}

/// No parent: the root, or a goal that is not reached.
const NONE: u32 = u32::MAX;

/// A state of the tree, or a goal.
#[derive(Clone, Copy, Debug)]
struct Node {
    parent: u32,
    /// What it costs to come here.
    cost: f64,
    /// How long the connection from the parent takes, as its cost was told.
    duration: f64,
    /// No more than what it costs from here to any goal.
    ahead: f64,
}

/// A connection that might lead to a sample.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    /// What the sample would cost by it.
    cost: f64,
    /// How long the connection takes, where its cost is known.
    duration: f64,
    node: u32,
    known: Known,
}

/// What is known of a candidate's cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    AtLeast,
    Cost,
    Valid,
}

/// The cheapest is the greatest; of equals that of the first node.
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then_with(|| other.node.cmp(&self.node))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

/// The tree, from a start, and the goals.
pub(super) struct OptimalTree {
    /// Numbers of a state.
    size: usize,
    /// `[node][number]`.
    states: Vec<f64>,
    nodes: Vec<Node>,
    children: Vec<Vec<u32>>,
    goals: Vec<Vec<f64>>,
    /// How the goals are reached.
    ends: Vec<Node>,
    /// Connections that might lead to a sample.
    candidates: BinaryHeap<Candidate>,
}

impl OptimalTree {
    /// A tree of the start alone.
    pub(super) fn new<E: OptimalEdges>(edges: &mut E, start: &[f64], goals: Vec<Vec<f64>>) -> Result<Self, E::Error> {
        let end = Node { parent: NONE, cost: f64::INFINITY, duration: 0.0, ahead: 0.0 };
        let mut tree = Self {
            size: edges.states(),
            states: start.to_vec(),
            nodes: vec![Node { parent: NONE, cost: 0.0, duration: 0.0, ahead: 0.0 }],
            children: vec![Vec::new()],
            ends: vec![end; goals.len()],
            goals,
            candidates: BinaryHeap::new(),
        };
        edges.sampled(start);
        tree.nodes[0].ahead = tree.least_ahead(edges, start);
        tree.offer_to_goals(edges, 0)?;
        Ok(tree)
    }

    /// What the best answer costs; infinite where there is none.
    pub(super) fn best(&self) -> f64 {
        self.ends.iter().map(|end| end.cost).fold(f64::INFINITY, f64::min)
    }

    /// No answer can cost less than this.
    pub(super) fn bound(&self) -> f64 {
        self.nodes[0].ahead
    }

    fn state(&self, node: u32) -> &[f64] {
        let first = node as usize * self.size;
        &self.states[first..first + self.size]
    }

    fn least_ahead<E: OptimalEdges>(&self, edges: &mut E, state: &[f64]) -> f64 {
        self.goals.iter().map(|goal| edges.least_cost(state, goal)).fold(f64::INFINITY, f64::min)
    }

    /// Takes a valid sample into the tree, if that can better anything.
    pub(super) fn add<E: OptimalEdges>(&mut self, edges: &mut E, sample: &[f64]) -> Result<Option<Added>, E::Error> {
        edges.sampled(sample);
        let (before, ahead) = (self.best(), self.least_ahead(edges, sample));
        if edges.least_cost(self.state(0), sample) + ahead >= before {
            return Ok(None);
        }
        let radius = edges.radius(self.nodes.len());
        let Some(by) = self.parent_of(edges, sample, radius, before - ahead)? else { return Ok(None) };
        let Candidate { cost, duration, node: parent, .. } = by;
        let node = self.nodes.len() as u32;
        self.states.extend_from_slice(sample);
        self.nodes.push(Node { parent, cost, duration, ahead });
        self.children.push(Vec::new());
        self.children[parent as usize].push(node);
        self.rewire(edges, node, radius)?;
        self.offer_to_goals(edges, node)?;
        let is_better = self.best() < before;
        if is_better {
            self.prune();
        }
        Ok(Some(if is_better { Added::Better } else { Added::Joined }))
    }

    /// The valid connection by which a sample costs the least, no more than `most`.
    fn parent_of<E: OptimalEdges>(
        &mut self,
        edges: &mut E,
        sample: &[f64],
        radius: f64,
        most: f64,
    ) -> Result<Option<Candidate>, E::Error> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.clear();
        for (i, node) in self.nodes.iter().enumerate() {
            let way = edges.at_least(self.state(i as u32), sample);
            if way < radius.min(most - node.cost) {
                let cost = node.cost + way;
                candidates.push(Candidate { cost, duration: 0.0, node: i as u32, known: Known::AtLeast });
            }
        }
        // The cheapest first, as far as is known; of that, more is found out, and as many as are checked at once wait for
        // that, but for what is valid and costs less.
        let at_once = edges.at_once();
        let mut waiting: Vec<Candidate> = Vec::new();
        let found = loop {
            match candidates.pop() {
                Some(candidate) if candidate.known == Known::AtLeast => {
                    let below = radius.min(most - self.nodes[candidate.node as usize].cost);
                    candidates.extend(self.with_cost(edges, candidate, sample, below));
                    continue;
                }
                Some(candidate) if candidate.known == Known::Cost => {
                    waiting.push(candidate);
                    if waiting.len() < at_once {
                        continue;
                    }
                }
                next if waiting.is_empty() => break next,
                next => candidates.extend(next),
            }
            self.check(edges, &mut waiting, sample)?;
            candidates.extend(waiting.drain(..).filter(|candidate| candidate.cost < most));
        };
        self.candidates = candidates;
        Ok(found)
    }

    /// A candidate with its exact cost, if its connection costs less than `below`.
    fn with_cost<E: OptimalEdges>(
        &self,
        edges: &mut E,
        Candidate { node, .. }: Candidate,
        sample: &[f64],
        below: f64,
    ) -> Option<Candidate> {
        let [way, duration] = edges.cost(self.state(node), sample, below)?;
        let cost = self.nodes[node as usize].cost + way;
        (way < below).then_some(Candidate { cost, duration, node, known: Known::Cost })
    }

    /// Checks candidates whose costs are known; leaves those that are valid.
    fn check<E: OptimalEdges>(
        &self,
        edges: &mut E,
        candidates: &mut Vec<Candidate>,
        sample: &[f64],
    ) -> Result<(), E::Error> {
        let here = |candidate: &Candidate| self.nodes[candidate.node as usize].cost;
        let way = |candidate: &Candidate| Way {
            from: self.state(candidate.node),
            to: sample,
            said: [candidate.cost - here(candidate), candidate.duration],
        };
        let ways: Vec<Way<'_>> = candidates.iter().map(way).collect();
        let mut costs = edges.valid_costs(&ways)?.into_iter();
        candidates.retain_mut(|candidate| {
            let Some(cost) = costs.next().flatten() else { return false };
            (candidate.cost, candidate.known) = (here(candidate) + cost, Known::Valid);
            true
        });
        Ok(())
    }

    /// Leads every state by way of `by` that costs less so.
    fn rewire<E: OptimalEdges>(&mut self, edges: &mut E, by: u32, radius: f64) -> Result<(), E::Error> {
        let at_once = edges.at_once();
        let mut waiting = Vec::new();
        for node in 1..by {
            let below = radius.min(self.nodes[node as usize].cost - self.nodes[by as usize].cost);
            if below > 0.0
                && edges.at_least(self.state(by), self.state(node)) < below
                && let Some(said) = edges.cost(self.state(by), self.state(node), below)
            {
                waiting.push((node, said));
            }
            if waiting.len() >= at_once {
                self.lead_by(edges, by, radius, &mut waiting)?;
            }
        }
        self.lead_by(edges, by, radius, &mut waiting)
    }

    /// Leads those of some states by way of `by` that cost less so, over connections of told costs and durations that are
    /// valid. One that was led so may have made others cheaper, which stay as they are then.
    fn lead_by<E: OptimalEdges>(
        &mut self,
        edges: &mut E,
        by: u32,
        radius: f64,
        waiting: &mut Vec<(u32, [f64; 2])>,
    ) -> Result<(), E::Error> {
        if waiting.is_empty() {
            return Ok(());
        }
        let from = self.state(by);
        let ways: Vec<Way<'_>> =
            waiting.iter().map(|&(node, said)| Way { from, to: self.state(node), said }).collect();
        let costs = edges.valid_costs(&ways)?;
        let here = self.nodes[by as usize].cost;
        for ((node, [_, duration]), way) in waiting.drain(..).zip(costs) {
            let Node { cost, parent, .. } = self.nodes[node as usize];
            let Some(way) = way.filter(|way| *way < radius.min(cost - here)) else { continue };
            self.children[parent as usize].retain(|&child| child != node);
            self.children[by as usize].push(node);
            (self.nodes[node as usize].parent, self.nodes[node as usize].duration) = (by, duration);
            self.lower(node, cost - here - way);
        }
        Ok(())
    }

    /// Lowers what a state and all that follow it cost, goals too.
    fn lower(&mut self, node: u32, by: f64) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            self.nodes[node as usize].cost -= by;
            open.extend_from_slice(&self.children[node as usize]);
            self.ends.iter_mut().filter(|end| end.parent == node).for_each(|end| end.cost -= by);
        }
    }

    /// Ends at every goal by way of a state that costs less so.
    fn offer_to_goals<E: OptimalEdges>(&mut self, edges: &mut E, node: u32) -> Result<(), E::Error> {
        let here = self.nodes[node as usize].cost;
        for i in 0..self.goals.len() {
            let (state, goal) = (self.state(node), &self.goals[i]);
            let below = self.ends[i].cost - here;
            if below > 0.0
                && let Some(said) = edges.cost(state, goal, below)
                && let Some(&Some(way)) = edges.valid_costs(&[Way { from: state, to: goal, said }])?.first()
                && way < below
            {
                self.ends[i] = Node { parent: node, cost: here + way, duration: said[1], ahead: 0.0 };
            }
        }
        Ok(())
    }

    /// Takes out the states by way of which no goal can cost less than the best answer. What follows such a state is one
    /// too, by the triangle inequality; but for the states on the way to a goal, which stay.
    fn prune(&mut self) {
        let best = self.best();
        let mut stays: Vec<bool> = self.nodes.iter().map(|node| node.cost + node.ahead < best).collect();
        for end in &self.ends {
            let mut node = end.parent;
            while node != NONE {
                stays[node as usize] = true;
                node = self.nodes[node as usize].parent;
            }
        }
        // Rounding may have kept a state whose parent goes.
        for node in 0..self.nodes.len() {
            let mut above = node as u32;
            while stays[node] && above != NONE {
                stays[node] = stays[above as usize];
                above = self.nodes[above as usize].parent;
            }
        }
        let mut moved = vec![NONE; self.nodes.len()];
        let kept = moved.iter_mut().zip(&stays).filter(|(_, stays)| **stays);
        kept.zip(0..).for_each(|((new, _), node)| *new = node);
        let renamed = |node: u32| if node == NONE { NONE } else { moved[node as usize] };
        let (size, old) = (self.size, std::mem::take(&mut self.nodes));
        let states = std::mem::take(&mut self.states);
        let mut children = std::mem::take(&mut self.children);
        for (node, mut kept) in old.into_iter().enumerate().filter(|(node, _)| stays[*node]) {
            kept.parent = renamed(kept.parent);
            self.nodes.push(kept);
            self.states.extend_from_slice(&states[node * size..(node + 1) * size]);
            let mut own = std::mem::take(&mut children[node]);
            own.retain_mut(|child| {
                *child = renamed(*child);
                *child != NONE
            });
            self.children.push(own);
        }
        self.ends.iter_mut().for_each(|end| end.parent = renamed(end.parent));
    }

    /// The connections on the way to the goal that costs the least.
    pub(super) fn path(&self) -> Option<Vec<TreeEdge<'_>>> {
        let ends = self.ends.iter().enumerate().filter(|(_, end)| end.parent != NONE);
        let (goal, end) = ends.min_by(|a, b| a.1.cost.total_cmp(&b.1.cost))?;
        let mut node = end.parent;
        let from = self.state(node);
        let mut edges = vec![TreeEdge { from, to: &self.goals[goal], sample: from, duration: end.duration }];
        loop {
            let Node { parent, duration, .. } = self.nodes[node as usize];
            if parent == NONE {
                break;
            }
            let (from, to) = (self.state(parent), self.state(node));
            // Of two states the one that came later was the sample when they were joined.
            edges.push(TreeEdge { from, to, sample: if parent > node { from } else { to }, duration });
            node = parent;
        }
        edges.reverse();
        Some(edges)
    }
}

/// A connection of the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeEdge<'a> {
    pub(super) from: &'a [f64],
    pub(super) to: &'a [f64],
    /// The one of the two that was the sample when they were joined.
    pub(super) sample: &'a [f64],
    /// How long it takes, as its cost was told when they were joined: what was found to be valid then.
    pub(super) duration: f64,
}

//! RRT-Connect in the space of flat states (Kuffner and LaValle, *RRT-Connect: an efficient approach
//! to single-query path planning*, ICRA 2000): one tree grows forward from the start, one backward
//! from the goals. The goal tree's edges run from child to parent, as they will be driven.

use super::{Budget, PlanOptions, Termination};
use crate::check::CheckError;
use crate::local_planner::{End, LocalPlanner};
use crate::problem::{FlatState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::{Node, Sampler, Tree};
use std::f64::consts::PI;

/// A node whose extension has failed takes samples from no farther than this, rad and m (dynamic
/// domain: Yershova, Jaillet, Simeon, LaValle, *Dynamic-domain RRTs*, ICRA 2005).
const DOMAIN: f64 = 4.0;

/// Two positions closer than this are one.
const SAME: f64 = 1e-9;

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Grown forward from the start.
    Start,
    /// Grown backward from the goals.
    Goal,
}

/// One search, resumable after an answer that could not be used.
pub struct RrtConnect<'a> {
    options: &'a PlanOptions,
    limits: &'a [OutputLimits],
    sampler: Sampler,
    start: Grown,
    goal: Grown,
    /// Samples drawn so far.
    pub samples: u64,
}

/// A tree and what the search knows of its nodes.
struct Grown {
    tree: Tree,
    /// Duration of the edge to each node's parent.
    durations: Vec<f64>,
    /// How far a node takes samples from.
    domains: Vec<f64>,
}

impl Grown {
    fn new(dof: usize) -> Self {
        Self { tree: Tree::new(dof), durations: Vec::new(), domains: Vec::new() }
    }

    fn add(&mut self, position: &[f64], velocity: &[f64], parent: Option<Node>, duration: f64) -> Node {
        self.durations.push(duration);
        self.domains.push(f64::INFINITY);
        self.tree.add(position, velocity, parent)
    }

    fn end(&self, node: Node) -> End<'_> {
        End { position: self.tree.position(node), velocity: self.tree.velocity(node) }
    }

    fn state(&self, node: Node) -> FlatState {
        let End { position, velocity } = self.end(node);
        FlatState { position: position.to_vec(), velocity: velocity.to_vec() }
    }
}

impl<'a> RrtConnect<'a> {
    /// A search from the start of `problem` to those of its goals that are in `goals`.
    pub fn new(problem: &'a Problem, goals: &[&FlatState], options: &'a PlanOptions, seed: u64) -> Self {
        let dof = problem.mechanism.dof();
        let (mut start, mut goal) = (Grown::new(dof), Grown::new(dof));
        start.add(&problem.start.position, &problem.start.velocity, None, 0.0);
        for state in goals {
            goal.add(&state.position, &state.velocity, None, 0.0);
        }
        let limits = &problem.mechanism.limits;
        Self { options, limits, sampler: Sampler::new(bounds(problem), seed), start, goal, samples: 0 }
    }

    /// Searches until a path is found or a budget is spent.
    ///
    /// # Errors
    /// When the checking backend fails.
    pub fn search(
        &mut self,
        local: &mut LocalPlanner<'_>,
        termination: &Termination,
    ) -> Result<Result<Knots, Budget>, CheckError> {
        if self.samples == 0
            && termination.spent(0).is_none()
            && let Some(path) = self.join_roots(local)?
        {
            return Ok(Ok(path));
        }
        let dof = self.limits.len();
        let (mut position, mut velocity) = (vec![0.0; dof], vec![0.0; dof]);
        loop {
            if let Some(budget) = termination.spent(self.samples) {
                return Ok(Err(budget));
            }
            self.samples += 1;
            self.sample(&mut position, &mut velocity);
            let smaller =
                if self.start.tree.len() <= self.goal.tree.len() { Side::Start } else { Side::Goal };
            let Some(new) = self.extend(smaller, &mut position, &velocity, local)? else { continue };
            if let Some((other, duration)) = self.connect(smaller, new, local)? {
                let (a, b) = if smaller == Side::Start { (new, other) } else { (other, new) };
                return Ok(Ok(self.path(a, b, duration)));
            }
        }
    }

    /// Start and goals joined by a single edge: the easiest queries need no more. Counts as a sample,
    /// so that a budget of samples always ends.
    fn join_roots(&mut self, local: &mut LocalPlanner<'_>) -> Result<Option<Knots>, CheckError> {
        self.samples += 1;
        for goal in 0..self.goal.tree.len() {
            if let Some(duration) = local.connect(self.start.end(0), self.goal.end(goal), f64::INFINITY)? {
                return Ok(Some(self.path(0, goal, duration)));
            }
        }
        Ok(None)
    }

    /// Draws a state: at rest, or with velocity for the share of samples that the options ask for.
    fn sample(&mut self, position: &mut [f64], velocity: &mut [f64]) {
        self.sampler.sample(position);
        velocity.fill(0.0);
        let share = self.options.moving_share;
        if share > 0.0 && self.sampler.unit() < share {
            for (v, limits) in velocity.iter_mut().zip(self.limits) {
                let most = if limits.velocity.is_finite() { limits.velocity } else { 1.0 };
                *v = (2.0 * self.sampler.unit() - 1.0) * most;
            }
        }
    }

    fn grown(&mut self, side: Side) -> &mut Grown {
        match side {
            Side::Start => &mut self.start,
            Side::Goal => &mut self.goal,
        }
    }

    /// Grows a tree from its nearest node towards a sample, by no more than the range. `position`
    /// becomes that of the new node.
    fn extend(
        &mut self,
        side: Side,
        position: &mut [f64],
        velocity: &[f64],
        local: &mut LocalPlanner<'_>,
    ) -> Result<Option<Node>, CheckError> {
        let range = self.options.range;
        let grown = self.grown(side);
        let (near, distance) = grown.tree.nearest(position);
        if distance < SAME || distance > grown.domains[near] {
            return Ok(None);
        }
        toward(grown.tree.position(near), position, range / distance);
        let new = End { position, velocity };
        let Some(duration) = edge(side, grown.end(near), new, local)? else {
            grown.domains[near] = DOMAIN;
            return Ok(None);
        };
        Ok(Some(grown.add(position, velocity, Some(near), duration)))
    }

    /// Grows the other tree towards a new node until it is reached or an edge fails. Gives the last
    /// node on the other side, and the duration of the edge that closes the gap.
    fn connect(
        &mut self,
        side: Side,
        new: Node,
        local: &mut LocalPlanner<'_>,
    ) -> Result<Option<(Node, f64)>, CheckError> {
        let range = self.options.range;
        let (from, other_side, other) = match side {
            Side::Start => (&self.start, Side::Goal, &mut self.goal),
            Side::Goal => (&self.goal, Side::Start, &mut self.start),
        };
        let target = from.end(new);
        let rest = vec![0.0; target.position.len()];
        let (mut near, mut distance) = other.tree.nearest(target.position);
        let mut step = vec![0.0; target.position.len()];
        while distance > range {
            step.copy_from_slice(target.position);
            toward(other.tree.position(near), &mut step, range / distance);
            let next = End { position: &step, velocity: &rest };
            let Some(duration) = edge(other_side, other.end(near), next, local)? else { return Ok(None) };
            near = other.add(&step, &rest, Some(near), duration);
            distance -= range;
        }
        Ok(edge(other_side, other.end(near), target, local)?.map(|duration| (near, duration)))
    }

    /// From the start to `a`, over the closing edge to `b`, and on to its goal.
    fn path(&self, a: Node, b: Node, duration: f64) -> Knots {
        let mut path = Knots::default();
        for node in self.start.tree.to_root(a) {
            path.states.push(self.start.state(node));
            path.durations.push(self.start.durations[node]);
        }
        path.states.reverse();
        path.durations.pop();
        path.durations.reverse();
        path.durations.push(duration);
        for node in self.goal.tree.to_root(b) {
            path.states.push(self.goal.state(node));
            path.durations.push(self.goal.durations[node]);
        }
        path.durations.pop();
        path
    }
}

/// The edge between a tree's node and a state that is to become its child, in the direction in
/// which it will be driven.
fn edge(
    side: Side,
    node: End<'_>,
    new: End<'_>,
    local: &mut LocalPlanner<'_>,
) -> Result<Option<f64>, CheckError> {
    match side {
        Side::Start => local.connect(node, new, f64::INFINITY),
        Side::Goal => local.connect(new, node, f64::INFINITY),
    }
}

/// Moves `to` back to the point that lies the share `share` (at most 1) of the way from `from`.
fn toward(from: &[f64], to: &mut [f64], share: f64) {
    if share < 1.0 {
        for (t, &f) in to.iter_mut().zip(from) {
            *t = f + (*t - f) * share;
        }
    }
}

/// Bounds to sample between: the position limits; where there are none, a turn to either side of
/// the start and the goals.
fn bounds(problem: &Problem) -> Vec<(f64, f64)> {
    let ends = || problem.goals.iter().chain([&problem.start]);
    let bound = |(j, limits): (usize, &OutputLimits)| {
        let least = ends().map(|s| s.position[j]).fold(f64::INFINITY, f64::min) - PI;
        let most = ends().map(|s| s.position[j]).fold(f64::NEG_INFINITY, f64::max) + PI;
        let finite = |x: f64, instead: f64| if x.is_finite() { x } else { instead };
        (finite(limits.lower, least), finite(limits.upper, most))
    };
    problem.mechanism.limits.iter().enumerate().map(bound).collect()
}

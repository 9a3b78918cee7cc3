//! RRT-Connect in the space of flat states (Kuffner and LaValle, *RRT-Connect: an efficient approach
//! to single-query path planning*, ICRA 2000): one tree grows forward from the start, one backward
//! from the goals. The goal tree's edges run from child to parent, as they will be driven.

use super::braking::standstills;
use super::{Budget, PlanOptions, Termination};
use crate::check::packed::reaches;
use crate::check::{CheckError, EdgeChecker, StateBatch};
use crate::local_planner::LocalPlanner;
use crate::problem::{FlatState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::{Node, Sampler, Tree};
use crate::steer::End;
use std::collections::VecDeque;
use std::f64::consts::PI;

/// A node whose extension has failed takes samples from no farther than this, rad and m (dynamic
/// domain: Yershova, Jaillet, Simeon, LaValle, *Dynamic-domain RRTs*, ICRA 2005).
const DOMAIN: f64 = 4.0;

/// Extensions that must have failed before their ends are screened: easy queries are over by then, and
/// a node that one of them adds is of use to the next at once.
const UNSCREENED: u64 = 32;

/// The clock is read once in so many edges.
const EDGES_PER_CLOCK: u64 = 16;

/// Two positions closer than this are one.
const SAME: f64 = 1e-9;

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Grown forward from the start.
    Start = 0,
    /// Grown backward from the goals.
    Goal = 1,
}

/// What a search comes to.
#[derive(Clone, Debug)]
pub enum Searched {
    /// A path from the start to a goal.
    Path(Knots),
    /// A budget was spent before there was one; the search may be taken up again with another.
    Exhausted(Budget),
}

/// One search, resumable after an answer that could not be used.
///
/// Edges are proposed, checked and accepted in rounds of a batch: first the next step of every
/// connection under way, then, in what room is left, an extension per sample. With room for one
/// this is RRT-Connect as published; with room for thousands the samples of a round don't know of
/// each other, both trees grow at once, and of several answers the shortest is taken.
pub struct RrtConnect<'a> {
    options: &'a PlanOptions,
    limits: &'a [OutputLimits],
    sampler: Sampler,
    start: Grown,
    goal: Grown,
    /// Connections that wait for their next step, the oldest first.
    connections: VecDeque<Connection>,
    round: Round,
    /// Nodes that the round has extended the trees by.
    extended: Vec<(Side, Node)>,
    screen: Screen,
    /// Samples drawn so far.
    pub samples: u64,
}

/// A tree on its way to a node of the other.
#[derive(Clone, Copy, Debug)]
struct Connection {
    /// The tree that grows.
    side: Side,
    /// The node it has come to.
    near: Node,
    /// The node of the other tree that it is to reach.
    target: Node,
    /// How far that is; zero where it is to be reached in one step, however far.
    distance: f64,
}

/// The edges of a round.
#[derive(Default)]
struct Round {
    proposals: Vec<Proposal>,
    /// `[proposal][output]`: where each edge leads to.
    positions: Vec<f64>,
    velocities: Vec<f64>,
}

/// Extensions whose ends have been screened together: in narrow surroundings hardly one in a hundred is
/// valid, and most lead straight into an obstacle. A lane of a block is a cheaper way to learn it than
/// an edge.
#[derive(Default)]
struct Screen {
    round: Round,
    /// Whether the end of each is free.
    free: Vec<bool>,
    /// The next that is to be used.
    next: usize,
    states: StateBatch,
    still: Vec<f64>,
    /// Extensions whose edges have failed.
    failed: u64,
    /// Ends screened so far.
    screened: u64,
    /// Those of them that were not free.
    rejected: u64,
}

impl Screen {
    fn new(dof: usize) -> Self {
        Self { states: StateBatch::new(dof), still: vec![0.0; dof], ..Self::default() }
    }

    /// Whether it is worth the while: many extensions fail, and not only half-way.
    fn pays(&self) -> bool {
        self.failed >= UNSCREENED && 4 * self.rejected >= self.screened
    }

    /// Looks at the ends of all extensions.
    fn look(&mut self, checker: &mut dyn EdgeChecker) -> Result<(), CheckError> {
        self.states.clear();
        for k in 0..self.round.proposals.len() {
            let end = self.round.end(k, self.still.len());
            self.states.push(end.position, &self.still, &self.still);
        }
        checker.screen(&self.states, &mut self.free)?;
        self.next = 0;
        self.screened += self.free.len() as u64;
        self.rejected += self.free.iter().filter(|&&free| !free).count() as u64;
        Ok(())
    }
}

/// An edge that is to be checked, between a tree's node and a state that is to become its child.
#[derive(Clone, Copy, Debug)]
struct Proposal {
    side: Side,
    near: Node,
    /// What it is a step of; `None` for an extension.
    connection: Option<Connection>,
}

/// A tree and what the search knows of its nodes.
struct Grown {
    tree: Tree,
    /// Duration of the edge to each node's parent.
    durations: Vec<f64>,
    /// How far a node takes samples from.
    domains: Vec<f64>,
    /// Acceleration of each root. That of all other nodes is zero.
    accelerations: Vec<Vec<f64>>,
    still: Vec<f64>,
}

impl Grown {
    /// A tree of its roots alone; `weights` are its metric's.
    fn new<'s>(weights: &[f64], roots: impl Iterator<Item = &'s FlatState>) -> Self {
        let mut grown = Self {
            tree: Tree::new(weights),
            durations: Vec::new(),
            domains: Vec::new(),
            accelerations: Vec::new(),
            still: vec![0.0; weights.len()],
        };
        for root in roots {
            grown.add(&root.position, &root.velocity, None, 0.0);
            grown.accelerations.push(root.acceleration.clone());
        }
        grown
    }

    fn add(&mut self, position: &[f64], velocity: &[f64], parent: Option<Node>, duration: f64) -> Node {
        self.durations.push(duration);
        self.domains.push(f64::INFINITY);
        self.tree.add(position, velocity, parent)
    }

    fn end(&self, node: Node) -> End<'_> {
        let acceleration = self.accelerations.get(node).unwrap_or(&self.still);
        End { position: self.tree.position(node), velocity: self.tree.velocity(node), acceleration }
    }

    /// The node that a sample extends, if it takes samples from so far. `position` is moved back to
    /// no farther than `range` from it.
    fn extension(&self, position: &mut [f64], range: f64) -> Option<Node> {
        let (near, distance) = self.tree.nearest(position);
        if distance < SAME || distance > self.domains[near] {
            return None;
        }
        toward(self.tree.position(near), position, range / distance);
        Some(near)
    }

    fn state(&self, node: Node) -> FlatState {
        let End { position, velocity, acceleration } = self.end(node);
        let [position, velocity, acceleration] = [position, velocity, acceleration].map(<[f64]>::to_vec);
        FlatState { position, velocity, acceleration }
    }
}

impl<'a> RrtConnect<'a> {
    /// A search from the start of `problem` to those of its goals that are in `goals`.
    pub fn new(problem: &'a Problem, goals: &[&FlatState], options: &'a PlanOptions, seed: u64) -> Self {
        let dof = problem.mechanism.dof();
        let weights = weights(&reaches(&problem.mechanism));
        let start = Grown::new(&weights, std::iter::once(&problem.start));
        let goal = Grown::new(&weights, goals.iter().copied());
        // The easiest queries need no more than a single edge from the start to a goal.
        let direct = |goal| Connection { side: Side::Goal, near: goal, target: 0, distance: 0.0 };
        Self {
            options,
            limits: &problem.mechanism.limits,
            sampler: Sampler::new(bounds(problem), seed),
            start,
            goal,
            connections: (0..goals.len()).map(direct).collect(),
            round: Round::default(),
            extended: Vec::new(),
            screen: Screen::new(dof),
            samples: 0,
        }
    }

    /// Searches until a path is found or a budget is spent.
    ///
    /// # Errors
    /// When the checking backend fails.
    pub fn search(
        &mut self,
        local: &mut LocalPlanner<'_>,
        termination: &Termination<'_>,
    ) -> Result<Searched, CheckError> {
        if self.samples == 0 {
            if let Some(budget) = termination.spent(0) {
                return Ok(Searched::Exhausted(budget));
            }
            self.leave_speed(local)?;
            // The edges straight to the goals count as a sample, so that a budget of samples always ends.
            self.samples = 1;
        }
        let batch = match self.options.batch {
            0 => local.checker().preferred_batch(),
            chosen => chosen,
        };
        let mut asked = local.checked;
        loop {
            let spent = self.propose(batch.max(1), local.checker(), termination)?;
            if let (Some(budget), true) = (spent, self.round.proposals.is_empty()) {
                return Ok(Searched::Exhausted(budget));
            }
            // Rounds of connections alone draw no sample, and so do not ask the clock.
            if local.checked - asked >= EDGES_PER_CLOCK {
                asked = local.checked;
                if termination.late() {
                    return Ok(Searched::Exhausted(Budget::Time));
                }
            }
            let edges = self.round.proposals.len();
            let durations = local.connect_all(edges, |k| self.ends(k), f64::INFINITY)?;
            if let Some(path) = self.accept(durations) {
                return Ok(Searched::Path(path));
            }
        }
    }

    /// Joins every root that moves to states at rest near it, from where there is less to go wrong.
    ///
    /// # Errors
    /// When the checking backend fails.
    fn leave_speed(&mut self, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
        for side in [Side::Start, Side::Goal] {
            let limits = local.limits().to_vec();
            let grown = self.grown(side);
            for root in 0..grown.tree.len() {
                for rest in standstills(&limits, &grown.state(root), side == Side::Goal) {
                    let (mut from, mut to) = (grown.end(root), End::from(&rest));
                    if side == Side::Goal {
                        std::mem::swap(&mut from, &mut to);
                    }
                    if let Some(duration) = local.connect(from, to, f64::INFINITY)? {
                        grown.add(&rest.position, &rest.velocity, Some(root), duration);
                    }
                }
            }
        }
        Ok(())
    }

    /// Fills a round with at most `batch` edges; tells where the budget has kept it from being full.
    fn propose(
        &mut self,
        batch: usize,
        checker: &mut dyn EdgeChecker,
        termination: &Termination<'_>,
    ) -> Result<Option<Budget>, CheckError> {
        let mut round = std::mem::take(&mut self.round);
        round.clear();
        for _ in 0..self.connections.len().min(batch) {
            self.propose_step(&mut round);
        }
        let mut spent = None;
        let screened = checker.screened_at_once();
        let mut sizes = self.sizes();
        while round.proposals.len() < batch && spent.is_none() {
            if self.screen.next < self.screen.free.len() {
                self.take_screened(&mut round);
            } else if batch < screened && self.screen.pays() {
                spent = self.screen(screened, checker, termination)?;
            } else {
                spent = self.propose_extension(&mut round, &mut sizes, termination);
            }
        }
        self.round = round;
        Ok(spent)
    }

    /// Draws samples until there are `count` extensions, and screens their ends.
    fn screen(
        &mut self,
        count: usize,
        checker: &mut dyn EdgeChecker,
        termination: &Termination<'_>,
    ) -> Result<Option<Budget>, CheckError> {
        let mut screen = std::mem::take(&mut self.screen);
        screen.round.clear();
        let (mut sizes, mut spent) = (self.sizes(), None);
        while screen.round.proposals.len() < count && spent.is_none() {
            spent = self.propose_extension(&mut screen.round, &mut sizes, termination);
        }
        let looked = screen.look(checker);
        let spent = if screen.free.is_empty() { spent } else { None };
        self.screen = screen;
        looked.map(|()| spent)
    }

    /// Proposes the next of the screened extensions, if its end is free.
    fn take_screened(&mut self, round: &mut Round) {
        let (k, dof) = (self.screen.next, self.limits.len());
        self.screen.next += 1;
        let proposal = self.screen.round.proposals[k];
        if !self.screen.free[k] {
            self.grown(proposal.side).domains[proposal.near] = DOMAIN;
            return;
        }
        let end = self.screen.round.end(k, dof);
        let (position, velocity) = round.push(dof);
        position.copy_from_slice(end.position);
        velocity.copy_from_slice(end.velocity);
        round.proposals.push(proposal);
    }

    /// Draws a sample and proposes the extension that it gives, if it does, of the tree that is smaller
    /// once what is proposed has been added; tells if the budget is spent.
    fn propose_extension(
        &mut self,
        round: &mut Round,
        sizes: &mut [usize; 2],
        termination: &Termination<'_>,
    ) -> Option<Budget> {
        if let Some(budget) = termination.spent(self.samples) {
            return Some(budget);
        }
        self.samples += 1;
        let dof = self.limits.len();
        let side = if sizes[0] <= sizes[1] { Side::Start } else { Side::Goal };
        let (position, velocity) = round.push(dof);
        sample(&mut self.sampler, self.options.moving_share, self.limits, position, velocity);
        let grown = if side == Side::Start { &self.start } else { &self.goal };
        if let Some(near) = grown.extension(position, self.options.range) {
            round.proposals.push(Proposal { side, near, connection: None });
            sizes[side as usize] += 1;
        } else {
            round.pop(dof);
        }
        None
    }

    fn sizes(&self) -> [usize; 2] {
        [self.start.tree.len(), self.goal.tree.len()]
    }

    /// Proposes the next step of the oldest connection: towards its target, by no more than the range.
    fn propose_step(&mut self, round: &mut Round) {
        let Some(connection) = self.connections.pop_front() else { return };
        let Connection { side, near, target, distance } = connection;
        let (position, velocity) = round.push(self.limits.len());
        let (grown, other) = match side {
            Side::Start => (&self.start, &self.goal),
            Side::Goal => (&self.goal, &self.start),
        };
        let end = other.end(target);
        position.copy_from_slice(end.position);
        if distance > self.options.range {
            toward(grown.tree.position(near), position, self.options.range / distance);
        } else {
            velocity.copy_from_slice(end.velocity);
        }
        round.proposals.push(Proposal { side, near, connection: Some(connection) });
    }

    /// A proposal's edge, in the direction in which it will be driven.
    fn ends(&self, proposal: usize) -> (End<'_>, End<'_>) {
        let Proposal { side, near, connection } = self.round.proposals[proposal];
        let mut new = self.round.end(proposal, self.limits.len());
        new.acceleration = &self.start.still;
        if let Some(Connection { target, distance, .. }) = connection
            && distance <= self.options.range
        {
            let other = if side == Side::Start { &self.goal } else { &self.start };
            new.acceleration = other.end(target).acceleration;
        }
        match side {
            Side::Start => (self.start.end(near), new),
            Side::Goal => (new, self.goal.end(near)),
        }
    }

    /// Adds what proved valid to the trees, and begins a connection from every extension. Gives the
    /// shortest of the paths that are closed.
    fn accept(&mut self, durations: &[Option<f64>]) -> Option<Knots> {
        let round = std::mem::take(&mut self.round);
        let mut shortest: Option<(f64, Closing)> = None;
        let mut extended = std::mem::take(&mut self.extended);
        for (k, (proposal, &duration)) in round.proposals.iter().zip(durations).enumerate() {
            let &Proposal { side, near, connection } = proposal;
            let last = connection.is_some_and(|c| c.distance <= self.options.range);
            let Some(duration) = duration else {
                if connection.is_none() {
                    self.grown(side).domains[near] = DOMAIN;
                    self.screen.failed += 1;
                }
                continue;
            };
            if let (Some(Connection { target, .. }), true) = (connection, last) {
                let closing = Closing::new(side, near, target, duration);
                let whole = self.duration(&closing);
                if shortest.as_ref().is_none_or(|&(least, _)| whole < least) {
                    shortest = Some((whole, closing));
                }
                continue;
            }
            let End { position, velocity, .. } = round.end(k, self.limits.len());
            let node = self.grown(side).add(position, velocity, Some(near), duration);
            match connection {
                None => extended.push((side, node)),
                Some(c) => {
                    let distance = c.distance - self.options.range;
                    self.connections.push_back(Connection { near: node, distance, ..c });
                }
            }
        }
        self.round = round;
        if let Some((_, closing)) = shortest {
            return Some(self.path(&closing));
        }
        for (side, node) in extended.drain(..) {
            self.begin_connection(side, node);
        }
        self.extended = extended;
        None
    }

    /// Sets the other tree on its way to a node that `side` has gained.
    fn begin_connection(&mut self, side: Side, target: Node) {
        let (side, grown, other) = match side {
            Side::Start => (Side::Goal, &self.goal, &self.start),
            Side::Goal => (Side::Start, &self.start, &self.goal),
        };
        let (near, distance) = grown.tree.nearest(other.tree.position(target));
        self.connections.push_back(Connection { side, near, target, distance });
    }

    fn grown(&mut self, side: Side) -> &mut Grown {
        match side {
            Side::Start => &mut self.start,
            Side::Goal => &mut self.goal,
        }
    }

    /// Duration of the path over a closing edge.
    fn duration(&self, closing: &Closing) -> f64 {
        let to_root = |grown: &Grown, node| grown.tree.to_root(node).map(|n| grown.durations[n]).sum::<f64>();
        to_root(&self.start, closing.start) + closing.duration + to_root(&self.goal, closing.goal)
    }

    /// From the start over the closing edge to a goal.
    fn path(&self, closing: &Closing) -> Knots {
        let mut path = Knots::default();
        for node in self.start.tree.to_root(closing.start) {
            path.states.push(self.start.state(node));
            path.durations.push(self.start.durations[node]);
        }
        path.states.reverse();
        path.durations.pop();
        path.durations.reverse();
        path.durations.push(closing.duration);
        for node in self.goal.tree.to_root(closing.goal) {
            path.states.push(self.goal.state(node));
            path.durations.push(self.goal.durations[node]);
        }
        path.durations.pop();
        path
    }
}

/// The edge that joins the trees: from a node of the start's to one of the goal's.
#[derive(Clone, Copy, Debug)]
struct Closing {
    start: Node,
    goal: Node,
    duration: f64,
}

impl Closing {
    /// The last edge of a connection of the tree `side`, from its node `near` to `target`.
    fn new(side: Side, near: Node, target: Node, duration: f64) -> Self {
        let (start, goal) = if side == Side::Start { (near, target) } else { (target, near) };
        Self { start, goal, duration }
    }
}

impl Round {
    fn clear(&mut self) {
        self.proposals.clear();
        self.positions.clear();
        self.velocities.clear();
    }

    /// Room for one more state of `dof` outputs, at rest at zero.
    fn push(&mut self, dof: usize) -> (&mut [f64], &mut [f64]) {
        let at = self.positions.len();
        self.positions.resize(at + dof, 0.0);
        self.velocities.resize(at + dof, 0.0);
        (&mut self.positions[at..], &mut self.velocities[at..])
    }

    /// Takes the last state away again.
    fn pop(&mut self, dof: usize) {
        self.positions.truncate(self.positions.len() - dof);
        self.velocities.truncate(self.velocities.len() - dof);
    }

    /// Where a proposal leads to, but for its acceleration.
    fn end(&self, proposal: usize, dof: usize) -> End<'_> {
        let at = proposal * dof..(proposal + 1) * dof;
        End { position: &self.positions[at.clone()], velocity: &self.velocities[at], acceleration: &[] }
    }
}

/// Draws a state: at rest, or for a share of the samples with velocity.
fn sample(
    sampler: &mut Sampler,
    moving_share: f64,
    limits: &[OutputLimits],
    position: &mut [f64],
    velocity: &mut [f64],
) {
    sampler.sample(position);
    if moving_share > 0.0 && sampler.unit() < moving_share {
        for (v, limits) in velocity.iter_mut().zip(limits) {
            let most = if limits.velocity.is_finite() { limits.velocity } else { 1.0 };
            *v = (2.0 * sampler.unit() - 1.0) * most;
        }
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

/// What a unit of each output counts in the search's distances: the root of how far it moves the robot
/// at most (`reach`, m/rad, or 1), against the mean of all. A turn of the wrist by itself is a small
/// step, one of the shoulder a large one that more stands in the way of; nor may any be no step at all.
fn weights(reach: &[f32]) -> Vec<f64> {
    /// The least that an output counts.
    const LEAST: f64 = 0.1;
    let mean = reach.iter().copied().map(f64::from).sum::<f64>() / reach.len() as f64;
    let weight = |&reach: &f32| if mean > 0.0 { (f64::from(reach) / mean).sqrt().max(LEAST) } else { 1.0 };
    reach.iter().map(weight).collect()
}

/// Bounds to sample between: for each output, what [`range_of`] gives for the start and all goals.
fn bounds(problem: &Problem) -> Vec<(f64, f64)> {
    let ends = || problem.goals.iter().chain([&problem.start]);
    let bound = |(j, limits): (usize, &OutputLimits)| {
        let least = ends().map(|s| s.position[j]).fold(f64::INFINITY, f64::min);
        let most = ends().map(|s| s.position[j]).fold(f64::NEG_INFINITY, f64::max);
        range_of((limits.lower, limits.upper), least, most)
    };
    problem.mechanism.limits.iter().enumerate().map(bound).collect()
}

/// Where to sample an output whose ends lie between `least` and `most`: between its position limits;
/// where there is but one, up to half a turn beyond the ends; where there is none, over one turn about
/// the middle of the ends, in which every direction occurs once, or farther if they are farther apart.
fn range_of((lower, upper): (f64, f64), least: f64, most: f64) -> (f64, f64) {
    match (lower.is_finite(), upper.is_finite()) {
        (true, true) => (lower, upper),
        (true, false) => (lower, most + PI),
        (false, true) => (least - PI, upper),
        (false, false) => {
            let (middle, half) = (0.5 * (least + most), PI.max(0.5 * (most - least)));
            (middle - half, middle + half)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_more_counts_more() {
        assert_eq!(weights(&[4.0, 0.0, 0.0, 0.0]), [2.0, 0.1, 0.1, 0.1]);
        assert_eq!(weights(&[1.0, 1.0, 1.0]), [1.0; 3]);
        assert_eq!(weights(&[0.0, 0.0]), [1.0; 2]);
    }

    #[test]
    fn what_turns_without_end_is_sampled_over_a_turn() {
        const NONE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(range_of((-1.0, 2.0), 0.0, 1.0), (-1.0, 2.0));
        assert_eq!(range_of((-1.0, f64::INFINITY), 0.0, 1.0), (-1.0, 1.0 + PI));
        assert_eq!(range_of((f64::NEG_INFINITY, 2.0), 0.0, 1.0), (-PI, 2.0));
        assert_eq!(range_of(NONE, 1.0, 2.0), (1.5 - PI, 1.5 + PI));
        assert_eq!(range_of(NONE, -8.0, 8.0), (-8.0, 8.0));
    }
}

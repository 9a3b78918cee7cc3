//! RRT-Connect in the space of flat states (Kuffner and LaValle, *RRT-Connect: an efficient approach
//! to single-query path planning*, ICRA 2000): one tree grows forward from the start, one backward
//! from the goals. The goal tree's edges run from child to parent, as they will be driven.

use super::grown::{Grown, Metric, SearchSettings, Side, sample, toward};
use super::{Budget, Gap, Halt, PlanOptions, Termination};
use crate::check::packed::RakeOrder;
use crate::check::{CheckError, EdgeChecker, StateBatch};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::{NodeIndex, Sampler};
use crate::steer::End;
use crate::stop::Stop;
use std::collections::VecDeque;

/// One search, resumable after an answer that could not be used.
///
/// Edges are proposed, checked and accepted in rounds of a batch: first the next step of every
/// connection under way, then, in what room is left, an extension per sample. With room for one
/// this is RRT-Connect as published; with room for thousands the samples of a round don't know of
/// each other, both trees grow at once, and of several answers the shortest is taken.
pub struct RrtConnect<'a> {
    options: &'a PlanOptions,
    /// Longest edge, in the trees' metric.
    range: f64,
    limits: &'a [OutputLimits],
    start: Grown,
    goal: Grown,
    /// Connections that wait for their next step, the oldest first.
    connections: VecDeque<Connection>,
    round: Round,
    /// Nodes that the round has extended the trees by.
    extended: Vec<(Side, NodeIndex)>,
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
    near: NodeIndex,
    /// The node of the other tree that it is to reach.
    target: NodeIndex,
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
        self.failed >= SearchSettings::DEFAULT.unscreened && 4 * self.rejected >= self.screened
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
    near: NodeIndex,
    /// What it is a step of; `None` for an extension.
    connection: Option<Connection>,
}

impl<'a> RrtConnect<'a> {
    /// A search from the start of `problem` to those of its goals that are in `goals`.
    pub fn new(problem: &'a Problem, goals: &[&JointState], options: &'a PlanOptions, seed: u64) -> Self {
        let dof = problem.mechanism.dof();
        let Metric { range, weights, bounds } = Metric::new(problem, options);
        let [from_start, from_goal] = Sampler::for_trees(bounds, seed);
        let start = Grown::new(&weights, from_start, std::iter::once(&problem.start));
        let goal = Grown::new(&weights, from_goal, goals.iter().copied());
        // The easiest queries need no more than a single edge from the start to a goal.
        let direct = |goal| Connection { side: Side::Goal, near: goal, target: 0, distance: 0.0 };
        Self {
            options,
            range,
            limits: &problem.mechanism.limits,
            start,
            goal,
            connections: (0..goals.len()).map(direct).collect(),
            round: Round::default(),
            extended: Vec::new(),
            screen: Screen::new(dof),
            samples: 0,
        }
    }

    /// Searches until there is a path from the start to a goal.
    ///
    /// # Errors
    /// When a budget is spent, after which the search may be taken up again with another, or the checking backend
    /// fails.
    pub fn search(
        &mut self,
        local: &mut LocalPlanner<'_>,
        termination: &Termination<'_>,
    ) -> Result<Knots, Halt> {
        if self.samples == 0 {
            if let Some(budget) = termination.spent(0) {
                return Err(Halt::Spent(budget));
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
                return Err(Halt::Spent(budget));
            }
            // Rounds of connections alone draw no sample, and so do not ask the clock.
            if local.checked - asked >= SearchSettings::DEFAULT.edges_per_clock {
                asked = local.checked;
                if let Some(budget) = termination.interrupted() {
                    return Err(Halt::Spent(budget));
                }
            }
            let edges = self.round.proposals.len();
            let durations = local.connect_all(edges, |k| self.ends(k), f64::INFINITY)?;
            if let Some(path) = self.accept(durations, termination) {
                return Ok(path);
            }
        }
    }

    /// The nearest that the two trees have come, as far as some thousands of their states tell, or those that are
    /// looked at before `stop` is due: one at least.
    pub fn gap(&self, stop: &Stop) -> Gap {
        let [mut few, mut many] = [&self.start, &self.goal];
        let is_swapped = few.tree.len() > many.tree.len();
        if is_swapped {
            std::mem::swap(&mut few, &mut many);
        }
        let step = few.tree.len().div_ceil(SearchSettings::DEFAULT.looks);
        let looks = few.tree.len().div_ceil(step);
        // The first few are spread over all, as there may be no time for more.
        let nodes = RakeOrder::new(looks).map(|look| look * step);
        let in_time = nodes.enumerate().take_while(|&(done, _)| done == 0 || !stop.is_due());
        let nearest = in_time.map(|(_, node)| (node, many.tree.nearest(few.tree.position(node))));
        let closest = nearest.min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let (one, (other, _)) = closest.unwrap_or((0, (0, 0.0)));
        let [mut from, mut to] = [few.state(one), many.state(other)];
        if is_swapped {
            std::mem::swap(&mut from, &mut to);
        }
        Gap::new([self.start.tree.len(), self.goal.tree.len()], from, to)
    }

    /// Joins every root that moves to states at rest near it, from where there is less to go wrong.
    ///
    /// # Errors
    /// When the checking backend fails.
    fn leave_speed(&mut self, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
        self.start.leave_speed(Side::Start, local)?;
        self.goal.leave_speed(Side::Goal, local)
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
        for i in 0..self.connections.len().min(batch) {
            if is_late_at(i, termination) {
                break;
            }
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
            self.grown(proposal.side).failures[proposal.near] += 1;
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
        let nodes = self.start.tree.len() + self.goal.tree.len();
        if let Some(budget) = termination.spent_among(self.samples, nodes) {
            return Some(budget);
        }
        self.samples += 1;
        let dof = self.limits.len();
        let side = if sizes[0] <= sizes[1] { Side::Start } else { Side::Goal };
        let (position, velocity) = round.push(dof);
        let grown = if side == Side::Start { &mut self.start } else { &mut self.goal };
        sample(&mut grown.sampler, self.options, self.options.moving_share, self.limits, position, velocity);
        if let Some(near) = grown.extension(position, self.range) {
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
        if distance > self.range {
            toward(grown.tree.position(near), position, self.range / distance);
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
            && distance <= self.range
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
    /// shortest of the paths that are closed. When time is up, it leaves off.
    fn accept(&mut self, durations: &[Option<f64>], termination: &Termination<'_>) -> Option<Knots> {
        let round = std::mem::take(&mut self.round);
        let mut shortest: Option<(f64, Closing)> = None;
        let mut extended = std::mem::take(&mut self.extended);
        for (k, (proposal, &duration)) in round.proposals.iter().zip(durations).enumerate() {
            if is_late_at(k, termination) {
                break;
            }
            let &Proposal { side, near, connection } = proposal;
            let last = connection.is_some_and(|c| c.distance <= self.range);
            let Some(duration) = duration else {
                if connection.is_none() {
                    self.grown(side).failures[near] += 1;
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
                    let distance = c.distance - self.range;
                    self.connections.push_back(Connection { near: node, distance, ..c });
                }
            }
        }
        self.round = round;
        if let Some((_, closing)) = shortest {
            return Some(self.path(&closing));
        }
        for (i, (side, node)) in extended.drain(..).enumerate() {
            if is_late_at(i, termination) {
                break;
            }
            self.begin_connection(side, node);
        }
        self.extended = extended;
        None
    }

    /// Sets the other tree on its way to a node that `side` has gained.
    fn begin_connection(&mut self, side: Side, target: NodeIndex) {
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
        self.start.path_over(closing.start, closing.duration, &self.goal, closing.goal)
    }
}

/// The edge that joins the trees: from a node of the start's to one of the goal's.
#[derive(Clone, Copy, Debug)]
struct Closing {
    start: NodeIndex,
    goal: NodeIndex,
    duration: f64,
}

impl Closing {
    /// The last edge of a connection of the tree `side`, from its node `near` to `target`.
    fn new(side: Side, near: NodeIndex, target: NodeIndex, duration: f64) -> Self {
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

/// Whether time is up, asked now and then among the edges of a large round: not at the first.
fn is_late_at(edge: usize, termination: &Termination<'_>) -> bool {
    edge > 0 && edge.is_multiple_of(SearchSettings::DEFAULT.proposals_per_clock) && termination.late()
}

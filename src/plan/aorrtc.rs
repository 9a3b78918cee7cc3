//! AORRTC: RRT-Connect for answers below a bound of cost (Wilson, Thomason, Kingston and Gammell, *AORRTC: almost-surely
//! asymptotically optimal planning with RRT-Connect*, RA-L 2025), where that bound is the duration of the best answer so
//! far. Every better answer is refined before its duration is the bound of the next search, whose trees are new.
//!
//! What a path costs is what each of its edges takes at full speed: the greatest share of the outputs' ways in their
//! greatest velocities. No motion along the path takes less, however its corners are cut, but what it loses where it
//! gathers speed. So a search below the bound misses no better motion, and paths that can't lead to one are not followed.
//! Refinement makes paths much shorter, where they wind; so searches below a looser bound take turns with those.
//!
//! Imports `grown`, `search`, `local_planner` and what lies below them.

use super::grown::{Grown, Metric, SearchSettings, Side, sample, toward};
use super::worker::ResumableSearch;
use super::{Halt, PlanOptions, Termination};
use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::{NodeIndex, Sampler};
use crate::steer::{End, steering_limits};

/// The numbers of the search.
struct AorrtcSettings {
    /// Draws from the box of what may be on a better motion, until one is of use: the box holds a little more.
    draws: usize,
    /// Parents that are tried for a node, each of a cost drawn below that of the last.
    parents: usize,
    /// Halvings by which the ends of the box are found.
    halvings: usize,
}

impl AorrtcSettings {
    const DEFAULT: Self = Self { draws: 32, parents: 16, halvings: 40 };
}

/// One search below a bound.
pub(super) struct Aorrtc<'a> {
    options: &'a PlanOptions,
    metric: Metric,
    limits: Vec<OutputLimits>,
    /// Seconds that a unit of each output takes at full speed.
    pace: Vec<f64>,
    /// What a second counts in distances.
    second: f64,
    /// Paths cost less than this, seconds at full speed.
    bound: f64,
    /// From the start, and from the goals.
    trees: [CostTree; 2],
    samples: u64,
}

/// A tree and what it costs to come to each node from its root.
struct CostTree {
    grown: Grown,
    costs: Vec<f64>,
    /// How many of the nodes are roots.
    roots: usize,
}

impl CostTree {
    fn new<'s>(weights: &[f64], sampler: Sampler, roots: impl Iterator<Item = &'s JointState>) -> Self {
        let grown = Grown::new(weights, sampler, roots);
        let roots = grown.tree.len();
        Self { grown, costs: vec![0.0; roots], roots }
    }

    /// Gives the nodes that have been added as others are their costs.
    fn count_costs(&mut self, pace: &[f64]) {
        for node in self.costs.len()..self.grown.tree.len() {
            let parent = self.grown.tree.parent(node);
            let [a, b] = [node, parent].map(|node| self.grown.tree.position(node));
            self.costs.push(self.costs[parent] + full_speed(pace, a, b));
        }
    }

    /// What it costs at least to come from a root to a state.
    fn least(&self, pace: &[f64], position: &[f64]) -> f64 {
        let costs = (0..self.roots).map(|root| full_speed(pace, self.grown.tree.position(root), position));
        costs.fold(f64::INFINITY, f64::min)
    }

    fn add(&mut self, position: &[f64], velocity: &[f64], near: NodeIndex, duration: f64, cost: f64) -> NodeIndex {
        self.costs.push(cost);
        self.grown.add(position, velocity, Some(near), duration)
    }
}

impl<'a> Aorrtc<'a> {
    /// A search for motions that take less than `longest` seconds, to those of some goals that can be reached so soon; along
    /// paths that may cost more than such a motion can, by a factor `loose` of at least 1, as refinement makes them shorter.
    pub(super) fn new(
        problem: &'a Problem,
        goals: &[&JointState],
        options: &'a PlanOptions,
        seed: u64,
        longest: f64,
        loose: f64,
    ) -> Self {
        let mut metric = Metric::new(problem, options);
        let limits = steering_limits(problem);
        let pace: Vec<f64> = limits.iter().map(|limits| 1.0 / limits.velocity).collect();
        let informed = Informed { limits: &limits, start: &problem.start, longest };
        let goals: Vec<&JointState> = goals.iter().copied().filter(|goal| informed.reaches(goal)).collect();
        informed.shrink(&goals, &mut metric.bounds);
        let [from_start, from_goal] = Sampler::for_trees(metric.bounds.clone(), seed);
        let start = CostTree::new(&metric.weights, from_start, std::iter::once(&problem.start));
        let goal = CostTree::new(&metric.weights, from_goal, goals.iter().copied());
        let is_at_rest = goals.iter().all(|goal| goal.is_at_rest()) && problem.start.is_at_rest();
        let bound = loose.max(1.0) * if is_at_rest { at_full_speed(&limits, longest) } else { longest };
        let second = second(&metric.weights, &limits);
        Self { options, metric, limits, pace, second, bound, trees: [start, goal], samples: 0 }
    }

    /// Draws a state and a cost at which a better motion might come by; none where no draw is of use.
    fn draw(&mut self, side: Side, position: &mut [f64], velocity: &mut [f64]) -> Option<f64> {
        let [start, goal] = &mut self.trees;
        let (tree, other) = if side == Side::Start { (start, goal) } else { (goal, start) };
        for _ in 0..AorrtcSettings::DEFAULT.draws {
            velocity.fill(0.0);
            let (sampler, moving_share) = (&mut tree.grown.sampler, self.options.moving_share);
            sample(sampler, self.options, moving_share, &self.limits, position, velocity);
            let from = tree.least(&self.pace, position);
            let to = self.bound - other.least(&self.pace, position);
            if from < to {
                return Some(from + tree.grown.sampler.unit() * (to - from));
            }
        }
        None
    }

    /// The node from which a state is reached for less than a cost, that is nearest to both.
    fn nearest(&self, side: Side, position: &[f64], cost: f64) -> Option<NodeIndex> {
        let CostTree { grown, costs, .. } = &self.trees[side as usize];
        let mut nearest = (f64::INFINITY, None);
        for (node, &at) in costs.iter().enumerate() {
            let later = self.second * (cost - at);
            let mut square = later * later;
            if later <= 0.0 || square >= nearest.0 {
                continue;
            }
            let mut edge = 0.0_f64;
            let ways = grown.tree.position(node).iter().zip(position).zip(&self.metric.weights).zip(&self.pace);
            for (((a, b), weight), pace) in ways {
                let way = (b - a).abs();
                square += (weight * way) * (weight * way);
                edge = edge.max(pace * way);
            }
            if square < nearest.0 && at + edge < cost {
                nearest = (square, Some(node));
            }
        }
        nearest.1
    }

    /// The duration of a valid edge between a node and a state that is to become its child.
    fn connect(
        &self,
        local: &mut LocalPlanner<'_>,
        side: Side,
        node: NodeIndex,
        state: End<'_>,
    ) -> Result<Option<f64>, CheckError> {
        let end = self.trees[side as usize].grown.end(node);
        match side {
            Side::Start => local.connect(end, state, f64::INFINITY),
            Side::Goal => local.connect(state, end, f64::INFINITY),
        }
    }

    /// One sample: extends the smaller tree towards it, and leads the other to what that has gained.
    fn step(&mut self, local: &mut LocalPlanner<'_>) -> Result<Option<Knots>, CheckError> {
        let [a, b] = [0, 1].map(|tree| self.trees[tree].costs.len());
        let side = if a <= b { Side::Start } else { Side::Goal };
        let Some(node) = self.extend(local, side)? else { return Ok(None) };
        self.meet(local, side, node)
    }

    /// Extends a tree towards a sample.
    fn extend(&mut self, local: &mut LocalPlanner<'_>, side: Side) -> Result<Option<NodeIndex>, CheckError> {
        let dof = self.pace.len();
        let (mut position, mut velocity) = (vec![0.0; dof], vec![0.0; dof]);
        let Some(cost) = self.draw(side, &mut position, &mut velocity) else { return Ok(None) };
        let Some(near) = self.nearest(side, &position, cost) else { return Ok(None) };
        let grown = &self.trees[side as usize].grown;
        let far = distance(&self.metric.weights, grown.tree.position(near), &position);
        if !grown.bring_near(near, far, &mut position, self.metric.range) {
            return Ok(None);
        }
        let still = vec![0.0; dof];
        let state = End { position: &position, velocity: &velocity, acceleration: &still };
        let Some(duration) = self.connect(local, side, near, state)? else {
            self.trees[side as usize].grown.failures[near] += 1;
            return Ok(None);
        };
        let cost = self.cost(side, near, &position);
        if cost + self.trees[side.other() as usize].least(&self.pace, &position) >= self.bound {
            return Ok(None);
        }
        let (near, duration, cost) = self.better_parent(local, side, state, (near, duration, cost))?;
        Ok(Some(self.trees[side as usize].add(&position, &velocity, near, duration, cost)))
    }

    /// What it costs to come to a state over a node.
    fn cost(&self, side: Side, node: NodeIndex, position: &[f64]) -> f64 {
        let CostTree { grown, costs, .. } = &self.trees[side as usize];
        costs[node] + full_speed(&self.pace, grown.tree.position(node), position)
    }

    /// Cost resampling: the parent of a new node, the duration of its edge, and what it costs, after parents of drawn, ever
    /// lower costs have been tried.
    fn better_parent(
        &mut self,
        local: &mut LocalPlanner<'_>,
        side: Side,
        state: End<'_>,
        found: (NodeIndex, f64, f64),
    ) -> Result<(NodeIndex, f64, f64), CheckError> {
        let (mut parent, mut duration, mut cost) = found;
        for _ in 0..AorrtcSettings::DEFAULT.parents {
            let tree = &mut self.trees[side as usize];
            let least = tree.least(&self.pace, state.position);
            let wanted = least + tree.grown.sampler.unit() * (cost - least);
            let Some(near) = self.nearest(side, state.position, wanted).filter(|&near| near != parent) else { break };
            let Some(edge) = self.connect(local, side, near, state)? else { break };
            (parent, duration, cost) = (near, edge, self.cost(side, near, state.position));
        }
        Ok((parent, duration, cost))
    }

    /// Leads the tree that is not `side`'s to a node that this has gained, for what is left of the bound.
    fn meet(
        &mut self,
        local: &mut LocalPlanner<'_>,
        side: Side,
        target: NodeIndex,
    ) -> Result<Option<Knots>, CheckError> {
        let other = side.other();
        let range = self.metric.range;
        let state = self.trees[side as usize].grown.state(target);
        let left = self.bound - self.trees[side as usize].costs[target];
        let Some(mut near) = self.nearest(other, &state.position, left) else { return Ok(None) };
        let still = vec![0.0; state.position.len()];
        loop {
            let mut position = state.position.clone();
            let from = self.trees[other as usize].grown.tree.position(near);
            let distance = distance(&self.metric.weights, from, &position);
            let is_last = distance <= range;
            toward(from, &mut position, range / distance);
            let velocity = if is_last { &state.velocity } else { &still };
            let acceleration = if is_last { &state.acceleration } else { &still };
            let Some(duration) = self.connect(local, other, near, End { position: &position, velocity, acceleration })?
            else {
                return Ok(None);
            };
            if is_last {
                return Ok(Some(self.path(side, target, near, duration)));
            }
            let cost = self.cost(other, near, &position);
            near = self.trees[other as usize].add(&position, &still, near, duration, cost);
            if local.is_late() {
                return Ok(None);
            }
        }
    }

    /// From the start over a closing edge to a goal.
    fn path(&self, side: Side, target: NodeIndex, near: NodeIndex, duration: f64) -> Knots {
        let (start, goal) = if side == Side::Start { (target, near) } else { (near, target) };
        let [a, b] = &self.trees;
        a.grown.path_over(start, duration, &b.grown, goal)
    }
}

impl ResumableSearch for Aorrtc<'_> {
    type Path = Knots;

    fn samples(&self) -> u64 {
        self.samples
    }

    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Knots, Halt> {
        if self.samples == 0 {
            if let Some(budget) = termination.spent(0) {
                return Err(Halt::Spent(budget));
            }
            for side in [Side::Start, Side::Goal] {
                let tree = &mut self.trees[side as usize];
                tree.grown.leave_speed(side, local)?;
                tree.count_costs(&self.pace);
            }
        }
        let mut asked = local.checked;
        loop {
            let nodes = self.trees.iter().map(|tree| tree.costs.len()).sum();
            if let Some(budget) = termination.spent_among(self.samples, nodes) {
                return Err(Halt::Spent(budget));
            }
            if local.checked - asked >= SearchSettings::DEFAULT.edges_per_clock {
                asked = local.checked;
                if let Some(budget) = termination.interrupted() {
                    return Err(Halt::Spent(budget));
                }
            }
            self.samples += 1;
            // Without goals within the bound there is nothing to find.
            if self.trees[1].costs.is_empty() {
                continue;
            }
            if let Some(path) = self.step(local)? {
                return Ok(path);
            }
        }
    }
}

/// What a path costs, as a share of the longest that a motion of so many seconds can go.
pub(super) fn looseness(problem: &Problem, path: &Knots, duration: f64) -> f64 {
    let limits = steering_limits(problem);
    let pace: Vec<f64> = limits.iter().map(|limits| 1.0 / limits.velocity).collect();
    let edges = path.states.windows(2).map(|pair| full_speed(&pace, &pair[0].position, &pair[1].position));
    edges.sum::<f64>() / at_full_speed(&limits, duration)
}

/// What a straight edge takes at full speed, seconds.
fn full_speed(pace: &[f64], a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).zip(pace).map(|((a, b), pace)| (b - a).abs() * pace).fold(0.0, f64::max)
}

/// The distance of two positions in the trees' metric.
fn distance(weights: &[f64], a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).zip(weights).map(|((a, b), weight)| (weight * (b - a)).powi(2)).sum::<f64>().sqrt()
}

/// What a second counts in distances: as far as an output comes at full speed, in the mean of their squares.
fn second(weights: &[f64], limits: &[OutputLimits]) -> f64 {
    let fast = || weights.iter().zip(limits).filter(|(_, limits)| limits.velocity.is_finite());
    let squares: f64 = fast().map(|(weight, limits)| (weight * limits.velocity).powi(2)).sum();
    (squares / fast().count().max(1) as f64).sqrt()
}

/// How long the way is that a motion from rest to rest of so many seconds can go, in seconds at full speed: in these, its
/// speed is 1 at most, and grows by no more than the greatest share of an acceleration in its velocity.
fn at_full_speed(limits: &[OutputLimits], duration: f64) -> f64 {
    let rate = limits.iter().map(|l| l.acceleration / l.velocity).filter(|rate| !rate.is_nan()).fold(0.0, f64::max);
    if rate * duration >= 2.0 { duration - 1.0 / rate } else { 0.25 * rate * duration * duration }
}

/// Which states a motion may pass that is faster than the best.
struct Informed<'l> {
    limits: &'l [OutputLimits],
    start: &'l JointState,
    /// Seconds.
    longest: f64,
}

impl Informed<'_> {
    /// How far beyond both its ends each output may go on the way to a goal: where it turns it stands still. `None`
    /// where the goal cannot be reached in time.
    fn overshoot(&self, goal: &JointState, output: usize) -> Option<f64> {
        let limits = &self.limits[output];
        let way = (goal.position[output] - self.start.position[output]).abs();
        let is_at_rest = self.start.is_at_rest() && goal.is_at_rest();
        let time = |way: f64| if is_at_rest { rest_to_rest(limits, way) } else { way / limits.velocity };
        let takes = |over: f64| time(way + over) + time(over);
        if takes(0.0) > self.longest {
            return None;
        }
        let (mut least, mut most) = (0.0, limits.velocity * self.longest);
        if !most.is_finite() {
            most = limits.acceleration * self.longest * self.longest;
        }
        if !most.is_finite() {
            return Some(f64::INFINITY);
        }
        for _ in 0..AorrtcSettings::DEFAULT.halvings {
            let middle = 0.5 * (least + most);
            *(if takes(middle) < self.longest { &mut least } else { &mut most }) = middle;
        }
        Some(most)
    }

    fn reaches(&self, goal: &JointState) -> bool {
        (0..self.limits.len()).all(|output| self.overshoot(goal, output).is_some())
    }

    /// Cuts what samples are drawn from to what may be on a better motion to any of the goals: each output by itself, which
    /// makes it a box.
    fn shrink(&self, goals: &[&JointState], bounds: &mut [(f64, f64)]) {
        for (output, (lower, upper)) in bounds.iter_mut().enumerate() {
            let reach = |goal: &&JointState| {
                let over = self.overshoot(goal, output)?;
                let [a, b] = [&self.start.position, &goal.position].map(|position| position[output]);
                Some((a.min(b) - over, a.max(b) + over))
            };
            let reached = goals.iter().filter_map(reach);
            let (least, most) = reached.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (c, d)| (a.min(c), b.max(d)));
            if least < most {
                (*lower, *upper) = (lower.max(least).min(*upper), upper.min(most).max(*lower));
            }
        }
    }
}

/// The least time in which an output goes so far from rest to rest.
fn rest_to_rest(limits: &OutputLimits, way: f64) -> f64 {
    let OutputLimits { velocity, acceleration, .. } = *limits;
    if way * acceleration >= velocity * velocity {
        way / velocity + velocity / acceleration
    } else {
        2.0 * (way / acceleration).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steer::TimeOptimal;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    fn limits(velocity: f64, acceleration: f64) -> OutputLimits {
        OutputLimits { velocity, acceleration, lower: -10.0, upper: 10.0, jerk: f64::INFINITY, effort: f64::INFINITY }
    }

    /// No motion through a state beyond the box is as fast: the exact least times to it and from it, at whatever speed it
    /// is passed, take longer in all.
    #[test]
    fn nothing_beyond_the_box_is_on_a_faster_motion() {
        let mut rng = Pcg64Mcg::seed_from_u64(3);
        for _ in 0..200 {
            let limits = [limits(rng.random_range(0.5..3.0), rng.random_range(1.0..20.0))];
            let at = |position: f64| JointState::at_rest(vec![position]);
            let (start, goal) = (at(rng.random_range(-1.0..1.0)), at(rng.random_range(-1.0..1.0)));
            let mut steering = TimeOptimal::new(&limits);
            let mut time = |a: f64, v: f64, b: f64, w: f64| {
                steering.steer(&[a], &[v], &[b], &[w], 0.0, f64::INFINITY, &mut Vec::new()).expect("a motion")
            };
            let [a, b] = [start.position[0], goal.position[0]];
            let longest = time(a, 0.0, b, 0.0) * rng.random_range(1.0..2.0);
            let informed = Informed { limits: &limits, start: &start, longest };
            let mut bounds = [(-9.0, 9.0)];
            informed.shrink(&[&goal], &mut bounds);
            let (lower, upper) = bounds[0];
            assert!(lower <= a.min(b) && upper >= a.max(b));
            for beyond in [lower - 1e-6, upper + 1e-6] {
                for share in [-1.0, -0.5, 0.0, 0.1, 0.5, 1.0] {
                    let v = share * limits[0].velocity;
                    let whole = time(a, 0.0, beyond, v) + time(beyond, v, b, 0.0);
                    assert!(whole > longest - 1e-9, "{whole} {longest}");
                }
            }
            // Just inside there is one.
            let inside = time(a, 0.0, upper - 1e-6, 0.0) + time(upper - 1e-6, 0.0, b, 0.0);
            assert!(inside <= longest + 1e-9);
        }
    }

    /// A straight motion at the greatest speed and acceleration goes just as far as the bound of its duration.
    #[test]
    fn the_bound_is_what_the_fastest_motion_goes() {
        let limits = [limits(2.0, 5.0), limits(1.0, 4.0)];
        for way in [0.01, 0.3, 1.0, 4.0] {
            // The second output has the greater share of its velocity in its acceleration.
            let duration = rest_to_rest(&limits[1], way);
            let pace = limits.map(|limits| 1.0 / limits.velocity);
            let cost = full_speed(&pace, &[0.0, 0.0], &[0.0, way]);
            assert!((at_full_speed(&limits, duration) - cost).abs() < 1e-12);
        }
    }
}

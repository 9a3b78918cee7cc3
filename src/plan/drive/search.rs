//! RRT-Connect over the stances of a nonholonomic base: one tree grows forward from the
//! start, one backward from the goals, by arcs to places drawn at random, along the path of a guide, or by the primitives
//! of a lattice; the trees are joined by curves from stance to stance.

use super::super::{Halt, PlanOptions, Termination};
use super::ends::Root;
use super::lattice::{Aim, Lattice};
use super::path_tree::PathTree;
use super::pursuit::{Pursuit, Waypoint};
use super::settings::SearchSettings;
use crate::check::CheckError;
use crate::local_planner::{Given, PathMotion, PathPlanner};
use crate::refine::Route;
use crate::search::Sampler;
use crate::steer::{EndSpeeds, Pace, PathLimits, PathState};

const SETTINGS: SearchSettings = SearchSettings::DEFAULT;

/// Lengths of the motions by which a start at speed may be brought to rest, as shares of the least.
const BRAKING: [f64; 3] = [1.05, 1.5, 2.5];

/// Nodes of a tree that are joined to one of the other, by estimated time.
type Partners = [(f64, usize); SETTINGS.partners];

/// What comes of a narrow place.
enum Passed {
    /// The trees meet there.
    Over(Route),
    /// The nodes in its middle and beyond, the farthest first, and the cost of coming to each, seconds.
    Beyond(Vec<(usize, f64)>),
}

/// A stance of a narrow place that is come to from a node by a motion, and the cost of that node, seconds.
struct Entry {
    node: usize,
    cost: f64,
    passage: usize,
    stance: usize,
    motion: PathMotion,
}

/// One search.
pub(super) struct Search<'a> {
    options: &'a PlanOptions,
    limits: &'a PathLimits,
    pace: Pace,
    /// From the first sample on.
    lattice: Option<Lattice<'a>>,
    /// Duration of its motions since a node of it was joined to the other tree, by tree, seconds.
    since_join: [f64; 2],
    /// Diagonal of the place's bounds, metres.
    diagonal: f64,
    /// Of each tree.
    samplers: [Sampler; 2],
    /// Coordinates of the place.
    dimensions: usize,
    /// Longest step of the place, metres.
    step: f64,
    /// The start's and the goals'.
    trees: [PathTree; 2],
    /// Speeds at the start and at each goal.
    speeds: (f64, Vec<f64>),
    /// Whether samples are drawn along the guide's path.
    follows: bool,
    has_lattice: bool,
    is_begun: bool,
    /// Samples drawn so far.
    pub(super) samples: u64,
}

/// Longest edge, metres of the path, and rad of an arm's joints.
fn range(options: &PlanOptions) -> f64 {
    options.range.unwrap_or(PlanOptions::RANGE)
}

impl<'a> Search<'a> {
    /// A search from and to these roots, each with the curves before (after) it, in `bounds` of the place
    /// and the arm.
    pub(super) fn new(
        limits: &'a PathLimits,
        start: Root,
        goals: Vec<Root>,
        bounds: Vec<(f64, f64)>,
        options: &'a PlanOptions,
        seed: u64,
    ) -> Self {
        let dimensions = limits.dimensions();
        let diagonal = bounds[..dimensions].iter().map(|(a, b)| (b - a).powi(2)).sum::<f64>().sqrt();
        let mut trees = [PathTree::new(Given::First), PathTree::new(Given::Last)];
        let lead = |curves| PathMotion { curves, duration: 0.0 };
        trees[0].add(start.stance, None, lead(start.lead));
        let mut speeds = Vec::new();
        for goal in goals {
            trees[1].add(goal.stance, None, lead(goal.lead));
            speeds.push(goal.speed);
        }
        Self {
            options,
            limits,
            pace: Pace::new(limits),
            lattice: None,
            since_join: [0.0; 2],
            diagonal,
            samplers: Sampler::for_trees(bounds, seed),
            dimensions,
            step: range(options).max(SETTINGS.step * diagonal),
            trees,
            speeds: (start.speed, speeds),
            follows: true,
            has_lattice: true,
            is_begun: false,
            samples: 0,
        }
    }

    /// The same, but with samples along the guide's path or not, and with a lattice or not.
    pub(super) fn by(self, follows: bool, has_lattice: bool) -> Self {
        Self { follows, has_lattice, ..self }
    }

    /// Searches until there is a route from the start to a goal.
    ///
    /// # Errors
    /// When a budget is spent, after which the search may be taken up again, or the checking backend fails.
    pub(super) fn search(
        &mut self,
        planner: &mut PathPlanner<'_>,
        pursuit: &mut Pursuit<'_>,
        termination: &Termination<'_>,
    ) -> Result<Route, Halt> {
        if !self.is_begun {
            self.is_begun = true;
            if let Some(budget) = termination.spent(self.samples) {
                return Err(Halt::Spent(budget));
            }
            // The joints from the start straight to the goals count as one sample.
            self.samples += 1;
            if let Some(route) = self.begin(planner)? {
                return Ok(route);
            }
        }
        loop {
            if let Some(budget) = termination.spent(self.samples).or_else(|| termination.interrupted()) {
                return Err(Halt::Spent(budget));
            }
            self.samples += 1;
            let is_easy = self.samples <= SETTINGS.without_lattice;
            if self.has_lattice && !is_easy && self.samples.is_multiple_of(self.every()) {
                if let Some(route) = self.expand(pursuit, planner)? {
                    return Ok(route);
                }
                continue;
            }
            let side = usize::from(self.trees[0].stances.len() > self.trees[1].stances.len());
            let is_guided = self.follows && self.samplers[side].unit() < SETTINGS.guided;
            let waypoint = if is_guided { pursuit.draw(side, &mut self.samplers[side]) } else { None };
            let route = match waypoint {
                Some(waypoint) => self.follow(side, &waypoint, pursuit, planner)?,
                None => self.grow(side, planner)?,
            };
            if let Some(route) = route {
                return Ok(route);
            }
        }
    }

    /// Joins the start to the goals, and brings roots at speed to rest.
    fn begin(&mut self, planner: &mut PathPlanner<'_>) -> Result<Option<Route>, CheckError> {
        let mut best: Option<(usize, PathMotion)> = None;
        for goal in 0..self.trees[1].stances.len() {
            let longest = best.as_ref().map_or(f64::INFINITY, |(_, motion)| motion.duration);
            let (from, to) = (&self.trees[0].stances[0], &self.trees[1].stances[goal]);
            if let Some(motion) = planner.connect(from, to, longest)? {
                best = Some((goal, motion));
            }
        }
        if let Some((goal, motion)) = best {
            return Ok(Some(self.path(0, goal, motion)));
        }
        for tree in &mut self.trees {
            for root in 0..tree.stances.len() {
                let stance = tree.stances[root].clone();
                for share in if stance.speed == 0.0 { &[][..] } else { &BRAKING[..] } {
                    let to = resting_place(planner.limits(), &stance, tree.given, *share);
                    if let Some((rest, motion)) = planner.reach(&stance, tree.given, to, &stance.arm)? {
                        tree.add(rest, Some(root), motion);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Goes on by the lattice's next primitive, from either tree in turn, and joins what is new to the other tree.
    fn expand(
        &mut self,
        pursuit: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        let side = (self.samples / self.every() % 2) as usize;
        if self.lattice.is_none() {
            let lattice = Lattice::new(self.limits, self.diagonal, &self.trees, pursuit, planner)?;
            self.lattice = Some(lattice);
            for side in [0, 1] {
                for node in self.trees[side].roots().map(|(node, _)| node).collect::<Vec<_>>() {
                    if let Some(route) = self.advance(side, vec![(node, 0.0)], pursuit, planner)? {
                        return Ok(Some(route));
                    }
                }
            }
        }
        let Some(lattice) = &mut self.lattice else { return Ok(None) };
        let Some(found) = lattice.next(side, &self.trees[side], planner)? else { return Ok(None) };
        let new = self.trees[side].add(found.stance.clone(), Some(found.parent), found.motion.clone());
        lattice.go_on(side, new, &found, pursuit);
        for aim in lattice.due(side, &found, pursuit).into_iter().flatten() {
            let Some((motion, root)) = self.shortest(side, &found.stance, aim, planner)? else { continue };
            if let Some(root) = root {
                let ends = if side == 0 { [new, root] } else { [root, new] };
                return Ok(Some(self.path(ends[0], ends[1], motion)));
            }
            let Aim::Passage(passage, stance) = aim else { continue };
            let entry = Entry { node: new, cost: found.cost(), passage, stance, motion };
            match self.pass(side, entry, pursuit, planner)? {
                Passed::Over(route) => return Ok(Some(route)),
                Passed::Beyond(nodes) => {
                    if let Some(route) = self.advance(side, nodes, pursuit, planner)? {
                        return Ok(Some(route));
                    }
                }
            }
        }
        // The nearer the trees are, the more often.
        let partners = self.partners(side, new);
        self.since_join[side] += found.motion.duration;
        if self.since_join[side] < SETTINGS.joins_per_way * partners[0].0 {
            return Ok(None);
        }
        self.since_join[side] = 0.0;
        self.join_any(side, new, &partners, planner)
    }

    /// Of so many samples one goes to the lattice.
    fn every(&self) -> u64 {
        SETTINGS.every[self.dimensions - 2]
    }

    /// From nodes through one narrow place after the other, by shortest paths, as far as these are free: to the other
    /// tree, where it comes there.
    fn advance(
        &mut self,
        side: usize,
        mut nodes: Vec<(usize, f64)>,
        pursuit: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        'next: while !planner.is_late() {
            for &(node, cost) in &nodes {
                let stance = self.trees[side].stances[node].clone();
                let Some(lattice) = &self.lattice else { return Ok(None) };
                for aim in lattice.ahead(side, &stance, pursuit) {
                    let Some((motion, root)) = self.shortest(side, &stance, aim, planner)? else { continue };
                    if let Some(root) = root {
                        let ends = if side == 0 { [node, root] } else { [root, node] };
                        return Ok(Some(self.path(ends[0], ends[1], motion)));
                    }
                    let Aim::Passage(passage, stance) = aim else { continue };
                    let entry = Entry { node, cost, passage, stance, motion };
                    match self.pass(side, entry, pursuit, planner)? {
                        Passed::Over(route) => return Ok(Some(route)),
                        Passed::Beyond(beyond) => nodes = beyond,
                    }
                    continue 'next;
                }
            }
            break;
        }
        Ok(None)
    }

    /// Adds a stance of a narrow place that is come to, and those beyond; joins these to the other tree.
    fn pass(
        &mut self,
        side: usize,
        entry: Entry,
        pursuit: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Passed, CheckError> {
        let Entry { node: mut last, mut cost, passage, mut stance, motion } = entry;
        let Some(lattice) = &mut self.lattice else { return Ok(Passed::Beyond(Vec::new())) };
        let way = lattice.passage(passage);
        let (mut step, mut beyond) = (Some((way.stances[stance].clone(), motion)), Vec::new());
        while let Some((place, motion)) = step {
            cost += motion.duration;
            last = self.trees[side].add(place, Some(last), motion);
            if let Some(other) = way.reach(side, stance, last) {
                let ends = if side == 0 { [last, other] } else { [other, last] };
                return Ok(Passed::Over(self.path(ends[0], ends[1], PathMotion::default())));
            }
            if way.is_beyond(side, stance) {
                beyond.push((last, cost));
            }
            step = way.step(side, stance).map(|(next, place, motion)| {
                stance = next;
                (place, motion)
            });
        }
        for &(node, cost) in &beyond {
            lattice.pass(side, node, &self.trees[side].stances[node], cost, pursuit);
        }
        beyond.reverse();
        let joined = self.join(side, last, planner)?;
        Ok(joined.map_or(Passed::Beyond(beyond), Passed::Over))
    }

    /// The shortest path without obstacles from a stance of a tree to what is aimed at, if it is valid, and which root
    /// of the other tree that is.
    fn shortest(
        &self,
        side: usize,
        stance: &PathState,
        aim: Aim,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<(PathMotion, Option<usize>)>, CheckError> {
        let Some(lattice) = &self.lattice else { return Ok(None) };
        if let Some([from, to]) = lattice.free_ends(side, stance, aim) {
            let motion = planner.connect(&from, &to, f64::INFINITY)?;
            return Ok(motion.map(|motion| (motion, lattice.root(side, aim))));
        }
        let root = lattice.root(side, aim);
        let ([from, to], ways) = lattice.short_ways(side, stance, aim, planner);
        for curves in ways {
            if let Some(motion) = planner.drive(&from, &to, curves)? {
                return Ok(Some((motion, root)));
            }
        }
        Ok(None)
    }

    /// Grows the tree `side` to a waypoint, headed as the guide's path is or by an arc, and joins what is new
    /// to the other tree.
    fn follow(
        &mut self,
        side: usize,
        waypoint: &Waypoint,
        pursuit: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        let Waypoint { place, heading, pitch, .. } = *waypoint;
        let near = self.nearest(side, &place, &[], 0.0);
        let tree = &mut self.trees[side];
        let stance = &tree.stances[near];
        let reached = match self.samplers[side].unit() < SETTINGS.headed {
            true => {
                let there = planner.stance(place, [heading, pitch], &stance.arm);
                let ends = if side == 0 { [stance, &there] } else { [&there, stance] };
                planner.connect(ends[0], ends[1], f64::INFINITY)?.map(|motion| (there, motion))
            }
            false => planner.reach(stance, tree.given, place, &stance.arm.clone())?,
        };
        let Some((other, motion)) = reached else {
            tree.failures[near] += 1;
            pursuit.miss(side, planner.stop());
            return Ok(None);
        };
        let new = tree.add(other, Some(near), motion);
        pursuit.hit(side, waypoint);
        self.join(side, new, planner)
    }

    /// Draws a sample, grows the tree `side` towards it, and the other tree towards what is new.
    fn grow(&mut self, side: usize, planner: &mut PathPlanner<'_>) -> Result<Option<Route>, CheckError> {
        let dimensions = self.dimensions;
        let joints = self.trees[0].stances[0].arm.len();
        let mut sample = vec![0.0; dimensions + joints];
        self.samplers[side].sample(&mut sample);
        let mut place = [0.0; 3];
        place[..dimensions].copy_from_slice(&sample[..dimensions]);
        let mut arm = sample.split_off(dimensions);
        let what = if joints > 0 { self.samplers[side].unit() } else { 0.0 };
        let near = self.nearest(side, &place, &arm, what);
        let stance = &self.trees[side].stances[near];
        // A third of the samples each for the base, the arm, and both.
        if joints > 0 && what < 1.0 / 3.0 {
            arm.clone_from(&stance.arm);
        } else if joints > 0 && what > 2.0 / 3.0 {
            place = stance.place;
        }
        let Some(new) = self.extend(side, near, place, &arm, planner)? else { return Ok(None) };
        let other = 1 - side;
        let target = self.trees[side].stances[new].clone();
        if let Some(curves) = self.join(side, new, planner)? {
            return Ok(Some(curves));
        }
        // The other tree comes nearer, step by step.
        let mut near = self.nearest(other, &target.place, &target.arm, 0.5);
        for _ in 0..SETTINGS.steps {
            let Some(step) = self.extend(other, near, target.place, &target.arm, planner)? else { break };
            let ends = if side == 0 { [new, step] } else { [step, new] };
            if let Some(route) = self.close(ends, planner)? {
                return Ok(Some(route));
            }
            near = step;
        }
        Ok(None)
    }

    /// A step of a tree from a node towards a place and an arm's position, no farther than the range.
    fn extend(
        &mut self,
        side: usize,
        near: usize,
        place: [f64; 3],
        arm: &[f64],
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<usize>, CheckError> {
        let tree = &mut self.trees[side];
        let stance = &tree.stances[near];
        let share = |longest: f64, a: &[f64], b: &[f64]| {
            let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            if distance > longest { longest / distance } else { 1.0 }
        };
        let share = share(self.step, &place, &stance.place).min(share(range(self.options), arm, &stance.arm));
        let toward = |from: f64, to: f64| from + (to - from) * share;
        let place = [0, 1, 2].map(|i| toward(stance.place[i], place[i]));
        let arm: Vec<f64> = stance.arm.iter().zip(arm).map(|(&a, &b)| toward(a, b)).collect();
        let reached = planner.reach(stance, tree.given, place, &arm)?;
        if reached.is_none() {
            tree.failures[near] += 1;
        }
        Ok(reached.map(|(other, motion)| tree.add(other, Some(near), motion)))
    }

    /// Joins a node to the nearest of the other tree.
    fn join(
        &mut self,
        side: usize,
        node: usize,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        let partners = self.partners(side, node);
        self.join_any(side, node, &partners, planner)
    }

    /// The nodes of the other tree that are nearest to a node, by estimated time, and that.
    fn partners(&self, side: usize, node: usize) -> Partners {
        let (own, other) = (&self.trees[side], &self.trees[1 - side]);
        let stance = &own.stances[node];
        let mut nearest = [(f64::INFINITY, 0); SETTINGS.partners];
        for (partner, (key, there)) in other.keys.iter().zip(&other.stances).enumerate() {
            let least = nearest[SETTINGS.partners - 1].0;
            if self.pace.apart(&key[0], &stance.place) > least {
                continue;
            }
            // The other tree sees its own backwards: so does this one, from here.
            let back = [key[0], key[1].map(|x| -x)];
            let base = self.pace.between(&own.keys[node], &back);
            let time = base.max(self.pace.arm(&stance.arm, &there.arm));
            if time < least {
                nearest[SETTINGS.partners - 1] = (time, partner);
                nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
            }
        }
        nearest
    }

    /// Joins a node to any of some of the other tree.
    fn join_any(
        &self,
        side: usize,
        node: usize,
        partners: &[(f64, usize)],
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        for &(_, partner) in partners.iter().filter(|n| n.0.is_finite()) {
            let ends = if side == 0 { [node, partner] } else { [partner, node] };
            if let Some(route) = self.close(ends, planner)? {
                return Ok(Some(route));
            }
        }
        Ok(None)
    }

    /// Joins a node of the start's tree to one of the goals'.
    fn close(
        &self,
        [start, goal]: [usize; 2],
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Route>, CheckError> {
        let (from, to) = (&self.trees[0].stances[start], &self.trees[1].stances[goal]);
        let motion = planner.connect(from, to, f64::INFINITY)?;
        Ok(motion.map(|motion| self.path(start, goal, motion)))
    }

    /// The node of a tree from which (or to which) a place is reached soonest, by estimate.
    fn nearest(&self, side: usize, place: &[f64; 3], arm: &[f64], what: f64) -> usize {
        let tree = &self.trees[side];
        let mut nearest = (f64::INFINITY, 0);
        let (with_base, with_arm) = (what <= 2.0 / 3.0, what >= 1.0 / 3.0);
        for (node, key) in tree.keys.iter().enumerate() {
            let failing = 1.0 + SETTINGS.failing * f64::from(tree.failures[node]);
            let straight = self.pace.apart(&key[0], place);
            if straight * failing > nearest.0 {
                continue;
            }
            let base = if with_base { self.pace.reach(key, place) } else { straight };
            let arm = if with_arm { self.pace.arm(&tree.stances[node].arm, arm) } else { 0.0 };
            let time = base.max(arm) * failing;
            if time < nearest.0 {
                nearest = (time, node);
            }
        }
        nearest.1
    }

    /// From the start over two nodes and the motion between them to a goal.
    fn path(&self, start: usize, goal: usize, motion: PathMotion) -> Route {
        let mut curves = self.trees[0].curves(start);
        curves.extend(motion.curves);
        curves.extend(self.trees[1].curves(goal));
        let last = self.speeds.1[self.trees[1].root(goal)];
        Route { curves, ends: EndSpeeds { first: Some(self.speeds.0), last: Some(last) } }
    }
}

/// Ahead of a stance at speed (or behind it, if it is to be come to): where it may come to rest, on the
/// circle that it is on.
fn resting_place(limits: &PathLimits, stance: &PathState, given: Given, share: f64) -> [f64; 3] {
    let sense = if given == Given::First { 1.0 } else { -1.0 };
    let way = sense * share * stance.speed * stance.speed.abs() / (2.0 * limits.acceleration());
    let half = 0.5 * way * stance.curvature.unwrap_or(0.0);
    let ((sin, cos), (rise, level)) = ((stance.heading + half).sin_cos(), stance.pitch.sin_cos());
    let chord = way * if half.abs() < 1e-6 { 1.0 } else { half.sin() / half };
    let [x, y, z] = stance.place;
    [x + chord * level * cos, y + chord * level * sin, z + chord * rise]
}

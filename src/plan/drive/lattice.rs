//! A state lattice without a grid for the places (hybrid A*: D. Dolgov, S. Thrun, M. Montemerlo and J. Diebel, *Path
//! planning for autonomous vehicles in unknown semi-structured environments*, IJRR 2010): from the start and from the
//! goals at once, by the base's own primitives of a few lengths, the most promising stance first. Where samples
//! rarely fall, in bays and bends that leave a hand's breadth, it goes on step by step.

use super::passages::Passage;
use super::path_tree::PathTree;
use super::pursuit::Pursuit;
use super::settings::LatticeSettings;
use crate::check::CheckError;
use crate::local_planner::{Given, PathMotion, PathPlanner};
use crate::steer::{
    Curve, DriveDirection, PathLimits, PathPiece, PathState, Primitive, Primitives, Word, dubins, nearest_turn,
    reeds_shepp, seen_from, tangent_of,
};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::f64::consts::{FRAC_PI_4, TAU};

const SETTINGS: LatticeSettings = LatticeSettings::DEFAULT;

/// A lattice of stances that a base reaches by primitives.
pub(super) struct Lattice<'a> {
    limits: &'a PathLimits,
    layers: Vec<Layer>,
    /// What the primitives of each tree lead to: the roots of the other, and narrow places.
    roots: [Vec<Target>; 2],
    passages: Vec<Passage>,
    /// 1 over the greatest curvature, metres.
    radius: f64,
    sequence: u64,
}

/// A stance that is headed for.
#[derive(Clone)]
struct Target {
    stance: PathState,
    /// Its node in the other tree.
    root: usize,
    /// Stances since the shortest path to it was tried from one.
    since_try: f64,
}

/// The stances that are reached by primitives of one length.
struct Layer {
    primitives: Primitives,
    /// Longest way and greatest turn of a primitive, metres and rad.
    length: f64,
    turn: f64,
    /// By tree.
    open: [BinaryHeap<Open>; 2],
    closed: [HashSet<[i64; 6]>; 2],
    looked_at: [u64; 2],
}

/// A primitive that is yet to be looked at.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Estimated cost of a route by way of it, and of coming to its end, seconds.
    estimate: f64,
    cost: f64,
    /// The node where it begins.
    node: usize,
    primitive: Primitive,
    /// Later ones are greater.
    sequence: u64,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    /// The least estimate is the greatest, and of equals the last that was found.
    fn cmp(&self, other: &Self) -> Ordering {
        other.estimate.total_cmp(&self.estimate).then(self.sequence.cmp(&other.sequence))
    }
}

/// A node that a lattice comes to, the cost of coming there, and the last way to it.
struct Reached<'s> {
    side: usize,
    node: usize,
    stance: &'s PathState,
    level: usize,
    cost: f64,
    direction: Option<DriveDirection>,
}

/// A node that is gone on from, and the cost of coming there.
struct Begin<'s> {
    side: usize,
    node: usize,
    stance: &'s PathState,
    cost: f64,
}

/// A stance that a lattice has come to, and how.
pub(super) struct Found {
    pub(super) parent: usize,
    pub(super) stance: PathState,
    pub(super) motion: PathMotion,
    layer: usize,
    open: Open,
}

impl Found {
    /// Cost of coming to it, seconds.
    pub(super) fn cost(&self) -> f64 {
        self.open.cost
    }
}

/// What a shortest path is tried to, by number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    /// A root of the other tree.
    Root(usize),
    /// A stance of a narrow place.
    Passage(usize, usize),
}

impl<'a> Lattice<'a> {
    /// Of a base in bounds of the place with such a diagonal, from what is in both trees.
    ///
    /// # Errors
    /// When the backend fails.
    pub(super) fn new(
        limits: &'a PathLimits,
        diagonal: f64,
        trees: &[PathTree; 2],
        guide: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Self, CheckError> {
        let tightest = limits.greatest_curvature();
        let LatticeSettings { layers, finer, longest_share, longest_reach, longest_turn, targets, .. } = SETTINGS;
        let bounded = (longest_share * diagonal).min(longest_reach * guide.reach());
        let longest = if tightest.is_finite() { bounded.min(longest_turn / tightest) } else { bounded };
        let layer = |i: usize| {
            let length = longest * finer.powi(i as i32);
            let primitives = Primitives::new(limits, length);
            let turn = if tightest.is_finite() { length * tightest } else { FRAC_PI_4 };
            Layer { primitives, length, turn, open: Default::default(), closed: Default::default(), looked_at: [0; 2] }
        };
        let narrow = if tightest.is_finite() { SETTINGS.narrow / tightest } else { 0.0 };
        let passages = Passage::all(&trees[0].stances[0].arm, [narrow, longest], guide, planner)?;
        let mut lattice = Self {
            limits,
            layers: (0..layers).map(layer).collect(),
            roots: [1, 0].map(|other: usize| {
                let target = |(root, stance)| Target { stance, root, since_try: f64::INFINITY };
                trees[other].roots().take(targets).map(target).collect()
            }),
            passages,
            radius: 1.0 / tightest,
            sequence: 0,
        };
        for (side, tree) in trees.iter().enumerate() {
            for (node, stance) in tree.stances.iter().enumerate() {
                // What can be brought to rest is gone on from there.
                if stance.speed != 0.0 && limits.may_rest() {
                    continue;
                }
                lattice.open_all(&Begin { side, node, stance, cost: 0.0 }, guide);
            }
        }
        Ok(lattice)
    }

    /// Opens primitives of all lengths of a node.
    fn open_all(&mut self, begin: &Begin<'_>, guide: &mut Pursuit<'_>) {
        let &Begin { side, node, stance, cost } = begin;
        for layer in 0..self.layers.len() {
            let level = self.layers[layer].primitives.level_of(stance);
            let reached = Reached { side, node, stance, level, cost, direction: None };
            self.open(layer, &reached, guide);
        }
    }

    /// Opens all primitives of a node.
    fn open(&mut self, layer: usize, reached: &Reached<'_>, guide: &mut Pursuit<'_>) {
        let &Reached { side, node, stance, level, cost, direction } = reached;
        let primitives = self.layers[layer].primitives.beginning_with(level).to_vec();
        for primitive in primitives {
            let way = driven(side, primitive.direction);
            let speed = self.limits.speed_of(way);
            if way != DriveDirection::Pivot && speed == 0.0 {
                continue;
            }
            let rate = self.limits.turn_rate(way);
            let straight = if primitive.length > 0.0 { primitive.length / speed } else { 0.0 };
            let mut cost = cost + straight.max(primitive.turn.abs() / rate);
            if direction.is_some_and(|direction| direction != way) {
                // Short ways are not gone so fast that the full stop counts.
                let stop = self.limits.stop().min(2.0 * (primitive.length / self.limits.acceleration()).sqrt());
                cost += if stop.is_finite() { stop } else { 0.0 };
            }
            let end = primitive.end(stance, self.limits, 1);
            let estimate = cost + SETTINGS.eagerness * self.to_go(side, &end, guide);
            self.sequence += 1;
            self.layers[layer].open[side].push(Open { estimate, cost, node, primitive, sequence: self.sequence });
        }
    }

    /// Estimated time from a stance of a tree to the roots of the other, seconds: the longer of the shortest path
    /// without obstacles and what the guide says.
    fn to_go(&self, side: usize, stance: &PathState, guide: &mut Pursuit<'_>) -> f64 {
        let speeds = [DriveDirection::Forward, DriveDirection::Reverse].map(|way| self.limits.speed_of(way));
        let guided = guide.cost_to_go(side, stance.place);
        // The shortest path is hardly ever longer than the straight one and two circles.
        let far = |target: &Target| distance(&stance.place, &target.stance.place) + 2.0 * TAU * self.radius;
        let nearest = self.roots[side].iter().map(far).fold(f64::INFINITY, f64::min);
        if nearest <= guided {
            return guided / speeds[0].max(speeds[1]);
        }
        let apart = |target: &Target| self.apart(side, stance, &target.stance);
        let open = self.roots[side].iter().map(apart).fold(f64::INFINITY, f64::min);
        open.max(guided) / speeds[0].max(speeds[1])
    }

    /// Length of the shortest path without obstacles between a stance of a tree and a root of the other, metres.
    fn apart(&self, side: usize, stance: &PathState, target: &PathState) -> f64 {
        let straight = distance(&stance.place, &target.place);
        if self.radius == 0.0 {
            return straight;
        }
        let ends = if side == 0 { [stance, target] } else { [target, stance] };
        straight.max(self.word(ends, self.radius).length() * self.radius)
    }

    /// The shortest path from one stance to another without obstacles, in radii.
    fn word(&self, [from, to]: [&PathState; 2], radius: f64) -> Word {
        let pose = |stance: &PathState| ([stance.place[0], stance.place[1]], stance.heading);
        let [ahead, back] = [DriveDirection::Forward, DriveDirection::Reverse].map(|way| self.limits.speed_of(way) > 0.0);
        if ahead && back {
            reeds_shepp(seen_from(pose(from), pose(to), radius))
        } else if ahead {
            dubins(seen_from(pose(from), pose(to), radius))
        } else {
            // Backwards from the end.
            dubins(seen_from(pose(to), pose(from), radius)).driven_back()
        }
    }

    /// The next stance of a tree that is reached by a valid primitive; `None` where the one that was looked at is
    /// not, or none is left.
    ///
    /// # Errors
    /// When the backend fails.
    pub(super) fn next(
        &mut self,
        side: usize,
        tree: &PathTree,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Option<Found>, CheckError> {
        for _ in 0..SETTINGS.in_vain {
            // The finer the fewer, so that all are done in time.
            let share = |&i: &usize| self.layers[i].looked_at[side] << i;
            let waiting = (0..self.layers.len()).filter(|&i| !self.layers[i].open[side].is_empty());
            let Some(i) = waiting.min_by_key(share) else { return Ok(None) };
            let layer = &mut self.layers[i];
            let Some(open) = layer.open[side].pop() else { return Ok(None) };
            let stance = &tree.stances[open.node];
            let mut end = open.primitive.end(stance, self.limits, 1);
            let cell = layer.cell(&end, open.primitive.level);
            if layer.closed[side].contains(&cell) {
                continue;
            }
            layer.looked_at[side] += 1;
            let way = driven(side, open.primitive.direction);
            let mut begin = open.primitive.end(stance, self.limits, 0);
            if self.limits.needs_curvature() && stance.curvature.is_some() {
                (begin.curvature, begin.curvature_rate) = (stance.curvature, stance.curvature_rate);
            }
            let (from, to) = if tree.given == Given::First { (&begin, &end) } else { (&end, &begin) };
            let Some(curve) = planner.arc(from, to, way, open.primitive.tangent(self.limits)) else { return Ok(None) };
            let Some(motion) = planner.drive(from, to, vec![curve])? else { return Ok(None) };
            layer.closed[side].insert(cell);
            if !self.limits.needs_curvature() || way == DriveDirection::Pivot {
                end.curvature = self.limits.needs_curvature().then_some(0.0);
            }
            return Ok(Some(Found { parent: open.node, stance: end, motion, layer: i, open }));
        }
        Ok(None)
    }

    /// Goes on from a stance that was found, which is a node now.
    pub(super) fn go_on(&mut self, side: usize, node: usize, found: &Found, guide: &mut Pursuit<'_>) {
        let Open { cost, primitive, .. } = found.open;
        let direction = Some(driven(side, primitive.direction));
        let reached = Reached { side, node, stance: &found.stance, level: primitive.level, cost, direction };
        self.open(found.layer, &reached, guide);
    }

    /// Goes on from a narrow place that is a node now, by primitives of all lengths.
    pub(super) fn pass(&mut self, side: usize, node: usize, stance: &PathState, cost: f64, guide: &mut Pursuit<'_>) {
        self.open_all(&Begin { side, node, stance, cost }, guide);
    }

    /// Stances before narrow places that are ahead of a stance, the nearest place first, then the nearest root of the
    /// other tree.
    pub(super) fn ahead(&self, side: usize, stance: &PathState, guide: &mut Pursuit<'_>) -> Vec<Aim> {
        let to_go = guide.cost_to_go(side, stance.place);
        let passages = self.passages.iter().enumerate().filter(|(_, passage)| passage.is_ahead(side, to_go));
        let mut next: Vec<(usize, &Passage)> = passages.collect();
        next.sort_by(|(_, a), (_, b)| b.to_go(side).total_cmp(&a.to_go(side)));
        next.truncate(SETTINGS.next);
        let roots = self.roots[side].iter().map(|root| self.apart(side, stance, &root.stance)).enumerate();
        let nearest = roots.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| Aim::Root(i));
        let entries = |(i, passage): (usize, &Passage)| {
            passage.entries(side).into_iter().map(move |stance| Aim::Passage(i, stance))
        };
        next.into_iter().flat_map(entries).chain(nearest).collect()
    }

    /// A narrow place.
    pub(super) fn passage(&mut self, passage: usize) -> &mut Passage {
        &mut self.passages[passage]
    }

    /// What a short path is to be tried to from a stance that was found: the nearest root of the other tree, and the
    /// nearest narrow place that is ahead; the more often, the nearer they are.
    pub(super) fn due(&mut self, side: usize, found: &Found, guide: &mut Pursuit<'_>) -> [Option<Aim>; 2] {
        let length = self.layers[found.layer].length;
        let apart = |target: &PathState| self.apart(side, &found.stance, target);
        let roots = self.roots[side].iter().map(|root| apart(&root.stance)).enumerate();
        let root = roots.min_by(|a, b| a.1.total_cmp(&b.1));
        let to_go = guide.cost_to_go(side, found.stance.place);
        let ahead = self.passages.iter().enumerate().filter(|(_, passage)| passage.is_ahead(side, to_go));
        let entries = ahead.flat_map(|(i, passage)| {
            passage.entries(side).into_iter().map(move |stance| (i, stance, apart(&passage.stances[stance])))
        });
        let entry = entries.min_by(|a, b| a.2.total_cmp(&b.2));
        let is_due = |since: &mut f64, way: f64| {
            *since += 1.0;
            let is_due = *since >= SETTINGS.tries_per_way * way / length;
            if is_due {
                *since = 0.0;
            }
            is_due
        };
        let root = root.filter(|&(i, way)| is_due(&mut self.roots[side][i].since_try, way));
        let entry = entry.filter(|&(i, _, way)| is_due(self.passages[i].since_try(side), way));
        [root.map(|(i, _)| Aim::Root(i)), entry.map(|(i, stance, _)| Aim::Passage(i, stance))]
    }

    /// A stance and what is aimed at, in the order in which they are driven, of a base that turns on the spot.
    pub(super) fn free_ends(&self, side: usize, stance: &PathState, aim: Aim) -> Option<[PathState; 2]> {
        if self.radius > 0.0 {
            return None;
        }
        let ends = [stance.clone(), self.aimed(side, aim)?.clone()];
        Some(in_order(side, ends))
    }

    /// What is aimed at.
    fn aimed(&self, side: usize, aim: Aim) -> Option<&PathState> {
        match aim {
            Aim::Root(i) => Some(&self.roots[side].get(i)?.stance),
            Aim::Passage(i, stance) => self.passages.get(i)?.stances.get(stance),
        }
    }

    /// A root of the other tree that is aimed at.
    pub(super) fn root(&self, side: usize, aim: Aim) -> Option<usize> {
        match aim {
            Aim::Root(i) => Some(self.roots[side].get(i)?.root),
            Aim::Passage(..) => None,
        }
    }

    /// Stances between which short paths without obstacles lead from a stance of a tree to what is aimed at, or from there
    /// to it, and the curves of each, as far as they hold the limits, the shortest first.
    pub(super) fn short_ways(
        &self,
        side: usize,
        stance: &PathState,
        aim: Aim,
        planner: &PathPlanner<'_>,
    ) -> ([PathState; 2], Vec<Vec<Curve>>) {
        let target = self.aimed(side, aim).unwrap_or(stance);
        let ends = in_order(side, [stance.clone(), target.clone()]);
        if self.radius == 0.0 {
            return (ends, Vec::new());
        }
        let radius = if self.limits.needs_curvature() { SETTINGS.rounded * self.radius } else { self.radius };
        let pose = |stance: &PathState| ([stance.place[0], stance.place[1]], stance.heading);
        let [from, to] = [pose(&ends[0]), pose(&ends[1])];
        let [ahead, back] = [DriveDirection::Forward, DriveDirection::Reverse].map(|way| self.limits.speed_of(way) > 0.0);
        let mut words = Vec::new();
        if ahead && back {
            words.push(reeds_shepp(seen_from(from, to, radius)));
        }
        // Where the shortest meets an obstacle, one without a change of direction may not.
        if ahead {
            words.push(dubins(seen_from(from, to, radius)));
        } else if back {
            words.push(dubins(seen_from(to, from, radius)).driven_back());
        }
        words.dedup_by(|a, b| a.length() >= b.length() - SETTINGS.shortest);
        let ways = words.iter().filter_map(|word| self.along_word([&ends[0], &ends[1]], word, radius, planner)).collect();
        (ends, ways)
    }

    /// The curves of a path of arcs and lines between two stances, if they hold the limits.
    fn along_word(
        &self,
        ends: [&PathState; 2],
        word: &Word,
        radius: f64,
        planner: &PathPlanner<'_>,
    ) -> Option<Vec<Curve>> {
        let keeps = self.limits.needs_curvature();
        let mut parts = Vec::new();
        for &PathPiece { turn, length } in word.pieces() {
            let most = SETTINGS.arc[usize::from(self.limits.is_spatial())];
            let count = if turn == 0.0 { 1.0 } else { (length.abs() / most).ceil() };
            parts.extend((0..count as usize).map(|_| (turn, length / count)));
        }
        parts.retain(|&(_, length)| length.abs() > SETTINGS.shortest);
        // In space it climbs evenly all along.
        let level: f64 = parts.iter().map(|(_, length)| length.abs() * radius).sum();
        let climb = (ends[1].place[2] - ends[0].place[2]).atan2(level);
        let mut curves = Vec::new();
        let mut here = ends[0].clone();
        for (i, &(turn, length)) in parts.iter().enumerate() {
            let way = if length > 0.0 { DriveDirection::Forward } else { DriveDirection::Reverse };
            let mut there = if i + 1 == parts.len() { ends[1].clone() } else { along(&here, turn, length * radius, radius, climb) };
            // The heading goes on from here, by whole turns from what is asked for.
            there.heading = here.heading + turn * length + nearest_turn(there.heading - here.heading - turn * length);
            let mut begin = here.clone();
            if !keeps {
                let curvature = (!self.limits.is_spatial()).then_some(turn / radius);
                (begin.curvature, there.curvature) = (curvature, curvature);
            } else if i + 1 < parts.len() {
                there.curvature = Some(0.0);
                there.curvature_rate = self.limits.needs_curvature_rate().then_some(0.0);
            }
            let tangent = radius * if self.limits.is_spatial() { tangent_of(length.abs(), turn) } else { length.abs() };
            curves.push(planner.arc(&begin, &there, way, tangent / climb.cos())?);
            here = there;
        }
        (!curves.is_empty()).then_some(curves)
    }
}

impl Layer {
    /// What a stance is one with.
    fn cell(&self, stance: &PathState, level: usize) -> [i64; 6] {
        let sectors = (TAU / (SETTINGS.cell * self.turn)).ceil();
        let heading = (stance.heading.rem_euclid(TAU) / TAU * sectors) as i64;
        let [x, y, z] = stance.place.map(|x| (x / (SETTINGS.cell * self.length)).floor() as i64);
        let pitch = (stance.pitch / (SETTINGS.cell * self.turn)).round() as i64;
        [x, y, z, heading, pitch, level as i64]
    }
}

/// What a tree comes from and to, in the order in which that is driven.
fn in_order<T>(side: usize, [here, there]: [T; 2]) -> [T; 2] {
    if side == 0 { [here, there] } else { [there, here] }
}

fn distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// How a primitive is driven that leads away from the start, or backwards in time from the goal.
fn driven(side: usize, direction: DriveDirection) -> DriveDirection {
    match (side, direction) {
        (1, DriveDirection::Forward) => DriveDirection::Reverse,
        (1, DriveDirection::Reverse) => DriveDirection::Forward,
        _ => direction,
    }
}

/// The stance after a level way along a circle, or a line, while it climbs.
fn along(stance: &PathState, turn: f64, way: f64, radius: f64, climb: f64) -> PathState {
    let half = 0.5 * turn * way / radius;
    let chord = way * if half == 0.0 { 1.0 } else { half.sin() / half };
    let (sin, cos) = (stance.heading + half).sin_cos();
    let mut there = PathState { heading: stance.heading + 2.0 * half, speed: 0.0, ..stance.clone() };
    there.place[0] += chord * cos;
    there.place[1] += chord * sin;
    there.place[2] += way.abs() * climb.tan();
    there.pitch = climb;
    there
}

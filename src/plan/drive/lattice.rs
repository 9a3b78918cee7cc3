//! A state lattice without a grid for the places (hybrid A*: D. Dolgov, S. Thrun, M. Montemerlo and J. Diebel, *Path
//! planning for autonomous vehicles in unknown semi-structured environments*, IJRR 2010): from the start and from the
//! goals at once, by the base's own primitives of a few lengths, the most promising stance first. Where samples
//! rarely fall, in bays and bends that leave a hand's breadth, it goes on step by step.

use super::path_tree::PathTree;
use super::pursuit::Pursuit;
use crate::check::CheckError;
use crate::local_planner::{Given, PathMotion, PathPlanner};
use crate::steer::{
    Curve, DriveDirection, PathLimits, PathPiece, PathState, Primitive, Primitives, Word, dubins, nearest_turn,
    reeds_shepp, seen_from,
};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, TAU};

/// Lengths of primitives, each a share of the one before, and how many there are.
const FINER: f64 = 0.5;
const LAYERS: usize = 6;

/// The longest primitive, as a share of the diagonal of the place's bounds.
const LONGEST: f64 = 0.1;

/// How much what is left counts beside what it took to come to a stance: the more, the fewer stances are looked at.
const EAGERNESS: f64 = 2.0;

/// Stances whose places are closer together than this share of a primitive's length, and whose headings differ by less
/// than this share of what it can turn, are one.
const CELL: f64 = 0.5;

/// What a change of direction costs beside its stop, in primitives.
const CUSP: f64 = 1.0;

/// Shortest paths without obstacles are tried from one stance in so many, the more often the nearer it is.
const TRIES_PER_WAY: f64 = 0.5;

/// A shortest path is rounded off where curvatures must not jump: its turns are wider by this factor.
const ROUNDED: f64 = 1.6;

/// An arc of a shortest path is one curve up to this turn, rad.
const ARC: f64 = FRAC_PI_2;

/// Pieces of a shortest path below this share of its radius are none.
const SHORTEST: f64 = 1e-6;

/// Primitives that are looked at in vain in one go, because their stances are known.
const IN_VAIN: usize = 64;

/// A place is narrow that leaves less room than this share of the tightest turn's radius.
const NARROW: f64 = 0.5;

/// Roots of the other tree that are headed for, the first.
const TARGETS: usize = 4;

/// A lattice of stances that a base reaches by primitives.
pub(super) struct Lattice<'a> {
    limits: &'a PathLimits,
    layers: Vec<Layer>,
    /// What the primitives of each tree lead to: the roots of the other, and narrow places.
    roots: [Vec<Target>; 2],
    gates: [Vec<Target>; 2],
    /// 1 over the greatest curvature, metres.
    radius: f64,
    sequence: u64,
}

/// A stance that is headed for.
#[derive(Clone)]
struct Target {
    stance: PathState,
    /// A root of the other tree; none of a narrow place.
    root: Option<usize>,
    /// Stances since the shortest path to it was tried from one.
    since_try: f64,
    /// What the guide says of the way from it to the roots of the other tree, metres.
    to_go: f64,
    is_reached: bool,
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
    /// A narrow place.
    Gate(usize),
}

impl Target {
    fn new(stance: PathState, root: Option<usize>, to_go: f64) -> Self {
        Self { stance, root, since_try: f64::INFINITY, to_go, is_reached: false }
    }
}

impl<'a> Lattice<'a> {
    /// Of a base in bounds of the place with such a diagonal, from what is in both trees.
    pub(super) fn new(limits: &'a PathLimits, diagonal: f64, trees: &[PathTree; 2], guide: &mut Pursuit<'_>) -> Self {
        let tightest = limits.greatest_curvature();
        let longest = (LONGEST * diagonal).min(FRAC_PI_4 / tightest);
        let layer = |i: usize| {
            let length = longest * FINER.powi(i as i32);
            let primitives = Primitives::new(limits, length);
            let turn = if tightest.is_finite() { length * tightest } else { FRAC_PI_4 };
            Layer { primitives, length, turn, open: Default::default(), closed: Default::default(), looked_at: [0; 2] }
        };
        let mut lattice = Self {
            limits,
            layers: (0..LAYERS).map(layer).collect(),
            roots: [1, 0].map(|other: usize| {
                let target = |(node, stance)| Target::new(stance, Some(node), 0.0);
                trees[other].roots().take(TARGETS).map(target).collect()
            }),
            gates: Default::default(),
            radius: 1.0 / tightest,
            sequence: 0,
        };
        lattice.add_gates(&trees[0].stances[0], guide);
        for (side, tree) in trees.iter().enumerate() {
            for (node, stance) in tree.stances.iter().enumerate() {
                // What can be brought to rest is gone on from there.
                if stance.speed != 0.0 && limits.may_rest() {
                    continue;
                }
                for layer in 0..LAYERS {
                    let level = lattice.layers[layer].primitives.level_of(stance);
                    let reached = Reached { side, node, stance, level, cost: 0.0, direction: None };
                    lattice.open(layer, &reached, guide);
                }
            }
        }
        lattice
    }

    /// Adds the narrow places of the guide's path, passed ahead and, where that is possible, in reverse.
    fn add_gates(&mut self, start: &PathState, guide: &mut Pursuit<'_>) {
        if self.limits.is_spatial() || self.radius == 0.0 {
            return;
        }
        let ahead = self.layers[0].length;
        for (place, heading) in guide.gates(NARROW * self.radius, ahead) {
            let may_reverse = self.limits.speed_of(DriveDirection::Reverse) > 0.0;
            let senses: &[f64] = if may_reverse { &[0.0, PI] } else { &[0.0] };
            for turn in senses {
                let stance = PathState {
                    place: [place[0], place[1], 0.0],
                    heading: heading + turn,
                    curvature: self.limits.needs_curvature().then_some(0.0),
                    curvature_rate: self.limits.needs_curvature_rate().then_some(0.0),
                    speed: 0.0,
                    ..start.clone()
                };
                for side in [0, 1] {
                    let to_go = guide.cost_to_go(side, stance.place);
                    self.gates[side].push(Target::new(stance.clone(), None, to_go));
                }
            }
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
                cost += if stop.is_finite() { stop } else { 0.0 } + CUSP * straight;
            }
            let end = primitive.end(stance, self.limits, 1);
            let estimate = cost + EAGERNESS * self.to_go(side, &end, guide);
            self.sequence += 1;
            self.layers[layer].open[side].push(Open { estimate, cost, node, primitive, sequence: self.sequence });
        }
    }

    /// Estimated time from a stance of a tree to the roots of the other, seconds: the longer of the shortest path
    /// without obstacles and what the guide says.
    fn to_go(&self, side: usize, stance: &PathState, guide: &mut Pursuit<'_>) -> f64 {
        let apart = |target: &Target| self.apart(side, stance, &target.stance);
        let open = self.roots[side].iter().map(apart).fold(f64::INFINITY, f64::min);
        let speeds = [DriveDirection::Forward, DriveDirection::Reverse].map(|way| self.limits.speed_of(way));
        let guided = guide.cost_to_go(side, stance.place);
        open.max(guided) / speeds[0].max(speeds[1])
    }

    /// Length of the shortest path without obstacles between a stance of a tree and a root of the other, metres.
    fn apart(&self, side: usize, stance: &PathState, target: &PathState) -> f64 {
        let straight = (0..3).map(|i| (target.place[i] - stance.place[i]).powi(2)).sum::<f64>().sqrt();
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
        for _ in 0..IN_VAIN {
            // The finer the fewer, so that all are done in time.
            let share = |&i: &usize| self.layers[i].looked_at[side] << i;
            let Some(i) = (0..LAYERS).filter(|&i| !self.layers[i].open[side].is_empty()).min_by_key(share) else {
                return Ok(None);
            };
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
            let Some(curve) = planner.arc(from, to, way, open.primitive.length) else { return Ok(None) };
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
    pub(super) fn pass(&mut self, side: usize, gate: usize, node: usize, cost: f64, guide: &mut Pursuit<'_>) {
        let target = &mut self.gates[side][gate];
        target.is_reached = true;
        let stance = target.stance.clone();
        for layer in 0..LAYERS {
            let level = self.layers[layer].primitives.level_of(&stance);
            let reached = Reached { side, node, stance: &stance, level, cost, direction: None };
            self.open(layer, &reached, guide);
        }
    }

    /// What the shortest path is to be tried to from a stance that was found: the nearest root of the other tree, and
    /// the nearest narrow place that is ahead; the more often, the nearer they are.
    pub(super) fn due(&mut self, side: usize, found: &Found, guide: &mut Pursuit<'_>) -> [Option<Aim>; 2] {
        if self.radius == 0.0 {
            return [None; 2];
        }
        let to_go = guide.cost_to_go(side, found.stance.place);
        let length = self.layers[found.layer].length;
        [true, false].map(|is_root| {
            let targets = if is_root { &self.roots[side] } else { &self.gates[side] };
            let is_ahead = |target: &Target| is_root || (!target.is_reached && target.to_go < to_go);
            let apart = |i: usize| (self.apart(side, &found.stance, &targets[i].stance), i);
            let ahead = (0..targets.len()).filter(|&i| is_ahead(&targets[i])).map(apart);
            let (way, i) = ahead.min_by(|a, b| a.0.total_cmp(&b.0))?;
            let targets = if is_root { &mut self.roots[side] } else { &mut self.gates[side] };
            targets[i].since_try += 1.0;
            let is_due = targets[i].since_try >= TRIES_PER_WAY * way / length;
            if is_due {
                targets[i].since_try = 0.0;
            }
            is_due.then_some(if is_root { Aim::Root(i) } else { Aim::Gate(i) })
        })
    }

    /// The stance of a narrow place.
    pub(super) fn gate(&self, side: usize, gate: usize) -> &PathState {
        &self.gates[side][gate].stance
    }

    /// A root of the other tree that is aimed at.
    pub(super) fn root(&self, side: usize, aim: Aim) -> Option<usize> {
        match aim {
            Aim::Root(i) => self.roots[side].get(i)?.root,
            Aim::Gate(_) => None,
        }
    }

    /// Stances between which the shortest path without obstacles leads from a stance of a tree to what is aimed at, or
    /// from there to it, and its curves, if they hold the limits.
    pub(super) fn shortest(
        &self,
        side: usize,
        stance: &PathState,
        aim: Aim,
        planner: &PathPlanner<'_>,
    ) -> Option<([PathState; 2], Vec<Curve>)> {
        let target = match aim {
            Aim::Root(i) => self.roots[side].get(i)?,
            Aim::Gate(i) => self.gates[side].get(i)?,
        };
        if self.radius == 0.0 {
            return None;
        }
        let target = &target.stance;
        let ends = if side == 0 { [stance, target] } else { [target, stance] };
        let keeps = self.limits.needs_curvature();
        let radius = if keeps { ROUNDED * self.radius } else { self.radius };
        let mut parts = Vec::new();
        for &PathPiece { turn, length } in self.word(ends, radius).pieces() {
            let count = if turn == 0.0 { 1.0 } else { (length.abs() / ARC).ceil() };
            parts.extend((0..count as usize).map(|_| (turn, length / count)));
        }
        parts.retain(|&(_, length)| length.abs() > SHORTEST);
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
            curves.push(planner.arc(&begin, &there, way, length.abs() * radius / climb.cos())?);
            here = there;
        }
        (!curves.is_empty()).then(|| ([ends[0].clone(), ends[1].clone()], curves))
    }
}

impl Layer {
    /// What a stance is one with.
    fn cell(&self, stance: &PathState, level: usize) -> [i64; 6] {
        let sectors = (TAU / (CELL * self.turn)).ceil();
        let heading = (stance.heading.rem_euclid(TAU) / TAU * sectors) as i64;
        let [x, y, z] = stance.place.map(|x| (x / (CELL * self.length)).floor() as i64);
        let pitch = (stance.pitch / (CELL * self.turn)).round() as i64;
        [x, y, z, heading, pitch, level as i64]
    }
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

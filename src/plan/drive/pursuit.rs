//! Follows a guide: what the body's largest ball can pass tells where to try the body itself.

use crate::problem::Problem;
use crate::search::{CellClearance, CellGuide, CostField, GuidePath, Sampler};
use crate::steer::{PathLimits, PathState};
use crate::stop::{Stop, Watch};
use crate::world::Obstacle;
use glam::DVec3;
use std::f64::consts::FRAC_PI_2;

/// The guide's largest cells, about so many, on the ground and in space.
const CELLS: [usize; 2] = [4_000, 12_000];

/// Its smallest are no smaller than this share of the body's reach.
const FINEST: f64 = 5e-3;

/// How far ahead of a tree samples are drawn at first, as a share of the path, ...
const AHEAD: f64 = 0.4;
/// ... and what that is multiplied by after a miss and after a hit.
const CLOSER: f64 = 0.7;
const FARTHER: f64 = 1.5;

/// How far from the path samples are drawn: spacings of the lattice, at most, after a hit, and how many more
/// after every miss.
const SPREAD: [f64; 2] = [0.3, 0.1];

/// Boxes of obstacles along each axis, at most.
const BINS: usize = 32;

/// A stop is asked once in so many obstacles that are put into a box.
const OBSTACLES_PER_ASK: u32 = 4096;

/// Misses of both trees in a row after which the path counts as impassable where they stand.
const PATIENCE: u32 = 24;

/// Radius of what is avoided from then on, in spacings.
const AVOIDED: f64 = 2.5;

/// The guide of a query, which its searches share: what one has found impassable, the next avoids.
pub(super) struct Pursuit<'a> {
    guide: CellGuide<'a>,
    bounds: Vec<(f64, f64)>,
    goals: Vec<DVec3>,
    /// `None` where the guide finds none.
    path: Option<GuidePath>,
    /// How far along the path each tree has come, from its own end, and how far ahead it looks, metres.
    progress: [f64; 2],
    ahead: [f64; 2],
    misses: u32,
    /// Misses of both trees in a row after which the path counts as impassable where they stand: each path
    /// that does is followed by one that is tried for twice as long, in later searches too.
    patience: u32,
    /// By tree, what it costs to come to places from the roots of the other.
    fields: [CostField; 2],
    outline: Outline,
    /// Narrow places of the path, once they were asked for.
    gates: Option<Vec<([f64; 2], f64)>>,
    /// What is far from the path, metres.
    spacing: f64,
    stop: Stop,
}

/// A place on the path, or near it, and the way it leads there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waypoint {
    pub(super) place: [f64; 3],
    /// Yaw and pitch of the path, rad.
    pub(super) heading: f64,
    pub(super) pitch: f64,
    /// How far along the path it is from the end where the tree is rooted, metres.
    along: f64,
}

impl<'a> Pursuit<'a> {
    /// From the start to some goals within bounds of the place; without a path where `stop` is due before one is
    /// found.
    pub(super) fn new(
        problem: &'a Problem,
        limits: &PathLimits,
        start: &PathState,
        mut goals: Vec<DVec3>,
        bounds: &[(f64, f64)],
        stop: &Stop,
    ) -> Self {
        let dimensions = limits.dimensions();
        let bounds = bounds[..dimensions].to_vec();
        // Goals often differ in attitude alone.
        goals.dedup();
        let ball = GuideBall::within(problem, dimensions);
        let ample = ball.reach - ball.radius;
        let most = CELLS[dimensions - 2];
        let spacing = CellGuide::size_for(&bounds, most);
        let far = ample.max(spacing);
        let clearance = clearance(problem, ball, far, &bounds, stop);
        let guide = CellGuide::new(start.place.into(), &bounds, most, ample, clearance);
        let mut pursuit = Self {
            guide,
            bounds,
            goals,
            path: None,
            progress: [0.0; 2],
            ahead: [0.0; 2],
            misses: 0,
            patience: PATIENCE,
            fields: Default::default(),
            spacing,
            outline: Outline::new(problem, ball),
            gates: None,
            stop: stop.clone(),
        };
        pursuit.path = pursuit.guide.path_by_smaller(&pursuit.goals, FINEST * ball.reach, stop);
        pursuit.restart();
        let Self { guide, goals, fields, .. } = &mut pursuit;
        *fields = [&goals[..], &[start.place.into()]].map(|origins| CostField::new(guide, origins, stop));
        pursuit
    }

    /// Begins at the ends again.
    pub(super) fn restart(&mut self) {
        let length = self.path.as_ref().map_or(0.0, GuidePath::length);
        self.progress = [0.0; 2];
        self.ahead = [AHEAD * length; 2];
        self.misses = 0;
    }

    fn replan(&mut self, stop: &Stop) {
        self.path = self.guide.path(&self.goals, stop);
        self.gates = None;
        self.restart();
    }

    /// About what it costs to come from a place to the roots of the other tree than `side`, metres: more than the way
    /// near walls; nothing where the guide knows no path. In space, where there are too many cells to come to all,
    /// by way of the path.
    pub(super) fn cost_to_go(&mut self, side: usize, place: [f64; 3]) -> f64 {
        let Some(path) = &self.path else { return 0.0 };
        if self.bounds.len() > 2 {
            let (along, aside) = path.nearest(place.into());
            return aside + if side == 0 { path.length() - along } else { along };
        }
        let cost = self.fields[side].cost(&mut self.guide, place.into(), &self.stop);
        if cost.is_finite() { cost } else { 0.0 }
    }

    /// Where the path is narrow, in its order: a place near it and a heading, rad, with which the body has most room
    /// there and `ahead` metres before and after. Narrow is what leaves less than `narrow` metres.
    pub(super) fn gates(&mut self, narrow: f64, ahead: f64) -> Vec<([f64; 2], f64)> {
        if self.gates.is_none() {
            self.gates = Some(self.found_gates(narrow, ahead));
        }
        self.gates.clone().unwrap_or_default()
    }

    fn found_gates(&self, narrow: f64, ahead: f64) -> Vec<([f64; 2], f64)> {
        let Some(path) = &self.path else { return Vec::new() };
        let GuideBall { radius, reach, .. } = self.outline.ball;
        let step = self.spacing / GATE_SAMPLES;
        let window = ((ahead + reach) / step).ceil() as usize;
        let places = self.guide.narrow_places(path, step, window, narrow.max(reach - radius));
        let gate = |along: f64| {
            let way = path.at(along + ahead) - path.at(along - ahead);
            self.gate(path.at(along), way.y.atan2(way.x), ahead)
        };
        places.into_iter().take_while(|_| !self.stop.is_due()).map(gate).collect()
    }

    /// The place and heading near a place of the path with most room: by ever smaller steps from the best of a grid.
    fn gate(&self, place: DVec3, heading: f64, ahead: f64) -> ([f64; 2], f64) {
        let room = |[aside, turn]: [f64; 2], least: f64| {
            let (sin, cos) = heading.sin_cos();
            let place = place + aside * DVec3::new(-sin, cos, 0.0);
            let (rise, run) = (heading + turn).sin_cos();
            let at = |along: f64, most: f64| {
                let place = place + along * DVec3::new(run, rise, 0.0);
                if most > least { most.min(self.room(place, heading + turn, least)) } else { most }
            };
            at(-ahead, at(ahead, at(0.0, f64::INFINITY)))
        };
        let mut best = [0.0; 2];
        let mut most = room(best, f64::NEG_INFINITY);
        let mut steps = [2.0 * self.spacing / GATE_STEPS as f64, FRAC_PI_2 / GATE_STEPS as f64];
        for round in 0..GATE_ROUNDS {
            let (middle, reach) = (best, if round == 0 { GATE_STEPS } else { 2 });
            for i in -reach..=reach {
                for j in -reach..=reach {
                    let tried = [middle[0] + steps[0] * i as f64, middle[1] + steps[1] * j as f64];
                    let found = room(tried, most);
                    if found > most {
                        (best, most) = (tried, found);
                    }
                }
            }
            steps = steps.map(|step| step / 2.0);
        }
        let (sin, cos) = heading.sin_cos();
        ([place.x - best[0] * sin, place.y + best[0] * cos], heading + best[1])
    }

    /// Distance of the body from the world, metres, where it stands straight at a place; no more than it, where that is
    /// less than `least`.
    fn room(&self, place: DVec3, heading: f64, least: f64) -> f64 {
        let (sin, cos) = heading.sin_cos();
        let Outline { spheres, ball } = &self.outline;
        let distance = |(center, radius): &(DVec3, f64)| {
            let turned = DVec3::new(cos * center.x - sin * center.y, sin * center.x + cos * center.y, center.z);
            self.guide.clearance(place + turned - ball.height * DVec3::Z) + ball.radius - radius
        };
        let mut room = f64::INFINITY;
        for sphere in spheres {
            room = room.min(distance(sphere));
            if room <= least {
                break;
            }
        }
        room
    }

    /// A place ahead of the tree `side`, 0 for the start's, 1 for the goals'.
    pub(super) fn draw(&self, side: usize, sampler: &mut Sampler) -> Option<Waypoint> {
        let path = self.path.as_ref()?;
        let along =
            (self.progress[side] + self.ahead[side] * (0.5 + 0.5 * sampler.unit())).min(path.length());
        let from_start = |along: f64| if side == 0 { along } else { path.length() - along };
        let spacing = self.spacing;
        let spread = spacing * (SPREAD[0] + SPREAD[1] * f64::from(self.misses));
        let mut place = path.at(from_start(along)).to_array();
        for (x, &(lower, upper)) in place.iter_mut().zip(&self.bounds) {
            *x = (*x + spread * (2.0 * sampler.unit() - 1.0)).clamp(lower, upper);
        }
        let reach = 2.0 * spacing;
        let [before, after] = [-reach, reach].map(|way| path.at(from_start(along) + way));
        let way = after - before;
        let (heading, pitch) = (way.y.atan2(way.x), way.z.atan2(way.x.hypot(way.y)));
        Some(Waypoint { place, heading, pitch, along })
    }

    /// The tree has come to a waypoint.
    pub(super) fn hit(&mut self, side: usize, waypoint: &Waypoint) {
        self.progress[side] = self.progress[side].max(waypoint.along);
        self.ahead[side] *= FARTHER;
        self.misses = 0;
    }

    /// The tree has not come to a waypoint: the next one is nearer, or after too many on another path.
    pub(super) fn miss(&mut self, side: usize, stop: &Stop) {
        self.ahead[side] = (CLOSER * self.ahead[side]).max(self.spacing);
        self.misses += 1;
        if self.misses == self.patience
            && let Some(path) = &self.path
        {
            let stuck = [self.progress[0] + self.ahead[0], path.length() - self.progress[1] - self.ahead[1]];
            for place in stuck.map(|along| path.at(along)) {
                self.guide.avoid(place, AVOIDED * self.spacing);
            }
            self.patience *= 2;
            self.replan(stop);
        }
    }
}

/// The path of the largest ball of a body on the ground from a place to any of some goals, if it finds one before `stop` is
/// due, and how far the body reaches from its place, metres.
pub(in crate::plan) fn ball_path(
    problem: &Problem,
    start: DVec3,
    goals: &[DVec3],
    bounds: &[(f64, f64)],
    stop: &Stop,
) -> Option<(GuidePath, f64)> {
    let ball = GuideBall::within(problem, 2);
    let (ample, most) = (ball.reach - ball.radius, CELLS[0]);
    let far = ample.max(CellGuide::size_for(bounds, most));
    let clearance = clearance(problem, ball, far, bounds, stop);
    let mut guide = CellGuide::new(start, bounds, most, ample, clearance);
    Some((guide.path_by_smaller(goals, FINEST * ball.reach, stop)?, ball.reach))
}

/// Samples of the path in a spacing of the lattice, where it is narrow.
const GATE_SAMPLES: f64 = 2.0;

/// Steps to either side of the path, within two spacings and a right angle, and how often the room is looked for, by
/// steps half as great each time.
const GATE_STEPS: i32 = 6;
const GATE_ROUNDS: usize = 5;

/// What the body is made of where it stands straight at the origin.
struct Outline {
    spheres: Vec<(DVec3, f64)>,
    ball: GuideBall,
}

impl Outline {
    fn new(problem: &Problem, ball: GuideBall) -> Self {
        let mechanism = &problem.mechanism;
        let mut position = problem.start.position.clone();
        let own = mechanism.vehicle().map_or(0, |base| base.coordinates().len());
        position.iter_mut().take(own).for_each(|p| *p = 0.0);
        let mut poses = Vec::new();
        mechanism.place(&position, &mut poses);
        let links = mechanism.links.iter().filter(|link| link.body != 0);
        let spheres = links.flat_map(|link| {
            mechanism.spheres[link.spheres.clone()].iter().map(|s| (poses[link.body].point(s.center), s.radius + link.padding))
        });
        Self { spheres: spheres.collect(), ball }
    }
}

/// The largest ball about the place that the body holds in whatever attitude.
#[derive(Clone, Copy, Debug)]
struct GuideBall {
    radius: f64,
    /// Its centre above the place, metres: on the ground bodies turn about the vertical alone.
    height: f64,
    /// Radius of the least ball, or on the ground the least upright cylinder, about the place that holds the body.
    reach: f64,
}

impl GuideBall {
    /// Of the bodies that the first coordinates move, those of the place and of the attitude.
    fn within(problem: &Problem, dimensions: usize) -> Self {
        let mechanism = &problem.mechanism;
        let turning = if dimensions == 2 { 3 } else { mechanism.dof() };
        let mut poses = Vec::new();
        mechanism.place(&problem.start.position, &mut poses);
        let mut place = DVec3::ZERO;
        (0..dimensions).for_each(|i| place[i] = problem.start.position[i]);
        let mut ball = Self { radius: 0.0, height: 0.0, reach: 0.0 };
        for link in &mechanism.links {
            if link.body == 0 || mechanism.bodies[link.body].output >= turning {
                continue;
            }
            for sphere in &mechanism.spheres[link.spheres.clone()] {
                let center = poses[link.body].point(sphere.center) - place;
                let aside = if dimensions == 2 { center.truncate().length() } else { center.length() };
                let radius = sphere.radius + link.padding;
                ball.reach = ball.reach.max(aside + radius);
                if radius - aside > ball.radius {
                    ball.radius = radius - aside;
                    ball.height = if dimensions == 2 { center.z } else { 0.0 };
                }
            }
        }
        ball
    }
}

/// Distance of a ball from the world, up to `far` metres, at places within bounds.
fn clearance<'a>(
    problem: &'a Problem,
    ball: GuideBall,
    far: f64,
    bounds: &[(f64, f64)],
    stop: &Stop,
) -> CellClearance<'a> {
    let obstacles = &problem.world.obstacles;
    let rise = ball.height * DVec3::Z;
    let bins = Bins::new(obstacles, bounds, rise, far + ball.radius, stop);
    Box::new(move |place| {
        let center = place + rise;
        let near = bins.near(place).iter();
        let distances = near.map(|&i| obstacles[i as usize].signed_distance(center));
        distances.fold(far + ball.radius, f64::min) - ball.radius
    })
}

/// The obstacles near each of a few boxes that fill the bounds.
struct Bins {
    lower: DVec3,
    /// Boxes per metre and number of boxes, along each axis.
    rate: DVec3,
    counts: [usize; 3],
    near: Vec<Vec<u32>>,
}

impl Bins {
    /// Those within `reach` metres of any place of a box, raised by `rise`; only some when `stop` is due.
    fn new(obstacles: &[Obstacle], bounds: &[(f64, f64)], rise: DVec3, reach: f64, stop: &Stop) -> Self {
        let mut watch = Watch::new(stop, OBSTACLES_PER_ASK);
        let (mut lower, mut rate, mut counts) = (DVec3::ZERO, DVec3::ZERO, [1; 3]);
        for (axis, bound) in bounds.iter().enumerate() {
            // Smaller boxes than what an obstacle reaches about itself spare little.
            let width = (bound.1 - bound.0).max(f64::MIN_POSITIVE);
            counts[axis] = ((width / reach).ceil().max(1.0) as usize).min(BINS);
            lower[axis] = bound.0;
            rate[axis] = counts[axis] as f64 / width;
        }
        let mut bins = Self { lower, rate, counts, near: vec![Vec::new(); counts.iter().product()] };
        for (i, obstacle) in obstacles.iter().enumerate() {
            let [least, most] = obstacle.bounds();
            let first = bins.at(least - rise - reach);
            let last = bins.at(most - rise + reach);
            let boxes: usize = (0..3).map(|i| last[i] - first[i] + 1).product();
            if watch.is_due(boxes as u32) {
                break;
            }
            for z in first[2]..=last[2] {
                for y in first[1]..=last[1] {
                    for x in first[0]..=last[0] {
                        let bin = bins.index([x, y, z]);
                        bins.near[bin].push(i as u32);
                    }
                }
            }
        }
        bins
    }

    /// The box that holds a place, or is nearest to it.
    fn at(&self, place: DVec3) -> [usize; 3] {
        let steps = ((place - self.lower) * self.rate).to_array();
        [0, 1, 2].map(|i| (steps[i].max(0.0) as usize).min(self.counts[i] - 1))
    }

    fn index(&self, at: [usize; 3]) -> usize {
        (at[2] * self.counts[1] + at[1]) * self.counts[0] + at[0]
    }

    fn near(&self, place: DVec3) -> &[u32] {
        &self.near[self.index(self.at(place))]
    }
}

//! Follows a guide: what the body's largest ball can pass tells where to try the body itself.

use super::settings::LatticeSettings;
use crate::problem::Problem;
use crate::search::{CellClearance, CellGuide, CostField, GuidePath, Sampler};
use crate::steer::{PathLimits, PathState};
use crate::stop::Stop;
use crate::world::NearObstacles;
use glam::{DVec2, DVec3};
use std::f64::consts::{FRAC_PI_3, TAU};
use std::collections::HashSet;
use std::rc::Rc;

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

/// To how many sides what is farthest out of a body is looked for.
const SIDES: usize = 16;

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
    outline: Rc<Outline>,
    /// Whose path it is.
    ball: GuideBall,
    /// Where the path leads through space at the heights of this.
    surface: Option<Surface>,
    near: Rc<NearObstacles<'a>>,
    /// Narrow places of the path, once they were asked for.
    gates: Option<Vec<([f64; 3], f64)>>,
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
        let outline = Rc::new(Outline::new(problem, ball));
        let begin: DVec3 = start.place.into();
        let surface = Surface { start: begin, goal: goals.first().copied().unwrap_or(begin) };
        let mut world = [(0.0, 0.0); 3];
        world[..dimensions].copy_from_slice(&bounds);
        if dimensions == 2 {
            let heights = || outline.spheres.iter().map(|(center, _)| center.z);
            world[2] = (heights().fold(0.0, f64::min), heights().fold(0.0, f64::max));
        }
        let spacings = [2, dimensions].map(|axes| CellGuide::size_for(&bounds[..axes], CELLS[axes - 2]));
        let narrow = LatticeSettings::DEFAULT.narrow / limits.greatest_curvature();
        let far = ball.reach.max(spacings[0]).max(spacings[1]).max(narrow);
        let near = Rc::new(NearObstacles::new(&problem.world.obstacles, world, far + outline.level_ball().radius, stop));
        let made = |axes: usize, surface: Option<Surface>| {
            let ball = if surface.is_some() { outline.level_ball() } else { ball };
            let ample = ball.reach - ball.radius;
            let clearance = match surface {
                Some(surface) => {
                    let clearance = clearance(&near, ball, far);
                    Box::new(move |place| clearance(surface.at(place)))
                }
                None => clearance(&near, ball, far),
            };
            let mut guide = CellGuide::new(begin, &bounds[..axes], CELLS[axes - 2], ample, clearance);
            let level: Vec<DVec3> = goals.iter().map(|goal| if surface.is_some() { goal.with_z(begin.z) } else { *goal }).collect();
            let path = guide.path_by_smaller(&level, FINEST * ball.reach, stop);
            (guide, path, level, surface, ball)
        };
        let mut tried = None;
        if dimensions == 3 {
            tried = Some(made(2, Some(surface))).filter(|(_, path, ..)| path.is_some());
        }
        let (guide, path, goals, surface, ball) = tried.unwrap_or_else(|| made(dimensions, None));
        let spacing = spacings[usize::from(surface.is_none())];
        let path = path.map(|path| lifted(path, surface));
        let mut pursuit = Self {
            guide,
            bounds,
            goals,
            surface,
            path,
            progress: [0.0; 2],
            ahead: [0.0; 2],
            misses: 0,
            patience: PATIENCE,
            fields: Default::default(),
            spacing,
            outline,
            ball,
            near,
            gates: None,
            stop: stop.clone(),
        };
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
        self.path = self.guide.path(&self.goals, stop).map(|path| lifted(path, self.surface));
        self.gates = None;
        self.restart();
    }

    /// About what it costs to come from a place to the roots of the other tree than `side`, metres: more than the way
    /// near walls; nothing where the guide knows no path. In space, where there are too many cells to come to all,
    /// by way of the path.
    pub(super) fn cost_to_go(&mut self, side: usize, place: [f64; 3]) -> f64 {
        let Some(path) = &self.path else { return 0.0 };
        if self.bounds.len() > 2 && self.surface.is_none() {
            let (along, aside) = path.nearest(place.into());
            return aside + if side == 0 { path.length() - along } else { along };
        }
        let mut place: DVec3 = place.into();
        if let Some(surface) = self.surface {
            place.z = surface.start.z;
        }
        let cost = self.fields[side].cost(&mut self.guide, place, &self.stop);
        if cost.is_finite() { cost } else { 0.0 }
    }

    /// Radius of the least ball about the place that holds the body, metres.
    pub(super) fn reach(&self) -> f64 {
        self.ball.reach
    }

    /// Where the path is narrow, in its order: a place near it and a heading, rad, with which the body has most room
    /// there and `ahead` metres before and after. Narrow is what leaves less than `narrow` metres.
    pub(super) fn gates(&mut self, narrow: f64, ahead: f64) -> Vec<([f64; 3], f64)> {
        if self.gates.is_none() {
            self.gates = Some(self.found_gates(narrow, ahead));
        }
        self.gates.clone().unwrap_or_default()
    }

    fn found_gates(&self, narrow: f64, ahead: f64) -> Vec<([f64; 3], f64)> {
        let Some(path) = &self.path else { return Vec::new() };
        let GuideBall { radius, reach, .. } = self.ball;
        let step = (self.spacing / GATE_SAMPLES).min(reach / GATE_SAMPLES);
        let window = ((ahead + reach) / step).ceil() as usize;
        let narrow = narrow.max(reach - radius);
        let [start, goal] = [0.0, path.length()].map(|along| path.at(along).z);
        let gate = |along: f64| {
            let place = path.at(along);
            // Where the path is narrow it leads straight through.
            let nearby = (radius + self.guide.clearance(place)).min(ahead);
            let way = path.at(along + nearby) - path.at(along - nearby);
            let heading = way.y.atan2(way.x);
            // The path climbs by steps of cells: an even climb is easier.
            let even = start + (goal - start) * along / path.length();
            let fitted = |z: f64| self.fitted(&Gate { place: place.with_z(z), heading, ahead, aside: narrow });
            let first = fitted(even);
            if even == place.z || first.room > 0.0 { first } else { fitted(place.z) }
        };
        let places = self.guide.narrow_places(path, step, window, narrow);
        let fitted = places.into_iter().take_while(|_| !self.stop.is_due()).map(gate);
        fitted.filter(|fitted| fitted.room > 0.0).map(|Fitted { place, heading, .. }| (place, heading)).collect()
    }

    /// The place and heading near a narrow place with most room: by ever smaller steps from the best of a grid.
    fn fitted(&self, gate: &Gate) -> Fitted {
        let &Gate { place, heading, ahead, aside } = gate;
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
        let mut steps = [aside, MOST_ASKEW].map(|range| range / GATE_STEPS as f64);
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
        let place = [place.x - best[0] * sin, place.y + best[0] * cos, place.z];
        Fitted { place, heading: heading + best[1], room: most }
    }

    /// Distance of the body from the world, metres, where it stands straight at a place; no more than it, where that is
    /// less than `least`.
    fn room(&self, place: DVec3, heading: f64, least: f64) -> f64 {
        let (sin, cos) = heading.sin_cos();
        let Outline { spheres, .. } = &*self.outline;
        let distance = |(center, radius): &(DVec3, f64)| {
            let turned = DVec3::new(cos * center.x - sin * center.y, sin * center.x + cos * center.y, center.z);
            self.near.distance(place + turned) - radius
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
    let world = [bounds[0], bounds[1], (ball.height.min(0.0), ball.height.max(0.0))];
    let near = Rc::new(NearObstacles::new(&problem.world.obstacles, world, far + ball.radius, stop));
    let mut guide = CellGuide::new(start, bounds, most, ample, clearance(&near, ball, far));
    Some((guide.path_by_smaller(goals, FINEST * ball.reach, stop)?, ball.reach))
}

/// Samples of the path in a spacing of the lattice, where it is narrow.
const GATE_SAMPLES: f64 = 2.0;

/// How far a body that passes a narrow place may be turned from the way of the path there, rad.
const MOST_ASKEW: f64 = FRAC_PI_3;

/// Steps to either side of the path and of its heading, and how often the room is looked for, by steps half as great
/// each time.
const GATE_STEPS: i32 = 6;
const GATE_ROUNDS: usize = 5;

/// Heights at which a path leads from a start to a goal where it climbs evenly.
#[derive(Clone, Copy, Debug)]
struct Surface {
    start: DVec3,
    goal: DVec3,
}

impl Surface {
    /// A place at the height of the surface.
    fn at(&self, place: DVec3) -> DVec3 {
        let way = self.goal - self.start;
        let flat = way.truncate();
        let share = (place - self.start).truncate().dot(flat) / flat.length_squared().max(f64::MIN_POSITIVE);
        place.with_z(self.start.z + way.z * share.clamp(0.0, 1.0))
    }
}

/// A path at the heights of a surface, where there is one.
fn lifted(path: GuidePath, surface: Option<Surface>) -> GuidePath {
    match surface {
        Some(surface) => path.moved(|place| surface.at(place)),
        None => path,
    }
}

/// A narrow place: on the path, the heading of that, rad, how far before and after the body is to have room too, and how
/// far aside it may be, metres.
struct Gate {
    place: DVec3,
    heading: f64,
    ahead: f64,
    aside: f64,
}

/// A place and a heading of the body, rad, and the room that it has there, metres.
struct Fitted {
    place: [f64; 3],
    heading: f64,
    room: f64,
}

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
        let spheres: Vec<(DVec3, f64)> = spheres.collect();
        let farthest = |side: usize| {
            let way = DVec2::from_angle(TAU * side as f64 / SIDES as f64).extend(0.0);
            let out = |&i: &usize| spheres[i].0.dot(way) + spheres[i].1;
            (0..spheres.len()).max_by(|a, b| out(a).total_cmp(&out(b)))
        };
        // What reaches farthest to any side first: it is the first to meet anything.
        let mut order: Vec<usize> = (0..SIDES).filter_map(farthest).collect();
        order.extend(0..spheres.len());
        let mut known = HashSet::new();
        order.retain(|&i| known.insert(i));
        Self { spheres: order.into_iter().map(|i| spheres[i]).collect(), ball }
    }

    /// The ball of a body that flies level among what stands upright: as wide as the body is at least, to whatever side.
    fn level_ball(&self) -> GuideBall {
        let width = |side: usize| {
            let way = DVec2::from_angle(TAU * side as f64 / SIDES as f64).extend(0.0);
            self.spheres.iter().map(|(center, radius)| center.dot(way) + radius).fold(0.0, f64::max)
        };
        let least = (0..SIDES).map(width).fold(f64::INFINITY, f64::min);
        GuideBall { radius: self.ball.radius.max(least), ..self.ball }
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

/// Distance of a ball from the world, up to `far` metres.
fn clearance<'a>(near: &Rc<NearObstacles<'a>>, ball: GuideBall, far: f64) -> CellClearance<'a> {
    let (near, rise) = (Rc::clone(near), ball.height * DVec3::Z);
    Box::new(move |place| (near.distance(place + rise) - ball.radius).min(far))
}

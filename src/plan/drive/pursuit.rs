//! Follows a guide: what the body's largest ball can pass tells where to try the body itself.

use crate::problem::Problem;
use crate::search::{CellClearance, GridHeuristic, GridPath, Sampler};
use crate::steer::{PathLimits, PathState};
use crate::stop::{Stop, Watch};
use crate::world::Obstacle;
use glam::DVec3;

/// Places of the guide's lattice, at most about so many, on the ground and in space.
const PLACES: [usize; 2] = [4_000, 12_000];

/// The lattice is no finer than this share of the body's reach.
const FINEST: f64 = 0.2;

/// Finer lattices that are tried where there is no path.
const REFINEMENTS: u32 = 2;

/// How far ahead of a tree samples are drawn at first, as a share of the path, ...
const AHEAD: f64 = 0.4;
/// ... and what that is multiplied by after a miss and after a hit.
const CLOSER: f64 = 0.7;
const FARTHER: f64 = 1.5;

/// How far from the path samples are drawn: spacings of the lattice, at most, after a hit, and how many more
/// after every miss.
const SPREAD: [f64; 2] = [0.3, 0.1];

/// Boxes of obstacles along each axis.
const BINS: usize = 12;

/// A stop is asked once in so many obstacles that are put into a box.
const OBSTACLES_PER_ASK: u32 = 4096;

/// Misses of both trees in a row after which the path counts as impassable where they stand.
const PATIENCE: u32 = 24;

/// Radius of what is avoided from then on, in spacings.
const AVOIDED: f64 = 2.5;

/// The guide of a query, which its searches share: what one has found impassable, the next avoids.
pub(super) struct Pursuit<'a> {
    guide: GridHeuristic<'a>,
    bounds: Vec<(f64, f64)>,
    goals: Vec<DVec3>,
    /// `None` where the guide finds none.
    path: Option<GridPath>,
    /// How far along the path each tree has come, from its own end, and how far ahead it looks, metres.
    progress: [f64; 2],
    ahead: [f64; 2],
    misses: u32,
    /// Misses of both trees in a row after which the path counts as impassable where they stand: each path
    /// that does is followed by one that is tried for twice as long, in later searches too.
    patience: u32,
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
        let finest = FINEST * ball.reach;
        let ample = ball.reach - ball.radius;
        let most = PLACES[dimensions - 2];
        let far = ample.max(2.0 * GridHeuristic::spacing_for(&bounds, most, finest));
        let guide = GridHeuristic::new(
            start.place.into(),
            &bounds,
            most,
            finest,
            ample,
            clearance(problem, ball, far, &bounds, stop),
        );
        let mut pursuit = Self {
            guide,
            bounds,
            goals,
            path: None,
            progress: [0.0; 2],
            ahead: [0.0; 2],
            misses: 0,
            patience: PATIENCE,
        };
        pursuit.replan(stop);
        for _ in 0..REFINEMENTS {
            if pursuit.path.is_some() || stop.is_due() {
                break;
            }
            pursuit.guide.refine();
            pursuit.replan(stop);
        }
        pursuit
    }

    /// Begins at the ends again.
    pub(super) fn restart(&mut self) {
        let length = self.path.as_ref().map_or(0.0, GridPath::length);
        self.progress = [0.0; 2];
        self.ahead = [AHEAD * length; 2];
        self.misses = 0;
    }

    fn replan(&mut self, stop: &Stop) {
        self.path = self.guide.path(&self.goals, stop);
        self.restart();
    }

    /// A place ahead of the tree `side`, 0 for the start's, 1 for the goals'.
    pub(super) fn draw(&self, side: usize, sampler: &mut Sampler) -> Option<Waypoint> {
        let path = self.path.as_ref()?;
        let along =
            (self.progress[side] + self.ahead[side] * (0.5 + 0.5 * sampler.unit())).min(path.length());
        let from_start = |along: f64| if side == 0 { along } else { path.length() - along };
        let spacing = self.guide.spacing();
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
        self.ahead[side] = (CLOSER * self.ahead[side]).max(self.guide.spacing());
        self.misses += 1;
        if self.misses == self.patience
            && let Some(path) = &self.path
        {
            let stuck = [self.progress[0] + self.ahead[0], path.length() - self.progress[1] - self.ahead[1]];
            for place in stuck.map(|along| path.at(along)) {
                self.guide.avoid(place, AVOIDED * self.guide.spacing());
            }
            self.patience *= 2;
            self.replan(stop);
        }
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
            counts[axis] = BINS;
            lower[axis] = bound.0;
            rate[axis] = BINS as f64 / (bound.1 - bound.0).max(f64::MIN_POSITIVE);
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

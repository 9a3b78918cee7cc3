//! A solid on its way to a cover: first balls of about the same excess, then finer ones where they are asked
//! for.
//!
//! At every time each point of the solid lies in some ball and within that ball's box, so balls can be taken
//! away one by one: what is left of the solid in their boxes, the others' aside, is cut into finer cells and
//! covered anew.

use super::body::CoverBody;
use super::cells::Cells;
use super::fit::Fit;
use super::select::Candidates;
use super::set_cover::Effort;
use super::chain::chain;
use super::solid::{ROUNDING, SMALLEST_SIZE, Solid, ball_volume, check_lengths};
use crate::error::InputError;
use crate::pose::Pose;
use crate::robot::Sphere;
use crate::robot::mesh::Surface;
use crate::stop::Stop;
use crate::world::Shape;
use glam::DVec3;
use std::f64::consts::PI;
use std::sync::Arc;

/// Cells that a solid is cut into at first, and candidate centres.
const COARSE: (usize, usize) = (1500, 300);

/// The least of either, however many solids there are.
const LEAST: usize = 30;

/// Cells, at most, of what is covered anew.
const FINE_CELLS: usize = 2500;

/// Candidate centres there for each ball that is taken away, between the least and the most in all.
const FINE_CENTERS: (usize, usize, usize) = (5, 300, 1200);

/// Edge of the finer cells over the radius of the patch of a plane that a ball can hold.
const EDGE_SHARE: f64 = 0.35;

/// Least edge of these over the size of the solid.
const SMALLEST_EDGE: f64 = 1e-3;

/// The share of its excess that a capsule is left where it evades others.
const EVADING_SHARE: f64 = 0.5;

/// Covering anew counts as a gain where the largest excess falls by so much.
const GAIN: f64 = 0.9;

/// A ball that holds part of a solid.
#[derive(Clone, Debug)]
pub(in crate::robot) struct Ball {
    pub(in crate::robot) sphere: Sphere,
    /// How far it reaches beyond the solid at most, metres.
    pub(in crate::robot) excess: f64,
    /// Corners of a box: what it holds for the others lies within.
    bounds: [DVec3; 2],
}

/// What is covered.
#[derive(Clone)]
enum Covered {
    Sphere { radius: f64 },
    Capsule { radius: f64, half_length: f64 },
    Body(Arc<CoverBody>),
}

/// A solid in its own frame, and balls that hold it.
#[derive(Clone)]
pub(in crate::robot) struct Covering {
    covered: Covered,
    pub(in crate::robot) balls: Vec<Ball>,
}

/// Candidate centres in the place of so many balls.
fn fine_centers(balls: usize) -> usize {
    let (each, least, most) = FINE_CENTERS;
    (each * balls).clamp(least, most)
}

/// A solid, and what its first balls are chosen from.
pub(super) struct Start {
    covered: Covered,
    choice: Option<(Cells, Candidates)>,
}

impl Start {
    /// Looks for centres, in so large a share of the cells that there may be.
    pub(super) fn new(solid: &Solid, share: f64, stop: &Stop) -> Result<Self, InputError> {
        let covered = match solid {
            Solid::Mesh(mesh, _) => Covered::Body(Arc::new(CoverBody::from_mesh(mesh).until(stop))),
            Solid::Primitive(shape, _) => {
                check_lengths(shape)?;
                match *shape {
                    Shape::Sphere { radius } => Covered::Sphere { radius },
                    Shape::Capsule { radius, half_length } => Covered::Capsule { radius, half_length },
                    Shape::Cuboid { half_extents } => Covered::Body(Arc::new(CoverBody::cuboid(half_extents).until(stop))),
                    Shape::Cylinder { radius, half_length } => {
                        Covered::Body(Arc::new(CoverBody::cylinder(radius, half_length).until(stop)))
                    }
                    Shape::HalfSpace => return Err(InputError::new("a half-space has no bounds; spheres cannot cover it")),
                }
            }
        };
        let choice = match &covered {
            Covered::Body(body) if body.size() > SMALLEST_SIZE => {
                let some = |most: usize| ((share * most as f64) as usize).max(LEAST);
                let cells = Cells::new(body, some(COARSE.0));
                let candidates = Candidates::new(body, &cells, some(COARSE.1));
                Some((cells, candidates))
            }
            _ => None,
        };
        Ok(Self { covered, choice })
    }

    /// About how many balls hold it with such an excess, metres.
    pub(super) fn count(&self, excess: f64) -> usize {
        match (&self.covered, &self.choice) {
            (&Covered::Capsule { radius, half_length }, _) => {
                chain(radius, half_length, excess).0.len()
            }
            (_, Some((_, candidates))) => candidates.fewest(excess, Effort::Greedy).len(),
            _ => 1,
        }
    }

    /// The excess, in metres, with which one ball holds it.
    pub(super) fn largest_excess(&self) -> f64 {
        match (&self.covered, &self.choice) {
            // By the formula of the chain itself, so that one sphere is enough here to the last bit.
            (&Covered::Capsule { radius, half_length }, _) => chain(radius, half_length, f64::INFINITY).1,
            (_, Some((_, candidates))) => candidates.single_ball_excess(),
            _ => 0.0,
        }
    }

    /// Balls that hold it with about such an excess (metres); as near as they come.
    pub(super) fn covering(&self, excess: f64) -> Covering {
        let balls = match (&self.covered, &self.choice) {
            (&Covered::Capsule { radius, half_length }, _) => {
                Ball::of_capsule(radius, half_length, excess)
            }
            (Covered::Body(body), Some((cells, candidates))) => {
                Ball::of_fit(Fit::new(body, cells, &candidates.fewest(excess, Effort::Search)).improved(body, cells), body, cells)
            }
            (Covered::Body(body), None) => vec![Ball::around(body)],
            (&Covered::Sphere { radius }, _) => {
                vec![Ball::of_primitive(Sphere { center: DVec3::ZERO, radius }, 0.0)]
            }
        };
        Covering { covered: self.covered.clone(), balls }
    }
}

impl Ball {
    /// One of a primitive, which is covered anew as a whole: nobody asks what single balls hold.
    fn of_primitive(sphere: Sphere, excess: f64) -> Self {
        Self { sphere, excess, bounds: [DVec3::ZERO; 2] }
    }

    fn of_capsule(radius: f64, half_length: f64, tolerance: f64) -> Vec<Self> {
        let (spheres, excess) = chain(radius, half_length, tolerance);
        spheres.into_iter().map(|sphere| Self::of_primitive(sphere, excess)).collect()
    }

    fn of_fit(fit: Fit, body: &CoverBody, cells: &Cells) -> Vec<Self> {
        let ball = |(sphere, held): (Sphere, Vec<usize>)| Self {
            sphere,
            excess: sphere.radius + body.signed_distance(sphere.center),
            bounds: held.iter().map(|&k| cells.bounds(k)).fold(
                [DVec3::INFINITY, DVec3::NEG_INFINITY],
                |[a, b], [c, d]| [a.min(c), b.max(d)],
            ),
        };
        fit.spheres.into_iter().zip(fit.cells).map(ball).collect()
    }

    fn around(body: &CoverBody) -> Self {
        let sphere = Fit::around(body).spheres[0];
        Self { sphere, excess: body.size(), bounds: body.surface().bounds() }
    }

    fn holds(&self, points: &[DVec3]) -> bool {
        let squared = self.sphere.radius * self.sphere.radius;
        points.iter().all(|p| p.distance_squared(self.sphere.center) <= squared)
    }
}

impl Covering {
    /// The largest excess, metres.
    pub(in crate::robot) fn excess(&self) -> f64 {
        self.balls.iter().map(|b| b.excess).fold(0.0, f64::max)
    }

    /// Covers anew what some balls, by their numbers, hold: by balls that reach no more than a share of their
    /// excess beyond the solid. Says whether that was a gain; else, or where it would take more than `most`
    /// balls in all, nothing changes.
    pub(in crate::robot) fn refine(&mut self, marked: &[usize], share: f64, most: usize) -> bool {
        let found = match &self.covered {
            Covered::Sphere { .. } => None,
            &Covered::Capsule { radius, half_length } => {
                Some(Ball::of_capsule(radius, half_length, self.excess() * share))
            }
            Covered::Body(body) => self.refined(body, marked, share),
        };
        let is_gain = |balls: &Vec<Ball>| {
            let excess = balls.iter().map(|b| b.excess).fold(0.0, f64::max);
            balls.len() <= most && (balls.len() != self.balls.len() || excess < self.excess())
        };
        let Some(balls) = found.filter(is_gain) else { return false };
        self.balls = balls;
        true
    }

    /// Covers anew what some balls, by their numbers, hold: by balls that reach no farther beyond the solid than
    /// those and, where that can be, touch none of the `foes`, spheres in its frame that come as near to it as
    /// about `gap` (metres). Says whether anything changed.
    pub(in crate::robot) fn evade(&mut self, marked: &[usize], foes: &[Sphere], gap: f64) -> bool {
        let Covered::Body(body) = &self.covered else {
            return self.refine(marked, EVADING_SHARE, usize::MAX);
        };
        let largest = |value: fn(&Ball) -> f64| marked.iter().map(|&b| value(&self.balls[b])).fold(0.0, f64::max);
        let (cap, radius) = (largest(|b| b.excess), largest(|b| b.sphere.radius));
        let edge = EDGE_SHARE * (2.0 * radius * gap).sqrt();
        let room = |c: DVec3| {
            let free = foes.iter().map(|f| f.center.distance(c) - f.radius);
            free.fold(cap - body.signed_distance(c), f64::min)
        };
        let Some(balls) = self.anew(body, marked, edge, |cells| {
            let candidates = Candidates::with_room(body, cells, fine_centers(marked.len()), room);
            let centers = candidates.fewest(0.0, Effort::Search);
            Fit::within(body, cells, &centers, room)
        }) else {
            return false;
        };
        self.balls = balls;
        true
    }

    fn refined(&self, body: &CoverBody, marked: &[usize], share: f64) -> Option<Vec<Ball>> {
        let old = || marked.iter().map(|&i| &self.balls[i]);
        let edge = old().map(|b| EDGE_SHARE * (2.0 * b.sphere.radius * b.excess * share).sqrt());
        let worst = old().map(|b| b.excess).fold(0.0, f64::max);
        let balls = self.anew(body, marked, edge.fold(f64::INFINITY, f64::min), |cells| {
            let centers = Candidates::new(body, cells, fine_centers(marked.len())).fewest(worst * share, Effort::Search);
            Fit::new(body, cells, &centers).improved(body, cells)
        })?;
        let kept = self.balls.len() - marked.len();
        (balls[kept..].iter().all(|b| b.excess <= GAIN * worst)).then_some(balls)
    }

    /// Takes away marked balls and covers what none of the others holds, in cells of about this edge (metres).
    /// The others stay in their order, before the new ones. None if it is broken off.
    fn anew(&self, body: &CoverBody, marked: &[usize], edge: f64, fit: impl FnOnce(&Cells) -> Fit) -> Option<Vec<Ball>> {
        let others = (0..self.balls.len()).filter(|i| !marked.contains(i));
        let mut kept: Vec<Ball> = others.map(|i| self.balls[i].clone()).collect();
        let boxes: Vec<[DVec3; 2]> = marked.iter().map(|&i| self.balls[i].bounds).collect();
        let all = Cells::within(body, &boxes, edge.max(body.size() * SMALLEST_EDGE), FINE_CELLS);
        let mut open = Vec::new();
        for k in 0..all.len() {
            match kept.iter_mut().find(|b| b.holds(all.points(k))) {
                Some(ball) => {
                    let [low, high] = all.bounds(k);
                    ball.bounds = [ball.bounds[0].min(low), ball.bounds[1].max(high)];
                }
                None => open.push(k),
            }
        }
        if !open.is_empty() && !body.is_late() {
            let cells = all.only(&open);
            kept.extend(Ball::of_fit(fit(&cells), body, &cells));
        }
        (!body.is_late()).then_some(kept)
    }

    /// Distance of a point from the solid, or minus that to its surface where it is inside; metres.
    pub(in crate::robot) fn signed_distance(&self, p: DVec3) -> f64 {
        match &self.covered {
            &Covered::Sphere { radius } => p.length() - radius,
            &Covered::Capsule { radius, half_length } => Shape::Capsule { radius, half_length }.signed_distance(p),
            Covered::Body(body) => body.signed_distance(p),
        }
    }

    /// How large coordinates of points of the solid and differences between them may get, metres.
    pub(in crate::robot) fn scale(&self) -> f64 {
        match &self.covered {
            Covered::Sphere { .. } => 0.0,
            Covered::Capsule { radius, half_length } => 2.0 * (radius + half_length),
            Covered::Body(body) => body.scale(),
        }
    }

    /// Volume of the solid, m^3.
    pub(super) fn volume(&self) -> f64 {
        match &self.covered {
            &Covered::Sphere { radius } => ball_volume(radius),
            Covered::Capsule { radius, half_length } => ball_volume(*radius) + 2.0 * PI * radius * radius * half_length,
            Covered::Body(body) => body.volume(),
        }
    }

    /// Whether a point is in the solid.
    pub(super) fn contains(&self, p: DVec3) -> bool {
        match &self.covered {
            &Covered::Sphere { radius } => p.length() <= radius,
            &Covered::Capsule { radius, half_length } => Shape::Capsule { radius, half_length }.signed_distance(p) <= 0.0,
            Covered::Body(body) => !body.is_late() && body.contains(p),
        }
    }

    /// The spheres in the frame that `pose` places the solid in, wide enough for rounding there.
    pub(in crate::robot) fn spheres(&self, pose: &Pose) -> Vec<Sphere> {
        let margin = self.margin(pose);
        let placed = |b: &Ball| Sphere { center: pose.point(b.sphere.center), radius: b.sphere.radius + margin };
        self.balls.iter().map(placed).collect()
    }

    /// By how much radii are widened where `pose` places the solid, metres.
    pub(super) fn margin(&self, pose: &Pose) -> f64 {
        match self.covered {
            Covered::Sphere { .. } => 0.0,
            _ => ROUNDING * (self.scale() + pose.translation.length()) + self.surface().map_or(0.0, Surface::moved),
        }
    }

    /// Whether another solid, which `pose` places in this one's frame, has a point in common with this one;
    /// capsules are as thick as their balls.
    pub(in crate::robot) fn touches(&self, other: &Self, pose: &Pose) -> bool {
        let hits = |surface: &Surface, balls: &[Ball], pose: &Pose| {
            balls.iter().any(|b| surface.signed_distance(pose.point(b.sphere.center)) < b.sphere.radius)
        };
        match (self.surface(), other.surface()) {
            (Some(first), Some(second)) => first.touches(second, pose),
            (Some(first), None) => hits(first, &other.balls, pose),
            (None, Some(second)) => hits(second, &self.balls, &pose.inverse()),
            (None, None) => self.balls.iter().any(|a| {
                let reach = |b: &Ball| a.sphere.radius + b.sphere.radius;
                other.balls.iter().any(|b| pose.point(b.sphere.center).distance(a.sphere.center) < reach(b))
            }),
        }
    }

    /// The surface that it lies within, where it is not all spheres.
    fn surface(&self) -> Option<&Surface> {
        match &self.covered {
            Covered::Body(body) => Some(body.surface()),
            _ => None,
        }
    }
}

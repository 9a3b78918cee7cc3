//! Vehicles so fast that they cannot be brought to rest, or turned away, before what is in their way.
//!
//! Whatever it does, a vehicle's ball goes on in the direction of its motion for some way: its speed falls no faster
//! than its accelerations allow, and its motion turns no faster than its turn rates, steering or body rates do. Where all
//! that it can come to within that way, a section across it, is blocked, no motion leads on from there: an inevitable
//! collision (LaValle and Kuffner, *Randomized kinodynamic planning*, IJRR 2001, section 3.1). What is told here is
//! proved; what is not told may be so yet.
//!
//! Imports `base`, `problem`, `robot`, `steer` and `world`.

use crate::base::{Actuation, Base};
use crate::problem::{JointState, Problem};
use crate::robot::Sphere;
use crate::steer::PathLimits;
use crate::world::Obstacle;
use glam::{DMat3, DVec3};
use serde::Serialize;
use std::f64::consts::{FRAC_PI_2, SQRT_2};
use std::fmt;

/// How a section is looked at.
struct StoppingSettings {
    /// Instants at which it is told how far a motion has gone on at least.
    instants: usize,
    /// Sections across the way that are tried.
    sections: usize,
    /// Cells from one side of a section to the other, on the ground and in space.
    cells: [usize; 2],
    /// Spheres of the body that are looked at, the foremost first.
    spheres: usize,
    /// A speed below this is none, m/s.
    still: f64,
}

const SETTINGS: StoppingSettings =
    StoppingSettings { instants: 64, sections: 24, cells: [48, 16], spheres: 3, still: 1e-6 };

/// A vehicle that cannot be stopped, or turned away, in time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unstoppable {
    /// Its speed, m/s.
    pub speed: f64,
    /// How far it goes on at least, whatever it does, metres.
    pub needed: f64,
    /// How far it can go straight on, metres.
    pub free: f64,
    /// What is in its way: the name of an obstacle, or of a limit of position.
    pub obstacle: String,
    /// Whether that is so of how it came there, and not of how it goes on.
    pub before: bool,
}

impl fmt::Display for Unstoppable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { speed, needed, free, obstacle, before } = self;
        write!(f, "at {speed:.3} m/s ")?;
        match before {
            false => write!(
                f,
                "it takes at least {needed:.3} m to stop or to turn away, and it can go on for {free:.3} m, to {obstacle}"
            ),
            true => write!(
                f,
                "it must have come straight for at least {needed:.3} m, and {free:.3} m behind it is {obstacle}"
            ),
        }
    }
}

impl Unstoppable {
    /// Why a vehicle cannot go on from `state`, where that is proved.
    pub(super) fn after(problem: &Problem, state: &JointState) -> Option<Self> {
        Self::of(problem, state, false)
    }

    /// Why a vehicle cannot have come to `state`, where that is proved.
    pub(super) fn before(problem: &Problem, state: &JointState) -> Option<Self> {
        Self::of(problem, state, true)
    }

    fn of(problem: &Problem, state: &JointState, before: bool) -> Option<Self> {
        let body = MovingBody::of(problem, state, before)?;
        let place = Sphere { center: body.place, radius: 0.0 };
        let limited = (!body.draws()).then_some((place, Blocked::Limits(problem)));
        let spheres = body.spheres(problem, state).into_iter().map(|ball| (ball, Blocked::World(problem)));
        limited.into_iter().chain(spheres).find_map(|(ball, blocked)| {
            let (needed, free) = body.stopped_by(&ball, &blocked)?;
            // Where it touches, no more than rounding decides what is the nearest.
            let obstacle = blocked.name(ball.center + body.direction * free);
            Some(Self { speed: body.speed, needed, free, obstacle, before })
        })
    }
}

/// Bounds of a motion at an instant after it began, whatever is done.
#[derive(Clone, Copy, Debug)]
struct Bound {
    /// How far it has gone on at least, metres.
    advance: f64,
    /// By how much its direction, and with it the body, has turned at most, rad; none where a body turns as it likes.
    turn: f64,
    /// How far it has strayed aside at most, per metre of its advance and besides, metres.
    aside: [f64; 2],
}

/// What moves, and where to.
struct MovingBody<'a> {
    base: &'a Base,
    /// Where what is driven or flown stands, metres.
    place: DVec3,
    direction: DVec3,
    speed: f64,
    bounds: Vec<Bound>,
}

impl<'a> MovingBody<'a> {
    /// Whether it draws a trailer, whose place is the one that is limited.
    fn draws(&self) -> bool {
        matches!(self.base, Base::Car(car) if car.trailer.is_some())
    }

    /// Of a vehicle that moves and cannot stop at once. In time backwards, where it is asked how it came there.
    fn of(problem: &'a Problem, state: &JointState, before: bool) -> Option<Self> {
        let base = problem.mechanism.vehicle()?;
        let sense = if before { -1.0 } else { 1.0 };
        let (q, v) = (&state.position, &state.velocity);
        let (place, velocity) = match base {
            // Of these it is told alone which bound of a position they cannot stop before (`Overrun`).
            Base::Point(_) | Base::Omnidirectional(_) => return None,
            Base::Car(car) => {
                let [speed, _] = base.controls_under_way(q, v)?;
                let place = DVec3::new(q[0], q[1], 0.0);
                let (along, heading) = match car.trailer {
                    None => (DVec3::ZERO, q[2]),
                    Some(trailer) => (trailer.hitch_length * heading_of(q[2]), q[2] + q[3]),
                };
                (place + along, speed * heading_of(heading))
            }
            Base::DifferentialDrive(_) => (DVec3::new(q[0], q[1], 0.0), DVec3::new(v[0], v[1], 0.0)),
            Base::Airplane(_) | Base::Quadrotor(_) => (DVec3::from_slice(q), DVec3::from_slice(v)),
            Base::PlanarQuadrotor(_) => (DVec3::new(q[0], 0.0, q[1]), DVec3::new(v[0], 0.0, v[1])),
        };
        let speed = velocity.length();
        if speed < SETTINGS.still {
            return None;
        }
        let direction = sense * velocity / speed;
        let bounds = match PathLimits::of(&problem.mechanism) {
            Some(limits) => ground_bounds(base, &limits, state, speed)?,
            None => flight_bounds(base, state, direction, speed)?,
        };
        Some(Self { base, place, direction, speed, bounds })
    }

    /// Spheres that move with it, the foremost first: of what flies by its thrust, the largest ball about its place that
    /// the body holds however it turns.
    fn spheres(&self, problem: &Problem, state: &JointState) -> Vec<Sphere> {
        let mechanism = &problem.mechanism;
        let last = self.base.coordinates().len() - 1;
        let mut poses = Vec::new();
        mechanism.place(&state.position, &mut poses);
        let links = mechanism.links.iter().filter(|link| link.body != 0);
        let links = links.filter(|link| mechanism.bodies[link.body].output == last);
        let mut spheres: Vec<Sphere> = links
            .flat_map(|link| {
                let (pose, padding) = (&poses[link.body], link.padding);
                mechanism.spheres[link.spheres.clone()]
                    .iter()
                    .map(move |s| Sphere { center: pose.point(s.center), radius: s.radius + padding })
            })
            .collect();
        if !self.base.follows_course() {
            let held = |s: &Sphere| s.radius - (s.center - self.place).length();
            let radius = spheres.iter().map(held).fold(0.0, f64::max);
            return vec![Sphere { center: self.place, radius }];
        }
        let ahead = |s: &Sphere| {
            let arm = s.center - self.place;
            let along = arm.dot(self.direction);
            along + s.radius - (arm - along * self.direction).length()
        };
        spheres.sort_by(|a, b| ahead(b).total_cmp(&ahead(a)));
        spheres.truncate(SETTINGS.spheres);
        spheres
    }

    /// How far a ball of it goes on at least, and how far it can go straight on, where all that it can come to within
    /// that way is blocked.
    fn stopped_by(&self, ball: &Sphere, blocked: &Blocked<'_>) -> Option<(f64, f64)> {
        let arm = ball.center - self.place;
        let along = arm.dot(self.direction);
        let across = (arm - along * self.direction).length();
        // A body that turns takes its ball aside, and back where it is ahead.
        let advance = |b: &Bound| {
            let (sin, cos) = b.turn.sin_cos();
            b.advance + along.max(0.0) * (cos - 1.0) - across * sin
        };
        let needed = self.bounds.iter().map(advance).fold(0.0, f64::max);
        let at = |way: f64| ball.center + way * self.direction;
        let sections = (1..=SETTINGS.sections).map(|i| needed * i as f64 / SETTINGS.sections as f64);
        for way in sections {
            if blocked.depth(at(way), ball.radius) <= 0.0 {
                continue;
            }
            let bound = self.bounds.iter().find(|b| advance(b) >= way)?;
            // The place has gone on by no more than its ball and what the turn has taken that back.
            let turned = arm.length() * 2.0 * (0.5 * bound.turn).sin();
            let aside = bound.aside[0] * (way + turned) + bound.aside[1] + turned;
            if self.is_closed(at(way), aside, ball.radius, blocked) {
                return Some((needed, self.free(ball, way, blocked)));
            }
        }
        None
    }

    /// Whether a section across the way is blocked, as far aside as this.
    fn is_closed(&self, middle: DVec3, aside: f64, radius: f64, blocked: &Blocked<'_>) -> bool {
        let (across, up) = match self.base {
            Base::Airplane(_) | Base::Quadrotor(_) => {
                let (across, up) = self.direction.any_orthonormal_pair();
                (across, Some(up))
            }
            Base::PlanarQuadrotor(_) => (self.direction.cross(DVec3::Y), None),
            _ => (self.direction.cross(DVec3::Z), None),
        };
        let count = SETTINGS.cells[usize::from(up.is_some())];
        let half = aside / count as f64;
        let step = |i: usize| half * (2.0 * i as f64 + 1.0) - aside;
        let ups = if up.is_some() { count } else { 1 };
        let up = |i: usize| up.map_or(DVec3::ZERO, |up| step(i) * up);
        // Distances change by no more than a place moves.
        let reach = half * if ups > 1 { SQRT_2 } else { 1.0 };
        let is_blocked = |at: DVec3| blocked.depth(at, radius) > reach;
        (0..count).all(|i| (0..ups).all(|j| is_blocked(middle + step(i) * across + up(j))))
    }

    /// How far a ball can go straight on, that is blocked after `way`.
    fn free(&self, ball: &Sphere, way: f64, blocked: &Blocked<'_>) -> f64 {
        let (mut free, mut closed) = (0.0, way);
        for _ in 0..40 {
            let middle = 0.5 * (free + closed);
            match blocked.depth(ball.center + middle * self.direction, ball.radius) > 0.0 {
                true => closed = middle,
                false => free = middle,
            }
        }
        free
    }
}

fn heading_of(angle: f64) -> DVec3 {
    let (sin, cos) = angle.sin_cos();
    DVec3::new(cos, sin, 0.0)
}

/// What a bound is by time, or by the length of the path.
type Law = Box<dyn Fn(f64) -> f64>;

/// Bounds of what drives, or flies where it points.
fn ground_bounds(base: &Base, limits: &PathLimits, state: &JointState, speed: f64) -> Option<Vec<Bound>> {
    let acceleration = limits.acceleration();
    let forward = base_speed(base, state) > 0.0;
    let [least, most] = limits.speed();
    let slowest = if forward { least.max(0.0) } else { (-most).max(0.0) };
    if slowest == 0.0 && acceleration.is_infinite() {
        return None;
    }
    // By the time t, or of a car by the length of its path: speed at least, and turn at most.
    let braked = move |t: f64| {
        let left = if acceleration.is_finite() { speed - acceleration * t } else { slowest };
        left.max(slowest)
    };
    let until_rest = if slowest == 0.0 { speed / acceleration } else { f64::INFINITY };
    let (turn, advance, end): (Law, Law, f64) = match base {
        Base::Car(car) => {
            let curvature = car.steering.tan() / car.wheelbase;
            let way = if slowest == 0.0 { 0.5 * speed * until_rest } else { f64::INFINITY };
            (Box::new(move |s| curvature * s), Box::new(|_| 1.0), way.min(FRAC_PI_2 / curvature))
        }
        Base::DifferentialDrive(drive) => {
            let (rate, change) = (drive.turn_rate[1].max(-drive.turn_rate[0]), limits.turn_acceleration());
            let now = if change.is_finite() { state.velocity[2].abs() } else { rate };
            let turn = move |t: f64| {
                let gained = if change.is_finite() { 0.5 * change * t * t } else { 0.0 };
                (rate * t).min(now * t + gained)
            };
            // The turn takes no more than this to a quarter turn at its greatest rate from the outset, and no less.
            let end = until_rest.min(FRAC_PI_2 / rate + if change.is_finite() { rate / change } else { 0.0 });
            (Box::new(turn), Box::new(braked), end)
        }
        Base::Airplane(plane) => {
            let rate = plane.yaw_rate.hypot(plane.pitch_rate);
            (Box::new(move |t| rate * t), Box::new(braked), until_rest.min(FRAC_PI_2 / rate))
        }
        _ => return None,
    };
    let step = end / SETTINGS.instants as f64;
    let mut gone = 0.0;
    let bounds = (1..=SETTINGS.instants).map(|i| {
        let at = step * i as f64;
        let turn = turn(at).min(FRAC_PI_2);
        gone += step * advance(at) * turn.cos();
        Bound { advance: gone, turn, aside: [turn.tan(), 0.0] }
    });
    Some(bounds.collect())
}

/// Speed along the heading, m/s, by its sign.
fn base_speed(base: &Base, state: &JointState) -> f64 {
    let (q, v) = (&state.position, &state.velocity);
    match base {
        Base::Airplane(_) => 1.0,
        Base::Car(_) => base.controls_under_way(q, v).map_or(0.0, |[speed, _]| speed),
        _ => q[2].cos() * v[0] + q[2].sin() * v[1],
    }
}

/// Bounds of what flies by its thrust, which has to be turned against the motion first.
fn flight_bounds(base: &Base, state: &JointState, direction: DVec3, speed: f64) -> Option<Vec<Bound>> {
    let gravity = base.gravity()?;
    let q = &state.position;
    let (thrust, most, rate) = match base {
        Base::PlanarQuadrotor(flyer) => {
            (DVec3::new(-q[2].sin(), 0.0, q[2].cos()), flyer.rotor * gravity, flyer.body_rate)
        }
        Base::Quadrotor(flyer) => {
            let body =
                DMat3::from_rotation_z(q[3]) * DMat3::from_rotation_x(q[4]) * DMat3::from_rotation_y(q[5]);
            let most = match flyer.actuation {
                Actuation::Rotors { most, .. } => most * gravity,
                Actuation::Wrench { unit, upper, .. } => unit[0] * upper[0] / flyer.mass,
            };
            (body * DVec3::Z, most, SQRT_2 * flyer.body_rate)
        }
        _ => return None,
    };
    let fall = gravity * direction.z;
    if most + fall <= 0.0 {
        return None;
    }
    let away = (-thrust.dot(direction)).clamp(-1.0, 1.0).acos();
    // Where the thrust points along, none is the most that brakes.
    let braking = |t: f64| most * (away - rate * t).max(0.0).cos().max(0.0) + fall;
    let aside = most + gravity * direction.truncate().length();
    let step = (speed / (most + fall) + away / rate) / SETTINGS.instants as f64;
    let (mut left, mut gone, mut bounds) = (speed, 0.0, Vec::new());
    for i in 1..=4 * SETTINGS.instants {
        let t = step * i as f64;
        left -= step * braking(t);
        if left <= 0.0 {
            break;
        }
        gone += step * left;
        bounds.push(Bound { advance: gone, turn: 0.0, aside: [0.0, 0.5 * aside * t * t] });
    }
    Some(bounds)
}

/// What is in the way of balls.
enum Blocked<'a> {
    /// Obstacles.
    World(&'a Problem),
    /// Limits of the place.
    Limits(&'a Problem),
}

impl Blocked<'_> {
    /// How deep a ball is in what is in its way at least, metres; below zero where it is clear of all.
    fn depth(&self, center: DVec3, radius: f64) -> f64 {
        match self {
            Self::World(problem) => {
                let distances = problem.world.obstacles.iter().map(|o| o.signed_distance(center));
                radius - distances.fold(f64::INFINITY, f64::min)
            }
            Self::Limits(problem) => {
                places(problem, center).map(|(_, beyond)| beyond).fold(f64::NEG_INFINITY, f64::max)
            }
        }
    }

    /// The name of what is the nearest there.
    fn name(&self, center: DVec3) -> String {
        match self {
            Self::World(problem) => {
                let distance = |o: &&Obstacle| o.signed_distance(center);
                let nearest =
                    problem.world.obstacles.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
                nearest.map_or_else(String::new, |obstacle| format!("\"{}\"", obstacle.name))
            }
            Self::Limits(problem) => {
                let nearest = places(problem, center).max_by(|a, b| a.1.total_cmp(&b.1));
                nearest.map_or_else(String::new, |(name, _)| format!("the limit of position of \"{name}\""))
            }
        }
    }
}

/// By how much a place is beyond the limits of each of its coordinates, metres.
fn places(problem: &Problem, place: DVec3) -> impl Iterator<Item = (&str, f64)> {
    let mechanism = &problem.mechanism;
    let axes = mechanism.vehicle().map_or_else(Vec::new, Base::coordinates);
    let slides = axes.into_iter().enumerate().take_while(|(_, coordinate)| !coordinate.turns);
    slides.map(move |(i, coordinate)| {
        let limits = &mechanism.limits[i];
        let at = coordinate.axis.dot(place);
        (mechanism.outputs[i].as_str(), (limits.lower - at).max(at - limits.upper))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A car at 4 m/s that brakes at 2 m/s^2 and steers nothing to speak of takes 4 m; one that turns tightly less.
    #[test]
    fn bounds_are_those_of_braking_and_turning() {
        let most = |bounds: &[Bound]| bounds.iter().map(|b| b.advance).fold(0.0, f64::max);
        let car = |steering: f64| {
            let car = crate::base::Car {
                wheelbase: 1.0,
                speed: [-1.0, 5.0],
                steering,
                steering_rate: 1.0,
                acceleration: 2.0,
                trailer: None,
            };
            let base = Base::Car(car);
            let state = JointState { velocity: vec![4.0, 0.0, 0.0], ..JointState::at_rest(vec![0.0; 3]) };
            let limits = PathLimits::with(&base);
            most(&ground_bounds(&base, &limits, &state, 4.0).unwrap())
        };
        assert!((car(1e-3) - 4.0).abs() < 0.05, "{}", car(1e-3));
        // A quarter circle of a metre.
        assert!((car(std::f64::consts::FRAC_PI_4) - 1.0).abs() < 0.05);
        let flyer = crate::base::PlanarQuadrotor {
            mass: 1.0,
            inertia: 0.01,
            arm: 0.2,
            rotor: 2.0,
            velocity: 10.0,
            body_rate: 8.0,
            gravity: 10.0,
        };
        // It sinks at 4 m/s and is level: full thrust stops it within 16 / 20 m.
        let level = JointState::at_rest(vec![0.0; 3]);
        let bounds = flight_bounds(&Base::PlanarQuadrotor(flyer.clone()), &level, -DVec3::Z, 4.0).unwrap();
        assert!((most(&bounds) - 0.8).abs() < 0.03, "{}", most(&bounds));
        // Upside down it falls faster before.
        let over = JointState::at_rest(vec![0.0, 0.0, 3.0]);
        let bounds = flight_bounds(&Base::PlanarQuadrotor(flyer), &over, -DVec3::Z, 4.0).unwrap();
        assert!(most(&bounds) > 1.6, "{}", most(&bounds));
    }
}

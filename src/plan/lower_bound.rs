//! How long any motion from the start to a goal takes at least, whatever stands in the way. Imports `problem`, `robot`,
//! `base` and `steer`.

use crate::base::{Base, Car};
use crate::problem::{JointState, Problem};
use crate::robot::OutputLimits;
use crate::steer::{Profile, TimeOptimal, dubins, reeds_shepp, seen_from, steering_limits};
use std::f64::consts::TAU;

/// A lower bound of the duration of every motion that solves a problem, seconds, to the nearest of its goals:
///
/// - joints: the least time in which all of them can come from start to goal, each within its own limits of velocity and
///   acceleration (the exact minimum of double integrators);
/// - vehicles: the straight way at the greatest speed; of a car the shortest path of its least radius (Dubins, *On curves
///   of minimal length*, 1957; Reeds and Shepp, *Optimal paths for a car that goes both forwards and backwards*, 1990).
pub(super) fn least_duration(problem: &Problem) -> f64 {
    let Problem { mechanism, start, goals, .. } = problem;
    let base = mechanism.vehicle();
    let driven = base.map_or(0, |base| base.coordinates().len());
    let limits = steering_limits(problem);
    let mut joints = Joints::new(&limits[driven..]);
    let least = |goal: &JointState| {
        let way = base.map_or(0.0, |base| least_way(base, start, goal));
        way.max(joints.least(start, goal, driven))
    };
    goals.iter().map(least).fold(f64::INFINITY, f64::min)
}

/// The joints of a robot, or those that a vehicle carries.
struct Joints<'l> {
    limits: &'l [OutputLimits],
    /// Where all of them have limits of velocity and acceleration.
    steering: Option<TimeOptimal>,
    profiles: Vec<Profile>,
}

impl<'l> Joints<'l> {
    fn new(limits: &'l [OutputLimits]) -> Self {
        let is_limited = |l: &OutputLimits| l.velocity.is_finite() && l.acceleration.is_finite();
        let steering = limits.iter().all(is_limited).then(|| TimeOptimal::new(limits));
        Self { limits, steering: steering.filter(|_| !limits.is_empty()), profiles: Vec::new() }
    }

    /// The least time from one state to another; the first outputs are those of a vehicle, and passed over.
    fn least(&mut self, from: &JointState, to: &JointState, first: usize) -> f64 {
        let [p0, v0, p1, v1] =
            [&from.position, &from.velocity, &to.position, &to.velocity].map(|values| &values[first..]);
        let Self { limits, steering, profiles } = self;
        let exact = steering.as_mut().and_then(|s| s.steer(p0, v0, p1, v1, 0.0, f64::INFINITY, profiles));
        // Where a profile would leave the bounds, a motion takes longer.
        let quick = || {
            let times = limits.iter().enumerate().map(|(i, l)| (p1[i] - p0[i]).abs() / l.velocity);
            times.fold(0.0, f64::max)
        };
        exact.unwrap_or_else(quick)
    }
}

/// The least time that a vehicle takes for its way.
fn least_way(base: &Base, from: &JointState, to: &JointState) -> f64 {
    let slides = base.coordinates().iter().take_while(|coordinate| !coordinate.turns).count();
    let (a, b) = (&from.position, &to.position);
    let straight = (0..slides).map(|i| (b[i] - a[i]).powi(2)).sum::<f64>().sqrt();
    let fastest = |[least, most]: [f64; 2]| most.max(-least);
    match base {
        Base::DifferentialDrive(drive) => straight / fastest(drive.speed),
        Base::Airplane(airplane) => straight / fastest(airplane.speed),
        Base::Car(Car { trailer: Some(_), speed, .. }) => straight / fastest(*speed),
        Base::Car(car) => {
            let pose = |state: &[f64]| ([state[0], state[1]], state[2]);
            let radius = car.wheelbase / car.steering.tan();
            let seen = seen_from(pose(a), pose(b), radius);
            let word = if car.speed[0] < 0.0 { reeds_shepp(seen) } else { dubins(seen) };
            word.length() * radius / fastest(car.speed)
        }
        // Speeds are limited along each of the axes, those of the world or of the body.
        Base::PlanarQuadrotor(flyer) => straight / (flyer.velocity * 2.0_f64.sqrt()),
        Base::Quadrotor(flyer) => straight / (flyer.velocity * 3.0_f64.sqrt()),
        Base::Omnidirectional(base) => {
            let [ahead, aside, turn] = base.velocity;
            // |u| + |v| is no less than the speed.
            let wheels = base.wheels.map_or(f64::INFINITY, |wheels| wheels.radius * wheels.rate);
            let turned = b[2] - a[2];
            let turned = turned - TAU * (turned / TAU).round();
            (straight / ahead.hypot(aside).min(wheels)).max(turned.abs() / turn)
        }
        Base::Point(_) => 0.0,
    }
}

//! Makes routes of a car with a trailer shorter by what its driver would do about a cusp: arcs of constant
//! steering. Imports `local_planner` and what lies below it.
//!
//! Between two cusps a route becomes a few arcs. All their steering angles and lengths at once are changed to
//! save time, as far as the car, its trailer and their hitch keep clear of everything: by a linear program of
//! the changes, near enough to be trusted, whose constraints may be broken at a price, and then the next
//! (sequential linear programming: Fletcher and Sainz de la Maza, *Nonlinear programming and nonsmooth
//! optimization by successive linear programming*, Mathematical Programming 1989). Each arc then becomes a
//! curve of the trailer's axle.

mod chain;
mod curves;
mod descent;
mod room;
mod sketch;

use super::Route;
use crate::base::{Car, Trailer};
use crate::check::CheckError;
use crate::local_planner::PathPlanner;
use crate::problem::Problem;
use crate::steer::{PathLimits, Curve, DriveDirection, PathState};
use chain::{CarTrailerState, Train};
use curves::curves_of;
use descent::Descent;
use room::{Kept, Surroundings};
use sketch::arcs_of;

/// What arcs keep to spare, as curves stray from them.
#[derive(Clone, Copy, Debug)]
struct Care {
    /// What is made use of, as a share of the greatest steering angle.
    steering: f64,
    /// What is kept from obstacles beside what is asked for, in hitch lengths.
    clearance: f64,
}

/// More and more of it, where curves turn out not to be valid.
const CARES: [Care; 3] = [
    Care { steering: 0.92, clearance: 0.008 },
    Care { steering: 0.89, clearance: 0.014 },
    Care { steering: 0.86, clearance: 0.025 },
];

/// What is made use of, as a share of the greatest hitch angle.
const HITCH: f64 = 0.98;

/// How far a window reaches on either side of its cusps, in hitch lengths.
const ASIDE: f64 = 6.0;

/// A faster route that drives by arcs of constant steering about its cusps, and clears obstacles by `padding`,
/// metres; for a car with a trailer whose steering angle may jump. `None` where none is found before `planner` is late.
///
/// # Errors
/// When the checking backend fails.
pub fn drive_by_arcs(
    route: &Route,
    problem: &Problem,
    planner: &mut PathPlanner<'_>,
    padding: f64,
) -> Result<Option<Route>, CheckError> {
    let limits = planner.limits();
    let Some((car, trailer)) = limits.steers_freely() else { return Ok(None) };
    let Some(window) = Window::about_cusps(&route.curves, trailer.hitch_length) else { return Ok(None) };
    let task = Task { problem, limits, car, trailer, padding, ends: window.ends(), ball: window.ball() };
    let Some(mut arcs) = arcs_of(&window.middle, &task.train(&CARES[0])) else { return Ok(None) };
    for care in CARES {
        if planner.is_late() {
            return Ok(None);
        }
        let Some(driven) = task.descent(&care).run(arcs, planner.stop()) else { return Ok(None) };
        let curves = curves_of(&driven.legs, &task.ends, trailer.hitch_length, limits);
        let Some(curves) = curves else { return Ok(None) };
        let is_valid = planner.is_valid(&curves)?;
        let next = Route { curves: window.around(curves), ends: route.ends };
        if !keeps_ends(route, &next) {
            return Ok(None);
        }
        if is_valid {
            return Ok((next.estimate(limits) < route.estimate(limits)).then_some(next));
        }
        arcs = driven.arcs;
    }
    Ok(None)
}

/// What is to be driven by arcs.
struct Task<'a> {
    problem: &'a Problem,
    limits: &'a PathLimits,
    car: &'a Car,
    trailer: Trailer,
    /// What is to be kept from obstacles, metres.
    padding: f64,
    /// Where it begins and ends.
    ends: [PathState; 2],
    /// A ball about what is driven now.
    ball: ([f64; 2], f64),
}

impl<'a> Task<'a> {
    fn train(&self, care: &Care) -> Train {
        Train::new(self.car, self.trailer, care.steering)
    }

    fn descent(&self, care: &Care) -> Descent<'a> {
        let length = self.trailer.hitch_length;
        let kept =
            Kept { clearance: self.padding + care.clearance * length, hitch: HITCH * self.trailer.angle };
        let ends = self.ends.each_ref().map(|stance| CarTrailerState::of(stance, length));
        let speeds = [DriveDirection::Forward, DriveDirection::Reverse].map(|direction| self.limits.speed_of(direction));
        let surroundings = Surroundings::new(self.problem, self.trailer, kept, self.ball);
        Descent::new(self.train(care), ends, speeds, surroundings)
    }
}

/// Whether a route leaves and arrives in the directions of another, where that is at speed.
fn keeps_ends(route: &Route, next: &Route) -> bool {
    let directions = |route: &Route| [route.curves.first(), route.curves.last()].map(|c| c.map(|c| c.direction));
    let speeds = [route.ends.first, route.ends.last];
    let same = directions(route).into_iter().zip(directions(next)).map(|(a, b)| a == b);
    speeds.into_iter().zip(same).all(|(speed, same)| same || speed == Some(0.0))
}

/// The curves about all cusps of a route, and those before and after.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    before: Vec<Curve>,
    middle: Vec<Curve>,
    after: Vec<Curve>,
}

impl Window {
    /// Where what lies within it begins and ends. How the wheels stand there is free.
    fn ends(&self) -> [PathState; 2] {
        let ends = [self.middle[0].stance(0.0), self.middle[self.middle.len() - 1].stance(1.0)];
        ends.map(|stance| PathState { curvature_rate: None, ..stance })
    }

    /// A ball about it: centre, and radius in metres.
    fn ball(&self) -> ([f64; 2], f64) {
        let [first, last] = self.ends().map(|stance| stance.place);
        let center = [0, 1].map(|i| 0.5 * (first[i] + last[i]));
        let places = self.middle.iter().flat_map(|curve| [0.0, 0.5, 1.0].map(|u| curve.stance(u).place));
        let away = places.map(|place| (place[0] - center[0]).hypot(place[1] - center[1]));
        (center, away.fold(0.0, f64::max))
    }

    /// The whole route with other curves in the window.
    fn around(&self, middle: Vec<Curve>) -> Vec<Curve> {
        [self.before.clone(), middle, self.after.clone()].concat()
    }

    /// As far from the first and the last cusp as it reaches; `None` where there is no cusp.
    fn about_cusps(curves: &[Curve], hitch_length: f64) -> Option<Self> {
        let is_cusp = |i: &usize| curves[*i].direction != curves[i - 1].direction;
        let first = (1..curves.len()).find(is_cusp)?;
        let last = (1..curves.len()).rfind(is_cusp)?;
        let reach = ASIDE * hitch_length;
        let (mut before, mut middle) = (curves[..first].to_vec(), Vec::new());
        let mut left = reach;
        while let Some(curve) = before.pop_if(|_| left > 0.0) {
            let length = curve.length();
            let u = (1.0 - left / length).max(0.0);
            if u > 0.0 {
                before.push(curve.part(0.0, u));
            }
            middle.insert(0, curve.part(u, 1.0));
            left -= length;
        }
        middle.extend_from_slice(&curves[first..last]);
        let mut after = Vec::new();
        let mut left = reach;
        for curve in &curves[last..] {
            let length = curve.length();
            let u = (left / length).clamp(0.0, 1.0);
            if u > 0.0 {
                middle.push(curve.part(0.0, u));
            }
            if u < 1.0 {
                after.push(curve.part(u, 1.0));
            }
            left -= length;
        }
        Some(Self { before, middle, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steer::EndSpeeds;

    /// Lines of so many metres along x, negative backwards.
    fn lines(lengths: &[f64]) -> Vec<Curve> {
        let mut at = PathState::default();
        let line = |length: &f64| {
            let direction = if *length < 0.0 { DriveDirection::Reverse } else { DriveDirection::Forward };
            let to = PathState { place: [at.place[0] + length, 0.0, 0.0], ..at.clone() };
            let line = Curve::line(&at, &to, direction);
            at = to;
            line
        };
        lengths.iter().map(line).collect()
    }

    #[test]
    fn windows_are_about_cusps() {
        assert_eq!(Window::about_cusps(&lines(&[1.0, 2.0]), 0.5), None);
        // It reaches 3 m to either side.
        let window = Window::about_cusps(&lines(&[5.0, 1.0, -1.0, 2.0, 4.0]), 0.5).unwrap();
        let lengths = |curves: &[Curve]| curves.iter().map(Curve::length).collect::<Vec<_>>();
        let near = |curves: &[Curve], wanted: &[f64]| {
            lengths(curves).iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12)
                && curves.len() == wanted.len()
        };
        assert!(near(&window.before, &[3.0]), "{:?}", lengths(&window.before));
        assert!(near(&window.middle, &[2.0, 1.0, 1.0, 2.0, 1.0]), "{:?}", lengths(&window.middle));
        assert!(near(&window.after, &[3.0]), "{:?}", lengths(&window.after));
    }

    #[test]
    fn ends_at_speed_keep_their_gaits() {
        let route = |lengths: &[f64], first, last| Route {
            curves: lines(lengths),
            ends: EndSpeeds { first: Some(first), last: Some(last) },
        };
        let turned = route(&[-1.0, 1.0], 0.0, 0.0);
        assert!(keeps_ends(&route(&[1.0, -1.0], 0.0, 0.0), &turned));
        assert!(!keeps_ends(&route(&[1.0, -1.0, 1.0], 0.3, 0.0), &turned));
        assert!(keeps_ends(&route(&[1.0, -1.0, 1.0], 0.0, 0.3), &turned));
    }
}

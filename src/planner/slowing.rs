//! Motions that are slowed down: to a standstill, or to a share of their speed, on their own path.
//!
//! A trajectory p(t) driven at the pace s'(t) is p(s(t)): where s is a polynomial, so is every piece. A ramp of the
//! pace from one value to another is the steeper, the shorter it takes; the shortest that can be certified is found by
//! bisection (the classical time scaling of Hollerbach, *Dynamic scaling of manipulator trajectories*, 1984).

use super::motion::AT_REST;
use super::{Goal, Motion, Planner, Query};
use crate::certify::Certifier;
use crate::error::InvalidValue;
use crate::plan::{Departure, PlanError, Solution, Statistics};
use crate::problem::{JointState, Problem, Smoothness};
use crate::trajectory::{MAX_DEGREE, Trajectory};
use std::time::Instant;

/// Ramps that are tried to halve the interval in which the shortest lies: it is then known to within 1 %.
const BISECTIONS: u32 = 8;

/// What a stop calls the place where it ends.
const STANDSTILL: &str = "standstill";

/// The shortest ramp that is tried, and how many times as long the next ones are, as shares of what is left of the
/// motion.
const SHORTEST: f64 = 1.0 / 64.0;

/// Times along what is left of a motion at which it is tried to come to rest by a plan, as shares of it.
const RESTS: usize = 16;

impl Planner {
    /// The fastest certified way to a standstill from where a running motion is left, `at` seconds after it began:
    /// on its path, or off it, whichever is the sooner. It ends at a goal named "standstill". The first takes up to fifteen
    /// proofs, the second a plan within the planner's time limit; polynomials that were slowed down before, and those
    /// of limited jerk, may be of too high a degree for the first.
    ///
    /// # Errors
    /// When nothing that was tried can be certified in the world as it is: what was wrong with the last.
    pub fn stop(&mut self, running: &Motion, at: f64) -> Result<Motion, PlanError> {
        admit(at)?;
        self.admit_joints(running.joints())?;
        let begun = Instant::now();
        let on_path = self.slowed(running, at, 0.0, begun);
        let mut query = Query::leaving(running, at);
        query.is_first_enough = true;
        for goal in self.places_to_rest(running, at) {
            query = query.to(Goal::from(goal).named(STANDSTILL));
        }
        let off_path = if query.goals.is_empty() {
            Err(PlanError::Unsupported("there is no place to rest ahead".to_owned()))
        } else {
            self.plan(&query)
        };
        match (on_path, off_path) {
            (Ok(a), Ok(b)) => Ok(if a.duration() <= b.duration() { a } else { b }),
            (Ok(stopped), Err(_)) | (Err(_), Ok(stopped)) => Ok(stopped),
            (Err(_), Err(why)) => Err(why),
        }
    }

    /// What is left of a running motion after `at` seconds, slowed down as soon as can be to a share `pace` of its
    /// speed, above 0 and at most 1: the same path, to the same goal.
    ///
    /// # Errors
    /// When no such ramp can be certified in the world as it is.
    pub fn slow_down(&mut self, running: &Motion, at: f64, pace: f64) -> Result<Motion, PlanError> {
        if !(pace > 0.0 && pace <= 1.0) {
            let expected = "a share above 0 and at most 1";
            return Err(InvalidValue::new("pace", pace, expected).into());
        }
        admit(at)?;
        self.admit_joints(running.joints())?;
        self.slowed(running, at, pace, Instant::now())
    }

    /// What is left of a motion by the shortest ramp to a pace that can be certified.
    fn slowed(&self, running: &Motion, at: f64, pace: f64, begun: Instant) -> Result<Motion, PlanError> {
        let rest = running.trajectory.cut(at.clamp(0.0, running.duration()), running.duration());
        let smoothness = self.problem.smoothness;
        let goal = if pace == 0.0 { STANDSTILL } else { running.goal() };
        if rest.is_empty() {
            let end = running.state(running.duration());
            if self.mechanism.vehicle().is_some() || end.velocity.iter().any(|v| v.abs() > AT_REST) {
                return Err(PlanError::Unsupported("the motion is over by then".to_owned()));
            }
            let mut standing = Trajectory::new(rest.dof(), 1);
            standing.push(0.0, &end.position.iter().flat_map(|&p| [p, 0.0]).collect::<Vec<_>>());
            return self.motion_of(goal, standing, begun);
        }
        let ramped = |length: f64| ramp(&rest, smoothness, pace, length);
        let certified = |length: f64| {
            let trajectory = ramped(length)?;
            self.motion_of(goal, trajectory, begun)
        };
        // A longer ramp is gentler, up to that which takes all the way.
        let longest = 2.0 * rest.duration() / (1.0 + pace);
        let mut length = SHORTEST * longest;
        let mut best = loop {
            match certified(length.min(longest)) {
                Ok(motion) => break motion,
                Err(why) if length >= longest => return Err(why),
                Err(_) => length *= 2.0,
            }
        };
        let (mut too_short, mut enough) = (0.5 * length, length.min(longest));
        if length <= SHORTEST * longest {
            too_short = 0.0;
        }
        for _ in 0..BISECTIONS {
            let middle = 0.5 * (too_short + enough);
            match certified(middle) {
                Ok(motion) => (best, enough) = (motion, middle),
                Err(_) => too_short = middle,
            }
        }
        Ok(best)
    }

    /// A trajectory that begins in a running motion, with its proof in the world as it is.
    fn motion_of(&self, goal: &str, trajectory: Trajectory, begun: Instant) -> Result<Motion, PlanError> {
        let mut problem = self.problem_of(&trajectory)?;
        problem.admit_ends();
        let here = self.options_here();
        let certifier = Certifier::new(&problem, here.certify()).asking(&here.constraints);
        let certificate = certifier.under_way().certify(&trajectory)?;
        let cost = here.cost.of(&problem, &trajectory);
        let (certify, least_cost) = (begun.elapsed(), f64::NEG_INFINITY);
        let statistics = Statistics { certify, cost, least_cost, ..Statistics::default() };
        let solution = Solution { trajectory, certificate, statistics, improvements: 0, cut_short: None };
        Ok(Motion::new(solution, goal.to_owned(), self.mechanism.clone(), problem.smoothness))
    }

    /// States at rest ahead: where the running motion passes, and where braking straight ahead ends.
    fn places_to_rest(&self, running: &Motion, at: f64) -> Vec<JointState> {
        if self.mechanism.vehicle().is_some() {
            return Vec::new();
        }
        let departure = Departure { running: &running.trajectory, from: at };
        let left = running.duration() - at;
        let passed = (1..=RESTS).map(|i| running.state(at + left * i as f64 / RESTS as f64).position);
        let straight = departure.standstill(&Problem { ..self.problem.clone() });
        passed.map(JointState::at_rest).chain([straight]).collect()
    }
}

/// Checks that a motion is left at a time.
fn admit(at: f64) -> Result<(), InvalidValue> {
    if at.is_nan() { Err(InvalidValue::new("at", at, "a time in seconds")) } else { Ok(()) }
}

/// A trajectory whose pace goes from 1 to `pace` within `length` seconds, and stays there; to a standstill it ends
/// then.
fn ramp(
    trajectory: &Trajectory,
    smoothness: Smoothness,
    pace: f64,
    length: f64,
) -> Result<Trajectory, PlanError> {
    // The pace over the ramp, as a polynomial of the share u of it: even, or smooth at both ends.
    let fall = pace - 1.0;
    let paces: &[f64] = match smoothness {
        Smoothness::Acceleration => &[1.0, fall],
        Smoothness::Jerk => &[1.0, 0.0, 3.0 * fall, -2.0 * fall],
    };
    // s(t) = integral of the pace.
    let mut position = vec![0.0];
    position.extend(paces.iter().enumerate().map(|(k, c)| c / (k as f64 + 1.0) / length.powi(k as i32)));
    let degree = trajectory.degree() * (position.len() - 1);
    if degree > MAX_DEGREE {
        let why = format!("slowing down polynomials of degree {}", trajectory.degree());
        return Err(PlanError::Unsupported(why));
    }
    let passed = 0.5 * (1.0 + pace) * length;
    let mut slowed = Trajectory::new(trajectory.dof(), degree);
    let at = |t: f64| position.iter().rev().fold(0.0, |value, c| value * t + c);
    // Knots of the trajectory that are passed during the ramp, in the ramp's time.
    let during = trajectory.cut(0.0, passed.min(trajectory.duration()));
    let mut from = 0.0;
    for (i, segment) in during.segments().enumerate() {
        let to = if i + 1 == during.len() { length } else { time_of(&at, during.knots()[i + 1], length) };
        if to <= from {
            continue;
        }
        // The local time of the segment as a polynomial of the ramp's time since `from`.
        let mut local = position.clone();
        crate::trajectory::shift(&mut local, from);
        local[0] -= during.knots()[i];
        let coefficients: Vec<f64> = (0..segment.dof)
            .flat_map(|output| composed(segment.polynomial(output), &local, degree))
            .collect();
        slowed.push(to - from, &coefficients);
        from = to;
    }
    if pace > 0.0 {
        slowed.append(&trajectory.cut(passed, trajectory.duration()).stretched(1.0 / pace));
    }
    Ok(slowed)
}

/// When a growing function comes to a value, between 0 and `most`.
fn time_of(at: &impl Fn(f64) -> f64, value: f64, most: f64) -> f64 {
    let (mut low, mut high) = (0.0, most);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if at(middle) < value { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The polynomial `outer` of the polynomial `inner`, both by ascending powers, as one of so great a degree.
fn composed(outer: &[f64], inner: &[f64], degree: usize) -> Vec<f64> {
    let mut result = vec![0.0; degree + 1];
    for &coefficient in outer.iter().rev() {
        // result = result * inner + coefficient; what is beyond the degree is zero.
        let mut next = vec![0.0; degree + 1];
        for (i, a) in result.iter().enumerate().filter(|(_, a)| **a != 0.0) {
            for (j, b) in inner.iter().enumerate().take(degree + 1 - i) {
                next[i + j] += a * b;
            }
        }
        next[0] += coefficient;
        result = next;
    }
    result
}

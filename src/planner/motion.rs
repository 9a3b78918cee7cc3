//! Motions that a planner gives: a solution, by the names of the robot's joints.

use crate::plan::Solution;
use crate::problem::{JointState, Smoothness};
use crate::robot::Mechanism;
use std::ops::Deref;
use std::sync::Arc;

/// A certified motion of a robot; it has all that a [`Solution`] has.
#[derive(Clone, Debug)]
pub struct Motion {
    solution: Solution,
    goal: String,
    mechanism: Arc<Mechanism>,
    smoothness: Smoothness,
}

/// How many times a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(f64);

/// What a controller is told at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Setpoint {
    /// Seconds since the motion began: a whole multiple of the period.
    pub time: f64,
    /// Positions of the joints, in the order of [`Motion::joints`]; of a vehicle those of its coordinates first. rad
    /// or m.
    pub position: Vec<f64>,
    /// Their derivatives, rad/s or m/s; of a vehicle, with the next, by differences ([`JointState::in_motion`]).
    pub velocity: Vec<f64>,
    /// Their second derivatives, rad/s^2 or m/s^2.
    pub acceleration: Vec<f64>,
    /// Controls of a vehicle, in the order of [`Base::control_names`](crate::base::Base::control_names); empty of anything
    /// else.
    pub control: Vec<f64>,
}

/// Set-points on an even grid of time.
#[derive(Clone, Debug)]
pub struct Setpoints<'a> {
    motion: &'a Motion,
    rate: Rate,
    next: u64,
    /// How many there are.
    count: u64,
}

impl Rate {
    /// So many times a second: a number above zero.
    ///
    /// # Panics
    /// If it is none.
    pub fn hz(hertz: f64) -> Self {
        assert!(hertz > 0.0 && hertz.is_finite(), "a rate of {hertz} Hz; expected a number above zero");
        Self(hertz)
    }

    /// The `i`th instant, seconds.
    fn time(self, i: u64) -> f64 {
        i as f64 / self.0
    }
}

impl Motion {
    pub(super) fn new(
        solution: Solution,
        goal: String,
        mechanism: Arc<Mechanism>,
        smoothness: Smoothness,
    ) -> Self {
        Self { solution, goal, mechanism, smoothness }
    }

    /// How long it takes, seconds.
    pub fn duration(&self) -> f64 {
        self.trajectory.duration()
    }

    /// The goal that it ends at: its name, or its number in the query.
    pub fn goal(&self) -> &str {
        &self.goal
    }

    /// Names of the joints, in the order of set-points.
    pub fn joints(&self) -> &[String] {
        &self.mechanism.outputs
    }

    /// The state at a time, seconds since it began, which is clamped to it.
    pub fn state(&self, t: f64) -> JointState {
        let state = JointState::of(&self.mechanism, &self.trajectory, t, self.smoothness);
        // No trajectory that has a certificate is singular.
        state.unwrap_or_else(|_| JointState::on(&self.trajectory, t, self.smoothness))
    }

    /// Set-points at the instants 0, 1 / rate, 2 / rate, and so on. The last is the first that is not before the end,
    /// where the motion ends at rest; where it ends in motion, the last that is not after it.
    pub fn setpoints(&self, rate: Rate) -> Setpoints<'_> {
        let duration = self.duration();
        let whole = (duration * rate.0).floor() as u64;
        let ends_on_grid = rate.time(whole) >= duration;
        let is_held = !ends_on_grid && self.ends_at_rest();
        Setpoints { motion: self, rate, next: 0, count: whole + 1 + u64::from(is_held) }
    }

    /// The set-point at a time.
    fn setpoint(&self, time: f64) -> Setpoint {
        let sampled = JointState::in_motion(&self.mechanism, &self.trajectory, time);
        // No trajectory that has a certificate is singular.
        let [position, velocity, mut acceleration] = sampled.unwrap_or_else(|_| {
            let JointState { position, velocity, .. } = self.state(time);
            let still = vec![0.0; position.len()];
            [position, velocity, still]
        });
        let Some(base) = self.mechanism.vehicle() else {
            if time >= self.duration() {
                acceleration.fill(0.0);
            }
            return Setpoint { time, position, velocity, acceleration, control: Vec::new() };
        };
        let (segment, local) = self.trajectory.locate(time);
        let sample = base.unflatten(&base.flat(&self.trajectory.segment(segment), local));
        let control = sample.map_or(Vec::new(), |sample| sample.control);
        Setpoint { time, position, velocity, acceleration, control }
    }

    /// Whether nothing moves at the end, by more than rounding.
    fn ends_at_rest(&self) -> bool {
        let speed = |t: f64| {
            let there = JointState::in_motion(&self.mechanism, &self.trajectory, t);
            there.map_or(f64::INFINITY, |[_, velocity, _]| {
                velocity.iter().map(|v| v.abs()).fold(0.0, f64::max)
            })
        };
        let duration = self.duration();
        let tolerance = match self.mechanism.vehicle() {
            None => AT_REST,
            Some(_) => {
                let passed = (0..LOOKS).map(|i| speed(duration * f64::from(i) / f64::from(LOOKS)));
                AT_REST_BY_DIFFERENCES * passed.fold(0.0, f64::max)
            }
        };
        speed(duration) <= tolerance
    }
}

/// Speed of an output up to which an end is one at rest, rad/s or m/s: a certificate lets pass as much.
pub(super) const AT_REST: f64 = 1e-9;

/// The same where it comes from differences over a ten-thousandth of the last piece: as a share of the fastest of some
/// speeds on the way, of which braking to the end leaves hardly more in so short a time.
const AT_REST_BY_DIFFERENCES: f64 = 1e-2;

/// So many speeds.
const LOOKS: u32 = 16;

impl Deref for Motion {
    type Target = Solution;

    fn deref(&self) -> &Solution {
        &self.solution
    }
}

impl Iterator for Setpoints<'_> {
    type Item = Setpoint;

    fn next(&mut self) -> Option<Setpoint> {
        if self.next == self.count {
            return None;
        }
        let time = self.rate.time(self.next);
        self.next += 1;
        Some(self.motion.setpoint(time))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.count - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Setpoints<'_> {}

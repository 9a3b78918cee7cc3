//! That a ball touches no obstacle at any instant, by refinement of intervals of time. Imports `problem`, `trajectory` and
//! `stop`.
//!
//! Over an interval the ball comes no farther from where it is in the middle than its greatest speed, bounded by Bernstein
//! coefficients, carries it in half of the time. Where it is farther than that from an obstacle in the middle it does not
//! touch it meanwhile; other obstacles go on to both halves.

use super::super::collision::{ROUNDING, far_end};
use super::super::options::{INTERVAL, MAX_INTERVALS, floor};
use super::super::report::{Clearance, Nearest};
use super::report::LinearViolation;
use crate::problem::LinearProblem;
use crate::stop::Watch;
use crate::trajectory::{Segment, Trajectory, magnitude_bound, shift};
use glam::DVec3;

/// What the ball is called where it is told what it is near to.
const BALL: &str = "ball";

/// A proof, and what is known so far.
pub(super) struct Meeting<'p> {
    problem: &'p LinearProblem,
    trajectory: &'p Trajectory,
    /// The clearance is proved to within this, metres.
    tolerance: f64,
    /// How far from the origin each obstacle reaches, metres: distances are as exact as that.
    reach: Vec<f64>,
    /// The least distance that is proved.
    at_least: f64,
    /// The nearest that was seen: obstacle, distance, time.
    near: Option<(usize, f64, f64)>,
    /// Where the ball all but touches something: the same.
    unproved: Option<(usize, f64, f64)>,
    intervals: usize,
}

/// A part of a piece, local times, and the obstacles that are not proved to be far from it.
struct Part {
    from: f64,
    to: f64,
    open: Vec<usize>,
}

impl<'p> Meeting<'p> {
    pub(super) fn new(problem: &'p LinearProblem, trajectory: &'p Trajectory, tolerance: f64) -> Self {
        let reach = problem.world.obstacles.iter().map(far_end).collect();
        let at_least = f64::INFINITY;
        Self { problem, trajectory, tolerance, reach, at_least, near: None, unproved: None, intervals: 0 }
    }

    /// Looks at all of the motion.
    ///
    /// # Errors
    /// That it was given up.
    pub(super) fn prove(&mut self, watch: &mut Watch) -> Result<(), LinearViolation> {
        let trajectory = self.trajectory;
        for (piece, start) in trajectory.segments().zip(trajectory.knots()) {
            let open = (0..self.problem.world.obstacles.len()).collect();
            let mut parts = vec![Part { from: 0.0, to: piece.duration, open }];
            while let Some(part) = parts.pop() {
                if self.intervals >= MAX_INTERVALS || watch.is_due(INTERVAL + part.open.len() as u32) {
                    return Err(LinearViolation::OutOfTime { intervals: self.intervals });
                }
                self.intervals += 1;
                let open = self.open_after(&piece, *start, &part);
                if !open.is_empty() {
                    let middle = 0.5 * (part.from + part.to);
                    // The earliest is the next.
                    parts.push(Part { from: middle, to: part.to, open: open.clone() });
                    parts.push(Part { from: part.from, to: middle, open });
                }
            }
        }
        Ok(())
    }

    /// The obstacles that are not proved to be far from a part; none where it is too short to go on.
    fn open_after(&mut self, piece: &Segment<'_>, start: f64, part: &Part) -> Vec<usize> {
        let half = 0.5 * (part.to - part.from);
        let (mut at, mut speeds) = (DVec3::ZERO, DVec3::ZERO);
        for (axis, &state) in self.problem.place.iter().enumerate() {
            let mut polynomial = piece.polynomial(state).to_vec();
            shift(&mut polynomial, part.from);
            at[axis] = polynomial.iter().rev().fold(0.0, |sum, c| sum * half + c);
            speeds[axis] = magnitude_bound(&polynomial, 1, 2.0 * half);
        }
        let (travel, time) = (speeds.length() * half, start + part.from + half);
        let is_last = 2.0 * half <= floor(self.trajectory);
        let mut open = Vec::new();
        for &obstacle in &part.open {
            let distance = self.problem.world.obstacles[obstacle].signed_distance(at) - self.problem.radius;
            let rounding = ROUNDING * (at.length() + self.reach[obstacle] + self.problem.radius);
            let bound = distance - travel - rounding;
            let near = self.near.map_or(f64::INFINITY, |(_, near, _)| near);
            // A NaN is near to anything.
            if distance < near || distance.is_nan() {
                self.near = Some((obstacle, distance, time));
            }
            let near = near.min(distance);
            // Once something collides, worse alone is looked for; before, half of what is seen is proved at least.
            let is_enough = match near < 0.0 {
                true => bound >= near - self.tolerance,
                false => bound > 0.0 && bound >= (near - self.tolerance).max(0.5 * near),
            };
            if is_enough || (is_last && bound > 0.0) {
                self.at_least = self.at_least.min(bound);
            } else if is_last {
                let gap = self.unproved.map_or(f64::INFINITY, |(_, gap, _)| gap);
                self.unproved = if bound < gap || bound.is_nan() { Some((obstacle, bound, time)) } else { self.unproved };
            } else {
                open.push(obstacle);
            }
        }
        open
    }

    /// What stands against the motion.
    pub(super) fn violations(&self) -> Option<LinearViolation> {
        let name = |obstacle: usize| self.problem.world.obstacles[obstacle].name.clone();
        match (self.near, self.unproved) {
            (Some((obstacle, distance, time)), _) if distance < 0.0 || distance.is_nan() => {
                Some(LinearViolation::Collision { obstacle: name(obstacle), depth: -distance, time })
            }
            (_, Some((obstacle, gap, time))) => {
                Some(LinearViolation::ClearanceNotProved { obstacle: name(obstacle), gap, time })
            }
            _ => None,
        }
    }

    /// The clearance that was proved, and the intervals that it took.
    pub(super) fn clearance(&self) -> (Clearance, usize) {
        let nearest = self.near.map(|(obstacle, distance, time)| {
            let between = [BALL.to_owned(), self.problem.world.obstacles[obstacle].name.clone()];
            Nearest { between, distance, time }
        });
        (Clearance { at_least: self.at_least, nearest }, self.intervals)
    }
}

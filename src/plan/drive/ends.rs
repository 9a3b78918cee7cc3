//! Starts and goals of nonholonomic bases, as roots of trees.

use crate::problem::{JointState, Problem};
use crate::robot::OutputLimits;
use crate::steer::{Curve, PathLimits, PathState};
use crate::trajectory::Trajectory;

/// A speed or turn rate below this is none, m/s and rad/s.
const STILL: f64 = 1e-9;

/// What a turn is braked by, as a share of the greatest turn acceleration.
const BRAKING: f64 = 0.99;

/// Coefficients of a motion of no length.
const POWERS: usize = 7;

/// Where a tree begins.
#[derive(Clone, Debug)]
pub(super) struct Root {
    /// The stance.
    pub(super) stance: PathState,
    /// What lies between the end itself and the stance: a turn that is braked where it stands.
    pub(super) lead: Vec<Curve>,
    /// Speed at the end itself, m/s, or rad/s of a turn there.
    pub(super) speed: f64,
}

impl Root {
    /// The root of a start.
    pub(super) fn of_start(limits: &PathLimits, state: &JointState) -> Self {
        Self::of(limits, state, 1.0)
    }

    /// The root of a goal.
    pub(super) fn of_goal(limits: &PathLimits, state: &JointState) -> Self {
        Self::of(limits, state, -1.0)
    }

    /// `sense` is 1 where time goes on from it, -1 where it leads to it.
    fn of(limits: &PathLimits, state: &JointState, sense: f64) -> Self {
        let (mut stance, turn) = stance(limits, state);
        let speed = stance.speed.abs();
        if speed > 0.0 || turn.abs() <= STILL {
            return Self { stance, lead: Vec::new(), speed };
        }
        let way = 0.5 * turn * turn.abs() / (BRAKING * limits.turn_acceleration());
        let other = PathState { heading: stance.heading + sense * way, ..stance.clone() };
        let ends = if sense > 0.0 { [&stance, &other] } else { [&other, &stance] };
        let lead = vec![Curve::turn(ends[0], ends[1].heading, &stance.arm)];
        stance = other;
        Self { stance, lead, speed: turn.abs() }
    }
}

/// Whether any of some states goes or turns so fast, or so slowly, that the margin of the limits is not kept.
pub(super) fn are_at_limit<'s>(limits: &PathLimits, mut states: impl Iterator<Item = &'s JointState>) -> bool {
    states.any(|state| {
        let (stance, turn) = stance(limits, state);
        let is_moving = stance.speed != 0.0 || turn.abs() > STILL;
        is_moving && !limits.keeps_margin(stance.speed, turn)
    })
}

/// The stance of a state, and its turn rate.
fn stance(limits: &PathLimits, state: &JointState) -> (PathState, f64) {
    let (p, rates) = (&state.position, &state.velocity);
    let joints = p.len() - limits.arm().len();
    let arm = p[joints..].to_vec();
    if limits.is_spatial() {
        let speed = (0..3).map(|i| rates[i] * rates[i]).sum::<f64>().sqrt();
        let speed = if speed > STILL { speed } else { 0.0 };
        let place = [p[0], p[1], p[2]];
        return (PathState { place, heading: p[3], pitch: p[4], speed, arm, ..PathState::default() }, 0.0);
    }
    let (sin, cos) = p[2].sin_cos();
    let speed = cos * rates[0] + sin * rates[1];
    let speed = if speed.abs() > STILL { speed } else { 0.0 };
    let [curvature, curvature_rate] = bend(limits, state, speed);
    // Where speeds may jump it may drive off either way.
    let speed = if limits.has_accelerations() { speed } else { 0.0 };
    let place = [p[0], p[1], 0.0];
    // What is carried moves by the length of the path, where there is any.
    let arm_slopes = match speed == 0.0 {
        true => Vec::new(),
        false => rates[joints..].iter().map(|rate| rate / speed.abs()).collect(),
    };
    let stance = PathState {
        place,
        heading: p[2],
        curvature,
        curvature_rate,
        speed,
        arm,
        arm_slopes,
        ..PathState::default()
    };
    (stance, rates[2])
}

/// Curvature of the path through a state on the ground and its derivative by the path's length, at this speed along the
/// heading, m/s; `None` of each that may be any.
fn bend(limits: &PathLimits, state: &JointState, speed: f64) -> [Option<f64>; 2] {
    let hitch = state.position.get(3).copied().unwrap_or(0.0);
    let needs_rate = limits.needs_curvature_rate();
    if speed == 0.0 {
        // It stands with straight wheels.
        let curvature = limits.keeps_curvature().then(|| limits.curvature(hitch));
        return [curvature, curvature.filter(|_| needs_rate).map(|k| limits.straight_curvature_rate(k))];
    }
    let turned = state.velocity[2] / speed;
    let curvature = if limits.draws() { limits.curvature(hitch) } else { turned };
    // A trailer's path bends by its hitch angle, and ever more as that grows.
    let rate = |hitching: f64| limits.curvature_slope(hitch) * hitching / speed;
    let rate = needs_rate.then(|| state.velocity.get(3).map_or(0.0, |&hitching| rate(hitching)));
    [limits.needs_curvature().then_some(curvature), rate]
}

/// The motion of no length that is in a state, for a start that is a goal: what it would do next is what tells speed,
/// steering and the direction of every body.
pub(in crate::plan) fn instant(limits: &PathLimits, state: &JointState) -> Trajectory {
    let (stance, turn) = stance(limits, state);
    let arm_rates = &state.velocity[state.velocity.len() - stance.arm.len()..];
    let speed = if stance.speed == 0.0 { limits.slowest() } else { stance.speed };
    let (nose, k) = (stance.nose(), stance.curvature.unwrap_or(0.0));
    let left = [-nose[1], nose[0], 0.0];
    // The path by its length s, ahead, in powers of s.
    let path = |i: usize| {
        let bending = stance.curvature_rate.unwrap_or(0.0) * left[i] - k * k * nose[i];
        [stance.place[i], nose[i], k * left[i] / 2.0, bending / 6.0]
    };
    // As hard as a half of what there is.
    let q = 0.25 * limits.acceleration().min(1.0);
    let powers = |i: usize| {
        let [p, a, b, c] = path(i);
        match (speed == 0.0, limits.draws()) {
            (true, false) => [p, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            // It drives off, s = q t^2: by its path a trailer tells how its car stands.
            (true, true) => [p, 0.0, a * q, 0.0, b * q.powi(2), 0.0, c * q.powi(3)],
            // s = speed t, also backwards.
            (false, _) => [p, a * speed, b * speed.powi(2), c * speed.powi(3), 0.0, 0.0, 0.0],
        }
    };
    let guide = (!limits.is_spatial()).then_some([stance.heading, turn, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let arm = stance.arm.iter().zip(arm_rates).map(|(&q, &rate)| [q, rate, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let coefficients: Vec<[f64; POWERS]> =
        (0..limits.dimensions()).map(powers).chain(guide).chain(arm).collect();
    let mut trajectory = Trajectory::new(coefficients.len(), POWERS - 1);
    trajectory.push(0.0, coefficients.as_flattened());
    trajectory
}

/// What to sample between: the place, then the arm. Where a coordinate is not bounded, as far around the
/// ends as they are apart, and some more.
pub(super) fn bounds(limits: &PathLimits, problem: &Problem, goals: &[&JointState]) -> Vec<(f64, f64)> {
    let dimensions = limits.dimensions();
    let joints = problem.mechanism.dof();
    let arm = joints - limits.arm().len()..joints;
    let ends = || goals.iter().copied().chain([&problem.start]);
    let spread = |j: usize| {
        let least = ends().map(|s| s.position[j]).fold(f64::INFINITY, f64::min);
        let most = ends().map(|s| s.position[j]).fold(f64::NEG_INFINITY, f64::max);
        (least, most)
    };
    let apart = (0..dimensions).map(|j| spread(j).1 - spread(j).0).fold(2.0, f64::max);
    let bound = |j: usize| {
        let OutputLimits { lower, upper, .. } = problem.mechanism.limits[j];
        let (least, most) = spread(j);
        let room = if j < dimensions { apart } else { std::f64::consts::PI };
        (
            if lower.is_finite() { lower } else { least - room },
            if upper.is_finite() { upper } else { most + room },
        )
    };
    (0..dimensions).chain(arm).map(bound).collect()
}

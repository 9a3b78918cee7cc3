//! Points at whole nanoseconds.
//!
//! Knots do not lie there. Were the states at the nearest nanoseconds taken from the trajectory, a piece between two of them
//! would hold a jump of acceleration half a nanosecond off its end, and whoever interpolates would overshoot: by a
//! share of a nanosecond over the length of the piece, which is much where pieces are brief. So the knots are moved
//! there, and every piece keeps its acceleration over its new duration. What adds up by that to the end, some
//! nanoseconds' worth of motion, is taken back evenly by one polynomial over the whole.

use super::points::quintic;
use crate::trajectory::{Trajectory, cubic, derivative};

pub(super) const NANOSECONDS: f64 = 1e9;

/// Greatest jump of acceleration at a knot that counts as none, rad/s^2 or m/s^2.
const CONTINUOUS: f64 = 1e-6;

/// Greatest speed that counts as rest, rad/s or m/s.
pub(super) const AT_REST: f64 = 1e-9;

/// Most that making up for what rounded times left off may add to accelerations, rad/s^2 or m/s^2.
const MOST_PUSH: f64 = 1e-5;

/// Positions, velocities and accelerations.
type State = [Vec<f64>; 3];

/// A state at a time.
pub(super) struct TickPoint {
    /// Nanoseconds.
    pub(super) tick: u64,
    pub(super) state: State,
}

/// Whether accelerations do not jump.
pub(super) fn is_smooth(trajectory: &Trajectory) -> bool {
    trajectory.greatest_jump(2).is_none_or(|jump| jump.size.abs() <= CONTINUOUS)
}

/// Points about the `times`, all knots among them, strictly increasing: with accelerations that change evenly from one to the
/// next where the trajectory is `smooth`, else with those after a knot.
pub(super) fn whole_nanoseconds(trajectory: &Trajectory, times: &[f64], smooth: bool) -> Vec<TickPoint> {
    // What is over where it begins stands until the last time.
    let stands = if trajectory.duration() > 0.0 { 0.0 } else { times[times.len() - 1] };
    let end = end(trajectory).max((stands * NANOSECONDS) as u64).max(1);
    let (mut points, mut segment, mut begun) = (Vec::new(), 0, 0);
    let mut state = state(trajectory, 0, 0.0);
    let mut knots = state.clone();
    for &time in times {
        let is_last = !points.is_empty() && time == times[times.len() - 1];
        let tick = if is_last { end } else { ((time * NANOSECONDS).round() as u64).min(end) };
        // Knots up to here begin new pieces.
        while segment + 1 < trajectory.len() && trajectory.knots()[segment + 1] < time {
            let knot = ((trajectory.knots()[segment + 1] * NANOSECONDS).round() as u64).min(end);
            knots = moved(trajectory, segment, &knots, knot - begun, smooth);
            (segment, begun) = (segment + 1, knot);
        }
        state = moved(trajectory, segment, &knots, tick - begun, smooth);
        if points.last().is_none_or(|last: &TickPoint| tick > last.tick) {
            points.push(TickPoint { tick, state: state.clone() });
        }
    }
    take_back(trajectory, &mut points, smooth);
    points
}

/// The end: rounded up where the trajectory comes to rest, for it rests where it ended; else down.
fn end(trajectory: &Trajectory) -> u64 {
    let end = trajectory.duration() * NANOSECONDS;
    let mut velocity = vec![0.0; trajectory.dof()];
    trajectory.evaluate(trajectory.duration(), 1, &mut velocity);
    let comes_to_rest = velocity.iter().all(|v| v.abs() < AT_REST);
    (if comes_to_rest { end.ceil() } else { end.floor() }) as u64
}

fn state(trajectory: &Trajectory, segment: usize, local: f64) -> State {
    let segment = trajectory.segment(segment);
    [0, 1, 2].map(|order| {
        let mut values = vec![0.0; trajectory.dof()];
        segment.evaluate(local, order, &mut values);
        values
    })
}

/// Where a piece leads from a state in so many nanoseconds with its own accelerations, beginning at those of the state where
/// these are continuous.
fn moved(trajectory: &Trajectory, segment: usize, from: &State, ticks: u64, smooth: bool) -> State {
    let t = ticks as f64 / NANOSECONDS;
    let [mut positions, mut velocities, mut accelerations] = state(trajectory, segment, t);
    for output in 0..trajectory.dof() {
        let polynomial = trajectory.segment(segment).polynomial(output);
        let begins = |order| derivative(polynomial, order, 0.0);
        let [dp, dv] = [0, 1].map(|order| from[order][output] - begins(order));
        let da = if smooth { from[2][output] - begins(2) } else { 0.0 };
        positions[output] += dp + t * (dv + 0.5 * t * da);
        velocities[output] += dv + t * da;
        accelerations[output] += da;
    }
    [positions, velocities, accelerations]
}

/// Leads the last point to the trajectory's end, and all others as far as they are on the way. A motion too brief to make
/// up for a fraction of a nanosecond with hardly any acceleration keeps what is missing in position: a few nanometres.
fn take_back(trajectory: &Trajectory, points: &mut [TickPoint], smooth: bool) {
    let Some(TickPoint { tick, state: reached }) = points.last() else { return };
    let duration = *tick as f64 / NANOSECONDS;
    let last = trajectory.len() - 1;
    let wanted = state(trajectory, last, trajectory.segment(last).duration);
    let missing = |order: usize, i: usize| wanted[order][i] - reached[order][i];
    let back = |i: usize| {
        let [way, speed, push] = [missing(0, i), missing(1, i), if smooth { missing(2, i) } else { 0.0 }];
        // The way that comes by itself of what is missing in velocity and acceleration.
        let by_itself = duration * (0.5 * speed - duration * push / 12.0);
        let is_brief = 6.0 * (way - by_itself).abs() > MOST_PUSH * duration * duration;
        let way = [0.0, if is_brief { by_itself } else { way }];
        match smooth {
            true => quintic(duration, way, [0.0, speed], [0.0, push]).to_vec(),
            false => cubic(duration, way, [0.0, speed]).to_vec(),
        }
    };
    let back: Vec<Vec<f64>> = (0..trajectory.dof()).map(back).collect();
    for TickPoint { tick, state } in points {
        let t = *tick as f64 / NANOSECONDS;
        for (order, values) in state.iter_mut().enumerate() {
            values.iter_mut().zip(&back).for_each(|(value, back)| *value += derivative(back, order, t));
        }
    }
}

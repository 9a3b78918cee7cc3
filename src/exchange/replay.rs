//! States and controls of a base at even times, so dense that its equations of motion, integrated under
//! the controls alone, lead through the states.

use crate::base::{Base, Sample};
use crate::trajectory::Trajectory;
use std::f64::consts::TAU;

/// Greatest time between two samples, seconds.
const COARSEST: f64 = 0.01;
/// It is halved so often at most, down to 0.156 ms.
const HALVINGS: i32 = 6;
/// Controls that are joined by lines are cared for down to this time between samples, seconds: what they
/// miss by shrinks only in proportion to it.
const FINEST_LINES: f64 = 5e-4;
/// Most samples; a trajectory of many minutes is not sampled as densely.
const MOST: f64 = 200_000.0;
/// How far integrated states may be from the samples, in the units of the state; half of what is promised.
const TOLERANCE: f64 = 5e-4;

/// Samples of what a base does, `[sample][number]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    /// Seconds, evenly spaced.
    pub(super) time: Vec<f64>,
    /// States; angles and quaternions do not jump.
    pub(super) state: Vec<Vec<f64>>,
    /// Controls, to be held until the next sample: their means over that time.
    pub(super) control: Vec<Vec<f64>>,
}

impl Replay {
    /// Of a trajectory whose first outputs are those of `base`; `heading` is the first of the base's angles at
    /// the start, up to whole turns, where it has one.
    ///
    /// The time between samples is halved until the states are met within the tolerance by controls that
    /// are held, and by controls that are joined by lines too where that can be had.
    pub(super) fn of(base: &Base, trajectory: &Trajectory, heading: Option<f64>) -> Self {
        let mut held_alone = None;
        let mut finest = Self::default();
        for halving in 0..=HALVINGS {
            let step = COARSEST * 0.5_f64.powi(halving);
            let is_too_long = trajectory.duration() / step > MOST;
            if is_too_long && !finest.time.is_empty() {
                break;
            }
            finest = Self::sampled(base, trajectory, step.max(trajectory.duration() / MOST), heading);
            let is_held = finest.deviation(base, Between::Held) <= TOLERANCE;
            if is_held && finest.deviation(base, Between::Lines) <= TOLERANCE {
                return finest;
            }
            if is_held && held_alone.is_none() {
                held_alone = Some(finest.clone());
            }
            if held_alone.is_some() && step < FINEST_LINES {
                break;
            }
        }
        held_alone.unwrap_or(finest)
    }

    fn sampled(base: &Base, trajectory: &Trajectory, step: f64, heading: Option<f64>) -> Self {
        let time: Vec<f64> = trajectory.sample_times(step).collect();
        let mut state: Vec<Vec<f64>> = Vec::with_capacity(time.len());
        let mut control: Vec<Vec<f64>> = Vec::with_capacity(time.len());
        for (i, &t) in time.iter().enumerate() {
            // A trajectory that was certified is nowhere singular; of any other the last state stays.
            let next = at(base, trajectory, t).map(|sample| sample.state);
            let mut next = next.or_else(|| state.last().cloned());
            match (state.last(), &mut next) {
                (Some(last), Some(next)) => unwind(base, next, last),
                (None, Some(first)) => begin(base, first, heading),
                _ => {}
            }
            state.push(next.unwrap_or_else(|| vec![0.0; base.state_names().len()]));
            control.push(mean_control(base, trajectory, t, time[(i + 1).min(time.len() - 1)]));
        }
        Self { time, state, control }
    }

    /// The farthest that any number of an integrated state is from its sample.
    fn deviation(&self, base: &Base, between: Between) -> f64 {
        let mut state = self.state[0].clone();
        let mut farthest = 0.0_f64;
        for i in 1..self.time.len() {
            let controls = match between {
                Between::Held => [&self.control[i - 1], &self.control[i - 1]],
                Between::Lines => [&self.control[i - 1], &self.control[i]],
            };
            integrate(base, &mut state, controls, self.time[i] - self.time[i - 1]);
            let apart = state.iter().zip(&self.state[i]).map(|(a, b)| (a - b).abs());
            farthest = apart.fold(farthest, f64::max);
            if farthest.is_nan() || farthest > TOLERANCE {
                return f64::INFINITY;
            }
        }
        farthest
    }
}

/// What a control does between two samples.
#[derive(Clone, Copy)]
enum Between {
    /// It stays what it was.
    Held,
    /// It goes to what it will be on a line.
    Lines,
}

/// A step of the classical Runge-Kutta method of fourth order.
fn integrate(base: &Base, state: &mut [f64], [from, to]: [&Vec<f64>; 2], step: f64) {
    let middle: Vec<f64> = from.iter().zip(to).map(|(a, b)| 0.5 * (a + b)).collect();
    let rates = |state: &[f64], control: &[f64]| {
        let mut rates = vec![0.0; state.len()];
        base.dynamics(state, control, &mut rates);
        rates
    };
    let moved = |rates: &[f64], step: f64| -> Vec<f64> {
        state.iter().zip(rates).map(|(x, rate)| x + step * rate).collect()
    };
    let a = rates(state, from);
    let b = rates(&moved(&a, 0.5 * step), &middle);
    let c = rates(&moved(&b, 0.5 * step), &middle);
    let d = rates(&moved(&c, step), to);
    for (i, x) in state.iter_mut().enumerate() {
        *x += step / 6.0 * (a[i] + 2.0 * (b[i] + c[i]) + d[i]);
    }
}

/// What the base does at time `t`, unless the trajectory is singular there.
fn at(base: &Base, trajectory: &Trajectory, t: f64) -> Option<Sample> {
    let (segment, local) = trajectory.locate(t);
    base.unflatten(&base.flat(&trajectory.segment(segment), local)).ok()
}

/// The mean of the control from `from` to `to`: held that long, it leads to the same velocities. Two points
/// of Gauss's rule between one knot and the next are exact for cubics.
fn mean_control(base: &Base, trajectory: &Trajectory, from: f64, to: f64) -> Vec<f64> {
    let count = base.control_names().len();
    let control = |t: f64| at(base, trajectory, t).map_or_else(|| vec![0.0; count], |sample| sample.control);
    if from >= to {
        return control(from);
    }
    let knots = trajectory.knots();
    let first = knots.partition_point(|&knot| knot <= from);
    let inside = knots[first..].iter().copied().take_while(|&knot| knot < to);
    let mut mean = vec![0.0; count];
    let mut begin = from;
    for end in inside.chain([to]) {
        for side in [-1.0, 1.0] {
            let t = 0.5 * (begin + end) + side * (end - begin) / 12.0_f64.sqrt();
            let share = 0.5 * (end - begin) / (to - from);
            mean.iter_mut().zip(control(t)).for_each(|(m, u)| *m += share * u);
        }
        begin = end;
    }
    mean
}

/// States that are angles, which are the same after a whole turn.
const ANGLES: [&str; 6] = ["theta", "theta0", "theta1", "yaw", "phi", "psi"];

fn angles(base: &Base) -> impl Iterator<Item = usize> {
    let names = base.state_names().iter().enumerate();
    names.filter(|(_, name)| ANGLES.contains(name)).map(|(i, _)| i)
}

/// Chooses of equal states the one that is nearest to the `last`.
fn unwind(base: &Base, state: &mut [f64], last: &[f64]) {
    for i in angles(base) {
        state[i] -= TAU * ((state[i] - last[i]) / TAU).round();
    }
    if let Some(first) = base.state_names().iter().position(|&name| name == "qx") {
        let quaternion = first..first + 4;
        let product: f64 =
            state[quaternion.clone()].iter().zip(&last[quaternion.clone()]).map(|(a, b)| a * b).sum();
        if product < 0.0 {
            state[quaternion].iter_mut().for_each(|q| *q = -*q);
        }
    }
}

/// Turns all angles of the first state by as many whole turns as bring the first of them to `heading`.
fn begin(base: &Base, state: &mut [f64], heading: Option<f64>) {
    let Some((heading, first)) = heading.zip(angles(base).next()) else { return };
    let turns = TAU * ((state[first] - heading) / TAU).round();
    angles(base).for_each(|i| state[i] -= turns);
}

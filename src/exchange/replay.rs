//! States and controls of a base, so dense that its equations of motion, integrated under
//! the controls alone, lead through the states.

use crate::base::{Base, Sample};
use crate::trajectory::Trajectory;
use std::f64::consts::TAU;

/// Greatest time for which a control is held, seconds.
const COARSEST: f64 = 0.01;
/// It is halved so often at most, down to 0.156 ms.
const HALVINGS: i32 = 6;
/// From the last sample of a control to the first of the next, as a share of the time for which it is held.
const CHANGE: f64 = 1e-6;
/// Shortest time for which a control is held, seconds: of knots that are nearer to each other one is left out.
const SHORTEST: f64 = 1e-6;
/// Most controls; those of a trajectory of many minutes are held for longer.
const MOST: f64 = 200_000.0;
/// How far integrated states may be from the samples, in the units of the state; half of what is promised.
const TOLERANCE: f64 = 5e-4;

/// Samples of what a base does, `[sample][number]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    /// Seconds. Every control has two samples, where it begins and right before the next: held from
    /// sample to sample or joined by lines, the controls are the same.
    pub(super) time: Vec<f64>,
    /// States; angles and quaternions do not jump.
    pub(super) state: Vec<Vec<f64>>,
    /// Controls: their means over the time for which they are held.
    pub(super) control: Vec<Vec<f64>>,
}

impl Replay {
    /// Of a trajectory whose first outputs are those of `base`; `heading` is the first of the base's angles at
    /// the start, up to whole turns, where it has one.
    ///
    /// The time for which a control is held is halved until the states are met within the tolerance.
    pub(super) fn of(base: &Base, trajectory: &Trajectory, heading: Option<f64>) -> Self {
        let shortest = trajectory.duration() / MOST;
        let mut replay = Self::sampled(base, trajectory, COARSEST.max(shortest), heading);
        for halving in 1..=HALVINGS {
            let hold = COARSEST * 0.5_f64.powi(halving);
            if hold < shortest || replay.follows(base) {
                break;
            }
            replay = Self::sampled(base, trajectory, hold, heading);
        }
        replay
    }

    fn sampled(base: &Base, trajectory: &Trajectory, hold: f64, heading: Option<f64>) -> Self {
        let mut replay = Self::default();
        // Controls may jump at knots: none is held across one.
        let mut times = trajectory.sample_times_with_knots(hold);
        times.dedup_by(|next, before| *next - *before < SHORTEST);
        // The last is never the one that is left out.
        let end = trajectory.duration();
        times.pop_if(|time| end - *time < SHORTEST);
        times.push(end);
        for (i, &from) in times.iter().enumerate() {
            let to = times.get(i + 1).copied().unwrap_or(from);
            let control = mean_control(base, trajectory, from, to);
            replay.push(base, trajectory, from, control.clone(), heading);
            if to > from {
                replay.push(base, trajectory, to - CHANGE * (to - from), control, heading);
            }
        }
        replay
    }

    fn push(
        &mut self,
        base: &Base,
        trajectory: &Trajectory,
        time: f64,
        control: Vec<f64>,
        heading: Option<f64>,
    ) {
        // A trajectory that was certified is nowhere singular; of any other the last state stays.
        let mut next = at(base, trajectory, time).map(|sample| sample.state);
        next = next.or_else(|| self.state.last().cloned());
        match (self.state.last(), &mut next) {
            (Some(last), Some(next)) => unwind(base, next, last),
            (None, Some(first)) => begin(base, first, heading),
            _ => {}
        }
        self.time.push(time);
        self.state.push(next.unwrap_or_else(|| vec![0.0; base.state_names().len()]));
        self.control.push(control);
    }

    /// Whether the controls, integrated from the first state, lead through all others.
    fn follows(&self, base: &Base) -> bool {
        let mut state = self.state[0].clone();
        (1..self.time.len()).all(|i| {
            integrate(base, &mut state, &self.control[i - 1], self.time[i] - self.time[i - 1]);
            state.iter().zip(&self.state[i]).all(|(a, b)| (a - b).abs() <= TOLERANCE)
        })
    }
}

/// A step of the classical Runge-Kutta method of fourth order, under a control that is held.
fn integrate(base: &Base, state: &mut [f64], control: &[f64], step: f64) {
    let rates = |state: &[f64]| {
        let mut rates = vec![0.0; state.len()];
        base.dynamics(state, control, &mut rates);
        rates
    };
    let moved = |rates: &[f64], step: f64| -> Vec<f64> {
        state.iter().zip(rates).map(|(x, rate)| x + step * rate).collect()
    };
    let a = rates(state);
    let b = rates(&moved(&a, 0.5 * step));
    let c = rates(&moved(&b, 0.5 * step));
    let d = rates(&moved(&c, step));
    for (i, x) in state.iter_mut().enumerate() {
        *x += step / 6.0 * (a[i] + 2.0 * (b[i] + c[i]) + d[i]);
    }
}

/// What the base does at time `t`, unless the trajectory is singular there.
fn at(base: &Base, trajectory: &Trajectory, t: f64) -> Option<Sample> {
    let (segment, local) = trajectory.locate(t);
    base.unflatten(&base.flat(&trajectory.segment(segment), local)).ok()
}

/// The mean of the control from `from` to `to`, between knots: held that long, it leads to the same
/// velocities. Two points of Gauss's rule are exact for cubics.
fn mean_control(base: &Base, trajectory: &Trajectory, from: f64, to: f64) -> Vec<f64> {
    let mut mean = vec![0.0; base.control_names().len()];
    for side in [-1.0, 1.0] {
        let t = 0.5 * (from + to) + side * (to - from) / 12.0_f64.sqrt();
        if let Some(sample) = at(base, trajectory, t) {
            mean.iter_mut().zip(sample.control).for_each(|(m, u)| *m += 0.5 * u);
        }
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

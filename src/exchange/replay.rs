//! States and controls of a base, so dense that its equations of motion, integrated under a control from one state,
//! lead to the next.

use super::sampling::{REPLAY_TOLERANCE, SHORTEST, rounded, sample_times};
use crate::base::{Base, Moved, Stretch};
use crate::trajectory::Trajectory;
use serde::Serialize;
use std::f64::consts::TAU;
use std::fmt;

/// The miss of an interval is of third order in its length; it is divided accordingly, at most into so many parts ...
const MOST_PARTS: f64 = 16.0;
/// ... and these again, so often.
const DEEPEST: u32 = 4;
/// Drift of an open loop that is as good as what is promised of stable motions, in the units of the state.
const STABLE: f64 = 9.9e-4;
/// Where it drifts farther, but no more than so many times, it is sampled again more closely: misses that add up do so
/// in proportion. Those of unstable motions cannot be kept small.
const REPAIRED: f64 = 10.0;
/// As often at most: where many misses are as great as may be, fewer of them are than the next tolerance tells.
const MOST_REPAIRS: usize = 4;

/// How well held controls lead through the samples, in the units of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ReplayErrors {
    /// From any sample to the next: the greatest miss of any number of the state.
    pub step: f64,
    /// From the first sample on, without looking at the states again: the greatest distance of any number of the
    /// state from that of a sample. Of motions that are unstable, as a trailer in reverse is, it grows exponentially;
    /// none where it grows beyond all numbers.
    pub drift: Option<f64>,
}

impl fmt::Display for ReplayErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "controls lead from sample to sample within {:.1e}, ", self.step)?;
        match self.drift {
            Some(drift) => write!(f, "and in an open loop within {drift:.1e}"),
            None => f.write_str("and in an open loop anywhere: the motion is unstable"),
        }
    }
}

/// Samples of what a base does, `[sample][number]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    /// Seconds.
    pub(super) time: Vec<f64>,
    /// States; angles and quaternions do not jump.
    pub(super) state: Vec<Vec<f64>>,
    /// Controls, to be held until the next sample: their means until then.
    pub(super) control: Vec<Vec<f64>>,
    /// What comes of that.
    pub(super) errors: ReplayErrors,
}

impl Replay {
    /// Of a trajectory whose first outputs are those of `base`; `heading` is the first of the base's angles at
    /// the start, up to whole turns, where it has one. There are about `most` samples at most, beside those at knots.
    pub(super) fn of(base: &Base, trajectory: &Trajectory, heading: Option<f64>, most: usize) -> Self {
        let sampled = |tolerance| Sampler::new(base, trajectory, heading, most, tolerance).sampled();
        let mut replay = sampled(REPLAY_TOLERANCE);
        for _ in 0..MOST_REPAIRS {
            let Some(drift) =
                replay.errors.drift.filter(|drift| (STABLE..=REPAIRED * STABLE).contains(drift))
            else {
                break;
            };
            let closer = sampled(replay.errors.step * 0.5 * STABLE / drift);
            if closer.errors.drift.is_none_or(|closer| closer >= drift) {
                break;
            }
            replay = closer;
        }
        replay
    }
}

/// What a base does at a time.
#[derive(Clone)]
struct Instant {
    /// Seconds.
    time: f64,
    /// None where the trajectory is singular.
    state_and_control: Option<[Vec<f64>; 2]>,
}

/// Samples a trajectory from its beginning to its end.
struct Sampler<'a> {
    base: &'a Base,
    trajectory: &'a Trajectory,
    most: usize,
    tolerance: f64,
    replay: Replay,
    /// The state that controls alone lead to.
    open: Vec<f64>,
    /// The segment that was looked at last, set up for more.
    stretch: Option<(usize, Stretch)>,
    moved: Moved,
    integrator: Integrator,
    turns: Turns,
}

impl<'a> Sampler<'a> {
    fn new(
        base: &'a Base,
        trajectory: &'a Trajectory,
        heading: Option<f64>,
        most: usize,
        tolerance: f64,
    ) -> Self {
        let mut sampler = Self {
            base,
            trajectory,
            most,
            tolerance,
            replay: Replay::default(),
            open: Vec::new(),
            stretch: None,
            moved: Moved::default(),
            integrator: Integrator::default(),
            turns: Turns::of(base),
        };
        let mut first = match sampler.at(0, 0.0).state_and_control {
            Some([state, _]) => state,
            None => vec![0.0; base.state_names().len()],
        };
        sampler.turns.begin(&mut first, heading);
        round(&mut first);
        sampler.open.clone_from(&first);
        sampler.replay.time.push(0.0);
        sampler.replay.state.push(first);
        sampler.replay.errors.drift = Some(0.0);
        sampler
    }

    fn sampled(mut self) -> Replay {
        // Controls may jump at knots: none is held across one.
        let times = sample_times(self.trajectory);
        let mut before: Option<(usize, Instant)> = None;
        for (i, pair) in times.windows(2).enumerate() {
            let room = self.most.saturating_sub(self.replay.time.len() + times.len() - i);
            let segment = self.trajectory.locate(0.5 * (pair[0] + pair[1])).0;
            let known = before.take().filter(|(of, _)| *of == segment);
            let from = known.map_or_else(|| self.at(segment, pair[0]), |(_, instant)| instant);
            let to = self.at(segment, pair[1]);
            self.hold(segment, [&from, &to], room, 0);
            before = Some((segment, to));
        }
        let last = self.replay.control.last().cloned();
        self.replay.control.push(last.unwrap_or_else(|| vec![0.0; self.base.control_names().len()]));
        self.replay
    }

    /// Holds a control between two instants of a segment, or several where one would miss; adds at most `room` samples
    /// more than one.
    fn hold(&mut self, segment: usize, [begin, end]: [&Instant; 2], room: usize, depth: u32) {
        let (from, to) = (begin.time, end.time);
        let last = &self.replay.state[self.replay.state.len() - 1];
        // A trajectory that was certified is nowhere singular; of any other the last state stays.
        let mut next =
            end.state_and_control.as_ref().map_or_else(|| last.clone(), |[state, _]| state.clone());
        self.turns.unwind(&mut next, last);
        round(&mut next);
        let middle = self.at(segment, 0.5 * (from + to));
        let last = self.replay.state[self.replay.state.len() - 1].clone();
        let (mut control, mut miss) =
            self.missed(&[(begin, 1.0), (&middle, 4.0), (end, 1.0)], [&last, &next], to - from);
        if miss > self.tolerance {
            // Two points of Gauss's rule are within, where nothing jumps and nothing is singular.
            let gauss = [-1.0, 1.0].map(|side| 0.5 * (from + to) + side * (to - from) / 12.0_f64.sqrt());
            let [one, other] = gauss.map(|time| self.at(segment, time));
            let within = self.missed(&[(&one, 1.0), (&other, 1.0)], [&last, &next], to - from);
            if within.1 < miss {
                (control, miss) = within;
            }
        }
        let parts = (1.2 * miss / self.tolerance).cbrt().ceil().clamp(2.0, MOST_PARTS);
        let parts = parts.min((to - from) / SHORTEST).min(room as f64 + 1.0) as usize;
        if miss > self.tolerance && depth < DEEPEST && parts > 1 {
            let mut part_begins = begin.clone();
            for part in 1..=parts {
                let part_ends = match part {
                    _ if part == parts => end.clone(),
                    _ => self.at(segment, from + (to - from) * (part as f64 / parts as f64)),
                };
                self.hold(segment, [&part_begins, &part_ends], (room + 1 - parts) / parts, depth + 1);
                part_begins = part_ends;
            }
            return;
        }
        self.integrator.step(self.base, &mut self.open, &control, to - from);
        let drift = farthest(&self.open, &next);
        let errors = &mut self.replay.errors;
        errors.step = errors.step.max(miss);
        errors.drift = errors.drift.filter(|_| drift.is_finite()).map(|most| most.max(drift));
        self.replay.time.push(to);
        self.replay.state.push(next);
        self.replay.control.push(control);
    }

    /// The mean control of some instants by their weights, and by how much it misses a state from another, held so long.
    fn missed(
        &mut self,
        instants: &[(&Instant, f64)],
        [last, next]: [&[f64]; 2],
        time: f64,
    ) -> (Vec<f64>, f64) {
        let mut control = mean_control(instants, self.base.control_names().len());
        round(&mut control);
        let mut reached = last.to_vec();
        self.integrator.step(self.base, &mut reached, &control, time);
        let miss = farthest(&reached, next);
        (control, miss)
    }

    /// What the base does at a time of a segment; at its ends as seen from within. Segments briefer than a sample have none
    /// of their own, so that a time may be of the one beside.
    fn at(&mut self, index: usize, time: f64) -> Instant {
        let knots = self.trajectory.knots();
        let is_within = (knots[index]..=knots[index + 1]).contains(&time);
        let index = if is_within { index } else { self.trajectory.locate(time).0 };
        let segment = self.trajectory.segment(index);
        let local = (time - knots[index]).clamp(0.0, segment.duration);
        let stretch = match self.stretch.take() {
            Some((of, stretch)) if of == index => stretch,
            _ => self.base.stretch(&segment),
        };
        let flat = stretch.flat(&segment, local, 0.0);
        self.stretch = Some((index, stretch));
        Instant { time, state_and_control: self.base.state_and_control(&flat, &mut self.moved).ok() }
    }
}

/// The mean of the control over a time of which some instants are known, by their weights; of singular ones nothing is.
/// By Simpson's rule, which is exact for cubics: held that long, it leads to the same velocities.
fn mean_control(instants: &[(&Instant, f64)], controls: usize) -> Vec<f64> {
    let (mut mean, mut weights) = (vec![0.0; controls], 0.0);
    for &(instant, weight) in instants {
        if let Some([_, control]) = &instant.state_and_control {
            weights += weight;
            mean.iter_mut().zip(control).for_each(|(mean, u)| *mean += weight * u);
        }
    }
    if weights > 0.0 {
        mean.iter_mut().for_each(|mean| *mean /= weights);
    }
    mean
}

/// Rounds numbers as files have them: what is told of a replay holds of what is written.
fn round(numbers: &mut [f64]) {
    numbers.iter_mut().for_each(|number| *number = rounded(*number));
}

/// The greatest difference of any number; not a number where one is none.
fn farthest(a: &[f64], b: &[f64]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |most, next| if next.is_nan() || next > most { next } else { most })
}

/// Steps of the classical Runge-Kutta method of fourth order, under a control that is held, and memory for them.
#[derive(Default)]
struct Integrator {
    rates: [Vec<f64>; 4],
    moved: Vec<f64>,
}

impl Integrator {
    fn step(&mut self, base: &Base, state: &mut [f64], control: &[f64], step: f64) {
        for stage in 0..4_usize {
            self.moved.clear();
            self.moved.extend_from_slice(state);
            if let Some(before) = stage.checked_sub(1) {
                let share = if stage == 3 { step } else { 0.5 * step };
                self.moved.iter_mut().zip(&self.rates[before]).for_each(|(x, rate)| *x += share * rate);
            }
            self.rates[stage].resize(state.len(), 0.0);
            base.dynamics(&self.moved, control, &mut self.rates[stage]);
        }
        let [a, b, c, d] = &self.rates;
        for (i, x) in state.iter_mut().enumerate() {
            *x += step / 6.0 * (a[i] + 2.0 * (b[i] + c[i]) + d[i]);
        }
    }
}

/// States that are angles, which are the same after a whole turn.
const ANGLES: [&str; 6] = ["theta", "theta0", "theta1", "yaw", "phi", "psi"];

/// Which numbers of a state come around.
struct Turns {
    angles: Vec<usize>,
    /// Where a quaternion begins.
    quaternion: Option<usize>,
}

impl Turns {
    fn of(base: &Base) -> Self {
        let names = base.state_names();
        let angles = (0..names.len()).filter(|&i| ANGLES.contains(&names[i])).collect();
        Self { angles, quaternion: names.iter().position(|&name| name == "qx") }
    }

    /// Chooses of equal states the one that is nearest to the `last`.
    fn unwind(&self, state: &mut [f64], last: &[f64]) {
        for &i in &self.angles {
            state[i] -= TAU * ((state[i] - last[i]) / TAU).round();
        }
        let Some(first) = self.quaternion else { return };
        let (now, before) = (&mut state[first..first + 4], &last[first..first + 4]);
        if now.iter().zip(before).map(|(a, b)| a * b).sum::<f64>() < 0.0 {
            now.iter_mut().for_each(|q| *q = -*q);
        }
    }

    /// Turns all angles of the first state by as many whole turns as bring the first of them to `heading`.
    fn begin(&self, state: &mut [f64], heading: Option<f64>) {
        let Some((heading, &first)) = heading.zip(self.angles.first()) else { return };
        let turns = TAU * ((state[first] - heading) / TAU).round();
        self.angles.iter().for_each(|&i| state[i] -= turns);
    }
}

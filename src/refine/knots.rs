//! A path of cubics as its knots: every cubic is given by the states at its ends and its duration.

use crate::local_planner::End;
use crate::problem::FlatState;
use crate::steer::LeastEffort;
use crate::trajectory::{Trajectory, derivative};

/// States joined by cubics of given durations.
#[derive(Clone, Debug, Default)]
pub struct Knots {
    /// States, in order.
    pub states: Vec<FlatState>,
    /// Duration between each state and the next, seconds; one fewer than there are states.
    pub durations: Vec<f64>,
}

impl Knots {
    /// Duration of the whole, seconds.
    pub fn duration(&self) -> f64 {
        self.durations.iter().sum()
    }

    /// A knot as an end of an edge.
    pub fn end(&self, knot: usize) -> End<'_> {
        (&self.states[knot]).into()
    }

    /// The cubics themselves.
    pub fn trajectory(&self, steering: &LeastEffort) -> Trajectory {
        let dof = self.states[0].position.len();
        let mut trajectory = Trajectory::new(dof, 3);
        let mut coefficients = vec![0.0; 4 * dof];
        for (i, &duration) in self.durations.iter().enumerate() {
            // Where an edge joined a state to itself there is nothing to do.
            if duration == 0.0 && self.durations.len() > 1 {
                continue;
            }
            self.cubics(i, steering, &mut coefficients);
            trajectory.push(duration, &coefficients);
        }
        trajectory
    }

    /// Segment that holds time `t`, and the time since it began.
    pub fn locate(&self, t: f64) -> (usize, f64) {
        let mut local = t;
        for (i, &duration) in self.durations.iter().enumerate() {
            if local <= duration || i + 1 == self.durations.len() {
                return (i, local.clamp(0.0, duration));
            }
            local -= duration;
        }
        (0, 0.0)
    }

    /// The state at local time `t` of segment `i`.
    pub fn state(&self, i: usize, t: f64, steering: &LeastEffort) -> FlatState {
        let mut coefficients = vec![0.0; 4 * self.states[i].position.len()];
        self.cubics(i, steering, &mut coefficients);
        let derivative =
            |order: usize| coefficients.chunks_exact(4).map(|c| derivative(c, order, t)).collect();
        FlatState { position: derivative(0), velocity: derivative(1) }
    }

    /// Replaces what lies between time `from` of segment `i` and time `to` of segment `j >= i` by
    /// `pieces` (each a duration and the state at its end) that begin at `start`, the state there.
    pub fn splice(
        &mut self,
        (i, from, start): (usize, f64, FlatState),
        (j, to): (usize, f64),
        mut pieces: Vec<(f64, FlatState)>,
    ) {
        let rest = self.durations[j] - to;
        // An end at a knot is that knot: no cubic of no duration is kept.
        let head = (from > 0.0).then_some((from, start));
        if rest > 0.0 {
            let next = self.states[j + 1].clone();
            pieces.push((rest, next));
        }
        let (durations, mut states): (Vec<f64>, Vec<FlatState>) = head.into_iter().chain(pieces).unzip();
        states.pop();
        self.states.splice(i + 1..=j, states);
        self.durations.splice(i..=j, durations);
    }

    fn cubics(&self, i: usize, steering: &LeastEffort, coefficients: &mut [f64]) {
        let (a, b) = (&self.states[i], &self.states[i + 1]);
        let duration = self.durations[i];
        steering.steer_in(duration, &a.position, &a.velocity, &b.position, &b.velocity, coefficients);
    }
}

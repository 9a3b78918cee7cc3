//! A connection of two states: its motion.

use super::matrix::{Factor, dot};
use super::dynamics::{BestDuration, Dynamics};
use crate::trajectory::{MAX_DEGREE, Trajectory};

/// The cheapest motion of a linear system from one state to another in a given time.
#[derive(Clone, Debug)]
pub struct Connection {
    /// How long it takes, seconds.
    pub duration: f64,
    /// Time and effort: the integral of 1 + u' R u.
    pub cost: f64,
    from: Vec<f64>,
    /// The costate at the start: u = R^-1 B' y, y' = -A' y.
    costate: Vec<f64>,
    /// The same at the end.
    end: Vec<f64>,
}

/// Motions that are no polynomials are written as pieces of this degree.
const DEGREE: usize = 9;

/// Pieces are so short that |A| t is no more than this: what is left out is below 1e-12 of the state.
const PIECE: f64 = 0.2;

impl Connection {
    pub(super) fn new(dynamics: &Dynamics, from: &[f64], to: &[f64], duration: f64) -> Option<Self> {
        if duration == 0.0 {
            let costate = vec![0.0; from.len()];
            return (from == to).then(|| Self { duration, cost: 0.0, from: from.to_vec(), end: costate.clone(), costate });
        }
        let (cost, costate, end) = match &dynamics.best {
            BestDuration::Graded(graded) => {
                let (cost, end) = graded.costate(duration, from, to);
                (cost, graded.back(duration, &end), end)
            }
            BestDuration::Table(_) => {
                let moment = dynamics.moments.at(duration);
                let missed = moment.missed(from, to);
                let mut end = missed.clone();
                Factor::of(&moment.gramian)?.solve(&mut end);
                (duration + dot(&missed, &end), moment.transition.apply_transposed(&end), end)
            }
        };
        cost.is_finite().then(|| Self { duration, cost, from: from.to_vec(), costate, end })
    }

    /// The controls at the start and at the end.
    pub(super) fn end_controls(&self, dynamics: &Dynamics) -> [Vec<f64>; 2] {
        [&self.costate, &self.end].map(|costate| dynamics.gain.apply(costate))
    }

    /// State and control at a time, seconds from the start.
    pub(super) fn at(&self, dynamics: &Dynamics, t: f64) -> [Vec<f64>; 2] {
        let moment = dynamics.moments.at(t);
        // y(t) = e^(-A't) y(0) is the solution of e^(A't) y = y(0), and x(t) = drift + G(t) y(t).
        let y = dynamics.moments.back(t).apply_transposed(&self.costate);
        let driven = moment.gramian.apply(&y);
        let drifted = moment.transition.apply(&self.from);
        let state = drifted.iter().zip(&moment.drift).zip(driven).map(|((x, d), g)| x + d + g).collect();
        [state, dynamics.gain.apply(&y)]
    }

    /// The motion as polynomials of time: of each state, then of each control.
    pub(super) fn trajectory(&self, dynamics: &Dynamics) -> Trajectory {
        let (states, controls) = (self.from.len(), dynamics.gain.rows());
        let longest = PIECE * dynamics.moments.time_scale();
        let (pieces, degree) = match dynamics.moments.polynomial_degree() {
            Some(degree) => (1, degree),
            None => ((self.duration / longest).ceil().max(1.0) as usize, DEGREE),
        };
        let step = self.duration / pieces as f64;
        let mut trajectory = Trajectory::new(states + controls, degree);
        let (mut x, mut y) = (self.from.clone(), self.costate.clone());
        for _ in 0..pieces {
            let terms = self.expansion(dynamics, &x, &y, degree);
            let mut coefficients = vec![0.0; (states + controls) * (degree + 1)];
            for (power, [state, costate]) in terms.iter().enumerate() {
                let control = dynamics.gain.apply(costate);
                for (i, value) in state.iter().chain(&control).enumerate() {
                    coefficients[i * (degree + 1) + power] = *value;
                }
            }
            trajectory.push(step, &coefficients);
            let end = |of: usize| -> Vec<f64> {
                let horner = |i: usize| terms.iter().rev().fold(0.0, |sum, term| sum * step + term[of][i]);
                (0..states).map(horner).collect()
            };
            (x, y) = (end(0), end(1));
        }
        trajectory
    }

    /// Taylor's coefficients of state and costate at an instant: x' = A x + Q y + c, y' = -A' y.
    fn expansion(&self, dynamics: &Dynamics, x: &[f64], y: &[f64], degree: usize) -> Vec<[Vec<f64>; 2]> {
        let moments = &dynamics.moments;
        let mut terms = vec![[x.to_vec(), y.to_vec()]];
        for power in 1..=degree {
            let [x, y] = &terms[power - 1];
            let (drift, driven) = (moments.a().apply(x), moments.q().apply(y));
            let constant = |i: usize| if power == 1 { moments.c()[i] } else { 0.0 };
            let inverse = (power as f64).recip();
            let state = (0..x.len()).map(|i| (drift[i] + driven[i] + constant(i)) * inverse).collect();
            let costate = moments.a().apply_transposed(y).iter().map(|v| -v * inverse).collect();
            terms.push([state, costate]);
        }
        terms
    }
}

const _: () = assert!(DEGREE <= MAX_DEGREE);

//! A path as its knots: every piece is given by the states at its ends and its duration.

use crate::problem::JointState;
use crate::steer::{End, Steering};
use crate::trajectory::Trajectory;

/// States joined by polynomials of given durations.
#[derive(Clone, Debug, Default)]
pub struct Knots {
    /// States, in order.
    pub states: Vec<JointState>,
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

    /// The polynomial from one knot to the next.
    pub fn piece(&self, i: usize, steering: &Steering) -> Trajectory {
        let (dof, degree) = (self.states[0].position.len(), steering.degree());
        let mut coefficients = vec![0.0; (degree + 1) * dof];
        steering.steer_in(self.durations[i], self.end(i), self.end(i + 1), &mut coefficients);
        let mut piece = Trajectory::new(dof, degree);
        piece.push(self.durations[i], &coefficients);
        piece
    }

    /// The polynomials themselves.
    pub fn trajectory(&self, steering: &Steering) -> Trajectory {
        let (dof, degree) = (self.states[0].position.len(), steering.degree());
        let mut trajectory = Trajectory::new(dof, degree);
        let mut coefficients = vec![0.0; (degree + 1) * dof];
        for (i, &duration) in self.durations.iter().enumerate() {
            // Where an edge joined a state to itself there is nothing to do.
            if duration == 0.0 && self.durations.len() > 1 {
                continue;
            }
            steering.steer_in(duration, self.end(i), self.end(i + 1), &mut coefficients);
            trajectory.push(duration, &coefficients);
        }
        trajectory
    }
}

//! A path of cubics as its knots: every cubic is given by the states at its ends and its duration.

use crate::local_planner::End;
use crate::problem::FlatState;
use crate::steer::LeastEffort;
use crate::trajectory::Trajectory;

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

    fn cubics(&self, i: usize, steering: &LeastEffort, coefficients: &mut [f64]) {
        let (a, b) = (&self.states[i], &self.states[i + 1]);
        let duration = self.durations[i];
        steering.steer_in(duration, &a.position, &a.velocity, &b.position, &b.velocity, coefficients);
    }
}

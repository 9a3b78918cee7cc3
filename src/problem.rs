//! What there is to plan: a mechanism in a world, from a start to a goal.
//! Imports `trajectory`, `world` and `robot`.

use crate::robot::Mechanism;
use crate::trajectory::Trajectory;
use crate::world::World;
use glam::DVec3;

/// Standard gravity pointing down the world's z axis, m/s^2.
pub const GRAVITY: DVec3 = DVec3::new(0.0, 0.0, -9.81);

/// A point in the state space of the flat outputs: their values and first derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct FlatState {
    /// One value per flat output, rad or m.
    pub position: Vec<f64>,
    /// One derivative per flat output, rad/s or m/s.
    pub velocity: Vec<f64>,
}

impl FlatState {
    /// A state at rest.
    pub fn at_rest(position: Vec<f64>) -> Self {
        let velocity = vec![0.0; position.len()];
        Self { position, velocity }
    }

    /// The state of a trajectory at time `t`, seconds, which is clamped to it.
    ///
    /// # Panics
    /// If the trajectory is empty.
    pub fn on(trajectory: &Trajectory, t: f64) -> Self {
        let [position, velocity] = [0, 1].map(|order| {
            let mut values = vec![0.0; trajectory.dof()];
            trajectory.evaluate(t, order, &mut values);
            values
        });
        Self { position, velocity }
    }

    /// Whether every velocity is exactly zero.
    pub fn is_at_rest(&self) -> bool {
        self.velocity.iter().all(|&v| v == 0.0)
    }
}

/// A query to a planner. Limits are those of the mechanism.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The robot, reduced to what moves.
    pub mechanism: Mechanism,
    /// The obstacles.
    pub world: World,
    /// Where the trajectory begins.
    pub start: FlatState,
    /// Where it may end: any one of these.
    pub goals: Vec<FlatState>,
    /// Whether joint torques are held within the effort limits.
    pub torque: bool,
    /// Acceleration of free fall in the world frame, m/s^2.
    pub gravity: DVec3,
}

//! Trajectories as files give them.

use super::points::{Interpolation, TrajectoryPoint, through};
use crate::document::unknown;
use crate::error::{InputError, Warning};
use crate::problem::{Problem, Smoothness};
use crate::robot::Mechanism;
use crate::trajectory::Trajectory;
use std::collections::HashSet;

/// What extra joints of a file may stand beside where they are held or whom they follow, rad or m.
const BESIDE: f64 = 1e-4;

/// A trajectory as a file gives it, with a name for each of its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTrajectory {
    /// Names of the outputs (joints), in the order of the file.
    pub outputs: Vec<String>,
    /// The trajectory, its time counted from the first point. Of a single point, to which a controller drives from
    /// wherever it is, there is none: it is empty.
    pub trajectory: Trajectory,
    /// What lies between the points, where the file holds points.
    pub interpolation: Option<Interpolation>,
    /// What was read otherwise than it stands there, or passed over.
    pub warnings: Vec<Warning>,
    /// What a controller is told: points, the first of which it comes to from the state that it is in.
    pub(super) message: Vec<TrajectoryPoint>,
}

/// What a controller makes of a trajectory from a file where a problem starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Driven {
    /// The motion of the problem's flat outputs, from its start on.
    pub trajectory: Trajectory,
    /// What lies between points, where the file holds points.
    pub interpolation: Option<Interpolation>,
}

impl NamedTrajectory {
    /// One of polynomials.
    pub(super) fn of_polynomials(outputs: Vec<String>, trajectory: Trajectory) -> Self {
        Self { outputs, trajectory, interpolation: None, warnings: Vec::new(), message: Vec::new() }
    }

    /// One of points, and accelerations that are told beside them, that is itself from the first of them on.
    pub(super) fn of_points(outputs: Vec<String>, points: &[TrajectoryPoint], told: &[Vec<f64>]) -> Self {
        let (trajectory, interpolation) = through(points, told);
        let interpolation = Some(interpolation);
        Self { outputs, trajectory, interpolation, warnings: Vec::new(), message: Vec::new() }
    }

    /// The trajectory with its outputs in the order of `outputs`, by their names.
    ///
    /// # Errors
    /// Where the names are not the same, or it is a single point.
    pub fn ordered(&self, outputs: &[String]) -> Result<Trajectory, InputError> {
        let known = || outputs.iter().map(String::as_str);
        if let Some(name) = self.outputs.iter().find(|name| !outputs.contains(name)) {
            return Err(InputError::new(unknown("joint", name, known())));
        }
        if self.trajectory.is_empty() {
            return Err(InputError::new("a single point is no trajectory by itself; expected at least two"));
        }
        let order = self.columns(outputs)?;
        let mut ordered = Trajectory::new(order.len(), self.trajectory.degree());
        for segment in self.trajectory.segments() {
            let coefficients: Vec<f64> =
                order.iter().flat_map(|&output| segment.polynomial(output)).copied().collect();
            ordered.push(segment.duration, &coefficients);
        }
        Ok(ordered)
    }

    /// What a controller makes of it that begins where `problem` starts. To a first point that is later than the
    /// beginning it drives from there, as between any two points. Joints that are not planned for may have points
    /// too: where they are held, or follow planned joints.
    ///
    /// # Errors
    /// Where names are missing or not the robot's, or a joint that is not planned moves.
    pub fn driven(&self, problem: &Problem) -> Result<Driven, InputError> {
        let mechanism = &problem.mechanism;
        let outputs = mechanism.flat_outputs();
        if self.message.is_empty() {
            let interpolation = self.interpolation.clone();
            return Ok(Driven { trajectory: self.ordered(&outputs)?, interpolation });
        }
        let order = self.columns(&outputs)?;
        self.check_others(mechanism, &outputs, &order)?;
        let pick = |values: &Vec<f64>| match values[..] {
            [] => Vec::new(),
            _ => order.iter().map(|&column| values[column]).collect(),
        };
        let mut points: Vec<TrajectoryPoint> = Vec::with_capacity(self.message.len() + 1);
        if self.message[0].time > 0.0 {
            let start = &problem.start;
            points.push(TrajectoryPoint {
                time: 0.0,
                position: start.position.clone(),
                velocity: start.velocity.clone(),
                acceleration: match problem.smoothness {
                    Smoothness::Jerk => start.acceleration.clone(),
                    Smoothness::Acceleration => Vec::new(),
                },
            });
        }
        points.extend(self.message.iter().map(|point| TrajectoryPoint {
            time: point.time,
            position: pick(&point.position),
            velocity: pick(&point.velocity),
            acceleration: pick(&point.acceleration),
        }));
        let (trajectory, interpolation) = through(&points, &[]);
        Ok(Driven { trajectory, interpolation: Some(interpolation) })
    }

    /// Where the outputs stand in the file.
    fn columns(&self, outputs: &[String]) -> Result<Vec<usize>, InputError> {
        let place = |name: &String| {
            let found = self.outputs.iter().position(|o| o == name);
            found.ok_or_else(|| InputError::new(format!("the trajectory has no joint \"{name}\"")))
        };
        outputs.iter().map(place).collect()
    }

    /// Checks that joints which are not planned for do what they do anyway.
    fn check_others(
        &self,
        mechanism: &Mechanism,
        outputs: &[String],
        order: &[usize],
    ) -> Result<(), InputError> {
        for (column, name) in self.outputs.iter().enumerate().filter(|(_, name)| !outputs.contains(name)) {
            let held = mechanism.held.iter().find(|(held, _)| held == name);
            let follower = mechanism.bodies[1..].iter().find(|body| body.name == *name);
            for TrajectoryPoint { time, position, .. } in &self.message {
                let (wanted, why) = match (held, follower) {
                    (Some(&(_, value)), _) => (value, "is held"),
                    (None, Some(body)) => {
                        let leader = position[order[body.output]];
                        (body.ratio * leader + body.offset, "follows another joint")
                    }
                    (None, None) => {
                        let known = outputs.iter().chain(mechanism.held.iter().map(|(name, _)| name));
                        return Err(InputError::new(unknown("joint", name, known.map(String::as_str))));
                    }
                };
                let found = position[column];
                if (found - wanted).abs() > BESIDE {
                    return Err(InputError::new(format!(
                        "joint \"{name}\" {why} at {wanted:?} in the scene, and goes to {found:?} at {time} s"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The first of `names` that stands there twice.
pub(super) fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

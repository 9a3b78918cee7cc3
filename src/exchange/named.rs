//! Trajectories as files give them.

use super::points::{Interpolation, TrajectoryPoint, through};
use crate::document::unknown;
use crate::error::{InputError, Warning};
use crate::problem::{Problem, Smoothness};
use crate::robot::Mechanism;
use crate::trajectory::Trajectory;
use std::collections::HashSet;

/// What extra joints of a file may stand beside where they are held or whom they follow, at any time, rad or m.
const BESIDE: f64 = 1e-4;

/// Rounding of positions in files, rad or m: what stands farther beside is told.
const ROUNDING: f64 = 1e-6;

/// What points of extra joints may give beside the velocities and accelerations that they have, rad/s or m/s, and
/// rad/s^2 or m/s^2.
const RATES_BESIDE: f64 = 1e-3;

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
    /// What is taken though it is not quite as the problem has it.
    pub warnings: Vec<Warning>,
}

impl NamedTrajectory {
    /// One of polynomials.
    pub(super) fn of_polynomials(outputs: Vec<String>, trajectory: Trajectory) -> Self {
        Self { outputs, trajectory, interpolation: None, warnings: Vec::new(), message: Vec::new() }
    }

    /// One of points, that is itself from the first of them on.
    pub(super) fn of_points(outputs: Vec<String>, points: &[TrajectoryPoint]) -> Self {
        let (trajectory, interpolation) = through(points);
        let interpolation = Some(interpolation);
        Self { outputs, trajectory, interpolation, warnings: Vec::new(), message: Vec::new() }
    }

    /// The trajectory with its outputs in the order of `outputs`, by their names.
    ///
    /// # Errors
    /// Where the names are not the same, or it is a single point.
    pub fn ordered(&self, outputs: &[String]) -> Result<Trajectory, InputError> {
        self.ordered_by(outputs, "joint")
    }

    /// The same, outputs being of this `kind`.
    pub(super) fn ordered_by(&self, outputs: &[String], kind: &str) -> Result<Trajectory, InputError> {
        let known = || outputs.iter().map(String::as_str);
        if let Some(name) = self.outputs.iter().find(|name| !outputs.contains(name)) {
            return Err(InputError::new(unknown(kind, name, known())));
        }
        if self.trajectory.is_empty() {
            return Err(InputError::new("a single point is no trajectory by itself; expected at least two"));
        }
        let order = self.columns(outputs, kind)?;
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
    /// Where names are missing or not the robot's, a joint that is not planned would be driven elsewhere, or the file
    /// holds points and the problem's robot is a vehicle.
    pub fn driven(&self, problem: &Problem) -> Result<Driven, InputError> {
        let mechanism = &problem.mechanism;
        if mechanism.vehicle().is_some() && self.interpolation.is_some() {
            return Err(InputError::new(
                "points do not tell how a vehicle moves between them; expected polynomials, as a .json or .csv of \
                 flatout has them",
            ));
        }
        let outputs = mechanism.flat_outputs();
        if self.message.is_empty() {
            let interpolation = self.interpolation.clone();
            return Ok(Driven { trajectory: self.ordered(&outputs)?, interpolation, warnings: Vec::new() });
        }
        let order = self.columns(&outputs, "joint")?;
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
        let warnings = self.check_others(mechanism, &order, points.first())?;
        points.extend(self.message.iter().map(|point| TrajectoryPoint {
            time: point.time,
            position: pick(&point.position),
            velocity: pick(&point.velocity),
            acceleration: pick(&point.acceleration),
        }));
        let (trajectory, interpolation) = through(&points);
        Ok(Driven { trajectory, interpolation: Some(interpolation), warnings })
    }

    /// Where the outputs stand in the file.
    fn columns(&self, outputs: &[String], kind: &str) -> Result<Vec<usize>, InputError> {
        let place = |name: &String| {
            let found = self.outputs.iter().position(|o| o == name);
            found.ok_or_else(|| InputError::new(format!("the trajectory has no {kind} \"{name}\"")))
        };
        outputs.iter().map(place).collect()
    }

    /// Checks that joints which are not planned for are driven where they are anyway, from the point `from` where the
    /// problem starts, if the file's first is later, on. Says which of them are not quite.
    fn check_others(
        &self,
        mechanism: &Mechanism,
        order: &[usize],
        from: Option<&TrajectoryPoint>,
    ) -> Result<Vec<Warning>, InputError> {
        let others = (0..self.outputs.len()).filter(|column| !order.contains(column));
        let checked = others.map(|column| self.check_other(column, mechanism, order, from));
        checked.filter_map(Result::transpose).collect()
    }

    /// Checks the joint of a column. What it is beside is itself such a trajectory, being linear in what the points
    /// say.
    fn check_other(
        &self,
        column: usize,
        mechanism: &Mechanism,
        order: &[usize],
        from: Option<&TrajectoryPoint>,
    ) -> Result<Option<Warning>, InputError> {
        let role = self.role(column, mechanism, order)?;
        let beside = |values: &Vec<f64>, offset: f64| match values[..] {
            [] => Vec::new(),
            _ => vec![values[column] - (role.ratio * values[role.leader] + offset)],
        };
        let at_rest = |values: &Vec<f64>| vec![0.0; values.len().min(1)];
        let from = from.map(|point| TrajectoryPoint {
            time: point.time,
            position: at_rest(&point.position),
            velocity: at_rest(&point.velocity),
            acceleration: at_rest(&point.acceleration),
        });
        let points = self.message.iter().map(|point| TrajectoryPoint {
            time: point.time,
            position: beside(&point.position, role.offset),
            velocity: beside(&point.velocity, 0.0),
            acceleration: beside(&point.acceleration, 0.0),
        });
        let points: Vec<TrajectoryPoint> = from.into_iter().chain(points).collect();
        let Role { name, what, .. } = &role;
        for TrajectoryPoint { time, velocity, acceleration, .. } in &points {
            for (rate, values) in [("a velocity", velocity), ("an acceleration", acceleration)] {
                if let Some(found) = values.iter().find(|value| value.abs() > RATES_BESIDE) {
                    return Err(InputError::new(format!(
                        "joint \"{name}\" {what} in the scene, and the point at {time} s has {rate} that is \
                         {found:?} beside its own"
                    )));
                }
            }
        }
        let (far, time) = through(&points).0.extrema(0, 0).magnitude();
        let time = points[0].time + time;
        let message =
            format!("joint \"{name}\" {what} in the scene, and goes {far:.1e} from there at {time} s");
        match far {
            far if far <= ROUNDING => Ok(None),
            far if far <= BESIDE => Ok(Some(Warning(InputError::new(message + "; taken for there")))),
            _ => Err(InputError::new(message)),
        }
    }

    /// What a joint that is not planned for does.
    fn role(&self, column: usize, mechanism: &Mechanism, order: &[usize]) -> Result<Role<'_>, InputError> {
        let name = &self.outputs[column];
        if let Some(&(_, offset)) = mechanism.held.iter().find(|(held, _)| held == name) {
            return Ok(Role {
                name,
                ratio: 0.0,
                leader: column,
                offset,
                what: format!("is held at {offset:?}"),
            });
        }
        let Some(body) = mechanism.bodies[1..].iter().find(|body| body.name == *name) else {
            let known = mechanism.outputs.iter().chain(mechanism.held.iter().map(|(name, _)| name));
            return Err(InputError::new(unknown("joint", name, known.map(String::as_str))));
        };
        let what = format!("follows \"{}\"", mechanism.outputs[body.output]);
        Ok(Role { name, ratio: body.ratio, leader: order[body.output], offset: body.offset, what })
    }
}

/// What a joint that is not planned for does: it stands at `ratio` times where the joint in another column stands,
/// and `offset`.
struct Role<'a> {
    name: &'a str,
    ratio: f64,
    leader: usize,
    offset: f64,
    /// In words.
    what: String,
}

/// The first of `names` that stands there twice.
pub(super) fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

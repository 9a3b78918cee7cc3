//! What a scene says of its robot, and the mechanism that follows from it.

use super::files::RobotFiles;
use super::lengths::GREATEST_POSITION;
use super::vehicle::{PointRobot, VehicleRobot};
use crate::base::Base;
use crate::document::{Node, unknown};
use crate::error::{InputError, Warnings};
use crate::pose::Pose;
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::{GivenLimits, Joint, JointKind, JointLimits, LoadOptions, Mechanism, Robot};

/// Where a robot is described.
#[derive(Clone, Debug, PartialEq)]
pub enum RobotSource {
    /// In files of its own.
    Files(RobotFiles),
    /// In the scene: a point that carries spheres.
    Point(PointRobot),
    /// In the scene: what drives or flies. A robot that it carries has files of its own.
    Vehicle(Box<VehicleRobot>),
}

/// A robot and what of it moves.
#[derive(Clone, Debug, PartialEq)]
pub struct RobotChoice {
    /// Where it is described.
    pub source: RobotSource,
    /// The joints that are planned for.
    pub planned: Planned,
    /// Positions at which other joints are held, rad or m. The rest is held at zero, or at the
    /// bound nearest to zero.
    pub locked: Vec<(String, f64)>,
    /// Frame of the root link in the world.
    pub base: Pose,
}

/// Which joints are planned for; of a robot on a vehicle these are beside those of its base, which are
/// planned always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Planned {
    /// All that have a position of their own.
    All,
    /// Those of a group of the SRDF.
    Group(String),
    /// These, in this order.
    Joints(Vec<String>),
}

/// What a scene says of limits, on top of what the robot's files say.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitChoice {
    /// Factor on all limits of velocity, in (0, 1].
    pub velocity_scaling: f64,
    /// Factor on all limits of acceleration, in (0, 1].
    pub acceleration_scaling: f64,
    /// Seconds in which joints without a limit of jerk come from no acceleration to their greatest.
    pub ramp_time: Option<f64>,
    /// Whether torques are held within the effort limits; `None` where they can be.
    pub torque: Option<bool>,
    /// Limits of joints that nobody else gives one.
    pub default: DefaultLimits,
    /// Limits that take the place of those in the robot's files.
    pub joints: Vec<JointOverride>,
}

/// Limits of all joints that neither the robot's files nor a scene give one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DefaultLimits {
    /// Greatest acceleration, rad/s^2 or m/s^2.
    pub acceleration: Option<f64>,
    /// Greatest jerk, rad/s^3 or m/s^3.
    pub jerk: Option<f64>,
}

/// Limits of one joint that take the place of those in the robot's files, where they are given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JointOverride {
    /// Name of the joint.
    pub joint: String,
    /// Least position, rad or m.
    pub lower: Option<f64>,
    /// Greatest position, rad or m.
    pub upper: Option<f64>,
    /// Greatest speed, rad/s or m/s.
    pub velocity: Option<f64>,
    /// Greatest acceleration, rad/s^2 or m/s^2.
    pub acceleration: Option<f64>,
    /// Greatest jerk, rad/s^3 or m/s^3.
    pub jerk: Option<f64>,
    /// Greatest torque, N m, or force, N.
    pub effort: Option<f64>,
}

impl RobotSource {
    /// The files that are to be read, if there are any.
    pub fn files(&self) -> Option<&RobotFiles> {
        match self {
            Self::Files(files) => Some(files),
            Self::Point(_) => None,
            Self::Vehicle(vehicle) => vehicle.carries.as_ref().map(|carried| &carried.files),
        }
    }

    /// Reads or makes the robot.
    pub fn load(&self) -> Result<Robot, InputError> {
        match self {
            Self::Files(files) => files.load(),
            Self::Point(point) => Ok(point.robot()),
            Self::Vehicle(vehicle) => vehicle.robot(),
        }
    }
}

impl Default for LimitChoice {
    fn default() -> Self {
        Self {
            velocity_scaling: 1.0,
            acceleration_scaling: 1.0,
            ramp_time: None,
            torque: None,
            default: DefaultLimits::default(),
            joints: Vec::new(),
        }
    }
}

impl Planned {
    /// Indices of the joints, in the order of the mechanism.
    pub fn resolve(&self, robot: &Robot) -> Result<Vec<usize>, InputError> {
        let chosen: Vec<usize> = match self {
            Self::All => return Ok(robot.independent_joints()),
            Self::Group(name) => match robot.group(name) {
                Some(group) => group.joints.clone(),
                None => {
                    let known = robot.groups.iter().map(|g| g.name.as_str());
                    return Err(InputError::new(unknown("group", name, known)));
                }
            },
            Self::Joints(names) => {
                names.iter().map(|name| find_joint(robot, name)).collect::<Result<_, _>>()?
            }
        };
        Ok((0..coordinates(robot)).chain(chosen).collect())
    }
}

impl JointOverride {
    /// Puts what is given in place of what was there.
    pub fn apply(&self, limits: &mut JointLimits) {
        let put = |place: &mut f64, given: Option<f64>| *place = given.unwrap_or(*place);
        put(&mut limits.lower, self.lower);
        put(&mut limits.upper, self.upper);
        put(&mut limits.velocity, self.velocity);
        put(&mut limits.acceleration, self.acceleration);
        put(&mut limits.jerk, self.jerk);
        put(&mut limits.effort, self.effort);
    }
}

impl DefaultLimits {
    /// These, and the other's where there are none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { acceleration: self.acceleration.or(other.acceleration), jerk: self.jerk.or(other.jerk) }
    }

    /// Gives them to all joints but a vehicle's that move by themselves and have none.
    fn apply(&self, robot: &mut Robot) {
        let first = coordinates(robot);
        for joint in robot.joints[first..].iter_mut().filter(|joint| joint.is_independent()) {
            let limits = &mut joint.limits;
            let places = [(&mut limits.acceleration, self.acceleration), (&mut limits.jerk, self.jerk)];
            for (limit, given) in places.into_iter().filter(|(limit, _)| !limit.is_finite()) {
                *limit = given.unwrap_or(*limit);
            }
        }
    }
}

impl LimitChoice {
    /// Applies the limits of single joints to a robot, and then those of all that have none; what was proved of pairs of its links is proved anew
    /// where joints may then stand elsewhere.
    pub fn apply_to(&self, robot: &mut Robot) -> Result<(), InputError> {
        for given in &self.joints {
            let joint = find_joint(robot, &given.joint)?;
            given.apply(&mut robot.joints[joint].limits);
        }
        self.default.apply(robot);
        if self.joints.iter().any(|given| given.lower.is_some() || given.upper.is_some()) {
            robot.prove_pairs(&LoadOptions::default());
        }
        Ok(())
    }

    /// Applies the scaling to a mechanism, and then the time of ramps.
    pub fn scale(&self, mechanism: &mut Mechanism) {
        for limits in &mut mechanism.limits {
            limits.velocity *= self.velocity_scaling;
            limits.acceleration *= self.acceleration_scaling;
        }
        if let Some(ramp_time) = self.ramp_time {
            limit_jerk(mechanism, ramp_time);
        }
    }

    /// Whether torques are to be checked: as said, or where they can be.
    ///
    /// # Errors
    /// Where they are asked for and the robot's files do not suffice.
    pub fn torque(&self, mechanism: &Mechanism) -> Result<bool, InputError> {
        let possible = mechanism.has_dynamics();
        match self.torque {
            Some(true) if !possible => Err(InputError::new(missing_dynamics(mechanism))),
            Some(wanted) => Ok(wanted),
            None => Ok(possible),
        }
    }
}

/// Says what keeps torques from being checked.
fn missing_dynamics(mechanism: &Mechanism) -> String {
    let lacking = |l: &JointLimits| !(l.effort.is_finite() && l.effort > 0.0);
    match mechanism.limits.iter().position(lacking) {
        Some(i) => {
            let joint = &mechanism.outputs[i];
            format!(
                "torques cannot be checked: joint \"{joint}\" has no effort limit in the URDF or the scene"
            )
        }
        None => "torques cannot be checked: a moving link has no mass in the URDF".to_owned(),
    }
}

/// How many of a robot's joints, the first ones, are those of a vehicle: which are given limits and states
/// as the vehicle's, and not one by one.
pub(super) fn coordinates(robot: &Robot) -> usize {
    match &robot.base {
        None | Some(Base::Point(_)) => 0,
        Some(base) => base.coordinates().len(),
    }
}

/// A joint that can move, by name; none of a vehicle's.
pub(crate) fn find_joint(robot: &Robot, name: &str) -> Result<usize, InputError> {
    let movable = |j: &&Joint| j.kind != JointKind::Fixed;
    let first = coordinates(robot);
    match robot.joint(name).filter(|&j| j >= first) {
        Some(j) if robot.joints[j].kind == JointKind::Fixed => {
            Err(InputError::new(format!("joint \"{name}\" is fixed; expected one that moves")))
        }
        Some(j) => Ok(j),
        None => {
            let known = robot.joints[first..].iter().filter(movable).map(|j| j.name.as_str());
            Err(InputError::new(unknown("joint", name, known)))
        }
    }
}

/// Limits the jerk of every output that has no limit of it, so that it comes from no acceleration to
/// its greatest in `ramp_time` seconds.
pub fn limit_jerk(mechanism: &mut Mechanism, ramp_time: f64) {
    for limits in mechanism.limits.iter_mut().filter(|limits| !limits.jerk.is_finite()) {
        limits.jerk = limits.acceleration / ramp_time;
    }
}

/// What may stand in place of a limit of acceleration.
const BY_TORQUE: &str =
    "; or effort limits of all joints and masses of all moving links, by which torques bound it";

/// Checks that every joint has limits of velocity and acceleration, and of jerk where trajectories are
/// to be so smooth: without them no duration can be told. Where torques are held they bound accelerations
/// too. A vehicle has limits of its own.
pub(crate) fn require_limits(
    mechanism: &Mechanism,
    smoothness: Smoothness,
    torque: bool,
) -> Result<(), InputError> {
    let missing = |value: f64| !(value.is_finite() && value > 0.0);
    let first = mechanism.vehicle().map_or(0, |base| base.coordinates().len());
    for (name, limits) in mechanism.outputs.iter().zip(&mechanism.limits).skip(first) {
        for (kind, value) in [("velocity", limits.velocity), ("acceleration", limits.acceleration)] {
            let held = torque && kind == "acceleration" && value == f64::INFINITY;
            if missing(value) && !held {
                return Err(InputError::new(format!(
                    "joint \"{name}\" has no limit of {kind}: give limits.joints.{name}.{kind} in the scene, \
                     or a file under robot.joint_limits{}",
                    if kind == "acceleration" { BY_TORQUE } else { "" }
                )));
            }
        }
        if smoothness == Smoothness::Jerk && missing(limits.jerk) {
            return Err(InputError::new(format!(
                "joint \"{name}\" has no limit of jerk, as smoothness: jerk needs: give \
                 limits.joints.{name}.jerk or limits.ramp_time in the scene, or max_jerk in a file under \
                 robot.joint_limits"
            )));
        }
        if limits.lower > limits.upper {
            return Err(InputError::new(format!(
                "joint \"{name}\" cannot stand anywhere: its lower limit {:?} is above its upper limit {:?}",
                limits.lower, limits.upper
            )));
        }
    }
    Ok(())
}

/// Longest edge of the search where the scene does not say: that of [`PlanOptions`], but for a vehicle, whose
/// world may be of any size, half the diagonal of what it moves in, or of the box around start and goals.
pub(super) fn default_range(problem: &Problem) -> Option<f64> {
    let base = problem.mechanism.vehicle()?;
    let ends = || problem.goals.iter().chain([&problem.start]);
    let slides = base.coordinates().iter().take_while(|coordinate| !coordinate.turns).count();
    let span = |i: usize| {
        let JointLimits { lower, upper, .. } = problem.mechanism.limits[i];
        let all = ends().map(|state| state.position[i]);
        let [least, most] = [f64::min, f64::max].map(|f| all.clone().reduce(f).unwrap_or_default());
        if (upper - lower).is_finite() { upper - lower } else { most - least }
    };
    let diagonal = (0..slides).map(|i| span(i) * span(i)).sum::<f64>().sqrt();
    (diagonal > 0.0).then_some(0.5 * diagonal)
}

/// What a check of a value against a limit says: that it lies beyond it by no more than
/// [`END_SLACK`](crate::robot::END_SLACK), where it does.
pub(super) type Slack = Result<Option<InputError>, InputError>;

/// Takes a value for good that was checked, with a warning where it takes slack.
pub(super) fn allow(slack: Slack, node: &Node, warnings: &Warnings) -> Result<(), InputError> {
    if let Some(told) = slack.map_err(|e| node.locate(e))? {
        warnings.push(node.locate(told));
    }
    Ok(())
}

/// Says by which slack a value is taken.
pub(super) fn told_slack(what: &str, value: f64, limits: [f64; 2], done: &str) -> InputError {
    let [lower, upper] = limits;
    let limit = if value < lower { lower } else { upper };
    InputError::new(format!(
        "{what} {value:?} is beyond its limit {limit:?} by no more than rounding; {done}"
    ))
}

/// What is done with a limit that a planned joint is beyond.
const MOVED_OUT: &str = "the limit is moved out to it";

/// Checks the position of flat output `i` against its bounds, which move out to a position that
/// lies beyond those that were there `first` by no more than [`END_SLACK`](crate::robot::END_SLACK).
pub(super) fn admit_position(mechanism: &mut Mechanism, first: &GivenLimits, i: usize, value: f64) -> Slack {
    let given = mechanism.limits[i];
    let limits = given.widened(first.joints[i].admitting_position(value));
    let JointLimits { lower, upper, .. } = limits;
    let joint = &mechanism.outputs[i];
    if !(lower..=upper).contains(&value) || value.abs() > GREATEST_POSITION {
        let (lower, upper) = (lower.max(-GREATEST_POSITION), upper.min(GREATEST_POSITION));
        return Err(InputError::new(format!(
            "joint \"{joint}\" at {value:?} is outside its limits; expected {lower:?} to {upper:?}"
        )));
    }
    let bounds = [given.lower, given.upper];
    let told =
        (limits != given).then(|| told_slack(&format!("joint \"{joint}\" at"), value, bounds, MOVED_OUT));
    mechanism.limits[i] = limits;
    Ok(told)
}

/// Checks the velocity of flat output `i` against its limit, which moves out as that of a position.
pub(super) fn admit_velocity(mechanism: &mut Mechanism, first: &GivenLimits, i: usize, value: f64) -> Slack {
    let limits = mechanism.limits[i].widened(first.joints[i].admitting_velocity(value));
    admit_rate(mechanism, i, value, limits, "moving", |limits| limits.velocity)
}

/// Checks the acceleration of flat output `i` against its limit, which moves out as that of a position.
pub(super) fn admit_acceleration(
    mechanism: &mut Mechanism,
    first: &GivenLimits,
    i: usize,
    value: f64,
) -> Slack {
    let limits = mechanism.limits[i].widened(first.joints[i].admitting_acceleration(value));
    admit_rate(mechanism, i, value, limits, "accelerating", |limits| limits.acceleration)
}

/// Checks a rate against a limit of `limits`, which take the place of those that were there.
fn admit_rate(
    mechanism: &mut Mechanism,
    i: usize,
    value: f64,
    limits: JointLimits,
    doing: &str,
    of: fn(&JointLimits) -> f64,
) -> Slack {
    let joint = &mechanism.outputs[i];
    let (given, limit) = (of(&mechanism.limits[i]), of(&limits));
    if value.abs() > limit {
        return Err(InputError::new(format!(
            "joint \"{joint}\" {doing} at {value:?} is beyond its limit; expected {:?} to {limit:?}",
            -limit
        )));
    }
    let what = format!("joint \"{joint}\" {doing} at");
    let told = (limit != given).then(|| told_slack(&what, value, [-given, given], MOVED_OUT));
    mechanism.limits[i] = limits;
    Ok(told)
}

/// Checks a state that was read elsewhere, and says by which slacks it is taken.
pub(crate) fn admit(mechanism: &mut Mechanism, state: &JointState) -> Result<Vec<InputError>, InputError> {
    let mut told = Vec::new();
    let given = mechanism.given_limits();
    for i in 0..mechanism.dof() {
        told.extend(admit_position(mechanism, &given, i, state.position[i])?);
        told.extend(admit_velocity(mechanism, &given, i, state.velocity[i])?);
    }
    Ok(told)
}

/// What there is to say of the padding of a link: that it pads nothing, where the link has no collision geometry.
pub(super) fn useless_padding(robot: &Robot, link: &str) -> Option<InputError> {
    let bare = robot.link(link).is_some_and(|link| robot.links[link].spheres.is_empty());
    bare.then(|| {
        InputError::new(format!("link \"{link}\" has no collision geometry; its padding keeps nothing away"))
    })
}

/// The position at which a joint that is not planned is held: where it is to be, or at a limit that this lies
/// beyond by no more than [`END_SLACK`](crate::robot::END_SLACK).
///
/// # Errors
/// Where it lies farther beyond.
pub(crate) fn held_at(joint: &Joint, value: f64) -> Result<(f64, Option<InputError>), InputError> {
    let JointLimits { lower, upper, .. } = joint.limits;
    let name = &joint.name;
    let held = value.max(lower).min(upper);
    if held == value {
        return Ok((value, None));
    }
    let allowed = joint.limits.admitting_position(value);
    if !(allowed.lower..=allowed.upper).contains(&value) {
        return Err(InputError::new(format!(
            "joint \"{name}\" at {value:?} is outside its limits; expected {lower:?} to {upper:?}"
        )));
    }
    let what = format!("joint \"{name}\" at");
    Ok((held, Some(told_slack(&what, value, [lower, upper], "it is held at the limit"))))
}

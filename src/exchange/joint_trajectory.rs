//! ROS message `trajectory_msgs/JointTrajectory` as YAML, such as `ros2 topic pub` takes and
//! `ros2 topic echo` prints.

use super::NamedTrajectory;
use super::export::Export;
use super::json_file::outputs as names;
use super::points::TrajectoryPoint;
use super::sampling::point_times;
use super::ticks::{AT_REST, NANOSECONDS, TickPoint, is_smooth, whole_nanoseconds};
use crate::document::{Map, Node, Value};
use crate::error::{InputError, Warnings};
use crate::trajectory::Trajectory;
use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};
use std::borrow::Cow;

/// By how much the motion that is written is slower, relative to its speed. That its times are whole nanoseconds raises
/// its accelerations by a share of a nanosecond over the length of its pieces; slowed so, it has room for that within the
/// limits that it kept, and takes a millionth longer.
pub(super) const SLOWING: f64 = 1e-6;

#[derive(Serialize)]
struct Message<'a> {
    header: Header,
    joint_names: &'a [String],
    points: Vec<PointRecord<'a>>,
}

#[derive(Serialize)]
struct Header {
    stamp: FlowMap<Time>,
    frame_id: &'static str,
}

#[derive(Serialize)]
struct Time {
    sec: u64,
    nanosec: u64,
}

#[derive(Serialize)]
struct PointRecord<'a> {
    positions: FlowSeq<Vec<f64>>,
    velocities: FlowSeq<Vec<f64>>,
    accelerations: FlowSeq<Vec<f64>>,
    effort: FlowSeq<&'a [f64]>,
    time_from_start: FlowMap<Time>,
}

impl Time {
    fn new(nanoseconds: u64) -> FlowMap<Self> {
        const SECOND: u64 = NANOSECONDS as u64;
        FlowMap(Self { sec: nanoseconds / SECOND, nanosec: nanoseconds % SECOND })
    }
}

/// Every knot is a point, and there are more between them, at whole nanoseconds.
///
/// Accelerations are left out where the trajectory's jump. Controllers interpolate by quintics
/// where they are given, and a quintic that is told one of the two accelerations that meet at a
/// knot overshoots on the other side; without them they interpolate by cubics, which order-2
/// trajectories are made of. Efforts are left out because `joint_trajectory_controller` rejects
/// messages that have them unless it commands efforts.
pub(super) fn write(export: &Export<'_>) -> String {
    let smooth = is_smooth(export.trajectory);
    let trajectory = slowed(export.trajectory, smooth);
    let points = whole_nanoseconds(&trajectory, &point_times(&trajectory), smooth);
    let none: &[f64] = &[];
    let record = |point: &'_ TickPoint| PointRecord {
        positions: FlowSeq(point.state[0].clone()),
        velocities: FlowSeq(point.state[1].clone()),
        accelerations: FlowSeq(if smooth { point.state[2].clone() } else { Vec::new() }),
        effort: FlowSeq(none),
        time_from_start: Time::new(point.tick),
    };
    let message = Message {
        header: Header { stamp: Time::new(0), frame_id: "" },
        joint_names: &export.problem.mechanism.outputs,
        points: points.iter().map(record).collect(),
    };
    // Plain structures written to a string have no way to fail.
    serde_saphyr::to_string(&message).unwrap_or_default()
}

/// The motion that is written: a little slower along the same path, where that leaves its ends as they are. What moves at
/// its ends would move slower there.
fn slowed(trajectory: &Trajectory, smooth: bool) -> Cow<'_, Trajectory> {
    let mut rates = vec![0.0; trajectory.dof()];
    let mut rests = |time: f64, order: usize| {
        trajectory.evaluate(time, order, &mut rates);
        rates.iter().all(|rate| rate.abs() < AT_REST)
    };
    let mut rests_at = |time: f64| rests(time, 1) && (!smooth || rests(time, 2));
    match rests_at(0.0) && rests_at(trajectory.duration()) {
        true => Cow::Owned(trajectory.stretched(1.0 + SLOWING)),
        false => Cow::Borrowed(trajectory),
    }
}

/// What wraps the message: a FollowJointTrajectory goal's `goal` and `trajectory`, a RobotTrajectory's
/// `joint_trajectory`, a DisplayTrajectory's list `trajectory`.
const WRAPPERS: [&str; 3] = ["goal", "trajectory", "joint_trajectory"];

/// Reads the message itself, or one that wraps it, as ros2_control's `joint_trajectory_controller` does.
pub(super) fn read(map: &Map<'_>) -> Result<NamedTrajectory, InputError> {
    let mut map = *map;
    while map.get("joint_names").is_none() {
        let Some(wrapped) = WRAPPERS.into_iter().find_map(|wrapper| map.get(wrapper)) else { break };
        let inner = match &wrapped.value {
            Value::List(list) => match &list[..] {
                [only] => only,
                _ => return Err(wrapped.expected("one trajectory")),
            },
            _ => wrapped,
        };
        refuse_other_joints(&map)?;
        map = inner.map("a JointTrajectory: a map")?;
    }
    message(&map)
}

/// Refuses a motion of joints of several degrees of freedom.
fn refuse_other_joints(map: &Map<'_>) -> Result<(), InputError> {
    let Some(node) = map.get("multi_dof_joint_trajectory") else { return Ok(()) };
    let points = node.map("").ok().and_then(|m| m.get("points")).and_then(|points| points.list("").ok());
    if points.is_none_or(<[Node]>::is_empty) {
        return Ok(());
    }
    Err(node.error("joints of several degrees of freedom move, which cannot be read; expected no points"))
}

fn message(map: &Map<'_>) -> Result<NamedTrajectory, InputError> {
    refuse_other_joints(map)?;
    let warnings = Warnings::default();
    let outputs = names(map.require("joint_names")?)?;
    let node = map.require("points")?;
    let nodes = node.list("a list of points")?;
    let mut points: Vec<TrajectoryPoint> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let point = point(node, outputs.len())?;
        if points.last().is_some_and(|last| point.time <= last.time) {
            return Err(node.error("expected a greater time_from_start than that of the point before"));
        }
        points.push(point);
    }
    match &points[..] {
        [] => return Err(node.expected("at least one point")),
        [only] if only.time == 0.0 => {
            return Err(node.expected("at least two points, or a time_from_start above zero"));
        }
        _ => {}
    }
    if points.last().is_some_and(|last| last.velocity.iter().any(|v| v.abs() > AT_REST)) {
        let what = "the last point moves; joint_trajectory_controller refuses that unless \
                    allow_nonzero_velocity_at_trajectory_end is set";
        warnings.push(nodes[nodes.len() - 1].error(what));
    }
    let has_effort = |node: &&Node| {
        let effort = node.map("").ok().and_then(|point| point.get("effort"));
        effort.is_some_and(|effort| effort.list("").is_ok_and(|list| !list.is_empty()))
    };
    if let Some(node) = nodes.iter().find(has_effort) {
        warnings.push(node.error("efforts are not judged, but what the motion takes; passed over"));
    }
    let named = NamedTrajectory::of_points(outputs, &points);
    Ok(NamedTrajectory { warnings: warnings.take(), message: points, ..named })
}

fn point(node: &Node, dof: usize) -> Result<TrajectoryPoint, InputError> {
    let map = node.map("a point: a map")?;
    let values = |node: &Node| match node.numbers("a list of numbers")? {
        numbers if numbers.len() == dof => Ok(numbers),
        _ => Err(node.expected(format_args!("{dof} numbers, one per joint"))),
    };
    // ROS leaves out what is not given by an empty list.
    let optional = |key| match map.get(key) {
        Some(node) if !node.list("a list of numbers")?.is_empty() => values(node),
        _ => Ok(Vec::new()),
    };
    Ok(TrajectoryPoint {
        time: map.get("time_from_start").map_or(Ok(0.0), time)?,
        position: values(map.require("positions")?)?,
        velocity: optional("velocities")?,
        acceleration: optional("accelerations")?,
    })
}

/// Reads a duration as ROS 2 (`sec`, `nanosec`) or ROS 1 (`secs`, `nsecs`) has it, or a number of
/// seconds. What is left out is zero, as in any message.
fn time(node: &Node) -> Result<f64, InputError> {
    let Ok(map) = node.map_of("", &["sec", "secs", "nanosec", "nsecs"]) else {
        return match node.number() {
            Ok(seconds) if seconds >= 0.0 => Ok(seconds),
            _ => Err(node.expected("a duration: {sec: .., nanosec: ..}")),
        };
    };
    let part = |names: [&str; 2]| match map.at_most_one(&names)? {
        Some(entry) => entry.node.natural::<u32>().map(f64::from),
        None => Ok(0.0),
    };
    Ok(part(["sec", "secs"])? + part(["nanosec", "nsecs"])? / NANOSECONDS)
}

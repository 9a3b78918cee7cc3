//! ROS message `trajectory_msgs/JointTrajectory` as YAML, such as `ros2 topic pub` takes and
//! `ros2 topic echo` prints.

use super::NamedTrajectory;
use super::export::Export;
use super::json_file::outputs as names;
use super::points::{TrajectoryPoint, through};
use super::ticks::{NANOSECONDS, TickPoint, is_smooth, whole_nanoseconds};
use crate::document::{Map, Node};
use crate::error::InputError;
use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};

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
    let trajectory = export.trajectory;
    let smooth = is_smooth(trajectory);
    let points = whole_nanoseconds(trajectory, &export.times_with_knots(), smooth);
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

/// Reads the message itself, or one that wraps it: a RobotTrajectory's `joint_trajectory`, or a
/// FollowJointTrajectory goal's `trajectory`.
pub(super) fn read(map: &Map<'_>) -> Result<NamedTrajectory, InputError> {
    for wrapper in ["joint_trajectory", "trajectory"] {
        if let Some(inner) = map.get(wrapper) {
            return message(&inner.map("a JointTrajectory: a map")?);
        }
    }
    message(map)
}

fn message(map: &Map<'_>) -> Result<NamedTrajectory, InputError> {
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
    if points.len() < 2 {
        return Err(node.expected("at least two points"));
    }
    Ok(NamedTrajectory { outputs, trajectory: through(&points) })
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
        time: time(map.require("time_from_start")?)?,
        position: values(map.require("positions")?)?,
        velocity: optional("velocities")?,
        acceleration: optional("accelerations")?,
    })
}

/// Reads a duration as ROS 2 (`sec`, `nanosec`) or ROS 1 (`secs`, `nsecs`) has it, or a number of
/// seconds.
fn time(node: &Node) -> Result<f64, InputError> {
    let Ok(map) = node.map("") else {
        return match node.number() {
            Ok(seconds) if seconds >= 0.0 => Ok(seconds),
            _ => Err(node.expected("a duration: {sec: .., nanosec: ..}")),
        };
    };
    let part = |names: [&str; 2]| match map.at_most_one(&names)? {
        Some(entry) => entry.node.natural::<u32>().map(f64::from),
        None => Err(node.error(format!("missing key \"{}\"", names[0]))),
    };
    Ok(part(["sec", "secs"])? + part(["nanosec", "nsecs"])? / NANOSECONDS)
}

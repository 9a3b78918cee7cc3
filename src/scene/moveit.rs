//! MotionBenchMaker's problems as they were published: a MoveIt planning scene and a MoveIt
//! motion plan request, both in YAML.
//!
//! Of a MoveIt message what flatout can honour is read, and what only advises (padding, workspace,
//! planner names) is passed over. What would change which motions are allowed and cannot be
//! honoured (meshes, octomaps, path constraints) is an error.

use super::Scene;
use super::files::RobotFiles;
use super::lengths::{lengths, point, quaternion};
use super::setup::{self, LimitChoice, Planned, RobotChoice, RobotSource};
use crate::document::{self, Map, Node, Value, unknown};
use crate::error::InputError;
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{Mechanism, Robot};
use crate::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use std::path::Path;
use std::time::Duration;

/// Reads a planning scene and a request for the robot in `files`.
///
/// # Errors
/// Where a file is missing or malformed, names what the robot has not, or asks for what flatout
/// cannot do. Whether start and goals are free of collision is not looked at here.
pub fn load(scene: &Path, request: &Path, files: RobotFiles) -> Result<Scene, InputError> {
    let scene_text = InputError::read_text(scene)?;
    let request_text = InputError::read_text(request)?;
    let robot = files.load()?;
    parse(Text { text: &scene_text, file: scene }, Text { text: &request_text, file: request }, files, &robot)
}

/// The text of a file and its name for messages.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// What it holds.
    pub text: &'a str,
    /// Where it comes from.
    pub file: &'a Path,
}

/// Reads a planning scene and a request for a robot that is loaded already.
///
/// # Errors
/// As [`load`].
pub fn parse(scene: Text, request: Text, files: RobotFiles, robot: &Robot) -> Result<Scene, InputError> {
    let in_scene = |e: InputError| e.in_file(scene.file);
    let in_request = |e: InputError| e.in_file(request.file);
    let scene_root = document::parse(scene.text).map_err(in_scene)?;
    let scene_map = scene_root.map("a MoveIt planning scene: a map").map_err(in_scene)?;
    let request_root = document::parse(request.text).map_err(in_request)?;
    let request_map = request_root.map("a MoveIt motion plan request: a map").map_err(in_request)?;

    let mut state = RobotState::new(robot);
    if let Some(node) = scene_map.get("robot_state") {
        state.read(node).map_err(in_scene)?;
    }
    if let Some(node) = request_map.get("start_state") {
        state.read(node).map_err(in_request)?;
    }
    let query = MoveItQuery::read(&request_map, robot, &state, files).map_err(in_request)?;
    let world = world(&scene_map, robot, &query).map_err(in_scene)?;
    query.with_world(world).map_err(in_request)
}

/// Positions and velocities of all joints, and where the robot stands.
struct RobotState<'a> {
    robot: &'a Robot,
    position: Vec<f64>,
    velocity: Vec<f64>,
    /// Joints whose position was given.
    given: Vec<bool>,
    base: Pose,
}

impl<'a> RobotState<'a> {
    fn new(robot: &'a Robot) -> Self {
        let n = robot.joints.len();
        let position = robot.neutral();
        Self { robot, position, velocity: vec![0.0; n], given: vec![false; n], base: Pose::IDENTITY }
    }

    /// Takes over what a `moveit_msgs/RobotState` says.
    fn read(&mut self, node: &Node) -> Result<(), InputError> {
        let map = node.map("a robot state: a map")?;
        forbid(&map, "attached_collision_objects", "objects attached to the robot")?;
        if let Some(node) = map.get("joint_state") {
            self.read_joints(&node.map("a joint state: a map")?)?;
        }
        if let Some(node) = map.get("multi_dof_joint_state") {
            self.read_base(&node.map("a state of joints of several degrees of freedom: a map")?)?;
        }
        Ok(())
    }

    fn read_joints(&mut self, map: &Map) -> Result<(), InputError> {
        let Some(names) = map.get("name") else { return Ok(()) };
        let names = names.list("a list of names of joints")?;
        let position = column(map, "position", names.len())?;
        let velocity = column(map, "velocity", names.len())?;
        for (i, node) in names.iter().enumerate() {
            let name = node.text("the name of a joint")?;
            let Some(joint) = self.robot.joint(name) else {
                let known = self.robot.joints.iter().map(|j| j.name.as_str());
                return Err(node.error(unknown("joint", name, known)));
            };
            // What is fixed or follows another joint in this URDF stands where the URDF says.
            if self.robot.joints[joint].is_independent() {
                self.given[joint] = true;
                self.position[joint] = position.get(i).copied().unwrap_or(self.position[joint]);
                self.velocity[joint] = velocity.get(i).copied().unwrap_or(0.0);
            }
        }
        Ok(())
    }

    /// The joint of several degrees of freedom is the virtual one that carries the root link.
    fn read_base(&mut self, map: &Map) -> Result<(), InputError> {
        let Some(node) = map.get("transforms") else { return Ok(()) };
        match node.list("a list of transforms")? {
            [] => Ok(()),
            [transform] => {
                self.base = frame(transform, "translation", "rotation")?;
                Ok(())
            }
            _ => Err(node.expected("at most one transform, that of the robot's root link")),
        }
    }
}

/// A list of numbers that stands beside `count` names; may be empty or absent.
fn column(map: &Map, key: &str, count: usize) -> Result<Vec<f64>, InputError> {
    let Some(node) = map.get(key) else { return Ok(Vec::new()) };
    let what = format!("{count} numbers, one for each name");
    let numbers = node.numbers(&what)?;
    match numbers.len() {
        n if n == 0 || n == count => Ok(numbers),
        _ => Err(node.expected(what)),
    }
}

/// Refuses what is there and would change which motions are allowed.
fn forbid(map: &Map, key: &str, what: &str) -> Result<(), InputError> {
    let Some(node) = map.get(key) else { return Ok(()) };
    if is_blank(node) { Ok(()) } else { Err(node.error(format!("{what} cannot be read yet; expected none"))) }
}

/// Whether no list in it holds anything; names and headers alone say nothing.
fn is_blank(node: &Node) -> bool {
    match &node.value {
        Value::List(list) => list.is_empty(),
        Value::Map(entries) => entries.iter().all(|e| is_blank(&e.node)),
        _ => true,
    }
}

/// What a request asks of a robot.
struct MoveItQuery {
    choice: RobotChoice,
    limits: LimitChoice,
    mechanism: Mechanism,
    start: JointState,
    goals: Vec<JointState>,
    options: PlanOptions,
    /// Positions of all joints at the start.
    values: Vec<f64>,
}

impl MoveItQuery {
    fn read(map: &Map, robot: &Robot, state: &RobotState, files: RobotFiles) -> Result<Self, InputError> {
        forbid(map, "path_constraints", "path constraints")?;
        forbid(map, "trajectory_constraints", "trajectory constraints")?;
        let group = map.require("group_name")?;
        let planned = Planned::Group(group.text("the name of a group")?.to_owned());
        let joints = planned.resolve(robot).map_err(|e| group.locate(e))?;
        let limits = LimitChoice {
            velocity_scaling: scaling(map, "max_velocity_scaling_factor")?,
            acceleration_scaling: scaling(map, "max_acceleration_scaling_factor")?,
            ..LimitChoice::default()
        };
        let values = held(robot, state, &joints);
        let mut mechanism =
            Mechanism::new(robot, &joints, &values, state.base).map_err(|e| group.locate(e))?;
        limits.scale(&mut mechanism);
        let torque = limits.torque(&mechanism).map_err(|e| group.locate(e))?;
        setup::require_limits(&mechanism, Smoothness::Acceleration, torque).map_err(|e| group.locate(e))?;

        let pick = |all: &[f64]| joints.iter().map(|&j| all[j]).collect();
        let position: Vec<f64> = pick(&state.position);
        let start = JointState { velocity: pick(&state.velocity), ..JointState::at_rest(position) };
        let start_node = map.get("start_state").unwrap_or(map.node);
        setup::admit(&mut mechanism, &start).map_err(|e| start_node.locate(e))?;
        let goals = goals(map, robot, &joints, &mut mechanism)?;
        let locked = (0..values.len()).filter(|j| state.given[*j] && !joints.contains(j));
        let locked = locked.map(|j| (robot.joints[j].name.clone(), values[j])).collect();
        let source = RobotSource::Files(files);
        let choice = RobotChoice { source, planned, locked, base: state.base };
        Ok(Self { choice, limits, mechanism, start, goals, options: options(map)?, values })
    }

    fn with_world(self, world: World) -> Result<Scene, InputError> {
        let torque = self.limits.torque(&self.mechanism)?;
        let Self { choice, limits, mechanism, start, goals, options, .. } = self;
        let smoothness = Smoothness::Acceleration;
        let problem = Problem { mechanism, world, start, goals, smoothness, torque, gravity: GRAVITY };
        problem.validate().map_err(InputError::of_value)?;
        Ok(Scene { robot: choice, limits, problem, options })
    }
}

/// Positions of all joints, those that are not planned within their bounds: recorded states put
/// fingers a little beyond them.
fn held(robot: &Robot, state: &RobotState, planned: &[usize]) -> Vec<f64> {
    let mut values = state.position.clone();
    for (j, joint) in robot.joints.iter().enumerate() {
        if joint.is_independent() && !planned.contains(&j) {
            values[j] = values[j].max(joint.limits.lower).min(joint.limits.upper);
        }
    }
    values
}

/// MoveIt's scaling factors: zero and absence mean one.
fn scaling(map: &Map, key: &str) -> Result<f64, InputError> {
    let Some(node) = map.get(key) else { return Ok(1.0) };
    match node.number()? {
        0.0 => Ok(1.0),
        v if v > 0.0 && v <= 1.0 => Ok(v),
        _ => Err(node.expected("a factor from 0 to 1")),
    }
}

/// The request's time limit and everything else by default.
fn options(map: &Map) -> Result<PlanOptions, InputError> {
    let mut options = PlanOptions::default();
    if let Some(node) = map.get("allowed_planning_time") {
        let expected = || node.expected("a number of seconds, zero or greater");
        let seconds = node.number().map_err(|_| expected())?;
        let limit = Duration::try_from_secs_f64(seconds).map_err(|_| expected())?;
        if !limit.is_zero() {
            options.time_limit = Some(limit);
        }
    }
    Ok(options)
}

/// Several goal constraints are several goals, each of which must fix all planned joints.
fn goals(
    map: &Map,
    robot: &Robot,
    joints: &[usize],
    mechanism: &mut Mechanism,
) -> Result<Vec<JointState>, InputError> {
    let node = map.require("goal_constraints")?;
    let list = node.list("a list of goal constraints")?;
    if list.is_empty() {
        return Err(node.expected("at least one goal constraint"));
    }
    list.iter().map(|node| goal(node, robot, joints, mechanism)).collect()
}

fn goal(
    node: &Node,
    robot: &Robot,
    joints: &[usize],
    mechanism: &mut Mechanism,
) -> Result<JointState, InputError> {
    let map = node.map("a goal constraint: a map")?;
    for key in ["position_constraints", "orientation_constraints", "visibility_constraints"] {
        forbid(&map, key, "goals other than joint positions")?;
    }
    let mut position = vec![None; joints.len()];
    for constraint in map.require("joint_constraints")?.list("a list of joint constraints")? {
        let constraint = constraint.map("a joint constraint: a map")?;
        let name_node = constraint.require("joint_name")?;
        let name = name_node.text("the name of a joint")?;
        let joint = setup::find_joint(robot, name).map_err(|e| name_node.locate(e))?;
        let Some(i) = joints.iter().position(|&j| j == joint) else {
            return Err(
                name_node.error(format!("joint \"{name}\" is not in the group and cannot have a goal"))
            );
        };
        let value = constraint.require("position")?;
        setup::admit_position(mechanism, i, value.number()?).map_err(|e| value.locate(e))?;
        position[i] = Some(value.number()?);
    }
    let missing = |i: usize| node.error(format!("missing joint \"{}\"", mechanism.outputs[i]));
    let position: Result<_, _> =
        position.into_iter().enumerate().map(|(i, v)| v.ok_or_else(|| missing(i))).collect();
    Ok(JointState::at_rest(position?))
}

/// The obstacles of a planning scene, in the planning frame.
fn world(scene: &Map, robot: &Robot, query: &MoveItQuery) -> Result<World, InputError> {
    let frames = Frames::read(scene, robot, query)?;
    let mut world = World::default();
    let Some(node) = scene.get("world") else { return Ok(world) };
    let map = node.map("a world: a map")?;
    if let Some(octomap) = map.get("octomap").and_then(|n| n.map("").ok()).and_then(|m| m.get("octomap")) {
        forbid(&octomap.map("an octomap: a map")?, "data", "octomaps")?;
    }
    if let Some(objects) = map.get("collision_objects") {
        for object in objects.list("a list of collision objects")? {
            read_object(&object.map("a collision object: a map")?, &frames, &mut world)?;
        }
    }
    Ok(world)
}

/// Frames that poses of objects may be given in.
struct Frames(Vec<(String, Pose)>);

impl Frames {
    fn read(scene: &Map, robot: &Robot, query: &MoveItQuery) -> Result<Self, InputError> {
        let mut frames = vec![(String::new(), Pose::IDENTITY)];
        if let Some(node) = scene.get("fixed_frame_transforms") {
            for node in node.list("a list of transforms")? {
                let map = node.map("a transform: a map")?;
                let name = map.require("child_frame_id")?.text("the name of a frame")?;
                let transform = frame(map.require("transform")?, "translation", "rotation")?;
                frames.push((name.trim_start_matches('/').to_owned(), transform));
            }
        }
        frames.push(("world".to_owned(), Pose::IDENTITY));
        let poses = robot.link_poses(&query.values);
        let links = robot.links.iter().zip(poses);
        frames.extend(links.map(|(link, pose)| (link.name.clone(), query.choice.base * pose)));
        Ok(Self(frames))
    }

    /// The frame that a `std_msgs/Header` names; the planning frame where it names none.
    fn of(&self, object: &Map) -> Result<Pose, InputError> {
        let Some(header) = object.get("header") else { return Ok(Pose::IDENTITY) };
        let Some(node) = header.map("a header: a map")?.get("frame_id") else { return Ok(Pose::IDENTITY) };
        let name = node.text("the name of a frame")?.trim_start_matches('/');
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, pose)) => Ok(*pose),
            None => Err(node.error(unknown("frame", name, self.0.iter().map(|(n, _)| n.as_str())))),
        }
    }
}

fn read_object(object: &Map, frames: &Frames, world: &mut World) -> Result<(), InputError> {
    forbid(object, "meshes", "meshes")?;
    forbid(object, "planes", "planes")?;
    let id = object.get("id").map(|n| n.text("the name of an object")).transpose()?.unwrap_or("object");
    let mut base = frames.of(object)?;
    if let Some(node) = object.get("pose") {
        base = base * frame(node, "position", "orientation")?;
    }
    let Some(primitives) = object.get("primitives") else { return Ok(()) };
    let shapes = primitives.list("a list of primitives")?;
    let what = format!("{} poses, one for each primitive", shapes.len());
    let poses = match object.get("primitive_poses") {
        Some(node) => node.list(&what)?,
        None => &[],
    };
    // With a pose of its own an object may leave out those of its primitives.
    if poses.len() != shapes.len() && !(poses.is_empty() && object.get("pose").is_some()) {
        let node = object.get("primitive_poses").unwrap_or(object.node);
        return Err(node.error(format!("expected {what}, found {}", poses.len())));
    }
    for (i, node) in shapes.iter().enumerate() {
        let local = poses.get(i).map(|p| frame(p, "position", "orientation")).transpose()?;
        let name = if shapes.len() == 1 { id.to_owned() } else { format!("{id} {i}") };
        let pose = base * local.unwrap_or(Pose::IDENTITY);
        world.obstacles.push(Obstacle { name, shape: primitive(node)?, pose });
    }
    Ok(())
}

/// A `shape_msgs/SolidPrimitive`: a box by its full size, a sphere by its radius, a cylinder by
/// height and radius.
fn primitive(node: &Node) -> Result<Shape, InputError> {
    let map = node.map("a primitive: a map")?;
    let kind = map.require("type")?;
    let dimensions = map.require("dimensions")?;
    match kind.value {
        Value::Text(ref name) if name.eq_ignore_ascii_case("box") => cuboid(dimensions),
        Value::Text(ref name) if name.eq_ignore_ascii_case("sphere") => sphere(dimensions),
        Value::Text(ref name) if name.eq_ignore_ascii_case("cylinder") => cylinder(dimensions),
        Value::Integer(1) => cuboid(dimensions),
        Value::Integer(2) => sphere(dimensions),
        Value::Integer(3) => cylinder(dimensions),
        _ => Err(kind.expected("box, sphere or cylinder")),
    }
}

fn cuboid(dimensions: &Node) -> Result<Shape, InputError> {
    let size = DVec3::from(lengths(dimensions, "three lengths, along x, y and z")?);
    Ok(Shape::Cuboid { half_extents: size / 2.0 })
}

fn sphere(dimensions: &Node) -> Result<Shape, InputError> {
    let [radius] = lengths(dimensions, "one length, the radius")?;
    Ok(Shape::Sphere { radius })
}

fn cylinder(dimensions: &Node) -> Result<Shape, InputError> {
    let [height, radius] = lengths(dimensions, "two lengths, height and radius")?;
    Ok(Shape::Cylinder { radius, half_length: height / 2.0 })
}

/// A `geometry_msgs/Pose` or `Transform`, its parts being lists or maps of x, y, z and w.
fn frame(node: &Node, position: &str, orientation: &str) -> Result<Pose, InputError> {
    let map = node.map("a pose: a map")?;
    let translation = match map.get(position) {
        None => DVec3::ZERO,
        Some(node) => point(components(node, ["x", "y", "z"])?).map_err(|e| node.locate(e))?,
    };
    let rotation = match map.get(orientation) {
        None => DQuat::IDENTITY,
        Some(node) => quaternion(components(node, ["x", "y", "z", "w"])?).map_err(|e| node.locate(e))?,
    };
    Ok(Pose::new(rotation, translation))
}

fn components<const N: usize>(node: &Node, names: [&str; N]) -> Result<[f64; N], InputError> {
    if let Value::Map(_) = node.value {
        let map = node.map_of("a vector", &names)?;
        let mut values = [0.0; N];
        for (value, name) in values.iter_mut().zip(names) {
            *value = map.require(name)?.number()?;
        }
        return Ok(values);
    }
    node.array(&format!("{N} numbers: {}", names.join(", ")))
}

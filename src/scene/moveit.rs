//! MotionBenchMaker's problems as they were published: a MoveIt planning scene and a MoveIt
//! motion plan request, both in YAML.
//!
//! Of a MoveIt message what flatout can honour is read, and what only advises (workspace, planner names) is
//! passed over. What would change which motions are allowed and cannot be honoured (meshes, octomaps, path
//! constraints, Cartesian speeds, scaled links) is an error; what would allow more than is allowed here, or is not
//! known, is told in a warning.

mod message;
mod objects;

use message::{Frames, forbid, frame, is_blank, tell_unknown};

use super::Scene;
use super::files::RobotFiles;
use super::setup::{self, DefaultLimits, LimitChoice, Planned, RobotChoice, RobotSource};
use crate::document::{self, Map, Node, Value, unknown};
use crate::error::{InputError, Warnings, listed};
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{GivenLimits, LinkPadding, Mechanism, Robot, SkipReason};
use crate::world::World;
use std::path::Path;
use std::time::Duration;

/// Reads a planning scene and a request for the robot in `files`.
///
/// # Errors
/// Where a file is missing or malformed, names what the robot has not, or asks for what flatout
/// cannot do. Whether start and goals are free of collision is not looked at here.
pub fn load(scene: &Path, request: &Path, files: RobotFiles) -> Result<Scene, InputError> {
    load_with(scene, request, files, DefaultLimits::default())
}

/// The same, where joints that no file gives a limit have the `default` ones.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    scene: &Path,
    request: &Path,
    files: RobotFiles,
    default: DefaultLimits,
) -> Result<Scene, InputError> {
    let scene_text = InputError::read_text(scene)?;
    let request_text = InputError::read_text(request)?;
    let pair =
        Pair::parse(Text { text: &scene_text, file: scene }, Text { text: &request_text, file: request })?;
    // A mistake is told at once, and not after minutes in which meshes are covered.
    pair.foresee()?;
    let mut robot = files.load()?;
    let limits = LimitChoice { default, ..LimitChoice::default() };
    limits.apply_to(&mut robot)?;
    pair.read(files, &robot, default)
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
    Pair::parse(scene, request)?.read(files, robot, DefaultLimits::default())
}

/// The documents of a scene and a request, and their files.
struct Pair<'a> {
    scene: (Node, &'a Path),
    request: (Node, &'a Path),
}

impl<'a> Pair<'a> {
    fn parse(scene: Text<'a>, request: Text<'a>) -> Result<Self, InputError> {
        let parse = |Text { text, file }: Text<'a>| match document::parse(text) {
            Ok(root) => Ok((root, file)),
            Err(error) => Err(error.in_file(file)),
        };
        Ok(Self { scene: parse(scene)?, request: parse(request)? })
    }

    fn maps(&self) -> Result<[Map<'_>; 2], InputError> {
        let ((scene, scene_file), (request, request_file)) = (&self.scene, &self.request);
        Ok([
            scene.map("a MoveIt planning scene: a map").map_err(|e| e.in_file(scene_file))?,
            request.map("a MoveIt motion plan request: a map").map_err(|e| e.in_file(request_file))?,
        ])
    }

    /// Checks what can be read without the robot.
    fn foresee(&self) -> Result<(), InputError> {
        let [scene, request] = self.maps()?;
        forbid(&scene, "collision_map", "collision maps").map_err(|e| e.in_file(self.scene.1))?;
        foresee_request(&request).map_err(|e| e.in_file(self.request.1))
    }

    fn read(&self, files: RobotFiles, robot: &Robot, default: DefaultLimits) -> Result<Scene, InputError> {
        let [scene_map, request_map] = self.maps()?;
        let in_scene = |e: InputError| e.in_file(self.scene.1);
        let in_request = |e: InputError| e.in_file(self.request.1);
        let (of_scene, of_request) = (Warnings::default(), Warnings::default());
        tell_unknown(&scene_map, &SCENE_KEYS, &of_scene);
        tell_unknown(&request_map, &REQUEST_KEYS, &of_request);
        let mut state = RobotState::new(robot);
        if let Some(node) = scene_map.get("robot_state") {
            state.read(node, &of_scene).map_err(in_scene)?;
        }
        if let Some(node) = request_map.get("start_state") {
            state.read(node, &of_request).map_err(in_request)?;
        }
        let query = MoveItQuery::read(&request_map, robot, &state, files, &of_request).map_err(in_request)?;
        let world = world(&scene_map, robot, &query, &of_scene).map_err(in_scene)?;
        let padding = padding(&scene_map, robot, &of_scene).map_err(in_scene)?;
        heed_matrix(&scene_map, robot, &of_scene).map_err(in_scene)?;
        let mut scene_read = query.with_world(world, padding, default).map_err(in_request)?;
        scene_read.warnings = robot.warnings.clone();
        let problem = &scene_read.problem;
        let losses = problem.mechanism.unjudged_losses(robot).filter(|_| problem.torque);
        scene_read.warnings.extend(losses);
        scene_read.warnings.extend(of_scene.take_of(Some(self.scene.1)));
        scene_read.warnings.extend(of_request.take_of(Some(self.request.1)));
        Ok(scene_read)
    }
}

/// Keys of a `moveit_msgs/PlanningScene`.
const SCENE_KEYS: [&str; 12] = [
    "name",
    "robot_state",
    "robot_model_name",
    "robot_model_root",
    "fixed_frame_transforms",
    "allowed_collision_matrix",
    "link_padding",
    "link_scale",
    "object_colors",
    "world",
    "is_diff",
    "collision_map",
];

/// Keys of a `moveit_msgs/MotionPlanRequest`.
const REQUEST_KEYS: [&str; 16] = [
    "workspace_parameters",
    "start_state",
    "goal_constraints",
    "path_constraints",
    "trajectory_constraints",
    "reference_trajectories",
    "pipeline_id",
    "planner_id",
    "group_name",
    "num_planning_attempts",
    "allowed_planning_time",
    "max_velocity_scaling_factor",
    "max_acceleration_scaling_factor",
    "cartesian_speed_limited_link",
    "cartesian_speed_end_effector_link",
    "max_cartesian_speed",
];

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
    fn read(&mut self, node: &Node, warnings: &Warnings) -> Result<(), InputError> {
        let map = node.map("a robot state: a map")?;
        forbid(&map, "attached_collision_objects", "objects attached to the robot")?;
        if let Some(node) = map.get("joint_state") {
            self.read_joints(&node.map("a joint state: a map")?)?;
        }
        if let Some(node) = map.get("multi_dof_joint_state") {
            self.read_base(&node.map("a state of joints of several degrees of freedom: a map")?, warnings)?;
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
    fn read_base(&mut self, map: &Map, warnings: &Warnings) -> Result<(), InputError> {
        for key in ["twist", "wrench"] {
            if let Some(node) = map.get(key).filter(|node| moves(node)) {
                return Err(
                    node.error(format!("a {key} of the robot's root link cannot be honoured; expected none"))
                );
            }
        }
        let Some(node) = map.get("transforms") else { return Ok(()) };
        match node.list("a list of transforms")? {
            [] => Ok(()),
            [transform] => {
                self.base = frame(transform, "translation", "rotation", warnings)?;
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

/// Whether any number in it is not zero.
fn moves(node: &Node) -> bool {
    match &node.value {
        Value::List(list) => list.iter().any(moves),
        Value::Map(entries) => entries.iter().any(|e| moves(&e.node)),
        Value::Integer(v) => *v != 0,
        Value::Number(v) => *v != 0.0,
        _ => false,
    }
}

/// Checks what of a request can be read without the robot, and refuses what cannot be honoured.
fn foresee_request(map: &Map) -> Result<(), InputError> {
    forbid(map, "path_constraints", "path constraints")?;
    forbid(map, "trajectory_constraints", "trajectory constraints")?;
    if let Some(node) = map.get("max_cartesian_speed")
        && node.number()? > 0.0
    {
        return Err(node.error("a greatest Cartesian speed cannot be held yet; expected 0, which is none"));
    }
    map.require("group_name")?;
    scaling(map, "max_velocity_scaling_factor")?;
    scaling(map, "max_acceleration_scaling_factor")?;
    options(map)?;
    goal_nodes(map).map(drop)
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
    fn read(
        map: &Map,
        robot: &Robot,
        state: &RobotState,
        files: RobotFiles,
        warnings: &Warnings,
    ) -> Result<Self, InputError> {
        foresee_request(map)?;
        if let Some(node) = map.get("reference_trajectories").filter(|node| !is_blank(node)) {
            warnings.push(node.error("reference trajectories only advise; passed over"));
        }
        let group = map.require("group_name")?;
        let planned = Planned::Group(group.text("the name of a group")?.to_owned());
        let joints = planned.resolve(robot).map_err(|e| group.locate(e))?;
        let limits = LimitChoice {
            velocity_scaling: scaling(map, "max_velocity_scaling_factor")?,
            acceleration_scaling: scaling(map, "max_acceleration_scaling_factor")?,
            ..LimitChoice::default()
        };
        let values = held(robot, state, &joints, warnings);
        let mut mechanism =
            Mechanism::new(robot, &joints, &values, state.base).map_err(|e| group.locate(e))?;
        limits.scale(&mut mechanism);
        let torque = limits.torque(&mechanism).map_err(|e| group.locate(e))?;
        setup::require_limits(&mechanism, Smoothness::Acceleration, torque).map_err(|e| group.locate(e))?;

        let pick = |all: &[f64]| joints.iter().map(|&j| all[j]).collect();
        let position: Vec<f64> = pick(&state.position);
        let start = JointState { velocity: pick(&state.velocity), ..JointState::at_rest(position) };
        let start_node = map.get("start_state").unwrap_or(map.node);
        let given = mechanism.given_limits();
        let slacks = setup::admit(&mut mechanism, &start).map_err(|e| start_node.locate(e))?;
        slacks.into_iter().for_each(|told| warnings.push(start_node.locate(told)));
        let goals = goals(map, robot, &joints, (&mut mechanism, &given), warnings)?;
        let locked = (0..values.len()).filter(|j| state.given[*j] && !joints.contains(j));
        let locked = locked.map(|j| (robot.joints[j].name.clone(), values[j])).collect();
        let source = RobotSource::Files(files);
        let choice = RobotChoice { source, planned, locked, base: state.base };
        Ok(Self { choice, limits, mechanism, start, goals, options: options(map)?, values })
    }

    fn with_world(
        self,
        world: World,
        padding: LinkPadding,
        default: DefaultLimits,
    ) -> Result<Scene, InputError> {
        let torque = self.limits.torque(&self.mechanism)?;
        let Self { choice, limits, mut mechanism, start, goals, options, .. } = self;
        let limits = LimitChoice { default, ..limits };
        mechanism.pad(&padding);
        let smoothness = Smoothness::Acceleration;
        let problem = Problem { mechanism, world, start, goals, smoothness, torque, gravity: GRAVITY };
        problem.validate().map_err(InputError::of_value)?;
        Ok(Scene { robot: choice, limits, padding, problem, options, warnings: Vec::new() })
    }
}

/// Positions of all joints, those that are not planned within their bounds, however far beyond them they are recorded,
/// which is told. It is the one exception to [`END_SLACK`](crate::robot::END_SLACK): states of MotionBenchMaker's own
/// problems have fingers at 0.065 m whose bound is 0.04 m or 0.05 m, and no motion that is planned goes there.
fn held(robot: &Robot, state: &RobotState, planned: &[usize], warnings: &Warnings) -> Vec<f64> {
    let mut values = state.position.clone();
    for (j, joint) in robot.joints.iter().enumerate() {
        if joint.is_independent() && !planned.contains(&j) {
            let (value, limits) = (values[j], joint.limits);
            values[j] = value.max(limits.lower).min(limits.upper);
            if values[j] != value {
                let name = &joint.name;
                let what =
                    format!("joint \"{name}\" at {value:?} is outside its limits; held at {:?}", values[j]);
                warnings.push(InputError::new(what).for_key("robot state"));
            }
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
    (mechanism, given): (&mut Mechanism, &GivenLimits),
    warnings: &Warnings,
) -> Result<Vec<JointState>, InputError> {
    goal_nodes(map)?
        .iter()
        .map(|node| goal(node, robot, joints, (&mut *mechanism, given), warnings))
        .collect()
}

fn goal_nodes<'a>(map: &Map<'a>) -> Result<&'a [Node], InputError> {
    let node = map.require("goal_constraints")?;
    match node.list("a list of goal constraints")? {
        [] => Err(node.expected("at least one goal constraint")),
        list => Ok(list),
    }
}

fn goal(
    node: &Node,
    robot: &Robot,
    joints: &[usize],
    (mechanism, given): (&mut Mechanism, &GivenLimits),
    warnings: &Warnings,
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
        setup::allow(setup::admit_position(mechanism, given, i, value.number()?), value, warnings)?;
        position[i] = Some(value.number()?);
    }
    let missing = |i: usize| node.error(format!("missing joint \"{}\"", mechanism.outputs[i]));
    let position: Result<_, _> =
        position.into_iter().enumerate().map(|(i, v)| v.ok_or_else(|| missing(i))).collect();
    Ok(JointState::at_rest(position?))
}

/// The obstacles of a planning scene, in the planning frame.
fn world(scene: &Map, robot: &Robot, query: &MoveItQuery, warnings: &Warnings) -> Result<World, InputError> {
    if let Some(node) = scene.get("is_diff").filter(|node| matches!(node.value, Value::Bool(true))) {
        warnings.push(node.error("what the scene differs from is not known; taken for all there is"));
    }
    forbid(scene, "collision_map", "collision maps")?;
    let base = query.choice.base;
    let links = robot.links.iter().zip(robot.link_poses(&query.values));
    let frames = Frames::read(scene, links.map(|(link, pose)| (link.name.clone(), base * pose)), warnings)?;
    let Some(node) = scene.get("world") else { return Ok(World::default()) };
    let map = node.map_of("a world: a map", &["collision_objects", "octomap"])?;
    if let Some(octomap) = map.get("octomap") {
        refuse_octomap(octomap)?;
    }
    let Some(list) = map.get("collision_objects") else { return Ok(World::default()) };
    objects::world(list.list("a list of collision objects")?, &frames, warnings)
}

/// Refuses an octomap that holds anything, by itself or with its pose.
fn refuse_octomap(node: &Node) -> Result<(), InputError> {
    let Ok(map) = node.map("") else {
        return if matches!(node.value, Value::Null) {
            Ok(())
        } else {
            Err(node.expected("an octomap: a map"))
        };
    };
    if let Some(inner) = map.get("octomap") {
        refuse_octomap(inner)?;
    }
    match map.get("data").map(|data| (data, &data.value)) {
        None | Some((_, Value::Null)) => Ok(()),
        Some((_, Value::List(list))) if list.is_empty() => Ok(()),
        Some((_, Value::Text(text))) if text.is_empty() => Ok(()),
        Some((data, _)) => Err(data.error("octomaps cannot be read yet; expected none")),
    }
}

/// How far the links of a scene stay from obstacles, where it says so, metres.
///
/// # Errors
/// Of links that are scaled.
fn padding(scene: &Map, robot: &Robot, warnings: &Warnings) -> Result<LinkPadding, InputError> {
    let of_links = |key: &str, value: &str| -> Result<Vec<(String, f64)>, InputError> {
        let Some(node) = scene.get(key) else { return Ok(Vec::new()) };
        let read = |node: &Node| {
            let map = node.map("a link and its number: a map")?;
            let link = map.require("link_name")?;
            let name = link.text("the name of a link")?;
            if robot.link(name).is_none() {
                return Err(link.error(unknown("link", name, robot.links.iter().map(|l| l.name.as_str()))));
            }
            let number = map.require(value)?;
            match number.number()? {
                v if v >= 0.0 => Ok((name.to_owned(), v)),
                _ => Err(number.expected("a number, zero or greater")),
            }
        };
        node.list("a list of links")?.iter().map(read).collect()
    };
    if let Some((link, scale)) = of_links("link_scale", "scale")?.into_iter().find(|(_, scale)| *scale != 1.0)
    {
        let node = scene.require("link_scale")?;
        return Err(
            node.error(format!("link \"{link}\" is scaled by {scale}, which cannot be honoured; expected 1"))
        );
    }
    let mut padding: Vec<(String, f64)> = Vec::new();
    for (link, metres) in of_links("link_padding", "padding")?.into_iter().filter(|(_, metres)| *metres > 0.0)
    {
        match padding.iter_mut().find(|(known, _)| *known == link) {
            Some((_, most)) => *most = most.max(metres),
            None => padding.push((link, metres)),
        }
    }
    for (link, _) in &padding {
        let told = setup::useless_padding(robot, link);
        told.into_iter().for_each(|told| warnings.push(told.for_key("link_padding")));
    }
    Ok(LinkPadding::Links(padding))
}

/// Compares the pairs of links that a scene allows to touch with those that the robot leaves out.
///
/// # Errors
/// Where it has a pair checked that the SRDF leaves out. What it allows beside those is checked all the same.
fn heed_matrix(scene: &Map, robot: &Robot, warnings: &Warnings) -> Result<(), InputError> {
    let Some(node) = scene.get("allowed_collision_matrix") else { return Ok(()) };
    let map = node.map("an allowed collision matrix: a map")?;
    let mut more = Vec::new();
    for (a, b, allowed, at) in entries(&map)? {
        let (Some(first), Some(second)) = (robot.link(a), robot.link(b)) else {
            if allowed {
                more.push(format!("{a} and {b}"));
            }
            continue;
        };
        let pair = [first.min(second), first.max(second)];
        let left_out = robot.skipped.iter().find(|skipped| skipped.links == pair);
        match left_out.map(|skipped| skipped.reason) {
            Some(SkipReason::Disabled(_)) if !allowed => {
                let what = "has checked what the SRDF leaves out";
                return Err(at.error(format!("links \"{a}\" and \"{b}\": {what}; take it out of the SRDF")));
            }
            None if allowed && robot.pairs.contains(&pair) => more.push(format!("{a} and {b}")),
            _ => {}
        }
    }
    if let Some(values) = map.get("default_entry_values").and_then(|n| n.list("").ok()) {
        let names = map.get("default_entry_names").and_then(|n| n.list("").ok()).unwrap_or_default();
        let allowed = names.iter().zip(values).filter(|(_, value)| matches!(value.value, Value::Bool(true)));
        more.extend(allowed.filter_map(|(name, _)| Some(format!("{} and anything", name.text("").ok()?))));
    }
    if !more.is_empty() {
        let pairs = listed(more.iter().map(String::as_str));
        warnings.push(node.error(format!("allows {pairs} to touch, which is checked all the same")));
    }
    Ok(())
}

/// The entries of a matrix below its diagonal: names of two, whether they may touch, and where that is said.
fn entries<'a>(map: &Map<'a>) -> Result<Vec<(&'a str, &'a str, bool, &'a Node)>, InputError> {
    let Some(names) = map.get("entry_names") else { return Ok(Vec::new()) };
    let names = names.list("a list of names")?;
    let names: Vec<&str> = names.iter().map(|name| name.text("a name")).collect::<Result<_, _>>()?;
    let rows = map.get("entry_values").map_or(Ok(&[][..]), |node| node.list("a list of rows"))?;
    let mut entries = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        // ROS has a message for each row.
        let enabled = row.map("").ok().and_then(|row| row.get("enabled")).unwrap_or(row);
        let what = format!("{} truth values, one for each name", names.len());
        let values = enabled.list(&what)?;
        if values.len() != names.len() || rows.len() != names.len() {
            return Err(enabled.expected(what));
        }
        for (j, value) in values.iter().enumerate().take(i) {
            entries.push((names[i], names[j], value.boolean()?, value));
        }
    }
    Ok(entries)
}

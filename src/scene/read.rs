//! From the document of a scene file to a [`Scene`], section by section.

use super::Scene;
use super::files::RobotFiles;
use super::lengths::{half_space_pose, length, lengths, pose};
use super::setup::{self, DefaultLimits, JointOverride, LimitChoice, Planned, RobotChoice, RobotSource};
use super::{tables, vehicle, vehicle_state};
use crate::base::Base;
use crate::document::{self, Entry, Map, Node, Value, names, unknown};
use crate::error::{InputError, Warnings};
use crate::plan::{Algorithm, Cost, MAX_BATCH, PlanOptions, Quality};
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{GivenLimits, LinkPadding, Mechanism, NamedState, Robot};
use crate::world::{Obstacle, Shape, World};
use glam::DVec3;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// The least and the greatest gravity that a quadrotor is flown in, m/s^2: from that of an asteroid, at which
/// its thrust still has a direction, to beyond any planet's.
const FALLS: RangeInclusive<f64> = 1e-3..=1e3;

/// Greatest padding of a link, metres.
const GREATEST_PADDING: f64 = 1e3;

impl Scene {
    /// Reads a scene file and the files of the robot that it names.
    ///
    /// # Errors
    /// Where a file is missing or malformed, or says what cannot be. Whether start and goals are
    /// free of collision is not looked at here: that is for the planner to say.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        Self::load_with(file, DefaultLimits::default())
    }

    /// The same, where `default` limits take the place of the scene's.
    ///
    /// # Errors
    /// As [`Scene::load`].
    pub fn load_with(file: &Path, default: DefaultLimits) -> Result<Self, InputError> {
        Self::read_with(&InputError::read_text(file)?, file, default)
    }

    /// Reads a scene from `text` that comes from `file`, and the files of the robot that it names.
    ///
    /// # Errors
    /// As [`Scene::load`].
    pub fn read(text: &str, file: &Path) -> Result<Self, InputError> {
        Self::read_with(text, file, DefaultLimits::default())
    }

    fn read_with(text: &str, file: &Path, default: DefaultLimits) -> Result<Self, InputError> {
        let root = document::parse(text).map_err(|e| e.in_file(file))?;
        Self::of_document(&root, file, default)
    }

    /// Reads a scene from the document that `file` holds.
    pub(super) fn of_document(root: &Node, file: &Path, default: DefaultLimits) -> Result<Self, InputError> {
        let locate = |e: InputError| e.in_file(file);
        let source = robot_source(root, directory_of(file)).map_err(locate)?;
        if let Some(files) = source.files() {
            require_files(root, files).map_err(locate)?;
        }
        // A mistake is told at once, and not after minutes in which meshes are covered.
        foresee(root).map_err(locate)?;
        let robot = source.load()?;
        scene(root, source, robot, default, file).map_err(locate)
    }

    /// Reads a scene from `text` for a `robot` that is loaded already, as where many scenes share
    /// one. `file` is where the text comes from; the robot's files are not opened.
    ///
    /// # Errors
    /// As [`Scene::load`].
    pub fn parse(text: &str, file: &Path, robot: &Robot) -> Result<Self, InputError> {
        let read = || {
            let root = document::parse(text)?;
            let source = robot_source(&root, directory_of(file))?;
            scene(&root, source, robot.clone(), DefaultLimits::default(), file)
        };
        read().map_err(|e| e.in_file(file))
    }
}

fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn sections(root: &Node) -> Result<Map<'_>, InputError> {
    if let Some(linear) = linear_section(root) {
        let message = "a linear system is planned and checked by itself (LinearScene); expected a scene of a robot here";
        return Err(linear.error(message));
    }
    let map = root.map_of("a scene: a map of robot, world, start, goal and more", &names(tables::SCENE))?;
    map.get("format").map_or(Ok(()), |node| node.format(tables::FORMAT.0, tables::FORMAT.1))?;
    Ok(map)
}

/// The linear system that a scene describes in place of a robot.
pub(super) fn linear_section(root: &Node) -> Option<&Node> {
    root.map("").ok().and_then(|map| map.get("linear"))
}

fn robot_section<'a>(root: &Map<'a>) -> Result<Map<'a>, InputError> {
    let node = root.require("robot")?;
    let described = names(&tables::KINDS);
    let what = format!("a map with the key urdf, or one of {}", described.join(", "));
    let kinds = [&["urdf"], &described[..]].concat();
    match node.map(&what)?.at_most_one(&kinds)? {
        Some(entry) if entry.key != "urdf" => node.map_of(&what, &[entry.key.as_str()]),
        _ => node.map_of(&what, &[names(tables::ROBOT_FILES), described].concat()),
    }
}

/// The kind that the scene describes in place of files.
fn kind<'a>(robot: &Map<'a>) -> Option<&'a Entry> {
    robot.entries.iter().find(|entry| tables::KINDS.iter().any(|kind| kind.name == entry.key))
}

/// Where the files of a robot are named and what of it moves is said: the robot itself, or what a vehicle
/// carries; nowhere where there are no files.
fn files_section<'a>(robot: &Map<'a>) -> Result<Option<Map<'a>>, InputError> {
    let Some(entry) = kind(robot) else { return Ok(Some(*robot)) };
    let carries = entry.node.map("").ok().and_then(|kind| kind.get("carries"));
    carries.map(|node| node.map_of("what it carries", &names(tables::CARRIED))).transpose()
}

/// The robot as the scene describes it or names its files, relative to the `directory` it lies in.
fn robot_source(root: &Node, directory: &Path) -> Result<RobotSource, InputError> {
    let robot = robot_section(&sections(root)?)?;
    match kind(&robot) {
        None => Ok(RobotSource::Files(RobotFiles::read(&robot, directory)?)),
        Some(entry) if entry.key == "point" => Ok(RobotSource::Point(vehicle::point(&entry.node)?)),
        Some(entry) => {
            let mut vehicle = vehicle::vehicle(entry, directory)?;
            if let Some(falls) = falls(&sections(root)?, &vehicle.base)? {
                vehicle.base = vehicle.base.with_gravity(falls);
            }
            Ok(RobotSource::Vehicle(Box::new(vehicle)))
        }
    }
}

/// Checks that the robot's files are there, while it is known which line names them.
fn require_files(root: &Node, files: &RobotFiles) -> Result<(), InputError> {
    let Some(section) = files_section(&robot_section(&sections(root)?)?)? else { return Ok(()) };
    let named = [
        ("urdf", Some(&files.urdf)),
        ("srdf", files.srdf.as_ref()),
        ("joint_limits", files.joint_limits.as_ref()),
    ];
    for (key, path) in named {
        if let (Some(node), Some(path)) = (section.get(key), path)
            && !path.is_file()
        {
            return Err(node.error(format!("there is no file {}", path.display())));
        }
    }
    Ok(())
}

/// Checks what can be read without the robot.
fn foresee(root: &Node) -> Result<(), InputError> {
    let root = sections(root)?;
    root.require("start")?;
    goal_entry(&root)?;
    root.get("world").map(world).transpose()?;
    gravity(&root)?;
    root.get("smoothness").map(smoothness).transpose()?;
    root.get("planner").map(|node| planner(node, PlanOptions::default())).transpose()?;
    Ok(())
}

/// The one goal, or the list of goals.
pub(super) fn goal_entry<'a>(root: &Map<'a>) -> Result<&'a Entry, InputError> {
    let missing = || root.node.error("missing key \"goal\" (or \"goals\")");
    root.at_most_one(&["goal", "goals"])?.ok_or_else(missing)
}

/// The scene that a document describes, its robot being loaded.
fn scene(
    root: &Node,
    source: RobotSource,
    mut robot: Robot,
    default: DefaultLimits,
    file: &Path,
) -> Result<Scene, InputError> {
    let warnings = Warnings::default();
    let root = sections(root)?;
    let section = robot_section(&root)?;
    if let Some(base) = &mut robot.base
        && let Some(falls) = falls(&root, base)?
    {
        *base = base.clone().with_gravity(falls);
    }
    if let Some(kind) = kind(&section).filter(|_| matches!(source, RobotSource::Vehicle(_))) {
        refuse_what_vehicles_lack(&root, kind, &source)?;
    }
    let mut limits = root.get("limits").map_or(Ok(LimitChoice::default()), |n| limit_choice(n, &robot))?;
    limits.default = default.or(limits.default);
    limits.apply_to(&mut robot)?;
    let files = files_section(&section)?;
    let (choice, joints, values) = robot_choice(files.as_ref(), source, &robot, &warnings)?;
    let mut mechanism = Mechanism::new(&robot, &joints, &values, choice.base)
        .map_err(|e| files.as_ref().map_or(section.node, planned_node).locate(e))?;
    let padding =
        root.get("link_padding").map_or(Ok(LinkPadding::default()), |n| padding(n, &robot, &warnings))?;
    mechanism.pad(&padding);
    limits.scale(&mut mechanism);
    let limit_node = root.get("limits").unwrap_or(section.node);
    let smoothness = root.get("smoothness").map_or(Ok(Smoothness::default()), smoothness)?;
    let torque = limits.torque(&mechanism).map_err(|e| torque_node(limit_node).locate(e))?;
    setup::require_limits(&mechanism, smoothness, torque).map_err(|e| limit_node.locate(e))?;

    let first = setup::coordinates(&robot);
    let joints = &joints[first..];
    let planned = &choice.planned;
    let given = mechanism.given_limits();
    let mut states =
        States { robot: &robot, joints, first, planned, smoothness, mechanism, given, warnings: &warnings };
    let start = states.read(root.require("start")?)?;
    let goals = states.goals(&root)?;
    let mechanism = states.mechanism;
    let world = root.get("world").map_or(Ok(World::default()), world)?;
    let gravity = gravity(&root)?;
    let problem = Problem { mechanism, world, start, goals, smoothness, torque, gravity };
    problem.validate().map_err(|e| root.node.locate(InputError::of_value(e)))?;
    let range = setup::default_range(&problem);
    let defaults = PlanOptions { range, ..PlanOptions::default() };
    let options = match root.get("planner") {
        Some(node) => planner(node, defaults)?,
        None => defaults,
    };
    let losses = problem.mechanism.unjudged_losses(&robot).filter(|_| torque);
    let warnings = robot.warnings.into_iter().chain(losses).chain(warnings.take_of(Some(file))).collect();
    Ok(Scene { robot: choice, limits, padding, problem, options, warnings })
}

/// How far links stay from obstacles: one number for all of them, or a map from links to theirs.
fn padding(node: &Node, robot: &Robot, warnings: &Warnings) -> Result<LinkPadding, InputError> {
    let metres = |node: &Node| match node.number()? {
        v if (0.0..=GREATEST_PADDING).contains(&v) => Ok(v),
        _ => Err(node.expected(format!("a length from 0 to {GREATEST_PADDING} m"))),
    };
    let Value::Map(entries) = &node.value else {
        let all =
            metres(node).map_err(|_| node.expected("a length in metres, or a map from links to lengths"))?;
        return Ok(LinkPadding::All(all));
    };
    let of_link = |entry: &Entry| match robot.link(&entry.key) {
        Some(_) => {
            let metres = metres(&entry.node)?;
            let told = setup::useless_padding(robot, &entry.key).filter(|_| metres > 0.0);
            told.into_iter().for_each(|told| warnings.push(entry.locate(told)));
            Ok((entry.key.clone(), metres))
        }
        None => Err(entry.error(unknown("link", &entry.key, robot.links.iter().map(|l| l.name.as_str())))),
    };
    Ok(LinkPadding::Links(entries.iter().map(of_link).collect::<Result<_, _>>()?))
}

fn gravity(root: &Map) -> Result<DVec3, InputError> {
    let given = root.get("gravity").map(|n| n.array("three numbers, x, y and z in m/s^2")).transpose()?;
    Ok(given.map_or(GRAVITY, DVec3::from))
}

/// How things fall where the base flies, m/s^2; `None` for bases whose equations have no gravity.
fn falls(root: &Map, base: &Base) -> Result<Option<f64>, InputError> {
    let gravity = gravity(root)?;
    match (base.gravity(), root.get("gravity")) {
        (None, _) => Ok(None),
        (_, Some(node)) if gravity.x != 0.0 || gravity.y != 0.0 || !FALLS.contains(&-gravity.z) => {
            let name = base.name().replace('_', " ");
            let (least, most) = (FALLS.start(), FALLS.end());
            Err(node.error(format!(
                "the equations of a {name} have a gravity that points straight down; expected [0, 0, -g] with g \
                 from {least} to {most} m/s^2"
            )))
        }
        _ => Ok(Some(-gravity.z)),
    }
}

/// Says of what is not offered for vehicles why it is not.
fn refuse_what_vehicles_lack(root: &Map, kind: &Entry, source: &RobotSource) -> Result<(), InputError> {
    let name = kind.key.replace('_', " ");
    let carries = matches!(source, RobotSource::Vehicle(vehicle) if vehicle.carries.is_some());
    if let Some(limits) = root.get("limits") {
        let limits = limits.map_of("a map of limits", &names(tables::LIMITS))?;
        let of_joints = limits.entries.iter().find(|e| e.key != "torque");
        if let (Some(entry), false) = (of_joints, carries) {
            let place = kind.node.path();
            return Err(entry.error(format!("a {name} has no limits of joints; its own stand under {place}")));
        }
        if let Some(node) = limits.get("torque").filter(|node| matches!(node.value, Value::Bool(true))) {
            return Err(node.error(
                "torques are not offered for vehicles: they are computed for robots whose root link stands \
                 still; expected false",
            ));
        }
    }
    if let Some(node) = root.get("smoothness").filter(|n| matches!(smoothness(n), Ok(Smoothness::Jerk))) {
        return Err(node.error(format!(
            "limits of jerk are not offered for vehicles: how smooth a {name} moves follows from the limits \
             under {}; expected acceleration",
            kind.node.path()
        )));
    }
    Ok(())
}

/// Where the scene says which joints are planned.
fn planned_node<'a>(files: &Map<'a>) -> &'a Node {
    files.get("group").or(files.get("joints")).unwrap_or(files.node)
}

/// Where the scene asks for torques.
fn torque_node(limits: &Node) -> &Node {
    limits.map("").ok().and_then(|m| m.get("torque")).unwrap_or(limits)
}

/// Which joints move, by name and by index, and where all others stand.
fn robot_choice(
    files: Option<&Map>,
    source: RobotSource,
    robot: &Robot,
    warnings: &Warnings,
) -> Result<(RobotChoice, Vec<usize>, Vec<f64>), InputError> {
    let get = |key| files.and_then(|files| files.get(key));
    let planned = files.map_or(Ok(Planned::All), |files| planned(files, robot))?;
    let blame = |error| match files {
        Some(files) => planned_node(files).locate(error),
        None => error,
    };
    let joints = planned.resolve(robot).map_err(blame)?;
    let locked = get("locked").map_or(Ok(Vec::new()), |n| locked(n, robot, &joints, warnings))?;
    let mut values = robot.neutral();
    for &(joint, value) in &locked {
        values[joint] = value;
    }
    let locked = locked.into_iter().map(|(j, value)| (robot.joints[j].name.clone(), value)).collect();
    let base = get("base").map_or(Ok(Pose::IDENTITY), |node| {
        let what = "a map with position, rpy or quaternion_xyzw";
        pose(&node.map_of(what, &names(tables::FRAME))?)
    })?;
    Ok((RobotChoice { source, planned, locked, base }, joints, values))
}

fn planned(section: &Map, robot: &Robot) -> Result<Planned, InputError> {
    let Some(entry) = section.at_most_one(&["group", "joints"])? else {
        return Ok(Planned::All);
    };
    if entry.key == "group" {
        return Ok(Planned::Group(entry.node.text("the name of a group")?.to_owned()));
    }
    let name = |node: &Node| {
        let name = node.text("the name of a joint")?;
        setup::find_joint(robot, name).map_err(|e| node.locate(e))?;
        Ok(name.to_owned())
    };
    let names: Result<_, InputError> =
        entry.node.list("a list of names of joints")?.iter().map(name).collect();
    Ok(Planned::Joints(names?))
}

fn locked(
    node: &Node,
    robot: &Robot,
    planned: &[usize],
    warnings: &Warnings,
) -> Result<Vec<(usize, f64)>, InputError> {
    let mut locked = Vec::new();
    for entry in node.map("a map from joints to positions")?.entries {
        let joint = setup::find_joint(robot, &entry.key).map_err(|e| entry.locate(e))?;
        let name = &entry.key;
        if planned.contains(&joint) {
            return Err(entry.error(format!("joint \"{name}\" is planned and cannot be locked")));
        }
        if let Some(mimic) = robot.joints[joint].mimic {
            let leader = &robot.joints[mimic.joint].name;
            return Err(
                entry.error(format!("joint \"{name}\" mimics \"{leader}\": lock \"{leader}\" instead"))
            );
        }
        let held = setup::held_at(&robot.joints[joint], entry.node.number()?);
        let (value, told) = held.map_err(|e| entry.node.locate(e))?;
        told.into_iter().for_each(|told| warnings.push(entry.node.locate(told)));
        locked.push((joint, value));
    }
    Ok(locked)
}

fn limit_choice(node: &Node, robot: &Robot) -> Result<LimitChoice, InputError> {
    let map = node.map_of("a map of limits", &names(tables::LIMITS))?;
    let joints = match map.get("joints") {
        None => Vec::new(),
        Some(joints) => {
            let entries = joints.map("a map from joints to limits")?.entries;
            let read = |e| joint_override(e, robot);
            entries.iter().map(read).collect::<Result<_, _>>()?
        }
    };
    Ok(LimitChoice {
        velocity_scaling: map.get("velocity_scaling").map_or(Ok(1.0), scaling)?,
        acceleration_scaling: map.get("acceleration_scaling").map_or(Ok(1.0), scaling)?,
        ramp_time: map.get("ramp_time").map(Node::positive).transpose()?,
        torque: map.get("torque").map(Node::boolean).transpose()?,
        default: DefaultLimits {
            acceleration: map.get("default_acceleration").map(Node::positive).transpose()?,
            jerk: map.get("default_jerk").map(Node::positive).transpose()?,
        },
        joints,
    })
}

fn scaling(node: &Node) -> Result<f64, InputError> {
    match node.number()? {
        v if v > 0.0 && v <= 1.0 => Ok(v),
        _ => Err(node.expected("a factor greater than 0 and at most 1")),
    }
}

fn joint_override(entry: &Entry, robot: &Robot) -> Result<JointOverride, InputError> {
    let joint = setup::find_joint(robot, &entry.key).map_err(|e| entry.locate(e))?;
    let map = entry.node.map_of("a map of limits of a joint", &names(tables::JOINT_LIMITS))?;
    let positive = |key| map.get(key).map(Node::positive).transpose();
    let given = JointOverride {
        joint: entry.key.clone(),
        lower: map.get("lower").map(Node::number).transpose()?,
        upper: map.get("upper").map(Node::number).transpose()?,
        velocity: positive("velocity")?,
        acceleration: positive("acceleration")?,
        jerk: positive("jerk")?,
        effort: positive("effort")?,
    };
    let mut limits = robot.joints[joint].limits;
    given.apply(&mut limits);
    if limits.lower > limits.upper {
        return Err(entry.node.error(format!(
            "the lower limit {:?} is above the upper limit {:?}",
            limits.lower, limits.upper
        )));
    }
    Ok(given)
}

fn planner(node: &Node, mut default: PlanOptions) -> Result<PlanOptions, InputError> {
    let map = node.map_of("a map of planner options", &names(tables::PLANNER))?;
    map.get("quality").map_or(Ok(Quality::default()), quality)?.apply(&mut default);
    let positive = |key| map.get(key).map(Node::positive).transpose();
    Ok(PlanOptions {
        seed: map.get("seed").map_or(Ok(default.seed), Node::natural)?,
        time_limit: map.get("time_limit").map_or(Ok(default.time_limit), time_limit)?,
        algorithm: map.get("algorithm").map(algorithm).transpose()?,
        cost: map.get("cost").map_or(Ok(default.cost), cost)?,
        max_samples: map.get("max_samples").map_or(Ok(default.max_samples), Node::natural)?,
        range: positive("range")?.or(default.range),
        moving_share: map.get("moving_share").map_or(Ok(default.moving_share), share)?,
        batch: map.get("batch").map_or(Ok(default.batch), batch)?,
        resolution: positive("resolution")?,
        shortcut_tries: map.get("shortcut_tries").map_or(Ok(default.shortcut_tries), Node::natural)?,
        searches: map.get("searches").map_or(Ok(default.searches), searches)?,
        polish_tries: map.get("polish_tries").map_or(Ok(default.polish_tries), Node::natural)?,
        improve: map.get("improve").map(improve).transpose()?,
        ..default
    })
}

fn algorithm(node: &Node) -> Result<Algorithm, InputError> {
    let what = "rrt-connect, aorrtc or rrt-star";
    node.text(what)?.parse().map_err(|_| node.expected(what))
}

fn cost(node: &Node) -> Result<Cost, InputError> {
    let what = "duration, effort:SECOND, length or clearance:MARGIN:WEIGHT, numbers above 0";
    node.text(what)?.parse().map_err(|_| node.expected(what))
}

fn quality(node: &Node) -> Result<Quality, InputError> {
    let what = "fast, balanced or best";
    node.text(what)?.parse().map_err(|_| node.expected(what))
}

fn searches(node: &Node) -> Result<u32, InputError> {
    match node.natural()? {
        0 => Err(node.expected("a whole number greater than 0")),
        searches => Ok(searches),
    }
}

pub(super) fn improve(node: &Node) -> Result<Duration, InputError> {
    let expected = || node.expected("a number of seconds greater than zero");
    let seconds = node.positive().map_err(|_| expected())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| expected())
}

fn smoothness(node: &Node) -> Result<Smoothness, InputError> {
    let what = "acceleration or jerk";
    node.text(what)?.parse().map_err(|_| node.expected(what))
}

pub(super) fn time_limit(node: &Node) -> Result<Option<Duration>, InputError> {
    if matches!(&node.value, Value::Text(text) if text == "none") {
        return Ok(None);
    }
    let expected = || node.expected("a number of seconds greater than zero, or none");
    let seconds = node.positive().map_err(|_| expected())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if !limit.is_zero() => Ok(Some(limit)),
        _ => Err(expected()),
    }
}

fn batch(node: &Node) -> Result<usize, InputError> {
    match node.natural()? {
        n if n <= MAX_BATCH => Ok(n),
        _ => Err(node.expected(format!("a whole number from 0 to {MAX_BATCH}"))),
    }
}

fn share(node: &Node) -> Result<f64, InputError> {
    match node.number()? {
        v if (0.0..=1.0).contains(&v) => Ok(v),
        _ => Err(node.expected("a share from 0 to 1")),
    }
}

/// The obstacles of a scene.
pub(super) fn world(node: &Node) -> Result<World, InputError> {
    let list = node.list("a list of obstacles")?;
    let obstacles = list.iter().enumerate().map(|(i, node)| obstacle(node, i)).collect::<Result<_, _>>()?;
    Ok(World { obstacles })
}

/// An obstacle: its shape, the shape's dimensions, and where it stands.
pub(crate) fn obstacle(node: &Node, index: usize) -> Result<Obstacle, InputError> {
    let map = node.map("an obstacle: a map with the key shape")?;
    let kind_node = map.require("shape")?;
    let kind = kind_node.text("the kind of a shape")?;
    let Some((_, keys)) = tables::SHAPES.iter().find(|(name, _)| *name == kind) else {
        return Err(kind_node.error(unknown("shape", kind, tables::SHAPES.iter().map(|(name, _)| *name))));
    };
    let map = node.map_of("an obstacle", &names(keys))?;
    let name = map.get("name").map(|n| n.text("a name")).transpose()?;
    let name = name.map_or_else(|| format!("{kind} {index}"), str::to_owned);
    let pose = if kind == "half_space" { half_space_pose(&map)? } else { pose(&map)? };
    Ok(Obstacle { name, shape: shape(kind, &map)?, pose })
}

fn shape(kind: &str, map: &Map) -> Result<Shape, InputError> {
    let length = |key| map.require(key).and_then(length);
    Ok(match kind {
        "sphere" => Shape::Sphere { radius: length("radius")? },
        "capsule" => Shape::Capsule { radius: length("radius")?, half_length: length("length")? / 2.0 },
        "cylinder" => Shape::Cylinder { radius: length("radius")?, half_length: length("length")? / 2.0 },
        "half_space" => Shape::HalfSpace,
        _ => Shape::Cuboid { half_extents: half_extents(map)? },
    })
}

fn half_extents(map: &Map) -> Result<DVec3, InputError> {
    let Some(entry) = map.at_most_one(&["size", "half_extents"])? else {
        return Err(map.node.error("missing key \"size\""));
    };
    let lengths = DVec3::from(lengths(&entry.node, "three lengths, along x, y and z")?);
    Ok(if entry.key == "size" { lengths / 2.0 } else { lengths })
}

/// Reads states and checks them against the limits.
struct States<'a> {
    robot: &'a Robot,
    /// The joints that are planned for, less those of a vehicle's base.
    joints: &'a [usize],
    /// How many those of a vehicle's base are, which stand before the others in the mechanism.
    first: usize,
    planned: &'a Planned,
    smoothness: Smoothness,
    mechanism: Mechanism,
    /// Its limits before states moved them out.
    given: GivenLimits,
    warnings: &'a Warnings,
}

impl States<'_> {
    fn goals(&mut self, root: &Map) -> Result<Vec<JointState>, InputError> {
        let entry = goal_entry(root)?;
        if entry.key == "goal" {
            return Ok(vec![self.read(&entry.node)?]);
        }
        let list = entry.node.list("a list of goals")?;
        if list.is_empty() {
            return Err(entry.node.expected("at least one goal"));
        }
        list.iter().map(|node| self.read(node)).collect()
    }

    /// A state of everything that moves.
    fn read(&mut self, node: &Node) -> Result<JointState, InputError> {
        let given = self.mechanism.vehicle().and(self.given.base.clone());
        let Some(base) = given else { return self.of_joints(node) };
        let carries = !self.joints.is_empty();
        let (mut state, joints) =
            vehicle_state::read(node, &base, carries, (&mut self.mechanism, &self.given), self.warnings)?;
        if let Some(joints) = joints {
            let joints = self.of_joints(joints)?;
            state.position.extend(joints.position);
            state.velocity.extend(joints.velocity);
            state.acceleration.extend(joints.acceleration);
        }
        Ok(state)
    }

    /// A state of joints: a position alone, or a map of position, velocity and acceleration.
    fn of_joints(&mut self, node: &Node) -> Result<JointState, InputError> {
        let Value::Map(_) = node.value else {
            return Ok(JointState::at_rest(self.position(node)?));
        };
        let map = node.map_of("a state", &names(tables::JOINT_STATE))?;
        let position = self.position(map.require("position")?)?;
        let mut state = JointState::at_rest(position);
        if let Some(node) = map.get("velocity") {
            state.velocity = self.rates(node, "a velocity", "velocities", setup::admit_velocity)?;
        }
        if let Some(node) = map.get("acceleration") {
            if self.smoothness == Smoothness::Acceleration {
                return Err(node.error("accelerations are part of a state only with smoothness: jerk"));
            }
            state.acceleration =
                self.rates(node, "an acceleration", "accelerations", setup::admit_acceleration)?;
        }
        Ok(state)
    }

    /// Positions of all planned joints, within their bounds.
    fn position(&mut self, node: &Node) -> Result<Vec<f64>, InputError> {
        let values = match &node.value {
            Value::Text(name) => self.named(node, name)?,
            Value::Map(_) => self.position_by_joint(node)?,
            _ => self.listed(node, "a named state, a map from joints to positions, or")?,
        };
        for (i, &(value, at)) in values.iter().enumerate() {
            let slack = setup::admit_position(&mut self.mechanism, &self.given, self.first + i, value);
            setup::allow(slack, at, self.warnings)?;
        }
        Ok(values.into_iter().map(|(value, _)| value).collect())
    }

    /// Velocities or accelerations of all planned joints, within their limits; zero where a map leaves
    /// them out.
    fn rates(
        &mut self,
        node: &Node,
        one: &str,
        many: &str,
        admit: fn(&mut Mechanism, &GivenLimits, usize, f64) -> setup::Slack,
    ) -> Result<Vec<f64>, InputError> {
        let values = match &node.value {
            Value::Map(_) => {
                let found = self.by_joint(node, one)?;
                found.into_iter().map(|v| v.unwrap_or((0.0, node))).collect()
            }
            _ => self.listed(node, &format!("a map from joints to {many}, or"))?,
        };
        for (i, &(value, at)) in values.iter().enumerate() {
            let slack = admit(&mut self.mechanism, &self.given, self.first + i, value);
            setup::allow(slack, at, self.warnings)?;
        }
        Ok(values.into_iter().map(|(value, _)| value).collect())
    }

    fn names(&self) -> &[String] {
        &self.mechanism.outputs[self.first..]
    }

    /// One value per planned joint, in their order.
    fn listed<'n>(&self, node: &'n Node, or: &str) -> Result<Vec<(f64, &'n Node)>, InputError> {
        let names = self.names().join(", ");
        let what = format!("{or} a list of {} numbers: {names}", self.joints.len());
        let list = node.list(&what)?;
        if list.len() != self.joints.len() {
            return Err(node.expected(what));
        }
        list.iter().map(|item| Ok((item.number()?, item))).collect()
    }

    /// A value per planned joint, where the map has it.
    fn by_joint<'n>(&self, node: &'n Node, what: &str) -> Result<Vec<Option<(f64, &'n Node)>>, InputError> {
        let mut values = vec![None; self.joints.len()];
        for entry in node.map("a map from joints to numbers")?.entries {
            let joint = setup::find_joint(self.robot, &entry.key).map_err(|e| entry.locate(e))?;
            let Some(i) = self.joints.iter().position(|&j| j == joint) else {
                return Err(entry.error(format!(
                    "joint \"{}\" is not planned and cannot have {what} here; robot.locked holds such joints",
                    entry.key
                )));
            };
            values[i] = Some((entry.node.number()?, &entry.node));
        }
        Ok(values)
    }

    fn position_by_joint<'n>(&self, node: &'n Node) -> Result<Vec<(f64, &'n Node)>, InputError> {
        let values = self.by_joint(node, "a position")?;
        let missing = |i: usize| node.error(format!("missing joint \"{}\"", self.names()[i]));
        values.into_iter().enumerate().map(|(i, v)| v.ok_or_else(|| missing(i))).collect()
    }

    /// A state of the SRDF: the planned group's own, or else one that covers all planned joints.
    fn named<'n>(&self, node: &'n Node, name: &str) -> Result<Vec<(f64, &'n Node)>, InputError> {
        let all = &self.robot.states;
        let ours = |s: &&NamedState| matches!(self.planned, Planned::Group(group) if *group == s.group);
        let value =
            |s: &NamedState, j: usize| s.values.iter().find(|(joint, _)| *joint == j).map(|(_, v)| *v);
        let covers = |s: &&NamedState| self.joints.iter().all(|&j| value(s, j).is_some());
        let mut same_name: Vec<&NamedState> = all.iter().filter(|s| s.name == name).collect();
        same_name.sort_by_key(|s| !ours(s));
        if same_name.is_empty() {
            return Err(node.error(unknown("state", name, all.iter().map(|s| s.name.as_str()))));
        }
        let Some(state) = same_name.iter().find(|s| covers(s)) else {
            let state = same_name[0];
            let lacks = self.joints.iter().position(|&j| value(state, j).is_none()).unwrap_or(0);
            return Err(node.error(format!(
                "state \"{name}\" of group \"{}\" says nothing of joint \"{}\"",
                state.group,
                self.names()[lacks]
            )));
        };
        Ok(self.joints.iter().filter_map(|&j| value(state, j)).map(|v| (v, node)).collect())
    }
}

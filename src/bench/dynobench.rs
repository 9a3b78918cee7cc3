//! dynobench's environments and models (github.com/quimortiz/dynobench), as its authors lay them out:
//! `envs/SYSTEM/NAME.yaml`, whose robot's `type` names a model `TYPE.yaml`, and `reference_durations.csv`.
//!
//! The first two dimensions of a planar environment are x and y for what drives, x and z for what
//! flies; obstacles reach far across the plane. Bounds of an environment are bounds of the position,
//! not of the body. Boxes are given by their full size, spheres (`size: [r]`) by their radius.

use crate::base::{
    Actuation, Base, Car, DifferentialDrive, DriveAcceleration, GRAVITY, PlanarQuadrotor, Point, Quadrotor,
    Trailer, VelocityAxes,
};
use crate::document::{self, Map, Node, unknown};
use crate::error::InputError;
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::{self, JointState, Problem};
use crate::robot::{JointLimits, Mechanism, Robot, Sphere, rectangle_spheres};
use crate::world::{Obstacle, Shape, World};
use glam::{DVec2, DVec3};
use std::f64::consts::FRAC_PI_4;
use std::path::{Path, PathBuf};

/// How far spheres reach beyond the boxes that they stand for, metres.
pub const EXCESS: f64 = 0.01;
/// Most spheres that a body may take.
const MAX_SPHERES: usize = 1000;
/// Greatest coordinate or length of an environment, metres; what is beyond is a slip.
const MAX_COORDINATE: f64 = 1e6;
/// Half of how far the obstacles of a planar environment reach across its plane, metres.
const ACROSS: f64 = 10.0;
/// A body in the plane is as thick as its spheres; these are the axes that the plane's two are.
const GROUND: [usize; 2] = [0, 1];
const UPRIGHT: [usize; 2] = [0, 2];

/// An environment, and the robot in it.
#[derive(Clone, Debug)]
pub struct Environment {
    /// Least position.
    pub lower: Vec<f64>,
    /// Greatest position.
    pub upper: Vec<f64>,
    /// Boxes: centre and full size.
    pub boxes: Vec<[Vec<f64>; 2]>,
    /// Type, start and goal of the robot; `None` where there is none.
    pub robot: Option<DynobenchTask>,
}

/// What the robot of an environment is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct DynobenchTask {
    /// Name of its model.
    pub model: String,
    /// State in which it starts.
    pub start: Vec<f64>,
    /// State in which it shall end.
    pub goal: Vec<f64>,
}

/// A robot: how it moves and what it fills.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// How it moves.
    pub base: Base,
    /// What it fills, about its position.
    pub body: Vec<Sphere>,
    /// What its trailer fills, about the trailer's axle.
    pub trailer: Vec<Sphere>,
    /// How far the spheres reach beyond the body itself, metres.
    pub excess: f64,
}

/// A problem of the suite.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Name of the folder that it lies in, such as `unicycle1_v0`.
    pub system: String,
    /// Name of its file, without `.yaml`.
    pub name: String,
    /// The world and the task.
    pub environment: Environment,
    /// The robot; `None` where the models hold none of its type.
    pub model: Option<Model>,
    /// Duration that iDb-A* found for it, seconds.
    pub reference: Option<f64>,
}

/// Options of a planner for the suite, whose bodies and rooms are of about a metre.
pub fn options() -> PlanOptions {
    PlanOptions { resolution: Some(0.05), range: Some(1.0), ..PlanOptions::default() }
}

/// Reads all instances of a suite, by system and name. Environments without a robot are left out.
///
/// # Errors
/// Where a file is missing or malformed.
pub fn load(directory: &Path, models: &Path) -> Result<Vec<Instance>, InputError> {
    let references = references(&directory.join("reference_durations.csv"))?;
    let mut instances = Vec::new();
    for system in entries(&directory.join("envs"))?.into_iter().filter(|path| path.is_dir()) {
        for file in entries(&system)?.into_iter().filter(|p| p.extension().is_some_and(|e| e == "yaml")) {
            let environment = Environment::load(&file)?;
            let Some(task) = &environment.robot else { continue };
            let model = models.join(format!("{}.yaml", task.model));
            let model = model.is_file().then(|| Model::load(&model)).transpose()?;
            if let Some(model) = &model {
                environment.fits(model).map_err(|e| e.in_file(&file))?;
            }
            let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let (system, name) = (name(&system), name(&file));
            let of = |r: &&(String, String, f64)| r.0 == system && r.1 == name;
            let reference = references.iter().find(of).map(|r| r.2);
            instances.push(Instance { system, name, environment, model, reference });
        }
    }
    Ok(instances)
}

/// Paths in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let error = |e| InputError::new(format!("cannot read the folder: {e}")).in_file(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).map_err(error)?.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// System, environment and duration of each line; none where there is no such file.
fn references(file: &Path) -> Result<Vec<(String, String, f64)>, InputError> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let text = InputError::read_text(file)?;
    let mut references = Vec::new();
    for (i, line) in text.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let reference = match fields[..] {
            [system, name, seconds] => {
                seconds.parse().ok().map(|s: f64| (system.to_owned(), name.to_owned(), s))
            }
            _ => None,
        };
        let expected =
            || InputError::new("expected system,environment,duration_s").in_file(file).at_line(i + 1);
        references.push(reference.ok_or_else(expected)?);
    }
    Ok(references)
}

impl Environment {
    /// Reads an environment.
    ///
    /// # Errors
    /// Where the file is missing or malformed.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        let text = InputError::read_text(file)?;
        Self::parse(&text).map_err(|e| e.in_file(file))
    }

    /// Reads an environment from the text of its file.
    ///
    /// # Errors
    /// As [`Environment::load`].
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let root = document::parse(text)?;
        let map = root.map_of("an environment: a map", &["name", "environment", "robots"])?;
        let world =
            map.require("environment")?.map_of("a map with min and max", &["min", "max", "obstacles"])?;
        let lower_node = world.require("min")?;
        let lower = coordinates(lower_node)?;
        if !(2..=3).contains(&lower.len()) {
            return Err(lower_node.expected("two or three numbers"));
        }
        let upper = vector(&world, "max", lower.len())?;
        if lower.iter().zip(&upper).any(|(lower, upper)| lower > upper) {
            return Err(world.require("max")?.error("expected numbers no less than those of \"min\""));
        }
        let boxes = match world.get("obstacles") {
            None => Vec::new(),
            Some(list) => {
                let read = |node| obstacle(node, lower.len());
                list.list("a list of obstacles")?.iter().map(read).collect::<Result<_, _>>()?
            }
        };
        let robot = map.get("robots").map(task).transpose()?;
        map.get("name").map(|n| n.text("a name")).transpose()?;
        Ok(Self { lower, upper, boxes, robot })
    }

    /// Whether the model has as many states as start and goal, and moves in this many dimensions.
    fn fits(&self, model: &Model) -> Result<(), InputError> {
        let states = model.base.state_names();
        for (key, state) in self.robot.iter().flat_map(|t| [("start", &t.start), ("goal", &t.goal)]) {
            if state.len() != states.len() {
                let message = format!("expected {} numbers: {}", states.len(), states.join(", "));
                return Err(InputError::new(message).for_key(format!("robots[0].{key}")));
            }
        }
        if model.axes().len() != self.lower.len() {
            let message = format!("expected {} numbers for this robot", model.axes().len());
            return Err(InputError::new(message).for_key("environment.min"));
        }
        Ok(())
    }

    /// The boxes in space, for a robot that moves along these axes.
    pub fn world(&self, axes: &[usize]) -> World {
        let placed = |values: &[f64], across: f64| {
            let mut all = [across; 3];
            axes.iter().zip(values).for_each(|(&axis, &v)| all[axis] = v);
            DVec3::from(all)
        };
        let obstacle = |(i, [center, size]): (usize, &[Vec<f64>; 2])| Obstacle {
            name: format!("box {i}"),
            shape: Shape::Cuboid { half_extents: placed(size, 2.0 * ACROSS) / 2.0 },
            pose: Pose::from_translation(placed(center, 0.0)),
        };
        World { obstacles: self.boxes.iter().enumerate().map(obstacle).collect() }
    }
}

/// A list of lengths in metres of sensible size.
fn coordinates(node: &Node) -> Result<Vec<f64>, InputError> {
    let numbers = node.numbers("a list of numbers")?;
    match numbers.iter().find(|x| x.abs() > MAX_COORDINATE) {
        None => Ok(numbers),
        Some(x) => Err(node.error(format!("expected numbers up to {MAX_COORDINATE:e} m, found {x:e}"))),
    }
}

/// A list of exactly so many such lengths.
fn vector(map: &Map, key: &str, length: usize) -> Result<Vec<f64>, InputError> {
    let what = format!("{length} numbers");
    let node = map.require(key)?;
    let numbers = coordinates(node)?;
    if numbers.len() == length { Ok(numbers) } else { Err(node.expected(what)) }
}

fn obstacle(node: &Node, dimensions: usize) -> Result<[Vec<f64>; 2], InputError> {
    let map = node.map_of("an obstacle: a map", &["type", "center", "size"])?;
    let kind = map.require("type")?;
    if kind.text("the type of an obstacle")? != "box" {
        return Err(kind.expected("box"));
    }
    map.require("size")?.list("a list of lengths")?.iter().try_for_each(|n| n.positive().map(drop))?;
    Ok([vector(&map, "center", dimensions)?, vector(&map, "size", dimensions)?])
}

fn task(node: &Node) -> Result<DynobenchTask, InputError> {
    let [robot] = node.list("a list of robots")? else {
        return Err(node.expected("exactly one robot"));
    };
    let map = robot.map_of("a robot: a map", &["type", "start", "goal"])?;
    let state = |key| map.require(key)?.numbers("a state: a list of numbers");
    Ok(DynobenchTask {
        model: map.require("type")?.text("the name of a model")?.to_owned(),
        start: state("start")?,
        goal: state("goal")?,
    })
}

/// What `dynamics` may be.
const DYNAMICS: [&str; 7] =
    ["integrator2_2d", "integrator2_3d", "unicycle1", "unicycle2", "car_with_trailers", "quad2d", "quad3d"];

impl Model {
    /// Reads a model.
    ///
    /// # Errors
    /// Where the file is missing or malformed, or of dynamics that there are no maps for.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        let text = InputError::read_text(file)?;
        Self::parse(&text).map_err(|e| e.in_file(file))
    }

    /// Reads a model from the text of its file. What is left out is as dynobench has it; keys that
    /// say nothing of the robot (weights, time steps) are passed over.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let root = document::parse(text)?;
        let map = root.map("a model: a map")?;
        let node = map.require("dynamics")?;
        let base = match node.text("the name of dynamics")? {
            "integrator2_2d" => integrator(&map, 2)?,
            "integrator2_3d" => integrator(&map, 3)?,
            "unicycle1" => unicycle(&map, false)?,
            "unicycle2" => unicycle(&map, true)?,
            "car_with_trailers" => car(&map)?,
            "quad2d" => planar_quadrotor(&map)?,
            "quad3d" => quadrotor(&map)?,
            other => return Err(node.error(unknown("dynamics", other, DYNAMICS))),
        };
        base.validate().map_err(|e| root.locate(InputError::of_value(e)))?;
        let is_upright = matches!(base, Base::PlanarQuadrotor(_));
        let is_in_space = matches!(&base, Base::Quadrotor(_) | Base::Point(Point { dimensions: 3, .. }));
        let default = if matches!(base, Base::Quadrotor(_)) { "sphere" } else { "box" };
        let body = |shape: &str, size: &str| body(&map, shape, size, default, is_upright, is_in_space);
        let (body, excess) = match &base {
            Base::Car(Car { trailer: Some(_), .. }) => {
                let (car, excess) = body("shape", "size")?;
                let (trailer, other) = body("shape_trailer", "size_trailer")?;
                return Ok(Self { base, body: car, trailer, excess: excess.max(other) });
            }
            _ => body("shape", "size")?,
        };
        Ok(Self { base, body, trailer: Vec::new(), excess })
    }

    /// The axes of space that the dimensions of its environments are.
    pub fn axes(&self) -> &'static [usize] {
        match &self.base {
            Base::PlanarQuadrotor(_) => &UPRIGHT,
            Base::Quadrotor(_) | Base::Point(Point { dimensions: 3, .. }) => &[0, 1, 2],
            _ => &GROUND,
        }
    }
}

/// Spheres of a body, and how far they reach beyond it.
fn body(
    map: &Map,
    shape: &str,
    size: &str,
    default: &str,
    is_upright: bool,
    is_in_space: bool,
) -> Result<(Vec<Sphere>, f64), InputError> {
    let ball = |radius| (vec![Sphere { center: DVec3::ZERO, radius }], 0.0);
    let kind = map.get(shape).map_or(Ok(default), |n| n.text("a shape"))?;
    match (kind, map.get("radius"), map.get(size)) {
        ("sphere", Some(radius), _) => Ok(ball(radius.positive()?)),
        ("sphere", None, Some(size)) => match size.array::<1>("one number, the radius")? {
            [radius] if radius > 0.0 => Ok(ball(radius)),
            _ => Err(size.expected("a radius greater than zero")),
        },
        ("sphere", None, None) => Ok(ball(0.4)),
        ("box", ..) if is_in_space => {
            Err(map.node.error("a box in space is not supported; expected a sphere"))
        }
        ("box", _, given) => {
            let sides = given.map_or(Ok([0.5, 0.25]), |n| n.array("two lengths"))?;
            if let (Some(node), true) = (given, sides.iter().any(|&s| s <= 2.0 * EXCESS)) {
                return Err(node.expected(format!("two lengths above {}", 2.0 * EXCESS)));
            }
            let spheres = rectangle_spheres(DVec2::from(sides) / 2.0, EXCESS, is_upright, MAX_SPHERES);
            let node = given.unwrap_or(map.node);
            let too_many =
                || node.error(format!("it takes more than {MAX_SPHERES} spheres to cover this box"));
            Ok((spheres.ok_or_else(too_many)?, EXCESS))
        }
        (other, ..) => {
            let node = map.get(shape).unwrap_or(map.node);
            Err(node.error(unknown("shape", other, ["box", "sphere"])))
        }
    }
}

/// A number, or what dynobench takes where it is left out.
fn number(map: &Map, key: &str, default: f64) -> Result<f64, InputError> {
    map.get(key).map_or(Ok(default), Node::number)
}

/// A number greater than zero, or what dynobench takes where it is left out.
fn positive(map: &Map, key: &str, default: f64) -> Result<f64, InputError> {
    map.get(key).map_or(Ok(default), Node::positive)
}

fn integrator(map: &Map, dimensions: usize) -> Result<Base, InputError> {
    let (velocity, acceleration) = (positive(map, "max_vel", 0.5)?, positive(map, "max_acc", 2.0)?);
    Ok(Base::Point(Point { dimensions, velocity, acceleration }))
}

/// Least and greatest of something, which must not be the other way around.
fn range(map: &Map, [lower, upper]: [&str; 2], defaults: [f64; 2]) -> Result<[f64; 2], InputError> {
    let range = [number(map, lower, defaults[0])?, number(map, upper, defaults[1])?];
    match map.get(upper).or(map.get(lower)) {
        Some(node) if range[0] > range[1] => Err(node.error(format!("{lower} is greater than {upper}"))),
        _ => Ok(range),
    }
}

fn unicycle(map: &Map, is_second_order: bool) -> Result<Base, InputError> {
    // dynobench's own name of the angular limit ends in `_abs`, its files' does not.
    let angular =
        if map.get("max_angular_acc_abs").is_some() { "max_angular_acc_abs" } else { "max_angular_acc" };
    let acceleration = DriveAcceleration {
        linear: positive(map, "max_acc_abs", 0.25)?,
        angular: positive(map, angular, 0.25)?,
    };
    Ok(Base::DifferentialDrive(DifferentialDrive {
        speed: range(map, ["min_vel", "max_vel"], [-0.5, 0.5])?,
        turn_rate: range(map, ["min_angular_vel", "max_angular_vel"], [-0.5, 0.5])?,
        acceleration: is_second_order.then_some(acceleration),
    }))
}

fn car(map: &Map) -> Result<Base, InputError> {
    let trailer = match map.get("num_trailers").map_or(Ok(1), Node::natural::<usize>)? {
        0 => None,
        1 => {
            let [hitch_length] = map.get("hitch_lengths").map_or(Ok([0.5]), |n| n.array("one length"))?;
            Some(Trailer { hitch_length, angle: positive(map, "diff_max_abs", FRAC_PI_4)? })
        }
        _ => return Err(map.require("num_trailers")?.expected("0 or 1")),
    };
    Ok(Base::Car(Car {
        wheelbase: positive(map, "l", 0.25)?,
        speed: range(map, ["min_vel", "max_vel"], [-0.1, 0.5])?,
        steering: positive(map, "max_steering_abs", std::f64::consts::FRAC_PI_3)?,
        steering_rate: f64::INFINITY,
        acceleration: f64::INFINITY,
        trailer,
    }))
}

fn planar_quadrotor(map: &Map) -> Result<Base, InputError> {
    if let Some(node) = map.get("drag_against_vel")
        && node.boolean()?
    {
        return Err(node.expected("false: drag is not modelled"));
    }
    Ok(Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: positive(map, "m", 2.5)?,
        inertia: positive(map, "I", 1.2)?,
        arm: positive(map, "l", 0.5)?,
        rotor: positive(map, "max_f", 1.0)?,
        velocity: positive(map, "max_vel", 4.0)?,
        body_rate: positive(map, "max_angular_vel", 8.0)?,
        gravity: GRAVITY,
    }))
}

fn quadrotor(map: &Map) -> Result<Base, InputError> {
    let mass = positive(map, "m", 0.034)?;
    let inertia = map
        .get("J_v")
        .map_or(Ok([16.571_71e-6, 16.655_602e-6, 29.261_652e-6]), |n| n.array("three numbers"))?;
    let is_by_rotors = map.get("motor_control").map_or(Ok(true), Node::boolean)?;
    let actuation = if is_by_rotors {
        Actuation::Rotors {
            arm: positive(map, "arm_length", 0.046)?,
            torque_by_thrust: positive(map, "t2t", 0.006)?,
            most: positive(map, "max_f", 1.3)?,
        }
    } else {
        let four = |key: &str| map.require(key)?.array("four numbers: thrust and three moments");
        // dynobench: thrust in multiples of the weight, moments in multiples of 20 N m.
        Actuation::Wrench {
            unit: [mass * GRAVITY, 20.0, 20.0, 20.0],
            lower: four("u_lb")?,
            upper: four("u_ub")?,
        }
    };
    Ok(Base::Quadrotor(Quadrotor {
        mass,
        inertia: DVec3::from(inertia),
        actuation,
        velocity: positive(map, "max_vel", 4.0)?,
        body_rate: positive(map, "max_angular_vel", 8.0)?,
        velocity_axes: VelocityAxes::World,
        gravity: GRAVITY,
    }))
}

impl Instance {
    /// The problem, or why there is none to be planned. Whether start and goal lie within the limits is for a planner
    /// to say.
    ///
    /// # Errors
    /// Where start or goal is no state of the model, or has no coordinates.
    pub fn problem(&self) -> Result<Result<Problem, String>, InputError> {
        let (Some(model), Some(task)) = (&self.model, &self.environment.robot) else {
            return Ok(Err("there is no model of its type".to_owned()));
        };
        self.environment.fits(model)?;
        let Environment { lower, upper, .. } = &self.environment;
        let base = &model.base;
        let limits: Vec<JointLimits> = base
            .coordinates()
            .iter()
            .enumerate()
            .map(|(i, _)| {
                let mut limits = JointLimits::NONE;
                // The first coordinates are those of the environment's dimensions.
                if let (Some(&lower), Some(&upper)) = (lower.get(i), upper.get(i)) {
                    (limits.lower, limits.upper) = (lower, upper);
                }
                if let Base::Point(Point { velocity, acceleration, .. }) = *base {
                    (limits.velocity, limits.acceleration) = (velocity, acceleration);
                }
                limits
            })
            .collect();
        let robot = Robot::of_spheres("body", model.body.clone());
        let robot = robot.on_base(base.clone(), &limits, model.trailer.clone());
        let mut mechanism =
            Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?;
        let given = mechanism.given_limits();
        let mut state = |key: &str, values: &[f64]| {
            let key = || format!("{}/{}: robots[0].{key}", self.system, self.name);
            let configuration = base.configuration(values);
            let [position, velocity] =
                configuration.map_err(|e| InputError::new(e.to_string()).for_key(key()))?;
            mechanism.admit(&given, &position, &velocity, &[]);
            Ok::<_, InputError>(JointState { velocity, ..JointState::at_rest(position) })
        };
        let (start, goal) = (state("start", &task.start)?, state("goal", &task.goal)?);
        let world = self.environment.world(model.axes());
        Ok(Ok(Problem {
            mechanism,
            world,
            start,
            goals: vec![goal],
            smoothness: problem::Smoothness::Acceleration,
            torque: false,
            gravity: problem::GRAVITY,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVIRONMENT: &str = "\
name: two boxes
environment:
  min: [0, -1]
  max: [4, 3]
  obstacles:
    - {type: box, center: [1, 2], size: [0.5, 0.25]}
robots:
  - type: integrator2_2d_v0
    start: [0.5, 0, 0, 0]
    goal: [3, 0, 0.1, 0]
";

    fn error(from: &str, to: &str) -> String {
        assert!(ENVIRONMENT.contains(from), "{from}");
        Environment::parse(&ENVIRONMENT.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn reads_an_environment() {
        let environment = Environment::parse(ENVIRONMENT).unwrap();
        assert_eq!(environment.boxes.len(), 1);
        assert_eq!(environment.robot.as_ref().unwrap().goal, [3.0, 0.0, 0.1, 0.0]);
        let ground = environment.world(&GROUND);
        assert!((ground.obstacles[0].signed_distance(DVec3::new(1.0, 3.0, 0.0)) - 0.875).abs() < 1e-12);
        let upright = environment.world(&UPRIGHT);
        assert!((upright.obstacles[0].signed_distance(DVec3::new(1.0, 0.0, 3.0)) - 0.875).abs() < 1e-12);
    }

    #[test]
    fn says_what_is_wrong_where() {
        assert_eq!(error("[4, 3]", "[4]"), "line 4: environment.max: expected 2 numbers, found a list of 1");
        assert_eq!(
            error("[4, 3]", "[4, x]"),
            "line 4: environment.max[1]: expected a finite number, found \"x\""
        );
        assert_eq!(
            error("type: box", "type: ball"),
            "line 6: environment.obstacles[0].type: expected box, found \"ball\""
        );
        assert_eq!(
            error("0.25]", "-0.25]"),
            "line 6: environment.obstacles[0].size[1]: expected a number greater than zero, found -0.25"
        );
        assert_eq!(error("    goal: [3, 0, 0.1, 0]\n", ""), "line 8: robots[0]: missing key \"goal\"");
        assert_eq!(
            error("obstacles:", "obstacle:"),
            "line 5: environment.obstacle: unknown key \"obstacle\"; did you mean \"obstacles\"?"
        );
    }

    #[test]
    fn models_become_bases() {
        let unicycle = Model::parse("dynamics: unicycle1\nmin_vel: 0.25\nmin_angular_vel: -0.25\n").unwrap();
        let Base::DifferentialDrive(drive) = &unicycle.base else { panic!("{unicycle:?}") };
        assert_eq!((drive.speed, drive.turn_rate, drive.acceleration), ([0.25, 0.5], [-0.25, 0.5], None));
        // Its box of 0.5 by 0.25 lies within the spheres, in the plane.
        assert!(unicycle.body.iter().all(|s| s.center.z == 0.0) && unicycle.excess == EXCESS);
        let holds = |p: DVec3| unicycle.body.iter().any(|s| s.center.distance(p) <= s.radius);
        assert!(holds(DVec3::new(0.25, 0.125, 0.0)) && !holds(DVec3::new(0.262, 0.0, 0.0)));

        let car = Model::parse("dynamics: car_with_trailers\nsize_trailer: [0.3, 0.25]\n").unwrap();
        assert!(matches!(car.base, Base::Car(Car { trailer: Some(_), .. })) && !car.trailer.is_empty());
        let planar = Model::parse("dynamics: quad2d\nsize: [0.6, 0.2]\nm: 0.034\n").unwrap();
        assert!(planar.body.iter().all(|s| s.center.y == 0.0) && planar.axes() == UPRIGHT);
        let spatial = Model::parse("dynamics: quad3d\nsize: [0.25]\n").unwrap();
        assert_eq!(spatial.body, [Sphere { center: DVec3::ZERO, radius: 0.25 }]);
        let point =
            Model::parse("dynamics: integrator2_2d\nshape: sphere\nradius: 0.1\nmax_acc: 3\n").unwrap();
        assert_eq!(point.base, Base::Point(Point { dimensions: 2, velocity: 0.5, acceleration: 3.0 }));

        let error = |text: &str| Model::parse(text).unwrap_err().to_string();
        assert_eq!(error("dt: 0.1\n"), "line 1: missing key \"dynamics\"");
        assert!(error("dynamics: unicycle3\n").contains("did you mean \"unicycle"));
        assert!(
            error("dynamics: unicycle1\nmin_vel: 2\nmax_vel: 1\n")
                .starts_with("line 3: max_vel: min_vel is greater")
        );
        assert!(error("dynamics: quad2d\ndrag_against_vel: true\n").contains("drag is not modelled"));
        assert!(error("dynamics: quad3d\nshape: box\n").contains("expected a sphere"));
    }

    #[test]
    fn states_must_fit_the_model() {
        let model = Model::parse("dynamics: unicycle1\n").unwrap();
        let error = Environment::parse(ENVIRONMENT).unwrap().fits(&model).unwrap_err().to_string();
        assert_eq!(error, "robots[0].start: expected 3 numbers: x, y, theta");
    }
}

//! Robots that a scene describes itself: a base kind with its parameters, the body that it moves, and
//! what it carries.

use super::body::{self, Part, PartMoves};
use super::files::RobotFiles;
use super::lengths::{GREATEST_POSITION, length, point as position, pose};
use super::tables;
use crate::base::{
    Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, GRAVITY, MecanumWheels,
    Omnidirectional, PlanarQuadrotor, Point, Quadrotor, Trailer, VelocityAxes,
};
use crate::document::{Entry, Map, Node, names};
use crate::error::InputError;
use crate::pose::Pose;
use crate::robot::{JointLimits, LoadOptions, Robot, Sphere};
use glam::DVec3;
use std::f64::consts::FRAC_PI_2;
use std::path::Path;

/// A point that carries spheres and accelerates along its axes; it does not turn.
#[derive(Clone, Debug, PartialEq)]
pub struct PointRobot {
    /// Dimensions, one to three: along x, y, z.
    pub dimensions: usize,
    /// Greatest speed along each axis, m/s.
    pub velocity: f64,
    /// Greatest acceleration along each axis, m/s^2.
    pub acceleration: f64,
    /// Least and greatest position along each axis, metres, where it is bounded.
    pub bounds: Option<[Vec<f64>; 2]>,
    /// What it carries, about its position.
    pub spheres: Vec<Sphere>,
}

impl PointRobot {
    /// The robot: a link of these spheres on prismatic joints x, y, z.
    pub fn robot(&self) -> Robot {
        let Self { dimensions, velocity, acceleration, .. } = *self;
        let bound =
            |side: usize, axis: usize, none: f64| self.bounds.as_ref().map_or(none, |b| b[side][axis]);
        let limits: Vec<JointLimits> = (0..dimensions)
            .map(|axis| JointLimits {
                lower: bound(0, axis, f64::NEG_INFINITY),
                upper: bound(1, axis, f64::INFINITY),
                velocity,
                acceleration,
                ..JointLimits::NONE
            })
            .collect();
        let base = Base::Point(Point { dimensions, velocity, acceleration });
        Robot::of_spheres("body", self.spheres.clone()).on_base(base, &limits, Vec::new())
    }
}

/// Reads what stands under `robot.point`.
pub(super) fn point(node: &Node) -> Result<PointRobot, InputError> {
    let map =
        node.map_of("a map with dimensions, velocity, acceleration and radius", &names(tables::POINT))?;
    let dimensions_node = map.require("dimensions")?;
    let dimensions: usize = dimensions_node.natural()?;
    if !(1..=3).contains(&dimensions) {
        return Err(dimensions_node.expected("1, 2 or 3"));
    }
    let what = format!("{dimensions} numbers, one for each dimension");
    let bounds = bounds(&map, dimensions, &what)?;
    let spheres = match map.at_most_one(&["radius", "spheres"])? {
        None => return Err(node.error("missing key \"radius\" (or \"spheres\")")),
        Some(entry) if entry.key == "radius" => {
            vec![Sphere { center: DVec3::ZERO, radius: length(&entry.node)? }]
        }
        Some(entry) => {
            let list = entry.node.list("a list of spheres")?;
            if list.is_empty() {
                return Err(entry.node.expected("at least one sphere"));
            }
            list.iter().map(sphere).collect::<Result<_, _>>()?
        }
    };
    Ok(PointRobot {
        dimensions,
        velocity: map.require("velocity")?.positive()?,
        acceleration: map.require("acceleration")?.positive()?,
        bounds,
        spheres,
    })
}

fn sphere(node: &Node) -> Result<Sphere, InputError> {
    let map = node.map_of("a sphere: a map with center and radius", &names(tables::SPHERE))?;
    let center_node = map.require("center")?;
    let center = position(center_node.array("three numbers, x, y and z in metres")?)
        .map_err(|e| center_node.locate(e))?;
    Ok(Sphere { center, radius: length(map.require("radius")?)? })
}

/// Least and greatest position along so many axes, where they are given.
fn bounds(map: &Map, axes: usize, what: &str) -> Result<Option<[Vec<f64>; 2]>, InputError> {
    let corner = |key| match map.get(key) {
        None => Ok(None),
        Some(node) => match node.numbers(what)? {
            values if values.len() == axes => {
                let is_far = |v: &f64| v.abs() > GREATEST_POSITION;
                match values.iter().position(is_far) {
                    Some(i) => Err(node.error(format!("expected bounds up to 1e6 m, found {:?}", values[i]))),
                    None => Ok(Some(values)),
                }
            }
            _ => Err(node.expected(what)),
        },
    };
    match (corner("lower")?, corner("upper")?) {
        (None, None) => Ok(None),
        (Some(lower), Some(upper)) => {
            if lower.iter().zip(&upper).any(|(l, u)| l > u) {
                return Err(map.require("upper")?.error("expected numbers no less than those of \"lower\""));
            }
            Ok(Some([lower, upper]))
        }
        _ => Err(map.node.error("expected \"lower\" and \"upper\" together, or neither")),
    }
}

/// What drives or flies: how it moves, what it fills and what it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct VehicleRobot {
    /// How it moves.
    pub base: Base,
    /// Least and greatest position along each axis that it moves along, metres, where it is bounded;
    /// of a car with a trailer that of the trailer's axle.
    pub bounds: Option<[Vec<f64>; 2]>,
    /// What it fills, in its own frame.
    pub body: Vec<Part>,
    /// What its trailer fills, in the frame of the trailer's axle; nothing where it has none.
    pub trailer: Vec<Part>,
    /// A robot that stands on it.
    pub carries: Option<Carried>,
}

/// A robot that stands on a vehicle.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// Where it is described.
    pub files: RobotFiles,
    /// Frame of its root link in the frame of the vehicle.
    pub mount: Pose,
}

impl VehicleRobot {
    /// The robot: the vehicle's body, and what it carries, on the joints of its base.
    ///
    /// # Errors
    /// Where the files of what it carries are missing or malformed, or a joint in them is called as one
    /// of the vehicle's.
    pub fn robot(&self) -> Result<Robot, InputError> {
        let spheres = |parts: &[Part]| parts.iter().flat_map(|part| part.spheres.iter().copied()).collect();
        let mut robot = Robot::of_spheres("body", spheres(&self.body));
        let coordinates = self.base.coordinates();
        if let Some(Carried { files, mount }) = &self.carries {
            let tree = files.load()?;
            let taken = |name: &str| {
                coordinates.iter().any(|c| c.name == name) || self.base.outputs().contains(&name)
            };
            if let Some(joint) = tree.joints.iter().find(|j| taken(&j.name)) {
                let message = format!("joint \"{}\" is called as one of the vehicle's own", joint.name);
                return Err(InputError::new(message).in_file(&files.urdf));
            }
            robot = robot.carrying(tree, *mount, &LoadOptions::default());
        }
        let mut limits = vec![JointLimits::NONE; coordinates.len()];
        if let Some([lower, upper]) = &self.bounds {
            let axes = limits.iter_mut().zip(lower).zip(upper);
            axes.for_each(|((limits, &lower), &upper)| (limits.lower, limits.upper) = (lower, upper));
        }
        Ok(robot.on_base(self.base.clone(), &limits, spheres(&self.trailer)))
    }
}

/// Reads what stands under `robot.KIND` of a scene in `directory`, for any kind but a point.
pub(super) fn vehicle(entry: &Entry, directory: &Path) -> Result<VehicleRobot, InputError> {
    let vehicle = match entry.key.as_str() {
        "differential_drive" => differential_drive(&entry.node, directory)?,
        "car" => car(&entry.node, directory)?,
        "omnidirectional" => omnidirectional(&entry.node, directory)?,
        "airplane" => airplane(&entry.node)?,
        "planar_quadrotor" => planar_quadrotor(&entry.node)?,
        _ => quadrotor(&entry.node)?,
    };
    // Single keys are read with errors of their own; this asks for what is left, such as sizes beyond all reason.
    vehicle.base.validate().map_err(|e| entry.node.locate(InputError::of_value(e)))?;
    Ok(vehicle)
}

fn of_base(map: &Map, base: Base, moves: PartMoves) -> Result<VehicleRobot, InputError> {
    let (axes, what) = match moves {
        PartMoves::OnGround => (2, "two numbers, x and y in metres"),
        PartMoves::Upright => (2, "two numbers, x and z in metres"),
        PartMoves::InSpace => (3, "three numbers, x, y and z in metres"),
    };
    Ok(VehicleRobot {
        base,
        bounds: bounds(map, axes, what)?,
        body: body::body(map.require("body")?, moves)?,
        trailer: Vec::new(),
        carries: None,
    })
}

fn differential_drive(node: &Node, directory: &Path) -> Result<VehicleRobot, InputError> {
    let map = node.map_of("a map with speed, turn_rate and body", &names(tables::DIFFERENTIAL_DRIVE))?;
    let acceleration = match (map.get("acceleration"), map.get("turn_acceleration")) {
        (None, None) => None,
        (Some(linear), Some(angular)) => {
            Some(DriveAcceleration { linear: linear.positive()?, angular: angular.positive()? })
        }
        _ => {
            return Err(
                node.error("expected \"acceleration\" and \"turn_acceleration\" together, or neither")
            );
        }
    };
    let (speed, turn_rate) = (range(&map, "speed")?, range(&map, "turn_rate")?);
    let base = Base::DifferentialDrive(DifferentialDrive { speed, turn_rate, acceleration });
    let carries = carries(&map, directory)?;
    Ok(VehicleRobot { carries, ..of_base(&map, base, PartMoves::OnGround)? })
}

/// What it carries, if anything.
fn carries(map: &Map, directory: &Path) -> Result<Option<Carried>, InputError> {
    map.get("carries").map(|node| carried(node, directory)).transpose()
}

fn carried(node: &Node, directory: &Path) -> Result<Carried, InputError> {
    let map = node.map_of("what it carries: a map with urdf and mount", &names(tables::CARRIED))?;
    let mount = map.get("mount").map_or(Ok(Pose::IDENTITY), |node| {
        pose(&node.map_of("a map with position, rpy or quaternion_xyzw", &names(tables::FRAME))?)
    })?;
    Ok(Carried { files: RobotFiles::read(&map, directory)?, mount })
}

fn car(node: &Node, directory: &Path) -> Result<VehicleRobot, InputError> {
    let map = node.map_of("a map with wheelbase, speed, steering and body", &names(tables::CAR))?;
    let endless = |key| map.get(key).map_or(Ok(f64::INFINITY), Node::positive);
    let trailer = map.get("trailer").map(trailer).transpose()?;
    let (trailer, parts) = trailer.map_or((None, Vec::new()), |(trailer, parts)| (Some(trailer), parts));
    let base = Base::Car(Car {
        wheelbase: length(map.require("wheelbase")?)?,
        speed: range(&map, "speed")?,
        steering: acute(map.require("steering")?)?,
        steering_rate: endless("steering_rate")?,
        acceleration: endless("acceleration")?,
        trailer,
    });
    let carries = carries(&map, directory)?;
    Ok(VehicleRobot { trailer: parts, carries, ..of_base(&map, base, PartMoves::OnGround)? })
}

fn omnidirectional(node: &Node, directory: &Path) -> Result<VehicleRobot, InputError> {
    let map = node.map_of("a map with velocity, acceleration and body", &names(tables::OMNIDIRECTIONAL))?;
    let limits = |key: &str| three_positive(map.require(key)?, "ahead, to the left and about z");
    let base = Base::Omnidirectional(Omnidirectional {
        velocity: limits("velocity")?,
        acceleration: limits("acceleration")?,
        wheels: map.get("wheels").map(mecanum_wheels).transpose()?,
    });
    let carries = carries(&map, directory)?;
    Ok(VehicleRobot { carries, ..of_base(&map, base, PartMoves::OnGround)? })
}

fn mecanum_wheels(node: &Node) -> Result<MecanumWheels, InputError> {
    let map =
        node.map_of("a map with radius, half_length, half_width and rate", &names(tables::MECANUM_WHEELS))?;
    Ok(MecanumWheels {
        radius: length(map.require("radius")?)?,
        half_length: length(map.require("half_length")?)?,
        half_width: length(map.require("half_width")?)?,
        rate: map.require("rate")?.positive()?,
    })
}

fn trailer(node: &Node) -> Result<(Trailer, Vec<Part>), InputError> {
    let map = node.map_of("a map with hitch_length, angle and body", &names(tables::TRAILER))?;
    let hitch_length = length(map.require("hitch_length")?)?;
    let trailer = Trailer { hitch_length, angle: acute(map.require("angle")?)? };
    Ok((trailer, body::body(map.require("body")?, PartMoves::OnGround)?))
}

fn airplane(node: &Node) -> Result<VehicleRobot, InputError> {
    let map = node.map_of(
        "a map with speed, acceleration, yaw_rate, pitch_rate, pitch and body",
        &names(tables::AIRPLANE),
    )?;
    let positive = |key| map.require(key)?.positive();
    let speed = range(&map, "speed")?;
    if speed[0] < 0.0 {
        return Err(map
            .require("speed")?
            .error("an airplane does not fly backwards; expected a least speed of at least 0"));
    }
    let base = Base::Airplane(Airplane {
        speed,
        acceleration: positive("acceleration")?,
        yaw_rate: positive("yaw_rate")?,
        pitch_rate: positive("pitch_rate")?,
        pitch: acute(map.require("pitch")?)?,
    });
    of_base(&map, base, PartMoves::InSpace)
}

fn planar_quadrotor(node: &Node) -> Result<VehicleRobot, InputError> {
    let map = node.map_of(
        "a map with mass, inertia, arm, thrust_to_weight and more",
        &names(tables::PLANAR_QUADROTOR),
    )?;
    let positive = |key| map.require(key)?.positive();
    let base = Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: positive("mass")?,
        inertia: positive("inertia")?,
        arm: length(map.require("arm")?)?,
        rotor: thrust_to_weight(&map)?,
        velocity: positive("velocity")?,
        body_rate: positive("body_rate")?,
        gravity: GRAVITY,
    });
    of_base(&map, base, PartMoves::Upright)
}

fn quadrotor(node: &Node) -> Result<VehicleRobot, InputError> {
    let map =
        node.map_of("a map with mass, inertia, rotors or wrench, and more", &names(tables::QUADROTOR))?;
    let positive = |key| map.require(key)?.positive();
    let mass = positive("mass")?;
    let actuation = match map.at_most_one(&["rotors", "wrench"])? {
        None => return Err(node.error("missing key \"rotors\" (or \"wrench\")")),
        Some(entry) if entry.key == "rotors" => rotors(&entry.node)?,
        Some(entry) => wrench(&entry.node)?,
    };
    let base = Base::Quadrotor(Quadrotor {
        mass,
        inertia: DVec3::from(three_positive(map.require("inertia")?, ABOUT_AXES)?),
        actuation,
        velocity: positive("velocity")?,
        body_rate: positive("body_rate")?,
        velocity_axes: VelocityAxes::World,
        gravity: GRAVITY,
    });
    of_base(&map, base, PartMoves::InSpace)
}

fn rotors(node: &Node) -> Result<Actuation, InputError> {
    let map = node.map_of("a map with arm, torque_by_thrust and thrust_to_weight", &names(tables::ROTORS))?;
    Ok(Actuation::Rotors {
        arm: length(map.require("arm")?)?,
        torque_by_thrust: length(map.require("torque_by_thrust")?)?,
        most: thrust_to_weight(&map)?,
    })
}

fn wrench(node: &Node) -> Result<Actuation, InputError> {
    let map = node.map_of("a map with thrust and moments", &names(tables::WRENCH))?;
    let thrust = map.require("thrust")?;
    let [least, most] = range(&map, "thrust")?;
    if least < 0.0 {
        return Err(thrust.error("rotors do not pull down; expected a least thrust of at least 0"));
    }
    let [x, y, z] = three_positive(map.require("moments")?, ABOUT_AXES)?;
    Ok(Actuation::Wrench { unit: [1.0; 4], lower: [least, -x, -y, -z], upper: [most, x, y, z] })
}

/// What three numbers of a quadrotor are for.
const ABOUT_AXES: &str = "about x, y and z";

fn three_positive(node: &Node, of: &str) -> Result<[f64; 3], InputError> {
    let what = format!("three numbers greater than zero, {of}");
    let values = node.array(&what)?;
    node.list(&what)?.iter().try_for_each(|item| item.positive().map(drop))?;
    Ok(values)
}

/// The greatest thrust over the weight, more than 1: with less it falls.
fn thrust_to_weight(map: &Map) -> Result<f64, InputError> {
    let node = map.require("thrust_to_weight")?;
    match node.number()? {
        ratio if ratio > 1.0 => Ok(ratio),
        _ => Err(node.expected("a number greater than 1")),
    }
}

/// Least and greatest of something that can be positive.
fn range(map: &Map, key: &str) -> Result<[f64; 2], InputError> {
    let node = map.require(key)?;
    let what = "two numbers, the least and the greatest, the second greater than zero and than the first";
    match node.array(what)? {
        [lower, upper] if upper > 0.0 && lower < upper => Ok([lower, upper]),
        _ => Err(node.error(format!("expected {what}"))),
    }
}

/// An angle greater than zero and below a quarter turn.
fn acute(node: &Node) -> Result<f64, InputError> {
    match node.number()? {
        angle if angle > 0.0 && angle < FRAC_PI_2 => Ok(angle),
        _ => Err(node.expected("an angle greater than 0 and below pi/2")),
    }
}

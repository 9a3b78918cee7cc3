//! Robots that a scene describes itself: a base kind with its parameters, and the body it carries.

use super::read::{length, point as position};
use crate::base::{Base, Point};
use crate::document::Node;
use crate::error::InputError;
use crate::robot::{JointLimits, Robot, Sphere};
use glam::DVec3;

const POINT_KEYS: [&str; 7] =
    ["dimensions", "velocity", "acceleration", "lower", "upper", "radius", "spheres"];

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
    let map = node.map_of("a map with dimensions, velocity, acceleration and radius", &POINT_KEYS)?;
    let dimensions_node = map.require("dimensions")?;
    let dimensions: usize = dimensions_node.natural()?;
    if !(1..=3).contains(&dimensions) {
        return Err(dimensions_node.expected("1, 2 or 3"));
    }
    let what = format!("{dimensions} numbers, one for each dimension");
    let corner = |key| match map.get(key) {
        None => Ok(None),
        Some(node) => match node.numbers(&what)? {
            values if values.len() == dimensions => Ok(Some(values)),
            _ => Err(node.expected(&what)),
        },
    };
    let bounds = match (corner("lower")?, corner("upper")?) {
        (None, None) => None,
        (Some(lower), Some(upper)) => {
            if lower.iter().zip(&upper).any(|(l, u)| l > u) {
                return Err(map.require("upper")?.error("expected numbers no less than those of \"lower\""));
            }
            Some([lower, upper])
        }
        _ => return Err(node.error("expected \"lower\" and \"upper\" together, or neither")),
    };
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
    let map = node.map_of("a sphere: a map with center and radius", &["center", "radius"])?;
    let center_node = map.require("center")?;
    let center = position(center_node.array("three numbers, x, y and z in metres")?)
        .map_err(|e| center_node.locate(e))?;
    Ok(Sphere { center, radius: length(map.require("radius")?)? })
}

//! Lengths, points, and frames in scene files.

use crate::document::{Map, Node};
use crate::error::InputError;
use crate::pose::Pose;
use glam::{DQuat, DVec3};
use std::ops::RangeInclusive;

/// Least and greatest length a shape may have, and greatest distance along an axis, metres. What
/// is beyond is a slip of the pen, and would lose its digits in single precision.
const LENGTHS: RangeInclusive<f64> = 1e-6..=1e6;
/// How far the length of a quaternion may be from one; it is brought there.
const QUATERNION_ROUNDING: f64 = 1e-3;

const ORIENTATION_KEYS: [&str; 2] = ["rpy", "quaternion_xyzw"];

pub(super) fn length(node: &Node) -> Result<f64, InputError> {
    match node.number()? {
        v if LENGTHS.contains(&v) => Ok(v),
        _ => Err(node.expected(format!("a length from {:e} to {:e} m", LENGTHS.start(), LENGTHS.end()))),
    }
}

/// A list of exactly `N` lengths.
pub(super) fn lengths<const N: usize>(node: &Node, what: &str) -> Result<[f64; N], InputError> {
    let lengths = node.array(what)?;
    node.list(what)?.iter().try_for_each(|item| length(item).map(drop))?;
    Ok(lengths)
}

/// A point by its coordinates in metres.
pub(super) fn point(coordinates: [f64; 3]) -> Result<DVec3, InputError> {
    let point = DVec3::from(coordinates);
    if point.abs().max_element() > *LENGTHS.end() {
        return Err(InputError::new(format!(
            "expected coordinates up to {:e} m, found {point}",
            LENGTHS.end()
        )));
    }
    Ok(point)
}

/// Where a half-space stands: by a frame whose z axis points out of it, or by that direction.
pub(super) fn half_space_pose(map: &Map) -> Result<Pose, InputError> {
    map.at_most_one(&["normal", "rpy", "quaternion_xyzw"])?;
    let Some(node) = map.get("normal") else {
        return pose(map);
    };
    let normal = DVec3::from(node.array("three numbers, the direction out of the solid")?);
    let Some(normal) = normal.try_normalize() else {
        return Err(node.error("expected a direction, found a vector without one"));
    };
    Ok(Pose::new(DQuat::from_rotation_arc(DVec3::Z, normal), position(map)?))
}

/// A frame: `position`, and `rpy` or `quaternion_xyzw`; what is not given is zero.
pub(super) fn pose(map: &Map) -> Result<Pose, InputError> {
    let translation = position(map)?;
    match map.at_most_one(&ORIENTATION_KEYS)? {
        None => Ok(Pose::from_translation(translation)),
        Some(entry) if entry.key == "rpy" => {
            let rpy = entry.node.array("three angles in radians: roll, pitch and yaw")?;
            Ok(Pose::from_rpy(rpy, translation))
        }
        Some(entry) => {
            let q = entry.node.array("four numbers: x, y, z and w of a unit quaternion")?;
            let q = quaternion(q).map_err(|e| entry.node.locate(e))?;
            Ok(Pose::new(q, translation))
        }
    }
}

fn position(map: &Map) -> Result<DVec3, InputError> {
    let Some(node) = map.get("position") else { return Ok(DVec3::ZERO) };
    point(node.array("three numbers, x, y and z in metres")?).map_err(|e| node.locate(e))
}

/// A quaternion of length one from one that is so but for rounding.
pub(super) fn quaternion(xyzw: [f64; 4]) -> Result<DQuat, InputError> {
    let q = DQuat::from_array(xyzw);
    let length = q.length();
    if (length - 1.0).abs() > QUATERNION_ROUNDING {
        return Err(InputError::new(format!(
            "expected a quaternion of length 1, found one of length {length:?}"
        )));
    }
    Ok(q.normalize())
}

/// Greatest position a joint without bounds may be given, rad or m.
pub(super) const GREATEST_POSITION: f64 = 1e6;

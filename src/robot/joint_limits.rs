//! Reads MoveIt's `joint_limits.yaml`. Imports `error` only.
//!
//! As in MoveIt, what the file gives replaces what the URDF says; `has_..._limits: false` lifts a
//! limit; joints that the robot does not have are ignored, since files are shared between robots.

use super::{JointKind, JointLimits, Robot};
use crate::error::InputError;
use serde::Deserialize;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt::Display;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    joint_limits: Option<BTreeMap<String, Entry>>,
    /// Scalings belong to a request, not to the robot: accepted, not used.
    #[serde(rename = "default_velocity_scaling_factor")]
    _velocity_scaling: Option<f64>,
    #[serde(rename = "default_acceleration_scaling_factor")]
    _acceleration_scaling: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    has_position_limits: Option<bool>,
    min_position: Option<Spanned<f64>>,
    max_position: Option<Spanned<f64>>,
    has_velocity_limits: Option<bool>,
    max_velocity: Option<Spanned<f64>>,
    has_acceleration_limits: Option<bool>,
    max_acceleration: Option<Spanned<f64>>,
    has_jerk_limits: Option<bool>,
    max_jerk: Option<Spanned<f64>>,
    has_effort_limits: Option<bool>,
    max_effort: Option<Spanned<f64>>,
}

/// Applies the text of a file to a robot.
pub(super) fn apply(text: &str, robot: &mut Robot) -> Result<(), InputError> {
    let file: File = serde_saphyr::from_str(text).map_err(|e| located(&e))?;
    for (name, entry) in file.joint_limits.iter().flatten() {
        if let Some(j) = robot.joint(name) {
            let joint = &mut robot.joints[j];
            entry.apply(name, joint.kind, &mut joint.limits)?;
        }
    }
    Ok(())
}

impl Entry {
    fn apply(&self, joint: &str, kind: JointKind, limits: &mut JointLimits) -> Result<(), InputError> {
        let key = |field: &str| format!("joint_limits.{joint}.{field}");
        let cap = |limit: &mut f64, has: Option<bool>, max: &Option<Spanned<f64>>, field: &str| {
            if let Some(max) = max {
                if !(max.value > 0.0 && max.value.is_finite()) {
                    return Err(fault(max, "expected a finite number above zero").for_key(key(field)));
                }
                *limit = max.value;
            }
            if has == Some(false) {
                *limit = f64::INFINITY;
            }
            Ok(())
        };
        cap(&mut limits.velocity, self.has_velocity_limits, &self.max_velocity, "max_velocity")?;
        cap(
            &mut limits.acceleration,
            self.has_acceleration_limits,
            &self.max_acceleration,
            "max_acceleration",
        )?;
        cap(&mut limits.jerk, self.has_jerk_limits, &self.max_jerk, "max_jerk")?;
        cap(&mut limits.effort, self.has_effort_limits, &self.max_effort, "max_effort")?;
        if self.has_position_limits == Some(false) {
            return Ok(());
        }
        for (given, bound, field) in [
            (&self.min_position, &mut limits.lower, "min_position"),
            (&self.max_position, &mut limits.upper, "max_position"),
        ] {
            let Some(given) = given else { continue };
            if !given.value.is_finite() {
                return Err(fault(given, "expected a finite number").for_key(key(field)));
            }
            match kind {
                JointKind::Revolute | JointKind::Prismatic => *bound = given.value,
                JointKind::Continuous => {
                    return Err(fault(given, "a continuous joint has no position limits").for_key(key(field)));
                }
                JointKind::Fixed => {}
            }
        }
        match self.max_position.as_ref().or(self.min_position.as_ref()) {
            Some(given) if limits.lower > limits.upper => {
                let expected =
                    format!("expected min <= max, not positions {} to {}", limits.lower, limits.upper);
                Err(fault(given, expected).for_key(format!("joint_limits.{joint}")))
            }
            _ => Ok(()),
        }
    }
}

/// An error at a value of the file.
fn fault(value: &Spanned<f64>, expected: impl Display) -> InputError {
    let at = value.referenced;
    InputError::new(format!("{expected}, found {}", value.value)).at(at.line() as usize, at.column() as usize)
}

/// The parser's own error with its place in the file.
fn located(e: &serde_saphyr::Error) -> InputError {
    let error = InputError::new(e.without_snippet().to_string());
    match e.location() {
        Some(at) => error.at(at.line() as usize, at.column() as usize),
        None => error,
    }
}

//! Trajectory files: writing ours, reading anybody's.
//!
//! - JSON `flatout-trajectory/1` holds the polynomials themselves and is exact.
//! - CSV and `trajectory_msgs/JointTrajectory` hold points, every knot among them. What lies
//!   between is up to the reader, and times in a JointTrajectory are whole nanoseconds.
//! - The JSON of what stands on a base, and the CSV of a vehicle, hold states and controls that can be
//!   replayed: the equations of motion, integrated under the controls, lead through the states.
//!
//! Imports `error`, `document`, `base`, `problem`, `robot`, `trajectory` and the options of `certify`.

mod csv_file;
mod export;
mod joint_trajectory;
mod json_file;
mod points;
mod replay;

pub use export::Export;

use crate::certify::CertifyOptions;
use crate::document::{self, unknown};
use crate::error::InputError;
use crate::robot::Mechanism;
use crate::trajectory::Trajectory;
use std::collections::HashSet;
use std::path::Path;

/// What values of files may be off by: see [`CertifyOptions::for_files`].
pub const FILE_TOLERANCE: f64 = 1e-5;

/// A kind of trajectory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON `flatout-trajectory/1`.
    Json,
    /// Comma-separated values: t, q, qd, qdd, tau; of a vehicle t, states, controls.
    Csv,
    /// ROS message `trajectory_msgs/JointTrajectory` as YAML.
    JointTrajectory,
}

/// A trajectory as a file gives it, with a name for each of its outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTrajectory {
    /// Names of the outputs (joints), in the order of the file.
    pub outputs: Vec<String>,
    /// The trajectory, its time counted from the first point.
    pub trajectory: Trajectory,
}

impl Format {
    /// The format that the extension of a file's name stands for.
    ///
    /// # Errors
    /// Where it stands for none.
    pub fn of(file: &Path) -> Result<Self, InputError> {
        let extension = file.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some("yaml" | "yml") => Ok(Self::JointTrajectory),
            _ => {
                let message = "the file's name should end in .json, .csv or .yaml";
                Err(InputError::new(message).in_file(file))
            }
        }
    }
}

impl Format {
    /// What may be off in a trajectory that was read from such a file: ours in JSON is exact; numbers in a CSV have so
    /// many digits as whoever wrote them thought fit, and times in a JointTrajectory are whole nanoseconds.
    pub fn tolerances(self) -> CertifyOptions {
        match self {
            Self::Json => CertifyOptions::default(),
            Self::Csv | Self::JointTrajectory => CertifyOptions::for_files(FILE_TOLERANCE),
        }
    }

    /// Whether a trajectory of this mechanism can be written so.
    ///
    /// # Errors
    /// A vehicle's as a JointTrajectory.
    pub fn admit(self, mechanism: &Mechanism) -> Result<(), InputError> {
        match (self, mechanism.vehicle()) {
            (Self::JointTrajectory, Some(base)) => Err(InputError::new(format!(
                "a JointTrajectory holds positions of joints and not the motion of a {}: write .json, or .csv \
                 for its states and controls",
                base.name().replace('_', " ")
            ))),
            _ => Ok(()),
        }
    }
}

impl NamedTrajectory {
    /// Reads a trajectory of any format.
    ///
    /// # Errors
    /// Where the file is missing, malformed, or holds no trajectory.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        let format = Format::of(file)?;
        let text = InputError::read_text(file)?;
        Self::parse(&text, format).map_err(|e| e.in_file(file))
    }

    /// Reads a trajectory from the text of its file. Of JSON and YAML the content decides what it
    /// is, not the `format`: either may hold either.
    ///
    /// # Errors
    /// As [`NamedTrajectory::load`].
    pub fn parse(text: &str, format: Format) -> Result<Self, InputError> {
        if format == Format::Csv {
            return csv_file::read(text);
        }
        // `ros2 topic echo` ends every message with a document separator.
        let text = text.trim_end();
        let root = document::parse(text.strip_suffix("\n---").unwrap_or(text))?;
        let map = root.map("a trajectory: a map")?;
        if map.get("segments").is_some() || map.get("format").is_some() {
            json_file::read(&map)
        } else {
            joint_trajectory::read(&map)
        }
    }

    /// The trajectory with its outputs in the order of `outputs`, by their names.
    ///
    /// # Errors
    /// Where the names are not the same.
    pub fn ordered(&self, outputs: &[String]) -> Result<Trajectory, InputError> {
        let known = || outputs.iter().map(String::as_str);
        if let Some(name) = self.outputs.iter().find(|name| !outputs.contains(name)) {
            return Err(InputError::new(unknown("joint", name, known())));
        }
        let place = |name: &String| {
            let found = self.outputs.iter().position(|o| o == name);
            found.ok_or_else(|| InputError::new(format!("the trajectory has no joint \"{name}\"")))
        };
        let order: Vec<usize> = outputs.iter().map(place).collect::<Result<_, _>>()?;
        let mut ordered = Trajectory::new(order.len(), self.trajectory.degree());
        for segment in self.trajectory.segments() {
            let coefficients: Vec<f64> =
                order.iter().flat_map(|&output| segment.polynomial(output)).copied().collect();
            ordered.push(segment.duration, &coefficients);
        }
        Ok(ordered)
    }
}

/// The first of `names` that stands there twice.
fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    names.iter().find(|name| !seen.insert(name.as_str()))
}

#[cfg(test)]
mod tests;

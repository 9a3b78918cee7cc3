//! Kinds of trajectory files.

use crate::certify::CertifyOptions;
use crate::error::InputError;
use crate::robot::Mechanism;
use std::path::Path;

/// What values of files may be off by: see [`CertifyOptions::for_files`].
pub const FILE_TOLERANCE: f64 = 1e-5;

/// A kind of trajectory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON `flatout-trajectory/1`.
    Json,
    /// Comma-separated values: t, q, qd, qdd, tau; of a vehicle t, states, controls; the polynomials beside them.
    Csv,
    /// ROS message `trajectory_msgs/JointTrajectory` as YAML.
    JointTrajectory,
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
    /// What may be off in a trajectory that was read from such a file of ours: nothing in JSON and CSV, which are exact. A
    /// JointTrajectory keeps the limits at the default options where it begins and ends at rest, for it is written a
    /// millionth slower. One that moves there cannot be: its ends would move slower than the problem asks. Its times
    /// are whole nanoseconds, by which it may exceed limits.
    pub fn tolerances(self) -> CertifyOptions {
        match self {
            Self::Json | Self::Csv => CertifyOptions::default(),
            Self::JointTrajectory => CertifyOptions::for_files(FILE_TOLERANCE),
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
    /// Whether a motion of a linear system can be written so.
    ///
    /// # Errors
    /// As a JointTrajectory.
    pub fn admit_linear(self) -> Result<(), InputError> {
        match self {
            Self::JointTrajectory => Err(InputError::new(
                "a JointTrajectory holds positions of joints and not the motion of a linear system: write .json, or .csv \
                 for its states and controls",
            )),
            _ => Ok(()),
        }
    }
}

//! Trajectory files: writing ours, reading anybody's.
//!
//! - JSON `flatout-trajectory/1` and our CSV hold the polynomials themselves and are exact.
//! - `trajectory_msgs/JointTrajectory` and CSV of others hold points. What lies between is up to the reader, and times in
//!   a JointTrajectory are whole nanoseconds. We read both as ros2_control's `joint_trajectory_controller` does
//!   ([`Interpolation`], [`NamedTrajectory::driven`]).
//! - The JSON of what stands on a base, and the CSV of a vehicle, hold states and controls that can be
//!   replayed: the equations of motion, integrated under the controls, lead through the states.
//! - Of a linear system JSON and CSV hold the polynomials of its states and controls ([`LinearExport`]).
//!
//! Imports `error`, `document`, `base`, `problem`, `robot`, `trajectory` and the options of `certify`.

mod csv_file;
mod csv_read;
mod export;
mod format;
mod joint_trajectory;
mod json_file;
mod linear;
mod named;
mod points;
mod replay;
mod sampling;
mod ticks;

pub use export::Export;
pub use format::{FILE_TOLERANCE, Format};
pub use json_file::schema;
pub use linear::LinearExport;
pub use named::{Driven, NamedTrajectory};
pub use points::Interpolation;
pub use replay::ReplayErrors;

use crate::document;
use crate::error::{InputError, Warning, write_file};
use std::path::Path;

impl Export<'_> {
    /// The text of the file.
    ///
    /// # Errors
    /// As [`Format::admit`]; where the trajectory is not one of the problem's mechanism, is empty or not made of
    /// numbers, or the problem makes no sense.
    pub fn text(&self, format: Format) -> Result<String, InputError> {
        Ok(self.written(format)?.0)
    }

    /// The same, and how well the controls in it can be replayed, where there are any.
    ///
    /// # Errors
    /// As [`Export::text`].
    pub fn written(&self, format: Format) -> Result<(String, Option<ReplayErrors>), InputError> {
        format.admit(&self.problem.mechanism)?;
        self.validate().map_err(InputError::of_value)?;
        if format == Format::JointTrajectory {
            self.admit_points()?;
        }
        Ok(match format {
            Format::Json => json_file::write(self),
            Format::Csv => csv_file::write(self),
            Format::JointTrajectory => (joint_trajectory::write(self), None),
        })
    }

    /// Writes the file, whole or not at all, in the format that its name's extension stands for.
    ///
    /// # Errors
    /// Where it stands for none, or for one that cannot hold this trajectory, or the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), InputError> {
        let text = self.text(Format::of(file)?).map_err(|e| e.in_file(file))?;
        write_file(file, text)
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
        let mut read = Self::parse(&text, format).map_err(|e| e.in_file(file))?;
        let named = read.warnings.into_iter().map(|Warning(what)| Warning(what.in_file(file)));
        read.warnings = named.collect();
        Ok(read)
    }

    /// Reads a trajectory from the text of its file. Of JSON and YAML the content decides what it
    /// is, not the `format`: either may hold either.
    ///
    /// # Errors
    /// As [`NamedTrajectory::load`].
    pub fn parse(text: &str, format: Format) -> Result<Self, InputError> {
        if format == Format::Csv {
            return csv_read::read(text);
        }
        // `ros2 topic echo` ends every message with a document separator.
        let text = text.trim_end();
        let root = document::parse(text.strip_suffix("\n---").unwrap_or(text))?;
        let map = root.map("a trajectory: a map")?;
        if map.get("segments").is_some() || map.get("format").is_some() {
            json_file::read(&root)
        } else {
            joint_trajectory::read(&map)
        }
    }
}

#[cfg(test)]
mod tests;

//! Files of motions of linear systems: their states and controls by name, exact polynomials as in all files of ours.

use super::csv_file;
use super::export::{Samples, validate_motion};
use super::format::Format;
use super::json_file::TrajectoryFile;
use super::named::NamedTrajectory;
use super::sampling::sample_times;
use crate::error::{InputError, InvalidValue, write_file};
use crate::problem::{LinearProblem, Variable};
use crate::trajectory::Trajectory;
use serde_json::Value;
use std::path::Path;

/// A motion of a linear system on its way into a file, and what else the file shall say.
#[derive(Clone, Debug)]
pub struct LinearExport<'a> {
    /// The problem it solves: names of the states and controls.
    pub problem: &'a LinearProblem,
    /// The motion: polynomials of all states, then of all controls; it must not be empty.
    pub trajectory: &'a Trajectory,
    /// JSON only: the certificate, or whatever else there is to report.
    pub report: Value,
    /// JSON only: statistics of the planner.
    pub stats: Value,
    /// JSON only: seed of the planner.
    pub seed: Option<u64>,
}

impl<'a> LinearExport<'a> {
    /// A motion without report, statistics or seed.
    pub fn new(problem: &'a LinearProblem, trajectory: &'a Trajectory) -> Self {
        Self { problem, trajectory, report: Value::Null, stats: Value::Null, seed: None }
    }

    /// The text of the file: JSON, or CSV with a column of each state and control beside the polynomials.
    ///
    /// # Errors
    /// Where the format holds no such motion ([`Format::admit_linear`]), the motion is not one of the problem's system or
    /// not made of numbers, or the problem makes no sense.
    pub fn text(&self, format: Format) -> Result<String, InputError> {
        format.admit_linear()?;
        self.validate().map_err(InputError::of_value)?;
        let samples = self.samples();
        let names = |of: &'a [Variable]| of.iter().map(|v| v.name.as_str()).collect::<Vec<_>>();
        let (states, controls) = (names(&self.problem.states), names(&self.problem.controls));
        if format == Format::Csv {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            let blocks = [
                (owned(&states), csv_file::rows(&samples.state, 0)),
                (owned(&controls), csv_file::rows(&samples.control, 0)),
            ];
            return Ok(csv_file::table(&samples.time, &blocks, &self.problem.outputs(), self.trajectory));
        }
        let mut file = TrajectoryFile::of(self.problem.outputs(), self.trajectory, samples.rounded());
        (file.state_names, file.control_names) = (&states, &controls);
        (file.report, file.stats, file.seed) = (&self.report, &self.stats, self.seed);
        Ok(file.text())
    }

    /// Writes the file, whole or not at all, in the format that its name's extension stands for.
    ///
    /// # Errors
    /// As [`LinearExport::text`]; where the name stands for no format, or the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), InputError> {
        let text = self.text(Format::of(file)?).map_err(|e| e.in_file(file))?;
        write_file(file, text)
    }

    /// Whether it is a motion of the problem's system, made of numbers.
    fn validate(&self) -> Result<(), InvalidValue> {
        self.problem.validate().map_err(|e| e.under("problem"))?;
        let outputs = self.problem.states.len() + self.problem.controls.len();
        validate_motion(self.trajectory, outputs, "all states and controls")
    }

    /// Samples at all knots, and at even times between.
    fn samples(&self) -> Samples {
        let time = sample_times(self.trajectory);
        let mut samples = Samples { time, ..Samples::default() };
        for &t in &samples.time {
            let mut values = vec![0.0; self.trajectory.dof()];
            self.trajectory.evaluate(t, 0, &mut values);
            samples.control.push(values.split_off(self.problem.states.len()));
            samples.state.push(values);
        }
        samples
    }
}

impl NamedTrajectory {
    /// The motion of a problem's linear system that a file holds: its outputs in the order of states and controls.
    ///
    /// # Errors
    /// Where names are missing or not the problem's, or the file holds points, which do not tell how a system moves
    /// between them.
    pub fn of_linear(&self, problem: &LinearProblem) -> Result<Trajectory, InputError> {
        if self.interpolation.is_some() {
            return Err(InputError::new(
                "points do not tell how a linear system moves between them; expected polynomials, as a .json or .csv of \
                 flatout has them",
            ));
        }
        self.ordered_by(&problem.outputs(), "state or control")
    }
}

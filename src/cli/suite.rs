//! Suites of an arm's problems, and the robot that they are for.

use super::arguments::{GeometryArgs, positive};
use super::telling::warn;
use crate::bench::mbm::{MbmProblem, MbmSuite};
use crate::error::InputError;
use crate::pose::Pose;
use crate::problem::{Problem, Smoothness};
use crate::robot::{LoadOptions, Robot};
use crate::scene::{LimitChoice, limit_jerk};
use clap::Args;
use std::path::{Path, PathBuf};

/// A suite, and the robot that it is for.
#[derive(Args)]
pub(super) struct SuiteArgs {
    /// Its groups and disabled collisions
    #[arg(long)]
    srdf: Option<PathBuf>,
    /// Its limits (MoveIt's joint_limits.yaml)
    #[arg(long)]
    limits: Option<PathBuf>,
    #[command(flatten)]
    geometry: GeometryArgs,
    /// Which derivative is limited last: acceleration, or jerk, with continuous accelerations
    #[arg(long, default_value_t = Smoothness::Acceleration)]
    smoothness: Smoothness,
    /// With --smoothness jerk: joints without a limit of jerk come from no acceleration to their
    /// greatest in so many seconds
    #[arg(long, value_name = "S", default_value_t = 0.1, allow_negative_numbers = true, value_parser = positive)]
    ramp_time: f64,
    /// Hold joint torques within the effort limits
    #[arg(long)]
    torque: bool,
}

impl SuiteArgs {
    /// The suite, and its problems in the same order.
    pub(super) fn load(&self, file: &Path, urdf: &Path) -> Result<(MbmSuite, Vec<Problem>), InputError> {
        let (srdf, limits) = (self.srdf.as_deref(), self.limits.as_deref());
        let missing_geometry = self.geometry.missing_geometry;
        let package_path = self.geometry.packages.package_path.clone();
        let options = LoadOptions { missing_geometry, package_path, ..LoadOptions::default() };
        let robot = Robot::load(urdf, srdf, limits, &options)?;
        warn(&robot.warnings);
        let suite = MbmSuite::load(file)?;
        let located = |e: InputError| e.in_file(file);
        let mut mechanism = suite.mechanism(&robot, Pose::IDENTITY).map_err(located)?;
        limit_jerk(&mut mechanism, self.ramp_time);
        let wanted = LimitChoice { torque: Some(self.torque), ..LimitChoice::default() };
        let torque = wanted.torque(&mechanism)?;
        let problem = |chosen: &MbmProblem| Problem {
            smoothness: self.smoothness,
            torque,
            ..chosen.problem(&mechanism)
        };
        let problems = suite.problems.iter().map(problem).collect();
        Ok((suite, problems))
    }
}

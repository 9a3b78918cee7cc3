//! Arguments that several commands have, and how they are parsed.

use super::linear::refuse;
use super::telling::{Telling, TellingCheckers, warn, while_loading};
use crate::check::{AdapterChoice, Backend, CheckError, EdgeChecker};
use crate::error::InputError;
use crate::problem::Problem;
use crate::robot::MissingGeometry;
use crate::scene::{DefaultLimits, RobotFiles, Scene, moveit};
use crate::threads::MAX_THREADS;
use clap::Args;
use std::path::PathBuf;

/// Parses a number of seconds or metres that makes sense as one.
pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 1e9 => Ok(x),
        _ => Err("expected a number greater than 0, at most 1e9".to_owned()),
    }
}

/// Parses a number of things of which there must be one; what is counted in millions is not held in memory all at
/// once, or is small.
pub(super) fn count(text: &str) -> Result<usize, String> {
    count_up_to(text, 1_000_000)
}

/// Parses a number of threads.
pub(super) fn thread_count(text: &str) -> Result<usize, String> {
    count_up_to(text, MAX_THREADS)
}

pub(super) fn count_up_to(text: &str, most: usize) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n > 0 && n <= most => Ok(n),
        _ => Err(format!("expected a whole number from 1 to {most}")),
    }
}

/// Which backend checks, and where.
#[derive(Args)]
pub(super) struct BackendArgs {
    /// Backend: auto, gpu, simd or scalar
    #[arg(long, default_value = "auto")]
    pub(super) backend: Backend,
    /// Adapter of a GPU backend: part of its name, or its number in `flatout devices`
    #[arg(long = "gpu", value_name = "NAME|INDEX")]
    pub(super) adapter: Option<AdapterChoice>,
}

impl BackendArgs {
    /// A checker that tells its warnings when it is done with.
    pub(super) fn checker(
        &self,
        problem: &Problem,
        resolution: Option<f64>,
    ) -> Result<Box<dyn EdgeChecker>, CheckError> {
        let checker =
            self.backend.checker_on(&self.adapter.clone().unwrap_or_default(), problem, resolution)?;
        Ok(Box::new(Telling(checker)))
    }

    /// Such checkers of many problems.
    pub(super) fn checkers<'a>(
        &self,
        problems: impl IntoIterator<Item = (&'a Problem, Option<f64>)>,
    ) -> Result<TellingCheckers<'a>, CheckError> {
        let checkers = self.backend.checkers(&self.adapter.clone().unwrap_or_default(), problems)?;
        Ok(TellingCheckers(checkers))
    }
}

/// A MoveIt planning scene and motion plan request, as MotionBenchMaker publishes them, and the
/// robot that they are about.
#[derive(Args)]
pub(super) struct MoveItArgs {
    /// MoveIt planning scene (YAML)
    #[arg(long, value_name = "FILE", requires = "request", requires = "urdf")]
    pub(super) scene: Option<PathBuf>,
    /// MoveIt motion plan request (YAML)
    #[arg(long, value_name = "FILE", requires = "scene")]
    pub(super) request: Option<PathBuf>,
    /// Robot description
    #[arg(long, value_name = "FILE")]
    pub(super) urdf: Option<PathBuf>,
    /// Its groups and disabled collisions
    #[arg(long, value_name = "FILE")]
    pub(super) srdf: Option<PathBuf>,
    /// Its limits (MoveIt's joint_limits.yaml)
    #[arg(long, value_name = "FILE")]
    pub(super) limits: Option<PathBuf>,
    #[command(flatten)]
    pub(super) geometry: GeometryArgs,
}

/// What becomes of robots without collision geometry.
#[derive(Args)]
pub(super) struct GeometryArgs {
    /// Take a robot of which something that moves has no collision geometry: refuse or allow
    #[arg(long, value_name = "WHAT", default_value_t)]
    pub(super) missing_geometry: MissingGeometry,
    #[command(flatten)]
    pub(super) packages: PackageArgs,
}

/// Where meshes are looked for.
#[derive(Args)]
pub(super) struct PackageArgs {
    /// Folder of a ROS package, or of such folders, in which package:// is looked for first; may be given again
    #[arg(long, value_name = "DIR")]
    pub(super) package_path: Vec<PathBuf>,
}

/// Limits of joints that no file gives one.
#[derive(Args)]
pub(super) struct DefaultArgs {
    /// Greatest acceleration of joints that no file and no scene gives one, rad/s^2 or m/s^2
    #[arg(long, value_name = "A", allow_negative_numbers = true, value_parser = positive)]
    default_acceleration: Option<f64>,
    /// Greatest jerk of joints that no file and no scene gives one, rad/s^3 or m/s^3
    #[arg(long, value_name = "J", allow_negative_numbers = true, value_parser = positive)]
    default_jerk: Option<f64>,
}

impl DefaultArgs {
    /// As scenes are given them.
    pub(super) fn limits(&self) -> DefaultLimits {
        DefaultLimits { acceleration: self.default_acceleration, jerk: self.default_jerk }
    }

    /// A linear system has no joints.
    pub(super) fn refuse_for_linear(&self) -> Result<(), InputError> {
        refuse(&[
            ("--default-acceleration", self.default_acceleration.is_some()),
            ("--default-jerk", self.default_jerk.is_some()),
        ])
    }
}

impl MoveItArgs {
    /// A linear system has no files of a robot.
    pub(super) fn refuse_for_linear(&self) -> Result<(), InputError> {
        refuse(&[
            ("--urdf", self.urdf.is_some()),
            ("--srdf", self.srdf.is_some()),
            ("--limits", self.limits.is_some()),
            ("--missing-geometry", self.geometry.missing_geometry != MissingGeometry::default()),
            ("--package-path", !self.geometry.packages.package_path.is_empty()),
        ])
    }

    /// The pair as a scene.
    pub(super) fn load(&self, default: DefaultLimits) -> Result<Scene, InputError> {
        let (Some(scene), Some(request), Some(urdf)) = (&self.scene, &self.request, &self.urdf) else {
            return Err(InputError::new(
                "nothing to plan: expected a scene file, or --scene, --request and --urdf",
            ));
        };
        let files = RobotFiles {
            srdf: self.srdf.clone(),
            joint_limits: self.limits.clone(),
            missing_geometry: self.geometry.missing_geometry,
            package_path: self.geometry.packages.package_path.clone(),
            ..RobotFiles::new(urdf)
        };
        let scene = while_loading(|| moveit::load_with(scene, request, files, default))?;
        warn(&scene.warnings);
        Ok(scene)
    }
}

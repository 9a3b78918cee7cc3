//! Scenes: a robot, what of it moves, the world around it, where it starts and where it shall go,
//! in one YAML file; and MotionBenchMaker's pairs of MoveIt files read as such.
//! `scenes/README.md` documents the file field by field.
//! Imports `document`, `error`, `pose`, `world`, `base`, `robot`, `problem` and `plan`'s options.

mod body;
pub mod moveit;
mod read;
mod setup;
mod vehicle;
mod vehicle_state;
mod write;
mod write_vehicle;

pub use body::{Part, PartShape};
pub use setup::{JointOverride, LimitChoice, Planned, RobotChoice, RobotFiles, RobotSource, limit_jerk};
pub use vehicle::{Carried, PointRobot, VehicleRobot};

// What the benchmark suites read and check as scenes do.
#[cfg(feature = "cli")]
pub(crate) use {read::obstacle, setup::admit};

pub(crate) use setup::{coordinates, find_joint, require_limits};

use crate::document;
use crate::error::InputError;
use crate::plan::PlanOptions;
use crate::problem::Problem;
use crate::robot::Robot;
use std::path::Path;

/// A scene, read and found to be sound.
///
/// ```no_run
/// # fn main() -> Result<(), flatout::error::InputError> {
/// let scene = flatout::scene::Scene::load("scenes/panda_table.yaml".as_ref())?;
/// println!("{} joints, {} obstacles", scene.problem.mechanism.dof(), scene.problem.world.obstacles.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Scene {
    /// Which robot, and what of it moves.
    pub robot: RobotChoice,
    /// What was said of its limits. They are applied in `problem` already.
    pub limits: LimitChoice,
    /// What there is to plan.
    pub problem: Problem,
    /// How to plan it.
    pub options: PlanOptions,
}

impl Scene {
    /// Reads a scene file and the files of the robot that it names.
    ///
    /// # Errors
    /// Where a file is missing or malformed, or says what cannot be. Whether start and goals are
    /// free of collision is not looked at here: that is for the planner to say.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        Self::read(&InputError::read_text(file)?, file)
    }

    /// Reads a scene from `text` that comes from `file`, and the files of the robot that it names.
    ///
    /// # Errors
    /// As [`Scene::load`].
    pub fn read(text: &str, file: &Path) -> Result<Self, InputError> {
        let locate = |e: InputError| e.in_file(file);
        let root = document::parse(text).map_err(locate)?;
        let source = read::robot_source(&root, directory_of(file)).map_err(locate)?;
        if let Some(files) = source.files() {
            read::require_files(&root, files).map_err(locate)?;
        }
        let robot = source.load()?;
        read::scene(&root, source, robot).map_err(locate)
    }

    /// Reads a scene from `text` for a `robot` that is loaded already, as where many scenes share
    /// one. `file` is where the text comes from; the robot's files are not opened.
    ///
    /// # Errors
    /// As [`Scene::load`].
    pub fn parse(text: &str, file: &Path, robot: &Robot) -> Result<Self, InputError> {
        let read = || {
            let root = document::parse(text)?;
            let source = read::robot_source(&root, directory_of(file))?;
            read::scene(&root, source, robot.clone())
        };
        read().map_err(|e| e.in_file(file))
    }

    /// The scene as the text of a scene file that will lie in `directory`.
    ///
    /// What [`Scene::load`] reads from it equals this scene up to the rounding of orientations.
    pub fn to_yaml(&self, directory: &Path) -> String {
        write::scene(self, directory)
    }
}

fn directory_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

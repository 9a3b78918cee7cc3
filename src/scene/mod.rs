//! Scenes: a robot, what of it moves, the world around it, where it starts and where it shall go,
//! in one YAML file; linear systems in place of robots; and MotionBenchMaker's pairs of MoveIt files read as such.
//! `scenes/README.md` documents the file field by field.
//! Imports `document`, `error`, `pose`, `world`, `base`, `robot`, `problem` and `plan`'s options.

mod body;
mod files;
mod keys;
mod lengths;
mod linear;
#[cfg(feature = "cli")]
mod made;
pub mod moveit;
mod read;
mod setup;
mod tables;
mod vehicle;
mod vehicle_state;
mod write;
mod write_linear;
mod write_vehicle;

pub use body::{Part, PartShape};
pub use files::RobotFiles;
pub use linear::{AnyScene, LinearScene};
pub use setup::{DefaultLimits, JointOverride, LimitChoice, Planned, RobotChoice, RobotSource, limit_jerk};
pub use tables::schema;
pub use vehicle::{Carried, PointRobot, VehicleRobot};

// What the benchmark suites read and check as scenes do.
#[cfg(feature = "cli")]
pub(crate) use {read::obstacle, setup::admit};

pub(crate) use setup::{find_joint, held_at, require_limits};

use crate::error::Warning;
use crate::plan::PlanOptions;
use crate::problem::Problem;
use crate::robot::LinkPadding;

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
    /// How far its links stay from obstacles. That is applied in `problem` already.
    pub padding: LinkPadding,
    /// What there is to plan.
    pub problem: Problem,
    /// How to plan it.
    pub options: PlanOptions,
    /// What was read otherwise than it stands in its files and in those of the robot, or passed over.
    pub warnings: Vec<Warning>,
}

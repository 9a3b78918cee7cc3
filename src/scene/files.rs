//! The files of a robot.

use crate::document::{Map, Node};
use crate::error::InputError;
use crate::robot::{LoadOptions, MissingGeometry, Robot};
use std::path::{Path, PathBuf};

/// Files that describe a robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotFiles {
    /// Kinematics, inertias, collision geometry.
    pub urdf: PathBuf,
    /// Groups, named states, pairs of links that need no check.
    pub srdf: Option<PathBuf>,
    /// MoveIt's limits of velocity, acceleration and jerk.
    pub joint_limits: Option<PathBuf>,
    /// What becomes of the robot where its links have no collision geometry.
    pub missing_geometry: MissingGeometry,
}

impl RobotFiles {
    /// Reads the robot.
    pub fn load(&self) -> Result<Robot, InputError> {
        let options = LoadOptions { missing_geometry: self.missing_geometry, ..LoadOptions::default() };
        Robot::load(&self.urdf, self.srdf.as_deref(), self.joint_limits.as_deref(), &options)
    }
}

impl RobotFiles {
    /// The files that `map` names, relative to `directory`.
    pub(super) fn read(map: &Map, directory: &Path) -> Result<Self, InputError> {
        let path = |node: &Node| Ok(directory.join(node.text("the path of a file")?));
        Ok(Self {
            urdf: path(map.require("urdf")?)?,
            srdf: map.get("srdf").map(path).transpose()?,
            joint_limits: map.get("joint_limits").map(path).transpose()?,
            missing_geometry: map
                .get("missing_geometry")
                .map(missing_geometry)
                .transpose()?
                .unwrap_or_default(),
        })
    }
}

fn missing_geometry(node: &Node) -> Result<MissingGeometry, InputError> {
    node.text("refuse or allow")?.parse().map_err(|_| node.expected("refuse or allow"))
}

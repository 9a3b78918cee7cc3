//! The files of a robot.

use super::tables;
use crate::document::{Map, Node, names};
use crate::error::InputError;
use crate::robot::spherize::{CoverOptions, MAX_SPHERES};
use crate::robot::{LoadOptions, MissingGeometry, Robot};
use std::path::{Path, PathBuf};

/// Files that describe a robot.
#[derive(Clone, Debug, PartialEq)]
pub struct RobotFiles {
    /// Kinematics, inertias, collision geometry.
    pub urdf: PathBuf,
    /// Groups, named states, pairs of links that need no check.
    pub srdf: Option<PathBuf>,
    /// MoveIt's limits of velocity, acceleration and jerk.
    pub joint_limits: Option<PathBuf>,
    /// What becomes of the robot where its links have no collision geometry.
    pub missing_geometry: MissingGeometry,
    /// How closely spheres cover its geometry.
    pub cover: CoverOptions,
    /// Folders of packages, or of folders of packages, in which meshes are looked for first.
    pub package_path: Vec<PathBuf>,
}

impl RobotFiles {
    /// Only a URDF; all else as it is by default.
    pub fn new(urdf: impl Into<PathBuf>) -> Self {
        Self {
            urdf: urdf.into(),
            srdf: None,
            joint_limits: None,
            missing_geometry: MissingGeometry::default(),
            cover: CoverOptions::default(),
            package_path: Vec::new(),
        }
    }

    /// Reads the robot.
    pub fn load(&self) -> Result<Robot, InputError> {
        let options = LoadOptions {
            missing_geometry: self.missing_geometry,
            cover: self.cover,
            package_path: self.package_path.clone(),
            ..LoadOptions::default()
        };
        Robot::load(&self.urdf, self.srdf.as_deref(), self.joint_limits.as_deref(), &options)
    }
}

impl RobotFiles {
    /// The files that `map` names, relative to `directory`.
    pub(super) fn read(map: &Map, directory: &Path) -> Result<Self, InputError> {
        let path = |node: &Node| Ok(directory.join(node.text("the path of a file")?));
        let folders = |node: &Node| node.list("a list of folders")?.iter().map(path).collect();
        Ok(Self {
            urdf: path(map.require("urdf")?)?,
            srdf: map.get("srdf").map(path).transpose()?,
            joint_limits: map.get("joint_limits").map(path).transpose()?,
            missing_geometry: map
                .get("missing_geometry")
                .map(missing_geometry)
                .transpose()?
                .unwrap_or_default(),
            cover: map.get("cover").map_or(Ok(CoverOptions::default()), cover)?,
            package_path: map.get("package_path").map_or(Ok(Vec::new()), folders)?,
        })
    }
}

/// How closely spheres are to cover a robot.
fn cover(node: &Node) -> Result<CoverOptions, InputError> {
    let map = node.map_of("a map of max_spheres and tolerance", &names(tables::COVER))?;
    let default = CoverOptions::default();
    let count = |node: &Node| {
        let count: usize = node.natural()?;
        let count = Some(count).filter(|n| (1..=MAX_SPHERES).contains(n));
        count.ok_or_else(|| node.expected(format_args!("1 to {MAX_SPHERES} spheres")))
    };
    Ok(CoverOptions {
        max_spheres: map.get("max_spheres").map_or(Ok(default.max_spheres), count)?,
        tolerance: map.get("tolerance").map_or(Ok(default.tolerance), Node::positive)?,
    })
}

fn missing_geometry(node: &Node) -> Result<MissingGeometry, InputError> {
    node.text("refuse or allow")?.parse().map_err(|_| node.expected("refuse or allow"))
}

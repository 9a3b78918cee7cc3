//! Choices in loading a robot.

use super::cache::CoverCache;
use super::spherize::CoverOptions;
use crate::stop::CancelToken;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Choices in loading a robot.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// How closely spheres cover boxes, cylinders, capsules and meshes: by how many for the whole robot.
    pub cover: CoverOptions,
    /// Where covers are kept from one run to the next.
    pub cache: CoverCache,
    /// Folders of packages, or of folders of packages, in which `package://` is looked for before the folders that
    /// `ROS_PACKAGE_PATH`, `AMENT_PREFIX_PATH` and the like name, and those above the URDF.
    pub package_path: Vec<PathBuf>,
    /// Breaks the loading off, which may take seconds where there are meshes: it then fails.
    pub cancel: Option<CancelToken>,
    /// How many comparisons of spheres may be spent on proofs that links never touch, or spheres always
    /// do, shared among the pairs of links. A comparison takes some 50 ns.
    pub comparisons: usize,
    /// What becomes of a robot whose links have no collision geometry.
    pub missing_geometry: MissingGeometry,
}

/// What becomes of a robot that moves something visible of which no link has collision geometry, or nothing
/// that has any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingGeometry {
    /// It is refused: it would pass through anything.
    #[default]
    Refuse,
    /// It is taken, and certificates name what they are silent about.
    Allow,
}

impl Default for LoadOptions {
    fn default() -> Self {
        let (cover, missing_geometry) = (CoverOptions::default(), MissingGeometry::default());
        Self { cover, cache: CoverCache::default(), package_path: Vec::new(), comparisons: 500_000, missing_geometry, cancel: None }
    }
}

impl FromStr for MissingGeometry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "refuse" => Ok(Self::Refuse),
            "allow" => Ok(Self::Allow),
            _ => Err("expected refuse or allow".to_owned()),
        }
    }
}

impl fmt::Display for MissingGeometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "refuse",
            Self::Allow => "allow",
        })
    }
}

//! What both writers of scene files write under a key.

use super::files::RobotFiles;
use super::setup::{Planned, RobotChoice};
use crate::pose::Pose;
use crate::problem::JointState;
use crate::robot::MissingGeometry;
use crate::robot::spherize::CoverOptions;
use glam::{DQuat, DVec3};
use serde::{Serialize, Serializer};
use serde_saphyr::FlowSeq;
use std::path::{Component, Path, PathBuf, absolute};

/// Pairs of name and value, written as a map in their order.
pub(super) struct NamedKeys<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for NamedKeys<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// The files of a robot and what of it moves.
#[derive(Serialize)]
pub(super) struct Files {
    pub(super) urdf: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) srdf: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) joint_limits: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) missing_geometry: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cover: Option<CoverKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_path: Option<FlowSeq<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) joints: Option<FlowSeq<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) locked: Option<NamedKeys<f64>>,
    /// Where it stands in the world, or on a vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<Frame>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mount: Option<Frame>,
}

impl Files {
    pub(super) fn new(files: &RobotFiles, choice: &RobotChoice, directory: &Path) -> Self {
        let path = |p: &PathBuf| relative(p, directory);
        let (group, joints) = match &choice.planned {
            Planned::All => (None, None),
            Planned::Group(name) => (Some(name.clone()), None),
            Planned::Joints(names) => (None, Some(FlowSeq(names.clone()))),
        };
        Self {
            urdf: path(&files.urdf),
            srdf: files.srdf.as_ref().map(path),
            joint_limits: files.joint_limits.as_ref().map(path),
            missing_geometry: (files.missing_geometry == MissingGeometry::Allow).then_some("allow"),
            cover: (files.cover != CoverOptions::default()).then(|| CoverKeys::new(&files.cover)),
            package_path: (!files.package_path.is_empty())
                .then(|| FlowSeq(files.package_path.iter().map(path).collect())),
            group,
            joints,
            locked: (!choice.locked.is_empty()).then(|| NamedKeys(choice.locked.clone())),
            base: None,
            mount: None,
        }
    }
}

/// How closely spheres cover a robot.
#[derive(Serialize)]
pub(super) struct CoverKeys {
    max_spheres: usize,
    tolerance: f64,
}

impl CoverKeys {
    fn new(cover: &CoverOptions) -> Self {
        Self { max_spheres: cover.max_spheres, tolerance: cover.tolerance }
    }
}

/// A state of joints.
#[derive(Serialize)]
pub(super) struct KeyedState {
    position: NamedKeys<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    velocity: Option<NamedKeys<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acceleration: Option<NamedKeys<f64>>,
}

impl KeyedState {
    pub(super) fn new(state: &JointState, outputs: &[String]) -> Self {
        let moves = |values: &[f64]| values.iter().any(|&v| v != 0.0);
        let named = |values: &[f64]| NamedKeys(outputs.iter().cloned().zip(values.iter().copied()).collect());
        Self {
            position: named(&state.position),
            velocity: moves(&state.velocity).then(|| named(&state.velocity)),
            acceleration: moves(&state.acceleration).then(|| named(&state.acceleration)),
        }
    }
}

/// The way from `directory` to `file` where they share a root, else the way from the root.
fn relative(file: &Path, directory: &Path) -> String {
    let real = |p: &Path| p.canonicalize().or_else(|_| absolute(p)).unwrap_or_else(|_| p.to_path_buf());
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let (file, directory) = (real(file), real(here));
    let shared = file.components().zip(directory.components()).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return file.to_string_lossy().into_owned();
    }
    let up = directory.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(file.components().skip(shared)).collect();
    way.to_string_lossy().into_owned()
}

#[derive(Serialize)]
pub(super) struct Frame {
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<FlowSeq<[f64; 3]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quaternion_xyzw: Option<FlowSeq<[f64; 4]>>,
}

impl Frame {
    pub(super) fn unless_identity(pose: &Pose) -> Option<Self> {
        (*pose != Pose::IDENTITY).then(|| Self::new(pose))
    }

    pub(super) fn new(pose: &Pose) -> Self {
        let turned = pose.rotation != Pose::IDENTITY.rotation;
        let quaternion = || DQuat::from_mat3(&pose.rotation).normalize().to_array();
        Self {
            position: (pose.translation != DVec3::ZERO).then(|| FlowSeq(pose.translation.to_array())),
            quaternion_xyzw: turned.then(|| FlowSeq(quaternion())),
        }
    }
}

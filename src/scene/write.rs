//! From a [`Scene`] to the text of a scene file.

use super::keys::{Files, Frame, KeyedState, NamedKeys};
use super::setup::{JointOverride, LimitChoice, RobotChoice, RobotSource};
use super::tables;
use super::write_vehicle::{self, EntryValue};
use super::{PointRobot, Scene};
use crate::plan::{Algorithm, PlanOptions};
use crate::problem::{GRAVITY, JointState, Smoothness};
use crate::robot::{LinkPadding, Mechanism, Sphere};
use crate::world::{Obstacle, Shape};
use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};
use std::path::Path;

/// The scene as text, the paths in it relative to `directory`.
impl Scene {
    /// The scene as the text of a scene file that will lie in `directory`.
    ///
    /// What [`Scene::load`] reads from it equals this scene up to the rounding of orientations.
    pub fn to_yaml(&self, directory: &Path) -> String {
        scene(self, directory)
    }
}

fn scene(scene: &Scene, directory: &Path) -> String {
    let problem = &scene.problem;
    let state = |s: &JointState| StateKeys::new(s, &problem.mechanism);
    let mut goals: Vec<StateKeys> = problem.goals.iter().map(state).collect();
    let goal = if goals.len() == 1 { goals.pop() } else { None };
    let (name, version) = tables::FORMAT;
    let file = SceneFile {
        format: format!("{name}/{version}"),
        robot: RobotEntry::new(&scene.robot, directory),
        link_padding: PaddingEntry::new(&scene.padding),
        limits: LimitsEntry::new(&scene.limits),
        smoothness: (problem.smoothness != Smoothness::default()).then(|| problem.smoothness.to_string()),
        gravity: (problem.gravity != GRAVITY).then(|| FlowSeq(problem.gravity.to_array())),
        world: problem.world.obstacles.iter().map(SolidEntry::new).collect(),
        start: state(&problem.start),
        goal,
        goals,
        planner: PlannerEntry::new(&scene.options),
    };
    // Serialising plain maps, lists and scalars into a string has no way to fail.
    serde_saphyr::to_string(&file).unwrap_or_default()
}

#[derive(Serialize)]
struct SceneFile {
    format: String,
    robot: RobotEntry,
    #[serde(skip_serializing_if = "Option::is_none")]
    link_padding: Option<PaddingEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<LimitsEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smoothness: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gravity: Option<FlowSeq<[f64; 3]>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    world: Vec<SolidEntry>,
    start: StateKeys,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<StateKeys>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goals: Vec<StateKeys>,
    #[serde(skip_serializing_if = "Option::is_none")]
    planner: Option<PlannerEntry>,
}

#[derive(Serialize)]
struct RobotEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<PointEntry>,
    #[serde(flatten)]
    vehicle: Option<NamedKeys<EntryValue>>,
    #[serde(flatten)]
    files: Option<Files>,
}

impl RobotEntry {
    fn new(choice: &RobotChoice, directory: &Path) -> Self {
        let none = Self { point: None, vehicle: None, files: None };
        match &choice.source {
            RobotSource::Point(point) => Self { point: Some(PointEntry::new(point)), ..none },
            RobotSource::Files(files) => {
                let base = Frame::unless_identity(&choice.base);
                Self { files: Some(Files { base, ..Files::new(files, choice, directory) }), ..none }
            }
            RobotSource::Vehicle(vehicle) => {
                let carries = vehicle.carries.as_ref().map(|carried| {
                    let mount = Frame::unless_identity(&carried.mount);
                    Files { mount, ..Files::new(&carried.files, choice, directory) }
                });
                let (kind, keys) = write_vehicle::vehicle(vehicle, carries);
                Self { vehicle: Some(NamedKeys(vec![(kind.to_owned(), keys)])), ..none }
            }
        }
    }
}

#[derive(Serialize)]
struct PointEntry {
    dimensions: usize,
    velocity: f64,
    acceleration: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower: Option<FlowSeq<Vec<f64>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper: Option<FlowSeq<Vec<f64>>>,
    spheres: Vec<BallEntry>,
}

#[derive(Serialize)]
struct BallEntry {
    center: FlowSeq<[f64; 3]>,
    radius: f64,
}

impl PointEntry {
    fn new(point: &PointRobot) -> Self {
        let ball = |s: &Sphere| BallEntry { center: FlowSeq(s.center.to_array()), radius: s.radius };
        Self {
            dimensions: point.dimensions,
            velocity: point.velocity,
            acceleration: point.acceleration,
            lower: point.bounds.as_ref().map(|[lower, _]| FlowSeq(lower.clone())),
            upper: point.bounds.as_ref().map(|[_, upper]| FlowSeq(upper.clone())),
            spheres: point.spheres.iter().map(ball).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum PaddingEntry {
    All(f64),
    Links(FlowMap<NamedKeys<f64>>),
}

impl PaddingEntry {
    fn new(padding: &LinkPadding) -> Option<Self> {
        match padding {
            LinkPadding::All(metres) => Some(Self::All(*metres)),
            LinkPadding::Links(links) if links.is_empty() => None,
            LinkPadding::Links(links) => Some(Self::Links(FlowMap(NamedKeys(links.clone())))),
        }
    }
}

#[derive(Serialize)]
struct LimitsEntry {
    #[serde(skip_serializing_if = "is_one")]
    velocity_scaling: f64,
    #[serde(skip_serializing_if = "is_one")]
    acceleration_scaling: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ramp_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    torque: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_acceleration: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_jerk: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    joints: Option<NamedKeys<FlowMap<NamedKeys<f64>>>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(v: &f64) -> bool {
    *v == 1.0
}

impl LimitsEntry {
    fn new(choice: &LimitChoice) -> Option<Self> {
        if *choice == LimitChoice::default() {
            return None;
        }
        let joint = |j: &JointOverride| {
            let keys = ["lower", "upper", "velocity", "acceleration", "jerk", "effort"];
            let values = [j.lower, j.upper, j.velocity, j.acceleration, j.jerk, j.effort];
            let given = keys.iter().zip(values).filter_map(|(key, v)| Some(((*key).to_owned(), v?)));
            (j.joint.clone(), FlowMap(NamedKeys(given.collect())))
        };
        Some(Self {
            velocity_scaling: choice.velocity_scaling,
            acceleration_scaling: choice.acceleration_scaling,
            ramp_time: choice.ramp_time,
            torque: choice.torque,
            default_acceleration: choice.default.acceleration,
            default_jerk: choice.default.jerk,
            joints: (!choice.joints.is_empty()).then(|| NamedKeys(choice.joints.iter().map(joint).collect())),
        })
    }
}

/// An obstacle.
#[derive(Serialize)]
pub(super) struct SolidEntry {
    name: String,
    shape: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<FlowSeq<[f64; 3]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    radius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<f64>,
    #[serde(flatten)]
    frame: Frame,
}

impl SolidEntry {
    pub(super) fn new(obstacle: &Obstacle) -> Self {
        let (size, radius, length) = match obstacle.shape {
            Shape::Sphere { radius } => (None, Some(radius), None),
            Shape::Cuboid { half_extents } => (Some(FlowSeq((half_extents * 2.0).to_array())), None, None),
            Shape::Capsule { radius, half_length } | Shape::Cylinder { radius, half_length } => {
                (None, Some(radius), Some(half_length * 2.0))
            }
            Shape::HalfSpace => (None, None, None),
        };
        let frame = Frame::new(&obstacle.pose);
        Self { name: obstacle.name.clone(), shape: obstacle.shape.kind(), size, radius, length, frame }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum StateKeys {
    Joints(KeyedState),
    Vehicle(EntryValue),
}

impl StateKeys {
    fn new(state: &JointState, mechanism: &Mechanism) -> Self {
        let Some(base) = mechanism.vehicle() else {
            return Self::Joints(KeyedState::new(state, &mechanism.outputs));
        };
        let (position, joints) = state.position.split_at(base.coordinates().len());
        let (rates, joint_rates) = state.velocity.split_at(position.len());
        let joints = (!joints.is_empty()).then(|| {
            let joints =
                JointState { velocity: joint_rates.to_vec(), ..JointState::at_rest(joints.to_vec()) };
            KeyedState::new(&joints, &mechanism.outputs[position.len()..])
        });
        Self::Vehicle(write_vehicle::state(base, position, rates, joints))
    }
}

#[derive(Serialize)]
struct PlannerEntry {
    seed: u64,
    time_limit: NumberOrNone,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    max_samples: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<f64>,
    moving_share: f64,
    batch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<f64>,
    shortcut_tries: u32,
    searches: u32,
    polish_tries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    improve: Option<f64>,
}

/// A number, or the word for none.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum NumberOrNone {
    Number(f64),
    None(&'static str),
}

impl NumberOrNone {
    pub(super) fn new(number: Option<f64>) -> Self {
        number.map_or(Self::None(tables::NONE), Self::Number)
    }
}

impl PlannerEntry {
    fn new(options: &PlanOptions) -> Option<Self> {
        (*options != PlanOptions::default()).then(|| Self {
            seed: options.seed,
            time_limit: NumberOrNone::new(options.time_limit.map(|limit| limit.as_secs_f64())),
            algorithm: options.algorithm.map(Algorithm::name),
            // One of the caller's own is no text.
            cost: options.cost.text().filter(|_| !options.cost.is_duration()),
            max_samples: options.max_samples,
            range: options.range,
            moving_share: options.moving_share,
            batch: options.batch,
            resolution: options.resolution,
            shortcut_tries: options.shortcut_tries,
            searches: options.searches,
            polish_tries: options.polish_tries,
            improve: options.improve.map(|time| time.as_secs_f64()),
        })
    }
}

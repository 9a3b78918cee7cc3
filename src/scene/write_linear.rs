//! From a [`LinearScene`] to the text of a scene file.

use super::LinearScene;
use super::tables;
use super::write::{NumberOrNone, SolidEntry};
use crate::plan::rrt_star::LinearPlanOptions;
use crate::problem::{LinearProblem, Variable};
use serde::Serialize;
use serde_saphyr::FlowSeq;

impl LinearScene {
    /// The scene as the text of a scene file.
    ///
    /// What [`LinearScene::read`] reads from it equals this scene up to the rounding of orientations, where the ball has a
    /// radius; tolerances and tokens to cancel by are no part of a file.
    pub fn to_yaml(&self) -> String {
        scene(self)
    }
}

fn scene(scene: &LinearScene) -> String {
    let LinearScene { problem, options } = scene;
    let mut goals = numbers(&problem.goals);
    let goal = if goals.len() == 1 { goals.pop() } else { None };
    let (name, version) = tables::FORMAT;
    let file = LinearSceneFile {
        format: format!("{name}/{version}"),
        linear: SystemEntry::new(problem),
        world: problem.world.obstacles.iter().map(SolidEntry::new).collect(),
        start: FlowSeq(problem.start.clone()),
        goal,
        goals,
        planner: LinearPlannerEntry::new(options),
    };
    // Serialising plain maps, lists and scalars into a string has no way to fail.
    serde_saphyr::to_string(&file).unwrap_or_default()
}

/// Lists of numbers, each in a line.
type Rows = Vec<FlowSeq<Vec<f64>>>;

fn numbers(rows: &[Vec<f64>]) -> Rows {
    rows.iter().cloned().map(FlowSeq).collect()
}

#[derive(Serialize)]
struct LinearSceneFile {
    format: String,
    linear: SystemEntry,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    world: Vec<SolidEntry>,
    start: FlowSeq<Vec<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<FlowSeq<Vec<f64>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goals: Rows,
    #[serde(skip_serializing_if = "Option::is_none")]
    planner: Option<LinearPlannerEntry>,
}

#[derive(Serialize)]
struct SystemEntry {
    #[serde(rename = "A")]
    a: Rows,
    #[serde(rename = "B")]
    b: Rows,
    c: FlowSeq<Vec<f64>>,
    #[serde(rename = "R")]
    r: Rows,
    states: VariablesEntry,
    controls: VariablesEntry,
    place: FlowSeq<Vec<String>>,
    radius: f64,
}

impl SystemEntry {
    fn new(problem: &LinearProblem) -> Self {
        let LinearProblem { a, b, c, r, states, controls, place, radius, .. } = problem;
        let name = |&i: &usize| states[i].name.clone();
        Self {
            a: numbers(a),
            b: numbers(b),
            c: FlowSeq(c.clone()),
            r: numbers(r),
            states: VariablesEntry::new(states),
            controls: VariablesEntry::new(controls),
            place: FlowSeq(place.iter().map(name).collect()),
            radius: *radius,
        }
    }
}

#[derive(Serialize)]
struct VariablesEntry {
    names: FlowSeq<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower: Option<FlowSeq<Vec<NumberOrNone>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper: Option<FlowSeq<Vec<NumberOrNone>>>,
}

impl VariablesEntry {
    fn new(variables: &[Variable]) -> Self {
        let bounds = |of: fn(&Variable) -> f64| {
            let finite = |variable: &Variable| Some(of(variable)).filter(|bound| bound.is_finite());
            let any = variables.iter().any(|variable| finite(variable).is_some());
            any.then(|| FlowSeq(variables.iter().map(|v| NumberOrNone::new(finite(v))).collect()))
        };
        Self {
            names: FlowSeq(variables.iter().map(|variable| variable.name.clone()).collect()),
            lower: bounds(|variable| variable.lower),
            upper: bounds(|variable| variable.upper),
        }
    }
}

#[derive(Serialize)]
struct LinearPlannerEntry {
    seed: u64,
    time_limit: NumberOrNone,
    neighbours: String,
    samples: u64,
    max_samples: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    improve: Option<f64>,
}

impl LinearPlannerEntry {
    fn new(options: &LinearPlanOptions) -> Option<Self> {
        let LinearPlanOptions { seed, time_limit, neighbours, samples, max_samples, improve, .. } = options;
        (*options != LinearPlanOptions::default()).then(|| Self {
            seed: *seed,
            time_limit: NumberOrNone::new(time_limit.map(|limit| limit.as_secs_f64())),
            neighbours: neighbours.to_string(),
            samples: *samples,
            max_samples: *max_samples,
            improve: improve.map(|time| time.as_secs_f64()),
        })
    }
}

//! `flatout-trajectory/1`: the polynomials themselves, with samples for whoever plots them.

use super::export::{Export, Samples};
use super::named::{NamedTrajectory, repeated};
use super::replay::ReplayErrors;
use crate::base::Base;
use crate::document::{Form, Key, Node, json_schema, names};
use crate::error::InputError;
use crate::trajectory::{MAX_DEGREE, Segment, Trajectory};
use serde::Serialize;
use serde_json::Value;

/// Name of the format, and the version that is written.
const FORMAT: (&str, u32) = ("flatout-trajectory", 1);

const NUMBERS: Form = Form::Numbers(0, usize::MAX);
const TABLE: Form = Form::List(&NUMBERS);
const NAMES: Form = Form::List(&Form::Text);

/// The keys of a file: what the reader takes and the JSON Schema is made of.
const FILE: &[Key] = &[
    Key::new("format", Form::Format(FORMAT.0, FORMAT.1)),
    Key::new("version", Form::Text),
    Key::required("outputs", NAMES),
    Key::new("state_names", NAMES),
    Key::new("control_names", NAMES),
    Key::new("duration", Form::Number),
    Key::required("segments", Form::List(&Form::Map(SEGMENT))),
    Key::new("samples", Form::Map(SAMPLES)),
    Key::new("report", Form::Any),
    Key::new("stats", Form::Any),
    Key::new("seed", Form::Natural),
];

const SEGMENT: &[Key] = &[Key::required("duration", Form::Number), Key::required("coefficients", TABLE)];

const SAMPLES: &[Key] = &[
    Key::new("dt", Form::Number),
    Key::new("time", NUMBERS),
    Key::new("position", TABLE),
    Key::new("velocity", TABLE),
    Key::new("acceleration", TABLE),
    Key::new("effort", TABLE),
    Key::new("state", TABLE),
    Key::new("control", TABLE),
    Key::new("replay", Form::Any),
];

/// The JSON Schema of `flatout-trajectory/1`.
pub fn schema() -> Value {
    json_schema("A trajectory of flatout", &[FILE])
}

/// Greatest difference between the stated duration and the sum of the segments', relative.
const DURATION_TOLERANCE: f64 = 1e-9;

#[derive(Serialize)]
pub(super) struct TrajectoryFile<'a> {
    format: String,
    /// Version of flatout.
    version: &'static str,
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub(super) state_names: &'a [&'a str],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub(super) control_names: &'a [&'a str],
    duration: f64,
    segments: Vec<SegmentRecord<'a>>,
    samples: SampleRecord,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) report: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) stats: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<u64>,
}

#[derive(Serialize)]
struct SegmentRecord<'a> {
    duration: f64,
    /// `[output][power]`, ascending.
    coefficients: Vec<&'a [f64]>,
}

#[derive(Serialize)]
struct SampleRecord {
    /// Seconds from one sample to the next, in the mean.
    dt: f64,
    #[serde(flatten)]
    samples: Samples,
}

impl<'a> SegmentRecord<'a> {
    fn of(segment: Segment<'a>) -> Self {
        let polynomials = segment.coefficients.chunks_exact(segment.degree + 1);
        Self { duration: segment.duration, coefficients: polynomials.collect() }
    }
}

impl<'a> TrajectoryFile<'a> {
    /// One of outputs of these names, that says nothing else.
    pub(super) fn of(outputs: Vec<String>, trajectory: &'a Trajectory, samples: Samples) -> Self {
        let steps = (samples.time.len() - 1).max(1);
        Self {
            format: format!("{}/{}", FORMAT.0, FORMAT.1),
            version: env!("CARGO_PKG_VERSION"),
            outputs,
            state_names: &[],
            control_names: &[],
            duration: trajectory.duration(),
            segments: trajectory.segments().map(SegmentRecord::of).collect(),
            samples: SampleRecord { dt: trajectory.duration() / steps as f64, samples },
            report: &Value::Null,
            stats: &Value::Null,
            seed: None,
        }
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        // Structures of numbers and text have no way to fail.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

pub(super) fn write(export: &Export<'_>) -> (String, Option<ReplayErrors>) {
    let base = export.problem.mechanism.base.as_ref();
    let samples = export.dense_samples().rounded();
    let replay = samples.replay;
    let file = TrajectoryFile {
        state_names: base.map_or(&[], Base::state_names),
        control_names: base.map_or(&[], Base::control_names),
        report: &export.report,
        stats: &export.stats,
        seed: export.seed,
        ..TrajectoryFile::of(export.problem.mechanism.flat_outputs(), export.trajectory, samples)
    };
    (file.text(), replay)
}

/// Reads the polynomials; samples and the rest follow from them and are passed over.
pub(super) fn read(root: &Node) -> Result<NamedTrajectory, InputError> {
    let map = root.map("a trajectory: a map")?;
    // First of all: another format has other keys.
    map.get("format").map_or(Ok(()), |node| node.format(FORMAT.0, FORMAT.1))?;
    let map = root.map_of("a trajectory", &names(FILE))?;
    let outputs = outputs(map.require("outputs")?)?;
    let segments = map.require("segments")?;
    let list = segments.list("a list of segments")?;
    // A motion that is over where it begins has one segment, of no length.
    let may_be_none = list.len() == 1;
    let records: Vec<(f64, Vec<Vec<f64>>)> =
        list.iter().map(|node| segment(node, outputs.len(), may_be_none)).collect::<Result<_, _>>()?;
    if records.is_empty() {
        return Err(segments.expected("at least one segment"));
    }
    let lengths = records.iter().flat_map(|(_, polynomials)| polynomials.iter().map(Vec::len));
    let degree = lengths.max().unwrap_or(1) - 1;
    let mut trajectory = Trajectory::new(outputs.len(), degree);
    for (duration, polynomials) in records {
        let raised = |mut p: Vec<f64>| {
            p.resize(degree + 1, 0.0);
            p
        };
        let coefficients: Vec<f64> = polynomials.into_iter().flat_map(raised).collect();
        trajectory.push(duration, &coefficients);
    }
    let total = trajectory.duration();
    if !total.is_finite() {
        return Err(segments.error("the durations add up to infinity"));
    }
    if let Some(stated) = map.get("duration")
        && (duration(stated, may_be_none)? - total).abs() > DURATION_TOLERANCE * total.max(1.0)
    {
        return Err(stated.expected(format_args!("{total}, the sum of the segments' durations")));
    }
    Ok(NamedTrajectory::of_polynomials(outputs, trajectory))
}

/// Reads a list of different names, at least one.
pub(super) fn outputs(node: &Node) -> Result<Vec<String>, InputError> {
    let list = node.list("a list of names of joints")?;
    let name = |n: &Node| n.text("the name of a joint").map(str::to_owned);
    let names: Vec<String> = list.iter().map(name).collect::<Result<_, _>>()?;
    if names.is_empty() {
        return Err(node.expected("at least one name"));
    }
    match repeated(&names) {
        Some(name) => Err(node.error(format!("joint \"{name}\" stands there twice"))),
        None => Ok(names),
    }
}

fn duration(node: &Node, may_be_none: bool) -> Result<f64, InputError> {
    match node.number()? {
        0.0 if may_be_none => Ok(0.0),
        _ => node.positive(),
    }
}

fn segment(node: &Node, dof: usize, may_be_none: bool) -> Result<(f64, Vec<Vec<f64>>), InputError> {
    let map = node.map_of("a segment: a map", &names(SEGMENT))?;
    let duration = duration(map.require("duration")?, may_be_none)?;
    let coefficients = map.require("coefficients")?;
    let list = coefficients.list("a list of polynomials")?;
    if list.len() != dof {
        return Err(coefficients.expected(format_args!("{dof} polynomials, one per output")));
    }
    let polynomial = |node: &Node| {
        let what = "the coefficients of a polynomial, ascending powers";
        let numbers = node.numbers(what)?;
        match numbers.len() {
            1.. if numbers.len() <= MAX_DEGREE + 1 => Ok(numbers),
            _ => Err(node.expected(format_args!("{what}, 1 to {} of them", MAX_DEGREE + 1))),
        }
    };
    Ok((duration, list.iter().map(polynomial).collect::<Result<_, _>>()?))
}

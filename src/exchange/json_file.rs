//! `flatout-trajectory/1`: the polynomials themselves, with samples for whoever plots them.

use super::export::{Export, Samples};
use super::named::{NamedTrajectory, repeated};
use crate::base::Base;
use crate::document::{Map, Node};
use crate::error::InputError;
use crate::trajectory::{MAX_DEGREE, Segment, Trajectory};
use serde::Serialize;
use serde_json::Value;

/// Name and version of the format.
const FORMAT: &str = "flatout-trajectory/1";

/// Greatest difference between the stated duration and the sum of the segments', relative.
const DURATION_TOLERANCE: f64 = 1e-9;

#[derive(Serialize)]
struct TrajectoryFile<'a> {
    format: &'static str,
    /// Version of flatout.
    version: &'static str,
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    state_names: &'a [&'a str],
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    control_names: &'a [&'a str],
    duration: f64,
    segments: Vec<SegmentRecord<'a>>,
    samples: SampleRecord,
    #[serde(skip_serializing_if = "Value::is_null")]
    report: &'a Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    stats: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
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

pub(super) fn write(export: &Export<'_>) -> String {
    let trajectory = export.trajectory;
    let base = export.problem.mechanism.base.as_ref();
    let samples = export.dense_samples();
    let steps = (samples.time.len() - 1).max(1);
    let file = TrajectoryFile {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION"),
        outputs: export.problem.mechanism.flat_outputs(),
        state_names: base.map_or(&[], Base::state_names),
        control_names: base.map_or(&[], Base::control_names),
        duration: trajectory.duration(),
        segments: trajectory.segments().map(SegmentRecord::of).collect(),
        samples: SampleRecord { dt: trajectory.duration() / steps as f64, samples },
        report: &export.report,
        stats: &export.stats,
        seed: export.seed,
    };
    // Structures of numbers and text have no way to fail.
    serde_json::to_string(&file).unwrap_or_default() + "\n"
}

/// Reads the polynomials; samples and the rest follow from them and are passed over.
pub(super) fn read(map: &Map<'_>) -> Result<NamedTrajectory, InputError> {
    let format = map.require("format")?;
    if format.text(FORMAT)? != FORMAT {
        return Err(format.expected(FORMAT));
    }
    let outputs = names(map.require("outputs")?)?;
    let segments = map.require("segments")?;
    let records: Vec<(f64, Vec<Vec<f64>>)> = segments
        .list("a list of segments")?
        .iter()
        .map(|node| segment(node, outputs.len()))
        .collect::<Result<_, _>>()?;
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
        && (stated.positive()? - total).abs() > DURATION_TOLERANCE * total.max(1.0)
    {
        return Err(stated.expected(format_args!("{total}, the sum of the segments' durations")));
    }
    Ok(NamedTrajectory::of_polynomials(outputs, trajectory))
}

/// Reads a list of different names, at least one.
pub(super) fn names(node: &Node) -> Result<Vec<String>, InputError> {
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

fn segment(node: &Node, dof: usize) -> Result<(f64, Vec<Vec<f64>>), InputError> {
    let map = node.map("a segment: a map")?;
    let duration = map.require("duration")?.positive()?;
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

//! Comma-separated values: a row per instant, every knot among them.
//!
//! Samples come first: `t`, `q_JOINT`, `qd_JOINT`, `qdd_JOINT`, `tau_JOINT`; of a vehicle `t`, its states, its controls,
//! and then `q_JOINT`, `qd_JOINT`, `qdd_JOINT` of what it carries. They are for whoever plots or drives. The polynomials
//! themselves follow, exactly: where they begin, the row tells their `duration` and their coefficients `c0_OUTPUT`,
//! `c1_OUTPUT` ... in ascending powers of the time since. In rows between, these cells are empty; the samples' are where
//! a knot is too near to another for a sample of its own.

use super::export::{Export, Samples};
use super::replay::ReplayErrors;
use crate::trajectory::Trajectory;
use csv::WriterBuilder;

/// Name of the column that says how long the polynomials hold that begin in a row, seconds.
pub(super) const DURATION: &str = "duration";

/// Name of the column of a coefficient.
pub(super) fn coefficient(power: usize, output: &str) -> String {
    format!("c{power}_{output}")
}

/// A block of columns: the names in its header, and `[row][column]`.
type CsvBlock<'a> = (Vec<String>, Vec<&'a [f64]>);

pub(super) fn write(export: &Export<'_>) -> (String, Option<ReplayErrors>) {
    let mechanism = &export.problem.mechanism;
    let outputs = mechanism.flat_outputs();
    let Some(base) = mechanism.vehicle() else {
        let samples = export.even_samples_and_knots();
        return (table(&samples.time, &of_outputs(&samples, &outputs, 0), &outputs, export.trajectory), None);
    };
    let samples = export.dense_samples();
    let block = |names: &[&str], values| (names.iter().map(|&n| n.to_owned()).collect(), rows(values, 0));
    let mut blocks: Vec<CsvBlock> =
        vec![block(base.state_names(), &samples.state), block(base.control_names(), &samples.control)];
    let own = base.outputs().len();
    blocks.extend(of_outputs(&samples, &outputs[own..], own));
    (table(&samples.time, &blocks, &outputs, export.trajectory), samples.replay)
}

pub(super) fn rows(values: &[Vec<f64>], first: usize) -> Vec<&[f64]> {
    values.iter().map(|row| &row[first..]).collect()
}

/// Positions, velocities, accelerations, and efforts where there are any, from the `first` output on.
fn of_outputs<'a>(samples: &'a Samples, names: &[String], first: usize) -> Vec<CsvBlock<'a>> {
    let all = [
        ("q_", &samples.position),
        ("qd_", &samples.velocity),
        ("qdd_", &samples.acceleration),
        ("tau_", &samples.effort),
    ];
    let named = |prefix: &str| names.iter().map(|name| format!("{prefix}{name}")).collect();
    let given = all.into_iter().filter(|(_, values)| !values.is_empty());
    given.map(|(prefix, values)| (named(prefix), rows(values, first))).collect()
}

/// Rows of samples and of polynomials, in order of time; where both are of one instant they share it.
pub(super) fn table(
    time: &[f64],
    blocks: &[CsvBlock<'_>],
    outputs: &[String],
    trajectory: &Trajectory,
) -> String {
    let mut text = header(blocks, outputs, trajectory.degree());
    let sampled: usize = blocks.iter().map(|(names, _)| names.len()).sum();
    let pieces = 1 + outputs.len() * (trajectory.degree() + 1);
    let (mut sample, mut piece) = (0, 0);
    while sample < time.len() || piece < trajectory.len() {
        let next_sample = time.get(sample).copied().unwrap_or(f64::INFINITY);
        let next_piece = if piece < trajectory.len() { trajectory.knots()[piece] } else { f64::INFINITY };
        let now = next_sample.min(next_piece);
        number(&mut text, now);
        if next_sample <= now {
            blocks.iter().flat_map(|(_, values)| values[sample]).for_each(|&v| cell(&mut text, v));
            sample += 1;
        } else {
            empty(&mut text, sampled);
        }
        if next_piece <= now {
            let segment = trajectory.segment(piece);
            cell(&mut text, segment.duration);
            segment.coefficients.iter().for_each(|&c| cell(&mut text, c));
            piece += 1;
        } else {
            empty(&mut text, pieces);
        }
        text.push(b'\n');
    }
    String::from_utf8(text).unwrap_or_default()
}

fn header(blocks: &[CsvBlock<'_>], outputs: &[String], degree: usize) -> Vec<u8> {
    let samples = blocks.iter().flat_map(|(names, _)| names.iter().cloned());
    let powers = |output| -> Vec<String> { (0..=degree).map(|power| coefficient(power, output)).collect() };
    let names = std::iter::once("t".to_owned())
        .chain(samples)
        .chain(std::iter::once(DURATION.to_owned()))
        .chain(outputs.iter().flat_map(|output| powers(output)));
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    // Writing one record to memory has no way to fail.
    let _ = writer.write_record(names.collect::<Vec<String>>());
    writer.into_inner().unwrap_or_default()
}

/// Writes a number so that it is read back to the bit.
fn number(text: &mut Vec<u8>, value: f64) {
    // As in JSON, which is several times as fast as `write!`. Writing to memory has no way to fail.
    let _ = serde_json::to_writer(text, &value);
}

fn cell(text: &mut Vec<u8>, value: f64) {
    text.push(b',');
    number(text, value);
}

fn empty(text: &mut Vec<u8>, cells: usize) {
    text.extend(std::iter::repeat_n(b',', cells));
}

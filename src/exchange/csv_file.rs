//! Comma-separated values: columns `t`, `q_JOINT`, `qd_JOINT`, `qdd_JOINT`, `tau_JOINT`, one row
//! per instant, every knot among them. Of a vehicle: `t`, its states, its controls, and then `q_JOINT`,
//! `qd_JOINT`, `qdd_JOINT` of what it carries, at even times.

use super::export::{Export, Samples};
use super::named::{NamedTrajectory, repeated};
use super::points::TrajectoryPoint;
use super::replay::ReplayErrors;
use crate::error::{InputError, excerpt};
use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use std::collections::HashMap;

/// A block of columns: the names in its header, and `[row][column]`.
type CsvBlock<'a> = (Vec<String>, Vec<&'a [f64]>);

pub(super) fn write(export: &Export<'_>) -> (String, Option<ReplayErrors>) {
    let mechanism = &export.problem.mechanism;
    let Some(base) = mechanism.vehicle() else {
        let samples = export.points();
        return (table(&samples.time, &of_outputs(&samples, &mechanism.outputs, 0)), None);
    };
    let samples = export.dense_samples();
    let block = |names: &[&str], values| (names.iter().map(|&n| n.to_owned()).collect(), rows(values, 0));
    let mut blocks: Vec<CsvBlock> =
        vec![block(base.state_names(), &samples.state), block(base.control_names(), &samples.control)];
    let outputs = base.outputs().len();
    blocks.extend(of_outputs(&samples, &mechanism.flat_outputs()[outputs..], outputs));
    (table(&samples.time, &blocks), samples.replay)
}

fn rows(values: &[Vec<f64>], first: usize) -> Vec<&[f64]> {
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

fn table(time: &[f64], blocks: &[CsvBlock<'_>]) -> String {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    let header = blocks.iter().flat_map(|(names, _)| names.iter().cloned());
    let header = std::iter::once("t".to_owned()).chain(header);
    let rows = time.iter().enumerate().map(|(row, time)| {
        let values = blocks.iter().flat_map(|(_, values)| values[row].iter());
        std::iter::once(time).chain(values).map(f64::to_string).collect()
    });
    for record in std::iter::once(header.collect::<Vec<String>>()).chain(rows) {
        // Writing to memory records of one length has no way to fail.
        let _ = writer.write_record(record);
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Reads t, q and, where they are given, qd: lines through positions, or cubics through positions
/// and velocities. Accelerations count where they fit these, because a column can hold only one of the two
/// that meet at a knot; efforts are passed over, because they follow.
pub(super) fn read(text: &str) -> Result<NamedTrajectory, InputError> {
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| malformed(&e))?.clone();
    let columns = Columns::find(&header).map_err(|e| e.at_line(1))?;
    let (mut points, mut told): (Vec<TrajectoryPoint>, _) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.map_err(|e| malformed(&e))?;
        let point = columns.point(&record)?;
        if points.last().is_some_and(|last| point.time <= last.time) {
            let message = "expected a greater time than in the row before";
            return Err(at(&record, InputError::new(message).for_key("t")));
        }
        points.push(point);
        told.push(columns.told(&record));
    }
    if points.len() < 2 {
        return Err(InputError::new("expected at least two rows of values"));
    }
    Ok(NamedTrajectory::of_points(columns.names, &points, &told))
}

fn malformed(error: &csv::Error) -> InputError {
    let message = InputError::new(excerpt(&error.to_string()));
    match error.position() {
        Some(position) => message.at_line(position.line() as usize),
        None => message,
    }
}

fn at(record: &StringRecord, error: InputError) -> InputError {
    match record.position() {
        Some(position) => error.at_line(position.line() as usize),
        None => error,
    }
}

/// Where in a row things stand.
struct Columns {
    names: Vec<String>,
    time: usize,
    position: Vec<usize>,
    velocity: Vec<usize>,
    acceleration: Vec<usize>,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, InputError> {
        let mut places = HashMap::with_capacity(header.len());
        // Of columns of one name the first.
        for (i, name) in header.iter().enumerate() {
            places.entry(name).or_insert(i);
        }
        let place = |name: &str| places.get(name).copied();
        let missing = |name: &str| InputError::new(format!("missing column \"{name}\""));
        let of = |prefix: &str, names: &[String]| -> Result<Vec<usize>, InputError> {
            let column = |name: &String| format!("{prefix}{name}");
            names.iter().map(column).map(|c| place(&c).ok_or_else(|| missing(&c))).collect()
        };
        let names: Vec<String> =
            header.iter().filter_map(|h| h.strip_prefix("q_")).map(str::to_owned).collect();
        if names.is_empty() {
            return Err(InputError::new("no column of positions; expected \"q_\" and the name of a joint"));
        }
        if let Some(name) = repeated(&names) {
            return Err(InputError::new(format!("two columns \"q_{name}\"")));
        }
        let moving = header.iter().any(|h| h.starts_with("qd_"));
        Ok(Self {
            time: place("t").ok_or_else(|| missing("t"))?,
            position: of("q_", &names)?,
            velocity: if moving { of("qd_", &names)? } else { Vec::new() },
            acceleration: of("qdd_", &names).unwrap_or_default(),
            names,
        })
    }

    /// The accelerations that a row tells of, all of them or none.
    fn told(&self, record: &StringRecord) -> Vec<f64> {
        let number = |&column: &usize| record.get(column)?.parse().ok().filter(|v: &f64| v.is_finite());
        self.acceleration.iter().map(number).collect::<Option<_>>().unwrap_or_default()
    }

    fn point(&self, record: &StringRecord) -> Result<TrajectoryPoint, InputError> {
        let number = |&column: &usize| {
            let text = record.get(column).unwrap_or_default();
            let number = text.parse().ok().filter(|v: &f64| v.is_finite());
            number.ok_or_else(|| {
                let found = excerpt(text);
                let error = InputError::new(format!("expected a finite number, found \"{found}\""));
                at(record, error.for_key(format!("column {}", column + 1)))
            })
        };
        let numbers = |columns: &[usize]| columns.iter().map(number).collect::<Result<_, _>>();
        Ok(TrajectoryPoint {
            time: number(&self.time)?,
            position: numbers(&self.position)?,
            velocity: numbers(&self.velocity)?,
            acceleration: Vec::new(),
        })
    }
}

//! Reads comma-separated values: ours, by the polynomials in them, and anybody's, by their points.

use super::csv_file::{DURATION, coefficient};
use super::named::{NamedTrajectory, repeated};
use super::points::TrajectoryPoint;
use crate::error::{InputError, excerpt};
use crate::trajectory::{MAX_DEGREE, Trajectory, derivative};
use csv::{ReaderBuilder, StringRecord};
use std::collections::HashMap;

/// How far the times of rows may be off the sum of the durations before, relative to the time where that is above 1 s.
const TIME_TOLERANCE: f64 = 1e-9;

/// How far positions in a row may be off the polynomials, rad or m, relative to values above 1: whoever changes only one of
/// them is told.
const POSITION_TOLERANCE: f64 = 1e-6;

/// Reads the polynomials where there are columns of them. Of other tables t, q and, where they are given, qd: lines through
/// positions, or cubics through positions and velocities.
pub(super) fn read(text: &str) -> Result<NamedTrajectory, InputError> {
    let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|e| malformed(&e))?.clone();
    let header = Header::new(&names);
    let rows = reader.records().map(|row| row.map_err(|e| malformed(&e)));
    match PieceColumns::find(&header).map_err(|e| e.at_line(1))? {
        Some(columns) => columns.read(rows),
        None => PointColumns::find(&header).map_err(|e| e.at_line(1))?.read(rows),
    }
}

fn malformed(error: &csv::Error) -> InputError {
    let message = InputError::new(excerpt(&error.to_string()));
    match error.position() {
        Some(position) => message.at_line(position.line() as usize),
        None => message,
    }
}

fn at(row: &StringRecord, error: InputError) -> InputError {
    match row.position() {
        Some(position) => error.at_line(position.line() as usize),
        None => error,
    }
}

fn number(row: &StringRecord, column: usize) -> Result<f64, InputError> {
    let text = row.get(column).unwrap_or_default();
    let number = text.parse().ok().filter(|v: &f64| v.is_finite());
    number.ok_or_else(|| {
        let error = InputError::new(format!("expected a finite number, found \"{}\"", excerpt(text)));
        at(row, error.for_key(format!("column {}", column + 1)))
    })
}

fn numbers(row: &StringRecord, columns: &[usize]) -> Result<Vec<f64>, InputError> {
    columns.iter().map(|&column| number(row, column)).collect()
}

/// Names of columns, and where they are; of columns of one name the first.
struct Header<'a> {
    names: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Header<'a> {
    fn new(record: &'a StringRecord) -> Self {
        let names: Vec<&str> = record.iter().collect();
        let mut places = HashMap::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            places.entry(*name).or_insert(i);
        }
        Self { names, places }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    fn require(&self, name: &str) -> Result<usize, InputError> {
        self.place(name).ok_or_else(|| InputError::new(format!("missing column \"{name}\"")))
    }

    /// What follows a prefix in the names that have it.
    fn after(&self, prefix: &str) -> Result<Vec<String>, InputError> {
        let names = self.names.iter().filter_map(|name| name.strip_prefix(prefix));
        let names: Vec<String> = names.map(str::to_owned).collect();
        match repeated(&names) {
            Some(name) => Err(InputError::new(format!("two columns \"{prefix}{name}\""))),
            None => Ok(names),
        }
    }
}

/// Where in a row polynomials stand.
struct PieceColumns {
    outputs: Vec<String>,
    degree: usize,
    time: usize,
    duration: usize,
    /// `[output][power]`.
    coefficients: Vec<usize>,
    /// Outputs whose positions stand there too, and where.
    positions: Vec<(usize, usize)>,
}

impl PieceColumns {
    fn find(header: &Header<'_>) -> Result<Option<Self>, InputError> {
        let Some(duration) = header.place(DURATION) else { return Ok(None) };
        let outputs = header.after("c0_")?;
        if outputs.is_empty() {
            return Ok(None);
        }
        let powers = (0..=MAX_DEGREE + 1)
            .take_while(|&k| outputs.iter().any(|o| header.place(&coefficient(k, o)).is_some()));
        let degree = powers.count() - 1;
        if degree > MAX_DEGREE {
            let message =
                format!("polynomials of a degree above {MAX_DEGREE}, which is the greatest that is read");
            return Err(InputError::new(message));
        }
        let columns = outputs.iter().flat_map(|output| (0..=degree).map(|k| coefficient(k, output)));
        let coefficients = columns.map(|name| header.require(&name)).collect::<Result<_, _>>()?;
        let position = |(i, output): (usize, &String)| Some((i, header.place(&format!("q_{output}"))?));
        let positions = outputs.iter().enumerate().filter_map(position).collect();
        Ok(Some(Self { degree, time: header.require("t")?, duration, coefficients, positions, outputs }))
    }

    fn read(
        self,
        rows: impl Iterator<Item = Result<StringRecord, InputError>>,
    ) -> Result<NamedTrajectory, InputError> {
        let mut trajectory = Trajectory::new(self.outputs.len(), self.degree);
        let mut last: Option<(f64, StringRecord)> = None;
        let mut told = Vec::new();
        for row in rows {
            let row = row?;
            let time = number(&row, self.time)?;
            if last.as_ref().is_some_and(|(last, _)| time < *last) {
                let message = "expected no lesser time than in the row before";
                return Err(at(&row, InputError::new(message).for_key("t")));
            }
            if row.get(self.duration).is_some_and(|cell| !cell.is_empty()) {
                self.expect_time(&row, time, trajectory.duration())?;
                trajectory.push(self.piece_duration(&row)?, &numbers(&row, &self.coefficients)?);
            }
            for &(output, column) in &self.positions {
                if row.get(column).is_some_and(|cell| !cell.is_empty()) {
                    let line = row.position().map_or(0, |position| position.line() as usize);
                    told.push((line, time, output, number(&row, column)?));
                }
            }
            last = Some((time, row));
        }
        let Some((time, row)) = last.filter(|_| !trajectory.is_empty()) else {
            return Err(InputError::new(format!("expected at least one row with a \"{DURATION}\"")));
        };
        if trajectory.len() > 1 && trajectory.segments().any(|segment| segment.duration == 0.0) {
            let message = "expected a greater number than zero in all rows, as there are several";
            return Err(InputError::new(message).for_key(DURATION));
        }
        self.expect_time(&row, time, trajectory.duration())?;
        self.compare(&trajectory, &told)?;
        Ok(NamedTrajectory::of_polynomials(self.outputs, trajectory))
    }

    fn piece_duration(&self, row: &StringRecord) -> Result<f64, InputError> {
        let duration = number(row, self.duration)?;
        if duration < 0.0 {
            let message = format!("expected a number of at least zero, found {duration}");
            return Err(at(row, InputError::new(message).for_key(DURATION)));
        }
        Ok(duration)
    }

    /// Polynomials follow each other, and the last row is their end.
    fn expect_time(&self, row: &StringRecord, time: f64, expected: f64) -> Result<(), InputError> {
        // Also where the sum is infinite.
        if (time - expected).abs() <= TIME_TOLERANCE * time.abs().max(1.0) {
            return Ok(());
        }
        let message = format!("expected {expected}, the sum of the durations before, found {time}");
        Err(at(row, InputError::new(message).for_key("t")))
    }

    /// Positions that were `told`, by line, time, output and value, are those of the polynomials.
    fn compare(&self, trajectory: &Trajectory, told: &[(usize, f64, usize, f64)]) -> Result<(), InputError> {
        for &(line, time, output, value) in told {
            let (segment, local) = trajectory.locate(time);
            let expected = derivative(trajectory.segment(segment).polynomial(output), 0, local);
            if (value - expected).abs() > POSITION_TOLERANCE * expected.abs().max(1.0) {
                let message = format!("expected {expected}, as the polynomials have it, found {value}");
                let key = format!("q_{}", self.outputs[output]);
                return Err(InputError::new(message).for_key(key).at_line(line));
            }
        }
        Ok(())
    }
}

/// Where in a row a point stands.
struct PointColumns {
    names: Vec<String>,
    time: usize,
    position: Vec<usize>,
    velocity: Vec<usize>,
}

impl PointColumns {
    fn find(header: &Header<'_>) -> Result<Self, InputError> {
        let names = header.after("q_")?;
        if names.is_empty() {
            return Err(InputError::new("no column of positions; expected \"q_\" and the name of a joint"));
        }
        let of = |prefix: &str| -> Result<Vec<usize>, InputError> {
            names.iter().map(|name| header.require(&format!("{prefix}{name}"))).collect()
        };
        let moving = header.names.iter().any(|name| name.starts_with("qd_"));
        Ok(Self {
            time: header.require("t")?,
            position: of("q_")?,
            velocity: if moving { of("qd_")? } else { Vec::new() },
            names,
        })
    }

    fn read(
        self,
        rows: impl Iterator<Item = Result<StringRecord, InputError>>,
    ) -> Result<NamedTrajectory, InputError> {
        let mut points: Vec<TrajectoryPoint> = Vec::new();
        for row in rows {
            let row = row?;
            let point = TrajectoryPoint {
                time: number(&row, self.time)?,
                position: numbers(&row, &self.position)?,
                velocity: numbers(&row, &self.velocity)?,
                acceleration: Vec::new(),
            };
            if points.last().is_some_and(|last| point.time <= last.time) {
                let message = "expected a greater time than in the row before";
                return Err(at(&row, InputError::new(message).for_key("t")));
            }
            points.push(point);
        }
        if points.len() < 2 {
            return Err(InputError::new("expected at least two rows of values"));
        }
        Ok(NamedTrajectory::of_points(self.names, &points))
    }
}

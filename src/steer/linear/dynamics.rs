//! A linear system as connections need it: its moments, how best durations are found, and its controls. Imports `graded`,
//! `table`, `moments` and `matrix`.

use super::graded::Graded;
use super::matrix::Matrix;
use super::moments::Moments;
use super::table::Table;

/// See above.
#[derive(Clone, Debug)]
pub(super) struct Dynamics {
    pub(super) moments: Moments,
    /// R^-1 B'.
    pub(super) gain: Matrix,
    pub(super) best: BestDuration,
}

/// How the best duration of a connection is found.
#[derive(Clone, Debug)]
pub(super) enum BestDuration {
    Graded(Graded),
    Table(Table),
}

impl Dynamics {
    /// Cost and duration of the cheapest connection, where it costs less than `below`.
    pub(super) fn cheapest(&self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        match &self.best {
            BestDuration::Graded(graded) => graded.cheapest(from, to, below),
            BestDuration::Table(table) => table.cheapest(&self.moments, from, to, below),
        }
    }
}

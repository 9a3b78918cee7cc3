//! Optimal steering of controllable linear systems x' = A x + B u + c under the cost of time and effort, the integral of
//! 1 + u' R u: the exact connection of two states, of the globally best duration. Imports `error`, `problem` and `trajectory`.
//!
//! Source: Webb and van den Berg, *Kinodynamic RRT\*: asymptotically optimal motion planning for robots with linear
//! dynamics*, ICRA 2013 (arXiv 1205.5088), sections IV and V. With the weighted controllability Gramian
//! G(t) = integral of e^(As) B R^-1 B' e^(A's) and the drift x(t) = e^(At) x0 + integral of e^(As) c, a connection that
//! takes t costs t + (x1 - x(t))' G(t)^-1 (x1 - x(t)). That is more than t, so that a search for the best duration may end
//! where t comes to the least cost found.
//!
//! Where the system is *graded*, that is made of integrators such that every state is so many integrations away from the
//! controls on every way (double integrators, a quadrotor linearised about hovering), entries of G(t) are powers of t and
//! the cost is a sum of powers of 1/t, of which all minima are found. Of others G is tabulated once, over durations each a
//! few per cent longer than the one before, and minima are bracketed there.

mod connection;
mod dynamics;
mod graded;
mod matrix;
mod moments;
mod table;
#[cfg(test)]
mod tests;

pub use connection::Connection;

use crate::error::InvalidValue;
use crate::problem::{MAX_CONTROLS, MAX_STATES, numbers, shape};
use crate::trajectory::Trajectory;
use dynamics::{BestDuration, Dynamics};
use graded::Graded;
use matrix::{Factor, Matrix};
use moments::Moments;
use table::Table;

/// A controllable linear system x' = A x + B u + c, and what its controls cost: the integral of u' R u, beside time.
#[derive(Clone, Debug)]
pub struct LinearSystem {
    a: Matrix,
    b: Matrix,
    c: Vec<f64>,
    integrators: Vec<(usize, usize)>,
    dynamics: Dynamics,
}

impl LinearSystem {
    /// The system of these matrices, given row by row: A is n by n, B n by m, c has n numbers, R is m by m, symmetric and
    /// positive definite.
    ///
    /// ```
    /// use flatout::steer::LinearSystem;
    ///
    /// # fn main() -> Result<(), flatout::error::InvalidValue> {
    /// // A point on a line: its position and its velocity, which the control changes.
    /// let point = LinearSystem::new(
    ///     &[vec![0.0, 1.0], vec![0.0, 0.0]], &[vec![0.0], vec![1.0]], &[0.0, 0.0], &[vec![1.0]],
    /// )?;
    /// let connection = point.connect(&[0.0, 0.0], &[1.0, 1.0], f64::INFINITY).expect("a controllable system");
    /// assert!((connection.duration - (7.0_f64.sqrt() - 1.0)).abs() < 1e-12);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Where shapes do not fit, a number is not finite, R is not symmetric and positive definite, or the system is not
    /// controllable.
    pub fn new(a: &[Vec<f64>], b: &[Vec<f64>], c: &[f64], r: &[Vec<f64>]) -> Result<Self, InvalidValue> {
        let (n, m) = (c.len(), b.first().map_or(0, Vec::len));
        if !(1..=MAX_STATES).contains(&n) {
            return Err(InvalidValue::new("c", n, format!("1 to {MAX_STATES} numbers, one for each state")));
        }
        if !(1..=MAX_CONTROLS).contains(&m) {
            let expected = format!("{n} rows of 1 to {MAX_CONTROLS} numbers, one for each control");
            return Err(InvalidValue::new("B", format!("{} rows, one of {m} numbers", b.len()), expected));
        }
        let [a, b, r] = [("A", a, [n, n]), ("B", b, [n, m]), ("R", r, [m, m])]
            .map(|(name, rows, size)| shape(name, rows, size).map(|()| Matrix::of_rows(rows)));
        let (a, b, r) = (a?, b?, r?);
        numbers("c", c, n, "state")?;
        if r.plus(&r.transposed(), -1.0).norm() > SYMMETRY * r.norm() {
            return Err(InvalidValue::new("R", "another one across its diagonal", "a symmetric matrix"));
        }
        let factor = Factor::find(&r).map_err(|i| {
            let found = format!("one that is not in its first {} rows and columns", i + 1);
            InvalidValue::new("R", found, "a symmetric, positive definite matrix")
        })?;
        let gain = factor.inverse().times(&b.transposed());
        let moments = Moments::new(a.clone(), b.times(&gain), c.to_vec());
        // Over its own time scale a controllable system's Gramian is well conditioned.
        Factor::find(&moments.at(moments.time_scale()).gramian).map_err(|i| {
            let found = format!("controls that do not move state {i} (from 0) apart from the states before it");
            InvalidValue::new("B", found, "controls that, with A, reach every state")
        })?;
        let best = match Graded::new(&a, &b, c, &moments) {
            Some(graded) => BestDuration::Graded(graded),
            None => BestDuration::Table(Table::new(&moments)),
        };
        let integrators = integrators(&a, &b, c);
        Ok(Self { a, b, c: c.to_vec(), integrators, dynamics: Dynamics { moments, gain, best } })
    }

    /// Number of states, n.
    pub fn states(&self) -> usize {
        self.c.len()
    }

    /// Number of controls, m.
    pub fn controls(&self) -> usize {
        self.b.columns()
    }

    /// Whether motions are polynomials of time: A is nilpotent.
    pub fn is_nilpotent(&self) -> bool {
        self.dynamics.moments.is_nilpotent()
    }

    /// State and control at a time of a connection, seconds from its start.
    pub fn at(&self, connection: &Connection, t: f64) -> [Vec<f64>; 2] {
        connection.at(&self.dynamics, t)
    }

    /// The controls at the start and at the end of a connection.
    pub fn end_controls(&self, connection: &Connection) -> [Vec<f64>; 2] {
        connection.end_controls(&self.dynamics)
    }

    /// The motion of a connection as polynomials of time: of each state, then of each control.
    pub fn motion(&self, connection: &Connection) -> Trajectory {
        connection.trajectory(&self.dynamics)
    }

    /// Pairs of states of which the first is the integral of the second, and of nothing else.
    pub fn integrators(&self) -> &[(usize, usize)] {
        &self.integrators
    }

    /// The cost for less than which the states that are reached fill this volume, in the product of the states' units:
    /// of one state, at the duration at which they fill the most (Schmerling, Janson and Pavone, *Optimal sampling-based
    /// motion planning under differential constraints: the drift case with linear affine dynamics*, CDC 2015).
    pub fn cost_to_reach(&self, volume: f64) -> f64 {
        let (mut least, mut most) = (0.0, self.dynamics.moments.time_scale());
        while self.reached(most) < volume && most < f64::MAX {
            (least, most) = (most, 2.0 * most);
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (least + most);
            if self.reached(middle) < volume { least = middle } else { most = middle }
        }
        most
    }

    /// The volume that is reached for less than a cost in the duration, of some, in which that is the most: an ellipsoid
    /// z' G(t)^-1 z < cost - t.
    fn reached(&self, cost: f64) -> f64 {
        let n = self.states();
        let volume = |share: f64| {
            let factor = Factor::of(&self.dynamics.moments.at(share * cost).gramian);
            let root = factor.map_or(0.0, |factor| factor.root_of_determinant());
            root * ball(n) * ((1.0 - share) * cost).powf(0.5 * n as f64)
        };
        (1..SHARES).map(|k| volume(f64::from(k) / f64::from(SHARES))).fold(0.0, f64::max)
    }

    /// The derivative of a state under a control: A x + B u + c.
    pub fn rates(&self, state: &[f64], control: &[f64]) -> Vec<f64> {
        let (drift, driven) = (self.a.apply(state), self.b.apply(control));
        drift.iter().zip(driven).zip(&self.c).map(|((a, b), c)| a + b + c).collect()
    }

    /// Cost and duration of the cheapest connection from `from` to `to`, where it costs less than `below`.
    pub fn cheapest(&self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        self.dynamics.cheapest(from, to, below)
    }

    /// The cheapest connection from `from` to `to`, where it costs less than `below`. From a state to itself it may take no
    /// time and cost nothing.
    pub fn connect(&self, from: &[f64], to: &[f64], below: f64) -> Option<Connection> {
        let [_, duration] = self.cheapest(from, to, below)?;
        Connection::new(&self.dynamics, from, to, duration)
    }

    /// The cheapest connection that takes this long, seconds.
    pub fn connect_in(&self, duration: f64, from: &[f64], to: &[f64]) -> Option<Connection> {
        Connection::new(&self.dynamics, from, to, duration)
    }
}

/// A cost is known to 1e-4 of itself after so many halvings, of which a radius needs no more.
const HALVINGS: usize = 14;

/// Durations, as shares of a cost, of which the one is looked for in which the most is reached.
const SHARES: u32 = 16;

/// The volume of the unit ball in so many dimensions.
fn ball(dimensions: usize) -> f64 {
    match dimensions {
        0 => 1.0,
        1 => 2.0,
        d => std::f64::consts::TAU / d as f64 * ball(d - 2),
    }
}

/// The pairs of [`LinearSystem::integrators`].
fn integrators(a: &Matrix, b: &Matrix, c: &[f64]) -> Vec<(usize, usize)> {
    let only = |i: usize| {
        let mut others = a.row(i).iter().enumerate().filter(|(_, v)| **v != 0.0);
        let (rate, _) = others.next().filter(|(_, v)| **v == 1.0)?;
        let is_alone = others.next().is_none() && c[i] == 0.0 && b.row(i).iter().all(|v| *v == 0.0);
        is_alone.then_some((i, rate))
    };
    (0..a.rows()).filter_map(only).collect()
}

/// R may be asymmetric by this share, which is rounding.
const SYMMETRY: f64 = 1e-12;

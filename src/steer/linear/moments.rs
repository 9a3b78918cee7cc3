//! The transition matrix, the drift and the Gramian of a linear system over a time. Imports `matrix` and
//! `trajectory`.

use super::matrix::{Factor, Matrix, dot};
use crate::trajectory::MAX_DEGREE;

/// What a linear system comes to over a time t.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// e^(At).
    pub(super) transition: Matrix,
    /// The integral of e^(As) c over the time.
    pub(super) drift: Vec<f64>,
    /// The integral of e^(As) Q e^(A's) over the time.
    pub(super) gramian: Matrix,
}

impl Moment {
    /// By how much the system that starts at `from` and is not controlled misses `to`.
    pub(super) fn missed(&self, from: &[f64], to: &[f64]) -> Vec<f64> {
        let drifted = self.transition.apply(from);
        to.iter().zip(drifted).zip(&self.drift).map(|((to, x), d)| to - x - d).collect()
    }

    /// Over twice the time.
    fn doubled(self) -> Self {
        let e = &self.transition;
        let gramian = self.gramian.plus(&e.times(&self.gramian).times(&e.transposed()), 1.0);
        let drift = self.drift.iter().zip(e.apply(&self.drift)).map(|(d, ed)| d + ed).collect();
        Self { transition: e.times(e), drift, gramian }
    }
}

/// Makes them, for x' = A x + B u + c with Q = B R^-1 B'.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    a: Matrix,
    q: Matrix,
    c: Vec<f64>,
    /// The least power of A that is zero, where there is one.
    nilpotency: Option<usize>,
    terms: Vec<Term>,
}

/// Series are taken of times so short that |A| t is no more than this: their terms fall quickly then.
const SHORT: f64 = 0.5;

/// Terms of the series after which those of a short time are below rounding.
const TERMS: usize = 24;

impl Moments {
    pub(super) fn new(a: Matrix, q: Matrix, c: Vec<f64>) -> Self {
        let size = a.rows();
        let mut power = Matrix::identity(size);
        let is_zero = |matrix: &Matrix| matrix.values().iter().all(|v| *v == 0.0);
        let mut next = || {
            power = power.times(&a);
            is_zero(&power)
        };
        let nilpotency = (1..=size).find(|_| next());
        let terms = terms(&a, &q, &c, nilpotency.map_or(TERMS, |power| 2 * power));
        Self { a, q, c, nilpotency, terms }
    }

    pub(super) fn a(&self) -> &Matrix {
        &self.a
    }

    pub(super) fn q(&self) -> &Matrix {
        &self.q
    }

    pub(super) fn c(&self) -> &[f64] {
        &self.c
    }

    /// A time over which the system changes its states about as much as they are.
    pub(super) fn time_scale(&self) -> f64 {
        let norm = self.a.norm();
        if norm > 0.0 { norm.recip() } else { 1.0 }
    }

    pub(super) fn is_nilpotent(&self) -> bool {
        self.nilpotency.is_some()
    }

    /// Cost of the cheapest connection that takes this long, and its derivative by the duration; `None` where the Gramian
    /// has no inverse in `f64`.
    pub(super) fn cost_in(&self, duration: f64, from: &[f64], to: &[f64]) -> Option<[f64; 2]> {
        let moment = self.at(duration);
        let factor = Factor::of(&moment.gramian)?;
        Some(self.cost_of(duration, &moment.missed(from, to), &factor, to))
    }

    /// The same of what the drift misses the goal by, with the Gramian's factor.
    pub(super) fn cost_of(&self, duration: f64, missed: &[f64], factor: &Factor, to: &[f64]) -> [f64; 2] {
        let mut d = missed.to_vec();
        factor.solve(&mut d);
        let drift = self.a.apply(to).iter().zip(&self.c).map(|(a, c)| a + c).collect::<Vec<f64>>();
        let driven = self.q.apply(&d);
        [duration + dot(missed, &d), 1.0 - 2.0 * dot(&drift, &d) - dot(&d, &driven)]
    }

    /// Of a time t >= 0, seconds: by their series, which are finite where A is nilpotent; else over a fraction of t, and
    /// then doubled (G(2t) = G(t) + e^(At) G(t) e^(A't)).
    pub(super) fn at(&self, t: f64) -> Moment {
        if self.nilpotency.is_some() {
            return self.series(t);
        }
        let halvings = (self.a.norm() * t / SHORT).log2().ceil().max(0.0) as i32;
        let mut moment = self.series(t * 0.5_f64.powi(halvings));
        (0..halvings).for_each(|_| moment = moment.clone().doubled());
        moment
    }

    /// e^(-At).
    pub(super) fn back(&self, t: f64) -> Matrix {
        let reversed = Self::new(self.a.scaled(-1.0), self.q.clone(), self.c.clone());
        reversed.at(t).transition
    }

    /// The degree of motions that are polynomials of time, where they are and may be written so: states are driven by
    /// costates, polynomials of a degree one below the nilpotency, through as many integrations.
    pub(super) fn polynomial_degree(&self) -> Option<usize> {
        self.nilpotency.map(|power| 2 * power - 1).filter(|&degree| degree <= MAX_DEGREE)
    }

    fn series(&self, t: f64) -> Moment {
        let size = self.a.rows();
        let mut moment = Moment {
            transition: Matrix::identity(size),
            drift: vec![0.0; size],
            gramian: Matrix::zeros(size, size),
        };
        let mut power = 1.0;
        for Term { transition, drift, gramian } in &self.terms {
            power *= t;
            moment.transition.add(transition, power);
            moment.gramian.add(gramian, power);
            moment.drift.iter_mut().zip(drift).for_each(|(sum, d)| *sum += d * power);
        }
        moment
    }
}

/// What stands in the series by a power of time.
#[derive(Clone, Debug)]
struct Term {
    transition: Matrix,
    drift: Vec<f64>,
    gramian: Matrix,
}

/// The terms of the series, from the first power on: A^k / k!, A^(k-1) c / k!, and the (k-1)th derivative of
/// e^(As) Q e^(A's) at zero over k!.
fn terms(a: &Matrix, q: &Matrix, c: &[f64], count: usize) -> Vec<Term> {
    let mut transition = Matrix::identity(a.rows());
    let mut gramian = q.clone();
    let mut all = Vec::new();
    for k in 1..=count {
        let inverse = (k as f64).recip();
        let drift = transition.apply(c).iter().map(|d| d * inverse).collect();
        transition = a.times(&transition).scaled(inverse);
        if k > 1 {
            let left = a.times(&gramian);
            gramian = left.plus(&left.transposed(), 1.0).scaled(inverse);
        }
        all.push(Term { transition: transition.clone(), drift, gramian: gramian.clone() });
    }
    all
}

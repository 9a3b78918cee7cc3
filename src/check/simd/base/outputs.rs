//! Flat outputs of an edge in lanes, and what maps of several kinds have in common.

use super::super::super::packed::Edge;
use super::super::moment::Moment;
use crate::vector::{Row32, Simd32, Vector};

/// The flat outputs of an edge at the times of a block.
pub(super) struct Outputs<'a, S: Simd32, const TERMS: usize> {
    edge: &'a Edge<'a>,
    moment: &'a Moment<S>,
    /// How many there are.
    dof: usize,
}

impl<'a, S: Simd32, const TERMS: usize> Outputs<'a, S, TERMS> {
    #[inline(always)]
    pub(super) fn new(edge: &'a Edge<'a>, moment: &'a Moment<S>, dof: usize) -> Self {
        Self { edge, moment, dof }
    }

    #[inline(always)]
    pub(super) fn coefficients(&self, s: S, output: usize) -> [S::F; TERMS] {
        self.moment.coefficients(s, self.edge, output, self.dof)
    }

    /// Derivatives 0 to N - 1 of one output: Horner's scheme for all of them at once.
    #[inline(always)]
    pub(super) fn derivatives<const N: usize>(&self, s: S, output: usize) -> [S::F; N] {
        let c = self.coefficients(s, output);
        let t = self.moment.local;
        let mut d = [s.splat(0.0); N];
        d[0] = c[TERMS - 1];
        for power in (0..TERMS - 1).rev() {
            // Those of higher orders are still none.
            let highest = TERMS - 1 - power;
            for order in (1..N).rev() {
                if order < highest {
                    d[order] = d[order].mul_add(t, d[order - 1]);
                } else if order == highest {
                    d[order] = d[order - 1];
                }
            }
            d[0] = d[0].mul_add(t, c[power]);
        }
        let mut factorial = 1.0;
        for (order, d) in d.iter_mut().enumerate().skip(2) {
            factorial *= order as f32;
            *d = *d * s.splat(factorial);
        }
        d
    }
}

/// A value with its first two derivatives.
pub(super) type JetLanes<F> = [F; 3];

/// The derivatives of orders 2 to 4 of five.
#[inline(always)]
pub(super) fn acceleration<F: Vector>([_, _, a, j, k]: [F; 5]) -> JetLanes<F> {
    [a, j, k]
}

#[inline(always)]
pub(super) fn plus<S: Simd32>(s: S, [x, xd, xdd]: JetLanes<S::F>, constant: f32) -> JetLanes<S::F> {
    [x + s.splat(constant), xd, xdd]
}

/// a b + c d
#[inline(always)]
pub(super) fn sum_of_products<F: Vector>(a: F, b: F, c: F, d: F) -> F {
    a.mul_add(b, c * d)
}

/// a b - c d
#[inline(always)]
pub(super) fn difference_of_products<F: Vector>(a: F, b: F, c: F, d: F) -> F {
    c.neg_mul_add(d, a * b)
}

/// The first two derivatives of the direction of (x, y), given its squared length.
#[inline(always)]
pub(super) fn direction_rates<F: Vector<Number = f32>>(
    y: &JetLanes<F>,
    x: &JetLanes<F>,
    square: F,
) -> [F; 2] {
    let (half_square_rate, inverse) = (sum_of_products(x[0], x[1], y[0], y[1]), square.like(1.0) / square);
    let first = difference_of_products(x[0], y[1], y[0], x[1]) * inverse;
    let cross = difference_of_products(x[0], y[2], y[0], x[2]);
    let second = (first + first).neg_mul_add(half_square_rate, cross);
    [first, second * inverse]
}

/// (x, y) turned by an angle the other way.
#[inline(always)]
pub(super) fn turn_back<F: Vector>(sin: F, cos: F, x: F, y: F) -> (F, F) {
    (sum_of_products(x, cos, y, sin), difference_of_products(y, cos, x, sin))
}

#[inline(always)]
pub(super) fn store<V: Vector<Number = f32>, const N: usize>(rows: &mut [Row32], values: &[V; N]) {
    for (row, &value) in rows.iter_mut().zip(values) {
        value.store(row);
    }
}

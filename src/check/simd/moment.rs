//! Polynomials at the times of a block.

use super::super::packed::{Edge, coefficient_stride};
use super::scratch::Scratch;
use crate::vector::{Simd32, Vector};

/// Where each lane is on an edge: as `Edge::locate`.
pub(super) struct Moment<S: Simd32> {
    /// Time since its segment began.
    pub(super) local: S::F,
    /// The number of that segment.
    number: S::F,
}

impl<S: Simd32> Moment<S> {
    #[inline(always)]
    pub(super) fn new(s: S, edge: &Edge<'_>, time: S::F) -> Self {
        let (mut local, mut number) = (time, s.splat(0.0));
        let mut begin = 0.0;
        for (segment, &duration) in edge.durations[..edge.durations.len() - 1].iter().enumerate() {
            let later = s.splat(duration).lt(time - s.splat(begin));
            begin += duration;
            local = (time - s.splat(begin)).pick(later, local);
            number = s.splat((segment + 1) as f32).pick(later, number);
        }
        Self { local, number }
    }

    /// The polynomial of one of `dof` outputs.
    #[inline(always)]
    pub(super) fn coefficients<const TERMS: usize>(
        &self,
        s: S,
        edge: &Edge<'_>,
        output: usize,
        dof: usize,
    ) -> [S::F; TERMS] {
        let stride = const { coefficient_stride(TERMS - 1) };
        let polynomial = |segment: usize| &edge.coefficients[(segment * dof + output) * stride..];
        let mut c = [s.splat(0.0); TERMS];
        for (c, &x) in c.iter_mut().zip(polynomial(0)) {
            *c = s.splat(x);
        }
        // A segment's coefficients take the place of the one's before it in all lanes that are past it.
        for segment in 1..edge.durations.len() {
            let reached = s.splat(segment as f32).le(self.number);
            for (c, &x) in c.iter_mut().zip(polynomial(segment)) {
                *c = s.splat(x).pick(reached, *c);
            }
        }
        c
    }
}

/// Value, first and second derivative of one output (Horner).
#[inline(always)]
pub(super) fn polynomial_at<S: Simd32, const TERMS: usize>(
    s: S,
    c: &[S::F; TERMS],
    t: S::F,
    output: usize,
    scratch: &mut Scratch,
) {
    let [position, velocity, acceleration] = &mut scratch.flat;
    let mut y = c[TERMS - 1];
    let mut yd = y * s.splat((TERMS - 1) as f32);
    let mut ydd = yd * s.splat((TERMS - 2) as f32);
    for power in (2..TERMS - 1).rev() {
        let slope = c[power] * s.splat(power as f32);
        y = y.mul_add(t, c[power]);
        yd = yd.mul_add(t, slope);
        ydd = ydd.mul_add(t, slope * s.splat((power - 1) as f32));
    }
    yd = yd.mul_add(t, c[1]);
    y = y.mul_add(t, c[1]).mul_add(t, c[0]);
    y.store(&mut position[output]);
    yd.store(&mut velocity[output]);
    ydd.store(&mut acceleration[output]);
}

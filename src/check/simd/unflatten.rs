//! Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives.

use super::super::packed::{Edge, Packed, StateBatch, coefficient_stride};
use super::Scratch;
use crate::lanes::{Lane, MAX_LANES, Rows, Simd};

/// Evaluates an edge at the times of `scratch.time`, which ascend.
#[inline(always)]
pub(super) fn edge<S: Simd>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    match edge.degree {
        3 => edge_of::<S, 4>(s, packed, edge, scratch),
        5 => edge_of::<S, 6>(s, packed, edge, scratch),
        _ => edge_of::<S, 8>(s, packed, edge, scratch),
    }
}

/// The same for polynomials of `TERMS` terms.
#[inline(always)]
fn edge_of<S: Simd, const TERMS: usize>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    let stride = const { coefficient_stride(TERMS - 1) };
    let mut c = [s.splat(0.0); TERMS];
    if edge.durations.len() == 1 {
        let t = s.load(&scratch.time);
        for (output, polynomial) in edge.coefficients.chunks_exact(stride).enumerate() {
            for (c, &number) in c.iter_mut().zip(polynomial) {
                *c = s.splat(number);
            }
            polynomial_at(s, &c, t, output, scratch);
        }
        return;
    }
    // Every lane looks up its own polynomials.
    let (mut local, mut segments) = (Lane::ZERO, [0; MAX_LANES]);
    let mut at = edge.locate_from((0, 0.0), scratch.time.0[0]);
    for ((&time, local), segment) in scratch.time.0.iter().zip(&mut local.0).zip(&mut segments).take(S::LANES)
    {
        at = edge.locate_from(at, time);
        *segment = at.0 as u32;
        *local = (time - at.1).min(edge.durations[at.0]);
    }
    let rows = Rows::new(edge.coefficients, packed.dof() * stride, &segments);
    let t = s.load(&local);
    for output in 0..packed.dof() {
        for (power, c) in c.iter_mut().enumerate() {
            *c = s.gather(&rows, output * stride + power);
        }
        polynomial_at(s, &c, t, output, scratch);
    }
}

/// Value, first and second derivative of one output (Horner).
#[inline(always)]
fn polynomial_at<S: Simd, const TERMS: usize>(
    s: S,
    c: &[S::F; TERMS],
    t: S::F,
    output: usize,
    scratch: &mut Scratch,
) {
    let [position, velocity, acceleration] = &mut scratch.flat;
    let mut y = c[TERMS - 1];
    let mut yd = s.mul(y, s.splat((TERMS - 1) as f32));
    let mut ydd = s.mul(yd, s.splat((TERMS - 2) as f32));
    for power in (2..TERMS - 1).rev() {
        let slope = s.mul(c[power], s.splat(power as f32));
        y = s.mul_add(y, t, c[power]);
        yd = s.mul_add(yd, t, slope);
        ydd = s.mul_add(ydd, t, s.mul(slope, s.splat((power - 1) as f32)));
    }
    yd = s.mul_add(yd, t, c[1]);
    y = s.mul_add(s.mul_add(y, t, c[1]), t, c[0]);
    s.store(&mut position[output], y);
    s.store(&mut velocity[output], yd);
    s.store(&mut acceleration[output], ydd);
}

/// Spreads `count` states over the lanes; further lanes repeat the first of them.
#[inline(always)]
pub(super) fn states<S: Simd>(states: &StateBatch, first: usize, count: usize, scratch: &mut Scratch) {
    for lane in 0..S::LANES {
        let state = if lane < count { first + lane } else { first };
        for (derivative, lanes) in scratch.flat.iter_mut().enumerate() {
            for (output, &value) in lanes.iter_mut().zip(states.get(state, derivative)) {
                output.0[lane] = value;
            }
        }
    }
}

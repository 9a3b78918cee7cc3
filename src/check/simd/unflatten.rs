//! Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives.

use super::super::packed::{COEFFICIENTS, Edge, Packed, StateBatch};
use super::Scratch;
use super::lanes::Simd;

/// Evaluates an edge at the times of `scratch.time`.
#[inline(always)]
pub(super) fn edge<S: Simd>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    if edge.durations.len() == 1 {
        one_segment(s, packed, edge, scratch);
    } else {
        many_segments::<S>(packed, edge, scratch);
    }
}

/// All lanes share their polynomials.
#[inline(always)]
fn one_segment<S: Simd>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    let t = s.load(&scratch.time);
    let [position, velocity, acceleration] = &mut scratch.flat;
    for output in 0..packed.dof() {
        let [c0, c1, c2, c3] = edge.polynomial(0, output, packed.dof());
        let (c0, c1, c2, c3) = (s.splat(c0), s.splat(c1), s.splat(c2), s.splat(c3));
        let y = s.mul_add(s.mul_add(s.mul_add(c3, t, c2), t, c1), t, c0);
        let (c2, c3) = (s.add(c2, c2), s.mul(c3, s.splat(3.0)));
        let yd = s.mul_add(s.mul_add(c3, t, c2), t, c1);
        let ydd = s.mul_add(s.add(c3, c3), t, c2);
        s.store(&mut position[output], y);
        s.store(&mut velocity[output], yd);
        s.store(&mut acceleration[output], ydd);
    }
}

/// Every lane looks up its own polynomials.
#[inline(always)]
fn many_segments<S: Simd>(packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    let [position, velocity, acceleration] = &mut scratch.flat;
    for lane in 0..S::LANES {
        let (segment, t) = edge.locate(scratch.time.0[lane]);
        let cubics = &edge.coefficients[segment * packed.dof() * COEFFICIENTS..];
        for (output, c) in cubics.chunks_exact(COEFFICIENTS).take(packed.dof()).enumerate() {
            position[output].0[lane] = ((c[3] * t + c[2]) * t + c[1]) * t + c[0];
            velocity[output].0[lane] = (3.0 * c[3] * t + 2.0 * c[2]) * t + c[1];
            acceleration[output].0[lane] = 6.0 * c[3] * t + 2.0 * c[2];
        }
    }
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

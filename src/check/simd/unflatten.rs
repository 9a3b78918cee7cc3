//! Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives.

use super::super::packed::{COEFFICIENTS, Edge, Packed, StateBatch};
use super::Scratch;
use super::lanes::{Lane, MAX_LANES, Rows, Simd};

/// Evaluates an edge at the times of `scratch.time`, which ascend.
#[inline(always)]
pub(super) fn edge<S: Simd>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    let stride = packed.dof() * COEFFICIENTS;
    if edge.durations.len() == 1 {
        let t = s.load(&scratch.time);
        for output in 0..packed.dof() {
            let [c0, c1, c2, c3] = edge.polynomial(0, output, packed.dof());
            cubic(s, [s.splat(c0), s.splat(c1), s.splat(c2), s.splat(c3)], t, output, scratch);
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
    let rows = Rows::new(edge.coefficients, stride, &segments);
    let t = s.load(&local);
    for output in 0..packed.dof() {
        let first = output * COEFFICIENTS;
        let c = [
            s.gather(&rows, first),
            s.gather(&rows, first + 1),
            s.gather(&rows, first + 2),
            s.gather(&rows, first + 3),
        ];
        cubic(s, c, t, output, scratch);
    }
}

/// Value, first and second derivative of one output.
#[inline(always)]
fn cubic<S: Simd>(
    s: S,
    [c0, c1, c2, c3]: [S::F; COEFFICIENTS],
    t: S::F,
    output: usize,
    scratch: &mut Scratch,
) {
    let [position, velocity, acceleration] = &mut scratch.flat;
    let y = s.mul_add(s.mul_add(s.mul_add(c3, t, c2), t, c1), t, c0);
    let (c2, c3) = (s.add(c2, c2), s.mul(c3, s.splat(3.0)));
    let yd = s.mul_add(s.mul_add(c3, t, c2), t, c1);
    let ydd = s.mul_add(s.add(c3, c3), t, c2);
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

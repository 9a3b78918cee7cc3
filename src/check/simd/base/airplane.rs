//! An airplane in lanes: the map of `base::airplane`.

use super::super::scratch::Scratch;
use super::outputs::{Outputs, store, sum_of_products};
use crate::vector::{Simd32, Vector, atan2};

#[inline(always)]
pub(super) fn airplane<S: Simd32, const TERMS: usize>(
    s: S,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<2>(s, 0), outputs.derivatives::<2>(s, 1)];
    let z = outputs.derivatives::<2>(s, 2);
    let level = sum_of_products(x[1], x[1], y[1], y[1]).sqrt();
    let stands = level.max(z[1].abs()).le(s.splat(0.0));
    let way = s.splat(0.0).pick(stands, s.splat(1.0));
    let pitch_tangent = z[1] / level.max(s.splat(f32::MIN_POSITIVE));
    store(&mut scratch.bounded, &[way, pitch_tangent]);
    let (yaw, pitch) = (atan2(s, y[1], x[1]), atan2(s, z[1], level));
    store(&mut scratch.flat[0], &[x[0], y[0], z[0], yaw, pitch]);
}

//! A base that drives in any direction in lanes: the map of `base::omnidirectional`.

use super::super::super::packed::base::PackedBase;
use super::super::scratch::Scratch;
use super::outputs::{Outputs, store, sum_of_products, turn_back};
use crate::vector::{Simd32, Vector, sin_cos};

#[inline(always)]
pub(super) fn omnidirectional<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<3>(s, 0), outputs.derivatives::<3>(s, 1)];
    let theta = outputs.derivatives::<3>(s, 2);
    let (sin, cos) = sin_cos(s, theta[0]);
    let (u, v) = turn_back(sin, cos, x[1], y[1]);
    let (ahead, left) = turn_back(sin, cos, x[2], y[2]);
    let mut bounded = [u, v, theta[1], ahead, left, theta[2], u, u, u, u];
    for (wheel, mixer) in bounded[6..].iter_mut().zip(&base.mixer) {
        let [ahead, aside, turn, _] = *mixer;
        *wheel = s.splat(ahead).mul_add(u, sum_of_products(s.splat(aside), v, s.splat(turn), theta[1]));
    }
    store(&mut scratch.bounded, &bounded);
    store(&mut scratch.flat[0], &[x[0], y[0], theta[0]]);
}

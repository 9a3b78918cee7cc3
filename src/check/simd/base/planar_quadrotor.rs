//! A quadrotor in a vertical plane in lanes: the map of `base::planar_quadrotor`.

use super::super::super::packed::base::PackedBase;
use super::super::scratch::Scratch;
use super::outputs::{Outputs, acceleration, direction_rates, plus, store, sum_of_products};
use crate::vector::{Simd32, Vector, atan2};

#[inline(always)]
pub(super) fn planar_quadrotor<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    gravity: f32,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, z] = [outputs.derivatives::<5>(s, 0), outputs.derivatives::<5>(s, 1)];
    let (forward, up) = (acceleration(x), plus(s, acceleration(z), gravity));
    let backward = [s.splat(0.0) - forward[0], s.splat(0.0) - forward[1], s.splat(0.0) - forward[2]];
    let square = sum_of_products(forward[0], forward[0], up[0], up[0]);
    let [rate, turn] = direction_rates(&backward, &up, square);
    let force = square.sqrt();
    let mut bounded = [x[1], z[1], rate, force, force];
    for (control, mixer) in bounded[3..].iter_mut().zip(&base.mixer) {
        *control = sum_of_products(force, s.splat(mixer[0]), turn, s.splat(mixer[1]));
    }
    store(&mut scratch.bounded, &bounded);
    store(&mut scratch.flat[0], &[x[0], z[0], atan2(s, backward[0], up[0])]);
}

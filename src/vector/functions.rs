//! Functions of vectors of `f32`.

use super::traits::*;

/// Sine and cosine, absolute error below 2.5e-7 for |x| up to 1e3: Cody and Waite's reduction by
/// multiples of pi in three parts, then minimax polynomials over half a turn (our own fit, by Lawson's
/// algorithm). Half turns rather than quarters: two coefficients more, but no swap of sine and cosine.
#[inline(always)]
pub fn sin_cos<S: Simd32>(s: S, x: S::F) -> (S::F, S::F) {
    let halves = (x * s.splat(std::f32::consts::FRAC_1_PI)).round();
    let mut r = halves.neg_mul_add(s.splat(3.140_625), x);
    r = halves.neg_mul_add(s.splat(9.675_026e-4), r);
    r = halves.neg_mul_add(s.splat(1.509_958e-7), r);
    // -1, 0 or 1 for a whole number, 0 where it is even; the sign is -1 where it is not.
    let odd = (halves * s.splat(0.5)).round().neg_mul_add(s.splat(2.0), halves);
    let sign = (odd * odd).neg_mul_add(s.splat(2.0), s.splat(1.0));
    let r2 = r * r;
    let mut sin = s.splat(2.599_903_6e-6).mul_add(r2, s.splat(-1.980_654_7e-4));
    sin = sin.mul_add(r2, s.splat(8.333_016e-3));
    sin = sin.mul_add(r2, s.splat(-1.666_665_7e-1));
    sin = (r * r2).mul_add(sin, r);
    let mut cos = s.splat(2.319_283_2e-5).mul_add(r2, s.splat(-1.385_586_3e-3));
    cos = cos.mul_add(r2, s.splat(4.166_398e-2));
    cos = cos.mul_add(r2, s.splat(-4.999_993e-1));
    cos = cos.mul_add(r2, s.splat(1.0));
    (sin * sign, cos * sign)
}

/// Direction of (x, y) from the x axis, in [-pi, pi], absolute error below 4e-7: the arc tangent of the
/// lesser by the greater magnitude by a minimax polynomial (our own fit, by Remez' algorithm, error
/// 5e-8), then reflections. 0 where both are zero, and not a number where either is not.
#[inline(always)]
pub fn atan2<S: Simd32>(s: S, y: S::F, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let (ahead, aside) = (x.abs(), y.abs());
    let steep = ahead.lt(aside);
    let (less, more) = (ahead.pick(steep, aside), aside.pick(steep, ahead));
    let t = less / s.splat(1.0).pick(more.le(zero), more);
    let t2 = t * t;
    let mut p = s.splat(-4.355_406e-3).mul_add(t2, s.splat(2.304_013_7e-2));
    p = p.mul_add(t2, s.splat(-5.777_359_2e-2));
    p = p.mul_add(t2, s.splat(9.794_235e-2));
    p = p.mul_add(t2, s.splat(-1.397_657_6e-1));
    p = p.mul_add(t2, s.splat(1.996_270_4e-1));
    p = p.mul_add(t2, s.splat(-3.333_166e-1));
    let mut angle = (t * t2).mul_add(p, t);
    angle = (s.splat(std::f32::consts::FRAC_PI_2) - angle).pick(steep, angle);
    angle = (s.splat(std::f32::consts::PI) - angle).pick(x.lt(zero), angle);
    (zero - angle).pick(y.lt(zero), angle)
}

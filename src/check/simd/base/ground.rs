//! Differential drives and cars in lanes, with a trailer or without: the map of `base::ground`.

use super::super::super::packed::base::PackedBase;
use super::super::scratch::Scratch;
use super::outputs::{Outputs, difference_of_products, store, sum_of_products};
use crate::vector::{Mask32, Simd32, Vector, atan2};

/// Where a vehicle on the ground goes.
struct PathFrameLanes<S: Simd32> {
    stands: Mask32<S>,
    /// It goes ahead, not back.
    is_ahead: Mask32<S>,
    heading: S::F,
    /// Squared length of the first derivative of the path, and that length; 1 where it stands.
    square: S::F,
    length: S::F,
}

impl<S: Simd32> PathFrameLanes<S> {
    /// The heading is the direction of the path or its opposite, whichever lies nearer to the guide.
    #[inline(always)]
    fn new(s: S, x_rate: S::F, y_rate: S::F, guide: S::F) -> Self {
        let pi = s.splat(std::f32::consts::PI);
        let square = sum_of_products(x_rate, x_rate, y_rate, y_rate);
        let stands = square.le(s.splat(0.0));
        let off = atan2(s, y_rate, x_rate) - guide;
        let turns = (off * s.splat(std::f32::consts::FRAC_1_PI)).round();
        let odd = (turns * s.splat(0.5)).round().neg_mul_add(s.splat(2.0), turns);
        let square = s.splat(1.0).pick(stands, square);
        Self {
            is_ahead: odd.abs().le(s.splat(0.5)),
            heading: guide.pick(stands, guide + turns.neg_mul_add(pi, off)),
            length: square.sqrt(),
            stands,
            square,
        }
    }

    /// 1 ahead, -1 back.
    #[inline(always)]
    fn sign(&self, s: S) -> S::F {
        s.splat(1.0).pick(self.is_ahead, s.splat(-1.0))
    }

    /// 1 ahead, -1 back, 0 where it stands.
    #[inline(always)]
    fn way(&self, s: S) -> S::F {
        s.splat(0.0).pick(self.stands, self.sign(s))
    }
}

#[inline(always)]
pub(super) fn ground<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<3>(s, 0), outputs.derivatives::<3>(s, 1)];
    let [guide, guide_rate] = outputs.derivatives::<2>(s, 2);
    let course = PathFrameLanes::new(s, x[1], y[1], guide);
    let cross = difference_of_products(x[1], y[2], y[1], x[2]);
    let curvature = cross / (course.square * course.length);
    let bent = guide_rate.pick(course.stands, curvature);
    let [ahead, back] = base.curvature;
    // Least, then greatest.
    let mut bounds = [s.splat(0.0); 2];
    for (i, bound) in bounds.iter_mut().enumerate() {
        let moving = s.splat(ahead[i]).pick(course.is_ahead, s.splat(back[i]));
        *bound = s.splat(base.standing[i]).pick(course.stands, moving);
    }
    let excess = (bounds[0] - bent).max(bent - bounds[1]);
    store(&mut scratch.bounded, &[course.way(s), excess]);
    store(&mut scratch.flat[0], &[x[0], y[0], course.heading]);
}

#[inline(always)]
pub(super) fn trailer<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<4>(s, 0), outputs.derivatives::<4>(s, 1)];
    let [guide] = outputs.derivatives::<1>(s, 2);
    let course = PathFrameLanes::new(s, x[1], y[1], guide);
    // Curvature of the trailer's path as for driving ahead, and its slope by arc length.
    let cross = difference_of_products(x[1], y[2], y[1], x[2]);
    let cross_rate = difference_of_products(x[1], y[3], y[1], x[3]);
    let along = sum_of_products(x[1], x[2], y[1], y[2]);
    let bend = difference_of_products(cross_rate, course.square, s.splat(3.0) * cross, along);
    let inverse_cube = course.sign(s) / (course.square * course.length);
    let curvature = cross * inverse_cube;
    let slope = bend * inverse_cube * inverse_cube;
    let d = s.splat(base.hitch_length);
    let hitch_tangent = d * curvature;
    let square_cosine = s.splat(1.0) / hitch_tangent.mul_add(hitch_tangent, s.splat(1.0));
    let turned = (d * slope).mul_add(square_cosine, curvature);
    let steered = turned * square_cosine.sqrt();
    // Of a trailer that stands nothing is known.
    let steered = s.splat(f32::INFINITY).pick(course.stands, steered);
    store(&mut scratch.bounded, &[course.way(s), steered, hitch_tangent]);
    let hitch = atan2(s, hitch_tangent, s.splat(1.0));
    store(&mut scratch.flat[0], &[x[0], y[0], course.heading, hitch]);
}

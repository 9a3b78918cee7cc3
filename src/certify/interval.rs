//! How a scalar varies over an interval of time about its middle.

use crate::trajectory::falling_factorial;

/// A scalar over an interval about the instant m: it differs from its value at m by
/// `line` s + `square` s^2 + [`rest`], and by at most `travel`, where -1 <= s <= 1 and [x] is any
/// number of magnitude up to x.
#[derive(Clone, Copy, Default)]
pub(super) struct Variation {
    pub(super) travel: f64,
    pub(super) line: f64,
    pub(super) square: f64,
    pub(super) rest: f64,
}

impl Variation {
    /// Of the `order`th derivative of a polynomial in the time since m, over `half` to either side.
    #[inline(always)]
    pub(super) fn about(polynomial: &[f64], order: usize, half: f64) -> Self {
        let (mut power, mut line, mut square, mut rest) = (1.0, 0.0, 0.0, 0.0);
        for (k, &coefficient) in polynomial.iter().enumerate().skip(order + 1) {
            power *= half;
            let term = falling_factorial(k, order) * coefficient * power;
            match k - order {
                1 => line = term,
                2 => square = term,
                _ => rest += term.abs(),
            }
        }
        let travel = match (order, polynomial) {
            (0, &[_, c1, c2, c3]) => cubic_travel(c1 * half, c2 * half * half, c3 * half * half * half),
            _ => line.abs() + square.abs() + rest,
        };
        Self { travel, line, square, rest }
    }

    /// Of a function with a continuous derivative, whose value and derivative at m are given: from
    /// its greatest distance from that value and the range of its second derivative.
    #[inline(always)]
    pub(super) fn smooth(slope: f64, travel: f64, [least, most]: [f64; 2], half: f64) -> Self {
        let quarter = 0.25 * half * half;
        Self { travel, line: slope * half, square: (least + most) * quarter, rest: (most - least) * quarter }
    }

    /// Of what is anywhere within a distance.
    pub(super) fn within(travel: f64) -> Self {
        Self { travel, line: 0.0, square: 0.0, rest: travel }
    }

    /// How far it may be from `line` s.
    #[inline(always)]
    pub(super) fn second_derivative(&self) -> f64 {
        self.square.abs() + self.rest
    }

    /// Of the scalar times `ratio`.
    #[inline(always)]
    pub(super) fn scaled(self, ratio: f64) -> Self {
        let size = ratio.abs();
        Self {
            travel: self.travel * size,
            line: self.line * ratio,
            square: self.square * ratio,
            rest: self.rest * size,
        }
    }
}

/// Greatest magnitude of c1 s + c2 s^2 + c3 s^3 for -1 <= s <= 1.
#[inline(always)]
fn cubic_travel(c1: f64, c2: f64, c3: f64) -> f64 {
    let ends = c2.abs() + (c1 + c3).abs();
    // The derivative has a constant sign on the interval: monotone.
    if c1.abs() >= 2.0 * c2.abs() + 3.0 * c3.abs() {
        return ends;
    }
    let discriminant = c2 * c2 - 3.0 * c1 * c3;
    if discriminant < 0.0 {
        return ends;
    }
    let q = -(c2 + discriminant.sqrt().copysign(c2));
    let value = |s: f64| if s.abs() < 1.0 { (s * (c1 + s * (c2 + s * c3))).abs() } else { 0.0 };
    ends.max(value(q / (3.0 * c3))).max(value(c1 / q))
}

/// Moves the origin of a polynomial (ascending coefficients) to `t` (repeated Horner).
#[inline(always)]
pub(super) fn shift(coefficients: &mut [f64], t: f64) {
    let n = coefficients.len();
    for start in 0..n {
        for k in (start..n - 1).rev() {
            coefficients[k] += t * coefficients[k + 1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::derivative;
    use proptest::prelude::*;

    proptest! {
        /// Neither bound is exceeded at any sample, and that on cubics is reached.
        #[test]
        fn variation_bounds_every_sample(
            c in prop::collection::vec(prop_oneof![-3.0..3.0, Just(0.0)], 1..8),
            order in 0usize..3, middle in 0.0..2.0_f64, half in 0.001..1.0_f64,
        ) {
            let mut about = c.clone();
            shift(&mut about, middle);
            let variation = Variation::about(&about, order, half);
            let mut reached = 0.0_f64;
            for k in -1000..=1000 {
                let s = f64::from(k) / 1000.0;
                let moved = derivative(&c, order, middle + s * half) - derivative(&c, order, middle);
                let slack = 1e-11 * (1.0 + derivative(&c, order, middle).abs() + variation.travel);
                prop_assert!(moved.abs() <= variation.travel + slack);
                prop_assert!((moved - variation.line * s).abs() <= variation.second_derivative() + slack);
                let left = moved - variation.line * s - variation.square * s * s;
                prop_assert!(left.abs() <= variation.rest + slack);
                reached = reached.max(moved.abs());
            }
            if order == 0 && c.len() == 4 {
                prop_assert!(variation.travel <= reached * 1.001 + 1e-9, "{} for {reached}", variation.travel);
            }
        }
    }
}

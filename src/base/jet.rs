//! Values with their first derivatives in time, so that a map is written once and its derivatives
//! follow by the rules of calculus.

use super::scalar::Scalar;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Value and derivatives that a jet holds.
const ORDERS: usize = 4;

/// A function of time: its value and its first three derivatives, at an instant or over an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jet<S = f64>(pub [S; ORDERS]);

impl<S: Scalar> Jet<S> {
    /// Something that does not change.
    #[inline]
    pub fn constant(value: f64) -> Self {
        Self([S::constant(value), S::default(), S::default(), S::default()])
    }

    /// A function whose third derivative is not known.
    #[inline]
    pub fn second_order([value, first, second]: [S; 3]) -> Self {
        Self([value, first, second, S::UNKNOWN])
    }

    /// The value.
    #[inline]
    pub fn value(self) -> S {
        self.0[0]
    }

    /// The derivative as a function of its own. Its third derivative is not known.
    #[inline]
    #[must_use]
    pub fn rate(self) -> Self {
        Self([self.0[1], self.0[2], self.0[3], S::UNKNOWN])
    }

    /// The function whose derivative is `rate` and whose value is this.
    #[inline]
    fn integral(value: S, Self([first, second, third, _]): Self) -> Self {
        Self([value, first, second, third])
    }

    /// Plus a number.
    #[inline]
    #[must_use]
    pub fn offset(self, by: f64) -> Self {
        let [value, ..] = self.0;
        self.at(value.middle() + by)
    }

    /// With another value at the instant, and the same derivatives.
    #[inline]
    #[must_use]
    pub fn at(self, middle: f64) -> Self {
        let [value, first, second, third] = self.0;
        Self([value.about(middle), first, second, third])
    }

    /// Times a number.
    #[inline]
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let [a, b, c, d] = self.0;
        Self([a.scaled(factor), b.scaled(factor), c.scaled(factor), d.scaled(factor)])
    }

    /// Square root of what is positive.
    #[inline]
    #[must_use]
    pub fn sqrt(self) -> Self {
        let [x, x1, x2, x3] = self.0;
        let root = x.sqrt();
        let half = root.recip().scaled(0.5);
        let first = half * x1;
        let second = half * (x2 - (first * first).scaled(2.0));
        Self([root, first, second, half * (x3 - (first * second).scaled(6.0))])
    }

    /// Inverse tangent.
    #[inline]
    #[must_use]
    pub fn atan(self) -> Self {
        Self::integral(self.value().atan(), self.rate() / (Self::constant(1.0) + self * self))
    }

    /// Sine and cosine.
    #[inline]
    pub fn sin_cos(self) -> (Self, Self) {
        let [x, a, b, c] = self.0;
        let (sin, cos) = x.sin_cos();
        let square = a * a;
        // By the chain rule, with the derivatives s, t, -s, -t of either.
        let through = |s: S, t: S| {
            Self([s, t * a, t * b - s * square, t * (c - a * square) - (s * (a * b)).scaled(3.0)])
        };
        (through(sin, cos), through(cos, -sin))
    }

    /// Direction of the vector (x, y), which is not zero, from the x axis: in (-pi, pi].
    #[inline]
    #[must_use]
    pub fn atan2(y: Self, x: Self) -> Self {
        let rate = (x * y.rate() - y * x.rate()) / (x * x + y * y);
        Self::integral(S::atan2(y.value(), x.value()), rate)
    }
}

impl<S: Scalar> Add for Jet<S> {
    type Output = Self;
    #[inline]
    fn add(self, b: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, b.0);
        Self([a0 + b0, a1 + b1, a2 + b2, a3 + b3])
    }
}

impl<S: Scalar> Sub for Jet<S> {
    type Output = Self;
    #[inline]
    fn sub(self, b: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, b.0);
        Self([a0 - b0, a1 - b1, a2 - b2, a3 - b3])
    }
}

impl<S: Scalar> Mul for Jet<S> {
    type Output = Self;
    #[inline]
    fn mul(self, b: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, b.0);
        Self([
            a0 * b0,
            a1 * b0 + a0 * b1,
            a2 * b0 + (a1 * b1).scaled(2.0) + a0 * b2,
            a3 * b0 + (a2 * b1 + a1 * b2).scaled(3.0) + a0 * b3,
        ])
    }
}

impl<S: Scalar> Mul<Jet<S>> for f64 {
    type Output = Jet<S>;
    #[inline]
    fn mul(self, b: Jet<S>) -> Jet<S> {
        b.scaled(self)
    }
}

impl<S: Scalar> Div for Jet<S> {
    type Output = Self;
    #[inline]
    fn div(self, b: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, b.0);
        let inverse = b0.recip();
        let q0 = a0 * inverse;
        let q1 = (a1 - q0 * b1) * inverse;
        let q2 = (a2 - (q1 * b1).scaled(2.0) - q0 * b2) * inverse;
        Self([q0, q1, q2, (a3 - (q2 * b1 + q1 * b2).scaled(3.0) - q0 * b3) * inverse])
    }
}

impl<S: Scalar> Neg for Jet<S> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([-a, -b, -c, -d])
    }
}

#[cfg(test)]
mod tests {
    use super::super::scalar::Enclosure;
    use super::*;
    use proptest::prelude::*;

    /// Something with every function in it.
    fn composed<S: Scalar>(x: Jet<S>) -> Jet<S> {
        let (sin, cos) = x.sin_cos();
        let positive = x * x + Jet::constant(1.0);
        Jet::atan2(sin, positive) + positive.sqrt() * cos.atan() / (positive + sin) - 0.5 * x
    }

    proptest! {
        /// Derivatives agree with those by central differences of the same expression.
        #[test]
        fn derivatives_are_those_of_the_function(a in 0.5..2.0, b in -2.0..2.0, c in -1.0..1.0, t in -1.0..1.0) {
            let at = |t: f64| composed(Jet([a + b * t + c * t * t, b + 2.0 * c * t, 2.0 * c, 0.0]));
            let h = 1e-4;
            let (before, here, after) = (at(t - h), at(t), at(t + h));
            for order in 0..3 {
                let slope = (after.0[order] - before.0[order]) / (2.0 * h);
                prop_assert!((here.0[order + 1] - slope).abs() < 1e-4 * (1.0 + slope.abs()));
            }
            prop_assert_eq!(&here.rate().0[..3], &here.0[1..]);
            prop_assert!(here.rate().0[3].is_nan());
        }

        /// Over an interval they enclose what they are at its instants, and the middle is exact.
        #[test]
        fn enclosures_hold_their_samples(
            c in prop::collection::vec(-2.0..2.0, 1..12), half in prop_oneof![1e-4..0.4, Just(0.0)],
        ) {
            let jet = |[a, b, c, d, ..]: [f64; 6]| [a, b, c, d];
            let over = Enclosure::derivatives(&c, half);
            let over = composed(Jet([over[0], over[1], over[2], over[3]]));
            for k in -20..=20 {
                let t = half * f64::from(k) / 20.0;
                let at: [f64; 6] = std::array::from_fn(|order| crate::trajectory::derivative(&c, order, t));
                let at = composed(Jet(jet(at)));
                for (over, at) in over.0.iter().zip(at.0) {
                    let slack = 1e-9 * (1.0 + at.abs());
                    prop_assert!(over.radius.is_nan() || (at - over.middle).abs() <= over.radius + slack);
                    prop_assert!(k != 0 || (at - over.middle).abs() <= slack);
                }
            }
        }
    }
}

//! Values with their first two derivatives in time, so that a map is written once and its
//! derivatives follow by the rules of calculus.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A function of time at an instant: its value and its first and second derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jet(pub [f64; 3]);

impl Jet {
    /// Something that does not change.
    pub fn constant(value: f64) -> Self {
        Self([value, 0.0, 0.0])
    }

    /// The value.
    pub fn value(self) -> f64 {
        self.0[0]
    }

    /// The derivative as a function of its own. Its second derivative is not known, and zero here.
    #[must_use]
    pub fn rate(self) -> Self {
        Self([self.0[1], self.0[2], 0.0])
    }

    /// A function of this one, from that function's value and derivatives here (chain rule).
    fn through(self, value: f64, first: f64, second: f64) -> Self {
        let [_, a, b] = self.0;
        Self([value, first * a, second * a * a + first * b])
    }

    /// Square root of what is positive.
    #[must_use]
    pub fn sqrt(self) -> Self {
        let root = self.value().sqrt();
        self.through(root, 0.5 / root, -0.25 / (root * self.value()))
    }

    /// Inverse tangent.
    #[must_use]
    pub fn atan(self) -> Self {
        let x = self.value();
        let slope = 1.0 / (1.0 + x * x);
        self.through(x.atan(), slope, -2.0 * x * slope * slope)
    }

    /// Sine and cosine.
    pub fn sin_cos(self) -> (Self, Self) {
        let (sin, cos) = self.value().sin_cos();
        (self.through(sin, cos, -sin), self.through(cos, -sin, -cos))
    }

    /// Direction of the vector (x, y), which is not zero, from the x axis: in (-pi, pi].
    #[must_use]
    pub fn atan2(y: Self, x: Self) -> Self {
        // The derivative is cross / square; both are jets of one order less.
        let rate = (x * y.rate() - y * x.rate()) / (x * x + y * y);
        Self([y.value().atan2(x.value()), rate.0[0], rate.0[1]])
    }
}

impl Add for Jet {
    type Output = Self;
    fn add(self, b: Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] + b.0[k]))
    }
}

impl Sub for Jet {
    type Output = Self;
    fn sub(self, b: Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] - b.0[k]))
    }
}

impl Mul for Jet {
    type Output = Self;
    fn mul(self, b: Self) -> Self {
        let ([a0, a1, a2], [b0, b1, b2]) = (self.0, b.0);
        Self([a0 * b0, a1 * b0 + a0 * b1, a2 * b0 + 2.0 * a1 * b1 + a0 * b2])
    }
}

impl Mul<Jet> for f64 {
    type Output = Jet;
    fn mul(self, b: Jet) -> Jet {
        Jet(b.0.map(|x| self * x))
    }
}

impl Div for Jet {
    type Output = Self;
    fn div(self, b: Self) -> Self {
        let ([a0, a1, a2], [b0, b1, b2]) = (self.0, b.0);
        let q0 = a0 / b0;
        let q1 = (a1 - q0 * b1) / b0;
        Self([q0, q1, (a2 - 2.0 * q1 * b1 - q0 * b2) / b0])
    }
}

impl Neg for Jet {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.map(|x| -x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Derivatives agree with those by central differences of the same expression.
        #[test]
        fn derivatives_are_those_of_the_function(a in 0.5..2.0, b in -2.0..2.0, c in -1.0..1.0, t in -1.0..1.0) {
            let at = |t: f64| Jet([a + b * t + c * t * t, b + 2.0 * c * t, 2.0 * c]);
            let f = |x: Jet| {
                let (sin, cos) = x.sin_cos();
                let positive = x * x + Jet::constant(1.0);
                Jet::atan2(sin, positive) + positive.sqrt() * cos.atan() / (positive + sin) - 0.5 * x
            };
            let h = 1e-4;
            let (before, here, after) = (f(at(t - h)).value(), f(at(t)), f(at(t + h)).value());
            prop_assert!((here.0[1] - (after - before) / (2.0 * h)).abs() < 1e-4);
            prop_assert!((here.0[2] - (after - 2.0 * here.0[0] + before) / (h * h)).abs() < 1e-3);
            prop_assert_eq!(here.rate().0[1], here.0[2]);
        }
    }
}

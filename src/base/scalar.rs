//! What maps are evaluated in: numbers at an instant, or enclosures over an interval of time.

use super::orders::{LONG, MAX_DERIVATIVES};
use std::fmt::Debug;
use std::ops::{Add, Mul, Neg, Sub};

/// A number at an instant, or what is known of one over an interval about an instant.
pub trait Scalar:
    Copy
    + Debug
    + Default
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
{
    /// Nothing is known: no comparison with it holds, and no limit is proved by it.
    const UNKNOWN: Self;
    /// Whether it is of an interval.
    const IS_WIDE: bool;
    /// What does not change.
    fn constant(value: f64) -> Self;
    /// The value at the instant.
    fn middle(self) -> f64;
    /// How far from it the values over the interval are at most.
    fn radius(self) -> f64;
    /// With another value at the instant.
    #[must_use]
    fn about(self, middle: f64) -> Self;
    /// Times a number.
    #[must_use]
    fn scaled(self, factor: f64) -> Self;
    /// 1 / self.
    #[must_use]
    fn recip(self) -> Self;
    /// Square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Inverse tangent.
    #[must_use]
    fn atan(self) -> Self;
    /// Sine and cosine.
    fn sin_cos(self) -> (Self, Self);
    /// Direction of the vector (x, y) from the x axis.
    #[must_use]
    fn atan2(y: Self, x: Self) -> Self;
    /// A polynomial in the time since the instant and its derivatives, over `half` the interval to
    /// either side.
    fn derivatives(polynomial: &[f64], half: f64) -> [Self; MAX_DERIVATIVES];

    /// Whether it is above `least` all the time.
    fn exceeds(self, least: f64) -> bool {
        self.middle() - self.radius() > least
    }
}

impl Scalar for f64 {
    const UNKNOWN: Self = f64::NAN;
    const IS_WIDE: bool = false;

    fn constant(value: f64) -> Self {
        value
    }

    fn middle(self) -> f64 {
        self
    }

    fn radius(self) -> f64 {
        0.0
    }

    fn about(self, middle: f64) -> Self {
        middle
    }

    fn scaled(self, factor: f64) -> Self {
        factor * self
    }

    fn recip(self) -> Self {
        self.recip()
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }

    fn atan(self) -> Self {
        self.atan()
    }

    fn sin_cos(self) -> (Self, Self) {
        self.sin_cos()
    }

    fn atan2(y: Self, x: Self) -> Self {
        y.atan2(x)
    }

    fn derivatives(polynomial: &[f64], _: f64) -> [Self; MAX_DERIVATIVES] {
        let mut factorial = 1.0;
        std::array::from_fn(|order| {
            factorial *= order.max(1) as f64;
            polynomial.get(order).map_or(0.0, |c| factorial * c)
        })
    }
}

/// A function of time over an interval: its value at the middle, and how far from that it is anywhere
/// on the interval, at most (midpoint-radius arithmetic, as in Johansson, *Arb: efficient
/// arbitrary-precision midpoint-radius interval arithmetic*, IEEE Trans. Computers 2017).
///
/// Rounding is not accounted for: who proves something by it leaves room for that. A radius that is
/// infinite or NaN says that nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Enclosure {
    /// The value at the middle.
    pub middle: f64,
    /// The greatest distance from it.
    pub radius: f64,
}

impl Scalar for Enclosure {
    const UNKNOWN: Self = Self { middle: 0.0, radius: f64::INFINITY };
    const IS_WIDE: bool = true;

    #[inline]
    fn constant(value: f64) -> Self {
        Self { middle: value, radius: 0.0 }
    }

    #[inline]
    fn middle(self) -> f64 {
        self.middle
    }

    #[inline]
    fn radius(self) -> f64 {
        self.radius
    }

    #[inline]
    fn about(self, middle: f64) -> Self {
        Self { middle, ..self }
    }

    #[inline]
    fn scaled(self, factor: f64) -> Self {
        Self { middle: factor * self.middle, radius: factor.abs() * self.radius }
    }

    #[inline]
    fn recip(self) -> Self {
        let size = self.middle.abs();
        let least = size - self.radius;
        // 1 / least - 1 / size; what may vanish has no inverse.
        let radius = if least > 0.0 { self.radius / (size * least) } else { f64::INFINITY };
        Self { middle: self.middle.recip(), radius }
    }

    #[inline]
    fn sqrt(self) -> Self {
        let (root, least) = (self.middle.sqrt(), self.middle - self.radius);
        let radius = if least > 0.0 { self.radius / (root + least.sqrt()) } else { f64::INFINITY };
        Self { middle: root, radius }
    }

    #[inline]
    fn atan(self) -> Self {
        let least = (self.middle.abs() - self.radius).max(0.0);
        Self { middle: self.middle.atan(), radius: self.radius / (1.0 + least * least) }
    }

    /// sin(m + d) - sin m = cos m sin d - sin m (1 - cos d), and so on.
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        let (sin, cos) = self.middle.sin_cos();
        let (first, second) = (self.radius, 0.5 * self.radius * self.radius);
        let of = |middle: f64, slope: f64| {
            let radius = (slope.abs() * first + middle.abs() * second).min(2.0);
            Self { middle, radius }
        };
        (of(sin, cos), of(cos, sin))
    }

    /// A vector is within an angle of arcsin q, which is below q / sqrt(1 - q^2), of one from which it is
    /// at most q times its length away.
    #[inline]
    fn atan2(y: Self, x: Self) -> Self {
        let square = x.middle * x.middle + y.middle * y.middle;
        let astray = x.radius * x.radius + y.radius * y.radius;
        let left = square - astray;
        let radius = if left > 0.0 { (astray / left).sqrt() } else { f64::INFINITY };
        Self { middle: y.middle.atan2(x.middle), radius }
    }

    #[inline]
    fn derivatives(polynomial: &[f64], half: f64) -> [Self; MAX_DERIVATIVES] {
        let mut terms = [0.0; LONG];
        let terms = &mut terms[..polynomial.len()];
        terms.copy_from_slice(polynomial);
        std::array::from_fn(|order| {
            // Terms are those of the derivative, the powers that are left out.
            let mut radius = 0.0;
            for term in terms.iter().skip(order + 1).rev() {
                radius = (radius + term.abs()) * half;
            }
            let middle = terms.get(order).copied().unwrap_or(0.0);
            for (power, term) in terms.iter_mut().enumerate().skip(order) {
                *term *= (power - order) as f64;
            }
            Self { middle, radius }
        })
    }
}

impl Add for Enclosure {
    type Output = Self;
    #[inline]
    fn add(self, b: Self) -> Self {
        Self { middle: self.middle + b.middle, radius: self.radius + b.radius }
    }
}

impl Sub for Enclosure {
    type Output = Self;
    #[inline]
    fn sub(self, b: Self) -> Self {
        Self { middle: self.middle - b.middle, radius: self.radius + b.radius }
    }
}

impl Mul for Enclosure {
    type Output = Self;
    #[inline]
    fn mul(self, b: Self) -> Self {
        let radius = self.middle.abs() * b.radius + self.radius * (b.middle.abs() + b.radius);
        Self { middle: self.middle * b.middle, radius }
    }
}

impl Neg for Enclosure {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self { middle: -self.middle, ..self }
    }
}

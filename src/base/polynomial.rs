//! Polynomials, and what they are about an instant.

use super::jet::Jet;
use super::scalar::Scalar;
use crate::trajectory::MAX_DEGREE;

/// Coefficients of an output.
pub(super) const SHORT: usize = MAX_DEGREE + 1;

/// A polynomial in the time since an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion<const N: usize> {
    coefficients: [f64; N],
    len: usize,
}

impl<const N: usize> Default for Expansion<N> {
    fn default() -> Self {
        Self { coefficients: [0.0; N], len: 0 }
    }
}

impl<const N: usize> Expansion<N> {
    /// Of the polynomial with ascending `coefficients` about `t`, by repeated Horner.
    #[inline]
    pub(super) fn of(coefficients: &[f64], t: f64) -> Self {
        let mut this = Self { coefficients: [0.0; N], len: coefficients.len() };
        this.coefficients[..this.len].copy_from_slice(coefficients);
        for low in 0..this.len {
            for k in (low..this.len - 1).rev() {
                this.coefficients[k] += t * this.coefficients[k + 1];
            }
        }
        this
    }

    /// The coefficients.
    #[inline]
    pub(super) fn all(&self) -> &[f64] {
        &self.coefficients[..self.len]
    }

    /// Value and time derivatives over `half` to either side, `pace` times as much a second.
    #[inline]
    pub(super) fn jet<S: Scalar>(&self, half: f64, pace: f64) -> Jet<S> {
        let [a, b, c, d, ..] = S::derivatives(self.all(), half);
        let square = pace * pace;
        Jet([a, b.scaled(pace), c.scaled(square), d.scaled(square * pace)])
    }
}

/// Turns the vector (x, y) by `-angle`.
#[inline]
pub(super) fn turn_back<const N: usize>(x: &mut Expansion<N>, y: &mut Expansion<N>, angle: f64) {
    if angle == 0.0 {
        return;
    }
    let (sin, cos) = angle.sin_cos();
    for (x, y) in x.coefficients.iter_mut().zip(&mut y.coefficients) {
        (*x, *y) = (cos * *x + sin * *y, cos * *y - sin * *x);
    }
}

/// Ascending coefficients.
#[derive(Clone, Debug)]
pub(super) struct Polynomial(pub(super) Vec<f64>);

impl Polynomial {
    /// In unit time from the start, or backwards from the end.
    pub(super) fn unit(coefficients: &[f64], duration: f64, from_end: bool) -> Self {
        let mut scale = 1.0;
        let scaled = |&c: &f64| {
            let value = c * scale;
            scale *= duration;
            value
        };
        let mut unit: Vec<f64> = coefficients.iter().map(scaled).collect();
        if from_end {
            // Horner's scheme, repeated, shifts the origin to 1; then time is reversed.
            for low in 0..unit.len() {
                for k in (low..unit.len().saturating_sub(1)).rev() {
                    unit[k] += unit[k + 1];
                }
            }
            unit.iter_mut().skip(1).step_by(2).for_each(|c| *c = -*c);
        }
        Self(unit)
    }

    pub(super) fn power(k: usize) -> Self {
        let mut coefficients = vec![0.0; k + 1];
        coefficients[k] = 1.0;
        Self(coefficients)
    }

    pub(super) fn size(&self) -> f64 {
        self.0.iter().map(|c| c.abs()).sum()
    }

    pub(super) fn derivative(&self) -> Self {
        Self(self.0.iter().enumerate().skip(1).map(|(k, c)| k as f64 * c).collect())
    }

    /// How many coefficients from the lowest are no larger than `noise`.
    pub(super) fn leading_zeros(&self, noise: f64) -> usize {
        self.0.iter().take_while(|c| c.abs() <= noise).count()
    }

    /// Divided by the `k`th power, its lower coefficients being none.
    pub(super) fn shifted_down(&self, k: usize) -> Self {
        Self(self.0.iter().skip(k).copied().collect())
    }

    /// Divided by the `k`th power, if that divides it but for coefficients up to `noise`.
    pub(super) fn over_power(&self, k: usize, noise: f64) -> Option<Self> {
        (self.leading_zeros(noise) >= k.min(self.0.len())).then(|| self.shifted_down(k))
    }

    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|c| c * factor).collect())
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let at = |p: &Self, k: usize| p.0.get(k).copied().unwrap_or(0.0);
        Self((0..self.0.len().max(other.0.len())).map(|k| at(self, k) + at(other, k)).collect())
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.scaled(-1.0))
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        let mut product = vec![0.0; (self.0.len() + other.0.len()).saturating_sub(1)];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[i + j] += a * b;
            }
        }
        Self(product)
    }
}

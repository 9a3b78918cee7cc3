//! Exact extrema of polynomials over an interval of time.

use super::{Trajectory, derivative, falling_factorial};

/// Least and greatest value of a function of time, and when it takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extrema {
    /// Least value.
    pub min: f64,
    /// A time at which it is taken, seconds.
    pub min_time: f64,
    /// Greatest value.
    pub max: f64,
    /// A time at which it is taken, seconds.
    pub max_time: f64,
}

/// Polynomials of a higher degree are not searched: no steering of ours makes them.
pub const MAX_DEGREE: usize = 15;

/// Newton's steps and halvings after which a root cannot be told apart in `f64` on any interval.
const STEPS: usize = 128;

impl Extrema {
    fn at(time: f64, value: f64) -> Self {
        Self { min: value, min_time: time, max: value, max_time: time }
    }

    /// Takes another value in.
    fn add(&mut self, time: f64, value: f64) {
        if value < self.min {
            (self.min, self.min_time) = (value, time);
        }
        if value > self.max {
            (self.max, self.max_time) = (value, time);
        }
    }

    /// The magnitude of the farthest value from zero, and its time.
    pub fn magnitude(&self) -> (f64, f64) {
        if -self.min > self.max { (-self.min, self.min_time) } else { (self.max, self.max_time) }
    }
}

/// Extrema over [0, `duration`] of the `order`th derivative of the polynomial with ascending
/// `coefficients`, of degree up to [`MAX_DEGREE`].
///
/// They lie at the ends or where the next derivative vanishes. Its roots are closed form where it
/// is linear or quadratic; where it is higher, they are bracketed between the roots of its own
/// derivative, where it is monotone. The values are those of the polynomial at the times found, and
/// an error in a root changes an extremum only to second order.
pub fn extrema(coefficients: &[f64], order: usize, duration: f64) -> Extrema {
    let mut all = Extrema::at(0.0, derivative(coefficients, order, 0.0));
    all.add(duration, derivative(coefficients, order, duration));
    let mut visit = |t| all.add(t, derivative(coefficients, order, t));
    // Powers left in the derivative whose roots are wanted.
    match coefficients.len().saturating_sub(order + 1) {
        0 | 1 => {}
        2 | 3 => {
            let next = |k| derivative(coefficients, order + 1 + k, 0.0);
            // The second-order coefficient is half of the second derivative at zero.
            for t in quadratic_roots(next(0), next(1), 0.5 * next(2)) {
                if t > 0.0 && t < duration {
                    visit(t);
                }
            }
        }
        _ => {
            Roots::within(coefficients, order + 1, duration).all().iter().copied().for_each(visit);
        }
    }
    all
}

/// Real roots of c0 + c1 t + c2 t^2; those that are not are NaN or infinite. A double root comes
/// out even where rounding makes the discriminant negative.
fn quadratic_roots(c0: f64, c1: f64, c2: f64) -> [f64; 2] {
    let discriminant = c1 * c1 - 4.0 * c0 * c2;
    if discriminant < 0.0 && discriminant < -1e-12 * c1 * c1 {
        return [f64::NAN; 2];
    }
    // Adding numbers of the same sign loses no digits.
    let q = -0.5 * (c1 + discriminant.max(0.0).sqrt().copysign(c1));
    [q / c2, c0 / q]
}

/// Roots of a derivative inside an interval, ascending, without an allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Roots {
    times: [f64; MAX_DEGREE],
    count: usize,
}

impl Roots {
    /// The roots inside (0, `duration`) of the `order`th derivative of the polynomial with ascending
    /// `coefficients`, of degree up to [`MAX_DEGREE`]; those of even multiplicity may be missing.
    pub fn within(coefficients: &[f64], order: usize, duration: f64) -> Self {
        let mut roots = Self::default();
        roots.find(coefficients, order, duration);
        roots
    }

    /// The roots themselves.
    pub fn all(&self) -> &[f64] {
        &self.times[..self.count]
    }

    /// Finds the roots of the `order`th derivative inside (0, `duration`): it is monotone between
    /// the roots of the next derivative, found first.
    fn find(&mut self, coefficients: &[f64], order: usize, duration: f64) {
        if coefficients.len() <= order + 1 {
            return;
        }
        self.find(coefficients, order + 1, duration);
        let turns = std::mem::take(self);
        let mut left = 0.0;
        for &right in turns.all().iter().chain([&duration]) {
            if let Some(root) = root_between(coefficients, order, left, right) {
                self.times[self.count] = root;
                self.count += 1;
            }
            left = right;
        }
    }
}

/// A root of the `order`th derivative, which is monotone on [a, b], if it changes sign there or vanishes at
/// `b`: by Newton's method, and by halving where that leaves the bracket or does not halve it.
fn root_between(coefficients: &[f64], order: usize, mut a: f64, mut b: f64) -> Option<f64> {
    let value = |t: f64| derivative(coefficients, order, t);
    let (fa, fb) = (value(a), value(b));
    if fb == 0.0 {
        return Some(b);
    }
    if fa * fb >= 0.0 {
        return None;
    }
    let mut t = 0.5 * (a + b);
    for _ in 0..STEPS {
        let width = b - a;
        let ft = value(t);
        if (ft < 0.0) == (fa < 0.0) {
            a = t;
        } else {
            b = t;
        }
        let step = ft / derivative(coefficients, order + 1, t);
        let newton = t - step;
        // A step that is all rounding has come to the root.
        if newton == t {
            return Some(t);
        }
        let halves = b - a <= 0.5 * width || step.abs() <= 0.25 * width;
        t = if newton > a && newton < b && halves { newton } else { 0.5 * (a + b) };
        if t <= a || t >= b {
            break;
        }
    }
    Some(0.5 * (a + b))
}

/// Whether the `order`th derivative of the polynomial with ascending `coefficients`, of degree up to
/// [`MAX_DEGREE`], keeps between two bounds over [0, `duration`]. The same is told by [`extrema`]; but mostly its Bernstein
/// coefficients, between which it lies and of which the first and the last are its ends, settle it sooner.
pub fn keeps_between(coefficients: &[f64], order: usize, duration: f64, [lower, upper]: [f64; 2]) -> bool {
    let (all, degree) = bernstein(coefficients, order, duration);
    let all = &all[..=degree];
    let within = |value: f64| value >= lower && value <= upper;
    if !within(all[0]) || !within(derivative(coefficients, order, duration)) {
        return false;
    }
    // A whisker for the rounding of the coefficients.
    let room = 1e-13 * all.iter().fold(0.0_f64, |most, b| most.max(b.abs()));
    if all.iter().all(|&b| b >= lower + room && b <= upper - room) {
        return true;
    }
    let e = extrema(coefficients, order, duration);
    within(e.min) && within(e.max)
}

/// No less than the magnitude of the `order`th derivative of a polynomial anywhere over [0, `duration`]: that of its
/// Bernstein coefficients.
pub fn magnitude_bound(coefficients: &[f64], order: usize, duration: f64) -> f64 {
    let (all, degree) = bernstein(coefficients, order, duration);
    all[..=degree].iter().fold(0.0, |most, b| most.max(b.abs()))
}

/// The Bernstein coefficients of the `order`th derivative over [0, `duration`], and its degree.
pub(crate) fn bernstein(coefficients: &[f64], order: usize, duration: f64) -> ([f64; MAX_DEGREE + 1], usize) {
    let degree = coefficients.len().saturating_sub(order + 1);
    let mut all = [0.0; MAX_DEGREE + 1];
    let mut power = 1.0;
    for (k, c) in coefficients.iter().skip(order).enumerate() {
        all[k] = falling_factorial(k + order, order) * c * power / choose(degree, k);
        power *= duration;
    }
    // In place: repeated sums of neighbours make sum_k (i over k) all_k.
    for done in 1..=degree {
        for i in (done..=degree).rev() {
            all[i] += all[i - 1];
        }
    }
    (all, degree)
}

/// Binomial coefficients.
fn choose(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
}

impl Trajectory {
    /// Extrema over the whole trajectory of the `order`th derivative of an output. Where the
    /// derivative jumps at a knot, both its sides count. The trajectory must not be empty.
    pub fn extrema(&self, output: usize, order: usize) -> Extrema {
        let mut all = Extrema { min: f64::INFINITY, min_time: 0.0, max: f64::NEG_INFINITY, max_time: 0.0 };
        for (segment, start) in self.segments().zip(self.knots()) {
            let part = extrema(segment.polynomial(output), order, segment.duration);
            all.add(start + part.min_time, part.min);
            all.add(start + part.max_time, part.max);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Coefficients with deliberate zeros and ties.
    fn coefficient() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -5.0..5.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-2.0)]
    }

    proptest! {
        /// No sample beats the extrema, and both are taken where they say.
        #[test]
        fn extrema_bound_every_sample_tightly(
            c in prop::collection::vec(coefficient(), 1..9), order in 0usize..4, duration in 0.01..3.0,
        ) {
            let e = extrema(&c, order, duration);
            let value = |t: f64| derivative(&c, order, t);
            prop_assert_eq!(e.min, value(e.min_time));
            prop_assert_eq!(e.max, value(e.max_time));
            for t in [e.min_time, e.max_time] {
                prop_assert!((0.0..=duration).contains(&t));
            }
            let slack = 1e-12 * (1.0 + e.magnitude().0);
            for k in 0..=2000 {
                let v = value(duration * f64::from(k) / 2000.0);
                prop_assert!(v >= e.min - slack && v <= e.max + slack, "{v} outside {e:?}");
            }
        }

        /// What is told of bounds is what the extrema tell.
        #[test]
        fn bounds_are_those_of_extrema(
            c in prop::collection::vec(coefficient(), 1..9), order in 0usize..4, duration in 0.01..3.0,
            lower in -20.0..0.0_f64, upper in 0.0..20.0_f64, tight in any::<bool>(),
        ) {
            let e = extrema(&c, order, duration);
            let bounds = if tight { [e.min, e.max] } else { [lower, upper] };
            let kept = e.min >= bounds[0] && e.max <= bounds[1];
            prop_assert_eq!(keeps_between(&c, order, duration, bounds), kept, "{:?}", e);
        }

        /// All roots of given factors are found.
        #[test]
        fn roots_are_found(gaps in prop::collection::vec(0.06..0.18_f64, 1..6), scale in 0.1..10.0_f64) {
            let given: Vec<f64> = gaps.iter().scan(0.0, |sum, gap| { *sum += gap; Some(*sum) }).collect();
            let mut c = vec![scale];
            for r in &given {
                let mut next = vec![0.0; c.len() + 1];
                for (k, value) in c.iter().enumerate() {
                    next[k] -= r * value;
                    next[k + 1] += value;
                }
                c = next;
            }
            let roots = Roots::within(&c, 0, 1.0);
            prop_assert_eq!(roots.all().len(), given.len());
            for (found, given) in roots.all().iter().zip(&given) {
                prop_assert!((found - given).abs() < 1e-6, "{} {}", found, given);
            }
        }
    }

    #[test]
    fn known_extrema() {
        // t^3 - 3t on [0, 2]: falls to -2 at 1, rises to 2 at the end.
        let e = extrema(&[0.0, -3.0, 0.0, 1.0], 0, 2.0);
        assert_eq!((e.min, e.min_time, e.max, e.max_time), (-2.0, 1.0, 2.0, 2.0));
        // (t - 1)^4 by bisection, and its derivative's touching root.
        let c = [1.0, -4.0, 6.0, -4.0, 1.0];
        assert!(extrema(&c, 0, 2.0).min.abs() < 1e-15);
        // A peak of 1 between ends at 0: 16 t^2 (1 - t)^2.
        let e = extrema(&[0.0, 0.0, 16.0, -32.0, 16.0], 0, 1.0);
        assert!((e.max - 1.0).abs() < 1e-15 && e.min == 0.0);
    }

    #[test]
    fn trajectory_sees_both_sides_of_a_knot() {
        let mut t = Trajectory::new(1, 2);
        t.push(1.0, &[0.0, 0.0, 1.0]);
        t.push(1.0, &[1.0, 2.0, -1.0]);
        let e = t.extrema(0, 2);
        assert_eq!((e.min, e.max), (-2.0, 2.0));
        let e = t.extrema(0, 0);
        assert_eq!((e.max, e.max_time, e.min), (2.0, 2.0, 0.0));
    }
}

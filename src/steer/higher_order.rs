//! Least-effort steering of order 3 and 4: one quintic or septic per output between two positions,
//! velocities, accelerations (and jerks).
//!
//! Source: Webb & van den Berg, *Kinodynamic RRT\**, arXiv 1205.5088, sections III and IV, for chains
//! of integrators. The Gramian of a chain of r integrators over unit time is D H D, where H is the
//! Hilbert matrix of size r, whose inverse is known in closed form, and D holds inverse factorials.

use super::LIMIT_TOLERANCE;
use crate::robot::OutputLimits;
use crate::trajectory::{Roots, derivative, keeps_between};

/// Durations tried in search of one that meets all limits: these times all powers of two, seconds, the
/// eighths of a doubling. That they are the same whatever the limits makes sure that no looser limit leads to a
/// longer duration. Limits may hold on an interval of durations that is narrower than a step, and is then
/// missed: a longer one is found instead.
const EIGHTHS: [f64; 8] = [
    1.0,
    1.090_507_732_665_257_7,
    1.189_207_115_002_721,
    1.296_839_554_651_009_6,
    std::f64::consts::SQRT_2,
    1.542_210_825_407_940_8,
    1.681_792_830_507_429,
    1.834_008_086_409_342_4,
];

/// Durations tried: up to about a thousand times the least that can be.
const STEPS: i32 = 80;

/// Halvings of the last step, which leave the duration exact to about 1e-6 of itself.
const HALVINGS: usize = 16;

/// The greatest order there is code for.
const MOST: usize = 4;

/// Least-effort steering of a chain of `R` integrators, y^(R) = w, one per output.
///
/// Between two flat states and for a given duration T the trajectory that minimises the effort, the
/// integral of sum r_i w_i^2, is one polynomial of degree 2 R - 1 per output. The cost of T is
/// rho T + effort; an infinite rho asks for the shortest motion of this kind.
///
/// States are `[derivative][output]`, in rad or m and seconds; coefficients are `[output][2 R]`,
/// ascending powers of time.
#[derive(Clone, Debug)]
pub struct HigherOrder<const R: usize> {
    limits: Vec<OutputLimits>,
    weights: Vec<f64>,
    rho: f64,
}

/// A flat state: `[derivative][output]`.
pub type ChainState<'a, const R: usize> = [&'a [f64]; R];

impl<const R: usize> HigherOrder<R> {
    /// Steering at the limits: every motion is as short as they allow.
    pub fn new(limits: &[OutputLimits]) -> Self {
        Self::with_weights(limits, &vec![1.0; limits.len()], f64::INFINITY)
    }

    /// Steering that weighs time by `rho > 0` against squares of the `R`th derivatives by
    /// `weights > 0`.
    pub fn with_weights(limits: &[OutputLimits], weights: &[f64], rho: f64) -> Self {
        const { assert!(R == 3 || R == 4, "cubics have closed forms of their own") };
        assert_eq!(limits.len(), weights.len(), "one weight per output");
        Self { limits: limits.to_vec(), weights: weights.to_vec(), rho }
    }

    /// Number of outputs.
    pub fn dof(&self) -> usize {
        self.limits.len()
    }

    /// The polynomials from one state to another in the given `duration`, whatever the limits. A zero
    /// duration gives the motion that the first state alone begins.
    pub fn steer_in(&self, duration: f64, from: ChainState<'_, R>, to: ChainState<'_, R>, coefficients: &mut [f64]) {
        assert_eq!(coefficients.len(), 2 * R * self.dof(), "2 R coefficients per output");
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        for (i, c) in coefficients.chunks_exact_mut(2 * R).enumerate() {
            let (from, to) = (from.map(|d| d[i]), to.map(|d| d[i]));
            let x = costate(&shortfall(&from, &to, duration));
            for k in 0..R {
                c[k] = from[k] / factorial(k);
            }
            // The Rth derivative is the sum of x_i (1 - s)^n / n! with n = R - 1 - i, s = t / T.
            let mut sign = rate.powi(R as i32);
            for m in 0..R {
                let sum: f64 = (0..R - m).map(|i| x[i] / factorial(R - 1 - i - m)).sum();
                c[R + m] = sign * sum / factorial(R + m);
                sign *= -rate;
            }
        }
    }

    /// The effort of the motion of a given `duration` > 0: d' G^-1 d.
    pub fn effort(&self, duration: f64, from: ChainState<'_, R>, to: ChainState<'_, R>) -> f64 {
        let of = |(i, weight): (usize, &f64)| {
            let e = shortfall(&from.map(|d| d[i]), &to.map(|d| d[i]), duration);
            weight * costate(&e).iter().zip(&e).map(|(x, e)| x * e).sum::<f64>()
        };
        let rate = 1.0 / duration;
        rate.powi(2 * R as i32 - 1) * self.weights.iter().enumerate().map(of).sum::<f64>()
    }

    /// The duration T* of least cost rho T + effort, without regard to limits; 0 for infinite rho or
    /// where the two states are the same.
    ///
    /// The effort is T^(1 - 2R) times a polynomial in T of degree 2R - 2, so that T* is a root of a
    /// polynomial of degree 2R.
    pub fn least_cost_duration(&self, from: ChainState<'_, R>, to: ChainState<'_, R>) -> f64 {
        if self.rho == f64::INFINITY || from == to {
            return 0.0;
        }
        let mut slope = [0.0; 2 * MOST + 1];
        for (i, &weight) in self.weights.iter().enumerate() {
            add_effort(&from.map(|d| d[i]), &to.map(|d| d[i]), weight, &mut slope);
        }
        for (m, q) in slope.iter_mut().enumerate().take(2 * R - 1) {
            *q *= m as f64 + 1.0 - 2.0 * R as f64;
        }
        let slope = &mut slope[..=2 * R];
        slope[2 * R] = self.rho;
        // Fujiwara's bound on the roots.
        let bound = |(m, q): (usize, &f64)| (q / self.rho).abs().powf(1.0 / (2 * R - m) as f64);
        let bound = 2.0 * slope[..2 * R].iter().enumerate().map(bound).fold(0.0, f64::max);
        let cost = |t: f64| self.rho * t + self.effort(t, from, to);
        let roots = Roots::within(slope, 0, 1.001 * bound);
        roots.all().iter().copied().min_by(|&s, &t| cost(s).total_cmp(&cost(t))).unwrap_or(0.0)
    }

    /// Shortest duration from rest at p0 to rest at p1 within the limits of velocity, acceleration and
    /// jerk: every output follows the same smooth step, a straight line.
    pub fn rest_to_rest_duration(&self, p0: &[f64], p1: &[f64]) -> f64 {
        let [speed, acceleration, jerk] = Self::greatest_derivatives();
        let (mut linear, mut square, mut cube) = (0.0_f64, 0.0_f64, 0.0_f64);
        for ((limits, &a), &b) in self.limits.iter().zip(p0).zip(p1) {
            let distance = (b - a).abs();
            // A limit of zero and no distance make NaN, which `max` passes over.
            linear = linear.max(distance / limits.velocity);
            square = square.max(distance / limits.acceleration);
            cube = cube.max(distance / limits.jerk);
        }
        (speed * linear).max((acceleration * square).sqrt()).max((jerk * cube).cbrt()) * (1.0 + 1e-12)
    }

    /// Those of 10 s^3 - 15 s^4 + 6 s^5, or of 35 s^4 - 84 s^5 + 70 s^6 - 20 s^7.
    fn greatest_derivatives() -> [f64; 3] {
        match R {
            3 => [1.875, 10.0 / 3.0_f64.sqrt(), 60.0],
            _ => [2.1875, 84.0 * 5.0_f64.sqrt() / 25.0, 52.5],
        }
    }

    /// See [`Steering::rest_to_rest_terms`](super::Steering::rest_to_rest_terms).
    pub fn rest_to_rest_terms(&self) -> Vec<[f64; 3]> {
        let [speed, acceleration, jerk] = Self::greatest_derivatives();
        let of = |l: &OutputLimits| [speed / l.velocity, acceleration / l.acceleration, jerk / l.jerk];
        self.limits.iter().map(of).collect()
    }

    /// Joins two states by the shortest polynomials that meet the limits of position, velocity,
    /// acceleration and jerk and last at least [`HigherOrder::least_cost_duration`]. Writes their
    /// coefficients and returns the duration, zero where the two states are the same.
    ///
    /// Which durations meet the limits has no closed form: they are tried in a geometric series up from
    /// the least that can be, and the step before the first that does is halved. Every motion is held
    /// against its limits by exact extrema.
    pub fn steer(&self, from: ChainState<'_, R>, to: ChainState<'_, R>, coefficients: &mut [f64]) -> Option<f64> {
        let mut holds = |duration: f64| {
            self.steer_in(duration, from, to, coefficients);
            self.keeps_limits(duration, coefficients)
        };
        if from == to {
            return holds(0.0).then_some(0.0);
        }
        let least = self.least_duration(from, to).max(self.least_cost_duration(from, to));
        if !(least > 0.0 && least.is_finite()) {
            return None;
        }
        // The last of the series that is no longer than the least: what is shorter fails.
        let mut first = (8.0 * least.log2()).floor() as i32;
        first -= i32::from(tried(first) > least);
        for step in first + 1..=first + STEPS {
            let (mut short, mut long) = (tried(step - 1), tried(step));
            if holds(long) {
                for _ in 0..HALVINGS {
                    let middle = 0.5 * (short + long);
                    if middle >= least && holds(middle) { long = middle } else { short = middle }
                }
                // The coefficients are to be those of the answer.
                return holds(long).then_some(long);
            }
        }
        None
    }

    /// A bound that no motion within limits is shorter than.
    fn least_duration(&self, from: ChainState<'_, R>, to: ChainState<'_, R>) -> f64 {
        let mut least = 0.0_f64;
        for (i, l) in self.limits.iter().enumerate() {
            for (order, limit) in [l.velocity, l.acceleration, l.jerk].into_iter().enumerate() {
                if order < R {
                    least = least.max((to[order][i] - from[order][i]).abs() / limit);
                }
            }
        }
        least
    }

    /// Whether the polynomials keep within all limits, by exact extrema.
    fn keeps_limits(&self, duration: f64, coefficients: &[f64]) -> bool {
        self.limits.iter().zip(coefficients.chunks_exact(2 * R)).all(|(l, c)| {
            let within = |order: usize, limit: f64| {
                let limit = limit * (1.0 + LIMIT_TOLERANCE);
                limit == f64::INFINITY || keeps_between(c, order, duration, [-limit, limit])
            };
            // The highest derivatives are the cheapest to look at.
            within(3, l.jerk) && within(2, l.acceleration) && within(1, l.velocity) && {
                let size = |x: f64| if x.is_finite() { x.abs() } else { 0.0 };
                let way = (c[1] * duration).abs() + (derivative(c, 0, duration) - c[0]).abs();
                let room = LIMIT_TOLERANCE * size(l.lower).max(size(l.upper)).max(way);
                keeps_between(c, 0, duration, [l.lower - room, l.upper + room])
            }
        })
    }
}

/// A duration of the series that is tried, by its number.
fn tried(step: i32) -> f64 {
    f64::from(step.div_euclid(8)).exp2() * EIGHTHS[step.rem_euclid(8) as usize]
}

fn factorial(n: usize) -> f64 {
    const FACTORIALS: [f64; 2 * MOST] = [1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0];
    FACTORIALS[n]
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64)
}

/// An entry of the inverse Gramian of `r` integrators over unit time, for the `i`th and `j`th
/// derivatives.
fn inverse_gramian(r: usize, i: usize, j: usize) -> f64 {
    let (a, b) = (r - 1 - i, r - 1 - j);
    let sign = if (a + b).is_multiple_of(2) { 1.0 } else { -1.0 };
    let hilbert = (a + b + 1) as f64
        * choose(r + a, r - 1 - b)
        * choose(r + b, r - 1 - a)
        * choose(a + b, a)
        * choose(a + b, a);
    sign * hilbert * factorial(a) * factorial(b)
}

/// What the free motion from a state misses of another after `duration`, in units of time in which
/// that is 1.
fn shortfall<const R: usize>(from: &[f64; R], to: &[f64; R], duration: f64) -> [f64; R] {
    let mut shortfall = [0.0; R];
    let mut power = 1.0;
    for i in 0..R {
        let (mut free, mut t) = (0.0, 1.0);
        for (k, from) in from.iter().enumerate().skip(i) {
            free += from * t / factorial(k - i);
            t *= duration;
        }
        shortfall[i] = power * (to[i] - free);
        power *= duration;
    }
    shortfall
}

/// G^-1 times a shortfall.
fn costate<const R: usize>(shortfall: &[f64; R]) -> [f64; R] {
    let mut x = [0.0; R];
    for (i, x) in x.iter_mut().enumerate() {
        *x = shortfall.iter().enumerate().map(|(j, e)| inverse_gramian(R, i, j) * e).sum();
    }
    x
}

/// Adds an output's effort, times T^(2R - 1), to the coefficients of a polynomial in T.
fn add_effort<const R: usize>(from: &[f64; R], to: &[f64; R], weight: f64, polynomial: &mut [f64]) {
    let mut shortfall = [[0.0; MOST]; R];
    for (i, e) in shortfall.iter_mut().enumerate() {
        e[i] = to[i];
        for (k, from) in from.iter().enumerate().skip(i) {
            e[k] -= from / factorial(k - i);
        }
    }
    for i in 0..R {
        for j in 0..R {
            let entry = weight * inverse_gramian(R, i, j);
            for m in 0..R {
                for n in 0..R {
                    polynomial[m + n] += entry * shortfall[i][m] * shortfall[j][n];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::extrema;
    use proptest::prelude::*;

    const LIMITS: OutputLimits = OutputLimits {
        lower: -3.0,
        upper: 3.0,
        velocity: 2.0,
        acceleration: 8.0,
        jerk: 60.0,
        effort: f64::INFINITY,
    };

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -1.0..1.0, 1 => Just(0.0), 1 => Just(0.5)]
    }

    /// Two states of two outputs, `[end][derivative][output]`.
    fn ends() -> impl Strategy<Value = [[[f64; 2]; 4]; 2]> {
        prop::array::uniform2(prop::array::uniform4(prop::array::uniform2(number())))
    }

    fn state<const R: usize>(derivatives: &[[f64; 2]; 4]) -> ChainState<'_, R> {
        std::array::from_fn(|k| &derivatives[k][..])
    }

    /// Simpson's rule on so many panels that it is as good as exact for smooth functions.
    fn integral(f: impl Fn(f64) -> f64, to: f64) -> f64 {
        let panels = 2000;
        let h = to / f64::from(panels);
        (0..panels)
            .map(|i| f64::from(i) * h)
            .map(|a| h / 6.0 * (f(a) + 4.0 * f(a + 0.5 * h) + f(a + h)))
            .sum()
    }

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
    }

    /// The properties of steering of order `R`.
    fn of_order<const R: usize>(ends: &[[[f64; 2]; 4]; 2], t: f64, rho: f64) -> Result<(), TestCaseError> {
        let (from, to) = (state::<R>(&ends[0]), state::<R>(&ends[1]));
        let weights = [1.0, 0.3];
        let steering = HigherOrder::<R>::with_weights(&[LIMITS; 2], &weights, rho);
        let mut c = vec![0.0; 4 * R];
        steering.steer_in(t, from, to, &mut c);
        for i in 0..2 {
            let c = &c[2 * R * i..2 * R * (i + 1)];
            for k in 0..R {
                prop_assert!(close(derivative(c, k, 0.0), from[k][i], 1e-12));
                prop_assert!(
                    close(derivative(c, k, t), to[k][i], 1e-8),
                    "{} {}",
                    derivative(c, k, t),
                    to[k][i]
                );
            }
        }
        // The effort is the integral, by a rule that knows nothing of Gramians.
        let effort: f64 = (0..2)
            .map(|i| weights[i] * integral(|s| derivative(&c[2 * R * i..2 * R * (i + 1)], R, s).powi(2), t))
            .sum();
        prop_assert!(
            close(steering.effort(t, from, to), effort, 1e-6),
            "{} {effort}",
            steering.effort(t, from, to)
        );
        // And no other duration costs less than the best.
        let best = steering.least_cost_duration(from, to);
        if from != to {
            prop_assert!(best > 0.0);
            let cost = |t: f64| rho * t + steering.effort(t, from, to);
            for step in -100..=100 {
                prop_assert!(cost(best * 1.05_f64.powi(step)) >= cost(best) * (1.0 - 1e-7));
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn quintics_and_septics_are_of_least_effort(ends in ends(), t in 0.3..3.0, rho in 0.1..10.0) {
            of_order::<3>(&ends, t, rho)?;
            of_order::<4>(&ends, t, rho)?;
        }

        /// What is found meets its ends and limits at dense samples, and nothing much shorter does.
        #[test]
        fn found_durations_hold_and_are_least(ends in ends()) {
            let steering = HigherOrder::<3>::new(&[LIMITS; 2]);
            let (from, to) = (state::<3>(&ends[0]), state::<3>(&ends[1]));
            let mut c = vec![0.0; 12];
            let found = steering.steer(from, to, &mut c);
            if let Some(t) = found {
                for c in c.chunks_exact(6) {
                    for (order, limit) in [3.0, 2.0, 8.0, 60.0].into_iter().enumerate() {
                        for k in 0..=200 {
                            let value = derivative(c, order, t * f64::from(k) / 200.0);
                            prop_assert!(value.abs() <= limit * (1.0 + 1e-8));
                        }
                    }
                }
            }
            // A hundredth shorter fails, as nearly always: intervals narrower than a step are rare.
            if let Some(t) = found
                && t > steering.least_duration(from, to) * 1.01
            {
                steering.steer_in(0.99 * t, from, to, &mut c);
                prop_assert!(!steering.keeps_limits(0.99 * t, &c));
            }
        }

        /// No limit that is looser makes a motion longer, but for the rounding of the closed form from rest to rest.
        #[test]
        fn looser_limits_are_never_slower(
            ends in ends(),
            tight in prop::array::uniform3(0.7..1.0_f64), factors in prop::array::uniform3(prop_oneof![Just(1.0), 1.0..1.2, 1.0..100.0_f64]),
        ) {
            let limits = |f: [f64; 3]| OutputLimits {
                velocity: tight[0] * f[0] * LIMITS.velocity,
                acceleration: tight[1] * f[1] * LIMITS.acceleration,
                jerk: tight[2] * f[2] * LIMITS.jerk,
                ..LIMITS
            };
            let duration = |f| {
                let steering = HigherOrder::<3>::new(&[limits(f), LIMITS]);
                steering.steer(state::<3>(&ends[0]), state::<3>(&ends[1]), &mut [0.0; 12])
            };
            if let Some(tight) = duration([1.0; 3]) {
                let loose = duration(factors);
                prop_assert!(loose.is_some_and(|loose| loose <= tight), "{:?} {}", loose, tight);
            }
        }

        /// Lengths and times that are scaled by powers of two scale motions exactly.
        #[test]
        fn motions_scale(ends in ends(), length in -20..20_i32, time in -20..20_i32) {
            let run = |l: f64, t: f64| {
                let limits = OutputLimits {
                    lower: l * LIMITS.lower,
                    upper: l * LIMITS.upper,
                    velocity: l / t * LIMITS.velocity,
                    acceleration: l / t / t * LIMITS.acceleration,
                    jerk: l / t / t / t * LIMITS.jerk,
                    ..LIMITS
                };
                let scaled = ends.map(|end| {
                    let mut k = -1;
                    end.map(|d| {
                        k += 1;
                        d.map(|x| x * l * t.powi(-k))
                    })
                });
                let mut c = vec![0.0; 12];
                let steering = HigherOrder::<3>::new(&[limits; 2]);
                (steering.steer(state::<3>(&scaled[0]), state::<3>(&scaled[1]), &mut c), c)
            };
            let (l, t) = (f64::from(length).exp2(), f64::from(time).exp2());
            let ((one, c), (other, scaled)) = (run(1.0, 1.0), run(l, t));
            prop_assert_eq!(one.map(|one| t * one), other);
            if one.is_some() {
                for (k, (c, scaled)) in c.iter().zip(&scaled).enumerate() {
                    prop_assert_eq!(c * l * t.powi(-((k % 6) as i32)), *scaled);
                }
            }
        }

        /// From rest to rest the closed form is what the general way finds, at one limit exactly.
        #[test]
        fn rest_to_rest_is_at_a_limit(p in prop::array::uniform2(number()), q in prop::array::uniform2(number()), jerk in 1.0..500.0) {
            prop_assume!(p != q);
            let limits = OutputLimits { jerk, ..LIMITS };
            let steering = HigherOrder::<3>::new(&[limits; 2]);
            let t = steering.rest_to_rest_duration(&p, &q);
            let still = [0.0; 2];
            let mut c = vec![0.0; 12];
            steering.steer_in(t, [&p, &still, &still], [&q, &still, &still], &mut c);
            let used = |order: usize, limit: f64| {
                c.chunks_exact(6).map(|c| extrema(c, order, t).magnitude().0 / limit).fold(0.0, f64::max)
            };
            let most = used(1, 2.0).max(used(2, 8.0)).max(used(3, jerk));
            prop_assert!((most - 1.0).abs() < 1e-9, "{most}");
            let found = steering.steer([&p, &still, &still], [&q, &still, &still], &mut c);
            prop_assert!(close(found.unwrap_or(0.0), t, 1e-5));
        }
    }

    #[test]
    fn gramians_are_inverted() {
        let expected = [[720.0, -360.0, 60.0], [-360.0, 192.0, -36.0], [60.0, -36.0, 9.0]];
        for (i, row) in expected.iter().enumerate() {
            for (j, &entry) in row.iter().enumerate() {
                assert_eq!(inverse_gramian(3, i, j), entry);
            }
        }
        // G_ij = 1 / (a! b! (a + b + 1)) with a = 3 - i, b = 3 - j, times its inverse.
        let gramian = |i: usize, j: usize| {
            let (a, b) = (3 - i, 3 - j);
            1.0 / (factorial(a) * factorial(b) * (a + b + 1) as f64)
        };
        for i in 0..4 {
            for j in 0..4 {
                let entry: f64 = (0..4).map(|k| gramian(i, k) * inverse_gramian(4, k, j)).sum();
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j}: {entry}");
            }
        }
    }

    #[test]
    fn refuses_what_cannot_be() {
        let steering = HigherOrder::<3>::new(&[LIMITS]);
        let mut c = [0.0; 6];
        let mut steer = |from: [f64; 3], to: [f64; 3]| {
            let (from, to) = (from.map(|x| [x]), to.map(|x| [x]));
            steering.steer([&from[0], &from[1], &from[2]], [&to[0], &to[1], &to[2]], &mut c)
        };
        assert_eq!(steer([0.0, 2.1, 0.0], [0.5, 0.0, 0.0]), None, "start too fast");
        assert_eq!(steer([0.0, 0.0, 0.0], [0.5, 0.0, 8.1]), None, "goal too strong");
        assert_eq!(steer([3.1, 0.0, 0.0], [0.5, 0.0, 0.0]), None, "start out of bounds");
        assert_eq!(steer([0.5, 0.3, 0.1], [0.5, 0.3, 0.1]), Some(0.0), "there already");
        assert!(steer([0.0, 1.0, 2.0], [0.5, -1.0, 3.0]).is_some());
    }
}

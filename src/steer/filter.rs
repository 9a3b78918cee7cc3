//! Moving averages of trajectories: they make smooth what only has bounded accelerations.
//! Imports `trajectory`.

use crate::trajectory::{MAX_DEGREE, Trajectory, derivative, shift};

/// Knots closer than this, seconds, are one: no acceleration that anything has moves it by more than
/// rounding meanwhile.
const SAME: f64 = 1e-9;

/// The mean of `trajectory` over the last `width` > 0 seconds, at every instant: a finite impulse
/// response filter with a rectangular window (Biagiotti and Melchiorri, *FIR filters for online
/// trajectory planning with time- and frequency-domain specifications*, Control Engineering Practice
/// 2012). Before its beginning and after its end the trajectory is taken to go on at its end velocities.
///
/// Exact: polynomials of degree n become polynomials of degree n + 1, with one more continuous
/// derivative. A convex set that holds a derivative before holds it after; straight lines stay straight.
/// The result is `width` longer, and begins half a width's way before the trajectory's beginning, at the
/// same velocity; it ends likewise half a width's way beyond the end. Half a width later than the
/// trajectory it is where that is to within a width^2 / 24, where accelerations are at most a.
///
/// # Panics
/// If the trajectory is empty or of the greatest degree there is.
pub fn moving_average(trajectory: &Trajectory, width: f64) -> Trajectory {
    let (dof, stride) = (trajectory.dof(), trajectory.degree() + 2);
    let mut averaged = Trajectory::new(dof, trajectory.degree() + 1);
    let mut values: Vec<f64> = (0..dof).map(|output| before(trajectory, output, -0.5 * width)[0]).collect();
    let mut coefficients = vec![0.0; dof * stride];
    for (from, to) in pieces(trajectory, width) {
        let middle = 0.5 * (from + to);
        for (output, value) in values.iter_mut().enumerate() {
            let front = extended(trajectory, output, middle, from);
            let back = extended(trajectory, output, middle - width, from - width);
            let polynomial = &mut coefficients[output * stride..(output + 1) * stride];
            polynomial[0] = *value;
            // The mean changes by what its window gains in front, less what it loses behind.
            for (power, (gained, lost)) in front.iter().zip(&back).enumerate().take(stride - 1) {
                polynomial[power + 1] = (gained - lost) / (width * (power + 1) as f64);
            }
            *value = derivative(polynomial, 0, to - from);
        }
        averaged.push(to - from, &coefficients);
    }
    averaged
}

/// Two trajectories of the same outputs side by side, from the beginning of the first to its end: outputs for
/// which `is_second` says so move as in the second, which begins at `delay` (0 or later) and ends no later,
/// and rests before and after; the others as in the first.
pub fn side_by_side(
    first: &Trajectory,
    second: &Trajectory,
    delay: f64,
    is_second: impl Fn(usize) -> bool,
) -> Trajectory {
    let degree = first.degree().max(second.degree());
    let mut both = Trajectory::new(first.dof(), degree);
    let mut times: Vec<f64> = first.knots().to_vec();
    times.extend(second.knots().iter().map(|knot| knot + delay).filter(|&knot| knot < first.duration()));
    times.sort_unstable_by(f64::total_cmp);
    times.dedup_by(|later, earlier| *later - *earlier < SAME);
    for pair in times.windows(2) {
        let middle = 0.5 * (pair[0] + pair[1]);
        let polynomial = |output| match is_second(output) {
            true => extended(second, output, middle - delay, pair[0] - delay),
            false => extended(first, output, middle, pair[0]),
        };
        let coefficients: Vec<f64> =
            (0..first.dof()).flat_map(|output| polynomial(output).into_iter().take(degree + 1)).collect();
        both.push(pair[1] - pair[0], &coefficients);
    }
    both
}

/// The intervals between all instants at which a knot comes into the window or leaves it.
fn pieces(trajectory: &Trajectory, width: f64) -> impl Iterator<Item = (f64, f64)> {
    let mut times: Vec<f64> = trajectory.knots().iter().flat_map(|&knot| [knot, knot + width]).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.dedup_by(|later, earlier| *later - *earlier < SAME);
    (1..times.len()).map(move |i| (times[i - 1], times[i]))
}

/// A polynomial, ascending powers.
type FilterPolynomial = [f64; MAX_DEGREE + 1];

/// What an output of the trajectory, or of how it goes on beyond its ends, is at `instant`: in powers of
/// the time since `origin`.
fn extended(trajectory: &Trajectory, output: usize, instant: f64, origin: f64) -> FilterPolynomial {
    if instant < 0.0 {
        return before(trajectory, output, origin);
    }
    if instant > trajectory.duration() {
        return after(trajectory, output, origin - trajectory.duration());
    }
    let (segment, _) = trajectory.locate(instant);
    let source = trajectory.segment(segment);
    let mut polynomial = [0.0; MAX_DEGREE + 1];
    let used = &mut polynomial[..=trajectory.degree()];
    used.copy_from_slice(source.polynomial(output));
    shift(used, origin - trajectory.knots()[segment]);
    polynomial
}

/// How an output comes to its beginning, in powers of the time since `origin`, which is counted from there.
fn before(trajectory: &Trajectory, output: usize, origin: f64) -> FilterPolynomial {
    line(trajectory.segment(0).polynomial(output), 0.0, origin)
}

/// How an output goes on from its end, in powers of the time since `origin`, which is counted from there.
fn after(trajectory: &Trajectory, output: usize, origin: f64) -> FilterPolynomial {
    let last = trajectory.segment(trajectory.len() - 1);
    line(last.polynomial(output), last.duration, origin)
}

/// The tangent of a polynomial at `t`, in powers of the time since `origin` seconds after `t`.
fn line(polynomial: &[f64], t: f64, origin: f64) -> FilterPolynomial {
    let [value, slope] = [0, 1].map(|order| derivative(polynomial, order, t));
    let mut line = [0.0; MAX_DEGREE + 1];
    (line[0], line[1]) = (value + slope * origin, slope);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Two outputs with continuous velocities and jumping accelerations, at rest at both ends or not.
    fn trajectory() -> impl Strategy<Value = Trajectory> {
        let piece = (0.02..1.0, prop_oneof![3 => -5.0..5.0, 1 => Just(0.0)], -5.0..5.0);
        let start = prop_oneof![Just(0.0), -2.0..2.0];
        (prop::collection::vec(piece, 1..7), start).prop_map(|(pieces, start)| {
            let mut made = Trajectory::new(2, 2);
            let (mut p, mut v) = ([0.3, -0.2], [start, 0.0]);
            for (duration, a, b) in pieces {
                made.push(duration, &[p[0], v[0], 0.5 * a, p[1], v[1], 0.5 * b]);
                for (i, a) in [a, b].into_iter().enumerate() {
                    p[i] += duration * (v[i] + 0.5 * a * duration);
                    v[i] += duration * a;
                }
            }
            made
        })
    }

    fn evaluate(trajectory: &Trajectory, t: f64, order: usize) -> [f64; 2] {
        let mut values = [0.0; 2];
        trajectory.evaluate(t, order, &mut values);
        values
    }

    /// A trajectory beyond its ends too.
    fn beyond(trajectory: &Trajectory, t: f64) -> [f64; 2] {
        let near = t.clamp(0.0, trajectory.duration());
        let [p, v] = [0, 1].map(|order| evaluate(trajectory, near, order));
        [0, 1].map(|i| p[i] + (t - near) * v[i])
    }

    /// The mean over the window, by the midpoint rule.
    fn numerically(trajectory: &Trajectory, width: f64, t: f64) -> [f64; 2] {
        const PARTS: u32 = 4000;
        let mut sum = [0.0; 2];
        for i in 0..PARTS {
            let at = beyond(trajectory, t - width * (f64::from(i) + 0.5) / f64::from(PARTS));
            (sum[0], sum[1]) = (sum[0] + at[0], sum[1] + at[1]);
        }
        sum.map(|s| s / f64::from(PARTS))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_the_mean_over_the_window(t in trajectory(), width in 0.01..1.5, share in 0.0..=1.0) {
            let averaged = moving_average(&t, width);
            prop_assert!((averaged.duration() - t.duration() - width).abs() < 1e-9);
            let at = share * averaged.duration();
            let (got, want) = (evaluate(&averaged, at, 0), numerically(&t, width, at));
            prop_assert!((0..2).all(|i| (got[i] - want[i]).abs() < 1e-5), "{got:?} {want:?}");
        }

        #[test]
        fn derivatives_are_continuous_and_within_bounds(t in trajectory(), first in 0.01..1.0, second in 0.01..1.0) {
            let averaged = moving_average(&moving_average(&t, first), second);
            prop_assert_eq!(averaged.degree(), 4);
            for order in 0..4 {
                let jump = averaged.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                prop_assert!(jump < [1e-12, 1e-11, 1e-9, 1e-7][order], "order {} jumps by {}", order, jump);
            }
            for output in 0..2 {
                for order in 1..3 {
                    let (of, bound) = (averaged.extrema(output, order), t.extrema(output, order));
                    // Before the beginning and after the end there is no acceleration.
                    let (least, most) = if order == 2 { (bound.min.min(0.0), bound.max.max(0.0)) } else { (bound.min, bound.max) };
                    prop_assert!(of.min >= least - 1e-9 && of.max <= most + 1e-9);
                }
                let bend = averaged.extrema(output, 4).magnitude().0;
                let greatest = t.extrema(output, 2).magnitude().0;
                prop_assert!(bend <= 4.0 * greatest / (first * second) * (1.0 + 1e-6) + 1e-6);
            }
        }

        #[test]
        fn ends_and_courses_are_kept(t in trajectory(), width in 0.01..1.0) {
            let averaged = moving_average(&t, width);
            let end = t.duration();
            for (at, of, way) in [(0.0, 0.0, -0.5 * width), (averaged.duration(), end, 0.5 * width)] {
                let (got, want) = (evaluate(&averaged, at, 0), beyond(&t, of + way));
                prop_assert!((0..2).all(|i| (got[i] - want[i]).abs() < 1e-11), "{got:?} {want:?}");
                let (got, want) = (evaluate(&averaged, at, 1), evaluate(&t, of, 1));
                prop_assert!((0..2).all(|i| (got[i] - want[i]).abs() < 1e-11), "{got:?} {want:?}");
                prop_assert!(evaluate(&averaged, at, 2).iter().all(|a| a.abs() < 1e-9));
            }
            let most = [0, 1].map(|output| t.extrema(output, 2).magnitude().0);
            for i in 0..=50 {
                let at = end * f64::from(i) / 50.0;
                let (course, got) = (beyond(&t, at), evaluate(&averaged, at + 0.5 * width, 0));
                for output in 0..2 {
                    let off = (got[output] - course[output]).abs();
                    prop_assert!(off <= most[output] * width * width / 24.0 + 1e-11, "{off}");
                }
            }
        }
    }

    #[test]
    fn outputs_run_side_by_side() {
        let line = |duration: f64, acceleration: f64| {
            let mut t = Trajectory::new(2, 2);
            let half = 0.5 * duration;
            let (p, v) = (0.5 * acceleration * half * half, acceleration * half);
            t.push(half, &[0.0, 0.0, 0.5 * acceleration, 1.0, 0.0, 0.5 * acceleration]);
            t.push(half, &[p, v, -0.5 * acceleration, 1.0 + p, v, -0.5 * acceleration]);
            t
        };
        let (first, second) = (line(2.0, 1.0), line(1.0, 3.0));
        let both = side_by_side(&first, &moving_average(&second, 0.2), 0.5, |output| output == 1);
        assert_eq!((both.duration(), both.degree()), (2.0, 3));
        for i in 0..=100 {
            let t = f64::from(i) / 50.0;
            assert!((evaluate(&both, t, 0)[0] - evaluate(&first, t, 0)[0]).abs() < 1e-14);
            let averaged = moving_average(&second, 0.2);
            let local = (t - 0.5).clamp(0.0, averaged.duration());
            assert!((evaluate(&both, t, 0)[1] - evaluate(&averaged, local, 0)[1]).abs() < 1e-14);
        }
    }

    #[test]
    fn a_straight_line_stays_straight() {
        let mut t = Trajectory::new(2, 2);
        t.push(0.5, &[1.0, 0.0, 1.5, 2.0, 0.0, -0.75]);
        t.push(0.5, &[1.375, 1.5, -1.5, 1.8125, -0.75, 0.75]);
        let averaged = moving_average(&moving_average(&t, 0.3), 0.1);
        for i in 0..=100 {
            let [x, y] = evaluate(&averaged, averaged.duration() * f64::from(i) / 100.0, 0);
            assert!((0.5 * (x - 1.0) + (y - 2.0)).abs() < 1e-14);
        }
        assert_eq!(evaluate(&averaged, 0.0, 0), [1.0, 2.0]);
        assert!((evaluate(&averaged, averaged.duration(), 0)[0] - 1.75).abs() < 1e-14);
    }
}

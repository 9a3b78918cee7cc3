//! From points in time to the trajectory that a controller makes of them.

use crate::trajectory::{Trajectory, cubic};
use std::collections::BTreeSet;
use std::fmt;

/// What a file says of one instant; velocities and accelerations may be missing (empty).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TrajectoryPoint {
    /// Seconds.
    pub(super) time: f64,
    /// One per joint, rad or m.
    pub(super) position: Vec<f64>,
    /// One per joint, rad/s or m/s, or none.
    pub(super) velocity: Vec<f64>,
    /// One per joint, rad/s^2 or m/s^2, or none.
    pub(super) acceleration: Vec<f64>,
}

/// What lies between the points of a file: lines, cubics or quintics, by what they carry. Prints so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpolation {
    /// Degrees of the polynomials.
    powers: BTreeSet<usize>,
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |power: &usize| match power {
            1 => "lines",
            3 => "cubics",
            _ => "quintics",
        };
        let names: Vec<&str> = self.powers.iter().map(name).collect();
        f.write_str(&names.join(" and "))
    }
}

/// The trajectory through `points`, whose times increase strictly; it begins with the first.
///
/// Between two points it does what ros2_control's `joint_trajectory_controller` does, by what both
/// of them carry: a line through positions; a cubic through positions and velocities; a quintic
/// through positions, velocities and accelerations.
pub(super) fn through(points: &[TrajectoryPoint]) -> (Trajectory, Interpolation) {
    let dof = points[0].position.len();
    let power = |pair: &[TrajectoryPoint]| {
        let both = |values: fn(&TrajectoryPoint) -> &Vec<f64>| pair.iter().all(|p| !values(p).is_empty());
        match (both(|p| &p.velocity), both(|p| &p.acceleration)) {
            (true, true) => 5,
            (true, false) => 3,
            (false, _) => 1,
        }
    };
    let powers: BTreeSet<usize> = points.windows(2).map(power).collect();
    let degree = powers.last().copied().unwrap_or(1);
    let mut trajectory = Trajectory::new(dof, degree);
    let mut coefficients = vec![0.0; dof * (degree + 1)];
    for pair in points.windows(2) {
        let duration = Span { duration: pair[1].time - pair[0].time, ends: pair[1].time };
        coefficients.fill(0.0);
        for (i, c) in coefficients.chunks_exact_mut(degree + 1).enumerate() {
            let p = [pair[0].position[i], pair[1].position[i]];
            match power(pair) {
                1 => c[..2].copy_from_slice(&[p[0], (p[1] - p[0]) / duration.duration]),
                3 => {
                    let v = [pair[0].velocity[i], pair[1].velocity[i]];
                    let exact = exact_parabola(duration, p, v);
                    c[..4].copy_from_slice(&exact.unwrap_or_else(|| cubic(duration.duration, p, v)));
                }
                _ => {
                    let v = [pair[0].velocity[i], pair[1].velocity[i]];
                    let a = [pair[0].acceleration[i], pair[1].acceleration[i]];
                    match exact_cubic(duration, p, v, a) {
                        Some(exact) => c[..4].copy_from_slice(&exact),
                        None => c[..6].copy_from_slice(&quintic(duration.duration, p, v, a)),
                    }
                }
            }
        }
        trajectory.push(duration.duration, &coefficients);
    }
    (trajectory, Interpolation { powers })
}

/// The time from one point to the next.
#[derive(Clone, Copy)]
struct Span {
    /// Seconds.
    duration: f64,
    /// When it ends, seconds: the later, the more the rounding of times blurs the duration.
    ends: f64,
}

/// How far a sum of terms is off by rounding, at most, relative to them all.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Most that it may be taken for, relative to values above 1: what is left out becomes a jump at the next knot.
const MOST_ROUNDING: f64 = 1e-13;

impl Span {
    /// Whether the first of the terms is the sum of the others up to rounding, where it changes at these rates.
    fn adds_up<const N: usize>(self, sum: f64, terms: [f64; N], rates: [f64; 2]) -> bool {
        let size = sum.abs() + terms.iter().map(|term| term.abs()).sum::<f64>();
        let blur = self.ends.abs() * (rates[0].abs() + rates[1].abs());
        let rounding = (ROUNDING * size + f64::EPSILON * blur).min(MOST_ROUNDING * (1.0 + size));
        (sum - terms.iter().sum::<f64>()).abs() <= rounding
    }
}

/// The parabola with given velocities at both ends, where it leads from one position to the other up to their rounding.
/// Over a brief time that says more of the acceleration than the positions do, whose rounding is divided by the square
/// of the time.
fn exact_parabola(span: Span, p: [f64; 2], v: [f64; 2]) -> Option<[f64; 4]> {
    let t = span.duration;
    let fits = span.adds_up(p[1], [p[0], 0.5 * t * v[0], 0.5 * t * v[1]], v);
    fits.then(|| [p[0], v[0], 0.5 * (v[1] - v[0]) / t, 0.0])
}

/// The same by accelerations: the cubic whose acceleration changes evenly from one to the other.
fn exact_cubic(span: Span, p: [f64; 2], v: [f64; 2], a: [f64; 2]) -> Option<[f64; 4]> {
    let t = span.duration;
    let fits = span.adds_up(v[1], [v[0], 0.5 * t * a[0], 0.5 * t * a[1]], a)
        && span.adds_up(p[1], [p[0], t * v[0], t * t * a[0] / 3.0, t * t * a[1] / 6.0], v);
    fits.then(|| [p[0], v[0], 0.5 * a[0], (a[1] - a[0]) / (6.0 * t)])
}

/// The quintic with given positions, velocities and accelerations at both ends.
pub(super) fn quintic(t: f64, p: [f64; 2], v: [f64; 2], a: [f64; 2]) -> [f64; 6] {
    // What is left of each end value after the first three terms, scaled to unit time.
    let dp = p[1] - p[0] - t * (v[0] + 0.5 * t * a[0]);
    let dv = t * (v[1] - v[0] - t * a[0]);
    let da = t * t * (a[1] - a[0]);
    let scaled =
        [10.0 * dp - 4.0 * dv + 0.5 * da, -15.0 * dp + 7.0 * dv - da, 6.0 * dp - 3.0 * dv + 0.5 * da];
    let t3 = t * t * t;
    [p[0], v[0], 0.5 * a[0], scaled[0] / t3, scaled[1] / (t3 * t), scaled[2] / (t3 * t * t)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::derivative;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn splines_meet_both_ends(
            t in 0.1..5.0, p in prop::array::uniform2(-3.0..3.0),
            v in prop::array::uniform2(-3.0..3.0), a in prop::array::uniform2(-3.0..3.0),
        ) {
            let (c, q) = (cubic(t, p, v), quintic(t, p, v, a));
            for (end, at) in [0.0, t].into_iter().enumerate() {
                for (order, wanted) in [p[end], v[end], a[end]].into_iter().enumerate() {
                    let close = |c: &[f64]| {
                        let value: f64 = derivative(c, order, at);
                        (value - wanted).abs() < 1e-9
                    };
                    prop_assert!(order == 2 || close(&c));
                    prop_assert!(close(&q));
                }
            }
        }
    }

    /// A piece of a microsecond, far from zero: its acceleration is that of the motion and not that of rounding.
    #[test]
    fn brief_pieces_keep_their_acceleration() {
        for t in [1e-9, 1e-7, 1e-6, 1e-5, 1e-3, 0.1] {
            let (p, v, a, j) = (3.0, 1.5, -7.0, 40.0);
            let point = |t: f64, j: f64| TrajectoryPoint {
                time: t,
                position: vec![p + t * (v + t * (a / 2.0 + t * j / 6.0))],
                velocity: vec![v + t * (a + t * j / 2.0)],
                acceleration: vec![a + t * j],
            };
            let mut points = [point(0.0, 0.0), point(t, 0.0)];
            points.iter_mut().for_each(|point| point.acceleration.clear());
            let (read, _) = through(&points);
            let at = |read: &Trajectory, t: f64| derivative(read.segment(0).polynomial(0), 2, t);
            assert!([0.0, t].iter().all(|&s| (at(&read, s) - a).abs() < 1e-6), "{t}: {read:?}");
            let (read, _) = through(&[point(0.0, j), point(t, j)]);
            for s in [0.0, 0.5 * t, t] {
                assert!((at(&read, s) - (a + s * j)).abs() < 1e-9, "{t}: {read:?}");
            }
        }
    }

    #[test]
    fn what_both_ends_carry_decides() {
        let point = |time: f64, n: usize| TrajectoryPoint {
            time,
            position: vec![time * time],
            velocity: if n > 0 { vec![2.0 * time] } else { vec![] },
            acceleration: if n > 1 { vec![2.0] } else { vec![] },
        };
        let (t, interpolation) = through(&[point(1.0, 0), point(2.0, 1), point(3.0, 2), point(4.0, 2)]);
        assert_eq!(interpolation.to_string(), "lines and cubics and quintics");
        assert_eq!((t.degree(), t.len(), t.duration()), (5, 3, 3.0));
        assert_eq!(t.segment(0).polynomial(0), [1.0, 3.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(t.segment(1).polynomial(0), [4.0, 4.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(t.segment(2).polynomial(0), [9.0, 6.0, 1.0, 0.0, 0.0, 0.0]);
    }
}

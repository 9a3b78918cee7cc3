//! The path of a trajectory as curves, so that it can be driven faster or slower: of bases whose outputs are their
//! coordinates, and of what they carry.
//!
//! Between two instants of motion a polynomial of time is a regular curve already. Where it begins or ends at rest its
//! derivative vanishes: a straight piece becomes a line, and of any other the part next to the rest a cubic of the same
//! ends and tangents. So does a piece of a higher degree than that.

use super::curve::{CURVE_DEGREE, Coefficients, Curve, DriveDirection, jet, shifted};
use super::path_limits::PathLimits;
use super::time_parameterization::{EndSpeeds, TimeParameterization};
use crate::stop::Stop;
use crate::trajectory::{Segment, Trajectory};

/// Degree of curves: polynomials of time along them have twice as much.
const DEGREE: usize = 3;

/// What is below this share of how far a piece goes is rounding.
const ROUNDING: f64 = 1e-9;

/// Two directions of tangents are one where they differ by no more than this: a velocity that jumps by so little jumps by
/// rounding.
const SAME_DIRECTION: f64 = 1e-12;

/// Of a piece that bends and begins or ends at rest so much, of its time, becomes a cubic: far less than a thousandth
/// of a piece beside it.
const NEAR_REST: f64 = 0.125;

/// The trajectory on the path of `trajectory` that is as fast as `limits` allow, whose ends move as they do there. `None`
/// where there is none, or none is found before `stop` is due.
pub fn retimed(limits: &PathLimits, trajectory: &Trajectory, stop: &Stop) -> Option<Trajectory> {
    let runs = curves_along(trajectory)?;
    let speed = |t: f64| {
        let mut velocity = vec![0.0; trajectory.dof()];
        trajectory.evaluate(t, 1, &mut velocity);
        norm(&velocity)
    };
    let [first, last] = [0.0, trajectory.duration()].map(speed);
    let mut whole = Trajectory::new(trajectory.dof(), 1);
    for (i, run) in runs.iter().enumerate() {
        let ends = EndSpeeds {
            first: Some(if i == 0 { first } else { 0.0 }),
            last: Some(if i + 1 == runs.len() { last } else { 0.0 }),
        };
        whole.append(&TimeParameterization::fastest_until(limits, run, ends, stop)?.trajectory(run));
    }
    (!whole.is_empty()).then_some(whole)
}

/// The curves along a trajectory, in runs between whose ends it need not stop. `None` where its degree is too high, or
/// nothing moves.
fn curves_along(trajectory: &Trajectory) -> Option<Vec<Vec<Curve>>> {
    if trajectory.degree() > CURVE_DEGREE || trajectory.dof() < 3 {
        return None;
    }
    let mut runs: Vec<Vec<Curve>> = Vec::new();
    for piece in trajectory.segments().filter_map(|segment| Piece::of(&segment)) {
        for curve in piece.curves() {
            match runs.last_mut() {
                Some(run) if goes_on(run.last(), &curve) => run.push(curve),
                _ => runs.push(vec![curve]),
            }
        }
    }
    (!runs.is_empty()).then_some(runs)
}

/// Whether a curve goes on in the direction in which the one before it ends.
fn goes_on(before: Option<&Curve>, after: &Curve) -> bool {
    let Some(before) = before else { return false };
    let [left, right] = [unit(&tangent(before, 1.0)), unit(&tangent(after, 0.0))];
    left.iter().zip(&right).all(|(a, b)| (a - b).abs() <= SAME_DIRECTION)
}

fn tangent(curve: &Curve, u: f64) -> Vec<f64> {
    curve.outputs().map(|p| jet(p, u)[1]).collect()
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn unit(v: &[f64]) -> Vec<f64> {
    let length = norm(v);
    v.iter().map(|x| x / length).collect()
}

/// A piece of a trajectory by a parameter from 0 to 1, which stands for its time: a polynomial for each output.
struct Piece(Vec<Coefficients>);

impl Piece {
    /// `None` of what stands.
    fn of(segment: &Segment<'_>) -> Option<Self> {
        let unit = |output: usize| {
            let mut p = [0.0; CURVE_DEGREE + 1];
            let mut scale = 1.0;
            for (power, c) in p.iter_mut().zip(segment.polynomial(output)) {
                *power = c * scale;
                scale *= segment.duration;
            }
            p
        };
        let piece = Self((0..segment.dof).map(unit).collect());
        (piece.size() > 0.0).then_some(piece)
    }

    /// How far it may go.
    fn size(&self) -> f64 {
        (1..=CURVE_DEGREE).map(|power| norm(&self.powers(power))).sum()
    }

    fn powers(&self, power: usize) -> Vec<f64> {
        self.0.iter().map(|p| p[power]).collect()
    }

    fn at(&self, u: f64, order: usize) -> Vec<f64> {
        self.0.iter().map(|p| jet(p, u)[order]).collect()
    }

    /// Whether it begins (0) or ends (1) at rest.
    fn rests(&self, end: f64) -> bool {
        norm(&self.at(end, 1)) <= ROUNDING * self.size()
    }

    /// The direction in which it leaves or comes to an end at rest: of the first derivative that is there.
    fn direction(&self, end: f64) -> Vec<f64> {
        let size = self.size();
        for order in 1..5 {
            let derivative = self.at(end, order);
            if norm(&derivative) > ROUNDING * size {
                // Just before the end the first derivative has its sign, by turns.
                let sign = if end > 0.0 && order % 2 == 0 { -1.0 } else { 1.0 };
                return unit(&derivative).into_iter().map(|x| sign * x).collect();
            }
        }
        unit(&self.displacement())
    }

    fn displacement(&self) -> Vec<f64> {
        self.at(1.0, 0).iter().zip(self.at(0.0, 0)).map(|(to, from)| to - from).collect()
    }

    /// Whether all of it lies on the line between its ends, and leads along it from one to the other.
    fn is_straight(&self) -> bool {
        let way = self.displacement();
        let length = norm(&way);
        if length <= ROUNDING * self.size() {
            return false;
        }
        let along = unit(&way);
        let dot = |v: &[f64]| v.iter().zip(&along).map(|(x, d)| x * d).sum::<f64>();
        let is_aside = |power: usize| {
            let v = self.powers(power);
            let ahead = dot(&v);
            let aside: Vec<f64> = v.iter().zip(&along).map(|(x, d)| x - ahead * d).collect();
            norm(&aside) > ROUNDING * self.size()
        };
        let goes_back = |k: i32| dot(&self.at(f64::from(k) / 8.0, 1)) < -ROUNDING * self.size();
        !(1..=CURVE_DEGREE).any(is_aside) && !(0..=8).any(goes_back)
    }

    /// What lies between two parameters.
    fn part(&self, from: f64, to: f64) -> Self {
        let part = |p: &Coefficients| {
            let mut p = shifted(p, from);
            let mut scale = 1.0;
            for c in &mut p {
                *c *= scale;
                scale *= to - from;
            }
            p
        };
        Self(self.0.iter().map(part).collect())
    }

    /// Regular curves along it.
    fn curves(&self) -> Vec<Curve> {
        let (begins, ends) = (self.rests(0.0), self.rests(1.0));
        if !begins && !ends {
            return vec![self.between()];
        }
        if self.is_straight() {
            return vec![self.line()];
        }
        let [from, to] = [if begins { NEAR_REST } else { 0.0 }, if ends { 1.0 - NEAR_REST } else { 1.0 }];
        let before = begins.then(|| self.part(0.0, from).bow());
        let after = ends.then(|| self.part(to, 1.0).bow());
        let between = self.part(from, to).between();
        before.into_iter().chain([between]).chain(after).collect()
    }

    /// Itself, or where its degree is higher the cubic with the same ends and tangents.
    fn between(&self) -> Curve {
        if self.0.iter().all(|p| p[DEGREE + 1..].iter().all(|&c| c == 0.0)) {
            return curve(self.0.clone());
        }
        let [first, last] = [0.0, 1.0].map(|end| self.at(end, 1));
        self.cubic(&first, &last)
    }

    fn line(&self) -> Curve {
        let straight = |p: &Coefficients| {
            let mut line = [0.0; CURVE_DEGREE + 1];
            (line[0], line[1]) = (p[0], jet(p, 1.0)[0] - p[0]);
            line
        };
        curve(self.0.iter().map(straight).collect())
    }

    /// The cubic with the same ends and tangents, these as long as the way between.
    fn bow(&self) -> Curve {
        let length = norm(&self.displacement());
        let [first, last] = [0.0, 1.0].map(|end| self.direction(end));
        let scaled = |direction: Vec<f64>| direction.into_iter().map(|x| length * x).collect::<Vec<f64>>();
        self.cubic(&scaled(first), &scaled(last))
    }

    /// The cubic with the same ends and these tangents.
    fn cubic(&self, first: &[f64], last: &[f64]) -> Curve {
        let cubic = |(output, p): (usize, &Coefficients)| {
            let (a, b) = (p[0], jet(p, 1.0)[0]);
            let (v, w) = (first[output], last[output]);
            let mut cubic = [0.0; CURVE_DEGREE + 1];
            cubic[..4].copy_from_slice(&[a, v, 3.0 * (b - a) - 2.0 * v - w, v + w - 2.0 * (b - a)]);
            cubic
        };
        curve(self.0.iter().enumerate().map(cubic).collect())
    }
}

/// A curve of these outputs: x, y, the heading, and the joints that are carried.
fn curve(outputs: Vec<Coefficients>) -> Curve {
    let mut outputs = outputs.into_iter();
    let mut next = || outputs.next().unwrap_or([0.0; CURVE_DEGREE + 1]);
    let (x, y, heading) = (next(), next(), next());
    Curve {
        direction: DriveDirection::Forward,
        is_spatial: false,
        place: [x, y, [0.0; CURVE_DEGREE + 1]],
        heading_reference: heading,
        arm: outputs.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Base, Moved, tests::omnidirectional};
    use crate::robot::OutputLimits;
    use proptest::prelude::*;

    /// Cubics from rest by way of moving states, and a stop at a corner, to rest.
    fn trajectory(knots: &[[f64; 4]], velocities: &[[f64; 4]]) -> Trajectory {
        let mut trajectory = Trajectory::new(4, 3);
        for (p, v) in knots.windows(2).zip(velocities.windows(2)) {
            let cubic = |i: usize| {
                let way = p[1][i] - p[0][i];
                [p[0][i], v[0][i], 3.0 * way - 2.0 * v[0][i] - v[1][i], v[0][i] + v[1][i] - 2.0 * way]
            };
            trajectory.push(1.0, &(0..4).flat_map(cubic).collect::<Vec<_>>());
        }
        trajectory
    }

    proptest! {
        /// The same path, within all limits, and continuous; and some limit is in use nearly everywhere.
        #[test]
        fn paths_are_driven_as_fast_as_limits_allow(
            inner in prop::collection::vec(prop::array::uniform4(-1.0..1.0_f64), 4),
            moving in prop::collection::vec(prop::array::uniform4(-1.0..1.0_f64), 4),
            has_wheels in any::<bool>(), stops in any::<bool>(),
        ) {
            let base = omnidirectional(has_wheels);
            let arm = OutputLimits { velocity: 0.7, acceleration: 1.5, ..OutputLimits::NONE };
            let limits = PathLimits::new(base.clone(), vec![arm], 1e-3);
            let mut velocities = moving.clone();
            (velocities[0], velocities[3]) = ([0.0; 4], [0.0; 4]);
            if stops {
                velocities[1] = [0.0; 4];
            }
            let given = trajectory(&inner, &velocities);
            let Some(fast) = retimed(&limits, &given, &Stop::NEVER) else {
                return Err(TestCaseError::reject("no law on this grid"));
            };
            for (order, most) in [(0, 1e-9), (1, 1e-8)] {
                let jump = fast.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                prop_assert!(jump < most, "{order}: {jump}");
            }
            let mut moved = Moved::default();
            let (mut used, mut samples) = (0, 0);
            for segment in fast.segments() {
                for k in 0..=8 {
                    let t = segment.duration * f64::from(k) / 8.0;
                    base.map(&base.flat(&segment, t), &mut moved).unwrap();
                    let share = |l: &crate::base::Limited<f64>| l.value.value().abs() / l.bounds[1];
                    let of_arm = |order: usize| {
                        crate::trajectory::derivative(segment.polynomial(3), order, t).abs()
                    };
                    let arm = (of_arm(1) / 0.7).max(of_arm(2) / 1.5);
                    let most = moved.limits.iter().map(share).fold(arm, f64::max);
                    prop_assert!(most <= 1.0, "{most}");
                    samples += 1;
                    used += usize::from(most > 0.7);
                    // It is on the path: some instant of the given one is near.
                    let mut here = vec![0.0; 4];
                    segment.evaluate(t, 0, &mut here);
                    if k == 4 {
                        let off = |i: usize| {
                            let mut there = vec![0.0; 4];
                            given.evaluate(3.0 * i as f64 / 6000.0, 0, &mut there);
                            norm(&here.iter().zip(&there).map(|(a, b)| a - b).collect::<Vec<_>>())
                        };
                        let off = (0..=6000).map(off).fold(f64::INFINITY, f64::min);
                        prop_assert!(off < 5e-3, "{off} off the path");
                    }
                }
            }
            prop_assert!(2 * used > samples, "{used} of {samples}");
            prop_assert!(matches!(base, Base::Omnidirectional(_)));
        }
    }
}

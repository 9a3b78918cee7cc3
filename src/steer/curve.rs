//! Curves that a nonholonomic base can follow: polynomials between two stances, ahead or in
//! reverse, and turns on the spot.
//!
//! A curve is a path: its parameter u runs from 0 to 1, whatever time it takes
//! ([`super::TimeParameterization`]). It is regular, P'(u) != 0, so that heading, curvature and whatever hangs on
//! them are smooth functions of u, at rest too.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Degree of the polynomials. What needs no more is a cubic or a quintic.
pub const CURVE_DEGREE: usize = 7;

/// Coefficients, ascending powers.
pub type Coefficients = [f64; CURVE_DEGREE + 1];

/// Farthest that a heading reference may be from the heading, rad: a margin to the quarter turn beyond which the
/// heading would be taken for its opposite.
const GUIDED: f64 = FRAC_PI_2 - 0.2;

/// Ends of a curve closer together than this, metres, leave no room for one.
const NEAREST: f64 = 1e-6;

/// Headings of a curve are looked at in so many steps.
const HEADINGS: usize = 15;

/// How a base goes along a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveDirection {
    /// Nose first.
    Forward,
    /// Tail first.
    Reverse,
    /// It turns where it stands, or stands.
    Pivot,
}

impl DriveDirection {
    /// 1 ahead, -1 back.
    pub fn sign(self) -> f64 {
        if self == Self::Reverse { -1.0 } else { 1.0 }
    }

    /// Whether a curve of this direction is followed by a stop before one of direction `next`.
    pub(crate) fn stops_before(self, next: Self) -> bool {
        next != self || next == Self::Pivot
    }
}

/// Where a base stands, which way it points, and what its arm does there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathState {
    /// The place of its axle (or of its centre), metres.
    pub place: [f64; 3],
    /// Yaw, rad.
    pub heading: f64,
    /// Pitch, rad; positive lifts the nose.
    pub pitch: f64,
    /// Curvature of the path through here as for driving ahead, 1/m, positive to the left; `None` where
    /// any will do.
    pub curvature: Option<f64>,
    /// Derivative of that by the length of the path, likewise, 1/m^2; `None` where any will do.
    pub curvature_rate: Option<f64>,
    /// Speed that it must have here, m/s, negative backwards; zero where it may stand.
    pub speed: f64,
    /// Positions of the joints that it carries, rad or m.
    pub arm: Vec<f64>,
    /// Derivatives of those by the length of the path; none where there are no entries.
    pub arm_slopes: Vec<f64>,
}

impl PathState {
    /// The unit vector of its nose.
    pub fn nose(&self) -> [f64; 3] {
        let ((sin, cos), (rise, level)) = (self.heading.sin_cos(), self.pitch.sin_cos());
        [level * cos, level * sin, rise]
    }

    /// Second and third derivative of a curve that leaves in direction `d` with a tangent of length `m`, as far
    /// as they are given, along axis `i`.
    fn derivatives(&self, sign: f64, d: [f64; 3], m: f64, i: usize) -> [Option<f64>; 2] {
        // To the left of the way it goes; the curvature in reverse has the opposite sign.
        let left = [-d[1], d[0], 0.0][i];
        let second = self.curvature.map(|k| sign * k * m * m * left);
        let third = self.curvature.zip(self.curvature_rate).map(|(k, curvature_rate)| m.powi(3) * (curvature_rate * left - k * k * d[i]));
        [second, third]
    }

    fn arm_slope(&self, joint: usize) -> f64 {
        self.arm_slopes.get(joint).copied().unwrap_or(0.0)
    }
}

/// A path over u in [0, 1] and how it is followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// How the base goes.
    pub direction: DriveDirection,
    /// Whether it leads through space; else it lies in the x-y plane and has a heading reference.
    pub is_spatial: bool,
    /// x, y, z.
    pub place: [Coefficients; 3],
    /// A polynomial that stays within a quarter turn of the heading; of a turn, the heading itself.
    pub heading_reference: Coefficients,
    /// The joints that the base carries.
    pub arm: Vec<Coefficients>,
}

impl Curve {
    /// The curve from `from` to `to` with tangents of these lengths at its ends (P' = length * direction):
    /// of least degree for the curvatures that are given, a cubic where none is. Its heading reference is yet to be found,
    /// by [`Curve::with_heading_reference`]: until then it only knows the headings.
    ///
    /// `None` where the ends are no distance apart.
    pub fn join(
        from: &PathState,
        to: &PathState,
        direction: DriveDirection,
        [first, last]: [f64; 2],
        is_spatial: bool,
    ) -> Option<Self> {
        let sign = direction.sign();
        let (d0, d1) = (from.nose().map(|x| sign * x), to.nose().map(|x| sign * x));
        let axis = |i: usize| {
            let ends = [from.place[i], first * d0[i], to.place[i], last * d1[i]];
            let [begin, end] =
                [(from, d0, first), (to, d1, last)].map(|(s, d, m)| s.derivatives(sign, d, m, i));
            match (begin, end) {
                ([a0, Some(j0)], [a1, Some(j1)]) => {
                    septic(ends, [a0.unwrap_or(0.0), j0, a1.unwrap_or(0.0), j1])
                }
                ([a0, _], [a1, _]) => hermite(ends, a0, a1),
            }
        };
        let place = [axis(0), axis(1), if is_spatial { axis(2) } else { [0.0; 8] }];
        let distance = (0..3).map(|i| (to.place[i] - from.place[i]).powi(2)).sum::<f64>().sqrt();
        if distance < NEAREST {
            return None;
        }
        let joint = |j: usize| {
            let slopes = [from.arm_slope(j) * first, to.arm_slope(j) * last];
            hermite([from.arm[j], slopes[0], to.arm[j], slopes[1]], None, None)
        };
        let arm = (0..from.arm.len()).map(joint).collect();
        let mut heading_reference = constant(from.heading);
        heading_reference[1] = to.heading - from.heading;
        Some(Self { direction, is_spatial, place, heading_reference, arm })
    }

    /// A straight line in the plane at the heading of `from`, where `to` lies on it.
    pub fn line(from: &PathState, to: &PathState, direction: DriveDirection) -> Self {
        let straight = |i: usize| [from.place[i], to.place[i] - from.place[i], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let joint = |(&a, &b): (&f64, &f64)| hermite([a, 0.0, b, 0.0], None, None);
        Self {
            direction,
            is_spatial: false,
            place: [straight(0), straight(1), [0.0; 8]],
            heading_reference: constant(from.heading),
            arm: from.arm.iter().zip(&to.arm).map(joint).collect(),
        }
    }

    /// A turn on the spot to another heading, by as much as that differs, while the arm moves too; or a
    /// stand, where it does not differ.
    pub fn turn(from: &PathState, heading: f64, arm: &[f64]) -> Self {
        let mut heading_reference = constant(from.heading);
        heading_reference[1] = heading - from.heading;
        let joint = |(&a, &b): (&f64, &f64)| hermite([a, 0.0, b, 0.0], None, None);
        Self {
            direction: DriveDirection::Pivot,
            is_spatial: false,
            place: from.place.map(constant),
            heading_reference,
            arm: from.arm.iter().zip(arm).map(joint).collect(),
        }
    }

    /// With a heading reference, which begins at the heading of one end and ends at that of the other: a polynomial through
    /// six values of the heading. `None` where that turns too wildly for it.
    pub fn with_heading_reference(mut self) -> Option<Self> {
        if self.is_spatial {
            return Some(self);
        }
        let [from, to] = [0.0, 1.0].map(|u| value(&self.heading_reference, u));
        let half_turn = if self.direction == DriveDirection::Reverse { PI } else { 0.0 };
        let mut headings = [from; HEADINGS + 1];
        let mut last = from;
        for (i, heading) in headings.iter_mut().enumerate().skip(1) {
            let [[dx, dy, _], ..] = self.velocity(i as f64 / HEADINGS as f64);
            let here = dy.atan2(dx) + half_turn;
            *heading = last + nearest_turn(here - last);
            if (*heading - last).abs() > 1.0 {
                return None;
            }
            last = *heading;
        }
        // The end is that of the stance, to the last digit.
        headings[HEADINGS] = to + TAU * ((last - to) / TAU).round();
        if (headings[HEADINGS] - last).abs() > 1e-6 {
            return None;
        }
        self.heading_reference = through(std::array::from_fn(|k| headings[k * HEADINGS / 5]));
        self.heading_reference[0] = from;
        let near = |(i, &heading): (usize, &f64)| {
            (value(&self.heading_reference, i as f64 / HEADINGS as f64) - heading).abs() < GUIDED
        };
        headings.iter().enumerate().all(near).then_some(self)
    }

    /// The first three derivatives of the place at `u`.
    #[inline]
    pub fn velocity(&self, u: f64) -> [[f64; 3]; 3] {
        let first = |p: &Coefficients| {
            let high = 5.0 * p[5] + u * (6.0 * p[6] + u * 7.0 * p[7]);
            p[1] + u * (2.0 * p[2] + u * (3.0 * p[3] + u * (4.0 * p[4] + u * high)))
        };
        let second = |p: &Coefficients| {
            let high = 20.0 * p[5] + u * (30.0 * p[6] + u * 42.0 * p[7]);
            2.0 * p[2] + u * (6.0 * p[3] + u * (12.0 * p[4] + u * high))
        };
        let third = |p: &Coefficients| {
            let high = 60.0 * p[5] + u * (120.0 * p[6] + u * 210.0 * p[7]);
            6.0 * p[3] + u * (24.0 * p[4] + u * high)
        };
        let [x, y, z] = &self.place;
        if self.is_spatial {
            return [
                [first(x), first(y), first(z)],
                [second(x), second(y), second(z)],
                [third(x), third(y), third(z)],
            ];
        }
        [[first(x), first(y), 0.0], [second(x), second(y), 0.0], [third(x), third(y), 0.0]]
    }

    /// Value and derivatives of the heading reference at `u`.
    pub fn heading_reference_at(&self, u: f64) -> [f64; 5] {
        jet(&self.heading_reference, u)
    }

    /// |P'| at `u`: metres per unit of u.
    pub fn stretch(&self, u: f64) -> f64 {
        let [v, ..] = self.velocity(u);
        (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
    }

    /// The stance at `u`, its curvature as the curve has it.
    pub fn stance(&self, u: f64) -> PathState {
        let place = self.place.map(|p| value(&p, u));
        let arm: Vec<f64> = self.arm.iter().map(|q| value(q, u)).collect();
        let heading_reference = value(&self.heading_reference, u);
        if self.direction == DriveDirection::Pivot {
            return PathState { place, heading: heading_reference, arm, ..PathState::default() };
        }
        let velocity = self.velocity(u);
        let [dx, dy, dz] = velocity[0].map(|v| self.direction.sign() * v);
        let stretch = (dx * dx + dy * dy + dz * dz).sqrt();
        let heading = dy.atan2(dx);
        let is_level = !self.is_spatial;
        let [[vx, vy, _], [ax, ay, _], [jx, jy, _]] = velocity;
        let turn = vx * ay - vy * ax;
        PathState {
            place,
            heading: if is_level { heading_reference + nearest_turn(heading - heading_reference) } else { heading },
            pitch: if is_level { 0.0 } else { dz.atan2(dx.hypot(dy)) },
            speed: 0.0,
            curvature: is_level.then(|| self.direction.sign() * turn / stretch.powi(3)),
            curvature_rate: is_level.then(|| {
                let turned = vx * jy - vy * jx;
                let along = vx * ax + vy * ay;
                (turned - 3.0 * turn * along / (stretch * stretch)) / stretch.powi(4)
            }),
            arm,
            arm_slopes: self.arm.iter().map(|q| jet(q, u)[1] / stretch).collect(),
        }
    }

    /// What lies between two values of u, as a curve of its own.
    #[must_use]
    pub fn part(&self, from: f64, to: f64) -> Self {
        let part = |p: &Coefficients| {
            let mut p = shifted(p, from);
            let mut scale = 1.0;
            for c in &mut p {
                *c *= scale;
                scale *= to - from;
            }
            p
        };
        Self {
            place: [0, 1, 2].map(|i| part(&self.place[i])),
            heading_reference: part(&self.heading_reference),
            arm: self.arm.iter().map(part).collect(),
            ..*self
        }
    }

    /// The same curve with its heading reference turned by whole turns, so that it begins nearest to `heading`.
    #[must_use]
    pub fn turned_to(mut self, heading: f64) -> Self {
        self.heading_reference[0] += TAU * ((heading - self.heading_reference[0]) / TAU).round();
        self
    }

    /// The polynomials of the flat outputs: base first, then arm.
    pub fn outputs(&self) -> impl Iterator<Item = &Coefficients> {
        let third = if self.is_spatial { &self.place[2] } else { &self.heading_reference };
        self.place[..2].iter().chain([third]).chain(&self.arm)
    }

    /// Length of the path, metres, by Simpson's rule.
    pub fn length(&self) -> f64 {
        let weight = |i: usize| if i.is_multiple_of(8) { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
        (0..=8).map(|i| weight(i) * self.stretch(i as f64 / 8.0)).sum::<f64>() / 24.0
    }
}

fn constant(value: f64) -> Coefficients {
    let mut p = [0.0; 8];
    p[0] = value;
    p
}

/// The angle less whole turns: from -pi to pi.
pub fn nearest_turn(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

/// Value at `u` (Horner).
pub fn value(p: &Coefficients, u: f64) -> f64 {
    p.iter().rev().fold(0.0, |sum, c| sum * u + c)
}

/// Value and first four derivatives at `u`.
pub fn jet(p: &Coefficients, u: f64) -> [f64; 5] {
    let shifted = shifted(p, u);
    [shifted[0], shifted[1], 2.0 * shifted[2], 6.0 * shifted[3], 24.0 * shifted[4]]
}

/// In powers of u - `origin` (repeated synthetic division).
pub fn shifted(p: &Coefficients, origin: f64) -> Coefficients {
    let mut p = *p;
    for done in 0..CURVE_DEGREE {
        for k in (done..CURVE_DEGREE).rev() {
            p[k] += origin * p[k + 1];
        }
    }
    p
}

/// The polynomial of least degree with value and derivative `[p0, v0, p1, v1]` at 0 and 1, and those of
/// the second derivatives that are given.
fn hermite([p0, v0, p1, v1]: [f64; 4], a0: Option<f64>, a1: Option<f64>) -> Coefficients {
    let d = p1 - p0;
    let (a0, a1) = match (a0, a1) {
        (Some(a0), Some(a1)) => (a0, a1),
        // Second derivatives at the other end of the quartic, and at both of the cubic.
        (Some(a0), None) => (a0, -12.0 * d + 6.0 * v0 + 6.0 * v1 + a0),
        (None, Some(a1)) => (12.0 * d - 6.0 * v0 - 6.0 * v1 + a1, a1),
        (None, None) => (6.0 * d - 4.0 * v0 - 2.0 * v1, -6.0 * d + 2.0 * v0 + 4.0 * v1),
    };
    [
        p0,
        v0,
        0.5 * a0,
        10.0 * d - 6.0 * v0 - 4.0 * v1 - 1.5 * a0 + 0.5 * a1,
        -15.0 * d + 8.0 * v0 + 7.0 * v1 + 1.5 * a0 - a1,
        6.0 * d - 3.0 * (v0 + v1) - 0.5 * a0 + 0.5 * a1,
        0.0,
        0.0,
    ]
}

/// The polynomial with value and derivative `[p0, v0, p1, v1]`, and second and third derivatives
/// `[a0, j0, a1, j1]`, at 0 and 1.
fn septic([p0, v0, p1, v1]: [f64; 4], [a0, j0, a1, j1]: [f64; 4]) -> Coefficients {
    // What the cubic through the beginning leaves at the end, to be made up for by powers 4 to 7.
    let d = p1 - p0 - v0 - 0.5 * a0 - j0 / 6.0;
    let v = v1 - v0 - a0 - 0.5 * j0;
    let a = a1 - a0 - j0;
    let j = j1 - j0;
    [
        p0,
        v0,
        0.5 * a0,
        j0 / 6.0,
        35.0 * d - 15.0 * v + 2.5 * a - j / 6.0,
        -84.0 * d + 39.0 * v - 7.0 * a + 0.5 * j,
        70.0 * d - 34.0 * v + 6.5 * a - 0.5 * j,
        -20.0 * d + 10.0 * v - 2.0 * a + j / 6.0,
    ]
}

/// The polynomial through values at 0, 1/5, ... 1 (Newton's forward differences).
fn through(values: [f64; 6]) -> Coefficients {
    let mut differences = values;
    for order in 1..6 {
        for k in (order..6).rev() {
            differences[k] -= differences[k - 1];
        }
    }
    // Nested products of (5 u - k) / (k + 1).
    let mut p = [0.0; 8];
    for k in (0..6).rev() {
        let k1 = k as f64 + 1.0;
        let mut next = [0.0; 8];
        for power in 0..6 {
            next[power] -= p[power] * k as f64 / k1;
            if power > 0 {
                next[power] += p[power - 1] * 5.0 / k1;
            }
        }
        next[0] += differences[k];
        p = next;
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stance() -> impl Strategy<Value = PathState> {
        let curvature = prop_oneof![Just(None), Just(Some(0.0)), (-1.0..1.0).prop_map(Some)];
        let place = prop::array::uniform3(-2.0..2.0);
        let arm = prop::collection::vec(-1.0..1.0, 2);
        let curvature_rate = prop_oneof![Just(None), (-1.0..1.0).prop_map(Some)];
        (place, -4.0..4.0, -1.0..1.0, (curvature, curvature_rate), arm.clone(), arm).prop_map(
            |(place, heading, pitch, (curvature, curvature_rate), arm, arm_slopes)| PathState {
                curvature_rate,
                place,
                heading,
                pitch,
                curvature,
                speed: 0.0,
                arm,
                arm_slopes,
            },
        )
    }

    /// A stance in the plane.
    fn level(stance: PathState) -> PathState {
        let [x, y, _] = stance.place;
        PathState { place: [x, y, 0.0], pitch: 0.0, ..stance }
    }

    fn assert_meets(curve: &Curve, u: f64, wanted: &PathState, bends: bool) -> Result<(), TestCaseError> {
        let got = curve.stance(u);
        for i in 0..3 {
            prop_assert!((got.place[i] - wanted.place[i]).abs() < 1e-12);
        }
        prop_assert!(nearest_turn(got.heading - wanted.heading).abs() < 1e-9, "{got:?} {wanted:?}");
        prop_assert!((got.pitch - wanted.pitch).abs() < 1e-9);
        if let (Some(k), false) = (wanted.curvature, curve.is_spatial) {
            prop_assert!((got.curvature.unwrap() - k).abs() < 1e-8, "{got:?} {wanted:?}");
        }
        if let (Some(curvature_rate), true, false) = (wanted.curvature_rate, bends, curve.is_spatial) {
            prop_assert!((got.curvature_rate.unwrap() - curvature_rate).abs() < 1e-6, "{got:?} {wanted:?}");
        }
        for j in 0..2 {
            prop_assert!((got.arm[j] - wanted.arm[j]).abs() < 1e-12);
            prop_assert!((got.arm_slopes[j] - wanted.arm_slopes[j]).abs() < 1e-10);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn curves_meet_their_stances(
            from in stance(), to in stance(), is_back in any::<bool>(), is_spatial in any::<bool>(),
            lengths in prop::array::uniform2(0.5..4.0),
        ) {
            let direction = if is_back { DriveDirection::Reverse } else { DriveDirection::Forward };
            let (from, to) = if is_spatial { (from, to) } else { (level(from), level(to)) };
            if let Some(curve) = Curve::join(&from, &to, direction, lengths, is_spatial)
                .and_then(Curve::with_heading_reference)
            {
                let bends = |s: &PathState| s.curvature.and(s.curvature_rate).is_some();
                let is_septic = bends(&from) && bends(&to);
                assert_meets(&curve, 0.0, &from, is_septic)?;
                assert_meets(&curve, 1.0, &to, is_septic)?;
                let middle = curve.stance(0.4);
                assert_meets(&curve.part(0.4, 0.9), 0.0, &middle, true)?;
                prop_assert_eq!(curve.outputs().count(), 5);
            }
        }

        /// The heading reference stays within a quarter turn of the heading, so that it tells ahead from back.
        #[test]
        fn guides_are_near_headings(
            from in stance(), to in stance(), is_back in any::<bool>(), length in 0.5..4.0, u in 0.0..1.0,
        ) {
            let direction = if is_back { DriveDirection::Reverse } else { DriveDirection::Forward };
            let (from, to) = (level(from), level(to));
            if let Some(curve) = Curve::join(&from, &to, direction, [length; 2], false)
                .and_then(Curve::with_heading_reference)
            {
                let [v, ..] = curve.velocity(u);
                let heading = (direction.sign() * v[1]).atan2(direction.sign() * v[0]);
                prop_assert!(nearest_turn(heading - value(&curve.heading_reference, u)).abs() < FRAC_PI_2);
                prop_assert!((value(&curve.heading_reference, 0.0) - from.heading).abs() < 1e-12);
                prop_assert!(nearest_turn(value(&curve.heading_reference, 1.0) - to.heading).abs() < 1e-9);
            }
        }

        #[test]
        fn polynomials_through_values(values in prop::array::uniform6(-3.0..3.0)) {
            let p = through(values);
            for (k, wanted) in values.into_iter().enumerate() {
                prop_assert!((value(&p, k as f64 / 5.0) - wanted).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn the_degree_is_as_low_as_it_can_be() {
        let ends = [0.3, 1.0, -0.2, 0.5];
        assert_eq!(hermite(ends, None, None)[4..], [0.0; 4]);
        for (a0, a1) in [(Some(0.7), None), (None, Some(-0.4))] {
            let quartic = hermite(ends, a0, a1);
            assert!(quartic[5..].iter().all(|c| c.abs() < 1e-14), "{quartic:?}");
            let [at_0, at_1] = [0.0, 1.0].map(|u| jet(&quartic, u));
            for (got, wanted) in [(at_0[0], 0.3), (at_0[1], 1.0), (at_1[0], -0.2), (at_1[1], 0.5)] {
                assert!((got - wanted).abs() < 1e-12);
            }
            assert!(a0.is_none_or(|a| (at_0[2] - a).abs() < 1e-12));
            assert!(a1.is_none_or(|a| (at_1[2] - a).abs() < 1e-12));
        }
    }

    #[test]
    fn turns_stand_exactly() {
        let from = PathState { place: [1.0, 2.0, 0.0], heading: 0.5, arm: vec![0.2], ..PathState::default() };
        let turn = Curve::turn(&from, -1.0, &[0.6]);
        assert!(turn.place.iter().all(|p| p[1..] == [0.0; 7]));
        assert_eq!((turn.stance(0.0).heading, turn.stance(1.0).heading), (0.5, -1.0));
        assert!((turn.stance(1.0).arm[0] - 0.6).abs() < 1e-15);
    }
}

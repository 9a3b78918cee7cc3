//! What limits the speed along a curve: each limited rate of a base and of what it carries is
//! proportional to u', and its derivative linear in u'' and u'^2.

use super::curve::{Curve, DriveDirection, jet};
use crate::base::{Airplane, Base, Car, DifferentialDrive, Omnidirectional, Trailer};
use crate::robot::{Mechanism, OutputLimits};

/// Of the samples of a curve, every so many are looked at first.
const SPARSE: usize = 5;

/// The tightest turn is wider than the limits ask for by this share: polynomials follow an arc about as well.
const CURVATURE_MARGIN: f64 = 1e-2;

/// Limits are held with this to spare, as a share of each, so that they can be proved in few intervals.
const MARGIN: f64 = 1e-3;

/// A rate A(u) u' and its derivative A u'' + A'(u) u'^2, which are limited. The second may be anything else of this form:
/// the acceleration of a body along an axis that turns with it, say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LimitRow {
    /// A: what it is at u' = 1.
    pub rate: f64,
    /// A', the derivative of A by u, or what takes its place.
    pub slope: f64,
    /// Bounds of the rate.
    pub bounds: [f64; 2],
    /// Greatest magnitude of its derivative; may be infinite.
    pub acceleration: f64,
}

impl LimitRow {
    /// Least and greatest u' >= 0 by its bounds; the first is above the second where there is none.
    #[inline]
    pub fn pace(&self) -> [f64; 2] {
        let [lower, upper] = self.bounds;
        let [least, most] = match self.rate {
            rate if rate > 0.0 => [lower / rate, upper / rate],
            rate if rate < 0.0 => [upper / rate, lower / rate],
            _ if lower <= 0.0 && 0.0 <= upper => [0.0, f64::INFINITY],
            _ => [f64::INFINITY, 0.0],
        };
        [least.max(0.0), most]
    }
}

/// The limits of a base that is driven along curves, and of the joints that it carries.
#[derive(Clone, Debug)]
pub struct PathLimits {
    base: Base,
    arm: Vec<OutputLimits>,
    margin: f64,
    /// Tangents of a car's greatest steering and hitch angles, less the margin.
    tangents: [f64; 2],
}

impl PathLimits {
    /// Those of a mechanism; `None` where its base is neither nonholonomic nor omnidirectional.
    pub fn of(mechanism: &Mechanism) -> Option<Self> {
        let drives = |base: &&Base| base.follows_course() || matches!(base, Base::Omnidirectional(_));
        let base = mechanism.vehicle().filter(drives)?;
        let arm = mechanism.limits[base.coordinates().len()..].to_vec();
        Some(Self::new(base.clone(), arm, MARGIN))
    }

    /// Those of a nonholonomic base that carries nothing.
    #[cfg(test)]
    pub(crate) fn with(base: &Base) -> Self {
        Self::new(base.clone(), Vec::new(), 0.0)
    }

    pub(super) fn new(base: Base, arm: Vec<OutputLimits>, margin: f64) -> Self {
        let mut tangents = [f64::INFINITY; 2];
        if let Base::Car(car) = &base {
            let most = |angle: f64| (angle * (1.0 - margin)).tan();
            tangents = [most(car.steering), car.trailer.map_or(f64::INFINITY, |trailer| most(trailer.angle))];
        }
        Self { base, arm, margin, tangents }
    }

    /// The same with another share to spare.
    #[must_use]
    pub fn with_margin(&self, margin: f64) -> Self {
        Self::new(self.base.clone(), self.arm.clone(), margin)
    }

    /// The share that is left to spare.
    pub fn margin(&self) -> f64 {
        self.margin
    }

    /// Whether a speed and a turn rate, m/s and rad/s, are within the limits by their margin.
    pub fn keeps_margin(&self, speed: f64, turn_rate: f64) -> bool {
        let within = |value: f64, bounds: [f64; 2]| {
            let [lower, upper] = self.within(bounds);
            (lower..=upper).contains(&value)
        };
        let turns = match &self.base {
            Base::DifferentialDrive(drive) => within(turn_rate, drive.turn_rate),
            _ => true,
        };
        turns && within(speed, self.speed())
    }

    /// Limits of the joints that it carries.
    pub fn arm(&self) -> &[OutputLimits] {
        &self.arm
    }

    /// Whether it moves in space, and not on the ground.
    pub fn is_spatial(&self) -> bool {
        matches!(self.base, Base::Airplane(_))
    }

    /// Coordinates of its place.
    pub fn dimensions(&self) -> usize {
        if self.is_spatial() { 3 } else { 2 }
    }

    /// Least and greatest speed of the base, m/s; negative is backwards.
    pub fn speed(&self) -> [f64; 2] {
        match &self.base {
            Base::DifferentialDrive(drive) => drive.speed,
            Base::Car(car) => car.speed,
            Base::Airplane(airplane) => airplane.speed,
            _ => [0.0; 2],
        }
    }

    /// The speed nearest to none, m/s.
    pub fn slowest(&self) -> f64 {
        let [least, most] = self.within(self.speed());
        if least > 0.0 { least } else { most.min(0.0) }
    }

    /// Greatest speed of a direction, m/s; zero where there is no such direction.
    pub fn speed_of(&self, direction: DriveDirection) -> f64 {
        let [least, most] = self.speed();
        match direction {
            DriveDirection::Forward => most.max(0.0),
            DriveDirection::Reverse => (-least).max(0.0),
            DriveDirection::Pivot => 0.0,
        }
    }

    /// How many cells a curve of a sequence has at least, of which so many are enough for any by itself: paths of
    /// omnidirectional bases are cut into many curves already.
    pub(super) fn least_cells(&self, curves: usize, enough: usize) -> usize {
        let is_cut = matches!(self.base, Base::Omnidirectional(_));
        if is_cut { enough.div_ceil(curves).max(2) } else { enough }
    }

    /// Whether it may come to rest.
    pub fn may_rest(&self) -> bool {
        let [least, most] = self.speed();
        least <= 0.0 && 0.0 <= most
    }

    /// Whether it can stand, and turn there.
    pub fn turns_on_the_spot(&self) -> bool {
        matches!(self.base, Base::DifferentialDrive(_)) && self.may_rest()
    }

    /// Greatest turn rate of the base in a direction, rad/s: an estimate, of what may be more in one sense than
    /// in the other.
    pub fn turn_rate(&self, direction: DriveDirection) -> f64 {
        match &self.base {
            Base::DifferentialDrive(drive) => drive.turn_rate[1].max(-drive.turn_rate[0]),
            Base::Airplane(airplane) => airplane.yaw_rate,
            Base::Car(car) => {
                let own = car.steering.tan() / car.wheelbase;
                let most = car.trailer.map_or(own, |t| own.min(t.angle.tan() / t.hitch_length));
                self.speed_of(direction) * most
            }
            _ => f64::INFINITY,
        }
    }

    /// Changes of pitch over a way of some metres that a lattice has, at most so much, rad: none on the ground.
    pub fn climbs(&self, length: f64, most: f64) -> Vec<f64> {
        let Base::Airplane(airplane) = &self.base else { return vec![0.0] };
        let slowest = airplane.speed[0].max(0.0);
        let rate = if slowest > 0.0 { self.most(airplane.pitch_rate) / slowest } else { f64::INFINITY };
        let climb = (rate * length).min(most);
        vec![-climb, 0.0, climb]
    }

    /// Greatest curvature of a level path that it can follow, however slowly, 1/m; infinite where it can come to rest on
    /// its way, unless it steers.
    pub fn greatest_curvature(&self) -> f64 {
        let most = match &self.base {
            Base::DifferentialDrive(drive) if !self.may_rest() => {
                let [least, most] = drive.speed.map(f64::abs);
                drive.turn_rate[1].min(-drive.turn_rate[0]) / least.min(most)
            }
            Base::Car(car) => {
                let own = car.steering.tan() / car.wheelbase;
                car.trailer.map_or(own, |trailer| own.min(trailer.angle.tan() / trailer.hitch_length))
            }
            Base::Airplane(airplane) if airplane.speed[0] > 0.0 => airplane.yaw_rate / airplane.speed[0],
            _ => f64::INFINITY,
        };
        most * (1.0 - CURVATURE_MARGIN)
    }

    /// What a stop between two curves costs, seconds: slowing down and speeding up again.
    pub fn stop(&self) -> f64 {
        let [least, most] = self.speed();
        most.max(-least) / self.acceleration()
    }

    /// Greatest acceleration along the path, m/s^2; infinite where speeds may jump.
    pub fn acceleration(&self) -> f64 {
        match &self.base {
            Base::DifferentialDrive(drive) => drive.acceleration.map_or(f64::INFINITY, |a| a.linear),
            Base::Car(car) => car.acceleration,
            Base::Airplane(airplane) => airplane.acceleration,
            _ => f64::INFINITY,
        }
    }

    /// Greatest turn acceleration where it stands, rad/s^2; infinite where turn rates may jump.
    pub fn turn_acceleration(&self) -> f64 {
        match &self.base {
            Base::DifferentialDrive(drive) => drive.acceleration.map_or(f64::INFINITY, |a| a.angular),
            _ => f64::INFINITY,
        }
    }

    /// Whether any rate's derivative is limited, or there is an arm, which does not jerk: if not, speeds
    /// may jump.
    pub fn has_accelerations(&self) -> bool {
        self.acceleration().is_finite()
            || !self.arm.is_empty()
            || matches!(self.base, Base::Omnidirectional(_))
            || matches!(&self.base, Base::DifferentialDrive(drive) if drive.acceleration.is_some())
    }

    /// Whether a path's curvature must be continuous while it is driven: where the turn rate is part of
    /// the state, the steering angle cannot jump, or a trailer follows from the curvature.
    pub fn needs_curvature(&self) -> bool {
        match &self.base {
            Base::DifferentialDrive(drive) => drive.acceleration.is_some(),
            Base::Car(car) => self.keeps_curvature() || car.steering_rate.is_finite(),
            _ => false,
        }
    }

    /// Whether the derivative of the curvature must be continuous too, always: where a trailer's car must not
    /// jerk its wheels.
    pub fn needs_curvature_rate(&self) -> bool {
        matches!(&self.base, Base::Car(car) if car.trailer.is_some() && car.steering_rate.is_finite())
    }

    /// The car and its trailer, where nothing else is carried and its wheels may be turned at once.
    pub fn steers_freely(&self) -> Option<(&Car, Trailer)> {
        match &self.base {
            Base::Car(car) if car.steering_rate.is_infinite() && self.arm.is_empty() => {
                Some((car, car.trailer?))
            }
            _ => None,
        }
    }

    /// Derivative of the curvature by the length of the path at which the wheels are straight, 1/m^2.
    pub fn straight_curvature_rate(&self, curvature: f64) -> f64 {
        match &self.base {
            // curvature + hitch length * curvature rate * cos^2 of the hitch angle = 0.
            Base::Car(Car { trailer: Some(Trailer { hitch_length: d, .. }), .. }) => {
                -curvature * (1.0 + (d * curvature).powi(2)) / d
            }
            _ => 0.0,
        }
    }

    /// Whether it must be continuous even where the motion stops.
    pub fn keeps_curvature(&self) -> bool {
        matches!(&self.base, Base::Car(car) if car.trailer.is_some() || car.steering_rate.is_finite())
    }

    /// Curvature that a configuration implies, as for driving ahead, 1/m: that of the path of a trailer's
    /// axle by the hitch angle.
    pub fn curvature(&self, hitch: f64) -> f64 {
        match &self.base {
            Base::Car(Car { trailer: Some(trailer), .. }) => hitch.tan() / trailer.hitch_length,
            _ => 0.0,
        }
    }

    /// Derivative of [`PathLimits::curvature`] by the hitch angle, 1/m.
    pub fn curvature_slope(&self, hitch: f64) -> f64 {
        match &self.base {
            Base::Car(Car { trailer: Some(trailer), .. }) => 1.0 / (trailer.hitch_length * hitch.cos().powi(2)),
            _ => 0.0,
        }
    }

    /// Whether it draws a trailer.
    pub fn draws(&self) -> bool {
        matches!(&self.base, Base::Car(car) if car.trailer.is_some())
    }

    /// Visits all that limits the speed at `u`. False where a limit is broken that does not depend on speed.
    #[inline]
    pub fn rows(&self, curve: &Curve, u: f64, mut rows: impl FnMut(LimitRow)) -> bool {
        let rows = &mut rows;
        let is_sound = match (&self.base, curve.direction) {
            (Base::DifferentialDrive(drive), DriveDirection::Pivot) => self.turn(drive, curve, u, rows),
            (_, DriveDirection::Pivot) => false,
            (Base::DifferentialDrive(drive), _) => self.drive(drive, curve, u, rows),
            (Base::Car(car), _) => self.car(car, curve, u, rows),
            (Base::Airplane(airplane), _) => self.airplane(airplane, curve, u, rows),
            (Base::Omnidirectional(base), _) => self.omnidirectional(base, curve, u, rows),
            _ => false,
        };
        for (q, limits) in curve.arm.iter().zip(&self.arm) {
            let [_, rate, slope, ..] = jet(q, u);
            let bounds = self.within([-limits.velocity, limits.velocity]);
            rows(LimitRow { rate, slope, bounds, acceleration: self.most(limits.acceleration) });
        }
        is_sound
    }

    /// Bounds, less the margin.
    #[inline]
    fn within(&self, [lower, upper]: [f64; 2]) -> [f64; 2] {
        [lower * (1.0 + self.margin * lower.signum()), upper * (1.0 - self.margin * upper.signum())]
    }

    #[inline]
    fn most(&self, limit: f64) -> f64 {
        limit * (1.0 - self.margin)
    }

    #[inline]
    fn row(&self, [rate, slope]: [f64; 2], bounds: [f64; 2], acceleration: f64) -> LimitRow {
        LimitRow { rate, slope, bounds: self.within(bounds), acceleration: self.most(acceleration) }
    }

    fn turn(&self, drive: &DifferentialDrive, curve: &Curve, u: f64, rows: &mut impl FnMut(LimitRow)) -> bool {
        let [_, rate, slope, ..] = curve.heading_reference_at(u);
        if rate != 0.0 || slope != 0.0 {
            let most = drive.acceleration.map_or(f64::INFINITY, |a| a.angular);
            rows(self.row([rate, slope], drive.turn_rate, most));
        }
        true
    }

    #[inline]
    fn drive(&self, drive: &DifferentialDrive, curve: &Curve, u: f64, rows: &mut impl FnMut(LimitRow)) -> bool {
        let bending = Bending::of(&curve.velocity(u));
        let sign = curve.direction.sign();
        let [linear, angular] = drive.acceleration.map_or([f64::INFINITY; 2], |a| [a.linear, a.angular]);
        let [stretch, stretched] = bending.stretch;
        rows(self.row([sign * stretch, sign * stretched], drive.speed, linear));
        rows(self.row(bending.turn, drive.turn_rate, angular));
        true
    }

    fn car(&self, car: &Car, curve: &Curve, u: f64, rows: &mut impl FnMut(LimitRow)) -> bool {
        let bending = Bending::of(&curve.velocity(u));
        let sign = curve.direction.sign();
        let ([s, stretched], [k, bent]) = (bending.stretch, bending.curvature());
        let (k, bent) = (sign * k, sign * bent);
        let [most_steering, most_hitch] = self.tangents;
        let (speed, steering) = match car.trailer {
            None => ([sign * s, sign * stretched], car.wheelbase * k),
            Some(Trailer { hitch_length: d, .. }) => {
                let hitch = d * k;
                if hitch.abs() > most_hitch {
                    return false;
                }
                // Of the car's own path, which is longer by the hitch angle's secant: its stretch.
                let square = 1.0 + hitch * hitch;
                let secant = square.sqrt();
                let stretched = (stretched + s * hitch * d * bent / square) * secant;
                let steering = steering_tangent(car, d, &bending, sign);
                ([sign * s * secant, sign * stretched], steering)
            }
        };
        rows(self.row(speed, car.speed, car.acceleration));
        if car.steering_rate.is_finite() {
            let rate = match car.trailer {
                None => car.wheelbase * bent / (1.0 + (car.wheelbase * k).powi(2)),
                Some(trailer) => {
                    let at = |u: f64| steering_of(car, trailer, curve, u);
                    (at(u + DIFFERENCE) - at(u - DIFFERENCE)) / (2.0 * DIFFERENCE)
                }
            };
            rows(self.row([rate, 0.0], [-car.steering_rate, car.steering_rate], f64::INFINITY));
        }
        steering.abs() <= most_steering
    }

    fn airplane(&self, airplane: &Airplane, curve: &Curve, u: f64, rows: &mut impl FnMut(LimitRow)) -> bool {
        let velocity = curve.velocity(u);
        let [[x, y, z], [ax, ay, az], ..] = velocity;
        let level = (x * x + y * y).sqrt();
        if level == 0.0 {
            return false;
        }
        let stretch = (level * level + z * z).sqrt();
        let stretched = (x * ax + y * ay + z * az) / stretch;
        let yaw = (x * ay - y * ax) / (level * level);
        let pitch = (level * az - z * (x * ax + y * ay) / level) / (stretch * stretch);
        rows(self.row([stretch, stretched], airplane.speed, airplane.acceleration));
        for (rate, most) in [(yaw, airplane.yaw_rate), (pitch, airplane.pitch_rate)] {
            rows(self.row([rate, 0.0], [-most, most], f64::INFINITY));
        }
        z.abs() <= stretch * self.most(airplane.pitch).sin()
    }
}

impl PathLimits {
    /// Velocities of the body in its own frame, its accelerations in the world seen from there, and rates of wheels. All
    /// hold at some speed.
    fn omnidirectional(
        &self,
        base: &Omnidirectional,
        curve: &Curve,
        u: f64,
        rows: &mut impl FnMut(LimitRow),
    ) -> bool {
        let [x, y, theta] = [&curve.place[0], &curve.place[1], &curve.heading_reference].map(|p| jet(p, u));
        let in_body = |order: usize| {
            let [ahead, left] = Omnidirectional::in_body([x[order], y[order]], theta[0]);
            [ahead, left, theta[order]]
        };
        let (first, second) = (in_body(1), in_body(2));
        for i in 0..3 {
            let most = base.velocity[i];
            rows(self.row([first[i], second[i]], [-most, most], base.acceleration[i]));
        }
        if let Some(wheels) = base.wheels {
            for [ahead, aside, turn] in wheels.mixer() {
                let rate = ahead * first[0] + aside * first[1] + turn * first[2];
                rows(self.row([rate, 0.0], [-wheels.rate, wheels.rate], f64::INFINITY));
            }
        }
        true
    }
}

/// Steps of u to either side by which the steering rate of a car with a trailer is found.
const DIFFERENCE: f64 = 1e-5;

/// The steering angle of a car whose trailer follows `curve`, rad.
fn steering_of(car: &Car, Trailer { hitch_length: d, .. }: Trailer, curve: &Curve, u: f64) -> f64 {
    steering_tangent(car, d, &Bending::of(&curve.velocity(u)), curve.direction.sign()).atan()
}

/// Its tangent, by the hitch length and how the trailer's path bends; -1 in reverse.
fn steering_tangent(car: &Car, d: f64, bending: &Bending, sign: f64) -> f64 {
    let [k, bent] = bending.curvature();
    let k = sign * k;
    // Of the hitch angle.
    let cos = (1.0 + (d * k).powi(2)).sqrt().recip();
    car.wheelbase * (k + d * cos * cos * bent / bending.stretch[0]) * cos
}

/// How a curve in the plane bends, by its parameter: each value with its derivative.
struct Bending {
    /// |P'|.
    stretch: [f64; 2],
    /// The derivative of its direction, rad.
    turn: [f64; 2],
}

impl Bending {
    #[inline]
    fn of([v, a, j]: &[[f64; 3]; 3]) -> Self {
        let dot = |p: &[f64; 3], q: &[f64; 3]| p[0] * q[0] + p[1] * q[1];
        let cross = |p: &[f64; 3], q: &[f64; 3]| p[0] * q[1] - p[1] * q[0];
        let (square, along) = (dot(v, v), dot(v, a));
        let stretch = square.sqrt();
        let turn = cross(v, a) / square;
        let turned = (cross(v, j) - 2.0 * turn * along) / square;
        Self { stretch: [stretch, along / stretch], turn: [turn, turned] }
    }

    fn curvature(&self) -> [f64; 2] {
        let ([s, stretched], [t, turned]) = (self.stretch, self.turn);
        [t / s, (turned - t * stretched / s) / s]
    }
}

impl PathLimits {
    /// |P'| and its derivative; of a turn, whose u is its own measure, 1. Of what is omnidirectional all outputs count, a
    /// radian as a metre.
    #[inline]
    pub(super) fn stretch(&self, curve: &Curve, u: f64) -> [f64; 2] {
        if curve.direction == DriveDirection::Pivot {
            return [1.0, 0.0];
        }
        if let Base::Omnidirectional(_) = self.base {
            let (square, along) = curve.outputs().map(|p| jet(p, u)).fold((0.0, 0.0), |(square, along), d| {
                (square + d[1] * d[1], along + d[1] * d[2])
            });
            let stretch = f64::sqrt(square);
            return [stretch, along / stretch];
        }
        let [v, a, _] = curve.velocity(u);
        let dot = |p: [f64; 3], q: [f64; 3]| p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
        let stretch = dot(v, v).sqrt();
        [stretch, dot(v, a) / stretch]
    }

    /// Whether a curve holds every limit that does not depend on speed, at so many samples.
    pub fn admits(&self, curve: &Curve, samples: usize) -> bool {
        // A few far apart first: where there is a fault, they are likely to find it.
        let sparse = (0..=samples).step_by(SPARSE);
        sparse.chain(0..=samples).all(|i| self.paces(curve, i as f64 / samples as f64, |_| {}).is_some())
    }

    /// Whether all curves are the same to it, as they are to what may stand and turn either way.
    pub fn admits_all(&self) -> bool {
        match &self.base {
            Base::DifferentialDrive(drive) => {
                let straddles = |[least, most]: [f64; 2]| least < 0.0 && 0.0 < most;
                drive.speed[0] <= 0.0 && straddles(drive.turn_rate)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::curve::PathState;
    use super::*;
    use crate::base::{DriveAcceleration, MAX_ORDER, MAX_OUTPUTS};
    use proptest::prelude::*;

    fn bases() -> Vec<Base> {
        let drive =
            |acceleration| DifferentialDrive { speed: [-0.5, 0.5], turn_rate: [-0.5, 0.5], acceleration };
        let car = |trailer, steering_rate| Car {
            wheelbase: 0.25,
            speed: [-0.1, 0.5],
            steering: 1.5,
            steering_rate,
            acceleration: 0.3,
            trailer,
        };
        vec![
            Base::DifferentialDrive(drive(None)),
            Base::DifferentialDrive(drive(Some(DriveAcceleration { linear: 0.25, angular: 0.25 }))),
            Base::Car(car(None, 0.5)),
            Base::Car(car(Some(Trailer { hitch_length: 0.5, angle: 1.5 }), 0.7)),
            Base::Airplane(Airplane {
                speed: [0.0, 0.3],
                acceleration: 0.3,
                yaw_rate: 0.8,
                pitch_rate: 0.8,
                pitch: 1.5,
            }),
        ]
    }

    proptest! {
        /// The rows are what the map from outputs to states and controls makes of the curve, its parameter
        /// as any other time parameterization has it.
        #[test]
        fn rows_are_those_of_the_base(
            place in prop::array::uniform3(-2.0..2.0), heading in -3.0..3.0, goal in -3.0..3.0,
            is_back in any::<bool>(), u in 0.05..0.95, pace in 0.1..1.0, rise in -1.0..1.0,
        ) {
            for base in bases() {
                let limits = PathLimits::new(base.clone(), Vec::new(), 0.0);
                let direction = if is_back && limits.speed()[0] < 0.0 { DriveDirection::Reverse } else { DriveDirection::Forward };
                let from = PathState { heading, ..PathState::default() };
                let mut to = PathState { place, heading: goal, ..PathState::default() };
                if !limits.is_spatial() {
                    to.place[2] = 0.0;
                }
                let joined = Curve::join(&from, &to, direction, [2.0, 3.0], limits.is_spatial());
                let Some(curve) = joined.and_then(Curve::with_heading_reference) else { continue };
                let mut rows = Vec::new();
                let is_sound = limits.rows(&curve, u, |row| rows.push(row));
                // u(t) with this u' and u''.
                let mut derivatives = [[0.0; MAX_OUTPUTS]; MAX_ORDER + 1];
                for (i, p) in curve.outputs().enumerate() {
                    let [value, a, b, c, d] = jet(p, u);
                    let (p1, p2): (f64, f64) = (pace, rise);
                    let chain = [
                        value,
                        a * p1,
                        b * p1 * p1 + a * p2,
                        c * p1.powi(3) + 3.0 * b * p1 * p2,
                        d * p1.powi(4) + 6.0 * c * p1 * p1 * p2 + 3.0 * b * p2 * p2,
                    ];
                    for (order, value) in chain.into_iter().enumerate() {
                        derivatives[order][i] = value;
                    }
                }
                let sample = base.unflatten(&base.flat_from(derivatives)).unwrap();
                let of = |name: &str| sample.limits.iter().find(|l| l.name == name).map(|l| l.value);
                let geometric = ["steering angle", "hitch angle", "pitch"];
                let broken = |l: &crate::base::Bounded| geometric.contains(&l.name) && l.excess() > 0.0;
                prop_assert_eq!(is_sound, !sample.limits.iter().any(broken));
                let names: &[[&str; 2]] = match &base {
                    Base::DifferentialDrive(_) => &[["speed", "acceleration"], ["turn rate", "turn acceleration"]],
                    Base::Car(_) => &[["speed", "acceleration"], ["steering rate", ""]],
                    _ => &[["speed", "acceleration"], ["yaw rate", ""], ["pitch rate", ""]],
                };
                for (row, [rate, acceleration]) in rows.iter().zip(names) {
                    let near = |got: f64, wanted: Option<f64>| {
                        wanted.is_none_or(|w| (got - w).abs() < 1e-5 * w.abs().max(1.0))
                    };
                    let changed = row.rate * rise + row.slope * pace * pace;
                    prop_assert!(near(row.rate * pace, of(rate)), "{base:?} {rate}: {row:?} {sample:?}");
                    prop_assert!(near(changed, of(acceleration)), "{base:?} {acceleration}: {row:?} {sample:?}");
                }
            }
        }
    }
}

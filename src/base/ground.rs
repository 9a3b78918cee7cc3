//! Vehicles on wheels that do not slip: they are nonholonomic: they drive ahead or back.
//!
//! Outputs are the path (x, y) of an axle and a *guide*: the heading is the direction of motion or
//! its opposite, whichever lies nearer to the guide; where the vehicle stands, the heading is the
//! guide itself. Singular where the motion stops are only ratios of polynomials; see [`PathFrame`].

use super::admit::{both_moved_out, moved_out, widest};
use super::course::PathFrame;
use super::jet::Jet;
use super::kind::{ANY, Absent, Coordinate, Flat, Kind, Moved, Singular, StateKey, wrapped};
use super::scalar::{Enclosure, Scalar};
use super::validate::{acute, moving};
use crate::error::{Checked, ordered, positive, positive_or_endless};
use glam::DVec3;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// A differential drive or unicycle: x' = v cos theta, y' = v sin theta, theta' = w.
///
/// Of first order (dynobench `unicycle1`: x y theta | v w), or of second with v' = a, w' = alpha
/// (`unicycle2`: x y theta v w | a alpha). v = +-|p'|, w = (x' y'' - y' x'') / v^2.
#[derive(Clone, Debug, PartialEq)]
pub struct DifferentialDrive {
    /// Least and greatest speed, m/s; negative is backwards. A least speed above zero is one that
    /// never stands.
    pub speed: [f64; 2],
    /// Least and greatest turn rate, rad/s.
    pub turn_rate: [f64; 2],
    /// Limits of acceleration, which make it a system of second order.
    pub acceleration: Option<DriveAcceleration>,
}

/// Limits of acceleration of a [`DifferentialDrive`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveAcceleration {
    /// Along the heading, m/s^2.
    pub linear: f64,
    /// About the vertical, rad/s^2.
    pub angular: f64,
}

/// A car by its rear axle, perhaps with a trailer hitched there: x' = v cos theta0, y' = v sin theta0,
/// theta0' = v tan(phi) / wheelbase, theta1' = v sin(theta0 - theta1) / hitch length.
///
/// dynobench `car_with_trailers`: x y theta0 (theta1) | v phi. The outputs are the rear axle's path, or
/// with a trailer that of the trailer's axle (Rouchon, Fliess, Levine, Martin, *Flatness, motion
/// planning and trailer systems*, CDC 1993): tan(phi) = wheelbase * curvature, and
/// tan(theta0 - theta1) = hitch length * curvature of the trailer's path.
#[derive(Clone, Debug, PartialEq)]
pub struct Car {
    /// Distance between the axles, metres.
    pub wheelbase: f64,
    /// Least and greatest speed, m/s; negative is backwards.
    pub speed: [f64; 2],
    /// Greatest steering angle, rad, below pi/2.
    pub steering: f64,
    /// Greatest steering rate, rad/s; may be infinite.
    pub steering_rate: f64,
    /// Greatest acceleration along the path, m/s^2; may be infinite.
    pub acceleration: f64,
    /// What it draws.
    pub trailer: Option<Trailer>,
}

/// A trailer, hitched on its car's rear axle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trailer {
    /// From the hitch to the trailer's axle, metres.
    pub hitch_length: f64,
    /// Greatest angle between car and trailer, rad, below pi/2.
    pub angle: f64,
}

/// Heading and speed of what follows a course.
struct GroundDrive<S = f64> {
    heading: Jet<S>,
    speed: Jet<S>,
    /// 1 ahead, -1 back.
    sign: f64,
}

impl<S: Scalar> GroundDrive<S> {
    fn new(flat: &Flat<S>) -> Result<Self, Singular> {
        let guide = flat.jet(2, 0);
        let course = &flat.course;
        if course.stands() {
            return Ok(Self { heading: guide, speed: Jet::default(), sign: 1.0 });
        }
        let [x, y, _] = course.tangent;
        if !(x * x + y * y).value().exceeds(0.0) {
            return Err(Singular::Stopping);
        }
        let heading = Jet::atan2(y, x).offset(course.frame);
        let ahead = wrapped(heading.value().middle() - guide.value().middle());
        let sign = if ahead.abs() > FRAC_PI_2 { -1.0 } else { 1.0 };
        let turned = if sign < 0.0 { wrapped(ahead + PI) } else { ahead };
        let astray = heading.value().radius() + guide.value().radius();
        if S::IS_WIDE && !(Enclosure { middle: FRAC_PI_2 - turned.abs(), radius: astray }).exceeds(0.0) {
            return Err(Singular::GuideAcross);
        }
        let speed = course.rate * course.length();
        Ok(Self { heading: heading.at(guide.value().middle() + turned), speed: speed.scaled(sign), sign })
    }
}

impl GroundDrive {
    /// The course of a state: `curvature` and its slope by arc length as for driving ahead.
    fn course(heading: f64, curvature: [f64; 2], speed: [f64; 2]) -> PathFrame {
        match speed[0] < 0.0 {
            true => PathFrame::arc(heading + PI, [-curvature[0], curvature[1]], [-speed[0], -speed[1]]),
            false => PathFrame::arc(heading, curvature, speed),
        }
    }
}

/// The outputs of an axle at `place` that follows `course` under a guide.
fn followed(place: [f64; 2], course: PathFrame, guide: [f64; 3]) -> Flat {
    let mut flat = Flat { course, ..Flat::default() };
    for (i, &p) in place.iter().enumerate() {
        let velocity = course.rate * course.tangent[i];
        let values = [p, velocity.0[0], velocity.0[1]];
        (0..3).for_each(|order| flat.derivatives[order][i] = values[order]);
    }
    (0..3).for_each(|order| flat.derivatives[order][2] = guide[order]);
    flat
}

fn plane(turn: &'static str) -> Vec<Coordinate> {
    vec![
        Coordinate::slides("x", DVec3::X),
        Coordinate::slides("y", DVec3::Y),
        Coordinate::turns(turn, DVec3::Z),
    ]
}

const OUTPUTS: [&str; 3] = ["x", "y", "guide"];

impl DifferentialDrive {
    /// Least and greatest curvature of a path, 1/m, positive where it bends to the left as it is followed,
    /// that can be followed at some speed ahead (or back): it is (x' y'' - y' x'') / |(x', y')|^3. `None`
    /// where it drives at no such speed.
    pub fn curvature_bounds(&self, is_ahead: bool) -> Option<[f64; 2]> {
        let [least, most] = if is_ahead { self.speed } else { [-self.speed[1], -self.speed[0]] };
        let (slow, fast) = (least.max(0.0), most);
        // The turn rate is the product of curvature and speed.
        let [right, left] = self.turn_rate;
        let lower = right / if right < 0.0 { slow } else { fast };
        let upper = left / if left > 0.0 { slow } else { fast };
        (fast > 0.0).then_some([lower, upper])
    }
}

const MOVING_KEYS: [StateKey; 4] = [
    StateKey::required("position", 2),
    StateKey::required("heading", 1),
    StateKey::zero("speed", 1),
    StateKey::zero("turn_rate", 1),
];

impl DifferentialDrive {
    pub(super) fn widen(&mut self, other: &Self) {
        self.speed = widest(self.speed, other.speed);
        self.turn_rate = widest(self.turn_rate, other.turn_rate);
    }
}

impl Kind for DifferentialDrive {
    fn name(&self) -> &'static str {
        "differential_drive"
    }

    fn validate(&self) -> Checked {
        moving("speed", self.speed)?;
        ordered("turn_rate", self.turn_rate)?;
        let Some(acceleration) = self.acceleration else { return Ok(()) };
        positive("acceleration.linear", acceleration.linear)?;
        positive("acceleration.angular", acceleration.angular)
    }

    /// Without limits of acceleration a state holds the position alone, which the joints limit.
    fn admit(&mut self, q: &[f64], v: &[f64], share: f64) {
        if self.acceleration.is_some() {
            let (sin, cos) = q[2].sin_cos();
            self.speed = both_moved_out(self.speed, v[0] * cos + v[1] * sin, share);
            self.turn_rate = both_moved_out(self.turn_rate, v[2], share);
        }
    }

    fn state_keys(&self) -> &'static [StateKey] {
        if self.acceleration.is_some() { &MOVING_KEYS } else { &MOVING_KEYS[..2] }
    }

    fn state_bounds(&self) -> Vec<[f64; 2]> {
        let moving = self.acceleration.map_or(Vec::new(), |_| vec![self.speed, self.turn_rate]);
        [vec![ANY; 3], moving].concat()
    }

    fn state(&self, q: &[f64], rates: &[f64]) -> Vec<f64> {
        if self.acceleration.is_none() {
            return q.to_vec();
        }
        let (sin, cos) = q[2].sin_cos();
        [q, &[rates[0] * cos + rates[1] * sin, rates[2]]].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &OUTPUTS
    }

    fn states(&self) -> &'static [&'static str] {
        if self.acceleration.is_some() { &["x", "y", "theta", "v", "w"] } else { &["x", "y", "theta"] }
    }

    fn controls(&self) -> &'static [&'static str] {
        if self.acceleration.is_some() { &["a", "alpha"] } else { &["v", "w"] }
    }

    fn coordinates(&self) -> Vec<Coordinate> {
        plane("theta")
    }

    fn order(&self) -> usize {
        if self.acceleration.is_some() { 3 } else { 2 }
    }

    fn course(&self) -> usize {
        2
    }

    fn told_rates(&self) -> usize {
        if self.acceleration.is_some() { 3 } else { 0 }
    }

    fn steady(&self) -> Vec<usize> {
        if self.acceleration.is_some() { vec![0, 1] } else { Vec::new() }
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let GroundDrive { heading, speed, .. } = GroundDrive::new(flat)?;
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), heading]);
        moved.within("speed", speed, self.speed);
        moved.within("turn rate", heading.rate(), self.turn_rate);
        if let Some(most) = self.acceleration {
            moved.magnitude("acceleration", speed.rate(), most.linear);
            moved.magnitude("turn acceleration", heading.rate().rate(), most.angular);
        }
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let limits: Vec<f64> = (0..moved.limits.len()).map(|i| moved.limited(i)).collect();
        match limits[..] {
            [v, w, a, alpha] => [[&moved.values()[..], &[v, w]].concat(), vec![a, alpha]],
            _ => [moved.values(), limits],
        }
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let (v, w, a, alpha) = match self.acceleration {
            Some(_) => (state[3], state[4], control[0], control[1]),
            None => (control[0], control[1], 0.0, 0.0),
        };
        let guide = [state[2], w, alpha];
        let place = [state[0], state[1]];
        if v == 0.0 {
            // It may turn where it stands; and where it drives off, the tangent is the heading.
            let mut flat = followed(place, PathFrame::arc(state[2], [0.0; 2], [0.0, a.abs()]), guide);
            let (sin, cos) = (state[2] + if a < 0.0 { PI } else { 0.0 }).sin_cos();
            if a == 0.0 {
                flat.course = PathFrame { rate: Jet::constant(1.0), ..PathFrame::default() };
                return Ok(flat);
            }
            for (i, direction) in [cos, sin].into_iter().enumerate() {
                let turn = [-sin, cos][i];
                let turned = Jet::second_order([direction, w * turn, alpha * turn - w * w * direction]);
                flat.course.tangent[i] = turned;
                flat.derivatives[2][i] = a.abs() * direction;
            }
            (flat.course.turn, flat.course.curvature_rate) = (None, None);
            return Ok(flat);
        }
        // w = curvature * v, so its derivative gives the curvature's slope by arc length.
        let curvature = w / v;
        let slope = (alpha - curvature * a) / (v * v);
        Ok(followed(place, GroundDrive::course(state[2], [curvature, slope], [v, a]), guide))
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let mut rates = vec![0.0; state.len()];
        if self.acceleration.is_some() {
            self.dynamics(state, &[0.0; 2], &mut rates);
        }
        Ok([state[..3].to_vec(), rates[..3].to_vec()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let (sin, cos) = state[2].sin_cos();
        match self.acceleration {
            None => rates.copy_from_slice(&[control[0] * cos, control[0] * sin, control[1]]),
            Some(_) => {
                let (v, w) = (state[3], state[4]);
                rates.copy_from_slice(&[v * cos, v * sin, w, control[0], control[1]]);
            }
        }
    }
}

impl Car {
    pub(super) fn widen(&mut self, other: &Self) {
        self.speed = widest(self.speed, other.speed);
        self.steering = self.steering.max(other.steering);
    }

    /// Speed and steering angle, m/s and rad, of a car whose coordinates have this position and move at these rates;
    /// none of either where it stands.
    pub(super) fn controls(&self, position: &[f64], rates: &[f64]) -> [f64; 2] {
        let (sin, cos) = position[2].sin_cos();
        let along = cos * rates[0] + sin * rates[1];
        let (speed, turn_rate) = match self.trailer {
            None => (along, rates[2]),
            // The trailer's axle is drawn along by the part of the car's speed that points its way.
            Some(_) => (along / position[3].cos(), rates[2] + rates[3]),
        };
        if speed == 0.0 { [0.0; 2] } else { [speed, (self.wheelbase * turn_rate / speed).atan()] }
    }

    /// By how much the rates of coordinates at this position miss those of wheels that roll and do not slip, m/s.
    pub(super) fn slip(&self, position: &[f64], rates: &[f64]) -> f64 {
        let (sin, cos) = position[2].sin_cos();
        let aside = cos * rates[1] - sin * rates[0];
        let Some(Trailer { hitch_length, .. }) = self.trailer else { return aside.abs() };
        // theta1' = v sin(hitch) / hitch length, and the trailer's axle goes at v cos(hitch).
        let along = cos * rates[0] + sin * rates[1];
        aside.abs().max((hitch_length * rates[2] - along * position[3].tan()).abs())
    }

    /// Curvature of the axle's path as for driving ahead, and its slope by arc length.
    fn curvature<S: Scalar>(course: &PathFrame<S>, sign: f64) -> Result<[Jet<S>; 2], Singular> {
        let length = course.length();
        let cube = length * length * length;
        let curvature = course.turn.ok_or(Singular::Curvature)? / cube;
        let slope = course.curvature_rate.ok_or(Singular::Curvature)? / (cube * cube);
        Ok([curvature.scaled(sign), slope])
    }
}

impl Kind for Car {
    fn name(&self) -> &'static str {
        "car"
    }

    fn validate(&self) -> Checked {
        positive("wheelbase", self.wheelbase)?;
        moving("speed", self.speed)?;
        acute("steering", self.steering)?;
        positive_or_endless("steering_rate", self.steering_rate)?;
        positive_or_endless("acceleration", self.acceleration)?;
        let Some(Trailer { hitch_length, angle }) = self.trailer else { return Ok(()) };
        positive("trailer.hitch_length", hitch_length)?;
        acute("trailer.angle", angle)
    }

    fn admit(&mut self, q: &[f64], v: &[f64], share: f64) {
        if v.iter().any(|&rate| rate != 0.0) && !self.steady().is_empty() {
            let [speed, steering] = self.controls(q, v);
            self.speed = both_moved_out(self.speed, speed, share);
            self.steering = moved_out(self.steering, steering, share);
        }
    }

    fn state_keys(&self) -> &'static [StateKey] {
        const KEYS: [StateKey; 3] = [
            StateKey::required("position", 2),
            StateKey::required("heading", 1),
            StateKey { key: "trailer_heading", count: 1, absent: Absent::Heading },
        ];
        if self.trailer.is_some() { &KEYS } else { &KEYS[..2] }
    }

    fn state_fault(&self, state: &[f64], _: f64) -> Option<(usize, String)> {
        let angle = self.trailer?.angle;
        let between = state[2] - state[3];
        let between = between - TAU * (between / TAU).round();
        (between.abs() > angle).then(|| {
            let least = -angle;
            let message = format!(
                "the trailer stands at {between:?} to its car, outside its limits; expected {least:?} to {angle:?}"
            );
            (3, message)
        })
    }

    fn state(&self, q: &[f64], _: &[f64]) -> Vec<f64> {
        let Some(Trailer { hitch_length: d, .. }) = self.trailer else { return q.to_vec() };
        let (sin, cos) = q[2].sin_cos();
        vec![q[0] + d * cos, q[1] + d * sin, q[2] + q[3], q[2]]
    }

    fn outputs(&self) -> &'static [&'static str] {
        &OUTPUTS
    }

    fn states(&self) -> &'static [&'static str] {
        if self.trailer.is_some() { &["x", "y", "theta0", "theta1"] } else { &["x", "y", "theta"] }
    }

    fn controls(&self) -> &'static [&'static str] {
        &["v", "phi"]
    }

    fn coordinates(&self) -> Vec<Coordinate> {
        let Some(trailer) = self.trailer else { return plane("theta") };
        let mut chain = plane("theta1");
        let hitch = Coordinate::turns("hitch", DVec3::Z);
        chain.push(Coordinate { origin: DVec3::X * trailer.hitch_length, ..hitch });
        chain
    }

    fn order(&self) -> usize {
        if self.trailer.is_some() { 4 } else { 3 }
    }

    fn course(&self) -> usize {
        2
    }

    /// The angles of steering and hitch.
    fn geometric_limits(&self) -> &'static [usize] {
        if self.trailer.is_some() { &[1, 4] } else { &[1] }
    }

    fn bends(&self) -> bool {
        true
    }

    fn told_rates(&self) -> usize {
        0
    }

    /// The speed and the steering angle are controls.
    fn steady(&self) -> Vec<usize> {
        let rates = [self.acceleration, self.steering_rate];
        (0..2).filter(|&i| rates[i].is_finite()).collect()
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let GroundDrive { heading, speed, sign } = GroundDrive::new(flat)?;
        let stands = flat.course.stands();
        if stands && (1..3).any(|order| heading.0[order] != S::default()) {
            return Err(Singular::TurnOnTheSpot);
        }
        if stands && self.trailer.is_some() {
            return Err(Singular::CarTrailerState);
        }
        let [curvature, slope] =
            if stands { [Jet::default(); 2] } else { Self::curvature(&flat.course, sign)? };
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), heading]);
        let (speed, steering, hitch) = match self.trailer {
            None => (speed, curvature.scaled(self.wheelbase).atan(), None),
            Some(Trailer { hitch_length: d, angle }) => {
                let tan = curvature.scaled(d);
                let hitch = tan.atan();
                let cos = Jet::constant(1.0) / (Jet::constant(1.0) + tan * tan).sqrt();
                // d theta0 / d s of the trailer's path, of which the car's is longer by 1 / cos(hitch).
                let turned = curvature + (slope * cos * cos).scaled(d);
                moved.coordinates.push(hitch);
                (speed / cos, (turned * cos).scaled(self.wheelbase).atan(), Some((hitch, angle)))
            }
        };
        moved.within("speed", speed, self.speed);
        moved.magnitude("steering angle", steering, self.steering);
        moved.magnitude("steering rate", steering.rate(), self.steering_rate);
        moved.magnitude("acceleration", speed.rate(), self.acceleration);
        if let Some((hitch, most)) = hitch {
            moved.magnitude("hitch angle", hitch, most);
        }
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let control = vec![moved.limited(0), moved.limited(1)];
        let at = moved.values();
        let Some(Trailer { hitch_length: d, .. }) = self.trailer else { return [at, control] };
        let (sin, cos) = at[2].sin_cos();
        [vec![at[0] + d * cos, at[1] + d * sin, at[2] + at[3], at[2]], control]
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let (v, curvature0) = (control[0], control[1].tan() / self.wheelbase);
        let Some(Trailer { hitch_length: d, .. }) = self.trailer else {
            let course = GroundDrive::course(state[2], [curvature0, 0.0], [v, 0.0]);
            return Ok(followed([state[0], state[1]], course, [state[2], curvature0 * v, 0.0]));
        };
        let theta1 = state[3];
        let hitch = wrapped(state[2] - theta1);
        if hitch.abs() >= FRAC_PI_2 {
            return Err(Singular::Jackknife);
        }
        let (sin, cos) = hitch.sin_cos();
        let place = [state[0] - d * theta1.cos(), state[1] - d * theta1.sin()];
        // By arc length of the trailer's path, on which the car's advance is 1 / cos(hitch).
        let hitch_slope = (curvature0 - sin / d) / cos;
        let curvature = [hitch.tan() / d, hitch_slope / (d * cos * cos)];
        let course = GroundDrive::course(theta1, curvature, [v * cos, 0.0]);
        Ok(followed(place, course, [theta1, v * sin / d, 0.0]))
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let place = match self.trailer {
            None => state.to_vec(),
            Some(Trailer { hitch_length: d, .. }) => {
                let (sin, cos) = state[3].sin_cos();
                vec![state[0] - d * cos, state[1] - d * sin, state[3], wrapped(state[2] - state[3])]
            }
        };
        let rates = vec![0.0; place.len()];
        Ok([place, rates])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let (v, phi) = (control[0], control[1]);
        let (sin, cos) = state[2].sin_cos();
        (rates[0], rates[1], rates[2]) = (v * cos, v * sin, v * phi.tan() / self.wheelbase);
        if let Some(trailer) = self.trailer {
            rates[3] = v * (state[2] - state[3]).sin() / trailer.hitch_length;
        }
    }
}

//! Vehicles on wheels that do not slip: they go where they point, ahead or back.
//!
//! Outputs are the path (x, y) of an axle and a *guide*: the heading is the direction of motion or
//! its opposite, whichever lies nearer to the guide; where the vehicle stands, the heading is the
//! guide itself. Singular where the motion stops are only ratios of polynomials; see [`Course`].

use super::{Bounded, Coordinate, Course, Flat, Jet, Kind, Sample, Singular, wrapped};
use glam::DVec3;
use std::f64::consts::{FRAC_PI_2, PI};

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
struct Drive {
    heading: Jet,
    speed: Jet,
    /// 1 ahead, -1 back.
    sign: f64,
}

impl Drive {
    fn new(flat: &Flat) -> Self {
        let guide = Jet([0, 1, 2].map(|order| flat.derivatives[order][2]));
        let course = &flat.course;
        if course.stands() {
            return Self { heading: guide, speed: Jet::default(), sign: 1.0 };
        }
        let [x, y, _] = course.tangent;
        let mut heading = Jet::atan2(y, x);
        let sign = if (heading.value() - guide.value()).cos() < 0.0 { -1.0 } else { 1.0 };
        let half_turn = if sign < 0.0 { PI } else { 0.0 };
        heading.0[0] = guide.value() + wrapped(heading.value() + half_turn - guide.value());
        Self { heading, speed: sign * (course.rate * course.length()), sign }
    }

    /// The course of a state: `curvature` and its slope by arc length as for driving ahead.
    fn course(heading: f64, curvature: [f64; 2], speed: [f64; 2]) -> Course {
        match speed[0] < 0.0 {
            true => Course::arc(heading + PI, [-curvature[0], curvature[1]], [-speed[0], -speed[1]]),
            false => Course::arc(heading, curvature, speed),
        }
    }
}

/// The outputs of an axle at `place` that follows `course` under a guide.
fn followed(place: [f64; 2], course: Course, guide: [f64; 3]) -> Flat {
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

impl Kind for DifferentialDrive {
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

    fn unflatten(&self, flat: &Flat) -> Result<Sample, Singular> {
        let [x, y, ..] = flat.derivatives[0];
        let Drive { heading, speed, .. } = Drive::new(flat);
        let (theta, w, alpha) = (heading.0[0], heading.0[1], heading.0[2]);
        let (v, a) = (speed.0[0], speed.0[1]);
        let mut limits =
            vec![Bounded::within("speed", v, self.speed), Bounded::within("turn rate", w, self.turn_rate)];
        let coordinates = vec![x, y, theta];
        let Some(most) = self.acceleration else {
            return Ok(Sample { state: coordinates.clone(), coordinates, control: vec![v, w], limits });
        };
        limits.push(Bounded::magnitude("acceleration", a, most.linear));
        limits.push(Bounded::magnitude("turn acceleration", alpha, most.angular));
        Ok(Sample { coordinates, state: vec![x, y, theta, v, w], control: vec![a, alpha], limits })
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
            let mut flat = followed(place, Course::arc(state[2], [0.0; 2], [0.0, a.abs()]), guide);
            let (sin, cos) = (state[2] + if a < 0.0 { PI } else { 0.0 }).sin_cos();
            if a == 0.0 {
                flat.course = Course { rate: Jet::constant(1.0), ..Course::default() };
                return Ok(flat);
            }
            for (i, direction) in [cos, sin].into_iter().enumerate() {
                let turned = Jet([direction, w * [-sin, cos][i], alpha * [-sin, cos][i] - w * w * direction]);
                flat.course.tangent[i] = turned;
                flat.derivatives[2][i] = a.abs() * direction;
            }
            (flat.course.turn, flat.course.bend) = (None, None);
            return Ok(flat);
        }
        // w = curvature * v, so its derivative gives the curvature's slope by arc length.
        let curvature = w / v;
        let slope = (alpha - curvature * a) / (v * v);
        Ok(followed(place, Drive::course(state[2], [curvature, slope], [v, a]), guide))
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
    /// Curvature of the axle's path as for driving ahead, and its slope by arc length.
    fn curvature(course: &Course, sign: f64) -> Result<[Jet; 2], Singular> {
        let length = course.length();
        let cube = length * length * length;
        let curvature = course.turn.ok_or(Singular::Curvature)? / cube;
        let slope = course.bend.ok_or(Singular::Curvature)? / (cube * cube);
        Ok([sign * curvature, slope])
    }
}

impl Kind for Car {
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

    fn unflatten(&self, flat: &Flat) -> Result<Sample, Singular> {
        let [x, y, ..] = flat.derivatives[0];
        let Drive { heading, speed, sign } = Drive::new(flat);
        let stands = flat.course.stands();
        if stands && (heading.0[1] != 0.0 || heading.0[2] != 0.0) {
            return Err(Singular::TurnOnTheSpot);
        }
        if stands && self.trailer.is_some() {
            return Err(Singular::Standing);
        }
        let [curvature, slope] =
            if stands { [Jet::default(); 2] } else { Self::curvature(&flat.course, sign)? };
        let theta1 = heading.value();
        let (coordinates, state, speed, steering, hitch) = match self.trailer {
            None => {
                let steering = (self.wheelbase * curvature).atan();
                (vec![x, y, theta1], vec![x, y, theta1], speed, steering, None)
            }
            Some(Trailer { hitch_length: d, angle }) => {
                let hitch = (d * curvature).atan();
                let (_, cos) = hitch.sin_cos();
                // d theta0 / d s of the trailer's path, of which the car's is longer by 1 / cos(hitch).
                let turned = curvature + d * (slope * cos * cos);
                let steering = (self.wheelbase * (turned * cos)).atan();
                let state = vec![x + d * theta1.cos(), y + d * theta1.sin(), theta1 + hitch.value(), theta1];
                let bounded = Bounded::magnitude("hitch angle", hitch.value(), angle);
                (vec![x, y, theta1, hitch.value()], state, speed / cos, steering, Some(bounded))
            }
        };
        let mut limits = vec![
            Bounded::within("speed", speed.value(), self.speed),
            Bounded::magnitude("steering angle", steering.value(), self.steering),
            Bounded::magnitude("steering rate", steering.0[1], self.steering_rate),
            Bounded::magnitude("acceleration", speed.0[1], self.acceleration),
        ];
        limits.extend(hitch);
        Ok(Sample { coordinates, state, control: vec![speed.value(), steering.value()], limits })
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let (v, curvature0) = (control[0], control[1].tan() / self.wheelbase);
        let Some(Trailer { hitch_length: d, .. }) = self.trailer else {
            let course = Drive::course(state[2], [curvature0, 0.0], [v, 0.0]);
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
        let course = Drive::course(theta1, curvature, [v * cos, 0.0]);
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

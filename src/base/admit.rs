//! Limits of a state that move out to a state beyond them by rounding. Imports its siblings.

use super::{Base, Omnidirectional, Quadrotor, QuadrotorState};
use glam::{DMat3, DVec3};

/// A limit above zero, moved out to a value of either sign that lies beyond it by no more than `share` of it.
pub(crate) fn moved_out(limit: f64, value: f64, share: f64) -> f64 {
    let (size, most) = (value.abs(), limit * (1.0 + share));
    if size > limit && size <= most { size } else { limit }
}

/// Least and greatest, moved out to a value that lies beyond either by no more than `share` of the way between them;
/// where one of them is infinite, of the magnitude of the other, and of no less than 1.
pub(crate) fn range_moved_out([lower, upper]: [f64; 2], value: f64, share: f64) -> [f64; 2] {
    let way = upper - lower;
    let slack = |bound: f64| share * if way.is_finite() { way } else { bound.abs().max(1.0) };
    [
        if value < lower && value >= lower - slack(lower) { value } else { lower },
        if value > upper && value <= upper + slack(upper) { value } else { upper },
    ]
}

/// Least and greatest, each moved out to a value that lies beyond it by no more than `share` of it.
fn both_moved_out([lower, upper]: [f64; 2], value: f64, share: f64) -> [f64; 2] {
    [
        if value < lower && value >= lower - share * lower.abs() { value } else { lower },
        if value > upper && value <= upper + share * upper.abs() { value } else { upper },
    ]
}

impl Base {
    /// Moves the limits of what a state holds out to a state that lies beyond them by no more than `share` of them.
    /// The state is given by positions and rates of [`Base::coordinates`]; more may follow them. Where it is
    /// shorter, nothing moves.
    pub fn admit(&mut self, position: &[f64], rates: &[f64], share: f64) {
        let coordinates = self.kind().coordinates().len();
        let (Some(q), Some(v)) = (position.get(..coordinates), rates.get(..coordinates)) else { return };
        match self {
            Self::DifferentialDrive(drive) if drive.acceleration.is_some() => {
                let (sin, cos) = q[2].sin_cos();
                drive.speed = both_moved_out(drive.speed, v[0] * cos + v[1] * sin, share);
                drive.turn_rate = both_moved_out(drive.turn_rate, v[2], share);
            }
            Self::Airplane(plane) => {
                let speed = DVec3::new(v[0], v[1], v[2]).length();
                plane.speed = both_moved_out(plane.speed, speed, share);
                plane.pitch = moved_out(plane.pitch, q[4], share);
            }
            Self::PlanarQuadrotor(flyer) => {
                let fastest = v[0].abs().max(v[1].abs());
                flyer.velocity = moved_out(flyer.velocity, fastest, share);
                flyer.body_rate = moved_out(flyer.body_rate, v[2], share);
            }
            Self::Quadrotor(flyer) => admit_quadrotor(flyer, q, v, share),
            Self::Omnidirectional(base) => {
                let [ahead, left] = Omnidirectional::in_body([v[0], v[1]], q[2]);
                let rates = [ahead, left, v[2]];
                for (limit, rate) in base.velocity.iter_mut().zip(rates) {
                    *limit = moved_out(*limit, rate, share);
                }
                if let Some(wheels) = &mut base.wheels {
                    wheels.rate = moved_out(wheels.rate, wheels.greatest_rate(rates), share);
                }
            }
            // Of these a state holds positions alone, which the joints limit, or what they limit too.
            Self::DifferentialDrive(_) | Self::Car(_) | Self::Point(_) => {}
        }
    }
}

impl Base {
    /// Widens limits that [`Base::admit`] moves to those of `other`, a base of the same kind, where they are wider.
    pub fn widen(&mut self, other: &Self) {
        match (self, other) {
            (Self::DifferentialDrive(drive), Self::DifferentialDrive(other)) => {
                drive.speed = widest(drive.speed, other.speed);
                drive.turn_rate = widest(drive.turn_rate, other.turn_rate);
            }
            (Self::Airplane(plane), Self::Airplane(other)) => {
                plane.speed = widest(plane.speed, other.speed);
                plane.pitch = plane.pitch.max(other.pitch);
            }
            (Self::PlanarQuadrotor(flyer), Self::PlanarQuadrotor(other)) => {
                flyer.velocity = flyer.velocity.max(other.velocity);
                flyer.body_rate = flyer.body_rate.max(other.body_rate);
            }
            (Self::Quadrotor(flyer), Self::Quadrotor(other)) => {
                flyer.velocity = flyer.velocity.max(other.velocity);
                flyer.body_rate = flyer.body_rate.max(other.body_rate);
            }
            (Self::Omnidirectional(base), Self::Omnidirectional(other)) => {
                for (limit, other) in base.velocity.iter_mut().zip(other.velocity) {
                    *limit = limit.max(other);
                }
                if let (Some(wheels), Some(other)) = (&mut base.wheels, other.wheels) {
                    wheels.rate = wheels.rate.max(other.rate);
                }
            }
            _ => {}
        }
    }
}

fn widest(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0].min(b[0]), a[1].max(b[1])]
}

fn admit_quadrotor(flyer: &mut Quadrotor, q: &[f64], v: &[f64], share: f64) {
    let (roll, pitch) = (DMat3::from_rotation_x(q[4]), DMat3::from_rotation_y(q[5]));
    let from_world = (DMat3::from_rotation_z(q[3]) * roll * pitch).transpose();
    let velocity = DVec3::new(v[0], v[1], v[2]);
    let velocity = match flyer.state {
        QuadrotorState::Quaternion => velocity,
        QuadrotorState::Euler => from_world * velocity,
    };
    // What each of the three joints turns about, in the body's frame.
    let rates = v[3] * (from_world * DVec3::Z) + v[4] * (pitch.transpose() * DVec3::X) + v[5] * DVec3::Y;
    flyer.velocity = moved_out(flyer.velocity, velocity.abs().max_element(), share);
    flyer.body_rate = moved_out(flyer.body_rate, rates.abs().max_element(), share);
}

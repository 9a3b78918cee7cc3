//! Which figures of a base make sense. Imports its siblings and `error`.

use super::{
    Actuation, Airplane, Base, Car, DifferentialDrive, MecanumWheels, Omnidirectional, PlanarQuadrotor, Point,
    Quadrotor, Trailer,
};
use crate::error::{Checked, InvalidValue, ordered, positive, positive_or_endless};
use std::f64::consts::FRAC_PI_2;

impl Base {
    /// Checks that its figures make sense: that they are numbers, and none is zero or less that must not be.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        let checked = match self {
            Self::Point(base) => point(base),
            Self::DifferentialDrive(base) => differential_drive(base),
            Self::Car(base) => car(base),
            Self::Airplane(base) => airplane(base),
            Self::PlanarQuadrotor(base) => planar_quadrotor(base),
            Self::Quadrotor(base) => quadrotor(base),
            Self::Omnidirectional(base) => omnidirectional(base),
        };
        checked.map_err(|e| e.under(self.name()))
    }
}

fn point(base: &Point) -> Checked {
    let &Point { dimensions, velocity, acceleration } = base;
    if !(1..=3).contains(&dimensions) {
        return Err(InvalidValue::new("dimensions", dimensions, "1, 2 or 3"));
    }
    positive("velocity", velocity)?;
    positive("acceleration", acceleration)
}

fn differential_drive(base: &DifferentialDrive) -> Checked {
    let DifferentialDrive { speed, turn_rate, acceleration } = base;
    moving("speed", *speed)?;
    ordered("turn_rate", *turn_rate)?;
    let Some(acceleration) = acceleration else { return Ok(()) };
    positive("acceleration.linear", acceleration.linear)?;
    positive("acceleration.angular", acceleration.angular)
}

fn car(base: &Car) -> Checked {
    let Car { wheelbase, speed, steering, steering_rate, acceleration, trailer } = base;
    positive("wheelbase", *wheelbase)?;
    moving("speed", *speed)?;
    acute("steering", *steering)?;
    positive_or_endless("steering_rate", *steering_rate)?;
    positive_or_endless("acceleration", *acceleration)?;
    let Some(Trailer { hitch_length, angle }) = trailer else { return Ok(()) };
    positive("trailer.hitch_length", *hitch_length)?;
    acute("trailer.angle", *angle)
}

fn airplane(base: &Airplane) -> Checked {
    let &Airplane { speed, acceleration, yaw_rate, pitch_rate, pitch } = base;
    moving("speed", speed)?;
    if speed[0] < 0.0 {
        return Err(InvalidValue::new(
            "speed[0]",
            speed[0],
            "a speed of at least 0: it does not fly backwards",
        ));
    }
    positive("acceleration", acceleration)?;
    positive("yaw_rate", yaw_rate)?;
    positive("pitch_rate", pitch_rate)?;
    acute("pitch", pitch)
}

fn planar_quadrotor(base: &PlanarQuadrotor) -> Checked {
    let &PlanarQuadrotor { mass, inertia, arm, rotor, velocity, body_rate, gravity } = base;
    positive("mass", mass)?;
    positive("inertia", inertia)?;
    positive("arm", arm)?;
    positive("rotor", rotor)?;
    positive("velocity", velocity)?;
    positive("gravity", gravity)?;
    positive("body_rate", body_rate)
}

fn quadrotor(base: &Quadrotor) -> Checked {
    let Quadrotor { mass, inertia, actuation, velocity, body_rate, state: _, gravity } = base;
    positive("mass", *mass)?;
    for (axis, inertia) in ["x", "y", "z"].into_iter().zip(inertia.to_array()) {
        positive(axis, inertia).map_err(|e| e.under("inertia"))?;
    }
    positive("velocity", *velocity)?;
    positive("body_rate", *body_rate)?;
    positive("gravity", *gravity)?;
    match *actuation {
        Actuation::Rotors { arm, torque_by_thrust, most } => positive("arm", arm)
            .and_then(|()| positive("torque_by_thrust", torque_by_thrust))
            .and_then(|()| positive("most", most)),
        Actuation::Wrench { unit, lower, upper } => wrench(unit, lower, upper),
    }
    .map_err(|e| e.under("actuation"))
}

fn omnidirectional(base: &Omnidirectional) -> Checked {
    let Omnidirectional { velocity, acceleration, wheels } = base;
    for i in 0..3 {
        positive(&format!("velocity[{i}]"), velocity[i])?;
        positive(&format!("acceleration[{i}]"), acceleration[i])?;
    }
    let Some(MecanumWheels { radius, half_length, half_width, rate }) = *wheels else { return Ok(()) };
    let lengths = [("radius", radius), ("half_length", half_length), ("half_width", half_width)];
    let mut all = lengths.into_iter().chain([("rate", rate)]);
    all.try_for_each(|(field, value)| positive(field, value)).map_err(|e| e.under("wheels"))
}

fn wrench(unit: [f64; 4], lower: [f64; 4], upper: [f64; 4]) -> Checked {
    for i in 0..4 {
        positive("", unit[i]).map_err(|e| e.under(format_args!("unit[{i}]")))?;
        ordered("", [lower[i], upper[i]]).map_err(|e| {
            // The least value is that of one field, the greatest of another.
            let of_upper = e.field == "[1]";
            let field = if of_upper { "upper" } else { "lower" };
            InvalidValue { field: format!("{field}[{i}]"), ..e }
        })?;
    }
    Ok(())
}

/// Least and greatest speed, one of them not zero.
fn moving(field: &str, speed: [f64; 2]) -> Checked {
    ordered(field, speed)?;
    if speed == [0.0; 2] {
        return Err(InvalidValue::new(field, "[0, 0]", "a speed that is not zero"));
    }
    Ok(())
}

/// An angle above zero and below a quarter turn, where its tangent is a number of sensible size.
fn acute(field: &str, angle: f64) -> Checked {
    positive(field, angle)?;
    if angle < FRAC_PI_2 - 1e-9 {
        return Ok(());
    }
    Err(InvalidValue::new(field, angle, "an angle below pi / 2 = 1.5707963"))
}

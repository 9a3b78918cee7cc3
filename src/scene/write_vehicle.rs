//! The parts of a scene file that are about a vehicle.

use super::body::{Part, PartShape};
use super::keys::{Files, KeyedState, NamedKeys};
use super::vehicle::VehicleRobot;
use super::vehicle_state;
use crate::base::{
    Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, MecanumWheels, Omnidirectional,
    PlanarQuadrotor, Quadrotor,
};
use serde::Serialize;
use serde_saphyr::{FlowMap, FlowSeq};

/// What stands under a key.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EntryValue {
    Number(f64),
    Numbers(FlowSeq<Vec<f64>>),
    Keys(NamedKeys<EntryValue>),
    /// The same in one line.
    InLine(FlowMap<NamedKeys<EntryValue>>),
    List(Vec<EntryValue>),
    Files(Box<Files>),
    Joints(KeyedState),
}

/// Keys and what stands under them, in their order.
#[derive(Default)]
struct Keys(Vec<(String, EntryValue)>);

impl Keys {
    fn put(mut self, key: &str, value: EntryValue) -> Self {
        self.0.push((key.to_owned(), value));
        self
    }

    fn number(self, key: &str, value: f64) -> Self {
        self.put(key, EntryValue::Number(value))
    }

    /// Nothing where it is infinite.
    fn finite(self, key: &str, value: f64) -> Self {
        if value.is_finite() { self.number(key, value) } else { self }
    }

    fn numbers(self, key: &str, values: &[f64]) -> Self {
        self.put(key, EntryValue::Numbers(FlowSeq(values.to_vec())))
    }
}

impl From<Keys> for EntryValue {
    fn from(Keys(keys): Keys) -> Self {
        Self::Keys(NamedKeys(keys))
    }
}

/// The kind, and what stands under it.
pub(super) fn vehicle(vehicle: &VehicleRobot, carries: Option<Files>) -> (&'static str, EntryValue) {
    let mut keys = of_kind(vehicle);
    if let Some([lower, upper]) = &vehicle.bounds {
        keys = keys.numbers("lower", lower).numbers("upper", upper);
    }
    keys = keys.put("body", body(&vehicle.body));
    if let Some(files) = carries {
        keys = keys.put("carries", EntryValue::Files(Box::new(files)));
    }
    (vehicle.base.name(), keys.into())
}

/// What the motion of the kind depends on.
fn of_kind(vehicle: &VehicleRobot) -> Keys {
    let keys = Keys::default();
    match &vehicle.base {
        // A point is described by keys of its own.
        Base::Point(_) => keys,
        Base::DifferentialDrive(DifferentialDrive { speed, turn_rate, acceleration }) => {
            let keys = keys.numbers("speed", speed).numbers("turn_rate", turn_rate);
            match acceleration {
                None => keys,
                Some(DriveAcceleration { linear, angular }) => {
                    keys.number("acceleration", *linear).number("turn_acceleration", *angular)
                }
            }
        }
        Base::Car(Car { wheelbase, speed, steering, steering_rate, acceleration, trailer }) => {
            let keys = keys
                .number("wheelbase", *wheelbase)
                .numbers("speed", speed)
                .number("steering", *steering)
                .finite("steering_rate", *steering_rate)
                .finite("acceleration", *acceleration);
            let Some(trailer) = trailer else { return keys };
            let drawn = Keys::default()
                .number("hitch_length", trailer.hitch_length)
                .number("angle", trailer.angle)
                .put("body", body(&vehicle.trailer));
            keys.put("trailer", drawn.into())
        }
        Base::Omnidirectional(Omnidirectional { velocity, acceleration, wheels }) => {
            let keys = keys.numbers("velocity", velocity).numbers("acceleration", acceleration);
            let Some(MecanumWheels { radius, half_length, half_width, rate }) = *wheels else { return keys };
            let wheels = Keys::default()
                .number("radius", radius)
                .number("half_length", half_length)
                .number("half_width", half_width)
                .number("rate", rate);
            keys.put("wheels", EntryValue::InLine(FlowMap(NamedKeys(wheels.0))))
        }
        Base::Airplane(Airplane { speed, acceleration, yaw_rate, pitch_rate, pitch }) => keys
            .numbers("speed", speed)
            .number("acceleration", *acceleration)
            .number("yaw_rate", *yaw_rate)
            .number("pitch_rate", *pitch_rate)
            .number("pitch", *pitch),
        Base::PlanarQuadrotor(PlanarQuadrotor { mass, inertia, arm, rotor, velocity, body_rate, .. }) => keys
            .number("mass", *mass)
            .number("inertia", *inertia)
            .number("arm", *arm)
            .number("thrust_to_weight", *rotor)
            .number("velocity", *velocity)
            .number("body_rate", *body_rate),
        Base::Quadrotor(Quadrotor { mass, inertia, actuation, velocity, body_rate, .. }) => {
            let keys = keys.number("mass", *mass).numbers("inertia", &inertia.to_array());
            let (key, driven) = match actuation {
                Actuation::Rotors { arm, torque_by_thrust, most } => {
                    let driven = Keys::default()
                        .number("arm", *arm)
                        .number("torque_by_thrust", *torque_by_thrust)
                        .number("thrust_to_weight", *most);
                    ("rotors", driven)
                }
                Actuation::Wrench { lower, upper, .. } => {
                    let thrust = [lower[0], upper[0]];
                    ("wrench", Keys::default().numbers("thrust", &thrust).numbers("moments", &upper[1..]))
                }
            };
            let driven = EntryValue::InLine(FlowMap(NamedKeys(driven.0)));
            keys.put(key, driven).number("velocity", *velocity).number("body_rate", *body_rate)
        }
    }
}

fn body(parts: &[Part]) -> EntryValue {
    let part = |part: &Part| {
        let keys = Keys::default();
        let keys = match part.shape {
            PartShape::Ball { radius } => keys.number("radius", radius),
            PartShape::Rectangle { half_extents, excess } => {
                keys.numbers("size", &(half_extents * 2.0).to_array()).number("excess", excess)
            }
            PartShape::Cuboid { half_extents, excess } => {
                keys.numbers("size", &(half_extents * 2.0).to_array()).number("excess", excess)
            }
        };
        EntryValue::InLine(FlowMap(NamedKeys(keys.numbers("center", &part.center.to_array()).0)))
    };
    EntryValue::List(parts.iter().map(part).collect())
}

/// The keys of a state of a base whose coordinates have these positions and rates.
pub(super) fn state(base: &Base, position: &[f64], rates: &[f64], joints: Option<KeyedState>) -> EntryValue {
    let numbers = base.state(position, rates);
    let mut keys = Keys::default();
    for (key, states) in vehicle_state::fields(base) {
        keys = match &numbers[states] {
            [number] => keys.number(key.key, *number),
            several => keys.numbers(key.key, several),
        };
    }
    if let Some(joints) = joints {
        keys = keys.put("joints", EntryValue::Joints(joints));
    }
    keys.into()
}

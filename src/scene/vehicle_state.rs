//! States of vehicles as scene files have them: keys such as `heading` and `speed`, or the numbers of the
//! base's state in their order.

use super::lengths::quaternion;
use super::setup;
use crate::base::{Absent, Base, StateKey};
use crate::document::{Map, Node};
use crate::error::{InputError, Warnings};
use crate::pose::Pose;
use crate::problem::JointState;
use crate::robot::{END_SLACK, GivenLimits, Mechanism};
use glam::{DQuat, DVec3};
use std::ops::Range;

/// Where the state holds the heading, if that is one number.
const HEADING: usize = 2;
/// Keys that say how a quadrotor is turned.
const ATTITUDE: [&str; 3] = ["heading", "rpy", "quaternion_xyzw"];

/// The keys of a kind's states, and which of their numbers stand under each.
pub(super) fn fields(base: &Base) -> Vec<(StateKey, Range<usize>)> {
    let mut next = 0;
    let field = |key: &StateKey| {
        let first = next;
        next += key.count;
        (*key, first..next)
    };
    base.state_keys().iter().map(field).collect()
}

/// Reads the state of a vehicle; also gives the node that holds the state of what it carries.
pub(super) fn read<'n>(
    node: &'n Node,
    base: &Base,
    carries: bool,
    (mechanism, given): (&mut Mechanism, &GivenLimits),
    warnings: &Warnings,
) -> Result<(JointState, Option<&'n Node>), InputError> {
    let (numbers, joints) = match node.list("") {
        Ok(_) if !carries => (listed(node, base)?, None),
        _ => by_key(node, base, carries)?,
    };
    for ((&(value, at), [lower, upper]), name) in
        numbers.iter().zip(base.state_bounds()).zip(base.state_names())
    {
        let slack = |bound: f64| if bound.is_finite() { END_SLACK * bound.abs() } else { 0.0 };
        if value < lower - slack(lower) || value > upper + slack(upper) {
            let message =
                format!("{name} at {value:?} is outside its limits; expected {lower:?} to {upper:?}");
            return Err(at.error(message));
        }
    }
    let mut state: Vec<f64> = numbers.iter().map(|&(value, _)| value).collect();
    if let Base::Quadrotor(_) = base {
        let attitude = quaternion([state[3], state[4], state[5], state[6]]);
        let attitude = attitude.map_err(|e| numbers[3].1.locate(e))?;
        state[3..7].copy_from_slice(&attitude.to_array());
    }
    if let Some((number, message)) = base.state_fault(&state, END_SLACK) {
        return Err(numbers[number].1.error(message));
    }
    let [position, velocity] = base.configuration(&state).map_err(|e| node.error(e.to_string()))?;
    for (i, &value) in position.iter().enumerate() {
        let at = numbers.get(i).map_or(node, |&(_, at)| at);
        setup::allow(setup::admit_position(mechanism, given, i, value), at, warnings)?;
    }
    let before = mechanism.given_limits();
    mechanism.admit(given, &position, &velocity, &[]);
    if mechanism.given_limits() != before {
        warnings.push(node.error("beyond limits by no more than rounding; they are moved out to it"));
    }
    let state = JointState { velocity, ..JointState::at_rest(position) };
    Ok((state, joints))
}

/// A number of the state, and where it stands.
type Number<'n> = (f64, &'n Node);

/// The numbers of the state in their order.
fn listed<'n>(node: &'n Node, base: &Base) -> Result<Vec<Number<'n>>, InputError> {
    let names = base.state_names();
    let what = format!("a state: a map, or a list of {} numbers: {}", names.len(), names.join(", "));
    let list = node.list(&what)?;
    if list.len() != names.len() {
        return Err(node.expected(what));
    }
    list.iter().map(|item| Ok((item.number()?, item))).collect()
}

fn by_key<'n>(
    node: &'n Node,
    base: &Base,
    carries: bool,
) -> Result<(Vec<Number<'n>>, Option<&'n Node>), InputError> {
    let keys = base.state_keys();
    let mut known: Vec<&str> = keys.iter().map(|k| k.key).collect();
    if keys.iter().any(|k| k.absent == Absent::Level) {
        known.splice(1..2, ATTITUDE);
    }
    if carries {
        known.push("joints");
    }
    let map = node.map(&format!("a state: a map with {}", known.join(", ")))?;
    for entry in map.entries.iter().filter(|e| ["speed", "turn_rate"].contains(&e.key.as_str())) {
        if !known.contains(&entry.key.as_str()) && base.follows_course() {
            return Err(entry.error(is_control(base)));
        }
    }
    let map = node.map_of("a state", &known)?;
    let mut numbers: Vec<Number> = Vec::new();
    for &StateKey { key, count, absent } in keys {
        let read: Vec<Number> = match (map.get(key), absent) {
            (_, Absent::Level) => attitude(&map)?,
            (Some(node), _) => under(node, count)?,
            (None, Absent::Wrong) => return Err(node.error(format!("missing key \"{key}\""))),
            (None, Absent::Zero) => vec![(0.0, node); count],
            (None, Absent::Heading) => vec![numbers[HEADING]],
        };
        numbers.extend(read);
    }
    let joints = if carries { Some(map.require("joints")?) } else { None };
    Ok((numbers, joints))
}

/// Why a speed is no part of the state.
fn is_control(base: &Base) -> &'static str {
    match base {
        Base::Car(_) => "a car's speed and steering are its controls and no part of its state",
        _ => {
            "speed and turn rate of a drive without limits of acceleration are its controls and no part of its \
             state; robot.differential_drive.acceleration and turn_acceleration make them so"
        }
    }
}

/// A number, or a list of so many.
fn under(node: &Node, count: usize) -> Result<Vec<Number<'_>>, InputError> {
    if count == 1 {
        return Ok(vec![(node.number()?, node)]);
    }
    let what = format!("{count} numbers");
    match node.list(&what)? {
        list if list.len() == count => list.iter().map(|item| Ok((item.number()?, item))).collect(),
        _ => Err(node.expected(what)),
    }
}

/// How a quadrotor is turned.
fn attitude<'n>(map: &Map<'n>) -> Result<Vec<Number<'n>>, InputError> {
    let Some(entry) = map.at_most_one(&ATTITUDE)? else {
        return Ok(DQuat::IDENTITY.to_array().map(|value| (value, map.node)).to_vec());
    };
    let node = &entry.node;
    let turned = match entry.key.as_str() {
        "heading" => DQuat::from_rotation_z(node.number()?),
        "rpy" => {
            let rpy = node.array("three angles in radians: roll, pitch and yaw")?;
            DQuat::from_mat3(&Pose::from_rpy(rpy, DVec3::ZERO).rotation)
        }
        _ => {
            let given = node.array("four numbers: x, y, z and w of a unit quaternion")?;
            quaternion(given).map_err(|e| node.locate(e))?
        }
    };
    Ok(turned.normalize().to_array().map(|value| (value, node)).to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::tables;
    use super::*;
    use crate::base::{
        Actuation, Airplane, Car, DifferentialDrive, DriveAcceleration, MecanumWheels, Omnidirectional,
        PlanarQuadrotor, Quadrotor, Trailer, VelocityAxes,
    };
    use proptest::prelude::*;

    fn bases() -> Vec<Base> {
        let drive = DifferentialDrive {
            speed: [-1.0, 1.0],
            turn_rate: [-2.0, 2.0],
            acceleration: Some(DriveAcceleration { linear: 1.0, angular: 1.0 }),
        };
        let car = Car {
            wheelbase: 0.3,
            speed: [-0.5, 1.0],
            steering: 0.6,
            steering_rate: f64::INFINITY,
            acceleration: f64::INFINITY,
            trailer: None,
        };
        let trailer = Some(Trailer { hitch_length: 0.5, angle: 1.2 });
        vec![
            Base::DifferentialDrive(DifferentialDrive { acceleration: None, ..drive.clone() }),
            Base::DifferentialDrive(drive),
            Base::Car(car.clone()),
            Base::Car(Car { trailer, ..car }),
            Base::Omnidirectional(Omnidirectional {
                velocity: [1.0, 0.8, 2.0],
                acceleration: [1.0; 3],
                wheels: Some(MecanumWheels { radius: 0.1, half_length: 0.3, half_width: 0.2, rate: 20.0 }),
            }),
            Base::Airplane(Airplane {
                speed: [0.5, 2.0],
                acceleration: 1.0,
                yaw_rate: 1.0,
                pitch_rate: 1.0,
                pitch: 1.0,
            }),
            Base::PlanarQuadrotor(PlanarQuadrotor {
                mass: 1.0,
                inertia: 0.1,
                arm: 0.2,
                rotor: 2.0,
                velocity: 4.0,
                body_rate: 8.0,
                gravity: 9.81,
            }),
            Base::Quadrotor(Quadrotor {
                mass: 1.0,
                inertia: DVec3::ONE,
                actuation: Actuation::Rotors { arm: 0.1, torque_by_thrust: 0.01, most: 2.0 },
                velocity: 4.0,
                body_rate: 8.0,
                velocity_axes: VelocityAxes::World,
                gravity: 9.81,
            }),
        ]
    }

    proptest! {
        /// From a state to coordinates and back.
        #[test]
        fn states_come_back(numbers in prop::collection::vec(-1.0..1.0, 13)) {
            for base in bases() {
                let mut wanted = numbers[..base.state_names().len()].to_vec();
                match base {
                    Base::Quadrotor(_) => {
                        let q = DQuat::from_xyzw(wanted[3], wanted[4], wanted[5], wanted[6] + 2.0).normalize();
                        wanted[3..7].copy_from_slice(&q.to_array());
                    }
                    Base::Airplane(_) => wanted[5] += 1.5,
                    _ => {}
                }
                let [position, rates] = base.configuration(&wanted).unwrap();
                let found = base.state(&position, &rates);
                let close = found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-9);
                prop_assert!(close && found.len() == wanted.len(), "{base:?}: {found:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn every_number_of_a_state_has_its_key() {
        for base in bases() {
            let covered: Vec<usize> = fields(&base).into_iter().flat_map(|(_, states)| states).collect();
            assert_eq!(covered, Vec::from_iter(0..base.state_names().len()), "{base:?}");
            assert_eq!(base.state_bounds().len(), base.state_names().len(), "{base:?}");
            let mut keys = fields(&base).into_iter().map(|(key, _)| key.key).chain(ATTITUDE);
            assert!(keys.all(|key| tables::VEHICLE_STATE.iter().any(|k| k.name == key)), "{base:?}");
        }
    }
}

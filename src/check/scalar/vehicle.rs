//! Stage `unflatten` of vehicles, by the maps of `base` themselves.

use super::super::packed::LIMIT_SLACK;
use super::super::packed::base::scale;
use crate::base::{Base, Bounded, DifferentialDrive, MAX_ORDER, MAX_OUTPUTS, Sample, Singular};
use crate::robot::Mechanism;

/// A vehicle at an instant of an edge.
pub(super) struct VehicleSample {
    /// Position, velocity and acceleration of all joints; zero where those have no limits.
    pub joints: [Vec<f64>; 3],
    /// How far each limit of its base is from being broken, as a share of it, by its index.
    pub margins: Vec<(usize, f64)>,
}

/// From derivatives `[order][output]` of flat outputs; `None` if they are the joints themselves.
pub(super) fn unflatten(
    m: &Mechanism,
    flat: &[Vec<f64>; MAX_ORDER + 1],
) -> Option<Result<VehicleSample, Singular>> {
    let base = m.vehicle()?;
    let outputs = base.outputs().len();
    let mut derivatives = [[0.0; MAX_OUTPUTS]; MAX_ORDER + 1];
    for (derivatives, flat) in derivatives.iter_mut().zip(flat) {
        derivatives[..outputs].copy_from_slice(&flat[..outputs]);
    }
    let vehicle = |sample: Sample| {
        let coordinates = sample.coordinates.len();
        let joints = |order: usize, coordinates: &[f64]| [coordinates, &flat[order][outputs..]].concat();
        let rates = |order: usize| match base.follows_course() {
            true => vec![0.0; m.dof()],
            false => joints(order, &vec![0.0; coordinates]),
        };
        VehicleSample {
            joints: [joints(0, &sample.coordinates), rates(1), rates(2)],
            margins: margins(base, &sample),
        }
    };
    Some(base.unflatten(&base.flat_from(derivatives)).map(vehicle))
}

/// How far each limit is from being broken.
fn margins(base: &Base, sample: &Sample) -> Vec<(usize, f64)> {
    let limits = sample.limits.iter().map(margin).enumerate();
    if !base.follows_course() {
        return limits.collect();
    }
    let geometric = limits.filter(|(i, _)| base.geometric_limits().contains(i));
    let speed = match base {
        Base::DifferentialDrive(drive) => drive.speed,
        Base::Car(car) => car.speed,
        _ => [0.0, f64::INFINITY],
    };
    let curvature = match base {
        Base::DifferentialDrive(drive) => curvature_margin(drive, &sample.limits),
        _ => None,
    };
    // The parameter is not time, so that of a speed only its sign counts.
    let [least, most] = speed.map(sign);
    let way = sign(sample.limits[0].value);
    let way = if (least..=most).contains(&way) { 1.0 } else { -1.0 };
    geometric.chain([(0, way)]).chain(curvature.map(|margin| (1, margin))).collect()
}

/// -1, 0 or 1.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// By which share of its bounds a quantity lies within them, and a little more.
fn margin(&Bounded { value, lower, upper, .. }: &Bounded) -> f64 {
    f64::from(LIMIT_SLACK) + (value - lower).min(upper - value) / scale([lower, upper])
}

/// The same for the curvature of a drive's path, or, where it stands, for the rate at which it turns.
fn curvature_margin(drive: &DifferentialDrive, limits: &[Bounded]) -> Option<f64> {
    let (speed, turn_rate) = (limits[0].value, limits[1].value);
    let (value, [lower, upper]) = if speed == 0.0 {
        let [right, left] = drive.turn_rate;
        let bound = |allows: bool, bound: f64| if allows { bound } else { 0.0 };
        (turn_rate, [bound(right < 0.0, f64::NEG_INFINITY), bound(left > 0.0, f64::INFINITY)])
    } else {
        (turn_rate / speed.abs(), drive.curvature_bounds(speed > 0.0)?)
    };
    Some(margin(&Bounded { name: "curvature", value, lower, upper }))
}

//! Calls that make no sense, and ends that no trajectory within limits can have.

use super::{Algorithm, PlanOptions};
use crate::base::{Base, Flat};
use crate::check::{Diagnosis, Status};
use crate::error::InvalidValue;
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::OutputLimits;
use crate::wide::WideSettings;

/// Checks that a call makes sense: its options and its problem, and that this tells how fast the robot may be.
pub(super) fn admit(problem: &Problem, options: &PlanOptions) -> Result<(), InvalidValue> {
    options.validate().map_err(|e| e.under("options"))?;
    problem.validate()?;
    if options.sampling.is_some() && problem.mechanism.vehicle().is_some() {
        return Err(InvalidValue::new(
            "options.sampling",
            "given",
            "none: the searches of vehicles draw their own",
        ));
    }
    if let Some(algorithm @ (Algorithm::Aorrtc | Algorithm::RrtStar)) = options.algorithm
        && problem.mechanism.vehicle().is_some() {
        return Err(InvalidValue::new(
            "options.algorithm",
            algorithm,
            format!("{}: aorrtc and rrt-star are for arms and points", Algorithm::RrtConnect),
        ));
    }
    if options.algorithm == Some(Algorithm::Wide) {
        wide(problem, options)?;
    }
    bounded(problem)
}

/// Whether the wide search is for a query: it draws samples of its own, at rest.
pub(super) fn wide(problem: &Problem, options: &PlanOptions) -> Result<(), InvalidValue> {
    if !matches!(problem.mechanism.vehicle(), None | Some(Base::Omnidirectional(_))) {
        let expected = "no vehicle but an omnidirectional base: others do not drive from rest to rest along straight lines";
        return Err(InvalidValue::new("options.algorithm", Algorithm::Wide, expected));
    }
    if options.sampling.is_some() {
        return Err(InvalidValue::new("options.sampling", "given", "none: the wide search draws its own"));
    }
    if options.moving_share > 0.0 {
        let expected = "0: the wide search draws states at rest";
        return Err(InvalidValue::new("options.moving_share", options.moving_share, expected));
    }
    let (dof, most) = (problem.mechanism.dof(), WideSettings::DEFAULT.most_outputs);
    if dof > most {
        let expected = format!("a robot of at most {most} outputs, which this one's {dof} exceed");
        return Err(InvalidValue::new("options.algorithm", Algorithm::Wide, expected));
    }
    Ok(())
}

/// Whether outputs have the limits from which durations follow; a vehicle has its own.
fn bounded(problem: &Problem) -> Result<(), InvalidValue> {
    let mechanism = &problem.mechanism;
    let first = mechanism.vehicle().map_or(0, |base| base.coordinates().len());
    for (i, limits) in mechanism.limits.iter().enumerate().skip(first) {
        let jerk = (problem.smoothness == Smoothness::Jerk).then_some(("jerk", limits.jerk));
        // Where torques are held, efforts tell how hard a joint can accelerate.
        let by_effort = problem.torque && limits.effort.is_finite();
        let acceleration = (!by_effort).then_some(("acceleration", limits.acceleration));
        let all = [("velocity", limits.velocity)].into_iter().chain(acceleration).chain(jerk);
        if let Some((field, value)) = all.into_iter().find(|(_, value)| !value.is_finite()) {
            let output = &mechanism.outputs[i];
            let expected = "a limit: without one no duration can be told";
            return Err(InvalidValue::new(
                format!("mechanism.limits[{i}] (\"{output}\").{field}"),
                value,
                expected,
            ));
        }
    }
    Ok(())
}

/// What a car's wheels may slip by, m/s, where its rates are computed.
const SLIP: f64 = 1e-6;

/// What is wrong with the motion of an end that tells a car's speed and steering.
pub(super) fn beyond_controls(problem: &Problem, state: &JointState) -> Option<Diagnosis> {
    let base = problem.mechanism.vehicle()?;
    let JointState { position, velocity, .. } = state;
    let controls = base.controls_under_way(position, velocity)?;
    let slip = base.slip(position, velocity);
    let [speed, steering] = base.control_bounds()?;
    let all = [
        ("sideways slip", slip, [-SLIP, SLIP]),
        ("speed", controls[0], speed),
        ("steering angle", controls[1], steering),
    ];
    // A NaN is not within.
    let is_beyond = |&(_, value, [least, most]): &(&str, f64, [f64; 2])| !(least..=most).contains(&value);
    let (name, amount, [least, most]) = all.into_iter().find(is_beyond)?;
    let (subject, other) = (name.to_owned(), String::new());
    Some(Diagnosis { status: Status::Base, subject, other, amount, bounds: (least, most) })
}

/// The first output of an end that lies beyond its limits, as those of [`Problem::admitted`] are. Checks allow for
/// the rounding of `f32`, certificates for hardly any: no trajectory from or to there could be certified.
pub(super) fn out_of_bounds(problem: &Problem, state: &JointState) -> Option<Diagnosis> {
    let mechanism = &problem.mechanism;
    if let Some(fault) = mechanism.vehicle().and_then(|base| beyond_base(base, state)) {
        return Some(fault);
    }
    let smooth = problem.smoothness == Smoothness::Jerk;
    mechanism.limits.iter().enumerate().find_map(|(i, limits)| {
        let &OutputLimits { lower, upper, velocity, acceleration, .. } = limits;
        let second = if smooth { state.acceleration[i] } else { 0.0 };
        let all = [
            (Status::Position, state.position[i], [lower, upper]),
            (Status::Velocity, state.velocity[i], [-velocity, velocity]),
            (Status::Acceleration, second, [-acceleration, acceleration]),
        ];
        let beyond = |&(_, value, [least, most]): &(Status, f64, [f64; 2])| value < least || value > most;
        let (status, amount, [least, most]) = all.into_iter().find(beyond)?;
        let (subject, other) = (mechanism.outputs[i].clone(), String::new());
        Some(Diagnosis { status, subject, other, amount, bounds: (least, most) })
    })
}

/// A limit of a base that a state exceeds by no more than this share, it exceeds by rounding.
const ROUNDING: f64 = 1e-9;

/// The first limit of an omnidirectional base that the velocities of a state break. Other bases are asked where they are
/// planned for.
fn beyond_base(base: &Base, state: &JointState) -> Option<Diagnosis> {
    let Base::Omnidirectional(_) = base else { return None };
    let mut flat = Flat::default();
    flat.derivatives[0][..3].copy_from_slice(&state.position[..3]);
    flat.derivatives[1][..3].copy_from_slice(&state.velocity[..3]);
    let limits = base.unflatten(&flat).ok()?.limits;
    let broken = limits.into_iter().find(|limit| limit.excess() > ROUNDING * limit.upper)?;
    Some(Diagnosis::of_vehicle(&broken))
}

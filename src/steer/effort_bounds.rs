//! Accelerations that efforts allow, where no limit of acceleration says how steeply to steer.
//! Imports `problem` and `robot`.

use crate::base::Base;
use crate::problem::Problem;
use crate::robot::{DynamicsScratch, Mechanism, JointMotion, OutputLimits};
use glam::DVec3;
use std::f64::consts::PI;

/// Places of the robot whose inertia is looked at, beside the start and the goals.
const PLACES: usize = 8;

/// Goals that are looked at.
const GOALS: usize = 4;

/// By so many times the accelerations found may be exceeded elsewhere, and with the help of velocities.
const HEADROOM: f64 = 8.0;

/// Where masses bound no acceleration, the share of the time that an output takes across its range, at its
/// greatest velocity, in which it comes to that.
const QUICK: f64 = 1e-3;

/// The limits of a problem's robot as steering needs them: where efforts are held, an acceleration without a limit is
/// given one that efforts do not reach; and the coordinates of an omnidirectional base have those that hold at every
/// heading. It bounds the search for motions from above, no more: what is found is
/// held against the efforts, and certified against the robot's own limits.
pub fn steering_limits(problem: &Problem) -> Vec<OutputLimits> {
    let mechanism = &problem.mechanism;
    let mut limits = mechanism.limits.clone();
    if let Some(Base::Omnidirectional(base)) = mechanism.vehicle() {
        for (l, [velocity, acceleration]) in limits.iter_mut().zip(base.axis_limits()) {
            (l.velocity, l.acceleration) = (velocity, acceleration);
        }
    }
    let unlimited = |l: &OutputLimits| l.acceleration == f64::INFINITY;
    if !problem.torque || mechanism.vehicle().is_some() || !limits.iter().any(unlimited) {
        return limits;
    }
    let bounds = accelerations(problem);
    for (j, l) in limits.iter_mut().enumerate().filter(|(_, l)| unlimited(l)) {
        let (least, most) = range(problem, j);
        // What has nowhere to go needs no acceleration either.
        let width = if most > least { most - least } else { 1.0 };
        let quick = l.velocity * l.velocity / (QUICK * width);
        l.acceleration = if bounds[j] > 0.0 && bounds[j].is_finite() { bounds[j] } else { quick };
    }
    limits
}

/// The greatest accelerations that efforts reach from a standstill in some places, with headroom; zero where
/// no place tells.
fn accelerations(problem: &Problem) -> Vec<f64> {
    let Problem { mechanism, start, goals, .. } = problem;
    let dof = mechanism.dof();
    let mut places: Vec<Vec<f64>> = vec![start.position.clone()];
    places.extend(goals.iter().take(GOALS).map(|goal| goal.position.clone()));
    let ranges: Vec<(f64, f64)> = (0..dof).map(|j| range(problem, j)).collect();
    for k in 1..=PLACES {
        // Multiples of irrational numbers, modulo 1, are spread evenly.
        let share = |j: usize| (k as f64 * (j as f64 + 2.5).sqrt()).fract();
        places.push(ranges.iter().enumerate().map(|(j, (a, b))| a + share(j) * (b - a)).collect());
    }
    let mut most = vec![0.0_f64; dof];
    let mut scratch = DynamicsScratch::default();
    for place in &places {
        let Some(inverse) = inverse_inertia(mechanism, place, &mut scratch) else { continue };
        let still = vec![0.0; dof];
        let mut weight = vec![0.0; dof];
        mechanism.inverse_dynamics(place, &still, &still, problem.gravity, &mut scratch, &mut weight);
        for (most, row) in most.iter_mut().zip(inverse.chunks_exact(dof)) {
            let drives = mechanism.limits.iter().zip(&weight).map(|(l, w)| l.effort + w.abs());
            let sum: f64 = row.iter().zip(drives).map(|(x, effort)| x.abs() * effort).sum();
            *most = most.max(HEADROOM * sum);
        }
    }
    most
}

/// Where an output may stand: between its limits, or where it has none about where it stands at the start and
/// the goals, a turn wide if it turns.
fn range(problem: &Problem, output: usize) -> (f64, f64) {
    let Problem { mechanism, start, goals, .. } = problem;
    let OutputLimits { lower, upper, .. } = mechanism.limits[output];
    let ends = || goals.iter().chain([start]).map(|state| state.position[output]);
    let (least, most) = (ends().fold(f64::INFINITY, f64::min), ends().fold(f64::NEG_INFINITY, f64::max));
    let turns = |b: &crate::robot::Body| b.output == output && b.motion == JointMotion::Revolute;
    let beyond = if mechanism.bodies[1..].iter().any(turns) { PI } else { most - least };
    let lower = if lower.is_finite() { lower } else { least - beyond };
    (lower, if upper.is_finite() { upper } else { most + beyond })
}

/// The inverse of the inertia matrix, row by row; `None` where it has none.
fn inverse_inertia(mechanism: &Mechanism, y: &[f64], scratch: &mut DynamicsScratch) -> Option<Vec<f64>> {
    let dof = mechanism.dof();
    let still = vec![0.0; dof];
    let mut matrix = vec![0.0; dof * dof];
    let mut unit = still.clone();
    // Row by row, as it is symmetric.
    for (j, row) in matrix.chunks_exact_mut(dof).enumerate() {
        unit[j] = 1.0;
        mechanism.inverse_dynamics(y, &still, &unit, DVec3::ZERO, scratch, row);
        unit[j] = 0.0;
    }
    let mut inverse = vec![0.0; dof * dof];
    (0..dof).for_each(|j| inverse[j * dof + j] = 1.0);
    // Gauss and Jordan; the pivots of a positive definite matrix need no exchange.
    for k in 0..dof {
        let pivot = matrix[k * dof + k];
        if !(pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        for rows in [&mut matrix, &mut inverse] {
            rows[k * dof..(k + 1) * dof].iter_mut().for_each(|x| *x /= pivot);
        }
        for i in (0..dof).filter(|&i| i != k) {
            let factor = matrix[i * dof + k];
            for rows in [&mut matrix, &mut inverse] {
                for j in 0..dof {
                    rows[i * dof + j] -= factor * rows[k * dof + j];
                }
            }
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{JointState, GRAVITY, Smoothness};
    use crate::robot::{JointLimits, random};
    use crate::world::World;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    fn problem(seed: u64) -> Problem {
        let rng = &mut Pcg64Mcg::seed_from_u64(seed);
        let bodies = rng.random_range(1..8);
        let mut mechanism = random::mechanism(rng, bodies);
        for limits in &mut mechanism.limits {
            *limits = JointLimits {
                lower: -2.0,
                upper: 2.0,
                velocity: rng.random_range(0.5..4.0),
                effort: rng.random_range(1.0..200.0),
                ..JointLimits::NONE
            };
        }
        let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
        Problem {
            mechanism,
            world: World { obstacles: Vec::new() },
            goals: vec![start.clone()],
            start,
            smoothness: Smoothness::Acceleration,
            torque: true,
            gravity: GRAVITY,
        }
    }

    proptest! {
        /// From a standstill no efforts within their limits accelerate the robot more.
        #[test]
        fn no_effort_reaches_the_accelerations(seed in any::<u64>(), place in prop::collection::vec(-2.0..2.0_f64, 8), efforts in prop::collection::vec(-1.0..1.0_f64, 8)) {
            let problem = problem(seed);
            let mechanism = &problem.mechanism;
            let dof = mechanism.dof();
            let limits = steering_limits(&problem);
            let mut scratch = DynamicsScratch::default();
            let Some(inverse) = inverse_inertia(mechanism, &place[..dof], &mut scratch) else { return Ok(()) };
            let (still, mut weight) = (vec![0.0; dof], vec![0.0; dof]);
            mechanism.inverse_dynamics(&place[..dof], &still, &still, problem.gravity, &mut scratch, &mut weight);
            let net: Vec<f64> = (0..dof).map(|i| efforts[i] * mechanism.limits[i].effort - weight[i]).collect();
            let acceleration: Vec<f64> =
                inverse.chunks_exact(dof).map(|row| row.iter().zip(&net).map(|(x, n)| x * n).sum()).collect();
            // The inverse is one: those accelerations take these efforts.
            let mut taken = vec![0.0; dof];
            mechanism.inverse_dynamics(&place[..dof], &still, &acceleration, problem.gravity, &mut scratch, &mut taken);
            let size = mechanism.limits.iter().map(|l| l.effort).fold(1.0, f64::max);
            for (i, taken) in taken.iter().enumerate() {
                prop_assert!((taken - efforts[i] * mechanism.limits[i].effort).abs() < 1e-6 * size);
            }
            for (a, l) in acceleration.iter().zip(&limits) {
                prop_assert!(a.abs() <= l.acceleration && l.acceleration.is_finite(), "{} of {}", a, l.acceleration);
            }
        }
    }

    #[test]
    fn only_what_has_no_limit_is_given_one() {
        let mut problem = problem(3);
        problem.mechanism.limits[0].acceleration = 1e9;
        let limits = steering_limits(&problem);
        assert_eq!(limits[0], problem.mechanism.limits[0]);
        for (l, own) in limits.iter().zip(&problem.mechanism.limits) {
            assert!(l.acceleration.is_finite() && l.acceleration > 0.0);
            assert_eq!(OutputLimits { acceleration: own.acceleration, ..*l }, *own);
        }
        problem.torque = false;
        assert_eq!(steering_limits(&problem), problem.mechanism.limits);
    }

    /// A body that weighs nothing about its axis could be turned at once.
    #[test]
    fn what_no_mass_bounds_is_bounded_by_the_velocity() {
        let mut problem = problem(3);
        for body in &mut problem.mechanism.bodies {
            body.inertia = crate::robot::Inertia::ZERO;
        }
        for (l, own) in steering_limits(&problem).iter().zip(&problem.mechanism.limits) {
            let seconds = l.velocity / l.acceleration;
            assert!((seconds - 1e-3 * 4.0 / own.velocity).abs() < 1e-12, "{seconds}");
        }
    }
}

//! A caller's own constraints: asked at samples of a trajectory, as nothing is known of how they vary between them.

use super::findings::Findings;
use super::options::ask;
use super::report::{Sampled, Violation};
use crate::problem::{Constraint, JointState, Problem, StateSample};
use crate::stop::Watch;
use crate::trajectory::Trajectory;

/// Instants, evenly spread, at which a constraint is asked beside the knots.
const SAMPLES: f64 = 1000.0;

/// Work of asking a constraint once, as a guess.
const ASKED: u32 = 64;

/// What the constraints have to say of a trajectory.
pub(super) fn survey(
    constraints: &[Constraint],
    problem: &Problem,
    trajectory: &Trajectory,
    watch: &mut Watch,
    findings: &mut Findings,
) -> Result<Vec<Sampled>, Violation> {
    if constraints.is_empty() {
        return Ok(Vec::new());
    }
    let times = trajectory.sample_times_with_knots(trajectory.duration() / SAMPLES);
    let new = |constraint: &Constraint| Sampled {
        name: constraint.name().to_owned(),
        margin: f64::INFINITY,
        time: 0.0,
        samples: times.len(),
    };
    let mut sampled: Vec<Sampled> = constraints.iter().map(new).collect();
    for &time in &times {
        ask(watch, ASKED, 0)?;
        let Some([y, yd, ydd]) = state(problem, trajectory, time) else { continue };
        let sample = StateSample::new(&problem.mechanism, &y, &yd, &ydd);
        for (constraint, sampled) in constraints.iter().zip(&mut sampled) {
            let margin = constraint.margin(&sample);
            if margin < sampled.margin {
                (sampled.margin, sampled.time) = (margin, time);
            }
        }
    }
    for Sampled { name, margin, time, .. } in sampled.iter().filter(|sampled| sampled.margin < 0.0) {
        findings.add(Violation::Constraint { name: name.clone(), margin: *margin, time: *time })?;
    }
    Ok(sampled)
}

/// Positions, velocities and accelerations of the joints; those of a vehicle's base do not tell accelerations.
fn state(problem: &Problem, trajectory: &Trajectory, time: f64) -> Option<[Vec<f64>; 3]> {
    let mechanism = &problem.mechanism;
    let JointState { position, velocity, .. } =
        JointState::of(mechanism, trajectory, time, problem.smoothness).ok()?;
    let mut acceleration = vec![0.0; position.len()];
    if mechanism.vehicle().is_none() {
        trajectory.evaluate(time, 2, &mut acceleration);
    }
    Some([position, velocity, acceleration])
}

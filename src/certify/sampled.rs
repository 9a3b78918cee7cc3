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
    let times = trajectory.sample_times_with_knots(spacing(constraints, trajectory));
    let new = |constraint: &Constraint| Sampled {
        name: constraint.name().to_owned(),
        margin: f64::INFINITY,
        time: 0.0,
        samples: 0,
    };
    let mut sampled: Vec<Sampled> = constraints.iter().map(new).collect();
    for &time in &times {
        ask(watch, ASKED, 0)?;
        // Where a vehicle's outputs tell nothing, the rest of the proof says so.
        let Ok([y, yd, ydd]) = JointState::in_motion(&problem.mechanism, trajectory, time) else { continue };
        let sample = StateSample::new(&problem.mechanism, &y, &yd, &ydd);
        for (constraint, sampled) in constraints.iter().zip(&mut sampled) {
            let margin = constraint.margin(&sample);
            sampled.samples += 1;
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

/// Time between samples, seconds: so many in all, and as close as the constraints ask for, by how far the outputs go.
fn spacing(constraints: &[Constraint], trajectory: &Trajectory) -> f64 {
    let even = trajectory.duration() / SAMPLES;
    let step = constraints.iter().filter_map(Constraint::step).fold(f64::INFINITY, f64::min);
    if !step.is_finite() {
        return even;
    }
    let speed = |output| trajectory.extrema(output, 1).magnitude().0;
    let fastest: f64 = (0..trajectory.dof()).map(speed).sum();
    if fastest > 0.0 { even.min(step / fastest) } else { even }
}

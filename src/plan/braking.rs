//! Ends at speed: where a motion can stop, where one can have come from, and states that are doomed.

use super::FailureHint;
use crate::certify::{Certifier, Violation};
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::OutputLimits;
use crate::steer::steering_limits;
use crate::stop::Stop;
use crate::trajectory::Trajectory;

/// The time in which all outputs can come to rest together, each decelerating evenly: the path is straight.
fn time(limits: &[OutputLimits], velocity: &[f64]) -> f64 {
    velocity.iter().zip(limits).map(|(v, limits)| v.abs() / limits.acceleration).fold(0.0, f64::max)
}

/// States at rest that lie near a state at speed: ahead of it, or with `before` behind it. From, or to,
/// these a search goes on as it does between states at rest.
pub(super) fn standstills(limits: &[OutputLimits], state: &JointState, before: bool) -> Vec<JointState> {
    if state.is_at_rest() {
        return Vec::new();
    }
    let sign = if before { -1.0 } else { 1.0 };
    let together = time(limits, &state.velocity);
    let on_course = |stretch: f64| {
        let way = |(p, v): (&f64, &f64)| p + sign * 0.5 * together * stretch * v;
        state.position.iter().zip(&state.velocity).map(way).collect()
    };
    // Every output by itself as hard as it can: the path bends, but is the shortest for each.
    let each = |((p, v), limits): ((&f64, &f64), &OutputLimits)| {
        (p + sign * v * v.abs() / (2.0 * limits.acceleration)).clamp(limits.lower, limits.upper)
    };
    let hardest = state.position.iter().zip(&state.velocity).zip(limits).map(each).collect();
    let within = |position: &Vec<f64>| {
        position.iter().zip(limits).all(|(p, limits)| (limits.lower..=limits.upper).contains(p))
    };
    let all = [on_course(1.0), hardest, on_course(2.0)];
    all.into_iter().filter(within).map(JointState::at_rest).collect()
}

/// Braking straight ahead as hard as the accelerations allow, from a state at speed.
pub(super) fn straight(limits: &[OutputLimits], state: &JointState) -> Option<Trajectory> {
    let JointState { position, velocity, .. } = state;
    let time = time(limits, velocity);
    if time == 0.0 {
        return None;
    }
    let one = |(p, v): (&f64, &f64)| [*p, *v, -0.5 * v / time];
    let mut braking = Trajectory::new(position.len(), 2);
    braking.push(time, &position.iter().zip(velocity).flat_map(one).collect::<Vec<_>>());
    Some(braking)
}

/// What braking straight ahead leads to, where the start moves and that is nothing good; as far as that is found
/// before `stop` is due.
pub(super) fn hint(problem: &Problem, stop: &Stop) -> Option<FailureHint> {
    let braking = straight(&steering_limits(problem), &problem.start)?;
    let smoothness = Smoothness::Acceleration;
    let goals = vec![JointState::on(&braking, braking.duration(), smoothness)];
    let stopping = Problem { goals, smoothness, ..problem.clone() };
    let certified = Certifier::new_until(&stopping, Default::default(), stop)?.certify_until(&braking, stop);
    let violation = certified.err().filter(|violation| !matches!(violation, Violation::OutOfTime { .. }));
    violation.map(FailureHint::Braking)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Vec<OutputLimits> {
        let limits = OutputLimits {
            lower: -1.0,
            upper: 1.0,
            velocity: 2.0,
            acceleration: 4.0,
            jerk: f64::INFINITY,
            effort: f64::INFINITY,
        };
        vec![limits; 2]
    }

    #[test]
    fn standstills_lie_where_braking_ends() {
        let state = JointState { velocity: vec![2.0, -1.0], ..JointState::at_rest(vec![0.0, 0.5]) };
        let positions = |before| {
            let at = standstills(&limits(), &state, before);
            assert!(at.iter().all(JointState::is_at_rest));
            at.into_iter().map(|s| s.position).collect::<Vec<_>>()
        };
        // Half a second for the first, 2 / 4; the second goes along, or stops after 1 / (2 4).
        assert_eq!(positions(false), [vec![0.5, 0.25], vec![0.5, 0.375], vec![1.0, 0.0]]);
        assert_eq!(positions(true), [vec![-0.5, 0.75], vec![-0.5, 0.625], vec![-1.0, 1.0]]);
        assert!(standstills(&limits(), &JointState::at_rest(vec![0.0; 2]), false).is_empty());
    }
}

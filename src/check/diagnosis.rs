//! Why one state is invalid, in words: for the person who asked, not for the search.

use super::{Margins, ScalarChecker, Status};
use crate::base::Bounded;
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::Overlap;
use crate::stop::{Stop, Watch};
use std::fmt;

/// A stop is asked once in so many distances that are measured, some 10 ns each.
const DISTANCES_PER_ASK: u32 = 4096;

/// There was no time to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown;

/// The first stage that a state fails, with names and amounts.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The stage.
    pub status: Status,
    /// Link that collides, or output whose limit is broken.
    pub subject: String,
    /// Obstacle or link that it collides with; empty for a limit.
    pub other: String,
    /// Depth of penetration, metres; the value, for a limit.
    pub amount: f64,
    /// The bounds that were broken; zero for a collision.
    pub bounds: (f64, f64),
}

impl Diagnosis {
    /// A limit of a vehicle's own that is broken.
    pub(crate) fn of_vehicle(broken: &Bounded) -> Self {
        Self {
            status: Status::Base,
            subject: broken.name.to_owned(),
            other: String::new(),
            amount: broken.value,
            bounds: (broken.lower, broken.upper),
        }
    }
}

/// The first link of the base that stands in an obstacle, or two links whose joints are locked so that they
/// overlap: no state is valid then. The checks of states and edges leave out what does not move.
pub fn diagnose_base(problem: &Problem) -> Option<Diagnosis> {
    diagnose_base_until(problem, &Stop::NEVER).unwrap_or_default()
}

/// The same as [`diagnose_base`], as far as there is time for it.
///
/// # Errors
/// When `stop` is due before that is known.
pub fn diagnose_base_until(problem: &Problem, stop: &Stop) -> Result<Option<Diagnosis>, Unknown> {
    let mut watch = Watch::new(stop, DISTANCES_PER_ASK);
    let m = &problem.mechanism;
    if let Some(Overlap { links: [subject, other], depth }) = m.overlaps.first().cloned() {
        let (status, bounds) = (Status::SelfCollision, (0.0, 0.0));
        return Ok(Some(Diagnosis { status, subject, other, amount: depth, bounds }));
    }
    let place = m.bodies[0].placement;
    for link in m.links.iter().filter(|link| link.body == 0) {
        for sphere in &m.spheres[link.spheres.clone()] {
            if watch.is_due(problem.world.obstacles.len() as u32) {
                return Err(Unknown);
            }
            for obstacle in &problem.world.obstacles {
                let depth = sphere.radius + link.padding - obstacle.signed_distance(place.point(sphere.center));
                if depth > 0.0 {
                    let (subject, other) = (link.name.clone(), obstacle.name.clone());
                    return Ok(Some(Diagnosis {
                        status: Status::World,
                        subject,
                        other,
                        amount: depth,
                        bounds: (0.0, 0.0),
                    }));
                }
            }
        }
    }
    Ok(None)
}

/// Says why `state` is invalid for `problem`, or `None` where it is valid. Accelerations are
/// taken to be zero where they are no part of the state; efforts are not asked.
pub fn diagnose(problem: &Problem, state: &JointState) -> Option<Diagnosis> {
    diagnose_until(problem, state, &Stop::NEVER).unwrap_or_default()
}

/// The same as [`diagnose`], as far as there is time for it.
///
/// # Errors
/// When `stop` is due before that is known.
pub fn diagnose_until(
    problem: &Problem,
    state: &JointState,
    stop: &Stop,
) -> Result<Option<Diagnosis>, Unknown> {
    let rest = vec![0.0; problem.mechanism.dof()];
    let acceleration = match problem.smoothness {
        Smoothness::Acceleration => &rest,
        Smoothness::Jerk => &state.acceleration,
    };
    let mut oracle = ScalarChecker::of_states(problem, stop);
    let margins = oracle.margins_in_time(&state.position, &state.velocity, acceleration).ok_or(Unknown)?;
    Ok(fault(problem, state, &margins))
}

/// A link and the obstacle that it is the nearest to.
#[derive(Clone, Debug, PartialEq)]
pub struct Meeting {
    /// Name of the link.
    pub link: String,
    /// Name of the obstacle.
    pub obstacle: String,
    /// How far they are apart, metres; below zero where they overlap.
    pub distance: f64,
}

/// The nearest that links which move come to obstacles where the joints stand at `position`; `None` where there is
/// nothing to come near to.
pub fn nearest_obstacle(problem: &Problem, position: &[f64]) -> Option<Meeting> {
    let mut oracle = ScalarChecker::of_states(problem, &Stop::NEVER);
    let still = vec![0.0; position.len()];
    let margins = oracle.margins(position, &still, &still);
    let (link, obstacle) =
        margins.subject(Status::World).filter(|_| margins.of(Status::World).is_finite())?;
    Some(Meeting {
        link: problem.mechanism.links[link].name.clone(),
        obstacle: problem.world.obstacles[obstacle].name.clone(),
        distance: margins.of(Status::World),
    })
}

/// What the margins of a state tell.
fn fault(problem: &Problem, state: &JointState, margins: &Margins) -> Option<Diagnosis> {
    let status = margins.status();
    let (subject, other) = margins.subject(status)?;
    let mechanism = &problem.mechanism;
    let link = |l: usize| mechanism.links[l].name.clone();
    let limit = |value: f64, lower: f64, upper: f64| Diagnosis {
        status,
        subject: mechanism.outputs[subject].clone(),
        other: String::new(),
        amount: value,
        bounds: (lower, upper),
    };
    let collision = |other: String| Diagnosis {
        status,
        subject: link(subject),
        other,
        amount: -margins.of(status),
        bounds: (0.0, 0.0),
    };
    Some(match status {
        Status::World => collision(problem.world.obstacles[other].name.clone()),
        Status::SelfCollision => collision(link(other)),
        Status::Velocity => {
            let limits = &mechanism.limits[subject];
            limit(state.velocity[subject], -limits.velocity, limits.velocity)
        }
        Status::Acceleration => {
            let limits = &mechanism.limits[subject];
            limit(state.acceleration[subject], -limits.acceleration, limits.acceleration)
        }
        _ => {
            let limits = &mechanism.limits[subject];
            limit(state.position[subject], limits.lower, limits.upper)
        }
    })
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, other, amount, bounds: (lower, upper), .. } = self;
        let millimetres = amount * 1e3;
        match self.status {
            Status::World => {
                write!(f, "link \"{subject}\" is {millimetres:.2} mm inside obstacle \"{other}\"")
            }
            Status::SelfCollision => {
                write!(
                    f,
                    "links \"{subject}\" and \"{other}\" overlap by {millimetres:.2} mm, by spheres that hold them; where \
                     they themselves do not touch, more spheres may part them (cover: max_spheres in a scene), and \
                     where they always do, an SRDF leaves them out by <disable_collisions link1=\"{subject}\" \
                     link2=\"{other}\" reason=\"User\"/>"
                )
            }
            Status::Velocity => {
                write!(f, "velocity of \"{subject}\" is {amount}, outside [{lower}, {upper}]")
            }
            Status::Acceleration => {
                write!(f, "acceleration of \"{subject}\" is {amount}, outside [{lower}, {upper}]")
            }
            Status::Base => write!(f, "{subject} is {amount}, outside [{lower}, {upper}]"),
            _ => write!(f, "position of \"{subject}\" is {amount}, outside [{lower}, {upper}]"),
        }
    }
}

//! States from which nothing within the limits leads on, or to which nothing leads.

use crate::problem::{JointState, Problem};
use crate::robot::OutputLimits;
use std::fmt;

/// An output that moves so fast that no motion within its limits leads on from there, or led there: an
/// inevitable collision with its own position limit (LaValle and Kuffner, *Randomized kinodynamic
/// planning*, IJRR 2001, section 3.1). Exact, as outputs brake independently; that torque limits may
/// allow even less is not looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Overrun {
    /// Name of the output.
    pub output: String,
    /// Its velocity, rad/s or m/s.
    pub velocity: f64,
    /// Its nearest possible standstill, rad or m.
    pub standstill: f64,
    /// Its position limits.
    pub bounds: (f64, f64),
    /// Whether the standstill lies before the state or after it.
    before: bool,
}

impl Overrun {
    /// The first output that cannot be stopped within its limits after `state`.
    pub(super) fn after(problem: &Problem, state: &JointState) -> Option<Self> {
        Self::of(problem, state, false)
    }

    /// The first output that cannot have been brought to `state` from a standstill within its limits.
    pub(super) fn before(problem: &Problem, state: &JointState) -> Option<Self> {
        Self::of(problem, state, true)
    }

    fn of(problem: &Problem, state: &JointState, before: bool) -> Option<Self> {
        let mechanism = &problem.mechanism;
        mechanism.limits.iter().enumerate().find_map(|(j, limits)| {
            let (velocity, sign) = (state.velocity[j], if before { -1.0 } else { 1.0 });
            let way = velocity * velocity.abs() / (2.0 * limits.acceleration);
            let standstill = state.position[j] + sign * way;
            // Beyond by rounding is for the search to find out, and what stands was not too fast.
            let OutputLimits { lower, upper, .. } = limits.admitting_position(standstill);
            let within = (lower..=upper).contains(&standstill) || velocity == 0.0;
            (!within).then(|| Self {
                output: mechanism.outputs[j].clone(),
                velocity,
                standstill,
                bounds: (limits.lower, limits.upper),
                before,
            })
        })
    }
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, velocity, standstill, bounds: (lower, upper), before } = self;
        let verb = if *before { "must have started from" } else { "cannot stop before" };
        write!(f, "\"{output}\", moving at {velocity:.4}, {verb} {standstill:.4}, outside [{lower}, {upper}]")
    }
}

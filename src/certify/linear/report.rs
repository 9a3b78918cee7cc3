//! What a certificate of a linear system's motion says, or what stands against it. Imports `problem`.

use super::super::report::{Clearance, Digits, Length, Peak};
use crate::problem::{InvalidValue, apart};
use serde::Serialize;
use std::fmt;

/// Proof that a motion of a linear system solves its problem at every instant, and by what margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearCertificate {
    /// Index of the problem's goal that it ends at: of several that are as near, the first.
    pub goal: usize,
    /// Seconds.
    pub duration: f64,
    /// The integral of u' R u.
    pub effort: f64,
    /// Duration and effort.
    pub cost: f64,
    /// Greatest |x' - (A x + B u + c)| of any state at any instant, relative to the state's greatest rate where that is
    /// above 1: a bound.
    pub residual: f64,
    /// Distance that the ball keeps from obstacles.
    pub world: Clearance,
    /// How far the bounds of each state, then of each control, are used.
    pub peaks: Vec<VariablePeak>,
    /// Intervals of time that the proof took.
    pub intervals: usize,
}

/// The farthest that a state or control goes towards its bounds; exact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariablePeak {
    /// Its name.
    pub name: String,
    /// Its value there.
    #[serde(flatten)]
    pub peak: Peak,
}

/// What stands against a motion of a linear system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum LinearViolation {
    /// The problem, or what is asked of the certificate, makes no sense.
    Invalid(InvalidValue),
    /// It is no motion of this system.
    Malformed {
        /// Why.
        reason: String,
    },
    /// It does not begin at the start.
    Start {
        /// The state that is the farthest from it.
        state: String,
        /// The value it has.
        value: f64,
        /// The value that the start has.
        expected: f64,
    },
    /// It does not end at a goal.
    Goal {
        /// The state that is the farthest from the nearest goal.
        state: String,
        /// The value it has.
        value: f64,
        /// The value that the goal has.
        expected: f64,
    },
    /// A state jumps at knots.
    Jump {
        /// Which.
        state: String,
        /// By how much at all knots, added up without signs; of values above 1 relative to these.
        sum: f64,
        /// By how much at the worst of them, ...
        worst: f64,
        /// ... and when, seconds.
        time: f64,
    },
    /// A state does not change as the equations of motion say.
    Equation {
        /// Which.
        state: String,
        /// The greatest |x' - (A x + B u + c)|, its unit per second.
        residual: f64,
        /// When, seconds.
        time: f64,
    },
    /// A state or control is beyond a bound.
    Bound {
        /// Which.
        name: String,
        /// The farthest value.
        value: f64,
        /// The bound.
        bound: f64,
        /// When, seconds.
        time: f64,
    },
    /// The ball is inside an obstacle.
    Collision {
        /// Name of the obstacle.
        obstacle: String,
        /// How deep, metres.
        depth: f64,
        /// When, seconds.
        time: f64,
    },
    /// The ball all but touches an obstacle: that it does not could not be proved.
    ClearanceNotProved {
        /// Name of the obstacle.
        obstacle: String,
        /// What could be proved of their distance, metres.
        gap: f64,
        /// When, seconds.
        time: f64,
    },
    /// The proof took so long that it was given up; the motion may be valid.
    OutOfTime {
        /// Intervals of time that were looked at.
        intervals: usize,
    },
}

/// All that stands against a motion: of every state, control and kind the worst; at least one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinearViolations(pub Vec<LinearViolation>);

impl LinearCertificate {
    /// The bound that is used most.
    pub fn tightest(&self) -> Option<&VariablePeak> {
        self.peaks.iter().reduce(|best, next| if next.peak.used > best.peak.used { next } else { best })
    }
}

impl LinearViolation {
    /// Its kind, as one word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid",
            Self::Malformed { .. } => "malformed",
            Self::Start { .. } => "start",
            Self::Goal { .. } => "goal",
            Self::Jump { .. } => "jump",
            Self::Equation { .. } => "equation",
            Self::Bound { .. } => "bound",
            Self::Collision { .. } => "collision",
            Self::ClearanceNotProved { .. } => "clearance_not_proved",
            Self::OutOfTime { .. } => "out_of_time",
        }
    }
}

impl fmt::Display for LinearCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, cost, residual, world, .. } = self;
        write!(f, "{duration:.3} s, cost {cost:.4}, clearance of obstacles {world}, residual {residual:.1e}")?;
        self.tightest().map_or(Ok(()), |VariablePeak { name, peak }| {
            write!(f, "; tightest bound: \"{name}\", {:.1}% at {:.3} s", 100.0 * peak.used, peak.time)
        })
    }
}

impl fmt::Display for LinearViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "nothing can be proved: {why}"),
            Self::Malformed { reason } => write!(f, "not a motion of this system: {reason}"),
            Self::Start { state, value, expected } => {
                let (value, expected) = apart(*value, *expected);
                write!(f, "it begins away from the start: \"{state}\" is {value}, expected {expected}")
            }
            Self::Goal { state, value, expected } => {
                let (value, expected) = apart(*value, *expected);
                write!(f, "it ends away from the nearest goal: \"{state}\" is {value}, expected {expected}")
            }
            Self::Jump { state, sum, worst, time } => {
                let [sum, worst] = [sum, worst].map(|value| Digits(*value));
                write!(f, "\"{state}\" jumps by {sum} in all, and by {worst} at {time:.3} s")
            }
            Self::Equation { state, residual, time } => {
                let off = Digits(*residual);
                write!(f, "\"{state}\" does not obey x' = A x + B u + c: it is {off} per second off at {time:.3} s")
            }
            Self::Bound { name, value, bound, time } => {
                let (value, bound) = apart(*value, *bound);
                write!(f, "\"{name}\" is {value} at {time:.3} s, its bound {bound}")
            }
            Self::Collision { obstacle, depth, time } => {
                write!(f, "the ball is {} inside \"{obstacle}\" at {time:.3} s", Length(*depth))
            }
            Self::ClearanceNotProved { obstacle, gap, time } => {
                let gap = Length(*gap);
                write!(f, "the ball and \"{obstacle}\" all but touch at {time:.3} s: {gap} can be proved")
            }
            Self::OutOfTime { intervals } => write!(f, "out of time: not certified after {intervals} intervals"),
        }
    }
}

impl fmt::Display for LinearViolations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [only] => write!(f, "not valid: {only}"),
            all => {
                write!(f, "not valid:")?;
                all.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
            }
        }
    }
}

impl std::error::Error for LinearViolation {}

impl std::error::Error for LinearViolations {}

//! Why a query has no answer.

use super::{Budget, Gap, Overrun, Statistics, Unstoppable};
use crate::certify::Violation;
use crate::check::{CheckError, Diagnosis};
use crate::error::InvalidValue;
use crate::problem::Overload;
use std::fmt;

/// Why a query has no answer; it always says which of these it is, and with numbers.
#[derive(Clone, Debug)]
pub enum PlanError {
    /// No trajectory can begin at the start.
    Start(EndFault),
    /// No trajectory can end at any goal: why not at the first of them.
    Goal(EndFault),
    /// The budget of time or of samples was spent before an answer was found.
    Budget(Box<Unsolved>),
    /// The caller broke the query off before an answer was found.
    Cancelled(Box<Unsolved>),
    /// What is asked for is not planned by this planner; there may well be an answer.
    Unsupported(String),
    /// The problem or the options make no sense, so that nothing was planned: which value, and what was expected.
    Invalid(InvalidValue),
    /// What was to be driven cannot be certified in the world as it is: why not.
    Uncertified(Box<Violation>),
    /// The checking backend failed.
    Backend(CheckError),
}

/// What is wrong with a start or a goal, so that there is no answer.
#[derive(Clone, Debug)]
pub enum EndFault {
    /// It is invalid: in collision, or beyond a limit.
    Invalid(Diagnosis),
    /// It asks for an effort that a joint does not have: at rest, to be held against gravity, or by the acceleration
    /// that it has where that is part of it.
    Unheld(Overload),
    /// It moves so fast that an output cannot be stopped before its position limit, or would have to come from
    /// beyond it.
    TooFast(Overrun),
    /// It is a vehicle's and moves so fast that, whatever it does, it runs into something that is in its way, or must
    /// have come out of it.
    Unstoppable(Unstoppable),
    /// It is nearer to an obstacle than [`PlanOptions::clearance`](super::PlanOptions::clearance).
    TooNear {
        /// The link, ...
        link: String,
        /// ... and the obstacle.
        obstacle: String,
        /// Their distance, metres.
        distance: f64,
        /// The distance that is asked for, metres.
        clearance: f64,
    },
    /// It does not meet a constraint of the caller's.
    Constraint {
        /// Its name.
        name: String,
        /// By how much it is missed: a number below zero.
        margin: f64,
    },
}

/// A query that was given up.
#[derive(Clone, Debug)]
pub struct Unsolved {
    /// Which budget was spent.
    pub budget: Budget,
    /// What was done meanwhile.
    pub statistics: Statistics,
    /// What is known to have stood in the way.
    pub hint: Option<FailureHint>,
}

/// What stood in the way of an answer, as far as is known: a hint, not a proof that there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum FailureHint {
    /// A path was found, but no trajectory along it could be certified: the last reason.
    Uncertified(Violation),
    /// The start moves, and the robot cannot even be stopped straight ahead: why not.
    Braking(Violation),
    /// The trees from the start and from the goals have not met: how near they came, and what is between them.
    Apart(Box<Gap>),
}

impl PlanError {
    /// That a budget was spent.
    pub(super) fn spent(budget: Budget, statistics: Statistics, hint: Option<FailureHint>) -> Self {
        let unsolved = Box::new(Unsolved { budget, statistics, hint });
        if budget == Budget::Cancelled { Self::Cancelled(unsolved) } else { Self::Budget(unsolved) }
    }

    /// What was given up, where it was.
    pub fn unsolved(&self) -> Option<&Unsolved> {
        match self {
            Self::Budget(unsolved) | Self::Cancelled(unsolved) => Some(unsolved),
            _ => None,
        }
    }

    /// What was done until it was given up; nothing, where it was not begun.
    pub fn statistics(&self) -> Statistics {
        self.unsolved().map_or(Statistics::default(), |unsolved| unsolved.statistics)
    }
}

impl From<CheckError> for PlanError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Invalid(why) => Self::Invalid(why),
            failed => Self::Backend(failed),
        }
    }
}

impl From<Violation> for PlanError {
    fn from(why: Violation) -> Self {
        Self::Uncertified(Box::new(why))
    }
}

impl From<InvalidValue> for PlanError {
    fn from(why: InvalidValue) -> Self {
        Self::Invalid(why)
    }
}

impl fmt::Display for FailureHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uncertified(violation) => write!(f, "the last answer could not be certified: {violation}"),
            Self::Apart(gap) => gap.fmt(f),
            Self::Braking(violation) => {
                write!(
                    f,
                    "the start moves, and braking straight ahead as hard as possible ends badly: {violation}"
                )
            }
        }
    }
}

impl fmt::Display for EndFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "is invalid: {why}"),
            Self::Unheld(why) => write!(f, "{}: {why}", why.denial()),
            Self::TooFast(why) => write!(f, "is too fast: {why}"),
            Self::Unstoppable(why) => write!(f, "is too fast: {why}"),
            Self::TooNear { link, obstacle, distance, clearance } => {
                let [distance, clearance] = [distance * 1e3, clearance * 1e3];
                write!(
                    f,
                    "is too near: link \"{link}\" is {distance:.2} mm from obstacle \"{obstacle}\", and \
                     {clearance:.2} mm are asked for"
                )
            }
            Self::Constraint { name, margin } => {
                write!(f, "does not meet \"{name}\": its margin is {margin}")
            }
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no plan: ")?;
        match self {
            Self::Start(why) => write!(f, "the start {why}"),
            Self::Goal(why) => write!(f, "the goal {why}"),
            Self::Budget(unsolved) | Self::Cancelled(unsolved) => {
                let Unsolved { budget, statistics, hint } = &**unsolved;
                write!(f, "{budget} after {} samples", statistics.iterations)?;
                hint.as_ref().map_or(Ok(()), |hint| write!(f, "; {hint}"))
            }
            Self::Invalid(why) => write!(f, "{why}"),
            Self::Unsupported(why) => write!(f, "not supported: {why}"),
            Self::Uncertified(why) => write!(f, "what is to be driven is not valid: {why}"),
            Self::Backend(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for PlanError {}

//! What a planner answers.

use super::{Gap, Overrun};
use crate::certify::{Certificate, Violation};
use crate::check::Fault;
use crate::error::InvalidValue;
use crate::problem::Overload;
use crate::stop::Stopped;
use crate::trajectory::Trajectory;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// The answer to a query; a failure always says which it is.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A certified trajectory.
    Solved(Box<Solution>),
    /// The budget was spent before an answer was found.
    Exhausted {
        /// Which budget.
        budget: Budget,
        /// What was done meanwhile.
        statistics: Statistics,
        /// What is known to have stood in the way.
        hindrance: Option<Hindrance>,
    },
    /// The start moves so fast that an output cannot be stopped before its position limit, so there is
    /// no answer.
    StartDoomed {
        /// Which output, and where it would stop.
        why: Overrun,
    },
    /// Every goal moves so fast that an output would have to come from beyond its position limit, so
    /// there is no answer.
    GoalOutOfReach {
        /// Which output of the first of them, and where it would come from.
        why: Overrun,
    },
    /// The start asks for an effort that a joint does not have, so there is no answer: at rest, to be held
    /// against gravity, or by the acceleration that it has where that is part of it.
    StartUnheld {
        /// Which joint, and what it would take.
        why: Overload,
    },
    /// The same of every goal that is not invalid.
    GoalUnheld {
        /// Which joint at the first of them, and what it would take.
        why: Overload,
    },
    /// The start state is invalid, so there is no answer.
    StartInvalid {
        /// Why.
        why: Fault,
    },
    /// Every goal state is invalid, so there is no answer.
    GoalInvalid {
        /// Why the first of them is.
        why: Fault,
    },
    /// What is asked for is not planned by this planner; there may well be an answer.
    Unsupported {
        /// What it is.
        why: String,
    },
    /// The problem or the options make no sense, so that nothing was planned.
    Invalid {
        /// Which value does not, and what was expected.
        why: InvalidValue,
    },
}

/// What stood in the way of an answer, as far as is known: a hint, not a proof that there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Hindrance {
    /// A path was found, but no trajectory along it could be certified: the last reason.
    Uncertified(Violation),
    /// The start moves, and the robot cannot even be stopped straight ahead: why not.
    Braking(Violation),
    /// The trees from the start and from the goals have not met: how near they came, and what is between them.
    Apart(Box<Gap>),
}

/// A trajectory and the proof that it is valid at every instant.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The answer.
    pub trajectory: Trajectory,
    /// Its certificate.
    pub certificate: Certificate,
    /// What it took.
    pub statistics: Statistics,
    /// What ended the work before all was done that the options ask for: the answer is valid, but may be longer
    /// than it would have become. `None` where nothing did; the end of
    /// [`PlanOptions::improve`](super::PlanOptions::improve) is none.
    pub cut_short: Option<Budget>,
}

/// A budget that can run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Samples drawn by the search.
    Samples,
    /// Wall-clock time.
    Time,
    /// The caller's patience: [`PlanOptions::cancel`](super::PlanOptions::cancel).
    Cancelled,
}

impl From<Stopped> for Budget {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Late => Self::Time,
            Stopped::Cancelled => Self::Cancelled,
        }
    }
}

/// What a query took; where several threads share it, the counts are of all of them and the times of
/// the one that took longest. Its times add up to that of the whole call, as the clock on the wall tells it: what a
/// time limit is held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Time in all that is none of the following: to look at start and goals, and to make the tables of the
    /// certificate, and of the checker where the call makes it.
    #[serde(rename = "setup_us", serialize_with = "microseconds")]
    pub setup: Duration,
    /// Time in the search.
    #[serde(rename = "plan_us", serialize_with = "microseconds")]
    pub plan: Duration,
    /// Time in the refinement.
    #[serde(rename = "refine_us", serialize_with = "microseconds")]
    pub refine: Duration,
    /// Time in the certificate.
    #[serde(rename = "certify_us", serialize_with = "microseconds")]
    pub certify: Duration,
    /// Samples drawn.
    pub iterations: u64,
    /// Edges checked.
    pub edges: u64,
    /// States checked.
    pub states: u64,
    /// Answers that could not be certified and were searched for again.
    pub repairs: u32,
    /// Refinements that could not be certified and were done again, or left out.
    pub uncertified: u32,
    /// Searches begun.
    pub searches: u32,
    /// Rounds of polishing moves.
    pub polishes: u32,
    /// Duration of the path before refinement, seconds.
    #[serde(rename = "raw_duration_s")]
    pub raw_duration: f64,
}

impl Statistics {
    /// Time of the whole call.
    pub fn total(&self) -> Duration {
        self.setup + self.plan + self.refine + self.certify
    }

    /// The same for a call that took so long in all.
    #[must_use]
    pub(super) fn of(self, whole: Duration) -> Self {
        Self { setup: whole.saturating_sub(self.plan + self.refine + self.certify), ..self }
    }
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e6)
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Samples => "sample budget spent",
            Self::Time => "time budget spent",
            Self::Cancelled => "cancelled",
        })
    }
}

impl fmt::Display for Hindrance {
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

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Solved(s) => {
                write!(f, "solved: {:.3} s", s.trajectory.duration())?;
                s.cut_short.map_or(Ok(()), |budget| write!(f, "; cut short: {budget}"))
            }
            Self::Exhausted { budget, statistics, hindrance } => {
                write!(f, "no plan: {budget} after {} samples", statistics.iterations)?;
                hindrance.as_ref().map_or(Ok(()), |hindrance| write!(f, "; {hindrance}"))
            }
            Self::StartDoomed { why } => write!(f, "no plan: the start is too fast: {why}"),
            Self::GoalOutOfReach { why } => write!(f, "no plan: the goal is too fast: {why}"),
            Self::StartUnheld { why } => write!(f, "no plan: the start {}: {why}", why.denial()),
            Self::GoalUnheld { why } => write!(f, "no plan: the goal {}: {why}", why.denial()),
            Self::StartInvalid { why } => write!(f, "no plan: the start is invalid: {why}"),
            Self::GoalInvalid { why } => write!(f, "no plan: the goal is invalid: {why}"),
            Self::Invalid { why } => write!(f, "no plan: {why}"),
            Self::Unsupported { why } => write!(f, "no plan: not supported: {why}"),
        }
    }
}

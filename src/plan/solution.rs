//! The answer to a query.

use crate::certify::Certificate;
use crate::stop::Stopped;
use crate::trajectory::Trajectory;
use serde::{Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A trajectory and the proof that it is valid at every instant.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The answer.
    pub trajectory: Trajectory,
    /// Its certificate.
    pub certificate: Certificate,
    /// What it took.
    pub statistics: Statistics,
    /// How many times the first answer was bettered.
    pub improvements: u32,
    /// What ended the work before all was done that the options ask for: the answer is valid, but may be longer
    /// than it would have become. `None` where nothing did; the end of
    /// [`PlanOptions::improve`](super::PlanOptions::improve) is none.
    pub cut_short: Option<Budget>,
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
    /// No motion of this problem takes less, seconds: what limits alone ask for, whatever stands in the way. The answer is
    /// longer than the best that there is by no more than what it takes beyond this.
    #[serde(rename = "least_duration_s")]
    pub least_duration: f64,
    /// What the answer costs: its duration, unless there is another measure ([`PlanOptions::cost`](super::PlanOptions::cost)).
    pub cost: f64,
    /// No motion of this problem costs less, whatever stands in the way; of the caller's own cost nothing is known, which is
    /// minus infinity.
    #[serde(serialize_with = "finite")]
    pub least_cost: f64,
}

impl Statistics {
    /// By what share the cost may exceed the least that there is: 0 where none is less. `None` where nothing is known of the
    /// least.
    pub fn gap(&self) -> Option<f64> {
        gap(self.cost, self.least_cost)
    }

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

/// By what share a cost may exceed the least, where something is known of that.
pub(super) fn gap(cost: f64, least_cost: f64) -> Option<f64> {
    least_cost.is_finite().then(|| if cost > least_cost { 1.0 - least_cost / cost } else { 0.0 })
}

/// JSON has no infinities.
fn finite<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() { serializer.serialize_f64(*number) } else { serializer.serialize_none() }
}

fn microseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e6)
}

impl fmt::Display for Solution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "solved: {:.3} s", self.trajectory.duration())?;
        self.cut_short.map_or(Ok(()), |budget| write!(f, "; cut short: {budget}"))
    }
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

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Samples => "sample budget spent",
            Self::Time => "time budget spent",
            Self::Cancelled => "cancelled",
        })
    }
}

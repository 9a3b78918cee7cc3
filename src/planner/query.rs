//! What is asked of a planner.

use super::Motion;
use crate::plan::{Observer, PlanOptions, Progress, Quality};
use crate::problem::JointState;
use crate::stop::CancelToken;
use crate::trajectory::Trajectory;
use std::time::Duration;

/// A state of the planned joints, as a caller has it.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Positions of all planned joints, in their order, at rest; or with velocities and accelerations.
    Of(JointState),
    /// Positions by the names of the joints, at rest; all planned joints must be there, and no others.
    ByJoint(Vec<(String, f64)>),
    /// A named state of the SRDF, at rest.
    Named(String),
}

/// A state that a motion may end at.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    pub(super) state: State,
    name: Option<String>,
}

/// A query: where a motion begins, where it may end, and how long it may take to find it.
#[derive(Clone, Debug)]
pub struct Query {
    pub(super) begin: Begin,
    pub(super) goals: Vec<Goal>,
    deadline: Option<Duration>,
    quality: Option<Quality>,
    improve: Option<Duration>,
    /// Whether the first answer is enough, whatever the planner's options say.
    pub(super) is_first_enough: bool,
    seed: Option<u64>,
    cancel: Option<CancelToken>,
    observer: Option<Observer>,
}

/// Where a motion begins.
#[derive(Clone, Debug)]
pub(super) enum Begin {
    State(State),
    /// In a running motion that is left at a time, seconds since it began; what is driven since `since` until then
    /// is part of the answer.
    Leaving {
        running: Trajectory,
        joints: Vec<String>,
        at: f64,
        since: Option<f64>,
    },
}

impl Goal {
    /// A named state of the SRDF.
    pub fn state(name: &str) -> Self {
        Self { state: State::Named(name.to_owned()), name: Some(name.to_owned()) }
    }

    /// The same goal under a name, by which a motion tells that it was reached.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Its name, or its number.
    pub(super) fn label(&self, number: usize) -> String {
        self.name.clone().unwrap_or_else(|| number.to_string())
    }
}

impl Query {
    /// A query from a state.
    pub fn from(start: impl Into<State>) -> Self {
        Self::beginning(Begin::State(start.into()))
    }

    /// A query that leaves a running motion, `at` seconds after it began: far enough ahead to plan and to bring the
    /// answer to the controller. Where the rest of that motion still leads validly to a goal, the answer is never
    /// longer. See [`Departure`](crate::plan::Departure).
    pub fn leaving(running: &Motion, at: f64) -> Self {
        let (running, joints) = (running.trajectory.clone(), running.joints().to_vec());
        Self::beginning(Begin::Leaving { running, joints, at, since: None })
    }

    /// Makes what is driven from `now` until the running motion is left the beginning of the answer, proved in the
    /// world as it is: seconds since the running motion began, and time zero of the answer.
    #[must_use]
    pub fn driven_since(mut self, now: f64) -> Self {
        if let Begin::Leaving { since, .. } = &mut self.begin {
            *since = Some(now);
        }
        self
    }

    fn beginning(begin: Begin) -> Self {
        Self {
            begin,
            goals: Vec::new(),
            deadline: None,
            quality: None,
            improve: None,
            is_first_enough: false,
            seed: None,
            cancel: None,
            observer: None,
        }
    }

    /// A goal. With several, that one is taken which is reached the soonest, as far as it is looked for.
    #[must_use]
    pub fn to(mut self, goal: impl Into<Goal>) -> Self {
        self.goals.push(goal.into());
        self
    }

    /// Another goal that would do as well.
    #[must_use]
    pub fn or(self, goal: impl Into<Goal>) -> Self {
        self.to(goal)
    }

    /// How long to plan for a shorter motion.
    #[must_use]
    pub fn quality(mut self, quality: Quality) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Time for the whole query: a certified motion that is there when it ends is the answer.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Looks for shorter motions until so long after the query began.
    #[must_use]
    pub fn improve(mut self, time: Duration) -> Self {
        self.improve = Some(time);
        self
    }

    /// Seed of everything random.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Breaks the query off from another thread; it then gives the best motion that there is.
    #[must_use]
    pub fn cancel(mut self, token: &CancelToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Is told of the first answer, and of every better one.
    #[must_use]
    pub fn observe(mut self, tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(tell));
        self
    }

    /// The same, and is given each answer too, certified.
    #[must_use]
    pub fn observe_answers(mut self, tell: impl Fn(&Progress, &Trajectory) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::of_answers(tell));
        self
    }

    /// The planner's options with what the query says in their place.
    pub(super) fn options(&self, options: &PlanOptions) -> PlanOptions {
        let mut options = options.clone();
        if let Some(quality) = self.quality {
            quality.apply(&mut options);
        }
        if self.is_first_enough {
            Quality::Fast.apply(&mut options);
            options.improve = None;
        }
        options.time_limit = self.deadline.or(options.time_limit);
        options.improve = self.improve.or(options.improve);
        options.seed = self.seed.unwrap_or(options.seed);
        options.cancel = self.cancel.clone().or(options.cancel);
        options.observer = self.observer.clone().or(options.observer);
        options
    }
}

impl From<JointState> for State {
    fn from(state: JointState) -> Self {
        Self::Of(state)
    }
}

impl From<&JointState> for State {
    fn from(state: &JointState) -> Self {
        Self::Of(state.clone())
    }
}

impl From<Vec<f64>> for State {
    fn from(position: Vec<f64>) -> Self {
        Self::Of(JointState::at_rest(position))
    }
}

impl From<&[f64]> for State {
    fn from(position: &[f64]) -> Self {
        Self::from(position.to_vec())
    }
}

impl<const N: usize> From<[f64; N]> for State {
    fn from(position: [f64; N]) -> Self {
        Self::from(position.to_vec())
    }
}

impl<const N: usize> From<[(&str, f64); N]> for State {
    fn from(values: [(&str, f64); N]) -> Self {
        Self::ByJoint(values.map(|(name, value)| (name.to_owned(), value)).to_vec())
    }
}

impl From<&str> for State {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl<T: Into<State>> From<T> for Goal {
    fn from(state: T) -> Self {
        let state = state.into();
        let name = match &state {
            State::Named(name) => Some(name.clone()),
            _ => None,
        };
        Self { state, name }
    }
}

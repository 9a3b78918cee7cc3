//! Headings are the same after a whole turn, but a path leads to one of them.

use super::{JointState, Problem};
use crate::base::Base;
use std::borrow::Cow;
use std::f64::consts::{PI, TAU};

/// Where the state of an omnidirectional base holds the heading.
const HEADING: usize = 2;

impl Problem {
    /// The problem whose goals lie nearest to its start by whole turns of their headings, and after these the same goals
    /// reached the other way about; itself, where headings are no outputs, or do not say by which turn they are reached.
    pub(crate) fn unwound(&self) -> Cow<'_, Self> {
        let Some(Base::Omnidirectional(_)) = self.mechanism.vehicle() else { return Cow::Borrowed(self) };
        let begin = self.start.position[HEADING];
        let turned = |goal: &JointState, by: f64| {
            let mut goal = goal.clone();
            goal.position[HEADING] += by;
            goal
        };
        let nearest = |goal: &JointState| {
            let apart = goal.position[HEADING] - begin;
            turned(goal, -TAU * (apart / TAU).round())
        };
        let nearest: Vec<JointState> = self.goals.iter().map(nearest).collect();
        let other_way = |goal: &JointState| {
            let apart = goal.position[HEADING] - begin;
            turned(goal, if apart > 0.0 { -TAU } else { TAU })
        };
        let others: Vec<JointState> = nearest.iter().map(other_way).collect();
        debug_assert!(nearest.iter().all(|goal| (goal.position[HEADING] - begin).abs() <= PI + 1e-9));
        Cow::Owned(Self { goals: [nearest, others].concat(), ..self.clone() })
    }
}

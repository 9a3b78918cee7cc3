//! Which problems make sense, and the slack that their ends have at limits.

use super::{InvalidValue, JointState, Problem, Smoothness};
use crate::error::{Checked, finite};
use std::borrow::Cow;

impl Problem {
    /// Checks that it makes sense: that everything in it is made of numbers, lists are as long as they must be, no
    /// mass, length or limit is zero or less that must not be, and nothing is asked for that this kind of robot
    /// does not have. Planners, checkers and certificates ask before they look at a problem.
    ///
    /// Whether start and goals lie within limits, or collide, is not looked at: that is for a planner to say.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        self.mechanism.validate().map_err(|e| e.under("mechanism"))?;
        self.world.validate().map_err(|e| e.under("world"))?;
        self.validate_state(&self.start).map_err(|e| e.under("start"))?;
        if self.goals.is_empty() {
            return Err(InvalidValue::new("goals", "none", "at least one goal"));
        }
        for (i, goal) in self.goals.iter().enumerate() {
            self.validate_state(goal).map_err(|e| e.under(format_args!("goals[{i}]")))?;
        }
        let axes = ["x", "y", "z"].into_iter().zip(self.gravity.to_array());
        axes.into_iter().try_for_each(|(axis, g)| finite(axis, g)).map_err(|e| e.under("gravity"))?;
        self.validate_wishes()
    }

    /// Whether what is asked for is there for this kind of robot.
    fn validate_wishes(&self) -> Checked {
        let Some(base) = self.mechanism.vehicle() else {
            return match self.torque && !self.mechanism.has_dynamics() {
                true => Err(InvalidValue::new(
                    "torque",
                    true,
                    "false, as a joint has no effort limit or a link no mass",
                )),
                false => Ok(()),
            };
        };
        let kind = base.name().replace('_', " ");
        if self.torque {
            let expected = format!("false: limits of effort are not offered for a {kind}");
            return Err(InvalidValue::new("torque", true, expected));
        }
        if self.smoothness == Smoothness::Jerk {
            let expected = format!("acceleration: limits of jerk are not offered for a {kind}");
            return Err(InvalidValue::new("smoothness", self.smoothness, expected));
        }
        Ok(())
    }

    /// Checks that a state is one of this mechanism, made of numbers.
    fn validate_state(&self, state: &JointState) -> Checked {
        let JointState { position, velocity, acceleration } = state;
        let dof = self.mechanism.dof();
        let is_absent = acceleration.is_empty() && self.smoothness == Smoothness::Acceleration;
        let acceleration = (!is_absent).then_some(("acceleration", acceleration));
        let all = [("position", position), ("velocity", velocity)].into_iter().chain(acceleration);
        for (field, values) in all {
            if values.len() != dof {
                let found = format!("{} numbers", values.len());
                return Err(InvalidValue::new(field, found, format!("{dof} numbers, one for each output")));
            }
            if let Some(i) = values.iter().position(|v| finite("", *v).is_err()) {
                let field = format!("{field}[{i}] (\"{}\")", self.mechanism.outputs[i]);
                return finite(&field, values[i]);
            }
        }
        Ok(())
    }

    /// The problem with its limits moved out to the start and the goals, where these lie beyond them by no more
    /// than [`END_SLACK`](crate::robot::END_SLACK); itself, where none does.
    pub fn admitted(&self) -> Cow<'_, Self> {
        let moves = |end: &JointState| {
            self.mechanism.admits_by_moving(
                &end.position,
                &end.velocity,
                end.acceleration_for(self.smoothness),
            )
        };
        if !self.goals.iter().chain([&self.start]).any(moves) {
            return Cow::Borrowed(self);
        }
        let mut admitted = self.clone();
        admitted.admit_ends();
        Cow::Owned(admitted)
    }

    /// Moves the limits out to the start and the goals, as [`Problem::admitted`].
    pub fn admit_ends(&mut self) {
        let Self { mechanism, goals, start, smoothness, .. } = self;
        let given = mechanism.given_limits();
        for end in goals.iter().chain([&*start]) {
            mechanism.admit(&given, &end.position, &end.velocity, end.acceleration_for(*smoothness));
        }
    }
}

impl JointState {
    /// The acceleration, as far as it is part of the state.
    fn acceleration_for(&self, smoothness: Smoothness) -> &[f64] {
        if smoothness == Smoothness::Jerk { &self.acceleration } else { &[] }
    }
}

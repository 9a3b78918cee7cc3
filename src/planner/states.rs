//! States by their names, and by those of joints.

use super::{Planner, State};
use crate::error::InvalidValue;
use crate::problem::JointState;

impl Planner {
    /// A state of the planned joints.
    pub(super) fn state(&self, state: &State) -> Result<JointState, InvalidValue> {
        match state {
            State::Of(state) => Ok(state.clone()),
            State::Named(name) => self.named(name),
            State::ByJoint(values) => self.by_joint(values),
        }
    }

    /// A named state that says something of every planned joint.
    fn named(&self, name: &str) -> Result<JointState, InvalidValue> {
        let value = |values: &[(usize, f64)], joint: usize| {
            values.iter().find(|(j, _)| *j == joint).map(|(_, value)| *value)
        };
        let of_all = |values: &[(usize, f64)]| {
            self.joints.iter().map(|&joint| value(values, joint)).collect::<Option<Vec<f64>>>()
        };
        let mut known: Vec<&str> = Vec::new();
        for state in &self.states {
            match of_all(&state.values) {
                Some(position) if state.name == name => return Ok(JointState::at_rest(position)),
                Some(_) => known.push(&state.name),
                None => {}
            }
        }
        let expected = match known.is_empty() {
            true => "a state of all planned joints; the robot has none with a name".to_owned(),
            false => format!("a state of all planned joints: {}", known.join(", ")),
        };
        Err(InvalidValue::new("name", format!("\"{name}\""), expected))
    }

    /// Positions by the names of joints.
    fn by_joint(&self, values: &[(String, f64)]) -> Result<JointState, InvalidValue> {
        let outputs = &self.mechanism().outputs;
        let expected = || format!("one position for each of {}", outputs.join(", "));
        if let Some((name, _)) = values.iter().find(|(name, _)| !outputs.contains(name)) {
            return Err(InvalidValue::new("joint", format!("\"{name}\""), expected()));
        }
        let position = |output: &String| {
            let mut given = values.iter().filter(|(name, _)| name == output).map(|(_, value)| *value);
            match (given.next(), given.next()) {
                (Some(value), None) => Ok(value),
                (None, _) => Err(InvalidValue::new(output.as_str(), "nothing", expected())),
                (Some(_), Some(_)) => Err(InvalidValue::new(output.as_str(), "two positions", expected())),
            }
        };
        Ok(JointState::at_rest(outputs.iter().map(position).collect::<Result<_, _>>()?))
    }
}

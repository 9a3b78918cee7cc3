//! Joint states that a robot is looked at in: those that have names, and ranges to draw others from. Imports nothing but
//! its siblings.

use super::{Robot, pairs};
use std::f64::consts::PI;

impl Robot {
    /// The neutral state and the named ones, all other joints being neutral there, with names: `neutral`, or `group/name`;
    /// one value per joint.
    pub(super) fn known_states(&self) -> Vec<(String, Vec<f64>)> {
        let mut known = vec![("neutral".to_owned(), self.neutral())];
        for state in &self.states {
            let mut values = self.neutral();
            state.values.iter().for_each(|&(joint, value)| values[joint] = value);
            known.push((format!("{}/{}", state.group, state.name), values));
        }
        known
    }

    /// By joint: where to draw a position of its own from, so far as those that mimic it allow it.
    pub(super) fn ranges_to_draw_from(&self) -> Vec<[f64; 2]> {
        pairs::ranges(self).into_iter().map(range_to_draw_from).collect()
    }
}

/// A range, or where it has no end, as much of it as makes a turn.
pub(super) fn range_to_draw_from([lower, upper]: [f64; 2]) -> [f64; 2] {
    match (lower.is_finite(), upper.is_finite()) {
        (true, true) => [lower, upper],
        (true, false) => [lower, lower + 2.0 * PI],
        (false, true) => [upper - 2.0 * PI, upper],
        (false, false) => [-PI, PI],
    }
}

//! Batches of states.

use std::ops::Range;

/// States to check: position, velocity and acceleration of each output; of a vehicle, of each joint.
#[derive(Clone, Debug, Default)]
pub struct StateBatch {
    pub(super) dof: usize,
    /// `[state][derivative 0..3][output]`.
    values: Vec<f32>,
}

impl StateBatch {
    /// An empty batch of states of `dof` outputs.
    pub fn new(dof: usize) -> Self {
        Self { dof, values: Vec::new() }
    }

    /// Removes all states, keeping the memory.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// Appends a state; the slices hold one value per output.
    ///
    /// # Panics
    /// If one of them does not.
    pub fn push(&mut self, position: &[f64], velocity: &[f64], acceleration: &[f64]) {
        for values in [position, velocity, acceleration] {
            assert_eq!(values.len(), self.dof, "one value per output");
            self.values.extend(values.iter().map(|&x| x as f32));
        }
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(3 * self.dof).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A range of the states, as a batch of their own.
    #[must_use]
    pub fn part(&self, states: Range<usize>) -> Self {
        let stride = 3 * self.dof;
        Self { dof: self.dof, values: self.values[states.start * stride..states.end * stride].to_vec() }
    }

    /// The `derivative`th derivative (0 to 2) of all outputs of state `i`.
    pub fn get(&self, i: usize, derivative: usize) -> &[f32] {
        let at = (3 * i + derivative) * self.dof;
        &self.values[at..at + self.dof]
    }
}

//! A double integrator in one to three dimensions.

use super::kind::{Coordinate, Flat, Kind, Moved, Singular, StateKey};
use super::scalar::Scalar;
use crate::error::{Checked, InvalidValue, positive};
use glam::DVec3;

/// A point: position'' = control, axis by axis. dynobench's `integrator2_2d` (x y vx vy | ax ay) and
/// `integrator2_3d`, Kino-PAX's double integrator. Its outputs are its coordinates.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Dimensions, one to three: along x, y, z.
    pub dimensions: usize,
    /// Greatest speed along each axis, m/s.
    pub velocity: f64,
    /// Greatest acceleration along each axis, m/s^2.
    pub acceleration: f64,
}

const AXES: [&str; 3] = ["x", "y", "z"];
const STATES: [&[&str]; 3] = [&["x", "vx"], &["x", "y", "vx", "vy"], &["x", "y", "z", "vx", "vy", "vz"]];
const CONTROLS: [&str; 3] = ["ax", "ay", "az"];

impl Kind for Point {
    fn name(&self) -> &'static str {
        "point"
    }

    fn validate(&self) -> Checked {
        if !(1..=3).contains(&self.dimensions) {
            return Err(InvalidValue::new("dimensions", self.dimensions, "1, 2 or 3"));
        }
        positive("velocity", self.velocity)?;
        positive("acceleration", self.acceleration)
    }

    /// Scenes describe it as joints.
    fn state_keys(&self) -> &'static [StateKey] {
        &[]
    }

    fn state(&self, position: &[f64], rates: &[f64]) -> Vec<f64> {
        [position, rates].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &AXES[..self.dimensions]
    }

    fn states(&self) -> &'static [&'static str] {
        STATES[self.dimensions - 1]
    }

    fn controls(&self) -> &'static [&'static str] {
        &CONTROLS[..self.dimensions]
    }

    fn coordinates(&self) -> Vec<Coordinate> {
        let axes = [DVec3::X, DVec3::Y, DVec3::Z];
        (0..self.dimensions).map(|i| Coordinate::slides(AXES[i], axes[i])).collect()
    }

    fn order(&self) -> usize {
        2
    }

    fn told_rates(&self) -> usize {
        self.dimensions
    }

    fn steady(&self) -> Vec<usize> {
        (0..self.dimensions).collect()
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let jets = |order: usize| (0..self.dimensions).map(move |i| flat.jet(i, order));
        moved.coordinates.extend(jets(0));
        for v in jets(1) {
            moved.magnitude("speed along an axis", v, self.velocity);
        }
        for a in jets(2) {
            moved.magnitude("acceleration along an axis", a, self.acceleration);
        }
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let limits: Vec<f64> = (0..2 * self.dimensions).map(|i| moved.limited(i)).collect();
        let (v, a) = limits.split_at(self.dimensions);
        [[&moved.values(), v].concat(), a.to_vec()]
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let mut flat = Flat::default();
        let (p, v) = state.split_at(self.dimensions);
        for (derivatives, values) in flat.derivatives.iter_mut().zip([p, v, control]) {
            derivatives[..self.dimensions].copy_from_slice(values);
        }
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let (position, velocity) = state.split_at(self.dimensions);
        Ok([position.to_vec(), velocity.to_vec()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let n = self.dimensions;
        rates[..n].copy_from_slice(&state[n..]);
        rates[n..].copy_from_slice(control);
    }
}

//! A quadrotor in a vertical plane.

use super::admit::moved_out;
use super::jet::Jet;
use super::kind::{ANY, Coordinate, Flat, Kind, Moved, Singular, StateKey, within};
use super::quadrotor::LEAST_THRUST;
use super::scalar::Scalar;
use crate::error::{Checked, positive};
use glam::DVec3;

/// dynobench `quad2d`: m x'' = -(f1 + f2) sin theta, m z'' = (f1 + f2) cos theta - m g,
/// I theta'' = arm (f1 - f2), in the plane of x and z.
///
/// States x z theta vx vz w, controls f1 f2 in multiples of the force per rotor that hovers; outputs x z.
/// theta = atan2(-x'', z'' + g), thrust = m |(x'', z'' + g)|, torque from the fourth derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanarQuadrotor {
    /// Mass, kg.
    pub mass: f64,
    /// Moment of inertia, kg m^2.
    pub inertia: f64,
    /// From the centre to either rotor, metres.
    pub arm: f64,
    /// Greatest force of a rotor in multiples of that which hovers; the least is none.
    pub rotor: f64,
    /// Greatest speed along each axis, m/s.
    pub velocity: f64,
    /// Greatest body rate, rad/s.
    pub body_rate: f64,
    /// Acceleration of free fall, which points down, m/s^2: [`GRAVITY`](super::GRAVITY) on Earth.
    pub gravity: f64,
}

impl PlanarQuadrotor {
    pub(super) fn widen(&mut self, other: &Self) {
        self.velocity = self.velocity.max(other.velocity);
        self.body_rate = self.body_rate.max(other.body_rate);
    }

    /// Force of a rotor that hovers, N.
    fn hover(&self) -> f64 {
        0.5 * self.mass * self.gravity
    }
}

impl Kind for PlanarQuadrotor {
    fn name(&self) -> &'static str {
        "planar_quadrotor"
    }

    fn validate(&self) -> Checked {
        positive("mass", self.mass)?;
        positive("inertia", self.inertia)?;
        positive("arm", self.arm)?;
        positive("rotor", self.rotor)?;
        positive("velocity", self.velocity)?;
        positive("gravity", self.gravity)?;
        positive("body_rate", self.body_rate)
    }

    fn admit(&mut self, _: &[f64], v: &[f64], share: f64) {
        self.velocity = moved_out(self.velocity, v[0].abs().max(v[1].abs()), share);
        self.body_rate = moved_out(self.body_rate, v[2], share);
    }

    fn gravity(&self) -> Option<f64> {
        Some(self.gravity)
    }

    fn set_gravity(&mut self, gravity: f64) {
        self.gravity = gravity;
    }

    fn state_keys(&self) -> &'static [StateKey] {
        const {
            &[
                StateKey::required("position", 2),
                StateKey::zero("tilt", 1),
                StateKey::zero("velocity", 2),
                StateKey::zero("body_rate", 1),
            ]
        }
    }

    fn state_bounds(&self) -> Vec<[f64; 2]> {
        let velocity = within(self.velocity);
        vec![ANY, ANY, ANY, velocity, velocity, within(self.body_rate)]
    }

    fn state(&self, q: &[f64], rates: &[f64]) -> Vec<f64> {
        [q, rates].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["x", "z"]
    }

    fn states(&self) -> &'static [&'static str] {
        &["x", "z", "theta", "vx", "vz", "w"]
    }

    fn controls(&self) -> &'static [&'static str] {
        &["f1", "f2"]
    }

    /// A positive theta leans towards -x: it turns about -y.
    fn coordinates(&self) -> Vec<Coordinate> {
        vec![
            Coordinate::slides("x", DVec3::X),
            Coordinate::slides("z", DVec3::Z),
            Coordinate::turns("theta", DVec3::NEG_Y),
        ]
    }

    fn order(&self) -> usize {
        4
    }

    fn told_rates(&self) -> usize {
        3
    }

    fn steady(&self) -> Vec<usize> {
        (0..3).collect()
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let (x, z) = (flat.jet(0, 2), flat.jet(1, 2) + Jet::constant(self.gravity));
        let square = x * x + z * z;
        if !square.value().exceeds(LEAST_THRUST * LEAST_THRUST) {
            return Err(Singular::Thrust);
        }
        let theta = Jet::atan2(-x, z);
        let sum = square.sqrt().scaled(self.mass / self.hover());
        let difference = theta.rate().rate().scaled(self.inertia / (self.arm * self.hover()));
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), theta]);
        moved.magnitude("speed along x", flat.jet(0, 1), self.velocity);
        moved.magnitude("speed along z", flat.jet(1, 1), self.velocity);
        moved.magnitude("body rate", theta.rate(), self.body_rate);
        moved.within("rotor 1", (sum + difference).scaled(0.5), [0.0, self.rotor]);
        moved.within("rotor 2", (sum - difference).scaled(0.5), [0.0, self.rotor]);
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let limits: Vec<f64> = (0..5).map(|i| moved.limited(i)).collect();
        let (rates, rotors) = limits.split_at(3);
        [[&moved.values(), rates].concat(), rotors.to_vec()]
    }

    fn flatten(&self, state: &[f64], control: &[f64], thrust_rates: [f64; 2]) -> Result<Flat, Singular> {
        let thrust = self.hover() * (control[0] + control[1]);
        if thrust < LEAST_THRUST * self.mass {
            return Err(Singular::Thrust);
        }
        let turn = self.arm * self.hover() * (control[0] - control[1]) / self.inertia;
        let (sin, cos) = Jet::second_order([state[2], state[5], turn]).sin_cos();
        let force = (1.0 / self.mass) * Jet::second_order([thrust, thrust_rates[0], thrust_rates[1]]);
        let acceleration = [-(force * sin), force * cos - Jet::constant(self.gravity)];
        let mut flat = Flat::default();
        for i in 0..2 {
            let [a, j, s, _] = acceleration[i].0;
            let values = [state[i], state[3 + i], a, j, s];
            (0..5).for_each(|order| flat.derivatives[order][i] = values[order]);
        }
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        Ok([state[..3].to_vec(), state[3..].to_vec()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let [f1, f2] = [control[0], control[1]].map(|f| f * self.mass * self.gravity / 2.0);
        rates[..3].copy_from_slice(&state[3..]);
        rates[3] = -(f1 + f2) * state[2].sin() / self.mass;
        rates[4] = (f1 + f2) * state[2].cos() / self.mass - self.gravity;
        rates[5] = self.arm * (f1 - f2) / self.inertia;
    }
}

//! A quadrotor in a vertical plane.

use super::{Bounded, Coordinate, Flat, GRAVITY, Jet, Kind, Sample, Singular, quadrotor::LEAST_THRUST};
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
}

impl PlanarQuadrotor {
    /// Force of a rotor that hovers, N.
    fn hover(&self) -> f64 {
        0.5 * self.mass * GRAVITY
    }
}

impl Kind for PlanarQuadrotor {
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

    fn unflatten(&self, flat: &Flat) -> Result<Sample, Singular> {
        let acceleration = |i: usize| Jet([2, 3, 4].map(|order| flat.derivatives[order][i]));
        let (x, z) = (acceleration(0), acceleration(1) + Jet::constant(GRAVITY));
        let force = x.value().hypot(z.value());
        if force < LEAST_THRUST {
            return Err(Singular::Thrust);
        }
        let theta = Jet::atan2(-x, z);
        let sum = self.mass * force / self.hover();
        let difference = self.inertia * theta.0[2] / (self.arm * self.hover());
        let rotors = [0.5 * (sum + difference), 0.5 * (sum - difference)];
        let [p, v] = [0, 1].map(|order| [flat.derivatives[order][0], flat.derivatives[order][1]]);
        let body_rate = theta.0[1];
        Ok(Sample {
            coordinates: vec![p[0], p[1], theta.value()],
            state: vec![p[0], p[1], theta.value(), v[0], v[1], body_rate],
            control: rotors.to_vec(),
            limits: vec![
                Bounded::magnitude("speed along x", v[0], self.velocity),
                Bounded::magnitude("speed along z", v[1], self.velocity),
                Bounded::magnitude("body rate", body_rate, self.body_rate),
                Bounded::within("rotor 1", rotors[0], [0.0, self.rotor]),
                Bounded::within("rotor 2", rotors[1], [0.0, self.rotor]),
            ],
        })
    }

    fn flatten(&self, state: &[f64], control: &[f64], thrust_rates: [f64; 2]) -> Result<Flat, Singular> {
        let thrust = self.hover() * (control[0] + control[1]);
        if thrust < LEAST_THRUST * self.mass {
            return Err(Singular::Thrust);
        }
        let turn = self.arm * self.hover() * (control[0] - control[1]) / self.inertia;
        let (sin, cos) = Jet([state[2], state[5], turn]).sin_cos();
        let force = (1.0 / self.mass) * Jet([thrust, thrust_rates[0], thrust_rates[1]]);
        let acceleration = [-(force * sin), force * cos - Jet::constant(GRAVITY)];
        let mut flat = Flat::default();
        for i in 0..2 {
            let [a, j, s] = acceleration[i].0;
            let values = [state[i], state[3 + i], a, j, s];
            (0..5).for_each(|order| flat.derivatives[order][i] = values[order]);
        }
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        Ok([state[..3].to_vec(), state[3..].to_vec()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let [f1, f2] = [control[0], control[1]].map(|f| f * self.mass * GRAVITY / 2.0);
        rates[..3].copy_from_slice(&state[3..]);
        rates[3] = -(f1 + f2) * state[2].sin() / self.mass;
        rates[4] = (f1 + f2) * state[2].cos() / self.mass - GRAVITY;
        rates[5] = self.arm * (f1 - f2) / self.inertia;
    }
}

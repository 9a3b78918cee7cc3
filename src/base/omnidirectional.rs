//! A base that drives in any direction and turns meanwhile: on mecanum or other omnidirectional wheels.

use super::admit::moved_out;
use super::jet::Jet;
use super::kind::{ANY, Coordinate, Flat, Kind, Moved, Singular, StateKey, within};
use super::scalar::Scalar;
use crate::error::{Checked, positive};
use glam::DVec3;
use std::f64::consts::SQRT_2;

/// x' = u cos theta - v sin theta, y' = u sin theta + v cos theta, theta' = w, and in the frame of the body, which turns,
/// u' = ax + w v, v' = ay - w u, w' = alpha: the terms with w are what the turning of the frame adds, so that (ax, ay) is
/// the acceleration of the body in the world, as seen from it.
///
/// x y theta u v w | ax ay alpha. Its outputs are its coordinates: x, y and theta. Nothing is ever singular.
#[derive(Clone, Debug, PartialEq)]
pub struct Omnidirectional {
    /// Greatest speed ahead (and back) and to either side, m/s, and greatest turn rate, rad/s.
    pub velocity: [f64; 3],
    /// Greatest magnitudes of the acceleration ahead and to the left, m/s^2, and of the turn acceleration, rad/s^2.
    pub acceleration: [f64; 3],
    /// Wheels whose rates bound its velocities together.
    pub wheels: Option<MecanumWheels>,
}

/// Four mecanum wheels whose rollers stand at 45 degrees, as an X seen from above. With the arm L = half length + half
/// width each wheel turns at (u - v - L w) / radius (front left), (u + v + L w) / radius (front right),
/// (u + v - L w) / radius (rear left) and (u - v + L w) / radius (rear right), so that their limit is
/// |u| + |v| + L |w| <= radius * rate (Muir and Neuman, *Kinematic modeling for feedback control of an omnidirectional
/// wheeled mobile robot*, ICRA 1987).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MecanumWheels {
    /// Radius of a wheel, metres.
    pub radius: f64,
    /// Half the distance between the front and the rear axles, metres.
    pub half_length: f64,
    /// Half the distance between the wheels of an axle, metres.
    pub half_width: f64,
    /// Greatest rate of a wheel, rad/s.
    pub rate: f64,
}

const STATES: [&str; 6] = ["x", "y", "theta", "u", "v", "w"];
const VELOCITIES: [&str; 3] = ["speed ahead", "speed to the left", "turn rate"];
const ACCELERATIONS: [&str; 3] = ["acceleration ahead", "acceleration to the left", "turn acceleration"];
const WHEELS: [&str; 4] =
    ["front left wheel rate", "front right wheel rate", "rear left wheel rate", "rear right wheel rate"];

/// Signs of v and of L w in the rate of each wheel.
const MIXER: [[f64; 2]; 4] = [[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]];

/// Limits of single outputs stay by this share within those that hold at every heading, so that a proof over an
/// interval has room.
const MARGIN: f64 = 1e-3;

impl MecanumWheels {
    /// What the rates of the wheels are of u, v and w: rows of factors, 1/m, 1/m and 1.
    pub fn mixer(&self) -> [[f64; 3]; 4] {
        let arm = self.half_length + self.half_width;
        MIXER.map(|[aside, turn]| [1.0, aside, turn * arm].map(|factor| factor / self.radius))
    }

    /// The greatest rate of any wheel at body velocities u, v and w, rad/s.
    pub fn greatest_rate(&self, [u, v, w]: [f64; 3]) -> f64 {
        let arm = self.half_length + self.half_width;
        (u.abs() + v.abs() + arm * w.abs()) / self.radius
    }
}

impl Omnidirectional {
    /// Greatest velocity and acceleration of x, y and theta, each by itself and at every heading: within these all its
    /// limits hold, whatever the others do. They leave much unused; what a path is driven at is for its time
    /// parameterization to find.
    pub fn axis_limits(&self) -> [[f64; 2]; 3] {
        // The body may point anywhere, so that translations have the lesser of two limits in every direction, and
        // two axes may use theirs at once.
        let level = |[ahead, aside, _]: [f64; 3]| ahead.min(aside) / SQRT_2;
        let (mut speed, mut turn) = (level(self.velocity), self.velocity[2]);
        if let Some(wheels) = self.wheels {
            // |u| + |v| is at most sqrt 2 times the speed.
            let used = wheels.greatest_rate([speed, speed, turn]);
            let share = (wheels.rate / used).min(1.0);
            (speed, turn) = (share * speed, share * turn);
        }
        let acceleration = level(self.acceleration);
        let all = [[speed, acceleration], [speed, acceleration], [turn, self.acceleration[2]]];
        all.map(|limits| limits.map(|limit| limit * (1.0 - MARGIN)))
    }

    pub(super) fn widen(&mut self, other: &Self) {
        for (limit, other) in self.velocity.iter_mut().zip(other.velocity) {
            *limit = limit.max(other);
        }
        if let (Some(wheels), Some(other)) = (&mut self.wheels, other.wheels) {
            wheels.rate = wheels.rate.max(other.rate);
        }
    }

    /// Velocities in the frame of the body of a place that moves so in the world at a heading.
    pub fn in_body([x, y]: [f64; 2], heading: f64) -> [f64; 2] {
        let (sin, cos) = heading.sin_cos();
        [x * cos + y * sin, y * cos - x * sin]
    }
}

/// (x, y) in a frame that is turned by an angle with this sine and cosine.
fn turned_back<S: Scalar>((sin, cos): (Jet<S>, Jet<S>), x: Jet<S>, y: Jet<S>) -> [Jet<S>; 2] {
    [x * cos + y * sin, y * cos - x * sin]
}

impl Kind for Omnidirectional {
    fn name(&self) -> &'static str {
        "omnidirectional"
    }

    fn validate(&self) -> Checked {
        for i in 0..3 {
            positive(&format!("velocity[{i}]"), self.velocity[i])?;
            positive(&format!("acceleration[{i}]"), self.acceleration[i])?;
        }
        let Some(MecanumWheels { radius, half_length, half_width, rate }) = self.wheels else {
            return Ok(());
        };
        let figures =
            [("radius", radius), ("half_length", half_length), ("half_width", half_width), ("rate", rate)];
        figures
            .into_iter()
            .try_for_each(|(field, value)| positive(field, value))
            .map_err(|e| e.under("wheels"))
    }

    fn admit(&mut self, q: &[f64], v: &[f64], share: f64) {
        let [ahead, left] = Self::in_body([v[0], v[1]], q[2]);
        let rates = [ahead, left, v[2]];
        for (limit, rate) in self.velocity.iter_mut().zip(rates) {
            *limit = moved_out(*limit, rate, share);
        }
        if let Some(wheels) = &mut self.wheels {
            wheels.rate = moved_out(wheels.rate, wheels.greatest_rate(rates), share);
        }
    }

    fn state_keys(&self) -> &'static [StateKey] {
        const {
            &[
                StateKey::required("position", 2),
                StateKey::required("heading", 1),
                StateKey::zero("velocity", 2),
                StateKey::zero("turn_rate", 1),
            ]
        }
    }

    fn state_bounds(&self) -> Vec<[f64; 2]> {
        [[ANY; 3], self.velocity.map(within)].concat()
    }

    fn state_fault(&self, state: &[f64], slack: f64) -> Option<(usize, String)> {
        let wheels = self.wheels?;
        let rate = wheels.greatest_rate([state[3], state[4], state[5]]);
        (rate > wheels.rate * (1.0 + slack)).then(|| {
            let most = wheels.rate;
            let message = format!(
                "a wheel turns at {rate:?} rad/s, outside its limits; expected no more than {most:?}"
            );
            (3, message)
        })
    }

    fn state(&self, q: &[f64], rates: &[f64]) -> Vec<f64> {
        [q, &Self::in_body([rates[0], rates[1]], q[2]), &rates[2..]].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &STATES[..3]
    }

    fn states(&self) -> &'static [&'static str] {
        &STATES
    }

    fn controls(&self) -> &'static [&'static str] {
        &["ax", "ay", "alpha"]
    }

    fn coordinates(&self) -> Vec<Coordinate> {
        vec![
            Coordinate::slides("x", DVec3::X),
            Coordinate::slides("y", DVec3::Y),
            Coordinate::turns("theta", DVec3::Z),
        ]
    }

    fn order(&self) -> usize {
        2
    }

    fn told_rates(&self) -> usize {
        3
    }

    /// The wheels follow from these.
    fn steady(&self) -> Vec<usize> {
        vec![0, 1, 2]
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let heading = flat.jet(2, 0);
        let facing = heading.sin_cos();
        let [u, v] = turned_back(facing, flat.jet(0, 1), flat.jet(1, 1));
        let [ahead, left] = turned_back(facing, flat.jet(0, 2), flat.jet(1, 2));
        let w = flat.jet(2, 1);
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), heading]);
        for ((name, value), most) in VELOCITIES.into_iter().zip([u, v, w]).zip(self.velocity) {
            moved.magnitude(name, value, most);
        }
        let accelerations = [ahead, left, flat.jet(2, 2)];
        for ((name, value), most) in ACCELERATIONS.into_iter().zip(accelerations).zip(self.acceleration) {
            moved.magnitude(name, value, most);
        }
        if let Some(wheels) = self.wheels {
            for (name, [ahead, aside, turn]) in WHEELS.into_iter().zip(wheels.mixer()) {
                moved.magnitude(name, u.scaled(ahead) + v.scaled(aside) + w.scaled(turn), wheels.rate);
            }
        }
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let limited = |range: std::ops::Range<usize>| range.map(|i| moved.limited(i)).collect::<Vec<f64>>();
        [[moved.values(), limited(0..3)].concat(), limited(3..6)]
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let mut flat = Flat::default();
        let (sin, cos) = state[2].sin_cos();
        let in_world = |ahead: f64, left: f64| [ahead * cos - left * sin, ahead * sin + left * cos];
        let [[vx, vy], [ax, ay]] = [in_world(state[3], state[4]), in_world(control[0], control[1])];
        let orders = [[state[0], state[1], state[2]], [vx, vy, state[5]], [ax, ay, control[2]]];
        for (derivatives, values) in flat.derivatives.iter_mut().zip(orders) {
            derivatives[..3].copy_from_slice(&values);
        }
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let mut rates = [0.0; 6];
        self.dynamics(state, &[0.0; 3], &mut rates);
        Ok([state[..3].to_vec(), rates[..3].to_vec()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let (sin, cos) = state[2].sin_cos();
        let (u, v, w) = (state[3], state[4], state[5]);
        rates.copy_from_slice(&[
            u * cos - v * sin,
            u * sin + v * cos,
            w,
            control[0] + w * v,
            control[1] - w * u,
            control[2],
        ]);
    }
}

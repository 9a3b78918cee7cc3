//! A quadrotor.

use super::admit::moved_out;
use super::jet::Jet;
use super::kind::{ANY, Absent, Coordinate, Flat, Kind, Moved, Singular, StateKey, within};
use super::scalar::Scalar;
use crate::error::{Checked, InvalidValue, ordered, positive};
use glam::{DMat3, DQuat, DVec3};

/// Thrust by mass below which it has no direction, m/s^2.
pub(super) const LEAST_THRUST: f64 = 1e-9;
/// Least cosine of pitch at which yaw and roll can be told apart.
const LEAST_COSINE: f64 = 1e-9;

/// m v' = thrust R e3 - m g e3, R' = R hat(w), J w' = tau - w x J w, with R from body to world.
///
/// Outputs x y z yaw (Mellinger & Kumar, *Minimum snap trajectory generation and control for
/// quadrotors*, ICRA 2011): R = Rz(yaw) Rx(roll) Ry(pitch), so that the body's y axis is across the
/// direction of yaw. Roll reaches all around, pitch lies within a quarter turn: rolling upside down is
/// regular, and only a thrust along the direction of yaw is not. Air drag is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Quadrotor {
    /// Mass, kg.
    pub mass: f64,
    /// Moments of inertia about the body's axes, kg m^2.
    pub inertia: DVec3,
    /// How it is driven.
    pub actuation: Actuation,
    /// Greatest speed along each of the [`Quadrotor::velocity_axes`], m/s.
    pub velocity: f64,
    /// Greatest body rate about each axis, rad/s.
    pub body_rate: f64,
    /// Whose axes those are.
    pub velocity_axes: VelocityAxes,
    /// Acceleration of free fall, which points down, m/s^2: [`GRAVITY`](super::GRAVITY) on Earth.
    pub gravity: f64,
}

/// What a quadrotor's controls are.
#[derive(Clone, Debug, PartialEq)]
pub enum Actuation {
    /// Forces f1 to f4 in multiples of that which hovers (dynobench `quad3d` with `motor_control`):
    /// with a = arm / sqrt 2, thrust = f1 + f2 + f3 + f4, tau_x = a (-f1 - f2 + f3 + f4),
    /// tau_y = a (-f1 + f2 + f3 - f4), tau_z = k (-f1 + f2 - f3 + f4).
    Rotors {
        /// From the centre to each rotor, metres.
        arm: f64,
        /// Torque by thrust, k, metres.
        torque_by_thrust: f64,
        /// Greatest force in multiples of that which hovers; the least is none.
        most: f64,
    },
    /// Thrust and three moments, each in multiples of `unit` (N, N m). dynobench `quad3d_omplapp`
    /// has units (m g, 20, 20, 20), Kino-PAX (1, 1, 1, 1).
    Wrench {
        /// What one of each control is.
        unit: [f64; 4],
        /// Least of each control.
        lower: [f64; 4],
        /// Greatest of each control.
        upper: [f64; 4],
    },
}

/// Along which axes a quadrotor's speed is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VelocityAxes {
    /// Those of the world.
    World,
    /// Those of its body.
    Body,
}

/// Position, quaternion, velocity in the world, body rates: the state, as dynobench has it.
const STATE: [&str; 13] = ["x", "y", "z", "qx", "qy", "qz", "qw", "vx", "vy", "vz", "wx", "wy", "wz"];

/// What a state says.
struct BodyMotion {
    position: DVec3,
    rotation: DMat3,
    /// In the world.
    velocity: DVec3,
    /// About the body's axes.
    rates: DVec3,
}

impl Quadrotor {
    pub(super) fn widen(&mut self, other: &Self) {
        self.velocity = self.velocity.max(other.velocity);
        self.body_rate = self.body_rate.max(other.body_rate);
    }

    fn motion(state: &[f64]) -> BodyMotion {
        let vector = |i: usize| DVec3::new(state[i], state[i + 1], state[i + 2]);
        let turned = DQuat::from_xyzw(state[3], state[4], state[5], state[6]).normalize();
        let rotation = DMat3::from_quat(turned);
        BodyMotion { position: vector(0), rotation, velocity: vector(7), rates: vector(10) }
    }

    /// Thrust and moments of a control, N and N m.
    fn wrench(&self, control: &[f64]) -> [f64; 4] {
        match self.actuation {
            Actuation::Wrench { unit, .. } => [0, 1, 2, 3].map(|i| unit[i] * control[i]),
            Actuation::Rotors { arm, torque_by_thrust: k, .. } => {
                let hover = self.mass * self.gravity / 4.0;
                let [f1, f2, f3, f4] = [0, 1, 2, 3].map(|i| hover * control[i]);
                let a = arm * std::f64::consts::FRAC_1_SQRT_2;
                [
                    f1 + f2 + f3 + f4,
                    a * (-f1 - f2 + f3 + f4),
                    a * (-f1 + f2 + f3 - f4),
                    k * (-f1 + f2 - f3 + f4),
                ]
            }
        }
    }

    /// The control that gives a thrust and moments.
    fn control<S: Scalar>(&self, [thrust, x, y, z]: [Jet<S>; 4]) -> [Jet<S>; 4] {
        match self.actuation {
            Actuation::Wrench { unit, .. } => [
                thrust.scaled(unit[0].recip()),
                x.scaled(unit[1].recip()),
                y.scaled(unit[2].recip()),
                z.scaled(unit[3].recip()),
            ],
            Actuation::Rotors { arm, torque_by_thrust: k, .. } => {
                // The mixer's rows are orthogonal, each of squared length 4.
                let four = (self.mass * self.gravity).recip();
                let a = arm * std::f64::consts::FRAC_1_SQRT_2;
                let (thrust, x, y, z) =
                    (thrust.scaled(four), x.scaled(four / a), y.scaled(four / a), z.scaled(four / k));
                [thrust - x - y - z, thrust - x + y + z, thrust + x + y - z, thrust + x - y + z]
            }
        }
    }

    /// Least and greatest of a control.
    fn bounds(&self, i: usize) -> [f64; 2] {
        match &self.actuation {
            Actuation::Rotors { most, .. } => [0.0, *most],
            Actuation::Wrench { lower, upper, .. } => [lower[i], upper[i]],
        }
    }

    /// J w' + w x J w.
    fn moments<S: Scalar>(&self, [x, y, z]: [Jet<S>; 3]) -> [Jet<S>; 3] {
        let DVec3 { x: a, y: b, z: c } = self.inertia;
        [
            x.rate().scaled(a) + (y * z).scaled(c - b),
            y.rate().scaled(b) + (z * x).scaled(a - c),
            z.rate().scaled(c) + (x * y).scaled(b - a),
        ]
    }
}

/// Sine and cosine of each angle of R = Rz(yaw) Rx(roll) Ry(pitch).
struct BodyAttitude<S> {
    yaw: (Jet<S>, Jet<S>),
    roll: (Jet<S>, Jet<S>),
    pitch: (Jet<S>, Jet<S>),
}

impl<S: Scalar> BodyAttitude<S> {
    /// Body rates from the rates of the angles.
    fn body_rates(&self, [yaw, roll, pitch]: [Jet<S>; 3]) -> [Jet<S>; 3] {
        let ((sin_roll, cos_roll), (sin_pitch, cos_pitch)) = (self.roll, self.pitch);
        let across = yaw * cos_roll;
        [roll * cos_pitch - across * sin_pitch, pitch + yaw * sin_roll, roll * sin_pitch + across * cos_pitch]
    }

    /// A vector of the world in the body's frame.
    fn in_body(&self, [x, y, z]: [Jet<S>; 3]) -> [Jet<S>; 3] {
        let back =
            |(sin, cos): (Jet<S>, Jet<S>), a: Jet<S>, b: Jet<S>| (a * cos + b * sin, b * cos - a * sin);
        let (x, y) = back(self.yaw, x, y);
        let (y, z) = back(self.roll, y, z);
        let (z, x) = back(self.pitch, z, x);
        [x, y, z]
    }
}

/// Body rates of a body whose yaw, roll and pitch change at these rates: each turns about an axis of its own.
fn turned_by([yaw, roll, pitch]: [f64; 3], rates: &[f64]) -> DVec3 {
    let rotation = DMat3::from_rotation_z(yaw) * DMat3::from_rotation_x(roll) * DMat3::from_rotation_y(pitch);
    let of_yaw = rotation.transpose() * DVec3::Z;
    let of_roll = DMat3::from_rotation_y(-pitch) * DVec3::X;
    rates[0] * of_yaw + rates[1] * of_roll + rates[2] * DVec3::Y
}

impl Actuation {
    fn validate(&self) -> Checked {
        match *self {
            Self::Rotors { arm, torque_by_thrust, most } => positive("arm", arm)
                .and_then(|()| positive("torque_by_thrust", torque_by_thrust))
                .and_then(|()| positive("most", most)),
            Self::Wrench { unit, lower, upper } => validate_wrench(unit, lower, upper),
        }
    }
}

fn validate_wrench(unit: [f64; 4], lower: [f64; 4], upper: [f64; 4]) -> Checked {
    for i in 0..4 {
        positive("", unit[i]).map_err(|e| e.under(format_args!("unit[{i}]")))?;
        ordered("", [lower[i], upper[i]]).map_err(|e| {
            // The least value is that of one field, the greatest of another.
            let of_upper = e.field == "[1]";
            let field = if of_upper { "upper" } else { "lower" };
            InvalidValue { field: format!("{field}[{i}]"), ..e }
        })?;
    }
    Ok(())
}

impl Kind for Quadrotor {
    fn name(&self) -> &'static str {
        "quadrotor"
    }

    fn validate(&self) -> Checked {
        positive("mass", self.mass)?;
        for (axis, inertia) in ["x", "y", "z"].into_iter().zip(self.inertia.to_array()) {
            positive(axis, inertia).map_err(|e| e.under("inertia"))?;
        }
        positive("velocity", self.velocity)?;
        positive("body_rate", self.body_rate)?;
        positive("gravity", self.gravity)?;
        self.actuation.validate().map_err(|e| e.under("actuation"))
    }

    fn admit(&mut self, q: &[f64], v: &[f64], share: f64) {
        let (roll, pitch) = (DMat3::from_rotation_x(q[4]), DMat3::from_rotation_y(q[5]));
        let from_world = (DMat3::from_rotation_z(q[3]) * roll * pitch).transpose();
        let velocity = DVec3::new(v[0], v[1], v[2]);
        let velocity = match self.velocity_axes {
            VelocityAxes::World => velocity,
            VelocityAxes::Body => from_world * velocity,
        };
        let rates = turned_by([q[3], q[4], q[5]], &v[3..6]);
        self.velocity = moved_out(self.velocity, velocity.abs().max_element(), share);
        self.body_rate = moved_out(self.body_rate, rates.abs().max_element(), share);
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
                StateKey::required("position", 3),
                StateKey { key: "quaternion_xyzw", count: 4, absent: Absent::Level },
                StateKey::zero("velocity", 3),
                StateKey::zero("body_rates", 3),
            ]
        }
    }

    fn state_bounds(&self) -> Vec<[f64; 2]> {
        [vec![ANY; 7], vec![within(self.velocity); 3], vec![within(self.body_rate); 3]].concat()
    }

    fn state(&self, q: &[f64], rates: &[f64]) -> Vec<f64> {
        let rotation =
            DMat3::from_rotation_z(q[3]) * DMat3::from_rotation_x(q[4]) * DMat3::from_rotation_y(q[5]);
        let turn = turned_by([q[3], q[4], q[5]], &rates[3..6]);
        // Of two quaternions of one attitude the one whose w is not negative.
        let attitude = DQuat::from_mat3(&rotation).normalize();
        let attitude = if attitude.w < 0.0 { -attitude } else { attitude }.to_array();
        [&q[..3], &attitude, &rates[..3], &turn.to_array()].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["x", "y", "z", "yaw"]
    }

    fn states(&self) -> &'static [&'static str] {
        &STATE
    }

    fn controls(&self) -> &'static [&'static str] {
        match self.actuation {
            Actuation::Rotors { .. } => &["f1", "f2", "f3", "f4"],
            Actuation::Wrench { .. } => &["thrust", "tau_x", "tau_y", "tau_z"],
        }
    }

    fn coordinates(&self) -> Vec<Coordinate> {
        vec![
            Coordinate::slides("x", DVec3::X),
            Coordinate::slides("y", DVec3::Y),
            Coordinate::slides("z", DVec3::Z),
            Coordinate::turns("yaw", DVec3::Z),
            Coordinate::turns("roll", DVec3::X),
            Coordinate::turns("pitch", DVec3::Y),
        ]
    }

    fn order(&self) -> usize {
        4
    }

    fn told_rates(&self) -> usize {
        6
    }

    fn steady(&self) -> Vec<usize> {
        (0..6).collect()
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let (x, y, z) = (flat.jet(0, 2), flat.jet(1, 2), flat.jet(2, 2) + Jet::constant(self.gravity));
        let yaw = flat.jet(3, 0);
        let square = x * x + y * y + z * z;
        if !square.value().exceeds(LEAST_THRUST * LEAST_THRUST) {
            return Err(Singular::Thrust);
        }
        // The thrust in the frame that yaw turns is (sin pitch, -sin roll cos pitch, cos roll cos pitch).
        let (sin_yaw, cos_yaw) = yaw.sin_cos();
        let (ahead, left) = (x * cos_yaw + y * sin_yaw, y * cos_yaw - x * sin_yaw);
        let across = left * left + z * z;
        if !across.value().exceeds(LEAST_COSINE * LEAST_COSINE * square.value().middle()) {
            return Err(Singular::ThrustAlongYaw);
        }
        let (force, across) = (square.sqrt(), across.sqrt());
        let attitude = BodyAttitude {
            yaw: (sin_yaw, cos_yaw),
            roll: (-left / across, z / across),
            pitch: (ahead / force, across / force),
        };
        let (roll, pitch) = (Jet::atan2(-left, z), Jet::atan2(ahead, across));
        let rates = attitude.body_rates([yaw, roll, pitch].map(Jet::rate));
        let moments = self.moments(rates);
        let velocity = [0, 1, 2].map(|i| flat.jet(i, 1));
        let velocity = match self.velocity_axes {
            VelocityAxes::World => velocity,
            VelocityAxes::Body => attitude.in_body(velocity),
        };
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), flat.jet(2, 0), yaw, roll, pitch]);
        for (name, value) in ["speed along x", "speed along y", "speed along z"].into_iter().zip(velocity) {
            moved.magnitude(name, value, self.velocity);
        }
        for (name, value) in ["body rate x", "body rate y", "body rate z"].into_iter().zip(rates) {
            moved.magnitude(name, value, self.body_rate);
        }
        let [a, b, c] = moments;
        let control = self.control([force.scaled(self.mass), a, b, c]);
        for (i, (name, value)) in self.controls().iter().zip(control).enumerate() {
            moved.within(name, value, self.bounds(i));
        }
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let at = moved.values();
        let rotation =
            DMat3::from_rotation_z(at[3]) * DMat3::from_rotation_x(at[4]) * DMat3::from_rotation_y(at[5]);
        let mut state = at[..3].to_vec();
        state.extend(DQuat::from_mat3(&rotation).normalize().to_array());
        state.extend(moved.coordinates[..3].iter().map(|place| place.rate().value()));
        state.extend((3..6).map(|i| moved.limited(i)));
        [state, (6..10).map(|i| moved.limited(i)).collect()]
    }

    fn flatten(&self, state: &[f64], control: &[f64], thrust_rates: [f64; 2]) -> Result<Flat, Singular> {
        let [thrust, moments @ ..] = self.wrench(control);
        if thrust < LEAST_THRUST * self.mass {
            return Err(Singular::Thrust);
        }
        let BodyMotion { position, rotation, velocity, rates: w } = Self::motion(state);
        let turn = (DVec3::from(moments) - w.cross(self.inertia * w)) / self.inertia;
        // b3 = R e3 and its derivatives in the body's frame: w x e3, and w' x e3 + w x (w x e3).
        let (direction, first) = (DVec3::Z, w.cross(DVec3::Z));
        let second = turn.cross(DVec3::Z) + w.cross(first);
        let [a, j, s] = {
            let [f0, f1, f2] = [thrust, thrust_rates[0], thrust_rates[1]].map(|f| f / self.mass);
            let snap = f2 * direction + 2.0 * f1 * first + f0 * second;
            [f0 * direction, f1 * direction + f0 * first, snap].map(|v| rotation * v)
        };
        let [yaw, yaw_rate, yaw_turn] = yaw_of(&rotation, w, turn)?;
        let mut flat = Flat::default();
        for (order, vector) in [position, velocity, a - self.gravity * DVec3::Z, j, s].into_iter().enumerate()
        {
            flat.derivatives[order][..3].copy_from_slice(&vector.to_array());
        }
        (flat.derivatives[0][3], flat.derivatives[1][3], flat.derivatives[2][3]) = (yaw, yaw_rate, yaw_turn);
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let BodyMotion { position, rotation, velocity, rates: w } = Self::motion(state);
        let [yaw, ..] = yaw_of(&rotation, w, DVec3::ZERO)?;
        let thrust = DMat3::from_rotation_z(-yaw) * rotation.z_axis;
        let roll = (-thrust.y).atan2(thrust.z);
        let pitch = thrust.x.atan2(thrust.y.hypot(thrust.z));
        // The inverse of `body_rates`.
        let ((sin_roll, cos_roll), (sin_pitch, cos_pitch)) = (roll.sin_cos(), pitch.sin_cos());
        let yaw_rate = (w.z * cos_pitch - w.x * sin_pitch) / cos_roll;
        let turns = [yaw_rate, w.x * cos_pitch + w.z * sin_pitch, w.y - yaw_rate * sin_roll];
        let coordinates = [position.to_array(), [yaw, roll, pitch]].concat();
        Ok([coordinates, [velocity.to_array(), turns].concat()])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let [thrust, moments @ ..] = self.wrench(control);
        let BodyMotion { rotation, velocity, rates: w, .. } = Self::motion(state);
        let acceleration = rotation.z_axis * (thrust / self.mass) - DVec3::Z * self.gravity;
        let turn = (DVec3::from(moments) - w.cross(self.inertia * w)) / self.inertia;
        rates[..3].copy_from_slice(&velocity.to_array());
        let q = DQuat::from_xyzw(state[3], state[4], state[5], state[6]);
        let turned = q * DQuat::from_xyzw(w.x, w.y, w.z, 0.0) * 0.5;
        rates[3..7].copy_from_slice(&turned.to_array());
        rates[7..10].copy_from_slice(&acceleration.to_array());
        rates[10..].copy_from_slice(&turn.to_array());
    }
}

/// Yaw of R = Rz(yaw) Rx(roll) Ry(pitch) with a pitch within a quarter turn, and its derivatives.
fn yaw_of(rotation: &DMat3, w: DVec3, turn: DVec3) -> Result<[f64; 3], Singular> {
    // The body's y axis is Rz Rx e_y: yaw is the direction of its horizontal part, less a quarter turn,
    // and half a turn more where the body has rolled over.
    let across = rotation.y_axis;
    if across.x.hypot(across.y) < LEAST_COSINE {
        return Err(Singular::RolledAcross);
    }
    let side = if rotation.z_axis.z < 0.0 { -1.0 } else { 1.0 };
    // R e_y, R (w x e_y), R (w' x e_y + w x (w x e_y)).
    let first = w.cross(DVec3::Y);
    let second = turn.cross(DVec3::Y) + w.cross(first);
    let [first, second] = [first, second].map(|v| *rotation * v);
    let x = Jet::second_order([across.x, first.x, second.x]);
    let y = Jet::second_order([across.y, first.y, second.y]);
    let [yaw, rate, turn, _] = Jet::atan2(-side * x, side * y).0;
    Ok([yaw, rate, turn])
}

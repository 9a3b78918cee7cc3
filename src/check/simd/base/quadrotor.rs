//! A quadrotor in lanes: the map of `base::quadrotor`.

use super::super::super::packed::base::PackedBase;
use super::super::scratch::Scratch;
use super::outputs::{
    JetLanes, Outputs, acceleration, difference_of_products, direction_rates, plus, store, sum_of_products,
    turn_back,
};
use crate::vector::{Simd32, Vector, Vector3, atan2, sin_cos};

#[inline(always)]
pub(super) fn quadrotor<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    gravity: f32,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<5>(s, 0), outputs.derivatives::<5>(s, 1)];
    let z = outputs.derivatives::<5>(s, 2);
    let yaw: JetLanes<S::F> = outputs.derivatives::<3>(s, 3);
    let up = plus(s, acceleration(z), gravity);
    let turned = Yawed::new(s, acceleration(x), acceleration(y), yaw);
    let attitude = AttitudeLanes::new(s, turned.ahead, turned.left, up);
    let (rates, turns) = attitude.body_rates(yaw);
    let velocity = Vector3 { x: x[1], y: y[1], z: z[1] };
    let velocity = if base.in_body == 1 { attitude.to_body(turned.turn_back(velocity)) } else { velocity };
    let inertia = Vector3::splat(s, base.inertia);
    let gyroscopic = rates.cross(rates.times(inertia));
    let moments = turns.times(inertia) + gyroscopic;
    let mut bounded = [
        velocity.x,
        velocity.y,
        velocity.z,
        rates.x,
        rates.y,
        rates.z,
        attitude.force,
        attitude.force,
        attitude.force,
        attitude.force,
    ];
    for (control, &[thrust, mx, my, mz]) in bounded[6..].iter_mut().zip(&base.mixer) {
        *control = attitude.force.mul_add(s.splat(thrust), Vector3::splat(s, [mx, my, mz]).dot(moments));
    }
    store(&mut scratch.bounded, &bounded);
    store(&mut scratch.flat[0], &[x[0], y[0], z[0], yaw[0], attitude.roll, attitude.pitch]);
}

/// The horizontal part of an acceleration in the frame that yaw turns.
struct Yawed<S: Simd32> {
    sin: S::F,
    cos: S::F,
    ahead: JetLanes<S::F>,
    left: JetLanes<S::F>,
}

impl<S: Simd32> Yawed<S> {
    #[inline(always)]
    fn new(s: S, x: JetLanes<S::F>, y: JetLanes<S::F>, [yaw, rate, turn]: JetLanes<S::F>) -> Self {
        let (sin, cos) = sin_cos(s, yaw);
        let (mut ahead, mut left) = (x, y);
        for (ahead, left) in ahead.iter_mut().zip(&mut left) {
            (*ahead, *left) = turn_back(sin, cos, *ahead, *left);
        }
        // What the frame's own turning adds: the derivative of (a, l) is (a' + yaw' l, l' - yaw' a).
        let rates = [rate.mul_add(left[0], ahead[1]), rate.neg_mul_add(ahead[0], left[1])];
        let second = [
            rate.mul_add(left[1] + rates[1], turn.mul_add(left[0], ahead[2])),
            rate.neg_mul_add(ahead[1] + rates[0], turn.neg_mul_add(ahead[0], left[2])),
        ];
        Self { sin, cos, ahead: [ahead[0], rates[0], second[0]], left: [left[0], rates[1], second[1]] }
    }

    #[inline(always)]
    fn turn_back(&self, v: Vector3<S::F>) -> Vector3<S::F> {
        let (x, y) = turn_back(self.sin, self.cos, v.x, v.y);
        Vector3 { x, y, z: v.z }
    }
}

/// How a thrust turns the body of a quadrotor in the frame that yaw turns.
struct AttitudeLanes<S: Simd32> {
    /// Thrust by mass.
    force: S::F,
    roll: S::F,
    pitch: S::F,
    /// First and second derivative.
    roll_rates: [S::F; 2],
    pitch_rates: [S::F; 2],
    sin_roll: S::F,
    cos_roll: S::F,
    sin_pitch: S::F,
    cos_pitch: S::F,
}

impl<S: Simd32> AttitudeLanes<S> {
    /// From thrust by mass: roll is the direction of (up, right), pitch that of (their length, ahead).
    #[inline(always)]
    fn new(s: S, ahead: JetLanes<S::F>, left: JetLanes<S::F>, up: JetLanes<S::F>) -> Self {
        let (one, zero) = (s.splat(1.0), s.splat(0.0));
        let right = [zero - left[0], zero - left[1], zero - left[2]];
        let square = sum_of_products(right[0], right[0], up[0], up[0]);
        let across = square.sqrt();
        let inverse = one / across;
        let across_rate = sum_of_products(right[0], right[1], up[0], up[1]) * inverse;
        let squares = sum_of_products(right[1], right[1], up[1], up[1]);
        let bends = sum_of_products(right[0], right[2], up[0], up[2]);
        let across_turn = across_rate.neg_mul_add(across_rate, squares + bends) * inverse;
        let whole = ahead[0].mul_add(ahead[0], square);
        let force = whole.sqrt();
        let inverse_force = one / force;
        Self {
            force,
            roll: atan2(s, right[0], up[0]),
            pitch: atan2(s, ahead[0], across),
            roll_rates: direction_rates(&right, &up, square),
            pitch_rates: direction_rates(&ahead, &[across, across_rate, across_turn], whole),
            sin_roll: right[0] * inverse,
            cos_roll: up[0] * inverse,
            sin_pitch: ahead[0] * inverse_force,
            cos_pitch: across * inverse_force,
        }
    }

    /// Body rates and their derivatives with R = Rz(yaw) Rx(roll) Ry(pitch): pitch' about y, and roll'
    /// and yaw' by what the turnings after them have made of their axes.
    #[inline(always)]
    fn body_rates(&self, [_, yaw, yaw_turn]: JetLanes<S::F>) -> (Vector3<S::F>, Vector3<S::F>) {
        let Self { sin_roll, cos_roll, sin_pitch, cos_pitch, .. } = *self;
        let ([roll, roll_turn], [pitch, pitch_turn]) = (self.roll_rates, self.pitch_rates);
        let across = yaw * cos_roll;
        let across_rate = difference_of_products(yaw_turn, cos_roll, yaw * sin_roll, roll);
        let x = difference_of_products(roll, cos_pitch, across, sin_pitch);
        let z = sum_of_products(roll, sin_pitch, across, cos_pitch);
        let rates = Vector3 { x, y: yaw.mul_add(sin_roll, pitch), z };
        let across_turn = difference_of_products(roll_turn, cos_pitch, across_rate, sin_pitch);
        let along_turn = sum_of_products(roll_turn, sin_pitch, across_rate, cos_pitch);
        let tilt = sum_of_products(yaw_turn, sin_roll, across, roll);
        let turns = Vector3 {
            x: pitch.neg_mul_add(z, across_turn),
            y: pitch_turn + tilt,
            z: pitch.mul_add(x, along_turn),
        };
        (rates, turns)
    }

    /// A vector of the frame that yaw turns, in that of the body.
    #[inline(always)]
    fn to_body(&self, v: Vector3<S::F>) -> Vector3<S::F> {
        let (y, z) = turn_back(self.sin_roll, self.cos_roll, v.y, v.z);
        // About y the turn from z to x is the positive one.
        let (z, x) = turn_back(self.sin_pitch, self.cos_pitch, z, v.x);
        Vector3 { x, y, z }
    }
}

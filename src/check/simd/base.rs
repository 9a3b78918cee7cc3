//! Stage `unflatten` of vehicles: flat outputs to the coordinates of the base and what the base limits.
//! The maps are those of `crate::base`, written out; quotients are guarded where a course stands.

use super::super::packed::base::{
    BASE_AIRPLANE, BASE_GROUND, BASE_PLANAR_QUADROTOR, BASE_TRAILER, PackedBase,
};
use super::super::packed::{Edge, Packed};
use super::moment::{Moment, polynomial_at};
use super::scratch::{Scratch, V3};
use crate::lanes::{Lane, Simd, atan2, sin_cos};

/// Evaluates an edge of a vehicle.
#[inline(always)]
pub(super) fn edge<S: Simd, const TERMS: usize>(
    s: S,
    packed: &Packed,
    base: &PackedBase,
    edge: &Edge<'_>,
    moment: &Moment<S>,
    scratch: &mut Scratch,
) {
    let outputs = Outputs::<S, TERMS> { edge, moment, dof: packed.flat_dof() };
    match base.kind {
        BASE_GROUND => ground(s, base, &outputs, scratch),
        BASE_TRAILER => trailer(s, base, &outputs, scratch),
        BASE_AIRPLANE => airplane(s, &outputs, scratch),
        BASE_PLANAR_QUADROTOR => planar_quadrotor(s, base, -packed.gravity[2], &outputs, scratch),
        _ => quadrotor(s, base, -packed.gravity[2], &outputs, scratch),
    }
    let coordinates = base.coordinates as usize;
    for joint in coordinates..packed.dof() {
        let c = outputs.coefficients(s, joint - coordinates + base.outputs as usize);
        polynomial_at(s, &c, moment.local, joint, scratch);
    }
    // What has no limits.
    let unlimited = if base.follows_course() { packed.dof() } else { coordinates };
    for joint in 0..unlimited {
        s.store(&mut scratch.flat[1][joint], s.splat(0.0));
        s.store(&mut scratch.flat[2][joint], s.splat(0.0));
    }
}

/// The flat outputs of an edge at the times of a block.
struct Outputs<'a, S: Simd, const TERMS: usize> {
    edge: &'a Edge<'a>,
    moment: &'a Moment<S>,
    /// How many there are.
    dof: usize,
}

impl<S: Simd, const TERMS: usize> Outputs<'_, S, TERMS> {
    #[inline(always)]
    fn coefficients(&self, s: S, output: usize) -> [S::F; TERMS] {
        self.moment.coefficients(s, self.edge, output, self.dof)
    }

    /// Derivatives 0 to N - 1 of one output: Horner's scheme for all of them at once.
    #[inline(always)]
    fn derivatives<const N: usize>(&self, s: S, output: usize) -> [S::F; N] {
        let c = self.coefficients(s, output);
        let t = self.moment.local;
        let mut d = [s.splat(0.0); N];
        d[0] = c[TERMS - 1];
        for power in (0..TERMS - 1).rev() {
            // Those of higher orders are still none.
            let highest = TERMS - 1 - power;
            for order in (1..N).rev() {
                if order < highest {
                    d[order] = s.mul_add(d[order], t, d[order - 1]);
                } else if order == highest {
                    d[order] = d[order - 1];
                }
            }
            d[0] = s.mul_add(d[0], t, c[power]);
        }
        let mut factorial = 1.0;
        for (order, d) in d.iter_mut().enumerate().skip(2) {
            factorial *= order as f32;
            *d = s.mul(*d, s.splat(factorial));
        }
        d
    }
}

/// A value with its first two derivatives.
type Jet<S> = [<S as Simd>::F; 3];

/// The derivatives of orders 2 to 4 of five.
#[inline(always)]
fn acceleration<S: Simd>([_, _, a, j, k]: [S::F; 5]) -> Jet<S> {
    [a, j, k]
}

#[inline(always)]
fn plus<S: Simd>(s: S, [x, xd, xdd]: Jet<S>, constant: f32) -> Jet<S> {
    [s.add(x, s.splat(constant)), xd, xdd]
}

/// a b + c d
#[inline(always)]
fn sum_of_products<S: Simd>(s: S, a: S::F, b: S::F, c: S::F, d: S::F) -> S::F {
    s.mul_add(a, b, s.mul(c, d))
}

/// a b - c d
#[inline(always)]
fn difference_of_products<S: Simd>(s: S, a: S::F, b: S::F, c: S::F, d: S::F) -> S::F {
    s.neg_mul_add(c, d, s.mul(a, b))
}

/// The first two derivatives of the direction of (x, y), given its squared length.
#[inline(always)]
fn direction_rates<S: Simd>(s: S, y: &Jet<S>, x: &Jet<S>, square: S::F) -> [S::F; 2] {
    let (half_square_rate, inverse) =
        (sum_of_products(s, x[0], x[1], y[0], y[1]), s.div(s.splat(1.0), square));
    let first = s.mul(difference_of_products(s, x[0], y[1], y[0], x[1]), inverse);
    let cross = difference_of_products(s, x[0], y[2], y[0], x[2]);
    let second = s.neg_mul_add(s.add(first, first), half_square_rate, cross);
    [first, s.mul(second, inverse)]
}

/// Where a vehicle on the ground goes.
struct Course<S: Simd> {
    stands: S::M,
    /// It goes ahead, not back.
    is_ahead: S::M,
    heading: S::F,
    /// Squared length of the first derivative of the path, and that length; 1 where it stands.
    square: S::F,
    length: S::F,
}

impl<S: Simd> Course<S> {
    /// The heading is the direction of the path or its opposite, whichever lies nearer to the guide.
    #[inline(always)]
    fn new(s: S, x_rate: S::F, y_rate: S::F, guide: S::F) -> Self {
        let pi = s.splat(std::f32::consts::PI);
        let square = sum_of_products(s, x_rate, x_rate, y_rate, y_rate);
        let stands = s.le(square, s.splat(0.0));
        let off = s.sub(atan2(s, y_rate, x_rate), guide);
        let turns = s.round(s.mul(off, s.splat(std::f32::consts::FRAC_1_PI)));
        let odd = s.neg_mul_add(s.round(s.mul(turns, s.splat(0.5))), s.splat(2.0), turns);
        let square = s.select(stands, s.splat(1.0), square);
        Self {
            is_ahead: s.le(s.abs(odd), s.splat(0.5)),
            heading: s.select(stands, guide, s.add(guide, s.neg_mul_add(turns, pi, off))),
            length: s.sqrt(square),
            stands,
            square,
        }
    }

    /// 1 ahead, -1 back.
    #[inline(always)]
    fn sign(&self, s: S) -> S::F {
        s.select(self.is_ahead, s.splat(1.0), s.splat(-1.0))
    }

    /// 1 ahead, -1 back, 0 where it stands.
    #[inline(always)]
    fn way(&self, s: S) -> S::F {
        s.select(self.stands, s.splat(0.0), self.sign(s))
    }
}

#[inline(always)]
fn ground<S: Simd, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<3>(s, 0), outputs.derivatives::<3>(s, 1)];
    let [guide, guide_rate] = outputs.derivatives::<2>(s, 2);
    let course = Course::new(s, x[1], y[1], guide);
    let cross = difference_of_products(s, x[1], y[2], y[1], x[2]);
    let curvature = s.div(cross, s.mul(course.square, course.length));
    let bent = s.select(course.stands, guide_rate, curvature);
    let [ahead, back] = base.curvature;
    // Least, then greatest.
    let mut bounds = [s.splat(0.0); 2];
    for (i, bound) in bounds.iter_mut().enumerate() {
        let moving = s.select(course.is_ahead, s.splat(ahead[i]), s.splat(back[i]));
        *bound = s.select(course.stands, s.splat(base.standing[i]), moving);
    }
    let excess = s.max(s.sub(bounds[0], bent), s.sub(bent, bounds[1]));
    store(s, &mut scratch.bounded, &[course.way(s), excess]);
    store(s, &mut scratch.flat[0], &[x[0], y[0], course.heading]);
}

#[inline(always)]
fn trailer<S: Simd, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<4>(s, 0), outputs.derivatives::<4>(s, 1)];
    let [guide] = outputs.derivatives::<1>(s, 2);
    let course = Course::new(s, x[1], y[1], guide);
    // Curvature of the trailer's path as for driving ahead, and its slope by arc length.
    let cross = difference_of_products(s, x[1], y[2], y[1], x[2]);
    let cross_rate = difference_of_products(s, x[1], y[3], y[1], x[3]);
    let along = sum_of_products(s, x[1], x[2], y[1], y[2]);
    let bend = difference_of_products(s, cross_rate, course.square, s.mul(s.splat(3.0), cross), along);
    let inverse_cube = s.div(course.sign(s), s.mul(course.square, course.length));
    let curvature = s.mul(cross, inverse_cube);
    let slope = s.mul(s.mul(bend, inverse_cube), inverse_cube);
    let d = s.splat(base.hitch_length);
    let hitch_tangent = s.mul(d, curvature);
    let square_cosine = s.div(s.splat(1.0), s.mul_add(hitch_tangent, hitch_tangent, s.splat(1.0)));
    let turned = s.mul_add(s.mul(d, slope), square_cosine, curvature);
    let steered = s.mul(turned, s.sqrt(square_cosine));
    // Of a trailer that stands nothing is known.
    let steered = s.select(course.stands, s.splat(f32::INFINITY), steered);
    store(s, &mut scratch.bounded, &[course.way(s), steered, hitch_tangent]);
    let hitch = atan2(s, hitch_tangent, s.splat(1.0));
    store(s, &mut scratch.flat[0], &[x[0], y[0], course.heading, hitch]);
}

#[inline(always)]
fn airplane<S: Simd, const TERMS: usize>(s: S, outputs: &Outputs<'_, S, TERMS>, scratch: &mut Scratch) {
    let [x, y] = [outputs.derivatives::<2>(s, 0), outputs.derivatives::<2>(s, 1)];
    let z = outputs.derivatives::<2>(s, 2);
    let level = s.sqrt(sum_of_products(s, x[1], x[1], y[1], y[1]));
    let stands = s.le(s.max(level, s.abs(z[1])), s.splat(0.0));
    let way = s.select(stands, s.splat(0.0), s.splat(1.0));
    let pitch_tangent = s.div(z[1], s.max(level, s.splat(f32::MIN_POSITIVE)));
    store(s, &mut scratch.bounded, &[way, pitch_tangent]);
    let (yaw, pitch) = (atan2(s, y[1], x[1]), atan2(s, z[1], level));
    store(s, &mut scratch.flat[0], &[x[0], y[0], z[0], yaw, pitch]);
}

#[inline(always)]
fn planar_quadrotor<S: Simd, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    gravity: f32,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, z] = [outputs.derivatives::<5>(s, 0), outputs.derivatives::<5>(s, 1)];
    let (forward, up) = (acceleration::<S>(x), plus(s, acceleration::<S>(z), gravity));
    let backward =
        [s.sub(s.splat(0.0), forward[0]), s.sub(s.splat(0.0), forward[1]), s.sub(s.splat(0.0), forward[2])];
    let square = sum_of_products(s, forward[0], forward[0], up[0], up[0]);
    let [rate, turn] = direction_rates(s, &backward, &up, square);
    let force = s.sqrt(square);
    let mut bounded = [x[1], z[1], rate, force, force];
    for (control, mixer) in bounded[3..].iter_mut().zip(&base.mixer) {
        *control = sum_of_products(s, force, s.splat(mixer[0]), turn, s.splat(mixer[1]));
    }
    store(s, &mut scratch.bounded, &bounded);
    store(s, &mut scratch.flat[0], &[x[0], z[0], atan2(s, backward[0], up[0])]);
}

#[inline(always)]
fn quadrotor<S: Simd, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    gravity: f32,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<5>(s, 0), outputs.derivatives::<5>(s, 1)];
    let z = outputs.derivatives::<5>(s, 2);
    let yaw: Jet<S> = outputs.derivatives::<3>(s, 3);
    let up = plus(s, acceleration::<S>(z), gravity);
    let turned = Yawed::new(s, acceleration::<S>(x), acceleration::<S>(y), yaw);
    let attitude = Attitude::new(s, turned.ahead, turned.left, up);
    let (rates, turns) = attitude.body_rates(s, yaw);
    let velocity = V3 { x: x[1], y: y[1], z: z[1] };
    let velocity =
        if base.in_body == 1 { attitude.to_body(s, turned.turn_back(s, velocity)) } else { velocity };
    let inertia = V3::splat(s, base.inertia);
    let gyroscopic = rates.cross(s, rates.times(s, inertia));
    let moments = turns.times(s, inertia).add(s, gyroscopic);
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
        *control = s.mul_add(attitude.force, s.splat(thrust), V3::splat(s, [mx, my, mz]).dot(s, moments));
    }
    store(s, &mut scratch.bounded, &bounded);
    store(s, &mut scratch.flat[0], &[x[0], y[0], z[0], yaw[0], attitude.roll, attitude.pitch]);
}

/// The horizontal part of an acceleration in the frame that yaw turns.
struct Yawed<S: Simd> {
    sin: S::F,
    cos: S::F,
    ahead: Jet<S>,
    left: Jet<S>,
}

impl<S: Simd> Yawed<S> {
    #[inline(always)]
    fn new(s: S, x: Jet<S>, y: Jet<S>, [yaw, rate, turn]: Jet<S>) -> Self {
        let (sin, cos) = sin_cos(s, yaw);
        let (mut ahead, mut left) = (x, y);
        for (ahead, left) in ahead.iter_mut().zip(&mut left) {
            (*ahead, *left) = turn_back(s, sin, cos, *ahead, *left);
        }
        // What the frame's own turning adds: the derivative of (a, l) is (a' + yaw' l, l' - yaw' a).
        let rates = [s.mul_add(rate, left[0], ahead[1]), s.neg_mul_add(rate, ahead[0], left[1])];
        let second = [
            s.mul_add(rate, s.add(left[1], rates[1]), s.mul_add(turn, left[0], ahead[2])),
            s.neg_mul_add(rate, s.add(ahead[1], rates[0]), s.neg_mul_add(turn, ahead[0], left[2])),
        ];
        Self { sin, cos, ahead: [ahead[0], rates[0], second[0]], left: [left[0], rates[1], second[1]] }
    }

    #[inline(always)]
    fn turn_back(&self, s: S, v: V3<S>) -> V3<S> {
        let (x, y) = turn_back(s, self.sin, self.cos, v.x, v.y);
        V3 { x, y, z: v.z }
    }
}

/// (x, y) turned by an angle the other way.
#[inline(always)]
fn turn_back<S: Simd>(s: S, sin: S::F, cos: S::F, x: S::F, y: S::F) -> (S::F, S::F) {
    (sum_of_products(s, x, cos, y, sin), difference_of_products(s, y, cos, x, sin))
}

/// How a thrust turns the body of a quadrotor in the frame that yaw turns.
struct Attitude<S: Simd> {
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

impl<S: Simd> Attitude<S> {
    /// From thrust by mass: roll is the direction of (up, right), pitch that of (their length, ahead).
    #[inline(always)]
    fn new(s: S, ahead: Jet<S>, left: Jet<S>, up: Jet<S>) -> Self {
        let (one, zero) = (s.splat(1.0), s.splat(0.0));
        let right = [s.sub(zero, left[0]), s.sub(zero, left[1]), s.sub(zero, left[2])];
        let square = sum_of_products(s, right[0], right[0], up[0], up[0]);
        let across = s.sqrt(square);
        let inverse = s.div(one, across);
        let across_rate = s.mul(sum_of_products(s, right[0], right[1], up[0], up[1]), inverse);
        let squares = sum_of_products(s, right[1], right[1], up[1], up[1]);
        let bends = sum_of_products(s, right[0], right[2], up[0], up[2]);
        let across_turn = s.mul(s.neg_mul_add(across_rate, across_rate, s.add(squares, bends)), inverse);
        let whole = s.mul_add(ahead[0], ahead[0], square);
        let force = s.sqrt(whole);
        let inverse_force = s.div(one, force);
        Self {
            force,
            roll: atan2(s, right[0], up[0]),
            pitch: atan2(s, ahead[0], across),
            roll_rates: direction_rates(s, &right, &up, square),
            pitch_rates: direction_rates(s, &ahead, &[across, across_rate, across_turn], whole),
            sin_roll: s.mul(right[0], inverse),
            cos_roll: s.mul(up[0], inverse),
            sin_pitch: s.mul(ahead[0], inverse_force),
            cos_pitch: s.mul(across, inverse_force),
        }
    }

    /// Body rates and their derivatives with R = Rz(yaw) Rx(roll) Ry(pitch): pitch' about y, and roll'
    /// and yaw' by what the turnings after them have made of their axes.
    #[inline(always)]
    fn body_rates(&self, s: S, [_, yaw, yaw_turn]: Jet<S>) -> (V3<S>, V3<S>) {
        let Self { sin_roll, cos_roll, sin_pitch, cos_pitch, .. } = *self;
        let ([roll, roll_turn], [pitch, pitch_turn]) = (self.roll_rates, self.pitch_rates);
        let across = s.mul(yaw, cos_roll);
        let across_rate = difference_of_products(s, yaw_turn, cos_roll, s.mul(yaw, sin_roll), roll);
        let x = difference_of_products(s, roll, cos_pitch, across, sin_pitch);
        let z = sum_of_products(s, roll, sin_pitch, across, cos_pitch);
        let rates = V3 { x, y: s.mul_add(yaw, sin_roll, pitch), z };
        let across_turn = difference_of_products(s, roll_turn, cos_pitch, across_rate, sin_pitch);
        let along_turn = sum_of_products(s, roll_turn, sin_pitch, across_rate, cos_pitch);
        let tilt = sum_of_products(s, yaw_turn, sin_roll, across, roll);
        let turns = V3 {
            x: s.neg_mul_add(pitch, z, across_turn),
            y: s.add(pitch_turn, tilt),
            z: s.mul_add(pitch, x, along_turn),
        };
        (rates, turns)
    }

    /// A vector of the frame that yaw turns, in that of the body.
    #[inline(always)]
    fn to_body(&self, s: S, v: V3<S>) -> V3<S> {
        let (y, z) = turn_back(s, self.sin_roll, self.cos_roll, v.y, v.z);
        // About y the turn from z to x is the positive one.
        let (z, x) = turn_back(s, self.sin_pitch, self.cos_pitch, z, v.x);
        V3 { x, y, z }
    }
}

#[inline(always)]
fn store<S: Simd, const N: usize>(s: S, lanes: &mut [Lane], values: &[S::F; N]) {
    for (lane, &value) in lanes.iter_mut().zip(values) {
        s.store(lane, value);
    }
}

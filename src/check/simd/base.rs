//! Stage `unflatten` of vehicles: flat outputs to the coordinates of the base and what the base limits.
//! The maps are those of `crate::base`, written out; quotients are guarded where a course stands.

use super::super::packed::base::{
    BASE_AIRPLANE, BASE_GROUND, BASE_OMNIDIRECTIONAL, BASE_PLANAR_QUADROTOR, BASE_TRAILER, PackedBase,
};
use super::super::packed::{Edge, Packed};
use super::moment::{Moment, polynomial_at};
use super::scratch::Scratch;
use crate::vector::{Mask32, Row32, Simd32, Vector, Vector3, atan2, sin_cos};

/// Evaluates an edge of a vehicle.
#[inline(always)]
pub(super) fn edge<S: Simd32, const TERMS: usize>(
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
        BASE_OMNIDIRECTIONAL => omnidirectional(s, base, &outputs, scratch),
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
        s.splat(0.0).store(&mut scratch.flat[1][joint]);
        s.splat(0.0).store(&mut scratch.flat[2][joint]);
    }
}

/// The flat outputs of an edge at the times of a block.
struct Outputs<'a, S: Simd32, const TERMS: usize> {
    edge: &'a Edge<'a>,
    moment: &'a Moment<S>,
    /// How many there are.
    dof: usize,
}

impl<S: Simd32, const TERMS: usize> Outputs<'_, S, TERMS> {
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
                    d[order] = d[order].mul_add(t, d[order - 1]);
                } else if order == highest {
                    d[order] = d[order - 1];
                }
            }
            d[0] = d[0].mul_add(t, c[power]);
        }
        let mut factorial = 1.0;
        for (order, d) in d.iter_mut().enumerate().skip(2) {
            factorial *= order as f32;
            *d = *d * s.splat(factorial);
        }
        d
    }
}

/// A value with its first two derivatives.
type JetLanes<F> = [F; 3];

/// The derivatives of orders 2 to 4 of five.
#[inline(always)]
fn acceleration<F: Vector>([_, _, a, j, k]: [F; 5]) -> JetLanes<F> {
    [a, j, k]
}

#[inline(always)]
fn plus<S: Simd32>(s: S, [x, xd, xdd]: JetLanes<S::F>, constant: f32) -> JetLanes<S::F> {
    [x + s.splat(constant), xd, xdd]
}

/// a b + c d
#[inline(always)]
fn sum_of_products<F: Vector>(a: F, b: F, c: F, d: F) -> F {
    a.mul_add(b, c * d)
}

/// a b - c d
#[inline(always)]
fn difference_of_products<F: Vector>(a: F, b: F, c: F, d: F) -> F {
    c.neg_mul_add(d, a * b)
}

/// The first two derivatives of the direction of (x, y), given its squared length.
#[inline(always)]
fn direction_rates<F: Vector<Number = f32>>(y: &JetLanes<F>, x: &JetLanes<F>, square: F) -> [F; 2] {
    let (half_square_rate, inverse) = (sum_of_products(x[0], x[1], y[0], y[1]), square.like(1.0) / square);
    let first = difference_of_products(x[0], y[1], y[0], x[1]) * inverse;
    let cross = difference_of_products(x[0], y[2], y[0], x[2]);
    let second = (first + first).neg_mul_add(half_square_rate, cross);
    [first, second * inverse]
}

/// Where a vehicle on the ground goes.
struct PathFrameLanes<S: Simd32> {
    stands: Mask32<S>,
    /// It goes ahead, not back.
    is_ahead: Mask32<S>,
    heading: S::F,
    /// Squared length of the first derivative of the path, and that length; 1 where it stands.
    square: S::F,
    length: S::F,
}

impl<S: Simd32> PathFrameLanes<S> {
    /// The heading is the direction of the path or its opposite, whichever lies nearer to the guide.
    #[inline(always)]
    fn new(s: S, x_rate: S::F, y_rate: S::F, guide: S::F) -> Self {
        let pi = s.splat(std::f32::consts::PI);
        let square = sum_of_products(x_rate, x_rate, y_rate, y_rate);
        let stands = square.le(s.splat(0.0));
        let off = atan2(s, y_rate, x_rate) - guide;
        let turns = (off * s.splat(std::f32::consts::FRAC_1_PI)).round();
        let odd = (turns * s.splat(0.5)).round().neg_mul_add(s.splat(2.0), turns);
        let square = s.splat(1.0).pick(stands, square);
        Self {
            is_ahead: odd.abs().le(s.splat(0.5)),
            heading: guide.pick(stands, guide + turns.neg_mul_add(pi, off)),
            length: square.sqrt(),
            stands,
            square,
        }
    }

    /// 1 ahead, -1 back.
    #[inline(always)]
    fn sign(&self, s: S) -> S::F {
        s.splat(1.0).pick(self.is_ahead, s.splat(-1.0))
    }

    /// 1 ahead, -1 back, 0 where it stands.
    #[inline(always)]
    fn way(&self, s: S) -> S::F {
        s.splat(0.0).pick(self.stands, self.sign(s))
    }
}

#[inline(always)]
fn ground<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<3>(s, 0), outputs.derivatives::<3>(s, 1)];
    let [guide, guide_rate] = outputs.derivatives::<2>(s, 2);
    let course = PathFrameLanes::new(s, x[1], y[1], guide);
    let cross = difference_of_products(x[1], y[2], y[1], x[2]);
    let curvature = cross / (course.square * course.length);
    let bent = guide_rate.pick(course.stands, curvature);
    let [ahead, back] = base.curvature;
    // Least, then greatest.
    let mut bounds = [s.splat(0.0); 2];
    for (i, bound) in bounds.iter_mut().enumerate() {
        let moving = s.splat(ahead[i]).pick(course.is_ahead, s.splat(back[i]));
        *bound = s.splat(base.standing[i]).pick(course.stands, moving);
    }
    let excess = (bounds[0] - bent).max(bent - bounds[1]);
    store(&mut scratch.bounded, &[course.way(s), excess]);
    store(&mut scratch.flat[0], &[x[0], y[0], course.heading]);
}

#[inline(always)]
fn trailer<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<4>(s, 0), outputs.derivatives::<4>(s, 1)];
    let [guide] = outputs.derivatives::<1>(s, 2);
    let course = PathFrameLanes::new(s, x[1], y[1], guide);
    // Curvature of the trailer's path as for driving ahead, and its slope by arc length.
    let cross = difference_of_products(x[1], y[2], y[1], x[2]);
    let cross_rate = difference_of_products(x[1], y[3], y[1], x[3]);
    let along = sum_of_products(x[1], x[2], y[1], y[2]);
    let bend = difference_of_products(cross_rate, course.square, s.splat(3.0) * cross, along);
    let inverse_cube = course.sign(s) / (course.square * course.length);
    let curvature = cross * inverse_cube;
    let slope = bend * inverse_cube * inverse_cube;
    let d = s.splat(base.hitch_length);
    let hitch_tangent = d * curvature;
    let square_cosine = s.splat(1.0) / hitch_tangent.mul_add(hitch_tangent, s.splat(1.0));
    let turned = (d * slope).mul_add(square_cosine, curvature);
    let steered = turned * square_cosine.sqrt();
    // Of a trailer that stands nothing is known.
    let steered = s.splat(f32::INFINITY).pick(course.stands, steered);
    store(&mut scratch.bounded, &[course.way(s), steered, hitch_tangent]);
    let hitch = atan2(s, hitch_tangent, s.splat(1.0));
    store(&mut scratch.flat[0], &[x[0], y[0], course.heading, hitch]);
}

#[inline(always)]
fn airplane<S: Simd32, const TERMS: usize>(s: S, outputs: &Outputs<'_, S, TERMS>, scratch: &mut Scratch) {
    let [x, y] = [outputs.derivatives::<2>(s, 0), outputs.derivatives::<2>(s, 1)];
    let z = outputs.derivatives::<2>(s, 2);
    let level = sum_of_products(x[1], x[1], y[1], y[1]).sqrt();
    let stands = level.max(z[1].abs()).le(s.splat(0.0));
    let way = s.splat(0.0).pick(stands, s.splat(1.0));
    let pitch_tangent = z[1] / level.max(s.splat(f32::MIN_POSITIVE));
    store(&mut scratch.bounded, &[way, pitch_tangent]);
    let (yaw, pitch) = (atan2(s, y[1], x[1]), atan2(s, z[1], level));
    store(&mut scratch.flat[0], &[x[0], y[0], z[0], yaw, pitch]);
}

#[inline(always)]
fn omnidirectional<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, y] = [outputs.derivatives::<3>(s, 0), outputs.derivatives::<3>(s, 1)];
    let theta = outputs.derivatives::<3>(s, 2);
    let (sin, cos) = sin_cos(s, theta[0]);
    let (u, v) = turn_back(sin, cos, x[1], y[1]);
    let (ahead, left) = turn_back(sin, cos, x[2], y[2]);
    let mut bounded = [u, v, theta[1], ahead, left, theta[2], u, u, u, u];
    for (wheel, mixer) in bounded[6..].iter_mut().zip(&base.mixer) {
        let [ahead, aside, turn, _] = *mixer;
        *wheel = s.splat(ahead).mul_add(u, sum_of_products(s.splat(aside), v, s.splat(turn), theta[1]));
    }
    store(&mut scratch.bounded, &bounded);
    store(&mut scratch.flat[0], &[x[0], y[0], theta[0]]);
}

#[inline(always)]
fn planar_quadrotor<S: Simd32, const TERMS: usize>(
    s: S,
    base: &PackedBase,
    gravity: f32,
    outputs: &Outputs<'_, S, TERMS>,
    scratch: &mut Scratch,
) {
    let [x, z] = [outputs.derivatives::<5>(s, 0), outputs.derivatives::<5>(s, 1)];
    let (forward, up) = (acceleration(x), plus(s, acceleration(z), gravity));
    let backward = [s.splat(0.0) - forward[0], s.splat(0.0) - forward[1], s.splat(0.0) - forward[2]];
    let square = sum_of_products(forward[0], forward[0], up[0], up[0]);
    let [rate, turn] = direction_rates(&backward, &up, square);
    let force = square.sqrt();
    let mut bounded = [x[1], z[1], rate, force, force];
    for (control, mixer) in bounded[3..].iter_mut().zip(&base.mixer) {
        *control = sum_of_products(force, s.splat(mixer[0]), turn, s.splat(mixer[1]));
    }
    store(&mut scratch.bounded, &bounded);
    store(&mut scratch.flat[0], &[x[0], z[0], atan2(s, backward[0], up[0])]);
}

#[inline(always)]
fn quadrotor<S: Simd32, const TERMS: usize>(
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

/// (x, y) turned by an angle the other way.
#[inline(always)]
fn turn_back<F: Vector>(sin: F, cos: F, x: F, y: F) -> (F, F) {
    (sum_of_products(x, cos, y, sin), difference_of_products(y, cos, x, sin))
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

#[inline(always)]
fn store<V: Vector<Number = f32>, const N: usize>(rows: &mut [Row32], values: &[V; N]) {
    for (row, &value) in rows.iter_mut().zip(values) {
        value.store(row);
    }
}

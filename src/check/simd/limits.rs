//! Stage `limits`: position, velocity and acceleration of each output, then the effort of each
//! joint by recursive Newton-Euler (Luh, Walker and Paul 1980), in world axes, since `place` has
//! left every body's pose there; and what the base of a vehicle bounds.

use super::super::packed::{LIMIT_SLACK, MOTION_PRISMATIC, Packed, PackedBase, PackedBody, PackedLimits};
use super::super::{Status, Verdict};
use super::scratch::{Scratch, first_other_lane};
use crate::vector::{MAX_F32_LANES, Mask32, Row, Row32, Simd32, Vector, Vector3};

/// All limits of a block; those of the base on an edge of a vehicle.
#[inline(always)]
pub(super) fn block<S: Simd32>(
    s: S,
    packed: &Packed,
    base: Option<&PackedBase>,
    scratch: &mut Scratch,
    count: usize,
) -> Verdict {
    // Seldom broken after all other stages: which it was is only asked where one was. Comparisons ask
    // what holds, so that nothing that is not a number passes.
    let mut held = s.splat(0.0).le(s.splat(0.0));
    for (j, l) in packed.limits.iter().enumerate() {
        for status in [Status::Position, Status::Velocity, Status::Acceleration] {
            held = held & holds(s, scratch, status, j, l);
        }
    }
    if first_other_lane(held, count).is_some() {
        return exceeded(
            s,
            packed,
            scratch,
            count,
            &[Status::Position, Status::Velocity, Status::Acceleration],
        );
    }
    if packed.torque {
        efforts(s, packed, scratch);
        return exceeded(s, packed, scratch, count, &[Status::Effort]);
    }
    match base {
        Some(base) => out_of_bounds(s, base, scratch, count),
        None => Verdict::VALID,
    }
}

/// The first quantity that is not within the bounds of the base.
#[inline(always)]
fn out_of_bounds<S: Simd32>(s: S, base: &PackedBase, scratch: &Scratch, count: usize) -> Verdict {
    for (lanes, bounds) in scratch.bounded.iter().zip(&base.bounds[..base.bounded as usize]) {
        let value = s.load(lanes);
        let held = s.splat(bounds.lower).le(value) & value.le(s.splat(bounds.upper));
        if let Some(lane) = first_other_lane(held, count) {
            return Verdict::invalid(Status::Base, scratch.time.0[lane], bounds.limit as usize, 0);
        }
    }
    Verdict::VALID
}

/// The first of the limits that is exceeded.
#[inline(always)]
fn exceeded<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &Scratch,
    count: usize,
    statuses: &[Status],
) -> Verdict {
    for &status in statuses {
        for (j, l) in packed.limits.iter().enumerate() {
            if let Some(lane) = first_other_lane(holds(s, scratch, status, j, l), count) {
                return Verdict::invalid(status, scratch.time.0[lane], j, 0);
            }
        }
    }
    Verdict::VALID
}

/// Whether output `j` is within one of its limits.
#[inline(always)]
fn holds<S: Simd32>(s: S, scratch: &Scratch, status: Status, j: usize, l: &PackedLimits) -> Mask32<S> {
    let [position, velocity, acceleration] = &scratch.flat;
    let (lanes, most) = match status {
        Status::Velocity => (velocity, l.velocity),
        Status::Acceleration => (acceleration, l.acceleration),
        Status::Effort => (&scratch.efforts, l.effort),
        _ => {
            let y = s.load(&position[j]);
            return s.splat(l.lower).le(y) & y.le(s.splat(l.upper));
        }
    };
    s.load(&lanes[j]).abs().le(s.splat(most))
}

/// The efforts that the motion needs.
#[inline(always)]
fn efforts<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) {
    moving_efforts(s, packed, packed.gravity, scratch);
}

/// The same under a gravity that may be none.
#[inline(always)]
fn moving_efforts<S: Simd32>(s: S, packed: &Packed, [gx, gy, gz]: [f32; 3], scratch: &mut Scratch) {
    Vector3::splat(s, [-gx, -gy, -gz]).store(&mut scratch.dynamics[0].acceleration);
    for (b, body) in packed.bodies.iter().enumerate().skip(1) {
        outward(s, body, b, scratch);
    }
    gather(s, packed, scratch);
}

/// The efforts that hold the robot where it is. No body moves, so that each one's load is its weight and none
/// need be passed outwards: a quarter of the work.
#[inline(always)]
fn holding_efforts<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let [gx, gy, gz] = packed.gravity;
    let lift = Vector3::splat(s, [-gx, -gy, -gz]);
    let zero = Vector3::splat(s, [0.0; 3]);
    for (b, body) in packed.bodies.iter().enumerate().skip(1) {
        let com = to_world(s, &scratch.poses[b], Vector3::splat(s, body.com));
        let force = lift.mul_add(s.splat(body.mass), zero);
        let own = &mut scratch.dynamics[b];
        force.store(&mut own.force);
        com.cross(force).store(&mut own.moment);
    }
    gather(s, packed, scratch);
}

/// Sums up the bodies' loads, from the last inwards, to the efforts of the outputs.
#[inline(always)]
fn gather<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) {
    for output in &mut scratch.efforts {
        s.splat(0.0).store(output);
    }
    for (b, body) in packed.bodies.iter().enumerate().skip(1).rev() {
        inward(s, body, b, scratch);
    }
}

/// The least share, in any lane, of what moving takes that the efforts leave beside what holding takes; see
/// [`super::super::EdgeChecker::effort_shares`]. Efforts are linear in gravity: what moving takes is what
/// the motion would without any.
#[inline(always)]
pub(super) fn share<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) -> f32 {
    moving_efforts(s, packed, [0.0; 3], scratch);
    std::mem::swap(&mut scratch.moving, &mut scratch.efforts);
    holding_efforts(s, packed, scratch);
    let zero = s.splat(0.0);
    let mut least = s.splat(f32::INFINITY);
    for (j, l) in packed.limits.iter().enumerate() {
        let (moving, weight) = (s.load(&scratch.moving[j]), s.load(&scratch.efforts[j]));
        let most = s.splat(l.effort * (1.0 - LIMIT_SLACK));
        let against = (zero - weight).pick(moving.lt(zero), weight);
        // Nothing to move leaves all the room there is.
        let taken = moving.abs().max(s.splat(f32::MIN_POSITIVE));
        let share = (most - against) / taken;
        let share = share.pick(weight.abs().le(most), s.splat(-1.0));
        least = share.pick(share.lt(least), least);
    }
    let mut lanes = Row([f32::INFINITY; MAX_F32_LANES]);
    least.store(&mut lanes);
    let mut all = f32::INFINITY;
    for lane in lanes.0 {
        all = all.min(lane);
    }
    all
}

/// The body's axis (+z of its frame) in the world.
#[inline(always)]
fn axis<S: Simd32>(s: S, pose: &[Row32; 12]) -> Vector3<S::F> {
    Vector3 { x: s.load(&pose[2]), y: s.load(&pose[5]), z: s.load(&pose[8]) }
}

/// The origin of a body in the world.
#[inline(always)]
fn origin<S: Simd32>(s: S, pose: &[Row32; 12]) -> Vector3<S::F> {
    Vector3 { x: s.load(&pose[9]), y: s.load(&pose[10]), z: s.load(&pose[11]) }
}

/// From the origin of the body's parent to its own.
#[inline(always)]
fn arm<S: Simd32>(s: S, scratch: &Scratch, b: usize, parent: usize) -> Vector3<S::F> {
    origin(s, &scratch.poses[b]) - origin(s, &scratch.poses[parent])
}

/// R * v
#[inline(always)]
fn to_world<S: Simd32>(
    s: S,
    [xx, xy, xz, yx, yy, yz, zx, zy, zz, ..]: &[Row32; 12],
    v: Vector3<S::F>,
) -> Vector3<S::F> {
    Vector3 {
        x: Vector3 { x: s.load(xx), y: s.load(xy), z: s.load(xz) }.dot(v),
        y: Vector3 { x: s.load(yx), y: s.load(yy), z: s.load(yz) }.dot(v),
        z: Vector3 { x: s.load(zx), y: s.load(zy), z: s.load(zz) }.dot(v),
    }
}

/// The transpose of R, times v.
#[inline(always)]
fn to_body<S: Simd32>(
    s: S,
    [xx, xy, xz, yx, yy, yz, zx, zy, zz, ..]: &[Row32; 12],
    v: Vector3<S::F>,
) -> Vector3<S::F> {
    Vector3 {
        x: Vector3 { x: s.load(xx), y: s.load(yx), z: s.load(zx) }.dot(v),
        y: Vector3 { x: s.load(xy), y: s.load(yy), z: s.load(zy) }.dot(v),
        z: Vector3 { x: s.load(xz), y: s.load(yz), z: s.load(zz) }.dot(v),
    }
}

/// I dw + w x (I w) in world axes: the moment about the centre of mass that turning the body takes.
#[inline(always)]
fn turning_moment<S: Simd32>(
    s: S,
    body: &PackedBody,
    pose: &[Row32; 12],
    w: Vector3<S::F>,
    dw: Vector3<S::F>,
) -> Vector3<S::F> {
    let (w, dw) = (to_body(s, pose, w), to_body(s, pose, dw));
    let moment = inertia_times(s, body, dw) + w.cross(inertia_times(s, body, w));
    to_world(s, pose, moment)
}

/// I * v in axes of the body.
#[inline(always)]
fn inertia_times<S: Simd32>(s: S, body: &PackedBody, v: Vector3<S::F>) -> Vector3<S::F> {
    let [xx, yy, zz, xy, xz, yz] = body.inertia;
    Vector3 {
        x: Vector3::splat(s, [xx, xy, xz]).dot(v),
        y: Vector3::splat(s, [xy, yy, yz]).dot(v),
        z: Vector3::splat(s, [xz, yz, zz]).dot(v),
    }
}

/// The acceleration at `r` from an origin that accelerates by `a`: a + dw x r + w x (w x r).
#[inline(always)]
fn acceleration_at<F: Vector>(a: Vector3<F>, w: Vector3<F>, dw: Vector3<F>, r: Vector3<F>) -> Vector3<F> {
    a + dw.cross(r) + w.cross(w.cross(r))
}

/// Velocities and accelerations from parent to body, and the body's own inertial force and moment.
#[inline(always)]
fn outward<S: Simd32>(s: S, body: &PackedBody, b: usize, scratch: &mut Scratch) {
    let parent = body.parent as usize;
    let ratio = s.splat(body.ratio);
    let qd = s.load(&scratch.flat[1][body.output as usize]) * ratio;
    let qdd = s.load(&scratch.flat[2][body.output as usize]) * ratio;
    let z = axis(s, &scratch.poses[b]);
    let r = arm(s, scratch, b, parent);
    let up = &scratch.dynamics[parent];
    let (w0, dw0) = (Vector3::load(s, &up.angular), Vector3::load(s, &up.angular_rate));
    let a0 = acceleration_at(Vector3::load(s, &up.acceleration), w0, dw0, r);
    let zero = Vector3::splat(s, [0.0; 3]);
    let (w, dw, a) = if body.motion == MOTION_PRISMATIC {
        let coriolis = w0.cross(z.mul_add(qd + qd, zero));
        (w0, dw0, z.mul_add(qdd, a0 + coriolis))
    } else {
        let spin = z.mul_add(qd, zero);
        (w0 + spin, z.mul_add(qdd, dw0 + w0.cross(spin)), a0)
    };
    let pose = &scratch.poses[b];
    let com = to_world(s, pose, Vector3::splat(s, body.com));
    let force = acceleration_at(a, w, dw, com).mul_add(s.splat(body.mass), zero);
    let moment = turning_moment(s, body, pose, w, dw) + com.cross(force);
    let own = &mut scratch.dynamics[b];
    w.store(&mut own.angular);
    dw.store(&mut own.angular_rate);
    a.store(&mut own.acceleration);
    force.store(&mut own.force);
    moment.store(&mut own.moment);
}

/// Adds the body's load to its output's effort and to its parent.
#[inline(always)]
fn inward<S: Simd32>(s: S, body: &PackedBody, b: usize, scratch: &mut Scratch) {
    let parent = body.parent as usize;
    let z = axis(s, &scratch.poses[b]);
    let r = arm(s, scratch, b, parent);
    let own = &scratch.dynamics[b];
    let (force, moment) = (Vector3::load(s, &own.force), Vector3::load(s, &own.moment));
    let load = if body.motion == MOTION_PRISMATIC { z.dot(force) } else { z.dot(moment) };
    let effort = &mut scratch.efforts[body.output as usize];
    let sum = load.mul_add(s.splat(body.ratio), s.load(effort));
    sum.store(effort);
    if parent == 0 {
        return;
    }
    let up = &mut scratch.dynamics[parent];
    (Vector3::load(s, &up.force) + force).store(&mut up.force);
    (Vector3::load(s, &up.moment) + moment + r.cross(force)).store(&mut up.moment);
}

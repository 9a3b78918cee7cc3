//! How links move over an interval of time. Imports `robot` and `pose`.
//!
//! Let joint j, on the way from the base to point p, turn by d_j(t) away from where it stands at the
//! middle m of the interval. By the product of exponentials about the axes as they lie at m,
//! p(t) = T_1(d_1) T_2(d_2) ... T_n(d_n) p(m), joint 1 nearest to the base. Every T_j turns its
//! argument about axis j; so, from the tip inwards, with w = T_(j+1) ... T_n p(m) - p(m),
//!
//!   T_j (p(m) + w) - p(m) = (T_j p(m) - p(m)) + R_j w.
//!
//! With z_j the axis, o_j a point on it, a_j = z_j x (p(m) - o_j), r_j = |a_j|, and [x] any vector of
//! length up to x (for a prismatic joint, a_j = z_j and R_j = 1), by Taylor's theorem
//!
//!   T_j p(m) - p(m) = d_j a_j + d_j^2/2 z_j x a_j + [|d_j|^3/6 r_j],
//!   R_j w = w + d_j z_j x w + [d_j^2/2 |w|],
//!   d_j = l_j s + q_j s^2 + [c_j],   |d_j| <= e_j,   s = (t - m) / half the interval.
//!
//! Collecting powers of s, p(t) = p(m) + `line` s + `square` s^2 + [`rest`], with -1 <= s <= 1:
//! velocity, half the acceleration, and a third-order remainder, from distances at m alone. So is
//! `travel`, the sum of the e_j r_j, which bounds |p(t) - p(m)|.
//!
//! A rigid ball moves as its centre does, so this serves a link's bounding sphere as it is. Its fine
//! spheres stand at offsets v from that centre, which the same rotations take to
//! v + (omega x v) s + (alpha x v + omega x (omega x v) / 2) s^2 + [rest |v|]: one walk to the base
//! per link serves all its spheres, and one walk serves eight links. For two links, joints below their
//! common ancestor move both rigidly and don't count; what each moves by relative to it does.

use super::interval::Variation;
use crate::pose::Pose;
use crate::robot::{Body, CollisionLink, JointMotion, Mechanism, Sphere};
use crate::vector::{Doubles, F64_LANES, Row, Row64, Simd64, Vector, Vector3};
use glam::DVec3;
use std::ops::Range;

/// A link that moves relative to a body on its way to the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mover {
    pub(super) ancestor: usize,
    /// Index into the mechanism's links.
    pub(super) link: usize,
}

/// Movers in blocks of lanes, and how they move over the interval at hand.
pub(super) struct Moves {
    movers: Vec<Mover>,
    blocks: Vec<MoverBlock>,
    /// Per link.
    links: Vec<LinkMotion>,
    balls: Vec<Balls>,
}

struct LinkMotion {
    body: usize,
    bound: Sphere,
    balls: Range<usize>,
}

/// Spheres of a link, one per lane; lanes left over repeat the last.
pub(super) struct Balls {
    /// From the centre of the link's bound, in the body's frame, and how far.
    arm: [Row64; 3],
    length: Row64,
    radius: Row64,
    /// Bit by lane: where it repeats none.
    pub(super) lanes: u8,
}

/// Eight movers, the last repeated where there are fewer.
struct MoverBlock {
    links: [usize; F64_LANES],
    /// The bodies on their ways, tips first, and who is on each: bit by lane.
    steps: Vec<MotionStep>,
    radius: Row64,
    /// Whether what follows is of the interval at hand.
    known: bool,
    center: [Row64; 3],
    travel: Row64,
    line: [Row64; 3],
    square: [Row64; 3],
    rest: Row64,
    turn: TurnBound,
}

struct MotionStep {
    body: usize,
    output: usize,
    ratio: f64,
    motion: JointMotion,
    lanes: u8,
}

/// The rotation of a mover: `travel` and `rest` per length of what it turns.
struct TurnBound {
    line: [Row64; 3],
    square: [Row64; 3],
    travel: Row64,
    rest: Row64,
}

/// A ball over an interval: its centre is `center` + `line` s + `square` s^2 + [`rest`], within
/// `travel` of `center`.
#[derive(Clone, Copy)]
pub(super) struct Ball<F> {
    pub(super) center: Vector3<F>,
    pub(super) radius: F,
    pub(super) travel: F,
    pub(super) line: Vector3<F>,
    pub(super) square: Vector3<F>,
    pub(super) rest: F,
}

/// A link over an interval, the same in all lanes: its bounding sphere, its rotation at m, and how it
/// turns.
pub(super) struct Rigid<F> {
    pub(super) bound: Ball<F>,
    rotation: [Vector3<F>; 3],
    omega: Vector3<F>,
    alpha: Vector3<F>,
    travel: F,
    rest: F,
}

impl Moves {
    pub(super) fn new(mechanism: &Mechanism, movers: Vec<Mover>) -> Self {
        let blocks = movers.chunks(F64_LANES).map(|movers| MoverBlock::new(mechanism, movers)).collect();
        let (mut links, mut balls) = (Vec::with_capacity(mechanism.links.len()), Vec::new());
        for CollisionLink { body, bound, spheres, .. } in &mechanism.links {
            let first = balls.len();
            let chunks = mechanism.spheres[spheres.clone()].chunks(F64_LANES);
            balls.extend(chunks.map(|spheres| Balls::new(spheres, bound.center)));
            links.push(LinkMotion { body: *body, bound: *bound, balls: first..balls.len() });
        }
        Self { movers, blocks, links, balls }
    }

    pub(super) fn link(&self, mover: usize) -> usize {
        self.movers[mover].link
    }

    pub(super) fn spheres(&self, mover: usize) -> &[Balls] {
        &self.balls[self.links[self.link(mover)].balls.clone()]
    }

    /// Another interval is at hand.
    #[inline(always)]
    pub(super) fn forget(&mut self) {
        for block in &mut self.blocks {
            block.known = false;
        }
    }

    /// The ball that holds a mover's bound all the time.
    #[inline(always)]
    pub(super) fn reach(&self, mover: usize) -> (DVec3, f64) {
        let (block, lane) = (&self.blocks[mover / F64_LANES], mover % F64_LANES);
        (vector(&block.center, lane).into(), block.radius.0[lane] + block.travel.0[lane])
    }

    /// Finds out how a block's movers move, unless that is known: the walk from their tips inwards.
    #[inline(always)]
    pub(super) fn follow<S: Simd64>(&mut self, level: S, block: usize, poses: &[Pose], joints: &[Variation]) {
        let block = &mut self.blocks[block];
        if block.known {
            return;
        }
        block.known = true;
        for (lane, &link) in block.links.iter().enumerate() {
            let link = &self.links[link];
            let center = poses[link.body].point(link.bound.center);
            block.center[0].0[lane] = center.x;
            block.center[1].0[lane] = center.y;
            block.center[2].0[lane] = center.z;
        }
        let center = Vector3::load(level, &block.center);
        let zero = level.splat(0.0);
        let still = Vector3::all(zero);
        let (mut line, mut square, mut omega, mut alpha) = (still, still, still, still);
        let (mut travel, mut second_derivative, mut rest) = (zero, zero, zero);
        let (mut turn_travel, mut turn_bend, mut turn_rest) = (zero, zero, zero);
        for step in &block.steps {
            let Variation { travel: e, line: l, square: q, rest: c } = joints[step.output].scaled(step.ratio);
            let pose = &poses[step.body];
            let axis = Vector3::splat(level, pose.rotation.z_axis.to_array());
            let (l_on, q_on, e_on) = (step.on(level, l), step.on(level, q), step.on(level, e));
            let second = q.abs() + c;
            if step.motion == JointMotion::Prismatic {
                line = axis.mul_add(l_on, line);
                square = axis.mul_add(q_on, square);
                rest = rest + step.on(level, c);
                second_derivative = second_derivative + step.on(level, second);
                travel = travel + e_on;
                continue;
            }
            // Remainders of d a + d^2/2 z x a, and of w + l s z x w, which also errs where w does.
            let third = step.on(level, c + 0.5 * second * (e + l.abs()) + e * e * e / 6.0);
            let turned = step.on(level, second + 0.5 * e * e);
            let size = step.on(level, l.abs());
            let half_line = l_on * zero.like(0.5);
            let arm = axis.cross(center - Vector3::splat(level, pose.translation.to_array()));
            let reach = arm.length();
            let tip = arm * half_line + line;
            square = arm.mul_add(q_on, axis.cross(tip).mul_add(l_on, square));
            rest = third.mul_add(reach, turned.mul_add(travel, size.mul_add(second_derivative, rest)));
            second_derivative = e_on.mul_add(travel, turned.mul_add(reach, second_derivative));
            travel = e_on.mul_add(reach, travel);
            line = arm.mul_add(l_on, line);
            alpha = axis.mul_add(q_on, axis.cross(omega).mul_add(half_line, alpha));
            turn_rest = third + turned.mul_add(turn_travel, size.mul_add(turn_bend, turn_rest));
            turn_bend = e_on.mul_add(turn_travel, turned + turn_bend);
            turn_travel = turn_travel + e_on;
            omega = axis.mul_add(l_on, omega);
        }
        line.store(&mut block.line);
        square.store(&mut block.square);
        travel.store(&mut block.travel);
        rest.store(&mut block.rest);
        omega.store(&mut block.turn.line);
        alpha.store(&mut block.turn.square);
        turn_travel.store(&mut block.turn.travel);
        turn_rest.store(&mut block.turn.rest);
    }

    /// The bounds of a block's movers.
    #[inline(always)]
    pub(super) fn bounds<S: Simd64>(&self, level: S, block: usize) -> Ball<S::F> {
        let block = &self.blocks[block];
        Ball {
            center: Vector3::load(level, &block.center),
            radius: level.load(&block.radius),
            travel: level.load(&block.travel),
            line: Vector3::load(level, &block.line),
            square: Vector3::load(level, &block.square),
            rest: level.load(&block.rest),
        }
    }

    /// One mover in all lanes.
    #[inline(always)]
    pub(super) fn rigid<S: Simd64>(&self, level: S, mover: usize, poses: &[Pose]) -> Rigid<S::F> {
        let (block, lane) = (&self.blocks[mover / F64_LANES], mover % F64_LANES);
        let rows = poses[self.links[self.movers[mover].link].body].rotation.transpose().to_cols_array_2d();
        let [x, y, z] = rows;
        Rigid {
            bound: Ball {
                center: Vector3::splat(level, vector(&block.center, lane)),
                radius: level.splat(block.radius.0[lane]),
                travel: level.splat(block.travel.0[lane]),
                line: Vector3::splat(level, vector(&block.line, lane)),
                square: Vector3::splat(level, vector(&block.square, lane)),
                rest: level.splat(block.rest.0[lane]),
            },
            rotation: [Vector3::splat(level, x), Vector3::splat(level, y), Vector3::splat(level, z)],
            omega: Vector3::splat(level, vector(&block.turn.line, lane)),
            alpha: Vector3::splat(level, vector(&block.turn.square, lane)),
            travel: level.splat(block.turn.travel.0[lane]),
            rest: level.splat(block.turn.rest.0[lane]),
        }
    }
}

#[inline(always)]
fn vector(rows: &[Row64; 3], lane: usize) -> [f64; 3] {
    [rows[0].0[lane], rows[1].0[lane], rows[2].0[lane]]
}

impl MoverBlock {
    fn new(mechanism: &Mechanism, movers: &[Mover]) -> Self {
        let mover = |lane: usize| movers[lane.min(movers.len() - 1)];
        let links: [usize; F64_LANES] = std::array::from_fn(|lane| mover(lane).link);
        let mut on = vec![0_u8; mechanism.bodies.len()];
        for (lane, &link) in links.iter().enumerate() {
            let mut body = mechanism.links[link].body;
            while body != mover(lane).ancestor {
                on[body] |= 1 << lane;
                body = mechanism.bodies[body].parent;
            }
        }
        // Parents stand before their children.
        let moving = |&body: &usize| on[body] != 0 && mechanism.bodies[body].motion != JointMotion::Fixed;
        let step = |body: usize| {
            let Body { output, ratio, motion, .. } = mechanism.bodies[body];
            MotionStep { body, output, ratio, motion, lanes: on[body] }
        };
        let (still, zero) = ([Row64::ZERO; 3], Row64::ZERO);
        Self {
            links,
            steps: (0..on.len()).rev().filter(moving).map(step).collect(),
            radius: Row(links.map(|link| mechanism.links[link].bound.radius)),
            known: false,
            center: still,
            travel: zero,
            line: still,
            square: still,
            rest: zero,
            turn: TurnBound { line: still, square: still, travel: zero, rest: zero },
        }
    }
}

impl MotionStep {
    /// A number in the lanes of those that this body moves, zero in the others.
    #[inline(always)]
    fn on<S: Simd64>(&self, level: S, x: f64) -> S::F {
        level.splat(x).pick(self.lanes, level.splat(0.0))
    }
}

impl Balls {
    fn new(spheres: &[Sphere], center: DVec3) -> Self {
        let last = spheres.len() - 1;
        let mut this = Self {
            arm: [Row64::ZERO; 3],
            length: Row64::ZERO,
            radius: Row64::ZERO,
            lanes: u8::MAX >> (F64_LANES - 1 - last),
        };
        for lane in 0..F64_LANES {
            let sphere = spheres[lane.min(last)];
            let arm = sphere.center - center;
            for axis in 0..3 {
                this.arm[axis].0[lane] = arm[axis];
            }
            this.length.0[lane] = arm.length();
            this.radius.0[lane] = sphere.radius;
        }
        this
    }
}

impl<F: Doubles> Rigid<F> {
    /// Its spheres: they move with the centre of its bound and turn about it.
    #[inline(always)]
    pub(super) fn carry<S: Simd64<F = F>>(&self, level: S, balls: &Balls) -> Ball<F> {
        let arm = Vector3::load(level, &balls.arm);
        let length = level.load(&balls.length);
        let [x, y, z] = &self.rotation;
        let arm = Vector3 { x: x.dot(arm), y: y.dot(arm), z: z.dot(arm) };
        let swept = self.omega.cross(arm);
        let swung = self.alpha.cross(arm) + self.omega.cross(swept) * length.like(0.5);
        Ball {
            center: self.bound.center + arm,
            radius: level.load(&balls.radius),
            travel: self.travel.mul_add(length, self.bound.travel),
            line: self.bound.line + swept,
            square: self.bound.square + swung,
            rest: self.rest.mul_add(length, self.bound.rest),
        }
    }
}

impl<F: Doubles> Ball<F> {
    /// One lane's ball in all lanes.
    #[inline(always)]
    pub(super) fn lane(&self, lane: usize) -> Self {
        Self {
            center: self.center.lane(lane),
            radius: self.radius.lane(lane),
            travel: self.travel.lane(lane),
            line: self.line.lane(lane),
            square: self.square.lane(lane),
            rest: self.rest.lane(lane),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::interval::shift;
    use super::*;
    use crate::robot::random;
    use crate::trajectory::derivative;
    use crate::vector::{Kernel, Level, Simd};
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// Whether `ancestor` stands on the way from `body` to the base (a body is its own ancestor).
    fn is_ancestor(m: &Mechanism, ancestor: usize, mut body: usize) -> bool {
        while body > ancestor {
            body = m.bodies[body].parent;
        }
        body == ancestor
    }

    /// Every sphere of every mover over an interval: mover, index of the sphere, and
    /// [centre, line, square, [travel, rest, 0]].
    struct Carry<'a> {
        mechanism: &'a Mechanism,
        moves: &'a mut Moves,
        poses: &'a [Pose],
        joints: &'a [Variation],
    }

    impl Kernel for Carry<'_> {
        type Output = Vec<(Mover, usize, [DVec3; 4])>;

        fn call<S: Simd>(self, level: S) -> Self::Output {
            let mut all = Vec::new();
            self.moves.forget();
            for (index, &mover) in self.moves.movers.clone().iter().enumerate() {
                self.moves.follow(level, index / F64_LANES, self.poses, self.joints);
                let rigid = self.moves.rigid(level, index, self.poses);
                let first = self.mechanism.links[mover.link].spheres.start;
                for (chunk, balls) in self.moves.spheres(index).iter().enumerate() {
                    let ball = rigid.carry(level, balls);
                    let sizes = Vector3 { x: ball.travel, y: ball.rest, z: level.splat(0.0) };
                    let rows = [ball.center, ball.line, ball.square, sizes].map(|v| {
                        let mut rows = [Row64::ZERO; 3];
                        v.store(&mut rows);
                        rows
                    });
                    for lane in (0..F64_LANES).filter(|lane| balls.lanes >> lane & 1 == 1) {
                        all.push((
                            mover,
                            first + chunk * F64_LANES + lane,
                            rows.each_ref().map(|r| vector(r, lane).into()),
                        ));
                    }
                }
            }
            all
        }
    }

    proptest! {
        /// No sphere strays farther than its bounds say, relative to any body on its way to the
        /// base, at any level.
        #[test]
        fn spheres_keep_their_bounds(seed in any::<u64>(), bodies in 1usize..8, half in 0.005..0.4_f64, size in 2usize..7) {
            let rng = &mut Pcg64Mcg::seed_from_u64(seed);
            let m = random::mechanism(rng, bodies);
            let polynomials: Vec<Vec<f64>> =
                (0..m.dof()).map(|_| (0..size).map(|_| rng.random_range(-2.0..2.0)).collect()).collect();
            let middle = 0.3;
            let place = |t: f64| {
                let y: Vec<f64> = polynomials.iter().map(|p| derivative(p, 0, t)).collect();
                let mut poses = Vec::new();
                m.place(&y, &mut poses);
                poses
            };
            let about = |p: &Vec<f64>| {
                let mut p = p.clone();
                shift(&mut p, middle);
                Variation::about(&p, 0, half)
            };
            let joints: Vec<Variation> = polynomials.iter().map(about).collect();
            let mut movers = Vec::new();
            for (link, of) in m.links.iter().enumerate() {
                movers.extend((0..=of.body).filter(|&a| is_ancestor(&m, a, of.body)).map(|ancestor| Mover { ancestor, link }));
            }
            movers.sort_unstable();
            let mut moves = Moves::new(&m, movers);
            let now = place(middle);
            for level in Level::available() {
                let name = level.name();
                let carry = Carry { mechanism: &m, moves: &mut moves, poses: &now, joints: &joints };
                for (mover, sphere, [center, line, square, sizes]) in level.run(carry) {
                    for k in -10..=10 {
                        let s = f64::from(k) / 10.0;
                        let then = place(middle + s * half);
                        let world = then[m.links[mover.link].body].point(m.spheres[sphere].center);
                        let p = now[mover.ancestor].point(then[mover.ancestor].local_point(world));
                        let slack = 1e-10;
                        prop_assert!(p.distance(center) <= sizes.x + slack, "{name}: travel");
                        let left = p - (center + line * s + square * s * s);
                        prop_assert!(left.length() <= sizes.y + slack, "{name}: {} beyond {}", left.length(), sizes.y);
                    }
                }
            }
        }
    }
}

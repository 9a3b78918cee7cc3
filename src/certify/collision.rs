//! No collision at any instant, by refinement of intervals of time.
//!
//! On an interval, the robot stands as at one instant m, and every sphere gets a bound on how far
//! it comes from there. A pair whose distance at m exceeds the bound is proved for the whole
//! interval and dropped; the others go on to the halves. Far pairs so leave at the top, and only
//! near misses are followed down.
//!
//! **The bound.** Let joint j, on the way from the base to point p, turn by d_j(t) away from where
//! it stands at m, |d_j| <= e_j. By the product of exponentials about the axes as they lie at m,
//! p(t) = T_1(d_1) T_2(d_2) ... T_n(d_n) p(m), joint 1 nearest to the base. Every T_j turns its
//! argument about axis j; so, from the tip inwards, with r_j the distance of p(m) from axis j and
//! w = T_(j+1) ... T_n p(m) - p(m),
//!
//!   T_j (p(m) + w) - p(m) = (T_j p(m) - p(m)) + R_j w,   |T_j p(m) - p(m)| <= e_j r_j,   |R_j w| = |w|:
//!
//! a point moves at most `travel` = sum over j of e_j r_j, with distances at m alone (for a
//! prismatic joint, r_j = 1). To second order, with a_j = z_j x (p(m) - o_j) (z_j for a prismatic
//! joint), T_j p(m) - p(m) = d_j a_j + [e_j^2/2 r_j], R_j w = w + [e_j |w|] and
//! d_j(t) = d_j'(m) (t - m) + [b_j], where [x] stands for any vector of length up to x:
//! p(t) = p(m) + `line` s + [`bend`] with -1 <= s <= 1. Since distance to a convex set is a convex
//! function, it shrinks at most by |gradient . line| + bend: what slides past an obstacle, however
//! fast, costs second order only.
//!
//! A rigid ball moves as its centre does, so this serves a link's bounding sphere as it is. Its fine
//! spheres stand at offsets v from that centre, which the same rotations, applied to a vector, turn
//! by at most sum e_j |v|, and to second order by (sum d_j'(m) z_j) x v (t - m): one walk to the base
//! per link serves all its spheres. For two links, joints below their common ancestor move both rigidly and don't
//! count; what each moves by relative to that ancestor does.

use super::interval::{Variation, shift};
use super::report::{Clearance, Nearest, Violation};
use super::{Course, MAX_INTERVALS, floor};
use crate::pose::Pose;
use crate::robot::{Mechanism, Motion, Sphere};
use crate::trajectory::Trajectory;
use crate::world::{Shape, World};
use glam::{DMat3, DVec2, DVec3};
use std::ops::Range;

/// Placing a body and measuring a distance in `f64` errs by some 1e-15 m per joint and metre; with
/// this taken off every distance, in metres, bounds are proofs for robots and worlds of kilometres.
const ROUNDING: f64 = 1e-9;

/// The proof for one mechanism in one world.
pub(super) struct Collisions<'a> {
    mechanism: &'a Mechanism,
    world: &'a World,
    /// Everything that could meet while something moves.
    pairs: Vec<Pair>,
    /// The obstacles, and the world's frame in theirs.
    obstacles: Vec<(Shape, Pose)>,
    /// What stands still and collides.
    fixed: Option<Violation>,
    scratch: Scratch,
}

/// Two things that could meet.
#[derive(Clone, Copy)]
struct Pair {
    /// Index into the mechanism's links.
    link: usize,
    other: Other,
    /// The last body that moves both alike.
    ancestor: usize,
    /// The last body that has to be placed for the two.
    last_body: usize,
}

#[derive(Clone, Copy)]
enum Other {
    Obstacle(usize),
    Link(usize),
}

/// Working memory of one proof.
#[derive(Default)]
struct Scratch {
    /// Pairs not proved yet, a stack of lists, one per level of refinement.
    open: Vec<usize>,
    /// All bodies at the instant m.
    poses: Vec<Pose>,
    /// How each body's joint moves over the interval.
    joints: Vec<Variation>,
    /// Flat outputs at m, and a polynomial about m.
    y: Vec<f64>,
    polynomial: Vec<f64>,
    /// Per pair, the sphere (and the other link's) that failed last.
    suspects: Vec<[usize; 2]>,
    /// The link at hand, relative to a body: their indices.
    link: MovingLink,
    at_hand: Option<(usize, usize)>,
    /// The smallest bound, and the nearest two spheres were seen: pair, distance, time.
    at_least: f64,
    nearest: Option<(usize, f64, f64)>,
    intervals: usize,
}

/// A ball over an interval: its centre is `center` + `line` s + [`bend`], within `travel` of `center`.
#[derive(Clone, Copy, Default)]
struct MovingSphere {
    center: DVec3,
    radius: f64,
    travel: f64,
    line: DVec3,
    bend: f64,
}

/// A link over an interval: its bounding sphere, and its rotation, which takes a vector d of the
/// link to d + `line` x d s + [`bend` |d|], within `travel` |d| of d.
#[derive(Clone, Copy, Default)]
struct MovingLink {
    bound: MovingSphere,
    /// Centre of the bounding sphere in the body's frame, and the body's rotation.
    center: DVec3,
    rotation: DMat3,
    line: DVec3,
    travel: f64,
    bend: f64,
}

/// Whole segments, or a part (local times) of a single one.
#[derive(Clone)]
struct Span {
    segments: Range<usize>,
    from: f64,
    to: f64,
}

/// What an interval says of a pair.
enum Outcome {
    /// Apart by at least so much all the time.
    Apart(f64),
    /// Not proved; apart by so much at m.
    Open(f64),
    /// Overlapping by so much at m.
    Hit(f64),
}

impl<'a> Collisions<'a> {
    pub(super) fn new(mechanism: &'a Mechanism, world: &'a World) -> Self {
        let links = &mechanism.links;
        let mut pairs = Vec::new();
        for (l, link) in links.iter().enumerate().filter(|(_, link)| link.body != 0) {
            let obstacles = (0..world.obstacles.len()).map(Other::Obstacle);
            pairs.extend(obstacles.map(|other| Pair { link: l, other, ancestor: 0, last_body: link.body }));
        }
        for &[a, b] in &mechanism.pairs {
            let bodies = [links[a].body, links[b].body];
            let ancestor = common_ancestor(mechanism, bodies);
            let last_body = bodies[0].max(bodies[1]);
            pairs.push(Pair { link: a, other: Other::Link(b), ancestor, last_body });
        }
        pairs.retain(|pair| {
            let other = if let Other::Link(other) = pair.other { other } else { pair.link };
            !links[pair.link].spheres.is_empty() && !links[other].spheres.is_empty()
        });
        let fixed = standing_collision(mechanism, world);
        let first = |link: usize| links[link].spheres.start;
        let suspects = pairs.iter().map(|pair| match pair.other {
            Other::Obstacle(_) => [first(pair.link), 0],
            Other::Link(other) => [first(pair.link), first(other)],
        });
        let scratch = Scratch { suspects: suspects.collect(), ..Scratch::default() };
        let obstacles = world.obstacles.iter().map(|o| (o.shape, o.pose.inverse())).collect();
        Self { mechanism, world, pairs, obstacles, fixed, scratch }
    }

    /// Proves that nothing meets at any instant; also returns how many intervals that took.
    /// `course` is what is known of the trajectory's segments.
    pub(super) fn prove(
        &mut self,
        trajectory: &Trajectory,
        course: &Course,
        tolerance: Option<f64>,
    ) -> Result<(Clearance, usize), Violation> {
        if let Some(fixed) = &self.fixed {
            return Err(fixed.clone());
        }
        let scratch = &mut self.scratch;
        scratch.open.clear();
        scratch.open.extend(0..self.pairs.len());
        scratch.at_least = f64::INFINITY;
        scratch.nearest = None;
        scratch.intervals = 0;
        let all = Span::of(trajectory, 0..trajectory.len());
        let open = 0..self.pairs.len();
        let mut proof = Proof {
            mechanism: self.mechanism,
            world: self.world,
            pairs: &self.pairs,
            obstacles: &self.obstacles,
            trajectory,
            course,
            tolerance: tolerance.unwrap_or(f64::INFINITY),
            scratch,
        };
        proof.refine(&all, open)?;
        let nearest = self.scratch.nearest.map(|(pair, distance, time)| Nearest {
            between: names(self.mechanism, self.world, &self.pairs[pair]),
            distance,
            time,
        });
        Ok((Clearance { at_least: self.scratch.at_least, nearest }, self.scratch.intervals))
    }
}

/// A proof under way.
struct Proof<'p> {
    mechanism: &'p Mechanism,
    world: &'p World,
    pairs: &'p [Pair],
    obstacles: &'p [(Shape, Pose)],
    trajectory: &'p Trajectory,
    course: &'p Course,
    tolerance: f64,
    scratch: &'p mut Scratch,
}

impl Proof<'_> {
    /// Proves the listed pairs over `span`, in halves where it takes that.
    fn refine(&mut self, span: &Span, list: Range<usize>) -> Result<(), Violation> {
        self.scratch.intervals += 1;
        let instant = self.stand(span, list.clone());
        let floor = span.is_floor() || self.scratch.intervals > MAX_INTERVALS;
        let first = self.scratch.open.len();
        for k in list {
            let index = self.scratch.open[k];
            match self.test(index, instant, floor) {
                Outcome::Apart(bound) => self.scratch.at_least = self.scratch.at_least.min(bound),
                Outcome::Open(gap) if floor => return Err(self.not_proved(index, gap, instant)),
                Outcome::Open(_) => self.scratch.open.push(index),
                Outcome::Hit(depth) => return Err(self.collision(index, depth, instant)),
            }
        }
        if self.scratch.open.len() > first {
            let list = first..self.scratch.open.len();
            for half in span.halves(self.trajectory) {
                self.refine(&half, list.clone())?;
            }
            self.scratch.open.truncate(first);
        }
        Ok(())
    }

    /// Places the bodies that the listed pairs need as at the middle of `span`, bounds the motion
    /// of their joints, and returns that instant.
    fn stand(&mut self, span: &Span, list: Range<usize>) -> f64 {
        let Scratch { open, poses, joints, y, polynomial, at_hand, .. } = &mut *self.scratch;
        *at_hand = None;
        let last = open[list].iter().map(|&pair| self.pairs[pair].last_body).max().unwrap_or(0);
        let dof = self.trajectory.dof();
        let (index, local, half) = span.middle(self.trajectory);
        let segment = self.trajectory.segment(index);
        y.resize(dof, 0.0);
        joints.clear();
        joints.resize(dof, Variation::default());
        for (output, motion) in joints.iter_mut().enumerate() {
            polynomial.clear();
            polynomial.extend_from_slice(segment.polynomial(output));
            shift(polynomial, local);
            y[output] = polynomial[0];
            *motion = match span.segments.len() {
                1 => Variation::about(polynomial, 0, half),
                _ => self.course.variation(span.segments.clone(), output, polynomial, half),
            };
        }
        poses.clear();
        poses.push(self.mechanism.bodies[0].placement);
        for body in &self.mechanism.bodies[1..=last] {
            poses.push(poses[body.parent] * body.pose(y[body.output]));
        }
        self.trajectory.knots()[index] + local
    }

    /// Tests a pair over the interval: the links' bounding spheres first, then sphere by sphere,
    /// the one first that failed last time: mostly it does so again, at a fraction of the price.
    fn test(&mut self, index: usize, instant: f64, floor: bool) -> Outcome {
        let pair = self.pairs[index];
        let near = self.scratch.nearest.map_or(f64::INFINITY, |(_, distance, _)| distance);
        // Below the floor any proof is welcome; above, the clearance is to be told to a tolerance.
        let enough = if floor { ROUNDING } else { ROUNDING.max(near - self.tolerance) };
        let bound = match pair.other {
            Other::Obstacle(o) => self.test_obstacle(index, &pair, &self.obstacles[o], enough),
            Other::Link(other) => self.test_links(index, &pair, other, enough),
        };
        if bound.seen < 0.0 {
            return Outcome::Hit(-bound.seen);
        }
        if bound.seen < near {
            self.scratch.nearest = Some((index, bound.seen, instant));
        }
        if bound.proved > enough {
            Outcome::Apart(bound.proved - ROUNDING)
        } else {
            Outcome::Open(bound.seen)
        }
    }

    fn test_obstacle(&mut self, index: usize, pair: &Pair, obstacle: &(Shape, Pose), enough: f64) -> Bound {
        let mechanism = self.mechanism;
        let mut suspect = self.scratch.suspects[index][0];
        let link = self.link(pair.link, pair.ancestor);
        let bound = link.bound.gap_to_obstacle(obstacle, enough);
        if bound.proved > enough {
            return bound.unseen();
        }
        let gap = |s: usize| link.sphere(&mechanism.spheres[s]).gap_to_obstacle(obstacle, enough);
        let mut smallest = gap(suspect);
        for s in mechanism.links[pair.link].spheres.clone() {
            if smallest.proved <= enough {
                break;
            }
            suspect = s;
            smallest.add(gap(s));
        }
        self.scratch.suspects[index][0] = suspect;
        smallest
    }

    fn test_links(&mut self, index: usize, pair: &Pair, other: usize, enough: f64) -> Bound {
        let mechanism = self.mechanism;
        let [mut a, mut b] = self.scratch.suspects[index];
        let theirs = self.moving(other, pair.ancestor);
        let ours = self.link(pair.link, pair.ancestor);
        let bound = ours.bound.gap_to_sphere(&theirs.bound, enough);
        if bound.proved > enough {
            return bound.unseen();
        }
        let our = |s: usize| ours.sphere(&mechanism.spheres[s]);
        let their = |s: usize| theirs.sphere(&mechanism.spheres[s]);
        let mut smallest = our(a).gap_to_sphere(&their(b), enough);
        'all: for s in mechanism.links[pair.link].spheres.clone() {
            if smallest.proved <= enough {
                break;
            }
            let one = our(s);
            let bound = one.gap_to_sphere(&theirs.bound, enough);
            if bound.proved > enough {
                smallest.add(bound.unseen());
                continue;
            }
            for o in mechanism.links[other].spheres.clone() {
                (a, b) = (s, o);
                smallest.add(one.gap_to_sphere(&their(o), enough));
                if smallest.proved <= enough {
                    break 'all;
                }
            }
        }
        self.scratch.suspects[index] = [a, b];
        smallest
    }

    /// How `link` moves relative to body `ancestor`; kept, since neighbours in the list of pairs
    /// mostly share it.
    fn link(&mut self, link: usize, ancestor: usize) -> &MovingLink {
        if self.scratch.at_hand != Some((link, ancestor)) {
            self.scratch.link = self.moving(link, ancestor);
            self.scratch.at_hand = Some((link, ancestor));
        }
        &self.scratch.link
    }

    /// How `link` moves relative to body `ancestor` (see the module's head).
    fn moving(&self, link: usize, ancestor: usize) -> MovingLink {
        let Scratch { poses, joints, .. } = &*self.scratch;
        let link = &self.mechanism.links[link];
        let mut b = link.body;
        let pose = poses[b];
        let center = pose.point(link.bound.center);
        let mut bound = MovingSphere { center, radius: link.bound.radius, ..MovingSphere::default() };
        let (mut line, mut travel, mut bend) = (DVec3::ZERO, 0.0, 0.0);
        while b != ancestor {
            let (body, pose) = (&self.mechanism.bodies[b], &poses[b]);
            let joint = joints[body.output].scaled(body.ratio);
            let axis = pose.rotation.z_axis;
            match body.motion {
                Motion::Fixed => {}
                Motion::Revolute => {
                    let arm = axis.cross(center - pose.translation);
                    let reach = arm.length();
                    let square = 0.5 * joint.travel * joint.travel;
                    bound.bend += joint.travel * bound.travel + (square + joint.bend) * reach;
                    bound.line += arm * joint.line;
                    bound.travel += joint.travel * reach;
                    bend += joint.travel * travel + square + joint.bend;
                    line += axis * joint.line;
                    travel += joint.travel;
                }
                Motion::Prismatic => {
                    bound.bend += joint.bend;
                    bound.line += axis * joint.line;
                    bound.travel += joint.travel;
                }
            }
            b = body.parent;
        }
        MovingLink { bound, center: link.bound.center, rotation: pose.rotation, line, travel, bend }
    }

    fn collision(&self, pair: usize, depth: f64, time: f64) -> Violation {
        let pair = &self.pairs[pair];
        let [link, other] = names(self.mechanism, self.world, pair);
        match pair.other {
            Other::Obstacle(_) => Violation::Collision { link, obstacle: other, depth, time },
            Other::Link(_) => Violation::SelfCollision { links: [link, other], depth, time },
        }
    }

    fn not_proved(&self, pair: usize, gap: f64, time: f64) -> Violation {
        let between = names(self.mechanism, self.world, &self.pairs[pair]);
        Violation::ClearanceNotProved { between, gap, time }
    }
}

/// A distance over an interval: proved to be kept, and seen at its middle between two spheres.
#[derive(Clone, Copy)]
struct Bound {
    proved: f64,
    seen: f64,
}

impl Bound {
    /// Of what merely contains the spheres: it says nothing of how near they come.
    fn unseen(self) -> Self {
        Self { seen: f64::INFINITY, ..self }
    }

    fn add(&mut self, other: Self) {
        self.proved = self.proved.min(other.proved);
        self.seen = self.seen.min(other.seen);
    }
}

impl MovingLink {
    /// One of its spheres: it moves with the centre of the bounding sphere and turns about it.
    fn sphere(&self, sphere: &Sphere) -> MovingSphere {
        let arm = self.rotation * (sphere.center - self.center);
        let length = arm.length();
        MovingSphere {
            center: self.bound.center + arm,
            radius: sphere.radius,
            travel: self.bound.travel + self.travel * length,
            line: self.bound.line + self.line.cross(arm),
            bend: self.bound.bend + self.bend * length,
        }
    }
}

impl MovingSphere {
    /// Distance to an obstacle; the costlier bound only where the cheap one is not `enough`.
    fn gap_to_obstacle(&self, (shape, to_local): &(Shape, Pose), enough: f64) -> Bound {
        let local = to_local.point(self.center);
        let seen = shape.signed_distance(local) - self.radius;
        let proved = seen - self.travel;
        if proved > enough || seen - self.bend <= enough {
            return Bound { proved, seen };
        }
        let slope = gradient(shape, local).dot(to_local.vector(self.line));
        Bound { proved: proved.max(seen - slope.abs() - self.bend), seen }
    }

    /// Distance to another sphere, both moving relative to the same body.
    fn gap_to_sphere(&self, other: &Self, enough: f64) -> Bound {
        let apart = self.center - other.center;
        let distance = apart.length();
        let seen = distance - self.radius - other.radius;
        let proved = seen - self.travel - other.travel;
        if proved > enough || seen - self.bend - other.bend <= enough {
            return Bound { proved, seen };
        }
        let slope = apart.dot(self.line - other.line) / distance.max(f64::MIN_POSITIVE);
        Bound { proved: proved.max(seen - slope.abs() - self.bend - other.bend), seen }
    }
}

/// A subgradient of a shape's signed distance at `p` (in its frame): a vector g, |g| <= 1, with
/// distance(q) >= distance(p) + g . (q - p) for all q. The shapes are convex, so there is one.
fn gradient(shape: &Shape, p: DVec3) -> DVec3 {
    match *shape {
        Shape::Sphere { .. } => p.normalize_or_zero(),
        Shape::Cuboid { half_extents } => {
            let d = p.abs() - half_extents;
            let outside = d.max(DVec3::ZERO);
            let g = if outside == DVec3::ZERO { unit(d.max_position()) } else { outside.normalize() };
            g * p.signum()
        }
        Shape::Capsule { half_length, .. } => {
            DVec3::new(p.x, p.y, p.z - p.z.clamp(-half_length, half_length)).normalize_or_zero()
        }
        Shape::Cylinder { radius, half_length } => {
            let across = p.truncate();
            let d = DVec2::new(across.length() - radius, p.z.abs() - half_length);
            let outside = d.max(DVec2::ZERO);
            let g = match outside == DVec2::ZERO {
                true if d.x > d.y => DVec2::X,
                true => DVec2::Y,
                false => outside.normalize(),
            };
            (across.normalize_or_zero() * g.x).extend(g.y * p.z.signum())
        }
        Shape::HalfSpace => DVec3::Z,
    }
}

/// The unit vector along an axis.
fn unit(axis: usize) -> DVec3 {
    DVec3::AXES[axis]
}

impl Span {
    fn of(trajectory: &Trajectory, segments: Range<usize>) -> Self {
        let to = trajectory.knots()[segments.end] - trajectory.knots()[segments.end - 1];
        Self { segments, from: 0.0, to }
    }

    /// The segment and local time of its middle, and half its duration.
    fn middle(&self, trajectory: &Trajectory) -> (usize, f64, f64) {
        let Range { start, end } = self.segments;
        if end - start == 1 {
            return (start, 0.5 * (self.from + self.to), 0.5 * (self.to - self.from));
        }
        let knots = trajectory.knots();
        let middle = 0.5 * (knots[start] + knots[end]);
        let (segment, local) = trajectory.locate(middle);
        (segment, local, 0.5 * (knots[end] - knots[start]))
    }

    fn is_floor(&self) -> bool {
        self.segments.len() == 1 && self.to - self.from <= floor(self.to)
    }

    /// Two parts: cut at the knot nearest to the middle, or in the middle of a single segment.
    fn halves(&self, trajectory: &Trajectory) -> [Self; 2] {
        let Range { start, end } = self.segments;
        if end - start == 1 {
            let middle = 0.5 * (self.from + self.to);
            return [Self { to: middle, ..self.clone() }, Self { from: middle, ..self.clone() }];
        }
        let knots = trajectory.knots();
        let middle = 0.5 * (knots[start] + knots[end]);
        let after = knots.partition_point(|&knot| knot <= middle).clamp(start + 1, end - 1);
        let before = (after - 1).max(start + 1);
        let cut = if middle - knots[before] < knots[after] - middle { before } else { after };
        [Self::of(trajectory, start..cut), Self::of(trajectory, cut..end)]
    }
}

/// The last body on the way from the base to both.
fn common_ancestor(mechanism: &Mechanism, [mut a, mut b]: [usize; 2]) -> usize {
    // Parents stand before their children: whichever stands later can't be the other's ancestor.
    while a != b {
        if a > b {
            a = mechanism.bodies[a].parent;
        } else {
            b = mechanism.bodies[b].parent;
        }
    }
    a
}

/// A link of the base that is inside an obstacle.
fn standing_collision(mechanism: &Mechanism, world: &World) -> Option<Violation> {
    let base = mechanism.bodies[0].placement;
    for link in mechanism.links.iter().filter(|link| link.body == 0) {
        for obstacle in &world.obstacles {
            for sphere in &mechanism.spheres[link.spheres.clone()] {
                let depth = sphere.radius - obstacle.signed_distance(base.point(sphere.center));
                if depth > 0.0 {
                    let (link, obstacle) = (link.name.clone(), obstacle.name.clone());
                    return Some(Violation::Collision { link, obstacle, depth, time: 0.0 });
                }
            }
        }
    }
    None
}

fn names(mechanism: &Mechanism, world: &World, pair: &Pair) -> [String; 2] {
    let other = match pair.other {
        Other::Obstacle(o) => &world.obstacles[o].name,
        Other::Link(l) => &mechanism.links[l].name,
    };
    [mechanism.links[pair.link].name.clone(), other.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coordinate() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -1.0..1.0, 1 => Just(0.0), 1 => Just(0.3), 1 => Just(-0.2)]
    }

    proptest! {
        /// The subgradient's inequality, inside, outside and on creases.
        #[test]
        fn distance_stays_above_its_tangent(
            kind in 0..5, p in prop::array::uniform3(coordinate()), q in prop::array::uniform3(coordinate()),
        ) {
            let shape = match kind {
                0 => Shape::Sphere { radius: 0.3 },
                1 => Shape::Cuboid { half_extents: DVec3::new(0.3, 0.2, 0.5) },
                2 => Shape::Capsule { radius: 0.2, half_length: 0.3 },
                3 => Shape::Cylinder { radius: 0.3, half_length: 0.2 },
                _ => Shape::HalfSpace,
            };
            let (p, q) = (DVec3::from(p), DVec3::from(q));
            let g = gradient(&shape, p);
            prop_assert!(g.length() <= 1.0 + 1e-12);
            let tangent = shape.signed_distance(p) + g.dot(q - p);
            prop_assert!(shape.signed_distance(q) >= tangent - 1e-12);
        }
    }
}

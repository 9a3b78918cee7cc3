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
//! A rigid ball moves as its centre does, so this serves a link's bounding sphere as well as its
//! fine spheres. For two links, joints below their common ancestor move both rigidly and don't
//! count; what each moves by relative to that ancestor does.

use super::interval::{Variation, shift};
use super::report::{Clearance, Nearest, Violation};
use super::{MAX_INTERVALS, MIN_INTERVAL};
use crate::pose::Pose;
use crate::robot::{Mechanism, Motion, Sphere};
use crate::trajectory::{Extrema, Trajectory};
use crate::world::{Obstacle, Shape, World};
use glam::{DVec2, DVec3};
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
    /// Spheres of the link at hand, and of the other, over the interval.
    spheres: [Vec<MovingSphere>; 2],
    /// The link and ancestor whose spheres are at hand (first of `spheres`).
    at_hand: Option<(usize, usize)>,
    /// Bounding sphere of the link and ancestor that were last asked for.
    bound: Option<(usize, usize, MovingSphere)>,
    /// The smallest bound, and the nearest two spheres were seen: pair, distance, time.
    at_least: f64,
    nearest: Option<(usize, f64, f64)>,
    intervals: usize,
}

/// A ball over an interval: its centre is `center` + `line` s + [`bend`], within `travel` of `center`.
#[derive(Clone, Copy)]
struct MovingSphere {
    center: DVec3,
    radius: f64,
    travel: f64,
    line: DVec3,
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
        let mut pairs = Vec::new();
        for (l, link) in mechanism.links.iter().enumerate().filter(|(_, link)| link.body != 0) {
            let obstacles = 0..world.obstacles.len();
            pairs.extend(obstacles.map(|o| Pair {
                link: l,
                other: Other::Obstacle(o),
                ancestor: 0,
                last_body: link.body,
            }));
        }
        for &[a, b] in &mechanism.pairs {
            let (body_a, body_b) = (mechanism.links[a].body, mechanism.links[b].body);
            let ancestor = common_ancestor(mechanism, body_a, body_b);
            pairs.push(Pair { link: a, other: Other::Link(b), ancestor, last_body: body_a.max(body_b) });
        }
        let fixed = standing_collision(mechanism, world);
        Self { mechanism, world, pairs, fixed, scratch: Scratch::default() }
    }

    /// Proves that nothing meets at any instant; also returns how many intervals that took.
    /// `ranges` holds the extrema of the outputs, `[segment][output]`.
    pub(super) fn prove(
        &mut self,
        trajectory: &Trajectory,
        ranges: &[Extrema],
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
            trajectory,
            ranges,
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
    trajectory: &'p Trajectory,
    ranges: &'p [Extrema],
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
        let Scratch { open, poses, joints, y, polynomial, at_hand, bound, .. } = &mut *self.scratch;
        *at_hand = None;
        *bound = None;
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
                _ => {
                    let ranges = span.segments.clone().map(|s| self.ranges[s * dof + output]);
                    Variation::within(polynomial[0], ranges)
                }
            };
        }
        poses.clear();
        poses.push(self.mechanism.bodies[0].placement);
        for body in &self.mechanism.bodies[1..=last] {
            poses.push(poses[body.parent] * body.pose(y[body.output]));
        }
        self.trajectory.knots()[index] + local
    }

    /// Tests a pair over the interval: the links' bounding spheres first, then sphere by sphere.
    fn test(&mut self, index: usize, instant: f64, floor: bool) -> Outcome {
        let pair = self.pairs[index];
        let near = self.scratch.nearest.map_or(f64::INFINITY, |(_, distance, _)| distance);
        // Below the floor any proof is welcome; above, the clearance is to be told to a tolerance.
        let enough = if floor { ROUNDING } else { ROUNDING.max(near - self.tolerance) };
        let links = &self.mechanism.links;
        let coarse = self.bound(pair.link, pair.ancestor);
        let mut smallest = Bound { proved: f64::INFINITY, seen: f64::INFINITY };
        match pair.other {
            Other::Obstacle(o) => {
                let obstacle = &self.world.obstacles[o];
                let bound = coarse.gap_to_obstacle(obstacle, enough);
                if bound.proved > enough {
                    return Outcome::Apart(bound.proved - ROUNDING);
                }
                self.hold(0, pair.link, pair.ancestor);
                for sphere in &self.scratch.spheres[0] {
                    smallest.add(sphere.gap_to_obstacle(obstacle, enough));
                }
            }
            Other::Link(other) => {
                let coarse_other = self.moving(other, pair.ancestor, &links[other].bound);
                let bound = coarse.gap_to_sphere(&coarse_other, enough);
                if bound.proved > enough {
                    return Outcome::Apart(bound.proved - ROUNDING);
                }
                self.hold(0, pair.link, pair.ancestor);
                self.hold(1, other, pair.ancestor);
                let [ours, theirs] = &self.scratch.spheres;
                for sphere in ours {
                    let bound = sphere.gap_to_sphere(&coarse_other, enough);
                    if bound.proved > enough {
                        smallest.proved = smallest.proved.min(bound.proved);
                        continue;
                    }
                    for other in theirs {
                        smallest.add(sphere.gap_to_sphere(other, enough));
                    }
                }
            }
        }
        if smallest.seen < 0.0 {
            return Outcome::Hit(-smallest.seen);
        }
        if smallest.seen < near {
            self.scratch.nearest = Some((index, smallest.seen, instant));
        }
        if smallest.proved > enough {
            Outcome::Apart(smallest.proved - ROUNDING)
        } else {
            Outcome::Open(smallest.seen)
        }
    }

    /// The bounding sphere of `link`, moving relative to body `ancestor`: neighbours in the list of
    /// pairs mostly share it.
    fn bound(&mut self, link: usize, ancestor: usize) -> MovingSphere {
        match self.scratch.bound {
            Some((l, a, sphere)) if (l, a) == (link, ancestor) => sphere,
            _ => {
                let sphere = self.moving(link, ancestor, &self.mechanism.links[link].bound);
                self.scratch.bound = Some((link, ancestor, sphere));
                sphere
            }
        }
    }

    /// Has the spheres of `link` at hand, moving relative to body `ancestor`.
    fn hold(&mut self, side: usize, link: usize, ancestor: usize) {
        if side == 0 && self.scratch.at_hand.replace((link, ancestor)) == Some((link, ancestor)) {
            return;
        }
        let mut spheres = std::mem::take(&mut self.scratch.spheres[side]);
        spheres.clear();
        let range = self.mechanism.links[link].spheres.clone();
        spheres.extend(self.mechanism.spheres[range].iter().map(|s| self.moving(link, ancestor, s)));
        self.scratch.spheres[side] = spheres;
    }

    /// How a sphere of `link` moves relative to body `ancestor` (see the module's head).
    fn moving(&self, link: usize, ancestor: usize, sphere: &Sphere) -> MovingSphere {
        let Scratch { poses, joints, .. } = &*self.scratch;
        let mut b = self.mechanism.links[link].body;
        let center = poses[b].point(sphere.center);
        let (mut travel, mut line, mut bend) = (0.0, DVec3::ZERO, 0.0);
        while b != ancestor {
            let (body, pose) = (&self.mechanism.bodies[b], &poses[b]);
            let joint = joints[body.output].scaled(body.ratio);
            let axis = pose.rotation.z_axis;
            match body.motion {
                Motion::Fixed => {}
                Motion::Revolute => {
                    let arm = axis.cross(center - pose.translation);
                    let reach = arm.length();
                    bend += joint.travel * (travel + 0.5 * joint.travel * reach) + joint.bend * reach;
                    line += arm * joint.line;
                    travel += joint.travel * reach;
                }
                Motion::Prismatic => {
                    bend += joint.bend;
                    line += axis * joint.line;
                    travel += joint.travel;
                }
            }
            b = body.parent;
        }
        MovingSphere { center, radius: sphere.radius, travel, line, bend }
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

/// A distance over an interval: proved to be kept, and seen at its middle.
#[derive(Clone, Copy)]
struct Bound {
    proved: f64,
    seen: f64,
}

impl Bound {
    fn add(&mut self, other: Self) {
        self.proved = self.proved.min(other.proved);
        self.seen = self.seen.min(other.seen);
    }
}

impl MovingSphere {
    /// Distance to `obstacle`; the costlier bound only where the cheap one is not `enough`.
    fn gap_to_obstacle(&self, obstacle: &Obstacle, enough: f64) -> Bound {
        let local = obstacle.pose.local_point(self.center);
        let seen = obstacle.shape.signed_distance(local) - self.radius;
        let proved = seen - self.travel;
        if proved > enough {
            return Bound { proved, seen };
        }
        let slope = gradient(&obstacle.shape, local).dot(obstacle.pose.rotation.transpose() * self.line);
        Bound { proved: proved.max(seen - slope.abs() - self.bend), seen }
    }

    /// Distance to another sphere, both moving relative to the same body.
    fn gap_to_sphere(&self, other: &Self, enough: f64) -> Bound {
        let apart = self.center - other.center;
        let distance = apart.length();
        let seen = distance - self.radius - other.radius;
        let proved = seen - self.travel - other.travel;
        if proved > enough {
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
        self.segments.len() == 1 && self.to - self.from <= MIN_INTERVAL
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
fn common_ancestor(mechanism: &Mechanism, mut a: usize, mut b: usize) -> usize {
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

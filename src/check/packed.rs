//! The one flat form of robot, world, edges and verdicts that every fast backend reads: `f32`,
//! plain old data, built once per problem. Also where an edge is sampled, since all backends must
//! agree on that. Imports `problem` and what lies below it.

use super::hierarchy;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::{Mechanism, Motion, Sphere};
use crate::trajectory::Trajectory;
use crate::world::{Obstacle, Shape};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;
use std::sync::LazyLock;

/// Samples are taken in rakes of this many, spread over the whole edge: the widest lanes there are.
pub const RAKE: usize = 16;

/// Velocity, acceleration and effort limits are widened by this share, position limits by this many
/// rad or m, so that an edge which meets a limit exactly in `f64` is not lost to `f32` rounding
/// (relative 6e-8 per operation, some hundred operations). The certificate holds the true limits.
pub const LIMIT_SLACK: f32 = 1e-4;

/// Coefficients per polynomial: cubics.
pub const COEFFICIENTS: usize = 4;

/// [`Motion`] as a number.
pub const MOTION_FIXED: u32 = 0;
/// [`Motion::Revolute`] as a number.
pub const MOTION_REVOLUTE: u32 = 1;
/// [`Motion::Prismatic`] as a number.
pub const MOTION_PRISMATIC: u32 = 2;

/// A body of the mechanism.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedBody {
    /// Rotation of the placement, row by row.
    pub rotation: [[f32; 3]; 3],
    /// Translation of the placement.
    pub translation: [f32; 3],
    /// Body it hangs on.
    pub parent: u32,
    /// How it moves.
    pub motion: u32,
    /// Output that drives it.
    pub output: u32,
    /// Joint position per unit of output.
    pub ratio: f32,
    /// Joint position at output zero.
    pub offset: f32,
    /// Mass, kg.
    pub mass: f32,
    /// Centre of mass in the body frame.
    pub com: [f32; 3],
    /// Inertia about the centre of mass in the body frame: xx, yy, zz, xy, xz, yz.
    pub inertia: [f32; 6],
}

/// A sphere in the frame of its body.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedSphere {
    /// Centre.
    pub center: [f32; 3],
    /// Radius.
    pub radius: f32,
}

/// A link with collision geometry.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedLink {
    /// A sphere that holds all of its spheres.
    pub bound: PackedSphere,
    /// Body it belongs to.
    pub body: u32,
    /// First of its spheres.
    pub first: u32,
    /// One past the last of its spheres.
    pub end: u32,
    /// Its index in [`Mechanism::links`].
    pub index: u32,
}

/// An obstacle, ready for the test of its kind.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedObstacle {
    /// World to obstacle frame: rotation row by row, then translation.
    pub rotation: [[f32; 3]; 3],
    /// World to obstacle frame: translation.
    pub translation: [f32; 3],
    /// Sphere: radius. Cuboid: half extents. Capsule, cylinder: radius, half length.
    pub size: [f32; 3],
    /// Its index in the world.
    pub index: u32,
}

/// A node of the hierarchy over a world's obstacles: a box that holds all that is below it. Nodes
/// stand in depth-first order, so that a walk needs no stack: from a node whose box is met to the
/// next, from one whose box is not to `skip`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedNode {
    /// Corner of the box where every coordinate is least, in the world.
    pub lower: [f32; 3],
    /// The first node that is not below this one.
    pub skip: u32,
    /// Corner of the box where every coordinate is greatest.
    pub upper: [f32; 3],
    /// Of a leaf, its obstacle: index into the spheres, cuboids, capsules and cylinders, counted on
    /// from one list to the next. [`INNER`] for other nodes.
    pub obstacle: u32,
}

/// No obstacle: the node has children.
pub const INNER: u32 = u32::MAX;

/// Obstacles of one problem, kind by kind, so that no lane branches on the kind.
#[derive(Clone, Debug, Default)]
pub struct PackedWorld {
    /// Balls.
    pub spheres: Vec<PackedObstacle>,
    /// Boxes.
    pub cuboids: Vec<PackedObstacle>,
    /// Capsules.
    pub capsules: Vec<PackedObstacle>,
    /// Cylinders with flat caps.
    pub cylinders: Vec<PackedObstacle>,
    /// Half-spaces.
    pub half_spaces: Vec<PackedObstacle>,
}

/// Limits of one output.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedLimits {
    /// Least position.
    pub lower: f32,
    /// Greatest position.
    pub upper: f32,
    /// Greatest speed.
    pub velocity: f32,
    /// Greatest acceleration.
    pub acceleration: f32,
    /// Greatest effort.
    pub effort: f32,
}

/// A problem as the fast backends read it.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Bodies, parents first; the base is the first and its placement is its pose in the world.
    pub bodies: Vec<PackedBody>,
    /// Links on bodies that move, and those of the base after them.
    pub links: Vec<PackedLink>,
    /// How many of `links` move: only these are tested against the world.
    pub moving_links: usize,
    /// All spheres, link by link.
    pub spheres: Vec<PackedSphere>,
    /// Pairs of indices into `links`.
    pub pairs: Vec<[u32; 2]>,
    /// Limits, one per output, with [`LIMIT_SLACK`].
    pub limits: Vec<PackedLimits>,
    /// Obstacles.
    pub world: PackedWorld,
    /// Hierarchy over all obstacles but the half-spaces.
    pub hierarchy: Vec<PackedNode>,
    /// Whether efforts are checked.
    pub torque: bool,
    /// Acceleration of free fall, m/s^2.
    pub gravity: [f32; 3],
    /// Per output: farthest that any sphere moves for a unit of it (m/rad, or 1).
    pub reach: Vec<f32>,
    /// Farthest a sphere may move between two samples, metres.
    pub resolution: f32,
    /// Added to every sphere, metres.
    pub padding: f32,
}

impl Packed {
    /// Packs a problem; no sphere moves farther than `resolution` metres between two samples.
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        let m = &problem.mechanism;
        let base_links = m.links.iter().take_while(|l| l.body == 0).count();
        let order: Vec<usize> = (base_links..m.links.len()).chain(0..base_links).collect();
        let world = PackedWorld::new(&problem.world.obstacles);
        let place = |link: usize| order.iter().position(|&l| l == link).unwrap_or(link) as u32;
        Self {
            bodies: m.bodies.iter().map(pack_body).collect(),
            links: order.iter().map(|&l| pack_link(m, l)).collect(),
            moving_links: m.links.len() - base_links,
            spheres: m.spheres.iter().map(pack_sphere).collect(),
            pairs: m.pairs.iter().map(|&[a, b]| [place(a), place(b)]).collect(),
            limits: m.limits.iter().map(pack_limits).collect(),
            hierarchy: hierarchy::build(&world, &problem.world.obstacles),
            world,
            torque: problem.torque,
            gravity: problem.gravity.as_vec3().to_array(),
            reach: reaches(m),
            resolution: resolution as f32,
            padding: 0.0,
        }
    }

    /// Number of flat outputs.
    pub fn dof(&self) -> usize {
        self.limits.len()
    }

    /// How many rakes of samples an edge needs.
    ///
    /// Between two samples the spheres move at most sum_j reach_j |dy_j|. A rest-to-rest edge is
    /// sampled evenly along its path, any other evenly in time, where its fastest instant decides.
    pub fn rakes(&self, edge: &Edge<'_>) -> usize {
        let intervals = (edge.travel(&self.reach) / self.resolution).ceil().min(1e6) as usize;
        (intervals + 1).div_ceil(RAKE)
    }
}

impl PackedWorld {
    /// Packs obstacles.
    pub(super) fn new(obstacles: &[Obstacle]) -> Self {
        let mut world = Self::default();
        for (index, obstacle) in obstacles.iter().enumerate() {
            let (list, size) = match obstacle.shape {
                Shape::Sphere { radius } => (&mut world.spheres, [radius, 0.0, 0.0]),
                Shape::Cuboid { half_extents } => (&mut world.cuboids, half_extents.to_array()),
                Shape::Capsule { radius, half_length } => (&mut world.capsules, [radius, half_length, 0.0]),
                Shape::Cylinder { radius, half_length } => (&mut world.cylinders, [radius, half_length, 0.0]),
                Shape::HalfSpace => (&mut world.half_spaces, [0.0; 3]),
            };
            let (rotation, translation) = pack_pose(&obstacle.pose.inverse());
            let size = size.map(|s| s as f32);
            list.push(PackedObstacle { rotation, translation, size, index: index as u32 });
        }
        world
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let Self { spheres, cuboids, capsules, cylinders, half_spaces } = self;
        [spheres, cuboids, capsules, cylinders, half_spaces].iter().map(|list| list.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn pack_pose(pose: &Pose) -> ([[f32; 3]; 3], [f32; 3]) {
    let rows = pose.rotation.transpose().to_cols_array_2d();
    (rows.map(|row| row.map(|x| x as f32)), pose.translation.as_vec3().to_array())
}

fn pack_body(body: &crate::robot::Body) -> PackedBody {
    let (rotation, translation) = pack_pose(&body.placement);
    let i = body.inertia.matrix;
    PackedBody {
        rotation,
        translation,
        parent: body.parent as u32,
        motion: match body.motion {
            Motion::Fixed => MOTION_FIXED,
            Motion::Revolute => MOTION_REVOLUTE,
            Motion::Prismatic => MOTION_PRISMATIC,
        },
        output: body.output as u32,
        ratio: body.ratio as f32,
        offset: body.offset as f32,
        mass: body.inertia.mass as f32,
        com: body.inertia.com.as_vec3().to_array(),
        inertia: [i.x_axis.x, i.y_axis.y, i.z_axis.z, i.y_axis.x, i.z_axis.x, i.z_axis.y].map(|x| x as f32),
    }
}

fn pack_sphere(sphere: &Sphere) -> PackedSphere {
    PackedSphere { center: sphere.center.as_vec3().to_array(), radius: sphere.radius as f32 }
}

fn pack_link(m: &Mechanism, index: usize) -> PackedLink {
    let link = &m.links[index];
    // Rounding must not let a sphere stick out of its bound.
    let mut bound = pack_sphere(&link.bound);
    bound.radius *= 1.0 + 1e-5;
    PackedLink {
        bound,
        body: link.body as u32,
        first: link.spheres.start as u32,
        end: link.spheres.end as u32,
        index: index as u32,
    }
}

fn pack_limits(limits: &crate::robot::OutputLimits) -> PackedLimits {
    PackedLimits {
        lower: limits.lower as f32 - LIMIT_SLACK,
        upper: limits.upper as f32 + LIMIT_SLACK,
        velocity: limits.velocity as f32 * (1.0 + LIMIT_SLACK),
        acceleration: limits.acceleration as f32 * (1.0 + LIMIT_SLACK),
        effort: limits.effort as f32 * (1.0 + LIMIT_SLACK),
    }
}

/// Per output, an upper bound of how far any sphere moves for a unit of it, over all positions:
/// the distance of the sphere from the joint's axis is at most that of the next joint's origin
/// plus the lengths of all links between.
fn reaches(m: &Mechanism) -> Vec<f32> {
    let mut reach = vec![0.0_f64; m.dof()];
    for link in m.links.iter().filter(|l| l.body != 0) {
        for sphere in &m.spheres[link.spheres.clone()] {
            // `far`: distance of the sphere's farthest point from the body's origin.
            let mut far = sphere.center.length() + sphere.radius;
            let mut from_axis = sphere.center.truncate().length() + sphere.radius;
            let mut body = link.body;
            while body != 0 {
                let b = &m.bodies[body];
                let (unit, travel) = match b.motion {
                    Motion::Prismatic => {
                        let limits = &m.limits[b.output];
                        let q = |y: f64| (b.ratio * y + b.offset).abs();
                        (1.0, q(limits.lower).max(q(limits.upper)))
                    }
                    _ => (from_axis, 0.0),
                };
                reach[b.output] = reach[b.output].max(b.ratio.abs() * unit);
                let travel = if travel.is_finite() { travel } else { 0.0 };
                from_axis = b.placement.translation.truncate().length() + far + travel;
                far += b.placement.translation.length() + travel;
                body = b.parent;
            }
        }
    }
    reach.into_iter().map(|r| r as f32).collect()
}

/// States to check: position, velocity and acceleration of each output.
#[derive(Clone, Debug, Default)]
pub struct StateBatch {
    dof: usize,
    /// `[state][derivative 0..3][output]`.
    values: Vec<f32>,
}

impl StateBatch {
    /// An empty batch of states of `dof` outputs.
    pub fn new(dof: usize) -> Self {
        Self { dof, values: Vec::new() }
    }

    /// Removes all states, keeping the memory.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// Appends a state; the slices hold one value per output.
    pub fn push(&mut self, position: &[f64], velocity: &[f64], acceleration: &[f64]) {
        for values in [position, velocity, acceleration] {
            assert_eq!(values.len(), self.dof, "one value per output");
            self.values.extend(values.iter().map(|&x| x as f32));
        }
    }

    /// Number of states.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(3 * self.dof).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A range of the states, as a batch of their own.
    #[must_use]
    pub fn part(&self, states: Range<usize>) -> Self {
        let stride = 3 * self.dof;
        Self { dof: self.dof, values: self.values[states.start * stride..states.end * stride].to_vec() }
    }

    /// The `derivative`th derivative (0 to 2) of all outputs of state `i`.
    pub fn get(&self, i: usize, derivative: usize) -> &[f32] {
        let at = (3 * i + derivative) * self.dof;
        &self.values[at..at + self.dof]
    }
}

/// Edges to check: polynomial trajectories of one or more segments.
#[derive(Clone, Debug, Default)]
pub struct EdgeBatch {
    dof: usize,
    heads: Vec<EdgeHead>,
    /// Duration of each segment, seconds.
    durations: Vec<f32>,
    /// `[segment][output][COEFFICIENTS]`, ascending powers of local time.
    coefficients: Vec<f32>,
}

/// Where an edge's segments are, and how it is sampled.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct EdgeHead {
    /// First segment.
    pub first: u32,
    /// Number of segments.
    pub segments: u32,
    /// Duration of the whole edge, seconds.
    pub duration: f32,
    /// 1 where it runs from rest to rest along a straight line, else 0.
    pub at_rest: u32,
}

/// One edge of an [`EdgeBatch`].
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    /// Duration of the whole edge, seconds.
    pub duration: f32,
    /// Whether it runs from rest to rest along a straight line.
    pub at_rest: bool,
    /// Duration of each segment, seconds.
    pub durations: &'a [f32],
    /// `[segment][output][COEFFICIENTS]`.
    pub coefficients: &'a [f32],
}

impl EdgeBatch {
    /// An empty batch of edges of `dof` outputs.
    pub fn new(dof: usize) -> Self {
        Self { dof, ..Self::default() }
    }

    /// Removes all edges, keeping the memory.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.durations.clear();
        self.coefficients.clear();
    }

    /// Number of edges.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Appends the rest-to-rest edge between two positions, a straight line.
    pub fn push_at_rest(&mut self, from: &[f64], to: &[f64], duration: f64) {
        self.head(1, duration, true);
        self.durations.push(duration as f32);
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        let (t2, t3) = (rate.powi(2), rate.powi(3));
        for (&a, &b) in from.iter().zip(to) {
            let d = b - a;
            self.coefficients.extend([a as f32, 0.0, (3.0 * d * t2) as f32, (-2.0 * d * t3) as f32]);
        }
    }

    /// Appends an edge of one segment: `coefficients` is `[output][COEFFICIENTS]`.
    pub fn push(&mut self, duration: f64, coefficients: &[f64]) {
        self.head(1, duration, false);
        self.segment(duration, coefficients);
    }

    /// Appends a whole trajectory as one edge.
    ///
    /// # Panics
    /// If its degree is not that of a cubic, or it is empty.
    pub fn push_trajectory(&mut self, trajectory: &Trajectory) {
        assert_eq!(trajectory.degree() + 1, COEFFICIENTS, "edges are cubics");
        assert!(!trajectory.is_empty(), "an edge has a segment");
        self.head(trajectory.len(), trajectory.duration(), false);
        for segment in trajectory.segments() {
            self.segment(segment.duration, segment.coefficients);
        }
    }

    fn head(&mut self, segments: usize, duration: f64, at_rest: bool) {
        self.heads.push(EdgeHead {
            first: self.durations.len() as u32,
            segments: segments as u32,
            duration: duration as f32,
            at_rest: u32::from(at_rest),
        });
    }

    fn segment(&mut self, duration: f64, coefficients: &[f64]) {
        assert_eq!(coefficients.len(), self.dof * COEFFICIENTS, "one cubic per output");
        self.durations.push(duration as f32);
        self.coefficients.extend(coefficients.iter().map(|&c| c as f32));
    }

    /// A range of the edges, as a batch of their own.
    #[must_use]
    pub fn part(&self, edges: Range<usize>) -> Self {
        let mut heads = self.heads[edges].to_vec();
        let first = heads.first().map_or(0, |head| head.first);
        let end = heads.last().map_or(first, |head| head.first + head.segments);
        heads.iter_mut().for_each(|head| head.first -= first);
        let (durations, coefficients) = self.segments(first as usize..end as usize);
        Self { dof: self.dof, heads, durations: durations.to_vec(), coefficients: coefficients.to_vec() }
    }

    /// All heads; their segments follow each other.
    pub fn heads(&self) -> &[EdgeHead] {
        &self.heads
    }

    /// Durations and coefficients of a range of segments.
    pub fn segments(&self, segments: Range<usize>) -> (&[f32], &[f32]) {
        let stride = self.dof * COEFFICIENTS;
        let coefficients = segments.start * stride..segments.end * stride;
        (&self.durations[segments], &self.coefficients[coefficients])
    }

    /// The `i`th edge.
    pub fn get(&self, i: usize) -> Edge<'_> {
        let head = self.heads[i];
        let segments = head.first as usize..(head.first + head.segments) as usize;
        let stride = self.dof * COEFFICIENTS;
        Edge {
            duration: head.duration,
            at_rest: head.at_rest != 0,
            durations: &self.durations[segments.clone()],
            coefficients: &self.coefficients[segments.start * stride..segments.end * stride],
        }
    }
}

impl Edge<'_> {
    /// Bound of how far any sphere travels over the edge (evenly along the path), or would at the
    /// speed of its fastest segment (evenly in time); `reach` is [`Packed::reach`].
    fn travel(&self, reach: &[f32]) -> f32 {
        let dof = reach.len();
        if self.at_rest {
            // From rest to rest, D = c2 T^2 / 3.
            let way = |(output, reach): (usize, &f32)| reach * self.polynomial(0, output, dof)[2].abs();
            return reach.iter().enumerate().map(way).sum::<f32>() * self.duration * self.duration / 3.0;
        }
        let segment_speed = |(segment, &t): (usize, &f32)| {
            let speed = |(output, reach): (usize, &f32)| {
                reach * greatest_speed(self.polynomial(segment, output, dof), t)
            };
            reach.iter().enumerate().map(speed).sum::<f32>()
        };
        self.durations.iter().enumerate().map(segment_speed).fold(0.0, f32::max) * self.duration
    }

    /// The polynomial of one output in one segment, ascending powers of local time.
    pub fn polynomial(&self, segment: usize, output: usize, dof: usize) -> [f32; COEFFICIENTS] {
        let at = (segment * dof + output) * COEFFICIENTS;
        std::array::from_fn(|power| self.coefficients[at + power])
    }

    /// Segment that holds time `t`, and the time since it began.
    pub fn locate(&self, t: f32) -> (usize, f32) {
        let (segment, begin) = self.locate_from((0, 0.0), t);
        (segment, (t - begin).min(self.durations[segment]))
    }

    /// Segment that holds time `t`, and when it begins, given those of an earlier time.
    pub fn locate_from(&self, (mut segment, mut begin): (usize, f32), t: f32) -> (usize, f32) {
        while segment + 1 < self.durations.len() && t - begin > self.durations[segment] {
            begin += self.durations[segment];
            segment += 1;
        }
        (segment, begin)
    }

    /// The time of sample number `tooth` of a rake; the teeth of a rake stand far apart.
    pub fn sample_time(&self, rake: usize, tooth: usize, rakes: usize) -> f32 {
        let u = (tooth * rakes + rake) as f32 / (rakes * RAKE - 1) as f32;
        self.duration * if self.at_rest { even_along_path(u) } else { u }
    }
}

/// The greatest speed of a cubic within `duration`.
fn greatest_speed([_, c1, c2, c3]: [f32; COEFFICIENTS], duration: f32) -> f32 {
    let speed = |t: f32| (c1 + t * (2.0 * c2 + t * 3.0 * c3)).abs();
    let vertex = -c2 / (3.0 * c3);
    let inner = if vertex > 0.0 && vertex < duration { speed(vertex) } else { 0.0 };
    inner.max(speed(0.0)).max(speed(duration))
}

/// Visits 0..n once each in steps of about the golden section of n, so that every beginning of the
/// sequence is spread evenly over the whole.
#[derive(Clone, Debug)]
pub struct RakeOrder {
    next: usize,
    left: usize,
    step: usize,
    n: usize,
}

impl RakeOrder {
    /// The order for `n` rakes.
    pub fn new(n: usize) -> Self {
        let coprime = |&k: &usize| gcd(k, n) == 1;
        let step = (1..=(n * 89 / 144).max(1)).rev().find(coprime).unwrap_or(1);
        Self { next: 0, left: n, step, n }
    }

    /// From one rake to the next, modulo their number.
    pub fn step(&self) -> usize {
        self.step
    }
}

impl Iterator for RakeOrder {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let this = self.next;
        self.next = (this + self.step) % self.n;
        Some(this)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Cells of the table of [`even_along_path`].
const EVEN_CELLS: usize = 256;

/// The share of the duration after which a rest-to-rest edge has gone each 256th of its way, and
/// one entry more: the inverse of 3 x^2 - 2 x^3.
pub fn even_along_path_table() -> &'static [f32; EVEN_CELLS + 2] {
    static TABLE: LazyLock<[f32; EVEN_CELLS + 2]> = LazyLock::new(|| {
        std::array::from_fn(|i| {
            let u = (i as f64 / EVEN_CELLS as f64).min(1.0);
            (0.5 - ((1.0 - 2.0 * u).asin() / 3.0).sin()) as f32
        })
    });
    &TABLE
}

/// The share of the duration after which a rest-to-rest edge has gone the share `u` of its way,
/// between the points of the table (it need not be exact, only even).
fn even_along_path(u: f32) -> f32 {
    let table = even_along_path_table();
    let x = u * EVEN_CELLS as f32;
    let cell = (x as usize).min(EVEN_CELLS);
    let (a, b) = (table[cell], table[cell + 1]);
    (a + (b - a) * (x - cell as f32)).clamp(0.0, 1.0)
}

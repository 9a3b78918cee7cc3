//! The one flat form of robot, world, edges and verdicts that every fast backend reads: `f32`,
//! plain old data, built once per problem. Also where an edge is sampled, since all backends must
//! agree on that. Imports `problem` and what lies below it.

pub mod base;

pub use base::PackedBase;

use super::hierarchy;
use crate::base::Base;
use crate::error::InvalidValue;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::{Mechanism, Motion, Sphere};
use crate::trajectory::Trajectory;
use crate::world::{Obstacle, Shape};
use bytemuck::{Pod, Zeroable};
use glam::{DMat3, DVec3, Mat3};
use std::ops::Range;
use std::sync::LazyLock;

/// Samples are taken in rakes of this many, spread over the whole edge: the widest lanes there are.
pub const RAKE: usize = 16;

/// Velocity, acceleration and effort limits are widened by this share, so that an edge which meets a limit exactly
/// in `f64` is not lost to `f32` rounding (relative 6e-8 per operation, some hundred operations). The certificate
/// holds the true limits.
pub const LIMIT_SLACK: f32 = 1e-4;

/// Position limits are widened by this share of the greater of the two, since positions take far fewer operations.
pub const POSITION_SLACK: f32 = 1e-5;

/// Greatest degree of an edge's polynomials: septics, for systems of order 4.
pub const MAX_DEGREE: usize = 7;

/// Coefficients stand in rows of this many, the last filled up with zeros: a cubic is one row, a
/// quintic or septic two.
pub const COEFFICIENT_ROW: usize = 4;

/// Numbers that a polynomial of `degree` takes in a batch.
pub const fn coefficient_stride(degree: usize) -> usize {
    (degree + 1).next_multiple_of(COEFFICIENT_ROW)
}

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

/// Two links that are checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PackedPair {
    /// Their indices among the packed links.
    pub links: [u32; 2],
    /// Where in [`Packed::masks`] it is said which of their spheres are not, because they always touch;
    /// [`NO_MASK`] where all are.
    pub mask: u32,
}

/// No mask: all spheres of a pair of links are checked.
pub const NO_MASK: u32 = u32::MAX;

/// Masks begin at multiples of this many words, which is a row on a device.
pub const MASK_ROW: usize = 4;

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
    /// Boxes, those with faces across the world's axes first.
    pub cuboids: Vec<PackedObstacle>,
    /// How many of the boxes have faces across the world's axes; their rotation is none.
    pub aligned: usize,
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
    /// Pairs of links that are checked against each other.
    pub pairs: Vec<PackedPair>,
    /// For pairs of links of which not all spheres are checked, a bit for each two of them, set where they
    /// are not: of sphere i of the first link and j of the second, the bit i times the second's number of
    /// spheres and j, the lowest of a word first.
    pub masks: Vec<u32>,
    /// Limits, one per output (of a vehicle: per joint), with [`LIMIT_SLACK`].
    pub limits: Vec<PackedLimits>,
    /// Of a vehicle, what leads from its flat outputs to the first of its joints.
    pub base: Option<PackedBase>,
    /// Obstacles.
    pub world: PackedWorld,
    /// Hierarchy over all obstacles but the half-spaces.
    pub hierarchy: Vec<PackedNode>,
    /// Whether efforts are checked.
    pub torque: bool,
    /// Acceleration of free fall, m/s^2.
    pub gravity: [f32; 3],
    /// Per flat output: farthest that any sphere moves for a unit of it (m/rad, or 1).
    pub reach: Vec<f32>,
    /// Farthest a sphere may move between two samples, metres.
    pub resolution: f32,
    /// Added to every sphere, metres.
    pub padding: f32,
    /// Distance to be kept from obstacles beside that, metres.
    pub clearance: f32,
}

/// Intervals between the samples of an edge, at most: their rakes are counted in 16 bits on a device, and
/// a tenth of a second's work in lanes is a bound that a query's time limit can live with.
const MOST_INTERVALS: f32 = 1e6;

impl Packed {
    /// Packs a problem; no sphere moves farther than `resolution` metres between two samples.
    ///
    /// # Panics
    /// May, where the problem makes no sense: [`Problem::validate`] and [`Backend::checker`](super::Backend) say so.
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        let m = &problem.mechanism;
        let base_links = m.links.iter().take_while(|l| l.body == 0).count();
        let order: Vec<usize> = (base_links..m.links.len()).chain(0..base_links).collect();
        let world = PackedWorld::new(&problem.world.obstacles);
        let place = |link: usize| order.iter().position(|&l| l == link).unwrap_or(link) as u32;
        let reach = reaches(m);
        let base = m.vehicle().map(|base| PackedBase::new(base, &reach));
        let mut masks = Vec::new();
        let pairs = m
            .pairs
            .iter()
            .map(|&pair| PackedPair { links: pair.map(place), mask: pack_mask(m, pair, &mut masks) });
        Self {
            pairs: pairs.collect(),
            masks,
            bodies: m.bodies.iter().map(pack_body).collect(),
            links: order.iter().map(|&l| pack_link(m, l)).collect(),
            moving_links: m.links.len() - base_links,
            spheres: m.spheres.iter().map(pack_sphere).collect(),
            limits: m.limits.iter().map(pack_limits).collect(),
            hierarchy: hierarchy::build(&world, &problem.world.obstacles),
            world,
            torque: problem.torque && base.is_none(),
            gravity: gravity(problem).as_vec3().to_array(),
            reach: base.map_or(reach.clone(), |base| base.reach(&reach)),
            base,
            resolution: resolution as f32,
            padding: 0.0,
            clearance: 0.0,
        }
    }

    /// Number of joints, which are the flat outputs too, except of a vehicle.
    pub fn dof(&self) -> usize {
        self.limits.len()
    }

    /// Number of flat outputs.
    pub fn flat_dof(&self) -> usize {
        self.reach.len()
    }

    /// Refuses edges of another number of outputs: those of another robot.
    pub(super) fn admit_edges(&self, edges: &EdgeBatch) -> Result<(), InvalidValue> {
        admit_outputs("edges", edges.dof, self.flat_dof())
    }

    /// Refuses states of another number of outputs.
    pub(super) fn admit_states(&self, states: &StateBatch) -> Result<(), InvalidValue> {
        admit_outputs("states", states.dof, self.dof())
    }

    /// How many rakes of samples an edge needs.
    ///
    /// Between two samples the spheres move at most sum_j reach_j |dy_j|. A rest-to-rest edge is
    /// sampled evenly along its path, any other evenly in time, where its fastest instant decides. Of
    /// a vehicle, turnings that follow from other outputs are estimated. Edges of more
    /// than `MOST_INTERVALS` intervals are sampled at a wider spacing: 50 km at 5 cm, and 50 m at the thousandth of
    /// it that repairs come to at last; no edge of an arm's search is so long. Should a collision slip
    /// through, the certificate, which takes no samples, finds it.
    pub fn rakes(&self, edge: &Edge<'_>) -> usize {
        let mut travel = edge.travel(&self.reach);
        if let Some(base) = &self.base {
            travel += base.turning(edge, self.flat_dof(), -self.gravity[2]);
        }
        let intervals = (travel / self.resolution).ceil().min(MOST_INTERVALS) as usize;
        (intervals + 1).div_ceil(RAKE)
    }
}

fn admit_outputs(what: &str, found: usize, wanted: usize) -> Result<(), InvalidValue> {
    if found == wanted {
        return Ok(());
    }
    let expected = format!("{wanted} outputs, as the checker's problem has");
    Err(InvalidValue::new(what, format!("{found} outputs"), expected))
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
        world.align_cuboids(obstacles);
        world
    }

    /// Turns boxes about quarter turns, so that as many as can be stand along the world's axes, and
    /// puts these first.
    fn align_cuboids(&mut self, obstacles: &[Obstacle]) {
        let aligned = |o: &mut PackedObstacle| {
            let obstacle = &obstacles[o.index as usize];
            let Some(half_extents) = along_axes(obstacle) else { return false };
            o.rotation = Mat3::IDENTITY.to_cols_array_2d();
            o.translation = (-obstacle.pose.translation).as_vec3().to_array();
            o.size = half_extents.as_vec3().to_array();
            true
        };
        let (aligned, turned): (Vec<_>, Vec<_>) = std::mem::take(&mut self.cuboids)
            .into_iter()
            .map(|mut o| (aligned(&mut o), o))
            .partition(|o| o.0);
        self.aligned = aligned.len();
        self.cuboids = aligned.into_iter().chain(turned).map(|(_, o)| o).collect();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let Self { spheres, cuboids, aligned: _, capsules, cylinders, half_spaces } = self;
        [spheres, cuboids, capsules, cylinders, half_spaces].iter().map(|list| list.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Half extents along the world's axes of a box whose faces lie across them.
fn along_axes(obstacle: &Obstacle) -> Option<DVec3> {
    /// An entry of a rotation so near to 0 or 1 is it: over 10 m that is a hundredth of a micrometre.
    const SAME: f64 = 1e-9;
    let Shape::Cuboid { half_extents } = obstacle.shape else { return None };
    let whole = |x: &f64| x.abs() < SAME || (x.abs() - 1.0).abs() < SAME;
    let columns = obstacle.pose.rotation.to_cols_array();
    let turn = DMat3::from_cols_array(&columns.map(|x| x.abs().round()));
    columns.iter().all(whole).then(|| turn * half_extents)
}

fn pack_pose(pose: &Pose) -> ([[f32; 3]; 3], [f32; 3]) {
    let rows = pose.rotation.transpose().to_cols_array_2d();
    (rows.map(|row| row.map(|x| x as f32)), pose.translation.as_vec3().to_array())
}

/// Gravity as the equations of a vehicle have it, where they do; else the problem's.
fn gravity(problem: &Problem) -> DVec3 {
    let of_base = problem.mechanism.vehicle().and_then(Base::gravity);
    of_base.map_or(problem.gravity, |gravity| -gravity * DVec3::Z)
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

/// Least radius of a packed sphere, metres: within a box the squared distance to it is zero, which is not
/// less than the square of no radius.
const LEAST_RADIUS: f32 = 1e-6;

fn pack_sphere(sphere: &Sphere) -> PackedSphere {
    let radius = (sphere.radius as f32).max(LEAST_RADIUS);
    PackedSphere { center: sphere.center.as_vec3().to_array(), radius }
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

/// What position limits are widened by: [`POSITION_SLACK`] of the greater of the two, rad or m.
pub fn position_slack(limits: &crate::robot::OutputLimits) -> f32 {
    let size = |bound: f64| if bound.is_finite() { bound.abs() as f32 } else { 0.0 };
    POSITION_SLACK * size(limits.lower).max(size(limits.upper))
}

/// Adds the mask of a pair of links, where it has one, and says where it begins.
fn pack_mask(m: &Mechanism, pair: [usize; 2], masks: &mut Vec<u32>) -> u32 {
    let always = m.always_touching(pair);
    if always.is_empty() {
        return NO_MASK;
    }
    let first = masks.len();
    let [rows, columns] = pair.map(|link| m.links[link].spheres.len());
    masks.resize(first + (rows * columns).div_ceil(32).next_multiple_of(MASK_ROW), 0);
    for [i, j] in always {
        let bit = i * columns + j;
        masks[first + bit / 32] |= 1 << (bit % 32);
    }
    first as u32
}

fn pack_limits(limits: &crate::robot::OutputLimits) -> PackedLimits {
    let slack = position_slack(limits);
    // A position that is not finite must break even a limit that is not there.
    PackedLimits {
        lower: (limits.lower as f32 - slack).max(f32::MIN),
        upper: (limits.upper as f32 + slack).min(f32::MAX),
        velocity: limits.velocity as f32 * (1.0 + LIMIT_SLACK),
        acceleration: limits.acceleration as f32 * (1.0 + LIMIT_SLACK),
        effort: limits.effort as f32 * (1.0 + LIMIT_SLACK),
    }
}

/// Per joint, an upper bound of how far any sphere moves for a unit of it, over all positions:
/// the distance of the sphere from the joint's axis is at most that of the next joint's origin
/// plus the lengths of all links between. Of a sphere its farthest point counts; on a vehicle, which
/// may be no more than a ball, its centre: what turns about that does not move.
pub(crate) fn reaches(m: &Mechanism) -> Vec<f32> {
    let mut reach = vec![0.0_f64; m.dof()];
    for link in m.links.iter().filter(|l| l.body != 0 && !l.spheres.is_empty()) {
        // The greatest distances of what counts from the body's origin and from its axis. What adds to
        // them on the way to the base is the same for all spheres.
        let (mut far, mut from_axis) = (0.0_f64, 0.0_f64);
        for sphere in &m.spheres[link.spheres.clone()] {
            let beyond = if m.vehicle().is_some() { 0.0 } else { sphere.radius };
            far = far.max(sphere.center.length() + beyond);
            from_axis = from_axis.max(sphere.center.truncate().length() + beyond);
        }
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
    reach.into_iter().map(|r| r as f32).collect()
}

/// States to check: position, velocity and acceleration of each output; of a vehicle, of each joint.
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
    ///
    /// # Panics
    /// If one of them does not.
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

/// Edges to check: polynomial trajectories of one or more segments, all of one degree. Those of a
/// vehicle that goes where it points are paths over any parameter, at whose time they fail if they do.
#[derive(Clone, Debug)]
pub struct EdgeBatch {
    dof: usize,
    degree: usize,
    heads: Vec<EdgeHead>,
    /// Duration of each segment, seconds.
    durations: Vec<f32>,
    /// `[segment][output][coefficient_stride]`, ascending powers of local time.
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
    /// `[segment][output][coefficient_stride]`.
    pub coefficients: &'a [f32],
    /// Degree of the polynomials: 3, 5 or 7.
    pub degree: usize,
}

impl EdgeBatch {
    /// An empty batch of edges of `dof` flat outputs ([`Mechanism::flat_dof`]), whose polynomials are of `degree` 3, 5 or 7, as
    /// steering of order 2, 3 or 4 makes them.
    ///
    /// # Panics
    /// If the degree is another.
    pub fn new(dof: usize, degree: usize) -> Self {
        assert!(matches!(degree, 3 | 5 | MAX_DEGREE), "edges are cubics, quintics or septics");
        Self { dof, degree, heads: Vec::new(), durations: Vec::new(), coefficients: Vec::new() }
    }

    /// Degree of the polynomials.
    pub fn degree(&self) -> usize {
        self.degree
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

    /// Appends the rest-to-rest edge between two positions, a straight line: every output follows
    /// the [`smooth_step`] of the batch's degree.
    ///
    /// # Panics
    /// If a position does not hold one value per output.
    pub fn push_at_rest(&mut self, from: &[f64], to: &[f64], duration: f64) {
        assert!(from.len() == self.dof && to.len() == self.dof, "one value per output");
        self.head(1, duration, true);
        self.durations.push(duration as f32);
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        let mut shares = [0.0; MAX_DEGREE + 1];
        let mut power = 1.0;
        for (share, step) in shares.iter_mut().zip(smooth_step(self.degree)) {
            *share = step * power;
            power *= rate;
        }
        let stride = coefficient_stride(self.degree);
        for (&a, &b) in from.iter().zip(to) {
            let d = b - a;
            self.coefficients.push(a as f32);
            self.coefficients.extend(shares[1..stride].iter().map(|share| (share * d) as f32));
        }
    }

    /// Appends an edge of one segment: `coefficients` is `[output][degree + 1]`, ascending powers.
    ///
    /// # Panics
    /// If it is not one polynomial per output, of no higher degree than the batch's.
    pub fn push(&mut self, duration: f64, coefficients: &[f64]) {
        self.head(1, duration, false);
        self.segment(duration, coefficients);
    }

    /// Appends a whole trajectory, of the batch's degree or a lower one, as one edge.
    ///
    /// # Panics
    /// If its degree is higher, or it is empty.
    pub fn push_trajectory(&mut self, trajectory: &Trajectory) {
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
        self.durations.push(duration as f32);
        let terms = coefficients.len() / self.dof;
        assert!(
            coefficients.len() == terms * self.dof && terms <= self.degree + 1,
            "one polynomial per output, of no higher degree"
        );
        let stride = coefficient_stride(self.degree);
        if terms == stride {
            self.coefficients.extend(coefficients.iter().map(|&c| c as f32));
            return;
        }
        for polynomial in coefficients.chunks_exact(terms) {
            self.coefficients.extend(polynomial.iter().map(|&c| c as f32));
            self.coefficients.extend(std::iter::repeat_n(0.0, stride - terms));
        }
    }

    /// A range of the edges, as a batch of their own.
    #[must_use]
    pub fn part(&self, edges: Range<usize>) -> Self {
        let mut heads = self.heads[edges].to_vec();
        let first = heads.first().map_or(0, |head| head.first);
        let end = heads.last().map_or(first, |head| head.first + head.segments);
        heads.iter_mut().for_each(|head| head.first -= first);
        let (durations, coefficients) = self.segments(first as usize..end as usize);
        let (durations, coefficients) = (durations.to_vec(), coefficients.to_vec());
        Self { dof: self.dof, degree: self.degree, heads, durations, coefficients }
    }

    /// All heads; their segments follow each other.
    pub fn heads(&self) -> &[EdgeHead] {
        &self.heads
    }

    /// Durations and coefficients of a range of segments.
    pub fn segments(&self, segments: Range<usize>) -> (&[f32], &[f32]) {
        let stride = self.dof * coefficient_stride(self.degree);
        let coefficients = segments.start * stride..segments.end * stride;
        (&self.durations[segments], &self.coefficients[coefficients])
    }

    /// The `i`th edge.
    pub fn get(&self, i: usize) -> Edge<'_> {
        let head = self.heads[i];
        let segments = head.first as usize..(head.first + head.segments) as usize;
        let stride = self.dof * coefficient_stride(self.degree);
        Edge {
            duration: head.duration,
            at_rest: head.at_rest != 0,
            durations: &self.durations[segments.clone()],
            coefficients: &self.coefficients[segments.start * stride..segments.end * stride],
            degree: self.degree,
        }
    }
}

impl<'a> Edge<'a> {
    /// Bound of how far any sphere travels over the edge (evenly along the path), or would at the
    /// speed of its fastest segment (evenly in time); `reach` is [`Packed::reach`].
    pub(super) fn travel(&self, reach: &[f32]) -> f32 {
        let dof = reach.len();
        if self.at_rest {
            // The first power that a step has after the constant term tells the way: D = c T^k / s.
            let first = self.degree.div_ceil(2);
            let way = |(output, reach): (usize, &f32)| reach * self.polynomial(0, output, dof)[first].abs();
            let share = self.duration.powi(first as i32) / smooth_step(self.degree)[first] as f32;
            return reach.iter().enumerate().map(way).sum::<f32>() * share;
        }
        // A sum of convex functions is greatest at an end.
        let segment_speed = |(segment, &t): (usize, &f32)| {
            let (mut first, mut last) = (0.0, 0.0);
            for (output, reach) in reach.iter().enumerate() {
                let [a, b] = speeds(self.polynomial(segment, output, dof), t);
                first += reach * a;
                last += reach * b;
            }
            first.max(last)
        };
        self.durations.iter().enumerate().map(segment_speed).fold(0.0, f32::max) * self.duration
    }

    /// The polynomial of one output in one segment, ascending powers of local time, zeros after
    /// those of its degree.
    #[inline(always)]
    pub fn polynomial(&self, segment: usize, output: usize, dof: usize) -> &'a [f32] {
        let stride = coefficient_stride(self.degree);
        let at = (segment * dof + output) * stride;
        &self.coefficients[at..at + stride]
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
        self.duration * sample_share(rake, tooth, rakes, self.at_rest.then_some(self.degree))
    }
}

/// The share of an edge's duration at which sample number `tooth` of a rake is taken; `at_rest` is the
/// degree of an edge from rest to rest.
pub fn sample_share(rake: usize, tooth: usize, rakes: usize, at_rest: Option<usize>) -> f32 {
    let u = (tooth * rakes + rake) as f32 * (1.0 / (rakes * RAKE - 1) as f32);
    at_rest.map_or(u, |degree| even_along_path(u, degree))
}

/// Values at both ends of a convex function that the speed of a polynomial does not exceed within
/// `duration`: of a quadratic the speed itself, else the same bound at both.
fn speeds(polynomial: &[f32], duration: f32) -> [f32; 2] {
    match *polynomial {
        [_, c1, c2, 0.0] => [c1.abs(), (c1 + 2.0 * c2 * duration).abs()],
        _ => [greatest_speed(polynomial, duration); 2],
    }
}

/// A bound of the speed of a polynomial within `duration`; of a cubic, its greatest speed.
fn greatest_speed(polynomial: &[f32], duration: f32) -> f32 {
    let &[_, c1, c2, c3] = polynomial else { return speed_bound(polynomial, duration) };
    let speed = |t: f32| (c1 + t * (2.0 * c2 + t * 3.0 * c3)).abs();
    let ends = c1.abs().max(speed(duration));
    if c3 == 0.0 {
        return ends;
    }
    let vertex = -c2 / (3.0 * c3);
    if vertex > 0.0 && vertex < duration { ends.max(speed(vertex)) } else { ends }
}

/// The greatest Bernstein coefficient of a septic's derivative over either half of `duration`: no
/// speed is greater.
fn speed_bound(septic: &[f32], duration: f32) -> f32 {
    const N: usize = MAX_DEGREE;
    let mut b = [0.0; N];
    let mut power = 1.0;
    for (i, b) in b.iter_mut().enumerate() {
        // Over (N - 1 choose i), these are the differences of the coefficients.
        let choose = (0..i).fold(1.0, |c, k| c * (N - 1 - k) as f32 / (k + 1) as f32);
        *b = (i + 1) as f32 * septic[i + 1] * power / choose;
        power *= duration;
    }
    for done in 0..N {
        for i in (done + 1..N).rev() {
            b[i] += b[i - 1];
        }
    }
    // De Casteljau at one half: the first number of every round is one half's, the last the other's.
    let mut bound = b[0].abs().max(b[N - 1].abs());
    for left in (1..N).rev() {
        for i in 0..left {
            b[i] = 0.5 * (b[i] + b[i + 1]);
        }
        bound = bound.max(b[0].abs()).max(b[left - 1].abs());
    }
    bound
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

/// From 0 to 1 over the unit interval with all derivatives zero at both ends that a polynomial of
/// `degree` can have so: 3 x^2 - 2 x^3, 10 x^3 - 15 x^4 + 6 x^5 or 35 x^4 - 84 x^5 + 70 x^6 - 20 x^7.
pub const fn smooth_step(degree: usize) -> [f64; MAX_DEGREE + 1] {
    match degree {
        3 => [0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.0, 0.0],
        5 => [0.0, 0.0, 0.0, 10.0, -15.0, 6.0, 0.0, 0.0],
        _ => [0.0, 0.0, 0.0, 0.0, 35.0, -84.0, 70.0, -20.0],
    }
}

/// Cells of the table of [`even_along_path`].
const EVEN_CELLS: usize = 256;

/// Of each degree's table, when it is first asked for.
type EvenTable = LazyLock<[f32; EVEN_CELLS + 2]>;

/// For an odd degree, the share of the duration after which a rest-to-rest edge has gone each 256th
/// of its way, and one entry more: the inverse of [`smooth_step`].
pub fn even_along_path_table(degree: usize) -> &'static [f32; EVEN_CELLS + 2] {
    fn table<const DEGREE: usize>() -> [f32; EVEN_CELLS + 2] {
        let step = smooth_step(DEGREE);
        std::array::from_fn(|i| inverse_step(&step, i) as f32)
    }
    static TABLES: [EvenTable; 3] =
        [EvenTable::new(table::<3>), EvenTable::new(table::<5>), EvenTable::new(table::<MAX_DEGREE>)];
    &TABLES[degree / 2 - 1]
}

/// Where a smooth step reaches `i` 256ths, by bisection: it ascends.
fn inverse_step(step: &[f64], i: usize) -> f64 {
    let wanted = (i as f64 / EVEN_CELLS as f64).min(1.0);
    if wanted == 1.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        let reached = step.iter().rev().fold(0.0, |sum, c| sum * middle + c);
        if reached < wanted { low = middle } else { high = middle }
    }
    low
}

/// The share of the duration after which a rest-to-rest edge has gone the share `u` of its way,
/// between the points of the table (it need not be exact, only even).
fn even_along_path(u: f32, degree: usize) -> f32 {
    let table = even_along_path_table(degree);
    let x = u * EVEN_CELLS as f32;
    let cell = (x as usize).min(EVEN_CELLS);
    let (a, b) = (table[cell], table[cell + 1]);
    (a + (b - a) * (x - cell as f32)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::FlatState;
    use proptest::prelude::*;
    use rand::SeedableRng;

    /// A polynomial in a batch, its terms above `degree` being zeros.
    fn polynomial() -> impl Strategy<Value = (usize, Vec<f32>)> {
        (prop_oneof![Just(2), Just(3), Just(5), Just(7)], prop::collection::vec(-2.0_f32..2.0, 8)).prop_map(
            |(degree, mut c)| {
                c.truncate(coefficient_stride(degree));
                c[degree + 1..].fill(0.0);
                (degree, c)
            },
        )
    }

    proptest! {
        /// No sample is faster than the bound, which is not far above the fastest.
        #[test]
        fn speeds_are_bounded((degree, c) in polynomial(), duration in 0.1_f32..2.0) {
            let wide: Vec<f64> = c.iter().map(|&c| c.into()).collect();
            let speed = |k: i32| {
                crate::trajectory::derivative(&wide, 1, f64::from(duration) * f64::from(k) / 500.0).abs()
            };
            let fastest = (0..=500).map(speed).fold(0.0, f64::max);
            let bound = f64::from(greatest_speed(&c, duration));
            let [first, last] = speeds(&c, duration).map(f64::from);
            for k in 0..=500 {
                let share = f64::from(k) / 500.0;
                let chord = first + share * (last - first);
                prop_assert!(chord >= speed(k) * (1.0 - 1e-5) - 1e-6, "{} below {}", chord, speed(k));
            }
            prop_assert!(bound >= fastest * (1.0 - 1e-5) - 1e-6, "{} below {}", bound, fastest);
            let size: f64 = (1..=degree).map(|k| k as f64 * wide[k].abs() * f64::from(duration).powi(k as i32 - 1)).sum();
            prop_assert!(bound <= size * (1.0 + 1e-5) + 1e-6, "{} above {}", bound, size);
        }

        /// From rest to rest the samples of every degree are spread evenly along the way, which they cover.
        #[test]
        fn rest_to_rest_is_sampled_evenly(degree in prop_oneof![Just(3), Just(5), Just(7)], way in 0.1..3.0_f64, duration in 0.2..3.0) {
            let mut batch = EdgeBatch::new(1, degree);
            batch.push_at_rest(&[0.3], &[0.3 + way], duration);
            let edge = batch.get(0);
            prop_assert!((f64::from(edge.travel(&[2.0])) - 2.0 * way).abs() < 1e-4);
            let c: Vec<f64> = edge.polynomial(0, 0, 1).iter().map(|&c| c.into()).collect();
            let at = |tooth| crate::trajectory::derivative(&c, 0, f64::from(edge.sample_time(0, tooth, 1)));
            for tooth in 0..RAKE {
                let expected = 0.3 + way * tooth as f64 / (RAKE - 1) as f64;
                prop_assert!((at(tooth) - expected).abs() < 2e-3 * way, "{} {}", at(tooth), expected);
            }
        }
    }

    /// However long an edge is, devices can count its rakes.
    #[test]
    fn rakes_are_counted_in_sixteen_bits() {
        let mechanism = crate::robot::random::mechanism(&mut SeedableRng::seed_from_u64(3), 2);
        let still = FlatState::at_rest(vec![0.0; mechanism.dof()]);
        let problem = Problem {
            mechanism,
            world: crate::world::World { obstacles: Vec::new() },
            goals: vec![still.clone()],
            start: still,
            smoothness: crate::problem::Smoothness::Acceleration,
            torque: false,
            gravity: crate::problem::GRAVITY,
        };
        let packed = Packed::new(&problem, 0.05);
        let dof = packed.dof();
        let rakes = |way: f64| {
            let mut batch = EdgeBatch::new(dof, 3);
            batch.push_at_rest(&vec![0.0; dof], &vec![way; dof], 1.0);
            packed.rakes(&batch.get(0))
        };
        assert!(rakes(1e2) < rakes(1e4));
        assert_eq!(rakes(1e9), 62_501);
        assert_eq!(rakes(1e30), 62_501);
    }

    #[test]
    fn lower_degrees_are_filled_up() {
        let mut line = Trajectory::new(2, 1);
        line.push(1.0, &[1.0, 2.0, 3.0, 4.0]);
        for degree in [3, 5, 7] {
            let mut batch = EdgeBatch::new(2, degree);
            batch.push_trajectory(&line);
            let edge = batch.get(0);
            assert_eq!(edge.polynomial(0, 1, 2)[..4], [3.0, 4.0, 0.0, 0.0]);
            assert_eq!(edge.polynomial(0, 1, 2).len(), coefficient_stride(degree));
        }
    }
}

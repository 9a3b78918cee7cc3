//! The world in the packed form: obstacles kind by kind, and the nodes of the hierarchy over them.

use crate::pose::Pose;
use crate::world::{Obstacle, Shape};
use bytemuck::{Pod, Zeroable};
use glam::{DMat3, DVec3, Mat3};

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

impl PackedWorld {
    /// Packs obstacles.
    pub(in super::super) fn new(obstacles: &[Obstacle]) -> Self {
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

pub(super) fn pack_pose(pose: &Pose) -> ([[f32; 3]; 3], [f32; 3]) {
    let rows = pose.rotation.transpose().to_cols_array_2d();
    (rows.map(|row| row.map(|x| x as f32)), pose.translation.as_vec3().to_array())
}

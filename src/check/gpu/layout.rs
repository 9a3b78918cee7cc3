//! The packed form as shaders read it: plain old data in WGSL's layout. Sizes and offsets are
//! asserted here, and compared with the shaders' own by a test. Imports `check::packed`.

use super::super::packed::{
    Packed, PackedBody, PackedLink, PackedNode, PackedObstacle, PackedWorld, even_along_path_tables,
};
use bytemuck::{Pod, Zeroable};
use std::mem::{offset_of, size_of};

/// Words that a pose takes in a thread's memory (`POSE_WORDS` in `place.wgsl`).
pub(super) const POSE_WORDS: usize = 9;
/// Words that a body's motion and load take in a thread's memory (`MOTION_WORDS` in `limits.wgsl`).
pub(super) const MOTION_WORDS: usize = 15;
/// Obstacles from which on a device walks over the hierarchy. Fewer it tests one after the other: all
/// threads then read the same one at the same time, while in a walk each goes its own way.
const HIERARCHY_FROM: usize = 24;
/// Entries of each table of `even_along_path`, filled up to whole vectors.
const EVEN: usize = 260;

/// `Problem`, without the tables behind it.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Problem {
    pub outputs: u32,
    pub bodies: u32,
    pub links: u32,
    pub moving_links: u32,
    pub pairs: u32,
    pub torque: u32,
    pub spheres_end: u32,
    pub cuboids_end: u32,
    pub capsules_end: u32,
    pub cylinders_end: u32,
    pub half_spaces_end: u32,
    pub nodes: u32,
    pub gravity: [f32; 3],
    pad_gravity: u32,
    pub even: [[f32; EVEN]; 3],
}

/// `Body`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Body {
    pub placement: [[f32; 4]; 3],
    pub com: [f32; 3],
    pub mass: f32,
    pub moments: [f32; 3],
    pub ratio: f32,
    pub products: [f32; 3],
    pub offset: f32,
    pub parent: u32,
    pub motion: u32,
    pub output: u32,
    pad: u32,
}

/// `Link`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Link {
    pub bound: [f32; 4],
    pub body: u32,
    pub first: u32,
    pub end: u32,
    pub index: u32,
}

/// `Obstacle`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Obstacle {
    pub to_local: [[f32; 4]; 3],
    pub size: [f32; 3],
    pub index: u32,
}

/// What stands before the rows of a `Batch`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct BatchHeader {
    pub count: u32,
    pub padding: f32,
    pub durations: u32,
    pub degree: u32,
}

/// An edge's first row in a `Batch`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Head {
    pub first: u32,
    pub segments: u32,
    pub duration: f32,
    pub rakes: u32,
}

/// A row of a `Batch`: four numbers.
pub(super) const ROW: usize = 16;
/// Bytes before the verdicts of a `Report`: the number of states examined.
pub(super) const REPORT_HEADER: usize = 4;

const _: () = {
    assert!(
        size_of::<Problem>() == 3184 && offset_of!(Problem, gravity) == 48 && offset_of!(Problem, even) == 64
    );
    assert!(size_of::<Body>() == 112 && offset_of!(Body, com) == 48 && offset_of!(Body, parent) == 96);
    assert!(size_of::<Link>() == 32 && offset_of!(Link, body) == 16);
    assert!(size_of::<Obstacle>() == 64 && offset_of!(Obstacle, size) == 48);
    assert!(size_of::<BatchHeader>() == ROW && size_of::<Head>() == ROW);
    assert!(size_of::<super::super::Verdict>() == 16);
};

impl Problem {
    pub(super) fn new(packed: &Packed) -> Self {
        let world = &packed.world;
        let mut end = 0;
        let mut past = |list: &[PackedObstacle]| {
            end += list.len() as u32;
            end
        };
        let mut even = [[0.0; EVEN]; 3];
        for (even, table) in even.iter_mut().zip(even_along_path_tables()) {
            even[..table.len()].copy_from_slice(table);
        }
        Self {
            outputs: packed.dof() as u32,
            bodies: packed.bodies.len() as u32,
            links: packed.links.len() as u32,
            moving_links: packed.moving_links as u32,
            pairs: packed.pairs.len() as u32,
            torque: u32::from(packed.torque),
            spheres_end: past(&world.spheres),
            cuboids_end: past(&world.cuboids),
            capsules_end: past(&world.capsules),
            cylinders_end: past(&world.cylinders),
            half_spaces_end: past(&world.half_spaces),
            nodes: nodes(packed).len() as u32,
            gravity: packed.gravity,
            pad_gravity: 0,
            even,
        }
    }
}

impl BatchHeader {
    pub(super) fn new(count: usize, padding: f32, durations: usize, degree: usize) -> Self {
        Self { count: count as u32, padding, durations: durations as u32, degree: degree as u32 }
    }
}

/// Rows of a rotation with the translation in the fourth column.
fn rows(rotation: [[f32; 3]; 3], translation: [f32; 3]) -> [[f32; 4]; 3] {
    std::array::from_fn(|i| [rotation[i][0], rotation[i][1], rotation[i][2], translation[i]])
}

impl From<&PackedBody> for Body {
    fn from(b: &PackedBody) -> Self {
        let [xx, yy, zz, xy, xz, yz] = b.inertia;
        Self {
            placement: rows(b.rotation, b.translation),
            com: b.com,
            mass: b.mass,
            moments: [xx, yy, zz],
            ratio: b.ratio,
            products: [yz, xz, xy],
            offset: b.offset,
            parent: b.parent,
            motion: b.motion,
            output: b.output,
            pad: 0,
        }
    }
}

impl From<&PackedLink> for Link {
    fn from(l: &PackedLink) -> Self {
        let [x, y, z] = l.bound.center;
        Self { bound: [x, y, z, l.bound.radius], body: l.body, first: l.first, end: l.end, index: l.index }
    }
}

impl From<&PackedObstacle> for Obstacle {
    fn from(o: &PackedObstacle) -> Self {
        Self { to_local: rows(o.rotation, o.translation), size: o.size, index: o.index }
    }
}

/// All obstacles, kind by kind.
pub(super) fn obstacles(world: &PackedWorld) -> Vec<Obstacle> {
    let PackedWorld { spheres, cuboids, capsules, cylinders, half_spaces } = world;
    [spheres, cuboids, capsules, cylinders, half_spaces].into_iter().flatten().map(Obstacle::from).collect()
}

/// The nodes that a device walks over.
fn nodes(packed: &Packed) -> &[PackedNode] {
    let bounded = packed.world.len() - packed.world.half_spaces.len();
    if bounded < HIERARCHY_FROM { &[] } else { &packed.hierarchy }
}

/// Rows of pairs of links, of limits, and of nodes.
pub(super) fn tables(packed: &Packed) -> Vec<[u32; 4]> {
    let pairs = packed.pairs.chunks(2).map(|two| {
        let [a, b] = two[0];
        let [c, d] = two.get(1).copied().unwrap_or_default();
        [a, b, c, d]
    });
    // WGSL promises nothing about infinities.
    let finite = |x: f32| x.clamp(f32::MIN, f32::MAX).to_bits();
    let limits = packed.limits.iter().flat_map(|l| {
        let first = [l.lower, l.upper, l.velocity, l.acceleration].map(finite);
        [first, [finite(l.effort), 0, 0, 0]]
    });
    let nodes = nodes(packed).iter().flat_map(|node| {
        let row = |corner: [f32; 3], last| {
            let [x, y, z] = corner.map(f32::to_bits);
            [x, y, z, last]
        };
        [row(node.lower, node.skip), row(node.upper, node.obstacle)]
    });
    pairs.chain(limits).chain(nodes).collect()
}

/// Numbers that a thread keeps while it works on a sample: poses, then the centres of bounds or, in
/// their place, what inverse dynamics needs.
pub(super) fn words(packed: &Packed) -> usize {
    let moving = packed.bodies.len() - 1;
    let bounds = 3 * packed.links.len();
    let dynamics = if packed.torque { MOTION_WORDS * moving + packed.dof() } else { 0 };
    POSE_WORDS * moving + bounds.max(dynamics)
}

//! The packed form as shaders read it: plain old data in WGSL's layout. Sizes and offsets are
//! asserted here, and compared with the shaders' own by a test. Imports `check::packed`.

use super::super::packed::{
    MASK_ROW, MAX_DEGREE, NO_MASK, Packed, PackedBody, PackedLink, PackedNode, PackedObstacle, PackedPair,
    PackedWorld, even_along_path_table,
};
use bytemuck::{Pod, Zeroable};
use std::collections::HashMap;
use std::mem::{offset_of, size_of};

/// Words that a pose takes in a thread's memory (`POSE_WORDS` in `place.wgsl`).
pub(super) const POSE_WORDS: usize = 9;
/// Words that a body's motion and load take in a thread's memory (`MOTION_WORDS` in `limits.wgsl`).
pub(super) const MOTION_WORDS: usize = 15;
/// Obstacles from which on a device walks over the hierarchy. Fewer it tests one after the other: all
/// threads then read the same one at the same time, while in a walk each goes its own way.
const HIERARCHY_FROM: usize = 24;
/// Rows of each table of `even_along_path` (`EVEN_ROWS` in `problem.wgsl`).
pub(super) const EVEN_ROWS: usize = 65;

/// A row of the tables or of a `Batch`: four numbers.
pub(super) type Row = [u32; 4];
/// Its size, bytes.
pub(super) const ROW: usize = size_of::<Row>();

// Masks are rows.
const _: () = assert!(MASK_ROW * size_of::<u32>() == ROW);

/// `Problem`.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Problem {
    pub outputs: u32,
    pub bodies: u32,
    pub links: u32,
    pub moving_links: u32,
    pub pairs: u32,
    pub torque: u32,
    pub nodes: u32,
    pub first_body: u32,
    pub first_link: u32,
    pub pair_rows: u32,
    pub limit_rows: u32,
    pub node_rows: u32,
    pub gravity: [f32; 3],
    pub first_obstacle: u32,
    pub spheres_end: u32,
    pub cuboids_end: u32,
    pub capsules_end: u32,
    pub cylinders_end: u32,
    pub half_spaces_end: u32,
    pub flat_outputs: u32,
    pub base_row: u32,
    pad: u32,
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
    pub padding: f32,
    /// Row of its first cluster.
    pub clusters: u32,
    pad: [u32; 2],
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
    pad: [u32; 3],
}

/// Where in a head's number of the problem the degree begins.
pub(crate) const DEGREE_SHIFT: u32 = 28;

/// `Head`, as two rows of a `Batch`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Head {
    pub row: u32,
    pub segments: u32,
    pub duration: f32,
    pub rakes: u32,
    /// Number of the problem; the degree of the polynomials from bit [`DEGREE_SHIFT`] on.
    pub problem: u32,
    pub padding: f32,
    pub durations: u32,
    pub clearance: f32,
}

const _: () = {
    assert!(size_of::<Problem>() == 96 && offset_of!(Problem, gravity) == 48);
    assert!(size_of::<Body>() == 112 && offset_of!(Body, com) == 48 && offset_of!(Body, parent) == 96);
    assert!(size_of::<Link>() == 48 && offset_of!(Link, body) == 16);
    assert!(size_of::<Obstacle>() == 64 && offset_of!(Obstacle, size) == 48);
    assert!(size_of::<BatchHeader>() == ROW && size_of::<Head>() == 2 * ROW);
    assert!(size_of::<super::super::Verdict>() == 16);
};

/// Everything that the problems of a device are made of, in the order of the bindings.
#[derive(Default)]
pub(super) struct Tables {
    pub problems: Vec<Problem>,
    pub bodies: Vec<Body>,
    pub links: Vec<Link>,
    pub obstacles: Vec<Obstacle>,
    pub rows: Vec<Row>,
    /// Where each robot is, by what it is made of: problems of the same robot share it.
    robots: HashMap<Vec<u8>, Robot>,
}

/// Where a robot's parts begin.
#[derive(Clone, Copy)]
struct Robot {
    body: u32,
    link: u32,
    pairs: u32,
    limits: u32,
    /// 0 where it is no vehicle: there stand other rows.
    base: u32,
}

impl Tables {
    /// The tables of some problems.
    pub(super) fn new<'a>(problems: impl IntoIterator<Item = &'a Packed>) -> Self {
        let mut tables = Self::default();
        for table in [3, 5, MAX_DEGREE].map(even_along_path_table) {
            let mut even = [0.0; 4 * EVEN_ROWS];
            even[..table.len()].copy_from_slice(table);
            tables.rows.extend_from_slice(bytemuck::cast_slice(&even));
        }
        problems.into_iter().for_each(|packed| tables.push(packed));
        tables
    }

    fn push(&mut self, packed: &Packed) {
        let robot = self.robot(packed);
        let world = &packed.world;
        let first_obstacle = self.obstacles.len() as u32;
        self.obstacles.extend(obstacles(world));
        let mut end = first_obstacle;
        let mut past = |list: &[PackedObstacle]| {
            end += list.len() as u32;
            end
        };
        let nodes = nodes(packed);
        let node_rows = self.rows.len() as u32;
        self.rows.extend(nodes.iter().flat_map(node_pair));
        self.problems.push(Problem {
            outputs: packed.dof() as u32,
            bodies: packed.bodies.len() as u32,
            links: packed.links.len() as u32,
            moving_links: packed.moving_links as u32,
            pairs: packed.pairs.len() as u32,
            torque: u32::from(packed.torque),
            nodes: nodes.len() as u32,
            first_body: robot.body,
            first_link: robot.link,
            pair_rows: robot.pairs,
            limit_rows: robot.limits,
            node_rows,
            gravity: packed.gravity,
            first_obstacle,
            spheres_end: past(&world.spheres),
            cuboids_end: past(&world.cuboids),
            capsules_end: past(&world.capsules),
            cylinders_end: past(&world.cylinders),
            half_spaces_end: past(&world.half_spaces),
            flat_outputs: packed.flat_dof() as u32,
            base_row: robot.base,
            pad: 0,
        });
    }

    /// Finds a problem's robot, or adds it.
    fn robot(&mut self, packed: &Packed) -> Robot {
        let Packed { bodies, links, spheres, clusters, pairs, masks, limits, base, .. } = packed;
        let base = base.as_slice();
        // The counts tell apart what would be the same numbers, cut otherwise.
        let counts = [bodies.len(), links.len(), spheres.len(), pairs.len(), masks.len(), limits.len()];
        let parts: [&[u8]; 8] = [
            bytemuck::cast_slice(&counts),
            bytemuck::cast_slice(bodies),
            bytemuck::cast_slice(links),
            bytemuck::cast_slice(spheres),
            bytemuck::cast_slice(pairs),
            bytemuck::cast_slice(masks),
            bytemuck::cast_slice(limits),
            bytemuck::cast_slice(base),
        ];
        let made_of = parts.concat();
        if let Some(&known) = self.robots.get(&made_of) {
            return known;
        }
        let (body, link) = (self.bodies.len() as u32, self.links.len() as u32);
        let sphere = self.rows.len() as u32;
        self.bodies.extend(bodies.iter().map(Body::from));
        let cluster = sphere + spheres.len() as u32;
        self.links.extend(links.iter().map(|link| Link::new(link, sphere, cluster)));
        self.rows.extend_from_slice(bytemuck::cast_slice(spheres));
        self.rows.extend_from_slice(bytemuck::cast_slice(clusters));
        let mask_rows = self.rows.len() as u32;
        self.rows.extend_from_slice(bytemuck::cast_slice(masks));
        let pair_rows = self.rows.len() as u32;
        self.rows.extend(pairs.iter().map(|&PackedPair { links: [a, b], mask }| {
            let [one, other] = [a, b].map(|link| links[link as usize].bound.radius);
            // Row 0 is never a mask's: other tables stand there.
            let mask = if mask == NO_MASK { 0 } else { mask_rows + mask / MASK_ROW as u32 };
            [a, b, (one + other).to_bits(), mask]
        }));
        let limit_rows = self.rows.len() as u32;
        // WGSL promises nothing about infinities.
        let finite = |x: f32| x.clamp(f32::MIN, f32::MAX).to_bits();
        self.rows.extend(limits.iter().flat_map(|l| {
            let first = [l.lower, l.upper, l.velocity, l.acceleration].map(finite);
            [first, [finite(l.effort), 0, 0, 0]]
        }));
        let base_row = if base.is_empty() { 0 } else { self.rows.len() as u32 };
        self.rows.extend_from_slice(bytemuck::cast_slice(base));
        let robot = Robot { body, link, pairs: pair_rows, limits: limit_rows, base: base_row };
        self.robots.insert(made_of, robot);
        robot
    }
}

impl BatchHeader {
    pub(super) fn new(count: usize) -> Self {
        Self { count: count as u32, pad: [0; 3] }
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

impl Link {
    /// A link of a robot whose spheres, and the balls around their clusters, begin at these rows.
    fn new(l: &PackedLink, spheres: u32, clusters: u32) -> Self {
        let [x, y, z] = l.bound.center;
        let (first, end) = (spheres + l.first, spheres + l.end);
        let bound = [x, y, z, l.bound.radius];
        let clusters = clusters + l.clusters;
        Self { bound, body: l.body, first, end, index: l.index, padding: l.padding, clusters, pad: [0; 2] }
    }
}

impl From<&PackedObstacle> for Obstacle {
    fn from(o: &PackedObstacle) -> Self {
        Self { to_local: rows(o.rotation, o.translation), size: o.size, index: o.index }
    }
}

/// All obstacles, kind by kind.
fn obstacles(world: &PackedWorld) -> impl Iterator<Item = Obstacle> {
    let PackedWorld { spheres, cuboids, aligned: _, capsules, cylinders, half_spaces } = world;
    [spheres, cuboids, capsules, cylinders, half_spaces].into_iter().flatten().map(Obstacle::from)
}

/// Whether a device walks over the hierarchy of a world.
pub(super) fn walks(packed: &Packed) -> bool {
    packed.world.len() - packed.world.half_spaces.len() >= HIERARCHY_FROM
}

/// The nodes that a device walks over.
fn nodes(packed: &Packed) -> &[PackedNode] {
    if walks(packed) { &packed.hierarchy } else { &[] }
}

fn node_pair(node: &PackedNode) -> [Row; 2] {
    let row = |corner: [f32; 3], last| {
        let [x, y, z] = corner.map(f32::to_bits);
        [x, y, z, last]
    };
    [row(node.lower, node.skip), row(node.upper, node.obstacle)]
}

/// What kernels must be able to do for some problems.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needs {
    /// Numbers that a thread keeps, at most.
    pub words: usize,
    /// Whether there are vehicles among them.
    pub vehicles: bool,
}

impl Needs {
    pub(super) fn of(problems: &[Packed]) -> Self {
        Self {
            words: problems.iter().map(words).max().unwrap_or(0),
            vehicles: problems.iter().any(|packed| packed.base.is_some()),
        }
    }
}

/// Numbers that a thread keeps while it works on a sample: poses, then the centres of bounds or, in
/// their place, what inverse dynamics needs; and the coordinates of a vehicle's base.
fn words(packed: &Packed) -> usize {
    let moving = packed.bodies.len() - 1;
    let bounds = 3 * packed.links.len();
    let dynamics = if packed.torque { MOTION_WORDS * moving + packed.dof() } else { 0 };
    let coordinates = packed.base.map_or(0, |base| base.coordinates as usize);
    POSE_WORDS * moving + bounds.max(dynamics) + coordinates
}

#[cfg(test)]
mod tests {
    use super::super::probe;
    use super::*;

    /// Problems of one robot share its tables, and each has its own world.
    #[test]
    fn robots_are_shared_and_worlds_are_not() {
        let problem = probe::problem();
        let mut other = problem.clone();
        other.world.obstacles.truncate(2);
        let mut heavier = problem.clone();
        heavier.mechanism.bodies[1].inertia.mass += 1.0;
        let packed = [&problem, &other, &heavier].map(|p| Packed::new(p, 0.05));
        let tables = Tables::new(&packed);
        assert_eq!(tables.bodies.len(), 2 * packed[0].bodies.len());
        let [one, two, three] = tables.problems[..] else { panic!("three problems") };
        assert_eq!(
            (one.first_body, one.first_link, one.pair_rows),
            (two.first_body, two.first_link, two.pair_rows)
        );
        assert_ne!(one.first_body, three.first_body);
        assert_eq!(two.first_obstacle, one.half_spaces_end);
        assert_eq!(two.half_spaces_end - two.first_obstacle, 2);
        assert_eq!(tables.obstacles.len(), 5 + 2 + 5);
    }
}

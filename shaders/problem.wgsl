// What every stage reads: problems, a batch of their edges or states, and where verdicts go. The
// layouts are those of src/check/gpu/layout.rs, which a test compares with these.

// Threads per workgroup.
override WORKGROUP: u32;
// Spheres of a link in a cluster, but for the last.
override CLUSTER: u32;
// Whether any of the problems is a vehicle's: kernels for arms alone need not ask.
override VEHICLES: bool;

const FIXED = 0u;
const REVOLUTE = 1u;
const PRISMATIC = 2u;

// One of the problems on the device: how many of everything it has, and where that begins.
struct Problem {
    // Joints, which are the flat outputs too, except of a vehicle.
    outputs: u32,
    bodies: u32,
    links: u32,
    // Only these, the first, are tested against the world.
    moving_links: u32,
    pairs: u32,
    // 1 where efforts are checked.
    torque: u32,
    // Nodes of the hierarchy over the obstacles; 0 where there are so few that it does not pay.
    nodes: u32,
    first_body: u32,
    first_link: u32,
    // First rows of its pairs of links, limits and nodes in the tables.
    pair_rows: u32,
    limit_rows: u32,
    node_rows: u32,
    gravity: vec3f,
    first_obstacle: u32,
    // One past the last obstacle of each kind; each kind begins where the one before it ends.
    spheres_end: u32,
    cuboids_end: u32,
    capsules_end: u32,
    cylinders_end: u32,
    half_spaces_end: u32,
    // Flat outputs, and of a vehicle the first row of its base in the tables, else 0.
    flat_outputs: u32,
    base_row: u32,
}

struct Body {
    // Frame in the parent body's frame: rows of the rotation, the translation in w.
    placement: mat3x4f,
    // Centre of mass; inertia about it: xx, yy, zz, then yz, xz, xy.
    com: vec3f,
    mass: f32,
    moments: vec3f,
    // Joint position = ratio * output + offset.
    ratio: f32,
    products: vec3f,
    offset: f32,
    parent: u32,
    motion: u32,
    output: u32,
}

struct Link {
    // A ball (centre, radius) that holds all its spheres.
    bound: vec4f,
    body: u32,
    // Rows of its spheres in the tables, the end excluded.
    first: u32,
    end: u32,
    index: u32,
    // Added to its spheres where they are held against obstacles, metres.
    padding: f32,
    // Row of the ball around the first of its clusters, in which its spheres are in their order.
    clusters: u32,
}

struct Obstacle {
    // World to obstacle frame: rows of the rotation, the translation in w.
    to_local: mat3x4f,
    // Sphere: radius. Cuboid: half extents. Capsule, cylinder: radius, half length.
    size: vec3f,
    index: u32,
}

// A node of the hierarchy over the obstacles, in depth-first order.
struct Node {
    lower: vec3f,
    // The first node that is not below this one.
    skip: u32,
    upper: vec3f,
    // Of a leaf, counted from the problem's first; INNER for other nodes.
    obstacle: u32,
}

const INNER = 0xffffffffu;

struct Limits {
    lower: f32,
    upper: f32,
    velocity: f32,
    acceleration: f32,
    effort: f32,
}

// The head of an edge, or of a state.
struct Head {
    // Row of its polynomials.
    row: u32,
    // Twice the number of segments, plus 1 where the edge runs from rest to rest.
    segments: u32,
    duration: f32,
    // Number of rakes, and in the upper half the step from one rake to the next.
    rakes: u32,
    // Number of the problem; from bit DEGREE_SHIFT on the degree of the polynomials: 3, 5 or 7.
    problem: u32,
    // Added to every sphere, metres.
    padding: f32,
    // Where there are several segments: the durations of all, four to a row, from number
    // `durations % 4` of row `durations / 4`.
    durations: u32,
    // Added to every sphere beside the padding where it is held against obstacles, metres.
    clearance: f32,
}

// Not a uniform buffer: lavapipe compiles a kernel anew for every dispatch whose loops depend on one.
@group(0) @binding(0) var<storage, read> problems: array<Problem>;
@group(0) @binding(1) var<storage, read> bodies: array<Body>;
@group(0) @binding(2) var<storage, read> links: array<Link>;
@group(0) @binding(3) var<storage, read> obstacles: array<Obstacle>;
// What fits in rows of four stands in one buffer, since a stage may bind no more than eight. First
// EVEN_ROWS rows each for cubics, quintics and septics: the share of the duration after which a
// rest-to-rest edge has gone 0/256 ... 257/256 of its way. Then, by robot, spheres (centre, radius),
// balls around clusters of them, masks of pairs of links, these pairs, limits, two rows each, and the base of a vehicle (see base.wgsl); by world, nodes,
// two rows each.
@group(0) @binding(4) var<storage, read> tables: array<vec4u>;
@group(0) @binding(5) var<storage, read> batch: Batch;
@group(0) @binding(6) var<storage, read_write> verdicts: array<Verdict>;

const EVEN_ROWS = 65u;

// Of the edge or state at hand: its problem, what is added to its spheres, and its degree.
var<private> problem: Problem;
var<private> padding: f32;
var<private> clearance: f32;
var<private> degree: u32;

// The first stage that a sample fails, and what fails there.
struct SampleVerdict {
    status: u32,
    subject: u32,
    other: u32,
}

const ALL_VALID = SampleVerdict(VALID, 0u, 0u);

fn body_at(i: u32) -> Body {
    return bodies[problem.first_body + i];
}

fn link_at(i: u32) -> Link {
    return links[problem.first_link + i];
}

fn sphere_at(row: u32) -> vec4f {
    return bitcast<vec4f>(tables[row]);
}

// Whether a link has more than one cluster of spheres.
fn is_clustered(link: Link) -> bool {
    return link.end - link.first > CLUSTER;
}

// The ball around the cluster of a link whose first sphere is this one.
fn cluster_at(link: Link, first: u32) -> vec4f {
    return sphere_at(link.clusters + (first - link.first) / CLUSTER);
}

// Two links, and how near their bounds come to touch, but for the padding; and the first row of the mask
// that says which of their spheres are left out, 0 where none are.
struct Pair {
    one: u32,
    other: u32,
    reach: f32,
    mask: u32,
}

fn pair(i: u32) -> Pair {
    let row = tables[problem.pair_rows + i];
    return Pair(row.x, row.y, bitcast<f32>(row.z), row.w);
}

// Whether a bit of a mask is set.
fn is_masked(mask: u32, bit: u32) -> bool {
    return mask != 0u && ((tables[mask + bit / 128u][(bit / 32u) % 4u] >> (bit % 32u)) & 1u) == 1u;
}

fn limits_of(output: u32) -> Limits {
    let at = problem.limit_rows + 2u * output;
    let first = bitcast<vec4f>(tables[at]);
    return Limits(first.x, first.y, first.z, first.w, bitcast<f32>(tables[at + 1u].x));
}

fn node(i: u32) -> Node {
    let at = problem.node_rows + 2u * i;
    let lower = tables[at];
    let upper = tables[at + 1u];
    return Node(bitcast<vec3f>(lower.xyz), lower.w, bitcast<vec3f>(upper.xyz), upper.w);
}

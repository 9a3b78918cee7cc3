// What every stage reads: a problem, a batch, and where verdicts go. The layouts are those of
// src/check/gpu/layout.rs, which a test compares with these.

// Samples per rake, and threads per workgroup.
override RAKE: u32;
override WORKGROUP: u32;

const VALID = 0u;
const WORLD = 1u;
const SELF_COLLISION = 2u;
const POSITION = 3u;
const VELOCITY = 4u;
const ACCELERATION = 5u;
const EFFORT = 6u;

const FIXED = 0u;
const REVOLUTE = 1u;
const PRISMATIC = 2u;

const EVEN_ROWS = 65u;

struct Problem {
    outputs: u32,
    bodies: u32,
    links: u32,
    // Only these, the first, are tested against the world.
    moving_links: u32,
    pairs: u32,
    // 1 where efforts are checked.
    torque: u32,
    // One past the last obstacle of each kind; each kind begins where the one before it ends.
    spheres_end: u32,
    cuboids_end: u32,
    capsules_end: u32,
    cylinders_end: u32,
    half_spaces_end: u32,
    // Nodes of the hierarchy over the others; 0 where there are so few that it does not pay.
    nodes: u32,
    gravity: vec3f,
    // Share of the duration after which a rest-to-rest edge has gone 0/256 ... 257/256 of its way: for
    // cubics, for quintics, for septics.
    even: array<vec4f, 3u * EVEN_ROWS>,
    // Pairs of links, two to a row; limits, two rows each; nodes, two rows each. They stand here since
    // a stage may bind no more than eight buffers.
    tables: array<vec4u>,
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
    // Its spheres, the end excluded.
    first: u32,
    end: u32,
    index: u32,
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
    // Of a leaf; INNER for other nodes.
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

// An edge's head; its polynomials and durations follow the heads of all edges.
struct Head {
    // First segment.
    first: u32,
    // Twice the number of segments, plus 1 where the edge runs from rest to rest.
    segments: u32,
    duration: f32,
    // Number of rakes, and in the upper half the step from one rake to the next.
    rakes: u32,
}

struct Batch {
    count: u32,
    // Added to every sphere, metres.
    padding: f32,
    // First row of durations.
    durations: u32,
    // Of the polynomials: 3, 5 or 7.
    degree: u32,
    // Edges: heads, polynomials `[segment][output]` in one row or two, durations four to a row.
    // States: `[state][output]`, each as the cubic that has these derivatives at time 0.
    rows: array<vec4u>,
}

struct Verdict {
    status: u32,
    time: f32,
    subject: u32,
    other: u32,
}

struct Report {
    // States examined, counting on from one batch to the next.
    states: atomic<u32>,
    verdicts: array<Verdict>,
}

// Not a uniform buffer: lavapipe compiles a kernel anew for every dispatch whose loops depend on one.
@group(0) @binding(0) var<storage, read> problem: Problem;
@group(0) @binding(1) var<storage, read> bodies: array<Body>;
@group(0) @binding(2) var<storage, read> links: array<Link>;
@group(0) @binding(3) var<storage, read> spheres: array<vec4f>;
@group(0) @binding(4) var<storage, read> obstacles: array<Obstacle>;
@group(0) @binding(5) var<storage, read> batch: Batch;
@group(0) @binding(6) var<storage, read_write> report: Report;

// The first stage that a sample fails, and what fails there.
struct Fault {
    status: u32,
    subject: u32,
    other: u32,
}

const NO_FAULT = Fault(VALID, 0u, 0u);

fn pair(i: u32) -> vec2u {
    let row = problem.tables[i / 2u];
    return select(row.xy, row.zw, (i & 1u) == 1u);
}

fn limits_row(output: u32) -> u32 {
    return (problem.pairs + 1u) / 2u + 2u * output;
}

fn limits_of(output: u32) -> Limits {
    let at = limits_row(output);
    let first = bitcast<vec4f>(problem.tables[at]);
    return Limits(first.x, first.y, first.z, first.w, bitcast<f32>(problem.tables[at + 1u].x));
}

fn node(i: u32) -> Node {
    let at = limits_row(problem.outputs) + 2u * i;
    let lower = problem.tables[at];
    let upper = problem.tables[at + 1u];
    return Node(bitcast<vec3f>(lower.xyz), lower.w, bitcast<vec3f>(upper.xyz), upper.w);
}

// What the stages of the wide search share: searches, their slots, trees and tables. The layouts are those of
// src/wide/layout.rs, which a test compares with these. A stage reads the trees as they were when its round began;
// `append` alone makes them grow, in the order of the slots, so that a search depends on its seed alone.

// See src/wide/gpu/kernels.rs, which sets these from what the search in lanes uses.
override STEPS: u32;
override DOMAIN: f32;
override SAME: f32;
override FORGIVEN: u32;
override MOST_HALVINGS: u32;
override TRIES: u32;
override SLOWER: f32;
override MOST_KNOTS: u32;

const THREADS = 64u;

// What becomes of a search.
const RUNNING = 0u;
const SOLVED = 1u;
const FULL = 2u;
const SPENT = 3u;

// What a slot is about.
const FREE = 0u;
const EXTEND = 1u;
const BEGIN = 2u;
const STEP = 3u;
const NOTHING = 4u;

// Which tree.
const START = 0u;
const GOAL = 1u;

struct Search {
    // Number of its problem in the tables of the check.
    problem: u32,
    outputs: u32,
    // Degree of its edges: 3 or 5.
    degree: u32,
    slots: u32,
    // Nodes that each of its trees has room for.
    capacity: u32,
    // First words of its outputs and of its roots in `tables`, of its trees in `arena`, and of the failures of its
    // nodes; and its first slot.
    table: u32,
    roots: u32,
    trees: u32,
    failures: u32,
    first_slot: u32,
    seed_low: u32,
    seed_high: u32,
    // Longest edge.
    range: f32,
    // What spheres are grown by, and beside that where they are held against obstacles, metres.
    padding: f32,
    clearance: f32,
    // Farthest that a sphere moves between two samples, metres.
    resolution: f32,
    most_samples: u32,
    status: u32,
    round: u32,
    samples: u32,
    start_size: u32,
    goal_size: u32,
    // The edge that joins the trees.
    start_near: u32,
    goal_near: u32,
    closing: f32,
    // Of row i: the number of the i-th search that is still running.
    running: u32,
    // Rows of a batch that the polynomials of an edge take, and words that a path takes; the same for all.
    edge_rows: u32,
    path_words: u32,
}

struct Slot {
    phase: u32,
    // The tree that its edge grows.
    side: u32,
    near: u32,
    // The node of the other tree that it is to reach.
    goal: u32,
    distance: f32,
    duration: f32,
    // How often its edge was made slower.
    tries: u32,
    pad: u32,
}

// Steps of rakes by their number; outputs, OUTPUT_WORDS each; positions of roots.
@group(0) @binding(0) var<storage, read> tables: array<f32>;
@group(0) @binding(1) var<storage, read_write> searches: array<Search>;
@group(0) @binding(2) var<storage, read_write> slots: array<Slot>;
// Of each search two trees, each with the positions of its nodes output by output, their parents and how long the way
// to their root takes; then where the edges of its slots lead to.
@group(0) @binding(3) var<storage, read_write> arena: array<u32>;
@group(0) @binding(4) var<storage, read_write> batch: Batch;
@group(0) @binding(5) var<storage, read> verdicts: array<Verdict>;
@group(0) @binding(6) var<storage, read_write> failures: array<atomic<u32>>;
// Of `tally`, how many workgroups the next round takes; of `trace`, paths.
@group(0) @binding(7) var<storage, read_write> report: array<u32>;

const OUTPUT_WORDS = 8u;

struct Output {
    lower: f32,
    width: f32,
    weight: f32,
    reach: f32,
    // Time that a unit of way takes by the limits of velocity; its square and cube by those of acceleration and jerk.
    linear: f32,
    square: f32,
    cube: f32,
}

fn output_of(search: Search, j: u32) -> Output {
    let at = search.table + OUTPUT_WORDS * j;
    return Output(tables[at], tables[at + 1u], tables[at + 2u], tables[at + 3u], tables[at + 4u], tables[at + 5u], tables[at + 6u]);
}

fn size_of(search: Search, side: u32) -> u32 {
    return select(search.goal_size, search.start_size, side == START);
}

fn tree_words(search: Search) -> u32 {
    return search.capacity * (search.outputs + 2u);
}

// First word of output j of a tree's positions; then those of parents and of costs.
fn positions(search: Search, side: u32, j: u32) -> u32 {
    return search.trees + side * tree_words(search) + j * search.capacity;
}

fn parents(search: Search, side: u32) -> u32 {
    return positions(search, side, search.outputs);
}

fn costs(search: Search, side: u32) -> u32 {
    return positions(search, side, search.outputs + 1u);
}

fn ends(search: Search, slot: u32) -> u32 {
    return search.trees + 2u * tree_words(search) + slot * search.outputs;
}

fn number(word: u32) -> f32 {
    return bitcast<f32>(arena[word]);
}

fn failures_of(search: Search, side: u32, node: u32) -> u32 {
    return search.failures + side * search.capacity + node;
}

// Which search an edge of the batch is of, and which of its slots.
struct Place {
    search: Search,
    i: u32,
}

fn place_of(edge: u32) -> Place {
    let all = searches[0].slots;
    return Place(searches[searches[edge / all].running], edge % all);
}

// Four random numbers of a counter: pcg4d of Jarzynski and Olano, *Hash functions for GPU rendering*, JCGT 2020.
fn random(counter: vec4u) -> vec4u {
    var v = counter * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4u(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// What those who make edges and the check of them agree on: a batch, and what is said of it.

// Samples per rake.
override RAKE: u32;
// Where in the number of a head's problem the degree begins.
override DEGREE_SHIFT: u32;

const VALID = 0u;
const WORLD = 1u;
const SELF_COLLISION = 2u;
const POSITION = 3u;
const VELOCITY = 4u;
const ACCELERATION = 5u;
const EFFORT = 6u;
const BASE = 7u;

struct Batch {
    count: u32,
    // Heads, two rows each; then, wherever the heads say, polynomials `[segment][output]`, in one row
    // or two, and durations. A state is the cubic that has its derivatives at time 0.
    rows: array<vec4u>,
}

struct Verdict {
    // The status, and from bit 8 on how many samples it took to find it, were they looked at in order.
    status: u32,
    time: f32,
    subject: u32,
    other: u32,
}

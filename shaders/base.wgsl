// Stage `unflatten` of vehicles: the flat outputs of the base to its coordinates, which are kept behind
// the centres of bounds, and to what the base limits. The maps are those of src/base, written out, each in
// a file of shaders/base of the same name, as in src/check/simd/base; quotients are guarded where they have
// no value.

const GROUND = 0u;
const TRAILER = 1u;
const AIRPLANE = 2u;
const PLANAR_QUADROTOR = 3u;
const QUADROTOR = 4u;
const OMNIDIRECTIONAL = 5u;

const PI = 3.14159265358979323846;
// Less than any length, rate or acceleration that matters.
const TINY = 1e-30;

// Rows of a base in the tables: kind, outputs, coordinates and bounded quantities; then these.
const CURVATURE_ROW = 1u;
const GROUND_ROW = 2u;
const INERTIA_ROW = 3u;
const MIXER_ROW = 4u;
const BOUNDS_ROW = 8u;

const NO_LIMIT = 0xffffffffu;

// Of a vehicle's edge: so many of the joints are the base's coordinates, so many have no limits of
// rates; and the first limit of the base that this thread's sample breaks.
var<private> coordinates: u32;
var<private> unlimited: u32;
var<private> broken_limit: u32 = NO_LIMIT;

fn coordinate_word(i: u32) -> u32 {
    return bound_word(problem.links) + i;
}

fn base_row(i: u32) -> vec4f {
    return bitcast<vec4f>(tables[problem.base_row + i]);
}

// Makes the joints of a vehicle's edge those at hand, after `unflatten_edge`.
fn unflatten_base() {
    coordinates = 0u;
    unlimited = 0u;
    broken_limit = NO_LIMIT;
    if problem.base_row == 0u {
        return;
    }
    let base = tables[problem.base_row];
    switch base.x {
        case GROUND: {
            ground();
        }
        case TRAILER: {
            trailer();
        }
        case AIRPLANE: {
            airplane();
        }
        case PLANAR_QUADROTOR: {
            planar_quadrotor();
        }
        case OMNIDIRECTIONAL: {
            omnidirectional();
        }
        default: {
            quadrotor();
        }
    }
    coordinates = base.z;
    unlimited = select(base.z, problem.outputs, base.x <= AIRPLANE);
    // From here on polynomials are counted by joints, of which those of the base have none.
    polynomials += (base.y - base.z) * polynomial_rows();
}

// Compares the `i`th of the bounded quantities, in order; one that is not `known` is out of bounds.
fn bound(i: u32, value: f32, known: bool) {
    let row = tables[problem.base_row + BOUNDS_ROW + i];
    let bounds = bitcast<vec2f>(row.xy);
    let held = known && value >= bounds.x && value <= bounds.y;
    if !held && broken_limit == NO_LIMIT {
        broken_limit = row.z;
    }
}

// Derivatives of a flat output: of orders 0 to 3, and the fourth.
struct Derivatives {
    low: vec4f,
    fourth: f32,
}

// A step of Horner's scheme for all of them at once, each divided by its factorial.
fn further(d: Derivatives, coefficient: f32) -> Derivatives {
    let low = fma(d.low, vec4f(local_time), vec4f(coefficient, d.low.xyz));
    return Derivatives(low, fma(d.fourth, local_time, d.low.w));
}

fn further_by_row(d: Derivatives, row: u32) -> Derivatives {
    let c = bitcast<vec4f>(batch.rows[row]);
    return further(further(further(further(d, c.w), c.z), c.y), c.x);
}

fn derivatives(output: u32) -> Derivatives {
    let row = polynomials + output * polynomial_rows();
    var d = Derivatives(vec4f(), 0.0);
    if degree > 3u {
        d = further_by_row(d, row + 1u);
    }
    d = further_by_row(d, row);
    return Derivatives(d.low * vec4f(1.0, 1.0, 2.0, 6.0), d.fourth * 24.0);
}

// Direction of (x, y), absolute error below 5e-7: the arc tangent of the lesser by the greater magnitude
// by a minimax polynomial, then reflections. 0 where both are zero.
fn direction(y: f32, x: f32) -> f32 {
    let ahead = abs(x);
    let aside = abs(y);
    let t = min(ahead, aside) / max(max(ahead, aside), TINY);
    let t2 = t * t;
    var p = fma(-4.355406e-3, t2, 2.3040137e-2);
    p = fma(p, t2, -5.7773592e-2);
    p = fma(p, t2, 9.794235e-2);
    p = fma(p, t2, -1.3976576e-1);
    p = fma(p, t2, 1.9962704e-1);
    p = fma(p, t2, -3.333166e-1);
    var angle = fma(t * t2, p, t);
    angle = select(angle, 0.5 * PI - angle, aside > ahead);
    angle = select(angle, PI - angle, x < 0.0);
    return select(angle, -angle, y < 0.0);
}

// The first two derivatives of the direction of (x, y), each with two of its own, given the squared
// length.
fn direction_rates(y: vec3f, x: vec3f, square: f32) -> vec2f {
    let first = (x.x * y.y - y.x * x.y) / square;
    let cross = x.x * y.z - y.x * x.z;
    return vec2f(first, (cross - 2.0 * first * (x.x * x.y + y.x * y.y)) / square);
}

// Acceleration and its first two derivatives.
fn acceleration(d: Derivatives) -> vec3f {
    return vec3f(d.low.zw, d.fourth);
}

// (x, y) turned the other way by an angle with this sine and cosine.
fn turned_back(angle: vec2f, v: vec2f) -> vec2f {
    return vec2f(v.x * angle.y + v.y * angle.x, v.y * angle.y - v.x * angle.x);
}

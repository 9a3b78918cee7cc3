// Stage `unflatten` of vehicles: the flat outputs of the base to its coordinates, which are kept behind
// the centres of bounds, and to what the base limits. The maps are those of src/base, written out, as
// in src/check/simd/base.rs; quotients are guarded where they have no value.

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

// Where a vehicle on the ground goes.
struct Course {
    stands: bool,
    is_ahead: bool,
    heading: f32,
    // Length of the path's first derivative; not zero.
    length: f32,
}

// The heading is the direction of the path or its opposite, whichever lies nearer to the guide.
fn course(velocity: vec2f, guide: f32) -> Course {
    let stands = dot(velocity, velocity) <= 0.0;
    let off = direction(velocity.y, velocity.x) - guide;
    let turns = round(off / PI);
    let is_ahead = (i32(turns) & 1) == 0;
    let heading = select(guide + fma(-turns, PI, off), guide, stands);
    return Course(stands, is_ahead, heading, max(length(velocity), TINY));
}

// 1 ahead, -1 back, 0 where it stands.
fn way(course: Course) -> f32 {
    return select(select(-1.0, 1.0, course.is_ahead), 0.0, course.stands);
}

fn ground() {
    let x = derivatives(0u).low;
    let y = derivatives(1u).low;
    let guide = derivatives(2u).low;
    let c = course(vec2f(x.y, y.y), guide.x);
    let moving = base_row(CURVATURE_ROW);
    let curvature = (x.y * y.z - y.y * x.z) / c.length / c.length / c.length;
    let bent = select(curvature, guide.y, c.stands);
    let bounds = select(select(moving.zw, moving.xy, c.is_ahead), base_row(GROUND_ROW).xy, c.stands);
    bound(0u, way(c), true);
    bound(1u, max(bounds.x - bent, bent - bounds.y), true);
    store_vec3(coordinate_word(0u), vec3f(x.x, y.x, c.heading));
}

fn trailer() {
    let x = derivatives(0u).low;
    let y = derivatives(1u).low;
    let c = course(vec2f(x.y, y.y), derivatives(2u).low.x);
    // Curvature of the trailer's path as for driving ahead, and its slope by arc length.
    let cross = x.y * y.z - y.y * x.z;
    let cross_rate = x.y * y.w - y.y * x.w;
    let along = x.y * x.z + y.y * y.z;
    let inverse = 1.0 / c.length;
    let inverse_cube = select(-1.0, 1.0, c.is_ahead) * inverse * inverse * inverse;
    let curvature = cross * inverse_cube;
    let slope = (cross_rate * c.length * c.length - 3.0 * cross * along) * inverse_cube * inverse_cube;
    let hitch_length = base_row(GROUND_ROW).z;
    let hitch_tangent = hitch_length * curvature;
    let square_cosine = 1.0 / fma(hitch_tangent, hitch_tangent, 1.0);
    let steered = fma(hitch_length * slope, square_cosine, curvature) * sqrt(square_cosine);
    bound(0u, way(c), true);
    bound(1u, steered, !c.stands);
    bound(2u, hitch_tangent, !c.stands);
    store_vec3(coordinate_word(0u), vec3f(x.x, y.x, c.heading));
    store(coordinate_word(3u), select(direction(hitch_tangent, 1.0), 0.0, c.stands));
}

fn airplane() {
    let x = derivatives(0u).low;
    let y = derivatives(1u).low;
    let z = derivatives(2u).low;
    let level = length(vec2f(x.y, y.y));
    bound(0u, select(1.0, 0.0, max(level, abs(z.y)) <= 0.0), true);
    bound(1u, z.y / max(level, TINY), true);
    store_vec3(coordinate_word(0u), vec3f(x.x, y.x, z.x));
    store(coordinate_word(3u), direction(y.y, x.y));
    store(coordinate_word(4u), direction(z.y, level));
}

// Acceleration and its first two derivatives.
fn acceleration(d: Derivatives) -> vec3f {
    return vec3f(d.low.zw, d.fourth);
}

fn planar_quadrotor() {
    let x = derivatives(0u);
    let z = derivatives(1u);
    let backward = -acceleration(x);
    let up = acceleration(z) + vec3f(-problem.gravity.z, 0.0, 0.0);
    let square = backward.x * backward.x + up.x * up.x;
    let force = sqrt(square);
    let known = force > TINY;
    let rates = direction_rates(backward, up, max(square, TINY));
    bound(0u, x.low.y, true);
    bound(1u, z.low.y, true);
    bound(2u, rates.x, known);
    for (var i = 0u; i < 2u; i++) {
        bound(3u + i, dot(base_row(MIXER_ROW + i).xy, vec2f(force, rates.y)), known);
    }
    store_vec3(coordinate_word(0u), vec3f(x.low.x, z.low.x, direction(backward.x, up.x)));
}

fn omnidirectional() {
    let x = derivatives(0u).low;
    let y = derivatives(1u).low;
    let theta = derivatives(2u).low;
    let facing = sin_cos(theta.x);
    let speed = turned_back(facing, vec2f(x.y, y.y));
    let change = turned_back(facing, vec2f(x.z, y.z));
    let velocity = vec3f(speed, theta.y);
    for (var i = 0u; i < 3u; i++) {
        bound(i, velocity[i], true);
    }
    bound(3u, change.x, true);
    bound(4u, change.y, true);
    bound(5u, theta.z, true);
    // The wheels, where these are bounded.
    for (var i = 6u; i < tables[problem.base_row].w; i++) {
        bound(i, dot(base_row(MIXER_ROW + i - 6u).xyz, velocity), true);
    }
    store_vec3(coordinate_word(0u), vec3f(x.x, y.x, theta.x));
}

// (x, y) turned the other way by an angle with this sine and cosine.
fn turned_back(angle: vec2f, v: vec2f) -> vec2f {
    return vec2f(v.x * angle.y + v.y * angle.x, v.y * angle.y - v.x * angle.x);
}

fn quadrotor() {
    let x = derivatives(0u);
    let y = derivatives(1u);
    let z = derivatives(2u);
    let yaw = derivatives(3u).low;

    // Thrust by mass in the frame that yaw turns, and its first two derivatives, to which the frame's
    // own turning adds: the derivative of (a, l) is (a' + yaw' l, l' - yaw' a).
    let facing = sin_cos(yaw.x);
    let force = turned_back(facing, vec2f(x.low.z, y.low.z));
    let jerk = turned_back(facing, vec2f(x.low.w, y.low.w));
    let snap = turned_back(facing, vec2f(x.fourth, y.fourth));
    let aside = vec2f(force.y, -force.x);
    let rate = fma(vec2f(yaw.y), aside, jerk);
    let both = jerk + rate;
    let turn = fma(vec2f(yaw.y), vec2f(both.y, -both.x), fma(vec2f(yaw.z), aside, snap));
    let ahead = vec3f(force.x, rate.x, turn.x);
    let right = -vec3f(force.y, rate.y, turn.y);
    let up = acceleration(z) + vec3f(-problem.gravity.z, 0.0, 0.0);

    // Roll is the direction of (up, right), pitch that of (their length, ahead).
    let square = right.x * right.x + up.x * up.x;
    let across = sqrt(square);
    let known = across > TINY;
    let inverse = 1.0 / max(across, TINY);
    let across_rate = (right.x * right.y + up.x * up.y) * inverse;
    let bend = right.y * right.y + up.y * up.y + right.x * right.z + up.x * up.z;
    let lengths = vec3f(across, across_rate, (bend - across_rate * across_rate) * inverse);
    let whole = ahead.x * ahead.x + square;
    let thrust = sqrt(whole);
    let roll_rates = direction_rates(right, up, max(square, TINY));
    let pitch_rates = direction_rates(ahead, lengths, max(whole, TINY));
    let roll = vec2f(right.x, up.x) * inverse;
    let pitch = vec2f(ahead.x, across) / max(thrust, TINY);

    // Body rates and their derivatives with R = Rz(yaw) Rx(roll) Ry(pitch).
    let level = yaw.y * roll.y;
    let level_rate = yaw.z * roll.y - yaw.y * roll.x * roll_rates.x;
    let xz = turned_forth(pitch, vec2f(roll_rates.x, level));
    let rates = vec3f(xz.x, fma(yaw.y, roll.x, pitch_rates.x), xz.y);
    let xz_rate = turned_forth(pitch, vec2f(roll_rates.y, level_rate));
    let turns = vec3f(
        fma(-pitch_rates.x, rates.z, xz_rate.x),
        pitch_rates.y + yaw.z * roll.x + level * roll_rates.x,
        fma(pitch_rates.x, rates.x, xz_rate.y),
    );
    let inertia = base_row(INERTIA_ROW).xyz;
    let moments = inertia * turns + cross(rates, inertia * rates);

    var velocity = vec3f(x.low.y, y.low.y, z.low.y);
    if tables[problem.base_row + GROUND_ROW].w == 1u {
        velocity = vec3f(turned_back(facing, velocity.xy), velocity.z);
        let side = turned_back(roll, velocity.yz);
        let front = turned_back(pitch, vec2f(side.y, velocity.x));
        velocity = vec3f(front.y, side.x, front.x);
    }
    for (var i = 0u; i < 3u; i++) {
        bound(i, velocity[i], known);
    }
    for (var i = 0u; i < 3u; i++) {
        bound(3u + i, rates[i], known);
    }
    for (var i = 0u; i < 4u; i++) {
        bound(6u + i, dot(base_row(MIXER_ROW + i), vec4f(thrust, moments)), known);
    }
    store_vec3(coordinate_word(0u), vec3f(x.low.x, y.low.x, z.low.x));
    store(coordinate_word(3u), yaw.x);
    store(coordinate_word(4u), direction(right.x, up.x));
    store(coordinate_word(5u), direction(ahead.x, across));
}

// (x, z) of roll' along x and of a rate along z, after a turn about y.
fn turned_forth(angle: vec2f, v: vec2f) -> vec2f {
    return vec2f(v.x * angle.y - v.y * angle.x, v.x * angle.x + v.y * angle.y);
}

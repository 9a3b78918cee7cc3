// Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives, one
// output at a time, when the other stages ask.

struct Flat {
    value: f32,
    rate: f32,
    acceleration: f32,
}

// First row of the segment that holds this thread's sample, and the time since it began.
var<private> polynomials: u32;
var<private> local_time: f32;

fn head_of(edge: u32) -> Head {
    let row = batch.rows[edge];
    return Head(row.x, row.y, bitcast<f32>(row.z), row.w);
}

fn segment_duration(segment: u32) -> f32 {
    return bitcast<f32>(batch.rows[batch.durations + segment / 4u][segment % 4u]);
}

// The share of the duration after which a rest-to-rest edge has gone the share `u` of its way.
fn even_along_path(u: f32) -> f32 {
    let x = u * 256.0;
    let cell = min(u32(x), 256u);
    let first = (batch.degree - 3u) / 2u * EVEN_ROWS;
    let a = problem.even[first + cell / 4u][cell % 4u];
    let b = problem.even[first + (cell + 1u) / 4u][(cell + 1u) % 4u];
    return clamp(a + (b - a) * (x - f32(cell)), 0.0, 1.0);
}

// The time of sample number `k`: rake by rake in the order of the heads, tooth by tooth.
fn sample_time(head: Head, k: u32) -> f32 {
    let rakes = head.rakes & 0xffffu;
    let step = head.rakes >> 16u;
    let rake = (k / RAKE * step) % rakes;
    let u = f32(k % RAKE * rakes + rake) / f32(rakes * RAKE - 1u);
    if (head.segments & 1u) == 1u {
        return head.duration * even_along_path(u);
    }
    return head.duration * u;
}

// Rows that a polynomial takes.
fn polynomial_rows() -> u32 {
    return batch.degree / 4u + 1u;
}

// Finds the polynomials for time `t` of an edge.
fn unflatten_edge(head: Head, t: f32) {
    var segment = head.first;
    let last = head.first + (head.segments >> 1u) - 1u;
    var begin = 0.0;
    for (; segment < last; segment++) {
        let duration = segment_duration(segment);
        if t - begin <= duration {
            break;
        }
        begin += duration;
    }
    local_time = min(t - begin, segment_duration(segment));
    polynomials = batch.count + segment * problem.outputs * polynomial_rows();
}

// Finds the polynomials of a state.
fn unflatten_state(state: u32) {
    local_time = 0.0;
    polynomials = state * problem.outputs;
}

fn unflatten_value(output: u32) -> f32 {
    let row = polynomials + output * polynomial_rows();
    let c = bitcast<vec4f>(batch.rows[row]);
    let t = local_time;
    if batch.degree == 3u {
        return fma(fma(fma(c.w, t, c.z), t, c.y), t, c.x);
    }
    let d = bitcast<vec4f>(batch.rows[row + 1u]);
    let high = fma(fma(fma(d.w, t, d.z), t, d.y), t, d.x);
    return fma(fma(fma(fma(high, t, c.w), t, c.z), t, c.y), t, c.x);
}

fn unflatten(output: u32) -> Flat {
    let row = polynomials + output * polynomial_rows();
    let c = bitcast<vec4f>(batch.rows[row]);
    let t = local_time;
    if batch.degree == 3u {
        let value = fma(fma(fma(c.w, t, c.z), t, c.y), t, c.x);
        let rate = fma(fma(3.0 * c.w, t, 2.0 * c.z), t, c.y);
        return Flat(value, rate, fma(6.0 * c.w, t, 2.0 * c.z));
    }
    let d = bitcast<vec4f>(batch.rows[row + 1u]);
    let high = fma(fma(fma(d.w, t, d.z), t, d.y), t, d.x);
    let value = fma(fma(fma(fma(high, t, c.w), t, c.z), t, c.y), t, c.x);
    let high_rate = fma(fma(fma(7.0 * d.w, t, 6.0 * d.z), t, 5.0 * d.y), t, 4.0 * d.x);
    let rate = fma(fma(fma(high_rate, t, 3.0 * c.w), t, 2.0 * c.z), t, c.y);
    let high_acceleration = fma(fma(fma(42.0 * d.w, t, 30.0 * d.z), t, 20.0 * d.y), t, 12.0 * d.x);
    return Flat(value, rate, fma(fma(high_acceleration, t, 6.0 * c.w), t, 2.0 * c.z));
}

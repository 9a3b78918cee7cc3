// Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives, one
// output at a time, when the other stages ask; of a vehicle, one joint at a time.

struct Flat {
    value: f32,
    rate: f32,
    acceleration: f32,
}

// First row of the segment that holds this thread's sample, and the time since it began.
var<private> polynomials: u32;
var<private> local_time: f32;

fn head_of(edge: u32) -> Head {
    let first = batch.rows[2u * edge];
    let second = batch.rows[2u * edge + 1u];
    let duration = bitcast<f32>(first.z);
    return Head(first.x, first.y, duration, first.w, second.x, bitcast<f32>(second.y), second.z, bitcast<f32>(second.w));
}

// Makes an edge or state the one at hand.
fn take(head: Head) {
    problem = problems[head.problem & ((1u << DEGREE_SHIFT) - 1u)];
    padding = head.padding;
    clearance = head.clearance;
    degree = head.problem >> DEGREE_SHIFT;
}

// The duration of one of several segments.
fn segment_duration(head: Head, segment: u32) -> f32 {
    let at = head.durations + segment;
    return bitcast<f32>(batch.rows[at / 4u][at % 4u]);
}

fn even(i: u32) -> f32 {
    let at = (degree - 3u) / 2u * EVEN_ROWS + i / 4u;
    return bitcast<f32>(tables[at][i % 4u]);
}

// The share of the duration after which a rest-to-rest edge has gone the share `u` of its way.
fn even_along_path(u: f32) -> f32 {
    let x = u * 256.0;
    let cell = min(u32(x), 256u);
    let a = even(cell);
    let b = even(cell + 1u);
    return clamp(a + (b - a) * (x - f32(cell)), 0.0, 1.0);
}

// The time of sample number `k`: rake by rake in the order of the heads, sample by sample.
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
    return degree / 4u + 1u;
}

// Finds the polynomials for time `t` of an edge.
fn unflatten_edge(head: Head, t: f32) {
    let last = (head.segments >> 1u) - 1u;
    if last == 0u {
        local_time = t;
        polynomials = head.row;
        return;
    }
    var segment = 0u;
    var begin = 0.0;
    for (; segment < last; segment++) {
        let duration = segment_duration(head, segment);
        if t - begin <= duration {
            break;
        }
        begin += duration;
    }
    local_time = min(t - begin, segment_duration(head, segment));
    polynomials = head.row + segment * problem.flat_outputs * polynomial_rows();
}

fn unflatten_value(output: u32) -> f32 {
    if VEHICLES && output < coordinates {
        return load(coordinate_word(output));
    }
    let row = polynomials + output * polynomial_rows();
    let c = bitcast<vec4f>(batch.rows[row]);
    let t = local_time;
    if degree == 3u {
        return fma(fma(fma(c.w, t, c.z), t, c.y), t, c.x);
    }
    let d = bitcast<vec4f>(batch.rows[row + 1u]);
    let high = fma(fma(fma(d.w, t, d.z), t, d.y), t, d.x);
    return fma(fma(fma(fma(high, t, c.w), t, c.z), t, c.y), t, c.x);
}

fn unflatten(output: u32) -> Flat {
    if VEHICLES && output < unlimited {
        return Flat(unflatten_value(output), 0.0, 0.0);
    }
    let row = polynomials + output * polynomial_rows();
    let c = bitcast<vec4f>(batch.rows[row]);
    let t = local_time;
    if degree == 3u {
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

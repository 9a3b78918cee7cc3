// Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives, one
// output at a time, when the other stages ask.

struct Flat {
    value: f32,
    rate: f32,
    acceleration: f32,
}

// First cubic of the segment that holds this thread's sample, and the time since it began.
var<private> cubics: u32;
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
    let a = problem.even[cell / 4u][cell % 4u];
    let b = problem.even[(cell + 1u) / 4u][(cell + 1u) % 4u];
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
    cubics = batch.count + segment * problem.outputs;
}

// Finds the polynomials of a state.
fn unflatten_state(state: u32) {
    local_time = 0.0;
    cubics = state * problem.outputs;
}

fn unflatten_value(output: u32) -> f32 {
    let c = bitcast<vec4f>(batch.rows[cubics + output]);
    let t = local_time;
    return fma(fma(fma(c.w, t, c.z), t, c.y), t, c.x);
}

fn unflatten(output: u32) -> Flat {
    let c = bitcast<vec4f>(batch.rows[cubics + output]);
    let t = local_time;
    let value = fma(fma(fma(c.w, t, c.z), t, c.y), t, c.x);
    let rate = fma(fma(3.0 * c.w, t, 2.0 * c.z), t, c.y);
    return Flat(value, rate, fma(6.0 * c.w, t, 2.0 * c.z));
}

// Stage `place`: forward kinematics, from joint values to the poses of all bodies.

struct Pose {
    // Rotation by columns: the body's axes in the world.
    x: vec3f,
    y: vec3f,
    z: vec3f,
    origin: vec3f,
}

// The z axis follows from the others; the base is not kept, since it never moves.
const POSE_WORDS = 9u;

fn load_vec3(word: u32) -> vec3f {
    return vec3f(load(word), load(word + 1u), load(word + 2u));
}

fn store_vec3(word: u32, v: vec3f) {
    store(word, v.x);
    store(word + 1u, v.y);
    store(word + 2u, v.z);
}

fn base_pose() -> Pose {
    let rows = body_at(0u).placement;
    return Pose(
        vec3f(rows[0].x, rows[1].x, rows[2].x),
        vec3f(rows[0].y, rows[1].y, rows[2].y),
        vec3f(rows[0].z, rows[1].z, rows[2].z),
        vec3f(rows[0].w, rows[1].w, rows[2].w),
    );
}

fn pose_of(body: u32) -> Pose {
    if body == 0u {
        return base_pose();
    }
    let at = (body - 1u) * POSE_WORDS;
    let x = load_vec3(at);
    let y = load_vec3(at + 3u);
    return Pose(x, y, cross(x, y), load_vec3(at + 6u));
}

fn turn(pose: Pose, v: vec3f) -> vec3f {
    return fma(pose.z, vec3f(v.z), fma(pose.y, vec3f(v.y), pose.x * v.x));
}

fn turn_back(pose: Pose, v: vec3f) -> vec3f {
    return vec3f(dot(pose.x, v), dot(pose.y, v), dot(pose.z, v));
}

fn point(pose: Pose, p: vec3f) -> vec3f {
    return fma(pose.z, vec3f(p.z), fma(pose.y, vec3f(p.y), fma(pose.x, vec3f(p.x), pose.origin)));
}

// Sine and cosine, absolute error below 2e-7 for |x| up to 1e3: Cody and Waite's reduction, then
// the polynomials of Moshier's Cephes. WGSL's own are only good for 5e-4.
fn sin_cos(x: f32) -> vec2f {
    let quarter = round(x * 0.63661977236758134308);
    var r = fma(quarter, -1.5703125, x);
    r = fma(quarter, -4.837512969970703e-4, r);
    r = fma(quarter, -7.549789948768648e-8, r);
    let r2 = r * r;
    let sine = fma(fma(fma(-1.9515296e-4, r2, 8.332161e-3), r2, -1.6666655e-1) * r2, r, r);
    let tail = fma(fma(2.4433157e-5, r2, -1.3887316e-3), r2, 4.1666646e-2);
    let cosine = fma(tail * r2, r2, fma(-0.5, r2, 1.0));
    let quadrant = u32(i32(quarter)) & 3u;
    let swapped = select(vec2f(sine, cosine), vec2f(cosine, sine), (quadrant & 1u) == 1u);
    let negative = vec2<bool>(quadrant >= 2u, quadrant == 1u || quadrant == 2u);
    return select(swapped, -swapped, negative);
}

// parent * placement * motion(q)
fn moved(parent: Pose, body: Body, q: f32) -> Pose {
    let rows = body.placement;
    let x = turn(parent, vec3f(rows[0].x, rows[1].x, rows[2].x));
    let y = turn(parent, vec3f(rows[0].y, rows[1].y, rows[2].y));
    let z = cross(x, y);
    let origin = point(parent, vec3f(rows[0].w, rows[1].w, rows[2].w));
    if body.motion == PRISMATIC {
        return Pose(x, y, z, fma(z, vec3f(q), origin));
    }
    let s = sin_cos(q);
    return Pose(fma(y, vec3f(s.x), x * s.y), fma(x, vec3f(-s.x), y * s.y), z, origin);
}

// Places every body in the world.
fn place() {
    var before = base_pose();
    for (var b = 1u; b < problem.bodies; b++) {
        let body = body_at(b);
        // Most robots are chains: the parent is at hand.
        if body.parent + 1u != b {
            before = pose_of(body.parent);
        }
        let q = fma(unflatten_value(body.output), body.ratio, body.offset);
        before = moved(before, body, q);
        let at = (b - 1u) * POSE_WORDS;
        store_vec3(at, before.x);
        store_vec3(at + 3u, before.y);
        store_vec3(at + 6u, before.origin);
    }
}

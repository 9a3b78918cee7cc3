// Stage `limits`: position, velocity and acceleration of each output, then the effort of each
// joint by recursive Newton-Euler (Luh, Walker and Paul 1980), in world axes; of a vehicle, what its base
// limits.

// Per body, in the place of the bounds, which are no longer needed: angular velocity, angular
// acceleration, acceleration of the origin less gravity, force and moment that its joint passes on.
const MOTION_WORDS = 15u;

fn motion_word(body: u32) -> u32 {
    return (problem.bodies - 1u) * POSE_WORDS + (body - 1u) * MOTION_WORDS;
}

fn effort_word(output: u32) -> u32 {
    return motion_word(problem.bodies) + output;
}

// The first limit that is broken, in the order position, velocity, acceleration, effort, base.
fn limits() -> SampleVerdict {
    var verdict = ALL_VALID;
    for (var j = 0u; j < problem.outputs; j++) {
        let flat = unflatten(j);
        let most = limits_of(j);
        var status = VALID;
        if abs(flat.acceleration) > most.acceleration {
            status = ACCELERATION;
        }
        if abs(flat.rate) > most.velocity {
            status = VELOCITY;
        }
        if flat.value < most.lower || flat.value > most.upper {
            status = POSITION;
        }
        if status != VALID && (verdict.status == VALID || status < verdict.status) {
            verdict = SampleVerdict(status, j, 0u);
        }
    }
    if VEHICLES && verdict.status == VALID && broken_limit != NO_LIMIT {
        return SampleVerdict(BASE, broken_limit, 0u);
    }
    if verdict.status != VALID || problem.torque == 0u || overtaken() {
        return verdict;
    }
    return efforts();
}

fn efforts() -> SampleVerdict {
    for (var j = 0u; j < problem.outputs; j++) {
        store(effort_word(j), 0.0);
    }
    for (var b = 1u; b < problem.bodies; b++) {
        outward(b, body_at(b));
    }
    for (var b = problem.bodies - 1u; b > 0u; b--) {
        inward(b, body_at(b));
    }
    for (var j = 0u; j < problem.outputs; j++) {
        if abs(load(effort_word(j))) > limits_of(j).effort {
            return SampleVerdict(EFFORT, j, 0u);
        }
    }
    return ALL_VALID;
}

// The acceleration at `r` from an origin that accelerates by `a`.
fn acceleration_at(a: vec3f, w: vec3f, dw: vec3f, r: vec3f) -> vec3f {
    return a + cross(dw, r) + cross(w, cross(w, r));
}

// I * v in world axes.
fn inertia_times(body: Body, pose: Pose, v: vec3f) -> vec3f {
    let u = turn_back(pose, v);
    let p = body.products;
    return turn(pose, vec3f(
        dot(vec3f(body.moments.x, p.z, p.y), u),
        dot(vec3f(p.z, body.moments.y, p.x), u),
        dot(vec3f(p.y, p.x, body.moments.z), u),
    ));
}

// Velocities and accelerations from parent to body, and the body's own inertial force and moment.
fn outward(b: u32, body: Body) {
    let pose = pose_of(b);
    let r = pose.origin - pose_of(body.parent).origin;
    var w = vec3f();
    var dw = vec3f();
    var a = -problem.gravity;
    if body.parent != 0u {
        let up = motion_word(body.parent);
        w = load_vec3(up);
        dw = load_vec3(up + 3u);
        a = acceleration_at(load_vec3(up + 6u), w, dw, r);
    }
    let flat = unflatten(body.output);
    let spin = pose.z * (flat.rate * body.ratio);
    let gain = pose.z * (flat.acceleration * body.ratio);
    if body.motion == PRISMATIC {
        a += cross(w, 2.0 * spin) + gain;
    } else {
        dw += cross(w, spin) + gain;
        w += spin;
    }
    let com = turn(pose, body.com);
    let force = body.mass * acceleration_at(a, w, dw, com);
    let gyroscopic = cross(w, inertia_times(body, pose, w));
    let moment = inertia_times(body, pose, dw) + gyroscopic + cross(com, force);
    let at = motion_word(b);
    store_vec3(at, w);
    store_vec3(at + 3u, dw);
    store_vec3(at + 6u, a);
    store_vec3(at + 9u, force);
    store_vec3(at + 12u, moment);
}

// Adds the body's load to its output's effort and to its parent.
fn inward(b: u32, body: Body) {
    let pose = pose_of(b);
    let force = load_vec3(motion_word(b) + 9u);
    let moment = load_vec3(motion_word(b) + 12u);
    let load_on_axis = dot(pose.z, select(moment, force, body.motion == PRISMATIC));
    let effort = effort_word(body.output);
    store(effort, fma(load_on_axis, body.ratio, load(effort)));
    if body.parent != 0u {
        let up = motion_word(body.parent);
        let r = pose.origin - pose_of(body.parent).origin;
        store_vec3(up + 9u, load_vec3(up + 9u) + force);
        store_vec3(up + 12u, load_vec3(up + 12u) + moment + cross(r, force));
    }
}

// Stage `collide`: spheres against the world, then links against each other. Each link's bounding
// ball is tested first, by way of the hierarchy where there are many obstacles, then the balls around its clusters
// of spheres, where there are several; its own spheres only meet what these touch.

const SPHERE = 0u;
const CUBOID = 1u;
const CAPSULE = 2u;
const CYLINDER = 3u;
const HALF_SPACE = 4u;

// Centres of the links' bounds are kept behind the poses.
fn bound_word(link: u32) -> u32 {
    return (problem.bodies - 1u) * POSE_WORDS + 3u * link;
}

// Whether a ball (centre, radius) touches an obstacle. Where `kind` is a constant, only its test
// remains.
fn touches(kind: u32, obstacle: Obstacle, ball: vec4f) -> bool {
    let p = vec4f(ball.xyz, 1.0) * obstacle.to_local;
    let size = obstacle.size;
    var beyond = p;
    var reach = ball.w;
    switch kind {
        case SPHERE: {
            reach += size.x;
        }
        case CUBOID: {
            beyond = max(abs(p) - size, vec3f());
        }
        case CAPSULE: {
            beyond.z = max(abs(p.z) - size.y, 0.0);
            reach += size.x;
        }
        case CYLINDER: {
            beyond = max(vec3f(length(p.xy) - size.x, 0.0, abs(p.z) - size.y), vec3f());
        }
        default: {
            return p.z < reach;
        }
    }
    return dot(beyond, beyond) < reach * reach;
}

fn ball(pose: Pose, sphere: vec4f) -> vec4f {
    return vec4f(point(pose, sphere.xyz), sphere.w + padding);
}

// The same of a link, to be held against obstacles.
fn cleared(link: Link, pose: Pose, sphere: vec4f) -> vec4f {
    return ball(pose, sphere) + vec4f(0.0, 0.0, 0.0, clearance + link.padding);
}

// Whether a link, whose bound is given, touches an obstacle.
fn link_touches(kind: u32, o: u32, link: Link, pose: Pose, bound: vec4f) -> bool {
    let obstacle = obstacles[o];
    if !touches(kind, obstacle, bound) {
        return false;
    }
    for (var first = link.first; first < link.end; first += CLUSTER) {
        if is_clustered(link) && !touches(kind, obstacle, cleared(link, pose, cluster_at(link, first))) {
            continue;
        }
        for (var s = first; s < min(first + CLUSTER, link.end); s++) {
            if touches(kind, obstacle, cleared(link, pose, sphere_at(s))) {
                return true;
            }
        }
    }
    return false;
}

// The first of the obstacles `first..end`, all of one kind, that a link touches; `end` if none.
fn met(kind: u32, first: u32, end: u32, link: Link, pose: Pose, bound: vec4f) -> u32 {
    for (var o = first; o < end; o++) {
        if link_touches(kind, o, link, pose, bound) {
            return o;
        }
    }
    return end;
}

// An obstacle that a link touches, by testing all but the half-spaces; their end if none.
fn met_in_list(link: Link, pose: Pose, bound: vec4f) -> u32 {
    var o = met(SPHERE, problem.first_obstacle, problem.spheres_end, link, pose, bound);
    if o == problem.spheres_end {
        o = met(CUBOID, o, problem.cuboids_end, link, pose, bound);
    }
    if o == problem.cuboids_end {
        o = met(CAPSULE, o, problem.capsules_end, link, pose, bound);
    }
    if o == problem.capsules_end {
        o = met(CYLINDER, o, problem.cylinders_end, link, pose, bound);
    }
    return o;
}

fn kind_of(obstacle: u32) -> u32 {
    return u32(obstacle >= problem.spheres_end)
        + u32(obstacle >= problem.cuboids_end)
        + u32(obstacle >= problem.capsules_end);
}

// Whether a ball touches a node's box.
fn touches_box(box: Node, ball: vec4f) -> bool {
    let beyond = max(max(box.lower - ball.xyz, ball.xyz - box.upper), vec3f());
    return dot(beyond, beyond) < ball.w * ball.w;
}

// The same as `met_in_list`, by a walk over the hierarchy: from a node whose box the bound touches
// to the next, from any other past all that is below it.
fn met_in_hierarchy(link: Link, pose: Pose, bound: vec4f) -> u32 {
    var next = 0u;
    while next < problem.nodes {
        let here = node(next);
        if !touches_box(here, bound) {
            next = here.skip;
            continue;
        }
        next += 1u;
        let o = problem.first_obstacle + here.obstacle;
        if here.obstacle != INNER && link_touches(kind_of(o), o, link, pose, bound) {
            return o;
        }
    }
    return problem.cylinders_end;
}

// The moving links against the world, the last of the chain first: they move most, and touch most.
fn collide_world() -> SampleVerdict {
    for (var i = 0u; i < problem.moving_links; i++) {
        let l = problem.moving_links - 1u - i;
        let link = link_at(l);
        let pose = pose_of(link.body);
        let bound = cleared(link, pose, link.bound);
        store_vec3(bound_word(l), bound.xyz);
        var o = problem.cylinders_end;
        if problem.nodes > 0u {
            o = met_in_hierarchy(link, pose, bound);
        } else {
            o = met_in_list(link, pose, bound);
        }
        if o == problem.cylinders_end {
            o = met(HALF_SPACE, o, problem.half_spaces_end, link, pose, bound);
        }
        let hit = o != problem.half_spaces_end;
        vote(hit);
        if hit {
            return SampleVerdict(WORLD, link.index, obstacles[o].index);
        }
        if overtaken() {
            break;
        }
    }
    return ALL_VALID;
}

// Whether any spheres of two links touch that are not left out by a mask: those of clusters of the one that touch
// the other's bound, against the clusters of the other that they touch, in whose frame these stand where the table
// says.
fn links_touch(a: Link, b: Link, mask: u32) -> bool {
    let pose_a = pose_of(a.body);
    let pose_b = pose_of(b.body);
    for (var first = a.first; first < a.end; first += CLUSTER) {
        if is_clustered(a) {
            let cluster = ball(pose_a, cluster_at(a, first));
            if !near(turn_back(pose_b, cluster.xyz - pose_b.origin), cluster.w, b.bound) {
                continue;
            }
        }
        for (var i = first; i < min(first + CLUSTER, a.end); i++) {
            let one = ball(pose_a, sphere_at(i));
            let center = turn_back(pose_b, one.xyz - pose_b.origin);
            if near(center, one.w, b.bound) && sphere_touches(center, one.w, b, mask, (i - a.first) * (b.end - b.first)) {
                return true;
            }
        }
    }
    return false;
}

// Whether a ball (centre, radius) touches any sphere of a link, whose frame is the same, but for those whose bit of
// a mask, counted from this one, is set.
fn sphere_touches(center: vec3f, radius: f32, link: Link, mask: u32, bit: u32) -> bool {
    for (var first = link.first; first < link.end; first += CLUSTER) {
        if is_clustered(link) && !near(center, radius, cluster_at(link, first)) {
            continue;
        }
        for (var j = first; j < min(first + CLUSTER, link.end); j++) {
            if near(center, radius, sphere_at(j)) && !is_masked(mask, bit + j - link.first) {
                return true;
            }
        }
    }
    return false;
}

// Whether a ball (centre, radius) touches a sphere whose frame is the same.
fn near(center: vec3f, radius: f32, sphere: vec4f) -> bool {
    let d = center - sphere.xyz;
    let reach = radius + sphere.w;
    return dot(d, d) < reach * reach;
}

// Links against each other.
fn collide_itself() -> SampleVerdict {
    for (var l = problem.moving_links; l < problem.links; l++) {
        let link = link_at(l);
        store_vec3(bound_word(l), point(pose_of(link.body), link.bound.xyz));
    }
    for (var i = 0u; i < problem.pairs; i++) {
        let p = pair(i);
        let d = load_vec3(bound_word(p.one)) - load_vec3(bound_word(p.other));
        let reach = p.reach + padding;
        if dot(d, d) < reach * reach {
            let a = link_at(p.one);
            let b = link_at(p.other);
            if links_touch(a, b, p.mask) {
                return SampleVerdict(SELF_COLLISION, a.index, b.index);
            }
        }
    }
    return ALL_VALID;
}

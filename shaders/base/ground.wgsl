// Differential drives and cars, with a trailer or without: the map of src/base/ground.rs.

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

// An airplane: the map of src/base/airplane.rs.

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

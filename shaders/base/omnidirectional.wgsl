// A base that drives in any direction: the map of src/base/omnidirectional.rs.

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

// A quadrotor in a vertical plane: the map of src/base/planar_quadrotor.rs.

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

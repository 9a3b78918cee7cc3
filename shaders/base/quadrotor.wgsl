// A quadrotor: the map of src/base/quadrotor.rs.

fn quadrotor() {
    let x = derivatives(0u);
    let y = derivatives(1u);
    let z = derivatives(2u);
    let yaw = derivatives(3u).low;

    // Thrust by mass in the frame that yaw turns, and its first two derivatives, to which the frame's
    // own turning adds: the derivative of (a, l) is (a' + yaw' l, l' - yaw' a).
    let facing = sin_cos(yaw.x);
    let force = turned_back(facing, vec2f(x.low.z, y.low.z));
    let jerk = turned_back(facing, vec2f(x.low.w, y.low.w));
    let snap = turned_back(facing, vec2f(x.fourth, y.fourth));
    let aside = vec2f(force.y, -force.x);
    let rate = fma(vec2f(yaw.y), aside, jerk);
    let both = jerk + rate;
    let turn = fma(vec2f(yaw.y), vec2f(both.y, -both.x), fma(vec2f(yaw.z), aside, snap));
    let ahead = vec3f(force.x, rate.x, turn.x);
    let right = -vec3f(force.y, rate.y, turn.y);
    let up = acceleration(z) + vec3f(-problem.gravity.z, 0.0, 0.0);

    // Roll is the direction of (up, right), pitch that of (their length, ahead).
    let square = right.x * right.x + up.x * up.x;
    let across = sqrt(square);
    let known = across > TINY;
    let inverse = 1.0 / max(across, TINY);
    let across_rate = (right.x * right.y + up.x * up.y) * inverse;
    let bend = right.y * right.y + up.y * up.y + right.x * right.z + up.x * up.z;
    let lengths = vec3f(across, across_rate, (bend - across_rate * across_rate) * inverse);
    let whole = ahead.x * ahead.x + square;
    let thrust = sqrt(whole);
    let roll_rates = direction_rates(right, up, max(square, TINY));
    let pitch_rates = direction_rates(ahead, lengths, max(whole, TINY));
    let roll = vec2f(right.x, up.x) * inverse;
    let pitch = vec2f(ahead.x, across) / max(thrust, TINY);

    // Body rates and their derivatives with R = Rz(yaw) Rx(roll) Ry(pitch).
    let level = yaw.y * roll.y;
    let level_rate = yaw.z * roll.y - yaw.y * roll.x * roll_rates.x;
    let xz = turned_forth(pitch, vec2f(roll_rates.x, level));
    let rates = vec3f(xz.x, fma(yaw.y, roll.x, pitch_rates.x), xz.y);
    let xz_rate = turned_forth(pitch, vec2f(roll_rates.y, level_rate));
    let turns = vec3f(
        fma(-pitch_rates.x, rates.z, xz_rate.x),
        pitch_rates.y + yaw.z * roll.x + level * roll_rates.x,
        fma(pitch_rates.x, rates.x, xz_rate.y),
    );
    let inertia = base_row(INERTIA_ROW).xyz;
    let moments = inertia * turns + cross(rates, inertia * rates);

    var velocity = vec3f(x.low.y, y.low.y, z.low.y);
    if tables[problem.base_row + GROUND_ROW].w == 1u {
        velocity = vec3f(turned_back(facing, velocity.xy), velocity.z);
        let side = turned_back(roll, velocity.yz);
        let front = turned_back(pitch, vec2f(side.y, velocity.x));
        velocity = vec3f(front.y, side.x, front.x);
    }
    for (var i = 0u; i < 3u; i++) {
        bound(i, velocity[i], known);
    }
    for (var i = 0u; i < 3u; i++) {
        bound(3u + i, rates[i], known);
    }
    for (var i = 0u; i < 4u; i++) {
        bound(6u + i, dot(base_row(MIXER_ROW + i), vec4f(thrust, moments)), known);
    }
    store_vec3(coordinate_word(0u), vec3f(x.low.x, y.low.x, z.low.x));
    store(coordinate_word(3u), yaw.x);
    store(coordinate_word(4u), direction(right.x, up.x));
    store(coordinate_word(5u), direction(ahead.x, across));
}

// (x, z) of roll' along x and of a rate along z, after a turn about y.
fn turned_forth(angle: vec2f, v: vec2f) -> vec2f {
    return vec2f(v.x * angle.y - v.y * angle.x, v.x * angle.x + v.y * angle.y);
}

// Stage `steer`: the edge of each slot, from rest to rest along a straight line, as the check reads it. A thread per
// slot.

// Makes a slot's edge lead no farther than it may; where it leads nowhere, the slot has none in this round.
fn bring_near(search: Search, slot: Slot, i: u32) -> Slot {
    var made = slot;
    var share = 1.0;
    if slot.phase == EXTEND {
        let failed = atomicLoad(&failures[failures_of(search, slot.side, slot.near)]);
        let is_same = slot.distance < SAME * search.range;
        if is_same || (failed > 0u && slot.distance > DOMAIN * search.range) {
            made.phase = NOTHING;
            return made;
        }
        let halvings = min(firstLeadingBit(1u + failed / FORGIVEN), MOST_HALVINGS);
        share = search.range / f32(1u << halvings) / slot.distance;
    } else {
        made.phase = STEP;
        if slot.distance > search.range {
            share = search.range / slot.distance;
        }
    }
    let end = ends(search, i);
    for (var j = 0u; j < search.outputs; j++) {
        let base = number(positions(search, slot.side, j) + slot.near);
        var to = number(end + j);
        if slot.phase == STEP {
            to = number(positions(search, 1u - slot.side, j) + slot.goal);
        }
        if share < 1.0 {
            to = base + (to - base) * share;
        }
        arena[end + j] = bitcast<u32>(to);
    }
    return made;
}

// The way of output j along a slot's edge, as it will be driven: edges of the goal's tree lead to its root.
fn way(search: Search, slot: Slot, i: u32, j: u32) -> vec2f {
    let near = number(positions(search, slot.side, j) + slot.near);
    let end = number(ends(search, i) + j);
    return select(vec2f(near, end - near), vec2f(end, near - end), slot.side == GOAL);
}

// The least duration within the limits of velocity, acceleration and jerk, and a little more, which rounding may take.
fn least_duration(search: Search, slot: Slot, i: u32) -> f32 {
    var linear = 0.0;
    var square = 0.0;
    var cube = 0.0;
    for (var j = 0u; j < search.outputs; j++) {
        let output = output_of(search, j);
        let distance = abs(way(search, slot, i, j).y);
        linear = max(linear, distance * output.linear);
        square = max(square, distance * output.square);
        cube = max(cube, distance * output.cube);
    }
    let third = select(0.0, pow(cube, 0.33333334), cube > 0.0);
    return max(max(linear, sqrt(square)), third) * 1.00001;
}

fn write_polynomial(search: Search, slot: Slot, i: u32, j: u32, row: u32) {
    let along = way(search, slot, i, j);
    // An edge between the same places takes no time.
    let rate = select(0.0, 1.0 / slot.duration, slot.duration > 0.0);
    let third = along.y * rate * rate * rate;
    if search.degree == 3u {
        batch.rows[row] = bitcast<vec4u>(vec4f(along.x, 0.0, 3.0 * along.y * rate * rate, -2.0 * third));
        return;
    }
    batch.rows[row] = bitcast<vec4u>(vec4f(along.x, 0.0, 0.0, 10.0 * third));
    batch.rows[row + 1u] = bitcast<vec4u>(vec4f(-15.0 * third * rate, 6.0 * third * rate * rate, 0.0, 0.0));
}

// How many rakes of samples an edge needs: see `Packed::rakes` in src/check/packed.rs.
fn rakes_of(search: Search, slot: Slot, i: u32) -> u32 {
    var travel = 0.0;
    for (var j = 0u; j < search.outputs; j++) {
        travel += output_of(search, j).reach * abs(way(search, slot, i, j).y);
    }
    let intervals = u32(clamp(ceil(travel / search.resolution), 0.0, 1e6));
    return (intervals + RAKE) / RAKE;
}

@compute @workgroup_size(THREADS)
fn steer(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let edge = group.x * THREADS + thread;
    if edge >= batch.count {
        return;
    }
    let place = place_of(edge);
    let search = place.search;
    let i = place.i;
    let at = search.first_slot + i;
    var slot = slots[at];
    if slot.tries > 0u {
        slot.duration *= SLOWER;
    } else {
        slot = bring_near(search, slot, i);
        slot.duration = least_duration(search, slot, i);
    }
    slots[at] = slot;
    let rows = search.degree / 4u + 1u;
    let row = 2u * searches[0].slots * arrayLength(&searches) + edge * searches[0].edge_rows;
    var rakes = 0u;
    if slot.phase != NOTHING {
        rakes = rakes_of(search, slot, i);
        for (var j = 0u; j < search.outputs; j++) {
            write_polynomial(search, slot, i, j, row + j * rows);
        }
    }
    // What is not in the table is looked at in order.
    let stride = select(1u, u32(tables[min(rakes, STEPS - 1u)]), rakes < STEPS);
    batch.rows[2u * edge] = vec4u(row, 3u, bitcast<u32>(slot.duration), rakes | (stride << 16u));
    batch.rows[2u * edge + 1u] =
        vec4u(search.problem | (search.degree << DEGREE_SHIFT), bitcast<u32>(search.padding), 0u, bitcast<u32>(search.clearance));
}

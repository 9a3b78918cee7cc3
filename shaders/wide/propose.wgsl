// Stage `propose`: what each free slot is to do next: where the sample lies by which it extends a tree, or which node of
// the other tree it is to reach. A thread per slot.

// Draw number `draw` of a slot in a round.
fn drawn(search: Search, slot: u32, draw: u32) -> u32 {
    let counter = vec4u(search.seed_low, search.seed_high, search.round, (slot << 4u) | (draw / 4u));
    return random(counter)[draw % 4u];
}

// The smaller tree is extended the more often, but never by a rule that samples could be in step with.
fn drawn_side(search: Search, draw: u32) -> u32 {
    let balance = i32(search.slots) + i32(search.goal_size) - i32(search.start_size);
    let share = u32(clamp(balance, 0, 2 * i32(search.slots)));
    return select(GOAL, START, draw % (2u * search.slots) < share);
}

@compute @workgroup_size(THREADS)
fn propose(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let edge = group.x * THREADS + thread;
    if edge >= batch.count {
        return;
    }
    let place = place_of(edge);
    let search = place.search;
    let i = place.i;
    let at = search.first_slot + i;
    var slot = slots[at];
    let end = ends(search, i);
    if slot.phase == FREE {
        slot.phase = EXTEND;
        slot.side = drawn_side(search, drawn(search, i, 0u));
        for (var j = 0u; j < search.outputs; j++) {
            let output = output_of(search, j);
            let unit = f32(drawn(search, i, j + 1u) >> 8u) * 5.9604644775390625e-8;
            arena[end + j] = bitcast<u32>(output.lower + output.width * unit);
        }
        slots[at] = slot;
    } else if slot.phase == BEGIN {
        for (var j = 0u; j < search.outputs; j++) {
            arena[end + j] = arena[positions(search, 1u - slot.side, j) + slot.goal];
        }
    }
}

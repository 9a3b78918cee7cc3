// Stage `plant`: trees of their roots alone, and the first edges, straight from the goals to the start. A workgroup per
// search.

@compute @workgroup_size(THREADS)
fn plant(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let search = searches[group.x];
    for (var i = thread; i < 2u * search.capacity; i += THREADS) {
        atomicStore(&failures[search.failures + i], 0u);
    }
    for (var i = thread; i < search.start_size + search.goal_size; i += THREADS) {
        let side = select(GOAL, START, i < search.start_size);
        let node = i - select(0u, search.start_size, side == GOAL);
        for (var j = 0u; j < search.outputs; j++) {
            arena[positions(search, side, j) + node] = bitcast<u32>(tables[search.roots + i * search.outputs + j]);
        }
        arena[parents(search, side) + node] = node;
        arena[costs(search, side) + node] = 0u;
    }
    for (var i = thread; i < search.slots; i += THREADS) {
        let phase = select(FREE, STEP, i < search.goal_size);
        slots[search.first_slot + i] = Slot(phase, GOAL, i, 0u, 0.0, 0.0, 0u, 0u);
    }
}

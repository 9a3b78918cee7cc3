// Stage `trace`: the paths of the searches that are solved, from start to goal. A workgroup per search, a thread per
// output.

fn chain_length(search: Search, side: u32, from_node: u32) -> u32 {
    var node = from_node;
    var length = 1u;
    while arena[parents(search, side) + node] != node && length <= MOST_KNOTS {
        node = arena[parents(search, side) + node];
        length += 1u;
    }
    return length;
}

@compute @workgroup_size(THREADS)
fn trace(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let search = searches[group.x];
    if search.status != SOLVED {
        return;
    }
    let before = chain_length(search, START, search.start_near);
    let after = chain_length(search, GOAL, search.goal_near);
    let record = group.x * searches[0].path_words;
    if thread == 0u {
        report[record] = before;
        report[record + 1u] = after;
    }
    if before + after > MOST_KNOTS {
        return;
    }
    for (var j = thread; j < search.outputs; j += THREADS) {
        var node = search.start_near;
        for (var k = before; k > 0u; k--) {
            report[record + 2u + (k - 1u) * search.outputs + j] = arena[positions(search, START, j) + node];
            node = arena[parents(search, START) + node];
        }
        node = search.goal_near;
        for (var k = 0u; k < after; k++) {
            report[record + 2u + (before + k) * search.outputs + j] = arena[positions(search, GOAL, j) + node];
            node = arena[parents(search, GOAL) + node];
        }
    }
}

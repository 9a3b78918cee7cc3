// Stage `tally`: which searches are still running, and how many workgroups the stages of the next round take for them.
// One workgroup.

// By thread: how many of its searches are running.
var<workgroup> counts: array<u32, THREADS>;

// Numbers of a dispatch.
const DISPATCH_WORDS = 3u;

@compute @workgroup_size(THREADS)
fn tally(@builtin(local_invocation_index) thread: u32) {
    let all = arrayLength(&searches);
    let each = (all + THREADS - 1u) / THREADS;
    let begin = min(thread * each, all);
    let end = min(begin + each, all);
    var count = 0u;
    for (var s = begin; s < end; s++) {
        count += u32(searches[s].status == RUNNING);
    }
    counts[thread] = count;
    workgroupBarrier();
    var rank = 0u;
    for (var t = 0u; t < thread; t++) {
        rank += counts[t];
    }
    for (var s = begin; s < end; s++) {
        if searches[s].status == RUNNING {
            searches[rank].running = s;
            rank += 1u;
        }
    }
    if thread == THREADS - 1u {
        let edges = rank * searches[0].slots;
        batch.count = edges;
        dispatch(0u, (edges + THREADS - 1u) / THREADS);
        dispatch(1u, edges / TILE);
        // The host has written behind the dispatches how many workgroups the check may be given.
        dispatch(2u, min(edges, report[DISPATCH_WORDS * 4u]));
        dispatch(3u, rank);
    }
}

fn dispatch(i: u32, groups: u32) {
    report[DISPATCH_WORDS * i] = groups;
    report[DISPATCH_WORDS * i + 1u] = 1u;
    report[DISPATCH_WORDS * i + 2u] = 1u;
}

// Stage `nearest`: the node of the tree that a slot extends which is nearest to where it is to go; of several, the first.
// A workgroup for TILE slots of a search, so that a tree is read once for all of them.

const TILE = 4u;

var<workgroup> least_squares: array<f32, TILE * THREADS>;
var<workgroup> nearest_nodes: array<u32, TILE * THREADS>;

// Whether a slot looks for a node.
fn looks(slot: Slot) -> bool {
    return slot.tries == 0u && (slot.phase == EXTEND || slot.phase == BEGIN);
}

@compute @workgroup_size(THREADS)
fn nearest(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let tiles = searches[0].slots / TILE;
    let search = searches[searches[group.x / tiles].running];
    let first = group.x % tiles * TILE;
    var squares: array<f32, TILE>;
    var nodes: array<u32, TILE>;
    for (var q = 0u; q < TILE; q++) {
        squares[q] = 3.0e38;
        nodes[q] = 0u;
    }
    for (var side = START; side <= GOAL; side++) {
        var asks: array<bool, TILE>;
        var any = false;
        for (var q = 0u; q < TILE; q++) {
            let slot = slots[search.first_slot + first + q];
            asks[q] = looks(slot) && slot.side == side;
            any = any || asks[q];
        }
        let size = select(0u, size_of(search, side), any);
        for (var node = thread; node < size; node += THREADS) {
            var sums: array<f32, TILE>;
            for (var j = 0u; j < search.outputs; j++) {
                let weight = tables[search.table + OUTPUT_WORDS * j + 2u];
                let x = number(positions(search, side, j) + node);
                for (var q = 0u; q < TILE; q++) {
                    let d = weight * (x - number(ends(search, first + q) + j));
                    sums[q] += d * d;
                }
            }
            for (var q = 0u; q < TILE; q++) {
                if asks[q] && sums[q] < squares[q] {
                    squares[q] = sums[q];
                    nodes[q] = node;
                }
            }
        }
    }
    for (var q = 0u; q < TILE; q++) {
        least_squares[q * THREADS + thread] = squares[q];
        nearest_nodes[q * THREADS + thread] = nodes[q];
    }
    workgroupBarrier();
    if thread >= TILE {
        return;
    }
    let at = search.first_slot + first + thread;
    var slot = slots[at];
    if !looks(slot) {
        return;
    }
    var best = thread * THREADS;
    for (var i = best + 1u; i < (thread + 1u) * THREADS; i++) {
        let nearer = least_squares[i] < least_squares[best];
        let equal = least_squares[i] == least_squares[best];
        if nearer || (equal && nearest_nodes[i] < nearest_nodes[best]) {
            best = i;
        }
    }
    slot.near = nearest_nodes[best];
    slot.distance = sqrt(least_squares[best]);
    slots[at] = slot;
}

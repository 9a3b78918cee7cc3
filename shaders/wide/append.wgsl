// Stage `append`: what the check found valid becomes nodes, in the order of the slots, and every slot learns what it is
// to do next. A workgroup per search.

// By thread, and tree: how many nodes its slots add, and from which on.
var<workgroup> added: array<array<u32, 2>, THREADS>;
// By thread: the shortest path that its slots close, and its slot.
var<workgroup> shortest: array<f32, THREADS>;
var<workgroup> closing_slots: array<u32, THREADS>;

const LONGEST = 3.0e38;

// What the verdict makes of a slot's edge.
const FAILED = 0u;
const GROWN = 1u;
const CLOSED = 2u;
const SLOWED = 3u;
const NONE = 4u;

fn outcome_of(search: Search, slot: Slot, edge: u32) -> u32 {
    if slot.phase == NOTHING {
        return NONE;
    }
    let status = verdicts[edge].status & 0xffu;
    if status == VALID {
        return select(GROWN, CLOSED, slot.phase == STEP && slot.distance <= search.range);
    }
    let is_heavy = status == EFFORT || status == BASE;
    return select(FAILED, SLOWED, is_heavy && slot.tries < TRIES);
}

fn near_in(slot: Slot, side: u32) -> u32 {
    return select(slot.goal, slot.near, slot.side == side);
}

@compute @workgroup_size(THREADS)
fn append(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
    let number_of_search = searches[group.x].running;
    let search = searches[number_of_search];
    let each = (search.slots + THREADS - 1u) / THREADS;
    let begin = min(thread * each, search.slots);
    let end = min(begin + each, search.slots);
    var counts = array<u32, 2>(0u, 0u);
    var least = LONGEST;
    var least_slot = 0u;
    for (var i = begin; i < end; i++) {
        let slot = slots[search.first_slot + i];
        let outcome = outcome_of(search, slot, group.x * search.slots + i);
        if outcome == GROWN {
            counts[slot.side] += 1u;
        } else if outcome == FAILED && slot.phase == EXTEND {
            atomicAdd(&failures[failures_of(search, slot.side, slot.near)], 1u);
        } else if outcome == CLOSED {
            let before = number(costs(search, START) + near_in(slot, START));
            let whole = before + slot.duration + number(costs(search, GOAL) + near_in(slot, GOAL));
            if whole < least {
                least = whole;
                least_slot = i;
            }
        }
    }
    added[thread] = counts;
    shortest[thread] = least;
    closing_slots[thread] = least_slot;
    workgroupBarrier();

    var sizes = array<u32, 2>(search.start_size, search.goal_size);
    for (var t = 0u; t < thread; t++) {
        sizes[START] += added[t][START];
        sizes[GOAL] += added[t][GOAL];
    }
    for (var i = begin; i < end; i++) {
        let at = search.first_slot + i;
        var slot = slots[at];
        let outcome = outcome_of(search, slot, group.x * search.slots + i);
        if outcome == GROWN {
            let node = sizes[slot.side];
            sizes[slot.side] += 1u;
            slot = grown(search, slot, i, node);
        } else if outcome == SLOWED {
            slot.tries += 1u;
        } else {
            slot.phase = FREE;
            slot.tries = 0u;
        }
        slots[at] = slot;
    }
    workgroupBarrier();
    storageBarrier();
    if thread == THREADS - 1u {
        settle(number_of_search, search, sizes);
    }
}

// A slot whose edge is valid: the edge's end becomes a node, if there is room.
fn grown(search: Search, slot: Slot, i: u32, node: u32) -> Slot {
    var next = slot;
    next.tries = 0u;
    if node >= search.capacity {
        next.phase = FREE;
        return next;
    }
    for (var j = 0u; j < search.outputs; j++) {
        arena[positions(search, slot.side, j) + node] = arena[ends(search, i) + j];
    }
    arena[parents(search, slot.side) + node] = slot.near;
    let cost = number(costs(search, slot.side) + slot.near) + slot.duration;
    arena[costs(search, slot.side) + node] = bitcast<u32>(cost);
    if slot.phase == STEP {
        next.near = node;
        next.distance = slot.distance - search.range;
    } else {
        next.phase = BEGIN;
        next.side = 1u - slot.side;
        next.goal = node;
    }
    return next;
}

// What the round has made of the search. Others may read what does not change.
fn settle(n: u32, search: Search, sizes: array<u32, 2>) {
    var best = 0u;
    for (var t = 1u; t < THREADS; t++) {
        if shortest[t] < shortest[best] {
            best = t;
        }
    }
    let samples = search.samples + search.slots;
    searches[n].round = search.round + 1u;
    searches[n].samples = samples;
    searches[n].start_size = min(sizes[START], search.capacity);
    searches[n].goal_size = min(sizes[GOAL], search.capacity);
    if shortest[best] < LONGEST {
        let slot = closing_slot(search, closing_slots[best]);
        searches[n].status = SOLVED;
        searches[n].start_near = near_in(slot, START);
        searches[n].goal_near = near_in(slot, GOAL);
        searches[n].closing = slot.duration;
    } else if max(sizes[START], sizes[GOAL]) > search.capacity {
        searches[n].status = FULL;
    } else if samples >= search.most_samples {
        searches[n].status = SPENT;
    }
}

fn closing_slot(search: Search, i: u32) -> Slot {
    return slots[search.first_slot + i];
}

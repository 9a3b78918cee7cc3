// How the threads of an edge tell each other of samples that fail: through the workgroup's memory.
// For adapters without subgroup operations.

const NONE = 0xffffffffu;

// Number of the sample that this thread works on.
var<private> sample: u32;
// The least that is known to fail.
var<workgroup> first_failing: atomic<u32>;

// Called by one thread before an edge's first sample.
fn reset_vote() {
    atomicStore(&first_failing, NONE);
}

// Called before each sample.
fn hear_others() {}

// Called by all threads that are still at work on a sample.
fn vote(fails: bool) {
    if fails {
        atomicMin(&first_failing, sample);
    }
}

// Whether an earlier sample is known to fail, so that this one no longer matters.
fn overtaken() -> bool {
    return atomicLoad(&first_failing) < sample;
}

// How the threads of an edge tell each other of samples that fail: within a subgroup by its own
// operations, and from one subgroup to the next through the workgroup's memory, once per sample.
//
// Threads may be missing from a vote, having found their sample to fail before. What is true of a
// verdict does not depend on that: whoever fails first has told the workgroup.

const NONE = 0xffffffffu;

// Number of the sample that this thread works on, and the least that it knows to fail.
var<private> sample: u32;
var<private> known_failing: u32;
// The least that any thread has told of.
var<workgroup> first_failing: atomic<u32>;

// Called by one thread before an edge's first sample.
fn reset_vote() {
    atomicStore(&first_failing, NONE);
}

// Called before each sample.
fn hear_others() {
    known_failing = atomicLoad(&first_failing);
}

// Called by all threads that are still at work on a sample.
fn vote(fails: bool) {
    let least = subgroupMin(select(NONE, sample, fails));
    known_failing = min(known_failing, least);
    // Samples of one subgroup differ, so one thread tells of the least.
    if fails && sample == least {
        atomicMin(&first_failing, sample);
    }
}

// Whether an earlier sample is known to fail, so that this one no longer matters.
fn overtaken() -> bool {
    return known_failing < sample;
}

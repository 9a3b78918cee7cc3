// Entry points: all stages in one kernel, so that nothing but verdicts leaves a thread.

const NONE = 0xffffffffu;

// The stages after `unflatten`, for this thread's sample.
fn check_sample() -> Fault {
    place();
    var fault = collide_world();
    if fault.status == VALID && !overtaken() {
        fault = collide_itself();
    }
    if fault.status == VALID && !overtaken() {
        fault = limits();
    }
    return fault;
}

// A workgroup per edge, a thread per sample, in the order of the samples. A thread stops at its
// first failing sample, or once an earlier one is known to fail: the verdict is always that of the
// first, whichever thread is faster.
@compute @workgroup_size(WORKGROUP)
fn check_edges(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(group.x, invocation);
    var examined = 0u;
    for (var edge = group.x; edge < batch.count; edge += groups.x) {
        if invocation == 0u {
            atomicStore(&first_failing, NONE);
        }
        workgroupBarrier();
        let head = head_of(edge);
        let samples = (head.rakes & 0xffffu) * RAKE;
        var failing = NONE;
        var fault = NO_FAULT;
        var time = 0.0;
        for (sample = invocation; sample < samples && !overtaken(); sample += WORKGROUP) {
            time = sample_time(head, sample);
            unflatten_edge(head, time);
            fault = check_sample();
            examined += 1u;
            if fault.status != VALID {
                failing = sample;
                atomicMin(&first_failing, sample);
                break;
            }
        }
        workgroupBarrier();
        let first = atomicLoad(&first_failing);
        if first == NONE {
            if invocation == 0u {
                report.verdicts[edge] = Verdict(VALID, 0.0, 0u, 0u);
            }
        } else if failing == first {
            report.verdicts[edge] = Verdict(fault.status, time, fault.subject, fault.other);
        }
        // Nobody may begin the next edge before all have read of this one.
        workgroupBarrier();
    }
    atomicAdd(&report.states, examined);
}

// A thread per state.
@compute @workgroup_size(WORKGROUP)
fn check_states(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(group.x, invocation);
    if invocation == 0u {
        atomicStore(&first_failing, NONE);
    }
    workgroupBarrier();
    var examined = 0u;
    for (var state = group.x * WORKGROUP + invocation; state < batch.count; state += groups.x * WORKGROUP) {
        unflatten_state(state);
        let fault = check_sample();
        examined += 1u;
        report.verdicts[state] = Verdict(fault.status, 0.0, fault.subject, fault.other);
    }
    atomicAdd(&report.states, examined);
}

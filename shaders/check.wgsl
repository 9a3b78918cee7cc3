// Entry points: all stages in one kernel, so that nothing but verdicts leaves a thread.

// The stages after `unflatten`, for this thread's sample.
fn check_sample() -> SampleVerdict {
    place();
    var verdict = collide_world();
    if verdict.status == VALID && !overtaken() {
        verdict = collide_itself();
        vote(verdict.status != VALID);
    }
    if verdict.status == VALID && !overtaken() {
        verdict = limits();
        vote(verdict.status != VALID);
    }
    return verdict;
}

fn edge_verdict(verdict: SampleVerdict, time: f32, examined: u32) -> Verdict {
    return Verdict(verdict.status | (examined << 8u), time, verdict.subject, verdict.other);
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
    for (var edge = group.x; edge < batch.count; edge += groups.x) {
        if invocation == 0u {
            reset_vote();
        }
        workgroupBarrier();
        let head = head_of(edge);
        take(head);
        let samples = (head.rakes & 0xffffu) * RAKE;
        var failing = NONE;
        var verdict = ALL_VALID;
        var time = 0.0;
        for (sample = invocation; sample < samples; sample += WORKGROUP) {
            hear_others();
            if overtaken() {
                break;
            }
            time = sample_time(head, sample);
            unflatten_edge(head, time);
            if VEHICLES {
                unflatten_base();
            }
            verdict = check_sample();
            if verdict.status != VALID {
                failing = sample;
                break;
            }
        }
        workgroupBarrier();
        let first = atomicLoad(&first_failing);
        if first == NONE {
            if invocation == 0u {
                verdicts[edge] = edge_verdict(ALL_VALID, 0.0, samples);
            }
        } else if failing == first {
            verdicts[edge] = edge_verdict(verdict, time, first + 1u);
        }
        // Nobody may begin the next edge before all have read of this one.
        workgroupBarrier();
    }
}

// A thread per state. All are number 0, so that none overtakes another.
@compute @workgroup_size(WORKGROUP)
fn check_states(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(group.x, invocation);
    sample = 0u;
    for (var state = group.x * WORKGROUP + invocation; state < batch.count; state += groups.x * WORKGROUP) {
        let head = head_of(state);
        take(head);
        unflatten_edge(head, 0.0);
        verdicts[state] = edge_verdict(check_sample(), 0.0, 1u);
    }
}

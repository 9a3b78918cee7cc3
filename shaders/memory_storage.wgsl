// Where each thread keeps WORDS numbers while it works on a sample: in a buffer, neighbouring
// threads side by side. For robots that are too large for a thread's own memory.

@group(0) @binding(7) var<storage, read_write> words: array<f32>;
var<private> thread: u32;
var<private> workgroup_index: u32;

fn begin(group: u32, invocation: u32) {
    thread = invocation;
    workgroup_index = group;
}

fn load(word: u32) -> f32 {
    return words[(workgroup_index * WORDS + word) * WORKGROUP + thread];
}

fn store(word: u32, value: f32) {
    words[(workgroup_index * WORDS + word) * WORKGROUP + thread] = value;
}

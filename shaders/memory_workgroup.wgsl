// Where each thread keeps WORDS numbers while it works on a sample: in the workgroup's memory,
// neighbouring threads side by side. For robots that fit.

override WORDS: u32;

var<workgroup> words: array<f32, WORDS * WORKGROUP>;
var<private> thread: u32;

fn begin(group: u32, invocation: u32) {
    thread = invocation;
}

fn load(word: u32) -> f32 {
    return words[word * WORKGROUP + thread];
}

fn store(word: u32, value: f32) {
    words[word * WORKGROUP + thread] = value;
}

// Where each thread keeps WORDS numbers while it works on a sample: in its own memory, which takes
// nothing of the workgroup's, so that as many threads are at work as the device can hold. For robots
// that fit.

var<private> words: array<f32, WORDS>;

fn begin(group: u32, invocation: u32) {}

fn load(word: u32) -> f32 {
    return words[word];
}

fn store(word: u32, value: f32) {
    words[word] = value;
}

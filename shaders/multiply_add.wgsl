// Chains of multiply-adds that stay in registers: the most arithmetic that a device does, by which
// that of the checks is judged.

override ROUNDS: u32;

const THREADS = 64u;

@group(0) @binding(0) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(THREADS)
fn multiply_add(@builtin(global_invocation_id) id: vec3u) {
    // Threads differ, or they might be computed once for all.
    let x = vec4f(f32(id.x % THREADS) * 1e-3);
    let share = vec4f(0.999);
    var a = x;
    var b = x + 1.0;
    var c = x + 2.0;
    var d = x + 3.0;
    for (var i = 0u; i < ROUNDS; i++) {
        a = fma(a, share, x);
        b = fma(b, share, x);
        c = fma(c, share, x);
        d = fma(d, share, x);
    }
    sums[id.x % THREADS] = dot(a + b + c + d, x);
}

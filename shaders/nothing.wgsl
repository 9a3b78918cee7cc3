// What a round trip costs that does no work: for comparison.

@group(0) @binding(0) var<storage, read_write> trips: array<u32>;

@compute @workgroup_size(1)
fn nothing() {
    trips[0] += 1u;
}

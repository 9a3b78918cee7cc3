//! Random numbers by counters, the same in Rust and WGSL: whoever asks for a number of a counter gets the same one,
//! whatever was asked before.

/// Four random numbers of a counter: pcg4d of Jarzynski and Olano, *Hash functions for GPU rendering*, JCGT 2020.
pub(super) fn random(counter: [u32; 4]) -> [u32; 4] {
    let mut v = counter.map(|x| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mix = |v: &mut [u32; 4]| {
        v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
        v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
        v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
        v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
    };
    mix(&mut v);
    v = v.map(|x| x ^ (x >> 16));
    mix(&mut v);
    v
}

/// A number in [0, 1) of the upper 24 bits: exact.
pub(super) fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each component of neighbouring counters is spread evenly, and no two are alike.
    #[test]
    fn counters_give_even_numbers() {
        let count = 4096_u32;
        for component in 0..4 {
            for field in 0..4 {
                let of = |i: u32| {
                    let mut counter = [7, 0, 3, 5];
                    counter[field] = i;
                    unit(random(counter)[component])
                };
                let mut cells = [0_u32; 16];
                let mut product = 0.0_f64;
                for i in 0..count {
                    cells[(of(i) * 16.0) as usize] += 1;
                    product += f64::from(of(i) - 0.5) * f64::from(of(i + 1) - 0.5);
                }
                // Of a binomial distribution with mean 256 and deviation 15.5, six deviations.
                assert!(cells.iter().all(|&n| n.abs_diff(256) < 93), "{component} {field}: {cells:?}");
                // The correlation of neighbours, whose deviation is a twelfth by the root of the count.
                assert!((product / f64::from(count)).abs() < 6.0 / 12.0 / 64.0, "{component} {field}");
            }
        }
    }
}

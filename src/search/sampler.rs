//! Seeded samples of the flat output space.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Bases of the Halton sequence, one per output.
const PRIMES: [u8; 10] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29];

/// Draws points of a box evenly: Halton's sequence, shifted by a random vector modulo 1 so that
/// every seed gives another one (Cranley and Patterson, *Randomization of number theoretic methods
/// for multiple integration*, SIAM J. Numer. Anal. 1976). Outputs beyond the first ten, where
/// Halton's sequence is no longer even, are drawn independently.
#[derive(Clone, Debug)]
pub struct Sampler {
    rng: Pcg64Mcg,
    /// Bounds of each output.
    bounds: Vec<(f64, f64)>,
    /// One sequence per output.
    halton: Vec<RadicalInverse>,
}

impl Sampler {
    /// A sampler of the box with these (finite) bounds.
    pub fn new(bounds: Vec<(f64, f64)>, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let bases = PRIMES.iter().take(bounds.len());
        let halton = bases.map(|&base| RadicalInverse::new(base, rng.random())).collect();
        Self { rng, bounds, halton }
    }

    /// Writes the next point to `point`, one value per output.
    pub fn sample(&mut self, point: &mut [f64]) {
        for (i, (value, &(lower, upper))) in point.iter_mut().zip(&self.bounds).enumerate() {
            let u = match self.halton.get_mut(i) {
                Some(sequence) => sequence.next(),
                None => self.rng.random::<f64>(),
            };
            *value = lower + (upper - lower) * u;
        }
    }

    /// A number in [0, 1), independent of the points.
    pub fn unit(&mut self) -> f64 {
        self.rng.random()
    }
}

/// The van der Corput sequence of a base, shifted modulo 1. Counts as one does by hand, the last digit
/// first, so that a number costs an addition per digit that changes.
#[derive(Clone, Debug)]
struct RadicalInverse {
    base: u8,
    /// Digits of the index, the last first; 64 of them outlast any search.
    digits: [u8; 64],
    /// The number, in units of 2^-64: what goes beyond 1 wraps around.
    value: u64,
}

impl RadicalInverse {
    fn new(base: u8, shift: u64) -> Self {
        Self { base, digits: [0; 64], value: shift }
    }

    fn next(&mut self) -> f64 {
        let base = u64::from(self.base);
        let mut weight = u64::MAX / base;
        for digit in &mut self.digits {
            if *digit + 1 < self.base {
                *digit += 1;
                self.value = self.value.wrapping_add(weight);
                break;
            }
            *digit = 0;
            self.value = self.value.wrapping_sub((base - 1) * weight);
            weight /= base;
        }
        // The upper 53 bits, so that it is below 1.
        (self.value >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radical_inverses_are_van_der_corputs() {
        let mut three = RadicalInverse::new(3, 0);
        for number in [1.0 / 3.0, 2.0 / 3.0, 1.0 / 9.0, 4.0 / 9.0, 7.0 / 9.0, 2.0 / 9.0] {
            assert!((three.next() - number).abs() < 1e-15);
        }
        // After every power of the base the sequence has been in every interval of that width.
        let mut shifted = RadicalInverse::new(5, 1 << 63);
        let mut cells: Vec<u32> = (0..3125).map(|_| ((shifted.next() * 3125.0) as u32) % 3125).collect();
        cells.sort_unstable();
        cells.dedup();
        assert!(cells.len() > 3000, "{}", cells.len());
    }

    #[test]
    fn samples_fill_the_box_evenly_and_follow_the_seed() {
        let bounds = vec![(-1.0, 3.0); 12];
        let draw = |seed| {
            let mut sampler = Sampler::new(bounds.clone(), seed);
            let mut points = vec![[0.0; 12]; 4096];
            points.iter_mut().for_each(|p| sampler.sample(p));
            points
        };
        let points = draw(7);
        assert_eq!(points, draw(7));
        assert_ne!(points, draw(8));
        for output in 0..12 {
            let mean = points.iter().map(|p| p[output]).sum::<f64>() / 4096.0;
            assert!((mean - 1.0).abs() < 0.1, "output {output} has mean {mean}");
            assert!(points.iter().all(|p| (-1.0..3.0).contains(&p[output])));
        }
    }
}

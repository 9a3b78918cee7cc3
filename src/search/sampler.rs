//! Seeded samples of the flat output space.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Bases of the Halton sequence, one per output.
const PRIMES: [u32; 10] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29];

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
    shift: Vec<f64>,
}

impl Sampler {
    /// A sampler of the box with these (finite) bounds.
    pub fn new(bounds: Vec<(f64, f64)>, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let halton: Vec<_> =
            PRIMES.iter().take(bounds.len()).map(|&base| RadicalInverse::new(base)).collect();
        let shift = halton.iter().map(|_| rng.random::<f64>()).collect();
        Self { rng, bounds, halton, shift }
    }

    /// Writes the next point to `point`, one value per output.
    pub fn sample(&mut self, point: &mut [f64]) {
        for (i, (value, &(lower, upper))) in point.iter_mut().zip(&self.bounds).enumerate() {
            let u = match self.halton.get_mut(i) {
                Some(sequence) => (sequence.next() + self.shift[i]).fract(),
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

/// The van der Corput sequence of a base.
#[derive(Clone, Debug)]
struct RadicalInverse {
    base: u64,
    numerator: u64,
    denominator: u64,
}

impl RadicalInverse {
    fn new(base: u32) -> Self {
        Self { base: u64::from(base), numerator: 0, denominator: 1 }
    }

    /// Kolar and O'Shea, *Fast, portable, and reliable algorithm for the calculation of Halton
    /// numbers*, Computers Math. Applic. 1993.
    fn next(&mut self) -> f64 {
        let gap = self.denominator - self.numerator;
        if gap == 1 {
            self.numerator = 1;
            self.denominator *= self.base;
        } else {
            let mut y = self.denominator / self.base;
            while gap <= y {
                y /= self.base;
            }
            self.numerator = (self.base + 1) * y - gap;
        }
        self.numerator as f64 / self.denominator as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radical_inverses_are_van_der_corputs() {
        let mut three = RadicalInverse::new(3);
        let first: Vec<f64> = (0..5).map(|_| three.next()).collect();
        assert_eq!(first, [1.0 / 3.0, 2.0 / 3.0, 1.0 / 9.0, 4.0 / 9.0, 7.0 / 9.0]);
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

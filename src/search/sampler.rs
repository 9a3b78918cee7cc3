//! Seeded samples of the flat output space.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Draws points of a box evenly: a Kronecker sequence, whose every step adds the same vector modulo 1,
/// from a random point of its own for every seed (Cranley and Patterson, *Randomization of number
/// theoretic methods for multiple integration*, SIAM J. Numer. Anal. 1976). The vector is the one of
/// Roberts, *The unreasonable effectiveness of quasirandom sequences*, 2018: powers of the inverse of
/// the generalised golden ratio, which leave no gap in any number of dimensions. A point costs an
/// addition per output.
#[derive(Clone, Debug)]
pub struct Sampler {
    rng: Pcg64Mcg,
    sequences: Vec<Kronecker>,
}

/// The sequence of one output.
#[derive(Clone, Debug)]
struct Kronecker {
    lower: f64,
    width: f64,
    /// Where it stands and what a step adds, in units of 2^-64: what goes beyond 1 wraps around.
    value: u64,
    step: u64,
}

impl Sampler {
    /// A sampler of the box with these (finite) bounds.
    pub fn new(bounds: Vec<(f64, f64)>, seed: u64) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let rate = 1.0 / golden_ratio(bounds.len());
        let mut power = 1.0;
        let sequence = |(lower, upper): (f64, f64)| {
            power *= rate;
            let step = (power * 2.0_f64.powi(64)) as u64;
            Kronecker { lower, width: upper - lower, value: rng.random(), step }
        };
        let sequences = bounds.into_iter().map(sequence).collect();
        Self { rng, sequences }
    }

    /// Samplers of the box for two trees, each of which is to have a sequence of its own. Trees that share one each
    /// get a part of it that depends on which of their extensions fail, and whole regions can be missing from it.
    pub fn for_trees(bounds: Vec<(f64, f64)>, seed: u64) -> [Self; 2] {
        /// Turns the seed of one into that of the other: any number of many bits.
        const OTHER: u64 = 0x9e37_79b9_7f4a_7c15;
        [Self::new(bounds.clone(), seed), Self::new(bounds, seed ^ OTHER)]
    }

    /// Writes the next point to `point`, one value per output.
    pub fn sample(&mut self, point: &mut [f64]) {
        for (value, sequence) in point.iter_mut().zip(&mut self.sequences) {
            sequence.value = sequence.value.wrapping_add(sequence.step);
            *value = sequence.lower + sequence.width * unit(sequence.value);
        }
    }

    /// Distance between the bounds of an output.
    pub fn width(&self, output: usize) -> f64 {
        self.sequences[output].width
    }

    /// A number in [0, 1), independent of the points.
    pub fn unit(&mut self) -> f64 {
        self.rng.random()
    }
}

/// A number of units of 2^-64: its upper 53 bits, so that it is below 1.
fn unit(value: u64) -> f64 {
    (value >> 11) as f64 / (1_u64 << 53) as f64
}

/// The positive root of x^(n + 1) = x + 1: the golden ratio for one dimension, and so on.
fn golden_ratio(dimensions: usize) -> f64 {
    let root = 1.0 / (dimensions as f64 + 1.0);
    (0..32).fold(2.0_f64, |x, _| (1.0 + x).powf(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_powers_of_the_golden_ratios() {
        for (dimensions, ratio) in [(1, 1.618_033_988_749), (2, 1.324_717_957_244), (3, 1.220_744_084_605)] {
            assert!((golden_ratio(dimensions) - ratio).abs() < 1e-11);
        }
        for dimensions in 1..40 {
            let ratio = golden_ratio(dimensions);
            assert!((ratio.powi(dimensions as i32 + 1) - ratio - 1.0).abs() < 1e-9, "{dimensions}");
        }
        // In one dimension no two of n points are much nearer than 1 / n.
        let mut sampler = Sampler::new(vec![(0.0, 1.0)], 3);
        let mut points = vec![[0.0; 1]; 1000];
        points.iter_mut().for_each(|p| sampler.sample(p));
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let gaps = points.windows(2).map(|pair| pair[1][0] - pair[0][0]);
        assert!(gaps.clone().fold(f64::INFINITY, f64::min) > 0.35e-3);
        assert!(gaps.fold(0.0, f64::max) < 1.7e-3);
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

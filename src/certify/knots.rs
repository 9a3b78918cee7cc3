//! How much trajectories may jump at their knots.
//!
//! A file that was rounded jumps at every knot, and so does every sum of polynomials in `f64`: by so little
//! that nobody minds. But jumps that nobody minds one by one may add up to any motion, and hide any velocity
//! and acceleration. So a trajectory p passes only where there is a motion q, continuous with all its
//! derivatives that should be, that is as good as p and keeps the limits that p keeps. It is made thus. Let
//! n be the order of the limited derivative, and J_0 ... J_(n-1) what p and its derivatives gain at a knot.
//!
//! 1. Each |J_m| is at most the tolerance t, relative to values above 1.
//! 2. Half of the jumps can be taken up on each side by Hermite's polynomial of degree 2n - 1 over T, the
//!    shorter of the two segments: it has the value J_m / 2 in every derivative m at the knot, and none at
//!    the other end. Its k-th derivative is at most the sum over m of |J_m| / 2 T^(m - k), each times a
//!    constant. Where twice that, for a segment has two ends, is within the tolerance of the k-th limit for
//!    every k from 1 to n, the knot is mended so: what jumps in position has counted as velocity, as
//!    acceleration (and as jerk), what jumps in velocity as acceleration, and so on.
//! 3. Else the jumps are left out for good: from the knot on, q is p less J_m, and has the same n-th
//!    derivative as p. These jumps must not add up, without signs, to more than t, relative to values above
//!    1, in any derivative of any output.
//!
//! By 2, q is beyond p's limits by no more than their tolerance, and off p by no more than about t; by 3, q
//! is off p's m-th derivative by no more than t, and what t in the derivatives above makes in the duration.
//!
//! Of the state of a vehicle (coordinates and what is steady of its limited quantities) only 1 and 3 are
//! asked: polynomials of it, that could be mended, are not known.
//!
//! Imports `robot` and `trajectory`.

use super::findings::Findings;
use super::options::{CertifyOptions, deviation};
use super::report::{Quantity, Violation};
use crate::robot::JointLimits;
use crate::trajectory::{Segment, derivative};

/// Most derivatives, the value among them, that are continuous.
pub(super) const MOST: usize = 3;

/// Greatest magnitudes of the derivatives of Hermite's polynomials over unit time, `[k - 1][m]`: of the k-th
/// derivative of that whose m-th derivative is 1 at one end, all else being none. Of cubics, ...
const REACH_OF_CUBICS: [[f64; MOST]; MOST] = [[1.5, 1.0, 0.0], [6.0, 4.0, 0.0], [0.0; MOST]];
/// ... and of quintics.
const REACH_OF_QUINTICS: [[f64; MOST]; MOST] = [[1.875, 1.0, 0.07], [5.78, 3.95, 1.0], [60.0, 36.0, 9.0]];

/// Jumps of the quantities of a trajectory, added up.
#[derive(Default)]
pub(super) struct Jumps {
    /// Per quantity: sums by derivative, and at how many knots there are any.
    sums: Vec<[(f64, usize); MOST]>,
    /// Whether jumps are left out that segments can take up. Mostly all are so small that it need not be asked.
    mends: bool,
}

/// A knot, as far as a quantity knows it.
#[derive(Clone, Copy)]
pub(super) struct Knot {
    /// When.
    pub(super) time: f64,
    /// The shorter of the durations of the segments that meet.
    pub(super) brief: f64,
}

impl Jumps {
    /// Begins with so many quantities.
    pub(super) fn begin(&mut self, quantities: usize, mends: bool) {
        self.mends = mends;
        self.sums.clear();
        self.sums.resize(quantities, [(0.0, 0); MOST]);
    }

    /// An output at a knot: its value and derivatives, as many as are continuous, before and after.
    pub(super) fn meet<const N: usize>(
        &mut self,
        index: usize,
        sides: [[f64; N]; 2],
        knot: Knot,
        limits: &JointLimits,
        options: &CertifyOptions,
    ) -> Option<(usize, f64)> {
        let [before, after] = sides;
        for order in 0..N {
            // A NaN does not continue anything.
            let is_continued = deviation(after[order], before[order]) <= options.tolerance;
            if !is_continued {
                return Some((order, after[order] - before[order]));
            }
        }
        let jumps: [f64; N] = std::array::from_fn(|order| (after[order] - before[order]).abs());
        if !(self.mends && is_mended(&jumps, knot.brief, limits, options)) {
            for (order, &jump) in jumps.iter().enumerate() {
                self.count(index, order, jump / before[order].abs().max(1.0));
            }
        }
        None
    }

    /// Something of a vehicle's state at a knot; gives the jump where it is too great.
    pub(super) fn meet_state(
        &mut self,
        index: usize,
        [before, after]: [f64; 2],
        tolerance: f64,
    ) -> Option<f64> {
        let jump = deviation(after, before);
        let is_continued = jump <= tolerance;
        if !is_continued {
            return Some(after - before);
        }
        self.count(index, 0, jump);
        None
    }

    fn count(&mut self, index: usize, order: usize, jump: f64) {
        let (sum, knots) = &mut self.sums[index][order];
        *sum += jump;
        *knots += usize::from(jump > 0.0);
    }

    /// Whether no sum is more than is tolerated.
    pub(super) fn are_small(&self, tolerance: f64) -> bool {
        self.sums.iter().flatten().all(|(sum, _)| *sum <= tolerance)
    }

    /// Refuses quantities whose jumps add up to too much; `name` tells what a derivative of one is, and in
    /// which unit.
    pub(super) fn end(
        &self,
        tolerance: f64,
        name: impl Fn(usize, usize) -> (Quantity, &'static str),
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        for (index, sums) in self.sums.iter().enumerate() {
            for (order, &(sum, knots)) in sums.iter().enumerate() {
                if sum > tolerance {
                    let (of, unit) = name(index, order);
                    findings.add(Violation::Jumps { of, knots, sum, unit })?;
                }
            }
        }
        Ok(())
    }
}

/// Whether jumps can be taken up by the segments beside a knot, within the tolerances of the limits.
fn is_mended<const N: usize>(
    jumps: &[f64; N],
    brief: f64,
    limits: &JointLimits,
    options: &CertifyOptions,
) -> bool {
    let reach = if N == MOST { REACH_OF_QUINTICS } else { REACH_OF_CUBICS };
    let (limit, jerk) = (options.limit_tolerance, options.jerk_tolerance);
    let tolerances = [(limits.velocity, limit), (limits.acceleration, limit), (limits.jerk, jerk)]
        .map(|(most, t)| t * most.max(1.0));
    (1..=N).all(|k| {
        let terms = jumps.iter().enumerate().filter(|(_, jump)| **jump > 0.0);
        let takes: f64 =
            terms.map(|(m, jump)| reach[k - 1][m] * jump * brief.powi(m as i32 - k as i32)).sum();
        takes <= tolerances[k - 1]
    })
}

/// An output on both sides of the knot between two segments: its value and derivatives, as many as there are.
pub(super) fn sides<const N: usize>([before, after]: [&Segment<'_>; 2], output: usize) -> [[f64; N]; 2] {
    let at = |segment: &Segment<'_>, t: f64| {
        let polynomial = segment.polynomial(output);
        std::array::from_fn(|order| derivative(polynomial, order, t))
    };
    [at(before, before.duration), at(after, 0.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trajectory::{cubic, derivative};

    /// Greatest magnitudes at many instants.
    fn greatest(polynomial: &[f64], order: usize) -> f64 {
        (0..=1000).map(|i| derivative(polynomial, order, f64::from(i) / 1000.0).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn reaches_are_those_of_hermites_polynomials() {
        let cubics = [cubic(1.0, [1.0, 0.0], [0.0; 2]).to_vec(), cubic(1.0, [0.0; 2], [1.0, 0.0]).to_vec()];
        let quintics = [
            vec![1.0, 0.0, 0.0, -10.0, 15.0, -6.0],
            vec![0.0, 1.0, 0.0, -6.0, 8.0, -3.0],
            vec![0.0, 0.0, 0.5, -1.5, 1.5, -0.5],
        ];
        for (all, reach) in [(&cubics[..], REACH_OF_CUBICS), (&quintics[..], REACH_OF_QUINTICS)] {
            for (m, polynomial) in all.iter().enumerate() {
                for order in 0..all.len() {
                    assert_eq!(derivative(polynomial, order, 0.0), f64::from(order == m));
                    assert!(derivative(polynomial, order, 1.0).abs() < 1e-12);
                }
                for k in 1..=all.len() {
                    let (most, known) = (greatest(polynomial, k), reach[k - 1][m]);
                    assert!(most <= known && most >= 0.95 * known, "{most}, not {known}: {k} {m}");
                }
            }
        }
    }
}

//! Positions, velocities, accelerations and jerks within their limits, by the exact extrema of polynomials,
//! and what these tell the collision proof. Imports `problem` and
//! `trajectory`.

use super::collision::{JointVariations, magnitude};
use super::findings::Findings;
use super::interval::{Variation, shift};
use super::options::{CertifyOptions, INTERVAL, ask, tolerance_of};
use super::report::{Peak, Peaks, Violation};
use super::span::Span;
use crate::base::Singular;
use crate::problem::{Problem, Smoothness};
use crate::stop::Watch;
use crate::trajectory::{Extrema, Segment, Trajectory, extrema};
use std::ops::Range;

/// What the checks of limits and knots find out about a trajectory, for the collision proof.
#[derive(Default)]
pub(super) struct ExtremaTable {
    dof: usize,
    /// What bounds each output: `[segment][output]`.
    ranges: Vec<Bounds>,
    /// By how much values may differ at most from those of functions with continuous derivatives,
    /// because of the jumps at knots that are tolerated.
    pub(super) jumps: f64,
    polynomial: Vec<f64>,
}

/// What bounds an output over a segment: least and greatest value, and second derivative.
#[derive(Clone, Copy)]
struct Bounds {
    value: [f64; 2],
    second_derivative: [f64; 2],
}

/// The extrema of value, first and second derivative.
type Extremes = [Extrema; 3];

impl ExtremaTable {
    /// How an output varies over several segments; `polynomial` is its in the time since their middle.
    #[inline(always)]
    fn variation(&self, segments: Range<usize>, output: usize, polynomial: &[f64], half: f64) -> Variation {
        let (value, slope) = (polynomial[0], polynomial.get(1).copied().unwrap_or(0.0));
        let (mut travel, mut least, mut most) = (0.0_f64, f64::INFINITY, f64::NEG_INFINITY);
        for segment in segments {
            let Bounds { value: [min, max], second_derivative } = self.ranges[segment * self.dof + output];
            travel = travel.max(max - value).max(value - min);
            (least, most) = (least.min(second_derivative[0]), most.max(second_derivative[1]));
        }
        let smooth = Variation::smooth(slope, travel, [least, most], half);
        Variation { rest: smooth.rest + self.jumps, ..smooth }
    }

    /// Finds the extrema of all outputs and their derivatives, and holds them against their limits.
    pub(super) fn survey(
        &mut self,
        trajectory: &Trajectory,
        problem: &Problem,
        options: &CertifyOptions,
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<Vec<Peaks>, Violation> {
        let mechanism = &problem.mechanism;
        self.dof = trajectory.dof();
        self.ranges.clear();
        let none = Extrema { min: f64::INFINITY, min_time: 0.0, max: f64::NEG_INFINITY, max_time: 0.0 };
        let mut extremes = vec![[none; 3]; trajectory.dof()];
        for (segment, &start) in trajectory.segments().zip(trajectory.knots()) {
            ask(watch, INTERVAL, 0)?;
            for (output, all) in extremes.iter_mut().enumerate() {
                let bounds = if trajectory.degree() <= 3 {
                    let of = cubic_extremes(segment.polynomial(output), segment.duration);
                    all.iter_mut().zip(&of).for_each(|(all, of)| widen(all, of, start));
                    Bounds { value: [of[0].min, of[0].max], second_derivative: [of[2].min, of[2].max] }
                } else {
                    self.enclose(&segment, output, start, all)
                };
                self.ranges.push(bounds);
            }
        }
        let mut peaks: Vec<Peaks> = extremes
            .iter()
            .zip(&mechanism.limits)
            .enumerate()
            .map(|(output, (of, limits))| {
                let mut peaks = Peaks::default();
                peaks.position.raise(&of[0], mechanism.position_bounds(output));
                peaks.velocity.raise(&of[1], [-limits.velocity, limits.velocity]);
                peaks.acceleration.raise(&of[2], [-limits.acceleration, limits.acceleration]);
                peaks
            })
            .collect();
        if problem.smoothness == Smoothness::Jerk {
            for (output, (peaks, limits)) in peaks.iter_mut().zip(&mechanism.limits).enumerate() {
                let jerk = peaks.jerk.insert(Peak::default());
                jerk.raise(&trajectory.extrema(output, 3), [-limits.jerk, limits.jerk]);
            }
        }
        for (output, peaks) in mechanism.outputs.iter().zip(&peaks) {
            for (kind, peak) in peaks.polynomial() {
                if peak.exceeds(tolerance_of(kind, mechanism, options)) {
                    let Peak { value, time, bound, .. } = *peak;
                    findings.add(Violation::Limit { output: output.clone(), kind, value, bound, time })?;
                }
            }
        }
        Ok(peaks)
    }

    /// Of polynomials of any degree: an enclosure, and exact extrema only where that does not lie
    /// within those of earlier segments.
    fn enclose(&mut self, segment: &Segment<'_>, output: usize, start: f64, all: &mut Extremes) -> Bounds {
        let half = 0.5 * segment.duration;
        self.polynomial.clear();
        self.polynomial.extend_from_slice(segment.polynomial(output));
        shift(&mut self.polynomial, half);
        let mut enclosures = [[0.0; 2]; 3];
        for (order, enclosure) in enclosures.iter_mut().enumerate() {
            let factorial = [1.0, 1.0, 2.0][order];
            let center = self.polynomial.get(order).map_or(0.0, |c| factorial * c);
            let Variation { travel, .. } = Variation::about(&self.polynomial, order, half);
            *enclosure = [center - travel, center + travel];
            if !(enclosure[0] >= all[order].min && enclosure[1] <= all[order].max) {
                let of = extrema(segment.polynomial(output), order, segment.duration);
                widen(&mut all[order], &of, start);
                *enclosure = [of.min, of.max];
            }
        }
        Bounds { value: enclosures[0], second_derivative: enclosures[2] }
    }
}

impl JointVariations for ExtremaTable {
    fn farthest(&self, joint: usize) -> f64 {
        magnitude(self.ranges.iter().skip(joint).step_by(self.dof).map(|bounds| bounds.value))
    }

    /// At the middle of the span; the outputs are the positions of the joints.
    #[inline(always)]
    fn stand(
        &mut self,
        trajectory: &Trajectory,
        span: &Span,
        positions: &mut Vec<f64>,
        variations: &mut Vec<Variation>,
    ) -> Result<f64, Singular> {
        let (index, local, half) = span.middle(trajectory);
        let segment = trajectory.segment(index);
        positions.clear();
        variations.clear();
        let mut polynomial = std::mem::take(&mut self.polynomial);
        for output in 0..trajectory.dof() {
            polynomial.clear();
            polynomial.extend_from_slice(segment.polynomial(output));
            shift(&mut polynomial, local);
            positions.push(polynomial[0]);
            variations.push(match span.segments.len() {
                1 => Variation::about(&polynomial, 0, half),
                _ => self.variation(span.segments.clone(), output, &polynomial, half),
            });
        }
        self.polynomial = polynomial;
        Ok(trajectory.knots()[index] + local)
    }
}

/// Takes the extrema of a segment that begins at `start` into those of all.
fn widen(all: &mut Extrema, of: &Extrema, start: f64) {
    if of.min < all.min {
        (all.min, all.min_time) = (of.min, start + of.min_time);
    }
    if of.max > all.max {
        (all.max, all.max_time) = (of.max, start + of.max_time);
    }
}

/// Extrema of a cubic, or less, and its derivatives over [0, `duration`]: they lie at the ends or
/// where the next derivative vanishes.
fn cubic_extremes(polynomial: &[f64], duration: f64) -> Extremes {
    let mut c = [0.0; 4];
    c[..polynomial.len()].copy_from_slice(polynomial);
    let value = |t: f64| c[0] + t * (c[1] + t * (c[2] + t * c[3]));
    let speed = |t: f64| c[1] + t * (2.0 * c[2] + t * (3.0 * c[3]));
    let second_derivative = |t: f64| 2.0 * c[2] + t * (6.0 * c[3]);
    let ends = |first: f64, last: f64| {
        if first <= last {
            Extrema { min: first, min_time: 0.0, max: last, max_time: duration }
        } else {
            Extrema { min: last, min_time: duration, max: first, max_time: 0.0 }
        }
    };
    let mut values = ends(value(0.0), value(duration));
    let mut speeds = ends(speed(0.0), speed(duration));
    let bends = ends(second_derivative(0.0), second_derivative(duration));
    if bends.min < 0.0 && bends.max > 0.0 {
        visit(&mut speeds, -c[2] / (3.0 * c[3]), duration, speed);
    }
    // Else it is monotone.
    if speeds.min < 0.0 && speeds.max > 0.0 {
        // Adding numbers of the same sign loses no digits.
        let discriminant = (c[2] * c[2] - 3.0 * c[1] * c[3]).max(0.0);
        let q = -(c[2] + discriminant.sqrt().copysign(c[2]));
        visit(&mut values, q / (3.0 * c[3]), duration, value);
        visit(&mut values, c[1] / q, duration, value);
    }
    [values, speeds, bends]
}

/// Takes the value at `t` in, if that is a time within the segment.
fn visit(all: &mut Extrema, t: f64, duration: f64, value: impl Fn(f64) -> f64) {
    if t > 0.0 && t < duration {
        let at = value(t);
        widen(all, &Extrema { min: at, min_time: t, max: at, max_time: t }, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coefficient() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -5.0..5.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-2.0)]
    }

    proptest! {
        /// The closed form agrees with the general search.
        #[test]
        fn cubics_have_these_extrema(
            c in prop::collection::vec(coefficient(), 1..5), duration in prop_oneof![0.01..3.0, Just(1.0)],
        ) {
            let got = cubic_extremes(&c, duration);
            for (order, got) in got.iter().enumerate() {
                let want = extrema(&c, order, duration);
                let slack = 1e-13 * (1.0 + want.magnitude().0);
                prop_assert!((got.min - want.min).abs() <= slack && (got.max - want.max).abs() <= slack);
                for (time, value) in [(got.min_time, got.min), (got.max_time, got.max)] {
                    prop_assert!((0.0..=duration).contains(&time));
                    prop_assert!((crate::trajectory::derivative(&c, order, time) - value).abs() <= slack);
                }
            }
        }
    }
}

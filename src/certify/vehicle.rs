//! Vehicles: everything but collisions, and what the proof of these needs to know of the joints.
//!
//! A trajectory holds the flat outputs of a vehicle. Over an interval of time its base's map is evaluated
//! in enclosures of values and derivatives (`base::Enclosure`), which are exact at the middle m. By
//! Taylor's theorem a quantity f is then, for every t with |t - m| <= h,
//!
//!   f(t) = f(m) + f'(m) (t - m) + f''(m) (t - m)^2 / 2 + [max |f'''| h^3 / 6],
//!
//! or the same with fewer terms, where a derivative is not known: the tightest counts. Intervals are
//! halved until all limits are proved.
//!
//! Enclosures don't account for rounding. It stays orders of magnitude below the tolerance of limits and
//! the nanometre that is taken off distances, for motions of seconds in worlds of kilometres; and
//! so do the coefficients below 1e-10 of a segment's size that are left out where it starts or ends at
//! rest, because they would be rounding.
//!
//! Imports `base`, `problem` and `trajectory`.

use super::collision::Joints;
use super::interval::{Variation, shift};
use super::report::{BasePeak, Peak, Peaks};
use super::span::Span;
use super::{
    CertifyOptions, INTERVAL, LimitKind, MAX_INTERVALS, Violation, ask, deviation, floor, tolerance_of,
};
use crate::base::{Base, Coordinate, Enclosure, Jet, Moved, Scalar as _, Singular, Stretch};
use crate::problem::{FlatState, Problem};
use crate::robot::Mechanism;
use crate::stop::Watch;
use crate::trajectory::{Segment, Trajectory, derivative};
use std::f64::consts::TAU;

/// What is known of a vehicle's trajectory.
pub(super) struct Vehicle<'a> {
    problem: &'a Problem,
    pub(super) base: &'a Base,
    options: CertifyOptions,
    /// The base's coordinates, which are the first joints.
    chain: Vec<Coordinate>,
    /// How many of the first outputs are the base's.
    outputs: usize,
    /// Which of the base's limited quantities must not jump.
    steady: Vec<usize>,
    /// Per segment.
    pub(super) stretches: Vec<Stretch>,
    /// Whether anything is known of a segment as a whole, but the ranges of the joints.
    known: Vec<Result<(), Singular>>,
    /// `[segment][joint]`.
    wholes: Vec<Whole>,
    interval: Interval,
    /// The base on both sides of a knot.
    sides: [Moved; 2],
}

/// A joint over a segment: where it stands in the middle, how it varies about that, and between what.
#[derive(Clone, Copy, Default)]
struct Whole {
    middle: f64,
    variation: Variation,
    range: [f64; 2],
}

/// What is known of the interval at hand.
#[derive(Default)]
struct Interval {
    /// Half its duration.
    half: f64,
    base: Moved<Enclosure>,
    /// Positions, velocities and accelerations of the joints after the base's.
    tree: Vec<[Range; 3]>,
    /// Positions of all joints at the middle, and how they vary.
    positions: Vec<f64>,
    variations: Vec<Variation>,
    polynomial: Vec<f64>,
}

/// A quantity over an interval: its value at the middle, and what it stays between.
#[derive(Clone, Copy, Default)]
struct Range {
    middle: f64,
    least: f64,
    most: f64,
}

/// A part of a segment between local times.
#[derive(Clone, Copy)]
struct Part {
    from: f64,
    to: f64,
}

impl<'a> Vehicle<'a> {
    /// Where the mechanism is one.
    pub(super) fn new(problem: &'a Problem, options: CertifyOptions) -> Option<Self> {
        let base = problem.mechanism.vehicle()?;
        Some(Self {
            problem,
            base,
            options,
            chain: base.coordinates(),
            outputs: base.outputs().len(),
            steady: base.steady(),
            stretches: Vec::new(),
            known: Vec::new(),
            wholes: Vec::new(),
            interval: Interval::default(),
            sides: Default::default(),
        })
    }

    /// Sets the segments up, and proves all but collisions; also returns how many intervals that took.
    pub(super) fn prove(
        &mut self,
        trajectory: &Trajectory,
        watch: &mut Watch,
    ) -> Result<(Vec<Peaks>, Vec<BasePeak>, usize), Violation> {
        self.stretches.clear();
        for segment in trajectory.segments() {
            ask(watch, INTERVAL, 0)?;
            self.stretches.push(self.base.stretch(&segment));
        }
        self.check_ends(trajectory)?;
        self.check_knots(trajectory)?;
        self.check_limits(trajectory, watch)
    }

    /// Whether it leads from the start to a goal: in all positions, and in those velocities that are part
    /// of the state.
    fn check_ends(&self, trajectory: &Trajectory) -> Result<(), Violation> {
        let last = trajectory.len() - 1;
        let end = trajectory.segment(last).duration;
        let start = self.miss(trajectory, 0, 0.0, std::slice::from_ref(&self.problem.start))?;
        if start > self.options.tolerance {
            return Err(Violation::Start { distance: start });
        }
        let goal = self.miss(trajectory, last, end, &self.problem.goals)?;
        if goal > self.options.tolerance {
            return Err(Violation::Goal { distance: goal });
        }
        Ok(())
    }

    /// How far an end of the trajectory is from the nearest of these states.
    fn miss(
        &self,
        trajectory: &Trajectory,
        index: usize,
        t: f64,
        states: &[FlatState],
    ) -> Result<f64, Violation> {
        let segment = trajectory.segment(index);
        let mut moved = Moved::<f64>::default();
        let flat = self.stretches[index].flat(&segment, t, 0.0);
        let singular = |reason| Violation::singular(reason, trajectory.knots()[index] + t);
        self.base.map(&flat, &mut moved).map_err(singular)?;
        let miss = |state: &FlatState| {
            let mut most = 0.0_f64;
            for (joint, (coordinate, jet)) in self.chain.iter().zip(&moved.coordinates).enumerate() {
                let wanted = state.position[joint];
                let [value, rate, ..] = jet.0;
                most = most.max(deviation(value - whole_turns(coordinate, value - wanted), wanted));
                if joint < self.base.told_rates() {
                    most = most.max(deviation(rate, state.velocity[joint]));
                }
            }
            for joint in self.chain.len()..state.position.len() {
                for (order, wanted) in [&state.position, &state.velocity].into_iter().enumerate() {
                    let value = derivative(self.polynomial(&segment, joint), order, t);
                    most = most.max(deviation(value, wanted[joint]));
                }
            }
            most
        };
        Ok(states.iter().map(miss).fold(f64::INFINITY, f64::min))
    }

    /// Whether the base's state is continuous, and positions and velocities of the joints after it.
    pub(super) fn check_knots(&mut self, trajectory: &Trajectory) -> Result<(), Violation> {
        let [mut left, mut right] = std::mem::take(&mut self.sides);
        for index in 1..trajectory.len() {
            let (before, after) = (trajectory.segment(index - 1), trajectory.segment(index));
            let time = trajectory.knots()[index];
            let ends = [(index - 1, before, before.duration, &mut left), (index, after, 0.0, &mut right)];
            for (index, segment, t, side) in ends {
                let flat = self.stretches[index].flat(&segment, t, 0.0);
                self.base.map(&flat, side).map_err(|reason| Violation::singular(reason, time))?;
            }
            self.check_knot([&left, &right], time)?;
            self.check_tree_knot([&before, &after], time)?;
        }
        self.sides = [left, right];
        Ok(())
    }

    /// Whether the base's coordinates are continuous, and what else is steady.
    fn check_knot(&self, [left, right]: [&Moved; 2], time: f64) -> Result<(), Violation> {
        let jump = |of: &'static str, [from, to]: [f64; 2]| {
            // A NaN does not continue anything.
            let is_continued = deviation(to, from) <= self.options.tolerance;
            if is_continued { Ok(()) } else { Err(Violation::StateJump { of, time, jump: to - from }) }
        };
        let sides = left.coordinates.iter().zip(&right.coordinates);
        for (coordinate, (from, to)) in self.chain.iter().zip(sides) {
            let [from, to] = [from.value(), to.value()];
            jump(coordinate.name, [from, to - whole_turns(coordinate, to - from)])?;
        }
        for &index in &self.steady {
            let [from, to] = [left, right].map(|side| &side.limits[index]);
            jump(from.name, [from.value.value(), to.value.value()])?;
        }
        Ok(())
    }

    fn check_tree_knot(&self, [before, after]: [&Segment<'_>; 2], time: f64) -> Result<(), Violation> {
        for joint in self.chain.len()..self.problem.mechanism.dof() {
            for order in 0..2 {
                let left = derivative(self.polynomial(before, joint), order, before.duration);
                let right = derivative(self.polynomial(after, joint), order, 0.0);
                if deviation(left, right) > self.options.tolerance {
                    let output = self.problem.mechanism.outputs[joint].clone();
                    return Err(Violation::Jump { output, order, time, jump: right - left });
                }
            }
        }
        Ok(())
    }

    /// The polynomial of a joint after the base's.
    fn polynomial<'s>(&self, segment: &Segment<'s>, joint: usize) -> &'s [f64] {
        segment.polynomial(joint - self.chain.len() + self.outputs)
    }

    /// Proves all limits, and finds out how the joints move over the segments.
    pub(super) fn check_limits(
        &mut self,
        trajectory: &Trajectory,
        watch: &mut Watch,
    ) -> Result<(Vec<Peaks>, Vec<BasePeak>, usize), Violation> {
        let dof = self.problem.mechanism.dof();
        let (mut peaks, mut base) = (vec![Peaks::default(); dof], Vec::new());
        self.wholes.clear();
        self.known.clear();
        let mut intervals = 0;
        let mut parts = Vec::new();
        for (index, segment) in trajectory.segments().enumerate() {
            let begin = trajectory.knots()[index];
            let none = Whole { range: [f64::INFINITY, f64::NEG_INFINITY], ..Whole::default() };
            self.wholes.resize((index + 1) * dof, none);
            let whole = Part { from: 0.0, to: segment.duration };
            parts.push(whole);
            while let Some(part) = parts.pop() {
                ask(watch, 2 * INTERVAL, intervals)?;
                intervals += 1;
                let (middle, half) = part.middle();
                let known =
                    self.interval.enclose(self.base, &self.stretches[index], &segment, [middle, half]);
                if self.known.len() == index {
                    self.known.push(known);
                    self.keep(index);
                }
                let open = match known {
                    Err(reason) => Some(Violation::singular(reason, begin + part.from)),
                    Ok(()) => self.first_open(begin + middle)?,
                };
                let Some(open) = open else {
                    self.widen(index);
                    self.raise(&mut peaks, &mut base, begin + middle);
                    continue;
                };
                if part.to - part.from <= floor(part.to) || intervals > MAX_INTERVALS {
                    return Err(open);
                }
                parts.extend([Part { from: middle, ..part }, Part { to: middle, ..part }]);
            }
        }
        Ok((peaks, base, intervals))
    }

    /// Keeps what is known of a whole segment.
    fn keep(&mut self, segment: usize) {
        let Interval { positions, variations, .. } = &self.interval;
        let dof = positions.len();
        let wholes = &mut self.wholes[segment * dof..];
        for ((whole, &middle), &variation) in wholes.iter_mut().zip(positions).zip(variations) {
            (whole.middle, whole.variation) = (middle, variation);
        }
    }

    /// Takes the interval at hand into the ranges of its segment.
    fn widen(&mut self, segment: usize) {
        let Interval { positions, variations, .. } = &self.interval;
        let dof = positions.len();
        let wholes = &mut self.wholes[segment * dof..];
        for ((whole, &middle), variation) in wholes.iter_mut().zip(positions).zip(variations) {
            let [least, most] = whole.range;
            whole.range = [least.min(middle - variation.travel), most.max(middle + variation.travel)];
        }
    }

    /// The first limit that is not proved over the interval at hand, about `time`.
    ///
    /// # Errors
    /// A limit that is exceeded.
    fn first_open(&self, time: f64) -> Result<Option<Violation>, Violation> {
        let tolerance = self.options.limit_tolerance;
        let mechanism = &self.problem.mechanism;
        let names = || mechanism.outputs.iter().enumerate();
        for (joint, output) in names() {
            for (kind, range, bounds) in self.interval.joint(joint, mechanism) {
                let tolerance = tolerance_of(kind, mechanism, &self.options);
                if let Some((value, bound)) = range.at_middle(bounds, tolerance) {
                    let output = output.clone();
                    return Err(Violation::Limit { output, kind, value, bound, time });
                }
                if let Some((value, bound)) = range.beyond(bounds, tolerance) {
                    let of = format!("{kind} of \"{output}\"");
                    return Ok(Some(Violation::LimitNotProved { of, value, bound, time }));
                }
            }
        }
        for limited in &self.interval.base.limits {
            let range = self.interval.range(&limited.value);
            if let Some((value, bound)) = range.at_middle(limited.bounds, tolerance) {
                return Err(Violation::BaseLimit { of: limited.name, value, bound, time });
            }
            if let Some((value, bound)) = range.beyond(limited.bounds, tolerance) {
                let of = limited.name.to_owned();
                return Ok(Some(Violation::LimitNotProved { of, value, bound, time }));
            }
        }
        Ok(None)
    }

    /// Takes what is proved over the interval at hand, about `time`, into the peaks.
    fn raise(&self, peaks: &mut [Peaks], base: &mut Vec<BasePeak>, time: f64) {
        for (joint, peaks) in peaks.iter_mut().enumerate() {
            for (kind, range, bounds) in self.interval.joint(joint, &self.problem.mechanism) {
                let peak = match kind {
                    LimitKind::Position => &mut peaks.position,
                    LimitKind::Velocity => &mut peaks.velocity,
                    _ => &mut peaks.acceleration,
                };
                range.raise(peak, time, bounds);
            }
        }
        let limits = &self.interval.base.limits;
        let named = |l: &crate::base::Limited<Enclosure>| BasePeak { name: l.name, peak: Peak::default() };
        base.extend(limits.iter().skip(base.len()).map(named));
        for (peak, limited) in base.iter_mut().zip(limits) {
            self.interval.range(&limited.value).raise(&mut peak.peak, time, limited.bounds);
        }
    }
}

impl Joints for Vehicle<'_> {
    /// Over several segments, at the middle of the one in the middle: rates may jump at knots, so that only
    /// the range tells how far the joints go.
    fn stand(
        &mut self,
        trajectory: &Trajectory,
        span: &Span,
        positions: &mut Vec<f64>,
        variations: &mut Vec<Variation>,
    ) -> Result<f64, Singular> {
        let dof = self.problem.mechanism.dof();
        let std::ops::Range { start, end } = span.segments;
        let index = (start + end) / 2;
        let segment = trajectory.segment(index);
        let begin = trajectory.knots()[index];
        if end - start == 1 && (span.from != 0.0 || span.to != segment.duration) {
            let (middle, half) = (Part { from: span.from, to: span.to }).middle();
            self.interval.enclose(self.base, &self.stretches[index], &segment, [middle, half])?;
            positions.clone_from(&self.interval.positions);
            variations.clone_from(&self.interval.variations);
            return Ok(begin + middle);
        }
        self.known[index]?;
        let wholes = &self.wholes[index * dof..][..dof];
        positions.clear();
        positions.extend(wholes.iter().map(|whole| whole.middle));
        variations.clear();
        if end - start == 1 {
            variations.extend(wholes.iter().map(|whole| whole.variation));
        } else {
            variations.extend((0..dof).map(|joint| {
                let others = self.wholes[start * dof..end * dof].iter().skip(joint).step_by(dof);
                let middle = wholes[joint].middle;
                let far = others.map(|whole| (whole.range[1] - middle).max(middle - whole.range[0]));
                Variation::within(far.fold(0.0, f64::max))
            }));
        }
        Ok(begin + 0.5 * segment.duration)
    }
}

impl Interval {
    /// Finds out how the base and the joints after it move, over `half` to either side of the segment's
    /// local time `middle`.
    fn enclose(
        &mut self,
        base: &Base,
        stretch: &Stretch,
        segment: &Segment<'_>,
        [middle, half]: [f64; 2],
    ) -> Result<(), Singular> {
        self.half = half;
        self.positions.clear();
        self.variations.clear();
        self.tree.clear();
        base.map(&stretch.flat(segment, middle, half), &mut self.base)?;
        for coordinate in &self.base.coordinates {
            self.positions.push(coordinate.value().middle());
            self.variations.push(vary(coordinate, half));
        }
        for output in base.outputs().len()..segment.dof {
            self.polynomial.clear();
            self.polynomial.extend_from_slice(segment.polynomial(output));
            shift(&mut self.polynomial, middle);
            self.positions.push(self.polynomial[0]);
            self.variations.push(Variation::about(&self.polynomial, 0, half));
            self.tree.push([0, 1, 2].map(|order| {
                let middle = self.polynomial.get(order).map_or(0.0, |c| [1.0, 1.0, 2.0][order] * c);
                let travel = Variation::about(&self.polynomial, order, half).travel;
                Range { middle, least: middle - travel, most: middle + travel }
            }));
        }
        Ok(())
    }

    /// Everything that is limited of a joint, and what it must lie between.
    fn joint(
        &self,
        joint: usize,
        mechanism: &Mechanism,
    ) -> impl Iterator<Item = (LimitKind, Range, [f64; 2])> + use<> {
        let (position, limits) = (mechanism.position_bounds(joint), &mechanism.limits[joint]);
        let symmetric = |most: f64| [-most, most];
        let of_base = self.base.coordinates.get(joint);
        let ranges = match of_base {
            Some(coordinate) => [self.range(coordinate); 3],
            None => self.tree[joint - self.base.coordinates.len()],
        };
        let [p, v, a] = ranges;
        [
            (LimitKind::Position, p, position),
            (LimitKind::Velocity, v, symmetric(limits.velocity)),
            (LimitKind::Acceleration, a, symmetric(limits.acceleration)),
        ]
        .into_iter()
        // A base has its own limits of rates.
        .take(if of_base.is_some() { 1 } else { 3 })
    }

    /// What a quantity with at least one derivative stays between.
    fn range(&self, quantity: &Jet<Enclosure>) -> Range {
        let middle = quantity.value().middle();
        let Variation { travel, line, square, rest } = vary(quantity, self.half);
        // The same bound of what lies above and below, unless the second derivative has a sign.
        let most = greatest(line, square) + rest;
        let least = greatest(line, -square) + rest;
        Range { middle, least: middle - least.min(travel), most: middle + most.min(travel) }
    }
}

/// How a quantity with at least one derivative varies, by the terms that are tightest.
fn vary(quantity: &Jet<Enclosure>, half: f64) -> Variation {
    let [value, first, second, third] = quantity.0;
    let rest = 0.5 * half * half * second.radius();
    let rest = rest.min(half * half * half / 6.0 * (third.middle().abs() + third.radius()));
    let (line, square) = (half * first.middle(), 0.5 * half * half * second.middle());
    let travel =
        (line.abs() + square.abs() + rest).min(line.abs() + half * first.radius()).min(value.radius());
    Variation { travel, line, square, rest }
}

/// The greatest of `line` s + `square` s^2 for -1 <= s <= 1.
fn greatest(line: f64, square: f64) -> f64 {
    let steep = line.abs();
    if -2.0 * square > steep { -0.25 * steep * steep / square } else { steep + square }
}

impl Range {
    /// The value at the middle and the bound it exceeds, if it does by more than the tolerance.
    fn at_middle(&self, bounds: [f64; 2], tolerance: f64) -> Option<(f64, f64)> {
        Self { least: self.middle, most: self.middle, ..*self }.beyond(bounds, tolerance)
    }

    /// A value that may be taken and the bound it would exceed, if there is one.
    fn beyond(&self, [lower, upper]: [f64; 2], tolerance: f64) -> Option<(f64, f64)> {
        let slack = |bound: f64| tolerance * bound.abs().max(1.0);
        // A NaN is not within, unless there is no bound.
        let is_below = upper == f64::INFINITY || self.most <= upper + slack(upper);
        let is_above = lower == f64::NEG_INFINITY || self.least >= lower - slack(lower);
        match (is_below, is_above) {
            (false, _) => Some((self.most, upper)),
            (_, false) => Some((self.least, lower)),
            _ => None,
        }
    }

    fn raise(&self, peak: &mut Peak, time: f64, bounds: [f64; 2]) {
        // Of what has no limit, nothing need be known.
        if self.least.is_finite() && self.most.is_finite() {
            peak.reach(self.least, time, bounds);
            peak.reach(self.most, time, bounds);
        }
    }
}

/// The whole turns in the difference of two values of a coordinate, which make none where it turns.
fn whole_turns(coordinate: &Coordinate, difference: f64) -> f64 {
    if coordinate.turns { TAU * (difference / TAU).round() } else { 0.0 }
}

impl Part {
    /// Its middle, and half its duration.
    fn middle(&self) -> (f64, f64) {
        (0.5 * (self.from + self.to), 0.5 * (self.to - self.from))
    }
}

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
//! what is taken off distances; and so do the coefficients below 1e-10 of a segment's size that are left out
//! where it starts or ends at rest, because they would be rounding.
//!
//! Imports `base`, `problem` and `trajectory`.

use super::collision::{JointVariations, magnitude};
use super::ends::{Farthest, NamedOutput, named, nearest};
use super::findings::{Findings, WORSE};
use super::interval::{Variation, shift};
use super::knots::{Jumps, Knot, sides};
use super::options::{CertifyOptions, INTERVAL, MAX_INTERVALS, ask, floor, tolerance_of};
use super::report::{BasePeak, LimitKind, Peak, Peaks, Quantity, TrajectoryEnd, Violation};
use super::span::Span;
use crate::base::{self, Base, Coordinate, Enclosure, Jet, Moved, Scalar as _, Singular, Stretch};
use crate::problem::{JointState, Problem};
use crate::robot::Mechanism;
use crate::stop::Watch;
use crate::trajectory::{Segment, Trajectory, derivative};
use std::f64::consts::TAU;

/// What is known of a vehicle's trajectory.
pub(super) struct VehicleProof<'a> {
    problem: &'a Problem,
    pub(super) base: &'a Base,
    options: CertifyOptions,
    /// The base's coordinates, which are the first joints.
    chain: Vec<Coordinate>,
    /// How many of the first outputs are the base's.
    outputs: usize,
    /// Which of the base's limited quantities must not jump.
    steady: Vec<usize>,
    /// Their names, as far as they are known.
    names: Vec<&'static str>,
    /// Which of them are none at both ends.
    pub(super) still: Vec<usize>,
    /// Whether they may be at the start what they like.
    pub(super) is_under_way: bool,
    /// Per segment.
    pub(super) stretches: Vec<Stretch>,
    /// Whether anything is known of a segment as a whole, but the ranges of the joints.
    known: Vec<Result<(), Singular>>,
    /// `[segment][joint]`.
    wholes: Vec<Whole>,
    interval: Interval,
    /// The base on both sides of a knot.
    sides: [Moved; 2],
    jumps: Jumps,
    exceeded: Exceeded,
}

/// What is proved of a vehicle's trajectory, but for collisions.
pub(super) struct ProvedDrive {
    /// The index of the goal it ends at.
    pub(super) goal: usize,
    pub(super) peaks: Vec<Peaks>,
    pub(super) base: Vec<BasePeak>,
    /// Intervals of time that it took.
    pub(super) intervals: usize,
}

/// Something that is limited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LimitOf {
    Joint(usize, LimitKind),
    /// Of the base, by its index.
    Base(usize),
}

/// What is not proved over an interval, and of which limit: what it lies between and the value that it may have.
struct Open {
    violation: Violation,
    limit: Option<(LimitOf, [f64; 2], f64)>,
}

/// Limits that are known to be exceeded where that does not end the proof, and bounds that hold as far as it is
/// known by how much.
#[derive(Default)]
struct Exceeded(Vec<(LimitOf, [f64; 2])>);

impl Open {
    fn singular(reason: Singular, time: f64) -> Self {
        Self { violation: Violation::singular(reason, time), limit: None }
    }
}

impl Exceeded {
    /// What a quantity is asked to lie between.
    fn bounds(&self, of: LimitOf, limits: [f64; 2]) -> [f64; 2] {
        self.0.iter().find(|(known, _)| *known == of).map_or(limits, |(_, bounds)| *bounds)
    }

    /// Takes note of a value beyond `limits`; gives the limit that it exceeds.
    fn note(&mut self, of: LimitOf, limits: [f64; 2], value: f64) -> f64 {
        let [lower, upper] = self.bounds(of, limits);
        let wide = value.abs() * (1.0 + WORSE);
        let bounds = match value {
            v if v < lower => [-wide, upper],
            v if v > upper => [lower, wide],
            // No number.
            _ => [f64::NEG_INFINITY, f64::INFINITY],
        };
        self.0.retain(|(known, _)| *known != of);
        self.0.push((of, bounds));
        if value < limits[0] { limits[0] } else { limits[1] }
    }
}

/// A base's coordinate, as outputs are called.
fn coordinate_name(coordinate: &Coordinate) -> NamedOutput<'static> {
    NamedOutput { name: coordinate.name, is_angle: coordinate.turns }
}

/// Something else that a base limits.
fn limited_quantity(name: &str) -> (Quantity, &'static str) {
    (Quantity { name: name.to_owned(), kind: None }, base::unit(name))
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
struct SegmentPart {
    from: f64,
    to: f64,
}

impl<'a> VehicleProof<'a> {
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
            names: Vec::new(),
            still: base.still_at_ends(),
            is_under_way: false,
            stretches: Vec::new(),
            known: Vec::new(),
            wholes: Vec::new(),
            interval: Interval::default(),
            sides: Default::default(),
            jumps: Jumps::default(),
            exceeded: Exceeded::default(),
        })
    }

    /// Sets the segments up, and proves all but collisions.
    pub(super) fn prove(
        &mut self,
        trajectory: &Trajectory,
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<ProvedDrive, Violation> {
        self.stretches.clear();
        for segment in trajectory.segments() {
            ask(watch, INTERVAL, 0)?;
            self.stretches.push(self.base.stretch(&segment));
        }
        let goal = self.check_ends(trajectory, findings)?;
        self.check_knots(trajectory, findings)?;
        let (peaks, base, intervals) = self.check_limits(trajectory, watch, findings)?;
        Ok(ProvedDrive { goal, peaks, base, intervals })
    }

    /// Whether it leads from the start to a goal: in all positions, in those velocities that are part of the
    /// state, and in controls that cannot jump. Gives the index of the goal, the first where it ends nowhere.
    fn check_ends(&self, trajectory: &Trajectory, findings: &mut Findings) -> Result<usize, Violation> {
        let mut reached = 0;
        let last = trajectory.len() - 1;
        let end = trajectory.segment(last).duration;
        let start = std::slice::from_ref(&self.problem.start);
        for (end, index, t, states) in
            [(TrajectoryEnd::Start, 0, 0.0, start), (TrajectoryEnd::Goal, last, end, &self.problem.goals[..])]
        {
            let mut moved = Moved::<f64>::default();
            let flat = self.stretches[index].flat(&trajectory.segment(index), t, 0.0);
            if let Err(reason) = self.base.map(&flat, &mut moved) {
                findings.add(Violation::singular(reason, trajectory.knots()[index] + t))?;
                continue;
            }
            let still = if end == TrajectoryEnd::Start && self.is_under_way { &[][..] } else { &self.still };
            let segment = trajectory.segment(index);
            let miss = |state: &JointState| self.miss(&segment, t, &moved, state, still);
            let (index, farthest) = nearest(states, miss)?;
            if end == TrajectoryEnd::Goal {
                reached = index;
            }
            if let Some(miss) = farthest.miss {
                findings.add(match end {
                    TrajectoryEnd::Start => Violation::Start { miss },
                    TrajectoryEnd::Goal => Violation::Goal { miss },
                })?;
            }
        }
        Ok(reached)
    }

    /// What an end of the trajectory, where the base has `moved` and some quantities must be `still`, misses of a state.
    fn miss(
        &self,
        segment: &Segment<'_>,
        t: f64,
        moved: &Moved,
        state: &JointState,
        still: &[usize],
    ) -> Farthest {
        let mut farthest = Farthest::new(self.options.tolerance);
        for (joint, (coordinate, jet)) in self.chain.iter().zip(&moved.coordinates).enumerate() {
            let wanted = state.position[joint];
            let [value, rate, ..] = jet.0;
            let value = value - whole_turns(coordinate, value - wanted);
            let name = |order| move || coordinate_name(coordinate).quantity(order);
            farthest.see([value, wanted], name(0));
            if joint < self.base.told_rates() {
                farthest.see([rate, state.velocity[joint]], name(1));
            }
        }
        let wanted = self.base.controls_under_way(&state.position, &state.velocity).unwrap_or_default();
        for &index in still {
            let limited = &moved.limits[index];
            farthest.see([limited.value.value(), wanted[index]], || limited_quantity(limited.name));
        }
        for joint in self.chain.len()..state.position.len() {
            for (order, wanted) in [&state.position, &state.velocity].into_iter().enumerate() {
                let value = derivative(self.polynomial(segment, joint), order, t);
                farthest
                    .see([value, wanted[joint]], || named(&self.problem.mechanism, joint).quantity(order));
            }
        }
        farthest
    }

    /// Whether the base's state is continuous, and positions and velocities of the joints after it.
    pub(super) fn check_knots(
        &mut self,
        trajectory: &Trajectory,
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        let [mut left, mut right] = std::mem::take(&mut self.sides);
        let (dof, tolerance) = (self.problem.mechanism.dof(), self.options.tolerance);
        self.jumps.begin(dof + self.steady.len(), true);
        self.names.clear();
        for index in 1..trajectory.len() {
            let (before, after) = (trajectory.segment(index - 1), trajectory.segment(index));
            let knot = Knot { time: trajectory.knots()[index], brief: before.duration.min(after.duration) };
            self.check_tree_knot([&before, &after], knot, findings)?;
            let ends = [(index - 1, before, before.duration, &mut left), (index, after, 0.0, &mut right)];
            let mapped = ends.into_iter().try_for_each(|(index, segment, t, side)| {
                self.base.map(&self.stretches[index].flat(&segment, t, 0.0), side)
            });
            match mapped {
                Err(reason) => findings.add(Violation::singular(reason, knot.time))?,
                Ok(()) => self.check_knot([&left, &right], knot, findings)?,
            }
        }
        self.sides = [left, right];
        let name = |index: usize, order: usize| match index.checked_sub(dof) {
            Some(steady) => limited_quantity(self.names[steady]),
            None if index < self.chain.len() => coordinate_name(&self.chain[index]).quantity(order),
            None => named(&self.problem.mechanism, index).quantity(order),
        };
        self.jumps.end(tolerance, name, findings)
    }

    /// Whether the base's coordinates are continuous, and what else is steady.
    fn check_knot(
        &mut self,
        [left, right]: [&Moved; 2],
        knot: Knot,
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        let (time, tolerance) = (knot.time, self.options.tolerance);
        let sides = left.coordinates.iter().zip(&right.coordinates);
        for (joint, (coordinate, (from, to))) in self.chain.iter().zip(sides).enumerate() {
            let [from, to] = [from.value(), to.value()];
            let to = to - whole_turns(coordinate, to - from);
            if let Some(jump) = self.jumps.meet_state(joint, [from, to], tolerance) {
                let (of, unit) = coordinate_name(coordinate).quantity(0);
                findings.add(Violation::Jump { of, time, jump, unit })?;
            }
        }
        let dof = self.problem.mechanism.dof();
        for (i, &index) in self.steady.iter().enumerate() {
            let [from, to] = [left, right].map(|side| &side.limits[index]);
            if self.names.len() == i {
                self.names.push(from.name);
            }
            let values = [from.value.value(), to.value.value()];
            if let Some(jump) = self.jumps.meet_state(dof + i, values, tolerance) {
                let (of, unit) = limited_quantity(from.name);
                findings.add(Violation::Jump { of, time, jump, unit })?;
            }
        }
        Ok(())
    }

    fn check_tree_knot(
        &mut self,
        segments: [&Segment<'_>; 2],
        knot: Knot,
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        let mechanism = &self.problem.mechanism;
        for joint in self.chain.len()..mechanism.dof() {
            let sides = sides::<2>(segments, joint - self.chain.len() + self.outputs);
            let limits = &mechanism.limits[joint];
            if let Some((order, jump)) = self.jumps.meet(joint, sides, knot, limits, &self.options) {
                let (of, unit) = named(mechanism, joint).quantity(order);
                findings.add(Violation::Jump { of, time: knot.time, jump, unit })?;
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
        findings: &mut Findings,
    ) -> Result<(Vec<Peaks>, Vec<BasePeak>, usize), Violation> {
        let dof = self.problem.mechanism.dof();
        self.exceeded.0.clear();
        let (mut peaks, mut base) = (vec![Peaks::default(); dof], Vec::new());
        self.wholes.clear();
        self.known.clear();
        let mut intervals = 0;
        let mut parts = Vec::new();
        for (index, segment) in trajectory.segments().enumerate() {
            let begin = trajectory.knots()[index];
            let none = Whole { range: [f64::INFINITY, f64::NEG_INFINITY], ..Whole::default() };
            self.wholes.resize((index + 1) * dof, none);
            let whole = SegmentPart { from: 0.0, to: segment.duration };
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
                    Err(reason) => Some(Open::singular(reason, begin + part.from)),
                    Ok(()) => self.first_open(begin + middle, findings)?,
                };
                let Some(open) = open else {
                    self.widen(index);
                    self.raise(&mut peaks, &mut base, begin + middle);
                    continue;
                };
                if part.to - part.from <= floor(trajectory) || intervals > MAX_INTERVALS {
                    match open.limit {
                        Some((of, limits, value)) => drop(self.exceeded.note(of, limits, value)),
                        // Of the rest of a segment that is singular somewhere, little would be known.
                        None => parts.clear(),
                    }
                    findings.add(open.violation)?;
                    continue;
                }
                parts.extend([SegmentPart { from: middle, ..part }, SegmentPart { to: middle, ..part }]);
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
    /// A limit that is exceeded, where that ends the proof.
    fn first_open(&mut self, time: f64, findings: &mut Findings) -> Result<Option<Open>, Violation> {
        let Self { problem, interval, exceeded, options, .. } = self;
        let mechanism = &problem.mechanism;
        let joints = (0..mechanism.limits.len()).flat_map(|joint| {
            let all = interval.joint(joint, mechanism);
            all.map(move |(kind, range, limits)| (LimitOf::Joint(joint, kind), range, limits))
        });
        let base = interval.base.limits.iter().enumerate();
        let base =
            base.map(|(i, limited)| (LimitOf::Base(i), interval.range(&limited.value), limited.bounds));
        for (of, range, limits) in joints.chain(base) {
            let tolerance = match of {
                LimitOf::Joint(_, kind) => tolerance_of(kind, mechanism, options),
                LimitOf::Base(_) => options.limit_tolerance,
            };
            if let Some((value, _)) = range.at_middle(exceeded.bounds(of, limits), tolerance) {
                let bound = exceeded.note(of, limits, value);
                findings.add(match of {
                    LimitOf::Joint(joint, kind) => Violation::Limit {
                        output: mechanism.outputs[joint].clone(),
                        kind,
                        value,
                        bound,
                        time,
                    },
                    LimitOf::Base(i) => {
                        Violation::BaseLimit { of: interval.base.limits[i].name, value, bound, time }
                    }
                })?;
            }
            if let Some((value, bound)) = range.beyond(exceeded.bounds(of, limits), tolerance) {
                let name = match of {
                    LimitOf::Joint(joint, kind) => format!("{kind} of \"{}\"", mechanism.outputs[joint]),
                    LimitOf::Base(i) => interval.base.limits[i].name.to_owned(),
                };
                let violation = Violation::LimitNotProved { of: name, value, bound, time };
                return Ok(Some(Open { violation, limit: Some((of, limits, value)) }));
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
        let named = |l: &base::Limited<Enclosure>| BasePeak { name: l.name, peak: Peak::default() };
        base.extend(limits.iter().skip(base.len()).map(named));
        for (peak, limited) in base.iter_mut().zip(limits) {
            self.interval.range(&limited.value).raise(&mut peak.peak, time, limited.bounds);
        }
    }
}

impl JointVariations for VehicleProof<'_> {
    fn farthest(&self, joint: usize) -> f64 {
        let of_joint = self.wholes.iter().skip(joint).step_by(self.problem.mechanism.dof());
        magnitude(of_joint.map(|whole| whole.range))
    }

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
            let (middle, half) = (SegmentPart { from: span.from, to: span.to }).middle();
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

impl SegmentPart {
    /// Its middle, and half its duration.
    fn middle(&self) -> (f64, f64) {
        (0.5 * (self.from + self.to), 0.5 * (self.to - self.from))
    }
}

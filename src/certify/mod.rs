//! The certificate: proof, in plain `f64` and for every instant between samples too, that a
//! trajectory solves its problem. Imports `robot`, `base`, `world`, `problem`, `trajectory` and `vector`
//! only, never a checker, so that it cannot share a bug with one.
//!
//! - Ends are the start and a goal, and at rest can be held; knots are continuous (`knots`).
//! - Polynomial limits (position, velocity, acceleration, jerk) hold by exact extrema (`limits`).
//! - Collisions are excluded on intervals of time, halved until each is proved (`collision`).
//! - Efforts are bounded on intervals by Taylor models of inverse dynamics (`effort`).
//! - Vehicles' states, limits and coordinates follow from enclosures of the flat maps of their bases,
//!   which `base` holds against the equations of motion (`vehicle`).

mod collision;
mod effort;
mod findings;
mod interval;
mod knots;
mod limits;
mod motion;
mod report;
mod sampled;
mod solids;
mod span;
mod vehicle;

pub use report::{
    BasePeak, Certificate, Clearance, End, Limit, LimitKind, Miss, Nearest, Peak, Peaks, Quantity, Report,
    Sampled, Violation,
};

use crate::problem::{Constraint, FlatState, InvalidValue, Problem, Smoothness};
use crate::robot::{Mechanism, POSITION_SLACK};
use crate::stop::{Stop, Watch};
use crate::trajectory::{MAX_DEGREE, Segment, Trajectory, derivative};
use collision::{Collisions, Kept};
use effort::Efforts;
use findings::Findings;
use knots::{Jumps, Knot, Named};
use limits::Course;
use std::borrow::Cow;
use vehicle::{Driven, Vehicle};

/// No interval of time is halved below this share of the trajectory's duration: a robot that moves at 10 m/s for
/// a second covers a micrometre meanwhile, and the bounds on how far it strays from what is known are of third order.
const MIN_SHARE: f64 = 1e-7;

/// Greatest coefficient of a polynomial: with more, evaluation could overflow, and no comparison
/// with a NaN refuses anything.
const MAX_COEFFICIENT: f64 = 1e30;

/// The length below which no interval of time is halved, seconds.
fn floor(trajectory: &Trajectory) -> f64 {
    MIN_SHARE * trajectory.duration()
}

/// A proof that takes more intervals than this is given up: at a microsecond each, it takes seconds.
const MAX_INTERVALS: usize = 5_000_000;

/// A proof asks once in so many units of work, some 20 ns each, whether it is time to stop.
const WORK_PER_ASK: u32 = 1024;

/// Work of an interval beside what it lists, and of a segment whose extrema are found.
const INTERVAL: u32 = 32;

/// How much a certificate should find out, and how exact the trajectory must be.
///
/// A trajectory may jump at its knots by what rounding makes. What it proves then is that there is a motion,
/// continuous with all derivatives that should be, which keeps all limits within twice their tolerances and
/// is off the trajectory by no more than about `tolerance` in its last continuous derivative, and by what that
/// makes in those below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CertifyOptions {
    /// Prove the least distance of links from obstacles to within this, metres. `None`: prove no more than that
    /// there is some, or as much as is asked for, which is several times cheaper.
    pub world_tolerance: Option<f64>,
    /// Prove the least distance of links from each other to within this, metres. `None`: prove no more than that
    /// there is some, which is several times cheaper.
    pub links_tolerance: Option<f64>,
    /// How far links must stay from obstacles at every instant, metres; those of the base, which never move, must
    /// only not be inside of any.
    pub least_world_clearance: f64,
    /// Greatest distance of the ends from the problem's start and goal, greatest jump at a knot, and greatest
    /// sum of all jumps that are not as good as none beside the tolerances of limits; of every output and
    /// every derivative of it by itself, in rad or m and their derivatives, relative to values above 1.
    pub tolerance: f64,
    /// What a limit may be exceeded by, in its unit or relative to it where it is above 1; one of position
    /// by [`POSITION_SLACK`] at most, where links are not judged because of what was proved within it.
    pub limit_tolerance: f64,
    /// The same for limits of jerk, which rounded times in a file blur the most.
    pub jerk_tolerance: f64,
}

impl Default for CertifyOptions {
    fn default() -> Self {
        // Rounding in steering and evaluation stays below 1e-11 for motions of seconds, and steering
        // that meets a limit exactly meets it only up to rounding.
        Self {
            world_tolerance: None,
            links_tolerance: None,
            least_world_clearance: 0.0,
            tolerance: 1e-9,
            limit_tolerance: 1e-9,
            jerk_tolerance: 1e-9,
        }
    }
}

impl CertifyOptions {
    /// For files that anybody wrote, as `flatout check` has them: limits may be exceeded by ten times this
    /// `tolerance`, those of jerk by a thousand times. Times in a JointTrajectory are whole nanoseconds, which
    /// blurs accelerations of short pieces, and jerks more.
    pub fn for_files(tolerance: f64) -> Self {
        Self {
            tolerance,
            limit_tolerance: 10.0 * tolerance,
            jerk_tolerance: 1e3 * tolerance,
            ..Self::default()
        }
    }
}

/// Proves that `trajectory` solves `problem` at every instant, the limits being those of [`Problem::admitted`].
///
/// # Errors
/// What is wrong with the trajectory and when, or what could not be proved: the first that is met.
pub fn certify(
    problem: &Problem,
    trajectory: &Trajectory,
    options: &CertifyOptions,
) -> Result<Certificate, Violation> {
    // Nonsense has no limits that could be moved.
    let admitted = if problem.validate().is_ok() { problem.admitted() } else { Cow::Borrowed(problem) };
    Certifier::new(&admitted, *options).certify(trajectory)
}

impl CertifyOptions {
    /// Checks that they are numbers, and none below zero.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        let &Self {
            world_tolerance,
            links_tolerance,
            least_world_clearance,
            tolerance,
            limit_tolerance,
            jerk_tolerance,
        } = self;
        let all = [
            ("world_tolerance", world_tolerance.unwrap_or(0.0)),
            ("links_tolerance", links_tolerance.unwrap_or(0.0)),
            ("least_world_clearance", least_world_clearance),
            ("tolerance", tolerance),
            ("limit_tolerance", limit_tolerance),
            ("jerk_tolerance", jerk_tolerance),
        ];
        match all.into_iter().find(|(_, value)| !(0.0..f64::INFINITY).contains(value)) {
            None => Ok(()),
            Some((field, value)) => Err(InvalidValue::new(field, value, "a number of at least 0")),
        }
    }
}

/// The same, but tells all that stands against the trajectory: of every kind of violation the worst. To be
/// told the worst collision exactly, `options` should have tolerances of both clearances.
///
/// It takes longer than [`certify`] where something does.
pub fn survey(problem: &Problem, trajectory: &Trajectory, options: &CertifyOptions) -> Report {
    Certifier::new(problem, *options).survey(trajectory)
}

/// Tables and working memory to certify many trajectories of one problem.
pub struct Certifier<'a> {
    /// Or why the problem or the options make no sense.
    proof: Result<Proof<'a>, InvalidValue>,
}

/// What it takes to prove that trajectories solve a problem that makes sense.
struct Proof<'a> {
    problem: &'a Problem,
    options: CertifyOptions,
    collisions: Collisions<'a>,
    efforts: Efforts<'a>,
    course: Course,
    vehicle: Option<Vehicle<'a>>,
    jumps: Jumps,
    constraints: Vec<Constraint>,
}

/// Whether to go on to so much more work, after so many intervals.
#[inline(always)]
fn ask(watch: &mut Watch, work: u32, intervals: usize) -> Result<(), Violation> {
    if watch.is_due(work) { Err(Violation::OutOfTime { intervals }) } else { Ok(()) }
}

impl<'a> Certifier<'a> {
    /// Builds the tables for `problem`. Where that or the options make no sense, nothing gets a certificate.
    pub fn new(problem: &'a Problem, options: CertifyOptions) -> Self {
        Self::build(problem, options, &mut Watch::default())
    }

    /// The same, unless `stop` is due before it is done: the tables of ten thousand obstacles take milliseconds.
    pub fn new_until(problem: &'a Problem, options: CertifyOptions, stop: &Stop) -> Option<Self> {
        let mut watch = Watch::new(stop, WORK_PER_ASK);
        let certifier = Self::build(problem, options, &mut watch);
        (!watch.was_due()).then_some(certifier)
    }

    /// The same for a start that is passed in motion, on a trajectory that is being driven: the controls that a
    /// vehicle's state does not hold, and that cannot jump, may be there what they are.
    #[must_use]
    pub fn under_way(mut self) -> Self {
        if let Ok(Proof { vehicle: Some(vehicle), .. }) = &mut self.proof {
            vehicle.is_under_way = true;
        }
        self
    }

    /// Asks a caller's own constraints at samples of what is proved; their certificates name them.
    #[must_use]
    pub fn asking(mut self, constraints: &[Constraint]) -> Self {
        if let Ok(proof) = &mut self.proof {
            proof.constraints = constraints.to_vec();
        }
        self
    }

    /// Builds the tables, as far as it comes.
    fn build(problem: &'a Problem, options: CertifyOptions, watch: &mut Watch) -> Self {
        let checked = options.validate().map_err(|e| e.under("options")).and_then(|()| problem.validate());
        Self { proof: checked.map(|()| Proof::new(problem, options, watch)) }
    }

    /// Proves that `trajectory` solves the problem at every instant.
    ///
    /// # Errors
    /// What is wrong with the trajectory and when, or what could not be proved; or that the problem makes no
    /// sense.
    pub fn certify(&mut self, trajectory: &Trajectory) -> Result<Certificate, Violation> {
        self.certify_until(trajectory, &Stop::NEVER)
    }

    /// The same, but given up as [`Violation::OutOfTime`] when `stop` is due.
    ///
    /// # Errors
    /// As [`Certifier::certify`].
    pub fn certify_until(&mut self, trajectory: &Trajectory, stop: &Stop) -> Result<Certificate, Violation> {
        match &mut self.proof {
            Ok(proof) => {
                let watch = &mut Watch::new(stop, WORK_PER_ASK);
                proof.prove(trajectory, watch, &mut Findings::default())
            }
            Err(why) => Err(Violation::Invalid(why.clone())),
        }
    }

    /// All that stands against `trajectory`, as [`survey`].
    pub fn survey(&mut self, trajectory: &Trajectory) -> Report {
        let mut findings = Findings::all();
        let proved = match &mut self.proof {
            Ok(proof) => proof.prove(trajectory, &mut Watch::default(), &mut findings),
            Err(why) => Err(Violation::Invalid(why.clone())),
        };
        let (certificate, last) = match proved {
            Ok(certificate) => (Some(certificate), None),
            Err(violation) => (None, Some(violation)),
        };
        let mut violations = findings.into_kept();
        violations.extend(last);
        Report { certificate: certificate.filter(|_| violations.is_empty()), violations }
    }
}

impl<'a> Proof<'a> {
    /// Builds the tables, as far as it comes.
    fn new(problem: &'a Problem, options: CertifyOptions, watch: &mut Watch) -> Self {
        Self {
            problem,
            options,
            collisions: Collisions::new(&problem.mechanism, &problem.world, watch),
            efforts: Efforts::new(&problem.mechanism, problem.gravity, options.limit_tolerance),
            course: Course::default(),
            vehicle: Vehicle::new(problem, options),
            jumps: Jumps::default(),
            constraints: Vec::new(),
        }
    }

    /// Proves what can be proved: all, where `findings` keep nothing.
    fn prove(
        &mut self,
        trajectory: &Trajectory,
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<Certificate, Violation> {
        let options = &self.options;
        let outputs = self.problem.mechanism.outputs.clone();
        let not_judged = self.problem.mechanism.unjudged.clone();
        self.check_form(trajectory)?;
        if let Some(vehicle) = &mut self.vehicle {
            let Driven { goal, peaks, base, intervals } = vehicle.prove(trajectory, watch, findings)?;
            let kept = self.collisions.prove(trajectory, vehicle, options, watch, findings)?;
            let (world, links, intervals) = (kept.world, kept.links, intervals + kept.intervals);
            let sampled = sampled::survey(&self.constraints, self.problem, trajectory, watch, findings)?;
            return Ok(Certificate {
                goal,
                world,
                links,
                peaks,
                base,
                outputs,
                intervals,
                sampled,
                not_judged,
            });
        }
        let goal = self.check_ends(trajectory, findings)?;
        self.check_knots(trajectory, findings)?;
        let options = &self.options;
        let mut peaks = self.course.survey(trajectory, self.problem, options, watch, findings)?;
        let Kept { world, links, mut intervals } =
            self.collisions.prove(trajectory, &mut self.course, options, watch, findings)?;
        if self.problem.torque {
            intervals += self.efforts.prove(trajectory, &mut peaks, watch, findings)?;
        }
        let base = Vec::new();
        let sampled = sampled::survey(&self.constraints, self.problem, trajectory, watch, findings)?;
        Ok(Certificate { goal, world, links, peaks, base, outputs, intervals, sampled, not_judged })
    }

    /// Whether it is a trajectory of this mechanism at all, made of numbers.
    fn check_form(&self, trajectory: &Trajectory) -> Result<(), Violation> {
        let malformed = |reason| Err(Violation::Malformed { reason });
        if self.problem.gravity_fault().is_some() {
            return malformed("the equations of its vehicle have another gravity than the problem");
        }
        if trajectory.dof() != self.problem.mechanism.flat_dof() {
            return malformed("it has another number of outputs than the mechanism");
        }
        if trajectory.degree() > MAX_DEGREE {
            return malformed("its polynomials are of too high a degree");
        }
        if trajectory.is_empty() {
            return malformed("it has no segment");
        }
        let finite = |s: Segment<'_>| {
            (s.duration > 0.0 || trajectory.len() == 1)
                && s.duration >= 0.0
                && s.duration.is_finite()
                && s.coefficients.iter().all(|c| c.abs() <= MAX_COEFFICIENT)
        };
        if !trajectory.segments().all(finite) {
            return malformed(
                "a segment has no positive duration or a coefficient that is not finite or absurd",
            );
        }
        Ok(())
    }

    /// Whether it leads from the start to a goal, and these can be held; gives the index of the goal.
    fn check_ends(&self, trajectory: &Trajectory, findings: &mut Findings) -> Result<usize, Violation> {
        let Problem { start, goals, mechanism, smoothness, .. } = self.problem;
        let tolerance = self.options.tolerance;
        let (first, last) = (trajectory.segment(0), trajectory.segment(trajectory.len() - 1));
        let miss = |state: &FlatState, segment: Segment<'_>, t: f64| {
            let wanted = [&state.position, &state.velocity, &state.acceleration];
            let mut farthest = Farthest::new(tolerance);
            for (order, wanted) in wanted.into_iter().take(smoothness.order()).enumerate() {
                for (output, &wanted) in wanted.iter().enumerate() {
                    let value = derivative(segment.polynomial(output), order, t);
                    farthest.see([value, wanted], || named(mechanism, output).quantity(order));
                }
            }
            farthest
        };
        if let Some(miss) = miss(start, first, 0.0).miss {
            findings.add(Violation::Start { miss })?;
        }
        let (reached, farthest) = nearest(goals, |goal| miss(goal, last, last.duration))?;
        if let Some(miss) = farthest.miss {
            findings.add(Violation::Goal { miss })?;
        }
        for (end, state) in [(End::Start, start), (End::Goal, &goals[reached])] {
            if let Some(why) = self.problem.overload(state, self.options.limit_tolerance) {
                findings.add(Violation::Unheld { end, why })?;
            }
        }
        Ok(reached)
    }

    /// Whether positions and velocities are continuous, and accelerations where they should be.
    fn check_knots(&mut self, trajectory: &Trajectory, findings: &mut Findings) -> Result<(), Violation> {
        for mends in [false, true] {
            self.course.jumps = 0.0;
            self.jumps.begin(trajectory.dof(), mends);
            match self.problem.smoothness {
                Smoothness::Acceleration => self.meet_knots::<2>(trajectory, findings)?,
                Smoothness::Jerk => self.meet_knots::<3>(trajectory, findings)?,
            }
            if self.jumps.are_small(self.options.tolerance) {
                return Ok(());
            }
        }
        let name = |output, order| named(&self.problem.mechanism, output).quantity(order);
        self.jumps.end(self.options.tolerance, name, findings)
    }

    /// The same of the knots one by one, where so many derivatives are continuous, the value among them.
    fn meet_knots<const N: usize>(
        &mut self,
        trajectory: &Trajectory,
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        let mechanism = &self.problem.mechanism;
        for i in 1..trajectory.len() {
            let (before, after) = (trajectory.segment(i - 1), trajectory.segment(i));
            let knot = Knot { time: trajectory.knots()[i], brief: before.duration.min(after.duration) };
            for output in 0..trajectory.dof() {
                let sides = sides::<N>([&before, &after], output);
                // What a jump does to values afterwards; a bounded acceleration may jump.
                let [from, to] = sides;
                self.course.jumps +=
                    (to[0] - from[0]).abs() + (to[1] - from[1]).abs() * trajectory.duration();
                let limits = &mechanism.limits[output];
                if let Some((order, jump)) = self.jumps.meet(output, sides, knot, limits, &self.options) {
                    let (of, unit) = named(mechanism, output).quantity(order);
                    findings.add(Violation::Jump { of, time: knot.time, jump, unit })?;
                }
            }
        }
        Ok(())
    }
}

/// An output on both sides of the knot between two segments: its value and derivatives, as many as there are.
fn sides<const N: usize>([before, after]: [&Segment<'_>; 2], output: usize) -> [[f64; N]; 2] {
    let at = |segment: &Segment<'_>, t: f64| {
        let polynomial = segment.polynomial(output);
        std::array::from_fn(|order| derivative(polynomial, order, t))
    };
    [at(before, before.duration), at(after, 0.0)]
}

/// An output of a mechanism that is no vehicle, or a joint of one.
fn named(mechanism: &Mechanism, output: usize) -> Named<'_> {
    Named { name: &mechanism.outputs[output], is_angle: mechanism.is_angle(output) }
}

/// What of a state an end of a trajectory misses the most.
struct Farthest {
    tolerance: f64,
    deviation: f64,
    /// What that is, if it is by more than is tolerated.
    miss: Option<Miss>,
}

impl Farthest {
    fn new(tolerance: f64) -> Self {
        Self { tolerance, deviation: 0.0, miss: None }
    }

    /// Takes note of a value and what is expected in its place.
    fn see(&mut self, [value, expected]: [f64; 2], name: impl FnOnce() -> (Quantity, &'static str)) {
        let deviation = deviation(value, expected);
        // A NaN is as far as anything.
        let deviation = if deviation.is_nan() { f64::INFINITY } else { deviation };
        if deviation > self.deviation {
            self.deviation = deviation;
            let miss = |(of, unit)| Miss { of, value, expected, unit };
            self.miss = (deviation > self.tolerance).then(|| miss(name()));
        }
    }
}

/// The index of the goal that is missed the least, the first of equals, and by what.
fn nearest(
    goals: &[FlatState],
    mut miss: impl FnMut(&FlatState) -> Farthest,
) -> Result<(usize, Farthest), Violation> {
    let mut best: Option<(usize, Farthest)> = None;
    for (index, goal) in goals.iter().enumerate() {
        let farthest = miss(goal);
        if best.as_ref().is_none_or(|(_, best)| farthest.deviation < best.deviation) {
            best = Some((index, farthest));
        }
    }
    best.ok_or(Violation::Malformed { reason: "the problem has no goal for it to end at" })
}

/// By how much a limit of some kind may be exceeded: one of position by no more than what was proved of pairs
/// of links allows, if anything was.
fn tolerance_of(kind: LimitKind, mechanism: &Mechanism, options: &CertifyOptions) -> f64 {
    match kind {
        LimitKind::Position if !mechanism.proved_within.is_empty() => {
            options.limit_tolerance.min(POSITION_SLACK)
        }
        LimitKind::Jerk => options.jerk_tolerance,
        _ => options.limit_tolerance,
    }
}

/// How far two numbers are apart, relative to what is expected where that is above 1.
fn deviation(value: f64, expected: f64) -> f64 {
    (value - expected).abs() / expected.abs().max(1.0)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vehicle_tests;

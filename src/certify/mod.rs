//! The certificate: proof, in plain `f64` and for every instant between samples too, that a
//! trajectory solves its problem. Imports `robot`, `base`, `world`, `problem` and `trajectory` only,
//! never a checker, so that it cannot share a bug with one.
//!
//! - Polynomial limits (position, velocity, acceleration, jerk) hold by exact extrema (`limits`).
//! - Collisions are excluded on intervals of time, halved until each is proved (`collision`).
//! - Efforts are bounded on intervals by Taylor models of inverse dynamics (`effort`).
//! - Vehicles' states, limits and coordinates follow from enclosures of the flat maps of their bases,
//!   which `base` holds against the equations of motion (`vehicle`).

mod collision;
mod effort;
mod interval;
mod lanes;
mod limits;
mod motion;
mod report;
mod solids;
mod span;
mod vehicle;

pub use report::{BasePeak, Certificate, Clearance, Limit, LimitKind, Nearest, Peak, Peaks, Violation};

use crate::problem::{FlatState, InvalidValue, Problem};
use crate::robot::{Mechanism, POSITION_SLACK};
use crate::stop::{Stop, Watch};
use crate::trajectory::{MAX_DEGREE, Trajectory, derivative};
use collision::Collisions;
use effort::Efforts;
use limits::Course;
use std::borrow::Cow;
use vehicle::Vehicle;

/// No interval of time is halved below this, seconds: a robot moving at 10 m/s covers a micrometre.
const MIN_INTERVAL: f64 = 1e-7;

/// Greatest coefficient of a polynomial: with more, evaluation could overflow, and no comparison
/// with a NaN refuses anything.
const MAX_COEFFICIENT: f64 = 1e30;

/// The length below which no interval that ends at local time `to` is halved: late in a segment of
/// years, halves of shorter ones would be the same numbers.
fn floor(to: f64) -> f64 {
    MIN_INTERVAL.max(8.0 * f64::EPSILON * to)
}

/// A proof that takes more intervals than this is given up: at a microsecond each, it takes seconds.
const MAX_INTERVALS: usize = 5_000_000;

/// A proof asks once in so many units of work, some 20 ns each, whether it is time to stop.
const WORK_PER_ASK: u32 = 1024;

/// Work of an interval beside what it lists, and of a segment whose extrema are found.
const INTERVAL: u32 = 32;

/// How much a certificate should find out, and how exact the trajectory must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CertifyOptions {
    /// Prove the smallest clearance to within this, metres. `None`: prove no more than that there
    /// is some, which is several times cheaper.
    pub clearance_tolerance: Option<f64>,
    /// Greatest distance of the ends from the problem's start and goal and greatest jump at a knot,
    /// per output, in rad or m and their derivatives, relative to values above 1.
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
        Self { clearance_tolerance: None, tolerance: 1e-9, limit_tolerance: 1e-9, jerk_tolerance: 1e-9 }
    }
}

/// Proves that `trajectory` solves `problem` at every instant, the limits being those of [`Problem::admitted`].
///
/// # Errors
/// What is wrong with the trajectory and when, or what could not be proved.
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
        let &Self { clearance_tolerance, tolerance, limit_tolerance, jerk_tolerance } = self;
        let all = [
            ("clearance_tolerance", clearance_tolerance.unwrap_or(0.0)),
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
            Ok(proof) => proof.certify(trajectory, &mut Watch::new(stop, WORK_PER_ASK)),
            Err(why) => Err(Violation::Invalid(why.clone())),
        }
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
        }
    }

    fn certify(&mut self, trajectory: &Trajectory, watch: &mut Watch) -> Result<Certificate, Violation> {
        let tolerance = self.options.clearance_tolerance;
        let outputs = self.problem.mechanism.outputs.clone();
        let not_judged = self.problem.mechanism.unjudged.clone();
        self.check_form(trajectory)?;
        if let Some(vehicle) = &mut self.vehicle {
            let (peaks, base, first) = vehicle.prove(trajectory, watch)?;
            let (clearance, intervals) = self.collisions.prove(trajectory, vehicle, tolerance, watch)?;
            let intervals = first + intervals;
            return Ok(Certificate { clearance, peaks, base, outputs, intervals, not_judged });
        }
        self.check_ends(trajectory)?;
        self.check_knots(trajectory)?;
        let mut peaks = self.course.survey(trajectory, self.problem, &self.options, watch)?;
        let (clearance, mut intervals) =
            self.collisions.prove(trajectory, &mut self.course, tolerance, watch)?;
        if self.problem.torque {
            intervals += self.efforts.prove(trajectory, &mut peaks, watch)?;
        }
        Ok(Certificate { clearance, peaks, base: Vec::new(), outputs, intervals, not_judged })
    }

    /// Whether it is a trajectory of this mechanism at all, made of numbers.
    fn check_form(&self, trajectory: &Trajectory) -> Result<(), Violation> {
        let malformed = |reason| Err(Violation::Malformed { reason });
        if trajectory.dof() != self.problem.mechanism.flat_dof() {
            return malformed("it has another number of outputs than the mechanism");
        }
        if trajectory.degree() > MAX_DEGREE {
            return malformed("its polynomials are of too high a degree");
        }
        if trajectory.is_empty() {
            return malformed("it has no segment");
        }
        let finite = |s: crate::trajectory::Segment<'_>| {
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

    /// Whether it leads from the start to a goal.
    fn check_ends(&self, trajectory: &Trajectory) -> Result<(), Violation> {
        let (first, last) = (trajectory.segment(0), trajectory.segment(trajectory.len() - 1));
        let miss = |state: &FlatState, segment: crate::trajectory::Segment<'_>, t: f64| {
            let wanted = [&state.position, &state.velocity, &state.acceleration];
            let mut most = 0.0_f64;
            for (order, wanted) in wanted.into_iter().take(self.problem.smoothness.order()).enumerate() {
                for (output, &wanted) in wanted.iter().enumerate() {
                    most = most.max(deviation(derivative(segment.polynomial(output), order, t), wanted));
                }
            }
            most
        };
        let start = miss(&self.problem.start, first, 0.0);
        if start > self.options.tolerance {
            return Err(Violation::Start { distance: start });
        }
        let goals = self.problem.goals.iter();
        let goal = goals.map(|goal| miss(goal, last, last.duration)).fold(f64::INFINITY, f64::min);
        if goal > self.options.tolerance {
            return Err(Violation::Goal { distance: goal });
        }
        Ok(())
    }

    /// Whether positions and velocities are continuous, and accelerations where they should be.
    fn check_knots(&mut self, trajectory: &Trajectory) -> Result<(), Violation> {
        self.course.jumps = 0.0;
        for i in 1..trajectory.len() {
            let (before, after) = (trajectory.segment(i - 1), trajectory.segment(i));
            for output in 0..trajectory.dof() {
                for order in 0..self.problem.smoothness.order() {
                    let left = derivative(before.polynomial(output), order, before.duration);
                    let right = derivative(after.polynomial(output), order, 0.0);
                    // What a jump does to values afterwards; a bounded acceleration may jump.
                    let reach = [1.0, trajectory.duration(), 0.0][order];
                    self.course.jumps += (right - left).abs() * reach;
                    if deviation(left, right) > self.options.tolerance {
                        let (name, time) = (self.output(output), trajectory.knots()[i]);
                        return Err(Violation::Jump { output: name, order, time, jump: right - left });
                    }
                }
            }
        }
        Ok(())
    }

    fn output(&self, output: usize) -> String {
        self.problem.mechanism.outputs[output].clone()
    }
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

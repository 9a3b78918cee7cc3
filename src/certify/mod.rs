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
//! - Motions of linear systems have a certificate of their own (`linear`).

mod collision;
mod effort;
mod ends;
mod findings;
mod interval;
mod knots;
mod limits;
mod linear;
mod motion;
mod options;
mod report;
mod sampled;
mod solids;
mod span;
mod vehicle;

pub use linear::{
    LinearCertificate, LinearTolerances, LinearViolation, LinearViolations, VariablePeak, certify_linear,
    certify_linear_until,
};
pub use options::CertifyOptions;
pub use report::{
    BasePeak, Certificate, Clearance, Limit, LimitKind, Miss, Nearest, Peak, Peaks, Quantity, Report,
    Sampled, TrajectoryEnd, Violation,
};

use crate::problem::{Constraint, InvalidValue, JointState, Problem, Smoothness};
use crate::stop::{Stop, Watch};
use crate::trajectory::{MAX_DEGREE, Segment, Trajectory, derivative};
use collision::{Collisions, KeptClearances};
use effort::Efforts;
use ends::{Farthest, named, nearest};
use findings::Findings;
use knots::{Jumps, Knot, sides};
use limits::ExtremaTable;
use options::WORK_PER_ASK;
use std::borrow::Cow;
use vehicle::{ProvedDrive, VehicleProof};

/// Greatest coefficient of a polynomial: with more, evaluation could overflow, and no comparison
/// with a NaN refuses anything.
const MAX_COEFFICIENT: f64 = 1e30;

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
    course: ExtremaTable,
    vehicle: Option<VehicleProof<'a>>,
    jumps: Jumps,
    constraints: Vec<Constraint>,
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
            course: ExtremaTable::default(),
            vehicle: VehicleProof::new(problem, options),
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
            let ProvedDrive { goal, peaks, base, intervals } = vehicle.prove(trajectory, watch, findings)?;
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
        let KeptClearances { world, links, mut intervals } =
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
        let miss = |state: &JointState, segment: Segment<'_>, t: f64| {
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
        for (end, state) in [(TrajectoryEnd::Start, start), (TrajectoryEnd::Goal, &goals[reached])] {
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vehicle_tests;

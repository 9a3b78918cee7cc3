//! Planning anew from a trajectory that is being driven.

use super::{Outcome, PlanOptions, braking, plan, sense};
use crate::base::{Base, Car};
use crate::certify::{Certificate, Certifier, CertifyOptions, Violation, certify};
use crate::check::{CheckError, EdgeChecker};
use crate::error::InvalidValue;
use crate::problem::{FlatState, Problem, Smoothness};
use crate::trajectory::Trajectory;
use std::time::Instant;

/// A car slower than this stands, m/s, and wheels turned by less are straight, rad.
const STANDING: f64 = 1e-6;

/// Share of the budgets for leaving a trajectory at once, where staying on it is another way.
const AT_ONCE: f64 = 0.5;

/// Shares of what is left of a trajectory after which it is tried to be left where that fails at once.
const STAYS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// What plans a problem with options.
pub type Planner<'a> = dyn FnMut(&Problem, &PlanOptions) -> Result<Outcome, CheckError> + 'a;

/// The instant at which a running trajectory is to be left for a new one.
///
/// Planning takes time, and the robot does not wait: leave the trajectory at a time far enough ahead,
/// `now + limit + transport`, where `limit` is the time limit that the new plan is given (or what plans
/// take at worst on this machine: see `flatout bench replan`) and `transport` what it takes to bring
/// the answer to the controller. Until then the robot drives on as before, so what lies on that piece
/// must still be free: [`Departure::join`] proves it.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// What is being driven.
    pub running: &'a Trajectory,
    /// When it is left, seconds since it began; clamped to it.
    pub from: f64,
}

impl Departure<'_> {
    /// Checks that the trajectory is one of `problem`'s mechanism, which makes sense, and not empty, and that it is left
    /// at a time.
    ///
    /// # Errors
    /// The first value for which that is not so.
    pub fn validate(&self, problem: &Problem) -> Result<(), InvalidValue> {
        problem.mechanism.validate().map_err(|e| e.under("mechanism"))?;
        let outputs = problem.mechanism.flat_dof();
        if self.running.is_empty() {
            return Err(InvalidValue::new("departure.running", "none", "at least one segment"));
        }
        if self.running.dof() != outputs {
            let found = format!("{} outputs", self.running.dof());
            let expected = format!("{outputs} outputs, as the problem's mechanism has");
            return Err(InvalidValue::new("departure.running", found, expected));
        }
        if self.from.is_nan() {
            return Err(InvalidValue::new("departure.from", self.from, "a time in seconds"));
        }
        Ok(())
    }

    /// The state at that instant: where a new trajectory for `problem` begins. Where [`Departure::refusal`] has
    /// something to say, that of its start.
    pub fn state(&self, problem: &Problem) -> FlatState {
        self.at(problem, self.from)
    }

    fn at(&self, problem: &Problem, t: f64) -> FlatState {
        if self.validate(problem).is_err() {
            return problem.start.clone();
        }
        let state = FlatState::of(&problem.mechanism, self.running, t, problem.smoothness);
        state.unwrap_or_else(|_| problem.start.clone())
    }

    /// Why nothing can be planned from there, where that is so. Where the departure makes sense
    /// ([`Departure::validate`]) it happens to vehicles alone: a trajectory
    /// without a certificate may be singular, and the state of a car holds neither its speed nor its
    /// steering, so that a car whose acceleration or steering rate is limited has to stand.
    pub fn refusal(&self, problem: &Problem) -> Option<String> {
        if let Err(why) = self.validate(problem) {
            return Some(why.to_string());
        }
        let base = problem.mechanism.vehicle()?;
        let (segment, local) = self.running.locate(self.from);
        let sample = match base.unflatten(&base.flat(&self.running.segment(segment), local)) {
            Ok(sample) => sample,
            Err(singular) => return Some(singular.to_string()),
        };
        let Base::Car(Car { acceleration, steering_rate, .. }) = base else { return None };
        let [speed, steering] = [sample.control[0], sample.control[1]];
        let jumps = (acceleration.is_finite() && speed.abs() > STANDING)
            || (steering_rate.is_finite() && steering.abs() > STANDING);
        jumps.then(|| {
            format!(
                "a plan of a car begins with no speed and straight wheels, which are no part of its state, but \
                 here it drives at {speed:.3} m/s and steers by {steering:.3} rad"
            )
        })
    }

    /// A plan of `here`, which is [`Departure::problem`], unless it is refused.
    fn plan(
        &self,
        here: &Problem,
        plan: &mut Planner<'_>,
        options: &PlanOptions,
    ) -> Result<Outcome, CheckError> {
        match self.refusal(here) {
            Some(why) => Ok(Outcome::Unsupported { why }),
            None => plan(here, options),
        }
    }

    /// `problem` with this departure in place of its start, and its limits as [`Problem::admitted`]: what is driven
    /// meets limits by rounding.
    pub fn problem(&self, problem: &Problem) -> Problem {
        let mut here = Problem { start: self.state(problem), ..problem.clone() };
        here.admit_ends();
        here
    }

    /// Where the robot comes to rest if it brakes straight ahead from there, as hard as the
    /// accelerations of the joints of `problem`'s robot allow; a vehicle's joints have no such limits.
    pub fn standstill(&self, problem: &Problem) -> FlatState {
        let problem = Problem { smoothness: Smoothness::Acceleration, ..problem.clone() };
        let state = self.state(&problem);
        if problem.mechanism.vehicle().is_some() || self.validate(&problem).is_err() {
            return state;
        }
        let braking = braking::straight(&problem.mechanism.limits, &state);
        braking.map_or(state, |braking| FlatState::on(&braking, braking.duration(), Smoothness::Acceleration))
    }

    /// What is driven in all: the running trajectory until the departure, then `next`; with a
    /// certificate, against `problem`'s world and goals, of the whole of it.
    ///
    /// # Errors
    /// Why the whole is not valid: what is left of the running trajectory may no longer be.
    pub fn join(
        &self,
        problem: &Problem,
        next: &Trajectory,
        options: &CertifyOptions,
    ) -> Result<(Trajectory, Certificate), Violation> {
        self.validate(problem).map_err(Violation::Invalid)?;
        if next.dof() != self.running.dof() {
            return Err(Violation::Malformed {
                reason: "it has another number of outputs than what it joins",
            });
        }
        let mut whole = self.running.cut(0.0, self.from);
        whole.append(next);
        // A plan from a goal to itself takes no time; the piece before it does.
        let whole = if self.from > 0.0 { whole.cut(0.0, whole.duration()) } else { next.clone() };
        let problem = Problem { start: self.at(problem, 0.0), ..problem.clone() };
        let certificate = certify(&problem, &whole, options)?;
        Ok((whole, certificate))
    }
}

/// Plans from where `departure` leaves its trajectory, at the velocity that it has there (and the
/// acceleration, where that is part of the state), to any of the goals of `problem`, in `problem`'s
/// world; `problem`'s own start is not looked at.
///
/// A robot may pass so close by an obstacle, and a vehicle lean or turn so, that no plan can begin there. Where
/// leaving at once fails, within half of the budgets, it is tried to stay on the trajectory for longer: that
/// piece is the beginning of the answer, and certified with it. The statistics are those of the plan that was
/// found.
///
/// # Errors
/// As for [`plan`]. That the robot is too fast to be stopped is an [`Outcome`].
pub fn replan(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
    departure: &Departure<'_>,
) -> Result<Outcome, CheckError> {
    replan_by(problem, options, departure, &mut |problem, options| plan(problem, checker, options))
}

/// As [`replan`], by another planner: on several threads, say.
///
/// # Errors
/// As for the planner.
pub fn replan_by(
    problem: &Problem,
    options: &PlanOptions,
    departure: &Departure<'_>,
    plan: &mut Planner<'_>,
) -> Result<Outcome, CheckError> {
    let begun = Instant::now();
    if let Err(why) = departure.validate(problem) {
        return Ok(Outcome::Invalid { why });
    }
    let here = departure.problem(problem);
    if let Err(why) = sense::admit(&here, options) {
        return Ok(Outcome::Invalid { why });
    }
    let running = departure.running;
    let from = departure.from.clamp(0.0, running.duration());
    let left = running.duration() - from;
    if left <= 0.0 {
        return plan(&here, options);
    }
    let at_once = departure.plan(&here, plan, &part(options, AT_ONCE, begun))?;
    if !matches!(at_once, Outcome::Unsupported { .. } | Outcome::Exhausted { .. }) {
        return Ok(at_once);
    }
    let late = || options.time_limit.is_some_and(|limit| begun.elapsed() >= limit);
    let options = |share| part(options, share, begun);
    for share in STAYS {
        let stay = Departure { running, from: from + share * left };
        let outcome =
            stay.plan(&stay.problem(problem), plan, &options((1.0 - AT_ONCE) / STAYS.len() as f64))?;
        let Outcome::Solved(mut solution) = outcome else { continue };
        let mut whole = running.cut(from, stay.from);
        whole.append(&solution.trajectory);
        let certified = Certifier::new(&here, CertifyOptions::default()).certify_until(&whole, &late);
        if let Ok(certificate) = certified {
            solution.statistics.raw_duration += stay.from - from;
            (solution.trajectory, solution.certificate) = (whole, certificate);
            return Ok(Outcome::Solved(solution));
        }
    }
    Ok(at_once)
}

/// Options with a share of their budgets, `begun` a while ago.
fn part(options: &PlanOptions, share: f64, begun: Instant) -> PlanOptions {
    PlanOptions {
        time_limit: options.time_limit.map(|limit| limit.mul_f64(share)),
        max_samples: (options.max_samples as f64 * share).ceil() as u64,
        improve: options.improve.map(|improve| improve.saturating_sub(begun.elapsed())),
        ..options.clone()
    }
}

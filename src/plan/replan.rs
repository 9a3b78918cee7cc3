//! Planning anew from a trajectory that is being driven.

use super::{PlanError, PlanOptions, Solution, Statistics, Termination, braking, plan, sense};
use crate::base::{Base, Car};
use crate::certify::{Certificate, Certifier, CertifyOptions, Violation};
use crate::check::EdgeChecker;
use crate::error::InvalidValue;
use crate::problem::{JointState, Problem, Smoothness};
use crate::steer::steering_limits;
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use std::time::{Duration, Instant};

/// From rates of a car slower than this, m/s, rounding would make another steering angle; wheels turned by less than
/// this, rad, are straight.
const SLOWEST: f64 = 1e-4;
const STRAIGHT: f64 = 1e-9;

/// Two states that differ by more than this, rad or m and per second, are not the same goal: a thousand times what a
/// certificate lets pass.
const NEAR: f64 = 1e-6;

/// Share of the budgets for leaving a trajectory at once, where staying on it is another way.
const AT_ONCE: f64 = 0.5;

/// Shares of what is left of a trajectory after which it is tried to be left where that fails at once.
const STAYS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// The same, tried before those, where it was refused for what is so for an instant alone.
const MOMENT: f64 = 0.01;

/// What plans a problem with options.
pub type PlanFunction<'a> = dyn FnMut(&Problem, &PlanOptions) -> Result<Solution, PlanError> + 'a;

/// The instant at which a running trajectory is to be left for a new one.
///
/// Planning takes time, and the robot does not wait: leave the trajectory at a time far enough ahead,
/// `now + limit + transport`, where `limit` is the time limit that the new plan is given (or what plans
/// take at worst on this machine: see `flatout bench replan`) and `transport` what it takes to bring
/// the answer to the controller. Until then the robot drives on as before, so what lies on that piece
/// must still be free: [`Departure::ahead`] proves it.
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
    pub fn state(&self, problem: &Problem) -> JointState {
        self.at(problem, self.from)
    }

    fn at(&self, problem: &Problem, t: f64) -> JointState {
        if self.validate(problem).is_err() {
            return problem.start.clone();
        }
        let state = JointState::under_way(&problem.mechanism, self.running, t, problem.smoothness);
        state.unwrap_or_else(|_| problem.start.clone())
    }

    /// Why nothing can be planned from there, where that is so. Where the departure makes sense
    /// ([`Departure::validate`]) it happens to vehicles alone: a trajectory without a certificate may be singular, and
    /// a car that all but stands with turned wheels, as between driving ahead and back, has no rates that would tell how
    /// they are turned. An instant earlier or later it has.
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
        let outputs = base.outputs().len();
        let state = JointState::on(self.running, self.from, problem.smoothness);
        let goes = matches!(base, Base::DifferentialDrive(drive) if drive.acceleration.is_some())
            && sample.state[3].abs() > SLOWEST;
        if !goes
            && base.follows_course()
            && state.velocity[outputs..].iter().any(|rate| rate.abs() > STRAIGHT)
        {
            let why = "the joints on a base that stands, or whose speed may jump, move here; a plan begins with them at rest";
            return Some(why.to_owned());
        }
        let Base::Car(Car { steering_rate, .. }) = base else { return None };
        let [speed, steering] = [sample.control[0], sample.control[1]];
        let is_untold = steering_rate.is_finite() && speed.abs() < SLOWEST && steering.abs() > STRAIGHT;
        is_untold.then(|| {
            format!(
                "a plan of a car in motion begins at its speed and steering angle, but here it all but stands, at \
                 {speed:.2e} m/s, its wheels turned by {steering:.3} rad"
            )
        })
    }

    /// A plan of `here`, which is [`Departure::problem`], unless it is refused.
    fn plan(
        &self,
        here: &Problem,
        plan: &mut PlanFunction<'_>,
        options: &PlanOptions,
    ) -> Result<Solution, PlanError> {
        match self.refusal(here) {
            Some(why) => Err(PlanError::Unsupported(why)),
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
    pub fn standstill(&self, problem: &Problem) -> JointState {
        let problem = Problem { smoothness: Smoothness::Acceleration, ..problem.clone() };
        let state = self.state(&problem);
        if problem.mechanism.vehicle().is_some() || self.validate(&problem).is_err() {
            return state;
        }
        let braking = braking::straight(&steering_limits(&problem), &state);
        braking
            .map_or(state, |braking| JointState::on(&braking, braking.duration(), Smoothness::Acceleration))
    }

    /// What is driven in all: the running trajectory until the departure, then `next`; with a
    /// certificate, against `problem`'s world and goals, of the whole of it, the past included: where that may no
    /// longer be valid in a world that has changed, see [`Departure::ahead`].
    ///
    /// # Errors
    /// Why the whole is not valid: what is left of the running trajectory may no longer be.
    pub fn join(
        &self,
        problem: &Problem,
        next: &Trajectory,
        options: &CertifyOptions,
    ) -> Result<(Trajectory, Certificate), Violation> {
        self.ahead(0.0, problem, next, options)
    }

    /// What is driven from `now` on, seconds since the running trajectory began: what is left of that until the
    /// departure, then `next`. It begins at time zero, which is `now`; its certificate, against `problem`'s world and
    /// goals, is of all of it, and what lies behind is not judged.
    ///
    /// # Errors
    /// Why it is not valid.
    pub fn ahead(
        &self,
        now: f64,
        problem: &Problem,
        next: &Trajectory,
        options: &CertifyOptions,
    ) -> Result<(Trajectory, Certificate), Violation> {
        let (whole, problem) = self.driven_whole(now, problem, next)?;
        let certificate = Certifier::new(&problem, *options).under_way().certify(&whole)?;
        Ok((whole, certificate))
    }

    /// The same without its proof, and the problem that it is to solve.
    pub(crate) fn driven_whole(
        &self,
        now: f64,
        problem: &Problem,
        next: &Trajectory,
    ) -> Result<(Trajectory, Problem), Violation> {
        self.validate(problem).map_err(Violation::Invalid)?;
        if next.dof() != self.running.dof() {
            return Err(Violation::Malformed {
                reason: "it has another number of outputs than what it joins",
            });
        }
        let now = now.clamp(0.0, self.from.max(0.0));
        let mut whole = self.running.cut(now, self.from);
        let is_left = !whole.is_empty();
        whole.append(next);
        // A plan from a goal to itself takes no time; the piece before it does.
        let whole = if is_left { whole.cut(0.0, whole.duration()) } else { next.clone() };
        let problem = Problem { start: self.at(problem, now), ..problem.clone() };
        Ok((whole, problem))
    }

    /// What is left of the running trajectory after the departure, with its proof, where it still leads to a goal of
    /// `here`, which is [`Departure::problem`], and is found to be valid in its world before `stop` is due.
    fn driving_on(
        &self,
        here: &Problem,
        options: &PlanOptions,
        stop: &Stop,
    ) -> Option<(Trajectory, Certificate)> {
        let running = self.running;
        // Most changes are of the goal, which is seen without any tables.
        let end = JointState::of(&here.mechanism, running, running.duration(), here.smoothness).ok()?;
        let is_there = |goal: &JointState| here.mechanism.vehicle().is_some() || is_near(goal, &end);
        if stop.is_due() || !here.goals.iter().any(is_there) {
            return None;
        }
        let rest = running.cut(self.from, running.duration());
        let certificate = Certifier::new_until(here, options.certify(), stop)?
            .asking(&options.constraints)
            .under_way()
            .certify_until(&rest, stop)
            .ok()?;
        Some((rest, certificate))
    }
}

/// Whether two states of joints may be one, to be told exactly by a certificate.
fn is_near(a: &JointState, b: &JointState) -> bool {
    let near = |(p, q): (&f64, &f64)| (p - q).abs() <= NEAR * q.abs().max(1.0);
    a.position.iter().zip(&b.position).all(near) && a.velocity.iter().zip(&b.velocity).all(near)
}

/// Plans from where `departure` leaves its trajectory, at the velocity that it has there (and the
/// acceleration, where that is part of the state), to any of the goals of `problem`, in `problem`'s
/// world; `problem`'s own start is not looked at.
///
/// Only what lies ahead of the departure is judged. Where the rest of the running trajectory still leads to a goal, and
/// is certified in this world, the answer is never longer: it is that rest where no shorter one is found, be it
/// that the budget was spent or that no plan can begin there ([`Solution::cut_short`](super::Solution::cut_short)
/// says which budget ended the search for a better one).
///
/// A robot may pass so close by an obstacle, and a vehicle lean or turn so, that no plan can begin there. Where
/// leaving at once fails, within half of the budgets, and driving on is no answer, it is tried to stay on the
/// trajectory for longer: that piece is the beginning of the answer, and certified with it. The statistics are those of
/// the plan that was found, but for the time, which is that of the whole call.
///
/// # Errors
/// As for [`plan`]; that the robot is too fast to be stopped is one of its errors.
pub fn replan(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
    departure: &Departure<'_>,
) -> Result<Solution, PlanError> {
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
    plan: &mut PlanFunction<'_>,
) -> Result<Solution, PlanError> {
    let call = Call::new(options);
    departure.validate(problem)?;
    let here = departure.problem(problem);
    sense::admit(&here, options)?;
    let running = departure.running;
    let from = departure.from.clamp(0.0, running.duration());
    let departure = Departure { running, from };
    if from >= running.duration() {
        return call.timed(plan(&here, options));
    }
    let driving_on = departure.driving_on(&here, options, &call.stop);
    let share = if driving_on.is_some() { 1.0 } else { AT_ONCE };
    let at_once = departure.plan(&here, plan, &call.part(share));
    if let Some(driving_on) = driving_on {
        return call.timed(shorter(at_once, driving_on, (problem, options)));
    }
    if !matches!(at_once, Err(PlanError::Unsupported(_) | PlanError::Budget(_) | PlanError::Cancelled(_))) {
        return call.timed(at_once);
    }
    let refused = matches!(at_once, Err(PlanError::Unsupported(_))).then_some(MOMENT);
    let stays: Vec<f64> = refused.into_iter().chain(STAYS).collect();
    let stayed = staying(&departure, problem, &here, &call, (plan, &stays))?;
    call.timed(stayed.map_or(at_once, Ok))
}

/// An answer that stays on the running trajectory for a while, if there is one.
fn staying(
    departure: &Departure<'_>,
    problem: &Problem,
    here: &Problem,
    call: &Call<'_>,
    (plan, stays): (&mut PlanFunction<'_>, &[f64]),
) -> Result<Option<Solution>, PlanError> {
    let Departure { running, from } = *departure;
    let left = running.duration() - from;
    for share in stays {
        if call.stop.is_due() {
            break;
        }
        let stay = Departure { running, from: from + share * left };
        let options = call.part((1.0 - AT_ONCE) / stays.len() as f64);
        let mut solution = match stay.plan(&stay.problem(problem), plan, &options) {
            Ok(solution) => solution,
            Err(failed @ PlanError::Backend(_)) => return Err(failed),
            Err(_) => continue,
        };
        let mut whole = running.cut(from, stay.from);
        whole.append(&solution.trajectory);
        let certifier = Certifier::new_until(here, options.certify(), &call.stop);
        let certified = certifier.map(|certifier| {
            certifier.asking(&options.constraints).under_way().certify_until(&whole, &call.stop)
        });
        if let Some(Ok(certificate)) = certified {
            solution.statistics.raw_duration += stay.from - from;
            (solution.trajectory, solution.certificate) = (whole, certificate);
            return Ok(Some(solution));
        }
    }
    Ok(None)
}

/// The shorter of a plan, if it is one, and driving on; or what costs less, where the caller has another measure.
fn shorter(
    at_once: Result<Solution, PlanError>,
    (trajectory, certificate): (Trajectory, Certificate),
    (problem, options): (&Problem, &PlanOptions),
) -> Result<Solution, PlanError> {
    let of = |trajectory: &Trajectory| options.cost.of(problem, trajectory);
    let (statistics, cut_short) = match at_once {
        Ok(solution) if of(&solution.trajectory) < of(&trajectory) => {
            return Ok(solution);
        }
        Ok(solution) => (solution.statistics, solution.cut_short),
        // Even where a backend failed, driving on is proved.
        Err(error) => (error.statistics(), error.unsolved().map(|unsolved| unsolved.budget)),
    };
    let statistics = Statistics { raw_duration: trajectory.duration(), cost: of(&trajectory), ..statistics };
    Ok(Solution { trajectory, certificate, statistics, improvements: 0, cut_short })
}

/// A call that is under way, and its budgets.
struct Call<'a> {
    options: &'a PlanOptions,
    begun: Instant,
    stop: Stop,
}

impl<'a> Call<'a> {
    fn new(options: &'a PlanOptions) -> Self {
        let begun = Instant::now();
        Self { options, begun, stop: Termination::since(options, begun).stop().clone() }
    }

    /// Options with a share of the budgets, and of the time no more than is left.
    fn part(&self, share: f64) -> PlanOptions {
        let (options, done) = (self.options, self.begun.elapsed());
        // What rounding takes beyond all durations is all of it.
        let share_of = |limit: Duration| Duration::try_from_secs_f64(limit.as_secs_f64() * share);
        let part = |limit: Duration| share_of(limit).unwrap_or(limit).min(limit.saturating_sub(done));
        PlanOptions {
            time_limit: options.time_limit.map(part),
            max_samples: (options.max_samples as f64 * share).ceil() as u64,
            improve: options.improve.map(|improve| improve.saturating_sub(done)),
            ..options.clone()
        }
    }

    /// An answer with the time of the whole call.
    fn timed(&self, mut answer: Result<Solution, PlanError>) -> Result<Solution, PlanError> {
        match &mut answer {
            Ok(Solution { statistics, .. }) => *statistics = statistics.of(self.begun.elapsed()),
            Err(PlanError::Budget(unsolved) | PlanError::Cancelled(unsolved)) => {
                unsolved.statistics = unsolved.statistics.of(self.begun.elapsed());
            }
            Err(_) => {}
        }
        answer
    }
}

//! One call: what its ends are worth, which family of motions it is for, and what comes of all its workers.

use super::drive::Drive;
use super::driver::{Finish, GRACE, PATIENCE, drive, together};
use super::fly::{Flight, Pilot};
use super::joints::Joints;
use super::lower_bound::least_duration;
use super::omnidirectional::{Rolling, guided};
use super::termination::{Improve, Race};
use super::wide::Offer;
use super::worker::{Share, Worker};
use super::{
    Budget, EndFault, FailureHint, Overrun, PlanError, PlanOptions, Solution, Statistics, Termination,
    Unstoppable, braking, sense,
};
use crate::base::Base;
use crate::certify::{Certificate, Violation};
use crate::check::{
    CheckError, Diagnosis, EdgeChecker, Meeting, Unknown, diagnose_base_until, diagnose_until,
    nearest_obstacle,
};
use crate::problem::{JointState, Problem, Smoothness, StateSample};
use crate::steer::{PathLimits, nearest_turn};
use crate::trajectory::Trajectory;
use std::time::{Duration, Instant};

/// What stood in the way is still looked for when the time is up, for so long at most: some hundred microseconds
/// are enough among a thousand obstacles.
const AFTERTHOUGHT: Duration = Duration::from_micros(300);

/// Share of its limit by which an effort at an end may exceed it by rounding: what a certificate lets pass.
const OVERLOAD: f64 = 1e-9;

/// Two states of a vehicle that differ by no more than this, rad or m and per second, are one: what a certificate lets
/// pass.
const SAME: f64 = 1e-9;

/// One call, of however many workers.
pub(super) struct PlanCall<'a> {
    problem: &'a Problem,
    options: &'a PlanOptions,
    begun: Instant,
    termination: Termination<'static>,
    race: Race,
    improve: Option<Improve>,
    /// A path that has been found already.
    offer: Option<&'a Offer>,
}

/// What all workers of a query set out with.
pub(super) struct QueryTask<'a> {
    /// The goals that are valid.
    goals: Vec<&'a JointState>,
    /// What is to be flown, by a quadrotor.
    flight: Option<Flight<'a>>,
    /// The motion of a vehicle whose start is one of them, with its proof: there is nothing to do.
    instant: Option<(Trajectory, Certificate)>,
    /// The options of an omnidirectional base, whose samples are guided.
    guided: Option<PlanOptions>,
}

impl<'a> PlanCall<'a> {
    /// A call that began a while ago. Limits are those of [`Problem::admitted`].
    pub(super) fn new(problem: &'a Problem, options: &'a PlanOptions, begun: Instant) -> Self {
        let alone = options.searches <= 1 && options.improve.is_none();
        Self {
            problem,
            options,
            begun,
            termination: Termination::since(options, begun),
            race: if alone { Race::new(1, 0) } else { Race::new(PATIENCE, GRACE) },
            improve: Improve::new(options, begun),
            offer: None,
        }
    }

    /// The same, with a path that has been found already, if there is one.
    pub(super) fn offered(self, offer: Option<&'a Offer>) -> Self {
        Self { offer, ..self }
    }

    /// Plans with one worker.
    pub(super) fn alone(&self, checker: &mut dyn EdgeChecker) -> Result<Solution, PlanError> {
        let mut worker = self.worker(checker, Share { number: 0, of: 1 });
        let task = self.task(&mut worker)?;
        self.settle(vec![self.run(worker, &task)?])
    }

    pub(super) fn worker<'l>(&'l self, checker: &'l mut dyn EdgeChecker, share: Share) -> Worker<'l> {
        Worker::new(self.problem, checker, self.options, share, self.termination.stop())
    }

    /// What there is to search for.
    ///
    /// # Errors
    /// When there is nothing, for the ends or for want of time to look at them.
    pub(super) fn task(&self, worker: &mut Worker<'_>) -> Result<QueryTask<'a>, PlanError> {
        let goals = self.valid_goals(worker)?;
        if let Some(instant) = self.instant(worker, &goals) {
            return Ok(QueryTask { goals, flight: None, guided: None, instant: Some(instant) });
        }
        let flight = Flight::of(self.problem, &goals, worker.local.checker(), self.termination.stop());
        match self.termination.interrupted() {
            // What was not looked at to its end tells nothing.
            Some(budget) => Err(self.exhausted(budget)),
            None => {
                let guided = guided(self.problem, self.options, self.termination.stop());
                Ok(QueryTask { flight: flight?, guided, goals, instant: None })
            }
        }
    }

    /// The motion of no length of a vehicle whose start is a goal, at rest or in motion. Of joints their own family
    /// finds it.
    fn instant(&self, worker: &mut Worker<'_>, goals: &[&JointState]) -> Option<(Trajectory, Certificate)> {
        let Problem { mechanism, start, .. } = self.problem;
        let base = mechanism.vehicle()?;
        if !goals.iter().any(|goal| is_same(base, start, goal)) {
            return None;
        }
        let trajectory = match (base, PathLimits::of(mechanism)) {
            (Base::Omnidirectional(_), _) => at_this_velocity(start),
            (_, Some(limits)) => super::drive::instant(&limits, start),
            (_, None) => super::fly::instant(base, start)?,
        };
        let certificate = worker.certify(&trajectory, &self.termination)?;
        Some((trajectory, certificate))
    }

    /// A worker's share of the work, by the family of the problem.
    pub(super) fn run<'l>(
        &'l self,
        mut worker: Worker<'l>,
        task: &'l QueryTask<'l>,
    ) -> Result<Finish, CheckError> {
        let QueryTask { goals, flight, guided, instant } = task;
        let (termination, race, improve) = (&self.termination, &self.race, self.improve);
        if let Some((trajectory, certificate)) = instant {
            return Ok(Finish::at_once(worker, trajectory.clone(), certificate.clone()));
        }
        if let Some(flight) = flight {
            return drive(Pilot::new(flight, worker), termination, race, improve);
        }
        worker.options = guided.as_ref().unwrap_or(worker.options);
        let mechanism = &self.problem.mechanism;
        match (PathLimits::of(mechanism), mechanism.vehicle()) {
            (Some(limits), Some(Base::Omnidirectional(base))) => {
                let rolling = Rolling::new(worker, limits, base, goals).offered(self.offer);
                drive(rolling, termination, race, improve)
            }
            (Some(limits), _) => drive(Drive::new(worker, limits, goals), termination, race, improve),
            (None, _) => drive(Joints::new(worker, goals).offered(self.offer), termination, race, improve),
        }
    }

    /// The call ends without an answer, for want of a budget.
    fn exhausted(&self, budget: Budget) -> PlanError {
        PlanError::spent(budget, Statistics::default().of(self.begun.elapsed()), None)
    }

    /// The goals that are valid.
    fn valid_goals(&self, worker: &mut Worker<'_>) -> Result<Vec<&'a JointState>, PlanError> {
        if let Some(why) = self.problem.gravity_fault() {
            return Err(PlanError::Unsupported(why));
        }
        let started = Instant::now();
        worker.local.checker().set_padding(0.0);
        let Problem { start, goals, .. } = self.problem;
        let ends: Vec<&JointState> = goals.iter().chain([start]).collect();
        let mut valid = worker.are_valid(&ends)?;
        worker.statistics.plan += started.elapsed();
        let is_start_valid = valid.pop() == Some(true);
        self.check_start(is_start_valid)?;
        self.sound_goals(&valid)
    }

    /// What is wrong with a state that the checker finds valid or not. A fast backend and the oracle may differ by
    /// rounding at the very boundary: the oracle decides.
    fn fault(&self, state: &JointState, is_valid: bool) -> Result<Option<Diagnosis>, PlanError> {
        match is_valid {
            true => Ok(sense::out_of_bounds(self.problem, state)
                .or_else(|| sense::beyond_controls(self.problem, state))),
            false => self.known(diagnose_until(self.problem, state, self.termination.stop())),
        }
    }

    /// What was found out, unless there was no time for it.
    fn known<T>(&self, found: Result<T, Unknown>) -> Result<T, PlanError> {
        found.map_err(|Unknown| self.exhausted(self.termination.interrupted().unwrap_or(Budget::Time)))
    }

    /// What a state lacks of what the options ask for beside validity.
    fn own_fault(&self, state: &JointState) -> Option<EndFault> {
        let PlanOptions { clearance, constraints, .. } = self.options;
        let nearest = (*clearance > 0.0).then(|| nearest_obstacle(self.problem, &state.position)).flatten();
        if let Some(Meeting { link, obstacle, distance }) = nearest.filter(|near| near.distance < *clearance)
        {
            return Some(EndFault::TooNear { link, obstacle, distance, clearance: *clearance });
        }
        let JointState { position, velocity, acceleration } = state;
        let still = vec![0.0; position.len()];
        let acceleration = match self.problem.smoothness {
            Smoothness::Acceleration => &still,
            Smoothness::Jerk => acceleration,
        };
        let sample = StateSample::new(&self.problem.mechanism, position, velocity, acceleration);
        let margins = constraints.iter().map(|constraint| (constraint, constraint.margin(&sample)));
        let (constraint, margin) = margins.into_iter().find(|(_, margin)| *margin < 0.0)?;
        Some(EndFault::Constraint { name: constraint.name().to_owned(), margin })
    }

    fn check_start(&self, is_valid: bool) -> Result<(), PlanError> {
        let start = &self.problem.start;
        let standing = self.known(diagnose_base_until(self.problem, self.termination.stop()))?;
        let fault = match standing {
            Some(why) => Some(why),
            None => self.fault(start, is_valid)?,
        };
        let own = || self.own_fault(start);
        let fault = fault
            .map(EndFault::Invalid)
            .or_else(own)
            .or_else(|| self.problem.overload(start, OVERLOAD).map(EndFault::Unheld))
            .or_else(|| Overrun::after(self.problem, start).map(EndFault::TooFast))
            .or_else(|| Unstoppable::after(self.problem, start).map(EndFault::Unstoppable));
        fault.map_or(Ok(()), |why| Err(PlanError::Start(why)))
    }

    /// Those goals that a trajectory can end at; `valid` tells which the checker finds valid. Where there is none, it
    /// is told what is wrong with the first of those that came farthest.
    fn sound_goals(&self, valid: &[bool]) -> Result<Vec<&'a JointState>, PlanError> {
        let mut sound: Vec<&JointState> = Vec::new();
        let mut faults = Vec::new();
        for (goal, &is_valid) in self.problem.goals.iter().zip(valid) {
            match self.fault(goal, is_valid)? {
                Some(why) => faults.push(EndFault::Invalid(why)),
                None => sound.push(goal),
            }
        }
        keep(&mut sound, &mut faults, |goal| self.own_fault(goal));
        keep(&mut sound, &mut faults, |goal| self.problem.overload(goal, OVERLOAD).map(EndFault::Unheld));
        keep(&mut sound, &mut faults, |goal| Overrun::before(self.problem, goal).map(EndFault::TooFast));
        keep(&mut sound, &mut faults, |goal| {
            Unstoppable::before(self.problem, goal).map(EndFault::Unstoppable)
        });
        match faults.into_iter().next() {
            Some(why) if sound.is_empty() => Err(PlanError::Goal(why)),
            _ => Ok(sound),
        }
    }

    /// The answer that all workers together give: the best of those that count, of equals that of the first.
    pub(super) fn settle(&self, mut workers: Vec<Finish>) -> Result<Solution, PlanError> {
        let statistics = together(&workers);
        let cost = |finish: &Finish| match &finish.best {
            Ok(best) if self.race.counts(best.samples) => Some(best.answer.cost),
            _ => None,
        };
        let costs = workers.iter().map(cost).enumerate();
        let best = costs.filter_map(|(i, cost)| Some((i, cost?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let Finish { best, violation, gap, .. } = workers.swap_remove(best.map_or(0, |(i, _)| i));
        match best {
            Ok(best) => {
                let least_duration = least_duration(self.problem);
                let least_cost = self.options.cost.least(self.problem, least_duration);
                let statistics = Statistics { least_duration, least_cost, ..statistics };
                let cut_short = self.termination.interrupted();
                Ok(best.solution(statistics.of(self.begun.elapsed()), cut_short))
            }
            Err(budget) => {
                // That there was no time for a proof says nothing of the answer.
                let violation =
                    violation.filter(|violation| !matches!(violation, Violation::OutOfTime { .. }));
                let uncertified = violation.map(FailureHint::Uncertified);
                let stop = self.termination.afterthought(budget, AFTERTHOUGHT);
                let braking = || braking::hint(self.problem, stop.as_ref()?);
                let apart =
                    || Some(FailureHint::Apart(Box::new(gap?.explained(self.problem, stop.as_ref()?))));
                let hint = uncertified.or_else(braking).or_else(apart);
                Err(PlanError::spent(budget, statistics.of(self.begun.elapsed()), hint))
            }
        }
    }
}

/// Whether two states of a vehicle are one, but for whole turns: as far as states tell, to be told exactly by a
/// certificate.
fn is_same(base: &Base, a: &JointState, b: &JointState) -> bool {
    let coordinates = base.coordinates();
    let is_near = |a: f64, b: f64| (a - b).abs() <= SAME * b.abs().max(1.0);
    let stands_at = |(i, (&p, &q)): (usize, (&f64, &f64))| match coordinates.get(i) {
        Some(coordinate) if coordinate.turns => nearest_turn(p - q).abs() <= SAME,
        _ => is_near(p, q),
    };
    a.position.iter().zip(&b.position).enumerate().all(stands_at)
        && a.velocity.iter().zip(&b.velocity).all(|(&p, &q)| is_near(p, q))
}

/// The motion of no length that is in a state whose coordinates are its outputs.
fn at_this_velocity(state: &JointState) -> Trajectory {
    let mut trajectory = Trajectory::new(state.position.len(), 1);
    let lines: Vec<[f64; 2]> = state.position.iter().zip(&state.velocity).map(|(&p, &v)| [p, v]).collect();
    trajectory.push(0.0, lines.as_flattened());
    trajectory
}

/// Keeps the goals in which `fault` finds none. If there is none left, its faults are what is to be told.
fn keep(
    goals: &mut Vec<&JointState>,
    faults: &mut Vec<EndFault>,
    fault: impl Fn(&JointState) -> Option<EndFault>,
) {
    let (mut kept, mut found) = (Vec::new(), Vec::new());
    for &goal in &*goals {
        match fault(goal) {
            Some(why) => found.push(why),
            None => kept.push(goal),
        }
    }
    if kept.is_empty() && !found.is_empty() {
        *faults = found;
    }
    *goals = kept;
}

//! Planners: search for a path, refine it, certify it. Nothing uncertified is ever returned.
//! Imports `refine`, `certify`, `search`, the checker's trait, and what lies below them; never a
//! backend by name.

mod batch;
mod braking;
mod drive;
mod fly;
mod gap;
mod lane;
mod options;
mod outcome;
mod portfolio;
mod replan;
mod rrt_connect;
mod sense;
mod termination;

pub use batch::{Task, plan_batch};
pub use braking::Overrun;
pub use fly::Attitude;
pub use gap::Gap;
pub use options::{MAX_BATCH, PlanOptions, Quality};
pub use outcome::{Budget, Hindrance, Outcome, Solution, Statistics};
pub use replan::{Departure, Planner, replan, replan_by};
pub use rrt_connect::{RrtConnect, Searched};
pub use termination::Termination;

use crate::certify::Violation;
use crate::check::threads::{MAX_THREADS, start};
use crate::check::{CheckError, EdgeChecker, Fault, Unknown, diagnose_base_until, diagnose_until};
use crate::problem::{FlatState, Overload, Problem};
use crate::steer::CourseLimits;
use crate::stop::Stop;
use drive::Driver;
use fly::Flight;
use lane::{Finish, GRACE, Lane, PATIENCE, Share, together};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use termination::{Improve, Race};

/// What stood in the way is still looked for when the time is up, for so long at most: some hundred microseconds
/// are enough among a thousand obstacles.
const AFTERTHOUGHT: Duration = Duration::from_micros(300);

/// Plans a trajectory from the start of `problem` to any of its goals, checking edges by `checker`.
///
/// The trajectory is within all limits and free of collision at every instant, by certificate. The
/// same seed, backend and options give the same trajectory, as long as neither the time limit nor a
/// time to improve in binds.
///
/// Limits are those of [`Problem::admitted`]: a start or goal may lie beyond them by rounding.
///
/// # Errors
/// When the checking backend fails; that no plan was found, or that the problem or the options make no sense, is an
/// [`Outcome`].
pub fn plan(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Outcome, CheckError> {
    plan_since(Instant::now(), problem, checker, options)
}

/// The same, for a call that began a while ago.
fn plan_since(
    begun: Instant,
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Outcome, CheckError> {
    if let Err(why) = sense::admit(problem, options) {
        return Ok(Outcome::Invalid { why });
    }
    let problem = &*problem.admitted();
    let outcome = Query::new(problem, options, begun).alone(checker);
    checker.set_stop(&Stop::NEVER);
    outcome
}

/// Plans one query on `threads` threads (at least one, and no more than [`MAX_THREADS`]), each of which searches by
/// itself, from seeds of its own; `checker` makes a thread's checker, on that thread. Where no thread can be started,
/// the query is one on fewer ([`crate::check::threads::take_warning`]).
///
/// With one search asked for ([`PlanOptions::searches`]), the answer is that of the thread whose search
/// drew the fewest samples; with more, the shortest of all threads' that took not much longer to find.
/// Samples are counted, not microseconds: the same seed, backend, options *and number of threads* give
/// the same trajectory, under the same proviso as for [`plan`], and one thread gives what [`plan`] gives.
///
/// # Errors
/// As for [`plan`].
///
/// # Panics
/// If `checker` panics.
pub fn plan_on_threads(
    problem: &Problem,
    checker: impl Fn() -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    options: &PlanOptions,
    threads: usize,
) -> Result<Outcome, CheckError> {
    let begun = Instant::now();
    if let Err(why) = sense::admit(problem, options) {
        return Ok(Outcome::Invalid { why });
    }
    let problem = &*problem.admitted();
    let query = Query::new(problem, options, begun);
    let mut own = checker()?;
    let mut first = query.lane(&mut *own, Share { number: 0, of: 1 });
    let goals = match query.valid_goals(&mut first)? {
        Ok(goals) => goals,
        Err(outcome) => return Ok(outcome),
    };
    let flight = match query.flight(&mut first, &goals)? {
        Ok(flight) => flight,
        Err(outcome) => return Ok(outcome),
    };
    let flight = flight.as_ref();
    // How many they are is known only when they have been started.
    let of = OnceLock::new();
    let run = |number| {
        let of = *of.wait();
        let mut checker = checker()?;
        query.run(query.lane(&mut *checker, Share { number, of }), &goals, flight)
    };
    let run = &run;
    let finished = std::thread::scope(|scope| {
        let wanted = threads.clamp(1, MAX_THREADS);
        let others: Vec<_> = (1..wanted).map_while(|number| start(scope, move || run(number))).collect();
        first.share.of = *of.get_or_init(|| others.len() + 1);
        let mut finished = vec![query.run(first, &goals, flight)];
        for other in others {
            finished.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        finished
    });
    Ok(query.settle(finished.into_iter().collect::<Result<_, _>>()?))
}

/// Share of its limit by which an effort at an end may exceed it by rounding: what a certificate lets pass.
const OVERLOAD: f64 = 1e-9;

/// One call, of however many lanes.
struct Query<'a> {
    problem: &'a Problem,
    options: &'a PlanOptions,
    begun: Instant,
    termination: Termination<'static>,
    race: Race,
    improve: Option<Improve>,
}

impl<'a> Query<'a> {
    fn new(problem: &'a Problem, options: &'a PlanOptions, begun: Instant) -> Self {
        let alone = options.searches <= 1 && options.improve.is_none();
        Self {
            problem,
            options,
            begun,
            termination: Termination::since(options, begun),
            race: if alone { Race::new(1, 0) } else { Race::new(PATIENCE, GRACE) },
            improve: Improve::new(options, begun),
        }
    }

    /// Plans with one lane.
    fn alone(&self, checker: &mut dyn EdgeChecker) -> Result<Outcome, CheckError> {
        let mut lane = self.lane(checker, Share { number: 0, of: 1 });
        let goals = match self.valid_goals(&mut lane)? {
            Ok(goals) => goals,
            Err(outcome) => return Ok(outcome),
        };
        let flight = match self.flight(&mut lane, &goals)? {
            Ok(flight) => flight,
            Err(outcome) => return Ok(outcome),
        };
        Ok(self.settle(vec![self.run(lane, &goals, flight.as_ref())?]))
    }

    fn lane<'l>(&'l self, checker: &'l mut dyn EdgeChecker, share: Share) -> Lane<'l> {
        Lane::new(self.problem, checker, self.options, share, self.termination.stop())
    }

    /// The call ends without an answer, for want of a budget.
    fn exhausted(&self, budget: Budget) -> Outcome {
        let statistics = Statistics::default().of(self.begun.elapsed());
        Outcome::Exhausted { budget, statistics, hindrance: None }
    }

    /// What is to be flown, if anything is, or why there is nothing to search for.
    fn flight<'f>(
        &'f self,
        lane: &mut Lane<'_>,
        goals: &[&FlatState],
    ) -> Result<Result<Option<Flight<'f>>, Outcome>, CheckError> {
        let flight = Flight::of(self.problem, goals, lane.local.checker(), self.termination.stop())?;
        // What was not looked at to its end tells nothing.
        Ok(match self.termination.interrupted() {
            Some(budget) => Err(self.exhausted(budget)),
            None => flight,
        })
    }

    /// The goals that are valid, or why there is nothing to search for.
    fn valid_goals(&self, lane: &mut Lane<'_>) -> Result<Result<Vec<&'a FlatState>, Outcome>, CheckError> {
        if let Some(why) = self.problem.gravity_fault() {
            return Ok(Err(Outcome::Unsupported { why }));
        }
        let started = Instant::now();
        lane.local.checker().set_padding(0.0);
        let Problem { start, goals, .. } = self.problem;
        let ends: Vec<&FlatState> = goals.iter().chain([start]).collect();
        let valid = lane.are_valid(&ends)?;
        lane.statistics.plan += started.elapsed();
        Ok(match self.judged(valid) {
            Ok(judged) => judged,
            Err(Unknown) => Err(self.exhausted(self.termination.interrupted().unwrap_or(Budget::Time))),
        })
    }

    /// What the ends are worth, by what the checker says of all goals and then the start.
    ///
    /// # Errors
    /// When there is no time to find out.
    fn judged(&self, mut valid: Vec<bool>) -> Result<Result<Vec<&'a FlatState>, Outcome>, Unknown> {
        let Problem { start, goals, .. } = self.problem;
        let stop = self.termination.stop();
        if let Some(why) = diagnose_base_until(self.problem, stop)? {
            return Ok(Err(Outcome::StartInvalid { why }));
        }
        // A fast backend and the oracle may differ by rounding at the very boundary: the oracle decides.
        let fault = |state: &FlatState, valid: bool| match valid {
            true => Ok(sense::out_of_bounds(self.problem, state)),
            false => diagnose_until(self.problem, state, stop),
        };
        if let Some(why) = fault(start, valid.pop() == Some(true))? {
            return Ok(Err(Outcome::StartInvalid { why }));
        }
        if let Some(why) = self.problem.overload(start, OVERLOAD) {
            return Ok(Err(Outcome::StartUnheld { why }));
        }
        if let Some(why) = Overrun::after(self.problem, start) {
            return Ok(Err(Outcome::StartDoomed { why }));
        }
        let faults: Vec<Option<Fault>> =
            goals.iter().zip(valid).map(|(goal, valid)| fault(goal, valid)).collect::<Result<_, _>>()?;
        let sound: Vec<_> = goals.iter().zip(&faults).filter(|(_, f)| f.is_none()).map(|(g, _)| g).collect();
        if let (Some(why), true) = (faults.into_iter().flatten().next(), sound.is_empty()) {
            return Ok(Err(Outcome::GoalInvalid { why }));
        }
        let sound = match self.held(sound) {
            Ok(held) => held,
            Err(why) => return Ok(Err(Outcome::GoalUnheld { why })),
        };
        let overruns: Vec<_> = sound.iter().map(|goal| Overrun::before(self.problem, goal)).collect();
        let within = |overrun: &Option<Overrun>| overrun.is_none();
        let reachable: Vec<_> =
            sound.into_iter().zip(&overruns).filter(|(_, o)| within(o)).map(|(g, _)| g).collect();
        match overruns.into_iter().flatten().next() {
            Some(why) if reachable.is_empty() => Ok(Err(Outcome::GoalOutOfReach { why })),
            _ => Ok(Ok(reachable)),
        }
    }

    /// Those goals whose efforts the joints have, or what there is not enough of at the first if there are
    /// none.
    fn held(&self, goals: Vec<&'a FlatState>) -> Result<Vec<&'a FlatState>, Overload> {
        let (mut held, mut first) = (Vec::new(), None);
        for goal in goals {
            match self.problem.overload(goal, OVERLOAD) {
                None => held.push(goal),
                Some(why) => first = first.or(Some(why)),
            }
        }
        first.filter(|_| held.is_empty()).map_or(Ok(held), Err)
    }

    fn run(
        &self,
        lane: Lane<'_>,
        goals: &[&FlatState],
        flight: Option<&Flight<'_>>,
    ) -> Result<Finish, CheckError> {
        if let Some(flight) = flight {
            return flight.run(lane, &self.termination, &self.race, self.improve);
        }
        match CourseLimits::of(&self.problem.mechanism) {
            Some(limits) => Driver::new(lane, limits).run(goals, &self.termination, &self.race, self.improve),
            None => lane.run(goals, &self.termination, &self.race, self.improve),
        }
    }

    /// The answer that all lanes together give: the shortest of those that count, of equals that of the
    /// first lane.
    fn settle(&self, mut lanes: Vec<Finish>) -> Outcome {
        let statistics = together(&lanes);
        let counts = |samples| self.race.counts(samples);
        let length = |lane: &Finish| match &lane.answer {
            Ok((answer, samples)) if counts(*samples) => Some(answer.trajectory.duration()),
            _ => None,
        };
        let lengths = lanes.iter().map(length).enumerate();
        let best = lengths.filter_map(|(i, length)| Some((i, length?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let index = best.map_or(0, |(i, _)| i);
        let Finish { answer, violation, gap, .. } = lanes.swap_remove(index);
        match answer {
            Ok((answer, _)) => {
                let cut_short = self.termination.interrupted();
                let statistics = statistics.of(self.begun.elapsed());
                Outcome::Solved(Box::new(answer.solution(statistics, cut_short)))
            }
            Err(budget) => {
                // That there was no time for a proof says nothing of the answer.
                let violation =
                    violation.filter(|violation| !matches!(violation, Violation::OutOfTime { .. }));
                let uncertified = violation.map(Hindrance::Uncertified);
                let stop = self.termination.afterthought(budget, AFTERTHOUGHT);
                let braking = || braking::hindrance(self.problem, stop.as_ref()?);
                let apart = || Some(Hindrance::Apart(Box::new(gap?.explained(self.problem, stop.as_ref()?))));
                let hindrance = uncertified.or_else(braking).or_else(apart);
                Outcome::Exhausted { budget, statistics: statistics.of(self.begun.elapsed()), hindrance }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Base, Point};
    use crate::check::Backend;
    use crate::check::threads::tests::with_threads;
    use crate::pose::Pose;
    use crate::problem::{GRAVITY, Smoothness};
    use crate::robot::{JointLimits, Mechanism, Robot, Sphere};
    use crate::world::World;
    use glam::DVec3;

    /// A ball in a square, from one corner to the other.
    fn problem() -> Problem {
        let base = Base::Point(Point { dimensions: 2, velocity: 1.0, acceleration: 2.0 });
        let limits =
            JointLimits { lower: -1.0, upper: 1.0, velocity: 1.0, acceleration: 2.0, ..JointLimits::NONE };
        let ball = Sphere { center: DVec3::ZERO, radius: 0.1 };
        let robot = Robot::of_spheres("ball", vec![ball]).on_base(base, &[limits; 2], Vec::new());
        let mechanism = Mechanism::new(&robot, &[0, 1], &[0.0; 2], Pose::IDENTITY).unwrap();
        Problem {
            mechanism,
            world: World::default(),
            start: FlatState::at_rest(vec![-1.0; 2]),
            goals: vec![FlatState::at_rest(vec![1.0; 2])],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        }
    }

    fn duration(outcome: &Outcome) -> f64 {
        match outcome {
            Outcome::Solved(solution) => solution.trajectory.duration(),
            failure => panic!("{failure}"),
        }
    }

    /// Where threads run out, a query is one on fewer, and of a batch nothing is left undone.
    #[test]
    fn fewer_threads_do_the_work() {
        let problem = problem();
        let options = PlanOptions { searches: 4, ..PlanOptions::default() };
        let checker = || Backend::Simd.checker(&problem, options.resolution);
        let on = |threads| plan_on_threads(&problem, checker, &options, threads).unwrap();
        let whole = |outcome: Outcome| match outcome {
            Outcome::Solved(solution) => (solution.trajectory, solution.statistics.searches),
            failure => panic!("{failure}"),
        };
        for left in 0..3 {
            let few = with_threads(left, || on(8));
            assert_eq!(whole(few), whole(on(left + 1)), "{left}");
        }
        let task = Task { problem: &problem, options: &options };
        let all = with_threads(1, || plan_batch(&[task; 9], |_| checker(), 4, |_, _| {}));
        assert!(all.len() == 9 && all.iter().all(|outcome| duration(outcome.as_ref().unwrap()) > 2.0));
        assert!(crate::check::threads::take_warning().is_some());
    }

    /// A start or goal beyond a limit by rounding is admitted, by more told.
    #[test]
    fn ends_are_admitted_by_one_slack() {
        let planned = |change: &dyn Fn(&mut Problem)| {
            let mut problem = problem();
            change(&mut problem);
            let mut checker = Backend::Simd.checker(&problem, 0.1).unwrap();
            let options = PlanOptions { max_samples: 2000, ..PlanOptions::default() };
            (plan(&problem, &mut *checker, &options).unwrap(), problem)
        };
        // The way between the bounds is 2 m.
        let most = 2.0 * crate::robot::END_SLACK;
        for beyond in [1e-12, 1e-9, 0.9 * most] {
            let (outcome, problem) = planned(&|p: &mut Problem| {
                p.start.position[0] = -1.0 - beyond;
                p.goals[0].position[1] = 1.0 + beyond;
            });
            let Outcome::Solved(solution) = outcome else { panic!("{beyond}: {outcome}") };
            let certified = crate::certify::certify(&problem, &solution.trajectory, &Default::default());
            assert!(certified.is_ok(), "{certified:?}");
            // Nothing else is admitted: the limit has moved to the end, and no farther.
            let peak = solution.certificate.peaks[0].position;
            assert!(peak.value >= -1.0 - beyond && peak.value <= 1.0 + beyond);
        }
        let (outcome, _) = planned(&|p: &mut Problem| p.start.position[0] = -1.0 - 1.1 * most);
        assert!(matches!(&outcome, Outcome::StartInvalid { why } if why.subject == "x"), "{outcome}");
        // A goal at rest beyond a bound is not "too fast".
        let (outcome, _) = planned(&|p: &mut Problem| p.goals[0].position[1] = 1.0 + 1.1 * most);
        assert!(matches!(&outcome, Outcome::GoalInvalid { why } if why.subject == "y"), "{outcome}");
        let moving = |by: f64| {
            planned(&move |p: &mut Problem| {
                p.start.position[0] = 0.0;
                p.start.velocity[0] = 1.0 + by;
            })
            .0
        };
        assert!(matches!(moving(0.9 * crate::robot::END_SLACK), Outcome::Solved(_)));
        let outcome = moving(2.0 * crate::robot::END_SLACK);
        assert!(matches!(&outcome, Outcome::StartInvalid { why } if why.bounds == (-1.0, 1.0)), "{outcome}");
    }
}

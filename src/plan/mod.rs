//! Planners: search for a path, refine it, certify it. Nothing uncertified is ever returned.
//! Imports `refine`, `certify`, `search`, the checker's trait, and what lies below them; never a
//! backend by name.
//!
//! A query (`query`) looks at its ends and hands each of its workers (`worker`) to the driver (`driver`), which finds a first
//! answer and then better ones. What differs between robots is a family of motions: arms and points (`joints`),
//! omnidirectional bases (`omnidirectional`), nonholonomic bases (`drive`), quadrotors (`fly`).

mod aorrtc;
mod batch;
mod braking;
mod callbacks;
mod cost;
mod drive;
mod driver;
mod error;
mod fly;
mod gap;
mod grown;
mod joints;
mod lower_bound;
mod omnidirectional;
mod options;
mod overrun;
mod portfolio;
mod query;
mod replan;
mod rrt_connect;
pub mod rrt_star;
mod sense;
mod solution;
mod stopping;
mod termination;
mod wide;
mod worker;

pub use batch::{
    BatchChoice, Task, TrialSettings, any_for_device, plan_batch, plan_batch_by_trial, plan_batch_wide,
};
pub use callbacks::{Observer, Progress, Sampling};
pub use cost::Cost;
pub use error::{EndFault, FailureHint, PlanError, Unsolved};
pub use fly::Attitude;
pub use gap::Gap;
pub use options::{Algorithm, MAX_BATCH, PlanOptions, Quality};
pub use overrun::Overrun;
pub use replan::{Departure, PlanFunction, replan, replan_by};
use rrt_connect::RrtConnect;
pub use solution::{Budget, Solution, Statistics};
pub use stopping::Unstoppable;
use termination::{Halt, Termination};

use crate::threads::{MAX_THREADS, start};
use crate::check::{CheckError, ConstrainedChecker, EdgeChecker};
use crate::problem::Problem;
use crate::stop::Stop;
use driver::Finish;
use query::PlanCall;
use wide::Offer;
use std::sync::OnceLock;
use std::time::Instant;
use worker::Share;

/// Plans a trajectory from the start of `problem` to any of its goals, checking edges by `checker`.
///
/// The trajectory is within all limits and free of collision at every instant, by certificate. The
/// same seed, backend and options give the same trajectory, as long as neither the time limit nor a
/// time to improve in binds.
///
/// Limits are those of [`Problem::admitted`]: a start or goal may lie beyond them by rounding.
///
/// # Errors
/// Why there is no answer.
pub fn plan(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Solution, PlanError> {
    plan_since(Instant::now(), problem, checker, options)
}

/// The same, for a call that began a while ago: with the making of its checker, say.
///
/// # Errors
/// As for [`plan`].
pub(crate) fn plan_since(
    begun: Instant,
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Solution, PlanError> {
    plan_offered(begun, problem, checker, options, None)
}

/// The same, with a path that has been found already.
fn plan_offered(
    begun: Instant,
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
    offer: Option<&Offer>,
) -> Result<Solution, PlanError> {
    sense::admit(problem, options)?;
    let given = problem.goals.len();
    let problem = &*problem.admitted();
    let problem = &*problem.unwound();
    let answer = constrained(problem, options, checker, |checker| {
        PlanCall::new(problem, options, begun).offered(offer).alone(checker)
    });
    checker.set_stop(&Stop::NEVER);
    checker.set_clearance(0.0);
    of_goals(given, answer)
}

/// An answer whose goal is one of so many that were given: those that follow them are the same, turned by whole turns
/// ([`Problem::unwound`]).
fn of_goals(given: usize, mut answer: Result<Solution, PlanError>) -> Result<Solution, PlanError> {
    if let Ok(solution) = &mut answer {
        solution.certificate.goal %= given;
    }
    answer
}

/// What workers came to: of all, or where a backend failed some, of the others if one of them has an answer.
fn all_or_answered(finished: Vec<Result<Finish, CheckError>>) -> Result<Vec<Finish>, CheckError> {
    let is_answered = |finish: &Result<Finish, CheckError>| finish.as_ref().is_ok_and(|f| f.best.is_ok());
    if finished.iter().any(is_answered) {
        return Ok(finished.into_iter().flatten().collect());
    }
    finished.into_iter().collect()
}

/// Does a piece of work with a checker that asks the caller's own constraints too, where there are any.
fn constrained<T>(
    problem: &Problem,
    options: &PlanOptions,
    checker: &mut dyn EdgeChecker,
    work: impl FnOnce(&mut dyn EdgeChecker) -> T,
) -> T {
    match &options.constraints[..] {
        [] => work(checker),
        constraints => {
            let spacing = options.spacing(problem);
            work(&mut ConstrainedChecker::new(checker, problem, constraints, spacing))
        }
    }
}

/// Plans one query on `threads` threads (at least one, and no more than [`MAX_THREADS`]), each of which searches by
/// itself, from seeds of its own; `checker` makes a thread's checker, on that thread. Where no thread can be started,
/// the query is one on fewer ([`crate::threads::take_warning`]).
///
/// With one search asked for ([`PlanOptions::searches`]), the answer is that of the thread whose search
/// drew the fewest samples; with more, the shortest of all threads' that took not much longer to find.
/// Samples are counted, not microseconds: the same seed, backend, options *and number of threads* give
/// the same trajectory, under the same proviso as for [`plan`], and one thread gives what [`plan`] gives.
///
/// # Errors
/// As for [`plan`]; a backend that fails some threads takes nothing from the answer of another.
///
/// # Panics
/// If `checker` panics.
pub fn plan_on_threads(
    problem: &Problem,
    checker: impl Fn() -> Result<Box<dyn EdgeChecker>, CheckError> + Sync,
    options: &PlanOptions,
    threads: usize,
) -> Result<Solution, PlanError> {
    let begun = Instant::now();
    sense::admit(problem, options)?;
    let given = problem.goals.len();
    let problem = &*problem.admitted();
    let problem = &*problem.unwound();
    let query = PlanCall::new(problem, options, begun);
    let mut own = checker()?;
    let answer = constrained(problem, options, &mut *own, |own| {
        let mut first = query.worker(own, Share { number: 0, of: 1 });
        let task = &query.task(&mut first)?;
        // How many they are is known only when they have been started.
        let of = OnceLock::new();
        let run = |number| {
            let share = Share { number, of: *of.wait() };
            constrained(problem, options, &mut *checker()?, |own| query.run(query.worker(own, share), task))
        };
        let run = &run;
        let finished = std::thread::scope(|scope| {
            let wanted = threads.clamp(1, MAX_THREADS);
            let others: Vec<_> = (1..wanted).map_while(|number| start(scope, move || run(number))).collect();
            first.share.of = *of.get_or_init(|| others.len() + 1);
            let mut finished = vec![query.run(first, task)];
            for other in others {
                finished.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            finished
        });
        query.settle(all_or_answered(finished)?)
    });
    of_goals(given, answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Base, Point};
    use crate::check::Backend;
    use crate::threads::tests::with_threads;
    use crate::pose::Pose;
    use crate::problem::{GRAVITY, JointState, Smoothness};
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
            start: JointState::at_rest(vec![-1.0; 2]),
            goals: vec![JointState::at_rest(vec![1.0; 2])],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        }
    }

    /// Where threads run out, a query is one on fewer, and of a batch nothing is left undone.
    #[test]
    fn fewer_threads_do_the_work() {
        let problem = problem();
        let options = PlanOptions { searches: 4, ..PlanOptions::default() };
        let checker = || Backend::Simd.checker(&problem, options.resolution);
        let on = |threads| {
            let solution = plan_on_threads(&problem, checker, &options, threads).unwrap();
            (solution.trajectory, solution.statistics.searches)
        };
        for left in 0..3 {
            assert_eq!(with_threads(left, || on(8)), on(left + 1), "{left}");
        }
        let task = Task { problem: &problem, options: &options };
        let all = with_threads(1, || plan_batch(&[task; 9], |_| checker(), 4, |_, _| {}));
        assert_eq!(all.len(), 9);
        assert!(all.into_iter().all(|answer| answer.unwrap().trajectory.duration() > 2.0));
        assert!(crate::threads::take_warning().is_some());
    }

    /// A start or goal beyond a limit by rounding is admitted, by more told.
    #[test]
    fn ends_are_admitted_by_one_slack() {
        let planned = |change: &dyn Fn(&mut Problem)| {
            let mut problem = problem();
            change(&mut problem);
            let mut checker = Backend::Simd.checker(&problem, 0.1).unwrap();
            let options = PlanOptions { max_samples: 2000, ..PlanOptions::default() };
            (plan(&problem, &mut *checker, &options), problem)
        };
        // The way between the bounds is 2 m.
        let most = 2.0 * crate::robot::END_SLACK;
        for beyond in [1e-12, 1e-9, 0.9 * most] {
            let (answer, problem) = planned(&|p: &mut Problem| {
                p.start.position[0] = -1.0 - beyond;
                p.goals[0].position[1] = 1.0 + beyond;
            });
            let solution = answer.unwrap_or_else(|why| panic!("{beyond}: {why}"));
            let certified = crate::certify::certify(&problem, &solution.trajectory, &Default::default());
            assert!(certified.is_ok(), "{certified:?}");
            // Nothing else is admitted: the limit has moved to the end, and no farther.
            let peak = solution.certificate.peaks[0].position;
            assert!(peak.value >= -1.0 - beyond && peak.value <= 1.0 + beyond);
        }
        let (answer, _) = planned(&|p: &mut Problem| p.start.position[0] = -1.0 - 1.1 * most);
        let Err(PlanError::Start(EndFault::Invalid(why))) = answer else { panic!("{answer:?}") };
        assert_eq!(why.subject, "x");
        // A goal at rest beyond a bound is not "too fast".
        let (answer, _) = planned(&|p: &mut Problem| p.goals[0].position[1] = 1.0 + 1.1 * most);
        let Err(PlanError::Goal(EndFault::Invalid(why))) = answer else { panic!("{answer:?}") };
        assert_eq!(why.subject, "y");
        let moving = |by: f64| {
            planned(&move |p: &mut Problem| {
                p.start.position[0] = 0.0;
                p.start.velocity[0] = 1.0 + by;
            })
            .0
        };
        moving(0.9 * crate::robot::END_SLACK).unwrap();
        let answer = moving(2.0 * crate::robot::END_SLACK);
        let Err(PlanError::Start(EndFault::Invalid(why))) = answer else { panic!("{answer:?}") };
        assert_eq!(why.bounds, (-1.0, 1.0));
    }
}

//! All of MotionBenchMaker, torques not checked: as many problems solved as there must be, each
//! answer certified anew by a certifier that the planner has not touched.

mod common;

use common::{shared, shared_robot};
use flatout::bench::mbm::MbmSuite;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::plan::{PlanError, PlanOptions, plan};
use flatout::pose::Pose;
use flatout::problem::{Problem, Smoothness};
use flatout::scene::limit_jerk;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many problems of a suite are solved, of how many; every answer is certified again. With limited
/// jerks, joints come to their greatest acceleration in a tenth of a second.
fn solve(name: &str, smoothness: Smoothness) -> Option<(usize, usize)> {
    let file = shared(&format!("mbm/{name}.json"))?;
    let robot = shared_robot(name)?;
    let suite = MbmSuite::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let mut mechanism = suite.mechanism(&robot, Pose::IDENTITY).unwrap_or_else(|e| panic!("{e}"));
    limit_jerk(&mut mechanism, 0.1);
    let (next, unsolved) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let uncertified = AtomicUsize::new(0);
    let work = || {
        while let Some(chosen) = suite.problems.get(next.fetch_add(1, Ordering::Relaxed)) {
            let id = format!("{name} {} {}", chosen.set, chosen.index);
            let problem = chosen.problem(&mechanism);
            let problem = Problem { smoothness, ..problem };
            let options = PlanOptions::default();
            let mut checker = Backend::Auto.checker(&problem, options.resolution).expect("a backend");
            match plan(&problem, &mut *checker, &options) {
                Ok(solution) => {
                    certify(&problem, &solution.trajectory, &CertifyOptions::default())
                        .unwrap_or_else(|e| panic!("{id}: {e}"));
                    let again = solution.statistics.uncertified as usize;
                    uncertified.fetch_add(again, Ordering::Relaxed);
                }
                Err(PlanError::Backend(failure)) => panic!("{id}: {failure}"),
                Err(why) => unsolved.lock().unwrap().push(format!("{id}: {why}")),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (unsolved, total) = (unsolved.into_inner().unwrap(), suite.problems.len());
    unsolved.iter().for_each(|line| drop(writeln!(std::io::stderr(), "{line}")));
    // What the refinement makes is mostly certified at once: its work is not for nothing. (Samples closer
    // together would let less slip through, and cost more than to refine again.)
    let again = uncertified.into_inner();
    assert!(again * 10 <= total, "{again} refinements of {total} {name} problems were not certified");
    Some((total - unsolved.len(), total))
}

/// Every so many-th problem of a suite.
#[cfg(feature = "gpu")]
fn some(name: &str, every: usize) -> Option<Vec<Problem>> {
    let file = shared(&format!("mbm/{name}.json"))?;
    common::gpu()?;
    let robot = shared_robot(name)?;
    let suite = MbmSuite::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let mechanism = suite.mechanism(&robot, Pose::IDENTITY).unwrap_or_else(|e| panic!("{e}"));
    Some(suite.problems.iter().step_by(every).map(|p| p.problem(&mechanism)).collect())
}

/// Problems that are searched on a device wholly, and others whose edges alone are checked there: all are solved, each
/// answer certified anew.
#[cfg(feature = "gpu")]
#[test]
fn some_on_a_device() {
    use flatout::check::AdapterChoice;
    use flatout::plan::{Task, plan_batch, plan_batch_wide};
    use flatout::wide::explorer;
    for (name, every, is_searched) in [("panda", 18, true), ("fetch", 40, true), ("panda", 59, false)] {
        let Some(problems) = some(name, every) else { return };
        let options = PlanOptions { time_limit: None, ..PlanOptions::default() };
        let tasks: Vec<_> = problems.iter().map(|problem| Task { problem, options: &options }).collect();
        let checkers = Backend::Gpu
            .checkers(&AdapterChoice::Best, problems.iter().map(|p| (p, options.resolution)))
            .expect("a device");
        let answers = match is_searched {
            true => {
                let mut explorer = explorer(&checkers).expect("a device").expect("one that searches");
                plan_batch_wide(
                    &tasks,
                    &mut *explorer,
                    |i, is_searched| checkers.beside(i, is_searched),
                    2,
                    |_, _| (),
                )
                .0
            }
            false => plan_batch(&tasks, |i| checkers.checker(i), 64, |_, _| ()),
        };
        for (i, (problem, answer)) in problems.iter().zip(answers).enumerate() {
            let solution = answer.unwrap_or_else(|why| panic!("{name} {i}: {why}"));
            certify(problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|e| panic!("{name} {i}: {e}"));
        }
    }
}

#[test]
fn panda() {
    assert!(solve("panda", Smoothness::Acceleration).is_none_or(|solved| solved == (350, 350)));
}

#[test]
fn panda_with_limited_jerk() {
    assert!(solve("panda", Smoothness::Jerk).is_none_or(|solved| solved == (350, 350)));
}

#[test]
fn ur5() {
    assert!(solve("ur5", Smoothness::Acceleration).is_none_or(|solved| solved == (342, 342)));
}

#[test]
fn fetch() {
    assert!(
        solve("fetch", Smoothness::Acceleration)
            .is_none_or(|(solved, total)| solved as f64 >= 0.97 * total as f64)
    );
}

//! The planner as a library: what it promises of its answers, on the scenes of this repository.

mod common;

use flatout::bench::mbm::MbmSuite;
use flatout::certify::{CertifyOptions, LimitKind, Violation, certify};
use flatout::check::{Backend, CheckError, EdgeBatch, EdgeChecker, StateBatch, Status, Verdict, diagnose};
use flatout::plan::{
    Algorithm, Budget, Departure, EndFault, FailureHint, PlanError, PlanOptions, Quality, Solution,
    Statistics, Task, Unsolved, plan, plan_batch, plan_on_threads, replan, replan_by,
};
use flatout::pose::Pose;
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::DynamicsScratch;
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use std::path::Path;
use std::time::Duration;

fn scene(name: &str) -> Scene {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    Scene::load(&folder.join(format!("{name}.yaml"))).expect("a scene of ours")
}

const SCENES: [&str; 11] = [
    "panda_bins",
    "panda_box",
    "panda_cage",
    "panda_gap",
    "panda_lift",
    "panda_moving_start",
    "panda_shelf",
    "panda_smooth",
    "panda_table",
    "panda_throw",
    "ur5_shelf",
];

fn answer(problem: &Problem, options: &PlanOptions, backend: Backend) -> Result<Solution, PlanError> {
    let mut checker = backend.checker(problem, options.resolution).expect("a backend");
    plan(problem, &mut *checker, options)
}

fn solve(problem: &Problem, options: &PlanOptions, backend: Backend) -> Solution {
    answer(problem, options, backend).unwrap_or_else(|why| panic!("{why}"))
}

/// Why there is no answer.
fn refusal(problem: &Problem, options: &PlanOptions) -> PlanError {
    answer(problem, options, Backend::Simd).expect_err("there is to be no answer")
}

/// What is told of a query whose budget was spent.
fn given_up(problem: &Problem, options: &PlanOptions) -> Unsolved {
    match refusal(problem, options) {
        PlanError::Budget(unsolved) => *unsolved,
        other => panic!("{other}"),
    }
}

/// Debug builds are slow; what is tested here is not how fast.
fn patient(options: &PlanOptions) -> PlanOptions {
    PlanOptions { time_limit: Some(Duration::from_secs(120)), ..options.clone() }
}

/// Half a millimetre to either side: what the ends could afford is asked for first, less when that
/// leads nowhere.
#[test]
fn narrow_passages_are_found() {
    let Scene { mut problem, options, .. } = scene("point_yard");
    // The body is 24 cm wide and 44 cm long.
    let (gap, half) = (0.241, 1.5);
    let wall = |name: &str, side: f64| Obstacle {
        name: name.to_owned(),
        shape: Shape::Cuboid { half_extents: DVec3::new(0.01, half, 1.0) },
        pose: Pose::from_translation(DVec3::Y * side * (half + 0.5 * gap)),
    };
    problem.world = World { obstacles: vec![wall("left", 1.0), wall("right", -1.0)] };
    problem.start = JointState::at_rest(vec![-1.5, 0.0]);
    problem.goals = vec![JointState::at_rest(vec![1.5, 1.0])];
    let solution = solve(&problem, &patient(&options), Backend::Simd);
    let clearance = solution.certificate.clearance().at_least;
    assert!(clearance > 0.0 && clearance <= 5e-4, "{clearance} m of 0.5 mm");
    // With a gap that is too narrow there is no way.
    problem.world.obstacles[0].pose.translation.y -= 1.1e-3;
    let options = PlanOptions { max_samples: 30_000, ..options };
    given_up(&problem, &options);
}

/// Every scene, on every CPU backend: the answer begins at the start, ends at a goal, and a fresh
/// certificate and plain evaluation of dense samples confirm it.
#[test]
fn answers_hold_when_looked_at_again() {
    for name in SCENES {
        let Scene { problem, options, .. } = scene(name);
        for backend in [Backend::Simd, Backend::Scalar] {
            let solution = solve(&problem, &patient(&options), backend);
            let trajectory = &solution.trajectory;
            certify(&problem, trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}: {v}"));
            let dof = problem.mechanism.dof();
            let state = |t: f64| {
                let [position, velocity, acceleration] = [0, 1, 2].map(|order| {
                    let mut values = vec![0.0; dof];
                    trajectory.evaluate(t, order, &mut values);
                    values
                });
                JointState { position, velocity, acceleration }
            };
            let near = |a: &JointState, b: &JointState| {
                let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
                distance(&a.position, &b.position) && distance(&a.velocity, &b.velocity)
            };
            assert!(near(&state(0.0), &problem.start), "{name} begins elsewhere");
            let end = state(trajectory.duration());
            assert!(problem.goals.iter().any(|goal| near(&end, goal)), "{name} ends elsewhere");
            for i in 0..=500 {
                let t = trajectory.duration() * f64::from(i) / 500.0;
                let mut state = state(t);
                // Limits that are met exactly may be exceeded by rounding; the certificate has its own word.
                state.velocity.iter_mut().chain(&mut state.acceleration).for_each(|v| *v *= 1.0 - 1e-8);
                assert_eq!(diagnose(&problem, &state), None, "{name} at {t}");
            }
        }
    }
}

/// With limited jerks: accelerations are continuous, at rest they vanish, and nothing exceeds its limit
/// where the trajectory is looked at densely; torques hold as well.
#[test]
fn smooth_answers_are_smooth() {
    for (name, seed) in
        [("panda_table", 0), ("panda_shelf", 1), ("panda_lift", 2), ("panda_throw", 3), ("panda_smooth", 4)]
    {
        let Scene { mut problem, options, .. } = scene(name);
        if name != "panda_smooth" {
            problem.smoothness = Smoothness::Jerk;
            problem.mechanism.limits.iter_mut().for_each(|l| l.jerk = l.jerk.min(100.0));
        }
        for backend in [Backend::Simd, Backend::Scalar] {
            let solution = solve(&problem, &PlanOptions { seed, ..patient(&options) }, backend);
            let trajectory = &solution.trajectory;
            certify(&problem, trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}: {v}"));
            for order in 0..3 {
                let jump = trajectory.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                assert!(jump < 1e-8, "{name}: derivative {order} jumps by {jump}");
            }
            let mut values = vec![0.0; problem.mechanism.dof()];
            trajectory.evaluate(0.0, 2, &mut values);
            assert!(
                values.iter().zip(&problem.start.acceleration).all(|(v, w)| (v - w).abs() < 1e-9),
                "{name}"
            );
            trajectory.evaluate(trajectory.duration(), 2, &mut values);
            assert!(values.iter().all(|v| v.abs() < 1e-9), "{name}: {values:?}");
            let (mut last, step) = (None::<Vec<f64>>, 1e-4);
            for t in trajectory.sample_times(step) {
                trajectory.evaluate(t, 2, &mut values);
                for (j, limits) in problem.mechanism.limits.iter().enumerate() {
                    assert!(values[j].abs() <= limits.acceleration * (1.0 + 1e-8), "{name} at {t}");
                    let change = last.as_ref().map_or(0.0, |last| (values[j] - last[j]).abs());
                    assert!(change <= limits.jerk * step * (1.0 + 1e-6) + 1e-8, "{name} at {t}");
                }
                last = Some(values.clone());
            }
            assert!(
                solution.certificate.peaks.iter().all(|p| p.jerk.is_some_and(|jerk| jerk.used <= 1.0 + 1e-9))
            );
        }
    }
}

/// The certificate of a smooth problem refuses what is not: too great a jerk, and accelerations that
/// jump at a knot, at the start or at the goal.
#[test]
fn certificates_of_smooth_problems_refuse_others() {
    let Scene { mut problem, options, .. } = scene("panda_smooth");
    let trajectory = solve(&problem, &patient(&options), Backend::Simd).trajectory;
    let certified = |problem: &Problem, t: &Trajectory| certify(problem, t, &CertifyOptions::default());
    problem.mechanism.limits[0].jerk *= 0.5;
    assert!(matches!(certified(&problem, &trajectory), Err(Violation::Limit { kind: LimitKind::Jerk, .. })));
    problem.mechanism.limits[0].jerk *= 2.0;
    problem.start.acceleration[0] += 1e-6;
    assert!(matches!(certified(&problem, &trajectory), Err(Violation::Start { .. })));
    let cubics = Problem {
        smoothness: Smoothness::Acceleration,
        start: JointState::at_rest(problem.start.position.clone()),
        ..problem.clone()
    };
    let jerky = solve(&cubics, &patient(&options), Backend::Simd).trajectory;
    let at_rest = Problem { smoothness: Smoothness::Jerk, ..cubics };
    assert!(matches!(
        certified(&at_rest, &jerky),
        Err(Violation::Start { .. } | Violation::Goal { .. } | Violation::Jump { .. })
    ));
}

#[test]
fn the_same_seed_gives_the_same_trajectory() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    for backend in [Backend::Simd, Backend::Scalar] {
        let run = |seed| solve(&problem, &PlanOptions { seed, ..patient(&options) }, backend).trajectory;
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4), "the seed is used");
    }
}

#[test]
fn refinement_shortens_and_can_be_left_out() {
    for name in ["panda_shelf", "panda_box", "ur5_shelf"] {
        let Scene { problem, options, .. } = scene(name);
        let refined = solve(&problem, &patient(&options), Backend::Simd);
        let raw = solve(&problem, &PlanOptions { shortcut_tries: 0, ..patient(&options) }, Backend::Simd);
        assert!((raw.trajectory.duration() - raw.statistics.raw_duration).abs() < 1e-9);
        assert!(refined.trajectory.duration() < raw.trajectory.duration(), "{name}");
    }
}

/// Nodes with velocity: edges have a direction, in both trees.
#[test]
fn moving_nodes_are_searched_too() {
    for name in ["panda_shelf", "panda_throw", "ur5_shelf"] {
        let Scene { problem, options, .. } = scene(name);
        let options = PlanOptions { moving_share: 0.5, shortcut_tries: 0, ..patient(&options) };
        let solution = solve(&problem, &options, Backend::Simd);
        certify(&problem, &solution.trajectory, &CertifyOptions::default())
            .unwrap_or_else(|v| panic!("{name}: {v}"));
    }
}

/// Kinodynamic RRT*: certified, the same for the same seed, within torques and jerks, and better the longer its tree grows.
#[test]
fn optimal_trees_answer_too() {
    for name in ["point_yard", "panda_shelf", "panda_lift", "panda_smooth"] {
        let Scene { problem, options, .. } = scene(name);
        let options = PlanOptions { algorithm: Some(Algorithm::RrtStar), ..patient(&options) };
        let fast = solve(&problem, &options, Backend::Simd);
        assert_eq!(fast.trajectory, solve(&problem, &options, Backend::Simd).trajectory, "{name}");
        certify(&problem, &fast.trajectory, &options.certify()).unwrap_or_else(|why| panic!("{name}: {why}"));
        let best = solve(&problem, &PlanOptions { searches: 8, ..options }, Backend::Simd);
        assert!(best.trajectory.duration() <= fast.trajectory.duration(), "{name}");
        assert!(
            best.statistics.searches == 8 && best.statistics.iterations > fast.statistics.iterations,
            "{name}"
        );
    }
    let Scene { problem, options, .. } = scene("car_parking");
    let why = refusal(&problem, &PlanOptions { algorithm: Some(Algorithm::RrtStar), ..options }).to_string();
    assert!(why.contains("aorrtc and rrt-star are for arms and points"), "{why}");
}

/// Every answer takes at least what limits alone ask for, and where nothing stands in the way of a point at rest, that is
/// what it takes.
#[test]
fn nothing_is_faster_than_the_bound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_linear = path.to_string_lossy().contains("scenes/linear_");
        if is_linear || path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let Scene { problem, options, .. } = Scene::load(&path).unwrap();
        let solution = solve(&problem, &patient(&options), Backend::Simd);
        let (least, took) = (solution.statistics.least_duration, solution.trajectory.duration());
        assert!(least > 0.0 && least <= took * (1.0 + 1e-9), "{}: {least} of {took}", path.display());
    }
    let Scene { problem, options, .. } = scene("point_yard");
    let free = Problem { world: World::default(), ..problem };
    let solution = solve(&free, &patient(&options), Backend::Simd);
    let (least, took) = (solution.statistics.least_duration, solution.trajectory.duration());
    assert!((took - least).abs() < 1e-6 * took, "{least} of {took}");
}

#[test]
fn torque_limits_bind() {
    let Scene { mut problem, options, .. } = scene("panda_lift");
    let most = |problem: &Problem| {
        let trajectory = solve(problem, &patient(&options), Backend::Simd).trajectory;
        let m = &problem.mechanism;
        let mut scratch = DynamicsScratch::default();
        let mut share = 0.0_f64;
        for i in 0..=2000 {
            let t = trajectory.duration() * f64::from(i) / 2000.0;
            let [y, yd, ydd] = [0, 1, 2].map(|order| {
                let mut values = vec![0.0; m.dof()];
                trajectory.evaluate(t, order, &mut values);
                values
            });
            let mut efforts = vec![0.0; m.dof()];
            m.inverse_dynamics(&y, &yd, &ydd, problem.gravity, &mut scratch, &mut efforts);
            let used = efforts.iter().zip(&m.limits).map(|(e, l)| e.abs() / l.effort);
            share = used.fold(share, f64::max);
        }
        share
    };
    assert!(problem.torque);
    assert!(most(&problem) <= 1.0 + 1e-9);
    problem.torque = false;
    assert!(most(&problem) > 1.05, "without the check the limits would be broken");
}

#[test]
fn budgets_end_the_search() {
    let Scene { mut problem, options, .. } = scene("panda_shelf");
    // A cage that nothing leaves, around the goal's place.
    let wall = problem.world.obstacles[1].clone();
    problem.world.obstacles.push(wall);
    let few = PlanOptions { max_samples: 3, time_limit: None, ..options.clone() };
    let unsolved = given_up(&problem, &few);
    assert_eq!((unsolved.budget, unsolved.statistics.iterations), (Budget::Samples, 3));
    let late = PlanOptions { time_limit: Some(Duration::ZERO), ..options };
    assert_eq!(given_up(&problem, &late).budget, Budget::Time);
}

#[test]
fn invalid_ends_say_why() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let mut inside = problem.clone();
    inside.world.obstacles[0].pose.translation.z += 0.4;
    let said = refusal(&inside, &options).to_string();
    assert!(
        said.starts_with("no plan: the start is invalid: link \"") && said.contains("inside obstacle"),
        "{said}"
    );
    let mut beyond = problem.clone();
    beyond.goals[0].position[3] = 1.0;
    let said = refusal(&beyond, &options).to_string();
    assert!(said.contains("the goal is invalid: position of \"panda_joint4\" is 1, outside ["), "{said}");
    // One good goal is enough.
    beyond.goals.push(problem.goals[0].clone());
    solve(&beyond, &patient(&options), Backend::Simd);
}

#[test]
fn a_start_that_is_the_goal_is_solved() {
    let Scene { mut problem, options, .. } = scene("panda_shelf");
    problem.goals = vec![problem.start.clone()];
    assert_eq!(solve(&problem, &options, Backend::Simd).trajectory.duration(), 0.0);
}

/// However many edges are checked at once, the answers hold, and the seed decides them.
#[test]
fn searches_in_batches_of_any_size() {
    for name in SCENES {
        let Scene { problem, options, .. } = scene(name);
        let mut different = 0;
        let serial = solve(&problem, &PlanOptions { batch: 1, ..patient(&options) }, Backend::Simd);
        for batch in [0, 1, 2, 37, 1000] {
            let options = PlanOptions { batch, ..patient(&options) };
            let solution = solve(&problem, &options, Backend::Simd);
            certify(&problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}, batches of {batch}: {v}"));
            let again = solve(&problem, &options, Backend::Simd);
            assert_eq!(solution.trajectory, again.trajectory, "{name}, batches of {batch}");
            different += usize::from(solution.trajectory != serial.trajectory);
            assert!(batch > 1 || solution.trajectory == serial.trajectory, "CPUs prefer one edge at a time");
        }
        let joined = serial.statistics.iterations == 1;
        assert!(joined || different > 0, "{name}: batches make a difference");
    }
}

#[test]
fn the_oracle_searches_in_batches_too() {
    for name in ["panda_shelf", "panda_moving_start", "panda_throw", "panda_lift", "ur5_shelf"] {
        let Scene { problem, options, .. } = scene(name);
        for batch in [1, 20] {
            let options = PlanOptions { batch, shortcut_tries: 4, ..patient(&options) };
            let solution = solve(&problem, &options, Backend::Scalar);
            certify(&problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}, batches of {batch}: {v}"));
        }
    }
}

/// Nodes with velocity in both trees, many at once.
#[test]
fn moving_nodes_are_searched_in_batches() {
    for name in ["panda_shelf", "panda_throw", "ur5_shelf"] {
        let Scene { problem, options, .. } = scene(name);
        let options = PlanOptions { moving_share: 0.5, batch: 64, shortcut_tries: 0, ..patient(&options) };
        let solution = solve(&problem, &options, Backend::Simd);
        certify(&problem, &solution.trajectory, &CertifyOptions::default())
            .unwrap_or_else(|v| panic!("{name}: {v}"));
    }
}

/// Counts what it is asked, on its way to a real backend.
struct Counting<'a> {
    checker: Box<dyn EdgeChecker>,
    batches: &'a std::sync::Mutex<Vec<usize>>,
}

impl EdgeChecker for Counting<'_> {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.batches.lock().expect("nobody panics").push(edges.len());
        self.checker.check(edges, verdicts)
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.checker.check_states(states, verdicts)
    }

    fn set_padding(&mut self, metres: f64) {
        self.checker.set_padding(metres);
    }

    fn set_clearance(&mut self, metres: f64) {
        self.checker.set_clearance(metres);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.checker.set_resolution(metres);
    }

    fn states_checked(&self) -> u64 {
        self.checker.states_checked()
    }

    fn preferred_batch(&self) -> usize {
        300
    }

    fn name(&self) -> String {
        "counting".to_owned()
    }
}

/// A backend that likes many edges at once is given so many, and never more.
#[test]
fn a_backend_says_how_many_edges_it_likes() {
    let Scene { problem, options, .. } = scene("panda_cage");
    let options = PlanOptions { shortcut_tries: 0, ..patient(&options) };
    let batches = std::sync::Mutex::new(Vec::new());
    let checker = Backend::Simd.checker(&problem, options.resolution).expect("a backend");
    plan(&problem, &mut Counting { checker, batches: &batches }, &options).expect("a plan");
    let batches = batches.into_inner().expect("nobody panics");
    assert_eq!(batches.iter().max(), Some(&300), "{batches:?}");
    assert!(batches.len() < 60, "{} submissions", batches.len());
}

/// Many problems at once are each planned as if alone, however many threads there are.
#[test]
fn a_batch_of_problems_is_each_of_them() {
    let mut scenes: Vec<Scene> = SCENES.map(scene).into();
    // One that can't be solved among them.
    scenes[4].problem.world.obstacles = scenes[6].problem.world.obstacles.clone();
    scenes[4].problem.goals[0].position[3] = 1.0;
    let options: Vec<PlanOptions> = scenes.iter().map(|s| patient(&s.options)).collect();
    let tasks: Vec<Task<'_>> = scenes
        .iter()
        .zip(&options)
        .map(|(scene, options)| Task { problem: &scene.problem, options })
        .collect();
    let told = |answer: Result<Solution, PlanError>| match answer {
        Ok(solution) => Ok(solution.trajectory),
        Err(why) => Err(why.to_string()),
    };
    let alone: Vec<_> =
        tasks.iter().map(|task| told(answer(task.problem, task.options, Backend::Simd))).collect();
    assert_eq!(alone.iter().filter(|answer| answer.is_err()).count(), 1);
    for threads in [0, 1, 3, 50] {
        let answered: Vec<_> = tasks.iter().map(|_| std::sync::atomic::AtomicUsize::new(0)).collect();
        let checker = |i: usize| Backend::Simd.checker(tasks[i].problem, tasks[i].options.resolution);
        let answers = plan_batch(&tasks, checker, threads, |i, _| {
            answered[i].fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let answers: Vec<_> = answers.into_iter().map(told).collect();
        assert_eq!(answers, alone, "{threads} threads");
        assert!(answered.into_iter().all(|n| n.into_inner() == 1), "every answer is told once");
    }
    assert!(plan_batch(&[], |_| unreachable!("there is no task"), 4, |_, _| ()).is_empty());
}

/// All of the Panda's MotionBenchMaker problems, searched in batches as a device would have them.
#[test]
fn published_problems_are_solved_in_batches() {
    let Some(robot) = common::shared_robot("panda") else { return };
    let Some(file) = common::shared("mbm/panda.json") else { return };
    let suite = MbmSuite::load(&file).expect("a suite");
    let mechanism = suite.mechanism(&robot, Pose::IDENTITY).expect("a mechanism");
    let problems: Vec<Problem> = suite.problems.iter().map(|p| p.problem(&mechanism)).collect();
    for batch in [1, 256] {
        let options = PlanOptions { batch, ..patient(&PlanOptions::default()) };
        let tasks: Vec<_> = problems.iter().map(|problem| Task { problem, options: &options }).collect();
        let checker = |i: usize| Backend::Simd.checker(&problems[i], options.resolution);
        let answers = plan_batch(&tasks, checker, 2, |_, _| ());
        for ((answer, problem), named) in answers.into_iter().zip(&problems).zip(&suite.problems) {
            let what = || format!("{} {}, batches of {batch}", named.set, named.index);
            let solution = answer.unwrap_or_else(|why| panic!("{}: {why}", what()));
            certify(problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{}: {v}", what()));
        }
    }
}

/// A backend that finds everything valid.
struct Liar;

impl EdgeChecker for Liar {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        verdicts.resize(edges.len(), Verdict::VALID);
        Ok(())
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        verdicts.resize(states.len(), Verdict::VALID);
        Ok(())
    }

    fn set_padding(&mut self, _: f64) {}

    fn set_clearance(&mut self, _: f64) {}

    fn set_resolution(&mut self, _: f64) {}

    fn states_checked(&self) -> u64 {
        0
    }

    fn name(&self) -> String {
        "liar".to_owned()
    }
}

/// Nothing uncertified is returned, whatever a backend says; the search goes on until its budget ends.
#[test]
fn a_lying_backend_is_caught() {
    let Scene { problem, options, .. } = scene("panda_cage");
    let options = PlanOptions { max_samples: 50, time_limit: Some(Duration::from_millis(300)), ..options };
    match plan(&problem, &mut Liar, &options) {
        Err(PlanError::Budget(unsolved)) => assert!(unsolved.statistics.repairs > 0),
        other => panic!("{other:?}"),
    }
}

/// A failing backend is an error that says so.
#[test]
fn a_failing_backend_is_an_error() {
    struct Broken;
    impl EdgeChecker for Broken {
        fn check(&mut self, _: &EdgeBatch, _: &mut Vec<Verdict>) -> Result<(), CheckError> {
            Err(CheckError::Backend { backend: "broken".to_owned(), message: "lost".to_owned() })
        }
        fn check_states(
            &mut self,
            states: &StateBatch,
            verdicts: &mut Vec<Verdict>,
        ) -> Result<(), CheckError> {
            Liar.check_states(states, verdicts)
        }
        fn set_padding(&mut self, _: f64) {}
        fn set_clearance(&mut self, _: f64) {}
        fn set_resolution(&mut self, _: f64) {}
        fn states_checked(&self) -> u64 {
            0
        }
        fn name(&self) -> String {
            "broken".to_owned()
        }
    }
    let Scene { problem, options, .. } = scene("panda_shelf");
    let answer = plan(&problem, &mut Broken, &options);
    let Err(PlanError::Backend(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error.to_string(), "the broken backend failed: lost");
    assert_eq!(Status::Valid.to_string(), "valid");
}

/// What stands still is not checked again and again, but it is checked.
#[test]
fn a_base_inside_an_obstacle_is_said() {
    let Scene { mut problem, options, .. } = scene("panda_shelf");
    let floor = problem.world.obstacles.iter_mut().find(|o| o.name == "floor").expect("a floor");
    floor.pose.translation.z = 0.1;
    let said = refusal(&problem, &options).to_string();
    assert!(said.contains("link \"panda_link0\" is") && said.contains("inside obstacle \"floor\""), "{said}");
}

/// Tiny steps fill rounds with connections alone, and refinement may be asked for without end.
#[test]
fn the_time_limit_holds_for_odd_options() {
    let Scene { problem, options, .. } = scene("panda_cage");
    let limited = PlanOptions { time_limit: Some(Duration::from_millis(300)), ..options };
    let started = std::time::Instant::now();
    let tiny = PlanOptions { range: Some(1e-9), ..limited.clone() };
    assert_eq!(given_up(&problem, &tiny).budget, Budget::Time);
    let Scene { problem, .. } = scene("panda_table");
    solve(&problem, &PlanOptions { shortcut_tries: u32::MAX, ..limited }, Backend::Simd);
    // Not a measurement: without the limit either would take hours.
    assert!(started.elapsed() < Duration::from_secs(60));
}

/// Panics of a task's thread reach the caller, and nobody waits for it in vain.
#[test]
fn a_panic_ends_a_batch_of_problems() {
    let Scene { problem, options, .. } = scene("panda_table");
    let options = patient(&options);
    let tasks = vec![Task { problem: &problem, options: &options }; 40];
    let answered = std::sync::atomic::AtomicUsize::new(0);
    let batch = || {
        let checker = |i: usize| {
            assert_ne!(i, 5, "on purpose");
            Backend::Simd.checker(&problem, options.resolution)
        };
        plan_batch(&tasks, checker, 3, |_, _| {
            answered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        })
    };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(batch)).is_err());
    assert!(answered.into_inner() < 40, "tasks that have not begun do not");
}

#[cfg(feature = "gpu")]
mod gpu {
    use super::*;
    use flatout::check::gpu::{Gpu, GpuPool};
    use flatout::check::{AdapterChoice, AutoChecker};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn gpu_scenes() -> Vec<(Scene, PlanOptions)> {
        let scenes =
            ["panda_bins", "panda_cage", "panda_lift", "panda_moving_start", "panda_table", "ur5_shelf"];
        let with_options = |name| {
            let scene = scene(name);
            let options = patient(&scene.options);
            (scene, options)
        };
        scenes.map(with_options).into()
    }

    /// Many searches that share a device give what each gives alone, however many there are at once.
    #[test]
    fn a_batch_of_problems_on_a_device_is_each_of_them() {
        if common::gpu().is_none() {
            return;
        }
        let scenes = gpu_scenes();
        let tasks: Vec<_> =
            scenes.iter().map(|(scene, options)| Task { problem: &scene.problem, options }).collect();
        let alone: Vec<_> = scenes.iter().map(|(s, o)| solve(&s.problem, o, Backend::Gpu)).collect();
        for threads in [1, 2, 50] {
            let problems = tasks.iter().map(|task| (task.problem, task.options.resolution));
            let checkers = Backend::Gpu.checkers(&AdapterChoice::Best, problems).expect("a device");
            assert_eq!(checkers.searches(2), tasks.len());
            let answers = plan_batch(&tasks, |i| checkers.checker(i), threads, |_, _| ());
            for (i, (answer, alone)) in answers.into_iter().zip(&alone).enumerate() {
                let solution = answer.unwrap_or_else(|why| panic!("task {i}, {threads} threads: {why}"));
                assert_eq!(solution.trajectory, alone.trajectory, "task {i}, {threads} threads");
                assert_eq!(solution.statistics.states, alone.statistics.states, "task {i}");
                assert_eq!(solution.statistics.edges, alone.statistics.edges, "task {i}");
            }
        }
    }

    /// Loses its device before its `left`th batch of edges.
    struct Losing<'a> {
        checker: AutoChecker,
        gpu: &'a Gpu,
        left: &'a AtomicUsize,
    }

    impl EdgeChecker for Losing<'_> {
        fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
            if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.gpu.destroy();
            }
            self.checker.check(edges, verdicts)
        }

        fn check_states(
            &mut self,
            states: &StateBatch,
            verdicts: &mut Vec<Verdict>,
        ) -> Result<(), CheckError> {
            self.checker.check_states(states, verdicts)
        }

        fn set_padding(&mut self, metres: f64) {
            self.checker.set_padding(metres);
        }

        fn set_clearance(&mut self, metres: f64) {
            self.checker.set_clearance(metres);
        }

        fn set_resolution(&mut self, metres: f64) {
            self.checker.set_resolution(metres);
        }

        fn states_checked(&self) -> u64 {
            self.checker.states_checked()
        }

        fn preferred_batch(&self) -> usize {
            self.checker.preferred_batch()
        }

        fn name(&self) -> String {
            self.checker.name()
        }

        fn take_warnings(&mut self) -> Vec<String> {
            self.checker.take_warnings()
        }
    }

    fn assert_warned(checker: &mut Losing<'_>) {
        let warnings = checker.take_warnings();
        let told = matches!(&warnings[..], [one] if one.contains("lost") && one.contains("simd/"));
        assert!(told && checker.name().starts_with("simd/"), "{warnings:?}");
    }

    /// A device that is lost in mid-plan, in the search or in the refinement: lanes go on, and say so.
    #[test]
    fn plans_go_on_where_a_device_is_lost() {
        if common::gpu().is_none() {
            return;
        }
        for (name, loss) in [("panda_cage", 1), ("panda_cage", 3), ("panda_cage", 15), ("panda_table", 2)] {
            let Scene { problem, options, .. } = scene(name);
            let gpu = Gpu::open(&AdapterChoice::Best).expect("the adapter opens again");
            let checker = AutoChecker::always(&gpu, &problem, options.spacing(&problem)).expect("a checker");
            let left = AtomicUsize::new(loss);
            let mut checker = Losing { checker, gpu: &gpu, left: &left };
            let solution = plan(&problem, &mut checker, &patient(&options))
                .unwrap_or_else(|why| panic!("{name}, {loss}: {why}"));
            certify(&problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}, {loss}: {v}"));
            assert_warned(&mut checker);
        }
    }

    /// The same for many searches that share it: all those under way go on, and those that begin later.
    #[test]
    fn batches_of_problems_go_on_where_a_device_is_lost() {
        if common::gpu().is_none() {
            return;
        }
        let scenes = gpu_scenes();
        let gpu: &'static Gpu =
            Box::leak(Box::new(Gpu::open(&AdapterChoice::Best).expect("the adapter opens again")));
        let left: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(40)));
        let tasks: Vec<_> =
            scenes.iter().map(|(scene, options)| Task { problem: &scene.problem, options }).collect();
        let problems = tasks.iter().map(|task| (task.problem, task.options.spacing(task.problem)));
        let pool = GpuPool::new(gpu, problems).expect("a pool");
        let checker = |i: usize| {
            let checker = AutoChecker::in_pool(&pool, i);
            Ok(Box::new(Losing { checker, gpu, left }) as Box<dyn EdgeChecker>)
        };
        let answers = plan_batch(&tasks, checker, 4, |_, _| ());
        for (i, (task, answer)) in tasks.iter().zip(answers).enumerate() {
            let solution = answer.unwrap_or_else(|why| panic!("task {i}: {why}"));
            certify(task.problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("task {i}: {v}"));
        }
        assert!(gpu.health().is_err(), "it was lost while they planned");
        let lost = AutoChecker::in_pool(&pool, 0);
        let mut late = Losing { checker: lost, gpu, left };
        plan(tasks[0].problem, &mut late, tasks[0].options).expect("lanes go on");
        assert_warned(&mut late);
    }
}

/// The curve is one: each quality's answers are valid, and shorter than the quicker one's on the whole.
#[test]
fn better_quality_is_shorter() {
    let total = |quality: Quality| {
        let mut sum = 0.0;
        for name in SCENES {
            let Scene { problem, options, .. } = scene(name);
            let mut options = patient(&options);
            quality.apply(&mut options);
            let solution = solve(&problem, &options, Backend::Simd);
            certify(&problem, &solution.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}, {quality}: {v}"));
            sum += solution.trajectory.duration();
        }
        sum
    };
    let [fast, balanced, best] = Quality::ALL.map(total);
    assert!(balanced < 0.97 * fast && best < 0.98 * balanced, "{fast} {balanced} {best}");
}

/// A plan with time to improve is certified, no longer than the first answer, and nearly in time.
#[test]
fn time_to_improve_is_used() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let fast = solve(&problem, &patient(&options), Backend::Simd);
    let improve = Some(Duration::from_millis(1500));
    let solution = solve(&problem, &PlanOptions { improve, ..patient(&options) }, Backend::Simd);
    certify(&problem, &solution.trajectory, &CertifyOptions::default()).unwrap_or_else(|v| panic!("{v}"));
    assert!(solution.trajectory.duration() < fast.trajectory.duration());
    // What costs the least of all is not bettered any more.
    let s = &solution.statistics;
    let is_least = s.gap().is_some_and(|gap| gap < 1e-9);
    assert!(s.searches > 1 && (s.polishes > 1 || is_least), "{s:?}");
    // No time at all is enough for the first answer.
    let improve = Some(Duration::from_nanos(1));
    let solution = solve(&problem, &PlanOptions { improve, ..patient(&options) }, Backend::Simd);
    assert_eq!(solution.trajectory, fast.trajectory);
}

/// Threads race, but by samples: who wins does not depend on the clock.
#[test]
fn threads_give_the_same_answer_again() {
    for name in ["panda_shelf", "panda_cage", "panda_gap", "panda_moving_start"] {
        let Scene { problem, options, .. } = scene(name);
        for quality in [Quality::Fast, Quality::Balanced] {
            let mut options = patient(&options);
            quality.apply(&mut options);
            let run = |threads| {
                let checker = || Backend::Simd.checker(&problem, options.resolution);
                plan_on_threads(&problem, checker, &options, threads)
                    .unwrap_or_else(|why| panic!("{name}: {why}"))
            };
            let three = run(3);
            certify(&problem, &three.trajectory, &CertifyOptions::default())
                .unwrap_or_else(|v| panic!("{name}: {v}"));
            for _ in 0..3 {
                assert_eq!(run(3).trajectory, three.trajectory, "{name}, {quality}");
            }
            let alone = solve(&problem, &options, Backend::Simd);
            assert_eq!(run(1).trajectory, alone.trajectory, "{name}, {quality}");
            assert_eq!(run(0).trajectory, alone.trajectory, "{name}, {quality}");
        }
    }
}

/// A checker that cannot be made is an error, not a panic; and where another thread has an answer, that is given.
#[test]
fn threads_report_a_backend_that_fails() {
    let Scene { problem, options, .. } = scene("panda_table");
    let failure = || CheckError::Backend { backend: "none".to_owned(), message: "there is none".to_owned() };
    let after = |sound: usize| {
        let made = std::sync::atomic::AtomicUsize::new(0);
        let checker = || match made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            number if number < sound => Backend::Simd.checker(&problem, options.resolution),
            _ => Err(failure()),
        };
        plan_on_threads(&problem, checker, &options, 2)
    };
    let answer = after(0);
    let Err(PlanError::Backend(error)) = answer else { panic!("{answer:?}") };
    assert_eq!(error, failure());
    let answer = after(1).expect("the other thread's");
    certify(&problem, &answer.trajectory, &CertifyOptions::default()).expect("it is certified");
}

/// Along a running trajectory, to its own goal, back to its start, and to a goal at speed: the new one
/// begins at the very state that the old one has.
#[test]
fn running_trajectories_are_left_anywhere() {
    for name in ["panda_shelf", "panda_box", "panda_smooth", "panda_throw", "panda_lift", "ur5_shelf"] {
        let Scene { problem, options, .. } = scene(name);
        let options = patient(&options);
        let running = solve(&problem, &options, Backend::Simd).trajectory;
        let back = Problem { goals: vec![problem.start.clone()], ..problem.clone() };
        for problem in [&problem, &back] {
            for share in [0.0, 0.2, 0.5, 0.7, 1.0] {
                let departure = Departure { running: &running, from: share * running.duration() };
                let mut checker = Backend::Simd.checker(problem, options.resolution).expect("a backend");
                let solution = match replan(problem, &mut *checker, &options, &departure) {
                    Ok(solution) => solution,
                    // A throw's end is too fast to be followed by anything.
                    Err(PlanError::Budget(_) | PlanError::Start(EndFault::TooFast(_)))
                        if name == "panda_throw" && share == 1.0 =>
                    {
                        continue;
                    }
                    Err(why) => panic!("{name} at {share}: {why}"),
                };
                let leaves = departure.state(problem);
                let begins = JointState::on(&solution.trajectory, 0.0, problem.smoothness);
                assert_eq!(leaves.position, begins.position, "{name} at {share}");
                let apart = leaves.velocity.iter().zip(&begins.velocity).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f64::max) < 1e-8, "{name} at {share}");
                let (whole, _) = departure
                    .join(problem, &solution.trajectory, &CertifyOptions::default())
                    .unwrap_or_else(|v| panic!("{name} at {share}: {v}"));
                let expected = departure.from + solution.trajectory.duration();
                assert!((whole.duration() - expected).abs() < 1e-9);
            }
        }
    }
}

/// Where no plan begins at the departure, the running trajectory is stayed on for a while, and that is certified
/// with the rest.
#[test]
fn what_cannot_be_left_at_once_is_stayed_on() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let options = patient(&options);
    let running = solve(&problem, &options, Backend::Simd).trajectory;
    let back = Problem { goals: vec![problem.start.clone()], ..problem.clone() };
    let departure = Departure { running: &running, from: 0.3 * running.duration() };
    let mut checker = Backend::Simd.checker(&back, options.resolution).expect("a backend");
    let mut starts = Vec::new();
    let answer = replan_by(&back, &options, &departure, &mut |problem, options| {
        starts.push(problem.start.position.clone());
        if starts.len() < 3 {
            let (budget, statistics) = (Budget::Time, Statistics::default());
            return Err(PlanError::Budget(Box::new(Unsolved { budget, statistics, hint: None })));
        }
        plan(problem, &mut *checker, options)
    });
    let solution = answer.expect("a plan");
    let at = |t: f64| JointState::on(&running, t, problem.smoothness).position;
    let stay = 0.5 * (running.duration() - departure.from);
    let halfway = JointState::on(&solution.trajectory, 0.5 * stay, problem.smoothness).position;
    let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(near(&starts[0], &at(departure.from)) && near(&starts[2], &at(departure.from + stay)));
    assert!(near(&halfway, &at(departure.from + 0.5 * stay)));
    let here = departure.problem(&back);
    certify(&here, &solution.trajectory, &CertifyOptions::default()).expect("a certificate");
}

/// What is driven until the departure is part of the whole: a wall there is seen.
#[test]
fn a_piece_that_is_no_longer_valid_is_not_joined() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let options = patient(&options);
    let running = solve(&problem, &options, Backend::Simd).trajectory;
    let departure = Departure { running: &running, from: 0.5 * running.duration() };
    let next = solve(&departure.problem(&problem), &options, Backend::Simd).trajectory;
    let mut blocked = problem.clone();
    blocked.mechanism.limits[0].velocity *= 0.1;
    assert!(departure.join(&problem, &next, &CertifyOptions::default()).is_ok());
    assert!(departure.join(&blocked, &next, &CertifyOptions::default()).is_err());
}

/// States from which nothing leads on: proved where a limit is in the way, told where an obstacle is.
/// An end may lie beyond a limit by a millionth of the range; what lies farther out is told as it is, be it ever so
/// little, and not searched for in vain.
#[test]
fn an_end_a_rounding_beyond_its_bounds_says_so() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let beyond = |state: &JointState, amount: f64| {
        let mut problem = problem.clone();
        problem.mechanism.limits[0].upper = state.position[0] - amount;
        problem.mechanism.limits[0].lower = -3.0;
        problem
    };
    let ends = [(&problem.start, "start"), (&problem.goals[0], "goal")];
    let (state, end) = *ends.iter().max_by(|a, b| a.0.position[0].total_cmp(&b.0.position[0])).expect("two");
    for amount in [5e-5, 1e-5] {
        let said = refusal(&beyond(state, amount), &options).to_string();
        assert!(said.contains(end) && said.contains("position of \"panda_joint1\" is"), "{said}");
    }
    for amount in [1e-7, 1e-10] {
        solve(&beyond(state, amount), &options, Backend::Simd);
    }
}

#[test]
fn a_start_that_cannot_be_stopped_says_so() {
    let Scene { mut problem, options, .. } = scene("panda_shelf");
    let limits = problem.mechanism.limits[0];
    problem.start.velocity[0] = limits.velocity;
    let stop = limits.velocity * limits.velocity / (2.0 * limits.acceleration);
    problem.mechanism.limits[0].upper = problem.start.position[0] + 0.9 * stop;
    problem.goals = vec![JointState::at_rest(problem.start.position.clone())];
    let said = refusal(&problem, &options);
    assert!(matches!(said, PlanError::Start(EndFault::TooFast(_))), "{said}");
    assert!(said.to_string().contains("the start is too fast: \"panda_joint1\", moving at"), "{said}");
    // The same state as a goal can be reached, but not one that comes from beyond the limit.
    let rest = JointState::at_rest(problem.start.position.clone());
    let mut back = problem.start.clone();
    back.velocity[0] = -limits.velocity;
    let reverse = Problem { goals: vec![back], start: rest, ..problem.clone() };
    let said = refusal(&reverse, &options);
    assert!(matches!(said, PlanError::Goal(EndFault::TooFast(_))), "{said}");

    // A ball so near in the way of the hand that nothing could keep it from there.
    let Scene { mut problem, options, .. } = scene("panda_moving_start");
    let hand = |y: &[f64]| {
        let mut poses = Vec::new();
        problem.mechanism.place(y, &mut poses);
        let link = problem.mechanism.links.last().expect("a link");
        poses[link.body].point(link.bound.center)
    };
    let JointState { position, velocity, .. } = &problem.start;
    let soon: Vec<f64> = position.iter().zip(velocity).map(|(p, v)| p + 1e-3 * v).collect();
    let (here, ahead) = (hand(position), hand(&soon) - hand(position));
    assert!(ahead.length() > 3e-4, "the hand moves");
    let mut ball = problem.world.obstacles[0].clone();
    ball.shape = Shape::Sphere { radius: 0.05 };
    for steps in 0.. {
        ball.pose = Pose::from_translation(here + ahead.normalize() * (1e-3 * f64::from(steps)));
        problem.world.obstacles = vec![ball.clone()];
        if diagnose(&problem, &problem.start).is_none() {
            break;
        }
    }
    let few = PlanOptions { max_samples: 200, ..patient(&options) };
    let unsolved = given_up(&problem, &few);
    let Some(FailureHint::Braking(violation)) = unsolved.hint else { panic!("{unsolved:?}") };
    assert!(violation.to_string().contains("inside"), "{violation}");
}

/// A goal, or a start, that gravity would pull a joint away from is told before the search; any other goal is
/// planned for.
#[test]
fn what_cannot_be_held_says_so() {
    let Scene { mut problem, options, .. } = scene("panda_lift");
    assert!(problem.torque, "it lifts with limited torques");
    let (start, goal) = (problem.start.clone(), problem.goals[0].clone());
    let efforts = |problem: &Problem, state: &JointState| {
        let (still, mut efforts) = (vec![0.0; problem.mechanism.dof()], vec![0.0; problem.mechanism.dof()]);
        let mut scratch = DynamicsScratch::default();
        let gravity = problem.gravity;
        problem.mechanism.inverse_dynamics(
            &state.position,
            &still,
            &still,
            gravity,
            &mut scratch,
            &mut efforts,
        );
        efforts
    };
    // A joint is made so weak that it holds one of the two and not the other.
    let [at_start, at_goal] = [&start, &goal].map(|state| efforts(&problem, state));
    let differ = |&joint: &usize| (at_start[joint].abs() - at_goal[joint].abs()).abs();
    let joint = (0..at_start.len()).max_by(|a, b| differ(a).total_cmp(&differ(b))).expect("joints");
    let [held, wanted] = [&at_start, &at_goal].map(|efforts| efforts[joint].abs());
    assert!(differ(&joint) > 0.1, "the two differ");
    problem.mechanism.limits[joint].effort = 0.5 * (held + wanted);
    let few = PlanOptions { max_samples: 0, ..patient(&options) };
    let said = refusal(&problem, &few);
    let (end, why) = match &said {
        PlanError::Start(EndFault::Unheld(why)) if held > wanted => ("start", why),
        PlanError::Goal(EndFault::Unheld(why)) if held < wanted => ("goal", why),
        other => panic!("{other}"),
    };
    assert!(
        (why.effort.abs() - held.max(wanted)).abs() < 1e-9 && why.at_rest && why.unit == "N m",
        "{why:?}"
    );
    let wanted = format!("no plan: the {end} cannot be held: effort of panda_joint{} ", joint + 1);
    assert!(said.to_string().starts_with(&wanted), "{said}");
    // Turned around, the other end is told.
    let turned = Problem { start: goal.clone(), goals: vec![start.clone()], ..problem.clone() };
    let other = refusal(&turned, &few).to_string();
    assert!(other.contains("cannot be held") && !other.starts_with(&wanted), "{other}");
    // Beside a goal that can be held, the other is none: the hand turns a little.
    let [sound, bad] = if end == "goal" { [start, goal] } else { [goal, start] };
    let mut turned = sound.clone();
    turned.position[6] += 0.2;
    let both = Problem { start: sound, goals: vec![bad, turned.clone()], ..problem };
    let solution = solve(&both, &patient(&options), Backend::Simd);
    let mut at = vec![0.0; both.mechanism.dof()];
    solution.trajectory.evaluate(solution.trajectory.duration(), 0, &mut at);
    assert!(at.iter().zip(&turned.position).all(|(a, b)| (a - b).abs() < 1e-9));
}

//! Budgets: every phase gives up when it is told to, gives the best that it has, and counts all that it does.
//! Nothing here is timed: stops are due from the start, after so many asks, or raised by a checker.

use flatout::certify::{Certifier, CertifyOptions, certify};
use flatout::check::{
    Backend, CheckError, EdgeBatch, EdgeChecker, ScalarChecker, SimdChecker, StateBatch, Status, Verdict,
};
use flatout::plan::{
    Budget, Departure, FailureHint, PlanError, PlanOptions, Solution, Statistics, Unsolved, plan,
    plan_on_threads, replan, replan_by,
};
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::robot::spherize::{CoverOptions, Solid, cover, cover_until};
use flatout::robot::{CoverCache, LoadOptions, Robot};
use flatout::scene::Scene;
use flatout::stop::{CancelToken, Stop};
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape, World};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A scene of each planner and smoothness.
const SCENES: [&str; 8] = [
    "panda_shelf",
    "panda_smooth",
    "ur5_shelf",
    "point_yard",
    "drive_dock",
    "airplane_gate",
    "planar_quadrotor_gap",
    "quadrotor_window",
];

/// States that may be checked after a stop is due: a checker asks once in 256, and some are on their way.
const STATES_AFTERWARDS: u64 = 600;

fn scene(name: &str) -> Scene {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(format!("{name}.yaml"));
    Scene::load(&file).expect("a good scene")
}

/// A token that cancels itself the `last`th time that it is asked, and how often it has been asked.
fn after_asks(last: u64) -> (CancelToken, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    (CancelToken::when(move || count.fetch_add(1, Ordering::Relaxed) + 1 >= last), asked)
}

fn cancelled() -> CancelToken {
    let token = CancelToken::new();
    token.cancel();
    token
}

/// Without a limit of time, so that nothing but the token ends it.
fn cancellable(options: &PlanOptions, token: CancelToken) -> PlanOptions {
    PlanOptions { time_limit: None, cancel: Some(token), ..options.clone() }
}

fn run(problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
    let mut checker = SimdChecker::new(problem, options.spacing(problem));
    plan(problem, &mut checker, options)
}

/// That a budget was spent, and nothing else is known.
fn spent(budget: Budget) -> PlanError {
    let unsolved = Box::new(Unsolved { budget, statistics: Statistics::default(), hint: None });
    if budget == Budget::Cancelled { PlanError::Cancelled(unsolved) } else { PlanError::Budget(unsolved) }
}

/// What has been cancelled is told as such, or gives an answer that holds.
fn is_sound(problem: &Problem, answer: &Result<Solution, PlanError>, what: &str) {
    match answer {
        Ok(solution) => {
            // What is as short as limits allow is not improved any further, and not cut short then.
            let is_shortest =
                solution.trajectory.duration() <= solution.statistics.least_duration * (1.0 + 1e-9);
            let is_cancelled = solution.cut_short == Some(Budget::Cancelled);
            assert!(is_cancelled || is_shortest && solution.cut_short.is_none(), "{what}");
            let proof = certify(problem, &solution.trajectory, &CertifyOptions::default());
            assert!(proof.is_ok(), "{what}: {proof:?}");
        }
        Err(PlanError::Cancelled(unsolved)) => assert_eq!(unsolved.budget, Budget::Cancelled, "{what}"),
        Err(why) => panic!("{what}: {why}"),
    }
}

/// Raises a token at one of its calls, and tells what is asked of it afterwards.
struct Raising {
    inner: SimdChecker,
    token: CancelToken,
    calls: u64,
    at: u64,
    states_at: u64,
    calls_afterwards: u64,
}

impl Raising {
    fn new(problem: &Problem, resolution: f64, token: CancelToken, at: u64) -> Self {
        let inner = SimdChecker::new(problem, resolution);
        Self { inner, token, calls: 0, at, states_at: 0, calls_afterwards: 0 }
    }

    fn count(&mut self) {
        self.calls_afterwards += u64::from(self.token.is_cancelled());
        self.calls += 1;
        if self.calls == self.at {
            self.token.cancel();
            self.states_at = self.inner.states_checked();
        }
    }
}

impl EdgeChecker for Raising {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.count();
        self.inner.check(edges, verdicts)
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.count();
        self.inner.check_states(states, verdicts)
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.inner.screen(states, free)
    }

    fn screened_at_once(&self) -> usize {
        self.inner.screened_at_once()
    }

    fn set_padding(&mut self, metres: f64) {
        self.inner.set_padding(metres);
    }

    fn set_clearance(&mut self, metres: f64) {
        self.inner.set_clearance(metres);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.inner.set_resolution(metres);
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.inner.set_stop(stop);
    }

    fn states_checked(&self) -> u64 {
        self.inner.states_checked()
    }

    fn name(&self) -> String {
        "raising".to_owned()
    }
}

/// Cancelled from inside a check, be it in the search, in the refinement, or in what improves an answer, hardly
/// anything more is checked.
#[test]
fn little_is_checked_after_a_cancel() {
    for name in SCENES {
        let Scene { problem, options, .. } = scene(name);
        for at in [1, 2, 3, 5, 8, 13, 30, 80, 200, 500] {
            let token = CancelToken::new();
            let mut checker = Raising::new(&problem, options.spacing(&problem), token.clone(), at);
            let options =
                PlanOptions { improve: Some(Duration::MAX), ..cancellable(&options, token.clone()) };
            let answer = plan(&problem, &mut checker, &options);
            let what = format!("{name} at check {at}");
            is_sound(&problem, &answer, &what);
            if !token.is_cancelled() {
                // It was as short as can be before.
                continue;
            }
            let states = checker.inner.states_checked() - checker.states_at;
            assert!(states <= STATES_AFTERWARDS, "{what}: {states} states afterwards");
            assert!(checker.calls_afterwards <= 12, "{what}: {} checks afterwards", checker.calls_afterwards);
        }
    }
}

/// Whenever it is cancelled, what comes out holds; and to be asked changes nothing.
#[test]
fn a_query_can_be_cancelled_anywhere() {
    for name in SCENES {
        let Scene { problem, options, .. } = scene(name);
        let options = PlanOptions { searches: 2, polish_tries: 20, ..options };
        let (never, asked) = after_asks(u64::MAX);
        let counted = run(&problem, &cancellable(&options, never));
        let free = run(&problem, &PlanOptions { time_limit: None, ..options.clone() });
        let (Ok(counted), Ok(free)) = (counted, free) else { panic!("{name}") };
        assert_eq!((counted.trajectory, counted.cut_short), (free.trajectory, None), "{name}");
        let all = asked.load(Ordering::Relaxed);
        for part in 0..25 {
            let last = 1 + all * part / 25;
            let answer = run(&problem, &cancellable(&options, after_asks(last).0));
            is_sound(&problem, &answer, &format!("{name}, ask {last} of {all}"));
        }
    }
}

/// The beginning of a trajectory as one edge, over and over.
fn edges_of(trajectory: &Trajectory, count: usize) -> EdgeBatch {
    let mut edges = EdgeBatch::new(trajectory.dof(), 3);
    (0..count).for_each(|_| edges.push_trajectory(trajectory));
    edges
}

/// A single edge of a million samples is given up in the middle, and so is a batch; and the checker is as good as
/// new without its stop.
#[test]
fn checkers_give_up_inside_an_edge() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    let solution = run(&problem, &options).expect("a plan");
    let edges = edges_of(&solution.trajectory, 3);
    let lanes = Box::new(SimdChecker::new(&problem, 1e-6));
    let checkers: [Box<dyn EdgeChecker>; 2] = [lanes, Box::new(ScalarChecker::new(&problem, 1e-6))];
    for mut checker in checkers {
        let name = checker.name();
        let (token, asked) = after_asks(4);
        checker.set_stop(&Stop::new(None, Some(token)));
        let mut verdicts = Vec::new();
        checker.check(&edges, &mut verdicts).expect("it does not fail");
        assert_eq!(verdicts, [Verdict::UNCHECKED; 3], "{name}");
        assert!(!verdicts[0].is_valid() && verdicts[0].status() == Status::Unchecked);
        let states = checker.states_checked();
        assert!((1..=4 * 256).contains(&states) && asked.load(Ordering::Relaxed) == 4, "{name}: {states}");
        // Nothing more is done for later calls.
        let mut batch = StateBatch::new(problem.mechanism.dof());
        (0..1000).for_each(|_| {
            batch.push(&problem.start.position, &problem.start.velocity, &problem.start.velocity);
        });
        checker.check_states(&batch, &mut verdicts).expect("it does not fail");
        assert_eq!(verdicts, [Verdict::UNCHECKED; 1000], "{name}");
        let mut free = Vec::new();
        checker.screen(&batch, &mut free).expect("it does not fail");
        assert_eq!(free, [true; 1000], "{name}");
        assert!(checker.states_checked() <= states + 1, "{name}");
        checker.set_stop(&Stop::NEVER);
        checker.set_resolution(0.1);
        checker.check(&edges, &mut verdicts).expect("it does not fail");
        assert!(verdicts.iter().all(Verdict::is_valid), "{name}: {verdicts:?}");
    }
}

/// The case that took 40 s at a limit of 50 ms: samples a micrometre apart.
#[test]
fn edges_of_a_million_samples_end_in_time() {
    let Scene { problem, options, .. } = scene("panda_shelf");
    for backend in [Backend::Scalar, Backend::Simd] {
        let (token, _) = after_asks(20);
        let options = PlanOptions { resolution: Some(1e-6), ..cancellable(&options, token) };
        let mut checker = backend.checker(&problem, options.spacing(&problem)).expect("a backend");
        let answer = plan(&problem, &mut *checker, &options);
        is_sound(&problem, &answer, &checker.name());
        assert!(checker.states_checked() < 20 * 256, "{}", checker.states_checked());
    }
}

/// Searches without end, and answers improved without end, end with the token, and give the best there is by then.
#[test]
fn numbers_without_end_have_one() {
    for name in ["panda_table", "drive_dock", "planar_quadrotor_gap"] {
        let Scene { problem, options, .. } = scene(name);
        let (token, asked) = after_asks(u64::MAX);
        run(&problem, &cancellable(&options, token)).expect(name);
        let enough = 10 * asked.load(Ordering::Relaxed);
        // A limit that the clock cannot tell is none.
        let options = PlanOptions { time_limit: Some(Duration::MAX), ..options };
        let endless = [
            PlanOptions { searches: u32::MAX, ..options.clone() },
            PlanOptions { improve: Some(Duration::MAX), ..options.clone() },
        ];
        for options in endless {
            let answer = run(&problem, &PlanOptions { cancel: Some(after_asks(enough).0), ..options });
            is_sound(&problem, &answer, name);
            answer.expect(name);
        }
        // What is refined without end before there is a proof ends without an answer.
        for (shortcut_tries, polish_tries) in [(u32::MAX, 0), (16, u32::MAX), (u32::MAX, u32::MAX)] {
            let cancel = Some(after_asks(enough).0);
            let answer =
                run(&problem, &PlanOptions { shortcut_tries, polish_tries, cancel, ..options.clone() });
            is_sound(&problem, &answer, name);
        }
    }
}

/// A batch as large as can be is cancelled while it is drawn, steered and checked.
#[test]
fn a_huge_batch_is_cancelled_in_any_of_its_phases() {
    for name in ["panda_cage", "panda_smooth"] {
        let Scene { problem, options, .. } = scene(name);
        // A search asks once in 16 samples, and once in 64 edges that it steers or takes over.
        for last in [10, 100, 1020, 1030, 1050, 1200, 1400] {
            let options = PlanOptions { batch: 1 << 14, ..cancellable(&options, after_asks(last).0) };
            let answer = run(&problem, &options);
            is_sound(&problem, &answer, name);
            let samples =
                answer.map_or_else(|why| why.statistics(), |solution| solution.statistics).iterations;
            assert!(samples <= 16 * last + 16, "{name}: {samples}");
        }
    }
}

/// With no time at all nothing is searched for, and hardly a state is looked at.
#[test]
fn without_time_nothing_is_done() {
    for name in SCENES {
        let Scene { problem, options, .. } = scene(name);
        let late = PlanOptions { time_limit: Some(Duration::ZERO), ..options.clone() };
        for (options, wanted) in
            [(late, Budget::Time), (cancellable(&options, cancelled()), Budget::Cancelled)]
        {
            let mut checker = SimdChecker::new(&problem, options.spacing(&problem));
            let error = plan(&problem, &mut checker, &options).expect_err(name);
            let Unsolved { budget, statistics, hint } =
                error.unsolved().unwrap_or_else(|| panic!("{name}: {error}"));
            assert_eq!((*budget, statistics.iterations, hint), (wanted, 0, &None), "{name}");
            assert_eq!(matches!(error, PlanError::Cancelled(_)), wanted == Budget::Cancelled, "{name}");
            assert_eq!(checker.states_checked(), 0, "{name}");
            // The stop was for the call alone.
            plan(&problem, &mut checker, &scene(name).options).expect(name);
        }
    }
}

/// What braking would hit is told after the time is up, but not to whoever has cancelled.
#[test]
fn whoever_cancels_does_not_wait_for_a_hint() {
    let Scene { mut problem, options, .. } = scene("panda_moving_start");
    let start = problem.start.clone();
    let ahead: Vec<f64> = start.position.iter().zip(&start.velocity).map(|(p, v)| p + 0.05 * v).collect();
    let mut poses = Vec::new();
    problem.mechanism.place(&ahead, &mut poses);
    let hand = problem.mechanism.links.iter().max_by_key(|link| link.body).expect("links");
    let center = poses[hand.body].point(hand.bound.center);
    let pose = flatout::pose::Pose::from_translation(center);
    problem.world.obstacles.push(Obstacle {
        name: "ball".into(),
        shape: Shape::Sphere { radius: 0.03 },
        pose,
    });
    let few = PlanOptions { max_samples: 20, time_limit: None, ..options.clone() };
    let is_hinted = |answer: &Result<Solution, PlanError>| {
        let unsolved = answer.as_ref().err().and_then(PlanError::unsolved);
        unsolved.is_some_and(|unsolved| matches!(unsolved.hint, Some(FailureHint::Braking(_))))
    };
    let answer = run(&problem, &few);
    if is_hinted(&answer) {
        assert!(!is_hinted(&run(&problem, &cancellable(&options, after_asks(30).0))));
    } else {
        answer.expect_err("the ball is in the way");
    }
}

/// Statistics tell all of the call: at least what making its checkers takes, at most what passes outside.
#[test]
fn statistics_cover_the_whole_call() {
    let Scene { problem, options, .. } = scene("panda_table");
    let pause = Duration::from_millis(30);
    let make = || {
        std::thread::sleep(pause);
        Backend::Simd.checker(&problem, options.spacing(&problem))
    };
    let check = |statistics: Statistics, least: Duration, began: Instant| {
        let Statistics { setup, plan, refine, certify, .. } = statistics;
        assert_eq!(statistics.total(), setup + plan + refine + certify);
        assert!(statistics.total() >= least && statistics.total() <= began.elapsed(), "{statistics:?}");
    };
    let began = Instant::now();
    let solution = plan_on_threads(&problem, make, &options, 1).expect("a plan");
    check(solution.statistics, pause, began);
    // And the same is what a limit is held against.
    let short = PlanOptions { time_limit: Some(pause / 2), ..options.clone() };
    let began = Instant::now();
    let error = plan_on_threads(&problem, make, &short, 1).expect_err("it is late");
    assert_eq!(error.unsolved().map(|unsolved| unsolved.budget), Some(Budget::Time), "{error}");
    check(error.statistics(), pause, began);
    // A replan's are of the whole replan.
    let departure = Departure { running: &solution.trajectory, from: 0.1 };
    let began = Instant::now();
    let answer = replan_by(&problem, &options, &departure, &mut |problem, options| {
        std::thread::sleep(pause);
        run(problem, options)
    });
    check(answer.expect("a plan").statistics, pause, began);
}

/// The answer of a scene, to be driven.
fn driven(name: &str) -> (Scene, Solution) {
    let scene = scene(name);
    let options = PlanOptions { time_limit: None, ..scene.options.clone() };
    let solution = run(&scene.problem, &options).expect(name);
    (scene, solution)
}

/// To the same goal, nobody arrives later for having replanned.
#[test]
fn a_replan_is_never_longer_than_driving_on() {
    for name in SCENES.into_iter().chain(["panda_lift", "car_trailer"]) {
        let (Scene { problem, options, .. }, running) = driven(name);
        let running = running.trajectory;
        let mut checker = SimdChecker::new(&problem, options.spacing(&problem));
        for part in [1, 3, 6] {
            let departure = Departure { running: &running, from: running.duration() * f64::from(part) / 8.0 };
            for seed in 0..2 {
                let options = PlanOptions { seed, time_limit: None, max_samples: 300, ..options.clone() };
                let solution = replan(&problem, &mut checker, &options, &departure)
                    .unwrap_or_else(|why| panic!("{name} at {part}: {why}"));
                let rest = running.duration() - departure.from;
                assert!(solution.trajectory.duration() <= rest + 1e-9, "{name} at {part}");
                let here = departure.problem(&problem);
                let mut certifier = Certifier::new(&here, CertifyOptions::default()).under_way();
                certifier.certify(&solution.trajectory).expect("a certificate");
            }
        }
    }
}

/// Driving on is an answer where there is no time for another, or the planner refuses.
#[test]
fn driving_on_is_an_answer_where_there_is_no_other() {
    let (Scene { problem, options, .. }, running) = driven("panda_shelf");
    let running = running.trajectory;
    let departure = Departure { running: &running, from: 0.4 * running.duration() };
    let rest = running.duration() - departure.from;
    let errors = [
        (spent(Budget::Time), Some(Budget::Time)),
        (spent(Budget::Cancelled), Some(Budget::Cancelled)),
        (PlanError::Unsupported("it turns".to_owned()), None),
    ];
    for (error, cut_short) in errors {
        let mut calls = 0;
        let answer = replan_by(&problem, &options, &departure, &mut |_, _| {
            calls += 1;
            Err(error.clone())
        });
        let solution = answer.expect("it drives on");
        assert_eq!((calls, solution.cut_short), (1, cut_short));
        assert!((solution.trajectory.duration() - rest).abs() < 1e-12);
        assert_eq!(solution.statistics.raw_duration, solution.trajectory.duration());
    }
    // It gets all of the budgets, as nothing else is to be tried.
    let options = PlanOptions { max_samples: 1000, ..options };
    let answer = replan_by(&problem, &options, &departure, &mut |_, options| {
        assert_eq!(options.max_samples, 1000);
        Err(spent(Budget::Samples))
    });
    answer.expect("it drives on");
}

/// What stands in the way of the rest, or is no longer a goal, is not driven on to; what stands where the robot was
/// matters to nobody.
#[test]
fn only_what_lies_ahead_is_judged() {
    let (Scene { problem, options, .. }, running) = driven("panda_table");
    let running = running.trajectory;
    let (before, from) = (0.2 * running.duration(), 0.6 * running.duration());
    let departure = Departure { running: &running, from };
    let at = |share: f64| {
        let mut poses = Vec::new();
        let state = JointState::on(&running, share * running.duration(), Smoothness::Acceleration);
        problem.mechanism.place(&state.position, &mut poses);
        let hand = problem.mechanism.links.iter().max_by_key(|link| link.body).expect("links");
        poses[hand.body].point(hand.bound.center)
    };
    let with = |place| {
        let pose = flatout::pose::Pose::from_translation(place);
        let ball = Obstacle { name: "ball".into(), shape: Shape::Sphere { radius: 0.01 }, pose };
        let obstacles = problem.world.obstacles.iter().cloned().chain([ball]).collect();
        Problem { world: World { obstacles }, ..problem.clone() }
    };
    let drives_on = |problem: &Problem| {
        replan_by(problem, &options, &departure, &mut |_, _| Err(spent(Budget::Samples))).is_ok()
    };
    let (behind, ahead) = (with(at(0.1)), with(at(0.8)));
    assert!(drives_on(&problem) && drives_on(&behind) && !drives_on(&ahead));
    let elsewhere = Problem { goals: vec![problem.start.clone()], ..problem.clone() };
    assert!(!drives_on(&elsewhere));
    // Of the whole, the past is judged only where it is asked for.
    let rest = running.cut(from, running.duration());
    let proof = CertifyOptions::default();
    assert!(departure.join(&problem, &rest, &proof).is_ok());
    assert!(departure.join(&behind, &rest, &proof).is_err());
    let (left, certificate) = departure.ahead(before, &behind, &rest, &proof).expect("what is ahead is free");
    assert!((left.duration() - (running.duration() - before)).abs() < 1e-9);
    assert!(certificate.clearance().at_least > 0.0);
    assert!(departure.ahead(before, &ahead, &rest, &proof).is_err());
    let all = departure.ahead(f64::INFINITY, &problem, &rest, &proof).expect("from the departure on").0;
    assert!((all.duration() - rest.duration()).abs() < 1e-12);
}

/// A cover that is broken off anywhere is an error, never a cover that holds less.
#[test]
fn covers_are_broken_off_anywhere() {
    let pose = flatout::pose::Pose::IDENTITY;
    let solid = Solid::Primitive(Shape::Cylinder { radius: 0.1, half_length: 0.2 }, pose);
    let options = CoverOptions { max_spheres: 8, tolerance: 0.005 };
    let (never, asked) = after_asks(u64::MAX);
    let whole = cover_until(&solid, &options, &Stop::new(None, Some(never))).expect("a cover");
    assert_eq!(whole, cover(&solid, &options).expect("a cover"));
    let all = asked.load(Ordering::Relaxed);
    for part in 0..12 {
        let (token, _) = after_asks(1 + all * part / 12);
        let broken = cover_until(&solid, &options, &Stop::new(None, Some(token)));
        assert!(broken.is_err_and(|e| e.to_string().contains("broken off")), "{part}");
    }
}

/// Loading a robot is broken off in its covers.
#[test]
fn loading_is_cancelled() {
    let urdf = r#"<robot name="box"><link name="base"><collision><geometry><box size="1 2 3"/></geometry></collision></link></robot>"#;
    let options =
        |cancel| LoadOptions { cancel, comparisons: 1, cache: CoverCache::Off, ..LoadOptions::default() };
    assert!(Robot::parse(urdf, None, None, &options(Some(CancelToken::new()))).is_ok());
    let error = Robot::parse(urdf, None, None, &options(Some(cancelled()))).expect_err("it is cancelled");
    assert!(error.to_string().contains("broken off"), "{error}");
}

/// Options that differ in nothing but whose token they hold are not the same.
#[test]
fn options_compare_their_tokens() {
    let token = CancelToken::new();
    let with = |token: &CancelToken| PlanOptions { cancel: Some(token.clone()), ..PlanOptions::default() };
    assert_eq!(with(&token), with(&token));
    assert_ne!(with(&token), with(&CancelToken::new()));
    assert_ne!(with(&token), PlanOptions::default());
}

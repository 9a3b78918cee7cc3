//! Linear systems: planned, certified, written and read again, beside an oracle that knows neither planner nor certificate:
//! integration by Runge and Kutta's method, and dense samples.

mod common;

use common::command::{flatout, folder, read, string, write};
use flatout::certify::{LinearCertificate, LinearTolerances, LinearViolation, certify_linear};
use flatout::exchange::{Format, LinearExport, NamedTrajectory};
use flatout::plan::rrt_star::{LinearPlanError, LinearPlanOptions, LinearSolution, Neighbours, plan_linear};
use flatout::pose::Pose;
use flatout::problem::{LinearProblem, StateFault, Variable};
use flatout::scene::{LinearScene, Scene};
use flatout::steer::LinearSystem;
use flatout::trajectory::Trajectory;
use flatout::world::{Shape, World};
use glam::DVec3;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenes/{name}.yaml"))
}

fn scene(name: &str) -> LinearScene {
    LinearScene::load(&file(name)).unwrap_or_else(|e| panic!("{e}"))
}

fn solved(problem: &LinearProblem, options: &LinearPlanOptions) -> LinearSolution {
    plan_linear(problem, options).unwrap_or_else(|why| panic!("{why}"))
}

/// No clock decides what comes of it.
fn patient(options: LinearPlanOptions) -> LinearPlanOptions {
    LinearPlanOptions { time_limit: None, improve: None, ..options }
}

/// States and controls at a time.
fn at(motion: &Trajectory, t: f64) -> Vec<f64> {
    let mut values = vec![0.0; motion.dof()];
    motion.evaluate(t, 0, &mut values);
    values
}

/// A x + B u + c.
fn rates(problem: &LinearProblem, state: &[f64], control: &[f64]) -> Vec<f64> {
    let sum = |row: &[f64], values: &[f64]| row.iter().zip(values).map(|(a, x)| a * x).sum::<f64>();
    let of = |i: usize| sum(&problem.a[i], state) + sum(&problem.b[i], control) + problem.c[i];
    (0..state.len()).map(of).collect()
}

/// Distance of the ball from the nearest obstacle, metres.
fn distance(problem: &LinearProblem, state: &[f64]) -> f64 {
    let mut place = DVec3::ZERO;
    problem.place.iter().enumerate().for_each(|(axis, &i)| place[axis] = state[i]);
    let all = problem.world.obstacles.iter().map(|o| o.signed_distance(place) - problem.radius);
    all.fold(f64::INFINITY, f64::min)
}

/// What samples and integration say of a motion.
struct Seen {
    /// How far the states integrated under the controls are off those of the motion, at most, relative to values above 1.
    drift: f64,
    /// By how much a bound is exceeded, at most.
    beyond: f64,
    /// Least distance from an obstacle, metres.
    distance: f64,
    /// The integral of u' R u.
    effort: f64,
}

/// The oracle: each piece is integrated from where the motion has it begin.
fn oracle(problem: &LinearProblem, motion: &Trajectory) -> Seen {
    let n = problem.states.len();
    let mut seen = Seen { drift: 0.0, beyond: f64::NEG_INFINITY, distance: f64::INFINITY, effort: 0.0 };
    for (segment, start) in motion.segments().zip(motion.knots()) {
        let steps = (segment.duration / 2e-3).ceil().max(20.0);
        let h = segment.duration / steps;
        let local = |t: f64| {
            let mut values = vec![0.0; motion.dof()];
            segment.evaluate(t, 0, &mut values);
            values
        };
        let mut x = local(0.0)[..n].to_vec();
        for k in 0..=steps as usize {
            let t = k as f64 * h;
            let values = local(t);
            for (i, (value, v)) in
                values.iter().zip(problem.states.iter().chain(&problem.controls)).enumerate()
            {
                seen.beyond = seen.beyond.max(value - v.upper).max(v.lower - value);
                if i < n {
                    seen.drift = seen.drift.max((value - x[i]).abs() / value.abs().max(1.0));
                }
            }
            seen.distance = seen.distance.min(distance(problem, &values));
            let controls =
                [0.0, 0.5, 1.0].map(|share| local((t + share * h).min(segment.duration))[n..].to_vec());
            let power = |u: &Vec<f64>| -> f64 {
                (0..u.len())
                    .flat_map(|i| (0..u.len()).map(move |j| (i, j)))
                    .map(|(i, j)| u[i] * problem.r[i][j] * u[j])
                    .sum()
            };
            if k < steps as usize {
                let [a, b, c] = controls.each_ref().map(power);
                seen.effort += h / 6.0 * (a + 4.0 * b + c);
                x = runge_kutta(problem, &x, &controls, h);
            }
        }
        assert!(start.is_finite());
    }
    seen
}

/// A step under controls at its beginning, middle and end.
fn runge_kutta(problem: &LinearProblem, x: &[f64], [u0, u1, u2]: &[Vec<f64>; 3], h: f64) -> Vec<f64> {
    let moved = |k: &[f64], h: f64| x.iter().zip(k).map(|(x, k)| x + h * k).collect::<Vec<_>>();
    let k1 = rates(problem, x, u0);
    let k2 = rates(problem, &moved(&k1, h / 2.0), u1);
    let k3 = rates(problem, &moved(&k2, h / 2.0), u1);
    let k4 = rates(problem, &moved(&k3, h), u2);
    (0..x.len()).map(|i| x[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i])).collect()
}

/// A certificate says what the oracle sees.
#[track_caller]
fn agrees(problem: &LinearProblem, motion: &Trajectory, certificate: &LinearCertificate) {
    let seen = oracle(problem, motion);
    assert!(seen.drift < 1e-6, "states drift by {}", seen.drift);
    assert!(seen.beyond < 1e-6, "beyond bounds by {}", seen.beyond);
    assert!(seen.distance > 0.0, "{} m inside", -seen.distance);
    let world = &certificate.world;
    assert!(world.at_least <= seen.distance + 1e-9, "{} m proved, {} m seen", world.at_least, seen.distance);
    if let Some(nearest) = &world.nearest {
        assert!(
            world.at_least > nearest.distance - 1.1e-4,
            "{} m proved of {}",
            world.at_least,
            nearest.distance
        );
    }
    let LinearCertificate { duration, effort, cost, goal, .. } = *certificate;
    assert!((effort - seen.effort).abs() < 1e-6 * cost, "an effort of {effort}, {} integrated", seen.effort);
    assert!((duration - motion.duration()).abs() < 1e-9 && (cost - duration - effort).abs() < 1e-9 * cost);
    for (t, wanted) in [(0.0, &problem.start), (duration, &problem.goals[goal])] {
        let values = at(motion, t);
        assert!(
            wanted.iter().zip(&values).all(|(w, v)| (w - v).abs() < 1e-6 * w.abs().max(1.0)),
            "{values:?}"
        );
    }
    for knot in &motion.knots()[1..motion.len()] {
        let sides = [-1e-9, 1e-9].map(|by| at(motion, knot + by));
        let n = problem.states.len();
        assert!(
            sides[0][..n].iter().zip(&sides[1]).all(|(a, b)| (a - b).abs() < 1e-5),
            "a jump at {knot}: {sides:?}"
        );
    }
}

const SCENES: [&str; 2] = ["linear_quadrotor", "linear_spring"];

#[test]
fn scenes_are_planned_and_the_oracle_agrees() {
    for name in SCENES {
        let LinearScene { problem, options } = scene(name);
        let solution = solved(&problem, &patient(options));
        agrees(&problem, &solution.trajectory, &solution.certificate);
        let (cost, least) = (solution.certificate.cost, solution.statistics.least_cost);
        assert!(
            least > 0.0 && least <= cost && (0.0..1.0).contains(&solution.gap()),
            "{name}: {cost} of {least}"
        );
        assert!(solution.certificate.residual < 1e-9, "{name}: {}", solution.certificate.residual);
    }
}

/// What is written is read again to the bit, with columns for all states and controls.
#[test]
fn motions_survive_being_written() {
    let LinearScene { problem, options } = scene("linear_spring");
    let LinearSolution { trajectory, .. } = solved(&problem, &patient(options));
    let export = LinearExport::new(&problem, &trajectory);
    for format in [Format::Json, Format::Csv] {
        let text = export.text(format).unwrap();
        let again = NamedTrajectory::parse(&text, format).unwrap().of_linear(&problem).unwrap();
        assert_eq!(again, trajectory, "{format:?}");
    }
    let csv = export.text(Format::Csv).unwrap();
    assert!(csv.starts_with("t,x,y,vx,vy,fx,fy,duration,c0_x,"), "{}", &csv[..80]);
    let said = export.text(Format::JointTrajectory).unwrap_err().to_string();
    assert!(said.contains("not the motion of a linear system"), "{said}");
    // Other columns, other names, and points are refused.
    let named = NamedTrajectory::parse(&csv.replace("_vx", "_wx"), Format::Csv).unwrap();
    let said = named.of_linear(&problem).unwrap_err().to_string();
    assert!(said.contains("unknown state or control \"wx\""), "{said}");
    let points = NamedTrajectory::parse("t,q_x,q_y\n0,0,0\n1,1,1\n", Format::Csv).unwrap();
    assert!(points.of_linear(&problem).unwrap_err().to_string().contains("points do not tell"));
}

/// Scenes survive being written too, with goals of several, controls of which one has no bound on one side, and names that
/// YAML would take for something else.
#[test]
fn scenes_survive_being_written() {
    let changed = |name: &str| {
        let mut scene = scene(name);
        let LinearScene { problem, options } = &mut scene;
        problem.states[1].name = "no".to_owned();
        (problem.controls[0].upper, problem.controls[1].name) = (f64::INFINITY, "null".to_owned());
        problem.controls.iter_mut().for_each(|control| control.lower = f64::NEG_INFINITY);
        (problem.r[0][1], problem.r[1][0]) = (0.05, 0.05);
        problem.c[0] = 0.1 + 0.2;
        problem.goals.push(problem.start.clone());
        problem.world.obstacles.iter_mut().for_each(|obstacle| obstacle.name.push_str(": {1}"));
        let neighbours = Neighbours::Within(1.25);
        *options =
            LinearPlanOptions { seed: u64::MAX, time_limit: None, neighbours, samples: 0, ..options.clone() };
        options.improve = Some(Duration::from_millis(1500));
        scene
    };
    for scene in SCENES.map(scene).into_iter().chain(SCENES.map(changed)) {
        let text = scene.to_yaml();
        let again = LinearScene::read(&text, Path::new("a.yaml")).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let (a, b) = (&scene.problem, &again.problem);
        assert_eq!((&a.a, &a.b, &a.c, &a.r), (&b.a, &b.b, &b.c, &b.r), "{text}");
        assert_eq!((&a.states, &a.controls, &a.place), (&b.states, &b.controls, &b.place), "{text}");
        assert_eq!(
            (a.radius.to_bits(), &a.start, &a.goals),
            (b.radius.to_bits(), &b.start, &b.goals),
            "{text}"
        );
        assert_eq!(a.world.obstacles.len(), b.world.obstacles.len());
        for (a, b) in a.world.obstacles.iter().zip(&b.world.obstacles) {
            assert_eq!((&a.name, a.shape, a.pose), (&b.name, b.shape, b.pose), "{text}");
        }
        assert_eq!(scene.options, again.options, "{text}");
        assert_eq!(again.to_yaml(), text);
    }
}

/// More samples never make an answer dearer, and the same seed makes the same answer.
#[test]
fn answers_get_no_dearer() {
    for name in SCENES {
        let LinearScene { problem, options } = scene(name);
        let mut costs = Vec::new();
        for samples in [1, 60, 150] {
            let options = LinearPlanOptions { samples, ..patient(options.clone()) };
            costs.push(solved(&problem, &options).certificate.cost);
        }
        assert!(costs.is_sorted_by(|a, b| *b <= a * (1.0 + 1e-9)), "{name}: {costs:?}");
        let again = LinearPlanOptions { samples: 150, ..patient(options.clone()) };
        assert_eq!(solved(&problem, &again).certificate.cost.to_bits(), costs[2].to_bits());
        let longer = LinearPlanOptions { improve: Some(Duration::from_millis(300)), ..options };
        let solution = solved(&problem, &LinearPlanOptions { samples: 0, ..longer });
        let first = solution.statistics.first_cost.unwrap();
        assert!(solution.certificate.cost <= first * (1.0 + 1e-9), "{name}");
    }
}

/// Kinds of random systems in a plane: x, y and their rates, pushed along both.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nilpotent,
    Stable,
    Oscillating,
    Unstable,
}

/// A random system among balls; numbers from -1 to 1 decide.
fn random(kind: Kind, numbers: &[f64], obstacles: usize) -> LinearProblem {
    let mut numbers = numbers.iter().copied().cycle();
    let mut next = |scale: f64| scale * numbers.next().unwrap();
    let mut a = vec![vec![0.0; 4]; 4];
    (a[0][2], a[1][3]) = (1.0, 1.0);
    for i in [2, 3] {
        let [spring, damping] = match kind {
            Kind::Nilpotent => [0.0, 0.0],
            Kind::Stable => [-1.0 + next(0.5), -1.0 + next(0.5)],
            Kind::Oscillating => [-3.0 + next(1.0), 0.0],
            Kind::Unstable => [0.5 + next(0.3), 0.3 + next(0.3)],
        };
        (a[i][i - 2], a[i][i]) = (spring, damping);
    }
    if matches!(kind, Kind::Stable | Kind::Oscillating) {
        a[2][1] = next(0.3);
        a[3][2] = next(0.2);
    }
    let b =
        vec![vec![0.0; 2], vec![0.0; 2], vec![1.0 + next(0.3), next(0.3)], vec![next(0.3), 1.0 + next(0.3)]];
    let mut world = World::default();
    let (start, goal) = ([-2.5, next(1.0), next(1.0), next(1.0)], [2.5, next(1.0), next(1.0), next(1.0)]);
    for i in 0..obstacles {
        let center = DVec3::new(next(1.5), next(2.5), 0.0);
        world
            .add(&format!("ball {i}"), Shape::sphere(0.35 + next(0.15)), Pose::from_translation(center))
            .unwrap();
    }
    let off = next(0.2);
    LinearProblem {
        a,
        b,
        c: vec![0.0, 0.0, next(0.5), next(0.5)],
        r: vec![vec![0.5, off], vec![off, 0.7]],
        states: ["x", "y", "vx", "vy"].map(|name| Variable::new(name, -6.0, 6.0)).into(),
        controls: ["ux", "uy"].map(|name| Variable::new(name, -20.0, 20.0)).into(),
        place: vec![0, 1],
        radius: 0.1,
        world,
        start: start.to_vec(),
        goals: vec![goal.to_vec()],
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Nilpotent), Just(Kind::Stable), Just(Kind::Oscillating), Just(Kind::Unstable)]
}

fn numbers() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0_f64, 61)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Random systems of all kinds are planned, and the oracle finds nothing wrong.
    #[test]
    fn random_systems_are_planned_and_the_oracle_agrees(kind in kind(), numbers in numbers()) {
        let problem = random(kind, &numbers, 4);
        let options = LinearPlanOptions { samples: 40, max_samples: 400, time_limit: None, ..LinearPlanOptions::default() };
        match plan_linear(&problem, &options) {
            Ok(solution) => agrees(&problem, &solution.trajectory, &solution.certificate),
            Err(LinearPlanError::Unsolved(_)) => {}
            Err(LinearPlanError::Start(fault) | LinearPlanError::Goal(fault)) => {
                let is_collision = matches!(fault, StateFault::Collision { .. });
                prop_assert!(is_collision, "{}", fault);
            }
            Err(why) => prop_assert!(false, "{}", why),
        }
    }

    /// Any motion of a system, valid or not: the certificate refuses what samples see, and proves what they do not.
    #[test]
    fn the_certificate_judges_as_samples_do(kind in kind(), numbers in numbers()) {
        let problem = random(kind, &numbers, 3);
        let LinearProblem { a, b, c, r, .. } = &problem;
        let system = LinearSystem::new(a, b, c, r).unwrap();
        let connection = system.connect(&problem.start, &problem.goals[0], f64::INFINITY).unwrap();
        let motion = system.motion(&connection);
        let seen = oracle(&problem, &motion);
        match certify_linear(&problem, &motion, &LinearTolerances::default()) {
            Ok(certificate) => {
                agrees(&problem, &motion, &certificate);
                prop_assert!((certificate.cost - connection.cost).abs() < 1e-6 * connection.cost);
            }
            Err(why) => {
                for violation in &why.0 {
                    match violation {
                        LinearViolation::Collision { depth, .. } => {
                            prop_assert!((depth + seen.distance).abs() < 2e-3, "{} m, seen {}", depth, -seen.distance);
                        }
                        LinearViolation::Bound { .. } => prop_assert!(seen.beyond > -1e-3, "{}", violation),
                        LinearViolation::ClearanceNotProved { .. } => prop_assert!(seen.distance < 1e-3, "{}", violation),
                        other => prop_assert!(false, "{}", other),
                    }
                }
            }
        }
    }
}

/// A motion with one of its numbers changed.
fn changed(motion: &Trajectory, segment: usize, output: usize, power: usize, by: f64) -> Trajectory {
    let mut all = Trajectory::new(motion.dof(), motion.degree());
    for (i, piece) in motion.segments().enumerate() {
        let mut coefficients = piece.coefficients.to_vec();
        if i == segment {
            coefficients[output * (motion.degree() + 1) + power] += by;
        }
        all.push(piece.duration, &coefficients);
    }
    all
}

/// Each fault that is seeded is caught, under its name, whatever else it brings with it.
#[test]
fn seeded_faults_are_caught() {
    for name in SCENES {
        let LinearScene { problem, options } = scene(name);
        let motion = solved(&problem, &patient(options)).trajectory;
        let n = problem.states.len();
        let kinds = |problem: &LinearProblem, motion: &Trajectory| {
            let why = certify_linear(problem, motion, &LinearTolerances::default()).expect_err(name);
            why.0.iter().map(LinearViolation::kind).collect::<Vec<_>>()
        };
        let says = |problem: &LinearProblem, motion: &Trajectory, kind: &str| {
            let all = kinds(problem, motion);
            assert!(all.contains(&kind), "{name}: {all:?} without {kind}");
        };
        let last = motion.len() - 1;
        assert!(motion.len() > 1);
        // States and controls that are not those of the equations, by little.
        for output in 0..motion.dof() {
            for segment in [0, last / 2, last] {
                says(&problem, &changed(&motion, segment, output, 1, 1e-4), "equation");
            }
        }
        says(&problem, &changed(&motion, 0, 0, 0, 1e-4), "start");
        says(&problem, &changed(&motion, last, 1, 0, 1e-4), "goal");
        says(&problem, &changed(&motion, last, 1, 0, 1e-4), "jump");
        says(&problem, &motion.stretched(1.0 + 1e-4), "equation");
        says(&problem, &motion.cut(0.0, 0.9 * motion.duration()), "goal");
        says(&problem, &motion.cut(0.1 * motion.duration(), motion.duration()), "start");
        // Equations that are not those of the motion, by little.
        let changes: [fn(&mut LinearProblem); 3] =
            [|p| p.a[0][1] += 1e-3, |p| p.b[2][0] += 1e-3, |p| p.c[3] += 1e-3];
        for change in changes {
            let mut other = problem.clone();
            change(&mut other);
            says(&other, &motion, "equation");
        }
        // Bounds that are tighter than what is taken, each by itself.
        for output in 0..motion.dof() {
            let extrema = motion.extrema(output, 0);
            let mut other = problem.clone();
            let variable =
                if output < n { &mut other.states[output] } else { &mut other.controls[output - n] };
            if extrema.max - extrema.min > 1e-3 {
                variable.upper = extrema.max - 1e-6 * extrema.max.abs().max(1.0);
                says(&other, &motion, "bound");
            }
        }
        // Needles across the way, which samples would step over.
        for share in [0.2, 0.5, 0.77] {
            let values = at(&motion, share * motion.duration());
            let mut other = problem.clone();
            let mut place = DVec3::ZERO;
            problem.place.iter().enumerate().for_each(|(axis, &i)| place[axis] = values[i]);
            other.radius = 1e-4;
            other.world = World::default();
            other.world.add("needle", Shape::sphere(1e-5), Pose::from_translation(place)).unwrap();
            says(&other, &motion, "collision");
        }
        // Not even a motion.
        says(&problem, &Trajectory::new(motion.dof(), 3), "malformed");
        says(&problem, &Trajectory::new(1, 3), "malformed");
        says(&problem, &changed(&motion, 0, 0, 2, f64::NAN), "malformed");
    }
}

/// Jumps that are nothing one by one may not add up.
#[test]
fn small_jumps_do_not_add_up() {
    let mut problem = random(Kind::Nilpotent, &[0.0], 0);
    problem.goals = vec![vec![2.5, 0.0, 0.0, 0.0]];
    problem.start = vec![-2.5, 0.0, 0.0, 0.0];
    let mut motion = Trajectory::new(6, 1);
    // It stands, and jumps five metres by jumps of less than the tolerance.
    let (pieces, by) = (200, 9e-8);
    for i in 0..pieces {
        motion.push(0.01, &[-2.5 + by * f64::from(i), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
    problem.goals = vec![vec![-2.5 + by * f64::from(pieces - 1), 0.0, 0.0, 0.0]];
    let why = certify_linear(&problem, &motion, &LinearTolerances::default()).unwrap_err();
    assert!(why.0.iter().any(|v| matches!(v, LinearViolation::Jump { .. })), "{why}");
}

/// A start that is the goal has a motion of no length.
#[test]
fn a_start_that_is_the_goal_is_an_answer() {
    let LinearScene { mut problem, options } = scene("linear_spring");
    problem.goals = vec![problem.start.clone()];
    let solution = solved(&problem, &options);
    assert_eq!((solution.certificate.duration, solution.certificate.cost), (0.0, 0.0));
    let text = LinearExport::new(&problem, &solution.trajectory).text(Format::Json).unwrap();
    let again = NamedTrajectory::parse(&text, Format::Json).unwrap().of_linear(&problem).unwrap();
    certify_linear(&problem, &again, &LinearTolerances::default()).unwrap();
}

/// In empty space the first answer is the best, and is told to be.
#[test]
fn in_empty_space_there_is_no_gap() {
    let LinearScene { mut problem, options } = scene("linear_spring");
    problem.world = World::default();
    problem.states.iter_mut().for_each(|state| (state.lower, state.upper) = (-100.0, 100.0));
    problem.controls.iter_mut().for_each(|c| (c.lower, c.upper) = (f64::NEG_INFINITY, f64::INFINITY));
    let solution = solved(&problem, &options);
    assert!(solution.gap() < 1e-9 && solution.statistics.samples == 0, "{:?}", solution.statistics);
}

/// Why there is no answer is said with numbers.
#[test]
fn failures_say_why() {
    let LinearScene { problem, options } = scene("linear_spring");
    let mut closed = problem.clone();
    let gap = Shape::cuboid(DVec3::new(0.2, 10.0, 2.0));
    closed.world.add("door", gap, Pose::from_translation(DVec3::new(0.6, 0.0, 0.0))).unwrap();
    let brief = LinearPlanOptions { max_samples: 40, ..patient(options.clone()) };
    let said = plan_linear(&closed, &brief).unwrap_err().to_string();
    for part in ["40 samples", "would cost", "mm inside"] {
        assert!(said.contains(part), "{said}");
    }
    let mut far = problem.clone();
    far.goals = vec![vec![5.0, 0.0, 0.0, 0.0]];
    let said = plan_linear(&far, &brief).unwrap_err().to_string();
    assert!(said.contains("goal: \"x\" is 5; expected -3 to 3"), "{said}");
    let mut inside = problem.clone();
    inside.start = vec![-1.0, 0.0, 0.0, 0.0];
    let said = plan_linear(&inside, &brief).unwrap_err().to_string();
    assert!(said.contains("start: the ball is 0.5000 m inside \"pillar\""), "{said}");
    // One of several goals that cannot be reached does not matter.
    let mut several = problem;
    several.goals.insert(0, far.goals[0].clone());
    assert_eq!(solved(&several, &patient(options.clone())).certificate.goal, 1);
    let late = LinearPlanOptions { time_limit: Some(Duration::from_nanos(1)), ..options };
    assert!(matches!(plan_linear(&closed, &late), Err(LinearPlanError::Unsolved(_))));
    let odd = LinearPlanOptions { neighbours: Neighbours::Cost(-1.0), ..late };
    assert!(
        matches!(plan_linear(&closed, &odd), Err(LinearPlanError::Invalid(why)) if why.field == "options.neighbours")
    );
}

/// What is wrong with a scene is told with file, line and key, and what was expected.
#[test]
fn scenes_that_make_no_sense_are_refused_where_they_do_not() {
    let text = std::fs::read_to_string(file("linear_spring")).unwrap();
    let line = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "    - [0, 0, 1, 0]\n",
            "    - [0, 0, 1]\n",
            "[0, 0, 1, 0]",
            "linear.A[0]: expected a row of 4 numbers",
        ),
        (
            "    - [0, 0, 1, 0]\n",
            "    - [0, 0, .nan, 0]\n",
            "[0, 0, 1, 0]",
            "linear.A[0][2]: expected a finite number",
        ),
        ("    - [0, 1]\n", "", "- [0, 0]", "linear.B: expected a list of 4 rows of 2 numbers"),
        (
            "R: [0.25, 0.25]",
            "R: [0.25]",
            "R:",
            "linear.R: expected a list of 2 numbers, one for each control",
        ),
        (
            "R: [0.25, 0.25]",
            "R: [0.25, -1]",
            "R:",
            "linear.R: expected a symmetric, positive definite matrix",
        ),
        ("R: [0.25, 0.25]", "R: [[1, 2], [0, 1]]", "R:", "linear.R: expected a symmetric matrix"),
        (
            "lower: [-5, -5]",
            "lower: [-5, some]",
            "lower: [-5",
            "linear.controls.lower[1]: expected a finite number",
        ),
        (
            "lower: [-5, -5]",
            "lower: [-5]",
            "lower: [-5",
            "a list of 2 numbers, or none, one for each control",
        ),
        ("lower: [-3, -3, -5, -5]", "lower: [none, -3, -5, -5]", "lower: [-3", "expected a finite number"),
        ("names: [x, y, vx, vy]", "names: [x, y, x, vy]", "names: [x", "two states are called \"x\""),
        ("names: [fx, fy]", "names: [fx, y]", "names: [fx", "\"y\" is a state already"),
        ("names: [x, y, vx, vy]", "names: [x, y, t, vy]", "names: [x", "neither \"t\" nor"),
        (
            "lower: [-3, -3, -5, -5]",
            "lower: [-3, -3, -5]",
            "lower: [-3",
            "a list of 4 numbers, one for each state",
        ),
        ("lower: [-3, -3, -5, -5]", "lower: [-3, 9, -5, -5]", "names: [x", "the lower below the upper"),
        ("place: [x, y]", "place: [x, z]", "place:", "unknown state \"z\""),
        ("place: [x, y]", "place: [x]", "place:", "the names of two or three states"),
        ("place: [x, y]", "place: [x, x]", "place:", "\"x\" stands there twice"),
        ("radius: 0.2\n", "radius: 0\n", "radius: 0.2", "linear.radius: expected a number greater than zero"),
        ("start: [-2, 0, 0, 0]", "start: [-4, 0, 0, 0]", "start:", "start: \"x\" is -4; expected -3 to 3"),
        ("start: [-2, 0, 0, 0]", "start: [-1, 0, 0, 0]", "start:", "0.5000 m inside \"pillar\""),
        ("start: [-2, 0, 0, 0]", "start: [-2, 0, 0]", "start:", "a list of 4 numbers, one for each state"),
        ("start: [-2, 0, 0, 0]", "start: {x: -2, y: 0, vx: 0}", "start:", "missing state \"vy\""),
        ("start: [-2, 0, 0, 0]", "start: {x: -2, z: 0}", "start:", "unknown state \"z\""),
        ("goal: [1.6, 0", "goal: [0.6, 2", "goal:", "goal: the ball is"),
        ("samples: 200", "quality: best", "planner:", "unknown key \"quality\""),
        ("samples: 200", "neighbours: some", "planner:", "all, within:X or cost:X"),
        ("linear:", "robot: {point: {}}\nlinear:", "linear:", "unknown key \"robot\""),
    ];
    for (from, to, at, said) in cases.iter().copied() {
        assert!(text.contains(from), "{from}");
        let error =
            LinearScene::read(&text.replacen(from, to, 1), Path::new("a.yaml")).unwrap_err().to_string();
        assert!(error.contains(said) && error.starts_with("a.yaml:"), "{from} to {to}: {error}");
        assert!(error.contains(&format!(":{}:", line(at))), "{from} to {to}, line {}: {error}", line(at));
    }
    // Nothing moves y any more.
    let alone =
        text.replace("[0.5, -2, 0, -0.1]", "[0, -2, 0, -0.1]").replace("    - [0, 1]\n", "    - [0, 0]\n");
    let error = LinearScene::read(&alone, Path::new("a.yaml")).unwrap_err().to_string();
    assert!(error.contains("linear.B: expected controls that, with A, reach every state"), "{error}");
    let error = Scene::read(&text, Path::new("a.yaml")).unwrap_err().to_string();
    assert!(error.contains("a linear system is planned and checked by itself"), "{error}");
}

#[test]
fn the_command_plans_and_checks_linear_systems() {
    let folder = folder("linear");
    for name in SCENES {
        let scene_file = format!("scenes/{name}.yaml");
        for extension in ["json", "csv"] {
            let out = string(&folder.join(format!("{name}.{extension}")));
            let run = flatout(&["plan", &scene_file, "-o", &out]).ends_with(0);
            for part in [
                "cost  ",
                "effort of",
                "gap  ",
                "no motion costs less than",
                "clearance",
                "rrt-star",
                "written to",
            ] {
                assert!(run.out.contains(part), "{part}: {}", run.out);
            }
            let run = flatout(&["check", &scene_file, &out]).ends_with(0);
            assert!(run.out.contains("valid at every instant"), "{}", run.out);
            let json = flatout(&["check", &scene_file, &out, "--json"]).ends_with(0).json();
            assert_eq!(json["valid"], true);
        }
        let out = string(&folder.join(format!("{name}.json")));
        // Another scene, in which it is not valid: all that is wrong is told.
        let text = read(&file(name))
            .replace("radius: 0.2\n", "radius: 0.45\n")
            .replace("R: [", "c: CONSTANT\n  R: [");
        let text = text.replace(
            "CONSTANT",
            if name == "linear_spring" { "[0, 0, 1, 0]" } else { "[0, 0, 0, 0, 0, 1, 0, 0, 0, 0]" },
        );
        let other = write(&folder, &format!("{name}_other.yaml"), text);
        flatout(&["check", &other, &out]).fails(3, &["does not obey", "inside"]);
        let json = flatout(&["check", &other, &out, "--json"]).ends_with(3).json();
        assert!(json["violations"].as_array().unwrap().len() >= 2, "{json}");
    }
    let spring = "scenes/linear_spring.yaml";
    let json = flatout(&["plan", spring, "--json", "--seed", "3", "--improve", "0.2", "--time-limit", "5"])
        .ends_with(0)
        .json();
    assert_eq!(json["seed"], 3);
    assert_eq!(json["outputs"].as_array().unwrap().len(), 6);
    assert!(json["report"]["cost"].as_f64().unwrap() >= json["stats"]["least_cost"].as_f64().unwrap());
    assert!(flatout(&["plan", spring, "--quiet"]).ends_with(0).out.is_empty());
    for (option, value) in [
        ("--quality", "best"),
        ("--threads", "2"),
        ("--backend", "simd"),
        ("--gpu", "0"),
        ("--planner", "rrt-connect"),
        ("--default-acceleration", "1"),
        ("--urdf", "x.urdf"),
    ] {
        flatout(&["plan", spring, option, value])
            .fails(2, &[option, "does not apply to a scene of a linear system"]);
    }
    flatout(&["plan", spring, "--planner", "rrt-star", "--quiet"]).ends_with(0);
    flatout(&["plan", spring, "-o", &string(&folder.join("a.yaml"))])
        .fails(2, &["not the motion of a linear system"]);
    let out = string(&folder.join("batch"));
    flatout(&["batch", spring, "--output", &out])
        .fails(2, &["linear_spring.yaml:", "a linear system is planned and checked by itself"]);
}

//! The oracle against every fast backend, the lanes at every level that this CPU has and the GPU where
//! there is one: random robots in random worlds, and real ones in the worlds of MotionBenchMaker with
//! every shape added; random states and edges.

mod common;
#[path = "agreement/vehicles.rs"]
mod vehicles;

use flatout::bench::mbm::MbmSuite;
use flatout::bench::search_families::SearchFamily;
use flatout::check::{
    EdgeBatch, EdgeChecker, Lengths, Margins, ParallelChecker, ScalarChecker, SimdChecker, StateBatch,
    Status, Verdict, simd,
};
use flatout::pose::Pose;
use flatout::problem::{GRAVITY, JointState, Problem, Smoothness};
use flatout::robot::{AlwaysTouching, Mechanism, Robot, Sphere};
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// `f32` positions at arm's length (some metres) carry rounding errors of a few 1e-7 through each of
/// ten poses: at most a few micrometres, with room to spare.
const DISTANCE_TOLERANCE: f64 = 2e-5;
/// Positions (rad, m), and velocities and accelerations as shares of their limits: one cubic each.
const LIMIT_TOLERANCE: f64 = 2e-5;
/// Efforts as shares of their limits: two recursions over all bodies, with cancellation.
const EFFORT_TOLERANCE: f64 = 1e-3;

/// The statuses that an arm can have.
const ARM_STATUSES: usize = Status::Base as usize;

/// At most this share of the verdicts may be decided by the tolerance.
const CLOSE_SHARE: f64 = 2e-3;

fn tolerance(status: Status) -> f64 {
    match status {
        Status::World | Status::SelfCollision => DISTANCE_TOLERANCE,
        Status::Effort => EFFORT_TOLERANCE,
        _ => LIMIT_TOLERANCE,
    }
}

/// Panics unless a verdict agrees with the oracle's margins, or the margin of the first stage at
/// which they part is within the tolerance. Says whether it was that close.
fn compare(margins: &Margins, verdict: &Verdict, what: impl FnOnce() -> String) -> bool {
    let (oracle, other) = (margins.status(), verdict.status());
    // Where a vehicle has no coordinates, it may collide as well.
    let is_singular = margins.of(Status::Base) == f64::NEG_INFINITY;
    if oracle == other || is_singular && other != Status::Valid {
        return false;
    }
    let parted = match (oracle, other) {
        (Status::Valid, s) | (s, Status::Valid) => s,
        (a, b) => a.min(b),
    };
    let margin = margins.of(parted);
    let what_name = if margin.abs() < tolerance(parted) { String::new() } else { what() };
    assert!(
        margin.abs() < tolerance(parted),
        "{what_name}: oracle {oracle}, backend {other}, margin {margin}"
    );
    true
}

/// Every fast backend: the lanes at each level, and the GPU where there is one, with all that it has
/// and held to the least that every adapter has.
fn backends(problem: &Problem) -> Vec<Box<dyn EdgeChecker>> {
    let level = |level| SimdChecker::at_level(problem, 0.05, level).expect("an available level");
    let lanes = simd::levels().into_iter().map(|l| Box::new(level(l)) as Box<dyn EdgeChecker>);
    lanes.chain(on_gpu(problem)).collect()
}

#[cfg(feature = "gpu")]
fn on_gpu(problem: &Problem) -> impl Iterator<Item = Box<dyn EdgeChecker>> {
    let devices = common::gpu().into_iter().chain(common::limited_gpu());
    devices.map(move |gpu| {
        let checker = flatout::check::gpu::GpuChecker::new(gpu, problem, 0.05);
        Box::new(checker.expect("a checker")) as Box<dyn EdgeChecker>
    })
}

#[cfg(not(feature = "gpu"))]
fn on_gpu(_: &Problem) -> Option<Box<dyn EdgeChecker>> {
    None
}

/// How many verdicts were compared, and which.
#[derive(Default)]
struct Tally {
    compared: usize,
    close: usize,
    seen: [usize; Status::ALL.len()],
}

impl Tally {
    fn add(&mut self, margins: &Margins, verdict: &Verdict, what: impl FnOnce() -> String) {
        self.compared += 1;
        self.seen[verdict.status() as usize] += 1;
        self.close += usize::from(compare(margins, verdict, what));
    }

    fn assert_few_close(&self) {
        assert!(self.compared == 0 || self.seen[0] > 500, "valid ones occur: {:?}", self.seen);
        let most = (self.compared as f64 * CLOSE_SHARE) as usize;
        assert!(self.close <= most, "{} of {} verdicts lie within the tolerance", self.close, self.compared);
    }
}

/// The robots of MotionBenchMaker, each in some of its worlds with one obstacle of every shape added.
fn real_problems() -> Vec<(String, Problem)> {
    let mut problems = Vec::new();
    for name in ["panda", "ur5", "fetch"] {
        let file = |path: String| common::shared(&path);
        let urdf = file(format!("robots/{name}_spherized.urdf"));
        let suite = file(format!("mbm/{name}.json"));
        let (Some(urdf), Some(suite)) = (urdf, suite) else { return problems };
        let srdf = file(format!("robots/{name}.srdf"));
        let limits = file(format!("robots/{name}_joint_limits.yaml"));
        let robot =
            Robot::load(&urdf, srdf.as_deref(), limits.as_deref(), &Default::default()).expect("a robot");
        let suite = MbmSuite::load(&suite).expect("a suite");
        let mechanism = suite.mechanism(&robot, Pose::IDENTITY).expect("a mechanism");
        let mut rng = Pcg64Mcg::seed_from_u64(17);
        for chosen in suite.problems.iter().step_by(60) {
            let mut problem = chosen.problem(&mechanism);
            problem.torque = mechanism.has_dynamics();
            problem.world.obstacles.extend((0..5).map(|i| obstacle(i, &mut rng)));
            problems.push((format!("{name} {} {}", chosen.set, chosen.index), problem));
        }
    }
    problems
}

fn obstacle(i: usize, rng: &mut Pcg64Mcg) -> Obstacle {
    let mut length = || rng.random_range(0.02..0.2);
    let shape = match i % 5 {
        0 => Shape::Sphere { radius: length() },
        1 => Shape::Cuboid { half_extents: DVec3::new(length(), length(), length()) },
        2 => Shape::Capsule { radius: length(), half_length: length() },
        3 => Shape::Cylinder { radius: length(), half_length: length() },
        _ => Shape::HalfSpace,
    };
    let mut vector = |reach: f64| DVec3::from_array([0; 3].map(|_| rng.random_range(-reach..reach)));
    let turned = Pose::new(DQuat::from_scaled_axis(vector(3.0)), DVec3::ZERO);
    let away = Pose::from_translation(vector(0.9) + DVec3::Z * 0.3);
    let pose = match shape {
        // Below the robot, slightly tilted: a floor that only some arms touch.
        Shape::HalfSpace => Pose::new(DQuat::from_scaled_axis(vector(0.3)), DVec3::Z * -0.4),
        _ => away * turned,
    };
    Obstacle { name: format!("added {i}"), shape, pose }
}

/// Values in and a little beyond the bounds, with deliberate zeros and ties with a bound.
fn value(rng: &mut Pcg64Mcg, lower: f64, upper: f64) -> f64 {
    let (lower, upper) = (lower.max(-4.0), upper.min(4.0));
    match rng.random_range(0..40) {
        0 => 0.0_f64.clamp(lower, upper),
        1 => lower,
        2 => upper,
        3 => upper + 1e-3,
        _ => lower + (upper - lower) * rng.random::<f64>(),
    }
}

struct RandomState {
    position: Vec<f64>,
    velocity: Vec<f64>,
    acceleration: Vec<f64>,
}

fn state(problem: &Problem, rng: &mut Pcg64Mcg) -> RandomState {
    let limits = &problem.mechanism.limits;
    let position = limits.iter().map(|l| value(rng, l.lower, l.upper)).collect();
    let velocity = limits.iter().map(|l| value(rng, -l.velocity, l.velocity)).collect();
    let acceleration = limits.iter().map(|l| value(rng, -l.acceleration, l.acceleration)).collect();
    RandomState { position, velocity, acceleration }
}

/// Compares `count` random states of a problem on every backend.
fn states_agree(name: &str, problem: &Problem, count: usize, seed: u64, tally: &mut Tally) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let states: Vec<_> = (0..count).map(|_| state(problem, &mut rng)).collect();
    let mut batch = StateBatch::new(problem.mechanism.dof());
    states.iter().for_each(|s| batch.push(&s.position, &s.velocity, &s.acceleration));
    let mut oracle = ScalarChecker::new(problem, 0.05);
    let margins: Vec<_> =
        states.iter().map(|s| oracle.margins(&s.position, &s.velocity, &s.acceleration)).collect();
    for mut backend in backends(problem) {
        let mut verdicts = Vec::new();
        backend.check_states(&batch, &mut verdicts).expect("backends do not fail");
        let name_of_backend = backend.name();
        assert_eq!(verdicts.len(), count);
        for (i, (margins, verdict)) in margins.iter().zip(&verdicts).enumerate() {
            tally.add(margins, verdict, || format!("{name}, seed {seed}, state {i}, {name_of_backend}"));
        }
        // A screen is the same two stages, state by state; who has none lets everything pass.
        let mut free = Vec::new();
        backend.screen(&batch, &mut free).expect("backends do not fail");
        let collides = |v: &Verdict| matches!(v.status(), Status::World | Status::SelfCollision);
        for (i, (&free, verdict)) in free.iter().zip(&verdicts).enumerate() {
            let expected = backend.screened_at_once() == 0 || !collides(verdict);
            assert_eq!(free, expected, "{name}, seed {seed}, state {i}, screen of {name_of_backend}");
        }
        assert_eq!(free.len(), count);
    }
}

/// Random edges of all kinds: from rest to rest, single polynomials, and trajectories of two segments.
fn edges(problem: &Problem, degree: usize, count: usize, rng: &mut Pcg64Mcg) -> EdgeBatch {
    let dof = problem.mechanism.dof();
    let mut batch = EdgeBatch::new(dof, degree);
    for i in 0..count {
        let (a, b) = (state(problem, rng), state(problem, rng));
        let share = [0.02, 0.1, 0.4][i % 3];
        let to: Vec<f64> = a.position.iter().zip(&b.position).map(|(a, b)| a + share * (b - a)).collect();
        // What is above a cubic vanishes at both ends of a second.
        let terms = |p: f64, q: f64, v: f64| {
            let cubic = [p, v, 3.0 * (q - p) - 2.0 * v, v - 2.0 * (q - p)];
            let higher = [0.5 * v, -0.5 * v, q - p, p - q];
            cubic.into_iter().chain(higher).take(degree + 1)
        };
        let polynomials = |velocity_share: f64| -> Vec<f64> {
            let ends = a.position.iter().zip(&to).zip(&a.velocity);
            ends.flat_map(|((&p, &q), &v)| terms(p, q, velocity_share * v)).collect()
        };
        match i % 4 {
            0 => {
                let mut two = Trajectory::new(dof, degree);
                two.push(0.7, &polynomials(0.1));
                two.push(1.0, &polynomials(0.2));
                batch.push_trajectory(&two);
            }
            1 => batch.push(1.0, &polynomials(0.1)),
            _ => batch.push_at_rest(&a.position, &to, 1.0),
        }
    }
    batch
}

/// Compares `count` random edges on every backend. A verdict agrees if the oracle confirms what it
/// claims at the time it claims, or, for a valid edge, finds no sample that fails by more than the
/// tolerance.
fn edges_agree(name: &str, problem: &Problem, count: usize, seed: u64, tally: &mut Tally) {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let batch = edges(problem, [3, 5, 7][seed as usize % 3], count, &mut rng);
    edges_of_batch_agree(name, problem, &batch, seed, tally);
}

fn edges_of_batch_agree(name: &str, problem: &Problem, batch: &EdgeBatch, seed: u64, tally: &mut Tally) {
    let count = batch.len();
    let mut oracle = ScalarChecker::new(problem, 0.05);
    let mut least: Vec<Option<Margins>> = vec![None; count];
    for mut backend in backends(problem) {
        let mut verdicts = Vec::new();
        backend.check(batch, &mut verdicts).expect("backends do not fail");
        let name_of_backend = backend.name();
        assert_eq!(verdicts.len(), count);
        for (i, verdict) in verdicts.iter().enumerate() {
            let edge = batch.get(i);
            let margins = if verdict.is_valid() {
                *least[i].get_or_insert_with(|| {
                    let worst = |m: &Margins| m.values.iter().copied().fold(f64::INFINITY, f64::min);
                    let times = oracle.sample_times(&edge).into_iter();
                    let all = times.map(|t| oracle.margins_at(&edge, t));
                    all.min_by(|a, b| worst(a).total_cmp(&worst(b))).expect("an edge has samples")
                })
            } else {
                oracle.margins_at(&edge, verdict.time)
            };
            tally.add(&margins, verdict, || format!("{name}, seed {seed}, edge {i}, {name_of_backend}"));
        }
    }
}

/// A random robot with limits that some of the random states break, among a few obstacles.
fn random_problem(seed: u64) -> Problem {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let robot = common::random_robot(seed);
    let joints = robot.independent_joints();
    let mut mechanism =
        Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY).expect("a mechanism");
    for limits in &mut mechanism.limits {
        (limits.lower, limits.upper) = (-2.0, 2.0);
        (limits.velocity, limits.acceleration, limits.effort) = (2.5, 2.0, 20.0);
    }
    let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
    let mut world =
        World { obstacles: (0..rng.random_range(0..12)).map(|i| obstacle(i, &mut rng)).collect() };
    // Everywhere above the floor, as random robots are.
    for o in &mut world.obstacles {
        o.pose.translation += DVec3::from_array([0; 3].map(|_| rng.random_range(-0.7..0.7)));
    }
    let torque = seed.is_multiple_of(2);
    Problem {
        mechanism,
        world,
        goals: vec![start.clone()],
        start,
        smoothness: Smoothness::Acceleration,
        torque,
        gravity: GRAVITY,
    }
}

#[test]
fn random_states_of_random_robots_agree() {
    let mut tally = Tally::default();
    for seed in 0..80 {
        states_agree("random robot", &random_problem(seed), 300, seed, &mut tally);
    }
    tally.assert_few_close();
    assert!(tally.seen[..ARM_STATUSES].iter().all(|&n| n > 100), "all kinds occur: {:?}", tally.seen);
}

#[test]
fn random_edges_of_random_robots_agree() {
    let mut tally = Tally::default();
    for seed in 100..190 {
        edges_agree("random robot", &random_problem(seed), 40, seed, &mut tally);
    }
    tally.assert_few_close();
    assert!(tally.seen[..ARM_STATUSES].iter().all(|&n| n > 10), "all kinds occur: {:?}", tally.seen);
}

/// The state between two at which a margin of collision falls below a bound (metres): the last that the oracle finds to
/// keep it, and the first that does not.
fn verge(oracle: &mut ScalarChecker, ends: [&[f64]; 2], bound: f64) -> Option<[Vec<f64>; 2]> {
    let still = vec![0.0; ends[0].len()];
    let at = |share: f64| ends[0].iter().zip(ends[1]).map(|(a, b)| a + share * (b - a)).collect::<Vec<f64>>();
    let mut keeps = |share: f64| {
        let margins = oracle.margins(&at(share), &still, &still);
        margins.of(Status::World).min(margins.of(Status::SelfCollision)) >= bound
    };
    let (mut kept, mut lost) = (0.0, 1.0);
    if !keeps(kept) || keeps(lost) {
        return None;
    }
    for _ in 0..60 {
        let middle = (kept + lost) / 2.0;
        *(if keeps(middle) { &mut kept } else { &mut lost }) = middle;
    }
    Some([at(kept), at(lost)])
}

/// Of robots and worlds of any size: what is free by a checker in single precision, with all that rounding may take for
/// its padding, is free; and what is farther apart than twice that is free by the checker.
#[test]
fn rounding_takes_no_more_than_is_said() {
    let mut let_pass = 0;
    for (index, scale) in (0..8).flat_map(|i| [1.0, 10.0, 100.0].map(|scale| (i, scale))) {
        let problem = SearchFamily::Arm.problem(index, scale).expect("a problem");
        let limits = &problem.mechanism.limits;
        let rounding = Lengths::of(&problem).rounding;
        let mut rng = Pcg64Mcg::seed_from_u64(index);
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let (mut colliding, mut free) = (StateBatch::new(limits.len()), StateBatch::new(limits.len()));
        let still = vec![0.0; limits.len()];
        for _ in 0..400 {
            let mut random =
                || limits.iter().map(|l| rng.random_range(l.lower.max(-3.0)..=l.upper.min(3.0))).collect();
            let ends: [Vec<f64>; 2] = [random(), random()];
            let ends = ends.each_ref().map(Vec::as_slice);
            if let Some([_, lost]) = verge(&mut oracle, ends, 0.0) {
                colliding.push(&lost, &still, &still);
            }
            if let Some([kept, _]) = verge(&mut oracle, ends, 2.0 * rounding) {
                free.push(&kept, &still, &still);
            }
        }
        assert!(colliding.len() > 20 && free.len() > 20, "{} and {}", colliding.len(), free.len());
        for mut backend in backends(&problem) {
            let mut statuses = |padding: f64, states: &StateBatch| -> Vec<Status> {
                let mut verdicts = Vec::new();
                backend.set_padding(padding);
                backend.check_states(states, &mut verdicts).expect("backends do not fail");
                verdicts.iter().map(Verdict::status).collect()
            };
            let collides = |status: &Status| matches!(status, Status::World | Status::SelfCollision);
            let_pass += statuses(0.0, &colliding).iter().filter(|status| !collides(status)).count();
            assert!(statuses(rounding, &colliding).iter().all(collides), "arm {index} at {scale}");
            assert!(!statuses(rounding, &free).iter().any(collides), "arm {index} at {scale}");
        }
    }
    assert!(let_pass > 100, "rounding does take something: {let_pass}");
}

/// What efforts leave for moving, of random edges: the oracle takes it from two motions in one gravity, the lanes
/// from a motion without any and a weight.
#[test]
fn shares_of_efforts_agree() {
    let mut positive = 0;
    for seed in (100..160).step_by(2) {
        let problem = random_problem(seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let batch = edges(&problem, [3, 5, 7][seed as usize % 3], 40, &mut rng);
        let shares = |checker: &mut dyn EdgeChecker, longest: f64| {
            let mut shares = Vec::new();
            checker.effort_shares(&batch, longest, &mut shares).expect("checkers do not fail");
            shares
        };
        let expected = shares(&mut ScalarChecker::new(&problem, 0.05), f64::INFINITY);
        for level in simd::levels() {
            let mut lanes = SimdChecker::at_level(&problem, 0.05, level).expect("an available level");
            let all = shares(&mut lanes, f64::INFINITY);
            let soon = shares(&mut lanes, 2.0);
            for (i, (&oracle, (&all, &soon))) in expected.iter().zip(all.iter().zip(&soon)).enumerate() {
                let what = || format!("seed {seed}, edge {i}, {level}: {oracle}, {all}, {soon}");
                positive += usize::from(oracle > 0.0);
                // The less moving takes, the more an error of it counts; where it takes next to nothing, none does.
                let [oracle, lanes] = [oracle, all].map(|share| share.clamp(0.0, 10.0));
                let tolerance = EFFORT_TOLERANCE as f32 * (1.0 + oracle * oracle);
                assert!((oracle - lanes).abs() <= tolerance, "{}", what());
                let useless = (batch.get(i).duration / 2.0).powi(2);
                assert!(soon == all || soon.max(all) <= useless, "{}", what());
            }
        }
    }
    assert!(positive > 500, "robots can hold themselves and move: {positive}");
}

/// A clearance counts against obstacles alone, and padding against everything, in every backend.
#[test]
fn clearances_agree() {
    let (clearance, padding) = (0.07, 0.01);
    let mut decided = [0_usize; 2];
    for seed in 200..212 {
        let problem = random_problem(seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let dof = problem.mechanism.dof();
        let still = vec![0.0; dof];
        let mut states = StateBatch::new(dof);
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let mut expected: Vec<(Status, bool)> = Vec::new();
        for _ in 0..60 {
            let limits = problem.mechanism.limits.iter();
            let position: Vec<f64> = limits
                .map(|l| rng.random_range(l.lower.max(-3.0)..l.upper.min(3.0).max(l.lower.max(-3.0) + 1e-9)))
                .collect();
            states.push(&position, &still, &still);
            oracle.set_padding(0.0);
            oracle.set_clearance(0.0);
            let bare = oracle.margins(&position, &still, &still);
            oracle.set_padding(padding);
            oracle.set_clearance(clearance);
            let grown = oracle.margins(&position, &still, &still);
            let (world, links) = (bare.of(Status::World), bare.of(Status::SelfCollision));
            let near = |a: f64, b: f64| a == b || (a - b).abs() < 1e-9;
            assert!(near(grown.of(Status::World), world - padding - clearance));
            assert!(near(grown.of(Status::SelfCollision), links - padding));
            let is_sure =
                [grown.of(Status::World), grown.of(Status::SelfCollision)].iter().all(|m| m.abs() > 1e-3);
            decided[0] += usize::from(world > 0.0 && grown.of(Status::World) < 0.0);
            decided[1] += usize::from(grown.status() == Status::Valid);
            expected.push((grown.status(), is_sure));
        }
        for mut checker in backends(&problem) {
            checker.set_padding(padding);
            checker.set_clearance(clearance);
            let mut verdicts = Vec::new();
            checker.check_states(&states, &mut verdicts).expect("a working backend");
            for (i, (verdict, &(status, is_sure))) in verdicts.iter().zip(&expected).enumerate() {
                let said = verdict.status();
                assert!(
                    !is_sure || said == status,
                    "seed {seed}, state {i}, {}: {said} for {status}",
                    checker.name()
                );
            }
        }
    }
    assert!(decided.iter().all(|&n| n > 10), "clearance decides some, and leaves some: {decided:?}");
}

/// Leaves some spheres of some pairs of links out, always touching or not, and all of some pairs.
fn leave_out(mechanism: &mut Mechanism, rng: &mut Pcg64Mcg) {
    for &links in &mechanism.pairs {
        let [count, others] = links.map(|l| mechanism.links[l].spheres.len());
        let share = [0.0, 0.3, 0.8, 1.0][rng.random_range(0..4)];
        let all = (0..count).flat_map(|i| (0..others).map(move |j| [i, j]));
        let spheres: Vec<[usize; 2]> = all.filter(|_| rng.random_bool(share)).collect();
        if !spheres.is_empty() {
            mechanism.always.push(AlwaysTouching { links, spheres });
        }
    }
}

#[test]
fn spheres_that_are_left_out_agree() {
    let mut tally = Tally::default();
    for seed in 300..360 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut problem = random_problem(seed);
        // More spheres than a word of a mask has bits for, or a row of them.
        thicken(&mut problem.mechanism, &mut rng);
        problem.world.obstacles.truncate(2);
        leave_out(&mut problem.mechanism, &mut rng);
        states_agree("random robot, spheres left out", &problem, 200, seed, &mut tally);
        edges_agree("random robot, spheres left out", &problem, 20, seed, &mut tally);
    }
    tally.assert_few_close();
    assert!(tally.seen[Status::SelfCollision as usize] > 1000, "links meet: {:?}", tally.seen);
}

/// Gives every link up to twenty spheres more, within its bound.
fn thicken(mechanism: &mut Mechanism, rng: &mut Pcg64Mcg) {
    let old = std::mem::take(&mut mechanism.spheres);
    for link in &mut mechanism.links {
        let first = mechanism.spheres.len();
        mechanism.spheres.extend_from_slice(&old[link.spheres.clone()]);
        for _ in 0..rng.random_range(0..20) {
            let reach = 0.5 * link.bound.radius;
            let astray =
                DVec3::from_array([0; 3].map(|_| rng.random_range(-1.0..1.0))) * reach / 3.0_f64.sqrt();
            let radius = rng.random_range(0.1..1.0) * (link.bound.radius - reach);
            mechanism.spheres.push(Sphere { center: link.bound.center + astray, radius });
        }
        link.spheres = first..mechanism.spheres.len();
    }
}

/// Whoever leaves out other spheres parts from the lanes.
#[test]
#[should_panic(expected = "oracle")]
fn a_sphere_too_many_left_out_is_caught() {
    for seed in 300..360 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut problem = random_problem(seed);
        problem.world.obstacles.clear();
        leave_out(&mut problem.mechanism, &mut rng);
        let mut lanes = SimdChecker::new(&problem, 0.05);
        for always in &mut problem.mechanism.always {
            always.spheres.pop();
        }
        let mut oracle = ScalarChecker::new(&problem, 0.05);
        let mut verdicts = Vec::new();
        for i in 0..1000 {
            let RandomState { position, .. } = state(&problem, &mut rng);
            let still = vec![0.0; position.len()];
            let mut batch = StateBatch::new(position.len());
            batch.push(&position, &still, &still);
            lanes.check_states(&batch, &mut verdicts).expect("lanes do not fail");
            compare(&oracle.margins(&position, &still, &still), &verdicts[0], || format!("state {i}"));
        }
    }
}

/// However a batch is spread over threads, it is the same batch.
#[test]
fn threads_say_what_one_says() {
    let problem = random_problem(2);
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let dof = problem.mechanism.dof();
    let mut lanes = SimdChecker::new(&problem, 0.05);
    for threads in [0, 1, 2, 5] {
        let mut parallel = ParallelChecker::new(&problem, 0.05, threads);
        assert_eq!((parallel.threads(), parallel.name()), (threads.max(1), lanes.name()));
        for count in [0, 1, 15, 33, 700, 2000] {
            let before = (lanes.states_checked(), parallel.states_checked());
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            let batch = edges(&problem, 5, count, &mut rng);
            lanes.check(&batch, &mut ours).expect("lanes do not fail");
            parallel.check(&batch, &mut theirs).expect("lanes do not fail");
            assert_eq!(ours, theirs, "{count} edges, {threads} threads");
            let mut states = StateBatch::new(dof);
            for RandomState { position, velocity, acceleration } in
                (0..count).map(|_| state(&problem, &mut rng))
            {
                states.push(&position, &velocity, &acceleration);
            }
            lanes.check_states(&states, &mut ours).expect("lanes do not fail");
            parallel.check_states(&states, &mut theirs).expect("lanes do not fail");
            assert_eq!(ours, theirs, "{count} states, {threads} threads");
            assert_eq!(lanes.states_checked() - before.0, parallel.states_checked() - before.1);
        }
    }
}

/// Thousands of small obstacles, so that there is a hierarchy to walk and room between them.
#[test]
fn worlds_of_thousands_agree() {
    let mut tally = Tally::default();
    for seed in 200..206 {
        let mut problem = random_problem(seed);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        problem.world.obstacles = (0..3000)
            .filter(|i| i % 5 != 4 || i % 500 == 4)
            .map(|i| {
                let mut obstacle = obstacle(i, &mut rng);
                obstacle.shape = smaller(obstacle.shape, 0.1);
                obstacle.pose.translation *= 2.0;
                obstacle
            })
            .collect();
        states_agree("random robot among thousands", &problem, 400, seed, &mut tally);
        edges_agree("random robot among thousands", &problem, 8, seed, &mut tally);
    }
    tally.assert_few_close();
    assert!(tally.seen[Status::World as usize] > 500, "hits occur: {:?}", tally.seen);
}

fn smaller(shape: Shape, share: f64) -> Shape {
    match shape {
        Shape::Sphere { radius } => Shape::Sphere { radius: share * radius },
        Shape::Cuboid { half_extents } => Shape::Cuboid { half_extents: half_extents * share },
        Shape::Capsule { radius, half_length } => {
            Shape::Capsule { radius: share * radius, half_length: share * half_length }
        }
        Shape::Cylinder { radius, half_length } => {
            Shape::Cylinder { radius: share * radius, half_length: share * half_length }
        }
        Shape::HalfSpace => Shape::HalfSpace,
    }
}

/// A comparison that cannot fail is no comparison: an oracle of a slightly other world must part
/// from the lanes.
#[test]
#[should_panic(expected = "oracle")]
fn a_seeded_fault_is_caught() {
    let mut problem = random_problem(3);
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    problem.mechanism.pairs.clear();
    let ball = Shape::Sphere { radius: 0.5 };
    problem.world.obstacles = vec![Obstacle { shape: ball, ..obstacle(0, &mut rng) }];
    let mut lanes = SimdChecker::new(&problem, 0.05);
    problem.world.obstacles[0].pose.translation += DVec3::splat(2e-3);
    let mut oracle = ScalarChecker::new(&problem, 0.05);
    let mut verdicts = Vec::new();
    for i in 0..100_000 {
        let RandomState { position, .. } = state(&problem, &mut rng);
        let still = vec![0.0; position.len()];
        let mut batch = StateBatch::new(position.len());
        batch.push(&position, &still, &still);
        lanes.check_states(&batch, &mut verdicts).expect("lanes do not fail");
        compare(&oracle.margins(&position, &still, &still), &verdicts[0], || format!("state {i}"));
    }
}

#[test]
fn hundreds_of_thousands_of_states_of_real_robots_agree() {
    let problems = real_problems();
    let mut tally = Tally::default();
    let each = 400_000_usize.div_ceil(problems.len().max(1));
    for (i, (name, problem)) in problems.iter().enumerate() {
        states_agree(name, problem, each, i as u64, &mut tally);
    }
    tally.assert_few_close();
    assert!(
        problems.is_empty()
            || tally.compared >= 400_000 * problems.first().map_or(0, |(_, p)| backends(p).len())
    );
    assert!(
        problems.is_empty() || tally.seen[..ARM_STATUSES].iter().all(|&n| n > 1000),
        "all kinds occur: {:?}",
        tally.seen
    );
}

#[test]
fn tens_of_thousands_of_edges_of_real_robots_agree() {
    let problems = real_problems();
    let mut tally = Tally::default();
    let each = 40_000_usize.div_ceil(problems.len().max(1));
    for (i, (name, problem)) in problems.iter().enumerate() {
        edges_agree(name, problem, each, i as u64, &mut tally);
    }
    tally.assert_few_close();
    assert!(
        problems.is_empty()
            || tally.compared >= 40_000 * problems.first().map_or(0, |(_, p)| backends(p).len())
    );
    assert!(problems.is_empty() || tally.seen[0] > 1000, "valid edges occur: {:?}", tally.seen);
}

/// Links that stay from obstacles by paddings of their own, and touch each other as ever.
#[test]
fn paddings_agree() {
    let mut decided = [0_usize; 2];
    for seed in 300..312 {
        let mut problem = random_problem(seed);
        let bare = problem.clone();
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for link in &mut problem.mechanism.links {
            link.padding = if rng.random_bool(0.3) { 0.0 } else { rng.random_range(0.0..0.3) };
        }
        let m = &problem.mechanism;
        let still = vec![0.0; m.dof()];
        let mut states = StateBatch::new(m.dof());
        let mut oracle = [&problem, &bare].map(|p| ScalarChecker::new(p, 0.05));
        let mut expected: Vec<(Status, bool)> = Vec::new();
        let mut poses = Vec::new();
        for _ in 0..60 {
            let limits = m.limits.iter();
            let position: Vec<f64> = limits
                .map(|l| rng.random_range(l.lower.max(-3.0)..l.upper.min(3.0).max(l.lower.max(-3.0) + 1e-9)))
                .collect();
            states.push(&position, &still, &still);
            let [padded, bare] = oracle.each_mut().map(|o| o.margins(&position, &still, &still));
            m.place(&position, &mut poses);
            let moving = m.links.iter().filter(|link| link.body != 0);
            let kept = moving.flat_map(|link| {
                let spheres = m.spheres[link.spheres.clone()].iter();
                spheres.map(|s| (poses[link.body].point(s.center), s.radius + link.padding))
            });
            let distance = |(center, radius): (DVec3, f64)| {
                let far = problem.world.obstacles.iter().map(|o| o.signed_distance(center));
                far.fold(f64::INFINITY, f64::min) - radius
            };
            let world = kept.map(distance).fold(f64::INFINITY, f64::min);
            let near = |a: f64, b: f64| a == b || (a - b).abs() < 1e-9;
            assert!(near(padded.of(Status::World), world), "{} {world}", padded.of(Status::World));
            assert!(near(padded.of(Status::SelfCollision), bare.of(Status::SelfCollision)));
            let is_sure =
                [padded.of(Status::World), padded.of(Status::SelfCollision)].iter().all(|m| m.abs() > 1e-3);
            decided[0] += usize::from(bare.of(Status::World) > 0.0 && world < 0.0);
            decided[1] += usize::from(padded.status() == Status::Valid);
            expected.push((padded.status(), is_sure));
        }
        for mut checker in backends(&problem) {
            let mut verdicts = Vec::new();
            checker.check_states(&states, &mut verdicts).expect("a working backend");
            for (i, (verdict, &(status, is_sure))) in verdicts.iter().zip(&expected).enumerate() {
                let (said, name) = (verdict.status(), checker.name());
                assert!(!is_sure || said == status, "seed {seed}, state {i}, {name}: {said} for {status}");
            }
        }
    }
    assert!(decided.iter().all(|&n| n > 10), "paddings decide some, and leave some: {decided:?}");
}

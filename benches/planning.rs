//! Times of the parts and of the whole, on the scenes of this repository.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flatout::bench::edges::{Subject, Workload, standard_problem};
use flatout::certify::Certifier;
#[cfg(feature = "gpu")]
use flatout::check::{
    AdapterChoice,
    gpu::{BareTrip, Gpu, GpuChecker},
};
use flatout::check::{
    Backend, EdgeBatch, EdgeChecker, Packed, ScalarChecker, SimdChecker, StateBatch, Verdict,
    simd::{self, Stage},
};
use flatout::local_planner::LocalPlanner;
use flatout::plan::plan;
use flatout::pose::Pose;
use flatout::problem::Problem;
use flatout::refine::{Knots, shorten};
use flatout::scene::Scene;
use flatout::search::{Sampler, Tree};
use flatout::steer::{LeastEffort, TimeOptimal};
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape};
use glam::{DQuat, DVec3};
use std::hint::black_box;
use std::path::{Path, PathBuf};

fn scenes() -> Vec<(String, Scene)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("scenes/").map(|entry| entry.expect("a file").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "yaml"));
    // Linear systems are planned otherwise.
    files.retain(|f| !f.to_string_lossy().contains("scenes/linear_"));
    files.sort();
    let load = |file: PathBuf| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, Scene::load(&file).expect("a scene"))
    };
    files.into_iter().map(load).collect()
}

fn shelf() -> Scene {
    Scene::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/panda_shelf.yaml")).expect("a scene")
}

/// Positions spread evenly between the limits.
fn positions(problem: &Problem, count: usize) -> Vec<Vec<f64>> {
    let limits = &problem.mechanism.limits;
    let mut sampler = Sampler::new(limits.iter().map(|l| (l.lower, l.upper)).collect(), 1);
    let sample = || {
        let mut position = vec![0.0; limits.len()];
        sampler.sample(&mut position);
        position
    };
    std::iter::repeat_with(sample).take(count).collect()
}

fn solved(scene: &Scene) -> Trajectory {
    let mut checker =
        Backend::Auto.checker(&scene.problem, scene.options.spacing(&scene.problem)).expect("a backend");
    let solution = plan(&scene.problem, &mut *checker, &scene.options);
    solution.unwrap_or_else(|why| panic!("{why}")).trajectory
}

fn check_states(c: &mut Criterion) {
    let problem = shelf().problem;
    let still = vec![0.0; problem.mechanism.dof()];
    let mut states = StateBatch::new(problem.mechanism.dof());
    positions(&problem, 1024).iter().for_each(|p| states.push(p, &still, &still));
    let mut group = c.benchmark_group("check_states");
    group.throughput(Throughput::Elements(states.len() as u64));
    let mut run = |name: &str, checker: &mut dyn EdgeChecker| {
        let mut verdicts = Vec::new();
        group.bench_function(name, |b| {
            b.iter(|| checker.check_states(black_box(&states), &mut verdicts).expect("a backend that works"));
        });
    };
    run("scalar", &mut ScalarChecker::new(&problem, 0.02));
    for level in simd::levels() {
        run(level, &mut SimdChecker::at_level(&problem, 0.02, level).expect("an available level"));
    }
}

/// The edges of a solved path: valid, so that every sample is looked at.
fn check_valid_edges(c: &mut Criterion) {
    let scene = shelf();
    let trajectory = solved(&scene);
    let mut edges = EdgeBatch::new(trajectory.dof(), 3);
    trajectory.segments().for_each(|s| edges.push(s.duration, s.coefficients));
    let mut group = c.benchmark_group("check_valid_edges");
    for level in simd::levels() {
        let resolution = scene.options.spacing(&scene.problem);
        let mut checker =
            SimdChecker::at_level(&scene.problem, resolution, level).expect("an available level");
        let mut verdicts = Vec::new();
        checker.check(&edges, &mut verdicts).expect("a backend that works");
        group.throughput(Throughput::Elements(checker.states_checked()));
        group.bench_function(level, |b| {
            b.iter(|| checker.check(black_box(&edges), &mut verdicts).expect("a backend that works"));
        });
    }
}

/// The stages of a check, one by one, on a block of samples in the middle of a solved path.
fn stages(c: &mut Criterion) {
    let mut scene = shelf();
    let trajectory = solved(&scene);
    let middle = trajectory.segment(trajectory.len() / 2);
    let mut edges = EdgeBatch::new(trajectory.dof(), 3);
    edges.push(middle.duration, middle.coefficients);
    let mut group = c.benchmark_group("stages");
    for (stage, torque) in Stage::ALL.map(|stage| (stage, false)).into_iter().chain([(Stage::Limits, true)]) {
        scene.problem.torque = torque;
        for level in simd::levels() {
            let mut checker =
                SimdChecker::at_level(&scene.problem, scene.options.spacing(&scene.problem), level)
                    .expect("an available level");
            let states = Stage::ALL.map(|before| checker.run_stage(before, &edges))[0];
            group.throughput(Throughput::Elements(states as u64));
            let what = if torque { "_with_efforts" } else { "" };
            let name = format!("{stage:?}{what}").to_lowercase();
            group.bench_function(BenchmarkId::new(name, level), |b| {
                b.iter(|| checker.run_stage(black_box(stage), &edges));
            });
        }
    }
}

/// Those edges among ever more obstacles, none of which they touch. Obstacles shrink as they grow in
/// number, so that they always fill the same share of the arm's surroundings.
fn check_among_obstacles(c: &mut Criterion) {
    let scene = shelf();
    let trajectory = solved(&scene);
    let mut edges = EdgeBatch::new(trajectory.dof(), 3);
    trajectory.segments().for_each(|s| edges.push(s.duration, s.coefficients));
    let mut group = c.benchmark_group("check_among_obstacles");
    for count in [10, 100, 1000, 10_000] {
        let mut problem = scene.problem.clone();
        problem.world.obstacles = scattered(&problem, &trajectory, count);
        group.bench_function(BenchmarkId::new("pack", count), |b| b.iter(|| Packed::new(&problem, 0.02)));
        let mut checker = SimdChecker::new(&problem, scene.options.spacing(&scene.problem));
        let mut verdicts = Vec::new();
        checker.check(&edges, &mut verdicts).expect("a backend that works");
        assert!(verdicts.iter().all(Verdict::is_valid), "every sample is looked at");
        group.throughput(Throughput::Elements(checker.states_checked()));
        group.bench_function(BenchmarkId::new("edges", count), |b| {
            b.iter(|| checker.check(black_box(&edges), &mut verdicts).expect("a backend that works"));
        });
        group.throughput(Throughput::Elements(1));
        let mut certifier = Certifier::new(&problem, Default::default());
        group.bench_function(BenchmarkId::new("certify", count), |b| {
            b.iter(|| certifier.certify(black_box(&trajectory)).expect("valid"));
        });
    }
}

/// Obstacles of all bounded shapes around the arm, each at least 5 mm away from it on its way.
fn scattered(problem: &Problem, trajectory: &Trajectory, count: usize) -> Vec<Obstacle> {
    let mechanism = &problem.mechanism;
    let (mut poses, mut balls) = (Vec::new(), Vec::new());
    for i in 0..=200 {
        let t = trajectory.duration() * f64::from(i) / 200.0;
        let mut position = vec![0.0; trajectory.dof()];
        trajectory.evaluate(t, 0, &mut position);
        mechanism.place(&position, &mut poses);
        for link in mechanism.links.iter() {
            let spheres = &mechanism.spheres[link.spheres.clone()];
            balls.extend(spheres.iter().map(|s| (poses[link.body].point(s.center), s.radius)));
        }
    }
    let size = 0.3 / (count as f64).cbrt();
    let mut sampler = Sampler::new(vec![(-1.0, 1.0); 7], 3);
    let obstacle = |i: usize| {
        let mut p = [0.0; 7];
        sampler.sample(&mut p);
        let shape = match i % 4 {
            0 => Shape::Sphere { radius: size },
            1 => Shape::Cuboid { half_extents: DVec3::new(size, 0.5 * size, 0.8 * size) },
            2 => Shape::Capsule { radius: 0.4 * size, half_length: size },
            _ => Shape::Cylinder { radius: 0.6 * size, half_length: size },
        };
        let turn = DQuat::from_scaled_axis(DVec3::new(p[3], p[4], p[5]) * 3.0);
        let pose = Pose::new(turn, DVec3::new(p[0], p[1], p[2] + 0.4));
        Obstacle { name: format!("{i}"), shape, pose }
    };
    let clear =
        |o: &Obstacle| balls.iter().all(|&(center, radius)| o.signed_distance(center) - radius > 0.005);
    (0..).map(obstacle).filter(clear).take(count).collect()
}

/// Batches of random edges, by size, in lanes and on the GPU where there is one.
fn check_batches(c: &mut Criterion) {
    let problem = standard_problem(100).expect("flatout's own robot");
    let workload = Workload::new(&problem, 0.05, 10_000, 0);
    let mut group = c.benchmark_group("check_batches");
    group.sample_size(10);
    for (name, mut subject) in subjects(&workload) {
        for batch in [1, 100, 10_000] {
            let (edges, mut verdicts) = (workload.first(batch), Vec::new());
            group.throughput(Throughput::Elements(batch as u64));
            group.bench_function(BenchmarkId::new(&name, batch), |b| {
                b.iter(|| subject.checker().check(&edges, &mut verdicts).expect("a backend that works"));
            });
        }
    }
}

fn subjects(workload: &Workload) -> Vec<(String, Subject)> {
    let mut all = workload.all_threads();
    let mut best = workload.best_lanes();
    let lanes = [(best.name(), best), (format!("{}, all threads", all.name()), all)];
    lanes.into_iter().chain(on_gpu(workload)).collect()
}

#[cfg(feature = "gpu")]
fn on_gpu(workload: &Workload) -> Option<(String, Subject)> {
    let gpu = Gpu::open(&AdapterChoice::Best).ok()?;
    Some((gpu.name().to_owned(), workload.on_device(&gpu).expect("a device that works")))
}

#[cfg(not(feature = "gpu"))]
fn on_gpu(_: &Workload) -> Option<(String, Subject)> {
    None
}

/// An empty batch there and back, and a bare dispatch, which it is to stay within 1.5 times of.
#[cfg(feature = "gpu")]
fn round_trip(c: &mut Criterion) {
    let Ok(gpu) = Gpu::open(&AdapterChoice::Best) else { return };
    let mut group = c.benchmark_group("round_trip");
    let mut bare = BareTrip::new(&gpu).expect("a device that works");
    group.bench_function("bare", |b| b.iter(|| bare.make().expect("a device that works")));
    let problem = standard_problem(100).expect("flatout's own robot");
    let mut checker = GpuChecker::new(&gpu, &problem, 0.05).expect("a device that works");
    let (empty, mut verdicts) = (EdgeBatch::new(1, 3), Vec::new());
    group.bench_function("empty batch", |b| {
        b.iter(|| {
            let ticket = checker.submit(&empty, 0..0).expect("a device that works");
            checker.collect(ticket, &mut verdicts).expect("a device that works");
        });
    });
}

#[cfg(not(feature = "gpu"))]
fn round_trip(_: &mut Criterion) {}

fn steer(c: &mut Criterion) {
    let problem = shelf().problem;
    let steering = LeastEffort::new(&problem.mechanism.limits);
    let ends = positions(&problem, 2);
    let still = vec![0.0; problem.mechanism.dof()];
    let moving = vec![0.3; problem.mechanism.dof()];
    let mut coefficients = vec![0.0; 4 * problem.mechanism.dof()];
    let mut group = c.benchmark_group("steer");
    for (name, velocity) in [("rest", &still), ("moving", &moving)] {
        group.bench_function(name, |b| {
            b.iter(|| steering.steer(black_box(&ends[0]), velocity, &ends[1], &still, &mut coefficients));
        });
    }
}

/// Time-optimal steering: between moving states, and where the motion would be too long.
fn steer_fastest(c: &mut Criterion) {
    let problem = shelf().problem;
    let mut steering = TimeOptimal::new(&problem.mechanism.limits);
    let ends = positions(&problem, 2);
    let still = vec![0.0; problem.mechanism.dof()];
    let moving = vec![0.3; problem.mechanism.dof()];
    let mut profiles = Vec::new();
    let mut group = c.benchmark_group("steer_fastest");
    for (name, longest) in [("moving", f64::INFINITY), ("too_long", 0.1)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                let ends = black_box(&ends);
                steering.steer(&ends[0], &moving, &ends[1], &still, 0.0, longest, &mut profiles)
            });
        });
    }
}

/// A shortcut over the whole of a straight line, and the refinement of a path with two corners.
fn shorten_paths(c: &mut Criterion) {
    let mut problem = shelf().problem;
    problem.world.obstacles.clear();
    let mut checker = SimdChecker::new(&problem, 0.05);
    let mut local = LocalPlanner::new(&problem, &mut checker);
    let still = problem.start.clone();
    let corner = |k: usize| {
        let mut state = still.clone();
        state.position[k] += 0.3;
        state
    };
    let states = vec![still.clone(), corner(0), corner(1), corner(2)];
    let path = Knots { durations: vec![1.0; states.len() - 1], states };
    let (from, to) = (path.states[0].clone(), path.states[1].clone());
    c.bench_function("shortcut", |b| {
        b.iter(|| {
            let motion = local.connect_fastest((&from).into(), (&to).into(), f64::INFINITY);
            motion.expect("lanes do not fail").map(Trajectory::duration)
        });
    });
    c.bench_function("shorten", |b| {
        b.iter(|| shorten(black_box(&path), &mut local, 16, 0).expect("lanes do not fail"));
    });
}

/// The certificate of a solved path: its limits alone, with collisions, and with efforts too.
fn certify(c: &mut Criterion) {
    let scene = shelf();
    let trajectory = solved(&scene);
    let collision = Problem { torque: false, ..scene.problem };
    let mut limits = collision.clone();
    limits.world.obstacles.clear();
    limits.mechanism.pairs.clear();
    let mut effort = Problem { torque: true, ..limits.clone() };
    // What the path takes does not matter here, only what a proof costs.
    effort.mechanism.limits.iter_mut().for_each(|limits| limits.effort *= 2.0);
    let mut group = c.benchmark_group("certify");
    for (name, problem) in [("limits", limits), ("limits, collision", collision), ("limits, effort", effort)]
    {
        group.bench_function(BenchmarkId::new("new", name), |b| {
            b.iter(|| Certifier::new(black_box(&problem), Default::default()));
        });
        let mut certifier = Certifier::new(&problem, Default::default());
        group.bench_function(name, |b| {
            b.iter(|| certifier.certify(black_box(&trajectory)).expect("valid"));
        });
    }
}

/// The scan for the nearest of a tree's nodes.
fn nearest(c: &mut Criterion) {
    let problem = shelf().problem;
    let still = vec![0.0; problem.mechanism.dof()];
    let queries = positions(&problem, 1000);
    let mut group = c.benchmark_group("nearest");
    for count in [10, 100, 1_000, 10_000, 100_000] {
        let mut tree = Tree::new(&vec![1.0; problem.mechanism.dof()]);
        positions(&problem, 1000 + count)[1000..].iter().for_each(|p| {
            tree.add(p, &still, None);
        });
        let mut query = queries.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| tree.nearest(query.next().expect("it goes round")));
        });
    }
}

fn whole_plans(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan");
    group.sample_size(20);
    for (name, scene) in scenes() {
        group
            .bench_with_input(BenchmarkId::from_parameter(name), &scene, |b, scene| b.iter(|| solved(scene)));
    }
}

criterion_group!(
    benches,
    check_states,
    check_valid_edges,
    check_batches,
    round_trip,
    check_among_obstacles,
    stages,
    steer,
    steer_fastest,
    shorten_paths,
    certify,
    nearest,
    whole_plans
);
criterion_main!(benches);

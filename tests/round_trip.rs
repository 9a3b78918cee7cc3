//! Whatever is written is read back and certified, from every format, of every kind of robot.

mod common;

use common::replay::replayed;
use flatout::bench::deadline::DeadlineFamily;
use flatout::certify::{CertifyOptions, certify};
use flatout::check::Backend;
use flatout::error::InputError;
use flatout::exchange::{self, Export, Format, NamedTrajectory};
use flatout::plan::{PlanOptions, plan};
use flatout::problem::{JointState, Problem, Smoothness};
use flatout::scene::Scene;
use flatout::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Problems of each kind; with two cores they take some seconds.
const PROBLEMS: u64 = 5;
const FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::JointTrajectory];

fn planned(problem: &Problem, options: &PlanOptions) -> Option<Trajectory> {
    let options = PlanOptions { time_limit: Some(Duration::from_millis(500)), ..options.clone() };
    let mut checker = Backend::Simd.checker(problem, options.resolution).unwrap();
    plan(problem, &mut *checker, &options).ok().map(|solution| solution.trajectory)
}

/// Reads what the format holds of a motion.
fn read_back(problem: &Problem, trajectory: &Trajectory, format: Format) -> Result<Trajectory, InputError> {
    let text = Export::new(problem, trajectory).text(format)?;
    Ok(NamedTrajectory::parse(&text, format)?.driven(problem)?.trajectory)
}

/// What a file is certified with: only a JointTrajectory that moves at its ends, which cannot be slowed, may be off.
fn tolerances(format: Format, problem: &Problem, trajectory: &Trajectory) -> CertifyOptions {
    let orders = if problem.smoothness == Smoothness::Jerk { 1..=2 } else { 1..=1 };
    let rests = |time: f64| {
        orders.clone().all(|order| {
            let mut rates = vec![0.0; trajectory.dof()];
            trajectory.evaluate(time, order, &mut rates);
            rates.iter().all(|rate| rate.abs() < 1e-9)
        })
    };
    match rests(0.0) && rests(trajectory.duration()) {
        true => CertifyOptions::default(),
        false => format.tolerances(),
    }
}

/// Every format that holds a motion of this mechanism gives it back, valid at the tolerance of its numbers.
fn comes_back(name: &str, problem: &Problem, trajectory: &Trajectory) {
    let vehicle = problem.mechanism.vehicle().is_some();
    for format in FORMATS {
        let read = match read_back(problem, trajectory, format) {
            Ok(read) => read,
            // Positions of joints are not how a vehicle moves, and nobody writes them for that.
            Err(_) if vehicle && format == Format::JointTrajectory => continue,
            Err(error) => panic!("{name}, {format:?}: {error}"),
        };
        assert!(format == Format::JointTrajectory || read == *trajectory, "{name}, {format:?}");
        let certified = certify(problem, &read, &tolerances(format, problem, trajectory));
        let shortest = trajectory.segments().map(|s| s.duration).fold(f64::INFINITY, f64::min);
        assert!(certified.is_ok(), "{name}, {format:?}, {shortest} s: {}", certified.unwrap_err());
    }
    let text = Export::new(problem, trajectory).text(Format::Json).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let schema = jsonschema::validator_for(&exchange::schema()).unwrap();
    assert!(schema.is_valid(&file), "{name}: {}", schema.iter_errors(&file).next().unwrap());
    if problem.mechanism.base.is_some() {
        let most = (trajectory.duration() * 4e6 / 60.0).max(2e6);
        let polynomials = file["segments"].to_string();
        assert!(text.len() - polynomials.len() < most as usize + 2000, "{name}: {} bytes", text.len());
        let text = Export::new(problem, trajectory).text(Format::Csv).unwrap();
        assert!(text.len() < most as usize + polynomials.len(), "{name}: {} bytes", text.len());
        replayed(problem, trajectory);
    }
}

/// A motion of no length, where standing is one.
fn stand(name: &str, problem: &Problem, options: &PlanOptions) {
    let start = JointState::at_rest(problem.start.position.clone());
    let still = Problem { goals: vec![start.clone()], start, ..problem.clone() };
    if let Some(trajectory) = planned(&still, options) {
        comes_back(&format!("{name} standing"), &still, &trajectory);
    }
}

#[test]
fn motions_of_random_problems_come_back() {
    let options = PlanOptions::default();
    let (mut asked, mut solved) = (0, 0);
    for family in DeadlineFamily::ALL {
        for seed in 0..PROBLEMS {
            let name = format!("{family:?} {seed}");
            let problem = family.problem(seed).unwrap();
            asked += 1;
            if let Some(trajectory) = planned(&problem, &options) {
                solved += 1;
                comes_back(&name, &problem, &trajectory);
            }
            stand(&name, &problem, &options);
        }
    }
    assert!(2 * solved > asked, "{solved} of {asked}");
}

#[test]
fn motions_of_scenes_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.extension().is_some_and(|e| e == "yaml")) {
        if file.to_string_lossy().contains("scenes/linear_") {
            continue;
        }
        let Scene { problem, options, .. } = Scene::load(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let trajectory = planned(&problem, &options);
        comes_back(&name, &problem, &trajectory.unwrap_or_else(|| panic!("{name} is not solved")));
        stand(&name, &problem, &options);
    }
}

/// A drive that carries an arm, and a car with limits of steering rate, from random places to random places.
#[test]
fn motions_of_random_scenes_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let random = &mut Pcg64Mcg::seed_from_u64(5);
    let mut solved = 0;
    for name in ["manipulator_doorway", "car_parking", "car_trailer"] {
        let file = folder.join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&file).unwrap();
        for number in 0..PROBLEMS {
            let mut scene: Value = serde_saphyr::from_str(&text).unwrap();
            scene.as_object_mut().unwrap().remove("world");
            for end in ["start", "goal"] {
                scene[end]["position"] =
                    [random.random_range(-2.0..2.0), random.random_range(-1.5..1.5)].into_iter().collect();
                scene[end]["heading"] = random.random_range(-3.0..3.0).into();
            }
            let Scene { problem, options, .. } = Scene::read(&scene.to_string(), &file).unwrap();
            if let Some(trajectory) = planned(&problem, &options) {
                solved += 1;
                comes_back(&format!("{name} {number}"), &problem, &trajectory);
            }
        }
    }
    assert!(solved > PROBLEMS, "{solved}");
}

/// Minutes and hours: files stay small enough to be read, and tell how far an open loop drifts.
#[test]
fn long_motions_come_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes");
    let long = |text: &str| {
        let Scene { problem, options, .. } = Scene::read(text, &folder.join("long.yaml")).unwrap();
        let begun = Instant::now();
        let trajectory = planned(&problem, &options).expect("a plan");
        let budget = begun.elapsed().max(Duration::from_millis(10));
        comes_back("long", &problem, &trajectory);
        let export = |format| {
            let begun = Instant::now();
            let _ = Export::new(&problem, &trajectory).text(format);
            begun.elapsed()
        };
        for format in FORMATS {
            // Machines that run tests have other things to do.
            let least = (0..10).map(|_| export(format)).min().unwrap();
            assert!(least < 4 * budget, "{format:?}: {least:?} of {budget:?}");
        }
        let text = Export::new(&problem, &trajectory).text(Format::Json).unwrap();
        assert!(text.len() < 20_000_000, "{} bytes", text.len());
        (problem, trajectory)
    };
    let drive = "robot: {differential_drive: {speed: [-0.3, 0.6], turn_rate: [-1.5, 1.5], acceleration: 0.5, turn_acceleration: 2, body: {radius: 0.2}}}\nstart: {position: [0, 0], heading: 0}\ngoal: {position: [600, 5], heading: 0}\n";
    assert!(long(drive).1.duration() > 900.0);
    let slow = "robot: {urdf: ../robots/panda/panda.urdf, srdf: ../robots/panda/panda.srdf, joint_limits: ../robots/panda/joint_limits.yaml, group: panda_arm}\nstart: [0.541, 0.415, 0.109, -1.494, -0.046, 1.907, 0.998]\ngoal: [-0.385, 0.428, -0.302, -1.493, 0.131, 1.901, 1.057]\nlimits: {velocity_scaling: 0.0003}\n";
    assert!(long(slow).1.duration() > 1000.0);
    // A trailer in reverse is not stable: its drift is told, whatever it is.
    let reverse = "robot: {car: {wheelbase: 2.8, speed: [-1.5, 4], steering: 0.6, steering_rate: 0.8, acceleration: 1.5, body: {size: [4.4, 1.9], center: [1.4, 0]}, trailer: {hitch_length: 3, angle: 0.9, body: {size: [3, 1.7], center: [-0.2, 0]}}}}\nworld: [{name: house ahead, shape: cuboid, size: [2, 60, 6], position: [9, 0, 0]}]\nstart: {position: [0, 0], heading: 0}\ngoal: {position: [-60, 3], heading: 0}\n";
    let (problem, trajectory) = long(reverse);
    assert!(trajectory.duration() > 30.0);
    let (drift, _) = replayed(&problem, &trajectory);
    assert!(drift < 10.0, "{drift}");
}

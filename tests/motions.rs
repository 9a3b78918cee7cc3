//! Motions that begin or end in motion: planned anew on the way, of no length, or hardly any, at limits, and out of a
//! fall. Budgets are samples alone, so that all holds on any machine.

mod common;

use common::replay::replayed;
use flatout::base::{Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, GRAVITY as EARTH};
use flatout::base::{PlanarQuadrotor, Quadrotor, Trailer, VelocityAxes};
use flatout::bench::families::{FamilyKind, Vehicle};
use flatout::certify::{CertifyOptions, certify};
use flatout::check::{Backend, diagnose};
use flatout::exchange::{Export, Format, NamedTrajectory};
use flatout::plan::{Departure, EndFault, PlanError, PlanOptions, Quality, Solution, plan, replan};
use flatout::pose::Pose;
use flatout::problem::{GRAVITY, JointState, Problem, Smoothness};
use flatout::robot::{JointLimits, Mechanism, Robot, Sphere};
use flatout::scene::Scene;
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::Path;

/// Options of a search that samples alone end.
fn within(max_samples: u64, seed: u64) -> PlanOptions {
    PlanOptions { seed, time_limit: None, max_samples, ..PlanOptions::default() }
}

fn answer(problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    plan(problem, &mut *checker, options)
}

fn replanned(
    problem: &Problem,
    options: &PlanOptions,
    departure: &Departure<'_>,
) -> Result<Solution, PlanError> {
    let mut checker = Backend::Simd.checker(problem, options.resolution).expect("lanes");
    replan(problem, &mut *checker, options, departure)
}

fn obstacle(name: &str, shape: Shape, at: DVec3) -> Obstacle {
    Obstacle { name: name.to_owned(), shape, pose: Pose::from_translation(at) }
}

/// A base with a ball of this radius, within a room of 100 m, from one state of its to another.
fn problem(base: &Base, radius: f64, obstacles: Vec<Obstacle>, start: &[f64], goal: &[f64]) -> Problem {
    let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
    let slides = base.coordinates().iter().take_while(|coordinate| !coordinate.turns).count();
    for limits in &mut limits[..slides] {
        (limits.lower, limits.upper) = (-50.0, 50.0);
    }
    let ball = vec![Sphere { center: DVec3::ZERO, radius }];
    let trailer = match base {
        Base::Car(Car { trailer: Some(_), .. }) => ball.clone(),
        _ => Vec::new(),
    };
    let state = |state: &[f64]| {
        let [position, velocity] = base.configuration(state).expect("a regular state");
        JointState { velocity, ..JointState::at_rest(position) }
    };
    let (start, goals) = (state(start), vec![state(goal)]);
    let robot = Robot::of_spheres("body", ball).on_base(base.clone(), &limits, trailer);
    Problem {
        mechanism: Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)
            .expect("joints"),
        world: World { obstacles },
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: GRAVITY,
    }
}

fn quadrotor(rng: &mut Pcg64Mcg) -> Quadrotor {
    Quadrotor {
        mass: rng.random_range(0.5..1.5),
        inertia: DVec3::new(0.004, 0.004, 0.007),
        actuation: Actuation::Rotors {
            arm: rng.random_range(0.12..0.25),
            torque_by_thrust: 0.016,
            most: rng.random_range(1.8..3.0),
        },
        velocity: rng.random_range(3.0..8.0),
        body_rate: 8.0,
        velocity_axes: VelocityAxes::World,
        gravity: EARTH,
    }
}

fn planar(rng: &mut Pcg64Mcg) -> PlanarQuadrotor {
    PlanarQuadrotor {
        mass: 0.6,
        inertia: 0.004,
        arm: rng.random_range(0.12..0.25),
        rotor: rng.random_range(1.8..3.0),
        velocity: rng.random_range(3.0..8.0),
        body_rate: 8.0,
        gravity: EARTH,
    }
}

fn drive(rng: &mut Pcg64Mcg) -> DifferentialDrive {
    let acceleration =
        Some(DriveAcceleration { linear: rng.random_range(0.4..2.0), angular: rng.random_range(1.0..3.0) });
    let most = rng.random_range(0.8..2.0);
    DifferentialDrive { speed: [-0.5, most], turn_rate: [-rng.random_range(0.8..2.0), 1.2], acceleration }
}

fn airplane(rng: &mut Pcg64Mcg) -> Airplane {
    let slow = rng.random_range(3.0..8.0);
    Airplane {
        speed: [slow, slow * rng.random_range(1.3..2.5)],
        acceleration: rng.random_range(1.0..3.0),
        yaw_rate: rng.random_range(0.6..1.5),
        pitch_rate: rng.random_range(0.4..1.0),
        pitch: 0.5,
    }
}

/// Everything that is replanned, and where to: every kind with each of its vehicles but slots, whose witnesses are not
/// flown through twice.
fn pairs() -> impl Iterator<Item = (FamilyKind, Vehicle)> {
    let kinds = FamilyKind::ALL.into_iter().filter(|&kind| kind != FamilyKind::Slot);
    kinds.flat_map(|kind| kind.vehicles().iter().map(move |&vehicle| (kind, vehicle)))
}

/// On its way, at random instants: to the same goal, never later than driving on; back to where it came from; and where
/// something has come in its way. Old and new motion are one, by one certificate, and can be replayed.
#[test]
fn vehicles_are_replanned_on_the_way() {
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let (mut asked, mut solved, mut unsolved) = ([0; 2], [0; 2], Vec::new());
    for (kind, vehicle) in pairs() {
        let Scene { problem, options, .. } = kind.instance(vehicle, 1).expect("a problem").scene;
        let options = PlanOptions { range: options.range, ..within(4000, 1) };
        let Ok(Solution { trajectory: running, .. }) = answer(&problem, &options) else { continue };
        for _ in 0..2 {
            let from = running.duration() * rng.random_range(0.05..0.9);
            let departure = Departure { running: &running, from };
            let name = format!("{} {} at {from}", kind.name(), vehicle.name());
            let joined = |problem: &Problem, next: &Solution| {
                let (whole, _) = departure
                    .join(problem, &next.trajectory, &CertifyOptions::default())
                    .unwrap_or_else(|why| panic!("{name}: {why}"));
                assert!((whole.duration() - from - next.trajectory.duration()).abs() < 1e-9, "{name}");
                if problem.mechanism.vehicle().is_some() {
                    replayed(problem, &whole);
                }
            };
            let same =
                replanned(&problem, &options, &departure).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert!(same.trajectory.duration() <= running.duration() - from + 1e-9, "{name}");
            joined(&problem, &same);

            let back = Problem { goals: vec![problem.start.clone()], ..problem.clone() };
            let middle = from + 0.6 * (running.duration() - from);
            let there =
                JointState::of(&problem.mechanism, &running, middle, problem.smoothness).expect("a state");
            let mut poses = Vec::new();
            problem.mechanism.place(&there.position, &mut poses);
            let at = poses[problem.mechanism.links[0].body].translation;
            let mut blocked = problem.clone();
            blocked.world.obstacles.push(obstacle("newcomer", Shape::Sphere { radius: 0.05 }, at));
            for (i, changed) in [back, blocked].into_iter().enumerate() {
                if diagnose(&changed, &changed.goals[0]).is_some() {
                    continue;
                }
                asked[i] += 1;
                match replanned(&changed, &options, &departure) {
                    Ok(next) => {
                        solved[i] += 1;
                        joined(&changed, &next);
                    }
                    Err(why @ (PlanError::Backend(_) | PlanError::Invalid(_))) => panic!("{name}: {why}"),
                    // What has come in its way may be too near, and a search may end too early.
                    Err(why) => unsolved.push(format!("{name}: {why}")),
                }
            }
        }
    }
    let share = |i: usize| f64::from(solved[i]) / f64::from(asked[i]);
    assert!(share(0) > 0.8 && share(1) > 0.6, "{solved:?} of {asked:?}: {unsolved:#?}");
}

/// A car turns to another goal in the middle of a bend, at its speed and with its wheels as they are; whoever said it
/// began otherwise is refused.
#[test]
fn a_car_turns_off_in_a_bend() {
    for name in ["car_parking", "car_trailer"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenes/{name}.yaml"));
        let Scene { problem, .. } = Scene::load(&file).expect("a good scene");
        let running = answer(&problem, &within(50_000, 0)).expect("a plan").trajectory;
        let departure = Departure { running: &running, from: 0.2 * running.duration() };
        assert_eq!(departure.refusal(&problem), None);
        let here = departure.problem(&problem);
        assert!(here.start.velocity.iter().any(|v| v.abs() > 0.1), "{:?}", here.start);
        let next = answer(&here, &within(50_000, 0)).unwrap_or_else(|why| panic!("{name}: {why}"));
        departure.join(&problem, &next.trajectory, &CertifyOptions::default()).expect("one motion");
        // The same motion does not begin at half the speed, nor with other wheels.
        for change in
            [|v: &mut Vec<f64>| v.iter_mut().for_each(|v| *v *= 0.5), |v: &mut Vec<f64>| v[2] += 0.01]
        {
            let mut other = here.clone();
            change(&mut other.start.velocity);
            assert!(certify(&other, &next.trajectory, &CertifyOptions::default()).is_err());
        }
        let mut slipping = here.clone();
        let (sin, cos) = slipping.start.position[2].sin_cos();
        (slipping.start.velocity[0], slipping.start.velocity[1]) = (-sin, cos);
        let told = answer(&slipping, &within(100, 0)).expect_err("it slips");
        assert!(matches!(told, PlanError::Start(EndFault::Invalid(_))), "{told}");
        assert!(told.to_string().contains("slip"), "{told}");
    }
}

/// A start that is a goal, in whatever motion, is a motion of no length that solves its problem, and every exact format
/// gives it back.
#[test]
fn where_the_start_is_the_goal_there_is_nothing_to_do() {
    let mut rng = Pcg64Mcg::seed_from_u64(8);
    for &vehicle in &Vehicle::ALL {
        let kind =
            FamilyKind::ALL.into_iter().find(|kind| kind.vehicles().contains(&vehicle)).expect("a kind");
        let problem = kind.instance(vehicle, 0).expect("a problem").scene.problem;
        let Ok(Solution { trajectory: running, .. }) = answer(&problem, &within(20_000, 0)) else { continue };
        for i in 0..6 {
            let from = if i == 0 { 0.0 } else { running.duration() * rng.random_range(0.0..1.0) };
            let mut here = Departure { running: &running, from }.problem(&problem);
            here.goals = vec![here.start.clone()];
            let name = format!("{} at {from}", vehicle.name());
            let solution = answer(&here, &within(1000, 0)).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(solution.trajectory.duration(), 0.0, "{name}");
            for format in [Format::Json, Format::Csv] {
                let text = Export::new(&here, &solution.trajectory).text(format).expect("a file");
                let read = NamedTrajectory::parse(&text, format).and_then(|named| named.driven(&here));
                let read = read.unwrap_or_else(|why| panic!("{name}, {format:?}: {why}")).trajectory;
                let valid = certify(&here, &read, &CertifyOptions::default());
                assert!(valid.is_ok(), "{name}, {format:?}: {}", valid.unwrap_err());
            }
            let over = Departure { running: &solution.trajectory, from: 0.0 };
            let again =
                replanned(&here, &within(1000, 0), &over).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert_eq!(again.trajectory.duration(), 0.0, "{name}");
        }
    }
}

/// Millimetres to a metre ahead, at an even speed: there is no way around.
#[test]
fn what_lies_just_ahead_is_come_to_straight() {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    for round in 0..12 {
        let way = 10_f64.powf(rng.random_range(-3.0..-0.5));
        let share = rng.random_range(0.3..0.95);
        let (drive, plane, planar, quadrotor) =
            (drive(&mut rng), airplane(&mut rng), planar(&mut rng), quadrotor(&mut rng));
        let flown = |slow: f64, fast: f64| slow + share * (fast - slow);
        let cases = [
            (share * drive.speed[1], Base::DifferentialDrive(drive), 3, [0.0, 0.0, 0.0, 0.0, 0.0].to_vec()),
            (flown(plane.speed[0], plane.speed[1]), Base::Airplane(plane), 5, vec![0.0; 6]),
            (share * planar.velocity, Base::PlanarQuadrotor(planar), 3, vec![0.0; 6]),
            (share * quadrotor.velocity, Base::Quadrotor(quadrotor), 7, {
                let mut state = vec![0.0; 13];
                state[6] = 1.0;
                state
            }),
        ];
        for (speed, base, index, mut start) in cases {
            start[index] = speed;
            let mut goal = start.clone();
            goal[0] += way;
            let problem = problem(&base, 0.2, Vec::new(), &start, &goal);
            let solution = answer(&problem, &within(5000, round))
                .unwrap_or_else(|why| panic!("{way} m at {speed}: {base:?}: {why}"));
            let even = way / speed;
            let duration = solution.trajectory.duration();
            assert!(duration <= even * 1.001, "{way} m at {speed}: {duration} for {even}: {base:?}");
        }
    }
}

/// Ends at a limit itself, and within a thousandth of it, of every limited quantity that a state holds.
#[test]
fn ends_may_be_at_their_limits() {
    let mut rng = Pcg64Mcg::seed_from_u64(17);
    for round in 0..6 {
        for share in [1.0, 0.9995] {
            let (drive, plane) = (drive(&mut rng), airplane(&mut rng));
            let [slow, fast] = plane.speed.map(|speed| {
                if share == 1.0 {
                    speed
                } else {
                    speed.clamp(plane.speed[0] * 1.0005, plane.speed[1] * 0.9995)
                }
            });
            let (planar, quadrotor) = (planar(&mut rng), quadrotor(&mut rng));
            let [right, left] = drive.turn_rate.map(|rate| share * rate);
            let [back, ahead] = drive.speed.map(|speed| share * speed);
            let (pitch, aloft) =
                (share * plane.pitch, |state: [f64; 3]| [&[0.0, 0.0, 0.0][..], &state].concat());
            let mut level = vec![0.0; 13];
            level[6] = 1.0;
            let flying = |velocity: [f64; 3]| {
                let mut state = level.clone();
                state[7..10].copy_from_slice(&velocity);
                state
            };
            let far = |mut state: Vec<f64>, way: f64| {
                state[0] = way;
                state
            };
            let most = share * quadrotor.velocity;
            let drives = Base::DifferentialDrive(drive);
            let rest = vec![8.0, 0.5, 0.3, 0.0, 0.0];
            let planes = Base::Airplane(plane);
            let fly = Base::Quadrotor(quadrotor);
            let flat = Base::PlanarQuadrotor(planar.clone());
            let cases = [
                (&drives, vec![0.0, 0.0, 0.0, ahead, 0.0], rest.clone()),
                (&drives, vec![0.0, 0.0, 0.0, back, 0.0], rest.clone()),
                (&drives, vec![0.0, 0.0, 0.0, 0.5 * ahead, left], rest.clone()),
                (&drives, vec![0.0, 0.0, 0.0, 0.0, right], rest.clone()),
                (&drives, rest.clone(), vec![0.0, 0.0, 0.0, ahead, 0.0]),
                (&drives, vec![0.0, 0.0, 0.0, ahead, 0.0], vec![9.0, 0.0, 0.0, ahead, 0.0]),
                (&planes, far(aloft([0.0, 0.0, slow]), -45.0), far(aloft([0.5, 0.0, fast]), 45.0)),
                (&planes, far(aloft([0.0, 0.0, fast]), -45.0), far(aloft([0.0, 0.0, slow]), 45.0)),
                (&planes, far(aloft([0.0, pitch, fast]), -45.0), far(aloft([0.0, 0.0, slow]), 45.0)),
                (&fly, flying([most, 0.0, 0.0]), far(level.clone(), 9.0)),
                (&fly, flying([0.0, 0.0, most]), far(level.clone(), 4.0)),
                (&fly, far(level.clone(), -9.0), flying([most, 0.0, 0.0])),
                (
                    &flat,
                    vec![0.0, 0.0, 0.0, share * planar.velocity, 0.0, 0.0],
                    vec![9.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                ),
            ];
            for (base, start, goal) in cases {
                let problem = problem(base, 0.2, Vec::new(), &start, &goal);
                let found = answer(&problem, &within(20_000, round));
                assert!(found.is_ok(), "{base:?} from {start:?} to {goal:?}: {}", found.unwrap_err());
            }
        }
    }
}

/// A car in motion at its greatest speed and steering.
#[test]
fn a_car_may_begin_at_its_limits() {
    let mut rng = Pcg64Mcg::seed_from_u64(23);
    for round in 0..8 {
        let steering = rng.random_range(0.4..0.8);
        let trailer = (round % 2 == 1).then_some(Trailer { hitch_length: 2.5, angle: 0.9 });
        let car = Car {
            wheelbase: 2.6,
            speed: [-2.0, rng.random_range(2.0..6.0)],
            steering,
            steering_rate: rng.random_range(0.5..1.5),
            acceleration: rng.random_range(1.0..3.0),
            trailer,
        };
        for share in [1.0, 0.9995] {
            let (speed, steered) = (share * car.speed[1], share * steering);
            let base = Base::Car(car.clone());
            let state = [0.0, 0.0, 0.2, 0.2];
            let goal = [25.0, 8.0, 0.5, 0.5];
            let ends = if trailer.is_some() { 4 } else { 3 };
            let mut problem = problem(&base, 0.5, Vec::new(), &state[..ends], &goal[..ends]);
            let mut rates = [0.0; 4];
            base.dynamics(&state[..ends], &[speed, steered], &mut rates[..ends]);
            // In line, the trailer goes as the car does and does not turn yet.
            let turn = rates[2];
            problem.start.velocity[..2].copy_from_slice(&[speed * 0.2_f64.cos(), speed * 0.2_f64.sin()]);
            match trailer {
                None => problem.start.velocity[2] = turn,
                Some(_) => problem.start.velocity[3] = turn,
            }
            let found = answer(&problem, &within(20_000, round));
            assert!(found.is_ok(), "{share} of {car:?}: {}", found.unwrap_err());
        }
    }
}

/// What cannot stop is told at once, with the way that it takes and the way that there is.
#[test]
fn what_cannot_stop_is_told_so() {
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let wall = |at: DVec3, half: DVec3| vec![obstacle("wall", Shape::Cuboid { half_extents: half }, at)];
    for _ in 0..10 {
        let drive = DifferentialDrive {
            speed: [-0.5, 3.0],
            turn_rate: [-0.4, 0.4],
            acceleration: Some(DriveAcceleration { linear: rng.random_range(0.3..1.0), angular: 1.0 }),
        };
        let plane = airplane(&mut rng);
        let (radius, flyer) = (plane.speed[0] / plane.yaw_rate.hypot(plane.pitch_rate), planar(&mut rng));
        let (sink, strong) = (0.9 * flyer.velocity, (flyer.rotor - 1.0) * EARTH);
        let cases = [
            // Half of what it takes to stop straight ahead.
            (Base::DifferentialDrive(drive), vec![0.0, 0.0, 0.0, 2.0, 0.0], DVec3::X, 0.25 * 4.0 / 2.0),
            (
                Base::Airplane(plane.clone()),
                vec![0.0, 0.0, 0.0, 0.0, 0.0, plane.speed[0]],
                DVec3::X,
                0.5 * radius,
            ),
            (
                Base::PlanarQuadrotor(flyer),
                vec![0.0, 0.0, 0.0, 0.0, -sink, 0.0],
                -DVec3::Z,
                0.4 * sink * sink / strong,
            ),
        ];
        for (base, start, toward, free) in cases {
            let mut goal = start.clone();
            goal[0] += 10.0;
            let at = toward * (free + 0.2 + 1.0);
            let half = DVec3::ONE * 40.0 - toward.abs() * 39.0;
            let asked = |obstacles| problem(&base, 0.2, obstacles, &start, &goal);
            let told = answer(&asked(wall(at, half)), &within(5000, 0)).expect_err("it cannot stop");
            let PlanError::Start(EndFault::Unstoppable(why)) = &told else { panic!("{base:?}: {told}") };
            assert!((why.free - free).abs() < 1e-6 && why.needed > free, "{told}");
            assert!(told.to_string().contains("\"wall\""), "{told}");
            // Of a goal the same, backwards.
            if !matches!(base, Base::DifferentialDrive(_)) {
                continue;
            }
            let Problem { start: fast, goals: far, .. } = asked(Vec::new());
            let rest = JointState::at_rest(far[0].position.clone());
            let to = Problem { start: rest, goals: vec![fast], ..asked(wall(-at, half)) };
            let told = answer(&to, &within(5000, 0)).expect_err("it cannot have come from there");
            assert!(matches!(told, PlanError::Goal(EndFault::Unstoppable(_))), "{base:?}: {told}");
        }
    }
}

/// Falls that are known to be caught: hovers from which time went backwards under controls drawn at random, the floor
/// below the lowest place on that way.
#[test]
fn falls_that_can_be_caught_are() {
    let mut rng = Pcg64Mcg::seed_from_u64(41);
    let (mut caught, mut asked, mut unsaid) = (0, 0, Vec::new());
    while asked < 60 {
        let flyer = quadrotor(&mut rng);
        let Some((start, lowest)) = fallen(&flyer, &mut rng) else { continue };
        asked += 1;
        let goal = [1.0, 1.0, 3.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let top = lowest - 0.1 - 0.3;
        let floor = vec![obstacle(
            "floor",
            Shape::Cuboid { half_extents: DVec3::new(40.0, 40.0, 1.0) },
            DVec3::Z * (top - 1.0),
        )];
        let problem = problem(&Base::Quadrotor(flyer), 0.1, floor, &start, &goal);
        match answer(&problem, &within(6000, 0)) {
            Ok(_) => caught += 1,
            Err(PlanError::Start(EndFault::Unstoppable(why))) => panic!("it can stop: {why}"),
            Err(why) => unsaid.push(why.to_string()),
        }
    }
    assert!(10 * caught >= 9 * asked, "{caught} of {asked}: {unsaid:#?}");
}

/// A state from which constant controls, one after the other, lead to a hover at the origin; and the lowest height on
/// the way. `None` where it leaves the limits, or hardly sinks.
fn fallen(flyer: &Quadrotor, rng: &mut Pcg64Mcg) -> Option<(Vec<f64>, f64)> {
    const STEP: f64 = 2e-3;
    let Actuation::Rotors { most, .. } = flyer.actuation else { return None };
    let base = Base::Quadrotor(flyer.clone());
    let mut state = vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let (mut lowest, parts) = (0.0_f64, rng.random_range(2..5));
    let duration = rng.random_range(0.2..0.6) / f64::from(parts);
    for part in 0..parts {
        let (common, spread) = (rng.random_range(0.6..most), [0.05, 0.2, 0.5][rng.random_range(0..3_usize)]);
        let control: Vec<f64> = match part {
            0 => vec![0.97 * most; 4],
            _ => {
                (0..4).map(|_| (common + spread * rng.random_range(-1.0..1.0_f64)).clamp(0.0, most)).collect()
            }
        };
        for _ in 0..(duration / STEP) as usize {
            let rates = |state: &[f64]| {
                let mut rates = vec![0.0; 13];
                base.dynamics(state, &control, &mut rates);
                rates
            };
            let back = |from: &[f64], h: f64, rates: &[f64]| -> Vec<f64> {
                from.iter().zip(rates).map(|(x, r)| x - h * r).collect()
            };
            let middle = back(&state, 0.5 * STEP, &rates(&state));
            state = back(&state, STEP, &rates(&middle));
            let size = state[3..7].iter().map(|q| q * q).sum::<f64>().sqrt();
            state[3..7].iter_mut().for_each(|q| *q /= size);
            lowest = lowest.min(state[2]);
            let is_within = state[7..10].iter().all(|v| v.abs() < 0.98 * flyer.velocity)
                && state[10..].iter().all(|w| w.abs() < 0.98 * flyer.body_rate);
            if !is_within {
                return None;
            }
        }
    }
    // Overturned, it is for another test: in the flat outputs few turns lead through a quarter turn of roll.
    let upright = 1.0 - 2.0 * (state[3] * state[3] + state[4] * state[4]);
    (state[9] < -1.0 && upright > 0.2).then_some((state, lowest))
}

/// Half a minute of a quadrotor's flight is a file of less than 2 MB.
#[test]
fn a_flight_of_half_a_minute_is_a_small_file() {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let flyer = Quadrotor { velocity: 1.5, ..quadrotor(&mut rng) };
    let mut ends = [vec![0.0; 13], vec![0.0; 13]];
    ends.iter_mut().for_each(|end| end[6] = 1.0);
    (ends[0][0], ends[1][0]) = (-22.0, 22.0);
    let trunks = (0..12).map(|i| {
        let at = DVec3::new(-18.0 + 3.0 * f64::from(i), 0.4 * f64::from(i % 3) - 0.4, 0.0);
        obstacle("trunk", Shape::Cuboid { half_extents: DVec3::new(0.3, 0.3, 60.0) }, at)
    });
    let problem = problem(&Base::Quadrotor(flyer), 0.2, trunks.collect(), &ends[0], &ends[1]);
    let trajectory = answer(&problem, &within(50_000, 0)).expect("a plan").trajectory;
    assert!(trajectory.duration() > 28.0, "{}", trajectory.duration());
    let text = Export::new(&problem, &trajectory).text(Format::Json).expect("a file");
    let most = 2e6 * (trajectory.duration() / 30.0).min(1.0);
    assert!((text.len() as f64) < most, "{} bytes for {} s", text.len(), trajectory.duration());
}

/// Of random problems of cars none takes longer than its route did before it was shortened, as far as that is told.
#[test]
fn shortening_does_not_lengthen() {
    for (kind, vehicle) in [
        (FamilyKind::Parking, Vehicle::SmallCar),
        (FamilyKind::Parking, Vehicle::Car),
        (FamilyKind::Corridor, Vehicle::Car),
        (FamilyKind::Docking, Vehicle::CarTrailer),
    ] {
        for seed in 0..8 {
            let problem = kind.instance(vehicle, seed).expect("a problem").scene.problem;
            let Ok(solution) = answer(&problem, &within(20_000, seed)) else { continue };
            let (before, after) = (solution.statistics.raw_duration, solution.trajectory.duration());
            assert!(after <= before * (1.0 + 1e-9), "{kind:?} {vehicle:?} {seed}: {after} after {before}");
        }
    }
}

/// More work is never for a longer motion.
#[test]
fn a_better_car_is_no_slower() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/car_parking.yaml");
    let Scene { problem, options, .. } = Scene::load(&file).expect("a good scene");
    for seed in 0..3 {
        let durations = Quality::ALL.map(|quality| {
            let mut options = PlanOptions { range: options.range, ..within(200_000, seed) };
            quality.apply(&mut options);
            answer(&problem, &options).expect("a plan").trajectory.duration()
        });
        assert!(durations.windows(2).all(|pair| pair[1] <= pair[0] * (1.0 + 1e-9)), "{seed}: {durations:?}");
    }
}

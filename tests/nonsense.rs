//! Problems, options and calls that make no sense: each is refused, with the name of its field, by planners,
//! checkers and the certificate alike; none gets a trajectory, and nothing panics.

mod common;

use flatout::base::{Actuation, Base, DriveAcceleration};
use flatout::certify::{
    Certifier, CertifyOptions, LinearTolerances, LinearViolation, Violation, certify, certify_linear,
};
use flatout::check::{Backend, CheckError, EdgeBatch, SimdChecker, StateBatch};
use flatout::check::{EdgeChecker, ScalarChecker};
use flatout::error::InvalidValue;
use flatout::exchange::{Export, Format};
use flatout::plan::rrt_star::{LinearPlanError, LinearPlanOptions, LinearWorld, plan_linear};
use flatout::plan::{
    Departure, MAX_BATCH, PlanError, PlanOptions, Task, plan, plan_batch, plan_on_threads, replan,
};
use flatout::pose::Pose;
use flatout::problem::{JointState, LinearProblem, Problem, Smoothness};
use flatout::robot::{AlwaysTouching, LoadOptions, Mechanism, Robot, SkipReason, SkippedPair, Sphere};
use flatout::scene::{LinearScene, Scene};
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape};
use glam::DVec3;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

/// A problem of each kind of robot, planned as it is.
struct Sound {
    name: &'static str,
    problem: Problem,
    trajectory: Trajectory,
}

static SOUND: LazyLock<Vec<Sound>> = LazyLock::new(|| {
    let names = [
        "panda_table",
        "panda_smooth",
        "point_yard",
        "drive_boxes",
        "car_parking",
        "car_trailer",
        "omni_shelves",
        "airplane_gate",
        "planar_quadrotor_gap",
        "quadrotor_window",
        "manipulator_doorway",
    ];
    names.map(sound).into()
});

fn scene(name: &str) -> Scene {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenes/{name}.yaml"));
    Scene::load(&file).unwrap_or_else(|e| panic!("{e}"))
}

fn sound(name: &'static str) -> Sound {
    let Scene { mut problem, options, .. } = scene(name);
    // One obstacle of every shape, far from everything that happens.
    let shapes = [
        Shape::Sphere { radius: 0.5 },
        Shape::Cuboid { half_extents: DVec3::splat(0.5) },
        Shape::Capsule { radius: 0.5, half_length: 0.5 },
        Shape::Cylinder { radius: 0.5, half_length: 0.5 },
    ];
    let far = |(i, shape): (usize, Shape)| Obstacle {
        name: format!("far {i}"),
        shape,
        pose: Pose::from_translation(DVec3::new(0.0, 10.0 * i as f64, 500.0)),
    };
    let first = problem.world.obstacles.len();
    problem.world.obstacles.extend(shapes.into_iter().enumerate().map(far));
    problem.world.obstacles.rotate_left(first);
    let mut checker = Backend::Simd.checker(&problem, options.resolution).unwrap();
    let options = PlanOptions { time_limit: None, max_samples: 1_000_000, ..options };
    let solution = plan(&problem, &mut *checker, &options).unwrap_or_else(|why| panic!("{name}: {why}"));
    Sound { name, problem, trajectory: solution.trajectory }
}

/// What a number may be.
#[derive(Clone, Copy)]
enum May {
    /// Anything up to a million million.
    Finite,
    /// The same, not below zero.
    NotNegative,
    /// The same, above zero.
    Positive,
    /// The same, or infinite.
    PositiveOrEndless,
    /// Nothing that is tried here.
    Nothing,
    /// What is tried here has a meaning that only the rest of the problem decides.
    Depends,
}

impl May {
    /// Whether it may be this; `None` where that depends.
    fn be(self, value: f64) -> Option<bool> {
        let finite = value.abs() <= 1e12;
        match self {
            Self::Finite => Some(finite),
            Self::NotNegative => Some(finite && value >= 0.0),
            Self::Positive => Some(finite && value > 0.0),
            Self::PositiveOrEndless => Some(finite && value > 0.0 || value == f64::INFINITY),
            Self::Nothing => Some(false),
            Self::Depends if value.is_nan() || value.abs() == 1e308 => Some(false),
            Self::Depends => None,
        }
    }
}

/// No numbers, and some that are, down to the least that makes sense.
const VALUES: [f64; 9] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e308, -1e308, 1e-12, 1e-6];

/// A number of a problem: the field as errors name it, what it may be, and how to set it.
struct Number {
    field: &'static str,
    may: May,
    set: fn(&mut Problem, f64),
}

const fn number(field: &'static str, may: May, set: fn(&mut Problem, f64)) -> Number {
    Number { field, may, set }
}

/// Numbers of any problem.
const COMMON: &[Number] = &[
    number("start.position[0]", May::Finite, |p, v| p.start.position[0] = v),
    number("start.velocity[0]", May::Finite, |p, v| p.start.velocity[0] = v),
    number("start.acceleration[0]", May::Finite, |p, v| p.start.acceleration = vec![v; p.mechanism.dof()]),
    number("goals[0].position[1]", May::Finite, |p, v| p.goals[0].position[1] = v),
    number("goals[0].velocity[1]", May::Finite, |p, v| p.goals[0].velocity[1] = v),
    number("gravity.y", May::Finite, |p, v| p.gravity.y = v),
    number("obstacles[0] (\"far 0\").shape.radius", May::NotNegative, |p, v| {
        p.world.obstacles[0].shape = Shape::Sphere { radius: v };
    }),
    number("obstacles[1] (\"far 1\").shape.half_extents.y", May::NotNegative, |p, v| {
        p.world.obstacles[1].shape = Shape::Cuboid { half_extents: DVec3::new(1.0, v, 1.0) };
    }),
    number("obstacles[2] (\"far 2\").shape.half_length", May::NotNegative, |p, v| {
        p.world.obstacles[2].shape = Shape::Capsule { radius: 0.1, half_length: v };
    }),
    number("obstacles[3] (\"far 3\").shape.radius", May::NotNegative, |p, v| {
        p.world.obstacles[3].shape = Shape::Cylinder { radius: v, half_length: 1.0 };
    }),
    number("obstacles[1] (\"far 1\").pose.translation.z", May::Finite, |p, v| {
        p.world.obstacles[1].pose.translation.z = v;
    }),
    number("obstacles[1] (\"far 1\").pose.rotation", May::Nothing, |p, v| {
        p.world.obstacles[1].pose.rotation.x_axis.x = v;
    }),
    number("mechanism.limits[0]", May::Depends, |p, v| p.mechanism.limits[0].lower = v),
    number("mechanism.limits[0]", May::Depends, |p, v| p.mechanism.limits[0].upper = v),
    number("velocity", May::PositiveOrEndless, |p, v| p.mechanism.limits[0].velocity = v),
    number("acceleration", May::PositiveOrEndless, |p, v| p.mechanism.limits[0].acceleration = v),
    number("jerk", May::PositiveOrEndless, |p, v| p.mechanism.limits[0].jerk = v),
    number("effort", May::Depends, |p, v| p.mechanism.limits[0].effort = v),
    number("mechanism.bodies[1]", May::Depends, |p, v| p.mechanism.bodies[1].ratio = v),
    number("mechanism.bodies[1]", May::Depends, |p, v| p.mechanism.bodies[1].offset = v),
    number("placement.translation.x", May::Finite, |p, v| p.mechanism.bodies[0].placement.translation.x = v),
    number("placement.rotation", May::Nothing, |p, v| p.mechanism.bodies[0].placement.rotation.z_axis.z = v),
    number("inertia.mass", May::Depends, |p, v| p.mechanism.bodies[1].inertia.mass = v),
    number("inertia.com.y", May::Finite, |p, v| p.mechanism.bodies[1].inertia.com.y = v),
    number("inertia.matrix", May::Depends, |p, v| p.mechanism.bodies[1].inertia.matrix.x_axis.x = v),
    number("spheres[0].center.x", May::Depends, |p, v| p.mechanism.spheres[0].center.x = v),
    number("spheres[0].radius", May::NotNegative, |p, v| p.mechanism.spheres[0].radius = v),
    number("bound.radius", May::Depends, |p, v| p.mechanism.links[0].bound.radius = v),
    number("bound", May::Depends, |p, v| p.mechanism.links[0].bound.center.z = v),
];

macro_rules! of_base {
    ($kind:ident, $field:literal, $may:expr, |$base:ident, $v:ident| $set:expr) => {
        number($field, $may, |p, $v| {
            let Some(Base::$kind($base)) = &mut p.mechanism.base else { panic!("another kind") };
            $set;
        })
    };
}

fn of_kind(problem: &Problem) -> Vec<Number> {
    match &problem.mechanism.base {
        None => Vec::new(),
        Some(Base::Point(_)) => vec![
            of_base!(Point, "point.velocity", May::Positive, |b, v| b.velocity = v),
            of_base!(Point, "point.acceleration", May::Positive, |b, v| b.acceleration = v),
        ],
        Some(Base::DifferentialDrive(_)) => vec![
            of_base!(DifferentialDrive, "speed", May::Depends, |b, v| b.speed[0] = v),
            of_base!(DifferentialDrive, "speed", May::Depends, |b, v| b.speed[1] = v),
            of_base!(DifferentialDrive, "turn_rate", May::Depends, |b, v| b.turn_rate[1] = v),
            of_base!(DifferentialDrive, "acceleration.linear", May::Positive, |b, v| {
                b.acceleration = Some(DriveAcceleration { linear: v, angular: 1.0 });
            }),
            of_base!(DifferentialDrive, "acceleration.angular", May::Positive, |b, v| {
                b.acceleration = Some(DriveAcceleration { linear: 1.0, angular: v });
            }),
        ],
        Some(Base::Car(car)) => {
            let mut numbers = vec![
                of_base!(Car, "car.wheelbase", May::Positive, |b, v| b.wheelbase = v),
                of_base!(Car, "speed", May::Depends, |b, v| b.speed[0] = v),
                of_base!(Car, "speed", May::Depends, |b, v| b.speed[1] = v),
                of_base!(Car, "car.steering", May::Positive, |b, v| b.steering = v),
                of_base!(Car, "steering_rate", May::PositiveOrEndless, |b, v| b.steering_rate = v),
                of_base!(Car, "acceleration", May::PositiveOrEndless, |b, v| b.acceleration = v),
            ];
            if car.trailer.is_some() {
                numbers.push(of_base!(Car, "trailer.hitch_length", May::Positive, |b, v| {
                    b.trailer.as_mut().unwrap().hitch_length = v;
                }));
                numbers.push(of_base!(Car, "trailer.angle", May::Positive, |b, v| {
                    b.trailer.as_mut().unwrap().angle = v;
                }));
            }
            numbers
        }
        Some(Base::Airplane(_)) => vec![
            of_base!(Airplane, "speed", May::Depends, |b, v| b.speed[0] = v),
            of_base!(Airplane, "speed", May::Depends, |b, v| b.speed[1] = v),
            of_base!(Airplane, "acceleration", May::Positive, |b, v| b.acceleration = v),
            of_base!(Airplane, "yaw_rate", May::Positive, |b, v| b.yaw_rate = v),
            of_base!(Airplane, "pitch_rate", May::Positive, |b, v| b.pitch_rate = v),
            of_base!(Airplane, "pitch", May::Positive, |b, v| b.pitch = v),
        ],
        Some(Base::Omnidirectional(_)) => vec![
            of_base!(Omnidirectional, "velocity[1]", May::Positive, |b, v| b.velocity[1] = v),
            of_base!(Omnidirectional, "acceleration[2]", May::Positive, |b, v| b.acceleration[2] = v),
            of_base!(Omnidirectional, "wheels.radius", May::Positive, |b, v| {
                b.wheels.as_mut().unwrap().radius = v;
            }),
            of_base!(Omnidirectional, "wheels.half_length", May::Positive, |b, v| {
                b.wheels.as_mut().unwrap().half_length = v;
            }),
            of_base!(Omnidirectional, "wheels.rate", May::Positive, |b, v| {
                b.wheels.as_mut().unwrap().rate = v;
            }),
        ],
        Some(Base::PlanarQuadrotor(_)) => vec![
            of_base!(PlanarQuadrotor, "mass", May::Positive, |b, v| b.mass = v),
            of_base!(PlanarQuadrotor, "inertia", May::Positive, |b, v| b.inertia = v),
            of_base!(PlanarQuadrotor, "arm", May::Positive, |b, v| b.arm = v),
            of_base!(PlanarQuadrotor, "rotor", May::Positive, |b, v| b.rotor = v),
            of_base!(PlanarQuadrotor, "velocity", May::Positive, |b, v| b.velocity = v),
            of_base!(PlanarQuadrotor, "body_rate", May::Positive, |b, v| b.body_rate = v),
        ],
        Some(Base::Quadrotor(_)) => vec![
            of_base!(Quadrotor, "mass", May::Positive, |b, v| b.mass = v),
            of_base!(Quadrotor, "inertia.x", May::Positive, |b, v| b.inertia.x = v),
            of_base!(Quadrotor, "inertia.z", May::Positive, |b, v| b.inertia.z = v),
            of_base!(Quadrotor, "velocity", May::Positive, |b, v| b.velocity = v),
            of_base!(Quadrotor, "body_rate", May::Positive, |b, v| b.body_rate = v),
            of_base!(Quadrotor, "actuation.arm", May::Positive, |b, v| {
                b.actuation = Actuation::Rotors { arm: v, torque_by_thrust: 0.01, most: 2.0 };
            }),
            of_base!(Quadrotor, "actuation.torque_by_thrust", May::Positive, |b, v| {
                b.actuation = Actuation::Rotors { arm: 0.1, torque_by_thrust: v, most: 2.0 };
            }),
            of_base!(Quadrotor, "actuation.most", May::Positive, |b, v| {
                b.actuation = Actuation::Rotors { arm: 0.1, torque_by_thrust: 0.01, most: v };
            }),
            of_base!(Quadrotor, "actuation.unit[2]", May::Positive, |b, v| {
                let unit = [1.0, 1.0, v, 1.0];
                b.actuation =
                    Actuation::Wrench { unit, lower: [0.0, -1.0, -1.0, -1.0], upper: [30.0, 1.0, 1.0, 1.0] };
            }),
            of_base!(Quadrotor, "actuation.upper[1]", May::Depends, |b, v| {
                let upper = [30.0, v, 1.0, 1.0];
                b.actuation = Actuation::Wrench { unit: [1.0; 4], lower: [0.0, -0.5, -1.0, -1.0], upper };
            }),
        ],
    }
}

/// Little to do, so that a thousand problems are planned in seconds.
fn briefly() -> PlanOptions {
    PlanOptions { max_samples: 20, time_limit: Some(Duration::from_millis(30)), ..PlanOptions::default() }
}

/// Hands a problem to all that take one, and returns the trajectory that came of it; `sound` is the problem that it
/// was. Where it is not valid, all of them must say so, and say why.
fn hand_around(sound: &Sound, problem: &Problem) -> Option<Trajectory> {
    let options = briefly();
    let trajectory = &sound.trajectory;
    let certified = certify(problem, trajectory, &CertifyOptions::default());
    let checkers = [Backend::Scalar, Backend::Simd]
        .map(|backend| backend.checker(problem, options.resolution).map(|_| ()));
    let departure = Departure { running: trajectory, from: 0.3 * trajectory.duration() };
    let mut foreign = SimdChecker::new(&sound.problem, options.spacing(&sound.problem));
    let planned = plan(problem, &mut foreign, &options);
    let again = replan(problem, &mut foreign, &options, &departure);
    let joined = departure.join(problem, trajectory, &CertifyOptions::default()).map(|_| ());
    let _ = (departure.state(problem), departure.refusal(problem), departure.standstill(problem));
    if let Err(why) = problem.validate() {
        assert_eq!(certified, Err(Violation::Invalid(why.clone())));
        for checker in checkers {
            assert_eq!(checker, Err(CheckError::Invalid(why.clone())));
        }
        let threads = plan_on_threads(problem, || unreachable!("no checker of nonsense"), &options, 2);
        let task = Task { problem, options: &options };
        let batch = plan_batch(&[task], |_| unreachable!("no checker of nonsense"), 2, |_, _| {}).remove(0);
        for answer in [planned, threads, batch] {
            let Err(PlanError::Invalid(told)) = answer else { panic!("{answer:?}, not {why}") };
            assert_eq!(told, why);
        }
        assert!(joined.is_err());
        // Only its own start is of no account when something is left on the way.
        if !why.field.starts_with("start") {
            assert!(matches!(again, Err(PlanError::Invalid(_))), "{again:?}");
        }
        return None;
    }
    let mut checker =
        Backend::Simd.checker(problem, options.resolution).expect("a checker of a valid problem");
    match plan(problem, &mut *checker, &options) {
        Ok(solution) => Some(solution.trajectory),
        Err(PlanError::Backend(failure)) => panic!("{failure}"),
        Err(_) => None,
    }
}

#[test]
fn numbers_that_make_no_sense_are_named() {
    for sound in SOUND.iter() {
        let kinds = of_kind(&sound.problem);
        for Number { field, may, set } in COMMON.iter().chain(&kinds) {
            for value in VALUES {
                let mut problem = sound.problem.clone();
                set(&mut problem, value);
                let what = format!("{}: {field} = {value}", sound.name);
                let valid = problem.validate();
                // A sphere that is made larger alone is not held any more by what should hold it.
                let grown = matches!(&valid, Err(e) if e.field.ends_with("bound.radius"));
                if let (Some(may), false) = (may.be(value), grown) {
                    assert_eq!(valid.is_ok(), may, "{what}: {valid:?}");
                }
                if let (Err(InvalidValue { field: named, .. }), Some(false)) = (&valid, may.be(value)) {
                    assert!(named.contains(field) || grown, "{what}: {named}");
                }
                hand_around(sound, &problem);
            }
        }
    }
}

/// Leaves a pair of spheres of two links out.
fn leave_out(problem: &mut Problem, links: [usize; 2], spheres: [usize; 2]) {
    problem.mechanism.always = vec![AlwaysTouching { links, spheres: vec![spheres] }];
}

/// Lists that are empty, too long or too short, and indices that point nowhere.
#[test]
fn structures_that_make_no_sense_are_named() {
    type Change = fn(&mut Problem);
    let changes: &[(&str, Change)] = &[
        ("start.position", |p| p.start.position.clear()),
        ("start.position", |p| p.start.position.push(0.0)),
        ("start.velocity", |p| p.start.velocity.clear()),
        ("start.velocity", |p| p.start.velocity.push(0.0)),
        ("start.acceleration", |p| p.start.acceleration.push(0.0)),
        ("goals", |p| p.goals.clear()),
        ("goals[1].position", |p| p.goals.push(JointState::at_rest(vec![0.0]))),
        ("goals[0].velocity", |p| p.goals[0].velocity.truncate(1)),
        ("mechanism.limits", |p| p.mechanism.limits.clear()),
        ("mechanism.limits", |p| p.mechanism.limits.push(p.mechanism.limits[0])),
        ("mechanism.limits", |p| p.mechanism.outputs.push("another".to_owned())),
        ("mechanism.outputs", |p| p.mechanism.outputs.clear()),
        ("mechanism.bodies", |p| p.mechanism.bodies.clear()),
        ("bodies[1]", |p| p.mechanism.bodies[1].parent = 1),
        ("parent", |p| p.mechanism.bodies.last_mut().unwrap().parent = usize::MAX),
        ("bodies[0].motion", |p| p.mechanism.bodies[0].motion = flatout::robot::JointMotion::Revolute),
        ("output", |p| p.mechanism.bodies.last_mut().unwrap().output = 100),
        ("body", |p| p.mechanism.links.last_mut().unwrap().body = 100),
        ("links", |p| p.mechanism.bodies.truncate(1)),
        ("spheres", |p| p.mechanism.spheres.clear()),
        ("spheres", |p| p.mechanism.links[0].spheres = 5..5),
        ("spheres", |p| p.mechanism.links[0].spheres = 5..usize::MAX),
        ("spheres", |p| {
            let std::ops::Range { start, end } = p.mechanism.links[0].spheres;
            p.mechanism.links[0].spheres = std::ops::Range { start: end, end: start };
        }),
        ("pairs[0]", |p| p.mechanism.pairs.insert(0, [0, 100])),
        ("pairs[0]", |p| p.mechanism.pairs.insert(0, [0, 0])),
        ("always[0].links", |p| leave_out(p, [0, 100], [0, 0])),
        ("always[0].links", |p| leave_out(p, [1, 0], [0, 0])),
        ("always[0]", |p| leave_out(p, [0, 1], [0, 1000])),
        ("proved_within", |p| p.mechanism.proved_within = vec![[0.0; 2]; p.mechanism.outputs.len() + 1]),
        ("proved_within[0]", |p| p.mechanism.proved_within = vec![[1.0, 0.0]; p.mechanism.outputs.len()]),
    ];
    for sound in SOUND.iter() {
        for (i, (field, change)) in changes.iter().enumerate() {
            let mut problem = sound.problem.clone();
            change(&mut problem);
            let error = problem.validate().expect_err(field);
            assert!(error.field.contains(field), "{} {i}: {error}, not {field}", sound.name);
            hand_around(sound, &problem);
        }
        // The base of another robot, or one that is not there.
        for other in SOUND.iter() {
            let mut problem = sound.problem.clone();
            problem.mechanism.base = other.problem.mechanism.base.clone();
            hand_around(sound, &problem);
            hand_around(sound, &other.problem);
        }
    }
}

#[test]
fn vehicles_are_not_asked_for_what_they_lack() {
    for sound in SOUND.iter().filter(|sound| sound.problem.mechanism.vehicle().is_some()) {
        let torque = Problem { torque: true, ..sound.problem.clone() };
        assert_eq!(torque.validate().unwrap_err().field, "torque");
        hand_around(sound, &torque);
        let mut jerk = Problem { smoothness: Smoothness::Jerk, ..sound.problem.clone() };
        jerk.start.acceleration = vec![0.0; jerk.mechanism.dof()];
        jerk.goals.iter_mut().for_each(|goal| goal.acceleration = vec![0.0; goal.position.len()]);
        assert_eq!(jerk.validate().unwrap_err().field, "smoothness");
        hand_around(sound, &jerk);
    }
    // Nor is an arm for torques that nobody knows.
    let mut arm = SOUND[0].problem.clone();
    arm.torque = true;
    arm.mechanism.limits[2].effort = f64::INFINITY;
    assert_eq!(arm.validate().unwrap_err().field, "torque");
}

/// A solid box of no size below zero around the robot was once passed.
#[test]
fn a_box_turned_inside_out_is_no_obstacle() {
    let sound = &SOUND[0];
    let mut problem = sound.problem.clone();
    problem.world.obstacles.push(Obstacle {
        name: "around".to_owned(),
        shape: Shape::Cuboid { half_extents: DVec3::splat(-3.0) },
        pose: Pose::IDENTITY,
    });
    assert!(problem.validate().unwrap_err().field.ends_with("(\"around\").shape.half_extents.x"));
    assert_eq!(hand_around(sound, &problem), None);
}

#[test]
fn options_that_make_no_sense_are_named() {
    let Sound { problem, trajectory, .. } = &SOUND[2];
    let planned = |options: &PlanOptions| {
        let mut checker = Backend::Simd.checker(problem, 0.1).unwrap();
        let answer = plan(problem, &mut *checker, options);
        let Err(PlanError::Invalid(why)) = answer else { panic!("{answer:?}: {options:?}") };
        why.field
    };
    let default = PlanOptions::default;
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e308] {
        assert_eq!(planned(&PlanOptions { range: Some(value), ..default() }), "options.range");
        assert_eq!(planned(&PlanOptions { resolution: Some(value), ..default() }), "options.resolution");
        if value != 0.0 {
            assert_eq!(planned(&PlanOptions { moving_share: value, ..default() }), "options.moving_share");
        }
        let checker = Backend::Simd.checker(problem, value).map(|_| ());
        assert!(matches!(checker, Err(CheckError::Invalid(why)) if why.field == "resolution"));
    }
    assert_eq!(planned(&PlanOptions { batch: MAX_BATCH + 1, ..default() }), "options.batch");
    assert_eq!(planned(&PlanOptions { searches: 0, ..default() }), "options.searches");

    type Set = fn(&mut CertifyOptions, f64);
    let fields: [(&str, Set); 6] = [
        ("options.tolerance", |o, v| o.tolerance = v),
        ("options.limit_tolerance", |o, v| o.limit_tolerance = v),
        ("options.jerk_tolerance", |o, v| o.jerk_tolerance = v),
        ("options.world_tolerance", |o, v| o.world_tolerance = Some(v)),
        ("options.links_tolerance", |o, v| o.links_tolerance = Some(v)),
        ("options.least_world_clearance", |o, v| o.least_world_clearance = v),
    ];
    for (field, set) in fields {
        for value in [f64::NAN, f64::INFINITY, -1.0, -1e-300] {
            let mut options = CertifyOptions::default();
            set(&mut options, value);
            let refused = Certifier::new(problem, options).certify(trajectory);
            assert!(
                matches!(refused, Err(Violation::Invalid(why)) if why.field == field),
                "{field} = {value}"
            );
        }
    }
}

/// An empty trajectory, one of another robot, and a time that is none.
#[test]
fn departures_that_make_no_sense_are_named() {
    let Sound { problem, trajectory, .. } = &SOUND[2];
    let foreign = &SOUND[0].trajectory;
    let empty = Trajectory::new(trajectory.dof(), 3);
    let mut numberless = Trajectory::new(trajectory.dof(), 0);
    numberless.push(1.0, &vec![f64::NAN; trajectory.dof()]);
    let options = briefly();
    for (running, from, field) in [
        (&empty, 0.0, "departure.running"),
        (foreign, 0.1, "departure.running"),
        (trajectory, f64::NAN, "departure.from"),
        (&numberless, 0.1, "start.position[0]"),
    ] {
        let departure = Departure { running, from };
        let mut checker = Backend::Simd.checker(problem, options.resolution).unwrap();
        let answer = replan(problem, &mut *checker, &options, &departure);
        let Err(PlanError::Invalid(why)) = answer else { panic!("{answer:?}") };
        assert!(why.field.starts_with(field), "{why}, not {field}");
        let joined = departure.join(problem, trajectory, &CertifyOptions::default());
        assert!(joined.is_err());
        if !std::ptr::eq(running, &numberless) {
            assert!(departure.refusal(problem).is_some_and(|why| why.starts_with(field)));
            assert_eq!(departure.state(problem), problem.start);
        }
        let _ = (departure.standstill(problem), departure.problem(problem));
    }
    let sound = Departure { running: trajectory, from: 0.5 };
    let foreign = sound.join(problem, foreign, &CertifyOptions::default());
    assert!(matches!(foreign, Err(Violation::Malformed { .. })));
    // Beyond its ends a time is clamped.
    for from in [f64::NEG_INFINITY, -1.0, 1e9, f64::INFINITY] {
        assert!(Departure { running: trajectory, from }.validate(problem).is_ok());
        let mut checker = Backend::Simd.checker(problem, options.resolution).unwrap();
        let answer = replan(problem, &mut *checker, &options, &Departure { running: trajectory, from });
        assert!(!matches!(answer, Err(PlanError::Invalid(_) | PlanError::Backend(_))), "{answer:?}");
    }
}

#[test]
fn mechanisms_of_joints_that_are_not_there_are_refused() {
    let robot = common::own_robot("panda");
    let neutral = robot.neutral();
    let new = |joints: &[usize], values: &[f64], base| Mechanism::new(&robot, joints, values, base);
    let refused = |joints: &[usize], values: &[f64], base| new(joints, values, base).unwrap_err().to_string();
    let error = refused(&[0, 99], &neutral, Pose::IDENTITY);
    assert!(error.starts_with("joints: expected indices of joints, below"), "{error}");
    let error = refused(&robot.independent_joints(), &[], Pose::IDENTITY);
    assert!(error.starts_with("values: expected") && error.ends_with("found 0"), "{error}");
    let mut values = neutral.clone();
    values[2] = f64::NAN;
    assert!(refused(&[0], &values, Pose::IDENTITY).starts_with("values[2]: "));
    let nowhere = Pose::from_translation(DVec3::new(f64::NAN, 0.0, 0.0));
    assert!(refused(&[0], &neutral, nowhere).starts_with("base.translation.x: "));

    type Change = fn(&mut Robot);
    let changes: &[(&str, Change)] = &[
        ("robot.links", |r| drop(r.links.pop())),
        ("parent", |r| r.joints[0].parent = 7),
        ("origin.translation.y", |r| r.joints[1].origin.translation.y = f64::INFINITY),
        ("axis", |r| r.joints[1].axis = DVec3::ZERO),
        ("limits.velocity", |r| r.joints[1].limits.velocity = -1.0),
        ("limits.upper", |r| r.joints[1].limits.upper = -1e3),
        ("mimic.joint", |r| {
            let mimic = r.joints.iter_mut().find_map(|j| j.mimic.as_mut()).expect("a finger that follows");
            mimic.joint = 1000;
        }),
        ("pairs[0]", |r| r.pairs[0] = [0, 1000]),
        ("skipped[0].links", |r| {
            r.skipped = vec![SkippedPair { links: [0, 1000], reason: SkipReason::Adjacent }];
        }),
        ("always[0].links", |r| {
            r.always = vec![AlwaysTouching { links: [0, 1000], spheres: vec![[0, 0]] }];
        }),
        ("proved_within", |r| r.proved_within = vec![[0.0, 1.0]]),
        ("inertia.mass", |r| r.links[1].inertia.mass = -1.0),
        ("spheres[0].radius", |r| r.links[1].spheres[0] = Sphere { center: DVec3::ZERO, radius: f64::NAN }),
    ];
    for (field, change) in changes {
        let mut robot = robot.clone();
        change(&mut robot);
        let error = Mechanism::new(&robot, &[0], &neutral, Pose::IDENTITY).unwrap_err().to_string();
        assert!(error.contains(field), "{error}, not {field}");
    }
}

/// Edges and states of another robot than the checker's.
#[test]
fn batches_of_another_robot_are_refused() {
    let problem = &SOUND[2].problem;
    let mut edges = EdgeBatch::new(5, 3);
    edges.push_at_rest(&[0.0; 5], &[1.0; 5], 1.0);
    let mut states = StateBatch::new(5);
    states.push(&[0.0; 5], &[0.0; 5], &[0.0; 5]);
    let checkers: [Box<dyn EdgeChecker>; 2] =
        [Box::new(SimdChecker::new(problem, 0.1)), Box::new(ScalarChecker::new(problem, 0.1))];
    for mut checker in checkers {
        let refused = |checked: Result<(), CheckError>| matches!(checked, Err(CheckError::Invalid(_)));
        assert!(refused(checker.check(&edges, &mut Vec::new())));
        assert!(refused(checker.check_states(&states, &mut Vec::new())));
    }
    let mut arms = Backend::Simd.checker(&SOUND[0].problem, 0.1).unwrap();
    let planned = plan(problem, &mut *arms, &briefly());
    assert!(matches!(planned, Err(PlanError::Invalid(_))), "{planned:?}");
}

/// A robot's URDF alone gives no accelerations, from which durations follow: the caller is told.
#[test]
fn limits_that_durations_need_are_asked_for() {
    let urdf = common::own_file("panda", "panda.urdf");
    let robot = Robot::load(&urdf, None, None, &LoadOptions::default()).unwrap();
    let joints: Vec<usize> = robot.independent_joints().into_iter().take(7).collect();
    let mechanism = Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY).unwrap();
    let problem = Problem { mechanism, ..SOUND[0].problem.clone() };
    let problem = Problem { torque: false, ..problem };
    // A trajectory can be held against what limits there are, ...
    assert!(problem.validate().is_ok());
    // ... but none be planned.
    let mut checker = Backend::Simd.checker(&problem, 0.1).unwrap();
    let error = plan(&problem, &mut *checker, &PlanOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no plan: mechanism.limits[0] (\"panda_joint1\").acceleration: expected a limit: without one no duration \
         can be told, found inf"
    );
}

/// Trajectories that no file can hold.
#[test]
fn files_are_not_written_of_what_is_no_trajectory() {
    let Sound { problem, trajectory, .. } = &SOUND[0];
    let mut numberless = Trajectory::new(trajectory.dof(), 0);
    numberless.push(1.0, &vec![f64::NAN; trajectory.dof()]);
    let empty = Trajectory::new(trajectory.dof(), 3);
    for (trajectory, field) in [
        (&empty, "trajectory: "),
        (&SOUND[2].trajectory, "trajectory: "),
        (&numberless, "trajectory[0].coefficients"),
    ] {
        for format in [Format::Json, Format::Csv, Format::JointTrajectory] {
            let error = Export::new(problem, trajectory).text(format).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}

/// Linear systems that make no sense: the field is named by planner and certificate alike, and nothing panics.
#[test]
fn linear_problems_that_make_no_sense_are_named() {
    type Change = fn(&mut LinearProblem);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/linear_spring.yaml");
    let LinearScene { problem: sound, .. } = LinearScene::load(&file).unwrap_or_else(|e| panic!("{e}"));
    let brief = LinearPlanOptions { samples: 5, max_samples: 5, ..LinearPlanOptions::default() };
    let still = Trajectory::new(6, 1);
    let refused = |problem: &LinearProblem, field: &str| {
        let error = problem.validate().and_then(|()| LinearWorld::of(problem, brief.neighbours).map(|_| ()));
        let error = error.expect_err(field);
        assert!(error.field.contains(field), "{error}, not {field}");
        assert_eq!(plan_linear(problem, &brief).unwrap_err(), LinearPlanError::Invalid(error.clone()));
        error
    };
    let changes: &[(&str, Change)] = &[
        ("states", |p| p.states.clear()),
        ("states", |p| p.states = vec![p.states[0].clone(); 17]),
        ("states[1].name", |p| p.states[1].name = "x".to_owned()),
        ("states[1].name", |p| p.states[1].name.clear()),
        ("states[1].name", |p| p.states[1].name = "c0_x".to_owned()),
        ("states[1].name", |p| p.states[1].name = "duration".to_owned()),
        ("controls[0].name", |p| p.controls[0].name = "x".to_owned()),
        ("controls", |p| p.controls.clear()),
        ("A", |p| p.a.clear()),
        ("A", |p| p.a[2].push(0.0)),
        ("A", |p| p.a[2][1] = f64::NAN),
        ("A", |p| p.a[2][1] = 1e13),
        ("B", |p| p.b.truncate(2)),
        ("B", |p| p.b[0].clear()),
        ("B", |p| p.b[2][0] = f64::INFINITY),
        // Nothing moves y any more.
        ("B", |p| (p.b[3][1], p.a[3][0]) = (0.0, 0.0)),
        ("B", |p| p.b.iter_mut().for_each(|row| row.fill(0.0))),
        ("c", |p| p.c.truncate(1)),
        ("c", |p| p.c[0] = f64::NAN),
        ("R", |p| p.r[0][0] = 0.0),
        ("R", |p| p.r[0][1] = 1.0),
        ("R", |p| p.r = vec![vec![1.0, 2.0], vec![2.0, 1.0]]),
        ("R", |p| drop(p.r.pop())),
        ("states[0]", |p| p.states[0].lower = f64::NEG_INFINITY),
        ("states[0]", |p| p.states[0].upper = p.states[0].lower),
        ("controls[1]", |p| p.controls[1].upper = f64::NAN),
        ("place", |p| p.place = vec![0, 0]),
        ("place", |p| p.place = vec![0, 4]),
        ("place", |p| p.place = vec![0]),
        ("radius", |p| p.radius = -1.0),
        ("radius", |p| p.radius = f64::NAN),
        ("obstacles[0]", |p| p.world.obstacles[0].shape = Shape::Sphere { radius: f64::NAN }),
        ("start", |p| p.start.clear()),
        ("start", |p| p.start[3] = f64::NAN),
        ("goals", |p| p.goals.clear()),
        ("goals[0]", |p| p.goals[0].push(1.0)),
    ];
    for (field, change) in changes {
        let mut problem = sound.clone();
        change(&mut problem);
        let error = refused(&problem, field);
        let told = certify_linear(&problem, &still, &LinearTolerances::default()).unwrap_err();
        if problem.validate().is_err() {
            assert_eq!(told.0, [LinearViolation::Invalid(error)]);
        }
    }
    // Numbers that are sound one by one may make systems that hardly are.
    for value in VALUES.into_iter().chain([1e12, -1e12, 1e-12]) {
        for (i, j) in [(0, 0), (0, 2), (2, 0), (2, 3), (3, 1)] {
            let mut problem = sound.clone();
            problem.a[i][j] = value;
            let _ = plan_linear(&problem, &brief);
            problem = sound.clone();
            problem.b[i][j % 2] = value;
            let _ = plan_linear(&problem, &brief);
            problem = sound.clone();
            problem.r[i % 2][i % 2] = value;
            problem.c[j] = value;
            let _ = plan_linear(&problem, &brief);
        }
    }
}

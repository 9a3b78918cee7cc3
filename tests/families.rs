//! Problems of the families are drawn from their seeds alone, and can be solved: witnesses lead from start to goal, as the
//! vehicle can drive, clear of everything.

use flatout::base::{Airplane, Base, Car, DifferentialDrive, Trailer};
use flatout::bench::families::{FamilyKind, Instance, Placement, Vehicle};
use flatout::problem::Problem;
use flatout::scene::Scene;
use flatout::world::Shape;
use glam::DVec2;
use std::f64::consts::TAU;

/// Every kind with each of its vehicles.
fn pairs() -> impl Iterator<Item = (FamilyKind, Vehicle)> {
    FamilyKind::ALL.into_iter().flat_map(|kind| kind.vehicles().iter().map(move |&vehicle| (kind, vehicle)))
}

fn wrapped(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

/// Distance of a robot in a position from the nearest obstacle, metres.
fn clearance(problem: &Problem, position: &[f64]) -> f64 {
    let (mechanism, mut poses) = (&problem.mechanism, Vec::new());
    mechanism.place(position, &mut poses);
    let mut least = f64::INFINITY;
    for link in &mechanism.links {
        for sphere in &mechanism.spheres[link.spheres.clone()] {
            let center = poses[link.body].point(sphere.center);
            for obstacle in &problem.world.obstacles {
                least = least.min(obstacle.signed_distance(center) - sphere.radius);
            }
        }
    }
    least
}

/// The position of a vehicle in a placement; flying at the height of its start.
fn position(problem: &Problem, at: &Placement) -> Vec<f64> {
    let &Placement { position: DVec2 { x, y }, heading, trailer } = at;
    // A point's joints are its coordinates.
    let Some(base) = problem.mechanism.vehicle() else { return vec![x, y] };
    let numbers = match base {
        Base::DifferentialDrive(DifferentialDrive { acceleration: Some(_), .. }) => {
            vec![x, y, heading, 0.0, 0.0]
        }
        Base::Car(Car { trailer: Some(_), .. }) => vec![x, y, heading, trailer],
        Base::Omnidirectional(_) => vec![x, y, heading, 0.0, 0.0, 0.0],
        Base::DifferentialDrive(_) | Base::Car(_) => vec![x, y, heading],
        Base::Airplane(plane) => vec![x, y, problem.start.position[2], heading, 0.0, plane.speed[1]],
        Base::Quadrotor(_) => {
            let turn = [0.0, 0.0, (heading / 2.0).sin(), (heading / 2.0).cos()];
            [&[x, y, problem.start.position[2]][..], &turn, &[0.0; 6]].concat()
        }
        Base::Point(_) | Base::PlanarQuadrotor(_) => panic!("no witness in the plane of x and y"),
    };
    base.configuration(&numbers).unwrap()[0].clone()
}

/// The radius of the tightest circle of a vehicle at the speed of its start, metres, and whether it reverses; `None` of
/// what goes anywhere.
fn steering(problem: &Problem) -> Option<(f64, bool)> {
    match problem.mechanism.vehicle()? {
        Base::DifferentialDrive(drive) => {
            Some((drive.speed[0].max(0.0) / drive.turn_rate[1], drive.speed[0] < 0.0))
        }
        Base::Car(car) => Some((car.wheelbase / car.steering.tan(), car.speed[0] < 0.0)),
        Base::Airplane(Airplane { speed, yaw_rate, .. }) => Some((speed[0] / yaw_rate, false)),
        _ => None,
    }
}

/// Two placements that follow each other are joined by an arc, or by a turn on the spot.
fn assert_drivable(problem: &Problem, [from, to]: &[Placement; 2], name: &str) {
    let by = to.position - from.position;
    let turned = wrapped(to.heading - from.heading);
    assert!(by.length() < 1.0 && turned.abs() < 1.0, "{name}: a gap between {from:?} and {to:?}");
    let Some((tightest, reverses)) = steering(problem) else { return };
    let middle = DVec2::from_angle(from.heading + turned / 2.0);
    let (ahead, aside) = (by.dot(middle), by.dot(middle.perp()));
    assert!(aside.abs() < 1e-9, "{name}: slides by {aside}");
    assert!(ahead > -1e-12 || reverses, "{name}: reverses");
    assert!(turned.abs() * tightest <= ahead.abs() * (1.0 + 1e-3) + 1e-9, "{name}: turns too tightly");
    if let Some(Base::Car(Car { trailer: Some(Trailer { hitch_length, angle }), .. })) =
        problem.mechanism.vehicle()
    {
        let hitched = wrapped(to.heading - to.trailer);
        assert!(hitched.abs() < *angle, "{name}: the trailer stands at {hitched}");
        let swung = to.trailer - from.trailer;
        let slid = swung * hitch_length - ahead * (hitched + (swung - turned) / 2.0).sin();
        assert!(slid.abs() < 1e-3 * ahead.abs() + 1e-9, "{name}: the trailer slides by {slid}");
    }
}

#[test]
fn the_same_seed_gives_the_same_scene() {
    for (kind, vehicle) in pairs() {
        let text = |seed| kind.instance(vehicle, seed).unwrap().scene.to_yaml(".".as_ref());
        let first = text(3);
        assert_eq!(first, text(3), "{kind:?} {vehicle:?}");
        assert_ne!(first, text(4), "{kind:?} {vehicle:?}");
    }
}

#[test]
fn starts_and_goals_are_free() {
    for (kind, vehicle) in pairs() {
        for seed in 0..10 {
            let problem = kind.instance(vehicle, seed).unwrap().scene.problem;
            for state in problem.goals.iter().chain([&problem.start]) {
                let clearance = clearance(&problem, &state.position);
                assert!(clearance > 0.0, "{kind:?} {vehicle:?} {seed}: {clearance}");
            }
        }
    }
}

#[test]
fn witnesses_can_be_driven() {
    for (kind, vehicle) in pairs().filter(|&(kind, _)| kind != FamilyKind::Slot) {
        for seed in 0..4 {
            let Instance { scene: Scene { problem, .. }, witness } = kind.instance(vehicle, seed).unwrap();
            let name = format!("{kind:?} {vehicle:?} {seed}");
            for (at, state) in
                [(&witness[0], &problem.start), (&witness[witness.len() - 1], &problem.goals[0])]
            {
                let there = position(&problem, at);
                let same = there.iter().zip(&state.position).all(|(a, b)| (a - b).abs() < 1e-9);
                assert!(same, "{name}: {there:?}, {:?}", state.position);
            }
            witness.windows(2).for_each(|pair| assert_drivable(&problem, &[pair[0], pair[1]], &name));
            // Long ways are looked at here and there.
            for at in witness.iter().step_by(1 + witness.len() / 400) {
                let clearance = clearance(&problem, &position(&problem, at));
                assert!(clearance > 0.0, "{name}: {clearance} at {at:?}");
            }
        }
    }
}

/// A body that leans, its spheres included, fits through every opening; through some it does only if it leans.
#[test]
fn leaning_bodies_fit_through_slots() {
    for &vehicle in FamilyKind::Slot.vehicles() {
        let mut tight = 0;
        for seed in 0..40 {
            let plates = FamilyKind::Slot.instance(vehicle, seed).unwrap().scene.problem.world.obstacles;
            let half = |i: usize| match plates[i].shape {
                Shape::Cuboid { half_extents } => half_extents,
                _ => panic!("not a plate"),
            };
            let apart = plates[0].pose.translation.distance(plates[1].pose.translation);
            // The body's half width and half height across its way, with what its spheres reach beyond it.
            let (opening, [wide, high]) = match vehicle {
                Vehicle::PlanarQuadrotor => (apart - half(0).x - half(1).x, [0.225, 0.055]),
                _ => (2.0 * half(1).y, [0.22, 0.08]),
            };
            let across = |lean: f64| 2.0 * (wide * lean.cos() + high * lean.sin());
            assert!(across(1.2) < 0.99 * opening, "{vehicle:?} {seed}: {opening}");
            tight += usize::from(across(0.0) > opening);
        }
        assert!(tight > 5, "{vehicle:?} has to lean for {tight} of 40");
    }
}

/// What a user gets as a file is the problem that is planned.
#[test]
fn scenes_are_read_as_they_are_written() {
    let folder = std::env::temp_dir().join(format!("flatout_families_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, vehicle) in pairs() {
        let scene = kind.instance(vehicle, 1).unwrap().scene;
        let name = format!("{} {}", kind.name(), vehicle.name());
        let file = folder.join(&name);
        std::fs::write(&file, scene.to_yaml(&folder)).unwrap();
        let read = Scene::load(&file).unwrap();
        assert!(read.warnings.is_empty(), "{name}: {:?}", read.warnings);
        assert_eq!(read.robot, scene.robot, "{name}");
        assert_eq!(read.problem.world.obstacles.len(), scene.problem.world.obstacles.len());
        let ends = |s: &Scene| [s.problem.start.clone(), s.problem.goals[0].clone()];
        for (read, made) in ends(&read).iter().zip(&ends(&scene)) {
            let both =
                read.position.iter().zip(&made.position).chain(read.velocity.iter().zip(&made.velocity));
            both.for_each(|(a, b)| assert!((a - b).abs() < 1e-9, "{name}: {read:?}, {made:?}"));
        }
        assert_eq!(format!("{:?}", read.options), format!("{:?}", scene.options), "{name}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn other_vehicles_are_refused() {
    let error = FamilyKind::Slot.instance(Vehicle::Car, 0).unwrap_err().to_string();
    assert_eq!(error, "slot is not for car; expected one of planar-quadrotor, quadrotor");
}

//! What is drawn can be driven.

use super::track::{Steering, wrapped};
use super::*;
use crate::problem::JointState;
use crate::robot::rectangle_spheres;
use crate::world::Shape;

/// Every kind with each of its vehicles.
fn pairs() -> impl Iterator<Item = (FamilyKind, Vehicle)> {
    FamilyKind::ALL.into_iter().flat_map(|kind| kind.vehicles().iter().map(move |&vehicle| (kind, vehicle)))
}

fn clearance(scene: &Scene, state: &JointState) -> f64 {
    let (problem, mut poses) = (&scene.problem, Vec::new());
    problem.mechanism.place(&state.position, &mut poses);
    let placed = problem.mechanism.links.iter().flat_map(|link| {
        let pose = poses[link.body];
        problem.mechanism.spheres[link.spheres.clone()].iter().map(move |s| (pose.point(s.center), s.radius))
    });
    let apart = |(center, radius)| {
        problem.world.obstacles.iter().map(move |o| o.signed_distance(center) - radius).fold(f64::INFINITY, f64::min)
    };
    placed.map(apart).fold(f64::INFINITY, f64::min)
}

#[test]
fn the_same_seed_gives_the_same_scene() {
    for (kind, vehicle) in pairs() {
        let text = |seed| kind.instance(vehicle, seed).unwrap().scene.to_yaml(".".as_ref());
        assert_eq!(text(3), text(3));
        assert_ne!(text(3), text(4), "{kind:?} {vehicle:?}");
    }
}

#[test]
fn starts_and_goals_are_free() {
    for (kind, vehicle) in pairs() {
        for seed in 0..10 {
            let Instance { scene, .. } = kind.instance(vehicle, seed).unwrap();
            for state in scene.problem.goals.iter().chain([&scene.problem.start]) {
                let clearance = clearance(&scene, state);
                assert!(clearance > 0.0, "{kind:?} {vehicle:?} {seed}: {clearance}");
            }
        }
    }
}

/// Witnesses lead from start to goal, as the vehicle can drive, clear of everything.
#[test]
fn witnesses_can_be_driven() {
    for (kind, vehicle) in pairs().filter(|&(kind, _)| kind != FamilyKind::Slot) {
        for seed in 0..4 {
            let Instance { scene, witness } = kind.instance(vehicle, seed).unwrap();
            let (name, model) = (format!("{kind:?} {vehicle:?} {seed}"), vehicle.model());
            for (at, state) in
                [(&witness[0], &scene.problem.start), (&witness[witness.len() - 1], &scene.problem.goals[0])]
            {
                assert_eq!(model.state(at, model.altitude).unwrap().position, state.position, "{name}");
            }
            witness.windows(2).for_each(|pair| assert_drivable(&model, &[pair[0], pair[1]], &name));
            let obstacles = &scene.problem.world.obstacles;
            let clear = obstacles.iter().all(|o| site::keeps_clear(o, &model, &witness, 0.0));
            assert!(clear, "{name}");
        }
    }
}

/// Two placements that follow each other can be joined by an arc, or by a turn on the spot.
fn assert_drivable(model: &Model, [from, to]: &[Placement; 2], name: &str) {
    let by = to.position - from.position;
    let turned = wrapped(to.heading - from.heading);
    let middle = DVec2::from_angle(from.heading + turned / 2.0);
    let (ahead, aside) = (by.dot(middle), by.dot(middle.perp()));
    let far = (by.length() + turned.abs() * model.extent()) <= 0.5 * model.width + 1e-9;
    assert!(far, "{name}: {from:?} {to:?}");
    if model.steering == Steering::Any {
        return;
    }
    assert!(aside.abs() < 1e-9, "{name}: slides by {aside}");
    assert!(ahead > -1e-12 || model.steering.reverses(), "{name}: reverses");
    let tightest = model.steering.tightest();
    assert!(turned.abs() * tightest <= ahead.abs() * (1.0 + 1e-6) + 1e-12, "{name}: turns too tightly");
}

/// A body that leans fits through every opening: that of a planar quadrotor through gaps, and that of one in space,
/// cut across its way, through windows.
#[test]
fn leaning_bodies_fit_through_slots() {
    for vehicle in FamilyKind::Slot.vehicles() {
        let mut tight = 0;
        for seed in 0..40 {
            let scene = FamilyKind::Slot.instance(*vehicle, seed).unwrap().scene;
            let plates = &scene.problem.world.obstacles;
            let half = |i: usize| match plates[i].shape {
                Shape::Cuboid { half_extents } => half_extents,
                _ => panic!("not a plate"),
            };
            let apart = plates[0].pose.translation.distance(plates[1].pose.translation);
            let (opening, body) = match vehicle {
                Vehicle::PlanarQuadrotor => (apart - half(0).x - half(1).x, [0.22 + 0.005, 0.05 + 0.005]),
                _ => (2.0 * half(1).y, [0.2 + 0.02, 0.06 + 0.02]),
            };
            assert!(slot::leaning(body, opening).is_some(), "{vehicle:?} {seed}: {opening}");
            tight += usize::from(2.0 * body[0] > opening);
        }
        assert!(tight > 5, "{vehicle:?}: {tight} that it has to lean for");
    }
    assert!(rectangle_spheres(DVec2::new(0.22, 0.05), 0.005, true, 256).is_some());
}

/// What a user gets as a file is the problem that is planned.
#[test]
fn scenes_are_read_as_they_are_written() {
    let folder = std::env::temp_dir().join(format!("flatout_families_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (kind, vehicle) in pairs() {
        let scene = kind.instance(vehicle, 1).unwrap().scene;
        let file = folder.join(format!("{}_{}.yaml", kind.name(), vehicle.name()));
        std::fs::write(&file, scene.to_yaml(&folder)).unwrap();
        let read = Scene::load(&file).unwrap();
        assert!(read.warnings.is_empty(), "{kind:?} {vehicle:?}: {:?}", read.warnings);
        assert_eq!(read.robot, scene.robot, "{kind:?} {vehicle:?}");
        assert_eq!(read.problem.world.obstacles.len(), scene.problem.world.obstacles.len());
        let close = |a: &JointState, b: &JointState| {
            a.position.iter().zip(&b.position).chain(a.velocity.iter().zip(&b.velocity)).all(|(a, b)| (a - b).abs() < 1e-9)
        };
        assert!(close(&read.problem.start, &scene.problem.start), "{kind:?} {vehicle:?}");
        assert!(close(&read.problem.goals[0], &scene.problem.goals[0]), "{kind:?} {vehicle:?}");
        assert_eq!(read.options, scene.options);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn other_vehicles_are_refused() {
    let error = FamilyKind::Slot.instance(Vehicle::Car, 0).unwrap_err().to_string();
    assert_eq!(error, "slot is not for car; expected one of planar-quadrotor, quadrotor");
}

//! A known-answer probe: a small arm among obstacles of every shape and two vehicles, states and edges
//! for every status, and what any honest device says of them. Imports `problem` and what lies below it.

pub(super) mod vehicles;

use super::super::packed::{EdgeBatch, StateBatch};
use super::super::{CheckError, EdgeChecker, Status};
use super::{Gpu, GpuChecker, GpuPool};
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{Body, CollisionLink, Inertia, JointLimits, JointMotion, Mechanism, Sphere};
use crate::world::{Obstacle, Shape, World};
use glam::{DMat3, DVec3};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, PI};
use vehicles::ProbeVehicle;

/// A state of the arm, and what is wrong with it.
pub(super) struct Case {
    pub position: [f64; 2],
    pub velocity: f64,
    pub acceleration: f64,
    pub status: Status,
    /// The obstacle, for a collision with the world.
    pub obstacle: u32,
}

/// The arm's first joint turns it in the plane; the second folds its outer half over the inner.
/// Obstacles stand where the outer end passes at 60, 120, 180, 240 and 300 degrees.
pub(super) fn problem() -> Problem {
    let ball = |x: f64| Sphere { center: DVec3::X * x, radius: 0.1 };
    let limits = |upper: f64, velocity, acceleration, effort| JointLimits {
        lower: -upper,
        upper,
        velocity,
        acceleration,
        jerk: f64::INFINITY,
        effort,
    };
    let inertia = Inertia { mass: 1.0, com: DVec3::X * 0.25, matrix: DMat3::IDENTITY * 0.01 };
    let body = |name: &str, parent, x: f64, output, motion, inertia| Body {
        name: name.into(),
        parent,
        placement: Pose::from_translation(DVec3::X * x),
        motion,
        output,
        ratio: 1.0,
        offset: 0.0,
        inertia,
    };
    let link = |body: usize| CollisionLink {
        name: format!("link {body}"),
        body,
        spheres: body..body + 1,
        bound: [ball(0.0), ball(0.3), ball(0.5)][body],
        padding: 0.0,
    };
    let mechanism = Mechanism {
        links: (0..3).map(link).collect(),
        spheres: vec![ball(0.0), ball(0.3), ball(0.5)],
        pairs: vec![[0, 2]],
        ..Mechanism::bare(
            vec![
                body("base", 0, 0.0, 0, JointMotion::Fixed, Inertia::ZERO),
                body("upper arm", 0, 0.0, 0, JointMotion::Revolute, inertia),
                body("forearm", 1, 0.5, 1, JointMotion::Revolute, inertia),
            ],
            vec!["shoulder".into(), "elbow".into()],
            vec![limits(6.0, 2.0, 8.0, 4.0), limits(3.5, 2.0, 8.0, 4.0)],
        )
    };
    let start = JointState::at_rest(vec![0.0; 2]);
    let goals = vec![start.clone()];
    Problem {
        mechanism,
        world: world(),
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: true,
        gravity: GRAVITY,
    }
}

/// One obstacle of each shape.
fn world() -> World {
    let at = |sixths: f64| DMat3::from_rotation_z(sixths * FRAC_PI_3) * DVec3::X;
    let obstacle = |(i, shape): (usize, Shape)| {
        let raised = match shape {
            // So far that only their lengths bring them into the arm's plane.
            Shape::Capsule { .. } | Shape::Cylinder { .. } => DVec3::Z * 0.18,
            _ => DVec3::ZERO,
        };
        let translation = at(i as f64 + 1.0) + raised;
        let rotation = match shape {
            // Its +z, which points out of it, turned towards the base.
            Shape::HalfSpace => {
                DMat3::from_rotation_z((i as f64 + 1.0) * FRAC_PI_3) * DMat3::from_rotation_y(-FRAC_PI_2)
            }
            _ => DMat3::IDENTITY,
        };
        Obstacle { name: format!("{shape:?}"), shape, pose: Pose { rotation, translation } }
    };
    let shapes = [
        Shape::Sphere { radius: 0.05 },
        Shape::Cuboid { half_extents: DVec3::splat(0.05) },
        Shape::Capsule { radius: 0.05, half_length: 0.2 },
        Shape::Cylinder { radius: 0.05, half_length: 0.2 },
        Shape::HalfSpace,
    ];
    World { obstacles: shapes.into_iter().enumerate().map(obstacle).collect() }
}

/// The known answers.
pub(super) fn cases() -> Vec<Case> {
    let still = |shoulder: f64, elbow: f64, status, obstacle| Case {
        position: [shoulder, elbow],
        velocity: 0.0,
        acceleration: 0.0,
        status,
        obstacle,
    };
    let moving = |velocity, acceleration, status| Case {
        position: [0.5, 0.1],
        velocity,
        acceleration,
        status,
        obstacle: 0,
    };
    let mut cases: Vec<Case> =
        (0..5).map(|i| still(f64::from(i + 1) * FRAC_PI_3, 0.0, Status::World, i as u32)).collect();
    cases.extend([
        still(0.0, 0.0, Status::Valid, 0),
        still(FRAC_PI_2, 0.0, Status::Valid, 0),
        still(-1.5 * PI, 0.0, Status::Valid, 0),
        still(0.4, PI, Status::SelfCollision, 0),
        still(-5.9, 3.6 - PI, Status::Valid, 0),
        still(6.1, 0.0, Status::Position, 0),
        moving(2.5, 0.0, Status::Velocity),
        moving(0.0, 9.0, Status::Acceleration),
        moving(0.0, 7.0, Status::Effort),
        moving(1.9, 1.0, Status::Valid),
    ]);
    cases
}

pub(super) fn states() -> StateBatch {
    let mut batch = StateBatch::new(2);
    for case in cases() {
        batch.push(&case.position, &[case.velocity; 2], &[case.acceleration, 0.0]);
    }
    batch
}

/// The first edge turns into the sphere, the second stays between the cuboid and the capsule.
fn edges() -> EdgeBatch {
    let mut batch = EdgeBatch::new(2, 3);
    batch.push_at_rest(&[0.0, 0.0], &[FRAC_PI_3, 0.0], 2.0);
    batch.push_at_rest(&[2.5, 0.0], &[2.7, 0.0], 2.0);
    batch
}

/// Farthest that a sphere may move between two samples, metres.
const RESOLUTION: f64 = 0.02;

/// Has a device check what everybody knows the answer of.
///
/// # Errors
/// When it fails, or lies.
pub fn probe(gpu: &Gpu) -> Result<(), CheckError> {
    let vehicles = vehicles::vehicles().map_err(|e| gpu.error(e.to_string()))?;
    let problems: Vec<Problem> =
        std::iter::once(problem()).chain(vehicles.iter().map(|vehicle| vehicle.problem.clone())).collect();
    // One pool: its kernels are compiled once.
    let pool = GpuPool::new(gpu, problems.iter().map(|problem| (problem, RESOLUTION)))?;
    probe_arm(gpu, &mut pool.checker(0))?;
    for (i, vehicle) in vehicles.iter().enumerate() {
        probe_vehicle(gpu, &mut pool.checker(1 + i), vehicle)?;
    }
    Ok(())
}

fn probe_arm(gpu: &Gpu, checker: &mut GpuChecker) -> Result<(), CheckError> {
    let mut verdicts = Vec::new();
    checker.check_states(&states(), &mut verdicts)?;
    for (i, (case, verdict)) in cases().iter().zip(&verdicts).enumerate() {
        let obstacle = if case.status == Status::World { verdict.other } else { 0 };
        if (verdict.status(), obstacle) != (case.status, case.obstacle) {
            let answer = verdict.status();
            return Err(gpu.error(format!("known-answer probe: state {i} is {}, not {answer}", case.status)));
        }
    }
    checker.check(&edges(), &mut verdicts)?;
    let [into, between] = verdicts[..] else {
        return Err(gpu.error("known-answer probe: verdicts are missing"));
    };
    if into.status() != Status::World || into.time < 1.0 || !between.is_valid() {
        return Err(gpu.error(format!("known-answer probe: edges are {into:?} and {between:?}")));
    }
    Ok(())
}

fn probe_vehicle(gpu: &Gpu, checker: &mut GpuChecker, vehicle: &ProbeVehicle) -> Result<(), CheckError> {
    let mut verdicts = Vec::new();
    checker.check(&vehicle.edges(), &mut verdicts)?;
    for (i, (case, verdict)) in vehicle.cases.iter().zip(&verdicts).enumerate() {
        if (verdict.status(), vehicles::index(verdict)) != (case.status, case.index) {
            let answer = verdict.status();
            let message =
                format!("known-answer probe: edge {i} of a vehicle is {}, not {answer}", case.status);
            return Err(gpu.error(message));
        }
    }
    Ok(())
}

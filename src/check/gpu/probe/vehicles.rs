//! The vehicles of the probe: a car with a trailer, a quadrotor and an omnidirectional base, on edges so short that they are
//! points, of which the derivatives alone decide.

use super::super::super::packed::EdgeBatch;
use super::super::super::{Status, Verdict};
use crate::base::{
    Actuation, Base, Car, GRAVITY, MecanumWheels, Omnidirectional, Quadrotor, Trailer, VelocityAxes,
};
use crate::error::InputError;
use crate::pose::Pose;
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::{JointLimits, Mechanism, Robot, Sphere};
use crate::world::{Obstacle, Shape, World};
use glam::DVec3;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

/// An edge of a vehicle and what is wrong with it.
pub(crate) struct VehicleCase {
    /// Derivatives 0 to 4 of each flat output.
    derivatives: Vec<[f64; 5]>,
    pub status: Status,
    /// The obstacle, or the limit of the base.
    pub index: u32,
}

/// A vehicle and its edges.
pub(crate) struct ProbeVehicle {
    pub problem: Problem,
    pub cases: Vec<VehicleCase>,
}

/// What a [`VehicleCase`] has as its index.
pub(crate) fn index(verdict: &Verdict) -> u32 {
    match verdict.status() {
        Status::World => verdict.other,
        Status::Base => verdict.subject,
        _ => 0,
    }
}

/// Duration of an edge, which is next to none.
const INSTANT: f64 = 1e-3;

impl ProbeVehicle {
    /// A vehicle that carries a ball at a point of its body, and balls in its way.
    fn new(base: Base, carried: DVec3, balls: &[DVec3], cases: Vec<VehicleCase>) -> Result<Self, InputError> {
        let limits = vec![JointLimits::NONE; base.coordinates().len()];
        let robot = Robot::of_spheres("body", vec![Sphere { center: carried, radius: 0.1 }]);
        let robot = robot.on_base(base, &limits, Vec::new());
        let all = robot.independent_joints();
        let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY)?;
        let ball = |&center: &DVec3| Obstacle {
            name: "ball".into(),
            shape: Shape::Sphere { radius: 0.05 },
            pose: Pose::from_translation(center),
        };
        let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
        let problem = Problem {
            mechanism,
            world: World { obstacles: balls.iter().map(ball).collect() },
            goals: vec![start.clone()],
            start,
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: crate::problem::GRAVITY,
        };
        Ok(Self { problem, cases })
    }

    /// Its edges as septics.
    pub(crate) fn edges(&self) -> EdgeBatch {
        let mut batch = EdgeBatch::new(self.problem.mechanism.flat_dof(), 7);
        for case in &self.cases {
            let septic = |[p, v, a, j, s]: &[f64; 5]| [*p, *v, a / 2.0, j / 6.0, s / 24.0, 0.0, 0.0, 0.0];
            batch.push(INSTANT, &case.derivatives.iter().flat_map(septic).collect::<Vec<_>>());
        }
        batch
    }
}

/// All vehicles.
///
/// # Errors
/// Never, unless a base lost its coordinates.
pub(crate) fn vehicles() -> Result<[ProbeVehicle; 3], InputError> {
    Ok([trailer()?, quadrotor()?, omnidirectional()?])
}

/// A car with a trailer whose path is y = bend x^2 / 2 + slope x^3 / 6 at x = 0: its hitch stands at
/// atan(bend), its wheels at atan((bend + slope cos^2) cos / 2). A ball stands before the car where the
/// bend is one half, whether it goes ahead or back.
fn trailer() -> Result<ProbeVehicle, InputError> {
    let car = Base::Car(Car {
        wheelbase: 0.5,
        speed: [-1.0, 1.0],
        steering: FRAC_PI_4,
        steering_rate: f64::INFINITY,
        acceleration: f64::INFINITY,
        trailer: Some(Trailer { hitch_length: 1.0, angle: 0.8 }),
    });
    let path = |bend: f64, slope: f64, guide: f64, status, index| VehicleCase {
        derivatives: vec![
            [0.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, bend, slope, 0.0],
            [guide, 0.0, 0.0, 0.0, 0.0],
        ],
        status,
        index,
    };
    let mut cases = vec![
        path(0.5, 0.0, 0.1, Status::World, 0),
        path(-0.5, 0.0, 0.1, Status::Valid, 0),
        path(0.5, 0.0, 3.0, Status::World, 1),
        path(-0.5, 0.0, 3.0, Status::Valid, 0),
        path(1.2, 0.0, 0.1, Status::Base, 4),
        path(0.0, 1.8, 0.1, Status::Valid, 0),
        path(0.0, 2.2, 0.1, Status::Base, 1),
        path(0.0, -2.2, PI, Status::Base, 1),
    ];
    // A bend of 1 on which it gathers speed, which takes 6 from the slope; towards somewhere else.
    let gathering = |slope: f64, status| {
        let mut case = path(1.0, slope + 6.0, 0.1, status, u32::from(status == Status::Base));
        case.derivatives[0][2] = 2.0;
        let (sin, cos) = 0.4_f64.sin_cos();
        for order in 0..5 {
            let [x, y] = [0, 1].map(|axis: usize| case.derivatives[axis][order]);
            (case.derivatives[0][order], case.derivatives[1][order]) = (cos * x - sin * y, sin * x + cos * y);
        }
        case
    };
    cases.extend([gathering(1.2, Status::Valid), gathering(4.2, Status::Base)]);
    let (sin, cos) = 0.5_f64.atan().sin_cos();
    let front = DVec3::new(1.0 + 0.5 * cos, 0.5 * sin, 0.0);
    let behind = DVec3::new(-front.x, front.y, 0.0);
    ProbeVehicle::new(car, DVec3::X * 0.5, &[front, behind], cases)
}

/// A quadrotor with a ball on top, and balls where that is with a thrust that leans forward, leans to
/// the left, or points down.
fn quadrotor() -> Result<ProbeVehicle, InputError> {
    let quadrotor = Base::Quadrotor(Quadrotor {
        mass: 1.0,
        inertia: DVec3::splat(0.01),
        actuation: Actuation::Rotors { arm: 0.1, torque_by_thrust: 0.1, most: 3.0 },
        velocity: 4.0,
        body_rate: 5.0,
        velocity_axes: VelocityAxes::World,
        gravity: GRAVITY,
    });
    let g = GRAVITY;
    let submission = |x: [f64; 4], y: [f64; 4], z: [f64; 4], yaw: f64, status, index| {
        let moving = |[v, a, j, s]: [f64; 4]| [0.0, v, a, j, s];
        let yaw = [yaw, 0.0, 0.0, 0.0, 0.0];
        VehicleCase { derivatives: vec![moving(x), moving(y), moving(z), yaw], status, index }
    };
    let still = [0.0; 4];
    let cases = vec![
        submission(still, still, still, 0.3, Status::Valid, 0),
        submission([0.0, g, 0.0, 0.0], still, still, 0.5, Status::World, 0),
        submission([0.0, -g, 0.0, 0.0], still, still, 0.5, Status::Valid, 0),
        submission(still, [0.0, g, 0.0, 0.0], still, 0.5, Status::World, 1),
        submission(still, [0.0, -g, 0.0, 0.0], still, 0.5, Status::Valid, 0),
        submission(still, still, [0.0, -2.0 * g, 0.0, 0.0], 0.5, Status::World, 2),
        submission(still, [4.5, 0.0, 0.0, 0.0], still, 0.0, Status::Base, 1),
        // The thrust turns by jerk / g about the body's axes.
        submission([0.0, 0.0, 4.5 * g, 0.0], still, still, 0.0, Status::Valid, 0),
        submission([0.0, 0.0, 5.5 * g, 0.0], still, still, 0.0, Status::Base, 4),
        submission(still, [0.0, 0.0, 5.5 * g, 0.0], still, 0.0, Status::Base, 3),
        // A moment of 0.01 snap / g about the body's y axis takes 1.4e-2 snap / g from or gives it to each
        // rotor's share, which is 1 while it hovers.
        submission(still, still, [0.0, 2.1 * g, 0.0, 0.0], 0.0, Status::Base, 6),
        submission([0.0, 0.0, 0.0, 60.0 * g], still, still, 0.0, Status::Valid, 0),
        submission([0.0, 0.0, 0.0, 80.0 * g], still, still, 0.0, Status::Base, 6),
        submission([0.0, 0.0, 0.0, -80.0 * g], still, still, 0.0, Status::Base, 7),
    ];
    let lean = 0.5 * std::f64::consts::FRAC_1_SQRT_2;
    let balls = [DVec3::new(lean, 0.0, lean), DVec3::new(0.0, lean, lean), DVec3::Z * -0.5];
    ProbeVehicle::new(quadrotor, DVec3::Z * 0.5, &balls, cases)
}

/// An omnidirectional base with a ball ahead of it, and one that this meets at a heading of -2.
fn omnidirectional() -> Result<ProbeVehicle, InputError> {
    let base = Base::Omnidirectional(Omnidirectional {
        velocity: [1.0, 0.8, 1.5],
        acceleration: [1.0, 0.8, 2.0],
        wheels: Some(MecanumWheels { radius: 0.1, half_length: 0.3, half_width: 0.2, rate: 12.0 }),
    });
    // Velocities and accelerations of x and y, and of the heading.
    let case = |x: [f64; 2], y: [f64; 2], theta: [f64; 3], status, index| {
        let place = |[v, a]: [f64; 2]| [0.0, v, a, 0.0, 0.0];
        let [heading, w, alpha] = theta;
        let turn = [heading, w, alpha, 0.0, 0.0];
        VehicleCase { derivatives: vec![place(x), place(y), turn], status, index }
    };
    let still = [0.0; 2];
    let across = FRAC_PI_2;
    let cases = vec![
        case(still, still, [0.3, 0.0, 0.0], Status::Valid, 0),
        case(still, still, [-2.0, 0.0, 0.0], Status::World, 0),
        case(still, still, [2.0 * PI - 2.0, 0.0, 0.0], Status::World, 0),
        // What is ahead of one heading is to the left of another.
        case([0.9, 0.0], still, [0.0, 0.0, 0.0], Status::Valid, 0),
        case([0.9, 0.0], still, [across, 0.0, 0.0], Status::Base, 1),
        case(still, [0.9, 0.0], [across, 0.0, 0.0], Status::Valid, 0),
        case(still, [1.1, 0.0], [across, 0.0, 0.0], Status::Base, 0),
        case(still, still, [0.0, 1.6, 0.0], Status::Base, 2),
        case([0.0, 0.9], still, [0.0, 0.0, 0.0], Status::Valid, 0),
        case([0.0, 0.9], still, [across, 0.0, 0.0], Status::Base, 4),
        case(still, [0.0, -1.1], [across, 0.0, 0.0], Status::Base, 3),
        case(still, still, [0.0, 0.0, 2.1], Status::Base, 5),
        // Each wheel by itself.
        case([0.7, 0.0], still, [0.0, -1.2, 0.0], Status::Base, 6),
        case([0.7, 0.0], still, [0.0, 1.2, 0.0], Status::Base, 7),
        case([0.7, 0.0], [0.2, 0.0], [0.0, -0.8, 0.0], Status::Base, 8),
        case([0.7, 0.0], [-0.2, 0.0], [0.0, 0.8, 0.0], Status::Base, 9),
    ];
    let (sin, cos) = (-2.0_f64).sin_cos();
    ProbeVehicle::new(base, DVec3::X * 0.5, &[DVec3::new(0.5 * cos, 0.5 * sin, 0.0)], cases)
}

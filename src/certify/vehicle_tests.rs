//! Certificates of vehicles against dense sampling, and faults that they must find.

use super::*;
use crate::base::tests::{
    airplane, all, car, drive, from_rest_to_rest, planar_quadrotor, rotors, smooth, wrench,
};
use crate::base::{Actuation, Base, Bounded, Car, Sample};
use crate::pose::Pose;
use crate::problem::{GRAVITY, Smoothness};
use crate::robot::{Joint, JointKind, JointLimits, Link, Mechanism, Robot, Sphere};
use crate::world::{Obstacle, Shape, World};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{FRAC_PI_2, PI, TAU};

const RADIUS: f64 = 0.05;

/// The kinds that are vehicles.
fn vehicles() -> Vec<Base> {
    all().into_iter().filter(|base| !matches!(base, Base::Point(_))).map(unlimited).collect()
}

/// The same vehicle with limits that nothing reaches.
fn unlimited(mut base: Base) -> Base {
    let (far, across) = (1e9, FRAC_PI_2 - 1e-8);
    match &mut base {
        Base::Point(_) => {}
        Base::DifferentialDrive(drive) => {
            (drive.speed, drive.turn_rate) = ([-far, far], [-far, far]);
            if let Some(most) = &mut drive.acceleration {
                (most.linear, most.angular) = (far, far);
            }
        }
        Base::Car(car) => {
            (car.speed, car.steering, car.steering_rate, car.acceleration) = ([-far, far], across, far, far);
            if let Some(trailer) = &mut car.trailer {
                trailer.angle = across;
            }
        }
        Base::Airplane(plane) => {
            plane.speed = [0.0, far];
            (plane.acceleration, plane.yaw_rate, plane.pitch_rate, plane.pitch) = (far, far, far, across);
        }
        Base::PlanarQuadrotor(quad) => (quad.rotor, quad.velocity, quad.body_rate) = (far, far, far),
        Base::Omnidirectional(base) => {
            (base.velocity, base.acceleration) = ([far; 3], [far; 3]);
            if let Some(wheels) = &mut base.wheels {
                wheels.rate = far;
            }
        }
        Base::Quadrotor(quad) => {
            (quad.velocity, quad.body_rate) = (far, far);
            match &mut quad.actuation {
                Actuation::Rotors { most, .. } => *most = far,
                Actuation::Wrench { lower, upper, .. } => (*lower, *upper) = ([-far; 4], [far; 4]),
            }
        }
    }
    base
}

/// The same vehicle with another upper limit of a quantity.
fn limited(mut base: Base, name: &str, most: f64) -> Base {
    match (&mut base, name) {
        (Base::DifferentialDrive(drive), "speed") => drive.speed[1] = most,
        (Base::DifferentialDrive(drive), "turn rate") => drive.turn_rate[1] = most,
        (Base::DifferentialDrive(drive), name) => {
            let limits = drive.acceleration.as_mut().expect("it has one");
            match name {
                "acceleration" => limits.linear = most,
                _ => limits.angular = most,
            }
        }
        (Base::Car(car), "speed") => car.speed[1] = most,
        (Base::Car(car), "steering angle") => car.steering = most,
        (Base::Car(car), "steering rate") => car.steering_rate = most,
        (Base::Car(car), "acceleration") => car.acceleration = most,
        (Base::Car(car), _) => car.trailer.as_mut().expect("it has one").angle = most,
        (Base::Airplane(plane), "speed") => plane.speed[1] = most,
        (Base::Airplane(plane), "acceleration") => plane.acceleration = most,
        (Base::Airplane(plane), "yaw rate") => plane.yaw_rate = most,
        (Base::Airplane(plane), "pitch rate") => plane.pitch_rate = most,
        (Base::Airplane(plane), _) => plane.pitch = most,
        (Base::PlanarQuadrotor(quad), name) if name.starts_with("speed") => quad.velocity = most,
        (Base::PlanarQuadrotor(quad), "body rate") => quad.body_rate = most,
        (Base::PlanarQuadrotor(quad), _) => quad.rotor = most,
        (Base::Quadrotor(quad), name) if name.starts_with("speed") => quad.velocity = most,
        (Base::Quadrotor(quad), name) if name.starts_with("body") => quad.body_rate = most,
        (Base::Quadrotor(quad), name) => match &mut quad.actuation {
            Actuation::Rotors { most: upper, .. } => *upper = most,
            Actuation::Wrench { upper, .. } => {
                let control = ["thrust", "tau_x", "tau_y", "tau_z"].iter().position(|&n| n == name);
                upper[control.expect("a control")] = most;
            }
        },
        (Base::Omnidirectional(base), name) if name.ends_with("wheel rate") => {
            base.wheels.as_mut().expect("it has some").rate = most;
        }
        (Base::Omnidirectional(base), name) => {
            let limits =
                if name.contains("acceleration") { &mut base.acceleration } else { &mut base.velocity };
            let of = if name.ends_with("ahead") { 0 } else { 1 + usize::from(name.starts_with("turn")) };
            limits[of] = most;
        }
        (Base::Point(_), _) => {}
    }
    base
}

/// A ball on a base, perhaps with another on an arm of 0.3 m that turns about y.
fn mechanism(base: Base, has_arm: bool) -> Mechanism {
    let ball = Sphere { center: DVec3::ZERO, radius: RADIUS };
    let mut robot = Robot::of_spheres("body", vec![ball]);
    if has_arm {
        let hand = Sphere { center: DVec3::X * 0.3, ..ball };
        robot.links.push(Link { name: "hand".into(), spheres: vec![hand], ..robot.links[0].clone() });
        robot.joints.push(Joint {
            name: "elbow".into(),
            kind: JointKind::Revolute,
            parent: 0,
            origin: Pose::IDENTITY,
            axis: DVec3::Y,
            limits: JointLimits { velocity: 5.0, acceleration: 20.0, ..JointLimits::NONE },
            mimic: None,
        });
    }
    let limits = vec![JointLimits::NONE; base.coordinates().len()];
    let trailer = match &base {
        Base::Car(car) if car.trailer.is_some() => vec![ball],
        _ => Vec::new(),
    };
    let robot = robot.on_base(base, &limits, trailer);
    Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY).unwrap()
}

/// The state of the joints at an end of a trajectory.
fn state(mechanism: &Mechanism, trajectory: &Trajectory, t: f64) -> JointState {
    let base = mechanism.vehicle().unwrap();
    let (index, local) = trajectory.locate(t);
    let segment = trajectory.segment(index);
    let sample = base.unflatten(&base.flat(&segment, local)).unwrap();
    let [_, mut velocity] = base.configuration(&sample.state).unwrap();
    let mut position = sample.coordinates;
    for output in base.outputs().len()..segment.dof {
        position.push(derivative(segment.polynomial(output), 0, local));
        velocity.push(derivative(segment.polynomial(output), 1, local));
    }
    JointState { position, velocity, acceleration: Vec::new() }
}

/// The problem that `trajectory` would solve.
fn problem_for(mechanism: Mechanism, obstacles: Vec<Obstacle>, trajectory: &Trajectory) -> Problem {
    let start = state(&mechanism, trajectory, 0.0);
    let goals = vec![state(&mechanism, trajectory, trajectory.duration())];
    let gravity = mechanism.vehicle().and_then(Base::gravity).map_or(GRAVITY, |g| -g * DVec3::Z);
    Problem {
        mechanism,
        world: World { obstacles },
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity,
    }
}

/// Whatever moves at its ends: a car that may not jump would have to stand there.
fn verdict(problem: &Problem, trajectory: &Trajectory) -> Result<Certificate, Violation> {
    verdict_to(problem, trajectory, &CertifyOptions::default())
}

fn verdict_to(
    problem: &Problem,
    trajectory: &Trajectory,
    options: &CertifyOptions,
) -> Result<Certificate, Violation> {
    let mut certifier = Certifier::new(problem, *options);
    let proof = certifier.proof.as_mut().expect("a problem that makes sense");
    proof.vehicle.as_mut().expect("a vehicle").still.clear();
    certifier.certify(trajectory)
}

/// A trajectory in pieces of it.
fn cut(trajectory: &Trajectory, rng: &mut Pcg64Mcg) -> Trajectory {
    let mut pieces = Trajectory::new(trajectory.dof(), trajectory.degree());
    let mut from = 0.0;
    while from < trajectory.duration() {
        let next = from + rng.random_range(0.05..0.5);
        let to = if next > trajectory.duration() - 0.05 { trajectory.duration() } else { next };
        pieces.append(&trajectory.cut(from, to));
        from = to;
    }
    pieces
}

/// With a quadratic for an elbow.
fn with_elbow(trajectory: &Trajectory, [p, v, a]: [f64; 3]) -> Trajectory {
    let mut moved = Trajectory::new(trajectory.dof() + 1, trajectory.degree());
    for segment in trajectory.segments() {
        let mut elbow = vec![0.0; segment.degree + 1];
        elbow[..3].copy_from_slice(&[p, v, a]);
        moved.push(segment.duration, &[segment.coefficients, &elbow].concat());
    }
    moved
}

/// Random motion of a base: in motion throughout, or where it is nonholonomic and goes from rest to rest, ahead
/// or back.
fn motion(base: &Base, rng: &mut Pcg64Mcg) -> Trajectory {
    if base.follows_course() && rng.random_bool(0.5) {
        let guide = if rng.random_bool(0.5) { 0.0 } else { PI };
        let guide = (!matches!(base, Base::Airplane(_))).then_some(guide);
        return from_rest_to_rest(rng, 3, guide);
    }
    smooth(base, rng)
}

/// What the map says, densely.
fn samples<'t>(base: &'t Base, trajectory: &'t Trajectory) -> impl Iterator<Item = Sample> + 't {
    trajectory.segments().flat_map(move |segment| {
        let times = (0..=1000).map(move |k| segment.duration * f64::from(k) / 1000.0);
        times.map(move |t| base.unflatten(&base.flat(&segment, t)).unwrap())
    })
}

/// How far dense samples go beyond any limit of the base.
fn excess(base: &Base, trajectory: &Trajectory) -> f64 {
    let worst = |s: Sample| s.limits.iter().map(Bounded::excess).fold(f64::NEG_INFINITY, f64::max);
    samples(base, trajectory).map(worst).fold(f64::NEG_INFINITY, f64::max)
}

/// Limits a little above and below what dense samples show are told apart, for every quantity of every
/// kind, whole or in pieces.
#[test]
fn limits_agree_with_dense_samples() {
    let rng = &mut Pcg64Mcg::seed_from_u64(3);
    let (mut kept, mut broken) = (0, 0);
    for case in 0..16 {
        for base in vehicles() {
            let whole = motion(&base, rng);
            let trajectory = if case % 2 == 0 { cut(&whole, rng) } else { whole };
            let all: Vec<Sample> = samples(&base, &trajectory).collect();
            for (index, Bounded { name, .. }) in all[0].limits.iter().enumerate() {
                let greatest = all.iter().map(|s| s.limits[index].value.abs()).fold(0.0, f64::max);
                for margin in [1e-6, -1e-6, 1e-3, -1e-3] {
                    let base = limited(base.clone(), name, greatest + margin * greatest.max(1.0));
                    let excess = excess(&base, &trajectory);
                    let problem = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
                    match verdict(&problem, &trajectory) {
                        Ok(certificate) => {
                            kept += 1;
                            assert!(excess < 1e-8, "{name} of {base:?}: {excess}");
                            let peak = certificate.base[index].peak;
                            assert!(peak.used <= 1.0 + 1e-8, "{name} of {base:?}: {peak:?}");
                        }
                        Err(Violation::BaseLimit { .. } | Violation::LimitNotProved { .. }) => {
                            broken += 1;
                            // Samples may miss a peak by a little.
                            assert!(excess > -1e-4 * greatest.max(1.0), "{name} of {base:?}: {excess}");
                        }
                        Err(other) => panic!("{name} of {base:?}: {other}"),
                    }
                }
            }
        }
    }
    assert!(kept > 500 && broken > 500, "{kept} kept, {broken} broken");
}

/// The smallest distance of any ball from an obstacle, or of two that must not touch, at an instant.
fn clearance_at(problem: &Problem, trajectory: &Trajectory, t: f64) -> f64 {
    let mechanism = &problem.mechanism;
    let mut poses = Vec::new();
    mechanism.place(&state(mechanism, trajectory, t).position, &mut poses);
    let balls = |l: usize| {
        let link = &mechanism.links[l];
        let pose = poses[link.body];
        mechanism.spheres[link.spheres.clone()].iter().map(move |s| (pose.point(s.center), s.radius))
    };
    let mut least = f64::INFINITY;
    for link in 0..mechanism.links.len() {
        for (center, radius) in balls(link) {
            for obstacle in &problem.world.obstacles {
                least = least.min(obstacle.signed_distance(center) - radius);
            }
        }
    }
    for &[a, b] in &mechanism.pairs {
        for (c, r) in balls(a) {
            balls(b).for_each(|(d, s)| least = least.min(c.distance(d) - r - s));
        }
    }
    least
}

/// Clearances of all kinds, with arms and without, are those of dense samples.
#[test]
fn clearances_agree_with_dense_samples() {
    let rng = &mut Pcg64Mcg::seed_from_u64(4);
    let tolerance = 1e-3;
    let both = Some(tolerance);
    let options = CertifyOptions { world_tolerance: both, links_tolerance: both, ..Default::default() };
    let (mut free, mut met) = (0, 0);
    for case in 0..40 {
        for base in vehicles() {
            let mut trajectory = motion(&base, rng);
            let has_arm = case % 3 == 0;
            if has_arm {
                let draw = [0.0; 3].map(|_: f64| rng.random_range(-1.0..1.0));
                trajectory = with_elbow(&trajectory, draw);
            }
            let trajectory = if case % 2 == 0 { cut(&trajectory, rng) } else { trajectory };
            let mechanism = mechanism(base.clone(), has_arm);
            let place = |rng: &mut Pcg64Mcg| {
                let mut poses = Vec::new();
                let t = rng.random_range(0.0..trajectory.duration());
                mechanism.place(&state(&mechanism, &trajectory, t).position, &mut poses);
                let astray = DVec3::from([0.0; 3].map(|_: f64| rng.random_range(-0.25..0.25)));
                poses[poses.len() - 1].translation + astray
            };
            let obstacles = (0..3)
                .map(|i| Obstacle {
                    name: format!("o{i}"),
                    shape: Shape::Cuboid { half_extents: DVec3::splat(0.03) },
                    pose: Pose::from_translation(place(rng)),
                })
                .collect();
            let problem = problem_for(mechanism, obstacles, &trajectory);
            let times = (0..=2000).map(|k| trajectory.duration() * f64::from(k) / 2000.0);
            let sampled = times.map(|t| clearance_at(&problem, &trajectory, t)).fold(f64::INFINITY, f64::min);
            match verdict_to(&problem, &trajectory, &options) {
                Ok(certificate) => {
                    free += 1;
                    let Clearance { at_least, nearest } = certificate.clearance().clone();
                    assert!(0.0 < at_least && at_least <= sampled, "{at_least} proved, {sampled}: {base:?}");
                    if let Some(Nearest { distance, .. }) = nearest {
                        assert!(at_least >= distance - tolerance - 2e-9 && distance >= sampled - 1e-4);
                    }
                }
                Err(
                    Violation::Collision { depth, time, .. } | Violation::SelfCollision { depth, time, .. },
                ) => {
                    met += 1;
                    let distance = clearance_at(&problem, &trajectory, time);
                    assert!(depth > 0.0 && distance <= -depth + 1e-9, "{depth}, is {distance}: {base:?}");
                }
                // Rotors that would have to pull.
                Err(Violation::BaseLimit { bound: 0.0, .. }) => {}
                Err(other) => panic!("{base:?}: {other}"),
            }
        }
    }
    assert!(free > 60 && met > 60, "{free} free, {met} met");
}

/// Of three goals the certificate tells which is reached.
#[test]
fn the_goal_that_is_reached_is_told() {
    let rng = &mut Pcg64Mcg::seed_from_u64(5);
    for base in vehicles() {
        let trajectory = motion(&base, rng);
        let mut problem = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
        let reached = problem.goals[0].clone();
        for told in 0..3 {
            let mut goals = [0.1, 0.0, -0.1].map(|astray| {
                let mut goal = reached.clone();
                goal.position[0] += astray;
                goal
            });
            // The middle one is reached.
            goals.rotate_left((4 - told) % 3);
            problem.goals = goals.to_vec();
            match verdict(&problem, &trajectory) {
                Ok(certificate) => assert_eq!(certificate.goal, told, "{base:?}"),
                // Rotors that would have to pull.
                Err(Violation::BaseLimit { bound: 0.0, .. }) => {}
                Err(other) => panic!("{base:?}: {other}"),
            }
        }
    }
}

/// A straight drive of 1 m in 1 s, and a wire to its side that it grazes for a moment.
#[test]
fn a_touch_between_samples_is_caught() {
    let mut straight = Trajectory::new(3, 1);
    straight.push(1.0, &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let wire = |gap: f64| {
        let shape = Shape::Cylinder { radius: 1e-4, half_length: 1.0 };
        let pose = Pose::from_translation(DVec3::new(0.4567, RADIUS + 1e-4 + gap, 0.0));
        vec![Obstacle { name: "wire".into(), shape, pose }]
    };
    let with = |gap: f64| {
        let problem = problem_for(mechanism(unlimited(drive(false)), false), wire(gap), &straight);
        verdict(&problem, &straight)
    };
    match with(-1e-3) {
        Err(Violation::Collision { depth, time, .. }) => {
            assert!(depth <= 1e-3 + 1e-12 && (time - 0.4567).abs() < 0.02, "{depth} at {time}");
        }
        other => panic!("{other:?}"),
    }
    assert!(with(1e-6).is_ok());
}

/// A turn on the spot, then a drive ahead, then one back, each from rest to rest.
fn turn_and_cusp() -> Trajectory {
    let mut trajectory = Trajectory::new(3, 3);
    let law = |to: f64, from: f64| [from, 0.0, 3.0 * (to - from), -2.0 * (to - from)];
    trajectory.push(1.0, &[[0.0; 4], [0.0; 4], law(FRAC_PI_2, 0.0)].concat());
    let still = [FRAC_PI_2, 0.0, 0.0, 0.0];
    trajectory.push(1.0, &[[0.0; 4], law(0.5, 0.0), still].concat());
    trajectory.push(1.0, &[[0.0; 4], law(0.2, 0.5), still].concat());
    trajectory
}

#[test]
fn turns_on_the_spot_and_cusps_are_for_those_that_can() {
    let trajectory = turn_and_cusp();
    for second_order in [false, true] {
        let problem = problem_for(mechanism(unlimited(drive(second_order)), true), vec![], &trajectory);
        let trajectory = with_elbow(&trajectory, [0.0; 3]);
        let problem = Problem { start: state(&problem.mechanism, &trajectory, 0.0), ..problem };
        let goals = vec![state(&problem.mechanism, &trajectory, 3.0)];
        let certificate = verdict(&Problem { goals, ..problem }, &trajectory).unwrap();
        let peak = |name: &str| certificate.base.iter().find(|b| b.name == name).unwrap().peak.used;
        assert!(peak("speed") > 0.0 && certificate.outputs.len() == 4);
    }
    let car = mechanism(unlimited(car(false)), false);
    let start = JointState::at_rest(vec![0.0; 3]);
    let goals = vec![JointState::at_rest(vec![0.0, 0.2, FRAC_PI_2])];
    let problem = problem_for(car, vec![], &turn_and_cusp().cut(1.0, 3.0));
    assert!(verdict(&problem, &turn_and_cusp().cut(1.0, 3.0)).is_ok());
    match verdict(&Problem { start, goals, ..problem }, &trajectory) {
        Err(Violation::Singular { reason, .. }) => assert!(reason.contains("turn on the spot"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ends_and_knots_are_checked() {
    let rng = &mut Pcg64Mcg::seed_from_u64(5);
    for base in vehicles() {
        let trajectory = cut(&motion(&base, rng), rng);
        let sound = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
        // Whether rotors pull is no matter here.
        let ends = |problem: &Problem| match verdict(problem, &trajectory) {
            Err(Violation::BaseLimit { bound: 0.0, .. }) => Ok(()),
            other => other.map(|_| ()),
        };
        assert_eq!(ends(&sound), Ok(()), "{base:?}");
        for joint in 0..sound.mechanism.dof() {
            let mut problem = sound.clone();
            problem.start.position[joint] += 1e-6;
            assert!(matches!(ends(&problem), Err(Violation::Start { .. })), "{base:?}");
            let mut problem = sound.clone();
            problem.goals[0].position[joint] -= 1e-6;
            assert!(matches!(ends(&problem), Err(Violation::Goal { .. })), "{base:?}");
            let mut problem = sound.clone();
            problem.goals[0].velocity[joint] -= 1e-6;
            let told = joint < base.told_rates();
            assert_eq!(matches!(ends(&problem), Err(Violation::Goal { .. })), told, "{base:?}");
            if base.coordinates()[joint].turns {
                let mut problem = sound.clone();
                problem.start.position[joint] += TAU;
                assert_eq!(ends(&problem), Ok(()), "{base:?}");
            }
        }
    }
    // A car's path that turns by a microradian where it moves; one whose curvature jumps does not.
    let knee = |heading: f64, bend: f64| {
        let mut trajectory = Trajectory::new(3, 2);
        trajectory.push(1.0, &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let (sin, cos) = heading.sin_cos();
        trajectory.push(1.0, &[1.0, cos, 0.0, 0.0, sin, bend, 0.0, 0.0, 0.0]);
        trajectory
    };
    let of = |base: Base, trajectory: &Trajectory| {
        verdict(&problem_for(mechanism(base, false), vec![], trajectory), trajectory)
    };
    let jumps = |base: Base, trajectory: &Trajectory| match of(base, trajectory) {
        Err(Violation::Jump { of, time, .. }) => Some((of.name, time)),
        other => other.map(|_| None).unwrap(),
    };
    assert_eq!(jumps(unlimited(car(false)), &knee(1e-6, 0.0)), Some(("theta".to_owned(), 1.0)));
    let Base::Car(mut steered) = unlimited(car(false)) else { panic!("a car") };
    assert_eq!(jumps(Base::Car(steered.clone()), &knee(0.0, 0.1)), Some(("steering angle".to_owned(), 1.0)));
    steered.steering_rate = f64::INFINITY;
    assert_eq!(jumps(Base::Car(steered), &knee(0.0, 0.1)), None);
    assert_eq!(jumps(unlimited(drive(true)), &knee(0.0, 0.1)), Some(("turn rate".to_owned(), 1.0)));
    assert_eq!(jumps(unlimited(drive(false)), &knee(0.0, 0.1)), None);
}

#[test]
fn stops_inside_a_segment_are_refused() {
    // Ahead and back along x: p' = 1 - 2t.
    let mut turning = Trajectory::new(3, 2);
    turning.push(1.0, &[0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // Along a cubic cusp: p' = (3 (t - 0.37)^2, t - 0.37), its direction open where it stops.
    let mut cusp = Trajectory::new(3, 3);
    let m = 0.37;
    cusp.push(1.0, &[0.0, 3.0 * m * m, -3.0 * m, 1.0, 0.0, -m, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]);
    for (trajectory, at) in [(turning, 0.5), (cusp, m)] {
        let problem = problem_for(mechanism(unlimited(drive(false)), false), vec![], &trajectory);
        match verdict(&problem, &trajectory) {
            Err(Violation::Singular { time, .. }) => assert!((time - at).abs() < 1e-3, "{time}"),
            other => panic!("{other:?}"),
        }
    }
}

/// A quadrotor rolled over by half a turn, with a thrust that pushes down.
#[test]
fn upside_down_is_certified() {
    let rng = &mut Pcg64Mcg::seed_from_u64(6);
    for base in [planar_quadrotor(), rotors(), wrench()].map(unlimited) {
        let mut trajectory = smooth(&base, rng);
        let up = if matches!(base, Base::PlanarQuadrotor(_)) { 1 } else { 2 };
        let (stride, mut coefficients) =
            (trajectory.degree() + 1, trajectory.segment(0).coefficients.to_vec());
        coefficients[up * stride + 2] -= 12.0;
        let degree = trajectory.degree();
        trajectory = Trajectory::new(trajectory.dof(), degree);
        trajectory.push(1.0, &coefficients);
        let problem = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
        match verdict(&problem, &trajectory) {
            Ok(_) | Err(Violation::BaseLimit { bound: 0.0, .. }) => {}
            other => panic!("{base:?}: {other:?}"),
        }
    }
}

/// Where nothing pushes there is no attitude.
#[test]
fn free_fall_is_refused() {
    let base = unlimited(rotors());
    // z'' = -30 t: at t = 0.327 it falls freely.
    let mut trajectory = Trajectory::new(4, 3);
    let still = [0.0; 4];
    trajectory.push(0.5, &[still, still, [0.0, 0.0, 0.0, -5.0], still].concat());
    let problem = problem_for(mechanism(base, false), vec![], &trajectory);
    match verdict(&problem, &trajectory) {
        Err(Violation::Singular { time, .. }) => assert!((time - 0.327).abs() < 1e-3, "{time}"),
        other => panic!("{other:?}"),
    }
}

/// Bounds of the environment hold for the base's joints, and limits of its own for an arm's.
#[test]
fn joints_keep_their_limits() {
    let mut trajectory = Trajectory::new(3, 3);
    // y = t - t^3 to the left, which peaks at 0.3849.
    trajectory.push(1.0, &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]);
    let trajectory = with_elbow(&trajectory, [0.0, 1.0, 0.5]);
    let peak = 2.0 / 27.0_f64.sqrt();
    let sound = problem_for(mechanism(unlimited(drive(false)), true), vec![], &trajectory);
    let with = |joint: usize, limits: JointLimits| {
        let mut problem = sound.clone();
        problem.mechanism.limits[joint] = limits;
        verdict(&problem, &trajectory)
    };
    let position = |upper: f64| JointLimits { upper, ..JointLimits::NONE };
    assert!(with(1, position(peak + 1e-7)).is_ok());
    match with(1, position(peak - 1e-6)) {
        Err(Violation::Limit { output, kind: LimitKind::Position, .. }) => assert_eq!(output, "y"),
        other => panic!("{other:?}"),
    }
    let cases = [
        (LimitKind::Position, position(1.5)),
        (LimitKind::Velocity, JointLimits { velocity: 2.0, ..JointLimits::NONE }),
        (LimitKind::Acceleration, JointLimits { acceleration: 1.0, ..JointLimits::NONE }),
    ];
    for (want, limits) in cases {
        assert!(with(3, limits).is_ok(), "{want}");
        // An end at more than a limit has some slack.
        let less = |x: f64| x - 1e-5;
        let (upper, velocity, acceleration) =
            (less(limits.upper), less(limits.velocity), less(limits.acceleration));
        match with(3, JointLimits { upper, velocity, acceleration, ..limits }) {
            Err(Violation::Limit { output, kind, .. }) => {
                assert_eq!((output.as_str(), kind), ("elbow", want));
            }
            other => panic!("{want}: {other:?}"),
        }
    }
}

/// An airplane on a circle at nearly its greatest speed and turn rate takes few intervals.
#[test]
fn riding_along_limits_is_cheap() {
    let circle = {
        // Quintic arcs of 0.25 rad, exact to 1e-10.
        let mut trajectory = Trajectory::new(3, 7);
        for k in 0..16 {
            let (sin, cos) = (0.25 * f64::from(k)).sin_cos();
            let mut series = [[0.0; 8], [0.0; 8], [0.0; 8]];
            let (mut c, mut s, mut factorial) = (cos, sin, 1.0);
            for power in 0..8 {
                factorial *= f64::from(power.max(1));
                (series[0][power as usize], series[1][power as usize]) = (s / factorial, -c / factorial);
                (c, s) = (-s, c);
            }
            trajectory.push(0.25, &series.concat());
        }
        trajectory
    };
    let mut base = airplane();
    let Base::Airplane(plane) = &mut base else { panic!("an airplane") };
    (plane.speed, plane.yaw_rate) = ([0.0, 1.001], 1.001);
    let problem = problem_for(mechanism(base, false), vec![], &circle);
    let options = CertifyOptions { tolerance: 1e-6, ..CertifyOptions::default() };
    let certificate = certify(&problem, &circle, &options).unwrap();
    assert!(certificate.intervals < 200, "{} intervals", certificate.intervals);
    assert!(matches!(certificate.tightest(), Some((Limit::Base(_), Peak { used, .. })) if used > 0.99));
}

/// Every number of a state is part of what a start and a goal ask for.
#[test]
fn no_number_of_a_state_is_free_at_the_ends() {
    let rng = &mut Pcg64Mcg::seed_from_u64(8);
    for base in vehicles() {
        let trajectory = smooth(&base, rng);
        let sound = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
        let sample = |t: f64| base.unflatten(&base.flat(&trajectory.segment(0), t)).unwrap();
        // A quaternion that is nearly (0, 0, 0, 1) hardly turns with its last number: it is normalised.
        for (number, name) in base.state_names().iter().enumerate().filter(|(_, name)| **name != "qw") {
            for end in [TrajectoryEnd::Start, TrajectoryEnd::Goal] {
                let mut wanted = sample(if end == TrajectoryEnd::Start { 0.0 } else { 1.0 }).state;
                wanted[number] += 1e-3;
                let [position, velocity] = base.configuration(&wanted).unwrap();
                let moved = JointState { velocity, ..JointState::at_rest(position) };
                let mut problem = sound.clone();
                match end {
                    TrajectoryEnd::Start => problem.start = moved,
                    TrajectoryEnd::Goal => problem.goals = vec![moved],
                }
                match (verdict(&problem, &trajectory), end) {
                    (Err(Violation::Start { miss }), TrajectoryEnd::Start)
                    | (Err(Violation::Goal { miss }), TrajectoryEnd::Goal) => {
                        assert!(!miss.unit.is_empty() && (miss.value - miss.expected).abs() > 1e-5, "{miss}");
                    }
                    other => panic!("{name} of {base:?} at the {end}: {other:?}"),
                }
            }
        }
    }
}

/// A car's speed and steering are no part of its state; where they cannot jump, it stands at both ends with
/// straight wheels.
#[test]
fn cars_that_may_not_jump_stand_at_their_ends() {
    let missed = |base: Base, trajectory: &Trajectory| {
        let problem = problem_for(mechanism(base, false), vec![], trajectory);
        let report = survey(&problem, trajectory, &CertifyOptions::for_files(1e-5));
        let miss = |violation: &Violation| match violation {
            Violation::Start { miss } | Violation::Goal { miss } => {
                (violation.kind(), miss.of.name.clone(), miss.value, miss.expected, miss.unit)
            }
            other => panic!("{other}"),
        };
        report.violations.iter().map(miss).collect::<Vec<_>>()
    };
    let mut straight = Trajectory::new(3, 1);
    straight.push(2.0, &[0.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
    let Base::Car(free) = car(false) else { panic!("a car") };
    let free = Car { speed: [-9.0, 9.0], ..free };
    let [jumpy, soft] = [f64::INFINITY, 2.0].map(|acceleration| Car { acceleration, ..free.clone() });
    assert!(missed(Base::Car(jumpy), &straight).is_empty());
    let speed = |kind: &str| (kind.to_owned(), "speed".to_owned(), 5.0, 0.0, "m/s");
    assert_eq!(missed(Base::Car(soft), &straight), [speed("start"), speed("goal")]);
    // From rest to rest along a circle of about 2 m, wheels turned all the way.
    let mut circle = Trajectory::new(3, 6);
    let square = [0.0, 0.0, 0.0, 0.0, 0.25 * 9.0, -0.25 * 12.0, 0.25 * 4.0];
    circle.push(1.0, &[[0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.0], square, [0.0; 7]].concat());
    let mut steered = free;
    assert!(missed(Base::Car(steered.clone()), &circle).is_empty());
    steered.steering_rate = 9.0;
    for (kind, name, value, expected, unit) in missed(Base::Car(steered), &circle) {
        assert!(["start", "goal"].contains(&kind.as_str()) && expected == 0.0);
        assert!(name == "steering angle" && unit == "rad" && value.abs() > 0.05, "{value}");
    }
}

/// Jumps that nobody minds one by one do not carry a vehicle anywhere, nor speed it up.
#[test]
fn small_jumps_do_not_add_up() {
    let options = CertifyOptions::for_files(1e-5);
    let rng = &mut Pcg64Mcg::seed_from_u64(9);
    for base in vehicles() {
        let smooth = smooth(&base, rng);
        for output in 0..2 {
            // So many pieces, each a little aside of the one before.
            let (pieces, aside) = (400, 9e-6);
            let mut trajectory = Trajectory::new(smooth.dof(), smooth.degree());
            for i in 0..pieces {
                let [from, to] = [i, i + 1].map(|i| f64::from(i) / f64::from(pieces));
                let piece = smooth.cut(from, to);
                let mut coefficients = piece.segment(0).coefficients.to_vec();
                coefficients[output * (smooth.degree() + 1)] += aside * f64::from(i);
                trajectory.push(piece.duration(), &coefficients);
            }
            let problem = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
            match verdict_to(&problem, &trajectory, &options) {
                Err(Violation::Jumps { of, knots, sum, unit }) => {
                    assert_eq!((knots, unit), (399, "m"), "{of}");
                    // Relative to values above 1.
                    assert!(sum < 399.001 * aside && sum > 200.0 * aside, "{sum}");
                }
                other => panic!("{base:?}: {other:?}"),
            }
        }
    }
    // From rest to 0.2 m/s and back in a hundredth of a second.
    let (steps, faster) = (20_000, 9e-6);
    let mut rush = Trajectory::new(3, 1);
    let mut x = 0.0;
    for i in (1..=steps).chain((1..steps).rev()) {
        let speed = faster * f64::from(i);
        rush.push(2.5e-7, &[x, speed, 0.0, 0.0, 0.0, 0.0]);
        x += 2.5e-7 * speed;
    }
    let Base::Car(free) = car(false) else { panic!("a car") };
    let problem = problem_for(mechanism(Base::Car(Car { acceleration: 2.0, ..free }), false), vec![], &rush);
    match certify(&problem, &rush, &options) {
        Err(Violation::Jumps { of, sum, unit, .. }) => {
            assert_eq!((of, unit), (Quantity { name: "speed".to_owned(), kind: None }, "m/s"));
            assert!((sum - 2.0 * faster * f64::from(steps)).abs() < 1e-4, "{sum}");
        }
        other => panic!("{other:?}"),
    }
}

/// Equations of motion and problem must fall alike.
#[test]
fn another_gravity_is_refused() {
    let rng = &mut Pcg64Mcg::seed_from_u64(10);
    for base in vehicles() {
        let trajectory = smooth(&base, rng);
        let sound = problem_for(mechanism(base.clone(), false), vec![], &trajectory);
        for gravity in [DVec3::new(0.0, 0.5, -9.81), -1.0 * DVec3::Z] {
            let problem = Problem { gravity, ..sound.clone() };
            let refused = matches!(verdict(&problem, &trajectory), Err(Violation::Malformed { .. }));
            assert_eq!(refused, base.gravity().is_some(), "{base:?}");
            assert_eq!(problem.gravity_fault().is_some(), refused);
        }
    }
}

/// A survey of whatever a file may hold ends, tells no kind twice, and tells what a certificate refuses first.
#[test]
fn surveys_of_wild_motions_end() {
    let rng = &mut Pcg64Mcg::seed_from_u64(11);
    let options = CertifyOptions { world_tolerance: Some(1e-3), ..CertifyOptions::for_files(1e-5) };
    let mut kinds_met = std::collections::BTreeSet::new();
    for case in 0..6 {
        for base in all().into_iter().filter(|base| !matches!(base, Base::Point(_))) {
            let sound = smooth(&base, rng);
            let wall = Obstacle {
                name: "wall".into(),
                shape: Shape::Cuboid { half_extents: DVec3::new(0.1, 5.0, 5.0) },
                pose: Pose::from_translation(DVec3::X * 0.3),
            };
            let problem = problem_for(mechanism(base.clone(), false), vec![wall], &sound);
            let mut wild = Trajectory::new(sound.dof(), 4);
            for _ in 0..rng.random_range(1..4) {
                let size = 10_f64.powi(rng.random_range(-2..2));
                let c: Vec<f64> = (0..5 * sound.dof()).map(|_| size * rng.random_range(-1.0..1.0)).collect();
                // Some of it stands.
                let c = if case % 3 == 2 { vec![0.25; c.len()] } else { c };
                wild.push(10_f64.powi(rng.random_range(-2..1)), &c);
            }
            let report = survey(&problem, &wild, &options);
            let kinds: Vec<String> = report.violations.iter().map(Violation::kind).collect();
            let once: std::collections::BTreeSet<&String> = kinds.iter().collect();
            assert!(report.certificate.is_none() && once.len() == kinds.len(), "{base:?}: {report}");
            let first = certify(&problem, &wild, &options).expect_err("nothing of it is right").kind();
            assert!(kinds.contains(&first), "{base:?}: {first} {report}");
            kinds_met.extend(kinds);
        }
    }
    for kind in ["start", "goal", "singular", "collision", "speed_limit", "position_jump"] {
        assert!(kinds_met.contains(kind), "{kind}: {kinds_met:?}");
    }
}

//! Certificates against dense sampling, and faults that they must find.

use super::options::INTERVAL;
use super::*;
use crate::pose::Pose;
use crate::problem::{GRAVITY, Smoothness};
use crate::robot::{
    AlwaysTouching, Body, CollisionLink, DynamicsScratch, END_SLACK, Inertia, JointLimits, JointMotion,
    Mechanism, Sphere, random,
};
use crate::stop::CancelToken;
use crate::vector::Level;
use crate::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::FRAC_PI_2;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A cubic through both ends of every output, `[position, velocity]` each.
fn push_cubic(trajectory: &mut Trajectory, duration: f64, from: &JointState, to: &JointState) {
    let t = duration;
    let mut coefficients = Vec::new();
    for i in 0..trajectory.dof() {
        let (p, v, q, w) = (from.position[i], from.velocity[i], to.position[i], to.velocity[i]);
        let d = q - p;
        let c2 = 3.0 * d / (t * t) - (2.0 * v + w) / t;
        let c3 = -2.0 * d / (t * t * t) + (v + w) / (t * t);
        coefficients.extend([p, v, c2, c3]);
    }
    trajectory.push(duration, &coefficients);
}

fn random_state(rng: &mut Pcg64Mcg, dof: usize) -> JointState {
    let mut draw = || (0..dof).map(|_| rng.random_range(-0.5..0.5)).collect();
    JointState { velocity: draw(), ..JointState::at_rest(draw()) }
}

/// A quintic through both ends of every output, whose accelerations there are drawn.
fn push_quintic(
    trajectory: &mut Trajectory,
    duration: f64,
    from: &JointState,
    to: &JointState,
    [a, b]: [&[f64]; 2],
) {
    let t = duration;
    let mut coefficients = Vec::new();
    for i in 0..trajectory.dof() {
        let (p, v, w, a, b) =
            (from.position[i], from.velocity[i] * t, to.velocity[i] * t, a[i] * t * t, b[i] * t * t);
        let d = to.position[i] - p;
        let powers = [
            p,
            v,
            0.5 * a,
            10.0 * d - 6.0 * v - 4.0 * w - 1.5 * a + 0.5 * b,
            -15.0 * d + 8.0 * v + 7.0 * w + 1.5 * a - b,
            6.0 * d - 3.0 * v - 3.0 * w - 0.5 * a + 0.5 * b,
        ];
        coefficients.extend(powers.iter().enumerate().map(|(k, c)| c / t.powi(k as i32)));
    }
    trajectory.push(duration, &coefficients);
}

/// Cubics or quintics.
fn random_trajectory(rng: &mut Pcg64Mcg, dof: usize) -> Trajectory {
    let quintic = rng.random_bool(0.5);
    let mut trajectory = Trajectory::new(dof, if quintic { 5 } else { 3 });
    let mut from = random_state(rng, dof);
    let mut pull = random_state(rng, dof).position;
    for _ in 0..rng.random_range(1..5) {
        let (to, next) = (random_state(rng, dof), random_state(rng, dof).position);
        let duration = rng.random_range(0.2..1.0);
        if quintic {
            push_quintic(&mut trajectory, duration, &from, &to, [&pull, &next]);
        } else {
            push_cubic(&mut trajectory, duration, &from, &to);
        }
        (from, pull) = (to, next);
    }
    trajectory
}

fn random_world(rng: &mut Pcg64Mcg, obstacles: usize) -> World {
    let obstacle = |i| {
        let mut length = || rng.random_range(0.05..0.2);
        let (radius, half_length) = (length(), length());
        let shape = match i % 5 {
            0 => Shape::Sphere { radius },
            1 => Shape::Cuboid { half_extents: DVec3::new(radius, half_length, length()) },
            2 => Shape::Capsule { radius, half_length },
            3 => Shape::Cylinder { radius, half_length },
            _ => Shape::HalfSpace,
        };
        let mut pose = random::pose(rng, 1.0);
        if shape == Shape::HalfSpace {
            // A plane somewhere below.
            pose = Pose::from_translation(DVec3::Z * rng.random_range(-2.0..-0.8));
        }
        Obstacle { name: format!("o{i}"), shape, pose }
    };
    World { obstacles: (0..obstacles).map(obstacle).collect() }
}

/// The problem that `trajectory` would solve.
fn problem_for(mechanism: Mechanism, world: World, trajectory: &Trajectory) -> Problem {
    let state = |t: f64| {
        let mut state = JointState::at_rest(vec![0.0; trajectory.dof()]);
        trajectory.evaluate(t, 0, &mut state.position);
        trajectory.evaluate(t, 1, &mut state.velocity);
        state
    };
    let (start, goals) = (state(0.0), vec![state(trajectory.duration())]);
    Problem {
        mechanism,
        world,
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: GRAVITY,
    }
}

/// Options that tell both clearances to within as much.
fn exact_to(tolerance: f64) -> CertifyOptions {
    let tolerance = Some(tolerance);
    CertifyOptions { world_tolerance: tolerance, links_tolerance: tolerance, ..CertifyOptions::default() }
}

/// Smallest distances at an instant of what moves from obstacles, and between links, and who.
fn clearances_at(problem: &Problem, trajectory: &Trajectory, t: f64) -> [(f64, [String; 2]); 2] {
    let m = &problem.mechanism;
    let mut y = vec![0.0; m.dof()];
    trajectory.evaluate(t, 0, &mut y);
    let mut poses = Vec::new();
    m.place(&y, &mut poses);
    let spheres = |l: usize| {
        let pose = poses[m.links[l].body];
        m.spheres[m.links[l].spheres.clone()].iter().map(move |s| (pose.point(s.center), s.radius))
    };
    let mut smallest = [0, 1].map(|_| (f64::INFINITY, [String::new(), String::new()]));
    let mut see = |kind: usize, d: f64, a: &str, b: &str| {
        if d < smallest[kind].0 {
            smallest[kind] = (d, [a.to_owned(), b.to_owned()]);
        }
    };
    for (l, link) in m.links.iter().enumerate().filter(|(_, link)| link.body != 0) {
        for obstacle in &problem.world.obstacles {
            for (c, r) in spheres(l) {
                see(0, obstacle.signed_distance(c) - r - link.padding, &link.name, &obstacle.name);
            }
        }
    }
    for &[a, b] in &m.pairs {
        let always = m.always_touching([a, b]);
        for (i, (c, r)) in spheres(a).enumerate() {
            for (_, (d, s)) in spheres(b).enumerate().filter(|(j, _)| !always.contains(&[i, *j])) {
                see(1, c.distance(d) - r - s, &m.links[a].name, &m.links[b].name);
            }
        }
    }
    smallest
}

/// The smaller of both.
fn clearance_at(problem: &Problem, trajectory: &Trajectory, t: f64) -> f64 {
    let [(world, _), (links, _)] = clearances_at(problem, trajectory, t);
    world.min(links)
}

/// The smallest of many instants.
fn sampled_clearances(problem: &Problem, trajectory: &Trajectory) -> [f64; 2] {
    let mut least = [f64::INFINITY; 2];
    for k in 0..=2000 {
        let here = clearances_at(problem, trajectory, trajectory.duration() * f64::from(k) / 2000.0);
        least = [0, 1].map(|kind| least[kind].min(here[kind].0));
    }
    least
}

/// A random problem without neighbours that always touch, and a trajectory for it.
fn random_case(rng: &mut Pcg64Mcg) -> (Problem, Trajectory) {
    let bodies = rng.random_range(1..7);
    let mut mechanism = random::mechanism(rng, bodies);
    let trajectory = random_trajectory(rng, mechanism.dof());
    let parents: Vec<usize> = mechanism.bodies.iter().map(|b| b.parent).collect();
    // Neighbours, which touch at the joint between them, have spheres that are left out: some or all.
    for &links in &mechanism.pairs {
        let [a, b] = links;
        let is_near = parents[b] == a || parents[parents[b]] == a;
        let share =
            if is_near { [0.8, 1.0][rng.random_range(0..2)] } else { [0.0, 0.2][rng.random_range(0..2)] };
        let [count, others] = links.map(|l| mechanism.links[l].spheres.len());
        let all = (0..count).flat_map(|i| (0..others).map(move |j| [i, j]));
        let spheres: Vec<[usize; 2]> = all.filter(|_| rng.random_bool(share)).collect();
        if !spheres.is_empty() {
            mechanism.always.push(AlwaysTouching { links, spheres });
        }
    }
    mechanism.pairs.sort_unstable();
    mechanism.always.sort_unstable_by_key(|a| a.links);
    let obstacles = rng.random_range(0..6);
    let mut world = random_world(rng, obstacles);
    let base = mechanism.bodies[0].placement.point(mechanism.links[0].bound.center);
    world.obstacles.retain(|o| o.signed_distance(base) > mechanism.links[0].bound.radius);
    // Half of the moving links stay from obstacles by more than nothing; the base is not to be in one.
    for link in mechanism.links.iter_mut().filter(|link| link.body != 0) {
        link.padding = if rng.random_bool(0.5) { rng.random_range(0.0..0.05) } else { 0.0 };
    }
    let problem = problem_for(mechanism, world, &trajectory);
    (problem, trajectory)
}

/// Dense samples never beat a certificate, and confirm what stands against one, at every level of
/// this CPU in turn.
#[test]
fn certificates_agree_with_dense_samples() {
    let rng = &mut Pcg64Mcg::seed_from_u64(1);
    let (mut certified, mut collided) = (0, 0);
    for case in 0..600 {
        let (problem, trajectory) = random_case(rng);
        let sampled = sampled_clearances(&problem, &trajectory);
        let at_level = |options| {
            let levels: Vec<Level> = Level::available().collect();
            let mut certifier = Certifier::new(&problem, options);
            certifier.proof.as_mut().expect("a sound problem").collisions.level = levels[case % levels.len()];
            certifier.certify(&trajectory)
        };
        let coarse = at_level(CertifyOptions::default());
        // Each as tight as asked, if at all.
        let tolerances = [[0.002, 0.002], [0.002, 0.05], [0.05, 0.002], [f64::INFINITY, 0.002]][case / 3 % 4];
        let [world_tolerance, links_tolerance] = tolerances.map(|t| Some(t).filter(|t| t.is_finite()));
        let options = CertifyOptions { world_tolerance, links_tolerance, ..CertifyOptions::default() };
        match at_level(options) {
            Ok(certificate) => {
                certified += 1;
                let coarse = coarse.expect("tolerance changes no verdict");
                let least = certificate.clearance().at_least;
                assert_eq!(least, certificate.world.at_least.min(certificate.links.at_least));
                let both = [(certificate.world, coarse.world), (certificate.links, coarse.links)];
                for (kind, (clearance, coarse)) in both.into_iter().enumerate() {
                    let Clearance { at_least, nearest } = clearance;
                    let (sampled, tolerance) = (sampled[kind], tolerances[kind] + 2e-9);
                    assert!(
                        at_least > 0.0 && at_least <= sampled,
                        "case {case}: {at_least} proved, {sampled} sampled"
                    );
                    assert!(coarse.at_least > 0.0 && coarse.at_least <= sampled);
                    if let Some(Nearest { distance, between, time }) = nearest {
                        assert!(at_least >= distance - tolerance, "case {case}");
                        assert!(sampled >= distance - tolerance, "case {case}");
                        let (d, b) = &clearances_at(&problem, &trajectory, time)[kind];
                        assert!(*d <= distance + 1e-12, "case {case}");
                        assert!(*b == between || *d < distance, "case {case}");
                    }
                }
            }
            Err(Violation::Collision { depth, time, .. } | Violation::SelfCollision { depth, time, .. }) => {
                collided += 1;
                let d = clearance_at(&problem, &trajectory, time);
                assert!(depth > 0.0 && d <= -depth + 1e-12, "case {case}: claimed {depth}, is {d}");
                assert!(coarse.is_err(), "case {case}");
            }
            Err(other) => panic!("case {case}: {other}"),
        }
        survey_agrees(&problem, &trajectory, 0.002, sampled);
    }
    assert!(certified > 100 && collided > 100, "{certified} certified, {collided} collided");
}

/// A survey gives the certificate, or of each kind the worst collision to within the tolerance.
fn survey_agrees(problem: &Problem, trajectory: &Trajectory, tolerance: f64, sampled: [f64; 2]) {
    let options = exact_to(tolerance);
    let Report { certificate, violations } = survey(problem, trajectory, &options);
    assert_eq!(certificate, certify(problem, trajectory, &options).ok());
    assert_eq!(certificate.is_none(), !violations.is_empty());
    if certificate.is_some() {
        return;
    }
    let depth = |violation: &Violation| match violation {
        Violation::Collision { depth, time, .. } | Violation::SelfCollision { depth, time, .. } => {
            let distance = clearance_at(problem, trajectory, *time);
            assert!(distance <= -depth + 1e-12);
            *depth
        }
        other => panic!("{other}"),
    };
    for (kind, sampled) in ["collision", "self_collision"].into_iter().zip(sampled) {
        let of_kind = violations.iter().filter(|violation| violation.kind() == kind);
        let worst = of_kind.map(depth).fold(0.0, f64::max);
        assert!(worst >= -sampled - tolerance - 2e-9, "{worst} of {sampled}");
    }
    let kinds: Vec<String> = violations.iter().map(Violation::kind).collect();
    assert!(kinds.len() == 1 || kinds.len() == 2 && kinds[0] != kinds[1], "{kinds:?}");
}

/// What is asked for is kept at dense samples, or missed where it is said to be.
#[test]
fn distances_asked_for_agree_with_dense_samples() {
    let rng = &mut Pcg64Mcg::seed_from_u64(3);
    let (mut kept, mut missed) = (0, 0);
    for case in 0..600 {
        let (problem, trajectory) = random_case(rng);
        let asked = rng.random_range(0.0..0.15);
        let tolerance = (case % 2 == 0).then_some(0.002);
        let options = CertifyOptions {
            least_world_clearance: asked,
            world_tolerance: tolerance,
            ..CertifyOptions::default()
        };
        let without = certify(&problem, &trajectory, &exact_to(1e-5));
        match certify(&problem, &trajectory, &options) {
            Ok(certificate) => {
                let (at_least, [sampled, _]) =
                    (certificate.world.at_least, sampled_clearances(&problem, &trajectory));
                assert!(at_least >= asked && sampled >= at_least, "case {case}: {sampled} of {asked}");
                kept += usize::from(sampled.is_finite());
            }
            Err(Violation::TooNear { distance, asked: told, time, .. }) => {
                let [(sampled, _), _] = clearances_at(&problem, &trajectory, time);
                assert!(distance < asked && sampled <= distance + 1e-12 && told == asked, "case {case}");
                if let Ok(certificate) = &without {
                    assert!(certificate.world.at_least < asked, "case {case}");
                }
                // A survey tells how near it comes, or that it comes nearer still.
                let report = survey(
                    &problem,
                    &trajectory,
                    &CertifyOptions { world_tolerance: Some(0.002), ..options },
                );
                let worst = report.violations.iter().find_map(|violation| match violation {
                    Violation::TooNear { distance, .. } => Some(*distance),
                    Violation::Collision { depth, .. } => Some(-depth),
                    _ => None,
                });
                let [sampled, _] = sampled_clearances(&problem, &trajectory);
                assert!(
                    worst.is_some_and(|worst| worst <= sampled + 0.0021),
                    "case {case}: {worst:?}, {sampled}"
                );
                missed += 1;
            }
            Err(Violation::Collision { .. } | Violation::SelfCollision { .. }) => {
                assert!(without.is_err(), "case {case}");
            }
            Err(other) => panic!("case {case}: {other}"),
        }
    }
    assert!(kept > 40 && missed > 40, "{kept} kept, {missed} missed");
}

/// Efforts' bounds hold at dense samples; limits just above and below the greatest effort are told apart.
#[test]
fn efforts_agree_with_dense_samples() {
    let rng = &mut Pcg64Mcg::seed_from_u64(2);
    for case in 0..60 {
        let bodies = rng.random_range(1..7);
        let mut mechanism = random::mechanism(rng, bodies);
        mechanism.pairs.clear();
        let trajectory = random_trajectory(rng, mechanism.dof());
        let mut problem = problem_for(mechanism, World::default(), &trajectory);
        problem.torque = true;
        let n = trajectory.dof();
        let mut greatest = vec![0.0_f64; n];
        let (mut y, mut yd, mut ydd, mut tau) = (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let mut scratch = DynamicsScratch::default();
        for segment in trajectory.segments() {
            for k in 0..=2000 {
                let t = segment.duration * f64::from(k) / 2000.0;
                segment.evaluate(t, 0, &mut y);
                segment.evaluate(t, 1, &mut yd);
                segment.evaluate(t, 2, &mut ydd);
                problem.mechanism.inverse_dynamics(&y, &yd, &ydd, GRAVITY, &mut scratch, &mut tau);
                greatest.iter_mut().zip(&tau).for_each(|(g, t)| *g = g.max(t.abs()));
            }
        }
        let options = CertifyOptions::default();
        let with_limits = |problem: &mut Problem, factor: f64| {
            for (limits, g) in problem.mechanism.limits.iter_mut().zip(&greatest) {
                limits.effort = g * factor + 1e-3;
            }
        };
        with_limits(&mut problem, 1.01);
        let levels: Vec<Level> = Level::available().collect();
        let mut certifier = Certifier::new(&problem, options);
        certifier.proof.as_mut().expect("a sound problem").efforts.level = levels[case % levels.len()];
        let certificate = certifier.certify(&trajectory);
        let certificate = certificate.unwrap_or_else(|violation| panic!("case {case}: {violation}"));
        for (peaks, g) in certificate.peaks.iter().zip(&greatest) {
            let peak = peaks.effort.expect("efforts are checked");
            assert!(
                peak.value.abs() >= g * (1.0 - 1e-12) && peak.used <= 1.0,
                "case {case}: {peak:?}, sampled {g}"
            );
        }
        with_limits(&mut problem, 0.9);
        // The worst, as a share of its limit.
        let share = |(g, limits): (&f64, &JointLimits)| g / limits.effort;
        let worst = greatest.iter().zip(&problem.mechanism.limits).map(share).fold(0.0, f64::max);
        match &survey(&problem, &trajectory, &options).violations[..] {
            [Violation::Limit { kind: LimitKind::Effort, value, bound, .. }] => {
                let found = value.abs() / bound;
                assert!((found / worst - 1.0).abs() < 2e-3, "case {case}: {found} of {worst}");
            }
            other => panic!("case {case}: {other:?}"),
        }
        match certify(&problem, &trajectory, &options) {
            Err(Violation::Limit { kind: LimitKind::Effort, value, bound, .. }) => {
                assert!(value.abs() > bound);
                assert!(greatest.iter().any(|g| value.abs() <= g * 1.001));
            }
            other => panic!("case {case}: {other:?}"),
        }
    }
}

/// A ball of radius 0.1 m on slides along x and y: outputs are its place.
fn ball_on_slides() -> Mechanism {
    let body = |parent, motion, rotation, output, ratio| Body {
        name: String::new(),
        parent,
        placement: Pose::new(rotation, DVec3::ZERO),
        motion,
        output,
        ratio,
        offset: 0.0,
        inertia: Inertia::ZERO,
    };
    let to_x = DQuat::from_rotation_y(FRAC_PI_2);
    let to_y = to_x.inverse() * DQuat::from_rotation_x(-FRAC_PI_2);
    let ball = Sphere { center: DVec3::ZERO, radius: 0.1 };
    Mechanism {
        links: vec![CollisionLink { name: "ball".into(), body: 2, spheres: 0..1, bound: ball, padding: 0.0 }],
        spheres: vec![ball],
        ..Mechanism::bare(
            vec![
                body(0, JointMotion::Fixed, DQuat::IDENTITY, 0, 0.0),
                body(0, JointMotion::Prismatic, to_x, 0, 1.0),
                body(1, JointMotion::Prismatic, to_y, 1, 1.0),
            ],
            vec!["x".into(), "y".into()],
            vec![JointLimits { velocity: 3.0, acceleration: 8.0, ..JointLimits::NONE }; 2],
        )
    }
}

/// The ball's path y = peak - 2 (x - 0.37)^2 for x from 0 to 1, at 1 m/s.
fn arc(peak: f64) -> Trajectory {
    let mut trajectory = Trajectory::new(2, 2);
    trajectory.push(1.0, &[0.0, 1.0, 0.0, peak - 2.0 * 0.37 * 0.37, 4.0 * 0.37, -2.0]);
    trajectory
}

fn certify_arc(trajectory: &Trajectory, obstacles: Vec<Obstacle>) -> Result<Certificate, Violation> {
    let problem = problem_for(ball_on_slides(), World { obstacles }, trajectory);
    certify(&problem, trajectory, &CertifyOptions::default())
}

/// The ball rises to a ceiling for a fraction of a millisecond, between any samples.
#[test]
fn a_touch_between_samples_is_caught() {
    let ceiling = || {
        let pose = Pose::new(DQuat::from_rotation_x(FRAC_PI_2), DVec3::Y * 0.5);
        vec![Obstacle { name: "ceiling".into(), shape: Shape::HalfSpace, pose }]
    };
    let touching = arc(0.4 + 1e-8);
    for k in 0..=1000 {
        let mut y = [0.0; 2];
        touching.evaluate(f64::from(k) / 1000.0 + 5e-4, 0, &mut y);
        assert!(y[1] < 0.4, "coarse samples miss it");
    }
    match certify_arc(&touching, ceiling()) {
        Err(Violation::Collision { link, obstacle, depth, time }) => {
            assert_eq!((link.as_str(), obstacle.as_str()), ("ball", "ceiling"));
            assert!(depth <= 1.1e-8 && (time - 0.37).abs() < 1e-4);
        }
        other => panic!("{other:?}"),
    }
    let certificate = certify_arc(&arc(0.4 - 1e-8), ceiling()).expect("a gap of 10 nm is a gap");
    assert!(certificate.world.at_least > 0.0 && certificate.world.at_least <= 1e-8);
    assert_eq!(certificate.links, Clearance { at_least: f64::INFINITY, nearest: None });
    match certify_arc(&arc(0.4), ceiling()) {
        Err(Violation::ClearanceNotProved { gap, time, .. }) => {
            assert!(gap.abs() < 2e-9 && (time - 0.37).abs() < 1e-4);
        }
        other => panic!("touching without depth: {other:?}"),
    }
}

/// A wire in the way.
#[test]
fn a_thin_obstacle_is_caught() {
    let wire = |x: f64| {
        let shape = Shape::Cylinder { radius: 1e-5, half_length: 1.0 };
        vec![Obstacle { name: "wire".into(), shape, pose: Pose::from_translation(DVec3::new(x, 0.0, 0.0)) }]
    };
    let mut trajectory = Trajectory::new(2, 1);
    trajectory.push(0.7, &[0.0, 1.0, 0.1 + 5e-6, 0.0]);
    assert!(
        matches!(certify_arc(&trajectory, wire(0.3333)), Err(Violation::Collision { time, .. }) if (time - 0.3333).abs() < 0.01)
    );
    assert!(certify_arc(&trajectory, wire(0.85)).is_ok());
}

/// Sliding along a wall costs few intervals: it is the second-order bound that proves it.
#[test]
fn sliding_along_a_wall_is_cheap() {
    let shape = Shape::Cuboid { half_extents: DVec3::new(2.0, 0.1, 2.0) };
    let wall = vec![Obstacle { name: "wall".into(), shape, pose: Pose::from_translation(DVec3::Y * 0.2001) }];
    let mut trajectory = Trajectory::new(2, 3);
    trajectory.push(1.0, &[0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.0, 0.0]);
    let certificate = certify_arc(&trajectory, wall).expect("it keeps 0.1 mm");
    assert!(certificate.intervals < 256, "{} intervals", certificate.intervals);
}

/// The torque of a pendulum peaks where it is level, for an instant between coarse samples.
#[test]
fn a_torque_peak_between_samples_is_caught() {
    let mut mechanism = ball_on_slides();
    mechanism.bodies.truncate(2);
    mechanism.outputs.truncate(1);
    mechanism.links.clear();
    mechanism.spheres.clear();
    // It turns about the world's y axis and hangs out along x where y = 0.
    let body = &mut mechanism.bodies[1];
    body.motion = JointMotion::Revolute;
    body.placement = Pose::new(DQuat::from_rotation_x(-FRAC_PI_2), DVec3::ZERO);
    body.inertia = Inertia { mass: 2.0, com: DVec3::X * 0.5, ..Inertia::ZERO };
    let peak = 2.0 * 0.5 * 9.81;
    let mut trajectory = Trajectory::new(1, 1);
    trajectory.push(1.0, &[-0.47, 1.0]);
    let mut verdict = |effort: f64| {
        mechanism.limits = vec![JointLimits { effort, ..JointLimits::NONE }];
        let mut problem = problem_for(mechanism.clone(), World::default(), &trajectory);
        problem.torque = true;
        certify(&problem, &trajectory, &CertifyOptions::default())
    };
    // The limit is exceeded for |y| < 0.0014 only.
    match verdict(peak * (1.0 - 1e-6)) {
        Err(Violation::Limit { kind: LimitKind::Effort, value, time, .. }) => {
            assert!((value.abs() - peak).abs() < 1e-5 && (time - 0.47).abs() < 0.0015);
        }
        other => panic!("{other:?}"),
    }
    let certificate = verdict(peak * (1.0 + 1e-6)).expect("just within the limit");
    assert_eq!(certificate.tightest().map(|t| t.0), Some(Limit::Joint("x", LimitKind::Effort)));
}

#[test]
fn limits_are_exact() {
    let problem = |trajectory: &Trajectory, limits: JointLimits| {
        let mut mechanism = ball_on_slides();
        mechanism.limits[1] = limits;
        problem_for(mechanism, World::default(), trajectory)
    };
    // y = t^3 - t on [0, 1]: least value -0.3849 at 0.57735, greatest speed 2, acceleration 6, at 1.
    let mut trajectory = Trajectory::new(2, 3);
    trajectory.push(1.0, &[0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0]);
    let low = -2.0 / 27.0_f64.sqrt();
    let tight = JointLimits { lower: low, upper: 1.0, velocity: 2.0, acceleration: 6.0, ..JointLimits::NONE };
    let certificate = certify(&problem(&trajectory, tight), &trajectory, &CertifyOptions::default())
        .expect("within limits");
    let peaks = certificate.peaks[1];
    assert!((peaks.position.used - 1.0).abs() < 1e-12 && peaks.position.bound == low);
    assert!((peaks.position.time - 3.0_f64.sqrt().recip()).abs() < 1e-12);
    assert_eq!((peaks.velocity.used, peaks.acceleration.used), (1.0, 1.0));
    let cases = [
        (LimitKind::Position, JointLimits { lower: low + 1e-6, ..tight }),
        // An end at more than a limit has some slack.
        (LimitKind::Velocity, JointLimits { velocity: 2.0 * (1.0 - 1.1 * END_SLACK), ..tight }),
        (LimitKind::Acceleration, JointLimits { acceleration: 6.0 - 1e-6, ..tight }),
    ];
    for (want, limits) in cases {
        match certify(&problem(&trajectory, limits), &trajectory, &CertifyOptions::default()) {
            Err(Violation::Limit { output, kind, .. }) => assert_eq!((output.as_str(), kind), ("y", want)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn ends_knots_and_form_are_checked() {
    let mut trajectory = Trajectory::new(2, 1);
    trajectory.push(0.5, &[0.0, 1.0, 0.0, 0.0]);
    trajectory.push(0.5, &[0.5, 1.0, 0.0, 0.0]);
    let sound = problem_for(ball_on_slides(), World::default(), &trajectory);
    let options = CertifyOptions::default();
    assert!(certify(&sound, &trajectory, &options).is_ok());
    let mut problem = sound.clone();
    problem.start.velocity[0] += 1e-6;
    let of = |name: &str, kind| Quantity { name: name.to_owned(), kind: Some(kind) };
    match certify(&problem, &trajectory, &options) {
        Err(Violation::Start { miss: Miss { of: what, value, expected, unit } }) => {
            assert_eq!((what, value, expected, unit), (of("x", LimitKind::Velocity), 1.0, 1.0 + 1e-6, "m/s"));
        }
        other => panic!("{other:?}"),
    }
    let mut problem = sound.clone();
    problem.goals[0].position[1] += 1e-6;
    match certify(&problem, &trajectory, &options) {
        Err(Violation::Goal { miss: Miss { of: what, value, expected, unit } }) => {
            assert_eq!((what, value, expected, unit), (of("y", LimitKind::Position), 0.0, 1e-6, "m"));
        }
        other => panic!("{other:?}"),
    }
    problem.goals.push(sound.goals[0].clone());
    assert!(certify(&problem, &trajectory, &options).is_ok(), "any goal will do");

    let with_second = |coefficients: &[f64]| {
        let mut trajectory = Trajectory::new(2, 1);
        trajectory.push(0.5, &[0.0, 1.0, 0.0, 0.0]);
        trajectory.push(0.5, coefficients);
        certify(&problem_for(ball_on_slides(), World::default(), &trajectory), &trajectory, &options)
    };
    let jumps = |coefficients: &[f64], name: &str, kind, unit: &str| {
        let of = Quantity { name: name.to_owned(), kind: Some(kind) };
        match with_second(coefficients) {
            Err(Violation::Jump { of: found, time, jump, unit: in_unit }) => {
                assert_eq!((found, time, in_unit), (of, 0.5, unit));
                assert!((jump - 1e-6).abs() < 1e-12);
            }
            other => panic!("{other:?}"),
        }
    };
    jumps(&[0.5 + 1e-6, 1.0, 0.0, 0.0], "x", LimitKind::Position, "m");
    jumps(&[0.5, 1.0, 0.0, 1e-6], "y", LimitKind::Velocity, "m/s");
    assert!(
        matches!(with_second(&[f64::NAN, 1.0, 0.0, 0.0]), Err(Violation::Invalid(_))),
        "its goal is none"
    );
    assert!(matches!(with_second(&[0.5, 1.0, 1e40, 1.0]), Err(Violation::Invalid(_))));
    assert!(matches!(certify(&sound, &Trajectory::new(2, 3), &options), Err(Violation::Malformed { .. })));
    assert!(matches!(certify(&sound, &Trajectory::new(3, 3), &options), Err(Violation::Malformed { .. })));
}

/// What never moves is checked too.
#[test]
fn a_base_inside_an_obstacle_is_caught() {
    let mut mechanism = ball_on_slides();
    mechanism.links[0].body = 0;
    let shape = Shape::Sphere { radius: 0.1 };
    let obstacle = Obstacle { name: "stone".into(), shape, pose: Pose::from_translation(DVec3::X * 0.15) };
    let trajectory = arc(0.0);
    let problem = problem_for(mechanism, World { obstacles: vec![obstacle] }, &trajectory);
    match certify(&problem, &trajectory, &CertifyOptions::default()) {
        Err(Violation::Collision { depth, .. }) => assert!((depth - 0.05).abs() < 1e-12),
        other => panic!("{other:?}"),
    }
}

/// A motion of three centuries that ends in a touch: intervals near its end cannot be halved as
/// often as elsewhere, and the proof ends all the same.
#[test]
fn segments_of_centuries_end_the_proof() {
    let duration = 1e10;
    let mut trajectory = Trajectory::new(2, 1);
    trajectory.push(duration, &[0.0, 1.0 / duration, 0.0, 0.0]);
    let radius = ball_on_slides().spheres[0].radius;
    let pose = Pose::new(DQuat::from_rotation_y(-FRAC_PI_2), DVec3::X * (1.0 + radius));
    let wall = Obstacle { name: "wall".into(), shape: Shape::HalfSpace, pose };
    assert!(certify_arc(&trajectory, vec![wall]).is_err());
}

/// Numbers that overflow in evaluation must not pass for want of a comparison that holds.
#[test]
fn absurd_coefficients_are_refused() {
    let mut trajectory = Trajectory::new(2, 3);
    trajectory.push(1.0, &[0.0, 1.0, 0.0, 1e308, 0.0, 0.0, 0.0, 0.0]);
    assert!(matches!(certify_arc(&trajectory, vec![]), Err(Violation::Invalid(_))), "its goal is absurd");
    let problem = problem_for(ball_on_slides(), World::default(), &arc(0.0));
    let absurd = certify(&problem, &trajectory, &CertifyOptions::default());
    assert!(matches!(absurd, Err(Violation::Malformed { .. })));
    let mut trajectory = Trajectory::new(2, 1);
    trajectory.push(0.0, &[0.0, 1.0, 0.0, 0.0]);
    trajectory.push(1.0, &[0.0, 1.0, 0.0, 0.0]);
    assert!(matches!(certify_arc(&trajectory, vec![]), Err(Violation::Malformed { .. })));
}

/// A proof is given up as soon as its caller says so, in its first interval or a later one, and so are its tables.
#[test]
fn a_late_proof_is_given_up() {
    // The ball keeps one distance all the time: no instant stands out, so none excuses the others.
    let mut trajectory = Trajectory::new(2, 1);
    trajectory.push(1.0, &[0.0, 1.0, 0.0, 0.0]);
    let pose = Pose::new(DQuat::from_rotation_x(FRAC_PI_2), DVec3::Y * 0.5);
    let ceiling = Obstacle { name: "ceiling".into(), shape: Shape::HalfSpace, pose };
    let problem = problem_for(ball_on_slides(), World { obstacles: vec![ceiling] }, &trajectory);
    let exact = exact_to(0.0);
    let due = |asks: usize| {
        let asked = AtomicUsize::new(0);
        let token = CancelToken::when(move || asked.fetch_add(1, Ordering::Relaxed) == asks);
        Stop::new(None, Some(token))
    };
    let most = (WORK_PER_ASK / INTERVAL) as usize;
    for asks in 0..4 {
        let outcome = Certifier::new(&problem, exact).certify_until(&trajectory, &due(asks));
        let Err(Violation::OutOfTime { intervals }) = outcome else { panic!("{outcome:?}") };
        assert!(intervals <= asks * most, "{intervals} intervals before ask {asks}");
    }
    let options = CertifyOptions::default();
    assert!(Certifier::new(&problem, options).certify_until(&trajectory, &due(1000)).is_ok());
    assert!(Certifier::new_until(&problem, options, &due(0)).is_none());
    assert!(Certifier::new_until(&problem, options, &Stop::NEVER).is_some());
}

/// Every kind of fault in one trajectory is told, each by its worst, in its unit.
#[test]
fn a_survey_tells_every_kind_and_its_worst() {
    let mut mechanism = ball_on_slides();
    mechanism.limits =
        vec![JointLimits { upper: 1.2, velocity: 3.0, acceleration: 8.0, ..JointLimits::NONE }; 2];
    let mut trajectory = Trajectory::new(2, 2);
    // x: at 4 m/s, then 5 and beyond its upper limit; y: accelerates by 10 and 20.
    trajectory.push(0.1, &[0.0, 4.0, 0.0, 0.0, 0.0, 5.0]);
    trajectory.push(0.1, &[0.4, 5.0, 0.0, 0.05, 1.0, 10.0]);
    trajectory.push(0.1, &[0.93, 5.0, 0.0, 0.25, 3.0, 0.0]);
    let ball = |name: &str, x: f64, y: f64| Obstacle {
        name: name.to_owned(),
        shape: Shape::Sphere { radius: 0.1 },
        pose: Pose::from_translation(DVec3::new(x, y, 0.0)),
    };
    // Grazed, and met in the middle.
    let obstacles = vec![ball("grazed", 0.2, 0.19), ball("met", 0.65, 0.125)];
    let mut problem = problem_for(mechanism, World { obstacles }, &trajectory);
    problem.start.position[0] = -0.25;
    problem.goals[0].velocity[1] = 0.0;
    let options = exact_to(1e-4);
    let report = survey(&problem, &trajectory, &options);
    let kinds: Vec<String> = report.violations.iter().map(Violation::kind).collect();
    let told = [
        "start",
        "goal",
        "velocity_jump",
        "position_jump",
        "position_limit",
        "velocity_limit",
        "acceleration_limit",
        "collision",
    ];
    assert_eq!(kinds, told, "{report}");
    let said: Vec<String> = report.violations.iter().map(Violation::to_string).collect();
    for (said, wanted) in said.iter().zip([
        "it begins away from the start: the position of \"x\" is 0.000 m, expected -0.250",
        "it ends away from the nearest goal: the velocity of \"y\" is 3.000 m/s, expected 0.000",
        "the velocity of \"x\" jumps by 1.00 m/s at 0.100 s",
        "the position of \"x\" jumps by 0.0300 m at 0.200 s",
        "the position of \"x\" is 1.430 at 0.300 s, its limit 1.200",
        "the velocity of \"x\" is 5.000 at 0.200 s, its limit 3.000",
        "the acceleration of \"y\" is 20.000 at 0.200 s, its limit 8.000",
    ]) {
        assert_eq!(said, wanted);
    }
    match &report.violations[7] {
        // Along x = 0.4 + 5 u, y = 0.05 + u + 10 u^2 its centre is met at u = 0.05.
        Violation::Collision { obstacle, depth, time, .. } => {
            assert_eq!(obstacle, "met");
            assert!(
                *depth > 0.2 - 1e-4 && *depth < 0.2 + 1e-9 && (time - 0.15).abs() < 1e-3,
                "{depth} {time}"
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(report.to_string().starts_with("not valid, of each kind the worst:\n  it begins"), "{report}");
    let first = certify(&problem, &trajectory, &options).unwrap_err();
    assert_eq!(first, report.violations[0]);
    let only = Report { violations: vec![first.clone()], ..report };
    assert_eq!(only.to_string(), format!("not valid: {first}"));
}

/// A pendulum of 1 kg at 1 m, level where its joint is at none: or a lift, if it slides.
fn held(slides: bool, effort: f64, smoothness: Smoothness) -> Problem {
    let mut mechanism = ball_on_slides();
    mechanism.bodies.truncate(2);
    mechanism.outputs.truncate(1);
    mechanism.links.clear();
    mechanism.spheres.clear();
    let body = &mut mechanism.bodies[1];
    body.motion = if slides { JointMotion::Prismatic } else { JointMotion::Revolute };
    // Axes up, and to the side.
    let turn = if slides { DQuat::IDENTITY } else { DQuat::from_rotation_x(FRAC_PI_2) };
    body.placement = Pose::new(turn, DVec3::ZERO);
    body.inertia = Inertia { mass: 1.0, com: DVec3::X, ..Inertia::ZERO };
    mechanism.limits = vec![JointLimits { effort, ..JointLimits::NONE }];
    let state = JointState::at_rest(vec![0.0]);
    let (world, gravity) = (World::default(), GRAVITY);
    Problem { mechanism, world, start: state.clone(), goals: vec![state], smoothness, torque: true, gravity }
}

/// Ends at rest are held against gravity; those in motion take what their accelerations take, where these are
/// known.
#[test]
fn ends_take_no_more_effort_than_there_is() {
    let weight = 9.81;
    for (slides, unit) in [(false, "N m"), (true, "N")] {
        let problem = held(slides, weight * (1.0 + 1e-6), Smoothness::Acceleration);
        let mut still = Trajectory::new(1, 1);
        still.push(1.0, &[0.0, 0.0]);
        let options = CertifyOptions::default();
        assert!(certify(&problem, &still, &options).is_ok());
        let weak = held(slides, 8.0, Smoothness::Acceleration);
        // Of what takes no time, nothing else is asked.
        let mut nowhere = Trajectory::new(1, 1);
        nowhere.push(0.0, &[0.0, 0.0]);
        let report = survey(&weak, &nowhere, &options);
        let kinds: Vec<String> = report.violations.iter().map(Violation::kind).collect();
        assert_eq!(kinds, ["start_unheld", "goal_unheld", "effort_limit"], "{report}");
        let said = format!("the start cannot be held: effort of x 9.81 of 8 {unit}");
        assert_eq!(certify(&weak, &nowhere, &options).unwrap_err().to_string(), said);
        assert_eq!(Problem { torque: false, ..weak.clone() }.overload(&weak.start, 0.0), None);
        // In motion nothing is known of what it takes, but with jerk limits its acceleration is.
        let moving = JointState { velocity: vec![0.1], ..weak.start.clone() };
        assert_eq!(weak.overload(&moving, 0.0), None);
        let smooth = Problem { smoothness: Smoothness::Jerk, ..weak.clone() };
        assert!(smooth.overload(&moving, 0.0).is_some_and(|why| !why.at_rest));
        // It falls: the effort that it takes is so much less.
        let falling = JointState { acceleration: vec![-2.0], ..moving.clone() };
        let rising = JointState { acceleration: vec![2.0], ..moving };
        let efforts = [&falling, &rising].map(|state| {
            let strict =
                Problem { mechanism: held(slides, 1e-3, Smoothness::Jerk).mechanism, ..smooth.clone() };
            strict.overload(state, 0.0).expect("far too weak").effort.abs()
        });
        assert!((efforts[0] - (weight - 2.0)).abs() < 1e-9 && (efforts[1] - (weight + 2.0)).abs() < 1e-9);
        assert_eq!(smooth.overload(&falling, 0.0), None);
        let why = smooth.overload(&rising, 0.0).expect("more than its weight");
        assert_eq!((why.denial(), why.unit), ("accelerates more than the joints can", unit));
    }
}

/// A goal that can be held is as good as any, if it is the one that is reached.
#[test]
fn the_goal_that_is_reached_must_be_held() {
    let mut problem = held(false, 8.0, Smoothness::Acceleration);
    // Upright it takes nothing.
    problem.start = JointState::at_rest(vec![FRAC_PI_2]);
    problem.goals.push(problem.start.clone());
    let mut still = Trajectory::new(1, 1);
    still.push(1.0, &[FRAC_PI_2, 0.0]);
    assert!(certify(&problem, &still, &CertifyOptions::default()).is_ok());
    problem.goals.pop();
    match certify(&problem, &still, &CertifyOptions::default()) {
        Err(Violation::Goal { miss }) => assert_eq!(miss.unit, "rad"),
        other => panic!("{other:?}"),
    }
    let none = Problem { goals: Vec::new(), ..problem };
    assert!(matches!(certify(&none, &still, &CertifyOptions::default()), Err(Violation::Invalid(_))));
}

/// Jumps that nobody minds one by one, of every derivative that should be continuous, do not add up.
#[test]
fn small_jumps_do_not_add_up() {
    let options = CertifyOptions::for_files(1e-5);
    let (knots, jump, brief) = (3000, 9e-6, 1e-5);
    for smoothness in [Smoothness::Acceleration, Smoothness::Jerk] {
        for order in 0..smoothness.order() {
            let mut trajectory = Trajectory::new(2, 2);
            let mut at = [0.0; 3];
            for _ in 0..=knots {
                trajectory.push(brief, &[at[0], at[1], 0.5 * at[2], 0.3, 0.0, 0.0]);
                at[0] += brief * (at[1] + 0.5 * brief * at[2]);
                at[1] += brief * at[2];
                at[order] += jump;
            }
            let mut problem = problem_for(ball_on_slides(), World::default(), &trajectory);
            let mut acceleration = [0.0; 2];
            trajectory.evaluate(trajectory.duration(), 2, &mut acceleration);
            problem.goals[0].acceleration = acceleration.to_vec();
            problem.smoothness = smoothness;
            problem.mechanism.limits.iter_mut().for_each(|limits| limits.jerk = 100.0);
            match certify(&problem, &trajectory, &options) {
                Err(Violation::Jumps { of, knots: told, sum, .. }) => {
                    let kind = Some(LimitKind::of_order(order));
                    assert_eq!((of, told), (Quantity { name: "x".to_owned(), kind }, knots));
                    assert!((sum - jump * f64::from(knots as u32)).abs() < 1e-6, "{sum}");
                }
                other => panic!("{smoothness} {order}: {other:?}"),
            }
            // What nothing limits may jump.
            problem.mechanism.limits = vec![JointLimits::NONE; 2];
            assert!(certify(&problem, &trajectory, &options).is_ok(), "{smoothness} {order}");
        }
    }
}

//! Certificates of files: what was written, in any format, is still certified when it is read again, and
//! what hides behind small jumps is not.

mod common;

use common::random_robot;
use flatout::bench::search_families::SearchFamily;
use flatout::certify::{CertifyOptions, LimitKind, Report, Violation, certify, survey};
use flatout::exchange::{Export, Format, NamedTrajectory};
use flatout::pose::Pose;
use flatout::problem::{GRAVITY, JointState, Problem, Smoothness};
use flatout::robot::{JointLimits, Mechanism};
use flatout::steer::{JerkLimited, LeastEffort};
use flatout::trajectory::Trajectory;
use flatout::world::{Obstacle, Shape, World};
use glam::DVec3;
use proptest::prelude::*;

/// As `flatout check` judges files.
fn options() -> CertifyOptions {
    CertifyOptions::for_files(1e-5)
}

/// A random mechanism that meets nothing, in a world without obstacles.
fn mechanism(seed: u64) -> Mechanism {
    let robot = random_robot(seed);
    let joints = robot.independent_joints();
    let mut mechanism =
        Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY).expect("a mechanism");
    // What files keep is asked here, not what such a robot would hit.
    mechanism.pairs.clear();
    mechanism.overlaps.clear();
    mechanism.limits.fill(JointLimits::NONE);
    mechanism
}

/// The problem that a trajectory solves, with limits that it meets, or that are wider by a share.
fn problem_of(
    mut mechanism: Mechanism,
    trajectory: &Trajectory,
    smoothness: Smoothness,
    margin: f64,
) -> Problem {
    for (output, limits) in mechanism.limits.iter_mut().enumerate() {
        let peak = |order| trajectory.extrema(output, order).magnitude().0 * (1.0 + margin);
        let position = trajectory.extrema(output, 0);
        (limits.lower, limits.upper) = (position.min - margin, position.max + margin);
        (limits.velocity, limits.acceleration, limits.jerk) =
            (peak(1).max(0.1), peak(2).max(0.1), peak(3).max(0.1));
    }
    let state = |t: f64| JointState::on(trajectory, t, smoothness);
    let (start, goals) = (state(0.0), vec![state(trajectory.duration())]);
    let (world, torque, gravity) = (World::default(), false, GRAVITY);
    Problem { mechanism, world, start, goals, smoothness, torque, gravity }
}

/// Cubics, whose accelerations jump, and are some tens of rad/s^2 or m/s^2 at most.
fn cubics(dof: usize) -> impl Strategy<Value = Trajectory> {
    let pull = prop_oneof![4 => -1.0..1.0, 1 => Just(0.0)];
    let duration = prop_oneof![3 => 0.05..1.0, 1 => 0.001..0.02];
    let start = prop::collection::vec(-2.0..2.0, 2 * dof);
    let pieces = prop::collection::vec((prop::collection::vec(pull, 2 * dof), duration), 1..8);
    (start, pieces).prop_map(move |(mut from, pieces)| {
        let steering = LeastEffort::new(&vec![JointLimits::NONE; dof]);
        let mut trajectory = Trajectory::new(dof, 3);
        let mut c = vec![0.0; 4 * dof];
        for (pull, duration) in pieces {
            let mut to = from.clone();
            for output in 0..dof {
                let (velocity, faster) = (from[dof + output], 10.0 * duration * pull[output]);
                to[dof + output] += faster;
                to[output] += duration * (velocity + 0.5 * faster + duration * pull[dof + output]);
            }
            let (a, b) = (from.split_at(dof), to.split_at(dof));
            steering.steer_in(duration, a.0, a.1, b.0, b.1, &mut c);
            trajectory.push(duration, &c);
            from = to;
        }
        trajectory
    })
}

/// A mechanism and a trajectory of cubics for it.
fn mechanism_and_cubics() -> impl Strategy<Value = (u64, Trajectory)> {
    any::<u64>().prop_flat_map(|seed| (Just(seed), cubics(mechanism(seed).dof())))
}

/// Written, read, and judged.
fn after(format: Format, problem: &Problem, trajectory: &Trajectory) -> (Trajectory, Report) {
    let text = Export::new(problem, trajectory).text(format).expect("a text");
    let read = NamedTrajectory::parse(&text, format).expect("what was written");
    let read = read.ordered(&problem.mechanism.outputs).expect("the same joints");
    let report = survey(problem, &read, &options());
    (read, report)
}

const FORMATS: [Format; 3] = [Format::Json, Format::Csv, Format::JointTrajectory];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Files of motions with jumping accelerations, at their limits.
    #[test]
    fn what_is_written_stays_certified((seed, trajectory) in mechanism_and_cubics(), loose in any::<bool>()) {
        let margin = if loose { 0.1 } else { 0.0 };
        let problem = problem_of(mechanism(seed), &trajectory, Smoothness::Acceleration, margin);
        let certified = certify(&problem, &trajectory, &CertifyOptions::default());
        prop_assert!(certified.is_ok(), "{certified:?}");
        for format in FORMATS {
            let (_, report) = after(format, &problem, &trajectory);
            prop_assert!(report.certificate.is_some(), "{format:?}: {report}");
        }
    }

    /// Files of smooth motions, at their limits.
    #[test]
    fn what_is_written_smooth_stays_certified(
        seed in any::<u64>(), ends in prop::collection::vec(-2.0..2.0, 2 * 16), jerk in 5.0..5000.0,
    ) {
        let mechanism = mechanism(seed);
        let dof = mechanism.dof();
        let limits = JointLimits { velocity: 2.0, acceleration: 5.0, jerk, ..JointLimits::NONE };
        let motion = JerkLimited::new(&vec![limits; dof]).straight(&ends[..dof], &ends[16..16 + dof], f64::INFINITY);
        let Some((motion, _)) = motion else { return Ok(()) };
        prop_assume!(motion.segments().all(|s| s.duration > 1e-3));
        let problem = problem_of(mechanism, &motion, Smoothness::Jerk, 0.0);
        for format in FORMATS {
            let (_, report) = after(format, &problem, &motion);
            prop_assert!(report.certificate.is_some(), "{format:?}: {report}");
        }
    }

    /// Pieces of a valid motion, each off the one before by less than may be at a knot: in position, to
    /// another goal, or in velocity.
    #[test]
    fn what_hides_behind_small_jumps_is_refused(
        (seed, trajectory) in mechanism_and_cubics(), output in any::<prop::sample::Index>(),
        pieces in 200..2000_usize, order in 0..2_usize, share in 0.3..0.99_f64, format in 0..2_usize,
    ) {
        let mechanism = mechanism(seed);
        let output = output.index(mechanism.dof());
        let jump = share * 1e-5;
        let mut shifted = Trajectory::new(trajectory.dof(), 3);
        let step = trajectory.duration() / pieces as f64;
        // So fast that it is more than limits are exceeded by.
        prop_assume!(jump / step > 1e-2 && (order == 0 || jump / step > 0.1));
        let mut off = [0.0; 2];
        for i in 0..pieces {
            let piece = trajectory.cut(step * i as f64, step * (i + 1) as f64);
            for segment in piece.segments() {
                let mut coefficients = segment.coefficients.to_vec();
                coefficients[4 * output] += off[0];
                coefficients[4 * output + 1] += off[1];
                off[0] += off[1] * segment.duration;
                shifted.push(segment.duration, &coefficients);
            }
            off[order] += jump;
        }
        // Limits are those of the motion that it pretends to be.
        let problem = problem_of(mechanism, &trajectory, Smoothness::Acceleration, 0.5);
        let ends = problem_of(problem.mechanism.clone(), &shifted, Smoothness::Acceleration, 0.5);
        let problem = Problem { start: ends.start, goals: ends.goals, ..problem };
        let report = match format {
            0 => after(Format::Json, &problem, &shifted).1,
            _ => survey(&problem, &shifted, &options()),
        };
        let kind = [LimitKind::Position, LimitKind::Velocity][order];
        let told = report.violations.iter().any(|violation| match violation {
            Violation::Jumps { of, sum, .. } => of.kind == Some(kind) && *sum > 20.0 * jump,
            _ => false,
        });
        prop_assert!(told && report.certificate.is_none(), "{report}");
    }
}

/// Of motions of milliseconds that move at their ends, at their limits: whole nanoseconds do not raise accelerations.
#[test]
fn what_is_brief_and_moves_stays_certified() {
    for duration in [1.1e-5, 1.234_567_4e-4, 0.003_492_972_626_397_278, 0.020_000_000_9] {
        for [speed, acceleration] in [[0.5, -1.021], [3.0, 20.0], [-1.0, 0.0]] {
            let mechanism = mechanism(4);
            let mut trajectory = Trajectory::new(mechanism.dof(), 3);
            trajectory.push(duration, &[0.1, speed, 0.5 * acceleration, 0.0].repeat(mechanism.dof()));
            let problem = problem_of(mechanism, &trajectory, Smoothness::Acceleration, 0.0);
            for format in FORMATS {
                let (_, report) = after(format, &problem, &trajectory);
                assert!(
                    report.certificate.is_some(),
                    "{duration} {speed} {acceleration} {format:?}: {report}"
                );
            }
        }
    }
}

/// Positions so dense that no line's velocity differs from the next one's by what may be at a knot, though
/// they accelerate three times as hard as they may.
#[test]
fn accelerations_do_not_hide_between_rows() {
    let mut mechanism = mechanism(4);
    let dof = mechanism.dof();
    mechanism.limits.fill(JointLimits { velocity: 3.0, acceleration: 5.0, ..JointLimits::NONE });
    let (acceleration, way) = (15.0_f64, 1e-4_f64);
    let half = (way / acceleration).sqrt();
    let (rows, names) = (20_000, mechanism.outputs.clone());
    let mut text = "t".to_owned();
    names.iter().for_each(|name| text += &format!(",q_{name}"));
    for row in 0..=rows {
        let t = 2.0 * half * f64::from(row) / f64::from(rows);
        let left = 2.0 * half - t;
        let at = if t < half { 0.5 * acceleration * t * t } else { way - 0.5 * acceleration * left * left };
        text += &format!("\n{t}");
        (0..dof).for_each(|output| text += &format!(",{}", if output == 0 { at } else { 0.0 }));
    }
    let read = NamedTrajectory::parse(&text, Format::Csv).expect("rows").trajectory;
    let greatest = read.greatest_jump(1).expect("knots").size.abs();
    assert!(greatest < 1e-5, "{greatest}");
    let start = JointState::at_rest(vec![0.0; dof]);
    let mut goal = start.clone();
    goal.position[0] = way;
    let (world, smoothness) = (World::default(), Smoothness::Acceleration);
    let problem =
        Problem { mechanism, world, start, goals: vec![goal], smoothness, torque: false, gravity: GRAVITY };
    let report = survey(&problem, &read, &options());
    let kinds: Vec<String> = report.violations.iter().map(Violation::kind).collect();
    assert_eq!(kinds, ["velocity_jumps"], "{report}");
    // The same as cubics through positions and velocities is refused for what it is.
    let mut quick = Trajectory::new(dof, 2);
    let mut c = vec![0.0; 3 * dof];
    c[2] = 0.5 * acceleration;
    quick.push(half, &c);
    (c[0], c[1], c[2]) = (0.5 * way, acceleration * half, -0.5 * acceleration);
    quick.push(half, &c);
    match certify(&problem, &quick, &options()) {
        Err(Violation::Limit { kind: LimitKind::Acceleration, value, .. }) => assert_eq!(value.abs(), 15.0),
        other => panic!("{other:?}"),
    }
}

/// From rest to rest, each output by a cubic.
fn from_rest_to_rest(start: &JointState, goal: &JointState, duration: f64) -> Trajectory {
    let mut trajectory = Trajectory::new(start.position.len(), 3);
    let mut coefficients = Vec::new();
    for (from, to) in start.position.iter().zip(&goal.position) {
        let way = (to - from) / (duration * duration);
        coefficients.extend([*from, 0.0, 3.0 * way, -2.0 * way / duration]);
    }
    trajectory.push(duration, &coefficients);
    trajectory
}

/// Of three goals the certificate tells which is reached, for arms and for what drives; of equals the first.
#[test]
fn the_goal_that_is_reached_is_told() {
    for kind in [SearchFamily::Arm, SearchFamily::Maze2d] {
        let mut problem = kind.problem(3, 1.0).expect("a problem");
        problem.world.obstacles.clear();
        problem.mechanism.pairs.clear();
        let halfway = |share: f64| {
            let (from, to) = (&problem.start.position, &problem.goals[0].position);
            JointState::at_rest(from.iter().zip(to).map(|(a, b)| a + share * (b - a)).collect())
        };
        problem.goals = [0.25, 0.5, 1.0, 0.5].map(halfway).to_vec();
        for (goal, told) in [0, 1, 2, 1].into_iter().enumerate() {
            let trajectory = from_rest_to_rest(&problem.start, &problem.goals[goal], 100.0);
            let certificate = certify(&problem, &trajectory, &CertifyOptions::default());
            assert_eq!(certificate.expect("slow enough").goal, told, "{} to {goal}", kind.name());
        }
    }
}

/// A ball that drives past a ball at 5 cm, between any samples: a little less may be asked for, but no more.
#[test]
fn a_distance_that_is_asked_for_is_exact() {
    let mut problem = SearchFamily::Maze2d.problem(0, 1.0).expect("a problem");
    let radius = problem.mechanism.spheres[0].radius;
    problem.start = JointState::at_rest(vec![0.1, 0.5]);
    problem.goals = vec![JointState::at_rest(vec![0.9, 0.5])];
    let pose = Pose::from_translation(DVec3::new(0.37, 0.5 + 0.1 + radius + 0.05, 0.0));
    let shape = Shape::Sphere { radius: 0.1 };
    problem.world = World { obstacles: vec![Obstacle { name: "ball".to_owned(), shape, pose }] };
    let trajectory = from_rest_to_rest(&problem.start, &problem.goals[0], 10.0);
    let asked = |least_world_clearance: f64| {
        let options = CertifyOptions { least_world_clearance, ..CertifyOptions::default() };
        (certify(&problem, &trajectory, &options), survey(&problem, &trajectory, &options))
    };
    for kept in [0.0, 0.0499, 0.05 - 1e-8] {
        let (certificate, report) = asked(kept);
        let at_least = certificate.expect("it keeps 5 cm").world.at_least;
        assert!((kept..0.05).contains(&at_least), "{at_least} of {kept}");
        assert!(report.certificate.is_some());
    }
    for missed in [0.05 + 1e-8, 0.0501, 0.06] {
        let (certificate, report) = asked(missed);
        match certificate {
            Err(Violation::TooNear { link, obstacle, distance, asked, time }) => {
                assert_eq!((link.as_str(), obstacle.as_str(), asked), ("point", "ball", missed));
                assert!((0.05 - 1e-12..missed).contains(&distance), "{distance}");
                assert!((0.0..10.0).contains(&time));
            }
            other => panic!("{other:?}"),
        }
        let kinds: Vec<String> = report.violations.iter().map(Violation::kind).collect();
        assert_eq!(kinds, ["too_near"], "{report}");
    }
    let said = asked(0.0501).0.unwrap_err().to_string();
    assert!(said.starts_with("\"point\" comes within 0.050"), "{said}");
    assert!(said.ends_with("s, but 0.0501 m are asked for"), "{said}");
    match asked(0.05).0 {
        Err(Violation::ClearanceNotProved { gap, asked, .. }) => {
            assert!((gap - 0.05).abs() < 1e-9 && asked == 0.05);
        }
        Err(Violation::TooNear { distance, .. }) => assert!(distance > 0.05 - 1e-12),
        other => panic!("{other:?}"),
    }
    // Nearer than nothing is a collision as before.
    problem.world.obstacles[0].pose.translation.y -= 0.06;
    let report = survey(
        &problem,
        &trajectory,
        &CertifyOptions {
            least_world_clearance: 0.02,
            world_tolerance: Some(1e-6),
            ..CertifyOptions::default()
        },
    );
    match &report.violations[..] {
        [Violation::Collision { depth, .. }] => assert!((depth - 0.01).abs() < 2e-6, "{depth}"),
        other => panic!("{other:?}"),
    }
}

//! What is written is read again, by us and as the formats say; what is broken is refused.

use super::joint_trajectory::SLOWING;
use super::*;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{DynamicsScratch, JointLimits, random};
use crate::steer::{JerkLimited, LeastEffort};
use crate::trajectory::{Trajectory, derivative};
use crate::world::World;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use serde_json::json;

/// A problem of a random mechanism, its joints named to make writers quote.
fn problem(seed: u64) -> Problem {
    let mechanism = random::mechanism(&mut Pcg64Mcg::seed_from_u64(seed), 5);
    let mut problem = Problem {
        start: JointState::at_rest(vec![0.0; mechanism.dof()]),
        goals: Vec::new(),
        mechanism,
        world: World { obstacles: Vec::new() },
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: GRAVITY,
    };
    let awkward = ["on", "a,b", "say \"x\"", "1e3", " é: #"];
    for (i, name) in problem.mechanism.outputs.iter_mut().enumerate() {
        *name = awkward[i % awkward.len()].to_owned();
    }
    problem
}

/// A trajectory through random states: cubics, whose accelerations jump.
fn trajectory(dof: usize) -> impl Strategy<Value = Trajectory> {
    let state = prop::collection::vec(prop_oneof![4 => -2.0..2.0, 1 => Just(0.0)], 2 * dof);
    prop::collection::vec((state, 0.011..1.0), 2..6).prop_map(move |knots| {
        let steering = LeastEffort::new(&vec![JointLimits::NONE; dof]);
        let mut t = Trajectory::new(dof, 3);
        let mut c = vec![0.0; 4 * dof];
        for pair in knots.windows(2) {
            let ((a, duration), (b, _)) = (&pair[0], &pair[1]);
            steering.steer_in(*duration, &a[..dof], &a[dof..], &b[..dof], &b[dof..], &mut c);
            t.push(*duration, &c);
        }
        t
    })
}

/// A seed of [`problem`] and a trajectory for it.
fn problem_and_trajectory() -> impl Strategy<Value = (u64, Trajectory)> {
    any::<u64>().prop_flat_map(|seed| (Just(seed), trajectory(problem(seed).mechanism.dof())))
}

/// Greatest difference of a derivative between two trajectories, at instants of both.
fn difference(a: &Trajectory, b: &Trajectory, order: usize) -> f64 {
    let (mut x, mut y) = (vec![0.0; a.dof()], vec![0.0; b.dof()]);
    let at = |i: u32| a.duration() * (f64::from(i) + 0.123) / 997.0;
    let mut greatest: f64 = 0.0;
    for t in (0..996).map(at) {
        a.evaluate(t, order, &mut x);
        b.evaluate(t, order, &mut y);
        greatest = x.iter().zip(&y).map(|(x, y)| (x - y).abs()).fold(greatest, f64::max);
    }
    greatest
}

/// What was read, as fast as what was written: a JointTrajectory that begins and ends at rest is written a little slower.
fn at_the_pace_of(t: &Trajectory, read: Trajectory) -> Trajectory {
    let slower = 1.0 + SLOWING;
    let is_slower = (read.duration() / t.duration() - slower).abs() < 0.2 * SLOWING;
    if is_slower { read.stretched(1.0 / slower) } else { read }
}

/// Equal but for the last digits, which serde_json does not always read right.
fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-9 * (1.0 + b.abs()))
}

/// A motion whose accelerations jump, with pieces between that are briefer than samples, nanoseconds, and what rounding
/// leaves of their times.
fn with_brief_pieces() -> impl Strategy<Value = Trajectory> {
    let dof = problem(3).mechanism.dof();
    let brief = prop_oneof![(-12.0..-2.0).prop_map(|e| 10_f64.powf(e)), Just(1e-9), 0.05..0.5];
    let piece = (brief, prop::collection::vec(-5.0..5.0, dof));
    (prop::collection::vec(-2.0..2.0, 2 * dof), prop::collection::vec(piece, 3..12)).prop_map(
        move |(start, pieces)| {
            let mut state: Vec<[f64; 2]> = start.chunks_exact(2).map(|s| [s[0], s[1]]).collect();
            let mut t = Trajectory::new(dof, 3);
            let last = (0.2, vec![1.0; dof]);
            for (duration, accelerations) in pieces.into_iter().chain([last]) {
                let c: Vec<f64> =
                    state.iter().zip(&accelerations).flat_map(|([p, v], a)| [*p, *v, 0.5 * a, 0.0]).collect();
                let at = |c: &[f64]| [0, 1].map(|order| derivative(c, order, duration));
                state = c.chunks_exact(4).map(at).collect();
                t.push(duration, &c);
            }
            t
        },
    )
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn json_is_exact((robot, t) in problem_and_trajectory(), seed in any::<u64>()) {
        let problem = problem(robot);
        let mut export = Export::new(&problem, &t);
        (export.report, export.stats, export.seed) = (json!({"at_least": 0.5}), json!({"edges": 3}), Some(seed));
        let text = export.text(Format::Json).unwrap();
        let read = NamedTrajectory::parse(&text, Format::Json).unwrap();
        prop_assert_eq!(&read.outputs, &problem.mechanism.outputs);
        prop_assert_eq!(&read.trajectory, &t);

        // By an independent reader.
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&file["format"], "flatout-trajectory/1");
        prop_assert!(close(&[file["duration"].as_f64().unwrap()], &[t.duration()]));
        prop_assert_eq!(&file["report"]["at_least"], &json!(0.5));
        prop_assert_eq!(&file["stats"]["edges"], &json!(3));
        prop_assert_eq!(file["seed"].as_u64(), Some(seed));
        let (samples, dof) = (&file["samples"], t.dof());
        let (times, dt) = (numbers(&samples["time"]), samples["dt"].as_f64().unwrap());
        prop_assert!(dt <= 0.01 + 1e-12);
        let mut expected = vec![0.0; dof];
        let mut scratch = DynamicsScratch::default();
        for (i, &time) in times.iter().enumerate() {
            prop_assert!((time - dt * i as f64).abs() < 1e-9);
            let states = ["position", "velocity", "acceleration"].map(|key| numbers(&samples[key][i]));
            for (order, values) in states.iter().enumerate() {
                t.evaluate(time, order, &mut expected);
                prop_assert!(close(values, &expected));
            }
            let exact = [0, 1, 2].map(|order| {
                let mut values = vec![0.0; dof];
                t.evaluate(time, order, &mut values);
                values
            });
            let [y, yd, ydd] = &exact;
            problem.mechanism.inverse_dynamics(y, yd, ydd, GRAVITY, &mut scratch, &mut expected);
            prop_assert!(close(&numbers(&samples["effort"][i]), &expected));
        }
        prop_assert!(close(&times[times.len() - 1..], &[t.duration()]));
    }

    #[test]
    fn csv_is_exact((robot, t) in problem_and_trajectory()) {
        let problem = problem(robot);
        let text = Export::new(&problem, &t).text(Format::Csv).unwrap();
        let read = NamedTrajectory::parse(&text, Format::Csv).unwrap();
        prop_assert_eq!(&read.outputs, &problem.mechanism.outputs);
        prop_assert_eq!(&read.trajectory, &t);
        prop_assert!(read.interpolation.is_none());
        let samples = 1 + 4 * t.dof();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        prop_assert_eq!(reader.headers().unwrap().len(), samples + 1 + 4 * t.dof());
        for row in reader.records() {
            let row = row.unwrap();
            let are_numbers = |cells: &[&str]| cells.iter().all(|v| v.parse::<f64>().is_ok());
            let cells: Vec<&str> = row.iter().collect();
            let (sampled, piece) = cells.split_at(samples);
            prop_assert!(are_numbers(sampled));
            prop_assert!(are_numbers(piece) || piece.iter().all(|cell| cell.is_empty()));
        }
    }

    /// Whoever joins the samples of a table by cubics, as others do, is all but there.
    #[test]
    fn points_of_a_table_are_joined_by_cubics((robot, t) in problem_and_trajectory()) {
        let problem = problem(robot);
        let text = Export::new(&problem, &t).text(Format::Csv).unwrap().replacen("duration", "length", 1);
        let read = NamedTrajectory::parse(&text, Format::Csv).unwrap();
        prop_assert_eq!(read.interpolation.unwrap().to_string(), "cubics");
        prop_assert!((read.trajectory.duration() - t.duration()).abs() < 1e-12);
        for (order, tolerance) in [1e-12, 1e-10, 1e-7].into_iter().enumerate() {
            prop_assert!(difference(&t, &read.trajectory, order) < tolerance);
        }
    }

    #[test]
    fn joint_trajectory_is_what_a_controller_executes((robot, t) in problem_and_trajectory()) {
        let problem = problem(robot);
        let text = Export::new(&problem, &t).text(Format::JointTrajectory).unwrap();
        let mut read = NamedTrajectory::parse(&text, Format::JointTrajectory).unwrap();
        prop_assert_eq!(&read.outputs, &problem.mechanism.outputs);
        read.trajectory = at_the_pace_of(&t, read.trajectory);
        prop_assert!((read.trajectory.duration() - t.duration()).abs() <= 1e-9 + 1e-12);
        // Knots move by up to half a nanosecond, and the end by up to one; what comes of that is taken back evenly.
        let peak = |t: &Trajectory, order| (0..t.dof()).map(|i| t.extrema(i, order).magnitude().0).fold(1.0, f64::max);
        let [speed, most] = [1, 2].map(|order| peak(&t, order));
        prop_assert!(difference(&t, &read.trajectory, 0) < 1e-8 * (speed + most));
        prop_assert!(difference(&t, &read.trajectory, 1) < 1e-8 * most);
        prop_assert!(peak(&read.trajectory, 2) <= most * (1.0 + 1e-6));
        let (mut a, mut b) = (vec![0.0; t.dof()], vec![0.0; t.dof()]);
        for order in 0..2 {
            for (ours, theirs) in [(0.0, 0.0), (t.duration(), read.trajectory.duration())] {
                t.evaluate(ours, order, &mut a);
                read.trajectory.evaluate(theirs, order, &mut b);
                prop_assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 2e-9 * most.max(speed)));
            }
        }
    }

    /// However brief a piece is, readers find the accelerations of the motion, and where it ends.
    #[test]
    fn brief_pieces_come_back(t in with_brief_pieces()) {
        let problem = problem(3);
        let peak = |t: &Trajectory, order| (0..t.dof()).map(|i| t.extrema(i, order).magnitude().0).fold(1.0, f64::max);
        for format in [Format::Csv, Format::JointTrajectory] {
            let text = Export::new(&problem, &t).text(format).unwrap();
            let read = NamedTrajectory::parse(&text, format).unwrap().trajectory;
            let [most, found] = [peak(&t, 2), peak(&read, 2)];
            prop_assert!(found <= most * (1.0 + 1e-4) + 1e-4, "{format:?}: {found} of {most}");
            for (order, tolerance) in [1e-7, 1e-7].into_iter().enumerate() {
                let gap = difference(&t, &read, order) / (1.0 + peak(&t, order + 1));
                prop_assert!(gap < tolerance, "{format:?} {order}: {gap}");
                prop_assert!(read.greatest_jump(order).is_none_or(|jump| jump.size.abs() < 1e-7));
            }
        }
    }

    #[test]
    fn json_is_exact_at_every_degree(degree in 0usize..8, numbers in prop::collection::vec(-2.0..2.0, 3 * 8 * 16)) {
        let problem = problem(3);
        let mut t = Trajectory::new(problem.mechanism.dof(), degree);
        let stride = t.dof() * (degree + 1);
        numbers.chunks_exact(stride).take(3).for_each(|c| t.push(0.25, c));
        let text = Export::new(&problem, &t).text(Format::Json).unwrap();
        prop_assert_eq!(NamedTrajectory::parse(&text, Format::Json).unwrap().trajectory, t);
    }

    /// Smooth motions come back smooth, and no faster, from every format.
    #[test]
    fn smooth_motions_stay_smooth(ends in prop::collection::vec(-2.0..2.0, 2 * 16), jerk in 5.0..500.0) {
        let problem = problem(3);
        let dof = problem.mechanism.dof();
        let limits = JointLimits { velocity: 2.0, acceleration: 5.0, jerk, ..JointLimits::NONE };
        let motion = JerkLimited::new(&vec![limits; dof]).straight(&ends[..dof], &ends[dof..2 * dof], f64::INFINITY);
        let Some((motion, _)) = motion else { return Ok(()) };
        prop_assume!(motion.segments().all(|s| s.duration > 1e-3));
        for format in [Format::Json, Format::Csv, Format::JointTrajectory] {
            let text = Export::new(&problem, &motion).text(format).unwrap();
            if format == Format::JointTrajectory {
                prop_assert!(!text.contains("accelerations: []"), "controllers are told accelerations");
            }
            let read = at_the_pace_of(&motion, NamedTrajectory::parse(&text, format).unwrap().trajectory);
            for (order, tolerance) in [1e-8, 1e-8, 1e-6].into_iter().enumerate() {
                prop_assert!(difference(&motion, &read, order) < tolerance * jerk);
                let jump = read.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                prop_assert!(jump < 1e-7, "{format:?}: derivative {order} jumps by {jump}");
            }
            let greatest = (0..dof).map(|i| read.extrema(i, 3).magnitude().0).fold(0.0, f64::max);
            prop_assert!(greatest <= jerk * (1.0 + 1e-4), "{format:?}: {greatest} of {jerk}");
        }
    }

    #[test]
    fn outputs_are_matched_by_name((robot, t) in problem_and_trajectory()) {
        let problem = problem(robot);
        let file = NamedTrajectory::of_polynomials(problem.mechanism.outputs.clone(), t);
        let mut reversed = file.outputs.clone();
        reversed.reverse();
        let ordered = file.ordered(&reversed).unwrap();
        for (output, name) in reversed.iter().enumerate() {
            let from = file.outputs.iter().position(|o| o == name).unwrap();
            for (a, b) in ordered.segments().zip(file.trajectory.segments()) {
                prop_assert_eq!(a.polynomial(output), b.polynomial(from));
            }
        }
        prop_assert_eq!(file.ordered(&file.outputs).unwrap(), file.trajectory.clone());
        prop_assert!(file.ordered(&file.outputs[1..]).is_err());
        reversed.push("another".to_owned());
        prop_assert!(file.ordered(&reversed).is_err());
    }
}

/// Texts that are nearly trajectories.
fn mutilated() -> impl Strategy<Value = String> {
    let cut = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "\\PC{0,3}|[0-9e.:,\\[\\]{}\" \n-]{0,4}",
    );
    (0usize..3, prop::collection::vec(cut, 0..4)).prop_map(|(format, cuts)| {
        let problem = problem(7);
        let mut t = Trajectory::new(problem.mechanism.dof(), 1);
        for _ in 0..2 {
            t.push(0.015, &vec![0.25; 2 * t.dof()]);
        }
        let formats = [Format::Json, Format::Csv, Format::JointTrajectory];
        let mut text: Vec<char> = Export::new(&problem, &t).text(formats[format]).unwrap().chars().collect();
        for (at, length, instead) in &cuts {
            let from = at.index(text.len() + 1);
            let to = (from + length.index(8)).min(text.len());
            text.splice(from..to, instead.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn broken_files_never_panic(text in prop_oneof![3 => mutilated(), 1 => "\\PC*", 1 => "[a-z0-9,.:\n\\[\\]{} -]*"]) {
        for format in [Format::Json, Format::Csv] {
            if let Ok(read) = NamedTrajectory::parse(&text, format) {
                let t = &read.trajectory;
                prop_assert_eq!(t.dof(), read.outputs.len());
                prop_assert!((!t.is_empty() || read.message.len() == 1) && t.duration().is_finite());
                prop_assert!(t.len() == 1 || t.segments().all(|s| s.duration > 0.0));
            }
        }
    }
}

fn yaml(text: &str) -> Result<NamedTrajectory, InputError> {
    NamedTrajectory::parse(text, Format::JointTrajectory)
}

#[test]
fn reads_what_ros_prints() {
    let ros2 = "header:\n  stamp:\n    sec: 0\n    nanosec: 0\n  frame_id: ''\njoint_names:\n- a\n- b\npoints:\n\
        - positions:\n  - 0.0\n  - 1.0\n  velocities: []\n  accelerations: []\n  effort: []\n\
        \x20 time_from_start:\n    sec: 0\n    nanosec: 500000000\n\
        - positions: [1.0, 3]\n  velocities: []\n  time_from_start: {sec: 2, nanosec: 500000000}\n---\n";
    let read = yaml(ros2).unwrap();
    assert_eq!(read.outputs, ["a", "b"]);
    let mut expected = Trajectory::new(2, 1);
    expected.push(2.0, &[0.0, 0.5, 1.0, 1.0]);
    assert_eq!(read.trajectory, expected);
    let ros1 = "joint_trajectory:\n  joint_names: [a]\n  points:\n\
        \x20 - {positions: [0], velocities: [0], time_from_start: {secs: 0, nsecs: 0}}\n\
        \x20 - {positions: [1], velocities: [0], time_from_start: {secs: 1, nsecs: 0}}\n\
        multi_dof_joint_trajectory: {}\n";
    assert_eq!(yaml(ros1).unwrap().trajectory.segment(0).polynomial(0), [0.0, 0.0, 3.0, -2.0]);
}

#[test]
fn a_smooth_trajectory_keeps_its_accelerations() {
    let problem = problem(3);
    let dof = problem.mechanism.dof();
    let mut t = Trajectory::new(dof, 3);
    t.push(0.5, &[0.0, 0.0, 3.0, -2.0].repeat(dof));
    let read = |t: &Trajectory| {
        yaml(&Export::new(&problem, t).text(Format::JointTrajectory).unwrap()).unwrap().trajectory
    };
    assert_eq!(read(&t).degree(), 5);
    t.push(0.5, &[0.5, 1.5, 7.0, 1.0].repeat(dof));
    assert_eq!(read(&t).degree(), 3);
}

#[test]
fn the_end_at_rest_is_exact() {
    let problem = problem(3);
    let mut t = Trajectory::new(problem.mechanism.dof(), 3);
    t.push(1.0 / 3.0, &[0.0, 0.0, 27.0, -54.0].repeat(t.dof()));
    let read = yaml(&Export::new(&problem, &t).text(Format::JointTrajectory).unwrap()).unwrap().trajectory;
    assert_eq!(read.duration(), 0.333333334);
    let mut end = vec![0.0; t.dof()];
    for (order, value) in [1.0, 0.0].into_iter().enumerate() {
        read.evaluate(read.duration(), order, &mut end);
        assert!(end.iter().all(|v| (v - value).abs() < 1e-13), "{end:?}");
    }
}

#[test]
fn faults_say_where_they_are() {
    let fault = |text: &str, format| NamedTrajectory::parse(text, format).unwrap_err().to_string();
    let points =
        |points: &str| fault(&format!("joint_names: [a, b]\npoints:\n{points}"), Format::JointTrajectory);
    let at = |t: &str, p: &str| format!("- {{positions: {p}, time_from_start: {t}}}\n");
    let first = at("0", "[0, 0]");
    for (found, expected) in [
        (
            points(&(first.clone() + &at("0", "[0, 0]"))),
            "line 4: points[1]: expected a greater time_from_start",
        ),
        (
            points(&(first.clone() + &at("1", "[0]"))),
            "points[1].positions: expected 2 numbers, one per joint",
        ),
        (
            points(&(first.clone() + &at("1", "[0, .nan]"))),
            "points[1].positions[1]: expected a finite number",
        ),
        (
            points(&(first.clone() + &at("{sec: -1, nanosec: 0}", "[0, 0]"))),
            "points[1].time_from_start.sec: expected a whole",
        ),
        (
            points(&(first.clone() + &at("{sec: 1, nano: 0}", "[0, 0]"))),
            "points[1].time_from_start: expected a duration",
        ),
        (points(&first), "points: expected at least two points, or a time_from_start above zero"),
        (fault("joint_names: [a]\npoints: []", Format::JointTrajectory), "expected at least one point"),
        (fault("trajectory: [{}, {}]", Format::JointTrajectory), "trajectory: expected one trajectory"),
        (fault("joint_names: [a, a]\npoints: []", Format::JointTrajectory), "joint \"a\" stands there twice"),
        (fault("points: []", Format::JointTrajectory), "missing key \"joint_names\""),
        (fault("t,q_a\n0,0\n1,x\n", Format::Csv), "line 3: column 2: expected a finite number, found \"x\""),
        (fault("t,q_a\n0,0\n0,1\n", Format::Csv), "line 3: t: expected a greater time"),
        (fault("t,q_a\n0,0\n1\n", Format::Csv), "line 3: "),
        (fault("t,q_a,q_b,qd_a\n0,0,0,0\n", Format::Csv), "line 1: missing column \"qd_b\""),
        (fault("q_a\n0\n1\n", Format::Csv), "line 1: missing column \"t\""),
        (fault("time,x\n", Format::Csv), "line 1: no column of positions"),
        (fault("t,q_a\n0,0\n", Format::Csv), "expected at least two rows"),
        (fault("", Format::Csv), "no column of positions"),
        (fault("t,duration,c0_a,c0_a\n", Format::Csv), "line 1: two columns \"c0_a\""),
        (fault("t,duration,c0_a,c0_b,c1_b\n", Format::Csv), "line 1: missing column \"c1_a\""),
        (fault("duration,c0_a\n", Format::Csv), "line 1: missing column \"t\""),
        (fault("t,duration,c0_a\n0,,\n", Format::Csv), "expected at least one row with a \"duration\""),
        (fault("t,duration,c0_a\n0,1,\n1,,\n", Format::Csv), "line 2: column 3: expected a finite number"),
        (
            fault("t,duration,c0_a\n0,-1,0\n", Format::Csv),
            "line 2: duration: expected a number of at least zero",
        ),
        (fault("t,duration,c0_a\n0,0,0\n0,1,0\n1,,\n", Format::Csv), "duration: expected a greater number"),
        (fault("t,duration,c0_a\n0,1,0\n2,1,0\n3,,\n", Format::Csv), "line 3: t: expected 1, the sum"),
        (fault("t,duration,c0_a\n0,1,0\n0.5,,\n", Format::Csv), "line 3: t: expected 1, the sum"),
        (fault("t,duration,c0_a\n0,1,0\n0.5,,\n0.4,,\n", Format::Csv), "line 4: t: expected no lesser time"),
        (
            fault("t,q_a,duration,c0_a,c1_a\n0,2,1,2,3\n0.5,3.4,,,\n1,5,,,\n", Format::Csv),
            "line 3: q_a: expected 3.5, as the polynomials have it, found 3.4",
        ),
    ] {
        assert!(found.contains(expected), "\"{found}\" does not say \"{expected}\"");
    }
    let powers: String = (0..=16).map(|k| format!(",c{k}_a")).collect();
    let found = fault(&format!("t,duration{powers}\n"), Format::Csv);
    assert!(found.contains("polynomials of a degree above 15"), "{found}");
    let json = |outputs: &str, segments: &str| {
        let text = format!(
            "{{\"format\": \"flatout-trajectory/1\", \"outputs\": {outputs}, \"duration\": 1.0,\n \"segments\": {segments}}}"
        );
        fault(&text, Format::Json)
    };
    for (found, expected) in [
        (json("[]", "[]"), "outputs: expected at least one name"),
        (json("[\"a\"]", "[]"), "segments: expected at least one segment"),
        (
            json(
                "[\"a\"]",
                "[{\"duration\": 0, \"coefficients\": [[0]]}, {\"duration\": 1, \"coefficients\": [[0]]}]",
            ),
            "line 2: segments[0].duration: expected a number greater than zero",
        ),
        (
            json("[\"a\"]", "[{\"duration\": 1, \"coefficients\": [[0], [0]]}]"),
            "segments[0].coefficients: expected 1 polynomials",
        ),
        (
            json("[\"a\"]", "[{\"duration\": 1, \"coefficients\": [[]]}]"),
            "segments[0].coefficients[0]: expected the coefficients",
        ),
        (
            json("[\"a\"]", "[{\"duration\": 1, \"coefficients\": [[null]]}]"),
            "segments[0].coefficients[0][0]: expected a finite number",
        ),
        (json("[\"a\"]", "[{\"duration\": 2, \"coefficients\": [[0]]}]"), "duration: expected 2, the sum"),
        (
            fault("{\"format\": \"flatout-trajectory/9\"}", Format::Json),
            "format: \"flatout-trajectory/9\" is of a newer flatout than this one; expected up to flatout-trajectory/1",
        ),
        (fault("[1, 2]", Format::Json), "expected a trajectory: a map, found a list of 2"),
    ] {
        assert!(found.contains(expected), "\"{found}\" does not say \"{expected}\"");
    }
}

#[test]
fn the_extension_says_what_to_write() {
    for (name, format) in
        [("x.json", Format::Json), ("x.CSV", Format::Csv), ("a/b.yml", Format::JointTrajectory)]
    {
        assert_eq!(Format::of(Path::new(name)).unwrap(), format);
    }
    assert!(Format::of(Path::new("x")).unwrap_err().to_string().starts_with("x: "));
}

/// A motion that is over where it begins; points cannot hold one that does not stand.
#[test]
fn a_motion_of_no_length_comes_back() {
    let problem = problem(3);
    let mut t = Trajectory::new(problem.mechanism.dof(), 1);
    t.push(0.0, &[0.5, 0.0].repeat(t.dof()));
    let text = |t: &Trajectory, format| Export::new(&problem, t).text(format);
    let read = |format| NamedTrajectory::parse(&text(&t, format).unwrap(), format).unwrap().trajectory;
    let stands = read(Format::JointTrajectory);
    assert_eq!(stands.duration(), 1e-3);
    assert!((0..t.dof()).all(|i| stands.extrema(i, 1).magnitude().0 == 0.0));
    let mut fleeting = Trajectory::new(t.dof(), 1);
    fleeting.push(0.0, &[0.5, 1.0].repeat(t.dof()));
    for format in [Format::Json, Format::Csv] {
        assert_eq!(read(format), t);
        let text = text(&fleeting, format).unwrap();
        assert_eq!(NamedTrajectory::parse(&text, format).unwrap().trajectory, fleeting);
    }
    let refused = text(&fleeting, Format::JointTrajectory).unwrap_err().to_string();
    assert!(refused.contains("is no series of points: write .json"), "{refused}");
}

#[test]
fn saves_and_loads() {
    let problem = problem(5);
    let mut t = Trajectory::new(problem.mechanism.dof(), 3);
    t.push(0.5, &[0.0, 0.0, 3.0, -2.0].repeat(t.dof()));
    let directory = std::env::temp_dir().join(format!("flatout-exchange-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("t.json");
    Export::new(&problem, &t).save(&file).unwrap();
    assert_eq!(NamedTrajectory::load(&file).unwrap().trajectory, t);
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(NamedTrajectory::load(&file).unwrap_err().to_string().contains("t.json: cannot read"));
    assert!(Export::new(&problem, &t).save(&file).unwrap_err().to_string().contains("cannot write"));
}

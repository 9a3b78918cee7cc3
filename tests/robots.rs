//! Robots: figures of known ones, forward kinematics against closed forms, reductions of random
//! robots, and files of all sorts of nonsense.

mod common;

use common::{own_file, own_robot, random_robot, random_state, shared_robot};
use flatout::pose::Pose;
use flatout::robot::{JointKind, LoadOptions, Mechanism, Robot, SkipReason};
use glam::{DMat4, DQuat, DVec3};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::FRAC_PI_2;

fn spheres(robot: &Robot) -> usize {
    robot.links.iter().map(|l| l.spheres.len()).sum()
}

/// A full joint state with a named state's values in it, the other joints standing ready.
fn named_state(robot: &Robot, name: &str) -> Vec<f64> {
    // The arm stands ready, so that a state of the hand alone is tried on an arm that is well.
    let mut q = robot.neutral();
    let ready = robot.states.iter().find(|s| s.name == "ready").expect("a state named ready");
    for &(j, value) in &ready.values {
        q[j] = value;
    }
    let state = robot.states.iter().find(|s| s.name == name).expect("a state of this name");
    for &(j, value) in &state.values {
        q[j] = value;
    }
    q
}

/// The first checked pair of links that touches.
fn self_collision(robot: &Robot, q: &[f64]) -> Option<[usize; 2]> {
    let poses = robot.link_poses(q);
    robot.pairs.iter().copied().find(|&[a, b]| {
        robot.links[a].spheres.iter().any(|s| {
            let center = poses[a].point(s.center);
            let near =
                |t: &flatout::robot::Sphere| center.distance(poses[b].point(t.center)) < s.radius + t.radius;
            robot.links[b].spheres.iter().any(near)
        })
    })
}

#[test]
fn shared_panda() {
    let Some(robot) = shared_robot("panda") else { return };
    assert_eq!(spheres(&robot), 59);
    assert_eq!(robot.independent_joints().len(), 7);
    assert_eq!(robot.group("panda_arm").unwrap().joints.len(), 7);
    assert!(robot.group("hand").unwrap().joints.is_empty(), "the fingers are fixed");
    assert_eq!(robot.group("panda_arm_hand").unwrap().joints.len(), 7);
    let first = &robot.joints[robot.joint("panda_joint1").unwrap()];
    assert_eq!((first.limits.velocity, first.limits.acceleration), (2.175, 15.0));
    assert_eq!((first.limits.lower, first.limits.upper), (-2.8973, 2.8973), "soft limits count");
    let ready = named_state(&robot, "ready");
    assert_eq!(self_collision(&robot, &ready), None);
    let open = robot.states.iter().find(|s| s.name == "open").unwrap();
    assert!(open.values.is_empty(), "values of fixed joints are passed over");
}

#[test]
fn shared_ur5() {
    let Some(robot) = shared_robot("ur5") else { return };
    assert_eq!(spheres(&robot), 40);
    assert_eq!(robot.group("manipulator").unwrap().joints.len(), 6);
    assert_eq!(robot.independent_joints().len(), 6);
    // Links that only the SRDF knows are passed over.
    assert!(robot.link("fts_toolside").is_none() || !robot.skipped.is_empty());
}

#[test]
fn shared_fetch() {
    let Some(robot) = shared_robot("fetch") else { return };
    // The file has 112 spheres; one of them is a visual.
    assert_eq!(spheres(&robot), 111);
    assert_eq!(robot.group("arm").unwrap().joints.len(), 7);
    assert_eq!(robot.group("arm_with_torso").unwrap().joints.len(), 8);
    let torso = &robot.joints[robot.joint("torso_lift_joint").unwrap()];
    assert_eq!((torso.kind, torso.limits.velocity), (JointKind::Prismatic, 0.1));
}

/// The flange of the Panda by its Denavit-Hartenberg table in Craig's convention.
fn panda_flange(q: &[f64]) -> DMat4 {
    let table = [
        (0.0, 0.0, 0.333),
        (0.0, -FRAC_PI_2, 0.0),
        (0.0, FRAC_PI_2, 0.316),
        (0.0825, FRAC_PI_2, 0.0),
        (-0.0825, -FRAC_PI_2, 0.384),
        (0.0, FRAC_PI_2, 0.0),
        (0.088, FRAC_PI_2, 0.0),
    ];
    let step = |t: DMat4, (&(a, alpha, d), &theta): (&(f64, f64, f64), &f64)| {
        t * DMat4::from_rotation_x(alpha)
            * DMat4::from_translation(DVec3::new(a, 0.0, 0.0))
            * DMat4::from_rotation_z(theta)
            * DMat4::from_translation(DVec3::new(0.0, 0.0, d))
    };
    table.iter().zip(q).fold(DMat4::IDENTITY, step) * DMat4::from_translation(DVec3::new(0.0, 0.0, 0.107))
}

/// The flange of the UR5 by its Denavit-Hartenberg table in the classical convention.
fn ur5_flange(q: &[f64]) -> DMat4 {
    let table = [
        (0.0, FRAC_PI_2, 0.089159),
        (-0.425, 0.0, 0.0),
        (-0.39225, 0.0, 0.0),
        (0.0, FRAC_PI_2, 0.10915),
        (0.0, -FRAC_PI_2, 0.09465),
        (0.0, 0.0, 0.0823),
    ];
    let step = |t: DMat4, (&(a, alpha, d), &theta): (&(f64, f64, f64), &f64)| {
        t * DMat4::from_rotation_z(theta)
            * DMat4::from_translation(DVec3::new(a, 0.0, d))
            * DMat4::from_rotation_x(alpha)
    };
    table.iter().zip(q).fold(DMat4::IDENTITY, step)
}

fn assert_same(pose: &Pose, expected: &DMat4, tolerance: f64) {
    let error = (pose.translation - expected.w_axis.truncate()).length();
    assert!(error < tolerance, "{pose:?} is {error} m from {expected:?}");
    let turned = pose.rotation - glam::DMat3::from_mat4(*expected);
    assert!(
        turned.to_cols_array().iter().all(|x| x.abs() < tolerance),
        "{pose:?} is turned from {expected:?}"
    );
}

#[test]
fn own_robots_follow_their_denavit_hartenberg_tables() {
    for (name, flange, closed_form) in
        [("panda", "panda_link8", panda_flange as fn(&[f64]) -> DMat4), ("ur5", "tool0", ur5_flange)]
    {
        let robot = own_robot(name);
        let flange = robot.link(flange).unwrap();
        let joints = &robot.groups[0].joints;
        for seed in 0..200 {
            let q = random_state(&robot, seed);
            let arm: Vec<f64> = joints.iter().map(|&j| q[j]).collect();
            assert_same(&robot.link_poses(&q)[flange], &closed_form(&arm), 1e-12);
        }
    }
}

#[test]
fn own_robots_stand_where_their_makers_say() {
    let panda = own_robot("panda");
    let flange = panda.link("panda_link8").unwrap();
    let zero = panda.link_poses(&vec![0.0; panda.joints.len()])[flange].translation;
    assert!(zero.distance(DVec3::new(0.088, 0.0, 0.333 + 0.316 + 0.384 - 0.107)) < 1e-12);
    let ur5 = own_robot("ur5");
    let zero = ur5.link_poses(&vec![0.0; ur5.joints.len()])[ur5.link("tool0").unwrap()].translation;
    assert!(zero.distance(DVec3::new(-0.81725, -0.19145, -0.005491)) < 1e-12);
}

#[test]
fn own_robots_are_complete() {
    for (name, group, count) in
        [("panda", "panda_arm", 7), ("panda", "panda_arm_hand", 8), ("ur5", "manipulator", 6)]
    {
        let robot = own_robot(name);
        let joints = &robot.group(group).unwrap().joints;
        assert_eq!(joints.len(), count);
        let mechanism = Mechanism::new(&robot, joints, &robot.neutral(), Pose::IDENTITY).unwrap();
        assert!(mechanism.has_dynamics());
        for limits in &mechanism.limits {
            assert!(
                limits.velocity.is_finite() && limits.acceleration.is_finite() && limits.lower < limits.upper
            );
        }
        for state in &robot.states {
            let q = named_state(&robot, &state.name);
            assert_eq!(self_collision(&robot, &q), None, "{name} touches itself in state {}", state.name);
            for &(j, value) in &state.values {
                let limits = robot.joints[j].limits;
                assert!((limits.lower..=limits.upper).contains(&value), "{name}: {}", state.name);
            }
        }
        // The base may stand on a floor at z = 0.
        assert!(robot.links[0].spheres.iter().all(|s| s.center.z >= s.radius));
    }
}

/// Spheres much too large or too small would show in how often random states touch themselves.
#[test]
fn own_robots_touch_themselves_sometimes() {
    for name in ["panda", "ur5"] {
        let robot = own_robot(name);
        let touching =
            (0..2000).filter(|&s| self_collision(&robot, &random_state(&robot, s)).is_some()).count();
        let share = touching as f64 / 2000.0;
        assert!((0.05..0.6).contains(&share), "{name}: {share}");
    }
}

/// Without an SRDF, neighbours are found, and every pair that can touch is judged.
#[test]
fn pairs_that_are_proved_never_to_touch_do_not() {
    for name in ["panda", "ur5"] {
        let urdf = own_file(name, &format!("{name}.urdf"));
        let robot = Robot::load(&urdf, None, None, &LoadOptions::default()).unwrap();
        let all = robot.pairs.len() + robot.skipped.len();
        let solid = robot.links.iter().filter(|l| !l.spheres.is_empty()).count();
        assert_eq!(all, solid * (solid - 1) / 2);
        assert!(robot.skipped.iter().any(|s| s.reason == SkipReason::Adjacent));
        let mut never = robot.clone();
        never.pairs =
            robot.skipped.iter().filter(|s| s.reason == SkipReason::NeverTouch).map(|s| s.links).collect();
        assert!(never.pairs.len() > 1 && robot.always.is_empty());
        for seed in 0..5000 {
            let touching = self_collision(&never, &random_state(&robot, 1_000_000 + seed));
            assert_eq!(touching, None, "{name} touches itself though it never does");
        }
    }
}

#[test]
fn info_tells_what_is_there() {
    let info = own_robot("panda").info().to_string();
    for part in [
        "panda: 12 links, 11 joints (8 independent), 58 spheres, 17.4519 kg",
        "panda_finger_joint2, prismatic along (0, -1, 0) = 1 * panda_finger_joint1 + 0",
        "Pairs of links that are judged: 23",
        "disabled by the SRDF (User): 1",
        "hand / open: panda_finger_joint1 = 0.04",
    ] {
        assert!(info.contains(part), "\"{part}\" is missing in:\n{info}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A mechanism places every sphere where the robot places it, whatever is locked.
    #[test]
    fn reduction_keeps_geometry(seed in any::<u64>(), subset in any::<u64>()) {
        let robot = random_robot(seed);
        let independent = robot.independent_joints();
        let mut chosen: Vec<usize> =
            independent.iter().copied().filter(|&j| subset >> (j % 64) & 1 == 1).collect();
        if chosen.is_empty() {
            chosen = independent;
        }
        let mut random = Pcg64Mcg::seed_from_u64(subset);
        // Outputs in any order.
        for i in (1..chosen.len()).rev() {
            chosen.swap(i, random.random_range(0..=i));
        }
        let q = random_state(&robot, subset);
        let base = Pose::new(DQuat::from_rotation_z(0.7), DVec3::new(0.1, -0.2, 0.3));
        let mechanism = Mechanism::new(&robot, &chosen, &q, base).unwrap();
        let y: Vec<f64> = chosen.iter().map(|&j| q[j]).collect();
        let mut bodies = Vec::new();
        mechanism.place(&y, &mut bodies);
        let links = robot.link_poses(&q);
        let mut count = 0;
        for part in &mechanism.links {
            let l = robot.link(&part.name).unwrap();
            let reduced = &mechanism.spheres[part.spheres.clone()];
            prop_assert_eq!(reduced.len(), robot.links[l].spheres.len());
            count += reduced.len();
            for (r, s) in reduced.iter().zip(&robot.links[l].spheres) {
                let expected = base.point(links[l].point(s.center));
                prop_assert!(bodies[part.body].point(r.center).distance(expected) < 1e-9);
                let within = part.bound.center.distance(r.center) + r.radius;
                prop_assert!(within <= part.bound.radius * (1.0 + 1e-9));
            }
        }
        prop_assert_eq!(count, spheres(&robot));
        let mass: f64 = robot.links.iter().map(|l| l.inertia.mass).sum();
        let reduced_mass: f64 = mechanism.bodies.iter().map(|b| b.inertia.mass).sum();
        prop_assert!((mass - reduced_mass).abs() < 1e-9);
    }

    /// The centre of mass of the whole is the same before and after reduction.
    #[test]
    fn reduction_keeps_the_centre_of_mass(seed in any::<u64>()) {
        let robot = random_robot(seed);
        let q = random_state(&robot, seed);
        let chosen = robot.independent_joints();
        let mechanism = Mechanism::new(&robot, &chosen, &q, Pose::IDENTITY).unwrap();
        let y: Vec<f64> = chosen.iter().map(|&j| q[j]).collect();
        let mut bodies = Vec::new();
        mechanism.place(&y, &mut bodies);
        let moment = |parts: &mut dyn Iterator<Item = (f64, DVec3)>| parts.map(|(m, c)| c * m).sum::<DVec3>();
        let poses = robot.link_poses(&q);
        let of_links = moment(&mut robot.links.iter().zip(&poses).map(|(l, p)| (l.inertia.mass, p.point(l.inertia.com))));
        let of_bodies =
            moment(&mut mechanism.bodies.iter().zip(&bodies).map(|(b, p)| (b.inertia.mass, p.point(b.inertia.com))));
        prop_assert!(of_links.distance(of_bodies) < 1e-9);
    }
}

/// What befalls a file on its way to us.
fn damage(text: &str, seed: u64) -> String {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut text = text.to_owned();
    for _ in 0..random.random_range(1..4) {
        let lines: Vec<&str> = text.lines().collect();
        let line = random.random_range(0..lines.len().max(1));
        text = match random.random_range(0..7) {
            0 => {
                String::from_utf8_lossy(&text.as_bytes()[..random.random_range(0..=text.len())]).into_owned()
            }
            1 => {
                let mut bytes = text.into_bytes();
                for _ in 0..random.random_range(1..8) {
                    let at = random.random_range(0..bytes.len().max(1));
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = random.random();
                    }
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
            2 => {
                lines.iter().enumerate().filter(|&(i, _)| i != line).map(|(_, l)| format!("{l}\n")).collect()
            }
            3 => {
                let twice = |(i, l): (usize, &&str)| format!("{l}\n").repeat(if i == line { 2 } else { 1 });
                lines.iter().enumerate().map(twice).collect()
            }
            4 => {
                let other = random.random_range(0..lines.len().max(1));
                let mut lines = lines.clone();
                if !lines.is_empty() {
                    lines.swap(line, other);
                }
                lines.join("\n")
            }
            _ => replace_number(&text, &mut random),
        };
    }
    text
}

/// Puts something else in the place of a quoted or plain number (or of a word).
fn replace_number(text: &str, random: &mut Pcg64Mcg) -> String {
    let odd =
        ["NaN", "1e400", "-1", "", "-inf", "0", "1e-320", "x", "1e308", "true", "1 2", "[", "\u{0}", "ünï"];
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if !is_word(c) {
            if at > start {
                words.push((start, &text[start..at]));
            }
            start = at + c.len_utf8();
        }
    }
    if words.is_empty() {
        return text.to_owned();
    }
    let number = |w: &&(usize, &str)| w.1.parse::<f64>().is_ok();
    let numbers: Vec<&(usize, &str)> = words.iter().filter(number).collect();
    let &(at, word) = match numbers.is_empty() || random.random_bool(0.2) {
        true => &words[random.random_range(0..words.len())],
        false => numbers[random.random_range(0..numbers.len())],
    };
    let new = odd[random.random_range(0..odd.len())];
    format!("{}{new}{}", &text[..at], &text[at + word.len()..])
}

/// Short proofs: damaged files are many.
fn hasty() -> LoadOptions {
    LoadOptions { comparisons: 1000, ..LoadOptions::default() }
}

/// An error must say something, and a robot that was read must hold together.
fn judge(read: Result<Robot, flatout::error::InputError>) {
    match read {
        Err(e) => assert!(!e.message.is_empty()),
        Ok(robot) => {
            for (j, joint) in robot.joints.iter().enumerate() {
                assert!(joint.parent <= j, "parents come first");
                assert!(joint.limits.lower <= joint.limits.upper);
                assert!((joint.axis.length() - 1.0).abs() < 1e-9);
                if let Some(mimic) = joint.mimic {
                    assert!(
                        robot.joints[mimic.joint].is_independent(),
                        "a mimic follows an independent joint"
                    );
                }
            }
            assert!(robot.pairs.iter().all(|&[a, b]| a < b && b < robot.links.len()));
            let joints = robot.independent_joints();
            let _ = robot.info().to_string();
            if !joints.is_empty() {
                Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY)
                    .expect("joints that may be chosen");
            }
        }
    }
}

fn own_text(robot: &str, file: &str) -> String {
    std::fs::read_to_string(own_file(robot, file)).expect("our own file")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_urdf_never_panics(seed in any::<u64>()) {
        let name = ["panda", "ur5"][(seed % 2) as usize];
        judge(Robot::parse(&damage(&own_text(name, &format!("{name}.urdf")), seed), None, None, &hasty()));
    }

    #[test]
    fn damaged_srdf_and_limits_never_panic(seed in any::<u64>()) {
        let urdf = own_text("panda", "panda.urdf");
        let (srdf, limits) = (own_text("panda", "panda.srdf"), own_text("panda", "joint_limits.yaml"));
        judge(Robot::parse(&urdf, Some(&damage(&srdf, seed)), None, &hasty()));
        judge(Robot::parse(&urdf, Some(&srdf), Some(&damage(&limits, seed)), &hasty()));
    }

    #[test]
    fn any_text_never_panics(text in ".{0,200}") {
        prop_assert!(Robot::parse(&text, None, None, &hasty()).is_err());
        let urdf = "<robot name=\"r\"><link name=\"a\"/></robot>";
        judge(Robot::parse(urdf, Some(&text), None, &hasty()));
        judge(Robot::parse(urdf, None, Some(&text), &hasty()));
    }
}

/// Nesting that would overflow the stack of a reader that recurses.
#[test]
fn deep_nesting_is_no_danger() {
    let deep = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let n = 200_000;
    for inside in [
        deep("<x>", "</x>", n),
        deep("<link name=\"a\">", "</link>", n),
        deep("<group name=\"a\">", "</group>", n),
    ] {
        let text = format!("<robot name=\"r\"><link name=\"r\">{inside}</link>{inside}</robot>");
        judge(Robot::parse(&text, None, None, &hasty()));
        judge(Robot::parse("<robot name=\"r\"><link name=\"r\"/></robot>", Some(&text), None, &hasty()));
    }
    let urdf = "<robot name=\"r\"><link name=\"a\"/></robot>";
    for limits in [deep("[", "]", n), deep("{a: ", "}", n), deep("- ", "", n)] {
        judge(Robot::parse(urdf, None, Some(&limits), &hasty()));
        judge(Robot::parse(urdf, None, Some(&format!("joint_limits: {limits}")), &hasty()));
    }
}

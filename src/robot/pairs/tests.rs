//! What is judged and what is not, and proofs against dense samples.

use super::chain::Chain;
use super::*;
use crate::pose::Pose;
use crate::robot::{Inertia, Joint, JointLimits, Link, Mechanism, Mimic, random};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::PI;

/// A base, an empty link on a turntable, and on it two balls on arms and one at the axis.
const URDF: &str = r#"<robot name="carousel">
  <link name="base"><collision><origin xyz="0 0 -0.5"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="table"/>
  <link name="left"><collision><origin xyz="1 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="right"><collision><origin xyz="-1 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="hand"><collision><origin xyz="0.5 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="shell"><collision><origin xyz="-0.45 0 0"/><geometry><sphere radius="0.5"/></geometry></collision></link>
  <joint name="turn" type="continuous"><parent link="base"/><child link="table"/></joint>
  <joint name="weld_left" type="fixed"><parent link="table"/><child link="left"/></joint>
  <joint name="weld_right" type="fixed"><parent link="table"/><child link="right"/></joint>
  <joint name="wave" type="continuous">
    <parent link="left"/><child link="hand"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
  </joint>
  <joint name="weld_shell" type="fixed"><parent link="hand"/><child link="shell"/><origin xyz="0.5 0 0"/></joint>
</robot>"#;

fn load(urdf: &str, srdf: Option<&str>) -> Robot {
    Robot::parse(urdf, srdf, None, &LoadOptions::default()).unwrap()
}

fn links(robot: &Robot, a: &str, b: &str) -> [usize; 2] {
    let links = [a, b].map(|name| robot.link(name).unwrap());
    [links[0].min(links[1]), links[0].max(links[1])]
}

/// Why two links are left out, if they are.
fn reason(robot: &Robot, a: &str, b: &str) -> Option<SkipReason> {
    let links = links(robot, a, b);
    let skipped = robot.skipped.iter().find(|s| s.links == links).map(|s| s.reason);
    assert!(skipped.is_some() != robot.pairs.contains(&links), "either judged or left out");
    skipped
}

#[test]
fn a_reason_is_found_for_all_that_is_left_out() {
    let robot = load(URDF, None);
    assert_eq!(reason(&robot, "base", "left"), Some(SkipReason::Adjacent), "through the empty table");
    assert_eq!(reason(&robot, "left", "right"), Some(SkipReason::Rigid), "both welded to the empty table");
    assert_eq!(reason(&robot, "left", "hand"), Some(SkipReason::Adjacent));
    assert_eq!(reason(&robot, "base", "hand"), Some(SkipReason::NeverTouch));
    assert_eq!(reason(&robot, "right", "shell"), Some(SkipReason::NeverTouch));
    // The ball is in the shell, wherever the hand waves.
    assert_eq!(
        reason(&robot, "left", "shell"),
        Some(SkipReason::NeverTouch),
        "nothing else of them can touch"
    );
    let always = AlwaysTouching { links: links(&robot, "left", "shell"), spheres: vec![[0, 0]] };
    assert_eq!(robot.always, [always]);
}

#[test]
fn an_srdf_has_the_word_on_neighbours_and_proofs_count_beside_it() {
    let srdf = r#"<robot name="carousel"><disable_collisions link1="base" link2="hand"/></robot>"#;
    let robot = load(URDF, Some(srdf));
    assert_eq!(reason(&robot, "base", "hand"), Some(SkipReason::Disabled(DisableReason::User)));
    assert_eq!(reason(&robot, "left", "shell"), Some(SkipReason::NeverTouch));
    assert_eq!(
        reason(&robot, "left", "hand"),
        Some(SkipReason::NeverTouch),
        "kept, though they are neighbours"
    );
    // With a shorter arm the neighbours can meet: they are judged, since the SRDF keeps them.
    let near = URDF.replace("<origin xyz=\"0.5 0 0\"/><geometry>", "<origin xyz=\"0.2 0 0\"/><geometry>");
    let near = near.replace(
        "<child link=\"hand\"/><origin xyz=\"1 0 0\"/>",
        "<child link=\"hand\"/><origin xyz=\"1.2 0 0\"/>",
    );
    assert_eq!(reason(&load(&near, Some(srdf)), "left", "hand"), None);
    assert_eq!(reason(&load(&near, None), "left", "hand"), Some(SkipReason::Adjacent));
}

#[test]
fn what_touches_at_times_is_judged() {
    // A longer waving arm reaches the ball on the other side.
    let urdf = URDF.replace("<origin xyz=\"0.5 0 0\"/><geometry>", "<origin xyz=\"2 0 0\"/><geometry>");
    assert_eq!(reason(&load(&urdf, None), "right", "hand"), None);
}

/// Two arms, the last link of each a small ball: it is one state in millions in which the balls meet.
#[test]
fn what_is_hardly_ever_seen_to_touch_is_judged() {
    let arm = |side: &str, x: f64| {
        let ball = |at: f64| {
            format!(
                "<collision><origin xyz=\"{at} 0 0\"/><geometry><sphere radius=\"0.005\"/></geometry></collision>"
            )
        };
        let joint = |name: &str, parent: &str, child: &str, at: f64, axis: &str| {
            format!(
                "<joint name=\"{name}\" type=\"revolute\"><parent link=\"{parent}\"/><child link=\"{child}\"/>\
                 <origin xyz=\"{at} 0 0\"/><axis xyz=\"{axis}\"/>\
                 <limit lower=\"-3.1\" upper=\"3.1\" velocity=\"1\" effort=\"1\"/></joint>"
            )
        };
        let [one, two, pin] = ["1", "2", "_pin"].map(|part| format!("{side}{part}"));
        format!(
            "<link name=\"{one}\">{}</link><link name=\"{two}\">{}</link><link name=\"{pin}\">{}</link>{}{}{}",
            ball(0.0),
            ball(0.0),
            ball(0.5),
            joint(&format!("{side}a"), "base", &one, x, "0 0 1"),
            joint(&format!("{side}b"), &one, &two, 0.0, "0 1 0"),
            joint(&format!("{side}c"), &two, &pin, 0.5, "0 1 0"),
        )
    };
    let base = "<link name=\"base\"><collision><origin xyz=\"0 0 -2\"/><geometry><sphere radius=\"0.1\"/>\
                </geometry></collision></link>";
    let robot =
        load(&format!("<robot name=\"twins\">{base}{}{}</robot>", arm("l", -0.5), arm("r", 0.5)), None);
    assert_eq!(reason(&robot, "l_pin", "r_pin"), None);
    assert_eq!(reason(&robot, "base", "l_pin"), Some(SkipReason::NeverTouch), "out of reach");
}

/// A tree of one to seven joints of all kinds, with some spheres on most links; all pairs but neighbours
/// judged.
fn random_robot(rng: &mut Pcg64Mcg) -> Robot {
    // Some all but folded up, so that spheres touch wherever the joints stand.
    let reach = if rng.random_bool(0.5) { 0.25 } else { 0.03 };
    let mut robot = Robot::of_spheres("root", random_spheres(rng));
    for j in 0..rng.random_range(1..8) {
        let kinds = [JointKind::Revolute, JointKind::Revolute, JointKind::Prismatic, JointKind::Continuous];
        let kind = if rng.random_bool(0.15) { JointKind::Fixed } else { kinds[rng.random_range(0..4)] };
        let (least, most) = (-rng.random_range(0.0..3.0), rng.random_range(0.0..3.0));
        let scale = if kind == JointKind::Prismatic { 0.1 } else { 1.0 };
        let bounded = matches!(kind, JointKind::Revolute | JointKind::Prismatic);
        let limits = if bounded {
            JointLimits { lower: scale * least, upper: scale * most, ..JointLimits::NONE }
        } else {
            JointLimits::NONE
        };
        let leaders: Vec<usize> = (0..j).filter(|&l| robot.joints[l].is_independent()).collect();
        let mimics = kind != JointKind::Fixed && !leaders.is_empty() && rng.random_bool(0.25);
        let mut mimic = mimics.then(|| Mimic {
            joint: leaders[rng.random_range(0..leaders.len())],
            multiplier: rng.random_range(-1.5..1.5),
            offset: rng.random_range(-0.3..0.3),
        });
        // What follows a turn without end and slides has no place to be.
        if kind == JointKind::Prismatic {
            mimic = mimic.filter(|m| robot.joints[m.joint].limits.upper.is_finite());
        }
        robot.joints.push(Joint {
            name: format!("j{j}"),
            kind,
            parent: if rng.random_bool(0.75) { j } else { rng.random_range(0..=j) },
            origin: random::pose(rng, reach),
            axis: random::point(rng, 1.0).normalize(),
            limits,
            mimic,
        });
        let spheres = if rng.random_bool(0.15) { Vec::new() } else { random_spheres(rng) };
        robot.links.push(Link { name: format!("l{j}"), inertia: Inertia::ZERO, spheres, visible: false });
    }
    of_tree(&mut robot);
    robot
}

fn random_spheres(rng: &mut Pcg64Mcg) -> Vec<Sphere> {
    let mut sphere = || Sphere { center: random::point(rng, 0.15), radius: rng.random_range(0.02..0.12) };
    let count = sphere().radius;
    (0..1 + (count * 30.0) as usize).map(|_| sphere()).collect()
}

/// A position of every joint within what its proofs are about: anywhere, or at an end.
fn state(rng: &mut Pcg64Mcg, within: &[[f64; 2]]) -> Vec<f64> {
    let corner = rng.random_bool(0.3);
    let mut value = |&[lower, upper]: &[f64; 2]| {
        let [lower, upper] = if (upper - lower).is_finite() { [lower, upper] } else { [-PI, PI] };
        match (corner, rng.random_bool(0.5)) {
            (true, true) => lower,
            (true, false) => upper,
            _ => lower + (upper - lower) * rng.random::<f64>(),
        }
    };
    within.iter().map(&mut value).collect()
}

/// How far two spheres are apart, below zero where they overlap.
fn gap(robot: &Robot, poses: &[Pose], links: [usize; 2], [i, j]: [usize; 2]) -> f64 {
    let [a, b] = links;
    let (s, t) = (robot.links[a].spheres[i], robot.links[b].spheres[j]);
    poses[a].point(s.center).distance(poses[b].point(t.center)) - s.radius - t.radius
}

/// The first of so many random states, corners of the joints' ranges among them, that contradicts what was
/// proved of a robot; and how many pairs of links, and of spheres, were proved of it.
fn contradiction(robot: &Robot, states: usize, rng: &mut Pcg64Mcg) -> (Option<String>, [usize; 2]) {
    let proved: Vec<[usize; 2]> =
        robot.skipped.iter().filter(|s| s.reason == SkipReason::NeverTouch).map(|s| s.links).collect();
    let within: Vec<[f64; 2]> = robot.proved_within.iter().map(|&r| widen(r, POSITION_SLACK)).collect();
    let always = |links: [usize; 2]| {
        let found = robot.always.binary_search_by_key(&links, |a| a.links);
        found.map_or(&[][..], |at| &robot.always[at].spheres)
    };
    let counts = [proved.len(), robot.always.iter().map(|a| a.spheres.len()).sum()];
    for _ in 0..states {
        let poses = robot.link_poses(&state(rng, &within));
        for &links in &proved {
            let [count, others] = links.map(|l| robot.links[l].spheres.len());
            for pair in (0..count).flat_map(|i| (0..others).map(move |j| [i, j])) {
                let gap = gap(robot, &poses, links, pair);
                if gap <= 0.0 && !always(links).contains(&pair) {
                    return (
                        Some(format!("{links:?} {pair:?} never touch, and overlap by {}", -gap)),
                        counts,
                    );
                }
            }
        }
        for AlwaysTouching { links, spheres } in &robot.always {
            for &pair in spheres {
                let gap = gap(robot, &poses, *links, pair);
                if gap >= 0.0 {
                    return (Some(format!("{links:?} {pair:?} always touch, and are {gap} apart")), counts);
                }
            }
        }
    }
    (None, counts)
}

#[test]
fn no_state_contradicts_a_proof() {
    let mut all = [0; 2];
    for seed in 0..400 {
        let rng = &mut Pcg64Mcg::seed_from_u64(seed);
        let mut robot = random_robot(rng);
        prove_all(&mut robot, LoadOptions::default().comparisons);
        let (found, counts) = contradiction(&robot, 3000, rng);
        assert_eq!(found, None, "seed {seed}");
        all = [0, 1].map(|i| all[i] + counts[i]);
    }
    assert!(all[0] > 300 && all[1] > 100, "proofs of both kinds: {all:?}");
}

/// Proofs over half of what the joints can do must be contradicted: a comparison that cannot fail is none.
#[test]
fn a_seeded_fault_is_caught() {
    let mut caught = 0;
    for seed in 0..100 {
        let rng = &mut Pcg64Mcg::seed_from_u64(seed);
        let mut robot = random_robot(rng);
        let limits: Vec<JointLimits> = robot.joints.iter().map(|j| j.limits).collect();
        for joint in &mut robot.joints {
            joint.limits.lower = joint.limits.lower.max(-0.3 * PI) * 0.3;
            joint.limits.upper = joint.limits.upper.min(0.3 * PI) * 0.3;
        }
        prove_all(&mut robot, LoadOptions::default().comparisons);
        robot.joints.iter_mut().zip(limits).for_each(|(joint, limits)| joint.limits = limits);
        robot.proved_within = ranges(&robot);
        caught += usize::from(contradiction(&robot, 1000, rng).0.is_some());
    }
    assert!(caught > 20, "{caught} of 100");
}

/// Bounds over boxes, the heart of the proofs: no point strays farther than is said, wherever the joints
/// stand in a part of their ranges.
#[test]
fn points_keep_within_their_bounds() {
    let mut compared = 0;
    for seed in 0..300 {
        let rng = &mut Pcg64Mcg::seed_from_u64(seed);
        let robot = random_robot(rng);
        let ranges = ranges(&robot);
        let links = [rng.random_range(0..robot.links.len()), rng.random_range(0..robot.links.len())];
        let links = [links[0].min(links[1]), links[0].max(links[1])];
        let parts: Vec<[f64; 2]> = ranges
            .iter()
            .map(|&[lower, upper]| {
                let [lower, upper] = if (upper - lower).is_finite() { [lower, upper] } else { [-PI, PI] };
                let mut at = || lower + (upper - lower) * rng.random::<f64>();
                let (a, b) = (at(), at());
                [a.min(b), a.max(b)]
            })
            .collect();
        let Some(chain) = Chain::between(&robot, links, &parts, 8).filter(|_| links[0] != links[1]) else {
            continue;
        };
        let points = [random::point(rng, 0.2), random::point(rng, 0.2)];
        let first = chain.of_first(points[0]);
        let posture = chain.posture(&chain.whole());
        let second = chain.of_second(&posture, points[1]);
        let [least, most] = chain.distances(&first, &second);
        for _ in 0..500 {
            let poses = robot.link_poses(&state(rng, &parts));
            let [a, b] = [0, 1].map(|k| poses[links[k]].point(points[k]));
            let distance = a.distance(b);
            assert!(distance >= least - second.travel - 1e-12, "seed {seed}: {distance} of at least {least}");
            assert!(distance <= most + second.travel + 1e-12, "seed {seed}: {distance} of at most {most}");
            compared += 1;
        }
    }
    assert!(compared > 50_000, "{compared}");
}

/// Fingers that close on each other by one joint: what one does, the other does.
const FINGERS: &str = r#"<robot name="gripper">
  <link name="palm"><collision><geometry><box size="0.1 0.02 0.02"/></geometry></collision></link>
  <link name="left"><collision><origin xyz="0 0 0.05"/><geometry><sphere radius="0.01"/></geometry></collision></link>
  <link name="right"><collision><origin xyz="0 0 0.05"/><geometry><sphere radius="0.01"/></geometry></collision></link>
  <joint name="close" type="prismatic"><parent link="palm"/><child link="left"/><origin xyz="0.012 0 0"/>
    <axis xyz="1 0 0"/><limit lower="0" upper="0.03" velocity="1" effort="1"/></joint>
  <joint name="follow" type="prismatic"><parent link="palm"/><child link="right"/><origin xyz="-0.012 0 0"/>
    <axis xyz="-1 0 0"/><mimic joint="close"/><limit lower="0" upper="0.03" velocity="1" effort="1"/></joint>
</robot>"#;

#[test]
fn followers_go_where_their_leader_sends_them() {
    let robot = load(FINGERS, None);
    assert_eq!(reason(&robot, "left", "right"), Some(SkipReason::NeverTouch));
    let near = FINGERS.replace("lower=\"0\"", "lower=\"-0.005\"");
    assert_eq!(reason(&load(&near, None), "left", "right"), None);
}

/// Where a mechanism's joints stand elsewhere than what was proved is about, all is judged.
#[test]
fn proofs_count_where_they_hold() {
    let robot = load(FINGERS, None);
    let mechanism = |robot: &Robot, at: f64| {
        let mut robot = robot.clone();
        robot.joints.push(Joint { name: "spin".into(), parent: 0, mimic: None, ..robot.joints[0].clone() });
        robot.links.push(robot.links[1].clone());
        let pair = [1, 2];
        robot.proved_within.push([0.0, 0.03]);
        let spin = robot.joints.len() - 1;
        let mechanism = Mechanism::new(&robot, &[spin], &[at, 0.0, 0.0], Pose::IDENTITY).unwrap();
        let is_proved =
            mechanism.unjudged.pairs.iter().any(|p| p.links == pair.map(|l| robot.links[l].name.clone()));
        (is_proved, mechanism.overlaps.len())
    };
    assert_eq!(mechanism(&robot, 0.01), (true, 0));
    // Within what certificates allow beyond a bound, and then farther.
    assert_eq!(mechanism(&robot, -0.9e-4), (true, 0));
    assert_eq!(mechanism(&robot, -1.1e-4), (false, 0));
    assert_eq!(mechanism(&robot, -0.005), (false, 1), "judged once: they overlap");
    // Or where the limits of what is planned reach farther.
    let mut wide = robot.clone();
    wide.joints[0].limits.lower = -0.005;
    wide.joints[1].limits.lower = -0.005;
    let planned = |robot: &Robot| Mechanism::new(robot, &[0], &[0.0; 2], Pose::IDENTITY).unwrap();
    assert_eq!((planned(&robot).pairs.len(), planned(&wide).pairs.len()), (0, 1));
    assert!(planned(&robot).proved_within[0][0] < 0.0 && planned(&robot).proved_within[0][0] > -2e-4);
    wide.prove_pairs(&LoadOptions::default());
    assert_eq!(wide.pairs, [[1, 2]]);
}

#[test]
fn links_apart_by_locked_joints_are_judged_once() {
    let elbow = URDF.replace("name=\"wave\" type=\"continuous\"", "name=\"wave\" type=\"revolute\"").replace(
        "<axis xyz=\"0 0 1\"/>\n",
        "<axis xyz=\"0 0 1\"/><limit lower=\"-3.14\" upper=\"3.14\" velocity=\"1\" effort=\"1\"/>\n",
    );
    let long = elbow.replace("<origin xyz=\"0.5 0 0\"/><geometry>", "<origin xyz=\"2 0 0\"/><geometry>");
    let robot = load(&long, None);
    let overlaps = |wave: f64| {
        let mut values = robot.neutral();
        values[robot.joint("wave").unwrap()] = wave;
        let turn = [robot.joint("turn").unwrap()];
        let mechanism = Mechanism::new(&robot, &turn, &values, Pose::IDENTITY).unwrap();
        mechanism.overlaps.iter().map(|o| (o.links.clone(), o.depth)).collect::<Vec<_>>()
    };
    assert_eq!(overlaps(0.0), []);
    // The hand, two metres long, turned back onto the ball at the other end.
    let found = overlaps(3.1);
    assert_eq!(found.len(), 1, "{found:?}");
    let mut names = found[0].0.clone();
    names.sort();
    assert_eq!(names, ["hand", "right"]);
    let apart = DVec3::new(2.0 * 3.1_f64.cos() + 2.0, 2.0 * 3.1_f64.sin(), 0.0).length();
    assert!((found[0].1 - (0.2 - apart)).abs() < 1e-12, "{found:?} {apart}");
}

/// An arm of two solid links with links without geometry and three joints between them, so far apart.
fn apart(offset: f64, kind: &str) -> String {
    let solid = |name: &str| format!("<link name=\"{name}\"><collision><geometry><sphere radius=\"0.05\"/></geometry></collision></link>");
    let joint = |name: &str, parent: &str, child: &str, kind: &str, axis: &str| {
        format!(
            "<joint name=\"{name}\" type=\"{kind}\"><parent link=\"{parent}\"/><child link=\"{child}\"/>\
             <origin xyz=\"{offset} 0 0\"/><axis xyz=\"{axis}\"/><limit lower=\"-2\" upper=\"2\" velocity=\"1\" effort=\"1\"/></joint>"
        )
    };
    format!(
        "<robot name=\"apart\">{}<link name=\"b\"/><link name=\"c\"/>{}{}{}{}</robot>",
        solid("a"),
        solid("d"),
        joint("j1", "a", "b", "revolute", "0 0 1"),
        joint("j2", "b", "c", kind, "0 1 0"),
        joint("j3", "c", "d", "revolute", "1 0 0"),
    )
}

/// Links without geometry between two others make neighbours of them where the joints turn about one point or
/// only one of them moves.
#[test]
fn empty_links_make_neighbours_of_what_is_near() {
    let of = |offset: f64, kind: &str| reason(&load(&apart(offset, kind), None), "a", "d");
    let adjacent = Some(SkipReason::Adjacent);
    assert_eq!(of(0.0, "revolute"), adjacent, "a shoulder");
    assert_ne!(of(0.3, "revolute"), adjacent, "an arm of a metre");
    assert_ne!(of(0.0, "prismatic"), adjacent, "it slides away and back");
    // Rigid links between that lead aside, and that do not.
    assert_ne!(of(0.3, "fixed"), adjacent);
    assert_eq!(of(0.0, "fixed"), adjacent);
}

/// A post and a bar that turns beside it hang on a link without geometry: they can meet.
#[test]
fn what_hangs_on_one_empty_link_is_judged() {
    let urdf = r#"<robot name="yard"><link name="world"/>
<link name="post"><collision><geometry><cylinder radius="0.05" length="1"/></geometry></collision></link>
<link name="bar"><collision><origin xyz="0.5 0 0"/><geometry><box size="1 0.05 0.05"/></geometry></collision></link>
<joint name="stand" type="fixed"><parent link="world"/><child link="post"/><origin xyz="0.5 0 0"/></joint>
<joint name="turn" type="revolute"><parent link="world"/><child link="bar"/><axis xyz="0 0 1"/>
<limit lower="-2" upper="2" velocity="1" effort="1"/></joint></robot>"#;
    assert_eq!(reason(&load(urdf, None), "post", "bar"), None);
}

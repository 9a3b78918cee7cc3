//! Covers of whole robots: where links pass each other closely, their spheres do not touch where they do not.

use flatout::robot::spherize::CoverOptions;
use flatout::robot::{CoverCache, LoadOptions, Robot};
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::PathBuf;

/// A forearm that folds over an upper arm with a gap of a centimetre, both 0.3 m wide plates: even spheres of
/// some centimetres of excess make them touch wherever the elbow stands.
fn folding(gap: f64) -> String {
    format!("<robot name=\"folding\">{}</robot>", folding_arm("", gap))
}

/// Its links and joints, by names that begin with `prefix`.
fn folding_arm(prefix: &str, gap: f64) -> String {
    let plate = |length: f64, z: f64| {
        format!(
            "<collision><origin xyz=\"{} 0 {z}\"/><geometry><box size=\"{length} 0.3 0.06\"/></geometry></collision>",
            length / 2.0
        )
    };
    let joint = |name: &str, parent: &str, child: &str, x: f64, axis: &str| {
        format!(
            "<joint name=\"{prefix}{name}\" type=\"revolute\"><parent link=\"{prefix}{parent}\"/>\
             <child link=\"{prefix}{child}\"/><origin xyz=\"{x} 0 0\"/><axis xyz=\"{axis}\"/>\
             <limit lower=\"-3\" upper=\"3\" velocity=\"1\" effort=\"100\"/></joint>"
        )
    };
    format!(
        "<link name=\"{prefix}upper\">{}</link><link name=\"{prefix}elbow\"/><link name=\"{prefix}wrist\">\
         <collision><geometry><sphere radius=\"0.001\"/></geometry></collision></link><link name=\"{prefix}fore\">{}</link>{}{}{}",
        plate(0.6, 0.0),
        plate(0.5, 0.06 + gap),
        joint("bend", "upper", "elbow", 0.6, "0 0 1"),
        joint("roll", "elbow", "wrist", 0.0, "0 0 1"),
        joint("turn", "wrist", "fore", 0.0, "0 0 1"),
    )
}

fn load(urdf: &str, cover: CoverOptions) -> Robot {
    let options = LoadOptions { cover, cache: CoverCache::Off, ..LoadOptions::default() };
    Robot::parse(urdf, None, None, &options).unwrap()
}

/// How many of 500 states are free of contact between the spheres of judged pairs.
fn free(robot: &Robot) -> usize {
    free_of(robot, &robot.pairs)
}

/// How many of 500 states are free of contact between the spheres of some pairs of links.
fn free_of(robot: &Robot, pairs: &[[usize; 2]]) -> usize {
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    let is_free = |robot: &Robot, q: &[f64]| {
        let poses = robot.link_poses(q);
        pairs.iter().all(|&[a, b]| {
            robot.links[a].spheres.iter().all(|s| {
                let center = poses[a].point(s.center);
                let apart = |t: &flatout::robot::Sphere| {
                    center.distance(poses[b].point(t.center)) > s.radius + t.radius
                };
                robot.links[b].spheres.iter().all(apart)
            })
        })
    };
    (0..500)
        .filter(|_| {
            // What stands fixed has no limits.
            let value = |j: &flatout::robot::Joint| {
                let [low, high] = [j.limits.lower, j.limits.upper];
                if low.is_finite() { rng.random_range(low..=high) } else { 0.0 }
            };
            let q: Vec<f64> = robot.joints.iter().map(value).collect();
            is_free(robot, &q)
        })
        .count()
}

/// The plates never touch; their spheres do not either, but for a few states.
#[test]
fn spheres_of_links_stay_apart_where_the_links_do() {
    for gap in [0.02, 0.03, 0.05] {
        let robot = load(&folding(gap), CoverOptions { max_spheres: 2048, tolerance: 0.05 });
        let count: usize = robot.links.iter().map(|l| l.spheres.len()).sum();
        let free = free(&robot);
        assert!(free >= 475, "gap {gap}: {free} of 500 free, {count} spheres");
    }
}

/// Plates whose gap is too narrow for any spheres do not keep others from being parted.
#[test]
fn what_cannot_be_separated_leaves_the_others_their_spheres() {
    let at = |link: &str, y: f64| {
        format!(
            "<joint name=\"{link}_stands\" type=\"fixed\"><parent link=\"base\"/><child link=\"{link}\"/>\
             <origin xyz=\"0 {y} 0\"/></joint>"
        )
    };
    let arms = [folding_arm("narrow_", 1e-6), folding_arm("wide_", 0.03)].concat();
    let stand = [at("narrow_upper", 0.0), at("wide_upper", 9.0)].concat();
    let robot = load(
        &format!("<robot name=\"arms\"><link name=\"base\"/>{arms}{stand}</robot>"),
        CoverOptions { max_spheres: 2048, tolerance: 0.05 },
    );
    let wide = ["wide_upper", "wide_fore"].map(|name| robot.link(name).unwrap());
    assert!(robot.pairs.contains(&wide));
    let free = free_of(&robot, &[wide]);
    assert!(free >= 475, "{free} of 500 free");
}

/// The neutral state is not to be lost, however few random states are like it, and though other links touch there.
#[test]
fn links_stay_apart_in_the_neutral_state_beside_others_that_touch() {
    let bar = |name: &str, x: f64, y: f64, reach: f64| {
        format!(
            "<link name=\"{name}\"><collision><origin xyz=\"{} 0 0\"/><geometry><box size=\"0.5 0.1 0.1\"/></geometry>\
             </collision></link><joint name=\"turn_{name}\" type=\"revolute\"><parent link=\"base\"/>\
             <child link=\"{name}\"/><origin xyz=\"{x} {y} 0\"/><axis xyz=\"0 0 1\"/>\
             <limit lower=\"-3\" upper=\"3\" velocity=\"1\" effort=\"100\"/></joint>",
            reach / 2.0
        )
    };
    // The ends of two bars stand 8 mm apart; two others, far away, lie across each other.
    let bars = [
        bar("a", 0.0, 0.0, 0.5),
        bar("b", 1.008, 0.0, -0.5),
        bar("c", 0.0, 9.0, 0.5),
        bar("d", 0.9, 9.0, -0.5),
    ];
    let robot = load(
        &format!("<robot name=\"bars\"><link name=\"base\"/>{}</robot>", bars.concat()),
        CoverOptions { max_spheres: 1024, tolerance: 0.05 },
    );
    let touching = robot.touching(&robot.link_poses(&robot.neutral()));
    let names = touching.iter().map(|&pair| robot.pairs[pair].map(|l| robot.links[l].name.as_str()));
    assert_eq!(names.collect::<Vec<_>>(), [["c", "d"]]);
}

/// Plates that pass each other more closely than any budget of spheres can tell are given up in a while.
#[test]
fn what_cannot_be_separated_is_given_up() {
    let robot = load(&folding(0.001), CoverOptions { max_spheres: 300, tolerance: 0.05 });
    assert!(robot.links.iter().map(|l| l.spheres.len()).sum::<usize>() <= 300);
}

/// A budget is kept, and spheres hold all of every link whatever became of them.
#[test]
fn budgets_are_kept_and_solids_held() {
    for max_spheres in [8, 40, 200] {
        let robot = load(&folding(0.01), CoverOptions { max_spheres, tolerance: 0.001 });
        let count: usize = robot.links.iter().map(|l| l.spheres.len()).sum();
        assert!(count <= max_spheres, "{count} of {max_spheres}");
        let mut rng = Pcg64Mcg::seed_from_u64(2);
        for (link, length, z) in [("upper", 0.6, 0.0), ("fore", 0.5, 0.07)] {
            let spheres = &robot.links[robot.link(link).unwrap()].spheres;
            for _ in 0..20_000 {
                let mut at: [f64; 3] = std::array::from_fn(|_| rng.random_range(-1.0..=1.0));
                // Half of them on a face.
                if rng.random_bool(0.5) {
                    at[rng.random_range(0..3)] = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
                }
                let p = DVec3::new(length / 2.0, 0.0, z)
                    + DVec3::from_array(at) * DVec3::new(length / 2.0, 0.15, 0.03) * (1.0 - 1e-9);
                assert!(spheres.iter().any(|s| s.center.distance(p) <= s.radius), "{link} {p} {max_spheres}");
            }
        }
    }
}

/// What is kept is what would be made; another robot, another choice or another mesh is made anew.
#[test]
fn caches_give_what_would_be_made() {
    let folder: PathBuf = std::env::temp_dir().join(format!("flatout-covers-{}", std::process::id()));
    let cached = |urdf: &str, max_spheres: usize| {
        let options = LoadOptions {
            cover: CoverOptions { max_spheres, tolerance: 0.02 },
            cache: CoverCache::Folder(folder.clone()),
            ..LoadOptions::default()
        };
        let robot = Robot::parse(urdf, None, None, &options).unwrap();
        robot.links.into_iter().map(|l| l.spheres).collect::<Vec<_>>()
    };
    let files = || std::fs::read_dir(&folder).map_or(0, Iterator::count);
    let made = load(&folding(0.01), CoverOptions { max_spheres: 100, tolerance: 0.02 });
    let made: Vec<_> = made.links.into_iter().map(|l| l.spheres).collect();
    assert_eq!(cached(&folding(0.01), 100), made);
    assert_eq!((cached(&folding(0.01), 100), files()), (made, 1));
    cached(&folding(0.01), 50);
    cached(&folding(0.02), 50);
    cached(&folding(0.02).replace("upper=\"3\"", "upper=\"1\""), 50);
    assert_eq!(files(), 4);
    // Many at once find one whole file.
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..8).map(|_| scope.spawn(|| cached(&folding(0.015), 60))).collect();
        let found: Vec<_> = loads.into_iter().map(|l| l.join().unwrap()).collect();
        assert!(found.windows(2).all(|w| w[0] == w[1]));
    });
    assert_eq!(files(), 5);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Five hundred triangles in no order, and a thousand links without an SRDF, are covered in seconds.
#[test]
fn soups_and_long_chains_are_bounded() {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut obj = String::new();
    for _ in 0..500 {
        let center: [f64; 3] = std::array::from_fn(|_| rng.random_range(-0.2..0.2));
        for _ in 0..3 {
            let [x, y, z] = center.map(|c| c + rng.random_range(-0.05..0.05));
            obj += &format!("v {x} {y} {z}\n");
        }
        obj += "f -3 -2 -1\n";
    }
    let folder = std::env::temp_dir().join(format!("flatout-soup-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("soup.obj"), obj).unwrap();
    let soup = "<robot name=\"s\"><link name=\"s\"><collision><geometry><mesh filename=\"soup.obj\"/></geometry></collision></link></robot>";
    std::fs::write(folder.join("soup.urdf"), soup).unwrap();
    let options = LoadOptions { cache: CoverCache::Off, ..LoadOptions::default() };
    let robot = Robot::load(&folder.join("soup.urdf"), None, None, &options).unwrap();
    assert!(robot.links[0].spheres.len() <= CoverOptions::default().max_spheres);
    std::fs::remove_dir_all(folder).unwrap();

    let link = |i: usize| {
        format!(
            "<link name=\"l{i}\"><collision><geometry><box size=\"0.08 0.04 0.04\"/></geometry></collision></link>"
        )
    };
    let joint = |i: usize| {
        format!(
            "<joint name=\"j{i}\" type=\"revolute\"><parent link=\"l{}\"/><child link=\"l{i}\"/><origin xyz=\"0.1 0 0\"/>\
             <axis xyz=\"0 0 1\"/><limit lower=\"-1\" upper=\"1\" velocity=\"1\" effort=\"1\"/></joint>",
            i - 1
        )
    };
    let body: String = (0..1000).map(link).chain((1..1000).map(joint)).collect();
    let robot = Robot::parse(&format!("<robot name=\"c\">{body}</robot>"), None, None, &options).unwrap();
    assert_eq!(robot.links.len(), 1000);
    assert!(robot.links.iter().all(|l| !l.spheres.is_empty()));
}

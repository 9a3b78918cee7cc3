//! Inputs that once got what they must not, from the shared data: each is refused or solved as is right. Where the
//! data is absent the tests say so and skip; the same kinds stand in other tests as inputs of our own.

mod common;

use common::shared;
use flatout::check::Backend;
use flatout::plan::{PlanOptions, plan};
use flatout::scene::Scene;
use std::path::Path;
use std::process::Command;

/// Runs the command on a file of the shared data; it ends with the code and says all of this on either stream.
#[track_caller]
fn ends(arguments: &[&str], file: &Path, code: i32, said: &[&str]) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_flatout")).args(arguments).arg(file).output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert_eq!(output.status.code(), Some(code), "{}: {text}", file.display());
    for said in said {
        assert!(text.contains(said), "{}: \"{said}\" is missing in: {text}", file.display());
    }
}

/// Every seed, within a sample count that is milliseconds, and the same counts at a hundred times the size.
#[test]
fn mazes_take_no_luck_and_have_no_scale() {
    for name in ["slit", "zigzag"] {
        let files = ["", "100"].map(|scale| shared(&format!("cases/mazes/{name}{scale}.yaml")));
        let [Some(small), Some(large)] = files else { return };
        let [small, large] = [small, large].map(|file| Scene::load(&file).expect("a scene"));
        for seed in 0..40 {
            let samples = [&small, &large].map(|scene| {
                let options =
                    PlanOptions { seed, time_limit: None, max_samples: 20_000, ..scene.options.clone() };
                let mut checker = Backend::Simd.checker(&scene.problem, options.resolution).expect("lanes");
                let answer = plan(&scene.problem, &mut *checker, &options);
                answer.unwrap_or_else(|why| panic!("{name} seed {seed}: {why}")).statistics.iterations
            });
            let [small, large] = samples.map(|samples| samples as f64);
            assert!((small / large).ln().abs() < 0.1, "{name} seed {seed}: {small} samples and {large}");
        }
    }
}

/// Pairs that a guess had left out, and robots that are not there at all.
#[test]
fn collisions_are_not_guessed_away() {
    let Some(folder) = shared("cases/robots") else { return };
    ends(&["plan"], &folder.join("never-pair-collides/twins.yaml"), 3, &["overlap"]);
    ends(&["plan"], &folder.join("left-out-pair-collides/fold.yaml"), 3, &["upper", "fore"]);
    ends(&["plan"], &folder.join("left-out-pair-collides/fold_srdf.yaml"), 3, &["upper", "fore"]);
    ends(&["plan"], &folder.join("no-geometry-certified/ghost.yaml"), 2, &["collision geometry"]);
}

#[test]
fn torques_decide() {
    let Some(folder) = shared("cases/robots") else { return };
    ends(&["plan"], &folder.join("unholdable-goal/fall.yaml"), 3, &["cannot be held", "9.81"]);
    ends(&["plan"], &folder.join("unholdable-goal/budget.yaml"), 3, &["cannot be held", "9.81"]);
    ends(&["plan"], &folder.join("torque-only/loose.yaml"), 0, &["solved"]);
    ends(&["plan"], &folder.join("torque-only/none.yaml"), 0, &["solved"]);
}

#[test]
fn nonsense_is_refused_in_time_and_memory() {
    let Some(folder) = shared("cases/trust") else { return };
    ends(&["plan"], &folder.join("planar-quadrotor-panic/s.yaml"), 2, &[]);
    ends(&["plan"], &folder.join("yaml-path-memory/aliaskeys.yaml"), 2, &[]);
    // What it calls "panda" stands in our own robots/.
    let scene = std::fs::read_to_string(folder.join("edge-not-interruptible/s.yaml")).expect("a scene");
    let panda = Path::new(env!("CARGO_MANIFEST_DIR")).join("robots/panda/");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("edge_not_interruptible.yaml");
    std::fs::write(
        &file,
        scene
            .replace("panda/panda", &format!("{}panda", panda.display()))
            .replace("panda/joint_limits", &format!("{}joint_limits", panda.display())),
    )
    .expect("a folder for tests");
    ends(&["plan", "--time-limit", "0.05", "--backend", "scalar"], &file, 3, &["time budget spent"]);
    let car = folder.join("check-car-at-full-speed");
    let scene = car.join("car.yaml");
    ends(&["check", &scene.to_string_lossy()], &car.join("carend.json"), 3, &["speed"]);
}

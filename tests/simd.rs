//! The SIMD level of another machine: its answers, and clear errors where this machine lacks it.

mod common;

use common::command::{flatout, folder, string};
use flatout::check::simd::levels;
use serde_json::Value;
use std::process::Command;

const SCENES: [&str; 3] =
    ["scenes/panda_shelf.yaml", "scenes/car_parking.yaml", "scenes/quadrotor_window.yaml"];

/// The plan of a scene at a level.
fn segments(scene: &str, level: &str) -> Value {
    flatout(&["plan", scene, "--simd", level, "--json"]).ends_with(0).json()["segments"].clone()
}

#[test]
fn a_level_gives_the_same_answer_again_and_every_level_accepts_it() {
    let folder = folder("simd");
    for scene in SCENES {
        for level in levels() {
            assert_eq!(segments(scene, level), segments(scene, level), "{scene} {level}");
            let file = string(&folder.join(format!("{level}.json")));
            let run = flatout(&["plan", scene, "--simd", level, "-o", &file]).ends_with(0);
            assert!(run.out.contains(&format!("simd/{level}")), "{}", run.out);
            for other in levels() {
                flatout(&["--simd", other, "check", scene, &file]).ends_with(0);
            }
        }
    }
}

/// Both have four lanes and round after every operation: where a machine has one, it gives the answers of the other.
#[test]
fn sse2_and_portable_are_equal() {
    if !levels().contains(&"sse2") {
        return;
    }
    for scene in SCENES {
        assert_eq!(segments(scene, "sse2"), segments(scene, "portable"), "{scene}");
    }
}

#[test]
fn the_environment_names_a_level_and_the_option_goes_before_it() {
    let run = |level: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flatout"));
        command.args(["plan", SCENES[0]]).args(more);
        let output =
            command.current_dir(env!("CARGO_MANIFEST_DIR")).env("FLATOUT_SIMD", level).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, out, _) = run("portable", &[]);
    assert!(code == Some(0) && out.contains("simd/portable"), "{out}");
    let best = levels()[0];
    let (code, out, _) = run("portable", &["--simd", best]);
    assert!(code == Some(0) && out.contains(&format!("simd/{best}")), "{out}");
    let (code, _, err) = run("mmx", &[]);
    assert_eq!(code, Some(2));
    assert!(
        err.contains("FLATOUT_SIMD: expected one of avx512, avx2, sse2, portable, found \"mmx\""),
        "{err}"
    );
}

#[test]
fn a_level_that_is_none_or_lacking_is_refused() {
    for command in [&["plan", SCENES[0]][..], &["check", SCENES[0], "none.json"], &["bench", "deadline"]] {
        flatout(&[command, &["--simd", "AVX2"]].concat())
            .fails(2, &["--simd: expected one of avx512, avx2, sse2, portable, found \"AVX2\""]);
    }
    for level in ["avx512", "avx2", "sse2"].into_iter().filter(|level| !levels().contains(level)) {
        let said = ["--simd: expected a level that this machine has: ", "portable", level];
        flatout(&["plan", SCENES[0], "--simd", level]).fails(2, &said);
    }
}

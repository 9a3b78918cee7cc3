//! What the command writes: whole or not at all, never over what it reads, and one answer at a time.

mod common;

use common::command::{flatout, folder, read, scene, string, write};
use std::path::Path;

/// Names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn plans_at_once_into_one_file_leave_one_of_them() {
    let folder = folder("writing/at_once");
    let file = string(&folder.join("t.json"));
    let scenes = ["panda_shelf", "panda_lift", "panda_table"].map(|name| format!("scenes/{name}.yaml"));
    for _ in 0..4 {
        std::thread::scope(|scope| {
            for scene in &scenes {
                scope.spawn(|| drop(flatout(&["plan", scene, "-o", &file, "--quiet"]).ends_with(0)));
            }
        });
        assert!(scenes.iter().any(|scene| flatout(&["check", scene, &file]).code == Some(0)));
        assert_eq!(names(&folder), ["t.json"]);
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let folder = folder("writing/inputs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = |from: &str, to: &str| {
        std::fs::copy(root.join(from), folder.join(to)).unwrap();
        string(&folder.join(to))
    };
    let urdf = copy("robots/panda/panda.urdf", "robot.yaml");
    let srdf = copy("robots/panda/panda.srdf", "srdf.json");
    let limits = copy("robots/panda/joint_limits.yaml", "limits.yaml");
    let panda = |name: &str| string(&root.join("robots/panda").join(name));
    let scene = scene(
        &folder,
        "panda_table",
        &[
            (&panda("panda.urdf"), &urdf),
            (&panda("panda.srdf"), &srdf),
            (&panda("joint_limits.yaml"), &limits),
        ],
    );
    let running = string(&folder.join("running.json"));
    flatout(&["plan", &scene, "-o", &running]).ends_with(0);
    let link = folder.join("link.yaml");
    #[cfg(unix)]
    std::os::unix::fs::symlink("panda_table.yaml", &link).unwrap();
    std::fs::hard_link(&urdf, folder.join("hard.csv")).unwrap();
    let before: Vec<_> = names(&folder).iter().map(|name| read(&folder.join(name))).collect();
    let roundabout = string(&folder.join("../inputs/panda_table.yaml"));
    let hard = string(&folder.join("hard.csv"));
    let said = ["is read as an input"];
    for output in [&scene, &urdf, &srdf, &limits, &roundabout, &hard, &string(&link)] {
        flatout(&["plan", &scene, "-o", output]).fails(2, &[output, said[0]]);
    }
    for output in [&scene, &running] {
        flatout(&["replan", &scene, &running, "--from", "0.1", "-o", output]).fails(2, &said);
    }
    flatout(&["batch", &scene, "-o", &string(&folder), "--format", "yaml"]).fails(2, &said);
    flatout(&["robot", "spherize", &urdf, "-o", &urdf]).fails(2, &said);
    flatout(&["bench", "scenes", &scene, "--json", &scene]).fails(2, &said);
    let after: Vec<_> = names(&folder).iter().map(|name| read(&folder.join(name))).collect();
    assert_eq!(before, after);
    // What is only near to an input is no input.
    flatout(&["plan", &scene, "-o", &string(&folder.join("other.yaml"))]).ends_with(0);
    flatout(&["plan", &scene, "-o", &running]).ends_with(0);
}

/// Meshes that a description names are read, too.
#[test]
fn meshes_are_inputs() {
    let folder = folder("writing/meshes");
    let box_ = "v 0 0 0\nv 0.1 0 0\nv 0 0.1 0\nv 0 0 0.1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";
    let mesh = write(&folder, "part.obj", box_);
    let urdf = "<robot name=\"x\"><link name=\"a\"><collision><geometry><mesh filename=\"part.obj\"/></geometry></collision></link></robot>";
    let urdf = write(&folder, "robot.urdf", urdf);
    flatout(&["robot", "spherize", &urdf, "-o", &mesh]).fails(2, &["part.obj: this file is read as an input"]);
    assert_eq!(read(Path::new(&mesh)), box_);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_written_to_and_what_is_full_ends_with_1() {
    let folder = folder("writing/devices");
    let link = folder.join("out.json");
    std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
    let run = flatout(&["plan", "scenes/panda_table.yaml", "-o", &string(&link)]).ends_with(0);
    assert!(run.out.starts_with("{\"format\":\"flatout-trajectory/1\"") && run.out.contains("solved in"));
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    flatout(&["plan", "scenes/panda_table.yaml", "-o", &string(&link)]).fails(1, &["out.json: cannot write"]);
    let results = string(&folder.join("none/results.json"));
    flatout(&["bench", "scenes", "scenes/panda_table.yaml", "--seeds", "1", "--json", &results])
        .fails(1, &["cannot write"]);
}

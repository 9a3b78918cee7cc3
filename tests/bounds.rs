//! What comes from outside in any size: files without an end, counts beyond all reason, and machines that give no
//! more threads. Each is an error that says what is expected, or done with less; none fills the memory.

use flatout::check::Backend;
use flatout::plan::{PlanOptions, plan_on_threads};
use flatout::scene::Scene;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flatout"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

/// That a command ends with this code, and says all of this.
#[track_caller]
fn ends(output: &Output, code: i32, said: &[&str]) {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("panicked"), "{text}");
    assert_eq!(output.status.code(), Some(code), "{text}");
    for said in said {
        assert!(text.contains(said), "\"{said}\" is missing in: {text}");
    }
}

#[track_caller]
fn fails<S: AsRef<std::ffi::OsStr>>(arguments: &[S], said: &[&str]) {
    ends(&command(arguments).output().unwrap(), 2, said);
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bounds").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Devices, pipes that nobody writes to, and holes of a tebibyte, in every place of a file.
#[cfg(target_os = "linux")]
#[test]
fn files_without_an_end_are_refused() {
    let folder = folder("endless");
    let (pipe, hole) = (folder.join("pipe.yaml"), folder.join("hole.yaml"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::fs::File::create(&hole).unwrap().set_len(1 << 40).unwrap();
    let (pipe, hole) = (text(&pipe), text(&hole));
    let urdf = "robots/panda/panda.urdf";
    for endless in ["/dev/zero", pipe] {
        let said = &[endless, "expected a file, found a device, a pipe"][..];
        fails(&["plan", endless], said);
        fails(&["plan", "--scene", endless, "--request", endless, "--urdf", urdf], said);
        fails(&["robot", "info", endless], said);
        fails(&["robot", "info", urdf, "--srdf", endless], said);
        fails(&["robot", "info", urdf, "--limits", endless], said);
        fails(&["robot", "spherize", endless], said);
        fails(&["bench", "mbm", endless, "--urdf", urdf], said);
        fails(&["bench", "kinopax", endless, "--system", "point"], said);
    }
    fails(&["check", "scenes/point_yard.yaml", pipe], &[pipe, "a pipe"]);
    for arguments in [["plan", hole], ["check", "scenes/point_yard.yaml"]] {
        let arguments =
            if arguments[0] == "check" { [&arguments[..], &[hole]].concat() } else { arguments.to_vec() };
        fails(&arguments, &[hole, "the file is too large: at most 256 MiB are read"]);
    }
    // Of a mesh, its URDF tells.
    assert!(Command::new("mkfifo").arg(folder.join("pipe.stl")).status().unwrap().success());
    for (mesh, said) in [
        ("/dev/zero", "expected a mesh in an .stl, .obj, .dae, .gltf or .glb file"),
        ("pipe.stl", "a device, a pipe"),
    ] {
        let link = format!(
            "<link name=\"a\"><collision><geometry><mesh filename=\"{mesh}\"/></geometry></collision></link>"
        );
        let robot = folder.join("mesh.urdf");
        std::fs::write(&robot, format!("<robot name=\"x\">{link}</robot>")).unwrap();
        fails(&["robot", "info", text(&robot)], &[said]);
    }
}

/// What the caller hands over as standard input is read.
#[cfg(target_os = "linux")]
#[test]
fn scenes_come_through_a_pipe() {
    let mut child = command(&["plan", "/dev/stdin", "--backend", "simd"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let scene = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/point_yard.yaml")).unwrap();
    child.stdin.take().unwrap().write_all(&scene).unwrap();
    ends(&child.wait_with_output().unwrap(), 0, &["solved"]);
    // A device is no better for being handed over, but has its bound.
    let zero = Stdio::from(std::fs::File::open("/dev/zero").unwrap());
    let output = command(&["plan", "/dev/stdin"]).stdin(zero).output().unwrap();
    ends(&output, 2, &["too large: at most 256 MiB"]);
}

#[test]
fn counts_beyond_reason_are_refused() {
    let scene = "scenes/point_yard.yaml";
    fails(&["bench", "edges", "--obstacles", "1000000000"], &["expected a whole number from 0 to 1000000"]);
    fails(&["bench", "edges", "--most", "1000000000000"], &["from 1 to 1000000"]);
    fails(&["plan", scene, "--threads", "1000000"], &["from 1 to 1024"]);
    fails(&["batch", scene, "-o", "x", "--threads", "0"], &["from 1 to 1024"]);
    let mbm = ["bench", "mbm", "x", "--urdf", "x"];
    fails(&[&mbm[..], &["--repeat", "99999999"]].concat(), &["from 1 to 10000"]);
    fails(&[&mbm[..], &["--edge-batch", "99999999"]].concat(), &["from 0 to 1048576"]);
    fails(&["bench", "kinopax", "x", "--system", "point", "--seeds", "99999999"], &["from 1 to 1000000"]);
    fails(&["bench", "replan", "x", "--urdf", "x", "--count", "99999999"], &["from 1 to 1000000"]);
    fails(&["robot", "spherize", "x", "--max-spheres", "99999999"], &["from 1 to 4096"]);
}

#[test]
fn sizes_beyond_reason_are_refused() {
    let folder = folder("dynobench");
    let (envs, models) = (folder.join("envs/unicycle1_v0"), folder.join("models"));
    std::fs::create_dir_all(&envs).unwrap();
    std::fs::create_dir_all(&models).unwrap();
    let environment = "environment:\n  min: [0, 0]\n  max: [2, 2]\n  obstacles:\n    - {type: box, center: [1, 1], size: [0.2, 0.2]}\n\
        robots:\n  - {type: cart, start: [0.3, 0.3, 0], goal: [1.7, 0.3, 0]}\n";
    let model = "dynamics: unicycle1\nsize: [0.2, 0.1]\nmax_vel: 0.5\n";
    let try_them = |environment: &str, model: &str, said: &[&str]| {
        std::fs::write(envs.join("wall.yaml"), environment).unwrap();
        std::fs::write(models.join("cart.yaml"), model).unwrap();
        fails(&["bench", "dynobench", text(&folder), "--models", text(&models), "--seeds", "1"], said);
    };
    let far = |wrong: &str| environment.replace("max: [2, 2]", wrong);
    try_them(
        &far("max: [1e15, 2]"),
        model,
        &["wall.yaml:3", "environment.max: expected numbers up to 1e6 m, found 1e15"],
    );
    try_them(
        &far("max: [-1, 2]"),
        model,
        &["environment.max: expected numbers no less than those of \"min\""],
    );
    let sized = environment.replace("size: [0.2, 0.2]", "size: [0.2, 1e15]");
    try_them(&sized, model, &["wall.yaml:5", "expected numbers up to 1e6 m, found 1e15"]);
    for (wrong, said) in [
        ("size: [1e15, 0.1]", "it takes more than 1000 spheres to cover this box"),
        ("shape: sphere\nradius: 1e15", "a number from 0 to 1e12"),
        ("shape: sphere\nsize: [-1]", "expected a radius greater than zero"),
        ("min_vel: 0\nmax_vel: 0", "speed: expected a speed that is not zero"),
    ] {
        let wrong =
            model.replace("size: [0.2, 0.1]", wrong).replace("max_vel: 0\nmax_vel: 0.5", "max_vel: 0");
        try_them(environment, &wrong, &[said]);
    }
    let boxes = folder.join("boxes.csv");
    std::fs::write(&boxes, "0,0,0,1,1,1e15\n").unwrap();
    fails(
        &["bench", "kinopax", text(&boxes), "--system", "point"],
        &["boxes.csv:1: expected a number up to 1e6 m"],
    );
}

/// Figures that no vehicle has are refused where they are read, by key and line.
#[test]
fn figures_beyond_reason_are_refused() {
    let folder = folder("vehicle");
    let file = folder.join("scene.yaml");
    let planar = |mass: &str, inertia: &str| {
        format!(
            "robot:\n  planar_quadrotor: {{mass: {mass}, inertia: {inertia}, arm: 0.5, thrust_to_weight: 3, velocity: 4, \
             body_rate: 5, body: {{radius: 0.1}}}}\nstart: {{position: [0, 1], tilt: -3.14}}\ngoal: {{position: [0, 2]}}\n"
        )
    };
    for (mass, inertia, said) in [
        ("0.034", "1.0e+308", "planar_quadrotor.inertia: expected a number from 1e-12 to 1e12, found 1"),
        ("-1", "0.1", "robot.planar_quadrotor.mass: expected a number greater than zero, found -1"),
        ("0.034", "0", "robot.planar_quadrotor.inertia: expected a number greater than zero, found 0"),
    ] {
        std::fs::write(&file, planar(mass, inertia)).unwrap();
        fails(&["plan", text(&file)], &["scene.yaml:2", said]);
    }
}

/// A problem that starts beyond its limits, or is of absurd numbers, is a result like any other.
#[test]
fn one_problem_out_of_bounds_is_a_result() {
    let folder = folder("mbm");
    let panda = "robots/panda";
    let home = "[0, -0.785, 0, -2.356, 0, 1.571, 0.785]";
    let problem = |index: usize, start: &str| {
        format!(
            "{{\"set\": \"s\", \"index\": {index}, \"start\": {start}, \"goal\": [0.6, -0.5, 0, -2.2, 0, 1.7, 0.785], \"obstacles\": []}}"
        )
    };
    let problems = [
        problem(1, "[5, -0.785, 0, -2.356, 0, 1.571, 0.785]"),
        problem(2, home),
        problem(3, "[1e300, -0.785, 0, -2.356, 0, 1.571, 0.785]"),
    ];
    let joints: Vec<String> = (1..=7).map(|i| format!("\"panda_joint{i}\"")).collect();
    let suite = format!(
        "{{\"format\": \"mbm-json/1\", \"robot\": \"panda\", \"joints\": [{}], \"problems\": [{}]}}",
        joints.join(", "),
        problems.join(",\n")
    );
    let (file, out) = (folder.join("suite.json"), folder.join("out.json"));
    std::fs::write(&file, suite).unwrap();
    let (urdf, srdf, limits) =
        (format!("{panda}/panda.urdf"), format!("{panda}/panda.srdf"), format!("{panda}/joint_limits.yaml"));
    for way in [&["--threads", "1"][..], &["--batch", "--threads", "2"]] {
        let arguments = ["bench", "mbm", text(&file), "--urdf", &urdf, "--srdf", &srdf, "--limits", &limits];
        let more = ["--backend", "simd", "--json", text(&out)];
        let output = command(&[&arguments[..], &more, way].concat()).output().unwrap();
        let starts = "s 1: no plan: the start is invalid: position of \"panda_joint1\" is 5, outside [-2.8973, 2.8973]";
        ends(&output, 0, &["1/3", starts, "s 3: no plan: start.position[0] (\"panda_joint1\"): expected"]);
        let json: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
        assert_eq!(json["results"][1]["status"], "solved");
    }
}

/// A kernel that gives a user no more processes gives no threads: fewer plan, and it is told. Root may have any number,
/// so that this is tried where a user can be somebody else.
#[cfg(target_os = "linux")]
#[test]
fn without_threads_it_is_planned_all_the_same() {
    let binary = env!("CARGO_BIN_EXE_flatout");
    let script =
        format!("ulimit -u 1; exec {binary} plan scenes/point_yard.yaml --backend simd --threads 64");
    let shell = if is_root() {
        Command::new("setpriv")
            .args(["--reuid=65534", "--clear-groups", "bash", "-c", &script])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
    } else {
        Command::new("bash").args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR")).output()
    };
    let Ok(output) = shell else { return };
    let told = String::from_utf8_lossy(&output.stderr);
    // Another user may not be allowed to run what was built here.
    if told.contains("ermission denied") || told.contains("setpriv") {
        return;
    }
    ends(&output, 0, &["solved", "warning: a thread could not be started"]);
}

#[cfg(target_os = "linux")]
fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout == b"0\n")
}

/// However many threads are asked for, there are no more than make sense.
#[test]
fn no_query_is_spread_without_bound() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/point_yard.yaml");
    let Scene { problem, .. } = Scene::load(&file).unwrap();
    let options = PlanOptions { max_samples: 500, shortcut_tries: 0, ..PlanOptions::default() };
    let made = std::sync::atomic::AtomicUsize::new(0);
    let make = || {
        made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Backend::Simd.checker(&problem, options.resolution)
    };
    plan_on_threads(&problem, make, &options, usize::MAX).unwrap();
    assert!(made.into_inner() <= flatout::threads::MAX_THREADS);
}

//! The command as a user drives it: what it prints, what it writes, how it ends.

mod common;

#[cfg(feature = "gpu")]
use common::command::Run;
use common::command::{flatout, folder, read, scene, string, write};
use common::{own_file, shared};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The Panda's own files as options.
fn panda() -> [String; 6] {
    let file = |name| string(&own_file("panda", name));
    let option = |name: &str| name.to_owned();
    [
        option("--urdf"),
        file("panda.urdf"),
        option("--srdf"),
        file("panda.srdf"),
        option("--limits"),
        file("joint_limits.yaml"),
    ]
}

#[test]
fn what_is_planned_checks_out_in_every_format() {
    let folder = folder("formats");
    for name in
        ["panda_shelf", "panda_moving_start", "panda_throw", "panda_lift", "panda_smooth", "ur5_shelf"]
    {
        let scene = format!("scenes/{name}.yaml");
        for extension in ["json", "csv", "yaml"] {
            let file = string(&folder.join(format!("{name}.{extension}")));
            let run = flatout(&["plan", &scene, "-o", &file]).ends_with(0);
            for said in [
                "solved in",
                "duration",
                "clearance  of obstacles at least",
                "of itself at least",
                "tightest",
                "search",
                &file,
            ] {
                assert!(run.out.contains(said), "\"{said}\" is missing in: {}", run.out);
            }
            assert_eq!(run.err, "");
            let run = flatout(&["check", &scene, &file]).ends_with(0);
            assert!(run.out.starts_with("valid at every instant"), "{}", run.out);
        }
    }
}

#[test]
fn a_trajectory_file_says_what_the_format_promises() {
    let run = flatout(&["plan", "scenes/panda_lift.yaml", "--json"]).ends_with(0);
    assert_eq!(run.err, "");
    let json = run.json();
    assert_eq!(json["format"], "flatout-trajectory/1");
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["seed"], 0);
    assert_eq!(json["outputs"].as_array().unwrap().len(), 7);
    let segments = json["segments"].as_array().unwrap();
    let durations = segments.iter().map(|s| s["duration"].as_f64().unwrap());
    assert!((durations.sum::<f64>() - json["duration"].as_f64().unwrap()).abs() < 1e-9);
    assert!(segments.iter().all(|s| s["coefficients"].as_array().unwrap().len() == 7));
    let samples = &json["samples"];
    let count = samples["time"].as_array().unwrap().len();
    for key in ["position", "velocity", "acceleration", "effort"] {
        let values = samples[key].as_array().unwrap();
        assert_eq!(values.len(), count);
        assert!(values.iter().all(|v| v.as_array().unwrap().len() == 7));
    }
    assert!(samples["dt"].as_f64().unwrap() <= 0.01);
    assert!(json["report"]["world"]["at_least"].as_f64().unwrap() > 0.0);
    assert_eq!(json["report"]["peaks"].as_array().unwrap().len(), 7);
    for key in ["plan_us", "refine_us", "certify_us", "iterations", "edges", "states"] {
        assert!(json["stats"][key].is_number(), "{key}");
    }
}

#[test]
fn a_vehicle_is_planned_checked_and_written() {
    let folder = folder("vehicle");
    let scene_file = "scenes/drive_dock.yaml";
    let file = |name: &str| string(&folder.join(name));
    let json = file("dock.json");
    let run = flatout(&["plan", scene_file, "-o", &json]).ends_with(0);
    assert!(run.out.contains("tightest"), "{}", run.out);
    assert!(flatout(&["check", scene_file, &json]).ends_with(0).out.starts_with("valid at every instant"));
    let written: Value = serde_json::from_str(&read(Path::new(&json))).unwrap();
    assert_eq!(written["outputs"], serde_json::json!(["x", "y", "guide"]));
    assert_eq!(written["state_names"], serde_json::json!(["x", "y", "theta", "v", "w"]));
    assert_eq!(written["control_names"], serde_json::json!(["a", "alpha"]));
    assert_eq!(written["samples"]["state"][0][3], 1.0);
    // Its certificate is of this world and these limits.
    let slower = scene(&folder, "drive_dock", &[("acceleration: 0.6", "acceleration: 0.3")]);
    flatout(&["check", &slower, &json]).fails(3, &["not valid", "acceleration"]);

    let csv = file("dock.csv");
    flatout(&["plan", scene_file, "-o", &csv, "--quiet"]).ends_with(0);
    let table = read(Path::new(&csv));
    assert!(table.starts_with("t,x,y,theta,v,w,a,alpha,duration,c0_x,c1_x,"), "{table}");
    let run = flatout(&["check", scene_file, &csv]).ends_with(0);
    assert!(run.out.starts_with("valid at every instant"), "{}", run.out);
    let joined = file("joined.json");
    flatout(&["replan", scene_file, &csv, "--from", "0.5", "--join", "-o", &joined]).ends_with(0);
    flatout(&["check", scene_file, &joined]).ends_with(0);
    let points = write(&folder, "points.csv", "t,q_x,q_y,q_guide\n0,0,0,0\n1,1,0,0\n");
    flatout(&["check", scene_file, &points])
        .fails(2, &["points.csv: points do not tell how a vehicle moves", ".json or .csv of flatout"]);
    let yaml = file("dock.yaml");
    let said = "a JointTrajectory holds positions of joints and not the motion of a differential drive";
    flatout(&["plan", scene_file, "-o", &yaml]).fails(2, &["dock.yaml: ", said]);
    let dir = string(&folder);
    flatout(&["batch", scene_file, "-o", &dir, "--format", "yaml"]).fails(2, &["drive_dock.yaml: ", said]);
    assert!(flatout(&["batch", scene_file, "-o", &dir]).ends_with(0).out.contains("1 of 1 solved"));

    let torque = scene(&folder, "drive_dock", &[("start:", "limits: {torque: true}\nstart:")]);
    flatout(&["plan", &torque]).fails(2, &["limits.torque: torques are not offered for vehicles"]);
    let fast = scene(&folder, "drive_dock", &[("speed: 1}", "speed: 1.5}")]);
    flatout(&["plan", &fast]).fails(2, &["start.speed: v at 1.5 is outside its limits"]);
    let inside = scene(&folder, "drive_dock", &[("position: [-3.2, 0.6]", "position: [0, -0.8]")]);
    flatout(&["plan", &inside])
        .fails(3, &["the start is invalid: link \"body\" is", "inside obstacle \"rack\""]);
}

#[test]
fn a_vehicle_on_its_way_is_sent_elsewhere() {
    let folder = folder("vehicle_replan");
    let file = |name: &str| string(&folder.join(name));
    let (first, next) = (file("first.json"), file("next.json"));
    flatout(&["plan", "scenes/drive_dock.yaml", "-o", &first]).ends_with(0);
    let elsewhere =
        scene(&folder, "drive_dock", &[("goal: {position: [2.8, -1.4]", "goal: {position: [3, 1]")]);
    flatout(&["replan", &elsewhere, &first, "--from", "1.5", "--join", "-o", &next]).ends_with(0);
    flatout(&["check", &elsewhere, &next]).ends_with(0);
    let car = file("car.json");
    flatout(&["plan", "scenes/car_trailer.yaml", "-o", &car]).ends_with(0);
    // In mid-drive, with its hitch and its wheels as they are: no later than driving on.
    let rest = file("rest.json");
    flatout(&["replan", "scenes/car_trailer.yaml", &car, "--from", "2", "-o", &rest]).ends_with(0);
    let whole = file("whole.json");
    flatout(&["replan", "scenes/car_trailer.yaml", &car, "--from", "2", "--join", "-o", &whole]).ends_with(0);
    flatout(&["check", "scenes/car_trailer.yaml", &whole]).ends_with(0);
    let duration = |file: &str| -> f64 {
        let json: Value = serde_json::from_str(&read(Path::new(file))).unwrap();
        json["duration"].as_f64().unwrap()
    };
    assert!(duration(&rest) + 2.0 <= duration(&car) + 1e-9);
    let bench =
        ["bench", "replan", "--kind", "docking", "--vehicle", "car-trailer", "--seeds", "2", "--count", "3"];
    let told = flatout(&bench).ends_with(0).out;
    assert!(told.contains("replan families") && told.contains("goal"), "{told}");
    flatout(&["bench", "replan", "x.json", "--urdf", "x", "--kind", "docking"])
        .fails(2, &["--kind and --vehicle are of families"]);
}

#[test]
fn quiet_is_quiet_and_check_speaks_json() {
    let file = string(&folder("quiet").join("throw.json"));
    let run = flatout(&["plan", "scenes/panda_throw.yaml", "--quiet", "-o", &file]).ends_with(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    let valid = flatout(&["check", "scenes/panda_throw.yaml", &file, "--json"]).ends_with(0).json();
    assert_eq!(valid["valid"], true);
    assert!(valid["certificate"]["world"]["at_least"].is_number(), "{valid}");
    let other = flatout(&["check", "scenes/panda_table.yaml", &file, "--json"]).ends_with(3).json();
    assert_eq!(other["valid"], false);
    assert!(other["reason"].as_str().unwrap().contains("start"), "{other}");
}

#[test]
fn a_seed_gives_the_same_file_again() {
    let folder = folder("seeds");
    let plan = |seed: &str, name: &str| {
        let file = folder.join(name);
        flatout(&["plan", "scenes/panda_shelf.yaml", "--seed", seed, "--quiet", "-o", &string(&file)])
            .ends_with(0);
        read(&file)
    };
    for extension in ["csv", "yaml"] {
        let first = plan("7", &format!("a.{extension}"));
        assert_eq!(first, plan("7", &format!("b.{extension}")));
        assert_ne!(first, plan("8", &format!("c.{extension}")));
    }
    // All but the times that planning took.
    let timeless = |text: String| {
        let mut json: Value = serde_json::from_str(&text).unwrap();
        let stats = json["stats"].as_object_mut().unwrap();
        stats.retain(|key, _| !key.ends_with("_us"));
        json
    };
    assert_eq!(timeless(plan("7", "a.json")), timeless(plan("7", "b.json")));
}

#[test]
fn every_backend_plans() {
    for (backend, name) in [("auto", "; simd"), ("simd", "; simd"), ("scalar", "; scalar")] {
        let run = flatout(&["plan", "scenes/panda_table.yaml", "--backend", backend]).ends_with(0);
        assert!(run.out.contains(name), "{}", run.out);
    }
}

/// A scene is measured as it is, or its robot among as many random obstacles as are asked for.
#[test]
fn edges_are_measured_in_the_worlds_that_are_asked_for() {
    let bench = |more: &[&str]| {
        let args = [&["bench", "edges", "scenes/panda_cage.yaml", "--most", "1", "--time", "1e-4"], more];
        flatout(&args.concat()).ends_with(0).out
    };
    let own = bench(&[]);
    assert!(own.contains("scenes/panda_cage.yaml, 10 obstacles;") && own.contains("scalar"), "{own}");
    let random = bench(&["--obstacles", "3,5"]);
    assert!(random.contains(", 3 obstacles;") && random.contains(", 5 obstacles;"), "{random}");
}

#[cfg(feature = "gpu")]
#[test]
fn the_gpu_plans_where_there_is_one() {
    let plan =
        |more: &[&str]| flatout(&[&["plan", "scenes/panda_table.yaml", "--backend", "gpu"], more].concat());
    plan(&["--gpu", "no such adapter"]).fails(1, &["the gpu backend failed", "adapter"]);
    let devices = flatout(&["devices", "--list"]).ends_with(0);
    if common::gpu().is_none() {
        return;
    }
    assert!(devices.out.contains("known-answer probe passed"), "{}", devices.out);
    let run = plan(&[]).ends_with(0);
    assert!(run.out.contains("; gpu/"), "{}", run.out);
}

/// `WGPU_BACKEND` says which drivers are asked; where it leaves none, lanes do.
#[cfg(feature = "gpu")]
#[test]
fn the_environment_chooses_among_drivers() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_flatout"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("WGPU_BACKEND", "gl")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    };
    let devices = run(&["devices", "--list"]).ends_with(0);
    assert!(devices.out.starts_with("no adapter"), "{}", devices.out);
    let plan = ["plan", "scenes/panda_table.yaml"];
    run(&[&plan[..], &["--backend", "gpu"]].concat()).fails(1, &["WGPU_BACKEND=gl leaves none"]);
    let auto = run(&plan).ends_with(0);
    assert!(auto.out.contains("simd/") && auto.err.is_empty(), "{}{}", auto.out, auto.err);
}

/// Many scenes at once on a device, chosen by number.
#[cfg(feature = "gpu")]
#[test]
fn a_device_plans_many_scenes_at_once() {
    if common::gpu().is_none() {
        return;
    }
    let folder = string(&folder("gpu batch"));
    let scenes = ["scenes/panda_table.yaml", "scenes/panda_box.yaml", "scenes/ur5_shelf.yaml"];
    let more = ["--backend", "gpu", "--gpu", "0", "-o", &folder];
    let run = flatout(&[&["batch"], &scenes[..], &more[..]].concat()).ends_with(0);
    assert!(run.out.contains("3 of 3 solved"), "{}", run.out);
    for scene in scenes {
        let name = Path::new(scene).file_stem().unwrap().to_str().unwrap();
        flatout(&["check", scene, &format!("{folder}/{name}.json")]).ends_with(0);
    }
}

/// Two processes on one device: neither disturbs the other.
#[cfg(feature = "gpu")]
#[test]
fn two_processes_share_a_device() {
    if common::gpu().is_none() {
        return;
    }
    let plan = |name: &str| {
        let file = string(&folder(name).join("shelf.json"));
        let asked =
            ["plan", "scenes/ur5_shelf.yaml", "--backend", "gpu", "--planner", "wide", "--time-limit", "120"];
        flatout(&[&asked[..], &["-o", &file]].concat()).ends_with(0);
        flatout(&["check", "scenes/ur5_shelf.yaml", &file]).ends_with(0);
        std::fs::read_to_string(file).unwrap()
    };
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| plan("other process"));
        (plan("one process"), other.join().unwrap())
    });
    let knots = |text: &str| serde_json::from_str::<Value>(text).unwrap()["segments"].clone();
    assert!(!knots(&one).is_null());
    assert_eq!(knots(&one), knots(&other));
}

/// The table of a device, short as it can be.
#[cfg(feature = "gpu")]
#[test]
fn a_device_is_measured_beside_the_processors() {
    if common::gpu().is_none() {
        return;
    }
    let file = string(&folder("bench gpu").join("gpu.json"));
    let run = flatout(&["bench", "gpu", "--time", "0.001", "--most", "2", "--hard", "2", "--json", &file])
        .ends_with(0);
    for part in ["edges/s", "nearest of", "random arms by", "one query at a time"] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let report: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(
        report["batches"][0]["solved"].as_u64() == Some(1)
            && report["nearest"][0]["per_s"].as_f64() > Some(0.0)
    );
}

#[test]
fn bad_input_is_named_and_ends_with_2() {
    let folder = folder("bad");
    flatout(&["plan", "scenes/none.yaml"]).fails(2, &["scenes/none.yaml: cannot read the file"]);
    let spoiled = scene(&folder, "panda_shelf", &[("group: panda_arm", "gruop: panda_arm")]);
    flatout(&["plan", &spoiled])
        .fails(2, &["panda_shelf.yaml:6:3: robot.gruop: unknown key", "did you mean \"group\"?"]);
    let spoiled = scene(&folder, "panda_shelf", &[("radius: 0.035", "radius: -1")]);
    flatout(&["plan", &spoiled]).fails(2, &["panda_shelf.yaml:17:42: world[7].radius: expected", "-1"]);
    let spoiled = scene(&folder, "panda_shelf", &[("-0.026, ", "")]);
    flatout(&["plan", &spoiled]).fails(2, &["panda_shelf.yaml:21:7: goal: expected", "list of 6"]);
    let spoiled = scene(&folder, "panda_shelf", &[("panda.urdf", "pandora.urdf")]);
    flatout(&["plan", &spoiled]).fails(2, &["panda_shelf.yaml:3:9: robot.urdf", "pandora.urdf"]);
    let plan = |more: &[&str]| flatout(&[&["plan", "scenes/panda_table.yaml"], more].concat());
    plan(&["-o", "table.txt"]).fails(2, &["table.txt", ".json, .csv or .yaml"]);
    plan(&["-o", "no/such/folder/table.json"]).fails(1, &["no/such/folder/table.json", "cannot write"]);
    plan(&["--backend", "abacus"]).fails(2, &["abacus", "expected auto"]);
    for seconds in ["0", "-1", "NaN", "soon", "1e300"] {
        plan(&["--time-limit", seconds]).fails(2, &["--time-limit", "greater than 0"]);
    }
    plan(&["--seed", "-3"]).fails(2, &["--seed"]);
    plan(&["--quiet", "--json"]).fails(2, &["--quiet", "--json"]);
    flatout(&["plan"]).fails(2, &["SCENE"]);
    flatout(&["plan", "--scene", "scene.yaml"]).fails(2, &["--request", "--urdf"]);
    flatout(&["check", "scenes/panda_table.yaml", "none.csv"]).fails(2, &["none.csv", "cannot read"]);
    let file = write(&folder, "short.csv", "t,q\n0,1,2\n");
    flatout(&["check", "scenes/panda_table.yaml", &file]).fails(2, &["short.csv:"]);
    flatout(&["robot", "info", "none.urdf"]).fails(2, &["none.urdf", "cannot read"]);
    let urdf = write(&folder, "broken.urdf", "<robot name=\"x\">\n<link>\n</robot>");
    flatout(&["robot", "info", &urdf]).fails(2, &["broken.urdf:"]);
    flatout(&["robot", "spherize", &urdf, "--max-spheres", "0"]).fails(2, &["--max-spheres"]);
    flatout(&["robot", "spherize", &urdf, "--tolerance", "-1"]).fails(2, &["--tolerance"]);
}

/// Another robot's trajectory is bad input, not a bad motion.
#[test]
fn a_trajectory_of_another_robot_is_named() {
    let file = string(&folder("other").join("ur5.json"));
    flatout(&["plan", "scenes/ur5_shelf.yaml", "--quiet", "-o", &file]).ends_with(0);
    flatout(&["check", "scenes/panda_shelf.yaml", &file])
        .fails(2, &["ur5.json", "unknown joint \"shoulder_pan_joint\""]);
}

#[test]
fn without_a_plan_the_reason_is_given_and_it_ends_with_3() {
    let folder = folder("unsolved");
    let with = |obstacle: &str| {
        scene(&folder, "panda_shelf", &[("world:\n", &format!("world:\n  - {{name: block, {obstacle}}}\n"))])
    };
    let blocked = with("shape: sphere, radius: 0.3, position: [0, 0, 0.5]");
    flatout(&["plan", &blocked]).fails(3, &["no plan", "start", "\"panda_link", "\"block\"", "mm inside"]);
    let blocked = with("shape: sphere, radius: 0.08, position: [0.6, -0.2, 0.6]");
    flatout(&["plan", &blocked])
        .fails(3, &["no plan", "goal", "\"panda_hand\" is 69.61 mm inside obstacle \"block\""]);
    flatout(&["plan", "scenes/panda_cage.yaml", "--time-limit", "1e-6"]).fails(3, &["no plan", "time"]);
    let poor = scene(&folder, "panda_cage", &[("\nworld:", "\nplanner: {max_samples: 3}\nworld:")]);
    flatout(&["plan", &poor, "--json"]).fails(3, &["no plan", "sample", "3"]);
    // What failed writes nothing.
    let file = folder.join("none.json");
    flatout(&["plan", &poor, "-o", &string(&file)]).ends_with(3);
    assert!(!file.exists());
}

#[test]
fn check_refuses_what_is_not_valid() {
    let folder = folder("refused");
    let file = folder.join("shelf.json");
    let scene = "scenes/panda_shelf.yaml";
    flatout(&["plan", scene, "--quiet", "-o", &string(&file)]).ends_with(0);
    let good: Value = serde_json::from_str(&read(&file)).unwrap();
    let refused = |name: &str, said: &[&str], edit: &dyn Fn(&mut Value)| {
        let mut json = good.clone();
        json.as_object_mut().unwrap().remove("duration");
        edit(&mut json);
        let file = write(&folder, name, json.to_string());
        flatout(&["check", scene, &file]).fails(3, &[&["not valid"], said].concat());
    };
    let segments = |json: &mut Value| std::mem::take(json["segments"].as_array_mut().unwrap());
    refused("shifted.json", &["begins", "start"], &|json| {
        let mut all = segments(json);
        for segment in &mut all {
            let constant = &mut segment["coefficients"][0][0];
            *constant = Value::from(constant.as_f64().unwrap() + 1e-3);
        }
        json["segments"] = Value::from(all);
    });
    refused("sped_up.json", &["of \"panda_joint", "its limit"], &|json| {
        let mut all = segments(json);
        for segment in &mut all {
            segment["duration"] = Value::from(segment["duration"].as_f64().unwrap() / 1.02);
            for polynomial in segment["coefficients"].as_array_mut().unwrap() {
                for (power, c) in polynomial.as_array_mut().unwrap().iter_mut().enumerate() {
                    *c = Value::from(c.as_f64().unwrap() * 1.02_f64.powi(power as i32));
                }
            }
        }
        json["segments"] = Value::from(all);
    });
    refused("cut_short.json", &["ends", "goal"], &|json| {
        let mut all = segments(json);
        all.pop();
        json["segments"] = Value::from(all);
    });
    refused("torn.json", &["jumps"], &|json| {
        let mut all = segments(json);
        all.remove(1);
        json["segments"] = Value::from(all);
    });
    // Straight from start to goal, slowly: through the boards.
    let ends: Vec<Vec<f64>> = ["start", "goal"]
        .map(|key| {
            let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(scene));
            let line = text.lines().find(|l| l.starts_with(key)).unwrap();
            line.split_once('[')
                .unwrap()
                .1
                .trim_end_matches(']')
                .split(", ")
                .map(|x| x.parse().unwrap())
                .collect()
        })
        .into();
    let smooth = |(a, b): (&f64, &f64)| {
        let d = b - a;
        serde_json::json!([a, 0.0, 3.0 * d / 100.0, -2.0 * d / 1000.0])
    };
    refused("straight.json", &[" mm inside \""], &|json| {
        let coefficients: Vec<Value> = ends[0].iter().zip(&ends[1]).map(smooth).collect();
        json["segments"] = serde_json::json!([{"duration": 10.0, "coefficients": coefficients}]);
    });
}

const MOVEIT_SCENE: &str = "
robot_model_name: panda
robot_state:
  joint_state:
    name: [panda_joint1, panda_joint2, panda_joint3, panda_joint4, panda_joint5, panda_joint6, panda_joint7, panda_finger_joint1]
    position: [-0.4, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785, 0.03]
world:
  collision_objects:
    - id: post
      primitives: [{type: cylinder, dimensions: [1.2, 0.05]}]
      primitive_poses: [{position: [0.55, 0, 0.6], orientation: [0, 0, 0, 1]}]
";
const MOVEIT_REQUEST: &str = "
group_name: panda_arm
allowed_planning_time: 5
goal_constraints:
  - joint_constraints:
      - {joint_name: panda_joint1, position: 0.6}
      - {joint_name: panda_joint2, position: -0.5}
      - {joint_name: panda_joint3, position: 0}
      - {joint_name: panda_joint4, position: -2.2}
      - {joint_name: panda_joint5, position: 0}
      - {joint_name: panda_joint6, position: 1.7}
      - {joint_name: panda_joint7, position: 0.785}
";

#[test]
fn moveit_pairs_are_planned_and_imported() {
    let folder = folder("moveit");
    let scene = write(&folder, "moveit_scene.yaml", MOVEIT_SCENE);
    let request = write(&folder, "moveit_request.yaml", MOVEIT_REQUEST);
    plan_and_import(&folder, [&scene, &request], &panda());
    let spoiled = write(&folder, "spoiled.yaml", MOVEIT_REQUEST.replace("panda_joint4", "panda_joint44"));
    let pair = ["plan", "--scene", &scene, "--request", &spoiled].map(str::to_owned);
    flatout(&[&pair[..], &panda()].concat()).fails(2, &["spoiled.yaml:9:22", "panda_joint44"]);
}

#[test]
fn published_moveit_pairs_are_planned_and_imported() {
    let files = ["panda_spherized.urdf", "panda.srdf", "panda_joint_limits.yaml"];
    let [Some(urdf), Some(srdf), Some(limits)] = files.map(|f| shared(&format!("robots/{f}"))) else {
        return;
    };
    let option = |name: &str, file: &Path| [name.to_owned(), string(file)];
    let robot = [option("--urdf", &urdf), option("--srdf", &srdf), option("--limits", &limits)].concat();
    for set in ["box", "cage", "table_pick"] {
        let pair = ["scene", "request"].map(|kind| shared(&format!("mbm/raw/{set}_{kind}0002.yaml")));
        let [Some(scene), Some(request)] = pair else { continue };
        plan_and_import(&folder(&format!("moveit_{set}")), [&string(&scene), &string(&request)], &robot);
    }
}

/// A pair planned as it is, and turned into a scene that the trajectory fits.
fn plan_and_import(folder: &Path, [scene, request]: [&str; 2], robot: &[String]) {
    let (trajectory, imported) = (string(&folder.join("pair.json")), string(&folder.join("imported.yaml")));
    let run = |command: &str, output: &str| {
        let pair = [command, "--scene", scene, "--request", request, "-o", output].map(str::to_owned);
        flatout(&[&pair[..], robot].concat()).ends_with(0)
    };
    run("plan", &trajectory);
    run("import", &imported);
    flatout(&["plan", &imported]).ends_with(0);
    flatout(&["check", &imported, &trajectory]).ends_with(0);
}

#[test]
fn import_without_a_file_prints_the_scene() {
    let folder = folder("import");
    let scene = write(&folder, "moveit_scene.yaml", MOVEIT_SCENE);
    let request = write(&folder, "moveit_request.yaml", MOVEIT_REQUEST);
    let pair = ["import", "--scene", &scene, "--request", &request].map(str::to_owned);
    let run = flatout(&[&pair[..], &panda()].concat()).ends_with(0);
    assert!(run.out.contains("name: post"), "{}", run.out);
}

#[test]
fn robot_info_tells_what_there_is() {
    let [_, urdf, srdf, limits] = [0, 1, 3, 5].map(|i| panda()[i].clone());
    let run = flatout(&["robot", "info", &urdf, "--srdf", &srdf, "--limits", &limits]).ends_with(0);
    for said in ["panda_link7", "panda_joint4", "panda_arm", "ready", "spheres", "58 spheres"] {
        assert!(run.out.contains(said), "\"{said}\" is missing in: {}", run.out);
    }
    // Without an SRDF pairs are found by sampling.
    flatout(&["robot", "info", &urdf]).ends_with(0);
}

#[test]
fn robot_evaluate_writes_what_can_be_held_against_others() {
    let folder = folder("evaluate");
    let [urdf, srdf] = ["urdf", "srdf"].map(|kind| string(&own_file("panda", &format!("panda.{kind}"))));
    let files = ["robot", "evaluate", &urdf, "--srdf", &srdf];
    let evaluate = |name: &str, more: &[&str]| {
        let out = string(&folder.join(name));
        flatout(&[&files[..], &["--states", "3", "--seed", "5", "-o", &out], more].concat()).ends_with(0);
        read(Path::new(&out))
    };
    let text = evaluate("a.json", &[]);
    assert_eq!(text, evaluate("b.json", &[]));
    let json: Value = serde_json::from_str(&text).unwrap();
    let count = |value: &Value| value.as_array().unwrap().len();
    let states = json["states"].as_array().unwrap();
    assert_eq!(json["format"], "flatout-evaluation/1");
    assert_eq!(states.iter().filter(|s| s["name"].is_null()).count(), 3);
    for state in states {
        assert_eq!(count(&state["poses"]), count(&json["links"]));
        for key in ["position", "velocity", "acceleration", "efforts"] {
            assert_eq!(count(&state[key]), count(&json["joints"]), "{key}");
        }
    }
    flatout(&[&files[..], &["-o", &urdf]].concat()).fails(2, &["panda.urdf", "read as an input"]);
    let out = string(&folder.join("none.json"));
    flatout(&[&files[..], &["-o", &out, "--joints", "nose"]].concat()).fails(2, &["panda.urdf", "\"nose\""]);
    flatout(&[&files[..], &["-o", &out, "--states", "0"]].concat()).fails(2, &["--states"]);
    assert!(!Path::new(&out).exists());
}

const SOLID_ARM: &str = r#"<robot name="arm">
  <link name="base"><collision><geometry><box size="0.2 0.2 0.1"/></geometry></collision></link>
  <link name="upper">
    <collision><origin xyz="0 0 0.3"/><geometry><cylinder radius="0.05" length="0.4"/></geometry></collision>
  </link>
  <joint name="shoulder" type="revolute">
    <parent link="base"/><child link="upper"/><origin xyz="0 0 0.05"/><axis xyz="0 1 0"/>
    <limit lower="-1.5" upper="1.5" velocity="2" effort="50"/>
  </joint>
</robot>
"#;

#[test]
fn spherize_covers_a_robot_and_says_what_that_adds() {
    let folder = folder("spherize");
    let (urdf, covered) = (write(&folder, "arm.urdf", SOLID_ARM), string(&folder.join("covered.urdf")));
    let run = flatout(&["robot", "spherize", &urdf, "-o", &covered]).ends_with(0);
    for said in ["base", "box", "upper", "cylinder", "spheres", "mm", "cm³", "total"] {
        assert!(run.out.contains(said), "\"{said}\" is missing in: {}", run.out);
    }
    let text = read(Path::new(&covered));
    assert!(text.contains("<sphere") && !text.contains("<box") && !text.contains("<cylinder"), "{text}");
    assert!(text.contains("name=\"shoulder\" type=\"revolute\""));
    flatout(&["robot", "info", &covered]).ends_with(0);
    let spheres = |more: &[&str]| {
        let run = flatout(&[&["robot", "spherize", &urdf], more].concat()).ends_with(0);
        let total = run.out.lines().find(|l| l.starts_with("total")).unwrap().to_owned();
        total.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap()
    };
    assert_eq!(spheres(&["--max-spheres", "1"]), 2);
    assert!(spheres(&["--tolerance", "0.01"]) > spheres(&["--tolerance", "0.05"]));
}

#[test]
fn bench_runs_a_suite_and_writes_what_it_did() {
    let folder = folder("bench");
    let suite = r#"{"format": "mbm-json/1", "robot": "panda",
        "joints": ["panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4", "panda_joint5", "panda_joint6", "panda_joint7"],
        "problems": [
        {"set": "easy", "index": 3, "start": [0, -0.785, 0, -2.356, 0, 1.571, 0.785], "goal": [0.6, -0.5, 0, -2.2, 0, 1.7, 0.785],
         "obstacles": [{"name": "ball", "shape": "sphere", "radius": 0.1, "position": [0.6, -0.5, 0.3], "quaternion_xyzw": [0, 0, 0, 1]}]},
        {"set": "hopeless", "index": 4, "start": [0, -0.785, 0, -2.356, 0, 1.571, 0.785], "goal": [0.6, -0.5, 0, -2.2, 0, 1.7, 0.785],
         "obstacles": [{"name": "ball", "shape": "sphere", "radius": 0.4, "position": [0, 0, 0.5], "quaternion_xyzw": [0, 0, 0, 1]}]}]}"#;
    let file = write(&folder, "suite.json", suite);
    let (results, trajectories) = (folder.join("out.json"), folder.join("trajectories"));
    let (out, dir) = (string(&results), string(&trajectories));
    let command =
        ["bench", "mbm", &file, "--json", &out, "--trajectories", &dir, "--repeat", "3", "--seed", "5"];
    let command = [&command.map(str::to_owned)[..], &panda()].concat();
    let run = flatout(&command).ends_with(0);
    for said in ["easy", "hopeless", "all", "1/2", "seed 5", "hopeless 4: no plan: the start is invalid"] {
        assert!(run.out.contains(said), "\"{said}\" is missing in: {}", run.out);
    }
    let json: Value = serde_json::from_str(&read(&results)).unwrap();
    assert_eq!((&json["suite"], &json["robot"], &json["seed"]), (&"mbm".into(), &"panda".into(), &5.into()));
    assert!(json["backend"].as_str().unwrap().starts_with("simd"));
    assert!(json["threads"].is_u64() && json["machine"].is_object());
    let [easy, hopeless] = json["results"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!(
        (&easy["set"], &easy["index"], &easy["status"]),
        (&"easy".into(), &3.into(), &"solved".into())
    );
    for key in ["plan_us", "refine_us", "certify_us", "total_us", "duration_s"] {
        assert!(easy[key].as_f64().unwrap() > 0.0, "{key}");
    }
    for key in ["iterations", "edges", "states"] {
        assert!(easy[key].is_u64() && hopeless[key].is_u64(), "{key}");
    }
    assert!(hopeless["status"].as_str().unwrap().contains("start"));
    assert!(hopeless["duration_s"].is_null());
    let written: Vec<_> = std::fs::read_dir(&trajectories).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(written, ["easy_3.json"]);
    let trajectory: Value = serde_json::from_str(&read(&trajectories.join("easy_3.json"))).unwrap();
    assert_eq!(trajectory["duration"], easy["duration_s"]);
    assert!(json.get("wall_s").is_none());

    // Light work, so that its torques change nothing.
    flatout(&[&command[..], &["--torque".to_owned()]].concat()).ends_with(0);
    let torque: Value = serde_json::from_str(&read(&results)).unwrap();
    assert_eq!(torque["results"][0]["status"], "solved");

    // All at once gives the same.
    let run =
        flatout(&[&command[..], &["--batch", "--threads", "2"].map(str::to_owned)].concat()).ends_with(0);
    assert!(run.out.contains("batch of 2 in ") && run.out.contains(" problems/s"), "{}", run.out);
    let batch: Value = serde_json::from_str(&read(&results)).unwrap();
    assert!(batch["wall_s"].as_f64().unwrap() > 0.0 && batch["threads"] == 2);
    for (one, other) in batch["results"].as_array().unwrap().iter().zip([easy, hopeless]) {
        for key in ["set", "index", "status", "duration_s", "iterations", "edges", "states"] {
            assert_eq!(one[key], other[key], "{key}");
        }
    }
}

#[test]
fn a_batch_of_scenes_gives_a_file_each() {
    let folder = folder("batch");
    let to = string(&folder.join("new").join("deeper"));
    let scenes = ["panda_shelf", "panda_moving_start", "ur5_shelf"].map(|n| format!("scenes/{n}.yaml"));
    let arguments = |threads: &str| {
        let options = ["batch", "-o", &to, "--threads", threads, "--seed", "5"].map(str::to_owned);
        options.into_iter().chain(scenes.iter().cloned()).collect::<Vec<String>>()
    };
    let outputs = || scenes.each_ref().map(|s| Path::new(&to).join(Path::new(s).file_stem().unwrap()));
    let trajectories = || -> Vec<Value> {
        let json = |file: PathBuf| serde_json::from_str(&read(&file.with_extension("json"))).unwrap();
        outputs().map(json).into_iter().map(|v: Value| v["segments"].clone()).collect()
    };
    let run = flatout(&arguments("2")).ends_with(0);
    assert_eq!(run.err, "");
    for scene in &scenes {
        let line = run.out.lines().find(|line| line.starts_with(scene.as_str())).unwrap();
        assert!(line.contains(" s, at least ") && line.contains(" mm clear, in "), "{line}");
    }
    assert!(run.out.lines().last().unwrap().starts_with("3 of 3 solved in "), "{}", run.out);
    let first = trajectories();
    for (scene, file) in scenes.iter().zip(outputs()) {
        flatout(&["check", scene, &string(&file.with_extension("json"))]).ends_with(0);
        // As planned alone.
        let alone = flatout(&["plan", scene, "--seed", "5", "--json"]).ends_with(0).json();
        assert!(first.contains(&alone["segments"]));
    }
    flatout(&arguments("1")).ends_with(0);
    assert_eq!(first, trajectories());
    let quiet = flatout(&["batch", &scenes[0], "-o", &to, "--format", "csv", "--quiet"]).ends_with(0);
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    flatout(&["check", &scenes[0], &string(&Path::new(&to).join("panda_shelf.csv"))]).ends_with(0);
}

#[test]
fn a_batch_says_what_it_could_not_do() {
    let folder = folder("batch_failures");
    let to = string(&folder.join("out"));
    let hard = scene(&folder, "panda_cage", &[("start:", "planner: {max_samples: 1}\nstart:")]);
    let run = flatout(&["batch", "scenes/panda_shelf.yaml", &hard, "-o", &to]).ends_with(3);
    assert!(
        run.out.contains("no plan: sample budget spent") && run.out.contains("1 of 2 solved"),
        "{}",
        run.out
    );
    assert!(run.err.contains("1 without a plan"), "{}", run.err);
    assert!(Path::new(&to).join("panda_shelf.json").exists());
    assert!(!Path::new(&to).join("panda_cage.json").exists());
    let twin = scene(&folder, "panda_shelf", &[]);
    let said = ["panda_shelf.json is already that of scenes/panda_shelf.yaml"];
    flatout(&["batch", "scenes/panda_shelf.yaml", &twin, "-o", &to]).fails(2, &said);
    flatout(&["batch", "absent.yaml", "-o", &to]).fails(2, &["absent.yaml"]);
    flatout(&["batch", &hard, "-o", &to, "--format", "txt"]).fails(2, &["txt"]);
    flatout(&["batch", &hard, "-o", &hard]).fails(1, &["cannot make the folder"]);
    flatout(&["batch", &hard, "-o", &to, "--threads", "0"])
        .fails(2, &["expected a whole number from 1 to 1024"]);
}

/// `flatout ... | head -c 1`.
#[test]
fn a_reader_that_leaves_is_no_fault() {
    for command in
        [vec!["plan", "scenes/panda_lift.yaml", "--json"], vec!["robot", "info", "robots/panda/panda.urdf"]]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flatout"))
            .args(&command)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn help_names_every_command() {
    let run = flatout(&["--help"]).ends_with(0);
    for command in ["plan", "batch", "check", "robot", "import", "bench"] {
        assert!(run.out.contains(&format!("\n  {command}")), "{}", run.out);
        flatout(&[command, "--help"]).ends_with(0);
    }
    let version = flatout(&["--version"]).ends_with(0);
    assert_eq!(version.out, format!("flatout {}\n", env!("CARGO_PKG_VERSION")));
}

/// Spoils a file as editors, disks and careless hands do.
fn spoil(random: &mut Pcg64Mcg, text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..text.len());
        let end = (at + random.random_range(1..40)).min(text.len());
        match random.random_range(0..7) {
            0 => drop(text.drain(at..end)),
            1 => text.truncate(at.max(1)),
            2 => text[at] = random.random(),
            3 => {
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            4 => drop(text.splice(
                at..at,
                [b"<", b"\"", b"}", b"[", b":", b"\n", b"&"][random.random_range(0..7)].iter().copied(),
            )),
            // A number becomes another, or none.
            _ => {
                let digits = (at..text.len()).find(|&i| text[i].is_ascii_digit());
                let Some(from) = digits else { continue };
                let length = text[from..].iter().take_while(|c| c.is_ascii_digit() || **c == b'.').count();
                let numbers = ["NaN", "1e999", "-1", "0", "1e-300", "18446744073709551616", "~", "inf"];
                let number = numbers[random.random_range(0..numbers.len())];
                text.splice(from..from + length, number.bytes());
            }
        }
    }
    text
}

/// Whatever a file holds, the command ends by its rules. A case that fails names itself.
#[test]
fn spoiled_files_never_panic() {
    let folder = folder("spoiled");
    for name in ["panda.urdf", "panda.srdf", "joint_limits.yaml"] {
        std::fs::copy(own_file("panda", name), folder.join(name)).unwrap();
    }
    let robots = string(&own_file("panda", ""));
    let shelf = scene(&folder, "panda_shelf", &[]);
    let text = read(Path::new(&shelf)).replace(robots.trim_end_matches('/'), folder.to_str().unwrap());
    let shelf = write(&folder, "panda_shelf.yaml", text);
    for name in ["shelf.json", "shelf.csv", "shelf_points.yaml"] {
        flatout(&["plan", &shelf, "--quiet", "-o", &string(&folder.join(name))]).ends_with(0);
    }
    let files = [
        ("panda_shelf.yaml", 16),
        ("panda.urdf", 16),
        ("panda.srdf", 12),
        ("joint_limits.yaml", 8),
        ("shelf.json", 10),
        ("shelf.csv", 8),
        ("shelf_points.yaml", 8),
    ];
    let mut codes = [0; 4];
    for (name, cases) in files {
        let whole = std::fs::read(folder.join(name)).unwrap();
        for case in 0..cases {
            let spoiled = spoil(&mut Pcg64Mcg::seed_from_u64(case), &whole);
            let file = write(&folder, name, spoiled);
            let run = match name {
                "shelf.json" | "shelf.csv" | "shelf_points.yaml" => flatout(&["check", &shelf, &file]),
                _ => flatout(&["plan", &shelf, "--time-limit", "0.5"]),
            };
            let code = run.code.and_then(|c| codes.get_mut(c as usize)).filter(|_| run.code != Some(1));
            let Some(code) = code else { panic!("{name}, case {case}: {:?} {}", run.code, run.err) };
            *code += 1;
        }
        write(&folder, name, whole);
    }
    // The cases must be spoiled enough to mean something, and not all alike.
    assert!(codes[2] > 20 && codes[0] + codes[3] > 5, "{codes:?}");
}

/// Trees of the published robots: a table beside published figures, and curves whose cost never rises.
#[test]
fn bench_rrt_star_draws_cost_against_states() {
    let folder = folder("rrt_star");
    let [csv, svg] = ["curves.csv", "curves.svg"].map(|name| folder.join(name).display().to_string());
    let trees = [
        ("double-integrator", "within:1"),
        ("quadrotor", "all"),
        ("car", "cost:6"),
        ("corner", "within:1"),
        ("slalom", "all"),
    ];
    for (robot, neighbours) in trees {
        let asked = ["bench", "rrt-star", "--robot", robot, "--neighbours", neighbours, "--nodes", "40"];
        let output = flatout(&[&asked[..], &["--seeds", "2", "--csv", &csv, "--svg", &svg]].concat());
        let table = output.ends_with(0).out;
        let is_known = ["corner", "slalom"].contains(&robot);
        assert!(table.contains(robot) && table.contains("within 2 %") == is_known, "{table}");
        let text = std::fs::read_to_string(&csv).unwrap();
        let mut before: Option<(&str, usize, f64)> = None;
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let (seed, nodes, cost) =
                (fields[2], fields[3].parse().unwrap(), fields[6].parse().unwrap_or(f64::INFINITY));
            if let Some((_, fewer, dearer)) = before.filter(|(other, ..)| *other == seed) {
                assert!(nodes >= fewer && cost <= dearer, "{robot}: {line}");
            }
            before = Some((seed, nodes, cost));
        }
        assert!(before.is_some_and(|(_, nodes, _)| nodes == 40), "{robot}: {text}");
        assert!(std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    }
    flatout(&["bench", "rrt-star", "--neighbours", "within:-1"]).fails(2, &["within:X"]);
}

/// Cost against time of several searches: a table, a line per answer, and a picture.
#[test]
fn bench_converge_draws_cost_against_time() {
    let folder = folder("converge");
    let names = ["answers.csv", "curves.svg", "runs.json"];
    let [csv, svg, json] = names.map(|name| folder.join(name).display().to_string());
    let asked =
        ["bench", "converge", "scenes/point_yard.yaml", "--kind", "arm", "--count", "2", "--seeds", "2"];
    let planners =
        ["--planner", "aorrtc", "--planner", "rrt-connect", "--planner", "rrt-star", "--time", "0.02"];
    let files = ["--csv", &csv, "--svg", &svg, "--json", &json];
    let output = flatout(&[&asked[..], &planners, &files].concat());
    let table = output.ends_with(0).out.clone();
    assert!(["aorrtc", "rrt-connect", "rrt-star", "6/6"].iter().all(|word| table.contains(word)), "{table}");
    let mut before: Option<(String, f64, f64)> = None;
    let text = std::fs::read_to_string(&csv).unwrap();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (run, seconds, cost) =
            (fields[..3].join(","), fields[3].parse().unwrap(), fields[4].parse().unwrap());
        if let Some((_, earlier, dearer)) = before.filter(|(other, ..)| *other == run) {
            assert!(seconds >= earlier && cost < dearer, "{line}");
        }
        before = Some((run, seconds, cost));
    }
    assert!(before.is_some() && std::fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["runs"].as_array().unwrap().len(), 18);
    flatout(&["bench", "converge"]).fails(2, &["SCENES"]);
    flatout(&["bench", "converge", "--kind", "arm", "--cost", "effort:-1"]).fails(2, &["effort:SECOND"]);
}

/// What answers are judged by stands in scenes and on the command line.
#[test]
fn answers_are_judged_by_what_is_asked() {
    let cost = |cost: &str| {
        let output = flatout(&["plan", "scenes/point_yard.yaml", "--quality", "balanced", "--cost", cost]);
        output.ends_with(0).out.clone()
    };
    assert!(cost("effort:1").contains("no motion costs less than"));
    assert!(cost("duration").contains("no motion takes less than"));
    flatout(&["plan", "scenes/point_yard.yaml", "--cost", "speed"]).fails(2, &["clearance:MARGIN:WEIGHT"]);
    let scene = std::fs::read_to_string("scenes/point_yard.yaml").unwrap();
    let file = folder("costs").join("scene.yaml").display().to_string();
    let judged = |cost: &str| {
        let planner = format!("planner:\n  cost: {cost}\n  quality: balanced\n");
        std::fs::write(&file, scene.replace("planner:\n", &planner)).unwrap();
        flatout(&["plan", &file])
    };
    assert!(judged("effort:1").ends_with(0).out.contains("no motion costs less than"));
    judged("effort").fails(2, &["cost", "effort:SECOND"]);
}

#[test]
fn bench_kinopax_plans_every_seed() {
    let folder = folder("kinopax");
    let file = folder.join("wall.csv");
    std::fs::write(&file, "0.4, 0, 0, 0.5, 1, 0.7\n0.6,0,0.3,0.7,1,1\n").unwrap();
    let (file, out) =
        (file.to_str().unwrap().to_owned(), folder.join("out.json").to_str().unwrap().to_owned());
    let dir = folder.join("trajectories");
    let arguments = ["bench", "kinopax", &file, "--system", "point", "--seeds", "3", "--json", &out];
    let run =
        flatout(&[&arguments[..], &["--trajectories", dir.to_str().unwrap(), "--backend", "simd"]].concat());
    assert!(run.ends_with(0).out.contains("3/3"));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    let results = report["results"].as_array().unwrap();
    for (seed, result) in results.iter().enumerate() {
        assert_eq!((&result["instance"], &result["status"]), (&"wall".into(), &"solved".into()));
        assert_eq!((&result["seed"], &result["reference_s"]), (&seed.into(), &Value::Null));
        assert!(result["total_us"].as_f64().unwrap() > 0.0 && result["duration_s"].as_f64().unwrap() > 3.0);
        let text = std::fs::read_to_string(dir.join(format!("wall_{seed}.json"))).unwrap();
        let trajectory: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(trajectory["control_names"], serde_json::json!(["ax", "ay", "az"]));
    }
    flatout(&["bench", "kinopax", &file, "--system", "boat"]).fails(2, &["point, airplane or quadrotor"]);
    std::fs::write(&file, "0,0,0,1,1,1\n0,0,0,1,1\n").unwrap();
    flatout(&["bench", "kinopax", &file, "--system", "point"])
        .fails(2, &["wall.csv:2: expected six numbers"]);
}

/// Reports of one suite are held against each other, whatever suite it is.
#[test]
fn bench_compare_tells_what_became_worse() {
    let folder = folder("compare");
    let csv = write(&folder, "post.csv", "0.4, 0.4, 0, 0.5, 0.5, 1\n");
    let report = |name: &str| string(&folder.join(name));
    let bench = |arguments: &[&str], name: &str| {
        let out = report(name);
        flatout(&[&["bench"], arguments, &["--json", &out, "--backend", "simd"]].concat()).ends_with(0);
        out
    };
    let point = ["kinopax", &csv, "--system", "point", "--seeds", "2"];
    let old = bench(&point, "old.json");
    let compare =
        |old: &str, new: &str, more: &[&str]| flatout(&[&["bench", "compare", old, new], more].concat());
    let same = compare(&old, &old, &["--fail-above", "1.0"]).ends_with(0);
    for said in ["kinopax point", "time us", "duration s", "post", "median", "p95", "max", "1.000"] {
        assert!(same.out.contains(said), "\"{said}\" is missing in: {}", same.out);
    }

    // The new one is slower and has lost an answer.
    let mut json: Value = serde_json::from_str(&read(Path::new(&old))).unwrap();
    json["results"][0]["total_us"] = (10.0 * json["results"][0]["total_us"].as_f64().unwrap()).into();
    json["results"][1]["duration_s"] = Value::Null;
    let new = write(&folder, "new.json", json.to_string());
    let out = report("comparison.json");
    let run = compare(&old, &new, &["--json", &out]).ends_with(0);
    assert!(run.out.contains("no longer solved: post seed 1"), "{}", run.out);
    let said = ["post: 1 solved, 2 before", "post: median of time is 10.000 times what it was"];
    compare(&old, &new, &["--fail-above", "1.5"]).fails(1, &said);
    compare(&new, &old, &["--fail-above", "1.5", "--of", "median"]).ends_with(0);
    let comparison: Value = serde_json::from_str(&read(Path::new(&out))).unwrap();
    let group = &comparison["groups"][0];
    assert_eq!(
        (&group["name"], &group["solved_new"], &group["problems"]),
        (&"post".into(), &1.into(), &2.into())
    );
    assert_eq!((&group["time_us"]["ratio"]["p95"], &group["lost"][0]), (&10.0.into(), &"post seed 1".into()));

    // Other systems and suites, and what is no report.
    let airplane = bench(&["kinopax", &csv, "--system", "airplane", "--seeds", "1"], "airplane.json");
    compare(&old, &airplane, &[])
        .fails(2, &["airplane.json: different suites: kinopax point, and kinopax airplane"]);
    let others = [
        bench(&["samples", "--kind", "maze2d", "--count", "2", "--seeds", "1"], "samples.json"),
        bench(&["scenes", "scenes/panda_table.yaml", "--seeds", "1"], "scenes.json"),
        bench(&["deadline", "--count", "12", "--limit", "0.002"], "deadline.json"),
    ];
    for other in &others {
        compare(other, other, &["--fail-above", "1"]).ends_with(0);
        compare(&old, other, &[]).fails(2, &["different suites"]);
    }
    compare(&others[0], &others[1], &[]).fails(2, &["no problem of", "is in both reports"]);
    let edges = report("edges.json");
    let arguments = ["bench", "edges", "--obstacles", "3", "--most", "1", "--time", "1e-4", "--json", &edges];
    flatout(&arguments).ends_with(0);
    compare(&edges, &edges, &["--fail-above", "1"]).ends_with(0);
    compare("scenes/panda_table.yaml", &old, &[]).fails(2, &["panda_table.yaml:", "expected a report"]);
    compare(&old, "none.json", &[]).fails(2, &["none.json: cannot read the file"]);
    compare(&old, &old, &["--fail-above", "1", "--of", "mean"]).fails(2, &["median, p95 or max"]);
}

/// A curve of qualities, and replans, are reports as well.
#[test]
fn bench_compare_reads_curves_and_replans() {
    let folder = folder("compare_arms");
    let suite = r#"{"format": "mbm-json/1", "robot": "panda",
        "joints": ["panda_joint1", "panda_joint2", "panda_joint3", "panda_joint4", "panda_joint5", "panda_joint6", "panda_joint7"],
        "problems": [
        {"set": "easy", "index": 3, "start": [0, -0.785, 0, -2.356, 0, 1.571, 0.785], "goal": [0.6, -0.5, 0, -2.2, 0, 1.7, 0.785],
         "obstacles": []}]}"#;
    let suite = write(&folder, "suite.json", suite);
    for arguments in [&["mbm", &suite, "--curve"][..], &["mbm", &suite], &["replan", &suite, "--count", "3"]]
    {
        let out = string(&folder.join("out.json"));
        let arguments = [&["bench"], arguments, &["--json", &out]].concat();
        let arguments = [&arguments.iter().map(|&a| a.to_owned()).collect::<Vec<_>>()[..], &panda()].concat();
        flatout(&arguments).ends_with(0);
        let run = flatout(&["bench", "compare", &out, &out, "--fail-above", "1"]).ends_with(0);
        assert!(run.out.contains("panda\nold: simd/"), "{}", run.out);
    }
}

/// One problem of every kind and vehicle is drawn, written and planned.
#[test]
fn bench_families_runs_all_of_them() {
    let folder = folder("families");
    let (scenes, out) = (string(&folder.join("scenes")), string(&folder.join("out.json")));
    let all = ["--seeds", "1", "--time-limit", "0.05", "--backend", "simd"];
    let run = flatout(&[&["bench", "families", "--json", &out, "--write", &scenes], &all[..]].concat());
    let run = run.ends_with(0);
    let json: Value = serde_json::from_str(&read(Path::new(&out))).unwrap();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 39);
    for result in results {
        let instance = result["instance"].as_str().unwrap();
        assert!(run.out.contains(instance), "{instance} is missing in: {}", run.out);
        let file = format!("{scenes}/{}_0.yaml", instance.replace(' ', "_"));
        assert!(Path::new(&file).is_file(), "{file}");
        assert_eq!(result["qualities"][0]["quality"], "fast");
    }
    assert!(results.iter().any(|r| r["qualities"].as_array().unwrap().len() == 3), "{}", run.out);
    flatout(&["bench", "compare", &out, &out, "--fail-above", "1"]).ends_with(0);

    let some = ["bench", "families", "--kind", "dead-end", "--vehicle", "point", "--quality", "best"];
    let run = flatout(&[&some, &all[..]].concat()).ends_with(0);
    assert!(run.out.contains("dead-end point") && !run.out.contains("fast"), "{}", run.out);
}

#[test]
fn bench_families_refuses_what_is_none() {
    let refuse = |arguments: &[&str], said: &[&str]| {
        flatout(&[&["bench", "families"], arguments].concat()).fails(2, said);
    };
    refuse(
        &["--kind", "slot", "--vehicle", "car"],
        &["slot is not for car; expected one of planar-quadrotor, quadrotor"],
    );
    refuse(
        &["--kind", "forest", "--vehicle", "car", "--vehicle", "car-trailer"],
        &["is not for car-trailer"],
    );
    refuse(&["--kind", "woods"], &["parking, maze, forest"]);
    refuse(&["--vehicle", "boat"], &["point, drive"]);
    refuse(&["--resume"], &["expected --json as well"]);
}

#[test]
fn bench_kinopax_flies() {
    let folder = folder("kinopax_airplane");
    let file = write(&folder, "post.csv", "0.4, 0.4, 0, 0.5, 0.5, 1\n");
    for (system, seeds) in [("airplane", "2"), ("quadrotor", "2")] {
        let solved = format!("{seeds}/{seeds}");
        let arguments =
            ["bench", "kinopax", &file, "--system", system, "--seeds", seeds, "--backend", "simd"];
        let run = flatout(&arguments).ends_with(0);
        assert!(run.out.contains(&solved), "{}", run.out);
    }
}

#[test]
fn bench_dynobench_compares_with_references() {
    let folder = folder("dynobench");
    let (envs, models) = (folder.join("envs/integrator2_2d_v0"), folder.join("models"));
    std::fs::create_dir_all(&envs).unwrap();
    std::fs::create_dir_all(&models).unwrap();
    let environment = "environment:\n  min: [0, 0]\n  max: [2, 2]\n  obstacles:\n    - {type: box, center: [1, 0.8], size: [0.2, 1.6]}\n\
        robots:\n  - {type: little, start: [0.3, 0.3, 0, 0], goal: [1.7, 0.3, 0, 0]}\n";
    std::fs::write(envs.join("wall.yaml"), environment).unwrap();
    std::fs::write(envs.join("boat.yaml"), environment.replace("little", "boat")).unwrap();
    std::fs::write(models.join("little.yaml"), "dynamics: integrator2_2d\nshape: sphere\nradius: 0.1\n")
        .unwrap();
    std::fs::write(
        folder.join("reference_durations.csv"),
        "system,environment,duration_s\nintegrator2_2d_v0,wall,6\n",
    )
    .unwrap();
    let (folder, models) = (folder.to_str().unwrap(), models.to_str().unwrap());
    let out = format!("{folder}/out.json");
    let arguments = ["bench", "dynobench", folder, "--models", models, "--seeds", "2", "--json", &out];
    let run = flatout(&[&arguments[..], &["--backend", "simd"]].concat()).ends_with(0);
    assert!(run.out.contains("2/2") && run.out.contains("boat: left out"), "{}", run.out);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(report["results"][1]["instance"], "integrator2_2d_v0/wall");
    assert_eq!(report["results"][1]["reference_s"], 6.0);
    // A vehicle; where it cannot start, every seed says why.
    let unicycle = "dynamics: unicycle1\nshape: box\nsize: [0.2, 0.1]\nmin_vel: -0.5\nmax_vel: 0.5\n";
    std::fs::write(format!("{models}/little.yaml"), unicycle).unwrap();
    let environment = environment.replace(", 0, 0], goal", ", 0], goal").replace(", 0, 0]}", ", 0.5]}");
    std::fs::write(envs.join("wall.yaml"), &environment).unwrap();
    std::fs::write(envs.join("inside.yaml"), environment.replace("start: [0.3", "start: [1")).unwrap();
    let run = flatout(&[&arguments[..], &["--backend", "simd"]].concat()).ends_with(0);
    assert!(
        run.out.contains("2/2") && run.out.contains("inside seed 1: no plan: the start is invalid"),
        "{}",
        run.out
    );
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(report["results"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["results"][0]["duration_s"], Value::Null);
    assert!(report["results"][0]["status"].as_str().unwrap().contains("inside obstacle \"box 0\""));
    std::fs::write(format!("{models}/little.yaml"), "dynamics: integrator2_2d\nmax_vel: fast\n").unwrap();
    flatout(&["bench", "dynobench", folder, "--models", models])
        .fails(2, &["little.yaml:2:10: max_vel: expected a finite number, found \"fast\""]);
}

/// What cannot be said is an error, unless the reader has gone away.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_none() {
    let run = |output: Stdio| {
        let run = Command::new(env!("CARGO_BIN_EXE_flatout"))
            .args(["plan", "scenes/panda_table.yaml"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(output)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, said) = run(full.into());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(run(writer.into()), (Some(0), String::new()));
}

#[test]
fn qualities_and_time_to_improve_shorten_the_trajectory() {
    let folder = folder("qualities");
    let duration = |more: &[&str]| {
        let file = string(&folder.join("shelf.json"));
        let plan = ["plan", "scenes/panda_shelf.yaml", "--quiet", "-o", &file];
        flatout(&[&plan, more].concat()).ends_with(0);
        flatout(&["check", "scenes/panda_shelf.yaml", &file]).ends_with(0);
        let json: Value = serde_json::from_str(&read(Path::new(&file))).unwrap();
        json["duration"].as_f64().unwrap()
    };
    let fast = duration(&["--quality", "fast"]);
    assert_eq!(fast, duration(&[]), "fast is the default");
    let best = duration(&["--quality", "best"]);
    assert!(best < 0.95 * duration(&["--quality", "balanced"]).min(fast) + 0.05 * fast, "{best} of {fast}");
    assert!(duration(&["--improve", "1"]) < fast);
    let named = scene(&folder, "panda_shelf", &[("\nworld:", "\nplanner: {quality: best}\nworld:")]);
    let file = string(&folder.join("named.json"));
    flatout(&["plan", &named, "--quiet", "-o", &file]).ends_with(0);
    let json: Value = serde_json::from_str(&read(Path::new(&file))).unwrap();
    assert_eq!(json["duration"].as_f64(), Some(best), "a scene may choose it too");
    flatout(&["plan", "scenes/panda_shelf.yaml", "--quality", "finest"])
        .fails(2, &["--quality", "expected fast, balanced or best"]);
}

#[test]
fn threads_share_a_query() {
    let folder = folder("threads");
    let plan = |threads: &str, name: &str| {
        let file = folder.join(name);
        let plan = ["plan", "scenes/panda_cage.yaml", "--quiet", "--threads", threads, "-o", &string(&file)];
        flatout(&plan).ends_with(0);
        flatout(&["check", "scenes/panda_cage.yaml", &string(&file)]).ends_with(0);
        read(&file)
    };
    assert_eq!(plan("3", "a.csv"), plan("3", "b.csv"));
    flatout(&["plan", "scenes/panda_cage.yaml", "--threads", "0"]).fails(2, &["--threads", "from 1 to 1024"]);
}

#[test]
fn a_running_trajectory_is_left_for_another_goal() {
    let folder = folder("replan");
    let running = string(&folder.join("running.json"));
    flatout(&["plan", "scenes/panda_shelf.yaml", "--quiet", "-o", &running]).ends_with(0);
    // Back to where it came from.
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/panda_shelf.yaml"));
    let line = |key: &str| {
        let found = text.lines().find(|line| line.starts_with(key)).expect("a line of the scene");
        found.to_owned()
    };
    let (start, goal) = (line("start:"), line("goal:"));
    let back = scene(&folder, "panda_shelf", &[(&goal, &start.replace("start:", "goal:"))]);
    let (whole, rest) = (string(&folder.join("whole.json")), string(&folder.join("rest.json")));
    let replan =
        |from: &str, more: &[&str]| flatout(&[&["replan", &back, &running, "--from", from], more].concat());
    let run = replan("0.6", &["--join", "-o", &whole]).ends_with(0);
    assert!(run.out.starts_with("solved in"), "{}", run.out);
    // The whole begins where the first trajectory did, and the scene's own start is there too.
    flatout(&["check", &back, &whole]).ends_with(0);
    replan("0.6", &["--quiet", "-o", &rest]).ends_with(0);
    let [old, whole, rest] = [&running, &whole, &rest]
        .map(|file| -> Value { serde_json::from_str(&read(Path::new(file))).unwrap() });
    let number = |v: &Value| v.as_f64().unwrap();
    assert!((number(&whole["duration"]) - 0.6 - number(&rest["duration"])).abs() < 1e-9);
    // It leaves at the very state that the running one has there.
    let samples = |json: &Value, key: &str, i: usize| -> Vec<f64> {
        json["samples"][key][i].as_array().unwrap().iter().map(number).collect()
    };
    let times = old["samples"]["time"].as_array().unwrap();
    let at = times.iter().position(|t| number(t) > 0.6).unwrap();
    let dt = number(&times[at]) - 0.6;
    for (j, (p, v)) in samples(&rest, "position", 0).iter().zip(samples(&rest, "velocity", 0)).enumerate() {
        let expected = samples(&old, "position", at)[j];
        assert!((p + v * dt - expected).abs() < 20.0 * dt * dt + 1e-9, "output {j}");
    }
    assert!(samples(&rest, "velocity", 0).iter().any(|v| v.abs() > 0.1), "it moves there");
    replan("99", &[]).fails(2, &["running.json", "--from 99", "expected a time from 0 to"]);
    replan("-1", &[]).fails(2, &["--from -1"]);
}

#[test]
fn a_replan_says_why_it_fails() {
    let folder = folder("replan_fails");
    let running = string(&folder.join("running.json"));
    flatout(&["plan", "scenes/panda_shelf.yaml", "--quiet", "-o", &running]).ends_with(0);
    // The first joint may no longer go where the trajectory is about to take it.
    let json: Value = serde_json::from_str(&read(Path::new(&running))).unwrap();
    let first = |key: &str| -> Vec<f64> {
        json["samples"][key].as_array().unwrap().iter().map(|v| v[0].as_f64().unwrap()).collect()
    };
    let (position, velocity) = (first("position"), first("velocity"));
    let fastest =
        (0..velocity.len()).max_by(|&a, &b| velocity[a].abs().total_cmp(&velocity[b].abs())).unwrap();
    let (time, place) = (json["samples"]["time"][fastest].as_f64().unwrap(), position[fastest]);
    let wall = place + 0.01 * velocity[fastest].signum();
    let bound = if velocity[fastest] > 0.0 { "upper" } else { "lower" };
    let limits = format!("\nlimits: {{joints: {{panda_joint1: {{{bound}: {wall}}}}}}}\nworld:");
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/panda_shelf.yaml"));
    let (start, goal) = (
        text.lines().find(|line| line.starts_with("start:")).unwrap(),
        text.lines().find(|line| line.starts_with("goal:")).unwrap(),
    );
    let stand: Vec<f64> = json["samples"]["position"][fastest]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect();
    let here = |key: &str| format!("{key}: {stand:?}");
    let tight = scene(
        &folder,
        "panda_shelf",
        &[("\nworld:", &limits), (start, &here("start")), (goal, &here("goal"))],
    );
    flatout(&["replan", &tight, &running, "--from", &time.to_string()])
        .fails(3, &["no plan: the start is too fast: \"panda_joint1\"", "cannot stop before"]);
}

/// The memory that a plan takes at most, as Linux counts it.
#[cfg(target_os = "linux")]
#[test]
fn a_plan_needs_little_memory() {
    let child = Command::new(env!("CARGO_BIN_EXE_flatout"))
        .args(["plan", "scenes/panda_shelf.yaml", "--quality", "best", "--json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    // The child waits on the pipe, done with planning, for as long as we have not read all.
    let mut first = [0];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mut rest = String::new();
    child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let kilobytes: u64 = peak.expect("the peak").trim().parse().unwrap();
    assert!(kilobytes < 50_000, "{kilobytes} kB");
}

/// A pendulum of 1 kg at 1 m whose motor gives 8 N m, and a scene of it.
fn pendulum(folder: &Path, scene: &str) -> String {
    let urdf = "<robot name=\"pendulum\">\n<link name=\"base\"/>\n<link name=\"bob\">\
        <inertial><origin xyz=\"1 0 0\"/><mass value=\"1\"/>\
        <inertia ixx=\"0.001\" ixy=\"0\" ixz=\"0\" iyy=\"0.001\" iyz=\"0\" izz=\"0.001\"/></inertial>\
        <collision><origin xyz=\"1 0 0\"/><geometry><sphere radius=\"0.05\"/></geometry></collision></link>\n\
        <joint name=\"j\" type=\"revolute\"><parent link=\"base\"/><child link=\"bob\"/><axis xyz=\"0 -1 0\"/>\
        <limit lower=\"-3\" upper=\"3\" velocity=\"5\" effort=\"8\" acceleration=\"20\"/></joint>\n</robot>\n";
    write(folder, "pendulum.urdf", urdf);
    let limits = "limits: {joints: {j: {acceleration: 20}}}";
    write(folder, "pendulum.yaml", format!("robot: {{urdf: pendulum.urdf}}\n{limits}\n{scene}\n"))
}

#[test]
fn a_goal_that_cannot_be_held_is_told_at_once() {
    let folder = folder("unheld");
    let level = pendulum(&folder, "start: [-1.5708]\ngoal: [0]");
    flatout(&["plan", &level]).fails(3, &["no plan: the goal cannot be held: effort of j 9.81 of 8 N m"]);
    let down = pendulum(&folder, "start: [0]\ngoal: [-1.5708]");
    flatout(&["plan", &down]).fails(3, &["the start cannot be held: effort of j 9.81 of 8 N m"]);
    // Anybody's trajectory to there is not valid.
    let fall = "{\"format\": \"flatout-trajectory/1\", \"outputs\": [\"j\"], \"segments\": \
        [{\"duration\": 1, \"coefficients\": [[0, 0, -4.7124, 3.1416]]}]}";
    let fall = write(&folder, "fall.json", fall);
    flatout(&["check", &down, &fall]).fails(3, &["the start cannot be held: effort of j 9.81 of 8 N m"]);
    let either = pendulum(&folder, "start: [-1.5708]\ngoals: [[0], [-1.2]]");
    assert!(flatout(&["plan", &either]).ends_with(0).out.starts_with("solved"));
}

#[test]
fn a_car_at_full_speed_does_not_stand() {
    let folder = folder("full_speed");
    let car = "robot:\n  car: {wheelbase: 2.6, speed: [-2, 5], steering: 0.6, steering_rate: 0.8, acceleration: 2, \
        body: {size: [4.3, 1.8], center: [1.3, 0]}}\nstart: {position: [0, 0], heading: 0}\n\
        goal: {position: [10, 0], heading: 0}\n";
    let scene = write(&folder, "car.yaml", car);
    let file = |name: &str, segments: &str| {
        let outputs = "[\"x\", \"y\", \"guide\"]";
        let text = format!(
            "{{\"format\": \"flatout-trajectory/1\", \"outputs\": {outputs}, \"segments\": [{segments}]}}"
        );
        write(&folder, name, text)
    };
    let fast = file("fast.json", "{\"duration\": 2, \"coefficients\": [[0, 5], [0], [0]]}");
    flatout(&["check", &scene, &fast]).fails(
        3,
        &[
            "begins away from the start: the speed is 5.000 m/s, expected 0.000",
            "ends away from the nearest goal",
        ],
    );
    // It slides aside while it stands.
    let slide: Vec<String> = (0..=2000)
        .map(|i| format!("{{\"duration\": 1e-6, \"coefficients\": [[0], [{}], [0]]}}", 9e-6 * f64::from(i)))
        .collect();
    let slide = file("slide.json", &slide.join(", "));
    let aside = write(&folder, "aside.yaml", car.replace("position: [10, 0]", "position: [0, 0.018]"));
    flatout(&["check", &aside, &slide])
        .fails(3, &["the position of \"y\" jumps at 2000 knots, by 0.0180 m in all"]);
}

/// All that is wrong is told, each kind of it by its worst, as text and as JSON.
#[test]
fn check_tells_every_kind_of_violation() {
    let folder = folder("survey");
    let scene = "scenes/panda_table.yaml";
    let names: Vec<String> = (1..=7).map(|i| format!("\"panda_joint{i}\"")).collect();
    // Half a turn of the base joint within a second, from elsewhere to elsewhere, with a jump on its way.
    let segment = |first: &str| {
        format!("{{\"duration\": 0.5, \"coefficients\": [{first}, [0.5], [0], [-2], [0], [2], [0]]}}")
    };
    let text = format!(
        "{{\"format\": \"flatout-trajectory/1\", \"outputs\": [{}], \"segments\": [{}, {}]}}",
        names.join(", "),
        segment("[-1.5, 0, 12]"),
        segment("[1.6, 12, -12]")
    );
    let file = write(&folder, "wild.json", text);
    let said = [
        "not valid, of each kind the worst",
        "begins away from the start",
        "ends away from the nearest goal",
        "the position of \"panda_joint1\" jumps by 0.100 rad at 0.500 s",
        "the velocity of \"panda_joint1\" is 12.000 at 0.500 s, its limit 2.175",
        "the acceleration of \"panda_joint1\" is",
        " inside \"",
    ];
    flatout(&["check", scene, &file]).fails(3, &said);
    let report = flatout(&["check", scene, &file, "--json"]).ends_with(3).json();
    assert_eq!(report["valid"], false);
    let violations = report["violations"].as_array().unwrap();
    let kinds: Vec<&str> = violations.iter().map(|v| v["kind"].as_str().unwrap()).collect();
    for kind in ["start", "goal", "position_jump", "velocity_limit", "acceleration_limit", "collision"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    for violation in violations {
        assert!(report["reason"].as_str().unwrap().contains(violation["reason"].as_str().unwrap()));
    }
    let start = &violations[0]["violation"]["Start"]["miss"];
    assert_eq!((start["kind"].as_str(), start["unit"].as_str()), (Some("position"), Some("rad")));
    assert!(start["name"].as_str().unwrap().starts_with("panda_joint"), "{start}");
    assert!(start["value"].is_number() && start["expected"].is_number());
}

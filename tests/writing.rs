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
    flatout(&["robot", "spherize", &urdf, "-o", &mesh])
        .fails(2, &["part.obj: this file is read as an input"]);
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

#[test]
fn a_batch_writes_what_it_can_and_is_taken_up_again() {
    let folder = folder("writing/resume");
    let to = folder.join("out");
    std::fs::create_dir(&to).unwrap();
    // Where one answer would go is a folder.
    std::fs::create_dir(to.join("panda_lift.json")).unwrap();
    let scenes = ["panda_shelf", "panda_lift", "point_yard"].map(|name| format!("scenes/{name}.yaml"));
    let out = string(&to);
    let batch = |more: &[&str]| {
        let options = ["batch", "-o", &out, "--threads", "2"];
        let scenes = scenes.iter().map(String::as_str);
        flatout(&options.into_iter().chain(scenes).chain(more.iter().copied()).collect::<Vec<_>>())
    };
    let run = batch(&[]).ends_with(1);
    assert!(run.out.contains("2 of 3 solved"), "{}", run.out);
    assert!(
        run.err.contains("1 lost") && run.err.contains("panda_lift.json: cannot write the file"),
        "{}",
        run.err
    );
    assert_eq!(names(&to), ["batch.journal", "panda_lift.json", "panda_shelf.json", "point_yard.json"]);
    let answered = |run: &str| run.lines().filter(|line| line.contains("answered before")).count();
    std::fs::remove_dir(to.join("panda_lift.json")).unwrap();
    let shelf = read(&to.join("panda_shelf.json"));
    let run = batch(&["--resume"]).ends_with(0);
    assert!(answered(&run.out) == 2 && run.out.contains("3 of 3 solved"), "{}", run.out);
    assert_eq!(read(&to.join("panda_shelf.json")), shelf);
    // A torn line loses its answer, and no other.
    let journal = read(&to.join("batch.journal"));
    std::fs::write(to.join("batch.journal"), &journal[..journal.len() - 20]).unwrap();
    assert_eq!(answered(&batch(&["--resume"]).ends_with(0).out), 2);
    assert_eq!(answered(&batch(&["--resume"]).ends_with(0).out), 3);
    // What was changed, and what was asked otherwise, is answered anew.
    std::fs::write(to.join("panda_shelf.json"), "{}").unwrap();
    assert_eq!(answered(&batch(&["--resume"]).ends_with(0).out), 2);
    assert!(read(&to.join("panda_shelf.json")).len() > 1000);
    assert_eq!(answered(&batch(&["--resume", "--seed", "7"]).ends_with(0).out), 0);
    assert_eq!(answered(&batch(&[]).ends_with(0).out), 0);
    flatout(&["check", &scenes[1], &string(&to.join("panda_lift.json"))]).ends_with(0);
}

#[test]
fn a_benchmark_is_taken_up_again() {
    let folder = folder("writing/bench");
    let (results, journal) = (folder.join("r.json"), folder.join("r.json.journal"));
    let (out, scenes) = (string(&results), ["scenes/panda_shelf.yaml", "scenes/point_yard.yaml"]);
    let bench = |more: &[&str]| {
        flatout(&[&["bench", "scenes", scenes[0], scenes[1], "--seeds", "2", "--json", &out], more].concat())
    };
    bench(&[]).ends_with(0);
    let whole: serde_json::Value = serde_json::from_str(&read(&results)).unwrap();
    assert_eq!((names(&folder), whole["results"].as_array().unwrap().len()), (vec!["r.json".to_owned()], 4));
    // As a run leaves it that cannot write its results: what it has done stays.
    std::fs::remove_file(&results).unwrap();
    std::fs::create_dir(&results).unwrap();
    bench(&[]).fails(1, &["r.json: cannot write the file"]);
    assert_eq!(read(&journal).lines().count(), 4);
    // Figures that nobody measured show what is taken from there.
    let told = read(&journal).replacen("\"solved\"", "\"as told\"", 1);
    std::fs::write(&journal, told).unwrap();
    std::fs::remove_dir(&results).unwrap();
    bench(&["--resume"]).ends_with(0);
    let again: serde_json::Value = serde_json::from_str(&read(&results)).unwrap();
    assert_eq!(
        (&again["results"][0]["status"], &again["results"][1]["status"]),
        (&"as told".into(), &"solved".into())
    );
    assert_eq!(names(&folder), ["r.json"]);
    flatout(&["bench", "scenes", scenes[0], "--resume"]).fails(2, &["--resume: expected --json"]);
}

/// Where the start is the goal: every file is judged, and left for another goal.
#[test]
fn a_motion_of_no_length_is_checked_and_left() {
    let folder = folder("writing/still");
    let position = "[0.541, 0.415, 0.109, -1.494, -0.046, 1.907, 0.998]";
    let robot = |file: &str| string(&Path::new(env!("CARGO_MANIFEST_DIR")).join("robots/panda").join(file));
    let files = [robot("panda.urdf"), robot("panda.srdf"), robot("joint_limits.yaml")];
    let arm = format!(
        "robot: {{urdf: {}, srdf: {}, joint_limits: {}, group: panda_arm}}\nstart: {position}\ngoal: {position}\n",
        files[0], files[1], files[2]
    );
    let car = "robot: {car: {wheelbase: 2.8, speed: [-1.5, 4], steering: 0.6, body: {size: [4.4, 1.9]}}}\n\
               start: {position: [1, 2], heading: 0.5}\ngoal: {position: [1, 2], heading: 0.5}\n";
    for (name, text, formats) in
        [("arm", arm.as_str(), &["json", "csv", "yaml"][..]), ("car", car, &["json", "csv"])]
    {
        let scene = write(&folder, &format!("{name}.scene.yaml"), text);
        for format in formats {
            let file = string(&folder.join(format!("{name}.{format}")));
            flatout(&["plan", &scene, "-o", &file]).ends_with(0);
            flatout(&["check", &scene, &file]).ends_with(0);
            flatout(&["replan", &scene, &file, "--from", "0", "--quiet"]).ends_with(0);
        }
    }
}

/// How far the controls in a file lead, of a trailer that is pushed backwards: from state to state, and alone.
#[test]
fn the_drift_of_an_open_loop_is_told() {
    let folder = folder("writing/drift");
    let scene = "robot: {car: {wheelbase: 2.8, speed: [-1.5, 4], steering: 0.6, steering_rate: 0.8, acceleration: 1.5, \
                 body: {size: [4.4, 1.9], center: [1.4, 0]}, trailer: {hitch_length: 3, angle: 0.9, body: {size: [3, 1.7]}}}}\n\
                 world: [{name: house ahead, shape: cuboid, size: [2, 60, 6], position: [9, 0, 0]}]\n\
                 start: {position: [0, 0], heading: 0}\ngoal: {position: [-60, 3], heading: 0}\n";
    let scene = write(&folder, "reverse.yaml", scene);
    let file = folder.join("reverse.json");
    let run = flatout(&["plan", &scene, "-o", &string(&file)]).ends_with(0);
    assert!(run.out.contains("  replay     controls lead from sample to sample within "), "{}", run.out);
    let json: serde_json::Value = serde_json::from_str(&read(&file)).unwrap();
    let errors = &json["samples"]["replay"];
    assert!(errors["step"].as_f64().unwrap() <= 1e-6 && errors["drift"].as_f64().unwrap() > 1e-3, "{errors}");
    flatout(&["check", &scene, &string(&file)]).ends_with(0);
}

/// A batch that is killed has written what it had answered, and nothing by halves.
#[test]
fn a_batch_that_is_killed_keeps_its_answers() {
    let folder = folder("writing/killed");
    let to = folder.join("out");
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes/car_parking.yaml"));
    let scenes: Vec<String> = (0..8)
        .map(|seed| write(&folder, &format!("c{seed}.yaml"), format!("{text}\nplanner: {{seed: {seed}}}\n")))
        .collect();
    let arguments = |more: &[&str]| {
        let options = ["batch", "-o", to.to_str().unwrap(), "--threads", "1"];
        let all = options.into_iter().chain(scenes.iter().map(String::as_str)).chain(more.iter().copied());
        all.map(str::to_owned).collect::<Vec<String>>()
    };
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_flatout"))
        .args(arguments(&["--quiet"]))
        .spawn()
        .unwrap();
    let written = || std::fs::read_to_string(to.join("batch.journal")).map_or(0, |text| text.lines().count());
    while written() == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = written();
    assert!((1..=8).contains(&kept), "{kept}");
    for name in names(&to).iter().filter(|name| name.ends_with(".json")) {
        let scene = folder.join(name).with_extension("yaml");
        flatout(&["check", &string(&scene), &string(&to.join(name))]).ends_with(0);
    }
    let run = flatout(&arguments(&["--resume"])).ends_with(0);
    let answered = run.out.lines().filter(|line| line.contains("answered before")).count();
    // The last line may have been torn.
    assert!(answered + 1 >= kept && run.out.contains("8 of 8 solved"), "{}", run.out);
}

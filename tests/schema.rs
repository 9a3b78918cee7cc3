//! JSON Schemas of scenes and trajectories: made of the readers' own tables, they accept what is written and
//! published, and refuse what the readers refuse.

mod common;

use common::command::flatout;
use flatout::check::Backend;
use flatout::exchange::{self, Export, Format, NamedTrajectory};
use flatout::plan::plan;
use flatout::scene::{self, AnyScene, LinearScene, Scene};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn validator(schema: &Value) -> Validator {
    jsonschema::validator_for(schema).unwrap()
}

/// As YAML 1.2 has it: `y` is no truth value.
fn yaml(text: &str) -> Value {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true }).unwrap()
}

#[track_caller]
fn accepts(validator: &Validator, value: &Value, name: &str) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

/// All scenes of ours: name, text.
fn scenes() -> Vec<(String, String)> {
    let read = |file: PathBuf| (file.display().to_string(), std::fs::read_to_string(&file).unwrap());
    let entries = std::fs::read_dir(root().join("scenes")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|file| file.extension().is_some_and(|e| e == "yaml"));
    let mut scenes: Vec<_> = files.map(read).collect();
    for page in ["README.md", "scenes/README.md"] {
        let (name, text) = read(root().join(page));
        let blocks = text.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
        let whole = blocks.filter(|block| {
            (block.contains("robot:") || block.contains("linear:")) && block.contains("start:")
        });
        scenes.extend(whole.map(|block| (name.clone(), block)));
    }
    assert!(scenes.len() > 22);
    scenes
}

#[test]
fn every_scene_is_one_as_it_is_and_as_it_is_written() {
    let validator = validator(&scene::schema());
    for (name, text) in scenes() {
        accepts(&validator, &yaml(&text), &name);
        if text.contains("linear:") {
            let scene = LinearScene::read(&text, "x.yaml".as_ref()).unwrap_or_else(|e| panic!("{e}"));
            let written = scene.to_yaml();
            assert!(written.starts_with("format: flatout-scene/1\n"), "{written}");
            accepts(&validator, &yaml(&written), &name);
            continue;
        }
        let scene = Scene::read(&text, &root().join("scenes/x.yaml")).unwrap_or_else(|e| panic!("{e}"));
        let written = scene.to_yaml(&root().join("scenes"));
        assert!(written.starts_with("format: flatout-scene/1\n"), "{written}");
        accepts(&validator, &yaml(&written), &name);
    }
}

#[test]
fn trajectories_are_what_the_schema_says() {
    let validator = validator(&exchange::schema());
    for name in ["panda_lift", "car_trailer", "quadrotor_window", "manipulator_doorway"] {
        let Scene { problem, options, .. } =
            Scene::load(&root().join(format!("scenes/{name}.yaml"))).unwrap();
        let mut checker = Backend::Simd.checker(&problem, options.resolution).unwrap();
        let solution = plan(&problem, &mut *checker, &options).unwrap();
        let mut export = Export::new(&problem, &solution.trajectory);
        export.report = serde_json::to_value(&solution.certificate).unwrap();
        export.seed = Some(3);
        let mut file: Value = serde_json::from_str(&export.text(Format::Json).unwrap()).unwrap();
        accepts(&validator, &file, name);
        let read = |file: &Value| NamedTrajectory::parse(&file.to_string(), Format::Json);
        for at in ["", "/segments/0"] {
            let mut spoiled = file.clone();
            spoiled.pointer_mut(at).unwrap()["zzz"] = json!(1);
            assert!(!validator.is_valid(&spoiled));
            assert!(read(&spoiled).unwrap_err().to_string().contains("unknown key \"zzz\""));
        }
        // The version may be left out, and must not be that of a newer one.
        file.as_object_mut().unwrap().remove("format");
        accepts(&validator, &file, name);
        assert_eq!(read(&file).unwrap().trajectory, solution.trajectory);
        file["format"] = json!("flatout-trajectory/2");
        assert!(!validator.is_valid(&file));
        let said = read(&file).unwrap_err().to_string();
        assert!(
            said.contains("format: \"flatout-trajectory/2\" is of a newer flatout than this one"),
            "{said}"
        );
    }
}

/// Pointers to all maps of a document.
fn maps(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| maps(value, format!("{at}/{key}"), found));
            found.push(at);
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, value)| maps(value, format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

/// Maps from names that are the robot's.
const NAMED: [&str; 4] = ["locked", "joints", "position", "velocity"];

#[test]
fn an_unknown_key_is_refused_by_schema_and_reader_everywhere() {
    let validator = validator(&scene::schema());
    for name in [
        "panda_throw",
        "car_trailer",
        "quadrotor_window",
        "planar_quadrotor_gap",
        "airplane_gate",
        "manipulator_doorway",
        "point_yard",
        "linear_spring",
    ] {
        let file = root().join(format!("scenes/{name}.yaml"));
        let scene = yaml(&std::fs::read_to_string(&file).unwrap());
        let mut places = Vec::new();
        maps(&scene, String::new(), &mut places);
        for at in places {
            let mut spoiled = scene.clone();
            spoiled.pointer_mut(&at).unwrap()["zzz"] = json!(1);
            let refused = AnyScene::read(&spoiled.to_string(), &file).unwrap_err().to_string();
            assert!(refused.contains("zzz"), "{name} {at}: {refused}");
            let is_named = NAMED.contains(&at.rsplit('/').next().unwrap());
            assert!(is_named || !validator.is_valid(&spoiled), "{name} {at}");
        }
    }
}

#[test]
fn a_scene_of_a_newer_version_is_refused() {
    let validator = validator(&scene::schema());
    let file = root().join("scenes/point_yard.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    for (format, said) in [
        ("flatout-scene/1", None),
        (
            "flatout-scene/2",
            Some(
                "format: \"flatout-scene/2\" is of a newer flatout than this one; expected up to flatout-scene/1",
            ),
        ),
        ("flatout-scene/0", Some("expected flatout-scene/1, found \"flatout-scene/0\"")),
        ("flatout-trajectory/1", Some("expected flatout-scene/1")),
    ] {
        let text = format!("format: {format}\n{text}");
        assert_eq!(validator.is_valid(&yaml(&text)), said.is_none(), "{format}");
        match (Scene::read(&text, &file), said) {
            (Ok(_), None) => {}
            (Err(error), Some(said)) => assert!(error.to_string().contains(said), "{error}"),
            (read, _) => panic!("{format}: {}", read.is_ok()),
        }
    }
}

#[test]
fn the_command_prints_them() {
    assert_eq!(flatout(&["schema", "scene"]).ends_with(0).json(), scene::schema());
    assert_eq!(flatout(&["schema", "trajectory"]).ends_with(0).json(), exchange::schema());
    flatout(&["schema", "robot"]).fails(2, &["scene", "trajectory"]);
}

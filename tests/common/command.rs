//! Runs of the command, and files for it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a run of the command ended.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// That it ends with this code, and says all of this on standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, said: &[&str]) {
        let run = self.ends_with(code);
        for said in said {
            assert!(run.err.contains(said), "\"{said}\" is missing in: {}", run.err);
        }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

/// Runs the command in the root of the repository. It must never panic.
#[track_caller]
pub(crate) fn flatout<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_flatout"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let run = Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run
}

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub(crate) fn string(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub(crate) fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    string(&file)
}

/// One of our scenes with edits (each must fit), written where its robot is still found.
pub(crate) fn scene(folder: &Path, name: &str, edits: &[(&str, &str)]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = read(&root.join("scenes").join(format!("{name}.yaml")));
    text = text.replace("../robots", root.join("robots").to_str().unwrap());
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    write(folder, &format!("{name}.yaml"), text)
}

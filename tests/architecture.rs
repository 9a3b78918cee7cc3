//! The house has floors: a room imports only from rooms below it, as `src/lib.rs` lists them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ENTRY: &str = "lib.rs";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// The rooms, bottom up, from the numbered list in the crate's documentation.
fn rooms() -> Vec<String> {
    let room = |line: &str| {
        let (number, rest) = line.strip_prefix("//! ")?.split_once(". [`")?;
        number.parse::<usize>().ok()?;
        Some(rest.split_once("`]")?.0.to_owned())
    };
    read(&source().join(ENTRY)).lines().filter_map(room).collect()
}

/// Every source file of a room: its own, and those in its folder.
fn files(room: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![source().join(format!("{room}.rs")), source().join(room)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "no room {room}");
    found
}

/// The rooms that a source text names, as `crate::room` or in `crate::{room, room::Item}`.
fn imports(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut found = BTreeSet::new();
    for path in code.join(" ").split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            found.insert(path.chars().take_while(|&c| is_word(c)).collect());
            continue;
        };
        // Names at the first level of the braces that do not stand behind a `::`.
        let (mut depth, mut name, mut is_head) = (1, String::new(), true);
        for c in group.chars() {
            if is_word(c) {
                name.push(c);
                continue;
            }
            let ends_name = !name.is_empty();
            if depth == 1 && is_head && ends_name {
                found.insert(std::mem::take(&mut name));
            }
            name.clear();
            is_head = c == ',' || is_head && !ends_name;
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn imports_are_found_in_all_their_forms() {
    let text = "use crate::pose::Pose;\n// crate::cli\nfn f(x: crate::world::World) {}\n\
                use crate::{check::{self, Backend}, plan, steer::{A, b::C}, robot as r};";
    assert_eq!(Vec::from_iter(imports(text)), ["check", "plan", "pose", "robot", "steer", "world"]);
}

#[test]
fn every_room_is_listed() {
    let mut listed = rooms();
    listed.sort();
    let name = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    let mut there: Vec<String> =
        std::fs::read_dir(source()).unwrap().map(|e| name(e.unwrap().path())).collect();
    there.retain(|room| room != "lib" && room != "main");
    there.sort();
    // A room may have a folder beside its first file.
    there.dedup();
    assert_eq!(listed, there);
}

#[test]
fn no_room_imports_from_above() {
    let rooms = rooms();
    let floor = |room: &str| rooms.iter().position(|r| r == room);
    for (here, room) in rooms.iter().enumerate() {
        for file in files(room) {
            for import in imports(&read(&file)) {
                let there = floor(&import).unwrap_or_else(|| panic!("{}: {import}?", file.display()));
                assert!(there <= here, "{}: `{room}` imports `{import}`", file.display());
            }
        }
    }
}

/// A certificate that leans on what it is to judge would be none.
#[test]
fn the_certificate_stands_alone() {
    let allowed =
        ["base", "pose", "problem", "robot", "stop", "trajectory", "vector", "world"].map(str::to_owned);
    for file in files("certify") {
        let imports = imports(&read(&file));
        assert!(imports.is_subset(&BTreeSet::from(allowed.clone())), "{}: {imports:?}", file.display());
    }
}

/// Planners know checkers by their trait alone.
#[test]
fn planners_name_no_backend() {
    for room in ["search", "refine", "plan", "local_planner"] {
        for file in files(room) {
            let text = read(&file);
            for backend in ["ScalarChecker", "SimdChecker", "simd::", "scalar::", "gpu::"] {
                assert!(!text.contains(backend), "{}: {backend}", file.display());
            }
        }
    }
}

/// One place knows where the shared data lies; whoever else built a path to it would not heed `FLATOUT_DATA`.
#[test]
fn one_place_knows_where_the_data_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> =
        ["src", "tests", "benches", "examples"].iter().map(|f| root.join(f)).collect();
    let mut knowing = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs")
            && read(&path).contains(concat!("\"../", "shared"))
        {
            knowing.push(path);
        }
    }
    assert_eq!(knowing, [root.join("tests/common/mod.rs")]);
}

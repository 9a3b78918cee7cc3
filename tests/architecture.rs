//! The house has floors: a room imports only from rooms below it, as `src/lib.rs` lists them.

use std::collections::{BTreeMap, BTreeSet};
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

/// One function writes files, whole or not at all.
#[test]
fn one_place_writes_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting = vec![root.join("src"), root.join("examples")];
    let mut writing = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let (kept, _) = without_tests(&tokens(&read(&path)));
            let words = kept.join(" ");
            if ["fs :: write", "File :: create", "OpenOptions :: new", "File :: options"]
                .iter()
                .any(|w| words.contains(w))
            {
                writing.insert(path);
            }
        }
    }
    assert_eq!(Vec::from_iter(writing), [root.join("src/error/write.rs")]);
}

/// A source text without comments, and cut into words, `::`, and single other characters; of literals, the quotes.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = |at: usize, with: &str| with.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let (mut found, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let begin = at;
        if starts(at, "//") {
            at = (at..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len());
        } else if chars[at] == '"' {
            at += 1;
            while chars[at] != '"' {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
            found.push("\"".to_owned());
        } else if starts(at, "r\"") || starts(at, "r#\"") {
            let hashes = if chars[at + 1] == '#' { "\"#" } else { "\"" };
            at = (at + 3..chars.len()).find(|&i| starts(i, hashes)).unwrap() + hashes.len();
            found.push("\"".to_owned());
        } else if chars[at] == '\'' && chars.get(at + 1) == Some(&'\\') {
            at = (at + 3..chars.len()).find(|&i| chars[i] == '\'').unwrap() + 1;
        } else if chars[at] == '\'' && chars.get(at + 2) == Some(&'\'') {
            at += 3;
        } else if is_word(chars[at]) {
            at = (at..chars.len()).find(|&i| !is_word(chars[i])).unwrap_or(chars.len());
            found.push(chars[begin..at].iter().collect());
        } else {
            at += if starts(at, "::") { 2 } else { 1 };
            if !chars[begin].is_whitespace() {
                found.push(chars[begin..at].iter().collect());
            }
        }
    }
    found
}

/// Without the items that only tests see, and the names of such files.
fn without_tests(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut tests, mut at) = (Vec::new(), Vec::new(), 0);
    while at < tokens.len() {
        if !tokens[at..].iter().map(String::as_str).take(7).eq(["#", "[", "cfg", "(", "test", ")", "]"]) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0;
        loop {
            let word = tokens[at].as_str();
            if word == "mod" && depth == 0 && tokens[at + 2] == ";" {
                tests.push(tokens[at + 1].clone());
            }
            depth += i32::from(["{", "(", "["].contains(&word)) - i32::from(["}", ")", "]"].contains(&word));
            at += 1;
            if depth == 0 && (word == "}" || word == ";") {
                break;
            }
        }
    }
    (kept, tests)
}

/// What one source file names.
#[derive(Default)]
struct Source {
    /// Items that stand in it.
    items: BTreeSet<String>,
    /// Names that it has by `use`, and the paths behind them; `*` for all that a path holds.
    uses: Vec<(String, Vec<String>)>,
    /// Those of them that it names itself, and does not but hand on.
    own_uses: BTreeSet<String>,
    /// Further paths in its code, ...
    paths: Vec<Vec<String>>,
    /// ... and single words, which may be names that it has by a `*`.
    words: BTreeSet<String>,
}

impl Source {
    fn new(tokens: &[String]) -> Self {
        let mut source = Self::default();
        let mut handed_on = BTreeSet::new();
        let (mut at, mut depth) = (0, 0);
        while at < tokens.len() {
            let next = tokens.get(at + 1).cloned().unwrap_or_default();
            depth += i32::from(tokens[at] == "{") - i32::from(tokens[at] == "}");
            source.words.insert(tokens[at].clone());
            match tokens[at].as_str() {
                "mod" => at += 1,
                "use" if next != "<" => {
                    let before = source.uses.len();
                    source.read_uses(tokens, &mut (at + 1), &[]);
                    if at > 0 && ["pub", ")"].contains(&tokens[at - 1].as_str()) {
                        handed_on.extend(source.uses[before..].iter().map(|(name, _)| name.clone()));
                    }
                    at = (at..tokens.len()).find(|&i| tokens[i] == ";").unwrap();
                }
                "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" if depth == 0 => {
                    source.items.insert(next);
                }
                word if next == "::" && word.starts_with(|c: char| c.is_alphabetic()) => {
                    let mut path = vec![word.to_owned()];
                    while tokens.get(at + 1).is_some_and(|t| t == "::")
                        && tokens[at + 2].starts_with(|c: char| c.is_alphabetic())
                    {
                        at += 2;
                        path.push(tokens[at].clone());
                    }
                    source.paths.push(path);
                }
                _ => {}
            }
            at += 1;
        }
        let names = source.uses.iter().map(|(name, _)| name);
        source.own_uses =
            names.filter(|&name| source.words.contains(name) || !handed_on.contains(name)).cloned().collect();
        source
    }

    /// Reads one tree of a `use`, as `a::{self, b as c, d::*}`, up to what follows it.
    fn read_uses(&mut self, tokens: &[String], at: &mut usize, head: &[String]) {
        let mut path = head.to_vec();
        loop {
            match tokens[*at].as_str() {
                "::" => *at += 1,
                "{" => {
                    *at += 1;
                    while tokens[*at] != "}" {
                        self.read_uses(tokens, at, &path);
                        *at += usize::from(tokens[*at] == ",");
                    }
                    *at += 1;
                    return;
                }
                "as" => {
                    self.uses.push((tokens[*at + 1].clone(), path));
                    *at += 2;
                    return;
                }
                "," | "}" | ";" => {
                    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                        path.pop();
                    }
                    self.uses.push((path.last().unwrap().clone(), path));
                    return;
                }
                word => {
                    path.push(word.to_owned());
                    *at += 1;
                }
            }
        }
    }
}

/// Every source file by the path of its module, `["check", "simd"]`; but those of tests.
struct House(BTreeMap<Vec<String>, Source>);

impl House {
    /// All files under a folder.
    fn new(folder: &Path) -> Self {
        let mut files = Vec::new();
        let mut waiting = vec![(folder.to_owned(), Vec::new())];
        while let Some((folder, module)) = waiting.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                let mut here: Vec<String> = module.clone();
                if !["mod", "lib"].contains(&stem.as_str()) {
                    here.push(stem);
                }
                if path.is_dir() {
                    waiting.push((path, here));
                } else {
                    files.push((here, read(&path)));
                }
            }
        }
        Self::of(files)
    }

    fn of(files: Vec<(Vec<String>, String)>) -> Self {
        let (mut house, mut tests) = (Self(BTreeMap::new()), Vec::new());
        for (module, text) in files {
            let (kept, of_tests) = without_tests(&tokens(&text));
            tests.extend(of_tests.into_iter().map(|name| [module.as_slice(), &[name]].concat()));
            house.0.insert(module, Source::new(&kept));
        }
        house.0.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
        house
    }

    /// The module in whose file that stands which `path` names when said in `module`, as far as can be told; `None` for
    /// modules as such, and for what is not of this crate.
    fn defining(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let mut here = module.to_vec();
        for (i, name) in path.iter().enumerate() {
            let is_last = i + 1 == path.len();
            match name.as_str() {
                "crate" => here.clear(),
                "self" => {}
                "super" => drop(here.pop()),
                _ => {
                    let source = self.0.get(&here)?;
                    let child = [here.as_slice(), std::slice::from_ref(name)].concat();
                    let is_module = self.0.contains_key(&child);
                    if source.items.contains(name) && (is_last || !is_module) {
                        return Some(here);
                    }
                    let used = source.uses.iter().filter(|(n, _)| depth < 8 && (n == name || n == "*"));
                    let found = used.filter(|_| !is_module || is_last).find_map(|(n, to)| {
                        let rest = if n == "*" { &path[i..] } else { &path[i + 1..] };
                        let to = if n == "*" { &to[..to.len() - 1] } else { &to[..] };
                        // A `use` of what is not of this crate leads back to itself.
                        let whole = [to, rest].concat();
                        (whole != path[i..]).then(|| self.defining(&here, &whole, depth + 1)).flatten()
                    });
                    if found.is_some() {
                        return found;
                    }
                    if !is_module {
                        return None;
                    }
                    here = child;
                }
            }
        }
        None
    }

    /// What each file names of others.
    fn imports(&self) -> BTreeMap<Vec<String>, BTreeMap<Vec<String>, BTreeSet<String>>> {
        let of = |module: &Vec<String>, source: &Source| {
            let mut found = BTreeMap::<_, BTreeSet<_>>::new();
            let uses = source.uses.iter().filter(|(name, _)| source.own_uses.contains(name));
            let has_all = source.uses.iter().any(|(name, _)| name == "*");
            let words: Vec<_> =
                source.words.iter().filter(|_| has_all).map(|word| vec![word.clone()]).collect();
            for path in uses.map(|(_, path)| path).chain(&source.paths).chain(&words) {
                if let Some(there) = self.defining(module, path, 0)
                    && there != *module
                {
                    found.entry(there).or_default().insert(path.last().unwrap().clone());
                }
            }
            found
        };
        self.0.iter().map(|(module, source)| (module.clone(), of(module, source))).collect()
    }
}

/// The circles of files that import each other: of each, all its files, and what they import of one another.
fn circles(house: &House) -> Vec<String> {
    let imports = house.imports();
    let mut reaches = BTreeMap::new();
    for file in imports.keys() {
        let (mut seen, mut waiting) = (BTreeSet::new(), vec![file]);
        while let Some(file) = waiting.pop() {
            waiting.extend(imports[file].keys().filter(|&next| seen.insert(next)));
        }
        reaches.insert(file, seen);
    }
    let mut found = BTreeSet::new();
    for (file, reached) in &reaches {
        let circle: BTreeSet<_> = reached.iter().filter(|next| reaches[**next].contains(file)).collect();
        let mut told = Vec::new();
        for &&from in &circle {
            for (to, items) in imports[from].iter().filter(|(to, _)| circle.contains(to)) {
                let items = Vec::from_iter(items.iter().map(String::as_str)).join(", ");
                told.push(format!("  {} imports {items} of {}", from.join("::"), to.join("::")));
            }
        }
        if !told.is_empty() {
            found.insert(told.join("\n"));
        }
    }
    Vec::from_iter(found)
}

#[test]
fn circles_of_files_are_found() {
    let found = |files: &[(&str, &str)]| {
        let module = |path: &str| path.split("::").filter(|p| !p.is_empty()).map(str::to_owned).collect();
        let all = [("", "")].iter().chain(files).map(|&(path, text)| (module(path), text.to_owned()));
        circles(&House::of(all.collect())).len()
    };
    let front = "mod one; mod two; pub use one::One; pub use self::two::{Two as Other};";
    let child = ("room::one", "use super::Other; pub struct One(Other);");
    assert_eq!(found(&[("room", front), child, ("room::two", "pub struct Two;")]), 0);
    // One leads to the other, by way of their front.
    assert_eq!(found(&[("room", front), child, ("room::two", "pub struct Two(Box<super::One>);")]), 1);
    // A front hands an item on, and names it itself.
    let own = format!("{front} pub struct Own(One);");
    let asks = ("room::one", "use crate::room::Own; pub struct One(Own);");
    assert_eq!(
        found(&[("room", &own), ("room::two", "pub struct Two;"), ("room::one", "pub struct One;")]),
        0
    );
    assert_eq!(found(&[("room", &own), ("room::two", "pub struct Two;"), asks]), 1);
    // A longer one, and none where tests alone close it, or comments and texts.
    let open = [("a", "use crate::b::B; pub struct A;"), ("b", "use crate::c::*; pub struct B(C);")];
    let closing = |text| [open[0], open[1], ("c", text)];
    assert_eq!(found(&closing("pub struct C; fn f() -> crate::a::A {}")), 1);
    assert_eq!(found(&closing("pub struct C; #[cfg(test)] mod tests { use crate::a::A; }")), 0);
    assert_eq!(found(&closing("// crate::a::A\npub struct C; const TEXT: &str = \"crate::a::A\";")), 0);
}

/// Who reads a file need not read the one that reads it. Names tell; methods that stand apart from their type do not.
#[test]
fn no_files_import_each_other() {
    let found = circles(&House::new(&source()));
    assert!(found.is_empty(), "circles of files:\n{}", found.join("\n\n"));
}

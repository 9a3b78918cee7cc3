//! What the documents name is there: files, folders, and what is defined in them.

use std::path::{Path, PathBuf};

/// Folders and files that a name of a place in the repository begins with.
const ROOTS: [&str; 11] = [
    "src/",
    "tests/",
    "shaders/",
    "scenes/",
    "robots/",
    "scripts/",
    "benches/",
    "examples/",
    "fuzz/",
    "docs/",
    ".ci/",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

/// CONTRIBUTING.md and all pages of `docs/`.
fn documents() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = folder.filter(|path| path.extension().is_some_and(|e| e == "md"));
    pages.chain([root().join("CONTRIBUTING.md")]).collect()
}

/// What stands between backticks on one line, and names a place in the repository.
fn places(text: &str) -> Vec<&str> {
    let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter(|span| ROOTS.iter().any(|root| span.starts_with(root)) && !span.contains(' ')).collect()
}

/// Whether a path stands for many, such as `robots/NAME/NAME.urdf`.
fn is_pattern(path: &str) -> bool {
    let mut words = path.split(|c: char| !c.is_ascii_alphanumeric());
    path.contains('*') || words.any(|word| word == "NAME")
}

/// Whether a text defines an item of this name.
fn defines(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ["fn", "struct", "enum", "trait", "const", "static", "type", "mod", "override"]
        .iter()
        .any(|kind| text.split(&format!("{kind} {name}")).skip(1).any(|rest| !rest.starts_with(is_word)))
}

#[test]
fn definitions_are_told_from_mentions() {
    let text = "use x::plan;\n/// plan\npub fn planned() {}\nstruct Plan;\n";
    assert!(defines(text, "planned") && defines(text, "Plan"));
    assert!(!defines(text, "plan") && !defines(text, "Planned"));
    assert_eq!(places("see `src/a.rs`, `a b`,\n`src/b.rs::f` and `x`"), ["src/a.rs", "src/b.rs::f"]);
}

#[test]
fn every_place_that_a_document_names_is_there() {
    let mut seen = 0;
    for document in documents() {
        let text = read(&document);
        for place in places(&text).into_iter().filter(|place| !is_pattern(place)) {
            let (path, name) =
                place.split_once("::").map_or((place, None), |(path, name)| (path, Some(name)));
            let file = root().join(path);
            assert!(file.exists(), "{}: {place}: there is no {path}", document.display());
            let Some(name) = name else { continue };
            let name = name.rsplit("::").next().unwrap_or(name);
            assert!(defines(&read(&file), name), "{}: {path} defines no {name}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 30, "the pages name items: {seen}");
}

/// Links to files, from the README too, lead somewhere.
#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents().into_iter().chain([root().join("README.md")]) {
        let text = read(&document);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let is_file = !path.is_empty() && !path.contains("://");
            let target = document.parent().unwrap().join(path);
            assert!(!is_file || target.exists(), "{}: {link}", document.display());
        }
    }
}

//! Every reader, given files that are nearly right: the bodies that `cargo fuzz` runs (see fuzz/), on inputs mutated
//! by bytes, tokens and lines. An input that a reader takes another way with is mutated further.
//!
//! `FLATOUT_FUZZ_SECONDS` says how long each reader is tried (1 by default; as many at once as there are cores),
//! `FLATOUT_FUZZ_SEED` with which numbers.
//! What panics is written to a file whose name is told.
#![allow(clippy::print_stdout, reason = "how much was tried is what a run is worth")]

#[path = "fuzz/bodies.rs"]
mod bodies;

use bodies::{TARGETS, Target};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Words that mean much to readers, and numbers that mean trouble.
const WORDS: &[&str] = &[
    "nan",
    ".nan",
    "NaN",
    "inf",
    ".inf",
    "-inf",
    "1e308",
    "-1e308",
    "1e-308",
    "5e-324",
    "0",
    "-0",
    "-1",
    "1e15",
    "1e400",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "18446744073709551616",
    "0x7f",
    "1_000",
    "null",
    "~",
    "true",
    "false",
    "none",
    "[]",
    "{}",
    "[[]]",
    "\"\"",
    "''",
    "*a",
    "&a",
    "<<",
    "!!str",
    "!degrees",
    "---",
    "...",
    "#",
    ": ",
    "- ",
    "? ",
    "| ",
    ",",
    "\n",
    "\t",
    "\u{feff}",
    "\u{0}",
    "é",
    "<",
    "/>",
    "</robot>",
    "<!--",
    "]]>",
    "&lt;",
    "&#x0;",
    "${x}",
    "solid",
    "endsolid",
    "f 1 2 99999999999",
    "v nan 0 0",
    "f -1 -2 -3",
    "f 1//1 2//2 3//3",
];

/// Most bytes of an input.
const LONGEST: usize = 16_384;
/// Most inputs that are mutated further.
const MOST_KEPT: usize = 2000;

/// A copy of an input with a few changes.
fn mutated(input: &[u8], other: &[u8], rng: &mut Pcg64Mcg) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..1 << rng.random_range(0..4) {
        change(&mut bytes, other, rng);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Pcg64Mcg) {
    let at = |length: usize, rng: &mut Pcg64Mcg| rng.random_range(0..=length);
    match rng.random_range(0..11) {
        0 if !bytes.is_empty() => {
            let i = rng.random_range(0..bytes.len());
            bytes[i] ^= 1 << rng.random_range(0..8);
        }
        1 => {
            let i = at(bytes.len(), rng);
            bytes.insert(i, rng.random());
        }
        2 => drop(bytes.drain(range(bytes.len(), rng))),
        3 => {
            let piece = bytes[range(bytes.len(), rng)].to_vec();
            let i = at(bytes.len(), rng);
            bytes.splice(i..i, piece);
        }
        4 => {
            let piece = other[range(other.len(), rng)].to_vec();
            let i = at(bytes.len(), rng);
            bytes.splice(i..i, piece);
        }
        5 => {
            let word = WORDS[rng.random_range(0..WORDS.len())];
            let i = at(bytes.len(), rng);
            bytes.splice(i..i, word.bytes());
        }
        // A token in place of another.
        6..=8 => {
            let tokens = tokens(bytes);
            if !tokens.is_empty() {
                let token = tokens[rng.random_range(0..tokens.len())].clone();
                let word = WORDS[rng.random_range(0..WORDS.len())];
                let swap = tokens[rng.random_range(0..tokens.len())].clone();
                let with = if rng.random_bool(0.6) { word.as_bytes().to_vec() } else { bytes[swap].to_vec() };
                bytes.splice(token, with);
            }
        }
        // A line away, twice, or many times.
        _ => {
            let mut lines: Vec<Vec<u8>> =
                bytes.split_inclusive(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
            if !lines.is_empty() {
                let i = rng.random_range(0..lines.len());
                let line = lines.remove(i);
                let times = [0, 2, 1, 100][rng.random_range(0..4)];
                let to = rng.random_range(0..=lines.len());
                lines.splice(to..to, vec![line; times]);
                *bytes = lines.concat();
            }
        }
    }
    bytes.truncate(4 * LONGEST);
}

/// A short piece of what has this length.
fn range(length: usize, rng: &mut Pcg64Mcg) -> std::ops::Range<usize> {
    let start = rng.random_range(0..=length);
    let most = [4, 64, 1024][rng.random_range(0..3)];
    start..(start + rng.random_range(0..=most)).min(length)
}

/// Numbers and words.
fn tokens(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let is_word = |b: &u8| b.is_ascii_alphanumeric() || b"._+-".contains(b);
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let length = bytes[i..].iter().take_while(|b| is_word(b)).count();
        if length > 0 {
            tokens.push(i..i + length);
        }
        i += length.max(1);
    }
    tokens
}

/// Tries a reader for so long; returns how many inputs it was given.
fn try_for(target: &Target, time: Duration, seed: u64) -> u64 {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let (mut kept, mut seen): (Vec<Vec<u8>>, HashSet<String>) = Default::default();
    for seed in target.seeds {
        seen.insert((target.body)(seed));
        kept.push(seed.to_vec());
    }
    let started = Instant::now();
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while started.elapsed() < time {
        let [one, other] = [0; 2].map(|_| rng.random_range(0..kept.len()));
        let input = mutated(&kept[one], &kept[other], &mut rng);
        let begun = Instant::now();
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| (target.body)(&input))) else {
            let file = std::env::temp_dir().join(format!("flatout-fuzz-{}", target.name));
            let written = std::fs::write(&file, &input);
            panic!("the {} reader panicked: {} ({written:?})", target.name, file.display());
        };
        slowest = slowest.max(begun.elapsed());
        count += 1;
        if seen.insert(outcome) && kept.len() < MOST_KEPT {
            kept.push(input);
        }
    }
    println!("{}: {count} inputs, {} ways, the slowest in {slowest:.1?}", target.name, seen.len());
    count
}

#[test]
fn readers_take_any_file() {
    let number = |name: &str, default| {
        std::env::var(name)
            .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
    };
    let (seconds, seed) = (number("FLATOUT_FUZZ_SECONDS", 1), number("FLATOUT_FUZZ_SEED", 0));
    let only = std::env::var("FLATOUT_FUZZ_ONLY").ok();
    let asked = |target: &&Target| only.as_ref().is_none_or(|only| only == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(asked).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let count = try_for(target, Duration::from_secs(seconds), seed);
            assert!(count > 0 || seconds == 0, "{}", target.name);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

/// Seeds are files that are right.
#[test]
fn seeds_are_read() {
    for Target { name, body, seeds } in &TARGETS {
        for (i, seed) in seeds.iter().enumerate() {
            let outcome = body(seed);
            // What is read is told by its counts.
            let counts =
                ["nodes", "segments", "triangles", "problems", "(", "("].iter().any(|c| outcome.contains(c));
            assert!(counts, "{name} {i}: {outcome}");
        }
    }
}

/// Every body is a target of `cargo fuzz`, and every target has a body.
#[test]
fn every_reader_has_a_fuzz_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for Target { name, .. } in &TARGETS {
        let target = std::fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).expect(name);
        assert!(target.contains(&format!("bodies::{name}(data)")), "{name}");
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
    let targets = std::fs::read_dir(fuzz.join("fuzz_targets")).expect("fuzz/fuzz_targets").count();
    assert_eq!(targets, TARGETS.len());
}

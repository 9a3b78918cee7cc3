//! What several integration tests share: where the shared files are, and random robots.
#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::Write;
use std::path::PathBuf;

/// A file of the shared data, or `None` (said aloud) where there is none; under CI that is a failure.
pub(crate) fn shared(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FLATOUT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is absent; CI needs it", path.display());
    let _ = writeln!(std::io::stderr(), "skipped: {} is absent", path.display());
    None
}

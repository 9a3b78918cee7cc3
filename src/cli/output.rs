//! What commands print and write.

use super::failure::Failure;
use crate::error::InputError;
use crate::exchange::Export;
use crate::plan::Solution;
use crate::problem::Problem;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

/// Prints to standard error; where nobody listens (a closed pipe) there is nothing to say.
pub(super) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "flatout: {message}");
}

/// Prints to standard output. A reader that has gone away (`flatout ... | head`) has heard enough.
pub(super) fn say(message: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match out.write_all(message.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Broken(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a file that the user named.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), InputError> {
    std::fs::write(path, text)
        .map_err(|e| InputError::new(format!("cannot write the file: {e}")).in_file(path))
}

/// Writes results as JSON, if they are to be written, and says where they are.
pub(super) fn write_results(path: Option<&Path>, results: &impl serde::Serialize) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(results).map_err(|e| Failure::Broken(e.to_string()))?;
    write_file(path, &text)?;
    complain(&format!("results written to {}", path.display()));
    Ok(())
}

/// A solution on its way into a file.
pub(super) fn export<'a>(problem: &'a Problem, solution: &'a Solution, seed: u64) -> Export<'a> {
    // Neither holds anything that JSON cannot say.
    let value = |v: serde_json::Result<serde_json::Value>| v.unwrap_or_default();
    Export {
        report: value(serde_json::to_value(&solution.certificate)),
        stats: value(serde_json::to_value(solution.statistics)),
        seed: Some(seed),
        ..Export::new(problem, &solution.trajectory)
    }
}

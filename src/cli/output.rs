//! What commands print and write.

use super::failure::Failure;
use crate::error::{self, InputError};
use crate::exchange::{Export, Format, ReplayErrors};
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

/// Refuses an output that the command has read from, by whatever path: it would replace what it was made of. To be
/// asked when all is read, before the work begins.
pub(super) fn refuse_inputs<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> Result<(), InputError> {
    let taken = outputs.into_iter().find(|output| error::was_read(output));
    taken.map_or(Ok(()), |output| {
        let message = "this file is read as an input; expected another to write to";
        Err(InputError::new(message).in_file(output))
    })
}

/// Writes a file that the user named.
pub(super) fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    refuse_inputs([path])?;
    error::write_file(path, text).map_err(|e| Failure::Broken(e.to_string()))
}

/// Writes a trajectory to a file that the user named; tells how well the controls in it can be replayed, where there
/// are any.
pub(super) fn save(export: &Export<'_>, path: &Path) -> Result<Option<ReplayErrors>, Failure> {
    let (text, replay) = export.written(Format::of(path)?).map_err(|e| e.in_file(path))?;
    write_file(path, &text)?;
    Ok(replay)
}

/// Makes a folder that the user named, if there is none yet.
pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    let error = |e| InputError::new(format!("cannot make the folder: {e}")).in_file(folder);
    std::fs::create_dir_all(folder).map_err(|e| Failure::Broken(error(e).to_string()))
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

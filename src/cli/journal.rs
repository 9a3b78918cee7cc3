//! What a long run has done so far, an answer a line, so that it can be taken up again where it ended.

use super::arguments::BackendArgs;
use super::failure::Failure;
use super::output::complain;
use crate::check::AdapterChoice;
use crate::digest::Digest;
use crate::error::{InputError, append_line};
use crate::plan::PlanOptions;
use crate::problem::Problem;
use crate::vector::Level;
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Whether a run is taken up again.
#[derive(Args)]
pub(super) struct ResumeArgs {
    /// Pass over what a run before this one has answered, if input and options are the same
    #[arg(long)]
    pub(super) resume: bool,
}

/// A record of answers, by what was asked.
pub(super) struct Journal {
    file: PathBuf,
    done: HashMap<(String, String), Value>,
}

/// An answer in the file.
#[derive(Serialize, Deserialize)]
struct JournalLine {
    /// What it is called, such as the name of its file.
    name: String,
    /// The [`fingerprint`] of what was asked.
    query: String,
    answer: Value,
}

impl Journal {
    /// The journal in a file, with what it holds where a run is taken up again, else empty.
    pub(super) fn open(file: PathBuf, args: &ResumeArgs) -> Result<Self, Failure> {
        let mut journal = Self { file, done: HashMap::new() };
        if !journal.file.exists() {
            return Ok(journal);
        }
        if !args.resume {
            journal.close()?;
            return Ok(journal);
        }
        let text = InputError::read_text(&journal.file)?;
        // What ended the run may have torn a line: that answer is lost, and the next begins a line of its own.
        if !text.is_empty() && !text.ends_with('\n') {
            append_line(&journal.file, "").map_err(|e| Failure::Broken(e.to_string()))?;
        }
        for line in text.lines().filter_map(|line| serde_json::from_str::<JournalLine>(line).ok()) {
            journal.done.insert((line.name, line.query), line.answer);
        }
        Ok(journal)
    }

    /// What was answered to this query, if it was.
    pub(super) fn answer<T: DeserializeOwned>(&self, name: &str, query: &str) -> Option<T> {
        let answer = self.done.get(&(name.to_owned(), query.to_owned()))?;
        serde_json::from_value(answer.clone()).ok()
    }

    /// Writes an answer down.
    pub(super) fn add(&self, name: &str, query: &str, answer: &impl Serialize) -> Result<(), Failure> {
        let broken = |e: &dyn std::fmt::Display| Failure::Broken(e.to_string());
        let answer = serde_json::to_value(answer).map_err(|e| broken(&e))?;
        let line = JournalLine { name: name.to_owned(), query: query.to_owned(), answer };
        let line = serde_json::to_string(&line).map_err(|e| broken(&e))?;
        append_line(&self.file, &line).map_err(|e| broken(&e))
    }

    /// Removes the file: all is done and written elsewhere.
    pub(super) fn close(&self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::Broken(format!("{}: cannot remove the file: {e}", self.file.display())))
            }
            _ => Ok(()),
        }
    }
}

/// The results of a benchmark as they come, kept in a journal beside the file that all of them will be written to.
pub(super) struct Record {
    journal: Option<Journal>,
    lost: Cell<usize>,
}

impl Record {
    /// With a journal where there is a file of results.
    pub(super) fn open(results: Option<&Path>, args: &ResumeArgs) -> Result<Self, Failure> {
        let Some(results) = results else {
            let message = "--resume: expected --json as well, beside which a run keeps what it has done";
            let fault = args.resume.then(|| InputError::new(message).into());
            return fault.map_or(Ok(Self { journal: None, lost: Cell::new(0) }), Err);
        };
        let mut name = results.as_os_str().to_owned();
        name.push(".journal");
        Ok(Self { journal: Some(Journal::open(name.into(), args)?), lost: Cell::new(0) })
    }

    /// A result, from the journal or else from `run`, which also writes what else there is to write.
    pub(super) fn once<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        query: &str,
        run: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(journal) = &self.journal else { return run() };
        if let Some(result) = journal.answer(name, query) {
            return Ok(result);
        }
        let lost = self.lost.get();
        let result = run()?;
        if self.lost.get() == lost {
            journal.add(name, query, &result)?;
        }
        Ok(result)
    }

    /// Goes on without a file that could not be written.
    pub(super) fn keep_on<T>(&self, written: Result<T, Failure>) {
        let why = match written {
            Ok(_) => return,
            Err(Failure::Input(error)) => error.to_string(),
            Err(Failure::Broken(why) | Failure::Invalid(why) | Failure::Worse(why)) => why,
        };
        complain(&why);
        self.lost.set(self.lost.get() + 1);
    }

    /// Ends the run, all of whose results are written; its journal is needed no more.
    pub(super) fn close(&self) -> Result<(), Failure> {
        match self.lost.get() {
            0 => self.journal.as_ref().map_or(Ok(()), Journal::close),
            lost => Err(Failure::Broken(format!("{lost} files could not be written"))),
        }
    }
}

/// What tells whether an answer belongs to a query: all that it depends on, in few letters.
pub(super) fn fingerprint(problem: &Problem, options: &PlanOptions, backend: &BackendArgs) -> String {
    let adapter: Option<&AdapterChoice> = backend.adapter.as_ref();
    let (version, level) = (env!("CARGO_PKG_VERSION"), Level::in_use().name());
    let mut digest = Digest::default();
    // A digest takes any text.
    let _ = write!(digest, "{version} {level} {:?} {adapter:?} {options:?} {problem:?}", backend.backend);
    digest.to_string()
}

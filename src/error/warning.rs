//! What was read otherwise than it stands in a file.

use super::InputError;
use std::cell::RefCell;
use std::fmt;
use std::path::Path;

/// Something in a user's file was read otherwise than it stands there, or passed over, which does no harm to the
/// rest: where it stands and what was made of it.
///
/// Prints as an [`InputError`]: `FILE:LINE:COLUMN: KEY: MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning(pub InputError);

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Collects what a reader warns of. Readers hold it beside what they borrow from a document, so it takes
/// warnings through a shared reference.
#[derive(Debug, Default)]
pub(crate) struct Warnings(RefCell<Vec<Warning>>);

impl Warnings {
    /// Adds what an error says to the warnings.
    pub(crate) fn push(&self, what: InputError) {
        self.0.borrow_mut().push(Warning(what));
    }

    /// All of them, in the order in which they came.
    pub(crate) fn take(&self) -> Vec<Warning> {
        self.0.take()
    }

    /// All of them, the file said where it is not known.
    pub(crate) fn take_of(&self, file: Option<&Path>) -> Vec<Warning> {
        let name = |Warning(error)| match file {
            Some(file) => Warning(error.in_file(file)),
            None => Warning(error),
        };
        self.take().into_iter().map(name).collect()
    }
}

/// Some names of many, for a message: "a", "b", "c" and 4 more.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 5;
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> =
        names.iter().take(MOST).map(|name| format!("\"{}\"", super::excerpt(name))).collect();
    let more = names.len().saturating_sub(MOST);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

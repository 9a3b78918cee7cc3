//! Errors in what a user hands us: of files the file, the line, the key, of values in memory the field; and
//! what was expected there. Also the one reader and the one writer of files. Imports nothing of flatout.

mod file;
mod value;
mod warning;
mod write;

pub use file::MAX_FILE_BYTES;
#[cfg(feature = "cli")]
pub(crate) use file::{remember_reads, was_read};
pub(crate) use value::{Checked, finite, magnitude, ordered, positive, positive_or_endless};
pub use value::{GREATEST, InvalidValue, LEAST};
pub use warning::Warning;
pub(crate) use warning::{Warnings, listed};
#[cfg(feature = "cli")]
pub(crate) use write::append_line;
pub use write::{write_file, write_file_by};

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest piece of a user's text that a message repeats, in characters.
const EXCERPT: usize = 200;

/// A user's text for a message: escaped, and cut off where it is long.
pub fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(EXCERPT).flat_map(char::escape_debug).collect();
    if text.chars().nth(EXCERPT).is_some() {
        shown.push('…');
    }
    shown
}

/// Something is wrong with a file (or a command-line value) the user gave us.
///
/// Prints as `FILE:LINE:COLUMN: KEY: MESSAGE`, leaving out the parts that are unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The file, where there is one.
    pub file: Option<PathBuf>,
    /// 1-based line in the file.
    pub line: Option<usize>,
    /// 1-based column in the file.
    pub column: Option<usize>,
    /// Path of the offending key, such as `goal.joints.elbow_joint` or `joint "elbow"`.
    pub key: Option<String>,
    /// What is wrong and what was expected instead.
    pub message: String,
}

impl InputError {
    /// An error that knows only what is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self { file: None, line: None, column: None, key: None, message: message.into() }
    }

    /// An error about a value that makes no sense, the field being the key.
    pub fn of_value(value: InvalidValue) -> Self {
        let InvalidValue { field, found, expected } = value;
        Self::new(format!("expected {expected}, found {found}")).for_key(field)
    }

    /// Says which file it is about, unless that is known already.
    #[must_use]
    pub fn in_file(mut self, file: impl AsRef<Path>) -> Self {
        self.file.get_or_insert_with(|| file.as_ref().to_path_buf());
        self
    }

    /// Says at which line (1-based) it is, unless that is known already.
    #[must_use]
    pub fn at_line(mut self, line: usize) -> Self {
        self.line.get_or_insert(line);
        self
    }

    /// Says at which line and column (1-based) it is, unless the line is known already.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        if self.line.is_none() {
            self.line = Some(line);
            self.column = Some(column);
        }
        self
    }

    /// Says which key it is about, unless that is known already.
    #[must_use]
    pub fn for_key(mut self, key: impl Into<String>) -> Self {
        self.key.get_or_insert_with(|| key.into());
        self
    }

    /// Reads a whole text file of at most [`MAX_FILE_BYTES`], or says why that fails. What is no file but a
    /// device or a pipe is refused, as it may have no end; only what the caller has opened for us is read:
    /// standard input as `/dev/stdin`, and other open descriptors as `/dev/fd/N`.
    ///
    /// # Errors
    /// Where there is no such file, it cannot be read, is too large, or holds anything but text.
    pub fn read_text(path: &Path) -> Result<String, Self> {
        let bytes = Self::read_bytes(path)?;
        String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1;
            Self::new("expected text in UTF-8, found other bytes").at_line(line).in_file(path)
        })
    }

    /// Reads a whole file, as [`InputError::read_text`], whatever it holds.
    ///
    /// # Errors
    /// As [`InputError::read_text`].
    pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Self> {
        file::read(path, MAX_FILE_BYTES).map_err(|message| Self::new(message).in_file(path))
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
                if let Some(column) = self.column {
                    write!(f, "{column}:")?;
                }
            }
            write!(f, " ")?;
        } else if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for InputError {}

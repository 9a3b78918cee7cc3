//! Errors in what a user hands us: the file, the line, the key, and what was expected there.
//! Imports nothing of flatout.

use std::fmt;
use std::path::{Path, PathBuf};

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

    /// Reads a whole text file, or says why that fails.
    pub fn read_text(path: &Path) -> Result<String, Self> {
        std::fs::read_to_string(path)
            .map_err(|e| Self::new(format!("cannot read the file: {e}")).in_file(path))
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

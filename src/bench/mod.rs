//! Problem suites of the field, read into problems.
//! Imports `document`, `error`, `pose`, `world`, `robot`, `problem` and `scene`.

pub mod mbm;
pub mod report;
pub mod runner;

//! Problem suites of the field, read into problems, a runner and its tables.
//! Imports `scene`, `plan`, and what lies below them.

pub mod edges;
pub mod mbm;
pub mod report;
pub mod runner;

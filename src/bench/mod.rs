//! Problem suites of the field, read into problems, a runner and its tables.
//! Imports `scene`, `plan`, and what lies below them.

pub mod chart;
pub mod compare;
pub mod converge;
pub mod deadline;
pub mod dynobench;
pub mod edges;
pub mod families;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod kinopax;
pub mod mbm;
pub mod replan;
pub mod report;
pub mod rrt_star;
pub mod runner;
pub mod samples;
pub mod search_families;
pub mod seeds;

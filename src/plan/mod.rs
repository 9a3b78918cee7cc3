//! Planners.

mod options;

pub use options::PlanOptions;

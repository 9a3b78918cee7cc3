//! Steering: the local trajectory that joins two flat states and meets the limits of each output.
//! Imports `robot` (for limits).

mod least_effort;
mod quartic;
mod time_optimal;

pub use least_effort::{LIMIT_TOLERANCE, LeastEffort};
pub use time_optimal::{Profile, TimeOptimal};

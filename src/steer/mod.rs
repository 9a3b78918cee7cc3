//! Steering: the local trajectory that joins two flat states and meets the limits of each output.
//! Imports `robot` (for limits).

mod least_effort;
mod quartic;

pub use least_effort::{LIMIT_TOLERANCE, LeastEffort};

//! Kinodynamic RRT*: a tree of optimal connections, which converges to the best motion (Webb and van den Berg, ICRA 2013).
//! Imports `local_planner`, `steer`, `certify`, `search` and what lies below them.

mod joints;
mod linear;
mod query;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use joints::JointRrtStar;
pub use linear::{LinearRrtStar, LinearWorld, Linearise, Neighbours};
pub use query::{
    LinearPlanError, LinearPlanOptions, LinearSolution, LinearStatistics, LinearUnsolved, plan_linear,
};

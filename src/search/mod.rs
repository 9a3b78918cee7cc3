//! What every search needs: seeded samplers, trees of flat states, nearest neighbours, guides.
//! Imports `vector` and `stop`.

mod grid_heuristic;
mod sampler;
mod tree;

pub use grid_heuristic::{CellClearance, GridHeuristic, GridPath};
pub use sampler::Sampler;
pub use tree::{NodeIndex, Tree};

//! What every search needs: seeded samplers, trees of flat states, nearest neighbours, guides.
//! Imports `vector` and `stop`.

mod guide;
mod sampler;
mod tree;

pub use guide::{CellClearance, GridHeuristic, GridPath};
pub use sampler::Sampler;
pub use tree::{NodeIndex, Tree};

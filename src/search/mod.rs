//! What every search needs: seeded samplers, trees of flat states, nearest neighbours, guides.
//! Imports `vector` and `stop`.

mod guide;
mod sampler;
mod tree;

pub use guide::{Clearance, GridHeuristic, Path};
pub use sampler::Sampler;
pub use tree::{Node, Tree};

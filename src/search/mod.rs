//! What every search needs: seeded samplers, trees of flat states, nearest neighbours.
//! Imports `lanes`.

mod sampler;
mod tree;

pub use sampler::Sampler;
pub use tree::{Node, Tree};

//! What every search needs: seeded samplers, trees of flat states, nearest neighbours.
//! Imports nothing of flatout.

mod sampler;
mod tree;

pub use sampler::Sampler;
pub use tree::{Node, Tree};

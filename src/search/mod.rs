//! What every search needs: seeded samplers, trees of flat states, nearest neighbours, guides.
//! Imports `vector` and `stop`.

mod cell_guide;
mod extension;
mod sampler;
mod tree;

pub use cell_guide::{CellClearance, CellGuide, CostField, GuidePath};
pub use extension::{ExtensionSettings, step};
pub use sampler::Sampler;
pub use tree::{NodeIndex, Tree};

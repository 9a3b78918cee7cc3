//! How many outputs bases have, and how many of their derivatives count.

use crate::trajectory::MAX_DEGREE;

/// Most flat outputs of a base.
pub const MAX_OUTPUTS: usize = 4;
/// Highest derivative of an output that any base asks for.
pub const MAX_ORDER: usize = 4;
/// An output's value and its derivatives, one more than any base asks for: how fast the last changes.
pub const MAX_DERIVATIVES: usize = MAX_ORDER + 2;

/// Coefficients of the curvature rate of a path, which is a product of derivatives of four outputs.
pub(super) const LONG: usize = 4 * MAX_DEGREE;

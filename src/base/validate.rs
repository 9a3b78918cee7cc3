//! What several kinds of bases ask of their figures. Imports `error`.

use crate::error::{Checked, InvalidValue, ordered, positive};
use std::f64::consts::FRAC_PI_2;

/// Least and greatest speed, one of them not zero.
pub(super) fn moving(field: &str, speed: [f64; 2]) -> Checked {
    ordered(field, speed)?;
    if speed == [0.0; 2] {
        return Err(InvalidValue::new(field, "[0, 0]", "a speed that is not zero"));
    }
    Ok(())
}

/// An angle above zero and below a quarter turn, where its tangent is a number of sensible size.
pub(super) fn acute(field: &str, angle: f64) -> Checked {
    positive(field, angle)?;
    if angle < FRAC_PI_2 - 1e-9 {
        return Ok(());
    }
    Err(InvalidValue::new(field, angle, "an angle below pi / 2 = 1.5707963"))
}

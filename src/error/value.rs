//! Values in memory that make no sense, and the checks that find them.

use serde::Serialize;
use std::fmt;

/// The greatest magnitude of any number of a problem that is not infinite, in SI units: a thousand million
/// kilometres, or as many tonnes. What is beyond is a slip, and its third power would be none in the single
/// precision that edges are checked in.
pub const GREATEST: f64 = 1e12;

/// The least size of what must not vanish, in SI units.
pub const LEAST: f64 = 1e-12;

/// A value that makes no sense: a number that is none, a length below zero, an index that points nowhere, a
/// list of the wrong length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: expected {expected}, found {found}")]
pub struct InvalidValue {
    /// Where it stands, such as `mechanism.limits[2].velocity`: the names of the fields that lead to it.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl InvalidValue {
    /// Of the value `found` in a field.
    pub fn new(field: impl Into<String>, found: impl fmt::Display, expected: impl Into<String>) -> Self {
        Self { field: field.into(), found: found.to_string(), expected: expected.into() }
    }

    /// The same, its field being one of what stands in `field`.
    #[must_use]
    pub(crate) fn under(self, field: impl fmt::Display) -> Self {
        let joint = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        Self { field: format!("{field}{joint}{}", self.field), ..self }
    }
}

pub(crate) type Checked = Result<(), InvalidValue>;

/// Numbers up to [`GREATEST`], of either sign.
#[inline]
pub(crate) fn finite(field: &str, value: f64) -> Checked {
    // Written so that what is no number fails.
    if value.abs() <= GREATEST {
        return Ok(());
    }
    Err(InvalidValue::new(field, value, format!("a number of magnitude at most {GREATEST:e}")))
}

/// Numbers from 0 to [`GREATEST`].
#[inline]
pub(crate) fn magnitude(field: &str, value: f64) -> Checked {
    if (0.0..=GREATEST).contains(&value) {
        return Ok(());
    }
    Err(InvalidValue::new(field, value, format!("a number from 0 to {GREATEST:e}")))
}

/// Numbers from [`LEAST`] to [`GREATEST`].
#[inline]
pub(crate) fn positive(field: &str, value: f64) -> Checked {
    if (LEAST..=GREATEST).contains(&value) {
        return Ok(());
    }
    Err(InvalidValue::new(field, value, format!("a number from {LEAST:e} to {GREATEST:e}")))
}

/// Numbers from [`LEAST`] to [`GREATEST`], or infinity: no limit.
#[inline]
pub(crate) fn positive_or_endless(field: &str, value: f64) -> Checked {
    if value == f64::INFINITY || (LEAST..=GREATEST).contains(&value) {
        return Ok(());
    }
    let expected = format!("a number from {LEAST:e} to {GREATEST:e}, or infinity for no limit");
    Err(InvalidValue::new(field, value, expected))
}

/// A least and a greatest number, neither infinite.
pub(crate) fn ordered(field: &str, [least, most]: [f64; 2]) -> Checked {
    if least <= most && least.abs() <= GREATEST && most.abs() <= GREATEST {
        return Ok(());
    }
    finite(&format!("{field}[0]"), least)?;
    finite(&format!("{field}[1]"), most)?;
    Err(InvalidValue::new(field, format!("[{least}, {most}]"), "the least value before the greatest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_named() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308] {
            assert!(finite("x", value).is_err() && positive("x", value).is_err(), "{value}");
            assert!(magnitude("x", value).is_err() && ordered("x", [0.0, value]).is_err(), "{value}");
            assert_eq!(positive_or_endless("x", value).is_ok(), value == f64::INFINITY, "{value}");
        }
        assert!(finite("x", -1.0).is_ok() && magnitude("x", -1.0).is_err() && positive("x", -1.0).is_err());
        assert!(magnitude("x", 0.0).is_ok() && positive("x", 0.0).is_err());
        assert!(ordered("x", [1.0, 1.0]).is_ok() && ordered("x", [1.0, 0.5]).is_err());
        let error = positive("mass", -1.0).unwrap_err().under("base").under("mechanism");
        assert_eq!(error.to_string(), "mechanism.base.mass: expected a number from 1e-12 to 1e12, found -1");
        assert_eq!(finite("[2]", f64::NAN).unwrap_err().under("start.position").field, "start.position[2]");
    }
}

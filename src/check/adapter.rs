//! Which device a GPU backend uses.

use std::fmt;

/// Which adapter a GPU backend uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The first of the best kind: discrete, then integrated, virtual, other, and software at last.
    /// `WGPU_ADAPTER_NAME` in the environment turns it into [`AdapterChoice::Name`].
    #[default]
    Best,
    /// The first whose name contains this, whatever the case.
    Name(String),
    /// By its place in the list of adapters.
    Index(usize),
}

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("of any kind"),
            Self::Name(name) => write!(f, "is named \"{name}\""),
            Self::Index(index) => write!(f, "has number {index}"),
        }
    }
}

impl std::str::FromStr for AdapterChoice {
    type Err = std::convert::Infallible;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(s.parse().map_or_else(|_| Self::Name(s.to_owned()), Self::Index))
    }
}

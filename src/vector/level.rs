//! The instruction set in use.

use super::portable::Portable;
use super::traits::{Kernel, Simd};
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Avx512, Sse2};
use std::fmt;
use std::sync::OnceLock;

/// Names of all levels, the best first, whether this CPU has them or not.
pub const LEVELS: [&str; 4] = ["avx512", "avx2", "sse2", "portable"];

/// The variable of the environment that names the level to compute at, so that a machine gives the answer of another.
pub const LEVEL_VARIABLE: &str = "FLATOUT_SIMD";

static CHOSEN: OnceLock<Result<Level, LevelFault>> = OnceLock::new();

/// Why a level cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LevelFault {
    /// No level is called so.
    Unknown(String),
    /// This CPU does not have it.
    Lacking(String),
}

impl LevelFault {
    /// The name that was given.
    pub fn found(&self) -> &str {
        match self {
            Self::Unknown(name) | Self::Lacking(name) => name,
        }
    }

    /// What could stand in its place.
    pub fn expected(&self) -> String {
        match self {
            Self::Unknown(_) => format!("one of {}", LEVELS.join(", ")),
            Self::Lacking(_) => {
                let available: Vec<_> = Level::available().map(Level::name).collect();
                format!("a level that this machine has: {}", available.join(", "))
            }
        }
    }
}

impl fmt::Display for LevelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: String = self.found().chars().take(40).flat_map(char::escape_debug).collect();
        write!(f, "expected {}, found \"{found}\"", self.expected())
    }
}

impl std::error::Error for LevelFault {}

/// A token of the instruction set in use.
#[derive(Clone, Copy, Debug)]
pub enum Level {
    /// Sixteen lanes of `f32`.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// Eight lanes of `f32`.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Four lanes of `f32`, on every x86-64.
    #[cfg(target_arch = "x86_64")]
    Sse2(Sse2),
    /// Four lanes of `f32`, everywhere.
    Portable(Portable),
}

impl Level {
    /// All levels that this CPU has, the best first.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let special = [
            Avx512::detect().map(Self::Avx512),
            Avx2::detect().map(Self::Avx2),
            Sse2::detect().map(Self::Sse2),
        ];
        #[cfg(not(target_arch = "x86_64"))]
        let special: [Option<Self>; 0] = [];
        special.into_iter().flatten().chain([Self::Portable(Portable)])
    }

    /// The level of this name.
    ///
    /// # Errors
    /// Where no level is called so, or this CPU does not have it.
    pub fn named(name: &str) -> Result<Self, LevelFault> {
        let found = Self::available().find(|level| level.name() == name);
        found.ok_or_else(|| match LEVELS.contains(&name) {
            true => LevelFault::Lacking(name.to_owned()),
            false => LevelFault::Unknown(name.to_owned()),
        })
    }

    /// Chooses the level for the rest of the process, over what the environment says; to be called before anything is
    /// computed.
    ///
    /// # Errors
    /// As [`Level::named`].
    pub fn choose(name: &str) -> Result<(), LevelFault> {
        let level = Self::named(name)?;
        let _ = CHOSEN.set(Ok(level));
        Ok(())
    }

    /// The level that was chosen, by [`Level::choose`] or by the variable [`LEVEL_VARIABLE`] of the environment; where
    /// neither was, the best of this CPU.
    ///
    /// # Errors
    /// Where the environment names one that is none, or that this CPU does not have.
    pub fn chosen() -> Result<Self, LevelFault> {
        let by_environment = || match std::env::var_os(LEVEL_VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()),
            _ => Ok(Self::best()),
        };
        CHOSEN.get_or_init(by_environment).clone()
    }

    /// The same, for whoever has no answer to a wrong choice: who makes a checker is told of it.
    pub fn in_use() -> Self {
        Self::chosen().unwrap_or_else(|_| Self::best())
    }

    /// The best level of this CPU.
    fn best() -> Self {
        Self::available().next().unwrap_or(Self::Portable(Portable))
    }

    /// What users call it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Sse2(_) => "sse2",
            Self::Portable(_) => "portable",
        }
    }

    /// Lanes of a vector of `f32`.
    pub fn lanes(self) -> usize {
        struct Count;
        impl Kernel for Count {
            type Output = usize;
            #[inline(always)]
            fn call<S: Simd>(self, _: S) -> usize {
                S::LANES
            }
        }
        self.run(Count)
    }

    /// Runs `kernel` compiled for this level.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(s) => s.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(s) => s.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Sse2(s) => s.run(kernel),
            Self::Portable(s) => s.run(kernel),
        }
    }
}

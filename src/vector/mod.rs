//! Vectors of `f32` and `f64` per instruction set, chosen at run time. Imports nothing of flatout.
//!
//! A [`Simd`] value is a token: it can only be made where the CPU has been seen to have the
//! instructions, and a [`Vector`] can only be made from a token or another vector. That is the proof
//! behind every `unsafe` block of this room. Arithmetic is written once, generic over the token; a
//! [`Kernel`] made of it is inlined into [`Simd::run`] and compiled there for the token's instructions.
//!
//! Vectors of `f32` are as wide as the registers; those of `f64` are of eight numbers at every level.
//! Checkers and certificates both compute with them: a certificate is independent by its algorithms,
//! not by its additions.

mod functions;
mod portable;
#[cfg(test)]
mod tests;
mod traits;
mod vector3;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use functions::{atan2, sin_cos};
use portable::Portable;
pub use traits::*;
pub use vector3::Vector3;
#[cfg(target_arch = "x86_64")]
use x86::{Avx2, Avx512, Sse2};

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

    /// The best level of this CPU.
    pub fn best() -> Self {
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

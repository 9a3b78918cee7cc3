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
mod level;
mod portable;
#[cfg(test)]
mod tests;
mod traits;
mod vector3;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use functions::{atan2, sin_cos};
pub use level::{LEVELS, LEVEL_VARIABLE, Level, LevelFault};
pub use traits::*;
pub use vector3::Vector3;

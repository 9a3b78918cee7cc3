//! What vectors, their numbers, their masks and their instruction sets can do.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Sub};

/// The greatest number of lanes of a vector of `f32`.
pub const MAX_F32_LANES: usize = 16;

/// Lanes of a vector of `f64`, at every level.
pub const F64_LANES: usize = 8;

/// One number per lane, in memory.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Row<T, const N: usize>(pub [T; N]);

/// Room for the widest vector of `f32`; narrower levels use its first lanes.
pub type Row32 = Row<f32, MAX_F32_LANES>;

/// A vector of `f64` in memory.
pub type Row64 = Row<f64, F64_LANES>;

impl Row32 {
    /// Zero in every lane.
    pub const ZERO: Self = Self([0.0; MAX_F32_LANES]);
    /// The number of each lane.
    pub const NUMBERS: Self =
        Self([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
}

impl Row64 {
    /// Zero in every lane.
    pub const ZERO: Self = Self([0.0; F64_LANES]);
}

/// What vectors are made of.
pub trait Number: Copy {
    /// A vector of it in memory.
    type Row;
}

impl Number for f32 {
    type Row = Row32;
}

impl Number for f64 {
    type Row = Row64;
}

/// One truth value per lane.
pub trait Mask: Copy + BitAnd<Output = Self> + BitOr<Output = Self> {
    /// One bit per lane, lane 0 lowest.
    fn bits(self) -> u32;
}

impl Mask for u8 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self.into()
    }
}

impl Mask for u16 {
    #[inline(always)]
    fn bits(self) -> u32 {
        self.into()
    }
}

/// One number per lane. Where a number is NaN, `max` and `min` give their second argument, and no
/// comparison holds.
pub trait Vector:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// What it is made of.
    type Number: Number;
    /// What a comparison gives.
    type Mask: Mask;
    /// Number of lanes.
    const LANES: usize;

    /// The same number in every lane.
    fn like(self, x: Self::Number) -> Self;
    /// Overwrites the first lanes of `row`.
    fn store(self, row: &mut <Self::Number as Number>::Row);
    /// self * b + c, fused where the instruction set has it
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// c - self * b, fused where the instruction set has it
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// The greater of each lane
    fn max(self, other: Self) -> Self;
    /// The lesser of each lane
    fn min(self, other: Self) -> Self;
    /// Magnitude
    fn abs(self) -> Self;
    /// Square root
    fn sqrt(self) -> Self;
    /// Nearest whole number
    fn round(self) -> Self;
    /// self < other
    fn lt(self, other: Self) -> Self::Mask;
    /// self > other
    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        other.lt(self)
    }
    /// self <= other
    fn le(self, other: Self) -> Self::Mask;
    /// `self` in the lanes of `mask`, else `other`
    fn pick(self, mask: Self::Mask, other: Self) -> Self;
}

/// A vector of `f64`, a bit per lane where it is compared.
pub trait Doubles: Vector<Number = f64, Mask = u8> {
    /// One lane's number in all lanes.
    #[inline(always)]
    fn lane(self, lane: usize) -> Self {
        let mut row = Row64::ZERO;
        self.store(&mut row);
        self.like(row.0[lane])
    }

    /// The least of all lanes.
    #[inline(always)]
    fn least(self) -> f64 {
        let mut row = Row64::ZERO;
        self.store(&mut row);
        let mut least = f64::INFINITY;
        for x in row.0 {
            least = least.min(x);
        }
        least
    }
}

impl<V: Vector<Number = f64, Mask = u8>> Doubles for V {}

/// A token that makes vectors of `T`.
pub trait Vectors<T: Number>: Copy {
    /// The vector.
    type F: Vector<Number = T>;
    /// The same number in every lane.
    fn splat(self, x: T) -> Self::F;
    /// The first lanes of `row`.
    fn load(self, row: &T::Row) -> Self::F;
}

/// A token of an instruction set that this CPU has: of its vectors of `f32`.
pub trait Simd32: Vectors<f32> {
    /// Number of lanes.
    const LANES: usize = <Self::F as Vector>::LANES;

    /// No lane
    #[inline(always)]
    fn none(self) -> Mask32<Self> {
        let zero = self.splat(0.0);
        zero.lt(zero)
    }
}

impl<S: Vectors<f32>> Simd32 for S {}

/// One truth value per lane of vectors of `f32`.
pub type Mask32<S> = <<S as Vectors<f32>>::F as Vector>::Mask;

/// The same of its vectors of `f64`.
pub trait Simd64: Vectors<f64, F: Doubles> {}

impl<S: Vectors<f64, F: Doubles>> Simd64 for S {}

/// Both.
pub trait Simd: Simd32 + Simd64 {
    /// Runs `kernel` compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
}

/// Code to be compiled once per instruction set.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The code. Implementations and all that they call must be `#[inline(always)]`: only what is
    /// inlined into [`Simd::run`] is compiled for its instruction set. Closures (and so `map` or
    /// `from_fn`) are not, and cost a call per operation.
    fn call<S: Simd>(self, s: S) -> Self::Output;
}

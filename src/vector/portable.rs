//! Plain Rust for any CPU, which compilers turn into NEON and the like: four `f32`, eight `f64`.

use super::traits::*;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Sub};

/// The level that every CPU has.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Simd for Portable {
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }
}

/// A mask that plain vectors read and write lane by lane.
trait Lanes: Mask {
    fn of(truth: impl Fn(usize) -> bool) -> Self;
    fn has(self, lane: usize) -> bool;
}

impl Lanes for u8 {
    #[inline(always)]
    fn of(truth: impl Fn(usize) -> bool) -> Self {
        let mut bits = 0;
        for lane in 0..8 {
            bits |= Self::from(truth(lane)) << lane;
        }
        bits
    }

    #[inline(always)]
    fn has(self, lane: usize) -> bool {
        self >> lane & 1 == 1
    }
}

/// One truth value per lane of four, as compilers like it.
#[derive(Clone, Copy)]
pub struct Truths([bool; 4]);

impl Lanes for Truths {
    #[inline(always)]
    fn of(truth: impl Fn(usize) -> bool) -> Self {
        Self(std::array::from_fn(truth))
    }

    #[inline(always)]
    fn has(self, lane: usize) -> bool {
        self.0[lane]
    }
}

impl BitAnd for Truths {
    type Output = Self;
    #[inline(always)]
    fn bitand(self, other: Self) -> Self {
        Self::of(|lane| self.0[lane] & other.0[lane])
    }
}

impl BitOr for Truths {
    type Output = Self;
    #[inline(always)]
    fn bitor(self, other: Self) -> Self {
        Self::of(|lane| self.0[lane] | other.0[lane])
    }
}

impl Mask for Truths {
    #[inline(always)]
    fn bits(self) -> u32 {
        self.0.iter().rev().fold(0, |bits, &truth| bits << 1 | u32::from(truth))
    }
}

/// Defines a vector of `$lanes` numbers.
macro_rules! plain {
    (
        $vector:ident($number:ident, $lanes:literal, $mask:ident);
        $(operator $trait:ident::$operator:ident($o:ident $(, $os:ident)*) = $operated:expr;)+
        $(fn $op:ident($a:ident $(, $as:ident)*) = $body:expr;)+
    ) => {
        #[doc = concat!(stringify!($lanes), " numbers.")]
        #[derive(Clone, Copy)]
        pub struct $vector([$number; $lanes]);

        impl Vectors<$number> for Portable {
            type F = $vector;

            #[inline(always)]
            fn splat(self, x: $number) -> $vector {
                $vector([x; $lanes])
            }

            #[inline(always)]
            fn load(self, row: &<$number as Number>::Row) -> $vector {
                $vector(std::array::from_fn(|lane| row.0[lane]))
            }
        }

        $(impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $operator(self $(, $os: Self)*) -> Self {
                Self(std::array::from_fn(|lane| {
                    let ($o, $($os,)*) = (self.0[lane], $($os.0[lane],)*);
                    $operated
                }))
            }
        })+

        impl Vector for $vector {
            type Number = $number;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn like(self, x: $number) -> Self {
                Self([x; $lanes])
            }

            #[inline(always)]
            fn store(self, row: &mut <$number as Number>::Row) {
                row.0[..$lanes].copy_from_slice(&self.0);
            }

            #[inline(always)]
            fn lt(self, other: Self) -> $mask {
                $mask::of(|lane| self.0[lane] < other.0[lane])
            }

            #[inline(always)]
            fn le(self, other: Self) -> $mask {
                $mask::of(|lane| self.0[lane] <= other.0[lane])
            }

            #[inline(always)]
            fn pick(self, mask: $mask, other: Self) -> Self {
                Self(std::array::from_fn(|lane| if mask.has(lane) { self.0[lane] } else { other.0[lane] }))
            }

            $(#[inline(always)]
            fn $op(self $(, $as: Self)*) -> Self {
                Self(std::array::from_fn(|lane| {
                    let ($a, $($as,)*) = (self.0[lane], $($as.0[lane],)*);
                    $body
                }))
            })+
        }
    };
    ($($vector:ident($number:ident, $lanes:literal, $mask:ident);)+) => {
        $(plain! {
            $vector($number, $lanes, $mask);
            operator Add::add(a, b) = a + b;
            operator Sub::sub(a, b) = a - b;
            operator Mul::mul(a, b) = a * b;
            operator Div::div(a, b) = a / b;
            operator Neg::neg(a) = -a;
            fn mul_add(a, b, c) = a * b + c;
            fn neg_mul_add(a, b, c) = c - a * b;
            fn max(a, b) = if a > b { a } else { b };
            fn min(a, b) = if a < b { a } else { b };
            fn abs(a) = a.abs();
            fn sqrt(a) = a.sqrt();
            fn round(a) = a.round();
        })+
    };
}

plain! {
    PlainF32(f32, 4, Truths);
    PlainF64(f64, 8, u8);
}

//! Eight numbers at a time in `f64`, at the best level that this CPU has. Imports nothing of
//! flatout: the certificate shares no arithmetic with a checker.
//!
//! A [`Level`] is a token that exists only where the CPU has been seen to have the instructions,
//! and a [`Numbers`] can only be made by one: that is the proof behind every `unsafe` block of this
//! file. Arithmetic is written once, generic over the level; a [`Kernel`] made of it is inlined into
//! [`Level::run`] and compiled there for the level's instructions.

use std::ops::{Add, Mul, Neg, Sub};

/// Numbers at a time.
pub(super) const LANES: usize = 8;

/// One number per lane, in memory.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Row(pub(super) [f64; LANES]);

impl Row {
    pub(super) const ZERO: Self = Self([0.0; LANES]);
}

/// Code to be compiled once per level. Implementations and all that they call on their hot paths
/// must be `#[inline(always)]` and free of closures, which do not inherit instruction sets.
pub(super) trait Kernel {
    type Output;
    fn call<L: Level>(self, level: L) -> Self::Output;
}

/// A token of an instruction set that this CPU has.
pub(super) trait Level: Copy {
    type F: Numbers;
    /// Runs `kernel` compiled for this level.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
    /// The same number in every lane.
    fn splat(self, x: f64) -> Self::F;
    fn load(self, row: &Row) -> Self::F;
}

/// One number per lane. Where a number is NaN, `max` and `min` give their second argument, and no
/// comparison holds.
pub(super) trait Numbers:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// The same number in every lane.
    fn like(self, x: f64) -> Self;
    fn store(self, row: &mut Row);
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn sqrt(self) -> Self;
    fn over(self, other: Self) -> Self;
    /// self * b + c, fused where the instruction set has it.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Bit by lane, lane 0 lowest: where self > other.
    fn above(self, other: Self) -> u8;
    /// `self` where the lane's bit is set, else `other`.
    fn pick(self, bits: u8, other: Self) -> Self;

    #[inline(always)]
    fn abs(self) -> Self {
        self.max(-self)
    }

    /// One lane's number in all lanes.
    #[inline(always)]
    fn lane(self, lane: usize) -> Self {
        let mut row = Row::ZERO;
        self.store(&mut row);
        self.like(row.0[lane])
    }

    /// The least of all lanes.
    #[inline(always)]
    fn least(self) -> f64 {
        let mut row = Row::ZERO;
        self.store(&mut row);
        let mut least = f64::INFINITY;
        for x in row.0 {
            least = least.min(x);
        }
        least
    }
}

/// A level of this CPU.
#[derive(Clone, Copy)]
pub(super) enum Chosen {
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    Portable(Portable),
}

impl Chosen {
    /// The best that this CPU has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let wide = x86::Avx512::detect().map(Self::Avx512);
            if let Some(level) = wide.or_else(|| x86::Avx2::detect().map(Self::Avx2)) {
                return level;
            }
        }
        Self::Portable(Portable)
    }

    /// All that this CPU has, by name.
    #[cfg(test)]
    pub(super) fn available() -> Vec<(&'static str, Self)> {
        let mut levels = vec![("portable", Self::Portable(Portable))];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(x86::Avx2::detect().map(|level| ("avx2", Self::Avx2(level))));
            levels.extend(x86::Avx512::detect().map(|level| ("avx512", Self::Avx512(level))));
        }
        levels
    }

    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(level) => level.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(level) => level.run(kernel),
            Self::Portable(level) => level.run(kernel),
        }
    }
}

/// Plain Rust, for any CPU.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// Numbers of [`Portable`].
#[derive(Clone, Copy)]
pub(super) struct Plain([f64; LANES]);

impl Level for Portable {
    type F = Plain;

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Plain {
        Plain([x; LANES])
    }

    #[inline(always)]
    fn load(self, row: &Row) -> Plain {
        Plain(row.0)
    }
}

impl Plain {
    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        self
    }
}

impl Numbers for Plain {
    #[inline(always)]
    fn like(self, x: f64) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    fn store(self, row: &mut Row) {
        row.0 = self.0;
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.zip(self, |a, _| a.sqrt())
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }

    #[inline(always)]
    fn above(self, other: Self) -> u8 {
        let mut bits = 0;
        for (lane, (a, b)) in self.0.into_iter().zip(other.0).enumerate() {
            bits |= u8::from(a > b) << lane;
        }
        bits
    }

    #[inline(always)]
    fn pick(mut self, bits: u8, other: Self) -> Self {
        for (lane, (a, b)) in self.0.iter_mut().zip(other.0).enumerate() {
            if bits >> lane & 1 == 0 {
                *a = b;
            }
        }
        self
    }
}

/// The operators of a type of numbers.
macro_rules! operators {
    ($numbers:ty, $(fn $op:ident of $trait:ident($a:ident, $b:ident) = $body:expr;)*
     neg($n:ident) = $negated:expr) => {
        $(impl $trait for $numbers {
            type Output = Self;
            #[inline(always)]
            fn $op(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $body
            }
        })*
        impl Neg for $numbers {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                let $n = self;
                $negated
            }
        }
    };
}

operators! {
    Plain,
    fn add of Add(a, b) = a.zip(b, |a, b| a + b);
    fn sub of Sub(a, b) = a.zip(b, |a, b| a - b);
    fn mul of Mul(a, b) = a.zip(b, |a, b| a * b);
    neg(a) = a.zip(a, |a, _| -a)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Add, Kernel, Level, Mul, Neg, Numbers, Row, Sub};
    use std::arch::x86_64::*;

    /// Defines a level and its numbers from the intrinsics of each operation.
    macro_rules! level {
        (
            $(#[$doc:meta])* $level:ident, $numbers:ident($inner:ty), $features:literal, [$($detect:tt),+],
            splat($x:ident) = $splat:expr;
            load($row:ident) = $load:expr;
            store($to:ident, $stored:ident) = $store:expr;
            above($p:ident, $q:ident) = $above:expr;
            pick($bits:ident, $yes:ident, $no:ident) = $pick:expr;
            neg($n:ident) = $negated:expr;
            $(unary fn $unary:ident($ua:ident) = $ubody:expr;)*
            $(fn $binary:ident($a:ident, $b:ident) = $body:expr;)*
            fused fn mul_add($fa:ident, $fb:ident, $fc:ident) = $fused:expr;
            $(operator fn $op:ident of $trait:ident($oa:ident, $ob:ident) = $obody:expr;)*
        ) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            pub(in super::super) struct $level(());

            /// Numbers of this level.
            #[derive(Clone, Copy)]
            pub(in super::super) struct $numbers($inner);

            impl $level {
                pub(super) fn detect() -> Option<Self> {
                    (true $(&& is_x86_feature_detected!($detect))+).then_some(Self(()))
                }
            }

            impl Level for $level {
                type F = $numbers;

                fn run<K: Kernel>(self, kernel: K) -> K::Output {
                    #[target_feature(enable = $features)]
                    fn compiled<K: Kernel>(level: $level, kernel: K) -> K::Output {
                        kernel.call(level)
                    }
                    // SAFETY: a token is only made by `detect`, after the CPU was seen to have the features.
                    unsafe { compiled(self, kernel) }
                }

                #[inline(always)]
                fn splat(self, $x: f64) -> $numbers {
                    // SAFETY: as in `run`.
                    $numbers(unsafe { $splat })
                }

                #[inline(always)]
                fn load(self, row: &Row) -> $numbers {
                    let $row = row.0.as_ptr();
                    // SAFETY: as in `run`; a row holds eight numbers and is aligned to 64 bytes.
                    $numbers(unsafe { $load })
                }
            }

            impl Numbers for $numbers {
                #[inline(always)]
                fn like(self, $x: f64) -> Self {
                    // SAFETY: numbers are only made where the CPU was seen to have the features.
                    Self(unsafe { $splat })
                }

                #[inline(always)]
                fn store(self, row: &mut Row) {
                    let ($to, $stored) = (row.0.as_mut_ptr(), self.0);
                    // SAFETY: as in `like`; a row holds eight numbers and is aligned to 64 bytes.
                    unsafe { $store }
                }

                #[inline(always)]
                fn above(self, other: Self) -> u8 {
                    let ($p, $q) = (self.0, other.0);
                    // SAFETY: as in `like`.
                    unsafe { $above }
                }

                #[inline(always)]
                fn pick(self, $bits: u8, other: Self) -> Self {
                    let ($yes, $no) = (self.0, other.0);
                    // SAFETY: as in `like`.
                    Self(unsafe { $pick })
                }

                #[inline(always)]
                fn mul_add(self, b: Self, c: Self) -> Self {
                    let ($fa, $fb, $fc) = (self.0, b.0, c.0);
                    // SAFETY: as in `like`.
                    Self(unsafe { $fused })
                }

                $(#[inline(always)]
                fn $unary(self) -> Self {
                    let $ua = self.0;
                    // SAFETY: as in `like`.
                    Self(unsafe { $ubody })
                })*

                $(#[inline(always)]
                fn $binary(self, other: Self) -> Self {
                    let ($a, $b) = (self.0, other.0);
                    // SAFETY: as in `like`.
                    Self(unsafe { $body })
                })*
            }

            operators! {
                $numbers,
                // SAFETY: numbers are only made where the CPU was seen to have the features.
                $(fn $op of $trait(a, b) = { let ($oa, $ob) = (a.0, b.0); $numbers(unsafe { $obody }) };)*
                neg(a) = {
                    let $n = a.0;
                    // SAFETY: numbers are only made where the CPU was seen to have the features.
                    $numbers(unsafe { $negated })
                }
            }
        };
    }

    level! {
        /// AVX-512 F and DQ.
        Avx512, Eight(__m512d), "avx512f,avx512dq,avx2,fma", ["avx512f", "avx512dq", "avx2", "fma"],
        splat(x) = _mm512_set1_pd(x);
        load(row) = _mm512_load_pd(row);
        store(to, x) = _mm512_store_pd(to, x);
        above(a, b) = _mm512_cmp_pd_mask::<_CMP_GT_OQ>(a, b);
        pick(bits, a, b) = _mm512_mask_blend_pd(bits, b, a);
        neg(a) = _mm512_xor_pd(a, _mm512_set1_pd(-0.0));
        unary fn sqrt(a) = _mm512_sqrt_pd(a);
        fn max(a, b) = _mm512_max_pd(a, b);
        fn min(a, b) = _mm512_min_pd(a, b);
        fn over(a, b) = _mm512_div_pd(a, b);
        fused fn mul_add(a, b, c) = _mm512_fmadd_pd(a, b, c);
        operator fn add of Add(a, b) = _mm512_add_pd(a, b);
        operator fn sub of Sub(a, b) = _mm512_sub_pd(a, b);
        operator fn mul of Mul(a, b) = _mm512_mul_pd(a, b);
    }

    level! {
        /// AVX2 with FMA, two vectors of four.
        Avx2, TwoFours([__m256d; 2]), "avx2,fma", ["avx2", "fma"],
        splat(x) = [_mm256_set1_pd(x); 2];
        load(row) = [_mm256_load_pd(row), _mm256_load_pd(row.add(4))];
        store(to, x) = { _mm256_store_pd(to, x[0]); _mm256_store_pd(to.add(4), x[1]) };
        above(a, b) = {
            let low = _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(a[0], b[0]));
            (low | _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_GT_OQ>(a[1], b[1])) << 4) as u8
        };
        pick(bits, a, b) = {
            let bits = _mm256_set1_epi64x(i64::from(bits));
            let (low, high) = (_mm256_setr_epi64x(1, 2, 4, 8), _mm256_setr_epi64x(16, 32, 64, 128));
            let low = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(bits, low), low));
            let high = _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(bits, high), high));
            [_mm256_blendv_pd(b[0], a[0], low), _mm256_blendv_pd(b[1], a[1], high)]
        };
        neg(a) = {
            let sign = _mm256_set1_pd(-0.0);
            [_mm256_xor_pd(a[0], sign), _mm256_xor_pd(a[1], sign)]
        };
        unary fn sqrt(a) = [_mm256_sqrt_pd(a[0]), _mm256_sqrt_pd(a[1])];
        fn max(a, b) = [_mm256_max_pd(a[0], b[0]), _mm256_max_pd(a[1], b[1])];
        fn min(a, b) = [_mm256_min_pd(a[0], b[0]), _mm256_min_pd(a[1], b[1])];
        fn over(a, b) = [_mm256_div_pd(a[0], b[0]), _mm256_div_pd(a[1], b[1])];
        fused fn mul_add(a, b, c) = [_mm256_fmadd_pd(a[0], b[0], c[0]), _mm256_fmadd_pd(a[1], b[1], c[1])];
        operator fn add of Add(a, b) = [_mm256_add_pd(a[0], b[0]), _mm256_add_pd(a[1], b[1])];
        operator fn sub of Sub(a, b) = [_mm256_sub_pd(a[0], b[0]), _mm256_sub_pd(a[1], b[1])];
        operator fn mul of Mul(a, b) = [_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])];
    }
}

/// A vector per lane.
#[derive(Clone, Copy)]
pub(super) struct Vector<F>(pub(super) [F; 3]);

impl<F: Numbers> Vector<F> {
    #[inline(always)]
    pub(super) fn splat<L: Level<F = F>>(level: L, v: [f64; 3]) -> Self {
        Self([level.splat(v[0]), level.splat(v[1]), level.splat(v[2])])
    }

    #[inline(always)]
    pub(super) fn load<L: Level<F = F>>(level: L, rows: &[Row; 3]) -> Self {
        Self([level.load(&rows[0]), level.load(&rows[1]), level.load(&rows[2])])
    }

    #[inline(always)]
    pub(super) fn store(self, rows: &mut [Row; 3]) {
        self.0[0].store(&mut rows[0]);
        self.0[1].store(&mut rows[1]);
        self.0[2].store(&mut rows[2]);
    }

    #[inline(always)]
    pub(super) fn lane(self, lane: usize) -> Self {
        let [x, y, z] = self.0;
        Self([x.lane(lane), y.lane(lane), z.lane(lane)])
    }

    #[inline(always)]
    pub(super) fn dot(self, other: Self) -> F {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        a.mul_add(x, b.mul_add(y, c * z))
    }

    #[inline(always)]
    pub(super) fn length(self) -> F {
        self.dot(self).sqrt()
    }

    #[inline(always)]
    pub(super) fn cross(self, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([b * z - c * y, c * x - a * z, a * y - b * x])
    }

    /// self * factor + other
    #[inline(always)]
    pub(super) fn mul_add(self, factor: F, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([a.mul_add(factor, x), b.mul_add(factor, y), c.mul_add(factor, z)])
    }
}

impl<F: Numbers> Add for Vector<F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([a + x, b + y, c + z])
    }
}

impl<F: Numbers> Sub for Vector<F> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let ([a, b, c], [x, y, z]) = (self.0, other.0);
        Self([a - x, b - y, c - z])
    }
}

impl<F: Numbers> Mul<F> for Vector<F> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: F) -> Self {
        let [a, b, c] = self.0;
        Self([a * factor, b * factor, c * factor])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation on two rows.
    struct Operations {
        a: Row,
        b: Row,
    }

    impl Kernel for Operations {
        type Output = (Vec<[f64; LANES]>, [u8; 2], f64);

        fn call<L: Level>(self, level: L) -> Self::Output {
            let (a, b) = (level.load(&self.a), level.load(&self.b));
            let bits = [a.above(b), b.above(a)];
            let results = [
                a + b,
                a - b,
                a * b,
                -a,
                a.max(b),
                a.min(b),
                a.abs().sqrt(),
                a.over(b),
                a.mul_add(b, a),
                a.pick(0b1011_0010, b),
                a.like(0.3),
                level.splat(-2.0),
                a.abs(),
            ];
            let mut stored = Vec::new();
            for x in results {
                let mut row = Row::ZERO;
                x.store(&mut row);
                stored.push(row.0);
            }
            (stored, bits, a.least())
        }
    }

    #[test]
    fn levels_agree_with_plain_arithmetic() {
        let a = [1.5, -2.25, 0.0, 7.0, -0.5, 1e9, 3.0, -8.0];
        let b = [0.5, 4.0, 3.0, -7.0, -0.5, 2.0, 1e-3, 0.125];
        let each = |f: fn(f64, f64) -> f64| std::array::from_fn(|i| f(a[i], b[i]));
        let picked = std::array::from_fn(|i| if 0b1011_0010 >> i & 1 == 1 { a[i] } else { b[i] });
        let want: [[f64; LANES]; 13] = [
            each(|a, b| a + b),
            each(|a, b| a - b),
            each(|a, b| a * b),
            each(|a, _| -a),
            each(f64::max),
            each(f64::min),
            each(|a, _| a.abs().sqrt()),
            each(|a, b| a / b),
            each(|a, b| a * b + a),
            picked,
            [0.3; LANES],
            [-2.0; LANES],
            each(|a, _| a.abs()),
        ];
        for (name, level) in Chosen::available() {
            let (results, bits, least) = level.run(Operations { a: Row(a), b: Row(b) });
            for (k, (got, want)) in results.iter().zip(&want).enumerate() {
                for (g, w) in got.iter().zip(want) {
                    assert!((g - w).abs() <= 1e-15 * w.abs(), "{name}, operation {k}: {got:?}, not {want:?}");
                }
            }
            assert_eq!((bits, least), ([0b0110_1001, 0b1000_0110], -8.0), "{name}");
        }
    }

    /// A NaN must not be lost on the way to a comparison: nothing is proved of it.
    #[test]
    fn what_is_no_number_stays_so_in_second_place() {
        let (nan, one) = (Row([f64::NAN; LANES]), Row([1.0; LANES]));
        for (name, level) in Chosen::available() {
            let (results, bits, _) = level.run(Operations { a: one, b: nan });
            assert_eq!(bits, [0, 0], "{name}");
            assert!(results[4].iter().chain(&results[5]).all(|x| x.is_nan()), "{name}");
        }
    }
}

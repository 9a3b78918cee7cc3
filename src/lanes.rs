//! The few vector operations that checks and searches need, per instruction set, behind one trait.
//! Imports nothing of flatout.
//!
//! A [`Simd`] value is a token: it can only be made where the CPU has been seen to have the
//! instructions, and every operation is a method of it. That is the proof behind every `unsafe`
//! block of this file. Stages are written once, generic over the token; a [`Kernel`] made of them
//! is inlined into [`Simd::run`] and compiled there for the token's instruction set.

/// A token of the instruction set in use.
#[derive(Clone, Copy, Debug)]
pub enum Level {
    /// Sixteen lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// Eight lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Four lanes, on every x86-64.
    #[cfg(target_arch = "x86_64")]
    Sse2(Sse2),
    /// Four lanes, everywhere.
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

    /// Number of lanes.
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

/// Storage for the widest vector there is; narrower levels use its first lanes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Lane(pub [f32; MAX_LANES]);

/// Lanes of the widest level.
pub const MAX_LANES: usize = 16;

impl Lane {
    /// Zero in every lane.
    pub const ZERO: Self = Self([0.0; MAX_LANES]);
    /// The number of each lane.
    pub const NUMBERS: Self =
        Self([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]);
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

/// A token of an instruction set that this CPU has, and the operations on its vectors of `f32`.
pub trait Simd: Copy {
    /// A vector of [`Simd::LANES`] numbers.
    type F: Copy;
    /// One truth value per lane.
    type M: Copy;
    /// Number of lanes.
    const LANES: usize;

    /// Runs `kernel` compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// The same number in every lane.
    fn splat(self, x: f32) -> Self::F;
    /// The first lanes of `lane`.
    fn load(self, lane: &Lane) -> Self::F;
    /// Overwrites the first lanes of `lane`.
    fn store(self, lane: &mut Lane, x: Self::F);
    /// a + b
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// a - b
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// a / b
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b + c, fused where the instruction set has it
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// c - a * b, fused where the instruction set has it
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The greater of each lane
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// Magnitude
    fn abs(self, a: Self::F) -> Self::F;
    /// Square root
    fn sqrt(self, a: Self::F) -> Self::F;
    /// Nearest whole number
    fn round(self, a: Self::F) -> Self::F;
    /// a < b; false where either is NaN
    fn lt(self, a: Self::F, b: Self::F) -> Self::M;
    /// a <= b; false where either is NaN
    fn le(self, a: Self::F, b: Self::F) -> Self::M;
    /// Both
    fn and(self, a: Self::M, b: Self::M) -> Self::M;
    /// Either
    fn or(self, a: Self::M, b: Self::M) -> Self::M;
    /// One bit per lane, lane 0 lowest
    fn bits(self, m: Self::M) -> u32;
    /// `a` where `m`, else `b`
    fn select(self, m: Self::M, a: Self::F, b: Self::F) -> Self::F;

    /// No lane
    #[inline(always)]
    fn none(self) -> Self::M {
        self.lt(self.splat(0.0), self.splat(0.0))
    }

    /// Whether any lane is set
    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        self.bits(m) != 0
    }
}

/// Defines a token for one x86-64 instruction set from the intrinsics of each operation.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_token {
    (
        $(#[$doc:meta])* $token:ident, $features:literal, [$($detect:tt),+], $f:ty, $m:ty, $lanes:literal,
        $(fn $op:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $body:expr;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $token(());

        impl $token {
            /// The token, if this CPU has the instructions.
            pub fn detect() -> Option<Self> {
                (true $(&& is_x86_feature_detected!($detect))+).then_some(Self(()))
            }
        }

        impl Simd for $token {
            type F = $f;
            type M = $m;
            const LANES: usize = $lanes;

            fn run<K: Kernel>(self, kernel: K) -> K::Output {
                #[target_feature(enable = $features)]
                fn compiled<K: Kernel>(s: $token, kernel: K) -> K::Output {
                    kernel.call(s)
                }
                // SAFETY: a token is only made by `detect`, after the CPU was seen to have the features.
                unsafe { compiled(self, kernel) }
            }

            $(
                #[inline(always)]
                #[allow(unused_unsafe, reason = "some operations are plain Rust")]
                fn $op(self, $($arg: $ty),*) -> $ret {
                    // SAFETY: a token is only made by `detect`, after the CPU was seen to have the
                    // features; loads and stores stay within a `Lane`, which is aligned to 64 bytes.
                    unsafe { $body }
                }
            )*
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, Lane, Simd};
    use std::arch::x86_64::*;

    x86_token! {
        /// AVX-512 F, DQ: sixteen lanes.
        Avx512, "avx512f,avx512dq,avx2,fma", ["avx512f", "avx512dq", "avx2", "fma"], __m512, __mmask16, 16,
        fn splat(x: f32) -> __m512 = _mm512_set1_ps(x);
        fn load(lane: &Lane) -> __m512 = _mm512_load_ps(lane.0.as_ptr());
        fn store(lane: &mut Lane, x: __m512) -> () = _mm512_store_ps(lane.0.as_mut_ptr(), x);
        fn add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
        fn sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
        fn mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
        fn div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
        fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fmadd_ps(a, b, c);
        fn neg_mul_add(a: __m512, b: __m512, c: __m512) -> __m512 = _mm512_fnmadd_ps(a, b, c);
        fn max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
        fn abs(a: __m512) -> __m512 = _mm512_abs_ps(a);
        fn sqrt(a: __m512) -> __m512 = _mm512_sqrt_ps(a);
        fn round(a: __m512) -> __m512 = _mm512_roundscale_ps::<0>(a);
        fn lt(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
        fn le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
        fn and(a: __mmask16, b: __mmask16) -> __mmask16 = a & b;
        fn or(a: __mmask16, b: __mmask16) -> __mmask16 = a | b;
        fn bits(m: __mmask16) -> u32 = u32::from(m);
        fn select(m: __mmask16, a: __m512, b: __m512) -> __m512 = _mm512_mask_blend_ps(m, b, a);
    }

    x86_token! {
        /// AVX2 with FMA: eight lanes.
        Avx2, "avx2,fma", ["avx2", "fma"], __m256, __m256, 8,
        fn splat(x: f32) -> __m256 = _mm256_set1_ps(x);
        fn load(lane: &Lane) -> __m256 = _mm256_load_ps(lane.0.as_ptr());
        fn store(lane: &mut Lane, x: __m256) -> () = _mm256_store_ps(lane.0.as_mut_ptr(), x);
        fn add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
        fn sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
        fn mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
        fn div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
        fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fmadd_ps(a, b, c);
        fn neg_mul_add(a: __m256, b: __m256, c: __m256) -> __m256 = _mm256_fnmadd_ps(a, b, c);
        fn max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
        fn abs(a: __m256) -> __m256 = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        fn sqrt(a: __m256) -> __m256 = _mm256_sqrt_ps(a);
        fn round(a: __m256) -> __m256 = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a);
        fn lt(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LT_OQ>(a, b);
        fn le(a: __m256, b: __m256) -> __m256 = _mm256_cmp_ps::<_CMP_LE_OQ>(a, b);
        fn and(a: __m256, b: __m256) -> __m256 = _mm256_and_ps(a, b);
        fn or(a: __m256, b: __m256) -> __m256 = _mm256_or_ps(a, b);
        fn bits(m: __m256) -> u32 = _mm256_movemask_ps(m).cast_unsigned();
        fn select(m: __m256, a: __m256, b: __m256) -> __m256 = _mm256_blendv_ps(b, a, m);
    }

    x86_token! {
        /// SSE2, which every x86-64 has: four lanes.
        Sse2, "sse2", ["sse2"], __m128, __m128, 4,
        fn splat(x: f32) -> __m128 = _mm_set1_ps(x);
        fn load(lane: &Lane) -> __m128 = _mm_load_ps(lane.0.as_ptr());
        fn store(lane: &mut Lane, x: __m128) -> () = _mm_store_ps(lane.0.as_mut_ptr(), x);
        fn add(a: __m128, b: __m128) -> __m128 = _mm_add_ps(a, b);
        fn sub(a: __m128, b: __m128) -> __m128 = _mm_sub_ps(a, b);
        fn mul(a: __m128, b: __m128) -> __m128 = _mm_mul_ps(a, b);
        fn div(a: __m128, b: __m128) -> __m128 = _mm_div_ps(a, b);
        fn mul_add(a: __m128, b: __m128, c: __m128) -> __m128 = _mm_add_ps(_mm_mul_ps(a, b), c);
        fn neg_mul_add(a: __m128, b: __m128, c: __m128) -> __m128 = _mm_sub_ps(c, _mm_mul_ps(a, b));
        fn max(a: __m128, b: __m128) -> __m128 = _mm_max_ps(a, b);
        fn abs(a: __m128) -> __m128 = _mm_andnot_ps(_mm_set1_ps(-0.0), a);
        fn sqrt(a: __m128) -> __m128 = _mm_sqrt_ps(a);
        fn round(a: __m128) -> __m128 = _mm_cvtepi32_ps(_mm_cvtps_epi32(a));
        fn lt(a: __m128, b: __m128) -> __m128 = _mm_cmplt_ps(a, b);
        fn le(a: __m128, b: __m128) -> __m128 = _mm_cmple_ps(a, b);
        fn and(a: __m128, b: __m128) -> __m128 = _mm_and_ps(a, b);
        fn or(a: __m128, b: __m128) -> __m128 = _mm_or_ps(a, b);
        fn bits(m: __m128) -> u32 = _mm_movemask_ps(m).cast_unsigned();
        fn select(m: __m128, a: __m128, b: __m128) -> __m128 = _mm_or_ps(_mm_and_ps(m, a), _mm_andnot_ps(m, b));
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512, Sse2};

/// Four lanes of plain Rust, which compilers turn into NEON and the like.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Portable {
    #[inline(always)]
    fn map2<T: Copy + Default>(a: [f32; 4], b: [f32; 4], f: impl Fn(f32, f32) -> T) -> [T; 4] {
        std::array::from_fn(|i| f(a[i], b[i]))
    }
}

impl Simd for Portable {
    type F = [f32; 4];
    type M = [bool; 4];
    const LANES: usize = 4;

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }
    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    fn load(self, lane: &Lane) -> [f32; 4] {
        std::array::from_fn(|i| lane.0[i])
    }
    #[inline(always)]
    fn store(self, lane: &mut Lane, x: [f32; 4]) {
        lane.0[..4].copy_from_slice(&x);
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::map2(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::map2(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::map2(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::map2(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        self.sub(c, self.mul(a, b))
    }
    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::map2(a, b, f32::max)
    }
    #[inline(always)]
    fn abs(self, a: [f32; 4]) -> [f32; 4] {
        a.map(f32::abs)
    }
    #[inline(always)]
    fn sqrt(self, a: [f32; 4]) -> [f32; 4] {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn round(self, a: [f32; 4]) -> [f32; 4] {
        a.map(f32::round)
    }
    #[inline(always)]
    fn lt(self, a: [f32; 4], b: [f32; 4]) -> [bool; 4] {
        Self::map2(a, b, |a, b| a < b)
    }
    #[inline(always)]
    fn le(self, a: [f32; 4], b: [f32; 4]) -> [bool; 4] {
        Self::map2(a, b, |a, b| a <= b)
    }
    #[inline(always)]
    fn and(self, a: [bool; 4], b: [bool; 4]) -> [bool; 4] {
        std::array::from_fn(|i| a[i] & b[i])
    }
    #[inline(always)]
    fn or(self, a: [bool; 4], b: [bool; 4]) -> [bool; 4] {
        std::array::from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn bits(self, m: [bool; 4]) -> u32 {
        m.iter().rev().fold(0, |bits, &b| bits << 1 | u32::from(b))
    }
    #[inline(always)]
    fn select(self, m: [bool; 4], a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if m[i] { a[i] } else { b[i] })
    }
}

/// Sine and cosine, absolute error below 2.5e-7 for |x| up to 1e3: Cody and Waite's reduction by
/// multiples of pi in three parts, then minimax polynomials over half a turn (our own fit, by Lawson's
/// algorithm). Half turns rather than quarters: two coefficients more, but no swap of sine and cosine.
#[inline(always)]
pub fn sin_cos<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    let halves = s.round(s.mul(x, s.splat(std::f32::consts::FRAC_1_PI)));
    let mut r = s.neg_mul_add(halves, s.splat(3.140_625), x);
    r = s.neg_mul_add(halves, s.splat(9.675_026e-4), r);
    r = s.neg_mul_add(halves, s.splat(1.509_958e-7), r);
    // -1, 0 or 1 for a whole number, 0 where it is even; the sign is -1 where it is not.
    let odd = s.neg_mul_add(s.round(s.mul(halves, s.splat(0.5))), s.splat(2.0), halves);
    let sign = s.neg_mul_add(s.mul(odd, odd), s.splat(2.0), s.splat(1.0));
    let r2 = s.mul(r, r);
    let mut sin = s.mul_add(s.splat(2.599_903_6e-6), r2, s.splat(-1.980_654_7e-4));
    sin = s.mul_add(sin, r2, s.splat(8.333_016e-3));
    sin = s.mul_add(sin, r2, s.splat(-1.666_665_7e-1));
    sin = s.mul_add(s.mul(r, r2), sin, r);
    let mut cos = s.mul_add(s.splat(2.319_283_2e-5), r2, s.splat(-1.385_586_3e-3));
    cos = s.mul_add(cos, r2, s.splat(4.166_398e-2));
    cos = s.mul_add(cos, r2, s.splat(-4.999_993e-1));
    cos = s.mul_add(cos, r2, s.splat(1.0));
    (s.mul(sin, sign), s.mul(cos, sign))
}

/// Direction of (x, y) from the x axis, in [-pi, pi], absolute error below 4e-7: the arc tangent of the
/// lesser by the greater magnitude by a minimax polynomial (our own fit, by Remez' algorithm, error
/// 5e-8), then reflections. 0 where both are zero, and not a number where either is not.
#[inline(always)]
pub fn atan2<S: Simd>(s: S, y: S::F, x: S::F) -> S::F {
    let zero = s.splat(0.0);
    let (ahead, aside) = (s.abs(x), s.abs(y));
    let steep = s.lt(ahead, aside);
    let (less, more) = (s.select(steep, ahead, aside), s.select(steep, aside, ahead));
    let t = s.div(less, s.select(s.le(more, zero), s.splat(1.0), more));
    let t2 = s.mul(t, t);
    let mut p = s.mul_add(s.splat(-4.355_406e-3), t2, s.splat(2.304_013_7e-2));
    p = s.mul_add(p, t2, s.splat(-5.777_359_2e-2));
    p = s.mul_add(p, t2, s.splat(9.794_235e-2));
    p = s.mul_add(p, t2, s.splat(-1.397_657_6e-1));
    p = s.mul_add(p, t2, s.splat(1.996_270_4e-1));
    p = s.mul_add(p, t2, s.splat(-3.333_166e-1));
    let mut angle = s.mul_add(s.mul(t, t2), p, t);
    angle = s.select(steep, s.sub(s.splat(std::f32::consts::FRAC_PI_2), angle), angle);
    angle = s.select(s.lt(x, zero), s.sub(s.splat(std::f32::consts::PI), angle), angle);
    s.select(s.lt(y, zero), s.sub(zero, angle), angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct SinCos(f32);

    impl Kernel for SinCos {
        type Output = (f32, f32);
        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> (f32, f32) {
            let (sin, cos) = sin_cos(s, s.splat(self.0));
            let mut lanes = [Lane::ZERO; 2];
            s.store(&mut lanes[0], sin);
            s.store(&mut lanes[1], cos);
            (lanes[0].0[0], lanes[1].0[0])
        }
    }

    fn agrees<S: Simd>(s: S) {
        let mut worst = 0.0_f64;
        for i in -200_000..200_000 {
            let x = i as f32 * 0.0049;
            let (sin, cos) = s.run(SinCos(x));
            let (sin64, cos64) = f64::from(x).sin_cos();
            worst = worst.max((f64::from(sin) - sin64).abs()).max((f64::from(cos) - cos64).abs());
        }
        assert!(worst < 2.5e-7, "worst error {worst}");
    }

    #[test]
    fn sin_cos_is_accurate_at_every_level() {
        agrees(Portable);
        #[cfg(target_arch = "x86_64")]
        {
            Sse2::detect().into_iter().for_each(agrees);
            Avx2::detect().into_iter().for_each(agrees);
            Avx512::detect().into_iter().for_each(agrees);
        }
    }

    struct Atan2(f32, f32);

    impl Kernel for Atan2 {
        type Output = f32;
        #[inline(always)]
        fn call<S: Simd>(self, s: S) -> f32 {
            let mut lane = Lane::ZERO;
            s.store(&mut lane, atan2(s, s.splat(self.0), s.splat(self.1)));
            lane.0[0]
        }
    }

    #[test]
    fn atan2_is_accurate_at_every_level() {
        for level in Level::available() {
            let atan2 = |y: f32, x: f32| level.run(Atan2(y, x));
            let mut worst = 0.0_f64;
            for i in 0..400_000 {
                // Directions all around, at lengths of many magnitudes.
                let direction = f64::from(i) * std::f64::consts::TAU / 400_000.0;
                let length = 10_f64.powi(i % 21 - 10);
                let (y, x) = ((length * direction.sin()) as f32, (length * direction.cos()) as f32);
                let error = (f64::from(atan2(y, x)) - f64::from(y).atan2(f64::from(x))).abs();
                worst = worst.max(error);
            }
            assert!(worst < 4e-7, "{}: worst error {worst}", level.name());
            use std::f32::consts::{FRAC_PI_2, PI};
            for (y, x, direction) in [
                (0.0, 0.0, 0.0),
                (0.0, 2.0, 0.0),
                (0.0, -2.0, PI),
                (3.0, 0.0, FRAC_PI_2),
                (-3.0, 0.0, -FRAC_PI_2),
            ] {
                assert_eq!(atan2(y, x), direction, "{y} {x}");
            }
            let wrong = [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::NAN, 0.0), (0.0, f32::NAN)];
            assert!(wrong.into_iter().all(|(y, x)| atan2(y, x).is_nan()));
        }
    }
}

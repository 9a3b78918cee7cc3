//! The instruction sets of x86-64.

use super::portable::{PlainF64, Portable};
use super::traits::*;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Sub};
use std::arch::x86_64::*;

/// Defines a token.
macro_rules! token {
    ($(#[$doc:meta])* $token:ident, $features:literal, [$($detect:tt),+]) => {
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
            fn run<K: Kernel>(self, kernel: K) -> K::Output {
                #[target_feature(enable = $features)]
                fn compiled<K: Kernel>(s: $token, kernel: K) -> K::Output {
                    kernel.call(s)
                }
                // SAFETY: a token is only made by `detect`, after the CPU was seen to have the features.
                unsafe { compiled(self, kernel) }
            }
        }
    };
}

/// Defines the vectors that a token makes, from the intrinsics of each operation.
macro_rules! vector {
    (
        $(#[$doc:meta])* $vector:ident($inner:ty): $token:ident, $number:ty, $lanes:literal, $mask:ty;
        splat($x:ident) = $splat:expr;
        load($from:ident) = $load:expr;
        store($to:ident, $stored:ident) = $store:expr;
        $(operator $trait:ident::$operator:ident($o:ident $(, $os:ident)*) = $operated:expr;)+
        $(fn $op:ident($a:ident $(, $as:ident)*) = $body:expr;)+
        $(compare $compare:ident($p:ident, $q:ident) = $compared:expr;)+
        pick($bits:ident, $yes:ident, $no:ident) = $pick:expr;
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $vector($inner);

        impl Vectors<$number> for $token {
            type F = $vector;

            #[inline(always)]
            fn splat(self, $x: $number) -> $vector {
                // SAFETY: a token is only made where the CPU was seen to have the features.
                $vector(unsafe { $splat })
            }

            #[inline(always)]
            fn load(self, row: &<$number as Number>::Row) -> $vector {
                let $from = row.0.as_ptr();
                // SAFETY: as in `splat`; a row holds so many numbers and is aligned to 64 bytes.
                $vector(unsafe { $load })
            }
        }

        $(impl $trait for $vector {
            type Output = Self;
            #[inline(always)]
            fn $operator(self $(, $os: Self)*) -> Self {
                let ($o, $($os,)*) = (self.0, $($os.0,)*);
                // SAFETY: vectors are only made where the CPU was seen to have the features.
                Self(unsafe { $operated })
            }
        })+

        impl Vector for $vector {
            type Number = $number;
            type Mask = $mask;
            const LANES: usize = $lanes;

            #[inline(always)]
            fn like(self, $x: $number) -> Self {
                // SAFETY: vectors are only made where the CPU was seen to have the features.
                Self(unsafe { $splat })
            }

            #[inline(always)]
            fn store(self, row: &mut <$number as Number>::Row) {
                let ($to, $stored) = (row.0.as_mut_ptr(), self.0);
                // SAFETY: as in `like`; a row holds so many numbers and is aligned to 64 bytes.
                unsafe { $store }
            }

            #[inline(always)]
            fn pick(self, $bits: $mask, other: Self) -> Self {
                let ($yes, $no) = (self.0, other.0);
                // SAFETY: as in `like`.
                Self(unsafe { $pick })
            }

            $(#[inline(always)]
            fn $op(self $(, $as: Self)*) -> Self {
                let ($a, $($as,)*) = (self.0, $($as.0,)*);
                // SAFETY: as in `like`.
                Self(unsafe { $body })
            })+

            $(#[inline(always)]
            fn $compare(self, other: Self) -> $mask {
                let ($p, $q) = (self.0, other.0);
                // SAFETY: as in `like`.
                unsafe { $compared }
            })+
        }
    };
}

token! {
    /// AVX-512 F and DQ.
    Avx512, "avx512f,avx512dq,avx2,fma", ["avx512f", "avx512dq", "avx2", "fma"]
}

vector! {
    /// Sixteen `f32`.
    F32x16(__m512): Avx512, f32, 16, u16;
    splat(x) = _mm512_set1_ps(x);
    load(from) = _mm512_load_ps(from);
    store(to, x) = _mm512_store_ps(to, x);
    operator Add::add(a, b) = _mm512_add_ps(a, b);
    operator Sub::sub(a, b) = _mm512_sub_ps(a, b);
    operator Mul::mul(a, b) = _mm512_mul_ps(a, b);
    operator Div::div(a, b) = _mm512_div_ps(a, b);
    operator Neg::neg(a) = _mm512_xor_ps(a, _mm512_set1_ps(-0.0));
    fn mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
    fn neg_mul_add(a, b, c) = _mm512_fnmadd_ps(a, b, c);
    fn max(a, b) = _mm512_max_ps(a, b);
    fn min(a, b) = _mm512_min_ps(a, b);
    fn abs(a) = _mm512_abs_ps(a);
    fn sqrt(a) = _mm512_sqrt_ps(a);
    fn round(a) = _mm512_roundscale_ps::<0>(a);
    compare lt(a, b) = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
    compare le(a, b) = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
    pick(mask, a, b) = _mm512_mask_blend_ps(mask, b, a);
}

vector! {
    /// Eight `f64`.
    F64x8(__m512d): Avx512, f64, 8, u8;
    splat(x) = _mm512_set1_pd(x);
    load(from) = _mm512_load_pd(from);
    store(to, x) = _mm512_store_pd(to, x);
    operator Add::add(a, b) = _mm512_add_pd(a, b);
    operator Sub::sub(a, b) = _mm512_sub_pd(a, b);
    operator Mul::mul(a, b) = _mm512_mul_pd(a, b);
    operator Div::div(a, b) = _mm512_div_pd(a, b);
    operator Neg::neg(a) = _mm512_xor_pd(a, _mm512_set1_pd(-0.0));
    fn mul_add(a, b, c) = _mm512_fmadd_pd(a, b, c);
    fn neg_mul_add(a, b, c) = _mm512_fnmadd_pd(a, b, c);
    fn max(a, b) = _mm512_max_pd(a, b);
    fn min(a, b) = _mm512_min_pd(a, b);
    fn abs(a) = _mm512_abs_pd(a);
    fn sqrt(a) = _mm512_sqrt_pd(a);
    fn round(a) = _mm512_roundscale_pd::<0>(a);
    compare lt(a, b) = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
    compare le(a, b) = _mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b);
    pick(mask, a, b) = _mm512_mask_blend_pd(mask, b, a);
}

token! {
    /// AVX2 with FMA.
    Avx2, "avx2,fma", ["avx2", "fma"]
}

/// How AVX2 rounds to the nearest.
const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

vector! {
    /// Eight `f32`, or a truth value in all bits of each.
    F32x8(__m256): Avx2, f32, 8, Self;
    splat(x) = _mm256_set1_ps(x);
    load(from) = _mm256_load_ps(from);
    store(to, x) = _mm256_store_ps(to, x);
    operator Add::add(a, b) = _mm256_add_ps(a, b);
    operator Sub::sub(a, b) = _mm256_sub_ps(a, b);
    operator Mul::mul(a, b) = _mm256_mul_ps(a, b);
    operator Div::div(a, b) = _mm256_div_ps(a, b);
    operator Neg::neg(a) = _mm256_xor_ps(a, _mm256_set1_ps(-0.0));
    operator BitAnd::bitand(a, b) = _mm256_and_ps(a, b);
    operator BitOr::bitor(a, b) = _mm256_or_ps(a, b);
    fn mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
    fn neg_mul_add(a, b, c) = _mm256_fnmadd_ps(a, b, c);
    fn max(a, b) = _mm256_max_ps(a, b);
    fn min(a, b) = _mm256_min_ps(a, b);
    fn abs(a) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
    fn sqrt(a) = _mm256_sqrt_ps(a);
    fn round(a) = _mm256_round_ps::<NEAREST>(a);
    compare lt(a, b) = Self(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b));
    compare le(a, b) = Self(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b));
    pick(mask, a, b) = _mm256_blendv_ps(b, a, mask.0);
}

impl Mask for F32x8 {
    #[inline(always)]
    fn bits(self) -> u32 {
        // SAFETY: vectors are only made where the CPU was seen to have the features.
        unsafe { _mm256_movemask_ps(self.0).cast_unsigned() }
    }
}

/// An intrinsic on both halves of its arguments.
macro_rules! both {
    ($op:path, $($x:expr),+) => {
        [$op($($x[0]),+), $op($($x[1]),+)]
    };
}

/// One bit per lane of a comparison of both halves.
macro_rules! bits {
    ($mask:expr) => {{
        let [low, high] = $mask;
        (_mm256_movemask_pd(low) | _mm256_movemask_pd(high) << 4) as u8
    }};
}

vector! {
    /// Eight `f64`, two vectors of four.
    TwoF64x4([__m256d; 2]): Avx2, f64, 8, u8;
    splat(x) = [_mm256_set1_pd(x); 2];
    load(from) = [_mm256_load_pd(from), _mm256_load_pd(from.add(4))];
    store(to, x) = { _mm256_store_pd(to, x[0]); _mm256_store_pd(to.add(4), x[1]) };
    operator Add::add(a, b) = both!(_mm256_add_pd, a, b);
    operator Sub::sub(a, b) = both!(_mm256_sub_pd, a, b);
    operator Mul::mul(a, b) = both!(_mm256_mul_pd, a, b);
    operator Div::div(a, b) = both!(_mm256_div_pd, a, b);
    operator Neg::neg(a) = both!(_mm256_xor_pd, a, [_mm256_set1_pd(-0.0); 2]);
    fn mul_add(a, b, c) = both!(_mm256_fmadd_pd, a, b, c);
    fn neg_mul_add(a, b, c) = both!(_mm256_fnmadd_pd, a, b, c);
    fn max(a, b) = both!(_mm256_max_pd, a, b);
    fn min(a, b) = both!(_mm256_min_pd, a, b);
    fn abs(a) = both!(_mm256_andnot_pd, [_mm256_set1_pd(-0.0); 2], a);
    fn sqrt(a) = both!(_mm256_sqrt_pd, a);
    fn round(a) = both!(_mm256_round_pd::<NEAREST>, a);
    compare lt(a, b) = bits!(both!(_mm256_cmp_pd::<_CMP_LT_OQ>, a, b));
    compare le(a, b) = bits!(both!(_mm256_cmp_pd::<_CMP_LE_OQ>, a, b));
    pick(mask, a, b) = {
        let mask = [_mm256_set1_epi64x(i64::from(mask)); 2];
        let lanes = [_mm256_setr_epi64x(1, 2, 4, 8), _mm256_setr_epi64x(16, 32, 64, 128)];
        let set = both!(_mm256_cmpeq_epi64, both!(_mm256_and_si256, mask, lanes), lanes);
        both!(_mm256_blendv_pd, b, a, both!(_mm256_castsi256_pd, set))
    };
}

token! {
    /// SSE2, which every x86-64 has.
    Sse2, "sse2", ["sse2"]
}

vector! {
    /// Four `f32`, or a truth value in all bits of each.
    F32x4(__m128): Sse2, f32, 4, Self;
    splat(x) = _mm_set1_ps(x);
    load(from) = _mm_load_ps(from);
    store(to, x) = _mm_store_ps(to, x);
    operator Add::add(a, b) = _mm_add_ps(a, b);
    operator Sub::sub(a, b) = _mm_sub_ps(a, b);
    operator Mul::mul(a, b) = _mm_mul_ps(a, b);
    operator Div::div(a, b) = _mm_div_ps(a, b);
    operator Neg::neg(a) = _mm_xor_ps(a, _mm_set1_ps(-0.0));
    operator BitAnd::bitand(a, b) = _mm_and_ps(a, b);
    operator BitOr::bitor(a, b) = _mm_or_ps(a, b);
    fn mul_add(a, b, c) = _mm_add_ps(_mm_mul_ps(a, b), c);
    fn neg_mul_add(a, b, c) = _mm_sub_ps(c, _mm_mul_ps(a, b));
    fn max(a, b) = _mm_max_ps(a, b);
    fn min(a, b) = _mm_min_ps(a, b);
    fn abs(a) = _mm_andnot_ps(_mm_set1_ps(-0.0), a);
    fn sqrt(a) = _mm_sqrt_ps(a);
    fn round(a) = _mm_cvtepi32_ps(_mm_cvtps_epi32(a));
    compare lt(a, b) = Self(_mm_cmplt_ps(a, b));
    compare le(a, b) = Self(_mm_cmple_ps(a, b));
    pick(mask, a, b) = _mm_or_ps(_mm_and_ps(mask.0, a), _mm_andnot_ps(mask.0, b));
}

impl Mask for F32x4 {
    #[inline(always)]
    fn bits(self) -> u32 {
        // SAFETY: vectors are only made where the CPU was seen to have the features.
        unsafe { _mm_movemask_ps(self.0).cast_unsigned() }
    }
}

/// Every x86-64 has SSE2 compiled in, so plain vectors of `f64` are made of it too.
impl Vectors<f64> for Sse2 {
    type F = PlainF64;

    #[inline(always)]
    fn splat(self, x: f64) -> PlainF64 {
        Portable.splat(x)
    }

    #[inline(always)]
    fn load(self, row: &Row64) -> PlainF64 {
        Vectors::<f64>::load(Portable, row)
    }
}

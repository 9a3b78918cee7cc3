//! Every level against plain arithmetic.

use super::portable::Portable;
use super::*;

struct SinCos(f32);

impl Kernel for SinCos {
    type Output = (f32, f32);
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> (f32, f32) {
        let (sin, cos) = sin_cos(s, s.splat(self.0));
        let mut lanes = [Row32::ZERO; 2];
        sin.store(&mut lanes[0]);
        cos.store(&mut lanes[1]);
        (lanes[0].0[0], lanes[1].0[0])
    }
}

#[test]
fn sin_cos_is_accurate_at_every_level() {
    for level in Level::available() {
        let mut worst = 0.0_f64;
        for i in -200_000..200_000 {
            let x = i as f32 * 0.0049;
            let (sin, cos) = level.run(SinCos(x));
            let (sin64, cos64) = f64::from(x).sin_cos();
            worst = worst.max((f64::from(sin) - sin64).abs()).max((f64::from(cos) - cos64).abs());
        }
        assert!(worst < 2.5e-7, "{}: worst error {worst}", level.name());
    }
}

struct Atan2(f32, f32);

impl Kernel for Atan2 {
    type Output = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let mut lane = Row32::ZERO;
        atan2(s, s.splat(self.0), s.splat(self.1)).store(&mut lane);
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

/// Every operation on two rows: what they store, and the bits of what compares them.
macro_rules! operations {
    ($module:ident: $number:ident, $row:ident, $simd:ident, $lanes:expr, $tolerance:literal) => {
        mod $module {
            use super::*;

            struct Operations {
                a: $row,
                b: $row,
            }

            impl Operations {
                fn all<S: $simd>(&self, s: S) -> (usize, Vec<$row>, [u32; 4]) {
                    let (a, b) = (s.load(&self.a), s.load(&self.b));
                    let picked = [
                        a + b,
                        a - b,
                        a * b,
                        a / b,
                        -a,
                        a.mul_add(b, a),
                        a.neg_mul_add(b, a),
                        a.max(b),
                        a.min(b),
                        a.abs(),
                        a.abs().sqrt(),
                        a.round(),
                        a.pick(a.lt(b), b),
                        a.like(0.3),
                        s.splat(-2.0),
                    ];
                    let mut stored = vec![$row::ZERO; picked.len()];
                    for (row, x) in stored.iter_mut().zip(picked) {
                        x.store(row);
                    }
                    let (lt, le) = (a.lt(b), a.le(b));
                    (<S::F as Vector>::LANES, stored, [lt, a.gt(b), le & b.le(a), lt | le].map(Mask::bits))
                }
            }

            impl Kernel for Operations {
                type Output = (usize, Vec<$row>, [u32; 4]);
                fn call<S: Simd>(self, s: S) -> Self::Output {
                    self.all(s)
                }
            }

            #[test]
            fn levels_agree_with_plain_arithmetic() {
                let first = [1.25, -2.25, 0.25, 7.0, -0.75, 1e4, 3.0, -8.0];
                let second = [0.5, 4.0, 3.0, -7.0, -0.75, 2.0, 1e-3, 0.125];
                let pair = |lane: usize| (first[lane % 8], second[lane % 8]);
                let plain: [fn($number, $number) -> $number; 15] = [
                    |a, b| a + b,
                    |a, b| a - b,
                    |a, b| a * b,
                    |a, b| a / b,
                    |a, _| -a,
                    |a, b| a * b + a,
                    |a, b| a - a * b,
                    $number::max,
                    $number::min,
                    |a, _| a.abs(),
                    |a, _| a.abs().sqrt(),
                    |a, _| a.round(),
                    $number::min,
                    |_, _| 0.3,
                    |_, _| -2.0,
                ];
                for level in Level::available() {
                    let (a, b) = (std::array::from_fn(|l| pair(l).0), std::array::from_fn(|l| pair(l).1));
                    let (lanes, results, bits) = level.run(Operations { a: Row(a), b: Row(b) });
                    let mut wanted = [0; 4];
                    for lane in 0..lanes {
                        let (a, b) = pair(lane);
                        for (k, (got, want)) in results.iter().zip(plain).enumerate() {
                            let (got, want) = (got.0[lane], want(a, b));
                            let is_near = (got - want).abs() <= $tolerance * want.abs();
                            assert!(is_near, "{}, operation {k}: {got}, not {want}", level.name());
                        }
                        for (bits, holds) in wanted.iter_mut().zip([a < b, a > b, a == b, a <= b]) {
                            *bits |= u32::from(holds) << lane;
                        }
                    }
                    assert_eq!(bits, wanted, "{}", level.name());
                }
            }

            /// A NaN must not be lost on the way to a comparison: nothing is proved of it.
            #[test]
            fn what_is_no_number_stays_so_in_second_place() {
                for level in Level::available() {
                    let (a, b) = (Row([1.0; $lanes]), Row([$number::NAN; $lanes]));
                    let (lanes, results, bits) = level.run(Operations { a, b });
                    assert_eq!(bits, [0; 4], "{}", level.name());
                    let mut extrema = results[7].0[..lanes].iter().chain(&results[8].0[..lanes]);
                    assert!(extrema.all(|x| x.is_nan()), "{}", level.name());
                }
            }
        }
    };
}

operations!(of_f32: f32, Row32, Simd32, MAX_F32_LANES, 1e-6);
operations!(of_f64: f64, Row64, Simd64, F64_LANES, 1e-15);

#[test]
fn lanes_of_f64_are_told_apart() {
    let x = Vectors::<f64>::load(Portable, &Row([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0, 8.0]));
    assert_eq!((x.least(), x.lane(5).least()), (-7.0, 6.0));
}

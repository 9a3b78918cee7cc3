//! Positive roots of the quartic that a least-cost duration solves.

/// Writes the positive real roots of `t^4 + p t^2 + q t + r`, where `p <= 0` and `r <= 0`, to
/// `roots` and returns how many there are (at most three), in no particular order.
///
/// Ferrari's factorisation into `(t^2 + s t + a)(t^2 - s t + b)` with `s = sqrt(2 m)`, `m` a root
/// of the resolvent cubic. Because `r <= 0`, the difference `b - a = 2 sqrt((p/2 + m)^2 - r)` is a
/// sum of squares: nothing cancels, and `q = 0` needs no case of its own.
pub(super) fn positive_roots(p: f64, q: f64, r: f64, roots: &mut [f64; 3]) -> usize {
    let m = resolvent_root(p, q, r);
    let s = (2.0 * m).sqrt();
    let middle = 0.5 * p + m;
    let half_difference = middle.hypot((-r).sqrt());
    // The two constants have opposite signs and product r; the smaller follows from the larger.
    let larger = middle.abs() + half_difference;
    let smaller = if larger > 0.0 { -r / larger } else { 0.0 };
    let (positive, negative) = if middle >= 0.0 { (larger, -smaller) } else { (smaller, -larger) };

    let mut count = 0;
    let mut keep = |t: f64| {
        let t = polish(p, q, r, t);
        if t.is_finite() && t > 0.0 {
            roots[count] = t;
            count += 1;
        }
    };
    let root = (s * s - 4.0 * negative).sqrt();
    if q < 0.0 {
        // (t^2 + s t + positive)(t^2 - s t + negative)
        keep(0.5 * (s + root));
    } else {
        // (t^2 + s t + negative)(t^2 - s t + positive)
        keep(-2.0 * negative / (s + root));
        let discriminant = s * s - 4.0 * positive;
        if discriminant >= 0.0 {
            let far = 0.5 * (s + discriminant.sqrt());
            keep(far);
            keep(positive / far);
        }
    }
    count
}

/// A root of the resolvent `m^3 + p m^2 + (p^2/4 - r) m - q^2/8`, which is negative or zero at
/// zero. Newton's method runs from the side where it is monotone: from zero where the cubic turns
/// positive before its inflection at `-p/3` (there it is concave), else from above all roots.
fn resolvent_root(p: f64, q: f64, r: f64) -> f64 {
    let (c, d) = (0.25 * p * p - r, -0.125 * q * q);
    let value = |m: f64| ((m + p) * m + c) * m + d;
    let step = |m: f64| m - value(m) / ((3.0 * m + 2.0 * p) * m + c);
    let ascending = value(-p / 3.0) >= 0.0;
    // From above: Fujiwara's bound on the roots.
    let mut m = if ascending { 0.0 } else { 2.0 * p.abs().max(c.sqrt()).max(d.abs().cbrt()) };
    for _ in 0..100 {
        let next = step(m);
        let progress = if ascending { next > m } else { next < m };
        if !progress {
            break;
        }
        m = next;
    }
    m
}

/// Newton's steps on the quartic, kept only while they shrink.
fn polish(p: f64, q: f64, r: f64, mut t: f64) -> f64 {
    let mut last = f64::INFINITY;
    for _ in 0..4 {
        let step = (((t * t + p) * t + q) * t + r) / ((4.0 * t * t + 2.0 * p) * t + q);
        let shrinks = step.abs() < last && step.abs() <= 1e-3 * t;
        if !shrinks {
            break;
        }
        t -= step;
        last = step.abs();
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn roots(p: f64, q: f64, r: f64) -> Vec<f64> {
        let mut roots = [0.0; 3];
        let count = positive_roots(p, q, r, &mut roots);
        let mut roots = roots[..count].to_vec();
        roots.sort_by(f64::total_cmp);
        roots
    }

    #[test]
    fn pure_fourth_power() {
        assert_eq!(roots(0.0, 0.0, -16.0), [2.0]);
    }

    #[test]
    fn biquadratic() {
        // (t^2 - 4)(t^2 + 1)
        let found = roots(-3.0, 0.0, -4.0);
        assert_eq!(found.len(), 1);
        assert!((found[0] - 2.0).abs() < 1e-14);
    }

    #[test]
    fn nothing_at_zero() {
        assert!(roots(0.0, 0.0, 0.0).is_empty());
    }

    proptest! {
        #[test]
        fn finds_three_given_roots(a in 0.01..10.0_f64, b in 0.01..10.0_f64, c in 0.01..10.0_f64) {
            // The fourth root makes the cubic term vanish.
            let d = -(a + b + c);
            let p = a * b + (a + b) * c + (a + b + c) * d;
            let q = -(a * b * c + (a * b + (a + b) * c) * d);
            let r = a * b * c * d;
            let mut expected = [a, b, c];
            expected.sort_by(f64::total_cmp);
            let apart = (expected[1] - expected[0]).min(expected[2] - expected[1]);
            prop_assume!(apart > 1e-2 * expected[2]);
            let found = roots(p, q, r);
            prop_assert_eq!(found.len(), 3);
            for (x, y) in found.iter().zip(expected) {
                prop_assert!((x - y).abs() < 1e-8 * expected[2], "{} {}", x, y);
            }
        }

        #[test]
        fn finds_the_only_root(p in -10.0..=0.0, q in -10.0..=0.0, r in -10.0..-1e-3) {
            // One change of sign: Descartes promises exactly one positive root.
            let found = roots(p, q, r);
            prop_assert_eq!(found.len(), 1);
            let t: f64 = found[0];
            let terms = [t.powi(4), p * t * t, q * t, r];
            let size: f64 = terms.iter().map(|x| x.abs()).sum();
            prop_assert!(terms.iter().sum::<f64>().abs() < 1e-13 * size);
        }
    }
}

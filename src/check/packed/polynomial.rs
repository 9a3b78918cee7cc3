//! Polynomials of edges: how they stand in a batch, and bounds of their speed.

/// Greatest degree of an edge's polynomials: septics, for systems of order 4.
pub const MAX_DEGREE: usize = 7;

/// Coefficients stand in rows of this many, the last filled up with zeros: a cubic is one row, a
/// quintic or septic two.
pub const COEFFICIENT_ROW: usize = 4;

/// Numbers that a polynomial of `degree` takes in a batch.
pub const fn coefficient_stride(degree: usize) -> usize {
    (degree + 1).next_multiple_of(COEFFICIENT_ROW)
}

/// Values at both ends of a convex function that the speed of a polynomial does not exceed within
/// `duration`: of a quadratic the speed itself, else the same bound at both.
pub(super) fn speeds(polynomial: &[f32], duration: f32) -> [f32; 2] {
    match *polynomial {
        [_, c1, c2, 0.0] => [c1.abs(), (c1 + 2.0 * c2 * duration).abs()],
        _ => [greatest_speed(polynomial, duration); 2],
    }
}

/// A bound of the speed of a polynomial within `duration`; of a cubic, its greatest speed.
pub(super) fn greatest_speed(polynomial: &[f32], duration: f32) -> f32 {
    let &[_, c1, c2, c3] = polynomial else { return speed_bound(polynomial, duration) };
    let speed = |t: f32| (c1 + t * (2.0 * c2 + t * 3.0 * c3)).abs();
    let ends = c1.abs().max(speed(duration));
    if c3 == 0.0 {
        return ends;
    }
    let vertex = -c2 / (3.0 * c3);
    if vertex > 0.0 && vertex < duration { ends.max(speed(vertex)) } else { ends }
}

/// The greatest Bernstein coefficient of a septic's derivative over either half of `duration`: no
/// speed is greater.
pub(super) fn speed_bound(septic: &[f32], duration: f32) -> f32 {
    const N: usize = MAX_DEGREE;
    let mut b = [0.0; N];
    let mut power = 1.0;
    for (i, b) in b.iter_mut().enumerate() {
        // Over (N - 1 choose i), these are the differences of the coefficients.
        let choose = (0..i).fold(1.0, |c, k| c * (N - 1 - k) as f32 / (k + 1) as f32);
        *b = (i + 1) as f32 * septic[i + 1] * power / choose;
        power *= duration;
    }
    for done in 0..N {
        for i in (done + 1..N).rev() {
            b[i] += b[i - 1];
        }
    }
    // De Casteljau at one half: the first number of every round is one half's, the last the other's.
    let mut bound = b[0].abs().max(b[N - 1].abs());
    for left in (1..N).rev() {
        for i in 0..left {
            b[i] = 0.5 * (b[i] + b[i + 1]);
        }
        bound = bound.max(b[0].abs()).max(b[left - 1].abs());
    }
    bound
}

/// From 0 to 1 over the unit interval with all derivatives zero at both ends that a polynomial of
/// `degree` can have so: 3 x^2 - 2 x^3, 10 x^3 - 15 x^4 + 6 x^5 or 35 x^4 - 84 x^5 + 70 x^6 - 20 x^7.
pub const fn smooth_step(degree: usize) -> [f64; MAX_DEGREE + 1] {
    match degree {
        3 => [0.0, 0.0, 3.0, -2.0, 0.0, 0.0, 0.0, 0.0],
        5 => [0.0, 0.0, 0.0, 10.0, -15.0, 6.0, 0.0, 0.0],
        _ => [0.0, 0.0, 0.0, 0.0, 35.0, -84.0, 70.0, -20.0],
    }
}

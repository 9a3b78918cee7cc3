//! Least-effort steering of order 2: one cubic per output between two positions and velocities.
//!
//! Source: Webb & van den Berg, *Kinodynamic RRT\**, arXiv 1205.5088, for the fixed-duration
//! solution and the cost; the smallest duration within limits is our own closed form.

use super::quartic;
use crate::robot::OutputLimits;

/// How far beyond a limit a steered trajectory may go, as a fraction of that limit (positions: of the
/// greater of the two bounds, or of how far the motion swings). Durations are chosen inside the limits, so
/// only the rounding of a state that itself lies on a limit uses it.
pub const LIMIT_TOLERANCE: f64 = 1e-9;

/// Durations are lengthened by this fraction, so that rounding cannot carry a velocity or an
/// acceleration over the limit that was met exactly.
const SLACK: f64 = 1e-12;

/// Least-effort steering of a chain of double integrators, y'' = w, one per output.
///
/// Between the states (p0, v0) and (p1, v1) and for a given duration T the trajectory that
/// minimises the effort, the integral of sum r_i w_i^2, is one cubic per output. The cost of T is
/// rho T + effort. `steer` takes the least T that keeps every limit and is no shorter than the
/// duration of least cost; an infinite rho asks for the shortest motion of this kind.
///
/// All slices hold one number per output, in rad or m and seconds; coefficients are
/// `[output][4]`, ascending powers of time. No call allocates.
#[derive(Clone, Debug)]
pub struct LeastEffort {
    outputs: Vec<Output>,
    rho: f64,
}

/// What steering knows of one output.
#[derive(Clone, Copy, Debug)]
struct Output {
    /// Least position, less the tolerance.
    lower: f64,
    /// Greatest position, plus the tolerance.
    upper: f64,
    velocity: f64,
    acceleration: f64,
    /// 1.5 / velocity: duration per distance from rest to rest.
    linear: f64,
    /// 6 / acceleration: squared duration per distance from rest to rest.
    square: f64,
    /// r, the weight of this output's squared acceleration.
    weight: f64,
}

/// One output's part of a query: where it begins and ends.
#[derive(Clone, Copy)]
struct EffortEnds {
    p0: f64,
    v0: f64,
    p1: f64,
    v1: f64,
}

impl LeastEffort {
    /// Steering at the limits: rho is infinite, so every motion is as short as they allow.
    /// Weights are 1/amax^2, or 1 where the acceleration has no limit.
    pub fn new(limits: &[OutputLimits]) -> Self {
        let weight = |l: &OutputLimits| match l.acceleration {
            a if a.is_finite() && a > 0.0 => 1.0 / (a * a),
            _ => 1.0,
        };
        let weights: Vec<f64> = limits.iter().map(weight).collect();
        Self::with_weights(limits, &weights, f64::INFINITY)
    }

    /// Steering that weighs time by `rho > 0` against squared accelerations by `weights > 0`.
    pub fn with_weights(limits: &[OutputLimits], weights: &[f64], rho: f64) -> Self {
        assert_eq!(limits.len(), weights.len(), "one weight per output");
        let size = |bound: f64| if bound.is_finite() { bound.abs() } else { 0.0 };
        let tolerance = |l: &OutputLimits| LIMIT_TOLERANCE * size(l.lower).max(size(l.upper));
        let output = |(l, &weight): (&OutputLimits, &f64)| Output {
            lower: l.lower - tolerance(l),
            upper: l.upper + tolerance(l),
            velocity: l.velocity,
            acceleration: l.acceleration,
            linear: 1.5 / l.velocity,
            square: 6.0 / l.acceleration,
            weight,
        };
        Self { outputs: limits.iter().zip(weights).map(output).collect(), rho }
    }

    /// Number of outputs.
    pub fn dof(&self) -> usize {
        self.outputs.len()
    }

    /// Joins (p0, v0) to (p1, v1) by the shortest cubics that meet the limits of position,
    /// velocity and acceleration and last at least [`LeastEffort::least_cost_duration`]. Writes
    /// their coefficients and returns the duration, which is zero where the two states are the
    /// same.
    ///
    /// `None` where an end breaks a limit, no duration meets them all, or nothing bounds the
    /// duration from below (infinite rho and no limits). A motion between moving ends is replayed
    /// against the limits before it is returned.
    pub fn steer(
        &self,
        p0: &[f64],
        v0: &[f64],
        p1: &[f64],
        v1: &[f64],
        coefficients: &mut [f64],
    ) -> Option<f64> {
        if is_zero(v0) && is_zero(v1) {
            return self.steer_rest_to_rest(p0, p1, coefficients);
        }
        if p0 == p1 && v0 == v1 {
            self.steer_in(0.0, p0, v0, p1, v1, coefficients);
            let valid = self.keeps_positions(0.0, coefficients) && self.keeps_rates(0.0, coefficients);
            return valid.then_some(0.0);
        }
        let mut rate = 1.0 / self.least_cost_duration(p0, v0, p1, v1);
        let mut slack = SLACK;
        while slack < 100.0 * LIMIT_TOLERANCE {
            rate = self.greatest_rate(rate, p0, v0, p1, v1);
            let duration = (1.0 + slack) / rate;
            if duration <= 0.0 || !duration.is_finite() {
                return None;
            }
            self.steer_in(duration, p0, v0, p1, v1, coefficients);
            if !self.keeps_positions(duration, coefficients) {
                // Longer durations swing out further: see `keeps_positions`.
                return None;
            }
            if self.keeps_rates(duration, coefficients) {
                return Some(duration);
            }
            rate = 1.0 / duration;
            slack *= 16.0;
        }
        None
    }

    /// The cubics from (p0, v0) to (p1, v1) in the given `duration`, whatever the limits. A zero
    /// duration gives the motion that p0 and v0 alone begin.
    pub fn steer_in(
        &self,
        duration: f64,
        p0: &[f64],
        v0: &[f64],
        p1: &[f64],
        v1: &[f64],
        coefficients: &mut [f64],
    ) {
        assert_eq!(coefficients.len(), 4 * self.dof(), "four coefficients per output");
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        for (i, c) in coefficients.chunks_exact_mut(4).enumerate() {
            let ends = EffortEnds::of(i, p0, v0, p1, v1);
            let mean = ends.distance() * rate;
            c[0] = ends.p0;
            c[1] = ends.v0;
            c[2] = (3.0 * mean - (2.0 * ends.v0 + ends.v1)) * rate;
            c[3] = (ends.v0 + ends.v1 - 2.0 * mean) * rate * rate;
        }
    }

    /// Shortest duration from rest at p0 to rest at p1 within the velocity and acceleration
    /// limits (rho is not asked): every output follows 3(t/T)^2 - 2(t/T)^3, whose greatest speed
    /// is 1.5 D/T and greatest acceleration 6 D/T^2.
    pub fn rest_to_rest_duration(&self, p0: &[f64], p1: &[f64]) -> f64 {
        let (mut linear, mut square) = (0.0_f64, 0.0_f64);
        for ((output, &a), &b) in self.outputs.iter().zip(p0).zip(p1) {
            let distance = (b - a).abs();
            // A limit of zero and no distance make NaN, which `max` passes over.
            linear = linear.max(distance * output.linear);
            square = square.max(distance * output.square);
        }
        linear.max(square.sqrt()) * (1.0 + SLACK)
    }

    /// See [`Steering::rest_to_rest_terms`](super::Steering::rest_to_rest_terms).
    pub fn rest_to_rest_terms(&self) -> Vec<[f64; 3]> {
        self.outputs.iter().map(|output| [output.linear, output.square, 0.0]).collect()
    }

    /// The effort of the cubics of a given `duration` T > 0: the integral of sum r_i y_i''^2.
    ///
    /// Per output that is 12 D^2/T^3 - 12 D (v0 + v1)/T^2 + 4 (v0^2 + v0 v1 + v1^2)/T, here as a
    /// sum of squares, in which nothing cancels.
    pub fn effort(&self, duration: f64, p0: &[f64], v0: &[f64], p1: &[f64], v1: &[f64]) -> f64 {
        let rate = 1.0 / duration;
        let of = |(i, output): (usize, &Output)| {
            let ends = EffortEnds::of(i, p0, v0, p1, v1);
            let excess = ends.distance() * rate - 0.5 * (ends.v0 + ends.v1);
            let change = ends.v1 - ends.v0;
            output.weight * (12.0 * excess * excess + change * change)
        };
        rate * self.outputs.iter().enumerate().map(of).sum::<f64>()
    }

    /// The duration T* of least cost rho T + effort, without regard to limits; 0 for infinite rho
    /// or where the two states are the same.
    ///
    /// With D = p1 - p0 and sums over the outputs, a of r D^2, b of r D (v0 + v1) and c of
    /// r (v0^2 + v0 v1 + v1^2), it is the positive root of rho T^4 - 4 c T^2 + 24 b T - 36 a with
    /// the least cost.
    pub fn least_cost_duration(&self, p0: &[f64], v0: &[f64], p1: &[f64], v1: &[f64]) -> f64 {
        if self.rho == f64::INFINITY || (p0 == p1 && v0 == v1) {
            return 0.0;
        }
        let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
        for (i, output) in self.outputs.iter().enumerate() {
            let ends = EffortEnds::of(i, p0, v0, p1, v1);
            let distance = ends.distance();
            a += output.weight * distance * distance;
            b += output.weight * distance * (ends.v0 + ends.v1);
            c += output.weight * (ends.v0 * ends.v0 + ends.v0 * ends.v1 + ends.v1 * ends.v1);
        }
        let mut roots = [0.0; 3];
        let rho = self.rho;
        let count = quartic::positive_roots(-4.0 * c / rho, 24.0 * b / rho, -36.0 * a / rho, &mut roots);
        let cost = |t: f64| rho * t + self.effort(t, p0, v0, p1, v1);
        roots[..count].iter().copied().min_by(|&s, &t| cost(s).total_cmp(&cost(t))).unwrap_or(0.0)
    }

    /// [`LeastEffort::steer`] where both states are at rest: the straight line between them.
    fn steer_rest_to_rest(&self, p0: &[f64], p1: &[f64], coefficients: &mut [f64]) -> Option<f64> {
        let mut duration = self.rest_to_rest_duration(p0, p1);
        if self.rho < f64::INFINITY {
            let squares =
                self.outputs.iter().zip(p0.iter().zip(p1)).map(|(o, (a, b))| o.weight * (b - a).powi(2));
            duration = duration.max((36.0 * squares.sum::<f64>() / self.rho).sqrt().sqrt());
        }
        if !duration.is_finite() || (duration == 0.0 && p0 != p1) {
            return None;
        }
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        let (square, cube) = (3.0 * rate * rate, -2.0 * rate * rate * rate);
        assert_eq!(coefficients.len(), 4 * self.dof(), "four coefficients per output");
        for (((c, output), &a), &b) in coefficients.chunks_exact_mut(4).zip(&self.outputs).zip(p0).zip(p1) {
            // A straight line between two points within bounds stays within them.
            if !output.holds_position(a) || !output.holds_position(b) {
                return None;
            }
            let distance = b - a;
            c.copy_from_slice(&[a, 0.0, square * distance, cube * distance]);
        }
        Some(duration)
    }

    /// The greatest rate 1/T, at most `rate`, at which every velocity and acceleration limit
    /// holds; zero where there is none.
    fn greatest_rate(&self, mut rate: f64, p0: &[f64], v0: &[f64], p1: &[f64], v1: &[f64]) -> f64 {
        for (i, output) in self.outputs.iter().enumerate() {
            rate = rate.min(output.velocity_rate(&EffortEnds::of(i, p0, v0, p1, v1)));
        }
        // Acceleration limits leave gaps of infeasible rates. Step down over the gaps of each
        // output in turn until a round meets none; every step leaves a gap for good.
        loop {
            let before = rate;
            for (i, output) in self.outputs.iter().enumerate() {
                rate = output.acceleration_rate(&EffortEnds::of(i, p0, v0, p1, v1), rate);
            }
            let stepped = rate < before;
            if !stepped {
                return rate;
            }
        }
    }

    /// Whether the cubics keep within the position limits.
    ///
    /// At a fixed fraction s of the motion the position is affine in the duration T, so the
    /// greatest position is convex in T; at T = 0 it is that of an end. The durations that keep a
    /// bound therefore form an interval that begins at zero: where T fails, all longer ones do.
    fn keeps_positions(&self, duration: f64, coefficients: &[f64]) -> bool {
        self.outputs.iter().zip(coefficients.chunks_exact(4)).all(|(o, c)| o.keeps_position(duration, c))
    }

    /// Whether the cubics keep within the velocity and acceleration limits.
    fn keeps_rates(&self, duration: f64, coefficients: &[f64]) -> bool {
        self.outputs.iter().zip(coefficients.chunks_exact(4)).all(|(o, c)| o.keeps_rates(duration, c))
    }
}

impl EffortEnds {
    fn of(i: usize, p0: &[f64], v0: &[f64], p1: &[f64], v1: &[f64]) -> Self {
        Self { p0: p0[i], v0: v0[i], p1: p1[i], v1: v1[i] }
    }

    fn distance(&self) -> f64 {
        self.p1 - self.p0
    }
}

impl Output {
    /// The greatest rate 1/T that keeps |y'| within its limit V.
    ///
    /// V - y' is a quadratic whose Bernstein coefficients over the motion are V - v0, b, V - v1
    /// and whose mean is V - D/T, their average. It is nowhere negative exactly where
    /// b >= -sqrt((V - v0)(V - v1)), which bounds the mean speed D/T from above; likewise V + y'
    /// from below. Zero mean speed is always within, so T has a lower bound and no gaps.
    fn velocity_rate(&self, ends: &EffortEnds) -> f64 {
        let distance = ends.distance();
        if distance == 0.0 || self.velocity == f64::INFINITY {
            return f64::INFINITY;
        }
        let direction = distance.signum();
        let a = (self.velocity - direction * ends.v0).max(0.0);
        let b = (self.velocity - direction * ends.v1).max(0.0);
        let mean_speed = self.velocity - (a + b - (a * b).sqrt()) / 3.0;
        mean_speed / distance.abs()
    }

    /// The greatest rate 1/T, at most `rate`, that keeps |y''| within its limit. y'' is linear,
    /// so only its ends count: 6 D/T^2 - (4 v0 + 2 v1)/T and -6 D/T^2 + (2 v0 + 4 v1)/T.
    fn acceleration_rate(&self, ends: &EffortEnds, rate: f64) -> f64 {
        if self.acceleration == f64::INFINITY {
            return rate;
        }
        let square = 6.0 * ends.distance();
        let rate = greatest_within(square, 4.0 * ends.v0 + 2.0 * ends.v1, self.acceleration, rate);
        greatest_within(square, 2.0 * ends.v0 + 4.0 * ends.v1, self.acceleration, rate)
    }

    fn holds_position(&self, p: f64) -> bool {
        p >= self.lower && p <= self.upper
    }

    fn keeps_position(&self, duration: f64, c: &[f64]) -> bool {
        let end = cubic(c, duration);
        // The Bernstein coefficients enclose the cubic: mostly they settle it.
        let third = duration / 3.0;
        let first = c[0] + third * c[1];
        let second = c[0] + third * (2.0 * c[1] + duration * c[2]);
        if [c[0], first, second, end].iter().all(|&p| self.holds_position(p)) {
            return true;
        }
        // What is rounded on the way is of the size of its swings.
        let swing = (first - c[0]).abs() + (second - c[0]).abs() + (end - c[0]).abs();
        let room = LIMIT_TOLERANCE * swing;
        let holds = |p: f64| p >= self.lower - room && p <= self.upper + room;
        if !holds(c[0]) || !holds(end) {
            return false;
        }
        // y' = c1 + 2 c2 t + 3 c3 t^2; the stable form of its roots.
        let discriminant = c[2] * c[2] - 3.0 * c[1] * c[3];
        if discriminant < 0.0 {
            return true;
        }
        let q = -(c[2] + discriminant.sqrt().copysign(c[2]));
        let turns = [q / (3.0 * c[3]), c[1] / q];
        turns.iter().all(|&t| !(t > 0.0 && t < duration) || holds(cubic(c, t)))
    }

    fn keeps_rates(&self, duration: f64, c: &[f64]) -> bool {
        let speed = self.velocity * (1.0 + LIMIT_TOLERANCE);
        let acceleration = self.acceleration * (1.0 + LIMIT_TOLERANCE);
        let (begin, end) = (2.0 * c[2], 2.0 * c[2] + 6.0 * c[3] * duration);
        let velocity = |t: f64| c[1] + t * (2.0 * c[2] + t * 3.0 * c[3]);
        let vertex = if begin * end < 0.0 { -c[2] / (3.0 * c[3]) } else { 0.0 };
        begin.abs() <= acceleration
            && end.abs() <= acceleration
            && [0.0, vertex, duration].iter().all(|&t| velocity(t).abs() <= speed)
    }
}

fn is_zero(v: &[f64]) -> bool {
    v.iter().all(|&v| v == 0.0)
}

fn cubic(c: &[f64], t: f64) -> f64 {
    c[0] + t * (c[1] + t * (c[2] + t * c[3]))
}

/// The greatest u in [0, `top`] with |square u^2 - linear u| <= `limit`.
fn greatest_within(square: f64, linear: f64, limit: f64, top: f64) -> f64 {
    if (square * top - linear).abs() * top <= limit {
        return top;
    }
    // The sign of the polynomial does not matter: make it open upwards.
    let (square, linear) = if square < 0.0 { (-square, -linear) } else { (square, linear) };
    if square == 0.0 {
        return top.min(limit / linear.abs());
    }
    // Upper branch: square u^2 - linear u = limit has one positive root.
    let root = (linear * linear + 4.0 * square * limit).sqrt();
    let crossing =
        if linear > 0.0 { (linear + root) / (2.0 * square) } else { 2.0 * limit / (root - linear) };
    let u = top.min(crossing);
    // Dip: between the two positive roots of square u^2 - linear u = -limit it is too low.
    let discriminant = linear * linear - 4.0 * square * limit;
    if linear <= 0.0 || discriminant <= 0.0 {
        return u;
    }
    let root = discriminant.sqrt();
    let (near, far) = (2.0 * limit / (linear + root), (linear + root) / (2.0 * square));
    if near < u && u < far { near } else { u }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl LeastEffort {
        /// The least cost J* from one state to the other, without regard to limits. For infinite rho,
        /// where only time counts: the duration of [`LeastEffort::steer`] but for position limits,
        /// infinite where there is none.
        fn cost(&self, p0: &[f64], v0: &[f64], p1: &[f64], v1: &[f64]) -> f64 {
            if p0 == p1 && v0 == v1 {
                return 0.0;
            }
            if self.rho == f64::INFINITY {
                if is_zero(v0) && is_zero(v1) {
                    return self.rest_to_rest_duration(p0, p1);
                }
                return (1.0 + SLACK) / self.greatest_rate(f64::INFINITY, p0, v0, p1, v1);
            }
            let duration = self.least_cost_duration(p0, v0, p1, v1);
            self.rho * duration + self.effort(duration, p0, v0, p1, v1)
        }
    }

    /// A query over some outputs.
    #[derive(Clone, Debug)]
    struct Query {
        limits: Vec<OutputLimits>,
        ends: [Vec<f64>; 4],
    }

    impl Query {
        fn steer(&self, steering: &LeastEffort) -> Option<(f64, Vec<f64>)> {
            let mut c = vec![0.0; 4 * self.limits.len()];
            let [p0, v0, p1, v1] = &self.ends;
            steering.steer(p0, v0, p1, v1, &mut c).map(|t| (t, c))
        }

        fn cubics(&self, duration: f64) -> Vec<f64> {
            let mut c = vec![0.0; 4 * self.limits.len()];
            let [p0, v0, p1, v1] = &self.ends;
            LeastEffort::new(&self.limits).steer_in(duration, p0, v0, p1, v1, &mut c);
            c
        }

        /// Whether every limit surely holds, by samples plus the most that a polynomial of
        /// bounded curvature rises between them.
        fn surely_holds(&self, duration: f64) -> bool {
            const N: usize = 64;
            let h2 = (duration / N as f64).powi(2) / 8.0;
            let c = self.cubics(duration);
            self.limits.iter().zip(c.chunks_exact(4)).all(|(l, c)| {
                let at =
                    |order, i: usize| crate::trajectory::derivative(c, order, duration * i as f64 / N as f64);
                let bend = at(2, 0).abs().max(at(2, N).abs());
                let third = at(3, 0).abs();
                (0..=N).all(|i| {
                    let p = at(0, i);
                    p - bend * h2 >= l.lower
                        && p + bend * h2 <= l.upper
                        && at(1, i).abs() + third * h2 <= l.velocity
                        && at(2, i).abs() <= l.acceleration
                })
            })
        }
    }

    fn limits(bound: f64, velocity: f64, acceleration: f64) -> OutputLimits {
        OutputLimits { lower: -bound, upper: bound, velocity, acceleration, ..OutputLimits::NONE }
    }

    /// A fraction of `size`, often one that makes ties: zero, or an end of the range.
    fn fraction() -> impl Strategy<Value = f64> {
        prop_oneof![3 => -1.0..=1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-1.0), 1 => Just(0.5)]
    }

    fn query(most: usize) -> impl Strategy<Value = Query> {
        let output = (
            prop_oneof![Just(3.0), Just(f64::INFINITY)],
            prop_oneof![0.2..3.0, Just(1.0)],
            prop_oneof![0.2..10.0, Just(2.0)],
            prop::array::uniform4(fraction()),
        );
        prop::collection::vec(output, 1..=most).prop_map(|outputs| {
            let limits = outputs.iter().map(|&(b, v, a, _)| limits(b, v, a)).collect();
            let end = |k: usize| {
                outputs.iter().map(|(_, v, _, f)| f[k] * if k == 0 || k == 2 { 3.0 } else { *v }).collect()
            };
            Query { limits, ends: [end(0), end(1), end(2), end(3)] }
        })
    }

    fn close(a: f64, b: f64, tolerance: f64) -> bool {
        (a - b).abs() <= tolerance * 1.0_f64.max(a.abs()).max(b.abs())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn arrives_within_limits(q in query(7)) {
            let Some((duration, c)) = q.steer(&LeastEffort::new(&q.limits)) else { return Ok(()) };
            let at = |order, t, i: usize| crate::trajectory::derivative(&c[4 * i..4 * i + 4], order, t);
            for (i, l) in q.limits.iter().enumerate() {
                for (k, t) in [(0, 0.0), (2, duration)] {
                    prop_assert!(close(at(0, t, i), q.ends[k][i], 1e-9));
                    prop_assert!(close(at(1, t, i), q.ends[k + 1][i], 1e-9));
                }
                let over = 1.0 + LIMIT_TOLERANCE;
                for step in 0..=500 {
                    let t = duration * step as f64 / 500.0;
                    prop_assert!(at(0, t, i).abs() <= l.upper * over);
                    prop_assert!(at(1, t, i).abs() <= l.velocity * over);
                    prop_assert!(at(2, t, i).abs() <= l.acceleration * over);
                }
            }
        }

        /// No limit that is looser makes a motion longer.
        #[test]
        fn looser_limits_are_never_slower(q in query(4), which in 0..4_usize, factors in prop::array::uniform2(prop_oneof![Just(1.0), 1.0..1.1, 1.0..1e9_f64])) {
            let tight = q.steer(&LeastEffort::new(&q.limits));
            let mut looser = q.clone();
            let l = &mut looser.limits[which % q.limits.len()];
            (l.velocity, l.acceleration) = (factors[0] * l.velocity, factors[1] * l.acceleration);
            let loose = looser.steer(&LeastEffort::new(&looser.limits));
            if let Some((tight, _)) = tight {
                prop_assert!(loose.is_some_and(|(loose, _)| loose <= tight * (1.0 + 1e-9)), "{tight}");
            }
        }

        /// Lengths and times that are scaled by powers of two scale motions exactly.
        #[test]
        fn motions_scale(q in query(3), length in -40..40_i32, time in -40..40_i32) {
            let (l, t) = (f64::from(length).exp2(), f64::from(time).exp2());
            let mut scaled = q.clone();
            for limits in &mut scaled.limits {
                (limits.lower, limits.upper) = (l * limits.lower, l * limits.upper);
                (limits.velocity, limits.acceleration) = (l / t * limits.velocity, l / t / t * limits.acceleration);
            }
            for (k, end) in scaled.ends.iter_mut().enumerate() {
                end.iter_mut().for_each(|x| *x *= if k % 2 == 0 { l } else { l / t });
            }
            let (one, other) = (q.steer(&LeastEffort::new(&q.limits)), scaled.steer(&LeastEffort::new(&scaled.limits)));
            prop_assert_eq!(one.as_ref().map(|(d, _)| t * d), other.as_ref().map(|(d, _)| *d));
            let (Some((_, one)), Some((_, other))) = (one, other) else { return Ok(()) };
            for (k, (a, b)) in one.iter().zip(&other).enumerate() {
                prop_assert_eq!(a * l * t.powi(-((k % 4) as i32)), *b);
            }
        }

        #[test]
        fn lands_on_the_goal_when_integrated(q in query(3)) {
            let Some((duration, c)) = q.steer(&LeastEffort::new(&q.limits)) else { return Ok(()) };
            for (i, c) in c.chunks_exact(4).enumerate() {
                let w = |t: f64| 2.0 * c[2] + 6.0 * c[3] * t;
                let (mut p, mut v) = (q.ends[0][i], q.ends[1][i]);
                let h = duration / 100.0;
                for step in 0..100 {
                    let t = h * step as f64;
                    // Runge-Kutta of order 4 on p' = v, v' = w(t).
                    let (w0, w1, w2) = (w(t), w(t + 0.5 * h), w(t + h));
                    let (k1, k2, k3, k4) = (v, v + 0.5 * h * w0, v + 0.5 * h * w1, v + h * w1);
                    p += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
                    v += h / 6.0 * (w0 + 4.0 * w1 + w2);
                }
                prop_assert!(close(p, q.ends[2][i], 1e-9), "{} {}", p, q.ends[2][i]);
                prop_assert!(close(v, q.ends[3][i], 1e-9), "{} {}", v, q.ends[3][i]);
            }
        }

        #[test]
        fn no_shorter_duration_holds(q in query(3), rho in prop_oneof![Just(f64::INFINITY), 0.01..10.0]) {
            let weights = vec![1.0; q.limits.len()];
            let steering = LeastEffort::with_weights(&q.limits, &weights, rho);
            let [p0, v0, p1, v1] = &q.ends;
            let least = steering.least_cost_duration(p0, v0, p1, v1);
            let found = q.steer(&steering).map(|(t, _)| t);
            if let Some(found) = found {
                prop_assert!(found >= least * (1.0 - 1e-12));
            }
            for step in 0..400 {
                let t = least.max(1e-3) * 1.03_f64.powi(step);
                if t >= found.unwrap_or(1e3) * (1.0 - 1e-9) {
                    break;
                }
                prop_assert!(!q.surely_holds(t), "found {:?}, but {} holds", found, t);
            }
        }

        #[test]
        fn cost_is_the_integral_and_least(q in query(3), rho in 0.01..10.0, r in prop::array::uniform3(0.1..10.0)) {
            let weights = &r[..q.limits.len()];
            let steering = LeastEffort::with_weights(&q.limits, weights, rho);
            let [p0, v0, p1, v1] = &q.ends;
            let best = steering.least_cost_duration(p0, v0, p1, v1);
            let cost = steering.cost(p0, v0, p1, v1);
            if best == 0.0 {
                prop_assert!(p0 == p1 && v0 == v1);
                prop_assert_eq!(cost, 0.0);
                return Ok(());
            }
            // Simpson's rule is exact for the square of a line.
            let effort = |t: f64| -> f64 {
                let c = q.cubics(t);
                let of = |c: &[f64], r: f64| {
                    let w = |s: f64| (2.0 * c[2] + 6.0 * c[3] * s).powi(2);
                    r * t / 6.0 * (w(0.0) + 4.0 * w(0.5 * t) + w(t))
                };
                c.chunks_exact(4).zip(weights).map(|(c, &r)| of(c, r)).sum()
            };
            let total = rho * best + effort(best);
            prop_assert!(close(cost, total, 1e-9), "{} {}", cost, total);
            prop_assert!(close(steering.effort(best, p0, v0, p1, v1), effort(best), 1e-9));
            for step in -300..=300 {
                let t = best * 1.02_f64.powi(step);
                prop_assert!(rho * t + effort(t) >= cost * (1.0 - 1e-9), "{} beats {}", t, best);
            }
        }

        #[test]
        fn least_cost_duration_is_stationary(q in query(3), rho in 0.01..10.0) {
            let steering = LeastEffort::with_weights(&q.limits, &vec![1.0; q.limits.len()], rho);
            let [p0, v0, p1, v1] = &q.ends;
            let t = steering.least_cost_duration(p0, v0, p1, v1);
            if t == 0.0 {
                return Ok(());
            }
            let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
            for i in 0..p0.len() {
                a += (p1[i] - p0[i]).powi(2);
                b += (p1[i] - p0[i]) * (v0[i] + v1[i]);
                c += v0[i].powi(2) + v0[i] * v1[i] + v1[i].powi(2);
            }
            let terms = [rho * t.powi(4), -4.0 * c * t * t, 24.0 * b * t, -36.0 * a];
            let size: f64 = terms.iter().map(|x| x.abs()).sum();
            prop_assert!(terms.iter().sum::<f64>().abs() <= 1e-12 * size);
        }

        #[test]
        fn agrees_with_the_gramian(ends in prop::array::uniform4(fraction()), t in 0.1..10.0, r in 0.1..10.0) {
            let [p0, v0, p1, v1] = ends;
            let steering = LeastEffort::with_weights(&[limits(9.0, 9.0, 9.0)], &[r], 1.0);
            // G = integral of e^(As) B R^-1 B' e^(A's), e^(As) B = (s, 1), by Simpson's rule.
            let entry = |power: i32| {
                let f = |s: f64| s.powi(power) / r;
                t / 6.0 * (f(0.0) + 4.0 * f(0.5 * t) + f(t))
            };
            let (g11, g12, g22) = (entry(2), entry(1), entry(0));
            let d = [p1 - p0 - v0 * t, v1 - v0];
            let det = g11 * g22 - g12 * g12;
            let x = [(g22 * d[0] - g12 * d[1]) / det, (g11 * d[1] - g12 * d[0]) / det];
            let effort = d[0] * x[0] + d[1] * x[1];
            let (p0, v0, p1, v1) = (&[p0], &[v0], &[p1], &[v1]);
            prop_assert!(close(steering.effort(t, p0, v0, p1, v1), effort, 1e-9));
            let mut c = [0.0; 4];
            steering.steer_in(t, p0, v0, p1, v1, &mut c);
            for s in [0.0, 0.3 * t, t] {
                let w = ((t - s) * x[0] + x[1]) / r;
                prop_assert!(close(w, 2.0 * c[2] + 6.0 * c[3] * s, 1e-9));
            }
        }

        #[test]
        fn rest_to_rest_is_a_straight_line_and_the_general_case(q in query(7)) {
            let steering = LeastEffort::new(&q.limits);
            let [p0, _, p1, _] = q.ends.clone();
            let zero = vec![0.0; p0.len()];
            let at_rest = Query { ends: [p0.clone(), zero.clone(), p1.clone(), zero.clone()], ..q };
            let (duration, c) = at_rest.steer(&steering).expect("limits are finite");
            prop_assert_eq!(duration, steering.rest_to_rest_duration(&p0, &p1));
            if duration == 0.0 {
                return Ok(());
            }
            prop_assert!(close(1.0 / duration, steering.greatest_rate(f64::INFINITY, &p0, &zero, &p1, &zero), 1e-11));
            for (x, y) in c.iter().zip(at_rest.cubics(duration)) {
                prop_assert!(close(*x, y, 1e-12));
            }
        }

        #[test]
        fn never_panics(ends in prop::array::uniform4(any::<f64>()), l in prop::array::uniform4(any::<f64>()), rho in any::<f64>()) {
            let limits = OutputLimits { lower: l[0], upper: l[1], velocity: l[2], acceleration: l[3], ..OutputLimits::NONE };
            let [p0, v0, p1, v1] = ends;
            let mut c = [0.0; 4];
            for steering in [LeastEffort::new(&[limits]), LeastEffort::with_weights(&[limits], &[1.0], rho)] {
                steering.cost(&[p0], &[v0], &[p1], &[v1]);
                if let Some(t) = steering.steer(&[p0], &[v0], &[p1], &[v1], &mut c) {
                    prop_assert!(t.is_finite() && t >= 0.0);
                }
            }
        }
    }

    #[test]
    fn steps_over_the_gap() {
        // The first output passes at full speed: it can arrive at about 1 s or, after turning
        // round twice, from 10.9 s on. The second needs 2 s.
        let mut q = Query {
            limits: vec![limits(f64::INFINITY, 2.0, 0.5), limits(3.0, 1.5, 100.0)],
            ends: [vec![0.0, 0.0], vec![1.0, 0.0], vec![1.0, 2.0], vec![1.0, 0.0]],
        };
        let (duration, _) = q.steer(&LeastEffort::new(&q.limits)).expect("steers");
        let expected = 12.0 / (6.0 - 24.0_f64.sqrt());
        assert!(close(duration, expected, 1e-9), "{duration}, expected {expected}");
        // The detour leaves a range of 1, and no longer one would not.
        q.limits[0] = limits(1.0, 2.0, 0.5);
        assert_eq!(q.steer(&LeastEffort::new(&q.limits)), None);
    }

    #[test]
    fn cruises_at_the_limit() {
        let q =
            Query { limits: vec![limits(3.0, 2.0, 1.0)], ends: [vec![0.0], vec![2.0], vec![1.0], vec![2.0]] };
        let (duration, _) = q.steer(&LeastEffort::new(&q.limits)).expect("steers");
        assert!(close(duration, 0.5, 1e-9));
    }

    #[test]
    fn refuses_what_cannot_be() {
        let one = |l: OutputLimits, ends: [f64; 4]| {
            let q = Query { limits: vec![l], ends: ends.map(|x| vec![x]) };
            q.steer(&LeastEffort::new(&q.limits)).map(|(t, _)| t)
        };
        let usual = limits(1.0, 2.0, 3.0);
        assert_eq!(one(usual, [0.0, 2.1, 0.5, 0.0]), None, "start too fast");
        assert_eq!(one(usual, [0.0, 0.0, 0.5, -2.1]), None, "goal too fast");
        assert_eq!(one(usual, [1.1, 0.0, 0.5, 0.0]), None, "start out of bounds");
        assert_eq!(one(usual, [0.0, 0.0, -1.1, 1.0]), None, "goal out of bounds");
        assert_eq!(one(usual, [1.0, 1.0, 0.0, 0.0]), None, "start moving out of bounds");
        assert_eq!(one(usual, [0.5, 0.3, 0.5, 0.3]), Some(0.0), "there already");
        assert_eq!(one(OutputLimits::NONE, [0.0, 0.0, 1.0, 0.0]), None, "nothing bounds the duration");
        assert_eq!(one(limits(1.0, 0.0, 3.0), [0.0, 0.0, 1.0, 0.0]), None, "cannot move");
        assert_eq!(one(limits(1.0, 0.0, 0.0), [0.5, 0.0, 0.5, 0.0]), Some(0.0), "need not move");
    }
}

//! Cutting trajectories and joining them again.

use super::{Trajectory, derivative};
use std::fmt;

/// A discontinuity: what a derivative of an output gains at a knot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// Time of the knot, seconds.
    pub time: f64,
    /// Flat output.
    pub output: usize,
    /// Order of the derivative, 0 for the value.
    pub order: usize,
    /// Value after the knot less that before it.
    pub size: f64,
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, output, order, size } = self;
        write!(f, "derivative {order} of output {output} jumps by {size} at {time} s")
    }
}

impl std::error::Error for Jump {}

impl Trajectory {
    /// The piece between two times, which are clamped to the trajectory; it begins at time zero.
    /// Empty where `from >= to`.
    #[must_use]
    pub fn cut(&self, from: f64, to: f64) -> Self {
        let mut piece = Self::new(self.dof, self.degree);
        piece.extend_cut(self, from, to);
        piece
    }

    /// This trajectory with what lies between two times replaced by `middle`, whatever its
    /// duration. Whether the ends meet is not checked: see [`Trajectory::greatest_jump`].
    #[must_use]
    pub fn splice(&self, from: f64, to: f64, middle: &Self) -> Self {
        let mut spliced = Self::new(self.dof, self.degree);
        self.splice_into(from, to, middle, &mut spliced);
        spliced
    }

    /// The same, written to a trajectory that is there already, so that its memory is used again.
    pub fn splice_into(&self, from: f64, to: f64, middle: &Self, spliced: &mut Self) {
        spliced.clear();
        spliced.elevate(self.degree);
        spliced.extend_cut(self, 0.0, from);
        spliced.append(middle);
        spliced.extend_cut(self, to, self.duration());
    }

    /// The same way, taking so many times as long.
    #[must_use]
    pub fn stretched(&self, times: f64) -> Self {
        let mut stretched = Self::new(self.dof, self.degree);
        for segment in self.segments() {
            let scale = |(i, c): (usize, &f64)| c / times.powi((i % (self.degree + 1)) as i32);
            let coefficients: Vec<f64> = segment.coefficients.iter().enumerate().map(scale).collect();
            stretched.push(times * segment.duration, &coefficients);
        }
        stretched
    }

    /// Appends `next`, raising the lower degree of the two. Whether the ends meet is not checked:
    /// see [`Trajectory::join`].
    pub fn append(&mut self, next: &Self) {
        self.elevate(next.degree);
        self.extend_cut(next, 0.0, next.duration());
    }

    /// Appends `next` if derivatives up to `order` are continuous there, to within `tolerance` (in
    /// the unit of each).
    ///
    /// # Errors
    /// The first jump that is greater. Nothing is appended then.
    pub fn join(&mut self, next: &Self, order: usize, tolerance: f64) -> Result<(), Jump> {
        assert_eq!(self.dof, next.dof, "as many outputs in both");
        if !self.is_empty() && !next.is_empty() {
            let (last, first) = (self.segment(self.len() - 1), next.segment(0));
            for (order, output) in (0..=order).flat_map(|k| (0..self.dof).map(move |i| (k, i))) {
                let before = derivative(last.polynomial(output), order, last.duration);
                let size = derivative(first.polynomial(output), order, 0.0) - before;
                if size.abs() > tolerance {
                    return Err(Jump { time: self.duration(), output, order, size });
                }
            }
        }
        self.append(next);
        Ok(())
    }

    /// The greatest discontinuity of the `order`th derivative at any inner knot; `None` where
    /// there is no inner knot.
    pub fn greatest_jump(&self, order: usize) -> Option<Jump> {
        let at = |(knot, output): (usize, usize)| {
            let (before, after) = (self.segment(knot - 1), self.segment(knot));
            let size = derivative(after.polynomial(output), order, 0.0)
                - derivative(before.polynomial(output), order, before.duration);
            Jump { time: self.knots[knot], output, order, size }
        };
        (1..self.len())
            .flat_map(|knot| (0..self.dof).map(move |output| (knot, output)))
            .map(at)
            .max_by(|a, b| a.size.abs().total_cmp(&b.size.abs()))
    }

    /// Writes the polynomials with at least `degree`, the new coefficients being zero.
    pub fn elevate(&mut self, degree: usize) {
        if degree <= self.degree {
            return;
        }
        let mut coefficients = Vec::with_capacity(self.coefficients.len() / (self.degree + 1) * (degree + 1));
        for polynomial in self.coefficients.chunks_exact(self.degree + 1) {
            coefficients.extend_from_slice(polynomial);
            coefficients.resize(coefficients.len() + degree - self.degree, 0.0);
        }
        (self.degree, self.coefficients) = (degree, coefficients);
    }

    /// Appends what `source`, of no higher degree, has between two times. Whole segments are
    /// copied as they are.
    fn extend_cut(&mut self, source: &Self, from: f64, to: f64) {
        assert_eq!(self.dof, source.dof, "as many outputs in both");
        for (segment, knots) in source.segments().zip(source.knots.windows(2)) {
            let begin = (from - knots[0]).max(0.0);
            let end = if to >= knots[1] { segment.duration } else { to - knots[0] };
            // The first comparison is not implied by the second: knots are rounded sums.
            if from >= knots[1] || begin >= end {
                continue;
            }
            self.durations.push(end - begin);
            self.knots.push(self.knots[self.knots.len() - 1] + (end - begin));
            for output in 0..self.dof {
                let at = self.coefficients.len();
                self.coefficients.extend_from_slice(segment.polynomial(output));
                shift(&mut self.coefficients[at..], begin);
                self.coefficients.resize(at + self.degree + 1, 0.0);
            }
        }
    }
}

/// Rewrites the polynomial with ascending `coefficients` in powers of t - `origin` (Taylor shift
/// by repeated synthetic division).
pub fn shift(coefficients: &mut [f64], origin: f64) {
    if origin == 0.0 {
        return;
    }
    for done in 0..coefficients.len() {
        for k in (done..coefficients.len() - 1).rev() {
            coefficients[k] += origin * coefficients[k + 1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Random pieces that need not meet, with deliberate zeros.
    fn trajectory(degree: usize) -> impl Strategy<Value = Trajectory> {
        let coefficient = prop_oneof![4 => -5.0..5.0, 1 => Just(0.0)];
        let segment = (0.01..2.0, prop::collection::vec(coefficient, 2 * (degree + 1)));
        prop::collection::vec(segment, 1..6).prop_map(move |segments| {
            let mut t = Trajectory::new(2, degree);
            segments.iter().for_each(|(duration, c)| t.push(*duration, c));
            t
        })
    }

    /// A time within a trajectory as a fraction, often a knot or an end.
    fn instant() -> impl Strategy<Value = (f64, bool)> {
        (prop_oneof![4 => 0.0..=1.0, 1 => Just(0.0), 1 => Just(1.0)], any::<bool>())
    }

    fn time(t: &Trajectory, (fraction, at_knot): (f64, bool)) -> f64 {
        let wanted = fraction * t.duration();
        match at_knot {
            true => t.knots()[t.knots().partition_point(|&k| k < wanted).min(t.len())],
            false => wanted,
        }
    }

    /// Whether two trajectories agree in value and derivatives over `length` seconds from given
    /// times on. Samples stay clear of knots, where either side may be right.
    fn same(a: &Trajectory, from_a: f64, b: &Trajectory, from_b: f64, length: f64) -> bool {
        let near = |t: &Trajectory, at: f64| t.knots().iter().any(|k| (k - at).abs() < 1e-9);
        (0..200).map(|i| length * (f64::from(i) + 0.5) / 200.0).all(|s| {
            let (ta, tb) = (from_a + s, from_b + s);
            near(a, ta)
                || near(b, tb)
                || (0..4).all(|order| {
                    let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
                    a.evaluate(ta, order, &mut x);
                    b.evaluate(tb, order, &mut y);
                    x.iter().zip(y).all(|(x, y)| (x - y).abs() < 1e-7 * (1.0 + x.abs()))
                })
        })
    }

    proptest! {
        #[test]
        fn cut_is_the_piece_between(t in trajectory(5), i in instant(), j in instant()) {
            let (from, to) = (time(&t, i).min(time(&t, j)), time(&t, i).max(time(&t, j)));
            let piece = t.cut(from, to);
            prop_assert!((piece.duration() - (to - from)).abs() < 1e-12);
            prop_assert_eq!(piece.is_empty(), from == to);
            prop_assert!(piece.segments().all(|s| s.duration > 0.0));
            prop_assert!(same(&piece, 0.0, &t, from, to - from));
        }

        #[test]
        fn what_is_cut_joins_again(t in trajectory(3), i in instant()) {
            let at = time(&t, i);
            let mut joined = t.cut(0.0, at);
            joined.append(&t.cut(at, t.duration()));
            prop_assert!((joined.duration() - t.duration()).abs() < 1e-12);
            prop_assert!(same(&joined, 0.0, &t, 0.0, t.duration()));
            prop_assert_eq!(t.cut(0.0, t.duration()), t.clone());
            prop_assert!(t.cut(at, at).is_empty());
        }

        #[test]
        fn splice_replaces_the_middle(t in trajectory(3), m in trajectory(5), i in instant(), j in instant()) {
            let (from, to) = (time(&t, i).min(time(&t, j)), time(&t, i).max(time(&t, j)));
            let spliced = t.splice(from, to, &m);
            prop_assert_eq!(spliced.degree(), 5);
            let rest = t.duration() - to;
            prop_assert!((spliced.duration() - (from + m.duration() + rest)).abs() < 1e-12);
            prop_assert!(same(&spliced, 0.0, &t, 0.0, from));
            prop_assert!(same(&spliced, from, &m, 0.0, m.duration()));
            prop_assert!(same(&spliced, from + m.duration(), &t, to, rest));
        }

        #[test]
        fn append_raises_the_lower_degree(a in trajectory(3), b in trajectory(2)) {
            for (first, second) in [(&a, &b), (&b, &a)] {
                let mut t = first.clone();
                t.append(second);
                prop_assert_eq!((t.degree(), t.len()), (3, a.len() + b.len()));
                prop_assert!(same(&t, 0.0, first, 0.0, first.duration()));
                prop_assert!(same(&t, first.duration(), second, 0.0, second.duration()));
            }
        }

        #[test]
        fn join_accepts_what_meets(
            t in trajectory(3), segment in any::<prop::sample::Index>(), local in 0.1..0.9,
            order in 0usize..3, push in 0.1..1.0_f64,
        ) {
            // Cut within a segment everything is continuous; bent there, one derivative is not.
            let segment = segment.index(t.len());
            let (at, end) = (t.knots()[segment] + local * t.segment(segment).duration, t.duration());
            let (head, mut tail) = (t.cut(0.0, at), t.cut(at, end));
            let mut joined = head.clone();
            prop_assert_eq!(joined.join(&tail, 3, 1e-8), Ok(()));
            tail.coefficients[4 + order] += push;
            let mut joined = head.clone();
            let jump = joined.join(&tail, 3, 1e-8).unwrap_err();
            prop_assert_eq!((jump.time, jump.output, jump.order), (head.duration(), 1, order));
            let size: f64 = push * [1.0, 1.0, 2.0][order];
            prop_assert!((jump.size - size).abs() < 1e-8);
            prop_assert_eq!(&joined, &head);
            if order > 0 {
                prop_assert_eq!(joined.join(&tail, order - 1, 1e-8), Ok(()));
            }
        }

        #[test]
        fn samples_cover_the_duration(duration in 0.001..10.0, step in 0.001..1.0) {
            let mut t = Trajectory::new(1, 0);
            t.push(duration, &[0.0]);
            let times: Vec<f64> = t.sample_times(step).collect();
            prop_assert_eq!((times[0], times[times.len() - 1]), (0.0, duration));
            prop_assert!(times.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= step * (1.0 + 1e-9)));
        }
    }

    #[test]
    fn no_step_is_too_small_for_samples() {
        let mut t = Trajectory::new(1, 0);
        t.push(2.0, &[0.0]);
        t.push(1.0, &[0.0]);
        for step in [0.0, -1.0, f64::NAN, 1e-300] {
            assert_eq!(t.sample_times_with_knots(step).len(), 10_000_002, "{step}");
        }
        assert_eq!(t.sample_times_with_knots(f64::INFINITY), [0.0, 2.0, 3.0]);
        t.push(f64::NAN, &[0.0]);
        assert!(t.sample_times_with_knots(0.5).len() < 10);
    }

    #[test]
    fn finds_the_greatest_jump() {
        let mut t = Trajectory::new(2, 1);
        t.push(1.0, &[0.0, 1.0, 0.0, 0.0]);
        assert_eq!(t.greatest_jump(0), None);
        t.push(1.0, &[1.0, 1.0, 0.5, 0.0]);
        t.push(1.0, &[2.0, 0.0, -0.5, 0.0]);
        assert_eq!(t.greatest_jump(0), Some(Jump { time: 2.0, output: 1, order: 0, size: -1.0 }));
        assert_eq!(t.greatest_jump(1), Some(Jump { time: 2.0, output: 0, order: 1, size: -1.0 }));
    }
}

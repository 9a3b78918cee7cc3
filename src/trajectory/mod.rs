//! Piecewise polynomials, one per flat output with common knots: value, derivatives, extrema,
//! cut, join, sample. Imports nothing of flatout.

mod edit;
mod extrema;

pub use edit::{Jump, shift};
pub(crate) use extrema::bernstein;
pub use extrema::{Extrema, MAX_DEGREE, Roots, extrema, keeps_between, magnitude_bound};

/// A trajectory of `dof` flat outputs over [0, duration], seconds.
///
/// Every segment holds one polynomial per output, all of the same degree, in ascending powers of
/// the time since the segment began.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    dof: usize,
    degree: usize,
    /// Durations of the segments, seconds. Kept beside the knots, whose differences are rounded, so
    /// that every segment ends exactly where its maker meant it to.
    durations: Vec<f64>,
    /// Times of the knots, seconds: `knots[0] = 0`, one more than there are segments.
    knots: Vec<f64>,
    /// `[segment][output][power]`.
    coefficients: Vec<f64>,
}

/// One polynomial piece of a [`Trajectory`].
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Number of flat outputs.
    pub dof: usize,
    /// Degree of the polynomials.
    pub degree: usize,
    /// Duration, seconds.
    pub duration: f64,
    /// `[output][power]`, ascending.
    pub coefficients: &'a [f64],
}

impl Trajectory {
    /// An empty trajectory (duration 0, no segment).
    pub fn new(dof: usize, degree: usize) -> Self {
        Self { dof, degree, durations: Vec::new(), knots: vec![0.0], coefficients: Vec::new() }
    }

    /// Appends a segment: `coefficients` is `[output][power]`, ascending powers of local time.
    ///
    /// # Panics
    /// If there is not one polynomial per output.
    pub fn push(&mut self, duration: f64, coefficients: &[f64]) {
        assert_eq!(coefficients.len(), self.dof * (self.degree + 1), "one polynomial per output");
        self.durations.push(duration);
        self.knots.push(self.duration() + duration);
        self.coefficients.extend_from_slice(coefficients);
    }

    /// Removes all segments, keeping the memory.
    pub fn clear(&mut self) {
        self.durations.clear();
        self.knots.truncate(1);
        self.coefficients.clear();
    }

    /// Number of flat outputs.
    pub fn dof(&self) -> usize {
        self.dof
    }

    /// Degree of the polynomials.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Duration, seconds.
    pub fn duration(&self) -> f64 {
        self.knots[self.knots.len() - 1]
    }

    /// Times at which segments begin, and the end, seconds.
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// Number of segments.
    pub fn len(&self) -> usize {
        self.durations.len()
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The `i`th segment.
    pub fn segment(&self, i: usize) -> Segment<'_> {
        let stride = self.dof * (self.degree + 1);
        Segment {
            dof: self.dof,
            degree: self.degree,
            duration: self.durations[i],
            coefficients: &self.coefficients[i * stride..(i + 1) * stride],
        }
    }

    /// All segments in order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> {
        (0..self.len()).map(|i| self.segment(i))
    }

    /// Segment and local time of `t`, which is clamped to the trajectory. Panics where that is
    /// empty.
    pub fn locate(&self, t: f64) -> (usize, f64) {
        let after = self.knots.partition_point(|&knot| knot <= t);
        let i = after.saturating_sub(1).min(self.len().saturating_sub(1));
        (i, (t - self.knots[i]).clamp(0.0, self.durations[i]))
    }

    /// Writes the `order`th derivative of all outputs at time `t` (0: values) to `out`, length `dof`.
    pub fn evaluate(&self, t: f64, order: usize, out: &mut [f64]) {
        let (i, local) = self.locate(t);
        self.segment(i).evaluate(local, order, out);
    }

    /// Times from 0 to the duration, equally spaced, at most `step` > 0 apart (but never more than
    /// a thousand million).
    pub fn sample_times(&self, step: f64) -> impl ExactSizeIterator<Item = f64> + use<> {
        let duration = self.duration();
        let steps = (duration / step).ceil().min(1e9);
        // The last quotient is 1, so the last time is the duration itself.
        let time = move |i| if i == 0 { 0.0 } else { duration * (f64::from(i) / steps) };
        (0..steps as u32 + 1).map(time)
    }

    /// Times of all knots, and others in equal steps between them: at most `step` > 0, but no smaller than it takes
    /// for ten million of them to cover the duration.
    pub fn sample_times_with_knots(&self, step: f64) -> Vec<f64> {
        /// As doubles they take 80 MB.
        const MOST: f64 = 1e7;
        // Also where the step is no number.
        let step = step.max(self.duration() / MOST);
        let mut times = vec![0.0];
        for (segment, start) in self.segments().zip(self.knots()) {
            let steps = (segment.duration / step).ceil().max(1.0);
            let inner = (1..steps as u32).map(|i| start + segment.duration * (f64::from(i) / steps));
            times.extend(inner);
            times.push(start + segment.duration);
        }
        times.dedup();
        times
    }
}

impl<'a> Segment<'a> {
    /// Coefficients of one output, ascending powers.
    pub fn polynomial(&self, output: usize) -> &'a [f64] {
        let stride = self.degree + 1;
        &self.coefficients[output * stride..(output + 1) * stride]
    }

    /// Writes the `order`th derivative of all outputs at local time `t` to `out`, length `dof`.
    pub fn evaluate(&self, t: f64, order: usize, out: &mut [f64]) {
        for (output, value) in out.iter_mut().enumerate() {
            *value = derivative(self.polynomial(output), order, t);
        }
    }
}

/// The `order`th derivative at `t` of the polynomial with ascending `coefficients` (Horner).
#[inline]
pub fn derivative(coefficients: &[f64], order: usize, t: f64) -> f64 {
    let mut value = 0.0;
    for (power, c) in coefficients.iter().enumerate().skip(order).rev() {
        value = value * t + falling_factorial(power, order) * c;
    }
    value
}

/// The cubic with given values and slopes at both ends of a duration.
pub fn cubic(t: f64, p: [f64; 2], v: [f64; 2]) -> [f64; 4] {
    let mean = (p[1] - p[0]) / t;
    [p[0], v[0], (3.0 * mean - 2.0 * v[0] - v[1]) / t, (v[0] + v[1] - 2.0 * mean) / (t * t)]
}

/// `power` (`power` - 1) ... of `order` factors: what deriving a power so often brings down.
#[inline]
pub(crate) fn falling_factorial(power: usize, order: usize) -> f64 {
    match order {
        0 => 1.0,
        1 => power as f64,
        2 => (power * (power - 1)) as f64,
        _ => (power + 1 - order..=power).map(|k| k as f64).product(),
    }
}

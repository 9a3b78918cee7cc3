//! Batches of edges.

use super::polynomial::{MAX_DEGREE, coefficient_stride, smooth_step, speeds};
use super::samples::sample_share;
use crate::trajectory::Trajectory;
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// Edges to check: polynomial trajectories of one or more segments, all of one degree. Those of a
/// a nonholonomic vehicle are paths over any parameter, at whose time they fail if they do.
#[derive(Clone, Debug)]
pub struct EdgeBatch {
    pub(super) dof: usize,
    degree: usize,
    heads: Vec<EdgeHead>,
    /// Duration of each segment, seconds.
    durations: Vec<f32>,
    /// `[segment][output][coefficient_stride]`, ascending powers of local time.
    coefficients: Vec<f32>,
}

/// Where an edge's segments are, and how it is sampled.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct EdgeHead {
    /// First segment.
    pub first: u32,
    /// Number of segments.
    pub segments: u32,
    /// Duration of the whole edge, seconds.
    pub duration: f32,
    /// 1 where it runs from rest to rest along a straight line, else 0.
    pub at_rest: u32,
}

/// One edge of an [`EdgeBatch`].
#[derive(Clone, Copy, Debug)]
pub struct Edge<'a> {
    /// Duration of the whole edge, seconds.
    pub duration: f32,
    /// Whether it runs from rest to rest along a straight line.
    pub at_rest: bool,
    /// Duration of each segment, seconds.
    pub durations: &'a [f32],
    /// `[segment][output][coefficient_stride]`.
    pub coefficients: &'a [f32],
    /// Degree of the polynomials: 3, 5 or 7.
    pub degree: usize,
}

impl EdgeBatch {
    /// An empty batch of edges of `dof` flat outputs ([`Mechanism::flat_dof`](crate::robot::Mechanism::flat_dof)), whose polynomials are of `degree` 3, 5 or 7, as
    /// steering of order 2, 3 or 4 makes them.
    ///
    /// # Panics
    /// If the degree is another.
    pub fn new(dof: usize, degree: usize) -> Self {
        assert!(matches!(degree, 3 | 5 | MAX_DEGREE), "edges are cubics, quintics or septics");
        Self { dof, degree, heads: Vec::new(), durations: Vec::new(), coefficients: Vec::new() }
    }

    /// Degree of the polynomials.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Removes all edges, keeping the memory.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.durations.clear();
        self.coefficients.clear();
    }

    /// Number of edges.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Appends the rest-to-rest edge between two positions, a straight line: every output follows
    /// the [`smooth_step`] of the batch's degree.
    ///
    /// # Panics
    /// If a position does not hold one value per output.
    pub fn push_at_rest(&mut self, from: &[f64], to: &[f64], duration: f64) {
        assert!(from.len() == self.dof && to.len() == self.dof, "one value per output");
        self.head(1, duration, true);
        self.durations.push(duration as f32);
        let rate = if duration > 0.0 { 1.0 / duration } else { 0.0 };
        let mut shares = [0.0; MAX_DEGREE + 1];
        let mut power = 1.0;
        for (share, step) in shares.iter_mut().zip(smooth_step(self.degree)) {
            *share = step * power;
            power *= rate;
        }
        let stride = coefficient_stride(self.degree);
        for (&a, &b) in from.iter().zip(to) {
            let d = b - a;
            self.coefficients.push(a as f32);
            self.coefficients.extend(shares[1..stride].iter().map(|share| (share * d) as f32));
        }
    }

    /// Appends an edge of one segment: `coefficients` is `[output][degree + 1]`, ascending powers.
    ///
    /// # Panics
    /// If it is not one polynomial per output, of no higher degree than the batch's.
    pub fn push(&mut self, duration: f64, coefficients: &[f64]) {
        self.head(1, duration, false);
        self.segment(duration, coefficients);
    }

    /// Appends a whole trajectory, of the batch's degree or a lower one, as one edge.
    ///
    /// # Panics
    /// If its degree is higher, or it is empty.
    pub fn push_trajectory(&mut self, trajectory: &Trajectory) {
        assert!(!trajectory.is_empty(), "an edge has a segment");
        self.head(trajectory.len(), trajectory.duration(), false);
        for segment in trajectory.segments() {
            self.segment(segment.duration, segment.coefficients);
        }
    }

    fn head(&mut self, segments: usize, duration: f64, at_rest: bool) {
        self.heads.push(EdgeHead {
            first: self.durations.len() as u32,
            segments: segments as u32,
            duration: duration as f32,
            at_rest: u32::from(at_rest),
        });
    }

    fn segment(&mut self, duration: f64, coefficients: &[f64]) {
        self.durations.push(duration as f32);
        let terms = coefficients.len() / self.dof;
        assert!(
            coefficients.len() == terms * self.dof && terms <= self.degree + 1,
            "one polynomial per output, of no higher degree"
        );
        let stride = coefficient_stride(self.degree);
        if terms == stride {
            self.coefficients.extend(coefficients.iter().map(|&c| c as f32));
            return;
        }
        for polynomial in coefficients.chunks_exact(terms) {
            self.coefficients.extend(polynomial.iter().map(|&c| c as f32));
            self.coefficients.extend(std::iter::repeat_n(0.0, stride - terms));
        }
    }

    /// A range of the edges, as a batch of their own.
    #[must_use]
    pub fn part(&self, edges: Range<usize>) -> Self {
        let mut heads = self.heads[edges].to_vec();
        let first = heads.first().map_or(0, |head| head.first);
        let end = heads.last().map_or(first, |head| head.first + head.segments);
        heads.iter_mut().for_each(|head| head.first -= first);
        let (durations, coefficients) = self.segments(first as usize..end as usize);
        let (durations, coefficients) = (durations.to_vec(), coefficients.to_vec());
        Self { dof: self.dof, degree: self.degree, heads, durations, coefficients }
    }

    /// All heads; their segments follow each other.
    pub fn heads(&self) -> &[EdgeHead] {
        &self.heads
    }

    /// Durations and coefficients of a range of segments.
    pub fn segments(&self, segments: Range<usize>) -> (&[f32], &[f32]) {
        let stride = self.dof * coefficient_stride(self.degree);
        let coefficients = segments.start * stride..segments.end * stride;
        (&self.durations[segments], &self.coefficients[coefficients])
    }

    /// The `i`th edge.
    pub fn get(&self, i: usize) -> Edge<'_> {
        let head = self.heads[i];
        let segments = head.first as usize..(head.first + head.segments) as usize;
        let stride = self.dof * coefficient_stride(self.degree);
        Edge {
            duration: head.duration,
            at_rest: head.at_rest != 0,
            durations: &self.durations[segments.clone()],
            coefficients: &self.coefficients[segments.start * stride..segments.end * stride],
            degree: self.degree,
        }
    }
}

impl<'a> Edge<'a> {
    /// Bound of how far any sphere travels over the edge (evenly along the path), or would at the
    /// speed of its fastest segment (evenly in time); `reach` is [`Packed::reach`](super::Packed::reach).
    pub(in crate::check) fn travel(&self, reach: &[f32]) -> f32 {
        let dof = reach.len();
        if self.at_rest {
            // The first power that a step has after the constant term tells the way: D = c T^k / s.
            let first = self.degree.div_ceil(2);
            let way = |(output, reach): (usize, &f32)| reach * self.polynomial(0, output, dof)[first].abs();
            let share = self.duration.powi(first as i32) / smooth_step(self.degree)[first] as f32;
            return reach.iter().enumerate().map(way).sum::<f32>() * share;
        }
        // A sum of convex functions is greatest at an end.
        let segment_speed = |(segment, &t): (usize, &f32)| {
            let (mut first, mut last) = (0.0, 0.0);
            for (output, reach) in reach.iter().enumerate() {
                let [a, b] = speeds(self.polynomial(segment, output, dof), t);
                first += reach * a;
                last += reach * b;
            }
            first.max(last)
        };
        self.durations.iter().enumerate().map(segment_speed).fold(0.0, f32::max) * self.duration
    }

    /// The polynomial of one output in one segment, ascending powers of local time, zeros after
    /// those of its degree.
    #[inline(always)]
    pub fn polynomial(&self, segment: usize, output: usize, dof: usize) -> &'a [f32] {
        let stride = coefficient_stride(self.degree);
        let at = (segment * dof + output) * stride;
        &self.coefficients[at..at + stride]
    }

    /// Segment that holds time `t`, and the time since it began.
    pub fn locate(&self, t: f32) -> (usize, f32) {
        let (segment, begin) = self.locate_from((0, 0.0), t);
        (segment, (t - begin).min(self.durations[segment]))
    }

    /// Segment that holds time `t`, and when it begins, given those of an earlier time.
    pub fn locate_from(&self, (mut segment, mut begin): (usize, f32), t: f32) -> (usize, f32) {
        while segment + 1 < self.durations.len() && t - begin > self.durations[segment] {
            begin += self.durations[segment];
            segment += 1;
        }
        (segment, begin)
    }

    /// The time of sample number `sample` of a rake; the samples of a rake stand far apart.
    pub fn sample_time(&self, rake: usize, sample: usize, rakes: usize) -> f32 {
        self.duration * sample_share(rake, sample, rakes, self.at_rest.then_some(self.degree))
    }
}

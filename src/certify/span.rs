//! Spans of time that proofs are made on. Imports `trajectory`.

use super::options::floor;
use crate::trajectory::Trajectory;
use std::ops::Range;

/// Whole segments, or a part (local times) of a single one.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) segments: Range<usize>,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Span {
    pub(super) fn of(trajectory: &Trajectory, segments: Range<usize>) -> Self {
        let to = trajectory.knots()[segments.end] - trajectory.knots()[segments.end - 1];
        Self { segments, from: 0.0, to }
    }

    /// The segment and local time of its middle, and half its duration.
    pub(super) fn middle(&self, trajectory: &Trajectory) -> (usize, f64, f64) {
        let Range { start, end } = self.segments;
        if end - start == 1 {
            return (start, 0.5 * (self.from + self.to), 0.5 * (self.to - self.from));
        }
        let knots = trajectory.knots();
        let middle = 0.5 * (knots[start] + knots[end]);
        let (segment, local) = trajectory.locate(middle);
        (segment, local, 0.5 * (knots[end] - knots[start]))
    }

    /// When it begins.
    pub(super) fn begin(&self, trajectory: &Trajectory) -> f64 {
        trajectory.knots()[self.segments.start] + self.from
    }

    pub(super) fn is_floor(&self, trajectory: &Trajectory) -> bool {
        self.segments.len() == 1 && self.to - self.from <= floor(trajectory)
    }

    /// Pushes parts of about equal duration, the earliest last: cut at knots, or a single segment
    /// anywhere. `list` goes with each.
    pub(super) fn divide(
        &self,
        trajectory: &Trajectory,
        parts: usize,
        list: &Range<usize>,
        spans: &mut Vec<(Self, Range<usize>)>,
    ) {
        let Range { start, end } = self.segments;
        if end - start == 1 {
            let cut = |k: usize| self.from + (self.to - self.from) * (k as f64 / parts as f64);
            for k in (0..parts).rev() {
                let to = if k + 1 == parts { self.to } else { cut(k + 1) };
                spans.push((Self { from: cut(k), to, ..self.clone() }, list.clone()));
            }
            return;
        }
        let knots = trajectory.knots();
        let mut after = end;
        for k in (0..parts).rev() {
            let time = knots[start] + (knots[end] - knots[start]) * (k as f64 / parts as f64);
            let next = knots.partition_point(|&knot| knot <= time).clamp(start + 1, end);
            let nearer = time - knots[next - 1] < knots[next] - time;
            // The last two parts hold a segment at least each, the others may be empty.
            let least = if k == 0 { start } else { start + 1 };
            let cut = if k == 0 {
                start
            } else if nearer {
                next - 1
            } else {
                next
            }
            .clamp(least, end - 1);
            if cut < after {
                spans.push((Self::of(trajectory, cut..after), list.clone()));
                after = cut;
            }
        }
    }
}

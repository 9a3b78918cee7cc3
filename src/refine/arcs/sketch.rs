//! The arcs of constant steering that a route is about. Imports `steer`.

use super::chain::{Arc, CarTrailerState, Train};
use crate::steer::{Curve, DriveDirection};

/// Length of an arc, and the most that it may be, in hitch lengths; and the most arcs between two cusps, and in
/// all.
const LENGTH: f64 = 0.4;
const LONGEST: f64 = 2.5;
const MOST_ARCS: usize = 6;
const MOST_IN_ALL: usize = 48;

/// Samples of a curve by which it is measured.
const CELLS: usize = 16;

/// The arcs that curves are about: between cusps of equal length, and as sharp in the mean as the curves;
/// `None` where they turn on the spot, go farther than that makes sense, or to and fro too often.
pub(super) fn arcs_of(curves: &[Curve], train: &Train) -> Option<Vec<Arc>> {
    let mut arcs = Vec::new();
    for run in curves.chunk_by(|a, b| a.direction == b.direction) {
        if run[0].direction == DriveDirection::Pivot {
            return None;
        }
        let marks = marks(run, train.hitch_length);
        let way = marks[marks.len() - 1][0];
        let count = ((way / (LENGTH * train.hitch_length)).ceil() as usize).clamp(1, MOST_ARCS);
        let length = run[0].direction.sign() * way / (count as f64 * train.hitch_length);
        if length.abs() > LONGEST {
            return None;
        }
        let heading = |i: usize| heading_at(&marks, way * i as f64 / count as f64);
        arcs.extend((0..count).map(|i| {
            let turned = heading(i + 1) - heading(i);
            let bend = turned / (length * train.hitch_length * train.sharpest);
            Arc { bend: bend.clamp(-1.0, 1.0), length }
        }));
    }
    (arcs.len() <= MOST_IN_ALL).then_some(arcs)
}

/// How far the car has gone along curves of one direction, metres, and its heading there.
fn marks(run: &[Curve], hitch_length: f64) -> Vec<[f64; 2]> {
    let mut marks: Vec<[f64; 2]> = Vec::with_capacity(run.len() * CELLS + 1);
    let (mut way, mut turns) = (0.0, 0.0);
    for curve in run {
        let mut rate_before = 0.0;
        for i in 0..=CELLS {
            let u = i as f64 / CELLS as f64;
            let at = CarTrailerState::of(&curve.stance(u), hitch_length);
            // The car's path is longer than the trailer's.
            let rate = curve.stretch(u) / at.hitch.cos();
            if i > 0 {
                way += 0.5 * (rate_before + rate) / CELLS as f64;
            } else if let Some(mark) = marks.last() {
                // Guides of two curves may differ by whole turns.
                turns = mark[1] - at.heading;
            }
            if i > 0 || marks.is_empty() {
                marks.push([way, at.heading + turns]);
            }
            rate_before = rate;
        }
    }
    marks
}

/// The heading where the car has gone so far.
fn heading_at(marks: &[[f64; 2]], way: f64) -> f64 {
    let after = marks.partition_point(|mark| mark[0] < way).clamp(1, marks.len() - 1);
    let [[a, from], [b, to]] = [marks[after - 1], marks[after]];
    from + (to - from) * (way - a) / (b - a)
}

#[cfg(test)]
mod tests {
    use super::super::chain::tests::TRAIN;
    use super::*;
    use crate::steer::PathState;
    use std::f64::consts::TAU;

    /// A trailer that follows a circle has its car on another.
    #[test]
    fn circles_are_arcs_of_one_steering_angle() {
        let hitch = 0.4_f64;
        let radius = TRAIN.hitch_length / hitch.tan();
        let at = |angle: f64, turns: f64| PathState {
            place: [radius * angle.sin(), radius * (1.0 - angle.cos()), 0.0],
            heading: angle + turns * TAU,
            curvature: Some(radius.recip()),
            ..PathState::default()
        };
        let curve = |from: PathState, to: PathState| {
            let length = radius * (to.heading - from.heading);
            let curve = Curve::join(&from, &to, DriveDirection::Forward, [length; 2], false).unwrap();
            curve.with_heading_reference().unwrap()
        };
        // The second curve's guide begins a turn later.
        let curves = [curve(at(0.0, 0.0), at(0.4, 0.0)), curve(at(0.4, 1.0), at(1.0, 1.0))];
        let arcs = arcs_of(&curves, &TRAIN).unwrap();
        let way: f64 = arcs.iter().map(|arc| arc.length * TRAIN.hitch_length).sum();
        assert!((way - radius / hitch.cos()).abs() < 1e-3, "{way}");
        for arc in &arcs {
            assert!((arc.bend * TRAIN.sharpest - hitch.sin() / TRAIN.hitch_length).abs() < 1e-2, "{arc:?}");
        }
    }
}

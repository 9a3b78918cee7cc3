//! Which balls to start from: a set cover of the cells by balls on the medial axis.
//!
//! A ball that reaches at most `t` beyond a solid may have the radius `d + t` where its centre is
//! `d` deep. Moving the centre away from the nearest point of the surface makes it deeper by as
//! much as it moves, so the new ball holds the old one, until the centre is on the medial axis:
//! only centres there are worth looking at (as in Bradshaw, O'Sullivan, "Adaptive medial-axis
//! approximation for sphere-tree construction", ACM Trans. Graphics 2004). How many balls an
//! excess of `t` takes is a set cover problem; the least `t` that a number of balls can do is
//! found by bisection.

use super::body::CoverBody;
use super::cells::Cells;
use super::set_cover::{Bits, SetCover};
use crate::stop::Stop;
use glam::DVec3;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Steps of bisection for the least excess; each halves the interval.
const BISECTIONS: usize = 10;

/// An excess larger by this factor is accepted where it needs fewer balls: planners pay for each.
const WORTHWHILE: f32 = 1.1;

/// Rounds of the shrinking ball; Ma et al. report that about five suffice.
const SHRINKS: usize = 16;

/// A ball that would shrink by less than this fraction has converged.
const CONVERGED: f64 = 1e-6;

/// Candidate centres, and how far each would reach beyond the solid if it were to hold a cell.
pub(super) struct Candidates {
    centers: Vec<DVec3>,
    cells: usize,
    /// Metres: by candidate, then by cell.
    excess: Vec<f32>,
    /// The least excess with which any ball can hold each cell, metres.
    least: Vec<f32>,
    /// Orders in which to look for balls for the cells.
    orders: Vec<Vec<usize>>,
    stop: Stop,
}

/// What has been chosen from the candidates.
pub(super) struct Choice {
    pub(super) centers: Vec<DVec3>,
    /// Whether smaller cells could do with less excess and still with no more balls than allowed.
    pub(super) limited_by_cells: bool,
}

impl Candidates {
    /// At most `limit` centres on the medial axis, and that of the bounding box.
    pub(super) fn new(body: &CoverBody, cells: &Cells, limit: usize) -> Self {
        let ball = |&[point, normal]: &[DVec3; 2]| shrinking_ball(body, point, normal);
        let mut centers: Vec<DVec3> =
            cells.patches.iter().take_while(|_| !body.is_late()).map(ball).collect();
        let mut spacing = cells.step.max_element() / 4.0;
        while centers.len() > limit && !body.is_late() {
            centers = thinned(body, &centers, spacing);
            spacing *= 1.2;
        }
        let [low, high] = body.surface().bounds();
        centers.push((low + high) / 2.0);
        let mut excess = Vec::with_capacity(centers.len() * cells.len());
        for &c in centers.iter().take_while(|_| !body.is_late()) {
            let out = body.signed_distance(c);
            excess.extend((0..cells.len()).map(|k| (cells.farthest(k, c) + out) as f32));
        }
        let rows = excess.chunks_exact(cells.len());
        let least = rows.fold(vec![f32::INFINITY; cells.len()], |mut least, row| {
            least.iter_mut().zip(row).for_each(|(l, &e)| *l = l.min(e));
            least
        });
        let mut orders = sweeps(cells);
        orders.push(sorted(&least, |a, b| b.total_cmp(a)));
        Self { centers, cells: cells.len(), excess, least, orders, stop: body.stop().clone() }
    }

    /// The fewest centres found whose balls hold all cells with an excess of `tolerance` (metres)
    /// or, where that takes more than `limit` balls, with about the least excess that does not.
    pub(super) fn choose(&self, limit: usize, tolerance: f64) -> Choice {
        let possible = self.least.iter().copied().fold(tolerance as f32, f32::max);
        let (excess, mut chosen) = self.least_excess(limit, possible);
        let accepted = if excess > tolerance as f32 { excess * WORTHWHILE } else { excess };
        let fewer = self.balls(accepted).fewest(1);
        if fewer.len() <= chosen.len() {
            chosen = fewer;
        }
        let limited_by_cells = excess == possible && possible > tolerance as f32;
        Choice { centers: chosen.into_iter().map(|c| self.centers[c]).collect(), limited_by_cells }
    }

    /// The least excess, but no less than `low`, with which at most `limit` balls were found to hold
    /// all cells, and those balls.
    fn least_excess(&self, limit: usize, mut low: f32) -> (f32, Vec<usize>) {
        let within_limit = |t| Some(self.balls(t).fewest(limit)).filter(|chosen| chosen.len() <= limit);
        if let Some(chosen) = within_limit(low) {
            return (low, chosen);
        }
        let mut high = self.single_ball_excess();
        let mut best = self.balls(high).fewest(1);
        for _ in 0..BISECTIONS {
            if self.stop.is_due() {
                break;
            }
            let middle = (low + high) / 2.0;
            match within_limit(middle) {
                Some(chosen) => (high, best) = (middle, chosen),
                None => low = middle,
            }
        }
        (high, best)
    }

    /// The least excess with which one ball can hold all cells.
    fn single_ball_excess(&self) -> f32 {
        let rows = self.excess.chunks_exact(self.cells);
        rows.map(|row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max)).fold(f32::INFINITY, f32::min)
    }

    /// Which cells each candidate's ball holds with an excess of `t`.
    fn balls(&self, t: f32) -> SetCover<'_> {
        let rows = self.excess.chunks_exact(self.cells);
        SetCover::new(rows.map(|row| Bits::passing(row, |e| e <= t)).collect(), &self.orders, &self.stop)
    }
}

/// Cells from one end of the solid to the other, along each axis and both ways.
fn sweeps(cells: &Cells) -> Vec<Vec<usize>> {
    let along = |direction: DVec3| {
        let heights: Vec<f64> = (0..cells.len()).map(|k| cells.center(k).dot(direction)).collect();
        sorted(&heights, f64::total_cmp)
    };
    DVec3::AXES.iter().flat_map(|&axis| [along(axis), along(-axis)]).collect()
}

/// Indices in the order of their keys.
fn sorted<K>(keys: &[K], compare: impl Fn(&K, &K) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| compare(&keys[a], &keys[b]));
    order
}

/// Centre of the largest ball within the solid that touches the surface at `point` from inside
/// (Ma, Bae, Choi, "3D medial axis point approximation using nearest neighbors and the normal
/// field", The Visual Computer 2012).
fn shrinking_ball(body: &CoverBody, point: DVec3, normal: DVec3) -> DVec3 {
    let mut radius = body.size() / 2.0;
    for _ in 0..SHRINKS {
        let chord = point - body.surface().nearest(point - normal * radius);
        // The ball through both ends of the chord that touches the surface at `point`.
        let smaller = chord.length_squared() / (2.0 * normal.dot(chord));
        let too_close = chord.length() < CONVERGED * body.size();
        // The negation also holds where the division gave no number.
        let shrinks = smaller > 0.0 && smaller < radius * (1.0 - CONVERGED);
        if too_close || !shrinks {
            break;
        }
        radius = smaller;
    }
    point - normal * radius
}

/// The deepest of the points in each cube of edge `spacing`.
fn thinned(body: &CoverBody, points: &[DVec3], spacing: f64) -> Vec<DVec3> {
    let mut kept: BTreeMap<[i64; 3], (f64, DVec3)> = BTreeMap::new();
    for &p in points {
        let out = body.signed_distance(p);
        let cube = (p / spacing).floor().to_array().map(|x| x as i64);
        let deepest = kept.entry(cube).or_insert((out, p));
        if out < deepest.0 {
            *deepest = (out, p);
        }
    }
    kept.into_values().map(|(_, p)| p).collect()
}

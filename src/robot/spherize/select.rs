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
use super::set_cover::{Bits, Effort, SetCover};
use crate::stop::Stop;
use glam::DVec3;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Patches of the surface that are looked at for each centre that is kept.
const PATCHES_PER_CENTER: usize = 4;

/// Rounds of the shrinking ball; Ma et al. report that about five suffice.
const SHRINKS: usize = 16;

/// A ball that would shrink by less than this fraction has converged.
const CONVERGED: f64 = 1e-6;

/// Candidate centres, and by how much the ball about each would exceed its room if it were to hold a cell.
pub(super) struct Candidates {
    centers: Vec<DVec3>,
    cells: usize,
    /// Metres: by candidate, then by cell.
    excess: Vec<f32>,
    /// The least of these that any ball can hold each cell with, metres.
    least: Vec<f32>,
    /// Orders in which to look for balls for the cells.
    orders: Vec<Vec<usize>>,
    stop: Stop,
}

impl Candidates {
    /// At most `limit` centres on the medial axis, and that of the bounding box of the cells, with the depth
    /// of each for its room: then balls are judged by how far they reach beyond the solid.
    pub(super) fn new(body: &CoverBody, cells: &Cells, limit: usize) -> Self {
        Self::with_room(body, cells, limit, |c| -body.signed_distance(c))
    }

    /// The same with another room: the radius that a ball about a centre may have, metres.
    pub(super) fn with_room(body: &CoverBody, cells: &Cells, limit: usize, room: impl Fn(DVec3) -> f64) -> Self {
        // Neighbouring patches lead to about the same centre: some of each neighbourhood are enough.
        let skip = (cells.patches.len() / (PATCHES_PER_CENTER * limit)).max(1);
        let patches = cells.patches.iter().step_by(skip).take_while(|_| !body.is_late());
        let balls: Vec<(f64, DVec3)> = patches.map(|&[p, normal]| shrinking_ball(body, p, normal)).collect();
        let mut centers = thinned(&balls, limit, cells.step.max_element() / 4.0);
        centers.push((cells.bounds_of_all()[0] + cells.bounds_of_all()[1]) / 2.0);
        let mut excess = Vec::with_capacity(centers.len() * cells.len());
        for &c in centers.iter().take_while(|_| !body.is_late()) {
            let room = room(c);
            excess.extend((0..cells.len()).map(|k| (cells.farthest(k, c) - room) as f32));
        }
        let rows = excess.chunks_exact(cells.len().max(1));
        let least = rows.fold(vec![f32::INFINITY; cells.len()], |mut least, row| {
            least.iter_mut().zip(row).for_each(|(l, &e)| *l = l.min(e));
            least
        });
        let mut orders = sweeps(cells);
        orders.push(sorted(&least, |a, b| b.total_cmp(a)));
        Self { centers, cells: cells.len(), excess, least, orders, stop: body.stop().clone() }
    }

    /// The fewest centres found whose balls hold all cells, each cell with an excess of at most `tolerance`
    /// (metres), or the least that any ball can hold it with.
    pub(super) fn fewest(&self, tolerance: f64, effort: Effort) -> Vec<DVec3> {
        let bounds: Vec<f32> = self.least.iter().map(|least| least.max(tolerance as f32)).collect();
        let rows = self.excess.chunks_exact(self.cells.max(1));
        let held = |row: &[f32]| Bits::passing_with(row, &bounds, |e, bound| e <= bound);
        let cover = SetCover::new(rows.map(held).collect(), &self.orders, &self.stop);
        cover.fewest(effort).into_iter().map(|c| self.centers[c]).collect()
    }

    /// The least excess with which one ball can hold all cells, metres.
    pub(super) fn single_ball_excess(&self) -> f64 {
        let rows = self.excess.chunks_exact(self.cells.max(1));
        let worst = |row: &[f32]| row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        rows.map(worst).fold(f32::INFINITY, f32::min).into()
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

/// Radius and centre of the largest ball within the solid that touches the surface at `point` from inside
/// (Ma, Bae, Choi, "3D medial axis point approximation using nearest neighbors and the normal
/// field", The Visual Computer 2012).
fn shrinking_ball(body: &CoverBody, point: DVec3, normal: DVec3) -> (f64, DVec3) {
    let mut radius = body.size() / 2.0;
    for _ in 0..SHRINKS {
        // The point itself is that far from the centre.
        let reach = radius * (1.0 - CONVERGED);
        let Some(nearest) = body.surface().nearest_within(point - normal * radius, reach) else { break };
        let chord = point - nearest;
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
    (radius, point - normal * radius)
}

/// Centres of at most `limit` balls: the largest in each cube, of an edge of `spacing` or more.
fn thinned(balls: &[(f64, DVec3)], limit: usize, mut spacing: f64) -> Vec<DVec3> {
    loop {
        let mut kept: BTreeMap<[i64; 3], (f64, DVec3)> = BTreeMap::new();
        for &(radius, center) in balls {
            let cube = (center / spacing).floor().to_array().map(|x| x as i64);
            let largest = kept.entry(cube).or_insert((radius, center));
            if radius > largest.0 {
                *largest = (radius, center);
            }
        }
        if kept.len() <= limit {
            return kept.into_values().map(|(_, center)| center).collect();
        }
        spacing *= 1.2;
    }
}

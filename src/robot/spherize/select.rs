//! Which balls to start from: a set cover of the cells by balls on the medial axis.
//!
//! A ball about `c` that reaches no more than `t` beyond a solid of which `c` is `d` deep may have
//! the radius `d + t`. Moving `c` away from the nearest point of the surface makes it deeper by as
//! much as it moves, so the new ball holds the old one, until `c` is on the medial axis: only
//! centres there are worth looking at (as in Bradshaw, O'Sullivan, "Adaptive medial-axis
//! approximation for sphere-tree construction", ACM Trans. Graphics 2004). For a given `t` the
//! fewest such balls are sought by the greedy rule for set cover, which is within a factor of
//! ln(number of cells) of the best (Chvatal, "A greedy heuristic for the set-covering problem",
//! Math. Oper. Res. 1979); the smallest `t` that a number of balls can do is found by bisection.

use super::body::Body;
use super::cells::Cells;
use glam::DVec3;
use std::collections::BTreeMap;

/// Steps of bisection for the smallest excess; each halves the interval.
const BISECTIONS: usize = 12;

/// Rounds of the shrinking ball; Ma et al. report that about five suffice.
const SHRINKS: usize = 16;

/// Candidate centres and what each would have to exceed the solid by to hold each cell.
pub(super) struct Candidates {
    centers: Vec<DVec3>,
    cells: usize,
    /// `excess[c * cells + k]`: by how much the ball about centre `c` that holds cell `k` may reach beyond the
    /// solid, metres.
    excess: Vec<f32>,
}

impl Candidates {
    /// At most `limit` centres on the medial axis.
    pub(super) fn new(body: &Body, cells: &Cells, limit: usize) -> Self {
        let mut medial: Vec<DVec3> =
            cells.patches.iter().map(|&[point, normal]| shrinking_ball(body, point, normal)).collect();
        let mut spacing = cells.step.min_element().max(cells.step.max_element() / 4.0) / 2.0;
        while medial.len() > limit {
            medial = thinned(body, &medial, spacing);
            spacing *= 1.25;
        }
        let mut excess = Vec::with_capacity(medial.len() * cells.len());
        for &c in &medial {
            let out = body.signed_distance(c);
            excess.extend((0..cells.len()).map(|k| (cells.farthest(k, c) + out) as f32));
        }
        Self { centers: medial, cells: cells.len(), excess }
    }

    /// Centres of at most `limit` balls that together hold all cells, if they may reach as far beyond the solid
    /// as they must; no fewer than `tolerance` (metres) allows.
    pub(super) fn choose(&self, limit: usize, tolerance: f64) -> Vec<DVec3> {
        let (mut low, mut high) = (tolerance as f32, self.single_ball_excess());
        let mut best = self.cover(high, 1).unwrap_or_default();
        if let Some(chosen) = self.cover(low, limit) {
            best = chosen;
        } else {
            for _ in 0..BISECTIONS {
                let middle = (low + high) / 2.0;
                match self.cover(middle, limit) {
                    Some(chosen) => (best, high) = (chosen, middle),
                    None => low = middle,
                }
            }
        }
        best.into_iter().map(|c| self.centers[c]).collect()
    }

    /// The least excess that one ball can do with.
    fn single_ball_excess(&self) -> f32 {
        let rows = self.excess.chunks_exact(self.cells);
        rows.map(|row| row.iter().copied().fold(f32::NEG_INFINITY, f32::max)).fold(f32::INFINITY, f32::min)
    }

    /// At most `limit` centres whose balls hold all cells with an excess of at most `t`.
    fn cover(&self, t: f32, limit: usize) -> Option<Vec<usize>> {
        let sets: Vec<Vec<u64>> = self.excess.chunks_exact(self.cells).map(|row| bits(row, t)).collect();
        let mut open = vec![u64::MAX; self.cells.div_ceil(64)];
        if !self.cells.is_multiple_of(64) {
            *open.last_mut()? = (1 << (self.cells % 64)) - 1;
        }
        let mut chosen = Vec::new();
        while open.iter().any(|&w| w != 0) {
            let gain = |set: &Vec<u64>| set.iter().zip(&open).map(|(s, o)| (s & o).count_ones()).sum::<u32>();
            let gains = sets.iter().map(gain).enumerate();
            let (best, gain) = gains.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
            if gain == 0 || chosen.len() == limit {
                return None;
            }
            open.iter_mut().zip(&sets[best]).for_each(|(o, s)| *o &= !s);
            chosen.push(best);
        }
        Some(chosen)
    }
}

/// One bit per entry: whether it is at most `t`.
fn bits(row: &[f32], t: f32) -> Vec<u64> {
    row.chunks(64).map(|word| word.iter().rev().fold(0, |bits, &e| bits << 1 | u64::from(e <= t))).collect()
}

/// Centre of the largest ball within the solid that touches the surface at `point` from inside
/// (Ma, Bae, Choi, "3D medial axis point approximation using nearest neighbors and the normal
/// field", The Visual Computer 2012).
fn shrinking_ball(body: &Body, point: DVec3, normal: DVec3) -> DVec3 {
    let mut radius = body.size() / 2.0;
    for _ in 0..SHRINKS {
        let center = point - normal * radius;
        let nearest = body.surface().nearest(center);
        let chord = point - nearest;
        let next = chord.length_squared() / (2.0 * normal.dot(chord));
        // Done when nothing is nearer than `point`, which rounding may hide from the division.
        if !(next > 0.0 && next < radius * (1.0 - 1e-6))
            || chord.length_squared() < 1e-18 * body.size().powi(2)
        {
            break;
        }
        radius = next;
    }
    point - normal * radius
}

/// The deepest of all points that fall into one cube of edge `spacing`, for each such cube.
fn thinned(body: &Body, points: &[DVec3], spacing: f64) -> Vec<DVec3> {
    let mut kept: BTreeMap<[i64; 3], (f64, DVec3)> = BTreeMap::new();
    for &p in points {
        let out = body.signed_distance(p);
        let entry = kept.entry((p / spacing).floor().to_array().map(|x| x as i64)).or_insert((out, p));
        if out < entry.0 {
            *entry = (out, p);
        }
    }
    kept.into_values().map(|(_, p)| p).collect()
}

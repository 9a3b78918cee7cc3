//! Shortest paths of a ball that the body holds in whatever attitude, as a guide for the search for motions
//! of the body itself: the relaxation of lower dimension of hybrid A* (Dolgov, Thrun, Montemerlo and Diebel,
//! *Path planning for autonomous vehicles in unknown semi-structured environments*, IJRR 2010), whose cells
//! grow dearer where the search gets stuck, as in SyCLoP (Plaku, Kavraki and Vardi, *Motion planning with
//! dynamics by a synergistic combination of layers of planning*, IEEE T-RO 2010). Imports `stop`.
//!
//! The lattice is looked at lazily, by A*. An edge is taken only where the clearances of its ends, which
//! change by no more than the way between them, show that it is free all along: no wall is too thin.

use crate::stop::{Stop, Watch};
use glam::DVec3;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a metre costs against a wall, in multiples of what it costs in the open, less one.
const DEAR: f64 = 1.0;

/// What the cost of an impassable stretch is multiplied by.
const IMPASSABLE: f64 = 4.0;

/// The spacing of a finer lattice, as a share of the one before: in space it has two and a half times as many
/// places.
const FINER: f64 = 0.74;

/// Clearances must exceed the way between two places by this factor to show that it is free.
const TIGHT: f64 = 1.0 + 1e-6;

/// No parent, or not looked at yet.
const NONE: u32 = u32::MAX;

/// How much an estimate of what is left counts: the path found costs at most so many times the least, and far
/// fewer places are looked at.
const EAGERNESS: f64 = 1.5;

/// A stop is asked once in so many clearances, each of which looks at some obstacles, or places that are gone on
/// from.
const PLACES_PER_ASK: u32 = 8;

/// Distance from a place, metres, by which a ball around it stays clear.
pub type CellClearance<'a> = Box<dyn Fn(DVec3) -> f64 + 'a>;

/// A lattice of places with the costs of going from each to its neighbours.
pub struct GridHeuristic<'a> {
    clearance: CellClearance<'a>,
    /// From here on, metres, clearance is as good as any.
    ample: f64,
    start: DVec3,
    bounds: Vec<(f64, f64)>,
    /// Distance of neighbours along an axis, metres.
    spacing: f64,
    /// Number of places along each axis, and how many of them are below the start.
    counts: [usize; 3],
    below: [usize; 3],
    moves: Vec<Move>,
    /// Clearance of each place, up to `ample`; not a number where it has not been asked for.
    clearances: Vec<f64>,
    /// What the cost of each place is multiplied by.
    penalties: Vec<f64>,
}

/// From a place of the lattice to a neighbour.
#[derive(Clone, Copy, Debug)]
struct Move {
    /// Along each axis: -1, 0 or 1.
    steps: [isize; 3],
    /// Difference of the indices.
    stride: isize,
    /// The way, metres.
    way: DVec3,
    /// Its length, metres.
    length: f64,
}

/// A polyline with the length up to each of its points, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct GridPath {
    points: Vec<DVec3>,
    lengths: Vec<f64>,
}

impl<'a> GridHeuristic<'a> {
    /// A guide from `start` within the bounds of two or three axes, by no more than about `most` places at
    /// least `finest` metres apart; where clearance is below `ample` metres, ways are dearer.
    pub fn new(
        start: DVec3,
        bounds: &[(f64, f64)],
        most: usize,
        finest: f64,
        ample: f64,
        clearance: CellClearance<'a>,
    ) -> Self {
        let mut guide = Self {
            clearance,
            ample,
            start,
            bounds: bounds.to_vec(),
            spacing: Self::spacing_for(bounds, most, finest),
            counts: [1; 3],
            below: [0; 3],
            moves: Vec::new(),
            clearances: Vec::new(),
            penalties: Vec::new(),
        };
        guide.lay();
        guide
    }

    /// Lays the lattice at its spacing.
    fn lay(&mut self) {
        for (axis, &(lower, upper)) in self.bounds.iter().enumerate() {
            let steps = |way: f64| (way / self.spacing).floor().max(0.0) as usize;
            self.below[axis] = steps(self.start[axis] - lower);
            self.counts[axis] = self.below[axis] + steps(upper - self.start[axis]) + 1;
        }
        let places = self.counts.iter().product();
        // Edges are shown free by clearances of up to their length.
        self.ample = self.ample.max(2.0 * self.spacing);
        self.moves = moves(self.bounds.len(), self.counts, self.spacing);
        self.clearances = vec![f64::NAN; places];
        self.penalties = vec![1.0; places];
    }

    /// Lays a finer lattice: passages may be too narrow for this one. What was to be avoided is forgotten.
    pub fn refine(&mut self) {
        self.spacing *= FINER;
        self.lay();
    }

    /// The spacing of a lattice of about `most` places at least `finest` metres apart, metres.
    pub fn spacing_for(bounds: &[(f64, f64)], most: usize, finest: f64) -> f64 {
        let mut widths: Vec<f64> = bounds.iter().map(|(lower, upper)| upper - lower).collect();
        widths.sort_by(|a, b| b.total_cmp(a));
        // Along an axis narrower than the spacing there is one place, which then does not count.
        let spacing = (1..=widths.len()).rev().find_map(|axes| {
            let volume: f64 = widths[..axes].iter().product();
            let spacing = (volume / most as f64).powf(1.0 / axes as f64);
            (spacing > 0.0 && spacing <= widths[axes - 1]).then_some(spacing)
        });
        spacing.unwrap_or(1.0).max(finest)
    }

    /// Distance of neighbouring places along an axis, metres.
    pub fn spacing(&self) -> f64 {
        self.spacing
    }

    /// A path from the start to any of some places, by [A*] with an estimate that counts half as much again;
    /// `None` where the lattice holds none, or none is found before `stop` is due.
    ///
    /// [A*]: https://doi.org/10.1016/0004-3702(70)90007-X
    pub fn path(&mut self, goals: &[DVec3], stop: &Stop) -> Option<GridPath> {
        let mut watch = Watch::new(stop, PLACES_PER_ASK);
        let places = self.clearances.len();
        let mut frontier = Frontier::new(goals, places + goals.len());
        frontier.reach(self.index(self.below), self.start, 0.0, NONE);
        while let Some((node, cost)) = frontier.next() {
            if node >= places {
                return Some(self.trace(&frontier.parents, node, goals[node - places]));
            }
            let at = self.steps(node);
            let from = self.place(at);
            if watch.is_due(1) {
                return None;
            }
            let clear = self.known(node, from, &mut watch);
            for i in 0..self.moves.len() {
                let step = self.moves[i];
                if !(0..3).all(|k| at[k].wrapping_add_signed(step.steps[k]) < self.counts[k]) {
                    continue;
                }
                let (next, to) = (node.wrapping_add_signed(step.stride), from + step.way);
                let least = self.penalties[next] * step.length;
                if frontier.closed[next] || cost + least >= frontier.costs[next] {
                    continue;
                }
                let there = self.known(next, to, &mut watch);
                if let Some(weight) = self.weight([from, to], [clear, there], step.length) {
                    frontier.reach(next, to, cost + weight * least, node as u32);
                }
            }
            for (i, &goal) in goals.iter().enumerate() {
                let length = goal.distance(from);
                if (goal - from).abs().max_element() <= self.spacing {
                    let there = (self.clearance)(goal).min(self.ample);
                    if let Some(weight) = self.weight([from, goal], [clear, there], length) {
                        frontier.reach(places + i, goal, cost + weight * length, node as u32);
                    }
                }
            }
        }
        None
    }

    /// Makes ways near a place, within `radius` metres, dearer: the body does not pass there.
    pub fn avoid(&mut self, place: DVec3, radius: f64) {
        // In steps from the least place.
        let middle = (place - self.start) / self.spacing + DVec3::from(self.below.map(|n| n as f64));
        let reach = radius / self.spacing;
        let [xs, ys, zs] = [0, 1, 2].map(|axis| {
            let first = (middle[axis] - reach).floor().max(0.0) as usize;
            let last = (middle[axis] + reach).ceil().max(0.0) as usize;
            first..(last + 1).min(self.counts[axis])
        });
        for z in zs {
            for y in ys.clone() {
                for at in xs.clone().map(|x| [x, y, z]) {
                    if self.place(at).distance(place) < radius {
                        let node = self.index(at);
                        self.penalties[node] *= IMPASSABLE;
                    }
                }
            }
        }
    }

    fn index(&self, at: [usize; 3]) -> usize {
        (at[2] * self.counts[1] + at[1]) * self.counts[0] + at[0]
    }

    /// Steps of a place of the lattice along the axes, from the least.
    fn steps(&self, node: usize) -> [usize; 3] {
        let [nx, ny, _] = self.counts;
        [node % nx, node / nx % ny, node / (nx * ny)]
    }

    fn place(&self, at: [usize; 3]) -> DVec3 {
        let steps = [0, 1, 2].map(|i| at[i] as f64 - self.below[i] as f64);
        self.start + self.spacing * DVec3::from(steps)
    }

    /// What a metre of an edge costs, by the clearances of its ends; `None` where it is not shown to be free.
    fn weight(&self, ends: [DVec3; 2], [first, last]: [f64; 2], length: f64) -> Option<f64> {
        if first <= 0.0 || last <= 0.0 {
            return None;
        }
        // Clearances that meet in a point may meet in a wall of no thickness.
        let length = TIGHT * length;
        if first + last < length {
            let middle = (self.clearance)(ends[0].midpoint(ends[1]));
            if middle + first.min(last) < 0.5 * length {
                return None;
            }
        }
        let shortage = 1.0 - 0.5 * (first + last) / self.ample;
        Some(1.0 + DEAR * shortage.max(0.0))
    }

    /// Clearance of a node of the lattice, at its place; none when it is time to stop.
    fn known(&mut self, node: usize, place: DVec3, watch: &mut Watch) -> f64 {
        if self.clearances[node].is_nan() {
            if watch.is_due(1) {
                return 0.0;
            }
            self.clearances[node] = (self.clearance)(place).min(self.ample);
        }
        self.clearances[node]
    }

    /// The path to a goal, by parents.
    fn trace(&self, parents: &[u32], mut node: usize, goal: DVec3) -> GridPath {
        let mut points = vec![goal];
        while parents[node] != NONE {
            node = parents[node] as usize;
            points.push(self.place(self.steps(node)));
        }
        points.reverse();
        GridPath::new(points)
    }
}

/// What A* knows of the nodes.
struct Frontier<'g> {
    goals: &'g [DVec3],
    /// Least cost found so far, and by which node.
    costs: Vec<f64>,
    parents: Vec<u32>,
    /// What has been gone on from.
    closed: Vec<bool>,
    /// Estimated cost by way of a node, and the node, the least first, in the upper and lower half of the
    /// bits: those of floats that are not negative are in the order of the floats.
    open: BinaryHeap<Reverse<u64>>,
}

impl<'g> Frontier<'g> {
    fn new(goals: &'g [DVec3], nodes: usize) -> Self {
        let (costs, parents) = (vec![f64::INFINITY; nodes], vec![NONE; nodes]);
        Self { goals, costs, parents, closed: vec![false; nodes], open: BinaryHeap::new() }
    }

    /// Comes to a node at a cost, if it has not come there at a lesser one.
    fn reach(&mut self, node: usize, place: DVec3, cost: f64, parent: u32) {
        if cost < self.costs[node] {
            (self.costs[node], self.parents[node]) = (cost, parent);
            let to_go = self.goals.iter().map(|goal| goal.distance(place)).fold(f64::INFINITY, f64::min);
            let estimate = (cost + EAGERNESS * to_go) as f32;
            self.open.push(Reverse(u64::from(estimate.to_bits()) << 32 | node as u64));
        }
    }

    /// The most promising node and its cost.
    fn next(&mut self) -> Option<(usize, f64)> {
        while let Some(Reverse(next)) = self.open.pop() {
            let node = next as u32 as usize;
            if !std::mem::replace(&mut self.closed[node], true) {
                return Some((node, self.costs[node]));
            }
        }
        None
    }
}

/// To all neighbours of a place, along so many axes.
fn moves(axes: usize, counts: [usize; 3], spacing: f64) -> Vec<Move> {
    let strides = [1, counts[0], counts[0] * counts[1]].map(|stride| stride as isize);
    let digit = |code: usize, axis: usize| {
        if axis < axes { (code / 3_usize.pow(axis as u32) % 3) as isize - 1 } else { 0 }
    };
    let all = (0..3_usize.pow(axes as u32)).map(|code| [0, 1, 2].map(|axis| digit(code, axis)));
    let to_move = |steps: [isize; 3]| {
        let way = spacing * DVec3::from(steps.map(|s| s as f64));
        let stride = (0..3).map(|i| steps[i] * strides[i]).sum();
        Move { steps, stride, way, length: way.length() }
    };
    all.filter(|steps| steps.iter().any(|&s| s != 0)).map(to_move).collect()
}

impl GridPath {
    /// The path through some points, one at least.
    fn new(points: Vec<DVec3>) -> Self {
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            lengths.push(lengths[lengths.len() - 1] + pair[0].distance(pair[1]));
        }
        Self { points, lengths }
    }

    /// Its length, metres.
    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// The place after `along` metres, which is clamped to the path.
    pub fn at(&self, along: f64) -> DVec3 {
        let after = self.lengths.partition_point(|&length| length <= along);
        if after == 0 || after == self.points.len() {
            return self.points[after.min(self.points.len() - 1)];
        }
        let (before, length) = (self.lengths[after - 1], self.lengths[after]);
        self.points[after - 1].lerp(self.points[after], (along - before) / (length - before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::CancelToken;
    use glam::dvec3;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Distance from a plate of no thickness at x = 0, with a hole of radius `hole` about the x axis.
    fn plate(hole: f64) -> CellClearance<'static> {
        Box::new(move |p| p.x.hypot((hole - p.y.hypot(p.z)).max(0.0)))
    }

    fn guide(clearance: CellClearance<'_>) -> GridHeuristic<'_> {
        GridHeuristic::new(dvec3(-0.83, 0.47, 0.0), &[(-1.0, 1.0); 3], 30_000, 0.0, 0.05, clearance)
    }

    #[test]
    fn in_the_open_a_path_is_about_as_long_as_a_line() {
        let mut guide = guide(Box::new(|_| 9.0));
        for goal in [dvec3(0.9, 0.47, 0.0), dvec3(0.31, -0.8, 0.77), dvec3(-0.83, 0.47, 0.0)] {
            let path = guide.path(&[goal], &Stop::NEVER).unwrap();
            let line = goal.distance(guide.start);
            // The worst direction among the 26 of a lattice is 11 per cent longer.
            assert!(path.length() >= line - 1e-12 && path.length() <= 1.12 * line + 0.05);
            assert_eq!((path.at(0.0), path.at(9.0)), (guide.start, goal));
        }
    }

    #[test]
    fn a_path_leads_through_the_hole_and_never_through_the_plate() {
        let mut guide = guide(plate(0.2));
        let goal = dvec3(0.77, 0.61, 0.13);
        let path = guide.path(&[goal], &Stop::NEVER).unwrap();
        for i in 0..1000 {
            let [before, after] = [i, i + 1].map(|i| path.at(path.length() * f64::from(i) / 1000.0));
            let crosses = (before.x < 0.0) != (after.x < 0.0);
            assert!(!crosses || after.y.hypot(after.z) < 0.2, "{after:?}");
        }
        // The shortest bends about the edge of the hole.
        let edge = dvec3(0.0, 0.195, 0.045);
        let shortest = edge.distance(guide.start) + edge.distance(goal);
        assert!((shortest - 0.01..1.25 * shortest).contains(&path.length()), "{}", path.length());
    }

    #[test]
    fn a_narrow_passage_is_found_by_a_finer_lattice() {
        // A slit of 2 cm in a plate across the plane, off the lattice.
        let slit = |p: DVec3| p.x.hypot((0.01 - (p.y - 0.05).abs()).max(0.0));
        let mut guide = GridHeuristic::new(dvec3(-0.8, 0.4, 0.0), &[(-1.0, 1.0); 2], 400, 0.0, 0.1, Box::new(slit));
        let goal = [dvec3(0.8, -0.3, 0.0)];
        let found = (0..12).find(|_| {
            let is_found = guide.path(&goal, &Stop::NEVER).is_some();
            guide.refine();
            is_found
        });
        assert!(found.is_some_and(|tries| tries > 0), "{found:?}");
    }

    #[test]
    fn flat_bounds_have_no_more_places_than_others() {
        for bounds in [[(0.0, 1e3), (0.0, 1e3), (2.0, 2.0)], [(0.0, 1e3), (0.0, 1e-3), (2.0, 2.0)]] {
            let guide = GridHeuristic::new(dvec3(0.0, 0.0, 2.0), &bounds, 1000, 0.0, 0.0, Box::new(|_| 1.0));
            assert!((500..2100).contains(&guide.clearances.len()), "{}", guide.clearances.len());
        }
        assert_eq!(GridHeuristic::spacing_for(&[(1.0, 1.0); 3], 1000, 0.1), 1.0);
    }

    #[test]
    fn there_is_none_through_a_wall() {
        assert_eq!(guide(plate(-1.0)).path(&[dvec3(0.5, 0.0, 0.0)], &Stop::NEVER), None);
        assert!(
            guide(plate(-1.0)).path(&[dvec3(0.5, 0.0, 0.0), dvec3(-0.5, 0.0, 0.0)], &Stop::NEVER).is_some()
        );
    }

    #[test]
    fn what_is_avoided_is_gone_around() {
        // Two gaps in a line across the plane.
        let gaps = |p: DVec3| p.x.hypot((0.15 - (p.y.abs() - 0.5).abs()).max(0.0));
        let new = || GridHeuristic::new(dvec3(-0.8, 0.4, 0.0), &[(-1.0, 1.0); 2], 4000, 0.0, 0.1, Box::new(gaps));
        let (mut guide, goal) = (new(), [dvec3(0.8, 0.4, 0.0)]);
        let crossing = |path: &GridPath| {
            let places = (0..500).map(|i| path.at(path.length() * f64::from(i) / 500.0));
            places.min_by(|a, b| a.x.abs().total_cmp(&b.x.abs())).unwrap()
        };
        let first = guide.path(&goal, &Stop::NEVER).unwrap();
        assert_eq!(Some(&first), new().path(&goal, &Stop::NEVER).as_ref());
        assert!(crossing(&first).y > 0.35);
        guide.avoid(crossing(&first), 0.3);
        guide.avoid(crossing(&first), 0.3);
        assert!(crossing(&guide.path(&goal, &Stop::NEVER).unwrap()).y < -0.35);
    }

    #[test]
    fn a_search_stops_when_it_is_told_to_and_can_be_taken_up_again() {
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let mut guide = guide(Box::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            9.0
        }));
        let goal = [dvec3(0.9, -0.9, 0.9)];
        let token = CancelToken::new();
        token.cancel();
        assert_eq!(guide.path(&goal, &Stop::new(None, Some(token))), None);
        assert_eq!(asked.load(Ordering::Relaxed), 0, "it is asked before the first clearance");
        let asks = AtomicU32::new(0);
        let token = CancelToken::when(move || asks.fetch_add(1, Ordering::Relaxed) == 5);
        assert_eq!(guide.path(&goal, &Stop::new(None, Some(token))), None);
        assert!((1..=6 * PLACES_PER_ASK).contains(&asked.load(Ordering::Relaxed)));
        assert!(guide.path(&goal, &Stop::NEVER).is_some(), "what is not known is not taken to be blocked");
    }

    #[test]
    fn what_is_near_is_avoided_and_nothing_else() {
        let mut guide =
            GridHeuristic::new(dvec3(0.1, 0.2, 0.3), &[(-1.0, 1.0); 3], 2000, 0.0, 0.1, Box::new(|_| 9.0));
        for (place, radius) in
            [(dvec3(0.3, -0.4, 0.2), 0.35), (dvec3(-1.2, 0.9, 1.5), 0.7), (dvec3(9.0, 0.0, 0.0), 1.0)]
        {
            guide.penalties.fill(1.0);
            guide.avoid(place, radius);
            for node in 0..guide.penalties.len() {
                let is_near = guide.place(guide.steps(node)).distance(place) < radius;
                assert_eq!(guide.penalties[node], if is_near { IMPASSABLE } else { 1.0 });
            }
        }
    }
}

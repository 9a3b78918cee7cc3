//! Shortest paths of a ball that the body holds in whatever attitude, as a guide for the search for motions
//! of the body itself: the relaxation of lower dimension of hybrid A* (Dolgov, Thrun, Montemerlo and Diebel,
//! *Path planning for autonomous vehicles in unknown semi-structured environments*, IJRR 2010), whose cells
//! grow dearer where the search gets stuck, as in SyCLoP (Plaku, Kavraki and Vardi, *Motion planning with
//! dynamics by a synergistic combination of layers of planning*, IEEE T-RO 2010). Imports nothing.
//!
//! The lattice is looked at lazily, by A*. An edge is taken only where the clearances of its ends, which
//! change by no more than the way between them, show that it is free all along: no wall is too thin.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a metre costs against a wall, in multiples of what it costs in the open, less one.
const DEAR: f64 = 2.0;

/// What the cost of an impassable stretch is multiplied by.
const IMPASSABLE: f64 = 4.0;

/// No parent, or not looked at yet.
const NONE: u32 = u32::MAX;

/// Distance from a place, metres, by which a ball around it stays clear.
pub type Clearance<'a> = Box<dyn Fn(&[f64; 3]) -> f64 + 'a>;

/// A lattice of places with the costs of going from each to its neighbours.
pub struct Guide<'a> {
    clearance: Clearance<'a>,
    /// From here on, metres, clearance is as good as any.
    ample: f64,
    start: [f64; 3],
    /// Distance of neighbours along an axis, metres.
    spacing: f64,
    /// Number of places along each axis, and how many of them are below the start.
    counts: [usize; 3],
    below: [usize; 3],
    /// Clearance of each place, up to `ample`; not a number where it has not been asked for.
    clearances: Vec<f64>,
    /// What the cost of each place is multiplied by.
    penalties: Vec<f64>,
}

/// A polyline with the length up to each of its points, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    points: Vec<[f64; 3]>,
    lengths: Vec<f64>,
}

impl<'a> Guide<'a> {
    /// A guide from `start` within the bounds of two or three axes, by no more than about `most` places at
    /// least `finest` metres apart; where clearance is below `ample` metres, ways are dearer.
    pub fn new(
        start: [f64; 3],
        bounds: &[(f64, f64)],
        most: usize,
        finest: f64,
        ample: f64,
        clearance: Clearance<'a>,
    ) -> Self {
        let spacing = Self::spacing_for(bounds, most, finest);
        let (mut counts, mut below) = ([1; 3], [0; 3]);
        for (axis, &(lower, upper)) in bounds.iter().enumerate() {
            let steps = |way: f64| (way / spacing).floor().max(0.0) as usize;
            below[axis] = steps(start[axis] - lower);
            counts[axis] = below[axis] + steps(upper - start[axis]) + 1;
        }
        let places = counts.iter().product();
        Self {
            clearance,
            // Edges are shown free by clearances of up to their length.
            ample: ample.max(2.0 * spacing),
            start,
            spacing,
            counts,
            below,
            clearances: vec![f64::NAN; places],
            penalties: vec![1.0; places],
        }
    }

    /// The spacing of a lattice of about `most` places at least `finest` metres apart, metres.
    pub fn spacing_for(bounds: &[(f64, f64)], most: usize, finest: f64) -> f64 {
        let volume: f64 = bounds.iter().map(|(lower, upper)| upper - lower).product();
        (volume / most as f64).powf(1.0 / bounds.len() as f64).max(finest)
    }

    /// Distance of neighbouring places along an axis, metres.
    pub fn spacing(&self) -> f64 {
        self.spacing
    }

    /// The cheapest path from the start to any of some places; `None` where the lattice holds none.
    pub fn path(&mut self, goals: &[[f64; 3]]) -> Option<Path> {
        let places = self.clearances.len();
        let to_go = |p: &[f64; 3]| goals.iter().map(|g| distance(p, g)).fold(f64::INFINITY, f64::min);
        let mut costs = vec![f64::INFINITY; places + goals.len()];
        let mut parents = vec![NONE; places + goals.len()];
        let root = self.index(self.below);
        costs[root] = 0.0;
        // Bits of floats that are not negative are in the order of the floats.
        let mut open = BinaryHeap::from([Reverse((to_go(&self.start).to_bits(), root as u32))]);
        while let Some(Reverse((estimate, node))) = open.pop() {
            let node = node as usize;
            if node >= places {
                return Some(self.trace(&parents, node, goals[node - places]));
            }
            let (from, cost) = (self.place(node), costs[node]);
            if f64::from_bits(estimate) > cost + to_go(&from) {
                continue;
            }
            for (next, to) in self.neighbours(node, goals) {
                let least = cost + distance(&from, &to);
                if least >= costs[next] {
                    continue;
                }
                let Some(weight) = self.weight(node, next, &to) else { continue };
                let cost = cost + weight * distance(&from, &to);
                if cost < costs[next] {
                    (costs[next], parents[next]) = (cost, node as u32);
                    open.push(Reverse(((cost + to_go(&to)).to_bits(), next as u32)));
                }
            }
        }
        None
    }

    /// Makes ways near a place, within `radius` metres, dearer: the body does not pass there.
    pub fn avoid(&mut self, place: &[f64; 3], radius: f64) {
        for node in 0..self.penalties.len() {
            if distance(&self.place(node), place) < radius {
                self.penalties[node] *= IMPASSABLE;
            }
        }
    }

    fn index(&self, at: [usize; 3]) -> usize {
        (at[2] * self.counts[1] + at[1]) * self.counts[0] + at[0]
    }

    fn steps(&self, node: usize) -> [usize; 3] {
        let [nx, ny, _] = self.counts;
        [node % nx, node / nx % ny, node / (nx * ny)]
    }

    fn place(&self, node: usize) -> [f64; 3] {
        let at = self.steps(node);
        [0, 1, 2].map(|i| self.start[i] + self.spacing * (at[i] as f64 - self.below[i] as f64))
    }

    /// Nodes next to one, and their places; goals come after the lattice.
    fn neighbours(&self, node: usize, goals: &[[f64; 3]]) -> Vec<(usize, [f64; 3])> {
        let at = self.steps(node);
        let here = self.place(node);
        let range = |i: usize| at[i].saturating_sub(1)..(at[i] + 2).min(self.counts[i]);
        let mut near = Vec::with_capacity(26);
        for z in range(2) {
            for y in range(1) {
                for x in range(0) {
                    if [x, y, z] != at {
                        let next = self.index([x, y, z]);
                        near.push((next, self.place(next)));
                    }
                }
            }
        }
        let is_near = |goal: &[f64; 3]| (0..3).all(|i| (goal[i] - here[i]).abs() <= self.spacing);
        let last = goals.iter().enumerate().filter(|(_, goal)| is_near(goal));
        near.extend(last.map(|(i, goal)| (self.clearances.len() + i, *goal)));
        near
    }

    /// What a metre of the edge between two nodes costs, the second of which is at `to`; `None` where it is
    /// not shown to be free.
    fn weight(&mut self, from: usize, next: usize, to: &[f64; 3]) -> Option<f64> {
        let first = self.known(from);
        let is_goal = next >= self.clearances.len();
        let last = if is_goal { (self.clearance)(to).min(self.ample) } else { self.known(next) };
        if first <= 0.0 || last <= 0.0 {
            return None;
        }
        let here = self.place(from);
        let length = distance(&here, to);
        if first + last < length {
            let middle = (self.clearance)(&[0, 1, 2].map(|i| 0.5 * (here[i] + to[i])));
            if middle + first.min(last) < 0.5 * length {
                return None;
            }
        }
        let penalty = if is_goal { 1.0 } else { self.penalties[next] };
        let shortage = 1.0 - 0.5 * (first + last) / self.ample;
        Some(penalty * (1.0 + DEAR * shortage.max(0.0)))
    }

    /// Clearance of a place of the lattice.
    fn known(&mut self, node: usize) -> f64 {
        if self.clearances[node].is_nan() {
            self.clearances[node] = (self.clearance)(&self.place(node)).min(self.ample);
        }
        self.clearances[node]
    }

    /// The path to a goal, by parents.
    fn trace(&self, parents: &[u32], mut node: usize, goal: [f64; 3]) -> Path {
        let mut points = vec![goal];
        while parents[node] != NONE {
            node = parents[node] as usize;
            points.push(self.place(node));
        }
        points.reverse();
        Path::new(points)
    }
}

impl Path {
    /// The path through some points, one at least.
    fn new(points: Vec<[f64; 3]>) -> Self {
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            lengths.push(lengths[lengths.len() - 1] + distance(&pair[0], &pair[1]));
        }
        Self { points, lengths }
    }

    /// Its length, metres.
    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// The place after `along` metres, which is clamped to the path.
    pub fn at(&self, along: f64) -> [f64; 3] {
        let after = self.lengths.partition_point(|&length| length <= along);
        if after == 0 || after == self.points.len() {
            return self.points[after.min(self.points.len() - 1)];
        }
        let (before, length) = (self.lengths[after - 1], self.lengths[after]);
        let share = (along - before) / (length - before);
        [0, 1, 2]
            .map(|i| self.points[after - 1][i] + share * (self.points[after][i] - self.points[after - 1][i]))
    }
}

fn distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance from a plate of no thickness at x = 0, with a hole of radius `hole` about the x axis.
    fn plate(hole: f64) -> Clearance<'static> {
        Box::new(move |p| p[0].hypot((hole - p[1].hypot(p[2])).max(0.0)))
    }

    fn guide(clearance: Clearance<'_>) -> Guide<'_> {
        Guide::new([-0.83, 0.47, 0.0], &[(-1.0, 1.0); 3], 30_000, 0.0, 0.05, clearance)
    }

    #[test]
    fn in_the_open_a_path_is_about_as_long_as_a_line() {
        let mut guide = guide(Box::new(|_| 9.0));
        for goal in [[0.9, 0.47, 0.0], [0.31, -0.8, 0.77], [-0.83, 0.47, 0.0]] {
            let path = guide.path(&[goal]).unwrap();
            let line = distance(&goal, &guide.start);
            // The worst direction among the 26 of a lattice is 11 per cent longer.
            assert!(path.length() >= line - 1e-12 && path.length() <= 1.12 * line + 0.05);
            assert_eq!((path.at(0.0), path.at(9.0)), (guide.start, goal));
        }
    }

    #[test]
    fn a_path_leads_through_the_hole_and_never_through_the_plate() {
        let mut guide = guide(plate(0.2));
        let goal = [0.77, 0.61, 0.13];
        let path = guide.path(&[goal]).unwrap();
        for i in 0..1000 {
            let [before, after] = [i, i + 1].map(|i| path.at(path.length() * f64::from(i) / 1000.0));
            let crosses = (before[0] < 0.0) != (after[0] < 0.0);
            assert!(!crosses || after[1].hypot(after[2]) < 0.2, "{after:?}");
        }
        // The shortest bends about the edge of the hole.
        let edge = [0.0, 0.195, 0.045];
        let shortest = distance(&guide.start, &edge) + distance(&edge, &goal);
        assert!((shortest - 0.01..1.25 * shortest).contains(&path.length()), "{}", path.length());
    }

    #[test]
    fn there_is_none_through_a_wall() {
        assert_eq!(guide(plate(-1.0)).path(&[[0.5, 0.0, 0.0]]), None);
        assert!(guide(plate(-1.0)).path(&[[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0]]).is_some());
    }

    #[test]
    fn what_is_avoided_is_gone_around() {
        // Two gaps in a line across the plane.
        let gaps = |p: &[f64; 3]| p[0].hypot((0.15 - (p[1].abs() - 0.5).abs()).max(0.0));
        let new = || Guide::new([-0.8, 0.4, 0.0], &[(-1.0, 1.0); 2], 4000, 0.0, 0.1, Box::new(gaps));
        let (mut guide, goal) = (new(), [[0.8, 0.4, 0.0]]);
        let crossing = |path: &Path| {
            let places = (0..500).map(|i| path.at(path.length() * f64::from(i) / 500.0));
            places.min_by(|a, b| a[0].abs().total_cmp(&b[0].abs())).unwrap()
        };
        let first = guide.path(&goal).unwrap();
        assert_eq!(Some(&first), new().path(&goal).as_ref());
        assert!(crossing(&first)[1] > 0.35);
        guide.avoid(&crossing(&first), 0.3);
        guide.avoid(&crossing(&first), 0.3);
        assert!(crossing(&guide.path(&goal).unwrap())[1] < -0.35);
    }
}

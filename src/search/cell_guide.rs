//! Shortest paths of a ball that the body holds in whatever attitude, as a guide for the search for motions
//! of the body itself: the relaxation of lower dimension of hybrid A* (Dolgov, Thrun, Montemerlo and Diebel,
//! *Path planning for autonomous vehicles in unknown semi-structured environments*, IJRR 2010), whose cells
//! grow dearer where the search gets stuck, as in SyCLoP (Plaku, Kavraki and Vardi, *Motion planning with
//! dynamics by a synergistic combination of layers of planning*, IEEE T-RO 2010). Imports `stop`.
//!
//! Space is cut into cells, and these into halves along each axis where they are neither free nor blocked as a whole
//! (approximate cell decomposition: D. Zhu and J.-C. Latombe, *New heuristic algorithms for efficient hierarchical
//! path planning*, IEEE T-RA 1991), but only where a path comes by. A way is taken only where clearances, which change
//! by no more than the way between two places, show that it is free all along: no wall is too thin.

use crate::stop::{Stop, Watch};
use glam::DVec3;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What a metre costs against a wall, in multiples of what it costs in the open, less one.
const DEAR: f64 = 1.0;

/// What the cost of an impassable stretch is multiplied by.
const IMPASSABLE: f64 = 4.0;

/// How often cells are halved at first, on the ground and in space.
const DEPTH: [u8; 2] = [1, 0];

/// Cells are not cut any more where there are so many.
const MOST_CELLS: usize = 100_000;

/// Clearances must exceed the way between two places by this factor to show that it is free.
const TIGHT: f64 = 1.0 + 1e-6;

/// How often a way is halved to show that it is free, and how often one from a cell to the next, on the ground and in
/// space, where there are too many for more.
const HALVINGS: u32 = 6;
const CELL_HALVINGS: [u32; 2] = [HALVINGS, 1];

/// How often a path is straightened.
const STRAIGHTENINGS: usize = 4;

/// No cell, or no parent.
const NONE: u32 = u32::MAX;

/// How much an estimate of what is left counts: the path found costs at most so many times the least, and far
/// fewer cells are looked at.
const EAGERNESS: f64 = 1.5;

/// A stop is asked once in so many clearances, each of which looks at some obstacles, or cells that are gone on
/// from.
const CELLS_PER_ASK: u32 = 8;

/// Distance from a place, metres, by which a ball around it stays clear.
pub type CellClearance<'a> = Box<dyn Fn(DVec3) -> f64 + 'a>;

/// Space in cells, with the costs of going from each to its neighbours.
pub struct CellGuide<'a> {
    clearance: CellClearance<'a>,
    /// From here on, metres, clearance is as good as any.
    ample: f64,
    start: DVec3,
    axes: usize,
    lower: DVec3,
    /// Edge of the largest cells, metres, and how many of them there are along each axis: the first of all cells.
    size: f64,
    counts: [usize; 3],
    cells: Vec<Cell>,
    /// How often cells are halved.
    depth: u8,
    /// Neighbours of a cell: along each axis -1, 0 or 1.
    directions: Vec<[i8; 3]>,
    /// Around which places, and how far, ways are dearer.
    avoided: Vec<(DVec3, f64)>,
}

/// A cell: a cube, or a square.
#[derive(Clone, Copy, Debug)]
struct Cell {
    /// How often the largest have been halved to make it, and how many of its size are below it along each axis.
    level: u8,
    at: [u32; 3],
    /// At its middle; not a number where it has not been asked for.
    clearance: f64,
    /// The first of its parts, which stand one after another.
    parts: u32,
}

/// A polyline with the length up to each of its points, metres.
#[derive(Clone, Debug, PartialEq)]
pub struct GuidePath {
    points: Vec<DVec3>,
    lengths: Vec<f64>,
}

/// Steps along a path in which narrow places are looked for, at most: some milliseconds' worth.
const MOST_STEPS: f64 = 16_384.0;

impl<'a> CellGuide<'a> {
    /// A guide from `start` within the bounds of two or three axes, of about `most` cells at first; where clearance is
    /// below `ample` metres, ways are dearer.
    pub fn new(
        start: DVec3,
        bounds: &[(f64, f64)],
        most: usize,
        ample: f64,
        clearance: CellClearance<'a>,
    ) -> Self {
        let size = Self::size_for(bounds, most);
        let (mut lower, mut counts) = (start, [1; 3]);
        for (axis, &(least, greatest)) in bounds.iter().enumerate() {
            lower[axis] = least;
            counts[axis] = (((greatest - least) / size).ceil() as usize).max(1);
        }
        let place = |i: usize| {
            let [nx, ny, _] = counts;
            [i % nx, i / nx % ny, i / (nx * ny)].map(|at| at as u32)
        };
        let cell = |i: usize| Cell { level: 0, at: place(i), clearance: f64::NAN, parts: NONE };
        let axes = bounds.len();
        let digit = |code: usize, axis: usize| {
            if axis < axes { (code / 3_usize.pow(axis as u32) % 3) as i8 - 1 } else { 0 }
        };
        let directions = (0..3_usize.pow(axes as u32)).map(|code| [0, 1, 2].map(|axis| digit(code, axis)));
        Self {
            clearance,
            ample: ample.max(size),
            start,
            axes,
            lower,
            size,
            counts,
            cells: (0..counts.iter().product()).map(cell).collect(),
            depth: DEPTH[axes - 2],
            directions: directions.filter(|d| d.iter().any(|&step| step != 0)).collect(),
            avoided: Vec::new(),
        }
    }

    /// Edge of cells of which about `most` fill some bounds, metres.
    pub fn size_for(bounds: &[(f64, f64)], most: usize) -> f64 {
        let mut widths: Vec<f64> = bounds.iter().map(|(lower, upper)| upper - lower).collect();
        widths.sort_by(|a, b| b.total_cmp(a));
        // Along an axis narrower than a cell there is one, which then does not count.
        let size = (1..=widths.len()).rev().find_map(|axes| {
            let volume: f64 = widths[..axes].iter().product();
            let size = (volume / most as f64).powf(1.0 / axes as f64);
            (size > 0.0 && size <= widths[axes - 1]).then_some(size)
        });
        size.unwrap_or(1.0)
    }

    /// Halves cells once more: passages may be too narrow for these. What was to be avoided is forgotten.
    pub fn refine(&mut self) {
        self.depth += 1;
        self.avoided.clear();
    }

    /// Edge of the smallest cells, metres.
    fn finest(&self) -> f64 {
        self.size / f64::from(1_u32 << self.depth)
    }

    /// Distance from a place by which a ball around it stays clear, metres.
    pub fn clearance(&self, place: DVec3) -> f64 {
        (self.clearance)(place)
    }

    /// As [`CellGuide::path`], by smaller cells where there is none, down to `finest` metres or as many as there may be.
    pub fn path_by_smaller(&mut self, goals: &[DVec3], finest: f64, stop: &Stop) -> Option<GuidePath> {
        let mut path = self.path(goals, stop);
        while path.is_none() && self.finest() > finest && self.cells.len() < MOST_CELLS && !stop.is_due() {
            self.refine();
            path = self.path(goals, stop);
        }
        path
    }

    /// Where a path is narrow, metres along it: where clearance, looked at in steps of so many metres, is below `narrow`
    /// and nowhere less within so many steps, of places that are nearer to each other the first. Steps of a path that is
    /// very long for them are longer.
    pub fn narrow_places(&self, path: &GuidePath, step: f64, window: usize, narrow: f64) -> Vec<f64> {
        let step = step.max(path.length() / MOST_STEPS);
        if !(step > 0.0 && step.is_finite()) {
            return Vec::new();
        }
        let count = (path.length() / step).ceil() as usize;
        let clear: Vec<f64> = (0..=count).map(|i| self.clearance(path.at(step * i as f64))).collect();
        let (mut places, mut last) = (Vec::new(), None);
        for (i, &here) in clear.iter().enumerate() {
            let around = &clear[i.saturating_sub(window)..(i + window + 1).min(clear.len())];
            let is_least = around.iter().all(|&c| here <= c);
            if here < narrow && is_least && last.is_none_or(|last| i >= last + window) {
                last = Some(i);
                places.push(step * i as f64);
            }
        }
        places
    }

    /// A path from the start to any of some places, by [A*] with an estimate that counts half as much again;
    /// `None` where the cells hold none, or none is found before `stop` is due.
    ///
    /// [A*]: https://doi.org/10.1016/0004-3702(70)90007-X
    pub fn path(&mut self, goals: &[DVec3], stop: &Stop) -> Option<GuidePath> {
        let mut watch = Watch::new(stop, CELLS_PER_ASK);
        let mut frontier = Frontier::default();
        let to_go = |place: DVec3| goals.iter().map(|goal| goal.distance(place)).fold(f64::INFINITY, f64::min);
        if let Some(direct) = goals.iter().find(|&&goal| self.is_open([self.start, goal])) {
            return Some(GuidePath::new(vec![self.start, *direct]));
        }
        for (cell, cost) in self.around(self.start, &mut watch) {
            frontier.reach(cell, cost, EAGERNESS * to_go(self.middle(cell)), NONE);
        }
        let mut ends: Vec<(u32, f64, DVec3)> = Vec::new();
        for &goal in goals {
            ends.extend(self.around(goal, &mut watch).into_iter().map(|(cell, cost)| (cell, cost, goal)));
        }
        let mut best: Option<(f64, u32, DVec3)> = None;
        let mut neighbours = Vec::new();
        while let Some((cell, cost)) = frontier.next() {
            if best.is_some_and(|(least, ..)| cost >= least) {
                break;
            }
            if watch.is_due(1) {
                return None;
            }
            for &(_, last, goal) in ends.iter().filter(|(end, ..)| *end == cell) {
                if best.is_none_or(|(least, ..)| cost + last < least) {
                    best = Some((cost + last, cell, goal));
                }
            }
            if best.is_some() {
                break;
            }
            self.neighbours(cell, &mut neighbours, &mut watch);
            for &(next, way) in &neighbours {
                frontier.reach(next, cost + way, EAGERNESS * to_go(self.middle(next)), cell);
            }
        }
        let (_, mut cell, goal) = best?;
        let mut points = vec![goal];
        while cell != NONE {
            points.push(self.middle(cell));
            cell = frontier.known[cell as usize].parent;
        }
        points.push(self.start);
        points.reverse();
        Some(GuidePath::new(self.straightened(points)))
    }

    /// Without the points that cost more than they spare: middles of cells are beside the way.
    fn straightened(&self, mut points: Vec<DVec3>) -> Vec<DVec3> {
        for _ in 0..STRAIGHTENINGS {
            let (count, mut i) = (points.len(), 1);
            while i + 1 < points.len() {
                let [before, here, after] = [points[i - 1], points[i], points[i + 1]];
                if self.cost_of([before, after]) <= self.cost_of([before, here]) + self.cost_of([here, after]) {
                    points.remove(i);
                } else {
                    i += 1;
                }
            }
            if points.len() == count {
                break;
            }
        }
        points
    }

    /// What it costs to go straight from one place to another, by the clearance in the middle too; infinite where
    /// that is not shown to be free.
    fn cost_of(&self, [a, b]: [DVec3; 2]) -> f64 {
        let middle = a.midpoint(b);
        let clear = [a, middle, b].map(|place| (self.clearance)(place));
        let halves = [self.cost([a, middle], [clear[0], clear[1]], HALVINGS), self.cost([middle, b], [clear[1], clear[2]], HALVINGS)];
        halves.into_iter().map(|half| half.unwrap_or(f64::INFINITY)).sum()
    }

    /// Makes ways near a place, within `radius` metres, dearer: the body does not pass there.
    pub fn avoid(&mut self, place: DVec3, radius: f64) {
        self.avoided.push((place, radius));
    }

    fn size_at(&self, level: u8) -> f64 {
        self.size / f64::from(1_u32 << level)
    }

    fn middle(&self, cell: u32) -> DVec3 {
        let Cell { level, at, .. } = self.cells[cell as usize];
        let size = self.size_at(level);
        let along = |axis: usize| {
            if axis < self.axes { self.lower[axis] + size * (f64::from(at[axis]) + 0.5) } else { self.lower[axis] }
        };
        DVec3::new(along(0), along(1), along(2))
    }

    /// Clearance at the middle of a cell; none when it is time to stop.
    fn known(&mut self, cell: u32, watch: &mut Watch) -> f64 {
        if self.cells[cell as usize].clearance.is_nan() {
            if watch.is_due(1) {
                return f64::NEG_INFINITY;
            }
            self.cells[cell as usize].clearance = (self.clearance)(self.middle(cell));
        }
        self.cells[cell as usize].clearance
    }

    /// Whether a cell is to be looked at in parts: it is neither free nor blocked as a whole, and not of the smallest.
    fn is_mixed(&mut self, cell: u32, watch: &mut Watch) -> bool {
        let level = self.cells[cell as usize].level;
        let half = 0.5 * self.size_at(level) * (self.axes as f64).sqrt();
        let is_cut = self.cells[cell as usize].parts != NONE;
        (level < self.depth && self.known(cell, watch).abs() < half) && (is_cut || self.cells.len() < MOST_CELLS)
    }

    /// The first of the parts of a cell, made where there are none yet: two along each axis, the first axis first.
    fn parts(&mut self, cell: u32) -> u32 {
        let Cell { level, at, parts, .. } = self.cells[cell as usize];
        if parts != NONE {
            return parts;
        }
        let first = self.cells.len() as u32;
        for part in 0..1_u32 << self.axes {
            let at = [0, 1, 2].map(|axis| 2 * at[axis] + (part >> axis & 1));
            self.cells.push(Cell { level: level + 1, at, clearance: f64::NAN, parts: NONE });
        }
        self.cells[cell as usize].parts = first;
        first
    }

    /// The undivided cell that holds what would be a cell of a level, or that one, divided or not.
    fn find(&mut self, level: u8, at: [u32; 3], watch: &mut Watch) -> u32 {
        let root = at.map(|x| (x >> level) as usize);
        let mut cell = ((root[2] * self.counts[1] + root[1]) * self.counts[0] + root[0]) as u32;
        for below in (0..level).rev() {
            if !self.is_mixed(cell, watch) {
                break;
            }
            let part = (0..self.axes).map(|axis| (at[axis] >> below & 1) << axis).sum::<u32>();
            cell = self.parts(cell) + part;
        }
        cell
    }

    /// The undivided cell that holds a place.
    fn cell_at(&mut self, place: DVec3, watch: &mut Watch) -> u32 {
        let size = self.finest();
        let at = |axis: usize| {
            if axis >= self.axes {
                return 0;
            }
            let most = (self.counts[axis] << self.depth) - 1;
            (((place[axis] - self.lower[axis]) / size).max(0.0) as usize).min(most) as u32
        };
        self.find(self.depth, [at(0), at(1), at(2)], watch)
    }

    /// Cells that a place leads to, its own and its neighbours, and what that costs.
    fn around(&mut self, place: DVec3, watch: &mut Watch) -> Vec<(u32, f64)> {
        let own = self.cell_at(place, watch);
        let mut touching = vec![own];
        for i in 0..self.directions.len() {
            self.touching(own, self.directions[i], &mut touching, watch);
        }
        let clear = (self.clearance)(place);
        let mut found = Vec::new();
        for cell in touching {
            let (there, clearance) = (self.middle(cell), self.known(cell, watch));
            if let Some(cost) = self.cost([place, there], [clear, clearance], HALVINGS) {
                found.push((cell, cost));
            }
        }
        found
    }

    /// Undivided cells that a cell leads to, and what that costs.
    fn neighbours(&mut self, cell: u32, neighbours: &mut Vec<(u32, f64)>, watch: &mut Watch) {
        neighbours.clear();
        let mut touching = Vec::new();
        for i in 0..self.directions.len() {
            self.touching(cell, self.directions[i], &mut touching, watch);
        }
        touching.sort_unstable();
        touching.dedup();
        let (here, clear) = (self.middle(cell), self.known(cell, watch));
        for next in touching {
            let (there, clearance) = (self.middle(next), self.known(next, watch));
            if let Some(cost) = self.cost([here, there], [clear, clearance], CELL_HALVINGS[self.axes - 2]) {
                neighbours.push((next, cost));
            }
        }
    }

    /// Adds the undivided cells that touch one in a direction and are not blocked.
    fn touching(&mut self, cell: u32, direction: [i8; 3], touching: &mut Vec<u32>, watch: &mut Watch) {
        let Cell { level, at, .. } = self.cells[cell as usize];
        let mut next = at;
        for axis in 0..self.axes {
            let most = (self.counts[axis] << level) as u32;
            next[axis] = at[axis].wrapping_add_signed(i32::from(direction[axis]));
            if next[axis] >= most {
                return;
            }
        }
        let found = self.find(level, next, watch);
        self.along(found, direction, touching, watch);
    }

    /// Adds the undivided cells within one that lie on its side from which `direction` leads into it.
    fn along(&mut self, cell: u32, direction: [i8; 3], touching: &mut Vec<u32>, watch: &mut Watch) {
        if !self.is_mixed(cell, watch) {
            if self.known(cell, watch) > 0.0 {
                touching.push(cell);
            }
            return;
        }
        let first = self.parts(cell);
        for part in 0..1_u32 << self.axes {
            let is_near = |axis: usize| match direction[axis] {
                0 => true,
                step => (part >> axis & 1 == 0) == (step > 0),
            };
            if (0..self.axes).all(is_near) {
                self.along(first + part, direction, touching, watch);
            }
        }
    }

    /// What it costs to go straight from one place to another, by the clearances there; `None` where that is not shown
    /// to be free.
    fn cost(&self, ends: [DVec3; 2], clear: [f64; 2], halvings: u32) -> Option<f64> {
        let length = ends[0].distance(ends[1]);
        self.is_free(ends, clear, halvings).then(|| {
            let shortage = 1.0 - 0.5 * (clear[0] + clear[1]) / self.ample;
            let is_avoided = |(place, radius): &&(DVec3, f64)| ends[1].distance(*place) < *radius;
            let times = self.avoided.iter().filter(is_avoided).count();
            length * (1.0 + DEAR * shortage.max(0.0)) * IMPASSABLE.powi(times as i32)
        })
    }

    fn is_free(&self, [a, b]: [DVec3; 2], [first, last]: [f64; 2], halvings: u32) -> bool {
        if first <= 0.0 || last <= 0.0 {
            return false;
        }
        // Clearances that meet in a point may meet in a wall of no thickness.
        if first + last >= TIGHT * a.distance(b) {
            return true;
        }
        let middle = a.midpoint(b);
        let clear = (self.clearance)(middle);
        halvings > 0
            && clear > 0.0
            && self.is_free([a, middle], [first, clear], halvings - 1)
            && self.is_free([middle, b], [clear, last], halvings - 1)
    }

    /// Whether the way straight from one place to another has ample room, and is not to be avoided.
    fn is_open(&self, ends: [DVec3; 2]) -> bool {
        let clear = ends.map(|place| (self.clearance)(place));
        let is_avoided = |(place, radius): &(DVec3, f64)| {
            let way = ends[1] - ends[0];
            let share = (way.dot(*place - ends[0]) / way.length_squared().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
            (ends[0] + share * way).distance(*place) < *radius
        };
        self.is_free(ends, clear, HALVINGS) && !self.avoided.iter().any(is_avoided)
    }
}

/// What it costs to come to cells from some places, found as far as it is asked for (Dijkstra).
#[derive(Default)]
pub struct CostField {
    frontier: Frontier,
    neighbours: Vec<(u32, f64)>,
}

impl CostField {
    /// From these places.
    pub fn new(guide: &mut CellGuide<'_>, origins: &[DVec3], stop: &Stop) -> Self {
        let mut watch = Watch::new(stop, CELLS_PER_ASK);
        let mut field = Self::default();
        for &origin in origins {
            for (cell, cost) in guide.around(origin, &mut watch) {
                field.frontier.reach(cell, cost, 0.0, NONE);
            }
        }
        field
    }

    /// What it costs to come to a place, metres: more than the way near walls. Infinite where no cells lead there, or
    /// `stop` is due before that is known.
    pub fn cost(&mut self, guide: &mut CellGuide<'_>, place: DVec3, stop: &Stop) -> f64 {
        let mut watch = Watch::new(stop, CELLS_PER_ASK);
        let own = guide.cell_at(place, &mut watch);
        if guide.known(own, &mut watch) > 0.0
            && let Some(cost) = self.cost_at(guide, own, &mut watch)
        {
            return cost + guide.middle(own).distance(place);
        }
        let around = guide.around(place, &mut watch);
        let by_way_of = |(cell, last): (u32, f64)| Some(self.cost_at(guide, cell, &mut watch)? + last);
        around.into_iter().filter_map(by_way_of).fold(f64::INFINITY, f64::min)
    }

    /// The same of the middle of a cell; `None` where it is not known.
    fn cost_at(&mut self, guide: &mut CellGuide<'_>, cell: u32, watch: &mut Watch) -> Option<f64> {
        while !self.frontier.is_closed(cell) {
            let (next, cost) = self.frontier.next()?;
            guide.neighbours(next, &mut self.neighbours, watch);
            for &(neighbour, way) in &self.neighbours {
                self.frontier.reach(neighbour, cost + way, 0.0, next);
            }
            if watch.is_due(1) {
                return None;
            }
        }
        Some(self.frontier.known[cell as usize].cost)
    }
}

/// What a search knows of the cells.
#[derive(Default)]
struct Frontier {
    known: Vec<Known>,
    /// Estimated cost by way of a cell, and the cell, the least first, in the upper and lower half of the
    /// bits: those of floats that are not negative are in the order of the floats.
    open: BinaryHeap<Reverse<u64>>,
}

/// The least cost of coming to a cell that has been found, from where, and whether it has been gone on from.
#[derive(Clone, Copy)]
struct Known {
    cost: f64,
    parent: u32,
    is_closed: bool,
}

impl Frontier {
    /// Comes to a cell at a cost, if it has not come there at a lesser one.
    fn reach(&mut self, cell: u32, cost: f64, to_go: f64, parent: u32) {
        if self.known.len() <= cell as usize {
            let unknown = Known { cost: f64::INFINITY, parent: NONE, is_closed: false };
            self.known.resize(cell as usize + 1, unknown);
        }
        let known = &mut self.known[cell as usize];
        if cost < known.cost && !known.is_closed {
            (known.cost, known.parent) = (cost, parent);
            self.open.push(Reverse(u64::from(((cost + to_go) as f32).to_bits()) << 32 | u64::from(cell)));
        }
    }

    fn is_closed(&self, cell: u32) -> bool {
        self.known.get(cell as usize).is_some_and(|known| known.is_closed)
    }

    /// The most promising cell and its cost.
    fn next(&mut self) -> Option<(u32, f64)> {
        while let Some(Reverse(next)) = self.open.pop() {
            let cell = next as u32;
            let known = &mut self.known[cell as usize];
            if !std::mem::replace(&mut known.is_closed, true) {
                return Some((cell, known.cost));
            }
        }
        None
    }
}

impl GuidePath {
    /// The path through some points, one at least.
    fn new(points: Vec<DVec3>) -> Self {
        let mut lengths = vec![0.0];
        for pair in points.windows(2) {
            lengths.push(lengths[lengths.len() - 1] + pair[0].distance(pair[1]));
        }
        Self { points, lengths }
    }

    /// Its points, in their order.
    pub fn points(&self) -> &[DVec3] {
        &self.points
    }

    /// The path through the same points, each moved.
    #[must_use]
    pub fn moved(&self, by: impl Fn(DVec3) -> DVec3) -> Self {
        Self::new(self.points.iter().map(|&point| by(point)).collect())
    }

    /// Its length, metres.
    pub fn length(&self) -> f64 {
        self.lengths[self.lengths.len() - 1]
    }

    /// How far along the path the place is that is nearest to some other, and how far from that, metres.
    pub fn nearest(&self, place: DVec3) -> (f64, f64) {
        let part = |i: usize| {
            let (a, way) = (self.points[i], self.points[i + 1] - self.points[i]);
            let share = ((place - a).dot(way) / way.length_squared().max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
            let length = self.lengths[i + 1] - self.lengths[i];
            (self.lengths[i] + share * length, place.distance(a + share * way))
        };
        let parts = (0..self.points.len() - 1).map(part);
        parts.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0.0, place.distance(self.points[0])))
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

    fn guide(clearance: CellClearance<'_>) -> CellGuide<'_> {
        CellGuide::new(dvec3(-0.83, 0.47, 0.0), &[(-1.0, 1.0); 3], 1000, 0.05, clearance)
    }

    #[test]
    fn in_the_open_a_path_is_a_line() {
        let mut guide = guide(Box::new(|_| 9.0));
        for goal in [dvec3(0.9, 0.47, 0.0), dvec3(0.31, -0.8, 0.77), dvec3(-0.83, 0.47, 0.0)] {
            let path = guide.path(&[goal], &Stop::NEVER).unwrap();
            assert!((path.length() - goal.distance(guide.start)).abs() < 1e-12);
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
        assert!((shortest - 0.01..1.35 * shortest).contains(&path.length()), "{}", path.length());
    }

    #[test]
    fn a_narrow_passage_is_found_by_smaller_cells() {
        // A slit of 2 cm in a plate across the plane, anywhere.
        for at in 0..20 {
            let middle = -0.6 + 0.0617 * f64::from(at);
            let slit = move |p: DVec3| p.x.hypot((0.01 - (p.y - middle).abs()).max(0.0));
            let mut guide = CellGuide::new(dvec3(-0.8, 0.4, 0.0), &[(-1.0, 1.0); 2], 400, 0.1, Box::new(slit));
            let goal = [dvec3(0.8, -0.3, 0.0)];
            let found = (0..7).find(|_| {
                let is_found = guide.path(&goal, &Stop::NEVER).is_some();
                guide.refine();
                is_found
            });
            assert!(found.is_some(), "{middle}");
            assert!(guide.cells.len() < 6000, "{}", guide.cells.len());
        }
    }

    #[test]
    fn flat_bounds_have_no_more_cells_than_others() {
        for bounds in [[(0.0, 1e3), (0.0, 1e3), (2.0, 2.0)], [(0.0, 1e3), (0.0, 1e-3), (2.0, 2.0)]] {
            let guide = CellGuide::new(dvec3(0.0, 0.0, 2.0), &bounds, 1000, 0.0, Box::new(|_| 1.0));
            assert!((500..2100).contains(&guide.cells.len()), "{}", guide.cells.len());
        }
        assert_eq!(CellGuide::size_for(&[(1.0, 1.0); 3], 1000), 1.0);
    }

    #[test]
    fn there_is_none_through_a_wall() {
        assert_eq!(guide(plate(-1.0)).path(&[dvec3(0.5, 0.0, 0.0)], &Stop::NEVER), None);
        assert!(
            guide(plate(-1.0)).path(&[dvec3(0.5, 0.0, 0.0), dvec3(-0.5, 0.0, 0.0)], &Stop::NEVER).is_some()
        );
    }

    /// Costs are those of the shortest path by cells, at least the way, and the same from either end.
    #[test]
    fn fields_know_the_way_through_the_hole() {
        let mut guide = guide(plate(0.3));
        let (here, there) = (guide.start, dvec3(0.7, -0.3, 0.2));
        let mut fields = [here, there].map(|origin| CostField::new(&mut guide, &[origin], &Stop::NEVER));
        let [to, back] = [(0, there), (1, here)].map(|(i, place)| fields[i].cost(&mut guide, place, &Stop::NEVER));
        assert!((to - back).abs() < 0.2 * to, "{to} {back}");
        assert!(to >= here.distance(there), "{to}");
        let nearer = fields[1].cost(&mut guide, dvec3(0.1, 0.0, 0.0), &Stop::NEVER);
        assert!(nearer < to);
        let mut field = CostField::new(&mut guide, &[here], &Stop::NEVER);
        guide.clearance = plate(-1.0);
        guide.cells.truncate(guide.counts.iter().product());
        guide.cells.iter_mut().for_each(|cell| (cell.clearance, cell.parts) = (f64::NAN, NONE));
        assert_eq!(field.cost(&mut guide, there, &Stop::NEVER), f64::INFINITY);
    }

    #[test]
    fn what_is_avoided_is_gone_around() {
        // Two gaps in a line across the plane.
        let gaps = |p: DVec3| p.x.hypot((0.15 - (p.y.abs() - 0.5).abs()).max(0.0));
        let new = || CellGuide::new(dvec3(-0.8, 0.3, 0.0), &[(-1.0, 1.0); 2], 1000, 0.1, Box::new(gaps));
        let (mut guide, goal) = (new(), [dvec3(0.8, 0.2, 0.0)]);
        let crossing = |path: &GuidePath| {
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
        let mut guide = guide(Box::new(move |p| {
            count.fetch_add(1, Ordering::Relaxed);
            plate(0.2)(p)
        }));
        let goal = [dvec3(0.9, -0.9, 0.9)];
        let asks = AtomicU32::new(0);
        let token = CancelToken::when(move || asks.fetch_add(1, Ordering::Relaxed) == 5);
        assert_eq!(guide.path(&goal, &Stop::new(None, Some(token))), None);
        assert!((1..=100 * CELLS_PER_ASK).contains(&asked.load(Ordering::Relaxed)));
        assert!(guide.path(&goal, &Stop::NEVER).is_some(), "what is not known is not taken to be blocked");
    }
}

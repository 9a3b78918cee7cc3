//! A solid cut into the cells of a grid: what a set of balls has to hold.
//!
//! The part of the solid within one cell lies in the convex hull of finitely many points: the
//! corners of the surface triangles clipped to the cell, and the corners of the cell that lie
//! inside. (An extreme point of the part is either on the surface, and then a corner of a clipped
//! triangle, or inside, and then a corner of the cell.) A ball that holds those points holds the
//! part, and balls that hold the points of every cell, each cell in one ball, hold the solid.

use super::body::CoverBody;
use glam::DVec3;

/// Cells are widened by this fraction of the largest coordinate when triangles are clipped to them,
/// so that none falls between two cells by rounding.
const WIDENING: f64 = 1e-10;

/// Where points of a cell come this close (relative to its size) to all corners of their bounding
/// box, they are replaced by those, which hold them.
const SAME_POINT: f64 = 1e-6;

/// Cells of a grid, closed ones too, at most: they take memory.
const LARGEST_GRID: usize = 200_000;

/// Surface patches within a cell whose normals differ by more than this cosine are looked at
/// separately.
const SAME_NORMAL: f64 = 0.8;

/// The cells that meet the solid.
#[derive(Debug)]
pub(super) struct Cells {
    points: Vec<DVec3>,
    /// Cell `i` has the points `points[ends[i - 1]..ends[i]]`.
    ends: Vec<usize>,
    /// Centre and half extents of the points' bounding box, and whether the points are its corners.
    boxes: Vec<(DVec3, DVec3, bool)>,
    /// Points of the surface and unit normals out of the solid there (zero on triangles without
    /// area), at least one per cell that meets the surface.
    pub(super) patches: Vec<[DVec3; 2]>,
    /// Cell `i` has the patches up to `patch_ends[i]`.
    patch_ends: Vec<usize>,
    /// Edge lengths of a cell.
    pub(super) step: DVec3,
}

impl Cells {
    /// Cuts the bounding box into about `count` cells, as cubic as fits; leaves off when the body is late.
    pub(super) fn new(body: &CoverBody, count: usize) -> Self {
        Self::of_grid(body, &Grid::new(body.surface().bounds(), count))
    }

    /// Cuts what lies in some boxes into cells of about this edge (metres), larger where there would be more
    /// than `most` of them.
    pub(super) fn within(body: &CoverBody, boxes: &[[DVec3; 2]], edge: f64, most: usize) -> Self {
        Self::of_grid(body, &Grid::within(boxes, edge, most))
    }

    fn of_grid(body: &CoverBody, grid: &Grid) -> Self {
        let mut pieces = vec![CellPiece::default(); grid.total()];
        for triangle in body.surface().triangles() {
            if body.is_late() {
                break;
            }
            if !grid.meets(triangle) {
                continue;
            }
            let normal = (triangle[1] - triangle[0]).cross(triangle[2] - triangle[0]).normalize_or_zero();
            grid.slice(triangle, 0, [0; 3], &mut |cell, polygon| {
                let index = grid.index(cell);
                if grid.is_open(index) {
                    pieces[index].add(polygon, normal);
                }
            });
        }
        let inside = grid.corners_inside(body, &pieces);
        let mut cells = Self {
            points: Vec::new(),
            ends: Vec::new(),
            boxes: Vec::new(),
            patches: Vec::new(),
            patch_ends: Vec::new(),
            step: grid.step,
        };
        for (index, piece) in pieces.iter_mut().enumerate() {
            let corners = grid.corners(grid.cell(index));
            piece
                .points
                .extend(corners.iter().filter(|c| inside[grid.corner_index(**c)]).map(|c| grid.position(*c)));
            if piece.points.is_empty() || !grid.is_open(index) {
                continue;
            }
            piece.points.sort_unstable_by(|a, b| {
                a.to_array().partial_cmp(&b.to_array()).unwrap_or(std::cmp::Ordering::Equal)
            });
            piece.points.dedup();
            cells.boxes.push(bounding_box(&mut piece.points));
            cells.points.append(&mut piece.points);
            cells.ends.push(cells.points.len());
            cells.patches.extend(piece.patches.iter().map(|p| [p.center, p.normal]));
            cells.patch_ends.push(cells.patches.len());
        }
        cells
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The points that a ball must hold to hold the solid within the cell.
    pub(super) fn points(&self, cell: usize) -> &[DVec3] {
        let first = cell.checked_sub(1).map_or(0, |i| self.ends[i]);
        &self.points[first..self.ends[cell]]
    }

    /// Distance from `p` to the farthest of a cell's points.
    pub(super) fn farthest(&self, cell: usize, p: DVec3) -> f64 {
        match self.boxes[cell] {
            (center, half, true) => ((p - center).abs() + half).length(),
            _ => farthest(self.points(cell), p),
        }
    }

    /// Centre of the bounding box of a cell's points.
    pub(super) fn center(&self, cell: usize) -> DVec3 {
        self.boxes[cell].0
    }

    /// Corners of that box.
    pub(super) fn bounds(&self, cell: usize) -> [DVec3; 2] {
        let (center, half, _) = self.boxes[cell];
        [center - half, center + half]
    }

    /// Corners of the box around all of them.
    pub(super) fn bounds_of_all(&self) -> [DVec3; 2] {
        let all = (0..self.len()).map(|k| self.bounds(k));
        all.fold([DVec3::INFINITY, DVec3::NEG_INFINITY], |[a, b], [c, d]| [a.min(c), b.max(d)])
    }

    /// The cells that are kept, by their numbers, in order.
    pub(super) fn only(&self, kept: &[usize]) -> Self {
        let mut cells = Self { points: Vec::new(), ends: Vec::new(), boxes: Vec::new(), patches: Vec::new(), patch_ends: Vec::new(), step: self.step };
        for &k in kept {
            cells.points.extend_from_slice(self.points(k));
            cells.ends.push(cells.points.len());
            cells.boxes.push(self.boxes[k]);
            let first = k.checked_sub(1).map_or(0, |i| self.patch_ends[i]);
            cells.patches.extend_from_slice(&self.patches[first..self.patch_ends[k]]);
            cells.patch_ends.push(cells.patches.len());
        }
        cells
    }
}

/// Distance from `p` to the farthest of some points.
pub(super) fn farthest(points: &[DVec3], p: DVec3) -> f64 {
    let squared = points.iter().map(|q| q.distance_squared(p));
    squared.fold(0.0, |a, b| if b > a { b } else { a }).sqrt()
}

/// Centre and half extents of the bounding box of points, and whether all its corners are as good
/// as among them; then the corners take their place.
fn bounding_box(points: &mut Vec<DVec3>) -> (DVec3, DVec3, bool) {
    let low = points.iter().copied().fold(DVec3::INFINITY, DVec3::min);
    let high = points.iter().copied().fold(DVec3::NEG_INFINITY, DVec3::max);
    let ends = [low, high];
    let corners =
        [0, 1, 2, 3, 4, 5, 6, 7].map(|i| DVec3::new(ends[i >> 2].x, ends[i >> 1 & 1].y, ends[i & 1].z));
    let near = SAME_POINT * (high - low).length();
    let full = corners.iter().all(|c| points.iter().any(|p| p.distance_squared(*c) <= near * near));
    if full {
        *points = corners.to_vec();
    }
    ((low + high) / 2.0, (high - low) / 2.0, full)
}

/// What the surface leaves in a cell.
#[derive(Clone, Debug, Default)]
struct CellPiece {
    points: Vec<DVec3>,
    patches: Vec<Patch>,
}

#[derive(Clone, Debug)]
struct Patch {
    center: DVec3,
    normal: DVec3,
    area: f64,
}

impl CellPiece {
    fn add(&mut self, polygon: &[DVec3], normal: DVec3) {
        self.points.extend_from_slice(polygon);
        let fan = polygon.windows(2).map(|w| (w[0] - polygon[0]).cross(w[1] - polygon[0]).length() / 2.0);
        let patch =
            Patch { center: polygon.iter().sum::<DVec3>() / polygon.len() as f64, normal, area: fan.sum() };
        match self.patches.iter_mut().find(|p| p.normal == normal || p.normal.dot(normal) > SAME_NORMAL) {
            Some(known) if known.area < patch.area => *known = patch,
            Some(_) => {}
            None => self.patches.push(patch),
        }
    }
}

/// Equal cells that fill a box exactly.
struct Grid {
    low: DVec3,
    step: DVec3,
    count: [usize; 3],
    widening: f64,
    /// Which cells are asked for; empty where all are.
    open: Vec<bool>,
}

impl Grid {
    fn new([low, high]: [DVec3; 2], count: usize) -> Self {
        let size = high - low;
        let widening = WIDENING * low.abs().max(high.abs()).max_element();
        let mut edge = size.max_element() / count as f64;
        let counts = |edge: f64| size.to_array().map(|s| ((s / edge).round() as usize).max(1));
        // The coarsest grid with no more than `count` cells, to within a twentieth of an edge.
        while counts(edge).iter().product::<usize>() > count {
            edge *= 1.05;
        }
        let count = counts(edge);
        Self { low, step: size / DVec3::from(count.map(|n| n as f64)), count, widening, open: Vec::new() }
    }

    /// Cells of about this edge over the box around all `boxes`, of which those are open that meet one.
    fn within(boxes: &[[DVec3; 2]], mut edge: f64, most: usize) -> Self {
        let low = boxes.iter().map(|b| b[0]).fold(DVec3::INFINITY, DVec3::min);
        let high = boxes.iter().map(|b| b[1]).fold(DVec3::NEG_INFINITY, DVec3::max);
        let widening = WIDENING * low.abs().max(high.abs()).max_element();
        loop {
            let count = (high - low).to_array().map(|s| ((s / edge).ceil() as usize).max(1));
            let total = count.iter().try_fold(1_usize, |n, &c| n.checked_mul(c)).unwrap_or(usize::MAX);
            if total <= LARGEST_GRID {
                let step = (high - low) / DVec3::from(count.map(|n| n as f64));
                let mut grid = Self { low, step, count, widening, open: vec![false; total] };
                boxes.iter().for_each(|b| grid.open(b));
                if grid.open.iter().filter(|&&open| open).count() <= most {
                    return grid;
                }
            }
            edge *= 1.1;
        }
    }

    /// Opens the cells that meet a box.
    fn open(&mut self, [low, high]: &[DVec3; 2]) {
        let range = |axis: usize| self.slabs(axis, low[axis] - self.widening, high[axis] + self.widening);
        let [xs, ys, zs] = [range(0), range(1), range(2)];
        for x in xs {
            for y in ys.clone() {
                for z in zs.clone() {
                    let index = self.index([x, y, z]);
                    self.open[index] = true;
                }
            }
        }
    }

    /// The cells along an axis between two coordinates; the outermost reach on.
    fn slabs(&self, axis: usize, low: f64, high: f64) -> std::ops::RangeInclusive<usize> {
        let last = self.count[axis] - 1;
        // A box without extent has cells without any.
        let slab = |x: f64| (((x - self.low[axis]) / self.step[axis]).max(0.0) as usize).min(last);
        slab(low)..=slab(high)
    }

    fn is_open(&self, index: usize) -> bool {
        self.open.is_empty() || self.open[index]
    }

    /// Whether the bounding box of a polygon meets the grid's.
    fn meets(&self, polygon: &[DVec3]) -> bool {
        let low = polygon.iter().copied().fold(DVec3::INFINITY, DVec3::min);
        let high = polygon.iter().copied().fold(DVec3::NEG_INFINITY, DVec3::max);
        let end = self.position(self.count);
        let widening = DVec3::splat(self.widening);
        low.cmple(end + widening).all() && high.cmpge(self.low - widening).all()
    }

    fn total(&self) -> usize {
        self.count.iter().product()
    }

    fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * self.count[1] + y) * self.count[2] + z
    }

    fn cell(&self, index: usize) -> [usize; 3] {
        let [_, y, z] = self.count;
        [index / (y * z), index / z % y, index % z]
    }

    fn corner_index(&self, [x, y, z]: [usize; 3]) -> usize {
        (x * (self.count[1] + 1) + y) * (self.count[2] + 1) + z
    }

    fn corners(&self, [x, y, z]: [usize; 3]) -> [[usize; 3]; 8] {
        std::array::from_fn(|i| [x + (i >> 2), y + (i >> 1 & 1), z + (i & 1)])
    }

    fn position(&self, corner: [usize; 3]) -> DVec3 {
        self.low + self.step * DVec3::from(corner.map(|n| n as f64))
    }

    /// Cuts a convex polygon at the planes across `axis` and those after it, and hands each piece
    /// to `emit` with its cell.
    fn slice(
        &self,
        polygon: &[DVec3],
        axis: usize,
        mut cell: [usize; 3],
        emit: &mut impl FnMut([usize; 3], &[DVec3]),
    ) {
        if axis == 3 {
            return emit(cell, polygon);
        }
        let low = polygon.iter().map(|p| p[axis]).fold(f64::INFINITY, f64::min) - self.widening;
        let high = polygon.iter().map(|p| p[axis]).fold(f64::NEG_INFINITY, f64::max) + self.widening;
        for i in self.slabs(axis, low, high) {
            cell[axis] = i;
            let from = self.low[axis] + self.step[axis] * i as f64 - self.widening;
            let to = self.low[axis] + self.step[axis] * (i + 1) as f64 + self.widening;
            let piece = clip(&clip(polygon, |p| p[axis] - from), |p| to - p[axis]);
            if !piece.is_empty() {
                self.slice(&piece, axis + 1, cell, emit);
            }
        }
    }

    /// Which corners of cells lie inside the solid. Cells without surface that hang together are
    /// on one side as a whole, and so are their corners; other corners are asked for one by one.
    fn corners_inside(&self, body: &CoverBody, pieces: &[CellPiece]) -> Vec<bool> {
        let contains = |p: DVec3| !body.is_late() && body.surface().contains(p);
        let mut sides: Vec<Option<bool>> = vec![None; self.count.iter().map(|n| n + 1).product()];
        let mut seen = vec![false; self.total()];
        for seed in 0..self.total() {
            if seen[seed] || !pieces[seed].points.is_empty() || !self.is_open(seed) {
                continue;
            }
            let inside = contains(self.position(self.cell(seed)) + self.step / 2.0);
            seen[seed] = true;
            let mut open = vec![seed];
            while let Some(index) = open.pop() {
                let cell = self.cell(index);
                for corner in self.corners(cell) {
                    sides[self.corner_index(corner)] = Some(inside);
                }
                for next in self.neighbours(cell) {
                    if self.is_open(next) && pieces[next].points.is_empty() && !std::mem::replace(&mut seen[next], true) {
                        open.push(next);
                    }
                }
            }
        }
        let mut inside = vec![false; sides.len()];
        for (index, piece) in pieces.iter().enumerate() {
            let near_surface = !piece.points.is_empty();
            for corner in self.corners(self.cell(index)) {
                let i = self.corner_index(corner);
                if near_surface && sides[i].is_none() {
                    sides[i] = Some(contains(self.position(corner)));
                }
                inside[i] = sides[i] == Some(true);
            }
        }
        inside
    }

    /// Cells that share a face with one.
    fn neighbours(&self, cell: [usize; 3]) -> impl Iterator<Item = usize> {
        (0..3).flat_map(move |axis| {
            let down = cell[axis].checked_sub(1);
            let up = Some(cell[axis] + 1).filter(|&i| i < self.count[axis]);
            down.into_iter().chain(up).map(move |i| {
                let mut next = cell;
                next[axis] = i;
                self.index(next)
            })
        })
    }
}

/// The part of a convex polygon where `height` is not negative (Sutherland and Hodgman,
/// "Reentrant polygon clipping", CACM 1974).
fn clip(polygon: &[DVec3], height: impl Fn(DVec3) -> f64) -> Vec<DVec3> {
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    for (i, &a) in polygon.iter().enumerate() {
        let b = polygon[(i + 1) % polygon.len()];
        let (ha, hb) = (height(a), height(b));
        if ha >= 0.0 {
            kept.push(a);
        }
        if (ha < 0.0) != (hb < 0.0) {
            kept.push(a + (b - a) * (ha / (ha - hb)));
        }
    }
    kept
}

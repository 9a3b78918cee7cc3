//! The fastest time law along a sequence of curves, by reachability.
//!
//! With x = u'^2 the limits of rates bound x, and those of their derivatives are linear in x and u''.
//! Between two points of a grid u'' is constant, so that x is linear in u and u quadratic in time. From the
//! last point of the grid back, the x from which the end can still be reached within all limits form an
//! interval; from the first point on, the greatest u'' that leads into the next interval is taken (Pham
//! and Pham, *A new approach to time-optimal path parameterization based on reachability analysis*,
//! IEEE T-RO 34(3), 2018).
//!
//! Limits are held at both ends of every cell of the grid and in its middle. Where the law exceeds one
//! between, by parabolas through samples of it, it is found anew: with that limit held there too, with a
//! share of it where parabolas peak between samples, and on halves of cells in which a limit is exceeded by
//! much or changes so fast that no parabola can be trusted. A law that still exceeds one is none.
//!
//! Where nothing limits the derivatives, u' is constant in each cell, at what the cell allows.

use super::path_limits::{PathLimits, LimitRow};
use super::curve::{CURVE_DEGREE, Coefficients, Curve, DriveDirection, shifted};
use super::speed_profile::simpson;
use crate::stop::{Stop, Watch};
use crate::trajectory::Trajectory;
use std::ops::Range;

/// Cells of a curve: one for so many seconds, between the least and the most.
const SECONDS_PER_CELL: f64 = 0.25;
const LEAST_CELLS: usize = 4;
const MOST_CELLS: usize = 24;

/// A cell of constant u' may take so much longer than it would if u' were free, as a share, before it is
/// halved; and so often at most.
const LOSS: f64 = 0.02;
const HALVINGS: u32 = 6;

/// Samples of a cell of constant u'.
const SAMPLES: usize = 9;

/// A cell has so many equal parts, ...
const PARTS: usize = 8;
/// ... and limits are held from the first at these of the points between them.
const HELD: [usize; 3] = [0, PARTS / 2, PARTS];

/// Rounds in which cells that exceed a limit are mended, before the grid is made finer, and by how much it is
/// made finer.
const ROUNDS: usize = 12;
const FINER: [usize; 3] = [1, 3, 9];

/// A cell is halved where it exceeds a limit by more than this share, ...
const COARSE: f64 = 0.02;
/// ... or comes near to one along a curve whose second differences are greater than this.
const BENT: f64 = 0.05;

/// A limit that is exceeded by no more than this, as a share, is so by rounding.
const ROUNDING: f64 = 1e-12;

/// A stop is asked once in so many units of work, a microsecond or two each: a cell of the grid that is gone
/// over. To set one up takes as long as a few of them.
const CELLS_PER_ASK: u32 = 32;
const SET_UP: u32 = 4;

/// What is above any x = u'^2.
const FASTEST: f64 = 1e12;

/// A piece of the law: from `from` on, for `duration` seconds, u = from + rate t + half_rise t^2.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    curve: usize,
    from: f64,
    rate: f64,
    half_rise: f64,
    duration: f64,
}

/// u(t) along a sequence of curves.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeParameterization {
    pieces: Vec<Piece>,
    is_linear: bool,
}

/// Speeds at the ends of a sequence, m/s along the path (rad/s of a turn): zero at rest, `None` where any will
/// do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndSpeeds {
    /// Where it begins.
    pub first: Option<f64>,
    /// Where it ends.
    pub last: Option<f64>,
}

impl TimeParameterization {
    /// The fastest law along `curves`, each of which begins where the one before it ends: at the same
    /// speed where both go the same way, else at rest between.
    ///
    /// `None` where there is none: a curve breaks a limit at any speed, or an end is too fast; also where `stop` is due
    /// before it is found.
    pub fn fastest_until(
        limits: &PathLimits,
        curves: &[Curve],
        ends: EndSpeeds,
        stop: &Stop,
    ) -> Option<Self> {
        let watch = Watch::new(stop, CELLS_PER_ASK);
        let pieces = if limits.has_accelerations() {
            Reach { watch, ..Reach::default() }.along(limits, curves, ends)?
        } else {
            stepwise(limits, curves, watch)?
        };
        Some(Self { pieces, is_linear: !limits.has_accelerations() })
    }

    /// The curves as polynomials of time.
    pub fn trajectory(&self, curves: &[Curve]) -> Trajectory {
        let outputs = curves.first().map_or(0, |curve| curve.outputs().count());
        let power = |curve: &Curve| curve.outputs().map(degree).max().unwrap_or(0);
        let degree = curves.iter().map(power).max().unwrap_or(0) * if self.is_linear { 1 } else { 2 };
        let mut trajectory = Trajectory::new(outputs, degree);
        let mut coefficients = Vec::with_capacity(outputs * (degree + 1));
        for piece in &self.pieces {
            coefficients.clear();
            for output in curves[piece.curve].outputs() {
                coefficients.extend_from_slice(&composed(output, piece)[..=degree]);
            }
            trajectory.push(piece.duration, &coefficients);
        }
        trajectory
    }
}

/// The highest power with a coefficient.
fn degree(p: &Coefficients) -> usize {
    p.iter().rposition(|&c| c != 0.0).unwrap_or(0)
}

/// Powers of time in a polynomial of u, and one.
const POWERS: usize = 2 * CURVE_DEGREE + 1;

/// p(from + rate t + half_rise t^2) in powers of t.
fn composed(p: &Coefficients, piece: &Piece) -> [f64; POWERS] {
    let p = shifted(p, piece.from);
    let mut sum = [0.0; POWERS];
    for c in p.iter().rev() {
        let mut next = [0.0; POWERS];
        next[0] = *c;
        for power in 1..POWERS {
            next[power] += piece.rate * sum[power - 1];
            if power > 1 {
                next[power] += piece.half_rise * sum[power - 2];
            }
        }
        sum = next;
    }
    sum
}

/// Constant u' in each of as few cells as lose little.
fn stepwise(limits: &PathLimits, curves: &[Curve], mut watch: Watch) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    for (index, curve) in curves.iter().enumerate() {
        if watch.is_due(CELLS_PER_ASK) {
            return None;
        }
        step(limits, curve, index, [0.0, 1.0], HALVINGS, &mut pieces)?;
    }
    Some(pieces)
}

fn step(
    limits: &PathLimits,
    curve: &Curve,
    index: usize,
    [from, to]: [f64; 2],
    halvings: u32,
    pieces: &mut Vec<Piece>,
) -> Option<()> {
    let mut paces = [[0.0; 2]; SAMPLES];
    for (i, paces) in paces.iter_mut().enumerate() {
        let u = from + (to - from) * i as f64 / (SAMPLES - 1) as f64;
        *paces = limits.paces(curve, u, |_| {})?;
    }
    // Between samples a smooth function strays from them by an eighth of its second difference.
    let strays = |bound: usize| {
        let second = |p: &[[f64; 2]]| (p[0][bound] - 2.0 * p[1][bound] + p[2][bound]).abs() / 8.0;
        paces.windows(3).map(second).fold(0.0, f64::max)
    };
    let least = paces.iter().map(|p| p[0]).fold(0.0, f64::max);
    let least = if least > 0.0 { least + strays(0) } else { least };
    let most = paces.iter().map(|p| p[1]).fold(f64::INFINITY, f64::min) - strays(1);
    let thirds: f64 = (0..SAMPLES).map(|i| simpson(i, SAMPLES - 1) / paces[i][1]).sum();
    let shortest = thirds / (3 * (SAMPLES - 1)) as f64;
    let fits = most > 0.0 && least <= most;
    if (!fits || 1.0 > most * shortest * (1.0 + LOSS)) && halvings > 0 {
        let middle = 0.5 * (from + to);
        step(limits, curve, index, [from, middle], halvings - 1, pieces)?;
        return step(limits, curve, index, [middle, to], halvings - 1, pieces);
    }
    if !fits || !most.is_finite() {
        return None;
    }
    pieces.push(Piece { curve: index, from, rate: most, half_rise: 0.0, duration: (to - from) / most });
    Some(())
}

/// A cell of the grid and what it demands.
#[derive(Clone, Debug)]
struct Cell {
    curve: usize,
    from: f64,
    width: f64,
    /// x at the next cell's beginning, of x at this one's end: the squared ratio of the curves' stretches.
    ratio: f64,
    /// Rows at its beginning, between its parts, and at its end: as many at each of these points.
    rows: Vec<LimitRow>,
    /// At which of them limits are held.
    is_held: [bool; PARTS + 1],
    /// What the limits are multiplied by in it.
    share: f64,
    /// What it admits.
    feasible: Feasible,
}

/// Whether a cell holds all limits, with x as it is along it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    /// It does.
    Holds,
    /// It does not, but will once the law is found anew: at more points, or smaller shares of the limits.
    Exceeds,
    /// It is to be halved.
    IsCoarse,
}

impl Cell {
    /// `None` where a limit is broken at any speed.
    fn of(limits: &PathLimits, curves: &[Curve], curve: usize, from: f64, width: f64) -> Option<Self> {
        let mut rows = Vec::with_capacity(32);
        for point in 0..=PARTS {
            let u = from + width * point as f64 / PARTS as f64;
            if !limits.rows(&curves[curve], u, |row| rows.push(row)) {
                return None;
            }
        }
        let is_held = std::array::from_fn(|point| HELD.contains(&point));
        let feasible = Feasible::default();
        let mut cell = Self { curve, from, width, ratio: 1.0, rows, is_held, share: 1.0, feasible };
        cell.admit();
        Some(cell)
    }

    fn halves(&self, limits: &PathLimits, curves: &[Curve]) -> Option<[Self; 2]> {
        let half = 0.5 * self.width;
        let first = Self::of(limits, curves, self.curve, self.from, half)?;
        let second = Self::of(limits, curves, self.curve, self.from + half, half)?;
        Some([first, Self { ratio: self.ratio, ..second }])
    }

    /// How many rows there are at each point.
    fn rows_per_point(&self) -> usize {
        self.rows.len() / (PARTS + 1)
    }

    /// Finds what it admits, but for what the next cell does.
    fn admit(&mut self) {
        self.feasible.clear();
        for (point, rows) in self.rows.chunks_exact(self.rows_per_point().max(1)).enumerate() {
            if !self.is_held[point] {
                continue;
            }
            // x there is that at the beginning, and this times u''.
            let ahead = 2.0 * self.width * point as f64 / PARTS as f64;
            for row in rows {
                self.feasible.hold(row, ahead, self.share);
            }
        }
    }

    /// Looks for limits that are exceeded by more than `tolerance`, as a share, where x goes from the first of
    /// these to the second, and sees to it that they will be held.
    fn mend(&mut self, x: [f64; 2], tolerance: f64) -> Finding {
        let (mut slower, mut finding) = (1.0_f64, Finding::Holds);
        for index in 0..self.rows_per_point() {
            let [fast, changed, slow] = self.used(index, x);
            for (values, may_shrink) in [(fast, true), (changed, true), (slow, false)] {
                for SpeedPeak { point, value, is_sharp } in peaks(&values) {
                    if is_sharp || value > 1.0 + COARSE {
                        return Finding::IsCoarse;
                    }
                    if value <= 1.0 + tolerance {
                        continue;
                    }
                    finding = Finding::Exceeds;
                    if std::mem::replace(&mut self.is_held[point], true) {
                        if !may_shrink {
                            return Finding::IsCoarse;
                        }
                        slower = slower.max(value);
                    }
                }
            }
        }
        if finding == Finding::Exceeds {
            self.share /= slower;
            self.admit();
        }
        finding
    }

    /// Which shares of the limits of a row are used at each point: the square of its greatest rate, its
    /// acceleration, and the square of its least rate.
    fn used(&self, index: usize, x: [f64; 2]) -> [[f64; PARTS + 1]; 3] {
        let rise = (x[1] - x[0]) / (2.0 * self.width);
        let [mut fast, mut changed, mut slow] = [[0.0; PARTS + 1]; 3];
        for point in 0..=PARTS {
            let here = x[0] + (x[1] - x[0]) * point as f64 / PARTS as f64;
            let row = &self.rows[point * self.rows_per_point() + index];
            let [least, most] = row.pace().map(|pace| pace * pace);
            fast[point] = here / most;
            changed[point] = (row.rate * rise + row.slope * here).abs() / row.acceleration;
            slow[point] = if least > 0.0 { least / here } else { 0.0 };
        }
        [fast, changed, slow]
    }
}

/// The greatest value of a parabola through three values in a row.
struct SpeedPeak {
    /// The point nearest to it.
    point: usize,
    value: f64,
    /// Whether the values bend so much near 1 that a parabola says little of what lies between them.
    is_sharp: bool,
}

/// The peaks of parabolas through three values in a row, where they may be above 1.
fn peaks(values: &[f64; PARTS + 1]) -> impl Iterator<Item = SpeedPeak> {
    let bends: [f64; PARTS - 1] = std::array::from_fn(|i| values[i] - 2.0 * values[i + 1] + values[i + 2]);
    // Values that are not negative bend by twice the greatest at most.
    let is_low = values.iter().all(|&value| value < 1.0 / 3.0);
    values.windows(3).enumerate().filter(move |_| !is_low).filter_map(move |(i, v)| {
        // Its neighbours too, as where it turns from one side to the other it bends little itself.
        let around = &bends[i.saturating_sub(1)..(i + 2).min(PARTS - 1)];
        let most = around.iter().fold(0.0, |most: f64, bend| most.max(bend.abs()));
        if v[0].max(v[1]).max(v[2]) + most <= 1.0 {
            return None;
        }
        let (slope, bend) = (0.5 * (v[2] - v[0]), bends[i]);
        let at = if bend < 0.0 { (-slope / bend).clamp(-1.0, 1.0) } else { 1.0_f64.copysign(slope) };
        let value = v[1] + at * (slope + 0.5 * at * bend);
        Some(SpeedPeak { point: (i as f64 + 1.0 + at).round() as usize, value, is_sharp: most > BENT })
    })
}

/// A half plane a <= slope x + offset, or a >= ....
#[derive(Clone, Copy, Debug)]
struct Line {
    slope: f64,
    offset: f64,
}

impl Line {
    fn at(&self, x: f64) -> f64 {
        self.slope * x + self.offset
    }
}

/// The pairs (x, u'') that a cell admits.
#[derive(Clone, Debug, Default)]
struct Feasible {
    /// u'' is at most each of these, of which the first leads to the greatest x of the next cell, ...
    above: Vec<Line>,
    /// ... and at least each of these, of which the first leads to the least.
    below: Vec<Line>,
    /// Bounds of x itself.
    x: [f64; 2],
}

/// The intervals from which the end can be reached, and what finds them.
#[derive(Debug, Default)]
struct Reach {
    cells: Vec<Cell>,
    /// Intervals of x at the beginning of each cell, and at the end of the last.
    intervals: Vec<[f64; 2]>,
    x: Vec<f64>,
    watch: Watch,
}

impl Reach {
    fn along(mut self, limits: &PathLimits, curves: &[Curve], ends: EndSpeeds) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut first = 0;
        for last in 0..curves.len() {
            let stops = curves.get(last + 1).is_none_or(|next| curves[last].direction.stops_before(next.direction));
            if stops {
                let speeds = [
                    if first == 0 { ends.first } else { Some(0.0) },
                    if last + 1 == curves.len() { ends.last } else { Some(0.0) },
                ];
                self.run(limits, curves, first..last + 1, speeds, &mut pieces)?;
                first = last + 1;
            }
        }
        Some(pieces)
    }

    /// The law along curves that are driven without a stop.
    fn run(
        &mut self,
        limits: &PathLimits,
        curves: &[Curve],
        run: Range<usize>,
        speeds: [Option<f64>; 2],
        pieces: &mut Vec<Piece>,
    ) -> Option<()> {
        let square = |curve: &Curve, u: f64, speed: f64| {
            let rate = if curve.direction == DriveDirection::Pivot { curve.heading_reference_at(u)[1].abs() } else { limits.stretch(curve, u)[0] };
            if speed == 0.0 { 0.0 } else { (speed / rate).powi(2) }
        };
        let first = speeds[0].map(|speed| square(&curves[run.start], 0.0, speed));
        let last = speeds[1].map(|speed| square(&curves[run.end - 1], 1.0, speed));
        FINER.into_iter().find_map(|finer| self.solve(limits, curves, run.clone(), finer, [first, last]))?;
        for (cell, x) in self.cells.iter().zip(self.x.chunks_exact(2)) {
            let [x, next] = [x[0], x[1]];
            pieces.push(Piece {
                curve: cell.curve,
                from: cell.from,
                rate: x.sqrt(),
                half_rise: (next - x) / (4.0 * cell.width),
                duration: 2.0 * cell.width / (x.sqrt() + next.sqrt()),
            });
        }
        pieces.iter().all(|p| p.duration.is_finite() && p.duration > 0.0).then_some(())
    }

    /// The law on a grid of so many times the usual number of cells; `None` also where that proves too coarse.
    fn solve(
        &mut self,
        limits: &PathLimits,
        curves: &[Curve],
        run: Range<usize>,
        finer: usize,
        [first, last]: [Option<f64>; 2],
    ) -> Option<()> {
        self.divide(limits, curves, run, finer)?;
        for _ in 0..ROUNDS {
            self.reach_back(first, last)?;
            self.go(first, last)?;
            if self.mend(limits, curves)? {
                return Some(());
            }
        }
        None
    }

    /// Divides the curves into cells.
    fn divide(
        &mut self,
        limits: &PathLimits,
        curves: &[Curve],
        run: Range<usize>,
        finer: usize,
    ) -> Option<()> {
        self.cells.clear();
        for index in run.clone() {
            let curve = &curves[index];
            let estimate = limits.shortest(curve, f64::INFINITY)?;
            let least = limits.least_cells(run.len(), LEAST_CELLS);
            let count = ((estimate / SECONDS_PER_CELL).ceil() as usize).clamp(least, MOST_CELLS) * finer;
            let width = 1.0 / count as f64;
            for i in 0..count {
                if self.watch.is_due(SET_UP) {
                    return None;
                }
                self.cells.push(Cell::of(limits, curves, index, i as f64 * width, width)?);
            }
            if index + 1 < run.end
                && curve.direction != DriveDirection::Pivot
                && let Some(cell) = self.cells.last_mut()
            {
                let [before, after] = [limits.stretch(curve, 1.0), limits.stretch(&curves[index + 1], 0.0)];
                cell.ratio = (before[0] / after[0]).powi(2);
            }
        }
        Some(())
    }

    /// From the end back: the intervals from which it can be reached.
    fn reach_back(&mut self, first: Option<f64>, last: Option<f64>) -> Option<()> {
        self.intervals.clear();
        self.intervals.resize(self.cells.len() + 1, last.map_or([0.0, FASTEST], |last| [last; 2]));
        for i in (0..self.cells.len()).rev() {
            if self.watch.is_due(1) {
                return None;
            }
            let cell = &mut self.cells[i];
            let next = self.intervals[i + 1].map(|x| x / cell.ratio);
            cell.feasible.lead_to(next, cell.width);
            self.intervals[i] = cell.feasible.interval()?;
        }
        let [least, most] = self.intervals[0];
        let within = |first: f64| {
            let slack = 1e-9 * first.max(1.0);
            least - slack <= first && first <= most + slack
        };
        first.is_none_or(within).then_some(())
    }

    /// From the beginning on, as fast as the intervals allow: x at both ends of each cell.
    fn go(&mut self, first: Option<f64>, last: Option<f64>) -> Option<()> {
        self.x.clear();
        let mut x = first.unwrap_or(self.intervals[0][1]);
        for i in 0..self.cells.len() {
            let cell = &self.cells[i];
            let next = self.intervals[i + 1].map(|x| x / cell.ratio);
            let rise = cell.feasible.greatest(x);
            let mut reached = (x + 2.0 * cell.width * rise).clamp(next[0], next[1]);
            if let (Some(last), true) = (last, i + 1 == self.cells.len()) {
                reached = last;
            }
            if !(reached >= 0.0 && x + reached > 0.0) {
                return None;
            }
            self.x.extend([x, reached]);
            x = reached * cell.ratio;
        }
        Some(())
    }

    /// Mends the cells that exceed a limit; tells whether there are none. `None` where a limit is broken at
    /// any speed.
    fn mend(&mut self, limits: &PathLimits, curves: &[Curve]) -> Option<bool> {
        // Half of the margin is there for this.
        let tolerance = (0.5 * limits.margin()).max(ROUNDING);
        let mut holds = true;
        let mut cells = Vec::with_capacity(self.cells.len() + 8);
        for (mut cell, x) in self.cells.drain(..).zip(self.x.chunks_exact(2)) {
            if self.watch.is_due(1) {
                return None;
            }
            match cell.mend([x[0], x[1]], tolerance) {
                Finding::IsCoarse => cells.extend(cell.halves(limits, curves)?),
                finding => {
                    holds &= finding == Finding::Holds;
                    cells.push(cell);
                    continue;
                }
            }
            holds = false;
        }
        self.cells = cells;
        Some(holds)
    }
}

impl Feasible {
    /// No limits yet; the first line on each side is in the place of those by where it is to lead.
    fn clear(&mut self) {
        for lines in [&mut self.above, &mut self.below] {
            lines.clear();
            lines.push(Line { slope: 0.0, offset: 0.0 });
        }
        self.x = [0.0, FASTEST];
    }

    /// Holds a row within a share of its limits, where x is that at the beginning and `ahead` times u''.
    fn hold(&mut self, row: &LimitRow, ahead: f64, share: f64) {
        let [least, most] = row.pace().map(|pace| (pace * pace).min(FASTEST));
        self.demand(ahead, 1.0, most * share);
        self.demand(-ahead, -1.0, -least);
        if row.acceleration.is_finite() {
            let (of_rise, of_x) = (row.rate + ahead * row.slope, row.slope);
            self.demand(of_rise, of_x, row.acceleration * share);
            self.demand(-of_rise, -of_x, row.acceleration * share);
        }
    }

    /// x at the end of a cell so wide is to lie between these.
    fn lead_to(&mut self, next: [f64; 2], width: f64) {
        let line = |x: f64| Line { slope: -0.5 / width, offset: 0.5 * x / width };
        (self.below[0], self.above[0]) = (line(next[0]), line(next[1]));
    }

    /// Demands of_rise u'' + of_x x <= most.
    fn demand(&mut self, of_rise: f64, of_x: f64, most: f64) {
        if of_rise.abs() <= 1e-12 * of_x.abs().max(1e-12) {
            let bound = most / of_x;
            match of_x {
                x if x > 0.0 => self.x[1] = self.x[1].min(bound),
                x if x < 0.0 => self.x[0] = self.x[0].max(bound),
                _ => {}
            }
            return;
        }
        let line = Line { slope: -of_x / of_rise, offset: most / of_rise };
        if of_rise > 0.0 { self.above.push(line) } else { self.below.push(line) }
    }

    /// The least of the upper bounds of u'' at `x`, and the greatest of the lower ones.
    fn bounds(&self, x: f64) -> [Line; 2] {
        let free = |offset| Line { slope: 0.0, offset };
        let least = |a: Line, b: &Line| if b.at(x) < a.at(x) { *b } else { a };
        let greatest = |a: Line, b: &Line| if b.at(x) > a.at(x) { *b } else { a };
        [self.above.iter().fold(free(f64::MAX), least), self.below.iter().fold(free(-f64::MAX), greatest)]
    }

    /// The greatest u'' at `x`.
    fn greatest(&self, x: f64) -> f64 {
        self.bounds(x)[0].at(x)
    }

    /// All x for which there is some u''. How much room there is for it is a concave function of x, so
    /// that Newton's method finds where it vanishes from outside, in as many steps as there are lines.
    fn interval(&self) -> Option<[f64; 2]> {
        let [least, most] = self.x;
        let end = |mut x: f64, is_upper: bool| {
            for _ in 0..100 {
                let [above, below] = self.bounds(x);
                let room = above.at(x) - below.at(x);
                let size = above.at(x).abs().max(below.at(x).abs()).min(f64::MAX);
                if room >= -1e-10 * size {
                    return Some(x);
                }
                let slope = above.slope - below.slope;
                if (slope < 0.0) != is_upper || slope == 0.0 {
                    return None;
                }
                x -= room / slope;
                if !(least <= x && x <= most) {
                    // What is left may be the end itself, but for rounding.
                    let near = if is_upper { least } else { most };
                    let is_rounding = (x - near).abs() <= 1e-12 * near.abs().max(1e-12);
                    return is_rounding.then_some(near);
                }
            }
            None
        };
        if least > most {
            return None;
        }
        let most = end(most, true)?;
        Some([end(least, false)?.min(most), most])
    }
}

#[cfg(test)]
mod tests {
    use super::super::curve::PathState;
    use super::*;
    use crate::base::{Airplane, Base, Car, DifferentialDrive, DriveAcceleration, Trailer};
    use crate::pose::Pose;
    use crate::robot::{JointLimits, Mechanism, Robot};
    use proptest::prelude::*;

    impl EndSpeeds {
        /// From rest to rest.
        const REST: Self = Self { first: Some(0.0), last: Some(0.0) };
    }

    impl TimeParameterization {
        fn fastest(limits: &PathLimits, curves: &[Curve], ends: EndSpeeds) -> Option<Self> {
            Self::fastest_until(limits, curves, ends, &Stop::NEVER)
        }

        /// Duration of the whole, seconds.
        fn duration(&self) -> f64 {
            self.pieces.iter().map(|p| p.duration).sum()
        }
    }

    fn limits_of(base: Base) -> PathLimits {
        let none = vec![JointLimits::NONE; base.coordinates().len()];
        let robot = Robot::of_spheres("body", Vec::new()).on_base(base, &none, Vec::new());
        let all = robot.independent_joints();
        PathLimits::of(&Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).unwrap()).unwrap()
    }

    fn drive(acceleration: Option<DriveAcceleration>) -> Base {
        Base::DifferentialDrive(DifferentialDrive {
            speed: [-0.3, 0.5],
            turn_rate: [-0.5, 0.6],
            acceleration,
        })
    }

    const BOTH: Option<DriveAcceleration> = Some(DriveAcceleration { linear: 0.25, angular: 0.3 });

    fn car(acceleration: f64, steering_rate: f64, trailer: Option<Trailer>) -> Base {
        let (wheelbase, speed, steering) = (0.25, [-0.1, 0.5], 1.4);
        Base::Car(Car { wheelbase, speed, steering, steering_rate, acceleration, trailer })
    }

    fn airplane() -> Base {
        Base::Airplane(Airplane {
            speed: [0.0, 0.3],
            acceleration: 0.3,
            yaw_rate: 0.8,
            pitch_rate: 0.8,
            pitch: 1.2,
        })
    }

    fn bases() -> Vec<Base> {
        vec![
            drive(None),
            drive(BOTH),
            car(f64::INFINITY, f64::INFINITY, None),
            car(0.4, 0.5, None),
            car(f64::INFINITY, f64::INFINITY, Some(Trailer { hitch_length: 0.5, angle: 1.4 })),
            car(0.4, 0.8, Some(Trailer { hitch_length: 0.5, angle: 1.4 })),
            airplane(),
        ]
    }

    /// Curves through stances without curvature, and a turn between where the base can.
    fn chain(limits: &PathLimits, stances: &[[f64; 5]], backs: &[bool]) -> Vec<Curve> {
        let stance = |[x, y, z, heading, pitch]: [f64; 5]| PathState {
            place: [x, y, if limits.is_spatial() { z } else { 0.0 }],
            heading,
            pitch: if limits.is_spatial() { pitch } else { 0.0 },
            curvature: (!limits.is_spatial()).then_some(0.0),
            curvature_rate: limits.needs_curvature_rate().then_some(0.0),
            ..PathState::default()
        };
        let mut curves: Vec<Curve> = Vec::new();
        for (pair, &is_back) in stances.windows(2).zip(backs) {
            let direction = if is_back && !limits.is_spatial() { DriveDirection::Reverse } else { DriveDirection::Forward };
            let [from, to] = [stance(pair[0]), stance(pair[1])];
            let joined = Curve::join(&from, &to, direction, [2.0; 2], limits.is_spatial());
            let Some(curve) = joined.and_then(Curve::with_heading_reference) else { break };
            if !limits.admits(&curve, 64) {
                break;
            }
            let heading = curves.last().map_or(from.heading, |last| last.stance(1.0).heading);
            curves.push(curve.turned_to(heading));
            if limits.turns_on_the_spot() && is_back {
                break;
            }
        }
        if limits.turns_on_the_spot()
            && let Some(last) = curves.last()
        {
            let end = last.stance(1.0);
            curves.push(Curve::turn(&end, end.heading - 2.0, &[]));
        }
        curves
    }

    fn rate(sample: &crate::base::Sample, name: &str) -> f64 {
        sample.limits.iter().find(|l| l.name == name).map_or(0.0, |l| l.value)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// At every one of many samples the base is within all of its limits, as its own map has them; the
        /// outputs are continuous, the speed too where accelerations are limited, and the ends are exact.
        #[test]
        fn laws_hold_all_limits(
            stances in prop::collection::vec(
                (-1.5..1.5, -1.5..1.5, -0.5..0.5, -3.0..3.0, -0.6..0.6).prop_map(|(x, y, z, h, p)| [x, y, z, h, p]),
                4,
            ),
            backs in prop::collection::vec(any::<bool>(), 3),
        ) {
            for base in bases() {
                let limits = limits_of(base.clone());
                let curves = chain(&limits, &stances, &backs);
                if curves.is_empty() {
                    continue;
                }
                // There need not be one where a limit is broken between the samples that let the curve pass.
                let Some(law) = TimeParameterization::fastest(&limits, &curves, EndSpeeds::REST) else { continue };
                let trajectory = law.trajectory(&curves);
                prop_assert!((trajectory.duration() - law.duration()).abs() < 1e-9);
                let jump = trajectory.greatest_jump(0).map_or(0.0, |j| j.size.abs());
                prop_assert!(jump < 1e-11, "{jump}");
                // A trailer's car, across its path, has any speed where it comes to rest: 0 / 0 in rounding.
                let has_trailer = matches!(&base, Base::Car(car) if car.trailer.is_some());
                let mut speed = (limits.has_accelerations() && !has_trailer).then_some(0.0);
                for segment in trajectory.segments() {
                    for i in 0..=40 {
                        let t = segment.duration * f64::from(i) / 40.0;
                        let sample = base.unflatten(&base.flat(&segment, t)).unwrap();
                        // Where it rests at an end, the map's limit is that of the rounding there.
                        let inside = 0 < i && i < 40;
                        for limit in sample.limits.iter().filter(|_| inside) {
                            let slack = 1e-3 * limit.lower.abs().min(limit.upper.abs());
                            prop_assert!(limit.excess() <= slack, "{base:?} {limit} at {t} of {segment:?}");
                        }
                        if let Some(last) = speed {
                            let here = rate(&sample, "speed");
                            prop_assert!(i > 0 || (here - last).abs() < 1e-6, "{last} {here}");
                            speed = Some(here);
                        }
                    }
                }
                prop_assert!(speed.is_none_or(|v| v.abs() < 1e-9));
                let (first, last) = (curves[0].stance(0.0), curves[curves.len() - 1].stance(1.0));
                for (time, stance) in [(0.0, first), (trajectory.duration(), last)] {
                    let mut outputs = [0.0; 3];
                    trajectory.evaluate(time, 0, &mut outputs);
                    for (got, wanted) in outputs.iter().zip(&stance.place[..2]) {
                        prop_assert!((got - wanted).abs() < 1e-12);
                    }
                }
            }
        }
    }

    fn straight(length: f64) -> Curve {
        let from = PathState { curvature: Some(0.0), ..PathState::default() };
        let to = PathState { place: [length, 0.0, 0.0], ..from.clone() };
        Curve::line(&from, &to, DriveDirection::Forward)
    }

    /// Where the fastest law is known: a trapezoid of speed along a line and of turn rate on the spot.
    #[test]
    fn lines_and_turns_are_trapezoids() {
        let limits = limits_of(drive(BOTH)).with_margin(0.0);
        let duration = |curve| TimeParameterization::fastest(&limits, &[curve], EndSpeeds::REST).unwrap().duration();
        // Two seconds each to speed up and to slow down, with a metre on the way.
        assert!((duration(straight(3.0)) - 8.0).abs() < 0.05, "{}", duration(straight(3.0)));
        let turn = Curve::turn(&PathState::default(), 2.0, &[]);
        assert!((duration(turn) - (2.0 / 0.6 + 0.6 / 0.3)).abs() < 0.05);
        let first_order = limits_of(drive(None)).with_margin(0.0);
        let law = TimeParameterization::fastest(&first_order, &[straight(3.0)], EndSpeeds::REST).unwrap();
        assert!((law.duration() - 6.0).abs() < 1e-9 && law.pieces.len() == 1);
    }

    #[test]
    fn ends_may_be_at_speed() {
        let limits = limits_of(drive(BOTH));
        let ends = EndSpeeds { first: Some(0.4), last: Some(0.2) };
        let curves = [straight(2.0)];
        let trajectory = TimeParameterization::fastest(&limits, &curves, ends).unwrap().trajectory(&curves);
        let mut velocity = [0.0; 3];
        trajectory.evaluate(0.0, 1, &mut velocity);
        assert!((velocity[0] - 0.4).abs() < 1e-12);
        trajectory.evaluate(trajectory.duration(), 1, &mut velocity);
        assert!((velocity[0] - 0.2).abs() < 1e-9);
        // It cannot stop within 0.1 m from 0.4 m/s.
        assert_eq!(
            TimeParameterization::fastest(&limits, &[straight(0.1)], EndSpeeds { first: Some(0.4), ..EndSpeeds::REST }),
            None
        );
    }

    /// A drive that must not be slower than 0.25 m/s cannot bend more than its turn rate allows then.
    #[test]
    fn least_speeds_limit_curvatures() {
        let base = |turn_rate| DifferentialDrive { speed: [0.25, 0.5], turn_rate, acceleration: None };
        let from = PathState::default();
        let to = PathState { place: [1.0, 1.0, 0.0], heading: std::f64::consts::FRAC_PI_2, ..PathState::default() };
        let left = [Curve::join(&from, &to, DriveDirection::Forward, [1.5; 2], false).unwrap()];
        let left = left.map(|curve| curve.with_heading_reference().unwrap());
        let law = |turn_rate| {
            let limits = limits_of(Base::DifferentialDrive(base(turn_rate)));
            TimeParameterization::fastest(&limits, &left, EndSpeeds::REST)
        };
        assert!(law([-0.5, 0.5]).is_some());
        assert!(law([-0.5, 0.2]).is_none());
        assert!(law([-0.5, 0.0]).is_none());
    }
}

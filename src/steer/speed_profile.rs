//! How long curves take, estimated: the time parameterization of [`super::TimeParameterization`] on a coarse grid, by length.

use super::path_limits::{PathLimits, LimitRow};
use super::curve::Curve;

/// Cells of a curve; an even number.
const CELLS: usize = 8;

/// A speed whose square stands for none, where nothing limits it.
const FASTEST: f64 = 1e6;

/// Newton steps by which the greatest speed is found from which the next one is reached.
const NEWTON_STEPS: usize = 16;

/// What a limit leaves for the change `a` of speed where its square is x:
/// slope x - offset <= a <= slope x + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
struct SpeedBand {
    slope: f64,
    offset: f64,
}

/// A limit of acceleration by length: |rate a + curvature_ratio x| <= most.
#[derive(Clone, Copy, Debug)]
struct Term {
    rate: f64,
    curvature_ratio: f64,
    most: f64,
}

impl Term {
    /// What it leaves for `a` at the beginning of a way, if x is that there and the term what it is at the
    /// end of the way `ahead`, and the greatest x where it leaves all for `a`.
    fn band(&self, ahead: f64) -> (SpeedBand, f64) {
        let rate = self.rate + 2.0 * ahead * self.curvature_ratio;
        if rate.abs() <= 1e-9 * self.curvature_ratio.abs() {
            return (SpeedBand { slope: 0.0, offset: f64::INFINITY }, self.most / self.curvature_ratio.abs());
        }
        (SpeedBand { slope: -self.curvature_ratio / rate, offset: self.most / rate.abs() }, f64::INFINITY)
    }
}

/// What speeds a curve allows, at samples.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeedProfile {
    /// Length of each cell, m (of a turn: units of u).
    ways: [f64; CELLS],
    /// Greatest square of the speed at their ends.
    squares: [f64; CELLS + 1],
    /// Of each cell in turn, as many as there are limits of acceleration, twice: where it begins and where it
    /// ends.
    bands: Vec<SpeedBand>,
    /// As of [`PathLimits::shortest`].
    pub duration: f64,
}

impl SpeedProfile {
    fn bands(&self, cell: usize) -> &[SpeedBand] {
        let count = self.bands.len() / CELLS;
        &self.bands[cell * count..][..count]
    }

    /// The greatest x where a cell begins from which `next` is not exceeded where it ends.
    fn greatest_before(&self, cell: usize, next: f64) -> f64 {
        let mut x = self.squares[cell];
        let rate = 0.5 / self.ways[cell];
        // How much room there is for `a` is concave in x, and there is some at 0.
        for _ in 0..NEWTON_STEPS {
            let (mut above, mut below) = ((rate * (next - x), -rate), (-rate * x, -rate));
            for &SpeedBand { slope, offset } in self.bands(cell) {
                let (upper, lower) = (slope * x + offset, slope * x - offset);
                above = if upper < above.0 { (upper, slope) } else { above };
                below = if lower > below.0 { (lower, slope) } else { below };
            }
            let room = above.0 - below.0;
            if room >= -1e-9 * (above.0.abs() + below.0.abs()) {
                return x;
            }
            x = (x - room / (above.1 - below.1)).max(0.0);
        }
        x
    }

    /// The greatest x where a cell ends that begins with `x`.
    fn greatest_after(&self, cell: usize, x: f64) -> f64 {
        let rise = self.bands(cell).iter().map(|band| band.slope * x + band.offset).fold(FASTEST, f64::min);
        (x + 2.0 * self.ways[cell] * rise).clamp(0.0, self.squares[cell + 1])
    }
}

/// Weight of a sample in Simpson's rule over so many cells, in thirds of a cell.
pub(super) fn simpson(sample: usize, cells: usize) -> f64 {
    if sample == 0 || sample == cells { 1.0 } else { 2.0 + 2.0 * (sample % 2) as f64 }
}

/// Share of a sample in the mean over a curve.
fn weight(sample: usize) -> f64 {
    simpson(sample, CELLS) / (3 * CELLS) as f64
}

impl PathLimits {
    /// The profile of a curve; `None` where it breaks a limit at one of its samples.
    pub fn profile(&self, curve: &Curve) -> Option<SpeedProfile> {
        let mut profile = SpeedProfile {
            ways: [0.0; CELLS],
            squares: [FASTEST * FASTEST; CELLS + 1],
            bands: Vec::new(),
            duration: 0.0,
        };
        let mut stretch_before = 0.0;
        let [mut terms_before, mut terms] = [const { Vec::new() }; 2];
        for i in 0..=CELLS {
            let u = i as f64 / CELLS as f64;
            let [stretch, stretched] = self.stretch(curve, u);
            std::mem::swap(&mut terms_before, &mut terms);
            terms.clear();
            let [_, most] = self.paces(curve, u, |row| {
                if row.acceleration.is_finite() {
                    let rate = row.rate / stretch;
                    let curvature_ratio = (row.slope - rate * stretched) / (stretch * stretch);
                    terms.push(Term { rate, curvature_ratio, most: row.acceleration });
                }
            })?;
            profile.duration += weight(i) / most;
            profile.squares[i] = profile.squares[i].min((most * stretch).powi(2));
            if i > 0 {
                let way = 0.5 * (stretch_before + stretch) / CELLS as f64;
                profile.ways[i - 1] = way;
                let ends = [(&terms_before, 0.0), (&terms, way)];
                for (term, ahead) in ends.into_iter().flat_map(|(t, ahead)| t.iter().map(move |t| (t, ahead)))
                {
                    let (band, most) = term.band(ahead);
                    profile.bands.push(band);
                    profile.squares[i - 1] = profile.squares[i - 1].min(most);
                }
            }
            stretch_before = stretch;
        }
        debug_assert_eq!(profile.bands.len() % CELLS, 0, "as many limits at every sample");
        profile.duration.is_finite().then_some(profile)
    }

    /// The duration of a curve at the greatest speeds that rates allow, by Simpson's rule, seconds; `None`
    /// where it breaks a limit at one of its samples, or takes no less than `longest`.
    pub fn shortest(&self, curve: &Curve, longest: f64) -> Option<f64> {
        let mut duration = 0.0;
        for i in 0..=CELLS {
            let [_, most] = self.paces(curve, i as f64 / CELLS as f64, |_| {})?;
            duration += weight(i) / most;
            if duration >= longest {
                return None;
            }
        }
        duration.is_finite().then_some(duration)
    }

    /// The least and the greatest u' that rates allow; `None` where a limit is broken at any. Each row is seen
    /// by `each`.
    #[inline]
    pub(super) fn paces(&self, curve: &Curve, u: f64, mut each: impl FnMut(&LimitRow)) -> Option<[f64; 2]> {
        let [mut least, mut most] = [0.0_f64, f64::INFINITY];
        let is_sound = self.rows(curve, u, |row| {
            let [a, b] = row.pace();
            (least, most) = (least.max(a), most.min(b));
            each(&row);
        });
        (is_sound && least <= most).then_some([least, most])
    }

    /// Estimates how long each of a sequence of curves takes, seconds. Speeds at the ends as for
    /// [`super::TimeParameterization`].
    pub fn estimate(&self, curves: &[(&Curve, &SpeedProfile)], ends: [Option<f64>; 2]) -> Vec<f64> {
        if !self.has_accelerations() {
            return curves.iter().map(|(_, profile)| profile.duration).collect();
        }
        let mut squares: Vec<[f64; CELLS + 1]> = curves.iter().map(|(_, profile)| profile.squares).collect();
        let stops =
            |i: usize| i == 0 || i == curves.len() || curves[i - 1].0.direction.stops_before(curves[i].0.direction);
        let at_stop = |i: usize| match i {
            0 => ends[0].map_or(f64::INFINITY, |speed| speed * speed),
            i if i == curves.len() => ends[1].map_or(f64::INFINITY, |speed| speed * speed),
            _ => 0.0,
        };
        let mut last = 0.0;
        for (i, (_, profile)) in curves.iter().enumerate().rev() {
            last = if stops(i + 1) { at_stop(i + 1) } else { last };
            squares[i][CELLS] = squares[i][CELLS].min(last);
            for k in (0..CELLS).rev() {
                squares[i][k] = profile.greatest_before(k, squares[i][k + 1]);
            }
            last = squares[i][0];
        }
        let mut durations = Vec::with_capacity(curves.len());
        for (i, (_, profile)) in curves.iter().enumerate() {
            last = if stops(i) { at_stop(i) } else { last };
            squares[i][0] = squares[i][0].min(last);
            let mut duration = 0.0;
            for k in 0..CELLS {
                let reached = profile.greatest_after(k, squares[i][k]);
                squares[i][k + 1] = squares[i][k + 1].min(reached);
                duration += 2.0 * profile.ways[k] / (squares[i][k].sqrt() + squares[i][k + 1].sqrt());
            }
            last = squares[i][CELLS];
            durations.push(duration);
        }
        durations
    }
}

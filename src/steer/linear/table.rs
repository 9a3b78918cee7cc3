//! The best duration of a connection of any linear system, by a table of its Gramians. Imports `matrix` and `moments`.

use super::matrix::Factor;
use super::moments::{Moment, Moments};

/// The system over durations that grow by a constant ratio.
#[derive(Clone, Debug)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    duration: f64,
    moment: Moment,
    factor: Factor,
    /// The Gramian's diagonal.
    variances: Vec<f64>,
}

impl Row {
    /// No more than what a connection costs that takes this long.
    fn at_least(&self, missed: &[f64]) -> f64 {
        let least = missed.iter().zip(&self.variances).map(|(z, variance)| z * z / variance).fold(0.0, f64::max);
        self.duration + least
    }
}

/// How durations are spread.
struct TableSettings {
    /// The shortest and the longest, in multiples of the system's time scale. Where a connection takes less than the
    /// shortest, its cost is known no better than that; where more than the longest, it is not found.
    span: [f64; 2],
    /// Each is longer than the one before by this ratio: between two of them a cost has one minimum at most.
    ratio: f64,
    /// Where a cost is at least so many times the best, it is not below the best a step before or after.
    dear: f64,
}

impl TableSettings {
    const DEFAULT: Self = Self { span: [1e-3, 1e3], ratio: 1.15, dear: 1.5 };
}

/// A bracket this narrow, as a share of its durations, holds a minimum whose cost is exact to the square of that.
const NARROW: f64 = 1e-12;

/// Steps after which a bracket is as narrow as it gets.
const STEPS: usize = 100;

impl Table {
    pub(super) fn new(moments: &Moments) -> Self {
        let TableSettings { span: [shortest, longest], ratio, .. } = TableSettings::DEFAULT;
        let scale = moments.time_scale();
        let count = ((longest / shortest).ln() / ratio.ln()).ceil() as i32;
        let durations = (0..=count).map(|k| scale * shortest * ratio.powi(k));
        let row = |duration: f64| {
            let moment = moments.at(duration);
            let factor = Factor::of(&moment.gramian)?;
            let variances = (0..moment.drift.len()).map(|i| moment.gramian.get(i, i)).collect();
            Some(Row { duration, moment, factor, variances })
        };
        Self { rows: durations.filter_map(row).collect() }
    }

    /// Cost and duration of the cheapest connection, where it costs less than `below`.
    pub(super) fn cheapest(&self, moments: &Moments, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        if from == to {
            return (below > 0.0).then_some([0.0; 2]);
        }
        let mut best = [below, f64::INFINITY];
        let evaluated = |row: &Row, missed: &[f64]| moments.cost_of(row.duration, missed, &row.factor, to);
        let mut shorter: Option<(&Row, Option<[f64; 2]>)> = None;
        for row in &self.rows {
            let missed = row.moment.missed(from, to);
            let falls_before = shorter.and_then(|(_, there)| there).is_some_and(|[_, slope]| slope < 0.0);
            // Most durations are told to be too dear by a single state.
            if row.at_least(&missed) >= TableSettings::DEFAULT.dear * best[0] && !falls_before {
                shorter = Some((row, None));
                continue;
            }
            let here = evaluated(row, &missed);
            if here[0] < best[0] {
                best = [here[0], row.duration];
            }
            if here[1] >= 0.0
                && let Some((before, there)) = shorter
                && there.unwrap_or_else(|| evaluated(before, &before.moment.missed(from, to)))[1] < 0.0
                && let Some(found) = minimum(moments, from, to, [before.duration, row.duration])
                && found[0] < best[0]
            {
                best = found;
            }
            // A connection costs more than it takes.
            if row.duration >= best[0] {
                break;
            }
            shorter = Some((row, Some(here)));
        }
        best[1].is_finite().then_some(best)
    }
}

/// The minimum of the cost between two durations, at the first of which it falls and at the second rises: a root of its
/// slope by the Illinois method, a secant that counts an end that stays for half.
fn minimum(moments: &Moments, from: &[f64], to: &[f64], [mut a, mut b]: [f64; 2]) -> Option<[f64; 2]> {
    let slope = |t: f64| moments.cost_in(t, from, to);
    let (mut fa, mut fb) = (slope(a)?[1], slope(b)?[1]);
    let mut found = None;
    let mut was_below = None;
    for _ in 0..STEPS {
        let secant = a - fa * (b - a) / (fb - fa);
        let t = if secant > a && secant < b { secant } else { 0.5 * (a + b) };
        let [cost, here] = slope(t)?;
        found = Some([cost, t]);
        if here == 0.0 || b - a <= NARROW * b {
            break;
        }
        let is_below = here < 0.0;
        let stays = was_below == Some(is_below);
        if is_below {
            (a, fa) = (t, here);
            fb *= if stays { 0.5 } else { 1.0 };
        } else {
            (b, fb) = (t, here);
            fa *= if stays { 0.5 } else { 1.0 };
        }
        was_below = Some(is_below);
    }
    found
}

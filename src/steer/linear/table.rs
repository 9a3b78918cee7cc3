//! The best duration of a connection of any linear system, by a table of its Gramians. Imports `matrix` and `moments`.

use super::matrix::{Factor, dot};
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
    /// Whether a connection that takes this long is told to cost so much by what a single state is missed by. Mostly the
    /// first states tell, so that no more is worked out.
    fn costs(&self, from: &[f64], to: &[f64], cost: f64) -> bool {
        let Moment { transition, drift, .. } = &self.moment;
        (0..to.len()).any(|i| {
            let missed = to[i] - dot(transition.row(i), from) - drift[i];
            self.duration + missed * missed / self.variances[i] >= cost
        })
    }
}

/// How durations are spread.
struct TableSettings {
    /// The shortest and the longest, in multiples of the system's time scale. Where a connection takes less than the
    /// shortest, its cost is known no better than that; where more than the longest, it is not found.
    span: [f64; 2],
    /// Each is longer than the one before by this ratio at most: between two of them a cost has one minimum at most.
    ratio: f64,
    /// And where the system may swing, by so many of its time scales: no swing of it is faster than one radian in a time
    /// scale, nor of a cost, which is of squares, than two, so that these are nine to a swing. ...
    swing: f64,
    /// ... Up to so many time scales: what takes longer than ten swings is no edge of a search.
    swings_until: f64,
    /// Where a cost is at least so many times the best, it is not below the best a step before or after.
    dear: f64,
}

impl TableSettings {
    const DEFAULT: Self =
        Self { span: [1e-3, 1e3], ratio: 1.15, swing: 0.35, swings_until: 64.0, dear: 1.5 };
}

/// A cost is exact to this share of it.
const EXACT: f64 = 1e-12;

/// Steps after which a bracket is as narrow as it gets.
const STEPS: usize = 100;

impl Table {
    pub(super) fn new(moments: &Moments) -> Self {
        let TableSettings { span: [shortest, longest], ratio, swing, swings_until, .. } = TableSettings::DEFAULT;
        let scale = moments.time_scale();
        let swings = !moments.is_nilpotent();
        let next = |&t: &f64| {
            let longer = t * ratio;
            (t < longest).then_some(if swings && t < swings_until { longer.min(t + swing) } else { longer })
        };
        let durations = std::iter::successors(Some(shortest), next).map(|t| scale * t);
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
            let falls_before = shorter.and_then(|(_, there)| there).is_some_and(|[_, slope]| slope < 0.0);
            // Most durations are told to be too dear by a single state.
            if !falls_before && row.costs(from, to, TableSettings::DEFAULT.dear * best[0]) {
                shorter = Some((row, None));
                continue;
            }
            let here = evaluated(row, &row.moment.missed(from, to));
            if here[0] < best[0] {
                best = [here[0], row.duration];
            }
            if let Some((before, there)) = shorter {
                let there = there.unwrap_or_else(|| evaluated(before, &before.moment.missed(from, to)));
                let ends = [(before.duration, there), (row.duration, here)];
                if there[1] < 0.0
                    && let Some(ends) = rising(moments, from, to, ends)
                    && let Some(found) = minimum(moments, from, to, ends, best[0])
                {
                    best = found;
                }
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

/// A duration, and the cost there and its slope.
type Costed = (f64, [f64; 2]);

/// Two durations between which the cost, which falls at the first, has a minimum and rises at the second; `None` where
/// nothing tells that there is one. It may fall at the second too and still be dearer there than at the first.
fn rising(moments: &Moments, from: &[f64], to: &[f64], [mut a, mut b]: [Costed; 2]) -> Option<[Costed; 2]> {
    for _ in 0..STEPS {
        if b.1[1] >= 0.0 {
            return Some([a, b]);
        }
        if b.1[0] <= a.1[0] {
            return None;
        }
        let middle = 0.5 * (a.0 + b.0);
        let there = (middle, moments.cost_in(middle, from, to)?);
        if there.1[1] >= 0.0 || there.1[0] > a.1[0] { b = there } else { a = there }
    }
    None
}

/// The minimum of the cost between two durations, at the first of which it falls and at the second rises, where it is less
/// than `below`: a root of its slope by the Illinois method, a secant that counts an end that stays for half. Each end is
/// a duration, the cost and its slope. The cost is convex between them, so near they are: it lies above its tangents.
fn minimum(
    moments: &Moments,
    from: &[f64],
    to: &[f64],
    [(mut a, [cost_a, mut fa]), (mut b, [cost_b, mut fb])]: [Costed; 2],
    below: f64,
) -> Option<[f64; 2]> {
    let meet = (cost_b - cost_a + fa * a - fb * b) / (fa - fb);
    if cost_a + fa * (meet - a) >= below {
        return None;
    }
    let mut found = None;
    let mut was_below = None;
    for _ in 0..STEPS {
        let secant = a - fa * (b - a) / (fb - fa);
        let t = if secant > a && secant < b { secant } else { 0.5 * (a + b) };
        let [cost, here] = moments.cost_in(t, from, to)?;
        found = Some([cost, t]);
        // What is left to gain is no more than the tangent falls to the end that is farther.
        if here.abs() * (b - a) <= EXACT * cost {
            break;
        }
        let is_below = here < 0.0;
        let stays = was_below == Some(is_below);
        if is_below {
            a = t;
            (fa, fb) = (here, if stays { 0.5 * fb } else { fb });
        } else {
            b = t;
            (fa, fb) = (if stays { 0.5 * fa } else { fa }, here);
        }
        was_below = Some(is_below);
    }
    found.filter(|[cost, _]| *cost < below)
}

//! Small linear programs whose constraints may be broken at a price: a primal-dual interior point method
//! (Mehrotra, *On the implementation of a primal-dual interior point method*, SIAM J. Optimization 1992).
//! Imports [`super::band`] and `stop`.

use super::band::{Band, dot};
use crate::stop::Stop;

/// Rounds at most; most programs need half of them.
const ROUNDS: usize = 30;

/// Share of the way to the nearest bound that a step goes.
const STEP: f64 = 0.95;

/// What a linear form of the unknowns must not fall below.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// Factors of the first unknowns; those of all others are none.
    pub(super) form: Vec<f64>,
    /// form x + offset >= 0.
    pub(super) offset: f64,
}

impl Row {
    /// Sets the offset so that the row has this value at `x`.
    pub(super) fn meet(&mut self, x: &[f64], value: f64) {
        self.offset = value - dot(&self.form, x);
    }

    /// By how much the form is above its least value; below, where negative.
    fn value(&self, x: &[f64]) -> f64 {
        dot(&self.form, x) + self.offset
    }
}

/// The least of cost x + curvature x^2 / 2 + price (what rows lack), where each unknown is within its bounds.
#[derive(Clone, Debug, Default)]
pub(super) struct Elastic {
    /// Cost of each unknown.
    pub(super) cost: Vec<f64>,
    /// Least and greatest value of each unknown: the first is below the second.
    pub(super) bounds: Vec<[f64; 2]>,
    /// Of the cost, the same for all unknowns.
    pub(super) curvature: f64,
    /// The rows.
    pub(super) rows: Vec<Row>,
    /// Of each unit that a row lacks.
    pub(super) price: f64,
}

/// A quantity that stays positive and its multiplier, which does too; in the end one of them is none.
#[derive(Clone, Copy, Debug, Default)]
struct Pair {
    room: f64,
    force: f64,
}

impl Pair {
    fn product(&self) -> f64 {
        self.room * self.force
    }

    /// By how much the room is to change, if the multiplier does not, for their product to be `target`.
    fn off(&self, target: f64) -> f64 {
        target / self.force - self.room
    }

    /// The same of the multiplier.
    fn pull(&self, target: f64) -> f64 {
        target / self.room - self.force
    }

    /// The share of a change that it can take.
    fn share(&self, change: &Self) -> f64 {
        let of = |value: f64, change: f64| if change < 0.0 { -value / change } else { f64::INFINITY };
        of(self.room, change.room).min(of(self.force, change.force))
    }

    fn moved(&self, change: &Self, share: f64) -> Self {
        Self { room: self.room + share * change.room, force: self.force + share * change.force }
    }
}

/// Of a row: what is left above it and what it lacks. Of an unknown: the distances from both bounds.
type Pairs = [Pair; 2];

/// Where the method is, or a change of that.
#[derive(Clone, Debug)]
struct Iterate {
    x: Vec<f64>,
    rows: Vec<Pairs>,
    bounds: Vec<Pairs>,
}

impl Iterate {
    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.rows.iter().chain(&self.bounds).flatten()
    }

    fn gap(&self) -> f64 {
        self.pairs().map(Pair::product).sum()
    }

    /// The gap after a share of a change.
    fn gap_after(&self, change: &Self, share: f64) -> f64 {
        let pairs = self.pairs().zip(change.pairs());
        pairs.map(|(pair, change)| pair.moved(change, share).product()).sum()
    }

    fn share(&self, change: &Self) -> f64 {
        self.pairs()
            .zip(change.pairs())
            .map(|(pair, change)| pair.share(change))
            .fold(f64::INFINITY, f64::min)
    }

    fn go(&mut self, change: &Self, share: f64) {
        self.x.iter_mut().zip(&change.x).for_each(|(x, dx)| *x += share * dx);
        let pairs = self.rows.iter_mut().chain(&mut self.bounds).flatten();
        pairs.zip(change.pairs()).for_each(|(pair, change)| *pair = pair.moved(change, share));
    }
}

/// Normal equations of a change.
#[derive(Default)]
struct Normal {
    /// Of the unknowns: first itself, then its factor.
    matrix: Band,
    /// How the multiplier of each row answers to its form.
    stiffness: Vec<f64>,
}

impl Elastic {
    /// Cost and price of unknowns, but for their squares.
    pub(super) fn value(&self, x: &[f64]) -> f64 {
        let lack: f64 = self.rows.iter().map(|row| (-row.value(x)).max(0.0)).sum();
        dot(&self.cost, x) + self.price * lack
    }

    /// Unknowns whose cost and price are at most about `tolerance` above the least, unless it is to stop before.
    pub(super) fn solve(&self, tolerance: f64, stop: &Stop) -> Vec<f64> {
        let mut at = self.begin();
        let mut normal = Normal::default();
        let mut slack = self.slack(&at);
        for _ in 0..ROUNDS {
            let gap = at.gap();
            if gap + slack < tolerance || stop.is_due() || self.factor(&at, &mut normal).is_none() {
                break;
            }
            let pairs = 2 * (at.rows.len() + at.bounds.len());
            let mean = gap / pairs as f64;
            let straight = self.change(&at, &normal, None, 0.0);
            let left = at.gap_after(&straight, at.share(&straight).min(1.0)) / gap;
            let change = self.change(&at, &normal, Some(&straight), mean * left.powi(3));
            let share = (STEP * at.share(&change)).min(1.0);
            at.go(&change, share);
            // Every step takes its share of what its linear equations leave.
            slack *= 1.0 - share;
        }
        at.x
    }

    /// In the middle of all bounds, every row half paid for.
    fn begin(&self) -> Iterate {
        let x: Vec<f64> = self.bounds.iter().map(|[lower, upper]| 0.5 * (lower + upper)).collect();
        let force = 0.5 * self.price;
        let widths: f64 = self.bounds.iter().map(|[lower, upper]| upper - lower).sum();
        let wide = 0.5 * widths / self.bounds.len() as f64;
        let row = |row: &Row| {
            let value = row.value(&x);
            let lack = wide + (-value).max(0.0);
            [Pair { room: value + lack, force }, Pair { room: lack, force }]
        };
        // As strong as what the rows pull with, about.
        let pull = self.cost.iter().map(|c| c.abs()).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let bound = |[lower, upper]: &[f64; 2]| [Pair { room: 0.5 * (upper - lower), force: pull }; 2];
        Iterate {
            rows: self.rows.iter().map(row).collect(),
            bounds: self.bounds.iter().map(bound).collect(),
            x,
        }
    }

    /// What could be gained at most while the multipliers do not balance the costs.
    fn slack(&self, at: &Iterate) -> f64 {
        let mut slopes: Vec<f64> = self.cost.iter().zip(&at.x).map(|(c, x)| c + self.curvature * x).collect();
        for (row, [above, _]) in self.rows.iter().zip(&at.rows) {
            row.form.iter().zip(&mut slopes).for_each(|(a, slope)| *slope -= a * above.force);
        }
        for ([below, above], slope) in at.bounds.iter().zip(&mut slopes) {
            *slope += above.force - below.force;
        }
        slopes.iter().zip(&self.bounds).map(|(slope, [lower, upper])| slope.abs() * (upper - lower)).sum()
    }

    /// Sets up the normal equations, and factors them.
    fn factor(&self, at: &Iterate, normal: &mut Normal) -> Option<()> {
        let Normal { matrix, stiffness } = normal;
        stiffness.clear();
        stiffness.extend(
            at.rows.iter().map(|[above, lack]| (above.room / above.force + lack.room / lack.force).recip()),
        );
        matrix.reset(self.cost.len(), self.cost.len());
        for (row, stiffness) in self.rows.iter().zip(stiffness) {
            matrix.add(0, &row.form, 0.0, *stiffness);
        }
        for (i, [below, above]) in at.bounds.iter().enumerate() {
            matrix.lift_at(i, self.curvature + below.force / below.room + above.force / above.room);
        }
        matrix.factor()
    }

    /// The change after which the products of all pairs are `target`, but for terms of second order: those of
    /// the change `before` are made up for.
    fn change(&self, at: &Iterate, normal: &Normal, before: Option<&Iterate>, target: f64) -> Iterate {
        let targets = |of: fn(&Iterate) -> &[Pairs], i: usize| {
            [0, 1].map(|k| target - before.map_or(0.0, |before| of(before)[i][k].product()))
        };
        let row_targets = |i| targets(|it| &it.rows, i);
        let bound_targets = |i| targets(|it| &it.bounds, i);
        let slope = |(c, x): (&f64, &f64)| -c - self.curvature * x;
        let mut x: Vec<f64> = self.cost.iter().zip(&at.x).map(slope).collect();
        for (i, (row, pairs)) in self.rows.iter().zip(&at.rows).enumerate() {
            let force = pairs[0].force + normal.stiffness[i] * off(pairs, row_targets(i));
            row.form.iter().zip(&mut x).for_each(|(a, x)| *x += a * force);
        }
        for (i, (pairs, x)) in at.bounds.iter().zip(&mut x).enumerate() {
            let [below, above] = bound_targets(i);
            *x += below / pairs[0].room - above / pairs[1].room;
        }
        normal.matrix.substitute(&mut x);
        let row = |(i, (row, pairs)): (usize, (&Row, &Pairs))| {
            let targets = row_targets(i);
            let force = normal.stiffness[i] * (off(pairs, targets) - dot(&row.form, &x));
            let [above, lack] = pairs;
            let room = [
                above.off(targets[0]) - above.room / above.force * force,
                lack.off(targets[1]) + lack.room / lack.force * force,
            ];
            [Pair { room: room[0], force }, Pair { room: room[1], force: -force }]
        };
        let bound = |(i, (pairs, &x)): (usize, (&Pairs, &f64))| {
            let targets = bound_targets(i);
            let of = |k: usize, room: f64| {
                let pair = &pairs[k];
                Pair { room, force: pair.pull(targets[k]) - pair.force / pair.room * room }
            };
            [of(0, x), of(1, -x)]
        };
        Iterate {
            rows: self.rows.iter().zip(&at.rows).enumerate().map(row).collect(),
            bounds: at.bounds.iter().zip(&x).enumerate().map(bound).collect(),
            x,
        }
    }
}

/// By how much a row's form is to change, if its multiplier does not.
fn off([above, lack]: &Pairs, targets: [f64; 2]) -> f64 {
    above.off(targets[0]) - lack.off(targets[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(program: &Elastic, x: &[f64]) -> f64 {
        program.value(x) + 0.5 * program.curvature * dot(x, x)
    }

    /// The least value on a fine grid.
    fn least_on_grid(program: &Elastic, cells: usize) -> f64 {
        let along = |j: usize, k: usize| {
            let [lower, upper] = program.bounds[j];
            lower + (upper - lower) * k as f64 / cells as f64
        };
        let all = (0..=cells).flat_map(|a| (0..=cells).map(move |b| (a, b)));
        all.map(|(a, b)| total(program, &[along(0, a), along(1, b)])).fold(f64::INFINITY, f64::min)
    }

    fn programs(unknowns: usize, rows: usize) -> impl Strategy<Value = Elastic> {
        let row = (prop::collection::vec(-1.0..1.0_f64, 1..=unknowns), -0.5..1.0_f64);
        let row = row.prop_map(|(form, offset)| Row { form, offset });
        let bounds = (-1.0..0.0_f64, 0.01..1.0_f64).prop_map(|(lower, upper)| [lower, upper]);
        let cost = prop::collection::vec(-2.0..2.0_f64, unknowns);
        let curvature = prop_oneof![Just(0.0), 0.0..5.0_f64];
        let (bounds, rows) = (prop::collection::vec(bounds, unknowns), prop::collection::vec(row, 0..rows));
        (cost, bounds, curvature, rows, 0.5..50.0_f64).prop_map(|(cost, bounds, curvature, rows, price)| {
            Elastic { cost, bounds, curvature, rows, price }
        })
    }

    proptest! {
        /// No point of a grid is better.
        #[test]
        fn small_programs_are_solved(program in programs(2, 8)) {
            let x = program.solve(1e-7, &Stop::NEVER);
            let near = x.iter().zip(&program.bounds).all(|(x, b)| b[0] <= *x && *x <= b[1]);
            prop_assert!(near, "{x:?}");
            let least = least_on_grid(&program, 60);
            prop_assert!(total(&program, &x) <= least + 1e-6, "{} {least}", total(&program, &x));
        }

        /// No step from the solution is worth it: a convex function has no other minimum.
        #[test]
        fn no_neighbour_is_better(
            program in programs(12, 60),
            steps in prop::collection::vec(prop::collection::vec(-1.0..1.0_f64, 12), 20),
        ) {
            let x = program.solve(1e-7, &Stop::NEVER);
            for step in &steps {
                let clamped = |((x, d), [lower, upper]): ((&f64, &f64), &[f64; 2])| {
                    (x + 0.1 * d).clamp(*lower, *upper)
                };
                let other: Vec<f64> = x.iter().zip(step).zip(&program.bounds).map(clamped).collect();
                prop_assert!(total(&program, &x) <= total(&program, &other) + 1e-6);
            }
        }
    }

    #[test]
    fn what_cannot_be_held_is_paid_for() {
        // x >= 2 and y = 0.5 within [-1, 1].
        let rows = [(vec![1.0], -2.0), (vec![0.0, 1.0], -0.5), (vec![0.0, -1.0], 0.5)];
        let program = Elastic {
            cost: vec![1.0, 1.0],
            bounds: vec![[-1.0, 1.0]; 2],
            rows: rows.map(|(form, offset)| Row { form, offset }).to_vec(),
            price: 10.0,
            curvature: 0.0,
        };
        let x = program.solve(1e-9, &Stop::NEVER);
        assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 0.5).abs() < 1e-6, "{x:?}");
        assert!((program.value(&x) - 11.5).abs() < 1e-6);
    }
}

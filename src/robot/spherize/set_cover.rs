//! Set cover: the fewest of many sets that together hold everything.
//!
//! Greedy choices (Chvatal, "A greedy heuristic for the set-covering problem", Math. Oper. Res.
//! 1979), made to go for one open element after another: swept from one end of the solid to the
//! other, which on a line is optimal, or the difficult ones first. Then part of the result is thrown
//! away and filled in anew, over and over (Jacobs, Brusco, "A local-search heuristic for large
//! set-covering problems", Naval Research Logistics 1995).

use crate::stop::Stop;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Seed of what is thrown away.
const SEED: u64 = 0;

/// Rounds of throwing away and filling in.
const ROUNDS: usize = 60;

/// At most this many sets are thrown away at once.
const LARGEST_RUIN: usize = 8;

/// How long to look for fewer sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Greedy choices only: enough to compare by.
    Greedy,
    /// Local search too.
    Search,
}

/// A set of small numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// The set of the indices of all items that pass.
    pub(super) fn passing<T: Copy>(items: &[T], passes: impl Fn(T) -> bool) -> Self {
        let word =
            |chunk: &[T]| chunk.iter().rev().fold(0, |word, &item| word << 1 | u64::from(passes(item)));
        Self(items.chunks(64).map(word).collect())
    }

    /// The set of the indices of all items that pass beside their partners.
    pub(super) fn passing_with<T: Copy>(items: &[T], partners: &[T], passes: impl Fn(T, T) -> bool) -> Self {
        let word = |(chunk, others): (&[T], &[T])| {
            let both = chunk.iter().zip(others).rev();
            both.fold(0, |word, (&item, &partner)| word << 1 | u64::from(passes(item, partner)))
        };
        Self(items.chunks(64).zip(partners.chunks(64)).map(word).collect())
    }

    fn has(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 == 1
    }

    fn common(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a & b).count_ones()).sum()
    }

    fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= !b);
    }
}

/// Sets to choose from; together they hold everything.
pub(super) struct SetCover<'a> {
    sets: Vec<Bits>,
    /// Orders in which to go for open elements.
    orders: &'a [Vec<usize>],
    stop: &'a Stop,
}

impl<'a> SetCover<'a> {
    pub(super) fn new(sets: Vec<Bits>, orders: &'a [Vec<usize>], stop: &'a Stop) -> Self {
        Self { sets, orders, stop }
    }

    /// The fewest sets found that hold everything. When it is broken off, they hold what they hold.
    pub(super) fn fewest(&self, effort: Effort) -> Vec<usize> {
        let greedy = self.orders.iter().map(|order| self.completed(Vec::new(), order));
        let mut best = greedy.min_by_key(Vec::len).unwrap_or_default();
        let mut rng = Pcg64Mcg::seed_from_u64(SEED);
        let rounds = if effort == Effort::Search { ROUNDS } else { 0 };
        for _ in 0..rounds {
            if best.len() <= 1 || self.stop.is_due() {
                break;
            }
            let mut kept = best.clone();
            let around = &self.sets[kept[rng.random_range(0..kept.len())]];
            kept.sort_by_key(|&set| self.sets[set].common(around));
            let ruin = rng.random_range(2..=LARGEST_RUIN.min(kept.len().max(2)));
            kept.truncate(kept.len().saturating_sub(ruin));
            let found = self.completed(kept, &self.orders[rng.random_range(0..self.orders.len())]);
            if found.len() <= best.len() {
                best = found;
            }
        }
        best
    }

    /// Adds sets until everything is held: for the next open element in order, always the set with
    /// most open elements. Then drops sets that the others make superfluous.
    fn completed(&self, mut chosen: Vec<usize>, order: &[usize]) -> Vec<usize> {
        let mut open = Bits::passing(order, |_| true);
        chosen.iter().for_each(|&set| open.remove(&self.sets[set]));
        for &element in order {
            if open.has(element) && !self.stop.is_due() {
                let holders = (0..self.sets.len()).rev().filter(|&set| self.sets[set].has(element));
                if let Some(best) = holders.max_by_key(|&set| self.sets[set].common(&open)) {
                    open.remove(&self.sets[best]);
                    chosen.push(best);
                }
            }
        }
        let mut i = 0;
        while i < chosen.len() {
            let mut alone = self.sets[chosen[i]].clone();
            let others = chosen.iter().enumerate().filter(|&(j, _)| j != i);
            others.for_each(|(_, &set)| alone.remove(&self.sets[set]));
            if alone.0.iter().all(|&word| word == 0) {
                chosen.remove(i);
            } else {
                i += 1;
            }
        }
        chosen
    }
}

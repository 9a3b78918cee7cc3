//! Proof that spheres of two links never touch, or always do, wherever the joints between them stand
//! within their ranges: by branch and bound over boxes of these. On a box, a sphere of the second link
//! strays from where it stands at the middle by no more than `chain` says; what that does not settle is
//! asked of both halves of the box. The largest boxes come first, so that what is easily proved is proved
//! before the budget is spent on what is not.

use super::chain::{Chain, ChainCell, ChainPlace, Posture};
use crate::robot::Sphere;
use std::collections::VecDeque;

/// Placing links errs by some 1e-15 m per joint and metre; what is nearer than this to touching, in metres,
/// is taken for neither apart nor overlapping.
const ROUNDING: f64 = 1e-9;

/// What could be proved of two links.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Proved {
    /// The pairs of their spheres that always touch.
    pub(super) always: Vec<[usize; 2]>,
    /// Whether all the others never do.
    pub(super) never: bool,
}

/// One of the two links.
pub(super) struct PairSide<'a> {
    pub(super) spheres: &'a [Sphere],
    /// A sphere that holds them all.
    pub(super) bound: Sphere,
}

/// What is to be proved of a pair of spheres.
#[derive(Clone, Copy, PartialEq)]
enum Claim {
    Always,
    Never,
}

/// What a box says of a claim.
#[derive(PartialEq)]
enum Said {
    Holds,
    Open,
    Fails,
}

/// Proves what it can with about so many comparisons of spheres; also says how many it took. Links that
/// are near each other are compared once sphere by sphere, whatever is left.
pub(super) fn prove(chain: &Chain, sides: &[PairSide<'_>; 2], budget: usize) -> (Proved, usize) {
    let mut search = PairSearch::new(chain, sides, budget);
    let (touching, apart) = search.claims();
    let all = sides[0].spheres.len() * sides[1].spheres.len();
    let is_mixed = touching.len() + apart.len() < all;
    let count = touching.len();
    let always = search.run(Claim::Always, touching);
    // Where a pair touches here and not there, the links are judged, whatever holds of the others.
    let never = !is_mixed && always.len() == count && search.run(Claim::Never, apart).len() == all - count;
    (Proved { always, never }, budget - search.left)
}

struct PairSearch<'a> {
    chain: &'a Chain,
    sides: &'a [PairSide<'a>; 2],
    /// The first link's spheres, which do not move, and their bound.
    first: Vec<ChainPlace>,
    first_bound: ChainPlace,
    /// The second link's spheres over the box at hand, and whether they are known.
    second: Vec<Option<ChainPlace>>,
    /// Comparisons that may still be made.
    left: usize,
}

impl<'a> PairSearch<'a> {
    fn new(chain: &'a Chain, sides: &'a [PairSide<'a>; 2], left: usize) -> Self {
        Self {
            chain,
            sides,
            first: sides[0].spheres.iter().map(|s| chain.of_first(s.center)).collect(),
            first_bound: chain.of_first(sides[0].bound.center),
            second: vec![None; sides[1].spheres.len()],
            left,
        }
    }

    /// The pairs of spheres that touch wherever the head stands, all else in the middle, and those that
    /// touch nowhere there. Of any other neither can be proved.
    fn claims(&mut self) -> (Vec<[usize; 2]>, Vec<[usize; 2]>) {
        let middle = self.chain.whole();
        let posture = self.chain.posture(&ChainCell { half: vec![0.0; middle.half.len()], ..middle });
        self.second.fill(None);
        let [count, others] = self.sides.each_ref().map(|side| side.spheres.len());
        let all = (0..count).flat_map(|i| (0..others).map(move |j| [i, j]));
        if self.bounds_are_apart(&posture) {
            return (Vec::new(), all.collect());
        }
        self.left = self.left.saturating_sub(count * others);
        let (mut touching, mut apart) = (Vec::new(), Vec::new());
        for [i, j] in all {
            if self.ask(Claim::Always, &posture, [i, j]) == Said::Holds {
                touching.push([i, j]);
            } else if self.ask(Claim::Never, &posture, [i, j]) == Said::Holds {
                apart.push([i, j]);
            }
        }
        (touching, apart)
    }

    /// The pairs of spheres of which the claim is proved. That they never touch is asked of all or none:
    /// the first that does ends it.
    fn run(&mut self, claim: Claim, pairs: Vec<[usize; 2]>) -> Vec<[usize; 2]> {
        let mut is_proved = vec![true; pairs.len()];
        let mut boxes = VecDeque::from([(self.chain.whole(), (0..pairs.len()).collect::<Vec<_>>())]);
        while let Some((cell, mut open)) = boxes.pop_front() {
            open.retain(|&k| is_proved[k]);
            if open.is_empty() {
                continue;
            }
            let posture = self.chain.posture(&cell);
            self.second.fill(None);
            let by_bounds = claim == Claim::Never && self.left > 0 && self.bounds_are_apart(&posture);
            let cost = if by_bounds { 1 } else { open.len() };
            if self.left < cost {
                open.iter().for_each(|&k| is_proved[k] = false);
                continue;
            }
            self.left -= cost;
            if by_bounds {
                continue;
            }
            open.retain(|&k| {
                let said = self.ask(claim, &posture, pairs[k]);
                is_proved[k] &= said != Said::Fails;
                said == Said::Open
            });
            if claim == Claim::Never && is_proved.contains(&false) {
                return Vec::new();
            }
            let Some(&farthest) = open.iter().max_by(|&&k, &&l| {
                let travel = |k: usize| self.second[pairs[k][1]].map_or(0.0, |place| place.travel);
                travel(k).total_cmp(&travel(l))
            }) else {
                continue;
            };
            let center = self.sides[1].spheres[pairs[farthest][1]].center;
            match self.chain.widest(&posture, center) {
                Some(variable) => boxes.extend(halves(&cell, variable).map(|half| (half, open.clone()))),
                // Nothing is left to be divided: they all but touch.
                None => open.iter().for_each(|&k| is_proved[k] = false),
            }
        }
        pairs.into_iter().zip(is_proved).filter_map(|(pair, proved)| proved.then_some(pair)).collect()
    }

    fn bounds_are_apart(&self, posture: &Posture) -> bool {
        let [a, b] = self.sides.each_ref().map(|side| side.bound);
        let place = self.chain.of_second(posture, b.center);
        let [least, _] = self.chain.distances(&self.first_bound, &place);
        least - place.travel > a.radius + b.radius + ROUNDING
    }

    /// What a box says of a claim about a pair of spheres.
    fn ask(&mut self, claim: Claim, posture: &Posture, [i, j]: [usize; 2]) -> Said {
        let [a, b] = [self.sides[0].spheres[i], self.sides[1].spheres[j]];
        let chain = self.chain;
        let place = self.second[j].get_or_insert_with(|| chain.of_second(posture, b.center));
        let [least, most] = chain.distances(&self.first[i], place);
        let reach = a.radius + b.radius;
        // How much there is to spare, at the middle of the box and in all of it.
        let spare = match claim {
            Claim::Always => reach - most - ROUNDING,
            Claim::Never => least - reach - ROUNDING,
        };
        match (spare > place.travel, spare > 0.0) {
            (true, _) => Said::Holds,
            (_, true) => Said::Open,
            _ => Said::Fails,
        }
    }
}

/// Both halves of a box, cut across a variable.
fn halves(cell: &ChainCell, variable: usize) -> [ChainCell; 2] {
    [-0.5, 0.5].map(|share| {
        let mut half = cell.clone();
        half.middle[variable] += share * cell.half[variable];
        half.half[variable] *= 0.5;
        half
    })
}

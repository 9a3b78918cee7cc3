//! Which pairs of links are judged against each other, and which are not and why: neighbours, what never
//! moves relative to each other, what an SRDF disables, and what is proved to need no judging. Nothing is
//! left out because it was not seen to touch. Imports `pose`.

mod adjacent;
mod chain;
mod proof;

use super::sphere::bounding_sphere;
use super::{
    AlwaysTouching, DisableReason, JointKind, LoadOptions, POSITION_SLACK, Robot, SkipReason, SkippedPair,
    Sphere,
};
use adjacent::adjacent;
use chain::Chain;
use proof::{PairSide, Proved};
use std::collections::{BTreeMap, BTreeSet};

/// More joints than this between two links are too many for a proof: boxes in as many dimensions, less
/// one, would have to be divided until they are as small as the links are near.
const MOST_JOINTS: usize = 6;

/// Comparisons of spheres for each proof, at most: what is not proved after so many hardly ever is.
const MOST_COMPARISONS: usize = 20_000;

/// Joints that others follow may move so much farther than the bounds that mechanisms keep to, relative
/// to bounds above 1: a certificate may allow [`POSITION_SLACK`] beyond what is widened by as much.
const PROOF_SLACK: f64 = 3.0 * POSITION_SLACK;

/// Sorts out the pairs of a robot whose SRDF disables some; all others are judged, neighbours too.
pub(super) fn of_srdf(robot: &mut Robot, disabled: &BTreeMap<[usize; 2], DisableReason>) {
    sort(robot, |links, rigid| match disabled.get(&links) {
        Some(&reason) => Some(SkipReason::Disabled(reason)),
        None => rigid.then_some(SkipReason::Rigid),
    });
}

/// Sorts out the pairs of a robot without an SRDF: all but neighbours are judged.
pub(super) fn of_tree(robot: &mut Robot) {
    let adjacent = adjacent(robot);
    sort(robot, |links, rigid| reason_in_tree(&adjacent, links, rigid));
}

fn reason_in_tree(adjacent: &BTreeSet<[usize; 2]>, links: [usize; 2], rigid: bool) -> Option<SkipReason> {
    let neighbours = adjacent.contains(&links).then_some(SkipReason::Adjacent);
    rigid.then_some(SkipReason::Rigid).or(neighbours)
}

/// Leaves out the pairs that there is a reason for, told whether they never move relative to each other.
fn sort(robot: &mut Robot, reason: impl Fn([usize; 2], bool) -> Option<SkipReason>) {
    let (links, pieces) = (solid_links(robot), robot.pieces());
    let (mut pairs, mut skipped) = (Vec::new(), Vec::new());
    for (i, &a) in links.iter().enumerate() {
        for &b in &links[i + 1..] {
            match reason([a, b], pieces[a] == pieces[b]) {
                Some(reason) => skipped.push(SkippedPair { links: [a, b], reason }),
                None => pairs.push([a, b]),
            }
        }
    }
    (robot.pairs, robot.skipped) = (pairs, skipped);
    robot.always.clear();
}

/// Judges a link that was added to a robot against all others, but for its neighbours, as far as is not
/// proved to be needless by so many comparisons of spheres.
pub(super) fn add(robot: &mut Robot, link: usize, comparisons: usize) {
    let (adjacent, pieces) = (adjacent(robot), robot.pieces());
    let others = solid_links(robot).into_iter().filter(|&other| other != link);
    let pairs = others.map(|other| [link.min(other), link.max(other)]);
    let (mut judged, mut skipped) = (Vec::new(), Vec::new());
    for links in pairs {
        match reason_in_tree(&adjacent, links, pieces[links[0]] == pieces[links[1]]) {
            Some(reason) => skipped.push(SkippedPair { links, reason }),
            None => judged.push(links),
        }
    }
    robot.skipped.append(&mut skipped);
    prove(robot, &judged, comparisons);
}

/// Proves anew of which pairs no judging is needed, by so many comparisons of spheres in all.
pub(super) fn prove_all(robot: &mut Robot, comparisons: usize) {
    let mut judged = std::mem::take(&mut robot.pairs);
    let is_proved = |s: &SkippedPair| s.reason == SkipReason::NeverTouch;
    judged.extend(robot.skipped.iter().filter(|s| is_proved(s)).map(|s| s.links));
    judged.sort_unstable();
    robot.skipped.retain(|s| !is_proved(s));
    robot.always.clear();
    robot.proved_within = ranges(robot);
    prove(robot, &judged, comparisons);
}

/// Adds pairs of links to those that are judged, or to those that need not be.
fn prove(robot: &mut Robot, pairs: &[[usize; 2]], comparisons: usize) {
    if robot.proved_within.len() != robot.joints.len() {
        robot.proved_within = ranges(robot);
    }
    let mut left = comparisons;
    let widened: Vec<[f64; 2]> = robot.proved_within.iter().map(|&range| widen(range, PROOF_SLACK)).collect();
    let bound = |link: &super::Link| (!link.spheres.is_empty()).then(|| bounding_sphere(&link.spheres));
    let bounds: Vec<Option<Sphere>> = robot.links.iter().map(bound).collect();
    for (done, &links) in pairs.iter().enumerate() {
        let side = |l: usize| bounds[l].map(|bound| PairSide { spheres: &robot.links[l].spheres, bound });
        let [Some(a), Some(b)] = links.map(side) else { continue };
        let chain = Chain::between(robot, links, &widened, MOST_JOINTS);
        // What some proofs did not take is there for those that come after them.
        let budget = (left / (pairs.len() - done)).min(MOST_COMPARISONS);
        let (Proved { always, never }, taken) =
            chain.map_or_else(Default::default, |chain| proof::prove(&chain, &[a, b], budget));
        left -= taken;
        if !always.is_empty() {
            robot.always.push(AlwaysTouching { links, spheres: always });
        }
        if never {
            robot.skipped.push(SkippedPair { links, reason: SkipReason::NeverTouch });
        } else {
            robot.pairs.push(links);
        }
    }
    robot.pairs.sort_unstable();
    robot.skipped.sort_unstable_by_key(|s| s.links);
    robot.always.sort_unstable_by_key(|a| a.links);
}

/// The range of each joint that proofs are about: its own, and those of all that follow it.
pub(super) fn ranges(robot: &Robot) -> Vec<[f64; 2]> {
    let mut ranges: Vec<[f64; 2]> = robot.joints.iter().map(|j| [j.limits.lower, j.limits.upper]).collect();
    for joint in &robot.joints {
        if let Some(mimic) = joint.mimic.filter(|m| m.multiplier != 0.0) {
            let at = |q: f64| (q - mimic.offset) / mimic.multiplier;
            let [a, b] = [at(joint.limits.lower), at(joint.limits.upper)];
            let [lower, upper] = &mut ranges[mimic.joint];
            let tight = [lower.max(a.min(b)), upper.min(a.max(b))];
            if tight[0] <= tight[1] {
                [*lower, *upper] = tight;
            }
        }
    }
    ranges
}

/// A range with so much added at both ends, relative to ends above 1.
pub(super) fn widen([lower, upper]: [f64; 2], slack: f64) -> [f64; 2] {
    let more = |end: f64| if end.is_finite() { slack * end.abs().max(1.0) } else { 0.0 };
    [lower - more(lower), upper + more(upper)]
}

/// Whether what was proved of two links holds where each joint that others follow stands `within` these.
pub(super) fn hold(robot: &Robot, links: [usize; 2], within: &[[f64; 2]]) -> bool {
    chain::deciding(robot, links).into_iter().all(|joint| {
        let Some(&proved) = robot.proved_within.get(joint) else { return false };
        let [lower, upper] = widen(proved, POSITION_SLACK);
        lower <= within[joint][0] && within[joint][1] <= upper
    })
}

fn solid_links(robot: &Robot) -> Vec<usize> {
    (0..robot.links.len()).filter(|&l| !robot.links[l].spheres.is_empty()).collect()
}

impl Robot {
    /// Proves anew which pairs of links, and which of their spheres, need no judging. Whoever changes
    /// limits, joints or the geometry of links after loading must ask for it: what was proved before
    /// is about what was there then.
    pub fn prove_pairs(&mut self, options: &LoadOptions) {
        prove_all(self, options.comparisons);
    }

    /// Per link: the topmost link of the rigid piece that it belongs to.
    pub(super) fn pieces(&self) -> Vec<usize> {
        let mut pieces: Vec<usize> = (0..self.links.len()).collect();
        for (j, joint) in self.joints.iter().enumerate() {
            if joint.kind == JointKind::Fixed {
                pieces[j + 1] = pieces[joint.parent];
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests;

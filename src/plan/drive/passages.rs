//! Narrow places on the guide's path, which a base passes straight on: stances before, in and beyond each, between which
//! the way is known to be free, so that trees head for them and go on from them.

use super::pursuit::Pursuit;
use super::settings::LatticeSettings;
use crate::check::CheckError;
use crate::local_planner::{PathMotion, PathPlanner};
use crate::steer::{DriveDirection, PathState};
use std::f64::consts::PI;

const SETTINGS: LatticeSettings = LatticeSettings::DEFAULT;

/// A narrow place, and a direction in which it is driven through.
pub(super) struct Passage {
    /// Before it, in its middle and beyond it, in the order in which they are driven, as far as there is room.
    pub(super) stances: Vec<PathState>,
    /// Number of the stance in the middle.
    middle: usize,
    /// From each stance to the next.
    steps: Vec<PathMotion>,
    /// Of each tree.
    sides: [PassageSide; 2],
}

/// What a tree knows of a narrow place.
struct PassageSide {
    /// What the guide says of the way from its middle to the roots of the other tree, metres.
    to_go: f64,
    /// Stances since a short path to it was tried from one.
    since_try: f64,
    /// By stance, the node of the tree that came there.
    nodes: Vec<Option<usize>>,
}

impl Passage {
    /// The narrow places of a guide's path, ahead and, where that is possible, in reverse; `narrow` is the room that is
    /// not enough, `ahead` how far before and beyond them there is to be room, metres.
    pub(super) fn all(
        arm: &[f64],
        [narrow, ahead]: [f64; 2],
        guide: &mut Pursuit<'_>,
        planner: &mut PathPlanner<'_>,
    ) -> Result<Vec<Self>, CheckError> {
        let mut passages = Vec::new();
        for (place, heading) in guide.gates(narrow, ahead) {
            let to_go = [0, 1].map(|side| guide.cost_to_go(side, place));
            for way in [DriveDirection::Forward, DriveDirection::Reverse] {
                if planner.limits().speed_of(way) > 0.0 {
                    let turn = if way == DriveDirection::Reverse { PI } else { 0.0 };
                    let middle = planner.stance(place, [heading + turn, 0.0], arm);
                    passages.push(Self::through(&middle, way, guide.reach(), to_go, planner)?);
                }
            }
        }
        Ok(passages)
    }

    /// Straight on through its middle, as far to either side as there is room.
    fn through(
        middle: &PathState,
        way: DriveDirection,
        reach: f64,
        to_go: [f64; 2],
        planner: &mut PathPlanner<'_>,
    ) -> Result<Self, CheckError> {
        let (sin, cos) = middle.heading.sin_cos();
        let (mut stances, mut steps, mut before) = (vec![middle.clone()], Vec::new(), 0);
        for sense in [-1.0, 1.0] {
            let (mut last, mut gone) = (middle.clone(), 0.0);
            for share in SETTINGS.passed {
                let (by, length) = (sense * way.sign() * share * reach, (share - gone) * reach);
                let mut next = middle.clone();
                next.place[0] += by * cos;
                next.place[1] += by * sin;
                let (from, to) = if sense < 0.0 { (&next, &last) } else { (&last, &next) };
                let Some(curve) = planner.arc(from, to, way, length) else { break };
                let Some(step) = planner.drive(from, to, vec![curve])? else { break };
                let at = if sense < 0.0 { 0 } else { stances.len() };
                stances.insert(at, next.clone());
                steps.insert(at.min(steps.len()), step);
                before += usize::from(sense < 0.0);
                (last, gone) = (next, share);
            }
        }
        let nodes = vec![None; stances.len()];
        let sides = to_go.map(|to_go| PassageSide { to_go, since_try: f64::INFINITY, nodes: nodes.clone() });
        Ok(Self { stances, middle: before, steps, sides })
    }

    /// Whether it lies on what a tree has yet to go from a place that is so far from the roots of the other, and has not
    /// been come to.
    pub(super) fn is_ahead(&self, side: usize, to_go: f64) -> bool {
        let PassageSide { to_go: own, nodes, .. } = &self.sides[side];
        *own < to_go && nodes.iter().all(Option::is_none)
    }

    /// How far it is from the roots of the other tree, metres.
    pub(super) fn to_go(&self, side: usize) -> f64 {
        self.sides[side].to_go
    }

    /// Stances where a tree may enter it, the farthest from its middle first.
    pub(super) fn entries(&self, side: usize) -> Vec<usize> {
        if side == 0 {
            (0..=self.middle).collect()
        } else {
            (self.middle..self.stances.len()).rev().collect()
        }
    }

    /// Whether a stance is its middle or beyond, as a tree comes through.
    pub(super) fn is_beyond(&self, side: usize, stance: usize) -> bool {
        if side == 0 { stance >= self.middle } else { stance <= self.middle }
    }

    /// The stance after one, as a tree comes through, and the motion between.
    pub(super) fn step(&self, side: usize, stance: usize) -> Option<(usize, PathState, PathMotion)> {
        let next = if side == 0 { stance + 1 } else { stance.checked_sub(1)? };
        Some((next, self.stances.get(next)?.clone(), self.steps[stance.min(next)].clone()))
    }

    /// A tree has come to a stance by a node: the node of the other tree that is there, if there is one.
    pub(super) fn reach(&mut self, side: usize, stance: usize, node: usize) -> Option<usize> {
        self.sides[side].nodes[stance] = Some(node);
        self.sides[1 - side].nodes[stance]
    }

    /// Counts the stances since a short path was tried to it.
    pub(super) fn since_try(&mut self, side: usize) -> &mut f64 {
        &mut self.sides[side].since_try
    }
}

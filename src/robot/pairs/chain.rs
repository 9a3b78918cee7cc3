//! How one link moves as another sees it: the joints between them as a chain, and how far a point at its
//! end can be from a point at its beginning while the joints stand anywhere in a box. Imports `pose`.

use crate::pose::Pose;
use crate::robot::{Joint, JointKind, Robot};
use glam::{DMat3, DQuat, DVec3};
use std::f64::consts::{PI, TAU};

/// The joints between two links, and where each of them can stand.
///
/// Of the second link a point p stands at `before_1 M_1(q_1) before_2 M_2(q_2) ... tip p` in the frame of
/// the first, each M a turn about z or a slide along it. The first joint, the head, is taken out where no
/// other moves with it: over all its positions the distance of a point from a circle arc or a line segment
/// is known exactly, and so the box has one dimension less.
pub(super) struct Chain {
    head: Option<ChainHead>,
    steps: Vec<ChainStep>,
    /// The range of each variable that moves the steps.
    pub(super) ranges: Vec<[f64; 2]>,
    /// Frame of the first link in that which the chain begins with.
    start: Pose,
    tip: Pose,
}

/// The first joint of a chain, which moves by itself between two positions.
struct ChainHead {
    slides: bool,
    range: [f64; 2],
}

/// A joint of the chain: its position is `ratio` times a variable and `offset`.
struct ChainStep {
    before: Pose,
    slides: bool,
    variable: usize,
    ratio: f64,
    offset: f64,
}

/// A joint between the links on the way from the first to the second; `up` where it is passed from its
/// child to its parent.
struct Passed {
    joint: usize,
    up: bool,
}

/// A box of the variables: its middle and half its widths.
#[derive(Clone)]
pub(super) struct ChainCell {
    pub(super) middle: Vec<f64>,
    pub(super) half: Vec<f64>,
}

/// A point of the first link, or of the second at the middle of a cell, as the chain's first frame has it.
#[derive(Clone, Copy, Default)]
pub(super) struct ChainPlace {
    at: DVec3,
    /// Distance from the axis of the head, and direction from there.
    from_axis: f64,
    azimuth: f64,
    /// How far it can be from here anywhere in the cell, the head aside.
    pub(super) travel: f64,
}

/// The chain at the middle of a cell.
pub(super) struct Posture {
    /// Of each step, where its frame stands in that of the step before.
    poses: Vec<Pose>,
    /// How far a point of unit distance from its axis moves, or a slide.
    reach: Vec<f64>,
}

impl Chain {
    /// The chain from link `a` to link `b`, where each joint that others follow keeps within `ranges`.
    /// `None` where more than `most` joints move, or something slides without bounds.
    pub(super) fn between(
        robot: &Robot,
        [a, b]: [usize; 2],
        ranges: &[[f64; 2]],
        most: usize,
    ) -> Option<Self> {
        let passed = way(robot, a, b, most)?;
        let mut chain = Self {
            head: None,
            steps: Vec::new(),
            ranges: Vec::new(),
            start: Pose::IDENTITY,
            tip: Pose::IDENTITY,
        };
        let mut leaders: Vec<Option<usize>> = Vec::new();
        for Passed { joint, up } in passed {
            let joint_index = joint;
            let joint = &robot.joints[joint];
            let to_axis = rotation_to(joint.axis);
            let (enter, leave) = if up {
                (to_axis, to_axis.inverse() * joint.origin.inverse())
            } else {
                (joint.origin * to_axis, to_axis.inverse())
            };
            if joint.kind == JointKind::Fixed {
                chain.tip = chain.tip * enter * leave;
                continue;
            }
            let before = std::mem::replace(&mut chain.tip, leave) * enter;
            let step = chain.step(joint, joint_index, before, up, ranges, &mut leaders);
            chain.steps.push(step);
        }
        chain.take_head();
        let bounded = |[lower, upper]: &[f64; 2]| (upper - lower).is_finite();
        chain.ranges.iter().all(bounded).then_some(chain)
    }

    /// A joint as a step; a variable of its own where its leader has no bounds: a turn spans the circle then.
    fn step(
        &mut self,
        joint: &Joint,
        index: usize,
        before: Pose,
        up: bool,
        ranges: &[[f64; 2]],
        leaders: &mut Vec<Option<usize>>,
    ) -> ChainStep {
        let (leader, ratio, offset) =
            joint.mimic.map_or((index, 1.0, 0.0), |m| (m.joint, m.multiplier, m.offset));
        let slides = joint.kind == JointKind::Prismatic;
        let sign = if up { -1.0 } else { 1.0 };
        let [lower, upper] = ranges[leader];
        if !(upper - lower).is_finite() {
            leaders.push(None);
            self.ranges.push(if slides { [f64::NEG_INFINITY, f64::INFINITY] } else { [-PI, PI] });
            return ChainStep { before, slides, variable: self.ranges.len() - 1, ratio: 1.0, offset: 0.0 };
        }
        let variable = leaders.iter().position(|&l| l == Some(leader)).unwrap_or_else(|| {
            leaders.push(Some(leader));
            self.ranges.push([lower, upper]);
            self.ranges.len() - 1
        });
        ChainStep { before, slides, variable, ratio: sign * ratio, offset: sign * offset }
    }

    /// Takes the first joint out of the steps, unless another follows the same variable.
    fn take_head(&mut self) {
        let Some(first) = self.steps.first() else { return };
        // A variable is met first by the first step, so that it is number 0.
        if self.steps[1..].iter().any(|step| step.variable == first.variable) {
            return;
        }
        let first = self.steps.remove(0);
        let ends = self.ranges.remove(first.variable).map(|y| first.ratio * y + first.offset);
        self.head =
            Some(ChainHead { slides: first.slides, range: [ends[0].min(ends[1]), ends[0].max(ends[1])] });
        self.steps.iter_mut().for_each(|step| step.variable -= 1);
        self.start = first.before.inverse();
    }

    /// The box of all variables.
    pub(super) fn whole(&self) -> ChainCell {
        let middle = |[lower, upper]: &[f64; 2]| 0.5 * (lower + upper);
        let half = |[lower, upper]: &[f64; 2]| 0.5 * (upper - lower);
        ChainCell {
            middle: self.ranges.iter().map(middle).collect(),
            half: self.ranges.iter().map(half).collect(),
        }
    }

    pub(super) fn posture(&self, cell: &ChainCell) -> Posture {
        let pose = |step: &ChainStep| {
            let q = step.ratio * cell.middle[step.variable] + step.offset;
            let motion = if step.slides {
                Pose::from_translation(DVec3::Z * q)
            } else {
                Pose { rotation: DMat3::from_rotation_z(q), translation: DVec3::ZERO }
            };
            step.before * motion
        };
        let reach = |step: &ChainStep| {
            let half = step.ratio.abs() * cell.half[step.variable];
            if step.slides { half } else { chord(half) }
        };
        Posture {
            poses: self.steps.iter().map(pose).collect(),
            reach: self.steps.iter().map(reach).collect(),
        }
    }

    /// A point of the first link.
    pub(super) fn of_first(&self, point: DVec3) -> ChainPlace {
        ChainPlace::new(self.start.point(point), 0.0)
    }

    /// A point of the second link at the middle of a cell, and how far it strays from there. Of a chain
    /// in which it moves by d at most behind a joint, it is no farther from that joint's axis than at the
    /// middle and d, so that a turn by half a width h moves it by another 2 sin(h / 2) of that.
    pub(super) fn of_second(&self, posture: &Posture, point: DVec3) -> ChainPlace {
        let (mut at, mut travel) = (self.tip.point(point), 0.0);
        for (k, step) in self.steps.iter().enumerate().rev() {
            travel += added(step, posture.reach[k], at, travel);
            at = posture.poses[k].point(at);
        }
        ChainPlace::new(at, travel)
    }

    /// The variable that adds most to how far a point of the second link strays.
    pub(super) fn widest(&self, posture: &Posture, point: DVec3) -> Option<usize> {
        let (mut at, mut travel) = (self.tip.point(point), 0.0);
        let mut shares = vec![0.0; self.ranges.len()];
        for (k, step) in self.steps.iter().enumerate().rev() {
            let more = added(step, posture.reach[k], at, travel);
            shares[step.variable] += more;
            travel += more;
            at = posture.poses[k].point(at);
        }
        let most = (0..shares.len()).max_by(|&i, &j| shares[i].total_cmp(&shares[j]))?;
        (shares[most] > 0.0).then_some(most)
    }

    /// The least and the greatest distance of two points while the head moves and nothing else does.
    pub(super) fn distances(&self, first: &ChainPlace, second: &ChainPlace) -> [f64; 2] {
        let Some(ChainHead { slides, range: [lower, upper] }) = self.head else {
            return [first.at.distance(second.at); 2];
        };
        if slides {
            let across = (first.at - second.at).truncate().length();
            let along = first.at.z - second.at.z;
            let nearest = along - along.clamp(lower, upper);
            let farthest = (along - lower).abs().max((along - upper).abs());
            return [across.hypot(nearest), across.hypot(farthest)];
        }
        let apart = second.azimuth - first.azimuth;
        let [least, most] = cosines([apart + lower, apart + upper]);
        let (a, b) = (first.from_axis, second.from_axis);
        let along = first.at.z - second.at.z;
        // (a - b)^2 + 2 a b (1 - cos) loses no digits where the circles all but touch.
        let distance = |cosine: f64| ((a - b).powi(2) + 2.0 * a * b * (1.0 - cosine) + along * along).sqrt();
        [distance(most), distance(least)]
    }
}

impl ChainPlace {
    fn new(at: DVec3, travel: f64) -> Self {
        Self { at, from_axis: at.x.hypot(at.y), azimuth: at.y.atan2(at.x), travel }
    }
}

/// What a step adds to how far a point strays that strays by `travel` behind it.
fn added(step: &ChainStep, reach: f64, at: DVec3, travel: f64) -> f64 {
    if step.slides { reach } else { reach * (at.x.hypot(at.y) + travel) }
}

/// How far a point at unit distance from an axis moves by a turn of up to `half`.
fn chord(half: f64) -> f64 {
    2.0 * (0.5 * half.min(PI)).sin()
}

/// The least and greatest cosine of the angles of an interval.
fn cosines([lower, upper]: [f64; 2]) -> [f64; 2] {
    if upper - lower >= TAU {
        return [-1.0, 1.0];
    }
    let holds = |phase: f64| ((lower - phase) / TAU).ceil() * TAU + phase <= upper;
    let ends = [lower.cos(), upper.cos()];
    [if holds(PI) { -1.0 } else { ends[0].min(ends[1]) }, if holds(0.0) { 1.0 } else { ends[0].max(ends[1]) }]
}

/// A frame turned so that its z axis is `axis`.
fn rotation_to(axis: DVec3) -> Pose {
    let rotation = DMat3::from_quat(DQuat::from_rotation_arc(DVec3::Z, axis));
    Pose { rotation, translation: DVec3::ZERO }
}

/// The joints on the way from link `a` to link `b`; `None` where more than `most` of them move.
fn way(robot: &Robot, mut a: usize, mut b: usize, most: usize) -> Option<Vec<Passed>> {
    let (mut there, mut back) = (Vec::new(), Vec::new());
    let mut moving = 0;
    // Parents stand before their children: whichever stands later can't be the other's ancestor.
    while a != b {
        let up = a > b;
        let end = if up { &mut a } else { &mut b };
        let joint = *end - 1;
        *end = robot.joints[joint].parent;
        if up { &mut there } else { &mut back }.push(Passed { joint, up });
        moving += usize::from(robot.joints[joint].kind != JointKind::Fixed);
        if moving > most {
            return None;
        }
    }
    there.extend(back.into_iter().rev());
    Some(there)
}

/// The joints that decide how link `a` stands to link `b`: those with a position of their own that move
/// between them, or that others there follow.
pub(super) fn deciding(robot: &Robot, [a, b]: [usize; 2]) -> Vec<usize> {
    let all = way(robot, a, b, usize::MAX).unwrap_or_default().into_iter().map(|passed| passed.joint);
    let moving = all.filter(|&j| robot.joints[j].kind != JointKind::Fixed);
    moving.map(|j| robot.joints[j].mimic.map_or(j, |m| m.joint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The cosines of an interval's angles are between those told, and come near to both.
        #[test]
        fn cosines_of_an_interval(lower in -20.0..20.0_f64, width in 0.0..8.0_f64) {
            let [least, most] = cosines([lower, lower + width]);
            let sampled = (0..=2000).map(|k| (lower + width * f64::from(k) / 2000.0).cos());
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for cosine in sampled {
                (low, high) = (low.min(cosine), high.max(cosine));
            }
            // The last sample may lie beyond the interval by the rounding of an angle of 28.
            prop_assert!(least <= low + 1e-14 && low < least + 1e-4, "{least} {low}");
            prop_assert!(most >= high - 1e-14 && high > most - 1e-4, "{most} {high}");
        }
    }
}

//! Which links are neighbours. Imports `pose`.

use crate::pose::Pose;
use crate::robot::{JointKind, Robot};
use glam::{DMat3, DVec3};
use std::collections::{BTreeMap, BTreeSet};

/// Axes that pass a point as closely as this, metres, meet there: less than what is between parts of a joint.
const MEETING: f64 = 1e-3;

/// Neighbouring links: joined by one joint or, with nothing but links without geometry between them, by one joint
/// that moves, or by several that turn about one point, as those of a shoulder do; rigid links between add nothing
/// to that as long as they stay there. Links that are joined by joints at different places can be far from each
/// other, and are judged.
pub(super) fn adjacent(robot: &Robot) -> BTreeSet<[usize; 2]> {
    let solid = |l: usize| !robot.links[l].spheres.is_empty();
    // Per link without geometry: the topmost of the links without geometry it is joined to.
    let mut top: Vec<usize> = (0..robot.links.len()).collect();
    let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for (j, joint) in robot.joints.iter().enumerate() {
        let (parent, child) = (joint.parent, j + 1);
        match (solid(parent), solid(child)) {
            (true, true) => {
                pairs.insert([parent, child]);
            }
            (true, false) => neighbours.entry(child).or_default().push(parent),
            (false, true) => neighbours.entry(top[parent]).or_default().push(child),
            (false, false) => top[child] = top[parent],
        }
    }
    let poses = robot.link_poses(&robot.neutral());
    for around in neighbours.values() {
        for (i, &a) in around.iter().enumerate() {
            let met = around[i + 1..].iter().map(|&b| [a.min(b), a.max(b)]);
            pairs.extend(met.filter(|&links| meet(robot, &poses, links)));
        }
    }
    pairs
}

/// Whether the joints between two links, which stand at `poses`, turn about one point, or only one of them moves.
fn meet(robot: &Robot, poses: &[Pose], links: [usize; 2]) -> bool {
    let (fixed, moving): (Vec<usize>, Vec<usize>) =
        between(robot, links).into_iter().partition(|&j| robot.joints[j].kind == JointKind::Fixed);
    let Some(&only) = moving.first() else { return true };
    if moving.len() > 1 && moving.iter().any(|&j| robot.joints[j].kind == JointKind::Prismatic) {
        return false;
    }
    let axes: Vec<[DVec3; 2]> = moving
        .iter()
        .map(|&j| {
            let frame = poses[robot.joints[j].parent] * robot.joints[j].origin;
            [frame.translation, frame.rotation * robot.joints[j].axis]
        })
        .collect();
    let point = nearest_point(&axes);
    let turn_there =
        axes.iter().all(|&[through, along]| (point - through).reject_from_normalized(along).length() <= MEETING);
    // Rigid links lead no farther than along the axis of what moves.
    let along = axes[0][1];
    let stays = |&j: &usize| {
        let step = poses[robot.joints[j].parent].rotation * robot.joints[j].origin.translation;
        let aside = if robot.joints[only].kind == JointKind::Prismatic || moving.len() > 1 {
            step
        } else {
            step.reject_from_normalized(along)
        };
        aside.length() <= MEETING
    };
    turn_there && fixed.iter().all(stays)
}

/// The joints on the way from one link to another.
fn between(robot: &Robot, [mut a, mut b]: [usize; 2]) -> Vec<usize> {
    let mut joints = Vec::new();
    // Parents stand before their children.
    while a != b {
        let later = if a > b { &mut a } else { &mut b };
        joints.push(*later - 1);
        *later = robot.joints[*later - 1].parent;
    }
    joints
}

/// The point for which the squares of the distances from all axes, each a point and a unit direction, sum up to
/// the least; near the first where there are many.
fn nearest_point(axes: &[[DVec3; 2]]) -> DVec3 {
    let origin = axes[0][0];
    let across = |along: DVec3| DMat3::IDENTITY - DMat3::from_cols(along * along.x, along * along.y, along * along.z);
    // A little is added to what parallel axes leave open.
    let matrix = axes.iter().fold(DMat3::IDENTITY * 1e-9, |sum, &[_, along]| sum + across(along));
    let sum = axes.iter().map(|&[through, along]| across(along) * (through - origin)).sum::<DVec3>();
    origin + matrix.inverse() * sum
}

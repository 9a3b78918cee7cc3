//! Which pairs of links are checked against each other: all but those an SRDF disables, or,
//! without an SRDF, all but those that sampling shows to need no check. Imports `pose`.

use super::mechanism::bounding_sphere;
use super::{Joint, JointKind, Robot, SkipReason, SkippedPair, Sphere};
use crate::pose::Pose;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// A pair that touches in this share of the sampled states is left out (MoveIt's default).
const ALWAYS: f64 = 0.95;

/// A pair that never came nearer than this, in metres, counts as one that never touches. MoveIt
/// asks for no touch alone; samples miss narrow cases, so we ask for some distance as well.
const NEVER_MARGIN: f64 = 0.02;

/// Fills in pairs and skipped pairs from a list of disabled ones.
pub(super) fn sort_out(robot: &mut Robot, disabled: &[SkippedPair]) {
    let reasons: BTreeMap<[usize; 2], SkipReason> = disabled.iter().map(|s| (s.links, s.reason)).collect();
    let solid = |l: &usize| !robot.links[*l].spheres.is_empty();
    let links: Vec<usize> = (0..robot.links.len()).filter(solid).collect();
    (robot.pairs, robot.skipped) = (Vec::new(), Vec::new());
    for (i, &a) in links.iter().enumerate() {
        for &b in &links[i + 1..] {
            match reasons.get(&[a, b]) {
                Some(&reason) => robot.skipped.push(SkippedPair { links: [a, b], reason }),
                None => robot.pairs.push([a, b]),
            }
        }
    }
}

/// Finds the pairs that need no check, as MoveIt's setup assistant does: neighbours, pairs that
/// touch in the neutral state, pairs that touch in nearly all of `samples` random joint states, and
/// pairs that come near each other in none of them.
pub(super) fn find(robot: &mut Robot, samples: usize, seed: u64) {
    sort_out(robot, &adjacent(robot));
    let neutral = robot.link_poses(&robot.neutral());
    let mut disabled = std::mem::take(&mut robot.skipped);
    let mut tallies: Vec<Tally> = robot.pairs.iter().map(|&links| Tally::new(links)).collect();
    let shapes = Shapes::new(robot);
    tallies.retain(|t| {
        let touches = shapes.nearer(&neutral, t.links, 0.0);
        if touches {
            disabled.push(SkippedPair { links: t.links, reason: SkipReason::Default });
        }
        !touches
    });
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..samples {
        let poses = robot.link_poses(&random_state(robot, &mut random));
        for tally in &mut tallies {
            if shapes.nearer(&poses, tally.links, NEVER_MARGIN) {
                tally.near += 1;
                tally.touching += usize::from(shapes.nearer(&poses, tally.links, 0.0));
            }
        }
    }
    disabled.extend(
        tallies.iter().filter_map(|t| t.reason(samples).map(|reason| SkippedPair { links: t.links, reason })),
    );
    sort_out(robot, &disabled);
}

/// How often a pair of links came near, and touched.
struct Tally {
    links: [usize; 2],
    near: usize,
    touching: usize,
}

impl Tally {
    fn new(links: [usize; 2]) -> Self {
        Self { links, near: 0, touching: 0 }
    }

    fn reason(&self, samples: usize) -> Option<SkipReason> {
        match samples {
            0 => None,
            _ if self.near == 0 => Some(SkipReason::Never),
            _ if self.touching as f64 >= ALWAYS * samples as f64 => Some(SkipReason::Always),
            _ => None,
        }
    }
}

/// Neighbouring links. A link without geometry joins all its neighbours to one another.
fn adjacent(robot: &Robot) -> Vec<SkippedPair> {
    let solid = |l: usize| !robot.links[l].spheres.is_empty();
    // Per link without geometry: the topmost of the links without geometry it is joined to.
    let mut top: Vec<usize> = (0..robot.links.len()).collect();
    let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (j, joint) in robot.joints.iter().enumerate() {
        let (parent, child) = (joint.parent, j + 1);
        match (solid(parent), solid(child)) {
            (true, true) => pairs.push([parent, child]),
            (true, false) => neighbours.entry(child).or_default().push(parent),
            (false, true) => neighbours.entry(top[parent]).or_default().push(child),
            (false, false) => top[child] = top[parent],
        }
    }
    for around in neighbours.values() {
        for (i, &a) in around.iter().enumerate() {
            pairs.extend(around[i + 1..].iter().map(|&b| [a.min(b), a.max(b)]));
        }
    }
    pairs.into_iter().map(|links| SkippedPair { links, reason: SkipReason::Adjacent }).collect()
}

/// A random joint state within the position limits; joints without limits turn by up to pi.
fn random_state(robot: &Robot, random: &mut Pcg64Mcg) -> Vec<f64> {
    let value = |joint: &Joint| match joint.kind {
        JointKind::Fixed => 0.0,
        JointKind::Continuous => random.random_range(-PI..=PI),
        JointKind::Revolute | JointKind::Prismatic => {
            let (lower, upper) = (joint.limits.lower, joint.limits.upper);
            let s: f64 = random.random();
            lower * (1.0 - s) + upper * s
        }
    };
    robot.joints.iter().map(value).collect()
}

/// The links' spheres and, for each link, one that holds them all.
struct Shapes<'r> {
    robot: &'r Robot,
    bounds: Vec<Option<Sphere>>,
}

impl<'r> Shapes<'r> {
    fn new(robot: &'r Robot) -> Self {
        let bound = |spheres: &[Sphere]| (!spheres.is_empty()).then(|| bounding_sphere(spheres));
        Self { robot, bounds: robot.links.iter().map(|l| bound(&l.spheres)).collect() }
    }

    /// Whether two links come nearer than `margin` (below zero: overlap), metres.
    fn nearer(&self, poses: &[Pose], [a, b]: [usize; 2], margin: f64) -> bool {
        // Sphere b as link a sees it.
        let b_in_a = poses[a].inverse() * poses[b];
        let near = |s: &Sphere, t: &Sphere| {
            s.center.distance_squared(b_in_a.point(t.center)) < (s.radius + t.radius + margin).powi(2)
        };
        let (Some(bound_a), Some(bound_b)) = (&self.bounds[a], &self.bounds[b]) else { return false };
        let links = &self.robot.links;
        near(bound_a, bound_b)
            && links[a]
                .spheres
                .iter()
                .any(|s| near(s, bound_b) && links[b].spheres.iter().any(|t| near(s, t)))
    }
}

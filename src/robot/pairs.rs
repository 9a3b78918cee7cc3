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

/// A pair that touches in the neutral state and in this share of the sampled states is left out.
/// MoveIt does not ask for the second: it then overlooks, say, a hand that can fold onto its own
/// forearm, only because it does so where all joints are zero.
const DEFAULT: f64 = 0.5;

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
    let mut disabled = adjacent(robot);
    sort_out(robot, &disabled);
    let shapes = Shapes::new(robot);
    let mut tallies: Vec<Tally> = robot.pairs.iter().map(|&links| Tally::new(links)).collect();
    let neutral = robot.link_poses(&robot.neutral());
    for tally in &mut tallies {
        tally.touches_in_neutral = shapes.nearer(&neutral, tally.links, 0.0);
    }
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
    let skipped = |t: &Tally| t.reason(samples).map(|reason| SkippedPair { links: t.links, reason });
    disabled.extend(tallies.iter().filter_map(skipped));
    sort_out(robot, &disabled);
}

/// Leaves out the pairs of an SRDF's making that touch in the neutral state and in each of `samples`
/// random ones: meshes that keep apart can have spheres that do not, and a pair that always touches
/// says nothing about a state.
pub(super) fn leave_out_always(robot: &mut Robot, samples: usize, seed: u64) {
    let shapes = Shapes::new(robot);
    let neutral = robot.link_poses(&robot.neutral());
    let touch = |poses: &[Pose], links: [usize; 2]| shapes.nearer(poses, links, 0.0);
    let mut always: Vec<_> = robot.pairs.iter().copied().filter(|&links| touch(&neutral, links)).collect();
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..samples {
        if always.is_empty() {
            return;
        }
        let poses = robot.link_poses(&random_state(robot, &mut random));
        always.retain(|&links| touch(&poses, links));
    }
    robot.pairs.retain(|links| !always.contains(links));
    robot.skipped.extend(always.into_iter().map(|links| SkippedPair { links, reason: SkipReason::Always }));
    robot.skipped.sort_unstable_by_key(|s| s.links);
}

/// How often a pair of links came near, and touched.
struct Tally {
    links: [usize; 2],
    touches_in_neutral: bool,
    near: usize,
    touching: usize,
}

impl Tally {
    fn new(links: [usize; 2]) -> Self {
        Self { links, touches_in_neutral: false, near: 0, touching: 0 }
    }

    fn reason(&self, samples: usize) -> Option<SkipReason> {
        let share = self.touching as f64 / samples.max(1) as f64;
        if share >= ALWAYS {
            Some(SkipReason::Always)
        } else if self.touches_in_neutral {
            (share >= DEFAULT).then_some(SkipReason::Default)
        } else {
            (samples > 0 && self.near == 0).then_some(SkipReason::Never)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::LoadOptions;

    /// A base, an empty link on a turntable, and on it two balls on arms and one at the axis.
    const URDF: &str = r#"<robot name="carousel">
  <link name="base"><collision><origin xyz="0 0 -0.5"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="table"/>
  <link name="left"><collision><origin xyz="1 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="right"><collision><origin xyz="-1 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="hand"><collision><origin xyz="0.5 0 0"/><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="shell"><collision><origin xyz="-0.45 0 0"/><geometry><sphere radius="0.5"/></geometry></collision></link>
  <joint name="turn" type="continuous"><parent link="base"/><child link="table"/></joint>
  <joint name="weld_left" type="fixed"><parent link="table"/><child link="left"/></joint>
  <joint name="weld_right" type="fixed"><parent link="table"/><child link="right"/></joint>
  <joint name="wave" type="continuous">
    <parent link="left"/><child link="hand"/><origin xyz="1 0 0"/><axis xyz="0 0 1"/>
  </joint>
  <joint name="weld_shell" type="fixed"><parent link="hand"/><child link="shell"/><origin xyz="0.5 0 0"/></joint>
</robot>"#;

    #[test]
    fn finds_what_needs_no_check() {
        let robot = Robot::parse(URDF, None, None, &LoadOptions::default()).unwrap();
        let find = |a: &str, b: &str| {
            let links = [robot.link(a).unwrap(), robot.link(b).unwrap()];
            let links = [links[0].min(links[1]), links[0].max(links[1])];
            let skipped = robot.skipped.iter().find(|s| s.links == links).map(|s| s.reason);
            assert!(skipped.is_some() != robot.pairs.contains(&links), "either checked or left out");
            skipped
        };
        assert_eq!(find("base", "left"), Some(SkipReason::Adjacent), "through the empty table");
        assert_eq!(find("left", "right"), Some(SkipReason::Adjacent), "both at the empty table");
        assert_eq!(find("left", "hand"), Some(SkipReason::Adjacent));
        assert_eq!(find("base", "hand"), Some(SkipReason::Never));
        assert_eq!(find("left", "shell"), Some(SkipReason::Always), "the ball is in the shell");
        assert_eq!(find("right", "shell"), Some(SkipReason::Never));
    }

    #[test]
    fn what_always_touches_is_left_out_of_an_srdf_too() {
        let robot =
            Robot::parse(URDF, Some("<robot name=\"carousel\"/>"), None, &LoadOptions::default()).unwrap();
        let always: Vec<_> = robot.skipped.iter().filter(|s| s.reason == SkipReason::Always).collect();
        let mut touching = [robot.link("left").unwrap(), robot.link("shell").unwrap()];
        touching.sort_unstable();
        assert!(always.iter().any(|s| s.links == touching), "the ball is in the shell");
        assert!(robot.pairs.len() + robot.skipped.len() == 10 && robot.pairs.len() >= 6, "all else stays");
    }

    #[test]
    fn keeps_what_touches_at_times() {
        // A longer waving arm reaches the ball on the other side.
        let urdf = URDF.replace("<origin xyz=\"0.5 0 0\"/><geometry>", "<origin xyz=\"2 0 0\"/><geometry>");
        let robot = Robot::parse(&urdf, None, None, &LoadOptions::default()).unwrap();
        let (right, hand) = (robot.link("right").unwrap(), robot.link("hand").unwrap());
        assert!(robot.pairs.contains(&[right.min(hand), right.max(hand)]));
    }

    #[test]
    fn the_same_seed_finds_the_same() {
        let load =
            |seed| Robot::parse(URDF, None, None, &LoadOptions { seed, ..LoadOptions::default() }).unwrap();
        assert_eq!(load(3).skipped, load(3).skipped);
    }
}

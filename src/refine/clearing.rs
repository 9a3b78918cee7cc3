//! Which way a robot gets out of what it touches.

use crate::check::{Status, Verdict};
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::{CollisionLink, JointMotion, Sphere};
use glam::DVec3;

/// Distances between what touches, and how they grow with the outputs.
pub(super) struct Clearing<'p> {
    problem: &'p Problem,
    /// Positions of all joints, and the bodies there.
    position: Vec<f64>,
    poses: Vec<Pose>,
    /// How fast the distance that was looked at last grows with each joint, m/rad or 1.
    pub(super) gradient: Vec<f64>,
}

/// What touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    /// A link and an obstacle, by their indices.
    World { link: usize, obstacle: usize },
    /// Two links.
    Links([usize; 2]),
}

/// The two places that are the nearest to each other.
struct Nearest {
    /// How far they are apart, metres.
    distance: f64,
    /// Of each that may move: its body, a point that this carries along, and the direction in which the distance grows if the
    /// point moves.
    moving: [(usize, DVec3, DVec3); 2],
}

impl Contact {
    /// What a verdict tells of; `None` where nothing touches.
    pub(super) fn of(verdict: &Verdict) -> Option<Self> {
        let [subject, other] = [verdict.subject as usize, verdict.other as usize];
        match verdict.status() {
            Status::World => Some(Self::World { link: subject, obstacle: other }),
            Status::SelfCollision => Some(Self::Links([subject, other])),
            _ => None,
        }
    }
}

impl<'p> Clearing<'p> {
    pub(super) fn new(problem: &'p Problem) -> Self {
        let joints = vec![0.0; problem.mechanism.dof()];
        Self { problem, position: joints.clone(), poses: Vec::new(), gradient: joints }
    }

    /// The distance between what touches where the first joints stand at `position`, and the others, those of a body that
    /// leans as it flies, at zero; metres, below zero where it overlaps.
    pub(super) fn distance(&mut self, contact: Contact, position: &[f64]) -> f64 {
        self.nearest(contact, position).map_or(f64::INFINITY, |nearest| nearest.distance)
    }

    /// The same, and its gradient.
    pub(super) fn distance_with_gradient(&mut self, contact: Contact, position: &[f64]) -> f64 {
        self.gradient.fill(0.0);
        let Some(nearest) = self.nearest(contact, position) else { return f64::INFINITY };
        for (body, point, direction) in nearest.moving {
            self.add_gradient(body, point, direction);
        }
        nearest.distance
    }

    fn nearest(&mut self, contact: Contact, position: &[f64]) -> Option<Nearest> {
        self.position.iter_mut().zip(position).for_each(|(joint, &value)| *joint = value);
        self.problem.mechanism.place(&self.position, &mut self.poses);
        match contact {
            Contact::World { link, obstacle } => self.nearest_to_obstacle(link, obstacle),
            Contact::Links(links) => self.nearest_of_links(links),
        }
    }

    fn nearest_to_obstacle(&self, link: usize, obstacle: usize) -> Option<Nearest> {
        let Problem { mechanism, world, .. } = self.problem;
        let (link, obstacle) = (&mechanism.links[link], &world.obstacles[obstacle]);
        let distance = |s: Sphere| (obstacle.signed_distance(s.center) - s.radius - link.padding, s.center);
        let (distance, point) = self.spheres(link).map(distance).min_by(|a, b| a.0.total_cmp(&b.0))?;
        let still = (0, DVec3::ZERO, DVec3::ZERO);
        Some(Nearest { distance, moving: [(link.body, point, obstacle.away(point)), still] })
    }

    fn nearest_of_links(&self, links: [usize; 2]) -> Option<Nearest> {
        let mechanism = &self.problem.mechanism;
        let pair = [links[0].min(links[1]), links[0].max(links[1])];
        let always = mechanism.always_touching(pair);
        let [first, second] = pair.map(|link| &mechanism.links[link]);
        let mut nearest: Option<Nearest> = None;
        for (i, a) in self.spheres(first).enumerate() {
            for (_, b) in self.spheres(second).enumerate().filter(|(j, _)| !always.contains(&[i, *j])) {
                let apart = a.center - b.center;
                let distance = apart.length() - a.radius - b.radius;
                if nearest.as_ref().is_none_or(|nearest| distance < nearest.distance) {
                    let away = apart.normalize_or_zero();
                    let moving = [(first.body, a.center, away), (second.body, b.center, -away)];
                    nearest = Some(Nearest { distance, moving });
                }
            }
        }
        nearest
    }

    /// The spheres of a link in the world.
    fn spheres(&self, link: &CollisionLink) -> impl Iterator<Item = Sphere> {
        let pose = &self.poses[link.body];
        let spheres = self.problem.mechanism.spheres[link.spheres.clone()].iter();
        spheres.map(|s| Sphere { center: pose.point(s.center), radius: s.radius })
    }

    /// Adds how a point of a body moves in a direction with each joint.
    fn add_gradient(&mut self, mut body: usize, point: DVec3, direction: DVec3) {
        let bodies = &self.problem.mechanism.bodies;
        while body != 0 {
            let joint = &bodies[body];
            let pose = &self.poses[body];
            let axis = pose.rotation.z_axis;
            let rate = match joint.motion {
                JointMotion::Fixed => 0.0,
                JointMotion::Prismatic => axis.dot(direction),
                JointMotion::Revolute => axis.cross(point - pose.translation).dot(direction),
            };
            self.gradient[joint.output] += joint.ratio * rate;
            body = joint.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{GRAVITY, JointState, Smoothness};
    use crate::robot::random;
    use crate::world::{Obstacle, Shape, World};
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;

    /// Gradients are those of the distances, by difference quotients, of links that touch nothing too.
    #[test]
    fn gradients_are_slopes() {
        const STEP: f64 = 1e-6;
        for seed in 0..10 {
            let rng = &mut Pcg64Mcg::seed_from_u64(seed);
            let mechanism = random::mechanism(rng, 5);
            let position: Vec<f64> = (0..mechanism.dof()).map(|_| rng.random_range(-1.0..1.0)).collect();
            let shape = Shape::Cuboid { half_extents: DVec3::new(0.1, 0.2, 0.3) };
            let obstacle = Obstacle { name: "box".to_owned(), shape, pose: random::pose(rng, 2.0) };
            let problem = Problem {
                mechanism,
                world: World { obstacles: vec![obstacle] },
                start: JointState::at_rest(position.clone()),
                goals: Vec::new(),
                smoothness: Smoothness::Acceleration,
                torque: false,
                gravity: GRAVITY,
            };
            let mut clearing = Clearing::new(&problem);
            let pairs = problem.mechanism.pairs.iter().copied().map(Contact::Links);
            let worlds = (0..problem.mechanism.links.len()).map(|link| Contact::World { link, obstacle: 0 });
            for contact in pairs.chain(worlds) {
                clearing.distance_with_gradient(contact, &position);
                for (joint, slope) in clearing.gradient.clone().into_iter().enumerate() {
                    let [after, before] = [STEP, -STEP].map(|step| {
                        let mut moved = position.clone();
                        moved[joint] += step;
                        clearing.distance(contact, &moved)
                    });
                    let quotient = (after - before) / (2.0 * STEP);
                    assert!((quotient - slope).abs() < 1e-4, "{contact:?}, joint {joint}: {quotient} and {slope}");
                }
            }
        }
    }
}

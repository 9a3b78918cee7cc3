//! How much room a train has where it stands: to the obstacles, to the bounds of its place, and to its greatest
//! hitch angle. Imports `problem` and what lies below it.

use super::chain::CarTrailerState;
use crate::base::Trailer;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::CollisionLink;
use crate::world::Obstacle;
use glam::DVec3;

/// Only as much room is told of, in hitch lengths.
pub(super) const REACH: f64 = 0.5;

/// How far from where the train goes at first obstacles are still looked at, in hitch lengths: what is farther
/// away is for the checker to find.
const AROUND: f64 = 6.0;

/// The coordinate of a train that is its hitch angle.
const HITCH: usize = 3;

/// Things that there is room to besides obstacles: the hitch angle and bounds, to both sides.
const OWN: usize = 6;

/// What is kept to spare.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    /// From obstacles and bounds, metres.
    pub(super) clearance: f64,
    /// Greatest hitch angle, rad.
    pub(super) hitch: f64,
}

/// Something that must not be negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// To what it is.
    pub(super) subject: usize,
    /// How much of it there is, metres.
    pub(super) value: f64,
    /// How it depends on where the train stands.
    pub(super) slope: CarTrailerState,
}

/// What trains are kept from.
pub(super) struct Surroundings<'a> {
    problem: &'a Problem,
    hitch_length: f64,
    kept: Kept,
    obstacles: Vec<&'a Obstacle>,
    poses: Vec<Pose>,
}

impl<'a> Surroundings<'a> {
    /// Those of the train of a problem about a ball (centre, radius in metres) in which it goes at first.
    pub(super) fn new(
        problem: &'a Problem,
        trailer: Trailer,
        kept: Kept,
        ([x, y], radius): ([f64; 2], f64),
    ) -> Self {
        let hitch_length = trailer.hitch_length;
        let center = problem.mechanism.bodies[0].placement.point(DVec3::new(x, y, 0.0));
        let is_near = |o: &&Obstacle| o.signed_distance(center) < radius + AROUND * hitch_length;
        let obstacles = problem.world.obstacles.iter().filter(is_near).collect();
        Self { problem, hitch_length, kept, obstacles, poses: Vec::new() }
    }

    /// Visits all room that is less than the reach, in the order of its subjects.
    pub(super) fn rooms(&mut self, at: &CarTrailerState, mut visit: impl FnMut(Room)) {
        let reach = REACH * self.hitch_length;
        let mut visit = |room: Room| {
            if room.value < reach {
                visit(room);
            }
        };
        for (subject, side) in [1.0, -1.0].into_iter().enumerate() {
            let value = self.hitch_length * (self.kept.hitch - side * at.hitch);
            let slope = CarTrailerState { hitch: -side * self.hitch_length, ..CarTrailerState::default() };
            visit(Room { subject, value, slope });
        }
        let stance = at.stance(self.hitch_length);
        let [x, y, _] = stance.place;
        self.bounds([x, y], stance.heading, &mut visit);
        self.problem.mechanism.place(&[x, y, stance.heading, at.hitch], &mut self.poses);
        self.obstacles(reach, &mut visit);
    }

    /// To the bounds of the trailer's axle.
    fn bounds(&self, place: [f64; 2], heading: f64, visit: &mut impl FnMut(Room)) {
        let (sin, cos) = heading.sin_cos();
        for (i, limits) in self.problem.mechanism.limits.iter().enumerate().take(2) {
            let sides = [(place[i] - limits.lower, 1.0), (limits.upper - place[i], -1.0)];
            for (side, (value, sign)) in sides.into_iter().enumerate() {
                let turned = sign * self.hitch_length * [sin, -cos][i];
                let mut slope = CarTrailerState { heading: turned, hitch: -turned, ..CarTrailerState::default() };
                slope.place[i] = sign;
                visit(Room { subject: 2 + 2 * i + side, value: value - self.kept.clearance, slope });
            }
        }
    }

    /// Of each body to each obstacle: that of the sphere that is the nearest.
    fn obstacles(&self, reach: f64, visit: &mut impl FnMut(Room)) {
        let moving = self.problem.mechanism.links.iter().enumerate().filter(|(_, link)| link.body > 0);
        for (body, link) in moving {
            let center = self.poses[link.body].point(link.bound.center);
            for (i, obstacle) in self.obstacles.iter().enumerate() {
                let bound = obstacle.signed_distance(center) - link.bound.radius - link.padding;
                if bound - self.kept.clearance < reach
                    && let Some((distance, point)) = self.nearest(link, obstacle)
                {
                    let slope = self.slope(link, point, obstacle.away(point));
                    let subject = OWN + body * self.obstacles.len() + i;
                    visit(Room { subject, value: distance - self.kept.clearance, slope });
                }
            }
        }
    }

    /// Distance and centre of the sphere of a body that is nearest to an obstacle.
    fn nearest(&self, link: &CollisionLink, obstacle: &Obstacle) -> Option<(f64, DVec3)> {
        let spheres = self.problem.mechanism.spheres[link.spheres.clone()].iter().map(|sphere| {
            let center = self.poses[link.body].point(sphere.center);
            (obstacle.signed_distance(center) - sphere.radius - link.padding, center)
        });
        spheres.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// How the distance of a body's point depends on where the train stands, if it grows in the direction
    /// `away`: car and trailer turn about the hitch.
    fn slope(&self, link: &CollisionLink, point: DVec3, away: DVec3) -> CarTrailerState {
        let is_car = self.problem.mechanism.bodies[link.body].output == HITCH;
        let ground = &self.poses[0];
        let hitch = self.poses[self.poses.len() - 1].translation;
        let turned = away.dot(ground.vector(DVec3::Z).cross(point - hitch));
        CarTrailerState {
            place: [DVec3::X, DVec3::Y].map(|axis| away.dot(ground.vector(axis))),
            heading: turned,
            hitch: if is_car { 0.0 } else { -turned },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::chain::tests::{TRAILER, car};
    use super::*;
    use crate::base::Base;
    use crate::problem::{JointState, GRAVITY, Smoothness};
    use crate::robot::{JointLimits, Mechanism, Robot, Sphere};
    use crate::world::{Shape, World};
    use glam::DQuat;
    use proptest::prelude::*;

    pub(in crate::refine::arcs) const KEPT: Kept = Kept { clearance: 0.01, hitch: 0.7 };

    /// A train of three balls among a box and a ball, on a ground that is turned.
    pub(in crate::refine::arcs) fn problem() -> Problem {
        let base = Base::Car(car());
        let mut limits = vec![JointLimits::NONE; 4];
        (limits[0].lower, limits[1].upper) = (-0.6, 0.7);
        let ball = |x: f64, y: f64| Sphere { center: DVec3::new(x, y, 0.0), radius: 0.1 };
        let car = Robot::of_spheres("body", vec![ball(0.1, 0.05), ball(-0.1, 0.0)]);
        let robot = car.on_base(base, &limits, vec![ball(0.05, -0.1)]);
        let ground = Pose::new(DQuat::from_rotation_z(0.7), DVec3::new(0.3, -0.2, 0.0));
        let obstacle = |shape, x: f64| Obstacle {
            name: String::new(),
            shape,
            pose: Pose::from_translation(DVec3::new(x, 0.1, 0.0)),
        };
        let cuboid = Shape::Cuboid { half_extents: DVec3::new(0.2, 0.1, 1.0) };
        Problem {
            mechanism: Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), ground).unwrap(),
            world: World {
                obstacles: vec![obstacle(cuboid, 0.6), obstacle(Shape::Sphere { radius: 0.3 }, -0.5)],
            },
            start: JointState::at_rest(vec![0.0; 4]),
            goals: Vec::new(),
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        }
    }

    proptest! {
        /// Every slope is the difference quotient of its room, but on the creases of a distance.
        #[test]
        fn slopes_are_difference_quotients(
            place in prop::array::uniform2(-0.6..0.6_f64), heading in -3.0..3.0_f64, hitch in -0.7..0.7_f64,
        ) {
            const STEP: f64 = 1e-6;
            let problem = problem();
            let mut around = Surroundings::new(&problem, TRAILER, KEPT, ([0.0; 2], 1.0));
            let at = CarTrailerState { place, heading, hitch };
            let mut all = |at: &CarTrailerState| {
                let mut rooms = Vec::new();
                around.rooms(at, |room| rooms.push(room));
                rooms
            };
            let rooms = all(&at);
            prop_assert!(rooms.is_sorted_by_key(|room| room.subject));
            for j in 0..4 {
                let moved = |by: f64| {
                    let [x, y, heading, hitch] = std::array::from_fn(|i| {
                        values(&at)[i] + if i == j { by } else { 0.0 }
                    });
                    CarTrailerState { place: [x, y], heading, hitch }
                };
                let (more, less) = (all(&moved(STEP)), all(&moved(-STEP)));
                for room in &rooms {
                    let of = |rooms: &[Room]| rooms.iter().find(|r| r.subject == room.subject).map(|r| r.value);
                    let (Some(more), Some(less)) = (of(&more), of(&less)) else { continue };
                    let [up, down] = [more - room.value, room.value - less];
                    if (up - down).abs() < 1e-9 {
                        let quotient = (more - less) / (2.0 * STEP);
                        let slope = values(&room.slope)[j];
                        prop_assert!((quotient - slope).abs() < 1e-4, "{j} {room:?}: {quotient}");
                    }
                }
            }
        }
    }

    fn values(at: &CarTrailerState) -> [f64; 4] {
        [at.place[0], at.place[1], at.heading, at.hitch]
    }
}

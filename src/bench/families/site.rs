//! What stands in a world that is drawn: upright boxes and trunks on a plane.

use super::placement::Placement;
use super::vehicles::Model;
use crate::pose::Pose;
use crate::world::{Obstacle, Shape};
use glam::{DQuat, DVec2, DVec3};

/// Height of what stands on the ground, metres.
const GROUND_HEIGHT: f64 = 1.0;

/// Height of what stands about the altitude at which a vehicle flies, metres; its bounds keep it below the top.
const FLIGHT_HEIGHT: f64 = 8.0;

/// Obstacles, and the middle and the height of all that stands.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) obstacles: Vec<Obstacle>,
    middle: f64,
    height: f64,
}

impl Site {
    /// An empty one for a vehicle.
    pub(super) fn new(model: &Model) -> Self {
        let height = if model.altitude > 0.0 { FLIGHT_HEIGHT } else { GROUND_HEIGHT };
        Self { obstacles: Vec::new(), middle: model.altitude, height }
    }

    fn add(&mut self, name: &str, shape: Shape, pose: Pose) {
        let name = format!("{name} {}", self.obstacles.len());
        self.obstacles.push(Obstacle { name, shape, pose });
    }

    /// Adds a box about `center`, its first side turned by `angle`.
    pub(super) fn add_box(&mut self, name: &str, center: DVec2, size: DVec2, angle: f64) {
        let pose = Pose::new(DQuat::from_rotation_z(angle), center.extend(self.middle));
        self.add(name, Shape::Cuboid { half_extents: size.extend(self.height) / 2.0 }, pose);
    }

    /// Adds a wall whose face goes from one point to another, to the left of it.
    pub(super) fn add_wall(&mut self, name: &str, [from, to]: [DVec2; 2], thickness: f64) {
        let along = to - from;
        let aside = along.perp().normalize_or_zero() * thickness / 2.0;
        self.add_box(name, (from + to) / 2.0 + aside, DVec2::new(along.length(), thickness), along.to_angle());
    }

    /// Adds an upright cylinder.
    pub(super) fn add_trunk(&mut self, center: DVec2, radius: f64) {
        let pose = Pose::from_translation(center.extend(self.middle));
        self.add("trunk", Shape::Cylinder { radius, half_length: self.height / 2.0 }, pose);
    }

    /// Whether a vehicle keeps `margin` from everything in all of these placements.
    pub(super) fn is_clear(&self, model: &Model, way: &[Placement], margin: f64) -> bool {
        self.obstacles.iter().all(|obstacle| keeps_clear(obstacle, model, way, margin))
    }

    /// Takes the last obstacle away.
    pub(super) fn pop(&mut self) {
        self.obstacles.pop();
    }

    /// The last obstacle.
    pub(super) fn last(&self) -> Option<&Obstacle> {
        self.obstacles.last()
    }
}

/// Whether a vehicle keeps `margin` from an obstacle in all of these placements.
pub(super) fn keeps_clear(obstacle: &Obstacle, model: &Model, way: &[Placement], margin: f64) -> bool {
    let extent = model.extent();
    let far = |at: &Placement| {
        let middle: DVec3 = at.position.extend(model.altitude);
        obstacle.signed_distance(middle) > extent + margin
    };
    let clear = |at: &Placement| {
        model.footprint(at).all(|s| obstacle.signed_distance(s.center) >= s.radius + margin)
    };
    way.iter().all(|at| far(at) || clear(at))
}

//! What kinds of worlds give out: a world and a way through it, and the problem that these make.

use super::placement::Placement;
use super::site::Site;
use super::vehicles::Model;
use crate::error::InputError;
use crate::scene::Scene;
use crate::world::World;
use glam::DVec2;

/// A problem of a family.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What is to be planned.
    pub scene: Scene,
    /// Placements from start to goal in which the vehicle keeps clear of all obstacles, and between which it can
    /// drive; of a slot those within it.
    pub witness: Vec<Placement>,
}

/// A world in the plane, and a way through it.
pub(super) struct Drawn {
    pub(super) site: Site,
    /// Least and greatest position.
    pub(super) bounds: [DVec2; 2],
    /// From start to goal.
    pub(super) way: Vec<Placement>,
}

/// Room above and below the height at which a way flies, metres.
const HEADROOM: f64 = 3.0;

/// Clearance of ways, as a share of the width of the vehicle.
pub(super) const MARGIN: f64 = 0.01;

impl Drawn {
    /// The problem from the start of the way to its end.
    pub(super) fn instance(self, model: &Model) -> Result<Instance, InputError> {
        let Self { site, bounds: [lower, upper], way } = self;
        let height = model.altitude;
        let [Some(first), Some(last)] = [way.first(), way.last()] else {
            return Err(InputError::new("a way has two ends"));
        };
        let ends = [model.state(first, height)?, model.state(last, height)?];
        let [low, high] = [-HEADROOM, HEADROOM].map(|room| height + room);
        let source = model.source(lower.extend(low), upper.extend(high));
        let scene = Scene::of_vehicle(source, World { obstacles: site.obstacles }, ends)?;
        Ok(Instance { scene, witness: way })
    }
}

/// The box around a way, and so much more on all sides.
pub(super) fn around(way: &[Placement], room: f64) -> [DVec2; 2] {
    let corner = |pick: fn(DVec2, DVec2) -> DVec2, room: f64| {
        way.iter().map(|at| at.position).reduce(pick).unwrap_or_default() + room
    };
    [corner(DVec2::min, -room), corner(DVec2::max, room)]
}

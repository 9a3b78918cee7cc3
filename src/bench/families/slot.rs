//! Openings for quadrotors: a gap in a floor for one in a vertical plane, a window in a wall for one in space. Either
//! may be narrower than the body, which then has to lean.
//!
//! Why there is a way: say that it is in the middle of the opening, leaning so that it fits, its rotors off, moving
//! straight through. It keeps its attitude and falls freely until it is clear of the opening, a body's length later.
//! From there it rights itself and hovers, as there is room enough to do so. All of this can be driven backwards as
//! well, as there is no drag: from a hover on the other side it comes to the middle in the mirrored course.

use super::drawn::Instance;
use super::placement::Placement;
use super::vehicles::{Model, Vehicle};
use crate::error::InputError;
use crate::pose::Pose;
use crate::scene::Scene;
use crate::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// The narrow side of the opening, in widths of the body.
const NARROW: std::ops::Range<f64> = 0.8..1.5;
/// The wide side of a window, in widths of the body.
const WIDE: std::ops::Range<f64> = 1.6..2.5;
/// How far a window is turned about the course through it, rad, either way.
const TURNED: f64 = 1.2;
/// Half the thickness of floor and wall, metres.
const HALF_PLATE: f64 = 0.02;
/// Half the side of the room that is walled, metres, and beyond the wall to all sides.
const ROOM: f64 = 4.0;
/// From the opening to start and goal, metres.
const APART: std::ops::Range<f64> = 1.5..3.0;
/// How far start and goal are beside the middle of the opening, metres, either way.
const BESIDE: f64 = 1.5;

pub(super) fn instance(
    rng: &mut Pcg64Mcg,
    vehicle: Vehicle,
    model: &Model,
) -> Result<Instance, InputError> {
    let is_planar = vehicle == Vehicle::PlanarQuadrotor;
    let middle = DVec3::new(0.0, 0.0, model.altitude);
    let narrow = rng.random_range(NARROW) * model.width;
    let wide = rng.random_range(WIDE) * model.width;
    let turned = rng.random_range(-TURNED..TURNED);
    let obstacles = if is_planar { gap(middle, narrow) } else { window(middle, [narrow, wide], turned) };
    let mut end = |side: f64| {
        let apart = side * rng.random_range(APART);
        let [u, v] = [0, 1].map(|_| rng.random_range(-BESIDE..BESIDE));
        middle + if is_planar { DVec3::new(u, 0.0, apart) } else { DVec3::new(apart, u, v) }
    };
    let side = if is_planar { 1.0 } else { -1.0 };
    let ends = [end(side), end(-side)];
    let states = [0, 1].map(|i| model.state(&Placement::new(ends[i].x, ends[i].y, 0.0), ends[i].z));
    let [start, goal] = states;
    let source = model.source(middle - ROOM, middle + ROOM);
    let scene = Scene::of_vehicle(source, World { obstacles }, [start?, goal?])?;
    Ok(Instance { scene, witness: Vec::new() })
}

fn plate(name: &str, center: DVec3, half_extents: DVec3, turn: DQuat) -> Obstacle {
    Obstacle { name: name.to_owned(), shape: Shape::Cuboid { half_extents }, pose: Pose::new(turn, center) }
}

/// A floor with a gap from one side to the other.
fn gap(middle: DVec3, width: f64) -> Vec<Obstacle> {
    let half = DVec3::new(ROOM / 2.0, 1.0, HALF_PLATE);
    let beside = |side: f64| middle + side * (half.x + width / 2.0) * DVec3::X;
    vec![
        plate("floor to the right", beside(1.0), half, DQuat::IDENTITY),
        plate("floor to the left", beside(-1.0), half, DQuat::IDENTITY),
    ]
}

/// A wall across x with a window, of all of which the sides of the window are turned about x.
fn window(middle: DVec3, [narrow, wide]: [f64; 2], turned: f64) -> Vec<Obstacle> {
    let turn = DQuat::from_rotation_x(turned);
    // The wall is a square turned with its window; that it closes the room, it is longer by its diagonal.
    let half = ROOM * std::f64::consts::SQRT_2;
    let (beside, above) = ((half - narrow / 2.0) / 2.0, (half - wide / 2.0) / 2.0);
    let at = |y: f64, z: f64| middle + turn * DVec3::new(0.0, y, z);
    let mut plates = Vec::new();
    for side in [1.0, -1.0] {
        let center = at(side * (narrow / 2.0 + beside), 0.0);
        plates.push(plate("wall beside the window", center, DVec3::new(HALF_PLATE, beside, half), turn));
        let center = at(0.0, side * (wide / 2.0 + above));
        plates.push(plate("wall at its end", center, DVec3::new(HALF_PLATE, narrow / 2.0, above), turn));
    }
    plates
}

//! A trap like a U between start and goal, its mouth towards the start.

use super::drawn::{Drawn, MARGIN, around};
use super::placement::Placement;
use super::site::Site;
use super::track::{Leg, follow, through};
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// Depth of the trap, in lengths of the vehicle.
const DEPTH: std::ops::Range<f64> = 3.0..10.0;
/// Width of the trap within, in widths of the vehicle.
const WIDTH: std::ops::Range<f64> = 1.5..6.0;
/// Thickness of its walls, as a share of the width of the vehicle.
const WALL: f64 = 0.5;
/// From its back to the goal, in lengths of the vehicle, beyond what it takes to turn.
const BEHIND: std::ops::Range<f64> = 1.0..4.0;
/// Beside it, in widths of the vehicle.
const BESIDE: std::ops::Range<f64> = 1.5..4.0;
/// Before its mouth, in lengths of the vehicle, beyond what it takes to turn.
const BEFORE: std::ops::Range<f64> = 1.0..3.0;

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let (length, width, margin) = (model.length(), model.width, MARGIN * model.width);
    let (depth, inner, wall) =
        (rng.random_range(DEPTH) * length, rng.random_range(WIDTH) * width, WALL * width);
    let mut site = Site::new(model);
    for side in [1.0, -1.0] {
        let center = DVec2::new(depth / 2.0, side * (inner + wall) / 2.0);
        site.add_box("arm", center, DVec2::new(depth, wall), 0.0);
    }
    site.add_box("back", DVec2::new(depth + wall / 2.0, 0.0), DVec2::new(wall, inner + 2.0 * wall), 0.0);

    let turning = 4.0 * model.steering.tightest();
    let outside = Placement::new(-turning - rng.random_range(BEFORE) * length, 0.0, 0.0);
    // What can back out, or turn round within, may start within.
    let within = Placement::new(rng.random_range(0.3..0.9) * (depth - model.ahead), 0.0, 0.0);
    let starts_within = rng.random_bool(0.7) && model.steering.reverses();
    let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let aside = inner / 2.0 + wall + rng.random_range(BESIDE) * width + turning / 4.0;
    let passing = Placement::new(depth / 2.0, side * aside, 0.0);
    let goal = Placement::new(depth + wall + model.behind + turning + rng.random_range(BEHIND) * length, 0.0, 0.0);
    let out = match starts_within {
        true => follow(model, within, &[Leg::Drive { length: outside.position.x - within.position.x, curvature: 0.0 }], margin),
        false => vec![outside],
    };
    if !site.is_clear(model, &out, margin) {
        return None;
    }
    let around_it = through(model, &site, &[outside, passing, passing.moved(depth / 2.0), goal], margin)?;
    let way = [&out[..], &around_it[1..]].concat();
    Some(Drawn { site, bounds: around(&way, aside + 2.0 * length), way })
}

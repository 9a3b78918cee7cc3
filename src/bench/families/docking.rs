//! Backwards into a dock: the way is that out of it, driven back.

use super::drawn::{Drawn, MARGIN, around};
use super::placement::Placement;
use super::site::Site;
use super::track::{Leg, follow};
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::FRAC_PI_2;

/// Width of the dock beyond that of the body, metres, of what is as large as a car; else as much smaller.
const ROOM: std::ops::Range<f64> = 0.4..1.0;
/// Depth of the dock, as a share of what is behind the frame of the vehicle.
const DEPTH: std::ops::Range<f64> = 0.6..1.1;
/// Circles that lead out of it, over the tightest of the vehicle; of what turns on the spot, over its length.
const TURN: std::ops::Range<f64> = 1.3..2.0;
/// What is straight between dock and turn, in lengths of the vehicle.
const STRAIGHT: std::ops::Range<f64> = 0.7..1.5;
/// From the end of the turn to the start, in lengths of the vehicle: a trailer straightens out.
const APPROACH: std::ops::Range<f64> = 1.0..3.0;
/// By how much the turn leads round, rad.
const ANGLE: std::ops::Range<f64> = 0.6..FRAC_PI_2;
/// From the way to what bounds the yard, in lengths of the vehicle.
const YARD: std::ops::Range<f64> = 0.5..1.5;
/// Thickness of walls, in widths of the vehicle.
const WALL: f64 = 0.3;

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let (length, width) = (model.length(), model.width);
    // The mouth of the dock lies on the line x = 0; the yard is beyond it, at greater x.
    let half = (width + rng.random_range(ROOM) * model.scale()) / 2.0;
    let depth = rng.random_range(DEPTH) * model.behind;
    let goal = Placement::new(model.behind + 0.1 * model.scale() - depth, 0.0, 0.0);
    let mut legs = vec![Leg::Drive { length: rng.random_range(STRAIGHT) * length, curvature: 0.0 }];
    let radius = rng.random_range(TURN) * model.steering.tightest().max(length / 2.0);
    let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    legs.push(Leg::Drive { length: radius * rng.random_range(ANGLE), curvature: side / radius });
    legs.push(Leg::Drive { length: rng.random_range(APPROACH) * length, curvature: 0.0 });
    let mut way = follow(model, goal, &legs, MARGIN * width);
    way.reverse();

    let bounds = around(&way, 2.0 * length);
    let mut site = Site::new(model);
    let wall = WALL * width;
    site.add_box("back of the dock", DVec2::new(-depth - wall / 2.0, 0.0), DVec2::new(wall, 2.0 * half), 0.0);
    for (side, edge) in [(1.0, bounds[1].y), (-1.0, bounds[0].y)] {
        let span = edge.abs() - half;
        let center = DVec2::new(-(depth + wall) / 2.0, side * (half + span / 2.0));
        site.add_box("beside the dock", center, DVec2::new(depth + wall, span), 0.0);
    }
    let most = way.iter().map(|at| at.position.x).fold(0.0, f64::max);
    let across = most + model.extent() + rng.random_range(YARD) * length;
    let height = bounds[1].y - bounds[0].y;
    let middle = (bounds[0].y + bounds[1].y) / 2.0;
    site.add_box("fence", DVec2::new(across + wall / 2.0, middle), DVec2::new(wall, height), 0.0);
    site.is_clear(model, &way, MARGIN * width).then_some(Drawn { site, bounds, way })
}

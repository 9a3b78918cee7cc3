//! Forests: trunks around a way that wanders from one side to the other.

use super::drawn::Drawn;
use super::placement::Placement;
use super::site::{Site, keeps_clear};
use super::track::through;
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::PI;

/// A square one and a long one, metres.
const SIZES: [DVec2; 2] = [DVec2::new(40.0, 20.0), DVec2::new(300.0, 40.0)];
/// Trunks that are wanted; their logarithm is drawn.
const TRUNKS: [f64; 2] = [20.0, 2000.0];
/// The share of the ground that they are to fill.
const FILLED: std::ops::Range<f64> = 0.01..1.0 / 3.0;
/// Radii of trunks, metres.
const RADIUS: [f64; 2] = [0.05, 1.0];
/// Room beside the way, as a share of the width of the vehicle.
const ROOM: std::ops::Range<f64> = 0.05..0.5;
/// From one bend of the way to the next, ahead, metres, and in radii of the tightest circle of the vehicle.
const BENDS: [f64; 2] = [8.0, 3.0];
/// Headings in bends, rad, either way.
const LEAN: f64 = 0.5;
/// Most places that are tried for a trunk, for each that is wanted.
const PLACES: usize = 4;

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let size = SIZES[usize::from(rng.random_bool(0.5))];
    let room = rng.random_range(ROOM) * model.width;
    let mut site = Site::new(model);
    let way = through(model, &site, &stops(rng, model, size), room)?;
    let wanted = rng.random_range(TRUNKS[0].ln()..TRUNKS[1].ln()).exp();
    let area = rng.random_range(FILLED) * size.x * size.y;
    let radius = (area / (wanted * PI)).sqrt().clamp(RADIUS[0], RADIUS[1]);
    let (mut filled, mut standing) = (0.0, 0);
    for _ in 0..PLACES * wanted as usize {
        if standing as f64 >= wanted || filled >= size.x * size.y * FILLED.end {
            break;
        }
        let radius = radius * rng.random_range(0.7..1.3);
        site.add_trunk(DVec2::new(rng.random_range(0.0..size.x), rng.random_range(0.0..size.y)), radius);
        if site.last().is_some_and(|trunk| keeps_clear(trunk, model, &way, room)) {
            (filled, standing) = (filled + PI * radius * radius, standing + 1);
        } else {
            site.pop();
        }
    }
    let margin = DVec2::splat(model.extent());
    let inside = |at: &Placement| at.position.cmpge(DVec2::ZERO).all() && at.position.cmple(size).all();
    way.iter().all(inside).then_some(Drawn { site, bounds: [-margin, size + margin], way })
}

/// The start, the bends, the goal.
fn stops(rng: &mut Pcg64Mcg, model: &Model, size: DVec2) -> Vec<Placement> {
    let edge = 2.0 * model.extent();
    let step = BENDS[0].max(BENDS[1] * model.steering.tightest() + model.length());
    let count = ((size.x - 2.0 * edge) / step).floor().max(1.0);
    let stop = |i: usize, rng: &mut Pcg64Mcg| {
        let x = edge + (size.x - 2.0 * edge) * i as f64 / count;
        Placement::new(x, rng.random_range(edge..size.y - edge), rng.random_range(-LEAN..LEAN))
    };
    (0..=count as usize).map(|i| stop(i, rng)).collect()
}

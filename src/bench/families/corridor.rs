//! Corridors with one to four bends or kinks, closed at both ends.

use super::drawn::{Drawn, MARGIN, around};
use super::placement::{Placement, Steering};
use super::site::Site;
use super::track::{Leg, follow};
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::FRAC_PI_2;

/// Bends.
const BENDS: std::ops::RangeInclusive<usize> = 1..=4;
/// By how much a bend turns, rad.
const TURN: std::ops::Range<f64> = 0.35..FRAC_PI_2;
/// How far from its first direction a corridor turns at most, rad, so that it does not meet itself.
const MOST_HEADING: f64 = 1.4;
/// Straight pieces, in lengths of the vehicle.
const STRAIGHT: std::ops::Range<f64> = 2.0..6.0;
/// Room that is left beside the swept body, as a share of its width, both sides together.
const ROOM: std::ops::Range<f64> = 0.1..0.6;
/// Radii of bends, over the tightest circle of the vehicle; of what turns on the spot and is not round, over its
/// length.
const BEND: std::ops::Range<f64> = 1.0..3.0;
/// Thickness of walls, as a share of the width of the vehicle.
const WALL: f64 = 0.3;

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let legs = legs(rng, model);
    let way = follow(model, Placement::new(0.0, 0.0, 0.0), &legs, MARGIN * model.width);
    let swept = legs.iter().map(|leg| swept(model, *leg)).fold(0.0, f64::max);
    let half = swept + rng.random_range(ROOM) * model.width / 2.0;
    let mut site = Site::new(model);
    enclose(&mut site, &middle_line(model, &legs), half, WALL * model.width);
    site.is_clear(model, &way, MARGIN * model.width)
        .then(|| Drawn { site, bounds: around(&way, 2.0 * model.length()), way })
}

/// Straight pieces with bends, or with turns on the spot, between.
fn legs(rng: &mut Pcg64Mcg, model: &Model) -> Vec<Leg> {
    let straight =
        |rng: &mut Pcg64Mcg| Leg::Drive { length: rng.random_range(STRAIGHT) * model.length(), curvature: 0.0 };
    let (mut legs, mut heading) = (vec![straight(rng)], 0.0_f64);
    for _ in 0..rng.random_range(BENDS) {
        let turn = rng.random_range(TURN) * if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        // What would turn too far turns to the other side.
        let turn = if (heading + turn).abs() > MOST_HEADING { -turn } else { turn };
        heading += turn;
        let radius = bend_radius(rng, model);
        legs.push(match radius {
            0.0 => Leg::Spin(turn),
            _ => Leg::Drive { length: radius * turn.abs(), curvature: turn.signum() / radius },
        });
        // S-bends have nothing between.
        if rng.random_bool(0.7) || radius == 0.0 {
            legs.push(straight(rng));
        }
    }
    legs.push(straight(rng));
    legs
}

/// The radius of a bend, metres; none of a kink, for what is as wide however it turns.
fn bend_radius(rng: &mut Pcg64Mcg, model: &Model) -> f64 {
    let is_round = model.ahead == model.behind && model.length() == model.width;
    let kink = rng.random_bool(0.5);
    let factor = rng.random_range(BEND);
    match model.steering {
        Steering::Radius { radius, .. } => radius * factor,
        Steering::Any | Steering::Spot { .. } if is_round && kink => 0.0,
        Steering::Any | Steering::Spot { .. } => model.length() * factor,
    }
}

/// How far the body reaches beside a leg, metres.
fn swept(model: &Model, leg: Leg) -> f64 {
    match leg {
        Leg::Drive { curvature, .. } if curvature != 0.0 => model.swept(1.0 / curvature.abs()),
        _ => model.swept(f64::INFINITY),
    }
}

/// The middle of the corridor as a line of chords so short that they stay close to its arcs, longer at both ends by
/// what the vehicle fills there.
fn middle_line(model: &Model, legs: &[Leg]) -> Vec<DVec2> {
    let start = Placement::new(0.0, 0.0, 0.0);
    let room = 2.0 * MARGIN * model.width;
    let mut line = vec![start.moved(-model.behind - room).position];
    let mut at = start;
    for &leg in legs {
        if let Leg::Drive { length, curvature } = leg {
            let sagitta = 0.5 * MARGIN * model.width;
            let chord = 2.0 * (2.0 * sagitta / curvature.abs().max(1e-9)).sqrt();
            let count = if curvature == 0.0 { 1.0 } else { (length / chord).ceil() };
            for _ in 0..count as usize {
                at = *follow(model, at, &[Leg::Drive { length: length / count, curvature }], f64::INFINITY)
                    .last()
                    .unwrap_or(&at);
                line.push(at.position);
            }
        } else {
            at = *follow(model, at, &[leg], f64::INFINITY).last().unwrap_or(&at);
        }
    }
    line.pop();
    line.push(at.moved(model.ahead + room).position);
    line
}

/// Walls at `half` a width to both sides of a line, and across its ends.
fn enclose(site: &mut Site, line: &[DVec2], half: f64, thickness: f64) {
    let sides = [1.0, -1.0].map(|side| beside(line, side * half));
    let [left, right] = &sides;
    for i in 1..line.len() {
        site.add_wall("left wall", [left[i - 1], left[i]], thickness);
        site.add_wall("right wall", [right[i], right[i - 1]], thickness);
    }
    let last = line.len() - 1;
    site.add_wall("end", [right[0], left[0]], thickness);
    site.add_wall("end", [left[last], right[last]], thickness);
}

/// The line at a distance to the left of another: its corners on the bisectors of the other's.
fn beside(line: &[DVec2], distance: f64) -> Vec<DVec2> {
    let normals: Vec<DVec2> =
        line.windows(2).map(|pair| (pair[1] - pair[0]).normalize_or_zero().perp()).collect();
    let corner = |(i, &point): (usize, &DVec2)| {
        let [before, after] = [normals[i.saturating_sub(1)], normals[i.min(normals.len() - 1)]];
        let bisector = (before + after).normalize_or_zero();
        point + bisector * (distance / bisector.dot(after).max(0.1))
    };
    line.iter().enumerate().map(corner).collect()
}

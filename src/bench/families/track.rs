//! Ways that prove problems solvable: straight lines, arcs no tighter than the vehicle can turn, and turns on the spot
//! where it can do these, all as slow as it takes.
//!
//! A car whose steering takes time stands still where the curvature changes until its wheels are turned.

use super::placement::{Placement, Steering};
use super::site::Site;
use super::vehicles::Model;
use glam::DVec2;
use std::f64::consts::{PI, TAU};

/// A piece of a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leg {
    /// Along a straight line or an arc: length in m, negative backwards; curvature in 1/m, positive to the left.
    Drive { length: f64, curvature: f64 },
    /// A turn on the spot, rad.
    Spin(f64),
    /// A straight line whatever the heading, m.
    Slide(DVec2),
}

/// Placements along legs, no farther apart than `step` metres at any part of the vehicle.
pub(super) fn follow(model: &Model, from: Placement, legs: &[Leg], step: f64) -> Vec<Placement> {
    let (mut at, mut way) = (from, vec![from]);
    for &leg in legs {
        let (turned, gone) = match leg {
            Leg::Drive { length, curvature } => (length * curvature, length.abs()),
            Leg::Spin(angle) => (angle, 0.0),
            Leg::Slide(by) => (0.0, by.length()),
        };
        let steps = ((gone + turned.abs() * model.extent()) / step).ceil().max(1.0);
        for _ in 0..steps as usize {
            at = advanced(at, leg, 1.0 / steps, model.hitch);
            way.push(at);
        }
    }
    way
}

/// A placement after a share of a leg.
fn advanced(at: Placement, leg: Leg, share: f64, hitch: Option<f64>) -> Placement {
    let (by, turned, length) = match leg {
        Leg::Slide(by) => (by * share, 0.0, 0.0),
        Leg::Spin(angle) => (DVec2::ZERO, angle * share, 0.0),
        Leg::Drive { length, curvature } => {
            let (length, turned) = (length * share, length * curvature * share);
            // The chord of an arc points to the middle of its headings.
            let half = turned / 2.0;
            let chord = length * if half.abs() < 1e-9 { 1.0 } else { half.sin() / half };
            (chord * DVec2::from_angle(at.heading + half), turned, length)
        }
    };
    let heading = at.heading + turned;
    let trailer = match hitch {
        None => heading,
        // By the midpoint rule: steps are short beside the hitch.
        Some(hitch) => {
            let rate = |trailer: f64| (at.heading + turned / 2.0 - trailer).sin() / hitch;
            at.trailer + length * rate(at.trailer + 0.5 * length * rate(at.trailer))
        }
    };
    Placement { position: at.position + by, heading, trailer }
}

/// A way through all placements, clear of everything in `site` by `margin`; `None` where none is found. What turns
/// along circles goes along the first of Dubins' curves that is clear.
pub(super) fn through(
    model: &Model,
    site: &Site,
    stops: &[Placement],
    margin: f64,
) -> Option<Vec<Placement>> {
    let mut way = vec![*stops.first()?];
    for &to in &stops[1..] {
        let from = *way.last()?;
        let joined = joining(model, from, to).into_iter().find_map(|legs| {
            let hop = follow(model, from, &legs, margin);
            site.is_clear(model, &hop, margin).then_some(hop)
        })?;
        way.extend(&joined[1..]);
    }
    Some(way)
}

/// Ways from one placement to another among no obstacles, the shortest first.
fn joining(model: &Model, from: Placement, to: Placement) -> Vec<Vec<Leg>> {
    let by = to.position - from.position;
    match model.steering {
        Steering::Any => vec![vec![Leg::Slide(by)]],
        Steering::Spot { .. } if by.length() < 1e-12 => vec![vec![Leg::Spin(wrapped(to.heading - from.heading))]],
        Steering::Spot { .. } => {
            let course = by.to_angle();
            vec![vec![
                Leg::Spin(wrapped(course - from.heading)),
                Leg::Drive { length: by.length(), curvature: 0.0 },
                Leg::Spin(wrapped(to.heading - course)),
            ]]
        }
        Steering::Radius { radius, .. } => dubins(from, to, radius),
    }
}

/// An angle within half a turn of zero.
pub(super) fn wrapped(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

/// Dubins' curves of an arc, a straight line and an arc, the shortest first.
fn dubins(from: Placement, to: Placement, radius: f64) -> Vec<Vec<Leg>> {
    const SIDES: [f64; 2] = [1.0, -1.0];
    let words = SIDES.into_iter().flat_map(|first| SIDES.map(|last| [first, last]));
    let mut curves: Vec<(f64, Vec<Leg>)> =
        words.filter_map(|word| arc_line_arc(from, to, radius, word)).collect();
    curves.sort_by(|a, b| a.0.total_cmp(&b.0));
    curves.into_iter().map(|(_, legs)| legs).collect()
}

/// An arc to a side (1 left, -1 right), the tangent of the two circles, and an arc to another.
fn arc_line_arc(from: Placement, to: Placement, radius: f64, [first, last]: [f64; 2]) -> Option<(f64, Vec<Leg>)> {
    let center = |at: Placement, side: f64| at.position + side * radius * DVec2::from_angle(at.heading).perp();
    let between = center(to, last) - center(from, first);
    // The tangent crosses the line of centres where the sides differ.
    let offset = if first == last { 0.0 } else { 2.0 * radius };
    if between.length() <= offset {
        return None;
    }
    let line = (between.length_squared() - offset * offset).sqrt();
    let course = between.to_angle() + first * offset.atan2(line);
    let turn = |side: f64, from: f64, to: f64| (side * (to - from)).rem_euclid(TAU);
    // What is all but a whole turn is none.
    let arc = |angle: f64| if TAU - angle < 1e-9 { 0.0 } else { angle };
    let angles = [arc(turn(first, from.heading, course)), arc(turn(last, course, to.heading))];
    let length = line + radius * (angles[0] + angles[1]);
    let bend = |angle: f64, side: f64| Leg::Drive { length: radius * angle, curvature: side / radius };
    let legs = vec![bend(angles[0], first), Leg::Drive { length: line, curvature: 0.0 }, bend(angles[1], last)];
    (angles[0] + angles[1] < 2.0 * PI + PI).then_some((length, legs))
}

#[cfg(test)]
mod tests {
    use super::super::vehicles::Vehicle;
    use super::*;

    /// All curves lead to where they are to lead.
    #[test]
    fn dubins_curves_arrive() {
        let model = Vehicle::MinSpeedDrive.model();
        let to = Placement::new(3.0, -1.0, 2.0);
        let curves = dubins(Placement::new(0.5, 0.2, -0.7), to, 0.6);
        assert!(curves.len() >= 3);
        for legs in curves {
            let way = follow(&model, Placement::new(0.5, 0.2, -0.7), &legs, 0.1);
            let end = way.last().unwrap();
            assert!(end.position.distance(to.position) < 1e-9, "{end:?}");
            assert!(wrapped(end.heading - to.heading).abs() < 1e-9, "{end:?}");
        }
    }
}

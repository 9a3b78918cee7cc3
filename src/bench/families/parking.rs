//! Bays beside a lane: the way is that out of the bay, driven back.
//!
//! Out of a parallel bay a vehicle goes to and fro, its wheels turned out of the bay on the way out and the other way
//! on the way back, until it can leave in one go; out of the others straight ahead, and in one turn.

use super::drawn::{Drawn, MARGIN, around};
use super::placement::Placement;
use super::site::Site;
use super::track::{Leg, follow, wrapped};
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{FRAC_PI_2, PI};

/// Length of parallel bays beyond that of the vehicle, metres, of what is as large as a car; else as much smaller.
const ALONG: std::ops::Range<f64> = 1.0..2.5;
/// Width of the other bays beyond that of the vehicle, metres; likewise.
const ACROSS: std::ops::Range<f64> = 0.4..1.0;
/// Between a vehicle in its bay and what is behind it, or the kerb beside it, metres; likewise.
const KERB: std::ops::Range<f64> = 0.2..0.5;
/// Angle between lane and angled bays, rad.
const ANGLED: std::ops::Range<f64> = 0.7..1.3;
/// Width of the lane: of parallel bays in widths, of others in lengths of the vehicle, and beyond what the way takes,
/// in widths.
const LANE: [std::ops::Range<f64>; 3] = [1.8..3.0, 1.2..1.6, 0.0..1.0];
/// Way along the lane to the start, in lengths of the vehicle.
const APPROACH: std::ops::Range<f64> = 0.5..2.0;
/// The turning circle, of what turns on the spot, over its length.
const TURN: f64 = 0.6;
/// Moves to and fro in a parallel bay, at most.
const MOVES: usize = 24;
/// Lengths that are tried, as a share of the vehicle's.
const STEP: f64 = 0.02;

/// A bay, empty, and a vehicle in it.
struct Bay<'a> {
    model: &'a Model,
    site: Site,
    parked: Placement,
    /// 1 where the vehicle leaves ahead, having backed in; else -1.
    course: f64,
    /// Curvature of its tightest arcs, 1/m.
    curvature: f64,
}

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let is_parallel = rng.random_bool(0.4);
    let course = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let mut bay = if is_parallel { Bay::parallel(rng, model, course) } else { Bay::across(rng, model, course) };
    let base = rng.random_range(if is_parallel { LANE[0].clone() } else { LANE[1].clone() });
    let base = base * if is_parallel { model.width } else { model.length() };
    let out = if is_parallel { bay.zigzag()? } else { bay.one_turn()? };
    let along = rng.random_range(APPROACH) * model.length();
    let out = [out, vec![Leg::Drive { length: course * along, curvature: 0.0 }]].concat();
    let mut way = follow(model, bay.parked, &out, MARGIN * model.width);
    way.reverse();

    // The far side of the lane is as near as the way allows, or farther.
    let reach = way.iter().flat_map(|at| model.footprint(at).map(|s| s.center.y + s.radius)).fold(0.0, f64::max);
    let lane = base.max(reach + (2.0 * MARGIN + rng.random_range(LANE[2].clone())) * model.width);
    let bounds = around(&way, 3.0 * model.length());
    let (middle, span) = ((bounds[0].x + bounds[1].x) / 2.0, bounds[1].x - bounds[0].x);
    let wall = 0.2 * model.width;
    bay.site.add_box("far side", DVec2::new(middle, lane + wall / 2.0), DVec2::new(span, wall), 0.0);
    bay.is_clear(&way).then_some(Drawn { site: bay.site, bounds, way })
}

impl<'a> Bay<'a> {
    fn new(model: &'a Model, parked: Placement, course: f64) -> Self {
        let tightest = model.steering.tightest();
        let radius = if tightest > 0.0 { tightest } else { TURN * model.length() };
        Self { model, site: Site::new(model), parked, course, curvature: 1.0 / radius }
    }

    /// Between two vehicles along the lane, which is at y > 0, the edge of the bay at y = 0.
    fn parallel(rng: &mut Pcg64Mcg, model: &'a Model, course: f64) -> Self {
        let (length, width, scale) = (model.length(), model.width, model.scale());
        let [room, kerb] = [ALONG, KERB].map(|range| rng.random_range(range) * scale);
        let y = -width / 2.0 - 0.1 * scale;
        let parked = Placement::new(model.behind - length / 2.0, y, 0.0);
        let mut bay = Self::new(model, parked, course);
        for side in [1.0, -1.0] {
            let center = DVec2::new(side * (length + room / 2.0), y);
            bay.site.add_box("parked car", center, DVec2::new(length, width), 0.0);
        }
        let below = y - width / 2.0 - kerb;
        let wall = 0.2 * width;
        bay.site.add_box("kerb", DVec2::new(0.0, below - wall / 2.0), DVec2::new(4.0 * length, wall), 0.0);
        bay
    }

    /// Between two vehicles beside each other, across the lane or at an angle to it.
    fn across(rng: &mut Pcg64Mcg, model: &'a Model, course: f64) -> Self {
        let (length, width, scale) = (model.length(), model.width, model.scale());
        let angle = if rng.random_bool(0.5) { FRAC_PI_2 } else { rng.random_range(ANGLED) };
        let [room, behind] = [ACROSS, KERB].map(|range| rng.random_range(range) * scale);
        let out = DVec2::from_angle(angle);
        let middle = -out * (length / 2.0 + 0.2 * scale);
        let heading = if course > 0.0 { angle } else { angle + PI };
        let ahead = (model.behind - model.ahead) / 2.0;
        let frame = middle + ahead * DVec2::from_angle(heading);
        let mut bay = Self::new(model, Placement::new(frame.x, frame.y, heading), course);
        let next = DVec2::new((width + room / 2.0) / angle.sin(), 0.0);
        for side in [1.0, -1.0] {
            bay.site.add_box("parked car", middle + side * next, DVec2::new(length, width), angle);
        }
        let wall = 0.2 * width;
        let back = middle - out * (length / 2.0 + width / 2.0 / angle.tan() + behind);
        let center = back - DVec2::new(0.0, wall / 2.0);
        bay.site.add_box("wall", center, DVec2::new(4.0 * length, wall), 0.0);
        bay
    }

    fn is_clear(&self, way: &[Placement]) -> bool {
        self.site.is_clear(self.model, way, MARGIN * self.model.width)
    }

    /// Where legs lead, if they lead clear.
    fn clear_end(&self, from: Placement, legs: &[Leg]) -> Option<Placement> {
        let way = follow(self.model, from, legs, MARGIN * self.model.width);
        if self.is_clear(&way) { way.last().copied() } else { None }
    }

    /// An arc out of the bay (1) or back into it (-1), to the left or to the right.
    fn arc(&self, out: f64, length: f64, side: f64) -> Leg {
        Leg::Drive { length: out * self.course * length, curvature: side * self.curvature }
    }

    /// To and fro, then out and straight again.
    fn zigzag(&self) -> Option<Vec<Leg>> {
        let (mut at, mut legs) = (self.parked, Vec::new());
        for number in 0..MOVES {
            let out = if number % 2 == 0 { -1.0 } else { 1.0 };
            if out > 0.0
                && let Some(leaving) = self.leaving(at)
            {
                return Some([legs, leaving].concat());
            }
            // Backing up first, straight: all of the bay is used.
            let side = if number == 0 { 0.0 } else { out };
            let (leg, end) = self.as_far_as_it_goes(at, out, side)?;
            legs.push(leg);
            at = end;
        }
        None
    }

    /// An arc that ends where something is in the way.
    fn as_far_as_it_goes(&self, from: Placement, out: f64, side: f64) -> Option<(Leg, Placement)> {
        let step = STEP * self.model.length();
        let arc = |length: f64| match side {
            0.0 => Leg::Drive { length: out * self.course * length, curvature: 0.0 },
            _ => self.arc(out, length, side),
        };
        let mut reached = None;
        for k in 1..(1.0 / STEP) as usize {
            let leg = arc(k as f64 * step);
            let Some(end) = self.clear_end(from, &[leg]) else { break };
            reached = Some((leg, end));
        }
        reached
    }

    /// An arc into the lane and one along it, from a placement that allows it.
    fn leaving(&self, at: Placement) -> Option<Vec<Leg>> {
        let most = (1.2 / self.curvature / (STEP * self.model.length())) as usize;
        (1..=most).find_map(|k| {
            let length = k as f64 * STEP * self.model.length();
            let turned = (at.heading * self.course).abs() + length * self.curvature;
            let legs =
                vec![self.arc(1.0, length, 1.0), self.arc(1.0, turned / self.curvature, -1.0)];
            let end = self.clear_end(at, &legs)?;
            let straight = Leg::Drive { length: self.course * self.model.length(), curvature: 0.0 };
            self.clear_end(end, &[straight])?;
            Some(legs)
        })
    }

    /// Straight out as far as it takes, then round into the direction of the lane.
    fn one_turn(&self) -> Option<Vec<Leg>> {
        // What leaves ahead turns right, to where x points; what backs out turns so that it then goes there too.
        let course = if self.course > 0.0 { 0.0 } else { PI };
        let angle = wrapped(self.parked.heading - course).abs();
        (0..).map(|k| f64::from(k) * STEP * self.model.length()).take_while(|s| *s < 2.0 * self.model.length()).find_map(
            |straight| {
                let legs = vec![
                    Leg::Drive { length: self.course * straight, curvature: 0.0 },
                    self.arc(1.0, angle / self.curvature, -self.course),
                ];
                self.clear_end(self.parked, &legs)?;
                Some(legs)
            },
        )
    }
}

//! Lengths that a query goes by where its caller names none. They follow from the problem, so that a
//! problem whose lengths are all multiplied by the same factor is planned in the same way.

use super::packed::reaches;
use crate::problem::Problem;
use crate::robot::{Body, CollisionLink, JointMotion, Sphere};
use crate::world::{Obstacle, Shape};
use glam::DVec3;
use std::f64::consts::PI;

/// Lengths of a problem, in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lengths {
    /// The slide that counts as much as a turn by one radian: how far the robot moves at most where a joint turns
    /// by so much, or, where none turns, half the diagonal of the box in which it is looked for.
    pub radian: f64,
    /// How far spheres may move between two samples of an edge: no sphere of the robot of median size slips
    /// through an obstacle of median thickness.
    pub spacing: f64,
    /// How far distances may be off that are computed in single precision: what is farther apart by a checker that
    /// computes so does not touch.
    pub rounding: f64,
}

/// Spacing of samples of vehicles, metres.
const VEHICLE_SPACING: f64 = 0.1;

/// Samples are no farther apart than this share of [`Lengths::radian`]: obstacles may be as large as the world, but
/// then it is their edges that count.
const WIDEST: f64 = 1.0 / 8.0;

/// Operations from a sphere's place to its distance from an obstacle.
const DISTANCE_OPERATIONS: usize = 4;

impl Lengths {
    /// The lengths of `problem`.
    pub fn of(problem: &Problem) -> Self {
        let Problem { mechanism, world, .. } = problem;
        let (radian, rounding) = (radian(problem), rounding(problem));
        if mechanism.vehicle().is_some() {
            return Self { radian, spacing: VEHICLE_SPACING, rounding };
        }
        let moving = mechanism.links.iter().filter(|link| link.body != 0);
        let radii = moving.flat_map(|link| &mechanism.spheres[link.spheres.clone()]).map(|s| s.radius);
        let thickness = median(world.obstacles.iter().filter_map(|o| thickness(&o.shape)));
        let sizes = 2.0 * median(radii) + thickness;
        let widest = WIDEST * radian;
        // A point among plates gives no size.
        let spacing = if sizes > 0.0 { sizes.min(widest) } else { widest };
        Self { radian, spacing, rounding }
    }
}

/// See [`Lengths::rounding`]. Each body is placed by a rotation and a shift of its own, and a few operations more lead to
/// a distance: each is off by half an [`f32::EPSILON`] of the coordinates at hand. The angle itself, and its sine and
/// cosine, take as much again.
fn rounding(problem: &Problem) -> f64 {
    let Problem { mechanism, world, .. } = problem;
    let reach = reach(problem);
    let is_near = |o: &&Obstacle| o.signed_distance(DVec3::ZERO) <= reach;
    let farthest = world.obstacles.iter().filter(is_near).map(|o| o.pose.translation.length()).fold(0.0, f64::max);
    let operations = mechanism.bodies.len() + DISTANCE_OPERATIONS;
    operations as f64 * f64::from(f32::EPSILON) * (reach + farthest)
}

/// How far from the world's origin any of the robot's spheres reaches at most, metres.
fn reach(problem: &Problem) -> f64 {
    let mechanism = &problem.mechanism;
    let farthest: Vec<f64> =
        search_box(problem, 0.0).iter().map(|(lower, upper)| lower.abs().max(upper.abs())).collect();
    let travel = |body: &Body| match body.motion {
        JointMotion::Prismatic => body.ratio.abs() * farthest[body.output] + body.offset.abs(),
        _ => 0.0,
    };
    let mut reaches: Vec<f64> = Vec::with_capacity(mechanism.bodies.len());
    for (i, body) in mechanism.bodies.iter().enumerate() {
        let before = if i == 0 { 0.0 } else { reaches[body.parent] };
        reaches.push(before + body.placement.translation.length() + travel(body));
    }
    let beyond = |s: &Sphere| s.center.length() + s.radius;
    let of_link = |link: &CollisionLink| {
        let spheres = &mechanism.spheres[link.spheres.clone()];
        reaches[link.body] + spheres.iter().map(beyond).fold(0.0, f64::max)
    };
    let slides = |output: &usize| mechanism.base.is_some() && !mechanism.is_angle(*output);
    let about: f64 = (0..mechanism.dof()).filter(slides).map(|output| farthest[output]).sum();
    about + mechanism.links.iter().map(of_link).fold(0.0, f64::max)
}

/// See [`Lengths::radian`].
fn radian(problem: &Problem) -> f64 {
    let mechanism = &problem.mechanism;
    let turning =
        reaches(mechanism).into_iter().enumerate().filter(|&(output, _)| mechanism.is_angle(output));
    let reach = turning.map(|(_, reach)| f64::from(reach)).fold(0.0, f64::max);
    if reach > 0.0 {
        return reach;
    }
    let box_of = search_box(problem, 0.0);
    let slides = box_of.iter().enumerate().filter(|&(output, _)| !mechanism.is_angle(output));
    let diagonal = slides.map(|(_, (lower, upper))| (upper - lower).powi(2)).sum::<f64>().sqrt();
    if diagonal > 0.0 && diagonal.is_finite() { 0.5 * diagonal } else { 1.0 }
}

/// Bounds between which states are looked for: of each output its position limits; where there is but one, up to
/// half a turn beyond the ends; where there is none, over one turn about the middle of the ends, in which every
/// direction occurs once, or farther if they are farther apart. An output that slides has `radian` metres for a
/// radian of these, but no fewer than lead around all obstacles.
pub(crate) fn search_box(problem: &Problem, radian: f64) -> Vec<(f64, f64)> {
    let ends = || problem.goals.iter().chain([&problem.start]);
    let room = std::cell::OnceCell::new();
    let bound = |output: usize| {
        let limits = &problem.mechanism.limits[output];
        let least = ends().map(|s| s.position[output]).fold(f64::INFINITY, f64::min);
        let most = ends().map(|s| s.position[output]).fold(f64::NEG_INFINITY, f64::max);
        let bounds = (limits.lower, limits.upper);
        let half = match problem.mechanism.is_angle(output) {
            true => PI,
            false if bounds.0.is_finite() && bounds.1.is_finite() => 0.0,
            false => *room.get_or_init(|| room_around(&problem.world.obstacles)) + most - least + PI * radian,
        };
        range_of(bounds, least, most, half)
    };
    (0..problem.mechanism.dof()).map(bound).collect()
}

/// Where to sample an output whose ends lie between `least` and `most`, and that goes `half` beyond them where it
/// has no limit.
fn range_of((lower, upper): (f64, f64), least: f64, most: f64, half: f64) -> (f64, f64) {
    match (lower.is_finite(), upper.is_finite()) {
        (true, true) => (lower, upper),
        (true, false) => (lower, most + half),
        (false, true) => (least - half, upper),
        (false, false) => {
            let (middle, half) = (0.5 * (least + most), half.max(0.5 * (most - least)));
            (middle - half, middle + half)
        }
    }
}

/// The diagonal of the box around all obstacles that end somewhere.
fn room_around(obstacles: &[Obstacle]) -> f64 {
    let corners = obstacles.iter().map(Obstacle::bounds).filter(|[a, b]| a.is_finite() && b.is_finite());
    let all = corners.reduce(|[a, b], [c, d]| [a.min(c), b.max(d)]);
    all.map_or(0.0, |[lower, upper]: [DVec3; 2]| lower.distance(upper))
}

/// How far one has to go to get through a solid where it is thinnest; half-spaces have no other side.
fn thickness(shape: &Shape) -> Option<f64> {
    match *shape {
        Shape::Sphere { radius } | Shape::Capsule { radius, .. } => Some(2.0 * radius),
        Shape::Cuboid { half_extents } => Some(2.0 * half_extents.min_element()),
        Shape::Cylinder { radius, half_length } => Some(2.0 * radius.min(half_length)),
        Shape::HalfSpace => None,
    }
}

/// The median of some lengths (of an even number the upper of the two in the middle); zero where there is none.
fn median(lengths: impl Iterator<Item = f64>) -> f64 {
    let mut lengths: Vec<f64> = lengths.collect();
    if lengths.is_empty() {
        return 0.0;
    }
    let middle = lengths.len() / 2;
    *lengths.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_without_end_is_sampled_over_a_turn() {
        const NONE: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(range_of((-1.0, 2.0), 0.0, 1.0, PI), (-1.0, 2.0));
        assert_eq!(range_of((-1.0, f64::INFINITY), 0.0, 1.0, PI), (-1.0, 1.0 + PI));
        assert_eq!(range_of((f64::NEG_INFINITY, 2.0), 0.0, 1.0, PI), (-PI, 2.0));
        assert_eq!(range_of(NONE, 1.0, 2.0, PI), (1.5 - PI, 1.5 + PI));
        assert_eq!(range_of(NONE, -8.0, 8.0, PI), (-8.0, 8.0));
    }
}

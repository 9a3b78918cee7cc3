//! Distances from the obstacles of a world, of which those near each of a few boxes are looked up.

use super::Obstacle;
use crate::stop::{Stop, Watch};
use glam::DVec3;

/// Boxes along each axis, and in all, at most.
const BOXES: usize = 128;
const ALL_BOXES: usize = 1 << 15;

/// A stop is asked once in so many obstacles that are put into a box.
const OBSTACLES_PER_ASK: u32 = 4096;

/// Obstacles near each of a few boxes that fill some bounds.
pub struct NearObstacles<'a> {
    obstacles: &'a [Obstacle],
    /// What is farther than this from a place counts as so far, metres.
    far: f64,
    lower: DVec3,
    /// Boxes per metre and number of boxes, along each axis.
    rate: DVec3,
    counts: [usize; 3],
    near: Vec<Vec<u32>>,
}

impl<'a> NearObstacles<'a> {
    /// Those within `far` metres of any place within bounds along x, y and z; only some when `stop` is due.
    pub fn new(obstacles: &'a [Obstacle], bounds: [(f64, f64); 3], far: f64, stop: &Stop) -> Self {
        let mut watch = Watch::new(stop, OBSTACLES_PER_ASK);
        let (mut lower, mut rate, mut counts) = (DVec3::ZERO, DVec3::ZERO, [1; 3]);
        for (axis, bound) in bounds.iter().enumerate() {
            // Smaller boxes than what an obstacle reaches about itself spare little.
            let width = (bound.1 - bound.0).max(f64::MIN_POSITIVE);
            counts[axis] = ((width / far).ceil().max(1.0) as usize).min(BOXES);
            lower[axis] = bound.0;
            rate[axis] = counts[axis] as f64 / width;
        }
        while counts.iter().product::<usize>() > ALL_BOXES {
            let most = if counts[0] >= counts[1].max(counts[2]) {
                0
            } else {
                1 + usize::from(counts[2] > counts[1])
            };
            rate[most] *= counts[most].div_ceil(2) as f64 / counts[most] as f64;
            counts[most] = counts[most].div_ceil(2);
        }
        let near = vec![Vec::new(); counts.iter().product()];
        let mut found = Self { obstacles, far, lower, rate, counts, near };
        for (i, obstacle) in obstacles.iter().enumerate() {
            let [least, most] = obstacle.bounds();
            let (first, last) = (found.at(least - far), found.at(most + far));
            let boxes: usize = (0..3).map(|i| last[i] - first[i] + 1).product();
            if watch.is_due(boxes as u32) {
                break;
            }
            for z in first[2]..=last[2] {
                for y in first[1]..=last[1] {
                    for x in first[0]..=last[0] {
                        let index = found.index([x, y, z]);
                        found.near[index].push(i as u32);
                    }
                }
            }
        }
        found
    }

    /// Distance of a place within the bounds from the nearest obstacle, at most what is far, metres.
    pub fn distance(&self, place: DVec3) -> f64 {
        let near = self.near[self.index(self.at(place))].iter();
        near.map(|&i| self.obstacles[i as usize].signed_distance(place)).fold(self.far, f64::min)
    }

    /// The box that holds a place, or is nearest to it.
    fn at(&self, place: DVec3) -> [usize; 3] {
        let steps = ((place - self.lower) * self.rate).to_array();
        [0, 1, 2].map(|i| (steps[i].max(0.0) as usize).min(self.counts[i] - 1))
    }

    fn index(&self, at: [usize; 3]) -> usize {
        (at[2] * self.counts[1] + at[1]) * self.counts[0] + at[0]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shape;
    use super::*;
    use crate::pose::Pose;
    use proptest::prelude::*;

    proptest! {
        /// Distances are those of all obstacles, up to what is far.
        #[test]
        fn nothing_near_is_left_out(
            balls in prop::collection::vec((prop::array::uniform3(-3.0..3.0), 0.01_f64..0.8), 1..12),
            place in prop::array::uniform3(-2.0..2.0), far in 0.02_f64..2.0, height in 0.0_f64..2.0,
        ) {
            let obstacle = |(center, radius): &([f64; 3], f64)| Obstacle {
                name: String::new(),
                shape: Shape::Sphere { radius: *radius },
                pose: Pose::from_translation(DVec3::from_array(*center)),
            };
            let obstacles: Vec<Obstacle> = balls.iter().map(obstacle).collect();
            let near = NearObstacles::new(&obstacles, [(-2.0, 2.0), (-2.0, 2.0), (-height, height)], far, &Stop::NEVER);
            let place = DVec3::from_array(place).clamp(DVec3::new(-2.0, -2.0, -height), DVec3::new(2.0, 2.0, height));
            let least = obstacles.iter().map(|o| o.signed_distance(place)).fold(far, f64::min);
            prop_assert_eq!(near.distance(place), least);
        }
    }
}

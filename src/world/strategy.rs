//! Random shapes and obstacles for property tests.

use super::{Obstacle, Shape};
use crate::pose::Pose;
use glam::{DQuat, DVec3};
use proptest::prelude::*;

/// A shape of any kind.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let length = || 0.01..1.0;
    prop_oneof![
        length().prop_map(|radius| Shape::Sphere { radius }),
        (length(), length(), length())
            .prop_map(|(x, y, z)| Shape::Cuboid { half_extents: DVec3::new(x, y, z) }),
        (length(), length()).prop_map(|(radius, half_length)| Shape::Capsule { radius, half_length }),
        (length(), length()).prop_map(|(radius, half_length)| Shape::Cylinder { radius, half_length }),
        Just(Shape::HalfSpace),
    ]
}

/// An obstacle; some stand at the same place, so that their middles tie, and some far away.
pub(crate) fn obstacle() -> impl Strategy<Value = Obstacle> {
    let place = prop_oneof![-3.0..3.0, Just(0.0), Just(1000.0)];
    (shape(), [place.clone(), place.clone(), place], [-3.0..3.0, -3.0..3.0, -3.0..3.0]).prop_map(
        |(shape, t, w)| {
            let turn = DQuat::from_scaled_axis(DVec3::from_array(w));
            let pose = Pose::new(turn, DVec3::from_array(t));
            Obstacle { name: String::new(), shape, pose }
        },
    )
}

//! Obstacles and exact signed distances to them, in `f64`. Imports `error`, `pose` and `stop`.

#[cfg(test)]
pub(crate) mod strategy;

mod near;
mod occupancy;

pub(crate) use near::NearObstacles;
pub use occupancy::OccupancyGrid;

use crate::error::{InvalidValue, excerpt, magnitude};
use crate::pose::Pose;
use glam::{DMat3, DVec2, DVec3};

/// The obstacles of a problem.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// All of them, in no particular order.
    pub obstacles: Vec<Obstacle>,
}

/// A solid at rest in the world.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// Name for messages.
    pub name: String,
    /// What it is, in its own frame.
    pub shape: Shape,
    /// Its frame in the world.
    pub pose: Pose,
}

/// A solid, centred on the origin of its frame. All lengths in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A ball.
    Sphere {
        /// Radius.
        radius: f64,
    },
    /// A box with faces across the axes.
    Cuboid {
        /// Half of its size along x, y and z.
        half_extents: DVec3,
    },
    /// All points within `radius` of the segment from z = -half_length to z = half_length.
    Capsule {
        /// Radius.
        radius: f64,
        /// Half of the length of the segment.
        half_length: f64,
    },
    /// A cylinder about z with flat caps at z = -half_length and z = half_length.
    Cylinder {
        /// Radius.
        radius: f64,
        /// Half of its height.
        half_length: f64,
    },
    /// All points with z <= 0.
    HalfSpace,
}

impl World {
    /// Adds an obstacle under a name that no other has.
    ///
    /// # Errors
    /// Where the name is taken, or the shape or its pose makes no sense.
    pub fn add(&mut self, name: &str, shape: Shape, pose: Pose) -> Result<&mut Self, InvalidValue> {
        self.admit(name)?;
        let under = |e: InvalidValue| e.under(format_args!("obstacle \"{}\"", excerpt(name)));
        shape.validate().map_err(|e| under(e.under("shape")))?;
        pose.validate().map_err(|e| under(e.under("pose")))?;
        self.obstacles.push(Obstacle { name: name.to_owned(), shape, pose });
        Ok(self)
    }

    /// Moves the obstacle of a name.
    ///
    /// # Errors
    /// Where there is none, or it is made of several shapes, or the pose makes no sense.
    pub fn set_pose(&mut self, name: &str, pose: Pose) -> Result<&mut Self, InvalidValue> {
        pose.validate().map_err(|e| e.under("pose"))?;
        let mut named = self.obstacles.iter_mut().filter(|obstacle| obstacle.name == name);
        match (named.next(), named.count()) {
            (Some(obstacle), 0) => obstacle.pose = pose,
            (None, _) => return Err(unknown(name)),
            (Some(_), others) => {
                let found = format!("{} shapes named \"{}\"", others + 1, excerpt(name));
                return Err(InvalidValue::new("name", found, "an obstacle of one shape"));
            }
        }
        Ok(self)
    }

    /// Takes the obstacle of a name away, all its shapes.
    ///
    /// # Errors
    /// Where there is none.
    pub fn remove(&mut self, name: &str) -> Result<&mut Self, InvalidValue> {
        let before = self.obstacles.len();
        self.obstacles.retain(|obstacle| obstacle.name != name);
        if self.obstacles.len() == before { Err(unknown(name)) } else { Ok(self) }
    }

    /// The shapes of an obstacle.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Obstacle> {
        self.obstacles.iter().filter(move |obstacle| obstacle.name == name)
    }

    /// Refuses a name that is taken.
    fn admit(&self, name: &str) -> Result<(), InvalidValue> {
        match self.named(name).next() {
            None => Ok(()),
            Some(_) => {
                let found = format!("\"{}\"", excerpt(name));
                Err(InvalidValue::new("name", found, "a name that no other obstacle has"))
            }
        }
    }

    /// Checks that every obstacle is a solid that stands somewhere.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        self.obstacles.iter().enumerate().try_for_each(|(i, obstacle)| {
            let of_pose = |()| obstacle.pose.validate().map_err(|e| e.under("pose"));
            obstacle
                .shape
                .validate()
                .map_err(|e| e.under("shape"))
                .and_then(of_pose)
                .map_err(|e| e.under(format_args!("obstacles[{i}] (\"{}\")", excerpt(&obstacle.name))))
        })
    }
}

/// That no obstacle has this name.
fn unknown(name: &str) -> InvalidValue {
    InvalidValue::new("name", format!("\"{}\"", excerpt(name)), "the name of an obstacle of the world")
}

impl Shape {
    /// A box of so great a size along its x, y and z, metres.
    pub fn cuboid(size: DVec3) -> Self {
        Self::Cuboid { half_extents: 0.5 * size }
    }

    /// A ball, metres.
    pub fn sphere(radius: f64) -> Self {
        Self::Sphere { radius }
    }

    /// A cylinder about z, metres.
    pub fn cylinder(radius: f64, height: f64) -> Self {
        Self::Cylinder { radius, half_length: 0.5 * height }
    }

    /// All points within `radius` of a segment of `length` along z, metres.
    pub fn capsule(radius: f64, length: f64) -> Self {
        Self::Capsule { radius, half_length: 0.5 * length }
    }

    /// Checks that its lengths are numbers and none below zero.
    ///
    /// # Errors
    /// The first length that makes no sense.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        match *self {
            Self::Sphere { radius } => magnitude("radius", radius),
            Self::Cuboid { half_extents } => {
                let mut axes = ["x", "y", "z"].into_iter().zip(half_extents.to_array());
                axes.try_for_each(|(axis, length)| magnitude(axis, length))
                    .map_err(|e| e.under("half_extents"))
            }
            Self::Capsule { radius, half_length } | Self::Cylinder { radius, half_length } => {
                magnitude("radius", radius).and_then(|()| magnitude("half_length", half_length))
            }
            Self::HalfSpace => Ok(()),
        }
    }

    /// Signed distance from `p` (in the shape's frame) to the surface, negative inside; exact.
    pub fn signed_distance(&self, p: DVec3) -> f64 {
        match *self {
            Self::Sphere { radius } => p.length() - radius,
            Self::Cuboid { half_extents } => {
                let d = p.abs() - half_extents;
                d.max(DVec3::ZERO).length() + d.max_element().min(0.0)
            }
            Self::Capsule { radius, half_length } => {
                let z = p.z - p.z.clamp(-half_length, half_length);
                DVec3::new(p.x, p.y, z).length() - radius
            }
            Self::Cylinder { radius, half_length } => {
                let d = DVec2::new(p.truncate().length() - radius, p.z.abs() - half_length);
                d.max(DVec2::ZERO).length() + d.max_element().min(0.0)
            }
            Self::HalfSpace => p.z,
        }
    }

    /// Half the extents of the smallest box around the shape whose faces stand across the axes of a
    /// frame in which the shape is turned by `rotation`; infinite for a half-space.
    fn half_extents(&self, rotation: &DMat3) -> DVec3 {
        let axis = rotation.z_axis;
        match *self {
            Self::Sphere { radius } => DVec3::splat(radius),
            Self::Cuboid { half_extents } => {
                let [x, y, z] = [rotation.x_axis, rotation.y_axis, rotation.z_axis].map(DVec3::abs);
                x * half_extents.x + y * half_extents.y + z * half_extents.z
            }
            Self::Capsule { radius, half_length } => axis.abs() * half_length + radius,
            Self::Cylinder { radius, half_length } => {
                let disc = (DVec3::ONE - axis * axis).max(DVec3::ZERO);
                axis.abs() * half_length + DVec3::new(disc.x.sqrt(), disc.y.sqrt(), disc.z.sqrt()) * radius
            }
            Self::HalfSpace => DVec3::INFINITY,
        }
    }

    /// Name of the kind, as in scene files.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sphere { .. } => "sphere",
            Self::Cuboid { .. } => "cuboid",
            Self::Capsule { .. } => "capsule",
            Self::Cylinder { .. } => "cylinder",
            Self::HalfSpace => "half_space",
        }
    }
}

impl Obstacle {
    /// Signed distance from a world point to the surface, negative inside; exact.
    pub fn signed_distance(&self, p: DVec3) -> f64 {
        self.shape.signed_distance(self.pose.local_point(p))
    }

    /// The direction in which the signed distance from a world point grows: a unit vector off the creases, by
    /// difference quotients.
    pub fn away(&self, p: DVec3) -> DVec3 {
        const STEP: f64 = 1e-7;
        let quotient = |axis: DVec3| {
            let step = STEP * axis;
            (self.signed_distance(p + step) - self.signed_distance(p - step)) / (2.0 * STEP)
        };
        DVec3::new(quotient(DVec3::X), quotient(DVec3::Y), quotient(DVec3::Z))
    }

    /// Lower and upper corner of the smallest box around the obstacle whose faces stand across the
    /// world's axes; infinite for a half-space.
    pub fn bounds(&self) -> [DVec3; 2] {
        let half = self.shape.half_extents(&self.pose.rotation);
        [self.pose.translation - half, self.pose.translation + half]
    }
}

#[cfg(test)]
mod tests {
    use super::strategy::shape;
    use super::*;
    use glam::DQuat;
    use proptest::prelude::*;

    fn coordinate() -> impl Strategy<Value = f64> {
        prop_oneof![-2.0..2.0, Just(0.0), Just(0.5), Just(-1.0)]
    }

    fn point() -> impl Strategy<Value = DVec3> {
        (coordinate(), coordinate(), coordinate()).prop_map(|(x, y, z)| DVec3::new(x, y, z))
    }

    proptest! {
        /// A distance function is 1-Lipschitz; an exact one has gradient of length 1 almost everywhere.
        #[test]
        fn signed_distance_is_lipschitz_and_exact(s in shape(), p in point(), q in point()) {
            let (a, b) = (s.signed_distance(p), s.signed_distance(q));
            prop_assert!((a - b).abs() <= p.distance(q) + 1e-12);
            let h = 1e-6;
            let slope = |e: DVec3| (s.signed_distance(p + e * h) - s.signed_distance(p - e * h)) / (2.0 * h);
            let gradient = DVec3::new(slope(DVec3::X), slope(DVec3::Y), slope(DVec3::Z));
            // Stepping by the distance against the gradient lands on the surface, off the creases.
            if (gradient.length() - 1.0).abs() < 1e-7 {
                prop_assert!(s.signed_distance(p - gradient * a).abs() < 1e-4);
            }
        }

        /// Bounds hold the obstacle, and it touches each of their six faces.
        #[test]
        fn bounds_are_tight(s in shape(), t in point(), w in point()) {
            prop_assume!(s != Shape::HalfSpace);
            let obstacle =
                Obstacle { name: String::new(), shape: s, pose: Pose::new(DQuat::from_scaled_axis(w), t) };
            let [lower, upper] = obstacle.bounds();
            // Far out along an axis, the distance is that to the plane of the face, less than 1 mm off.
            let far = 1e4;
            for (axis, face) in [(DVec3::X, upper.x), (DVec3::Y, upper.y), (DVec3::Z, upper.z)]
                .into_iter()
                .chain([(-DVec3::X, -lower.x), (-DVec3::Y, -lower.y), (-DVec3::Z, -lower.z)])
            {
                let center = t - axis * axis.dot(t);
                let gap = obstacle.signed_distance(center + axis * far);
                prop_assert!((far - gap - face).abs() < 1e-3, "{} reaches {}, bounds say {face}", s.kind(), far - gap);
            }
        }

        /// Moving obstacle and point together changes nothing.
        #[test]
        fn signed_distance_moves_with_the_pose(s in shape(), p in point(), t in point(), w in point()) {
            let pose = Pose::new(DQuat::from_scaled_axis(w), t);
            let obstacle = Obstacle { name: String::new(), shape: s, pose };
            prop_assert!((obstacle.signed_distance(pose.point(p)) - s.signed_distance(p)).abs() < 1e-12);
        }
    }

    #[test]
    fn cylinder_caps_are_flat() {
        let s = Shape::Cylinder { radius: 0.5, half_length: 1.0 };
        let distance = |x: f64, y: f64, z: f64| s.signed_distance(DVec3::new(x, y, z));
        assert_eq!(distance(0.4, 0.0, 1.25), 0.25);
        assert!((distance(0.0, 0.8, 1.4) - 0.5).abs() < 1e-15);
        assert_eq!(distance(0.0, 0.0, 0.0), -0.5);
    }
}

//! The one slack that ends have at limits. Imports its siblings and `base`.

use super::{JointLimits, Mechanism};
use crate::base::{Base, moved_out, range_moved_out};

/// By how much a start or a goal may lie beyond a limit, as a share of what the limit leaves: of a position, of
/// the way from one bound to the other (where there is but one, of its magnitude, and of no less than 1 rad or
/// m); of a velocity or acceleration, of the greatest. The limit then moves out to that value.
///
/// It is the one slack at ends, for planners, certificates and files alike, and there because robot descriptions
/// round their bounds (3.14159 for pi, say) and states are computed. It is more than these need, and a hundredth of
/// what checks in single precision allow.
pub const END_SLACK: f64 = 1e-6;

impl JointLimits {
    /// These limits, moved out to a position at an end that lies beyond them by no more than [`END_SLACK`].
    #[must_use]
    pub fn admitting_position(self, value: f64) -> Self {
        let [lower, upper] = range_moved_out([self.lower, self.upper], value, END_SLACK);
        Self { lower, upper, ..self }
    }

    /// The same of a velocity.
    #[must_use]
    pub fn admitting_velocity(self, value: f64) -> Self {
        Self { velocity: moved_out(self.velocity, value, END_SLACK), ..self }
    }

    /// The same of an acceleration.
    #[must_use]
    pub fn admitting_acceleration(self, value: f64) -> Self {
        Self { acceleration: moved_out(self.acceleration, value, END_SLACK), ..self }
    }
}

impl JointLimits {
    /// These limits where they are wider than others, and else the others.
    #[must_use]
    pub(crate) fn widened(self, to: Self) -> Self {
        Self {
            lower: self.lower.min(to.lower),
            upper: self.upper.max(to.upper),
            velocity: self.velocity.max(to.velocity),
            acceleration: self.acceleration.max(to.acceleration),
            ..self
        }
    }
}

/// Limits of a mechanism before any end has moved them out: ends lie beyond *these* by no more than [`END_SLACK`],
/// however many of them there are.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenLimits {
    /// Of all outputs, in their order.
    pub joints: Vec<JointLimits>,
    /// Those of a vehicle's base.
    pub base: Option<Base>,
}

impl Mechanism {
    /// Its limits, before ends move them out.
    pub fn given_limits(&self) -> GivenLimits {
        GivenLimits { joints: self.limits.clone(), base: self.base.clone() }
    }

    /// Moves limits out to an end that lies beyond the `given` ones by no more than [`END_SLACK`]: those of all outputs
    /// to their positions, velocities, and accelerations where there are any, and those of a vehicle's base to its
    /// state.
    pub fn admit(
        &mut self,
        given: &GivenLimits,
        position: &[f64],
        velocity: &[f64],
        acceleration: &[f64],
    ) {
        for (i, (limits, given)) in self.limits.iter_mut().zip(&given.joints).enumerate() {
            for moved in [
                position.get(i).map(|&p| given.admitting_position(p)),
                velocity.get(i).map(|&v| given.admitting_velocity(v)),
                acceleration.get(i).map(|&a| given.admitting_acceleration(a)),
            ] {
                *limits = moved.map_or(*limits, |moved| limits.widened(moved));
            }
        }
        if let (Some(base), Some(given)) = (&mut self.base, &given.base) {
            let mut moved = given.clone();
            moved.admit(position, velocity, END_SLACK);
            base.widen(&moved);
        }
    }

    /// Whether [`Mechanism::admit`] would move any limit.
    pub fn admits_by_moving(&self, position: &[f64], velocity: &[f64], acceleration: &[f64]) -> bool {
        let limits = || self.limits.iter();
        limits().zip(position).any(|(l, &p)| l.admitting_position(p) != *l)
            || limits().zip(velocity).any(|(l, &v)| l.admitting_velocity(v) != *l)
            || limits().zip(acceleration).any(|(l, &a)| l.admitting_acceleration(a) != *l)
            || self.base.as_ref().is_some_and(|base| {
                let mut moved = base.clone();
                moved.admit(position, velocity, END_SLACK);
                moved != *base
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::Robot;

    #[test]
    fn limits_move_out_by_no_more_than_the_slack() {
        let limits =
            JointLimits { lower: -3.0, upper: 1.0, velocity: 2.0, acceleration: 4.0, ..JointLimits::NONE };
        let by = |share: f64| share * END_SLACK;
        assert_eq!(limits.admitting_position(1.0 + by(3.9)).upper, 1.0 + by(3.9));
        assert_eq!(limits.admitting_position(-3.0 - by(3.9)).lower, -3.0 - by(3.9));
        assert_eq!(limits.admitting_velocity(-2.0 - by(1.9)).velocity, 2.0 + by(1.9));
        assert_eq!(limits.admitting_acceleration(4.0 + by(3.9)).acceleration, 4.0 + by(3.9));
        let same = [
            limits.admitting_position(1.0 + by(4.1)),
            limits.admitting_position(-3.0 - by(4.1)),
            limits.admitting_position(f64::NAN),
            limits.admitting_velocity(2.0 + by(2.1)),
            limits.admitting_acceleration(4.0 + by(4.1)),
            limits.admitting_position(0.5).admitting_velocity(-1.0).admitting_acceleration(0.0),
        ];
        assert_eq!(same, [limits; 6]);
        // One bound, or none: there is no way between two.
        let half = JointLimits { lower: f64::NEG_INFINITY, upper: 0.0, ..JointLimits::NONE };
        assert_eq!(half.admitting_position(by(0.9)).upper, by(0.9));
        assert_eq!(half.admitting_position(by(1.1)), half);
        assert_eq!(JointLimits::NONE.admitting_position(1e9).admitting_velocity(1e9), JointLimits::NONE);
    }

    /// Each end is compared with the limits that are given, not with those that ends before it have moved.
    #[test]
    fn many_ends_move_limits_by_no_more_than_one() {
        let urdf = r#"<robot name="arm"><link name="a"/><link name="b"/><joint name="turn" type="revolute">
            <parent link="a"/><child link="b"/><limit lower="-1" upper="1" velocity="2" effort="5"/></joint></robot>"#;
        let options = crate::robot::LoadOptions {
            missing_geometry: crate::robot::MissingGeometry::Allow,
            ..crate::robot::LoadOptions::default()
        };
        let robot = Robot::parse(urdf, None, None, &options).unwrap();
        let pose = crate::pose::Pose::IDENTITY;
        let mut mechanism = Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), pose).unwrap();
        let given = mechanism.given_limits();
        let mut drive = mechanism.clone();
        for k in 1..=1000 {
            let share = f64::from(k) * 0.9 * END_SLACK;
            mechanism.admit(&given, &[1.0 + 2.0 * share], &[-2.0 * (1.0 + share)], &[]);
        }
        drive.admit(&given, &[1.0 + 1.8 * END_SLACK], &[-2.0 * (1.0 + 0.9 * END_SLACK)], &[]);
        assert_eq!(mechanism.limits, drive.limits);
        assert!(mechanism.limits[0].upper > 1.0);
    }
}

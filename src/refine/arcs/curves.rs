//! Curves of a trailer's axle for arcs of its car. Imports `steer`.

use super::chain::{Leg, STEPS};
use crate::steer::{PathLimits, Curve, DriveDirection, PathState};

/// Arcs shorter than this are none, in hitch lengths.
const SHORTEST: f64 = 1e-3;

/// Samples of a curve at which its steering angle is looked at.
const LOOK: usize = 16;

/// The curves of the trailer's axle on legs, between two stances; not yet checked. `None` where they lead
/// nowhere, or curves cannot follow them.
pub(super) fn curves_of(
    legs: &[Leg],
    [first, last]: &[PathState; 2],
    hitch_length: f64,
    limits: &PathLimits,
) -> Option<Vec<Curve>> {
    let mut converter = Converter { limits, hitch_length, curves: Vec::new(), at: first.clone() };
    let is_some = |leg: &&Leg| leg.end().way.abs() > SHORTEST * hitch_length;
    let driven: Vec<&Leg> = legs.iter().filter(is_some).collect();
    for (i, leg) in driven.iter().enumerate() {
        let end = (i + 1 == driven.len()).then_some(last);
        converter.convert(leg, [0, STEPS], end)?;
    }
    (!driven.is_empty()).then_some(converter.curves)
}

/// Makes curves of legs.
struct Converter<'a> {
    limits: &'a PathLimits,
    hitch_length: f64,
    curves: Vec<Curve>,
    /// Where the last of them ends.
    at: PathState,
}

impl Converter<'_> {
    /// Appends what lies between two steps of a leg: one curve, or where that would turn the wheels too far, two
    /// or more. It ends at `end`, if that is given.
    fn convert(&mut self, leg: &Leg, [from, to]: [usize; 2], end: Option<&PathState>) -> Option<()> {
        let until = end.cloned().unwrap_or_else(|| leg.at(to).stance(self.hitch_length));
        let way = leg.way(to) - leg.way(from);
        let direction = if way < 0.0 { DriveDirection::Reverse } else { DriveDirection::Forward };
        let curve = Curve::join(&self.at, &until, direction, [way.abs(); 2], false)?;
        if to - from > 1 && !self.limits.admits(&curve, LOOK) {
            let middle = (from + to) / 2;
            self.convert(leg, [from, middle], None)?;
            return self.convert(leg, [middle, to], end);
        }
        self.curves.push(curve.with_heading_reference()?);
        self.at = until;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::chain::tests::{TRAILER, car};
    use super::super::chain::{Arc, CarTrailerState, Train};
    use super::*;
    use crate::base::Base;
    use crate::pose::Pose;
    use crate::robot::{JointLimits, Mechanism, Robot};
    use proptest::prelude::*;

    fn limits() -> PathLimits {
        let base = Base::Car(car());
        let free = vec![JointLimits::NONE; base.coordinates().len()];
        let robot = Robot::of_spheres("body", Vec::new()).on_base(base, &free, Vec::new());
        let mechanism =
            Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY).unwrap();
        PathLimits::of(&mechanism).unwrap()
    }

    proptest! {
        /// Curves of arcs that do not use all of the steering hold the limits, take as long as the arcs, and join.
        #[test]
        fn curves_take_as_long_as_arcs(
            arcs in prop::collection::vec((-1.0..1.0_f64, 0.05..0.5_f64), 1..6), hitch in -0.5..0.5_f64,
        ) {
            let limits = limits();
            let train = Train::new(&car(), TRAILER, 0.9);
            let arcs: Vec<Arc> = arcs.into_iter().map(|(bend, length)| Arc { bend, length }).collect();
            let from = CarTrailerState { hitch, ..CarTrailerState::default() };
            let legs = train.drive(from, &arcs);
            let is_far = |leg: &Leg| (1..=STEPS).any(|step| leg.at(step).hitch.abs() > 0.95 * TRAILER.angle);
            prop_assume!(!legs.iter().any(is_far));
            let ends = [from, legs[legs.len() - 1].end().at].map(|at| at.stance(TRAILER.hitch_length));
            let curves = curves_of(&legs, &ends, TRAILER.hitch_length, &limits).unwrap();
            let durations: Option<f64> = curves.iter().map(|curve| limits.shortest(curve, f64::INFINITY)).sum();
            let wanted: f64 = arcs.iter().map(|arc| TRAILER.hitch_length * arc.length / 0.5).sum();
            let duration = durations.expect("within the limits");
            prop_assert!((duration - wanted).abs() < 5e-3 * wanted, "{duration} {wanted}");
            for pair in curves.windows(2) {
                let [end, begin] = [pair[0].stance(1.0), pair[1].stance(0.0)];
                prop_assert!((end.place[0] - begin.place[0]).hypot(end.place[1] - begin.place[1]) < 1e-12);
                prop_assert!((end.curvature.unwrap() - begin.curvature.unwrap()).abs() < 1e-6);
            }
        }
    }
}

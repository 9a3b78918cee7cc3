//! What ends of a trajectory miss, and by what names it is told. Imports `problem` and `robot`.

use super::options::deviation;
use super::report::{LimitKind, Miss, Quantity, Violation};
use crate::problem::JointState;
use crate::robot::Mechanism;

/// An output of a mechanism that is no vehicle, or a joint of one.
pub(super) fn named(mechanism: &Mechanism, output: usize) -> NamedOutput<'_> {
    NamedOutput { name: &mechanism.outputs[output], is_angle: mechanism.is_angle(output) }
}

/// What of a state an end of a trajectory misses the most.
pub(super) struct Farthest {
    pub(super) tolerance: f64,
    pub(super) deviation: f64,
    /// What that is, if it is by more than is tolerated.
    pub(super) miss: Option<Miss>,
}

impl Farthest {
    pub(super) fn new(tolerance: f64) -> Self {
        Self { tolerance, deviation: 0.0, miss: None }
    }

    /// Takes note of a value and what is expected in its place.
    pub(super) fn see(
        &mut self,
        [value, expected]: [f64; 2],
        name: impl FnOnce() -> (Quantity, &'static str),
    ) {
        let deviation = deviation(value, expected);
        // A NaN is as far as anything.
        let deviation = if deviation.is_nan() { f64::INFINITY } else { deviation };
        if deviation > self.deviation {
            self.deviation = deviation;
            let miss = |(of, unit)| Miss { of, value, expected, unit };
            self.miss = (deviation > self.tolerance).then(|| miss(name()));
        }
    }
}

/// The index of the goal that is missed the least, the first of equals, and by what.
pub(super) fn nearest(
    goals: &[JointState],
    mut miss: impl FnMut(&JointState) -> Farthest,
) -> Result<(usize, Farthest), Violation> {
    let mut best: Option<(usize, Farthest)> = None;
    for (index, goal) in goals.iter().enumerate() {
        let farthest = miss(goal);
        if best.as_ref().is_none_or(|(_, best)| farthest.deviation < best.deviation) {
            best = Some((index, farthest));
        }
    }
    best.ok_or(Violation::Malformed { reason: "the problem has no goal for it to end at" })
}

/// How an output is called, and in which units it is.
#[derive(Clone, Copy)]
pub(super) struct NamedOutput<'a> {
    pub(super) name: &'a str,
    pub(super) is_angle: bool,
}

impl NamedOutput<'_> {
    /// Its value or a derivative of it, and the unit.
    pub(super) fn quantity(self, order: usize) -> (Quantity, &'static str) {
        let kind = LimitKind::of_order(order);
        (Quantity { name: self.name.to_owned(), kind: Some(kind) }, kind.unit(self.is_angle))
    }
}

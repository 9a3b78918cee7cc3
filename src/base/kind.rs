//! What every kind of base knows, and what it tells. Imports nothing but the numbers that it tells in.

use super::course::PathFrame;
use super::jet::Jet;
use super::orders::{MAX_DERIVATIVES, MAX_OUTPUTS};
use super::scalar::Scalar;
use crate::error::Checked;
use glam::DVec3;
use std::f64::consts::{PI, TAU};
use std::fmt;

/// Standard gravity, m/s^2.
pub const GRAVITY: f64 = 9.81;

/// Derivatives of the flat outputs at an instant, or over an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flat<S = f64> {
    /// `[order][output]`.
    pub derivatives: [[S; MAX_OUTPUTS]; MAX_DERIVATIVES],
    /// How the curve of the first outputs is followed, for nonholonomic bases.
    pub course: PathFrame<S>,
}

/// What a base does at an instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Positions of the joints of [`Base::coordinates`](super::Base::coordinates), m or rad.
    pub coordinates: Vec<f64>,
    /// State, in the order of [`Base::state_names`](super::Base::state_names).
    pub state: Vec<f64>,
    /// Control, in the order of [`Base::control_names`](super::Base::control_names).
    pub control: Vec<f64>,
    /// Everything that is limited.
    pub limits: Vec<Bounded>,
}

/// A quantity and what it must lie between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounded {
    /// What it is.
    pub name: &'static str,
    /// What it is now.
    pub value: f64,
    /// Least allowed.
    pub lower: f64,
    /// Greatest allowed.
    pub upper: f64,
}

/// How a base moves at an instant or over an interval: what follows from its map, with derivatives.
#[derive(Clone, Debug, Default)]
pub struct Moved<S = f64> {
    /// Positions of the joints of [`Base::coordinates`](super::Base::coordinates), m or rad: values and at least two derivatives.
    pub coordinates: Vec<Jet<S>>,
    /// Everything that is limited: values and at least one derivative.
    pub limits: Vec<Limited<S>>,
}

/// A quantity that varies, and what it must lie between.
#[derive(Clone, Copy, Debug)]
pub struct Limited<S> {
    /// What it is.
    pub name: &'static str,
    /// What it is and how fast it changes.
    pub value: Jet<S>,
    /// Least and greatest allowed.
    pub bounds: [f64; 2],
}

/// A joint of the chain that carries a base's body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinate {
    /// Name.
    pub name: &'static str,
    /// Whether it turns (else it slides).
    pub turns: bool,
    /// Its axis, in the frame that the coordinates before it have made.
    pub axis: DVec3,
    /// Where it begins in that frame, metres.
    pub origin: DVec3,
}

/// Where a map between outputs and states has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Singular {
    /// Nothing moves, so nothing tells how the bodies are turned.
    #[error("the motion stands still, which tells nothing of the directions of its bodies")]
    CarTrailerState,
    /// A car that turns without driving.
    #[error("a car cannot turn on the spot")]
    TurnOnTheSpot,
    /// A path that bends infinitely where the motion stops.
    #[error("the path has no finite curvature (or slope of it) where the motion stops")]
    Curvature,
    /// A motion that stops inside a segment, or all but does.
    #[error("the motion stops on its way, where it has no direction")]
    Stopping,
    /// Straight up or down has no heading.
    #[error("the flight path is vertical, which has no heading")]
    Vertical,
    /// A vanishing thrust has no direction.
    #[error("the thrust vanishes and has no direction")]
    Thrust,
    /// The thrust lies along the direction that yaw gives, so that nothing fixes the roll.
    #[error("the thrust lies along the direction of yaw")]
    ThrustAlongYaw,
    /// Rolled by a quarter turn, where yaw and pitch turn about the same axis.
    #[error("the body has rolled by a quarter turn, which leaves its yaw open")]
    RolledAcross,
    /// The trailer stands across its car, so that the path of its axle has infinite curvature.
    #[error("the trailer stands at a right angle to its car, or beyond")]
    Jackknife,
    /// The guide does not tell ahead from back.
    #[error("the guide lies across the direction of motion, which leaves open whether it goes ahead or back")]
    GuideAcross,
}

/// A key of a state in scene files, and the numbers of the state that stand under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateKey {
    /// The key.
    pub key: &'static str,
    /// How many numbers stand under it, after those of the keys before.
    pub count: usize,
    /// What holds where it is left out.
    pub absent: Absent,
}

/// What holds where a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It may not be.
    Wrong,
    /// Zeros.
    Zero,
    /// A trailer stands straight behind its car: the heading of this.
    Heading,
    /// Level, with the heading that may stand there in its place.
    Level,
}

/// Any number.
pub(super) const ANY: [f64; 2] = [f64::NEG_INFINITY, f64::INFINITY];

/// No more than this, either way.
pub(super) fn within(most: f64) -> [f64; 2] {
    [-most, most]
}

impl StateKey {
    pub(super) const fn required(key: &'static str, count: usize) -> Self {
        Self { key, count, absent: Absent::Wrong }
    }

    pub(super) const fn zero(key: &'static str, count: usize) -> Self {
        Self { key, count, absent: Absent::Zero }
    }
}

/// What every kind of base knows: all of a kind but how it is checked in lanes and on devices, planned for and read from
/// scene files.
pub(super) trait Kind {
    /// Its name in scene files.
    fn name(&self) -> &'static str;
    /// The first figure that makes no sense.
    fn validate(&self) -> Checked;
    /// Moves the limits of what a state holds out to one that lies beyond them by no more than `share` of them; the
    /// state is given by positions and rates of the coordinates.
    fn admit(&mut self, _position: &[f64], _rates: &[f64], _share: f64) {}
    /// The acceleration of free fall, which points down, where the equations of motion have one.
    fn gravity(&self) -> Option<f64> {
        None
    }
    fn set_gravity(&mut self, _gravity: f64) {}
    /// The keys of a state in scene files, in the order of its numbers.
    fn state_keys(&self) -> &'static [StateKey];
    /// What the numbers of a state must lie between; those of the position have bounds of their own.
    fn state_bounds(&self) -> Vec<[f64; 2]> {
        vec![ANY; self.states().len()]
    }
    /// What is wrong with a state beyond these, by which limits may be exceeded by so small a share: which of its numbers,
    /// and what there is to say.
    fn state_fault(&self, _state: &[f64], _slack: f64) -> Option<(usize, String)> {
        None
    }
    /// The state of coordinates with these positions and rates, attitudes being quaternions: the inverse of
    /// `configuration`.
    fn state(&self, position: &[f64], rates: &[f64]) -> Vec<f64>;
    fn outputs(&self) -> &'static [&'static str];
    fn states(&self) -> &'static [&'static str];
    fn controls(&self) -> &'static [&'static str];
    fn coordinates(&self) -> Vec<Coordinate>;
    /// Highest derivative of the outputs that state, control or limits depend on.
    fn order(&self) -> usize;
    /// How many of the first outputs form a curve whose course is needed.
    fn course(&self) -> usize {
        0
    }
    fn geometric_limits(&self) -> &'static [usize] {
        &[]
    }
    /// Whether the curvature of that curve is needed.
    fn bends(&self) -> bool {
        false
    }
    /// How many of the first coordinates have rates that the state tells.
    fn told_rates(&self) -> usize;
    /// Which of the limited quantities must not jump, because they are part of the state or their rates are
    /// limited.
    fn steady(&self) -> Vec<usize>;
    /// The map. `moved` is empty before.
    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular>
    where
        Self: Sized;
    /// State and control from what the map gives.
    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2];
    fn flatten(&self, state: &[f64], control: &[f64], thrust_rates: [f64; 2]) -> Result<Flat, Singular>;
    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular>;
    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]);
}

impl<S: Scalar> Moved<S> {
    pub(super) fn within(&mut self, name: &'static str, value: Jet<S>, bounds: [f64; 2]) {
        self.limits.push(Limited { name, value, bounds });
    }

    pub(super) fn magnitude(&mut self, name: &'static str, value: Jet<S>, most: f64) {
        self.within(name, value, [-most, most]);
    }
}

impl<S: Scalar> Flat<S> {
    /// A derivative of an output with its own.
    pub(super) fn jet(&self, output: usize, order: usize) -> Jet<S> {
        let at = |k: usize| self.derivatives.get(order + k).map_or(S::UNKNOWN, |d| d[output]);
        Jet([at(0), at(1), at(2), at(3)])
    }
}

impl Moved {
    /// Values of the coordinates.
    pub(super) fn values(&self) -> Vec<f64> {
        self.coordinates.iter().map(|c| c.value()).collect()
    }

    /// The value of a limited quantity.
    pub(super) fn limited(&self, index: usize) -> f64 {
        self.limits[index].value.value()
    }
}

impl Bounded {
    pub(super) fn within(name: &'static str, value: f64, [lower, upper]: [f64; 2]) -> Self {
        Self { name, value, lower, upper }
    }

    /// By how much it lies outside its bounds; negative inside.
    pub fn excess(&self) -> f64 {
        (self.lower - self.value).max(self.value - self.upper)
    }
}

impl fmt::Display for Bounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, lower, upper } = self;
        write!(f, "{name}: {value:.6}, allowed {lower} to {upper}")
    }
}

impl Coordinate {
    pub(super) fn slides(name: &'static str, axis: DVec3) -> Self {
        Self { name, turns: false, axis, origin: DVec3::ZERO }
    }

    pub(super) fn turns(name: &'static str, axis: DVec3) -> Self {
        Self { name, turns: true, axis, origin: DVec3::ZERO }
    }
}

/// The unit of a limited quantity, by its name; empty for controls that are multiples of a unit of their own.
pub fn unit(limited: &str) -> &'static str {
    match limited {
        "turn acceleration" => "rad/s^2",
        "pitch" => "rad",
        name if name.starts_with("acceleration") => "m/s^2",
        name if name.starts_with("speed") => "m/s",
        name if name.ends_with("angle") => "rad",
        name if name.contains("rate") => "rad/s",
        _ => "",
    }
}

/// The same angle in (-pi, pi].
pub(super) fn wrapped(angle: f64) -> f64 {
    let turned = angle - TAU * (angle / TAU).round();
    if turned <= -PI { PI } else { turned }
}

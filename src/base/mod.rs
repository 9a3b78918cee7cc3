//! Base kinds: what carries a robot about. Each maps its flat outputs to coordinates, state and
//! control and back, knows its limits, and has its equations of motion written down apart.
//! Imports `error` and `trajectory`.
//!
//! The flat outputs y(t) of a base determine its state x and control u through finitely many
//! derivatives (Fliess et al., *Flatness and defect of non-linear systems*, Int. J. Control 1995).
//! [`Base::unflatten`] is that map; where it has no value it says so by a [`Singular`]. The
//! *coordinates* are positions of a chain of prismatic and revolute joints that places the body.
//! Where there is a choice, the order of states and controls and their units are those of dynobench
//! (github.com/quimortiz/dynobench) and Kino-PAX (github.com/aria-systems-group/Kino-PAX).
//!
//! Units are SI, angles in radians; z points up.

mod admit;
mod airplane;
mod course;
mod ground;
mod jet;
mod planar_quadrotor;
mod point;
mod polynomial;
mod quadrotor;
mod scalar;
#[cfg(test)]
pub(crate) mod tests;
mod validate;

pub(crate) use admit::{moved_out, range_moved_out};
pub use airplane::Airplane;
pub use course::Course;
pub use ground::{Car, DifferentialDrive, DriveAcceleration, Trailer};
pub use jet::Jet;
pub use planar_quadrotor::PlanarQuadrotor;
pub use point::Point;
pub use quadrotor::{Actuation, Quadrotor, QuadrotorState};
pub use scalar::{Enclosure, Scalar};

use crate::trajectory::Segment;
use course::Way;
use glam::DVec3;
use polynomial::Expansion;
use std::f64::consts::{PI, TAU};
use std::fmt;

/// Most flat outputs of a base.
pub const MAX_OUTPUTS: usize = 4;
/// Highest derivative of an output that any base asks for.
pub const MAX_ORDER: usize = 4;
/// An output's value and its derivatives, one more than any base asks for: how fast the last changes.
pub const MAX_DERIVATIVES: usize = MAX_ORDER + 2;

/// Standard gravity, m/s^2.
pub const GRAVITY: f64 = 9.81;

/// What carries a robot about.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// A point that accelerates along its axes.
    Point(Point),
    /// Two driven wheels on one axle, or anything else that drives ahead and turns.
    DifferentialDrive(DifferentialDrive),
    /// A car, perhaps with a trailer.
    Car(Car),
    /// An airplane that flies where it points.
    Airplane(Airplane),
    /// A quadrotor in a vertical plane.
    PlanarQuadrotor(PlanarQuadrotor),
    /// A quadrotor.
    Quadrotor(Quadrotor),
}

/// Derivatives of the flat outputs at an instant, or over an interval.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flat<S = f64> {
    /// `[order][output]`.
    pub derivatives: [[S; MAX_OUTPUTS]; MAX_DERIVATIVES],
    /// How the curve of the first outputs is followed, for bases that go where they point.
    pub course: Course<S>,
}

/// What a base does at an instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Positions of the joints of [`Base::coordinates`], m or rad.
    pub coordinates: Vec<f64>,
    /// State, in the order of [`Base::state_names`].
    pub state: Vec<f64>,
    /// Control, in the order of [`Base::control_names`].
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
    /// Positions of the joints of [`Base::coordinates`], m or rad: values and at least two derivatives.
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

/// A segment of a trajectory, set up for the outputs of a base (which are its first) to be evaluated at
/// many instants and over many intervals.
#[derive(Clone, Debug)]
pub struct Stretch {
    outputs: usize,
    way: Option<Way>,
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
    Standing,
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

/// What every kind of base knows.
trait Kind {
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

impl Base {
    fn kind(&self) -> &dyn Kind {
        match self {
            Self::Point(kind) => kind,
            Self::DifferentialDrive(kind) => kind,
            Self::Car(kind) => kind,
            Self::Airplane(kind) => kind,
            Self::PlanarQuadrotor(kind) => kind,
            Self::Quadrotor(kind) => kind,
        }
    }

    /// Name of the kind, as in scene files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Point(_) => "point",
            Self::DifferentialDrive(_) => "differential_drive",
            Self::Car(_) => "car",
            Self::Airplane(_) => "airplane",
            Self::PlanarQuadrotor(_) => "planar_quadrotor",
            Self::Quadrotor(_) => "quadrotor",
        }
    }

    /// Names of the flat outputs. `guide` follows the heading up to multiples of half a turn: it
    /// tells which way a vehicle on the ground points on its path, and turns it where it stands.
    pub fn outputs(&self) -> &'static [&'static str] {
        self.kind().outputs()
    }

    /// Names of the states.
    pub fn state_names(&self) -> &'static [&'static str] {
        self.kind().states()
    }

    /// Names of the controls.
    pub fn control_names(&self) -> &'static [&'static str] {
        self.kind().controls()
    }

    /// The chain of joints that carries the body.
    pub fn coordinates(&self) -> Vec<Coordinate> {
        self.kind().coordinates()
    }

    /// Highest derivative of the outputs that state, control or limits depend on.
    pub fn order(&self) -> usize {
        self.kind().order()
    }

    /// Sets `segment` up to be evaluated.
    pub fn stretch(&self, segment: &Segment<'_>) -> Stretch {
        let kind = self.kind();
        let way = |dimensions| Way::new(segment, dimensions, kind.bends());
        let way = Some(kind.course()).filter(|&dimensions| dimensions > 0).map(way);
        Stretch { outputs: kind.outputs().len(), way }
    }

    /// The outputs of this base, which are the first of `segment`, at its local time `t`.
    pub fn flat(&self, segment: &Segment<'_>, t: f64) -> Flat {
        self.stretch(segment).flat(segment, t, 0.0)
    }

    /// The outputs by their derivatives alone; a base that goes where it points must be moving.
    pub fn flat_from(&self, derivatives: [[f64; MAX_OUTPUTS]; MAX_ORDER + 1]) -> Flat {
        let dimensions = self.kind().course();
        let only = |d: [f64; MAX_OUTPUTS]| [0, 1, 2].map(|i| if i < dimensions { d[i] } else { 0.0 });
        let [_, v, a, j, s] = derivatives;
        let mut flat = Flat { course: Course::moving([v, a, j, s].map(only)), ..Flat::default() };
        flat.derivatives[..=MAX_ORDER].copy_from_slice(&derivatives);
        flat
    }

    /// Coordinates, state, control and limited quantities from the derivatives of the outputs.
    ///
    /// # Errors
    /// Where the map has no value.
    pub fn unflatten(&self, flat: &Flat) -> Result<Sample, Singular> {
        let mut moved = Moved::default();
        self.map(flat, &mut moved)?;
        let [state, control] = self.kind().sample(&moved);
        let bounded = |l: &Limited<f64>| Bounded::within(l.name, l.value.value(), l.bounds);
        Ok(Sample {
            coordinates: moved.values(),
            state,
            control,
            limits: moved.limits.iter().map(bounded).collect(),
        })
    }

    /// The map itself: how the base moves where its outputs are `flat`, at an instant or over an interval.
    ///
    /// # Errors
    /// Where the map has no value, or over an interval may have none.
    pub fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        moved.coordinates.clear();
        moved.limits.clear();
        match self {
            Self::Point(kind) => kind.map(flat, moved),
            Self::DifferentialDrive(kind) => kind.map(flat, moved),
            Self::Car(kind) => kind.map(flat, moved),
            Self::Airplane(kind) => kind.map(flat, moved),
            Self::PlanarQuadrotor(kind) => kind.map(flat, moved),
            Self::Quadrotor(kind) => kind.map(flat, moved),
        }
    }

    /// Derivatives of the outputs from state and control, as far as these determine them; what they
    /// leave open (an acceleration that neither holds, say) is zero. For quadrotors `thrust_rates`
    /// are the first two derivatives of the thrust, N/s and N/s^2: their snap depends on them.
    ///
    /// # Errors
    /// Where the map has no value, as for a quadrotor without thrust.
    pub fn flatten(&self, state: &[f64], control: &[f64], thrust_rates: [f64; 2]) -> Result<Flat, Singular> {
        self.kind().flatten(state, control, thrust_rates)
    }

    /// Positions and rates of the joints of [`Base::coordinates`] in a state, m or rad and per second; the
    /// rates that a state does not tell, because they are controls, are zero.
    ///
    /// # Errors
    /// Where the coordinates have no value.
    pub fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        self.kind().configuration(state)
    }

    /// How many of the first [`Base::coordinates`] have rates that a state tells, because they are no
    /// controls.
    pub fn told_rates(&self) -> usize {
        self.kind().told_rates()
    }

    /// Which of the limited quantities must not jump, because they are part of the state (whose other part
    /// the coordinates tell) or because they are controls whose rates are limited.
    pub fn steady(&self) -> Vec<usize> {
        self.kind().steady()
    }

    /// Which of the limited quantities are none at the start and at the goal, which say nothing of them: controls
    /// that must not jump, as the speed of a car whose acceleration is limited.
    pub fn still_at_ends(&self) -> Vec<usize> {
        if self.told_rates() == 0 { self.steady() } else { Vec::new() }
    }

    /// Whether it goes where it points, along a curve whose speed can be chosen after it: all but points
    /// and quadrotors.
    pub fn follows_course(&self) -> bool {
        self.kind().course() > 0
    }

    /// The acceleration of free fall in its equations of motion, which points down, m/s^2; `None` where they
    /// have none, as those of what drives and of airplanes.
    pub fn gravity(&self) -> Option<f64> {
        match self {
            Self::PlanarQuadrotor(quadrotor) => Some(quadrotor.gravity),
            Self::Quadrotor(quadrotor) => Some(quadrotor.gravity),
            _ => None,
        }
    }

    /// The same base where things fall like this; one whose equations have no gravity is the same anywhere.
    #[must_use]
    pub fn with_gravity(mut self, gravity: f64) -> Self {
        match &mut self {
            Self::PlanarQuadrotor(quadrotor) => quadrotor.gravity = gravity,
            Self::Quadrotor(quadrotor) => quadrotor.gravity = gravity,
            _ => {}
        }
        self
    }

    /// Which of the limits of a [`Sample`], by index, a path keeps or breaks by its shape, however fast it
    /// is followed. What a [`DifferentialDrive`] asks of a path is said by
    /// [`DifferentialDrive::curvature_bounds`].
    pub fn geometric_limits(&self) -> &'static [usize] {
        self.kind().geometric_limits()
    }

    /// The equations of motion: writes the derivative of `state` under `control` to `rates`.
    ///
    /// They are written from the textbook, not from the maps, so that each can be held against the
    /// other.
    pub fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        self.kind().dynamics(state, control, rates);
    }
}

impl Stretch {
    /// The outputs over `half` to either side of local time `t` of `segment`, which this was set up for;
    /// as numbers, at `t` itself.
    pub fn flat<S: Scalar>(&self, segment: &Segment<'_>, t: f64, half: f64) -> Flat<S> {
        let mut flat = Flat::default();
        let mut expansions = [Expansion::default(); MAX_OUTPUTS];
        for (output, expansion) in expansions.iter_mut().enumerate().take(self.outputs) {
            *expansion = Expansion::of(segment.polynomial(output), t);
            let derivatives = S::derivatives(expansion.all(), half);
            for (order, value) in derivatives.into_iter().enumerate() {
                flat.derivatives[order][output] = value;
            }
        }
        if let Some(way) = &self.way {
            flat.course = way.course(&expansions, t, half);
        }
        flat
    }
}

impl<S: Scalar> Moved<S> {
    fn within(&mut self, name: &'static str, value: Jet<S>, bounds: [f64; 2]) {
        self.limits.push(Limited { name, value, bounds });
    }

    fn magnitude(&mut self, name: &'static str, value: Jet<S>, most: f64) {
        self.within(name, value, [-most, most]);
    }
}

impl<S: Scalar> Flat<S> {
    /// A derivative of an output with its own.
    fn jet(&self, output: usize, order: usize) -> Jet<S> {
        let at = |k: usize| self.derivatives.get(order + k).map_or(S::UNKNOWN, |d| d[output]);
        Jet([at(0), at(1), at(2), at(3)])
    }
}

impl Moved {
    /// Values of the coordinates.
    fn values(&self) -> Vec<f64> {
        self.coordinates.iter().map(|c| c.value()).collect()
    }

    /// The value of a limited quantity.
    fn limited(&self, index: usize) -> f64 {
        self.limits[index].value.value()
    }
}

impl Bounded {
    fn within(name: &'static str, value: f64, [lower, upper]: [f64; 2]) -> Self {
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
    fn slides(name: &'static str, axis: DVec3) -> Self {
        Self { name, turns: false, axis, origin: DVec3::ZERO }
    }

    fn turns(name: &'static str, axis: DVec3) -> Self {
        Self { name, turns: true, axis, origin: DVec3::ZERO }
    }
}

/// The unit of a limited quantity, by its name; empty for controls that are multiples of a unit of their own.
pub fn unit(limited: &str) -> &'static str {
    match limited {
        "acceleration" => "m/s^2",
        "turn acceleration" => "rad/s^2",
        "pitch" => "rad",
        name if name.starts_with("speed") => "m/s",
        name if name.ends_with("angle") => "rad",
        name if name.contains("rate") => "rad/s",
        _ => "",
    }
}

/// The same angle in (-pi, pi].
fn wrapped(angle: f64) -> f64 {
    let turned = angle - TAU * (angle / TAU).round();
    if turned <= -PI { PI } else { turned }
}

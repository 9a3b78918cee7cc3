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
mod kind;
mod omnidirectional;
mod orders;
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
pub use course::PathFrame;
pub use ground::{Car, DifferentialDrive, DriveAcceleration, Trailer};
pub use jet::Jet;
pub use kind::{Absent, Bounded, Coordinate, Flat, GRAVITY, Limited, Moved, Sample, Singular, StateKey, unit};
pub use omnidirectional::{MecanumWheels, Omnidirectional};
pub use orders::{MAX_DERIVATIVES, MAX_ORDER, MAX_OUTPUTS};
pub use planar_quadrotor::PlanarQuadrotor;
pub use point::Point;
pub use quadrotor::{Actuation, Quadrotor, VelocityAxes};
pub use scalar::{Enclosure, Scalar};

use crate::error::Checked;
use crate::trajectory::Segment;
use course::Way;
use kind::Kind;
use polynomial::Expansion;

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
    /// A base that drives in any direction.
    Omnidirectional(Omnidirectional),
}

/// A segment of a trajectory, set up for the outputs of a base (which are its first) to be evaluated at
/// many instants and over many intervals.
#[derive(Clone, Debug)]
pub struct Stretch {
    outputs: usize,
    way: Option<Way>,
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
            Self::Omnidirectional(kind) => kind,
        }
    }

    fn kind_mut(&mut self) -> &mut dyn Kind {
        match self {
            Self::Point(kind) => kind,
            Self::DifferentialDrive(kind) => kind,
            Self::Car(kind) => kind,
            Self::Airplane(kind) => kind,
            Self::PlanarQuadrotor(kind) => kind,
            Self::Quadrotor(kind) => kind,
            Self::Omnidirectional(kind) => kind,
        }
    }

    /// Name of the kind, as in scene files.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }

    /// Checks that its figures make sense: that they are numbers, and none is zero or less that must not be.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        self.kind().validate().map_err(|e| e.under(self.name()))
    }

    /// Moves the limits of what a state holds out to a state that lies beyond them by no more than `share` of them.
    /// The state is given by positions and rates of [`Base::coordinates`]; more may follow them. Where it is
    /// shorter, nothing moves.
    pub fn admit(&mut self, position: &[f64], rates: &[f64], share: f64) {
        let coordinates = self.kind().coordinates().len();
        if let (Some(q), Some(v)) = (position.get(..coordinates), rates.get(..coordinates)) {
            self.kind_mut().admit(q, v, share);
        }
    }

    /// Widens limits that [`Base::admit`] moves to those of `other`, a base of the same kind, where they are wider.
    pub fn widen(&mut self, other: &Self) {
        match (self, other) {
            (Self::DifferentialDrive(drive), Self::DifferentialDrive(other)) => drive.widen(other),
            (Self::Car(car), Self::Car(other)) => car.widen(other),
            (Self::Airplane(plane), Self::Airplane(other)) => plane.widen(other),
            (Self::PlanarQuadrotor(flyer), Self::PlanarQuadrotor(other)) => flyer.widen(other),
            (Self::Quadrotor(flyer), Self::Quadrotor(other)) => flyer.widen(other),
            (Self::Omnidirectional(base), Self::Omnidirectional(other)) => base.widen(other),
            _ => {}
        }
    }

    /// The keys of a state in scene files, in the order of its numbers.
    pub fn state_keys(&self) -> &'static [StateKey] {
        self.kind().state_keys()
    }

    /// What the numbers of a state must lie between; those of the position have bounds of their own.
    pub fn state_bounds(&self) -> Vec<[f64; 2]> {
        self.kind().state_bounds()
    }

    /// What is wrong with a state beyond these, where limits may be exceeded by the share `slack`: which of its numbers, and
    /// what there is to say.
    pub fn state_fault(&self, state: &[f64], slack: f64) -> Option<(usize, String)> {
        self.kind().state_fault(state, slack)
    }

    /// The state whose coordinates have these positions and rates: the inverse of [`Base::configuration`], attitudes
    /// being quaternions.
    pub fn state(&self, position: &[f64], rates: &[f64]) -> Vec<f64> {
        self.kind().state(position, rates)
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

    /// The outputs by their derivatives alone; a nonholonomic base must be moving.
    pub fn flat_from(&self, derivatives: [[f64; MAX_OUTPUTS]; MAX_ORDER + 1]) -> Flat {
        let dimensions = self.kind().course();
        let only = |d: [f64; MAX_OUTPUTS]| [0, 1, 2].map(|i| if i < dimensions { d[i] } else { 0.0 });
        let [_, v, a, j, s] = derivatives;
        let mut flat = Flat { course: PathFrame::moving([v, a, j, s].map(only)), ..Flat::default() };
        flat.derivatives[..=MAX_ORDER].copy_from_slice(&derivatives);
        flat
    }

    /// Coordinates, state, control and limited quantities from the derivatives of the outputs.
    ///
    /// # Errors
    /// Where the map has no value.
    pub fn unflatten(&self, flat: &Flat) -> Result<Sample, Singular> {
        let mut moved = Moved::default();
        let [state, control] = self.state_and_control(flat, &mut moved)?;
        let bounded = |l: &Limited<f64>| Bounded::within(l.name, l.value.value(), l.bounds);
        Ok(Sample {
            coordinates: moved.values(),
            state,
            control,
            limits: moved.limits.iter().map(bounded).collect(),
        })
    }

    /// State and control alone; `moved` is memory for it.
    ///
    /// # Errors
    /// Where the map has no value.
    pub fn state_and_control(&self, flat: &Flat, moved: &mut Moved) -> Result<[Vec<f64>; 2], Singular> {
        self.map(flat, moved)?;
        Ok(self.kind().sample(moved))
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
            Self::Omnidirectional(kind) => kind.map(flat, moved),
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

    /// Which of the limited quantities are none at a start or goal at rest: controls that must not jump and are no part
    /// of the state, as the speed of a car whose acceleration is limited. Where the rates of the coordinates are not
    /// all none, these tell them ([`Base::controls_under_way`]).
    pub fn still_at_ends(&self) -> Vec<usize> {
        if self.told_rates() == 0 { self.steady() } else { Vec::new() }
    }

    /// What the quantities of [`Base::still_at_ends`] are where the coordinates have this position and move at these
    /// rates, m or rad and per second, as far as they are not all none: a car's speed and steering angle, by their
    /// indices among the limited quantities. `None` of what stands, and of a base whose state tells its rates.
    pub fn controls_under_way(&self, position: &[f64], rates: &[f64]) -> Option<[f64; 2]> {
        let Self::Car(car) = self else { return None };
        let moves = rates.iter().take(self.coordinates().len()).any(|&rate| rate != 0.0);
        (moves && !self.still_at_ends().is_empty()).then(|| car.controls(position, rates))
    }

    /// What these lie between.
    pub(crate) fn control_bounds(&self) -> Option<[[f64; 2]; 2]> {
        let Self::Car(car) = self else { return None };
        Some([car.speed, [-car.steering, car.steering]])
    }

    /// By how much rates of the coordinates at a position miss those of wheels that roll, m/s; none where they say
    /// nothing of wheels.
    pub(crate) fn slip(&self, position: &[f64], rates: &[f64]) -> f64 {
        match self {
            Self::Car(car) if self.controls_under_way(position, rates).is_some() => car.slip(position, rates),
            _ => 0.0,
        }
    }

    /// Whether it is nonholonomic and goes along a curve whose speed can be chosen after it: all but points,
    /// quadrotors and omnidirectional bases.
    pub fn follows_course(&self) -> bool {
        self.kind().course() > 0
    }

    /// The acceleration of free fall in its equations of motion, which points down, m/s^2; `None` where they
    /// have none, as those of what drives and of airplanes.
    pub fn gravity(&self) -> Option<f64> {
        self.kind().gravity()
    }

    /// The same base where things fall like this; one whose equations have no gravity is the same anywhere.
    #[must_use]
    pub fn with_gravity(mut self, gravity: f64) -> Self {
        self.kind_mut().set_gravity(gravity);
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

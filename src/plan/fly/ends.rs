//! Ends of a flight: from a start to where the body is level, and from where it is level to a goal.

use super::envelope::Envelope;
use super::righting::Lean;
use super::swing::{self, Tilt};
use crate::base::{Base, Jet, MAX_ORDER, MAX_OUTPUTS};
use crate::check::Diagnosis;
use crate::problem::JointState;
use crate::trajectory::{Trajectory, shift};
use std::f64::consts::TAU;
use std::fmt;

/// A tilt or a body rate below this is none, rad and rad/s.
const LEVEL: f64 = 1e-9;

/// Where the thrust points up by less than this share of itself, it can't carry the weight meanwhile.
const LEAST_CLIMB: f64 = 0.2;

/// A limit that a start or goal exceeds by no more than this, it exceeds by rounding.
const ROUNDING: f64 = 1e-9;

/// A speed below this is none, m/s.
const AT_REST: f64 = 2e-10;

/// A lean to a side of less than this leaves its direction open, as a share of the thrust.
const LEAST_LEAN: f64 = 1e-6;

/// A thrust that turns across the plane of its lean by more than this, rad/s, is out of it.
const ACROSS: f64 = 1e-6;

/// Times in which a body is brought to level: from the first on, in this ratio, so many.
const SHORTEST: f64 = 0.04;
const RATIO: f64 = 1.25;
const TIMES: i32 = 22;

/// Thrusts that are begun with, as shares of that which holds the height: the weaker falls, but drifts less.
const WEAKER: [f64; 3] = [1.0, 0.6, 0.3];

/// The other thrust that a flight straight to an end may begin with, as a share of the greatest.
const STRONG_START: f64 = 0.85;

/// Durations of flights straight from an end to another, from the first on in this ratio, so many.
const DIRECT_RATIO: f64 = 1.15;
const DIRECT_TIMES: i32 = 28;

/// An end of a flight.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// Where the body is level: values and rates of the flat outputs.
    pub(super) level: JointState,
    /// What lies between there and the end itself, unless that is level.
    pub(super) lead: Option<Trajectory>,
}

/// Why an end cannot be flown from, or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attitude {
    /// The thrust, which is along the body's axis, points down or nearly so, and could not be righted.
    Overturned,
    /// The same, turning about some other axis than that of its lean.
    Tumbling,
    /// The body can't be brought to level within its limits.
    TooFast,
    /// The coordinates are not those that the flat outputs give.
    BeyondPitch,
}

impl fmt::Display for Attitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overturned => {
                "the body is overturned, and no turn in the plane of its lean rights it within all limits"
            }
            Self::Tumbling => "the body is overturned and turns out of the plane of its lean",
            Self::TooFast => "the body turns so fast that no motion was found that brings it to level",
            Self::BeyondPitch => {
                "its pitch lies beyond a quarter turn: the same attitude has another roll, pitch and yaw"
            }
        })
    }
}

impl Port {
    /// The ports of a start, one for each way to bring the body to level.
    pub(super) fn of_start(
        envelope: &Envelope<'_>,
        base: &Base,
        start: &JointState,
    ) -> Result<Vec<Self>, Attitude> {
        let end = FlightEnd::of(base, start)?;
        if end.is_level() {
            return Ok(vec![Self { level: end.flat, lead: None }]);
        }
        let leads = if end.climb() < LEAST_CLIMB { end.righted(envelope) } else { end.leveled(envelope) };
        let leads = leads.or_else(|why| end.swung(envelope).map(|swing| vec![swing]).ok_or(why))?;
        Ok(leads.into_iter().map(Self::after).collect())
    }

    /// Where a motion ends level.
    fn after(lead: Trajectory) -> Self {
        Self { level: flat_end(&lead), lead: Some(lead) }
    }

    /// Ports of a start that falls, where it no longer does: for where there is no room to be lost.
    pub(super) fn recoveries(envelope: &Envelope<'_>, base: &Base, start: &JointState) -> Vec<Self> {
        FlightEnd::of(base, start).ok().and_then(|end| end.braked(envelope)).into_iter().collect()
    }

    /// The ports of a goal: a start's, backwards in time.
    pub(super) fn of_goal(
        envelope: &Envelope<'_>,
        base: &Base,
        goal: &JointState,
    ) -> Result<Vec<Self>, Attitude> {
        let backwards = |state: &JointState| JointState {
            velocity: state.velocity.iter().map(|v| -v).collect(),
            ..state.clone()
        };
        let port =
            |port: Self| Self { level: backwards(&port.level), lead: port.lead.map(|lead| reversed(&lead)) };
        Ok(Self::of_start(envelope, base, &backwards(goal))?.into_iter().map(port).collect())
    }

    /// The same with so many turns of yaw more or less that it is nearest to that of `start`.
    pub(super) fn unwound(mut self, start: &Self, yaw: usize) -> Self {
        let Some(&turned) = self.level.position.get(yaw) else { return self };
        let turns = ((start.level.position[yaw] - turned) / TAU).round() * TAU;
        self.level.position[yaw] += turns;
        if let Some(lead) = &mut self.lead {
            let mut moved = Trajectory::new(lead.dof(), lead.degree());
            for segment in lead.segments() {
                let mut coefficients = segment.coefficients.to_vec();
                coefficients[yaw * (segment.degree + 1)] += turns;
                moved.push(segment.duration, &coefficients);
            }
            *lead = moved;
        }
        self
    }
}

/// The first limit of the base that a state breaks, whatever the control.
pub(super) fn excess(base: &Base, state: &JointState) -> Option<Diagnosis> {
    let FlightEnd { flat, thrust } = FlightEnd::of(base, state).ok()?;
    let gravity = base.gravity()?;
    let mut derivatives = [[0.0; MAX_OUTPUTS]; MAX_ORDER + 1];
    derivatives[0][..flat.position.len()].copy_from_slice(&flat.position);
    derivatives[1][..flat.velocity.len()].copy_from_slice(&flat.velocity);
    for (output, jet) in thrust.iter().enumerate() {
        // A thrust of the weight, wherever it points.
        let weight = if output + 1 == thrust.len() { gravity } else { 0.0 };
        derivatives[2][output] = gravity * jet.value() - weight;
        derivatives[3][output] = gravity * jet.0[1];
    }
    let sample = base.unflatten(&base.flat_from(derivatives)).ok()?;
    let of_state = sample.limits.len() - sample.control.len();
    let broken = sample.limits[..of_state].iter().find(|limit| limit.excess() > ROUNDING)?;
    Some(Diagnosis::of_vehicle(broken))
}

/// The angle between thrust and upright in a state, rad, and how fast the thrust turns, rad/s.
pub(super) fn lean(base: &Base, state: &JointState) -> Option<[f64; 2]> {
    let FlightEnd { thrust, .. } = FlightEnd::of(base, state).ok()?;
    let turn = thrust.iter().map(|jet| jet.0[1] * jet.0[1]).sum::<f64>().sqrt();
    Some([thrust[thrust.len() - 1].value().clamp(-1.0, 1.0).acos(), turn])
}

/// The motion of no length that is in a state, for a start that is a goal: its thrust is as strong as the weight, and
/// turns on evenly.
pub(in crate::plan) fn instant(base: &Base, state: &JointState) -> Option<Trajectory> {
    let FlightEnd { flat, thrust } = FlightEnd::of(base, state).ok()?;
    let gravity = base.gravity()?;
    let output = |i: usize| {
        let weight = if i + 1 == thrust.len() { gravity } else { 0.0 };
        let [b, b1, b2, _] = thrust.get(i).map_or([0.0; 4], |jet| jet.0.map(|of| gravity * of));
        let a = if i < thrust.len() { b - weight } else { 0.0 };
        [flat.position[i], flat.velocity[i], a / 2.0, b1 / 6.0, b2 / 24.0]
    };
    let coefficients: Vec<[f64; 5]> = (0..flat.position.len()).map(output).collect();
    let mut trajectory = Trajectory::new(coefficients.len(), 4);
    trajectory.push(0.0, coefficients.as_flattened());
    Some(trajectory)
}

/// An end in the flat outputs, and how the body points.
struct FlightEnd {
    /// Values and rates of the flat outputs.
    flat: JointState,
    /// Direction of the thrust and its derivative, along as many axes as there are.
    thrust: Vec<Jet>,
}

impl FlightEnd {
    fn of(base: &Base, state: &JointState) -> Result<Self, Attitude> {
        let jet = |i: usize| Jet([state.position[i], state.velocity[i], 0.0, 0.0]);
        let outputs = base.outputs().len();
        let flat = JointState {
            position: state.position[..outputs].to_vec(),
            velocity: state.velocity[..outputs].to_vec(),
            acceleration: vec![0.0; outputs],
        };
        let thrust = if outputs == 2 {
            let (sin, cos) = jet(2).sin_cos();
            vec![-sin, cos]
        } else {
            let [(sin_yaw, cos_yaw), (sin_roll, cos_roll), (sin_pitch, cos_pitch)] =
                [3, 4, 5].map(|i| jet(i).sin_cos());
            if cos_pitch.value() < 0.0 {
                return Err(Attitude::BeyondPitch);
            }
            let left = -(sin_roll * cos_pitch);
            let ahead = sin_pitch;
            vec![cos_yaw * ahead - sin_yaw * left, sin_yaw * ahead + cos_yaw * left, cos_roll * cos_pitch]
        };
        Ok(Self { flat, thrust })
    }

    /// The same with so many turns of yaw more or less that it is nearest to that of `start`.
    fn unwound(mut self, start: &Self) -> Self {
        if let Some(yaw) = self.flat.position.get_mut(self.thrust.len()) {
            *yaw += ((start.flat.position[start.thrust.len()] - *yaw) / TAU).round() * TAU;
        }
        self
    }

    fn is_level(&self) -> bool {
        let (up, level) = (self.thrust[self.thrust.len() - 1], &self.thrust[..self.thrust.len() - 1]);
        let still = |jet: &Jet| jet.value().abs() < LEVEL && jet.0[1].abs() < LEVEL;
        up.value() > 0.0 && level.iter().all(still)
    }

    /// The vertical part of the thrust's direction.
    fn climb(&self) -> f64 {
        self.thrust[self.thrust.len() - 1].value()
    }

    /// Motions that right an overturned body, by either side.
    fn righted(&self, envelope: &Envelope<'_>) -> Result<Vec<Trajectory>, Attitude> {
        let rightings: Vec<Trajectory> =
            self.leans()?.iter().filter_map(|lean| lean.righted(envelope)).collect();
        if rightings.is_empty() { Err(Attitude::Overturned) } else { Ok(rightings) }
    }

    /// How the thrust leans, seen as to be unwound the near way, and the far way around.
    fn leans(&self) -> Result<[Lean; 2], Attitude> {
        let up = self.thrust.len() - 1;
        let level = self.thrust[..up].iter().map(|jet| jet.value() * jet.value()).sum::<f64>().sqrt();
        let toward: Vec<f64> = match (level > LEAST_LEAN, self.flat.position.get(up + 1)) {
            (true, _) => self.thrust[..up].iter().map(|jet| jet.value() / level).collect(),
            (false, None) => vec![1.0],
            // To the side: a thrust ahead leaves the roll open on the way.
            (false, Some(yaw)) => vec![-yaw.sin(), yaw.cos()],
        };
        let angle = level.atan2(self.climb());
        let (sin, cos) = angle.sin_cos();
        let turned: f64 = toward.iter().zip(&self.thrust).map(|(u, jet)| u * jet.0[1]).sum();
        let rate = turned * cos - self.thrust[up].0[1] * sin;
        let across = |(u, jet): (&f64, &Jet)| (jet.0[1] - u * cos * rate).abs() > ACROSS;
        let yaws = self.flat.velocity.get(up + 1).is_some_and(|rate| rate.abs() > LEVEL);
        if yaws || toward.iter().zip(&self.thrust).any(across) {
            return Err(Attitude::Tumbling);
        }
        let back = toward.iter().map(|u| -u).collect();
        let near = Lean { flat: self.flat.clone(), toward, angle, rate };
        let far = Lean { flat: self.flat.clone(), toward: back, angle: TAU - angle, rate: -rate };
        Ok([near, far])
    }

    /// The shortest of some motions that bring the body to level, and its turning to an end: the thrust
    /// swings from where it points to upright by cubics, its magnitude at first that which holds the
    /// height, or less where that drives the body too far aside.
    fn leveled(&self, envelope: &Envelope<'_>) -> Result<Vec<Trajectory>, Attitude> {
        let gravity = envelope.hovering();
        let holding = (gravity / self.climb()).min(envelope.thrust());
        let mut thrusts = WEAKER.into_iter().map(|share| share * holding);
        let shortest = |thrust: f64| self.shortest_swing(envelope, [thrust, gravity]);
        thrusts.find_map(shortest).map(|swing| vec![swing]).ok_or(Attitude::TooFast)
    }

    /// The shortest of some swings of the thrust, by mass, to upright that hold all limits.
    fn shortest_swing(&self, envelope: &Envelope<'_>, thrusts: [f64; 2]) -> Option<Trajectory> {
        let mut swings =
            (0..TIMES).map(|k| self.swing(thrusts, envelope.hovering(), SHORTEST * RATIO.powi(k)));
        swings.find(|swing| envelope.holds(swing))
    }

    /// Motions that end level and no longer sink, of a body that does: a swing to upright, or none of a body that is, and
    /// all the thrust there is.
    fn braked(&self, envelope: &Envelope<'_>) -> Option<Port> {
        if self.flat.velocity[self.thrust.len() - 1] >= -AT_REST {
            return None;
        }
        let lead = match self.is_level() {
            true => {
                let mut still = Trajectory::new(self.flat.position.len(), 5);
                let at = self.flat.position.iter().zip(&self.flat.velocity);
                still.push(0.0, &at.flat_map(|(&p, &v)| [p, v, 0.0, 0.0, 0.0, 0.0]).collect::<Vec<_>>());
                let braked = swing::braked(envelope, still);
                Some(braked.cut(0.0, braked.duration())).filter(|lead| envelope.holds(lead))
            }
            false => Tilt::of(&self.flat, &self.thrust)?.level(envelope, true),
        }?;
        Some(Port::after(lead))
    }

    /// A swing along both axes of the tilt, where no other way to level is found.
    fn swung(&self, envelope: &Envelope<'_>) -> Option<Trajectory> {
        Tilt::of(&self.flat, &self.thrust)?.level(envelope, false)
    }

    /// A thrust by mass along the body, the first, swings to one that is upright, the second.
    fn swing(&self, [thrust, last]: [f64; 2], gravity: f64, duration: f64) -> Trajectory {
        let JointState { position, velocity, .. } = &self.flat;
        let mut coefficients = Vec::new();
        let t = duration;
        for (i, (&p, &v)) in position.iter().zip(velocity).enumerate() {
            let weight = if i + 1 == self.thrust.len() { gravity } else { 0.0 };
            let [a, j] =
                self.thrust.get(i).map_or([0.0; 2], |jet| [thrust * jet.value() - weight, thrust * jet.0[1]]);
            // The acceleration is the cubic of Hermite from (a, j) to (end, 0).
            let end = if i + 1 == self.thrust.len() { last - gravity } else { 0.0 };
            let (c, d) = ((3.0 * (end - a) - 2.0 * j * t) / (t * t), (2.0 * (a - end) + j * t) / (t * t * t));
            coefficients.extend([p, v, a / 2.0, j / 6.0, c / 12.0, d / 20.0]);
        }
        let mut swing = Trajectory::new(position.len(), 5);
        swing.push(duration, &coefficients);
        swing
    }
}

/// Flights from a start straight to a goal, one for each of some thrusts at the start: the acceleration goes by two
/// cubics from what the one attitude asks for to what the other does, in the shortest of some times in which all limits
/// hold.
pub(super) fn direct(
    envelope: &Envelope<'_>,
    base: &Base,
    start: &JointState,
    goal: &JointState,
) -> Vec<Trajectory> {
    let (Ok(from), Ok(to)) = (FlightEnd::of(base, start), FlightEnd::of(base, goal)) else {
        return Vec::new();
    };
    if from.climb() < LEAST_CLIMB || to.climb() < LEAST_CLIMB {
        return Vec::new();
    }
    let to = to.unwound(&from);
    let holding = |end: &FlightEnd| (envelope.hovering() / end.climb()).min(envelope.thrust());
    let (a, b) = (&from.flat, &to.flat);
    let way: Vec<f64> = a.position.iter().zip(&b.position).map(|(p, q)| q - p).collect();
    let mean: Vec<f64> = a.velocity.iter().zip(&b.velocity).map(|(v, w)| 0.5 * (v + w)).collect();
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    // As long as an even speed would take; and from as short as the greatest speed would take on.
    let even = dot(&way, &mean) / dot(&mean, &mean);
    let up = envelope.up();
    let least = way[..=up].iter().fold(0.0_f64, |most, w| most.max(w.abs())) / envelope.speed();
    let shortest = |thrust: f64| {
        let thrusts = [thrust, holding(&to)];
        let times = (0..DIRECT_TIMES).map(|k| least.max(SHORTEST) * DIRECT_RATIO.powi(k));
        let times = std::iter::once(even).filter(|t| *t > 0.0 && t.is_finite()).chain(times);
        times.map(|t| between([&from, &to], thrusts, envelope.hovering(), t)).find(|f| envelope.holds(f))
    };
    let thrusts = [holding(&from), STRONG_START * envelope.strongest()];
    thrusts.into_iter().filter_map(shortest).collect()
}

/// The flight from one end to another, with these thrusts by mass, in a time.
fn between([from, to]: [&FlightEnd; 2], thrusts: [f64; 2], gravity: f64, duration: f64) -> Trajectory {
    let h = 0.5 * duration;
    let outputs = from.flat.position.len();
    let mut halves = [Vec::with_capacity(6 * outputs), Vec::with_capacity(6 * outputs)];
    for output in 0..outputs {
        let [(p0, v0, a0, j0), (p1, v1, a1, j1)] =
            [(from, thrusts[0]), (to, thrusts[1])].map(|(end, thrust)| {
                let weight = if output + 1 == end.thrust.len() { gravity } else { 0.0 };
                let [a, j] = end
                    .thrust
                    .get(output)
                    .map_or([0.0; 2], |jet| [thrust * jet.value() - weight, thrust * jet.0[1]]);
                (end.flat.position[output], end.flat.velocity[output], a, j)
            });
        // Value and slope of the acceleration in the middle, by which the speed and the place at the end are met.
        let a = ((v1 - v0) - h * h * (j0 - j1) / 12.0) / h - 0.5 * (a0 + a1);
        let first = h * h * (7.0 * a0 + 3.0 * a) / 20.0 + h * h * h * j0 / 20.0;
        let gained = h * (a0 + a) / 2.0 + h * h * j0 / 12.0;
        let second = h * h * (7.0 * a + 3.0 * a1) / 20.0 - h * h * h * j1 / 30.0;
        let j = 15.0 * (2.0 * h * v0 + first + h * gained + second - (p1 - p0)) / (h * h * h);
        let cubic = |a0: f64, j0: f64, a1: f64, j1: f64| {
            [(3.0 * (a1 - a0) / h - 2.0 * j0 - j1) / h, (2.0 * (a0 - a1) / h + j0 + j1) / (h * h)]
        };
        let [c, d] = cubic(a0, j0, a, j);
        halves[0].extend([p0, v0, a0 / 2.0, j0 / 6.0, c / 12.0, d / 20.0]);
        let p = p0 + h * (v0 + h * (a0 / 2.0 + h * (j0 / 6.0 + h * (c / 12.0 + h * d / 20.0))));
        let v = v0 + h * (a0 + h * (j0 / 2.0 + h * (c / 3.0 + h * d / 4.0)));
        let [c, d] = cubic(a, j, a1, j1);
        halves[1].extend([p, v, a / 2.0, j / 6.0, c / 12.0, d / 20.0]);
    }
    let mut flight = Trajectory::new(outputs, 5);
    halves.iter().for_each(|half| flight.push(h, half));
    flight
}

/// Values and rates at the end of a trajectory.
fn flat_end(trajectory: &Trajectory) -> JointState {
    let mut state = JointState::at_rest(vec![0.0; trajectory.dof()]);
    trajectory.evaluate(trajectory.duration(), 0, &mut state.position);
    trajectory.evaluate(trajectory.duration(), 1, &mut state.velocity);
    // What comes to rest does so up to rounding.
    state.velocity.iter_mut().filter(|v| v.abs() < AT_REST).for_each(|v| *v = 0.0);
    state
}

/// A trajectory backwards in time.
fn reversed(trajectory: &Trajectory) -> Trajectory {
    let mut reversed = Trajectory::new(trajectory.dof(), trajectory.degree());
    for i in (0..trajectory.len()).rev() {
        let segment = trajectory.segment(i);
        let mut coefficients = segment.coefficients.to_vec();
        for polynomial in coefficients.chunks_exact_mut(segment.degree + 1) {
            shift(polynomial, segment.duration);
            polynomial.iter_mut().skip(1).step_by(2).for_each(|c| *c = -*c);
        }
        reversed.push(segment.duration, &coefficients);
    }
    reversed
}

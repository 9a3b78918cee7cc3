//! What a certificate says, or what stands against it.

use crate::base::Singular;
use crate::problem::{InvalidValue, Overload, apart};
use crate::robot::Unjudged;
use crate::trajectory::Extrema;
use serde::{Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// What a caller's own constraint says of a trajectory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampled {
    /// Its name.
    pub name: String,
    /// The least margin at any sample, in its own unit.
    pub margin: f64,
    /// When, seconds.
    pub time: f64,
    /// Samples at which it was asked.
    pub samples: usize,
}

impl fmt::Display for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, margin, time, samples } = self;
        write!(
            f,
            "\"{name}\" has a margin of {margin:.4} at least, at {time:.3} s, sampled {samples} times and not proved"
        )
    }
}

/// Proof that a trajectory solves its problem at every instant, and by what margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certificate {
    /// Index of the problem's goal that the trajectory ends at: of several that are as near, the first.
    pub goal: usize,
    /// Distance kept by links from obstacles.
    pub world: Clearance,
    /// Distance kept by links from each other.
    pub links: Clearance,
    /// Names of the joints.
    pub outputs: Vec<String>,
    /// How far each joint's limits are used.
    pub peaks: Vec<Peaks>,
    /// How far each limit of a vehicle's base is used; empty where there is none.
    pub base: Vec<BasePeak>,
    /// Intervals of time that the proof took.
    pub intervals: usize,
    /// What the caller's own constraints say; they were asked at samples, and nothing is proved of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sampled: Vec<Sampled>,
    /// What of the robot was not judged for collisions with itself, or at all, and why.
    #[serde(serialize_with = "shared")]
    pub not_judged: Arc<Unjudged>,
}

fn shared<S: Serializer>(unjudged: &Arc<Unjudged>, serializer: S) -> Result<S::Ok, S::Error> {
    unjudged.serialize(serializer)
}

/// Distance kept between what must not touch, metres; that of the base from obstacles, which never
/// changes, does not count, nor that of links and spheres from each other that are not judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clearance {
    /// Proved: nothing comes nearer at any instant. Infinite where there is nothing to touch.
    pub at_least: f64,
    /// The nearest that was met on the way; `None` where all kept so far apart that no two spheres
    /// had to be measured.
    pub nearest: Option<Nearest>,
}

/// A near meeting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// A link, and the obstacle or link it passes.
    pub between: [String; 2],
    /// Their distance, metres.
    pub distance: f64,
    /// When, seconds.
    pub time: f64,
}

/// The farthest a joint goes towards each of its limits. What is called exact here is a bound on a
/// vehicle, not smaller than what is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Peaks {
    /// Value, rad or m; exact.
    pub position: Peak,
    /// Derivative, rad/s or m/s; exact.
    pub velocity: Peak,
    /// Second derivative, rad/s^2 or m/s^2; exact.
    pub acceleration: Peak,
    /// Third derivative, rad/s^3 or m/s^3, where it is limited; exact.
    pub jerk: Option<Peak>,
    /// Effort, N m or N, where it was checked: a bound, not smaller than what is needed.
    pub effort: Option<Peak>,
}

/// The farthest that a limited quantity of a vehicle's base goes towards its limits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BasePeak {
    /// What is limited.
    pub name: &'static str,
    /// A bound, not smaller than what is taken.
    #[serde(flatten)]
    pub peak: Peak,
}

/// A limit of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<'a> {
    /// Of a joint, by its name.
    Joint(&'a str, LimitKind),
    /// Of a vehicle's base.
    Base(&'a str),
}

/// A value at its nearest to a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Peak {
    /// The value.
    pub value: f64,
    /// When it is taken, seconds.
    pub time: f64,
    /// The limit it is nearest to.
    pub bound: f64,
    /// The share of the way from the middle between the limits to the limit that is used: 1 at the
    /// limit, 0 where there is none.
    pub used: f64,
}

/// The kinds of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// Of the value.
    Position,
    /// Of the derivative.
    Velocity,
    /// Of the second derivative.
    Acceleration,
    /// Of the third derivative.
    Jerk,
    /// Of torque or force.
    Effort,
}

/// An end of a trajectory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrajectoryEnd {
    /// Its beginning.
    Start,
    /// Its end.
    Goal,
}

/// What of a state an end of a trajectory misses the most, relative to what is expected where that is above 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Miss {
    /// What it is.
    #[serde(flatten)]
    pub of: Quantity,
    /// The value it has.
    pub value: f64,
    /// The value that the start or the goal has.
    pub expected: f64,
    /// The unit of both.
    pub unit: &'static str,
}

/// Something of a state, or a control whose rate is limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quantity {
    /// Name of an output, or of a vehicle's coordinate or limited quantity.
    pub name: String,
    /// Whether it is the value of that output or coordinate or which derivative; `None` of a limited quantity.
    pub kind: Option<LimitKind>,
}

/// All that stands against a trajectory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Proof that it is valid, if it is.
    pub certificate: Option<Certificate>,
    /// Of every kind of violation the worst, in the order in which they were met; none if it is valid.
    pub violations: Vec<Violation>,
}

/// Why a trajectory has no certificate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Violation {
    /// The problem, or what is asked of the certificate, makes no sense.
    Invalid(InvalidValue),
    /// It is no trajectory of this mechanism.
    Malformed {
        /// Why.
        reason: &'static str,
    },
    /// A caller's own constraint is not met at a sample.
    Constraint {
        /// Its name.
        name: String,
        /// By how much it is missed: a number below zero.
        margin: f64,
        /// When, seconds.
        time: f64,
    },
    /// It does not begin at the start.
    Start {
        /// What is the farthest from it.
        miss: Miss,
    },
    /// It does not end at a goal.
    Goal {
        /// What is the farthest from the nearest goal.
        miss: Miss,
    },
    /// Its start or goal takes an effort that a joint does not have, as one at rest that cannot be held.
    Unheld {
        /// Which of the two.
        end: TrajectoryEnd,
        /// What it takes.
        why: Overload,
    },
    /// Something that should be continuous jumps at a knot.
    Jump {
        /// What.
        of: Quantity,
        /// When, seconds.
        time: f64,
        /// By how much.
        jump: f64,
        /// In which unit.
        unit: &'static str,
    },
    /// Something that should be continuous jumps at many knots, by less than may be at each, but by more in all.
    Jumps {
        /// What.
        of: Quantity,
        /// At how many knots.
        knots: usize,
        /// By how much, added up without signs; of values above 1 relative to these.
        sum: f64,
        /// In which unit.
        unit: &'static str,
    },
    /// The flat outputs of a vehicle tell nothing of its motion, or it can't be proved that they do.
    Singular {
        /// Why.
        reason: String,
        /// When, seconds.
        time: f64,
    },
    /// A limit of a vehicle's base is exceeded.
    BaseLimit {
        /// What is limited.
        of: &'static str,
        /// The value taken.
        value: f64,
        /// The limit.
        bound: f64,
        /// When, seconds.
        time: f64,
    },
    /// A quantity was within its limit wherever it was evaluated, but too near to it for a proof.
    LimitNotProved {
        /// What is limited.
        of: String,
        /// The bound that could be proved.
        value: f64,
        /// The limit.
        bound: f64,
        /// When, seconds.
        time: f64,
    },
    /// A limit is exceeded.
    Limit {
        /// Name of the output.
        output: String,
        /// Which of its limits.
        kind: LimitKind,
        /// The value taken.
        value: f64,
        /// The limit.
        bound: f64,
        /// When, seconds.
        time: f64,
    },
    /// A link is inside an obstacle.
    Collision {
        /// Name of the link.
        link: String,
        /// Name of the obstacle.
        obstacle: String,
        /// How deep, metres.
        depth: f64,
        /// When, seconds.
        time: f64,
    },
    /// A link comes nearer to an obstacle than is asked for.
    TooNear {
        /// Name of the link.
        link: String,
        /// Name of the obstacle.
        obstacle: String,
        /// Their distance, metres.
        distance: f64,
        /// What is asked for, metres.
        asked: f64,
        /// When, seconds.
        time: f64,
    },
    /// Two links meet.
    SelfCollision {
        /// Their names.
        links: [String; 2],
        /// How deep, metres.
        depth: f64,
        /// When, seconds.
        time: f64,
    },
    /// No collision was met, but none could be excluded either: they (all but) touch. Or they have no more than
    /// the distance that is asked for.
    ClearanceNotProved {
        /// A link, and an obstacle or link.
        between: [String; 2],
        /// Their distance where the proof failed, metres.
        gap: f64,
        /// What is asked for, metres.
        asked: f64,
        /// When, seconds.
        time: f64,
    },
    /// The proof took so long that it was given up; the trajectory may be valid.
    OutOfTime {
        /// Intervals of time that were looked at.
        intervals: usize,
    },
    /// The effort was within its limit wherever it was evaluated, but too near to it for a proof.
    EffortNotProved {
        /// Name of the output.
        output: String,
        /// The bound that could be proved, N m or N.
        value: f64,
        /// The limit.
        bound: f64,
        /// When, seconds.
        time: f64,
    },
}

impl Peak {
    /// Takes extrema into account.
    pub(super) fn raise(&mut self, extrema: &Extrema, [lower, upper]: [f64; 2]) {
        self.reach(extrema.min, extrema.min_time, [lower, upper]);
        self.reach(extrema.max, extrema.max_time, [lower, upper]);
    }

    /// Takes a value into account.
    pub(super) fn reach(&mut self, value: f64, time: f64, [lower, upper]: [f64; 2]) {
        let (used, bound) = share(value, lower, upper);
        if used >= self.used {
            *self = Self { value, time, bound, used };
        }
    }

    /// Whether the limit is exceeded by more than `tolerance`, relative to limits above 1.
    pub(super) fn exceeds(&self, tolerance: f64) -> bool {
        self.used > 1.0 && (self.value - self.bound).abs() > tolerance * self.bound.abs().max(1.0)
    }
}

/// The share of the way to the limit that is nearest, and that limit.
fn share(value: f64, lower: f64, upper: f64) -> (f64, f64) {
    let (middle, half) = (0.5 * (lower + upper), 0.5 * (upper - lower));
    if half.is_finite() {
        // A range without width leaves nothing to use but rounding.
        let used = if value == middle { 0.0 } else { (value - middle).abs() / half };
        return (used, if value < middle { lower } else { upper });
    }
    // One limit or none: only by how much it is exceeded can be told.
    match (value < lower, value > upper) {
        (true, _) => (1.0 + lower - value, lower),
        (_, true) => (1.0 + value - upper, upper),
        _ => (0.0, f64::INFINITY),
    }
}

impl Peaks {
    /// Those that follow from the polynomials alone.
    pub(super) fn polynomial(&self) -> impl Iterator<Item = (LimitKind, &Peak)> {
        let always = [
            (LimitKind::Position, &self.position),
            (LimitKind::Velocity, &self.velocity),
            (LimitKind::Acceleration, &self.acceleration),
        ];
        always.into_iter().chain(self.jerk.as_ref().map(|jerk| (LimitKind::Jerk, jerk)))
    }
}

impl Certificate {
    /// The lesser of the distances from obstacles and between links.
    pub fn clearance(&self) -> &Clearance {
        if self.links.at_least < self.world.at_least { &self.links } else { &self.world }
    }

    /// The limit that is used most.
    pub fn tightest(&self) -> Option<(Limit<'_>, Peak)> {
        let joints = self.outputs.iter().zip(&self.peaks).flat_map(|(name, peaks)| {
            let effort = peaks.effort.map(|peak| (LimitKind::Effort, peak));
            let polynomial = peaks.polynomial().map(|(kind, peak)| (kind, *peak));
            polynomial.chain(effort).map(move |(kind, peak)| (Limit::Joint(name, kind), peak))
        });
        let base = self.base.iter().map(|base| (Limit::Base(base.name), base.peak));
        // The first of equals.
        joints.chain(base).reduce(|best, next| if next.1.used > best.1.used { next } else { best })
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Acceleration => "acceleration",
            Self::Jerk => "jerk",
            Self::Effort => "effort",
        })
    }
}

impl fmt::Display for Limit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joint(name, kind) => write!(f, "{kind} of \"{name}\""),
            Self::Base(name) => f.write_str(name),
        }
    }
}

impl LimitKind {
    /// The unit of what is limited, of an angle or of a length.
    pub(super) fn unit(self, is_angle: bool) -> &'static str {
        match (self, is_angle) {
            (Self::Position, true) => "rad",
            (Self::Position, false) => "m",
            (Self::Velocity, true) => "rad/s",
            (Self::Velocity, false) => "m/s",
            (Self::Acceleration, true) => "rad/s^2",
            (Self::Acceleration, false) => "m/s^2",
            (Self::Jerk, true) => "rad/s^3",
            (Self::Jerk, false) => "m/s^3",
            (Self::Effort, true) => "N m",
            (Self::Effort, false) => "N",
        }
    }

    /// The limit of the value, or of its derivative of some order up to the third.
    pub(super) fn of_order(order: usize) -> Self {
        [Self::Position, Self::Velocity, Self::Acceleration, Self::Jerk][order]
    }
}

impl Violation {
    /// Its kind, as one word: of every kind a [`Report`] tells the worst.
    pub fn kind(&self) -> String {
        let of = |of: &Quantity| of.kind.map_or_else(|| of.name.replace(' ', "_"), |kind| kind.to_string());
        match self {
            Self::Invalid(_) => "invalid".to_owned(),
            Self::Malformed { .. } => "malformed".to_owned(),
            Self::Constraint { .. } => "constraint".to_owned(),
            Self::Start { .. } => "start".to_owned(),
            Self::Goal { .. } => "goal".to_owned(),
            Self::Unheld { end, .. } => format!("{end}_unheld"),
            Self::Jump { of: quantity, .. } => format!("{}_jump", of(quantity)),
            Self::Jumps { of: quantity, .. } => format!("{}_jumps", of(quantity)),
            Self::Singular { .. } => "singular".to_owned(),
            Self::BaseLimit { of, .. } => format!("{}_limit", of.replace(' ', "_")),
            Self::LimitNotProved { .. } => "limit_not_proved".to_owned(),
            Self::Limit { kind, .. } => format!("{kind}_limit"),
            Self::Collision { .. } => "collision".to_owned(),
            Self::TooNear { .. } => "too_near".to_owned(),
            Self::SelfCollision { .. } => "self_collision".to_owned(),
            Self::ClearanceNotProved { .. } => "clearance_not_proved".to_owned(),
            Self::OutOfTime { .. } => "out_of_time".to_owned(),
            Self::EffortNotProved { .. } => "effort_not_proved".to_owned(),
        }
    }

    /// Of two violations of a kind the worse has more of this.
    pub(super) fn badness(&self) -> f64 {
        let beyond = |value: f64, bound: f64| (value - bound).abs() / bound.abs().max(1.0);
        let badness = match self {
            Self::Start { miss } | Self::Goal { miss } => beyond(miss.value, miss.expected),
            Self::Unheld { why, .. } => why.effort.abs() / why.limit,
            Self::Constraint { margin, .. } => -margin,
            Self::Jump { jump, .. } => jump.abs(),
            Self::Jumps { sum, .. } => *sum,
            Self::Limit { kind: LimitKind::Position, value, bound, .. } => (value - bound).abs(),
            Self::BaseLimit { value, bound, .. }
            | Self::LimitNotProved { value, bound, .. }
            | Self::Limit { value, bound, .. }
            | Self::EffortNotProved { value, bound, .. } => (value - bound).abs() / bound.abs(),
            Self::Collision { depth, .. } | Self::SelfCollision { depth, .. } => *depth,
            Self::TooNear { distance, asked, .. } => asked - distance,
            Self::ClearanceNotProved { gap, asked, .. } => asked - gap,
            // The first.
            Self::Invalid(_) | Self::Singular { .. } | Self::Malformed { .. } | Self::OutOfTime { .. } => 0.0,
        };
        // What is no number is worse than any.
        if badness.is_nan() { f64::INFINITY } else { badness }
    }

    /// That outputs say nothing at some time.
    pub(super) fn singular(reason: Singular, time: f64) -> Self {
        Self::Singular { reason: reason.to_string(), time }
    }
}

impl fmt::Display for TrajectoryEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Goal => "goal",
        })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{kind} of \"{}\"", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { of, value, expected, unit } = self;
        let (value, expected) = apart(*value, *expected);
        write!(f, "the {of} is {value} {unit}, expected {expected}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.certificate, &self.violations[..]) {
            (Some(certificate), _) => write!(f, "valid at every instant: {certificate}"),
            (None, [only]) => write!(f, "not valid: {only}"),
            (None, all) => {
                write!(f, "not valid, of each kind the worst:")?;
                all.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
            }
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clearance of obstacles {}, of itself {}", self.world, self.links)?;
        if let Some((limit, peak)) = self.tightest() {
            let percent = 100.0 * peak.used;
            write!(f, "; tightest limit: {limit}, {percent:.1}% at {:.3} s", peak.time)?;
        }
        for sampled in &self.sampled {
            write!(f, "; {sampled}")?;
        }
        if !self.not_judged.is_empty() {
            write!(f, "; not judged: {}", self.not_judged)?;
        }
        Ok(())
    }
}

impl fmt::Display for Clearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at_least == f64::INFINITY {
            return f.write_str("unlimited");
        }
        write!(f, "at least {}", Length(self.at_least))?;
        match &self.nearest {
            Some(Nearest { between: [a, b], distance, time }) => {
                write!(f, " (nearest seen: \"{a}\" and \"{b}\", {} at {time:.3} s)", Length(*distance))
            }
            None => Ok(()),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "nothing can be proved: {why}"),
            Self::Malformed { reason } => write!(f, "not a trajectory of this robot: {reason}"),
            Self::Constraint { name, margin, time } => {
                write!(f, "\"{name}\" is not met at {time:.3} s: its margin is {margin}")
            }
            Self::Start { miss } => write!(f, "it begins away from the start: {miss}"),
            Self::Goal { miss } => write!(f, "it ends away from the nearest goal: {miss}"),
            Self::Unheld { end, why } => write!(f, "the {end} {}: {why}", why.denial()),
            Self::Jump { of, time, jump, unit } => {
                write!(f, "the {of} jumps by {} {unit} at {time:.3} s", Digits(*jump))
            }
            Self::Jumps { of, knots, sum, unit } => {
                write!(f, "the {of} jumps at {knots} knots, by {} {unit} in all", Digits(*sum))
            }
            Self::Singular { reason, time } => write!(f, "{reason} (at {time:.3} s)"),
            Self::BaseLimit { of, value, bound, time } => {
                let (value, bound) = apart(*value, *bound);
                write!(f, "the {of} is {value} at {time:.3} s, its limit {bound}")
            }
            Self::LimitNotProved { of, value, bound, time } => {
                let (value, bound) = apart(*value, *bound);
                write!(
                    f,
                    "the {of} can only be proved to stay within {value} about {time:.3} s, its limit is {bound}"
                )
            }
            Self::Limit { output, kind, value, bound, time } => {
                let (value, bound) = apart(*value, *bound);
                write!(f, "the {kind} of \"{output}\" is {value} at {time:.3} s, its limit {bound}")
            }
            Self::Collision { link, obstacle, depth, time } => {
                write!(f, "\"{link}\" is {} inside \"{obstacle}\" at {time:.3} s", Length(*depth))
            }
            Self::TooNear { link, obstacle, distance, asked, time } => {
                let (distance, asked) = apart(*distance, *asked);
                write!(
                    f,
                    "\"{link}\" comes within {distance} m of \"{obstacle}\" at {time:.3} s, but {asked} m are asked \
                     for"
                )
            }
            Self::SelfCollision { links: [a, b], depth, time } => {
                write!(f, "\"{a}\" and \"{b}\" overlap by {} at {time:.3} s", Length(*depth))
            }
            Self::ClearanceNotProved { between: [a, b], gap, asked, time } if *asked > 0.0 => {
                let (gap, asked) = apart(*gap, *asked);
                write!(
                    f,
                    "\"{a}\" is {gap} m from \"{b}\" at {time:.3} s, too near to prove the {asked} m that are asked \
                     for"
                )
            }
            Self::ClearanceNotProved { between: [a, b], gap, time, .. } => {
                write!(f, "\"{a}\" and \"{b}\" all but touch at {time:.3} s: {} are left", Length(*gap))
            }
            Self::OutOfTime { intervals } => {
                write!(f, "out of time: not certified after {intervals} intervals")
            }
            Self::EffortNotProved { output, value, bound, time } => {
                let (value, bound) = apart(*value, *bound);
                write!(
                    f,
                    "the effort of \"{output}\" can only be proved to stay within {value} about {time:.3} s, \
                     its limit is {bound}"
                )
            }
        }
    }
}

impl std::error::Error for Violation {}

/// A number to three significant digits, without an exponent where that stays short.
pub(super) struct Digits(pub(super) f64);

/// Metres, in the unit that suits, to three significant digits.
pub(super) struct Length(pub(super) f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if !(1e-4..1e6).contains(&size) && size != 0.0 {
            return write!(f, "{:.1e}", self.0);
        }
        let whole = if size < 1.0 { 0.0 } else { size.log10().floor() + 1.0 };
        let lead = if size > 0.0 && size < 1.0 { -size.log10().floor() - 1.0 } else { 0.0 };
        write!(f, "{:.*}", (3.0 - whole + lead).max(0.0) as usize, self.0)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.abs() {
            size if size.is_infinite() => write!(f, "{} m", self.0),
            size if size < 1e-6 => write!(f, "{} nm", Digits(1e9 * self.0)),
            size if size < 1e-3 => write!(f, "{} um", Digits(1e6 * self.0)),
            size if size < 1.0 => write!(f, "{} mm", Digits(1e3 * self.0)),
            _ => write!(f, "{} m", Digits(self.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_for_people() {
        let digits =
            [1.078, 12.34, 123.456, 0.0123456, 0.0, -0.5, 1e-9, 54321.0].map(|x| Digits(x).to_string());
        assert_eq!(digits, ["1.08", "12.3", "123", "0.0123", "0.000", "-0.500", "1.0e-9", "54321"]);
        let lengths = [1.5, 0.0123, 2.5e-4, 3e-9, f64::INFINITY].map(|x| Length(x).to_string());
        assert_eq!(lengths, ["1.50 m", "12.3 mm", "250 um", "3.00 nm", "inf m"]);
        assert_eq!(apart(2.0, 2.0 - 1e-6), ("2.000000".to_owned(), "1.999999".to_owned()));
        assert_eq!(apart(2.5, 2.0), ("2.500".to_owned(), "2.000".to_owned()));
        let of = Quantity { name: "j".to_owned(), kind: Some(LimitKind::Velocity) };
        let miss = Miss { of, value: 1.078, expected: 0.0, unit: "rad/s" };
        let said = "it begins away from the start: the velocity of \"j\" is 1.078 rad/s, expected 0.000";
        assert_eq!(Violation::Start { miss }.to_string(), said);
    }
}

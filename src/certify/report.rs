//! What a certificate says, or what stands against it.

use crate::trajectory::Extrema;
use serde::Serialize;
use std::fmt;

/// Proof that a trajectory solves its problem at every instant, and by what margin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certificate {
    /// Distance kept from obstacles and between links.
    pub clearance: Clearance,
    /// Names of the outputs.
    pub outputs: Vec<String>,
    /// How far each output's limits are used.
    pub peaks: Vec<Peaks>,
    /// Intervals of time that the proof took.
    pub intervals: usize,
}

/// Distance kept between what must not touch, metres; that of the base from obstacles, which never
/// changes, does not count.
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

/// The farthest an output goes towards each of its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Peaks {
    /// Value, rad or m; exact.
    pub position: Peak,
    /// Derivative, rad/s or m/s; exact.
    pub velocity: Peak,
    /// Second derivative, rad/s^2 or m/s^2; exact.
    pub acceleration: Peak,
    /// Effort, N m or N, where it was checked: a bound, not smaller than what is needed.
    pub effort: Option<Peak>,
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
    /// Of torque or force.
    Effort,
}

/// Why a trajectory has no certificate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Violation {
    /// It is no trajectory of this mechanism.
    Malformed {
        /// Why.
        reason: &'static str,
    },
    /// It does not begin at the start.
    Start {
        /// Largest deviation of any output or its velocity.
        distance: f64,
    },
    /// It does not end at a goal.
    Goal {
        /// Largest deviation of any output or its velocity from the nearest goal.
        distance: f64,
    },
    /// A value or velocity jumps at a knot.
    Jump {
        /// Name of the output.
        output: String,
        /// 0: the value; 1: the velocity.
        order: usize,
        /// When, seconds.
        time: f64,
        /// By how much.
        jump: f64,
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
    /// Two links meet.
    SelfCollision {
        /// Their names.
        links: [String; 2],
        /// How deep, metres.
        depth: f64,
        /// When, seconds.
        time: f64,
    },
    /// No collision was met, but none could be excluded either: they (all but) touch.
    ClearanceNotProved {
        /// A link, and an obstacle or link.
        between: [String; 2],
        /// Their distance where the proof failed, metres.
        gap: f64,
        /// When, seconds.
        time: f64,
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
    /// Takes the extrema of a segment that begins at `start` into account.
    pub(super) fn raise(&mut self, extrema: &Extrema, start: f64, [lower, upper]: [f64; 2]) {
        self.reach(extrema.min, start + extrema.min_time, [lower, upper]);
        self.reach(extrema.max, start + extrema.max_time, [lower, upper]);
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
    /// The three that follow from the polynomials alone.
    pub(super) fn polynomial(&self) -> [(LimitKind, &Peak); 3] {
        [
            (LimitKind::Position, &self.position),
            (LimitKind::Velocity, &self.velocity),
            (LimitKind::Acceleration, &self.acceleration),
        ]
    }
}

impl Certificate {
    /// The output and the limit that is used most.
    pub fn tightest(&self) -> Option<(&str, LimitKind, Peak)> {
        let mut tightest: Option<(&str, LimitKind, Peak)> = None;
        for (name, peaks) in self.outputs.iter().zip(&self.peaks) {
            let effort = peaks.effort.map(|peak| (LimitKind::Effort, peak));
            let polynomial = peaks.polynomial().map(|(kind, peak)| (kind, *peak));
            for (kind, peak) in polynomial.into_iter().chain(effort) {
                if tightest.is_none_or(|(_, _, best)| peak.used > best.used) {
                    tightest = Some((name, kind, peak));
                }
            }
        }
        tightest
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "position",
            Self::Velocity => "velocity",
            Self::Acceleration => "acceleration",
            Self::Effort => "effort",
        })
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clearance at least {:.2} mm", 1e3 * self.clearance.at_least)?;
        if let Some(Nearest { between: [a, b], distance, time }) = &self.clearance.nearest {
            write!(f, " (nearest seen: \"{a}\" and \"{b}\", {:.2} mm at {time:.3} s)", 1e3 * distance)?;
        }
        if let Some((output, kind, peak)) = self.tightest() {
            let percent = 100.0 * peak.used;
            write!(f, "; tightest limit: {kind} of \"{output}\", {percent:.1}% at {:.3} s", peak.time)?;
        }
        Ok(())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { reason } => write!(f, "not a trajectory of this robot: {reason}"),
            Self::Start { distance } => write!(f, "it begins {distance:.3e} away from the start"),
            Self::Goal { distance } => write!(f, "it ends {distance:.3e} away from the nearest goal"),
            Self::Jump { output, order, time, jump } => {
                let what = if *order == 0 { "position" } else { "velocity" };
                write!(f, "the {what} of \"{output}\" jumps by {jump:.3e} at {time:.6} s")
            }
            Self::Limit { output, kind, value, bound, time } => {
                write!(f, "the {kind} of \"{output}\" is {value:.6} at {time:.6} s, its limit {bound:.6}")
            }
            Self::Collision { link, obstacle, depth, time } => {
                write!(f, "\"{link}\" is {:.4} mm inside \"{obstacle}\" at {time:.6} s", 1e3 * depth)
            }
            Self::SelfCollision { links: [a, b], depth, time } => {
                write!(f, "\"{a}\" and \"{b}\" overlap by {:.4} mm at {time:.6} s", 1e3 * depth)
            }
            Self::ClearanceNotProved { between: [a, b], gap, time } => {
                write!(f, "\"{a}\" and \"{b}\" all but touch at {time:.6} s: {:.6} mm are left", 1e3 * gap)
            }
            Self::EffortNotProved { output, value, bound, time } => write!(
                f,
                "the effort of \"{output}\" can only be proved to stay within {value:.6} about {time:.6} s, \
                 its limit is {bound:.6}"
            ),
        }
    }
}

impl std::error::Error for Violation {}

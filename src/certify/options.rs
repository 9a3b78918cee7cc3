//! What all proofs share: their options, when to ask whether to stop, and how far numbers may be apart. Imports `problem`,
//! `robot`, `stop` and `trajectory`.

use super::report::{LimitKind, Violation};
use crate::problem::InvalidValue;
use crate::robot::{Mechanism, POSITION_SLACK};
use crate::stop::Watch;
use crate::trajectory::Trajectory;

/// No interval of time is halved below this share of the trajectory's duration: a robot that moves at 10 m/s for
/// a second covers a micrometre meanwhile, and the bounds on how far it strays from what is known are of third order.
const MIN_SHARE: f64 = 1e-7;

/// The length below which no interval of time is halved, seconds.
pub(super) fn floor(trajectory: &Trajectory) -> f64 {
    MIN_SHARE * trajectory.duration()
}

/// A proof that takes more intervals than this is given up: at a microsecond each, it takes seconds.
pub(super) const MAX_INTERVALS: usize = 5_000_000;

/// A proof asks once in so many units of work, some 20 ns each, whether it is time to stop.
pub(super) const WORK_PER_ASK: u32 = 1024;

/// Work of an interval beside what it lists, and of a segment whose extrema are found.
pub(super) const INTERVAL: u32 = 32;

/// How much a certificate should find out, and how exact the trajectory must be.
///
/// A trajectory may jump at its knots by what rounding makes. What it proves then is that there is a motion,
/// continuous with all derivatives that should be, which keeps all limits within twice their tolerances and
/// is off the trajectory by no more than about `tolerance` in its last continuous derivative, and by what that
/// makes in those below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CertifyOptions {
    /// Prove the least distance of links from obstacles to within this, metres. `None`: prove no more than that
    /// there is some, or as much as is asked for, which is several times cheaper.
    pub world_tolerance: Option<f64>,
    /// Prove the least distance of links from each other to within this, metres. `None`: prove no more than that
    /// there is some, which is several times cheaper.
    pub links_tolerance: Option<f64>,
    /// How far links must stay from obstacles at every instant, metres; those of the base, which never move, must
    /// only not be inside of any.
    pub least_world_clearance: f64,
    /// Greatest distance of the ends from the problem's start and goal, greatest jump at a knot, and greatest
    /// sum of all jumps that are not as good as none beside the tolerances of limits; of every output and
    /// every derivative of it by itself, in rad or m and their derivatives, relative to values above 1.
    pub tolerance: f64,
    /// What a limit may be exceeded by, in its unit or relative to it where it is above 1; one of position
    /// by [`POSITION_SLACK`] at most, where links are not judged because of what was proved within it.
    pub limit_tolerance: f64,
    /// The same for limits of jerk, which rounded times in a file blur the most.
    pub jerk_tolerance: f64,
}

impl Default for CertifyOptions {
    fn default() -> Self {
        // Rounding in steering and evaluation stays below 1e-11 for motions of seconds, and steering
        // that meets a limit exactly meets it only up to rounding.
        Self {
            world_tolerance: None,
            links_tolerance: None,
            least_world_clearance: 0.0,
            tolerance: 1e-9,
            limit_tolerance: 1e-9,
            jerk_tolerance: 1e-9,
        }
    }
}

impl CertifyOptions {
    /// For files that anybody wrote, as `flatout check` has them: limits may be exceeded by ten times this
    /// `tolerance`, those of jerk by a thousand times. Times in a JointTrajectory are whole nanoseconds, which
    /// blurs accelerations of short pieces, and jerks more.
    pub fn for_files(tolerance: f64) -> Self {
        Self {
            tolerance,
            limit_tolerance: 10.0 * tolerance,
            jerk_tolerance: 1e3 * tolerance,
            ..Self::default()
        }
    }
}

impl CertifyOptions {
    /// Checks that they are numbers, and none below zero.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        let &Self {
            world_tolerance,
            links_tolerance,
            least_world_clearance,
            tolerance,
            limit_tolerance,
            jerk_tolerance,
        } = self;
        let all = [
            ("world_tolerance", world_tolerance.unwrap_or(0.0)),
            ("links_tolerance", links_tolerance.unwrap_or(0.0)),
            ("least_world_clearance", least_world_clearance),
            ("tolerance", tolerance),
            ("limit_tolerance", limit_tolerance),
            ("jerk_tolerance", jerk_tolerance),
        ];
        match all.into_iter().find(|(_, value)| !(0.0..f64::INFINITY).contains(value)) {
            None => Ok(()),
            Some((field, value)) => Err(InvalidValue::new(field, value, "a number of at least 0")),
        }
    }
}

/// Whether to go on to so much more work, after so many intervals.
#[inline(always)]
pub(super) fn ask(watch: &mut Watch, work: u32, intervals: usize) -> Result<(), Violation> {
    if watch.is_due(work) { Err(Violation::OutOfTime { intervals }) } else { Ok(()) }
}

/// By how much a limit of some kind may be exceeded: one of position by no more than what was proved of pairs
/// of links allows, if anything was.
pub(super) fn tolerance_of(kind: LimitKind, mechanism: &Mechanism, options: &CertifyOptions) -> f64 {
    match kind {
        LimitKind::Position if !mechanism.proved_within.is_empty() => {
            options.limit_tolerance.min(POSITION_SLACK)
        }
        LimitKind::Jerk => options.jerk_tolerance,
        _ => options.limit_tolerance,
    }
}

/// How far two numbers are apart, relative to what is expected where that is above 1.
pub(super) fn deviation(value: f64, expected: f64) -> f64 {
    (value - expected).abs() / expected.abs().max(1.0)
}

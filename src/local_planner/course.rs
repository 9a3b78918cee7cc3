//! Joins stances of a nonholonomic base: by a curve ahead or in reverse, or where it can turn
//! on the spot by a turn, a line and a turn.

use crate::check::{CheckError, EdgeBatch, EdgeChecker, Verdict};
use crate::robot::Mechanism;
use crate::steer::{PathLimits, Curve, EndSpeeds, DriveDirection, Pace, PathState, TimeParameterization, nearest_turn};
use crate::stop::Stop;

/// Samples of a curve at which its limits are checked.
const LOOK: usize = 40;

/// Lengths of the tangents that are tried, as shares of the estimated length of the curve.
const TANGENTS: [f64; 3] = [0.8, 1.15, 1.6];

/// The same for a curve that only has to hold the limits, in this order; a straight one is as long as its chord, so that
/// it can be followed at an even speed.
const JOINTS: [f64; 3] = [1.15, 1.6, 0.8];
const STRAIGHT: [f64; 3] = [1.0, 1.15, 0.8];

/// What takes so many times as long as was estimated goes through a place where it all but stands still and turns: that
/// is no way to go.
const SLOWEST: f64 = 20.0;

/// A curvature below this is none, 1/m.
const STRAIGHT_ON: f64 = 1e-9;

/// Two headings closer than this, rad, are one; so are places this close, metres, and joints.
const SAME: f64 = 1e-6;

/// A part of a path: what is driven between two stances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathMotion {
    /// The curves in order.
    pub curves: Vec<Curve>,
    /// Estimated duration, seconds: at the speeds that rates allow, with what the stops between curves cost.
    pub duration: f64,
}

/// A way between two stances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MotionWay {
    /// By one curve.
    Curve(DriveDirection),
    /// By a turn on the spot, a line, and another turn.
    Turns(DriveDirection),
    /// By a turn, or the arm alone, where the place is the same.
    Stand,
}

impl MotionWay {
    const ALL: [Self; 5] = [
        Self::Curve(DriveDirection::Forward),
        Self::Curve(DriveDirection::Reverse),
        Self::Turns(DriveDirection::Forward),
        Self::Turns(DriveDirection::Reverse),
        Self::Stand,
    ];

    /// All with a finite estimate up to `longest`, and that, the shortest first.
    fn by(estimate: impl Fn(Self) -> f64, longest: f64) -> [Option<(f64, Self)>; 5] {
        let mut ways = Self::ALL.map(|way| (estimate(way), way));
        ways.sort_by(|a, b| a.0.total_cmp(&b.0));
        ways.map(|(time, way)| (time.is_finite() && time <= longest).then_some((time, way)))
    }
}

/// Which end of a motion is given when the other is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// Its beginning.
    First,
    /// Its end.
    Last,
}

/// Joins stances by valid motions. Counts what it does.
pub struct PathPlanner<'a> {
    limits: &'a PathLimits,
    checker: &'a mut dyn EdgeChecker,
    edges: EdgeBatch,
    /// Degree of the edges.
    degree: usize,
    verdicts: Vec<Verdict>,
    coefficients: Vec<f64>,
    pace: Pace,
    /// Edges checked so far.
    pub checked: u64,
    stop: Stop,
}

impl<'a> PathPlanner<'a> {
    /// A local planner for `mechanism`, whose `limits` these are and whose edges `checker` checks.
    pub fn new(mechanism: &Mechanism, limits: &'a PathLimits, checker: &'a mut dyn EdgeChecker) -> Self {
        let degree = if limits.needs_curvature_rate() { 7 } else { 5 };
        Self {
            limits,
            checker,
            edges: EdgeBatch::new(mechanism.flat_dof(), degree),
            degree,
            verdicts: Vec::new(),
            coefficients: Vec::new(),
            pace: Pace::new(limits),
            checked: 0,
            stop: Stop::NEVER,
        }
    }

    /// The same, but joining nothing any more when `stop` is due, nor does the checker check. Whoever joins many
    /// stances asks [`PathPlanner::is_late`] between them.
    #[must_use]
    pub fn until(mut self, stop: &Stop) -> Self {
        self.checker.set_stop(stop);
        self.stop = stop.clone();
        self
    }

    /// What it stops by.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether it is time to stop.
    pub fn is_late(&self) -> bool {
        self.stop.is_due()
    }

    /// The limits.
    pub fn limits(&self) -> &'a PathLimits {
        self.limits
    }

    /// A valid motion between two stances that takes no longer than `longest` seconds: of a few ways, the one
    /// that promises to be the quickest.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect(
        &mut self,
        from: &PathState,
        to: &PathState,
        longest: f64,
    ) -> Result<Option<PathMotion>, CheckError> {
        if from.speed == 0.0 && to.speed == 0.0 && is_same(from, to) {
            return Ok(Some(PathMotion::default()));
        }
        let [first, last] = [from.pointer(), to.pointer()];
        let is_still = distance(&from.place, &to.place) < SAME;
        let estimate = |way: MotionWay| match way {
            MotionWay::Curve(direction) if !is_still => self.pace.curve(direction, &first, &last),
            MotionWay::Turns(direction) if !is_still && from.speed == 0.0 && to.speed == 0.0 => {
                self.pace.turns(direction, &first, &last)
            }
            MotionWay::Stand if is_still && self.limits.turns_on_the_spot() => 0.0,
            _ => f64::INFINITY,
        };
        for (estimate, way) in MotionWay::by(estimate, longest).into_iter().flatten() {
            if self.is_late() {
                break;
            }
            let Some(curves) = self.joined(from, to, way) else { continue };
            let is_quick = |motion: &PathMotion| motion.duration <= longest.min(SLOWEST * estimate);
            let Some(motion) = self.timed(curves).filter(is_quick) else { continue };
            if self.is_free(&motion.curves)? && self.keeps_speed(&motion, from, to) {
                return Ok(Some(motion));
            }
        }
        Ok(None)
    }

    /// A valid motion from (or to) a stance to (or from) a place, at any heading that suits; and the stance
    /// there.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn reach(
        &mut self,
        stance: &PathState,
        given: Given,
        place: [f64; 3],
        arm: &[f64],
    ) -> Result<Option<(PathState, PathMotion)>, CheckError> {
        let pointer = if given == Given::First { stance.pointer() } else { stance.backwards() };
        let is_still = distance(&stance.place, &place) < SAME;
        let estimate = |way: MotionWay| match way {
            MotionWay::Curve(direction) if !is_still => self.pace.arc(direction, &pointer, &place),
            MotionWay::Turns(direction) if !is_still && stance.speed == 0.0 => {
                self.pace.turn_and_line(direction, &pointer, &place)
            }
            MotionWay::Stand if is_still && self.limits.turns_on_the_spot() && !arm.is_empty() => 0.0,
            _ => f64::INFINITY,
        };
        for (estimate, way) in MotionWay::by(estimate, f64::INFINITY).into_iter().flatten() {
            if self.is_late() {
                break;
            }
            let other = self.other(stance, given, place, arm, way);
            let (from, to) = in_order(stance, &other, given);
            let is_quick = |motion: &PathMotion| motion.duration <= SLOWEST * estimate;
            let timed = self.joined(from, to, way).and_then(|curves| self.timed(curves));
            let Some(motion) = timed.filter(is_quick) else { continue };
            if self.is_free(&motion.curves)? && self.keeps_speed(&motion, from, to) {
                return Ok(Some((other, motion)));
            }
        }
        Ok(None)
    }

    /// The stance at a place, headed by yaw and pitch, rad, as on a straight line; its pitch within what is
    /// ever made up.
    pub fn stance(&self, place: [f64; 3], [heading, pitch]: [f64; 2], arm: &[f64]) -> PathState {
        PathState {
            place,
            heading,
            pitch: if self.limits.is_spatial() { pitch.clamp(-STEEPEST, STEEPEST) } else { 0.0 },
            curvature: self.limits.needs_curvature().then_some(0.0),
            curvature_rate: self.limits.needs_curvature_rate().then_some(0.0),
            arm: arm.to_vec(),
            ..PathState::default()
        }
    }

    /// The curve between two stances whose tangents are as long as its path is to be, metres, if it holds all limits
    /// that do not depend on speed; of no length, a turn on the spot.
    pub fn arc(&self, from: &PathState, to: &PathState, direction: DriveDirection, length: f64) -> Option<Curve> {
        if direction == DriveDirection::Pivot {
            return Some(Curve::turn(from, to.heading, &to.arm));
        }
        let curve = Curve::join(from, to, direction, [length; 2], self.limits.is_spatial())?;
        if self.admits(&curve) { curve.with_heading_reference() } else { None }
    }

    /// The motion along curves between two stances, if it is valid.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn drive(
        &mut self,
        from: &PathState,
        to: &PathState,
        curves: Vec<Curve>,
    ) -> Result<Option<PathMotion>, CheckError> {
        let Some(motion) = self.timed(curves) else { return Ok(None) };
        Ok((self.is_free(&motion.curves)? && self.keeps_speed(&motion, from, to)).then_some(motion))
    }

    /// Whether curves are valid: limits of the base that do not depend on speed, and what the checker says.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn is_valid(&mut self, curves: &[Curve]) -> Result<bool, CheckError> {
        Ok(curves.iter().all(|curve| self.admits(curve)) && self.is_free(curves)?)
    }

    /// Whether a curve holds all limits of the base that do not depend on speed.
    fn admits(&self, curve: &Curve) -> bool {
        self.limits.admits_all() || self.limits.admits(curve, LOOK)
    }

    /// What the checker says.
    fn is_free(&mut self, curves: &[Curve]) -> Result<bool, CheckError> {
        let Self { edges, coefficients, degree, .. } = self;
        edges.clear();
        for curve in curves {
            coefficients.clear();
            curve.outputs().for_each(|output| coefficients.extend_from_slice(&output[..=*degree]));
            edges.push(1.0, coefficients);
        }
        self.checked += self.edges.len() as u64;
        self.checker.check(&self.edges, &mut self.verdicts)?;
        Ok(self.verdicts.iter().all(Verdict::is_valid))
    }

    /// The quickest of a few curves of a direction, neither checked yet nor guided, and how long it takes; `None`
    /// where none takes less than `longest`.
    pub fn curve(&self, from: &PathState, to: &PathState, direction: DriveDirection, longest: f64) -> Option<(f64, Curve)> {
        let top = self.limits.speed_of(direction);
        let distance = distance(&from.place, &to.place);
        if top == 0.0 || distance / top > longest {
            return None;
        }
        let length = length(from, to, direction, distance);
        let mut quickest = None;
        for share in TANGENTS {
            let tangents = [share * length; 2];
            let longest = quickest.as_ref().map_or(longest, |&(duration, _)| duration);
            let joined = Curve::join(from, to, direction, tangents, self.limits.is_spatial());
            let timed = joined.and_then(|curve| Some((self.limits.shortest(&curve, longest)?, curve)));
            quickest = timed.or(quickest);
        }
        quickest
    }

    /// The curves of a way between two stances, if they hold all limits that do not depend on speed.
    fn joined(&self, from: &PathState, to: &PathState, way: MotionWay) -> Option<Vec<Curve>> {
        let mut curves = Vec::new();
        match way {
            MotionWay::Curve(direction) => {
                let chord = distance(&from.place, &to.place);
                let length = length(from, to, direction, chord);
                let shares = if length <= chord * (1.0 + SAME) { STRAIGHT } else { JOINTS };
                let curve = shares.into_iter().find_map(|share| {
                    let tangents = [share * length; 2];
                    let curve = Curve::join(from, to, direction, tangents, self.limits.is_spatial())?;
                    self.admits(&curve).then_some(curve)
                })?;
                curves.push(curve.with_heading_reference()?);
            }
            MotionWay::Turns(direction) => {
                let heading = bearing(from, to, direction)?;
                let begin = self.turn_into(from, heading, &from.arm, &mut curves);
                let end = PathState { heading, ..to.clone() };
                // Where nothing is turned there is no stop, and what is driven before or after may not bend.
                let is_straight = |stance: &PathState| stance.curvature.is_none_or(|k| k.abs() < STRAIGHT_ON);
                if curves.is_empty() && !is_straight(from) {
                    return None;
                }
                curves.push(Curve::line(&begin, &end, direction));
                let before = curves.len();
                self.turn_into(&end, to.heading, &to.arm, &mut curves);
                if curves.len() == before && !is_straight(to) {
                    return None;
                }
            }
            MotionWay::Stand => {
                self.turn_into(from, to.heading, &to.arm, &mut curves);
            }
        }
        Some(curves)
    }

    /// Whether the speeds of the ends, if there are any, can be had: with a stop at the other end.
    fn keeps_speed(&self, motion: &PathMotion, from: &PathState, to: &PathState) -> bool {
        let along = |speed: f64, curve: Option<&Curve>| {
            speed == 0.0 || curve.is_some_and(|c| c.direction != DriveDirection::Pivot && c.direction.sign() * speed > 0.0)
        };
        if from.speed == 0.0 && to.speed == 0.0 {
            return true;
        }
        // Where it may not stand it is at any speed at the other end.
        let end = |speed: f64| (speed != 0.0 || self.limits.may_rest()).then_some(speed.abs());
        let ends = EndSpeeds { first: end(from.speed), last: end(to.speed) };
        along(from.speed, motion.curves.first())
            && along(to.speed, motion.curves.last())
            && TimeParameterization::fastest_until(self.limits, &motion.curves, ends, &self.stop).is_some()
    }

    /// Appends a turn to a heading, unless it is there already; gives the stance after it.
    fn turn_into(&self, from: &PathState, heading: f64, arm: &[f64], curves: &mut Vec<Curve>) -> PathState {
        let turned = nearest_turn(heading - from.heading);
        let arm_moves = from.arm.iter().zip(arm).any(|(a, b)| (a - b).abs() > SAME);
        let heading = from.heading + turned;
        if turned.abs() > SAME || arm_moves {
            curves.push(Curve::turn(from, heading, arm));
        }
        PathState { heading, arm: arm.to_vec(), ..from.clone() }
    }

    /// With its duration; `None` where a limit is broken at any speed, or it is empty.
    fn timed(&self, curves: Vec<Curve>) -> Option<PathMotion> {
        let mut duration = 0.0;
        for (i, curve) in curves.iter().enumerate() {
            duration += self.limits.shortest(curve, f64::INFINITY)?;
            if i > 0 && curve.direction != curves[i - 1].direction {
                duration += self.limits.stop();
            }
        }
        (!curves.is_empty()).then_some(PathMotion { curves, duration })
    }

    /// The stance at `place` that a way leads to from `stance`, or from which it leads there: by an arc at as
    /// great an angle from the chord as `stance`, or where that is behind, along the chord.
    fn other(&self, stance: &PathState, given: Given, place: [f64; 3], arm: &[f64], way: MotionWay) -> PathState {
        let mut other = self.stance(place, [stance.heading, 0.0], arm);
        let (is_arc, direction) = match way {
            MotionWay::Curve(direction) => (true, direction),
            MotionWay::Turns(direction) => (false, direction),
            MotionWay::Stand => return PathState { curvature: stance.curvature, ..other },
        };
        // Of the way as it is driven, nose first or not.
        let sense = if (given == Given::First) == (direction == DriveDirection::Forward) { 1.0 } else { -1.0 };
        let chord = [0, 1, 2].map(|i| sense * (place[i] - stance.place[i]));
        let length = chord.iter().map(|c| c * c).sum::<f64>().sqrt();
        let nose = stance.nose();
        let along = (0..3).map(|i| chord[i] * nose[i]).sum::<f64>() / length;
        let direction = match is_arc && along > 0.0 {
            true => [0, 1, 2].map(|i| 2.0 * along * chord[i] / length - nose[i]),
            false => chord,
        };
        other.heading = direction[1].atan2(direction[0]);
        if self.limits.is_spatial() {
            let pitch = direction[2].atan2(direction[0].hypot(direction[1]));
            other.pitch = pitch.clamp(-STEEPEST, STEEPEST);
        }
        other
    }
}

/// Greatest pitch of a stance that is made up, rad.
const STEEPEST: f64 = 0.9;

fn in_order<'s>(stance: &'s PathState, other: &'s PathState, given: Given) -> (&'s PathState, &'s PathState) {
    if given == Given::First { (stance, other) } else { (other, stance) }
}

/// Whether two stances are one, but for whole turns.
fn is_same(a: &PathState, b: &PathState) -> bool {
    let apart = a.arm.iter().zip(&b.arm).map(|(a, b)| a - b).chain([a.pitch - b.pitch]);
    distance(&a.place, &b.place) < SAME
        && nearest_turn(a.heading - b.heading).abs() < SAME
        && apart.fold(0.0, |most: f64, x| most.max(x.abs())) < SAME
}

fn distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// The heading at which a line leads from one place to another in a direction; `None` where they are the same.
fn bearing(from: &PathState, to: &PathState, direction: DriveDirection) -> Option<f64> {
    let [dx, dy] = [0, 1].map(|i| direction.sign() * (to.place[i] - from.place[i]));
    (dx.hypot(dy) > SAME).then(|| dy.atan2(dx))
}

/// The length of a smooth curve between two stances, estimated: as of two arcs, by the angles between its
/// chord and its ends.
fn length(from: &PathState, to: &PathState, direction: DriveDirection, distance: f64) -> f64 {
    let longer = |stance: &PathState| {
        let nose = stance.nose();
        let along: f64 = (0..3).map(|i| nose[i] * (to.place[i] - from.place[i])).sum();
        let angle = (direction.sign() * along / distance.max(SAME)).clamp(-1.0, 1.0).acos().min(2.2);
        if angle < 1e-3 { 1.0 } else { angle / angle.sin() }
    };
    0.5 * distance * (longer(from) + longer(to))
}

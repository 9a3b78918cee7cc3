//! Joins stances of a base that goes where it points: by a curve ahead or in reverse, or where it can turn
//! on the spot by a turn, a line and a turn.

use crate::check::{CheckError, EdgeBatch, EdgeChecker, Verdict};
use crate::robot::Mechanism;
use crate::steer::{CourseLimits, Curve, EndSpeeds, Gait, Stance, TimeLaw, nearest_turn};

/// Samples of a curve at which its limits are checked.
const LOOK: usize = 40;

/// Lengths of the tangents that are tried, as shares of the estimated length of the curve.
const TANGENTS: [f64; 3] = [0.8, 1.15, 1.6];

/// Two headings closer than this, rad, are one; so are places this close, metres, and joints.
const SAME: f64 = 1e-6;

/// A part of a path: what is driven between two stances.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Motion {
    /// The curves in order.
    pub curves: Vec<Curve>,
    /// Estimated duration, seconds: at the speeds that rates allow, with what the stops between curves cost.
    pub duration: f64,
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
pub struct CoursePlanner<'a> {
    limits: &'a CourseLimits,
    checker: &'a mut dyn EdgeChecker,
    edges: EdgeBatch,
    verdicts: Vec<Verdict>,
    coefficients: Vec<f64>,
    candidates: Vec<Motion>,
    /// Edges checked so far.
    pub checked: u64,
}

impl<'a> CoursePlanner<'a> {
    /// A local planner for `mechanism`, whose `limits` these are and whose edges `checker` checks.
    pub fn new(mechanism: &Mechanism, limits: &'a CourseLimits, checker: &'a mut dyn EdgeChecker) -> Self {
        Self {
            limits,
            checker,
            edges: EdgeBatch::new(mechanism.flat_dof(), 5),
            verdicts: Vec::new(),
            coefficients: Vec::new(),
            candidates: Vec::new(),
            checked: 0,
        }
    }

    /// The limits.
    pub fn limits(&self) -> &'a CourseLimits {
        self.limits
    }

    /// The checker.
    pub fn checker(&mut self) -> &mut dyn EdgeChecker {
        self.checker
    }

    /// The quickest valid motion between two stances, of those that it knows and that take no longer than
    /// `longest` seconds.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect(
        &mut self,
        from: &Stance,
        to: &Stance,
        longest: f64,
    ) -> Result<Option<Motion>, CheckError> {
        self.candidates.clear();
        for gait in [Gait::Ahead, Gait::Back] {
            let curve = self.curve(from, to, gait, longest);
            self.candidates.extend(curve);
        }
        if self.limits.turns_on_the_spot() {
            self.add_turns(from, to);
        }
        self.first_valid(from, to, longest)
    }

    /// A valid motion from (or to) a stance to (or from) a place, at any heading that suits; and the stance
    /// there.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn reach(
        &mut self,
        stance: &Stance,
        given: Given,
        place: [f64; 3],
        arm: &[f64],
    ) -> Result<Option<(Stance, Motion)>, CheckError> {
        let mut reached: Vec<(Stance, Motion)> = Vec::new();
        for gait in [Gait::Ahead, Gait::Back] {
            if self.limits.speed_of(gait) > 0.0
                && let Some(other) = self.arced(stance, given, place, arm, gait)
            {
                let (from, to) = in_order(stance, &other, given);
                if let Some(motion) = self.curve(from, to, gait, f64::INFINITY) {
                    reached.push((other.clone(), motion));
                }
                if self.limits.turns_on_the_spot() && stance.speed == 0.0 {
                    reached.extend(self.turned(stance, given, &other, gait));
                }
            }
        }
        if reached.is_empty() && self.limits.turns_on_the_spot() && stance.speed == 0.0 {
            reached.extend(self.still(stance, given, place, arm));
        }
        reached.sort_by(|a, b| a.1.duration.total_cmp(&b.1.duration));
        for (other, motion) in reached {
            let (from, to) = in_order(stance, &other, given);
            if self.is_valid(&motion.curves)? && self.keeps_speed(&motion, from, to) {
                return Ok(Some((other, motion)));
            }
        }
        Ok(None)
    }

    /// Whether curves are valid: limits of the base that do not depend on speed, and what the checker says.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn is_valid(&mut self, curves: &[Curve]) -> Result<bool, CheckError> {
        let limits = self.limits;
        if !limits.admits_all() && !curves.iter().all(|curve| limits.admits(curve, LOOK)) {
            return Ok(false);
        }
        let Self { edges, coefficients, .. } = self;
        edges.clear();
        for curve in curves {
            coefficients.clear();
            curve.outputs().for_each(|output| coefficients.extend_from_slice(output));
            edges.push(1.0, coefficients);
        }
        self.checked += self.edges.len() as u64;
        self.checker.check(&self.edges, &mut self.verdicts)?;
        Ok(self.verdicts.iter().all(Verdict::is_valid))
    }

    /// The quickest of a few curves of a gait, not yet checked; `None` where none takes less than `longest`.
    pub fn curve(&self, from: &Stance, to: &Stance, gait: Gait, longest: f64) -> Option<Motion> {
        let top = self.limits.speed_of(gait);
        let distance = distance(&from.place, &to.place);
        if top == 0.0 || distance / top > longest {
            return None;
        }
        let length = length(from, to, gait, distance);
        let mut found: [Option<(f64, Curve)>; TANGENTS.len()] = TANGENTS.map(|share| {
            let tangents = [share * length; 2];
            let curve = Curve::join(from, to, gait, tangents, self.limits.is_spatial())?;
            let duration = self.limits.profile(&curve)?.duration;
            (duration < longest).then_some((duration, curve))
        });
        let key = |f: &Option<(f64, Curve)>| f.as_ref().map_or(f64::INFINITY, |(duration, _)| *duration);
        found.sort_by(|a, b| key(a).total_cmp(&key(b)));
        found.into_iter().flatten().find_map(|(duration, curve)| {
            let curves = vec![curve.guided(from.heading, to.heading)?];
            Some(Motion { curves, duration })
        })
    }

    /// The first candidate that is valid, the quickest looked at first.
    fn first_valid(
        &mut self,
        from: &Stance,
        to: &Stance,
        longest: f64,
    ) -> Result<Option<Motion>, CheckError> {
        let mut candidates = std::mem::take(&mut self.candidates);
        candidates.retain(|motion| motion.duration <= longest);
        candidates.sort_by(|a, b| a.duration.total_cmp(&b.duration));
        let mut found = None;
        for motion in candidates.drain(..) {
            if self.is_valid(&motion.curves)? && self.keeps_speed(&motion, from, to) {
                found = Some(motion);
                break;
            }
        }
        self.candidates = candidates;
        Ok(found)
    }

    /// Whether the speeds of the ends, if there are any, can be had: with a stop at the other end.
    fn keeps_speed(&self, motion: &Motion, from: &Stance, to: &Stance) -> bool {
        let ends = EndSpeeds { first: from.speed.abs(), last: to.speed.abs() };
        let along = |speed: f64, curve: Option<&Curve>| {
            speed == 0.0 || curve.is_some_and(|c| c.gait != Gait::Turn && c.gait.sign() * speed > 0.0)
        };
        ends == EndSpeeds::default()
            || along(from.speed, motion.curves.first())
                && along(to.speed, motion.curves.last())
                && TimeLaw::fastest(self.limits, &motion.curves, ends).is_some()
    }

    /// Turn, line, turn, ahead and in reverse; and where only the arm moves, that.
    fn add_turns(&mut self, from: &Stance, to: &Stance) {
        if from.speed != 0.0 || to.speed != 0.0 {
            return;
        }
        for gait in [Gait::Ahead, Gait::Back] {
            if self.limits.speed_of(gait) > 0.0
                && let Some(heading) = bearing(from, to, gait)
            {
                let mut curves = Vec::new();
                let begin = self.turn_into(from, heading, &from.arm, &mut curves);
                let end = Stance { heading, curvature: begin.curvature, arm: to.arm.clone(), ..to.clone() };
                curves.push(Curve::line(&begin, &end, gait));
                self.turn_into(&end, to.heading, &to.arm, &mut curves);
                let motion = self.timed(curves);
                self.candidates.extend(motion);
            }
        }
        if distance(&from.place, &to.place) < SAME {
            let mut curves = Vec::new();
            self.turn_into(from, to.heading, &to.arm, &mut curves);
            let motion = self.timed(curves);
            self.candidates.extend(motion);
        }
    }

    /// By a turn and a line to the place of `other`.
    fn turned(&self, stance: &Stance, given: Given, other: &Stance, gait: Gait) -> Option<(Stance, Motion)> {
        let (from, to) = in_order(stance, other, given);
        let heading = bearing(from, to, gait)?;
        let mut curves = Vec::new();
        let other = Stance { heading, ..other.clone() };
        if given == Given::First {
            let begin = self.turn_into(stance, heading, &stance.arm, &mut curves);
            curves.push(Curve::line(&begin, &other, gait));
        } else {
            let end = Stance { heading, ..stance.clone() };
            curves.push(Curve::line(&other, &end, gait));
            self.turn_into(&end, stance.heading, &stance.arm, &mut curves);
        }
        Some((other, self.timed(curves)?))
    }

    /// The arm alone, where the place is that of the stance already.
    fn still(&self, stance: &Stance, given: Given, place: [f64; 3], arm: &[f64]) -> Option<(Stance, Motion)> {
        if distance(&place, &stance.place) > SAME || arm.is_empty() {
            return None;
        }
        let other = Stance { arm: arm.to_vec(), ..stance.clone() };
        let mut curves = Vec::new();
        let (from, to) = in_order(stance, &other, given);
        self.turn_into(from, to.heading, &to.arm, &mut curves);
        let motion = self.timed(curves)?;
        Some((other, motion))
    }

    /// Appends a turn to a heading, unless it is there already; gives the stance after it.
    fn turn_into(&self, from: &Stance, heading: f64, arm: &[f64], curves: &mut Vec<Curve>) -> Stance {
        let turned = nearest_turn(heading - from.heading);
        let arm_moves = from.arm.iter().zip(arm).any(|(a, b)| (a - b).abs() > SAME);
        let heading = from.heading + turned;
        if turned.abs() > SAME || arm_moves {
            curves.push(Curve::turn(from, heading, arm));
        }
        Stance { heading, arm: arm.to_vec(), ..from.clone() }
    }

    /// With its duration; `None` where a limit is broken at any speed, or it is empty.
    fn timed(&self, curves: Vec<Curve>) -> Option<Motion> {
        let mut duration = 0.0;
        for (i, curve) in curves.iter().enumerate() {
            duration += self.limits.profile(curve)?.duration;
            if i > 0 && curve.gait != curves[i - 1].gait {
                duration += self.limits.stop();
            }
        }
        (!curves.is_empty()).then_some(Motion { curves, duration })
    }

    /// A stance at `place` to which an arc leads from `stance`, or from which one leads there.
    fn arced(
        &self,
        stance: &Stance,
        given: Given,
        place: [f64; 3],
        arm: &[f64],
        gait: Gait,
    ) -> Option<Stance> {
        let chord = [0, 1, 2].map(|i| place[i] - stance.place[i]);
        let length = chord.iter().map(|c| c * c).sum::<f64>().sqrt();
        if length < SAME {
            return None;
        }
        // The nose and the chord as it would be driven nose first, one way or the other.
        let nose = stance.nose();
        let along: f64 = (0..3).map(|i| chord[i] * nose[i] / length).sum();
        let is_onward = (given == Given::First) == (gait == Gait::Ahead);
        if (along > 0.0) != is_onward {
            // Behind it: an arc would be more than half a turn.
            return None;
        }
        let other = [0, 1, 2].map(|i| 2.0 * along * chord[i] / length - nose[i]);
        let pitch = other[2].atan2(other[0].hypot(other[1]));
        Some(Stance {
            place,
            heading: other[1].atan2(other[0]),
            pitch: if self.limits.is_spatial() { pitch.clamp(-STEEPEST, STEEPEST) } else { 0.0 },
            curvature: self.limits.needs_curvature().then_some(0.0),
            arm: arm.to_vec(),
            ..Stance::default()
        })
    }
}

/// Greatest pitch of a stance that is made up, rad.
const STEEPEST: f64 = 0.9;

fn in_order<'s>(stance: &'s Stance, other: &'s Stance, given: Given) -> (&'s Stance, &'s Stance) {
    if given == Given::First { (stance, other) } else { (other, stance) }
}

fn distance(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// The heading at which a line leads from one place to another in a gait; `None` where they are the same.
fn bearing(from: &Stance, to: &Stance, gait: Gait) -> Option<f64> {
    let [dx, dy] = [0, 1].map(|i| gait.sign() * (to.place[i] - from.place[i]));
    (dx.hypot(dy) > SAME).then(|| dy.atan2(dx))
}

/// The length of a smooth curve between two stances, estimated: as of two arcs, by the angles between its
/// chord and its ends.
fn length(from: &Stance, to: &Stance, gait: Gait, distance: f64) -> f64 {
    let longer = |stance: &Stance| {
        let nose = stance.nose();
        let along: f64 = (0..3).map(|i| nose[i] * (to.place[i] - from.place[i])).sum();
        let angle = (gait.sign() * along / distance.max(SAME)).clamp(-1.0, 1.0).acos().min(2.2);
        if angle < 1e-3 { 1.0 } else { angle / angle.sin() }
    };
    0.5 * distance * (longer(from) + longer(to))
}

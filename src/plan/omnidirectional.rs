//! The family of omnidirectional bases, and of what they carry. Outputs are coordinates, so that paths are searched and
//! shortened as those of joints, by edges as fast as limits in the frame of the body allow on their way; then it turns to
//! where it is faster, and is driven as fast as all limits allow along its path.

use super::drive::ball_path;
use super::driver::{Answer, Attempt, Family};
use super::joints::{JointPath, Joints};
use super::wide::Offer;
use super::worker::Worker;
use super::{Halt, PlanOptions, Sampling, Termination};
use crate::base::{Base, Omnidirectional};
use crate::check::{CheckError, Lengths, search_box};
use crate::problem::{JointState, Problem};
use crate::refine::turn_headings;
use crate::search::GuidePath;
use crate::steer::{PathLimits, retimed};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use glam::DVec3;
use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

/// How samples are drawn along the path of the body's largest ball.
struct GuideSettings {
    /// Share of the samples that are.
    share: f64,
    /// Of these, the share that points along the path, or against it.
    headed: f64,
    /// By how much the heading of such a one may differ from that of the path, rad.
    astray: f64,
    /// How far from the path places are, as shares of how far the body reaches: from the least to one, evenly on a
    /// logarithmic scale. Passages may be narrow, or so may the ways around what the ball alone can pass.
    nearest: f64,
    /// Of the joints that are carried, the share of samples in which they stand between those of the start and of the goal.
    carried: f64,
}

impl GuideSettings {
    const DEFAULT: Self = Self { share: 0.5, headed: 0.7, astray: 0.3, nearest: 0.02, carried: 0.5 };
}

/// A path, and what is drawn along it.
struct Guide {
    path: GuidePath,
    /// How far the body reaches from its place, metres.
    reach: f64,
    start: JointState,
    goal: JointState,
}

impl Guide {
    fn of(problem: &Problem, stop: &Stop) -> Option<Self> {
        let place = |state: &JointState| DVec3::new(state.position[0], state.position[1], 0.0);
        let goals: Vec<DVec3> = problem.goals.iter().map(place).collect();
        let bounds = search_box(problem, Lengths::of(problem).radian);
        let (path, reach) = ball_path(problem, place(&problem.start), &goals, &bounds[..2], stop)?;
        let end = path.at(path.length());
        let near = |goal: &&JointState| place(goal).distance(end);
        let goal = problem.goals.iter().min_by(|a, b| near(a).total_cmp(&near(b)))?;
        Some(Self { path, reach, start: problem.start.clone(), goal: goal.clone() })
    }

    /// Moves a place that was drawn evenly to one along the path.
    fn draw(&self, unit: &mut dyn FnMut() -> f64, position: &mut [f64]) {
        let GuideSettings { headed, astray, nearest, carried, .. } = GuideSettings::DEFAULT;
        let along = unit() * self.path.length();
        let far = self.reach * nearest.powf(unit());
        let aside = TAU * unit();
        let place = self.path.at(along) + far * DVec3::new(aside.cos(), aside.sin(), 0.0);
        (position[0], position[1]) = (place.x, place.y);
        if unit() < headed {
            let way = self.path.at(along + 0.5 * self.reach) - self.path.at(along - 0.5 * self.reach);
            let back = if unit() < 0.5 { PI } else { 0.0 };
            let heading = way.y.atan2(way.x) + back + astray * (2.0 * unit() - 1.0);
            // By whole turns as near as can be to what was drawn.
            position[2] = heading + TAU * ((position[2] - heading) / TAU).round();
        }
        if position.len() > 3 && unit() < carried {
            let share = along / self.path.length();
            let ends = self.start.position.iter().zip(&self.goal.position);
            for (joint, (from, to)) in position.iter_mut().zip(ends).skip(3) {
                *joint = from + share * (to - from);
            }
        }
    }
}

/// The options of a query for an omnidirectional base, with samples along the path of its body's largest ball, which is
/// looked for when the first is drawn.
pub(super) fn guided(problem: &Problem, options: &PlanOptions, stop: &Stop) -> Option<PlanOptions> {
    let Some(Base::Omnidirectional(_)) = problem.mechanism.vehicle() else { return None };
    let (problem, stop) = (problem.clone(), stop.clone());
    let guide = OnceLock::new();
    let draw = move |unit: &mut dyn FnMut() -> f64, position: &mut [f64]| {
        if unit() < GuideSettings::DEFAULT.share
            && let Some(guide) = guide.get_or_init(|| Guide::of(&problem, &stop))
        {
            guide.draw(unit, position);
        }
    };
    Some(PlanOptions { sampling: Some(Sampling::new(draw)), ..options.clone() })
}

/// One worker's search.
pub(super) struct Rolling<'a> {
    joints: Joints<'a>,
    limits: PathLimits,
    base: &'a Omnidirectional,
    /// What there is in place of the trajectory that was made last, the slowest first, until one is certified.
    slower: Vec<Trajectory>,
}

impl<'a> Rolling<'a> {
    pub(super) fn new(
        worker: Worker<'a>,
        limits: PathLimits,
        base: &'a Omnidirectional,
        goals: &[&'a JointState],
    ) -> Self {
        Self { joints: Joints::new(worker, goals), limits, base, slower: Vec::new() }
    }

    /// The same, with a path that has been found already, if there is one.
    pub(super) fn offered(self, offer: Option<&'a Offer>) -> Self {
        Self { joints: self.joints.offered(offer), ..self }
    }

    /// The trajectory itself, and what drives its path faster, with its own headings and with others: the fastest last.
    fn faster(&mut self, trajectory: Trajectory) -> Result<Vec<Trajectory>, CheckError> {
        let Self { joints, limits, base, .. } = self;
        joints.worker().refining(|worker| {
            let stop = worker.local.stop().clone();
            let turned = turn_headings(&trajectory, base, &mut worker.local)?;
            let paths = std::iter::once(&trajectory).chain(&turned);
            let faster: Vec<Trajectory> = paths.filter_map(|path| retimed(limits, path, &stop)).collect();
            let mut all: Vec<Trajectory> = std::iter::once(trajectory).chain(faster).collect();
            all.sort_by(|a, b| b.duration().total_cmp(&a.duration()));
            Ok(all)
        })
    }
}

impl<'a> Family<'a> for Rolling<'a> {
    type Path = JointPath;

    const MAKES_SHORTER: bool = true;

    fn worker(&mut self) -> &mut Worker<'a> {
        self.joints.worker()
    }

    fn ask_for_clearance(&mut self) -> Result<(), CheckError> {
        self.joints.ask_for_clearance()
    }

    fn search(
        &mut self,
        best: Option<&Answer>,
        termination: &Termination<'_>,
    ) -> Result<Vec<JointPath>, Halt> {
        self.slower.clear();
        self.joints.search(best, termination)
    }

    fn raw_duration(&self, path: &JointPath) -> f64 {
        self.joints.raw_duration(path)
    }

    /// Refined and made as fast as can be; where that cannot be certified, as it was before.
    fn trajectory(&mut self, path: &mut JointPath, attempt: u32, stop: &Stop) -> Result<Attempt, CheckError> {
        if let Some(slower) = self.slower.pop() {
            return Ok(Attempt::Made(slower));
        }
        let made = self.joints.trajectory(path, attempt, stop)?;
        let Attempt::Made(trajectory) = made else { return Ok(made) };
        self.slower = self.faster(trajectory)?;
        Ok(self.slower.pop().map_or(Attempt::Failed, Attempt::Made))
    }

    fn keep(&mut self) {
        self.joints.keep();
    }

    fn shorter(&mut self, trajectory: &Trajectory, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        let polished = self.joints.polished(trajectory.clone(), moves)?;
        Ok(self.faster(polished)?.pop())
    }
}

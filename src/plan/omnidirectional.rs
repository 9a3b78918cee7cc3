//! The family of omnidirectional bases, and of what they carry. Outputs are coordinates, so that paths are searched and
//! shortened as those of joints, within limits of each axis that hold at every heading; then each is driven as fast as
//! its limits in the frame of the body allow where it leads.

use super::drive::ball_path;
use super::driver::{Answer, Attempt, Family};
use super::joints::{JointPath, Joints};
use super::worker::Worker;
use super::{Halt, PlanOptions, Sampling, Termination};
use crate::base::Base;
use crate::check::{CheckError, Lengths, search_box};
use crate::problem::{JointState, Problem};
use crate::search::GuidePath;
use crate::steer::{PathLimits, retimed};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use glam::DVec3;
use std::f64::consts::{PI, TAU};
use std::sync::OnceLock;

/// Trajectories of axes are kept of so many answers, to be polished.
const KEPT: usize = 4;

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
    /// What the trajectory that was made last was before it was made faster, until that is certified.
    slower: Option<Trajectory>,
    /// How long the last trajectories take, seconds, and what they were before.
    kept: Vec<(f64, Trajectory)>,
}

impl<'a> Rolling<'a> {
    pub(super) fn new(worker: Worker<'a>, limits: PathLimits, goals: &[&'a JointState]) -> Self {
        Self { joints: Joints::new(worker, goals), limits, slower: None, kept: Vec::new() }
    }

    /// The same path as fast as can be.
    fn faster(&mut self, trajectory: &Trajectory) -> Option<Trajectory> {
        let limits = &self.limits;
        let stop = self.joints.worker().local.stop().clone();
        let faster = self.joints.worker().refining(|_| retimed(limits, trajectory, &stop))?;
        if faster.duration() >= trajectory.duration() {
            return None;
        }
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((faster.duration(), trajectory.clone()));
        Some(faster)
    }
}

impl<'a> Family<'a> for Rolling<'a> {
    type Path = JointPath;

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
        self.slower = None;
        self.joints.search(best, termination)
    }

    fn raw_duration(&self, path: &JointPath) -> f64 {
        self.joints.raw_duration(path)
    }

    /// Refined and made as fast as can be; where that cannot be certified, as it was before.
    fn trajectory(
        &mut self,
        path: &mut JointPath,
        attempt: u32,
        stop: &Stop,
    ) -> Result<Attempt, CheckError> {
        if let Some(slower) = self.slower.take() {
            return Ok(Attempt::Made(slower));
        }
        let made = self.joints.trajectory(path, attempt, stop)?;
        let Attempt::Made(trajectory) = made else { return Ok(made) };
        let Some(faster) = self.faster(&trajectory) else { return Ok(Attempt::Made(trajectory)) };
        self.slower = Some(trajectory);
        Ok(Attempt::Made(faster))
    }

    fn polish(&mut self, best: &Answer, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        let duration = best.trajectory.duration();
        let kept = self.kept.iter().find(|(of, _)| *of == duration);
        let before = kept.map_or(&best.trajectory, |(_, before)| before).clone();
        let polished = self.joints.polished(before, moves)?;
        Ok(Some(self.faster(&polished).unwrap_or(polished)))
    }
}

//! The family of omnidirectional bases, and of what they carry. Outputs are coordinates, so that paths are searched and
//! shortened as those of joints, within limits of each axis that hold at every heading; then each is driven as fast as
//! its limits in the frame of the body allow where it leads.

use super::driver::{Answer, Attempt, Family};
use super::joints::{JointPath, Joints};
use super::worker::Worker;
use super::{Halt, Termination};
use crate::check::CheckError;
use crate::problem::JointState;
use crate::steer::{PathLimits, retimed};
use crate::stop::Stop;
use crate::trajectory::Trajectory;

/// Trajectories of axes are kept of so many answers, to be polished.
const KEPT: usize = 4;

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

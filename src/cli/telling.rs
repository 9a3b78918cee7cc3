//! A checker that tells the user its warnings, each once however many checkers give it.

use super::output::complain;
use super::progress::ProgressLine;
use crate::check::{CheckError, Checkers, EdgeBatch, EdgeChecker, OnDevice, StateBatch, Verdict};
use crate::error::{InputError, Warning};
use crate::scene::{AnyScene, DefaultLimits, Scene};
use crate::stop::Stop;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Tells its warnings when it is dropped.
pub(super) struct Telling(pub Box<dyn EdgeChecker>);

impl EdgeChecker for Telling {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.0.check(edges, verdicts)
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.0.check_states(states, verdicts)
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        self.0.effort_shares(edges, longest, shares)
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.0.screen(states, free)
    }

    fn screened_at_once(&self) -> usize {
        self.0.screened_at_once()
    }

    fn set_clearance(&mut self, metres: f64) {
        self.0.set_clearance(metres);
    }

    fn set_padding(&mut self, metres: f64) {
        self.0.set_padding(metres);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.0.set_resolution(metres);
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.0.set_stop(stop);
    }

    fn states_checked(&self) -> u64 {
        self.0.states_checked()
    }

    fn preferred_batch(&self) -> usize {
        self.0.preferred_batch()
    }

    fn name(&self) -> String {
        self.0.name()
    }

    fn on_device(&self) -> Option<OnDevice> {
        self.0.on_device()
    }

    fn take_warnings(&mut self) -> Vec<String> {
        self.0.take_warnings()
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        tell(self.take_warnings());
    }
}

/// Tells what was read otherwise than it stands in files.
pub(super) fn warn(warnings: &[Warning]) {
    tell(warnings.iter().map(Warning::to_string));
}

fn tell(warnings: impl IntoIterator<Item = String>) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    for warning in warnings {
        if !told.contains(&warning) {
            complain(&format!("warning: {warning}"));
            told.push(warning);
        }
    }
}

/// Reads a scene, and tells what it warns of.
pub(super) fn load_scene(file: &Path, default: DefaultLimits) -> Result<Scene, InputError> {
    let scene = while_loading(|| Scene::load_with(file, default))?;
    warn(&scene.warnings);
    Ok(scene)
}

/// The same of a scene of a robot or of a linear system.
pub(super) fn load_any_scene(file: &Path, default: DefaultLimits) -> Result<AnyScene, InputError> {
    let scene = while_loading(|| AnyScene::load_with(file, default))?;
    if let AnyScene::Robot(scene) = &scene {
        warn(&scene.warnings);
    }
    Ok(scene)
}

/// Tells what takes long where a robot is loaded that has not been before.
pub(super) fn while_loading<T>(load: impl FnOnce() -> T) -> T {
    let _progress =
        ProgressLine::spinner("covering the robot's geometry by spheres, which are kept for the next time");
    load()
}

/// Checkers of many problems that tell their warnings.
pub(super) struct TellingCheckers<'a>(pub Checkers<'a>);

impl TellingCheckers<'_> {
    pub(super) fn checker(&self, problem: usize) -> Result<Box<dyn EdgeChecker>, CheckError> {
        Ok(Box::new(Telling(self.0.checker(problem)?)))
    }

    /// The same, for work beside a device.
    pub(super) fn beside(
        &self,
        problem: usize,
        is_searched: bool,
    ) -> Result<Box<dyn EdgeChecker>, CheckError> {
        Ok(Box::new(Telling(self.0.beside(problem, is_searched)?)))
    }

    /// The number of threads that the user asks for, or as many as keep the backend busy.
    pub(super) fn threads(&self, asked: Option<usize>) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        asked.unwrap_or_else(|| self.0.searches(processors))
    }
}

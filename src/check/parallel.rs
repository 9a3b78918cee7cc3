//! One large batch spread over threads of lanes. Imports the lanes.

use super::packed::{EdgeBatch, StateBatch};
use super::spread::{SpreadWorker, spread};
use crate::threads::MAX_THREADS;
use super::{CheckError, EdgeChecker, SimdChecker, Verdict};
use crate::problem::Problem;
use crate::stop::Stop;

/// No thread gets fewer edges, or states, than this: to start one takes some 20 us.
const LEAST_EDGES: usize = 16;
const LEAST_STATES: usize = 512;

/// Checks in CPU lanes, each batch on as many threads as it is worth. Says what [`SimdChecker`] says.
pub struct ParallelChecker {
    workers: Vec<SpreadWorker<SimdChecker>>,
}

impl ParallelChecker {
    /// A checker of `problem` on at most `threads` threads (at least one, and no more than [`MAX_THREADS`]), otherwise as
    /// [`SimdChecker::new`]. Where no thread can be started, fewer do the work.
    pub fn new(problem: &Problem, resolution: f64, threads: usize) -> Self {
        let worker = |_| SpreadWorker::new(SimdChecker::new(problem, resolution));
        Self { workers: (0..threads.clamp(1, MAX_THREADS)).map(worker).collect() }
    }

    /// How many threads there are for a batch that is large enough.
    pub fn threads(&self) -> usize {
        self.workers.len()
    }
}

impl EdgeChecker for ParallelChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        spread(&mut self.workers, edges.len(), LEAST_EDGES, verdicts, |lanes, part, verdicts| {
            if part.len() == edges.len() {
                return lanes.check(edges, verdicts);
            }
            lanes.check(&edges.part(part), verdicts)
        })
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        spread(&mut self.workers, states.len(), LEAST_STATES, verdicts, |lanes, part, verdicts| {
            if part.len() == states.len() {
                return lanes.check_states(states, verdicts);
            }
            lanes.check_states(&states.part(part), verdicts)
        })
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        self.workers[0].checker.effort_shares(edges, longest, shares)
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.workers[0].checker.screen(states, free)
    }

    fn screened_at_once(&self) -> usize {
        self.workers[0].checker.screened_at_once()
    }

    fn set_clearance(&mut self, metres: f64) {
        self.workers.iter_mut().for_each(|worker| worker.checker.set_clearance(metres));
    }

    fn set_padding(&mut self, metres: f64) {
        self.workers.iter_mut().for_each(|worker| worker.checker.set_padding(metres));
    }

    fn set_resolution(&mut self, metres: f64) {
        self.workers.iter_mut().for_each(|worker| worker.checker.set_resolution(metres));
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.workers.iter_mut().for_each(|worker| worker.checker.set_stop(stop));
    }

    fn states_checked(&self) -> u64 {
        self.workers.iter().map(|worker| worker.checker.states_checked()).sum()
    }

    fn preferred_batch(&self) -> usize {
        if self.workers.len() == 1 { 1 } else { LEAST_EDGES * self.workers.len() }
    }

    fn name(&self) -> String {
        self.workers[0].checker.name()
    }
}

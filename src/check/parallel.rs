//! One large batch spread over threads of lanes. Imports the lanes.

use super::packed::{EdgeBatch, StateBatch};
use super::{CheckError, EdgeChecker, SimdChecker, Verdict};
use crate::problem::Problem;
use std::ops::Range;

/// No thread gets fewer edges, or states, than this: to start one takes some 20 us.
const LEAST_EDGES: usize = 16;
const LEAST_STATES: usize = 512;

/// Checks in CPU lanes, each batch on as many threads as it is worth. Says what [`SimdChecker`] says.
pub struct ParallelChecker {
    lanes: Vec<SimdChecker>,
    /// Of each thread.
    verdicts: Vec<Vec<Verdict>>,
}

impl ParallelChecker {
    /// A checker of `problem` on at most `threads` threads (at least one), otherwise as
    /// [`SimdChecker::new`].
    pub fn new(problem: &Problem, resolution: f64, threads: usize) -> Self {
        let lanes: Vec<_> = (0..threads.max(1)).map(|_| SimdChecker::new(problem, resolution)).collect();
        Self { verdicts: vec![Vec::new(); lanes.len()], lanes }
    }

    /// How many threads there are for a batch that is large enough.
    pub fn threads(&self) -> usize {
        self.lanes.len()
    }

    /// Has threads check the parts of a batch of `count`, this one the first of them.
    fn spread(
        &mut self,
        count: usize,
        least: usize,
        verdicts: &mut Vec<Verdict>,
        check: impl Fn(&mut SimdChecker, Range<usize>, &mut Vec<Verdict>) -> Result<(), CheckError> + Sync,
    ) -> Result<(), CheckError> {
        let parts = (count / least).clamp(1, self.lanes.len());
        let part = |i: usize| count * i / parts..count * (i + 1) / parts;
        let Some((first, others)) = self.lanes.split_first_mut() else { return Ok(()) };
        let theirs = &mut self.verdicts[1..parts];
        let check = &check;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (1..parts)
                .zip(others)
                .zip(theirs)
                .map(|((i, lanes), verdicts)| scope.spawn(move || check(lanes, part(i), verdicts)))
                .collect();
            let mine = check(first, part(0), verdicts);
            let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            threads.into_iter().map(join).fold(mine, Result::and)
        })?;
        self.verdicts[1..parts].iter().for_each(|theirs| verdicts.extend_from_slice(theirs));
        Ok(())
    }
}

impl EdgeChecker for ParallelChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.spread(edges.len(), LEAST_EDGES, verdicts, |lanes, part, verdicts| {
            if part.len() == edges.len() {
                return lanes.check(edges, verdicts);
            }
            lanes.check(&edges.part(part), verdicts)
        })
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.spread(states.len(), LEAST_STATES, verdicts, |lanes, part, verdicts| {
            if part.len() == states.len() {
                return lanes.check_states(states, verdicts);
            }
            lanes.check_states(&states.part(part), verdicts)
        })
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.lanes[0].screen(states, free)
    }

    fn screened_at_once(&self) -> usize {
        self.lanes[0].screened_at_once()
    }

    fn set_padding(&mut self, metres: f64) {
        self.lanes.iter_mut().for_each(|lanes| lanes.set_padding(metres));
    }

    fn set_resolution(&mut self, metres: f64) {
        self.lanes.iter_mut().for_each(|lanes| lanes.set_resolution(metres));
    }

    fn states_checked(&self) -> u64 {
        self.lanes.iter().map(EdgeChecker::states_checked).sum()
    }

    fn preferred_batch(&self) -> usize {
        if self.lanes.len() == 1 { 1 } else { LEAST_EDGES * self.lanes.len() }
    }

    fn name(&self) -> String {
        self.lanes[0].name()
    }
}

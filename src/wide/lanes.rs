//! The wide search by any checker of edges: a set of rounds whose edges a backend checks in batches. What a device does is
//! held against it.

use super::rounds::{Rounds, WideRoom};
use super::task::{WideAnswer, WideSettings, WideTask};
use crate::check::{CheckError, EdgeBatch, EdgeChecker, Status, Verdict};

/// One search on its way.
pub struct WideSearch {
    rounds: Rounds,
    edges: EdgeBatch,
    verdicts: Vec<Verdict>,
    statuses: Vec<Status>,
}

impl WideSearch {
    /// A search that has not begun, with so many slots (at least one; rounded up to what share a pass over a tree) and
    /// room for so many nodes in each tree.
    pub fn new(task: &WideTask, slots: u32, capacity: u32) -> Self {
        let room = WideRoom { slots: slots.max(1).next_multiple_of(WideSettings::DEFAULT.tile), capacity };
        let tasks = std::slice::from_ref(task);
        let mut rounds = Rounds::new(tasks, room.for_roots(tasks));
        rounds.plant();
        Self {
            rounds,
            edges: EdgeBatch::new(task.outputs.len(), task.degree),
            verdicts: Vec::new(),
            statuses: Vec::new(),
        }
    }

    /// Whether it goes on: it has found nothing yet, and has samples and room left.
    pub fn is_running(&self) -> bool {
        self.rounds.searches[0].is_running()
    }

    /// Samples drawn so far.
    pub fn samples(&self) -> u64 {
        self.rounds.searches[0].samples.into()
    }

    /// What has come of it so far.
    pub fn answer(&self) -> WideAnswer {
        self.rounds.answer(0)
    }

    /// A round.
    ///
    /// # Errors
    /// When the checker fails.
    pub fn advance(&mut self, checker: &mut dyn EdgeChecker) -> Result<(), CheckError> {
        self.rounds.propose();
        self.rounds.nearest();
        self.rounds.steer();
        self.check(checker)?;
        self.rounds.append(&self.statuses);
        Ok(())
    }

    /// Has the edges of a round checked.
    fn check(&mut self, checker: &mut dyn EdgeChecker) -> Result<(), CheckError> {
        let Self { rounds, edges, verdicts, statuses } = self;
        edges.clear();
        statuses.clear();
        statuses.resize(rounds.slots.len(), Status::Unchecked);
        let proposed: Vec<_> = rounds.proposed().collect();
        for (search, i) in &proposed {
            let way = |end: usize| -> Vec<f64> {
                (0..search.outputs as usize).map(|j| rounds.way(search, *i, j)[end].into()).collect()
            };
            edges.push_at_rest(&way(0), &way(1), rounds.slots[*i].duration.into());
        }
        checker.check(edges, verdicts)?;
        for ((_, i), verdict) in proposed.iter().zip(verdicts) {
            statuses[*i] = verdict.status();
        }
        Ok(())
    }
}

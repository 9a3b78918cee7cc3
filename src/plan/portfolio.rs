//! Searches of one query that take turns. How long a search takes is chance, and now and then it takes a hundred times
//! as long as most: so from some number of samples on others, of seeds of their own, are begun beside it, and the first
//! that finds a path ends them all (a portfolio: Gomes and Selman, *Algorithm portfolios*, Artificial Intelligence
//! 2001). None is given up, so that what has been found out in a long search is not lost either.

use super::worker::ResumableSearch;
use super::{Budget, Gap, Halt, PlanOptions, RrtConnect, Termination};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::stop::Stop;

/// When searches join, and how they take turns.
struct PortfolioSettings {
    /// Samples that are drawn before a second search joins the first; as often as their number doubles another does.
    /// Nearly all queries are answered by then; a maze of sixty rooms in space takes so many at the median.
    alone: u64,
    /// Samples that each draws in its turn: its trees stay in the cache meanwhile.
    turn: u64,
    /// Searches at once, at most: each goes on so many times slower.
    most: usize,
}

impl PortfolioSettings {
    const DEFAULT: Self = Self { alone: 65_536, turn: 1024, most: 8 };
}

/// See above.
pub(super) struct Portfolio<'a, 'g> {
    problem: &'a Problem,
    goals: &'g [&'g JointState],
    options: &'a PlanOptions,
    seed: u64,
    searches: Vec<RrtConnect<'a>>,
    /// Turns that have been taken.
    turns: usize,
}

impl<'a, 'g> Portfolio<'a, 'g> {
    /// A portfolio whose first search is of this seed.
    pub(super) fn new(
        problem: &'a Problem,
        goals: &'g [&'g JointState],
        options: &'a PlanOptions,
        seed: u64,
    ) -> Self {
        let searches = vec![RrtConnect::new(problem, goals, options, seed)];
        Self { problem, goals, options, seed, searches, turns: 0 }
    }

    /// Begins as many searches as there are to be after so many samples.
    fn join(&mut self, samples: u64) {
        let wanted = (samples / PortfolioSettings::DEFAULT.alone)
            .checked_ilog2()
            .map_or(1, |doublings| doublings as usize + 2)
            .min(PortfolioSettings::DEFAULT.most);
        while self.searches.len() < wanted {
            // Seeds of callers are small numbers, and those of other searches differ in the upper half.
            let seed = self.seed.wrapping_add((self.searches.len() as u64) << 24);
            self.searches.push(RrtConnect::new(self.problem, self.goals, self.options, seed));
        }
    }
}

impl ResumableSearch for Portfolio<'_, '_> {
    type Path = Knots;

    /// Samples that all have drawn.
    fn samples(&self) -> u64 {
        self.searches.iter().map(|search| search.samples).sum()
    }

    /// Searches until one of them finds a path.
    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Knots, Halt> {
        loop {
            let samples = self.samples();
            self.join(samples);
            let all = self.searches.len();
            let search = &mut self.searches[self.turns % all];
            let turn = if all == 1 {
                PortfolioSettings::DEFAULT.alone.saturating_sub(samples)
            } else {
                PortfolioSettings::DEFAULT.turn
            };
            let part = termination.turn(samples - search.samples, search.samples.saturating_add(turn.max(1)));
            match search.search(local, &part) {
                Err(Halt::Spent(Budget::Samples)) => match termination.spent(self.samples()) {
                    Some(budget) => return Err(Halt::Spent(budget)),
                    None => self.turns += 1,
                },
                path_or_halt => return path_or_halt,
            }
        }
    }

    /// That of the first search.
    fn gap(&self, stop: &Stop) -> Option<Gap> {
        Some(self.searches[0].gap(stop))
    }
}

//! Planners: search for a path, refine it, certify it. Nothing uncertified is ever returned.
//! Imports `refine`, `certify`, `search`, the checker's trait, and what lies below them; never a
//! backend by name.

mod batch;
mod options;
mod outcome;
mod rrt_connect;
mod termination;

pub use batch::{Task, plan_batch};
pub use options::PlanOptions;
pub use outcome::{Budget, Outcome, Solution, Statistics};
pub use rrt_connect::RrtConnect;
pub use termination::Termination;

use crate::certify::Certifier;
use crate::check::{CheckError, EdgeChecker, Fault, StateBatch, Status, diagnose, diagnose_base};
use crate::local_planner::LocalPlanner;
use crate::problem::{FlatState, Problem};
use crate::refine::{Knots, shorten, skip_corners};
use std::time::Instant;

/// Clearances that the search and the refinement ask for, in metres, the greatest first that start
/// and goal can afford. Between two samples a sphere of radius r that moves by d past an edge can
/// dip in by d^2 / (8 r), about a millimetre: with this much to spare the certificate rarely fails.
const PADDINGS: [f64; 4] = [1e-3, 2e-4, 4e-5, 0.0];

/// Repairs that halve the spacing of samples; after so many it is a thousandth.
const FINEST: u32 = 10;

/// Refinements of one path that may fail to be certified before the path itself is taken.
const REFINEMENTS: u64 = 2;

/// Plans a trajectory from the start of `problem` to any of its goals, checking edges by `checker`.
///
/// The trajectory is within all limits and free of collision at every instant, by certificate. The
/// same seed, backend and options give the same trajectory, as long as the time limit does not bind.
///
/// # Errors
/// When the checking backend fails; that no plan was found is an [`Outcome`].
pub fn plan(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Outcome, CheckError> {
    let termination = Termination::new(options);
    let mut query = Query::new(problem, checker, options);
    let goals = match query.valid_goals()? {
        Ok(goals) => goals,
        Err(outcome) => return Ok(outcome),
    };
    query.set_padding(&goals)?;
    loop {
        let path = match query.search(&goals, &termination)? {
            Ok(path) => path,
            Err(budget) => {
                return Ok(Outcome::Exhausted { budget, statistics: query.statistics() });
            }
        };
        if let Some(solution) = query.finish(&path, &termination)? {
            return Ok(Outcome::Solved(Box::new(solution)));
        }
        query.statistics.repairs += 1;
    }
}

/// One call of [`plan`].
struct Query<'a> {
    problem: &'a Problem,
    options: &'a PlanOptions,
    local: LocalPlanner<'a>,
    certifier: Certifier<'a>,
    statistics: Statistics,
    states_before: u64,
}

impl<'a> Query<'a> {
    fn new(problem: &'a Problem, checker: &'a mut dyn EdgeChecker, options: &'a PlanOptions) -> Self {
        let states_before = checker.states_checked();
        Self {
            problem,
            options,
            local: LocalPlanner::new(problem, checker),
            certifier: Certifier::new(problem, Default::default()),
            statistics: Statistics::default(),
            states_before,
        }
    }

    /// The goals that are valid, or why there is nothing to search for.
    fn valid_goals(&mut self) -> Result<Result<Vec<&'a FlatState>, Outcome>, CheckError> {
        if let Some(why) = diagnose_base(self.problem) {
            return Ok(Err(Outcome::StartInvalid { why }));
        }
        let started = Instant::now();
        self.local.checker().set_padding(0.0);
        let ends: Vec<&FlatState> = self.problem.goals.iter().chain([&self.problem.start]).collect();
        let mut valid = self.are_valid(&ends)?;
        self.statistics.plan += started.elapsed();
        let why = |state| diagnose(self.problem, state);
        // A fast backend and the oracle may differ by rounding at the very boundary: the oracle decides.
        if valid.pop() == Some(false)
            && let Some(why) = why(&self.problem.start)
        {
            return Ok(Err(Outcome::StartInvalid { why }));
        }
        let faults: Vec<Option<Fault>> = self
            .problem
            .goals
            .iter()
            .zip(valid)
            .map(|(goal, valid)| if valid { None } else { why(goal) })
            .collect();
        let goals: Vec<_> = self
            .problem
            .goals
            .iter()
            .zip(&faults)
            .filter(|(_, fault)| fault.is_none())
            .map(|(g, _)| g)
            .collect();
        match faults.into_iter().flatten().next() {
            Some(why) if goals.is_empty() => Ok(Err(Outcome::GoalInvalid { why })),
            _ => Ok(Ok(goals)),
        }
    }

    /// Whether states are valid, efforts aside: at an end they depend on the motion.
    fn are_valid(&mut self, states: &[&FlatState]) -> Result<Vec<bool>, CheckError> {
        let dof = self.problem.mechanism.dof();
        let mut batch = StateBatch::new(dof);
        let still = vec![0.0; dof];
        for state in states {
            batch.push(&state.position, &state.velocity, &still);
        }
        let mut verdicts = Vec::new();
        self.local.checker().check_states(&batch, &mut verdicts)?;
        Ok(verdicts.iter().map(|v| matches!(v.status(), Status::Valid | Status::Effort)).collect())
    }

    /// Asks for the greatest clearance that the start and all goals have.
    fn set_padding(&mut self, goals: &[&FlatState]) -> Result<(), CheckError> {
        let started = Instant::now();
        let ends: Vec<&FlatState> = goals.iter().copied().chain([&self.problem.start]).collect();
        for padding in PADDINGS {
            self.local.checker().set_padding(padding);
            if self.are_valid(&ends)?.into_iter().all(|valid| valid) {
                break;
            }
        }
        self.statistics.plan += started.elapsed();
        Ok(())
    }

    /// A path, by a search of its own seed. After an answer that could not be certified the edges are
    /// sampled more finely, or the same edge might fool the samples again.
    fn search(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination,
    ) -> Result<Result<Knots, Budget>, CheckError> {
        let started = Instant::now();
        let repairs = self.statistics.repairs;
        let seed = self.options.seed.wrapping_add(u64::from(repairs) << 32);
        let finer = f64::from(1_u32 << repairs.min(FINEST));
        self.local.checker().set_resolution(self.options.resolution / finer);
        let mut search = RrtConnect::new(self.problem, goals, self.options, seed);
        let found = search.search(&mut self.local, &termination.after(self.statistics.iterations))?;
        self.statistics.iterations += search.samples;
        self.statistics.plan += started.elapsed();
        Ok(found)
    }

    /// Refines and certifies a path; where that fails the path itself may do. `None` if neither.
    fn finish(&mut self, path: &Knots, termination: &Termination) -> Result<Option<Solution>, CheckError> {
        self.statistics.raw_duration = path.duration();
        let mut started = Instant::now();
        let mut shorter = path.clone();
        if self.options.shortcut_tries > 0 {
            skip_corners(&mut shorter, &mut self.local)?;
        }
        for attempt in 0..=REFINEMENTS {
            let last = attempt == REFINEMENTS;
            let (path, tries) = if last { (path, 0) } else { (&shorter, self.options.shortcut_tries) };
            let seed = self.options.seed.wrapping_add(attempt);
            let late = || termination.late();
            let trajectory = shorten(path, &mut self.local, tries, seed, &late)?;
            self.statistics.refine += started.elapsed();
            started = Instant::now();
            let certificate = self.certifier.certify_until(&trajectory, &late);
            self.statistics.certify += started.elapsed();
            started = Instant::now();
            if let Ok(certificate) = certificate {
                return Ok(Some(Solution { trajectory, certificate, statistics: self.statistics() }));
            }
            self.statistics.uncertified += 1;
        }
        Ok(None)
    }

    fn statistics(&mut self) -> Statistics {
        self.statistics.edges = self.local.checked;
        self.statistics.states = self.local.checker().states_checked() - self.states_before;
        self.statistics
    }
}

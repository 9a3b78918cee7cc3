//! Options that all commands that plan have in common.

use super::arguments::{BackendArgs, positive, thread_count};
use super::linear::refuse;
use super::telling::TellingCheckers;
use crate::check::{Backend, CheckError};
use crate::error::InputError;
use crate::plan::rrt_star::LinearPlanOptions;
use crate::plan::{Algorithm, Cost, PlanOptions, Quality, Task, any_for_device};
use crate::problem::Problem;
use crate::wide::{Explorer, explorer, worth_trying};
use clap::Args;
use std::time::Duration;

/// How to plan. What is left out is the scene's choice, or the default where there is no scene.
#[derive(Args)]
pub(super) struct PlanningArgs {
    /// Seed of the planner
    #[arg(long, allow_negative_numbers = true)]
    pub(super) seed: Option<u64>,
    /// Time limit for each answer, seconds
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = positive)]
    time_limit: Option<f64>,
    /// Search of arms and points: aorrtc, the default, whose searches after the first look for better answers alone;
    /// rrt-connect, whose later searches know nothing of those before; rrt-star, whose one tree converges to the best
    /// motion; or wide, rounds of many edges at a time, as a device does them
    #[arg(long)]
    planner: Option<Algorithm>,
    /// What answers are judged by: duration, effort:SECOND (squared accelerations, and what a second counts), length (of the
    /// path), or clearance:MARGIN:WEIGHT (how near obstacles are, within a margin in metres)
    #[arg(long)]
    cost: Option<Cost>,
    /// How long to plan for a shorter trajectory: fast, balanced or best
    #[arg(long)]
    quality: Option<Quality>,
    /// Shorten the trajectory until so many seconds after the start, whatever the quality
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = positive)]
    improve: Option<f64>,
    /// Threads; one for each query, for a batch one per processor, on a GPU one per query, where left out
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = thread_count)]
    threads: Option<usize>,
    #[command(flatten)]
    pub(super) backend: BackendArgs,
}

impl PlanningArgs {
    /// Puts what the user asks for in place of what `options` say.
    pub(super) fn apply(&self, options: &mut PlanOptions) {
        options.seed = self.seed.unwrap_or(options.seed);
        options.time_limit = self.time_limit.map(Duration::from_secs_f64).or(options.time_limit);
        options.improve = self.improve.map(Duration::from_secs_f64).or(options.improve);
        options.algorithm = self.planner.or(options.algorithm);
        if let Some(cost) = &self.cost {
            options.cost = cost.clone();
        }
        if let Some(quality) = self.quality {
            quality.apply(options);
        }
    }

    /// The same of a linear system's; what says nothing of it is refused by name.
    pub(super) fn apply_to_linear(&self, options: &mut LinearPlanOptions) -> Result<(), InputError> {
        refuse(&[
            (
                "--planner other than rrt-star",
                self.planner.is_some_and(|planner| planner != Algorithm::RrtStar),
            ),
            ("--cost", self.cost.is_some()),
            ("--quality", self.quality.is_some()),
            ("--threads", self.threads.is_some()),
            ("--backend", self.backend.backend != Backend::Auto),
            ("--gpu", self.backend.adapter.is_some()),
        ])?;
        options.seed = self.seed.unwrap_or(options.seed);
        options.time_limit = self.time_limit.map(Duration::from_secs_f64).or(options.time_limit);
        options.improve = self.improve.map(Duration::from_secs_f64).or(options.improve);
        Ok(())
    }

    /// What searches all problems of a batch at once, where the backend is a device and any of them is for it.
    pub(super) fn explorer(
        &self,
        checkers: &TellingCheckers<'_>,
        tasks: &[Task<'_>],
    ) -> Result<Option<Box<dyn Explorer>>, CheckError> {
        if any_for_device(tasks) { explorer(&checkers.0) } else { Ok(None) }
    }

    /// A device that is worth trying for some tasks, where the backend is to be chosen.
    pub(super) fn worth_trying(&self, tasks: &[Task<'_>]) -> Option<Box<dyn Explorer>> {
        if self.backend.backend != Backend::Auto {
            return None;
        }
        let problems = tasks.iter().map(|task| (task.problem, task.options.resolution));
        worth_trying(&self.backend.adapter.clone().unwrap_or_default(), problems)
    }

    /// Threads that refine what a device finds.
    pub(super) fn refining(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Threads that share a query.
    pub(super) fn threads(&self) -> usize {
        self.threads.unwrap_or(1)
    }

    /// Checkers of many problems, each with its resolution, and the threads that they are spread over.
    pub(super) fn spread<'a>(
        &self,
        problems: impl Iterator<Item = (&'a Problem, Option<f64>)>,
    ) -> Result<(TellingCheckers<'a>, usize), CheckError> {
        let checkers = self.backend.checkers(problems)?;
        let threads = checkers.threads(self.threads);
        Ok((checkers, threads))
    }
}

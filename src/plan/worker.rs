//! What a thread works on a query with: a checker and a certifier of its own, and a record of what they have done.
//! The driver and the families of motions work by it.

use super::{Budget, Gap, Halt, PlanOptions, Statistics, Termination};
use crate::certify::{Certificate, Certifier, Violation};
use crate::check::{CheckError, EdgeChecker, Lengths, StateBatch, Status};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem, Smoothness};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use std::time::{Duration, Instant};

/// What a search asks of edges beyond what it is told.
struct WorkerSettings {
    /// Clearances that the search and the refinement of vehicles ask for, in metres, the greatest first that start and
    /// goal can afford: each a fifth of the one before.
    paddings: [f64; 3],
    /// The same for arms and points, as shares of the spacing of samples: between two samples that are d apart a sphere
    /// of radius r that moves past an edge can dip in by d^2 / (8 r). Spheres move a quarter of the bound at the
    /// median, and r is about half of the spacing: so deep are a sixteenth of an eighth.
    padding_shares: [f64; 3],
    /// Samples that a search draws before it asks for the next smaller clearance: passages may be narrower than the
    /// ends are. Edges are sampled twice as finely then, so that they dip in by a quarter.
    samples_per_padding: u64,
    /// Repairs that halve the spacing of samples; after so many it is a thousandth, and edges cost a thousand times as
    /// much.
    finest: u32,
    /// What was left between two trees is still looked for when the time is up, for so long at most: a tenth of a
    /// millisecond more is no breach of a limit that callers give in milliseconds.
    afterthought: Duration,
}

impl WorkerSettings {
    const DEFAULT: Self = Self {
        paddings: [1e-3, 2e-4, 4e-5],
        padding_shares: [1e-2, 2e-3, 4e-4],
        samples_per_padding: 20_000,
        finest: 10,
        afterthought: Duration::from_micros(100),
    };
}

/// Which of how many workers: it decides the seeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) number: usize,
    pub(super) of: usize,
}

/// A search that can be taken up again when its budget was spent.
pub(super) trait ResumableSearch {
    /// What it finds.
    type Path;

    /// Samples drawn so far.
    fn samples(&self) -> u64;

    /// Searches until it finds something or a budget is spent.
    fn search(
        &mut self,
        local: &mut LocalPlanner<'_>,
        termination: &Termination<'_>,
    ) -> Result<Self::Path, Halt>;

    /// What is left between its trees, as far as that is found before `stop` is due.
    fn gap(&self, _stop: &Stop) -> Option<Gap> {
        None
    }
}

/// A search that is about to begin.
pub(super) struct Begun {
    at: Instant,
    /// Its seed.
    pub(super) seed: u64,
}

impl Begun {
    /// How long ago that was.
    pub(super) fn elapsed(&self) -> Duration {
        self.at.elapsed()
    }
}

/// A checker, a certifier, and what they have done for a query so far.
pub(super) struct Worker<'a> {
    pub(super) problem: &'a Problem,
    pub(super) options: &'a PlanOptions,
    pub(super) share: Share,
    pub(super) local: LocalPlanner<'a>,
    /// Made when there is something to certify.
    certifier: Option<Certifier<'a>>,
    /// Clearances to ask for, metres, the greatest first. The last but one is what rounding may take: with less, a
    /// checker in single precision lets pass what overlaps, and no finer samples tell. None is for ends alone that
    /// cannot afford that.
    pub(super) paddings: [f64; PADDINGS],
    /// Index of the one that is asked for.
    pub(super) padding: usize,
    /// Spacing of samples before it is halved, metres.
    pub(super) spacing: f64,
    /// How often that spacing is halved.
    halvings: u32,
    pub(super) statistics: Statistics,
    states_before: u64,
    pub(super) violation: Option<Violation>,
    /// What was left between the trees of the last search, where it found nothing.
    pub(super) gap: Option<Gap>,
    /// No answer costs less; known where there is an answer, and somebody who asks for better ones or watches.
    pub(super) least_cost: f64,
    /// Whether there is an answer: then nobody asks for the gap.
    pub(super) has_answer: bool,
    /// Moves by which what a search finds is polished, where its family does that before it is an answer: none at first,
    /// where there are to be other searches.
    pub(super) polishes: u32,
}

/// How many clearances there are to ask for.
const PADDINGS: usize = 5;

/// See [`Worker::paddings`].
fn paddings(problem: &Problem, spacing: f64) -> [f64; PADDINGS] {
    let WorkerSettings { paddings, padding_shares, .. } = WorkerSettings::DEFAULT;
    let rounding = Lengths::of(problem).rounding;
    let [a, b, c] = match problem.mechanism.vehicle() {
        Some(_) => paddings,
        None => padding_shares.map(|share| share * spacing),
    };
    [a.max(rounding), b.max(rounding), c.max(rounding), rounding, 0.0]
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        problem: &'a Problem,
        checker: &'a mut dyn EdgeChecker,
        options: &'a PlanOptions,
        share: Share,
        stop: &Stop,
    ) -> Self {
        let states_before = checker.states_checked();
        checker.set_clearance(options.clearance);
        let spacing = options.spacing(problem);
        Self {
            problem,
            options,
            share,
            local: LocalPlanner::new(problem, checker).until(stop),
            certifier: None,
            padding: 0,
            spacing,
            paddings: paddings(problem, spacing),
            halvings: 0,
            statistics: Statistics::default(),
            states_before,
            violation: None,
            gap: None,
            least_cost: f64::NEG_INFINITY,
            has_answer: false,
            polishes: if options.searches > 1 { 0 } else { options.polish_tries },
        }
    }

    /// Samples edges at the spacing that the options ask for, halved so often.
    pub(super) fn sample_by_halves(&mut self, halvings: u32) {
        self.halvings = halvings;
        let finer = f64::from(1_u32 << halvings.min(WorkerSettings::DEFAULT.finest));
        self.local.checker().set_resolution(self.spacing / finer);
    }

    /// The same, twice as closely as before.
    pub(super) fn sample_more_closely(&mut self) {
        self.sample_by_halves(self.halvings + 1);
    }

    /// What every sphere is grown by, metres.
    pub(super) fn grown_by(&self) -> f64 {
        self.paddings[self.padding]
    }

    /// How far from obstacles an answer is to stay, metres: with what is asked for, and some room for the proof.
    pub(super) fn clearance(&self) -> f64 {
        self.grown_by() + self.options.clearance
    }

    /// Asks for the greatest clearance that the start and all goals have.
    pub(super) fn ask_for_clearance(&mut self, goals: &[&JointState]) -> Result<(), CheckError> {
        let ends: Vec<&JointState> = goals.iter().copied().chain([&self.problem.start]).collect();
        self.ask_for_clearance_of(|worker| Ok(worker.are_valid(&ends)?.into_iter().all(|valid| valid)))
    }

    /// Asks for the greatest clearance with which the ends are valid.
    pub(super) fn ask_for_clearance_of(
        &mut self,
        mut are_valid: impl FnMut(&mut Self) -> Result<bool, CheckError>,
    ) -> Result<(), CheckError> {
        let started = Instant::now();
        for (level, padding) in self.paddings.into_iter().enumerate() {
            self.padding = level;
            self.local.checker().set_padding(padding);
            if level + 1 == self.paddings.len() || are_valid(self)? {
                break;
            }
        }
        self.statistics.plan += started.elapsed();
        Ok(())
    }

    /// Whether states are valid, efforts aside: at an end they depend on the motion.
    pub(super) fn are_valid(&mut self, states: &[&JointState]) -> Result<Vec<bool>, CheckError> {
        let dof = self.problem.mechanism.dof();
        let mut batch = StateBatch::new(dof);
        let still = vec![0.0; dof];
        for state in states {
            let acceleration = match self.problem.smoothness {
                Smoothness::Acceleration => &still,
                Smoothness::Jerk => &state.acceleration,
            };
            batch.push(&state.position, &state.velocity, acceleration);
        }
        let mut verdicts = Vec::new();
        self.local.checker().check_states(&batch, &mut verdicts)?;
        Ok(verdicts.iter().map(|v| matches!(v.status(), Status::Valid | Status::Effort)).collect())
    }

    /// What a trajectory costs.
    pub(super) fn cost_of(&self, trajectory: &Trajectory) -> f64 {
        self.options.cost.of(self.problem, trajectory)
    }

    /// A seed for what is done next: never the same twice, nor that of another worker.
    pub(super) fn seed(&self) -> u64 {
        let Share { number, of } = self.share;
        let done = u64::from(self.statistics.searches) + u64::from(self.statistics.polishes);
        let done = done.saturating_sub(1) as usize;
        self.options.seed.wrapping_add(((number + done * of) as u64) << 32)
    }

    /// Begins a search: of a seed of its own.
    pub(super) fn begin_search(&mut self) -> Begun {
        self.statistics.searches = self.statistics.searches.saturating_add(1);
        Begun { at: Instant::now(), seed: self.seed() }
    }

    /// Searches until there is a path. Where it takes long, the clearance that is asked for shrinks, and edges are
    /// sampled more closely; after `repairs` answers that could not be certified too, or the same edge might fool the
    /// samples again.
    pub(super) fn search<S: ResumableSearch>(
        &mut self,
        begun: &Begun,
        search: &mut S,
        termination: &Termination<'_>,
        repairs: u32,
    ) -> Result<S::Path, Halt> {
        let before = self.statistics.iterations;
        let termination = termination.after(before);
        let padding = self.grown_by();
        self.local.checker().set_padding(padding);
        let mut shrunk = 0;
        let found = loop {
            self.sample_by_halves(repairs + shrunk);
            let stage = match self.padding + 1 < PADDINGS - 1 {
                true => WorkerSettings::DEFAULT.samples_per_padding.saturating_mul(u64::from(shrunk) + 1),
                false => u64::MAX,
            };
            let part = termination.within(before.saturating_add(stage));
            let found = search.search(&mut self.local, &part);
            let over = matches!(found, Err(Halt::Spent(Budget::Samples)));
            if !over || termination.spent(search.samples()).is_some() {
                break found;
            }
            self.padding += 1;
            shrunk += 1;
            let padding = self.grown_by();
            self.local.checker().set_padding(padding);
        };
        if let (Err(Halt::Spent(budget)), false) = (&found, self.has_answer) {
            let stop = termination.afterthought(*budget, WorkerSettings::DEFAULT.afterthought);
            self.gap = stop.and_then(|stop| search.gap(&stop));
        }
        self.statistics.iterations += search.samples();
        self.statistics.plan += begun.elapsed();
        found
    }

    /// Does a piece of work that counts as refinement.
    pub(super) fn refining<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let done = work(self);
        self.statistics.refine += started.elapsed();
        done
    }

    /// What has been done, with the counts of the checker.
    pub(super) fn counted(&mut self) -> Statistics {
        let edges = self.local.checked;
        let states = self.local.checker().states_checked() - self.states_before;
        Statistics { edges, states, ..self.statistics }
    }

    /// The proof of a trajectory, if it has one that is found in time.
    pub(super) fn certify(
        &mut self,
        trajectory: &Trajectory,
        termination: &Termination<'_>,
    ) -> Option<Certificate> {
        let stop = termination.stop();
        if self.certifier.is_none() {
            self.certifier = Certifier::new_until(self.problem, self.options.certify(), stop)
                .map(|certifier| certifier.asking(&self.options.constraints));
        }
        let certifier = self.certifier.as_mut()?;
        let started = Instant::now();
        let result = certifier.certify_until(trajectory, stop);
        self.statistics.certify += started.elapsed();
        result
            .map_err(|violation| {
                self.statistics.uncertified += 1;
                self.violation = Some(violation);
            })
            .ok()
    }
}

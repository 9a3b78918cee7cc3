//! One thread's share of a query: searches, refines and certifies with a checker of its own.

use super::portfolio::Portfolio;
use super::termination::{Improve, Race};
use super::{Budget, Gap, PlanOptions, Searched, Solution, Statistics, Termination};
use crate::certify::{Certificate, Certifier, LimitKind, Violation};
use crate::check::{CheckError, EdgeChecker, StateBatch, Status};
use crate::local_planner::LocalPlanner;
use crate::problem::{FlatState, Problem, Smoothness};
use crate::refine::{Knots, polish, shorten, skip_corners};
use crate::stop::Stop;
use crate::trajectory::{Trajectory, derivative};
use std::time::{Duration, Instant};

/// Clearances that the search and the refinement of vehicles ask for, in metres, the greatest first that start
/// and goal can afford.
pub(super) const PADDINGS: [f64; 4] = [1e-3, 2e-4, 4e-5, 0.0];

/// The same for arms and points, as shares of the spacing of samples: between two samples that are d apart a sphere
/// of radius r that moves past an edge can dip in by d^2 / (8 r). Spheres move a quarter of the bound at the median,
/// and r is about half of the spacing: so deep are a sixteenth of an eighth.
const PADDING_SHARES: [f64; 4] = [1e-2, 2e-3, 4e-4, 0.0];

/// Samples that a search draws before it asks for the next smaller clearance: passages may be narrower
/// than the ends are. Edges are sampled twice as finely then, so that they dip in by a quarter.
pub(super) const SAMPLES_PER_PADDING: u64 = 20_000;

/// Repairs that halve the spacing of samples; after so many it is a thousandth.
const FINEST: u32 = 10;

/// Refinements of one path that may fail to be certified before the path itself is taken.
const REFINEMENTS: u64 = 2;

/// A search for a better answer may take so many times the samples that the first answer took, ...
pub(super) const PATIENCE: u64 = 3;

/// ... and so many more.
pub(super) const GRACE: u64 = 200;

/// What was left between two trees is still looked for when the time is up, for so long at most.
const AFTERTHOUGHT: Duration = Duration::from_micros(100);

/// Share of the time left that the refinement of a first answer may take: the rest is kept for its proof.
const REFINING: f64 = 0.5;

/// Efforts that exceed their limits by no more than this share are mended by moving more slowly, ...
const MOST_EXCESS: f64 = 2e-2;

/// ... by so much of the share, as they shrink with the square of the time, ...
const SLOWING_PER_EXCESS: f64 = 0.5;

/// ... and this much, as weights do not shrink, and the first instant that is found is seldom the worst.
const LEAST_SLOWING: f64 = 5e-3;

/// Polishing moves between two certificates.
const MOVES_PER_PROOF: u32 = 150;

/// Which of how many lanes: it decides the seeds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) number: usize,
    pub(super) of: usize,
}

/// What a lane comes to.
pub(super) struct Finish {
    /// Its best answer and the samples that the first one took, or the budget that was spent.
    pub(super) answer: Result<(Answer, u64), Budget>,
    pub(super) statistics: Statistics,
    /// Why an answer could not be certified, the last time.
    pub(super) violation: Option<Violation>,
    /// What is left between the trees of a search that found nothing.
    pub(super) gap: Option<Gap>,
}

/// A trajectory and its proof.
pub(super) struct Answer {
    pub(super) trajectory: Trajectory,
    pub(super) certificate: Certificate,
    pub(super) raw_duration: f64,
}

impl Answer {
    pub(super) fn solution(self, statistics: Statistics, cut_short: Option<Budget>) -> Solution {
        let statistics = Statistics { raw_duration: self.raw_duration, ..statistics };
        Solution { trajectory: self.trajectory, certificate: self.certificate, statistics, cut_short }
    }
}

/// A checker, a certifier, and what they have done for a query so far.
pub(super) struct Lane<'a> {
    pub(super) problem: &'a Problem,
    pub(super) options: &'a PlanOptions,
    pub(super) share: Share,
    pub(super) local: LocalPlanner<'a>,
    /// Made when there is something to certify.
    certifier: Option<Certifier<'a>>,
    /// Clearances to ask for, metres, the greatest first.
    pub(super) paddings: [f64; 4],
    /// Index of the one that is asked for.
    pub(super) padding: usize,
    /// Spacing of samples before it is halved, metres.
    pub(super) spacing: f64,
    /// How often that spacing is halved.
    halvings: u32,
    pub(super) statistics: Statistics,
    pub(super) states_before: u64,
    pub(super) violation: Option<Violation>,
    /// What was left between the trees of the last search, where it found nothing.
    gap: Option<Gap>,
    /// Whether there is an answer: then nobody asks for the gap.
    has_answer: bool,
}

impl<'a> Lane<'a> {
    pub(super) fn new(
        problem: &'a Problem,
        checker: &'a mut dyn EdgeChecker,
        options: &'a PlanOptions,
        share: Share,
        stop: &Stop,
    ) -> Self {
        let states_before = checker.states_checked();
        let spacing = options.spacing(problem);
        Self {
            problem,
            options,
            share,
            local: LocalPlanner::new(problem, checker).until(stop),
            certifier: None,
            padding: 0,
            spacing,
            paddings: match problem.mechanism.vehicle() {
                Some(_) => PADDINGS,
                None => PADDING_SHARES.map(|share| share * spacing),
            },
            halvings: 0,
            statistics: Statistics::default(),
            states_before,
            violation: None,
            gap: None,
            has_answer: false,
        }
    }

    /// Samples edges at the spacing that the options ask for, halved so often.
    pub(super) fn sample_by_halves(&mut self, halvings: u32) {
        self.halvings = halvings;
        let finer = f64::from(1_u32 << halvings.min(FINEST));
        self.local.checker().set_resolution(self.spacing / finer);
    }

    /// Finds an answer, then better ones as far as the options ask for them.
    pub(super) fn run(
        mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        race: &Race,
        improve: Option<Improve>,
    ) -> Result<Finish, CheckError> {
        self.set_padding(goals)?;
        let goals = &self.ranked(goals)[..];
        let answer = match self.first(goals, &termination.racing(race))? {
            Ok(first) => {
                let samples = self.statistics.iterations;
                race.answered(samples);
                self.has_answer = true;
                let termination = termination.until(improve);
                self.local.set_stop(termination.stop());
                let best = match improve {
                    Some(_) => self.improve(first, goals, &termination)?,
                    None => self.improve_as_asked(first, goals, &termination)?,
                };
                Ok((best, samples))
            }
            Err(budget) => Err(budget),
        };
        Ok(self.finish_with(answer))
    }

    /// Ends with an answer: its best and the samples that the first one took, or the budget that was spent.
    pub(super) fn finish_with(mut self, answer: Result<(Answer, u64), Budget>) -> Finish {
        self.statistics.edges = self.local.checked;
        self.statistics.states = self.local.checker().states_checked() - self.states_before;
        Finish { answer, statistics: self.statistics, violation: self.violation, gap: self.gap }
    }

    /// Asks for the greatest clearance that the start and all goals have.
    pub(super) fn set_padding(&mut self, goals: &[&FlatState]) -> Result<(), CheckError> {
        let started = Instant::now();
        let ends: Vec<&FlatState> = goals.iter().copied().chain([&self.problem.start]).collect();
        for (level, padding) in self.paddings.into_iter().enumerate() {
            self.padding = level;
            self.local.checker().set_padding(padding);
            if self.are_valid(&ends)?.into_iter().all(|valid| valid) {
                break;
            }
        }
        self.statistics.plan += started.elapsed();
        Ok(())
    }

    /// Whether states are valid, efforts aside: at an end they depend on the motion.
    pub(super) fn are_valid(&mut self, states: &[&FlatState]) -> Result<Vec<bool>, CheckError> {
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

    /// Goals in the order of how long the way to them takes at least.
    fn ranked<'g>(&mut self, goals: &[&'g FlatState]) -> Vec<&'g FlatState> {
        let mut ranked: Vec<(f64, &FlatState)> = Vec::with_capacity(goals.len());
        for &goal in goals {
            let alone = goals.len() == 1;
            let start = &self.problem.start;
            let least = if alone { 0.0 } else { self.local.least_duration(start.into(), goal.into()) };
            ranked.push((least, goal));
        }
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        ranked.into_iter().map(|(_, goal)| goal).collect()
    }

    /// The goals of the next search for a better answer: by turns the one that the best leads to, and the next of
    /// those that a way might lead to sooner; `goals` are ranked.
    fn goals_of_next<'g>(&mut self, best: &Answer, goals: &[&'g FlatState]) -> Vec<&'g FlatState> {
        if goals.len() == 1 {
            return goals.to_vec();
        }
        let last = best.trajectory.segment(best.trajectory.len() - 1);
        let far = |goal: &FlatState| {
            let miss = |(output, p): (usize, &f64)| {
                (derivative(last.polynomial(output), 0, last.duration) - p).abs()
            };
            goal.position.iter().enumerate().map(miss).fold(0.0, f64::max)
        };
        let reached = goals.iter().copied().min_by(|a, b| far(a).total_cmp(&far(b)));
        let start = &self.problem.start;
        let local = &mut self.local;
        let sooner = goals
            .iter()
            .take_while(|goal| {
                local.least_duration(start.into(), (**goal).into()) < best.trajectory.duration()
            })
            .count();
        let turn = (self.statistics.searches as usize).saturating_sub(1);
        if turn.is_multiple_of(2) || sooner == 0 {
            return reached.into_iter().collect();
        }
        vec![goals[turn / 2 % sooner]]
    }

    /// The first answer that can be certified.
    fn first(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
    ) -> Result<Result<Answer, Budget>, CheckError> {
        loop {
            let path = match self.search(goals, termination, self.statistics.repairs)? {
                Searched::Path(path) => path,
                Searched::Exhausted(budget) => return Ok(Err(budget)),
            };
            if let Some(answer) = self.finish(&path, termination)? {
                return Ok(Ok(answer));
            }
            self.statistics.repairs += 1;
        }
    }

    /// The best of as many searches as the options ask for, polished as much.
    fn improve_as_asked(
        &mut self,
        mut best: Answer,
        goals: &[&FlatState],
        termination: &Termination<'_>,
    ) -> Result<Answer, CheckError> {
        let samples = self.statistics.iterations;
        let searches = self.options.searches.div_ceil(self.share.of as u32);
        for _ in 1..searches {
            if termination.late() {
                break;
            }
            self.search_again(&mut best, samples, goals, termination)?;
        }
        let mut tries = self.options.polish_tries;
        while tries > 0 && !termination.late() {
            let moves = tries.min(MOVES_PER_PROOF);
            self.polish(&mut best, moves, termination)?;
            tries -= moves;
        }
        Ok(best)
    }

    /// Searches and polishes by turns until it is late.
    fn improve(
        &mut self,
        mut best: Answer,
        goals: &[&FlatState],
        termination: &Termination<'_>,
    ) -> Result<Answer, CheckError> {
        let samples = self.statistics.iterations;
        while !termination.late() {
            self.polish(&mut best, MOVES_PER_PROOF, termination)?;
            self.search_again(&mut best, samples, goals, termination)?;
        }
        Ok(best)
    }

    /// One more search, and its answer in place of `best` if it is shorter. `samples` is what the first
    /// answer took: one that takes far longer is not waited for.
    fn search_again(
        &mut self,
        best: &mut Answer,
        samples: u64,
        goals: &[&FlatState],
        termination: &Termination<'_>,
    ) -> Result<(), CheckError> {
        let most = samples.saturating_mul(PATIENCE).saturating_add(GRACE);
        let termination = termination.within(self.statistics.iterations.saturating_add(most));
        let goals = self.goals_of_next(best, goals);
        if let Searched::Path(path) = self.search(&goals, &termination, 0)? {
            let seed = self.seed();
            let shorter = self.skip_corners(&path)?;
            let trajectory = self.refine(&shorter, self.options.shortcut_tries, seed)?;
            self.replace(best, trajectory, path.duration(), &termination);
        }
        Ok(())
    }

    /// Shortens `best` by so many moves.
    fn polish(
        &mut self,
        best: &mut Answer,
        moves: u32,
        termination: &Termination<'_>,
    ) -> Result<(), CheckError> {
        let started = Instant::now();
        self.statistics.polishes = self.statistics.polishes.saturating_add(1);
        let seed = self.seed();
        let limits = &self.problem.mechanism.limits;
        let trajectory = polish(best.trajectory.clone(), limits, &mut self.local, moves, seed)?;
        self.statistics.refine += started.elapsed();
        self.replace(best, trajectory, best.raw_duration, termination);
        Ok(())
    }

    /// Takes a trajectory in place of `best` if it is shorter and can be certified in time.
    fn replace(
        &mut self,
        best: &mut Answer,
        trajectory: Trajectory,
        raw_duration: f64,
        termination: &Termination<'_>,
    ) {
        // A proof takes about as long as those before it did.
        let proofs = self.statistics.searches.saturating_add(self.statistics.polishes);
        let needed = self.statistics.certify / proofs.max(1);
        if trajectory.duration() < best.trajectory.duration()
            && !termination.late_for(needed)
            && let Some(certificate) = self.certify(&trajectory, termination)
        {
            *best = Answer { trajectory, certificate, raw_duration };
        }
    }

    /// A seed for what is done next: never the same twice, nor that of another lane.
    pub(super) fn seed(&self) -> u64 {
        let Share { number, of } = self.share;
        let done = u64::from(self.statistics.searches) + u64::from(self.statistics.polishes);
        let done = done.saturating_sub(1) as usize;
        self.options.seed.wrapping_add(((number + done * of) as u64) << 32)
    }

    /// A path, by a search of its own seed. After answers that could not be certified the edges are
    /// sampled more finely, or the same edge might fool the samples again.
    fn search(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        repairs: u32,
    ) -> Result<Searched, CheckError> {
        let started = Instant::now();
        self.statistics.searches = self.statistics.searches.saturating_add(1);
        let before = self.statistics.iterations;
        let termination = termination.after(before);
        let mut search = Portfolio::new(self.problem, goals, self.options, self.seed());
        let mut shrunk = 0;
        let found = loop {
            self.sample_by_halves(repairs + shrunk);
            let stage = match self.padding + 1 < self.paddings.len() {
                true => SAMPLES_PER_PADDING.saturating_mul(u64::from(shrunk) + 1),
                false => u64::MAX,
            };
            let part = termination.within(before.saturating_add(stage));
            let found = search.search(&mut self.local, &part)?;
            let over = matches!(found, Searched::Exhausted(Budget::Samples));
            if !over || termination.spent(search.samples()).is_some() {
                break found;
            }
            self.padding += 1;
            shrunk += 1;
            self.local.checker().set_padding(self.paddings[self.padding]);
        };
        if let (Searched::Exhausted(budget), false) = (&found, self.has_answer) {
            let stop = termination.afterthought(*budget, AFTERTHOUGHT);
            self.gap = stop.map(|stop| search.gap(&stop));
        }
        self.statistics.iterations += search.samples();
        self.statistics.plan += started.elapsed();
        Ok(found)
    }

    /// Refines and certifies a path, where that fails once more, with samples half as far apart; where that
    /// fails too the path itself may do. `None` if nothing does, or time is up.
    fn finish(&mut self, path: &Knots, termination: &Termination<'_>) -> Result<Option<Answer>, CheckError> {
        let raw_duration = path.duration();
        self.local.set_stop(&termination.stop().share(REFINING));
        let shorter = self.skip_corners(path)?;
        for attempt in 0..=REFINEMENTS {
            if attempt > 0 && termination.late() {
                break;
            }
            let last = attempt == REFINEMENTS;
            if attempt > 0 && !last {
                self.sample_by_halves(self.halvings + 1);
            }
            let (path, tries) = if last { (path, 0) } else { (&shorter, self.options.shortcut_tries) };
            let seed = self.seed().wrapping_add(attempt);
            let trajectory = self.refine(path, tries, seed)?;
            self.local.set_stop(termination.stop());
            if let Some((trajectory, certificate)) = self.certify_slower(trajectory, termination) {
                return Ok(Some(Answer { trajectory, certificate, raw_duration }));
            }
        }
        Ok(None)
    }

    /// Certifies a trajectory, or the same a little slower where between two samples efforts are a little too
    /// great: that takes a fraction of what another refinement would.
    fn certify_slower(
        &mut self,
        trajectory: Trajectory,
        termination: &Termination<'_>,
    ) -> Option<(Trajectory, Certificate)> {
        if let Some(certificate) = self.certify(&trajectory, termination) {
            return Some((trajectory, certificate));
        }
        let slower = trajectory.stretched(self.slowing()?);
        let certificate = self.certify(&slower, termination)?;
        Some((slower, certificate))
    }

    /// How many times as long a trajectory is to take whose efforts were too great for a certificate. `None` where
    /// something else was, or an end moves, which then would move more slowly.
    fn slowing(&self) -> Option<f64> {
        let excess = match self.violation.as_ref()? {
            Violation::Limit { kind: LimitKind::Effort, value, bound, .. } => value.abs() / bound - 1.0,
            Violation::EffortNotProved { value, bound, .. } => value / bound - 1.0,
            _ => return None,
        };
        let is_at_rest = self.problem.goals.iter().chain([&self.problem.start]).all(FlatState::is_at_rest);
        (is_at_rest && excess <= MOST_EXCESS).then_some(1.0 + SLOWING_PER_EXCESS * excess + LEAST_SLOWING)
    }

    /// The path without the corners that need not be, unless it is to be left as it is.
    fn skip_corners(&mut self, path: &Knots) -> Result<Knots, CheckError> {
        let started = Instant::now();
        let mut shorter = path.clone();
        if self.options.shortcut_tries > 0 {
            skip_corners(&mut shorter, &mut self.local)?;
        }
        self.statistics.refine += started.elapsed();
        Ok(shorter)
    }

    fn refine(&mut self, path: &Knots, tries: u32, seed: u64) -> Result<Trajectory, CheckError> {
        let started = Instant::now();
        let trajectory = shorten(path, &mut self.local, tries, seed)?;
        self.statistics.refine += started.elapsed();
        Ok(trajectory)
    }

    pub(super) fn certify(
        &mut self,
        trajectory: &Trajectory,
        termination: &Termination<'_>,
    ) -> Option<Certificate> {
        let stop = termination.stop();
        if self.certifier.is_none() {
            self.certifier = Certifier::new_until(self.problem, Default::default(), stop);
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

/// Statistics of several lanes: what they did in all, and the times of the one that took longest.
pub(super) fn together(lanes: &[Finish]) -> Statistics {
    let mut all = Statistics::default();
    let mut longest = Duration::ZERO;
    for Finish { statistics: s, .. } in lanes {
        if s.total() >= longest {
            longest = s.total();
            (all.plan, all.refine, all.certify) = (s.plan, s.refine, s.certify);
        }
        all.iterations += s.iterations;
        all.edges += s.edges;
        all.states += s.states;
        all.repairs += s.repairs;
        all.uncertified += s.uncertified;
        all.searches = all.searches.saturating_add(s.searches);
        all.polishes = all.polishes.saturating_add(s.polishes);
    }
    all
}

//! A thread's share of a flight: searches, has flights made of the paths, and certifies them.

use super::super::lane::{Answer, Finish, GRACE, Lane, PADDINGS, PATIENCE, SAMPLES_PER_PADDING, Share};
use super::super::{Budget, PlanOptions, RrtConnect, Searched, Statistics, Termination};
use super::courses::TILTS;
use super::ends::Port;
use super::envelope::{Agility, FOR_TURNING};
use super::flat::FlatChecker;
use super::quicken::Quickener;
use super::{DEGREE, Ends, Flight};
use crate::certify::{Certifier, Violation};
use crate::check::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Verdict};
use crate::local_planner::LocalPlanner;
use crate::problem::{FlatState, Problem};
use crate::refine::{Knots, skip_corners};
use crate::trajectory::Trajectory;
use std::time::Instant;

/// What the estimated widths of filters are taken times, attempt by attempt, where an end moves: there
/// the course begins where its filters' delay ends, so that the widths must be chosen before it.
const WIDTHS: [f64; 4] = [1.0, 1.6, 0.7, 2.5];

/// Samples of the first attempt where an end moves; every other has twice those of the last.
const SAMPLES_PER_WIDTH: u64 = 1000;

/// Paths that the most promising is chosen from.
const PATHS: u32 = 4;

/// Share of the time left in which shorter flights are looked for: the rest is kept for their proof.
const QUICKENING: f64 = 0.7;

/// The share of the least agile box that the search flies with from rest to rest: nearly level.
const LEISURE: f64 = 0.4;

/// A thread's share of a flight: a checker, a certifier, and what they have done so far.
pub(super) struct Pilot<'f, 'l> {
    pub(super) flight: &'f Flight<'f>,
    pub(super) checker: FlatChecker<'l>,
    pub(super) options: &'l PlanOptions,
    /// Spacing of samples before it is halved, metres.
    spacing: f64,
    share: Share,
    /// Made when there is something to certify.
    certifier: Option<Certifier<'f>>,
    /// Index in [`PADDINGS`] of the clearance that is asked for.
    pub(super) padding: usize,
    /// A flight on its way to the checker.
    pub(super) edge: EdgeBatch,
    pub(super) statistics: Statistics,
    states_before: u64,
    violation: Option<Violation>,
}

impl<'f, 'l> Pilot<'f, 'l> {
    pub(super) fn new(flight: &'f Flight<'f>, lane: Lane<'l>) -> Result<Self, CheckError> {
        let Lane { options, share, local, spacing, statistics, states_before, .. } = lane;
        let mut pilot = Self {
            flight,
            checker: FlatChecker::new(local.into_checker(), flight.problem.mechanism.dof()),
            options,
            spacing,
            share,
            certifier: None,
            padding: 0,
            edge: EdgeBatch::new(flight.envelope.outputs(), DEGREE),
            statistics,
            states_before,
            violation: None,
        };
        let started = Instant::now();
        while pilot.padding + 1 < PADDINGS.len() && !pilot.affords(PADDINGS[pilot.padding])? {
            pilot.padding += 1;
        }
        pilot.statistics.plan += started.elapsed();
        Ok(pilot)
    }

    pub(super) fn finish_up(mut self, answer: Result<(Answer, u64), Budget>) -> Finish {
        self.statistics.states = self.checker.states_checked() - self.states_before;
        Finish { answer, statistics: self.statistics, violation: self.violation, gap: None }
    }

    /// Whether the start and all goals have such a clearance. From now on it is asked for.
    pub(super) fn affords(&mut self, clearance: f64) -> Result<bool, CheckError> {
        self.checker.set_padding(clearance);
        let mut states = StateBatch::new(self.flight.envelope.outputs());
        for Port { level, .. } in self.flight.ports() {
            states.push(&level.position, &level.velocity, &level.acceleration);
        }
        let mut verdicts = Vec::new();
        self.checker.check_states(&states, &mut verdicts)?;
        Ok(verdicts.iter().all(Verdict::is_valid))
    }

    /// The first answer that can be certified.
    pub(super) fn first(
        &mut self,
        termination: &Termination<'_>,
    ) -> Result<Result<Answer, Budget>, CheckError> {
        for attempt in 0.. {
            if let Some(budget) = termination.interrupted() {
                return Ok(Err(budget));
            }
            match self.attempt(attempt, termination)? {
                Ok(Some(answer)) => return Ok(Ok(answer)),
                Ok(None) => self.statistics.repairs += 1,
                Err(budget) => return Ok(Err(budget)),
            }
        }
        Ok(Err(Budget::Samples))
    }

    /// Searches and refines on by other seeds.
    pub(super) fn improve(
        &mut self,
        mut best: Answer,
        samples: u64,
        termination: &Termination<'_>,
        is_timed: bool,
    ) -> Result<Answer, CheckError> {
        let searches = self.options.searches.div_ceil(self.share.of as u32);
        let most = samples.saturating_mul(PATIENCE).saturating_add(GRACE);
        let mut done = 1_u32;
        while (is_timed || done < searches) && !termination.late() {
            let budget = termination.within(self.statistics.iterations.saturating_add(most));
            if let Ok(Some(answer)) = self.attempt(0, &budget)?
                && answer.trajectory.duration() < best.trajectory.duration()
            {
                best = answer;
            }
            done = done.saturating_add(1);
        }
        Ok(best)
    }

    /// A search of its own seed from every start, and the best of what can be made of their paths.
    fn attempt(
        &mut self,
        attempt: u32,
        termination: &Termination<'_>,
    ) -> Result<Result<Option<Answer>, Budget>, CheckError> {
        let mut best: Option<Answer> = None;
        let mut spent = None;
        for start in 0..self.flight.starts.len() {
            match self.attempt_from(start, attempt, termination)? {
                Ok(Some(answer)) => {
                    let shorter = |best: &Answer| answer.trajectory.duration() < best.trajectory.duration();
                    if best.as_ref().is_none_or(shorter) {
                        best = Some(answer);
                    }
                }
                Ok(None) => {}
                Err(budget) => spent = Some(budget),
            }
        }
        Ok(match (best, spent) {
            (None, Some(budget)) => Err(budget),
            (None, None) => Ok(None),
            (Some(best), _) if self.options.shortcut_tries == 0 => Ok(Some(best)),
            (Some(best), _) => Ok(Some(self.quickened(best, termination)?)),
        })
    }

    fn attempt_from(
        &mut self,
        start: usize,
        attempt: u32,
        termination: &Termination<'_>,
    ) -> Result<Result<Option<Answer>, Budget>, CheckError> {
        let flight = self.flight;
        let agilities: Vec<Agility> = flight.envelope.agilities().collect();
        let (agility, delay) = if flight.is_at_rest() {
            (agilities[agilities.len() - 1].slower(LEISURE), 0.0)
        } else {
            let widest = |agility: &Agility| self.widths(agility).iter().sum::<f64>();
            let delay = agilities.iter().map(widest).fold(0.0, f64::max);
            (agilities[1], delay * WIDTHS[attempt as usize % WIDTHS.len()])
        };
        let searched = flight.flat(start, &agility, delay);
        let path = match self.search(&searched, attempt, delay > 0.0, termination)? {
            Searched::Path(path) => self.alternatives(&searched, path, attempt, delay, termination)?,
            Searched::Exhausted(budget) => {
                let is_over = delay == 0.0 || termination.spent(self.statistics.iterations).is_some();
                return Ok(if is_over || termination.late() { Err(budget) } else { Ok(None) });
            }
        };
        let ends = Ends { start, goal: self.goal(&path, delay), delay };
        self.fly(&path, ends, termination).map(Ok)
    }

    /// The most promising of a few paths, its needless corners skipped: there may be ways around an
    /// obstacle on every side of it.
    fn alternatives(
        &mut self,
        searched: &Problem,
        path: Knots,
        attempt: u32,
        delay: f64,
        termination: &Termination<'_>,
    ) -> Result<Knots, CheckError> {
        let most = self.statistics.iterations.saturating_mul(PATIENCE).saturating_add(GRACE);
        let mut best = self.without_corners(searched, path, termination)?;
        if self.options.shortcut_tries == 0 || delay > 0.0 {
            return Ok(best);
        }
        for _ in 1..PATHS {
            if best.states.len() == 2 || termination.late() {
                break;
            }
            let termination = termination.within(most);
            if let Searched::Path(path) = self.search(searched, attempt, false, &termination)? {
                let path = self.without_corners(searched, path, &termination)?;
                if self.promise(&path) < self.promise(&best) {
                    best = path;
                }
            }
        }
        Ok(best)
    }

    /// Roughly how long a path takes, seconds.
    fn promise(&self, path: &Knots) -> f64 {
        let piece = |pair: &[FlatState]| {
            let way = pair[0].position.iter().zip(&pair[1].position).map(|(p, q)| q - p);
            let law = self.flight.envelope.line(&way.collect::<Vec<_>>(), TILTS[1], FOR_TURNING);
            law.map_or(0.0, |law| law.duration())
        };
        path.states.windows(2).map(piece).sum()
    }

    fn without_corners(
        &mut self,
        searched: &Problem,
        mut path: Knots,
        termination: &Termination<'_>,
    ) -> Result<Knots, CheckError> {
        if self.options.shortcut_tries == 0 {
            return Ok(path);
        }
        let started = Instant::now();
        let mut local = LocalPlanner::new(searched, &mut self.checker).until(termination.stop());
        skip_corners(&mut path, &mut local)?;
        self.statistics.edges += local.checked;
        self.statistics.refine += started.elapsed();
        Ok(path)
    }

    pub(super) fn seed(&self) -> u64 {
        let Share { number, of } = self.share;
        let done = self.statistics.searches.saturating_sub(1) as usize;
        self.options.seed.wrapping_add(((number + done * of) as u64) << 32)
    }

    /// A path in the flat outputs, by a search of its own seed.
    fn search(
        &mut self,
        problem: &Problem,
        attempt: u32,
        is_staged: bool,
        termination: &Termination<'_>,
    ) -> Result<Searched, CheckError> {
        let started = Instant::now();
        self.statistics.searches = self.statistics.searches.saturating_add(1);
        let before = self.statistics.iterations;
        let termination = termination.after(before);
        let goals: Vec<&FlatState> = problem.goals.iter().collect();
        let mut search = RrtConnect::new(problem, &goals, self.options, self.seed());
        self.checker.set_padding(PADDINGS[self.padding]);
        self.checker.set_resolution(self.spacing / f64::from(1_u32 << attempt.min(6)));
        let mut local = LocalPlanner::new(problem, &mut self.checker).until(termination.stop());
        let mut stage = SAMPLES_PER_PADDING;
        let found = loop {
            let most = match (is_staged, self.padding + 1 < PADDINGS.len()) {
                (true, _) => SAMPLES_PER_WIDTH << attempt.min(20),
                (false, true) => stage,
                (false, false) => u64::MAX,
            };
            let found = search.search(&mut local, &termination.within(before.saturating_add(most)))?;
            let over = matches!(found, Searched::Exhausted(Budget::Samples));
            if !over || is_staged || termination.spent(search.samples).is_some() {
                break found;
            }
            self.padding += 1;
            stage += SAMPLES_PER_PADDING;
            local.checker().set_padding(PADDINGS[self.padding]);
        };
        self.statistics.edges += local.checked;
        self.statistics.iterations += search.samples;
        self.statistics.plan += started.elapsed();
        Ok(found)
    }

    /// The shortest flight along a path that can be certified.
    fn fly(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Option<Answer>, CheckError> {
        let raw_duration = path.duration();
        let started = Instant::now();
        // What is left of the time is for the proof.
        let part = termination.halved();
        self.checker.set_stop(part.stop());
        let mut flights = match path.states.len() {
            2 if ends.delay == 0.0 => self.lines(path, ends, &part)?,
            _ => Vec::new(),
        };
        if flights.is_empty() {
            flights = self.courses(path, ends, &part)?;
        }
        self.checker.set_stop(termination.stop());
        self.statistics.refine += started.elapsed();
        flights.sort_by(|a, b| a.duration().total_cmp(&b.duration()));
        Ok(self.certified(flights, raw_duration, termination))
    }

    /// The first of some flights that can be certified.
    fn certified(
        &mut self,
        flights: Vec<Trajectory>,
        raw_duration: f64,
        termination: &Termination<'_>,
    ) -> Option<Answer> {
        let stop = termination.stop();
        if self.certifier.is_none() && !flights.is_empty() {
            self.certifier = Certifier::new_until(self.flight.problem, Default::default(), stop);
        }
        let certifier = self.certifier.as_mut()?;
        for trajectory in flights {
            if stop.is_due() {
                break;
            }
            let started = Instant::now();
            let result = certifier.certify_until(&trajectory, stop);
            self.statistics.certify += started.elapsed();
            match result {
                Ok(certificate) => return Some(Answer { trajectory, certificate, raw_duration }),
                Err(violation) => {
                    self.statistics.uncertified += 1;
                    self.violation = Some(violation);
                }
            }
        }
        None
    }

    /// A shorter answer, if one is found: what turns a body over while its thrust points down stays as it is.
    fn quickened(&mut self, answer: Answer, termination: &Termination<'_>) -> Result<Answer, CheckError> {
        let started = Instant::now();
        let (flight, padding) = (self.flight, PADDINGS[self.padding]);
        // What is left of the time is for the proof.
        let stop = termination.stop().share(QUICKENING);
        self.checker.set_stop(&stop);
        let whole = &answer.trajectory;
        let (from, to) = flight.upright(whole);
        if from == to || termination.late() {
            return Ok(answer);
        }
        let mut shorter = Vec::new();
        let mut quickener = Quickener::new(flight, &whole.cut(from, to), padding);
        while let Some(spline) = quickener.next(&stop) {
            let shortened = whole.splice(from, to, &spline);
            let verdict = self.verdict(&shortened)?;
            quickener.judge(&verdict);
            if verdict.is_valid() {
                shorter.push(shortened);
            }
        }
        self.statistics.refine += started.elapsed();
        self.checker.set_stop(termination.stop());
        shorter.reverse();
        Ok(self.certified(shorter, answer.raw_duration, termination).unwrap_or(answer))
    }

    /// The goal that a path ends at.
    fn goal(&self, path: &Knots, delay: f64) -> usize {
        let end = &path.states[path.states.len() - 1].position;
        let off = |port: &Port| {
            let FlatState { position, velocity, .. } = &port.level;
            let off = |(e, (p, v)): (&f64, (&f64, &f64))| (e - (p - 0.5 * delay * v)).abs();
            end.iter().zip(position.iter().zip(velocity)).map(off).fold(0.0, f64::max)
        };
        let offs = self.flight.goals.iter().map(off).enumerate();
        offs.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(goal, _)| goal)
    }
}

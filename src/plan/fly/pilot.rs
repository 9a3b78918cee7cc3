//! The family of quadrotors: searches for level bodies, and flights made of the paths.

use super::super::driver::{Answer, Attempt, Family, GRACE, PATIENCE};
use super::super::termination::unless_spent;
use super::super::worker::{self, Worker};
use super::super::{Halt, RrtConnect, Termination};
use super::ends::Port;
use super::envelope::{Agility, FOR_TURNING};
use super::flat::FlatChecker;
use super::gates::wide_way;
use super::quicken::Quickener;
use super::{DEGREE, Ends, Flight};
use crate::check::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Verdict};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::{Knots, skip_corners};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use glam::DVec3;
use std::time::Instant;

/// What the estimated widths of filters are taken times, attempt by attempt, where an end moves: there
/// the course begins where its filters' delay ends, so that the widths must be chosen before it.
const WIDTHS: [f64; 4] = [1.0, 1.6, 0.7, 2.5];

/// Samples for a body that is level at its corners, before narrow places are looked for: most problems take fewer.
const SOON: u64 = 500;

/// Samples of the first attempt where an end moves; every other has twice those of the last.
const SAMPLES_PER_WIDTH: u64 = 1000;

/// Paths that the most promising is chosen from.
const PATHS: u32 = 4;

/// Share of the time left in which shorter flights are looked for: the rest is kept for their proof.
const QUICKENING: f64 = 0.7;

/// The share of the least agile box that the search flies with from rest to rest: nearly level.
const LEISURE: f64 = 0.4;

/// A thread's share of a flight.
pub(in crate::plan) struct Pilot<'f, 'l> {
    pub(super) flight: &'f Flight<'f>,
    pub(super) worker: Worker<'l>,
    /// A flight on its way to the checker.
    edge: EdgeBatch,
    /// Whether narrow places have been looked for in vain: then only level bodies are planned for.
    pub(super) is_level: bool,
}

/// What flies one leg of a flight, by the means of a thread: all of it, or from one narrow place to the next.
pub(super) struct LegPilot<'f, 'w, 'l> {
    pub(super) flight: &'f Flight<'f>,
    pub(super) worker: &'w mut Worker<'l>,
    pub(super) edge: &'w mut EdgeBatch,
}

/// A flight along a path of a search, valid as far as the checker tells.
pub(in crate::plan) struct Flown {
    pub(super) flight: Trajectory,
    /// How long the path takes.
    pub(super) raw_duration: f64,
}

/// A search in the flat outputs, for level bodies.
struct LevelSearch<'s> {
    search: RrtConnect<'s>,
    problem: &'s Problem,
    /// Joints of the mechanism that the checker knows.
    joints: usize,
}

impl worker::ResumableSearch for LevelSearch<'_> {
    type Path = Knots;

    fn samples(&self) -> u64 {
        self.search.samples
    }

    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Knots, Halt> {
        with_level(local, self.problem, self.joints, |local| self.search.search(local, termination))
    }
}

/// Lends a local planner of the flat outputs to `work`, and counts what that has checked.
pub(super) fn with_level<T>(
    local: &mut LocalPlanner<'_>,
    problem: &Problem,
    joints: usize,
    work: impl FnOnce(&mut LocalPlanner<'_>) -> T,
) -> T {
    let stop = local.stop().clone();
    let mut checker = FlatChecker::new(local.checker(), joints);
    let mut level = LocalPlanner::new(problem, &mut checker).until(&stop);
    let done = work(&mut level);
    let checked = level.checked;
    local.checked += checked;
    done
}

impl<'a> Family<'a> for Pilot<'_, 'a> {
    type Path = Flown;

    const SHORTENS: bool = true;

    fn worker(&mut self) -> &mut Worker<'a> {
        &mut self.worker
    }

    fn ask_for_clearance(&mut self) -> Result<(), CheckError> {
        let flight = self.flight;
        self.worker.ask_for_clearance_of(|worker| are_valid(flight, worker))
    }

    /// Flights of a body that is level at the corners of its way, the shortest first; where none is found soon, those
    /// along the way of a ball that holds it, or one that leans through what is too narrow for that.
    fn search(&mut self, best: Option<&Answer>, termination: &Termination<'_>) -> Result<Vec<Flown>, Halt> {
        let attempt = if best.is_none() { self.worker.statistics.repairs } else { 0 };
        let flight = self.flight;
        if best.is_some() || self.is_level {
            return self.leg(flight).flights(attempt, termination);
        }
        let soon = termination.within(self.worker.statistics.iterations.saturating_add(SOON));
        let mut level = unless_spent(self.leg(flight).flights(attempt, &soon))?.unwrap_or_default();
        level.extend(self.direct()?);
        level.sort_by(|a, b| a.flight.duration().total_cmp(&b.flight.duration()));
        if !level.is_empty() {
            return Ok(level);
        }
        if !flight.recoveries.is_empty() {
            let leg = flight.leg(flight.recoveries.clone(), flight.goals.clone());
            let soon = termination.within(self.worker.statistics.iterations.saturating_add(SOON));
            let recovered = unless_spent(self.leg(&leg).flights(attempt, &soon))?;
            if let Some(recovered) = recovered.filter(|flights| !flights.is_empty()) {
                return Ok(recovered);
            }
        }
        let guided = self.leg(flight).guided(termination)?;
        if !guided.is_empty() {
            return Ok(guided);
        }
        if let Some(crossing) = self.crossing(termination)? {
            return Ok(vec![crossing]);
        }
        self.leg(flight).flights(attempt, termination)
    }

    fn raw_duration(&self, flown: &Flown) -> f64 {
        flown.raw_duration
    }

    fn trajectory(&mut self, flown: &mut Flown, attempt: u32, _stop: &Stop) -> Result<Attempt, CheckError> {
        Ok(if attempt == 0 { Attempt::Made(flown.flight.clone()) } else { Attempt::Over })
    }

    /// What turns a body over while its thrust points down stays as it is.
    fn shorten(&mut self, answer: &Answer, stop: &Stop) -> Result<Vec<Trajectory>, CheckError> {
        let flight = self.flight;
        let whole = &answer.trajectory;
        let (from, to) = flight.upright(whole);
        if from == to || stop.is_due() || self.worker.options.shortcut_tries == 0 {
            return Ok(Vec::new());
        }
        // What is left of the time is for the proof.
        let stop = stop.share(QUICKENING);
        self.worker.local.set_stop(&stop);
        let started = Instant::now();
        let mut shorter = Vec::new();
        let mut quickener = Quickener::new(flight, &whole.cut(from, to), self.worker.clearance());
        while let Some(spline) = quickener.next(&stop) {
            let shortened = whole.splice(from, to, &spline);
            let verdict = self.leg(flight).verdict(&shortened)?;
            quickener.judge(&verdict);
            if verdict.is_valid() {
                shorter.push(shortened);
            }
        }
        self.worker.statistics.refine += started.elapsed();
        shorter.reverse();
        Ok(shorter)
    }
}

/// Whether the start and all goals of a flight are valid, with the clearance that is asked for.
fn are_valid(flight: &Flight<'_>, worker: &mut Worker<'_>) -> Result<bool, CheckError> {
    let mut states = StateBatch::new(flight.envelope.outputs());
    for Port { level, .. } in flight.ports() {
        states.push(&level.position, &level.velocity, &level.acceleration);
    }
    let mut checker = FlatChecker::new(worker.local.checker(), flight.problem.mechanism.dof());
    let mut verdicts = Vec::new();
    checker.check_states(&states, &mut verdicts)?;
    Ok(verdicts.iter().all(Verdict::is_valid))
}

impl<'f, 'l> Pilot<'f, 'l> {
    pub(in crate::plan) fn new(flight: &'f Flight<'f>, worker: Worker<'l>) -> Self {
        let edge = EdgeBatch::new(flight.envelope.outputs(), DEGREE);
        Self { flight, worker, edge, is_level: false }
    }

    /// Flights straight to a goal that are valid as far as the checker tells.
    fn direct(&mut self) -> Result<Vec<Flown>, CheckError> {
        let flight = self.flight;
        let mut flown = Vec::new();
        for direct in &flight.direct {
            if self.leg(flight).verdict(direct)?.is_valid() {
                flown.push(Flown { flight: direct.clone(), raw_duration: direct.duration() });
            }
        }
        Ok(flown)
    }

    /// What flies a leg.
    pub(super) fn leg<'w>(&'w mut self, flight: &'w Flight<'w>) -> LegPilot<'w, 'w, 'l> {
        LegPilot { flight, worker: &mut self.worker, edge: &mut self.edge }
    }
}

impl LegPilot<'_, '_, '_> {
    /// Flights from every start by a search of its own seed, the shortest first.
    pub(super) fn flights(&mut self, attempt: u32, termination: &Termination<'_>) -> Result<Vec<Flown>, Halt> {
        let (mut flights, mut spent) = (Vec::new(), None);
        for start in 0..self.flight.starts.len() {
            match self.attempt_from(start, attempt, termination) {
                Ok(more) => flights.extend(more),
                Err(halt @ Halt::Failed(_)) => return Err(halt),
                Err(halt) => spent = Some(halt),
            }
        }
        flights.sort_by(|a, b| a.flight.duration().total_cmp(&b.flight.duration()));
        spent.filter(|_| flights.is_empty()).map_or(Ok(flights), Err)
    }

    /// Flights along the way of a ball that holds the body however it leans, from rest to rest.
    fn guided(&mut self, termination: &Termination<'_>) -> Result<Vec<Flown>, Halt> {
        let flight = self.flight;
        if !flight.is_at_rest() {
            return Ok(Vec::new());
        }
        let begun = Instant::now();
        let corners = wide_way(flight, self.worker.clearance(), termination.stop());
        self.worker.statistics.plan += begun.elapsed();
        let Some(least) = flight.envelope.agilities().last() else { return Ok(Vec::new()) };
        let searched = flight.flat(0, &least.slower(LEISURE), 0.0);
        let Some(path) = self.along(&searched, &corners)? else { return Ok(Vec::new()) };
        let path = self.without_corners(&searched, path)?;
        let ends = Ends { start: 0, goal: self.goal(&path, 0.0), delay: 0.0 };
        Ok(self.fly(&path, ends, termination)?)
    }

    /// The path from corner to corner, at rest in each, if it is valid; it turns on the last piece.
    fn along(&mut self, searched: &Problem, corners: &[DVec3]) -> Result<Option<Knots>, CheckError> {
        let Some((last, others)) = corners.split_last() else { return Ok(None) };
        let apart = |goal: &&JointState| {
            let way = goal.position.iter().zip(last.to_array()).map(|(a, b)| (a - b).powi(2));
            way.take(self.flight.axes().len()).sum::<f64>()
        };
        let goal = searched.goals.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)));
        let mut states = vec![searched.start.clone()];
        for corner in others.iter().skip(1) {
            let mut state = searched.start.clone();
            let axes = self.flight.axes().len();
            state.position[..axes].copy_from_slice(&corner.to_array()[..axes]);
            states.push(state);
        }
        states.extend(goal.cloned());
        let joints = self.joints();
        with_level(&mut self.worker.local, searched, joints, |local| {
            let mut durations = Vec::new();
            for pair in states.windows(2) {
                let Some(duration) = local.connect((&pair[0]).into(), (&pair[1]).into(), f64::INFINITY)? else {
                    return Ok(None);
                };
                durations.push(duration);
            }
            Ok((states.len() > 1).then_some(Knots { states, durations }))
        })
    }

    /// Whether the start and all goals have such a clearance. From now on it is asked for.
    pub(super) fn affords(&mut self, clearance: f64) -> Result<bool, CheckError> {
        self.worker.local.checker().set_padding(clearance);
        are_valid(self.flight, self.worker)
    }

    /// Joints of the mechanism that the checker knows.
    pub(super) fn joints(&self) -> usize {
        self.flight.problem.mechanism.dof()
    }

    /// A search of its own seed from a start, and the flights that can be made of its path.
    fn attempt_from(
        &mut self,
        start: usize,
        attempt: u32,
        termination: &Termination<'_>,
    ) -> Result<Vec<Flown>, Halt> {
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
        let path = match self.path(&searched, attempt, delay > 0.0, termination) {
            Ok(path) => self.alternatives(&searched, path, attempt, delay, termination)?,
            Err(Halt::Spent(_))
                if delay > 0.0
                    && !termination.late()
                    && termination.spent(self.worker.statistics.iterations).is_none() =>
            {
                return Ok(Vec::new());
            }
            Err(halt) => return Err(halt),
        };
        let ends = Ends { start, goal: self.goal(&path, delay), delay };
        Ok(self.fly(&path, ends, termination)?)
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
        let most = self.worker.statistics.iterations.saturating_mul(PATIENCE).saturating_add(GRACE);
        let mut best = self.without_corners(searched, path)?;
        if self.worker.options.shortcut_tries == 0 || delay > 0.0 {
            return Ok(best);
        }
        for _ in 1..PATHS {
            if best.states.len() == 2 || termination.late() {
                break;
            }
            let termination = termination.within(most);
            if let Some(path) = unless_spent(self.path(searched, attempt, false, &termination))? {
                let path = self.without_corners(searched, path)?;
                if self.promise(&path) < self.promise(&best) {
                    best = path;
                }
            }
        }
        Ok(best)
    }

    /// Roughly how long a path takes, seconds.
    fn promise(&self, path: &Knots) -> f64 {
        let piece = |pair: &[JointState]| {
            let way = pair[0].position.iter().zip(&pair[1].position).map(|(p, q)| q - p);
            let law = self.flight.envelope.line(&way.collect::<Vec<_>>(), TILTS[1], FOR_TURNING);
            law.map_or(0.0, |law| law.duration())
        };
        path.states.windows(2).map(piece).sum()
    }

    fn without_corners(&mut self, searched: &Problem, mut path: Knots) -> Result<Knots, CheckError> {
        if self.worker.options.shortcut_tries == 0 {
            return Ok(path);
        }
        let joints = self.joints();
        self.worker.refining(|worker| {
            with_level(&mut worker.local, searched, joints, |local| skip_corners(&mut path, local))
        })?;
        Ok(path)
    }

    /// A path in the flat outputs, by a search of its own seed.
    fn path(
        &mut self,
        problem: &Problem,
        attempt: u32,
        is_staged: bool,
        termination: &Termination<'_>,
    ) -> Result<Knots, Halt> {
        let begun = self.worker.begin_search();
        let goals: Vec<&JointState> = problem.goals.iter().collect();
        let joints = self.joints();
        let search = RrtConnect::new(problem, &goals, self.worker.options, begun.seed);
        let mut search = LevelSearch { search, problem, joints };
        let most = match is_staged {
            true => self.worker.statistics.iterations.saturating_add(SAMPLES_PER_WIDTH << attempt.min(20)),
            false => u64::MAX,
        };
        self.worker.search(&begun, &mut search, &termination.within(most), attempt)
    }

    /// Valid flights along a path.
    fn fly(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Vec<Flown>, CheckError> {
        let raw_duration = path.duration();
        let started = Instant::now();
        // What is left of the time is for the proof.
        let part = termination.halved();
        self.worker.local.set_stop(part.stop());
        let mut flights = match path.states.len() {
            2 if ends.delay == 0.0 => self.lines(path, ends, &part)?,
            _ => Vec::new(),
        };
        if flights.is_empty() {
            flights = self.courses(path, ends, &part)?;
        }
        self.worker.local.set_stop(termination.stop());
        self.worker.statistics.refine += started.elapsed();
        Ok(flights.into_iter().map(|flight| Flown { flight, raw_duration }).collect())
    }

    /// The goal that a path ends at.
    fn goal(&self, path: &Knots, delay: f64) -> usize {
        let end = &path.states[path.states.len() - 1].position;
        let off = |port: &Port| {
            let JointState { position, velocity, .. } = &port.level;
            let off = |(e, (p, v)): (&f64, (&f64, &f64))| (e - (p - 0.5 * delay * v)).abs();
            end.iter().zip(position.iter().zip(velocity)).map(off).fold(0.0, f64::max)
        };
        let offs = self.flight.goals.iter().map(off).enumerate();
        offs.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(goal, _)| goal)
    }
}

/// The greatest tilts on straight lines that are tried, rad: the more, the shorter the line, but the wider
/// the filters.
pub(super) const TILTS: [f64; 4] = [0.5, 0.8, 1.05, 1.2];

//! Planning for quadrotors: they fly where their thrust pulls them.
//!
//! A quadrotor's state asks of its flat outputs that position and velocity be continuous, and the
//! direction of the thrust, which is that of y'' + g, with its first derivative; torques limit the second
//! (Mellinger and Kumar, *Minimum snap trajectory generation and control for quadrotors*, ICRA 2011).
//! So there are two steps. The first plans for the flat outputs as for a point whose accelerations are
//! bounded, by the same search and shortcuts as for arms; on a straight line from rest to rest it
//! accelerates as hard as the thrust allows in its direction. The second runs the answer through two
//! moving averages ([`moving_average`](crate::steer::moving_average)), as narrow as the limits of
//! body rates and rotors permit: exact, no bound of the first step is exceeded, and no more is lost than
//! the filters' widths. What is answered is checked as a whole, attitudes and all, and certified.

mod ends;
mod envelope;
mod flat;
mod righting;

pub use ends::Attitude;

use super::lane::{Answer, Finish, GRACE, Lane, PADDINGS, PATIENCE, SAMPLES_PER_PADDING, Share};
use super::termination::Race;
use super::{Budget, Outcome, PlanOptions, RrtConnect, Searched, Statistics, Termination};
use crate::base::Base;
use crate::certify::{Certifier, Violation};
use crate::check::{CheckError, EdgeBatch, EdgeChecker, StateBatch, Status, Verdict};
use crate::local_planner::LocalPlanner;
use crate::problem::{FlatState, Problem};
use crate::refine::{Knots, shorten_from, skip_corners};
use crate::steer::straight;
use crate::trajectory::Trajectory;
use ends::Port;
use envelope::{Agility, Envelope};
use flat::FlatChecker;
use std::time::Instant;

/// Degree of the edges that whole flights are checked as.
const DEGREE: usize = 5;

/// The greatest tilts on straight lines that are tried, rad: the more, the shorter the line, but the wider
/// the filters.
const TILTS: [f64; 4] = [0.5, 0.8, 1.05, 1.2];

/// What a course is stretched by in time where it can't be flown as fast as its accelerations allow.
const STRETCHES: [f64; 5] = [1.15, 1.35, 1.7, 2.3, 3.5];

/// What the estimated widths of filters are taken times, attempt by attempt, where an end moves: there
/// the course begins where its filters' delay ends, so that the widths must be chosen before it.
const WIDTHS: [f64; 4] = [1.0, 1.6, 0.7, 2.5];

/// Samples of the first attempt where an end moves; every other has twice those of the last.
const SAMPLES_PER_WIDTH: u64 = 1000;

/// Paths that the most promising is chosen from.
const PATHS: u32 = 4;

/// The share of the least agile box that the search flies with from rest to rest: nearly level.
const LEISURE: f64 = 0.4;

/// What is to be flown: ends from which, and to which, the body is level.
pub(super) struct Flight<'a> {
    problem: &'a Problem,
    base: &'a Base,
    envelope: Envelope<'a>,
    /// Ways to come from the start to where the body is level.
    starts: Vec<Port>,
    /// Ways to come from there to a goal.
    goals: Vec<Port>,
}

impl<'a> Flight<'a> {
    /// The flight to those goals that are valid, if the problem is for a quadrotor; or why there is none.
    pub(super) fn of(
        problem: &'a Problem,
        goals: &[&FlatState],
        checker: &mut dyn EdgeChecker,
    ) -> Result<Result<Option<Self>, Outcome>, CheckError> {
        let Some(base) = problem.mechanism.vehicle() else { return Ok(Ok(None)) };
        let Some(envelope) = Envelope::of(base) else { return Ok(Ok(None)) };
        let mut flight = match Self::within(problem, base, envelope, goals) {
            Ok(flight) => flight,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let start = keep_valid(&mut flight.starts, checker)?;
        let goal = keep_valid(&mut flight.goals, checker)?;
        let blocked = [("the start", start), ("the goal", goal)];
        Ok(match blocked.into_iter().find_map(|(end, why)| Some((end, why?))) {
            Some((end, why)) => Err(Outcome::Unsupported {
                why: format!("{end}: the body is not level there, and levelling it fails: {why}"),
            }),
            None => Ok(Some(flight)),
        })
    }

    fn within(
        problem: &'a Problem,
        base: &'a Base,
        envelope: Envelope<'a>,
        goals: &[&FlatState],
    ) -> Result<Self, Outcome> {
        let unsupported = |why: &str| Outcome::Unsupported { why: why.to_owned() };
        if problem.mechanism.dof() > base.coordinates().len() {
            return Err(unsupported("a quadrotor that carries joints of its own is not planned for"));
        }
        if !envelope.can_hover() {
            return Err(unsupported("the quadrotor's greatest thrust hardly carries its weight"));
        }
        let refused = |end: &str, why: Attitude| unsupported(&format!("{end}: {why}"));
        let starts =
            Port::of_start(&envelope, base, &problem.start).map_err(|why| refused("the start", why))?;
        let (mut ports, mut faults) = (Vec::new(), Vec::new());
        for goal in goals {
            match Port::of_goal(&envelope, base, goal) {
                Ok(ways) => {
                    ports.extend(ways.into_iter().map(|way| way.unwound(&starts[0], envelope.up() + 1)));
                }
                Err(why) => faults.push(why),
            }
        }
        match faults.first() {
            Some(&why) if ports.is_empty() => Err(refused("the goal", why)),
            _ => Ok(Self { problem, base, envelope, starts, goals: ports }),
        }
    }

    /// Whether every level end is at rest.
    fn is_at_rest(&self) -> bool {
        self.ports().all(|port| port.level.is_at_rest())
    }

    fn ports(&self) -> impl Iterator<Item = &Port> {
        self.goals.iter().chain(&self.starts)
    }

    /// The problem in the flat outputs from one of the starts, with these accelerations, for filters that
    /// are `delay` wide in all.
    fn flat(&self, start: usize, agility: &Agility, delay: f64) -> Problem {
        let mut limits = self.envelope.limits(agility, &self.problem.mechanism.limits);
        let ends = || self.ports().map(|port| &port.level);
        for (output, limits) in limits.iter_mut().enumerate().skip(self.envelope.up() + 1) {
            // Nothing is gained by turning beyond what the ends ask for.
            let reach = |s: &FlatState, sign: f64| {
                let way = s.velocity[output] * s.velocity[output].abs() / limits.acceleration;
                s.position[output] + sign * (way.abs() + s.velocity[output].abs() * delay)
            };
            limits.lower = ends().map(|s| reach(s, -1.0)).fold(f64::INFINITY, f64::min);
            limits.upper = ends().map(|s| reach(s, 1.0)).fold(f64::NEG_INFINITY, f64::max);
        }
        let moved = |port: &Port, by: f64| {
            let FlatState { position, velocity, .. } = &port.level;
            let position = position.iter().zip(velocity).map(|(p, v)| p + by * v).collect();
            FlatState { position, ..port.level.clone() }
        };
        let goals = self.goals.iter().map(|port| moved(port, -0.5 * delay)).collect();
        let start = moved(&self.starts[start], 0.5 * delay);
        flat::problem(self.problem, self.base.outputs(), limits, start, goals)
    }

    /// The whole flight by a filtered course between two level ends.
    fn whole(&self, course: &Trajectory, ends: Ends) -> Trajectory {
        let [before, after] =
            [&self.starts[ends.start], &self.goals[ends.goal]].map(|port| port.lead.as_ref());
        if before.is_none() && after.is_none() {
            return course.clone();
        }
        let mut whole = Trajectory::new(course.dof(), course.degree());
        [before, Some(course), after].into_iter().flatten().for_each(|piece| whole.append(piece));
        whole
    }

    /// Finds an answer, then better ones as far as the options ask for them.
    pub(super) fn run(
        &self,
        lane: Lane<'_>,
        termination: &Termination<'_>,
        race: &Race,
        improve: Option<Instant>,
    ) -> Result<Finish, CheckError> {
        let mut pilot = Pilot::new(self, lane)?;
        let answer = match pilot.first(&termination.racing(race))? {
            Ok(first) => {
                let samples = pilot.statistics.iterations;
                race.answered(samples);
                Ok((pilot.improve(first, samples, &termination.until(improve), improve.is_some())?, samples))
            }
            Err(budget) => Err(budget),
        };
        Ok(pilot.finish_up(answer))
    }
}

/// Keeps those ports whose leads are valid; if there is none, tells what is wrong with the last.
fn keep_valid(ports: &mut Vec<Port>, checker: &mut dyn EdgeChecker) -> Result<Option<Status>, CheckError> {
    checker.set_padding(0.0);
    let (mut verdicts, mut why) = (Vec::new(), None);
    for i in (0..ports.len()).rev() {
        let Some(lead) = &ports[i].lead else { continue };
        let mut edge = EdgeBatch::new(lead.dof(), DEGREE);
        edge.push_trajectory(lead);
        checker.check(&edge, &mut verdicts)?;
        if !verdicts[0].is_valid() {
            why = Some(verdicts[0].status());
            ports.remove(i);
        }
    }
    Ok(why.filter(|_| ports.is_empty()))
}

/// Which ends a course lies between, and the width of the filters that its ends are chosen for.
#[derive(Clone, Copy, Debug)]
struct Ends {
    start: usize,
    goal: usize,
    delay: f64,
}

/// A thread's share of a flight: a checker, a certifier, and what they have done so far.
struct Pilot<'f, 'l> {
    flight: &'f Flight<'f>,
    checker: FlatChecker<'l>,
    options: &'l PlanOptions,
    share: Share,
    certifier: Certifier<'f>,
    /// Index in [`PADDINGS`] of the clearance that is asked for.
    padding: usize,
    /// A flight on its way to the checker.
    edge: EdgeBatch,
    statistics: Statistics,
    states_before: u64,
    violation: Option<Violation>,
}

impl<'f, 'l> Pilot<'f, 'l> {
    fn new(flight: &'f Flight<'f>, lane: Lane<'l>) -> Result<Self, CheckError> {
        let Lane { options, share, local, statistics, states_before, .. } = lane;
        let mut pilot = Self {
            flight,
            checker: FlatChecker::new(local.into_checker(), flight.problem.mechanism.dof()),
            options,
            share,
            certifier: Certifier::new(flight.problem, Default::default()),
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

    fn finish_up(mut self, answer: Result<(Answer, u64), Budget>) -> Finish {
        self.statistics.states = self.checker.states_checked() - self.states_before;
        Finish { answer, statistics: self.statistics, violation: self.violation }
    }

    /// Whether the start and all goals have such a clearance. From now on it is asked for.
    fn affords(&mut self, clearance: f64) -> Result<bool, CheckError> {
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
    fn first(&mut self, termination: &Termination<'_>) -> Result<Result<Answer, Budget>, CheckError> {
        for attempt in 0.. {
            match self.attempt(attempt, termination)? {
                Ok(Some(answer)) => return Ok(Ok(answer)),
                Ok(None) => self.statistics.repairs += 1,
                Err(budget) => return Ok(Err(budget)),
            }
        }
        Ok(Err(Budget::Samples))
    }

    /// Searches and refines on by other seeds.
    fn improve(
        &mut self,
        mut best: Answer,
        samples: u64,
        termination: &Termination<'_>,
        is_timed: bool,
    ) -> Result<Answer, CheckError> {
        let searches = self.options.searches.div_ceil(self.share.of as u32);
        let most = samples.saturating_mul(PATIENCE).saturating_add(GRACE);
        let mut done = 1;
        while (is_timed || done < searches) && !termination.late() {
            let budget = termination.within(self.statistics.iterations.saturating_add(most));
            if let Ok(Some(answer)) = self.attempt(0, &budget)?
                && answer.trajectory.duration() < best.trajectory.duration()
            {
                best = answer;
            }
            done += 1;
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
            (best, _) => Ok(best),
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
        let mut best = self.without_corners(searched, path)?;
        if self.options.shortcut_tries == 0 || delay > 0.0 {
            return Ok(best);
        }
        for _ in 1..PATHS {
            if best.states.len() == 2 {
                break;
            }
            let termination = termination.within(most);
            if let Searched::Path(path) = self.search(searched, attempt, false, &termination)? {
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
        let piece = |pair: &[FlatState]| {
            let way = pair[0].position.iter().zip(&pair[1].position).map(|(p, q)| q - p);
            let law = self.flight.envelope.line(&way.collect::<Vec<_>>(), TILTS[1]);
            law.map_or(0.0, |law| law.duration())
        };
        path.states.windows(2).map(piece).sum()
    }

    fn without_corners(&mut self, searched: &Problem, mut path: Knots) -> Result<Knots, CheckError> {
        if self.options.shortcut_tries == 0 {
            return Ok(path);
        }
        let started = Instant::now();
        let mut local = LocalPlanner::new(searched, &mut self.checker);
        skip_corners(&mut path, &mut local)?;
        self.statistics.edges += local.checked;
        self.statistics.refine += started.elapsed();
        Ok(path)
    }

    fn seed(&self) -> u64 {
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
        self.statistics.searches += 1;
        let before = self.statistics.iterations;
        let termination = termination.after(before);
        let goals: Vec<&FlatState> = problem.goals.iter().collect();
        let mut search = RrtConnect::new(problem, &goals, self.options, self.seed());
        self.checker.set_padding(PADDINGS[self.padding]);
        self.checker.set_resolution(self.options.resolution / f64::from(1_u32 << attempt.min(6)));
        let mut local = LocalPlanner::new(problem, &mut self.checker);
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
        let mut flights = match path.states.len() {
            2 if ends.delay == 0.0 => self.lines(path, ends)?,
            _ => self.courses(path, ends, termination)?,
        };
        self.statistics.refine += started.elapsed();
        flights.sort_by(|a, b| a.duration().total_cmp(&b.duration()));
        for trajectory in flights {
            let started = Instant::now();
            let result = self.certifier.certify_until(&trajectory, &|| termination.late());
            self.statistics.certify += started.elapsed();
            match result {
                Ok(certificate) => return Ok(Some(Answer { trajectory, certificate, raw_duration })),
                Err(violation) => {
                    self.statistics.uncertified += 1;
                    self.violation = Some(violation);
                }
            }
        }
        Ok(None)
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

    /// Valid flights along a straight line from rest to rest, one per greatest tilt.
    fn lines(&mut self, path: &Knots, ends: Ends) -> Result<Vec<Trajectory>, CheckError> {
        let mut flights = Vec::new();
        for tilt in TILTS {
            let Some(flight) = self.line(path, 0, tilt) else { continue };
            let flight = self.flight.whole(&flight, ends);
            if self.is_valid(&flight)? {
                flights.push(flight);
            }
        }
        Ok(flights)
    }

    /// A smooth flight along one piece of a path, from rest to rest.
    fn line(&self, path: &Knots, piece: usize, tilt: f64) -> Option<Trajectory> {
        let envelope = &self.flight.envelope;
        let [from, to] = [piece, piece + 1].map(|i| &path.states[i].position[..]);
        let way: Vec<f64> = from.iter().zip(to).map(|(p, q)| q - p).collect();
        let Some(law) = envelope.line(&way, tilt) else {
            return Some(straight(
                from,
                from,
                &crate::steer::LineLaw { speed: 1.0, speeding: 1.0, braking: 1.0 },
            ));
        };
        let course = straight(from, to, &law);
        if envelope.is_vertical(&course) {
            return envelope.holds(&course).then_some(course);
        }
        let up = envelope.up();
        let length = way[..=up].iter().map(|w| w * w).sum::<f64>().sqrt();
        let widths = envelope.widths((law.speeding + law.braking) * length, envelope.hovering());
        envelope.smooth(&course, widths)
    }

    /// Valid flights along a path, each by accelerations of another box; where none is, the pieces of the
    /// path flown one by one.
    fn courses(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Vec<Trajectory>, CheckError> {
        let mut flights = Vec::new();
        for agility in self.flight.envelope.agilities().collect::<Vec<_>>() {
            if termination.late() {
                break;
            }
            flights.extend(self.course(path, &agility, ends, termination)?);
        }
        if flights.is_empty() && ends.delay == 0.0 {
            flights.extend(self.pieces(path, ends)?);
        }
        Ok(flights)
    }

    /// A valid flight along a path by the accelerations of a box: shortcuts keep clear of obstacles by what
    /// the filters may make of them; where that is not enough by twice that, or the whole is slowed down.
    fn course(
        &mut self,
        path: &Knots,
        agility: &Agility,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Option<Trajectory>, CheckError> {
        let flight = self.flight;
        let boxed = flight.flat(ends.start, agility, ends.delay);
        let widths = self.widths(agility);
        let up = flight.envelope.up();
        let level = agility.horizontal * (up as f64).sqrt();
        let blur = level * widths.iter().map(|w| w * w).sum::<f64>() / 24.0;
        let mut slowest = None;
        for times in [1.0, 2.0] {
            let clearance = self.clearance(times * blur)?;
            let seed = self.seed();
            let tries = self.options.shortcut_tries;
            let mut local = LocalPlanner::new(&boxed, &mut self.checker).with_fall(up, agility.fall);
            let Some((course, corners)) = legs(&flight.envelope, path, agility, &mut local)? else {
                return Ok(None);
            };
            let course = shorten_from(course, &corners, &mut local, tries, seed, &|| termination.late())?;
            self.statistics.edges += local.checked;
            if let Some(whole) = self.smoothed(&course, widths, ends)? {
                return Ok(Some(whole));
            }
            let is_last = clearance < times * blur;
            slowest = Some(course);
            if is_last {
                break;
            }
        }
        let Some(course) = slowest.filter(|_| ends.delay == 0.0) else { return Ok(None) };
        for stretch in STRETCHES {
            if let Some(whole) = self.smoothed(&stretched(&course, stretch), widths, ends)? {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Estimated widths of filters for motions in a box.
    fn widths(&self, agility: &Agility) -> [f64; 2] {
        let envelope = &self.flight.envelope;
        let level = agility.horizontal * (envelope.up() as f64).sqrt();
        envelope.widths(2.0 * level, envelope.hovering())
    }

    /// The greatest clearance up to `wanted`, in halves, that the ends afford; from now on it is asked for.
    fn clearance(&mut self, wanted: f64) -> Result<f64, CheckError> {
        let least = PADDINGS[self.padding];
        let mut clearance = wanted;
        while clearance > least {
            if self.affords(clearance)? {
                return Ok(clearance);
            }
            clearance *= 0.5;
        }
        self.checker.set_padding(least);
        Ok(least)
    }

    /// The whole valid flight along a course, made smooth, if there is one.
    fn smoothed(
        &mut self,
        course: &Trajectory,
        widths: [f64; 2],
        ends: Ends,
    ) -> Result<Option<Trajectory>, CheckError> {
        let envelope = &self.flight.envelope;
        let smooth = if ends.delay == 0.0 {
            envelope.smooth(course, widths)
        } else {
            let all: f64 = widths.iter().sum();
            Some(envelope::filtered(course, widths.map(|width| width * ends.delay / all)))
                .filter(|smooth| envelope.holds(smooth))
        };
        let Some(smooth) = smooth else { return Ok(None) };
        let whole = self.flight.whole(&smooth, ends);
        Ok(self.is_valid(&whole)?.then_some(whole))
    }

    /// The pieces of a path from rest to rest, each flown by itself at the gentlest of the tilts.
    fn pieces(&mut self, path: &Knots, ends: Ends) -> Result<Option<Trajectory>, CheckError> {
        let mut all = Trajectory::new(self.flight.envelope.outputs(), 2);
        for piece in 0..path.durations.len() {
            match self.line(path, piece, TILTS[0]) {
                Some(line) => all.append(&line),
                None => return Ok(None),
            }
        }
        let whole = self.flight.whole(&all, ends);
        Ok(self.is_valid(&whole)?.then_some(whole))
    }

    /// Whether a whole flight passes the checker, with the clearance that the search asks for.
    fn is_valid(&mut self, flight: &Trajectory) -> Result<bool, CheckError> {
        self.checker.set_padding(PADDINGS[self.padding]);
        self.edge.clear();
        self.edge.push_trajectory(flight);
        self.statistics.edges += 1;
        let mut verdicts = Vec::new();
        self.checker.check(&self.edge, &mut verdicts)?;
        Ok(verdicts[0].is_valid())
    }
}

/// A course along a path, and the times of its knots: lines as fast as can be from rest to rest, and
/// motions of the least duration where an end moves. `None` where there is no such motion.
fn legs(
    envelope: &Envelope<'_>,
    path: &Knots,
    agility: &Agility,
    local: &mut LocalPlanner<'_>,
) -> Result<Option<(Trajectory, Vec<f64>)>, CheckError> {
    let mut course = Trajectory::new(envelope.outputs(), 3);
    let mut corners = vec![0.0];
    for piece in 0..path.durations.len() {
        let (from, to) = (path.end(piece), path.end(piece + 1));
        let way: Vec<f64> = from.position.iter().zip(to.position).map(|(p, q)| q - p).collect();
        if !from.is_at_rest() || !to.is_at_rest() {
            match local.connect_fastest(from, to, f64::INFINITY)? {
                Some(fastest) => course.append(fastest),
                None => course.append(&path.piece(piece, &local.steering)),
            }
        } else if let Some(law) = envelope.line(&way, agility.tilt) {
            course.append(&straight(from.position, to.position, &law));
        } else {
            continue;
        }
        corners.push(course.duration());
    }
    Ok((!course.is_empty()).then_some((course, corners)))
}

/// The same course, taking so many times as long.
fn stretched(course: &Trajectory, times: f64) -> Trajectory {
    let mut stretched = Trajectory::new(course.dof(), course.degree());
    for segment in course.segments() {
        let scale = |(i, c): (usize, &f64)| c / times.powi((i % (course.degree() + 1)) as i32);
        let coefficients: Vec<f64> = segment.coefficients.iter().enumerate().map(scale).collect();
        stretched.push(times * segment.duration, &coefficients);
    }
    stretched
}

//! The planner of bases that go where they point: paths first, the fastest law of time along them after.

mod ends;
mod pursuit;
mod search;

use super::lane::{Answer, Finish, Lane, SAMPLES_PER_PADDING};
use super::termination::{Improve, Race};
use super::{Budget, Termination};
use crate::certify::Violation;
use crate::check::CheckError;
use crate::local_planner::CoursePlanner;
use crate::problem::FlatState;
use crate::refine::{Route, drive_by_arcs, shorten_route};
use crate::steer::{CourseLimits, TimeLaw};
use ends::Root;
use pursuit::Pursuit;
use search::{Search, Searched};
use std::time::Instant;

/// Searches for the first answer: the shortest of a few costs little, and paths of one tree each are far
/// longer.
const SEARCHES: u32 = 3;

/// Moves by which a route is shortened for each shortcut that is asked for, at most, and how many of them in
/// a row may hardly gain: more for a route that was hard to find, and by chance found far from the shortest.
const MOVES_PER_TRY: u32 = 32;
const PATIENCE_PER_TRY: u32 = 2;
const SAMPLES_PER_PATIENCE: u64 = 2;

/// Margins of the limits that a law of time is tried with, one after the other: where an end is at the limit
/// itself, none is left.
const MARGINS: [f64; 4] = [1e-3, 1e-2, 1e-5, 0.0];

/// One lane's search for trajectories of a base that goes where it points.
pub(super) struct Driver<'a> {
    lane: Lane<'a>,
    limits: CourseLimits,
    /// What guides the searches, from the first on.
    pursuit: Option<Pursuit<'a>>,
}

/// A route, how long it takes, and how long it took before it was shortened.
struct Found {
    route: Route,
    duration: f64,
    raw_duration: f64,
}

impl<'a> Driver<'a> {
    /// For a lane of a problem whose base has these limits.
    pub(super) fn new(lane: Lane<'a>, limits: CourseLimits) -> Self {
        Self { lane, limits, pursuit: None }
    }

    /// Finds an answer, then better ones as far as the options ask for them.
    pub(super) fn run(
        mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        race: &Race,
        improve: Option<Improve>,
    ) -> Result<Finish, CheckError> {
        self.lane.set_padding(goals)?;
        let answer = match self.first(goals, &termination.racing(race))? {
            Ok(first) => {
                let samples = self.lane.statistics.iterations;
                race.answered(samples);
                let termination = termination.until(improve);
                self.lane.local.set_stop(termination.stop());
                Ok((self.improve(first, goals, &termination, improve.is_some())?, samples))
            }
            Err(budget) => Err(budget),
        };
        Ok(self.lane.finish_with(answer))
    }

    /// The first answer that can be certified: the shortest of a few routes that can.
    fn first(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
    ) -> Result<Result<Answer, Budget>, CheckError> {
        loop {
            let repairs = self.lane.statistics.repairs;
            let mut routes = match self.found(goals, termination, repairs)? {
                Ok(found) => vec![found],
                Err(budget) => return Ok(Err(budget)),
            };
            let samples = self.lane.statistics.iterations;
            for _ in 1..SEARCHES {
                // A search that takes far longer than the first is not waited for.
                let most = self.lane.statistics.iterations.saturating_add(2 * samples + 50);
                // What time there is, is first of all for a proof.
                routes.extend(self.found(goals, &termination.halved().within(most), repairs)?);
            }
            self.add_arcs(&mut routes, termination)?;
            for route in &routes {
                if let Some(answer) = self.certified(route, termination) {
                    return Ok(Ok(answer));
                }
            }
            self.lane.statistics.repairs += 1;
        }
    }

    /// Adds to routes one of them driven by arcs, and sorts them by their durations. That is the shortest that can
    /// be, as it costs more than a search, and however long a route is, it becomes about as short; none where
    /// the shortest has no cusp, and nothing to gain. Half of the time that is left is kept for the proof.
    fn add_arcs(&mut self, routes: &mut Vec<Found>, termination: &Termination<'_>) -> Result<(), CheckError> {
        let in_order = |a: &Found, b: &Found| a.duration.total_cmp(&b.duration);
        routes.sort_by(in_order);
        self.lane.local.set_stop(termination.halved().stop());
        let can_gain = self.limits.steers_freely().is_some();
        for i in 0..routes.len() {
            if !can_gain || !routes[i].route.has_cusps() {
                break;
            }
            if let Some(driven) = self.drive_by_arcs(&routes[i])? {
                routes.push(driven);
                routes.sort_by(in_order);
                break;
            }
        }
        self.lane.local.set_stop(termination.stop());
        Ok(())
    }

    /// Further searches, as many as are asked for or until it is late, and polishes between.
    fn improve(
        &mut self,
        mut best: Answer,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        is_timed: bool,
    ) -> Result<Answer, CheckError> {
        let samples = self.lane.statistics.iterations;
        let asked = self.lane.options.searches.div_ceil(self.lane.share.of as u32);
        let mut done = 1_u32;
        while (is_timed || done < asked) && !termination.late() {
            let most = self.lane.statistics.iterations.saturating_add(3 * samples + 200);
            let mut routes = Vec::from_iter(self.found(goals, &termination.within(most), 0)?.ok());
            self.add_arcs(&mut routes, termination)?;
            routes.retain(|route| route.duration < best.trajectory.duration());
            if let Some(better) = routes.iter().find_map(|route| self.certified(route, termination)) {
                best = better;
            }
            done = done.saturating_add(1);
        }
        Ok(best)
    }

    /// A route, shortened in no more than half of the time that is left.
    fn found(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        repairs: u32,
    ) -> Result<Result<Found, Budget>, CheckError> {
        let before = self.lane.statistics.iterations;
        let route = match self.search(goals, termination, repairs)? {
            Searched::Path(route) => route,
            Searched::Exhausted(budget) => return Ok(Err(budget)),
        };
        let samples = self.lane.statistics.iterations - before;
        let started = Instant::now();
        let raw_duration = route.estimate(&self.limits);
        let (tries, polish) = (self.lane.options.shortcut_tries, self.lane.options.polish_tries);
        let hardness = u32::try_from(samples / SAMPLES_PER_PATIENCE).unwrap_or(u32::MAX);
        let of = |moves: u32| tries.saturating_mul(moves).saturating_add(polish);
        let moves = [of(MOVES_PER_TRY), of(PATIENCE_PER_TRY).saturating_add(hardness)];
        let seed = self.lane.seed();
        let outer = self.lane.local.stop().clone();
        self.lane.local.set_stop(termination.halved().stop());
        let route =
            with_planner(&mut self.lane, &self.limits, |planner| shorten_route(route, planner, moves, seed))?;
        self.lane.local.set_stop(&outer);
        let duration = route.estimate(&self.limits);
        self.lane.statistics.refine += started.elapsed();
        Ok(Ok(Found { route, duration, raw_duration }))
    }

    /// A route driven by arcs of constant steering, where that is faster.
    fn drive_by_arcs(&mut self, found: &Found) -> Result<Option<Found>, CheckError> {
        let started = Instant::now();
        let problem = self.lane.problem;
        let padding = self.lane.paddings[self.lane.padding];
        let faster = with_planner(&mut self.lane, &self.limits, |planner| {
            drive_by_arcs(&found.route, problem, planner, padding)
        })?;
        self.lane.statistics.refine += started.elapsed();
        let timed = |route: Route| Found { duration: route.estimate(&self.limits), route, ..*found };
        Ok(faster.map(timed))
    }

    /// A route, by a search of its own seed.
    fn search(
        &mut self,
        goals: &[&FlatState],
        termination: &Termination<'_>,
        repairs: u32,
    ) -> Result<Searched, CheckError> {
        let started = Instant::now();
        self.lane.statistics.searches = self.lane.statistics.searches.saturating_add(1);
        let before = self.lane.statistics.iterations;
        let termination = termination.after(before);
        let problem = self.lane.problem;
        let start = Root::of_start(&self.limits, &problem.start);
        let roots: Vec<Root> = goals.iter().map(|goal| Root::of_goal(&self.limits, goal)).collect();
        let bounds = ends::bounds(&self.limits, problem, goals);
        // Every other search goes its own way: the guide's path is short for a ball, not for each body.
        let is_guided = self.lane.statistics.searches % 2 == 1;
        let mut pursuit = is_guided.then(|| {
            let pursuit = self.pursuit.get_or_insert_with(|| {
                let places = roots.iter().map(|root| root.stance.place.into()).collect();
                Pursuit::new(problem, &self.limits, &start.stance, places, &bounds, termination.stop())
            });
            pursuit.restart();
            pursuit
        });
        let mut search = Search::new(&self.limits, start, roots, bounds, self.lane.options, self.lane.seed());
        let mut shrunk = 0;
        let found = loop {
            self.lane.sample_by_halves(repairs + shrunk);
            let stage = match self.lane.padding + 1 < self.lane.paddings.len() {
                true => SAMPLES_PER_PADDING.saturating_mul(u64::from(shrunk) + 1),
                false => u64::MAX,
            };
            let part = termination.within(before.saturating_add(stage));
            let found = with_planner(&mut self.lane, &self.limits, |planner| {
                search.search(planner, pursuit.as_deref_mut(), &part)
            })?;
            let over = matches!(found, Searched::Exhausted(Budget::Samples));
            if !over || termination.spent(search.samples).is_some() {
                break found;
            }
            self.lane.padding += 1;
            shrunk += 1;
            self.lane.local.checker().set_padding(self.lane.paddings[self.lane.padding]);
        };
        self.lane.statistics.iterations += search.samples;
        self.lane.statistics.plan += started.elapsed();
        Ok(found)
    }

    /// The trajectory along a route, with its proof, if it has one: with a greater margin where the first
    /// exceeds a limit.
    fn certified(&mut self, found: &Found, termination: &Termination<'_>) -> Option<Answer> {
        if found.route.curves.is_empty() {
            let trajectory = ends::standing(&self.limits, &self.lane.problem.start);
            let certificate = self.lane.certify(&trajectory, termination)?;
            return Some(Answer { trajectory, certificate, raw_duration: 0.0 });
        }
        let route = found.route.clone().guided();
        for margin in MARGINS {
            if termination.late() {
                break;
            }
            let started = Instant::now();
            let limits = self.limits.with_margin(margin);
            let law = TimeLaw::fastest_until(&limits, &route.curves, route.ends, termination.stop());
            let trajectory = law.map(|law| law.trajectory(&route.curves));
            self.lane.statistics.refine += started.elapsed();
            let Some(trajectory) = trajectory else { continue };
            if let Some(certificate) = self.lane.certify(&trajectory, termination) {
                return Some(Answer { trajectory, certificate, raw_duration: found.raw_duration });
            }
            let is_limit = matches!(
                self.lane.violation,
                Some(
                    Violation::Limit { .. } | Violation::BaseLimit { .. } | Violation::LimitNotProved { .. }
                )
            );
            if !is_limit {
                break;
            }
        }
        None
    }
}

/// Lends a local planner of a lane to `work`, and counts what that has checked.
fn with_planner<T>(
    lane: &mut Lane<'_>,
    limits: &CourseLimits,
    work: impl FnOnce(&mut CoursePlanner<'_>) -> T,
) -> T {
    let stop = lane.local.stop().clone();
    let mechanism = &lane.problem.mechanism;
    let mut planner = CoursePlanner::new(mechanism, limits, lane.local.checker()).until(&stop);
    let done = work(&mut planner);
    let checked = planner.checked;
    lane.local.checked += checked;
    done
}

//! The planner of nonholonomic bases: paths first, the fastest time parameterization along them after.

mod ends;
mod lattice;
mod passages;
mod path_tree;
mod pursuit;
mod search;
mod settings;

use super::driver::{Answer, Attempt, Family};
use super::termination::unless_spent;
use super::worker::{self, Worker};
use super::{Halt, Termination};
use crate::certify::Violation;
use crate::check::CheckError;
use crate::local_planner::{LocalPlanner, PathPlanner};
use crate::problem::JointState;
use crate::refine::{Route, drive_by_arcs, shorten_route};
use crate::robot::Mechanism;
use crate::steer::{PathLimits, TimeParameterization};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use ends::Root;
pub(super) use ends::instant;
pub(super) use pursuit::ball_path;
use pursuit::Pursuit;
use search::Search;
use settings::SearchSettings;

const SETTINGS: SearchSettings = SearchSettings::DEFAULT;

/// Moves by which a route is shortened for each shortcut that is asked for, at most, and how many of them in
/// a row may hardly gain: more for a route that was hard to find, and by chance found far from the shortest.
const MOVES_PER_TRY: u32 = 32;
const PATIENCE_PER_TRY: u32 = 2;
const SAMPLES_PER_PATIENCE: u64 = 2;

/// Margins of the limits that a time parameterization is tried with, one after the other: where an end is at the limit
/// itself, none is left.
const MARGINS: [f64; 4] = [1e-3, 1e-2, 1e-5, 0.0];

/// One worker's search for trajectories of a nonholonomic base.
pub(super) struct Drive<'a> {
    worker: Worker<'a>,
    limits: PathLimits,
    goals: Vec<&'a JointState>,
    /// What guides the searches, from the first on.
    pursuit: Option<Pursuit<'a>>,
    /// Whether the last attempt made a trajectory.
    has_made: bool,
    /// The route of the trajectory that was made last, and that of the best answer.
    last: Option<Route>,
    best: Option<Route>,
}

/// A route, how long it takes, and as it was before it was shortened.
pub(super) struct Found {
    route: Route,
    duration: f64,
    raw: Route,
    raw_duration: f64,
    /// As the lowest quality leaves it, where more was asked for.
    early: Option<Route>,
}

/// A search and what guides it, on a mechanism with these limits.
struct Guided<'s, 'a> {
    search: Search<'s>,
    pursuit: &'s mut Pursuit<'a>,
    mechanism: &'s Mechanism,
    limits: &'s PathLimits,
}

impl worker::ResumableSearch for Guided<'_, '_> {
    type Path = Route;

    fn samples(&self) -> u64 {
        self.search.samples
    }

    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Route, Halt> {
        let Self { search, pursuit, mechanism, limits } = self;
        with_planner(local, mechanism, limits, |planner| search.search(planner, pursuit, termination))
    }
}

impl<'a> Drive<'a> {
    /// For a worker on a problem whose base has these limits.
    pub(super) fn new(worker: Worker<'a>, limits: PathLimits, goals: &[&'a JointState]) -> Self {
        // An end at a limit leaves no margin.
        let is_at_limit = ends::are_at_limit(&limits, goals.iter().copied().chain([&worker.problem.start]));
        let limits = if is_at_limit { limits.with_margin(0.0) } else { limits };
        Self { worker, limits, goals: goals.to_vec(), pursuit: None, has_made: false, last: None, best: None }
    }

    /// Adds to routes one of them driven by arcs, and sorts them by their durations. That is the shortest that can
    /// be, as it costs more than a search, and however long a route is, it becomes about as short; none where
    /// the shortest has no cusp, and nothing to gain. Half of the time that is left is kept for the proof.
    fn add_arcs(&mut self, routes: &mut Vec<Found>, termination: &Termination<'_>) -> Result<(), CheckError> {
        let in_order = |a: &Found, b: &Found| a.duration.total_cmp(&b.duration);
        routes.sort_by(in_order);
        self.worker.local.set_stop(termination.halved().stop());
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
        self.worker.local.set_stop(termination.stop());
        Ok(())
    }

    /// A route, shortened in no more than half of the time that is left.
    fn found(&mut self, termination: &Termination<'_>, repairs: u32) -> Result<Found, Halt> {
        let before = self.worker.statistics.iterations;
        let route = self.route(termination, repairs)?;
        let samples = self.worker.statistics.iterations - before;
        let limits = &self.limits;
        self.worker.refining(|worker| {
            let raw_duration = route.estimate(limits);
            let (tries, polish) = (worker.options.shortcut_tries, worker.polishes);
            let hardness = u32::try_from(samples / SAMPLES_PER_PATIENCE).unwrap_or(u32::MAX);
            let of = |polish: u32| {
                let of = |moves: u32| tries.saturating_mul(moves).saturating_add(polish);
                [of(MOVES_PER_TRY), of(PATIENCE_PER_TRY).saturating_add(hardness)]
            };
            let moves = [of(0), of(polish)];
            let seed = worker.seed();
            let outer = worker.local.stop().clone();
            worker.local.set_stop(termination.halved().stop());
            let mechanism = &worker.problem.mechanism;
            let raw = route.clone();
            let shorten = |planner: &mut PathPlanner<'_>| shorten_route(route, planner, moves, seed);
            let (route, early) = with_planner(&mut worker.local, mechanism, limits, shorten)?;
            worker.local.set_stop(&outer);
            Ok(Found { duration: route.estimate(limits), route, raw, raw_duration, early })
        })
    }

    /// A route driven by arcs of constant steering, where that is faster.
    fn drive_by_arcs(&mut self, found: &Found) -> Result<Option<Found>, CheckError> {
        let limits = &self.limits;
        let faster = self.worker.refining(|worker| {
            let (problem, padding) = (worker.problem, worker.clearance());
            with_planner(&mut worker.local, &problem.mechanism, limits, |planner| {
                drive_by_arcs(&found.route, problem, planner, padding)
            })
        })?;
        let timed = |route: Route| {
            let (raw, raw_duration) = (found.raw.clone(), found.raw_duration);
            Found { duration: route.estimate(limits), route, raw, raw_duration, early: None }
        };
        Ok(faster.map(timed))
    }

    /// A timed route, or of those that it was made of the one that takes the least as it is timed: shortcuts go by
    /// estimates. Where it takes no longer than was estimated before it was shortened, nothing is looked at of that.
    fn not_longer(
        &mut self,
        found: &mut Found,
        mut shortened: Trajectory,
        limits: &PathLimits,
        stop: &Stop,
    ) -> Trajectory {
        if let Some(early) = found.early.take() {
            let timed = self.worker.refining(|_| timed(&early, limits, stop));
            if let Some(timed) = timed.filter(|timed| timed.duration() < shortened.duration()) {
                (found.route, shortened) = (early, timed);
            }
        }
        if shortened.duration() <= found.raw_duration {
            return shortened;
        }
        let raw = match found.raw == found.route {
            true => Some(shortened.clone()),
            false => self.worker.refining(|_| timed(&found.raw, limits, stop)),
        };
        let Some(raw) = raw else { return shortened };
        found.raw_duration = raw.duration();
        if raw.duration() < shortened.duration() {
            std::mem::swap(&mut found.raw, &mut found.route);
            return raw;
        }
        shortened
    }

    /// A route, by a search of its own seed.
    fn route(&mut self, termination: &Termination<'_>, repairs: u32) -> Result<Route, Halt> {
        let begun = self.worker.begin_search();
        let Self { worker, limits, goals, pursuit, .. } = self;
        let Worker { problem, options, .. } = *worker;
        let start = Root::of_start(limits, &problem.start);
        let roots: Vec<Root> = goals.iter().map(|goal| Root::of_goal(limits, goal)).collect();
        let bounds = ends::bounds(limits, problem, goals);
        // Samples of every other search go their own way: the guide's path is short for a ball, not for each body. The
        // lattice, which finds much the same again, is for every third.
        let (follows, has_lattice) = (worker.statistics.searches % 2 == 1, worker.statistics.searches % 3 == 1);
        let pursuit = pursuit.get_or_insert_with(|| {
            let places = roots.iter().map(|root| root.stance.place.into()).collect();
            Pursuit::new(problem, limits, &start.stance, places, &bounds, termination.stop())
        });
        pursuit.restart();
        let search = Search::new(limits, start, roots, bounds, options, begun.seed).by(follows, has_lattice);
        let mut search = Guided { search, pursuit, mechanism: &problem.mechanism, limits };
        worker.search(&begun, &mut search, termination, repairs)
    }
}

impl<'a> Family<'a> for Drive<'a> {
    type Path = Found;

    fn worker(&mut self) -> &mut Worker<'a> {
        &mut self.worker
    }

    fn ask_for_clearance(&mut self) -> Result<(), CheckError> {
        self.worker.ask_for_clearance(&self.goals)
    }

    /// Routes, the shortest first: for the first answer of a few searches.
    fn search(&mut self, best: Option<&Answer>, termination: &Termination<'_>) -> Result<Vec<Found>, Halt> {
        let repairs = if best.is_none() { self.worker.statistics.repairs } else { 0 };
        let mut routes = vec![self.found(termination, repairs)?];
        let samples = self.worker.statistics.iterations;
        for _ in 1..if best.is_none() && samples <= SETTINGS.easy { SETTINGS.searches } else { 1 } {
            // A search that takes far longer than the first is not waited for.
            let most = self.worker.statistics.iterations.saturating_add(2 * samples + 50);
            // What time there is, is first of all for a proof.
            let part = termination.halved().within(most);
            routes.extend(unless_spent(self.found(&part, repairs))?);
        }
        self.add_arcs(&mut routes, termination)?;
        Ok(routes)
    }

    fn estimate(&self, found: &Found) -> f64 {
        found.duration
    }

    fn raw_duration(&self, found: &Found) -> f64 {
        if found.route.curves.is_empty() { 0.0 } else { found.raw_duration }
    }

    /// Timed along its route: with a greater margin where the last one exceeded a limit; and where that cannot be, along
    /// the route as it was found.
    fn trajectory(&mut self, found: &mut Found, attempt: u32, stop: &Stop) -> Result<Attempt, CheckError> {
        let is_limit = matches!(
            self.worker.violation,
            Some(Violation::Limit { .. } | Violation::BaseLimit { .. } | Violation::LimitNotProved { .. })
        );
        let (round, number) = (attempt as usize / MARGINS.len(), attempt as usize % MARGINS.len());
        if round > 1 || round == 1 && found.raw == found.route {
            return Ok(Attempt::Over);
        }
        let (route, margin) = (if round == 0 { &found.route } else { &found.raw }, MARGINS[number]);
        if found.route.curves.is_empty() {
            let standing = || instant(&self.limits, &self.worker.problem.start);
            return Ok(if attempt == 0 { Attempt::Made(standing()) } else { Attempt::Over });
        }
        if attempt > 0 && self.has_made && !is_limit {
            return Ok(Attempt::Over);
        }
        let limits = self.limits.with_margin(margin);
        let timed = self.worker.refining(|_| timed(route, &limits, stop));
        self.has_made = timed.is_some();
        let Some(timed) = timed else { return Ok(Attempt::Failed) };
        let made = if round == 0 { self.not_longer(found, timed, &limits, stop) } else { timed };
        self.last = Some(if round == 0 { &found.route } else { &found.raw }.clone());
        Ok(Attempt::Made(made))
    }

    fn keep(&mut self) {
        self.best = self.last.take();
    }

    /// The route of the best answer, shortened and timed.
    fn polish(&mut self, _best: &Answer, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        let Some(route) = self.best.clone().filter(|route| !route.curves.is_empty()) else { return Ok(None) };
        let Self { worker, limits, .. } = self;
        worker.statistics.polishes = worker.statistics.polishes.saturating_add(1);
        let (seed, mechanism, before) = (worker.seed(), &worker.problem.mechanism, route.estimate(limits));
        let route = worker.refining(|worker| {
            let shorten = |planner: &mut PathPlanner<'_>| shorten_route(route, planner, [[moves; 2]; 2], seed);
            with_planner(&mut worker.local, mechanism, limits, shorten)
        })?
        .0;
        if route.estimate(limits) >= before {
            return Ok(None);
        }
        let stop = worker.local.stop().clone();
        let timed = worker.refining(|_| timed(&route, limits, &stop));
        self.last = Some(route);
        Ok(timed)
    }
}

/// The fastest trajectory along a route, if there is one.
fn timed(route: &Route, limits: &PathLimits, stop: &Stop) -> Option<Trajectory> {
    let route = route.clone().guided();
    let law = TimeParameterization::fastest_until(limits, &route.curves, route.ends, stop)?;
    Some(law.trajectory(&route.curves))
}

/// Lends a local planner of curves to `work`, and counts what that has checked.
fn with_planner<T>(
    local: &mut LocalPlanner<'_>,
    mechanism: &Mechanism,
    limits: &PathLimits,
    work: impl FnOnce(&mut PathPlanner<'_>) -> T,
) -> T {
    let stop = local.stop().clone();
    let mut planner = PathPlanner::new(mechanism, limits, local.checker()).until(&stop);
    let done = work(&mut planner);
    let checked = planner.checked;
    local.checked += checked;
    done
}

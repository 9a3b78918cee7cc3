//! The wide search as a planner: what it asks of a query, and what it makes of a path. Imports `wide`, `local_planner`
//! and what lies below them.

use super::grown::{Grown, Metric, Side};
use super::worker::{ResumableSearch, Share, Worker};
use super::{Algorithm, Halt, PlanOptions, RrtConnect, Termination, sense};
use crate::check::packed::reaches;
use crate::check::{CheckError, EdgeChecker, OnDevice};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::search::Sampler;
use crate::steer::{End, Steering, steering_limits};
use crate::stop::Stop;
use crate::wide::{WideAnswer, WideOutput, WideSearch, WideSettings, WideTask, explorer_on};
use std::time::Duration;

/// A path that a search elsewhere has found for a query, before this begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offer {
    /// Positions at rest from the start to a goal, to the accuracy of single precision.
    pub(super) positions: Vec<Vec<f64>>,
    /// Samples that it took.
    pub(super) samples: u64,
    /// Its share of the time that searching all took.
    pub(super) time: Duration,
}

/// The search of a query between positions at rest, with a checker that grows spheres by `padding` and samples at
/// `resolution`, metres.
fn task(
    problem: &Problem,
    options: &PlanOptions,
    roots: [Vec<Vec<f64>>; 2],
    seed: u64,
    [padding, resolution]: [f64; 2],
) -> WideTask {
    let Metric { range, weights, bounds } = Metric::new(problem, options);
    let terms = Steering::new(problem.smoothness, &steering_limits(problem)).rest_to_rest_terms();
    let reaches = reaches(&problem.mechanism);
    let output = |(j, bounds): (usize, (f64, f64))| WideOutput {
        bounds,
        weight: weights[j],
        reach: reaches[j].into(),
        seconds: terms[j],
    };
    WideTask {
        problem: 0,
        outputs: bounds.into_iter().enumerate().map(output).collect(),
        degree: problem.smoothness.degree(),
        roots,
        seed,
        range,
        padding,
        clearance: options.clearance,
        resolution,
        most_samples: options.max_samples,
        time_limit: options.time_limit,
        cancel: options.cancel.clone(),
    }
}

/// How much room and work there is for a query.
struct WideQuerySettings {
    /// Samples that a device draws for one of many queries, at most: what has no answer then is for lanes, which try narrower
    /// clearances too. More than the median of random mazes in space takes, of all random families the hardest.
    device_samples: u64,
    /// Nodes of a tree for which the first search in lanes has room, a megabyte of an arm: it doubles with each that
    /// fills it, ...
    capacity: u32,
    /// ... at most so often: a tree takes a quarter of a gigabyte then.
    doublings: u32,
}

impl WideQuerySettings {
    const DEFAULT: Self = Self { device_samples: 1 << 17, capacity: 1 << 14, doublings: 8 };
}

/// Whether a device is asked for a query at all, if it makes sense: not for what the wide search refuses, nor where callers
/// have constraints of their own; and what begins or ends in motion is left to who can check how it comes to rest.
pub(super) fn is_for_device(problem: &Problem, options: &PlanOptions) -> bool {
    matches!(options.algorithm, None | Some(Algorithm::Wide))
        && sense::wide(problem, options).is_ok()
        && options.constraints.is_empty()
        && problem.start.is_at_rest()
        && problem.goals.iter().any(JointState::is_at_rest)
}

/// What a device is to search for a query that is for it, number `number` of its problems. `problem` is one that makes
/// sense, and `checker` is asked which clearance its ends have.
///
/// # Errors
/// When the checker fails.
pub(super) fn device_task(
    problem: &Problem,
    options: &PlanOptions,
    number: usize,
    checker: &mut dyn EdgeChecker,
) -> Result<WideTask, CheckError> {
    let goals: Vec<&JointState> = problem.goals.iter().filter(|goal| goal.is_at_rest()).collect();
    let mut worker = Worker::new(problem, checker, options, Share { number: 0, of: 1 }, &Stop::NEVER);
    worker.ask_for_clearance(&goals)?;
    let [padding, spacing] = [worker.grown_by(), worker.spacing];
    let goals = goals.iter().map(|goal| goal.position.clone()).collect();
    let roots = [vec![problem.start.position.clone()], goals];
    let task = task(problem, options, roots, options.seed, [padding, spacing]);
    let most_samples = task.most_samples.min(WideQuerySettings::DEFAULT.device_samples);
    Ok(WideTask { problem: number, most_samples, ..task })
}

/// The wide search in lanes, of one query.
pub(super) struct WideConnect<'a> {
    problem: &'a Problem,
    options: &'a PlanOptions,
    seed: u64,
    /// The ends of the query and states at rest near those that move.
    ends: [Grown; 2],
    search: Option<WideSearch>,
    /// The clearance by which a device has searched last, or failed to: the rest is for lanes.
    explored_by: Option<f64>,
    /// What searches in its place where no end is at rest, nor comes to rest.
    moving: Option<RrtConnect<'a>>,
    samples: u64,
    /// Searches that have come to an end, each of which had twice the room of the one before.
    ended: u32,
}

/// Trees of the start and of the goals alone.
fn ends(problem: &Problem, goals: &[&JointState], options: &PlanOptions, seed: u64) -> [Grown; 2] {
    let Metric { weights, bounds, .. } = Metric::new(problem, options);
    let [from_start, from_goal] = Sampler::for_trees(bounds, seed);
    [
        Grown::new(&weights, from_start, std::iter::once(&problem.start)),
        Grown::new(&weights, from_goal, goals.iter().copied()),
    ]
}

impl<'a> WideConnect<'a> {
    /// A search from the start of `problem` to those of its goals that are in `goals`.
    pub(super) fn new(problem: &'a Problem, goals: &[&JointState], options: &'a PlanOptions, seed: u64) -> Self {
        let ends = ends(problem, goals, options, seed);
        Self { problem, options, seed, ends, search: None, explored_by: None, moving: None, samples: 0, ended: 0 }
    }

    /// What a device finds all by itself. One that fails finds nothing: the checker tells why when it is next asked.
    fn explored(
        &mut self,
        place: &OnDevice,
        local: &mut LocalPlanner<'_>,
        termination: &Termination<'_>,
    ) -> Result<Option<Knots>, CheckError> {
        let Ok(mut explorer) = explorer_on(place) else { return Ok(None) };
        let most_samples = termination.left(self.samples);
        let asked = WideTask { problem: place.problem, most_samples, ..self.task(place.padding, place.resolution) };
        let mut found = None;
        // Who fails has handed over what there was.
        let _ = explorer.explore(&[asked], termination.stop(), &mut |_, answer| found = Some(answer));
        let Some(WideAnswer { path, samples, .. }) = found else { return Ok(None) };
        self.samples += samples;
        path.map_or(Ok(None), |(positions, _)| knots(self.problem, &positions, &self.ends, local))
    }

    fn task(&self, padding: f64, resolution: f64) -> WideTask {
        let [start, goals] = &self.ends;
        let roots = [start, goals]
            .map(|grown| rests(grown).map(|node| grown.tree.position(node).to_vec()).collect());
        let seed = self.seed.wrapping_add(u64::from(self.ended) << 16);
        task(self.problem, self.options, roots, seed, [padding, resolution])
    }

    /// The search at hand, or where the last one has come to an end, one of more room and another seed.
    fn current(&mut self) -> WideSearch {
        if let Some(search) = self.search.take() {
            if search.is_running() {
                return search;
            }
            self.ended += 1;
        }
        // The checker knows how spheres are grown and edges sampled.
        let task = self.task(0.0, self.options.spacing(self.problem));
        let slots = match self.options.batch {
            0 => WideSettings::DEFAULT.slots,
            chosen => u32::try_from(chosen).unwrap_or(u32::MAX / 2),
        };
        let WideQuerySettings { capacity, doublings, .. } = WideQuerySettings::DEFAULT;
        WideSearch::new(&task, slots, capacity << self.ended.min(doublings))
    }
}

impl ResumableSearch for WideConnect<'_> {
    type Path = Knots;

    fn samples(&self) -> u64 {
        self.samples + self.moving.as_ref().map_or(0, |search| search.samples)
    }

    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Knots, Halt> {
        if self.samples == 0 && self.moving.is_none() {
            if let Some(budget) = termination.spent(0) {
                return Err(Halt::Spent(budget));
            }
            self.ends[0].leave_speed(Side::Start, local)?;
            self.ends[1].leave_speed(Side::Goal, local)?;
            if self.ends.iter().any(|grown| rests(grown).next().is_none()) {
                let goals: Vec<JointState> =
                    (0..self.ends[1].accelerations.len()).map(|goal| self.ends[1].state(goal)).collect();
                let goals: Vec<&JointState> = goals.iter().collect();
                self.moving = Some(RrtConnect::new(self.problem, &goals, self.options, self.seed));
            }
        }
        if let Some(search) = &mut self.moving {
            return search.search(local, termination);
        }
        // Once for each clearance: the budget of samples of each is another.
        let place = local.checker().on_device();
        if let Some(place) = place.filter(|place| self.explored_by != Some(place.padding)) {
            self.explored_by = Some(place.padding);
            if let Some(knots) = self.explored(&place, local, termination)? {
                return Ok(knots);
            }
        }
        loop {
            if let Some(budget) = termination.spent(self.samples) {
                return Err(Halt::Spent(budget));
            }
            let mut search = self.current();
            let before = search.samples();
            search.advance(local.checker())?;
            self.samples += search.samples() - before;
            if let Some(budget) = termination.interrupted() {
                self.search = Some(search);
                return Err(Halt::Spent(budget));
            }
            let answer = (!search.is_running()).then(|| search.answer());
            self.search = Some(search);
            if let Some(WideAnswer { path: Some((positions, _)), .. }) = answer
                && let Some(knots) = knots(self.problem, &positions, &self.ends, local)?
            {
                return Ok(knots);
            }
        }
    }
}

/// A path between positions at rest, from end to end; `None` where it cannot be driven.
fn knots(
    problem: &Problem,
    positions: &[Vec<f64>],
    ends: &[Grown; 2],
    local: &mut LocalPlanner<'_>,
) -> Result<Option<Knots>, CheckError> {
    let [first, last] = [(0, positions.first()), (1, positions.last())].map(|(end, position)| {
        let position = position?;
        root_at(&ends[end], position)
    });
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let mut states: Vec<JointState> = positions.iter().map(|p| JointState::at_rest(p.clone())).collect();
    // What went through single precision stays within its bounds, and begins and ends where it is to.
    for state in &mut states {
        for (x, limits) in state.position.iter_mut().zip(&problem.mechanism.limits) {
            *x = x.clamp(limits.lower, limits.upper);
        }
    }
    let count = states.len();
    states[0] = ends[0].state(first);
    states[count - 1] = ends[1].state(last);
    let Some(durations) = durations(problem, &states, local)? else { return Ok(None) };
    let mut path = Knots { states, durations };
    // From the ends that move to where the search began.
    for (side, node) in [(0, first), (1, last)] {
        let mut node = node;
        while ends[side].tree.parent(node) != node {
            let duration = ends[side].durations[node];
            node = ends[side].tree.parent(node);
            let at = if side == 0 { 0 } else { path.states.len() };
            path.states.insert(at, ends[side].state(node));
            path.durations.insert(if side == 0 { 0 } else { path.durations.len() }, duration);
        }
    }
    Ok(Some(path))
}

/// How long each edge between states at rest takes. Whoever found them has checked them; but how slow an edge must be for
/// efforts, or for a base in its own frame, is for the checker to tell once more.
fn durations(
    problem: &Problem,
    states: &[JointState],
    local: &mut LocalPlanner<'_>,
) -> Result<Option<Vec<f64>>, CheckError> {
    if local.holds_efforts() || problem.mechanism.vehicle().is_some() {
        let pair = |k: usize| (End::from(&states[k]), End::from(&states[k + 1]));
        let durations = local.connect_all(states.len() - 1, pair, f64::INFINITY)?;
        return Ok(durations.iter().copied().collect());
    }
    let of = |pair: &[JointState]| {
        local.steering.rest_to_rest_duration(&pair[0].position, &pair[1].position)
    };
    Ok(Some(states.windows(2).map(of).collect()))
}

/// The nodes of an end's tree that are at rest.
fn rests(grown: &Grown) -> impl Iterator<Item = usize> + '_ {
    (0..grown.tree.len()).filter(|&node| grown.end(node).is_at_rest())
}

/// The node at rest that a path begins, or ends, at.
fn root_at(grown: &Grown, position: &[f64]) -> Option<usize> {
    let off = |&node: &usize| {
        let ways = grown.tree.position(node).iter().zip(position).map(|(a, b)| (a - b).abs());
        ways.fold(0.0, f64::max)
    };
    let nearest = rests(grown).min_by(|a, b| off(a).total_cmp(&off(b)))?;
    // Single precision.
    let size = position.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
    (off(&nearest) <= 1e-6 * size).then_some(nearest)
}

/// The path that was offered, if the query's own checker finds it valid.
///
/// # Errors
/// When the checker fails.
pub(super) fn taken(
    offer: &Offer,
    problem: &Problem,
    goals: &[&JointState],
    options: &PlanOptions,
    local: &mut LocalPlanner<'_>,
) -> Result<Option<Knots>, CheckError> {
    knots(problem, &offer.positions, &ends(problem, goals, options, options.seed), local)
}

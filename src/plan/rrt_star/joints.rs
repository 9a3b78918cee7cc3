//! Kinodynamic RRT* for arms and points: states are positions and velocities, joined by the shortest polynomials within
//! limits. Imports `tree`, `local_planner`, `search` and what lies below them.

use super::super::grown::sample;
use super::super::worker::ResumableSearch;
use super::super::{Halt, PlanOptions, Termination};
use super::tree::{Added, OptimalEdges, OptimalTree, TreeEdge, Way};
use crate::check::{CheckError, Lengths, StateBatch, Status, search_box};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::refine::Knots;
use crate::robot::OutputLimits;
use crate::search::Sampler;
use crate::steer::End;

/// Share of the samples that carry a velocity where nobody says otherwise: the best motions seldom stand still on their
/// way, but where states are many, those at rest are found and joined more easily.
const MOVING_SHARE: f64 = 0.5;

/// A search that goes on with its tree from answer to answer.
pub(in crate::plan) struct JointRrtStar<'a> {
    problem: &'a Problem,
    options: &'a PlanOptions,
    goals: Vec<&'a JointState>,
    sampler: Sampler,
    moving_share: f64,
    /// Made when the search begins.
    tree: Option<OptimalTree>,
    samples: u64,
}

impl<'a> JointRrtStar<'a> {
    /// A search from the start of `problem` to these of its goals.
    pub(in crate::plan) fn new(problem: &'a Problem, goals: &[&'a JointState], options: &'a PlanOptions, seed: u64) -> Self {
        let bounds = search_box(problem, Lengths::of(problem).radian);
        let moving_share = if options.moving_share > 0.0 { options.moving_share } else { MOVING_SHARE };
        Self { problem, options, goals: goals.to_vec(), sampler: Sampler::new(bounds, seed), moving_share, tree: None, samples: 0 }
    }

    /// The same tree, to be taken up again: samples are counted from here.
    pub(in crate::plan) fn resumed(self) -> Self {
        Self { samples: 0, ..self }
    }

    /// Draws a state: position, then velocity.
    fn sample(&mut self) -> Vec<f64> {
        let dof = self.problem.mechanism.dof();
        let mut state = vec![0.0; 2 * dof];
        let (position, velocity) = state.split_at_mut(dof);
        let limits = &self.problem.mechanism.limits;
        sample(&mut self.sampler, self.options, self.moving_share, limits, position, velocity);
        state
    }

    /// The best path of the tree.
    fn path(&self, local: &mut LocalPlanner<'_>) -> Result<Option<Knots>, CheckError> {
        let Some(edges) = self.tree.as_ref().and_then(OptimalTree::path) else { return Ok(None) };
        let still = vec![0.0; self.problem.mechanism.dof()];
        let mut knots = Knots { states: vec![self.problem.start.clone()], durations: Vec::new() };
        for TreeEdge { from, to, .. } in edges {
            let Some(duration) = local.connect(end(from, &still), end(to, &still), f64::INFINITY)? else { return Ok(None) };
            let (position, velocity) = to.split_at(to.len() / 2);
            let [position, velocity, acceleration] = [position, velocity, &still].map(<[f64]>::to_vec);
            knots.states.push(JointState { position, velocity, acceleration });
            knots.durations.push(duration);
        }
        Ok(Some(knots))
    }
}

impl ResumableSearch for JointRrtStar<'_> {
    type Path = Knots;

    fn samples(&self) -> u64 {
        self.samples
    }

    /// Searches until there is an answer, or a better one than before.
    fn search(&mut self, local: &mut LocalPlanner<'_>, termination: &Termination<'_>) -> Result<Knots, Halt> {
        let dof = self.problem.mechanism.dof();
        let limits = local.limits().to_vec();
        let mut free = StateBatch::new(dof);
        let (still, mut verdicts) = (vec![0.0; dof], Vec::new());
        loop {
            if let Some(budget) = termination.spent(self.samples) {
                return Err(Halt::Spent(budget));
            }
            self.samples += 1;
            let Some(mut tree) = self.tree.take() else {
                let goals = self.goals.iter().map(|goal| numbers(goal)).collect();
                let mut edges = JointEdges::new(local, &limits, self.options);
                let tree = OptimalTree::new(&mut edges, &numbers(&self.problem.start), goals)?;
                let is_answered = tree.best().is_finite();
                self.tree = Some(tree);
                match self.path(local)?.filter(|_| is_answered) {
                    Some(path) => return Ok(path),
                    None => continue,
                }
            };
            let sample = self.sample();
            let (position, velocity) = sample.split_at(dof);
            free.clear();
            free.push(position, velocity, &still);
            local.checker().check_states(&free, &mut verdicts)?;
            let is_free = verdicts.iter().all(|v| matches!(v.status(), Status::Valid | Status::Effort));
            let added = match is_free {
                true => tree.add(&mut JointEdges::new(local, &limits, self.options), &sample),
                false => Ok(None),
            };
            self.tree = Some(tree);
            if added? == Some(Added::Better)
                && let Some(path) = self.path(local)?
            {
                return Ok(path);
            }
        }
    }
}

/// A state as numbers: position, then velocity.
fn numbers(state: &JointState) -> Vec<f64> {
    [&state.position[..], &state.velocity].concat()
}

/// Numbers as an end of an edge, without acceleration.
fn end<'e>(state: &'e [f64], still: &'e [f64]) -> End<'e> {
    let (position, velocity) = state.split_at(state.len() / 2);
    End { position, velocity, acceleration: still }
}

/// The edges of a local planner, whose cost is their duration.
struct JointEdges<'l, 'p> {
    local: &'l mut LocalPlanner<'p>,
    limits: &'l [OutputLimits],
    /// How many are checked at once.
    batch: usize,
    coefficients: Vec<f64>,
    still: Vec<f64>,
}

impl<'l, 'p> JointEdges<'l, 'p> {
    fn new(local: &'l mut LocalPlanner<'p>, limits: &'l [OutputLimits], options: &PlanOptions) -> Self {
        let batch = if options.batch > 0 { options.batch } else { local.checker().preferred_batch() };
        let coefficients = vec![0.0; (local.steering.degree() + 1) * limits.len()];
        Self { local, limits, batch, coefficients, still: vec![0.0; limits.len()] }
    }
}

impl OptimalEdges for JointEdges<'_, '_> {
    type Error = CheckError;

    fn states(&self) -> usize {
        2 * self.limits.len()
    }

    /// No output moves, or changes its velocity, faster than it may.
    fn at_least(&self, from: &[f64], to: &[f64]) -> f64 {
        let dof = self.limits.len();
        let time = |(i, limits): (usize, &OutputLimits)| {
            let way = (to[i] - from[i]).abs() / limits.velocity;
            way.max((to[dof + i] - from[dof + i]).abs() / limits.acceleration)
        };
        self.limits.iter().enumerate().map(time).fold(0.0, f64::max)
    }

    fn least_cost(&mut self, from: &[f64], to: &[f64]) -> f64 {
        let least = self.local.least_duration(end(from, &self.still), end(to, &self.still));
        if least.is_finite() { least } else { self.at_least(from, to) }
    }

    fn cost(&mut self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        let (from, to) = (end(from, &self.still), end(to, &self.still));
        let steering = &self.local.steering;
        let duration = match from.is_at_rest() && to.is_at_rest() {
            true => Some(steering.rest_to_rest_duration(from.position, to.position)),
            false => steering.steer(from, to, &mut self.coefficients),
        };
        duration.filter(|duration| *duration < below).map(|duration| [duration; 2])
    }

    fn at_once(&mut self) -> usize {
        self.batch
    }

    /// All of them are checked at once; what is too heavy is slowed down.
    fn valid_costs(&mut self, ways: &[Way<'_>]) -> Result<Vec<Option<f64>>, CheckError> {
        let Self { local, still, .. } = self;
        let pair = |i: usize| (end(ways[i].from, still), end(ways[i].to, still));
        local.connect_all(ways.len(), pair, f64::INFINITY).map(<[_]>::to_vec)
    }

    /// All of them: states have so many dimensions that the radius which theory asks for hardly shrinks.
    fn radius(&mut self, _: usize) -> f64 {
        f64::INFINITY
    }
}

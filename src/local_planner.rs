//! The local planner: joins two flat states by a valid edge. Every search and the refinement go
//! through it. Imports `check`, `steer` and what lies below them.

use crate::check::{CheckError, EdgeBatch, EdgeChecker, Status, Verdict};
use crate::problem::{FlatState, Problem};
use crate::steer::{LeastEffort, Profile, TimeOptimal};

/// How much longer an edge is made, step by step, when its efforts are too great: slower motions
/// need less, down to the weight alone.
const SLOWER: [f64; 5] = [1.25, 1.6, 2.1, 2.8, 4.0];

/// An end of an edge.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Position of each output.
    pub position: &'a [f64],
    /// Velocity of each output.
    pub velocity: &'a [f64],
}

impl<'a> From<&'a FlatState> for End<'a> {
    fn from(state: &'a FlatState) -> Self {
        Self { position: &state.position, velocity: &state.velocity }
    }
}

impl End<'_> {
    fn is_at_rest(&self) -> bool {
        self.velocity.iter().all(|&v| v == 0.0)
    }
}

/// Joins states by valid edges. Counts what it does.
pub struct LocalPlanner<'a> {
    /// The steering in use.
    pub steering: LeastEffort,
    checker: &'a mut dyn EdgeChecker,
    fastest: TimeOptimal,
    profiles: Vec<Profile>,
    torque: bool,
    edges: EdgeBatch,
    verdicts: Vec<Verdict>,
    coefficients: Vec<f64>,
    /// Answers of [`LocalPlanner::connect_all`].
    durations: Vec<Option<f64>>,
    /// Edges that need too much effort: which of the pairs, and the duration that was tried.
    heavy: Vec<(usize, f64)>,
    /// Edges checked so far.
    pub checked: u64,
}

impl<'a> LocalPlanner<'a> {
    /// A local planner for `problem`, whose edges `checker` checks.
    pub fn new(problem: &Problem, checker: &'a mut dyn EdgeChecker) -> Self {
        let dof = problem.mechanism.dof();
        Self {
            steering: LeastEffort::new(&problem.mechanism.limits),
            checker,
            fastest: TimeOptimal::new(&problem.mechanism.limits),
            profiles: Vec::new(),
            torque: problem.torque,
            edges: EdgeBatch::new(dof),
            verdicts: Vec::new(),
            coefficients: vec![0.0; 4 * dof],
            durations: Vec::new(),
            heavy: Vec::new(),
            checked: 0,
        }
    }

    /// The checker.
    pub fn checker(&mut self) -> &mut dyn EdgeChecker {
        self.checker
    }

    /// Duration of a valid edge from `from` to `to`, if there is one no longer than `longest`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect(&mut self, from: End<'_>, to: End<'_>, longest: f64) -> Result<Option<f64>, CheckError> {
        Ok(self.connect_all(1, |_| (from, to), longest)?[0])
    }

    /// For each of `count` pairs of states, the duration of a valid edge from the first to the second,
    /// if there is one no longer than `longest`. All edges are checked at once; those whose efforts
    /// are too great once more, slower.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_all<'e>(
        &mut self,
        count: usize,
        pair: impl Fn(usize) -> (End<'e>, End<'e>),
        longest: f64,
    ) -> Result<&[Option<f64>], CheckError> {
        self.edges.clear();
        self.durations.clear();
        for (from, to) in (0..count).map(&pair) {
            let shortest = self.shortest(from, to).filter(|&t| t <= longest);
            if let Some(duration) = shortest {
                self.push(from, to, duration);
            }
            self.durations.push(shortest);
        }
        self.check()?;
        self.heavy.clear();
        let mut verdicts = self.verdicts.iter();
        for (i, duration) in self.durations.iter_mut().enumerate() {
            let Some(shortest) = *duration else { continue };
            match verdicts.next().map(Verdict::status) {
                Some(Status::Valid) => {}
                Some(Status::Effort) if self.torque => self.heavy.push((i, shortest)),
                _ => *duration = None,
            }
        }
        if !self.heavy.is_empty() {
            self.connect_slower(pair, longest)?;
        }
        Ok(&self.durations)
    }

    /// For each edge that is too heavy, the least of a few longer durations at which the efforts hold.
    fn connect_slower<'e>(
        &mut self,
        pair: impl Fn(usize) -> (End<'e>, End<'e>),
        longest: f64,
    ) -> Result<(), CheckError> {
        let slower =
            |shortest: f64| SLOWER.into_iter().map(move |f| f * shortest).filter(move |&t| t <= longest);
        self.edges.clear();
        for k in 0..self.heavy.len() {
            let (i, shortest) = self.heavy[k];
            let (from, to) = pair(i);
            slower(shortest).for_each(|duration| self.push(from, to, duration));
        }
        self.check()?;
        let mut verdicts = self.verdicts.iter();
        for &(i, shortest) in &self.heavy {
            // All of them are looked at, so that the next edge's verdicts are next.
            let valid = slower(shortest).zip(&mut verdicts).filter(|(_, v)| v.is_valid()).map(|(t, _)| t);
            self.durations[i] = valid.fold(None, |least, t| least.or(Some(t)));
        }
        Ok(())
    }

    /// The least duration at which velocities and accelerations hold, if there is one.
    fn shortest(&mut self, from: End<'_>, to: End<'_>) -> Option<f64> {
        if from.is_at_rest() && to.is_at_rest() {
            return Some(self.steering.rest_to_rest_duration(from.position, to.position));
        }
        let Self { steering, coefficients, .. } = self;
        steering.steer(from.position, from.velocity, to.position, to.velocity, coefficients)
    }

    /// A valid motion from `from` to `to` that is as fast as velocities and accelerations allow, if
    /// there is one no longer than `longest`: the states at which some output's acceleration jumps,
    /// the last being `to`, each with the time since the one before.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_fastest(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        longest: f64,
    ) -> Result<Option<Vec<(f64, FlatState)>>, CheckError> {
        for stretch in std::iter::once(1.0).chain(SLOWER) {
            let Self { fastest, profiles, .. } = self;
            let duration =
                fastest.steer(from.position, from.velocity, to.position, to.velocity, stretch, profiles);
            let Some(duration) = duration.filter(|&t| t <= longest) else { return Ok(None) };
            let pieces = pieces(profiles, duration, to);
            self.edges.clear();
            self.push_pieces(from, &pieces);
            match self.check()?[0].status() {
                Status::Valid => return Ok(Some(pieces)),
                Status::Effort if self.torque => {}
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn push(&mut self, from: End<'_>, to: End<'_>, duration: f64) {
        if from.is_at_rest() && to.is_at_rest() {
            self.edges.push_at_rest(from.position, to.position, duration);
        } else {
            let Self { steering, coefficients, .. } = self;
            steering.steer_in(duration, from.position, from.velocity, to.position, to.velocity, coefficients);
            self.edges.push(duration, coefficients);
        }
    }

    fn push_pieces(&mut self, from: End<'_>, pieces: &[(f64, FlatState)]) {
        let Self { edges, steering, coefficients, .. } = self;
        edges.begin();
        let mut last = from;
        for (duration, state) in pieces {
            let next = End::from(state);
            steering.steer_in(
                *duration,
                last.position,
                last.velocity,
                next.position,
                next.velocity,
                coefficients,
            );
            edges.extend(*duration, coefficients);
            last = next;
        }
    }

    fn check(&mut self) -> Result<&[Verdict], CheckError> {
        self.checked += self.edges.len() as u64;
        if self.edges.is_empty() {
            // No device need be asked.
            self.verdicts.clear();
            return Ok(&self.verdicts);
        }
        self.checker.check(&self.edges, &mut self.verdicts)?;
        Ok(&self.verdicts)
    }
}

/// Pieces shorter than this are merged into their neighbours: rounding, not motion.
const SHORTEST_PIECE: f64 = 1e-9;

/// Cuts profiles at all their switching times.
fn pieces(profiles: &[Profile], duration: f64, to: End<'_>) -> Vec<(f64, FlatState)> {
    let mut times: Vec<f64> = profiles.iter().flat_map(|p| [p.accelerated, p.cruised]).collect();
    times.sort_unstable_by(f64::total_cmp);
    let mut pieces = Vec::with_capacity(times.len() + 1);
    let mut last = 0.0;
    for t in times {
        if t - last > SHORTEST_PIECE && duration - t > SHORTEST_PIECE {
            let (position, velocity) = profiles.iter().map(|p| p.state(t)).unzip();
            pieces.push((t - last, FlatState { position, velocity }));
            last = t;
        }
    }
    pieces.push((
        duration - last,
        FlatState { position: to.position.to_vec(), velocity: to.velocity.to_vec() },
    ));
    pieces
}

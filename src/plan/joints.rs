//! The family of arms and points: every flat output is a joint, or moves as one, and edges are polynomials of time.

use super::aorrtc::{Aorrtc, looseness};
use super::driver::{Answer, Attempt, Family, GRACE, patience};
use super::options::{Algorithm, Quality};
use super::portfolio::Portfolio;
use super::rrt_star::JointRrtStar;
use super::wide::{Offer, WideConnect, taken};
use super::worker::Worker;
use super::{Halt, Termination};
use crate::certify::{LimitKind, Violation};
use crate::check::CheckError;
use crate::problem::{JointState, Smoothness};
use crate::refine::{
    KeptLimits, Knots, PolishTask, ReducedCost, polish, reduce, shorten, skip_corners, slowed, straighten,
};
use crate::stop::Stop;
use crate::trajectory::{Trajectory, derivative};

/// How often, and how, what fails to be certified is mended.
struct JointSettings {
    /// Refinements of one path that may fail to be certified before the path itself is taken: one as it is sampled, and
    /// one with samples half as far apart.
    refinements: u32,
    /// Efforts that exceed their limits by no more than this share are mended by moving more slowly: so much may lie
    /// between two samples; what exceeds them by more is refined anew.
    most_excess: f64,
    /// How much more slowly, as a share of the excess: efforts of moving shrink with the square of the time.
    slowing_per_excess: f64,
    /// And this much more, as weights do not shrink, and the first instant that is found is seldom the worst.
    least_slowing: f64,
    /// By which powers of the factor by which refinement made the best answer's path shorter bounds are loosened, search by
    /// search.
    looseness: [f64; 3],
}

impl JointSettings {
    const DEFAULT: Self =
        Self { refinements: 2, most_excess: 2e-2, slowing_per_excess: 0.5, least_slowing: 5e-3,
        looseness: [1.0, 0.5, 0.0],
    };
}

/// One worker's search for trajectories of joints.
pub(super) struct Joints<'a> {
    worker: Worker<'a>,
    /// In the order of how long the way to them takes at least.
    goals: Vec<&'a JointState>,
    /// That of Kinodynamic RRT*, where it has led to an answer.
    tree: Option<JointRrtStar<'a>>,
    /// Searches below a bound that have found nothing, since one did.
    fruitless: u32,
    /// A path that has been found already, until it is taken.
    offer: Option<&'a Offer>,
    /// The path that a trajectory was made of last, and that of the best answer.
    last: Knots,
    best: Knots,
}

/// A path of a search.
pub(super) struct JointPath {
    raw: Knots,
    /// Without the corners that need not be, once they are looked for.
    shorter: Option<Knots>,
    /// Refinements so far.
    refinements: u32,
    /// What the last one made, unless it was slowed down already.
    refined: Option<Trajectory>,
}

impl JointPath {
    fn new(raw: Knots) -> Self {
        Self { raw, shorter: None, refinements: 0, refined: None }
    }
}

impl<'a> Joints<'a> {
    pub(super) fn new(mut worker: Worker<'a>, goals: &[&'a JointState]) -> Self {
        let goals = ranked(&mut worker, goals);
        Self { worker, goals, tree: None, fruitless: 0, offer: None, last: Knots::default(), best: Knots::default() }
    }

    /// The same, with a path that has been found already, if there is one.
    pub(super) fn offered(self, offer: Option<&'a Offer>) -> Self {
        Self { offer, ..self }
    }

    /// The path that was offered, where it is of use.
    fn taken(&mut self) -> Result<Option<Knots>, CheckError> {
        let Some(offer) = self.offer.take() else { return Ok(None) };
        let Worker { problem, options, .. } = self.worker;
        let padding = self.worker.grown_by();
        self.worker.local.checker().set_padding(padding);
        self.worker.sample_by_halves(0);
        self.worker.statistics.iterations += offer.samples;
        self.worker.statistics.plan += offer.time;
        taken(offer, problem, &self.goals, options, &mut self.worker.local)
    }

    /// By what factor the path of the best answer costs more than motions of so many seconds can.
    fn looseness(&self, longest: f64) -> f64 {
        looseness(self.worker.problem, &self.best, longest).max(1.0)
    }

    /// The goals of the next search for a better answer: by turns the one that the best leads to, and the next of
    /// those that a way might lead to sooner.
    fn goals_of_next(&mut self, best: &Answer) -> Vec<&'a JointState> {
        let goals = &self.goals;
        if goals.len() == 1 {
            return goals.clone();
        }
        let last = best.trajectory.segment(best.trajectory.len() - 1);
        let far = |goal: &JointState| {
            let miss = |(output, p): (usize, &f64)| {
                (derivative(last.polynomial(output), 0, last.duration) - p).abs()
            };
            goal.position.iter().enumerate().map(miss).fold(0.0, f64::max)
        };
        let reached = goals.iter().copied().min_by(|a, b| far(a).total_cmp(&far(b)));
        let Worker { local, problem, statistics, .. } = &mut self.worker;
        let mut least = |goal: &JointState| local.least_duration((&problem.start).into(), goal.into());
        let sooner = goals.iter().take_while(|goal| least(goal) < best.trajectory.duration()).count();
        let turn = (statistics.searches as usize).saturating_sub(1);
        if turn.is_multiple_of(2) || sooner == 0 {
            return reached.into_iter().collect();
        }
        vec![goals[turn / 2 % sooner]]
    }
}

/// How many times as long as the shortest a search may take after so many that found nothing: 1, 1, 2, 1, 1, 2, 4 and so on.
/// Whatever length would be the best, if it were known, no other order is ahead of this by more than a logarithm (Luby,
/// Sinclair, Zuckerman, *Optimal speedup of Las Vegas algorithms*, Information Processing Letters 1993).
fn luby(before: u32) -> u64 {
    let mut number = u64::from(before) + 1;
    loop {
        // A run of 2^k - 1 ends with 2^(k - 1), and begins with the run before it, twice.
        let half = 1 << number.ilog2();
        if number + 1 == 2 * half {
            return half;
        }
        number -= half - 1;
    }
}

/// Goals in the order of how long the way to them takes at least.
fn ranked<'a>(worker: &mut Worker<'a>, goals: &[&'a JointState]) -> Vec<&'a JointState> {
    if goals.len() == 1 {
        return goals.to_vec();
    }
    let Worker { local, problem, .. } = worker;
    let mut least = |goal: &JointState| local.least_duration((&problem.start).into(), goal.into());
    let mut ranked: Vec<(f64, &JointState)> = goals.iter().map(|&goal| (least(goal), goal)).collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked.into_iter().map(|(_, goal)| goal).collect()
}

impl<'a> Family<'a> for Joints<'a> {
    type Path = JointPath;

    const MAKES_SHORTER: bool = true;

    fn worker(&mut self) -> &mut Worker<'a> {
        &mut self.worker
    }

    fn ask_for_clearance(&mut self) -> Result<(), CheckError> {
        self.worker.ask_for_clearance(&self.goals)
    }

    fn search(
        &mut self,
        best: Option<&Answer>,
        termination: &Termination<'_>,
    ) -> Result<Vec<JointPath>, Halt> {
        let (goals, repairs) = match best {
            None => (self.goals.clone(), self.worker.statistics.repairs),
            Some(best) => (self.goals_of_next(best), 0),
        };
        let begun = self.worker.begin_search();
        if let Some(raw) = self.taken()? {
            self.worker.statistics.plan += begun.elapsed();
            return Ok(vec![JointPath::new(raw)]);
        }
        let Worker { problem, options, .. } = self.worker;
        let longest = best.map_or(f64::INFINITY, |best| options.cost.longest(best.cost));
        let raw = match options.algorithm {
            None | Some(Algorithm::Aorrtc) if longest.is_finite() => {
                let turns = JointSettings::DEFAULT.looseness;
                let loose = self.looseness(longest).powf(turns[self.worker.statistics.searches as usize % turns.len()]);
                let mut search = Aorrtc::new(problem, &self.goals, options, begun.seed, longest, loose);
                let found = self.worker.search(&begun, &mut search, termination, repairs);
                self.fruitless = if found.is_ok() { 0 } else { self.fruitless.saturating_add(1) };
                found?
            }
            None | Some(Algorithm::RrtConnect | Algorithm::Aorrtc) => {
                let mut search = Portfolio::new(problem, &goals, options, begun.seed);
                self.worker.search(&begun, &mut search, termination, repairs)?
            }
            Some(Algorithm::Wide) => {
                let mut search = WideConnect::new(problem, &goals, options, begun.seed);
                self.worker.search(&begun, &mut search, termination, repairs)?
            }
            // A tree that led to an answer goes on to better ones; one whose answer could not be certified would lead
            // there again.
            Some(Algorithm::RrtStar) => {
                let before = self.tree.take().filter(|_| best.is_some());
                let fresh = || JointRrtStar::new(problem, &self.goals, options, begun.seed);
                let mut search = before.map_or_else(fresh, JointRrtStar::resumed);
                let found = self.worker.search(&begun, &mut search, termination, repairs);
                self.tree = Some(search);
                found?
            }
        };
        Ok(vec![JointPath::new(raw)])
    }

    /// A tree gets better by growing: each time it is taken up it may draw as many samples as it has drawn so far. A search
    /// below a bound may have nothing to find. The few of `balanced` may each take as long as the first of all did; how long one of
    /// many may take is as [`luby`] tells, so that little is lost where there is nothing, and in the end whatever there is is
    /// found.
    fn patience(&self, samples: u64) -> u64 {
        match self.worker.options.algorithm {
            Some(Algorithm::RrtConnect | Algorithm::Wide) => patience(samples),
            Some(Algorithm::RrtStar) => self.worker.statistics.iterations.saturating_add(GRACE),
            None | Some(Algorithm::Aorrtc) => {
                let Worker { options, statistics, .. } = &self.worker;
                let (few, _) = Quality::Balanced.work();
                match options.improve.is_none() && statistics.searches < few {
                    true => samples.saturating_add(GRACE),
                    false => GRACE.saturating_mul(luby(self.fruitless)),
                }
            }
        }
    }

    fn raw_duration(&self, path: &JointPath) -> f64 {
        path.raw.duration()
    }

    /// Refined, where that fails once more, with samples half as far apart; where that fails too the path itself may
    /// do. Where between two samples efforts are a little too great, the same a little slower takes a fraction of what
    /// another refinement would.
    fn trajectory(
        &mut self,
        path: &mut JointPath,
        attempt: u32,
        _stop: &Stop,
    ) -> Result<Attempt, CheckError> {
        if let (Some(refined), Some(times)) = (path.refined.take(), self.slowing(attempt)) {
            return Ok(Attempt::Made(refined.stretched(times)));
        }
        if path.refinements > JointSettings::DEFAULT.refinements {
            return Ok(Attempt::Over);
        }
        let is_last = path.refinements == JointSettings::DEFAULT.refinements;
        if path.refinements > 0 && !is_last {
            self.worker.sample_more_closely();
        }
        let seed = self.worker.seed().wrapping_add(path.refinements.into());
        path.refinements += 1;
        let trajectory = self.refined(path, is_last, seed)?;
        self.last.clone_from(path.shorter.as_ref().unwrap_or(&path.raw));
        let Worker { options, problem, .. } = self.worker;
        let trajectory = match options.cost.is_duration() {
            true => trajectory,
            false => {
                let of = |trajectory: &Trajectory| options.cost.of(problem, trajectory);
                let is_smooth = problem.smoothness == Smoothness::Jerk;
                self.worker.refining(|worker| {
                    slowed(trajectory, &of, KeptLimits { outputs: worker.local.limits(), is_smooth })
                })
            }
        };
        path.refined = self.worker.problem.torque.then(|| trajectory.clone());
        Ok(Attempt::Made(trajectory))
    }

    fn keep(&mut self) {
        self.best.clone_from(&self.last);
    }

    fn polish(&mut self, best: &Answer, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        self.last.clone_from(&self.best);
        self.shorter(&best.trajectory, moves)
    }

    fn shorter(&mut self, trajectory: &Trajectory, moves: u32) -> Result<Option<Trajectory>, CheckError> {
        self.polished(trajectory.clone(), moves).map(Some)
    }
}

impl Joints<'_> {
    /// A trajectory after so many moves that shorten it.
    pub(super) fn polished(
        &mut self,
        mut trajectory: Trajectory,
        mut moves: u32,
    ) -> Result<Trajectory, CheckError> {
        self.worker.statistics.polishes = self.worker.statistics.polishes.saturating_add(1);
        let seed = self.worker.seed();
        let Worker { options, problem, spacing, .. } = self.worker;
        let mechanism = &problem.mechanism;
        if options.cost.is_duration() {
            let limits = self.worker.local.limits().to_vec();
            let (clearance, padding) = (self.worker.clearance(), self.worker.grown_by());
            let task = PolishTask { problem, limits: &limits, clearance, padding, spacing };
            return self.worker.refining(|worker| polish(trajectory, &task, &mut worker.local, moves, seed));
        }
        // Limits of a base's coordinates are for steering alone.
        let limits = match mechanism.vehicle() {
            Some(_) => self.worker.local.limits().to_vec(),
            None => mechanism.limits.clone(),
        };
        let of = |trajectory: &Trajectory| options.cost.of(problem, trajectory);
        if self.is_straight() {
            let path = &mut self.last;
            // Half of the moves for ways from stop to stop, and half for those that go on.
            moves = moves.div_ceil(2);
            let straight = self.worker.refining(|worker| {
                straighten(path, &mut worker.local, moves, seed)?;
                shorten(path, &mut worker.local, 0, seed)
            })?;
            trajectory = if of(&straight) < of(&trajectory) { straight } else { trajectory };
        }
        let steering = mechanism.vehicle().is_none().then(|| options.cost.steering(mechanism)).flatten();
        let cost = ReducedCost { of: &of, steering };
        let kept = KeptLimits { outputs: &limits, is_smooth: problem.smoothness == Smoothness::Jerk };
        self.worker.refining(|worker| reduce(trajectory, &cost, kept, &mut worker.local, moves, seed))
    }

    /// A path made a trajectory: as it is, or without needless corners, and shortened.
    fn refined(&mut self, path: &mut JointPath, as_it_is: bool, seed: u64) -> Result<Trajectory, CheckError> {
        let tries = self.worker.options.shortcut_tries;
        let is_straight = self.is_straight();
        self.worker.refining(|worker| {
            let local = &mut worker.local;
            if as_it_is {
                return shorten(&path.raw, local, 0, seed);
            }
            if path.shorter.is_none() && tries > 0 {
                let mut shorter = path.raw.clone();
                skip_corners(&mut shorter, local)?;
                if is_straight {
                    straighten(&mut shorter, local, tries, seed)?;
                }
                path.shorter = Some(shorter);
            }
            let shorter = path.shorter.as_ref().unwrap_or(&path.raw);
            let quick = shorten(shorter, local, tries, seed)?;
            if !is_straight {
                return Ok(quick);
            }
            let straight = shorten(shorter, local, 0, seed)?;
            Ok(if worker.cost_of(&straight) < worker.cost_of(&quick) { straight } else { quick })
        })
    }

    /// Whether the way is what counts, so that it is better driven straight from stop to stop.
    fn is_straight(&self) -> bool {
        self.worker.options.cost.is_length() && self.worker.problem.mechanism.vehicle().is_none()
    }

    /// How many times as long a trajectory is to take whose efforts were too great for a certificate. `None` where
    /// something else was, or an end moves, which then would move more slowly.
    fn slowing(&self, attempt: u32) -> Option<f64> {
        let Worker { problem, violation, .. } = &self.worker;
        let excess = match violation.as_ref().filter(|_| attempt > 0)? {
            Violation::Limit { kind: LimitKind::Effort, value, bound, .. } => value.abs() / bound - 1.0,
            Violation::EffortNotProved { value, bound, .. } => value / bound - 1.0,
            _ => return None,
        };
        let is_at_rest = problem.goals.iter().chain([&problem.start]).all(JointState::is_at_rest);
        (is_at_rest && excess <= JointSettings::DEFAULT.most_excess).then_some(
            1.0 + JointSettings::DEFAULT.slowing_per_excess * excess + JointSettings::DEFAULT.least_slowing,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_grow_longer_as_they_find_nothing() {
        let times = Vec::from_iter((0..16).map(luby));
        assert_eq!(times, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8, 1]);
        assert_eq!((luby(u32::MAX - 1), luby(u32::MAX)), (1 << 31, 1));
    }
}

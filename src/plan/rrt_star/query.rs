//! A query of a linear system: a problem, options, and a certified answer by Kinodynamic RRT*. Imports `linear`, `steer`,
//! `certify`, `problem` and `stop`.

use super::super::Budget;
use super::linear::{LinearRrtStar, LinearWorld, Neighbours};
use crate::certify::{
    LinearCertificate, LinearTolerances, LinearViolation, LinearViolations, certify_linear, certify_linear_until,
};
use crate::error::InvalidValue;
use crate::problem::{LinearProblem, StateFault};
use crate::steer::LinearSystem;
use crate::stop::{CancelToken, Stop};
use crate::trajectory::Trajectory;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// How a linear system is planned for; every field has a sensible default.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearPlanOptions {
    /// Seed of the samples. The same seed and options give the same motion, as long as no time binds.
    pub seed: u64,
    /// Wall-clock budget of the whole call, certificate included; `None` for no limit. An answer that is there when it
    /// ends is given, and says that it was cut short.
    pub time_limit: Option<Duration>,
    /// Breaks the call off from another thread, as if its time were up.
    pub cancel: Option<CancelToken>,
    /// Which states of the tree a sample is joined to.
    pub neighbours: Neighbours,
    /// Samples that are drawn after the first answer, to better it.
    pub samples: u64,
    /// Samples after which the search is given up without an answer.
    pub max_samples: u64,
    /// Goes on for better answers until so long after the call began, however many `samples` there are; the first answer
    /// is waited for even if it is later than that, up to the time limit.
    pub improve: Option<Duration>,
    /// What the answer must be certified within.
    pub tolerances: LinearTolerances,
}

impl Default for LinearPlanOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            time_limit: Some(Duration::from_secs(5)),
            cancel: None,
            neighbours: Neighbours::All,
            samples: 200,
            max_samples: 100_000_000,
            improve: None,
            tolerances: LinearTolerances::default(),
        }
    }
}

/// A motion of a linear system and the proof that it is valid at every instant.
#[derive(Clone, Debug)]
pub struct LinearSolution {
    /// Polynomials of all states, then of all controls.
    pub trajectory: Trajectory,
    /// Its certificate, with its duration, effort and cost.
    pub certificate: LinearCertificate,
    /// What it took.
    pub statistics: LinearStatistics,
    /// What ended the search before all was done that the options ask for: the answer is valid, but may cost more than it
    /// would have come to. `None` where nothing did; the end of [`LinearPlanOptions::improve`] is none.
    pub cut_short: Option<Budget>,
}

/// What a query of a linear system took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LinearStatistics {
    /// No motion from the start to any goal costs less: what the cheapest costs in empty space without bounds, exact.
    pub least_cost: f64,
    /// What the first answer cost; absent where there is none.
    pub first_cost: Option<f64>,
    /// Samples drawn until then.
    pub first_samples: u64,
    /// How many times it was bettered.
    pub improvements: u32,
    /// Samples drawn.
    pub samples: u64,
    /// States joined to the tree.
    pub states: usize,
    /// Whole call, seconds.
    pub seconds: f64,
    /// Of those in the certificate.
    pub certify_seconds: f64,
}

/// Why a query of a linear system has no answer; it always says which of these it is, and with numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum LinearPlanError {
    /// The problem or the options make no sense: which value, and what was expected.
    Invalid(InvalidValue),
    /// No motion can begin at the start.
    Start(StateFault),
    /// No motion can end at any goal: why not at the first of them.
    Goal(StateFault),
    /// A budget was spent before an answer was found.
    Unsolved(Box<LinearUnsolved>),
    /// What was found could not be certified.
    Uncertified(LinearViolations),
}

/// A query of a linear system that was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearUnsolved {
    /// Which budget was spent.
    pub budget: Budget,
    /// What was done meanwhile.
    pub statistics: LinearStatistics,
    /// What stands in the way of the cheapest motion in empty space: a hint at what asks for too much.
    pub direct: Vec<LinearViolation>,
}

impl LinearSolution {
    /// The share of the cost by which it may be above the least: no motion costs less than the rest.
    pub fn gap(&self) -> f64 {
        let (cost, least) = (self.certificate.cost, self.statistics.least_cost);
        if cost > least { 1.0 - least / cost } else { 0.0 }
    }
}

impl LinearPlanOptions {
    /// Checks that they make sense.
    ///
    /// # Errors
    /// The first field whose value does not.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        self.tolerances.validate().map_err(|e| e.under("tolerances"))?;
        let number = match self.neighbours {
            Neighbours::All => return Ok(()),
            Neighbours::Within(number) | Neighbours::Cost(number) => number,
        };
        if number > 0.0 && number.is_finite() {
            return Ok(());
        }
        Err(InvalidValue::new("neighbours", self.neighbours, "all, within:X or cost:X, X above 0"))
    }
}

impl LinearWorld {
    /// The system and the world of a problem.
    ///
    /// # Errors
    /// Where the problem makes no sense, R is not positive definite, or the system is not controllable.
    pub fn of(problem: &LinearProblem, neighbours: Neighbours) -> Result<Self, InvalidValue> {
        problem.validate()?;
        let LinearProblem { a, b, c, r, .. } = problem;
        Ok(Self {
            system: LinearSystem::new(a, b, c, r)?,
            linearise: None,
            fastest: f64::INFINITY,
            states: problem.states.iter().map(|state| state.bounds()).collect(),
            controls: problem.controls.iter().map(|control| control.bounds()).collect(),
            place: problem.place.clone(),
            radius: problem.radius,
            world: problem.world.clone(),
            neighbours,
        })
    }
}

/// Plans a motion of a linear system from its start to any of its goals by Kinodynamic RRT*: within the bounds of all
/// states and controls and free of collision at every instant, by certificate. It costs the less the longer it may take,
/// and never more.
///
/// ```
/// use flatout::glam::DVec3;
/// use flatout::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A disc on springs in a plane, pushed along x and y.
/// let mut world = World::default();
/// world.add("pillar", Shape::cylinder(0.5, 2.0), Pose::from_translation(DVec3::new(0.0, 0.2, 0.0)))?;
/// let problem = LinearProblem {
///     a: vec![
///         vec![0.0, 0.0, 1.0, 0.0],
///         vec![0.0, 0.0, 0.0, 1.0],
///         vec![-1.0, 0.0, -0.1, 0.0],
///         vec![0.0, -1.0, 0.0, -0.1],
///     ],
///     b: vec![vec![0.0, 0.0], vec![0.0, 0.0], vec![1.0, 0.0], vec![0.0, 1.0]],
///     c: vec![0.0; 4],
///     r: vec![vec![0.5, 0.0], vec![0.0, 0.5]],
///     states: ["x", "y", "vx", "vy"].map(|name| Variable::new(name, -3.0, 3.0)).into(),
///     controls: ["fx", "fy"].map(|name| Variable::new(name, -4.0, 4.0)).into(),
///     place: vec![0, 1],
///     radius: 0.2,
///     world,
///     start: vec![-2.0, 0.0, 0.0, 0.0],
///     goals: vec![vec![2.0, 0.0, 0.0, 0.0]],
/// };
/// let solution = plan_linear(&problem, &LinearPlanOptions::default())?;
/// let LinearCertificate { duration, effort, cost, .. } = solution.certificate;
/// println!("{duration:.2} s and an effort of {effort:.2}: {cost:.2}; gap {:.0}%", 100.0 * solution.gap());
/// # assert!(cost >= solution.statistics.least_cost && solution.certificate.world.at_least > 0.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Why there is no answer.
pub fn plan_linear(problem: &LinearProblem, options: &LinearPlanOptions) -> Result<LinearSolution, LinearPlanError> {
    let begun = Instant::now();
    options.validate().map_err(|e| LinearPlanError::Invalid(e.under("options")))?;
    let world = LinearWorld::of(problem, options.neighbours).map_err(LinearPlanError::Invalid)?;
    if let Some(fault) = problem.fault(&problem.start) {
        return Err(LinearPlanError::Start(fault));
    }
    let (mut goals, mut faults) = (Vec::new(), Vec::new());
    for goal in &problem.goals {
        match problem.fault(goal) {
            None => goals.push(goal.clone()),
            Some(fault) => faults.push(fault),
        }
    }
    if let (true, Some(fault)) = (goals.is_empty(), faults.into_iter().next()) {
        return Err(LinearPlanError::Goal(fault));
    }
    let deadline = options.time_limit.and_then(|limit| begun.checked_add(limit));
    let stop = Stop::new(deadline, options.cancel.clone());
    let search = LinearRrtStar::new(world, &problem.start, goals, options.seed);
    let statistics = LinearStatistics { least_cost: search.bound(), ..LinearStatistics::default() };
    let mut query = LinearQuery { problem, options, begun, stop, search, statistics, certified: None };
    query.run()
}

/// A query under way.
struct LinearQuery<'p> {
    problem: &'p LinearProblem,
    options: &'p LinearPlanOptions,
    begun: Instant,
    stop: Stop,
    search: LinearRrtStar,
    statistics: LinearStatistics,
    /// The best answer that has a certificate.
    certified: Option<(Trajectory, LinearCertificate)>,
}

/// So many times as long as the certificate of the first answer took is kept for that of the last, which may have more
/// pieces.
const KEPT_FOR_CERTIFICATE: u32 = 4;

impl LinearQuery<'_> {
    fn run(&mut self) -> Result<LinearSolution, LinearPlanError> {
        let mut refused = None;
        let (mut asked, mut kept) = (self.search.cost().is_finite(), Duration::ZERO);
        let spent = loop {
            // The first answer is certified at once: whatever comes later, it is there.
            if asked && self.certified.is_none() {
                if self.statistics.first_cost.is_none() {
                    self.statistics.first_cost = Some(self.search.cost());
                    self.statistics.first_samples = self.search.samples();
                }
                refused = self.certify().err();
                kept = KEPT_FOR_CERTIFICATE * Duration::from_secs_f64(self.statistics.certify_seconds);
            }
            if let Some(end) = self.end(kept) {
                break end;
            }
            asked = self.search.step();
            self.statistics.improvements += u32::from(asked && self.statistics.first_cost.is_some());
        };
        if self.certified.as_ref().is_some_and(|(_, certificate)| certificate.cost > self.search.cost()) {
            // Where it fails, the answer before stands.
            refused = self.certify().err();
        }
        self.statistics = LinearStatistics {
            samples: self.search.samples(),
            states: self.search.joined(),
            seconds: self.begun.elapsed().as_secs_f64(),
            ..self.statistics
        };
        match (self.certified.take(), refused, spent) {
            (Some((trajectory, certificate)), _, cut_short) => {
                Ok(LinearSolution { trajectory, certificate, statistics: self.statistics, cut_short })
            }
            (None, Some(why), _) => Err(LinearPlanError::Uncertified(why)),
            (None, None, budget) => Err(self.unsolved(budget.unwrap_or(Budget::Samples))),
        }
    }

    /// Whether to end, and by which budget that is spent before all was done; `kept` is the time that a certificate takes.
    fn end(&self, kept: Duration) -> Option<Option<Budget>> {
        if let Some(reason) = self.stop.reason() {
            return Some(Some(reason.into()));
        }
        let samples = self.search.samples();
        if self.certified.is_none() {
            return (samples >= self.options.max_samples).then_some(Some(Budget::Samples));
        }
        if self.stop.is_due_in(kept) {
            return Some(Some(Budget::Time));
        }
        // Nothing is left to better where the answer costs no more than any can.
        let is_best = self.search.cost() <= self.search.bound();
        let is_done = match self.options.improve {
            Some(improve) => self.begun.elapsed() >= improve,
            None => samples - self.statistics.first_samples >= self.options.samples,
        };
        if is_best || is_done {
            return Some(None);
        }
        (samples >= self.options.max_samples).then_some(Some(Budget::Samples))
    }

    /// Certifies the best answer of the search.
    fn certify(&mut self) -> Result<(), LinearViolations> {
        let begun = Instant::now();
        let Some(trajectory) = self.search.trajectory() else { return Ok(()) };
        // A first answer is waited for; of two, the later is not.
        let stop = if self.certified.is_none() { Stop::new(None, self.options.cancel.clone()) } else { self.stop.clone() };
        let proved = certify_linear_until(self.problem, &trajectory, &self.options.tolerances, &stop);
        self.statistics.certify_seconds += begun.elapsed().as_secs_f64();
        self.certified = Some((trajectory, proved?));
        Ok(())
    }

    fn unsolved(&self, budget: Budget) -> LinearPlanError {
        let LinearProblem { a, b, c, r, start, goals, .. } = self.problem;
        let system = LinearSystem::new(a, b, c, r);
        let direct = system.ok().and_then(|system| {
            let all = goals.iter().filter_map(|goal| system.connect(start, goal, f64::INFINITY));
            let cheapest = all.min_by(|a, b| a.cost.total_cmp(&b.cost))?;
            certify_linear(self.problem, &system.motion(&cheapest), &self.options.tolerances).err()
        });
        let direct = direct.map_or(Vec::new(), |LinearViolations(all)| all);
        LinearPlanError::Unsolved(Box::new(LinearUnsolved { budget, statistics: self.statistics, direct }))
    }
}

impl fmt::Display for LinearUnsolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LinearStatistics { samples, states, seconds, least_cost, .. } = self.statistics;
        write!(
            f,
            "no motion found: {} after {seconds:.2} s, {samples} samples and {states} states of the tree; the cheapest \
             motion in empty space would cost {least_cost:.4}",
            self.budget
        )?;
        for (i, violation) in self.direct.iter().enumerate() {
            write!(f, "{}{violation}", if i == 0 { ", but " } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for LinearPlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => why.fmt(f),
            Self::Start(fault) => write!(f, "start: {fault}"),
            Self::Goal(fault) => write!(f, "goal: {fault}"),
            Self::Unsolved(unsolved) => unsolved.fmt(f),
            Self::Uncertified(why) => write!(f, "what was found could not be certified: {why}"),
        }
    }
}

impl std::error::Error for LinearPlanError {}

//! Replans: a robot drives a trajectory, something changes, and it needs another one from where it is.

use super::report::{Distribution, Machine};
use super::runner::MakeChecker;
use crate::check::{CheckError, diagnose, diagnose_base};
use crate::plan::{Departure, PlanError, PlanOptions, plan, plan_on_threads, replan_by};
use crate::pose::Pose;
use crate::problem::{JointState, Problem};
use crate::scene;
use crate::world::{Obstacle, Shape, World};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// Radius of an obstacle that appears, metres: a hand, or a ball.
const RADIUS: f64 = 0.06;

/// Draws of an event that may come to nothing (a goal in collision, an obstacle inside the robot)
/// before the next problem is taken.
const DRAWS: usize = 20;

/// What changes while the robot drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is to go elsewhere: the start or the goal of another problem of the same set.
    Goal,
    /// An obstacle appears on its way.
    Obstacle,
}

/// One replan.
#[derive(Clone, Debug, Serialize)]
pub struct ReplanEvent {
    /// What changed.
    pub change: Change,
    /// Index of the problem whose answer was being driven.
    pub problem: usize,
    /// When it was left, seconds.
    pub from_s: f64,
    /// Speed of the fastest output there, as a share of its limit.
    pub speed: f64,
    /// Time from the change to the certified answer, the packing of the new world included,
    /// microseconds.
    pub latency_us: f64,
    /// `solved`, or the reason why not.
    pub status: String,
    /// Duration of the new trajectory, seconds; absent where there is none.
    pub duration_s: Option<f64>,
}

/// A run of replans.
#[derive(Clone, Debug, Serialize)]
pub struct ReplanReport {
    /// Name of the robot.
    pub robot: String,
    /// Name of the backend, with its level.
    pub backend: String,
    /// Threads that share a query.
    pub threads: usize,
    /// Seed of the events and the planner.
    pub seed: u64,
    /// What it ran on.
    pub machine: Machine,
    /// One entry per replan.
    pub events: Vec<ReplanEvent>,
}

/// Drives the answers of `problems` in turn, leaves each at a random time between a tenth and eight
/// tenths of its duration because something changes, goals and obstacles by turns, and plans anew; so
/// often as `count` says. `sets` names the set of each problem. `advance` is called after each.
///
/// Every event has an answer at least as far as the ends are concerned: new goals are valid in the
/// world at hand, and new obstacles touch neither the robot where it leaves, nor where it goes, nor
/// where it would stand after braking straight ahead. What does not brake so, a vehicle, may have one too near before it.
///
/// # Errors
/// When the checking backend fails.
pub fn run(
    problems: &[Problem],
    sets: &[&str],
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    threads: usize,
    count: usize,
    advance: impl Fn(),
) -> Result<Vec<ReplanEvent>, CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(options.seed);
    let mut events = Vec::with_capacity(count);
    let mut fruitless = 0;
    for index in (0..problems.len()).cycle() {
        // A suite from which no event can be made would be gone round for ever.
        if events.len() == count || fruitless > problems.len() {
            break;
        }
        fruitless += 1;
        let problem = &problems[index];
        let solution = match plan(problem, &mut *checker(problem)?, options) {
            Ok(solution) => solution,
            Err(PlanError::Backend(error)) => return Err(error),
            Err(_) => continue,
        };
        let running = solution.trajectory;
        let change = if events.len() % 2 == 0 { Change::Goal } else { Change::Obstacle };
        for _ in 0..DRAWS {
            let from = running.duration() * rng.random_range(0.1..0.8);
            let departure = Departure { running: &running, from };
            let changed = match change {
                Change::Goal => other_goal(problems, sets, index, &mut rng),
                Change::Obstacle => obstacle(problem, &departure, &mut rng),
            };
            let Some(changed) = changed else { continue };
            events.push(event(index, change, &changed, &departure, checker, options, threads)?);
            advance();
            fruitless = 0;
            break;
        }
    }
    Ok(events)
}

fn event(
    problem: usize,
    change: Change,
    changed: &Problem,
    departure: &Departure<'_>,
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    threads: usize,
) -> Result<ReplanEvent, CheckError> {
    let started = Instant::now();
    let answer = replan_by(changed, options, departure, &mut |leaving, options| {
        plan_on_threads(leaving, || checker(leaving), options, threads)
    });
    let latency = started.elapsed();
    let (status, duration_s) = match answer {
        Ok(solution) => ("solved".to_owned(), Some(solution.trajectory.duration())),
        Err(PlanError::Backend(error)) => return Err(error),
        Err(error) => (error.to_string(), None),
    };
    Ok(ReplanEvent {
        change,
        problem,
        from_s: departure.from,
        speed: speed(changed, departure),
        latency_us: latency.as_secs_f64() * 1e6,
        status,
        duration_s,
    })
}

/// Speed of the fastest output where a trajectory is left, as a share of its limit; of a vehicle that of its base.
fn speed(problem: &Problem, departure: &Departure<'_>) -> f64 {
    let Some(base) = problem.mechanism.vehicle() else {
        let state = departure.state(problem);
        let speeds = state.velocity.iter().zip(&problem.mechanism.limits).map(|(v, l)| v.abs() / l.velocity);
        return speeds.fold(0.0, f64::max);
    };
    let (segment, local) = departure.running.locate(departure.from);
    let Ok(sample) = base.unflatten(&base.flat(&departure.running.segment(segment), local)) else {
        return 0.0;
    };
    let speeds = sample.limits.iter().filter(|limit| limit.name.starts_with("speed"));
    speeds.map(|s| s.value.abs() / s.upper.max(-s.lower)).fold(0.0, f64::max)
}

/// The problem with the start or the goal of another of its set as its goal, if that is valid there.
fn other_goal(problems: &[Problem], sets: &[&str], index: usize, rng: &mut Pcg64Mcg) -> Option<Problem> {
    let alike: Vec<usize> = (0..problems.len()).filter(|&i| sets[i] == sets[index]).collect();
    let other = &problems[alike[rng.random_range(0..alike.len())]];
    let goal = if rng.random() { &other.start } else { &other.goals[0] };
    let mut changed = Problem { goals: vec![goal.clone()], ..problems[index].clone() };
    // Its own problem may have moved a rounded bound out to it; so does this one.
    scene::admit(&mut changed.mechanism, goal).ok()?;
    diagnose(&changed, goal).is_none().then_some(changed)
}

/// The problem with a ball on what is left of the way, if that touches none of the states that count.
fn obstacle(problem: &Problem, departure: &Departure<'_>, rng: &mut Pcg64Mcg) -> Option<Problem> {
    let Departure { running, from } = *departure;
    let mechanism = &problem.mechanism;
    let at = from + (running.duration() - from) * rng.random_range(0.2..0.9);
    let there = JointState::of(mechanism, running, at, problem.smoothness).ok()?;
    let link = &mechanism.links[rng.random_range(mechanism.links.len() / 2..mechanism.links.len())];
    let mut poses = Vec::new();
    mechanism.place(&there.position, &mut poses);
    let newcomer = Obstacle {
        name: "newcomer".to_owned(),
        shape: Shape::Sphere { radius: RADIUS },
        pose: Pose::from_translation(poses[link.body].point(link.bound.center)),
    };
    let alone = Problem { world: World { obstacles: vec![newcomer.clone()] }, ..problem.clone() };
    let leaves = departure.state(problem);
    let ends = [leaves, departure.standstill(problem), problem.goals[0].clone()];
    if ends.iter().any(|state| diagnose(&alone, state).is_some()) || diagnose_base(&alone).is_some() {
        return None;
    }
    let mut changed = problem.clone();
    changed.world.obstacles.push(newcomer);
    Some(changed)
}

impl ReplanReport {
    /// Events of one kind.
    fn of(&self, change: Change) -> Vec<&ReplanEvent> {
        self.events.iter().filter(|event| event.change == change).collect()
    }
}

/// One line of the table.
fn row(f: &mut fmt::Formatter<'_>, name: &str, events: &[&ReplanEvent]) -> fmt::Result {
    let solved = events.iter().filter(|e| e.duration_s.is_some()).count();
    let latency = Distribution::of(events.iter().map(|e| e.latency_us));
    let Distribution { mean, median, p95, p99, max } = latency;
    let duration = Distribution::of(events.iter().filter_map(|e| e.duration_s)).median;
    let speed = Distribution::of(events.iter().map(|e| e.speed)).median;
    writeln!(
        f,
        "{name:<10} {solved:>5}/{:<5} |{mean:>8.0} {median:>8.0} {p95:>8.0} {p99:>8.0} {max:>8.0} | {duration:>8.3} {speed:>6.2}",
        events.len()
    )
}

impl fmt::Display for ReplanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { robot, backend, threads, seed, machine, events } = self;
        writeln!(f, "replan {robot}: {backend}, {threads} thread(s), seed {seed}; {machine}")?;
        writeln!(f, "{:<10} {:>11} |{:^44} | {:>8} {:>6}", "", "solved", "latency us", "dur. s", "speed")?;
        let columns = ["mean", "median", "p95", "p99", "max"].map(|name| format!("{name:>8}")).join(" ");
        writeln!(f, "{:<22} |{columns} | medians", "change")?;
        row(f, "goal", &self.of(Change::Goal))?;
        row(f, "obstacle", &self.of(Change::Obstacle))?;
        row(f, "all", &events.iter().collect::<Vec<_>>())?;
        for ReplanEvent { problem, from_s, status, .. } in events.iter().filter(|e| e.duration_s.is_none()) {
            writeln!(f, "problem {problem} at {from_s:.3} s: {status}")?;
        }
        Ok(())
    }
}

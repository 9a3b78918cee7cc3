//! Kinodynamic RRT* for the robots of Webb and van den Berg (ICRA 2013, section VI): cost against states of the tree, and
//! how long these take. Imports `chart`, `report` and `plan`.

mod worlds;

pub use worlds::TreeRobot;

use super::chart::{Band, Chart};
use super::report::{Distribution, Machine};
use crate::plan::rrt_star::{LinearRrtStar, Neighbours};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// A tree at a moment.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct TreeMoment {
    /// Seconds since it was begun.
    pub seconds: f64,
    /// Samples drawn.
    pub samples: u64,
    /// States of the tree.
    pub nodes: usize,
    /// What the best answer costs; absent where there is none.
    pub cost: Option<f64>,
}

/// How a tree grew from a seed.
#[derive(Clone, Debug, Serialize)]
pub struct TreeRun {
    /// Seed of its samples.
    pub seed: u64,
    /// Moments: each better answer, and each hundredth of the states asked for.
    pub moments: Vec<TreeMoment>,
}

/// Trees of some seeds.
#[derive(Clone, Debug, Serialize)]
pub struct TreeReport {
    /// Which robot.
    pub robot: TreeRobot,
    /// Which states of a tree a sample was joined to.
    pub neighbours: String,
    /// States asked for.
    pub nodes: usize,
    /// No answer can cost less.
    pub bound: f64,
    /// What the best motion costs, computed otherwise; absent where that is not known.
    pub optimum: Option<f64>,
    /// What they ran on.
    pub machine: Machine,
    /// One per seed.
    pub runs: Vec<TreeRun>,
}

/// An answer that costs no more than so many times what the best motion does is close to it.
const CLOSE: f64 = 1.02;

/// Steps of the curves.
const STEPS: usize = 100;

/// Grows a tree of a seed to so many states, for so long at most.
pub fn grow(robot: TreeRobot, neighbours: Neighbours, nodes: usize, limit: Duration, seed: u64) -> TreeRun {
    let (world, start, goal) = robot.problem(neighbours);
    let begun = Instant::now();
    let mut search = LinearRrtStar::new(world, &start, vec![goal], seed);
    let mut moments = Vec::new();
    let mut most = 0;
    loop {
        let is_better = search.step();
        // States that cannot better the answer are taken out again: what counts is how many were joined.
        let is_step = search.joined() > most && search.joined().is_multiple_of((nodes / STEPS).max(1));
        most = most.max(search.joined());
        let is_last = search.joined() >= nodes || begun.elapsed() > limit;
        if is_better || is_step || is_last {
            moments.push(TreeMoment {
                seconds: begun.elapsed().as_secs_f64(),
                samples: search.samples(),
                nodes: search.joined(),
                cost: Some(search.cost()).filter(|cost| cost.is_finite()),
            });
        }
        if is_last {
            return TreeRun { seed, moments };
        }
    }
}

impl TreeReport {
    /// The report of some runs.
    pub fn new(robot: TreeRobot, neighbours: Neighbours, nodes: usize, runs: Vec<TreeRun>) -> Self {
        let (world, start, goal) = robot.problem(neighbours);
        let bound = LinearRrtStar::new(world, &start, vec![goal], 0).bound();
        let (neighbours, optimum) = (neighbours.to_string(), robot.optimum());
        Self { robot, neighbours, nodes, bound, optimum, machine: Machine::this(), runs }
    }

    /// One line per moment: robot, neighbours, seed, nodes, samples, seconds, cost.
    pub fn csv(&self) -> String {
        let mut lines = vec!["robot,neighbours,seed,nodes,samples,seconds,cost".to_owned()];
        for TreeRun { seed, moments } in &self.runs {
            for TreeMoment { seconds, samples, nodes, cost } in moments {
                let cost = cost.map_or(String::new(), |cost| cost.to_string());
                lines.push(format!("{},{},{seed},{nodes},{samples},{seconds},{cost}", self.robot, self.neighbours));
            }
        }
        lines.join("\n") + "\n"
    }

    /// Cost against states: median and quartiles of the seeds.
    pub fn svg(&self) -> String {
        let steps = (1..=STEPS).map(|k| (k * self.nodes / STEPS) as f64);
        let costs = |nodes: f64| {
            self.runs.iter().map(|run| run.cost_at(nodes as usize).unwrap_or(f64::INFINITY)).collect()
        };
        let band = Band::of_quartiles("best answer", steps, costs);
        let title = format!("{}: {} seeds, {}", self.robot, self.runs.len(), self.neighbours);
        Chart { title, x: "states of the tree".to_owned(), y: "cost".to_owned(), is_logarithmic: false, bands: vec![band] }.svg()
    }
}

impl TreeRun {
    /// The cost of the best answer when there were so many states.
    fn cost_at(&self, nodes: usize) -> Option<f64> {
        self.moments.iter().take_while(|moment| moment.nodes <= nodes).filter_map(|moment| moment.cost).last()
    }

    /// When an answer was there that cost no more than so much.
    fn moment_of(&self, most: f64) -> Option<&TreeMoment> {
        self.moments.iter().find(|moment| moment.cost.is_some_and(|cost| cost <= most))
    }

    /// Seconds until there were so many states.
    fn seconds_to(&self, nodes: usize) -> Option<f64> {
        self.moments.iter().find(|moment| moment.nodes >= nodes).map(|moment| moment.seconds)
    }
}

impl fmt::Display for TreeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { robot, neighbours, nodes, bound, optimum, machine, runs } = self;
        writeln!(f, "Kinodynamic RRT*, {robot}, {neighbours}, {} seeds; {machine}", runs.len())?;
        writeln!(f, "{:>8} {:>10} {:>10} {:>12} {:>9}", "states", "seconds", "published", "cost", "answered")?;
        for share in 1..=5 {
            let count = nodes * share / 5;
            let seconds = Distribution::of(runs.iter().filter_map(|run| run.seconds_to(count))).median;
            let costs: Vec<f64> = runs.iter().filter_map(|run| run.cost_at(count)).collect();
            let published = robot.published(count).map_or("-".to_owned(), |s| format!("{s:.1}"));
            let cost = Distribution::of(costs.iter().copied()).median;
            let answered = format!("{}/{}", costs.len(), runs.len());
            writeln!(f, "{count:>8} {seconds:>10.2} {published:>10} {cost:>12.4} {answered:>9}")?;
        }
        if let Some(optimum) = *optimum {
            let close = || runs.iter().filter_map(|run| run.moment_of(CLOSE * optimum));
            let (count, all) = (close().count(), runs.len());
            let [seconds, states] = [|moment: &TreeMoment| moment.seconds, |moment: &TreeMoment| moment.nodes as f64]
                .map(|of| Distribution::of(close().map(of)));
            writeln!(f, "the best motion costs {optimum}; within 2 % of that: {count}/{all} seeds, after {:.2} s and {:.0} \
                states at the median, {:.2} s and {:.0} at most", seconds.median, states.median, seconds.max, states.max)?;
        }
        writeln!(f, "no answer can cost less than {bound:.4}; published seconds: Webb and van den Berg, 2012, table 1")
    }
}

//! A linear system among obstacles, for Kinodynamic RRT*. Imports `steer`, `search`, `world` and `trajectory`.

use super::tree::{Added, OptimalEdges, OptimalTree, TreeEdge, Way};
use crate::search::Sampler;
use crate::steer::LinearSystem;
use crate::trajectory::{Segment, Trajectory, derivative, keeps_between, magnitude_bound};
use crate::world::World;
use glam::DVec3;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A linear system that carries a ball among obstacles, its states and controls within bounds.
#[derive(Clone, Debug)]
pub struct LinearWorld {
    /// How it moves, and what that costs.
    pub system: LinearSystem,
    /// Of a system that is not linear: what it is near a state, where connections begin or end; `None` where it cannot be
    /// controlled there.
    pub linearise: Option<Linearise>,
    /// Greatest speed of the ball, m/s; infinite where only the states' bounds tell.
    pub fastest: f64,
    /// Least and greatest value of each state; finite, for samples are drawn between them.
    pub states: Vec<[f64; 2]>,
    /// Least and greatest value of each control; may be infinite.
    pub controls: Vec<[f64; 2]>,
    /// Which states are the ball's coordinates along x, y and perhaps z, metres.
    pub place: Vec<usize>,
    /// The ball's radius, metres.
    pub radius: f64,
    /// The obstacles.
    pub world: World,
    /// Whether states are joined within a radius that shrinks with their number, or all to all.
    pub neighbours: Neighbours,
}

/// What a system that is not linear is near a state.
pub type Linearise = fn(&[f64]) -> Option<LinearSystem>;

/// Which states of a tree a sample is joined to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Neighbours {
    /// All of them.
    All,
    /// Those within a cost such that the states which are reached for less fill more than this many times
    /// 2^d (1 + 1/d) log n / n of the space, of d dimensions (Webb and van den Berg, section III B): above 1 the tree
    /// converges to the optimum.
    Within(f64),
    /// Those within a cost.
    Cost(f64),
}

impl fmt::Display for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Within(factor) => write!(f, "within:{factor}"),
            Self::Cost(cost) => write!(f, "cost:{cost}"),
        }
    }
}

impl FromStr for Neighbours {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|x: &f64| *x > 0.0 && x.is_finite());
        let parsed = match s.split_once(':') {
            None => (s == "all").then_some(Self::All),
            Some(("within", factor)) => number(factor).map(Self::Within),
            Some(("cost", cost)) => number(cost).map(Self::Cost),
            Some(_) => None,
        };
        parsed.ok_or_else(|| format!("unknown neighbours \"{s}\"; expected all, within:X or cost:X, X above 0"))
    }
}

/// A radius for a tree of some nodes holds until there are so many times as many.
const SAME_RADIUS: f64 = 1.05;

/// A motion passes an obstacle no nearer than what it moves in this share of its duration, or it is taken for a
/// collision: so many steps are enough then for any motion.
const CLOSEST: f64 = 1e-4;

/// A motion that misses its end by more than this, relative to values above 1, is none: over long times rounding grows as
/// states of an unstable system do.
const MISSED: f64 = 1e-8;

/// Shares of a motion's duration at which it is looked at before it is proved.
const LOOKS: [f64; 3] = [0.5, 0.25, 0.75];

/// Values that differ by no more than this share may differ by rounding.
const SAME: f64 = 1e-9;

/// Whether a motion ends in a state.
fn arrives(motion: &Trajectory, to: &[f64]) -> bool {
    let last = motion.segment(motion.len() - 1);
    to.iter().enumerate().all(|(i, wanted)| {
        let missed = derivative(last.polynomial(i), 0, last.duration) - wanted;
        missed.abs() <= MISSED * wanted.abs().max(1.0)
    })
}

impl LinearWorld {
    /// How far the ball at a place is from the nearest obstacle, metres.
    fn distance(&self, at: DVec3) -> f64 {
        let distances = self.world.obstacles.iter().map(|obstacle| obstacle.signed_distance(at));
        distances.fold(f64::INFINITY, f64::min) - self.radius
    }

    /// Whether a state is within its bounds and touches nothing.
    pub fn is_free(&self, state: &[f64]) -> bool {
        let within = |(value, [lower, upper]): (&f64, &[f64; 2])| (*lower..=*upper).contains(value);
        state.iter().zip(&self.states).all(within) && self.distance(self.position(|i| state[i])) > 0.0
    }

    fn position(&self, state: impl Fn(usize) -> f64) -> DVec3 {
        let mut at = DVec3::ZERO;
        self.place.iter().enumerate().for_each(|(axis, &i)| at[axis] = state(i));
        at
    }

    /// Whether a motion of the system keeps its bounds and touches nothing, at every instant.
    pub fn holds(&self, trajectory: &Trajectory) -> bool {
        let all = || self.states.iter().chain(&self.controls);
        let keeps = |piece: &Segment<'_>| {
            all().enumerate().all(|(i, bounds)| keeps_between(piece.polynomial(i), 0, piece.duration, *bounds))
        };
        trajectory.segments().all(|piece| keeps(&piece) && self.passes(&piece))
    }

    /// Whether the connection of two states keeps all bounds and touches nothing.
    fn is_valid(&self, &Way { from, to, said: [_, duration] }: &Way<'_>) -> bool {
        let Some(connection) = self.system.connect_in(duration, from, to) else { return false };
        // Most connections that ask too much do so at their ends.
        let asks_too_much = |control: &Vec<f64>| {
            control.iter().zip(&self.controls).any(|(u, [lower, upper])| !(*lower..=*upper).contains(u))
        };
        if self.system.end_controls(&connection).iter().any(asks_too_much) {
            return false;
        }
        let motion = self.system.motion(&connection);
        arrives(&motion, to) && !self.is_seen_to_fail(&motion) && self.holds(&motion)
    }

    /// Whether a motion is beyond bounds or touches something at one of a few instants: that is much sooner told than that
    /// it never is or does, and what fails at all mostly does so there.
    fn is_seen_to_fail(&self, motion: &Trajectory) -> bool {
        let mut values = vec![0.0; motion.dof()];
        let is_beyond = |(value, [lower, upper]): (&f64, &[f64; 2])| {
            // What rounding alone puts there is for the proof to say.
            let room = SAME * value.abs();
            *value < lower - room || *value > upper + room
        };
        LOOKS.iter().any(|share| {
            motion.evaluate(share * motion.duration(), 0, &mut values);
            values.iter().zip(self.states.iter().chain(&self.controls)).any(is_beyond)
                || self.distance(self.position(|i| values[i])) <= 0.0
        })
    }

    /// Whether a piece of a motion touches nothing. A ball that is so far from all obstacles touches none before it has
    /// gone as far: time is stepped through by that.
    fn passes(&self, piece: &Segment<'_>) -> bool {
        let greatest = |i: usize| magnitude_bound(piece.polynomial(i), 1, piece.duration);
        let speed = self.position(greatest).length();
        let value = |i: usize, t: f64| piece.polynomial(i).iter().rev().fold(0.0, |sum, c| sum * t + c);
        let mut t = 0.0;
        loop {
            let distance = self.distance(self.position(|i| value(i, t)));
            let left = piece.duration - t;
            if distance <= 0.0 {
                return false;
            }
            if distance >= speed * left {
                return true;
            }
            if distance < CLOSEST * speed * piece.duration {
                return false;
            }
            t += distance / speed;
        }
    }

    /// A lower bound of the duration between two states: integrators of bounded speed.
    fn least_duration(&self, from: &[f64], to: &[f64]) -> f64 {
        let way = self.position(|i| to[i] - from[i]).length() / self.fastest;
        let time = |&(i, rate): &(usize, usize)| {
            let (way, [lower, upper]) = (to[i] - from[i], self.states[rate]);
            if way > 0.0 { way / upper.max(0.0) } else { way / lower.min(0.0) }
        };
        let times = self.system.integrators().iter().map(time);
        times.filter(|time| !time.is_nan()).fold(way, f64::max)
    }
}

/// A linear world, and what it was asked last.
struct Sampled {
    world: LinearWorld,
    /// Whether the system can be controlled near the sample at hand.
    is_steerable: bool,
    /// A radius, and for how many nodes it was found out.
    radius: Option<(usize, f64)>,
}

impl OptimalEdges for Sampled {
    type Error = Infallible;

    fn states(&self) -> usize {
        self.world.states.len()
    }

    fn sampled(&mut self, sample: &[f64]) {
        let Some(linearise) = self.world.linearise else { return };
        let system = linearise(sample);
        self.is_steerable = system.is_some();
        self.world.system = system.unwrap_or_else(|| self.world.system.clone());
    }

    /// A connection costs more than it takes.
    fn at_least(&self, from: &[f64], to: &[f64]) -> f64 {
        self.world.least_duration(from, to)
    }

    /// What is linear only near a sample may go elsewhere in other ways.
    fn least_cost(&mut self, from: &[f64], to: &[f64]) -> f64 {
        let LinearWorld { system, linearise, .. } = &self.world;
        let free = || system.cheapest(from, to, f64::INFINITY).map_or(0.0, |[cost, _]| cost);
        let least = self.world.least_duration(from, to);
        if linearise.is_some() { least } else { free().max(least) }
    }

    fn cost(&mut self, from: &[f64], to: &[f64], below: f64) -> Option<[f64; 2]> {
        self.world.system.cheapest(from, to, below).filter(|_| self.is_steerable)
    }

    fn valid_costs(&mut self, ways: &[Way<'_>]) -> Result<Vec<Option<f64>>, Infallible> {
        Ok(ways.iter().map(|way| self.world.is_valid(way).then_some(way.said[0])).collect())
    }

    fn radius(&mut self, nodes: usize) -> f64 {
        let factor = match self.world.neighbours {
            Neighbours::All => return f64::INFINITY,
            Neighbours::Cost(cost) => return cost,
            Neighbours::Within(factor) => factor,
        };
        if let Some((before, radius)) = self.radius
            && (before..=(before as f64 * SAME_RADIUS) as usize).contains(&nodes)
        {
            return radius;
        }
        let n = nodes as f64 + 1.0;
        let d = self.states() as f64;
        let space: f64 = self.world.states.iter().map(|[lower, upper]| upper - lower).product();
        let filled = factor * 2.0_f64.powf(d) * (1.0 + 1.0 / d) * space * n.ln() / n;
        let radius = self.world.system.cost_to_reach(filled);
        self.radius = Some((nodes, radius));
        radius
    }
}

/// Kinodynamic RRT* for a linear system: grows a tree for as long as it is asked to. Every answer keeps the bounds of
/// states and controls and touches nothing, at every instant; with [`Neighbours::All`], or [`Neighbours::Within`] a
/// factor above 1, its cost converges to the least (Webb and van den Berg, section III).
///
/// ```
/// use flatout::prelude::*;
/// use flatout::glam::DVec3;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A disc in a plane, whose controls are its accelerations: x, y and their rates.
/// let a = [vec![0.0, 0.0, 1.0, 0.0], vec![0.0, 0.0, 0.0, 1.0], vec![0.0; 4], vec![0.0; 4]];
/// let b = [vec![0.0; 2], vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]];
/// let r = [vec![0.5, 0.0], vec![0.0, 0.5]];
/// let mut world = World::default();
/// world.add("pillar", Shape::sphere(1.0), Pose::from_translation(DVec3::new(5.0, 5.0, 0.0)))?;
/// let world = LinearWorld {
///     system: LinearSystem::new(&a, &b, &[0.0; 4], &r)?,
///     linearise: None,
///     fastest: f64::INFINITY,
///     states: vec![[0.0, 10.0], [0.0, 10.0], [-4.0, 4.0], [-4.0, 4.0]],
///     controls: vec![[-3.0, 3.0]; 2],
///     place: vec![0, 1],
///     radius: 0.5,
///     world,
///     neighbours: Neighbours::All,
/// };
/// let mut search = LinearRrtStar::new(world, &[1.0, 1.0, 0.0, 0.0], vec![vec![9.0, 9.0, 0.0, 0.0]], 0);
/// for _ in 0..500 {
///     if search.step() {
///         println!("{:.3} after {} samples, at least {:.3}", search.cost(), search.samples(), search.bound());
///     }
/// }
/// let motion = search.trajectory().ok_or("no way")?;
/// # assert!(motion.duration() > search.bound() * 0.5 && search.cost() < 1.5 * search.bound());
/// # Ok(())
/// # }
/// ```
pub struct LinearRrtStar {
    edges: Sampled,
    tree: OptimalTree,
    sampler: Sampler,
    /// Samples drawn so far, those in obstacles among them.
    samples: u64,
    /// Samples that were joined to the tree, those among them that have been taken out again.
    joined: usize,
    /// States on the best answer.
    way: Vec<Vec<f64>>,
}

/// How samples are drawn.
struct SampleSettings {
    /// Share of them that are drawn about the best answer, where there is one: they better it sooner than others, which
    /// look for answers of another kind (local biasing: Akgun and Stilman, *Sampling heuristics for optimal motion
    /// planning in high dimensions*, IROS 2011).
    near: f64,
    /// States of the best answer about which they are drawn.
    states: usize,
    /// Share of them that are drawn calm as long as there is no answer: all states but the ball's place near to what is
    /// nearest to zero, for what moves and turns fast in all ways at once is seldom reached or left within bounds. Not of
    /// systems that are linear only near a state, whose numbers zero means nothing to.
    calm: f64,
    /// How far about them, as powers of one half of the bounds' widths: one of these each time, for how far is best is not
    /// known, and less and less. The same tells how calm the calm ones are.
    halvings: [f64; 2],
}

impl SampleSettings {
    const DEFAULT: Self = Self { near: 0.5, states: 64, calm: 0.5, halvings: [2.0, 9.0] };
}

impl LinearRrtStar {
    /// A search from a start to any of some goals; `seed` decides its samples.
    pub fn new(world: LinearWorld, start: &[f64], goals: Vec<Vec<f64>>, seed: u64) -> Self {
        let ranges = world.states.iter().map(|&[lower, upper]| (lower, upper)).collect();
        let mut edges = Sampled { world, is_steerable: true, radius: None };
        let Ok(tree) = OptimalTree::new(&mut edges, start, goals);
        Self { edges, tree, sampler: Sampler::new(ranges, seed), samples: 0, joined: 1, way: Vec::new() }
    }

    /// Draws one sample; says whether the best answer is better now.
    pub fn step(&mut self) -> bool {
        let sample = self.sample();
        self.samples += 1;
        if !self.edges.world.is_free(&sample) {
            return false;
        }
        let Ok(added) = self.tree.add(&mut self.edges, &sample);
        self.joined += usize::from(added.is_some());
        let is_better = added == Some(Added::Better);
        if is_better {
            self.way = self.states_on_the_way();
        }
        is_better
    }

    /// Draws a state: anywhere, or about the best answer, or calm where there is none.
    fn sample(&mut self) -> Vec<f64> {
        let mut sample = vec![0.0; self.edges.states()];
        self.sampler.sample(&mut sample);
        let SampleSettings { near, calm, halvings: [least, most], .. } = SampleSettings::DEFAULT;
        let LinearWorld { linearise, states, place, .. } = &self.edges.world;
        let share = if self.way.is_empty() { calm } else { near };
        if (self.way.is_empty() && linearise.is_some()) || self.sampler.unit() >= share {
            return sample;
        }
        let about = self.way.get((self.sampler.unit() * self.way.len() as f64) as usize);
        let reach = 0.5_f64.powf(least + (most - least) * self.sampler.unit());
        for (i, (value, [lower, upper])) in sample.iter_mut().zip(states).enumerate() {
            let about = match about {
                Some(state) => state[i],
                None if place.contains(&i) => continue,
                None => 0.0_f64.clamp(*lower, *upper),
            };
            let off = (*value - 0.5 * (lower + upper)) * reach;
            *value = (about + off).clamp(*lower, *upper);
        }
        sample
    }

    /// States on the best answer, at even times.
    fn states_on_the_way(&self) -> Vec<Vec<f64>> {
        let Some(motion) = self.trajectory() else { return Vec::new() };
        let count = SampleSettings::DEFAULT.states;
        let at = |k: usize| {
            let mut values = vec![0.0; motion.dof()];
            motion.evaluate(motion.duration() * k as f64 / count as f64, 0, &mut values);
            values.truncate(self.edges.states());
            values
        };
        (1..count).map(at).collect()
    }

    /// Samples drawn so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// States that the tree has, or had before it was told that they lead to no better answer.
    pub fn joined(&self) -> usize {
        self.joined
    }

    /// What the best answer costs; infinite where there is none.
    pub fn cost(&self) -> f64 {
        self.tree.best()
    }

    /// No answer can cost less than this.
    pub fn bound(&self) -> f64 {
        self.tree.bound()
    }

    /// The best answer: polynomials of each state, then of each control. `None` where there is none.
    pub fn trajectory(&self) -> Option<Trajectory> {
        let LinearWorld { system, linearise, .. } = &self.edges.world;
        let mut whole: Option<Trajectory> = None;
        for TreeEdge { from, to, sample, duration } in self.tree.path()? {
            let near = linearise.and_then(|linearise| linearise(sample));
            let system = near.as_ref().unwrap_or(system);
            let piece = system.motion(&system.connect_in(duration, from, to)?);
            match &mut whole {
                Some(whole) => whole.append(&piece),
                None => whole = Some(piece),
            }
        }
        whole
    }
}

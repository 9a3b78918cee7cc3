//! What is left between two trees that have not met: a hint at what stands in the way, not a proof.

use crate::check::{Diagnosis, diagnose_until};
use crate::problem::{JointState, Problem};
use crate::stop::Stop;
use std::fmt;

/// The two nearest states of a search's trees.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// How many states the trees from the start and from the goals have.
    pub nodes: [usize; 2],
    /// The state of the start's tree that came nearest to the goals' tree.
    pub from: JointState,
    /// The state of the goals' tree that is nearest to it.
    pub to: JointState,
    /// The output that is farthest apart there.
    pub output: String,
    /// How far it is apart, rad or m.
    pub distance: f64,
    /// Whether that output turns: its unit is rad.
    pub turns: bool,
    /// The first thing that is met on the straight way between the two; `None` where it is free, and only too fast
    /// or too heavy, or not known yet.
    pub between: Option<Diagnosis>,
    /// Whether all of that way was looked at, or as far as to what is met.
    pub is_known: bool,
}

/// States on the straight way between the trees that are looked at.
const LOOKS: usize = 100;

impl Gap {
    /// The gap between two states of trees of so many nodes.
    pub(super) fn new(nodes: [usize; 2], from: JointState, to: JointState) -> Self {
        Self {
            nodes,
            from,
            to,
            output: String::new(),
            distance: 0.0,
            turns: true,
            between: None,
            is_known: false,
        }
    }

    /// The same with what `problem` says of it, as far as that is found before `stop` is due.
    pub(super) fn explained(self, problem: &Problem, stop: &Stop) -> Self {
        let apart = self.from.position.iter().zip(&self.to.position).map(|(a, b)| (a - b).abs());
        let widest = apart.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let (output, distance) = widest.unwrap_or_default();
        let looks = (1..LOOKS).map(|k| {
            let share = k as f64 / LOOKS as f64;
            let way = self.from.position.iter().zip(&self.to.position);
            let state = JointState::at_rest(way.map(|(a, b)| a + (b - a) * share).collect());
            diagnose_until(problem, &state, stop).transpose()
        });
        let met = looks.flatten().next().transpose();
        let is_known = met.is_ok();
        let between = met.unwrap_or_default();
        Self {
            output: problem.mechanism.outputs.get(output).cloned().unwrap_or_default(),
            distance,
            turns: problem.mechanism.is_angle(output),
            between,
            is_known,
            ..self
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nodes: [start, goal], output, distance, turns, between, is_known, .. } = self;
        let states = |n: usize| if n == 1 { "1 state".to_owned() } else { format!("{n} states") };
        let unit = if *turns { "rad" } else { "m" };
        write!(
            f,
            "the trees from the start ({}) and from the goal ({}) came no nearer than {distance:.3} {unit} in \"{output}\"",
            states(*start),
            states(*goal)
        )?;
        match between {
            Some(fault) => write!(f, "; straight between them {fault}"),
            None if *is_known => f.write_str("; no obstacle is straight between them"),
            None => Ok(()),
        }
    }
}

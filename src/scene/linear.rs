//! Scenes of linear systems: x' = A x + B u + c in place of a robot. Imports `document`, `error`, `problem` and `plan`'s
//! options.

use super::read::{goal_entry, improve, linear_section, time_limit, world};
use super::setup::DefaultLimits;
use super::{Scene, tables};
use crate::document::{self, Map, Node, Value, names, unknown};
use crate::error::{InputError, InvalidValue};
use crate::plan::rrt_star::{LinearPlanOptions, LinearWorld, Neighbours};
use crate::problem::{LinearProblem, Variable};
use crate::world::World;
use std::path::Path;

/// A scene of a linear system, read and found to be sound.
///
/// ```
/// use flatout::prelude::*;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let LinearScene { problem, options } = LinearScene::load("scenes/linear_spring.yaml".as_ref())?;
/// let solution = plan_linear(&problem, &options)?;
/// println!("cost {:.3}, at least {:.3}", solution.certificate.cost, solution.statistics.least_cost);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LinearScene {
    /// What there is to plan.
    pub problem: LinearProblem,
    /// How to plan it.
    pub options: LinearPlanOptions,
}

/// A scene of either kind.
#[derive(Clone, Debug)]
pub enum AnyScene {
    /// Of a robot.
    Robot(Box<Scene>),
    /// Of a linear system.
    Linear(Box<LinearScene>),
}

impl AnyScene {
    /// Reads a scene file of either kind, as [`Scene::load_with`] or [`LinearScene::load`]. A linear system has no
    /// joints for limits by default, so that `default` goes unused there.
    ///
    /// # Errors
    /// As these.
    pub fn load_with(file: &Path, default: DefaultLimits) -> Result<Self, InputError> {
        Self::read_with(&InputError::read_text(file)?, file, default)
    }

    /// Reads a scene of either kind from `text` that comes from `file`.
    ///
    /// # Errors
    /// As [`AnyScene::load_with`].
    pub fn read(text: &str, file: &Path) -> Result<Self, InputError> {
        Self::read_with(text, file, DefaultLimits::default())
    }

    fn read_with(text: &str, file: &Path, default: DefaultLimits) -> Result<Self, InputError> {
        let root = document::parse(text).map_err(|e| e.in_file(file))?;
        match linear_section(&root) {
            Some(_) => {
                Ok(Self::Linear(Box::new(LinearScene::of_document(&root).map_err(|e| e.in_file(file))?)))
            }
            None => Ok(Self::Robot(Box::new(Scene::of_document(&root, file, default)?))),
        }
    }
}

impl LinearScene {
    /// Reads a scene file of a linear system.
    ///
    /// # Errors
    /// Where the file is missing or malformed, shapes do not fit, R is not positive definite, the system cannot be
    /// controlled, or start or a goal is out of bounds or in collision.
    pub fn load(file: &Path) -> Result<Self, InputError> {
        Self::read(&InputError::read_text(file)?, file)
    }

    /// Reads such a scene from `text` that comes from `file`.
    ///
    /// # Errors
    /// As [`LinearScene::load`].
    pub fn read(text: &str, file: &Path) -> Result<Self, InputError> {
        document::parse(text).and_then(|root| Self::of_document(&root)).map_err(|e| e.in_file(file))
    }

    fn of_document(root: &Node) -> Result<Self, InputError> {
        let what = "a scene: a map of linear, world, start, goal and more";
        let map = root.map_of(what, &names(tables::LINEAR_SCENE))?;
        map.get("format").map_or(Ok(()), |node| node.format(tables::FORMAT.0, tables::FORMAT.1))?;
        let section = map.require("linear")?;
        let world = map.get("world").map_or(Ok(World::default()), world)?;
        let options = map.get("planner").map_or(Ok(LinearPlanOptions::default()), planner)?;
        let (start, goal) = (map.require("start")?, goal_entry(&map)?);
        let mut problem = system(section, world)?;
        problem.start = state(start, &problem.states)?;
        let goals = if goal.key == "goal" {
            vec![&goal.node]
        } else {
            goal.node.list("a list of goals")?.iter().collect()
        };
        if goals.is_empty() {
            return Err(goal.node.expected("at least one goal"));
        }
        problem.goals = goals.iter().map(|node| state(node, &problem.states)).collect::<Result<_, _>>()?;
        // Whatever is wrong now is so with the system, at the key that the field is of.
        LinearWorld::of(&problem, options.neighbours).map_err(|e| blame(section, e))?;
        for (node, state) in
            [start].iter().chain(&goals).zip([&problem.start].into_iter().chain(&problem.goals))
        {
            if let Some(fault) = problem.fault(state) {
                return Err(node.error(fault.to_string()));
            }
        }
        Ok(Self { problem, options })
    }
}

/// The system, without start and goals.
fn system(node: &Node, world: World) -> Result<LinearProblem, InputError> {
    let map = node.map_of("a map of A, B, R, states, controls and more", &names(tables::LINEAR))?;
    let states = variables(map.require("states")?, tables::LINEAR_STATES, "state")?;
    let controls = variables(map.require("controls")?, tables::LINEAR_CONTROLS, "control")?;
    if let Some((name, at)) =
        controls.iter().find(|(control, _)| states.iter().any(|(s, _)| s.name == control.name))
    {
        return Err(
            at.error(format!("\"{}\" is a state already; expected a name that no other has", name.name))
        );
    }
    let [states, controls] =
        [states, controls].map(|all| all.into_iter().map(|(v, _)| v).collect::<Vec<_>>());
    let (n, m) = (states.len(), controls.len());
    let c = map.get("c").map_or(Ok(vec![0.0; n]), |node| listed(node, n, "state"))?;
    Ok(LinearProblem {
        a: matrix(map.require("A")?, [n, n])?,
        b: matrix(map.require("B")?, [n, m])?,
        c,
        r: weights(map.require("R")?, m)?,
        place: place(map.require("place")?, &states)?,
        radius: map.require("radius")?.positive()?,
        states,
        controls,
        world,
        start: Vec::new(),
        goals: Vec::new(),
    })
}

/// Names and bounds of states or controls, each with where its name stands; what has no bounds given has none.
fn variables<'n>(
    node: &'n Node,
    keys: &'static [document::Key],
    kind: &str,
) -> Result<Vec<(Variable, &'n Node)>, InputError> {
    let map = node.map_of("a map of names, lower and upper", &names(keys))?;
    let list = map.require("names")?.list("a list of names")?;
    let mut all: Vec<(Variable, &Node)> = Vec::new();
    for at in list {
        let name = at.text("a name")?;
        if all.iter().any(|(other, _)| other.name == name) {
            return Err(at.error(format!("two {kind}s are called \"{name}\"; expected names that differ")));
        }
        all.push((Variable::new(name, f64::NEG_INFINITY, f64::INFINITY), at));
    }
    for (key, is_required) in keys.iter().skip(1).map(|key| (key.name, key.is_required)) {
        let bounds = if is_required { Some(map.require(key)?) } else { map.get(key) };
        let Some(bounds) = bounds else { continue };
        // What must have bounds has finite ones.
        let given = match is_required {
            true => listed(bounds, list.len(), kind)?.into_iter().map(Some).collect(),
            false => listed_or_none(bounds, list.len(), kind)?,
        };
        for ((variable, _), bound) in all.iter_mut().zip(given) {
            let Some(bound) = bound else { continue };
            *(if key == "lower" { &mut variable.lower } else { &mut variable.upper }) = bound;
        }
    }
    Ok(all)
}

/// A list of so many numbers.
fn listed(node: &Node, count: usize, kind: &str) -> Result<Vec<f64>, InputError> {
    let what = format!("a list of {count} numbers, one for each {kind}");
    let numbers = node.numbers(&what)?;
    if numbers.len() == count { Ok(numbers) } else { Err(node.expected(what)) }
}

/// A list of so many numbers, or the word none in place of some.
fn listed_or_none(node: &Node, count: usize, kind: &str) -> Result<Vec<Option<f64>>, InputError> {
    let what = format!("a list of {count} numbers, or none, one for each {kind}");
    let list = node.list(&what)?;
    if list.len() != count {
        return Err(node.expected(what));
    }
    let is_none = |node: &Node| matches!(&node.value, Value::Text(text) if text == tables::NONE);
    list.iter().map(|node| if is_none(node) { Ok(None) } else { node.number().map(Some) }).collect()
}

/// A matrix of so many rows and columns, row by row.
fn matrix(node: &Node, [rows, columns]: [usize; 2]) -> Result<Vec<Vec<f64>>, InputError> {
    let what = format!("a list of {rows} rows of {columns} numbers");
    let list = node.list(&what)?;
    if list.len() != rows {
        return Err(node.expected(what));
    }
    let row = |node: &Node| {
        let numbers = node.numbers(&format!("a row of {columns} numbers"))?;
        if numbers.len() == columns {
            Ok(numbers)
        } else {
            Err(node.expected(format!("a row of {columns} numbers")))
        }
    };
    list.iter().map(row).collect()
}

/// R: a matrix, or its diagonal.
fn weights(node: &Node, controls: usize) -> Result<Vec<Vec<f64>>, InputError> {
    let list = node.list("a matrix, or the list of its diagonal")?;
    if list.iter().any(|item| matches!(item.value, Value::List(_))) {
        return matrix(node, [controls, controls]);
    }
    let diagonal = listed(node, controls, "control")?;
    let row = |i: usize| (0..controls).map(|j| if i == j { diagonal[i] } else { 0.0 }).collect();
    Ok((0..controls).map(row).collect())
}

/// Which states are the ball's coordinates.
fn place(node: &Node, states: &[Variable]) -> Result<Vec<usize>, InputError> {
    let what = "the names of two or three states: the ball's coordinates along x, y and perhaps z";
    let list = node.list(what)?;
    let mut place: Vec<usize> = Vec::new();
    for at in list {
        let i = named(at, at.text(what)?, states)?;
        if place.contains(&i) {
            return Err(at.error(format!("\"{}\" stands there twice; expected {what}", states[i].name)));
        }
        place.push(i);
    }
    if (2..=3).contains(&place.len()) { Ok(place) } else { Err(node.expected(what)) }
}

/// The state of a name.
fn named(at: &Node, name: &str, states: &[Variable]) -> Result<usize, InputError> {
    let found = states.iter().position(|state| state.name == name);
    found.ok_or_else(|| at.error(unknown("state", name, states.iter().map(|state| state.name.as_str()))))
}

/// A whole state: its numbers in their order, or each by its name.
fn state(node: &Node, states: &[Variable]) -> Result<Vec<f64>, InputError> {
    let Value::Map(entries) = &node.value else { return listed(node, states.len(), "state") };
    let mut values = vec![None; states.len()];
    for entry in entries {
        let known = || states.iter().map(|state| state.name.as_str());
        let Some(i) = states.iter().position(|state| state.name == entry.key) else {
            return Err(entry.error(unknown("state", &entry.key, known())));
        };
        values[i] = Some(entry.node.number()?);
    }
    let missing =
        |i: usize| node.error(format!("missing state \"{}\"; expected all of them", states[i].name));
    values.into_iter().enumerate().map(|(i, value)| value.ok_or_else(|| missing(i))).collect()
}

fn planner(node: &Node) -> Result<LinearPlanOptions, InputError> {
    let map = node.map_of("a map of planner options", &names(tables::LINEAR_PLANNER))?;
    let default = LinearPlanOptions::default();
    Ok(LinearPlanOptions {
        seed: map.get("seed").map_or(Ok(default.seed), Node::natural)?,
        time_limit: map.get("time_limit").map_or(Ok(default.time_limit), time_limit)?,
        neighbours: map.get("neighbours").map_or(Ok(default.neighbours), neighbours)?,
        samples: map.get("samples").map_or(Ok(default.samples), Node::natural)?,
        max_samples: map.get("max_samples").map_or(Ok(default.max_samples), Node::natural)?,
        improve: map.get("improve").map(improve).transpose()?,
        ..default
    })
}

fn neighbours(node: &Node) -> Result<Neighbours, InputError> {
    let what = "all, within:X or cost:X, X above 0";
    node.text(what)?.parse().map_err(|_| node.expected(what))
}

/// A value of the system that makes no sense, told at its key: the first word of the field.
fn blame(section: &Node, error: InvalidValue) -> InputError {
    let key: String = error.field.chars().take_while(|c| c.is_alphanumeric()).collect();
    let at = section.map("").ok().and_then(|map: Map<'_>| map.get(&key));
    let InvalidValue { field, found, expected } = error;
    let of = if field == key { String::new() } else { format!("{field}: ") };
    at.unwrap_or(section).error(format!("{of}expected {expected}, found {found}"))
}

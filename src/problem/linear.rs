//! A linear system of the user's own among obstacles: x' = A x + B u + c, from a start to its goals. Imports `error` and
//! `world`.

use crate::error::{Checked, InvalidValue, excerpt, finite, magnitude};
use crate::world::World;
use glam::DVec3;
use std::collections::HashSet;
use std::fmt;

/// Most states of a system: beyond, Gramians over short times have no inverse in `f64`.
pub const MAX_STATES: usize = 16;

/// Most controls of a system.
pub const MAX_CONTROLS: usize = 16;

/// Longest name of a state or control, in characters.
const MAX_NAME: usize = 64;

/// A linear system that carries a ball among obstacles, from a start to any of some goals, its states and controls within
/// bounds: what there is to plan, and what a certificate is about. Units are the user's own, but for the ball's
/// coordinates and its radius, which are metres, and time, seconds.
#[derive(Clone, Debug)]
pub struct LinearProblem {
    /// A, row by row: as many rows and columns as there are states.
    pub a: Vec<Vec<f64>>,
    /// B, row by row: of every state what each control adds to its derivative.
    pub b: Vec<Vec<f64>>,
    /// c: what drives the states beside them and the controls, such as gravity.
    pub c: Vec<f64>,
    /// R, row by row, symmetric and positive definite: a motion costs its duration and the integral of u' R u.
    pub r: Vec<Vec<f64>>,
    /// Names and bounds of the states; these are finite, for samples are drawn between them.
    pub states: Vec<Variable>,
    /// Names and bounds of the controls; these may be infinite.
    pub controls: Vec<Variable>,
    /// Which states are the ball's coordinates along x, y and perhaps z.
    pub place: Vec<usize>,
    /// The ball's radius, metres.
    pub radius: f64,
    /// The obstacles.
    pub world: World,
    /// The state in which motions begin.
    pub start: Vec<f64>,
    /// The states in any of which they may end.
    pub goals: Vec<Vec<f64>>,
}

/// A state or a control: its name and its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name, as in files.
    pub name: String,
    /// Its least value.
    pub lower: f64,
    /// Its greatest value.
    pub upper: f64,
}

/// Why no motion can begin or end in a state.
#[derive(Clone, Debug, PartialEq)]
pub enum StateFault {
    /// A state is beyond its bounds.
    Beyond {
        /// Which.
        name: String,
        /// Its value.
        value: f64,
        /// Least and greatest value that it may have.
        bounds: [f64; 2],
    },
    /// The ball touches an obstacle.
    Collision {
        /// Its name.
        obstacle: String,
        /// How deep the ball is inside, metres.
        depth: f64,
    },
}

impl Variable {
    /// One of this name between these bounds.
    pub fn new(name: impl Into<String>, lower: f64, upper: f64) -> Self {
        Self { name: name.into(), lower, upper }
    }

    /// Least and greatest value.
    pub fn bounds(&self) -> [f64; 2] {
        [self.lower, self.upper]
    }
}

impl fmt::Display for StateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beyond { name, value, bounds: [lower, upper] } => {
                write!(f, "\"{name}\" is {value}; expected {lower} to {upper}")
            }
            Self::Collision { obstacle, depth } => {
                write!(f, "the ball is {depth:.4} m inside \"{obstacle}\"; expected a place where it touches nothing")
            }
        }
    }
}

impl LinearProblem {
    /// Names of all states, then of all controls: the outputs of trajectories.
    pub fn outputs(&self) -> Vec<String> {
        self.states.iter().chain(&self.controls).map(|variable| variable.name.clone()).collect()
    }

    /// Where the ball is in a state; what it has no coordinate for is zero.
    pub fn position(&self, state: &[f64]) -> DVec3 {
        let mut at = DVec3::ZERO;
        self.place.iter().enumerate().for_each(|(axis, &i)| at[axis] = state[i]);
        at
    }

    /// Why no motion can begin or end in a state of this system: the first reason.
    pub fn fault(&self, state: &[f64]) -> Option<StateFault> {
        let beyond = |(variable, &value): (&Variable, &f64)| {
            let [lower, upper] = variable.bounds();
            let name = variable.name.clone();
            (!(lower..=upper).contains(&value)).then_some(StateFault::Beyond { name, value, bounds: [lower, upper] })
        };
        self.states.iter().zip(state).find_map(beyond).or_else(|| {
            let at = self.position(state);
            let depths = self.world.obstacles.iter().map(|o| (o, self.radius - o.signed_distance(at)));
            let (obstacle, depth) = depths.max_by(|a, b| a.1.total_cmp(&b.1))?;
            (depth >= 0.0).then(|| StateFault::Collision { obstacle: obstacle.name.clone(), depth })
        })
    }

    /// Checks that it makes sense: that everything is made of numbers, shapes fit, names differ, and bounds leave room.
    /// Whether R is positive definite and the system controllable is for a planner to say, and whether start and goals lie
    /// within bounds and touch nothing too ([`LinearProblem::fault`]).
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Checked {
        let (states, controls) = (self.states.len(), self.controls.len());
        counted("states", states, MAX_STATES)?;
        counted("controls", controls, MAX_CONTROLS)?;
        shape("A", &self.a, [states, states])?;
        shape("B", &self.b, [states, controls])?;
        numbers("c", &self.c, states, "state")?;
        shape("R", &self.r, [controls, controls])?;
        self.validate_names()?;
        let finite_bounds = |v: &Variable| v.bounds().into_iter().all(|bound| finite("", bound).is_ok());
        for (i, state) in self.states.iter().enumerate() {
            if !finite_bounds(state) || state.lower >= state.upper {
                return Err(unbounded("states", i, state, "finite bounds, the lower below the upper"));
            }
        }
        for (i, control) in self.controls.iter().enumerate() {
            let is_number = |bound: f64| bound.is_infinite() || finite("", bound).is_ok();
            let has_room = control.lower < control.upper && control.bounds().into_iter().all(is_number);
            if !has_room {
                return Err(unbounded("controls", i, control, "bounds, the lower below the upper"));
            }
        }
        self.validate_place()?;
        magnitude("radius", self.radius)?;
        self.world.validate().map_err(|e| e.under("world"))?;
        numbers("start", &self.start, states, "state")?;
        if self.goals.is_empty() {
            return Err(InvalidValue::new("goals", "none", "at least one goal"));
        }
        let mut goals = self.goals.iter().enumerate();
        goals.try_for_each(|(i, goal)| numbers(&format!("goals[{i}]"), goal, states, "state"))
    }

    /// Whether the ball has two or three coordinates, each a state of its own.
    fn validate_place(&self) -> Checked {
        let (place, states) = (&self.place, self.states.len());
        let differ = place.iter().collect::<HashSet<_>>().len() == place.len();
        if !(2..=3).contains(&place.len()) || !differ || place.iter().any(|&i| i >= states) {
            let expected = format!("two or three different indices of the {states} states");
            return Err(InvalidValue::new("place", format!("{place:?}"), expected));
        }
        Ok(())
    }

    /// Whether all names differ, and can head columns of a file beside those that stand there already.
    fn validate_names(&self) -> Checked {
        let fields = [("states", &self.states), ("controls", &self.controls)];
        let all = fields.iter().flat_map(|(field, all)| all.iter().enumerate().map(move |(i, v)| (field, i, &v.name)));
        let mut seen = HashSet::new();
        for (field, i, name) in all {
            let wrong = |expected: &str| {
                let field = format!("{field}[{i}].name");
                Err(InvalidValue::new(field, format!("\"{}\"", excerpt(name)), expected))
            };
            if !is_name(name) {
                return wrong(NAME);
            }
            if !seen.insert(name.as_str()) {
                return wrong("a name that no other state or control has");
            }
        }
        Ok(())
    }
}

/// What names are like.
const NAME: &str = "a name that begins with a letter, goes on with letters, digits, _, - and ., and is neither \"t\" nor \
                    \"duration\" nor like \"c0_x\" or \"q_x\", which head other columns of a CSV";

/// Whether a state or control may be called so.
fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(char::is_alphabetic);
    let goes_on = letters.all(|c| c.is_alphanumeric() || "_-.".contains(c)) && name.chars().count() <= MAX_NAME;
    let power = name.strip_prefix('c').map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    let is_coefficient = power.is_some_and(|rest| rest.len() + 1 < name.len() && rest.starts_with('_'));
    starts && goes_on && !is_coefficient && !name.starts_with("q_") && !["t", "duration"].contains(&name)
}

fn unbounded(field: &str, i: usize, variable: &Variable, expected: &str) -> InvalidValue {
    let Variable { name, lower, upper } = variable;
    let found = format!("{lower} to {upper}");
    InvalidValue::new(format!("{field}[{i}] (\"{}\")", excerpt(name)), found, expected)
}

fn counted(field: &str, count: usize, most: usize) -> Checked {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(InvalidValue::new(field, format!("{count} of them"), format!("1 to {most} of them")))
}

/// A list of so many numbers.
pub(crate) fn numbers(field: &str, values: &[f64], count: usize, what: &str) -> Checked {
    if values.len() != count {
        let found = format!("{} numbers", values.len());
        return Err(InvalidValue::new(field, found, format!("{count} numbers, one for each {what}")));
    }
    values.iter().try_for_each(|&value| finite(field, value))
}

/// A matrix of so many rows and columns, made of numbers.
pub(crate) fn shape(field: &str, rows: &[Vec<f64>], [count, columns]: [usize; 2]) -> Checked {
    let odd = rows.iter().find(|row| row.len() != columns);
    if rows.len() != count || odd.is_some() {
        let width = odd.or(rows.first()).map_or(0, Vec::len);
        let found = format!("{} rows, one of {width} numbers", rows.len());
        return Err(InvalidValue::new(field, found, format!("{count} rows of {columns} numbers")));
    }
    rows.iter().flatten().try_for_each(|&value| finite(field, value))
}

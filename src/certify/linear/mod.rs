//! The certificate of a linear system's motion: proof, in plain `f64` and for every instant, that it obeys
//! x' = A x + B u + c, keeps the bounds of states and controls, touches nothing, and leads from the start to a goal. Of what
//! planned it nothing is imported; polynomials of the states and controls, and the problem, are all that it knows.
//!
//! - x' - (A x + B u + c) is a polynomial itself: its Bernstein coefficients bound it over a whole piece.
//! - Bounds hold by exact extrema.
//! - Collisions are excluded on intervals of time, halved until each is proved (`meeting`).
//! - Time and effort, of which the cost is the sum, are integrals of polynomials.
//!
//! Imports `problem`, `trajectory`, `world` and `stop`.

mod meeting;
mod report;

pub use report::{LinearCertificate, LinearViolation, LinearViolations, VariablePeak};

use super::MAX_COEFFICIENT;
use super::options::{WORK_PER_ASK, deviation};
use super::report::Peak;
use crate::problem::{InvalidValue, LinearProblem};
use crate::stop::{Stop, Watch};
use crate::trajectory::{Extrema, MAX_DEGREE, Segment, Trajectory, derivative, extrema, magnitude_bound};
use meeting::Meeting;

/// Longest piece, seconds: with longer ones evaluation could overflow.
const LONGEST: f64 = 1e9;

/// How exact a motion of a linear system must be, and how exactly its clearance is told.
///
/// What is proved within them: the motion is one of x' = A x + B u + c + d with a disturbance d below `residual`, and
/// with jumps of its states that come to `tolerance` in all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearTolerances {
    /// What the ends may miss start and goal by, and a state jump by at all knots together, relative to values above 1.
    pub tolerance: f64,
    /// What x' - (A x + B u + c) may come to at any instant, of every state by itself, relative to its greatest rate
    /// where that is above 1.
    pub residual: f64,
    /// What bounds of states and controls may be exceeded by, relative to bounds above 1.
    pub bounds: f64,
    /// The clearance is proved to within this, metres.
    pub clearance: f64,
}

impl Default for LinearTolerances {
    fn default() -> Self {
        Self { tolerance: 1e-7, residual: 1e-7, bounds: 1e-9, clearance: 1e-4 }
    }
}

impl LinearTolerances {
    /// For files that anybody wrote, as `flatout check` has them: bounds may be exceeded by ten times this `tolerance`.
    pub fn for_files(tolerance: f64) -> Self {
        Self { tolerance, residual: tolerance, bounds: 10.0 * tolerance, ..Self::default() }
    }

    /// Checks that they are numbers, none below zero, and that of the clearance above.
    ///
    /// # Errors
    /// The first field whose value makes no sense.
    pub fn validate(&self) -> Result<(), InvalidValue> {
        let &Self { tolerance, residual, bounds, clearance } = self;
        let all = [("tolerance", tolerance), ("residual", residual), ("bounds", bounds), ("clearance", clearance)];
        let makes_sense = |&(field, value): &(&str, f64)| {
            (0.0..f64::INFINITY).contains(&value) && (field != "clearance" || value > 0.0)
        };
        match all.into_iter().find(|one| !makes_sense(one)) {
            None => Ok(()),
            Some((field, value)) => Err(InvalidValue::new(field, value, "a finite number from 0 on, of clearance above 0")),
        }
    }
}

/// Proves that `trajectory` (polynomials of all states, then of all controls) solves `problem` at every instant.
///
/// # Errors
/// All that stands against it: of every state, control and kind the worst.
pub fn certify_linear(
    problem: &LinearProblem,
    trajectory: &Trajectory,
    tolerances: &LinearTolerances,
) -> Result<LinearCertificate, LinearViolations> {
    certify_linear_until(problem, trajectory, tolerances, &Stop::NEVER)
}

/// The same, but given up as [`LinearViolation::OutOfTime`] when `stop` is due.
///
/// # Errors
/// As [`certify_linear`].
pub fn certify_linear_until(
    problem: &LinearProblem,
    trajectory: &Trajectory,
    tolerances: &LinearTolerances,
    stop: &Stop,
) -> Result<LinearCertificate, LinearViolations> {
    let sense = problem.validate().and_then(|()| tolerances.validate().map_err(|e| e.under("tolerances")));
    sense.map_err(|why| LinearViolations(vec![LinearViolation::Invalid(why)]))?;
    if let Some(reason) = malformed(problem, trajectory) {
        return Err(LinearViolations(vec![LinearViolation::Malformed { reason }]));
    }
    let mut proof = Proof { problem, trajectory, tolerances, against: Vec::new() };
    let goal = proof.ends();
    proof.knots();
    let residual = proof.equations();
    let peaks = proof.bounds();
    let mut watch = Watch::new(stop, WORK_PER_ASK);
    let mut meeting = Meeting::new(problem, trajectory, tolerances.clearance);
    let met = meeting.prove(&mut watch);
    proof.against.extend(met.err());
    proof.against.extend(meeting.violations());
    if !proof.against.is_empty() {
        return Err(LinearViolations(proof.against));
    }
    let (world, intervals) = meeting.clearance();
    let (duration, effort) = (trajectory.duration(), effort(&problem.r, problem.states.len(), trajectory));
    Ok(LinearCertificate { goal, duration, effort, cost: duration + effort, residual, world, peaks, intervals })
}

/// Why it is no trajectory of this system at all, made of numbers.
fn malformed(problem: &LinearProblem, trajectory: &Trajectory) -> Option<String> {
    let wanted = problem.states.len() + problem.controls.len();
    if trajectory.dof() != wanted {
        let found = trajectory.dof();
        return Some(format!("it has {found} outputs, and the system {wanted} states and controls"));
    }
    if trajectory.degree() > MAX_DEGREE {
        return Some(format!("its polynomials are of a degree above {MAX_DEGREE}"));
    }
    if trajectory.is_empty() {
        return Some("it has no segment".to_owned());
    }
    let is_sound = |s: &Segment<'_>| {
        let is_moment = s.duration == 0.0 && trajectory.len() == 1;
        (is_moment || (s.duration > 0.0 && s.duration <= LONGEST))
            && s.coefficients.iter().all(|c| c.abs() <= MAX_COEFFICIENT)
    };
    let odd = trajectory.segments().position(|segment| !is_sound(&segment))?;
    Some(format!("segment {odd} has no duration up to {LONGEST:e} s, or a coefficient that is none up to {MAX_COEFFICIENT:e}"))
}

/// A proof under way.
struct Proof<'p> {
    problem: &'p LinearProblem,
    trajectory: &'p Trajectory,
    tolerances: &'p LinearTolerances,
    /// What stands against the motion.
    against: Vec<LinearViolation>,
}

impl<'p> Proof<'p> {
    /// Pieces, and when each begins.
    fn pieces(&self) -> impl Iterator<Item = (Segment<'p>, f64)> + use<'p> {
        self.trajectory.segments().zip(self.trajectory.knots().iter().copied())
    }

    fn name(&self, state: usize) -> String {
        self.problem.states[state].name.clone()
    }

    /// Whether it leads from the start to a goal; gives the index of the goal.
    fn ends(&mut self) -> usize {
        let (first, last) = (self.trajectory.segment(0), self.trajectory.segment(self.trajectory.len() - 1));
        // Of a state, the number that is the farthest off, and by how much; a NaN is as far as anything.
        let miss = |segment: &Segment<'_>, t: f64, wanted: &[f64]| {
            let off = |(i, &wanted): (usize, &f64)| {
                let value = derivative(segment.polynomial(i), 0, t);
                let off = deviation(value, wanted);
                (i, value, wanted, if off.is_nan() { f64::INFINITY } else { off })
            };
            wanted.iter().enumerate().map(off).fold((0, 0.0, 0.0, 0.0), |a, b| if b.3 > a.3 { b } else { a })
        };
        let (state, value, expected, off) = miss(&first, 0.0, &self.problem.start);
        if off > self.tolerances.tolerance {
            self.against.push(LinearViolation::Start { state: self.name(state), value, expected });
        }
        let goals = self.problem.goals.iter().map(|goal| miss(&last, last.duration, goal)).enumerate();
        let nearest = goals.reduce(|a, b| if b.1.3 < a.1.3 { b } else { a });
        let Some((goal, (state, value, expected, off))) = nearest else { return 0 };
        if off > self.tolerances.tolerance {
            self.against.push(LinearViolation::Goal { state: self.name(state), value, expected });
        }
        goal
    }

    /// Whether the states are continuous. Controls may jump. Jumps that are small one by one must not add up.
    fn knots(&mut self) {
        for state in 0..self.problem.states.len() {
            let (mut sum, mut worst) = (0.0, (0.0, 0.0));
            for i in 1..self.trajectory.len() {
                let (before, after) = (self.trajectory.segment(i - 1), self.trajectory.segment(i));
                let end = derivative(before.polynomial(state), 0, before.duration);
                let off = deviation(after.polynomial(state)[0], end);
                let off = if off.is_nan() { f64::INFINITY } else { off };
                sum += off;
                if off > worst.0 {
                    worst = (off, self.trajectory.knots()[i]);
                }
            }
            if sum > self.tolerances.tolerance {
                let (state, (worst, time)) = (self.name(state), worst);
                self.against.push(LinearViolation::Jump { state, sum, worst, time });
            }
        }
    }

    /// Whether the equations of motion hold; gives the greatest |x' - (A x + B u + c)| of any state, relative to its
    /// greatest rate where that is above 1.
    fn equations(&mut self) -> f64 {
        let mut greatest = 0.0_f64;
        for state in 0..self.problem.states.len() {
            let mut worst: Option<(f64, f64)> = None;
            for (piece, start) in self.pieces() {
                let residual = residual(self.problem, &piece, state);
                let rate = magnitude_bound(piece.polynomial(state), 1, piece.duration).max(1.0);
                let bound = magnitude_bound(&residual, 0, piece.duration) / rate;
                if bound <= self.tolerances.residual {
                    greatest = greatest.max(bound);
                    continue;
                }
                // The coefficients bound it, its extrema are what it is.
                let (value, time) = extrema(&residual, 0, piece.duration).magnitude();
                if value / rate <= self.tolerances.residual {
                    greatest = greatest.max(value / rate);
                } else if worst.is_none_or(|(worst, _)| value > worst || value.is_nan()) {
                    worst = Some((value, start + time));
                }
            }
            if let Some((residual, time)) = worst {
                self.against.push(LinearViolation::Equation { state: self.name(state), residual, time });
            }
        }
        greatest
    }

    /// Whether states and controls keep their bounds; gives how near they come to them.
    fn bounds(&mut self) -> Vec<VariablePeak> {
        let variables = self.problem.states.iter().chain(&self.problem.controls);
        let mut peaks = Vec::new();
        for (i, variable) in variables.enumerate() {
            let mut peak = Peak::default();
            let mut worst: Option<(f64, f64, f64, f64)> = None;
            for (piece, start) in self.pieces() {
                let e = extrema(piece.polynomial(i), 0, piece.duration);
                let e = Extrema { min_time: start + e.min_time, max_time: start + e.max_time, ..e };
                peak.raise(&e, variable.bounds());
                let below = (variable.lower - e.min, e.min, variable.lower, e.min_time);
                let above = (e.max - variable.upper, e.max, variable.upper, e.max_time);
                for (beyond, value, bound, time) in [below, above] {
                    let kept = beyond <= self.tolerances.bounds * bound.abs().max(1.0);
                    if !kept && worst.is_none_or(|worst| beyond > worst.0) {
                        worst = Some((beyond, value, bound, time));
                    }
                }
            }
            let name = variable.name.clone();
            if let Some((_, value, bound, time)) = worst {
                self.against.push(LinearViolation::Bound { name: name.clone(), value, bound, time });
            }
            peaks.push(VariablePeak { name, peak });
        }
        peaks
    }
}

/// The coefficients of x' - (A x + B u + c) of a state over a piece.
fn residual(problem: &LinearProblem, piece: &Segment<'_>, state: usize) -> Vec<f64> {
    let own = piece.polynomial(state);
    let factors = || problem.a[state].iter().chain(&problem.b[state]).enumerate().filter(|(_, factor)| **factor != 0.0);
    let coefficient = |power: usize| {
        let rate = own.get(power + 1).map_or(0.0, |c| c * (power + 1) as f64);
        let wanted: f64 = factors().map(|(i, factor)| factor * piece.polynomial(i)[power]).sum();
        rate - wanted - if power == 0 { problem.c[state] } else { 0.0 }
    };
    (0..own.len()).map(coefficient).collect()
}

/// The integral of u' R u, the controls being what follows so many states.
fn effort(r: &[Vec<f64>], states: usize, trajectory: &Trajectory) -> f64 {
    let of_piece = |piece: Segment<'_>| {
        let t = piece.duration;
        let mut sum = 0.0;
        for (i, row) in r.iter().enumerate() {
            for (j, &weight) in row.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                let [left, right] = [i, j].map(|i| piece.polynomial(states + i));
                for (p, a) in left.iter().enumerate() {
                    let terms = right.iter().enumerate().map(|(q, b)| b * t.powi((p + q) as i32 + 1) / (p + q + 1) as f64);
                    sum += weight * a * terms.sum::<f64>();
                }
            }
        }
        sum
    };
    trajectory.segments().map(of_piece).sum()
}

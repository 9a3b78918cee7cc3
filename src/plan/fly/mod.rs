//! Planning for quadrotors: they fly where their thrust pulls them.
//!
//! A quadrotor's state asks of its flat outputs that position and velocity be continuous, and the
//! direction of the thrust, which is that of y'' + g, with its first derivative; torques limit the second
//! (Mellinger and Kumar, *Minimum snap trajectory generation and control for quadrotors*, ICRA 2011).
//! So there are two steps. The first plans for the flat outputs as for a point whose accelerations are
//! bounded, by the same search and shortcuts as for arms; on a straight line from rest to rest it
//! accelerates as hard as the thrust allows in its direction. The second runs the answer through two
//! moving averages ([`moving_average`](crate::steer::moving_average)), as narrow as the limits of
//! body rates and rotors permit: exact, no bound of the first step is exceeded, and no more is lost than
//! the filters' widths. Where a level body does not get through, such flights lead from one narrow place to the next
//! ([`gates`]), through which it coasts leaning ([`crossing`]). The best is then shortened by [`quicken`], all limits
//! at once. What is answered is
//! checked as a whole, attitudes and all, and certified.

mod courses;
mod crossing;
mod ends;
mod envelope;
mod flat;
mod gates;
mod pilot;
mod quicken;
mod righting;
mod spline;
mod swing;
mod thrust_piece;

pub use ends::Attitude;
pub(super) use ends::instant;
pub(super) use pilot::Pilot;

use super::{EndFault, PlanError};
use crate::base::Base;
use crate::check::{CheckError, Diagnosis, EdgeBatch, EdgeChecker, Status};
use crate::problem::{JointState, Problem};
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use ends::Port;
use envelope::{Agility, Envelope};
use glam::DVec3;

/// Degree of the edges that whole flights are checked as.
const DEGREE: usize = 5;

/// Cosine of the lean up to which a thrust points up well.
const UPRIGHT: f64 = 0.5;

/// Jerk of a thrust that has come to rest, m/s^3: more only by rounding.
const CALM: f64 = 1e-3;

/// What is to be flown: ends from which, and to which, the body is level.
pub(super) struct Flight<'a> {
    problem: &'a Problem,
    base: &'a Base,
    envelope: Envelope<'a>,
    /// Ways to come from the start to where the body is level.
    starts: Vec<Port>,
    /// Ways to come from there to a goal.
    goals: Vec<Port>,
    /// Ways to come from a start that falls to where the body is level and no longer does.
    recoveries: Vec<Port>,
    /// Flights straight from the start to a goal, where an end moves or leans.
    direct: Vec<Trajectory>,
}

impl<'a> Flight<'a> {
    /// The flight to those goals that are valid, if the problem is for a quadrotor; or why there is none. When `stop`
    /// is due meanwhile, neither tells anything.
    pub(super) fn of(
        problem: &'a Problem,
        goals: &[&JointState],
        checker: &mut dyn EdgeChecker,
        stop: &Stop,
    ) -> Result<Option<Self>, PlanError> {
        let Some(base) = problem.mechanism.vehicle() else { return Ok(None) };
        let Some(envelope) = Envelope::of(base) else { return Ok(None) };
        let mut flight = Self::within(problem, base, envelope, goals, stop)?;
        keep_valid(&mut flight.recoveries, checker)?;
        let mut start = keep_valid(&mut flight.starts, checker)?;
        if flight.starts.is_empty() && !flight.recoveries.is_empty() {
            flight.starts.clone_from(&flight.recoveries);
            start = None;
        }
        let goal = keep_valid(&mut flight.goals, checker)?;
        let blocked = [("the start", start), ("the goal", goal)];
        match blocked.into_iter().find_map(|(end, why)| Some((end, why?))) {
            Some((end, why)) => Err(PlanError::Unsupported(format!(
                "{end}: the body is not level there, and levelling it fails: {why}"
            ))),
            None => Ok(Some(flight)),
        }
    }

    fn within(
        problem: &'a Problem,
        base: &'a Base,
        envelope: Envelope<'a>,
        goals: &[&JointState],
        stop: &Stop,
    ) -> Result<Self, PlanError> {
        let unsupported = |why: &str| PlanError::Unsupported(why.to_owned());
        if problem.mechanism.dof() > base.coordinates().len() {
            return Err(unsupported("a quadrotor that carries joints of its own is not planned for"));
        }
        if !envelope.can_hover() {
            return Err(unsupported("the quadrotor's greatest thrust hardly carries its weight"));
        }
        if !envelope.can_turn() {
            return Err(unsupported("the quadrotor's moments do not turn it either way about every axis"));
        }
        if let Some(why) = ends::excess(base, &problem.start) {
            return Err(PlanError::Start(EndFault::Invalid(why)));
        }
        let faults: Vec<Option<Diagnosis>> = goals.iter().map(|goal| ends::excess(base, goal)).collect();
        let sound = goals.iter().zip(&faults).filter(|(_, fault)| fault.is_none()).map(|(goal, _)| goal);
        let goals: Vec<&JointState> = sound.copied().collect();
        if let (true, Some(why)) = (goals.is_empty(), faults.into_iter().flatten().next()) {
            return Err(PlanError::Goal(EndFault::Invalid(why)));
        }
        let refused = |end: &str, state: &JointState, why: Attitude| {
            let told = ends::lean(base, state).map_or_else(String::new, |[lean, rate]| {
                format!(" (it leans by {:.0} degrees and turns at {rate:.2} rad/s)", lean.to_degrees())
            });
            unsupported(&format!("{end}: {why}{told}"))
        };
        let envelope = envelope.between(problem.goals.iter().chain([&problem.start]));
        let recoveries = Port::recoveries(&envelope, base, &problem.start);
        let starts = match Port::of_start(&envelope, base, &problem.start) {
            Ok(starts) => starts,
            Err(_) if !recoveries.is_empty() => recoveries.clone(),
            Err(why) => return Err(refused("the start", &problem.start, why)),
        };
        let (mut ports, mut faults) = (Vec::new(), Vec::new());
        for &goal in &goals {
            if stop.is_due() {
                break;
            }
            match Port::of_goal(&envelope, base, goal) {
                Ok(ways) => {
                    ports.extend(ways.into_iter().map(|way| way.unwound(&starts[0], envelope.up() + 1)));
                }
                Err(why) => faults.push(why),
            }
        }
        match faults.first() {
            Some(&why) if ports.is_empty() => Err(refused("the goal", goals[0], why)),
            _ => {
                let mut flight =
                    Self { problem, base, envelope, starts, goals: ports, recoveries, direct: Vec::new() };
                let leads = flight.ports().any(|port| port.lead.is_some());
                if leads || !flight.is_at_rest() {
                    let direct =
                        |goal: &&JointState| ends::direct(&flight.envelope, base, &problem.start, goal);
                    flight.direct = goals.iter().take_while(|_| !stop.is_due()).flat_map(direct).collect();
                }
                Ok(flight)
            }
        }
    }

    /// A leg of it: other ends.
    fn leg(&self, starts: Vec<Port>, goals: Vec<Port>) -> Self {
        let Self { problem, base, ref envelope, .. } = *self;
        let (recoveries, direct) = (Vec::new(), Vec::new());
        Self { problem, base, envelope: envelope.clone(), starts, goals, recoveries, direct }
    }

    /// World axes of the outputs of place.
    fn axes(&self) -> &'static [DVec3] {
        if self.envelope.up() == 1 { &[DVec3::X, DVec3::Z] } else { &DVec3::AXES }
    }

    /// Whether every level end is at rest.
    fn is_at_rest(&self) -> bool {
        self.ports().all(|port| port.level.is_at_rest())
    }

    fn ports(&self) -> impl Iterator<Item = &Port> {
        self.goals.iter().chain(&self.starts)
    }

    /// The problem in the flat outputs from one of the starts, with these accelerations, for filters that
    /// are `delay` wide in all.
    fn flat(&self, start: usize, agility: &Agility, delay: f64) -> Problem {
        let mut limits = self.envelope.limits(agility, &self.problem.mechanism.limits);
        let ends = || self.ports().map(|port| &port.level);
        for (output, limits) in limits.iter_mut().enumerate().skip(self.envelope.up() + 1) {
            // Nothing is gained by turning beyond what the ends ask for.
            let reach = |s: &JointState, sign: f64| {
                let way = s.velocity[output] * s.velocity[output].abs() / limits.acceleration;
                s.position[output] + sign * (way.abs() + s.velocity[output].abs() * delay)
            };
            limits.lower = ends().map(|s| reach(s, -1.0)).fold(f64::INFINITY, f64::min);
            limits.upper = ends().map(|s| reach(s, 1.0)).fold(f64::NEG_INFINITY, f64::max);
        }
        let moved = |port: &Port, by: f64| {
            let JointState { position, velocity, .. } = &port.level;
            let position = position.iter().zip(velocity).map(|(p, v)| p + by * v).collect();
            JointState { position, ..port.level.clone() }
        };
        let goals = self.goals.iter().map(|port| moved(port, -0.5 * delay)).collect();
        let start = moved(&self.starts[start], 0.5 * delay);
        flat::problem(self.problem, self.base.outputs(), limits, start, goals)
    }

    /// The whole flight by a filtered course between two level ends.
    fn whole(&self, course: &Trajectory, ends: Ends) -> Trajectory {
        let [before, after] =
            [&self.starts[ends.start], &self.goals[ends.goal]].map(|port| port.lead.as_ref());
        if before.is_none() && after.is_none() {
            return course.clone();
        }
        let mut whole = Trajectory::new(course.dof(), course.degree());
        [before, Some(course), after].into_iter().flatten().for_each(|piece| whole.append(piece));
        whole
    }

    /// The longest time in which the thrust of a whole flight points up well: from when until when. Where the
    /// thrust turns over before that, from when it has come to rest.
    fn upright(&self, whole: &Trajectory) -> (f64, f64) {
        let up = self.envelope.up();
        let points_up = |i: usize| {
            let segment = whole.segment(i);
            let mut thrust = vec![0.0; segment.dof];
            segment.evaluate(0.5 * segment.duration, 2, &mut thrust);
            thrust[up] += self.envelope.hovering();
            thrust[up] > UPRIGHT * thrust[..=up].iter().map(|f| f * f).sum::<f64>().sqrt()
        };
        let knots = whole.knots();
        let (mut longest, mut from) = ((0.0, 0.0), 0.0);
        for i in 0..whole.len() {
            if !points_up(i) {
                from = knots[i + 1];
            } else if knots[i + 1] - from > longest.1 - longest.0 {
                longest = (from, knots[i + 1]);
            }
        }
        let mut jerk = vec![0.0; whole.dof()];
        let is_calm = |i: &usize| {
            whole.segment(*i).evaluate(0.0, 3, &mut jerk);
            jerk.iter().all(|j| j.abs() < CALM)
        };
        let begin = knots.partition_point(|&knot| knot < longest.0);
        let end = knots.partition_point(|&knot| knot < longest.1);
        if begin > 0
            && let Some(calm) = (begin..end).find(is_calm)
        {
            longest.0 = knots[calm];
        }
        longest
    }
}

/// Keeps those ports whose leads are valid; if there is none, tells what is wrong with the last.
fn keep_valid(ports: &mut Vec<Port>, checker: &mut dyn EdgeChecker) -> Result<Option<Status>, CheckError> {
    checker.set_padding(0.0);
    let (mut verdicts, mut why) = (Vec::new(), None);
    for i in (0..ports.len()).rev() {
        let Some(lead) = &ports[i].lead else { continue };
        let mut edge = EdgeBatch::new(lead.dof(), DEGREE);
        edge.push_trajectory(lead);
        checker.check(&edge, &mut verdicts)?;
        if !verdicts[0].is_valid() {
            why = Some(verdicts[0].status());
            ports.remove(i);
        }
    }
    Ok(why.filter(|_| ports.is_empty()))
}

/// Which ends a course lies between, and the width of the filters that its ends are chosen for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    start: usize,
    goal: usize,
    delay: f64,
}

//! Flights through narrow places: before each the body swings into the lean with which it fits, coasts through without
//! turning, and swings back; between them it flies from level to level.

use super::super::termination::unless_spent;
use super::super::{Halt, Termination};
use super::ends::Port;
use super::gates::{self, Gate};
use super::pilot::{Flown, Pilot};
use super::{Flight, keep_valid};
use crate::check::CheckError;
use crate::problem::JointState;
use crate::trajectory::Trajectory;

/// How gates are passed.
struct CrossingSettings {
    /// The least thrust while it coasts, in multiples of gravity.
    least_thrust: f64,
    /// Speeds that are tried, in multiples of that at which coasting strays by half the room, ...
    speeds: [f64; 4],
    /// ... which is no less and no more than these shares of the greatest.
    slowest: f64,
    fastest: f64,
    /// Shares of the gate's length over which it coasts.
    coasts: [f64; 3],
    /// Attempts, each at other places and leans in the same openings and with other widths of filters.
    attempts: u32,
    /// Samples for a leg, and for all that are tried: where these are spent, openings are not what is hard.
    samples: u64,
    all: u64,
}

const SETTINGS: CrossingSettings = CrossingSettings {
    least_thrust: 0.1,
    speeds: [1.0, 0.75, 1.35, 0.55],
    slowest: 0.25,
    fastest: 0.9,
    coasts: [1.0, 0.7, 0.45],
    attempts: 3,
    samples: 300,
    all: 3000,
};

/// Ways into a gate, and out of it.
struct Passage {
    before: Vec<Port>,
    after: Vec<Port>,
}

impl Pilot<'_, '_> {
    /// A flight through all narrow places on the way, if there are any and it is found.
    pub(super) fn crossing(&mut self, termination: &Termination<'_>) -> Result<Option<Flown>, Halt> {
        let all = self.worker.statistics.iterations.saturating_add(SETTINGS.all);
        let termination = &termination.within(all);
        for attempt in 0..SETTINGS.attempts {
            let gates = self.gates(termination);
            if gates.is_empty() {
                break;
            }
            let found = self.through(&gates, self.flight.starts.clone(), attempt, termination)?;
            if found.is_some() {
                return Ok(found);
            }
            if self.is_spent(termination) {
                break;
            }
        }
        self.is_level = true;
        Ok(None)
    }

    /// The narrow places on the way, in their order, and how the body fits through, as far as chance tells.
    fn gates(&mut self, termination: &Termination<'_>) -> Vec<Gate> {
        let begun = self.worker.begin_search();
        let gates = gates::gates(self.flight, self.worker.clearance(), begun.seed, termination.stop());
        self.worker.statistics.plan += begun.elapsed();
        gates
    }

    /// A flight from some ports through gates to the goals.
    fn through(
        &mut self,
        gates: &[Gate],
        starts: Vec<Port>,
        attempt: u32,
        termination: &Termination<'_>,
    ) -> Result<Option<Flown>, Halt> {
        let flight = self.flight;
        let Some((gate, rest)) = gates.split_first() else {
            return self.flown(starts, flight.goals.clone(), attempt, termination);
        };
        for passage in flight.passages(gate) {
            if self.is_spent(termination) {
                break;
            }
            let Some(Passage { before, after }) = self.valid(passage)? else { continue };
            let Some(mut first) = self.flown(starts.clone(), before, attempt, termination)? else { continue };
            if let Some(second) = self.through(rest, after, attempt, termination)? {
                first.flight.append(&second.flight);
                first.raw_duration += second.raw_duration;
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    fn is_spent(&self, termination: &Termination<'_>) -> bool {
        termination.late() || termination.spent(self.worker.statistics.iterations).is_some()
    }

    /// A passage without what meets obstacles, if anything is left.
    fn valid(&mut self, passage: Passage) -> Result<Option<Passage>, CheckError> {
        let Passage { mut before, mut after } = passage;
        let checker = self.worker.local.checker();
        for ports in [&mut before, &mut after] {
            if ports.is_empty() || keep_valid(ports, checker)?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(Passage { before, after }))
    }

    /// The shortest flight of a leg that is found soon.
    fn flown(
        &mut self,
        starts: Vec<Port>,
        goals: Vec<Port>,
        attempt: u32,
        termination: &Termination<'_>,
    ) -> Result<Option<Flown>, Halt> {
        let leg = self.flight.leg(starts, goals);
        let part = termination.within(self.worker.statistics.iterations.saturating_add(SETTINGS.samples));
        let flights = unless_spent(self.leg(&leg).flights(attempt, &part))?;
        Ok(flights.and_then(|flights| flights.into_iter().next()))
    }
}

impl Flight<'_> {
    /// Ways to pass a gate, one after another.
    fn passages(&self, gate: &Gate) -> impl Iterator<Item = Passage> {
        let gravity = self.envelope.hovering();
        let least = SETTINGS.least_thrust * gravity;
        // The one strays only along the body, the other falls as freely as can be.
        let thrusts = [(gravity * gate.thrust.z).max(least), least];
        let kinds = thrusts.into_iter().flat_map(|thrust| {
            let speeds = SETTINGS.speeds.into_iter();
            speeds.flat_map(move |speed| SETTINGS.coasts.map(|coast| (thrust, speed, coast)))
        });
        kinds.filter_map(move |(thrust, speed, coast)| self.passage(gate, thrust, speed, coast))
    }

    /// Through a gate with a thrust by mass, at a multiple of the speed that it takes.
    fn passage(&self, gate: &Gate, thrust: f64, speed: f64, coast: f64) -> Option<Passage> {
        let Gate { place, way, length, .. } = *gate;
        let fall = thrust * gate.thrust - self.envelope.hovering() * glam::DVec3::Z;
        let along = fall.dot(way);
        let aside = fall - along * way;
        let square = length * length * aside.length() / gate.room + 2.0 * length * along.abs();
        let [slowest, fastest] = [SETTINGS.slowest, SETTINGS.fastest].map(|share| share * self.envelope.speed());
        let speed = speed * square.sqrt().clamp(slowest, fastest);
        if speed > fastest {
            return None;
        }
        // Times until the body is clear, backwards and onwards.
        let clear = |along: f64| {
            let root = speed * speed + 2.0 * along * coast * length;
            (root >= 0.0 && speed > 0.0).then(|| 2.0 * coast * length / (speed + root.sqrt()))
        };
        let [before, after] = [clear(-along)?, clear(along)?];
        let longest = before.max(after);
        let middle = place - 0.25 * longest * longest * aside;
        let at = |t: f64| [middle + t * (speed * way + 0.5 * t * fall), speed * way + t * fall];
        let piece = |from: f64, to: f64| {
            let [position, velocity] = at(from);
            let mut coefficients = Vec::new();
            for axis in self.axes() {
                coefficients.extend([position, velocity, 0.5 * fall].map(|v| v.dot(*axis)));
            }
            if self.envelope.outputs() > self.axes().len() {
                coefficients.extend([gate.yaw, 0.0, 0.0]);
            }
            let mut piece = Trajectory::new(self.envelope.outputs(), 2);
            piece.push(to - from, &coefficients);
            piece
        };
        let state = |t: f64| {
            let [position, velocity] = at(t);
            let mut state = JointState::at_rest(self.coordinates(position, gate.thrust, gate.yaw)?);
            self.axes().iter().enumerate().for_each(|(i, axis)| state.velocity[i] = velocity.dot(*axis));
            Some(state)
        };
        let joined = |parts: [Option<Trajectory>; 2]| {
            let mut all = Trajectory::new(self.envelope.outputs(), 2);
            parts.iter().flatten().for_each(|part| all.append(part));
            Some(all)
        };
        let into = Port::of_goal(&self.envelope, self.base, &state(-before)?).ok()?;
        let out = Port::of_start(&self.envelope, self.base, &state(after)?).ok()?;
        let before =
            into.into_iter().map(|port| Port { lead: joined([port.lead, Some(piece(-before, 0.0))]), ..port });
        let after = out.into_iter().map(|port| Port { lead: joined([Some(piece(0.0, after)), port.lead]), ..port });
        Some(Passage { before: before.collect(), after: after.collect() })
    }
}

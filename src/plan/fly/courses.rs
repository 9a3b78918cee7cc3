//! Flights made of paths: accelerations as great as can be along them, then filters as narrow as can be.

use super::super::Termination;
use super::Ends;
use super::envelope::{Agility, Envelope, FOR_TURNING, filtered};
use super::pilot::{LegPilot, TILTS, with_level};
use crate::check::{CheckError, Verdict};
use crate::local_planner::LocalPlanner;
use crate::refine::{Knots, PolishTask, polish, shorten_from};
use crate::steer::{LineLaw, side_by_side, straight};
use crate::trajectory::Trajectory;

/// Shares of the thrust that are kept for turning on them.
const RESERVES: [f64; 2] = [0.01, 0.04];

/// Horizontal accelerations of steep flights, in multiples of gravity, ...
const SIDEWAYS: [f64; 6] = [0.03, 0.08, 0.15, 0.25, 0.4, 0.6];
/// ... and what the estimated widths of their filters are taken times.
const ROOMY: f64 = 1.4;

/// Greatest tilts where nothing else is valid, down to a body that is as good as level.
const GENTLE: [f64; 3] = [0.5, 0.15, 0.04];

/// What a course is stretched by in time where it can't be flown as fast as its accelerations allow.
const STRETCHES: [f64; 5] = [1.15, 1.35, 1.7, 2.3, 3.5];

impl LegPilot<'_, '_, '_> {
    /// Valid flights from rest to rest where nothing is in the way: along a straight line, one per greatest
    /// tilt, and steep ones.
    pub(super) fn lines(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Vec<Trajectory>, CheckError> {
        let kinds = RESERVES.into_iter().flat_map(|reserve| TILTS.map(|tilt| Some((tilt, reserve))));
        let mut flights = Vec::new();
        for kind in kinds.chain([None]) {
            if termination.late() {
                break;
            }
            let flight = match kind {
                Some((tilt, reserve)) => self.line(path, 0, tilt, reserve),
                None => self.shaft(path),
            };
            let Some(flight) = flight else { continue };
            let flight = self.flight.whole(&flight, ends);
            if self.is_valid(&flight)? {
                flights.push(flight);
            }
        }
        Ok(flights)
    }

    /// A smooth flight along one piece of a path, from rest to rest; `reserve` is the share of the thrust that
    /// is kept for turning.
    fn line(&self, path: &Knots, piece: usize, tilt: f64, reserve: f64) -> Option<Trajectory> {
        let envelope = &self.flight.envelope;
        let [from, to] = [piece, piece + 1].map(|i| &path.states[i].position[..]);
        let way: Vec<f64> = from.iter().zip(to).map(|(p, q)| q - p).collect();
        let Some(law) = envelope.line(&way, tilt, reserve) else {
            return Some(straight(from, from, &LineLaw { speed: 1.0, speeding: 1.0, braking: 1.0 }));
        };
        let course = straight(from, to, &law);
        if envelope.is_vertical(&course) {
            return envelope.holds(&course).then_some(course);
        }
        let up = envelope.up();
        let length = way[..=up].iter().map(|w| w * w).sum::<f64>().sqrt();
        let widths = envelope.widths((law.speeding + law.braking) * length, envelope.hovering());
        envelope.smooth(&course, widths)
    }

    /// A steep flight from rest to rest: vertically as fast as can be, and sideways while the thrust is strong,
    /// upright again when it jumps. Only what goes sideways need be smooth.
    fn shaft(&self, path: &Knots) -> Option<Trajectory> {
        let envelope = &self.flight.envelope;
        let up = envelope.up();
        let [from, to] = [0, 1].map(|i| &path.states[i].position[..]);
        let climb = to[up] - from[up];
        let aside = (0..up).map(|i| (to[i] - from[i]).powi(2)).sum::<f64>().sqrt();
        let turns = to.iter().zip(from).skip(up + 1).any(|(p, q)| (p - q).abs() > 0.0);
        if climb == 0.0 || aside == 0.0 || turns {
            return None;
        }
        SIDEWAYS.into_iter().find_map(|share| {
            let level = share * envelope.hovering();
            let vertical = envelope.shaft(climb, level, RESERVES[1]);
            let ramps = vertical.ramps();
            let (room, begin) =
                if climb > 0.0 { (ramps[0], 0.0) } else { (ramps[1], vertical.duration() - ramps[1]) };
            let [first, second] = envelope.widths(2.0 * level, envelope.hovering()).map(|w| ROOMY * w);
            // What time there is, is taken.
            let half = 0.5 * (room - first - second);
            let needed = aside / (half * half);
            if half <= 0.0 || needed > level {
                return None;
            }
            let law = LineLaw { speed: f64::INFINITY, speeding: needed / aside, braking: needed / aside };
            let sideways = filtered(&straight(from, to, &law), [first, second]);
            let flight = side_by_side(&straight(from, to, &vertical), &sideways, begin, |i| i != up);
            envelope.holds(&flight).then_some(flight)
        })
    }

    /// Valid flights along a path, each by accelerations of another box; where none is, the pieces of the
    /// path flown one by one.
    pub(super) fn courses(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Vec<Trajectory>, CheckError> {
        let mut flights = Vec::new();
        for agility in self.flight.envelope.agilities().collect::<Vec<_>>() {
            if termination.late() {
                break;
            }
            flights.extend(self.course(path, &agility, ends, termination)?);
        }
        if flights.is_empty() && ends.delay == 0.0 {
            flights.extend(self.pieces(path, ends, termination)?);
        }
        Ok(flights)
    }

    /// A valid flight along a path by the accelerations of a box: shortcuts keep clear of obstacles by what
    /// the filters may make of them; where that is not enough by twice that, or the whole is slowed down.
    fn course(
        &mut self,
        path: &Knots,
        agility: &Agility,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Option<Trajectory>, CheckError> {
        let flight = self.flight;
        let boxed = flight.flat(ends.start, agility, ends.delay);
        let widths = self.widths(agility);
        let up = flight.envelope.up();
        let level = agility.horizontal * (up as f64).sqrt();
        let blur = level * widths.iter().map(|w| w * w).sum::<f64>() / 24.0;
        let mut slowest = None;
        for times in [1.0, 2.0] {
            let clearance = self.clearance(times * blur)?;
            let seed = self.worker.seed();
            let (tries, polishes) = (self.worker.options.shortcut_tries, self.worker.polishes);
            let (joints, spacing) = (self.joints(), self.worker.spacing);
            let kept = clearance + self.worker.options.clearance;
            let course = with_level(&mut self.worker.local, &boxed, joints, |local| {
                local.allow_fall(up, agility.fall);
                let Some((course, corners)) = legs(&flight.envelope, path, agility, local)? else {
                    return Ok(None);
                };
                let mut course = match tries {
                    0 => course,
                    _ => shorten_from(course, &corners, local, tries, seed)?,
                };
                if polishes > 0 {
                    let limits = &boxed.mechanism.limits;
                    let task = PolishTask { problem: flight.problem, limits, clearance: kept, padding: clearance, spacing };
                    course = polish(course, &task, local, polishes, seed)?;
                }
                Ok::<_, CheckError>(Some(course))
            })?;
            let Some(course) = course else { return Ok(None) };
            self.worker.statistics.polishes += u32::from(polishes > 0);
            if let Some(whole) = self.smoothed(&course, widths, ends)? {
                return Ok(Some(whole));
            }
            let is_last = clearance < times * blur;
            slowest = Some(course);
            if is_last || termination.late() {
                break;
            }
        }
        let Some(course) = slowest.filter(|_| ends.delay == 0.0) else { return Ok(None) };
        for stretch in STRETCHES {
            if termination.late() {
                break;
            }
            if let Some(whole) = self.smoothed(&course.stretched(stretch), widths, ends)? {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Estimated widths of filters for motions in a box.
    pub(super) fn widths(&self, agility: &Agility) -> [f64; 2] {
        let envelope = &self.flight.envelope;
        let level = agility.horizontal * (envelope.up() as f64).sqrt();
        envelope.widths(2.0 * level, envelope.hovering())
    }

    /// The greatest clearance up to `wanted`, in halves, that the ends afford; from now on it is asked for.
    fn clearance(&mut self, wanted: f64) -> Result<f64, CheckError> {
        let least = self.worker.grown_by();
        let mut clearance = wanted;
        while clearance > least {
            if self.affords(clearance)? {
                return Ok(clearance);
            }
            clearance *= 0.5;
        }
        self.worker.local.checker().set_padding(least);
        Ok(least)
    }

    /// The whole valid flight along a course, made smooth, if there is one.
    fn smoothed(
        &mut self,
        course: &Trajectory,
        widths: [f64; 2],
        ends: Ends,
    ) -> Result<Option<Trajectory>, CheckError> {
        let envelope = &self.flight.envelope;
        let smooth = if ends.delay == 0.0 {
            envelope.smooth(course, widths)
        } else {
            let all: f64 = widths.iter().sum();
            Some(filtered(course, widths.map(|width| width * ends.delay / all)))
                .filter(|smooth| envelope.holds(smooth))
        };
        let Some(smooth) = smooth else { return Ok(None) };
        let whole = self.flight.whole(&smooth, ends);
        Ok(self.is_valid(&whole)?.then_some(whole))
    }

    /// The pieces of a path from rest to rest, each flown by itself, ever gentlier: the search has found
    /// them valid for a level body.
    fn pieces(
        &mut self,
        path: &Knots,
        ends: Ends,
        termination: &Termination<'_>,
    ) -> Result<Option<Trajectory>, CheckError> {
        for tilt in GENTLE {
            if termination.late() {
                break;
            }
            let lines = (0..path.durations.len()).map(|piece| self.line(path, piece, tilt, FOR_TURNING));
            let Some(lines) = lines.collect::<Option<Vec<_>>>() else { continue };
            let mut all = Trajectory::new(self.flight.envelope.outputs(), 2);
            lines.iter().for_each(|line| all.append(line));
            let whole = self.flight.whole(&all, ends);
            if self.is_valid(&whole)? {
                return Ok(Some(whole));
            }
        }
        Ok(None)
    }

    /// Whether a whole flight passes the checker, with the clearance that the search asks for.
    fn is_valid(&mut self, flight: &Trajectory) -> Result<bool, CheckError> {
        Ok(self.verdict(flight)?.is_valid())
    }

    /// The checker's verdict on a whole flight, with the clearance that the search asks for.
    pub(super) fn verdict(&mut self, flight: &Trajectory) -> Result<Verdict, CheckError> {
        let clearance = self.worker.grown_by();
        let local = &mut self.worker.local;
        local.checker().set_padding(clearance);
        self.edge.clear();
        self.edge.push_trajectory(flight);
        local.checked += 1;
        let mut verdicts = Vec::new();
        local.checker().check(self.edge, &mut verdicts)?;
        Ok(verdicts[0])
    }
}

/// A course along a path, and the times of its knots: lines as fast as can be from rest to rest, and
/// motions of the least duration where an end moves. `None` where there is no such motion.
fn legs(
    envelope: &Envelope<'_>,
    path: &Knots,
    agility: &Agility,
    local: &mut LocalPlanner<'_>,
) -> Result<Option<(Trajectory, Vec<f64>)>, CheckError> {
    let mut course = Trajectory::new(envelope.outputs(), 3);
    let mut corners = vec![0.0];
    for piece in 0..path.durations.len() {
        let (from, to) = (path.end(piece), path.end(piece + 1));
        let way: Vec<f64> = from.position.iter().zip(to.position).map(|(p, q)| q - p).collect();
        if !from.is_at_rest() || !to.is_at_rest() {
            match local.connect_fastest(from, to, f64::INFINITY)? {
                Some(fastest) => course.append(fastest),
                None => course.append(&path.piece(piece, &local.steering)),
            }
        } else if let Some(law) = envelope.line(&way, agility.tilt, FOR_TURNING) {
            course.append(&straight(from.position, to.position, &law));
        } else {
            continue;
        }
        corners.push(course.duration());
    }
    Ok((!course.is_empty()).then_some((course, corners)))
}

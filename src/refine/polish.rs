//! What still shortens a trajectory after the first shortcuts: shortcuts of all sizes, which are led around what they
//! would touch.

use super::clearing::{Clearing, Contact};
use super::settings::{PolishSettings, ShortcutSettings};
use super::{Shortener, at_knot, state};
use crate::check::{CheckError, Status};
use crate::local_planner::LocalPlanner;
use crate::problem::{JointState, Problem};
use crate::robot::OutputLimits;
use crate::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const SETTINGS: PolishSettings = PolishSettings::DEFAULT;

/// What polishing is to know of the motions that are checked.
#[derive(Clone, Copy, Debug)]
pub struct PolishTask<'p> {
    /// What is moved, and what stands in its way.
    pub problem: &'p Problem,
    /// Limits of each output, by which motions are steered.
    pub limits: &'p [OutputLimits],
    /// What the checker asks spheres to keep from obstacles, metres.
    pub clearance: f64,
    /// What it asks them to keep from spheres of other links, metres.
    pub padding: f64,
    /// The greatest spacing of its samples, metres.
    pub spacing: f64,
}

/// Shortens `trajectory` by shortcuts (Hauser and Ng-Thow-Hing, ICRA 2010), each of which replaces a piece by a faster valid
/// motion. The pieces' lengths are drawn evenly on a logarithmic scale, as late gains are small and local.
///
/// Most pieces are as fast already as their ends allow, which is known without a check. Of the others the fastest motion
/// mostly touches something. Then it is led around that, for as long as it still gains: a state on it is moved out of the
/// contact, by the gradient of the distance. Mainly those outputs are moved that have time to spare, as the slowest alone
/// decides the duration.
///
/// The budget is `tries`, of which each piece takes one, and each motion that is checked a few more. Stops early, with what
/// it has, when `local` is late, or where the whole is as fast as its ends allow.
///
/// # Errors
/// When the checking backend fails.
pub fn polish(
    trajectory: Trajectory,
    task: &PolishTask<'_>,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<Trajectory, CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut polisher = Polisher {
        shortener: Shortener::new(trajectory, local),
        task,
        clearing: Clearing::new(task.problem),
        passed: Vec::new(),
        times: Vec::new(),
        moves: Vec::new(),
        left: i64::from(tries),
    };
    polisher.run(&mut rng)?;
    Ok(polisher.shortener.trajectory)
}

/// A trajectory that is polished.
struct Polisher<'p, 'l, 'c> {
    shortener: Shortener<'l, 'c>,
    task: &'p PolishTask<'p>,
    clearing: Clearing<'p>,
    /// The states that the shortcut at hand passes through, with its ends.
    passed: Vec<JointState>,
    /// When it passes those between, seconds since it began, as far as it was made with them.
    times: Vec<f64>,
    /// By how much each output is to move.
    moves: Vec<f64>,
    /// Tries that are left.
    left: i64,
}

impl Polisher<'_, '_, '_> {
    fn run(&mut self, rng: &mut Pcg64Mcg) -> Result<(), CheckError> {
        let mut can_gain = self.can_gain(0.0, self.shortener.trajectory.duration());
        while can_gain && self.left > 0 && !self.shortener.local.is_late() {
            self.left -= 1;
            let duration = self.shortener.trajectory.duration();
            let length = duration * SETTINGS.least_share.powf(rng.random::<f64>());
            // Ends may lie beyond the trajectory's, so that these are chosen as often as others.
            let from = rng.random::<f64>() * (duration + length) - length;
            let [from, to] = [from.max(0.0), (from + length).min(duration)]
                .map(|t| at_knot(&self.shortener.trajectory, t, self.shortener.splinter));
            if self.can_gain(from, to) && self.shortcut(from, to, rng)? {
                self.replace(from, to);
                can_gain = self.can_gain(0.0, self.shortener.trajectory.duration());
            }
        }
        Ok(())
    }

    /// The longest that a motion in place of what lies between two instants may take, seconds.
    fn longest(from: f64, to: f64) -> f64 {
        (to - from) * (1.0 - ShortcutSettings::DEFAULT.least_gain)
    }

    /// Whether there may be a faster motion between the states at two instants, as far as limits tell. These states are then
    /// those that are passed.
    fn can_gain(&mut self, from: f64, to: f64) -> bool {
        let Shortener { local, trajectory, shortest, start, .. } = &mut self.shortener;
        if to - from < *shortest {
            return false;
        }
        self.passed.truncate(2);
        self.passed.resize(2, start.clone());
        state(trajectory, from, &mut self.passed[0]);
        state(trajectory, to, &mut self.passed[1]);
        let [start, end] = [0, 1].map(|i| (&self.passed[i]).into());
        local.lower_bound(start, end, Self::longest(from, to)).is_some()
    }

    /// Makes a faster valid motion between the two states that are passed; tells whether it was found.
    fn shortcut(&mut self, from: f64, to: f64, rng: &mut Pcg64Mcg) -> Result<bool, CheckError> {
        let longest = Self::longest(from, to);
        self.times.clear();
        for clearings in 0..=SETTINGS.clearings {
            let local = &mut *self.shortener.local;
            if local.is_late() || !local.make_fastest(&self.passed, longest) {
                return Ok(false);
            }
            self.left -= i64::from(SETTINGS.tries_per_check);
            let verdict = local.check_motion()?;
            if verdict.is_valid() {
                return Ok(true);
            }
            if verdict.status() == Status::Effort && local.holds_efforts() && self.times.is_empty() {
                let [start, end] = [0, 1].map(|i| (&self.passed[i]).into());
                return Ok(local.connect_slowed(start, end, longest)?.is_some());
            }
            let is_last = clearings == SETTINGS.clearings;
            let contact = Contact::of(&verdict).filter(|_| !is_last);
            if !contact.is_some_and(|contact| self.clear(contact, verdict.time.into(), rng)) {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Puts the motion that was made last in place of what lies between two instants.
    fn replace(&mut self, from: f64, to: f64) {
        let Shortener { local, trajectory, next, .. } = &mut self.shortener;
        trajectory.splice_into(from, to, local.motion(), next);
        std::mem::swap(trajectory, next);
    }

    /// Moves a state that is passed near a contact of the motion made last, one that is put there if there is none yet; tells
    /// whether that may help.
    fn clear(&mut self, contact: Contact, seen_at: f64, rng: &mut Pcg64Mcg) -> bool {
        let mut touching = self.passed[0].clone();
        let time = self.deepest(contact, seen_at, &mut touching);
        let via = self.via_near(time, &touching);
        let asked = match contact {
            Contact::World { .. } => self.task.clearance,
            Contact::Links(_) => self.task.padding,
        };
        let depth = asked - self.clearing.distance_with_gradient(contact, &touching.position);
        let way = SETTINGS.reach * depth.max(0.0) + SETTINGS.margin * self.task.spacing;
        let gain = self.weigh(via, rng);
        // Where nothing that moves is in touch, nothing helps.
        if !(gain > 0.0 && way.is_finite()) {
            return false;
        }
        let outputs = self.passed[via].position.iter_mut().zip(self.task.limits);
        for ((value, limits), weight) in outputs.zip(&self.moves) {
            *value = (*value + weight * way / gain).clamp(limits.lower, limits.upper);
        }
        true
    }

    /// When a contact of the motion made last is the deepest, seconds since it began, near where it was seen; writes the
    /// state then to `touching`.
    fn deepest(&mut self, contact: Contact, seen_at: f64, touching: &mut JointState) -> f64 {
        let Self { clearing, shortener, .. } = self;
        let motion = shortener.local.motion();
        let step = SETTINGS.step * motion.duration();
        let mut distance = |t: f64| {
            motion.evaluate(t, 0, &mut touching.position);
            clearing.distance(contact, &touching.position)
        };
        let (mut time, mut least) = (seen_at, distance(seen_at));
        for step in [-step, step] {
            let before = time;
            while (0.0..motion.duration()).contains(&(time + step)) {
                let next = distance(time + step);
                if next >= least {
                    break;
                }
                (time, least) = (time + step, next);
            }
            if time != before {
                break;
            }
        }
        state(motion, time, touching);
        time
    }

    /// Which of the states that are passed is to be moved for what happens at a time: one that is near, or a new one, or the
    /// nearest where there are enough.
    fn via_near(&mut self, time: f64, at: &JointState) -> usize {
        let near = SETTINGS.near * self.shortener.local.motion().duration();
        let far = |i: &usize| (self.times[*i] - time).abs();
        let nearest = (0..self.times.len()).min_by(|a, b| far(a).total_cmp(&far(b)));
        match nearest {
            Some(i) if far(&i) < near || self.times.len() == SETTINGS.most_vias => i + 1,
            _ => {
                let i = self.times.partition_point(|&t| t < time);
                self.times.insert(i, time);
                self.passed.insert(i + 1, at.clone());
                i + 1
            }
        }
    }

    /// Weighs by how much each output is to move, so that a state that is passed gets clear of a contact whose gradient is
    /// known; gives by how much that moves it in all. Each output counts by the square of the room that the motion made last
    /// leaves it.
    fn weigh(&mut self, via: usize, rng: &mut Pcg64Mcg) -> f64 {
        let motion = self.shortener.local.motion();
        let begin = if via > 1 { self.times[via - 2] } else { 0.0 };
        let end = self.times.get(via).copied().unwrap_or(motion.duration());
        let half = 0.5 * (end - begin);
        self.moves.clear();
        let mut gain = 0.0;
        for ((output, limits), rate) in self.task.limits.iter().enumerate().zip(&self.clearing.gradient) {
            let speed = (limits.acceleration * half).min(limits.velocity);
            let accelerations = motion.segments().map(|segment| 2.0 * segment.polynomial(output)[2].abs());
            let used = accelerations.fold(0.0, f64::max) / limits.acceleration;
            let jitter = 1.0 + SETTINGS.jitter * (2.0 * rng.random::<f64>() - 1.0);
            let room = speed * half * jitter * ((1.0 - used).max(0.0) + SETTINGS.least_room);
            self.moves.push(room * room * rate);
            gain += room * room * rate * rate;
        }
        gain
    }
}

//! Makes a path shorter in time: what remains valid is kept. Imports `local_planner` and what lies
//! below it.

mod arcs;
mod band;
mod clearing;
mod elastic;
mod headings;
mod knots;
mod polish;
mod reduce;
mod route;
mod settings;
mod straighten;

pub use arcs::drive_by_arcs;
pub(crate) use band::Band;
pub use headings::turn_headings;
pub use knots::Knots;
pub use polish::{PolishTask, polish};
pub use straighten::straighten;
pub use reduce::{KeptLimits, ReducedCost, reduce, slowed};
pub use route::{Route, shorten_route};

use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::problem::JointState;
use crate::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use settings::ShortcutSettings;

const SETTINGS: ShortcutSettings = ShortcutSettings::DEFAULT;

/// Joins knots directly, leaving out those between: the farthest that can be joined first, the
/// whole path before anything else. Stops early, with what it has, when `local` is late.
///
/// # Errors
/// When the checking backend fails.
pub fn skip_corners(path: &mut Knots, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
    let mut from = 0;
    while from + 2 < path.states.len() {
        let mut to = path.states.len() - 1;
        while to > from + 1 {
            if local.is_late() {
                return Ok(());
            }
            let old: f64 = path.durations[from..to].iter().sum();
            if let Some(duration) = local.connect(path.end(from), path.end(to), old)? {
                path.states.drain(from + 1..to);
                path.durations.splice(from..to, [duration]);
                break;
            }
            to -= 1;
        }
        from += 1;
    }
    Ok(())
}

/// Shortens the trajectory of `path`: its corners are cut, and then `tries` shortcuts are taken between
/// other instants (Hauser and Ng-Thow-Hing, *Fast smoothing of manipulator trajectories using optimal
/// bounded-acceleration shortcuts*, ICRA 2010; but they draw the instants at random). Stops early, with
/// what it has, when `local` is late.
///
/// # Errors
/// When the checking backend fails.
pub fn shorten(
    path: &Knots,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<Trajectory, CheckError> {
    if tries == 0 || path.duration() == 0.0 {
        return Ok(path.trajectory(&local.steering));
    }
    let (trajectory, corners) = along(path, local)?;
    shorten_from(trajectory, &corners, local, tries, seed)
}

/// The same for a trajectory that is there already; `corners` are the times of its knots that are those
/// of its path, with both ends.
///
/// # Errors
/// When the checking backend fails.
pub fn shorten_from(
    trajectory: Trajectory,
    corners: &[f64],
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<Trajectory, CheckError> {
    let mut shortener = Shortener::new(trajectory, local);
    // Where nothing stands in the way, no motion is shorter; but where one was slowed down for its efforts.
    let whole = shortener.trajectory.duration();
    if !shortener.shortcut(0.0, whole, SETTINGS.worthwhile)? {
        shortener.cut_corners(corners)?;
    } else if !shortener.local.holds_efforts() {
        return Ok(shortener.trajectory);
    }
    shortener.sweep(tries, seed)?;
    Ok(shortener.trajectory)
}

/// The trajectory along a path, and the times of its knots. Where jerks are limited, pieces from rest
/// to rest are made as fast as their lines allow, and moving ones as fast as can be.
fn along(path: &Knots, local: &mut LocalPlanner<'_>) -> Result<(Trajectory, Vec<f64>), CheckError> {
    let whole = path.trajectory(&local.steering);
    if local.steering.degree() == 3 {
        let knots = whole.knots().to_vec();
        return Ok((whole, knots));
    }
    let mut trajectory = Trajectory::new(whole.dof(), 3);
    let mut knots = vec![0.0];
    for (i, &duration) in path.durations.iter().enumerate().filter(|&(_, &duration)| duration > 0.0) {
        let (from, to) = (path.end(i), path.end(i + 1));
        if let Some(straight) = local.connect_straight(from, to)? {
            trajectory.append(straight);
        } else if let Some(fastest) = local.connect_fastest(from, to, duration)? {
            trajectory.append(fastest);
        } else {
            trajectory.append(&path.piece(i, &local.steering));
        }
        knots.push(trajectory.duration());
    }
    Ok((trajectory, knots))
}

/// A trajectory on its way to a shorter one.
struct Shortener<'l, 'c> {
    local: &'l mut LocalPlanner<'c>,
    trajectory: Trajectory,
    /// What the next trajectory is written to.
    next: Trajectory,
    /// [`ShortcutSettings::shortest`] and [`ShortcutSettings::splinter`], seconds.
    shortest: f64,
    splinter: f64,
    /// The states between which a shortcut is tried.
    start: JointState,
    end: JointState,
}

impl<'l, 'c> Shortener<'l, 'c> {
    fn new(trajectory: Trajectory, local: &'l mut LocalPlanner<'c>) -> Self {
        let mut state = JointState::at_rest(vec![0.0; trajectory.dof()]);
        if local.steering.degree() == 3 {
            // No part of the state.
            state.acceleration.clear();
        }
        let next = Trajectory::new(trajectory.dof(), trajectory.degree());
        let duration = trajectory.duration();
        let (shortest, splinter) = (SETTINGS.shortest * duration, SETTINGS.splinter * duration);
        Self { local, trajectory, next, shortest, splinter, start: state.clone(), end: state }
    }

    /// Cuts every corner, the last first, far from it and then closer; `corners` are the times of all
    /// knots of the path.
    fn cut_corners(&mut self, corners: &[f64]) -> Result<(), CheckError> {
        let splinter = self.splinter;
        // Up to here the trajectory is still as it was.
        let mut known = self.trajectory.duration();
        for corner in (1..corners.len().saturating_sub(1)).rev() {
            let [before, at] = [corner - 1, corner].map(|i| corners[i]);
            let mut after = corners[corner + 1].min(known);
            if after < at + splinter {
                // The shortcut over the next corner begins here: as far as it is one piece.
                let knots = self.trajectory.knots();
                let next = knots.partition_point(|&knot| knot < at + splinter);
                after = knots[next.min(knots.len() - 1)];
            }
            for share in SETTINGS.corner_shares {
                if self.local.is_late() {
                    return Ok(());
                }
                let from = at - share * (at - before);
                if self.shortcut(from, at + share * (after - at), SETTINGS.worthwhile)? {
                    known = from;
                    break;
                }
            }
        }
        Ok(())
    }

    /// Shortcuts over windows that grow narrower from one to the next, round after round, and follow each
    /// other by the golden section of the duration, so that no part of it is left out however few they
    /// are. The seed says where they begin.
    fn sweep(&mut self, tries: u32, seed: u64) -> Result<(), CheckError> {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        // Not the numbers that the samples of the search were made of.
        let begin = Pcg64Mcg::seed_from_u64(!seed).random::<f64>();
        for i in 0..tries {
            if self.local.is_late() {
                break;
            }
            let duration = self.trajectory.duration();
            let ShortcutSettings { widest, narrowest, round, .. } = SETTINGS;
            let step = f64::from(i % round) / f64::from(round);
            let width = duration * widest * (narrowest / widest).powf(step);
            let from = (begin + f64::from(i) * GOLDEN).fract() * (duration - width);
            self.shortcut(from, from + width, SETTINGS.worthwhile)?;
        }
        Ok(())
    }

    /// Replaces what lies between two instants by the fastest motion between the states there, if that
    /// is valid and saves at least the share `gain`.
    fn shortcut(&mut self, from: f64, to: f64, gain: f64) -> Result<bool, CheckError> {
        if to - from < self.shortest {
            return Ok(false);
        }
        let Self { local, trajectory, next, start, end, splinter, .. } = self;
        let (from, to) = (at_knot(trajectory, from, *splinter), at_knot(trajectory, to, *splinter));
        state(trajectory, from, start);
        state(trajectory, to, end);
        let longest = (to - from) * (1.0 - gain);
        let Some(motion) = local.connect_fastest((&*start).into(), (&*end).into(), longest)? else {
            return Ok(false);
        };
        trajectory.splice_into(from, to, motion, next);
        std::mem::swap(trajectory, next);
        Ok(true)
    }
}

/// The knot next to `t`, if it is nearer than a `splinter`; else `t`.
fn at_knot(trajectory: &Trajectory, t: f64, splinter: f64) -> f64 {
    let knots = trajectory.knots();
    let after = knots.partition_point(|&knot| knot < t);
    let near = |knot: &&f64| (**knot - t).abs() < splinter;
    knots[after.saturating_sub(1)..].iter().take(2).find(near).copied().unwrap_or(t)
}

/// Writes values and derivatives at time `t` to `state`.
fn state(trajectory: &Trajectory, t: f64, state: &mut JointState) {
    let (segment, local) = trajectory.locate(t);
    let segment = trajectory.segment(segment);
    segment.evaluate(local, 0, &mut state.position);
    segment.evaluate(local, 1, &mut state.velocity);
    segment.evaluate(local, 2, &mut state.acceleration);
}

//! What still shortens a trajectory after the first shortcuts: shortcuts of all sizes, and detours by
//! states off its course.

use super::settings::{PolishSettings, ShortcutSettings};
use super::{Shortener, at_knot, state};
use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::robot::OutputLimits;
use crate::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Shortens `trajectory` by at most `tries` moves, each of which replaces a piece by a shorter valid
/// one. The pieces' lengths are drawn evenly on a logarithmic scale, as late gains are small and local.
///
/// - A shortcut joins the ends of the piece (Hauser and Ng-Thow-Hing, ICRA 2010).
/// - A detour joins them by way of the piece's middle state, moved at random in position and velocity:
///   where a shortcut would collide, a way around at another speed may not.
///
/// Stops early, with what it has, when `local` is late.
///
/// # Errors
/// When the checking backend fails.
pub fn polish(
    trajectory: Trajectory,
    limits: &[OutputLimits],
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<Trajectory, CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut shortener = Shortener::new(trajectory, local);
    for _ in 0..tries {
        if shortener.local.is_late() {
            break;
        }
        let duration = shortener.trajectory.duration();
        let length = duration * PolishSettings::DEFAULT.least_share.powf(rng.random::<f64>());
        // Ends may lie beyond the trajectory's, so that these are chosen as often as others.
        let from = rng.random::<f64>() * (duration + length) - length;
        let (from, to) = (from.max(0.0), (from + length).min(duration));
        if rng.random::<f64>() < PolishSettings::DEFAULT.detours {
            shortener.detour(limits, from, to, &mut rng)?;
        } else {
            shortener.shortcut(from, to, ShortcutSettings::DEFAULT.least_gain)?;
        }
    }
    Ok(shortener.trajectory)
}

impl Shortener<'_, '_> {
    /// Replaces what lies between two instants by a motion through a state near the one in the middle.
    fn detour(
        &mut self,
        limits: &[OutputLimits],
        from: f64,
        to: f64,
        rng: &mut Pcg64Mcg,
    ) -> Result<(), CheckError> {
        if to - from < 2.0 * self.shortest {
            return Ok(());
        }
        let Self { local, trajectory, next, start, end, splinter, .. } = self;
        let (from, to) = (at_knot(trajectory, from, *splinter), at_knot(trajectory, to, *splinter));
        let half = 0.5 * (to - from);
        let mut via = start.clone();
        state(trajectory, from, start);
        state(trajectory, from + half, &mut via);
        state(trajectory, to, end);
        let size = PolishSettings::DEFAULT.least_detour.powf(rng.random::<f64>());
        for (j, limits) in limits.iter().enumerate() {
            let mut within = |most: f64| size * most * (2.0 * rng.random::<f64>() - 1.0);
            // What the accelerations could do to the middle state in half the time.
            let speed = (limits.acceleration * half).min(limits.velocity);
            via.position[j] =
                (via.position[j] + within(0.5 * speed * half)).clamp(limits.lower, limits.upper);
            via.velocity[j] = (via.velocity[j] + within(speed)).clamp(-limits.velocity, limits.velocity);
        }
        let longest = (to - from) * (1.0 - ShortcutSettings::DEFAULT.least_gain);
        let ends = [(&*start).into(), (&via).into(), (&*end).into()];
        let [start, via, end] = ends;
        if let Some(motion) = local.connect_fastest_by(start, via, end, longest)? {
            trajectory.splice_into(from, to, motion, next);
            std::mem::swap(trajectory, next);
        }
        Ok(())
    }
}

//! Makes a path shorter in time: what remains valid is kept. Imports `local_planner` and what lies
//! below it.

mod knots;

pub use knots::Knots;

use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::problem::FlatState;
use crate::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// No shortcut replaces less than this, seconds: there is nothing to gain, and the accelerations of
/// ever shorter pieces are all rounding.
const SHORTEST: f64 = 5e-3;

/// No cut leaves less than this of a piece, seconds.
const SPLINTER: f64 = 1e-4;

/// A shortcut must save at least this share of what it replaces, or it only adds knots.
const LEAST_GAIN: f64 = 1e-3;

/// Turns `path` into a trajectory and shortens it: corners that can be left out are, the others are
/// cut, and then at most `tries` shortcuts are taken at random (Hauser and Ng-Thow-Hing, *Fast
/// smoothing of manipulator trajectories using optimal bounded-acceleration shortcuts*, ICRA 2010).
/// Stops early, with what it has, when `late` says so.
///
/// # Errors
/// When the checking backend fails.
pub fn shorten(
    mut path: Knots,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
    late: &dyn Fn() -> bool,
) -> Result<Trajectory, CheckError> {
    if tries == 0 || path.duration() == 0.0 {
        return Ok(path.trajectory(&local.steering));
    }
    skip_corners(&mut path, local)?;
    let mut trajectory = path.trajectory(&local.steering);
    cut_corners(&mut trajectory, local)?;
    random_shortcuts(&mut trajectory, local, tries, seed, late)?;
    Ok(trajectory)
}

/// Joins knots directly, leaving out those between: the farthest that can be joined first, the
/// whole path before anything else.
fn skip_corners(path: &mut Knots, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
    let mut from = 0;
    while from + 2 < path.states.len() {
        let mut to = path.states.len() - 1;
        while to > from + 1 {
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

/// Cuts every corner, the last first, far from it and then closer.
fn cut_corners(trajectory: &mut Trajectory, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
    const SHARES: [f64; 4] = [0.75, 0.5, 0.25, 0.1];
    for corner in (1..trajectory.len()).rev() {
        let [before, at, after] = [corner - 1, corner, corner + 1].map(|knot| trajectory.knots()[knot]);
        for share in SHARES {
            if shortcut(trajectory, local, at - share * (at - before), at + share * (after - at))? {
                break;
            }
        }
    }
    Ok(())
}

/// Shortcuts between instants drawn evenly over the duration.
fn random_shortcuts(
    trajectory: &mut Trajectory,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
    late: &dyn Fn() -> bool,
) -> Result<(), CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..tries {
        if late() {
            break;
        }
        let duration = trajectory.duration();
        let (a, b) = (rng.random::<f64>() * duration, rng.random::<f64>() * duration);
        shortcut(trajectory, local, a.min(b), a.max(b))?;
    }
    Ok(())
}

/// Replaces what lies between two instants by the fastest motion between the states there, if that
/// is valid and shorter.
fn shortcut(
    trajectory: &mut Trajectory,
    local: &mut LocalPlanner<'_>,
    from: f64,
    to: f64,
) -> Result<bool, CheckError> {
    if to - from < SHORTEST {
        return Ok(false);
    }
    let (from, to) = (at_knot(trajectory, from), at_knot(trajectory, to));
    let (start, end) = (state(trajectory, from), state(trajectory, to));
    let longest = (to - from) * (1.0 - LEAST_GAIN);
    let Some(motion) = local.connect_fastest((&start).into(), (&end).into(), longest)? else {
        return Ok(false);
    };
    *trajectory = trajectory.splice(from, to, &motion);
    Ok(true)
}

/// The knot next to `t`, if it is so near that cutting at `t` would leave a splinter; else `t`.
fn at_knot(trajectory: &Trajectory, t: f64) -> f64 {
    let knots = trajectory.knots();
    let after = knots.partition_point(|&knot| knot < t);
    let near = |knot: &&f64| (**knot - t).abs() < SPLINTER;
    knots[after.saturating_sub(1)..].iter().take(2).find(near).copied().unwrap_or(t)
}

/// Values and derivatives at time `t`.
fn state(trajectory: &Trajectory, t: f64) -> FlatState {
    let evaluate = |order: usize| {
        let mut values = vec![0.0; trajectory.dof()];
        trajectory.evaluate(t, order, &mut values);
        values
    };
    FlatState { position: evaluate(0), velocity: evaluate(1) }
}

//! Makes a path shorter in time: what remains valid is kept. Imports `local_planner` and what lies
//! below it.

mod knots;

pub use knots::Knots;

use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A shortcut must save at least this share of what it replaces, or it only adds knots.
const LEAST_GAIN: f64 = 1e-3;

/// Shortens `path` by at most `tries` shortcuts in time, after having left out the corners that can
/// be left out (Hauser and Ng-Thow-Hing, *Fast smoothing of manipulator trajectories using optimal
/// bounded-acceleration shortcuts*, ICRA 2010).
///
/// # Errors
/// When the checking backend fails.
pub fn shorten(
    path: &mut Knots,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<(), CheckError> {
    if tries == 0 || path.duration() == 0.0 {
        return Ok(());
    }
    skip_corners(path, local)?;
    round_corners(path, local)?;
    random_shortcuts(path, local, tries, seed)
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

/// Cuts every corner, far from it first and then closer.
fn round_corners(path: &mut Knots, local: &mut LocalPlanner<'_>) -> Result<(), CheckError> {
    const SHARES: [f64; 4] = [0.75, 0.5, 0.25, 0.1];
    let mut corner = 1;
    while corner + 1 < path.states.len() {
        for share in SHARES {
            let before = (corner - 1, path.durations[corner - 1] * (1.0 - share));
            let after = (corner, path.durations[corner] * share);
            let knots = path.states.len();
            if shortcut(path, local, before, after)? {
                corner += path.states.len() - knots;
                break;
            }
        }
        corner += 1;
    }
    Ok(())
}

/// Shortcuts between instants drawn evenly over the duration.
fn random_shortcuts(
    path: &mut Knots,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<(), CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..tries {
        let duration = path.duration();
        let (a, b) = (rng.random::<f64>() * duration, rng.random::<f64>() * duration);
        let (from, to) = (path.locate(a.min(b)), path.locate(a.max(b)));
        shortcut(path, local, from, to)?;
    }
    Ok(())
}

/// Replaces what lies between two instants by one edge, if that is valid and shorter.
fn shortcut(
    path: &mut Knots,
    local: &mut LocalPlanner<'_>,
    from: (usize, f64),
    to: (usize, f64),
) -> Result<bool, CheckError> {
    let between: f64 = path.durations[from.0..to.0].iter().sum();
    let old = between + to.1 - from.1;
    let start = path.state(from.0, from.1, &local.steering);
    let end = path.state(to.0, to.1, &local.steering);
    let longest = old * (1.0 - LEAST_GAIN);
    let Some(pieces) = local.connect_fastest((&start).into(), (&end).into(), longest)? else {
        return Ok(false);
    };
    path.splice((from.0, from.1, start), to, pieces);
    Ok(true)
}

//! Makes the way of a path shorter, whatever time it takes: straight pieces in place of corners.

use super::Knots;
use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::problem::JointState;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A place nearer to an end of its edge than this share of it is that end.
const END: f64 = 0.05;

/// Replaces what lies between two places on `path` by a straight motion from rest to rest, `tries` times at places drawn at
/// random, where that is valid (Geraerts and Overmars, *Creating high-quality paths for motion planning*, IJRR 2007,
/// shortcuts). Edges between states of which one moves are left as they are. Stops early, with what it has, when `local` is
/// late.
///
/// # Errors
/// When the checking backend fails.
pub fn straighten(
    path: &mut Knots,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<(), CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    for _ in 0..tries {
        let is_straight = |edge: &usize| path.states[*edge].is_at_rest() && path.states[edge + 1].is_at_rest();
        let straight: Vec<usize> = (0..path.durations.len()).filter(is_straight).collect();
        if straight.len() < 2 || local.is_late() {
            break;
        }
        let draws = [0, 1].map(|_| straight[rng.random_range(0..straight.len())]);
        let shares = [0, 1].map(|_| rng.random::<f64>());
        let [first, last] = [draws[0].min(draws[1]), draws[0].max(draws[1])];
        // What lies between them is replaced as a whole: all of it must be straight.
        if first == last || (first..=last).any(|edge| !is_straight(&edge)) {
            continue;
        }
        let [from, to] = [on(path, first, shares[0]), on(path, last, shares[1])];
        let states = [path.states[first].clone(), from, to, path.states[last + 1].clone()];
        let edges: Vec<[usize; 2]> =
            [[0, 1], [1, 2], [2, 3]].into_iter().filter(|&[a, b]| states[a].position != states[b].position).collect();
        let pair = |k: usize| ((&states[edges[k][0]]).into(), (&states[edges[k][1]]).into());
        let durations: Option<Vec<f64>> = local.connect_all(edges.len(), pair, f64::INFINITY)?.iter().copied().collect();
        let Some(durations) = durations else { continue };
        let between = edges.iter().skip(1).map(|&[a, _]| states[a].clone());
        path.states.splice(first + 1..=last, between);
        path.durations.splice(first..=last, durations);
    }
    Ok(())
}

/// A state at rest on an edge, at a share of its way.
fn on(path: &Knots, edge: usize, share: f64) -> JointState {
    let [a, b] = [&path.states[edge], &path.states[edge + 1]];
    match share {
        share if share < END => a.clone(),
        share if share > 1.0 - END => b.clone(),
        share => {
            let between = a.position.iter().zip(&b.position).map(|(a, b)| a + share * (b - a));
            JointState::at_rest(between.collect())
        }
    }
}

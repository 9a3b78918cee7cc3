//! Covers of all of a robot's geometry by spheres: first evenly, then finer where links pass each other so
//! closely that their spheres touch and they themselves do not (`separate`). Imports `error`, `pose`, `stop` and
//! the robot's covers and meshes.

mod piece;
mod separate;

pub(super) use piece::Piece;

use super::spherize::{CoverOptions, Covering, Solid, cover_together};
use super::Robot;
use crate::error::InputError;
use crate::stop::Stop;

/// The share of the spheres that cover all evenly, at most; the others are for where links pass each other.
const EVEN_SHARE: f64 = 0.2;

/// Of these, so many for each piece of geometry, at most: each costs time in every check.
const EVEN_PER_PIECE: usize = 20;

/// The same where there are no links to keep apart.
const ALONE_PER_PIECE: usize = 200;

/// Covers the solids of a robot's links, `solids[l]` being those of link `l`: by link, a piece for each.
///
/// # Errors
/// Where a solid cannot be covered, or `stop` is due before all are.
pub(super) fn cover(
    robot: &Robot,
    solids: &[Vec<Solid>],
    options: &CoverOptions,
    stop: &Stop,
) -> Result<Vec<Vec<Piece>>, InputError> {
    let all: Vec<&Solid> = solids.iter().flatten().collect();
    if all.is_empty() {
        return Ok(solids.iter().map(|_| Vec::new()).collect());
    }
    let share = ((options.max_spheres as f64 * EVEN_SHARE) as usize).clamp(1, EVEN_PER_PIECE * all.len());
    // Where no links are to be kept apart, there is nothing to save for.
    let alone = options.max_spheres.min(ALONE_PER_PIECE * all.len());
    let max_spheres = if robot.pairs.is_empty() { alone } else { share };
    let even = CoverOptions { max_spheres, ..*options };
    let coverings = cover_distinct(&all, &even, stop)?;
    let piece = |(solid, covering): (&&Solid, Covering)| Piece { pose: *solid.pose(), covering, foes: Vec::new() };
    let mut pieces: Vec<Piece> = all.iter().zip(coverings).map(piece).collect();
    let link_of: Vec<usize> = solids.iter().enumerate().flat_map(|(l, s)| s.iter().map(move |_| l)).collect();
    separate::separate(robot, &mut pieces, &link_of, options.max_spheres, stop);
    if stop.is_due() {
        return Err(InputError::new("covering the robot by spheres was broken off"));
    }
    let mut of_links: Vec<Vec<Piece>> = solids.iter().map(|_| Vec::new()).collect();
    pieces.into_iter().zip(link_of).for_each(|(piece, link)| of_links[link].push(piece));
    Ok(of_links)
}

/// Covers solids together; those of the same shape are covered once.
fn cover_distinct(solids: &[&Solid], options: &CoverOptions, stop: &Stop) -> Result<Vec<Covering>, InputError> {
    let mut distinct: Vec<(&Solid, usize)> = Vec::new();
    let mut which = Vec::with_capacity(solids.len());
    for &solid in solids {
        let known = distinct.iter().position(|(d, _)| d.is_alike(solid)).unwrap_or_else(|| {
            distinct.push((solid, 0));
            distinct.len() - 1
        });
        distinct[known].1 += 1;
        which.push(known);
    }
    let coverings = cover_together(&distinct, options, stop)?;
    Ok(which.into_iter().map(|w| coverings[w].clone()).collect())
}

//! Conservative sphere covers of collision geometry: every point of a solid is inside some
//! sphere, and how much more than the solid the spheres hold is bounded and reported.
//! Imports `error`, `pose`, `threads`, `world` and the robot's `Sphere` and meshes.

mod body;
mod cells;
mod chain;
mod covering;
mod fit;
mod report;
mod select;
mod set_cover;
mod solid;

pub use solid::{CoverOptions, MAX_SPHERES, Solid};
pub(super) use report::by_link;
pub(super) use solid::check_lengths;
use solid::ball_volume;
pub use report::{CoverReport, LinkCover, cover_links, replace_collisions};

use crate::error::InputError;
use crate::pose::Pose;
use crate::robot::Sphere;
use crate::stop::Stop;
use crate::threads::in_parallel;
pub(super) use covering::{Ball, Covering};
use covering::Start;
use glam::DVec3;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Where there are more solids than this, fewer cells and candidates are made of each: all are there at once.
const MANY_SOLIDS: usize = 64;

/// Halvings of the interval that the least common excess lies in.
const BISECTIONS: usize = 7;

/// A share of the largest excess; what exceeds it is covered anew.
const NEXT: f64 = 0.75;

/// Samples for the excess volume.
const VOLUME_SAMPLES: usize = 16_384;

/// What is said of a cover that is not made to its end.
const BROKEN_OFF: &str = "covering it by spheres was broken off";

/// Seed of those samples.
const VOLUME_SEED: u64 = 0x0073_7068_6572_6573;

/// Spheres that together hold a solid.
#[derive(Clone, Debug, PartialEq)]
pub struct Cover {
    /// The spheres, in the link's frame.
    pub spheres: Vec<Sphere>,
    /// Upper bound of the distance from the solid to the farthest point of a sphere, metres.
    pub excess_distance: f64,
    /// Volume within spheres but outside the solid, m^3; a Monte Carlo estimate (seeded).
    pub excess_volume: f64,
    /// Standard error of `excess_volume`, m^3.
    pub excess_volume_error: f64,
    /// Volume of the solid, m^3; what lies in several parts of a mesh counts several times.
    pub solid_volume: f64,
}

impl Cover {
    /// Excess volume over the volume of the solid; infinite where that has none.
    pub fn excess_ratio(&self) -> f64 {
        self.excess_volume / self.solid_volume
    }
}

/// Covers a solid by spheres; the same input gives the same spheres.
///
/// Uses no more spheres than it takes to get within the tolerance. Where the number allowed does not
/// get there, the excess is about the least that the method can reach.
///
/// A sphere stays as it is. A capsule gets a chain of equal spheres, the best of its kind. For other
/// solids, balls about points of the medial axis are chosen by set cover over the cells of a grid
/// (`select`), then moved and shrunk (`fit`). That the spheres hold the solid follows from how the
/// cells are made (`cells`); it is not left to samples.
///
/// # Errors
/// Where a primitive has a length that is negative, not finite or absurdly large, or no bounds at
/// all (half-space), or an option makes no sense.
pub fn cover(solid: &Solid, options: &CoverOptions) -> Result<Cover, InputError> {
    cover_until(solid, options, &Stop::NEVER)
}

/// The same as [`cover`], unless it is broken off: a mesh may take a second.
///
/// # Errors
/// As [`cover`]; and when `stop` is due before it is done.
pub fn cover_until(solid: &Solid, options: &CoverOptions, stop: &Stop) -> Result<Cover, InputError> {
    let covering = cover_together(&[(solid, 1)], options, stop)?.remove(0);
    let cover = covering.cover(solid.pose());
    // The volumes, too, are wrong where their samples were broken off.
    if stop.is_due() { Err(InputError::new(BROKEN_OFF)) } else { Ok(cover) }
}

/// Covers solids, of each of which there are so many, by no more spheres together than the options allow, but
/// one for each, so that the largest excess is about the least that so many can reach.
///
/// # Errors
/// As [`cover_until`].
pub(in crate::robot) fn cover_together(
    solids: &[(&Solid, usize)],
    options: &CoverOptions,
    stop: &Stop,
) -> Result<Vec<Covering>, InputError> {
    let CoverOptions { max_spheres, tolerance } = *options;
    if !(1..=MAX_SPHERES).contains(&max_spheres) || tolerance.is_nan() || tolerance < 0.0 {
        return Err(InputError::new(format!(
            "expected 1 to {MAX_SPHERES} spheres and a tolerance that is not negative, found {max_spheres} and \
             {tolerance}"
        )));
    }
    let copies: Vec<usize> = solids.iter().map(|&(_, copies)| copies).collect();
    let share = (MANY_SOLIDS as f64 / solids.len() as f64).min(1.0);
    let starts = in_parallel(solids, |(solid, _)| Start::new(solid, share, stop));
    let starts: Vec<Start> = starts.into_iter().collect::<Result<_, _>>()?;
    // What was broken off has nothing to choose from.
    let on_time = || if stop.is_due() { Err(InputError::new(BROKEN_OFF)) } else { Ok(()) };
    on_time()?;
    let fits = |excess: f64| {
        let counts = in_parallel(&starts, |start| start.count(excess));
        let total: usize = counts.iter().zip(&copies).map(|(count, copies)| count * copies).sum();
        total <= options.max_spheres
    };
    let mut high = starts.iter().map(Start::largest_excess).fold(options.tolerance, f64::max);
    if fits(options.tolerance) {
        high = options.tolerance;
    } else {
        let mut low = options.tolerance;
        for _ in 0..BISECTIONS {
            let middle = (low + high) / 2.0;
            *(if fits(middle) { &mut high } else { &mut low }) = middle;
        }
    }
    on_time()?;
    let mut coverings = in_parallel(&starts, |start| start.covering(high));
    finer(&mut coverings, &copies, options, stop);
    // What is broken off holds nothing for sure.
    on_time()?;
    Ok(coverings)
}

/// Covers anew what exceeds its solid most, until all is within the tolerance or the spheres are used up.
fn finer(coverings: &mut [Covering], copies: &[usize], options: &CoverOptions, stop: &Stop) {
    let mut is_done = vec![false; coverings.len()];
    while !stop.is_due() {
        let open = (0..coverings.len()).filter(|&i| !is_done[i]);
        let worst = open.max_by(|&i, &j| coverings[i].excess().total_cmp(&coverings[j].excess()));
        let Some(i) = worst.filter(|&i| coverings[i].excess() > options.tolerance) else { break };
        let count: usize = coverings.iter().zip(copies).map(|(c, copies)| c.balls.len() * copies).sum();
        let others = count - coverings[i].balls.len() * copies[i];
        let most = options.max_spheres.saturating_sub(others) / copies[i];
        if most <= coverings[i].balls.len() {
            is_done[i] = true;
            continue;
        }
        let bound = (NEXT * coverings[i].excess()).max(options.tolerance);
        let excess = |b: &usize| coverings[i].balls[*b].excess;
        let marked: Vec<usize> = (0..coverings[i].balls.len()).filter(|b| excess(b) > bound).collect();
        let worst = marked.iter().copied().max_by(|a, b| excess(a).total_cmp(&excess(b)));
        let share = bound / coverings[i].excess();
        is_done[i] = !coverings[i].refine(&marked, share, most)
            && !worst.is_some_and(|worst| coverings[i].refine(&[worst], share, most));
    }
}

impl Covering {
    /// The cover that it has become, placed by `pose`.
    pub(super) fn cover(&self, pose: &Pose) -> Cover {
        let (scale, margin) = (self.scale(), self.margin(pose));
        let centered: Vec<Sphere> = self.spheres(&Pose::IDENTITY);
        let (excess_volume, excess_volume_error) =
            if scale > 0.0 { volume_outside(&centered, |p| self.contains(p)) } else { (0.0, 0.0) };
        Cover {
            spheres: self.spheres(pose),
            excess_distance: self.excess() + margin,
            excess_volume,
            excess_volume_error,
            solid_volume: self.volume(),
        }
    }
}

/// Volume of the union of spheres outside of a solid, and its standard error, m^3. Samples
/// are drawn from all spheres evenly by volume; one that lies in n spheres counts 1/n.
fn volume_outside(spheres: &[Sphere], inside: impl Fn(DVec3) -> bool) -> (f64, f64) {
    let mut rng = Pcg64Mcg::seed_from_u64(VOLUME_SEED);
    let total: f64 = spheres.iter().map(|s| ball_volume(s.radius)).sum();
    if total == 0.0 {
        return (0.0, 0.0);
    }
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0);
    for sphere in spheres {
        let share = (VOLUME_SAMPLES as f64 * ball_volume(sphere.radius) / total).ceil() as usize;
        for _ in 0..share {
            let p = sphere.center + sphere.radius * in_unit_ball(&mut rng);
            let holders =
                spheres.iter().filter(|s| s.center.distance_squared(p) <= s.radius * s.radius).count();
            let value = if inside(p) { 0.0 } else { 1.0 / holders.max(1) as f64 };
            sum += value;
            squares += value * value;
        }
        count += share;
    }
    let mean = sum / count as f64;
    let variance = squares / count as f64 - mean * mean;
    (total * mean, total * (variance.max(0.0) / count as f64).sqrt())
}

/// A random point of the unit ball, evenly distributed.
fn in_unit_ball(rng: &mut Pcg64Mcg) -> DVec3 {
    loop {
        let p = DVec3::from_array(std::array::from_fn(|_| rng.random_range(-1.0..=1.0)));
        if p.length_squared() <= 1.0 {
            return p;
        }
    }
}

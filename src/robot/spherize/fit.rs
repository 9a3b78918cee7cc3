//! From centres to spheres, and better centres.
//!
//! As Lloyd's method does for means: every cell goes to the ball that can hold it with the least
//! excess, every ball moves to where it can hold its cells with the least excess, and so on.

use super::body::CoverBody;
use super::cells::{Cells, farthest};
use crate::robot::Sphere;
use glam::DVec3;

/// Rounds of assigning and moving.
const ROUNDS: usize = 20;

/// Rounds without a better result after which to stop.
const PATIENCE: usize = 6;

/// A round moves a centre by at most this fraction of the ball's radius.
const STRIDE: f64 = 0.1;

/// Halvings of the stride in the search for a better centre.
const HALVINGS: usize = 6;

/// Spheres that hold all cells.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub(super) spheres: Vec<Sphere>,
    /// Which cells each sphere holds for the others.
    pub(super) cells: Vec<Vec<usize>>,
    /// Upper bound of how far a sphere reaches beyond the solid, metres.
    pub(super) excess: f64,
}

impl Fit {
    /// The least spheres about some of `centers` when each cell is held by the one that exceeds
    /// the solid least by it.
    pub(super) fn new(body: &CoverBody, cells: &Cells, centers: &[DVec3]) -> Self {
        let out: Vec<f64> = centers.iter().map(|&c| body.signed_distance(c)).collect();
        Self::assigned(body, cells, centers, &out)
    }

    /// The same when each cell goes to the centre for which the sum of radius and `out` is the least.
    fn assigned(body: &CoverBody, cells: &Cells, centers: &[DVec3], out: &[f64]) -> Self {
        // Nothing is chosen where the search was broken off.
        if centers.is_empty() {
            return Self { spheres: Vec::new(), cells: Vec::new(), excess: 0.0 };
        }
        let mut held = vec![Vec::new(); centers.len()];
        let mut radii = vec![0.0_f64; centers.len()];
        for k in 0..cells.len() {
            let some_point = cells.points(k)[0];
            // Whatever the sums are, the cell is held.
            let (mut best, mut least, mut needed) = (0, f64::INFINITY, cells.farthest(k, centers[0]));
            for (i, &c) in centers.iter().enumerate() {
                if c.distance(some_point) + out[i] >= least {
                    continue;
                }
                let radius = cells.farthest(k, c);
                if radius + out[i] < least {
                    (best, least, needed) = (i, radius + out[i], radius);
                }
            }
            held[best].push(k);
            radii[best] = radii[best].max(needed);
        }
        let mut fit = Self { spheres: Vec::new(), cells: Vec::new(), excess: 0.0 };
        for (i, held) in held.into_iter().enumerate().filter(|(_, held)| !held.is_empty()) {
            fit.spheres.push(Sphere { center: centers[i], radius: radii[i] });
            fit.cells.push(held);
            fit.excess = fit.excess.max(radii[i] + body.signed_distance(centers[i]));
        }
        fit
    }

    /// The least spheres about some of `centers` when each cell is held by the one that leaves most of its
    /// room.
    pub(super) fn within(body: &CoverBody, cells: &Cells, centers: &[DVec3], room: impl Fn(DVec3) -> f64) -> Self {
        Self::assigned(body, cells, centers, &centers.iter().map(|&c| -room(c)).collect::<Vec<_>>())
    }

    /// One sphere around the bounding box.
    pub(super) fn around(body: &CoverBody) -> Self {
        let [low, high] = body.surface().bounds();
        let sphere = Sphere { center: (low + high) / 2.0, radius: body.size() / 2.0 };
        Self { spheres: vec![sphere], cells: Vec::new(), excess: body.size() }
    }

    /// The best of what rounds of moving and assigning lead to.
    pub(super) fn improved(self, body: &CoverBody, cells: &Cells) -> Self {
        let mut best = self;
        let mut current = best.clone();
        let mut idle = 0;
        for _ in 0..ROUNDS {
            if body.is_late() {
                break;
            }
            let moved = |(s, held): (&Sphere, &Vec<usize>)| better_center(body, cells, s, held);
            let centers: Vec<DVec3> = current.spheres.iter().zip(&current.cells).map(moved).collect();
            current = Self::new(body, cells, &centers);
            if current.excess < best.excess {
                best = current.clone();
                idle = 0;
            } else {
                idle += 1;
            }
            if idle == PATIENCE {
                break;
            }
        }
        best
    }
}

/// A centre within a stride of the sphere's from which its cells are held with less excess, by
/// compass search.
fn better_center(body: &CoverBody, cells: &Cells, sphere: &Sphere, held: &[usize]) -> DVec3 {
    let stride = STRIDE * sphere.radius;
    // Within a stride of the centre, no other points can become the farthest.
    let near = (sphere.radius - 2.0 * stride).max(0.0).powi(2);
    let mut points: Vec<DVec3> = held.iter().flat_map(|&k| cells.points(k)).copied().collect();
    points.retain(|p| p.distance_squared(sphere.center) >= near);
    let out = body.signed_distance(sphere.center);
    // Looks at the surface only where the distance, which changes no faster than the centre moves,
    // may turn out small enough.
    let excess = |c: DVec3, least: f64| {
        let radius = farthest(&points, c);
        let moved = c.distance(sphere.center);
        if radius + out - moved >= least {
            return f64::INFINITY;
        }
        let same_side = moved < out.abs();
        radius + if same_side { body.distance_within(c, out.abs() + moved).copysign(out) } else { body.signed_distance(c) }
    };
    let mut center = sphere.center;
    let mut least = farthest(&points, center) + out;
    let mut step = stride / 2.0;
    for _ in 0..HALVINGS {
        loop {
            let tries = DVec3::AXES.iter().flat_map(|&axis| [center + axis * step, center - axis * step]);
            let allowed = tries.filter(|c| c.distance(sphere.center) <= stride);
            let best = allowed.map(|c| (excess(c, least), c)).min_by(|a, b| a.0.total_cmp(&b.0));
            match best {
                Some((value, c)) if value < least => (least, center) = (value, c),
                _ => break,
            }
        }
        step /= 2.0;
    }
    center
}

//! The one flat form of robot, world, edges and verdicts that every fast backend reads: `f32`,
//! plain old data, built once per problem. Also where an edge is sampled, since all backends must
//! agree on that. Imports `problem` and what lies below it.

pub mod base;
mod clusters;
mod edges;
mod limits;
mod polynomial;
mod robot;
mod samples;
mod states;
mod world;

pub use base::PackedBase;
pub use edges::{Edge, EdgeBatch, EdgeHead};
pub use limits::{LIMIT_SLACK, POSITION_SLACK, PackedLimits, position_slack};
pub use polynomial::{COEFFICIENT_ROW, MAX_DEGREE, coefficient_stride, smooth_step};
pub(crate) use robot::reaches;
pub use robot::{
    CLUSTER, MASK_ROW, MOTION_FIXED, MOTION_PRISMATIC, MOTION_REVOLUTE, NO_MASK, PackedBody, PackedLink, PackedPair,
    PackedSphere,
};
pub use samples::{RAKE, RakeOrder, even_along_path_table, sample_share};
pub use states::StateBatch;
pub use world::{INNER, PackedNode, PackedObstacle, PackedWorld};

use super::hierarchy;
use crate::base::Base;
use crate::error::InvalidValue;
use crate::problem::Problem;
use clusters::{around, clustered};
use glam::DVec3;
use limits::pack_limits;
use robot::{pack_body, pack_link, pack_mask, pack_sphere};

/// A problem as the fast backends read it.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Bodies, parents first; the base is the first and its placement is its pose in the world.
    pub bodies: Vec<PackedBody>,
    /// Links on bodies that move, and those of the base after them.
    pub links: Vec<PackedLink>,
    /// How many of `links` move: only these are tested against the world.
    pub moving_links: usize,
    /// All spheres, link by link, and within each cluster by cluster.
    pub spheres: Vec<PackedSphere>,
    /// Balls that hold [`CLUSTER`] spheres of a link each, the last of each link the rest.
    pub clusters: Vec<PackedSphere>,
    /// How many of `clusters` move.
    pub moving_clusters: usize,
    /// Pairs of links that are checked against each other.
    pub pairs: Vec<PackedPair>,
    /// For pairs of links of which not all spheres are checked, a bit for each two of them, set where they
    /// are not: of sphere i of the first link and j of the second, the bit i times the second's number of
    /// spheres and j, the lowest of a word first.
    pub masks: Vec<u32>,
    /// Limits, one per output (of a vehicle: per joint), with [`LIMIT_SLACK`].
    pub limits: Vec<PackedLimits>,
    /// Of a vehicle, what leads from its flat outputs to the first of its joints.
    pub base: Option<PackedBase>,
    /// Obstacles.
    pub world: PackedWorld,
    /// Hierarchy over all obstacles but the half-spaces.
    pub hierarchy: Vec<PackedNode>,
    /// Whether efforts are checked.
    pub torque: bool,
    /// Acceleration of free fall, m/s^2.
    pub gravity: [f32; 3],
    /// Per flat output: farthest that any sphere moves for a unit of it (m/rad, or 1).
    pub reach: Vec<f32>,
    /// Farthest a sphere may move between two samples, metres.
    pub resolution: f32,
    /// Added to every sphere, metres.
    pub padding: f32,
    /// Distance to be kept from obstacles beside that, metres.
    pub clearance: f32,
}

/// Intervals between the samples of an edge, at most: their rakes are counted in 16 bits on a device, and
/// a tenth of a second's work in lanes is a bound that a query's time limit can live with.
const MOST_INTERVALS: f32 = 1e6;

impl Packed {
    /// Packs a problem; no sphere moves farther than `resolution` metres between two samples.
    ///
    /// # Panics
    /// May, where the problem makes no sense: [`Problem::validate`] and [`Backend::checker`](super::Backend) say so.
    pub fn new(problem: &Problem, resolution: f64) -> Self {
        let m = &problem.mechanism;
        let base_links = m.links.iter().take_while(|l| l.body == 0).count();
        let order: Vec<usize> = (base_links..m.links.len()).chain(0..base_links).collect();
        let world = PackedWorld::new(&problem.world.obstacles);
        let place = |link: usize| order.iter().position(|&l| l == link).unwrap_or(link) as u32;
        let reach = reaches(m);
        let base = m.vehicle().map(|base| PackedBase::new(base, &reach));
        let (mut spheres, mut places) = (m.spheres.clone(), vec![0; m.spheres.len()]);
        for link in &m.links {
            let first = link.spheres.start;
            for (place, sphere) in clustered(&m.spheres[link.spheres.clone()]).into_iter().enumerate() {
                (spheres[first + place], places[first + sphere]) = (m.spheres[first + sphere], first + place);
            }
        }
        let mut masks = Vec::new();
        let mut pack_pair =
            |pair: [usize; 2]| PackedPair { links: pair.map(place), mask: pack_mask(m, pair, &places, &mut masks) };
        let pairs = m.pairs.iter().map(|&pair| pack_pair(pair)).collect();
        let mut clusters = Vec::new();
        let mut pack_link = |&l: &usize| {
            let first = clusters.len() as u32;
            clusters.extend(spheres[m.links[l].spheres.clone()].chunks(CLUSTER).map(around));
            pack_link(m, l, first)
        };
        let links: Vec<PackedLink> = order.iter().map(&mut pack_link).collect();
        let moving_links = m.links.len() - base_links;
        Self {
            pairs,
            masks,
            bodies: m.bodies.iter().map(pack_body).collect(),
            moving_clusters: links.get(moving_links).map_or(clusters.len(), |link| link.clusters as usize),
            moving_links,
            links,
            spheres: spheres.iter().map(pack_sphere).collect(),
            clusters,
            limits: m.limits.iter().map(pack_limits).collect(),
            hierarchy: hierarchy::build(&world, &problem.world.obstacles),
            world,
            torque: problem.torque && base.is_none(),
            gravity: gravity(problem).as_vec3().to_array(),
            reach: base.map_or(reach.clone(), |base| base.reach(&reach)),
            base,
            resolution: resolution as f32,
            padding: 0.0,
            clearance: 0.0,
        }
    }

    /// Number of joints, which are the flat outputs too, except of a vehicle.
    pub fn dof(&self) -> usize {
        self.limits.len()
    }

    /// Number of flat outputs.
    pub fn flat_dof(&self) -> usize {
        self.reach.len()
    }

    /// Refuses edges of another number of outputs: those of another robot.
    pub(super) fn admit_edges(&self, edges: &EdgeBatch) -> Result<(), InvalidValue> {
        admit_outputs("edges", edges.dof, self.flat_dof())
    }

    /// Refuses states of another number of outputs.
    pub(super) fn admit_states(&self, states: &StateBatch) -> Result<(), InvalidValue> {
        admit_outputs("states", states.dof, self.dof())
    }

    /// How many rakes of samples an edge needs.
    ///
    /// Between two samples the spheres move at most sum_j reach_j |dy_j|. A rest-to-rest edge is
    /// sampled evenly along its path, any other evenly in time, where its fastest instant decides. Of
    /// a vehicle, turnings that follow from other outputs are estimated. Edges of more
    /// than `MOST_INTERVALS` intervals are sampled at a wider spacing: 50 km at 5 cm, and 50 m at the thousandth of
    /// it that repairs come to at last; no edge of an arm's search is so long. Should a collision slip
    /// through, the certificate, which takes no samples, finds it.
    pub fn rakes(&self, edge: &Edge<'_>) -> usize {
        let mut travel = edge.travel(&self.reach);
        if let Some(base) = &self.base {
            travel += base.turning(edge, self.flat_dof(), -self.gravity[2]);
        }
        let intervals = (travel / self.resolution).ceil().min(MOST_INTERVALS) as usize;
        (intervals + 1).div_ceil(RAKE)
    }
}

fn admit_outputs(what: &str, found: usize, wanted: usize) -> Result<(), InvalidValue> {
    if found == wanted {
        return Ok(());
    }
    let expected = format!("{wanted} outputs, as the checker's problem has");
    Err(InvalidValue::new(what, format!("{found} outputs"), expected))
}

/// Gravity as the equations of a vehicle have it, where they do; else the problem's.
fn gravity(problem: &Problem) -> DVec3 {
    let of_base = problem.mechanism.vehicle().and_then(Base::gravity);
    of_base.map_or(problem.gravity, |gravity| -gravity * DVec3::Z)
}

#[cfg(test)]
mod tests;

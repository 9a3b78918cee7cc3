//! The robot in the packed form: bodies, spheres, links, and pairs of links.

use super::world::pack_pose;
use crate::robot::{Body, JointMotion, Mechanism, Sphere};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// [`JointMotion`] as a number.
pub const MOTION_FIXED: u32 = 0;
/// [`JointMotion::Revolute`] as a number.
pub const MOTION_REVOLUTE: u32 = 1;
/// [`JointMotion::Prismatic`] as a number.
pub const MOTION_PRISMATIC: u32 = 2;

/// A body of the mechanism.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedBody {
    /// Rotation of the placement, row by row.
    pub rotation: [[f32; 3]; 3],
    /// Translation of the placement.
    pub translation: [f32; 3],
    /// Body it hangs on.
    pub parent: u32,
    /// How it moves.
    pub motion: u32,
    /// Output that drives it.
    pub output: u32,
    /// Joint position per unit of output.
    pub ratio: f32,
    /// Joint position at output zero.
    pub offset: f32,
    /// Mass, kg.
    pub mass: f32,
    /// Centre of mass in the body frame.
    pub com: [f32; 3],
    /// Inertia about the centre of mass in the body frame: xx, yy, zz, xy, xz, yz.
    pub inertia: [f32; 6],
}

/// A sphere in the frame of its body.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedSphere {
    /// Centre.
    pub center: [f32; 3],
    /// Radius.
    pub radius: f32,
}

/// A link with collision geometry.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedLink {
    /// A sphere that holds all of its spheres.
    pub bound: PackedSphere,
    /// Body it belongs to.
    pub body: u32,
    /// First of its spheres.
    pub first: u32,
    /// One past the last of its spheres.
    pub end: u32,
    /// The first of its clusters, of [`CLUSTER`] of its spheres each.
    pub clusters: u32,
    /// Its index in [`Mechanism::links`].
    pub index: u32,
    /// Added to its spheres where they are held against obstacles, metres.
    pub padding: f32,
}

impl PackedLink {
    /// How many clusters its spheres are in.
    #[inline(always)]
    pub fn clusters(&self) -> usize {
        ((self.end - self.first) as usize).div_ceil(CLUSTER)
    }

    /// The spheres of its clusters, by the number of the cluster within the link.
    #[inline(always)]
    pub fn spheres_of(&self, cluster: usize) -> Range<usize> {
        let first = self.first as usize + cluster * CLUSTER;
        first..(first + CLUSTER).min(self.end as usize)
    }
}

/// Two links that are checked against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct PackedPair {
    /// Their indices among the packed links.
    pub links: [u32; 2],
    /// Where in [`Packed::masks`](super::Packed::masks) it is said which of their spheres are not, because they always touch;
    /// [`NO_MASK`] where all are.
    pub mask: u32,
}

/// No mask: all spheres of a pair of links are checked.
pub const NO_MASK: u32 = u32::MAX;

/// Masks begin at multiples of this many words, which is a row on a device.
pub const MASK_ROW: usize = 4;

/// Spheres of a cluster, but for the last of a link, which may have fewer. Links of hand-made models have few more
/// spheres than these; covers of meshes have hundreds.
pub const CLUSTER: usize = 8;

pub(super) fn pack_body(body: &Body) -> PackedBody {
    let (rotation, translation) = pack_pose(&body.placement);
    let i = body.inertia.matrix;
    PackedBody {
        rotation,
        translation,
        parent: body.parent as u32,
        motion: match body.motion {
            JointMotion::Fixed => MOTION_FIXED,
            JointMotion::Revolute => MOTION_REVOLUTE,
            JointMotion::Prismatic => MOTION_PRISMATIC,
        },
        output: body.output as u32,
        ratio: body.ratio as f32,
        offset: body.offset as f32,
        mass: body.inertia.mass as f32,
        com: body.inertia.com.as_vec3().to_array(),
        inertia: [i.x_axis.x, i.y_axis.y, i.z_axis.z, i.y_axis.x, i.z_axis.x, i.z_axis.y].map(|x| x as f32),
    }
}

/// Least radius of a packed sphere, metres: within a box the squared distance to it is zero, which is not
/// less than the square of no radius.
const LEAST_RADIUS: f32 = 1e-6;

pub(super) fn pack_sphere(sphere: &Sphere) -> PackedSphere {
    let radius = (sphere.radius as f32).max(LEAST_RADIUS);
    PackedSphere { center: sphere.center.as_vec3().to_array(), radius }
}

/// A sphere that goes on holding what it holds, however that is rounded.
pub(super) fn hold(mut bound: PackedSphere) -> PackedSphere {
    bound.radius *= 1.0 + 1e-5;
    bound
}

pub(super) fn pack_link(m: &Mechanism, index: usize, clusters: u32) -> PackedLink {
    let link = &m.links[index];
    PackedLink {
        bound: hold(pack_sphere(&link.bound)),
        body: link.body as u32,
        first: link.spheres.start as u32,
        end: link.spheres.end as u32,
        clusters,
        index: index as u32,
        padding: link.padding as f32,
    }
}

/// Adds the mask of a pair of links, where it has one, and says where it begins; `places` has by sphere of the
/// mechanism its place among the packed ones.
pub(super) fn pack_mask(m: &Mechanism, pair: [usize; 2], places: &[usize], masks: &mut Vec<u32>) -> u32 {
    let always = m.always_touching(pair);
    if always.is_empty() {
        return NO_MASK;
    }
    let first = masks.len();
    let [rows, columns] = pair.map(|link| m.links[link].spheres.len());
    let place = |link: usize, sphere: usize| {
        let first = m.links[link].spheres.start;
        places[first + sphere] - first
    };
    masks.resize(first + (rows * columns).div_ceil(32).next_multiple_of(MASK_ROW), 0);
    for &[i, j] in always {
        let bit = place(pair[0], i) * columns + place(pair[1], j);
        masks[first + bit / 32] |= 1 << (bit % 32);
    }
    first as u32
}

/// Per joint, an upper bound of how far any sphere moves for a unit of it, over all positions:
/// the distance of the sphere from the joint's axis is at most that of the next joint's origin
/// plus the lengths of all links between. Of a sphere its farthest point counts; on a vehicle, which
/// may be no more than a ball, its centre: what turns about that does not move.
pub(crate) fn reaches(m: &Mechanism) -> Vec<f32> {
    let mut reach = vec![0.0_f64; m.dof()];
    for link in m.links.iter().filter(|l| l.body != 0 && !l.spheres.is_empty()) {
        // The greatest distances of what counts from the body's origin and from its axis. What adds to
        // them on the way to the base is the same for all spheres.
        let (mut far, mut from_axis) = (0.0_f64, 0.0_f64);
        for sphere in &m.spheres[link.spheres.clone()] {
            let beyond = if m.vehicle().is_some() { 0.0 } else { sphere.radius };
            far = far.max(sphere.center.length() + beyond);
            from_axis = from_axis.max(sphere.center.truncate().length() + beyond);
        }
        let mut body = link.body;
        while body != 0 {
            let b = &m.bodies[body];
            let (unit, travel) = match b.motion {
                JointMotion::Prismatic => {
                    let limits = &m.limits[b.output];
                    let q = |y: f64| (b.ratio * y + b.offset).abs();
                    (1.0, q(limits.lower).max(q(limits.upper)))
                }
                _ => (from_axis, 0.0),
            };
            reach[b.output] = reach[b.output].max(b.ratio.abs() * unit);
            let travel = if travel.is_finite() { travel } else { 0.0 };
            from_axis = b.placement.translation.truncate().length() + far + travel;
            far += b.placement.translation.length() + travel;
            body = b.parent;
        }
    }
    reach.into_iter().map(|r| r as f32).collect()
}

//! Robots: a tree of links and joints with limits, inertias and collision spheres, read at run
//! time from URDF, SRDF and joint_limits.yaml, and reduced to a [`Mechanism`] for planning.
//! Imports `error`, `document`, `pose`, `world` and `base`.

mod admit;
mod cache;
mod cover;
mod dynamics;
mod evaluation;
mod geometry;
mod info;
mod joint_limits;
mod load;
mod mechanism;
pub mod mesh;
mod options;
mod padding;
mod pairs;
#[cfg(test)]
pub(crate) mod random;
mod sphere;
pub mod spherize;
mod srdf;
mod states;
mod unjudged;
mod urdf;
mod validate;
mod vehicle;
mod xml;

pub use admit::{END_SLACK, GivenLimits};
pub use cache::CoverCache;
pub use dynamics::DynamicsScratch;
pub use evaluation::{EvaluatedLink, EvaluatedSkip, EvaluatedState, Evaluation, EvaluationOptions};
pub use info::Info;
pub use mechanism::{Body, CollisionLink, JointMotion, Mechanism, OutputLimits, Overlap};
pub use options::{LoadOptions, MissingGeometry};
pub use padding::LinkPadding;
pub use sphere::Sphere;
pub use unjudged::{Unjudged, UnjudgedPair, UnjudgedSpheres};
pub use vehicle::{cover_rectangle, cuboid_spheres, rectangle_spheres};

use crate::base::Base;
use crate::error::{InputError, Warning};
use crate::pose::Pose;
use glam::{DMat3, DVec3};
use serde::Serialize;

/// How far beyond its bounds, in rad or m and relative to bounds above 1, a joint may stand for what was
/// proved of pairs of links to hold: ten times the rounding of bounds in files, and as much as `flatout
/// check` lets trajectories from files exceed a bound by.
pub const POSITION_SLACK: f64 = 1e-4;

/// A robot as its files describe it, before anybody has chosen which joints to plan for.
///
/// Links stand in topological order: `links[0]` is the root, and `joints[i]` carries
/// `links[i + 1]`, so every parent stands before its children.
#[derive(Clone, Debug)]
pub struct Robot {
    /// Name in the URDF.
    pub name: String,
    /// Links, parents first.
    pub links: Vec<Link>,
    /// Joints; `joints[i]` carries `links[i + 1]`.
    pub joints: Vec<Joint>,
    /// Planning groups (SRDF).
    pub groups: Vec<Group>,
    /// Named joint states (SRDF).
    pub states: Vec<NamedState>,
    /// Pairs of links `[a, b]`, `a < b`, that are judged against each other.
    pub pairs: Vec<[usize; 2]>,
    /// Pairs of links with collision geometry, `a < b`, that are not, and why.
    pub skipped: Vec<SkippedPair>,
    /// Single spheres of links that are proved to touch always: they say nothing about a state. Sorted by
    /// links.
    pub always: Vec<AlwaysTouching>,
    /// Per joint, the range of position that [`SkipReason::NeverTouch`] and `always` were proved for; empty
    /// where nothing was.
    pub proved_within: Vec<[f64; 2]>,
    /// What carries it about, where it does not stand: the first joints are its coordinates.
    pub base: Option<Base>,
    /// What was read otherwise than it stands in its files, or passed over.
    pub warnings: Vec<Warning>,
    /// Joints whose description tells of friction or damping, and where: see [`Mechanism::unjudged_losses`].
    pub losses: Vec<(usize, InputError)>,
}

/// Two links that are not judged against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedPair {
    /// Indices of the links, `a < b`.
    pub links: [usize; 2],
    /// Why they are left out.
    pub reason: SkipReason,
}

/// Why two links are not judged against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Neighbours: joined by one joint, or through links without geometry by one joint that moves or several that
    /// turn about one point.
    Adjacent,
    /// No joint between them moves.
    Rigid,
    /// Proved: wherever the joints stand, their spheres do not touch, but for those that always do.
    NeverTouch,
    /// The SRDF says so, with this reason.
    Disabled(DisableReason),
}

/// Why an SRDF disables a pair of links, in MoveIt's words; nobody proves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DisableReason {
    /// They are neighbours.
    Adjacent,
    /// They touch while all joints stand at their neutral positions.
    Default,
    /// They touch in nearly every joint state.
    Always,
    /// They were seen to touch in no joint state.
    Never,
    /// Whoever wrote the SRDF says so.
    User,
}

/// Spheres of two links that touch wherever the joints between them stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlwaysTouching {
    /// Indices of the links, `a < b`.
    pub links: [usize; 2],
    /// Which sphere of the one link, and which of the other, counted within each; sorted.
    pub spheres: Vec<[usize; 2]>,
}

/// One piece of collision geometry as the URDF has it.
#[derive(Clone, Debug)]
pub struct LinkSolid {
    /// Name of its link.
    pub link: String,
    /// The solid, in the link's frame.
    pub solid: spherize::Solid,
}

/// A rigid link.
#[derive(Clone, Debug)]
pub struct Link {
    /// Name in the URDF.
    pub name: String,
    /// Mass, centre and inertia in the link frame; zero mass where the URDF gives none.
    pub inertia: Inertia,
    /// Collision geometry in the link frame.
    pub spheres: Vec<Sphere>,
    /// Whether there is anything to be seen of it: the URDF has visual geometry.
    pub visible: bool,
}

/// Mass distribution of a rigid body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inertia {
    /// Mass, kg.
    pub mass: f64,
    /// Centre of mass in the frame of the body, metres.
    pub com: DVec3,
    /// Rotational inertia about the centre of mass, in axes of the frame of the body, kg m^2.
    pub matrix: DMat3,
}

/// How a joint moves its child link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// Does not move.
    Fixed,
    /// Turns about its axis between bounds.
    Revolute,
    /// Turns about its axis without bounds.
    Continuous,
    /// Slides along its axis between bounds.
    Prismatic,
}

/// A joint between `links[parent]` and the link it carries.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Name in the URDF.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Index of the parent link.
    pub parent: usize,
    /// Joint frame in the parent link's frame, at position zero.
    pub origin: Pose,
    /// Unit axis in the joint frame.
    pub axis: DVec3,
    /// Its limits.
    pub limits: JointLimits,
    /// Where its position follows another joint's.
    pub mimic: Option<Mimic>,
}

/// Limits of one joint, in rad or m and their derivatives; infinite where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointLimits {
    /// Least position.
    pub lower: f64,
    /// Greatest position.
    pub upper: f64,
    /// Greatest speed.
    pub velocity: f64,
    /// Greatest magnitude of acceleration.
    pub acceleration: f64,
    /// Greatest magnitude of jerk.
    pub jerk: f64,
    /// Greatest magnitude of torque (N m) or force (N).
    pub effort: f64,
}

/// `position = multiplier * position of joint + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mimic {
    /// Index of the joint that is followed.
    pub joint: usize,
    /// Factor.
    pub multiplier: f64,
    /// Added, rad or m.
    pub offset: f64,
}

/// A named set of movable joints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name in the SRDF.
    pub name: String,
    /// Movable joints that are not mimics, in topological order.
    pub joints: Vec<usize>,
}

/// A named joint state of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedState {
    /// Group it belongs to.
    pub group: String,
    /// Name in the SRDF.
    pub name: String,
    /// Joint index and value, rad or m.
    pub values: Vec<(usize, f64)>,
}

impl JointLimits {
    /// No limits at all.
    pub const NONE: Self = Self {
        lower: f64::NEG_INFINITY,
        upper: f64::INFINITY,
        velocity: f64::INFINITY,
        acceleration: f64::INFINITY,
        jerk: f64::INFINITY,
        effort: f64::INFINITY,
    };
}

impl Inertia {
    /// A body without mass.
    pub const ZERO: Self = Self { mass: 0.0, com: DVec3::ZERO, matrix: DMat3::ZERO };

    /// The same body seen from a parent frame, `pose` being its frame in the parent's.
    #[must_use]
    pub fn transformed(&self, pose: &Pose) -> Self {
        Self {
            mass: self.mass,
            com: pose.point(self.com),
            matrix: pose.rotation * self.matrix * pose.rotation.transpose(),
        }
    }

    /// Two bodies rigidly joined, in the same frame (parallel-axis theorem).
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mass = self.mass + other.mass;
        if mass <= 0.0 {
            return Self { matrix: self.matrix + other.matrix, ..Self::ZERO };
        }
        let com = (self.com * self.mass + other.com * other.mass) / mass;
        let about = |part: &Self| {
            let r = part.com - com;
            let outer = DMat3::from_cols(r * r.x, r * r.y, r * r.z);
            part.matrix + (DMat3::IDENTITY * r.length_squared() - outer) * part.mass
        };
        Self { mass, com, matrix: about(self) + about(other) }
    }
}

impl Joint {
    /// Whether it has a position of its own (neither fixed nor a mimic).
    pub fn is_independent(&self) -> bool {
        self.kind != JointKind::Fixed && self.mimic.is_none()
    }

    /// The child frame in the joint frame at position `q`.
    pub fn motion(&self, q: f64) -> Pose {
        match self.kind {
            JointKind::Fixed => Pose::IDENTITY,
            JointKind::Revolute | JointKind::Continuous => {
                Pose { rotation: DMat3::from_axis_angle(self.axis, q), translation: DVec3::ZERO }
            }
            JointKind::Prismatic => Pose::from_translation(self.axis * q),
        }
    }
}

impl Robot {
    /// Links that are visible and have no collision geometry: nothing is known of what they hit.
    pub fn links_without_geometry(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().filter(|link| link.visible && link.spheres.is_empty())
    }

    /// Index of a link by name.
    pub fn link(&self, name: &str) -> Option<usize> {
        self.links.iter().position(|l| l.name == name)
    }

    /// Index of a joint by name.
    pub fn joint(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|j| j.name == name)
    }

    /// A group by name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|g| g.name == name)
    }

    /// Indices of all joints that have a position of their own.
    pub fn independent_joints(&self) -> Vec<usize> {
        (0..self.joints.len()).filter(|&j| self.joints[j].is_independent()).collect()
    }

    /// One value per joint: zero, or the bound nearest to zero (mimics and fixed joints: zero).
    pub fn neutral(&self) -> Vec<f64> {
        let neutral = |j: &Joint| match j.is_independent() {
            true => 0.0_f64.max(j.limits.lower).min(j.limits.upper),
            false => 0.0,
        };
        self.joints.iter().map(neutral).collect()
    }

    /// Poses of all links in the root frame, given one value per joint (mimics and fixed joints'
    /// values are ignored).
    pub fn link_poses(&self, q: &[f64]) -> Vec<Pose> {
        let mut poses = vec![Pose::IDENTITY; self.links.len()];
        for (j, joint) in self.joints.iter().enumerate() {
            let value = joint.mimic.map_or(q[j], |m| m.multiplier * q[m.joint] + m.offset);
            poses[j + 1] = poses[joint.parent] * joint.origin * joint.motion(value);
        }
        poses
    }
}

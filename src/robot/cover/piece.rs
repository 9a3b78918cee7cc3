//! A piece of geometry on its way to spheres.

use crate::pose::Pose;
use crate::robot::Sphere;
use crate::robot::spherize::{Cover, Covering};

/// A piece of geometry of a link.
#[derive(Clone)]
pub(in crate::robot) struct Piece {
    pub(super) pose: Pose,
    pub(super) covering: Covering,
    /// What its balls have evaded so far.
    pub(super) foes: Vec<Foe>,
}

impl Piece {
    /// Its spheres in its link's frame.
    pub(in crate::robot) fn spheres(&self) -> Vec<Sphere> {
        self.covering.spheres(&self.pose)
    }

    /// What it has come to.
    pub(in crate::robot) fn cover(&self) -> Cover {
        self.covering.cover(&self.pose)
    }
}

/// What balls of a piece are to evade.
#[derive(Clone, Copy)]
pub(super) struct Foe {
    /// In the piece's frame.
    pub(super) sphere: Sphere,
    /// The ball that it is, by its piece and centre; none where it stands for what that ball cannot leave.
    pub(super) ball: Option<(usize, [u64; 3])>,
}

//! What a backend says of an edge or state, and what else may become of a check.

use crate::error::InvalidValue;
use bytemuck::{Pod, Zeroable};
use std::fmt;

/// Nothing was checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// A backend failed.
    #[error("the {backend} backend failed: {message}")]
    Backend {
        /// Which one.
        backend: String,
        /// How.
        message: String,
    },
    /// What was to be checked, or a checker to be made of, makes no sense.
    #[error("nothing can be checked: {0}")]
    Invalid(#[from] InvalidValue),
}

/// Whether a state or edge is valid, or the first stage that it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Status {
    /// It passes all stages.
    Valid = 0,
    /// A sphere touches an obstacle.
    World = 1,
    /// Two links touch.
    SelfCollision = 2,
    /// An output leaves its position limits.
    Position = 3,
    /// An output exceeds its velocity limit.
    Velocity = 4,
    /// An output exceeds its acceleration limit.
    Acceleration = 5,
    /// A joint exceeds its effort limit.
    Effort = 6,
    /// A vehicle exceeds a limit of its own: curvature, steering angle, thrust, body rate and the like.
    Base = 7,
    /// It was not checked to its end, because of [`EdgeChecker::set_stop`](super::EdgeChecker::set_stop): not known to be valid, nor not to be.
    Unchecked = 8,
    /// A caller's own constraint is not met.
    Constraint = 9,
}

impl Status {
    /// All that a check by a backend which is not broken off comes to, in the order of the stages; the index is the
    /// number.
    pub const ALL: [Self; 8] = [
        Self::Valid,
        Self::World,
        Self::SelfCollision,
        Self::Position,
        Self::Velocity,
        Self::Acceleration,
        Self::Effort,
        Self::Base,
    ];
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::World => "collision with the world",
            Self::SelfCollision => "collision with itself",
            Self::Position => "position limit",
            Self::Velocity => "velocity limit",
            Self::Acceleration => "acceleration limit",
            Self::Effort => "effort limit",
            Self::Base => "limit of the base",
            Self::Constraint => "constraint of the caller",
            Self::Unchecked => "not checked: time was up, or it was broken off",
        })
    }
}

/// What a backend says of one edge or state; 16 bytes, as it comes back from any device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Verdict {
    /// A [`Status`] as a number.
    status: u32,
    /// Time of the failing sample since the edge began, seconds; 0 for a state.
    pub time: f32,
    /// Link that collides, output whose limit is exceeded, constraint that is not met, or which of the base's limits, in the order of
    /// [`crate::base::Sample`] (index; 0 where the base has no coordinates).
    pub subject: u32,
    /// Obstacle (index) or other link that it collides with.
    pub other: u32,
}

impl Verdict {
    /// Passed.
    pub const VALID: Self = Self { status: Status::Valid as u32, time: 0.0, subject: 0, other: 0 };

    /// Broken off.
    pub const UNCHECKED: Self = Self { status: Status::Unchecked as u32, ..Self::VALID };

    /// Failed.
    pub fn invalid(status: Status, time: f32, subject: usize, other: usize) -> Self {
        Self { status: status as u32, time, subject: subject as u32, other: other as u32 }
    }

    /// Whether everything passed.
    pub fn is_valid(&self) -> bool {
        self.status == Status::Valid as u32
    }

    /// A verdict as a device writes it, with the number of samples that it took from bit 8 of the
    /// status on. `None` where no status is so, or no sample was taken: a device may return anything.
    #[cfg(feature = "gpu")]
    pub(crate) fn with_samples(mut self) -> Option<(Self, u32)> {
        let samples = self.status >> 8;
        self.status &= 0xff;
        let sound = (self.status as usize) < Status::ALL.len() && samples > 0;
        sound.then_some((self, samples))
    }

    /// The first stage that failed.
    pub fn status(&self) -> Status {
        const CONSTRAINT: u32 = Status::Constraint as u32;
        match self.status {
            CONSTRAINT => Status::Constraint,
            status => Status::ALL.get(status as usize).copied().unwrap_or(Status::Unchecked),
        }
    }
}

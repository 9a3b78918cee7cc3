//! Checks of states and edges against the world, the robot itself and its limits, in batches.
//! Imports `problem` and what lies below it; a backend never imports another.
//!
//! A sampled state goes through four stages, in this order and under these names in every backend:
//! `unflatten` (polynomials to joint values and derivatives), `place` (forward kinematics),
//! `collide` (spheres against the world, then against each other), `limits` (position, velocity,
//! acceleration, effort, limits of the base).
//!
//! Edges of a vehicle are polynomials of its flat outputs: `unflatten` finds the coordinates of its base
//! and everything that the base limits. Where the base goes where it points, an edge is a path, over
//! any parameter, that is not at rest (it may stand and turn): then all that counts of the base's
//! limits are those that the shape of the path decides, and derivatives of joints have no limits. A
//! *state* of a vehicle holds positions and derivatives of its joints, so that only these are checked.

#[cfg(feature = "gpu")]
mod auto;
mod constrained;
mod diagnosis;
#[cfg(feature = "gpu")]
pub mod gpu;
mod hierarchy;
mod lengths;
mod many;
pub mod packed;
mod parallel;
mod scalar;
pub mod simd;
mod spread;
pub mod threads;

#[cfg(feature = "gpu")]
pub use auto::{AutoChecker, wait_for_devices};
pub use constrained::ConstrainedChecker;
pub use diagnosis::{
    Fault, Meeting, Unknown, diagnose, diagnose_base, diagnose_base_until, diagnose_until, nearest_obstacle,
};
pub use lengths::Lengths;
pub(crate) use lengths::search_box;
pub use many::Checkers;
pub use packed::{EdgeBatch, Packed, StateBatch};
pub use parallel::ParallelChecker;
pub use scalar::{Margins, ScalarChecker};
pub use simd::SimdChecker;

use crate::error::{InvalidValue, positive};
use crate::problem::Problem;
use crate::stop::Stop;
use bytemuck::{Pod, Zeroable};
use std::fmt;

/// Checks batches of edges and states of one problem. A planner sees no more of a backend than this.
pub trait EdgeChecker: Send {
    /// One verdict per edge, in order: valid, or why and at which sample it fails. Samples are taken
    /// so that no sphere moves farther than the resolution between two of them.
    ///
    /// # Errors
    /// When the backend itself fails (a device is lost); never for an invalid edge.
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError>;

    /// One verdict per state, in order.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError>;

    /// For each edge, in order, how much it could move within the efforts: the greatest share of what moving it
    /// takes that is left, at every sample, by what holding the robot there takes. An edge of half that share is
    /// from rest to rest the same edge in the root of twice the time. Zero or less where the weight alone is
    /// more than a joint can hold: then no time is long enough. Collisions and other limits are not looked at;
    /// efforts must be checked.
    ///
    /// Who has no use for an edge that takes more than `longest` seconds need not know how much more it would:
    /// of an edge whose share is at most the square of its duration by `longest`, any share that is so too may be
    /// told. A backend may find one at the first samples.
    ///
    /// A backend that cannot tell says one half, and is asked again for the slower edge.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        _longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        shares.clear();
        shares.resize(edges.len(), 0.5);
        Ok(())
    }

    /// Tells which states are free of collision, in order, cheaper than an edge to each would be: what
    /// is not free need not be steered to. A backend may let pass what it likes; this one all.
    ///
    /// # Errors
    /// As for [`EdgeChecker::check`].
    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        free.clear();
        free.resize(states.len(), true);
        Ok(())
    }

    /// How many states are screened at the price of one; 0 where it is not worth asking.
    fn screened_at_once(&self) -> usize {
        0
    }

    /// Grows every sphere by `metres` from now on: the clearance that is asked for.
    fn set_padding(&mut self, metres: f64);

    /// Grows every sphere by so much more where it is held against obstacles: a distance to be kept from them, metres.
    fn set_clearance(&mut self, metres: f64);

    /// From now on no sphere moves farther than `metres` between two samples of an edge.
    fn set_resolution(&mut self, metres: f64);

    /// Gives up from now on when `stop` is due, inside a batch and inside an edge too: what is not checked to
    /// its end then is [`Status::Unchecked`], and all that is screened passes. A planner sets it for its
    /// call, and takes it back after it.
    ///
    /// A backend need not: this one is asked to no avail, and its batches are checked to their ends.
    fn set_stop(&mut self, _stop: &Stop) {}

    /// Number of states examined so far.
    fn states_checked(&self) -> u64;

    /// How many edges at a time keep this backend busy. A search that has no other wish submits so many.
    fn preferred_batch(&self) -> usize {
        1
    }

    /// Name of the backend, with its level: `scalar`, `simd/avx512`.
    fn name(&self) -> String;

    /// What the user should know about the backend since this was last asked: that a device was
    /// lost, say, and that the work goes on without it.
    fn take_warnings(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// With so little left for moving, or less, an edge takes more than `longest` once it is slow enough.
fn useless_share(duration: f64, longest: f64) -> f32 {
    (duration / longest).powi(2) as f32
}

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
    /// It was not checked to its end, because of [`EdgeChecker::set_stop`]: not known to be valid, nor not to be.
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
    fn with_samples(mut self) -> Option<(Self, u32)> {
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

/// Which backend checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The fastest that this machine has: CPU lanes, and a GPU for batches that are large enough.
    #[default]
    Auto,
    /// A GPU, for every batch.
    Gpu,
    /// CPU lanes, at the best level that this machine has.
    Simd,
    /// The plain `f64` oracle.
    Scalar,
}

/// Which adapter a GPU backend uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The first of the best kind: discrete, then integrated, virtual, other, and software at last.
    /// `WGPU_ADAPTER_NAME` in the environment turns it into [`AdapterChoice::Name`].
    #[default]
    Best,
    /// The first whose name contains this, whatever the case.
    Name(String),
    /// By its place in the list of adapters.
    Index(usize),
}

impl Backend {
    /// A checker of `problem` on this backend, at a spacing of `resolution` metres (`None`: that of
    /// [`Lengths`]), and on the best adapter.
    ///
    /// # Errors
    /// Where the problem ([`Problem::validate`]) or the spacing makes no sense; when a GPU is asked for and there is
    /// none that works.
    pub fn checker(
        self,
        problem: &Problem,
        resolution: impl Into<Option<f64>>,
    ) -> Result<Box<dyn EdgeChecker>, CheckError> {
        self.checker_on(&AdapterChoice::Best, problem, resolution)
    }

    /// The same, on an adapter of choice.
    ///
    /// # Errors
    /// As for [`Backend::checker`].
    pub fn checker_on(
        self,
        adapter: &AdapterChoice,
        problem: &Problem,
        resolution: impl Into<Option<f64>>,
    ) -> Result<Box<dyn EdgeChecker>, CheckError> {
        let resolution = admit(problem, resolution.into())?;
        Ok(match self {
            Self::Auto => auto(adapter, problem, resolution),
            Self::Gpu => gpu(adapter, problem, resolution)?,
            Self::Simd => Box::new(SimdChecker::new(problem, resolution)),
            Self::Scalar => Box::new(ScalarChecker::new(problem, resolution)),
        })
    }
}

/// The spacing of a checker of a problem: the one that is asked for, or what follows from the problem, if that makes
/// sense.
fn admit(problem: &Problem, resolution: Option<f64>) -> Result<f64, CheckError> {
    problem.validate()?;
    let spacing = resolution.unwrap_or_else(|| Lengths::of(problem).spacing);
    positive("resolution", spacing)?;
    Ok(spacing)
}

#[cfg(feature = "gpu")]
fn auto(adapter: &AdapterChoice, problem: &Problem, resolution: f64) -> Box<dyn EdgeChecker> {
    Box::new(AutoChecker::new(adapter, problem, resolution))
}

#[cfg(feature = "gpu")]
fn gpu(
    adapter: &AdapterChoice,
    problem: &Problem,
    resolution: f64,
) -> Result<Box<dyn EdgeChecker>, CheckError> {
    let gpu = gpu::Gpu::shared(adapter)?;
    Ok(Box::new(AutoChecker::always(&gpu, problem, resolution)?))
}

#[cfg(not(feature = "gpu"))]
fn auto(_: &AdapterChoice, problem: &Problem, resolution: f64) -> Box<dyn EdgeChecker> {
    Box::new(SimdChecker::new(problem, resolution))
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &AdapterChoice, _: &Problem, _: f64) -> Result<Box<dyn EdgeChecker>, CheckError> {
    Err(CheckError::Backend {
        backend: "gpu".into(),
        message: "flatout was built without the feature \"gpu\"".into(),
    })
}

impl std::str::FromStr for Backend {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "auto" => Ok(Self::Auto),
            "gpu" => Ok(Self::Gpu),
            "simd" => Ok(Self::Simd),
            "scalar" => Ok(Self::Scalar),
            _ => Err(format!("unknown backend \"{s}\"; expected auto, gpu, simd or scalar")),
        }
    }
}

impl fmt::Display for AdapterChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("of any kind"),
            Self::Name(name) => write!(f, "is named \"{name}\""),
            Self::Index(index) => write!(f, "has number {index}"),
        }
    }
}

impl std::str::FromStr for AdapterChoice {
    type Err = std::convert::Infallible;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(s.parse().map_or_else(|_| Self::Name(s.to_owned()), Self::Index))
    }
}

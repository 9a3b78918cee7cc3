//! Checks of states and edges against the world, the robot itself and its limits, in batches.
//! Imports `problem` and what lies below it; a backend never imports another.
//!
//! A sampled state goes through four stages, in this order and under these names in every backend:
//! `unflatten` (polynomials to joint values and derivatives), `place` (forward kinematics),
//! `collide` (spheres against the world, then against each other), `limits` (position, velocity,
//! acceleration, effort, limits of the base).
//!
//! Edges of a vehicle are polynomials of its flat outputs: `unflatten` finds the coordinates of its base
//! and everything that the base limits. Where the base is nonholonomic, an edge is a path, over
//! any parameter, that is not at rest (it may stand and turn): then all that counts of the base's
//! limits are those that the shape of the path decides, and derivatives of joints have no limits. A
//! *state* of a vehicle holds positions and derivatives of its joints, so that only these are checked.

mod adapter;
#[cfg(feature = "gpu")]
mod auto;
mod checker;
mod constrained;
mod diagnosis;
#[cfg(feature = "gpu")]
pub mod gpu;
mod hierarchy;
mod lengths;
mod many;
mod on_device;
pub mod packed;
mod parallel;
mod scalar;
pub mod simd;
mod spread;
mod verdict;

pub use adapter::AdapterChoice;
#[cfg(feature = "gpu")]
pub use auto::{AutoChecker, wait_for_devices};
pub use checker::EdgeChecker;
pub use constrained::ConstrainedChecker;
pub use diagnosis::{
    Diagnosis, Meeting, Unknown, diagnose, diagnose_base, diagnose_base_until, diagnose_until,
    nearest_obstacle,
};
pub use lengths::Lengths;
pub(crate) use lengths::search_box;
pub use many::Checkers;
pub use on_device::OnDevice;
pub use packed::{EdgeBatch, Packed, StateBatch};
pub use parallel::ParallelChecker;
pub use scalar::{Margins, ScalarChecker};
pub use simd::SimdChecker;
pub use verdict::{CheckError, Status, Verdict};

use crate::error::{InvalidValue, positive};
use crate::problem::Problem;
use crate::vector::{LEVEL_VARIABLE, Level};

/// Which backend checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The fastest that this machine has: CPU lanes, and a GPU for batches that are large enough.
    #[default]
    Auto,
    /// A GPU, for every batch.
    Gpu,
    /// CPU lanes, at the level in use: the best that this machine has, unless another is asked for.
    Simd,
    /// The plain `f64` oracle.
    Scalar,
}

impl Backend {
    /// A checker of `problem` on this backend, at a spacing of `resolution` metres (`None`: that of
    /// [`Lengths`]), and on the best adapter.
    ///
    /// # Errors
    /// Where the problem ([`Problem::validate`]), the spacing or the level that the environment names
    /// ([`LEVEL_VARIABLE`]) makes no sense; when a GPU is asked for and there is
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
    Level::chosen().map_err(|e| InvalidValue::new(LEVEL_VARIABLE, e.found(), e.expected()))?;
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

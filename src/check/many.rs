//! Checkers of many problems at once: on a device they share, what they submit travels together.
//! Imports the backends that it chooses between.

use super::{AdapterChoice, Backend, CheckError, EdgeChecker};
use crate::problem::Problem;

/// Makes the checkers of many problems; see [`Backend::checkers`].
pub struct Checkers<'a> {
    backend: Backend,
    adapter: AdapterChoice,
    /// With the farthest that a sphere may move between two samples, metres, where that is given.
    problems: Vec<(&'a Problem, Option<f64>)>,
    #[cfg(feature = "gpu")]
    pool: Option<super::gpu::GpuPool>,
}

impl Backend {
    /// Checkers of many problems, each with the farthest, in metres, that a sphere may move between two
    /// samples of an edge (`None`: as [`Lengths`](super::Lengths) has it). With [`Backend::Gpu`] all problems are
    /// uploaded at once, and batches that are submitted at about the same time, from however many threads, go to
    /// the device together.
    ///
    /// [`Backend::Auto`] shares no device: a search in lanes has one edge checked at a time, one for a
    /// device hundreds, so which is faster is not told by any batch of edges that both could check, but
    /// only by planning the same problems both ways.
    ///
    /// # Errors
    /// When a GPU is asked for and there is none that works, or the problems are too large for it or make no sense.
    pub fn checkers<'a>(
        self,
        adapter: &AdapterChoice,
        problems: impl IntoIterator<Item = (&'a Problem, impl Into<Option<f64>>)>,
    ) -> Result<Checkers<'a>, CheckError> {
        let problems: Vec<_> =
            problems.into_iter().map(|(problem, resolution)| (problem, resolution.into())).collect();
        Ok(Checkers {
            #[cfg(feature = "gpu")]
            pool: match self {
                Self::Gpu => {
                    let spaced = |&(problem, resolution)| Ok((problem, super::admit(problem, resolution)?));
                    let spaced = problems.iter().map(spaced).collect::<Result<Vec<_>, CheckError>>()?;
                    let gpu = super::gpu::Gpu::shared(adapter)?;
                    Some(super::gpu::GpuPool::new(&gpu, spaced)?)
                }
                _ => None,
            },
            backend: self,
            adapter: adapter.clone(),
            problems,
        })
    }
}

impl Checkers<'_> {
    /// The checker of a problem, by its number.
    ///
    /// # Errors
    /// As for [`Backend::checker`].
    ///
    /// # Panics
    /// If there is no such problem.
    pub fn checker(&self, problem: usize) -> Result<Box<dyn EdgeChecker>, CheckError> {
        #[cfg(feature = "gpu")]
        if let Some(pool) = &self.pool {
            return Ok(Box::new(super::AutoChecker::in_pool(pool, problem)));
        }
        let (problem, resolution) = self.problems[problem];
        self.backend.checker_on(&self.adapter, problem, resolution)
    }

    /// The checker of a problem, by its number, for work beside a device: of one that the device searches, a checker that
    /// works in lanes whatever the backend, as the device is busy.
    ///
    /// # Errors
    /// As for [`Backend::checker`].
    ///
    /// # Panics
    /// If there is no such problem.
    pub fn beside(&self, problem: usize, is_searched: bool) -> Result<Box<dyn EdgeChecker>, CheckError> {
        if !is_searched {
            return self.checker(problem);
        }
        #[cfg(feature = "gpu")]
        if let Some(pool) = &self.pool {
            return Ok(Box::new(super::SimdChecker::of(pool.checker(problem).packed().clone())));
        }
        let (problem, resolution) = self.problems[problem];
        Backend::Simd.checker_on(&self.adapter, problem, resolution)
    }

    /// The problems on the device that they share, if they do.
    #[cfg(feature = "gpu")]
    pub(crate) fn pool(&self) -> Option<&super::gpu::GpuPool> {
        self.pool.as_ref()
    }

    /// How many searches should be under way at once: one per processor, since each keeps one busy; but
    /// where they share a device most of them wait for it, and the more there are the more it has to do.
    /// Software has enough with a few, and so has a time limit that counts while a search waits.
    pub fn searches(&self, processors: usize) -> usize {
        #[cfg(feature = "gpu")]
        if let Some(pool) = &self.pool {
            let most = if pool.gpu().is_software() { 4 * processors.max(1) } else { MOST_SEARCHES };
            return self.problems.len().clamp(1, most);
        }
        processors
    }
}

/// Searches at once for one device: each has a thread, and a thread that waits costs but its stack.
#[cfg(feature = "gpu")]
const MOST_SEARCHES: usize = 512;

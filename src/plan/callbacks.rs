//! What a caller may bring to a query beside numbers: an observer of its progress, and a cost.

use crate::trajectory::Trajectory;
use std::fmt;
use std::sync::Arc;

/// How far a query has come: told when there is an answer, and at every better one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Duration of the best answer so far, seconds.
    pub duration: f64,
    /// What it costs: its duration, unless the caller has another measure ([`Cost`]).
    pub cost: f64,
    /// Samples drawn so far.
    pub samples: u64,
    /// How many times the first answer has been bettered.
    pub improvements: u32,
}

/// A function that is told of the progress of a query, from the thread that makes it; where several threads share a
/// query, each tells of its own answers, of which the best will be given. Clones are the same one.
///
/// ```
/// use flatout::prelude::*;
///
/// let observer = Observer::new(|progress| println!("{:.3} s after {} samples", progress.duration, progress.samples));
/// let options = PlanOptions { observer: Some(observer), ..PlanOptions::default() };
/// # assert_eq!(options.clone(), options);
/// ```
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Progress) + Send + Sync>);

impl Observer {
    /// An observer that calls `tell`, which should return soon: the query waits for it.
    pub fn new(tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, progress: &Progress) {
        (self.0)(progress);
    }
}

/// What the best of several answers is judged by, in place of its duration: the less, the better. The search
/// and the refinement shorten motions; of what they find, that is kept which costs the least.
///
/// ```
/// use flatout::prelude::*;
///
/// // The way that the first output goes, from one sample to the next.
/// let travel = Cost::new("travel", |trajectory| {
///     let at = |sample: usize| {
///         let mut position = vec![0.0; trajectory.dof()];
///         trajectory.evaluate(sample as f64 / 100.0 * trajectory.duration(), 0, &mut position);
///         position[0]
///     };
///     (0..100).map(|sample| (at(sample + 1) - at(sample)).abs()).sum()
/// });
/// let options = PlanOptions { cost: Some(travel), searches: 16, ..PlanOptions::default() };
/// # assert_eq!(options.cost.unwrap().name(), "travel");
/// ```
#[derive(Clone)]
pub struct Cost {
    name: Arc<str>,
    of: Arc<dyn Fn(&Trajectory) -> f64 + Send + Sync>,
}

impl Cost {
    /// A cost by its name and a function of trajectories.
    pub fn new(name: &str, of: impl Fn(&Trajectory) -> f64 + Send + Sync + 'static) -> Self {
        Self { name: name.into(), of: Arc::new(of) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a trajectory costs; what is no number is worse than anything.
    pub fn of(&self, trajectory: &Trajectory) -> f64 {
        let cost = (self.of)(trajectory);
        if cost.is_nan() { f64::INFINITY } else { cost }
    }
}

/// Draws a place: see [`Sampling`].
type Draw = dyn Fn(&mut dyn FnMut() -> f64, &mut [f64]) + Send + Sync;

/// A caller's own way to draw places at which a search looks for a way. Clones are the same one.
///
/// ```
/// use flatout::prelude::*;
///
/// // Half of the samples near the first output's zero.
/// let sampling = Sampling::new(|unit, position| {
///     if unit() < 0.5 {
///         position[0] *= 0.1;
///     }
/// });
/// let options = PlanOptions { sampling: Some(sampling), ..PlanOptions::default() };
/// # assert_eq!(options.clone(), options);
/// ```
#[derive(Clone)]
pub struct Sampling(Arc<Draw>);

impl Sampling {
    /// By a function that is given a source of numbers, even in [0, 1), and a place that is even within the bounds,
    /// which it may change. What it makes must depend on nothing else, or the same seed gives other answers.
    pub fn new(draw: impl Fn(&mut dyn FnMut() -> f64, &mut [f64]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(draw))
    }

    pub(super) fn draw(&self, unit: &mut dyn FnMut() -> f64, position: &mut [f64]) {
        (self.0)(unit, position);
    }
}

impl fmt::Debug for Sampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampling").finish_non_exhaustive()
    }
}

/// Whether they call the same function.
impl PartialEq for Sampling {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").finish_non_exhaustive()
    }
}

/// Whether they call the same function.
impl PartialEq for Observer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cost").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether they call the same function.
impl PartialEq for Cost {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.of, &other.of)
    }
}

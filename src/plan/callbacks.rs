//! What a caller may bring to a query beside numbers: an observer of its progress, and a way to draw samples.

use crate::trajectory::Trajectory;
use std::fmt;
use std::sync::Arc;

/// How far a query has come: told when there is an answer, and at every better one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Duration of the best answer so far, seconds.
    pub duration: f64,
    /// What it costs: its duration, unless the caller has another measure ([`Cost`](super::Cost)).
    pub cost: f64,
    /// No motion costs less; minus infinity where nothing is known of that.
    pub least_cost: f64,
    /// Samples drawn so far.
    pub samples: u64,
    /// How many times the first answer has been bettered.
    pub improvements: u32,
}

impl Progress {
    /// By what share the cost may exceed the least: see [`Statistics::gap`](super::Statistics::gap).
    pub fn gap(&self) -> Option<f64> {
        super::solution::gap(self.cost, self.least_cost)
    }
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
pub struct Observer(Arc<Tell>);

/// Is told of the progress, and of the answer.
type Tell = dyn Fn(&Progress, &Trajectory) + Send + Sync;

impl Observer {
    /// An observer that calls `tell`, which should return soon: the query waits for it.
    pub fn new(tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |progress, _| tell(progress)))
    }

    /// The same, which is given the answer too, certified: who executes motions may begin with the first and go over to
    /// a better one while the query goes on.
    ///
    /// ```
    /// use flatout::prelude::*;
    /// use std::sync::mpsc;
    ///
    /// let (send, answers) = mpsc::channel();
    /// let observer = Observer::of_answers(move |_, trajectory| drop(send.send(trajectory.clone())));
    /// # let _ = (observer, answers);
    /// ```
    pub fn of_answers(tell: impl Fn(&Progress, &Trajectory) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, progress: &Progress, answer: &Trajectory) {
        (self.0)(progress, answer);
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

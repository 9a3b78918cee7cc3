//! A caller's own constraint on states. Imports `robot` and `pose`.

use crate::pose::Pose;
use crate::robot::Mechanism;
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;

/// What a caller demands of every state of a motion beside what flatout knows: a tool that stays upright, a camera
/// that sees its target, a zone to be left alone. It is asked at samples, of edges in the search and of the finished
/// motion, and certificates name it as a thing that was sampled and not proved.
///
/// ```
/// use flatout::prelude::*;
///
/// /// Keeps the first joint below a value that depends on the second.
/// struct Below;
///
/// impl StateConstraint for Below {
///     fn name(&self) -> &str {
///         "below the shelf"
///     }
///
///     fn margin(&self, sample: &StateSample<'_>) -> f64 {
///         1.2 - sample.position[0] - 0.5 * sample.position[1]
///     }
/// }
///
/// let constraint = Constraint::new(Below);
/// assert_eq!(constraint.name(), "below the shelf");
/// ```
pub trait StateConstraint: Send + Sync {
    /// What it is called in certificates and messages.
    fn name(&self) -> &str;

    /// By how much a state meets it, in whatever unit: below zero where it does not.
    fn margin(&self, sample: &StateSample<'_>) -> f64;

    /// How far the joints, or outputs, may move between two samples of an edge, as the sum of their ways in their own
    /// units; `None` where the spacing at which collisions are checked is close enough.
    fn step(&self) -> Option<f64> {
        None
    }
}

/// A state at which a constraint is asked.
pub struct StateSample<'a> {
    /// The robot.
    pub mechanism: &'a Mechanism,
    /// Positions of its joints, in the order of [`Mechanism::outputs`], rad or m.
    pub position: &'a [f64],
    /// Their derivatives, rad/s or m/s; zero where a state of the search is asked for by itself.
    pub velocity: &'a [f64],
    /// Their second derivatives, rad/s^2 or m/s^2; zero as above.
    pub acceleration: &'a [f64],
    poses: OnceCell<Vec<Pose>>,
}

impl<'a> StateSample<'a> {
    /// A state of a mechanism.
    pub fn new(
        mechanism: &'a Mechanism,
        position: &'a [f64],
        velocity: &'a [f64],
        acceleration: &'a [f64],
    ) -> Self {
        Self { mechanism, position, velocity, acceleration, poses: OnceCell::new() }
    }

    /// The frame in the world of the body that a link with geometry is part of; `None` where there is no such link.
    /// A body is what moves as one: its frame is that of the link behind the joint that moves it.
    pub fn body(&self, link: &str) -> Option<Pose> {
        let link = self.mechanism.links.iter().find(|l| l.name == link)?;
        let poses = self.poses.get_or_init(|| {
            let mut poses = Vec::new();
            self.mechanism.place(self.position, &mut poses);
            poses
        });
        poses.get(link.body).copied()
    }
}

/// A constraint that is shared by whoever asks it; clones are the same one.
#[derive(Clone)]
pub struct Constraint(Arc<dyn StateConstraint>);

impl Constraint {
    /// Of anything that implements the trait.
    pub fn new(constraint: impl StateConstraint + 'static) -> Self {
        Self(Arc::new(constraint))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Its margin at a state; what is no number is not met.
    pub fn margin(&self, sample: &StateSample<'_>) -> f64 {
        let margin = self.0.margin(sample);
        if margin.is_nan() { f64::NEG_INFINITY } else { margin }
    }
}

impl Constraint {
    /// How far joints may move between two samples of an edge: see [`StateConstraint::step`].
    pub fn step(&self) -> Option<f64> {
        self.0.step().filter(|step| *step > 0.0)
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Constraint").field(&self.name()).finish()
    }
}

/// Whether they are the same one.
impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

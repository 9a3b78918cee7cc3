//! Flat systems of a caller's own: what flatout knows of them is a map from flat outputs to bodies, limits, and where to
//! look for states.

use super::{Planner, PlannerBuilder};
use crate::error::{InputError, InvalidValue};
use crate::plan::{PlanOptions, Sampling};
use crate::problem::{Constraint, StateConstraint, StateSample};
use crate::robot::{JointLimits, Mechanism, Sphere, Unjudged};
use crate::world::World;
use std::sync::Arc;

/// A differentially flat system: its state and controls follow from its flat outputs and their derivatives (Fliess,
/// Levine, Martin and Rouchon, *Flatness and defect of non-linear systems*, Int. J. Control 1995).
///
/// Motions are polynomials of time in the outputs, within the limits of each by itself, which are proved. What follows
/// from the map is asked at samples of the edges and of the answer, and its certificate says so. Edges are as fast as
/// the limits of the outputs allow: what these allow should mostly be within the other limits too.
///
/// ```
/// use flatout::glam::DVec3;
/// use flatout::prelude::*;
///
/// /// A load on a rope below a crane's trolley: it hangs where the trolley's acceleration pulls it.
/// struct Crane;
///
/// impl FlatSystem for Crane {
///     fn name(&self) -> &str {
///         "crane"
///     }
///
///     fn outputs(&self) -> Vec<(String, JointLimits)> {
///         let limits = JointLimits { lower: -2.0, upper: 2.0, velocity: 1.0, acceleration: 0.5, ..JointLimits::NONE };
///         ["load x", "load y"].map(|name| (name.to_owned(), limits)).into()
///     }
///
///     fn bodies(&self, sample: &FlatSample<'_>, bodies: &mut Vec<Sphere>) {
///         let [load, pull] = [sample.position, sample.acceleration].map(|v| DVec3::new(v[0], v[1], 0.0));
///         // The trolley is two metres above, and off the load by its acceleration over gravity's.
///         let trolley = load + DVec3::Z * 2.0 + pull * (2.0 / 9.81);
///         bodies.extend([load, trolley].map(|center| Sphere { center, radius: 0.2 }));
///     }
///
///     fn margin(&self, sample: &FlatSample<'_>) -> f64 {
///         0.08 - sample.acceleration.iter().map(|a| (a / 9.81).powi(2)).sum::<f64>().sqrt()
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut world = World::default();
/// world.add("stack", Shape::cuboid(DVec3::new(0.5, 3.0, 1.0)), Pose::IDENTITY)?;
/// let mut planner = Planner::of_system(Crane, world)?;
/// let motion = planner.plan(&Query::from([-1.5, 0.0]).to([1.5, 0.0]))?;
/// println!("{:.3} s; {}", motion.duration(), motion.certificate.sampled[0]);
/// # Ok(())
/// # }
/// ```
pub trait FlatSystem: Send + Sync {
    /// What it is called.
    fn name(&self) -> &str;

    /// Its flat outputs: their names, and the limits of each by itself, of which position, velocity and acceleration
    /// must be finite.
    fn outputs(&self) -> Vec<(String, JointLimits)>;

    /// Where its bodies are, as spheres in the world, metres.
    fn bodies(&self, sample: &FlatSample<'_>, bodies: &mut Vec<Sphere>);

    /// By how much its other limits are kept: of whatever follows from outputs and derivatives, in whatever unit;
    /// below zero where one is exceeded.
    fn margin(&self, _sample: &FlatSample<'_>) -> f64 {
        f64::INFINITY
    }

    /// How far the outputs may move between two samples at which bodies and margin are asked, as the sum of their ways;
    /// `None`: a five-hundredth of the diagonal of their limits. What is thinner than the bodies move meanwhile may be
    /// missed.
    fn step(&self) -> Option<f64> {
        None
    }

    /// Draws a place to look for a way, from numbers `unit()` that are even in [0, 1): `position` holds one that is
    /// even between the limits.
    fn sample(&self, _unit: &mut dyn FnMut() -> f64, _position: &mut [f64]) {}
}

/// Flat outputs and their derivatives at an instant.
#[derive(Clone, Copy, Debug)]
pub struct FlatSample<'a> {
    /// Their values.
    pub position: &'a [f64],
    /// Their derivatives.
    pub velocity: &'a [f64],
    /// Their second derivatives.
    pub acceleration: &'a [f64],
}

/// Outputs move by no more than this share of the diagonal of their bounds between two samples.
const STEP: f64 = 1.0 / 512.0;

impl Planner {
    /// A planner of a caller's own system in a world. Certificates prove the limits of its outputs; its bodies and margin
    /// are sampled, and nothing is said there of a clearance.
    ///
    /// # Errors
    /// Where its outputs have no finite limits, or the world makes no sense.
    pub fn of_system(system: impl FlatSystem + 'static, world: World) -> Result<Self, InputError> {
        Self::of_system_with(system, world, PlanOptions::default())
    }

    /// The same with options of all queries.
    ///
    /// # Errors
    /// As for [`Planner::of_system`].
    pub fn of_system_with(
        system: impl FlatSystem + 'static,
        world: World,
        options: PlanOptions,
    ) -> Result<Self, InputError> {
        let system = Arc::new(system);
        let (names, limits): (Vec<_>, Vec<_>) = system.outputs().into_iter().unzip();
        admit(&names, &limits).map_err(|e| InputError::of_value(e.under("outputs")))?;
        world.validate().map_err(|e| InputError::of_value(e.under("world")))?;
        let diagonal = limits.iter().map(|l| (l.upper - l.lower).powi(2)).sum::<f64>().sqrt();
        let step = system.step().unwrap_or(STEP * diagonal);
        let drawn = system.clone();
        let sampling = Sampling::new(move |unit, position| drawn.sample(unit, position));
        let mut mechanism = Mechanism::of_outputs(names, limits);
        let without_geometry = vec![system.name().to_owned()];
        mechanism.unjudged = Arc::new(Unjudged { without_geometry, ..Unjudged::default() });
        let options = PlanOptions { sampling: Some(sampling), ..options };
        let mut planner = PlannerBuilder::of_mechanism(mechanism, options)?;
        planner.problem.world = world;
        planner.system = Some(Box::new(move |world: &World, clearance: f64| {
            let (system, world) = (system.clone(), world.clone());
            Constraint::new(Placed { system, world, clearance, step })
        }));
        Ok(planner)
    }
}

/// Checks that outputs have the limits without which nothing can be looked for.
fn admit(names: &[String], limits: &[JointLimits]) -> Result<(), InvalidValue> {
    if names.is_empty() {
        return Err(InvalidValue::new("", "none", "at least one output"));
    }
    for (name, limits) in names.iter().zip(limits) {
        let JointLimits { lower, upper, velocity, acceleration, .. } = *limits;
        let all =
            [("lower", lower), ("upper", upper), ("velocity", velocity), ("acceleration", acceleration)];
        if let Some((field, value)) = all.into_iter().find(|(_, value)| !value.is_finite()) {
            return Err(InvalidValue::new(format!("\"{name}\".{field}"), value, "a finite number"));
        }
    }
    Ok(())
}

/// The system's bodies among obstacles, and its other limits, as a constraint.
struct Placed<S> {
    system: Arc<S>,
    world: World,
    /// Distance to be kept from obstacles, metres.
    clearance: f64,
    step: f64,
}

impl<S: FlatSystem> StateConstraint for Placed<S> {
    fn name(&self) -> &str {
        self.system.name()
    }

    fn margin(&self, sample: &StateSample<'_>) -> f64 {
        let &StateSample { position, velocity, acceleration, .. } = sample;
        let sample = FlatSample { position, velocity, acceleration };
        let mut bodies = Vec::new();
        self.system.bodies(&sample, &mut bodies);
        let far = |sphere: &Sphere| {
            let distances = self.world.obstacles.iter().map(|o| o.signed_distance(sphere.center));
            distances.fold(f64::INFINITY, f64::min) - sphere.radius - self.clearance
        };
        bodies.iter().map(far).fold(self.system.margin(&sample), |least, margin| {
            // What is no number is not met.
            if margin.is_nan() { f64::NEG_INFINITY } else { least.min(margin) }
        })
    }

    fn step(&self) -> Option<f64> {
        Some(self.step)
    }
}

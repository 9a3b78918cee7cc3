//! What the best of several answers is judged by. Imports `problem`, `trajectory` and `world`.

use crate::problem::{JointState, Problem};
use crate::robot::{Mechanism, OutputLimits};
use crate::steer::LeastEffort;
use crate::trajectory::Trajectory;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// What a trajectory costs: the less, the better. The first answer is the one that is found and shortened soonest; the more
/// is asked for than that ([`Quality`](super::Quality), [`PlanOptions::improve`](super::PlanOptions::improve)), the
/// less it costs: of arms and points motions are then changed for their cost, and of vehicles the best of what is found is
/// kept.
///
/// ```
/// use flatout::prelude::*;
///
/// // A second is worth as much as an acceleration of 2 rad/s^2 of one joint that lasts as long.
/// let gentle = PlanOptions { cost: Cost::effort(4.0), searches: 4, polish_tries: 300, ..PlanOptions::default() };
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
/// assert_eq!(travel.name(), "travel");
/// # assert_eq!(gentle.cost, "effort:4".parse()?);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Default)]
pub struct Cost(Measure);

#[derive(Clone, Default)]
enum Measure {
    #[default]
    Duration,
    /// The cost of a second.
    Effort(f64),
    Length,
    Clearance {
        margin: f64,
        weight: f64,
    },
    Own {
        name: Arc<str>,
        of: Arc<dyn Fn(&Trajectory) -> f64 + Send + Sync>,
    },
}

/// Steps of equal time in which the room around a motion is looked at.
const LOOKS: usize = 64;

/// Parts of each piece of a motion over which its speed is integrated; squared accelerations are exact as a whole, up to
/// pieces of degree 6.
const PARTS: usize = 4;

/// Gauss and Legendre's rule of five points on [-1, 1]: places and weights.
const GAUSS: [[f64; 2]; 5] = [
    [0.0, 128.0 / 225.0],
    [-0.538_469_310_105_683_1, 0.478_628_670_499_366_5],
    [0.538_469_310_105_683_1, 0.478_628_670_499_366_5],
    [-0.906_179_845_938_664, 0.236_926_885_056_189_1],
    [0.906_179_845_938_664, 0.236_926_885_056_189_1],
];

impl Cost {
    /// The duration, seconds: the default.
    pub fn duration() -> Self {
        Self(Measure::Duration)
    }

    /// Time and effort: the integral of `second` + |a|^2 over the time, where a are the accelerations of the flat outputs,
    /// rad/s^2 or m/s^2. The less a second costs, the slower and the gentler is what costs the least.
    pub fn effort(second: f64) -> Self {
        Self(Measure::Effort(second))
    }

    /// The length of the path in the space of flat outputs: the integral of |v| over the time, rad or m. Time does not count:
    /// what is the shortest way may stop at every corner.
    pub fn length() -> Self {
        Self(Measure::Length)
    }

    /// The duration and how near obstacles are: the integral of 1 + `weight` max(0, 1 - d / `margin`) over the time, where d
    /// is the distance of the robot's spheres to the nearest obstacle, metres, looked at in 64 steps. Of vehicles too;
    /// links of the robot do not count.
    pub fn clearance(margin: f64, weight: f64) -> Self {
        Self(Measure::Clearance { margin, weight })
    }

    /// The caller's own, by its name and a function of trajectories.
    pub fn new(name: &str, of: impl Fn(&Trajectory) -> f64 + Send + Sync + 'static) -> Self {
        Self(Measure::Own { name: name.into(), of: Arc::new(of) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match &self.0 {
            Measure::Duration => "duration",
            Measure::Effort(_) => "effort",
            Measure::Length => "length",
            Measure::Clearance { .. } => "clearance",
            Measure::Own { name, .. } => name,
        }
    }

    /// What it is read from; none where it is the caller's own.
    pub(crate) fn text(&self) -> Option<String> {
        (!matches!(self.0, Measure::Own { .. })).then(|| self.to_string())
    }

    /// Whether it is the duration.
    pub fn is_duration(&self) -> bool {
        matches!(self.0, Measure::Duration)
    }

    /// Whether it is the length of the path.
    pub(super) fn is_length(&self) -> bool {
        matches!(self.0, Measure::Length)
    }

    /// What a trajectory costs that solves a problem; what is no number is worse than anything.
    pub fn of(&self, problem: &Problem, trajectory: &Trajectory) -> f64 {
        let cost = match &self.0 {
            Measure::Duration => trajectory.duration(),
            Measure::Effort(second) => {
                second * trajectory.duration() + integral(trajectory, 2, 1, |a| a.iter().map(|a| a * a).sum())
            }
            Measure::Length => integral(trajectory, 1, PARTS, |v| v.iter().map(|v| v * v).sum::<f64>().sqrt()),
            Measure::Clearance { margin, weight } => {
                trajectory.duration() * (1.0 + weight * nearness(problem, trajectory, *margin))
            }
            Measure::Own { of, .. } => of(trajectory),
        };
        if cost.is_nan() { f64::INFINITY } else { cost }
    }

    /// No trajectory that takes longer than this, seconds, costs less than so much.
    pub(super) fn longest(&self, cost: f64) -> f64 {
        match self.0 {
            Measure::Duration | Measure::Clearance { .. } => cost,
            Measure::Effort(second) => cost / second,
            Measure::Length | Measure::Own { .. } => f64::INFINITY,
        }
    }

    /// No motion that solves a problem costs less, whatever stands in the way, if none takes less than `least_duration`
    /// seconds; nothing is known of the caller's own.
    pub(super) fn least(&self, problem: &Problem, least_duration: f64) -> f64 {
        let Problem { mechanism, start, goals, .. } = problem;
        let to_goals = |least: &dyn Fn(&JointState) -> f64| goals.iter().map(least).fold(f64::INFINITY, f64::min);
        match &self.0 {
            Measure::Duration | Measure::Clearance { .. } => least_duration,
            // The flat outputs of vehicles are not all coordinates of theirs.
            Measure::Effort(second) if mechanism.vehicle().is_some() => second * least_duration,
            Measure::Effort(second) => {
                let free = vec![OutputLimits::NONE; mechanism.dof()];
                let steering = LeastEffort::with_weights(&free, &vec![1.0; mechanism.dof()], *second);
                let least = to_goals(&|goal| {
                    let [p0, v0, p1, v1] = [&start.position, &start.velocity, &goal.position, &goal.velocity];
                    match steering.least_cost_duration(p0, v0, p1, v1) {
                        0.0 => 0.0,
                        t => second * t + steering.effort(t, p0, v0, p1, v1),
                    }
                });
                least.max(second * least_duration)
            }
            Measure::Length => to_goals(&|goal| {
                let ways = start.position.iter().zip(&goal.position).map(|(a, b)| (b - a).powi(2));
                ways.take(if mechanism.vehicle().is_some() { 2 } else { usize::MAX }).sum::<f64>().sqrt()
            }),
            Measure::Own { .. } => f64::NEG_INFINITY,
        }
    }

    /// The steering whose motions cost the least, where it is known.
    pub(super) fn steering(&self, mechanism: &Mechanism) -> Option<LeastEffort> {
        let Measure::Effort(second) = self.0 else { return None };
        Some(LeastEffort::with_weights(&mechanism.limits, &vec![1.0; mechanism.dof()], second))
    }

    /// What is wrong with its numbers.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let is_size = |number: f64| number > 0.0 && number.is_finite();
        match self.0 {
            Measure::Effort(second) if !is_size(second) => Some("a cost of a second above 0, finite"),
            Measure::Clearance { margin, weight } if !(is_size(margin) && is_size(weight)) => {
                Some("a margin and a weight above 0, finite")
            }
            _ => None,
        }
    }
}

/// The integral over the time of what is made of a derivative, over each piece in so many parts.
fn integral(trajectory: &Trajectory, order: usize, parts: usize, of: impl Fn(&[f64]) -> f64) -> f64 {
    let mut values = vec![0.0; trajectory.dof()];
    let mut sum = 0.0;
    for segment in trajectory.segments() {
        let half = 0.5 * segment.duration / parts as f64;
        for part in 0..parts {
            let middle = half * (2 * part + 1) as f64;
            for [place, weight] in GAUSS {
                segment.evaluate(middle + half * place, order, &mut values);
                sum += half * weight * of(&values);
            }
        }
    }
    sum
}

/// The mean over the time of how near obstacles are: 0 beyond a margin, metres, 1 where they touch.
fn nearness(problem: &Problem, trajectory: &Trajectory, margin: f64) -> f64 {
    let Problem { mechanism, world, .. } = problem;
    let mut position = vec![0.0; trajectory.dof()];
    let mut poses = Vec::new();
    let mut sum = 0.0;
    for look in 0..LOOKS {
        trajectory.evaluate((look as f64 + 0.5) / LOOKS as f64 * trajectory.duration(), 0, &mut position);
        mechanism.place(&position, &mut poses);
        let mut least = margin;
        for link in &mechanism.links {
            let pose = poses[link.body];
            let bound = pose.point(link.bound.center);
            for obstacle in &world.obstacles {
                // A sphere that holds all of the link's tells of most obstacles that they are far.
                if obstacle.signed_distance(bound) - link.bound.radius >= least {
                    continue;
                }
                for sphere in &mechanism.spheres[link.spheres.clone()] {
                    least = least.min(obstacle.signed_distance(pose.point(sphere.center)) - sphere.radius);
                }
            }
        }
        sum += 1.0 - least.max(0.0) / margin;
    }
    sum / LOOKS as f64
}

/// As `Cost` is parsed from it.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Measure::Effort(second) => write!(f, "effort:{second}"),
            Measure::Clearance { margin, weight } => write!(f, "clearance:{margin}:{weight}"),
            _ => f.write_str(self.name()),
        }
    }
}

/// `duration`, `effort:SECOND`, `length` or `clearance:MARGIN:WEIGHT`.
impl FromStr for Cost {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let mut parts = s.split(':');
        let name = parts.next().unwrap_or_default();
        let numbers: Option<Vec<f64>> = parts.map(|part| part.parse().ok()).collect();
        let cost = match (name, numbers.as_deref()) {
            ("duration", Some([])) => Some(Self::duration()),
            ("effort", Some(&[second])) => Some(Self::effort(second)),
            ("length", Some([])) => Some(Self::length()),
            ("clearance", Some(&[margin, weight])) => Some(Self::clearance(margin, weight)),
            _ => None,
        };
        cost.filter(|cost| cost.fault().is_none()).ok_or_else(|| {
            format!(
                "unknown cost \"{s}\"; expected duration, effort:SECOND, length or clearance:MARGIN:WEIGHT, numbers above 0"
            )
        })
    }
}

impl fmt::Debug for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cost").field(&self.to_string()).finish()
    }
}

/// Whether they measure the same: the caller's own, whether they call the same function.
impl PartialEq for Cost {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Measure::Own { of, .. }, Measure::Own { of: other, .. }) => Arc::ptr_eq(of, other),
            (Measure::Own { .. }, _) | (_, Measure::Own { .. }) => false,
            _ => self.to_string() == other.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second from 0 to 1 at an even acceleration, and the same back to rest, beside an output that stands still.
    fn there() -> Trajectory {
        let mut trajectory = Trajectory::new(2, 3);
        trajectory.push(0.5, &[0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        trajectory.push(0.5, &[0.5, 2.0, -2.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        trajectory
    }

    #[test]
    fn integrals_are_exact() {
        let trajectory = there();
        let effort = integral(&trajectory, 2, 1, |a| a.iter().map(|a| a * a).sum());
        assert!((effort - 16.0).abs() < 1e-12, "{effort}");
        let length = integral(&trajectory, 1, PARTS, |v| v.iter().map(|v| v * v).sum::<f64>().sqrt());
        assert!((length - 1.0).abs() < 1e-12, "{length}");
    }

    #[test]
    fn what_is_printed_is_read() {
        for text in ["duration", "effort:0.5", "length", "clearance:0.1:2"] {
            let cost: Cost = text.parse().unwrap();
            assert_eq!((cost.to_string().as_str(), cost.clone()), (text, text.parse().unwrap()));
        }
        for text in ["", "time", "effort", "effort:0", "effort:-1", "effort:inf", "effort:nan", "effort:x", "clearance:1", "length:1"] {
            assert!(text.parse::<Cost>().unwrap_err().contains("effort:SECOND"), "{text}");
        }
        assert_ne!(Cost::effort(1.0), Cost::effort(2.0));
        assert_ne!(Cost::duration(), Cost::new("duration", Trajectory::duration));
    }
}

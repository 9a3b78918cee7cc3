//! What makes a trajectory cost less, whatever the cost: pieces of it are replaced by other motions, and the whole is
//! slowed down, where that costs less and is valid.

use super::settings::ReduceSettings;
use super::{Shortener, at_knot, state};
use crate::check::CheckError;
use crate::local_planner::LocalPlanner;
use crate::problem::JointState;
use crate::robot::OutputLimits;
use crate::steer::LeastEffort;
use crate::trajectory::Trajectory;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A cost to be reduced.
pub struct ReducedCost<'c> {
    /// What a trajectory costs.
    pub of: &'c dyn Fn(&Trajectory) -> f64,
    /// The steering whose motions cost the least, where it is known.
    pub steering: Option<LeastEffort>,
}

/// Changes `trajectory` by at most `tries` moves, each of which costs less and is valid:
///
/// - the fastest motion between two states of it, directly or by way of the middle state, moved at random: for costs that
///   grow with time;
/// - the cubic of least effort between them, of the duration that costs the least where it is known, else of a random one:
///   for those that grow with accelerations;
/// - the whole, slower or faster; and first of all the whole as one cubic.
///
/// Stops early, with what it has, when `local` is late.
///
/// # Errors
/// When the checking backend fails.
pub fn reduce(
    trajectory: Trajectory,
    cost: &ReducedCost<'_>,
    limits: KeptLimits<'_>,
    local: &mut LocalPlanner<'_>,
    tries: u32,
    seed: u64,
) -> Result<Trajectory, CheckError> {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let trajectory = slowed(trajectory, cost.of, limits);
    let before = (cost.of)(&trajectory);
    let shortener = Shortener::new(trajectory, local);
    let mut reducer = Reducer { cost, limits, at: before, tried: [1; 3], won: [1; 3], shortener };
    for number in 0..tries {
        if reducer.shortener.local.is_late() {
            break;
        }
        let duration = reducer.shortener.trajectory.duration();
        let (kind, from, to) = match number {
            0 => (Kind::Gentle, 0.0, duration),
            _ => {
                let length = duration * ReduceSettings::DEFAULT.shortest.powf(rng.random::<f64>());
                let from = rng.random::<f64>() * (duration + length) - length;
                (reducer.draw(&mut rng), from.max(0.0), (from + length).min(duration))
            }
        };
        reducer.replace(kind, from, to, &mut rng)?;
    }
    Ok(slowed(reducer.shortener.trajectory, cost.of, limits))
}

/// The trajectory that costs the least of those that go the same way slower, from rest to rest; others cannot be slowed.
/// What has been slowed before may be made faster again, within limits.
pub fn slowed(trajectory: Trajectory, cost: &dyn Fn(&Trajectory) -> f64, limits: KeptLimits<'_>) -> Trajectory {
    let rests = |t: f64| {
        let mut at = JointState::at_rest(vec![0.0; trajectory.dof()]);
        state(&trajectory, t, &mut at);
        let is_still = |rates: &[f64]| rates.iter().all(|rate| rate.abs() <= ROUNDING);
        is_still(&at.velocity) && (!limits.is_smooth || is_still(&at.acceleration))
    };
    if trajectory.duration() == 0.0 || !rests(0.0) || !rests(trajectory.duration()) {
        return trajectory;
    }
    let ReduceSettings { slowest, halvings, .. } = ReduceSettings::DEFAULT;
    let (mut best, mut least, mut step) = (1.0, cost(&trajectory), slowest);
    for _ in 0..halvings {
        for times in [best * step, best / step] {
            let other = trajectory.stretched(times);
            let at = cost(&other);
            if at < least && (times >= 1.0 || limits.keep(&other)) {
                (best, least) = (times, at);
            }
        }
        step = step.sqrt();
    }
    if best == 1.0 { trajectory } else { trajectory.stretched(best) }
}

/// What rounding may exceed limits by.
const ROUNDING: f64 = 1e-9;

/// Limits that changed motions keep.
#[derive(Clone, Copy)]
pub struct KeptLimits<'m> {
    /// One per output.
    pub outputs: &'m [OutputLimits],
    /// Whether jerks are limited, and accelerations part of the states.
    pub is_smooth: bool,
}

impl KeptLimits<'_> {
    fn keep(&self, motion: &Trajectory) -> bool {
        self.outputs.iter().enumerate().all(|(output, limits)| {
            let most = |order: usize| motion.extrema(output, order).magnitude().0;
            let keeps = |order: usize, limit: f64| !limit.is_finite() || most(order) <= limit * (1.0 + ROUNDING);
            let position = motion.extrema(output, 0);
            position.min >= limits.lower - ROUNDING
                && position.max <= limits.upper + ROUNDING
                && keeps(1, limits.velocity)
                && keeps(2, limits.acceleration)
                && (!self.is_smooth || keeps(3, limits.jerk))
        })
    }
}

/// A trajectory on its way to one that costs less.
struct Reducer<'r, 'l, 'c> {
    cost: &'r ReducedCost<'r>,
    limits: KeptLimits<'r>,
    shortener: Shortener<'l, 'c>,
    /// What it costs now.
    at: f64,
    /// How many moves of each kind were tried, and how many of them won.
    tried: [u32; 3],
    won: [u32; 3],
}

/// Kinds of moves.
#[derive(Clone, Copy)]
enum Kind {
    /// The cubic of least effort.
    Gentle,
    /// The fastest motion.
    Direct,
    /// The fastest motion by way of a state nearby.
    Detour,
}

impl Reducer<'_, '_, '_> {
    /// Draws a kind of move: the more often, the greater the share of its moves that won.
    fn draw(&self, rng: &mut Pcg64Mcg) -> Kind {
        let share = |kind: usize| f64::from(self.won[kind]) / f64::from(self.tried[kind]);
        let shares = [0, 1, 2].map(|kind| share(kind).max(ReduceSettings::DEFAULT.least_share));
        let mut left = rng.random::<f64>() * shares.iter().sum::<f64>();
        for (kind, share) in [Kind::Gentle, Kind::Direct, Kind::Detour].into_iter().zip(shares) {
            left -= share;
            if left < 0.0 {
                return kind;
            }
        }
        Kind::Detour
    }

    /// Tries one motion in place of what lies between two instants.
    fn replace(&mut self, kind: Kind, from: f64, to: f64, rng: &mut Pcg64Mcg) -> Result<(), CheckError> {
        let Self { cost, limits, shortener, at, tried, won } = self;
        tried[kind as usize] += 1;
        if to - from < 2.0 * shortener.shortest {
            return Ok(());
        }
        let Shortener { local, trajectory, next, start, end, splinter, .. } = shortener;
        let (from, to) = (at_knot(trajectory, from, *splinter), at_knot(trajectory, to, *splinter));
        state(trajectory, from, start);
        state(trajectory, to, end);
        let (a, b) = ((&*start).into(), (&*end).into());
        let motion = match kind {
            Kind::Gentle => {
                let best = cost.steering.as_ref().map(|steering| {
                    steering.least_cost_duration(&start.position, &start.velocity, &end.position, &end.velocity)
                });
                let drawn = (to - from) * ReduceSettings::DEFAULT.slowest.powf(2.0 * rng.random::<f64>() - 1.0);
                local.connect_gently(a, b, best.unwrap_or(drawn))?
            }
            Kind::Direct => local.connect_fastest(a, b, f64::INFINITY)?,
            Kind::Detour => {
                let mut via = start.clone();
                state(trajectory, 0.5 * (from + to), &mut via);
                let size = ReduceSettings::DEFAULT.least_detour.powf(rng.random::<f64>());
                shift(&mut via, limits.outputs, 0.5 * (to - from), size, rng);
                local.connect_fastest_by(a, (&via).into(), b, f64::INFINITY)?
            }
        };
        let Some(motion) = motion.filter(|motion| limits.keep(motion)) else { return Ok(()) };
        trajectory.splice_into(from, to, motion, next);
        let costs = (cost.of)(next);
        if costs < *at * (1.0 - ReduceSettings::DEFAULT.least_gain) {
            *at = costs;
            won[kind as usize] += 1;
            std::mem::swap(trajectory, next);
        }
        Ok(())
    }
}

/// Moves a state at random by what the accelerations could do to it in half a time, or by so small a share of that.
fn shift(via: &mut JointState, limits: &[OutputLimits], half: f64, size: f64, rng: &mut Pcg64Mcg) {
    for (j, limits) in limits.iter().enumerate() {
        let mut within = |most: f64| size * most * (2.0 * rng.random::<f64>() - 1.0);
        let speed = (limits.acceleration * half).min(limits.velocity);
        via.position[j] = (via.position[j] + within(0.5 * speed * half)).clamp(limits.lower, limits.upper);
        via.velocity[j] = (via.velocity[j] + within(speed)).clamp(-limits.velocity, limits.velocity);
    }
}

//! What an omnidirectional base leaves for each of its coordinates between two states: how fast it may go depends on
//! where it is headed for, seen from the body. Imports `base`, `problem` and `robot`.

use super::End;
use crate::base::{Base, Omnidirectional};
use crate::problem::Problem;
use crate::robot::OutputLimits;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI, SQRT_2};

/// Shares of what every heading allows that are left for each coordinate where an end moves, of velocity and of
/// acceleration: to come from one course to another. What exceeds a limit by them is for the checker to find.
const ASIDE: [f64; 2] = [0.3, 0.5];

/// The same from rest to rest, where motions are straight: next to nothing.
const STRAIGHT: f64 = 1e-3;

/// Limits are held with this to spare, as a share of each, so that they can be proved in few intervals.
const MARGIN: f64 = 1e-3;

/// Limits of single coordinates, by the way from one state to another.
#[derive(Clone, Debug)]
pub struct HeadingLimits {
    base: Omnidirectional,
    /// Those that hold at every heading, and those of the joints that it carries.
    anywhere: Vec<OutputLimits>,
    between: Vec<OutputLimits>,
}

impl HeadingLimits {
    /// Of a problem with such a base, where each coordinate has the limits `anywhere` whatever the others do.
    pub fn of(problem: &Problem, anywhere: &[OutputLimits]) -> Option<Self> {
        let Some(Base::Omnidirectional(base)) = problem.mechanism.vehicle() else { return None };
        let anywhere = anywhere.to_vec();
        Some(Self { base: base.clone(), between: anywhere.clone(), anywhere })
    }

    /// Limits of each output from one state to another, in proportion to how far each has to go: as fast as the straight
    /// way between them can be gone, however the heading turns meanwhile from the one to the other.
    pub fn between(&mut self, from: End<'_>, to: End<'_>) -> &[OutputLimits] {
        let way: [f64; 3] = std::array::from_fn(|i| to.position[i] - from.position[i]);
        let greatest = self.base.paces(way, [from.position[2], to.position[2]]);
        let at_rest = from.is_at_rest() && to.is_at_rest();
        let aside = if at_rest { [STRAIGHT; 2] } else { ASIDE };
        for (i, (limits, anywhere)) in self.between.iter_mut().zip(&self.anywhere).enumerate().take(3) {
            let [velocity, acceleration] = greatest.map(|pace| pace * way[i].abs() * (1.0 - MARGIN));
            let moving = from.velocity[i].abs().max(to.velocity[i].abs());
            let sound = |limit: f64| if limit.is_finite() { limit } else { 0.0 };
            limits.velocity = sound(velocity).max(aside[0] * anywhere.velocity).max(moving);
            limits.acceleration = sound(acceleration).max(aside[1] * anywhere.acceleration);
        }
        &self.between
    }
}

impl Omnidirectional {
    /// The greatest rate at which a way x, y, theta can be gone, 1/s, and the greatest derivative of that, 1/s^2, while the
    /// heading is anywhere between two; infinite where the way is none.
    pub(crate) fn paces(&self, [x, y, turn]: [f64; 3], headings: [f64; 2]) -> [f64; 2] {
        let (length, course) = (x.hypot(y), y.atan2(x));
        // The course as it is seen from the body.
        let [a, b] = headings.map(|heading| course - heading);
        let seen = [a.min(b), a.max(b)];
        let (ahead, aside) = (most(seen, 0.0, f64::cos), most(seen, FRAC_PI_2, f64::sin));
        let way = [length * ahead, length * aside, turn.abs()];
        let least = |limits: [f64; 3]| {
            limits.into_iter().zip(way).map(|(limit, way)| limit / way).fold(f64::INFINITY, f64::min)
        };
        let mut pace = least(self.velocity);
        if let Some(wheels) = self.wheels {
            let holds_diagonal = holds(seen, FRAC_PI_4, FRAC_PI_2);
            let of_ends = seen.map(|angle| angle.cos().abs() + angle.sin().abs());
            let sum = if holds_diagonal { SQRT_2 } else { of_ends[0].max(of_ends[1]) };
            let arm = wheels.half_length + wheels.half_width;
            pace = pace.min(wheels.radius * wheels.rate / (length * sum + arm * turn.abs()));
        }
        [pace, least(self.acceleration)]
    }
}

/// Whether an interval of angles holds `first` plus a multiple of `period`.
fn holds([lower, upper]: [f64; 2], first: f64, period: f64) -> bool {
    ((upper - first) / period).floor() >= ((lower - first) / period).ceil()
}

/// The greatest magnitude of a sine or cosine over an interval of angles: 1 where it holds one of the angles `peak`, half
/// turns apart, at which it is that.
fn most(seen: [f64; 2], peak: f64, of: fn(f64) -> f64) -> f64 {
    if holds(seen, peak, PI) { 1.0 } else { of(seen[0]).abs().max(of(seen[1]).abs()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::MecanumWheels;
    use proptest::prelude::*;

    proptest! {
        /// At these paces every limit holds at every heading between, and one of each kind is used up at some.
        #[test]
        fn straight_ways_are_gone_as_fast_as_headings_allow(
            way in prop::array::uniform3(-2.0..2.0_f64), heading in -7.0..7.0_f64, has_wheels in any::<bool>(),
        ) {
            let wheels = MecanumWheels { radius: 0.1, half_length: 0.3, half_width: 0.2, rate: 12.0 };
            let base = Omnidirectional {
                velocity: [1.0, 0.7, 1.5],
                acceleration: [0.8, 0.9, 2.0],
                wheels: has_wheels.then_some(wheels),
            };
            let [pace, rise] = base.paces(way, [heading, heading + way[2]]);
            let mut used = [0.0_f64; 2];
            for k in 0..=1000 {
                let there = heading + way[2] * f64::from(k) / 1000.0;
                let [u, v] = Omnidirectional::in_body([way[0], way[1]], there);
                let seen = [u, v, way[2]];
                for ((seen, velocity), acceleration) in seen.iter().zip(base.velocity).zip(base.acceleration) {
                    used[0] = used[0].max(pace * seen.abs() / velocity);
                    used[1] = used[1].max(rise * seen.abs() / acceleration);
                }
                if let Some(wheels) = base.wheels {
                    used[0] = used[0].max(pace * wheels.greatest_rate(seen) / wheels.rate);
                }
            }
            for used in used {
                prop_assert!(used <= 1.0 + 1e-12 && used > 1.0 - 1e-4, "{used}");
            }
        }
    }
}

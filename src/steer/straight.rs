//! Straight lines from rest to rest. Imports `trajectory`.

use crate::trajectory::Trajectory;

/// What a motion along a line may do, in lines per second and per second squared: speeding up and slowing
/// down turn a quadrotor differently, and are limited differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineLaw {
    /// Greatest speed.
    pub speed: f64,
    /// Greatest acceleration while speeding up.
    pub speeding: f64,
    /// Greatest deceleration.
    pub braking: f64,
}

impl LineLaw {
    /// The law that holds where all of both do.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            speed: self.speed.min(other.speed),
            speeding: self.speeding.min(other.speeding),
            braking: self.braking.min(other.braking),
        }
    }

    /// Times at which the line's one unit is no longer accelerated along, and is braked on; and the whole.
    fn times(&self) -> [f64; 3] {
        let Self { speed, speeding, braking } = *self;
        let ramps = 1.0 / speeding + 1.0 / braking;
        let peak = (2.0 / ramps).sqrt().min(speed);
        let cruise = (1.0 / peak - 0.5 * peak * ramps).max(0.0);
        let accelerated = peak / speeding;
        [accelerated, accelerated + cruise, accelerated + cruise + peak / braking]
    }

    /// Duration of the line, seconds.
    pub fn duration(&self) -> f64 {
        self.times()[2]
    }

    /// Times in which it speeds up and brakes, seconds.
    pub fn ramps(&self) -> [f64; 2] {
        let [accelerated, cruised, end] = self.times();
        [accelerated, end - cruised]
    }
}

/// The fastest motion from rest at one point to rest at another along the line between them: quadratics.
/// Where the points are the same it takes no time.
pub fn straight(from: &[f64], to: &[f64], law: &LineLaw) -> Trajectory {
    let mut line = Trajectory::new(from.len(), 2);
    let [accelerated, cruised, end] = if from == to { [0.0; 3] } else { law.times() };
    let mut last = 0.0;
    let (mut share, mut rate) = (0.0, 0.0);
    for (until, a) in [(accelerated, law.speeding), (cruised, 0.0), (end, -law.braking)] {
        let duration: f64 = until - last;
        if duration > 0.0 || (until == end && line.is_empty()) {
            let one = |(p, q): (&f64, &f64)| [p + (q - p) * share, (q - p) * rate, 0.5 * (q - p) * a];
            line.push(duration, &from.iter().zip(to).flat_map(one).collect::<Vec<_>>());
            share += duration * (rate + 0.5 * a * duration);
            rate += duration * a;
            last = until;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_run_from_rest_to_rest_within_their_law(
            speed in 0.1..3.0, speeding in 0.1..9.0, braking in 0.1..9.0,
            from in prop::collection::vec(-3.0..3.0, 3), way in prop::collection::vec(-3.0..3.0, 3),
        ) {
            let law = LineLaw { speed, speeding, braking };
            let to: Vec<f64> = from.iter().zip(&way).map(|(p, w)| p + w).collect();
            let line = straight(&from, &to, &law);
            prop_assert!((line.duration() - law.duration()).abs() < 1e-12);
            prop_assert!(line.greatest_jump(0).is_none_or(|jump| jump.size.abs() < 1e-12));
            prop_assert!(line.greatest_jump(1).is_none_or(|jump| jump.size.abs() < 1e-12));
            for (t, end) in [(0.0, &from), (line.duration(), &to)] {
                let (mut p, mut v) = ([0.0; 3], [0.0; 3]);
                line.evaluate(t, 0, &mut p);
                line.evaluate(t, 1, &mut v);
                prop_assert!(p.iter().zip(end).all(|(p, q)| (p - q).abs() < 1e-11));
                prop_assert!(v.iter().all(|v| v.abs() < 1e-11));
            }
            for (output, way) in way.iter().enumerate() {
                let share = |x: f64| -> f64 { x / way };
                let (v, a) = (line.extrema(output, 1), line.extrema(output, 2));
                let most = |e: crate::trajectory::Extrema| share(e.min).max(share(e.max));
                let least = |e: crate::trajectory::Extrema| share(e.min).min(share(e.max));
                prop_assert!(most(v) <= speed * (1.0 + 1e-9) && least(v) >= -1e-9);
                prop_assert!(most(a) <= speeding * (1.0 + 1e-9) && least(a) >= -braking * (1.0 + 1e-9));
            }
            // Something is always ridden along: nothing could be faster.
            let slower = LineLaw { speeding: 0.99 * speeding, ..law };
            prop_assert!(slower.duration() > law.duration());
        }
    }

    #[test]
    fn no_way_takes_no_time() {
        let line = straight(&[1.0], &[1.0], &LineLaw { speed: 1.0, speeding: 1.0, braking: 1.0 });
        assert_eq!((line.duration(), line.len()), (0.0, 1));
    }
}

//! Jerk-limited steering: bounded velocity, acceleration and jerk, between any two states of
//! position, velocity and acceleration.
//!
//! Of all motions of one output that lead from one velocity and acceleration to another in a given
//! duration, two go [farthest](Ends::farthest), one each way; they are closed forms. Every mixture of the
//! two is within the limits too, so every distance between theirs can be had and no other. When an output
//! can arrive is told by that, exactly, and so is the least duration at which all outputs can: it never
//! grows when a limit does. (Each output can arrive at all times but for two gaps at most, as found by
//! Berscheid & Kroeger, *Jerk-limited real-time trajectory generation with arbitrary target states*, RSS
//! 2021, who solve polynomials in the durations of phases.)
//!
//! A motion that is to take just so long has seven phases where it can: a ramp to a velocity that is
//! cruised at without acceleration, the cruise, and a ramp to the end. The ramps are the fastest there
//! are; the velocity between them is found by a search for one number in which the distance is monotone
//! (see [`JerkEnds::distance_in`]). Where the acceleration has no time to vanish, it is a mixture.
//!
//! Nothing here has a unit of its own: lengths and times that are scaled by powers of two scale the motions
//! exactly.

use super::SAME_TIME;
use super::time_optimal::{holds_positions, least_acceleration};
use crate::robot::OutputLimits;
use crate::trajectory::{Trajectory, extrema};

/// Relative tolerance of the comparisons that decide what is possible: states that are read off a
/// trajectory may lie beyond limits by some 1e-11 of them.
const TOLERANCE: f64 = 1e-10;

/// By what share of its size a distance, velocity or acceleration may be missed where the halves of a
/// profile meet.
const REPLAY_TOLERANCE: f64 = 1e-10;

/// Some times the rounding of an `f64`, as closed forms of some operations add it up: distances and velocities
/// that are the same up to this share of their size are the same.
const ROUNDING: f64 = 256.0 * f64::EPSILON;

/// Newton's steps or halvings until a root cannot be told apart in `f64`.
const ITERATIONS: usize = 80;

/// Accelerations that a motion of a given duration is tried with grow by the eighth root of two.
const STEPS_PER_DOUBLING: f64 = 8.0;

/// Steps down from its limits that a motion is tried with at most.
const GENTLEST: i32 = 64;

/// Phases of a profile with a cruise.
const PHASES: usize = 7;

/// Phases of a mixture of two: the phases of one lie between the switching times of the other.
const MOST_PHASES: usize = 2 * PHASES - 1;

/// One output's motion: phases of constant jerk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JerkProfile {
    /// How many phases there are.
    count: usize,
    /// Position, velocity and acceleration when each phase begins, and at the end.
    states: [[f64; 3]; MOST_PHASES + 1],
    /// When each phase begins, seconds, and when the last ends.
    times: [f64; MOST_PHASES + 1],
    /// Jerk in each phase.
    jerks: [f64; MOST_PHASES],
}

impl JerkProfile {
    /// Without a phase yet.
    fn begin(state: [f64; 3]) -> Self {
        Self {
            count: 0,
            states: [state; MOST_PHASES + 1],
            times: [0.0; MOST_PHASES + 1],
            jerks: [0.0; MOST_PHASES],
        }
    }

    /// Appends a phase of some jerk that ends at a time in a state.
    fn push(&mut self, jerk: f64, end: f64, state: [f64; 3]) {
        self.jerks[self.count] = jerk;
        self.count += 1;
        self.times[self.count] = end;
        self.states[self.count] = state;
    }

    /// Least and greatest position.
    fn range(&self) -> (f64, f64) {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for (i, [p, v, a]) in self.states[..self.count].iter().enumerate() {
            let duration = self.times[i + 1] - self.times[i];
            let [end, speed, acceleration] = self.states[i + 1];
            range = (range.0.min(p.min(end)), range.1.max(p.max(end)));
            // While the acceleration keeps its sign and the velocity has one at both ends it turns nowhere.
            if v * speed < 0.0 || a * acceleration < 0.0 {
                let e = extrema(&[*p, *v, 0.5 * a, self.jerks[i] / 6.0], 0, duration);
                range = (range.0.min(e.min), range.1.max(e.max));
            }
        }
        range
    }

    /// The mixture of two profiles of one duration between the same ends, of which the `share` is `other`.
    fn mixed(&self, other: &Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + share * (b - a);
        let mut mixed = Self::begin(self.states[0]);
        let (mut i, mut j, mut last) = (0, 0, 0.0);
        while i < self.count && j < other.count {
            let end = self.times[i + 1].min(other.times[j + 1]);
            let jerk = mix(self.jerks[i], other.jerks[j]);
            let ours = after(self.states[i], self.jerks[i], end - self.times[i]);
            let theirs = after(other.states[j], other.jerks[j], end - other.times[j]);
            if end > last {
                mixed.push(jerk, end, std::array::from_fn(|k| mix(ours[k], theirs[k])));
            }
            last = end;
            i += usize::from(self.times[i + 1] <= end);
            j += usize::from(other.times[j + 1] <= end);
        }
        // The ends are those of both.
        mixed.states[mixed.count] = self.states[self.count];
        mixed
    }
}

/// The state after `t` seconds of constant jerk.
fn after([p, v, a]: [f64; 3], jerk: f64, t: f64) -> [f64; 3] {
    [p + t * (v + t * (0.5 * a + t * jerk / 6.0)), v + t * (a + t * 0.5 * jerk), a + t * jerk]
}

/// The fastest way from a velocity and acceleration to another velocity without acceleration.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    /// Direction of the first jerk.
    sign: f64,
    /// Durations of the three phases.
    times: [f64; 3],
    distance: f64,
}

impl Ramp {
    fn duration(&self) -> f64 {
        self.times[0] + self.times[1] + self.times[2]
    }
}

/// One output's part of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
struct JerkEnds {
    distance: f64,
    v0: f64,
    a0: f64,
    v1: f64,
    a1: f64,
    velocity: f64,
    acceleration: f64,
    jerk: f64,
}

/// Everything about one choice of the velocity that is cruised at.
#[derive(Clone, Copy, Debug)]
struct Cruise {
    ramps: [Ramp; 2],
    /// Duration of both ramps.
    time: f64,
    /// Way of both ramps.
    distance: f64,
}

/// A motion of seven phases: three from the start, one at constant velocity, and three to the end.
#[derive(Clone, Copy, Debug)]
struct JerkCourse {
    /// Direction of the first jerk of either half; the third of a half has the opposite one.
    signs: [f64; 2],
    /// Durations of the three phases from the start, and of those from the end, backwards.
    halves: [[f64; 3]; 2],
    /// Duration of the phase between.
    middle: f64,
    /// Velocity and acceleration there.
    meet: [f64; 2],
    /// How far it goes.
    distance: f64,
}

impl JerkEnds {
    /// The velocities at which the acceleration of either end comes to rest at once. `None` where one
    /// of them, or an end, is beyond its limit.
    fn stops(&self) -> Option<[f64; 2]> {
        let Self { v0, a0, v1, a1, velocity, acceleration, jerk, .. } = *self;
        let stops = [v0 + 0.5 * a0 * a0.abs() / jerk, v1 - 0.5 * a1 * a1.abs() / jerk];
        let within = |value: f64, limit: f64| value.abs() <= limit * (1.0 + TOLERANCE);
        let all = within(v0, velocity)
            && within(v1, velocity)
            && within(stops[0], velocity)
            && within(stops[1], velocity)
            && within(a0, acceleration)
            && within(a1, acceleration);
        all.then(|| stops.map(|v| v.clamp(-velocity, velocity)))
    }

    /// The lower and the higher of the stops.
    fn sorted_stops(&self) -> Option<(f64, f64)> {
        self.stops().map(|[s, t]| (s.min(t), s.max(t)))
    }

    fn mirrored(&self) -> Self {
        let Self { distance, v0, a0, v1, a1, .. } = *self;
        Self { distance: -distance, v0: -v0, a0: -a0, v1: -v1, a1: -a1, ..*self }
    }

    /// The ramp from velocity `v` and acceleration `a` to `cruise`.
    fn ramp(&self, v: f64, a: f64, cruise: f64) -> Ramp {
        let (j, stop) = (self.jerk, v + 0.5 * a * a.abs() / self.jerk);
        let sign = if cruise >= stop { 1.0 } else { -1.0 };
        let (v, a, gain) = (sign * v, sign * a, sign * (cruise - v));
        let free = (j * gain + 0.5 * a * a).max(0.0).sqrt();
        // An end may itself be at the limit, or beyond it by rounding.
        let peak = free.min(self.acceleration.max(a)).max(a);
        let hold = if free > peak { (gain - (peak * peak - 0.5 * a * a) / j).max(0.0) / peak } else { 0.0 };
        let times = [(peak - a) / j, hold, peak.max(0.0) / j];
        let [first, hold, last] = times;
        let (rising, fast) = (first * (v + first * (2.0 * a + peak) / 6.0), v + 0.5 * first * (a + peak));
        let holding = hold * (fast + 0.5 * hold * peak);
        let falling = last * (fast + hold * peak + last * peak / 3.0);
        Ramp { sign, times, distance: sign * (rising + holding + falling) }
    }

    /// Both ramps: that of the end is the one of the reversed motion.
    fn cruise(&self, velocity: f64) -> Cruise {
        let ramps = [self.ramp(self.v0, self.a0, velocity), self.ramp(self.v1, -self.a1, velocity)];
        Cruise {
            ramps,
            time: ramps[0].duration() + ramps[1].duration(),
            distance: ramps[0].distance + ramps[1].distance,
        }
    }

    /// The motion of a duration that cruises at a velocity.
    fn cruising(&self, velocity: f64, duration: f64) -> JerkCourse {
        let Cruise { ramps, time, distance } = self.cruise(velocity);
        let middle = (duration - time).max(0.0);
        JerkCourse {
            signs: ramps.map(|ramp| ramp.sign),
            halves: ramps.map(|ramp| ramp.times),
            middle,
            meet: [velocity, 0.0],
            distance: distance + velocity * middle,
        }
    }

    /// The greatest gain of velocity in a duration, with how far it may be off by rounding: up to a peak of
    /// the acceleration, and down.
    fn greatest_gain(&self, duration: f64) -> (f64, f64) {
        let Self { v0, a0, v1, a1, acceleration, jerk, .. } = *self;
        let (mut rise, mut fall) = (0.5 * (jerk * duration + (a1 - a0)), 0.5 * (jerk * duration - (a1 - a0)));
        let (mut peak, mut hold) = (a0 + rise, 0.0);
        if peak > acceleration {
            (rise, fall, peak) = (acceleration - a0, acceleration - a1, acceleration);
            hold = duration - (rise + fall) / jerk;
        }
        let gain = 0.5 * (rise * (a0 + peak) + fall * (a1 + peak)) / jerk + peak * hold;
        let size = v0.abs() + v1.abs() + (a0.abs() + a1.abs() + peak.abs()) * duration;
        (gain, ROUNDING * size)
    }

    /// Whether a duration is too short, or too long, for the velocity to rise to that of the end.
    fn lacks_gain(&self, duration: f64) -> bool {
        let (most, rounding) = self.greatest_gain(duration);
        self.v1 - self.v0 > most + rounding
    }

    /// The times from which on, and to which, [`JerkEnds::lacks_gain`] after it was possible; where it is
    /// possible always, neither is a number.
    fn gain_gap(&self) -> [f64; 2] {
        let Self { v0, a0, v1, a1, acceleration, jerk, .. } = *self;
        let gain = jerk * (v1 - v0);
        // The square of the peak of the acceleration, if that is not held.
        let square = gain + 0.5 * (a0 * a0 + a1 * a1);
        let (peak, sum) = (square.sqrt(), a0 + a1);
        // Differences of nearly equal numbers by the difference of their squares.
        let product = 4.0 * gain + (a1 - a0) * (a1 - a0);
        let [least, most] = match sum > 0.0 {
            true => [-(2.0 * peak + sum), product / (2.0 * peak + sum)],
            false => [product / (sum - 2.0 * peak), 2.0 * peak - sum],
        };
        if peak <= acceleration {
            return [least / jerk, most / jerk];
        }
        let hold = (square - acceleration * acceleration) / (jerk * acceleration);
        [least / jerk, (2.0 * acceleration - sum) / jerk + hold]
    }

    /// The motion of a duration, in which the velocity of the end can be had, that goes farthest upwards.
    ///
    /// By the maximum principle the jerk is upwards, downwards, upwards, but where the acceleration stays
    /// at a limit or the velocity does. In terms of the greatest acceleration and the least one, p and q,
    /// the durations and the gain of velocity leave a linear or quadratic equation.
    fn farthest(&self, duration: f64) -> JerkCourse {
        let Self { v0, a0, v1, a1, velocity, acceleration: most, jerk, .. } = *self;
        let drop = 0.5 * (jerk * duration - (a1 - a0));
        let sum = (jerk * (v1 - v0) + 0.5 * (a0 * a0 - a1 * a1)) / drop;
        // Without a drop the acceleration rises straight to that of the end.
        let flat = drop <= ROUNDING * jerk * duration;
        let (mut p, mut q) = if flat { (a1, a1) } else { (0.5 * (sum + drop), 0.5 * (sum - drop)) };
        let (mut up, mut down) = (0.0, 0.0);
        if p > most || q < -most {
            (p, q, up, down) = self.held(duration);
        }
        let [up, down] = [up, down].map(|hold| f64::max(hold, 0.0));
        let (rise, last) = (((p - a0) / jerk).max(0.0), ((a1 - q) / jerk).max(0.0));
        let (halves, acceleration) = if p <= 0.0 {
            ([[rise, up, 0.0], [last, down, (p - q) / jerk]], p)
        } else if q >= 0.0 {
            ([[rise, up, (p - q) / jerk], [last, down, 0.0]], q)
        } else {
            ([[rise, up, p / jerk], [last, down, -q / jerk]], 0.0)
        };
        let [first, speed] = half([v0, a0], jerk, halves[0]);
        if acceleration == 0.0 && speed > velocity {
            return self.cruising(velocity, duration);
        }
        let [second, _] = half([v1, -a1], jerk, halves[1]);
        let meet = [speed, acceleration];
        JerkCourse { signs: [1.0; 2], halves, middle: 0.0, meet, distance: first + second }
    }

    /// Greatest and least acceleration of that motion, and how long they are held, where one of them is at its
    /// limit.
    fn held(&self, duration: f64) -> (f64, f64, f64, f64) {
        let Self { v0, a0, v1, a1, acceleration: most, jerk, .. } = *self;
        let gain = v1 - v0;
        let (a0_top, a1_top, a0_low, a1_low) = (most - a0, most - a1, a0 + most, a1 + most);
        // What is missing of a whole duration at the greatest acceleration gives how deep the least is below it.
        let square = jerk * (most * duration - gain) + 0.5 * (a1_top * a1_top - a0_top * a0_top);
        let depth = square.max(0.0).sqrt();
        let up = duration - (a0_top + 2.0 * depth - a1_top) / jerk;
        if depth <= 2.0 * most && up >= 0.0 {
            return (most, most - depth, up, 0.0);
        }
        let square = jerk * (most * duration + gain) + 0.5 * (a0_low * a0_low - a1_low * a1_low);
        let height = square.max(0.0).sqrt();
        let down = duration - (a1_low + 2.0 * height - a0_low) / jerk;
        if height <= 2.0 * most && down >= 0.0 {
            return (height - most, -most, 0.0, down);
        }
        let held = duration - (a0_top + 2.0 * most + a1_low) / jerk;
        let more = (gain - 0.5 * (a1 * a1 - a0 * a0) / jerk) / most;
        (most, -most, 0.5 * (held + more), 0.5 * (held - more))
    }

    /// By how much distances that are the same may differ by rounding in a motion of a duration.
    fn rounding(&self, duration: f64, courses: [&JerkCourse; 2]) -> f64 {
        let speed = self.v0.abs() + self.v1.abs() + courses[0].meet[0].abs() + courses[1].meet[0].abs();
        ROUNDING * (self.distance.abs() + speed * duration)
    }

    /// The least time from `earliest` on at which the output can arrive; `None` only where an end breaks a
    /// limit.
    fn arrival(&self, earliest: f64) -> Option<f64> {
        /// Times are left out where the velocity of the end cannot be had, either way, and where the distance
        /// cannot, either way: each such gap is left for good, and where rounding has left it open is left at
        /// the next number.
        const GAPS: usize = 16;
        self.stops()?;
        let mut t = earliest.max((self.a1 - self.a0).abs() / self.jerk);
        let mirrored = self.mirrored();
        for _ in 0..GAPS {
            let next = if self.lacks_gain(t) {
                self.gain_gap()[1]
            } else if mirrored.lacks_gain(t) {
                mirrored.gain_gap()[1]
            } else {
                let (far, near) = (self.farthest(t), mirrored.farthest(t));
                let rounding = self.rounding(t, [&far, &near]);
                if self.distance > far.distance + rounding {
                    self.reach(t)?
                } else if -self.distance > near.distance + rounding {
                    mirrored.reach(t)?
                } else {
                    return Some(t);
                }
            };
            t = next.max(t * (1.0 + f64::EPSILON));
        }
        None
    }

    /// The least time after `t`, when even the farthest motion falls short, at which one does not; or a time up
    /// to which none does.
    ///
    /// As a function of the duration the distance of the farthest motion is concave up to [`JerkEnds::turn`], from
    /// there on convex, and a line from the duration on in which it reaches the greatest velocity.
    fn reach(&self, t: f64) -> Option<f64> {
        let (_, high) = self.sorted_stops()?;
        let slowest = self.cruise(high);
        let tiny = f64::EPSILON * self.distance.abs();
        if t < slowest.time {
            // The acceleration does not vanish. Here times may be too long for the velocity of the end.
            let gaps = [self.gain_gap(), self.mirrored().gain_gap()];
            let gap = gaps.into_iter().filter(|[from, to]| *to > t && *from < slowest.time);
            let gap = gap.min_by(|a, b| a[0].total_cmp(&b[0]));
            let end = gap.map_or(slowest.time, |[from, _]| from.max(t));
            let turn = self.turn().max(t).min(end);
            if let Some(time) = self.rise(t, turn) {
                return Some(time);
            }
            if self.missing(end).0 >= 0.0 {
                return Some(root(turn, end, tiny, |t| self.missing(t)));
            }
            if let Some([_, to]) = gap {
                return Some(to);
            }
        }
        let fastest = self.cruise(self.velocity);
        if fastest.distance <= self.distance {
            return Some(fastest.time + (self.distance - fastest.distance) / self.velocity);
        }
        Some(root(t.max(slowest.time), fastest.time, tiny, |t| self.missing(t)))
    }

    /// The time between `t` and `end` at which the farthest motion first goes far enough, where its distance is
    /// a concave function of the time: Newton's method comes from the left and, but for rounding, never passes
    /// it.
    fn rise(&self, mut t: f64, end: f64) -> Option<f64> {
        let tiny = f64::EPSILON * self.distance.abs();
        for _ in 0..ITERATIONS {
            let (missing, slope) = self.missing(t);
            let next = t - missing / slope;
            if missing.abs() <= tiny || (slope > 0.0 && next <= t) {
                return Some(t);
            }
            if slope <= 0.0 || next > end {
                return None;
            }
            if self.missing(next).0 > 0.0 {
                return Some(root(t, next, tiny, |t| self.missing(t)));
            }
            t = next;
        }
        Some(t)
    }

    /// The duration beyond which the distance of the farthest motion is a convex function of it. It is concave
    /// where twice the product of the greatest and the least acceleration exceeds the square of their
    /// difference; where one of them is held, where the other is more than a quarter of it, the same way.
    fn turn(&self) -> f64 {
        let Self { v0, a0, v1, a1, acceleration: most, jerk, .. } = *self;
        let gain = v1 - v0;
        let change = jerk * gain + 0.5 * (a0 * a0 - a1 * a1);
        let drop = (change.abs() / 3.0_f64.sqrt()).sqrt();
        if drop == 0.0 {
            return (a1 - a0) / jerk;
        }
        let sum = change / drop;
        let held = 0.5625 * most * most;
        if 0.5 * (sum + drop) > most {
            let ends = 0.5 * ((most - a1).powi(2) - (most - a0).powi(2));
            (held - ends) / (jerk * most) + gain / most
        } else if 0.5 * (sum - drop) < -most {
            let ends = 0.5 * ((a0 + most).powi(2) - (a1 + most).powi(2));
            (held - ends) / (jerk * most) - gain / most
        } else {
            (2.0 * drop + a1 - a0) / jerk
        }
    }

    /// What the farthest motion of a duration goes too far, and its derivative by the duration: by the maximum
    /// principle, the velocity at the greatest acceleration and that acceleration in half the time that it
    /// falls.
    fn missing(&self, duration: f64) -> (f64, f64) {
        let far = self.farthest(duration);
        let [speed, acceleration] = far.meet;
        let [first, last] = far.halves.map(|phases| phases[2]);
        let more = match acceleration {
            0.0 => self.jerk * first * last,
            a if a > 0.0 => -a * first,
            a => a * last,
        };
        (far.distance - self.distance, speed + 0.5 * more)
    }

    /// What is missing of the distance when the motion takes `duration` in all, and its derivative by
    /// the velocity of the cruise. Infinite where the ramps alone take longer.
    ///
    /// The faster the cruise the farther it goes: while a ramp's last phase lasts, the gain of velocity
    /// grows evenly to that of the cruise, so that the derivative is the duration of the cruise and
    /// half of both last phases.
    fn distance_in(&self, duration: f64, velocity: f64) -> (f64, f64) {
        let c = self.cruise(velocity);
        let rest = duration - c.time;
        if rest < 0.0 {
            return (f64::INFINITY, 0.0);
        }
        let last = c.ramps[0].times[2] + c.ramps[1].times[2];
        (c.distance + velocity * rest - self.distance, rest + 0.5 * last)
    }

    /// The velocity to cruise at for a motion of `duration`, to within `tolerance` of the distance.
    fn velocity_for(&self, duration: f64, tolerance: f64) -> Option<f64> {
        let (low, high) = self.sorted_stops()?;
        let at = |v: f64| self.distance_in(duration, v).0;
        // Where the ramps alone take too long, the velocity is too high above both stops and too low
        // below them. Between them it may be either.
        let too_high = |v: f64| self.distance_in(duration, v);
        let too_low = |v: f64| match self.distance_in(duration, v) {
            (missing, _) if missing == f64::INFINITY => (f64::NEG_INFINITY, 0.0),
            other => other,
        };
        let met = 0.1 * tolerance;
        let above = at(high);
        let below = if above <= 0.0 { above } else { at(low) };
        let found = if above <= 0.0 {
            root(high, self.velocity, met, too_high)
        } else if below.is_finite() && below >= 0.0 {
            root(-self.velocity, low, met, too_low)
        } else {
            let left = if below < 0.0 { root(low, high, met, too_high) } else { low };
            if at(left).abs() <= tolerance { left } else { root(low, high, met, too_low) }
        };
        (at(found).abs() <= tolerance).then_some(found)
    }

    /// A motion from a given position that takes `duration`, with ramps as steep as can be; `None` where the
    /// output cannot arrive then.
    fn steep(&self, position: f64, duration: f64) -> Option<JerkProfile> {
        let (far, near) = (self.farthest(duration), self.mirrored().farthest(duration).mirrored());
        let rounding = self.rounding(duration, [&far, &near]);
        if !(self.distance <= far.distance + rounding && self.distance >= near.distance - rounding) {
            return None;
        }
        if self.distance >= far.distance - rounding {
            return self.lay_out(position, duration, &far);
        }
        if self.distance <= near.distance + rounding {
            return self.lay_out(position, duration, &near);
        }
        if let Some(velocity) = self.velocity_for(duration, rounding) {
            return self.lay_out(position, duration, &self.cruising(velocity, duration));
        }
        let share = (far.distance - self.distance) / (far.distance - near.distance);
        let ends = |course: &JerkCourse| JerkEnds { distance: course.distance, ..*self };
        let [far, near] = [far, near].map(|course| ends(&course).lay_out(position, duration, &course));
        let mut mixed = far?.mixed(&near?, share);
        mixed.states[mixed.count] = [position + self.distance, self.v1, self.a1];
        Some(mixed)
    }

    /// A motion from a given position that takes `duration`, of hardly more acceleration than that takes, as
    /// [`super::TimeOptimal`] makes them: then outputs that go from rest to rest go about straight. `None` where
    /// it is not found at once.
    fn soft(&self, position: f64, duration: f64) -> Option<JerkProfile> {
        /// Times the least acceleration that it takes where jerks are not limited.
        const MORE: [f64; 2] = [1.15, 1.6];
        let Self { distance, v0, a0, v1, a1, velocity, acceleration, jerk } = *self;
        if [v0, a0, v1, a1] == [0.0; 4] {
            // With a share of all limits it goes that share of the way.
            let side = if distance < 0.0 { self.mirrored() } else { *self };
            let whole = side.farthest(duration);
            let share = side.distance / whole.distance;
            let course = whole.shared(share);
            let course = if distance < 0.0 { course.mirrored() } else { course };
            let part = Self { acceleration: share * acceleration, jerk: share * jerk, ..*self };
            return part.lay_out(position, duration, &course);
        }
        let least = least_acceleration([distance, v0, v1], [velocity, acceleration], duration)?;
        MORE.into_iter().find_map(|more| {
            let enough = (more * least).max(a0.abs()).max(a1.abs());
            let ends = Self { acceleration: enough, ..*self };
            let is_less = enough < acceleration && ends.is_possible(duration);
            is_less.then(|| ends.steep(position, duration)).flatten()
        })
    }

    /// Whether the velocity and acceleration of the end can be had after a duration.
    fn is_possible(&self, duration: f64) -> bool {
        self.stops().is_some()
            && duration >= (self.a1 - self.a0).abs() / self.jerk
            && !self.lacks_gain(duration)
            && !self.mirrored().lacks_gain(duration)
    }

    /// Lays a course out from both ends, so that these are met exactly; where its halves meet they must agree:
    /// no closed form is believed without that.
    fn lay_out(&self, position: f64, duration: f64, course: &JerkCourse) -> Option<JerkProfile> {
        let Self { distance, v0, a0, v1, a1, .. } = *self;
        let JerkCourse { signs, halves: [first, last], middle, meet: [speed, acceleration], .. } = *course;
        let [up, down] = signs.map(|sign| sign * self.jerk);
        let mut profile = JerkProfile::begin([position, v0, a0]);
        let mut state = [position, v0, a0];
        let mut time = 0.0;
        for (phase, jerk) in first.into_iter().zip([up, 0.0, -up]) {
            state = after(state, jerk, phase);
            time += phase;
            profile.push(jerk, time, state);
        }
        let met = [state[1], state[2]];
        profile.states[profile.count] = [state[0], speed, acceleration];
        // Backwards from the end.
        let goal = position + distance;
        let mut back = [[0.0, v1, -a1]; 4];
        for (i, (phase, jerk)) in last.into_iter().zip([down, 0.0, -down]).enumerate() {
            back[i + 1] = after(back[i], jerk, phase);
        }
        let ahead = |[way, v, a]: [f64; 3]| [goal - way, v, -a];
        let rest = [back[3][0], speed, -acceleration];
        profile.push(0.0, time + middle, ahead(rest));
        let mut left = duration - time - middle;
        for (i, jerk) in [(2, -down), (1, 0.0), (0, down)] {
            left -= last[i];
            let end = if i == 0 { duration } else { (duration - left.max(0.0)).max(time + middle) };
            profile.push(jerk, end, ahead(back[i]));
        }
        let close = |value: f64, wanted: f64, size: f64| (value - wanted).abs() <= REPLAY_TOLERANCE * size;
        let fast = v0.abs() + v1.abs() + speed.abs() + self.acceleration * duration;
        let met_ahead = [back[3][1], -back[3][2]];
        let meets = [met, met_ahead]
            .iter()
            .all(|[v, a]| close(*v, speed, fast) && close(*a, acceleration, self.acceleration));
        let far = position.abs() + distance.abs() + fast * duration;
        let arrives = close(state[0] + speed * middle, goal - back[3][0], far);
        let in_time =
            (time + middle + last.iter().sum::<f64>() - duration).abs() <= REPLAY_TOLERANCE * duration;
        (meets && arrives && in_time).then_some(profile)
    }
}

impl JerkCourse {
    /// The same with a share of all jerks, and so of all that follows from them.
    fn shared(&self, share: f64) -> Self {
        Self { meet: self.meet.map(|m| share * m), distance: share * self.distance, ..*self }
    }

    fn mirrored(&self) -> Self {
        let Self { signs, meet, distance, .. } = *self;
        Self { signs: signs.map(|s| -s), meet: meet.map(|m| -m), distance: -distance, ..*self }
    }
}

/// How far three phases lead, of a jerk, of none, and of the opposite one, and to what velocity.
fn half([v, a]: [f64; 2], jerk: f64, [first, hold, last]: [f64; 3]) -> [f64; 2] {
    let peak = a + first * jerk;
    let top = v + 0.5 * first * (a + peak);
    let (held, low) = (top + hold * peak, peak - last * jerk);
    let rising = first * (v + first * (2.0 * a + peak) / 6.0);
    let holding = hold * (top + 0.5 * hold * peak);
    let falling = last * (held + last * (2.0 * peak + low) / 6.0);
    [rising + holding + falling, held + 0.5 * last * (peak + low)]
}

/// A root of `f`, which gives a value and a derivative (zero where that is not known), ascends from
/// `low` to `high` and may jump, there to the jump; values up to `met` count as none. Newton's method,
/// halving where it leaves the bracket or is slow.
fn root(mut low: f64, mut high: f64, met: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut x = 0.5 * (low + high);
    let mut width = high - low;
    for _ in 0..ITERATIONS {
        let (value, slope) = f(x);
        if value.abs() <= met {
            return x;
        }
        if value < 0.0 {
            low = x;
        } else {
            high = x;
        }
        let newton = x - value / slope;
        let shrunk = high - low < 0.5 * width;
        width = high - low;
        let next = if newton > low && newton < high && (shrunk || (newton - x).abs() < 0.25 * width) {
            newton
        } else {
            0.5 * (low + high)
        };
        if next <= low || next >= high || next == x {
            break;
        }
        x = next;
    }
    // Of the two ends of what is left, the one that is possible.
    let [a, b, c] = [low, high, x].map(|x| f(x).0.abs());
    if c <= a && c <= b {
        x
    } else if a <= b {
        low
    } else {
        high
    }
}

/// Jerk-limited steering: the least common duration at which every output can arrive, and for each output
/// a profile that takes just so long.
#[derive(Clone, Debug)]
pub struct JerkLimited {
    limits: Vec<OutputLimits>,
}

/// One query: the ends of all outputs.
struct JerkQuery<'q> {
    limits: &'q [OutputLimits],
    from: [&'q [f64]; 3],
    to: [&'q [f64]; 3],
}

impl JerkQuery<'_> {
    /// The part of output `i`, within limits of its own of acceleration and jerk.
    fn ends(&self, i: usize, acceleration: f64, jerk: f64) -> JerkEnds {
        let Self { limits, from, to } = self;
        JerkEnds {
            distance: to[0][i] - from[0][i],
            v0: from[1][i],
            a0: from[2][i],
            v1: to[1][i],
            a1: to[2][i],
            velocity: limits[i].velocity,
            acceleration,
            jerk,
        }
    }

    fn within_limits(&self, i: usize) -> JerkEnds {
        self.ends(i, self.limits[i].acceleration, self.limits[i].jerk)
    }

    /// The least duration, no less than `earliest` and no longer than `longest`, at which all outputs can
    /// arrive.
    fn duration(&self, ends: impl Fn(usize) -> JerkEnds, earliest: f64, longest: f64) -> Option<f64> {
        let outputs = self.limits.len();
        let (mut duration, mut agreed) = (earliest, 0);
        // Each output leaves its gaps behind for good, so that the rounds end.
        for i in (0..outputs).cycle().take(8 * outputs) {
            let arrival = ends(i).arrival(duration)?;
            if arrival > longest {
                return None;
            }
            agreed = if arrival > duration { 1 } else { agreed + 1 };
            duration = arrival;
            if agreed == outputs {
                return Some(duration);
            }
        }
        None
    }

    /// The ends of an output with no more acceleration and jerk than bring the velocities and accelerations that a motion
    /// of a duration has to do with about in a short while; `None` where those are the limits.
    fn blunted(&self, i: usize, duration: f64) -> Option<JerkEnds> {
        let ends = self.within_limits(i);
        let speed = super::speed_in_use(ends.distance, ends.v0, ends.v1, duration);
        let most = super::blunted(ends.acceleration, speed, duration).max(ends.a0.abs()).max(ends.a1.abs());
        let acceleration = most.min(ends.acceleration);
        let jerk = super::blunted(ends.jerk, acceleration, duration);
        let blunt = JerkEnds { acceleration, jerk, ..ends };
        (blunt != ends && blunt.stops().is_some()).then_some(blunt)
    }
}

impl JerkEnds {
    /// With no more acceleration than it takes to arrive after a duration, up to a step of a scale that knows
    /// no limits.
    fn gentle(&self, duration: f64) -> Self {
        let least = self.a0.abs().max(self.a1.abs());
        let step = |k: i32| {
            let acceleration = (f64::from(k) / STEPS_PER_DOUBLING).exp2();
            Self { acceleration: acceleration.max(least), ..*self }
        };
        let index = |x: f64| (x.log2() * STEPS_PER_DOUBLING).floor() as i32;
        // A small share of what it takes from rest to rest.
        let way = self.distance.abs().max((self.v1 - self.v0).abs() * duration);
        let needed = way / (4.0 * duration * duration);
        let high = index(self.acceleration);
        let low = index(needed.max(least)).max(high - GENTLEST);
        if low >= high || !step(high).arrives(duration) {
            return *self;
        }
        step(least_of(low, high, |k| step(k).arrives(duration)))
    }

    fn arrives(&self, duration: f64) -> bool {
        self.arrival(duration) == Some(duration)
    }
}

/// The least number above `low` that holds, of which all from there to `high` do, by halving.
fn least_of(mut low: i32, mut high: i32, holds: impl Fn(i32) -> bool) -> i32 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

impl JerkLimited {
    /// Steering within `limits`; velocities, accelerations and jerks must be limited.
    pub fn new(limits: &[OutputLimits]) -> Self {
        Self { limits: limits.to_vec() }
    }

    /// The least duration, seconds, at which every output can arrive; `None` where that is longer than `longest`, or an
    /// end breaks a limit. No motion is faster, but position limits may keep the fastest from being one.
    pub fn least_duration(&self, from: [&[f64]; 3], to: [&[f64]; 3], longest: f64) -> Option<f64> {
        let query = JerkQuery { limits: &self.limits, from, to };
        query.duration(|i| query.within_limits(i), 0.0, longest)
    }

    /// Joins two states, `[derivative][output]`, by one profile per output in `profiles`, and gives their
    /// duration: the least that is possible from `earliest` on. With an `earliest` above zero every output
    /// takes about as little acceleration as it can.
    ///
    /// With moving ends an output may be able to arrive at some time and again from a later time on,
    /// but not between; such gaps are stepped over. `None` where the duration would be longer than
    /// `longest`, an end breaks a limit, or a profile would leave its position limits.
    pub fn steer(
        &self,
        from: [&[f64]; 3],
        to: [&[f64]; 3],
        earliest: f64,
        longest: f64,
        profiles: &mut Vec<JerkProfile>,
    ) -> Option<f64> {
        let query = JerkQuery { limits: &self.limits, from, to };
        let within = |i| query.within_limits(i);
        let duration = query.duration(within, earliest, longest)?;
        if earliest > 0.0 {
            return fill_in(
                &query,
                within,
                |ends, position, duration| ends.gentle(duration).steep(position, duration),
                duration,
                profiles,
            );
        }
        let dof = self.limits.len();
        if (0..dof).any(|i| query.blunted(i, duration).is_some()) {
            let blunt = |i| query.blunted(i, duration).unwrap_or_else(|| query.within_limits(i));
            let blunted = query.duration(blunt, duration, longest);
            let found = blunted.and_then(|longer| fill_in(&query, blunt, JerkEnds::soft, longer, profiles));
            if found.is_some() {
                return found;
            }
        }
        fill_in(&query, within, JerkEnds::soft, duration, profiles)
    }

    /// The fastest motion from rest to rest along a straight line, and the greatest acceleration on it in lines
    /// per second squared: all outputs follow one profile of seven phases, within their limits and an
    /// acceleration of at most `most` in the same unit. `None` where there is nowhere to go.
    pub fn straight(&self, from: &[f64], to: &[f64], most: f64) -> Option<(Trajectory, f64)> {
        let mut line = OutputLimits { lower: 0.0, upper: 1.0, acceleration: most, ..OutputLimits::NONE };
        for ((l, a), b) in self.limits.iter().zip(from).zip(to) {
            let way = (b - a).abs();
            if way > 0.0 {
                line.velocity = line.velocity.min(l.velocity / way);
                line.acceleration = line.acceleration.min(l.acceleration / way);
                line.jerk = line.jerk.min(l.jerk / way);
            }
        }
        let (zero, one) = ([0.0], [1.0]);
        let mut profiles = Vec::with_capacity(1);
        let steering = Self::new(&[line]);
        let duration =
            steering.steer([&zero, &zero, &zero], [&one, &zero, &zero], 0.0, f64::INFINITY, &mut profiles)?;
        let profile = trajectory(&profiles, duration);
        let mut motion = Trajectory::new(from.len(), 3);
        let mut coefficients = Vec::with_capacity(4 * from.len());
        for segment in profile.segments() {
            coefficients.clear();
            for (a, b) in from.iter().zip(to) {
                let [c0, c1, c2, c3] = std::array::from_fn(|k| segment.coefficients[k] * (b - a));
                coefficients.extend([a + c0, c1, c2, c3]);
            }
            motion.push(segment.duration, &coefficients);
        }
        let peak = profile.extrema(0, 2).magnitude().0;
        Some((motion, peak))
    }
}

/// Fills in the profiles of all outputs, and gives their duration, unless one leaves its position limits: where
/// a soft one does, the one with the fastest ramps may not.
fn fill_in(
    query: &JerkQuery<'_>,
    ends: impl Fn(usize) -> JerkEnds,
    soft: impl Fn(&JerkEnds, f64, f64) -> Option<JerkProfile>,
    duration: f64,
    profiles: &mut Vec<JerkProfile>,
) -> Option<f64> {
    profiles.clear();
    for (i, limits) in query.limits.iter().enumerate() {
        let (ends, position) = (ends(i), query.from[0][i]);
        let holds = |profile: &JerkProfile| holds_positions(limits, profile.range());
        let found = soft(&ends, position, duration).filter(holds);
        profiles.push(match found {
            Some(profile) => profile,
            None => ends.steep(position, duration).filter(holds)?,
        });
    }
    Some(duration)
}

/// The trajectory of some profiles: a cubic between any two switching times.
pub fn trajectory(profiles: &[JerkProfile], duration: f64) -> Trajectory {
    let shortest = SAME_TIME * duration;
    let mut times: Vec<f64> = profiles.iter().flat_map(|p| &p.times[1..p.count]).copied().collect();
    times.retain(|&t| t > shortest && t < duration - shortest);
    times.push(duration);
    times.sort_unstable_by(f64::total_cmp);
    let mut motion = Trajectory::new(profiles.len(), 3);
    let mut coefficients = Vec::with_capacity(4 * profiles.len());
    // The phase that each profile is in.
    let mut phases = vec![0; profiles.len()];
    let mut last = 0.0;
    for t in times {
        if t - last <= shortest && !motion.is_empty() {
            continue;
        }
        let middle = 0.5 * (last + t);
        coefficients.clear();
        for (profile, phase) in profiles.iter().zip(&mut phases) {
            while *phase + 1 < profile.count && profile.times[*phase + 1] <= middle {
                *phase += 1;
            }
            let jerk = profile.jerks[*phase];
            let [p, v, a] = after(profile.states[*phase], jerk, last - profile.times[*phase]);
            coefficients.extend([p, v, 0.5 * a, jerk / 6.0]);
        }
        motion.push(t - last, &coefficients);
        last = t;
    }
    motion
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A share of a limit, with deliberate zeros and ties.
    fn share() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -1.0..1.0, 2 => Just(0.0), 1 => Just(0.5)]
    }

    /// One output's query whose ends can be reached and left within limits.
    fn query() -> impl Strategy<Value = JerkEnds> {
        let distance = prop_oneof![5 => -3.0..3.0, 2 => -0.05..0.05, 1 => Just(0.0)];
        let limits = (0.2..3.0, 0.5..20.0, 1.0..500.0);
        (distance, prop::array::uniform4(share()), limits).prop_map(
            |(distance, s, (velocity, acceleration, jerk)): (f64, [f64; 4], (f64, f64, f64))| {
                let of = |v: f64, a: f64, backward: f64| -> (f64, f64) {
                    let a: f64 = a * acceleration;
                    // Keep room to bring the acceleration to rest.
                    let a = a.clamp(-(velocity * jerk).sqrt(), (velocity * jerk).sqrt());
                    let turn = backward * 0.5 * a * a.abs() / jerk;
                    ((v * velocity).clamp(-velocity - turn.min(0.0), velocity - turn.max(0.0)), a)
                };
                let ((v0, a0), (v1, a1)) = (of(s[0], s[1], 1.0), of(s[2], s[3], -1.0));
                JerkEnds { distance, v0, a0, v1, a1, velocity, acceleration, jerk }
            },
        )
    }

    fn limits(e: &JerkEnds) -> OutputLimits {
        let JerkEnds { velocity, acceleration, jerk, .. } = *e;
        OutputLimits { velocity, acceleration, jerk, ..OutputLimits::NONE }
    }

    /// Steers all queries together.
    fn steer(
        steering: &JerkLimited,
        queries: &[JerkEnds],
        earliest: f64,
        profiles: &mut Vec<JerkProfile>,
    ) -> Option<f64> {
        let column = |f: fn(&JerkEnds) -> f64| queries.iter().map(f).collect::<Vec<f64>>();
        let still = vec![0.0; queries.len()];
        let (v0, a0, v1, a1) = (column(|e| e.v0), column(|e| e.a0), column(|e| e.v1), column(|e| e.a1));
        let to = column(|e| e.distance);
        steering.steer([&still, &v0, &a0], [&to, &v1, &a1], earliest, f64::INFINITY, profiles)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// A profile of the first duration always exists, arrives, and keeps its limits.
        #[test]
        fn replayed_profiles_arrive_within_limits(queries in prop::collection::vec(query(), 1..8), later in prop_oneof![Just(0.0), 0.5..3.0]) {
            let steering = JerkLimited::new(&queries.iter().map(limits).collect::<Vec<_>>());
            let mut profiles = Vec::new();
            let least = steer(&steering, &queries, 0.0, &mut profiles);
            prop_assert!(least.is_some(), "{queries:?}");
            let duration = steer(&steering, &queries, later * least.unwrap_or(0.0), &mut profiles);
            prop_assert!(duration.is_some(), "{queries:?}");
            let duration = duration.unwrap_or(0.0);
            let motion = trajectory(&profiles, duration);
            for (i, e) in queries.iter().enumerate() {
                let within = |order: usize, limit: f64| motion.extrema(i, order).magnitude().0 <= limit * (1.0 + 1e-9);
                prop_assert!(within(1, e.velocity) && within(2, e.acceleration) && within(3, e.jerk));
                let mut out = vec![0.0; queries.len()];
                for (order, wanted) in [e.distance, e.v1, e.a1].into_iter().enumerate() {
                    motion.evaluate(motion.duration(), order, &mut out);
                    prop_assert!((out[i] - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "order {}: {} {} {:?}", order, out[i], wanted, e);
                }
            }
            for order in 0..3 {
                prop_assert!(motion.greatest_jump(order).is_none_or(|jump| jump.size.abs() < 2e-9));
            }
        }

        /// An output can arrive at exactly those times at which its distance lies between those of the two
        /// farthest motions; and the first of them is found.
        #[test]
        fn the_first_arrival_is_the_least(e in query(), share in 0.0..3.0_f64) {
            let first = e.arrival(0.0).expect("ends within limits");
            if first == 0.0 {
                return Ok(());
            }
            let t = share * first;
            let mirrored = e.mirrored();
            let possible = t >= (e.a1 - e.a0).abs() / e.jerk && !e.lacks_gain(t) && !mirrored.lacks_gain(t) && {
                let (far, near) = (e.farthest(t).distance, -mirrored.farthest(t).distance);
                prop_assert!(far >= near - 1e-9 * (1.0 + far.abs()), "{} {} {:?}", far, near, e);
                (near..=far).contains(&e.distance)
            };
            let near = |x: f64| (t - x).abs() < 1e-7 * first;
            let next = e.arrival(t).expect("ends within limits");
            if !near(first) && !near(next) {
                prop_assert!(t > first || !possible, "{} is possible before {}: {:?}", t, first, e);
                prop_assert_eq!(possible, next == t, "{} of {}: {:?}", t, next, e);
            }
            // Nothing between is left out.
            for k in 1..40 {
                let between = t + (next - t) * f64::from(k) / 40.0;
                if next - between > 1e-7 * next {
                    prop_assert!(e.arrival(between) != Some(between), "{} of {} to {}: {:?}", between, t, next, e);
                }
            }
        }

        /// What the search for arrivals relies on: the distance of the farthest motion grows as its derivative says,
        /// which falls and then rises.
        #[test]
        fn distances_are_concave_and_then_convex(e in query(), a in 0.0..1.0_f64, b in 0.0..1.0_f64) {
            let (_, high) = e.sorted_stops().expect("ends within limits");
            let (begin, end) = ((e.a1 - e.a0).abs() / e.jerk, e.cruise(e.velocity).time);
            let turn = e.turn().clamp(begin, e.cruise(high).time.max(begin));
            for (from, to, sign) in [(begin, turn, -1.0), (turn, end, 1.0)] {
                let at = |share: f64| from + share * (to - from);
                let (t, u) = (at(a.min(b)), at(a.max(b)));
                let has_gap = e.mirrored().gain_gap().into_iter().chain(e.gain_gap()).any(|g| g > t && g < u);
                let possible = |t: f64| !e.lacks_gain(t) && !e.mirrored().lacks_gain(t);
                if has_gap || !possible(t) || !possible(u) || u - t <= 1e-6 * u {
                    continue;
                }
                let ((d, slope), (f, later)) = (e.missing(t), e.missing(u));
                // Where an acceleration begins to be held, the turn may be off by a little.
                let size = e.velocity + e.acceleration * u;
                prop_assert!(sign * (later - slope) >= -1e-3 * size, "{} {} {} {} {:?}", slope, later, t, u, e);
                let between = (f - d) / (u - t);
                let (low, high) = (slope.min(later), slope.max(later));
                prop_assert!(between >= low - 1e-3 * size && between <= high + 1e-3 * size, "{} {} {} {:?}", slope, later, between, e);
            }
        }

        /// No limit that is looser makes a motion longer.
        #[test]
        fn looser_limits_are_never_slower(
            queries in prop::collection::vec(query(), 1..5),
            factors in prop::array::uniform3(prop_oneof![Just(1.0), 1.0..1.1, 1.0..3.0, 1.0..1e6_f64]),
            which in 0..5_usize,
        ) {
            let mut looser = queries.clone();
            let e = &mut looser[which % queries.len()];
            (e.velocity, e.acceleration, e.jerk) = (e.velocity * factors[0], e.acceleration * factors[1], e.jerk * factors[2]);
            let mut profiles = Vec::new();
            let mut duration = |queries: &[JerkEnds]| {
                let steering = JerkLimited::new(&queries.iter().map(limits).collect::<Vec<_>>());
                steer(&steering, queries, 0.0, &mut profiles)
            };
            let (tight, loose) = (duration(&queries), duration(&looser));
            prop_assert!(tight.is_some() && loose <= tight.map(|t| t * (1.0 + 1e-12)), "{loose:?} {tight:?} {looser:?}");
            prop_assert!(loose.is_some(), "{looser:?}");
        }

        /// With jerks that are as good as unlimited it takes as long as without limits of jerk.
        #[test]
        fn great_jerks_are_no_limit(queries in prop::collection::vec(query(), 1..5), great in 6.0..12.0_f64, still_ends in any::<bool>()) {
            let mut queries = queries;
            for e in &mut queries {
                (e.a0, e.a1) = (0.0, 0.0);
                if still_ends {
                    (e.v0, e.v1) = (0.0, 0.0);
                }
            }
            let column = |f: fn(&JerkEnds) -> f64| queries.iter().map(f).collect::<Vec<f64>>();
            let (v0, v1, still) = (column(|e| e.v0), column(|e| e.v1), vec![0.0; queries.len()]);
            let all: Vec<_> = queries.iter().map(limits).collect();
            let to = column(|e| e.distance);
            let without = super::super::TimeOptimal::new(&all).steer(
                &still, &v0, &to, &v1, 0.0, f64::INFINITY, &mut Vec::new(),
            );
            let jerk = 10.0_f64.powf(great);
            queries.iter_mut().for_each(|e| e.jerk = jerk * e.acceleration * e.acceleration / e.velocity);
            let steering = JerkLimited::new(&queries.iter().map(limits).collect::<Vec<_>>());
            let mut profiles = Vec::new();
            let with = steer(&steering, &queries, 0.0, &mut profiles);
            prop_assert!(with.is_some());
            let with = with.unwrap_or(0.0);
            if with < 1e-9 {
                return Ok(());
            }
            let without = without.expect("a way");
            let least = queries.iter().map(|e| e.acceleration / e.jerk).fold(0.0, f64::max);
            prop_assert!(with >= without * (1.0 - 1e-9) - 1e-12, "{with} {without} {queries:?}");
            // Where an output has but a moment to arrive in, a little more jerk may miss it.
            let room = if still_ends { 20.0 * super::super::LEAST_RAMP } else { 0.02 };
            if queries.len() == 1 || still_ends {
                prop_assert!(with <= without * (1.0 + room) + 20.0 * least, "{with} {without} {queries:?}");
            }
        }

        /// Lengths and times that are scaled by powers of two scale motions exactly.
        #[test]
        fn motions_scale(queries in prop::collection::vec(query(), 1..4), length in -40..40_i32, time in -40..40_i32, later in prop_oneof![Just(0.0), 0.5..2.0]) {
            let (l, t) = (f64::from(length).exp2(), f64::from(time).exp2());
            let scaled: Vec<JerkEnds> = queries.iter().map(|e| JerkEnds {
                distance: l * e.distance,
                v0: l / t * e.v0,
                v1: l / t * e.v1,
                a0: l / t / t * e.a0,
                a1: l / t / t * e.a1,
                velocity: l / t * e.velocity,
                acceleration: l / t / t * e.acceleration,
                jerk: l / t / t / t * e.jerk,
            }).collect();
            let run = |queries: &[JerkEnds], later: f64| {
                let steering = JerkLimited::new(&queries.iter().map(limits).collect::<Vec<_>>());
                let mut profiles = Vec::new();
                steer(&steering, queries, later, &mut profiles).map(|duration| trajectory(&profiles, duration))
            };
            let (one, other) = (run(&queries, later), run(&scaled, t * later));
            prop_assert_eq!(one.is_some(), other.is_some());
            let (Some(one), Some(other)) = (one, other) else { return Ok(()) };
            prop_assert_eq!(one.len(), other.len());
            for (a, b) in one.segments().zip(other.segments()) {
                prop_assert_eq!(t * a.duration, b.duration);
                for (k, (a, b)) in a.coefficients.iter().zip(b.coefficients).enumerate() {
                    prop_assert_eq!(l * t.powi(-((k % 4) as i32)) * a, *b);
                }
            }
        }

        /// The distance ascends with the velocity of the cruise, as its derivative says.
        #[test]
        fn distances_ascend(e in query(), share in -1.0..1.0, longer in 1.0..4.0) {
            let v = share * e.velocity;
            let duration = e.cruise(v).time * longer + 1e-3;
            let h = 1e-6 * e.velocity;
            prop_assume!(v.abs() + h < e.velocity);
            let stops = e.stops().expect("ends within limits");
            prop_assume!(stops.iter().all(|s| (s - v).abs() > 20.0 * h));
            let (_, slope) = e.distance_in(duration, v);
            let (a, b) = (e.distance_in(duration, v - h).0, e.distance_in(duration, v + h).0);
            prop_assume!(a.is_finite() && b.is_finite());
            let difference = (b - a) / (2.0 * h);
            prop_assert!(slope >= 0.0 && (slope - difference).abs() <= 2e-2 * (slope + 1e-3), "{slope} {difference}");
        }

        /// Along a straight line the limits hold, one of them is met, and no quintic is as fast.
        #[test]
        fn straight_lines_are_at_a_limit(to in prop::collection::vec(-2.0..2.0_f64, 3), e in prop::array::uniform3(query())) {
            let limits = e.map(|e| limits(&e));
            let steering = JerkLimited::new(&limits);
            let from = [0.1, -0.2, 0.3];
            let (motion, peak) = steering.straight(&from, &to, f64::INFINITY).expect("somewhere to go");
            prop_assert!(motion.len() <= PHASES);
            let mut most = 0.0_f64;
            for (i, l) in limits.iter().enumerate() {
                for (order, limit) in [(1, l.velocity), (2, l.acceleration), (3, l.jerk)] {
                    most = most.max(motion.extrema(i, order).magnitude().0 / limit);
                }
            }
            prop_assert!((most - 1.0).abs() < 1e-6, "{most}");
            let (slower, half) = steering.straight(&from, &to, 0.5 * peak).expect("somewhere to go");
            prop_assert!((half - 0.5 * peak).abs() < 1e-9 * peak && slower.duration() > motion.duration());
            let quintic = super::super::HigherOrder::<3>::new(&limits).rest_to_rest_duration(&from, &to);
            prop_assert!(motion.duration() < quintic);
        }
    }

    #[test]
    fn rest_to_rest_in_seven_phases() {
        // One second of each ramp phase: 1 m/s^3 to 1 m/s^2, held for 1 s, to 2 m/s; then 3 m at that.
        let e = JerkEnds {
            distance: 9.0,
            v0: 0.0,
            a0: 0.0,
            v1: 0.0,
            a1: 0.0,
            velocity: 2.0,
            acceleration: 1.0,
            jerk: 1.0,
        };
        let first = e.arrival(0.0).expect("a way");
        assert!((first - 7.5).abs() < 1e-12);
        let profile = e.steep(0.0, first).expect("a way");
        for (t, expected) in profile.times.iter().zip([0.0, 1.0, 2.0, 3.0, 4.5, 5.5, 6.5, 7.5]) {
            assert!((t - expected).abs() < 1e-6, "{:?}", profile.times);
        }
    }

    /// Outputs of like limits go straight from rest to rest, and with velocities limited or not switch together.
    #[test]
    fn rest_to_rest_is_straight() {
        for far in [0.1, 9.0] {
            let limits = OutputLimits { velocity: 2.0, acceleration: 5.0, jerk: 60.0, ..OutputLimits::NONE };
            let steering = JerkLimited::new(&[limits; 3]);
            let (still, to) = ([0.0; 3], [far, -0.5 * far, 0.1 * far]);
            let mut profiles = Vec::new();
            let duration =
                steering.steer([&still; 3], [&to, &still, &still], 0.0, f64::INFINITY, &mut profiles);
            let duration = duration.expect("a way");
            let motion = trajectory(&profiles, duration);
            assert!(motion.len() <= PHASES, "{} pieces", motion.len());
            for k in 0..=50 {
                let mut at = [0.0; 3];
                motion.evaluate(duration * f64::from(k) / 50.0, 0, &mut at);
                assert!(
                    (at[1] + 0.5 * at[0]).abs() < 1e-12 * far && (at[2] - 0.1 * at[0]).abs() < 1e-12 * far
                );
            }
        }
    }

    /// A start that hardly accelerates is left as fast as one that does not.
    #[test]
    fn a_little_acceleration_costs_little() {
        let limits = OutputLimits { velocity: 3.0, acceleration: 10.0, jerk: 5000.0, ..OutputLimits::NONE };
        let steering = JerkLimited::new(&[limits]);
        let duration = |a0: f64| {
            let from = [&[0.0][..], &[0.0], &[a0]];
            steering
                .steer(from, [&[0.5], &[0.0], &[0.0]], 0.0, f64::INFINITY, &mut Vec::new())
                .expect("a way")
        };
        for a0 in [1e-3, 1e-6, -1e-6, 1e-9] {
            assert!(
                (duration(a0) - duration(0.0)).abs() < 1e-3 * a0.abs().max(1e-9),
                "{a0}: {}",
                duration(a0)
            );
        }
        // Twice the root of the distance over the acceleration, and the ramps' time.
        assert!((duration(0.0) - (2.0 * (0.05_f64 + 1e-6).sqrt() + 0.002)).abs() < 1e-9, "{}", duration(0.0));
    }
}

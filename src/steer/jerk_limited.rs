//! Jerk-limited steering: bounded velocity, acceleration and jerk, between any two states of
//! position, velocity and acceleration.
//!
//! One output's profile has seven phases of constant jerk: a ramp to a velocity that is cruised at
//! without acceleration, the cruise, and a ramp to the velocity and acceleration of the end. The ramps
//! are the fastest there are, in closed form; the velocity between them is what remains to be found,
//! for the shortest duration or for a given one. Profiles of this kind with the greatest jerk are also
//! those of Berscheid & Kroeger, *Jerk-limited real-time trajectory generation with arbitrary target
//! states*, RSS 2021, where polynomials in the durations are solved; here it is a search for one number
//! in which the distance is monotone (see [`Ends::distance_in`]), and needs no cases. Left out are
//! profiles whose acceleration never vanishes: for some states these arrive a little earlier.

use crate::robot::OutputLimits;
use crate::trajectory::{Trajectory, extrema};

/// Relative tolerance of the comparisons that decide what is possible: states that are read off a
/// trajectory may lie beyond limits by some 1e-11.
const TOLERANCE: f64 = 1e-10;

/// How far a replayed profile may miss its end, rad or m and per second; per second squared.
const REPLAY_TOLERANCE: f64 = 1e-10;

/// Where some output cannot arrive after a duration, one that is longer by this share is tried.
const STEP: f64 = 1.04;

/// Steps until a pair of states is given up.
const STEPS: usize = 16;

/// Newton's steps or halvings until a root cannot be told apart in `f64`.
const ITERATIONS: usize = 80;

/// A distance missed by so little is met, rad or m.
const MET: f64 = 1e-13;

/// Switching times closer than this, seconds, are one: the accelerations at stake are 1e-9 of the
/// greatest jerk in use.
const SHORTEST_PIECE: f64 = 1e-13;

/// Phases of a profile.
const PHASES: usize = 7;

/// One output's motion: phases of constant jerk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JerkProfile {
    /// Position, velocity and acceleration when each phase begins, and at the end.
    states: [[f64; 3]; PHASES + 1],
    /// When each phase begins, seconds, and when the last ends.
    times: [f64; PHASES + 1],
    /// Jerk in each phase.
    jerks: [f64; PHASES],
}

impl JerkProfile {
    /// From a state through phases of given durations and jerks.
    fn new(state: [f64; 3], phases: [(f64, f64); PHASES]) -> Self {
        let (mut states, mut times, mut jerks) = ([state; PHASES + 1], [0.0; PHASES + 1], [0.0; PHASES]);
        for (i, (duration, jerk)) in phases.into_iter().enumerate() {
            states[i + 1] = after(states[i], jerk, duration);
            times[i + 1] = times[i] + duration;
            jerks[i] = jerk;
        }
        Self { states, times, jerks }
    }

    /// The phase at time `t`.
    fn phase(&self, t: f64) -> usize {
        self.times[1..PHASES].partition_point(|&end| end <= t)
    }

    /// Position, velocity and acceleration at time `t`.
    pub fn state(&self, t: f64) -> [f64; 3] {
        let i = self.phase(t);
        after(self.states[i], self.jerks[i], t - self.times[i])
    }

    /// Duration, seconds.
    pub fn duration(&self) -> f64 {
        self.times[PHASES]
    }

    /// Least and greatest position.
    fn range(&self) -> (f64, f64) {
        let mut range = (f64::INFINITY, f64::NEG_INFINITY);
        for (i, [p, v, a]) in self.states[..PHASES].iter().enumerate() {
            let duration = self.times[i + 1] - self.times[i];
            let e = extrema(&[*p, *v, 0.5 * a, self.jerks[i] / 6.0], 0, duration);
            range = (range.0.min(e.min), range.1.max(e.max));
        }
        range
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
    /// Greatest acceleration in that direction.
    peak: f64,
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
#[derive(Clone, Copy, Debug)]
struct Ends {
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

impl Ends {
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
        let state = after([0.0, v, a], j, times[0]);
        let state = after(state, 0.0, times[1]);
        let [distance, ..] = after(state, -j, times[2]);
        Ramp { sign, peak, times, distance: sign * distance }
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

    /// The least duration, if the acceleration is to vanish on the way and there are no position
    /// limits, and the velocity of its cruise. Where the ends leave no such motion that is both, what
    /// is given is only a bound, without a velocity.
    ///
    /// Between the stops several velocities may do, and only one is looked for: some hundredths of the
    /// duration are lost where it is not the best, which is rare.
    fn first(&self) -> Option<(f64, f64)> {
        let [s, t] = self.stops()?;
        let (low, high) = (s.min(t), s.max(t));
        let faster = self.beyond(high);
        // Slower is faster, seen the other way round.
        let slower = self.mirrored().beyond(-low).map(|(duration, v)| (duration, -v));
        let candidates = [faster, slower, self.between(low, high)];
        let least = candidates.into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0));
        Some(least.unwrap_or_else(|| (self.cruise(low).time.min(self.cruise(high).time), f64::NAN)))
    }

    /// A motion without a cruise whose velocity between the ramps lies between the stops, if they are
    /// sure to have one.
    fn between(&self, low: f64, high: f64) -> Option<(f64, f64)> {
        let missing = |v: f64| self.cruise(v).distance - self.distance;
        let (first, last) = (missing(low), missing(high));
        (first * last < 0.0).then(|| {
            let v = root(low, high, |v| (missing(v) * last.signum(), 0.0));
            (self.cruise(v).time, v)
        })
    }

    fn mirrored(&self) -> Self {
        let Self { distance, v0, a0, v1, a1, .. } = *self;
        Self { distance: -distance, v0: -v0, a0: -a0, v1: -v1, a1: -a1, ..*self }
    }

    /// The least duration at which the cruise, if any, is no slower than `high`, at which or below
    /// which both ends come to rest at once; and the velocity of that cruise.
    ///
    /// There the duration of the ramps grows with the velocity; so does their distance where the
    /// velocity is positive, and where it is negative the distance is convex.
    fn beyond(&self, high: f64) -> Option<(f64, f64)> {
        let top = self.velocity;
        let (excess, _) = self.missing(high);
        if high < 0.0 && excess >= 0.0 {
            // Only on its way down can the distance be met.
            return self.falling(high).map(|v| (self.cruise(v).time, v));
        }
        if excess > 0.0 {
            return None;
        }
        let fastest = self.cruise(top);
        if fastest.distance <= self.distance {
            return Some((fastest.time + (self.distance - fastest.distance) / top, top));
        }
        let v = root(high, top, |v| self.missing(v));
        Some((self.cruise(v).time, v))
    }

    /// What the ramps alone go too far, and its derivative by the velocity between them, above both
    /// stops.
    fn missing(&self, velocity: f64) -> (f64, f64) {
        let Cruise { ramps: [a, b], distance, .. } = self.cruise(velocity);
        let slope = 0.5 * (a.times[2] + b.times[2]) + velocity * (1.0 / a.peak + 1.0 / b.peak);
        (distance - self.distance, slope)
    }

    /// The least negative velocity above `high` at which the ramps go just far enough, where at `high`
    /// they go too far. Newton's method comes from the left and, as the distance is convex, never
    /// passes the root; where the distance begins to rise there is none.
    fn falling(&self, high: f64) -> Option<f64> {
        // The derivative is infinite where a ramp has no length.
        let mut v = high * (1.0 - 1e-3);
        if self.missing(v).0 <= 0.0 {
            return Some(root(high, v, |v| (-self.missing(v).0, 0.0)));
        }
        for _ in 0..ITERATIONS {
            let (missing, slope) = self.missing(v);
            if missing <= MET {
                return Some(v);
            }
            if slope >= 0.0 {
                return None;
            }
            v -= missing / slope;
            if v > 0.0 {
                return None;
            }
        }
        None
    }

    /// The velocity to cruise at for a motion of `duration`.
    fn velocity_for(&self, duration: f64) -> Option<f64> {
        let [s, t] = self.stops()?;
        let (low, high) = (s.min(t), s.max(t));
        let at = |v: f64| self.distance_in(duration, v).0;
        // Where the ramps alone take too long, the velocity is too high above both stops and too low
        // below them. Between them it may be either.
        let too_high = |v: f64| self.distance_in(duration, v);
        let too_low = |v: f64| match self.distance_in(duration, v) {
            (missing, _) if missing == f64::INFINITY => (f64::NEG_INFINITY, 0.0),
            other => other,
        };
        let above = at(high);
        let below = if above <= 0.0 { above } else { at(low) };
        let found = if above <= 0.0 {
            root(high, self.velocity, too_high)
        } else if below.is_finite() && below >= 0.0 {
            root(-self.velocity, low, too_low)
        } else {
            let left = if below < 0.0 { root(low, high, too_high) } else { low };
            if at(left).abs() <= REPLAY_TOLERANCE { left } else { root(low, high, too_low) }
        };
        (at(found).abs() <= REPLAY_TOLERANCE).then_some(found)
    }

    /// The profile that takes `duration`, from a given position, cruising at `velocity`.
    fn profile(&self, position: f64, duration: f64, velocity: f64) -> Option<JerkProfile> {
        let Cruise { ramps: [a, b], time, .. } = self.cruise(velocity);
        let (up, down) = (a.sign * self.jerk, b.sign * self.jerk);
        let phases = [
            (a.times[0], up),
            (a.times[1], 0.0),
            (a.times[2], -up),
            ((duration - time).max(0.0), 0.0),
            (b.times[2], -down),
            (b.times[1], 0.0),
            (b.times[0], down),
        ];
        let profile = JerkProfile::new([position, self.v0, self.a0], phases);
        // No closed form is believed without a replay.
        let close =
            |value: f64, wanted: f64| (value - wanted).abs() <= REPLAY_TOLERANCE * wanted.abs().max(1.0);
        let [p, v, acceleration] = profile.states[PHASES];
        let arrives = close(p, position + self.distance) && close(v, self.v1) && close(acceleration, self.a1);
        arrives.then_some(profile)
    }
}

/// A root of `f`, which gives a value and a derivative (zero where that is not known), ascends from
/// `low` to `high` and may jump, there to the jump. Newton's method, halving where it leaves the
/// bracket or is slow.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut x = 0.5 * (low + high);
    let mut width = high - low;
    for _ in 0..ITERATIONS {
        let (value, slope) = f(x);
        if value.abs() <= MET {
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

/// Jerk-limited steering: the least common duration at which every output can arrive (of those tried),
/// and for each output the profile that takes just so long.
#[derive(Clone, Debug)]
pub struct JerkLimited {
    limits: Vec<OutputLimits>,
}

impl JerkLimited {
    /// Steering within `limits`; velocities, accelerations and jerks must be limited.
    pub fn new(limits: &[OutputLimits]) -> Self {
        Self { limits: limits.to_vec() }
    }

    /// Joins two states, `[derivative][output]`, by one profile per output in `profiles`, and gives
    /// their duration. With a `stretch` above 1 the motion is to be about so much slower than it could
    /// be, with less acceleration.
    ///
    /// With moving ends an output may be able to arrive at some time and again from a later time on,
    /// but not between; the duration then grows in steps until all can, so that it need not be the
    /// least. `None` where that is longer than `longest`, an end breaks a limit, or a profile would
    /// leave its position limits.
    pub fn steer(
        &self,
        from: [&[f64]; 3],
        to: [&[f64]; 3],
        stretch: f64,
        longest: f64,
        profiles: &mut Vec<JerkProfile>,
    ) -> Option<f64> {
        let ends = |i: usize| {
            let l = &self.limits[i];
            let greatest = from[2][i].abs().max(to[2][i].abs());
            Ends {
                distance: to[0][i] - from[0][i],
                v0: from[1][i],
                a0: from[2][i],
                v1: to[1][i],
                a1: to[2][i],
                velocity: l.velocity,
                acceleration: (l.acceleration / (stretch * stretch)).max(greatest.min(l.acceleration)),
                jerk: l.jerk / stretch.powi(3),
            }
        };
        let (mut duration, mut slowest, mut cruise) = (0.0, 0, 0.0);
        for i in 0..self.limits.len() {
            let (first, velocity) = ends(i).first()?;
            if first > longest {
                return None;
            }
            if first > duration {
                (duration, slowest, cruise) = (first, i, velocity);
            }
        }
        for step in 0..STEPS {
            if duration > longest {
                return None;
            }
            let profile = |i: usize| {
                let ends = ends(i);
                // What the duration is taken from needs no search, and has no cruise of no length.
                let known = step == 0 && i == slowest && cruise.is_finite();
                let velocity = if known { cruise } else { ends.velocity_for(duration)? };
                ends.profile(from[0][i], duration, velocity)
            };
            profiles.clear();
            profiles.extend((0..self.limits.len()).map_while(profile));
            if profiles.len() == self.limits.len() {
                return self.keep_positions(profiles).then_some(duration);
            }
            duration *= STEP;
        }
        None
    }

    fn keep_positions(&self, profiles: &[JerkProfile]) -> bool {
        self.limits.iter().zip(profiles).all(|(limits, profile)| {
            let (least, most) = profile.range();
            least >= limits.lower - TOLERANCE && most <= limits.upper + TOLERANCE
        })
    }

    /// The fastest motion from rest to rest along a straight line: all outputs follow one profile of
    /// seven phases. `None` where there is nowhere to go.
    pub fn straight(&self, from: &[f64], to: &[f64]) -> Option<Trajectory> {
        let mut share = OutputLimits { lower: 0.0, upper: 1.0, ..OutputLimits::NONE };
        for ((l, a), b) in self.limits.iter().zip(from).zip(to) {
            let way = (b - a).abs();
            if way > 0.0 {
                share.velocity = share.velocity.min(l.velocity / way);
                share.acceleration = share.acceleration.min(l.acceleration / way);
                share.jerk = share.jerk.min(l.jerk / way);
            }
        }
        let (zero, one) = ([0.0], [1.0]);
        let mut profiles = Vec::with_capacity(1);
        let steering = Self::new(&[share]);
        let duration =
            steering.steer([&zero, &zero, &zero], [&one, &zero, &zero], 1.0, f64::INFINITY, &mut profiles)?;
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
        Some(motion)
    }
}

/// The trajectory of some profiles: a cubic between any two switching times.
pub fn trajectory(profiles: &[JerkProfile], duration: f64) -> Trajectory {
    let mut times: Vec<f64> = profiles.iter().flat_map(|p| &p.times[1..PHASES]).copied().collect();
    times.retain(|&t| t > SHORTEST_PIECE && t < duration - SHORTEST_PIECE);
    times.push(duration);
    times.sort_unstable_by(f64::total_cmp);
    let mut motion = Trajectory::new(profiles.len(), 3);
    let mut coefficients = Vec::with_capacity(4 * profiles.len());
    let mut last = 0.0;
    for t in times {
        if t - last <= SHORTEST_PIECE && !motion.is_empty() {
            continue;
        }
        coefficients.clear();
        for profile in profiles {
            let [p, v, a] = profile.state(last);
            let jerk = profile.jerks[profile.phase(0.5 * (last + t))];
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
    fn query() -> impl Strategy<Value = Ends> {
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
                Ends { distance, v0, a0, v1, a1, velocity, acceleration, jerk }
            },
        )
    }

    fn limits(e: &Ends) -> OutputLimits {
        let Ends { velocity, acceleration, jerk, .. } = *e;
        OutputLimits { velocity, acceleration, jerk, ..OutputLimits::NONE }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// A profile of the first duration exists nearly always, arrives, and keeps its limits.
        #[test]
        fn replayed_profiles_arrive_within_limits(queries in prop::collection::vec(query(), 1..8)) {
            let steering = JerkLimited::new(&queries.iter().map(limits).collect::<Vec<_>>());
            let column = |f: fn(&Ends) -> f64| queries.iter().map(f).collect::<Vec<f64>>();
            let still = vec![0.0; queries.len()];
            let (v0, a0, v1, a1) = (column(|e| e.v0), column(|e| e.a0), column(|e| e.v1), column(|e| e.a1));
            let mut profiles = Vec::new();
            let duration = steering.steer(
                [&still, &v0, &a0], [&column(|e| e.distance), &v1, &a1], 1.0, f64::INFINITY, &mut profiles,
            );
            prop_assert!(queries.len() > 1 || duration.is_some(), "{:?}", queries);
            let Some(duration) = duration else { return Ok(()) };
            let motion = trajectory(&profiles, duration);
            for (i, e) in queries.iter().enumerate() {
                let within = |order: usize, limit: f64| motion.extrema(i, order).magnitude().0 <= limit * (1.0 + 1e-9);
                prop_assert!(within(1, e.velocity) && within(2, e.acceleration) && within(3, e.jerk));
                let mut out = vec![0.0; queries.len()];
                for (order, wanted) in [e.distance, e.v1, e.a1].into_iter().enumerate() {
                    motion.evaluate(motion.duration(), order, &mut out);
                    prop_assert!((out[i] - wanted).abs() < 1e-9 * (1.0 + wanted.abs()));
                }
            }
            for order in 0..3 {
                prop_assert!(motion.greatest_jump(order).is_none_or(|jump| jump.size.abs() < 2e-9));
            }
        }

        /// No duration on a fine grid well below the first is possible, and from far above all are.
        #[test]
        fn the_first_duration_is_the_least(e in query()) {
            let (first, _) = e.first().expect("ends within limits");
            // Below, what counts as met takes its time.
            prop_assume!(first > 1e-2);
            for k in 6..60 {
                let shorter = first * (1.0 - f64::from(k) / 60.0) - 1e-6;
                prop_assert!(e.velocity_for(shorter).is_none(), "{} of {}", shorter, first);
            }
            let long = 20.0 * (first + e.velocity / e.acceleration + e.acceleration / e.jerk + (e.velocity / e.jerk).sqrt()) + 4.0 * e.distance.abs() / e.velocity;
            prop_assert!(e.velocity_for(long).is_some());
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
            let motion = steering.straight(&from, &to).expect("somewhere to go");
            prop_assert!(motion.len() <= PHASES);
            let mut most = 0.0_f64;
            for (i, l) in limits.iter().enumerate() {
                for (order, limit) in [(1, l.velocity), (2, l.acceleration), (3, l.jerk)] {
                    most = most.max(motion.extrema(i, order).magnitude().0 / limit);
                }
            }
            prop_assert!((most - 1.0).abs() < 1e-6, "{most}");
            let quintic = super::super::HigherOrder::<3>::new(&limits).rest_to_rest_duration(&from, &to);
            prop_assert!(motion.duration() < quintic);
        }
    }

    #[test]
    fn rest_to_rest_in_seven_phases() {
        // One second of each ramp phase: 1 m/s^3 to 1 m/s^2, held for 1 s, to 2 m/s; then 3 m at that.
        let e = Ends {
            distance: 9.0,
            v0: 0.0,
            a0: 0.0,
            v1: 0.0,
            a1: 0.0,
            velocity: 2.0,
            acceleration: 1.0,
            jerk: 1.0,
        };
        let (first, cruise) = e.first().expect("a way");
        assert!((first - 7.5).abs() < 1e-12 && cruise == 2.0);
        let profile = e.profile(0.0, first, cruise).expect("a way");
        for (t, expected) in profile.times.iter().zip([0.0, 1.0, 2.0, 3.0, 4.5, 5.5, 6.5, 7.5]) {
            assert!((t - expected).abs() < 1e-6, "{:?}", profile.times);
        }
    }
}

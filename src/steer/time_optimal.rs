//! Time-optimal steering of order 2: every output accelerates, cruises and decelerates within its
//! limits, and all arrive together.

use crate::robot::OutputLimits;

/// Relative room for rounding when a profile is held against the limits.
const TOLERANCE: f64 = 1e-9;

/// A replayed profile may miss its end by so much, relative to the velocities on its way and to how far these
/// lead: times and accelerations are rounded, and short phases at great accelerations divide by small numbers.
const REPLAY_TOLERANCE: f64 = 1e-8;

/// One output's motion: acceleration `first` until `accelerated`, then none until `cruised`, then
/// acceleration `last` until the end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Profile {
    /// Value at the beginning, rad or m.
    pub position: f64,
    /// Derivative at the beginning.
    pub velocity: f64,
    /// Acceleration of the first phase.
    pub first: f64,
    /// When the first phase ends, seconds.
    pub accelerated: f64,
    /// When the last phase begins, seconds.
    pub cruised: f64,
    /// Acceleration of the last phase.
    pub last: f64,
}

impl Profile {
    /// Value and derivative at time `t`.
    pub fn state(&self, t: f64) -> (f64, f64) {
        let (mut p, mut v, mut now) = (self.position, self.velocity, 0.0);
        for (until, a) in [(self.accelerated, self.first), (self.cruised, 0.0), (f64::INFINITY, self.last)] {
            let dt = (t.min(until) - now).max(0.0);
            p += dt * (v + 0.5 * a * dt);
            v += a * dt;
            now = now.max(until.min(t));
        }
        (p, v)
    }

    /// Second derivative at time `t`.
    pub fn acceleration(&self, t: f64) -> f64 {
        if t < self.accelerated {
            self.first
        } else if t < self.cruised {
            0.0
        } else {
            self.last
        }
    }

    /// The same seen the other way around.
    fn mirrored(self) -> Self {
        let Self { position, velocity, first, last, .. } = self;
        Self { position: -position, velocity: -velocity, first: -first, last: -last, ..self }
    }

    /// Least and greatest value within `duration`.
    fn range(&self, duration: f64) -> (f64, f64) {
        let (end, _) = self.state(duration);
        let mut range = (self.position.min(end), self.position.max(end));
        let (_, peak) = self.state(self.accelerated);
        let turns = [
            (self.first != 0.0)
                .then(|| -self.velocity / self.first)
                .filter(|t| (0.0..=self.accelerated).contains(t)),
            (self.last != 0.0)
                .then(|| self.cruised - peak / self.last)
                .filter(|t| (self.cruised..=duration).contains(t)),
        ];
        for t in turns.into_iter().flatten() {
            let (p, _) = self.state(t);
            range = (range.0.min(p), range.1.max(p));
        }
        range
    }
}

/// Bounded-acceleration steering: the least common duration at which every output can arrive, then
/// for each a profile that takes just so long: one that switches when another output does, so that the
/// motion has few pieces, or else the one of least acceleration.
///
/// With moving ends an output may be able to arrive until some time and again from a later time, but
/// not between: overshooting takes a while to make good. Such a gap is stepped over. Hauser and
/// Ng-Thow-Hing, *Fast smoothing of manipulator trajectories using optimal bounded-acceleration
/// shortcuts*, ICRA 2010, section IV; the gap: LaValle et al., *Bang-bang boosting of RRTs*, 2022,
/// section IV.
#[derive(Clone, Debug)]
pub struct TimeOptimal {
    limits: Vec<OutputLimits>,
    /// Greatest acceleration of each output downwards.
    falls: Vec<f64>,
    /// When each output can arrive.
    arrivals: Vec<Arrivals>,
    /// Pairs of times at which profiles of the motion at hand switch.
    switches: Vec<(f64, f64)>,
}

/// One output's part of a query.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OptimalEnds {
    distance: f64,
    v0: f64,
    v1: f64,
    velocity: f64,
    /// Greatest acceleration upwards, ...
    rise: f64,
    /// ... and downwards, as a positive number.
    fall: f64,
}

/// When one output can arrive: at any time from `first` to `gap.0`, and from `gap.1` on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Arrivals {
    first: f64,
    gap: Option<(f64, f64)>,
}

impl TimeOptimal {
    /// Steering within `limits`; velocities and accelerations must be limited.
    pub fn new(limits: &[OutputLimits]) -> Self {
        let falls = limits.iter().map(|limits| limits.acceleration).collect();
        Self { limits: limits.to_vec(), falls, arrivals: Vec::new(), switches: Vec::new() }
    }

    /// Lets an output accelerate downwards by up to `most`, whatever its limit upwards: weight helps.
    pub fn allow_fall(&mut self, output: usize, most: f64) {
        self.falls[output] = most;
    }

    /// The least duration, seconds, at which every output can arrive at its end of (p0, v0) to (p1, v1); `None` where that
    /// is longer than `longest`, or an end breaks a limit. No motion is faster, but position limits may
    /// keep the fastest from being one.
    pub fn least_duration(
        &mut self,
        [p0, v0]: [&[f64]; 2],
        [p1, v1]: [&[f64]; 2],
        longest: f64,
    ) -> Option<f64> {
        let Self { limits, falls, arrivals, .. } = self;
        let exact = |j: usize| {
            let OutputLimits { velocity, acceleration: rise, .. } = limits[j];
            OptimalEnds { distance: p1[j] - p0[j], v0: v0[j], v1: v1[j], velocity, rise, fall: falls[j] }
        };
        common_duration(limits.len(), exact, 0.0, longest, arrivals)
    }

    /// Joins (p0, v0) to (p1, v1): one profile per output in `profiles`, and their duration, which is
    /// the least that is possible from `earliest` on. With an `earliest` above zero every output takes the
    /// least acceleration it can, and shares no times for the sake of few pieces.
    ///
    /// `None` where that is longer than `longest`, an end breaks a limit, or a profile would leave its
    /// position limits.
    #[allow(clippy::too_many_arguments, reason = "two states, and what is asked of the motion between them")]
    pub fn steer(
        &mut self,
        p0: &[f64],
        v0: &[f64],
        p1: &[f64],
        v1: &[f64],
        earliest: f64,
        longest: f64,
        profiles: &mut Vec<Profile>,
    ) -> Option<f64> {
        let Self { limits, falls, arrivals, switches } = self;
        let (limits, falls) = (&*limits, &*falls);
        let exact = |j: usize| {
            let OutputLimits { velocity, acceleration: rise, .. } = limits[j];
            OptimalEnds { distance: p1[j] - p0[j], v0: v0[j], v1: v1[j], velocity, rise, fall: falls[j] }
        };
        let mut duration = common_duration(limits.len(), exact, earliest, longest, arrivals)?;
        let first = duration;
        let ends = |j: usize| exact(j).blunted(first);
        if (0..limits.len()).any(|j| ends(j) != exact(j)) {
            duration = common_duration(limits.len(), ends, earliest, longest, arrivals)?;
        }
        profiles.clear();
        profiles.resize(limits.len(), Profile::default());
        switches.clear();
        // The last to arrive has no choice of times; the others may find theirs among its.
        let last = (0..limits.len()).max_by(|&a, &b| arrivals[a].first.total_cmp(&arrivals[b].first))?;
        for j in std::iter::once(last).chain((0..limits.len()).filter(|&j| j != last)) {
            let ends = ends(j);
            let within = |profile: Profile| {
                let profile = Profile { position: p0[j], ..profile };
                holds_positions(&limits[j], profile.range(duration)).then_some(profile)
            };
            let mut shared = None;
            if earliest == 0.0 {
                shared = switches.iter().find_map(|&at| ends.switched(at, duration).and_then(within));
            }
            profiles[j] = match shared {
                Some(profile) => profile,
                None => {
                    let gentle = ends.profile(duration)?;
                    let own = within(gentle).or_else(|| ends.steep(duration).and_then(within))?;
                    switches.push((own.accelerated, own.cruised));
                    own
                }
            };
        }
        Some(duration)
    }
}

/// The least duration from `earliest` on at which every output can arrive, up to `longest`; fills in when
/// each can.
fn common_duration(
    outputs: usize,
    ends: impl Fn(usize) -> OptimalEnds,
    earliest: f64,
    longest: f64,
    arrivals: &mut Vec<Arrivals>,
) -> Option<f64> {
    arrivals.clear();
    let mut duration = earliest;
    for j in 0..outputs {
        let arrival = ends(j).arrivals()?;
        duration = duration.max(arrival.first);
        if duration > longest {
            return None;
        }
        arrivals.push(arrival);
    }
    // Every step leaves one gap behind for good, as the duration only grows.
    for _ in 0..=arrivals.len() {
        let mut stepped = false;
        for (from, to) in arrivals.iter().filter_map(|a| a.gap) {
            if duration > from + TOLERANCE * to && duration < to {
                duration = to;
                stepped = true;
            }
        }
        if !stepped {
            return (duration <= longest).then_some(duration);
        }
    }
    None
}

/// The least acceleration with which an output comes a distance, from one velocity to another, in just a duration;
/// `None` where it cannot within its limits of velocity and acceleration.
pub(super) fn least_acceleration(
    [distance, v0, v1]: [f64; 3],
    [velocity, acceleration]: [f64; 2],
    duration: f64,
) -> Option<f64> {
    let ends = OptimalEnds { distance, v0, v1, velocity, rise: acceleration, fall: acceleration };
    let profile = ends.profile(duration)?;
    Some(profile.first.abs().max(profile.last.abs()))
}

/// Whether a range of positions is within limits, but for rounding.
pub(super) fn holds_positions(limits: &OutputLimits, (least, most): (f64, f64)) -> bool {
    let size = |bound: f64| if bound.is_finite() { bound.abs() } else { 0.0 };
    let room = TOLERANCE * size(limits.lower).max(size(limits.upper)).max(most - least);
    least >= limits.lower - room && most <= limits.upper + room
}

impl OptimalEnds {
    /// With accelerations no greater than bring the velocities that a motion of a duration has to do with about
    /// in a short while.
    fn blunted(&self, duration: f64) -> Self {
        let speed = super::speed_in_use(self.distance, self.v0, self.v1, duration);
        let [rise, fall] = [self.rise, self.fall].map(|a| super::blunted(a, speed, duration));
        Self { rise, fall, ..*self }
    }

    /// The same seen the other way around, so that what rises falls.
    fn mirrored(&self) -> Self {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        Self { distance: -distance, v0: -v0, v1: -v1, velocity, rise: fall, fall: rise }
    }

    /// All arrival times at the greatest accelerations; `None` where an end is too fast.
    fn arrivals(&self) -> Option<Arrivals> {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        if v0.abs() > velocity * (1.0 + TOLERANCE) || v1.abs() > velocity * (1.0 + TOLERANCE) {
            return None;
        }
        // Beyond what turning v0 into v1 at once covers, the fastest way speeds up first.
        let turning = if v1 >= v0 { rise } else { fall };
        let direct = 0.5 * (v0 + v1) * (v1 - v0).abs() / turning;
        // Seen along that way, speeding up is positive.
        let ahead = if distance == direct { v0 + v1 >= 0.0 } else { distance > direct };
        let arrivals = if ahead { self.arrivals_ahead() } else { self.mirrored().arrivals_ahead() };
        let at_once = (v1 - v0).abs() / turning;
        Some(if distance == direct { Arrivals { first: at_once, ..arrivals } } else { arrivals })
    }

    /// All arrival times where the fastest way speeds up first.
    fn arrivals_ahead(&self) -> Arrivals {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        // A phase from v0 to the peak at acceleration `a`, a cruise, a phase from there to v1 at `b`.
        let arrival = |a: f64, b: f64, peak: f64| {
            let ramps = (peak - v0) / a + (v1 - peak) / b;
            let covered = 0.5 * ((peak * peak - v0 * v0) / a + (v1 * v1 - peak * peak) / b);
            ramps + if peak == 0.0 { 0.0 } else { (distance - covered) / peak }
        };
        let square =
            |a: f64, b: f64| (distance + 0.5 * (v0 * v0 / a - v1 * v1 / b)) / (0.5 * (1.0 / a - 1.0 / b));
        let peak = square(rise, -fall).max(0.0).sqrt().min(velocity);
        let first = arrival(rise, -fall, peak.max(v0.max(v1)));
        // Slowing down first instead: to a lesser speed of the same direction at the latest, or by
        // going back at the earliest.
        let square = square(-fall, rise);
        let (slow, least) = (square.max(0.0).sqrt(), v0.min(v1));
        // At no distance the two are the same, up to rounding.
        let gap = (square > 0.0 && slow <= least * (1.0 + TOLERANCE)).then(|| {
            let slow = slow.min(least);
            (arrival(-fall, rise, slow), arrival(-fall, rise, -slow.min(velocity)))
        });
        Arrivals { first, gap }
    }

    /// The profile that takes `duration` and switches at two given times, if there is one within the
    /// limits: the speed between them follows from the distance.
    fn switched(&self, (accelerated, cruised): (f64, f64), duration: f64) -> Option<Profile> {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        let slowing = duration - cruised;
        let speed =
            (distance - 0.5 * (v0 * accelerated + v1 * slowing)) / (0.5 * (duration + cruised - accelerated));
        let (first, last) = ((speed - v0) / accelerated, (v1 - speed) / slowing);
        // A phase of no length makes an acceleration that is infinite or none, and holds no limit.
        let within = |a: f64| (-fall..=rise).contains(&a);
        let holds = speed.abs() <= velocity && within(first) && within(last);
        holds.then_some(Profile { position: 0.0, velocity: v0, first, accelerated, cruised, last })
    }

    /// The profile that takes `duration` and the least share of the accelerations there are.
    fn profile(&self, duration: f64) -> Option<Profile> {
        let t = duration;
        if t <= 0.0 {
            return Some(Profile { velocity: self.v0, ..Profile::default() });
        }
        let (ahead, back) = (self.phases(t), self.mirrored().phases(t));
        let backwards = |(share, phases): (f64, Profile)| (share, phases.mirrored());
        let all = ahead.into_iter().chain(back.map(|phases| phases.map(backwards))).flatten();
        let least = all.filter(|(_, profile)| self.arrives(profile, t)).min_by(|a, b| a.0.total_cmp(&b.0));
        least.map(|(_, profile)| profile)
    }

    /// Profiles that first speed up and take `duration`, each with the share of the accelerations that it
    /// takes: without a cruise; with one at the greatest speed; and that with the whole of the accelerations,
    /// as at the first arrival the share is all rounding where the ramps are short.
    fn phases(&self, duration: f64) -> [Option<(f64, Profile)>; 3] {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        let (up, down) = (1.0 / rise, 1.0 / fall);
        let mean = distance / duration;
        let (below0, below1) = (mean - v0, mean - v1);
        // The peak is so far above the mean velocity that the weighted squares of what the ends are off agree.
        let above = ((up * below0 * below0 + down * below1 * below1) / (up + down)).sqrt();
        let share = |above0: f64, above1: f64| (above0 * up + above1 * down) / duration;
        // above + below, where that is a difference of nearly equal numbers, by the difference of the squares.
        let gain = |below: f64, other: f64, weight: f64| match below >= 0.0 {
            true => above + below,
            false => weight / (up + down) * (other * other - below * below) / (above - below),
        };
        let (to, from) = (gain(below0, below1, down), gain(below1, below0, up));
        let cruised = (velocity - v0).powi(2) * up + (velocity - v1).powi(2) * down;
        let cruised = cruised / (2.0 * (duration * velocity - distance));
        let offer = |share: f64, to: f64, from: f64| self.phase(share, to, from, duration);
        [
            offer(share(to, from), to, from),
            offer(cruised, velocity - v0, velocity - v1),
            offer(1.0, velocity - v0, velocity - v1),
        ]
    }

    /// A profile at a share of the accelerations that gains `to` on the first velocity and loses `from`
    /// down to the last, if these fit into `duration`.
    fn phase(&self, share: f64, to: f64, from: f64, duration: f64) -> Option<(f64, Profile)> {
        let still = share == 0.0;
        let room = TOLERANCE * duration;
        let (first, last) = (share * self.rise, -share * self.fall);
        let accelerated = if still { 0.5 * duration } else { to / first };
        let cruised = if still { accelerated } else { duration + from / last };
        let in_time = accelerated >= -room && cruised <= duration + room && cruised >= accelerated - room;
        if !in_time || share > 1.0 + TOLERANCE {
            return None;
        }
        let accelerated = accelerated.clamp(0.0, duration);
        let cruised = cruised.max(accelerated).min(duration);
        let peak = self.v0 + first * accelerated;
        let in_limits = peak.abs() <= self.velocity * (1.0 + TOLERANCE);
        let profile = Profile { position: 0.0, velocity: self.v0, first, accelerated, cruised, last };
        in_limits.then_some((share, profile))
    }

    /// The profile that takes `duration` and uses the whole of the accelerations: between the ramps it cruises.
    /// It turns back as soon as can be, and so strays no farther beyond either end than it must.
    fn steep(&self, duration: f64) -> Option<Profile> {
        let Self { distance, v0, v1, velocity, rise, fall } = *self;
        // The distance is a quadratic in the velocity of the cruise, and ascends while there is a cruise.
        let cruise = |a: f64, b: f64| {
            let bend = 0.5 * (1.0 / a - 1.0 / b);
            let slope = duration + v0 / a - v1 / b;
            let missing = distance + 0.5 * (v0 * v0 / a - v1 * v1 / b);
            let root = (slope * slope - 4.0 * bend * missing).sqrt();
            if slope > 0.0 { 2.0 * missing / (slope + root) } else { 0.5 * (slope - root) / bend }
        };
        [(rise, -fall), (-fall, rise), (rise, rise), (-fall, -fall)].into_iter().find_map(|(a, b)| {
            let speed = cruise(a, b).clamp(-velocity, velocity);
            let (accelerated, cruised) = ((speed - v0) / a, duration - (v1 - speed) / b);
            let room = TOLERANCE * duration;
            let in_time = accelerated >= -room && cruised <= duration + room && cruised >= accelerated - room;
            let accelerated = accelerated.clamp(0.0, duration);
            let cruised = cruised.max(accelerated).min(duration);
            let profile = Profile { position: 0.0, velocity: v0, first: a, accelerated, cruised, last: b };
            (in_time && self.arrives(&profile, duration)).then_some(profile)
        })
    }

    /// No closed form is believed without a replay.
    fn arrives(&self, profile: &Profile, duration: f64) -> bool {
        let (p, v) = profile.state(duration);
        let peak = self.v0 + profile.first * profile.accelerated;
        let fast = self.v0.abs() + self.v1.abs() + peak.abs();
        let far = (p - self.distance).abs() > REPLAY_TOLERANCE * (self.distance.abs() + fast * duration);
        !far && (v - self.v1).abs() <= REPLAY_TOLERANCE * fast
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits(velocity: f64, acceleration: f64) -> OutputLimits {
        OutputLimits { velocity, acceleration, ..OutputLimits::NONE }
    }

    /// Velocities as shares of the limit, with deliberate zeros and ties.
    fn share() -> impl Strategy<Value = f64> {
        prop_oneof![4 => -1.0..1.0, 1 => Just(0.0), 1 => Just(1.0), 1 => Just(-1.0), 1 => Just(0.5)]
    }

    fn distance() -> impl Strategy<Value = f64> {
        prop_oneof![6 => -3.0..3.0, 2 => -0.05..0.05, 1 => Just(0.0)]
    }

    type Query = (f64, f64, f64, f64, f64, f64);

    /// Distance, end velocities as shares of the limit, that, the greatest acceleration upwards, and what
    /// times that it is downwards.
    fn query() -> impl Strategy<Value = Query> {
        (distance(), share(), share(), 0.1..3.0, 0.2..20.0, prop_oneof![Just(1.0), 0.1..5.0])
    }

    fn ends((distance, v0, v1, velocity, rise, ratio): Query) -> OptimalEnds {
        OptimalEnds { distance, v0: v0 * velocity, v1: v1 * velocity, velocity, rise, fall: ratio * rise }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// Replay: profiles end where they should, and stay within the limits on the way.
        #[test]
        fn replayed_profiles_arrive_within_limits(queries in proptest::collection::vec(query(), 1..8)) {
            let all: Vec<OptimalEnds> = queries.iter().map(|&q| ends(q)).collect();
            let mut steering = TimeOptimal::new(&all.iter().map(|e| limits(e.velocity, e.rise)).collect::<Vec<_>>());
            for (output, e) in all.iter().enumerate() {
                steering.allow_fall(output, e.fall);
            }
            let zero = vec![0.0; all.len()];
            let to: Vec<f64> = all.iter().map(|e| e.distance).collect();
            let (v0, v1): (Vec<f64>, Vec<f64>) = all.iter().map(|e| (e.v0, e.v1)).unzip();
            let mut profiles = Vec::new();
            let duration = steering.steer(&zero, &v0, &to, &v1, 0.0, f64::INFINITY, &mut profiles);
            prop_assert!(duration.is_some(), "without position limits there always is a way");
            let duration = duration.unwrap_or(0.0);
            for (profile, e) in profiles.iter().zip(&all) {
                let (p, v) = profile.state(duration);
                prop_assert!((p - e.distance).abs() < 1e-7 && (v - e.v1).abs() < 1e-7, "{profile:?} {e:?} {duration}: {p} {v}");
                for a in [profile.first, profile.last] {
                    prop_assert!(a <= e.rise * (1.0 + 1e-8) && a >= -e.fall * (1.0 + 1e-8));
                }
                for i in 0..=50 {
                    let (_, v) = profile.state(duration * f64::from(i) / 50.0);
                    prop_assert!(v.abs() <= e.velocity * (1.0 + 1e-8));
                }
            }
        }

        /// No limit that is looser makes a motion longer.
        #[test]
        fn looser_limits_are_never_slower(
            queries in proptest::collection::vec(query(), 1..5),
            factors in proptest::array::uniform2(prop_oneof![Just(1.0), 1.0..1.1, 1.0..3.0, 1.0..1e9_f64]),
            which in 0..5_usize,
            room in prop_oneof![Just(f64::INFINITY), 0.0..2.0],
        ) {
            let tight: Vec<OptimalEnds> = queries.iter().map(|&q| ends(q)).collect();
            let mut loose = tight.clone();
            let e = &mut loose[which % queries.len()];
            (e.velocity, e.rise, e.fall) = (e.velocity * factors[0], e.rise * factors[1], e.fall * factors[1]);
            let steer = |all: &[OptimalEnds]| {
                let limits = |e: &OptimalEnds| OutputLimits {
                    lower: e.distance.min(0.0) - room,
                    upper: e.distance.max(0.0) + room,
                    ..limits(e.velocity, e.rise)
                };
                let mut steering = TimeOptimal::new(&all.iter().map(limits).collect::<Vec<_>>());
                for (output, e) in all.iter().enumerate() {
                    steering.allow_fall(output, e.fall);
                }
                let to: Vec<f64> = all.iter().map(|e| e.distance).collect();
                let (v0, v1): (Vec<f64>, Vec<f64>) = all.iter().map(|e| (e.v0, e.v1)).unzip();
                steering.steer(&vec![0.0; all.len()], &v0, &to, &v1, 0.0, f64::INFINITY, &mut Vec::new())
            };
            let (tight, loose) = (steer(&tight), steer(&loose));
            prop_assert!(tight.is_some() || room < f64::INFINITY);
            if let Some(tight) = tight {
                prop_assert!(loose.is_some_and(|loose| loose <= tight * (1.0 + 1e-9)), "{:?} {}", loose, tight);
            }
        }

        /// Lengths and times that are scaled by powers of two scale motions exactly.
        #[test]
        fn motions_scale(
            queries in proptest::collection::vec(query(), 1..4), length in -40..40_i32, time in -40..40_i32,
            later in prop_oneof![Just(0.0), 0.5..3.0],
        ) {
            let run = |l: f64, t: f64| {
                let all: Vec<OptimalEnds> = queries.iter().map(|&q| ends(q)).collect();
                let scaled = |e: &OptimalEnds| limits(l / t * e.velocity, l / t / t * e.rise);
                let mut steering = TimeOptimal::new(&all.iter().map(scaled).collect::<Vec<_>>());
                for (output, e) in all.iter().enumerate() {
                    steering.allow_fall(output, l / t / t * e.fall);
                }
                let column = |f: &dyn Fn(&OptimalEnds) -> f64| all.iter().map(f).collect::<Vec<f64>>();
                let (to, still) = (column(&|e| l * e.distance), column(&|_| 0.0));
                let (v0, v1) = (column(&|e| l / t * e.v0), column(&|e| l / t * e.v1));
                let mut profiles = Vec::new();
                let duration = steering.steer(&still, &v0, &to, &v1, later * t, f64::INFINITY, &mut profiles);
                (duration, profiles)
            };
            let (l, t) = (f64::from(length).exp2(), f64::from(time).exp2());
            let ((one, profiles), (other, scaled)) = (run(1.0, 1.0), run(l, t));
            prop_assert_eq!(one.map(|one| t * one), other);
            for (p, q) in profiles.iter().zip(&scaled) {
                let expected = [l / t * p.velocity, l / t / t * p.first, t * p.accelerated, t * p.cruised, l / t / t * p.last];
                prop_assert_eq!(expected, [q.velocity, q.first, q.accelerated, q.cruised, q.last]);
            }
        }

        /// Whenever a profile of the least accelerations arrives, one of the greatest does, which cruises.
        #[test]
        fn steep_profiles_arrive_too(q in query(), longer in 1.0..4.0_f64) {
            let e = ends(q);
            let t = longer * e.arrivals().expect("ends within limits").first;
            prop_assume!(t > 1e-6);
            let (gentle, steep) = (e.profile(t), e.steep(t));
            prop_assert_eq!(gentle.is_some(), steep.is_some(), "{:?} {:?} {:?} {}", gentle, steep, e, t);
            let (Some(gentle), Some(steep)) = (gentle, steep) else { return Ok(()) };
            for a in [steep.first, steep.last] {
                prop_assert!(a == e.rise || a == -e.fall);
            }
            let (g, s) = (gentle.range(t), steep.range(t));
            prop_assert!(s.0 >= g.0 - 1e-7 && s.1 <= g.1 + 1e-7, "{:?} {:?} {:?} {}", g, s, e, t);
        }

        /// Where the closed form says that there is a gap, there is; elsewhere there is none; and
        /// nothing is faster than the first arrival.
        #[test]
        fn arrivals_are_those_of_profiles(q in query(), share in 0.0..2.5_f64) {
            let e = ends(q);
            let arrivals = e.arrivals().expect("ends within limits");
            let scale = arrivals.gap.map_or(arrivals.first, |g| g.1).max(1e-3);
            let t = share * scale;
            let near = |x: f64| f64::abs(t - x) < 1e-6 * f64::max(scale, 1.0);
            let gap = arrivals.gap.unwrap_or((f64::INFINITY, f64::INFINITY));
            prop_assume!(!near(arrivals.first) && !near(gap.0) && !near(gap.1) && t > 1e-6);
            let possible = t > arrivals.first && !(t > gap.0 && t < gap.1);
            prop_assert_eq!(e.profile(t).is_some(), possible, "t {} of {:?} for {:?}", t, arrivals, e);
        }

        /// The range of a profile is that of dense samples.
        #[test]
        fn ranges_hold_all_samples(q in query(), longer in 1.0..3.0) {
            let e = ends(q);
            let t = longer * e.arrivals().expect("ends within limits").first;
            if let Some(profile) = e.profile(t) {
                let (least, most) = profile.range(t);
                let samples: Vec<f64> = (0..=1000).map(|i| profile.state(t * f64::from(i) / 1000.0).0).collect();
                let (a, b) = samples.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &p| (a.min(p), b.max(p)));
                prop_assert!(least <= a + 1e-12 && most >= b - 1e-12);
                prop_assert!(least >= a - 1e-4 * (1.0 + t * t * e.rise.max(e.fall)) && most <= b + 1e-4 * (1.0 + t * t * e.rise.max(e.fall)));
            }
        }
    }

    #[test]
    fn rest_to_rest_is_a_trapezoid() {
        let mut steering = TimeOptimal::new(&[limits(1.0, 2.0)]);
        let mut profiles = Vec::new();
        let duration = steering.steer(&[0.0], &[0.0], &[2.0], &[0.0], 0.0, f64::INFINITY, &mut profiles);
        assert_eq!(duration, Some(2.5));
        assert_eq!((profiles[0].accelerated, profiles[0].cruised, profiles[0].first), (0.5, 2.0, 2.0));
    }

    #[test]
    fn outputs_switch_together_where_they_can() {
        let mut steering = TimeOptimal::new(&[limits(1.0, 2.0), limits(1.0, 2.0), limits(1.0, 0.6)]);
        let mut profiles = Vec::new();
        let (still, to) = ([0.0; 3], [2.0, -1.0, 1.5]);
        let duration = steering.steer(&still, &still, &to, &still, 0.0, f64::INFINITY, &mut profiles);
        // The third is the last to arrive. It takes the first longer than it needs, but not so long
        // that it could do without its own times.
        let duration = duration.expect("a way");
        let times = |p: &Profile| (p.accelerated, p.cruised);
        assert_eq!(times(&profiles[1]), times(&profiles[2]));
        assert!(profiles.iter().zip(to).all(|(p, to)| (p.state(duration).0 - to).abs() < 1e-12));
        let sooner = steering.steer(&still, &still, &to, &still, 0.0, 0.999 * duration, &mut profiles);
        assert_eq!(sooner, None, "longer than the longest");
    }

    #[test]
    fn gaps_are_stepped_over() {
        // Fast past a near goal in the first output; the second takes a second.
        let mut steering = TimeOptimal::new(&[limits(2.0, 1.0), limits(1.0, 1.0)]);
        let mut profiles = Vec::new();
        let (p0, v0, p1, v1) = ([0.0; 2], [1.0, 0.0], [0.2, 0.25], [1.0, 0.0]);
        let duration = steering.steer(&p0, &v0, &p1, &v1, 0.0, f64::INFINITY, &mut profiles);
        let duration = duration.expect("a way");
        assert!(duration > 2.0, "arriving at 1 s is impossible for the first: {duration}");
    }
}

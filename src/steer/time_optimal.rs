//! Time-optimal steering of order 2: every output accelerates, cruises and decelerates within its
//! limits, and all arrive together.

use crate::robot::OutputLimits;

/// Relative room for rounding when a profile is held against the limits.
const TOLERANCE: f64 = 1e-9;

/// A replayed profile may miss its end by so much (relative for distances above 1): times and
/// accelerations are rounded, and short phases at great accelerations divide by small numbers.
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
    /// When each output can arrive.
    arrivals: Vec<Arrivals>,
    /// Pairs of times at which profiles of the motion at hand switch.
    switches: Vec<(f64, f64)>,
}

/// One output's part of a query.
#[derive(Clone, Copy, Debug)]
struct Ends {
    distance: f64,
    v0: f64,
    v1: f64,
    velocity: f64,
    acceleration: f64,
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
        Self { limits: limits.to_vec(), arrivals: Vec::new(), switches: Vec::new() }
    }

    /// Joins (p0, v0) to (p1, v1): one profile per output in `profiles`, and their duration, which is
    /// the least possible one times `stretch` (1 or more), or the next one possible after that.
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
        stretch: f64,
        longest: f64,
        profiles: &mut Vec<Profile>,
    ) -> Option<f64> {
        let ends = |j: usize, limits: &OutputLimits| {
            let OutputLimits { velocity, acceleration, .. } = *limits;
            Ends { distance: p1[j] - p0[j], v0: v0[j], v1: v1[j], velocity, acceleration }
        };
        self.arrivals.clear();
        for (j, limits) in self.limits.iter().enumerate() {
            let arrivals = ends(j, limits).arrivals()?;
            if arrivals.first * stretch > longest {
                return None;
            }
            self.arrivals.push(arrivals);
        }
        let duration = common_duration(&self.arrivals, stretch).filter(|&t| t <= longest)?;
        profiles.clear();
        profiles.resize(self.limits.len(), Profile::default());
        self.switches.clear();
        // The last to arrive has no choice of times; the others may find theirs among its.
        let last = (0..self.limits.len())
            .max_by(|&a, &b| self.arrivals[a].first.total_cmp(&self.arrivals[b].first))?;
        for j in std::iter::once(last).chain((0..self.limits.len()).filter(|&j| j != last)) {
            let limits = &self.limits[j];
            let ends = ends(j, limits);
            let within = |profile: Profile| {
                let profile = Profile { position: p0[j], ..profile };
                let (least, most) = profile.range(duration);
                (least >= limits.lower - TOLERANCE && most <= limits.upper + TOLERANCE).then_some(profile)
            };
            let shared = self.switches.iter().find_map(|&at| ends.switched(at, duration).and_then(within));
            profiles[j] = match shared {
                Some(profile) => profile,
                None => {
                    let own = within(ends.profile(duration)?)?;
                    self.switches.push((own.accelerated, own.cruised));
                    own
                }
            };
        }
        Some(duration)
    }
}

/// The least duration at which every output can arrive, or the next one after its `stretch`-fold.
fn common_duration(arrivals: &[Arrivals], stretch: f64) -> Option<f64> {
    let mut duration = arrivals.iter().map(|a| a.first).fold(0.0, f64::max) * stretch;
    // Every step leaves one gap behind for good, as the duration only grows.
    for _ in 0..=arrivals.len() {
        let mut stepped = false;
        for (from, to) in arrivals.iter().filter_map(|a| a.gap) {
            if duration > from * (1.0 + TOLERANCE) && duration < to {
                duration = to;
                stepped = true;
            }
        }
        if !stepped {
            return Some(duration);
        }
    }
    None
}

impl Ends {
    /// All arrival times at the greatest acceleration; `None` where an end is too fast.
    fn arrivals(&self) -> Option<Arrivals> {
        let Self { distance, v0, v1, velocity, acceleration: a } = *self;
        if v0.abs() > velocity * (1.0 + TOLERANCE) || v1.abs() > velocity * (1.0 + TOLERANCE) {
            return None;
        }
        // Beyond what turning v0 into v1 at once covers, the fastest way speeds up first.
        let direct = 0.5 * (v0 + v1) * (v1 - v0).abs() / a;
        let up = if distance >= direct { 1.0 } else { -1.0 };
        // Seen along that way, so that speeding up is positive.
        let (d, v0, v1) = (up * distance, up * v0, up * v1);
        let mean_square = 0.5 * (v0 * v0 + v1 * v1);
        let arrival = |sign: f64, peak: f64| {
            let ramps = (sign * (2.0 * peak - v0 - v1)) / a;
            let covered = sign * (peak * peak - mean_square) / a;
            let cruise = if peak == 0.0 { 0.0 } else { (d - covered) / peak };
            ramps + cruise
        };
        let peak = (mean_square + a * d).max(0.0).sqrt().min(velocity);
        let first = arrival(1.0, peak.max(v0.max(v1)));
        // Slowing down first instead: to a lesser speed of the same direction at the latest, or by
        // going back at the earliest.
        let square = mean_square - a * d;
        let slow = square.max(0.0).sqrt();
        let gap = (square > 0.0 && slow <= v0.min(v1))
            .then(|| (arrival(-1.0, slow), arrival(-1.0, -slow.min(velocity))));
        Some(Arrivals { first, gap })
    }

    /// The profile that takes `duration` and switches at two given times, if there is one within the
    /// limits: the speed between them follows from the distance.
    fn switched(&self, (accelerated, cruised): (f64, f64), duration: f64) -> Option<Profile> {
        let Self { distance, v0, v1, velocity, acceleration } = *self;
        let slowing = duration - cruised;
        let speed =
            (distance - 0.5 * (v0 * accelerated + v1 * slowing)) / (0.5 * (duration + cruised - accelerated));
        let (first, last) = ((speed - v0) / accelerated, (v1 - speed) / slowing);
        // A phase of no length makes an acceleration that is infinite or none, and holds no limit.
        let holds = speed.abs() <= velocity && first.abs() <= acceleration && last.abs() <= acceleration;
        holds.then_some(Profile { position: 0.0, velocity: v0, first, accelerated, cruised, last })
    }

    /// The profile of least acceleration that takes `duration`.
    fn profile(&self, duration: f64) -> Option<Profile> {
        let Self { distance: d, v0, v1, velocity, acceleration } = *self;
        let t = duration;
        if t <= 0.0 {
            return Some(Profile { velocity: v0, ..Profile::default() });
        }
        let mut best: Option<Profile> = None;
        let mut offer = |a: f64, accelerated: f64, cruised: f64| {
            let room = TOLERANCE * t.max(1e-6);
            let in_time = accelerated >= -room && cruised <= t + room && cruised >= accelerated - room;
            let accelerated = accelerated.clamp(0.0, t);
            let cruised = cruised.max(accelerated).min(t);
            let profile = Profile { position: 0.0, velocity: v0, first: a, accelerated, cruised, last: -a };
            let peak = v0 + a * accelerated;
            let in_limits =
                a.abs() <= acceleration * (1.0 + TOLERANCE) && peak.abs() <= velocity * (1.0 + TOLERANCE);
            // No closed form is believed without a replay.
            let arrives = || {
                let (p, v) = profile.state(t);
                (p - d).abs() <= REPLAY_TOLERANCE * (1.0 + d.abs()) && (v - v1).abs() <= REPLAY_TOLERANCE
            };
            if in_time && in_limits && best.is_none_or(|b| a.abs() < b.first.abs()) && arrives() {
                best = Some(profile);
            }
        };
        // Two phases: a^2 T^2 + a (2 T (v0 + v1) - 4 D) - (v1 - v0)^2 = 0, switched at
        // (T + (v1 - v0) / a) / 2.
        let b = t * (v0 + v1) - 2.0 * d;
        let root = (b * b + t * t * (v1 - v0) * (v1 - v0)).sqrt();
        // The stable form of both roots: their product is -((v1 - v0) / T)^2.
        let q = if b >= 0.0 { -(b + root) } else { root - b };
        for a in [q / (t * t), if q == 0.0 { 0.0 } else { -(v1 - v0) * (v1 - v0) / q }] {
            if a == 0.0 {
                offer(0.0, 0.5 * t, 0.5 * t);
            } else {
                let switch = 0.5 * (t + (v1 - v0) / a);
                offer(a, switch, switch);
            }
        }
        // Three phases, cruising at the limit.
        for peak in [velocity, -velocity] {
            let a = (peak * peak - peak * (v0 + v1) + 0.5 * (v0 * v0 + v1 * v1)) / (t * peak - d);
            offer(a, (peak - v0) / a, t - (peak - v1) / a);
            // At the first arrival the quotient above is all rounding where the ramps are short.
            let a = acceleration.copysign(peak);
            offer(a, (peak - v0) / a, t - (peak - v1) / a);
        }
        best
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

    type Query = (f64, f64, f64, f64, f64);

    fn query() -> impl Strategy<Value = Query> {
        (distance(), share(), share(), 0.1..3.0, 0.2..20.0)
    }

    fn ends((distance, v0, v1, velocity, acceleration): Query) -> Ends {
        Ends { distance, v0: v0 * velocity, v1: v1 * velocity, velocity, acceleration }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Replay: profiles end where they should, and stay within the limits on the way.
        #[test]
        fn replayed_profiles_arrive_within_limits(queries in proptest::collection::vec(query(), 1..8)) {
            let all: Vec<Ends> = queries.iter().map(|&q| ends(q)).collect();
            let mut steering = TimeOptimal::new(&all.iter().map(|e| limits(e.velocity, e.acceleration)).collect::<Vec<_>>());
            let zero = vec![0.0; all.len()];
            let to: Vec<f64> = all.iter().map(|e| e.distance).collect();
            let (v0, v1): (Vec<f64>, Vec<f64>) = all.iter().map(|e| (e.v0, e.v1)).unzip();
            let mut profiles = Vec::new();
            let duration = steering.steer(&zero, &v0, &to, &v1, 1.0, f64::INFINITY, &mut profiles);
            prop_assert!(duration.is_some(), "without position limits there always is a way");
            let duration = duration.unwrap_or(0.0);
            for (profile, e) in profiles.iter().zip(&all) {
                let (p, v) = profile.state(duration);
                prop_assert!((p - e.distance).abs() < 1e-7 && (v - e.v1).abs() < 1e-7, "{profile:?} {e:?} {duration}: {p} {v}");
                prop_assert!(profile.first.abs() <= e.acceleration * (1.0 + 1e-8));
                prop_assert!(profile.last.abs() <= e.acceleration * (1.0 + 1e-8));
                for i in 0..=50 {
                    let (_, v) = profile.state(duration * f64::from(i) / 50.0);
                    prop_assert!(v.abs() <= e.velocity * (1.0 + 1e-8));
                }
            }
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
                prop_assert!(least >= a - 1e-4 * (1.0 + t * t * e.acceleration) && most <= b + 1e-4 * (1.0 + t * t * e.acceleration));
            }
        }
    }

    #[test]
    fn rest_to_rest_is_a_trapezoid() {
        let mut steering = TimeOptimal::new(&[limits(1.0, 2.0)]);
        let mut profiles = Vec::new();
        let duration = steering.steer(&[0.0], &[0.0], &[2.0], &[0.0], 1.0, f64::INFINITY, &mut profiles);
        assert_eq!(duration, Some(2.5));
        assert_eq!((profiles[0].accelerated, profiles[0].cruised, profiles[0].first), (0.5, 2.0, 2.0));
    }

    #[test]
    fn outputs_switch_together_where_they_can() {
        let mut steering = TimeOptimal::new(&[limits(1.0, 2.0), limits(1.0, 2.0), limits(1.0, 0.6)]);
        let mut profiles = Vec::new();
        let (still, to) = ([0.0; 3], [2.0, -1.0, 1.5]);
        let duration = steering.steer(&still, &still, &to, &still, 1.0, f64::INFINITY, &mut profiles);
        // The third is the last to arrive. It takes the first longer than it needs, but not so long
        // that it could do without its own times.
        let duration = duration.expect("a way");
        let times = |p: &Profile| (p.accelerated, p.cruised);
        assert_eq!(times(&profiles[1]), times(&profiles[2]));
        assert!(profiles.iter().zip(to).all(|(p, to)| (p.state(duration).0 - to).abs() < 1e-12));
        let sooner = steering.steer(&still, &still, &to, &still, 1.0, 0.999 * duration, &mut profiles);
        assert_eq!(sooner, None, "longer than the longest");
    }

    #[test]
    fn gaps_are_stepped_over() {
        // Fast past a near goal in the first output; the second takes a second.
        let mut steering = TimeOptimal::new(&[limits(2.0, 1.0), limits(1.0, 1.0)]);
        let mut profiles = Vec::new();
        let (p0, v0, p1, v1) = ([0.0; 2], [1.0, 0.0], [0.2, 0.25], [1.0, 0.0]);
        let duration = steering.steer(&p0, &v0, &p1, &v1, 1.0, f64::INFINITY, &mut profiles);
        let duration = duration.expect("a way");
        assert!(duration > 2.0, "arriving at 1 s is impossible for the first: {duration}");
    }
}

//! The local planner: joins two flat states by a valid edge. Every search and the refinement go
//! through it. Imports `check`, `steer` and what lies below them.

mod course;

pub use course::{PathPlanner, Given, PathMotion};

use crate::check::{CheckError, EdgeBatch, EdgeChecker, Status, Verdict};
use crate::problem::{JointState, Problem, Smoothness};
use crate::robot::OutputLimits;
use crate::steer::{
    self, End, HeadingLimits, JerkLimited, JerkProfile, Profile, SAME_TIME, Steering, TimeOptimal,
    steering_limits,
};
use crate::stop::{Stop, Watch};
use crate::trajectory::{Trajectory, derivative};

/// How motions that are too heavy are slowed down, and what is taken for exact.
struct LocalSettings {
    /// Motions but the fastest whose efforts are too great are tried, slower each time, so often. From rest to rest one more is
    /// enough: what inverse dynamics says of one duration is true of all.
    tries: usize,
    /// Share of what moving takes that is left unused: between two samples efforts may be greater than at both.
    reserve: f64,
    /// A motion that is too heavy is made longer by at least this share, or the tries would be spent on hardly
    /// anything.
    least_slowing: f64,
    /// A stop is asked once in so many edges from rest to rest, whose durations are closed forms of some 20 ns; an edge
    /// with a moving end counts as so many.
    edges_per_ask: u32,
    /// A motion may miss its end by this share of the positions, or velocities, on its way: what is rounded, a tenth of
    /// what a certificate lets pass at a knot.
    arrival_tolerance: f64,
}

impl LocalSettings {
    const DEFAULT: Self = Self {
        tries: 5,
        reserve: 1.0 / 64.0,
        least_slowing: 1e-2,
        edges_per_ask: 64,
        arrival_tolerance: 1e-10,
    };
}

/// Joins states by valid edges. Counts what it does.
pub struct LocalPlanner<'a> {
    /// The steering in use.
    pub steering: Steering,
    limits: Vec<OutputLimits>,
    /// What takes the place of `limits` where these depend on the way that an edge goes.
    headings: Option<HeadingLimits>,
    checker: &'a mut dyn EdgeChecker,
    fastest: TimeOptimal,
    profiles: Vec<Profile>,
    /// Switching times of `profiles`, and the motion made of them.
    times: Vec<f64>,
    motion: Trajectory,
    /// A motion of several, as they are made.
    whole: Trajectory,
    /// What takes the place of `fastest` where jerks are limited.
    smooth: Option<JerkLimited>,
    smooth_profiles: Vec<JerkProfile>,
    torque: bool,
    edges: EdgeBatch,
    /// A motion on its way to the checker: cubics, whatever the degree of edges.
    motions: EdgeBatch,
    verdicts: Vec<Verdict>,
    /// How much efforts leave for moving, of edges that are too heavy.
    shares: Vec<f32>,
    coefficients: Vec<f64>,
    /// Answers of [`LocalPlanner::connect_all`].
    durations: Vec<Option<f64>>,
    /// Edges that need too much effort: which of the pairs, and the duration at which they do.
    heavy: Vec<(usize, f64)>,
    /// Edges checked so far.
    pub checked: u64,
    stop: Stop,
}

impl<'a> LocalPlanner<'a> {
    /// A local planner for `problem`, whose edges `checker` checks.
    pub fn new(problem: &Problem, checker: &'a mut dyn EdgeChecker) -> Self {
        let dof = problem.mechanism.dof();
        let degree = problem.smoothness.degree();
        let limits = steering_limits(problem);
        Self {
            steering: Steering::new(problem.smoothness, &limits),
            checker,
            fastest: TimeOptimal::new(&limits),
            profiles: Vec::new(),
            times: Vec::new(),
            motion: Trajectory::new(dof, 3),
            whole: Trajectory::new(dof, 3),
            smooth: match problem.smoothness {
                Smoothness::Acceleration => None,
                Smoothness::Jerk => Some(JerkLimited::new(&limits)),
            },
            smooth_profiles: Vec::new(),
            torque: problem.torque,
            edges: EdgeBatch::new(dof, degree),
            motions: EdgeBatch::new(dof, 3),
            verdicts: Vec::new(),
            shares: Vec::new(),
            headings: HeadingLimits::of(problem, &limits),
            limits,
            coefficients: vec![0.0; (degree + 1) * dof],
            durations: Vec::new(),
            heavy: Vec::new(),
            checked: 0,
            stop: Stop::NEVER,
        }
    }

    /// The same, with [`LocalPlanner::set_stop`].
    #[must_use]
    pub fn until(mut self, stop: &Stop) -> Self {
        self.set_stop(stop);
        self
    }

    /// Joins nothing any more when `stop` is due, nor does the checker check. Whoever joins many states asks
    /// [`LocalPlanner::is_late`] between them.
    pub fn set_stop(&mut self, stop: &Stop) {
        self.checker.set_stop(stop);
        self.stop = stop.clone();
    }

    /// What it stops by.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Whether it is time to stop.
    pub fn is_late(&self) -> bool {
        self.stop.is_due()
    }

    /// Lets the fastest motions accelerate an output downwards by up to `most`, whatever its limit.
    pub fn allow_fall(&mut self, output: usize, most: f64) {
        self.fastest.allow_fall(output, most);
    }

    /// The limits that motions are steered by: see [`steering_limits`].
    pub fn limits(&self) -> &[OutputLimits] {
        &self.limits
    }

    /// Whether efforts are limited.
    pub fn holds_efforts(&self) -> bool {
        self.torque
    }

    /// The checker.
    pub fn checker(&mut self) -> &mut dyn EdgeChecker {
        self.checker
    }

    /// Duration of a valid edge from `from` to `to`, if there is one no longer than `longest`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect(&mut self, from: End<'_>, to: End<'_>, longest: f64) -> Result<Option<f64>, CheckError> {
        Ok(self.connect_all(1, |_| (from, to), longest)?[0])
    }

    /// For each of `count` pairs of states, the duration of a valid edge from the first to the second,
    /// if there is one no longer than `longest`. All edges are checked at once; those whose efforts
    /// are too great once more, slower.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_all<'e>(
        &mut self,
        count: usize,
        pair: impl Fn(usize) -> (End<'e>, End<'e>),
        longest: f64,
    ) -> Result<&[Option<f64>], CheckError> {
        self.edges.clear();
        self.durations.clear();
        let mut watch = Watch::new(&self.stop, LocalSettings::DEFAULT.edges_per_ask);
        for (from, to) in (0..count).map(&pair) {
            let is_at_rest = from.is_at_rest() && to.is_at_rest();
            if watch.is_due(if is_at_rest { 1 } else { LocalSettings::DEFAULT.edges_per_ask }) {
                break;
            }
            let shortest = self.shortest(from, to).filter(|&t| t <= longest);
            if let Some(duration) = shortest {
                self.push(from, to, duration);
            }
            self.durations.push(shortest);
        }
        if watch.was_due() {
            self.durations.clear();
            self.durations.resize(count, None);
            return Ok(&self.durations);
        }
        self.check()?;
        self.heavy.clear();
        let mut verdicts = self.verdicts.iter();
        for (i, duration) in self.durations.iter_mut().enumerate() {
            let Some(shortest) = *duration else { continue };
            match verdicts.next().map(Verdict::status) {
                Some(Status::Valid) => continue,
                Some(Status::Effort) if self.torque => self.heavy.push((i, shortest)),
                _ => {}
            }
            *duration = None;
        }
        if !self.heavy.is_empty() {
            self.connect_slower(pair, longest)?;
        }
        Ok(&self.durations)
    }

    /// For each edge that is too heavy, the least longer duration at which the efforts hold, as inverse dynamics
    /// tells: one after the other, as most edges need no more than the first, and what fails for another
    /// reason, or could not even be held, is given up.
    fn connect_slower<'e>(
        &mut self,
        pair: impl Fn(usize) -> (End<'e>, End<'e>),
        longest: f64,
    ) -> Result<(), CheckError> {
        for _ in 0..LocalSettings::DEFAULT.tries {
            self.push_heavy(&pair);
            if self.edges.is_empty() || self.is_late() {
                break;
            }
            self.checker.effort_shares(&self.edges, longest, &mut self.shares)?;
            let mut shares = self.shares.iter();
            self.heavy.retain_mut(|(_, duration)| {
                *duration *= slowing(*shares.next().unwrap_or(&0.0));
                *duration <= longest
            });
            self.push_heavy(&pair);
            self.check()?;
            let Self { heavy, verdicts, durations, .. } = self;
            let mut verdicts = verdicts.iter().map(Verdict::status);
            heavy.retain(|&(i, duration)| {
                let status = verdicts.next();
                if status == Some(Status::Valid) {
                    durations[i] = Some(duration);
                }
                status == Some(Status::Effort)
            });
        }
        Ok(())
    }

    /// Makes the edges those that are too heavy, each of the duration at hand.
    fn push_heavy<'e>(&mut self, pair: &impl Fn(usize) -> (End<'e>, End<'e>)) {
        self.edges.clear();
        for k in 0..self.heavy.len() {
            let (i, duration) = self.heavy[k];
            let (from, to) = pair(i);
            self.push(from, to, duration);
        }
    }

    /// The least duration at which velocities and accelerations hold, if there is one.
    fn shortest(&mut self, from: End<'_>, to: End<'_>) -> Option<f64> {
        let of_way;
        let steering = match &mut self.headings {
            Some(headings) => {
                of_way = Steering::new(Smoothness::Acceleration, headings.between(from, to));
                &of_way
            }
            None => &self.steering,
        };
        if from.is_at_rest() && to.is_at_rest() {
            return Some(steering.rest_to_rest_duration(from.position, to.position));
        }
        steering.steer(from, to, &mut self.coefficients)
    }

    /// How long the fastest motion from `from` to `to` takes, whatever stands in its way; infinitely long where none
    /// is found.
    pub fn least_duration(&mut self, from: End<'_>, to: End<'_>) -> f64 {
        if self.fastest(from, to, 0.0, f64::INFINITY) { self.motion.duration() } else { f64::INFINITY }
    }

    /// What no motion from `from` to `to` can be faster than, seconds, by velocities, accelerations and jerks alone:
    /// much sooner known than [`LocalPlanner::least_duration`]. `None` where that is more than `longest`.
    pub fn lower_bound(&mut self, from: End<'_>, to: End<'_>, longest: f64) -> Option<f64> {
        if let Some(smooth) = &self.smooth {
            return smooth.least_duration(from.state(), to.state(), longest);
        }
        if let Some(headings) = &mut self.headings {
            self.fastest = TimeOptimal::new(headings.between(from, to));
        }
        self.fastest.least_duration([from.position, from.velocity], [to.position, to.velocity], longest)
    }

    /// A valid motion from `from` to `to` that is as fast as velocities, accelerations and efforts allow, if
    /// there is one no longer than `longest`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_fastest(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        longest: f64,
    ) -> Result<Option<&Trajectory>, CheckError> {
        if !self.fastest(from, to, 0.0, longest) {
            return Ok(None);
        }
        match self.check_motion()?.status() {
            Status::Valid => Ok(Some(&self.motion)),
            Status::Effort if self.torque => self.connect_slowed(from, to, longest),
            _ => Ok(None),
        }
    }

    /// The same, where the motion that was made and checked last is the fastest one, and too heavy: a slower one. One
    /// try is enough, as those who want the fastest motions have many more to try.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_slowed(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        longest: f64,
    ) -> Result<Option<&Trajectory>, CheckError> {
        // Where there is no time to slow down, it need not be known by how much.
        if self.motion.duration() * (1.0 + LocalSettings::DEFAULT.least_slowing) > longest {
            return Ok(None);
        }
        let earliest = self.motion.duration() * slowing(self.motion_share(longest)?);
        if self.is_late() || earliest > longest || !self.fastest(from, to, earliest, longest) {
            return Ok(None);
        }
        Ok(if self.check_motion()?.is_valid() { Some(&self.motion) } else { None })
    }

    /// How much of what moving takes the efforts leave for the motion that was checked last, which is of no use
    /// if it takes more than `longest`.
    fn motion_share(&mut self, longest: f64) -> Result<f32, CheckError> {
        self.checker.effort_shares(&self.motions, longest, &mut self.shares)?;
        Ok(self.shares.first().copied().unwrap_or(0.0))
    }

    /// The same by way of a state between, through which the motion passes.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_fastest_by(
        &mut self,
        from: End<'_>,
        via: End<'_>,
        to: End<'_>,
        longest: f64,
    ) -> Result<Option<&Trajectory>, CheckError> {
        let is_made = self.join_fastest([from, via, to].into_iter(), longest);
        Ok(if is_made && self.check_motion()?.is_valid() { Some(&self.motion) } else { None })
    }

    /// Makes the fastest motion that passes through `states` one after the other, whatever stands in its way
    /// ([`LocalPlanner::check_motion`] tells what does); tells whether it takes no more than `longest`.
    pub fn make_fastest(&mut self, states: &[JointState], longest: f64) -> bool {
        self.join_fastest(states.iter().map(End::from), longest)
    }

    fn join_fastest<'e>(&mut self, states: impl Iterator<Item = End<'e>> + Clone, longest: f64) -> bool {
        self.whole.clear();
        for (from, to) in states.clone().zip(states.skip(1)) {
            if !self.fastest(from, to, 0.0, longest - self.whole.duration()) {
                return false;
            }
            self.whole.append(&self.motion);
        }
        std::mem::swap(&mut self.whole, &mut self.motion);
        true
    }

    /// The motion that was made last.
    pub fn motion(&self) -> &Trajectory {
        &self.motion
    }

    /// A valid motion of least effort from `from` to `to` in `duration` seconds, or in the least time that limits allow
    /// where that is more; it may break limits that the least time keeps. None where jerks are limited.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_gently(
        &mut self,
        from: End<'_>,
        to: End<'_>,
        duration: f64,
    ) -> Result<Option<&Trajectory>, CheckError> {
        let shortest = if self.steering.degree() == 3 { self.shortest(from, to) } else { None };
        let Some(duration) = shortest.map(|shortest| duration.max(shortest)).filter(|d| *d > 0.0 && d.is_finite())
        else {
            return Ok(None);
        };
        self.steering.steer_in(duration, from, to, &mut self.coefficients);
        self.motion.clear();
        self.motion.push(duration, &self.coefficients);
        Ok(self.check_motion()?.is_valid().then_some(&self.motion))
    }

    /// Where jerks are limited, the fastest motion from rest to rest along a straight line, if it is
    /// valid: edges are quintics, which are slower on the same line.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn connect_straight(
        &mut self,
        from: End<'_>,
        to: End<'_>,
    ) -> Result<Option<&Trajectory>, CheckError> {
        let mut most = f64::INFINITY;
        for _ in 0..LocalSettings::DEFAULT.tries {
            let at_rest = from.is_at_rest() && to.is_at_rest();
            let smooth = self.smooth.as_ref().filter(|_| at_rest);
            let straight = smooth.and_then(|smooth| smooth.straight(from.position, to.position, most));
            let Some((motion, peak)) = straight else { return Ok(None) };
            self.motion = motion;
            match self.check_motion()?.status() {
                Status::Valid => return Ok(Some(&self.motion)),
                Status::Effort if self.torque => {}
                _ => return Ok(None),
            }
            most = peak / slowing(self.motion_share(f64::INFINITY)?).powi(2);
            if most == 0.0 {
                break;
            }
        }
        Ok(None)
    }

    /// Makes `motion` the fastest one from `earliest` on, not yet checked; tells whether there is one no longer
    /// than `longest`.
    fn fastest(&mut self, from: End<'_>, to: End<'_>, earliest: f64, longest: f64) -> bool {
        let steered = if let Some(smooth) = &self.smooth {
            let profiles = &mut self.smooth_profiles;
            let steered = smooth.steer(from.state(), to.state(), earliest, longest, profiles);
            if let Some(duration) = steered {
                self.motion = steer::trajectory(profiles, duration);
            }
            steered
        } else {
            let Self { fastest, headings, profiles, .. } = self;
            if let Some(headings) = headings {
                *fastest = TimeOptimal::new(headings.between(from, to));
            }
            let [p0, v0, p1, v1] = [from.position, from.velocity, to.position, to.velocity];
            let steered = fastest.steer(p0, v0, p1, v1, earliest, longest, profiles);
            if let Some(duration) = steered {
                self.join_profiles(duration);
            }
            steered
        };
        // A state is not joined to itself.
        steered.is_some_and(|duration| duration > 0.0) && arrives(&self.motion, to)
    }

    /// What the checker says of the motion that was made last.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn check_motion(&mut self) -> Result<Verdict, CheckError> {
        self.checked += 1;
        self.motions.clear();
        self.motions.push_trajectory(&self.motion);
        self.checker.check(&self.motions, &mut self.verdicts)?;
        Ok(self.verdicts[0])
    }

    /// Makes `motion` of `profiles`: a quadratic between any two switching times. Its coefficients are
    /// the profiles' own; from the states at its ends they would be differences of nearly equal numbers,
    /// and the acceleration of a short piece all rounding.
    fn join_profiles(&mut self, duration: f64) {
        let Self { profiles, times, motion, coefficients, .. } = self;
        times.clear();
        times.extend(profiles.iter().flat_map(|p| [p.accelerated, p.cruised]));
        times.push(duration);
        times.sort_unstable_by(f64::total_cmp);
        motion.clear();
        let mut last = 0.0;
        for &t in &*times {
            if t - last <= SAME_TIME * duration && t < duration {
                continue;
            }
            for (profile, c) in profiles.iter().zip(coefficients.chunks_exact_mut(4)) {
                let (position, velocity) = profile.state(last);
                c.copy_from_slice(&[position, velocity, 0.5 * profile.acceleration(0.5 * (last + t)), 0.0]);
            }
            if t > last || motion.is_empty() {
                motion.push(t - last, coefficients);
            }
            last = t;
        }
    }

    fn push(&mut self, from: End<'_>, to: End<'_>, duration: f64) {
        if from.is_at_rest() && to.is_at_rest() {
            self.edges.push_at_rest(from.position, to.position, duration);
        } else {
            self.steering.steer_in(duration, from, to, &mut self.coefficients);
            self.edges.push(duration, &self.coefficients);
        }
    }

    fn check(&mut self) -> Result<&[Verdict], CheckError> {
        self.checked += self.edges.len() as u64;
        if self.edges.is_empty() {
            // No device need be asked.
            self.verdicts.clear();
            return Ok(&self.verdicts);
        }
        self.checker.check(&self.edges, &mut self.verdicts)?;
        Ok(&self.verdicts)
    }
}

/// How many times longer a motion is to take when efforts leave so much for moving; infinitely, where nothing.
fn slowing(share: f32) -> f64 {
    let left = f64::from(share) * (1.0 - LocalSettings::DEFAULT.reserve);
    if left > 0.0 { (1.0 / left).sqrt().max(1.0 + LocalSettings::DEFAULT.least_slowing) } else { f64::INFINITY }
}

/// Whether a motion ends where it should.
fn arrives(motion: &Trajectory, to: End<'_>) -> bool {
    let last = motion.len() - 1;
    // What the last segment alone lets pass, all would, and it nearly always does.
    (0..motion.dof()).all(|j| output_arrives(motion, last, j, to) || output_arrives(motion, 0, j, to))
}

/// Whether output `j` does, by positions and velocities on its way from a segment `first` on.
fn output_arrives(motion: &Trajectory, first: usize, j: usize, to: End<'_>) -> bool {
    let last = motion.segment(motion.len() - 1);
    let along =
        |order: usize| (first..motion.len()).map(move |i| motion.segment(i).polynomial(j)[order].abs());
    let size = |order: usize, wanted: f64| along(order).fold(wanted.abs(), f64::max);
    let speed = size(1, to.velocity[j]);
    let way = size(0, to.position[j]) + speed * motion.duration();
    let near = |order, wanted: f64, size: f64| {
        let reached = derivative(last.polynomial(j), order, last.duration);
        (reached - wanted).abs() <= LocalSettings::DEFAULT.arrival_tolerance * size
    };
    near(0, to.position[j], way) && near(1, to.velocity[j], speed)
}

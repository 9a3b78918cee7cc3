//! Flights made shorter: all limits at once, by collocation in the flat outputs.
//!
//! A flight becomes a spline ([`Splines`]) of ever shorter durations. For each, the least squares of
//! what exceeds a limit, or comes too near to an obstacle, are driven to zero by the method of Levenberg
//! and Marquardt, from the spline of the duration before. The spline is dense in time and its thrust may be
//! anything at either end, so that what filters and turns made in advance leave unused is used: a body
//! brakes while it still turns, and flies on while it brakes.

use super::Flight;
use super::envelope::MOST_LIMITS;
use super::spline::{self, SUPPORT, Splines};
use crate::base::{Flat, Limited, MAX_ORDER, MAX_OUTPUTS, Moved};
use crate::check::{Status, Verdict};
use crate::pose::Pose;
use crate::refine::Band;
use crate::stop::Stop;
use crate::trajectory::Trajectory;
use crate::world::Obstacle;
use glam::DVec3;

/// Seconds that a segment takes about, and the least and the most of them.
const SEGMENT: f64 = 0.1;
const SEGMENTS: [usize; 2] = [12, 40];

/// Where limits are looked at, as shares of a segment.
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The share in the middle of a segment.
const MIDDLE: usize = 2;

/// How far from the flight a spline may begin, metres, to save the torques of one that stays as near.
const SLACK: f64 = 0.03;

/// Most limits of a quadrotor, and its thrust.
const MOST: usize = MOST_LIMITS + 1;

/// What is kept from a limit, as a share of half its range; half of that is enough.
const MARGIN: f64 = 4e-3;

/// What margin and clearance are taken times where between those instants they are not enough.
const WIDER: [f64; 2] = [1.5, 2.0];

/// What is kept from obstacles between the instants that are looked at, metres, ...
const CLEARANCE: f64 = 2e-3;
/// ... and the distance that counts like half the range of a limit.
const REACH: f64 = 0.2;

/// How far from the flight, metres, obstacles are looked at: what strays farther is found by the check.
const STRAY: f64 = 0.5;

/// The thrust by mass that is kept at least, in multiples of gravity.
const KEPT_THRUST: f64 = 0.2;

/// Shares of the duration that are tried to be saved at first and at last.
const SAVED: [f64; 2] = [0.08, 0.006];

/// The duration that is begun with, as a multiple of the flight's.
const BEGIN: f64 = 1.08;

/// Rounds of least squares per duration, those after which no other duration is tried, and durations at most.
const ROUNDS: usize = 12;
const LAST_ROUND: usize = 16;
const DURATIONS: usize = 50;

/// Where this share of the duration has been saved at once, rounds are counted anew.
const NOTABLE: f64 = 0.03;

/// A round that leaves more than this of the squares stalls, and so many may.
const STALLED: f64 = 0.6;
const STALLS: usize = 1;

/// Weight of changes of the fourth derivative beside the squares, and in which ratio it falls and rises.
const DAMPING: f64 = 1e-3;
const EASE: f64 = 0.25;
const STRAIN: f64 = 8.0;
const STRAINS: usize = 4;

/// Weight of changes of control points by themselves.
const TIED: f64 = 1e-9;

/// A step for a difference quotient, as a share of the value or of 1.
const STEP: f64 = 1e-7;

/// Something that is exceeded.
#[derive(Clone, Copy, Debug)]
struct Fault {
    segment: usize,
    share: usize,
    of: Of,
    /// By how much, as a share of half the range of its limit, or of [`REACH`].
    by: f64,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    /// A limit of the base.
    Limit(usize),
    /// A place: less of what is exceeded is in this direction.
    Place(DVec3),
}

/// What a spline exceeds.
#[derive(Clone, Debug, Default)]
struct Faults {
    all: Vec<Fault>,
    squares: f64,
}

impl Faults {
    fn push(&mut self, fault: Fault) {
        if fault.by > 0.0 {
            self.squares += fault.by * fault.by;
            self.all.push(fault);
        }
    }

    fn are_none(&self, margin: f64) -> bool {
        self.all.iter().all(|fault| fault.by <= 0.5 * margin)
    }
}

/// Derivatives of the outputs at an instant, `[order][output]`.
type Derivatives = [[f64; MAX_OUTPUTS]; MAX_ORDER + 1];

/// Splines of a flight on their way to shorter ones.
pub(super) struct Quickener<'a> {
    flight: &'a Flight<'a>,
    splines: Splines,
    /// Of control points, `[share][order][function]`.
    weights: [[[f64; SUPPORT]; SUPPORT]; SHARES.len()],
    /// World axes of the outputs of place.
    axes: &'static [DVec3],
    /// The obstacles near each segment of the flight.
    near: Vec<Vec<usize>>,
    /// Duration of the flight.
    longest: f64,
    /// The last that was found valid, and the one that is to be judged.
    best: Candidate,
    next: Candidate,
    /// The share of the duration that is tried to be saved.
    saved: f64,
    margin: f64,
    clearance: f64,
    rounds: usize,
    durations: usize,
    moved: Moved,
    coordinates: Vec<f64>,
    poses: Vec<Pose>,
    band: Band,
}

/// Unknowns of a spline, and its duration.
#[derive(Clone, Debug)]
struct Candidate {
    unknowns: Vec<f64>,
    duration: f64,
}

impl<'a> Quickener<'a> {
    /// Sets up for what is shorter than a `trajectory` and keeps a `padding` from obstacles, metres.
    pub(super) fn new(flight: &'a Flight<'a>, trajectory: &Trajectory, padding: f64) -> Self {
        let [least, most] = SEGMENTS;
        let segments = ((trajectory.duration() / SEGMENT).ceil() as usize).clamp(least, most);
        let up = flight.envelope.up();
        let (splines, unknowns) = Splines::about(trajectory, up, flight.envelope.hovering(), segments);
        let axes = flight.axes();
        let near = obstacles_near(flight, trajectory, axes, segments);
        let begin = Candidate { unknowns, duration: BEGIN * trajectory.duration() };
        let mut quickener = Self {
            flight,
            splines,
            weights: SHARES.map(spline::weights),
            axes,
            near,
            longest: trajectory.duration(),
            next: begin.clone(),
            best: begin,
            saved: SAVED[0],
            margin: MARGIN,
            clearance: padding + CLEARANCE,
            rounds: 0,
            durations: 0,
            moved: Moved::default(),
            coordinates: Vec::new(),
            poses: Vec::new(),
            band: Band::default(),
        };
        quickener.smooth(trajectory);
        quickener
    }

    /// Makes the best spline smooth where `flight` is not, and near that elsewhere.
    fn smooth(&mut self, flight: &Trajectory) {
        let h = self.h(&self.best);
        let control = self.splines.control(&self.best.unknowns, h);
        let mut normal = std::mem::take(&mut self.band);
        normal.reset(self.best.unknowns.len(), self.splines.width());
        let mut form = Vec::new();
        let mut near = vec![0.0; flight.dof()];

        for segment in 0..self.splines.segments() {
            let t = (segment as f64 + SHARES[MIDDLE]) / self.splines.segments() as f64;
            flight.evaluate(t * flight.duration(), 0, &mut near);
            for (order, scale) in [(0, SLACK.recip()), (MAX_ORDER, self.per_snap(h))] {
                let weights = self.weights[MIDDLE][order].map(|w| w * scale);
                for (output, near) in near.iter().enumerate().take(self.splines.moving()) {
                    self.splines.clear(segment, &mut form);
                    self.splines.add_slopes(segment, output, &weights, h, &mut form);
                    let target = if order == 0 { scale * near } else { 0.0 };
                    let off = target - self.splines.sum(&control, segment, output, &weights);
                    normal.add(self.splines.first(segment), &form, off, 1.0);
                }
            }
        }
        normal.lift(TIED);
        if let Some(step) = normal.solve() {
            self.best.unknowns.iter_mut().zip(step).for_each(|(unknown, step)| *unknown += step);
        }
        self.band = normal;
    }

    /// A shorter spline than the last that was found valid, and than the flight; to be judged.
    pub(super) fn next(&mut self, stop: &Stop) -> Option<Trajectory> {
        while self.saved >= SAVED[1]
            && self.rounds < LAST_ROUND
            && self.durations < DURATIONS
            && !stop.is_due()
        {
            self.durations += 1;
            let duration = self.best.duration * (1.0 - self.saved);
            match self.settled(Candidate { unknowns: self.best.unknowns.clone(), duration }, stop) {
                Some(settled) if duration < self.longest => {
                    let spline = self.trajectory(&settled);
                    self.next = settled;
                    return Some(spline);
                }
                Some(settled) => self.best = settled,
                None => self.saved *= 0.5,
            }
        }
        None
    }

    /// Goes on from the spline that was given last if it is valid, and is more careful if not.
    pub(super) fn judge(&mut self, verdict: &Verdict) {
        if verdict.is_valid() {
            if self.saved >= NOTABLE {
                self.rounds = 0;
            }
            std::mem::swap(&mut self.best, &mut self.next);
            return;
        }
        match verdict.status() {
            Status::Base => self.margin *= WIDER[0],
            _ => self.clearance *= WIDER[1],
        }
        self.saved *= 0.5;
    }

    fn h(&self, candidate: &Candidate) -> f64 {
        candidate.duration / self.splines.segments() as f64
    }

    /// What a fourth derivative by segments of `h` seconds is multiplied by to be a share of what the torques
    /// allow.
    fn per_snap(&self, h: f64) -> f64 {
        1.0 / (h.powi(4) * self.flight.envelope.snap())
    }

    fn trajectory(&self, candidate: &Candidate) -> Trajectory {
        let h = self.h(candidate);
        self.splines.trajectory(&self.splines.control(&candidate.unknowns, h), h)
    }

    /// The same duration without faults, if that is found before `stop` is due.
    fn settled(&mut self, mut candidate: Candidate, stop: &Stop) -> Option<Candidate> {
        let h = self.h(&candidate);
        let mut faults = self.faults(&candidate)?;
        let ties = self.ties(&candidate);
        let mut damping = DAMPING;
        let mut stalls = 0;
        for _ in 0..ROUNDS {
            if faults.are_none(self.margin) {
                return Some(candidate);
            }
            self.rounds += 1;
            let before = faults.squares;
            let mut improved = false;
            let normal = self.normal(&candidate, &faults, h, stop)?;
            for _ in 0..STRAINS {
                if stop.is_due() {
                    return None;
                }
                let Some(next) = self.stepped(&candidate, &normal, &ties, damping) else {
                    damping *= STRAIN;
                    continue;
                };
                match self.faults(&next) {
                    Some(less) if less.squares < faults.squares => {
                        (candidate, faults) = (next, less);
                        damping *= EASE;
                        improved = true;
                        break;
                    }
                    _ => damping *= STRAIN,
                }
            }
            stalls += usize::from(faults.squares > STALLED * before);
            if !improved || stalls > STALLS {
                break;
            }
        }
        faults.are_none(self.margin).then_some(candidate)
    }

    /// Normal equations of the faults' squares, unless it is to stop before they are set up.
    fn normal(&mut self, candidate: &Candidate, faults: &Faults, h: f64, stop: &Stop) -> Option<Band> {
        let control = self.splines.control(&candidate.unknowns, h);
        let mut normal = std::mem::take(&mut self.band);
        normal.reset(candidate.unknowns.len(), self.splines.width());
        let mut form = Vec::new();
        for same in faults.all.chunk_by(|a, b| (a.segment, a.share) == (b.segment, b.share)) {
            if stop.is_due() {
                return None;
            }
            let Fault { segment, share, .. } = same[0];
            let slopes = self.slopes(&control, h, segment, share, same)?;
            for (fault, slopes) in same.iter().zip(&slopes) {
                self.splines.clear(segment, &mut form);
                for (order, slopes) in slopes.iter().enumerate() {
                    let weights = self.weights[share][order];
                    let scale = h.powi(order as i32).recip();
                    for (output, slope) in slopes.iter().enumerate().take(self.splines.moving()) {
                        if *slope != 0.0 {
                            let weights = weights.map(|w| w * scale * slope);
                            self.splines.add_slopes(segment, output, &weights, h, &mut form);
                        }
                    }
                }
                normal.add(self.splines.first(segment), &form, -fault.by, 1.0);
            }
        }
        Some(normal)
    }

    /// How faults at one instant depend on the derivatives of the outputs there.
    fn slopes(
        &mut self,
        control: &[f64],
        h: f64,
        segment: usize,
        share: usize,
        faults: &[Fault],
    ) -> Option<Vec<Derivatives>> {
        let derivatives = self.derivatives(control, h, segment, share);
        let mut slopes = vec![Derivatives::default(); faults.len()];
        for (fault, slopes) in faults.iter().zip(&mut slopes) {
            if let Of::Place(direction) = fault.of {
                for (slope, axis) in slopes[0].iter_mut().zip(self.axes) {
                    *slope = -direction.dot(*axis) / REACH;
                }
            }
        }
        if faults.iter().all(|fault| matches!(fault.of, Of::Place(_))) {
            return Some(slopes);
        }
        let at = self.shares(&derivatives)?;
        for order in 1..=MAX_ORDER {
            for output in 0..self.splines.moving() {
                let step = STEP * (1.0 + derivatives[order][output].abs());
                let mut moved = derivatives;
                moved[order][output] += step;
                let moved = self.shares(&moved)?;
                for (fault, slopes) in faults.iter().zip(&mut slopes) {
                    if let Of::Limit(i) = fault.of {
                        slopes[order][output] = (moved[i] - at[i]) / step * at[i].signum();
                    }
                }
            }
        }
        Some(slopes)
    }

    /// Normal equations that leave the fourth derivative as it is.
    fn ties(&self, candidate: &Candidate) -> Band {
        let h = self.h(candidate);
        let scale = self.per_snap(h);
        let weights = self.weights[0][MAX_ORDER].map(|w| w * scale);
        let mut ties = Band::default();
        ties.reset(candidate.unknowns.len(), self.splines.width());
        let mut form = Vec::new();
        for segment in 0..self.splines.segments() {
            for output in 0..self.splines.moving() {
                self.splines.clear(segment, &mut form);
                self.splines.add_slopes(segment, output, &weights, h, &mut form);
                ties.add(self.splines.first(segment), &form, 0.0, 1.0);
            }
        }
        ties
    }

    /// The candidate that the normal equations and a damping of changes lead to.
    fn stepped(&self, candidate: &Candidate, normal: &Band, ties: &Band, damping: f64) -> Option<Candidate> {
        let mut damped = normal.clone();
        damped.add_all(ties, damping);
        damped.lift(TIED);
        let step = damped.solve()?;
        let unknowns = candidate.unknowns.iter().zip(step).map(|(u, s)| u + s).collect();
        Some(Candidate { unknowns, ..*candidate })
    }

    fn derivatives(&self, control: &[f64], h: f64, segment: usize, share: usize) -> Derivatives {
        let mut derivatives = Derivatives::default();
        let moving = self.splines.moving();
        for (order, values) in derivatives.iter_mut().enumerate() {
            let scale = h.powi(order as i32).recip();
            for (output, value) in values.iter_mut().enumerate().take(moving) {
                *value = scale * self.splines.sum(control, segment, output, &self.weights[share][order]);
            }
        }
        derivatives[0][moving..][..self.splines.resting().len()].copy_from_slice(self.splines.resting());
        derivatives
    }

    /// Limited quantities as shares of their ranges, 1 and -1 at their bounds, and how far the thrust is from
    /// none; where the map has a value.
    fn shares(&mut self, derivatives: &Derivatives) -> Option<[f64; MOST]> {
        let mut flat = Flat::default();
        flat.derivatives[..=MAX_ORDER].copy_from_slice(derivatives);
        self.flight.base.map(&flat, &mut self.moved).ok()?;
        let share = |limit: &Limited<f64>| {
            let [lower, upper] = limit.bounds;
            (2.0 * limit.value.value() - lower - upper) / (upper - lower)
        };
        let (up, gravity) = (self.axes.len() - 1, self.flight.envelope.hovering());
        let level = derivatives[2][..up].iter().map(|a| a * a).sum::<f64>();
        let thrust = (level + (derivatives[2][up] + gravity).powi(2)).sqrt();
        let mut shares = [0.0; MOST];
        for (s, limit) in shares.iter_mut().zip(&self.moved.limits) {
            let value = share(limit);
            *s = if value.is_finite() { value } else { 0.0 };
        }
        shares[self.moved.limits.len()] = 1.0 + KEPT_THRUST - thrust / gravity;
        Some(shares)
    }

    /// What a candidate exceeds; `None` where it is nowhere.
    fn faults(&mut self, candidate: &Candidate) -> Option<Faults> {
        let h = self.h(candidate);
        let control = self.splines.control(&candidate.unknowns, h);
        let mut faults = Faults::default();
        for segment in 0..self.splines.segments() {
            for share in 0..SHARES.len() {
                let derivatives = self.derivatives(&control, h, segment, share);
                for (i, value) in self.shares(&derivatives)?.into_iter().enumerate() {
                    let fault =
                        Fault { segment, share, of: Of::Limit(i), by: value.abs() - 1.0 + self.margin };
                    let is_thrust = i == self.moved.limits.len();
                    if !is_thrust || value > 0.0 {
                        faults.push(fault);
                    }
                }
                self.crowd(segment, share, &mut faults);
            }
        }
        Some(faults)
    }

    /// Adds what is too near where the base has moved.
    fn crowd(&mut self, segment: usize, share: usize, faults: &mut Faults) {
        let mechanism = &self.flight.problem.mechanism;
        let Self { coordinates, poses, .. } = self;
        coordinates.clear();
        coordinates.extend(self.moved.coordinates.iter().map(|c| c.value()));
        let place = |away: DVec3, by: f64| Fault { segment, share, of: Of::Place(away), by: by / REACH };
        for ((&at, limits), &axis) in coordinates.iter().zip(&mechanism.limits).zip(self.axes) {
            faults.push(place(axis, limits.lower + self.clearance - at));
            faults.push(place(-axis, at - limits.upper + self.clearance));
        }
        if self.near[segment].is_empty() {
            return;
        }
        mechanism.place(coordinates, poses);
        for &near in &self.near[segment] {
            let obstacle = &self.flight.problem.world.obstacles[near];
            let mut nearest = (self.clearance, DVec3::ZERO);
            for link in mechanism.links.iter().filter(|link| link.body > 0) {
                let pose = &poses[link.body];
                let bound = obstacle.signed_distance(pose.point(link.bound.center)) - link.bound.radius - link.padding;
                if bound > nearest.0 {
                    continue;
                }
                for sphere in &mechanism.spheres[link.spheres.clone()] {
                    let center = pose.point(sphere.center);
                    let distance = obstacle.signed_distance(center) - sphere.radius - link.padding;
                    if distance < nearest.0 {
                        nearest = (distance, center);
                    }
                }
            }
            let (distance, center) = nearest;
            if distance < self.clearance {
                faults.push(place(obstacle.away(center), self.clearance - distance));
            }
        }
    }
}

/// The obstacles near each of so many parts of a flight, of equal duration.
fn obstacles_near(
    flight: &Flight<'_>,
    trajectory: &Trajectory,
    axes: &[DVec3],
    segments: usize,
) -> Vec<Vec<usize>> {
    let mechanism = &flight.problem.mechanism;
    let of_body = mechanism.links.iter().filter(|link| link.body > 0);
    let body = of_body.map(|link| link.bound.center.length() + link.bound.radius + link.padding).fold(0.0, f64::max);
    let mut outputs = vec![0.0; trajectory.dof()];
    let mut place = |share: f64| {
        trajectory.evaluate(share * trajectory.duration(), 0, &mut outputs);
        axes.iter().zip(&outputs).map(|(axis, x)| *axis * *x).sum::<DVec3>()
    };
    let places: Vec<DVec3> = (0..=2 * segments).map(|i| place(i as f64 / (2 * segments) as f64)).collect();
    let near = |part: &[DVec3]| {
        let travel = part[0].distance(part[1]).max(part[1].distance(part[2]));
        let obstacles = flight.problem.world.obstacles.iter().enumerate();
        let is_near = |obstacle: &Obstacle| obstacle.signed_distance(part[1]) < body + travel + STRAY;
        obstacles.filter(|(_, obstacle)| is_near(obstacle)).map(|(i, _)| i).collect()
    };
    places.windows(3).step_by(2).map(near).collect()
}

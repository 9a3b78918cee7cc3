//! What a quadrotor can do, as far as its planner must know before it tries: how hard it accelerates in
//! which direction, and how smooth its accelerations must be. The limits themselves are those of
//! [`Base::unflatten`]; what is estimated here only decides where to begin.

use crate::base::{Actuation, Base, Limited, Moved, PlanarQuadrotor, Quadrotor, VelocityAxes};
use crate::problem::JointState;
use crate::robot::OutputLimits;
use crate::steer::{LineLaw, moving_average};
use crate::trajectory::{Trajectory, cubic, extrema};

/// Share of a limit that is left unused where it is ridden along, so that a proof by intervals need not
/// halve them without end.
const MARGIN: f64 = 1e-3;

/// Share of the thrust that is kept for turning where rotors give both.
pub(super) const FOR_TURNING: f64 = 0.05;

/// The least thrust by mass that is flown, in multiples of gravity: where it vanishes it has no
/// direction.
const LEAST_THRUST: f64 = 0.03;

/// Greatest downward acceleration beside others, in multiples of gravity.
const GREATEST_FALL: f64 = 0.9;

/// Shares of the limits of yaw that motions of yaw alone take, as tilting takes some too.
const YAW_SHARE: f64 = 0.5;

/// Widths of the filters are tried in this ratio, ...
const WIDTH_RATIO: f64 = 1.12;
/// ... from this multiple of the estimate on, ...
const NARROWEST: f64 = 0.35;
/// ... so many times.
const WIDTHS: usize = 25;

/// Shares of the greatest body rate and of the torques with which an overturned body is turned, ...
const TURNING: f64 = 0.985;
const TURNING_TORQUE: f64 = 0.93;
/// ... and the times in which rotors bring it to that rate and stop it again, seconds.
const PULSE: f64 = 0.085;
const BRAKE: f64 = 0.13;

/// Limited quantities of a quadrotor: speeds, body rates and controls.
pub(super) const MOST_LIMITS: usize = 10;

/// A quantity is as good as cubic where a cubic misses its value in the middle by so many margins, ...
const ASTRAY: f64 = 4.0;
/// ... and parts of segments in which it is not are halved so often at most.
const HALVINGS: u32 = 4;

/// What limits are exceeded by only by rounding, as a share of their range.
const ROUNDING: f64 = 1e-12;

/// Two numbers closer than this are the same, rad or m.
const SAME: f64 = 1e-9;

/// Bounds of a planar quadrotor's or quadrotor's motion in its flat outputs.
#[derive(Clone, Debug)]
pub(super) struct Envelope<'a> {
    base: &'a Base,
    /// Acceleration of free fall, m/s^2.
    gravity: f64,
    /// Greatest thrust by mass, m/s^2.
    most: f64,
    /// The same, less what is kept for turning.
    thrust: f64,
    /// Share of each limit that is left unused.
    spare: f64,
    /// Greatest speed, m/s.
    speed: f64,
    /// Whether that is along the axes of the body, so that no direction may be faster.
    is_round: bool,
    /// Greatest body rate, rad/s.
    rate: f64,
    /// Angular acceleration that there is always torque for, rad/s^2.
    turn: f64,
    /// Angular acceleration by the difference between the thrusts of opposite rotors, each as a multiple
    /// of the weight, rad/s^2; infinite where torque does not depend on thrust.
    turn_by_thrust: f64,
    /// Greatest rate of yaw by itself, rad/s, and its derivative.
    yaw: [f64; 2],
}

/// Accelerations that are allowed beside each other: a box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agility {
    /// Along each horizontal output, m/s^2.
    pub(super) horizontal: f64,
    /// Upwards.
    pub(super) rise: f64,
    /// Downwards, as a positive number.
    pub(super) fall: f64,
    /// Greatest tilt on straight lines, rad.
    pub(super) tilt: f64,
}

impl Agility {
    /// A share of it.
    pub(super) fn slower(self, share: f64) -> Self {
        let Self { horizontal, rise, fall, tilt } = self;
        Self { horizontal: share * horizontal, rise: share * rise, fall: share * fall, tilt }
    }
}

impl<'a> Envelope<'a> {
    /// That of a base, if it is a quadrotor.
    pub(super) fn of(base: &'a Base) -> Option<Self> {
        match base {
            Base::PlanarQuadrotor(quadrotor) => Some(Self::planar(base, quadrotor)),
            Base::Quadrotor(quadrotor) => Some(Self::spatial(base, quadrotor)),
            _ => None,
        }
    }

    fn planar(base: &'a Base, quadrotor: &PlanarQuadrotor) -> Self {
        let PlanarQuadrotor { mass, inertia, arm, rotor, velocity, body_rate, gravity } = *quadrotor;
        let spare = (rotor - 1.0).clamp(0.0, 1.0);
        Self {
            base,
            gravity,
            most: rotor * gravity * (1.0 - MARGIN),
            thrust: rotor * gravity * (1.0 - FOR_TURNING),
            speed: velocity * (1.0 - MARGIN),
            spare: MARGIN,
            is_round: false,
            rate: body_rate,
            turn: arm * mass * gravity * spare / inertia,
            turn_by_thrust: arm * mass * gravity / inertia,
            yaw: [f64::INFINITY; 2],
        }
    }

    fn spatial(base: &'a Base, quadrotor: &Quadrotor) -> Self {
        let Quadrotor { mass, inertia, ref actuation, velocity, body_rate, velocity_axes, gravity } =
            *quadrotor;
        let slowest = inertia.x.max(inertia.y);
        let (most, kept, moments, turn_by_thrust) = match *actuation {
            Actuation::Rotors { arm, torque_by_thrust, most } => {
                let spare = (most - 1.0).clamp(0.0, 1.0) * mass * gravity;
                let across = arm * std::f64::consts::FRAC_1_SQRT_2 * spare;
                let moments = [across, across, torque_by_thrust * spare];
                let arm = arm * std::f64::consts::FRAC_1_SQRT_2;
                (most * gravity, FOR_TURNING, moments, arm * mass * gravity / slowest)
            }
            Actuation::Wrench { unit, lower, upper } => {
                let moment = |i: usize| unit[i] * upper[i].min(-lower[i]);
                (unit[0] * upper[0] / mass, MARGIN, [1, 2, 3].map(moment), f64::INFINITY)
            }
        };
        Self {
            base,
            gravity,
            most: most * (1.0 - MARGIN),
            thrust: most * (1.0 - kept),
            speed: velocity * (1.0 - MARGIN),
            spare: MARGIN,
            is_round: velocity_axes == VelocityAxes::Body,
            rate: body_rate,
            turn: (moments[0] / inertia.x).min(moments[1] / inertia.y),
            turn_by_thrust,
            yaw: [YAW_SHARE * body_rate, YAW_SHARE * moments[2] / inertia.z],
        }
    }

    /// The same for flights between states of which one is at the limit of its speed, or all but: then limits are ridden
    /// to the last.
    pub(super) fn between(mut self, ends: impl Iterator<Item = &'a JointState>) -> Self {
        let places = self.up() + 1;
        let fastest = |state: &JointState| {
            let velocity = &state.velocity[..places];
            let size = velocity.iter().map(|v| v * v).sum::<f64>().sqrt();
            let along = velocity.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            if self.is_round { size } else { along }
        };
        if ends.map(fastest).fold(0.0, f64::max) > self.speed {
            self.speed /= 1.0 - MARGIN;
            self.spare = 0.0;
        }
        self
    }

    /// Number of flat outputs.
    pub(super) fn outputs(&self) -> usize {
        self.base.outputs().len()
    }

    /// The output that points up; those before it are horizontal, one behind it is yaw.
    pub(super) fn up(&self) -> usize {
        if self.outputs() == 2 { 1 } else { 2 }
    }

    /// Greatest thrust by mass, less what is kept for turning, m/s^2.
    pub(super) fn thrust(&self) -> f64 {
        self.thrust
    }

    /// Greatest thrust by mass where it does not turn, m/s^2.
    pub(super) fn strongest(&self) -> f64 {
        self.most
    }

    /// Greatest speed, m/s: along each axis, or in all.
    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// Thrust by mass that hovers, m/s^2.
    pub(super) fn hovering(&self) -> f64 {
        self.gravity
    }

    /// Whether it can turn either way about every axis, as to lean and to be level again takes.
    pub(super) fn can_turn(&self) -> bool {
        [self.turn, self.yaw[0], self.yaw[1]].iter().all(|&turn| turn > 0.0)
    }

    /// Whether it can hover, and something more.
    pub(super) fn can_hover(&self) -> bool {
        self.thrust > self.gravity * (1.0 + LEAST_THRUST)
    }

    /// Boxes of accelerations, from those for motions along the ground to those for climbs.
    pub(super) fn agilities(&self) -> impl Iterator<Item = Agility> + use<'_> {
        let g = self.gravity;
        let most = (self.thrust * self.thrust - g * g).sqrt().min(2.0 * g);
        [0.9, 0.7, 0.5, 0.3].into_iter().map(move |share| self.agility(share * most))
    }

    /// A box with so much horizontal acceleration in all.
    fn agility(&self, level: f64) -> Agility {
        let g = self.gravity;
        let rise = (self.thrust * self.thrust - level * level).sqrt() - g;
        // Falling and accelerating at once tilts the most; that shall be no more than 60 degrees.
        let fall = (g - level / 3.0_f64.sqrt()).min(GREATEST_FALL * g);
        let tilt = (level / g).atan().max(0.5);
        Agility { horizontal: level / (self.up() as f64).sqrt(), rise, fall: fall.max(0.2 * g), tilt }
    }

    /// Limits of the outputs: their positions within those of the base's coordinates, `positions`, and
    /// accelerations within a box, both ways alike.
    pub(super) fn limits(&self, agility: &Agility, positions: &[OutputLimits]) -> Vec<OutputLimits> {
        let up = self.up();
        let axes = if self.is_round { ((up + 1) as f64).sqrt() } else { 1.0 };
        let limits = |output: usize| {
            let (velocity, acceleration) = match output {
                i if i < up => (self.speed / axes, agility.horizontal),
                i if i == up => (self.speed / axes, agility.rise),
                _ => (self.yaw[0], self.yaw[1]),
            };
            let OutputLimits { lower, upper, .. } = positions[output];
            OutputLimits { lower, upper, velocity, acceleration, ..OutputLimits::NONE }
        };
        (0..self.outputs()).map(limits).collect()
    }

    /// What holds along a straight line on which the body leans by no more than `tilt`; `way` is the
    /// difference of its ends, and `reserve` the share of the thrust that is kept for turning. `None` where
    /// there is no way.
    pub(super) fn line(&self, way: &[f64], tilt: f64, reserve: f64) -> Option<LineLaw> {
        const FREE: LineLaw =
            LineLaw { speed: f64::INFINITY, speeding: f64::INFINITY, braking: f64::INFINITY };
        let up = self.up();
        let level = way[..up].iter().map(|w| w * w).sum::<f64>().sqrt();
        let length = level.hypot(way[up]);
        let mut law = FREE;
        if length > SAME {
            let fastest = way[..=up].iter().fold(0.0_f64, |most, w| most.max(w.abs()));
            let thrust = if level < SAME { self.most } else { self.most * (1.0 - reserve) };
            let along =
                |climb: f64| along([thrust, self.gravity], [level / length, climb / length], tilt) / length;
            let speed = self.speed / if self.is_round { length } else { fastest };
            law = LineLaw { speed, speeding: along(way[up]), braking: along(-way[up]) };
        }
        if let Some(turn) = way.get(up + 1).map(|turn| turn.abs()).filter(|&turn| turn > SAME) {
            let [rate, change] = self.yaw.map(|most| most / turn);
            law = law.and(LineLaw { speed: rate, speeding: change, braking: change });
        }
        (law != FREE).then_some(law)
    }

    /// What holds on a climb, or descent, that is not quite vertical, where only the strong of its phases,
    /// the one against the weight, leans: by the horizontal acceleration `level`, m/s^2. Of the vertical
    /// part alone; its time in the strong phase is that of its one phase.
    pub(super) fn shaft(&self, climb: f64, level: f64, reserve: f64) -> LineLaw {
        let thrust = self.most * (1.0 - reserve);
        let strong = (thrust * thrust - level * level).sqrt() - self.gravity;
        let weak = (1.0 - LEAST_THRUST) * self.gravity;
        let (speeding, braking) = if climb > 0.0 { (strong, weak) } else { (weak, strong) };
        let [speed, speeding, braking] = [self.speed, speeding, braking].map(|most| most / climb.abs());
        LineLaw { speed, speeding, braking }
    }

    /// How an overturned body is turned.
    pub(super) fn turning(&self) -> Turning {
        let rate = TURNING * self.rate;
        let weak = LEAST_THRUST * self.gravity;
        if self.turn_by_thrust.is_infinite() {
            let thrusts = [weak, self.most];
            return Turning {
                rate,
                idle: thrusts,
                torqued: thrusts,
                change: [TURNING_TORQUE * self.turn; 2],
                gravity: self.gravity,
            };
        }
        // The greatest rate is reached in a given time, if the thrust permits.
        let share = |time: f64| rate / (time * TURNING_TORQUE * self.turn_by_thrust);
        let most = self.most / self.gravity;
        let (pulse, brake) = (share(PULSE).min(0.5 * most), share(BRAKE).min(0.5 * most));
        let change = [pulse, brake].map(|share| share * TURNING_TORQUE * self.turn_by_thrust);
        let torqued = [pulse, most - brake].map(|share| share * self.gravity);
        Turning { rate, idle: [weak, self.most], torqued, change, gravity: self.gravity }
    }

    /// Greatest body rate, rad/s.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Derivative of the rate of yaw that motions of yaw may take, rad/s^2.
    pub(super) fn yaw_acceleration(&self) -> f64 {
        self.yaw[1]
    }

    /// Thrusts by mass, a weak and a strong one, beside which rotors can turn the body, with a share of the greatest
    /// thrust for that; and the angular acceleration that this gives, rad/s^2.
    pub(super) fn turning_with(&self, reserve: f64) -> ([f64; 2], f64) {
        if self.turn_by_thrust.is_infinite() {
            return ([LEAST_THRUST * self.gravity, self.most], self.turn);
        }
        let kept = reserve * self.most;
        ([kept, self.most - kept], self.turn_by_thrust * kept / self.gravity)
    }

    /// The fourth derivative of the position, m/s^4, that the torques give while it hovers.
    pub(super) fn snap(&self) -> f64 {
        self.gravity * self.turn
    }

    /// Estimated widths of the two filters between accelerations that differ by `change`, m/s^2, where the
    /// thrust by mass is about `thrust`: body rates are held by the first, torques by both together.
    pub(super) fn widths(&self, change: f64, thrust: f64) -> [f64; 2] {
        let swing = change / thrust;
        let (by_rate, by_torque) = (swing / self.rate, (swing / self.turn).sqrt());
        let first = by_rate.max(by_torque);
        [first, (by_torque * by_torque / first).max(0.2 * first)]
    }

    /// Whether all limits of the base hold by a margin: at the ends and in the middle of parts of every
    /// segment so short that what is limited is as good as cubic in them, and by these cubics.
    pub(super) fn holds(&self, trajectory: &Trajectory) -> bool {
        trajectory.segments().all(|segment| {
            let stretch = self.base.stretch(&segment);
            let at = |t: f64| {
                let mut moved =
                    Moved { coordinates: Vec::with_capacity(6), limits: Vec::with_capacity(MOST_LIMITS) };
                self.base.map(&stretch.flat(&segment, t, 0.0), &mut moved).ok()?;
                Some(moved.limits)
            };
            let ends = [at(0.0), at(segment.duration)];
            let [Some(first), Some(last)] = ends else { return false };
            hold_over([0.0, segment.duration], [&first, &last], (HALVINGS, self.spare), &at)
        })
    }

    /// Whether it moves straight up or down alone: then the thrust keeps its direction, and may jump.
    pub(super) fn is_vertical(&self, trajectory: &Trajectory) -> bool {
        let up = self.up();
        let moves = |polynomial: &[f64]| polynomial[1..].iter().any(|c| c.abs() > SAME);
        trajectory.segments().all(|s| (0..s.dof).all(|output| output == up || !moves(s.polynomial(output))))
    }

    /// `course` made so smooth that all limits hold: by the narrowest filters of some multiples of these
    /// `widths` that do it.
    pub(super) fn smooth(&self, course: &Trajectory, widths: [f64; 2]) -> Option<Trajectory> {
        let filtered = |i: usize| {
            let factor = NARROWEST * WIDTH_RATIO.powi(i as i32);
            Some(filtered(course, widths.map(|width| factor * width))).filter(|smooth| self.holds(smooth))
        };
        // The wider, the easier: the least index that holds lies in (below, best].
        let (mut below, mut best) = (0, (WIDTHS, filtered(WIDTHS)?));
        while best.0 > below + 1 {
            let middle = (below + best.0) / 2;
            match filtered(middle) {
                Some(smooth) => best = (middle, smooth),
                None => below = middle,
            }
        }
        Some(best.1)
    }
}

/// What is limited at an instant.
type Limits = Vec<Limited<f64>>;

/// Whether limits hold by a margin between two instants at which they are known, and which may be halved so
/// often; the margin is a quarter of the share that is given too.
fn hold_over(
    [from, to]: [f64; 2],
    [first, last]: [&Limits; 2],
    (halvings, spare): (u32, f64),
    at: &impl Fn(f64) -> Option<Limits>,
) -> bool {
    let half = 0.5 * (to - from);
    let Some(middle) = at(from + half) else { return false };
    let mut is_cubic = true;
    for ((a, b), c) in first.iter().zip(&middle).zip(last) {
        let [[p, p1, ..], [q, q1, ..], [r, r1, ..]] = [a, b, c].map(|limited| limited.value.0);
        let range = b.bounds[1] - b.bounds[0];
        let kept = match range.is_finite() {
            true if spare > 0.0 => 0.25 * spare * range,
            // Rounding is for the proof to judge.
            true => -ROUNDING * range,
            false => 0.0,
        };
        let [lower, upper] = [b.bounds[0] + kept, b.bounds[1] - kept];
        if ![p, q, r].into_iter().all(|value| lower <= value && value <= upper) {
            return false;
        }
        let miss = (0.5 * (p + r) + 0.25 * half * (p1 - r1) - q).abs();
        // Of both halves: a cubic lies between the least and the greatest of its control points.
        let third = half / 3.0;
        let controls = [p, p + third * p1, q - third * q1, q, q + third * q1, r - third * r1, r];
        if controls.into_iter().all(|value| lower + miss <= value && value <= upper - miss) {
            continue;
        }
        if miss > ASTRAY * MARGIN * range && halvings > 0 {
            is_cubic = false;
            continue;
        }
        let halves = [cubic(half, [p, q], [p1, q1]), cubic(half, [q, r], [q1, r1])];
        let halves = halves.map(|cubic| extrema(&cubic, 0, half));
        if !halves.into_iter().all(|half| lower <= half.min && half.max <= upper) {
            return false;
        }
    }
    is_cubic
        || hold_over([from, from + half], [first, &middle], (halvings - 1, spare), at)
            && hold_over([from + half, to], [&middle, last], (halvings - 1, spare), at)
}

/// The greatest acceleration in a direction, given by what is level of it and what climbs, at a greatest thrust
/// by mass and a gravity.
fn along([thrust, g]: [f64; 2], [level, climb]: [f64; 2], tilt: f64) -> f64 {
    let by_thrust = (thrust * thrust - g * g * level * level).sqrt() - g * climb;
    let lean = level - tilt.tan() * climb;
    let by_tilt = if lean > 0.0 { g * tilt.tan() / lean } else { f64::INFINITY };
    let by_fall = if climb < 0.0 { (1.0 - LEAST_THRUST) * g / -climb } else { f64::INFINITY };
    by_thrust.min(by_tilt).min(by_fall)
}

/// A course after filters of both widths.
pub(super) fn filtered(course: &Trajectory, [first, second]: [f64; 2]) -> Trajectory {
    moving_average(&moving_average(course, first), second)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::GRAVITY;
    use glam::DVec3;
    use proptest::prelude::*;

    /// A planar quadrotor, one by rotors, and one by thrust and moments.
    pub(in super::super) fn bases() -> [Base; 3] {
        let quadrotor = |actuation, inertia| {
            let velocity_axes = VelocityAxes::World;
            let gravity = GRAVITY;
            Base::Quadrotor(Quadrotor {
                mass: 0.5,
                inertia,
                actuation,
                velocity: 4.0,
                body_rate: 8.0,
                velocity_axes,
                gravity,
            })
        };
        [
            Base::PlanarQuadrotor(PlanarQuadrotor {
                mass: 0.034,
                inertia: 1e-4,
                arm: 0.1,
                rotor: 1.3,
                velocity: 4.0,
                body_rate: 8.0,
                gravity: GRAVITY,
            }),
            quadrotor(
                Actuation::Rotors { arm: 0.1, torque_by_thrust: 0.01, most: 1.5 },
                DVec3::new(2e-3, 2.2e-3, 4e-3),
            ),
            quadrotor(
                Actuation::Wrench {
                    unit: [1.0; 4],
                    lower: [0.0, -1.0, -1.0, -1.0],
                    upper: [9.0, 1.0, 1.0, 1.0],
                },
                DVec3::new(0.03, 0.03, 0.05),
            ),
        ]
    }

    proptest! {
        /// The thrust on a line is within its limits and leans no more than it should; and one of them is
        /// met, so that no line could be faster.
        #[test]
        fn lines_are_as_fast_as_thrust_and_tilt_allow(
            kind in 0..3_usize, x in -3.0..3.0, y in -3.0..3.0, z in -3.0..3.0, tilt in 0.2..1.2,
        ) {
            let base = &bases()[kind];
            let envelope = Envelope::of(base).unwrap();
            let way: Vec<f64> = if kind == 0 { vec![x, z] } else { vec![x, y, z, 0.0] };
            let law = envelope.line(&way, tilt, FOR_TURNING).unwrap();
            let up = envelope.up();
            for share in [law.speeding, -law.braking] {
                let level = share.abs() * way[..up].iter().map(|w| w * w).sum::<f64>().sqrt();
                let climb = GRAVITY + share * way[up];
                let (thrust, lean) = (level.hypot(climb), level.atan2(climb));
                prop_assert!(thrust <= envelope.most * (1.0 + 1e-9) && lean <= tilt + 1e-9, "{thrust} {lean}");
                let fall = climb <= (LEAST_THRUST * GRAVITY) * (1.0 + 1e-9);
                let most = envelope.most * (1.0 - FOR_TURNING);
                prop_assert!(thrust >= most * (1.0 - 1e-9) || lean >= tilt - 1e-9 || fall);
            }
            prop_assert!(way[..=up].iter().all(|w| (w * law.speed).abs() <= 4.0));
        }

        /// Any mix of accelerations of a box, and of those on lines, is within the thrust.
        #[test]
        fn boxes_are_within_the_thrust(kind in 0..3_usize, shares in prop::collection::vec(-1.0..=1.0_f64, 3)) {
            let base = &bases()[kind];
            let envelope = Envelope::of(base).unwrap();
            for agility in envelope.agilities() {
                let up = envelope.up();
                let level = shares[..up].iter().map(|s| (s * agility.horizontal).powi(2)).sum::<f64>().sqrt();
                let climb = GRAVITY + shares[2].max(0.0) * agility.rise + shares[2].min(0.0) * agility.fall;
                prop_assert!(level.hypot(climb) <= envelope.thrust * (1.0 + 1e-9));
                prop_assert!(climb > 0.05 * GRAVITY);
            }
        }

        /// Smoothed lines hold all limits, densely sampled.
        #[test]
        fn smoothed_lines_hold(kind in 0..3_usize, x in -3.0..3.0, y in -3.0..3.0, z in -3.0..3.0) {
            let base = &bases()[kind];
            let envelope = Envelope::of(base).unwrap();
            let way: Vec<f64> = if kind == 0 { vec![x, z] } else { vec![x, y, z, 0.5] };
            let law = envelope.line(&way, 0.8, FOR_TURNING).unwrap();
            let course = crate::steer::straight(&vec![0.0; way.len()], &way, &law);
            let widths = envelope.widths(2.0 * GRAVITY, GRAVITY);
            let smooth = envelope.smooth(&course, widths).expect("wide filters hold anything");
            prop_assert!(envelope.holds(&smooth));
            for i in 0..=500 {
                let (segment, t) = smooth.locate(smooth.duration() * f64::from(i) / 500.0);
                let sample = base.unflatten(&base.flat(&smooth.segment(segment), t)).unwrap();
                for limit in sample.limits {
                    prop_assert!(limit.excess() <= 0.0, "{limit}");
                }
            }
        }
    }
}

/// Thrusts by mass and angular accelerations of a righting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turning {
    /// Greatest rate, rad/s.
    pub(super) rate: f64,
    /// Thrust by mass while nothing is to be turned: weak, and strong; m/s^2.
    pub(super) idle: [f64; 2],
    /// The same while the rate changes.
    pub(super) torqued: [f64; 2],
    /// Angular acceleration of the weak thrust and of the strong, rad/s^2.
    pub(super) change: [f64; 2],
    /// Acceleration of free fall, m/s^2.
    pub(super) gravity: f64,
}

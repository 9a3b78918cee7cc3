//! Swings to level from any attitude but upside down, whichever way the body turns: its thrust goes to upright along
//! both axes of its tilt at once, as fast as torques allow, weak while it points down and else strong; then, upright, it
//! brakes the fall as hard as it can.
//!
//! The tilt is a vector: the angle between thrust and upright, in the direction in which it leans. Along it the thrust
//! turns no faster than the tilt changes, and from rest to rest it is what two axes by themselves make of it.

use super::envelope::Envelope;
use super::thrust_piece;
use crate::base::Jet;
use crate::problem::JointState;
use crate::robot::OutputLimits;
use crate::steer::{Profile, TimeOptimal, nearest_turn};
use crate::trajectory::Trajectory;
use glam::{DMat3, DQuat, DVec3};
use std::f64::consts::PI;

/// How swings are tried.
struct SwingSettings {
    /// Shares of the greatest thrust that are kept for turning, ...
    reserves: [f64; 4],
    /// ... and of the angular acceleration that they give.
    accelerations: [f64; 3],
    /// Share of the greatest body rate that is turned at.
    rate: f64,
    /// The thrust is strong up to this cosine of the tilt.
    strong: f64,
    /// The thrust turns by no more than this within a piece, rad.
    turn: f64,
    /// Pieces between two changes of the acceleration, at most: a swing turns by little more than half a turn, and what
    /// takes more turns at rates that make no sense.
    pieces: f64,
    /// Tilts this near to upside down, rad, have no direction.
    overturned: f64,
}

const SETTINGS: SwingSettings = SwingSettings {
    reserves: [0.1, 0.2, 0.35, 0.5],
    accelerations: [0.95, 0.7, 0.5],
    rate: 0.97,
    strong: 0.1,
    turn: 0.15,
    pieces: 256.0,
    overturned: 0.2,
};

/// Share of what slows motions of yaw alone that the turn about the thrust is slowed by beside them; steps of a piece in
/// which it is followed; and the share of a piece over which its bend is told by a difference.
const SPIN_SHARE: f64 = 0.3;
const SPIN_STEPS: u32 = 8;
const MOMENT: f64 = 1e-4;

/// No piece is shorter, seconds.
const BRIEF: f64 = 1e-5;

/// What is smaller is none, rad and rad/s.
const NONE: f64 = 1e-9;

/// A body in flight, and how its thrust is tilted.
#[derive(Clone, Debug)]
pub(super) struct Tilt {
    /// Values and rates of the flat outputs.
    flat: JointState,
    /// The angle of the tilt along each horizontal output, rad, and its rate, rad/s.
    angle: Vec<f64>,
    rate: Vec<f64>,
}

impl Tilt {
    /// That of a body whose thrust has this direction; `None` where it points down.
    pub(super) fn of(flat: &JointState, thrust: &[Jet]) -> Option<Self> {
        let (up, level) = thrust.split_last()?;
        let [lean, leaning] = [0, 1].map(|order| level.iter().map(|jet| jet.0[order]).collect::<Vec<_>>());
        let size = norm(&lean);
        let tilt = size.atan2(up.value());
        if tilt > PI - SETTINGS.overturned {
            return None;
        }
        let flat = flat.clone();
        if size < NONE {
            return Some(Self { flat, angle: lean, rate: leaning });
        }
        let toward: Vec<f64> = lean.iter().map(|x| x / size).collect();
        let (sin, cos) = tilt.sin_cos();
        let along = dot(&leaning, &toward);
        let tilting = along * cos - up.0[1] * sin;
        let rate = toward.iter().zip(&leaning).map(|(u, x)| tilting * u + (x - along * u) * tilt / sin);
        let rate = rate.collect();
        Some(Self { flat, angle: toward.iter().map(|u| tilt * u).collect(), rate })
    }

    /// The swing of some that ends the highest, level and, where `brakes`, no longer sinking.
    pub(super) fn level(&self, envelope: &Envelope<'_>, brakes: bool) -> Option<Trajectory> {
        let up = envelope.up();
        let tries = SETTINGS
            .reserves
            .into_iter()
            .flat_map(|reserve| SETTINGS.accelerations.map(|share| (reserve, share)));
        let swings = tries.filter_map(|(reserve, share)| {
            let mut swing = self.swing(envelope, reserve, share)?;
            if brakes {
                swing = braked(envelope, swing);
            }
            envelope.holds(&swing).then_some(swing)
        });
        let height = |swing: &Trajectory| {
            let mut end = vec![0.0; swing.dof()];
            swing.evaluate(swing.duration(), 0, &mut end);
            end[up]
        };
        swings.max_by(|a, b| height(a).total_cmp(&height(b)))
    }

    /// A swing to upright that keeps a share of the thrust for turning, and turns by a share of what that gives.
    fn swing(&self, envelope: &Envelope<'_>, reserve: f64, share: f64) -> Option<Trajectory> {
        let ([weak, strong], acceleration) = envelope.turning_with(reserve);
        let axes = (self.angle.len() as f64).sqrt();
        let limits: Vec<OutputLimits> = self
            .rate
            .iter()
            .map(|rate| OutputLimits {
                velocity: (SETTINGS.rate * envelope.rate() / axes).max(rate.abs() * (1.0 + NONE)),
                acceleration: share * acceleration / axes,
                ..OutputLimits::NONE
            })
            .collect();
        let none = vec![0.0; self.angle.len()];
        let mut profiles: Vec<Profile> = Vec::new();
        let duration = TimeOptimal::new(&limits).steer(
            &self.angle,
            &self.rate,
            &none,
            &none,
            0.0,
            f64::INFINITY,
            &mut profiles,
        )?;
        let mut knots: Vec<f64> = profiles.iter().flat_map(|p| [p.accelerated, p.cruised]).collect();
        knots.retain(|&t| t > BRIEF && t < duration - BRIEF);
        knots.extend([0.0, duration]);
        knots.sort_by(f64::total_cmp);
        knots.dedup_by(|later, earlier| *later - *earlier < BRIEF && *later < duration);
        let tilted = |t: f64| {
            let states: Vec<(f64, f64)> = profiles.iter().map(|profile| profile.state(t)).collect();
            Direction::of(&states)
        };
        let mut course = Course {
            envelope,
            at: self.flat.clone(),
            trajectory: Trajectory::new(self.flat.position.len(), 5),
            spin: Spin::of(&self.flat, &tilted(0.0), envelope, duration),
        };
        for pair in knots.windows(2).filter(|pair| pair[1] > pair[0]) {
            let [from, to] = [pair[0], pair[1]];
            let turned = |t: f64| tilted(t).rate();
            let turn = (to - from) * turned(from).max(turned(to)).max(turned(0.5 * (from + to)));
            let parts = (turn / SETTINGS.turn).ceil().max(1.0);
            if parts > SETTINGS.pieces {
                return None;
            }
            for i in 0..parts as u32 {
                let [begin, middle, end] =
                    [0.0, 0.5, 1.0].map(|share| from + (to - from) * (f64::from(i) + share) / parts);
                let thrust = if tilted(middle).up[0] > SETTINGS.strong { strong } else { weak };
                course.piece([begin, end], &tilted, thrust);
            }
        }
        Some(course.trajectory)
    }
}

/// The same swing, then straight up by all the thrust there is until it no longer sinks.
pub(super) fn braked(envelope: &Envelope<'_>, mut swing: Trajectory) -> Trajectory {
    let up = envelope.up();
    let [mut position, mut velocity] = [vec![0.0; swing.dof()], vec![0.0; swing.dof()]];
    swing.evaluate(swing.duration(), 0, &mut position);
    swing.evaluate(swing.duration(), 1, &mut velocity);
    if velocity[up] < 0.0 {
        let braking = envelope.strongest() - envelope.hovering();
        let half = |i: usize| if i == up { 0.5 * braking } else { 0.0 };
        let coefficients: Vec<f64> =
            (0..position.len()).flat_map(|i| [position[i], velocity[i], half(i), 0.0, 0.0, 0.0]).collect();
        swing.push(-velocity[up] / braking, &coefficients);
    }
    swing
}

/// Where a thrust points, and the derivative of that: along each horizontal output, and up.
struct Direction {
    level: Vec<[f64; 2]>,
    up: [f64; 2],
}

impl Direction {
    /// Of a tilt along each horizontal output, each angle with its rate.
    fn of(tilt: &[(f64, f64)]) -> Self {
        let (angle, rate): (Vec<f64>, Vec<f64>) = tilt.iter().copied().unzip();
        let size = norm(&angle);
        if size < NONE {
            return Self { level: tilt.iter().map(|&(angle, rate)| [angle, rate]).collect(), up: [1.0, 0.0] };
        }
        let (sin, cos) = size.sin_cos();
        let toward: Vec<f64> = angle.iter().map(|a| a / size).collect();
        let tilting = dot(&rate, &toward);
        let level = toward
            .iter()
            .zip(&rate)
            .map(|(u, r)| [sin * u, tilting * cos * u + (r - tilting * u) * sin / size]);
        Self { level: level.collect(), up: [cos, -tilting * sin] }
    }

    /// How fast it turns, rad/s.
    fn rate(&self) -> f64 {
        let level: f64 = self.level.iter().map(|l| l[1] * l[1]).sum();
        (level + self.up[1] * self.up[1]).sqrt()
    }

    /// Its part along an output of the place, with its derivative.
    fn along(&self, output: usize) -> [f64; 2] {
        self.level.get(output).copied().unwrap_or(self.up)
    }

    /// In space, it or its derivative.
    fn vector(&self, order: usize) -> DVec3 {
        DVec3::new(self.along(0)[order], self.along(1)[order], self.up[order])
    }
}

/// How a body turns about its thrust: torques about that are weak, so that it is left to turn as it does, slower and
/// slower, and yaw is what comes of it.
struct Spin {
    /// From body to world.
    rotation: DMat3,
    /// Body rate about the thrust, rad/s, and its derivative until that is none.
    rate: f64,
    slowing: f64,
}

impl Spin {
    /// Of a body in space.
    fn of(flat: &JointState, thrust: &Direction, envelope: &Envelope<'_>, duration: f64) -> Option<Self> {
        let yaw = *flat.position.get(3)?;
        let axis = thrust.vector(0);
        let (sin, cos) = yaw.sin_cos();
        let roll = (-(axis.y * cos - axis.x * sin)).atan2(axis.z);
        let across = DVec3::new(-sin * roll.cos(), cos * roll.cos(), roll.sin());
        let rotation = DMat3::from_cols(across.cross(axis), across, axis);
        let mut spin = Self { rotation, rate: 0.0, slowing: 0.0 };
        // The rate of yaw is linear in that about the thrust.
        let yaws = |spin: &Self| spin.yaw(thrust.vector(1), DVec3::ZERO)[1];
        let still = yaws(&spin);
        spin.rate = 1.0;
        spin.rate = (flat.velocity[3] - still) / (yaws(&spin) - still);
        let most = SPIN_SHARE * envelope.yaw_acceleration();
        spin.slowing = (-spin.rate / duration.max(NONE)).clamp(-most, most);
        spin.rate.is_finite().then_some(spin)
    }

    /// Yaw and its first two derivatives, where the thrust turns so.
    fn yaw(&self, turning: DVec3, bending: DVec3) -> [f64; 3] {
        let back = self.rotation.transpose();
        let ([b1, b2], z) = ([turning, bending].map(|v| back * v), self.rate);
        let w = DVec3::new(-b1.y, b1.x, z);
        let turn = DVec3::new(-b2.y + w.y * z, b2.x - w.x * z, self.slowing);
        let first = w.cross(DVec3::Y);
        let second = turn.cross(DVec3::Y) + w.cross(first);
        let [across, first, second] = [DVec3::Y, first, second].map(|v| self.rotation * v);
        let side = if self.rotation.z_axis.z < 0.0 { -1.0 } else { 1.0 };
        let x = Jet::second_order([across.x, first.x, second.x]);
        let y = Jet::second_order([across.y, first.y, second.y]);
        let [yaw, rate, turn, _] = Jet::atan2(-side * x, side * y).0;
        [yaw, rate, turn]
    }

    /// Turns on while the thrust goes to another direction, in so many seconds.
    fn turn(&mut self, to: DVec3, t: f64) {
        let arc = DQuat::from_rotation_arc(self.rotation.z_axis.normalize(), to.normalize());
        let about = DMat3::from_rotation_z(t * (self.rate + 0.5 * self.slowing * t));
        self.rotation = DMat3::from_quat(arc) * self.rotation * about;
        self.rate += self.slowing * t;
    }
}

/// A trajectory on its way.
struct Course<'a> {
    envelope: &'a Envelope<'a>,
    /// Values and rates of the outputs at its end.
    at: JointState,
    trajectory: Trajectory,
    spin: Option<Spin>,
}

impl Course<'_> {
    /// Appends a piece over which a thrust by mass turns: its acceleration is a cubic, its direction and the rate of that
    /// exact at both ends.
    fn piece(&mut self, [begin, end]: [f64; 2], tilted: &impl Fn(f64) -> Direction, thrust: f64) {
        let up = self.envelope.up();
        let gravity = self.envelope.hovering();
        let t = end - begin;
        let ends = [tilted(begin), tilted(end)];
        let mut coefficients = Vec::with_capacity(6 * self.at.position.len());
        for output in 0..=up {
            let weight = if output == up { gravity } else { 0.0 };
            let ends = [0, 1].map(|end: usize| {
                let [direction, turn] = ends[end].along(output);
                [thrust * direction - weight, thrust * turn]
            });
            thrust_piece::append(&mut self.at, output, t, ends, &mut coefficients);
        }
        if let Some(spin) = &mut self.spin {
            let moment = MOMENT * t;
            let bend = |at: f64, ahead: f64| (tilted(at + ahead).vector(1) - tilted(at).vector(1)) / ahead;
            let from = spin.yaw(ends[0].vector(1), bend(begin, moment));
            for i in 1..=SPIN_STEPS {
                let at = begin + t * f64::from(i) / f64::from(SPIN_STEPS);
                spin.turn(tilted(at).vector(0), t / f64::from(SPIN_STEPS));
            }
            let mut to = spin.yaw(ends[1].vector(1), bend(end, -moment));
            // It goes on from where it is.
            let (yaw, rate) = (self.at.position[up + 1], self.at.velocity[up + 1]);
            to[0] = yaw + nearest_turn(to[0] - yaw);
            coefficients.extend(quintic(t, [yaw, rate, from[2]], to));
            (self.at.position[up + 1], self.at.velocity[up + 1]) = (to[0], to[1]);
        }
        self.trajectory.push(t, &coefficients);
    }
}

/// The polynomial with these values and first two derivatives at both ends of a duration.
fn quintic(t: f64, [p0, v0, a0]: [f64; 3], [p1, v1, a1]: [f64; 3]) -> [f64; 6] {
    let d = p1 - p0 - t * (v0 + 0.5 * t * a0);
    let (v, a) = ((v1 - v0 - t * a0) * t, (a1 - a0) * t * t);
    let cube = t * t * t;
    [
        p0,
        v0,
        0.5 * a0,
        (10.0 * d - 4.0 * v + 0.5 * a) / cube,
        (-15.0 * d + 7.0 * v - a) / (cube * t),
        (6.0 * d - 3.0 * v + 0.5 * a) / (cube * t * t),
    ]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::envelope::tests::bases;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A swing begins with the direction that the thrust has, and its turn, and ends level and, braked, without a fall.
        #[test]
        fn swings_end_level(
            kind in 0..3_usize, lean in prop::array::uniform2(-1.2..1.2_f64), rate in prop::array::uniform2(-3.0..3.0_f64),
            sink in -3.0..0.0_f64,
        ) {
            let base = &bases()[kind];
            let envelope = Envelope::of(base).unwrap();
            let (up, outputs) = (envelope.up(), envelope.outputs());
            let states: Vec<(f64, f64)> = (0..up).map(|i| (lean[i], rate[i])).collect();
            let direction = Direction::of(&states);
            let jet = |[value, rate]: [f64; 2]| Jet([value, rate, 0.0, 0.0]);
            let thrust: Vec<Jet> = (0..=up).map(|i| jet(direction.along(i))).collect();
            let mut flat = JointState::at_rest(vec![0.0; outputs]);
            flat.velocity[up] = sink;
            let tilt = Tilt::of(&flat, &thrust).unwrap();
            let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
            prop_assert!(near(&tilt.angle, &lean[..up]) && near(&tilt.rate, &rate[..up]), "{tilt:?}");
            let Some(swing) = tilt.level(&envelope, true) else { return Ok(()) };
            let evaluate = |t: f64, order: usize| {
                let mut values = vec![0.0; outputs];
                swing.evaluate(t, order, &mut values);
                values
            };
            let pull = |t: f64| {
                let mut a = evaluate(t, 2);
                a.truncate(up + 1);
                a[up] += envelope.hovering();
                a
            };
            let first = pull(0.0);
            let size = norm(&first);
            prop_assert!((0..=up).all(|i| (first[i] / size - thrust[i].value()).abs() < 1e-9));
            let last = pull(swing.duration());
            prop_assert!(last[..up].iter().all(|a| a.abs() < 1e-7), "{last:?}");
            prop_assert!(evaluate(swing.duration(), 1)[up] > -1e-9);
        }
    }

    #[test]
    fn a_tilt_upside_down_has_no_direction() {
        let jet = |value: f64| Jet([value, 0.0, 0.0, 0.0]);
        let flat = JointState::at_rest(vec![0.0; 2]);
        assert!(Tilt::of(&flat, &[jet(0.0), jet(-1.0)]).is_none());
        let (sin, cos) = 2.2_f64.sin_cos();
        assert!(Tilt::of(&flat, &[jet(sin), jet(cos)]).is_some());
    }
}

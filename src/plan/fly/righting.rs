//! Righting an overturned body: the thrust turns it over, weak while it points down; then, strong, brakes
//! the fall and the drift, and leaves it hovering.

use super::envelope::{Envelope, Turning};
use super::thrust_piece;
use crate::problem::JointState;
use crate::robot::OutputLimits;
use crate::steer::{Profile, TimeOptimal};
use crate::trajectory::Trajectory;

/// Cosine of the lean up to which the thrust is strong.
const STRONG: f64 = 0.15;

/// The thrust turns by no more than this within a cubic, rad.
const TURN: f64 = 0.2;

/// Greatest lean against the drift, rad.
const COUNTER: f64 = 0.7;

/// Halvings of that until the drift is none.
const HALVINGS: u32 = 50;

/// A drift that is none, m/s.
const STILL: f64 = 1e-10;

/// A body whose thrust leans in one vertical plane.
#[derive(Clone, Debug)]
pub(super) struct Lean {
    /// Values and rates of the flat outputs.
    pub(super) flat: JointState,
    /// The horizontal direction in which it leans, along the horizontal outputs.
    pub(super) toward: Vec<f64>,
    /// The angle between thrust and upright, rad; from 0 to two turns, as it is to be unwound to 0.
    pub(super) angle: f64,
    /// Its derivative, rad/s.
    pub(super) rate: f64,
}

impl Lean {
    /// From this lean to upright, without drift, hovering or still climbing, if that works out within all
    /// limits but those of positions.
    pub(super) fn righted(&self, envelope: &Envelope<'_>) -> Option<Trajectory> {
        let turning = envelope.turning();
        let drift = |counter: f64| Some(self.righting(&turning, counter)?.1);
        // The more it leans back in the end, the less it drifts on.
        let (mut back, mut ahead) = (-COUNTER, 0.0);
        if drift(back)? > 0.0 || drift(ahead)? < 0.0 {
            return None;
        }
        let mut best = None;
        for _ in 0..HALVINGS {
            let middle = 0.5 * (back + ahead);
            let (righting, drift) = self.righting(&turning, middle)?;
            if drift.abs() < STILL {
                best = Some(righting);
                break;
            }
            if drift > 0.0 { ahead = middle } else { back = middle }
        }
        best.filter(|righting| envelope.holds(righting))
    }

    /// From this lean to one of `counter`, which is held until the fall is at its end once the body is
    /// upright; and the drift that is left then, m/s.
    fn righting(&self, turning: &Turning, counter: f64) -> Option<(Trajectory, f64)> {
        let over = turn(turning, (self.angle, self.rate), counter)?;
        let up = turn(turning, (counter, 0.0), 0.0)?;
        let mut swing = RightingSwing::new(self);
        for leg in &over {
            swing.turn(leg, turning);
        }
        let rest = {
            let mut rest = swing.clone();
            up.iter().for_each(|leg| rest.turn(leg, turning));
            rest.climb()
        };
        let strong = turning.idle[1];
        let hold = -rest / (strong * counter.cos() - turning.gravity);
        if hold > 0.0 {
            swing.piece(hold, [(counter, 0.0); 2], [strong, turning.gravity]);
        }
        up.iter().for_each(|leg| swing.turn(leg, turning));
        let drift = swing.drift();
        Some((swing.trajectory, drift))
    }
}

/// A phase of a turn: its duration, and angle, rate and angular acceleration at its beginning.
type RightingLeg = (f64, [f64; 3]);

/// The fastest turn from an angle and rate to another angle at no rate.
fn turn(turning: &Turning, (angle, rate): (f64, f64), to: f64) -> Option<Vec<RightingLeg>> {
    // Beyond upright both ends of the turn are those of the strong thrust.
    let [weak, strong] = turning.change;
    let first = if angle.cos() > STRONG { strong } else { weak };
    let (rise, fall) = if to < angle { (strong, first) } else { (first, strong) };
    let limits = OutputLimits { velocity: turning.rate, acceleration: rise, ..OutputLimits::NONE };
    let mut profiles: Vec<Profile> = Vec::new();
    let mut fastest = TimeOptimal::new(&[limits]);
    fastest.allow_fall(0, fall);
    let duration = fastest.steer(&[angle], &[rate], &[to], &[0.0], 0.0, f64::INFINITY, &mut profiles)?;
    let profile = profiles[0];
    let phases =
        [(0.0, profile.accelerated), (profile.accelerated, profile.cruised), (profile.cruised, duration)];
    let leg = |(from, until): (f64, f64)| {
        let (angle, rate) = profile.state(from);
        (until - from, [angle, rate, profile.acceleration(0.5 * (from + until))])
    };
    Some(phases.into_iter().filter(|(from, until)| until - from > 1e-9).map(leg).collect())
}

/// A trajectory on its way, the thrust swinging in one plane.
#[derive(Clone)]
struct RightingSwing<'a> {
    lean: &'a Lean,
    trajectory: Trajectory,
    /// Values and rates of the outputs at its end.
    at: JointState,
}

impl<'a> RightingSwing<'a> {
    fn new(lean: &'a Lean) -> Self {
        Self { lean, trajectory: Trajectory::new(lean.flat.position.len(), 5), at: lean.flat.clone() }
    }

    /// Rate of climb at the end.
    fn climb(&self) -> f64 {
        self.at.velocity[self.lean.toward.len()]
    }

    /// Speed at the end in the direction of the lean.
    fn drift(&self) -> f64 {
        self.lean.toward.iter().zip(&self.at.velocity).map(|(u, v)| u * v).sum()
    }

    /// Turns for a phase, its thrust as strong as the lean asks for.
    fn turn(&mut self, &(duration, [angle, rate, change]): &RightingLeg, turning: &Turning) {
        let at = |t: f64| (angle + t * (rate + 0.5 * change * t), rate + change * t);
        let parts = ((at(duration).0 - angle).abs() / TURN).ceil().max(1.0);
        for i in 0..parts as u32 {
            let [from, middle, to] = [0.0, 0.5, 1.0].map(|part| duration * (f64::from(i) + part) / parts);
            let thrusts = if change == 0.0 { turning.idle } else { turning.torqued };
            let thrust = thrusts[usize::from(at(middle).0.cos() > STRONG)];
            self.piece(to - from, [at(from), at(to)], [thrust, turning.gravity]);
        }
    }

    /// Appends a piece in which the thrust by mass turns from one angle, at its rate, to another: its
    /// acceleration is a cubic, its direction and the rate of that exact at both ends.
    fn piece(&mut self, duration: f64, ends: [(f64, f64); 2], [thrust, gravity]: [f64; 2]) {
        let up = self.lean.toward.len();
        let mut coefficients = Vec::with_capacity(6 * self.at.position.len());
        for output in 0..self.at.position.len() {
            let ends = ends.map(|(angle, rate)| {
                let (sin, cos) = angle.sin_cos();
                match self.lean.toward.get(output) {
                    Some(u) => [u * thrust * sin, u * thrust * cos * rate],
                    None if output == up => [thrust * cos - gravity, -thrust * sin * rate],
                    None => [0.0, 0.0],
                }
            });
            thrust_piece::append(&mut self.at, output, duration, ends, &mut coefficients);
        }
        self.trajectory.push(duration, &coefficients);
    }
}

#[cfg(test)]
mod tests {
    use super::super::envelope::tests::bases;
    use super::*;
    use proptest::prelude::*;

    fn lean(envelope: &Envelope<'_>, angle: f64, rate: f64) -> Lean {
        let outputs = envelope.outputs();
        // To the side: a quadrotor's pitch stays none.
        let toward = if outputs == 2 { vec![1.0] } else { vec![0.0, 1.0] };
        Lean { flat: JointState::at_rest(vec![0.0; outputs]), toward, angle, rate }
    }

    #[test]
    fn many_leans_can_be_righted() {
        // A thrust of 1.3 times the weight rights only what is nearly upside down, and spins on.
        for (base, least) in bases().into_iter().zip([7, 14, 14]) {
            let envelope = Envelope::of(&base).unwrap();
            let righted =
                |k: u32| lean(&envelope, 1.6 + 0.1 * f64::from(k), 0.0).righted(&envelope).is_some();
            let count = (0..18).filter(|&k| righted(k)).count();
            assert!(count >= least, "{count} of 18: {base:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// From any lean beyond the horizon, near way or far, to upright, with neither drift nor fall; the
        /// thrust never leaves its plane.
        #[test]
        fn rightings_end_upright(kind in 0..3_usize, angle in 1.6..3.3_f64, rate in -0.5..0.5_f64) {
            let base = &bases()[kind];
            let envelope = Envelope::of(base).unwrap();
            let outputs = envelope.outputs();
            let Some(righting) = lean(&envelope, angle, rate).righted(&envelope) else { return Ok(()) };
            let (mut a, mut v) = (vec![0.0; outputs], vec![0.0; outputs]);
            righting.evaluate(righting.duration(), 1, &mut v);
            righting.evaluate(righting.duration(), 2, &mut a);
            let up = envelope.up();
            prop_assert!((0..outputs).all(|i| v[i].abs() < 2e-10 || i == up && v[i] > 0.0), "{v:?}");
            prop_assert!((0..outputs).all(|i| i == up || a[i].abs() < 1e-9), "{a:?}");
            // It begins with the direction that it should, and turns at the rate that it should.
            let begin = base.unflatten(&base.flat(&righting.segment(0), 0.0)).unwrap();
            let lean = begin.coordinates[if outputs == 2 { 2 } else { 4 }];
            let off = (lean + angle) / std::f64::consts::TAU;
            prop_assert!((off - off.round()).abs() < 1e-9, "{lean} {angle}");
            for order in 0..2 {
                let jump = righting.greatest_jump(order).map_or(0.0, |jump| jump.size.abs());
                prop_assert!(jump < 1e-12);
            }
        }
    }
}

//! Motion primitives of nonholonomic bases: short paths of constant or evenly changing curvature, of which a state
//! lattice is made (M. Pivtoraiko, R. A. Knepper and A. Kelly, *Differentially constrained mobile robot motion
//! planning in state lattices*, J. Field Robotics 2009). What a base can do, ahead or in reverse, by arcs of its
//! tightest turn or on the spot, follows from its limits.

use super::curve::{Curve, DriveDirection, PathState};
use super::path_limits::PathLimits;
use std::f64::consts::FRAC_PI_4;

/// A primitive turns by no more, rad, however long it is.
const MOST_TURN: f64 = FRAC_PI_4;

/// Samples of a primitive at which its limits are checked.
const LOOK: usize = 40;

/// Steps by which a curvature is integrated.
const STEPS: usize = 8;

/// A short path, in the frame of its beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Primitive {
    /// How the base goes.
    pub direction: DriveDirection,
    /// By how much the base has turned at its end, rad.
    pub turn: f64,
    /// By how much it has lifted its nose there, rad.
    pub climb: f64,
    /// By how much more it turns in its second half than in its first, times two, rad.
    pub bend: f64,
    /// Curvature at its beginning and end as for driving ahead, 1/m.
    pub curvature: [f64; 2],
    /// Number of the curvature that it ends with.
    pub level: usize,
    /// Its length, metres; of a turn on the spot none.
    pub length: f64,
}

/// The primitives of a base.
#[derive(Clone, Debug)]
pub struct Primitives {
    /// Curvatures between primitives, which must not jump, in ascending order; only zero where they may.
    curvatures: Vec<f64>,
    /// By number of the curvature that they begin with.
    primitives: Vec<Vec<Primitive>>,
}

impl Primitives {
    /// Those about so long, metres.
    pub fn new(limits: &PathLimits, length: f64) -> Self {
        let tightest = limits.greatest_curvature();
        let curvature = tightest.min(MOST_TURN / length);
        let length = length.min(MOST_TURN / curvature);
        let keeps = limits.needs_curvature() && tightest.is_finite();
        // Where the curvature can go from one extreme to the other at once, no value between is needed.
        let change = |direction: DriveDirection, [first, last]: [f64; 2], level: usize| {
            let way = direction.sign() * length;
            let (turn, bend) = (way * (first + last) / 2.0, way * (last - first) / 2.0);
            Primitive { direction, turn, climb: 0.0, bend, curvature: [first, last], level, length }
        };
        let is_agile = holds(limits, &change(DriveDirection::Forward, [-curvature, curvature], 0));
        let shares: &[f64] = match (keeps, is_agile) {
            (false, _) => &[0.0],
            (true, true) => &[-1.0, 0.0, 1.0],
            (true, false) => &[-1.0, -0.5, 0.0, 0.5, 1.0],
        };
        let curvatures: Vec<f64> = shares.iter().map(|share| share * curvature).collect();
        let mut primitives = vec![Vec::new(); curvatures.len()];
        for direction in [DriveDirection::Forward, DriveDirection::Reverse] {
            if keeps {
                for (level, &first) in curvatures.iter().enumerate() {
                    let changes = curvatures.iter().enumerate().map(|(next, &last)| change(direction, [first, last], next));
                    primitives[level].extend(changes.filter(|primitive| holds(limits, primitive)));
                }
                continue;
            }
            for share in [-1.0, -0.5, 0.0, 0.5, 1.0] {
                let ends = if limits.needs_curvature() { [0.0; 2] } else { [share * curvature; 2] };
                let turn = direction.sign() * share * curvature * length;
                let climbs = limits.climbs(length, MOST_TURN).into_iter();
                let arc = |climb| Primitive { direction, turn, climb, bend: 0.0, curvature: ends, level: 0, length };
                primitives[0].extend(climbs.map(arc).filter(|primitive| holds(limits, primitive)));
            }
        }
        let mut made = Self { curvatures, primitives };
        if limits.turns_on_the_spot() {
            for turn in [-1.0, -0.5, 0.5, 1.0].map(|share| share * MOST_TURN) {
                made.primitives[0].push(Primitive {
                    direction: DriveDirection::Pivot,
                    turn,
                    climb: 0.0,
                    bend: 0.0,
                    curvature: [0.0; 2],
                    level: 0,
                    length: 0.0,
                });
            }
        }
        made
    }

    /// The primitives that begin with a curvature, by its number.
    pub fn beginning_with(&self, level: usize) -> &[Primitive] {
        &self.primitives[level]
    }

    /// The number of the curvature that is nearest to that of a stance.
    pub fn level_of(&self, stance: &PathState) -> usize {
        let apart = |level: &usize| (self.curvatures[*level] - stance.curvature.unwrap_or(0.0)).abs();
        (0..self.curvatures.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(0)
    }
}

/// Whether a primitive holds the limits.
fn holds(limits: &PathLimits, primitive: &Primitive) -> bool {
    let [from, to] = [0, 1].map(|end| primitive.end(&PathState::default(), limits, end));
    let tangents = [primitive.tangent(limits); 2];
    let curve = Curve::join(&from, &to, primitive.direction, tangents, limits.is_spatial());
    let curve = curve.and_then(Curve::with_heading_reference);
    curve.is_some_and(|curve| limits.admits(&curve, LOOK))
}

/// Length of the tangents with which a cubic follows an arc of radius 1 and of such a length best, by `turn` to either
/// side, or straight on where that is none.
pub fn tangent_of(length: f64, turn: f64) -> f64 {
    if turn == 0.0 { length } else { 4.0 * (length / 4.0).tan() }
}

impl Primitive {
    /// Length of the tangents of the curve that follows it, metres: as of a cubic in space, where no curvature is given at
    /// its ends; else its own.
    pub fn tangent(&self, limits: &PathLimits) -> f64 {
        let turn = self.turn.hypot(self.climb);
        let is_cubic = limits.is_spatial() && turn > 0.0;
        if is_cubic { self.length / turn * tangent_of(turn, 1.0) } else { self.length }
    }

    /// The stance at its beginning (0) or end (1), where it begins at a stance: with its own curvatures, as far as
    /// paths of these limits have any.
    pub fn end(&self, stance: &PathState, limits: &PathLimits, end: usize) -> PathState {
        let mut placed = stance.clone();
        if end == 1 {
            let way = self.direction.sign() * self.length;
            for i in 0..=STEPS {
                // Simpson's rule.
                let weight = if i % STEPS == 0 { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 };
                let (part, share) = (weight * way / (3 * STEPS) as f64, i as f64 / STEPS as f64);
                let heading = stance.heading + share * (self.turn - self.bend + self.bend * share);
                let ((sin, cos), (rise, level)) = (heading.sin_cos(), (stance.pitch + share * self.climb).sin_cos());
                placed.place[0] += part * level * cos;
                placed.place[1] += part * level * sin;
                placed.place[2] += part * rise;
            }
            placed.heading += self.turn;
            placed.pitch += self.climb;
            placed.speed = 0.0;
        }
        if limits.is_spatial() {
            return placed;
        }
        placed.curvature = Some(self.curvature[end]);
        placed.curvature_rate = limits.needs_curvature_rate().then_some(0.0);
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Airplane, Base, Car, DifferentialDrive, DriveAcceleration, Trailer};

    fn bases() -> Vec<Base> {
        let drive = |speed, acceleration| DifferentialDrive { speed, turn_rate: [-0.5, 0.5], acceleration };
        let car = |trailer, steering_rate| Car {
            wheelbase: 0.25,
            speed: [-0.1, 0.5],
            steering: 0.9,
            steering_rate,
            acceleration: 0.3,
            trailer,
        };
        let accelerations = DriveAcceleration { linear: 0.25, angular: 0.25 };
        vec![
            Base::DifferentialDrive(drive([-0.5, 0.5], None)),
            Base::DifferentialDrive(drive([0.25, 0.5], None)),
            Base::DifferentialDrive(drive([0.25, 0.5], Some(accelerations))),
            Base::Car(car(None, 0.5)),
            Base::Car(car(Some(Trailer { hitch_length: 0.5, angle: 0.8 }), f64::INFINITY)),
            Base::Car(car(Some(Trailer { hitch_length: 0.5, angle: 0.8 }), 0.7)),
            Base::Airplane(Airplane {
                speed: [0.2, 0.3],
                acceleration: 0.3,
                yaw_rate: 0.8,
                pitch_rate: 0.8,
                pitch: 1.0,
            }),
        ]
    }

    /// From any stance, each leads by a curve as long as it says to where it says, and others lead on from there.
    #[test]
    fn primitives_lead_where_they_say() {
        for base in bases() {
            let limits = PathLimits::new(base.clone(), Vec::new(), 1e-3);
            let primitives = Primitives::new(&limits, 0.2);
            let start = PathState { place: [0.3, -0.4, 0.0], heading: 2.0, ..PathState::default() };
            for level in 0..primitives.curvatures.len() {
                let some = primitives.beginning_with(level);
                assert!(some.iter().any(|p| p.direction == DriveDirection::Forward), "{base:?} {level}");
                for primitive in some.iter().filter(|p| p.direction != DriveDirection::Pivot) {
                    let [from, to] = [0, 1].map(|end| primitive.end(&start, &limits, end));
                    assert!(primitive.turn.abs() <= MOST_TURN + 1e-12);
                    assert!(!primitives.beginning_with(primitive.level).is_empty());
                    let tangents = [primitive.tangent(&limits); 2];
                    let curve = Curve::join(&from, &to, primitive.direction, tangents, limits.is_spatial()).unwrap();
                    assert!((curve.length() - primitive.length).abs() < 0.02 * primitive.length, "{base:?} {primitive:?}");
                    let middle = curve.stance(0.5);
                    // Half of the way lies on the arc, or the clothoid, too.
                    let half = Primitive {
                        turn: primitive.turn / 2.0 - primitive.bend / 4.0,
                        bend: primitive.bend / 4.0,
                        climb: primitive.climb / 2.0,
                        length: primitive.length / 2.0,
                        ..*primitive
                    };
                    let there = half.end(&start, &limits, 1);
                    for i in 0..3 {
                        assert!((middle.place[i] - there.place[i]).abs() < 0.01 * primitive.length, "{base:?} {primitive:?}");
                    }
                }
            }
        }
    }
}

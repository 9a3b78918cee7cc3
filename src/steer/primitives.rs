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
        let levels = if !keeps {
            vec![0.0]
        } else if limits.needs_curvature_rate() || limits.keeps_curvature() {
            [-1.0, -0.5, 0.0, 0.5, 1.0].map(|share| share * curvature).to_vec()
        } else {
            [-1.0, 0.0, 1.0].map(|share| share * curvature).to_vec()
        };
        let mut made = Self { primitives: vec![Vec::new(); levels.len()], curvatures: levels };
        for direction in [DriveDirection::Forward, DriveDirection::Reverse] {
            let sign = direction.sign();
            for level in 0..made.curvatures.len() {
                if !keeps {
                    for share in [-1.0, -0.5, 0.0, 0.5, 1.0] {
                        let ends = [share * curvature; 2];
                        let ends = if limits.needs_curvature() { [0.0; 2] } else { ends };
                        let turn = sign * share * curvature * length;
                        for climb in limits.climbs(length, MOST_TURN) {
                            let primitive =
                                Primitive { direction, turn, climb, bend: 0.0, curvature: ends, level, length };
                            made.add(limits, level, primitive);
                        }
                    }
                    continue;
                }
                let neighbours = level.saturating_sub(1)..(level + 2).min(made.curvatures.len());
                for next in neighbours {
                    let [first, last] = [made.curvatures[level], made.curvatures[next]];
                    let (turn, bend) = (sign * length * (first + last) / 2.0, sign * length * (last - first) / 2.0);
                    let curvature = [first, last];
                    let primitive =
                        Primitive { direction, turn, climb: 0.0, bend, curvature, level: next, length };
                    made.add(limits, level, primitive);
                }
            }
        }
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

    /// Adds a primitive, if it holds the limits.
    fn add(&mut self, limits: &PathLimits, level: usize, primitive: Primitive) {
        let [from, to] = [0, 1].map(|end| primitive.end(&PathState::default(), limits, end));
        let (tangents, is_spatial) = ([primitive.length; 2], limits.is_spatial());
        let curve = Curve::join(&from, &to, primitive.direction, tangents, is_spatial)
            .and_then(Curve::with_heading_reference);
        if curve.is_some_and(|curve| limits.admits(&curve, LOOK)) {
            self.primitives[level].push(primitive);
        }
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

impl Primitive {
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

//! Quick estimates of how long a nonholonomic base takes from stance to stance.

use super::path_limits::PathLimits;
use super::curve::{DriveDirection, PathState};
use std::f64::consts::FRAC_PI_2;

/// A speed that stands for none, where a joint has no limit of velocity.
const UNLIMITED: f64 = 1e3;

/// How fast a base goes and turns, and its arm moves.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Speed and turn rate ahead and in reverse, m/s and rad/s.
    directions: [[f64; 2]; 2],
    turns: bool,
    stop: f64,
    arm: Vec<f64>,
}

/// Place and nose of a stance.
pub type Pointer = [[f64; 3]; 2];

/// Length of a chord and the angles that it makes with the ends of a curve.
struct Chord {
    length: f64,
    cosines: [f64; 2],
}

impl Pace {
    /// That of a base with these limits.
    pub fn new(limits: &PathLimits) -> Self {
        Self {
            directions: [DriveDirection::Forward, DriveDirection::Reverse].map(|direction| [limits.speed_of(direction), limits.turn_rate(direction)]),
            turns: limits.turns_on_the_spot(),
            stop: limits.stop(),
            arm: limits.arm().iter().map(|joint| joint.velocity.min(UNLIMITED)).collect(),
        }
    }

    /// Time in which the arm moves from one position to another, seconds.
    pub fn arm(&self, a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).zip(&self.arm).map(|((a, b), v)| (a - b).abs() / v).fold(0.0, f64::max)
    }

    /// Least time between two places, seconds.
    pub fn apart(&self, a: &[f64; 3], b: &[f64; 3]) -> f64 {
        let square: f64 = (0..3).map(|i| (a[i] - b[i]).powi(2)).sum();
        square.sqrt() / self.directions[0][0].max(self.directions[1][0])
    }

    /// By an arc in a direction from a stance to a place, which then is at as great an angle from the chord.
    pub fn arc(&self, direction: DriveDirection, from: &Pointer, place: &[f64; 3]) -> f64 {
        let [speed, rate] = self.of(direction);
        if speed == 0.0 {
            return f64::INFINITY;
        }
        let Chord { length, cosines: [along, _] } = Chord::of(direction, from, &[*place, from[1]]);
        let angle = angle(along);
        match angle < FRAC_PI_2 {
            true => (length / speed * longer(angle)).max(2.0 * angle / rate),
            // Around, to leave the place along the chord.
            false => length / speed * longer(angle) + angle / rate,
        }
    }

    /// By a turn on the spot from a stance, and a line in a direction to a place.
    pub fn turn_and_line(&self, direction: DriveDirection, from: &Pointer, place: &[f64; 3]) -> f64 {
        let [speed, rate] = self.of(direction);
        if speed == 0.0 || !self.turns {
            return f64::INFINITY;
        }
        let Chord { length, cosines: [along, _] } = Chord::of(direction, from, &[*place, from[1]]);
        length / speed + angle(along) / rate + self.stop
    }

    /// By one curve in a direction from a stance to another.
    pub fn curve(&self, direction: DriveDirection, from: &Pointer, to: &Pointer) -> f64 {
        let [speed, rate] = self.of(direction);
        if speed == 0.0 {
            return f64::INFINITY;
        }
        let Chord { length, cosines } = Chord::of(direction, from, to);
        let [a, b] = cosines.map(angle);
        (length / speed * 0.5 * (longer(a) + longer(b))).max((a + b) / rate)
    }

    /// By a turn on the spot, a line and a turn from a stance to another.
    pub fn turns(&self, direction: DriveDirection, from: &Pointer, to: &Pointer) -> f64 {
        let [speed, rate] = self.of(direction);
        if speed == 0.0 || !self.turns {
            return f64::INFINITY;
        }
        let Chord { length, cosines } = Chord::of(direction, from, to);
        let [a, b] = cosines.map(angle);
        length / speed + (a + b) / rate + 2.0 * self.stop
    }

    /// From a stance to a place in the quickest of these ways.
    pub fn reach(&self, from: &Pointer, place: &[f64; 3]) -> f64 {
        let each = [DriveDirection::Forward, DriveDirection::Reverse]
            .map(|direction| self.arc(direction, from, place).min(self.turn_and_line(direction, from, place)));
        each[0].min(each[1])
    }

    /// From a stance to another in the quickest of these ways.
    pub fn between(&self, from: &Pointer, to: &Pointer) -> f64 {
        let each =
            [DriveDirection::Forward, DriveDirection::Reverse].map(|direction| self.curve(direction, from, to).min(self.turns(direction, from, to)));
        each[0].min(each[1])
    }

    fn of(&self, direction: DriveDirection) -> [f64; 2] {
        self.directions[usize::from(direction == DriveDirection::Reverse)]
    }
}

impl PathState {
    /// Its place and nose.
    pub fn pointer(&self) -> Pointer {
        [self.place, self.nose()]
    }

    /// Its place, and its nose as if it went the other way: what a stance looks like from which the time
    /// runs backwards.
    pub fn backwards(&self) -> Pointer {
        [self.place, self.nose().map(|x| -x)]
    }
}

impl Chord {
    fn of(direction: DriveDirection, [from, first]: &Pointer, [to, last]: &Pointer) -> Self {
        let chord = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
        let dot = |p: &[f64; 3]| chord[0] * p[0] + chord[1] * p[1] + chord[2] * p[2];
        let length = dot(&chord).sqrt().max(1e-9);
        let scale = direction.sign() / length;
        Self { length, cosines: [scale * dot(first), scale * dot(last)] }
    }
}

/// The arc cosine to 1e-4 (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 4.4.45).
fn angle(cosine: f64) -> f64 {
    let x = cosine.abs().min(1.0);
    let polynomial = 1.570_728_8 + x * (-0.212_114_4 + x * (0.074_261_0 - x * 0.018_729_3));
    let angle = (1.0 - x).sqrt() * polynomial;
    if cosine < 0.0 { std::f64::consts::PI - angle } else { angle }
}

/// How much longer an arc is than its chord, by the angle between them; beyond a right angle, more or less.
fn longer(angle: f64) -> f64 {
    1.0 + angle * angle * (1.0 / 6.0 + 0.03 * angle * angle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_and_arcs() {
        for i in -100..=100 {
            let x = f64::from(i) / 100.0;
            assert!((angle(x) - x.acos()).abs() < 1e-4);
        }
        for i in 1..30 {
            let x = f64::from(i) / 20.0;
            assert!((longer(x) - x / x.sin()).abs() < 0.02 * longer(x), "{x}");
        }
    }
}

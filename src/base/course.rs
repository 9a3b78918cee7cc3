//! The direction in which a curve is followed, and how it bends, where the motion along it stops too.
//!
//! A motion that starts or ends at rest has p' = u^k g there, with a direction g that does not vanish:
//! dividing the polynomial by u^k before its direction is taken leaves nothing to be 0/0. The same
//! goes for the curvature of the path and its slope, which a car and its trailer need: where the
//! path is smooth they are polynomials over powers of |g|, divisible by u^k again.

use super::jet::Jet;
use crate::trajectory::Segment;

/// Coefficients below this share of what they are made of are rounding.
const ROUNDING: f64 = 1e-10;
/// A segment that moves no farther than this stands, metres.
const STANDING: f64 = 1e-12;
/// Where a quotient has no limit it is evaluated no nearer to its pole than at this unit time.
const NEAREST: f64 = 1e-12;

/// A curve at an instant: p' = `rate` * `tangent` with `rate` >= 0.
///
/// With g the tangent: the curvature is `turn` / |g|^3, its derivative by arc length `bend` / |g|^6,
/// both positive where the curve bends to the left as it is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Course {
    /// How fast the curve is followed, relative to the tangent.
    pub rate: Jet,
    /// The tangent; zero where the whole motion stands still.
    pub tangent: [Jet; 3],
    /// (g x g') / rate in the x-y plane; its second derivative is not used. `None` where the
    /// motion stops with infinite curvature.
    pub turn: Option<Jet>,
    /// (turn' |g|^2 - 3 turn g.g') / rate; its second derivative is not used. `None` where that
    /// is infinite.
    pub bend: Option<Jet>,
}

impl Course {
    /// From the first derivatives of p at an instant that is not at rest, beginning with p'.
    pub fn moving(velocity: [[f64; 3]; 4]) -> Self {
        let tangent = [0, 1, 2].map(|i| Jet([0, 1, 2].map(|k| velocity[k][i])));
        let cross = |a: usize, b: usize| velocity[a][0] * velocity[b][1] - velocity[a][1] * velocity[b][0];
        let turn = Jet([cross(0, 1), cross(0, 2), cross(1, 2) + cross(0, 3)]);
        let is_at_rest = velocity[0].iter().all(|&v| v == 0.0);
        let (turn, bend) = match is_at_rest {
            true => (None, None),
            false => (Some(turn), Some(bend(turn, &tangent))),
        };
        Self { rate: Jet::constant(1.0), tangent, turn, bend }
    }

    /// From an arc: unit tangent, curvature and its derivative by arc length, and speed with its
    /// derivative. Describes a start or a goal, also one at rest.
    pub fn arc(heading: f64, curvature: [f64; 2], speed: [f64; 2]) -> Self {
        let (sin, cos) = heading.sin_cos();
        let [v, a] = speed;
        let [k, slope] = curvature;
        // g' = curvature * v * normal; g'' likewise, less what keeps |g| = 1.
        let (first, second) = (k * v, slope * v * v + k * a);
        let tangent = [
            Jet([cos, -first * sin, -second * sin - first * first * cos]),
            Jet([sin, first * cos, second * cos - first * first * sin]),
            Jet::default(),
        ];
        let turn = Jet([k, slope * v, 0.0]);
        Self { rate: Jet([v, a, 0.0]), tangent, turn: Some(turn), bend: Some(Jet([slope, 0.0, 0.0])) }
    }

    /// The course of the first `dimensions` outputs of `segment` at its local time `t`.
    pub fn of(segment: &Segment<'_>, dimensions: usize, t: f64) -> Self {
        let duration = segment.duration;
        let is_late = t > 0.5 * duration;
        // Unit time from the end that is nearer, and its derivative.
        let (u, pace) = if is_late {
            ((duration - t) / duration, -1.0 / duration)
        } else {
            (t / duration, 1.0 / duration)
        };
        let unit = |i: usize| Polynomial::unit(segment.polynomial(i), duration, is_late);
        let positions: Vec<Polynomial> = (0..dimensions).map(unit).collect();
        let size = positions.iter().map(|p| p.size_but_constant()).fold(0.0, f64::max);
        if size < STANDING {
            return Self { rate: Jet::constant(1.0), ..Self::default() };
        }
        let slopes: Vec<Polynomial> = positions.iter().map(Polynomial::derivative).collect();
        let stops = slopes.iter().map(|p| p.leading_zeros(ROUNDING * size)).min().unwrap_or(0);
        let sign = pace.signum();
        let g: Vec<Polynomial> = slopes.iter().map(|p| p.shifted_down(stops).scaled(sign)).collect();
        let power = Polynomial::power(stops);
        let jet = |p: &Polynomial| p.jet(u, pace);
        let mut course = Self { rate: pace.abs() * jet(&power), ..Self::default() };
        for (tangent, g) in course.tangent.iter_mut().zip(&g) {
            *tangent = jet(g);
        }
        if let [x, y] = &g[..] {
            let cross = x.times(&y.derivative()).minus(&y.times(&x.derivative())).scaled(sign);
            let squares = x.times(x).plus(&y.times(y));
            let cross_size = x.size() * y.derivative().size() + y.size() * x.derivative().size();
            if let Some(turn) = cross.over_power(stops, cross_size) {
                course.turn = Some(jet(&turn));
                let dot = x.times(&x.derivative()).plus(&y.times(&y.derivative()));
                let slope =
                    turn.derivative().times(&squares).minus(&turn.times(&dot).scaled(3.0)).scaled(sign);
                let slope_size = turn.derivative().size() * squares.size() + 3.0 * turn.size() * dot.size();
                course.bend = slope.over_power(stops, slope_size).map(|b| jet(&b));
            } else if u > NEAREST {
                course.turn = Some(jet(&cross) / jet(&power));
            }
            if let (None, Some(turn), true) = (course.bend, course.turn, u > NEAREST) {
                course.bend = Some(bend(turn, &course.tangent) / course.rate);
            }
        }
        course
    }

    /// |tangent|.
    pub fn length(&self) -> Jet {
        let [x, y, z] = self.tangent;
        (x * x + y * y + z * z).sqrt()
    }

    /// Whether the whole motion stands still, so that it has no direction.
    pub fn stands(&self) -> bool {
        self.tangent.iter().all(|g| g.value() == 0.0)
    }
}

/// turn' |g|^2 - 3 turn g.g', good for a value and a first derivative.
fn bend(turn: Jet, [x, y, _]: &[Jet; 3]) -> Jet {
    turn.rate() * (*x * *x + *y * *y) - 3.0 * (turn * (*x * x.rate() + *y * y.rate()))
}

/// Ascending coefficients.
#[derive(Clone, Debug)]
struct Polynomial(Vec<f64>);

impl Polynomial {
    /// In unit time from the start, or backwards from the end.
    fn unit(coefficients: &[f64], duration: f64, from_end: bool) -> Self {
        let mut scale = 1.0;
        let scaled = |&c: &f64| {
            let value = c * scale;
            scale *= duration;
            value
        };
        let mut unit: Vec<f64> = coefficients.iter().map(scaled).collect();
        if from_end {
            // Horner's scheme, repeated, shifts the origin to 1; then time is reversed.
            for low in 0..unit.len() {
                for k in (low..unit.len().saturating_sub(1)).rev() {
                    unit[k] += unit[k + 1];
                }
            }
            unit.iter_mut().skip(1).step_by(2).for_each(|c| *c = -*c);
        }
        Self(unit)
    }

    fn power(k: usize) -> Self {
        let mut coefficients = vec![0.0; k + 1];
        coefficients[k] = 1.0;
        Self(coefficients)
    }

    fn size(&self) -> f64 {
        self.0.iter().map(|c| c.abs()).sum()
    }

    fn size_but_constant(&self) -> f64 {
        self.0.iter().skip(1).map(|c| c.abs()).sum()
    }

    fn derivative(&self) -> Self {
        Self(self.0.iter().enumerate().skip(1).map(|(k, c)| k as f64 * c).collect())
    }

    /// How many coefficients from the lowest are no larger than `noise`.
    fn leading_zeros(&self, noise: f64) -> usize {
        self.0.iter().take_while(|c| c.abs() <= noise).count()
    }

    /// Divided by the `k`th power, its lower coefficients being none.
    fn shifted_down(&self, k: usize) -> Self {
        Self(self.0.iter().skip(k).copied().collect())
    }

    /// Divided by the `k`th power, if that divides it but for rounding of numbers of this size.
    fn over_power(&self, k: usize, size: f64) -> Option<Self> {
        (self.leading_zeros(ROUNDING * size) >= k.min(self.0.len())).then(|| self.shifted_down(k))
    }

    fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|c| c * factor).collect())
    }

    fn plus(&self, other: &Self) -> Self {
        let at = |p: &Self, k: usize| p.0.get(k).copied().unwrap_or(0.0);
        Self((0..self.0.len().max(other.0.len())).map(|k| at(self, k) + at(other, k)).collect())
    }

    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.scaled(-1.0))
    }

    fn times(&self, other: &Self) -> Self {
        let mut product = vec![0.0; (self.0.len() + other.0.len()).saturating_sub(1)];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[i + j] += a * b;
            }
        }
        Self(product)
    }

    /// Value and time derivatives at `u`, which grows by `pace` a second.
    fn jet(&self, u: f64, pace: f64) -> Jet {
        let at = |order| crate::trajectory::derivative(&self.0, order, u) * pace.powi(order as i32);
        Jet([at(0), at(1), at(2)])
    }
}

//! The direction in which a curve is followed, and how it bends, where the motion along it stops too.
//!
//! A motion that starts or ends at rest has p' = u^k g there, with a direction g that does not vanish:
//! dividing the polynomial by u^k before its direction is taken leaves nothing to be 0/0. The same
//! goes for the curvature of the path and its slope, which a car and its trailer need: where the
//! path is smooth they are polynomials over powers of |g|, divisible by u^k again.

use super::jet::Jet;
use super::orders::{LONG, MAX_DERIVATIVES};
use super::polynomial::{Expansion, Polynomial, SHORT, turn_back};
use super::scalar::Scalar;
use crate::trajectory::Segment;

/// Coefficients below this share of what they are made of are rounding.
const ROUNDING: f64 = 1e-10;
/// A segment that moves no farther than this stands, metres.
const STANDING: f64 = 1e-12;
/// Where a quotient has no limit it is evaluated no nearer to its pole than at this unit time.
const NEAREST: f64 = 1e-12;

/// A curve at an instant, or over an interval: p' = `rate` * `tangent` with `rate` >= 0.
///
/// With g the tangent: the curvature is `turn` / |g|^3, its derivative by arc length `curvature_rate` / |g|^6,
/// both positive where the curve bends to the left as it is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathFrame<S = f64> {
    /// How fast the curve is followed, relative to the tangent.
    pub rate: Jet<S>,
    /// The tangent; zero where the whole motion stands still.
    pub tangent: [Jet<S>; 3],
    /// By how much the frame in which the tangent is given is turned about z, radians. Enclosures are
    /// tightest in a frame that is turned as the tangent is at the middle.
    pub frame: f64,
    /// (g x g') / rate in the x-y plane. `None` where the motion stops with infinite curvature, and where
    /// the base has no use for it.
    pub turn: Option<Jet<S>>,
    /// (turn' |g|^2 - 3 turn g.g') / rate; its third derivative is not known. `None` where that is
    /// infinite, or of no use.
    pub curvature_rate: Option<Jet<S>>,
}

impl PathFrame {
    /// From the first derivatives of p at an instant that is not at rest, beginning with p'.
    pub fn moving(velocity: [[f64; 3]; 4]) -> Self {
        let tangent = [0, 1, 2].map(|i| Jet([0, 1, 2, 3].map(|k| velocity[k][i])));
        let is_at_rest = velocity[0].iter().all(|&v| v == 0.0);
        let mut course = Self { rate: Jet::constant(1.0), tangent, ..Self::default() };
        if !is_at_rest {
            course.bend_freely([tangent[0].rate(), tangent[1].rate()]);
        }
        course
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
            Jet::second_order([cos, -first * sin, -second * sin - first * first * cos]),
            Jet::second_order([sin, first * cos, second * cos - first * first * sin]),
            Jet::default(),
        ];
        Self {
            rate: Jet::second_order([v, a, 0.0]),
            tangent,
            frame: 0.0,
            turn: Some(Jet::second_order([k, slope * v, 0.0])),
            curvature_rate: Some(Jet::second_order([slope, 0.0, 0.0])),
        }
    }
}

impl<S: Scalar> PathFrame<S> {
    /// Of a motion that stands still.
    pub(super) fn standing() -> Self {
        Self { rate: Jet::constant(1.0), ..Self::default() }
    }

    /// Turn and curvature_rate of a motion that does not stop, from the derivative of its tangent.
    fn bend_freely(&mut self, [dx, dy]: [Jet<S>; 2]) {
        let [x, y, _] = self.tangent;
        let turn = x * dy - y * dx;
        (self.turn, self.curvature_rate) = (Some(turn), Some(curvature_rate(turn, &self.tangent)));
    }

    /// |tangent|.
    pub fn length(&self) -> Jet<S> {
        let [x, y, z] = self.tangent;
        (x * x + y * y + z * z).sqrt()
    }

    /// Whether the whole motion stands still, so that it has no direction.
    pub fn stands(&self) -> bool {
        self.tangent.iter().all(|g| g.value() == S::default())
    }
}

/// turn' |g|^2 - 3 turn g.g'.
fn curvature_rate<S: Scalar>(turn: Jet<S>, [x, y, _]: &[Jet<S>; 3]) -> Jet<S> {
    turn.rate() * (*x * *x + *y * *y) - 3.0 * (turn * (*x * x.rate() + *y * y.rate()))
}

/// How the curve of the first outputs of a segment is followed, set up to be evaluated at many instants
/// and over many intervals.
#[derive(Clone, Debug)]
pub(super) struct Way {
    dimensions: usize,
    /// Whether curvature is asked for.
    bends: bool,
    stands: bool,
    /// Where it rests: at its start, at its end.
    rests: [Option<Box<Rest>>; 2],
}

/// The way to or from an end of a segment at which it rests.
#[derive(Clone, Debug)]
struct Rest {
    is_late: bool,
    duration: f64,
    /// In unit time since that end; so are all others.
    power: Polynomial,
    tangent: Vec<Polynomial>,
    cross: Option<Polynomial>,
    turn: Option<Polynomial>,
    curvature_rate: Option<Polynomial>,
}

/// What time is measured by, seconds: the duration of a segment. One of no length, as of a motion that is over as it
/// begins, tells by its polynomials how it would go on.
fn scale(segment: &Segment<'_>) -> f64 {
    if segment.duration > 0.0 { segment.duration } else { 1.0 }
}

impl Way {
    /// Of the first `dimensions` outputs; `bends` where curvature will be asked for.
    pub(super) fn new(segment: &Segment<'_>, dimensions: usize, bends: bool) -> Self {
        let duration = scale(segment);
        let (mut size, mut ends) = (0.0_f64, [0.0_f64; 2]);
        for polynomial in (0..dimensions).map(|i| segment.polynomial(i)) {
            let (mut sum, mut slope, mut power) = (0.0, 0.0, duration);
            for (k, c) in polynomial.iter().enumerate().skip(1) {
                let term = c * power;
                sum += term.abs();
                slope += k as f64 * term;
                power *= duration;
            }
            size = size.max(sum);
            let first = polynomial.get(1).map_or(0.0, |c| c * duration);
            ends = [ends[0].max(first.abs()), ends[1].max(slope.abs())];
        }
        let stands = size < STANDING;
        let rest = |is_late: bool| {
            let rests = !stands && ends[usize::from(is_late)] <= ROUNDING * size;
            rests.then(|| Box::new(Rest::new(segment, dimensions, is_late, size, bends)))
        };
        Self { dimensions, bends, stands, rests: [rest(false), rest(true)] }
    }

    /// The course over `half` to either side of local time `t`, about which the outputs are
    /// `expansions` in the time since; the frame is turned where that makes it tighter.
    #[inline]
    pub(super) fn course<S: Scalar>(
        &self,
        expansions: &[Expansion<SHORT>],
        t: f64,
        half: f64,
    ) -> PathFrame<S> {
        if self.stands {
            return PathFrame::standing();
        }
        let rest = match &self.rests {
            [Some(early), Some(late)] => Some(if late.is_nearer(t) { late } else { early }),
            [Some(rest), None] | [None, Some(rest)] => Some(rest),
            [None, None] => None,
        };
        match rest {
            Some(rest) => rest.course(t, half),
            None => self.moving(expansions, half),
        }
    }

    /// The same away from rest.
    #[inline]
    fn moving<S: Scalar>(&self, expansions: &[Expansion<SHORT>], half: f64) -> PathFrame<S> {
        let (mut x, mut y) = (expansions[0], expansions[1]);
        let frame = if S::IS_WIDE { y.all()[1].atan2(x.all()[1]) } else { 0.0 };
        turn_back(&mut x, &mut y, frame);
        let [x, y] = [x, y].map(|e| S::derivatives(e.all(), half));
        let z = if self.dimensions > 2 {
            S::derivatives(expansions[2].all(), half)
        } else {
            [S::default(); MAX_DERIVATIVES]
        };
        let tangent = [x, y, z].map(|[_, a, b, c, d, _]| Jet([a, b, c, d]));
        let mut course =
            PathFrame { rate: Jet::constant(1.0), tangent, frame, turn: None, curvature_rate: None };
        if self.bends {
            course.bend_freely([x, y].map(|[_, _, a, b, c, d]| Jet([a, b, c, d])));
        }
        course
    }
}

impl Rest {
    fn new(segment: &Segment<'_>, dimensions: usize, is_late: bool, size: f64, bends: bool) -> Self {
        let duration = scale(segment);
        let unit = |i: usize| Polynomial::unit(segment.polynomial(i), duration, is_late).derivative();
        let slopes: Vec<Polynomial> = (0..dimensions).map(unit).collect();
        let stops = slopes.iter().map(|p| p.leading_zeros(ROUNDING * size)).min().unwrap_or(0);
        let sign = if is_late { -1.0 } else { 1.0 };
        let tangent: Vec<Polynomial> = slopes.iter().map(|p| p.shifted_down(stops).scaled(sign)).collect();
        let mut rest = Self {
            is_late,
            duration,
            power: Polynomial::power(stops),
            cross: None,
            turn: None,
            curvature_rate: None,
            tangent: Vec::new(),
        };
        if let ([x, y], true) = (&tangent[..], bends) {
            let cross = x.times(&y.derivative()).minus(&y.times(&x.derivative())).scaled(sign);
            let cross_size = x.size() * y.derivative().size() + y.size() * x.derivative().size();
            rest.turn = cross.over_power(stops, ROUNDING * cross_size);
            rest.curvature_rate = rest.turn.as_ref().and_then(|turn| {
                let squares = x.times(x).plus(&y.times(y));
                let dot = x.times(&x.derivative()).plus(&y.times(&y.derivative()));
                let slope =
                    turn.derivative().times(&squares).minus(&turn.times(&dot).scaled(3.0)).scaled(sign);
                let size = turn.derivative().size() * squares.size() + 3.0 * turn.size() * dot.size();
                slope.over_power(stops, ROUNDING * size)
            });
            rest.cross = Some(cross);
        }
        rest.tangent = tangent;
        rest
    }

    /// Whether local time `t` is nearer to this end than to the other.
    fn is_nearer(&self, t: f64) -> bool {
        self.is_late == (t > 0.5 * self.duration)
    }

    fn course<S: Scalar>(&self, t: f64, half: f64) -> PathFrame<S> {
        let duration = self.duration;
        let (u, pace) = if self.is_late {
            ((duration - t) / duration, -1.0 / duration)
        } else {
            (t / duration, 1.0 / duration)
        };
        let half = half / duration;
        let jet = |p: &Polynomial| Expansion::<LONG>::of(&p.0, u).jet::<S>(half, pace);
        let mut tangent = [Expansion::<SHORT>::default(); 3];
        for (expansion, g) in tangent.iter_mut().zip(&self.tangent) {
            *expansion = Expansion::of(&g.0, u);
        }
        let [x, y, _] = &mut tangent;
        let frame = if S::IS_WIDE { y.all()[0].atan2(x.all()[0]) } else { 0.0 };
        turn_back(x, y, frame);
        let tangent = tangent.map(|expansion| expansion.jet(half, pace));
        let power = jet(&self.power);
        let mut course =
            PathFrame { rate: power.scaled(pace.abs()), tangent, frame, turn: None, curvature_rate: None };
        let is_away = u - half > NEAREST;
        course.turn = match (&self.turn, &self.cross) {
            (Some(turn), _) => Some(jet(turn)),
            (None, Some(cross)) if is_away => Some(jet(cross) / power),
            _ => None,
        };
        course.curvature_rate = match (&self.curvature_rate, course.turn) {
            (Some(slope), _) => Some(jet(slope)),
            (None, Some(turn)) if is_away => Some(curvature_rate(turn, &course.tangent) / course.rate),
            _ => None,
        };
        course
    }
}

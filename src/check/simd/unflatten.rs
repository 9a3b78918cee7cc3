//! Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives; those of
//! vehicles by way of `base`.

use super::super::packed::{Edge, Packed, RAKE, StateBatch, coefficient_stride, sample_share};
use super::{Scratch, base};
use crate::vector::{Row, Row32, Simd32, Vector};
use std::sync::LazyLock;

/// Times of the samples from `first_tooth` of a rake on: [`Edge::sample_time`] in lanes.
#[inline(always)]
pub(super) fn times<S: Simd32>(
    s: S,
    edge: &Edge<'_>,
    rake: usize,
    first_tooth: usize,
    rakes: usize,
    scratch: &mut Scratch,
) {
    let share = if !edge.at_rest {
        let tooth = s.load(&Row32::NUMBERS) + s.splat(first_tooth as f32);
        let number = tooth.mul_add(s.splat(rakes as f32), s.splat(rake as f32));
        number * s.splat(1.0 / (rakes * RAKE - 1) as f32)
    } else if let Some(shares) = at_rest_shares(edge.degree, rake, rakes) {
        let mut lane = Row32::ZERO;
        lane.0[..S::LANES].copy_from_slice(&shares.0[first_tooth..first_tooth + S::LANES]);
        s.load(&lane)
    } else {
        let mut lane = Row32::ZERO;
        for (tooth, share) in lane.0.iter_mut().enumerate().take(S::LANES) {
            *share = sample_share(rake, first_tooth + tooth, rakes, Some(edge.degree));
        }
        s.load(&lane)
    };
    (share * s.splat(edge.duration)).store(&mut scratch.time);
}

/// Edges of at most so many rakes find their [`sample_share`]s in a table.
const TABLED_RAKES: usize = 16;

/// A rake of shares of a rest-to-rest edge, one per tooth, where they are in the table.
fn at_rest_shares(degree: usize, rake: usize, rakes: usize) -> Option<&'static Row32> {
    /// For each degree, made when it is first asked for, those of edges of one rake, then of two, and so on.
    static TABLES: [LazyLock<Vec<Row32>>; 3] =
        [LazyLock::new(shares_of::<3>), LazyLock::new(shares_of::<5>), LazyLock::new(shares_of::<7>)];
    (rakes <= TABLED_RAKES).then(|| &TABLES[degree / 2 - 1][rakes * (rakes - 1) / 2 + rake])
}

/// The table of edges of a degree.
fn shares_of<const DEGREE: usize>() -> Vec<Row32> {
    let every = (1..=TABLED_RAKES).flat_map(|rakes| (0..rakes).map(move |rake| (rake, rakes)));
    let share = |rake, rakes, tooth| sample_share(rake, tooth, rakes, Some(DEGREE));
    every.map(|(rake, rakes)| Row(std::array::from_fn(|tooth| share(rake, rakes, tooth)))).collect()
}

/// Evaluates an edge at the times of `scratch.time`.
#[inline(always)]
pub(super) fn edge<S: Simd32>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    match edge.degree {
        3 => edge_of::<S, 4>(s, packed, edge, scratch),
        5 => edge_of::<S, 6>(s, packed, edge, scratch),
        _ => edge_of::<S, 8>(s, packed, edge, scratch),
    }
}

/// The same for polynomials of `TERMS` terms.
#[inline(always)]
fn edge_of<S: Simd32, const TERMS: usize>(s: S, packed: &Packed, edge: &Edge<'_>, scratch: &mut Scratch) {
    let moment = Moment::new(s, edge, s.load(&scratch.time));
    if let Some(of_vehicle) = &packed.base {
        return base::edge::<S, TERMS>(s, packed, of_vehicle, edge, &moment, scratch);
    }
    for output in 0..packed.dof() {
        let c = moment.coefficients::<TERMS>(s, edge, output, packed.dof());
        polynomial_at(s, &c, moment.local, output, scratch);
    }
}

/// Where each lane is on an edge: as `Edge::locate`.
pub(super) struct Moment<S: Simd32> {
    /// Time since its segment began.
    pub local: S::F,
    /// The number of that segment.
    number: S::F,
}

impl<S: Simd32> Moment<S> {
    #[inline(always)]
    fn new(s: S, edge: &Edge<'_>, time: S::F) -> Self {
        let (mut local, mut number) = (time, s.splat(0.0));
        let mut begin = 0.0;
        for (segment, &duration) in edge.durations[..edge.durations.len() - 1].iter().enumerate() {
            let later = s.splat(duration).lt(time - s.splat(begin));
            begin += duration;
            local = (time - s.splat(begin)).pick(later, local);
            number = s.splat((segment + 1) as f32).pick(later, number);
        }
        Self { local, number }
    }

    /// The polynomial of one of `dof` outputs.
    #[inline(always)]
    pub(super) fn coefficients<const TERMS: usize>(
        &self,
        s: S,
        edge: &Edge<'_>,
        output: usize,
        dof: usize,
    ) -> [S::F; TERMS] {
        let stride = const { coefficient_stride(TERMS - 1) };
        let polynomial = |segment: usize| &edge.coefficients[(segment * dof + output) * stride..];
        let mut c = [s.splat(0.0); TERMS];
        for (c, &x) in c.iter_mut().zip(polynomial(0)) {
            *c = s.splat(x);
        }
        // A segment's coefficients take the place of the one's before it in all lanes that are past it.
        for segment in 1..edge.durations.len() {
            let reached = s.splat(segment as f32).le(self.number);
            for (c, &x) in c.iter_mut().zip(polynomial(segment)) {
                *c = s.splat(x).pick(reached, *c);
            }
        }
        c
    }
}

/// Value, first and second derivative of one output (Horner).
#[inline(always)]
pub(super) fn polynomial_at<S: Simd32, const TERMS: usize>(
    s: S,
    c: &[S::F; TERMS],
    t: S::F,
    output: usize,
    scratch: &mut Scratch,
) {
    let [position, velocity, acceleration] = &mut scratch.flat;
    let mut y = c[TERMS - 1];
    let mut yd = y * s.splat((TERMS - 1) as f32);
    let mut ydd = yd * s.splat((TERMS - 2) as f32);
    for power in (2..TERMS - 1).rev() {
        let slope = c[power] * s.splat(power as f32);
        y = y.mul_add(t, c[power]);
        yd = yd.mul_add(t, slope);
        ydd = ydd.mul_add(t, slope * s.splat((power - 1) as f32));
    }
    yd = yd.mul_add(t, c[1]);
    y = y.mul_add(t, c[1]).mul_add(t, c[0]);
    y.store(&mut position[output]);
    yd.store(&mut velocity[output]);
    ydd.store(&mut acceleration[output]);
}

/// Spreads `count` states over the lanes; further lanes repeat the first of them.
#[inline(always)]
pub(super) fn states<S: Simd32>(states: &StateBatch, first: usize, count: usize, scratch: &mut Scratch) {
    for lane in 0..S::LANES {
        let state = if lane < count { first + lane } else { first };
        for (derivative, lanes) in scratch.flat.iter_mut().enumerate() {
            for (output, &value) in lanes.iter_mut().zip(states.get(state, derivative)) {
                output.0[lane] = value;
            }
        }
    }
}

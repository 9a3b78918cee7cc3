//! Stage `unflatten`: polynomials of the flat outputs to joint values and their derivatives; those of
//! vehicles by way of `base`.

use super::super::packed::{Edge, Packed, RAKE, StateBatch, sample_share};
use super::base;
use super::moment::{Moment, polynomial_at};
use super::scratch::Scratch;
use crate::vector::{Row, Row32, Simd32, Vector};
use std::sync::LazyLock;

/// Times of the samples from `first_sample` of a rake on: [`Edge::sample_time`] in lanes.
#[inline(always)]
pub(super) fn times<S: Simd32>(
    s: S,
    edge: &Edge<'_>,
    rake: usize,
    first_sample: usize,
    rakes: usize,
    scratch: &mut Scratch,
) {
    let share = if !edge.at_rest {
        let sample = s.load(&Row32::NUMBERS) + s.splat(first_sample as f32);
        let number = sample.mul_add(s.splat(rakes as f32), s.splat(rake as f32));
        number * s.splat(1.0 / (rakes * RAKE - 1) as f32)
    } else if let Some(shares) = at_rest_shares(edge.degree, rake, rakes) {
        let mut lane = Row32::ZERO;
        lane.0[..S::LANES].copy_from_slice(&shares.0[first_sample..first_sample + S::LANES]);
        s.load(&lane)
    } else {
        let mut lane = Row32::ZERO;
        for (sample, share) in lane.0.iter_mut().enumerate().take(S::LANES) {
            *share = sample_share(rake, first_sample + sample, rakes, Some(edge.degree));
        }
        s.load(&lane)
    };
    (share * s.splat(edge.duration)).store(&mut scratch.time);
}

/// Edges of at most so many rakes find their [`sample_share`]s in a table.
const TABLED_RAKES: usize = 16;

/// A rake of shares of a rest-to-rest edge, one per sample, where they are in the table.
fn at_rest_shares(degree: usize, rake: usize, rakes: usize) -> Option<&'static Row32> {
    /// For each degree, made when it is first asked for, those of edges of one rake, then of two, and so on.
    static TABLES: [LazyLock<Vec<Row32>>; 3] =
        [LazyLock::new(shares_of::<3>), LazyLock::new(shares_of::<5>), LazyLock::new(shares_of::<7>)];
    (rakes <= TABLED_RAKES).then(|| &TABLES[degree / 2 - 1][rakes * (rakes - 1) / 2 + rake])
}

/// The table of edges of a degree.
fn shares_of<const DEGREE: usize>() -> Vec<Row32> {
    let every = (1..=TABLED_RAKES).flat_map(|rakes| (0..rakes).map(move |rake| (rake, rakes)));
    let share = |rake, rakes, sample| sample_share(rake, sample, rakes, Some(DEGREE));
    every.map(|(rake, rakes)| Row(std::array::from_fn(|sample| share(rake, rakes, sample)))).collect()
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

//! Where edges are sampled: all backends must agree on that.

use super::polynomial::{MAX_DEGREE, smooth_step};
use std::sync::LazyLock;

/// Samples are taken in rakes of this many, spread over the whole edge: the widest lanes there are.
pub const RAKE: usize = 16;

/// The share of an edge's duration at which sample number `sample` of a rake is taken; `at_rest` is the
/// degree of an edge from rest to rest.
pub fn sample_share(rake: usize, sample: usize, rakes: usize, at_rest: Option<usize>) -> f32 {
    let u = (sample * rakes + rake) as f32 * (1.0 / (rakes * RAKE - 1) as f32);
    at_rest.map_or(u, |degree| even_along_path(u, degree))
}

/// Visits 0..n once each in steps of about the golden section of n, so that every beginning of the
/// sequence is spread evenly over the whole.
#[derive(Clone, Debug)]
pub struct RakeOrder {
    next: usize,
    left: usize,
    step: usize,
    n: usize,
}

impl RakeOrder {
    /// The order for `n` rakes.
    pub fn new(n: usize) -> Self {
        let coprime = |&k: &usize| gcd(k, n) == 1;
        let step = (1..=(n * 89 / 144).max(1)).rev().find(coprime).unwrap_or(1);
        Self { next: 0, left: n, step, n }
    }

    /// From one rake to the next, modulo their number.
    pub fn step(&self) -> usize {
        self.step
    }
}

impl Iterator for RakeOrder {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let this = self.next;
        self.next = (this + self.step) % self.n;
        Some(this)
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Cells of the table of [`even_along_path`].
const EVEN_CELLS: usize = 256;

/// Of each degree's table, when it is first asked for.
type EvenTable = LazyLock<[f32; EVEN_CELLS + 2]>;

/// For an odd degree, the share of the duration after which a rest-to-rest edge has gone each 256th
/// of its way, and one entry more: the inverse of [`smooth_step`].
pub fn even_along_path_table(degree: usize) -> &'static [f32; EVEN_CELLS + 2] {
    fn table<const DEGREE: usize>() -> [f32; EVEN_CELLS + 2] {
        let step = smooth_step(DEGREE);
        std::array::from_fn(|i| inverse_step(&step, i) as f32)
    }
    static TABLES: [EvenTable; 3] =
        [EvenTable::new(table::<3>), EvenTable::new(table::<5>), EvenTable::new(table::<MAX_DEGREE>)];
    &TABLES[degree / 2 - 1]
}

/// Where a smooth step reaches `i` 256ths, by bisection: it ascends.
fn inverse_step(step: &[f64], i: usize) -> f64 {
    let wanted = (i as f64 / EVEN_CELLS as f64).min(1.0);
    if wanted == 1.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        let reached = step.iter().rev().fold(0.0, |sum, c| sum * middle + c);
        if reached < wanted { low = middle } else { high = middle }
    }
    low
}

/// The share of the duration after which a rest-to-rest edge has gone the share `u` of its way,
/// between the points of the table (it need not be exact, only even).
fn even_along_path(u: f32, degree: usize) -> f32 {
    let table = even_along_path_table(degree);
    let x = u * EVEN_CELLS as f32;
    let cell = (x as usize).min(EVEN_CELLS);
    let (a, b) = (table[cell], table[cell + 1]);
    (a + (b - a) * (x - cell as f32)).clamp(0.0, 1.0)
}

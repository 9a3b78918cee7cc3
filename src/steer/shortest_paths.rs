//! Shortest paths of bounded curvature between two poses in the plane, without obstacles: ahead only (L. E. Dubins,
//! *On curves of minimal length with a constraint on average curvature*, Amer. J. Math. 1957), and ahead and in
//! reverse (J. A. Reeds and L. A. Shepp, *Optimal paths for a car that goes both forwards and backwards*, Pacific J.
//! Math. 1990, whose section 8 numbers the formulas). All lengths are in radii of the tightest turn.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Angles and lengths that are negative by rounding alone count as none.
const ROUNDING: f64 = 1e-10;

/// Pieces of a word, at most.
pub const MAX_PIECES: usize = 5;

/// A piece of a shortest path: an arc of radius 1, or a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathPiece {
    /// 1 to the left, -1 to the right, 0 for a line.
    pub turn: f64,
    /// Its length, negative in reverse.
    pub length: f64,
}

impl PathPiece {
    /// To the other side.
    fn mirrored(self) -> Self {
        Self { turn: -self.turn, ..self }
    }

    /// The other way.
    fn flipped(self) -> Self {
        Self { length: -self.length, ..self }
    }
}

/// A shortest path: up to five pieces, one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Word {
    pieces: [PathPiece; MAX_PIECES],
    count: usize,
}

impl Word {
    fn new<const N: usize>(turns: [f64; N], lengths: [f64; N]) -> Self {
        let mut word = Self { count: N, ..Self::default() };
        for (piece, (turn, length)) in word.pieces.iter_mut().zip(turns.into_iter().zip(lengths)) {
            *piece = PathPiece { turn, length };
        }
        word
    }

    /// Its pieces in their order.
    pub fn pieces(&self) -> &[PathPiece] {
        &self.pieces[..self.count]
    }

    /// Its length.
    pub fn length(&self) -> f64 {
        self.pieces().iter().map(|piece| piece.length.abs()).sum()
    }

    /// The same with each piece as it is changed.
    fn each(mut self, change: impl Fn(PathPiece) -> PathPiece) -> Self {
        self.pieces[..self.count].iter_mut().for_each(|piece| *piece = change(*piece));
        self
    }

    /// With its pieces in the opposite order.
    fn reversed(mut self) -> Self {
        self.pieces[..self.count].reverse();
        self
    }

    /// The way back, driven in reverse: from its end to its beginning.
    pub fn driven_back(self) -> Self {
        self.reversed().each(PathPiece::flipped)
    }

    /// The shorter of two.
    fn or(self, other: Self) -> Self {
        if other.length() < self.length() { other } else { self }
    }
}

/// From -pi to pi.
fn wrapped(angle: f64) -> f64 {
    let rest = angle.rem_euclid(TAU);
    if rest > PI { rest - TAU } else { rest }
}

/// From 0 to two pi, where a whole turn by rounding is none.
fn ahead(angle: f64) -> f64 {
    let rest = angle.rem_euclid(TAU);
    if TAU - rest < ROUNDING { 0.0 } else { rest }
}

/// A pose as seen from another, in radii: `place` (x ahead, y to the left) and heading.
pub fn seen_from(from: ([f64; 2], f64), to: ([f64; 2], f64), radius: f64) -> [f64; 3] {
    let (sin, cos) = from.1.sin_cos();
    let [x, y] = [0, 1].map(|i| (to.0[i] - from.0[i]) / radius);
    [cos * x + sin * y, cos * y - sin * x, wrapped(to.1 - from.1)]
}

/// The shortest path ahead to a pose that is seen like this. There is always one.
pub fn dubins(to: [f64; 3]) -> Word {
    let mut best: Option<Word> = None;
    for is_mirrored in [false, true] {
        let [x, y, heading] = to;
        let to = if is_mirrored { [x, -y, -heading] } else { to };
        for word in ahead_to(to).into_iter().flatten() {
            let word = if is_mirrored { word.each(PathPiece::mirrored) } else { word };
            best = Some(best.map_or(word, |best| best.or(word)));
        }
    }
    best.unwrap_or_default()
}

/// The paths ahead that begin with a turn to the left.
fn ahead_to(to: [f64; 3]) -> [Option<Word>; 3] {
    let [(line, first), (distance, angle)] = centers(to).map(polar);
    let heading = to[2];
    let same = Word::new([L, S, L], [ahead(first), line, ahead(heading - first)]);
    let other = (distance >= 2.0).then(|| {
        let line = (distance * distance - 4.0).sqrt();
        let first = angle + 2.0_f64.atan2(line);
        Word::new([L, S, R], [ahead(first), line, ahead(first - heading)])
    });
    let three = (line <= 4.0).then(|| {
        let middle = TAU - 2.0 * (0.25 * line).asin();
        let first = first + 0.5 * middle;
        Word::new([L, R, L], [ahead(first), middle, ahead(heading - first + middle)])
    });
    [Some(same), other, three]
}

/// The shortest path, ahead and in reverse, to a pose that is seen like this.
pub fn reeds_shepp(to: [f64; 3]) -> Word {
    let [x, y, heading] = to;
    let (sin, cos) = heading.sin_cos();
    // As seen when the path is gone the other way.
    let back = [x * cos + y * sin, x * sin - y * cos, heading];
    let mut best: Option<Word> = None;
    for (formula, is_reversible) in FORMULAS {
        for (to, is_back) in [(to, false), (back, true)] {
            if is_back && !is_reversible {
                continue;
            }
            for (is_flipped, is_mirrored) in [(false, false), (true, false), (false, true), (true, true)] {
                let [mut x, mut y, mut heading] = to;
                if is_flipped {
                    (x, heading) = (-x, -heading);
                }
                if is_mirrored {
                    (y, heading) = (-y, -heading);
                }
                let Some(word) = formula([x, y, heading]) else { continue };
                let word = if is_flipped { word.each(PathPiece::flipped) } else { word };
                let word = if is_mirrored { word.each(PathPiece::mirrored) } else { word };
                let word = if is_back { word.reversed() } else { word };
                best = Some(best.map_or(word, |best| best.or(word)));
            }
        }
    }
    best.unwrap_or_default()
}

type Formula = fn([f64; 3]) -> Option<Word>;

/// The formulas of section 8, and whether a path that is gone the other way is another.
const FORMULAS: [(Formula, bool); 9] = [
    (left_line_left, false),
    (left_line_right, false),
    (left_right_left, true),
    (left_right_left_right, false),
    (left_right_left_right_cusps, false),
    (left_right_line_left, true),
    (left_right_line_right, true),
    (left_right_line_left_right, false),
    (nothing, false),
];

const L: f64 = 1.0;
const R: f64 = -1.0;
const S: f64 = 0.0;

/// Where nothing is to be done.
fn nothing([x, y, heading]: [f64; 3]) -> Option<Word> {
    let is_here = x.abs().max(y.abs()).max(heading.abs()) < ROUNDING;
    is_here.then(|| Word::new([S], [0.0]))
}

/// Places of the centres of the turns at the end: to the left as the first, and to the right.
fn centers([x, y, heading]: [f64; 3]) -> [[f64; 2]; 2] {
    let (sin, cos) = heading.sin_cos();
    [[x - sin, y - 1.0 + cos], [x + sin, y - 1.0 - cos]]
}

fn polar([x, y]: [f64; 2]) -> (f64, f64) {
    (x.hypot(y), y.atan2(x))
}

/// 8.1
fn left_line_left(to: [f64; 3]) -> Option<Word> {
    let (u, t) = polar(centers(to)[0]);
    let v = wrapped(to[2] - t);
    (t >= -ROUNDING && v >= -ROUNDING).then(|| Word::new([L, S, L], [t, u, v]))
}

/// 8.2
fn left_line_right(to: [f64; 3]) -> Option<Word> {
    let (distance, angle) = polar(centers(to)[1]);
    let square = distance * distance - 4.0;
    if square < 0.0 {
        return None;
    }
    let u = square.sqrt();
    let t = wrapped(angle + 2.0_f64.atan2(u));
    let v = wrapped(t - to[2]);
    (t >= -ROUNDING && v >= -ROUNDING).then(|| Word::new([L, S, R], [t, u, v]))
}

/// 8.3 and 8.4
fn left_right_left(to: [f64; 3]) -> Option<Word> {
    let (distance, angle) = polar(centers(to)[0]);
    if distance > 4.0 {
        return None;
    }
    let u = -2.0 * (0.25 * distance).asin();
    let t = wrapped(angle + 0.5 * u + PI);
    let v = wrapped(to[2] - t + u);
    (t >= -ROUNDING && u <= ROUNDING).then(|| Word::new([L, R, L], [t, u, v]))
}

/// The first and last of four turns, of which the middle ones are u and v.
fn outer_turns(u: f64, v: f64, [x, y]: [f64; 2], heading: f64) -> (f64, f64) {
    let delta = wrapped(u - v);
    let (a, b) = (u.sin() - delta.sin(), u.cos() - delta.cos() - 1.0);
    let angle = (y * a - x * b).atan2(x * a + y * b);
    let is_opposite = 2.0 * (delta.cos() - v.cos() - u.cos()) + 3.0 < 0.0;
    let first = wrapped(if is_opposite { angle + PI } else { angle });
    (first, wrapped(first - u + v - heading))
}

/// 8.7
fn left_right_left_right(to: [f64; 3]) -> Option<Word> {
    let center = centers(to)[1];
    let cosine = 0.25 * (2.0 + polar(center).0);
    if cosine > 1.0 {
        return None;
    }
    let u = cosine.acos();
    let (t, v) = outer_turns(u, -u, center, to[2]);
    (t >= -ROUNDING && v <= ROUNDING).then(|| Word::new([L, R, L, R], [t, u, -u, v]))
}

/// 8.8
fn left_right_left_right_cusps(to: [f64; 3]) -> Option<Word> {
    let center = centers(to)[1];
    let cosine = (20.0 - polar(center).0.powi(2)) / 16.0;
    if !(0.0..=1.0).contains(&cosine) {
        return None;
    }
    let u = -cosine.acos();
    let (t, v) = outer_turns(u, u, center, to[2]);
    (t >= -ROUNDING && v >= -ROUNDING).then(|| Word::new([L, R, L, R], [t, u, u, v]))
}

/// 8.9
fn left_right_line_left(to: [f64; 3]) -> Option<Word> {
    let (distance, angle) = polar(centers(to)[0]);
    if distance < 2.0 {
        return None;
    }
    let r = (distance * distance - 4.0).sqrt();
    let u = 2.0 - r;
    let t = wrapped(angle + r.atan2(-2.0));
    let v = wrapped(to[2] - FRAC_PI_2 - t);
    (t >= -ROUNDING && u <= ROUNDING && v <= ROUNDING)
        .then(|| Word::new([L, R, S, L], [t, -FRAC_PI_2, u, v]))
}

/// 8.10
fn left_right_line_right(to: [f64; 3]) -> Option<Word> {
    let [x, y] = centers(to)[1];
    let (distance, t) = polar([-y, x]);
    if distance < 2.0 {
        return None;
    }
    let u = 2.0 - distance;
    let v = wrapped(t + FRAC_PI_2 - to[2]);
    (t >= -ROUNDING && u <= ROUNDING && v <= ROUNDING)
        .then(|| Word::new([L, R, S, R], [t, -FRAC_PI_2, u, v]))
}

/// 8.11
fn left_right_line_left_right(to: [f64; 3]) -> Option<Word> {
    let [x, y] = centers(to)[1];
    let distance = x.hypot(y);
    if distance < 2.0 {
        return None;
    }
    let u = 4.0 - (distance * distance - 4.0).sqrt();
    if u > ROUNDING {
        return None;
    }
    let t = wrapped(((4.0 - u) * x - 2.0 * y).atan2(-2.0 * x + (u - 4.0) * y));
    let v = wrapped(t - to[2]);
    (t >= -ROUNDING && v >= -ROUNDING)
        .then(|| Word::new([L, R, S, L, R], [t, -FRAC_PI_2, u, -FRAC_PI_2, v]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where a word leads.
    fn end(word: &Word) -> [f64; 3] {
        let [mut x, mut y, mut heading] = [0.0_f64; 3];
        for &PathPiece { turn, length } in word.pieces() {
            let half = 0.5 * turn * length;
            let chord = length * if half == 0.0 { 1.0 } else { half.sin() / half };
            x += chord * (heading + half).cos();
            y += chord * (heading + half).sin();
            heading += turn * length;
        }
        [x, y, heading]
    }

    fn leads_to(word: &Word, to: [f64; 3]) -> bool {
        let [x, y, heading] = end(word);
        (x - to[0]).abs() < 1e-8 && (y - to[1]).abs() < 1e-8 && wrapped(heading - to[2]).abs() < 1e-8
    }

    /// The length of the shortest path of a turn, a line and a turn, found by trying first turns of all lengths: where
    /// one more step takes the pose from one side of the line that leads to it to the other, the one between.
    fn by_brute_force(to: [f64; 3], may_reverse: bool) -> f64 {
        let senses: &[f64] = if may_reverse { &[1.0, -1.0] } else { &[1.0] };
        let mut least = f64::INFINITY;
        for (&sense, turn, last) in senses.iter().flat_map(|sense| {
            [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)].map(|(turn, last)| (sense, turn, last))
        }) {
            // How far the pose is beside the line, and the way on, after a first turn of this length.
            let after = |first: f64| {
                let here = end(&Word::new([turn], [sense * first]));
                let [x, y, heading] = seen_from(([here[0], here[1]], here[2]), ([to[0], to[1]], to[2]), 1.0);
                let (line, turn) = (x - last * heading.sin(), last * heading);
                let is_driven = may_reverse || line >= 0.0;
                let turn = if may_reverse { wrapped(turn).abs() } else { ahead(turn) };
                let length = if is_driven { first + line.abs() + turn } else { f64::INFINITY };
                (y - last * (1.0 - heading.cos()), length)
            };
            let steps = 720;
            let step = TAU / f64::from(steps);
            for i in 0..steps {
                let (mut low, mut high) = (step * f64::from(i), step * f64::from(i + 1));
                if (after(low).0 < 0.0) == (after(high).0 < 0.0) {
                    continue;
                }
                for _ in 0..60 {
                    let middle = (low + high) / 2.0;
                    let is_beyond = (after(middle).0 < 0.0) == (after(low).0 < 0.0);
                    *(if is_beyond { &mut low } else { &mut high }) = middle;
                }
                least = least.min(after(low).1);
            }
        }
        least
    }

    proptest! {
        #[test]
        fn words_lead_where_they_should(x in -6.0..6.0, y in -6.0..6.0, heading in -PI..PI) {
            let to = [x, y, heading];
            let (ahead, both) = (dubins(to), reeds_shepp(to));
            prop_assert!(leads_to(&ahead, to), "{ahead:?} {:?}", end(&ahead));
            prop_assert!(leads_to(&both, to), "{both:?} {:?}", end(&both));
            prop_assert!(ahead.pieces().iter().all(|piece| piece.length >= -1e-9));
            prop_assert!(both.length() <= ahead.length() + 1e-9);
            prop_assert!(both.length() >= x.hypot(y) - 1e-9);
        }

        /// Going there is as long as coming back; in reverse, mirrored, the same.
        #[test]
        fn lengths_are_symmetric(x in -5.0..5.0, y in -5.0..5.0, heading in -PI..PI) {
            let back = seen_from(([x, y], heading), ([0.0; 2], 0.0), 1.0);
            let there = reeds_shepp([x, y, heading]).length();
            for other in [back, [-x, y, -heading], [x, -y, -heading]] {
                prop_assert!((reeds_shepp(other).length() - there).abs() < 1e-8);
            }
            let mirrored = dubins([x, -y, -heading]).length();
            prop_assert!((dubins([x, y, heading]).length() - mirrored).abs() < 1e-8);
        }

        /// No path of a turn, a line and a turn is shorter, and none over a place in between.
        #[test]
        fn nothing_is_shorter(
            x in -5.0..5.0, y in -5.0..5.0, heading in -PI..PI,
            u in -4.0..4.0, v in -4.0..4.0, over in -PI..PI,
        ) {
            let to = [x, y, heading];
            let (first, rest) = ([u, v, over], seen_from(([u, v], over), ([x, y], heading), 1.0));
            for (shortest, may_reverse) in [(dubins as fn([f64; 3]) -> Word, false), (reeds_shepp, true)] {
                let length = shortest(to).length();
                prop_assert!(length <= shortest(first).length() + shortest(rest).length() + 1e-7);
                prop_assert!(length <= by_brute_force(to, may_reverse) + 1e-6);
            }
        }
    }

    #[test]
    fn lengths_of_textbooks() {
        // Turned about on the spot: three sixths of a turn. Straight on; one step to the side.
        assert!((reeds_shepp([0.0, 0.0, PI]).length() - PI).abs() < 1e-9);
        assert!((reeds_shepp([-3.0, 0.0, 0.0]).length() - 3.0).abs() < 1e-9);
        assert!((dubins([3.0, 0.0, 0.0]).length() - 3.0).abs() < 1e-9);
        assert!((dubins([0.0, 2.0, PI]).length() - PI).abs() < 1e-9);
        assert!((dubins([0.0, 0.0, PI]).length() - 7.0 * PI / 3.0).abs() < 1e-9);
        assert_eq!(reeds_shepp([0.0; 3]).length(), 0.0);
        assert_eq!(dubins([0.0; 3]).length(), 0.0);
    }
}

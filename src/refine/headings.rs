//! Headings along a path: where a base drives in any direction, but not in all of them as fast, it pays to turn on long
//! ways. Of a few headings at places along the path those are taken that lead along it the soonest (by dynamic
//! programming over the greatest rates that limits of velocity allow) and are clear of everything.

use crate::base::Omnidirectional;
use crate::check::{CheckError, EdgeBatch};
use crate::local_planner::LocalPlanner;
use crate::trajectory::{Segment, Trajectory, derivative};
use std::collections::BTreeSet;
use std::f64::consts::{FRAC_PI_2, PI};

/// Where headings are chosen, and how often it is tried.
struct HeadingSettings {
    /// Places lie as far apart as this share of the way that is gone, at the greatest speed, during a quarter turn.
    spacing: f64,
    /// How many pieces a path has at most, and at least: one that is shorter is left as it is.
    most_pieces: usize,
    least_pieces: usize,
    /// Headings are chosen anew without those that were found to collide, so often.
    rounds: usize,
    /// The least share of its duration by which a path is to become shorter.
    worthwhile: f64,
    /// Samples of a segment, to find out how long it is.
    samples: usize,
    /// Pieces are looked at so many times slower than they were, so that only what they collide with counts.
    slower: f64,
}

impl HeadingSettings {
    const DEFAULT: Self = Self {
        spacing: 0.5,
        most_pieces: 48,
        least_pieces: 3,
        rounds: 6,
        worthwhile: 0.01,
        samples: 8,
        slower: 64.0,
    };
}

/// Degree of the edges that are checked, and the highest that a path may have.
const EDGE_DEGREE: usize = 7;

/// The output that is the heading.
const HEADING: usize = 2;

/// The same path of a base, and of what it carries, with other headings between its ends, by which it can be driven
/// sooner: its velocities are no motion, only its tangents count. `None` where no others are found that are clear.
///
/// # Errors
/// When the checking backend fails.
pub fn turn_headings(
    path: &Trajectory,
    base: &Omnidirectional,
    local: &mut LocalPlanner<'_>,
) -> Result<Option<Trajectory>, CheckError> {
    if path.degree() > EDGE_DEGREE {
        return Ok(None);
    }
    let [ahead, aside, turn] = base.velocity;
    let spacing = HeadingSettings::DEFAULT.spacing * ahead.max(aside) * FRAC_PI_2 / turn;
    let Some(places) = Places::along(path, spacing) else { return Ok(None) };
    let mut colliding = BTreeSet::new();
    let given = vec![0; places.times.len()];
    let longest = places.cost(base, &given) * (1.0 - HeadingSettings::DEFAULT.worthwhile);
    for _ in 0..HeadingSettings::DEFAULT.rounds {
        let Some(chosen) = places.soonest(base, &colliding) else { break };
        if local.is_late() || places.cost(base, &chosen) > longest {
            break;
        }
        let pieces = places.pieces(path, &chosen);
        let found = collisions(&pieces, local)?;
        if found.is_empty() {
            let mut turned = Trajectory::new(path.dof(), path.degree().max(3));
            pieces.iter().for_each(|piece| turned.append(piece));
            return Ok(Some(turned));
        }
        colliding.extend(found.into_iter().map(|piece| (piece, chosen[piece], chosen[piece + 1])));
    }
    Ok(None)
}

/// Which of some pieces collide.
fn collisions(pieces: &[Trajectory], local: &mut LocalPlanner<'_>) -> Result<Vec<usize>, CheckError> {
    let Some(dof) = pieces.first().map(Trajectory::dof) else { return Ok(Vec::new()) };
    let mut edges = EdgeBatch::new(dof, EDGE_DEGREE);
    for piece in pieces {
        edges.push_trajectory(&piece.stretched(HeadingSettings::DEFAULT.slower));
    }
    let mut verdicts = Vec::new();
    local.checked += pieces.len() as u64;
    local.checker().check(&edges, &mut verdicts)?;
    let bad = verdicts.iter().enumerate().filter(|(_, verdict)| !verdict.is_valid());
    Ok(bad.map(|(piece, _)| piece).collect())
}

/// Places along a path, about as far apart, and headings that may be taken there; the first is the path's own.
struct Places {
    /// When the path comes there, seconds.
    times: Vec<f64>,
    positions: Vec<[f64; 2]>,
    headings: Vec<Vec<f64>>,
    /// Rates of the heading at both ends, rad/s.
    rates: [f64; 2],
}

impl Places {
    fn along(path: &Trajectory, spacing: f64) -> Option<Self> {
        let (times, lengths) = lengths(path);
        let length = *lengths.last()?;
        let HeadingSettings { most_pieces, least_pieces, .. } = HeadingSettings::DEFAULT;
        let count = ((length / spacing).ceil() as usize).min(most_pieces);
        if count < least_pieces {
            return None;
        }
        let mut chosen = vec![0.0];
        for i in 1..count {
            let wanted = length * i as f64 / count as f64;
            let after = lengths.partition_point(|&l| l < wanted).clamp(1, lengths.len() - 1);
            let [a, b] = [lengths[after - 1], lengths[after]];
            let share = if b > a { (wanted - a) / (b - a) } else { 1.0 };
            let time = times[after - 1] + share * (times[after] - times[after - 1]);
            // Where it stands it is at several places at once.
            if time > chosen[chosen.len() - 1] {
                chosen.push(time);
            }
        }
        chosen.push(path.duration());
        let at = |t: f64, order: usize| {
            let mut values = vec![0.0; path.dof()];
            path.evaluate(t, order, &mut values);
            values
        };
        let states: Vec<Vec<f64>> = chosen.iter().map(|&t| at(t, 0)).collect();
        let last = states.len() - 1;
        let headings = (0..=last).map(|i| {
            let own = states[i][HEADING];
            if i == 0 || i == last {
                return vec![own];
            }
            let (before, after) = (&states[i - 1], &states[i + 1]);
            let course = (after[1] - before[1]).atan2(after[0] - before[0]);
            // Nose or tail first, whichever is nearer, and the other one; and half way to each.
            let nearest = course + PI * ((own - course) / PI).round();
            let other = if nearest > own { nearest - PI } else { nearest + PI };
            vec![own, nearest, 0.5 * (own + nearest), other, 0.5 * (own + other)]
        });
        Some(Self {
            headings: headings.collect(),
            positions: states.iter().map(|state| [state[0], state[1]]).collect(),
            rates: [0.0, path.duration()].map(|t| at(t, 1)[HEADING]),
            times: chosen,
        })
    }

    /// The least time from a place to the next, from one heading to another, seconds.
    fn time(&self, base: &Omnidirectional, piece: usize, from: usize, to: usize) -> f64 {
        let [[x0, y0], [x1, y1]] = [self.positions[piece], self.positions[piece + 1]];
        let headings = [self.headings[piece][from], self.headings[piece + 1][to]];
        let [pace, _] = base.paces([x1 - x0, y1 - y0, headings[1] - headings[0]], headings);
        1.0 / pace
    }

    /// How long a choice of headings takes.
    fn cost(&self, base: &Omnidirectional, chosen: &[usize]) -> f64 {
        chosen.windows(2).enumerate().map(|(piece, pair)| self.time(base, piece, pair[0], pair[1])).sum()
    }

    /// The headings that lead along all places the soonest, but for pieces that collide; `None` where there are none.
    fn soonest(
        &self,
        base: &Omnidirectional,
        colliding: &BTreeSet<(usize, usize, usize)>,
    ) -> Option<Vec<usize>> {
        // By place and heading: the least time to it, and from which heading before.
        let mut known: Vec<Vec<(f64, usize)>> = vec![vec![(0.0, 0); self.headings[0].len()]];
        for piece in 0..self.headings.len() - 1 {
            let come = |to: usize| {
                let from = |from: usize| {
                    let is_bad = colliding.contains(&(piece, from, to));
                    let time = if is_bad { f64::INFINITY } else { self.time(base, piece, from, to) };
                    (known[piece][from].0 + time, from)
                };
                let all = (0..self.headings[piece].len()).map(from);
                all.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 0))
            };
            let next = (0..self.headings[piece + 1].len()).map(come).collect();
            known.push(next);
        }
        let last = known.last()?;
        let end = (0..last.len()).min_by(|&a, &b| last[a].0.total_cmp(&last[b].0))?;
        if last[end].0.is_infinite() {
            return None;
        }
        let mut chosen = vec![end];
        for place in (1..known.len()).rev() {
            chosen.push(known[place][chosen[chosen.len() - 1]].1);
        }
        chosen.reverse();
        Some(chosen)
    }

    /// The path from each place to the next with these headings there, between which they turn as cubics whose slopes do
    /// not overshoot (Fritsch and Carlson, *Monotone piecewise cubic interpolation*, SIAM J. Numer. Anal. 1980; by the
    /// harmonic means of Fritsch and Butland).
    fn pieces(&self, path: &Trajectory, chosen: &[usize]) -> Vec<Trajectory> {
        let heading = |place: usize| self.headings[place][chosen[place]];
        let steep = |piece: usize| {
            (heading(piece + 1) - heading(piece)) / (self.times[piece + 1] - self.times[piece])
        };
        let last = self.times.len() - 1;
        let rate = |place: usize| match place {
            0 => self.rates[0],
            _ if place == last => self.rates[1],
            _ => {
                let (a, b) = (steep(place - 1), steep(place));
                if a * b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
            }
        };
        let piece = |i: usize| {
            let span = self.times[i + 1] - self.times[i];
            let (slope, [v, w]) = (steep(i), [rate(i), rate(i + 1)]);
            let square = (3.0 * slope - 2.0 * v - w) / span;
            let cube = (v + w - 2.0 * slope) / (span * span);
            with_heading(&path.cut(self.times[i], self.times[i + 1]), [heading(i), v, square, cube])
        };
        (0..last).map(piece).collect()
    }
}

/// Times along a path, and how far the base has come until then, metres.
fn lengths(path: &Trajectory) -> (Vec<f64>, Vec<f64>) {
    let (mut times, mut lengths) = (vec![0.0], vec![0.0]);
    let place = |segment: &Segment<'_>, t: f64| [0, 1].map(|i| derivative(segment.polynomial(i), 0, t));
    let mut far = 0.0;
    for (segment, &begin) in path.segments().zip(path.knots()) {
        let mut last = place(&segment, 0.0);
        for k in 1..=HeadingSettings::DEFAULT.samples {
            let t = segment.duration * k as f64 / HeadingSettings::DEFAULT.samples as f64;
            let here = place(&segment, t);
            far += (here[0] - last[0]).hypot(here[1] - last[1]);
            times.push(begin + t);
            lengths.push(far);
            last = here;
        }
    }
    (times, lengths)
}

/// A piece of a path with the heading this cubic of its time.
fn with_heading(piece: &Trajectory, [c0, c1, c2, c3]: [f64; 4]) -> Trajectory {
    let degree = piece.degree().max(3);
    let mut turned = Trajectory::new(piece.dof(), degree);
    let mut coefficients = vec![0.0; piece.dof() * (degree + 1)];
    for (segment, &t) in piece.segments().zip(piece.knots()) {
        coefficients.fill(0.0);
        for (output, row) in coefficients.chunks_exact_mut(degree + 1).enumerate() {
            let polynomial = segment.polynomial(output);
            row[..polynomial.len()].copy_from_slice(polynomial);
        }
        let row = &mut coefficients[HEADING * (degree + 1)..][..degree + 1];
        row.fill(0.0);
        row[..4].copy_from_slice(&[
            c0 + t * (c1 + t * (c2 + t * c3)),
            c1 + t * (2.0 * c2 + 3.0 * t * c3),
            c2 + 3.0 * t * c3,
            c3,
        ]);
        turned.push(segment.duration, &coefficients);
    }
    turned
}

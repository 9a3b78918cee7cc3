//! Makes routes shorter in time: paths of a nonholonomic base, curve by curve.
//!
//! Three moves, each of which is kept where the whole becomes shorter by the time parameterization that it would be
//! driven by, and what is new is valid: corners are skipped; what lies between two instants is replaced
//! by one curve that leaves the route as smoothly as it must; and the stance between two curves is moved.

use crate::check::CheckError;
use crate::local_planner::PathPlanner;
use crate::steer::{PathLimits, Curve, EndSpeeds, DriveDirection, SpeedProfile, PathState};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::ops::Range;

/// A cut so near to an end of a curve, as a share of the curve, is made at that end.
const SPLINTER: f64 = 0.02;

/// A move must save at least this share of what it replaces.
const LEAST_GAIN: f64 = 2e-3;

/// What is left of the duration after gains that are worth going on for.
const NOTABLE: f64 = 0.99;

/// Curves in order, each from where the one before it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The curves.
    pub curves: Vec<Curve>,
    /// Speeds at its ends.
    pub ends: EndSpeeds,
}

impl Route {
    /// How long it takes, seconds, by estimate; infinitely where a curve cannot be driven.
    pub fn estimate(&self, limits: &PathLimits) -> f64 {
        let profiles = profiles(limits, &self.curves);
        let whole =
            |profiles: Vec<_>| durations(limits, self.curves.iter().zip(&profiles), self.ends).iter().sum();
        profiles.map_or(f64::INFINITY, whole)
    }

    /// Whether it goes ahead and in reverse.
    pub fn has_cusps(&self) -> bool {
        self.curves.windows(2).any(|pair| pair[0].direction != pair[1].direction)
    }

    /// The curves with heading references that go on where those before end.
    pub fn guided(mut self) -> Self {
        for i in 1..self.curves.len() {
            let heading = self.curves[i - 1].heading_reference_at(1.0)[0];
            self.curves[i] = self.curves[i].clone().turned_to(heading);
        }
        self
    }
}

/// A route without the corners that need not be, and after at most `tries` more moves: none more after
/// `patience` moves in which it has hardly become shorter, or when `planner` is late. Where it goes on beyond fewer moves
/// and less patience, given first, also the route as these left it: what is shorter by estimates may take longer as it is
/// timed.
///
/// # Errors
/// When the checking backend fails.
pub fn shorten_route(
    route: Route,
    planner: &mut PathPlanner<'_>,
    [[few, little], [tries, patience]]: [[u32; 2]; 2],
    seed: u64,
) -> Result<(Route, Option<Route>), CheckError> {
    let limits = planner.limits();
    let Some(profiles) = profiles(limits, &route.curves) else { return Ok((route, None)) };
    let durations = durations(limits, route.curves.iter().zip(&profiles), route.ends);
    let whole = durations.iter().sum();
    let mut shortener = RouteShortener { planner, route, profiles, durations, whole };
    if tries > 0 {
        shortener.skip_corners()?;
    }
    let mut random = Pcg64Mcg::seed_from_u64(!seed);
    let tries = if shortener.whole > 0.0 && shortener.whole.is_finite() { tries } else { 0 };
    let (mut notable, mut since) = (shortener.whole, 0);
    let mut early = None;
    for i in 0..tries {
        if shortener.whole < notable * NOTABLE {
            (notable, since) = (shortener.whole, i);
        }
        if early.is_none() && (i >= few || i - since > little) {
            early = Some(shortener.route.clone());
        }
        if shortener.planner.is_late() || i - since > patience {
            break;
        }
        if i % 2 == 0 {
            shortener.cut(&mut random, i)?;
        } else {
            shortener.shift(&mut random)?;
        }
    }
    let route = shortener.route;
    let early = early.filter(|early| *early != route);
    Ok((route, early))
}

/// The profile of each curve; `None` where one cannot be driven.
fn profiles(limits: &PathLimits, curves: &[Curve]) -> Option<Vec<SpeedProfile>> {
    curves.iter().map(|curve| limits.profile(curve)).collect()
}

/// How long each of a sequence of curves takes, seconds, by estimate.
fn durations<'a>(
    limits: &PathLimits,
    curves: impl Iterator<Item = (&'a Curve, &'a SpeedProfile)>,
    ends: EndSpeeds,
) -> Vec<f64> {
    let curves: Vec<_> = curves.collect();
    // A turn's profile is by its parameter.
    let end = |speed: Option<f64>, curve: Option<&(&Curve, _)>| match curve {
        Some((curve, _)) if curve.direction == DriveDirection::Pivot => {
            speed.map(|s| if s > 0.0 { s / curve.heading_reference_at(0.0)[1].abs() } else { 0.0 })
        }
        _ => speed,
    };
    limits.estimate(&curves, [end(ends.first, curves.first()), end(ends.last, curves.last())])
}

struct RouteShortener<'p, 'c> {
    planner: &'p mut PathPlanner<'c>,
    route: Route,
    /// Of each curve.
    profiles: Vec<SpeedProfile>,
    durations: Vec<f64>,
    whole: f64,
}

/// Where a route is cut: in a curve, at its parameter.
#[derive(Clone, Copy, Debug)]
struct Cut {
    curve: usize,
    u: f64,
}

impl RouteShortener<'_, '_> {
    /// Joins far stances directly, from the beginning on, the farthest first.
    fn skip_corners(&mut self) -> Result<(), CheckError> {
        let mut from = 0;
        while from < self.route.curves.len() {
            let mut to = self.route.curves.len() - 1;
            while to > from {
                if self.planner.is_late() {
                    return Ok(());
                }
                let begin = self.leaving(Cut { curve: from, u: 0.0 }, None);
                let end = self.arriving(Cut { curve: to, u: 1.0 }, None);
                let old: f64 = self.durations[from..=to].iter().sum();
                if let Some(motion) = self.planner.connect(&begin, &end, old)? {
                    let range = [Cut { curve: from, u: 0.0 }, Cut { curve: to, u: 1.0 }];
                    if self.replace(range, motion.curves, true)? {
                        break;
                    }
                }
                to -= 1;
            }
            from += 1;
        }
        Ok(())
    }

    /// Replaces what lies between two random instants by one curve.
    fn cut(&mut self, random: &mut Pcg64Mcg, i: u32) -> Result<(), CheckError> {
        const WIDEST: f64 = 0.7;
        const NARROWEST: f64 = 0.1;
        const ROUND: u32 = 16;
        let width = self.whole * WIDEST * (NARROWEST / WIDEST).powf(f64::from(i % ROUND) / f64::from(ROUND));
        // Windows that hang over an end are cut off there, so that the ends have their share.
        let from = (random.random::<f64>() * (self.whole + width) - width).max(0.0);
        let to = (from + width).min(self.whole);
        let range = [self.at(from), self.at(to)];
        let longest = (to - from) * (1.0 - LEAST_GAIN);
        let [ahead, back] = [DriveDirection::Forward, DriveDirection::Reverse].map(|direction| {
            let begin = self.leaving(range[0], Some(direction));
            let end = self.arriving(range[1], Some(direction));
            self.planner.curve(&begin, &end, direction, longest)
        });
        let duration =
            |curve: &Option<(f64, Curve)>| curve.as_ref().map_or(f64::INFINITY, |(duration, _)| *duration);
        let in_order = if duration(&back) < duration(&ahead) { [back, ahead] } else { [ahead, back] };
        for (_, curve) in in_order.into_iter().flatten() {
            if self.replace(range, vec![curve], false)? {
                break;
            }
        }
        Ok(())
    }

    /// Moves the stance between two curves, and joins it anew with both of its neighbours.
    fn shift(&mut self, random: &mut Pcg64Mcg) -> Result<(), CheckError> {
        const FARTHEST: f64 = 0.15;
        if self.route.curves.len() < 2 {
            return Ok(());
        }
        let last = random.random_range(1..self.route.curves.len());
        let directions = [self.route.curves[last - 1].direction, self.route.curves[last].direction];
        if directions.contains(&DriveDirection::Pivot) {
            return Ok(());
        }
        let range = [Cut { curve: last - 1, u: 0.0 }, Cut { curve: last, u: 1.0 }];
        let (begin, end) = (self.leaving(range[0], Some(directions[0])), self.arriving(range[1], Some(directions[1])));
        let scale = FARTHEST * random.random::<f64>();
        let mut draw = || scale * (2.0 * random.random::<f64>() - 1.0);
        let length = self.route.curves[last - 1].length() + self.route.curves[last].length();
        let mut middle = self.route.curves[last].stance(0.0);
        for i in 0..self.planner.limits().dimensions() {
            middle.place[i] += length * draw();
        }
        middle.heading += 2.0 * draw();
        if self.planner.limits().is_spatial() {
            middle.pitch += 2.0 * draw();
        }
        middle.arm.iter_mut().for_each(|q| *q += 2.0 * draw());
        let is_smooth = directions[0] == directions[1] || self.planner.limits().keeps_curvature();
        let bent = middle.curvature.map(|k| k + 4.0 * draw() / length);
        middle.curvature = if self.planner.limits().needs_curvature() && is_smooth { bent } else { None };
        middle.curvature_rate = middle.curvature_rate.filter(|_| self.planner.limits().needs_curvature_rate());
        if directions[0] != directions[1] {
            middle.arm_slopes.clear();
        }
        let old = self.durations[last - 1] + self.durations[last];
        let Some((duration, before)) = self.planner.curve(&begin, &middle, directions[0], old) else {
            return Ok(());
        };
        let Some((_, after)) = self.planner.curve(&middle, &end, directions[1], old - duration) else {
            return Ok(());
        };
        self.replace(range, vec![before, after], false)?;
        Ok(())
    }

    /// Where the route is after so many seconds.
    fn at(&self, time: f64) -> Cut {
        let mut left = time;
        for (curve, &duration) in self.durations.iter().enumerate() {
            if left <= duration || curve + 1 == self.durations.len() {
                let u = if duration > 0.0 { (left / duration).clamp(0.0, 1.0) } else { 0.0 };
                let u = if u < SPLINTER {
                    0.0
                } else if u > 1.0 - SPLINTER {
                    1.0
                } else {
                    u
                };
                return Cut { curve, u };
            }
            left -= duration;
        }
        Cut { curve: 0, u: 0.0 }
    }

    /// The stance from which a curve of a direction may leave the route (or any motion, from rest).
    fn leaving(&self, cut: Cut, direction: Option<DriveDirection>) -> PathState {
        let curves = &self.route.curves;
        let mut stance = curves[cut.curve].stance(cut.u);
        let before = match cut {
            Cut { curve, u } if u > 0.0 => Some(curves[curve].direction),
            Cut { curve, .. } => curve.checked_sub(1).map(|i| curves[i].direction),
        };
        // A turn on the spot has no curvature, but what is driven before it has.
        if let Some(before) = cut.curve.checked_sub(1).filter(|_| cut.u == 0.0).map(|i| &curves[i])
            && before.direction != DriveDirection::Pivot
        {
            stance = before.stance(1.0);
        }
        let speed = if before.is_none() { self.route.ends.first.unwrap_or(0.0) } else { 0.0 };
        self.joined(stance, before, direction, curves[0].direction.sign() * speed)
    }

    /// The stance at which it may come back.
    fn arriving(&self, cut: Cut, direction: Option<DriveDirection>) -> PathState {
        let curves = &self.route.curves;
        let mut stance = curves[cut.curve].stance(cut.u);
        let after = match cut {
            Cut { curve, u } if u < 1.0 => Some(curves[curve].direction),
            Cut { curve, .. } => curves.get(curve + 1).map(|c| c.direction),
        };
        if let Some(after) = curves.get(cut.curve + 1).filter(|_| cut.u == 1.0)
            && after.direction != DriveDirection::Pivot
        {
            stance = after.stance(0.0);
        }
        let speed = if after.is_none() { self.route.ends.last.unwrap_or(0.0) } else { 0.0 };
        self.joined(stance, after, direction, curves[curves.len() - 1].direction.sign() * speed)
    }

    /// `stance` as far as a curve of `direction` must meet it, next to one of direction `neighbour`: curvature and the
    /// arm's rates where it passes through without a stop.
    fn joined(&self, stance: PathState, neighbour: Option<DriveDirection>, direction: Option<DriveDirection>, speed: f64) -> PathState {
        let limits = self.planner.limits();
        let passes = match neighbour {
            Some(neighbour) => neighbour != DriveDirection::Pivot && direction.is_none_or(|direction| direction == neighbour),
            None => speed != 0.0,
        };
        let keeps = limits.keeps_curvature() || passes && limits.needs_curvature();
        let arm_slopes = if passes { stance.arm_slopes } else { Vec::new() };
        let curvature_rate = stance.curvature_rate.filter(|_| limits.needs_curvature_rate());
        PathState { curvature: stance.curvature.filter(|_| keeps), curvature_rate, speed, arm_slopes, ..stance }
    }

    /// Puts `middle` in place of what lies between two cuts, if that is shorter, and valid: where that is not
    /// known it is not guided yet.
    fn replace(
        &mut self,
        [from, to]: [Cut; 2],
        middle: Vec<Curve>,
        is_valid: bool,
    ) -> Result<bool, CheckError> {
        let Route { curves, ends } = &self.route;
        let keeps = |speed: Option<f64>, ours: Option<&Curve>, theirs: Option<&Curve>| {
            speed == Some(0.0) || ours.map(|c| c.direction) == theirs.map(|c| c.direction)
        };
        if from.curve == 0 && from.u == 0.0 && !keeps(ends.first, curves.first(), middle.first())
            || to.curve + 1 == curves.len() && to.u == 1.0 && !keeps(ends.last, curves.last(), middle.last())
        {
            return Ok(false);
        }
        let limits = self.planner.limits();
        let mut new = Vec::with_capacity(middle.len() + 2);
        if from.u > 0.0 {
            new.push(curves[from.curve].part(0.0, from.u));
        }
        let ours = new.len()..new.len() + middle.len();
        new.extend(middle);
        if to.u < 1.0 {
            new.push(curves[to.curve].part(to.u, 1.0));
        }
        let Some(profiles) = profiles(limits, &new) else { return Ok(false) };
        let replaced = from.curve..to.curve + 1;
        let next = self.durations_with(&replaced, &new, &profiles);
        let whole: f64 = next.iter().sum();
        let is_shorter = whole < self.whole * (1.0 - LEAST_GAIN);
        if !is_shorter {
            return Ok(false);
        }
        if !is_valid {
            let guided: Option<Vec<Curve>> = new[ours.clone()].iter().cloned().map(Curve::with_heading_reference).collect();
            let Some(guided) = guided else { return Ok(false) };
            if !self.planner.is_valid(&guided)? {
                return Ok(false);
            }
            new.splice(ours, guided);
        }
        self.route.curves.splice(replaced.clone(), new);
        self.profiles.splice(replaced, profiles);
        (self.durations, self.whole) = (next, whole);
        Ok(true)
    }

    /// The durations of all curves if those `replaced` were `new`: only those between the stops before and
    /// after are others than before.
    fn durations_with(&self, replaced: &Range<usize>, new: &[Curve], profiles: &[SpeedProfile]) -> Vec<f64> {
        let Route { curves, ends } = &self.route;
        let stops = |i: &usize| curves[i - 1].direction.stops_before(curves[*i].direction);
        let first = (1..replaced.start).rfind(stops).unwrap_or(0);
        let last = (replaced.end + 1..curves.len()).find(stops).unwrap_or(curves.len());
        let kept = |range: Range<usize>| curves[range.clone()].iter().zip(&self.profiles[range]);
        let between =
            kept(first..replaced.start).chain(new.iter().zip(profiles)).chain(kept(replaced.end..last));
        let ends = EndSpeeds {
            first: if first == 0 { ends.first } else { Some(0.0) },
            last: if last == curves.len() { ends.last } else { Some(0.0) },
        };
        let between = durations(self.planner.limits(), between, ends);
        [&self.durations[..first], &between, &self.durations[last..]].concat()
    }
}

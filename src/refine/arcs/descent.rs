//! Arcs of constant steering on their way to faster ones, by one linear program after the other. Imports
//! `steer` and [`crate::refine::elastic`].

use super::chain::{Arc, Leg, CarTrailerState, Train, UNKNOWNS, form};
use super::room::{REACH, Room, Surroundings};
use crate::refine::elastic::{Elastic, Row};
use crate::steer::nearest_turn;
use crate::stop::Stop;

/// Changes of arcs at most.
const ROUNDS: usize = 25;

/// How far unknowns are changed at once: at first, at most, and where it is no more worth it.
const RADII: [f64; 3] = [0.15, 1.0, 1e-3];

/// The factors of that after a change that gains as much as foreseen, about, and after one that does not: the
/// shares of what is foreseen that tell.
const WIDER: f64 = 1.5;
const NARROWER: f64 = 0.4;
const TRUE: f64 = 0.75;
const FALSE: f64 = 0.25;

/// A change that gains less than this share of what is foreseen is corrected.
const CURVED: f64 = 0.5;

/// What a metre of a broken constraint costs, in times that it takes in the slower direction; and how much more a
/// metre from the goal.
const PRICE: f64 = 5.0;
const AIM: f64 = 2.0;

/// How far an end may be missed in the end, in hitch lengths and times [`AIM`].
const NEAR: f64 = 1e-4;

/// What a program may be short of its best at most, and what it must foresee to be worth another, as shares of
/// the duration.
const TOLERANCE: f64 = 3e-4;
const WORTHWHILE: f64 = 3e-3;

/// What the square of a change of the radius costs, as a share of the radius and the duration: of all ways to
/// save time, small changes.
const DAMPING: f64 = 0.1;

/// Rows are made of the room that is less than this, in hitch lengths, and as much more as the radius.
const NEARBY: f64 = 0.05;
const NEARBY_PER_RADIUS: f64 = 0.5;

/// Arcs on their way to faster ones.
pub(super) struct Descent<'a> {
    train: Train,
    /// Where they begin and end.
    ends: [CarTrailerState; 2],
    /// Greatest speeds ahead and in reverse, m/s.
    speeds: [f64; 2],
    around: Surroundings<'a>,
}

/// Arcs as they are driven.
#[derive(Clone, Debug)]
pub(super) struct Driven {
    pub(super) arcs: Vec<Arc>,
    pub(super) legs: Vec<Leg>,
}

/// Room at a step of a leg.
#[derive(Clone, Copy, Debug)]
struct Near {
    leg: usize,
    step: usize,
    room: Room,
}

impl Near {
    /// In this order they are found.
    fn key(&self) -> [usize; 3] {
        [self.leg, self.step, self.room.subject]
    }
}

/// What arcs are worth.
struct Judged {
    driven: Driven,
    near: Vec<Near>,
    /// By how much the goal is missed, in metres (an angle: of the hitch length), times [`AIM`].
    misses: [f64; 4],
    duration: f64,
    /// The duration and the price of all that is broken.
    cost: f64,
}

/// A program of changes, and what its rows but the last eight are of.
struct Program {
    elastic: Elastic,
    near: Vec<Near>,
}

impl<'a> Descent<'a> {
    /// From one standing to another.
    pub(super) fn new(train: Train, ends: [CarTrailerState; 2], speeds: [f64; 2], around: Surroundings<'a>) -> Self {
        Self { train, ends, speeds, around }
    }

    /// Faster arcs than these, as far as it comes until it is to stop; `None` where they do not lead to the goal.
    pub(super) fn run(mut self, arcs: Vec<Arc>, stop: &Stop) -> Option<Driven> {
        let mut now = self.judge(arcs);
        let [mut radius, most, least] = RADII;
        for _ in 0..ROUNDS {
            if stop.is_due() || radius < least {
                break;
            }
            let program = self.program(&now, radius);
            let step = program.elastic.solve(self.tolerance(&now), stop);
            if stop.is_due() {
                break;
            }
            let foreseen = now.cost - now.duration - program.elastic.value(&step);
            if foreseen <= 0.0 || foreseen < WORTHWHILE * now.duration && self.arrives(&now) {
                break;
            }
            let next = self.changed(&now, &program, &step, foreseen, stop);
            let share = (now.cost - next.cost) / foreseen;
            radius *= match share {
                share if share > TRUE => WIDER,
                share if share > FALSE => 1.0,
                _ => NARROWER,
            };
            radius = radius.min(most);
            if share > 0.0 {
                now = next;
            }
        }
        self.arrives(&now).then_some(now.driven)
    }

    fn arrives(&self, at: &Judged) -> bool {
        at.misses.iter().all(|miss| miss.abs() < NEAR * self.train.hitch_length)
    }

    /// What a program may be short of its best: not enough to miss the goal by.
    fn tolerance(&self, at: &Judged) -> f64 {
        (TOLERANCE * at.duration).min(0.5 * NEAR * self.train.hitch_length * self.price())
    }

    /// Arcs after a step; or after a corrected one, where that does not gain what it should, and that gains more.
    fn changed(
        &mut self,
        now: &Judged,
        program: &Program,
        step: &[f64],
        foreseen: f64,
        stop: &Stop,
    ) -> Judged {
        let next = self.judge(moved(&now.driven.arcs, step));
        if now.cost - next.cost > CURVED * foreseen {
            return next;
        }
        let step = program.corrected(step, &next).solve(self.tolerance(now), stop);
        if stop.is_due() {
            return next;
        }
        let corrected = self.judge(moved(&now.driven.arcs, &step));
        if corrected.cost < next.cost { corrected } else { next }
    }

    /// Seconds per unit of an arc's length, negative backwards.
    fn pace(&self, arc: &Arc) -> f64 {
        let [ahead, back] = self.speeds;
        let length = self.train.hitch_length;
        if arc.length < 0.0 { -length / back } else { length / ahead }
    }

    /// What a metre costs of what is broken, seconds.
    fn price(&self) -> f64 {
        let [ahead, back] = self.speeds;
        PRICE / if back > 0.0 { ahead.min(back) } else { ahead }
    }

    fn judge(&mut self, arcs: Vec<Arc>) -> Judged {
        let legs = self.train.drive(self.ends[0], &arcs);
        let mut near = Vec::new();
        for (leg, driven) in legs.iter().enumerate() {
            for (step, sample) in driven.samples.iter().enumerate() {
                self.around.rooms(&sample.at, |room| near.push(Near { leg, step, room }));
            }
        }
        let misses = self.misses(&legs[legs.len() - 1].end().at);
        let duration = arcs.iter().map(|arc| self.pace(arc) * arc.length).sum();
        let missed: f64 = misses.iter().map(|miss| miss.abs()).sum();
        let lack: f64 = near.iter().map(|near| (-near.room.value).max(0.0)).sum();
        let cost = duration + self.price() * (missed + lack);
        Judged { driven: Driven { arcs, legs }, near, misses, duration, cost }
    }

    fn misses(&self, end: &CarTrailerState) -> [f64; 4] {
        let goal = &self.ends[1];
        let length = self.train.hitch_length;
        [
            end.place[0] - goal.place[0],
            end.place[1] - goal.place[1],
            length * nearest_turn(end.heading - goal.heading),
            length * (end.hitch - goal.hitch),
        ]
        .map(|miss| AIM * miss)
    }

    /// How they depend on where the arcs end.
    fn aims(&self) -> [CarTrailerState; 4] {
        let none = CarTrailerState::default();
        let turned = AIM * self.train.hitch_length;
        [
            CarTrailerState { place: [AIM, 0.0], ..none },
            CarTrailerState { place: [0.0, AIM], ..none },
            CarTrailerState { heading: turned, ..none },
            CarTrailerState { hitch: turned, ..none },
        ]
    }

    /// The program of changes within a radius.
    fn program(&self, now: &Judged, radius: f64) -> Program {
        let Driven { arcs, legs } = &now.driven;
        let reach = (NEARBY + NEARBY_PER_RADIUS * radius).min(REACH) * self.train.hitch_length;
        let near: Vec<Near> = now.near.iter().filter(|near| near.room.value < reach).copied().collect();
        let mut elastic = Elastic {
            price: self.price(),
            curvature: DAMPING * now.duration / radius,
            rows: Vec::with_capacity(near.len() + 2 * now.misses.len()),
            ..Elastic::default()
        };
        for arc in arcs {
            elastic.cost.extend([0.0, self.pace(arc)]);
            elastic.bounds.extend(bounds(arc, radius));
        }
        for Near { leg, step, room } in &near {
            let form = form(legs, *leg, &legs[*leg].samples[*step], room.slope);
            elastic.rows.push(Row { form, offset: room.value });
        }
        // The end is the goal: rows from both sides.
        let last = legs.len() - 1;
        for (aim, &miss) in self.aims().into_iter().zip(&now.misses) {
            let form = form(legs, last, legs[last].end(), aim);
            let other = Row { form: form.iter().map(|a| -a).collect(), offset: -miss };
            elastic.rows.extend([Row { form, offset: miss }, other]);
        }
        Program { elastic, near }
    }
}

impl Program {
    /// The same about what is there after a step: a correction of second order.
    fn corrected(&self, step: &[f64], next: &Judged) -> Elastic {
        let mut elastic = self.elastic.clone();
        let (rooms, ends) = elastic.rows.split_at_mut(self.near.len());
        let mut others = next.near.iter().peekable();
        for (row, near) in rooms.iter_mut().zip(&self.near) {
            while others.next_if(|other| other.key() < near.key()).is_some() {}
            if let Some(other) = others.next_if(|other| other.key() == near.key()) {
                row.meet(step, other.room.value);
            }
        }
        for (rows, &miss) in ends.chunks_exact_mut(2).zip(&next.misses) {
            rows[0].meet(step, miss);
            rows[1].meet(step, -miss);
        }
        elastic
    }
}

/// Bounds of the changes of an arc, which does not change its direction.
fn bounds(arc: &Arc, radius: f64) -> [[f64; 2]; UNKNOWNS] {
    let bend = [(-1.0 - arc.bend).max(-radius), (1.0 - arc.bend).min(radius)];
    let length = match arc.length < 0.0 {
        true => [-radius, (-arc.length).min(radius)],
        false => [(-arc.length).max(-radius), radius],
    };
    [bend, length]
}

/// Arcs after a change of their unknowns.
fn moved(arcs: &[Arc], step: &[f64]) -> Vec<Arc> {
    let steps = step.chunks_exact(UNKNOWNS);
    arcs.iter().zip(steps).map(|(arc, d)| Arc { bend: arc.bend + d[0], length: arc.length + d[1] }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::chain::tests::{TRAILER, TRAIN};
    use super::super::room::tests::{KEPT, problem};
    use super::*;
    use crate::problem::Problem;
    use crate::world::World;

    const SPEEDS: [f64; 2] = [0.5, 0.1];

    /// From where the train stands at first to so far ahead of it.
    fn straight(problem: &Problem, ahead: f64) -> Descent<'_> {
        let goal = CarTrailerState { place: [ahead, 0.0], ..CarTrailerState::default() };
        let around = Surroundings::new(problem, TRAILER, KEPT, ([0.0; 2], 3.0));
        Descent::new(TRAIN, [CarTrailerState::default(), goal], SPEEDS, around)
    }

    fn to_and_fro(ahead: f64, back: f64) -> Vec<Arc> {
        [ahead, ahead, -back, -back]
            .map(|length| Arc { bend: 0.0, length: 0.5 * length / TRAIN.hitch_length })
            .to_vec()
    }

    #[test]
    fn detours_vanish() {
        let free = Problem { world: World { obstacles: Vec::new() }, ..problem() };
        let driven = straight(&free, 1.0).run(to_and_fro(2.0, 1.0), &Stop::NEVER).unwrap();
        let lengths: f64 = driven.arcs.iter().map(|arc| arc.length.abs()).sum();
        assert!((lengths * TRAIN.hitch_length - 1.0).abs() < 0.02, "{driven:?}");
        let end = driven.legs[driven.legs.len() - 1].end().at;
        assert!((end.place[0] - 1.0).hypot(end.place[1]) < 1e-4 && end.hitch.abs() < 1e-4, "{end:?}");
    }

    #[test]
    fn what_does_not_arrive_is_none() {
        let free = Problem { world: World { obstacles: Vec::new() }, ..problem() };
        let due = Stop::after(std::time::Instant::now(), std::time::Duration::ZERO);
        assert!(straight(&free, 1.0).run(to_and_fro(2.0, 1.5), &due).is_none());
    }
}

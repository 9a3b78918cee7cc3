//! Arcs of constant steering that a car with a trailer drives one after the other, and how what comes after
//! depends on each. Imports `base` and `steer`.
//!
//! The car's own axle follows circles, whose chords have a closed form; the hitch angle follows
//! b' = curvature - sin(b) / hitch length by its path (see [`Car`]).

use crate::base::{Car, Trailer};
use crate::steer::PathState;

/// Steps of an arc in which the hitch angle is integrated: what is between them is looked at nowhere.
pub(super) const STEPS: usize = 6;

/// Half the turn along a chord below which it is as long as its arc, rad.
const STRAIGHT: f64 = 1e-4;

/// Unknowns of an arc.
pub(super) const UNKNOWNS: usize = 2;

/// An arc: its curvature as for driving ahead, as a share of the greatest, and its length, negative
/// backwards, as a share of the hitch length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arc {
    pub(super) bend: f64,
    pub(super) length: f64,
}

/// What drives the arcs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Train {
    /// From the hitch to the trailer's axle, metres.
    pub(super) hitch_length: f64,
    /// Greatest curvature of the car's path, 1/m.
    pub(super) sharpest: f64,
}

/// Where a train stands: the car's axle and heading, and the hitch angle, in metres and rad. Also a slope by
/// those.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CarTrailerState {
    pub(super) place: [f64; 2],
    pub(super) heading: f64,
    pub(super) hitch: f64,
}

impl CarTrailerState {
    /// That in which the trailer's axle is at a stance of a path.
    pub(super) fn of(stance: &PathState, hitch_length: f64) -> Self {
        let (sin, cos) = stance.heading.sin_cos();
        let hitch = (hitch_length * stance.curvature.unwrap_or(0.0)).atan();
        Self {
            place: [stance.place[0] + hitch_length * cos, stance.place[1] + hitch_length * sin],
            heading: stance.heading + hitch,
            hitch,
        }
    }

    /// The stance of the trailer's axle.
    pub(super) fn stance(&self, hitch_length: f64) -> PathState {
        let heading = self.heading - self.hitch;
        let (sin, cos) = heading.sin_cos();
        PathState {
            place: [self.place[0] - hitch_length * cos, self.place[1] - hitch_length * sin, 0.0],
            heading,
            curvature: Some(self.hitch.tan() / hitch_length),
            ..PathState::default()
        }
    }

    /// The slope of what depends on another standing, this, of which the place and the heading turn and move
    /// with those of `from`, and of which the hitch angle depends on that of `from` by `spread`.
    fn pulled_back(&self, at: &Self, from: &Self, spread: f64) -> Self {
        let [dx, dy] = [0, 1].map(|i| at.place[i] - from.place[i]);
        let [sx, sy] = self.place;
        Self { place: self.place, heading: self.heading + sy * dx - sx * dy, hitch: spread * self.hitch }
    }

    fn dot(&self, other: &Self) -> f64 {
        self.place[0] * other.place[0]
            + self.place[1] * other.place[1]
            + self.heading * other.heading
            + self.hitch * other.hitch
    }
}

/// An instant on an arc.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArcSample {
    pub(super) at: CarTrailerState,
    /// Length of the trailer's path since the arc began, metres; negative backwards.
    pub(super) way: f64,
    /// Derivatives by bend and length of the arc.
    slopes: [CarTrailerState; UNKNOWNS],
    /// Derivative of the hitch angle by that with which the arc begins.
    spread: f64,
}

/// An arc as it is driven.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    pub(super) from: CarTrailerState,
    /// After each step; the last is where the arc ends.
    pub(super) samples: [ArcSample; STEPS],
}

impl Leg {
    pub(super) fn end(&self) -> &ArcSample {
        &self.samples[STEPS - 1]
    }

    /// Where the train stands after so many steps.
    pub(super) fn at(&self, steps: usize) -> CarTrailerState {
        if steps == 0 { self.from } else { self.samples[steps - 1].at }
    }

    /// How far the trailer has gone by then, metres; negative backwards.
    pub(super) fn way(&self, steps: usize) -> f64 {
        if steps == 0 { 0.0 } else { self.samples[steps - 1].way }
    }
}

impl Train {
    /// A train whose steering keeps to this share of its greatest angle.
    pub(super) fn new(car: &Car, trailer: Trailer, share: f64) -> Self {
        Self { hitch_length: trailer.hitch_length, sharpest: (share * car.steering).tan() / car.wheelbase }
    }

    /// The arcs as they are driven from where the train stands.
    pub(super) fn drive(&self, mut from: CarTrailerState, arcs: &[Arc]) -> Vec<Leg> {
        let leg = |arc: &Arc| {
            let leg = self.leg(from, *arc);
            from = leg.end().at;
            leg
        };
        arcs.iter().map(leg).collect()
    }

    fn leg(&self, from: CarTrailerState, arc: Arc) -> Leg {
        let curvature = self.sharpest * arc.bend;
        let step = self.hitch_length * arc.length / STEPS as f64;
        let mut swing = Swing { hitch: from.hitch, spread: 1.0, bent: 0.0, way: 0.0 };
        let samples = std::array::from_fn(|i| {
            swing = swing.after(curvature, step, self.hitch_length);
            let share = (i + 1) as f64 / STEPS as f64;
            self.sample(&from, curvature, arc.length * share, share, &swing)
        });
        Leg { from, samples }
    }

    /// After `length`, a `share` of the arc's.
    fn sample(&self, from: &CarTrailerState, curvature: f64, length: f64, share: f64, swing: &Swing) -> ArcSample {
        let way = self.hitch_length * length;
        let half = 0.5 * curvature * way;
        // Of chord and arc, and its derivative by half the turn.
        let (ratio, slope) = match half.abs() < STRAIGHT {
            true => (1.0, -half / 3.0),
            false => (half.sin() / half, (half * half.cos() - half.sin()) / (half * half)),
        };
        let (sin, cos) = (from.heading + half).sin_cos();
        let chord = way * ratio;
        let heading = from.heading + 2.0 * half;
        let (ahead_sin, ahead_cos) = heading.sin_cos();
        // By the curvature: of the chord's length and of its direction.
        let [longer, aside] = [0.5 * way * way * slope, 0.5 * way * chord];
        let bent = CarTrailerState {
            place: [longer * cos - aside * sin, longer * sin + aside * cos],
            heading: way,
            hitch: swing.bent,
        };
        let stretched = CarTrailerState {
            place: [ahead_cos, ahead_sin],
            heading: curvature,
            hitch: curvature - swing.hitch.sin() / self.hitch_length,
        };
        let place = [from.place[0] + chord * cos, from.place[1] + chord * sin];
        ArcSample {
            at: CarTrailerState { place, heading, hitch: swing.hitch },
            way: swing.way,
            slopes: [bent.scaled(self.sharpest), stretched.scaled(share * self.hitch_length)],
            spread: swing.spread,
        }
    }
}

impl CarTrailerState {
    fn scaled(&self, by: f64) -> Self {
        Self { place: self.place.map(|x| by * x), heading: by * self.heading, hitch: by * self.hitch }
    }
}

/// The derivatives of what has this slope at a sample of a leg, by all unknowns of the legs up to it.
pub(super) fn form(legs: &[Leg], leg: usize, sample: &ArcSample, slope: CarTrailerState) -> Vec<f64> {
    let mut form = vec![0.0; UNKNOWNS * (leg + 1)];
    let (mut sample, mut slope) = (sample, slope);
    for i in (0..=leg).rev() {
        for (k, by) in sample.slopes.iter().enumerate() {
            form[UNKNOWNS * i + k] = slope.dot(by);
        }
        slope = slope.pulled_back(&sample.at, &legs[i].from, sample.spread);
        sample = match i {
            0 => break,
            _ => legs[i - 1].end(),
        };
    }
    form
}

/// The hitch angle on an arc, its derivatives by that at the beginning and by the curvature, and the length
/// of the trailer's path.
#[derive(Clone, Copy, Debug)]
struct Swing {
    hitch: f64,
    spread: f64,
    bent: f64,
    way: f64,
}

impl Swing {
    fn rates(&self, curvature: f64, hitch_length: f64) -> [f64; 4] {
        let (sin, cos) = self.hitch.sin_cos();
        let pull = cos / hitch_length;
        [curvature - sin / hitch_length, -pull * self.spread, 1.0 - pull * self.bent, cos]
    }

    fn moved(&self, by: f64, rates: [f64; 4]) -> Self {
        Self {
            hitch: self.hitch + by * rates[0],
            spread: self.spread + by * rates[1],
            bent: self.bent + by * rates[2],
            way: self.way + by * rates[3],
        }
    }

    /// After a step of the car, by the Runge-Kutta method of fourth order.
    fn after(&self, curvature: f64, step: f64, hitch_length: f64) -> Self {
        let rates = |swing: Self| swing.rates(curvature, hitch_length);
        let first = rates(*self);
        let second = rates(self.moved(0.5 * step, first));
        let third = rates(self.moved(0.5 * step, second));
        let fourth = rates(self.moved(step, third));
        let mean = |i: usize| (first[i] + 2.0 * (second[i] + third[i]) + fourth[i]) / 6.0;
        self.moved(step, [0, 1, 2, 3].map(mean))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::Base;
    use proptest::prelude::*;

    pub(in crate::refine::arcs) const TRAIN: Train = Train { hitch_length: 0.5, sharpest: 6.0 };
    pub(in crate::refine::arcs) const TRAILER: Trailer = Trailer { hitch_length: 0.5, angle: 0.8 };

    pub(in crate::refine::arcs) fn car() -> Car {
        Car {
            wheelbase: 0.25,
            speed: [-0.1, 0.5],
            steering: 1.0,
            steering_rate: f64::INFINITY,
            acceleration: f64::INFINITY,
            trailer: Some(TRAILER),
        }
    }

    fn arcs() -> impl Strategy<Value = Vec<Arc>> {
        let arc = (-1.0..1.0_f64, -0.6..0.6_f64).prop_map(|(bend, length)| Arc { bend, length });
        prop::collection::vec(arc, 1..6)
    }

    fn standing() -> impl Strategy<Value = CarTrailerState> {
        (prop::array::uniform2(-1.0..1.0), -3.0..3.0_f64, -0.7..0.7_f64)
            .prop_map(|(place, heading, hitch)| CarTrailerState { place, heading, hitch })
    }

    /// Of the car's equations of motion, in small steps.
    fn integrated(from: &CarTrailerState, arcs: &[Arc]) -> [f64; 4] {
        const FINE: usize = 400;
        let base = Base::Car(car());
        let mut state = [from.place[0], from.place[1], from.heading, from.heading - from.hitch];
        for arc in arcs {
            let control = [1.0, (0.25 * TRAIN.sharpest * arc.bend).atan()];
            let h = TRAIN.hitch_length * arc.length / FINE as f64;
            for _ in 0..FINE {
                let (mut rates, mut middle) = ([0.0; 4], state);
                base.dynamics(&state, &control, &mut rates);
                middle.iter_mut().zip(rates).for_each(|(x, rate)| *x += 0.5 * h * rate);
                base.dynamics(&middle, &control, &mut rates);
                state.iter_mut().zip(rates).for_each(|(x, rate)| *x += h * rate);
            }
        }
        [state[0], state[1], state[2], state[2] - state[3]]
    }

    fn values(at: &CarTrailerState) -> [f64; 4] {
        [at.place[0], at.place[1], at.heading, at.hitch]
    }

    proptest! {
        #[test]
        fn arcs_are_driven_by_the_equations_of_motion(from in standing(), arcs in arcs()) {
            let end = values(&TRAIN.drive(from, &arcs).last().unwrap().end().at);
            let wanted = integrated(&from, &arcs);
            let near = end.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-3);
            prop_assert!(near, "{end:?} {wanted:?}");
        }

        #[test]
        fn forms_are_difference_quotients(
            from in standing(), arcs in arcs(), step in 0..STEPS, slope in standing(),
        ) {
            const STEP: f64 = 1e-5;
            let legs = TRAIN.drive(from, &arcs);
            let last = arcs.len() - 1;
            let form = form(&legs, last, &legs[last].samples[step], slope);
            let value = |arcs: &[Arc]| TRAIN.drive(from, arcs)[last].samples[step].at.dot(&slope);
            for (j, slope) in form.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut arcs = arcs.clone();
                    let arc = &mut arcs[j / UNKNOWNS];
                    *if j % UNKNOWNS == 0 { &mut arc.bend } else { &mut arc.length } += by;
                    value(&arcs)
                };
                let quotient = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                prop_assert!((slope - quotient).abs() < 1e-4, "{j}: {slope} {quotient}");
            }
        }

        #[test]
        fn stances_are_those_of_the_trailer(at in standing()) {
            let stance = at.stance(TRAIN.hitch_length);
            let near = values(&CarTrailerState::of(&stance, TRAIN.hitch_length)).iter().zip(values(&at)).all(|(a, b)| (a - b).abs() < 1e-12);
            prop_assert!(near);
        }
    }
}

//! Maps against equations of motion: what one says, integrated by the other.

use super::kind::wrapped;
use super::*;
use crate::trajectory::Trajectory;
use glam::DVec3;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{PI, TAU};

/// Steps of a rollout over one second; RK4's error is of the fourth power of their length.
const STEPS: usize = 2000;
const ROLLOUT: f64 = 1e-6;

fn point(dimensions: usize) -> Base {
    Base::Point(Point { dimensions, velocity: 0.5, acceleration: 2.0 })
}

pub(crate) fn drive(second_order: bool) -> Base {
    let acceleration = second_order.then_some(DriveAcceleration { linear: 0.25, angular: 0.25 });
    Base::DifferentialDrive(DifferentialDrive { speed: [-0.5, 0.5], turn_rate: [-0.5, 0.5], acceleration })
}

pub(crate) fn car(has_trailer: bool) -> Base {
    Base::Car(Car {
        wheelbase: 0.25,
        speed: [-0.1, 0.5],
        steering: 1.05,
        steering_rate: f64::INFINITY,
        acceleration: f64::INFINITY,
        trailer: has_trailer.then_some(Trailer { hitch_length: 0.5, angle: 0.785 }),
    })
}

pub(crate) fn airplane() -> Base {
    Base::Airplane(Airplane {
        speed: [0.0, 0.3],
        acceleration: 0.3,
        yaw_rate: 0.785,
        pitch_rate: 0.785,
        pitch: 1.05,
    })
}

pub(crate) fn planar_quadrotor() -> Base {
    Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: 0.034,
        inertia: 1e-4,
        arm: 0.1,
        rotor: 1.3,
        velocity: 4.0,
        body_rate: 8.0,
        gravity: GRAVITY,
    })
}

fn quadrotor(actuation: Actuation, velocity_axes: VelocityAxes) -> Base {
    let inertia = DVec3::new(16.571_710e-6, 16.655_602e-6, 29.261_652e-6);
    let gravity = GRAVITY;
    Base::Quadrotor(Quadrotor {
        mass: 0.034,
        inertia,
        actuation,
        velocity: 4.0,
        body_rate: 8.0,
        velocity_axes,
        gravity,
    })
}

pub(crate) fn rotors() -> Base {
    let actuation = Actuation::Rotors { arm: 0.046, torque_by_thrust: 0.006, most: 1.3 };
    quadrotor(actuation, VelocityAxes::World)
}

pub(crate) fn wrench() -> Base {
    let actuation =
        Actuation::Wrench { unit: [0.3, 2.0, 20.0, 1.0], lower: [0.0, -2.0, -2.0, -2.0], upper: [2.0; 4] };
    quadrotor(actuation, VelocityAxes::Body)
}

pub(crate) fn omnidirectional(has_wheels: bool) -> Base {
    let wheels = MecanumWheels { radius: 0.05, half_length: 0.2, half_width: 0.15, rate: 14.0 };
    Base::Omnidirectional(Omnidirectional {
        velocity: [0.6, 0.4, 1.2],
        acceleration: [0.8, 0.6, 2.0],
        wheels: has_wheels.then_some(wheels),
    })
}

pub(crate) fn all() -> Vec<Base> {
    vec![
        point(1),
        point(2),
        point(3),
        drive(false),
        drive(true),
        car(false),
        car(true),
        airplane(),
        planar_quadrotor(),
        rotors(),
        wrench(),
        planar_quadrotor().with_gravity(3.71),
        rotors().with_gravity(1.62),
        omnidirectional(false),
        omnidirectional(true),
    ]
}

/// A polynomial of degree seven over one second for every output, regular for `base`: what goes where
/// it points moves throughout, thrusts stay away from zero and from the direction of yaw.
pub(crate) fn smooth(base: &Base, rng: &mut Pcg64Mcg) -> Trajectory {
    let mut trajectory = Trajectory::new(base.outputs().len(), 7);
    // Accelerations below that of free fall for what flies, gentle bends for what drives.
    let size = base.gravity().map_or(0.02, |gravity| 0.08 * gravity / GRAVITY);
    let mut polynomials: Vec<Vec<f64>> = (0..base.outputs().len())
        .map(|_| (0..8).map(|_| size * rng.random_range(-1.0..1.0)).collect())
        .collect();
    if base.kind().course() > 0 {
        let heading = rng.random_range(-PI..PI);
        (polynomials[0][1], polynomials[1][1]) = (heading.cos(), heading.sin());
        if base.kind().course() == 2 {
            // A guide within a quarter turn of the direction of motion, or of its opposite.
            let half_turn = if rng.random_bool(0.5) { PI } else { 0.0 };
            polynomials[2][0] = heading + half_turn + TAU * f64::from(rng.random_range(-1..2));
        }
    }
    trajectory.push(1.0, &polynomials.concat());
    trajectory
}

/// A path in `s` driven by s = 3t^2 - 2t^3: at rest at both ends.
pub(crate) fn from_rest_to_rest(rng: &mut Pcg64Mcg, path_degree: usize, guide: Option<f64>) -> Trajectory {
    let law = [0.0, 0.0, 3.0, -2.0];
    let times = |a: &[f64], b: &[f64]| {
        let mut product = vec![0.0; a.len() + b.len() - 1];
        a.iter()
            .enumerate()
            .for_each(|(i, x)| b.iter().enumerate().for_each(|(j, y)| product[i + j] += x * y));
        product
    };
    let degree = 3 * path_degree;
    let heading: f64 = rng.random_range(-PI..PI);
    let mut of_time = |first: f64| {
        let mut sum = vec![0.0; degree + 1];
        let mut power = vec![1.0];
        for k in 0..=path_degree {
            let c = if k == 1 { first } else { rng.random_range(-0.1..0.1) };
            power.iter().zip(&mut sum).for_each(|(p, s)| *s += c * p);
            power = times(&power, &law);
        }
        sum
    };
    let mut coefficients = vec![of_time(heading.cos()), of_time(heading.sin())];
    match guide {
        Some(offset) => {
            let mut guide = vec![0.0; degree + 1];
            guide[0] = heading + offset;
            coefficients.push(guide);
        }
        None => coefficients.push(of_time(0.3)),
    }
    let mut trajectory = Trajectory::new(3, degree);
    trajectory.push(1.0, &coefficients.concat());
    trajectory
}

fn rk4(base: &Base, state: &mut [f64], controls: [&[f64]; 3], h: f64) {
    let rate = |state: &[f64], control: &[f64]| {
        let mut rates = vec![0.0; state.len()];
        base.dynamics(state, control, &mut rates);
        rates
    };
    let moved =
        |rates: &[f64], h: f64| -> Vec<f64> { state.iter().zip(rates).map(|(x, r)| x + h * r).collect() };
    let a = rate(state, controls[0]);
    let b = rate(&moved(&a, 0.5 * h), controls[1]);
    let c = rate(&moved(&b, 0.5 * h), controls[1]);
    let d = rate(&moved(&c, h), controls[2]);
    for i in 0..state.len() {
        state[i] += h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]);
    }
}

/// Greatest difference between states, angles taken around the circle and quaternions by their sign.
fn distance(base: &Base, a: &[f64], b: &[f64]) -> f64 {
    let names = base.state_names();
    let sign = names.iter().position(|&n| n == "qx").map_or(1.0, |q| {
        let dot: f64 = (q..q + 4).map(|i| a[i] * b[i]).sum();
        dot.signum()
    });
    let one = |(i, name): (usize, &&str)| match *name {
        "theta" | "theta0" | "theta1" | "yaw" | "pitch" | "phi" | "psi" => wrapped(a[i] - b[i]).abs(),
        "qx" | "qy" | "qz" | "qw" => (a[i] - sign * b[i]).abs(),
        _ => (a[i] - b[i]).abs(),
    };
    names.iter().enumerate().map(one).fold(0.0, f64::max)
}

/// Integrates the controls that the map gives from the first state, and gives the farthest that the
/// states of the map are ever from it.
fn rollout(base: &Base, trajectory: &Trajectory) -> f64 {
    let segment = trajectory.segment(0);
    let sample = |t: f64| {
        base.unflatten(&base.flat(&segment, t)).unwrap_or_else(|e| panic!("{}: {e} at {t}", base.name()))
    };
    let h = segment.duration / STEPS as f64;
    let mut now = sample(0.0);
    let mut state = now.state.clone();
    let mut worst = 0.0_f64;
    for step in 0..STEPS {
        let (middle, next) =
            (sample(h * (step as f64 + 0.5)), sample((h * (step + 1) as f64).min(segment.duration)));
        rk4(base, &mut state, [&now.control, &middle.control, &next.control], h);
        worst = worst.max(distance(base, &state, &next.state));
        now = next;
    }
    worst
}

/// How many derivatives of each output state and control determine.
fn determined(base: &Base) -> usize {
    match base {
        Base::Point(_) | Base::Airplane(_) | Base::Omnidirectional(_) => 3,
        Base::DifferentialDrive(d) if d.acceleration.is_some() => 3,
        Base::DifferentialDrive(_) | Base::Car(_) => 2,
        Base::PlanarQuadrotor(_) | Base::Quadrotor(_) => 5,
    }
}

/// Derivatives of the thrust along derivatives of a quadrotor's outputs.
fn thrust_rates(base: &Base, flat: &Flat) -> [f64; 2] {
    let (mass, up, axes) = match base {
        Base::PlanarQuadrotor(q) => (q.mass, 1, 2),
        Base::Quadrotor(q) => (q.mass, 2, 3),
        _ => return [0.0; 2],
    };
    let axis = |i: usize| {
        let lift = if i == up { base.gravity().unwrap_or_default() } else { 0.0 };
        flat.jet(i, 2) + Jet::constant(lift)
    };
    let square = (0..axes).map(|i| axis(i) * axis(i)).fold(Jet::default(), |a, b| a + b);
    let thrust = mass * square.sqrt();
    [thrust.0[1], thrust.0[2]]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The controls, integrated through the equations of motion, lead along the states.
    #[test]
    fn controls_integrate_to_states(seed in any::<u64>()) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for base in all() {
            let worst = rollout(&base, &smooth(&base, &mut rng));
            prop_assert!(worst < ROLLOUT, "{base:?}: {worst}");
        }
    }

    /// So they do from rest to rest, ahead and back, where 0/0 would stand at both ends.
    #[test]
    fn controls_integrate_to_states_from_rest_to_rest(seed in any::<u64>(), is_back in any::<bool>()) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let offset = if is_back { PI } else { 0.0 };
        for base in [drive(false), drive(true), car(false), car(true)] {
            let trajectory = from_rest_to_rest(&mut rng, 3, Some(offset));
            let worst = rollout(&base, &trajectory);
            prop_assert!(worst < ROLLOUT, "{base:?}: {worst}");
            let first = base.unflatten(&base.flat(&trajectory.segment(0), 0.0)).unwrap();
            let speed = first.limits.iter().find(|l| l.name == "speed").unwrap().value;
            prop_assert!(speed == 0.0);
            let late = base.unflatten(&base.flat(&trajectory.segment(0), 0.5)).unwrap();
            let speed = late.limits.iter().find(|l| l.name == "speed").unwrap().value;
            prop_assert_eq!(speed < 0.0, is_back);
        }
        let trajectory = from_rest_to_rest(&mut rng, 3, None);
        let worst = rollout(&airplane(), &trajectory);
        prop_assert!(worst < ROLLOUT, "airplane: {worst}");
    }

    /// Flattening what was unflattened gives the derivatives back, as far as a state and control know
    /// them, and unflattening those the same state and control.
    #[test]
    fn flatten_undoes_unflatten(seed in any::<u64>(), t in 0.0..1.0) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for base in all() {
            let trajectory = smooth(&base, &mut rng);
            let flat = base.flat(&trajectory.segment(0), t);
            let sample = base.unflatten(&flat).unwrap();
            let again = base.flatten(&sample.state, &sample.control, thrust_rates(&base, &flat)).unwrap();
            for order in 0..determined(&base) {
                for (i, &output) in base.outputs().iter().enumerate() {
                    let (was, is) = (flat.derivatives[order][i], again.derivatives[order][i]);
                    // The guide comes back as the heading itself, which it need not have followed; of yaw no
                    // more than two derivatives matter.
                    let is_open = output == "guide" || output == "yaw" && order > 2;
                    let error = if is_open { 0.0 } else { (was - is).abs() };
                    let error = if output == "yaw" && order == 0 { wrapped(error) } else { error };
                    prop_assert!(error < 1e-7 * was.abs().max(1.0), "{base:?} {order} of {output}: {was} {is}");
                }
            }
            let repeated = base.unflatten(&again).unwrap();
            prop_assert!(distance(&base, &sample.state, &repeated.state) < 1e-9, "{base:?}");
            for (a, b) in sample.control.iter().zip(&repeated.control) {
                prop_assert!((a - b).abs() < 1e-6 * a.abs().max(1.0), "{base:?}: {a} {b}");
            }
        }
    }

    /// States at rest have outputs too: unflattening them gives the state back, ahead and back, with any
    /// steering and hitch angle.
    #[test]
    fn states_at_rest_come_back(
        x in -1.0..1.0, y in -1.0..1.0, theta in -3.0..3.0, hitch in -1.0..1.0, phi in -1.0..1.0,
        v in prop_oneof![Just(0.0), Just(-0.2), 0.1..0.5],
    ) {
        for (base, state) in [(car(false), vec![x, y, theta]), (car(true), vec![x, y, theta + hitch, theta])] {
            let sample = base.unflatten(&base.flatten(&state, &[v, phi], [0.0; 2]).unwrap()).unwrap();
            prop_assert!(distance(&base, &sample.state, &state) < 1e-12, "{sample:?}");
            prop_assert!((sample.control[0] - v).abs() < 1e-12 && (sample.control[1] - phi).abs() < 1e-12, "{sample:?}");
        }
        for control in [[0.1, 0.0], [-0.1, 0.05], [0.0, 0.2]] {
            let state = [x, y, theta, 0.0, hitch];
            let base = drive(true);
            let sample = base.unflatten(&base.flatten(&state, &control, [0.0; 2]).unwrap()).unwrap();
            prop_assert!(distance(&base, &sample.state, &state) < 1e-12, "{sample:?}");
            prop_assert!((sample.control[0] - control[0]).abs() < 1e-12);
            prop_assert!((sample.control[1] - control[1]).abs() < 1e-12);
        }
    }
}

/// What the map gives over an interval holds what it gives at its instants, and at the middle is the same.
/// Returns whether anything was known of it at all.
fn enclosed(base: &Base, trajectory: &Trajectory, middle: f64, half: f64) -> bool {
    let segment = trajectory.segment(0);
    let stretch = base.stretch(&segment);
    let mut over = Moved::default();
    if base.map(&stretch.flat::<Enclosure>(&segment, middle, half), &mut over).is_err() {
        return false;
    }
    let mut at = Moved::default();
    for k in -20..=20 {
        let t = middle + half * f64::from(k) / 20.0;
        base.map(&stretch.flat::<f64>(&segment, t, 0.0), &mut at).unwrap_or_else(|e| panic!("{base:?}: {e}"));
        assert_eq!((over.coordinates.len(), over.limits.len()), (at.coordinates.len(), at.limits.len()));
        let holds = |what: &str, over: &Jet<Enclosure>, at: &Jet, orders: usize| {
            for order in 0..orders {
                let (over, at) = (over.0[order], at.0[order]);
                // A coordinate that turns may come out a whole turn away.
                let astray = if order == 0 { wrapped(at - over.middle) } else { at - over.middle };
                let slack = 1e-7 * (1.0 + at.abs());
                assert!(at.is_finite(), "{what} {order} of {base:?}");
                assert!(
                    over.radius.is_nan() || astray.abs() <= over.radius + slack,
                    "{what} {order} at {t} ({middle} +- {half}): {at} not in {over:?}: {base:?}"
                );
                assert!(k != 0 || astray.abs() <= slack, "{what} {order}: {at} {over:?}");
            }
        };
        over.coordinates.iter().zip(&at.coordinates).for_each(|(o, a)| holds("coordinate", o, a, 3));
        over.limits.iter().zip(&at.limits).for_each(|(o, a)| holds(a.name, &o.value, &a.value, 2));
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over intervals in motion, short ones of which something is always known.
    #[test]
    fn enclosures_hold_the_motion(seed in any::<u64>(), t in 0.0..1.0, reach in 0.0..0.5_f64) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for base in all() {
            let trajectory = smooth(&base, &mut rng);
            for half in [0.5 * reach * reach, 1e-3] {
                let middle = half + t * (1.0 - 2.0 * half);
                let known = enclosed(&base, &trajectory, middle, half);
                prop_assert!(known || half > 1e-3, "{base:?}");
            }
        }
    }

    /// Over intervals that begin or end at rest, too.
    #[test]
    fn enclosures_hold_the_motion_at_rest(
        seed in any::<u64>(), t in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0], reach in 0.0..0.5_f64,
        is_back in any::<bool>(),
    ) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let offset = if is_back { PI } else { 0.0 };
        let bases = [drive(false), drive(true), car(false), car(true), airplane()];
        for base in bases {
            let guide = (!matches!(base, Base::Airplane(_))).then_some(offset);
            let trajectory = from_rest_to_rest(&mut rng, 3, guide);
            for half in [0.5 * reach * reach, 1e-4] {
                let middle = half + t * (1.0 - 2.0 * half);
                let known = enclosed(&base, &trajectory, middle, half);
                prop_assert!(known || half > 1e-4, "{base:?}");
            }
        }
    }

    /// Coordinates of a state are those of its outputs, and their rates those that the equations of motion
    /// give where the state tells them.
    #[test]
    fn configurations_are_those_of_the_outputs(seed in any::<u64>(), t in 0.0..1.0) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for base in all() {
            let trajectory = smooth(&base, &mut rng);
            let sample = base.unflatten(&base.flat(&trajectory.segment(0), t)).unwrap();
            let flat = base.flatten(&sample.state, &sample.control, [0.0; 2]).unwrap();
            let again = base.unflatten(&flat).unwrap();
            let [coordinates, rates] = base.configuration(&sample.state).unwrap();
            prop_assert_eq!((coordinates.len(), rates.len()), (sample.coordinates.len(), coordinates.len()));
            for (coordinate, (a, b)) in base.coordinates().iter().zip(coordinates.iter().zip(&again.coordinates)) {
                let apart = if coordinate.turns { wrapped(a - b) } else { a - b };
                prop_assert!(apart.abs() < 1e-9, "{base:?}: {} {a} {b}", coordinate.name);
            }
            // A state a moment later, by the equations of motion.
            let moment = 1e-6;
            let mut slope = vec![0.0; sample.state.len()];
            base.dynamics(&sample.state, &sample.control, &mut slope);
            let moved = |h: f64| {
                let state: Vec<f64> = sample.state.iter().zip(&slope).map(|(x, s)| x + h * s).collect();
                base.configuration(&state).unwrap()[0].clone()
            };
            let (before, after) = (moved(-moment), moved(moment));
            let moving: Vec<f64> =
                before.iter().zip(&after).map(|(b, a)| wrapped(a - b) / (2.0 * moment)).collect();
            // Where it hardly moves, differences do not tell how its wheels are turned.
            let controls = base.controls_under_way(&coordinates, &moving);
            if let Some(controls) = controls.filter(|[speed, _]| speed.abs() > 0.05) {
                let near = controls.iter().zip(&sample.control).all(|(a, b)| (a - b).abs() < 1e-4);
                prop_assert!(near, "{base:?}: {controls:?} {:?}", sample.control);
                prop_assert!(base.slip(&coordinates, &moving) < 1e-5);
            }
            for i in 0..coordinates.len() {
                let rate = wrapped(after[i] - before[i]) / (2.0 * moment);
                let told = i < base.told_rates();
                let wanted = if told { rate } else { 0.0 };
                prop_assert!((rates[i] - wanted).abs() < 1e-6 * (1.0 + rate.abs()), "{base:?}: {i}: {} {rate}", rates[i]);
            }
        }
    }
}

#[test]
fn hovering_takes_one_unit_of_each_rotor() {
    let hover = Flat::default();
    for gravity in [1.62, 24.8] {
        for base in [planar_quadrotor(), rotors()].map(|base| base.with_gravity(gravity)) {
            let control = base.unflatten(&hover).unwrap().control;
            assert!(control.iter().all(|f| (f - 1.0).abs() < 1e-12), "{base:?}: {control:?}");
        }
    }
    let planar = planar_quadrotor().unflatten(&hover).unwrap();
    assert!(planar.control.iter().all(|f| (f - 1.0).abs() < 1e-12), "{planar:?}");
    let spatial = rotors().unflatten(&hover).unwrap();
    assert!(spatial.control.iter().all(|f| (f - 1.0).abs() < 1e-12), "{spatial:?}");
    assert_eq!(spatial.state[3..7], [0.0, 0.0, 0.0, 1.0]);
    assert!(spatial.limits.iter().all(|l| l.excess() < 0.0), "{spatial:?}");
}

#[test]
fn upside_down_is_regular_and_no_thrust_is_not() {
    // dynobench's recovery start: rolled by 175 degrees, at rest.
    let mut state = [0.0, 0.0, 1.0, -0.999_048_2, 0.0, 0.0, 0.043_619_4, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let quadrotor = rotors();
    let flat = quadrotor.flatten(&state, &[0.5; 4], [0.0; 2]).unwrap();
    assert!(flat.derivatives[2][2] < -GRAVITY, "thrust that points down accelerates more than falling");
    let sample = quadrotor.unflatten(&flat).unwrap();
    assert!(distance(&quadrotor, &sample.state, &state) < 1e-7, "{sample:?}");
    assert_eq!(quadrotor.flatten(&state, &[0.0; 4], [0.0; 2]), Err(Singular::Thrust));
    let planar = planar_quadrotor().flatten(&[0.0, 1.0, PI, 0.0, 0.0, 0.0], &[0.3, 0.3], [0.0; 2]).unwrap();
    assert!((planar_quadrotor().unflatten(&planar).unwrap().coordinates[2].abs() - PI).abs() < 1e-12);

    let mut falling = Flat::default();
    falling.derivatives[2][2] = -GRAVITY;
    assert_eq!(quadrotor.unflatten(&falling), Err(Singular::Thrust));
    falling.derivatives[2][0] = 1.0;
    assert_eq!(quadrotor.unflatten(&falling), Err(Singular::ThrustAlongYaw));
    falling.derivatives[0][3] = 1.0;
    assert!(quadrotor.unflatten(&falling).is_ok());
    let quarter = std::f64::consts::FRAC_1_SQRT_2;
    state[3..7].copy_from_slice(&[quarter, 0.0, 0.0, quarter]);
    assert_eq!(quadrotor.flatten(&state, &[0.5; 4], [0.0; 2]), Err(Singular::RolledAcross));
}

#[test]
fn standing_tells_nothing_of_what_hangs_behind() {
    let mut turning = Flat::default();
    turning.derivatives[0][2] = 0.3;
    turning.derivatives[1][2] = 0.2;
    let turned = drive(false).unflatten(&turning).unwrap();
    assert_eq!((turned.state, turned.control), (vec![0.0, 0.0, 0.3], vec![0.0, 0.2]));
    assert_eq!(car(false).unflatten(&turning), Err(Singular::TurnOnTheSpot));
    assert_eq!(car(true).unflatten(&Flat::default()), Err(Singular::CarTrailerState));
    assert_eq!(airplane().unflatten(&Flat::default()), Err(Singular::CarTrailerState));
    let climbing = airplane().flat_from([[0.0; 4], [0.0, 0.0, 1.0, 0.0], [0.0; 4], [0.0; 4], [0.0; 4]]);
    assert_eq!(airplane().unflatten(&climbing), Err(Singular::Vertical));
    assert_eq!(car(true).flatten(&[0.0, 0.0, 2.0, 0.0], &[0.1, 0.0], [0.0; 2]), Err(Singular::Jackknife));
    // t^2 ahead and t^3 to the left: a path whose curvature at its start is infinite.
    let mut kinked = Trajectory::new(3, 3);
    kinked.push(1.0, &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let at = |base: Base, t| base.unflatten(&base.flat(&kinked.segment(0), t));
    assert_eq!(at(car(false), 0.0), Err(Singular::Curvature));
    assert!(at(car(false), 0.1).is_ok() && at(car(true), 0.1).is_ok());
    // A unicycle has no curvature to lose: it turns as it drives off.
    let off = at(drive(true), 0.0).unwrap();
    assert!((off.state[4] - 1.5).abs() < 1e-12 && (off.control[0] - 2.0).abs() < 1e-12, "{off:?}");
}

#[test]
fn limits_tell_what_is_broken() {
    let fast =
        point(2).flat_from([[0.0; 4], [0.6, -0.1, 0.0, 0.0], [0.0, -2.5, 0.0, 0.0], [0.0; 4], [0.0; 4]]);
    let broken: Vec<String> = point(2)
        .unflatten(&fast)
        .unwrap()
        .limits
        .iter()
        .filter(|l| l.excess() > 0.0)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        broken,
        [
            "speed along an axis: 0.600000, allowed -0.5 to 0.5",
            "acceleration along an axis: -2.500000, allowed -2 to 2"
        ]
    );
    // A circle of radius 0.1 asks more of a wheelbase of 0.25 than its steering gives; back is slower.
    let circle = |v: f64| {
        let flat = car(false).flatten(&[0.0, 0.0, 0.0], &[v, (0.25_f64 / 0.1).atan()], [0.0; 2]).unwrap();
        let limits = car(false).unflatten(&flat).unwrap().limits;
        limits.into_iter().filter(|l| l.excess() > 1e-9).map(|l| l.name).collect::<Vec<_>>()
    };
    assert_eq!(circle(0.5), ["steering angle"]);
    assert_eq!(circle(-0.2), ["speed", "steering angle"]);
}

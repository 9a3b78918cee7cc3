//! Connections against the published example, numerical integration, and brute force.

use super::*;
use proptest::prelude::*;

/// A chain of integrators for each of some controls, of these lengths, with weights of the controls: positions first.
fn chains(lengths: &[usize], weights: &[f64], constant: f64) -> LinearSystem {
    let n = lengths.iter().sum();
    let (mut a, mut b) = (vec![vec![0.0; n]; n], vec![vec![0.0; lengths.len()]; n]);
    let mut first = 0;
    for (j, &length) in lengths.iter().enumerate() {
        (first..first + length - 1).for_each(|i| a[i][i + 1] = 1.0);
        first += length;
        b[first - 1][j] = 1.0;
    }
    let r: Vec<Vec<f64>> = (0..lengths.len())
        .map(|i| (0..lengths.len()).map(|j| if i == j { weights[i] } else { 0.0 }).collect())
        .collect();
    LinearSystem::new(&a, &b, &vec![constant; n], &r).unwrap()
}

/// An oscillator that is damped, pushed on one of two masses.
fn oscillator() -> LinearSystem {
    let a = [
        vec![0.0, 1.0, 0.0, 0.0],
        vec![-2.0, -0.1, 2.0, 0.0],
        vec![0.0, 0.0, 0.0, 1.0],
        vec![2.0, 0.0, -2.5, -0.2],
    ];
    LinearSystem::new(&a, &[vec![0.0], vec![1.0], vec![0.0], vec![0.0]], &[0.0, 0.1, 0.0, -0.2], &[vec![0.5]]).unwrap()
}

/// A car linearised where it is (Webb and van den Berg, section VI): x, y, heading, speed, curvature; nilpotent, but a
/// state is one integration from a control on one way and two on another.
fn car() -> LinearSystem {
    let ([sin, cos], [v, k]) = ([0.5_f64.sin(), 0.5_f64.cos()], [3.0, 0.1]);
    let a = [
        vec![0.0, 0.0, -v * sin, cos, 0.0],
        vec![0.0, 0.0, v * cos, sin, 0.0],
        vec![0.0, 0.0, 0.0, k, v],
        vec![0.0; 5],
        vec![0.0; 5],
    ];
    let b = [vec![0.0; 2], vec![0.0; 2], vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]];
    let c = [0.5 * v * sin, -0.5 * v * cos, -k * v, 0.0, 0.0];
    LinearSystem::new(&a, &b, &c, &[vec![1.0, 0.0], vec![0.0, 20.0]]).unwrap()
}

fn systems() -> Vec<LinearSystem> {
    vec![
        chains(&[2], &[1.0], 0.0),
        chains(&[2, 2], &[0.25, 4.0], 0.0),
        chains(&[2, 4, 4], &[0.25, 0.5, 0.5], 0.0),
        chains(&[3, 1], &[1.0, 2.0], 0.3),
        oscillator(),
        car(),
    ]
}

#[test]
fn graded_systems_are_those_of_integrators() {
    let graded: Vec<bool> = systems().iter().map(|s| matches!(s.dynamics.best, BestDuration::Graded(_))).collect();
    assert_eq!(graded, [true, true, true, true, false, false]);
    let nilpotent: Vec<bool> = systems().iter().map(LinearSystem::is_nilpotent).collect();
    assert_eq!(nilpotent, [true, true, true, true, false, true]);
}

/// Webb and van den Berg, figure 2.
#[test]
fn the_published_example_takes_its_published_time() {
    let [cost, duration] = chains(&[2], &[1.0], 0.0).cheapest(&[0.0; 2], &[1.0; 2], f64::INFINITY).unwrap();
    assert!((duration - (7.0_f64.sqrt() - 1.0)).abs() < 1e-12, "{duration}");
    // t + 4/t - 12/t^2 + 12/t^3 by hand.
    let t = duration;
    assert!((cost - (t + 4.0 / t - 12.0 / t.powi(2) + 12.0 / t.powi(3))).abs() < 1e-12, "{cost}");
}

/// A matrix that changes by a differential equation, over a time, by Runge and Kutta's method.
fn integrated(start: Matrix, slope: impl Fn(&Matrix) -> Matrix, time: f64) -> Matrix {
    let steps = 2000;
    let h = time / f64::from(steps);
    (0..steps).fold(start, |m, _| {
        let k1 = slope(&m);
        let k2 = slope(&m.plus(&k1, h / 2.0));
        let k3 = slope(&m.plus(&k2, h / 2.0));
        let k4 = slope(&m.plus(&k3, h));
        m.plus(&k1, h / 6.0).plus(&k2, h / 3.0).plus(&k3, h / 3.0).plus(&k4, h / 6.0)
    })
}

fn column(values: &[f64]) -> Matrix {
    Matrix::of_rows(&values.iter().map(|v| vec![*v]).collect::<Vec<_>>())
}

#[test]
fn moments_solve_their_differential_equations() {
    for (number, system) in systems().into_iter().enumerate() {
        let (a, q, c, n) = (&system.a, system.dynamics.moments.q(), column(&system.c), system.states());
        for time in [0.03, 1.7, 6.0] {
            let gramian = |g: &Matrix| {
                let left = a.times(g);
                left.plus(&left.transposed(), 1.0).plus(q, 1.0)
            };
            let gramian = integrated(Matrix::zeros(n, n), gramian, time);
            let transition = integrated(Matrix::identity(n), |e| a.times(e), time);
            let drift = integrated(Matrix::zeros(n, 1), |d| a.times(d).plus(&c, 1.0), time);
            let moment = system.dynamics.moments.at(time);
            let ours = [moment.gramian, moment.transition, column(&moment.drift)];
            for (ours, theirs) in ours.iter().zip([gramian, transition, drift]) {
                let off = ours.plus(&theirs, -1.0).norm();
                assert!(off < 1e-9 * (1.0 + theirs.norm()), "system {number} in {time}: off by {off}");
            }
        }
    }
}

/// The cost of a motion by itself: time, and the effort of its controls by Simpson's rule.
fn cost_of(system: &LinearSystem, r: &Matrix, connection: &Connection) -> f64 {
    let intervals = 400;
    let effort = |k: usize| {
        let [_, u] = system.at(connection, connection.duration * k as f64 / intervals as f64);
        matrix::dot(&u, &r.apply(&u))
    };
    let weight = |k: usize| if k == 0 || k == intervals { 1.0 } else if k % 2 == 1 { 4.0 } else { 2.0 };
    let sum: f64 = (0..=intervals).map(|k| weight(k) * effort(k)).sum();
    connection.duration * (1.0 + sum / (3 * intervals) as f64)
}

/// R of a system: B' = R (R^-1 B') has one solution, as controls differ in what they do.
fn weights(system: &LinearSystem) -> Matrix {
    let gains = system.dynamics.gain.times(&system.dynamics.gain.transposed());
    system.b.transposed().times(&system.dynamics.gain.transposed()).times(&Factor::of(&gains).unwrap().inverse())
}

fn states() -> impl Strategy<Value = (usize, Vec<f64>, Vec<f64>)> {
    (0..systems().len(), prop::collection::vec(-2.0..2.0_f64, MAX_STATES), prop::collection::vec(-2.0..2.0_f64, MAX_STATES))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Motions begin and end where they should, follow the equations of motion, and cost what is said.
    #[test]
    fn connections_are_motions_of_the_system((number, from, to) in states()) {
        let system = &systems()[number];
        let (from, to) = (&from[..system.states()], &to[..system.states()]);
        let connection = system.connect(from, to, f64::INFINITY).unwrap();
        let time = connection.duration;
        let size = 1.0 + system.at(&connection, 0.5 * time).concat().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (t, wanted) in [(0.0, from), (time, to)] {
            for (x, wanted) in system.at(&connection, t)[0].iter().zip(wanted) {
                prop_assert!((x - wanted).abs() < 1e-6 * size, "system {number} at {t}: {x} for {wanted}");
            }
        }
        let trajectory = system.motion(&connection);
        prop_assert!((trajectory.duration() - time).abs() < 1e-9 * time);
        let mut values = [vec![0.0; trajectory.dof()], vec![0.0; trajectory.dof()]];
        for k in 0..=20 {
            let t = time * f64::from(k) / 20.0;
            for (order, values) in values.iter_mut().enumerate() {
                trajectory.evaluate(t, order, values);
            }
            let (state, control) = values[0].split_at(system.states());
            let (x, u) = (&system.at(&connection, t)[0], &system.at(&connection, t)[1]);
            for (ours, theirs) in state.iter().chain(control).zip(x.iter().chain(u)) {
                prop_assert!((ours - theirs).abs() < 1e-7 * size.max(theirs.abs()), "system {number} at {t}: {ours} {theirs}");
            }
            for (rate, wanted) in values[1].iter().zip(system.rates(state, control)) {
                prop_assert!((rate - wanted).abs() < 1e-6 * size.max(wanted.abs()), "system {number} at {t}: {rate} {wanted}");
            }
        }
        let cost = cost_of(system, &weights(system), &connection);
        prop_assert!((cost - connection.cost).abs() < 1e-5 * cost, "system {number}: {cost} said {}", connection.cost);
    }

    /// No duration of many is cheaper than the best, which costs more than it takes; and nothing is found below its cost.
    #[test]
    fn the_best_duration_is_the_best((number, from, to) in states()) {
        let system = &systems()[number];
        let (from, to) = (&from[..system.states()], &to[..system.states()]);
        let [cost, duration] = system.cheapest(from, to, f64::INFINITY).unwrap();
        prop_assert!(cost > duration);
        let [there, slope] = system.dynamics.moments.cost_in(duration, from, to).unwrap();
        prop_assert!((there - cost).abs() < 1e-7 * cost && slope.abs() * duration < 1e-4 * cost, "{there} {cost} {slope}");
        for k in 0..400 {
            let t = cost * 1.02_f64.powi(-k);
            if let Some([other, _]) = system.dynamics.moments.cost_in(t, from, to) {
                prop_assert!(other > cost * (1.0 - 1e-6), "system {number}: {other} in {t}, {cost} in {duration}");
            }
        }
        prop_assert!(system.cheapest(from, to, cost * 0.999).is_none());
        prop_assert!(system.cheapest(from, to, cost * 1.001).is_some());
    }

}

/// Of an oscillator the cost rises and falls again between two durations of the table.
#[test]
fn a_cost_that_falls_twice_has_its_minimum_found() {
    let from = [1.176_736_013_508_444_4, -0.598_322_902_941_511, 1.720_994_734_531_524, 0.790_959_508_817_135];
    let to = [-1.576_583_383_884_057_3, -0.517_683_183_279_709_9, -1.466_651_659_024_686_7, -0.136_951_141_768_510_36];
    let system = oscillator();
    let [cost, duration] = system.cheapest(&from, &to, f64::INFINITY).unwrap();
    let [_, slope] = system.dynamics.moments.cost_in(duration, &from, &to).unwrap();
    assert!(slope.abs() * duration < 1e-4 * cost, "{cost} in {duration}, slope {slope}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Parts of the cheapest motion are the cheapest between their ends, and their costs add up.
    #[test]
    fn parts_of_optimal_motions_are_optimal((number, from, to) in states(), share in 0.1..0.9_f64) {
        let system = &systems()[number];
        let (from, to) = (&from[..system.states()], &to[..system.states()]);
        let whole = system.connect(from, to, f64::INFINITY).unwrap();
        let [middle, _] = system.at(&whole, share * whole.duration);
        let costs = [(from, &middle[..]), (&middle[..], to)]
            .map(|(from, to)| system.cheapest(from, to, f64::INFINITY).unwrap()[0]);
        prop_assert!((costs[0] + costs[1] - whole.cost).abs() < 1e-5 * whole.cost, "system {number}: {costs:?} of {}", whole.cost);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let chain = [vec![0.0, 1.0], vec![0.0, 0.0]];
    let (b, c, r) = ([vec![0.0], vec![1.0]], [0.0; 2], [vec![1.0]]);
    let refused = |a: &[Vec<f64>], b: &[Vec<f64>], c: &[f64], r: &[Vec<f64>]| {
        LinearSystem::new(a, b, c, r).map(|_| ()).unwrap_err().to_string()
    };
    LinearSystem::new(&chain, &b, &c, &r).unwrap();
    assert!(refused(&chain[..1], &b, &c, &r).contains('A'));
    assert!(refused(&chain, &b, &[], &r).contains('c'));
    assert!(refused(&chain, &b, &c, &[vec![-1.0]]).contains("positive definite"));
    assert!(refused(&chain, &b, &[f64::NAN, 0.0], &r).contains("a number"));
    assert!(refused(&chain, &[vec![1.0], vec![0.0]], &c, &r).contains("reach every state"));
    assert!(refused(&chain, &b, &c, &[vec![1.0, 0.0]]).contains('R'));
}

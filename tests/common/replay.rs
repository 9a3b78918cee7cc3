//! Integrates what a trajectory file says of controls, and holds its states against that.

use flatout::base::Base;
use flatout::exchange::{Export, Format};
use flatout::problem::Problem;
use flatout::trajectory::Trajectory;
use serde_json::Value;

/// What is promised, in the units of the state.
const TOLERANCE: f64 = 1e-3;

/// Integrates the controls of the JSON file of a trajectory by fourth-order Runge-Kutta from the first state,
/// and holds the states of the file against that: each control held until the next sample, or joined to the
/// next by a line. Gives how many samples there are.
pub(crate) fn replay(problem: &Problem, trajectory: &Trajectory) -> usize {
    let base = problem.mechanism.base.as_ref().expect("a base");
    let text = Export::new(problem, trajectory).text(Format::Json).expect("JSON holds it");
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let names = |key: &str| -> Vec<&str> {
        file[key].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect()
    };
    assert_eq!(
        (names("state_names").as_slice(), names("control_names").as_slice()),
        (base.state_names(), base.control_names())
    );
    assert_eq!(names("outputs"), problem.mechanism.flat_outputs());
    let numbers =
        |v: &Value| -> Vec<f64> { v.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect() };
    let rows = |key: &str| -> Vec<Vec<f64>> {
        file["samples"][key].as_array().unwrap().iter().map(numbers).collect()
    };
    let time = numbers(&file["samples"]["time"]);
    let [states, controls, positions] = ["state", "control", "position"].map(rows);
    assert!([&states, &controls, &positions].iter().all(|all| all.len() == time.len()));
    assert!((time[time.len() - 1] - trajectory.duration()).abs() < 1e-9);
    assert!(time.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= 0.01 + 1e-12));
    follow(base, &time, &states, |i| [&controls[i], &controls[i]]);
    follow(base, &time, &states, |i| [&controls[i], &controls[i + 1]]);
    time.len()
}

/// Integrates from the first state; `controls` gives those at the ends of an interval, between which they
/// change evenly.
fn follow<'a>(base: &Base, time: &[f64], states: &[Vec<f64>], controls: impl Fn(usize) -> [&'a Vec<f64>; 2]) {
    let mut state = states[0].clone();
    for i in 1..time.len() {
        let h = time[i] - time[i - 1];
        let [from, to] = controls(i - 1);
        let rate = |x: &[f64], share: f64| {
            let control: Vec<f64> = from.iter().zip(to).map(|(a, b)| a + share * (b - a)).collect();
            let mut rates = vec![0.0; x.len()];
            base.dynamics(x, &control, &mut rates);
            rates
        };
        let moved =
            |rates: &[f64], h: f64| -> Vec<f64> { state.iter().zip(rates).map(|(x, r)| x + h * r).collect() };
        let a = rate(&state, 0.0);
        let b = rate(&moved(&a, 0.5 * h), 0.5);
        let c = rate(&moved(&b, 0.5 * h), 0.5);
        let d = rate(&moved(&c, h), 1.0);
        for j in 0..state.len() {
            state[j] += h / 6.0 * (a[j] + 2.0 * b[j] + 2.0 * c[j] + d[j]);
            assert!(
                (state[j] - states[i][j]).abs() < TOLERANCE,
                "{} at {}: {state:?} {:?}",
                base.state_names()[j],
                time[i],
                states[i]
            );
        }
    }
}

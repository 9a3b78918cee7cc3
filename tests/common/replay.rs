//! Integrates what a trajectory file says of controls, and holds its states against that.

use flatout::base::Base;
use flatout::exchange::{Export, Format};
use flatout::problem::Problem;
use flatout::trajectory::Trajectory;
use serde_json::Value;

/// What is promised of stable motions, in the units of the state.
const TOLERANCE: f64 = 1e-3;

/// What is promised from one sample to the next.
const STEP_TOLERANCE: f64 = 1e-6;

/// Integrates the controls of the JSON file of a trajectory by fourth-order Runge-Kutta, each control held until the
/// next sample: from every sample to the next, and from the first to the last, which drifts as the file says. Gives the
/// drift and how many samples there are.
pub(crate) fn replayed(problem: &Problem, trajectory: &Trajectory) -> (f64, usize) {
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
    let longest = (trajectory.duration() / 1000.0).max(0.01) + 1e-12;
    assert!(time.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= longest));
    let (mut open, mut drift) = (states[0].clone(), 0.0_f64);
    for i in 1..time.len() {
        let h = time[i] - time[i - 1];
        let mut next = states[i - 1].clone();
        step(base, &mut next, &controls[i - 1], h);
        let miss = farthest(&next, &states[i]);
        assert!(miss <= STEP_TOLERANCE * (1.0 + 1e-6), "{miss} at {} of {}", time[i], base.name());
        step(base, &mut open, &controls[i - 1], h);
        drift = drift.max(farthest(&open, &states[i]));
    }
    let said = &file["samples"]["replay"];
    assert!(said["step"].as_f64().unwrap() <= STEP_TOLERANCE);
    let told = said["drift"].as_f64().unwrap();
    assert!((told - drift).abs() <= 1e-9 + 1e-3 * drift.powi(2), "{told}, found {drift}");
    (drift, time.len())
}

/// The same of a motion that is stable: its drift is told by the length of its ways, where they are long. Of a quadrotor,
/// which is a chain of integrators, what is missed early grows with the fourth power of time.
pub(crate) fn replay(problem: &Problem, trajectory: &Trajectory) -> usize {
    let (drift, samples) = replayed(problem, trajectory);
    let is_quadrotor = problem.mechanism.vehicle().is_some_and(|base| base.name() == "quadrotor");
    let far = |output: usize| trajectory.extrema(output, 0).magnitude().0;
    let ways = (0..trajectory.dof()).map(far).fold(10.0, f64::max) / 10.0;
    let tolerance = ways * if is_quadrotor { 100.0 * TOLERANCE } else { TOLERANCE };
    assert!(drift < tolerance, "{drift}");
    samples
}

fn farthest(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn step(base: &Base, state: &mut [f64], control: &[f64], h: f64) {
    let rate = |x: &[f64]| {
        let mut rates = vec![0.0; x.len()];
        base.dynamics(x, control, &mut rates);
        rates
    };
    let moved = |state: &[f64], rates: &[f64], h: f64| -> Vec<f64> {
        state.iter().zip(rates).map(|(x, r)| x + h * r).collect()
    };
    let a = rate(state);
    let b = rate(&moved(state, &a, 0.5 * h));
    let c = rate(&moved(state, &b, 0.5 * h));
    let d = rate(&moved(state, &c, h));
    for j in 0..state.len() {
        state[j] += h / 6.0 * (a[j] + 2.0 * b[j] + 2.0 * c[j] + d[j]);
    }
}

//! Pieces over which a thrust turns: quintics whose accelerations are told at both ends. Imports `problem`.

use crate::problem::JointState;

/// Appends the quintic of one output over `t` seconds, whose acceleration is a cubic with these values and rates at the two
/// ends, and moves the output's position and velocity on to where it leads.
pub(super) fn append(
    at: &mut JointState,
    output: usize,
    t: f64,
    [[a0, j0], [a1, j1]]: [[f64; 2]; 2],
    coefficients: &mut Vec<f64>,
) {
    let c = (3.0 * (a1 - a0) / t - 2.0 * j0 - j1) / t;
    let d = (2.0 * (a0 - a1) / t + j0 + j1) / (t * t);
    let (p, v) = (at.position[output], at.velocity[output]);
    coefficients.extend([p, v, a0 / 2.0, j0 / 6.0, c / 12.0, d / 20.0]);
    at.position[output] = p + t * (v + t * (a0 / 2.0 + t * (j0 / 6.0 + t * (c / 12.0 + t * d / 20.0))));
    at.velocity[output] = v + t * (a0 + t * (j0 / 2.0 + t * (c / 3.0 + t * d / 4.0)));
}

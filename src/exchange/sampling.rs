//! How closely files sample a trajectory, and how large they may become: every file must be read back, and be written
//! in about the time that planning takes.

use crate::trajectory::Trajectory;

/// Greatest time between two samples, seconds, of motions that are not too long for that.
pub(super) const COARSEST: f64 = 0.01;

/// How long points stand where a motion at rest is over before it has begun, seconds: one point alone is no motion.
pub(super) const STANDING: f64 = 1e-3;

/// How far a control, held from one sample to the next, may lead past the next state, in the units of the state.
pub(super) const REPLAY_TOLERANCE: f64 = 1e-6;

/// Decimal places of samples in JSON, and of states and controls, which nothing is read from again; they are a thousand
/// times as exact as what is promised of them.
const DECIMALS: f64 = 1e9;

/// Bytes that a number of a sample takes in JSON, with its comma, in the mean at most.
const BYTES_OF_A_NUMBER: f64 = 14.0;

/// Bytes of samples in JSON for every second of motion: 4 MB a minute.
const BYTES_A_SECOND: f64 = 4e6 / 60.0;

/// Bytes that the samples of a motion may take however short it is: what tumbles asks for many.
const BYTES_ALWAYS: f64 = 4e6;

/// Most samples that even steps take; in longer motions the steps are longer. To find and to write a sample takes some
/// microseconds.
const EVEN_SAMPLES: f64 = 1000.0;

/// Most samples, where controls ask for more: of a hundred numbers each, they are a tenth of what is read.
const MOST_SAMPLES: f64 = 20_000.0;

/// Greatest time between even samples, seconds.
pub(super) fn step(trajectory: &Trajectory) -> f64 {
    COARSEST.max(trajectory.duration() / EVEN_SAMPLES)
}

/// Most samples of so many numbers each.
pub(super) fn most_samples(trajectory: &Trajectory, numbers: usize) -> usize {
    let bytes = BYTES_ALWAYS.max(trajectory.duration() * BYTES_A_SECOND);
    (bytes / (BYTES_OF_A_NUMBER * numbers as f64)).clamp(2.0, MOST_SAMPLES) as usize
}

/// Pieces that are briefer, in seconds, are written at whole nanoseconds: rounding would else decide their accelerations.
pub(super) const BRIEF: f64 = 1e-6;

/// A number as JSON samples have it.
pub(super) fn rounded(value: f64) -> f64 {
    let scaled = value * DECIMALS;
    // What has no such decimals stays as it is.
    if scaled.abs() < 1e15 { scaled.round() / DECIMALS } else { value }
}

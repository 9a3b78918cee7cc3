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

/// Bytes of samples in JSON for every second of motion: 3.6 MB a minute, so that with all that stands beside them files
/// stay below 4 MB a minute.
const BYTES_A_SECOND: f64 = 3.6e6 / 60.0;

/// Bytes that the samples of a motion may take however short it is, as of one of a minute: what tumbles asks for many.
const BYTES_ALWAYS: f64 = 60.0 * BYTES_A_SECOND;

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

/// Shortest time between samples, seconds: of knots that are nearer to each other one has none.
pub(super) const SHORTEST: f64 = 1e-6;

/// Times of all knots that are not too near to each other, the end among them, and others in even steps between.
pub(super) fn sample_times(trajectory: &Trajectory) -> Vec<f64> {
    let end = trajectory.duration();
    let mut times = trajectory.sample_times_with_knots(step(trajectory));
    times.dedup_by(|next, before| *next - *before < SHORTEST);
    // The last is never the one that is left out.
    times.pop_if(|time| *time > 0.0 && end - *time < SHORTEST);
    if times.last() != Some(&end) {
        times.push(end);
    }
    times
}

/// Times of points from which readers find a motion again: of all knots, and others in equal steps between them.
pub(super) fn point_times(trajectory: &Trajectory) -> Vec<f64> {
    if trajectory.duration() == 0.0 {
        return vec![0.0, STANDING];
    }
    // What readers join points by follows cubics however far they are apart.
    trajectory.sample_times_with_knots(if trajectory.degree() <= 3 { step(trajectory) } else { COARSEST })
}

/// A number as JSON samples have it.
pub(super) fn rounded(value: f64) -> f64 {
    let scaled = value * DECIMALS;
    // What has no such decimals stays as it is.
    if scaled.abs() < 1e15 { scaled.round() / DECIMALS } else { value }
}

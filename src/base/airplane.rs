//! An airplane that flies where it points.

use super::admit::{both_moved_out, moved_out, widest};
use super::course::PathFrame;
use super::jet::Jet;
use super::kind::{ANY, Coordinate, Flat, Kind, Moved, Singular, StateKey, within};
use super::scalar::Scalar;
use super::validate::{acute, moving};
use crate::error::{Checked, InvalidValue, positive};
use glam::DVec3;

/// The Dubins airplane of Kino-PAX: x' = v cos(pitch) cos(yaw), y' = v cos(pitch) sin(yaw),
/// z' = v sin(pitch), yaw' = yaw rate, pitch' = pitch rate, v' = a.
/// States x y z yaw pitch v, controls yaw_rate pitch_rate a; outputs x y z.
#[derive(Clone, Debug, PartialEq)]
pub struct Airplane {
    /// Least and greatest speed, m/s.
    pub speed: [f64; 2],
    /// Greatest acceleration along the path, m/s^2.
    pub acceleration: f64,
    /// Greatest yaw rate, rad/s.
    pub yaw_rate: f64,
    /// Greatest pitch rate, rad/s.
    pub pitch_rate: f64,
    /// Greatest pitch, rad, below pi/2.
    pub pitch: f64,
}

impl Airplane {
    pub(super) fn widen(&mut self, other: &Self) {
        self.speed = widest(self.speed, other.speed);
        self.pitch = self.pitch.max(other.pitch);
    }
}

impl Kind for Airplane {
    fn name(&self) -> &'static str {
        "airplane"
    }

    fn validate(&self) -> Checked {
        moving("speed", self.speed)?;
        if self.speed[0] < 0.0 {
            let expected = "a speed of at least 0: it does not fly backwards";
            return Err(InvalidValue::new("speed[0]", self.speed[0], expected));
        }
        positive("acceleration", self.acceleration)?;
        positive("yaw_rate", self.yaw_rate)?;
        positive("pitch_rate", self.pitch_rate)?;
        acute("pitch", self.pitch)
    }

    fn admit(&mut self, q: &[f64], v: &[f64], share: f64) {
        let speed = DVec3::new(v[0], v[1], v[2]).length();
        self.speed = both_moved_out(self.speed, speed, share);
        self.pitch = moved_out(self.pitch, q[4], share);
    }

    fn state_keys(&self) -> &'static [StateKey] {
        const {
            &[
                StateKey::required("position", 3),
                StateKey::required("heading", 1),
                StateKey::zero("pitch", 1),
                StateKey::required("speed", 1),
            ]
        }
    }

    fn state_bounds(&self) -> Vec<[f64; 2]> {
        vec![ANY, ANY, ANY, ANY, within(self.pitch), self.speed]
    }

    fn state(&self, q: &[f64], rates: &[f64]) -> Vec<f64> {
        [q, &[DVec3::new(rates[0], rates[1], rates[2]).length()]].concat()
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["x", "y", "z"]
    }

    fn states(&self) -> &'static [&'static str] {
        &["x", "y", "z", "yaw", "pitch", "v"]
    }

    fn controls(&self) -> &'static [&'static str] {
        &["yaw_rate", "pitch_rate", "a"]
    }

    /// A positive pitch lifts the nose: it turns about -y.
    fn coordinates(&self) -> Vec<Coordinate> {
        vec![
            Coordinate::slides("x", DVec3::X),
            Coordinate::slides("y", DVec3::Y),
            Coordinate::slides("z", DVec3::Z),
            Coordinate::turns("yaw", DVec3::Z),
            Coordinate::turns("pitch", DVec3::NEG_Y),
        ]
    }

    fn order(&self) -> usize {
        2
    }

    fn course(&self) -> usize {
        3
    }

    /// The pitch.
    fn geometric_limits(&self) -> &'static [usize] {
        &[4]
    }

    fn told_rates(&self) -> usize {
        3
    }

    fn steady(&self) -> Vec<usize> {
        vec![0]
    }

    fn map<S: Scalar>(&self, flat: &Flat<S>, moved: &mut Moved<S>) -> Result<(), Singular> {
        let course = &flat.course;
        if course.stands() {
            return Err(Singular::CarTrailerState);
        }
        let [x, y, z] = course.tangent;
        let level = x * x + y * y;
        if !(level + z * z).value().exceeds(0.0) {
            return Err(Singular::Stopping);
        }
        if !level.value().exceeds(0.0) {
            return Err(Singular::Vertical);
        }
        let yaw = Jet::atan2(y, x).offset(course.frame);
        let pitch = Jet::atan2(z, level.sqrt());
        let speed = course.rate * course.length();
        moved.coordinates.extend([flat.jet(0, 0), flat.jet(1, 0), flat.jet(2, 0), yaw, pitch]);
        moved.within("speed", speed, self.speed);
        moved.magnitude("acceleration", speed.rate(), self.acceleration);
        moved.magnitude("yaw rate", yaw.rate(), self.yaw_rate);
        moved.magnitude("pitch rate", pitch.rate(), self.pitch_rate);
        moved.magnitude("pitch", pitch, self.pitch);
        Ok(())
    }

    fn sample(&self, moved: &Moved) -> [Vec<f64>; 2] {
        let [speed, acceleration, yaw_rate, pitch_rate] = [0, 1, 2, 3].map(|i| moved.limited(i));
        [[&moved.values()[..], &[speed]].concat(), vec![yaw_rate, pitch_rate, acceleration]]
    }

    fn flatten(&self, state: &[f64], control: &[f64], _: [f64; 2]) -> Result<Flat, Singular> {
        let (yaw, pitch) =
            (Jet::second_order([state[3], control[0], 0.0]), Jet::second_order([state[4], control[1], 0.0]));
        let ((sin_yaw, cos_yaw), (sin_pitch, cos_pitch)) = (yaw.sin_cos(), pitch.sin_cos());
        // A state says nothing of second derivatives of the angles.
        let tangent = [cos_pitch * cos_yaw, cos_pitch * sin_yaw, sin_pitch];
        let rate = Jet::second_order([state[5], control[2], 0.0]);
        let mut flat =
            Flat { course: PathFrame { rate, tangent, ..PathFrame::default() }, ..Flat::default() };
        for i in 0..3 {
            let velocity = rate * tangent[i];
            let values = [state[i], velocity.0[0], velocity.0[1]];
            (0..3).for_each(|order| flat.derivatives[order][i] = values[order]);
        }
        Ok(flat)
    }

    fn configuration(&self, state: &[f64]) -> Result<[Vec<f64>; 2], Singular> {
        let mut rates = vec![0.0; 6];
        self.dynamics(state, &[0.0; 3], &mut rates);
        rates.truncate(5);
        Ok([state[..5].to_vec(), rates])
    }

    fn dynamics(&self, state: &[f64], control: &[f64], rates: &mut [f64]) {
        let ((sin_yaw, cos_yaw), (sin_pitch, cos_pitch)) = (state[3].sin_cos(), state[4].sin_cos());
        let v = state[5];
        let velocity = [v * cos_pitch * cos_yaw, v * cos_pitch * sin_yaw, v * sin_pitch];
        rates[..3].copy_from_slice(&velocity);
        rates[3..].copy_from_slice(control);
    }
}

//! The base of a vehicle in the packed form: which map leads from its flat outputs to its coordinates,
//! and between which bounds each quantity that it limits must lie.
//!
//! Edges of bases that follow a course are paths over a parameter that need not be time: of them only
//! what the shape of the path decides is bounded here. Angles are bounded by their tangents.

use super::edges::Edge;
use super::limits::LIMIT_SLACK;
use super::polynomial::speed_bound;
use crate::base::{
    Actuation, Airplane, Base, Bounded, Car, DifferentialDrive, Omnidirectional, PlanarQuadrotor, Quadrotor,
    Trailer, VelocityAxes,
};
use bytemuck::{Pod, Zeroable};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2};
use std::mem::{offset_of, size_of};

/// A differential drive, or a car without a trailer.
pub const BASE_GROUND: u32 = 0;
/// A car that draws a trailer.
pub const BASE_TRAILER: u32 = 1;
/// An [`Airplane`].
pub const BASE_AIRPLANE: u32 = 2;
/// A [`PlanarQuadrotor`].
pub const BASE_PLANAR_QUADROTOR: u32 = 3;
/// A [`Quadrotor`].
pub const BASE_QUADROTOR: u32 = 4;
/// An [`Omnidirectional`] base.
pub const BASE_OMNIDIRECTIONAL: u32 = 5;

/// Most quantities that a base limits.
pub const MAX_BOUNDED: usize = 10;

/// Of a course that stands: how it moves, as the first quantity that ground vehicles and airplanes bound.
/// 1 stands for ahead, -1 for back.
const STANDS: f64 = 0.0;

/// The base of a vehicle.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedBase {
    /// Which map: `BASE_GROUND` to `BASE_OMNIDIRECTIONAL`.
    pub kind: u32,
    /// How many flat outputs are its own.
    pub outputs: u32,
    /// How many joints are its coordinates.
    pub coordinates: u32,
    /// How many quantities are bounded.
    pub bounded: u32,
    /// Vehicles on the ground without a trailer: least and greatest curvature of the path, 1/m, positive
    /// where it bends to the left, as it is followed ahead, and back.
    pub curvature: [[f32; 2]; 2],
    /// The same: least and greatest rate of the guide while the vehicle stands.
    pub standing: [f32; 2],
    /// From the hitch to the trailer's axle, metres.
    pub hitch_length: f32,
    /// 1 where the speeds of a quadrotor are bounded along its body's axes, 0 for the world's.
    pub in_body: u32,
    /// Moments of inertia of a quadrotor about its body's axes, kg m^2.
    pub inertia: [f32; 3],
    /// How far any sphere is from the point about which those turnings go that no output tells of, metres.
    pub turning: f32,
    /// Controls of a quadrotor: each the sum of these shares of thrust by mass, m/s^2, and of the moments
    /// about its axes, N m. Of a planar one: of thrust by mass, and of the angular acceleration, rad/s^2. Rates of the
    /// wheels of an omnidirectional base: of its velocities ahead and to the left, m/s, and of its turn rate, rad/s.
    pub mixer: [[f32; 4]; 4],
    /// The bounds, with [`LIMIT_SLACK`].
    pub bounds: [PackedBounds; MAX_BOUNDED],
}

/// Between what a quantity must lie.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct PackedBounds {
    /// Least value.
    pub lower: f32,
    /// Greatest value.
    pub upper: f32,
    /// Index of the limit among those of [`crate::base::Sample`].
    pub limit: u32,
    pad: u32,
}

// As rows of four, in which form a device reads it.
const _: () = {
    assert!(size_of::<PackedBounds>() == 16 && size_of::<PackedBase>() == 288);
    assert!(offset_of!(PackedBase, curvature) == 16 && offset_of!(PackedBase, standing) == 32);
    assert!(offset_of!(PackedBase, inertia) == 48 && offset_of!(PackedBase, mixer) == 64);
    assert!(offset_of!(PackedBase, bounds) == 128);
};

/// Bounds widened by a share of the greater of their magnitudes, of 1 where there is none; finite.
pub(crate) fn widened([lower, upper]: [f64; 2]) -> [f32; 2] {
    let slack = f64::from(LIMIT_SLACK) * scale([lower, upper]);
    [lower - slack, upper + slack].map(finite)
}

/// The greater magnitude of two bounds, as far as they are finite and not both zero; else 1.
pub(crate) fn scale(bounds: [f64; 2]) -> f64 {
    let greatest = bounds.into_iter().map(f64::abs).filter(|b| b.is_finite()).fold(0.0, f64::max);
    if greatest > 0.0 { greatest } else { 1.0 }
}

/// A value that is not finite must break even a limit that is not there.
fn finite(x: f64) -> f32 {
    (x as f32).clamp(f32::MIN, f32::MAX)
}

/// The tangent of the greatest magnitude of an angle, widened.
fn tangent(angle: f64) -> f64 {
    let wide = angle * (1.0 + f64::from(LIMIT_SLACK));
    if wide < FRAC_PI_2 { wide.tan() } else { f64::INFINITY }
}

impl PackedBase {
    /// Packs the base of a vehicle. `reach` holds, for each of its coordinates, how far any sphere moves
    /// for a unit of it.
    pub(super) fn new(base: &Base, reach: &[f32]) -> Self {
        let (outputs, coordinates) = (base.outputs().len(), base.coordinates().len());
        let mut packed = match base {
            Base::DifferentialDrive(drive) => Self::drive(drive),
            Base::Car(car) => Self::car(car),
            Base::Airplane(airplane) => Self::airplane(airplane),
            Base::PlanarQuadrotor(quadrotor) => Self::planar_quadrotor(base, quadrotor),
            Base::Quadrotor(quadrotor) => Self::quadrotor(base, quadrotor),
            Base::Omnidirectional(omnidirectional) => Self::omnidirectional(base, omnidirectional),
            Base::Point(_) => Self::zeroed(),
        };
        (packed.outputs, packed.coordinates) = (outputs as u32, coordinates as u32);
        packed.turning = match packed.kind {
            BASE_GROUND | BASE_TRAILER => 0.0,
            BASE_QUADROTOR => reach[4].max(reach[5]),
            _ => reach[outputs..coordinates].iter().copied().fold(0.0, f32::max),
        };
        packed
    }

    /// How far any sphere moves for a unit of each flat output, from the same for each joint. The guide's
    /// rate stands for that of the heading, and for that of a hitch.
    pub(super) fn reach(&self, reach: &[f32]) -> Vec<f32> {
        let (outputs, coordinates) = (self.outputs as usize, self.coordinates as usize);
        let mut flat: Vec<f32> = reach[..outputs].iter().chain(&reach[coordinates..]).copied().collect();
        if self.kind == BASE_TRAILER {
            flat[2] += reach[3];
        }
        flat
    }

    /// Adds the bounds of a quantity, already widened.
    fn bound(&mut self, limit: usize, [lower, upper]: [f32; 2]) {
        self.bounds[self.bounded as usize] = PackedBounds { lower, upper, limit: limit as u32, pad: 0 };
        self.bounded += 1;
    }

    /// Bounds the way of a course: which of back, standing and ahead are among these speeds.
    fn bound_way(&mut self, [least, most]: [f64; 2]) {
        let back = if least < 0.0 {
            -1.0
        } else if least > 0.0 {
            1.0
        } else {
            STANDS
        };
        let ahead = if most > 0.0 {
            1.0
        } else if most < 0.0 {
            -1.0
        } else {
            STANDS
        };
        self.bound(0, [back, ahead].map(finite));
    }

    fn drive(drive: &DifferentialDrive) -> Self {
        let mut packed = Self { kind: BASE_GROUND, ..Self::zeroed() };
        packed.bound_way(drive.speed);
        // Where it drives at no such speed, its way is wrong already.
        let curvature = |is_ahead| drive.curvature_bounds(is_ahead).map_or([f32::MIN, f32::MAX], widened);
        packed.curvature = [curvature(true), curvature(false)];
        let [right, left] = drive.turn_rate;
        let sign = |allows: bool, way: f64| if allows { way * f64::INFINITY } else { 0.0 };
        packed.standing = widened([sign(right < 0.0, -1.0), sign(left > 0.0, 1.0)]);
        packed.bound(1, [f32::MIN, 0.0]);
        packed
    }

    fn car(car: &Car) -> Self {
        let mut packed = Self::zeroed();
        packed.bound_way(car.speed);
        let steered = tangent(car.steering) / car.wheelbase;
        let steered = [-steered, steered].map(finite);
        match car.trailer {
            None => {
                packed.kind = BASE_GROUND;
                packed.curvature = [steered; 2];
                packed.standing = widened([0.0; 2]);
                packed.bound(1, [f32::MIN, 0.0]);
            }
            Some(Trailer { hitch_length, angle }) => {
                packed.kind = BASE_TRAILER;
                packed.hitch_length = hitch_length as f32;
                packed.bound(1, steered);
                packed.bound(4, [-tangent(angle), tangent(angle)].map(finite));
            }
        }
        packed
    }

    fn airplane(airplane: &Airplane) -> Self {
        let mut packed = Self { kind: BASE_AIRPLANE, ..Self::zeroed() };
        packed.bound(0, [1.0, 1.0]);
        packed.bound(4, [-tangent(airplane.pitch), tangent(airplane.pitch)].map(finite));
        packed
    }

    /// Bounds everything that `base` limits, in its order.
    fn bound_all(&mut self, base: &Base) {
        let hovering = base.unflatten(&Default::default()).map(|sample| sample.limits).unwrap_or_default();
        for (i, &Bounded { lower, upper, .. }) in hovering.iter().enumerate() {
            self.bound(i, widened([lower, upper]));
        }
    }

    fn planar_quadrotor(base: &Base, quadrotor: &PlanarQuadrotor) -> Self {
        let mut packed = Self { kind: BASE_PLANAR_QUADROTOR, ..Self::zeroed() };
        packed.bound_all(base);
        let hover = 0.5 * quadrotor.mass * quadrotor.gravity;
        let thrust = 0.5 * quadrotor.mass / hover;
        let turn = 0.5 * quadrotor.inertia / (quadrotor.arm * hover);
        let row = |turn: f64| [thrust as f32, turn as f32, 0.0, 0.0];
        (packed.mixer[0], packed.mixer[1]) = (row(turn), row(-turn));
        packed
    }

    fn quadrotor(base: &Base, quadrotor: &Quadrotor) -> Self {
        let mut packed = Self { kind: BASE_QUADROTOR, ..Self::zeroed() };
        packed.bound_all(base);
        packed.in_body = u32::from(quadrotor.velocity_axes == VelocityAxes::Body);
        packed.inertia = quadrotor.inertia.as_vec3().to_array();
        let mass = quadrotor.mass;
        packed.mixer = match quadrotor.actuation {
            Actuation::Wrench { unit: [force, x, y, z], .. } => [
                [mass / force, 0.0, 0.0, 0.0],
                [0.0, 1.0 / x, 0.0, 0.0],
                [0.0, 0.0, 1.0 / y, 0.0],
                [0.0, 0.0, 0.0, 1.0 / z],
            ],
            Actuation::Rotors { arm, torque_by_thrust: k, .. } => {
                // The rows of thrust and moments by forces are orthogonal, each of squared length 4.
                let a = arm * FRAC_1_SQRT_2;
                let signs = [[-1.0, -1.0, -1.0], [-1.0, 1.0, 1.0], [1.0, 1.0, -1.0], [1.0, -1.0, 1.0]];
                signs.map(|[x, y, z]: [f64; 3]| {
                    [mass, x / a, y / a, z / k].map(|share| share / (mass * quadrotor.gravity))
                })
            }
        }
        .map(|row| row.map(|share| share as f32));
        packed
    }

    fn omnidirectional(base: &Base, omnidirectional: &Omnidirectional) -> Self {
        let mut packed = Self { kind: BASE_OMNIDIRECTIONAL, ..Self::zeroed() };
        packed.bound_all(base);
        if let Some(wheels) = omnidirectional.wheels {
            packed.mixer = wheels.mixer().map(|[u, v, w]| [u, v, w, 0.0].map(|share| share as f32));
        }
        packed
    }

    /// Whether its edges are paths, which it follows where it points, rather than motions in time.
    pub fn follows_course(&self) -> bool {
        self.kind <= BASE_AIRPLANE
    }

    /// An estimate of how far any sphere travels over `edge` by turnings that no output tells of: those of
    /// a thrust with the jerk of the motion, and those of a course with its curvature.
    pub(super) fn turning(&self, edge: &Edge<'_>, outputs: usize, gravity: f32) -> f32 {
        if self.turning == 0.0 {
            return 0.0;
        }
        let axes = if self.kind == BASE_PLANAR_QUADROTOR { 2 } else { 3 };
        let fastest = |order: usize| {
            let one = |segment: usize, duration: f32| {
                let bound = |axis| derivative_bound(edge.polynomial(segment, axis, outputs), order, duration);
                (0..axes).map(bound).map(|b| b * b).sum::<f32>().sqrt()
            };
            edge.durations.iter().enumerate().map(|(i, &t)| one(i, t)).fold(0.0, f32::max)
        };
        let rate = if self.follows_course() {
            let speed = fastest(1);
            if speed > 0.0 { fastest(2) / speed } else { 0.0 }
        } else {
            // Thrust by mass is about that of hovering.
            fastest(3) / gravity
        };
        self.turning * rate * edge.duration
    }
}

/// A bound of the magnitude of a derivative, of `order` 1 or more, of a polynomial within `duration`.
fn derivative_bound(polynomial: &[f32], order: usize, duration: f32) -> f32 {
    let mut lower = [0.0; super::MAX_DEGREE + 1];
    for (power, &c) in polynomial.iter().enumerate().skip(order - 1) {
        let falling: usize = (power + 2 - order..=power).product();
        lower[power + 1 - order] = falling as f32 * c;
    }
    speed_bound(&lower, duration)
}

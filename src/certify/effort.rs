//! Efforts within their limits at every instant: recursive Newton-Euler (see
//! `Mechanism::inverse_dynamics`) over whole intervals of time, halved until each is proved.
//!
//! Over an interval with middle m and half its duration h, every quantity is held as a Taylor model
//! of degree one (Makino and Berz, *Taylor models and other validated functional inclusion methods*,
//! 2003): `center` + `slope` s + [`radius`], with s = (t - m)/h, -1 <= s <= 1, and [x] any vector of
//! length up to x. Its width beyond the linear part shrinks as h^2, so few intervals suffice.

use super::interval::{Variation, shift};
use super::report::{LimitKind, Peak, Peaks, Violation};
use super::{MAX_INTERVALS, floor};
use crate::robot::{DynamicsScratch, Mechanism, Motion};
use crate::trajectory::Trajectory;
use glam::{DMat3, DVec3};
use std::ops::{Add, Mul};

/// The proof for one mechanism.
pub(super) struct Efforts<'a> {
    mechanism: &'a Mechanism,
    gravity: DVec3,
    /// What a limit may be exceeded by, relative to it.
    tolerance: f64,
    /// Frobenius norms of the bodies' inertia matrices: by how much they stretch a vector at most.
    stretches: Vec<f64>,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    bodies: Vec<BodyModel>,
    /// Values, first and second derivatives at m of the outputs, and their variation.
    outputs: Vec<[(f64, Variation); 3]>,
    polynomial: Vec<f64>,
    /// Bounds of the efforts.
    bounds: Vec<Model1>,
    /// Working memory of the evaluation at m.
    point: [Vec<f64>; 4],
    dynamics: DynamicsScratch,
    intervals: usize,
}

/// A vector over the interval.
#[derive(Clone, Copy, Debug, Default)]
struct Model3 {
    center: DVec3,
    slope: DVec3,
    radius: f64,
}

/// A scalar over the interval.
#[derive(Clone, Copy, Debug, Default)]
struct Model1 {
    center: f64,
    slope: f64,
    radius: f64,
}

/// A body over the interval, in its own frame, which moves in its parent's: by a fixed rotation,
/// then by a turn about +z of varying angle.
struct BodyModel {
    rotation: DMat3,
    turn: Variation,
    translation: Model3,
    angular_velocity: Model3,
    angular_acceleration: Model3,
    acceleration: Model3,
    force: Model3,
    moment: Model3,
}

impl<'a> Efforts<'a> {
    pub(super) fn new(mechanism: &'a Mechanism, gravity: DVec3, tolerance: f64) -> Self {
        let frobenius = |m: DMat3| m.to_cols_array().iter().map(|x| x * x).sum::<f64>().sqrt();
        let stretches = mechanism.bodies.iter().map(|b| frobenius(b.inertia.matrix)).collect();
        Self { mechanism, gravity, tolerance, stretches, scratch: Scratch::default() }
    }

    /// Proves that all efforts keep their limits, fills in their peaks, and returns how many
    /// intervals that took.
    pub(super) fn prove(&mut self, trajectory: &Trajectory, peaks: &mut [Peaks]) -> Result<usize, Violation> {
        self.scratch.intervals = 0;
        for peaks in &mut *peaks {
            peaks.effort = Some(Peak::default());
        }
        for segment in 0..trajectory.len() {
            self.refine(trajectory, segment, 0.0, trajectory.segment(segment).duration, peaks)?;
        }
        Ok(self.scratch.intervals)
    }

    /// Proves a part of a segment between local times, in halves where it takes that.
    fn refine(
        &mut self,
        trajectory: &Trajectory,
        segment: usize,
        from: f64,
        to: f64,
        peaks: &mut [Peaks],
    ) -> Result<(), Violation> {
        self.scratch.intervals += 1;
        let (middle, half) = (0.5 * (from + to), 0.5 * (to - from));
        let polynomial = &mut self.scratch.polynomial;
        self.scratch.outputs.clear();
        for output in 0..trajectory.dof() {
            polynomial.clear();
            polynomial.extend_from_slice(trajectory.segment(segment).polynomial(output));
            shift(polynomial, middle);
            let at = |order: usize| {
                let factorial = [1.0, 1.0, 2.0][order];
                let value = polynomial.get(order).map_or(0.0, |c| factorial * c);
                (value, Variation::about(polynomial, order, half))
            };
            self.scratch.outputs.push([at(0), at(1), at(2)]);
        }
        self.bound();
        let time = trajectory.knots()[segment] + middle;
        let limit = |output: usize| self.mechanism.limits[output].effort;
        let worst = |output: usize| self.scratch.bounds[output].magnitude();
        let over = (0..trajectory.dof()).find(|&o| worst(o) > limit(o) * (1.0 + self.tolerance));
        let Some(over) = over else {
            for (o, peaks) in peaks.iter_mut().enumerate() {
                let value = worst(o).copysign(self.scratch.bounds[o].center);
                peaks.effort.get_or_insert_default().reach(value, time, [-limit(o), limit(o)]);
            }
            return Ok(());
        };
        let (value, bound) = (worst(over), limit(over));
        self.check_instant(time)?;
        if half * 2.0 <= floor(to) || self.scratch.intervals > MAX_INTERVALS {
            let output = self.mechanism.outputs[over].clone();
            return Err(Violation::EffortNotProved { output, value, bound, time });
        }
        self.refine(trajectory, segment, from, middle, peaks)?;
        self.refine(trajectory, segment, middle, to, peaks)
    }

    /// The efforts at m against their limits.
    fn check_instant(&mut self, time: f64) -> Result<(), Violation> {
        let Scratch { outputs, point: [y, yd, ydd, efforts], dynamics, .. } = &mut self.scratch;
        for (order, values) in [&mut *y, &mut *yd, &mut *ydd].into_iter().enumerate() {
            values.clear();
            values.extend(outputs.iter().map(|output| output[order].0));
        }
        efforts.resize(outputs.len(), 0.0);
        self.mechanism.inverse_dynamics(y, yd, ydd, self.gravity, dynamics, efforts);
        for (output, &value) in efforts.iter().enumerate() {
            let bound = self.mechanism.limits[output].effort;
            if value.abs() > bound * (1.0 + self.tolerance) {
                let output = self.mechanism.outputs[output].clone();
                return Err(Violation::Limit { output, kind: LimitKind::Effort, value, bound, time });
            }
        }
        Ok(())
    }

    /// Bounds the efforts over the interval, step by step as `Mechanism::inverse_dynamics` computes
    /// them at an instant.
    fn bound(&mut self) {
        let Scratch { bodies, outputs, bounds, .. } = &mut self.scratch;
        let base = &self.mechanism.bodies[0].placement;
        bodies.clear();
        bodies.push(BodyModel {
            rotation: base.rotation,
            turn: Variation::default(),
            translation: Model3::constant(base.translation),
            angular_velocity: Model3::default(),
            angular_acceleration: Model3::default(),
            acceleration: Model3::constant(-(base.rotation.transpose() * self.gravity)),
            force: Model3::default(),
            moment: Model3::default(),
        });
        for (body, &stretch) in self.mechanism.bodies.iter().zip(&self.stretches).skip(1) {
            let [(y, variation), speed, pull] = outputs[body.output];
            let pose = body.pose(y);
            let variation = variation.scaled(body.ratio);
            let along = |(value, variation): (f64, Variation)| {
                Model3::along_z(value * body.ratio, variation.scaled(body.ratio))
            };
            let (qd, qdd) = (along(speed), along(pull));
            let turn = if body.motion == Motion::Revolute { variation } else { Variation::default() };
            let slide = if body.motion == Motion::Prismatic { variation } else { Variation::default() };
            let translation = Model3::along_z(0.0, slide).turned(&pose.rotation) + pose.translation;
            let parent = &bodies[body.parent];
            let to_child = |v: Model3| v.turned(&pose.rotation.transpose()).turned_about_z(turn, -1.0);
            let (w, a) = (parent.angular_velocity, parent.angular_acceleration);
            let mut angular_velocity = to_child(w);
            let mut angular_acceleration = to_child(a);
            let lever = a.cross(translation) + w.cross(w.cross(translation));
            let mut acceleration = to_child(parent.acceleration + lever);
            match body.motion {
                Motion::Fixed => {}
                Motion::Revolute => {
                    angular_acceleration = angular_acceleration + angular_velocity.cross(qd) + qdd;
                    angular_velocity = angular_velocity + qd;
                }
                Motion::Prismatic => {
                    acceleration = acceleration + angular_velocity.cross(qd) * 2.0 + qdd;
                }
            }
            let (w, a) = (angular_velocity, angular_acceleration);
            let inertia = &body.inertia;
            let com = Model3::constant(inertia.com);
            let force = (acceleration + a.cross(com) + w.cross(w.cross(com))) * inertia.mass;
            let spun = w.cross(w.stretched(&inertia.matrix, stretch));
            let moment = a.stretched(&inertia.matrix, stretch) + spun + com.cross(force);
            bodies.push(BodyModel {
                rotation: pose.rotation,
                turn,
                translation,
                angular_velocity,
                angular_acceleration,
                acceleration,
                force,
                moment,
            });
        }
        bounds.clear();
        bounds.resize(outputs.len(), Model1::default());
        for (b, body) in self.mechanism.bodies.iter().enumerate().skip(1).rev() {
            let state = &bodies[b];
            let effort = match body.motion {
                Motion::Fixed => Model1::default(),
                Motion::Revolute => state.moment.z(),
                Motion::Prismatic => state.force.z(),
            };
            let bound = &mut bounds[body.output];
            *bound = *bound + effort * body.ratio;
            let to_parent = |v: Model3| v.turned_about_z(state.turn, 1.0).turned(&state.rotation);
            let force = to_parent(state.force);
            let moment = to_parent(state.moment) + state.translation.cross(force);
            let parent = &mut bodies[body.parent];
            parent.force = parent.force + force;
            parent.moment = parent.moment + moment;
        }
    }
}

impl Model3 {
    fn constant(center: DVec3) -> Self {
        Self { center, ..Self::default() }
    }

    fn along_z(value: f64, variation: Variation) -> Self {
        Self { center: DVec3::Z * value, slope: DVec3::Z * variation.line, radius: variation.bend }
    }

    fn z(self) -> Model1 {
        Model1 { center: self.center.z, slope: self.slope.z, radius: self.radius }
    }

    /// By a fixed rotation.
    fn turned(self, rotation: &DMat3) -> Self {
        Self { center: *rotation * self.center, slope: *rotation * self.slope, radius: self.radius }
    }

    /// By a fixed matrix that stretches a vector by `stretch` at most.
    fn stretched(self, matrix: &DMat3, stretch: f64) -> Self {
        Self { center: *matrix * self.center, slope: *matrix * self.slope, radius: self.radius * stretch }
    }

    /// By a rotation about +z by `sign` times a varying angle d: with v the part across z,
    /// R(d) u = u + d z x u + [d^2/2 |v|]; the ball keeps its radius. The term in s^2, 0 <= s^2 <= 1,
    /// is centred on half of it.
    fn turned_about_z(self, angle: Variation, sign: f64) -> Self {
        let quarter = |v: DVec3| DVec3::new(-v.y, v.x, 0.0) * sign;
        let (across, slope) = (quarter(self.center), quarter(self.slope));
        let square = slope * (0.5 * angle.line);
        let second = angle.bend + 0.5 * angle.travel * angle.travel;
        Self {
            center: self.center + square,
            slope: self.slope + across * angle.line,
            radius: self.radius + square.length() + second * (across.length() + slope.length()),
        }
    }

    fn cross(self, other: Self) -> Self {
        let square = 0.5 * self.slope.cross(other.slope);
        let size = |m: &Self| m.center.length() + m.slope.length();
        let radius = size(&self) * other.radius + self.radius * (size(&other) + other.radius);
        Self {
            center: self.center.cross(other.center) + square,
            slope: self.center.cross(other.slope) + self.slope.cross(other.center),
            radius: square.length() + radius,
        }
    }
}

impl Add for Model3 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            center: self.center + other.center,
            slope: self.slope + other.slope,
            radius: self.radius + other.radius,
        }
    }
}

impl Add<DVec3> for Model3 {
    type Output = Self;
    fn add(self, other: DVec3) -> Self {
        Self { center: self.center + other, ..self }
    }
}

impl Mul<f64> for Model3 {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self { center: self.center * factor, slope: self.slope * factor, radius: self.radius * factor.abs() }
    }
}

impl Model1 {
    /// The greatest magnitude over the interval.
    fn magnitude(&self) -> f64 {
        self.center.abs() + self.slope.abs() + self.radius
    }
}

impl Add for Model1 {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            center: self.center + other.center,
            slope: self.slope + other.slope,
            radius: self.radius + other.radius,
        }
    }
}

impl Mul<f64> for Model1 {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self { center: self.center * factor, slope: self.slope * factor, radius: self.radius * factor.abs() }
    }
}

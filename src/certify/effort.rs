//! Efforts within their limits at every instant: recursive Newton-Euler (see
//! `Mechanism::inverse_dynamics`) over whole intervals of time, eight at once, halved until each is
//! proved.
//!
//! Over an interval with middle m and half its duration h, every quantity is held as a Taylor model
//! of degree one (Makino and Berz, *Taylor models and other validated functional inclusion methods*,
//! 2003): `center` + `slope` s + [`radius`], with s = (t - m)/h, -1 <= s <= 1, and [x] any vector of
//! length up to x. Its width beyond the linear part shrinks as h^2, so few intervals suffice.

use super::findings::{Findings, WORSE};
use super::interval::{Variation, shift};
use super::options::{INTERVAL, MAX_INTERVALS, ask, floor};
use super::report::{LimitKind, Peak, Peaks, Violation};
use crate::robot::{DynamicsScratch, Inertia, JointMotion, Mechanism};
use crate::stop::Watch;
use crate::trajectory::Trajectory;
use crate::vector::{Doubles, F64_LANES, Kernel, Level, Row64, Simd, Simd64, Vector, Vector3};
use glam::DVec3;
use std::ops::{Add, Mul};

/// The proof for one mechanism.
pub(super) struct Efforts<'a> {
    mechanism: &'a Mechanism,
    gravity: DVec3,
    /// What a limit may be exceeded by, relative to it.
    tolerance: f64,
    /// What each effort may be at most; beyond its limit where a violation is known already.
    allowed: Vec<f64>,
    /// Frobenius norms of the bodies' inertia matrices: by how much they stretch a vector at most.
    stretches: Vec<f64>,
    scratch: EffortScratch,
    pub(super) level: Level,
}

#[derive(Default)]
struct EffortScratch {
    /// Intervals to prove, the earliest last.
    parts: Vec<EffortPart>,
    /// Those at hand, one per lane.
    block: Vec<EffortPart>,
    /// Values, first and second derivatives of the outputs.
    outputs: Vec<[EffortQuantity; 3]>,
    /// Sine and cosine of each body's angle at m.
    angles: Vec<[Row64; 2]>,
    polynomial: Vec<f64>,
    /// Bounds of the efforts: at m, and the greatest magnitude.
    bounds: Vec<[Row64; 2]>,
    /// Working memory of the evaluation at m.
    point: [Vec<f64>; 4],
    dynamics: DynamicsScratch,
}

/// A part of a segment between local times.
#[derive(Clone, Copy)]
struct EffortPart {
    segment: usize,
    from: f64,
    to: f64,
}

/// A scalar at m, and its [`Variation`], per lane.
#[derive(Clone, Copy)]
struct EffortQuantity {
    value: Row64,
    travel: Row64,
    line: Row64,
    second_derivative: Row64,
}

/// A vector or a scalar over the interval.
#[derive(Clone, Copy)]
struct EffortModel<V, F> {
    center: V,
    slope: V,
    radius: F,
}

/// A vector over the interval.
type Arrow<F> = EffortModel<Vector3<F>, F>;

/// How an angle varies about where it stands at m.
#[derive(Clone, Copy)]
struct EffortTurn<F> {
    travel: F,
    line: F,
    second_derivative: F,
}

/// A body over the interval, in its own frame, which moves in its parent's: by a fixed rotation,
/// then by a turn about +z of varying angle.
#[derive(Clone, Copy)]
struct BodyModel<F> {
    /// Its columns.
    rotation: [Vector3<F>; 3],
    turn: EffortTurn<F>,
    translation: Arrow<F>,
    angular_velocity: Arrow<F>,
    angular_acceleration: Arrow<F>,
    acceleration: Arrow<F>,
    force: Arrow<F>,
    moment: Arrow<F>,
}

impl<'a> Efforts<'a> {
    pub(super) fn new(mechanism: &'a Mechanism, gravity: DVec3, tolerance: f64) -> Self {
        let frobenius = |i: &Inertia| i.matrix.to_cols_array().iter().map(|x| x * x).sum::<f64>().sqrt();
        let stretches = mechanism.bodies.iter().map(|b| frobenius(&b.inertia)).collect();
        Self {
            mechanism,
            gravity,
            tolerance,
            allowed: Vec::new(),
            stretches,
            scratch: EffortScratch::default(),
            level: Level::in_use(),
        }
    }

    /// Proves that all efforts keep their limits, fills in their peaks, and returns how many
    /// intervals that took.
    pub(super) fn prove(
        &mut self,
        trajectory: &Trajectory,
        peaks: &mut [Peaks],
        watch: &mut Watch,
        findings: &mut Findings,
    ) -> Result<usize, Violation> {
        self.allowed.clear();
        self.allowed
            .extend(self.mechanism.limits.iter().map(|limits| limits.effort * (1.0 + self.tolerance)));
        for peaks in &mut *peaks {
            peaks.effort = Some(Peak::default());
        }
        let whole = |segment| EffortPart { segment, from: 0.0, to: trajectory.segment(segment).duration };
        self.scratch.parts.clear();
        self.scratch.parts.extend((0..trajectory.len()).rev().map(whole));
        let mut intervals = 0;
        while !self.scratch.parts.is_empty() {
            let rest = self.scratch.parts.len().saturating_sub(F64_LANES);
            self.scratch.block.clear();
            self.scratch.block.extend(self.scratch.parts.drain(rest..));
            ask(watch, F64_LANES as u32 * INTERVAL, intervals)?;
            intervals += self.scratch.block.len();
            self.vary(trajectory);
            self.level.run(EffortBound {
                mechanism: self.mechanism,
                gravity: self.gravity,
                stretches: &self.stretches,
                scratch: &mut self.scratch,
            });
            for lane in 0..self.scratch.block.len() {
                self.judge(trajectory, lane, intervals > MAX_INTERVALS, peaks, findings)?;
            }
        }
        Ok(intervals)
    }

    /// Finds out how the outputs vary over the parts at hand; lanes left over repeat the last.
    fn vary(&mut self, trajectory: &Trajectory) {
        let EffortScratch { block, outputs, angles, polynomial, .. } = &mut self.scratch;
        let none = EffortQuantity {
            value: Row64::ZERO,
            travel: Row64::ZERO,
            line: Row64::ZERO,
            second_derivative: Row64::ZERO,
        };
        outputs.resize(trajectory.dof(), [none; 3]);
        angles.resize(self.mechanism.bodies.len(), [Row64::ZERO; 2]);
        for lane in 0..F64_LANES {
            let part = block[lane.min(block.len() - 1)];
            let (middle, half) = part.middle();
            for (output, orders) in outputs.iter_mut().enumerate() {
                polynomial.clear();
                polynomial.extend_from_slice(trajectory.segment(part.segment).polynomial(output));
                shift(polynomial, middle);
                for (order, quantity) in orders.iter_mut().enumerate() {
                    let factorial = [1.0, 1.0, 2.0][order];
                    let variation = Variation::about(polynomial, order, half);
                    quantity.value.0[lane] = polynomial.get(order).map_or(0.0, |c| factorial * c);
                    quantity.travel.0[lane] = variation.travel;
                    quantity.line.0[lane] = variation.line;
                    quantity.second_derivative.0[lane] = variation.second_derivative();
                }
            }
            for (body, [sine, cosine]) in self.mechanism.bodies.iter().zip(&mut *angles).skip(1) {
                let angle = body.ratio * outputs[body.output][0].value.0[lane] + body.offset;
                (sine.0[lane], cosine.0[lane]) =
                    if body.motion == JointMotion::Revolute { angle.sin_cos() } else { (0.0, 1.0) };
            }
        }
    }

    /// Holds a lane's bounds against the limits: takes note of them, or leaves both halves of the
    /// part to be proved.
    fn judge(
        &mut self,
        trajectory: &Trajectory,
        lane: usize,
        exhausted: bool,
        peaks: &mut [Peaks],
        findings: &mut Findings,
    ) -> Result<(), Violation> {
        let part = self.scratch.block[lane];
        let (middle, half) = part.middle();
        let time = trajectory.knots()[part.segment] + middle;
        let limit = |output: usize| self.mechanism.limits[output].effort;
        let Some(over) = self.first_over(lane) else {
            for (o, (peaks, [center, worst])) in peaks.iter_mut().zip(&self.scratch.bounds).enumerate() {
                let value = worst.0[lane].copysign(center.0[lane]);
                peaks.effort.get_or_insert_default().reach(value, time, [-limit(o), limit(o)]);
            }
            return Ok(());
        };
        let (value, bound) = (self.scratch.bounds[over][1].0[lane], limit(over));
        self.check_instant(lane, time, findings)?;
        if self.first_over(lane).is_none() {
            return Ok(());
        }
        if half * 2.0 <= floor(trajectory) || exhausted {
            self.allowed[over] = value * (1.0 + WORSE);
            let output = self.mechanism.outputs[over].clone();
            return findings.add(Violation::EffortNotProved { output, value, bound, time });
        }
        self.scratch.parts.extend([EffortPart { from: middle, ..part }, EffortPart { to: middle, ..part }]);
        Ok(())
    }

    /// The first output whose effort may be more than it is allowed in a lane's interval.
    fn first_over(&self, lane: usize) -> Option<usize> {
        let within = |(allowed, bounds): (&f64, &[Row64; 2])| bounds[1].0[lane] <= *allowed;
        // A NaN is not within.
        self.allowed.iter().zip(&self.scratch.bounds).position(|both| !within(both))
    }

    /// A lane's efforts at m against their limits.
    fn check_instant(&mut self, lane: usize, time: f64, findings: &mut Findings) -> Result<(), Violation> {
        let EffortScratch { outputs, point: [y, yd, ydd, efforts], dynamics, .. } = &mut self.scratch;
        for (order, values) in [&mut *y, &mut *yd, &mut *ydd].into_iter().enumerate() {
            values.clear();
            values.extend(outputs.iter().map(|output| output[order].value.0[lane]));
        }
        efforts.resize(outputs.len(), 0.0);
        self.mechanism.inverse_dynamics(y, yd, ydd, self.gravity, dynamics, efforts);
        for (output, &value) in efforts.iter().enumerate() {
            let bound = self.mechanism.limits[output].effort;
            let allowed = &mut self.allowed[output];
            if value.abs() > *allowed {
                *allowed = value.abs() * (1.0 + WORSE);
                let output = self.mechanism.outputs[output].clone();
                findings.add(Violation::Limit { output, kind: LimitKind::Effort, value, bound, time })?;
            }
        }
        Ok(())
    }
}

impl EffortPart {
    /// Its middle, and half its duration.
    fn middle(&self) -> (f64, f64) {
        (0.5 * (self.from + self.to), 0.5 * (self.to - self.from))
    }
}

/// Bounds the efforts over the intervals at hand, step by step as `Mechanism::inverse_dynamics`
/// computes them at an instant.
struct EffortBound<'b> {
    mechanism: &'b Mechanism,
    gravity: DVec3,
    stretches: &'b [f64],
    scratch: &'b mut EffortScratch,
}

/// Bodies that are bounded without an allocation.
const FEW: usize = 16;

impl Kernel for EffortBound<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, level: S) {
        let base = BodyModel::base(level, self.mechanism, self.gravity);
        let (mut few, mut many);
        let bodies = if self.mechanism.bodies.len() <= FEW {
            few = [base; FEW];
            &mut few[..]
        } else {
            many = vec![base; self.mechanism.bodies.len()];
            &mut many[..]
        };
        self.outwards(level, bodies);
        self.inwards(level, bodies);
    }
}

impl EffortBound<'_> {
    /// How the bodies move, and the loads of their own inertia, from the base outwards.
    #[inline(always)]
    fn outwards<S: Simd64>(&self, level: S, bodies: &mut [BodyModel<S::F>]) {
        let zero = level.splat(0.0);
        for (b, body) in self.mechanism.bodies.iter().enumerate().skip(1) {
            let [place, speed, pull] = &self.scratch.outputs[body.output];
            let [sine, cosine] = &self.scratch.angles[b];
            let (sine, cosine) = (level.load(sine), level.load(cosine));
            let ratio = level.splat(body.ratio);
            let placement = &body.placement;
            let [x, y, z] = placement.rotation.to_cols_array_2d().map(|column| Vector3::splat(level, column));
            let rotation = [x.mul_add(cosine, y * sine), y.mul_add(cosine, x * (-sine)), z];
            let size = level.splat(body.ratio.abs());
            let variation = EffortTurn {
                travel: level.load(&place.travel) * size,
                line: level.load(&place.line) * ratio,
                second_derivative: level.load(&place.second_derivative) * size,
            };
            let still = EffortTurn { travel: zero, line: zero, second_derivative: zero };
            let mut translation = Arrow::constant(Vector3::splat(level, placement.translation.to_array()));
            let mut turn = variation;
            if body.motion == JointMotion::Prismatic {
                let slide = level.load(&place.value).mul_add(ratio, level.splat(body.offset));
                translation.center = z.mul_add(slide, translation.center);
                translation.slope = z * variation.line;
                translation.radius = variation.second_derivative;
                turn = still;
            }
            let (qd, qdd) =
                (Arrow::along_z(level, speed, ratio, size), Arrow::along_z(level, pull, ratio, size));
            let parent = bodies[body.parent];
            let (w, a) = (parent.angular_velocity, parent.angular_acceleration);
            let lever = match body.motion {
                JointMotion::Prismatic => a.cross(translation) + w.cross(w.cross(translation)),
                _ => Arrow::lever(w, a, translation.center, level.splat(placement.translation.length())),
            };
            let mut angular_velocity = w.turned_back(&rotation).turned_about_z(&turn, level.splat(-1.0));
            let mut angular_acceleration = a.turned_back(&rotation).turned_about_z(&turn, level.splat(-1.0));
            let mut acceleration =
                (parent.acceleration + lever).turned_back(&rotation).turned_about_z(&turn, level.splat(-1.0));
            match body.motion {
                JointMotion::Fixed => {}
                JointMotion::Revolute => {
                    angular_acceleration = angular_acceleration + angular_velocity.cross(qd) + qdd;
                    angular_velocity = angular_velocity + qd;
                }
                JointMotion::Prismatic => {
                    acceleration = acceleration + angular_velocity.cross(qd) * level.splat(2.0) + qdd;
                }
            }
            let (w, a) = (angular_velocity, angular_acceleration);
            let Inertia { mass, com, matrix } = &body.inertia;
            let (com, length) = (Vector3::splat(level, com.to_array()), level.splat(com.length()));
            let matrix = matrix.to_cols_array_2d().map(|column| Vector3::splat(level, column));
            let stretch = level.splat(self.stretches[b]);
            let force = (acceleration + Arrow::lever(w, a, com, length)) * level.splat(*mass);
            let spun = w.cross(w.stretched(&matrix, stretch));
            let moment = a.stretched(&matrix, stretch) + spun + Arrow::constant_cross(com, length, force);
            bodies[b] = BodyModel {
                rotation,
                turn,
                translation,
                angular_velocity,
                angular_acceleration,
                acceleration,
                force,
                moment,
            };
        }
    }

    /// What the joints must pass on, from the tips inwards.
    #[inline(always)]
    fn inwards<S: Simd64>(self, level: S, bodies: &mut [BodyModel<S::F>]) {
        for (b, body) in self.mechanism.bodies.iter().enumerate().skip(1).rev() {
            let state = bodies[b];
            let to_parent = level.splat(1.0);
            let force = state.force.turned_about_z(&state.turn, to_parent).turned(&state.rotation);
            let moment = state.moment.turned_about_z(&state.turn, to_parent).turned(&state.rotation);
            let parent = &mut bodies[body.parent];
            parent.force = parent.force + force;
            let lever = match body.motion {
                JointMotion::Prismatic => state.translation.cross(force),
                _ => {
                    let length = level.splat(body.placement.translation.length());
                    Arrow::constant_cross(state.translation.center, length, force)
                }
            };
            parent.moment = parent.moment + moment + lever;
        }
        let zero = level.splat(0.0);
        let bounds = &mut self.scratch.bounds;
        bounds.clear();
        bounds.resize(self.scratch.outputs.len(), [Row64::ZERO; 2]);
        for (output, [center, greatest]) in bounds.iter_mut().enumerate() {
            // Bodies that mimic load the output too: models are summed before they are bounded.
            let mut effort = EffortModel { center: zero, slope: zero, radius: zero };
            for (body, state) in self.mechanism.bodies.iter().zip(&*bodies).skip(1) {
                if body.output == output {
                    let load = if body.motion == JointMotion::Prismatic {
                        state.force.z()
                    } else {
                        state.moment.z()
                    };
                    effort = effort + load * level.splat(body.ratio);
                }
            }
            effort.center.store(center);
            (effort.center.abs() + effort.slope.abs() + effort.radius).store(greatest);
        }
    }
}

impl<F: Doubles> BodyModel<F> {
    /// The base; accelerating it against free fall loads every body with its weight.
    #[inline(always)]
    fn base<S: Simd64<F = F>>(level: S, mechanism: &Mechanism, gravity: DVec3) -> Self {
        let still = Arrow::constant(Vector3::splat(level, [0.0; 3]));
        let placement = &mechanism.bodies[0].placement;
        let weight = -(placement.rotation.transpose() * gravity);
        let zero = level.splat(0.0);
        Self {
            rotation: placement.rotation.to_cols_array_2d().map(|column| Vector3::splat(level, column)),
            turn: EffortTurn { travel: zero, line: zero, second_derivative: zero },
            translation: Arrow::constant(Vector3::splat(level, placement.translation.to_array())),
            angular_velocity: still,
            angular_acceleration: still,
            acceleration: Arrow::constant(Vector3::splat(level, weight.to_array())),
            force: still,
            moment: still,
        }
    }
}

impl<F: Doubles> Arrow<F> {
    #[inline(always)]
    fn constant(center: Vector3<F>) -> Self {
        let zero = center.x.like(0.0);
        Self { center, slope: Vector3::all(zero), radius: zero }
    }

    /// A scalar times `ratio`, of magnitude `size`, along +z.
    #[inline(always)]
    fn along_z<S: Simd64<F = F>>(level: S, quantity: &EffortQuantity, ratio: F, size: F) -> Self {
        let zero = level.splat(0.0);
        Self {
            center: Vector3 { x: zero, y: zero, z: level.load(&quantity.value) * ratio },
            slope: Vector3 { x: zero, y: zero, z: level.load(&quantity.line) * ratio },
            radius: level.load(&quantity.second_derivative) * size,
        }
    }

    #[inline(always)]
    fn z(self) -> EffortModel<F, F> {
        EffortModel { center: self.center.z, slope: self.slope.z, radius: self.radius }
    }

    /// By a fixed rotation.
    #[inline(always)]
    fn turned(self, rotation: &[Vector3<F>; 3]) -> Self {
        Self { center: times(rotation, self.center), slope: times(rotation, self.slope), ..self }
    }

    /// By the inverse of a fixed rotation.
    #[inline(always)]
    fn turned_back(self, [x, y, z]: &[Vector3<F>; 3]) -> Self {
        let (center, slope) = (self.center, self.slope);
        Self {
            center: Vector3 { x: x.dot(center), y: y.dot(center), z: z.dot(center) },
            slope: Vector3 { x: x.dot(slope), y: y.dot(slope), z: z.dot(slope) },
            ..self
        }
    }

    /// By a fixed matrix that stretches a vector by `stretch` at most.
    #[inline(always)]
    fn stretched(self, matrix: &[Vector3<F>; 3], stretch: F) -> Self {
        Self {
            center: times(matrix, self.center),
            slope: times(matrix, self.slope),
            radius: self.radius * stretch,
        }
    }

    /// By a rotation about +z by `sign` times a varying angle d: with v the part across z,
    /// R(d) u = u + d z x u + [d^2/2 |v|]; the ball keeps its radius. The term in s^2, 0 <= s^2 <= 1,
    /// is centred on half of it.
    #[inline(always)]
    fn turned_about_z(self, angle: &EffortTurn<F>, sign: F) -> Self {
        let (center, zero) = (self.center, sign.like(0.0));
        let across = Vector3 { x: -(center.y * sign), y: center.x * sign, z: zero };
        let slope = Vector3 { x: -(self.slope.y * sign), y: self.slope.x * sign, z: zero };
        let half = sign.like(0.5);
        let share = half * angle.line;
        let steepness = slope.length();
        let second = angle.travel.mul_add(angle.travel * half, angle.second_derivative);
        let size = across.length() + steepness;
        Self {
            center: slope.mul_add(share, self.center),
            slope: across.mul_add(angle.line, self.slope),
            radius: self.radius + steepness * share.abs() + second * size,
        }
    }

    /// a x r + w x (w x r): how much faster the end of a constant arm `r` of such a length accelerates
    /// than its beginning.
    #[inline(always)]
    fn lever(w: Self, a: Self, r: Vector3<F>, length: F) -> Self {
        a.cross_constant(r, length) + w.cross(w.cross_constant(r, length))
    }

    /// self x v, with a constant vector and its length.
    #[inline(always)]
    fn cross_constant(self, v: Vector3<F>, length: F) -> Self {
        Self { center: self.center.cross(v), slope: self.slope.cross(v), radius: self.radius * length }
    }

    /// v x other.
    #[inline(always)]
    fn constant_cross(v: Vector3<F>, length: F, other: Self) -> Self {
        Self { center: v.cross(other.center), slope: v.cross(other.slope), radius: other.radius * length }
    }

    #[inline(always)]
    fn cross(self, other: Self) -> Self {
        let square = self.slope.cross(other.slope) * self.radius.like(0.5);
        let (ours, theirs) = (self.size(), other.size());
        let radius = ours.mul_add(other.radius, self.radius * (theirs + other.radius));
        Self {
            center: self.center.cross(other.center) + square,
            slope: self.center.cross(other.slope) + self.slope.cross(other.center),
            radius: square.length() + radius,
        }
    }

    /// The greatest length, its ball aside.
    #[inline(always)]
    fn size(&self) -> F {
        self.center.length() + self.slope.length()
    }
}

/// A matrix, by its columns, times a vector.
#[inline(always)]
fn times<F: Doubles>([x, y, z]: &[Vector3<F>; 3], v: Vector3<F>) -> Vector3<F> {
    x.mul_add(v.x, y.mul_add(v.y, *z * v.z))
}

impl<V: Add<Output = V>, F: Doubles> Add for EffortModel<V, F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            center: self.center + other.center,
            slope: self.slope + other.slope,
            radius: self.radius + other.radius,
        }
    }
}

impl<V: Mul<F, Output = V>, F: Doubles> Mul<F> for EffortModel<V, F> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: F) -> Self {
        Self { center: self.center * factor, slope: self.slope * factor, radius: self.radius * factor.abs() }
    }
}

//! Inverse dynamics: the efforts a motion takes, by the recursive Newton-Euler algorithm in body
//! frames (Luh, Walker and Paul 1980; Featherstone, *Rigid Body Dynamics Algorithms*, ch. 5).
//! Imports `robot` and `pose`.

use super::{Body, JointMotion, Mechanism};
use crate::pose::Pose;
use glam::DVec3;

/// Working memory of [`Mechanism::inverse_dynamics`]; reuse it to save allocations.
#[derive(Clone, Debug, Default)]
pub struct DynamicsScratch {
    bodies: Vec<BodyState>,
}

/// How a body moves and what acts on it, all in its own frame.
#[derive(Clone, Copy, Debug)]
struct BodyState {
    /// Its frame in its parent's.
    pose: Pose,
    /// Angular velocity, rad/s.
    angular_velocity: DVec3,
    /// Angular acceleration, rad/s^2.
    angular_acceleration: DVec3,
    /// Acceleration of its origin less that of free fall, m/s^2.
    acceleration: DVec3,
    /// Force its joint passes on to it, N.
    force: DVec3,
    /// Moment its joint passes on to it, about its origin, N m.
    moment: DVec3,
}

impl Mechanism {
    /// Writes to `efforts` what drives must supply, N m or N per flat output, to give the flat
    /// outputs accelerations `ydd` where they have values `y` and velocities `yd`:
    /// tau = M(y) y'' + C(y, y') y' + g(y).
    ///
    /// `gravity` is the acceleration of free fall in the world, m/s^2. A body that mimics loads
    /// its output by virtual work: tau = sum of ratio * joint effort over the output's bodies.
    /// No friction and no rotor inertia. All slices hold one number per flat output.
    pub fn inverse_dynamics(
        &self,
        y: &[f64],
        yd: &[f64],
        ydd: &[f64],
        gravity: DVec3,
        scratch: &mut DynamicsScratch,
        efforts: &mut [f64],
    ) {
        let states = &mut scratch.bodies;
        states.clear();
        // Accelerating the base against free fall loads every body with its weight.
        states.push(BodyState {
            pose: self.bodies[0].placement,
            angular_velocity: DVec3::ZERO,
            angular_acceleration: DVec3::ZERO,
            acceleration: -(self.bodies[0].placement.rotation.transpose() * gravity),
            force: DVec3::ZERO,
            moment: DVec3::ZERO,
        });
        for body in &self.bodies[1..] {
            let parent = &states[body.parent];
            let o = body.output;
            states.push(BodyState::moved(parent, body, y[o], yd[o], ydd[o]));
        }
        efforts.fill(0.0);
        for (b, body) in self.bodies.iter().enumerate().skip(1).rev() {
            let state = states[b];
            efforts[body.output] += body.ratio
                * match body.motion {
                    JointMotion::Fixed => 0.0,
                    JointMotion::Revolute => state.moment.z,
                    JointMotion::Prismatic => state.force.z,
                };
            let force = state.pose.vector(state.force);
            let parent = &mut states[body.parent];
            parent.force += force;
            parent.moment += state.pose.vector(state.moment) + state.pose.translation.cross(force);
        }
    }
}

impl BodyState {
    /// The state of `body`, whose parent has state `parent`, and the load of its own inertia.
    fn moved(parent: &Self, body: &Body, y: f64, yd: f64, ydd: f64) -> Self {
        let pose = body.pose(y);
        let (qd, qdd) = (DVec3::Z * (body.ratio * yd), DVec3::Z * (body.ratio * ydd));
        let turned = pose.rotation.transpose();
        let (w, a, t) = (parent.angular_velocity, parent.angular_acceleration, pose.translation);
        let mut angular_velocity = turned * w;
        let mut angular_acceleration = turned * a;
        let mut acceleration = turned * (parent.acceleration + a.cross(t) + w.cross(w.cross(t)));
        match body.motion {
            JointMotion::Fixed => {}
            JointMotion::Revolute => {
                angular_acceleration += angular_velocity.cross(qd) + qdd;
                angular_velocity += qd;
            }
            JointMotion::Prismatic => acceleration += 2.0 * angular_velocity.cross(qd) + qdd,
        }
        let (w, a) = (angular_velocity, angular_acceleration);
        let inertia = &body.inertia;
        let com = inertia.com;
        let force = inertia.mass * (acceleration + a.cross(com) + w.cross(w.cross(com)));
        let moment = inertia.matrix * a + w.cross(inertia.matrix * w) + com.cross(force);
        Self { pose, angular_velocity, angular_acceleration, acceleration, force, moment }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Inertia, JointLimits, random};
    use super::*;
    use glam::{DMat3, DQuat};
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64Mcg;
    use std::f64::consts::FRAC_PI_2;

    const G: f64 = 9.81;

    fn efforts(m: &Mechanism, y: &[f64], yd: &[f64], ydd: &[f64], gravity: DVec3) -> Vec<f64> {
        let mut tau = vec![0.0; m.dof()];
        m.inverse_dynamics(y, yd, ydd, gravity, &mut DynamicsScratch::default(), &mut tau);
        tau
    }

    /// A chain of bodies, each with its own output.
    fn chain(bodies: &[(JointMotion, Pose, Inertia)]) -> Mechanism {
        let body = |parent, motion, placement, output, inertia| Body {
            name: String::new(),
            parent,
            placement,
            motion,
            output,
            ratio: 1.0,
            offset: 0.0,
            inertia,
        };
        let mut all = vec![body(0, JointMotion::Fixed, Pose::IDENTITY, 0, Inertia::ZERO)];
        for (i, &(motion, placement, inertia)) in bodies.iter().enumerate() {
            all.push(body(i, motion, placement, i, inertia));
        }
        Mechanism::bare(all, vec![String::new(); bodies.len()], vec![JointLimits::NONE; bodies.len()])
    }

    fn assert_close(got: &[f64], want: &[f64], tolerance: f64) {
        for (g, w) in got.iter().zip(want) {
            assert!((g - w).abs() <= tolerance * (1.0 + w.abs()), "{got:?} instead of {want:?}");
        }
    }

    proptest! {
        /// Two-link planar arm, gravity in its plane (Spong, Hutchinson and Vidyasagar, *Robot
        /// Modeling and Control*, sec. 7.3).
        #[test]
        fn two_link_arm(q in [-3.0..3.0_f64, -3.0..3.0], v in [-3.0..3.0, -3.0..3.0], a in [-9.0..9.0, -9.0..9.0]) {
            let (m1, m2, l1, c1, c2, i1, i2) = (2.0, 1.5, 0.7, 0.3, 0.25, 0.04, 0.03);
            let inertia = |mass, c, i| Inertia {
                mass,
                com: DVec3::X * c,
                matrix: DMat3::from_diagonal(DVec3::new(0.5, 0.6, i)),
            };
            let arm = chain(&[
                (JointMotion::Revolute, Pose::IDENTITY, inertia(m1, c1, i1)),
                (JointMotion::Revolute, Pose::from_translation(DVec3::X * l1), inertia(m2, c2, i2)),
            ]);
            let m11 = i1 + i2 + m1 * c1 * c1 + m2 * (l1 * l1 + c2 * c2 + 2.0 * l1 * c2 * q[1].cos());
            let m12 = i2 + m2 * (c2 * c2 + l1 * c2 * q[1].cos());
            let m22 = i2 + m2 * c2 * c2;
            let h = -m2 * l1 * c2 * q[1].sin();
            let far = m2 * c2 * G * (q[0] + q[1]).cos();
            let want = [
                m11 * a[0] + m12 * a[1] + h * v[1] * (2.0 * v[0] + v[1])
                    + (m1 * c1 + m2 * l1) * G * q[0].cos() + far,
                m12 * a[0] + m22 * a[1] - h * v[0] * v[0] + far,
            ];
            assert_close(&efforts(&arm, &q, &v, &a, DVec3::NEG_Y * G), &want, 1e-12);
        }

        /// A slide on a turning boom: [angle, extension], gravity in the plane.
        #[test]
        fn polar_arm(q in [-3.0..3.0_f64, 0.1..2.0], v in [-3.0..3.0_f64, -3.0..3.0], a in [-9.0..9.0, -9.0..9.0]) {
            let (m1, m2, c1, i1, i2) = (2.0, 1.5, 0.3, 0.04, 0.03);
            let slide = Pose::new(DQuat::from_rotation_y(FRAC_PI_2), DVec3::ZERO);
            let boom = Inertia {
                mass: m1, com: DVec3::X * c1, matrix: DMat3::from_diagonal(DVec3::Z * i1)
            };
            // The boom's z axis is the slide's -x axis.
            let load = Inertia { mass: m2, com: DVec3::ZERO, matrix: DMat3::from_diagonal(DVec3::X * i2) };
            let arm = chain(&[(JointMotion::Revolute, Pose::IDENTITY, boom), (JointMotion::Prismatic, slide, load)]);
            let want = [
                (i1 + i2 + m1 * c1 * c1 + m2 * q[1] * q[1]) * a[0] + 2.0 * m2 * q[1] * v[0] * v[1]
                    + (m1 * c1 + m2 * q[1]) * G * q[0].cos(),
                m2 * (a[1] - q[1] * v[0] * v[0] + G * q[0].sin()),
            ];
            assert_close(&efforts(&arm, &q, &v, &a, DVec3::NEG_Y * G), &want, 1e-12);
        }

        /// A pole on a cart: [cart along x, pole's angle from x], gravity in the plane.
        #[test]
        fn cart_and_pole(q in [-3.0..3.0_f64, -3.0..3.0], v in [-3.0..3.0, -3.0..3.0], a in [-9.0..9.0, -9.0..9.0]) {
            let (mc, mp, l, i) = (2.0, 0.7, 0.4, 0.02);
            let along_x = Pose::new(DQuat::from_rotation_y(FRAC_PI_2), DVec3::ZERO);
            let cart = Inertia { mass: mc, ..Inertia::ZERO };
            let pole = Inertia {
                mass: mp, com: DVec3::X * l, matrix: DMat3::from_diagonal(DVec3::Z * i)
            };
            let arm = chain(&[(JointMotion::Prismatic, along_x, cart), (JointMotion::Revolute, along_x.inverse(), pole)]);
            let want = [
                (mc + mp) * a[0] - mp * l * (a[1] * q[1].sin() + v[1] * v[1] * q[1].cos()),
                (i + mp * l * l) * a[1] - mp * l * a[0] * q[1].sin() + mp * l * G * q[1].cos(),
            ];
            assert_close(&efforts(&arm, &q, &v, &a, DVec3::NEG_Y * G), &want, 1e-12);
        }

        /// What the drives put in is what the energy gains, energy being read off the places alone.
        #[test]
        fn power_is_the_rate_of_energy(seed in any::<u64>(), bodies in 1usize..8) {
            let rng = &mut Pcg64Mcg::seed_from_u64(seed);
            let m = random::mechanism(rng, bodies);
            let gravity = random::point(rng, 10.0);
            let n = m.dof();
            let mut draw = || (0..n).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f64>>();
            let (y, yd, ydd) = (draw(), draw(), draw());
            let at = |t: f64| (0..n).map(|i| y[i] + t * yd[i] + 0.5 * t * t * ydd[i]).collect::<Vec<f64>>();
            let energy = |t: f64| {
                let h = 1e-4;
                let (mut before, mut now, mut after) = (Vec::new(), Vec::new(), Vec::new());
                m.place(&at(t - h), &mut before);
                m.place(&at(t), &mut now);
                m.place(&at(t + h), &mut after);
                let mut sum = 0.0;
                for (b, body) in m.bodies.iter().enumerate() {
                    let Inertia { mass, com, matrix } = body.inertia;
                    let v = (after[b].point(com) - before[b].point(com)) / (2.0 * h);
                    let rate = (after[b].rotation - before[b].rotation) * (0.5 / h);
                    let spin = now[b].rotation.transpose() * rate;
                    let w = DVec3::new(spin.y_axis.z, spin.z_axis.x, spin.x_axis.y);
                    sum += 0.5 * (mass * v.length_squared() + w.dot(matrix * w));
                    sum -= mass * gravity.dot(now[b].point(com));
                }
                sum
            };
            let h = 1e-3;
            // A central difference of fourth order.
            let rate = (8.0 * (energy(h) - energy(-h)) - (energy(2.0 * h) - energy(-2.0 * h))) / (12.0 * h);
            let tau = efforts(&m, &y, &yd, &ydd, gravity);
            let power: f64 = tau.iter().zip(&yd).map(|(t, v)| t * v).sum();
            let scale: f64 = 1.0 + tau.iter().zip(&yd).map(|(t, v)| (t * v).abs()).sum::<f64>();
            prop_assert!((power - rate).abs() < 1e-5 * scale, "power {power}, energy's rate {rate}");
        }

        /// The mass matrix, read off column by column, is symmetric and positive definite.
        #[test]
        fn mass_matrix_is_symmetric_and_positive(seed in any::<u64>(), bodies in 1usize..8) {
            let rng = &mut Pcg64Mcg::seed_from_u64(seed);
            let m = random::mechanism(rng, bodies);
            let n = m.dof();
            let y: Vec<f64> = (0..n).map(|_| rng.random_range(-3.0..3.0)).collect();
            let zero = vec![0.0; n];
            let column = |j: usize| {
                let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
                efforts(&m, &y, &zero, &unit, DVec3::ZERO)
            };
            let mut matrix: Vec<Vec<f64>> = (0..n).map(column).collect();
            let size = 1.0 + matrix.iter().flatten().fold(0.0, |s: f64, v| s.max(v.abs()));
            for (i, row) in matrix.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    prop_assert!((value - matrix[j][i]).abs() < 1e-12 * size);
                }
            }
            // Gaussian elimination without exchange meets positive pivots only (Sylvester).
            while let Some(row) = matrix.pop() {
                let pivot = row[row.len() - 1];
                prop_assert!(pivot > 0.0, "pivot is {pivot}");
                for other in &mut matrix {
                    let factor = other.pop().unwrap_or(0.0) / pivot;
                    other.iter_mut().zip(&row).for_each(|(o, v)| *o -= factor * v);
                }
            }
        }
    }
}

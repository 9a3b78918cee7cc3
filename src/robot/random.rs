//! Random mechanisms for property tests.

use super::{Body, CollisionLink, Inertia, JointLimits, JointMotion, Mechanism, Sphere};
use crate::pose::Pose;
use glam::{DMat3, DQuat, DVec3};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// A point of the cube of half-width `reach` about the origin.
pub(crate) fn point(rng: &mut Pcg64Mcg, reach: f64) -> DVec3 {
    DVec3::from_array(std::array::from_fn(|_| rng.random_range(-reach..reach)))
}

/// Any rotation, and a translation of the cube of half-width `reach`.
pub(crate) fn pose(rng: &mut Pcg64Mcg, reach: f64) -> Pose {
    Pose::new(DQuat::from_scaled_axis(point(rng, 2.0)), point(rng, reach))
}

/// A body of a few point masses, so that its inertia is one that matter can have.
fn inertia(rng: &mut Pcg64Mcg) -> Inertia {
    (0..4).fold(Inertia::ZERO, |sum, _| {
        let grain = Inertia { mass: rng.random_range(0.1..2.0), com: point(rng, 0.3), matrix: DMat3::ZERO };
        sum.joined(&grain)
    })
}

/// A tree of `bodies` moving bodies with revolute, prismatic and mimicking joints, one link with a
/// few spheres on every body and every pair of links checked; no limits.
pub(crate) fn mechanism(rng: &mut Pcg64Mcg, bodies: usize) -> Mechanism {
    let fixed = Body {
        name: "base".into(),
        parent: 0,
        placement: pose(rng, 0.5),
        motion: JointMotion::Fixed,
        output: 0,
        ratio: 0.0,
        offset: 0.0,
        inertia: Inertia::ZERO,
    };
    let mut m = Mechanism::bare(vec![fixed], Vec::new(), Vec::new());
    for b in 1..=bodies {
        let mimics = !m.outputs.is_empty() && rng.random_bool(0.2);
        let output = if mimics { rng.random_range(0..m.outputs.len()) } else { m.outputs.len() };
        if !mimics {
            m.outputs.push(format!("y{output}"));
            m.limits.push(JointLimits::NONE);
        }
        m.bodies.push(Body {
            name: format!("b{b}"),
            // Mostly chains, some branches.
            parent: if rng.random_bool(0.7) { b - 1 } else { rng.random_range(0..b) },
            placement: pose(rng, 0.4),
            motion: if rng.random_bool(0.7) { JointMotion::Revolute } else { JointMotion::Prismatic },
            output,
            ratio: if mimics { rng.random_range(-1.5..1.5) } else { 1.0 },
            offset: if mimics { rng.random_range(-0.5..0.5) } else { 0.0 },
            inertia: inertia(rng),
        });
    }
    for body in 0..=bodies {
        let first = m.spheres.len();
        for _ in 0..rng.random_range(1..5) {
            m.spheres.push(Sphere { center: point(rng, 0.15), radius: rng.random_range(0.02..0.08) });
        }
        let bound = Sphere {
            center: DVec3::ZERO,
            radius: m.spheres[first..].iter().map(|s| s.center.length() + s.radius).fold(0.0, f64::max),
        };
        m.links.push(CollisionLink {
            name: format!("l{body}"),
            body,
            spheres: first..m.spheres.len(),
            bound,
            padding: 0.0,
        });
        m.pairs.extend((0..body).map(|other| [other, body]));
    }
    m
}

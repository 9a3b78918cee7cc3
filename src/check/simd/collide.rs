//! Stage `collide`: spheres against the world, then links against each other. Each link's bounding
//! sphere is tested first, by way of the hierarchy over the world; its own spheres only meet what the
//! bound touches in some lane.

use super::super::packed::{INNER, Packed, PackedObstacle, PackedWorld};
use super::super::{Status, Verdict};
use super::{Scratch, V3, first_lane, place};
use crate::lanes::Simd;

/// Obstacles that a link's bound touches: indices into the list of each kind.
#[derive(Default)]
pub(super) struct Near {
    spheres: Vec<u32>,
    cuboids: Vec<u32>,
    capsules: Vec<u32>,
    cylinders: Vec<u32>,
    half_spaces: Vec<u32>,
}

impl Near {
    fn clear(&mut self) {
        self.spheres.clear();
        self.cuboids.clear();
        self.capsules.clear();
        self.cylinders.clear();
        self.half_spaces.clear();
    }

    fn is_empty(&self) -> bool {
        self.spheres.is_empty()
            && self.cuboids.is_empty()
            && self.capsules.is_empty()
            && self.cylinders.is_empty()
            && self.half_spaces.is_empty()
    }
}

/// The moving links against the world.
#[inline(always)]
pub(super) fn world<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, count: usize) -> Verdict {
    for link in 0..packed.moving_links {
        let l = &packed.links[link];
        let center = place::center(s, &scratch.poses[l.body as usize], &l.bound);
        center.store(s, &mut scratch.bounds[link]);
        gather(s, packed, center, l.bound.radius + packed.padding, &mut scratch.near);
        if scratch.near.is_empty() {
            continue;
        }
        place::link(s, packed, scratch, link);
        for sphere in l.first as usize..l.end as usize {
            let center = V3::load(s, &scratch.centers[sphere]);
            let radius = packed.spheres[sphere].radius + packed.padding;
            if let Some((lane, obstacle)) = hit(s, &packed.world, &scratch.near, center, radius, count) {
                let time = scratch.time.0[lane];
                return Verdict::invalid(Status::World, time, l.index as usize, obstacle as usize);
            }
        }
    }
    Verdict::VALID
}

/// Lists the obstacles that a ball touches in any lane: a walk over the hierarchy tests those whose
/// boxes it meets.
#[inline(always)]
fn gather<S: Simd>(s: S, packed: &Packed, center: V3<S>, radius: f32, near: &mut Near) {
    let touch = Ball::new(s, center, radius);
    near.clear();
    let mut next = 0;
    while let Some(node) = packed.hierarchy.get(next) {
        if !s.any(touch.aligned_box(s, &node.lower, &node.upper)) {
            next = node.skip as usize;
            continue;
        }
        next += 1;
        if node.obstacle == INNER {
            continue;
        }
        let mut i = node.obstacle as usize;
        macro_rules! gather_kind {
            ($kind:ident, $test:ident) => {
                if let Some(obstacle) = packed.world.$kind.get(i) {
                    if s.any(touch.$test(s, obstacle)) {
                        near.$kind.push(i as u32);
                    }
                    continue;
                }
                i -= packed.world.$kind.len();
            };
        }
        gather_kind!(spheres, sphere);
        gather_kind!(cuboids, cuboid);
        gather_kind!(capsules, capsule);
        if s.any(touch.cylinder(s, &packed.world.cylinders[i])) {
            near.cylinders.push(i as u32);
        }
    }
    for (i, obstacle) in packed.world.half_spaces.iter().enumerate() {
        if s.any(touch.half_space(s, obstacle)) {
            near.half_spaces.push(i as u32);
        }
    }
}

/// The first lane in which a ball touches one of the near obstacles, and that obstacle.
#[inline(always)]
fn hit<S: Simd>(
    s: S,
    world: &PackedWorld,
    near: &Near,
    center: V3<S>,
    radius: f32,
    count: usize,
) -> Option<(usize, u32)> {
    let touch = Ball::new(s, center, radius);
    macro_rules! hit_kind {
        ($kind:ident, $test:ident) => {
            for &i in &near.$kind {
                let obstacle = &world.$kind[i as usize];
                if let Some(lane) = first_lane(s, touch.$test(s, obstacle), count) {
                    return Some((lane, obstacle.index));
                }
            }
        };
    }
    hit_kind!(spheres, sphere);
    hit_kind!(cuboids, cuboid);
    hit_kind!(capsules, capsule);
    hit_kind!(cylinders, cylinder);
    hit_kind!(half_spaces, half_space);
    None
}

/// A ball in each lane, and whether it touches an obstacle.
struct Ball<S: Simd> {
    center: V3<S>,
    radius: S::F,
    radius2: S::F,
}

impl<S: Simd> Ball<S> {
    #[inline(always)]
    fn new(s: S, center: V3<S>, radius: f32) -> Self {
        let radius = s.splat(radius);
        Self { center, radius, radius2: s.mul(radius, radius) }
    }

    /// One coordinate of the centre in the obstacle's frame.
    #[inline(always)]
    fn local(&self, s: S, o: &PackedObstacle, axis: usize) -> S::F {
        let row = V3::splat(s, o.rotation[axis]);
        let x = s.mul_add(row.x, self.center.x, s.splat(o.translation[axis]));
        s.mul_add(row.z, self.center.z, s.mul_add(row.y, self.center.y, x))
    }

    /// How far |x| goes beyond `size`, at least zero.
    #[inline(always)]
    fn beyond(s: S, x: S::F, size: f32) -> S::F {
        s.max(s.sub(s.abs(x), s.splat(size)), s.splat(0.0))
    }

    /// A box with faces across the world's axes, by its corners.
    #[inline(always)]
    fn aligned_box(&self, s: S, lower: &[f32; 3], upper: &[f32; 3]) -> S::M {
        let (lower, upper) = (V3::splat(s, *lower), V3::splat(s, *upper));
        let (below, above) = (lower.sub(s, self.center), self.center.sub(s, upper));
        let zero = s.splat(0.0);
        let d = V3 {
            x: s.max(s.max(below.x, above.x), zero),
            y: s.max(s.max(below.y, above.y), zero),
            z: s.max(s.max(below.z, above.z), zero),
        };
        s.lt(d.dot(s, d), self.radius2)
    }

    #[inline(always)]
    fn sphere(&self, s: S, o: &PackedObstacle) -> S::M {
        let d = V3 { x: self.local(s, o, 0), y: self.local(s, o, 1), z: self.local(s, o, 2) };
        let reach = s.add(self.radius, s.splat(o.size[0]));
        s.lt(d.dot(s, d), s.mul(reach, reach))
    }

    #[inline(always)]
    fn cuboid(&self, s: S, o: &PackedObstacle) -> S::M {
        let d = V3 {
            x: Self::beyond(s, self.local(s, o, 0), o.size[0]),
            y: Self::beyond(s, self.local(s, o, 1), o.size[1]),
            z: Self::beyond(s, self.local(s, o, 2), o.size[2]),
        };
        s.lt(d.dot(s, d), self.radius2)
    }

    #[inline(always)]
    fn capsule(&self, s: S, o: &PackedObstacle) -> S::M {
        let z = Self::beyond(s, self.local(s, o, 2), o.size[1]);
        let d = V3 { x: self.local(s, o, 0), y: self.local(s, o, 1), z };
        let reach = s.add(self.radius, s.splat(o.size[0]));
        s.lt(d.dot(s, d), s.mul(reach, reach))
    }

    #[inline(always)]
    fn cylinder(&self, s: S, o: &PackedObstacle) -> S::M {
        let (x, y) = (self.local(s, o, 0), self.local(s, o, 1));
        let rho = s.sqrt(s.mul_add(y, y, s.mul(x, x)));
        let r = s.max(s.sub(rho, s.splat(o.size[0])), s.splat(0.0));
        let z = Self::beyond(s, self.local(s, o, 2), o.size[1]);
        s.lt(s.mul_add(z, z, s.mul(r, r)), self.radius2)
    }

    #[inline(always)]
    fn half_space(&self, s: S, o: &PackedObstacle) -> S::M {
        s.lt(self.local(s, o, 2), self.radius)
    }
}

/// Links against each other.
#[inline(always)]
pub(super) fn itself<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, count: usize) -> Verdict {
    for link in packed.moving_links..packed.links.len() {
        let l = &packed.links[link];
        let center = place::center(s, &scratch.poses[l.body as usize], &l.bound);
        center.store(s, &mut scratch.bounds[link]);
    }
    for &[a, b] in &packed.pairs {
        let (a, b) = (a as usize, b as usize);
        let (la, lb) = (&packed.links[a], &packed.links[b]);
        let d = V3::load(s, &scratch.bounds[a]).sub(s, V3::load(s, &scratch.bounds[b]));
        let reach = la.bound.radius + lb.bound.radius + packed.padding;
        if !s.any(s.lt(d.dot(s, d), s.splat(reach * reach))) {
            continue;
        }
        place::link(s, packed, scratch, a);
        place::link(s, packed, scratch, b);
        for i in la.first as usize..la.end as usize {
            let center = V3::load(s, &scratch.centers[i]);
            for j in lb.first as usize..lb.end as usize {
                let d = center.sub(s, V3::load(s, &scratch.centers[j]));
                let reach = packed.spheres[i].radius + packed.spheres[j].radius + packed.padding;
                if let Some(lane) = first_lane(s, s.lt(d.dot(s, d), s.splat(reach * reach)), count) {
                    let time = scratch.time.0[lane];
                    return Verdict::invalid(
                        Status::SelfCollision,
                        time,
                        la.index as usize,
                        lb.index as usize,
                    );
                }
            }
        }
    }
    Verdict::VALID
}

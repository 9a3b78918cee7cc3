//! Stage `collide`: spheres against the world, then links against each other. Each link's bounding
//! sphere is tested first, by way of the hierarchy over the world; its own spheres only meet what the
//! bound touches in some lane. Sums of hits are taken before any branch: one per link and obstacle.

use super::super::packed::{INNER, Packed, PackedNode, PackedObstacle};
use super::super::{Status, Verdict};
use super::{Scratch, V3, first_lane, place};
use crate::lanes::Simd;

/// The moving links against the world, the last of the chain first: they move most, and touch most.
#[inline(always)]
pub(super) fn world<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, count: usize) -> Verdict {
    for link in (0..packed.moving_links).rev() {
        if let Some((lane, obstacle)) = link_hits(s, packed, scratch, link, count) {
            let link = packed.links[link].index as usize;
            return Verdict::invalid(Status::World, scratch.time.0[lane], link, obstacle as usize);
        }
    }
    Verdict::VALID
}

/// The first lane in which a link touches an obstacle, and that obstacle. A walk over the hierarchy
/// tests the link's bound against the obstacles whose boxes it meets, and the link's spheres against
/// those that the bound touches.
#[inline(always)]
fn link_hits<S: Simd>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    link: usize,
    count: usize,
) -> Option<(usize, u32)> {
    let world = &packed.world;
    let l = &packed.links[link];
    let bound = Ball::new(s, V3::load(s, &scratch.bounds[link]), l.bound.radius + packed.padding);
    let around = Around::new(s, &bound);
    // The spheres against an obstacle that the bound touches.
    macro_rules! spheres {
        ($test:ident, $obstacle:expr) => {
            let obstacle = $obstacle;
            place::link(s, packed, scratch, link);
            let mut hit = s.none();
            for sphere in l.first as usize..l.end as usize {
                let radius = packed.spheres[sphere].radius + packed.padding;
                let ball = Ball::new(s, V3::load(s, &scratch.centers[sphere]), radius);
                hit = s.or(hit, ball.$test(s, obstacle));
            }
            if let Some(lane) = first_lane(s, hit, count) {
                return Some((lane, obstacle.index));
            }
        };
    }
    let mut next = 0;
    while let Some(node) = packed.hierarchy.get(next) {
        if !s.any(around.meets(s, node)) {
            next = node.skip as usize;
            continue;
        }
        next += 1;
        if node.obstacle == INNER {
            continue;
        }
        let mut i = node.obstacle as usize;
        macro_rules! kind {
            ($kind:ident, $test:ident) => {
                if let Some(obstacle) = world.$kind.get(i) {
                    if s.any(bound.$test(s, obstacle)) {
                        spheres!($test, obstacle);
                    }
                    continue;
                }
                i -= world.$kind.len();
            };
        }
        kind!(spheres, sphere);
        if i < world.aligned {
            // The node's box is the obstacle itself.
            spheres!(aligned_cuboid, &world.cuboids[i]);
            continue;
        }
        kind!(cuboids, cuboid);
        kind!(capsules, capsule);
        if s.any(bound.cylinder(s, &world.cylinders[i])) {
            spheres!(cylinder, &world.cylinders[i]);
        }
    }
    for obstacle in &world.half_spaces {
        if s.any(bound.half_space(s, obstacle)) {
            spheres!(half_space, obstacle);
        }
    }
    None
}

/// The box around a ball in each lane.
struct Around<S: Simd> {
    lower: V3<S>,
    upper: V3<S>,
}

impl<S: Simd> Around<S> {
    #[inline(always)]
    fn new(s: S, ball: &Ball<S>) -> Self {
        let radius = V3 { x: ball.radius, y: ball.radius, z: ball.radius };
        Self { lower: ball.center.sub(s, radius), upper: ball.center.add(s, radius) }
    }

    /// Whether it meets a node's box.
    #[inline(always)]
    fn meets(&self, s: S, node: &PackedNode) -> S::M {
        let (lower, upper) = (V3::splat(s, node.lower), V3::splat(s, node.upper));
        let x = s.and(s.lt(self.lower.x, upper.x), s.lt(lower.x, self.upper.x));
        let y = s.and(s.lt(self.lower.y, upper.y), s.lt(lower.y, self.upper.y));
        let z = s.and(s.lt(self.lower.z, upper.z), s.lt(lower.z, self.upper.z));
        s.and(s.and(x, y), z)
    }
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

    /// A box with faces across the world's axes.
    #[inline(always)]
    fn aligned_cuboid(&self, s: S, o: &PackedObstacle) -> S::M {
        let local = self.center.add(s, V3::splat(s, o.translation));
        let d = V3 {
            x: Self::beyond(s, local.x, o.size[0]),
            y: Self::beyond(s, local.y, o.size[1]),
            z: Self::beyond(s, local.z, o.size[2]),
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

/// Links against each other: where the bounds of two touch, each sphere of the one that touches the
/// other's bound against the other's spheres.
#[inline(always)]
pub(super) fn itself<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, count: usize) -> Verdict {
    for &[a, b] in &packed.pairs {
        let (a, b) = (a as usize, b as usize);
        let (la, lb) = (&packed.links[a], &packed.links[b]);
        let other = V3::load(s, &scratch.bounds[b]);
        let reach = lb.bound.radius + packed.padding;
        if !s.any(touch(s, V3::load(s, &scratch.bounds[a]), other, la.bound.radius + reach)) {
            continue;
        }
        place::link(s, packed, scratch, a);
        place::link(s, packed, scratch, b);
        let mut hit = s.none();
        for i in la.first as usize..la.end as usize {
            let center = V3::load(s, &scratch.centers[i]);
            let radius = packed.spheres[i].radius;
            if !s.any(touch(s, center, other, radius + reach)) {
                continue;
            }
            for j in lb.first as usize..lb.end as usize {
                let reach = radius + packed.spheres[j].radius + packed.padding;
                hit = s.or(hit, touch(s, center, V3::load(s, &scratch.centers[j]), reach));
            }
        }
        if let Some(lane) = first_lane(s, hit, count) {
            let time = scratch.time.0[lane];
            return Verdict::invalid(Status::SelfCollision, time, la.index as usize, lb.index as usize);
        }
    }
    Verdict::VALID
}

/// Whether two points are nearer than `reach`.
#[inline(always)]
fn touch<S: Simd>(s: S, a: V3<S>, b: V3<S>, reach: f32) -> S::M {
    let d = a.sub(s, b);
    s.lt(d.dot(s, d), s.splat(reach * reach))
}

//! Stage `collide`: spheres against the world, then links against each other. Each link's bounding
//! sphere is tested first, by way of the hierarchy over the world; its own spheres only meet what the
//! bound touches in some lane. Sums of hits are taken before any branch: one per link and obstacle.

use super::super::packed::{INNER, NO_MASK, Packed, PackedNode, PackedObstacle, PackedPair};
use super::super::{Status, Verdict};
use super::place;
use super::scratch::{Scratch, V3};
use crate::lanes::{Lane, Simd};
use std::ops::Range;

/// What is done about the lanes in which something touches. Its methods must be `#[inline(always)]`.
pub(super) trait Contacts {
    /// Lanes that are still of interest, a bit each.
    fn open(&self) -> u32;
    /// Is told in which lanes a link touches an obstacle or another link; `true` where that is enough.
    fn touch(&mut self, lanes: u32, status: Status, subject: usize, other: usize) -> bool;
}

/// Stops at the first contact, and keeps it: the verdict of a block whose samples are one edge's.
pub(super) struct First {
    lanes: u32,
    /// The lowest lane that touches, and what.
    contact: (usize, Status, usize, usize),
}

impl First {
    /// The first contact among the first `count` lanes.
    #[inline(always)]
    pub(super) fn of(count: usize) -> Self {
        Self { lanes: lowest(count), contact: (0, Status::Valid, 0, 0) }
    }

    /// The contact, at the time of its lane.
    #[inline(always)]
    pub(super) fn verdict(&self, time: &Lane) -> Verdict {
        let (lane, status, subject, other) = self.contact;
        Verdict::invalid(status, time.0[lane], subject, other)
    }
}

impl Contacts for First {
    #[inline(always)]
    fn open(&self) -> u32 {
        self.lanes
    }

    #[inline(always)]
    fn touch(&mut self, lanes: u32, status: Status, subject: usize, other: usize) -> bool {
        self.contact = (lanes.trailing_zeros() as usize, status, subject, other);
        true
    }
}

/// Goes on until every lane has touched something: for states that have nothing to do with each other.
pub(super) struct Free(u32);

impl Free {
    /// The first `count` lanes, of none of which anything is known.
    #[inline(always)]
    pub(super) fn of(count: usize) -> Self {
        Self(lowest(count))
    }

    /// Whether nothing touches in a lane.
    #[inline(always)]
    pub(super) fn has(&self, lane: usize) -> bool {
        self.0 >> lane & 1 == 1
    }
}

impl Contacts for Free {
    #[inline(always)]
    fn open(&self) -> u32 {
        self.0
    }

    #[inline(always)]
    fn touch(&mut self, lanes: u32, _: Status, _: usize, _: usize) -> bool {
        self.0 &= !lanes;
        self.0 == 0
    }
}

/// The first `count` lanes, a bit each.
#[inline(always)]
fn lowest(count: usize) -> u32 {
    ((1_u64 << count) - 1) as u32
}

/// The moving links against the world, the last of the chain first: they move most, and touch most.
/// Whether `contacts` need to know no more.
#[inline(always)]
pub(super) fn world<S: Simd>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    contacts: &mut impl Contacts,
) -> bool {
    for link in (0..packed.moving_links).rev() {
        if link_touches(s, packed, scratch, link, contacts) {
            return true;
        }
    }
    false
}

/// One link against the world. A walk over the hierarchy tests the link's bound against the obstacles
/// whose boxes it meets, and the link's spheres against those that the bound touches.
#[inline(always)]
fn link_touches<S: Simd>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    link: usize,
    contacts: &mut impl Contacts,
) -> bool {
    let world = &packed.world;
    let l = &packed.links[link];
    let bound =
        Ball::new(s, V3::load(s, &scratch.bounds[link]), l.bound.radius + packed.padding + packed.clearance);
    let around = Around::new(s, &bound);
    // The spheres against an obstacle that the bound touches.
    macro_rules! spheres {
        ($test:ident, $obstacle:expr) => {
            let obstacle = $obstacle;
            place::link(s, packed, scratch, link);
            let mut hit = s.none();
            for sphere in l.first as usize..l.end as usize {
                let radius = packed.spheres[sphere].radius + packed.padding + packed.clearance;
                let ball = Ball::new(s, V3::load(s, &scratch.centers[sphere]), radius);
                hit = s.or(hit, ball.$test(s, obstacle));
            }
            let lanes = s.bits(hit) & contacts.open();
            let (subject, other) = (l.index as usize, obstacle.index as usize);
            if lanes != 0 && contacts.touch(lanes, Status::World, subject, other) {
                return true;
            }
        };
    }
    let mut next = 0;
    while let Some(node) = packed.hierarchy.get(next) {
        if s.bits(around.meets(s, node)) & contacts.open() == 0 {
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
                    if s.bits(bound.$test(s, obstacle)) & contacts.open() != 0 {
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
        if s.bits(bound.cylinder(s, &world.cylinders[i])) & contacts.open() != 0 {
            spheres!(cylinder, &world.cylinders[i]);
        }
    }
    for obstacle in &world.half_spaces {
        if s.bits(bound.half_space(s, obstacle)) & contacts.open() != 0 {
            spheres!(half_space, obstacle);
        }
    }
    false
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
/// other's bound against the other's spheres, but for those that always touch.
#[inline(always)]
pub(super) fn itself<S: Simd>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    contacts: &mut impl Contacts,
) -> bool {
    for &PackedPair { links: [a, b], mask } in &packed.pairs {
        let (a, b) = (a as usize, b as usize);
        let (la, lb) = (&packed.links[a], &packed.links[b]);
        let other = V3::load(s, &scratch.bounds[b]);
        let reach = lb.bound.radius + packed.padding;
        let near = touch(s, V3::load(s, &scratch.bounds[a]), other, la.bound.radius + reach);
        if s.bits(near) & contacts.open() == 0 {
            continue;
        }
        place::link(s, packed, scratch, a);
        place::link(s, packed, scratch, b);
        let mut hit = s.none();
        let theirs = lb.first as usize..lb.end as usize;
        for i in la.first as usize..la.end as usize {
            let center = V3::load(s, &scratch.centers[i]);
            let radius = packed.spheres[i].radius;
            if !s.any(touch(s, center, other, radius + reach)) {
                continue;
            }
            let padded = radius + packed.padding;
            let touched = if mask == NO_MASK {
                touches_any(s, packed, scratch, center, padded, theirs.clone(), |_| false)
            } else {
                let masks = &packed.masks[mask as usize..];
                let row = (i - la.first as usize) * theirs.len();
                touches_any(s, packed, scratch, center, padded, theirs.clone(), |j| is_set(masks, row + j))
            };
            hit = s.or(hit, touched);
        }
        let lanes = s.bits(hit) & contacts.open();
        let (subject, other) = (la.index as usize, lb.index as usize);
        if lanes != 0 && contacts.touch(lanes, Status::SelfCollision, subject, other) {
            return true;
        }
    }
    false
}

/// Whether a ball touches any of these spheres, but for those that are left out, counted from their first.
#[inline(always)]
fn touches_any<S: Simd>(
    s: S,
    packed: &Packed,
    scratch: &Scratch,
    center: V3<S>,
    radius: f32,
    spheres: Range<usize>,
    is_left_out: impl Fn(usize) -> bool,
) -> S::M {
    let mut hit = s.none();
    let first = spheres.start;
    for sphere in spheres.filter(|sphere| !is_left_out(sphere - first)) {
        let reach = radius + packed.spheres[sphere].radius;
        hit = s.or(hit, touch(s, center, V3::load(s, &scratch.centers[sphere]), reach));
    }
    hit
}

/// Whether a bit of a mask is set.
#[inline(always)]
fn is_set(mask: &[u32], bit: usize) -> bool {
    mask[bit / 32] >> (bit % 32) & 1 == 1
}

/// Whether two points are nearer than `reach`.
#[inline(always)]
fn touch<S: Simd>(s: S, a: V3<S>, b: V3<S>, reach: f32) -> S::M {
    let d = a.sub(s, b);
    s.lt(d.dot(s, d), s.splat(reach * reach))
}

//! Stage `collide`: spheres against the world, then links against each other. Each link's bounding
//! sphere is tested first, by way of the hierarchy over the world, then the balls around its clusters of spheres,
//! where there are several; its own spheres only meet what these touch in some lane. Sums of hits are taken before
//! any branch: one per link and obstacle.

use super::super::packed::{INNER, NO_MASK, Packed, PackedLink, PackedNode, PackedObstacle, PackedPair};
use super::super::{Status, Verdict};
use super::place;
use super::scratch::Scratch;
use crate::vector::{Mask, Mask32, Row32, Simd32, Vector, Vector3};
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
    pub(super) fn verdict(&self, time: &Row32) -> Verdict {
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
pub(super) fn world<S: Simd32>(
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
fn link_touches<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    link: usize,
    contacts: &mut impl Contacts,
) -> bool {
    let world = &packed.world;
    let l = &packed.links[link];
    let grown = packed.padding + packed.clearance + l.padding;
    let bound = BallLanes::new(s, Vector3::load(s, &scratch.bounds[link]), l.bound.radius + grown);
    let around = Around::new(&bound);
    // The spheres against an obstacle that the bound touches.
    macro_rules! spheres {
        ($test:ident, $obstacle:expr) => {
            let obstacle = $obstacle;
            let mut hit = s.none();
            let clusters = l.clusters();
            if clusters > 1 {
                place::clusters(s, packed, scratch, link);
            }
            for of_link in 0..clusters {
                if clusters > 1 {
                    let cluster = l.clusters as usize + of_link;
                    let radius = packed.clusters[cluster].radius + grown;
                    let ball = BallLanes::new(s, Vector3::load(s, &scratch.clusters[cluster]), radius);
                    if ball.$test(s, obstacle).bits() & contacts.open() == 0 {
                        continue;
                    }
                }
                for sphere in place::cluster(s, packed, scratch, link, of_link) {
                    let radius = packed.spheres[sphere].radius + grown;
                    let ball = BallLanes::new(s, Vector3::load(s, &scratch.centers[sphere]), radius);
                    hit = hit | ball.$test(s, obstacle);
                }
            }
            let lanes = hit.bits() & contacts.open();
            let (subject, other) = (l.index as usize, obstacle.index as usize);
            if lanes != 0 && contacts.touch(lanes, Status::World, subject, other) {
                return true;
            }
        };
    }
    let mut next = 0;
    while let Some(node) = packed.hierarchy.get(next) {
        if around.meets(s, node).bits() & contacts.open() == 0 {
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
                    if bound.$test(s, obstacle).bits() & contacts.open() != 0 {
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
        if bound.cylinder(s, &world.cylinders[i]).bits() & contacts.open() != 0 {
            spheres!(cylinder, &world.cylinders[i]);
        }
    }
    for obstacle in &world.half_spaces {
        if bound.half_space(s, obstacle).bits() & contacts.open() != 0 {
            spheres!(half_space, obstacle);
        }
    }
    false
}

/// The box around a ball in each lane.
struct Around<S: Simd32> {
    lower: Vector3<S::F>,
    upper: Vector3<S::F>,
}

impl<S: Simd32> Around<S> {
    #[inline(always)]
    fn new(ball: &BallLanes<S>) -> Self {
        let radius = Vector3::all(ball.radius);
        Self { lower: ball.center - radius, upper: ball.center + radius }
    }

    /// Whether it meets a node's box.
    #[inline(always)]
    fn meets(&self, s: S, node: &PackedNode) -> Mask32<S> {
        let (lower, upper) = (Vector3::splat(s, node.lower), Vector3::splat(s, node.upper));
        let x = self.lower.x.lt(upper.x) & lower.x.lt(self.upper.x);
        let y = self.lower.y.lt(upper.y) & lower.y.lt(self.upper.y);
        let z = self.lower.z.lt(upper.z) & lower.z.lt(self.upper.z);
        x & y & z
    }
}

/// A ball in each lane, and whether it touches an obstacle.
struct BallLanes<S: Simd32> {
    center: Vector3<S::F>,
    radius: S::F,
    radius2: S::F,
}

impl<S: Simd32> BallLanes<S> {
    #[inline(always)]
    fn new(s: S, center: Vector3<S::F>, radius: f32) -> Self {
        let radius = s.splat(radius);
        Self { center, radius, radius2: radius * radius }
    }

    /// One coordinate of the centre in the obstacle's frame.
    #[inline(always)]
    fn local(&self, s: S, o: &PackedObstacle, axis: usize) -> S::F {
        let row = Vector3::splat(s, o.rotation[axis]);
        let x = row.x.mul_add(self.center.x, s.splat(o.translation[axis]));
        row.z.mul_add(self.center.z, row.y.mul_add(self.center.y, x))
    }

    /// How far |x| goes beyond `size`, at least zero.
    #[inline(always)]
    fn beyond(s: S, x: S::F, size: f32) -> S::F {
        (x.abs() - s.splat(size)).max(s.splat(0.0))
    }

    /// A box with faces across the world's axes.
    #[inline(always)]
    fn aligned_cuboid(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        let local = self.center + Vector3::splat(s, o.translation);
        let d = Vector3 {
            x: Self::beyond(s, local.x, o.size[0]),
            y: Self::beyond(s, local.y, o.size[1]),
            z: Self::beyond(s, local.z, o.size[2]),
        };
        d.dot(d).lt(self.radius2)
    }

    #[inline(always)]
    fn sphere(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        let d = Vector3 { x: self.local(s, o, 0), y: self.local(s, o, 1), z: self.local(s, o, 2) };
        let reach = self.radius + s.splat(o.size[0]);
        d.dot(d).lt(reach * reach)
    }

    #[inline(always)]
    fn cuboid(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        let d = Vector3 {
            x: Self::beyond(s, self.local(s, o, 0), o.size[0]),
            y: Self::beyond(s, self.local(s, o, 1), o.size[1]),
            z: Self::beyond(s, self.local(s, o, 2), o.size[2]),
        };
        d.dot(d).lt(self.radius2)
    }

    #[inline(always)]
    fn capsule(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        let z = Self::beyond(s, self.local(s, o, 2), o.size[1]);
        let d = Vector3 { x: self.local(s, o, 0), y: self.local(s, o, 1), z };
        let reach = self.radius + s.splat(o.size[0]);
        d.dot(d).lt(reach * reach)
    }

    #[inline(always)]
    fn cylinder(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        let (x, y) = (self.local(s, o, 0), self.local(s, o, 1));
        let rho = y.mul_add(y, x * x).sqrt();
        let r = (rho - s.splat(o.size[0])).max(s.splat(0.0));
        let z = Self::beyond(s, self.local(s, o, 2), o.size[1]);
        z.mul_add(z, r * r).lt(self.radius2)
    }

    #[inline(always)]
    fn half_space(&self, s: S, o: &PackedObstacle) -> Mask32<S> {
        self.local(s, o, 2).lt(self.radius)
    }
}

/// Links against each other: where the bounds of two touch, those clusters of the one that touch the other's bound
/// against its clusters, and where two of these touch, sphere by sphere, but for those that always touch.
#[inline(always)]
pub(super) fn itself<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    contacts: &mut impl Contacts,
) -> bool {
    for &PackedPair { links: [a, b], mask } in &packed.pairs {
        let (a, b) = (a as usize, b as usize);
        let (la, lb) = (&packed.links[a], &packed.links[b]);
        let (one, other) = (Bound::of_link(s, scratch, la, a), Bound::of_link(s, scratch, lb, b));
        if one.touches(s, &other, packed.padding).bits() & contacts.open() == 0 {
            continue;
        }
        let hit = links_touch(s, packed, scratch, [a, b], one, other, mask);
        let lanes = hit.bits() & contacts.open();
        let (subject, other) = (la.index as usize, lb.index as usize);
        if lanes != 0 && contacts.touch(lanes, Status::SelfCollision, subject, other) {
            return true;
        }
    }
    false
}

/// A ball around something of a link in each lane.
#[derive(Clone, Copy)]
struct Bound<S: Simd32> {
    center: Vector3<S::F>,
    radius: f32,
}

impl<S: Simd32> Bound<S> {
    #[inline(always)]
    fn of_link(s: S, scratch: &Scratch, l: &PackedLink, link: usize) -> Self {
        Self { center: Vector3::load(s, &scratch.bounds[link]), radius: l.bound.radius }
    }

    /// Around a cluster of a link; of the only one, which is that around the link.
    #[inline(always)]
    fn of_cluster(s: S, packed: &Packed, scratch: &Scratch, l: &PackedLink, of_link: usize, whole: Self) -> Self {
        if l.clusters() == 1 {
            return whole;
        }
        let cluster = l.clusters as usize + of_link;
        Self { center: Vector3::load(s, &scratch.clusters[cluster]), radius: packed.clusters[cluster].radius }
    }

    #[inline(always)]
    fn touches(&self, s: S, other: &Self, padding: f32) -> Mask32<S> {
        touch(s, self.center, other.center, self.radius + (other.radius + padding))
    }
}

/// Whether spheres of two links touch whose bounds do.
#[inline(always)]
fn links_touch<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    [a, b]: [usize; 2],
    one: Bound<S>,
    other: Bound<S>,
    mask: u32,
) -> Mask32<S> {
    let (la, lb) = (&packed.links[a], &packed.links[b]);
    for (link, l) in [(a, la), (b, lb)] {
        if l.clusters() > 1 {
            place::clusters(s, packed, scratch, link);
        }
    }
    let columns = (lb.end - lb.first) as usize;
    let bit = |i: usize, j: usize| (i - la.first as usize) * columns + j - lb.first as usize;
    let mut hit = s.none();
    for i in 0..la.clusters() {
        let mine = Bound::of_cluster(s, packed, scratch, la, i, one);
        if la.clusters() > 1 && mine.touches(s, &other, packed.padding).bits() == 0 {
            continue;
        }
        for j in 0..lb.clusters() {
            let theirs = Bound::of_cluster(s, packed, scratch, lb, j, other);
            if lb.clusters() > 1 && mine.touches(s, &theirs, packed.padding).bits() == 0 {
                continue;
            }
            let rows = place::cluster(s, packed, scratch, a, i);
            let columns_here = place::cluster(s, packed, scratch, b, j);
            for sphere in rows {
                let ball = Bound {
                    center: Vector3::load(s, &scratch.centers[sphere]),
                    radius: packed.spheres[sphere].radius,
                };
                if ball.touches(s, &theirs, packed.padding).bits() == 0 {
                    continue;
                }
                let against = columns_here.clone();
                hit = hit
                    | if mask == NO_MASK {
                        touches_any(s, packed, scratch, &ball, against, |_| false)
                    } else {
                        let masks = &packed.masks[mask as usize..];
                        touches_any(s, packed, scratch, &ball, against, |j| is_set(masks, bit(sphere, j)))
                    };
            }
        }
    }
    hit
}

/// Whether a sphere touches any of these, but for those that are left out.
#[inline(always)]
fn touches_any<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &Scratch,
    ball: &Bound<S>,
    spheres: Range<usize>,
    is_left_out: impl Fn(usize) -> bool,
) -> Mask32<S> {
    let mut hit = s.none();
    let radius = ball.radius + packed.padding;
    for sphere in spheres.filter(|&sphere| !is_left_out(sphere)) {
        let reach = radius + packed.spheres[sphere].radius;
        hit = hit | touch(s, ball.center, Vector3::load(s, &scratch.centers[sphere]), reach);
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
fn touch<S: Simd32>(s: S, a: Vector3<S::F>, b: Vector3<S::F>, reach: f32) -> Mask32<S> {
    let d = a - b;
    d.dot(d).lt(s.splat(reach * reach))
}

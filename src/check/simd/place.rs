//! Stage `place`: forward kinematics, from joint values to poses of bodies and centres of spheres.

use super::super::packed::{MOTION_PRISMATIC, Packed, PackedBody};
use super::scratch::{Scratch, V3};
use crate::lanes::{Lane, Simd, sin_cos};

/// A rigid transform in lanes: rotation by rows, and translation.
#[derive(Clone, Copy)]
struct Pose<S: Simd> {
    x: V3<S>,
    y: V3<S>,
    z: V3<S>,
    origin: V3<S>,
}

impl<S: Simd> Pose<S> {
    #[inline(always)]
    fn load(s: S, [xx, xy, xz, yx, yy, yz, zx, zy, zz, ox, oy, oz]: &[Lane; 12]) -> Self {
        Self {
            x: V3 { x: s.load(xx), y: s.load(xy), z: s.load(xz) },
            y: V3 { x: s.load(yx), y: s.load(yy), z: s.load(yz) },
            z: V3 { x: s.load(zx), y: s.load(zy), z: s.load(zz) },
            origin: V3 { x: s.load(ox), y: s.load(oy), z: s.load(oz) },
        }
    }

    #[inline(always)]
    fn store(self, s: S, [xx, xy, xz, yx, yy, yz, zx, zy, zz, ox, oy, oz]: &mut [Lane; 12]) {
        s.store(xx, self.x.x);
        s.store(xy, self.x.y);
        s.store(xz, self.x.z);
        s.store(yx, self.y.x);
        s.store(yy, self.y.y);
        s.store(yz, self.y.z);
        s.store(zx, self.z.x);
        s.store(zy, self.z.y);
        s.store(zz, self.z.z);
        s.store(ox, self.origin.x);
        s.store(oy, self.origin.y);
        s.store(oz, self.origin.z);
    }

    /// A constant point of the frame, in the world.
    #[inline(always)]
    fn point(&self, s: S, p: [f32; 3]) -> V3<S> {
        let p = V3::splat(s, p);
        V3 {
            x: dot_add(s, self.x, p, self.origin.x),
            y: dot_add(s, self.y, p, self.origin.y),
            z: dot_add(s, self.z, p, self.origin.z),
        }
    }
}

/// a . b + c
#[inline(always)]
fn dot_add<S: Simd>(s: S, a: V3<S>, b: V3<S>, c: S::F) -> S::F {
    s.mul_add(a.z, b.z, s.mul_add(a.y, b.y, s.mul_add(a.x, b.x, c)))
}

/// A row vector times a constant matrix given by rows.
#[inline(always)]
fn row_times<S: Simd>(s: S, row: V3<S>, [x, y, z]: &[[f32; 3]; 3]) -> V3<S> {
    let (y, z) = (V3::splat(s, *y), V3::splat(s, *z));
    let first = V3::splat(s, *x);
    let first = V3 { x: s.mul(first.x, row.x), y: s.mul(first.y, row.x), z: s.mul(first.z, row.x) };
    z.scale_add(s, row.z, y.scale_add(s, row.y, first))
}

/// A row of a rotation, turned about z.
#[inline(always)]
fn turn<S: Simd>(s: S, row: V3<S>, sin: S::F, cos: S::F) -> V3<S> {
    V3 {
        x: s.mul_add(row.y, sin, s.mul(row.x, cos)),
        y: s.neg_mul_add(row.x, sin, s.mul(row.y, cos)),
        z: row.z,
    }
}

/// Places every moving body in the world, and the bounds of its links. What the base carries does not
/// move: see [`base`].
#[inline(always)]
pub(super) fn bodies<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let mut link = 0;
    // Along a chain a body's parent is the one before it, and still in registers.
    let (mut last, mut pose) = (0, Pose::load(s, &scratch.poses[0]));
    for (b, body) in packed.bodies.iter().enumerate().skip(1) {
        let y = s.load(&scratch.flat[0][body.output as usize]);
        let q = s.mul_add(y, s.splat(body.ratio), s.splat(body.offset));
        let parent = body.parent as usize;
        if parent != last {
            pose = Pose::load(s, &scratch.poses[parent]);
        }
        pose = body_pose(s, body, q, &pose);
        pose.store(s, &mut scratch.poses[b]);
        last = b;
        while link < packed.moving_links && packed.links[link].body as usize == b {
            pose.point(s, packed.links[link].bound.center).store(s, &mut scratch.bounds[link]);
            link += 1;
        }
    }
    scratch.centers_known[..packed.moving_links].fill(false);
}

/// Places the base and what it carries.
#[inline(always)]
pub(super) fn base<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let base = &packed.bodies[0];
    let [x, y, z] = base.rotation;
    let pose = Pose {
        x: V3::splat(s, x),
        y: V3::splat(s, y),
        z: V3::splat(s, z),
        origin: V3::splat(s, base.translation),
    };
    pose.store(s, &mut scratch.poses[0]);
    for (i, l) in packed.links.iter().enumerate().skip(packed.moving_links) {
        pose.point(s, l.bound.center).store(s, &mut scratch.bounds[i]);
        scratch.centers_known[i] = false;
        link(s, packed, scratch, i);
    }
}

/// parent * placement * motion(q)
#[inline(always)]
fn body_pose<S: Simd>(s: S, body: &PackedBody, q: S::F, parent: &Pose<S>) -> Pose<S> {
    let origin = parent.point(s, body.translation);
    let x = row_times(s, parent.x, &body.rotation);
    let y = row_times(s, parent.y, &body.rotation);
    let z = row_times(s, parent.z, &body.rotation);
    if body.motion == MOTION_PRISMATIC {
        let axis = V3 { x: x.z, y: y.z, z: z.z };
        Pose { x, y, z, origin: axis.scale_add(s, q, origin) }
    } else {
        let (sin, cos) = sin_cos(s, q);
        Pose { x: turn(s, x, sin, cos), y: turn(s, y, sin, cos), z: turn(s, z, sin, cos), origin }
    }
}

/// Makes sure that the centres of all spheres of a link are known for this block.
#[inline(always)]
pub(super) fn link<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, link: usize) {
    if scratch.centers_known[link] {
        return;
    }
    scratch.centers_known[link] = true;
    let l = &packed.links[link];
    let pose = Pose::load(s, &scratch.poses[l.body as usize]);
    for sphere in l.first as usize..l.end as usize {
        pose.point(s, packed.spheres[sphere].center).store(s, &mut scratch.centers[sphere]);
    }
}

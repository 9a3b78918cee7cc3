//! Stage `place`: forward kinematics, from joint values to poses of bodies and centres of spheres.

use super::super::packed::{MOTION_PRISMATIC, Packed, PackedBody};
use super::scratch::Scratch;
use crate::vector::{Row32, Simd32, Vector, Vector3, sin_cos};
use std::ops::Range;

/// A rigid transform in lanes: rotation by rows, and translation.
#[derive(Clone, Copy)]
struct PoseLanes<S: Simd32> {
    x: Vector3<S::F>,
    y: Vector3<S::F>,
    z: Vector3<S::F>,
    origin: Vector3<S::F>,
}

impl<S: Simd32> PoseLanes<S> {
    #[inline(always)]
    fn load(s: S, [xx, xy, xz, yx, yy, yz, zx, zy, zz, ox, oy, oz]: &[Row32; 12]) -> Self {
        Self {
            x: Vector3 { x: s.load(xx), y: s.load(xy), z: s.load(xz) },
            y: Vector3 { x: s.load(yx), y: s.load(yy), z: s.load(yz) },
            z: Vector3 { x: s.load(zx), y: s.load(zy), z: s.load(zz) },
            origin: Vector3 { x: s.load(ox), y: s.load(oy), z: s.load(oz) },
        }
    }

    #[inline(always)]
    fn store(self, [xx, xy, xz, yx, yy, yz, zx, zy, zz, ox, oy, oz]: &mut [Row32; 12]) {
        self.x.x.store(xx);
        self.x.y.store(xy);
        self.x.z.store(xz);
        self.y.x.store(yx);
        self.y.y.store(yy);
        self.y.z.store(yz);
        self.z.x.store(zx);
        self.z.y.store(zy);
        self.z.z.store(zz);
        self.origin.x.store(ox);
        self.origin.y.store(oy);
        self.origin.z.store(oz);
    }

    /// A constant point of the frame, in the world.
    #[inline(always)]
    fn point(&self, s: S, p: [f32; 3]) -> Vector3<S::F> {
        let p = Vector3::splat(s, p);
        Vector3 {
            x: dot_add(self.x, p, self.origin.x),
            y: dot_add(self.y, p, self.origin.y),
            z: dot_add(self.z, p, self.origin.z),
        }
    }
}

/// a . b + c
#[inline(always)]
fn dot_add<F: Vector>(a: Vector3<F>, b: Vector3<F>, c: F) -> F {
    a.z.mul_add(b.z, a.y.mul_add(b.y, a.x.mul_add(b.x, c)))
}

/// A row vector times a constant matrix given by rows.
#[inline(always)]
fn row_times<S: Simd32>(s: S, row: Vector3<S::F>, [x, y, z]: &[[f32; 3]; 3]) -> Vector3<S::F> {
    let (y, z) = (Vector3::splat(s, *y), Vector3::splat(s, *z));
    z.mul_add(row.z, y.mul_add(row.y, Vector3::splat(s, *x) * row.x))
}

/// A row of a rotation, turned about z.
#[inline(always)]
fn turn<F: Vector>(row: Vector3<F>, sin: F, cos: F) -> Vector3<F> {
    Vector3 { x: row.y.mul_add(sin, row.x * cos), y: row.x.neg_mul_add(sin, row.y * cos), z: row.z }
}

/// Places every moving body in the world, and the bounds of its links. What the base carries does not
/// move: see [`base`].
#[inline(always)]
pub(super) fn bodies<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let mut link = 0;
    // Along a chain a body's parent is the one before it, and still in registers.
    let (mut last, mut pose) = (0, PoseLanes::load(s, &scratch.poses[0]));
    for (b, body) in packed.bodies.iter().enumerate().skip(1) {
        let y = s.load(&scratch.flat[0][body.output as usize]);
        let q = y.mul_add(s.splat(body.ratio), s.splat(body.offset));
        let parent = body.parent as usize;
        if parent != last {
            pose = PoseLanes::load(s, &scratch.poses[parent]);
        }
        pose = body_pose(s, body, q, &pose);
        pose.store(&mut scratch.poses[b]);
        last = b;
        while link < packed.moving_links && packed.links[link].body as usize == b {
            pose.point(s, packed.links[link].bound.center).store(&mut scratch.bounds[link]);
            link += 1;
        }
    }
    scratch.forget(packed);
}

/// Places the base and what it carries.
#[inline(always)]
pub(super) fn base<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let base = &packed.bodies[0];
    let [x, y, z] = base.rotation;
    let pose = PoseLanes {
        x: Vector3::splat(s, x),
        y: Vector3::splat(s, y),
        z: Vector3::splat(s, z),
        origin: Vector3::splat(s, base.translation),
    };
    pose.store(&mut scratch.poses[0]);
    for (i, l) in packed.links.iter().enumerate().skip(packed.moving_links) {
        pose.point(s, l.bound.center).store(&mut scratch.bounds[i]);
        scratch.placed_clusters[i] = false;
        clusters(s, packed, scratch, i);
        for of_link in 0..l.clusters() {
            scratch.placed[l.clusters as usize + of_link] = false;
            cluster(s, packed, scratch, i, of_link);
        }
    }
}

/// parent * placement * motion(q)
#[inline(always)]
fn body_pose<S: Simd32>(s: S, body: &PackedBody, q: S::F, parent: &PoseLanes<S>) -> PoseLanes<S> {
    let origin = parent.point(s, body.translation);
    let x = row_times(s, parent.x, &body.rotation);
    let y = row_times(s, parent.y, &body.rotation);
    let z = row_times(s, parent.z, &body.rotation);
    if body.motion == MOTION_PRISMATIC {
        let axis = Vector3 { x: x.z, y: y.z, z: z.z };
        PoseLanes { x, y, z, origin: axis.mul_add(q, origin) }
    } else {
        let (sin, cos) = sin_cos(s, q);
        PoseLanes { x: turn(x, sin, cos), y: turn(y, sin, cos), z: turn(z, sin, cos), origin }
    }
}

/// Makes sure that the balls around all clusters of a link are placed for this block.
#[inline(always)]
pub(super) fn clusters<S: Simd32>(s: S, packed: &Packed, scratch: &mut Scratch, link: usize) {
    if scratch.placed_clusters[link] {
        return;
    }
    scratch.placed_clusters[link] = true;
    let l = &packed.links[link];
    let pose = PoseLanes::load(s, &scratch.poses[l.body as usize]);
    let first = l.clusters as usize;
    for cluster in first..first + l.clusters() {
        pose.point(s, packed.clusters[cluster].center).store(&mut scratch.clusters[cluster]);
    }
}

/// Makes sure that the spheres of a cluster of a link are placed for this block, and says which they are.
#[inline(always)]
pub(super) fn cluster<S: Simd32>(
    s: S,
    packed: &Packed,
    scratch: &mut Scratch,
    link: usize,
    of_link: usize,
) -> Range<usize> {
    let l = &packed.links[link];
    let spheres = l.spheres_of(of_link);
    let cluster = l.clusters as usize + of_link;
    if !scratch.placed[cluster] {
        scratch.placed[cluster] = true;
        let pose = PoseLanes::load(s, &scratch.poses[l.body as usize]);
        for sphere in spheres.clone() {
            pose.point(s, packed.spheres[sphere].center).store(&mut scratch.centers[sphere]);
        }
    }
    spheres
}

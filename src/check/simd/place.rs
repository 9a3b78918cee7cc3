//! Stage `place`: forward kinematics, from joint values to poses of bodies and centres of spheres.

use super::super::packed::{MOTION_PRISMATIC, Packed, PackedBody, PackedSphere};
use super::lanes::{Lane, Simd, sin_cos};
use super::{Scratch, V3};

/// A rotation in lanes, by rows.
type Rows<S> = [V3<S>; 3];

/// Places every body in the world.
#[inline(always)]
pub(super) fn bodies<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch) {
    let base = &packed.bodies[0];
    for (row, lanes) in base.rotation.iter().flatten().chain(&base.translation).zip(&mut scratch.poses[0]) {
        s.store(lanes, s.splat(*row));
    }
    for (b, body) in packed.bodies.iter().enumerate().skip(1) {
        let q = s.mul_add(
            s.load(&scratch.flat[0][body.output as usize]),
            s.splat(body.ratio),
            s.splat(body.offset),
        );
        let (done, rest) = scratch.poses.split_at_mut(b);
        body_pose(s, body, q, &done[body.parent as usize], &mut rest[0]);
    }
    scratch.centers_known.fill(false);
}

/// parent * placement * motion(q)
#[inline(always)]
fn body_pose<S: Simd>(s: S, body: &PackedBody, q: S::F, parent: &[Lane; 12], pose: &mut [Lane; 12]) {
    let rows = load_rows(s, parent);
    let mut origin = point(s, &rows, load_origin(s, parent), body.translation);
    let placed = rows.map(|row| row_times(s, row, &body.rotation));
    let turned = if body.motion == MOTION_PRISMATIC {
        let [x, y, z] = placed;
        let axis = V3 { x: x.z, y: y.z, z: z.z };
        origin = axis.scale_add(s, q, origin);
        placed
    } else {
        let (sin, cos) = sin_cos(s, q);
        placed.map(|row| V3 {
            x: s.mul_add(row.y, sin, s.mul(row.x, cos)),
            y: s.neg_mul_add(row.x, sin, s.mul(row.y, cos)),
            z: row.z,
        })
    };
    let values = turned.iter().flat_map(|row| [row.x, row.y, row.z]).chain([origin.x, origin.y, origin.z]);
    for (lane, value) in pose.iter_mut().zip(values) {
        s.store(lane, value);
    }
}

/// A row vector times a constant matrix given by rows.
#[inline(always)]
fn row_times<S: Simd>(s: S, row: V3<S>, m: &[[f32; 3]; 3]) -> V3<S> {
    let column = |j: usize| {
        let yx = s.mul_add(row.y, s.splat(m[1][j]), s.mul(row.x, s.splat(m[0][j])));
        s.mul_add(row.z, s.splat(m[2][j]), yx)
    };
    V3 { x: column(0), y: column(1), z: column(2) }
}

#[inline(always)]
fn load_rows<S: Simd>(s: S, pose: &[Lane; 12]) -> Rows<S> {
    std::array::from_fn(|i| V3 {
        x: s.load(&pose[3 * i]),
        y: s.load(&pose[3 * i + 1]),
        z: s.load(&pose[3 * i + 2]),
    })
}

#[inline(always)]
fn load_origin<S: Simd>(s: S, pose: &[Lane; 12]) -> V3<S> {
    V3 { x: s.load(&pose[9]), y: s.load(&pose[10]), z: s.load(&pose[11]) }
}

/// rows * p + origin, for a constant point.
#[inline(always)]
fn point<S: Simd>(s: S, rows: &Rows<S>, origin: V3<S>, p: [f32; 3]) -> V3<S> {
    let p = V3::splat(s, p);
    let along = |row: &V3<S>, o: S::F| s.mul_add(row.z, p.z, s.mul_add(row.y, p.y, s.mul_add(row.x, p.x, o)));
    V3 { x: along(&rows[0], origin.x), y: along(&rows[1], origin.y), z: along(&rows[2], origin.z) }
}

/// The centre of a sphere that is fixed to a body.
#[inline(always)]
pub(super) fn center<S: Simd>(s: S, pose: &[Lane; 12], sphere: &PackedSphere) -> V3<S> {
    point(s, &load_rows(s, pose), load_origin(s, pose), sphere.center)
}

/// Makes sure that the centres of all spheres of a link are known for this block.
#[inline(always)]
pub(super) fn link<S: Simd>(s: S, packed: &Packed, scratch: &mut Scratch, link: usize) {
    if scratch.centers_known[link] {
        return;
    }
    scratch.centers_known[link] = true;
    let l = &packed.links[link];
    let pose = &scratch.poses[l.body as usize];
    let (rows, origin) = (load_rows(s, pose), load_origin(s, pose));
    for sphere in l.first as usize..l.end as usize {
        point(s, &rows, origin, packed.spheres[sphere].center).store(s, &mut scratch.centers[sphere]);
    }
}

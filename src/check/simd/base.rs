//! Stage `unflatten` of vehicles: flat outputs to the coordinates of the base and what the base limits.
//! The maps are those of `crate::base`, written out, each in a file of the same name; quotients are guarded where a course stands.

mod airplane;
mod ground;
mod omnidirectional;
mod outputs;
mod planar_quadrotor;
mod quadrotor;

use super::super::packed::base::{
    BASE_AIRPLANE, BASE_GROUND, BASE_OMNIDIRECTIONAL, BASE_PLANAR_QUADROTOR, BASE_TRAILER, PackedBase,
};
use super::super::packed::{Edge, Packed};
use super::moment::{Moment, polynomial_at};
use super::scratch::Scratch;
use crate::vector::{Simd32, Vector};
use airplane::airplane;
use ground::{ground, trailer};
use omnidirectional::omnidirectional;
use outputs::Outputs;
use planar_quadrotor::planar_quadrotor;
use quadrotor::quadrotor;

/// Evaluates an edge of a vehicle.
#[inline(always)]
pub(super) fn edge<S: Simd32, const TERMS: usize>(
    s: S,
    packed: &Packed,
    base: &PackedBase,
    edge: &Edge<'_>,
    moment: &Moment<S>,
    scratch: &mut Scratch,
) {
    let outputs = Outputs::<S, TERMS>::new(edge, moment, packed.flat_dof());
    match base.kind {
        BASE_GROUND => ground(s, base, &outputs, scratch),
        BASE_TRAILER => trailer(s, base, &outputs, scratch),
        BASE_AIRPLANE => airplane(s, &outputs, scratch),
        BASE_OMNIDIRECTIONAL => omnidirectional(s, base, &outputs, scratch),
        BASE_PLANAR_QUADROTOR => planar_quadrotor(s, base, -packed.gravity[2], &outputs, scratch),
        _ => quadrotor(s, base, -packed.gravity[2], &outputs, scratch),
    }
    let coordinates = base.coordinates as usize;
    for joint in coordinates..packed.dof() {
        let c = outputs.coefficients(s, joint - coordinates + base.outputs as usize);
        polynomial_at(s, &c, moment.local, joint, scratch);
    }
    // What has no limits.
    let unlimited = if base.follows_course() { packed.dof() } else { coordinates };
    for joint in 0..unlimited {
        s.splat(0.0).store(&mut scratch.flat[1][joint]);
        s.splat(0.0).store(&mut scratch.flat[2][joint]);
    }
}

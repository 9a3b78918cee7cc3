//! Sphere covers hold what they cover and reach no farther than they say; meshes survive their
//! files, and wild files make errors.

use flatout::pose::Pose;
use flatout::robot::mesh::{Mesh, Surface};
use flatout::robot::spherize::{
    Cover, CoverOptions, CoverReport, LinkCover, Solid, cover, cover_links, replace_collisions,
};
use flatout::robot::{LinkSolid, Sphere};
use flatout::world::Shape;
use glam::{DMat3, DQuat, DVec2, DVec3};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::f64::consts::{PI, TAU};
use std::path::PathBuf;

/// What rounding may add to a distance in these tests, metres.
const ROUNDING: f64 = 1e-9;

fn holds(spheres: &[Sphere], p: DVec3) -> bool {
    spheres.iter().any(|s| s.center.distance(p) <= s.radius)
}

fn unit_vector(rng: &mut Pcg64Mcg) -> DVec3 {
    let z: f64 = rng.random_range(-1.0..=1.0);
    DVec2::from_angle(rng.random_range(0.0..TAU)).extend(0.0) * (1.0 - z * z).sqrt() + DVec3::Z * z
}

/// The largest distance from the solid seen among points on the spheres.
fn sampled_excess(spheres: &[Sphere], distance: impl Fn(DVec3) -> f64) -> f64 {
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let reach = |s: &Sphere| {
        let mut farthest = |_| distance(s.center + s.radius * unit_vector(&mut rng));
        (0..500).map(&mut farthest).fold(0.0, f64::max)
    };
    spheres.iter().map(reach).fold(0.0, f64::max)
}

// Solids

fn length() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 0.01..0.3, 1 => Just(0.05), 1 => Just(0.0)]
}

fn primitive() -> impl Strategy<Value = Shape> {
    prop_oneof![
        1 => length().prop_map(|radius| Shape::Sphere { radius }),
        3 => (length(), length(), length())
            .prop_map(|(x, y, z)| Shape::Cuboid { half_extents: DVec3::new(x, y, z) }),
        2 => (length(), length()).prop_map(|(radius, half_length)| Shape::Capsule { radius, half_length }),
        3 => (length(), length()).prop_map(|(radius, half_length)| Shape::Cylinder { radius, half_length }),
    ]
}

fn pose() -> impl Strategy<Value = Pose> {
    (prop::array::uniform3(-2.0..2.0f64), prop::array::uniform3(-2.0..2.0f64))
        .prop_map(|(turn, at)| Pose::new(DQuat::from_scaled_axis(turn.into()), at.into()))
}

/// A random point of a primitive, on its surface as often as not.
fn point_of(shape: &Shape, rng: &mut Pcg64Mcg) -> DVec3 {
    // Numbers beyond one half in magnitude end up on the surface.
    let mut spread = || (2.0 * rng.random_range(-1.0..=1.0_f64)).clamp(-1.0, 1.0);
    let [u, v, w] = [spread(), spread(), spread()];
    let ball = unit_vector(rng) * u;
    match *shape {
        Shape::Sphere { radius } => ball * radius,
        Shape::Cuboid { half_extents } => DVec3::new(u, v, w) * half_extents,
        Shape::Capsule { radius, half_length } => ball * radius + DVec3::Z * half_length * v,
        Shape::Cylinder { radius, half_length } => {
            (DVec2::from_angle(rng.random_range(0.0..TAU)) * radius * u).extend(half_length * v)
        }
        Shape::HalfSpace => DVec3::ZERO,
    }
}

/// A prism over a polygon that is cut into triangles, from z = 0 to `height`.
fn prism(ring: &[DVec2], cut: &[[usize; 3]], height: f64) -> Mesh {
    let n = ring.len() as u32;
    let vertices = [0.0, height].iter().flat_map(|&z| ring.iter().map(move |v| v.extend(z))).collect();
    let cut = cut.iter().map(|t| t.map(|i| i as u32));
    let caps = cut.flat_map(|[a, b, c]| [[c, b, a], [a + n, b + n, c + n]]);
    let walls = (0..n).map(|i| (i, (i + 1) % n)).flat_map(|(i, j)| [[i, j, j + n], [i, j + n, i + n]]);
    Mesh::new(vertices, caps.chain(walls).collect()).unwrap()
}

fn ell(long: f64, wide: f64, thick: f64) -> Mesh {
    let ring = [(0.0, 0.0), (wide, 0.0), (wide, thick), (thick, thick), (thick, long), (0.0, long)];
    prism(&ring.map(DVec2::from), &[[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]], thick)
}

fn torus(major: f64, minor: f64, [around, across]: [u32; 2]) -> Mesh {
    let index = |i: u32, j: u32| i % around * across + j % across;
    let (mut vertices, mut triangles) = (Vec::new(), Vec::new());
    for (i, j) in (0..around).flat_map(|i| (0..across).map(move |j| (i, j))) {
        let (u, v) = (TAU * f64::from(i) / f64::from(around), TAU * f64::from(j) / f64::from(across));
        let ring = DVec2::from_angle(u) * (major + minor * v.cos());
        vertices.push(ring.extend(minor * v.sin()));
        triangles.push([index(i, j), index(i + 1, j), index(i + 1, j + 1)]);
        triangles.push([index(i, j), index(i + 1, j + 1), index(i, j + 1)]);
    }
    Mesh::new(vertices, triangles).unwrap()
}

fn tetrahedron(corners: [DVec3; 4]) -> Mesh {
    Mesh::new(corners.to_vec(), vec![[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]).unwrap()
}

/// Both meshes as one.
fn joined(a: &Mesh, b: &Mesh) -> Mesh {
    let shift = a.vertices().len() as u32;
    let vertices = [a.vertices(), b.vertices()].concat();
    let shifted = b.triangles().iter().map(|t| t.map(|i| i + shift));
    Mesh::new(vertices, a.triangles().iter().copied().chain(shifted).collect()).unwrap()
}

fn mesh() -> impl Strategy<Value = Mesh> {
    let corner = || prop::array::uniform3(-0.3..0.3f64).prop_map(DVec3::from);
    let any_tetrahedron = prop::array::uniform4(corner()).prop_map(tetrahedron);
    let any_ell =
        (0.1..0.5f64, 0.1..0.5f64, 0.02..0.1f64).prop_map(|(long, wide, thick)| ell(long, wide, thick));
    let any_torus = (0.1..0.2f64, 0.02..0.08f64).prop_map(|(a, b)| torus(a, b, [20, 10]));
    let closed = prop_oneof![
        any_tetrahedron.clone(),
        any_ell,
        any_torus,
        (any_tetrahedron, corner()).prop_map(|(a, shift)| joined(
            &a,
            &tetrahedron([DVec3::ZERO, DVec3::X, DVec3::Y, DVec3::Z].map(|v| shift + 0.2 * v))
        ))
    ];
    // Holes and triangles turned inside out, as files have them.
    (closed, 0.0..1.0f64, any::<u64>()).prop_map(|(mesh, spoil, seed)| {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut triangles = mesh.triangles().to_vec();
        if spoil > 0.6 {
            triangles.swap_remove(rng.random_range(0..triangles.len()));
        }
        if spoil > 0.8 {
            triangles.iter_mut().for_each(|t| {
                if rng.random_bool(0.3) {
                    t.swap(0, 1);
                }
            });
        }
        Mesh::new(mesh.vertices().to_vec(), triangles).unwrap()
    })
}

/// A point of the mesh itself, or of the box around it.
fn point_near(mesh: &Mesh, rng: &mut Pcg64Mcg) -> DVec3 {
    let t =
        mesh.triangles()[rng.random_range(0..mesh.triangles().len())].map(|i| mesh.vertices()[i as usize]);
    let mut weights = [0; 3].map(|_| rng.random_range(0.0..1.0_f64));
    if rng.random_bool(0.3) {
        weights[0] = 0.0;
    }
    let sum: f64 = weights.iter().sum();
    if rng.random_bool(0.5) {
        return (t[0] * weights[0] + t[1] * weights[1] + t[2] * weights[2]) / sum;
    }
    let [low, high] = Surface::new(mesh).bounds();
    low + (high - low) * DVec3::from(weights)
}

fn options(max_spheres: usize, tolerance: f64) -> CoverOptions {
    CoverOptions { max_spheres, tolerance }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn covers_hold_primitives_and_reach_no_farther_than_they_say(
        shape in primitive(), pose in pose(), max_spheres in 1usize..40, seed in any::<u64>(),
    ) {
        let found = cover(&Solid::Primitive(shape, pose), &options(max_spheres, 0.01)).unwrap();
        let count = found.spheres.len();
        prop_assert!((1..=max_spheres).contains(&count), "{count} of {max_spheres}");
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for _ in 0..2000 {
            let p = point_of(&shape, &mut rng);
            // A bare sphere keeps its radius, and its poles may round to the outside.
            let inward = if matches!(shape, Shape::Sphere { .. }) { 1.0 - ROUNDING } else { 1.0 };
            prop_assert!(holds(&found.spheres, pose.point(p * inward)), "{p} of {shape:?} is outside");
        }
        let seen = sampled_excess(&found.spheres, |p| shape.signed_distance(pose.local_point(p)));
        prop_assert!(seen <= found.excess_distance + ROUNDING, "{seen} > {}", found.excess_distance);
    }

    /// The excess that one sphere needs is reached by one sphere, however its formula rounds.
    #[test]
    fn one_sphere_covers_a_capsule(radius in length(), half_length in length()) {
        let capsule = Solid::Primitive(Shape::Capsule { radius, half_length }, Pose::IDENTITY);
        prop_assert_eq!(cover(&capsule, &options(1, 0.0)).unwrap().spheres.len(), 1);
    }

    #[test]
    fn covers_hold_meshes_and_reach_no_farther_than_they_say(
        mesh in mesh(), pose in pose(), max_spheres in 1usize..40, seed in any::<u64>(),
    ) {
        let found = cover(&Solid::Mesh(mesh.clone(), pose), &options(max_spheres, 0.01)).unwrap();
        let count = found.spheres.len();
        prop_assert!((1..=max_spheres).contains(&count), "{count} of {max_spheres}");
        let surface = Surface::new(&mesh);
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for i in 0..1000 {
            let p = point_near(&mesh, &mut rng);
            if i % 2 == 0 || surface.signed_distance(p) <= 0.0 {
                let inside = surface.signed_distance(p) <= ROUNDING;
                prop_assert!(!inside || holds(&found.spheres, pose.point(p)), "{p} is outside");
            }
        }
        let seen = sampled_excess(&found.spheres, |p| surface.signed_distance(pose.local_point(p)));
        prop_assert!(seen <= found.excess_distance + ROUNDING, "{seen} > {}", found.excess_distance);
    }

    /// The hierarchy gives what a plain sum over all triangles gives.
    #[test]
    fn surfaces_agree_with_brute_force(mesh in mesh(), p in prop::array::uniform3(-0.6..0.6f64)) {
        let (surface, p) = (Surface::new(&mesh), DVec3::from(p));
        let w = surface.winding_number(p);
        // The closed surface winds about any point a whole number of times.
        prop_assert!((w - w.round()).abs() < 1e-6, "{w}");
        prop_assert_eq!(surface.contains(p), w.round() != 0.0);
        // No point of any triangle is nearer than the nearest.
        let nearest = p.distance(surface.nearest(p));
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        for t in surface.triangles() {
            let (u, v) = (rng.random_range(0.0..1.0), rng.random_range(0.0..1.0));
            for q in [t[0], t[1], t[2], t[0] + (t[1] - t[0]) * u + (t[2] - t[1]) * u * v] {
                prop_assert!(nearest <= p.distance(q) + 1e-12);
            }
        }
        let on_surface = surface.triangles().iter().any(|t| {
            let n = (t[1] - t[0]).cross(t[2] - t[0]).normalize_or_zero();
            n.dot(surface.nearest(p) - t[0]).abs() < 1e-9
        });
        prop_assert!(on_surface);
    }

    /// Rays tell of any point what solid angles tell.
    #[test]
    fn rays_agree_with_solid_angles(mesh in mesh(), seed in any::<u64>()) {
        let surface = Surface::new(&mesh);
        let [low, high] = surface.bounds();
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        for _ in 0..200 {
            let at = DVec3::from_array(std::array::from_fn(|_| rng.random_range(-0.1..1.1)));
            // Corners and middles of edges are where rays are hardest to follow.
            let p = match rng.random_range(0..3) {
                0 => mesh.vertices()[rng.random_range(0..mesh.vertices().len())] + (at - 0.5) * 1e-3,
                _ => low + (high - low) * at,
            };
            if p.distance(surface.nearest(p)) > 1e-9 {
                prop_assert_eq!(surface.contains(p), surface.winding_number(p).round() != 0.0, "{}", p);
            }
        }
    }

    /// Two solids have a point in common where samples of one lie in the other; and where a gap is left, none.
    #[test]
    fn solids_touch_where_their_points_do(a in mesh(), b in mesh(), pose in pose(), seed in any::<u64>()) {
        let (first, second) = (Surface::new(&a), Surface::new(&b));
        // Near enough for both answers to occur.
        let pose = Pose { translation: pose.translation * 0.15, ..pose };
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let sampled = (0..400).any(|_| {
            let p = point_near(&b, &mut rng);
            second.signed_distance(p) < 0.0 && first.signed_distance(pose.point(p)) < 0.0
        });
        let touch = first.touches(&second, &pose);
        prop_assert!(touch || !sampled);
        prop_assert_eq!(touch, second.touches(&first, &pose.inverse()));
        // Every corner of one far enough from the other, and the other way about: their surfaces may still cross.
        let apart = Pose { translation: pose.translation + DVec3::X * 10.0, ..pose };
        prop_assert!(!first.touches(&second, &apart));
    }

    #[test]
    fn wild_bytes_make_errors_or_meshes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Mesh::from_stl(&bytes);
        let _ = Mesh::from_obj(&bytes);
        let _ = Mesh::from_stl(&[b"solid x\n", bytes.as_slice(), b"\nendsolid x\n"].concat());
    }

    #[test]
    fn damaged_files_make_errors_or_meshes(
        at in 0usize..2000,
        with in prop_oneof![any::<u8>(), prop::sample::select(b" -/0123456789.eEvfnai\n".to_vec())],
        cut in any::<bool>(),
    ) {
        let mesh = ell(0.3, 0.2, 0.1);
        for (bytes, parse) in [
            (obj_text(&mesh).into_bytes(), Mesh::from_obj as fn(&[u8]) -> _),
            (binary_stl(&mesh), Mesh::from_stl),
            (text_stl(&mesh).into_bytes(), Mesh::from_stl),
        ] {
            let mut bytes = bytes;
            let at = at % bytes.len();
            bytes[at] = with;
            if cut {
                bytes.truncate(at);
            }
            let _ = parse(&bytes);
        }
    }

    #[test]
    fn wild_faces_make_errors_or_meshes(
        indices in prop::collection::vec(prop_oneof![-5i64..8, any::<i64>()], 1..12),
        slashes in prop::collection::vec(0usize..4, 12),
    ) {
        let words = indices.iter().zip(slashes).map(|(i, n)| match n {
            0 => format!(" {i}"),
            1 => format!(" {i}/{i}"),
            2 => format!(" {i}//{i}"),
            _ => format!(" {i}/{i}/{i}"),
        });
        let face: String = words.collect();
        let _ = Mesh::from_obj(format!("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf{face}\n").as_bytes());
    }
}

#[test]
fn enough_spheres_reach_the_tolerance() {
    let solids = [
        Solid::Primitive(Shape::Cuboid { half_extents: DVec3::new(0.05, 0.05, 0.2) }, Pose::IDENTITY),
        Solid::Primitive(Shape::Cylinder { radius: 0.06, half_length: 0.1 }, Pose::IDENTITY),
        Solid::Primitive(Shape::Capsule { radius: 0.06, half_length: 0.3 }, Pose::IDENTITY),
        Solid::Mesh(ell(0.4, 0.3, 0.1), Pose::IDENTITY),
        Solid::Mesh(torus(0.1, 0.04, [40, 20]), Pose::IDENTITY),
    ];
    for solid in &solids {
        let mut last = usize::MAX;
        for tolerance in [0.012, 0.02, 0.04, 1.0] {
            let found = cover(solid, &options(400, tolerance)).unwrap();
            assert!(found.excess_distance <= tolerance + 1e-6, "{solid}: {}", found.excess_distance);
            assert!(found.spheres.len() <= last, "{solid}: more spheres for more tolerance");
            last = found.spheres.len();
        }
        assert_eq!(last, 1);
    }
}

/// As close as it gets with all the spheres that there may be, and no endless search for more.
#[test]
fn the_most_spheres_are_not_too_few() {
    let capsule = Solid::Primitive(Shape::Capsule { radius: 1e-6, half_length: 0.5 }, Pose::IDENTITY);
    for tolerance in [1e-5, 0.0] {
        assert!(cover(&capsule, &options(4096, tolerance)).unwrap().spheres.len() <= 4096);
    }
    assert!(cover(&capsule, &options(0, 0.1)).is_err() && cover(&capsule, &options(8, f64::NAN)).is_err());
}

#[test]
fn same_input_gives_the_same_cover() {
    let solid = Solid::Mesh(torus(0.1, 0.04, [40, 20]), Pose::IDENTITY);
    let covers = [(); 2].map(|()| cover(&solid, &CoverOptions::default()).unwrap());
    assert_eq!(covers[0], covers[1]);
}

/// The bound is not only a bound: on a convex solid some sphere reaches as far as it says.
#[test]
fn excess_of_a_box_is_tight() {
    let shape = Shape::Cuboid { half_extents: DVec3::new(0.05, 0.05, 0.2) };
    let found = cover(&Solid::Primitive(shape, Pose::IDENTITY), &CoverOptions::default()).unwrap();
    let seen = sampled_excess(&found.spheres, |p| shape.signed_distance(p));
    assert!(seen > 0.97 * found.excess_distance, "{seen} of {}", found.excess_distance);
}

/// The checker above is able to fail: spheres a fiftieth smaller no longer hold everything.
#[test]
fn shrunken_covers_are_caught() {
    let shape = Shape::Cuboid { half_extents: DVec3::new(0.05, 0.05, 0.2) };
    let mut found = cover(&Solid::Primitive(shape, Pose::IDENTITY), &CoverOptions::default()).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    let mut outside =
        |cover: &Cover| (0..20_000).filter(|_| !holds(&cover.spheres, point_of(&shape, &mut rng))).count();
    assert_eq!(outside(&found), 0);
    found.spheres.iter_mut().for_each(|s| s.radius *= 0.98);
    assert!(outside(&found) > 0);
}

/// Volumes of spheres around what they cover, where they are known in closed form.
#[test]
fn excess_volumes_are_right() {
    let cube = Shape::Cuboid { half_extents: DVec3::splat(0.1) };
    let one = cover(&Solid::Primitive(cube, Pose::IDENTITY), &options(1, 0.0)).unwrap();
    let exact = 4.0 / 3.0 * PI * one.spheres[0].radius.powi(3) - 0.008;
    assert!((one.spheres[0].radius - 0.1 * 3.0_f64.sqrt()).abs() < 0.002);
    assert!((one.excess_volume - exact).abs() < 4.0 * one.excess_volume_error);
    assert!(one.excess_volume_error < 0.01 * exact);
    assert!((one.excess_ratio() - exact / 0.008).abs() < 0.1);

    let capsule = Shape::Capsule { radius: 0.1, half_length: 0.2 };
    let two = cover(&Solid::Primitive(capsule, Pose::IDENTITY), &options(2, 0.0)).unwrap();
    let [a, b] = [two.spheres[0], two.spheres[1]];
    // Two balls less their lens.
    let (r, d) = (a.radius, a.center.distance(b.center));
    let lens = PI * (4.0 * r + d) * (2.0 * r - d).powi(2) / 12.0;
    let solid = PI * 0.01 * (0.4 / 3.0 + 0.4);
    let exact = 8.0 / 3.0 * PI * r.powi(3) - lens - solid;
    assert!((two.solid_volume - solid).abs() < 1e-12);
    assert!((two.excess_volume - exact).abs() < 4.0 * two.excess_volume_error);
}

/// A hole is capped, a lid may be missing, and triangles may face anywhere.
#[test]
fn open_and_inverted_meshes_stand_for_their_solids() {
    let whole = ell(0.4, 0.3, 0.1);
    let volume = 0.1 * (0.03 + 0.03);
    assert!((Surface::new(&whole).volume() - volume).abs() < 1e-12);
    for seed in 0..20 {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let mut triangles = whole.triangles().to_vec();
        triangles.iter_mut().for_each(|t| {
            if rng.random_bool(0.5) {
                t.swap(0, 1);
            }
        });
        let mixed = Mesh::new(whole.vertices().to_vec(), triangles.clone()).unwrap();
        assert!((Surface::new(&mixed).volume() - volume).abs() < 1e-12);
        // A triangular hole is capped flat.
        triangles.swap_remove(rng.random_range(0..triangles.len()));
        let open = Mesh::new(whole.vertices().to_vec(), triangles).unwrap();
        assert!((Surface::new(&open).volume() - volume).abs() < 1e-12);
    }
    let square = [(0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2)].map(DVec2::from);
    let bin = prism(&square, &[[0, 1, 2], [0, 2, 3]], 0.2);
    let no_lid: Vec<_> = bin.triangles().iter().copied().filter(|t| t.iter().any(|&i| i < 4)).collect();
    let surface = Surface::new(&Mesh::new(bin.vertices().to_vec(), no_lid).unwrap());
    assert!((surface.volume() - 0.008).abs() < 1e-12);
    assert!(surface.contains(DVec3::new(0.1, 0.1, 0.19)) && !surface.contains(DVec3::new(0.1, 0.1, 0.21)));
}

#[test]
fn senseless_solids_and_options_are_errors() {
    let cuboid =
        |x| Solid::Primitive(Shape::Cuboid { half_extents: DVec3::new(0.1, x, 0.1) }, Pose::IDENTITY);
    for x in [-0.1, f64::NAN, f64::INFINITY, 1e9] {
        let error = cover(&cuboid(x), &CoverOptions::default()).unwrap_err();
        assert!(error.message.contains("expected lengths"), "{error}");
    }
    assert!(cover(&Solid::Primitive(Shape::HalfSpace, Pose::IDENTITY), &CoverOptions::default()).is_err());
    assert!(cover(&cuboid(0.1), &options(0, 0.01)).is_err());
    assert!(cover(&cuboid(0.1), &options(8, f64::NAN)).is_err());
    assert!(cover(&cuboid(0.1), &options(8, -1.0)).is_err());
}

/// Points, segments and plates are solids too.
#[test]
fn flat_solids_are_covered() {
    for half in [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.1, 0.2, 0.0], [1e-9, 1e-9, 1e-9], [0.1, 1e-12, 0.2]] {
        let shape = Shape::Cuboid { half_extents: half.into() };
        let found = cover(&Solid::Primitive(shape, Pose::IDENTITY), &CoverOptions::default()).unwrap();
        let mut rng = Pcg64Mcg::seed_from_u64(5);
        assert!((0..1000).all(|_| holds(&found.spheres, point_of(&shape, &mut rng))), "{half:?}");
        assert!(found.excess_volume.is_finite() && found.excess_distance.is_finite());
    }
}

// Mesh files

fn obj_text(mesh: &Mesh) -> String {
    let vertices = mesh.vertices().iter().map(|v| format!("v {} {} {}\n", v.x, v.y, v.z));
    let faces = mesh.triangles().iter().map(|[a, b, c]| format!("f {} {} {}\n", a + 1, b + 1, c + 1));
    vertices.chain(faces).collect()
}

fn stl_triangles(mesh: &Mesh) -> Vec<stl_io::Triangle> {
    let corner = |&i: &u32| stl_io::Vertex::new(mesh.vertices()[i as usize].as_vec3().to_array());
    let triangle = |t: &[u32; 3]| stl_io::Triangle {
        normal: stl_io::Normal::new([0.0; 3]),
        vertices: [corner(&t[0]), corner(&t[1]), corner(&t[2])],
    };
    mesh.triangles().iter().map(triangle).collect()
}

fn binary_stl(mesh: &Mesh) -> Vec<u8> {
    let mut bytes = Vec::new();
    stl_io::write_stl(&mut bytes, stl_triangles(mesh).iter()).unwrap();
    bytes
}

/// A text STL of two solids, as some programs write them.
fn text_stl(mesh: &Mesh) -> String {
    let facet = |t: &stl_io::Triangle| {
        let corner = |v: stl_io::Vertex| format!("vertex {} {} {}\n", v[0], v[1], v[2]);
        let corners: String = t.vertices.iter().map(|&v| corner(v)).collect();
        format!("facet normal 0 0 0\nouter loop\n{corners}endloop\nendfacet\n")
    };
    let facets: Vec<String> = stl_triangles(mesh).iter().map(facet).collect();
    let (first, second) = facets.split_at(facets.len() / 2);
    format!("solid\n{}endsolid\nsolid two\n{}endsolid two\n", first.concat(), second.concat())
}

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("flatout-spherize-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn meshes_survive_their_files() {
    let mesh = torus(0.1, 0.04, [12, 8]);
    let exact = Surface::new(&mesh);
    for (name, bytes) in [
        ("a.obj", obj_text(&mesh).into_bytes()),
        ("b.stl", binary_stl(&mesh)),
        ("c.STL", text_stl(&mesh).into_bytes()),
        ("d.stl", [b"solid but binary".as_slice(), &binary_stl(&mesh)[16..]].concat()),
    ] {
        let path = written(name, &bytes);
        let read = Mesh::load(&path, DVec3::new(2.0, -1.0, 0.5));
        std::fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        assert_eq!(read.triangles().len(), mesh.triangles().len(), "{name}");
        let surface = Surface::new(&read);
        // Half the volume times two, and mirrored, which must not turn it inside out.
        assert!((surface.volume() - exact.volume()).abs() < 1e-6 * exact.volume(), "{name}");
        assert!(surface.contains(DVec3::new(0.2, 0.0, 0.0)) && !surface.contains(DVec3::ZERO));
    }
}

/// A quadrilateral and three triangles of a tetrahedron, in centimetres, shown twice: moved, turned and stretched.
const COLLADA: &str = r##"<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1">
<asset><unit name="centimeter" meter="0.01"/><up_axis>Y_UP</up_axis></asset>
<library_geometries><geometry id="g"><mesh>
<source id="s"><float_array id="a" count="15">0 0 0 100 0 0 100 100 0 0 100 0 0 0 100</float_array>
<technique_common><accessor source="#a" count="5" stride="3"/></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#s"/></vertices>
<polylist count="1"><input semantic="VERTEX" source="#v" offset="1"/><input semantic="NORMAL" source="#s" offset="0"/>
<vcount>4</vcount><p>0 3 0 2 0 1 0 0</p></polylist>
<triangles count="4"><input semantic="VERTEX" source="#v" offset="0"/><p>0 1 4 1 2 4 2 3 4 3 0 4</p></triangles>
</mesh></geometry></library_geometries>
<library_nodes><node id="n"><instance_geometry url="#g"/></node></library_nodes>
<library_visual_scenes><visual_scene id="w">
<node><instance_geometry url="#g"/></node>
<node><matrix>1 0 0 500 0 1 0 0 0 0 1 0 0 0 0 1</matrix>
<node><rotate>0 0 1 90</rotate><scale>1 2 1</scale><instance_node url="#n"/></node></node>
</visual_scene></library_visual_scenes><scene><instance_visual_scene url="#w"/></scene></COLLADA>"##;

/// Units and nodes count; the up-axis does not, as in RViz, MoveIt and Pinocchio.
#[test]
fn collada_is_read_as_its_scene_shows_it() {
    let mesh = Mesh::from_collada(COLLADA.as_bytes()).unwrap();
    assert_eq!((mesh.vertices().len(), mesh.triangles().len()), (10, 12));
    let [low, high] = Surface::new(&mesh).bounds();
    let expected = [DVec3::new(0.0, 0.0, 0.0), DVec3::new(5.0, 1.0, 1.0)];
    // The second is turned by 90 degrees after being stretched: from 3 to 5 along x, from 0 to 1 along y.
    assert!(low.distance(expected[0]) < 1e-12 && high.distance(expected[1]) < 1e-12, "{low} {high}");
    let volume = Surface::new(&mesh).volume();
    assert!((volume - (1.0 / 3.0 + 2.0 / 3.0)).abs() < 1e-12, "{volume}");
    // Without a scene, all geometries as they are.
    let plain = COLLADA.split("<library_nodes>").next().unwrap().to_owned() + "</COLLADA>";
    assert_eq!(Mesh::from_collada(plain.as_bytes()).unwrap().triangles().len(), 6);
    for (from, to, said) in [
        ("url=\"#w\"", "url=\"#x\"", "\"#x\": expected # and an id"),
        ("0 1 4 1 2 4", "0 1 5 1 2 4", "below 5"),
        ("<vcount>4", "<vcount>5", "more corners"),
        ("<vcount>4", "<vcount>3", "more corners than <vcount>"),
        ("0 1 4 1 2 4", "0 1 4 1 2", "three corners"),
        ("0 1 4 1 2 4", "0 1 4 <!-- a comment --> 1 2 4", ""),
        ("<scale>1 2 1", "<scale>1 2", "expected 3 finite numbers"),
        ("meter=\"0.01\"", "meter=\"-1\"", "above 0"),
        ("100 0 0 100", "100 o 0 100", "found \"o\""),
        ("<rotate>0 0 1 90</rotate>", "<lookat>0</lookat>", "lookat"),
        ("url=\"#n\"", "url=\"#g\"", ""),
    ] {
        let error = Mesh::from_collada(COLLADA.replacen(from, to, 1).as_bytes());
        match error {
            Err(e) => assert!(e.to_string().contains(said), "{e}"),
            Ok(_) => assert_eq!(said, "", "{from}"),
        }
    }
    // Nodes of which each shows the next twice.
    let twice = |i: usize| {
        let next = format!("<instance_node url=\"#n{}\"/>", i + 1).repeat(2);
        format!("<node id=\"n{i}\">{next}</node>")
    };
    let bomb: String = (0..60).map(twice).chain(["<node id=\"n60\"/>".to_owned()]).collect();
    let bomb = COLLADA.replace("<library_nodes>", &format!("<library_nodes>{bomb}")).replace("#n\"", "#n0\"");
    assert!(Mesh::from_collada(bomb.as_bytes()).unwrap_err().message.contains("nodes"));
    // Nodes that hold themselves.
    let endless = COLLADA.replace("<node id=\"n\">", "<node id=\"n\"><instance_node url=\"#n\"/>");
    assert!(Mesh::from_collada(endless.as_bytes()).unwrap_err().message.contains("within each other"));
}

#[test]
fn polygons_colours_and_negative_indices_of_obj_files_are_read() {
    let text = "# a square\nmtllib none.mtl\no square\n\
                v 0 0 0 0.5 0.5 0.5\nv 1 0 0\nv 1 1 0 0.1 0.2 0.3\nv 0 1 0\n\
                vt 0 0\nvn 0 0 1\nusemtl none\ng part\nf -4/1/1 -3/1/1 -2/1/1 -1/1/1\nl 1 2\np 1\n";
    let mesh = Mesh::from_obj(text.as_bytes()).unwrap();
    assert_eq!((mesh.vertices().len(), mesh.triangles().len()), (4, 2));
    assert_eq!(mesh.vertices()[2], DVec3::new(1.0, 1.0, 0.0));
}

#[test]
fn bad_mesh_files_are_named_with_what_is_wrong() {
    let mesh = ell(0.3, 0.2, 0.1);
    let (binary, text, obj) = (binary_stl(&mesh), text_stl(&mesh), obj_text(&mesh));
    let one = DVec3::ONE;
    let cases: Vec<(&str, Vec<u8>, DVec3, &str)> = vec![
        ("0.ply", b"ply".to_vec(), one, "expected a mesh in an .stl, .obj, .dae, .gltf or .glb file"),
        ("0.dae", b"<mesh/>".to_vec(), one, "expected <COLLADA>"),
        ("1.stl", Vec::new(), one, "neither a text STL"),
        ("2.stl", binary[..binary.len() - 1].to_vec(), one, "asks for"),
        ("3.stl", text.as_bytes()[..text.len() - 20].to_vec(), one, "cut short"),
        ("4.stl", text.replacen("vertex", "vertx", 1).into_bytes(), one, "not a whole STL"),
        ("5.stl", text.replacen("vertex 0 ", "vertex nan ", 1).into_bytes(), one, "finite"),
        ("6.stl", b"solid a\nendsolid a\n".to_vec(), one, "no triangles"),
        ("7.obj", Vec::new(), one, "no triangles"),
        ("8.obj", obj.replacen("v 0", "v NaN", 1).into_bytes(), one, "finite"),
        ("9.obj", obj.replacen("f 3", "f 333", 1).into_bytes(), one, "out of bounds"),
        ("10.obj", b"v 0 0 0\nv 1 0 0\n\nv 0 z 0\nf 1 2 3\n".to_vec(), one, "position parse error"),
        ("11.obj", obj.clone().into_bytes(), DVec3::new(1.0, 0.0, 1.0), "none of them zero"),
        ("12.obj", obj.into_bytes(), DVec3::splat(1e9), "is the scale right"),
    ];
    for (name, bytes, scale, expected) in cases {
        let path = written(name, &bytes);
        let error = Mesh::load(&path, scale);
        std::fs::remove_file(&path).unwrap();
        let error = error.unwrap_err();
        assert_eq!(error.file.as_deref(), Some(path.as_path()));
        assert!(error.message.contains(expected), "{name}: {error}");
        assert!(name != "10.obj" || error.line == Some(4), "{error}");
    }
    let absent = Mesh::load("/nowhere/at/all.stl".as_ref(), one).unwrap_err();
    assert!(absent.message.contains("cannot read"));
}

// URDF

const URDF: &str = r#"<?xml version="1.0"?>
<!-- kept --><robot name="r">
  <link name="a">
    <visual><geometry><mesh filename="a.dae"/></geometry></visual>
    <collision name="old">
      <geometry><box size="0.1 0.1 0.4"/></geometry>
    </collision>
    <!-- kept too -->
    <collision><geometry><cylinder radius="0.1" length="0.2"/></geometry></collision>
  </link>
  <link name="b"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <link name="c"/>
  <joint name="j" type="fixed"><parent link="a"/><child link="b"/></joint>
  <joint name="k" type="fixed"><parent link="a"/><child link="c"/></joint>
</robot>
"#;

#[test]
fn collisions_are_replaced_and_nothing_else() {
    let solids = [
        Solid::Primitive(Shape::Cuboid { half_extents: DVec3::new(0.05, 0.05, 0.2) }, Pose::IDENTITY),
        Solid::Primitive(
            Shape::Cylinder { radius: 0.1, half_length: 0.1 },
            Pose { rotation: DMat3::from_rotation_x(0.5), translation: DVec3::new(0.1, -0.2, 0.3) },
        ),
    ];
    let solids = solids.map(|solid| LinkSolid { link: "a".to_owned(), solid });
    let links = cover_links(&solids, &CoverOptions::default()).unwrap();
    let spheres: Vec<Sphere> = links[0].elements.iter().flat_map(|(_, c)| c.spheres.clone()).collect();
    let text = replace_collisions(URDF, &links).unwrap();

    let (before, after) = (URDF.find("<collision name").unwrap(), URDF.find("<link name=\"b\"").unwrap());
    assert!(text.starts_with(&URDF[..before]) && text.ends_with(&URDF[after..]));
    assert!(text.contains("<!-- kept too -->"));
    let robot = urdf_rs::read_from_string(&text).unwrap();
    let found: Vec<Sphere> = robot.links[0]
        .collision
        .iter()
        .map(|c| match c.geometry {
            urdf_rs::Geometry::Sphere { radius } => Sphere { center: c.origin.xyz.0.into(), radius },
            ref other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, spheres, "to the last bit");

    let report = CoverReport(&links).to_string();
    assert!(report.contains("box 0.100 x 0.100 x 0.400 m"), "{report}");
    assert_eq!(report.lines().count(), 4);
}

#[test]
fn collisions_that_are_not_there_are_errors() {
    let links = |link: &str| [LinkCover { link: link.to_owned(), elements: Vec::new() }];
    assert!(replace_collisions(URDF, &links("d")).unwrap_err().message.contains("no link"));
    assert_eq!(replace_collisions(URDF, &links("c")).unwrap_err().line, Some(12));
    assert!(replace_collisions("<robot>", &links("a")).is_err());
    let without = replace_collisions(URDF, &links("b")).unwrap();
    assert!(without.contains("<link name=\"b\"></link>"), "{without}");
}

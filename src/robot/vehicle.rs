//! Robots on bases: the joints of a base before those of the tree that it carries.

use super::{Inertia, Joint, JointKind, JointLimits, Link, LoadOptions, Robot, Sphere, pairs};
use crate::base::{Base, Coordinate};
use crate::pose::Pose;
use glam::{DVec2, DVec3, Vec2Swizzles as _};

/// Corners take ever smaller discs; no excess that makes sense needs so many.
const MAX_CORNER_DISCS: usize = 64;

impl Robot {
    /// A single rigid link with collision geometry, without mass.
    pub fn of_spheres(name: impl Into<String>, spheres: Vec<Sphere>) -> Self {
        let name = name.into();
        Self {
            links: vec![Link { name: name.clone(), inertia: Inertia::ZERO, spheres, visible: false }],
            name,
            joints: Vec::new(),
            groups: Vec::new(),
            states: Vec::new(),
            pairs: Vec::new(),
            skipped: Vec::new(),
            always: Vec::new(),
            proved_within: Vec::new(),
            base: None,
            warnings: Vec::new(),
            losses: Vec::new(),
        }
    }

    /// This robot carried by `base`: its root link moves with the last of the base's coordinates
    /// ([`Base::coordinates`]), which become joints with these `limits`, before all of its own. The
    /// spheres of a car's `trailer` move with the coordinate before the hitch.
    ///
    /// Planning for all of these joints is planning for the coordinates. That is the same as planning
    /// for the flat outputs where the two are the same: for a point.
    ///
    /// # Panics
    /// Where there is not one set of limits for each coordinate.
    #[must_use]
    pub fn on_base(self, base: Base, limits: &[JointLimits], trailer: Vec<Sphere>) -> Self {
        let coordinates = base.coordinates();
        assert_eq!(coordinates.len(), limits.len(), "limits of every coordinate");
        let moved = coordinates.len();
        let link = |name: &str| Link {
            name: name.to_owned(),
            inertia: Inertia::ZERO,
            spheres: Vec::new(),
            visible: false,
        };
        let mut links = vec![link("world")];
        links.extend(coordinates[..moved - 1].iter().map(|c| link(&format!("{}_carrier", c.name))));
        let has_trailer = !trailer.is_empty();
        if has_trailer {
            links[moved - 1] = Link { spheres: trailer, ..link("trailer") };
        }
        let joint = |(i, (c, &limits)): (usize, (&Coordinate, &JointLimits))| Joint {
            name: c.name.to_owned(),
            kind: if c.turns { JointKind::Continuous } else { JointKind::Prismatic },
            parent: i,
            origin: Pose::from_translation(c.origin),
            axis: c.axis,
            limits,
            mimic: None,
        };
        let joints = coordinates.iter().zip(limits).enumerate().map(joint).collect();
        let mut robot = Self { base: Some(base), ..self.behind(links, joints) };
        if has_trailer {
            pairs::add(&mut robot, moved - 1, LoadOptions::default().comparisons);
        }
        robot
    }

    /// This robot, of one rigid link, with `tree` mounted on it at `mount`, the frame of the tree's root
    /// link in its own. All of the tree's links are judged against this robot's, but its neighbour; pairs
    /// among the tree's links stay as they are.
    ///
    /// # Panics
    /// Where this robot has joints of its own.
    #[must_use]
    pub fn carrying(self, tree: Self, mount: Pose, options: &LoadOptions) -> Self {
        assert!(self.joints.is_empty(), "a single rigid link");
        let joint = Joint {
            name: format!("mount of {}", tree.links[0].name),
            kind: JointKind::Fixed,
            parent: 0,
            origin: mount,
            axis: DVec3::Z,
            limits: JointLimits::NONE,
            mimic: None,
        };
        let mut whole = tree.behind(self.links, vec![joint]);
        pairs::add(&mut whole, 0, options.comparisons);
        Self { name: self.name, ..whole }
    }

    /// This robot with `links` before its own and as many `joints` before its own: the last of them
    /// carries its root link.
    fn behind(mut self, mut links: Vec<Link>, mut joints: Vec<Joint>) -> Self {
        let moved = links.len();
        for joint in &mut self.joints {
            joint.parent += moved;
            if let Some(mimic) = &mut joint.mimic {
                mimic.joint += moved;
            }
        }
        links.append(&mut self.links);
        joints.append(&mut self.joints);
        self.groups.iter_mut().flat_map(|g| &mut g.joints).for_each(|j| *j += moved);
        self.states.iter_mut().flat_map(|s| &mut s.values).for_each(|(j, _)| *j += moved);
        self.pairs.iter_mut().flatten().for_each(|l| *l += moved);
        self.skipped.iter_mut().flat_map(|s| &mut s.links).for_each(|l| *l += moved);
        self.always.iter_mut().flat_map(|a| &mut a.links).for_each(|l| *l += moved);
        // What decides how the tree's links stand to each other does not hang on the joints before them.
        let endless = [f64::NEG_INFINITY, f64::INFINITY];
        if !self.proved_within.is_empty() {
            self.proved_within.splice(0..0, vec![endless; moved]);
        }
        Self { links, joints, ..self }
    }
}

/// Discs that together hold the rectangle about the origin with these half extents and reach no
/// farther than `excess` > 0 beyond it: (centre, radius). For what moves in a plane among walls that
/// stand across it, spheres of these radii are as good as discs. `None` where that takes more than `most`, or a
/// length makes no sense.
///
/// Equal discs in a row along the middle hold all but the corners. Into each corner goes a row of
/// smaller ones along its bisector, each as far inside as its radius less the excess, and each
/// beginning on the rectangle's edges where the one before ends: of the triangle between its corner
/// and the chord that two neighbours share, it holds all but the tip, being convex.
pub fn cover_rectangle(half: DVec2, excess: f64, most: usize) -> Option<Vec<(DVec2, f64)>> {
    let sensible = |length: f64| length > 0.0 && length.is_finite();
    if ![half.x, half.y, excess].into_iter().all(sensible) {
        return None;
    }
    // Along the longer side; turned back in the end.
    let is_upright = half.y > half.x;
    let DVec2 { x: a, y: b } = if is_upright { half.yx() } else { half };
    let reach = |inset: f64| (2.0 * inset * excess + excess * excess).sqrt();
    let row = a - b;
    let gaps = (row / reach(b)).ceil().max(0.0);
    // Those in the row along the middle are the most, of what may be a great many.
    if gaps >= most as f64 {
        return None;
    }
    let along = |i: f64| if gaps > 0.0 { row * (2.0 * i / gaps - 1.0) } else { 0.0 };
    let mut discs: Vec<(DVec2, f64)> =
        (0..=gaps as usize).map(|i| (DVec2::new(along(i as f64), 0.0), b + excess)).collect();
    // The distance from a corner, along its edges, up to which they are held.
    let mut bare = b - reach(b);
    // A disc with this inset or less holds its corner.
    let last = excess / (std::f64::consts::SQRT_2 - 1.0);
    let mut is_held = b <= last;
    for _ in 0..MAX_CORNER_DISCS {
        if is_held {
            break;
        }
        // The inset whose disc begins at `bare`: inset + reach(inset) = bare, or the last one.
        let inset = ((bare + excess) - (2.0 * excess * (bare + excess)).sqrt()).max(0.0);
        let inset = if last + reach(last) >= bare { last } else { inset };
        for (x, y) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
            discs.push((DVec2::new(x * (a - inset), y * (b - inset)), inset + excess));
        }
        is_held = inset <= last;
        bare = inset - reach(inset);
    }
    if is_upright {
        discs.iter_mut().for_each(|(center, _)| *center = center.yx());
    }
    (discs.len() <= most).then_some(discs)
}

/// The discs of [`cover_rectangle`] as spheres, the rectangle lying across `normal` (y or z) of its
/// body: its sides along x, and along z or y.
pub fn rectangle_spheres(half: DVec2, excess: f64, is_upright: bool, most: usize) -> Option<Vec<Sphere>> {
    let place = |p: DVec2| if is_upright { DVec3::new(p.x, 0.0, p.y) } else { p.extend(0.0) };
    let discs = cover_rectangle(half, excess, most)?.into_iter();
    Some(discs.map(|(center, radius)| Sphere { center: place(center), radius }).collect())
}

/// Spheres that together hold the box about the origin with these half extents and reach no farther than
/// `excess` > 0 beyond it; `None` where that takes more than `most`, or a length makes no sense.
///
/// The box is cut into equal cells, each held by the sphere through its corners: of half extents h, that
/// reaches |h| - min h beyond its nearest face, which for cubes of side s is s (sqrt 3 - 1) / 2.
pub fn cuboid_spheres(half: DVec3, excess: f64, most: usize) -> Option<Vec<Sphere>> {
    let mut side = 2.0 * excess / (3.0_f64.sqrt() - 1.0);
    let counted = |side: f64| (2.0 * half / side).ceil().max(DVec3::ONE);
    let beyond = |cells: DVec3| (half / cells).length() - (half / cells).min_element();
    // Cells are not quite cubes, so that a little finer may be needed.
    while beyond(counted(side)) > excess {
        side *= 0.98;
    }
    let cells = counted(side);
    // Written so that what is no number fails.
    if !(cells.element_product() <= most as f64 && excess > 0.0 && half.min_element() >= 0.0) {
        return None;
    }
    let radius = (half / cells).length();
    let along = |i: usize, axis: usize| half[axis] * ((2 * i + 1) as f64 / cells[axis] - 1.0);
    let [nx, ny, nz] = cells.to_array().map(|n| n as usize);
    let indices = (0..nx).flat_map(|i| (0..ny).flat_map(move |j| (0..nz).map(move |k| [i, j, k])));
    let center = |[i, j, k]: [usize; 3]| DVec3::new(along(i, 0), along(j, 1), along(k, 2));
    Some(indices.map(|cell| Sphere { center: center(cell), radius }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Car, PlanarQuadrotor, Point, Quadrotor, Trailer, VelocityAxes};
    use crate::robot::Mechanism;
    use glam::DMat3;
    use proptest::prelude::*;

    proptest! {
        /// Every point of the rectangle is in a disc, and no disc reaches farther than stated.
        #[test]
        fn discs_hold_their_rectangle(
            a in 0.05..1.0, b in 0.05..1.0, excess in 0.002..0.1,
            u in prop::collection::vec((-1.0..=1.0, -1.0..=1.0), 400),
        ) {
            let half = DVec2::new(a, b);
            let discs = cover_rectangle(half, excess, 100_000).unwrap();
            prop_assert!(cover_rectangle(half, excess, discs.len() - 1).is_none());
            let edges = u.iter().flat_map(|&(x, y)| [(x, y), (x, 1.0), (1.0, y), (-1.0, y), (x, -1.0)]);
            for (x, y) in edges.chain([(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)]) {
                let p = half * DVec2::new(x, y);
                let inside = discs.iter().any(|&(c, r)| c.distance(p) <= r * (1.0 + 1e-12));
                prop_assert!(inside, "{p} of {half}, excess {excess}");
            }
            for (center, radius) in discs {
                let inset = (half - center.abs()).min_element();
                prop_assert!(inset >= -1e-12 && radius <= inset + excess + 1e-12, "{center} {radius}");
            }
        }
    }

    proptest! {
        /// Every point of the box is in a sphere, and no sphere reaches farther than stated.
        #[test]
        fn spheres_hold_their_box(
            half in prop::array::uniform3(0.05..1.0), excess in 0.05..0.2,
            points in prop::collection::vec(prop::array::uniform3(-1.0..=1.0), 200),
        ) {
            let half = DVec3::from(half);
            let spheres = cuboid_spheres(half, excess, 100_000).unwrap();
            prop_assert!(cuboid_spheres(half, excess, spheres.len() - 1).is_none());
            let corners = [-1.0, 1.0].map(DVec3::splat);
            for p in points.into_iter().map(DVec3::from).chain(corners).map(|u| half * u) {
                let inside = |s: &Sphere| s.center.distance(p) <= s.radius * (1.0 + 1e-12);
                prop_assert!(spheres.iter().any(inside), "{p} of {half}, excess {excess}");
            }
            for s in spheres {
                let beyond = s.radius - (half - s.center.abs()).min_element();
                prop_assert!(beyond <= excess * (1.0 + 1e-12), "{beyond} of {excess}");
            }
        }
    }

    fn no_limits(base: &Base) -> Vec<JointLimits> {
        vec![JointLimits::NONE; base.coordinates().len()]
    }

    /// The frame of the last body of a base with nothing on it, at some coordinates.
    fn placed(base: &Base, coordinates: &[f64]) -> Vec<Pose> {
        let ball = vec![Sphere { center: DVec3::ZERO, radius: 0.1 }];
        let robot = Robot::of_spheres("ball", ball.clone());
        let robot = robot.on_base(base.clone(), &no_limits(base), Vec::new());
        let all = robot.independent_joints();
        let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).unwrap();
        assert_eq!(mechanism.base.as_ref(), Some(base));
        assert_eq!(mechanism.links[0].body, mechanism.bodies.len() - 1);
        let mut poses = Vec::new();
        mechanism.place(coordinates, &mut poses);
        poses
    }

    /// Where a point of the last link's frame lies: bodies are turned so that their axes are z.
    fn link_pose(base: &Base, coordinates: &[f64]) -> Pose {
        let axis = base.coordinates().last().unwrap().axis;
        let turn = DMat3::from_quat(glam::DQuat::from_rotation_arc(DVec3::Z, axis));
        *placed(base, coordinates).last().unwrap()
            * Pose { rotation: turn, translation: DVec3::ZERO }.inverse()
    }

    #[test]
    fn coordinates_place_the_body_as_the_state_says() {
        let quadrotor = Base::Quadrotor(Quadrotor {
            mass: 1.0,
            inertia: DVec3::ONE,
            actuation: crate::base::Actuation::Wrench { unit: [1.0; 4], lower: [0.0; 4], upper: [9.0; 4] },
            velocity: 4.0,
            body_rate: 8.0,
            velocity_axes: VelocityAxes::World,
            gravity: crate::base::GRAVITY,
        });
        let derivatives = [[1.0, 2.0, 3.0, 0.4], [0.0; 4], [3.0, -4.0, 1.5, 0.0], [0.0; 4], [0.0; 4]];
        let sample = quadrotor.unflatten(&quadrotor.flat_from(derivatives)).unwrap();
        let pose = link_pose(&quadrotor, &sample.coordinates);
        let q = &sample.state[3..7];
        let rotation = DMat3::from_quat(glam::DQuat::from_xyzw(q[0], q[1], q[2], q[3]));
        assert!(pose.rotation.abs_diff_eq(rotation, 1e-12), "{pose:?} {rotation}");
        assert!((pose.translation - DVec3::new(1.0, 2.0, 3.0)).length() < 1e-12);
        // The thrust is along the body's z axis.
        assert!((pose.rotation.z_axis - DVec3::new(3.0, -4.0, 11.31).normalize()).length() < 1e-12);

        let planar = Base::PlanarQuadrotor(PlanarQuadrotor {
            mass: 1.0,
            inertia: 1.0,
            arm: 0.1,
            rotor: 2.0,
            velocity: 4.0,
            body_rate: 8.0,
            gravity: crate::base::GRAVITY,
        });
        let pose = link_pose(&planar, &[0.5, 0.7, 0.3]);
        assert!((pose.rotation.z_axis - DVec3::new(-0.3_f64.sin(), 0.0, 0.3_f64.cos())).length() < 1e-12);
        assert!((pose.translation - DVec3::new(0.5, 0.0, 0.7)).length() < 1e-12);
    }

    #[test]
    fn a_trailer_follows_at_its_hitch() {
        let car = Base::Car(Car {
            wheelbase: 0.25,
            speed: [-0.1, 0.5],
            steering: 1.0,
            steering_rate: f64::INFINITY,
            acceleration: f64::INFINITY,
            trailer: Some(Trailer { hitch_length: 0.5, angle: 0.7 }),
        });
        let state = [1.0, 2.0, 0.9, 0.5];
        let sample = car.unflatten(&car.flatten(&state, &[0.0, 0.2], [0.0; 2]).unwrap()).unwrap();
        let poses = placed(&car, &sample.coordinates);
        let rear = poses.last().unwrap();
        assert!((rear.translation - DVec3::new(1.0, 2.0, 0.0)).length() < 1e-12, "{rear:?}");
        assert!((rear.vector(DVec3::X) - DVec3::new(0.9_f64.cos(), 0.9_f64.sin(), 0.0)).length() < 1e-12);
        let sphere = Sphere { center: DVec3::ZERO, radius: 0.1 };
        let robot =
            Robot::of_spheres("car", vec![sphere]).on_base(car.clone(), &no_limits(&car), vec![sphere]);
        let all = robot.independent_joints();
        let mechanism = Mechanism::new(&robot, &all, &robot.neutral(), Pose::IDENTITY).unwrap();
        let mut moved = Vec::new();
        mechanism.place(&sample.coordinates, &mut moved);
        let centers: Vec<DVec3> = mechanism.links.iter().map(|l| moved[l.body].translation).collect();
        let behind = DVec3::new(1.0 - 0.5 * 0.5_f64.cos(), 2.0 - 0.5 * 0.5_f64.sin(), 0.0);
        assert!((centers[0] - behind).length() < 1e-12 && centers[1].distance(centers[0]) - 0.5 < 1e-12);
    }

    #[test]
    fn a_tree_keeps_its_indices_on_a_base() {
        let base = Base::Point(Point { dimensions: 2, velocity: 1.0, acceleration: 1.0 });
        let mut tree = Robot::of_spheres("root", Vec::new());
        tree.links.push(Link { name: "arm".into(), ..tree.links[0].clone() });
        tree.joints.push(Joint {
            name: "elbow".into(),
            kind: JointKind::Revolute,
            parent: 0,
            origin: Pose::from_translation(DVec3::Z),
            axis: DVec3::Y,
            limits: JointLimits::NONE,
            mimic: None,
        });
        tree.groups.push(crate::robot::Group { name: "all".into(), joints: vec![0] });
        let robot = tree.on_base(base.clone(), &no_limits(&base), Vec::new());
        let joints: Vec<_> = robot.joints.iter().map(|j| j.name.as_str()).collect();
        assert_eq!(joints, ["x", "y", "elbow"]);
        assert_eq!((robot.joints[2].parent, robot.groups[0].joints[0]), (2, 2));
        assert_eq!(robot.links[robot.joints[2].parent].name, "root");
        let poses = robot.link_poses(&[0.3, 0.4, 0.0]);
        assert_eq!(poses[3].translation, DVec3::new(0.3, 0.4, 1.0));
        // Planning for the arm alone leaves the base where it is: then it is no base of the mechanism.
        let arm = Mechanism::new(&robot, &[2], &[0.3, 0.4, 0.0], Pose::IDENTITY).unwrap();
        assert_eq!((arm.base, arm.bodies.len()), (None, 2));
    }
}

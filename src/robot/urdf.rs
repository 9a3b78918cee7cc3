//! Reads URDF. Imports `error`, `pose`, `world`, and the robot's meshes and sphere covers.
//!
//! A file passes through three stages. `roxmltree` parses it and knows the line of every element.
//! A table of all that flatout reads of URDF (`schema`) checks elements and attributes and
//! writes down what it found as a plain document: no visuals, no extensions, nothing nested deeper
//! than the table. `urdf-rs` reads that document; what it returns is then joined into a tree.

mod find;
mod schema;

use find::MeshSearch;
use schema::is_a_point;

use super::geometry::Geometry;
use super::spherize::check_lengths;
use super::xml::{attribute_fault, children, declared, fault, parse, tell_undeclared};
use super::{Inertia, Joint, JointKind, JointLimits, Link, Mimic, Robot, Sphere};
use crate::error::{InputError, Warnings};
use crate::pose::Pose;
use crate::world::Shape;
use glam::{DMat3, DVec3};
use roxmltree::Node;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use urdf_rs::JointType;

/// More links than any robot has: a file with more is a mistake, and pairs of links are quadratic.
const MAX_LINKS: usize = 2048;

/// More pieces of collision geometry than any robot has, single spheres included.
const MAX_SOLIDS: usize = 16_384;

/// Share of the greatest moment of inertia by which another may be below zero, which is rounding then; ...
const MOMENT_ROUNDING: f64 = 1e-9;

/// ... and the least that this greatest counts for, kg m^2: that of a gram at 30 micrometres.
const LEAST_MOMENT: f64 = 1e-12;

/// Reads a robot from the text of a URDF file: links and joints, no groups and no pairs; and the collision
/// geometry of each link, in whose place stands a point for each piece of it. Meshes are looked for from
/// `folder`, where the file lies.
pub(super) fn read(
    text: &str,
    folder: Option<&Path>,
    packages: &[PathBuf],
    warnings: &Warnings,
) -> Result<(Robot, Vec<Vec<Geometry>>), InputError> {
    with_assembly(text, folder, packages, warnings, |assembly| assembly.robot())
}

fn with_assembly<T>(
    text: &str,
    folder: Option<&Path>,
    packages: &[PathBuf],
    warnings: &Warnings,
    use_it: impl FnOnce(&Assembly) -> Result<T, InputError>,
) -> Result<T, InputError> {
    let (text, undeclared) = declared(text);
    let document = parse(&text)?;
    let root = document.root_element();
    tell_undeclared(root, &undeclared, warnings);
    let plain = schema::plain(root, warnings)?;
    let urdf = urdf_rs::read_from_string(&plain).map_err(|e| fault(root, format!("not valid URDF: {e}")))?;
    let links = children(root, "link").collect();
    let joints = children(root, "joint").collect();
    use_it(&Assembly { urdf: &urdf, folder, packages, root, links, joints, warnings })
}

/// What `urdf-rs` read, beside the elements it stems from: `links[i]` is `urdf.links[i]`'s.
struct Assembly<'a, 'i> {
    urdf: &'a urdf_rs::Robot,
    folder: Option<&'a Path>,
    /// Folders of packages, or of folders of packages, where meshes are looked for first.
    packages: &'a [PathBuf],
    root: Node<'a, 'i>,
    links: Vec<Node<'a, 'i>>,
    joints: Vec<Node<'a, 'i>>,
    warnings: &'a Warnings,
}

impl Assembly<'_, '_> {
    /// Joins links and joints into a tree.
    fn robot(&self) -> Result<(Robot, Vec<Vec<Geometry>>), InputError> {
        let order = self.order()?;
        let joint_index: HashMap<&str, usize> =
            order.joints.iter().enumerate().map(|(j, &u)| (self.urdf.joints[u].name.as_str(), j)).collect();
        let mut link_index = vec![0; self.links.len()];
        for (l, &u) in order.links.iter().enumerate() {
            link_index[u] = l;
        }
        let mut joints = Vec::with_capacity(order.joints.len());
        for (&u, &parent) in order.joints.iter().zip(&order.parents) {
            joints.push(self.joint(u, link_index[parent], &joint_index)?);
        }
        self.resolve_mimics(&mut joints, &order.joints)?;
        let geometry: Vec<_> = order.links.iter().map(|&u| self.geometry_of(u)).collect::<Result<_, _>>()?;
        let links = order.links.iter().zip(&geometry).map(|(&u, pieces)| self.link(u, pieces));
        let robot = Robot {
            name: self.urdf.name.clone(),
            links: links.collect::<Result<_, _>>()?,
            joints,
            groups: Vec::new(),
            states: Vec::new(),
            pairs: Vec::new(),
            skipped: Vec::new(),
            always: Vec::new(),
            proved_within: Vec::new(),
            base: None,
            warnings: Vec::new(),
            losses: self.losses(&order.joints),
        };
        Ok((robot, geometry))
    }

    /// Which joints, in this order, are described with friction or damping, and where.
    fn losses(&self, order: &[usize]) -> Vec<(usize, InputError)> {
        let is_lossless = |text: &str| text.trim().parse() == Ok(0.0);
        let loss = |(joint, &u): (usize, &usize)| {
            let dynamics = children(self.joints[u], "dynamics").find(|dynamics| {
                let given = ["damping", "friction"].map(|name| dynamics.attribute(name));
                given.into_iter().flatten().any(|text| !is_lossless(text))
            });
            dynamics.map(|dynamics| (joint, fault(dynamics, "")))
        };
        order.iter().enumerate().filter_map(loss).collect()
    }

    /// Sorts links and joints so that parents come first.
    fn order(&self) -> Result<Order, InputError> {
        if self.links.len() > MAX_LINKS {
            let found = self.links.len();
            return Err(fault(self.root, format!("{found} links; at most {MAX_LINKS} are read")));
        }
        let solids: usize = self.urdf.links.iter().map(|l| l.collision.len()).sum();
        if solids > MAX_SOLIDS {
            let message = format!("{solids} pieces of collision geometry; at most {MAX_SOLIDS} are read");
            return Err(fault(self.root, message));
        }
        let links = index(self.urdf.links.iter().map(|l| l.name.as_str()), &self.links, "link")?;
        index(self.urdf.joints.iter().map(|j| j.name.as_str()), &self.joints, "joint")?;
        let mut carried_by: Vec<Option<usize>> = vec![None; self.links.len()];
        let mut carries: Vec<Vec<usize>> = vec![Vec::new(); self.links.len()];
        let mut child_of = vec![0; self.joints.len()];
        for (j, joint) in self.urdf.joints.iter().enumerate() {
            let find = |end: &str, name: &str| {
                links.get(name).copied().ok_or_else(|| {
                    let node = children(self.joints[j], end).next().unwrap_or(self.joints[j]);
                    attribute_fault(node, "link", format!("there is no link \"{name}\""))
                })
            };
            let (parent, child) = (find("parent", &joint.parent.link)?, find("child", &joint.child.link)?);
            if let Some(other) = carried_by[child] {
                let (link, other) = (&joint.child.link, &self.urdf.joints[other].name);
                return Err(fault(
                    self.joints[j],
                    format!("link \"{link}\" is the child of joint \"{other}\" already; expected a tree"),
                ));
            }
            carried_by[child] = Some(j);
            carries[parent].push(j);
            child_of[j] = child;
        }
        let root = self.root_link(&carried_by)?;
        let mut order = Order { links: vec![root], joints: Vec::new(), parents: Vec::new() };
        let mut open: Vec<(usize, usize)> = carries[root].iter().rev().map(|&j| (root, j)).collect();
        while let Some((parent, j)) = open.pop() {
            let child = child_of[j];
            order.joints.push(j);
            order.parents.push(parent);
            order.links.push(child);
            open.extend(carries[child].iter().rev().map(|&j| (child, j)));
        }
        if order.links.len() < self.links.len() {
            // Every link but the root has one parent, so what the root does not reach runs in circles.
            let lost = (0..self.links.len()).find(|l| !order.links.contains(l)).unwrap_or(root);
            return Err(fault(self.links[lost], "the joints above this link form a cycle; expected a tree"));
        }
        Ok(order)
    }

    /// The only link that no joint carries.
    fn root_link(&self, carried_by: &[Option<usize>]) -> Result<usize, InputError> {
        let mut roots = (0..self.links.len()).filter(|&l| carried_by[l].is_none());
        match (roots.next(), roots.next()) {
            (Some(root), None) => Ok(root),
            (Some(first), Some(second)) => Err(fault(
                self.links[second],
                format!(
                    "no joint carries this link, nor \"{}\"; expected a single root link",
                    self.urdf.links[first].name
                ),
            )),
            _ if self.links.is_empty() => {
                Err(fault(self.root, "there is no <link>; at least one was expected"))
            }
            _ => Err(fault(
                self.root,
                "the joints form a cycle: every link is carried by one; expected a tree",
            )),
        }
    }

    fn link(&self, u: usize, pieces: &[Geometry]) -> Result<Link, InputError> {
        let link = &self.urdf.links[u];
        let inertial = &link.inertial;
        let i = &inertial.inertia;
        let [ixx, iyy, izz] = self.moments([i.ixx, i.iyy, i.izz], self.links[u])?;
        let matrix = DMat3::from_cols_array(&[ixx, i.ixy, i.ixz, i.ixy, iyy, i.iyz, i.ixz, i.iyz, izz]);
        let inertia = Inertia { mass: inertial.mass.value, com: DVec3::ZERO, matrix };
        let point = |piece: &Geometry| Sphere { center: piece.pose().translation, radius: 0.0 };
        Ok(Link {
            name: link.name.clone(),
            inertia: inertia.transformed(&pose(&inertial.origin)),
            spheres: pieces.iter().map(point).collect(),
            visible: children(self.links[u], "visual").next().is_some(),
        })
    }

    /// Moments of inertia, where those that rounding left below zero are zero.
    fn moments(&self, moments: [f64; 3], link: Node) -> Result<[f64; 3], InputError> {
        let node = children(link, "inertial").flat_map(|n| children(n, "inertia").next()).next().unwrap_or(link);
        let most = moments.into_iter().fold(LEAST_MOMENT, |most: f64, moment| most.max(moment.abs()));
        let mut rounded = moments;
        for (moment, name) in rounded.iter_mut().zip(["ixx", "iyy", "izz"]).filter(|(moment, _)| **moment < 0.0) {
            if *moment < -MOMENT_ROUNDING * most {
                let what = format!("expected a finite number that is not negative, found {moment}");
                return Err(attribute_fault(node, name, what));
            }
            self.warnings.push(attribute_fault(node, name, format!("{moment:e} is less than nothing; taken as 0")));
            *moment = 0.0;
        }
        Ok(rounded)
    }

    /// The collision geometry of a link.
    fn geometry_of(&self, u: usize) -> Result<Vec<Geometry>, InputError> {
        let collisions = self.urdf.links[u].collision.iter();
        let collisions = collisions.zip(children(self.links[u], "collision"));
        let fills = |(_, node): &(&urdf_rs::Collision, Node<'_, '_>)| match shape_of(*node).filter(|n| is_a_point(*n)) {
            Some(shape) => {
                self.warnings.push(fault(shape, "a shape without any extent; passed over"));
                false
            }
            None => true,
        };
        collisions.filter(fills).map(|(collision, node)| self.geometry(collision, node)).collect()
    }

    fn geometry(&self, collision: &urdf_rs::Collision, node: Node) -> Result<Geometry, InputError> {
        let origin = pose(&collision.origin);
        let shape = match &collision.geometry {
            &urdf_rs::Geometry::Sphere { radius } => Shape::Sphere { radius },
            urdf_rs::Geometry::Box { size } => Shape::Cuboid { half_extents: DVec3::from_array(size.0) / 2.0 },
            &urdf_rs::Geometry::Cylinder { radius, length } => Shape::Cylinder { radius, half_length: length / 2.0 },
            // URDF does not say so, but those who read capsules take the length without the caps.
            &urdf_rs::Geometry::Capsule { radius, length } => Shape::Capsule { radius, half_length: length / 2.0 },
            urdf_rs::Geometry::Mesh { filename, scale } => {
                let path = self.find_mesh(filename, node)?;
                let scale = scale.map_or(DVec3::ONE, |s| DVec3::from_array(s.0));
                return Ok(Geometry::Mesh { path, scale, pose: origin });
            }
        };
        check_lengths(&shape).map_err(|e| fault(node, e.message))?;
        Ok(Geometry::Primitive(shape, origin))
    }

    /// The file of a mesh; told where it was guessed.
    fn find_mesh(&self, name: &str, node: Node) -> Result<PathBuf, InputError> {
        let Some(folder) = self.folder else {
            let what = "a mesh, which is looked for from the folder of the URDF; there is none here";
            return Err(fault(node, what));
        };
        let found = MeshSearch::new(folder, self.packages).find(name).map_err(|message| fault(node, message))?;
        if found.is_guess {
            let what = format!("nothing is where \"{name}\" says; taken as {}", found.path.display());
            self.warnings.push(fault(node, what));
        }
        Ok(found.path)
    }

    fn joint(&self, u: usize, parent: usize, index: &HashMap<&str, usize>) -> Result<Joint, InputError> {
        let (joint, node) = (&self.urdf.joints[u], self.joints[u]);
        let kind = match joint.joint_type {
            JointType::Revolute => JointKind::Revolute,
            JointType::Continuous => JointKind::Continuous,
            JointType::Prismatic => JointKind::Prismatic,
            _ => JointKind::Fixed,
        };
        let mut this = Joint {
            name: joint.name.clone(),
            kind,
            parent,
            origin: pose(&joint.origin),
            axis: DVec3::Z,
            limits: JointLimits::NONE,
            mimic: None,
        };
        let bare = children(node, "axis").find(|axis| !axis.has_attribute("xyz"));
        if kind == JointKind::Fixed {
            if let Some(axis) = bare {
                self.warnings.push(fault(axis, "has no \"xyz\"; a fixed joint needs none"));
            }
            return Ok(this);
        }
        if let Some(axis) = bare {
            return Err(fault(axis, "attribute \"xyz\" is missing in <axis>"));
        }
        this.axis = axis(joint, node)?;
        this.limits = self.limits(joint, node)?;
        if let Some(mimic) = &joint.mimic {
            let leader = index.get(mimic.joint.as_str()).copied().ok_or_else(|| {
                let node = children(node, "mimic").next().unwrap_or(node);
                attribute_fault(node, "joint", format!("there is no joint \"{}\"", mimic.joint))
            })?;
            let (multiplier, offset) = (mimic.multiplier.unwrap_or(1.0), mimic.offset.unwrap_or(0.0));
            this.mimic = Some(Mimic { joint: leader, multiplier, offset });
        }
        Ok(this)
    }

    /// The limits of a joint that moves. As in MoveIt, a speed or effort of zero stands for "not
    /// known", and a safety controller's soft limits count.
    fn limits(&self, joint: &urdf_rs::Joint, node: Node) -> Result<JointLimits, InputError> {
        let bounded = joint.joint_type != JointType::Continuous;
        let Some(node) = children(node, "limit").next() else {
            let message = "<limit> is missing: a revolute or prismatic joint needs lower and upper";
            return if bounded { Err(fault(node, message)) } else { Ok(JointLimits::NONE) };
        };
        let limit = &joint.limit;
        let known = |cap: f64| if cap > 0.0 { cap } else { f64::INFINITY };
        let mut limits = JointLimits {
            velocity: known(limit.velocity),
            acceleration: known(limit.acceleration).min(known(limit.deceleration)),
            jerk: known(limit.jerk),
            effort: known(limit.effort),
            ..JointLimits::NONE
        };
        if bounded {
            if !node.has_attribute("lower") && !node.has_attribute("upper") {
                self.warnings.push(fault(node, "has neither \"lower\" nor \"upper\"; by URDF both are 0, and the joint does not move"));
            }
            (limits.lower, limits.upper) = (limit.lower, limit.upper);
            if let Some(soft) = &joint.safety_controller
                && soft.soft_lower_limit < soft.soft_upper_limit
            {
                limits.lower = limits.lower.max(soft.soft_lower_limit);
                limits.upper = limits.upper.min(soft.soft_upper_limit);
            }
            if !(limits.lower <= limits.upper && limits.lower.is_finite() && limits.upper.is_finite()) {
                return Err(fault(
                    node,
                    format!(
                        "expected finite positions with lower <= upper, found {} and {}",
                        limits.lower, limits.upper
                    ),
                ));
            }
        }
        Ok(limits)
    }

    /// Makes every mimic follow an independent joint: chains of mimics are multiplied out, and a
    /// joint that follows one that never moves becomes fixed.
    fn resolve_mimics(&self, joints: &mut [Joint], order: &[usize]) -> Result<(), InputError> {
        for j in 0..joints.len() {
            let Some(mut mimic) = joints[j].mimic else { continue };
            let mut steps = 0;
            while let Some(next) = joints[mimic.joint].mimic {
                mimic = Mimic {
                    joint: next.joint,
                    multiplier: mimic.multiplier * next.multiplier,
                    offset: mimic.offset + mimic.multiplier * next.offset,
                };
                steps += 1;
                if steps > joints.len() {
                    return Err(fault(self.joints[order[j]], "follows itself through its chain of mimics"));
                }
            }
            if !(mimic.multiplier.is_finite() && mimic.offset.is_finite()) {
                return Err(fault(self.joints[order[j]], "the mimics multiply out to an infinite number"));
            }
            joints[j].mimic = Some(mimic);
        }
        for j in 0..joints.len() {
            if let Some(mimic) = joints[j].mimic
                && (mimic.multiplier == 0.0 || joints[mimic.joint].kind == JointKind::Fixed)
            {
                let joint = &mut joints[j];
                joint.origin = joint.origin * joint.motion(mimic.offset);
                (joint.kind, joint.mimic, joint.limits) = (JointKind::Fixed, None, JointLimits::NONE);
            }
        }
        Ok(())
    }
}

/// Links and joints of the file, parents first; `joints[i]` carries `links[i + 1]` and hangs on
/// the link `parents[i]`. All are indices into the file's own lists.
struct Order {
    links: Vec<usize>,
    joints: Vec<usize>,
    parents: Vec<usize>,
}

/// Indices by name; names must differ.
fn index<'n>(
    names: impl Iterator<Item = &'n str>,
    nodes: &[Node],
    what: &str,
) -> Result<HashMap<&'n str, usize>, InputError> {
    let mut found = HashMap::new();
    for (i, name) in names.enumerate() {
        if let Some(first) = found.insert(name, i) {
            let line = nodes[i].document().text_pos_at(nodes[first].range().start).row;
            let message = format!("a second {what} of this name (the first is on line {line})");
            return Err(attribute_fault(nodes[i], "name", message));
        }
    }
    Ok(found)
}

/// The element that says which shape a `<collision>` has.
fn shape_of<'a, 'i>(collision: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let geometry = collision.children().find(|n| n.tag_name().name() == "geometry")?;
    geometry.children().find(Node::is_element)
}

fn pose(pose: &urdf_rs::Pose) -> Pose {
    Pose::from_rpy(pose.rpy.0, DVec3::from_array(pose.xyz.0))
}

/// The unit axis of a joint that moves.
fn axis(joint: &urdf_rs::Joint, node: Node) -> Result<DVec3, InputError> {
    let axis = DVec3::from_array(joint.axis.xyz.0);
    let largest = axis.abs().max_element();
    if largest == 0.0 {
        let node = children(node, "axis").next().unwrap_or(node);
        return Err(attribute_fault(node, "xyz", "the axis is zero; expected a direction"));
    }
    // Scaled first, so that squares neither overflow nor vanish.
    Ok((axis / largest).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robot::LoadOptions;
    use crate::robot::spherize::Solid;

    const ARM: &str = r#"<robot name="arm">
  <link name="base"/>
  <link name="upper">
    <inertial>
      <origin xyz="0.5 0 0" rpy="0 0 1.5707963267948966"/>
      <mass value="2"/>
      <inertia ixx="1" ixy="0" ixz="0" iyy="3" iyz="0" izz="4"/>
    </inertial>
    <visual><geometry><nonsense/></geometry></visual>
    <collision><origin xyz="0.2 0 0"/><geometry><sphere radius="0.1"/></geometry></collision>
  </link>
  <link name="lower"/>
  <link name="finger"/>
  <gazebo><link name="lower"/></gazebo>
  <joint name="wrist" type="prismatic">
    <parent link="lower"/> <child link="finger"/>
    <axis xyz="0 0 2"/>
    <limit lower="-1" upper="1" velocity="2" effort="0"/>
    <mimic joint="elbow" multiplier="0.5" offset="0.1"/>
  </joint>
  <joint name="shoulder" type="revolute">
    <parent link="base"/> <child link="upper"/>
    <limit lower="-2" upper="2" velocity="0" effort="7"/>
    <safety_controller k_velocity="1" soft_lower_limit="-1.5" soft_upper_limit="3"/>
  </joint>
  <joint name="elbow" type="continuous">
    <parent link="upper"/> <child link="lower"/>
    <origin xyz="1 0 0"/>
    <mimic joint="shoulder" multiplier="-2" offset="1"/>
  </joint>
</robot>"#;

    fn read_arm(text: &str) -> Result<Robot, InputError> {
        read(text, None, &[], &Warnings::default()).map(|(robot, _)| robot)
    }

    #[test]
    fn reads_an_arm_and_sorts_it() {
        let robot = read_arm(ARM).unwrap();
        let names: Vec<&str> = robot.joints.iter().map(|j| j.name.as_str()).collect();
        assert_eq!(names, ["shoulder", "elbow", "wrist"]);
        let links: Vec<&str> = robot.links.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(links, ["base", "upper", "lower", "finger"]);
        let [shoulder, elbow, wrist] = &robot.joints[..] else { panic!("three joints") };
        assert_eq!((shoulder.limits.lower, shoulder.limits.upper), (-1.5, 2.0));
        assert_eq!((shoulder.limits.velocity, shoulder.limits.effort), (f64::INFINITY, 7.0));
        assert_eq!(shoulder.axis, DVec3::X, "URDF's default");
        assert_eq!(elbow.limits, JointLimits::NONE);
        assert_eq!(wrist.axis, DVec3::Z);
        // 0.5 * (-2 q + 1) + 0.1
        assert_eq!(wrist.mimic, Some(Mimic { joint: 0, multiplier: -1.0, offset: 0.6 }));
        let upper = &robot.links[1];
        assert_eq!(upper.inertia.com, DVec3::new(0.5, 0.0, 0.0));
        let moments = DMat3::from_diagonal(DVec3::new(3.0, 1.0, 4.0));
        assert!(upper.inertia.matrix.abs_diff_eq(moments, 1e-12), "turned by a quarter");
        assert_eq!(upper.spheres[0].center, DVec3::new(0.2, 0.0, 0.0));
    }

    #[test]
    fn followers_of_what_never_moves_are_fixed() {
        let fixed = ARM.replace("name=\"shoulder\" type=\"revolute\"", "name=\"shoulder\" type=\"fixed\"");
        let robot = read_arm(&fixed).unwrap();
        assert!(robot.joints.iter().all(|j| j.kind == JointKind::Fixed && j.mimic.is_none()));
        let wrist = robot.joint("wrist").unwrap();
        assert_eq!(robot.joints[wrist].origin.translation, DVec3::new(0.0, 0.0, 0.6));
    }

    #[test]
    fn covers_other_shapes_by_spheres() {
        for shape in [
            "<box size=\"0.2 0.2 0.2\"/>",
            "<cylinder radius=\"0.1\" length=\"0.2\"/>",
            "<capsule radius=\"0.1\" length=\"0.2\"/>",
        ] {
            let text = ARM.replace("<sphere radius=\"0.1\"/>", shape);
            let robot = Robot::parse(&text, None, None, &LoadOptions::default()).unwrap();
            let spheres = &robot.links[1].spheres;
            let held = |p: DVec3| spheres.iter().any(|s| s.center.distance(p) <= s.radius);
            assert!(held(DVec3::new(0.2, 0.0, 0.1)) && held(DVec3::new(0.3, 0.0, 0.0)), "{shape}");
            assert!(!held(DVec3::ZERO), "{shape}");
        }
    }

    /// What is put in the place of what, at which line the error must be, and what it must say.
    const MISTAKES: &[(&str, &str, usize, &str)] = &[
        ("</robot>", "", 1, "never closed"),
        ("<robot name", "<robots name", 31, "expected 'robots' tag"),
        ("<link name=\"lower\"/>\n  <link", "<link name=\"upper\"/>\n  <link", 12, "second link"),
        ("name=\"elbow\" type", "name=\"wrist\" type", 26, "second joint"),
        ("<link name=\"finger\"/>", "<link/>", 13, "\"name\" is missing"),
        ("<child link=\"lower\"/>", "<child link=\"lowest\"/>", 27, "no link \"lowest\""),
        ("<parent link=\"base\"/>", "<parent link=\"basis\"/>", 22, "no link \"basis\""),
        ("<parent link=\"base\"/>", "<parent link=\"finger\"/>", 3, "cycle"),
        ("<link name=\"finger\"/>", "<link name=\"finger\"/><link name=\"lost\"/>", 13, "single root"),
        (
            "</robot>",
            "<joint name=\"j\" type=\"fixed\"><parent link=\"finger\"/><child link=\"base\"/></joint></robot>",
            1,
            "cycle",
        ),
        ("<child link=\"lower\"/>", "<child link=\"upper\"/>", 26, "already"),
        ("<child link=\"lower\"/>", "", 26, "<child> is missing"),
        ("type=\"continuous\"", "type=\"floating\"", 26, "fixed, revolute, continuous, prismatic"),
        ("xyz=\"0 0 2\"", "xyz=\"0 0 0\"", 17, "axis is zero"),
        ("xyz=\"1 0 0\"", "xyz=\"1 0 NaN\"", 28, "3 finite numbers"),
        ("xyz=\"1 0 0\"", "xyz=\"1 0\"", 28, "3 finite numbers"),
        ("xyz=\"1 0 0\"", "xyz=\"1e400 0 0\"", 28, "3 finite numbers"),
        ("mass value=\"2\"", "mass value=\"-2\"", 6, "not negative"),
        ("<mass value=\"2\"/>", "", 4, "<mass> is missing"),
        ("radius=\"0.1\"", "radius=\"-0.1\"", 10, "1 positive number"),
        ("radius=\"0.1\"", "", 10, "\"radius\" is missing"),
        ("<sphere radius=\"0.1\"/>", "<cone/>", 10, "exactly one of"),
        ("<sphere radius=\"0.1\"/>", "<mesh filename=\"a.stl\"/>", 10, "mesh"),
        ("lower=\"-2\" upper=\"2\"", "lower=\"2\" upper=\"-2\"", 23, "lower <= upper"),
        ("effort=\"7\"", "effort=\"NaN\"", 23, "expected a number"),
        ("axis xyz=\"0 0 2\"", "axis ", 17, "\"xyz\" is missing"),
        ("ixx=\"1\"", "ixx=\"-1\"", 7, "not negative"),
        ("<limit lower=\"-2\" upper=\"2\" velocity=\"0\" effort=\"7\"/>", "", 21, "<limit> is missing"),
        ("mimic joint=\"shoulder\"", "mimic joint=\"hip\"", 29, "no joint \"hip\""),
        ("mimic joint=\"shoulder\"", "mimic joint=\"wrist\"", 26, "follows itself"),
        ("<axis xyz=\"0 0 2\"/>", "<axis xyz=\"0 0 2\"/><axis xyz=\"1 0 0\"/>", 17, "more than once"),
    ];

    #[test]
    fn mistakes_are_found_and_placed() {
        for &(right, wrong, line, says) in MISTAKES {
            assert!(ARM.contains(right), "{right}");
            let error = read_arm(&ARM.replacen(right, wrong, 1)).expect_err(wrong);
            assert_eq!(error.line, Some(line), "{wrong}: {error}");
            assert!(error.to_string().contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn errors_name_the_key() {
        let error = read_arm(&ARM.replace("upper=\"2\"", "upper=\"x\"")).unwrap_err();
        assert_eq!(error.key.as_deref(), Some("joint \"shoulder\".limit.upper"));
    }

    #[test]
    fn meshes_are_found() {
        let folder = std::env::temp_dir().join(format!("flatout-urdf-{}", std::process::id()));
        let meshes = folder.join("arm_description/meshes");
        std::fs::create_dir_all(&meshes).unwrap();
        std::fs::create_dir_all(folder.join("arm_description/urdf")).unwrap();
        let corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";
        std::fs::write(meshes.join("part.obj"), corners).unwrap();
        let urdf = folder.join("arm_description/urdf");
        let absolute = format!("file://{}", meshes.join("part.obj").display());
        for name in ["package://arm_description/meshes/part.obj", "../meshes/part.obj", &absolute] {
            let mesh = format!("<mesh filename=\"{name}\" scale=\"0.1 0.1 0.1\"/>");
            let text = ARM.replace("<sphere radius=\"0.1\"/>", &mesh);
            let (robot, geometry) = read(&text, Some(&urdf), &[], &Warnings::default()).expect(name);
            assert_eq!((robot.links[1].spheres.len(), geometry[1].len()), (1, 1));
            let Ok(Solid::Mesh(mesh, _)) = geometry[1][0].load() else { panic!("{name}") };
            assert_eq!(mesh.vertices().len(), 4);
        }
        for name in ["package://arm_description/meshes/none.obj", "http://x/part.obj", "none.obj"] {
            let text = ARM.replace("<sphere radius=\"0.1\"/>", &format!("<mesh filename=\"{name}\"/>"));
            assert!(read(&text, Some(&urdf), &[], &Warnings::default()).is_err(), "{name}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

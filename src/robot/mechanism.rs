//! What planning sees of a robot: the bodies that move, one flat output per chosen joint, and
//! everything rigidly attached folded into them.

use super::sphere::bounding_sphere;
use super::{
    AlwaysTouching, Inertia, JointKind, JointLimits, POSITION_SLACK, Robot, SkipReason, Sphere, Unjudged,
    pairs,
};
use crate::base::Base;
use crate::error::{InputError, InvalidValue, Warning, finite, listed};
use crate::pose::Pose;
use glam::{DMat3, DQuat, DVec3};
use std::ops::Range;
use std::sync::Arc;

/// A robot reduced to its moving bodies for one choice of joints.
///
/// Joints that are fixed, locked, or mimic a locked joint are folded into their parents, so a
/// body is whatever moves as one piece. The flat outputs are the positions of the chosen joints, except
/// on a [`Mechanism::vehicle`], where the first of them are those of the base.
#[derive(Clone, Debug)]
pub struct Mechanism {
    /// Names of the flat outputs: the chosen joints.
    pub outputs: Vec<String>,
    /// Limits of each flat output.
    pub limits: Vec<OutputLimits>,
    /// Joints that move on the robot and stand still here, by name, and where: those that are not chosen, and those
    /// that mimic them; rad or m.
    pub held: Vec<(String, f64)>,
    /// Bodies, parents first; `bodies[0]` is the base and does not move.
    pub bodies: Vec<Body>,
    /// Links that have collision geometry, in order of their bodies.
    pub links: Vec<CollisionLink>,
    /// Collision spheres in the frames of their bodies, link by link.
    pub spheres: Vec<Sphere>,
    /// Pairs of indices into `links` that are judged against each other; their bodies differ. Sorted.
    pub pairs: Vec<[usize; 2]>,
    /// Spheres of such pairs that are not, because they always touch. Sorted by links.
    pub always: Vec<AlwaysTouching>,
    /// Links that touch and stand still relative to each other, because the joints between them are locked:
    /// no state is valid then.
    pub overlaps: Vec<Overlap>,
    /// What of the robot is judged nowhere, and why.
    pub unjudged: Arc<Unjudged>,
    /// Between what each output must stay for that to hold, where anything depends on it.
    pub proved_within: Vec<[f64; 2]>,
    /// The base whose coordinates are the first outputs, in their order.
    pub base: Option<Base>,
}

/// How a body moves in its joint frame, as its joint's position q grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointMotion {
    /// Not at all (the base).
    Fixed,
    /// Turns about +z by q radians.
    Revolute,
    /// Slides along +z by q metres.
    Prismatic,
}

/// A rigid body of a [`Mechanism`]. Its frame is its joint's frame, turned so that the axis is +z.
#[derive(Clone, Debug)]
pub struct Body {
    /// Name of the joint that moves it (of the root link for the base).
    pub name: String,
    /// Index of the body it hangs on (0 for the base itself).
    pub parent: usize,
    /// Its frame in its parent's frame at joint position zero; for the base: in the world.
    pub placement: Pose,
    /// How it moves.
    pub motion: JointMotion,
    /// Flat output that drives it.
    pub output: usize,
    /// Joint position per unit of the flat output (1 unless it mimics).
    pub ratio: f64,
    /// Joint position where the flat output is zero, rad or m (0 unless it mimics).
    pub offset: f64,
    /// Mass distribution of everything folded into it, in its frame.
    pub inertia: Inertia,
}

/// A link with collision geometry.
#[derive(Clone, Debug)]
pub struct CollisionLink {
    /// Name in the URDF.
    pub name: String,
    /// Body it belongs to.
    pub body: usize,
    /// Its spheres in [`Mechanism::spheres`].
    pub spheres: Range<usize>,
    /// A sphere that holds all of them, in the body frame.
    pub bound: Sphere,
    /// How far it stays from obstacles, metres: its spheres are so much greater there, and not where they meet
    /// those of other links.
    pub padding: f64,
}

/// Two links on one body that overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// Their names.
    pub links: [String; 2],
    /// How deep, metres.
    pub depth: f64,
}

/// Limits of a flat output: [`JointLimits`] of its joint, tightened by those that mimic it.
pub type OutputLimits = JointLimits;

impl Body {
    /// The body's frame in its joint frame at flat output value `y`.
    fn moved(&self, y: f64) -> Pose {
        let q = self.ratio * y + self.offset;
        match self.motion {
            JointMotion::Fixed => Pose::IDENTITY,
            JointMotion::Revolute => Pose { rotation: DMat3::from_rotation_z(q), translation: DVec3::ZERO },
            JointMotion::Prismatic => Pose::from_translation(DVec3::Z * q),
        }
    }

    /// The body's frame in its parent's frame at flat output value `y`.
    pub fn pose(&self, y: f64) -> Pose {
        self.placement * self.moved(y)
    }
}

impl Mechanism {
    /// Bodies that move by these outputs within these limits, and nothing else: no link with collision geometry, and
    /// no base that drives or flies.
    pub fn bare(bodies: Vec<Body>, outputs: Vec<String>, limits: Vec<OutputLimits>) -> Self {
        Self {
            outputs,
            limits,
            bodies,
            held: Vec::new(),
            links: Vec::new(),
            spheres: Vec::new(),
            pairs: Vec::new(),
            always: Vec::new(),
            overlaps: Vec::new(),
            unjudged: Arc::default(),
            proved_within: Vec::new(),
            base: None,
        }
    }

    /// Reduces `robot` to the chosen `joints` (indices, in the order wanted for the outputs).
    ///
    /// `values` holds one position per joint of the robot and locks every joint that is not
    /// chosen; `base` is the root link's frame in the world.
    ///
    /// # Errors
    /// Where a chosen joint cannot move by itself or is chosen twice, or nothing is chosen; where there is no
    /// such joint, or not one value for each; and where the robot or the frame makes no sense
    /// ([`Robot::validate`]).
    pub fn new(robot: &Robot, joints: &[usize], values: &[f64], base: Pose) -> Result<Self, InputError> {
        robot.validate().map_err(|e| InputError::of_value(e.under("robot")))?;
        base.validate().map_err(|e| InputError::of_value(e.under("base")))?;
        if let Some(&j) = joints.iter().find(|&&j| j >= robot.joints.len()) {
            let expected = format!("indices of joints, below {}", robot.joints.len());
            return Err(InputError::of_value(InvalidValue::new("joints", j, expected)));
        }
        if values.len() != robot.joints.len() {
            let expected = format!("{}, one for each joint of the robot", robot.joints.len());
            return Err(InputError::of_value(InvalidValue::new("values", values.len(), expected)));
        }
        for (j, &value) in values.iter().enumerate() {
            finite("", value).map_err(|e| InputError::of_value(e.under(format_args!("values[{j}]"))))?;
        }
        if joints.is_empty() {
            return Err(InputError::new("no movable joint is chosen; at least one was expected"));
        }
        for (i, &j) in joints.iter().enumerate() {
            let joint = &robot.joints[j];
            if let Some(m) = joint.mimic {
                let leader = &robot.joints[m.joint].name;
                return Err(InputError::new(format!(
                    "joint \"{}\" mimics \"{leader}\": plan for \"{leader}\" instead",
                    joint.name
                )));
            }
            if joint.kind == JointKind::Fixed {
                return Err(InputError::new(format!(
                    "joint \"{}\" is fixed and cannot be planned",
                    joint.name
                )));
            }
            if joints[..i].contains(&j) {
                return Err(InputError::new(format!("joint \"{}\" is chosen twice", joint.name)));
            }
        }
        Ok(Reduction::new(robot, joints, values, base).finish(joints, values))
    }

    /// Outputs of these names and limits that slide, and move nothing that is known.
    pub fn of_outputs(outputs: Vec<String>, limits: Vec<OutputLimits>) -> Self {
        let root = Body {
            name: "world".to_owned(),
            parent: 0,
            placement: Pose::IDENTITY,
            motion: JointMotion::Fixed,
            output: 0,
            ratio: 0.0,
            offset: 0.0,
            inertia: Inertia { mass: 0.0, com: DVec3::ZERO, matrix: DMat3::ZERO },
        };
        Self::bare(vec![root], outputs, limits)
    }

    /// Number of chosen joints, those of a base among them. They are the flat outputs too, except on a
    /// [`Mechanism::vehicle`].
    pub fn dof(&self) -> usize {
        self.outputs.len()
    }

    /// Warns of friction and damping in the joints of a robot that move this mechanism: the efforts that are judged are
    /// those of rigid bodies, without them.
    pub fn unjudged_losses(&self, robot: &Robot) -> Option<Warning> {
        let name = |&(joint, _): &(usize, InputError)| robot.joints[joint].name.as_str();
        let moves = |loss: &&(usize, InputError)| self.bodies[1..].iter().any(|body| body.name == name(loss));
        let losses: Vec<_> = robot.losses.iter().filter(moves).collect();
        let (_, place) = losses.first()?;
        let joints = listed(losses.iter().map(|loss| name(loss)));
        let message = format!("efforts are judged without the friction and damping of {joints}");
        Some(Warning(InputError { message, ..place.clone() }))
    }

    /// The base, where its coordinates are not its flat outputs but follow from them by
    /// [`Base::unflatten`]: anything but a point.
    ///
    /// Then states ([`crate::problem::JointState`]) hold positions and rates of the joints, that is of the
    /// base's coordinates and then of the tree's joints, and trajectories hold the base's outputs and
    /// then the tree's joints.
    pub fn vehicle(&self) -> Option<&Base> {
        self.base.as_ref().filter(|base| !matches!(base, Base::Point(_)))
    }

    /// Number of flat outputs, which is that of a trajectory's polynomials.
    pub fn flat_dof(&self) -> usize {
        let swapped = |base: &Base| base.outputs().len() + self.dof() - base.coordinates().len();
        self.vehicle().map_or(self.dof(), swapped)
    }

    /// Names of the flat outputs, in the order of a trajectory's polynomials.
    pub fn flat_outputs(&self) -> Vec<String> {
        let base: Vec<String> =
            self.vehicle().map_or(&[][..], Base::outputs).iter().map(|&name| name.to_owned()).collect();
        let coordinates = self.vehicle().map_or(0, |base| base.coordinates().len());
        [base, self.outputs[coordinates..].to_vec()].concat()
    }

    /// Poses of all bodies in the world at flat output values `y` (forward kinematics).
    /// `poses` is resized to the number of bodies.
    pub fn place(&self, y: &[f64], poses: &mut Vec<Pose>) {
        poses.clear();
        poses.push(self.bodies[0].placement);
        for body in &self.bodies[1..] {
            poses.push(poses[body.parent] * body.pose(y[body.output]));
        }
    }

    /// Between what an output must stay: its limits of position, and what pairs of links were proved for.
    pub fn position_bounds(&self, output: usize) -> [f64; 2] {
        let JointLimits { lower, upper, .. } = self.limits[output];
        let [least, most] =
            self.proved_within.get(output).copied().unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        [lower.max(least), upper.min(most)]
    }

    /// Which spheres of a judged pair of links are left out: of the first, and of the second, counted within
    /// each; sorted.
    pub fn always_touching(&self, pair: [usize; 2]) -> &[[usize; 2]] {
        let found = self.always.binary_search_by_key(&pair, |a| a.links);
        found.map_or(&[], |at| &self.always[at].spheres)
    }

    /// Whether an output is an angle, rad, and not a length, m: as the joint that it drives by itself.
    pub fn is_angle(&self, output: usize) -> bool {
        let drives = |body: &&Body| body.output == output && body.motion != JointMotion::Fixed;
        let by_itself = |body: &&Body| body.ratio == 1.0 && body.offset == 0.0;
        let mut driven = self.bodies[1..].iter().filter(drives);
        let driven = driven.clone().find(by_itself).or_else(|| driven.next());
        driven.is_some_and(|body| body.motion == JointMotion::Revolute)
    }

    /// Whether torques can be checked: every output has an effort limit, and every moving body
    /// has mass or carries something that has.
    pub fn has_dynamics(&self) -> bool {
        self.limits.iter().all(|l| l.effort.is_finite() && l.effort > 0.0) && self.has_masses()
    }

    /// Whether every moving body has mass or carries something that has.
    pub fn has_masses(&self) -> bool {
        let mut carries = vec![false; self.bodies.len()];
        for (b, body) in self.bodies.iter().enumerate().skip(1).rev() {
            carries[b] |= body.inertia.mass > 0.0;
            carries[body.parent] |= carries[b];
        }
        carries[1..].iter().all(|&c| c)
    }
}

/// Where a link ended up: its body, and its frame in the body's.
type Home = (usize, Pose);

/// A reduction under way.
struct Reduction<'a> {
    robot: &'a Robot,
    mechanism: Mechanism,
    homes: Vec<Home>,
}

impl<'a> Reduction<'a> {
    fn new(robot: &'a Robot, chosen: &[usize], values: &[f64], base: Pose) -> Self {
        let name = |&j: &usize| robot.joints[j].name.clone();
        let limits = |&j: &usize| robot.joints[j].limits;
        let root = Body {
            name: robot.links[0].name.clone(),
            parent: 0,
            placement: base,
            motion: JointMotion::Fixed,
            output: 0,
            ratio: 0.0,
            offset: 0.0,
            inertia: robot.links[0].inertia,
        };
        let mechanism = Mechanism {
            base: robot
                .base
                .clone()
                .filter(|base| (0..base.coordinates().len()).all(|c| chosen.get(c) == Some(&c))),
            ..Mechanism::bare(
                vec![root],
                chosen.iter().map(name).collect(),
                chosen.iter().map(limits).collect(),
            )
        };
        let mut this = Self { robot, mechanism, homes: vec![(0, Pose::IDENTITY)] };
        for (j, joint) in robot.joints.iter().enumerate() {
            let leader = joint.mimic.map_or(j, |m| m.joint);
            let (ratio, offset) = joint.mimic.map_or((1.0, 0.0), |m| (m.multiplier, m.offset));
            let output = chosen.iter().position(|&c| c == leader);
            match output {
                Some(output) if joint.kind != JointKind::Fixed => this.add_body(j, output, ratio, offset),
                _ => this.fold(j, ratio * values[leader] + offset),
            }
        }
        this
    }

    /// Adds the link that joint `j` carries as a body of its own.
    fn add_body(&mut self, j: usize, output: usize, ratio: f64, offset: f64) {
        let joint = &self.robot.joints[j];
        let (parent, parent_home) = self.homes[joint.parent];
        let to_axis = Pose { rotation: rotation_to_axis(joint.axis), translation: DVec3::ZERO };
        let link_home = to_axis.inverse();
        if joint.mimic.is_some() {
            tighten(&mut self.mechanism.limits[output], &joint.limits, ratio, offset);
        }
        self.mechanism.bodies.push(Body {
            name: joint.name.clone(),
            parent,
            placement: parent_home * joint.origin * to_axis,
            motion: match joint.kind {
                JointKind::Prismatic => JointMotion::Prismatic,
                _ => JointMotion::Revolute,
            },
            output,
            ratio,
            offset,
            inertia: self.robot.links[j + 1].inertia.transformed(&link_home),
        });
        self.homes.push((self.mechanism.bodies.len() - 1, link_home));
    }

    /// Folds the link that joint `j`, standing still at `q`, carries into its parent's body.
    fn fold(&mut self, j: usize, q: f64) {
        let joint = &self.robot.joints[j];
        if joint.kind != JointKind::Fixed {
            self.mechanism.held.push((joint.name.clone(), q));
        }
        let (body, parent_home) = self.homes[joint.parent];
        let home = parent_home * joint.origin * joint.motion(q);
        let inertia = &mut self.mechanism.bodies[body].inertia;
        *inertia = inertia.joined(&self.robot.links[j + 1].inertia.transformed(&home));
        self.homes.push((body, home));
    }

    /// Collects the collision geometry, now that every link has its body.
    fn finish(mut self, chosen: &[usize], values: &[f64]) -> Mechanism {
        let mut order: Vec<usize> =
            (0..self.homes.len()).filter(|&l| !self.robot.links[l].spheres.is_empty()).collect();
        order.sort_by_key(|&l| self.homes[l].0);
        let m = &mut self.mechanism;
        for &l in &order {
            let (body, home) = self.homes[l];
            let first = m.spheres.len();
            let moved = |s: &Sphere| Sphere { center: home.point(s.center), radius: s.radius };
            m.spheres.extend(self.robot.links[l].spheres.iter().map(moved));
            let bound = bounding_sphere(&m.spheres[first..]);
            let name = self.robot.links[l].name.clone();
            m.links.push(CollisionLink { name, body, spheres: first..m.spheres.len(), bound, padding: 0.0 });
        }
        self.judge(&order, &self.within(chosen, values));
        let m = &mut self.mechanism;
        if m.unjudged.pairs.iter().any(|p| p.reason == SkipReason::NeverTouch)
            || !m.unjudged.always_touching.is_empty()
        {
            let proved = |joint: &usize| pairs::widen(self.robot.proved_within[*joint], POSITION_SLACK);
            m.proved_within = chosen.iter().map(proved).collect();
        }
        self.mechanism
    }

    /// Where each joint of the robot can stand: within its limits if it is chosen, else where it is locked.
    fn within(&self, chosen: &[usize], values: &[f64]) -> Vec<[f64; 2]> {
        let mut within: Vec<[f64; 2]> = values.iter().map(|&value| [value; 2]).collect();
        for (&joint, limits) in chosen.iter().zip(&self.mechanism.limits) {
            within[joint] = [limits.lower, limits.upper];
        }
        within
    }

    /// Finds out which pairs of the links, taken in this order, are judged, and judges those that stand
    /// still. What was proved of the robot's links counts where their joints stand within what it is about.
    fn judge(&mut self, order: &[usize], within: &[[f64; 2]]) {
        let (robot, m) = (self.robot, &mut self.mechanism);
        let mut place = vec![None; robot.links.len()];
        order.iter().enumerate().for_each(|(at, &link)| place[link] = Some(at));
        let hold = |links: [usize; 2]| pairs::hold(robot, links, within);
        let doubtful = robot.skipped.iter().filter(|s| s.reason == SkipReason::NeverTouch && !hold(s.links));
        let judged = robot.pairs.iter().copied().chain(doubtful.map(|s| s.links));
        for links in judged {
            let [Some(a), Some(b)] = links.map(|l| place[l]) else { continue };
            let is_turned = a > b;
            let pair = [a.min(b), a.max(b)];
            let found = robot.always.binary_search_by_key(&links, |a| a.links);
            let always = found.ok().map(|at| &robot.always[at]).filter(|a| hold(a.links));
            let mut spheres = always.map_or_else(Vec::new, |a| a.spheres.clone());
            if is_turned {
                spheres.iter_mut().for_each(|s| s.reverse());
                spheres.sort_unstable();
            }
            if m.links[a].body == m.links[b].body {
                m.overlaps.extend(overlap(m, pair, &spheres));
                continue;
            }
            m.pairs.push(pair);
            if !spheres.is_empty() {
                m.always.push(AlwaysTouching { links: pair, spheres });
            }
        }
        m.pairs.sort_unstable();
        m.always.sort_unstable_by_key(|a| a.links);
        m.unjudged = Arc::new(Unjudged::of(robot, hold));
    }
}

/// How deep two links on one body overlap, but for spheres that always touch.
fn overlap(m: &Mechanism, pair: [usize; 2], always: &[[usize; 2]]) -> Option<Overlap> {
    let [a, b] = pair.map(|link| &m.spheres[m.links[link].spheres.clone()]);
    let mut depth = 0.0_f64;
    for (i, s) in a.iter().enumerate() {
        for (j, t) in b.iter().enumerate() {
            let inside = s.radius + t.radius - s.center.distance(t.center);
            if inside > depth && always.binary_search(&[i, j]).is_err() {
                depth = inside;
            }
        }
    }
    (depth > 0.0).then(|| Overlap { links: pair.map(|link| m.links[link].name.clone()), depth })
}

/// A rotation that takes +z to `axis`, the identity where that is already so.
fn rotation_to_axis(axis: DVec3) -> DMat3 {
    DMat3::from_quat(DQuat::from_rotation_arc(DVec3::Z, axis))
}

/// Tightens an output's limits by those of a joint with position `ratio * y + offset`.
/// Its effort limit stays: it belongs to the joint that is driven.
fn tighten(limits: &mut OutputLimits, mimic: &JointLimits, ratio: f64, offset: f64) {
    if ratio == 0.0 {
        return;
    }
    let (a, b) = ((mimic.lower - offset) / ratio, (mimic.upper - offset) / ratio);
    limits.lower = limits.lower.max(a.min(b));
    limits.upper = limits.upper.min(a.max(b));
    limits.velocity = limits.velocity.min(mimic.velocity / ratio.abs());
    limits.acceleration = limits.acceleration.min(mimic.acceleration / ratio.abs());
    limits.jerk = limits.jerk.min(mimic.jerk / ratio.abs());
}

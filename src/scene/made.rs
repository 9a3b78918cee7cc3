//! Scenes of vehicles that a program makes: what it would read from the file that it writes of them.

use super::body::{MAX_SPHERES, Part, PartShape, RECTANGLE_EXCESS};
use super::setup::{LimitChoice, Planned, RobotChoice, RobotSource, default_range};
use super::{Scene, VehicleRobot};
use crate::error::InputError;
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{LinkPadding, Mechanism, cuboid_spheres, rectangle_spheres};
use crate::world::World;
use glam::{DVec2, DVec3};

impl Scene {
    /// The scene of a point or a vehicle that carries nothing, among the obstacles of `world`, from one state to
    /// another.
    ///
    /// # Errors
    /// Where the robot, the world or a state makes no sense.
    pub(crate) fn of_vehicle(
        source: RobotSource,
        world: World,
        [start, goal]: [JointState; 2],
    ) -> Result<Self, InputError> {
        let robot = source.load()?;
        let mechanism =
            Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?;
        let smoothness = Smoothness::default();
        let goals = vec![goal];
        let problem = Problem { mechanism, world, start, goals, smoothness, torque: false, gravity: GRAVITY };
        problem.validate().map_err(InputError::of_value)?;
        let options = PlanOptions { range: default_range(&problem), ..PlanOptions::default() };
        Ok(Self {
            robot: RobotChoice { source, planned: Planned::All, locked: Vec::new(), base: Pose::IDENTITY },
            limits: LimitChoice::default(),
            padding: LinkPadding::default(),
            problem,
            options,
            warnings: Vec::new(),
        })
    }
}

impl VehicleRobot {
    /// Without bounds, trailer, or load.
    pub(crate) fn bare(base: crate::base::Base, body: Vec<Part>) -> Self {
        Self { base, bounds: None, body, trailer: Vec::new(), carries: None }
    }
}

impl Part {
    /// A ball about the origin of the frame.
    pub(crate) fn ball(radius: f64) -> Self {
        let center = DVec3::ZERO;
        let spheres = vec![crate::robot::Sphere { center, radius }];
        Self { shape: PartShape::Ball { radius }, center, spheres }
    }

    /// A rectangle on the ground, or upright, covered within `excess` (a share of its shorter side); as closely as
    /// scenes have it where that takes too many spheres.
    pub(crate) fn rectangle(size: DVec2, center: DVec3, excess: f64, is_upright: bool) -> Self {
        let half_extents = size / 2.0;
        let side = size.min_element();
        let cover = |share: f64| {
            let excess = share * side;
            Some((excess, rectangle_spheres(half_extents, excess, is_upright, MAX_SPHERES)?))
        };
        let (excess, spheres) =
            cover(excess).or_else(|| cover(RECTANGLE_EXCESS)).unwrap_or_else(|| (side, Vec::new()));
        Self { shape: PartShape::Rectangle { half_extents, excess }, center, spheres }.moved()
    }

    /// A box, covered within `excess` metres.
    pub(crate) fn cuboid(size: DVec3, excess: f64) -> Self {
        let half_extents = size / 2.0;
        let spheres = cuboid_spheres(half_extents, excess, MAX_SPHERES).unwrap_or_default();
        Self { shape: PartShape::Cuboid { half_extents, excess }, center: DVec3::ZERO, spheres }
    }

    /// Its spheres, which are about the origin, about its centre.
    fn moved(mut self) -> Self {
        self.spheres.iter_mut().for_each(|sphere| sphere.center += self.center);
        self
    }
}

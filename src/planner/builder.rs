//! What a planner is made of.

use super::Planner;
use crate::check::{AdapterChoice, Backend};
use crate::error::{InputError, Warning, magnitude};
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::{GRAVITY, JointState, Problem, Smoothness};
use crate::robot::{LinkPadding, Mechanism, Robot};
use crate::scene::{LimitChoice, Planned, find_joint, held_at, limit_jerk, require_limits};
use crate::world::World;
use glam::DVec3;

/// What a [`Planner`] is made of: a robot, and choices that all have a default.
pub struct PlannerBuilder {
    robot: Robot,
    planned: Planned,
    locked: Vec<(String, f64)>,
    base: Pose,
    world: World,
    limits: LimitChoice,
    acceleration: Option<f64>,
    smoothness: Smoothness,
    gravity: DVec3,
    /// That of the options where nobody says otherwise.
    clearance: Option<f64>,
    padding: LinkPadding,
    backend: Backend,
    adapter: AdapterChoice,
    threads: usize,
    options: PlanOptions,
}

impl Planner {
    /// A planner of `robot`, once it is told what else it needs.
    pub fn builder(robot: Robot) -> PlannerBuilder {
        PlannerBuilder::new(robot)
    }
}

impl PlannerBuilder {
    fn new(robot: Robot) -> Self {
        Self {
            robot,
            planned: Planned::All,
            locked: Vec::new(),
            base: Pose::IDENTITY,
            world: World::default(),
            limits: LimitChoice::default(),
            acceleration: None,
            smoothness: Smoothness::Acceleration,
            gravity: GRAVITY,
            clearance: None,
            padding: LinkPadding::default(),
            backend: Backend::Auto,
            adapter: AdapterChoice::Best,
            threads: 1,
            options: PlanOptions::default(),
        }
    }

    /// A planner of a mechanism that is at hand.
    pub(super) fn of_mechanism(mechanism: Mechanism, options: PlanOptions) -> Result<Planner, InputError> {
        require_limits(&mechanism, Smoothness::Acceleration, false)?;
        let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
        let problem = Problem {
            mechanism,
            world: World::default(),
            start,
            goals: Vec::new(),
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        };
        Ok(Planner::of(problem, options))
    }

    /// Plans for the joints of a group of the SRDF; without this or [`PlannerBuilder::joints`] for all.
    #[must_use]
    pub fn group(mut self, name: &str) -> Self {
        self.planned = Planned::Group(name.to_owned());
        self
    }

    /// Plans for these joints, in this order.
    #[must_use]
    pub fn joints<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.planned = Planned::Joints(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Holds a joint that is not planned for at this position, rad or m. Others are held at zero, or at the bound
    /// nearest to zero. What is beyond a bound by no more than rounding ([`END_SLACK`](crate::robot::END_SLACK)) is
    /// held at the bound, and what is farther beyond refused.
    #[must_use]
    pub fn lock(mut self, joint: &str, position: f64) -> Self {
        self.locked.push((joint.to_owned(), position));
        self
    }

    /// Frame of the root link in the world.
    #[must_use]
    pub fn base(mut self, base: Pose) -> Self {
        self.base = base;
        self
    }

    /// The obstacles. They can be edited later: [`Planner::world_mut`].
    #[must_use]
    pub fn world(mut self, world: World) -> Self {
        self.world = world;
        self
    }

    /// Limits in place of those of the robot's files, and factors on them.
    #[must_use]
    pub fn limits(mut self, limits: LimitChoice) -> Self {
        self.limits = limits;
        self
    }

    /// A limit of acceleration, rad/s^2 or m/s^2, for all joints that have none.
    #[must_use]
    pub fn acceleration(mut self, limit: f64) -> Self {
        self.acceleration = Some(limit);
        self
    }

    /// Which derivative is the last to be limited.
    #[must_use]
    pub fn smoothness(mut self, smoothness: Smoothness) -> Self {
        self.smoothness = smoothness;
        self
    }

    /// Acceleration of free fall in the world frame, m/s^2.
    #[must_use]
    pub fn gravity(mut self, gravity: DVec3) -> Self {
        self.gravity = gravity;
        self
    }

    /// Distance that is kept from obstacles at every instant, proved, metres; between links of the robot it is enough
    /// that they do not touch.
    #[must_use]
    pub fn clearance(mut self, metres: f64) -> Self {
        self.clearance = Some(metres);
        self
    }

    /// How far single links stay from obstacles beside that, proved as well.
    #[must_use]
    pub fn link_padding(mut self, padding: LinkPadding) -> Self {
        self.padding = padding;
        self
    }

    /// What checks edges.
    #[must_use]
    pub fn backend(mut self, backend: Backend, adapter: AdapterChoice) -> Self {
        (self.backend, self.adapter) = (backend, adapter);
        self
    }

    /// Threads that share a query, or a batch of them.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Options of all queries; what a query says itself takes their place.
    #[must_use]
    pub fn options(mut self, options: PlanOptions) -> Self {
        self.options = options;
        self
    }

    /// The planner.
    ///
    /// # Errors
    /// Where the robot has no such group or joint, or lacks a limit without which no duration can be told; where a
    /// choice makes no sense.
    pub fn build(self) -> Result<Planner, InputError> {
        let Self { mut robot, planned, mut limits, smoothness, gravity, world, .. } = self;
        limits.default.acceleration = self.acceleration.or(limits.default.acceleration);
        limits.apply_to(&mut robot)?;
        let joints = planned.resolve(&robot)?;
        let mut warnings = std::mem::take(&mut robot.warnings);
        let mut values = robot.neutral();
        for (name, value) in &self.locked {
            let joint = find_joint(&robot, name)?;
            let (held, told) = held_at(&robot.joints[joint], *value)?;
            values[joint] = held;
            warnings.extend(told.map(Warning));
        }
        let mut mechanism = Mechanism::new(&robot, &joints, &values, self.base)?;
        mechanism.pad(&self.padding);
        for link in &mechanism.links {
            let checked = magnitude("", link.padding);
            checked
                .map_err(|e| InputError::of_value(e.under(format_args!("padding of \"{}\"", link.name))))?;
        }
        limits.scale(&mut mechanism);
        if let (Some(ramp), Smoothness::Jerk) = (limits.ramp_time, smoothness) {
            limit_jerk(&mut mechanism, ramp);
        }
        let torque = limits.torque(&mechanism)?;
        require_limits(&mechanism, smoothness, torque)?;
        warnings.extend(mechanism.unjudged_losses(&robot).filter(|_| torque));
        let clearance = self.clearance.unwrap_or(self.options.clearance);
        magnitude("clearance", clearance).map_err(InputError::of_value)?;
        world.validate().map_err(|e| InputError::of_value(e.under("world")))?;
        let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
        let problem = Problem { mechanism, world, start, goals: Vec::new(), smoothness, torque, gravity };
        let options = PlanOptions { clearance, ..self.options };
        let planner = Planner::of(problem, options);
        Ok(Planner {
            states: robot.states,
            joints,
            backend: self.backend,
            adapter: self.adapter,
            threads: self.threads,
            warnings,
            ..planner
        })
    }
}

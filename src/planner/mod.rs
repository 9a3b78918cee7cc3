//! The planner to call: it owns a robot, its world and a backend, and answers queries about them. Imports `plan`, the
//! backends of `check`, and what lies below them.
//!
//! ```
//! use flatout::glam::DVec3;
//! use flatout::prelude::*;
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let urdf = include_str!("../../examples/two_link.urdf");
//! let robot = Robot::parse(urdf, None, None, &Default::default())?;
//! let mut world = World::default();
//! world.add("post", Shape::Sphere { radius: 0.1 }, Pose::from_translation(DVec3::new(0.0, 1.2, 0.0)))?;
//! let mut planner = Planner::builder(robot).world(world).acceleration(5.0).build()?;
//!
//! let query = Query::from([-1.0, 0.2]).to([2.5, -0.4]).or(Goal::from([2.0, 0.0]).named("left"));
//! let motion = planner.plan(&query.deadline(Duration::from_millis(50)))?;
//! println!("{:.3} s to goal {}; {}", motion.duration(), motion.goal(), motion.certificate);
//! for point in motion.setpoints(Rate::hz(1000.0)) {
//!     // publish(point.time, &point.position, &point.velocity);
//!     # assert!(point.position.len() == 2);
//! }
//! planner.world_mut().set_pose("post", Pose::from_translation(DVec3::new(0.4, 1.2, 0.0)))?;
//! let next = planner.plan(&Query::leaving(&motion, 0.2).to([-1.0, 0.2]))?;
//! # assert!(next.duration() > 0.0);
//! # Ok(())
//! # }
//! ```

mod builder;
mod motion;
mod query;
mod slowing;
mod states;
mod system;

pub use builder::PlannerBuilder;
pub use motion::{Motion, Rate, Setpoint, Setpoints};
pub use query::{Goal, Query, State};
pub use system::{FlatSample, FlatSystem};

use crate::certify::{Certificate, Certifier, CertifyOptions, Violation};
use crate::check::{AdapterChoice, Backend, CheckError, EdgeChecker};
use crate::error::{InputError, InvalidValue, Warning};
use crate::plan::{
    BatchChoice, Departure, PlanError, PlanOptions, Solution, Task, TrialSettings, any_for_device,
    plan_batch, plan_batch_by_trial, plan_batch_wide, plan_on_threads, plan_since, replan_by,
};
use crate::problem::{Constraint, JointState, Problem};
use crate::robot::{Mechanism, NamedState};
use crate::trajectory::Trajectory;
use crate::wide::{explorer, worth_trying};
use crate::world::World;
use query::Begin;
use std::sync::Arc;
use std::time::Instant;

/// Has all planners of this process that choose the best adapter work on a device of the caller's, who goes on using it:
/// for programs that have one already. Submissions of both take turns in its queue. Errors of the device, of lack of memory
/// say, go to the handler that the caller has set ([`wgpu::Device::on_uncaptured_error`]), as do its own.
///
/// # Errors
/// Where the device lacks what the shaders need (eight storage buffers a stage), or fails the known-answer probe.
#[cfg(feature = "gpu")]
pub fn share_device(device: wgpu::Device, queue: wgpu::Queue) -> Result<(), CheckError> {
    crate::check::gpu::Gpu::share(device, queue).map(drop)
}

/// A caller's own system among obstacles, as a constraint.
type PlaceSystem = dyn Fn(&World, f64) -> Constraint + Send;

/// Answers queries about one robot in one world. It is made once, and may be sent to another thread; its tables are
/// kept from query to query, and made anew when the world has changed.
pub struct Planner {
    /// The robot and its world; each query brings its own start and goals.
    problem: Problem,
    /// The same robot, for the motions that it is to make.
    mechanism: Arc<Mechanism>,
    /// States of the robot that have a name, which say something of every planned joint.
    states: Vec<NamedState>,
    /// Index of each planned joint among those that named states speak of.
    joints: Vec<usize>,
    backend: Backend,
    adapter: AdapterChoice,
    threads: usize,
    options: PlanOptions,
    /// What was read otherwise than it stands in the robot's files or in the builder's choices, or is not honoured.
    warnings: Vec<Warning>,
    /// Makes the constraint that a caller's own system comes to in a world, with a clearance; `None` of robots.
    system: Option<Box<PlaceSystem>>,
    /// Of the world as it is; made when a query needs it.
    checker: Option<Box<dyn EdgeChecker>>,
}

impl Planner {
    /// A planner of a problem that is at hand, such as that of a scene, with these options for all its queries.
    pub fn of(problem: Problem, options: PlanOptions) -> Self {
        let mechanism = Arc::new(problem.mechanism.clone());
        Self {
            problem,
            mechanism,
            states: Vec::new(),
            joints: Vec::new(),
            backend: Backend::Auto,
            adapter: AdapterChoice::Best,
            threads: 1,
            options,
            warnings: Vec::new(),
            system: None,
            checker: None,
        }
    }

    /// The same planner on another backend.
    #[must_use]
    pub fn on_backend(mut self, backend: Backend, adapter: AdapterChoice) -> Self {
        (self.backend, self.adapter, self.checker) = (backend, adapter, None);
        self
    }

    /// The same planner on so many threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The robot, reduced to what moves.
    pub fn mechanism(&self) -> &Mechanism {
        &self.mechanism
    }

    /// What was passed over or read otherwise than it stands in the robot's files, what a builder's choice was moved by
    /// within rounding, and what the certificate of this robot does not judge, such as friction in its joints under
    /// limits of torque. None for a planner of a problem that was at hand: the scene that it came from has its own.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The world as it is.
    pub fn world(&self) -> &World {
        &self.problem.world
    }

    /// The world, to be edited: the next query is about what it is then.
    pub fn world_mut(&mut self) -> &mut World {
        self.checker = None;
        &mut self.problem.world
    }

    /// Plans a motion.
    ///
    /// # Errors
    /// Why there is none; a query that makes no sense, or names what the robot does not have, is one of the reasons.
    pub fn plan(&mut self, query: &Query) -> Result<Motion, PlanError> {
        if let Begin::Leaving { joints, .. } = &query.begin {
            self.admit_joints(joints)?;
        }
        let (problem, options) = self.resolved(query)?;
        let solution = match &query.begin {
            Begin::State(_) => self.answer(&problem, &options)?,
            Begin::Leaving { running, at, since, .. } => {
                let departure = Departure { running, from: *at };
                let next = replan_by(&problem, &options, &departure, &mut |here, options| {
                    self.answer(here, options)
                })?;
                match since {
                    Some(now) => self.joined(&departure, *now, &problem, next)?,
                    None => next,
                }
            }
        };
        self.motion(query, solution, &problem)
    }

    /// Plans many motions, independent of each other, on the planner's threads; each answer is what a planner of one
    /// thread gives for its query. Queries that leave a running motion are not among them.
    ///
    /// With [`Backend::Gpu`] the device searches all of them at once, as far as they are for it, and with [`Backend::Auto`] it
    /// does so in a large batch if it is faster: then answers depend on how many queries there are. A device that fails
    /// leaves the rest to lanes, and [`Planner::warnings`] tells why.
    pub fn plan_batch(&mut self, queries: &[Query]) -> Vec<Result<Motion, PlanError>> {
        let resolve = |query: &Query| match query.begin {
            Begin::State(_) => self.resolved(query),
            Begin::Leaving { .. } => {
                let why = "queries that leave a running motion are planned one by one";
                Err(PlanError::Unsupported(why.to_owned()))
            }
        };
        let resolved: Vec<_> = queries.iter().map(resolve).collect();
        let tasks: Vec<_> = resolved
            .iter()
            .filter_map(|resolved| resolved.as_ref().ok())
            .map(|(problem, options)| Task { problem, options })
            .collect();
        let (answers, failure) = self.answers(&tasks);
        if let Some(failure) = failure {
            let what = format!("{failure}; the rest of a batch was planned in lanes");
            self.warnings.push(Warning(InputError::new(what)));
        }
        let mut answers = answers.into_iter();
        let each = |(query, resolved): (&Query, &Result<(Problem, PlanOptions), PlanError>)| {
            let (problem, _) = resolved.as_ref().map_err(Clone::clone)?;
            // There is one answer for each task.
            let missing = || Err(PlanError::Unsupported("no answer came".to_owned()));
            self.motion(query, answers.next().unwrap_or_else(missing)?, problem)
        };
        queries.iter().zip(&resolved).map(each).collect()
    }

    /// The answers to tasks: by a device that searches all at once, where that is the backend, and works; or where the
    /// backend is to be chosen, is faster for a large batch. Also gives why a device failed, if one did: then the rest was planned in lanes.
    fn answers(&self, tasks: &[Task<'_>]) -> (Vec<Result<Solution, PlanError>>, Option<CheckError>) {
        let makers = self.checkers();
        let problems = tasks.iter().map(|task| (task.problem, task.options.resolution));
        let is_device = self.backend == Backend::Gpu && any_for_device(tasks);
        let device = is_device.then(|| self.backend.checkers(&self.adapter, problems));
        if let Some(Ok(checkers)) = device
            && let Ok(Some(mut explorer)) = explorer(&checkers)
        {
            let checker = |i, is_searched| checkers.beside(i, is_searched);
            return plan_batch_wide(tasks, &mut *explorer, checker, self.threads, |_, _| {});
        }
        // Each tells what is wrong with its problem, or the device.
        let checker = |i: usize| makers.of(tasks[i].problem);
        if self.backend != Backend::Auto {
            return (plan_batch(tasks, checker, self.threads, |_, _| {}), None);
        }
        let device = |from: usize| {
            let rest = tasks[from..].iter().map(|task| (task.problem, task.options.resolution));
            worth_trying(&self.adapter, rest)
        };
        let trial = TrialSettings::DEFAULT;
        let (answers, choice) = plan_batch_by_trial(tasks, trial, device, checker, self.threads, |_, _| {});
        let failure = if let BatchChoice::Failed(failure) = choice { Some(failure) } else { None };
        (answers, failure)
    }

    /// Proves that anybody's trajectory leads validly from its own first state to its last, at rest or in motion, in the
    /// world as it is, with the planner's clearance at least. For trajectories from files see [`Format::tolerances`].
    ///
    /// [`Format::tolerances`]: crate::exchange::Format::tolerances
    ///
    /// # Errors
    /// What is wrong with it, and when.
    pub fn certify(
        &self,
        trajectory: &Trajectory,
        options: &CertifyOptions,
    ) -> Result<Certificate, Violation> {
        let problem = self.problem_of(trajectory)?;
        let clearance = options.least_world_clearance.max(self.options.clearance);
        let options = CertifyOptions { least_world_clearance: clearance, ..*options };
        let (admitted, here) = (problem.admitted(), self.options_here());
        Certifier::new(&admitted, options).asking(&here.constraints).under_way().certify(trajectory)
    }

    /// Refuses a motion of another robot.
    fn admit_joints(&self, joints: &[String]) -> Result<(), InvalidValue> {
        if joints == self.mechanism.outputs {
            return Ok(());
        }
        let expected = format!("one of {}", self.mechanism.outputs.join(", "));
        Err(InvalidValue::new("running", format!("a motion of {}", joints.join(", ")), expected))
    }

    /// The problem that a trajectory solves, if it solves any: its own ends are start and goal.
    fn problem_of(&self, trajectory: &Trajectory) -> Result<Problem, Violation> {
        if trajectory.is_empty() || trajectory.dof() != self.mechanism.flat_dof() {
            return Err(Violation::Malformed { reason: "it is not one of this robot" });
        }
        let smoothness = self.problem.smoothness;
        let at = |t| {
            JointState::of(&self.mechanism, trajectory, t, smoothness)
                .map_err(|reason| Violation::Singular { reason: reason.to_string(), time: t })
        };
        let (start, goal) = (at(0.0)?, at(trajectory.duration())?);
        Ok(Problem { start, goals: vec![goal], ..self.problem.clone() })
    }

    /// What is driven from `now` until the departure, then the answer, with a proof of it all.
    fn joined(
        &self,
        departure: &Departure<'_>,
        now: f64,
        problem: &Problem,
        mut next: Solution,
    ) -> Result<Solution, PlanError> {
        if now.is_nan() {
            return Err(InvalidValue::new("since", now, "a time in seconds").into());
        }
        let here = self.options_here();
        let (whole, mut problem) =
            departure.driven_whole(now, &departure.problem(problem), &next.trajectory)?;
        problem.admit_ends();
        let certifier = Certifier::new(&problem, here.certify()).asking(&here.constraints);
        next.certificate = certifier.under_way().certify(&whole)?;
        next.trajectory = whole;
        Ok(next)
    }

    /// The problem and the options that a query comes to.
    fn resolved(&self, query: &Query) -> Result<(Problem, PlanOptions), PlanError> {
        let start = match &query.begin {
            Begin::State(state) => self.state(state).map_err(|e| e.under("start"))?,
            // It is that of the departure.
            Begin::Leaving { .. } => self.problem.start.clone(),
        };
        let goal = |(i, goal): (usize, &Goal)| {
            self.state(&goal.state).map_err(|e| e.under(format_args!("goals[{i}]")))
        };
        let goals = query.goals.iter().enumerate().map(goal).collect::<Result<_, _>>()?;
        let problem = Problem { start, goals, ..self.problem.clone() };
        Ok((problem, query.options(&self.options_here())))
    }

    /// The options of all queries, with what a caller's own system comes to in the world as it is.
    fn options_here(&self) -> PlanOptions {
        let mut options = self.options.clone();
        options.constraints.extend(self.system.as_ref().map(|place| place(self.world(), options.clearance)));
        options
    }

    fn motion(&self, query: &Query, solution: Solution, problem: &Problem) -> Result<Motion, PlanError> {
        let goal = query.goals.get(solution.certificate.goal);
        let name = goal.map(|goal| goal.label(solution.certificate.goal)).unwrap_or_default();
        Ok(Motion::new(solution, name, self.mechanism.clone(), problem.smoothness))
    }

    /// What makes checkers, on any thread.
    fn checkers(&self) -> CheckerMaker<'_> {
        CheckerMaker { backend: self.backend, adapter: &self.adapter, resolution: self.options.resolution }
    }

    /// Plans a problem of this robot in this world.
    fn answer(&mut self, problem: &Problem, options: &PlanOptions) -> Result<Solution, PlanError> {
        if self.threads > 1 {
            let checkers = self.checkers();
            return plan_on_threads(problem, || checkers.of(problem), options, self.threads);
        }
        // To make the checker is part of the work, and of its budgets.
        let begun = Instant::now();
        let mut checker = match self.checker.take() {
            Some(checker) => checker,
            None => self.checkers().of(problem)?,
        };
        let answer = plan_since(begun, problem, &mut *checker, options);
        self.checker = Some(checker);
        answer
    }
}

/// Makes checkers on a backend.
struct CheckerMaker<'a> {
    backend: Backend,
    adapter: &'a AdapterChoice,
    resolution: Option<f64>,
}

impl CheckerMaker<'_> {
    fn of(&self, problem: &Problem) -> Result<Box<dyn EdgeChecker>, CheckError> {
        self.backend.checker_on(self.adapter, problem, self.resolution)
    }
}

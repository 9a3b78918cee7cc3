//! What most callers need, under one name: `use flatout::prelude::*`. Imports the front rooms, and of those behind
//! them what callers meet.

pub use crate::base::Base;
pub use crate::certify::{
    Certificate, CertifyOptions, Clearance, LinearCertificate, LinearTolerances, LinearViolation,
    LinearViolations, Sampled, Violation, certify_linear,
};
pub use crate::check::{AdapterChoice, Backend, CheckError, Diagnosis};
pub use crate::error::{InputError, InvalidValue, Warning};
pub use crate::exchange::{Export, Format, LinearExport, NamedTrajectory};
pub use crate::plan::rrt_star::{
    LinearPlanError, LinearPlanOptions, LinearRrtStar, LinearSolution, LinearStatistics, LinearUnsolved,
    LinearWorld, Linearise, Neighbours, plan_linear,
};
pub use crate::plan::{
    Algorithm, Budget, Cost, EndFault, FailureHint, Gap, Observer, Overrun, PlanError, PlanOptions, Progress,
    Quality, Sampling, Solution, Statistics, Unsolved,
};
pub use crate::planner::{
    FlatSample, FlatSystem, Goal, Motion, Planner, PlannerBuilder, Query, Rate, Setpoint, State,
};
pub use crate::pose::Pose;
pub use crate::problem::{
    Constraint, GRAVITY, JointState, LinearProblem, Overload, Problem, Smoothness, StateConstraint,
    StateFault, StateSample, Variable,
};
pub use crate::robot::spherize::CoverOptions;
pub use crate::robot::{JointLimits, LinkPadding, LoadOptions, Mechanism, MissingGeometry, Robot, Sphere};
pub use crate::scene::{AnyScene, LinearScene, Scene};
pub use crate::steer::LinearSystem;
pub use crate::stop::CancelToken;
pub use crate::trajectory::Trajectory;
pub use crate::world::{Obstacle, OccupancyGrid, Shape, World};

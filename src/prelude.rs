//! What most callers need, under one name: `use flatout::prelude::*`. Imports the front rooms.

pub use crate::base::Base;
pub use crate::certify::{Certificate, CertifyOptions, Violation};
pub use crate::check::{AdapterChoice, Backend};
pub use crate::error::{InputError, InvalidValue};
pub use crate::exchange::{Format, NamedTrajectory};
pub use crate::plan::{Budget, Cost, EndFault, PlanError, PlanOptions, Progress, Quality, Solution};
pub use crate::planner::{Goal, Motion, Planner, Query, Rate, Setpoint, State};
pub use crate::pose::Pose;
pub use crate::problem::{Constraint, JointState, Problem, Smoothness, StateConstraint, StateSample};
pub use crate::robot::{JointLimits, LoadOptions, Robot};
pub use crate::scene::Scene;
pub use crate::stop::CancelToken;
pub use crate::trajectory::Trajectory;
pub use crate::world::{OccupancyGrid, Shape, World};

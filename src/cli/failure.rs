//! What ends a command early.

use crate::check::CheckError;
use crate::error::InputError;
use crate::plan::PlanError;

/// What ends a command early.
pub(super) enum Failure {
    /// Something the user gave us is wrong: exit code 2.
    Input(InputError),
    /// There is no plan, or the trajectory is not valid: exit code 3.
    Invalid(String),
    /// The work could not be done, and nothing is known of plan or trajectory: exit code 1.
    Broken(String),
    /// A figure is worse than it may be: exit code 1.
    Worse(String),
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Invalid(why) => Self::Input(InputError::of_value(why)),
            CheckError::Backend { .. } => Self::Broken(error.to_string()),
        }
    }
}

/// What ends a command that came to no trajectory.
pub(super) fn unsolved(error: PlanError) -> Failure {
    match error {
        PlanError::Invalid(why) => Failure::Input(InputError::of_value(why)),
        PlanError::Backend(error) => error.into(),
        other => Failure::Invalid(other.to_string()),
    }
}

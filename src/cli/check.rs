//! `flatout check`: certifies anybody's trajectory.

use super::plan::{CLEARANCE_TOLERANCE, describe, length};
use super::{Failure, say};
use crate::certify::{CertifyOptions, certify};
use crate::error::InputError;
use crate::exchange::{Format, NamedTrajectory};
use crate::robot::Mechanism;
use crate::scene::Scene;
use crate::trajectory::Trajectory;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct CheckArgs {
    /// Scene file
    scene: PathBuf,
    /// Trajectory: .json (flatout-trajectory/1), .yaml (trajectory_msgs/JointTrajectory) or .csv
    trajectory: PathBuf,
    /// What the ends may miss start and goal by and values jump by at knots, relative where these are
    /// above 1; limits may be exceeded by ten times that share, those of jerk by a thousand times (times
    /// in a JointTrajectory are whole nanoseconds, which blurs accelerations of short pieces, and jerks more)
    #[arg(long, default_value_t = 1e-5, allow_negative_numbers = true, value_parser = tolerance)]
    tolerance: f64,
    /// Print the certificate as JSON
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(t) if t >= 0.0 && t.is_finite() => Ok(t),
        _ => Err("expected a number of at least 0".to_owned()),
    }
}

/// Reads a trajectory of this mechanism.
pub(super) fn load(file: &Path, mechanism: &Mechanism) -> Result<Trajectory, InputError> {
    if mechanism.vehicle().is_some() && Format::of(file)? != Format::Json {
        let message =
            "points do not tell how a vehicle moves between them; expected the polynomials of a .json";
        return Err(InputError::new(message).in_file(file));
    }
    let named = NamedTrajectory::load(file)?;
    named.ordered(&mechanism.flat_outputs()).map_err(|e| e.in_file(file))
}

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let scene = Scene::load(&args.scene)?;
    let trajectory = load(&args.trajectory, &scene.problem.mechanism)?;
    let options = CertifyOptions {
        clearance_tolerance: Some(CLEARANCE_TOLERANCE),
        tolerance: args.tolerance,
        limit_tolerance: 10.0 * args.tolerance,
        jerk_tolerance: 1e3 * args.tolerance,
    };
    let result = certify(&scene.problem, &trajectory, &options);
    if args.json {
        let report = match &result {
            Ok(certificate) => json!({"valid": true, "certificate": certificate}),
            Err(violation) => {
                json!({"valid": false, "reason": violation.to_string(), "violation": violation})
            }
        };
        say(&format!("{report:#}\n"))?;
    }
    let certificate = result.map_err(|violation| Failure::Invalid(format!("not valid: {violation}")))?;
    if !args.json {
        say(&format!("valid at every instant\n  duration   {}\n", length(&trajectory)))?;
        say(&describe(&certificate))?;
    }
    Ok(())
}

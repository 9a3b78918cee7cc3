//! `flatout check`: certifies anybody's trajectory.

use super::failure::Failure;
use super::output::say;
use super::plan::{CLEARANCE_TOLERANCE, describe, length};
use crate::certify::{CertifyOptions, Report, Violation, survey};
use crate::error::InputError;
use crate::exchange::{FILE_TOLERANCE, Format, NamedTrajectory};
use crate::robot::Mechanism;
use crate::scene::Scene;
use crate::trajectory::Trajectory;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct CheckArgs {
    /// Scene file
    scene: PathBuf,
    /// Trajectory: .json (flatout-trajectory/1), .yaml (trajectory_msgs/JointTrajectory) or .csv
    trajectory: PathBuf,
    /// What the ends may miss start and goal by and values jump by at knots, in all, relative where these are
    /// above 1; limits may be exceeded by ten times that share, those of jerk by a thousand times (times
    /// in a JointTrajectory are whole nanoseconds, which blurs accelerations of short pieces, and jerks more)
    #[arg(long, default_value_t = FILE_TOLERANCE, allow_negative_numbers = true, value_parser = tolerance)]
    tolerance: f64,
    /// Print the certificate, or what is wrong, as JSON
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
        world_tolerance: Some(CLEARANCE_TOLERANCE),
        links_tolerance: Some(CLEARANCE_TOLERANCE),
        ..CertifyOptions::for_files(args.tolerance)
    };
    let report = survey(&scene.problem, &trajectory, &options);
    if args.json {
        say(&format!("{:#}\n", in_json(&report)))?;
    }
    let Some(certificate) = &report.certificate else { return Err(Failure::Invalid(report.to_string())) };
    if !args.json {
        say(&format!("valid at every instant\n  duration   {}\n", length(&trajectory)))?;
        say(&describe(certificate))?;
    }
    Ok(())
}

/// The certificate, or of every kind of violation the worst.
fn in_json(report: &Report) -> Value {
    if let Some(certificate) = &report.certificate {
        return json!({"valid": true, "certificate": certificate});
    }
    let one = |violation: &Violation| json!({"kind": violation.kind(), "reason": violation.to_string(), "violation": violation});
    let all: Vec<Value> = report.violations.iter().map(one).collect();
    json!({"valid": false, "reason": report.to_string(), "violations": all})
}

//! `flatout check`: certifies anybody's trajectory.

use super::plan::{CLEARANCE_TOLERANCE, describe};
use super::{Failure, say};
use crate::certify::{CertifyOptions, certify};
use crate::exchange::NamedTrajectory;
use crate::scene::Scene;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct CheckArgs {
    /// Scene file
    scene: PathBuf,
    /// Trajectory: .json (flatout-trajectory/1), .yaml (trajectory_msgs/JointTrajectory) or .csv
    trajectory: PathBuf,
    /// What the ends may miss start and goal by, values jump by at knots and exceed their limits by,
    /// relative where these are above 1 (times in a JointTrajectory are whole nanoseconds)
    #[arg(long, default_value_t = 1e-5, value_parser = tolerance)]
    tolerance: f64,
    /// Print the certificate as JSON
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(t) if t >= 0.0 && t.is_finite() => Ok(t),
        _ => Err(format!("\"{text}\" is not a number of at least 0")),
    }
}

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let scene = Scene::load(&args.scene)?;
    let trajectory = NamedTrajectory::load(&args.trajectory)?
        .ordered(&scene.problem.mechanism.outputs)
        .map_err(|e| e.in_file(&args.trajectory))?;
    let options = CertifyOptions {
        clearance_tolerance: Some(CLEARANCE_TOLERANCE),
        tolerance: args.tolerance,
        limit_tolerance: args.tolerance,
    };
    let result = certify(&scene.problem, &trajectory, &options);
    if args.json {
        let text = serde_json::to_string_pretty(&result).map_err(|e| Failure::Invalid(e.to_string()))?;
        say(&format!("{text}\n"));
    }
    let certificate = result.map_err(|violation| Failure::Invalid(format!("not valid: {violation}")))?;
    if !args.json {
        let (duration, segments) = (trajectory.duration(), trajectory.len());
        say(&format!("valid at every instant\n  duration   {duration:.3} s, {segments} segments\n"));
        say(&describe(&certificate));
    }
    Ok(())
}

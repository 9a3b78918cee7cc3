//! `flatout check`: certifies anybody's trajectory.

use super::arguments::DefaultArgs;
use super::failure::Failure;
use super::linear;
use super::output::say;
use super::plan::{CLEARANCE_TOLERANCE, describe, length};
use super::telling::{load_any_scene, warn};
use crate::certify::{CertifyOptions, Report, Violation, survey};
use crate::error::{InputError, Warning};
use crate::exchange::{Driven, FILE_TOLERANCE, Interpolation, NamedTrajectory};
use crate::problem::Problem;
use crate::scene::AnyScene;
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
    /// above 1, and what the equations of motion of a linear system may be off by; limits may be exceeded by
    /// ten times that share, those of jerk by a thousand times (times in a JointTrajectory are whole nanoseconds, which blurs accelerations of short pieces, and jerks more)
    #[arg(long, default_value_t = FILE_TOLERANCE, allow_negative_numbers = true, value_parser = tolerance)]
    tolerance: f64,
    /// Print the certificate, or what is wrong, as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    default: DefaultArgs,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(t) if t >= 0.0 && t.is_finite() => Ok(t),
        _ => Err("expected a number of at least 0".to_owned()),
    }
}

/// Reads what a controller makes of a trajectory of the problem's mechanism, and tells what it warns of.
pub(super) fn load(file: &Path, problem: &Problem) -> Result<Driven, InputError> {
    let named = NamedTrajectory::load(file)?;
    warn(&named.warnings);
    let driven = named.driven(problem).map_err(|e| e.in_file(file))?;
    let warnings = driven.warnings.into_iter().map(|Warning(what)| Warning(what.in_file(file)));
    let warnings: Vec<Warning> = warnings.collect();
    warn(&warnings);
    Ok(Driven { warnings, ..driven })
}

pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let scene = match load_any_scene(&args.scene, args.default.limits())? {
        AnyScene::Robot(scene) => *scene,
        AnyScene::Linear(scene) => {
            args.default.refuse_for_linear()?;
            return linear::check(&scene, &args.trajectory, args.tolerance, args.json);
        }
    };
    let Driven { trajectory, interpolation, .. } = load(&args.trajectory, &scene.problem)?;
    let options = CertifyOptions {
        world_tolerance: Some(CLEARANCE_TOLERANCE),
        links_tolerance: Some(CLEARANCE_TOLERANCE),
        ..CertifyOptions::for_files(args.tolerance)
    };
    let report = survey(&scene.problem, &trajectory, &options);
    if args.json {
        say(&format!("{:#}\n", in_json(&report, interpolation.as_ref())))?;
    }
    let judged = interpolation.as_ref().map_or(String::new(), |between| {
        format!("  judged as  {between} between the points, as joint_trajectory_controller drives them\n")
    });
    let Some(certificate) = &report.certificate else {
        let between = interpolation.map_or(String::new(), |between| {
            format!("\njudged as {between} between the points, as joint_trajectory_controller drives them")
        });
        return Err(Failure::Invalid(format!("{report}{between}")));
    };
    if !args.json {
        say(&format!("valid at every instant\n  duration   {}\n", length(&trajectory)))?;
        say(&judged)?;
        say(&describe(certificate))?;
    }
    Ok(())
}

/// The certificate, or of every kind of violation the worst.
fn in_json(report: &Report, interpolation: Option<&Interpolation>) -> Value {
    let between = interpolation.map(Interpolation::to_string);
    if let Some(certificate) = &report.certificate {
        return json!({"valid": true, "interpolation": between, "certificate": certificate});
    }
    let one = |violation: &Violation| json!({"kind": violation.kind(), "reason": violation.to_string(), "violation": violation});
    let all: Vec<Value> = report.violations.iter().map(one).collect();
    json!({"valid": false, "interpolation": between, "reason": report.to_string(), "violations": all})
}

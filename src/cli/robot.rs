//! `flatout robot`: what a robot is like, and its cover by spheres.

use super::arguments::{PackageArgs, count, count_up_to, positive};
use super::failure::Failure;
use super::output::{complain, refuse_inputs, say, write_file};
use super::telling::{warn, while_loading};
use crate::error::InputError;
use crate::robot::spherize::{CoverOptions, CoverReport, MAX_SPHERES, replace_collisions};
use crate::robot::{EvaluationOptions, LoadOptions, MissingGeometry, Robot};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum RobotCommand {
    /// Print a robot's tree, limits, spheres, pairs of links that are checked, groups and states
    Info(InfoArgs),
    /// Cover collision geometry by spheres, and print what that adds
    Spherize(SpherizeArgs),
    /// Evaluate a robot in random states, to be held against other implementations: frames of its links, efforts, and
    /// which of its links touch
    Evaluate(EvaluateArgs),
}

#[derive(Args)]
pub(super) struct InfoArgs {
    /// Robot description
    urdf: PathBuf,
    /// Its groups and disabled collisions
    #[arg(long)]
    srdf: Option<PathBuf>,
    /// Its limits (MoveIt's joint_limits.yaml)
    #[arg(long)]
    limits: Option<PathBuf>,
    #[command(flatten)]
    packages: PackageArgs,
}

#[derive(Args)]
pub(super) struct SpherizeArgs {
    /// Robot description
    urdf: PathBuf,
    /// Its disabled collisions: spheres need not tell such links apart
    #[arg(long)]
    srdf: Option<PathBuf>,
    #[command(flatten)]
    packages: PackageArgs,
    /// Write the description with spheres for collision geometry
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Most spheres for the whole robot
    #[arg(long, value_name = "N", default_value_t = CoverOptions::default().max_spheres, value_parser = sphere_count)]
    max_spheres: usize,
    /// How far spheres may reach beyond the geometry, metres
    #[arg(
        long,
        value_name = "M",
        allow_negative_numbers = true,
        default_value_t = CoverOptions::default().tolerance,
        value_parser = positive
    )]
    tolerance: f64,
}

#[derive(Args)]
pub(super) struct EvaluateArgs {
    #[command(flatten)]
    robot: InfoArgs,
    /// Number of random states; neutral and named ones are evaluated before them
    #[arg(long, value_name = "N", default_value_t = EvaluationOptions::default().states, value_parser = count)]
    states: usize,
    /// Seed of the random states
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Joints that random states differ in, the others being neutral [all]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    joints: Option<Vec<String>>,
    /// Write the evaluation as JSON (docs/formats.md)
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

fn sphere_count(text: &str) -> Result<usize, String> {
    count_up_to(text, MAX_SPHERES)
}

pub(super) fn run(command: &RobotCommand) -> Result<(), Failure> {
    match command {
        RobotCommand::Info(args) => info(args),
        RobotCommand::Spherize(args) => spherize(args),
        RobotCommand::Evaluate(args) => evaluate(args),
    }
}

/// Loads a robot, whatever its geometry: whoever asks what it is like is told what it lacks.
fn load(args: &InfoArgs) -> Result<Robot, Failure> {
    let package_path = args.packages.package_path.clone();
    let missing_geometry = MissingGeometry::Allow;
    let options = LoadOptions { missing_geometry, package_path, ..LoadOptions::default() };
    let robot =
        while_loading(|| Robot::load(&args.urdf, args.srdf.as_deref(), args.limits.as_deref(), &options))?;
    warn(&robot.warnings);
    Ok(robot)
}

fn info(args: &InfoArgs) -> Result<(), Failure> {
    say(&load(args)?.info().to_string())
}

fn evaluate(args: &EvaluateArgs) -> Result<(), Failure> {
    let robot = load(&args.robot)?;
    refuse_inputs([args.output.as_path()])?;
    let (joints, states, seed) = (args.joints.clone(), args.states, args.seed);
    let options = EvaluationOptions { joints, states, seed, ..EvaluationOptions::default() };
    let evaluation = robot.evaluate(&options).map_err(|e| e.in_file(&args.robot.urdf))?;
    let text = serde_json::to_string(&evaluation).map_err(|e| Failure::Broken(e.to_string()))?;
    write_file(&args.output, &text)
}

fn spherize(args: &SpherizeArgs) -> Result<(), Failure> {
    let cover = CoverOptions { max_spheres: args.max_spheres, tolerance: args.tolerance };
    let package_path = args.packages.package_path.clone();
    let missing_geometry = MissingGeometry::Allow;
    let options = LoadOptions { cover, missing_geometry, package_path, ..LoadOptions::default() };
    let covered = while_loading(|| Robot::load_covers(&args.urdf, args.srdf.as_deref(), &options));
    let (robot, links) = covered?;
    refuse_inputs(args.output.as_deref())?;
    warn(&robot.warnings);
    say(&format!("{}\n", CoverReport(&links)))?;
    if let Some(output) = &args.output {
        let urdf = InputError::read_text(&args.urdf)?;
        write_file(output, &replace_collisions(&urdf, &links).map_err(|e| e.in_file(&args.urdf))?)?;
        complain(&format!("written to {}", output.display()));
    }
    Ok(())
}

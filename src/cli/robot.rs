//! `flatout robot`: what a robot is like, and its cover by spheres.

use super::{Failure, say};
use crate::robot::{LoadOptions, Robot};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum RobotCommand {
    /// Print a robot's tree, limits, spheres, pairs of links that are checked, groups and states
    Info(InfoArgs),
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
}

pub(super) fn run(command: &RobotCommand) -> Result<(), Failure> {
    match command {
        RobotCommand::Info(args) => info(args),
    }
}

fn info(args: &InfoArgs) -> Result<(), Failure> {
    let options = LoadOptions::default();
    let robot = Robot::load(&args.urdf, args.srdf.as_deref(), args.limits.as_deref(), &options)?;
    say(&robot.info().to_string());
    Ok(())
}

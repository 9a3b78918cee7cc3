//! The command line: the only place that prints or exits. Imports everything below it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this room is for")]

mod arguments;
mod batch;
mod bench;
mod check;
mod compare;
mod converge;
#[cfg(feature = "gpu")]
mod devices;
mod edges;
mod failure;
mod families;
#[cfg(feature = "gpu")]
mod gpu;
mod import;
mod journal;
mod linear;
mod output;
mod plan;
mod planning;
mod progress;
mod replan;
mod robot;
mod rrt_star;
mod samples;
mod schema;
mod suite;
mod systems;
mod telling;

use crate::error::{InputError, remember_reads};
use crate::threads;
use crate::vector::{LEVEL_VARIABLE, Level, LevelFault};
use clap::{Parser, Subcommand};
use failure::Failure;
use output::complain;
use std::process::ExitCode;

/// Plans certified, dynamically feasible trajectories.
#[derive(Parser)]
#[command(name = "flatout", version, about, max_term_width = 100)]
struct Cli {
    /// Compute as a machine of this SIMD level does: avx512, avx2, sse2 or portable, of those that this one has; the
    /// environment's FLATOUT_SIMD where left out, or else the best
    #[arg(long, global = true, value_name = "LEVEL")]
    simd: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plan a scene: from its start to its goal, within all limits, certified for all times
    Plan(plan::PlanArgs),
    /// Plan anew from a trajectory that is being driven: another goal, another world
    Replan(replan::ReplanArgs),
    /// Plan many scenes, spread over threads
    Batch(batch::BatchArgs),
    /// Certify a trajectory, anybody's, against a scene
    Check(check::CheckArgs),
    /// Look into robots
    #[command(subcommand)]
    Robot(robot::RobotCommand),
    /// Turn a MoveIt planning scene and motion plan request into a scene file
    Import(import::ImportArgs),
    /// Print the JSON Schema of scene files or of trajectories
    Schema(schema::SchemaArgs),
    /// Run a benchmark suite
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// List the adapters that can check on a GPU, and measure them beside this CPU
    #[cfg(feature = "gpu")]
    Devices(devices::DevicesArgs),
}

/// Parses the command line, runs the command, and gives the exit code: 0 solved or valid, 1 broken off
/// (a backend failed, or an output could not be written) or worse than allowed, 2 bad input, 3 no plan or not valid.
pub fn run() -> ExitCode {
    let code = exit_code(command());
    // A device that a query did not wait for may still be opened.
    #[cfg(feature = "gpu")]
    crate::check::wait_for_devices();
    code
}

fn command() -> Result<(), Failure> {
    let Cli { simd, command } = Cli::parse();
    remember_reads();
    choose_level(simd.as_deref())?;
    let result = match command {
        Command::Plan(args) => plan::run(&args),
        Command::Replan(args) => replan::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Robot(command) => robot::run(&command),
        Command::Import(args) => import::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Bench(command) => bench::run(&command),
        #[cfg(feature = "gpu")]
        Command::Devices(args) => devices::run(&args),
    };
    if let Some(warning) = threads::take_warning() {
        complain(&format!("warning: {warning}"));
    }
    result
}

/// The level that the user asks for, or else the environment; all that computes does so at that level.
fn choose_level(asked: Option<&str>) -> Result<(), InputError> {
    let named = |name: &'static str| move |e: LevelFault| InputError::new(e.to_string()).for_key(name);
    match asked {
        Some(name) => Level::choose(name).map_err(named("--simd")),
        None => Level::chosen().map(drop).map_err(named(LEVEL_VARIABLE)),
    }
}

fn exit_code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Broken(why) | Failure::Worse(why)) => {
            complain(&why);
            ExitCode::FAILURE
        }
        Err(Failure::Input(error)) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
        Err(Failure::Invalid(why)) => {
            complain(&why);
            ExitCode::from(3)
        }
    }
}

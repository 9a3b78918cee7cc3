//! The command line: the only place that prints or exits. Imports everything below it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this room is for")]

mod batch;
mod bench;
mod check;
mod compare;
#[cfg(feature = "gpu")]
mod devices;
mod edges;
mod families;
mod import;
mod plan;
mod planning;
mod progress;
mod replan;
mod robot;
mod systems;
mod telling;

use crate::check::threads::{self, MAX_THREADS};
use crate::check::{AdapterChoice, Backend, CheckError, EdgeChecker};
use crate::error::InputError;
use crate::exchange::Export;
use crate::plan::{PlanError, Solution};
use crate::problem::Problem;
use crate::robot::MissingGeometry;
use crate::scene::{RobotFiles, Scene, moveit};
use clap::{Args, Parser, Subcommand};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use telling::{Telling, TellingCheckers};

/// Plans certified, dynamically feasible trajectories.
#[derive(Parser)]
#[command(name = "flatout", version, about, max_term_width = 100)]
struct Cli {
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
    /// Run a benchmark suite
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// List the adapters that can check on a GPU, and measure them beside this CPU
    #[cfg(feature = "gpu")]
    Devices(devices::DevicesArgs),
}

/// What ends a command early.
enum Failure {
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

/// Parses the command line, runs the command, and gives the exit code: 0 solved or valid, 1 broken off
/// (a backend failed, or standard output could not be written) or worse than allowed, 2 bad input, 3 no plan or not valid.
pub fn run() -> ExitCode {
    let code = exit_code(command());
    // A device that a query did not wait for may still be opened.
    #[cfg(feature = "gpu")]
    crate::check::wait_for_devices();
    code
}

fn command() -> Result<(), Failure> {
    let result = match Cli::parse().command {
        Command::Plan(args) => plan::run(&args),
        Command::Replan(args) => replan::run(&args),
        Command::Batch(args) => batch::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Robot(command) => robot::run(&command),
        Command::Import(args) => import::run(&args),
        Command::Bench(command) => bench::run(&command),
        #[cfg(feature = "gpu")]
        Command::Devices(args) => devices::run(&args),
    };
    if let Some(warning) = threads::take_warning() {
        complain(&format!("warning: {warning}"));
    }
    result
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

/// Parses a number of seconds or metres that makes sense as one.
fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 1e9 => Ok(x),
        _ => Err("expected a number greater than 0, at most 1e9".to_owned()),
    }
}

/// Parses a number of things of which there must be one; what is counted in millions is not held in memory all at
/// once, or is small.
fn count(text: &str) -> Result<usize, String> {
    count_up_to(text, 1_000_000)
}

/// Parses a number of threads.
fn thread_count(text: &str) -> Result<usize, String> {
    count_up_to(text, MAX_THREADS)
}

fn count_up_to(text: &str, most: usize) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n > 0 && n <= most => Ok(n),
        _ => Err(format!("expected a whole number from 1 to {most}")),
    }
}

/// What ends a command that came to no trajectory.
fn unsolved(error: PlanError) -> Failure {
    match error {
        PlanError::Invalid(why) => Failure::Input(InputError::of_value(why)),
        PlanError::Backend(error) => error.into(),
        other => Failure::Invalid(other.to_string()),
    }
}

/// Prints to standard error; where nobody listens (a closed pipe) there is nothing to say.
fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "flatout: {message}");
}

/// Prints to standard output. A reader that has gone away (`flatout ... | head`) has heard enough.
fn say(message: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    match out.write_all(message.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Broken(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Writes a file that the user named.
fn write_file(path: &std::path::Path, text: &str) -> Result<(), InputError> {
    std::fs::write(path, text)
        .map_err(|e| InputError::new(format!("cannot write the file: {e}")).in_file(path))
}

/// Writes results as JSON, if they are to be written, and says where they are.
fn write_results(path: Option<&std::path::Path>, results: &impl serde::Serialize) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(results).map_err(|e| Failure::Broken(e.to_string()))?;
    write_file(path, &text)?;
    complain(&format!("results written to {}", path.display()));
    Ok(())
}

/// A solution on its way into a file.
fn export<'a>(problem: &'a Problem, solution: &'a Solution, seed: u64) -> Export<'a> {
    // Neither holds anything that JSON cannot say.
    let value = |v: serde_json::Result<serde_json::Value>| v.unwrap_or_default();
    Export {
        report: value(serde_json::to_value(&solution.certificate)),
        stats: value(serde_json::to_value(solution.statistics)),
        seed: Some(seed),
        ..Export::new(problem, &solution.trajectory)
    }
}

/// Which backend checks, and where.
#[derive(Args)]
struct BackendArgs {
    /// Backend: auto, gpu, simd or scalar
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// Adapter of a GPU backend: part of its name, or its number in `flatout devices`
    #[arg(long = "gpu", value_name = "NAME|INDEX")]
    adapter: Option<AdapterChoice>,
}

impl BackendArgs {
    /// A checker that tells its warnings when it is done with.
    fn checker(
        &self,
        problem: &Problem,
        resolution: Option<f64>,
    ) -> Result<Box<dyn EdgeChecker>, CheckError> {
        let checker =
            self.backend.checker_on(&self.adapter.clone().unwrap_or_default(), problem, resolution)?;
        Ok(Box::new(Telling(checker)))
    }

    /// Such checkers of many problems.
    fn checkers<'a>(
        &self,
        problems: impl IntoIterator<Item = (&'a Problem, Option<f64>)>,
    ) -> Result<TellingCheckers<'a>, CheckError> {
        let checkers = self.backend.checkers(&self.adapter.clone().unwrap_or_default(), problems)?;
        Ok(TellingCheckers(checkers))
    }
}

/// A MoveIt planning scene and motion plan request, as MotionBenchMaker publishes them, and the
/// robot that they are about.
#[derive(Args)]
struct MoveItArgs {
    /// MoveIt planning scene (YAML)
    #[arg(long, value_name = "FILE", requires = "request", requires = "urdf")]
    scene: Option<PathBuf>,
    /// MoveIt motion plan request (YAML)
    #[arg(long, value_name = "FILE", requires = "scene")]
    request: Option<PathBuf>,
    /// Robot description
    #[arg(long, value_name = "FILE")]
    urdf: Option<PathBuf>,
    /// Its groups and disabled collisions
    #[arg(long, value_name = "FILE")]
    srdf: Option<PathBuf>,
    /// Its limits (MoveIt's joint_limits.yaml)
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    #[command(flatten)]
    geometry: GeometryArgs,
}

/// What becomes of robots without collision geometry.
#[derive(Args)]
struct GeometryArgs {
    /// Take a robot of which something that moves has no collision geometry: refuse or allow
    #[arg(long, value_name = "WHAT", default_value_t)]
    missing_geometry: MissingGeometry,
}

impl MoveItArgs {
    /// The pair as a scene.
    fn load(&self) -> Result<Scene, InputError> {
        let (Some(scene), Some(request), Some(urdf)) = (&self.scene, &self.request, &self.urdf) else {
            return Err(InputError::new(
                "nothing to plan: expected a scene file, or --scene, --request and --urdf",
            ));
        };
        let files = RobotFiles {
            urdf: urdf.clone(),
            srdf: self.srdf.clone(),
            joint_limits: self.limits.clone(),
            missing_geometry: self.geometry.missing_geometry,
        };
        moveit::load(scene, request, files)
    }
}

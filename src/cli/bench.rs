//! `flatout bench`: whole suites, their tables and their JSON.

use super::progress::Progress;
use super::{Failure, complain, count, export, positive, say, write_file};
use crate::bench::mbm::MbmSuite;
use crate::bench::report::{Machine, Report};
use crate::bench::runner;
use crate::check::Backend;
use crate::error::InputError;
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::robot::Robot;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum BenchCommand {
    /// MotionBenchMaker problems (mbm-json/1), torques not checked
    Mbm(MbmArgs),
}

#[derive(Args)]
pub(super) struct MbmArgs {
    /// Problems
    file: PathBuf,
    /// Robot description
    #[arg(long)]
    urdf: PathBuf,
    /// Its groups and disabled collisions
    #[arg(long)]
    srdf: Option<PathBuf>,
    /// Its limits (MoveIt's joint_limits.yaml)
    #[arg(long)]
    limits: Option<PathBuf>,
    /// Backend: auto, simd or scalar
    #[arg(long, default_value = "auto")]
    backend: Backend,
    /// Seed of the planner
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// Time limit per problem, seconds
    #[arg(long, value_name = "S", default_value_t = 5.0, allow_negative_numbers = true, value_parser = positive)]
    time_limit: f64,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Write one trajectory per solved problem, DIR/SET_INDEX.json
    #[arg(long, value_name = "DIR")]
    trajectories: Option<PathBuf>,
    /// Plan every problem so often and keep the run of median time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    repeat: usize,
}

pub(super) fn run(command: &BenchCommand) -> Result<(), Failure> {
    match command {
        BenchCommand::Mbm(args) => mbm(args),
    }
}

fn mbm(args: &MbmArgs) -> Result<(), Failure> {
    let robot = Robot::load(&args.urdf, args.srdf.as_deref(), args.limits.as_deref(), &Default::default())?;
    let suite = MbmSuite::load(&args.file)?;
    let mechanism = suite.mechanism(&robot, Pose::IDENTITY).map_err(|e| e.in_file(&args.file))?;
    if let Some(dir) = &args.trajectories {
        std::fs::create_dir_all(dir)
            .map_err(|e| InputError::new(format!("cannot make the folder: {e}")).in_file(dir))?;
    }
    let options = PlanOptions {
        seed: args.seed,
        time_limit: Some(std::time::Duration::from_secs_f64(args.time_limit)),
        ..PlanOptions::default()
    };
    let progress = Progress::bar(suite.problems.len(), &suite.robot);
    let mut backend = String::new();
    let mut results = Vec::with_capacity(suite.problems.len());
    for chosen in &suite.problems {
        let problem = chosen.problem(&mechanism).map_err(|e| e.in_file(&args.file))?;
        if backend.is_empty() {
            backend = args.backend.checker(&problem, options.resolution).name();
        }
        let (mut result, solution) = runner::run(&problem, args.backend, &options, args.repeat)?;
        result.set.clone_from(&chosen.set);
        result.index = chosen.index;
        if let (Some(dir), Some(solution)) = (&args.trajectories, &solution) {
            let path = dir.join(format!("{}_{}.json", chosen.set, chosen.index));
            export(&problem, solution, options.seed).save(&path)?;
        }
        results.push(result);
        progress.advance();
    }
    drop(progress);
    let report = Report {
        suite: "mbm".to_owned(),
        robot: suite.robot,
        backend,
        threads: 1,
        seed: args.seed,
        machine: Machine::this(),
        results,
    };
    say(&report.to_string());
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&report).map_err(|e| Failure::Invalid(e.to_string()))?;
        write_file(path, &text)?;
        complain(&format!("results written to {}", path.display()));
    }
    Ok(())
}

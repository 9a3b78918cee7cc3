//! `flatout bench`: whole suites, their tables and their JSON.

use super::batch::make_folder;
use super::edges;
use super::progress::Progress;
use super::systems;
use super::{BackendArgs, Failure, complain, count, export, positive, say, write_file};
use crate::bench::mbm::MbmSuite;
use crate::bench::report::{Machine, Report};
use crate::bench::runner;
use crate::check::CheckError;
use crate::plan::PlanOptions;
use crate::pose::Pose;
use crate::problem::Problem;
use crate::robot::Robot;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[derive(Subcommand)]
pub(super) enum BenchCommand {
    /// MotionBenchMaker problems (mbm-json/1), torques not checked
    Mbm(MbmArgs),
    /// dynobench's instances, against the durations of iDb-A*
    Dynobench(systems::DynobenchArgs),
    /// Kino-PAX's problems
    Kinopax(systems::KinopaxArgs),
    /// Edges and states a second, by backend, size of batch and number of obstacles
    Edges(edges::EdgesArgs),
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
    #[command(flatten)]
    backend: BackendArgs,
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
    /// Edges that the search has checked at once; 0 leaves it to the backend
    #[arg(long, value_name = "N", default_value_t = 0)]
    edge_batch: usize,
    /// Plan all problems at once, and tell how many a second; with --repeat, the batch of median time
    #[arg(long)]
    batch: bool,
    /// Threads that plan a batch; one per processor where left out, one per problem on a GPU
    #[arg(long, value_name = "N", requires = "batch", allow_negative_numbers = true, value_parser = count)]
    threads: Option<usize>,
}

pub(super) fn run(command: &BenchCommand) -> Result<(), Failure> {
    match command {
        BenchCommand::Mbm(args) => mbm(args),
        BenchCommand::Dynobench(args) => systems::dynobench(args),
        BenchCommand::Kinopax(args) => systems::kinopax(args),
        BenchCommand::Edges(args) => edges::run(args),
    }
}

fn mbm(args: &MbmArgs) -> Result<(), Failure> {
    let robot = Robot::load(&args.urdf, args.srdf.as_deref(), args.limits.as_deref(), &Default::default())?;
    let suite = MbmSuite::load(&args.file)?;
    let mechanism = suite.mechanism(&robot, Pose::IDENTITY).map_err(|e| e.in_file(&args.file))?;
    if let Some(dir) = &args.trajectories {
        make_folder(dir)?;
    }
    let options = PlanOptions {
        seed: args.seed,
        time_limit: Some(Duration::from_secs_f64(args.time_limit)),
        batch: args.edge_batch,
        ..PlanOptions::default()
    };
    let problems = suite
        .problems
        .iter()
        .map(|chosen| chosen.problem(&mechanism))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| e.in_file(&args.file))?;
    let Planned { answers, threads, wall } = plan_all(args, &suite.robot, &problems, &options)?;
    let mut results = Vec::with_capacity(answers.len());
    for ((chosen, problem), (mut result, solution)) in suite.problems.iter().zip(&problems).zip(answers) {
        result.set.clone_from(&chosen.set);
        result.index = chosen.index;
        if let (Some(dir), Some(solution)) = (&args.trajectories, &solution) {
            let path = dir.join(format!("{}_{}.json", chosen.set, chosen.index));
            export(problem, solution, options.seed).save(&path)?;
        }
        results.push(result);
    }
    let backend = problems.first().map(|p| args.backend.checker(p, options.resolution)).transpose()?;
    let report = Report {
        suite: "mbm".to_owned(),
        robot: suite.robot,
        backend: backend.map(|checker| checker.name()).unwrap_or_default(),
        threads,
        seed: args.seed,
        machine: Machine::this(),
        wall_s: wall.map(|wall| wall.as_secs_f64()),
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

/// What came of all problems.
struct Planned {
    answers: Vec<runner::Answer>,
    threads: usize,
    /// Of the whole, where they were planned at once.
    wall: Option<Duration>,
}

/// Plans the problems one by one, or all at once.
fn plan_all(
    args: &MbmArgs,
    name: &str,
    problems: &[Problem],
    options: &PlanOptions,
) -> Result<Planned, CheckError> {
    let repeat = args.repeat;
    if args.batch {
        let progress = Progress::bar(problems.len() * repeat, name);
        let mut threads = 1;
        let mut run = || {
            let started = Instant::now();
            let checkers = args.backend.checkers(problems.iter().map(|p| (p, options.resolution)))?;
            threads = checkers.threads(args.threads);
            let checker = |i| checkers.checker(i);
            runner::run_batch(started, problems, checker, options, threads, || progress.advance())
        };
        let mut runs = (0..repeat).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
        runs.sort_by_key(|&(_, wall)| wall);
        let (answers, wall) = runs.swap_remove(repeat / 2);
        return Ok(Planned { answers, threads, wall: Some(wall) });
    }
    let progress = Progress::bar(problems.len(), name);
    let checker = |problem: &Problem| args.backend.checker(problem, options.resolution);
    let run = |problem| {
        let answer = runner::run(problem, &checker, options, repeat);
        progress.advance();
        answer
    };
    let answers = problems.iter().map(run).collect::<Result<_, _>>()?;
    Ok(Planned { answers, threads: 1, wall: None })
}

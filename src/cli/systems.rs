//! `flatout bench dynobench` and `flatout bench kinopax`: systems with dynamics, many seeds each.

use super::arguments::{BackendArgs, count};
use super::failure::Failure;
use super::journal::{Record, ResumeArgs, fingerprint};
use super::output::{export, make_folder, refuse_inputs, save, say, write_results};
use super::progress::ProgressLine;
use crate::bench::report::Machine;
use crate::bench::seeds::{LeftOutRun, SeedReport, SeedResult};
use crate::bench::{dynobench, kinopax, runner};
use crate::plan::PlanOptions;
use crate::problem::Problem;
use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What both suites take.
#[derive(Args)]
struct SeedArgs {
    /// Seeds to plan each problem with, from 0 on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count)]
    seeds: usize,
    /// Time limit per plan, seconds
    #[arg(long, value_name = "S", default_value_t = 5.0, allow_negative_numbers = true, value_parser = super::arguments::positive)]
    time_limit: f64,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Write one trajectory per problem and seed, DIR/INSTANCE_SEED.json
    #[arg(long, value_name = "DIR")]
    trajectories: Option<PathBuf>,
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

#[derive(Args)]
pub(super) struct DynobenchArgs {
    /// Folder that holds envs/SYSTEM/NAME.yaml and reference_durations.csv
    directory: PathBuf,
    /// Folder that holds TYPE.yaml for every type of robot
    #[arg(long, value_name = "MODELS_DIR")]
    models: PathBuf,
    #[command(flatten)]
    seeds: SeedArgs,
}

#[derive(Args)]
pub(super) struct KinopaxArgs {
    /// Boxes, one a line: least x, y, z, greatest x, y, z
    file: PathBuf,
    /// System: point, airplane or quadrotor
    #[arg(long)]
    system: kinopax::System,
    #[command(flatten)]
    seeds: SeedArgs,
}

/// A problem by name, or why there is none, and a duration to compare with.
struct SystemEntry {
    instance: String,
    problem: Result<Problem, String>,
    reference: Option<f64>,
}

pub(super) fn dynobench(args: &DynobenchArgs) -> Result<(), Failure> {
    let mut entries = Vec::new();
    for instance in dynobench::load(&args.directory, &args.models)? {
        let name = format!("{}/{}", instance.system, instance.name);
        entries.push(SystemEntry {
            problem: instance.problem()?,
            instance: name,
            reference: instance.reference,
        });
    }
    run("dynobench", None, &entries, &dynobench::options(), &args.seeds)
}

pub(super) fn kinopax(args: &KinopaxArgs) -> Result<(), Failure> {
    let name = args.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let problem = Ok(args.system.problem(kinopax::load(&args.file)?)?);
    let size = args.system.size();
    let options =
        PlanOptions { resolution: Some(0.02 * size), range: Some(0.5 * size), ..PlanOptions::default() };
    run(
        "kinopax",
        Some(args.system.name()),
        &[SystemEntry { instance: name, problem, reference: None }],
        &options,
        &args.seeds,
    )
}

fn run(
    suite: &str,
    system: Option<&str>,
    entries: &[SystemEntry],
    options: &PlanOptions,
    args: &SeedArgs,
) -> Result<(), Failure> {
    refuse_inputs(args.json.as_deref())?;
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    if let Some(dir) = &args.trajectories {
        make_folder(dir)?;
    }
    let checker = |problem: &Problem| args.backend.checker(problem, options.resolution);
    let progress = ProgressLine::bar(entries.len() * args.seeds, suite);
    let (mut results, mut left_out, mut backend) = (Vec::new(), Vec::new(), String::new());
    for SystemEntry { instance, problem, reference } in entries {
        let problem = match problem {
            Ok(problem) => problem,
            Err(reason) => {
                left_out.push(LeftOutRun { instance: instance.clone(), reason: reason.clone() });
                continue;
            }
        };
        backend = checker(problem)?.name();
        for seed in 0..args.seeds as u64 {
            let time_limit = Some(Duration::from_secs_f64(args.time_limit));
            let options = PlanOptions { seed, time_limit, ..options.clone() };
            let query = fingerprint(problem, &options, &args.backend);
            let query = format!("{query} {:?}", args.trajectories);
            let run = || {
                let (result, solution) = runner::run(problem, &checker, &options, 1, 1)?;
                if let (Some(dir), Some(solution)) = (&args.trajectories, &solution) {
                    let file = trajectory_file(dir, instance, seed);
                    record.keep_on(save(&export(problem, solution, seed), &file));
                }
                Ok(SeedResult {
                    instance: instance.clone(),
                    seed,
                    status: result.status,
                    total_us: result.total_us,
                    duration_s: result.duration_s,
                    reference_s: *reference,
                })
            };
            results.push(record.once(&format!("{instance} {seed}"), &query, run)?);
            progress.advance();
        }
    }
    drop(progress);
    let report = SeedReport {
        suite: suite.to_owned(),
        system: system.map(str::to_owned),
        backend,
        machine: Machine::this(),
        results,
        left_out,
    };
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    record.close()
}

fn trajectory_file(dir: &Path, instance: &str, seed: u64) -> PathBuf {
    dir.join(format!("{}_{seed}.json", instance.replace('/', "_")))
}

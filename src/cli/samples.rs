//! `flatout bench samples` and `flatout bench scenes`: many problems, many seeds, and their tails.

use super::arguments::{BackendArgs, count};
use super::failure::Failure;
use super::journal::{Record, ResumeArgs, fingerprint};
use super::output::{refuse_inputs, say, write_results};
use super::progress::ProgressLine;
use super::telling::load_scene;
use crate::bench::report::Machine;
use crate::bench::runner;
use crate::bench::samples::{SampleReport, SampleResult};
use crate::bench::search_families::SearchFamily;
use crate::plan::{Algorithm, PlanOptions, Quality};
use crate::problem::Problem;
use crate::scene::{DefaultLimits, Scene};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What both take.
#[derive(Args)]
struct SampleArgs {
    /// Seeds to plan each problem with, from 0 on
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = count)]
    seeds: usize,
    /// Time limit per plan, seconds
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = super::arguments::positive)]
    time_limit: f64,
    /// How much work is done for each answer: fast, balanced or best
    #[arg(long)]
    quality: Option<Quality>,
    /// Search: aorrtc, rrt-connect, rrt-star or wide
    #[arg(long)]
    planner: Option<Algorithm>,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

#[derive(Args)]
pub(super) struct SamplesArgs {
    /// Family: maze2d, maze3d or arm; all of them where none is named
    #[arg(long)]
    kind: Vec<SearchFamily>,
    /// Problems of each family
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count)]
    count: usize,
    /// Factor of all lengths
    #[arg(long, value_name = "X", default_value_t = 1.0, allow_negative_numbers = true, value_parser = super::arguments::positive)]
    scale: f64,
    #[command(flatten)]
    samples: SampleArgs,
}

#[derive(Args)]
pub(super) struct ScenesArgs {
    /// Scene files
    #[arg(required = true)]
    scenes: Vec<PathBuf>,
    #[command(flatten)]
    samples: SampleArgs,
}

/// One of many problems, and how it is planned.
struct SampleEntry {
    set: String,
    index: u64,
    problem: Problem,
    options: PlanOptions,
}

pub(super) fn samples(args: &SamplesArgs) -> Result<(), Failure> {
    let kinds = if args.kind.is_empty() { &SearchFamily::ALL[..] } else { &args.kind[..] };
    let mut entries = Vec::new();
    for &kind in kinds {
        for index in 0..args.count as u64 {
            let problem = kind.problem(index, args.scale)?;
            entries.push(SampleEntry {
                set: kind.name().to_owned(),
                index,
                problem,
                options: PlanOptions::default(),
            });
        }
    }
    run(&entries, &args.samples)
}

pub(super) fn scenes(args: &ScenesArgs) -> Result<(), Failure> {
    let load = |path: &PathBuf| {
        let Scene { problem, options, .. } = load_scene(path, DefaultLimits::default())?;
        Ok(SampleEntry { set: path.display().to_string(), index: 0, problem, options })
    };
    run(&args.scenes.iter().map(load).collect::<Result<Vec<_>, Failure>>()?, &args.samples)
}

fn run(entries: &[SampleEntry], args: &SampleArgs) -> Result<(), Failure> {
    refuse_inputs(args.json.as_deref())?;
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    let progress = ProgressLine::bar(entries.len() * args.seeds, "plans");
    let (mut results, mut backend) = (Vec::new(), String::new());
    for SampleEntry { set, index, problem, options } in entries {
        let checker = |problem: &Problem| args.backend.checker(problem, options.resolution);
        backend = checker(problem)?.name();
        for seed in 0..args.seeds as u64 {
            let time_limit = Some(Duration::from_secs_f64(args.time_limit));
            let algorithm = args.planner.or(options.algorithm);
            let mut options = PlanOptions { seed, time_limit, algorithm, ..options.clone() };
            if let Some(quality) = args.quality {
                quality.apply(&mut options);
            }
            let query = fingerprint(problem, &options, &args.backend);
            let run = || Ok(runner::run(problem, &checker, &options, 1, 1)?.0);
            let mut result = record.once(&format!("{set} {index} {seed}"), &query, run)?;
            progress.advance();
            (result.set, result.index) = (set.clone(), *index);
            results.push(SampleResult { seed, result });
        }
    }
    drop(progress);
    let report = SampleReport { backend, machine: Machine::this(), results };
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    record.close()
}

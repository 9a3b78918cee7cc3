//! `flatout bench converge`: how answers get better with time.

use super::arguments::{BackendArgs, count, positive};
use super::failure::Failure;
use super::output::{refuse_inputs, say, write_file, write_results};
use super::progress::ProgressLine;
use super::suite::SuiteArgs;
use super::telling::load_scene;
use crate::bench::converge::{ConvergeReport, converge};
use crate::bench::report::Machine;
use crate::bench::search_families::SearchFamily;
use crate::error::InputError;
use crate::plan::{Algorithm, Cost, PlanOptions};
use crate::problem::Problem;
use crate::scene::{DefaultLimits, Scene};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(super) struct ConvergeArgs {
    /// Scene files; or, in their place or beside them, --mbm or --kind
    #[arg(required_unless_present_any = ["mbm", "kind"])]
    scenes: Vec<PathBuf>,
    /// MotionBenchMaker problems (mbm-json/1)
    #[arg(long, value_name = "FILE", requires = "urdf")]
    mbm: Option<PathBuf>,
    /// Their robot's description
    #[arg(long, requires = "mbm")]
    urdf: Option<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
    /// Random problems of a family: maze2d, maze3d or arm; may be given again
    #[arg(long)]
    kind: Vec<SearchFamily>,
    /// Problems of each family
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count)]
    count: usize,
    /// Every so many of the suite's problems only
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count)]
    every: usize,
    /// Search, as of `flatout plan`; may be given again. Where none is: the scene's
    #[arg(long)]
    planner: Vec<Algorithm>,
    /// What answers are judged by, as of `flatout plan`
    #[arg(long)]
    cost: Option<Cost>,
    /// How long each looks for better answers, seconds
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = positive)]
    time: f64,
    /// Seeds, from 0 on
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count)]
    seeds: usize,
    /// Write every answer as CSV: problem, planner, seed, seconds, cost
    #[arg(long, value_name = "OUT")]
    csv: Option<PathBuf>,
    /// Write cost against time as SVG
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    backend: BackendArgs,
}

/// A problem, its name, and how it is planned.
type Entry = (String, Problem, PlanOptions);

pub(super) fn run(args: &ConvergeArgs) -> Result<(), Failure> {
    refuse_inputs([&args.json, &args.csv, &args.svg].into_iter().filter_map(Option::as_deref))?;
    let entries = entries(args)?;
    let planners: Vec<Option<Algorithm>> = match &args.planner[..] {
        [] => vec![None],
        some => some.iter().copied().map(Some).collect(),
    };
    let progress = ProgressLine::bar(entries.len() * planners.len() * args.seeds, "runs");
    let (mut runs, mut backend) = (Vec::new(), String::new());
    for seed in 0..args.seeds as u64 {
        for (name, problem, options) in &entries {
            let checker = |problem: &Problem| args.backend.checker(problem, options.resolution);
            backend = checker(problem)?.name();
            for &planner in &planners {
                let algorithm = planner.or(options.algorithm);
                let label = algorithm.map_or("default", Algorithm::name);
                let cost = args.cost.clone().unwrap_or_else(|| options.cost.clone());
                let options = PlanOptions { seed, algorithm, cost, time_limit: None, ..options.clone() };
                let time = Duration::from_secs_f64(args.time);
                runs.push(converge((name, label), problem, &checker, &options, time)?);
                progress.advance();
            }
        }
    }
    drop(progress);
    let of_first = || entries.first().map_or_else(Cost::duration, |(.., options)| options.cost.clone());
    let cost = args.cost.clone().unwrap_or_else(of_first).to_string();
    let report = ConvergeReport { cost, time_s: args.time, backend, machine: Machine::this(), runs };
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    args.csv.as_deref().map_or(Ok(()), |file| write_file(file, &report.csv()))?;
    args.svg.as_deref().map_or(Ok(()), |file| write_file(file, &report.svg()))
}

/// All problems, of scenes and of the suite; what cannot be planned at all is refused.
fn entries(args: &ConvergeArgs) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for path in &args.scenes {
        let Scene { problem, options, .. } = load_scene(path, DefaultLimits::default())?;
        entries.push((path.display().to_string(), problem, options));
    }
    for &kind in &args.kind {
        for index in 0..args.count as u64 {
            let problem = kind.problem(index, 1.0)?;
            entries.push((format!("{} {index}", kind.name()), problem, PlanOptions::default()));
        }
    }
    if let (Some(file), Some(urdf)) = (&args.mbm, &args.urdf) {
        let (suite, problems) = args.suite.load(file, urdf)?;
        let named = suite.problems.iter().map(|named| format!("{} {}", named.set, named.index));
        let chosen = named.zip(problems).step_by(args.every);
        entries.extend(chosen.map(|(name, problem)| (name, problem, PlanOptions::default())));
    }
    if let Some((name, problem, _)) = entries.iter().find(|(_, problem, _)| problem.validate().is_err()) {
        let why = problem.validate().err().map_or(String::new(), |e| e.to_string());
        return Err(InputError::new(format!("{name}: {why}")).into());
    }
    Ok(entries)
}

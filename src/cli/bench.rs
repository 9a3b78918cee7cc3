//! `flatout bench`: whole suites, their tables and their JSON.

use super::arguments::{BackendArgs, count, count_up_to, positive};
use super::failure::Failure;
use super::journal::{Record, ResumeArgs, fingerprint};
use super::output::{export, make_folder, refuse_inputs, save, say, write_results};
use super::planning::PlanningArgs;
use super::progress::ProgressLine;
use super::suite::SuiteArgs;
use super::{compare, converge, edges, families, rrt_star, samples, systems};
use crate::bench::deadline::{self, Clock, DeadlineFamily, DeadlineReport};
use crate::bench::mbm::MbmSuite;
use crate::bench::replan::{self, ReplanReport};
use crate::bench::report::{BenchReport, Machine, QualityCurve};
use crate::bench::runner::{self, ProblemResult, RunAnswer};
use crate::error::InputError;
use crate::plan::{MAX_BATCH, PlanOptions, Quality, Task};
use crate::problem::Problem;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Times to improve in that stand on the curve, beside the qualities.
const TIMES: [f64; 5] = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1];

/// Time limit of a replan: the robot does not wait.
const REPLAN_LIMIT: Duration = Duration::from_millis(100);

#[derive(Subcommand)]
pub(super) enum BenchCommand {
    /// MotionBenchMaker problems (mbm-json/1)
    Mbm(MbmArgs),
    /// dynobench's instances, against the durations of iDb-A*
    Dynobench(systems::DynobenchArgs),
    /// Kino-PAX's problems
    Kinopax(systems::KinopaxArgs),
    /// How long it takes to plan anew on the way: other goals, and obstacles that appear
    Replan(ReplanBenchArgs),
    /// How much longer than a deadline hard queries of random families work
    Deadline(DeadlineArgs),
    /// Random problems of vehicles that are solvable by construction: solved shares, times, durations by quality
    Families(families::FamiliesArgs),
    /// Random mazes and crowded arms, many seeds each: times and samples with their tails
    Samples(samples::SamplesArgs),
    /// The same of scenes
    Scenes(samples::ScenesArgs),
    /// Kinodynamic RRT*: cost against states of the tree, for the robots of its paper
    RrtStar(rrt_star::RrtStarArgs),
    /// How answers get better with time: cost against time, of several searches, over problems and seeds
    Converge(converge::ConvergeArgs),
    /// Edges and states a second, by backend, size of batch and number of obstacles
    Edges(edges::EdgesArgs),
    /// What a device is worth beside the processors: states, edges, nearest, batches of problems, hard queries
    #[cfg(feature = "gpu")]
    Gpu(super::gpu::GpuArgs),
    /// Hold a report of any of these against an older one
    Compare(compare::CompareArgs),
}

#[derive(Args)]
pub(super) struct MbmArgs {
    /// Problems
    file: PathBuf,
    /// Robot description
    #[arg(long)]
    urdf: PathBuf,
    #[command(flatten)]
    suite: SuiteArgs,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    planning: PlanningArgs,
    /// Write one trajectory per solved problem, DIR/SET_INDEX.json
    #[arg(long, value_name = "DIR", conflicts_with = "curve")]
    trajectories: Option<PathBuf>,
    /// Plan every problem so often and keep the run of median time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = repeats)]
    repeat: usize,
    /// Edges that the search has checked at once; 0 leaves it to the backend
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = edge_batch)]
    edge_batch: usize,
    /// Plan all problems at once, and tell how many a second; with --repeat, the batch of median time
    #[arg(long, conflicts_with = "curve")]
    batch: bool,
    #[command(flatten)]
    resume: ResumeArgs,
    /// Plan with every quality, then in fixed times, and show total time against duration
    #[arg(long, conflicts_with_all = ["quality", "improve"])]
    curve: bool,
}

#[derive(Args)]
pub(super) struct ReplanBenchArgs {
    /// Problems; or, in its place, --kind or --vehicle
    #[arg(required_unless_present_any = ["kind", "vehicle"], requires = "urdf")]
    file: Option<PathBuf>,
    /// Robot description
    #[arg(long)]
    urdf: Option<PathBuf>,
    #[command(flatten)]
    suite: SuiteArgs,
    #[command(flatten)]
    families: families::FamilyChoice,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    planning: PlanningArgs,
    /// Replans
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = count)]
    count: usize,
}

#[derive(Args)]
pub(super) struct DeadlineArgs {
    /// Queries, of all families in turn
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = count)]
    count: usize,
    /// Time for each query, seconds
    #[arg(long, value_name = "S", default_value_t = 5e-3, allow_negative_numbers = true, value_parser = positive)]
    limit: f64,
    /// What the deadline is held against: processor, the time that the thread has worked, or wall
    #[arg(long, default_value = "processor")]
    clock: Clock,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// Parses how often a problem is planned; every run's answer is held until the last.
fn repeats(text: &str) -> Result<usize, String> {
    count_up_to(text, 10_000)
}

fn edge_batch(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n <= MAX_BATCH => Ok(n),
        _ => Err(format!("expected a whole number from 0 to {MAX_BATCH}")),
    }
}

pub(super) fn run(command: &BenchCommand) -> Result<(), Failure> {
    match command {
        BenchCommand::Mbm(args) if args.curve => curve(args),
        BenchCommand::Mbm(args) => mbm(args),
        BenchCommand::Dynobench(args) => systems::dynobench(args),
        BenchCommand::Kinopax(args) => systems::kinopax(args),
        BenchCommand::Replan(args) => replan(args),
        BenchCommand::Deadline(args) => deadline(args),
        BenchCommand::Families(args) => families::run(args),
        BenchCommand::Samples(args) => samples::samples(args),
        BenchCommand::Scenes(args) => samples::scenes(args),
        BenchCommand::RrtStar(args) => rrt_star::run(args),
        BenchCommand::Converge(args) => converge::run(args),
        BenchCommand::Edges(args) => edges::run(args),
        #[cfg(feature = "gpu")]
        BenchCommand::Gpu(args) => super::gpu::run(args),
        BenchCommand::Compare(args) => compare::run(args),
    }
}

fn deadline(args: &DeadlineArgs) -> Result<(), Failure> {
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    let progress = ProgressLine::bar(args.count, "planning");
    let limit = Duration::from_secs_f64(args.limit);
    let options = PlanOptions::default();
    let checker = |problem: &Problem| args.backend.checker(problem, options.resolution);
    let families = DeadlineFamily::ALL.len();
    let mut report = DeadlineReport {
        limit_us: args.limit * 1e6,
        clock: args.clock,
        machine: Machine::this(),
        events: Vec::new(),
    };
    for number in 0..args.count {
        let (family, seed) = (DeadlineFamily::ALL[number % families], (number / families) as u64);
        let query = fingerprint(&family.problem(seed)?, &options, &args.backend);
        let query = format!("{query} {limit:?} {:?}", args.clock);
        let measure = || {
            let event = deadline::measure(family, seed, &checker, &options, limit, args.clock);
            event.map_err(|e| Failure::Broken(e.to_string()))
        };
        report.events.push(record.once(&format!("{family:?} {seed}"), &query, measure)?);
        progress.advance();
    }
    drop(progress);
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    record.close()
}

impl MbmArgs {
    fn options(&self) -> PlanOptions {
        let mut options = PlanOptions { batch: self.edge_batch, ..PlanOptions::default() };
        self.planning.apply(&mut options);
        options
    }
}

fn mbm(args: &MbmArgs) -> Result<(), Failure> {
    let (suite, problems) = args.suite.load(&args.file, &args.urdf)?;
    refuse_inputs(args.json.as_deref())?;
    if let Some(dir) = &args.trajectories {
        make_folder(dir)?;
    }
    if args.batch && args.resume.resume {
        let message =
            "--resume: a batch is timed as a whole and cannot be taken up again; expected no --batch";
        return Err(InputError::new(message).into());
    }
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    let report = measure(args, &suite, &problems, &args.options(), &record)?;
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    record.close()
}

/// Plans all problems with these options.
fn measure(
    args: &MbmArgs,
    suite: &MbmSuite,
    problems: &[Problem],
    options: &PlanOptions,
    record: &Record,
) -> Result<BenchReport, Failure> {
    let PlannedRun { mut results, threads, wall } = plan_all(args, suite, problems, options, record)?;
    for (named, result) in suite.problems.iter().zip(&mut results) {
        result.set.clone_from(&named.set);
        result.index = named.index;
    }
    let any = problems.iter().find(|problem| problem.validate().is_ok());
    let checker = any.map(|p| args.planning.backend.checker(p, options.resolution));
    Ok(BenchReport {
        suite: "mbm".to_owned(),
        robot: suite.robot.clone(),
        backend: checker.transpose()?.map(|checker| checker.name()).unwrap_or_default(),
        threads,
        seed: options.seed,
        machine: Machine::this(),
        wall_s: wall.map(|wall| wall.as_secs_f64()),
        results,
    })
}

/// The suite with every quality, and with fixed times to improve in.
fn curve(args: &MbmArgs) -> Result<(), Failure> {
    let (suite, problems) = args.suite.load(&args.file, &args.urdf)?;
    refuse_inputs(args.json.as_deref())?;
    let qualities = Quality::ALL.map(|quality| {
        let mut options = args.options();
        quality.apply(&mut options);
        (quality.to_string(), options)
    });
    let times = TIMES.map(|time| {
        let improve = Some(Duration::from_secs_f64(time));
        (format!("{:.0} ms", time * 1e3), PlanOptions { improve, ..args.options() })
    });
    let mut curve = QualityCurve::default();
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    for (name, options) in qualities.into_iter().chain(times) {
        let report = measure(args, &suite, &problems, &options, &record)?;
        curve.points.push((name, report));
    }
    say(&curve.to_string())?;
    write_results(args.json.as_deref(), &curve)?;
    record.close()
}

/// Whose problems are replanned: of a robot's suite, or of families of vehicles; their sets and the problems.
fn replanned(args: &ReplanBenchArgs) -> Result<(String, Vec<(String, Problem)>), InputError> {
    match (&args.file, &args.urdf) {
        (Some(_), _) | (_, Some(_)) if args.families.is_made() => {
            Err(InputError::new("--kind and --vehicle are of families; expected no FILE and no --urdf"))
        }
        (Some(file), Some(urdf)) => {
            let (MbmSuite { robot, problems: named, .. }, problems) = args.suite.load(file, urdf)?;
            Ok((robot, named.into_iter().map(|named| named.set).zip(problems).collect()))
        }
        _ => {
            let mut problems = Vec::new();
            for (kind, vehicle) in args.families.pairs()? {
                let set = format!("{} {}", kind.name(), vehicle.name());
                for seed in 0..args.families.seeds as u64 {
                    problems.push((set.clone(), kind.instance(vehicle, seed)?.scene.problem));
                }
            }
            Ok(("families".to_owned(), problems))
        }
    }
}

fn replan(args: &ReplanBenchArgs) -> Result<(), Failure> {
    let (robot, named) = replanned(args)?;
    refuse_inputs(args.json.as_deref())?;
    let (sets, problems): (Vec<String>, Vec<Problem>) = named.into_iter().unzip();
    let mut options = PlanOptions { time_limit: Some(REPLAN_LIMIT), ..PlanOptions::default() };
    args.planning.apply(&mut options);
    let progress = ProgressLine::bar(args.count, &robot);
    let checker = |problem: &Problem| args.planning.backend.checker(problem, options.resolution);
    let threads = args.planning.threads();
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let events =
        replan::run(&problems, &sets, &checker, &options, threads, args.count, || progress.advance())?;
    drop(progress);
    let backend = problems.first().map(checker).transpose()?;
    let report = ReplanReport {
        robot,
        backend: backend.map(|checker| checker.name()).unwrap_or_default(),
        threads,
        seed: options.seed,
        machine: Machine::this(),
        events,
    };
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)
}

/// What came of all problems.
struct PlannedRun {
    results: Vec<ProblemResult>,
    threads: usize,
    /// Of the whole, where they were planned at once.
    wall: Option<Duration>,
}

/// Plans the problems one by one, or all at once; writes each answer as it comes.
fn plan_all(
    args: &MbmArgs,
    suite: &MbmSuite,
    problems: &[Problem],
    options: &PlanOptions,
    record: &Record,
) -> Result<PlannedRun, Failure> {
    let repeat = args.repeat;
    let written = |i: usize, (result, solution): RunAnswer| {
        if let (Some(dir), Some(solution)) = (&args.trajectories, &solution) {
            let named = &suite.problems[i];
            let path = dir.join(format!("{}_{}.json", named.set, named.index));
            record.keep_on(save(&export(&problems[i], solution, options.seed), &path));
        }
        result
    };
    if args.batch {
        let progress = ProgressLine::bar(problems.len() * repeat, &suite.robot);
        let mut threads = 1;
        let mut run = || {
            let started = Instant::now();
            let spread = args.planning.spread(problems.iter().map(|p| (p, options.resolution)))?;
            threads = spread.1;
            let tasks: Vec<_> = problems.iter().map(|problem| Task { problem, options }).collect();
            if let Some(mut explorer) = args.planning.explorer(&spread.0, &tasks)? {
                threads = args.planning.refining();
                let checker = |i, is_searched| spread.0.beside(i, is_searched);
                let advance = || progress.advance();
                return runner::run_batch_wide(
                    started,
                    problems,
                    &mut *explorer,
                    checker,
                    options,
                    threads,
                    advance,
                );
            }
            let checker = |i| spread.0.checker(i);
            let device = |tasks: &[Task<'_>]| args.planning.worth_trying(tasks);
            runner::run_batch(started, problems, device, checker, options, threads, || progress.advance())
        };
        let mut runs = (0..repeat).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
        runs.sort_by_key(|&(_, wall)| wall);
        let (answers, wall) = runs.swap_remove(repeat / 2);
        let results = answers.into_iter().enumerate().map(|(i, answer)| written(i, answer)).collect();
        return Ok(PlannedRun { results, threads, wall: Some(wall) });
    }
    let progress = ProgressLine::bar(problems.len(), &suite.robot);
    let checker = |problem: &Problem| args.planning.backend.checker(problem, options.resolution);
    let threads = args.planning.threads();
    let run = |(i, problem): (usize, &Problem)| {
        let named = &suite.problems[i];
        let query = fingerprint(problem, options, &args.planning.backend);
        let query = format!("{query} {repeat} {threads} {:?}", args.trajectories);
        let name = format!("{} {}", named.set, named.index);
        let result = record.once(&name, &query, || {
            Ok(written(i, runner::run(problem, &checker, options, threads, repeat)?))
        });
        progress.advance();
        result
    };
    let results = problems.iter().enumerate().map(run).collect::<Result<_, _>>()?;
    Ok(PlannedRun { results, threads, wall: None })
}

//! What a device is worth beside all processors of its machine: states, edges, nearest neighbours, batches of problems,
//! and hard single queries. Random arms and mazes of [`SearchFamily`], so that nothing is needed but the machine.

use super::edges::{Measurement, Workload, standard_problem};
use super::report::{Distribution, Machine};
use super::search_families::SearchFamily;
use crate::check::gpu::{Gpu, GpuPool};
use crate::check::{AdapterChoice, Backend, CheckError};
use crate::error::InputError;
use crate::plan::{Algorithm, PlanOptions, Task, plan, plan_batch, plan_batch_wide};
use crate::problem::Problem;
use crate::search::Tree;
use crate::wide::{DeviceExplorer, WideTraffic, nearest_rate};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// What is measured.
struct GpuBenchSettings {
    /// Edges and states of a batch.
    edges: [usize; 3],
    /// Obstacles around the Panda that checks them, and the spacing of samples, metres.
    obstacles: usize,
    spacing: f64,
    /// Nodes of the tree that is searched for the nearest, and outputs of each.
    nodes: usize,
    outputs: usize,
    /// Problems of a batch; of more than so many that differ, others are the same with other seeds.
    batches: [usize; 6],
    distinct: usize,
    /// The budget of a hard query.
    hard_limit: Duration,
}

impl GpuBenchSettings {
    const DEFAULT: Self = Self {
        edges: [100, 4096, 100_000],
        obstacles: 20,
        spacing: 0.05,
        nodes: 10_000,
        outputs: 7,
        batches: [1, 10, 100, 350, 1000, 10_000],
        distinct: 350,
        hard_limit: Duration::from_secs(10),
    };
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct GpuBench {
    /// Time for each figure, about; what is expected to take ten times as long is left out.
    pub budget: Duration,
    /// Problems of the largest batch.
    pub most: usize,
    /// Hard queries of each family.
    pub hard: usize,
}

/// Why it ends early.
#[derive(Debug, thiserror::Error)]
pub enum GpuBenchError {
    /// A device, or checker, fails.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A robot of flatout's own cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Everything that is measured.
#[derive(Clone, Debug, Serialize)]
pub struct GpuReport {
    /// Adapter.
    pub adapter: String,
    /// The machine around it.
    pub machine: Machine,
    /// Edges and states a second, of device and lanes.
    pub edges: Vec<Measurement>,
    /// Nearest neighbours a second in a tree of so many nodes.
    pub nearest: Vec<NearestRate>,
    /// Batches of problems, searched on the device and by all processors.
    pub batches: Vec<BatchRate>,
    /// Hard queries, one at a time.
    pub hard: Vec<HardQueries>,
    /// What was left out, as it would have taken longer than it may.
    pub left_out: Vec<String>,
}

/// Nearest neighbours a second.
#[derive(Clone, Debug, Serialize)]
pub struct NearestRate {
    /// Device, or lanes on one thread.
    pub by: String,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Queries a second.
    pub per_s: f64,
}

/// How a batch of problems went.
#[derive(Clone, Debug, Serialize)]
pub struct BatchRate {
    /// Device and processors, or processors alone.
    pub by: String,
    /// Problems.
    pub problems: usize,
    /// Of which so many were solved, certified.
    pub solved: usize,
    /// Wall time of all, milliseconds.
    pub wall_ms: f64,
    /// Problems a second.
    pub per_s: f64,
    /// Submissions to the device, rounds in them, and bytes that came back.
    pub traffic: Option<(u64, u64, u64)>,
}

/// How hard queries went, one at a time.
#[derive(Clone, Debug, Serialize)]
pub struct HardQueries {
    /// Family.
    pub family: String,
    /// Device and one thread, or lanes of one thread.
    pub by: String,
    /// Queries, and how many were solved.
    pub queries: usize,
    /// Solved ones.
    pub solved: usize,
    /// Wall time of each, milliseconds; what was not solved counts as the limit.
    pub times_ms: Distribution,
}

/// Measures a device beside this machine's processors.
///
/// # Errors
/// When the device fails.
pub fn measure(
    adapter: &AdapterChoice,
    asked: GpuBench,
    tell: &mut dyn FnMut(&str),
) -> Result<GpuReport, GpuBenchError> {
    let budget = asked.budget;
    let gpu = Gpu::shared(adapter)?;
    let mut report = GpuReport {
        adapter: gpu.name().to_owned(),
        machine: Machine::this(),
        edges: Vec::new(),
        nearest: Vec::new(),
        batches: Vec::new(),
        hard: Vec::new(),
        left_out: Vec::new(),
    };
    tell("edges and states");
    edges(&gpu, budget, &mut report)?;
    tell("nearest neighbours");
    nearest(&gpu, budget, &mut report)?;
    batches(&gpu, asked, &mut report, tell)?;
    hard(adapter, asked, &mut report, tell)?;
    Ok(report)
}

fn edges(gpu: &Gpu, budget: Duration, report: &mut GpuReport) -> Result<(), GpuBenchError> {
    let GpuBenchSettings { edges, obstacles, spacing, .. } = GpuBenchSettings::DEFAULT;
    let workload = Workload::new(&standard_problem(obstacles)?, spacing, edges[edges.len() - 1], 0);
    for mut subject in [workload.on_device(gpu)?, workload.best_lanes(), workload.all_threads()] {
        let mut slowest = 0.0;
        for batch in edges {
            if slowest * batch as f64 > 10.0 * budget.as_secs_f64() {
                report.left_out.push(format!("batches of {batch} edges by {}", subject.name()));
                continue;
            }
            if let Some(measured) = workload.measure(&mut subject, batch, budget)? {
                slowest = 1.0 / measured.edges_per_s.min(measured.states_per_s);
                report.edges.push(measured);
            }
        }
    }
    Ok(())
}

fn nearest(gpu: &Gpu, budget: Duration, report: &mut GpuReport) -> Result<(), GpuBenchError> {
    let GpuBenchSettings { nodes, outputs, .. } = GpuBenchSettings::DEFAULT;
    // Points that fill a cube, the same for both.
    let place = |node: usize| -> Vec<f64> {
        (0..outputs).map(|j| (node as f64 * (j as f64 + 2.5).sqrt()).fract()).collect()
    };
    let points: Vec<Vec<f64>> = (0..nodes).map(place).collect();
    let pool = GpuPool::new(gpu, [(&standard_problem(0)?, 0.05)])?;
    let per_s = nearest_rate(&pool, &points, budget)?;
    report.nearest.push(NearestRate { by: format!("gpu/{}", gpu.name()), nodes, per_s });
    let mut tree = Tree::new(&vec![1.0; outputs]);
    for point in &points {
        tree.add(point, &vec![0.0; outputs], None);
    }
    let (begun, mut asked) = (Instant::now(), 0);
    while begun.elapsed() < budget {
        std::hint::black_box(tree.nearest(&place(nodes + asked)));
        asked += 1;
    }
    let per_s = asked as f64 / begun.elapsed().as_secs_f64();
    report.nearest.push(NearestRate { by: "lanes, 1 thread".to_owned(), nodes, per_s });
    Ok(())
}

fn batches(
    gpu: &Gpu,
    GpuBench { budget, most, .. }: GpuBench,
    report: &mut GpuReport,
    tell: &mut dyn FnMut(&str),
) -> Result<(), GpuBenchError> {
    let GpuBenchSettings { batches, distinct, .. } = GpuBenchSettings::DEFAULT;
    let batches: Vec<usize> = batches.into_iter().filter(|&count| count <= most).collect();
    let distinct = distinct.min(most);
    let all: Vec<Problem> =
        (0..distinct as u64).map(|i| SearchFamily::Arm.problem(i, 1.0)).collect::<Result<_, _>>()?;
    let seeds = batches.iter().max().map_or(1, |most| most.div_ceil(distinct)) as u64;
    let options: Vec<_> = (0..seeds).map(|seed| PlanOptions { seed, ..PlanOptions::default() }).collect();
    let mut slowest = [0.0; 2];
    for count in batches {
        let task = |i: usize| Task { problem: &all[i % distinct], options: &options[i / distinct] };
        let tasks: Vec<Task<'_>> = (0..count).map(task).collect();
        for (way, slowest) in slowest.iter_mut().enumerate() {
            let by = if way == 0 { format!("gpu/{}", gpu.name()) } else { "processors".to_owned() };
            if *slowest * count as f64 > 10.0 * budget.as_secs_f64() {
                report.left_out.push(format!("batches of {count} problems by {by}"));
                continue;
            }
            tell(&format!("{count} problems by {by}"));
            let planned = if way == 0 { searched(gpu, &tasks)? } else { spread(&tasks) };
            *slowest = planned.wall_ms * 1e-3 / count as f64;
            report.batches.push(BatchRate { by, ..planned });
        }
    }
    Ok(())
}

/// Plans a batch on a device, and all processors beside it.
fn searched(gpu: &Gpu, tasks: &[Task<'_>]) -> Result<BatchRate, CheckError> {
    let begun = Instant::now();
    let spacings = tasks.iter().map(|Task { problem, options }| (*problem, options.spacing(problem)));
    let pool = GpuPool::new(gpu, spacings)?;
    let mut explorer = DeviceExplorer::new(&pool)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = |i: usize, _| Backend::Simd.checker(tasks[i].problem, None);
    let (answers, failure) = plan_batch_wide(tasks, &mut explorer, checker, threads, |_, _| {});
    let wall = begun.elapsed();
    failure.map_or(Ok(()), Err)?;
    let WideTraffic { submissions, rounds, down, .. } = explorer.traffic();
    let solved = answers.iter().filter(|answer| answer.is_ok()).count();
    Ok(BatchRate { traffic: Some((submissions, rounds, down)), ..rate(tasks.len(), solved, wall) })
}

/// Plans a batch on all processors.
fn spread(tasks: &[Task<'_>]) -> BatchRate {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    let answers = plan_batch(tasks, |i| Backend::Simd.checker(tasks[i].problem, None), threads, |_, _| {});
    let solved = answers.iter().filter(|answer| answer.is_ok()).count();
    rate(tasks.len(), solved, begun.elapsed())
}

fn rate(problems: usize, solved: usize, wall: Duration) -> BatchRate {
    let seconds = wall.as_secs_f64();
    let (wall_ms, per_s) = (seconds * 1e3, problems as f64 / seconds);
    BatchRate { by: String::new(), problems, solved, wall_ms, per_s, traffic: None }
}

fn hard(
    adapter: &AdapterChoice,
    GpuBench { budget, hard, .. }: GpuBench,
    report: &mut GpuReport,
    tell: &mut dyn FnMut(&str),
) -> Result<(), GpuBenchError> {
    let hard_limit = GpuBenchSettings::DEFAULT.hard_limit;
    for family in [SearchFamily::Arm, SearchFamily::Maze3d] {
        let problems: Vec<Problem> =
            (0..hard as u64).map(|i| family.problem(i, 1.0)).collect::<Result<_, _>>()?;
        for on_device in [true, false] {
            let by = if on_device { format!("gpu/{}", report.adapter) } else { "lanes, 1 thread".to_owned() };
            let algorithm = on_device.then_some(Algorithm::Wide);
            let options = PlanOptions { algorithm, time_limit: Some(hard_limit), ..PlanOptions::default() };
            tell(&format!("hard queries of {} by {by}", family.name()));
            let backend = if on_device { Backend::Gpu } else { Backend::Simd };
            let (mut times, mut solved) = (Vec::new(), 0);
            let begun = Instant::now();
            for problem in &problems {
                if begun.elapsed() > 10 * budget {
                    report.left_out.push(format!("{} hard queries of {} by {by}", hard - times.len(), family.name()));
                    break;
                }
                let mut checker = backend.checker_on(adapter, problem, None)?;
                let started = Instant::now();
                let answer = plan(problem, &mut *checker, &options);
                solved += usize::from(answer.is_ok());
                let taken = if answer.is_ok() { started.elapsed() } else { hard_limit };
                times.push(taken.as_secs_f64() * 1e3);
            }
            let (family, queries) = (family.name().to_owned(), times.len());
            report.hard.push(HardQueries { family, by, queries, solved, times_ms: Distribution::of(times) });
        }
    }
    Ok(())
}

impl fmt::Display for GpuReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = GpuBenchSettings::DEFAULT;
        writeln!(f, "{}; {}", self.adapter, self.machine)?;
        writeln!(f, "\nPanda among {} obstacles, {} m between samples:", settings.obstacles, settings.spacing)?;
        writeln!(f, "{}", Measurement::HEADING)?;
        self.edges.iter().try_for_each(|measured| writeln!(f, "{measured}"))?;
        writeln!(f, "\n{:<40} {:>9} {:>12}", "nearest of", "nodes", "a second")?;
        for NearestRate { by, nodes, per_s } in &self.nearest {
            writeln!(f, "{by:<40} {nodes:>9} {per_s:>12.3e}")?;
        }
        writeln!(f, "\n{:<40} {:>9} {:>9} {:>11} {:>11}  submissions, rounds, bytes back", "random arms by", "problems", "solved", "wall ms", "a second")?;
        for BatchRate { by, problems, solved, wall_ms, per_s, traffic } in &self.batches {
            write!(f, "{by:<40} {problems:>9} {solved:>9} {wall_ms:>11.1} {per_s:>11.1}")?;
            match traffic {
                Some((submissions, rounds, down)) => writeln!(f, "  {submissions}, {rounds}, {down}")?,
                None => writeln!(f)?,
            }
        }
        writeln!(f, "\n{:<50} {:>9} {:>9} {:>9} {:>9} {:>9}", "one query at a time, ms", "solved", "median", "p95", "p99", "max")?;
        for HardQueries { family, by, queries, solved, times_ms } in &self.hard {
            let Distribution { median, p95, p99, max, .. } = times_ms;
            let name = format!("{family} by {by}");
            writeln!(f, "{name:<50} {solved:>5}/{queries:<3} {median:>9.2} {p95:>9.2} {p99:>9.2} {max:>9.2}")?;
        }
        self.left_out.iter().try_for_each(|what| writeln!(f, "left out, as it takes too long: {what}"))
    }
}

//! `flatout bench edges`: what each backend checks a second.

use super::arguments::{count, positive};
use super::failure::Failure;
#[cfg(feature = "gpu")]
use super::output::complain;
use super::output::{refuse_inputs, say, write_results};
use super::telling::load_scene;
use crate::bench::edges::{Measurement, Subject, Workload, among_obstacles, standard_problem};
use crate::bench::report::Machine;
#[cfg(feature = "gpu")]
use crate::check::{AdapterChoice, gpu};
use crate::problem::Problem;
use crate::scene::DefaultLimits;
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(super) struct EdgesArgs {
    /// Scenes whose robots are measured; without any, a Panda
    scenes: Vec<PathBuf>,
    /// Numbers of random obstacles, in place of the scenes' own [without scenes: 10,100,1000,10000]
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = obstacle_count)]
    obstacles: Vec<usize>,
    /// Largest batch
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = count)]
    most: usize,
    /// Time for each figure, seconds
    #[arg(long, value_name = "S", default_value_t = 0.2, allow_negative_numbers = true, value_parser = positive)]
    time: f64,
    /// Check efforts too
    #[arg(long)]
    torque: bool,
    /// Farthest that a sphere may move between two samples, metres
    #[arg(
        long,
        value_name = "M",
        allow_negative_numbers = true,
        default_value_t = SPACING,
        value_parser = positive
    )]
    resolution: f64,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
}

/// Most random obstacles: with more, a machine does nothing but miss its caches.
const MAX_OBSTACLES: usize = 1_000_000;

fn obstacle_count(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(n) if n <= MAX_OBSTACLES => Ok(n),
        _ => Err(format!("expected a whole number from 0 to {MAX_OBSTACLES}")),
    }
}

/// Figures of one robot among so many obstacles.
#[derive(Serialize)]
struct EdgesTable {
    robot: String,
    obstacles: usize,
    machine: Machine,
    measurements: Vec<Measurement>,
}

/// Figures of one day are to be compared with those of another, whatever spacing plans have come to use.
const SPACING: f64 = 0.05;

/// Numbers of obstacles that a Panda is measured among, where nothing else is asked for.
const OBSTACLES: [usize; 4] = [10, 100, 1000, 10_000];

pub(super) fn run(args: &EdgesArgs) -> Result<(), Failure> {
    let budget = Duration::from_secs_f64(args.time);
    let mut tables = Vec::new();
    let problems = problems(args)?;
    refuse_inputs(args.json.as_deref())?;
    for (robot, problem) in problems {
        let problem = Problem { torque: args.torque, ..problem };
        let workload = Workload::new(&problem, args.resolution, args.most, 0);
        let (obstacles, machine) = (problem.world.obstacles.len(), Machine::this());
        say(&format!("{robot}, {obstacles} obstacles; {machine}\n{}\n", Measurement::HEADING))?;
        let mut measurements = Vec::new();
        for subject in subjects(&workload)? {
            let swept = workload.sweep(subject, budget)?;
            for measurement in &swept {
                say(&format!("{measurement}\n"))?;
            }
            measurements.extend(swept);
        }
        tables.push(EdgesTable { robot, obstacles, machine, measurements });
    }
    write_results(args.json.as_deref(), &tables)
}

/// What is measured, by name: the scenes as they are, or the robots of them, or a Panda, among random
/// obstacles.
fn problems(args: &EdgesArgs) -> Result<Vec<(String, Problem)>, Failure> {
    let mut scenes = Vec::new();
    for file in &args.scenes {
        scenes.push((file.display().to_string(), load_scene(file, DefaultLimits::default())?.problem));
    }
    let counts = match (&args.obstacles[..], &scenes[..]) {
        ([], [_, ..]) => return Ok(scenes),
        ([], []) => &OBSTACLES,
        (counts, _) => counts,
    };
    if scenes.is_empty() {
        scenes.push(("panda".to_owned(), standard_problem(0)?));
    }
    let mut problems = Vec::new();
    for (robot, problem) in &scenes {
        problems.extend(counts.iter().map(|&n| (robot.clone(), among_obstacles(problem, n, 0))));
    }
    Ok(problems)
}

/// All that can check on this machine.
#[cfg(feature = "gpu")]
fn subjects(workload: &Workload) -> Result<Vec<Subject>, Failure> {
    let mut subjects = workload.cpu_subjects();
    for index in 0..gpu::adapters().len() {
        let device = gpu::Gpu::open(&AdapterChoice::Index(index));
        match device.and_then(|device| workload.on_device(&device)) {
            Ok(subject) => subjects.push(subject),
            Err(failure) => complain(&format!("warning: {failure}")),
        }
    }
    Ok(subjects)
}

#[cfg(not(feature = "gpu"))]
fn subjects(workload: &Workload) -> Result<Vec<Subject>, Failure> {
    Ok(workload.cpu_subjects())
}

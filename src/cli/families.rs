//! `flatout bench families`: random problems of vehicles, their tables, their scenes.

use super::arguments::{BackendArgs, count, positive, thread_count};
use super::failure::Failure;
use super::journal::{Record, ResumeArgs, fingerprint};
use super::output::{make_folder, refuse_inputs, say, write_file, write_results};
use super::progress::ProgressLine;
use crate::bench::families::report::{FamilyReport, FamilyResult, QualityResult};
use crate::bench::families::{FamilyKind, Vehicle};
use crate::bench::report::Machine;
use crate::bench::runner;
use crate::error::InputError;
use crate::plan::{PlanOptions, Quality};
use crate::problem::Problem;
use crate::scene::Scene;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Which problems of families.
#[derive(Args)]
pub(super) struct FamilyChoice {
    /// Kind: parking, maze, forest, slot, corridor, dead-end or docking; may be given again; all where left out
    #[arg(long)]
    kind: Vec<FamilyKind>,
    /// Vehicle: point, drive, forward-drive, min-speed-drive, car, small-car, omnidirectional, car-trailer, airplane,
    /// planar-quadrotor or quadrotor; may be given again; all that a kind is for where left out
    #[arg(long)]
    vehicle: Vec<Vehicle>,
    /// Problems of each kind and vehicle, of seeds from 0 on
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count)]
    pub(super) seeds: usize,
}

#[derive(Args)]
pub(super) struct FamiliesArgs {
    #[command(flatten)]
    choice: FamilyChoice,
    /// Time limit for each answer, seconds
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = positive)]
    time_limit: f64,
    /// Quality to plan with: fast, balanced or best; may be given again; all where left out
    #[arg(long)]
    quality: Vec<Quality>,
    /// Threads that share a problem
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = thread_count)]
    threads: usize,
    /// Write every problem as a scene, DIR/KIND_VEHICLE_SEED.yaml
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

impl FamilyChoice {
    /// Whether any are asked for.
    pub(super) fn is_made(&self) -> bool {
        !self.kind.is_empty() || !self.vehicle.is_empty()
    }

    /// Kinds with the vehicles that are asked for.
    pub(super) fn pairs(&self) -> Result<Vec<(FamilyKind, Vehicle)>, InputError> {
        let wanted = |vehicle: &Vehicle| self.vehicle.is_empty() || self.vehicle.contains(vehicle);
        let asked = |kind: &FamilyKind| self.kind.is_empty() || self.kind.contains(kind);
        let kinds: Vec<FamilyKind> = FamilyKind::ALL.into_iter().filter(asked).collect();
        let mut pairs = Vec::new();
        for &kind in &kinds {
            let before = pairs.len();
            pairs.extend(kind.vehicles().iter().filter(|v| wanted(v)).map(|&vehicle| (kind, vehicle)));
            if !self.kind.is_empty() && pairs.len() == before {
                return Err(InputError::new(kind.not_for(&self.vehicle)));
            }
        }
        for vehicle in &self.vehicle {
            if !pairs.iter().any(|(_, v)| v == vehicle) {
                return Err(InputError::new(kinds[0].not_for(&[*vehicle])));
            }
        }
        Ok(pairs)
    }
}

impl FamiliesArgs {
    /// The qualities that are asked for, the quickest first.
    fn qualities(&self) -> Vec<Quality> {
        let asked = |quality: &Quality| self.quality.is_empty() || self.quality.contains(quality);
        Quality::ALL.into_iter().filter(asked).collect()
    }

    /// Plans a problem with every quality, the higher ones where the first has an answer.
    fn plan(&self, scene: &Scene, seed: u64) -> Result<Vec<QualityResult>, Failure> {
        let mut results: Vec<QualityResult> = Vec::new();
        for quality in self.qualities() {
            if results.first().is_some_and(|first| first.duration_s.is_none()) {
                break;
            }
            let mut options = self.options(scene, seed);
            quality.apply(&mut options);
            let checker = |problem: &Problem| self.backend.checker(problem, options.resolution);
            let (result, _) = runner::run(&scene.problem, &checker, &options, self.threads, 1)?;
            results.push(QualityResult {
                quality: quality.to_string(),
                status: result.status,
                total_us: result.total_us,
                duration_s: result.duration_s,
            });
        }
        Ok(results)
    }

    fn options(&self, scene: &Scene, seed: u64) -> PlanOptions {
        let time_limit = Some(Duration::from_secs_f64(self.time_limit));
        PlanOptions { seed, time_limit, ..scene.options.clone() }
    }
}

pub(super) fn run(args: &FamiliesArgs) -> Result<(), Failure> {
    refuse_inputs(args.json.as_deref())?;
    let pairs = args.choice.pairs()?;
    let record = Record::open(args.json.as_deref(), &args.resume)?;
    if let Some(folder) = &args.write {
        make_folder(folder)?;
    }
    let progress = ProgressLine::bar(pairs.len() * args.choice.seeds, "problems");
    let (mut results, mut backend) = (Vec::new(), String::new());
    for (kind, vehicle) in pairs {
        let instance = format!("{} {}", kind.name(), vehicle.name());
        for seed in 0..args.choice.seeds as u64 {
            let scene = kind.instance(vehicle, seed)?.scene;
            if let Some(folder) = &args.write {
                let name = format!("{}_{}_{seed}.yaml", kind.name(), vehicle.name());
                write_file(&folder.join(name), &scene.to_yaml(folder))?;
            }
            backend = args.backend.checker(&scene.problem, scene.options.resolution)?.name();
            let query = fingerprint(&scene.problem, &args.options(&scene, seed), &args.backend);
            let query = format!("{query} {:?} {}", args.qualities(), args.threads);
            let run = || args.plan(&scene, seed);
            let qualities = record.once(&format!("{instance} {seed}"), &query, run)?;
            results.extend(FamilyResult::new(instance.clone(), seed, qualities));
            progress.advance();
        }
    }
    drop(progress);
    let report = FamilyReport {
        suite: "families".to_owned(),
        backend,
        threads: args.threads,
        time_limit_s: args.time_limit,
        machine: Machine::this(),
        results,
    };
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)?;
    record.close()
}

//! `flatout batch`: many scenes, a trajectory each.

use super::failure::Failure;
use super::output::{export, make_folder, refuse_inputs, save, say};
use super::planning::PlanningArgs;
use super::progress::ProgressLine;
use crate::error::InputError;
use crate::exchange::Format;
use crate::plan::{PlanError, Task, plan_batch};
use crate::scene::Scene;
use clap::Args;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Args)]
pub(super) struct BatchArgs {
    /// Scene files
    #[arg(required = true)]
    scenes: Vec<PathBuf>,
    /// Folder to write the trajectories to: DIR/SCENE.json; it is made where there is none
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Write .json (flatout-trajectory/1), .csv, or .yaml (JointTrajectory)
    #[arg(long, value_name = "EXTENSION", default_value = "json")]
    format: String,
    #[command(flatten)]
    planning: PlanningArgs,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &BatchArgs) -> Result<(), Failure> {
    let files = outputs(args)?;
    let mut scenes = args.scenes.iter().map(|file| Scene::load(file)).collect::<Result<Vec<_>, _>>()?;
    for (scene, file) in scenes.iter_mut().zip(&files) {
        Format::of(file)?.admit(&scene.problem.mechanism).map_err(|e| e.in_file(file))?;
        args.planning.apply(&mut scene.options);
    }
    refuse_inputs(files.iter().map(PathBuf::as_path))?;
    make_folder(&args.output)?;
    let tasks: Vec<_> = scenes.iter().map(|s| Task { problem: &s.problem, options: &s.options }).collect();
    let progress = ProgressLine::bar(tasks.len(), "planning");
    let started = Instant::now();
    let (checkers, threads) =
        args.planning.spread(tasks.iter().map(|task| (task.problem, task.options.resolution)))?;
    let answers = plan_batch(&tasks, |i| checkers.checker(i), threads, |_, _| progress.advance());
    let wall = started.elapsed().as_secs_f64();
    drop(progress);

    let mut text = String::new();
    let mut solved = 0;
    let width = args.scenes.iter().map(|f| f.display().to_string().len()).max().unwrap_or(0);
    for (((name, file), task), answer) in args.scenes.iter().zip(&files).zip(&tasks).zip(answers) {
        let line = match answer {
            Ok(solution) => {
                save(&export(task.problem, &solution, task.options.seed), file)?;
                solved += 1;
                let millis = solution.statistics.total().as_secs_f64() * 1e3;
                let (duration, clearance) =
                    (solution.trajectory.duration(), solution.certificate.clearance().at_least * 1e3);
                format!("{duration:>8.3} s, at least {clearance:.1} mm clear, in {millis:.2} ms")
            }
            Err(PlanError::Backend(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(text, "{:<width$}  {line}", name.display());
    }
    let _ = writeln!(text, "{solved} of {} solved in {wall:.3} s", tasks.len());
    if !args.quiet {
        say(&text)?;
    }
    let failed = tasks.len() - solved;
    if failed == 0 { Ok(()) } else { Err(Failure::Invalid(format!("{failed} without a plan"))) }
}

/// Where each scene's trajectory goes.
fn outputs(args: &BatchArgs) -> Result<Vec<PathBuf>, InputError> {
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut outputs = Vec::new();
    for scene in &args.scenes {
        let stem =
            scene.file_stem().ok_or_else(|| InputError::new("not the name of a file").in_file(scene))?;
        let mut name = stem.to_os_string();
        name.push(".");
        name.push(&args.format);
        let file = args.output.join(name);
        // A name that stands for no format is better refused before planning than after.
        Format::of(&file)?;
        if let Some(other) = taken.insert(file.clone(), scene) {
            let (file, other) = (file.display(), other.display());
            return Err(InputError::new(format!("{file} is already that of {other}")).in_file(scene));
        }
        outputs.push(file);
    }
    Ok(outputs)
}

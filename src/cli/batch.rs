//! `flatout batch`: many scenes, a trajectory each.

use super::arguments::DefaultArgs;
use super::failure::Failure;
use super::journal::{Journal, ResumeArgs, fingerprint};
use super::output::{complain, export, make_folder, refuse_inputs, say, write_file};
use super::planning::PlanningArgs;
use super::progress::ProgressLine;
use super::telling::load_scene;
use crate::digest::Digest;
use crate::error::InputError;
use crate::exchange::Format;
use crate::plan::{
    BatchChoice, PlanError, Solution, Task, TrialSettings, plan_batch_by_trial, plan_batch_wide,
};
use crate::scene::Scene;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
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
    default: DefaultArgs,
    #[command(flatten)]
    resume: ResumeArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
}

/// Where a folder of answers says what they answer.
const JOURNAL: &str = "batch.journal";

/// What came of a scene.
enum Outcome {
    Solved(String),
    /// Of a run before this one.
    AnsweredBefore,
    Unsolved(String),
    /// A backend failed, or the file could not be written.
    Lost(String),
}

/// What the journal tells of an answer.
#[derive(Serialize, Deserialize)]
struct Written {
    /// What its file holds, as a [`Digest`].
    content: String,
}

/// A scene on its way to a file.
struct Assignment<'a> {
    scene: &'a Scene,
    file: &'a Path,
    /// What the journal calls it.
    name: String,
    query: String,
}

pub(super) fn run(args: &BatchArgs) -> Result<(), Failure> {
    let files = outputs(args)?;
    let mut scenes = args
        .scenes
        .iter()
        .map(|file| load_scene(file, args.default.limits()))
        .collect::<Result<Vec<_>, _>>()?;
    for (scene, file) in scenes.iter_mut().zip(&files) {
        Format::of(file)?.admit(&scene.problem.mechanism).map_err(|e| e.in_file(file))?;
        args.planning.apply(&mut scene.options);
    }
    refuse_inputs(files.iter().map(PathBuf::as_path))?;
    make_folder(&args.output)?;
    let journal = Journal::open(args.output.join(JOURNAL), &args.resume)?;
    let all: Vec<_> = scenes.iter().zip(&files).map(|(s, file)| Assignment::new(s, file, args)).collect();
    let started = Instant::now();
    let outcomes = plan_all(args, &journal, &all)?;
    tell(args, &outcomes, started.elapsed().as_secs_f64())
}

impl<'a> Assignment<'a> {
    fn new(scene: &'a Scene, file: &'a Path, args: &BatchArgs) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let query = fingerprint(&scene.problem, &scene.options, &args.planning.backend);
        Self { scene, file, name, query }
    }

    /// Whether its file holds what the journal says that a run before this one wrote for the same query.
    fn is_done(&self, journal: &Journal) -> bool {
        let written: Option<Written> = journal.answer(&self.name, &self.query);
        // Not by the reader of inputs: what is read there is not written over.
        written.is_some_and(|w| {
            std::fs::read(self.file).is_ok_and(|bytes| Digest::of(&bytes).to_string() == w.content)
        })
    }

    /// Writes the answer, and tells what came of it.
    fn conclude(&self, answer: &Result<Solution, PlanError>, journal: &Journal) -> Outcome {
        let solution = match answer {
            Ok(solution) => solution,
            Err(PlanError::Backend(error)) => return Outcome::Lost(error.to_string()),
            Err(error) => return Outcome::Unsolved(error.to_string()),
        };
        match self.write(solution, journal) {
            Ok(()) => Outcome::Solved(line(solution)),
            Err(Failure::Input(error)) => Outcome::Lost(error.to_string()),
            Err(Failure::Broken(why) | Failure::Invalid(why) | Failure::Worse(why)) => Outcome::Lost(why),
        }
    }

    fn write(&self, solution: &Solution, journal: &Journal) -> Result<(), Failure> {
        let Scene { problem, options, .. } = self.scene;
        let format = Format::of(self.file)?;
        let text = export(problem, solution, options.seed).text(format).map_err(|e| e.in_file(self.file))?;
        write_file(self.file, &text)?;
        journal.add(&self.name, &self.query, &Written { content: Digest::of(text.as_bytes()).to_string() })
    }
}

fn line(solution: &Solution) -> String {
    let millis = solution.statistics.total().as_secs_f64() * 1e3;
    let (duration, clearance) =
        (solution.trajectory.duration(), solution.certificate.clearance().at_least * 1e3);
    format!("{duration:>8.3} s, at least {clearance:.1} mm clear, in {millis:.2} ms")
}

/// Plans what is not answered yet, and writes each answer as it comes: one that cannot be written is the only one
/// that is lost.
fn plan_all(args: &BatchArgs, journal: &Journal, all: &[Assignment<'_>]) -> Result<Vec<Outcome>, Failure> {
    let open: Vec<&Assignment> = all.iter().filter(|a| !a.is_done(journal)).collect();
    let scenes = open.iter().map(|assignment| assignment.scene);
    let tasks: Vec<_> = scenes.map(|s| Task { problem: &s.problem, options: &s.options }).collect();
    let progress = ProgressLine::bar(tasks.len(), "planning");
    let (checkers, threads) =
        args.planning.spread(tasks.iter().map(|task| (task.problem, task.options.resolution)))?;
    let planned: Vec<OnceLock<Outcome>> = open.iter().map(|_| OnceLock::new()).collect();
    let answered = |i: usize, answer: &Result<Solution, PlanError>| {
        let _ = planned[i].set(open[i].conclude(answer, journal));
        progress.advance();
    };
    match args.planning.explorer(&checkers, &tasks)? {
        Some(mut explorer) => {
            let checker = |i, is_searched| checkers.beside(i, is_searched);
            let threads = args.planning.refining();
            let (_, failure) = plan_batch_wide(&tasks, &mut *explorer, checker, threads, answered);
            if let Some(failure) = failure {
                complain(&format!("warning: {failure}; the rest was planned in lanes"));
            }
        }
        None => {
            let device = |from: usize| args.planning.worth_trying(&tasks[from..]);
            let checker = |i| checkers.checker(i);
            let trial = TrialSettings::DEFAULT;
            let (_, choice) = plan_batch_by_trial(&tasks, trial, device, checker, threads, answered);
            if let BatchChoice::Failed(failure) = choice {
                complain(&format!("warning: {failure}; the rest was planned in lanes"));
            }
        }
    }
    let mut planned = open.iter().zip(planned).peekable();
    let outcome = |a: &Assignment| match planned.next_if(|(next, _)| std::ptr::eq(**next, a)) {
        Some((_, outcome)) => outcome.into_inner().unwrap_or(Outcome::Lost("no answer came".to_owned())),
        None => Outcome::AnsweredBefore,
    };
    Ok(all.iter().map(outcome).collect())
}

/// Says what came of every scene, and ends accordingly.
fn tell(args: &BatchArgs, outcomes: &[Outcome], wall: f64) -> Result<(), Failure> {
    let mut text = String::new();
    let width = args.scenes.iter().map(|f| f.display().to_string().len()).max().unwrap_or(0);
    let (mut solved, mut lost) = (0, 0);
    for (name, outcome) in args.scenes.iter().zip(outcomes) {
        solved += usize::from(matches!(outcome, Outcome::Solved(_) | Outcome::AnsweredBefore));
        lost += usize::from(matches!(outcome, Outcome::Lost(_)));
        let line = match outcome {
            Outcome::Solved(line) | Outcome::Unsolved(line) | Outcome::Lost(line) => line,
            Outcome::AnsweredBefore => "answered before",
        };
        let _ = writeln!(text, "{:<width$}  {line}", name.display());
    }
    let _ = writeln!(text, "{solved} of {} solved in {wall:.3} s", outcomes.len());
    if !args.quiet {
        say(&text)?;
    }
    let unsolved = outcomes.len() - solved - lost;
    match (lost, unsolved) {
        (0, 0) => Ok(()),
        (0, _) => Err(Failure::Invalid(format!("{unsolved} without a plan"))),
        _ => {
            let why = outcomes.iter().find_map(|o| if let Outcome::Lost(why) = o { Some(why) } else { None });
            let why = why.map_or("", String::as_str);
            Err(Failure::Broken(format!("{lost} lost, the first for this reason: {why}")))
        }
    }
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

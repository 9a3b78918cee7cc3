//! `flatout plan`: one scene, one trajectory.

use super::progress::Progress;
use super::{BackendArgs, Failure, MoveItArgs, export, positive, say};
use crate::certify::{Certificate, CertifyOptions, certify};
use crate::check::EdgeChecker;
use crate::exchange::Format;
use crate::plan::{Outcome, Solution, plan};
use crate::scene::Scene;
use crate::trajectory::Trajectory;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The clearance in the report is proved to within this, metres.
pub(super) const CLEARANCE_TOLERANCE: f64 = 1e-4;

#[derive(Args)]
pub(super) struct PlanArgs {
    /// Scene file (see scenes/README.md)
    #[arg(required_unless_present = "scene", conflicts_with = "scene")]
    scene_file: Option<PathBuf>,
    #[command(flatten)]
    moveit: MoveItArgs,
    /// Write the trajectory: .json (flatout-trajectory/1), .csv, or .yaml (JointTrajectory)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Seed of the planner (instead of the scene's)
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Time limit, seconds (instead of the scene's)
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = positive)]
    time_limit: Option<f64>,
    #[command(flatten)]
    backend: BackendArgs,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print the trajectory as JSON instead of the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Failure> {
    // A name that stands for no format is better refused before planning than after.
    args.output.as_deref().map(Format::of).transpose()?;
    let mut scene = match &args.scene_file {
        Some(file) => Scene::load(file)?,
        None => args.moveit.load()?,
    };
    scene.options.seed = args.seed.unwrap_or(scene.options.seed);
    if let Some(limit) = args.time_limit {
        scene.options.time_limit = Some(Duration::from_secs_f64(limit));
    }
    let mut checker = args.backend.checker(&scene.problem, scene.options.resolution)?;
    let progress = Progress::spinner("planning");
    let outcome = plan(&scene.problem, &mut *checker, &scene.options)?;
    drop(progress);
    let mut solution = match outcome {
        Outcome::Solved(solution) => *solution,
        other => return Err(Failure::Invalid(other.to_string())),
    };
    let tight = CertifyOptions { clearance_tolerance: Some(CLEARANCE_TOLERANCE), ..Default::default() };
    if let Ok(certificate) = certify(&scene.problem, &solution.trajectory, &tight) {
        solution.certificate = certificate;
    }
    let file = export(&scene.problem, &solution, scene.options.seed);
    if let Some(path) = &args.output {
        file.save(path)?;
    }
    if args.json {
        say(&file.text(Format::Json));
    } else if !args.quiet {
        say(&summary(&scene, &solution, &*checker, args));
    }
    Ok(())
}

/// What a person wants to know of a plan.
fn summary(scene: &Scene, solution: &Solution, checker: &dyn EdgeChecker, args: &PlanArgs) -> String {
    let s = &solution.statistics;
    let millis = |d: Duration| d.as_secs_f64() * 1e3;
    let trajectory = &solution.trajectory;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "solved in {:.2} ms (plan {:.2}, refine {:.2}, certify {:.2})",
        millis(s.total()),
        millis(s.plan),
        millis(s.refine),
        millis(s.certify)
    );
    let _ = writeln!(text, "  duration   {}; {:.3} s before refinement", length(trajectory), s.raw_duration);
    text.push_str(&describe(&solution.certificate));
    let (samples, edges, states) = (s.iterations, s.edges, s.states);
    let (backend, seed) = (checker.name(), scene.options.seed);
    let _ = writeln!(
        text,
        "  search     {samples} samples, {edges} edges, {states} states; {backend}, seed {seed}"
    );
    if let Some(path) = &args.output {
        let _ = writeln!(text, "  written to {}", path.display());
    }
    text
}

/// Duration and number of segments.
pub(super) fn length(trajectory: &Trajectory) -> String {
    let segments = match trajectory.len() {
        1 => "one segment".to_owned(),
        n => format!("{n} segments"),
    };
    format!("{:.3} s in {segments}", trajectory.duration())
}

/// Clearance and the tightest limit, a line each.
pub(super) fn describe(certificate: &Certificate) -> String {
    let mut text = String::new();
    let clearance = &certificate.clearance;
    match &clearance.nearest {
        Some(nearest) => {
            let [a, b] = &nearest.between;
            let (millimetres, time) = (clearance.at_least * 1e3, nearest.time);
            let _ = writeln!(
                text,
                "  clearance  at least {millimetres:.1} mm; nearest are \"{a}\" and \"{b}\", at {time:.3} s"
            );
        }
        None if clearance.at_least.is_finite() => {
            let _ = writeln!(text, "  clearance  at least {:.1} mm", clearance.at_least * 1e3);
        }
        None => text.push_str("  clearance  unlimited: there is nothing to touch\n"),
    }
    if let Some((output, kind, peak)) = certificate.tightest() {
        let (used, value, bound, time) = (peak.used * 100.0, peak.value, peak.bound, peak.time);
        let _ = writeln!(
            text,
            "  tightest   {kind} of {output}: {value:.4} of {bound:.4} ({used:.0}%) at {time:.3} s"
        );
    }
    text
}

//! `flatout plan`: one scene, one trajectory.

use super::arguments::{DefaultArgs, MoveItArgs};
use super::failure::{Failure, unsolved};
use super::linear::{self, Output};
use super::output::{export, refuse_inputs, save, say};
use super::planning::PlanningArgs;
use super::progress::ProgressLine;
use super::telling::load_any_scene;
use crate::certify::{Certificate, CertifyOptions, Nearest, certify};
use crate::error::InputError;
use crate::exchange::Format;
use crate::plan::{
    Departure, PlanError, PlanFunction, PlanOptions, Solution, plan, plan_on_threads, replan_by,
};
use crate::problem::Problem;
use crate::scene::{AnyScene, LinearScene};
use crate::trajectory::Trajectory;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Clearances in the report are proved to within this, metres.
pub(super) const CLEARANCE_TOLERANCE: f64 = 1e-4;

#[derive(Args)]
pub(super) struct PlanArgs {
    /// Scene file (see scenes/README.md)
    #[arg(required_unless_present = "scene", conflicts_with = "scene")]
    scene_file: Option<PathBuf>,
    #[command(flatten)]
    moveit: MoveItArgs,
    #[command(flatten)]
    default: DefaultArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// What becomes of the answer.
#[derive(Args)]
pub(super) struct ReportArgs {
    /// Write the trajectory: .json (flatout-trajectory/1), .csv, or .yaml (JointTrajectory)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    quiet: bool,
    /// Print the trajectory as JSON instead of the summary
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PlanArgs) -> Result<(), Failure> {
    args.report.refuse_unknown_format()?;
    let mut scene = match &args.scene_file {
        Some(file) => match load_any_scene(file, args.default.limits())? {
            AnyScene::Robot(scene) => *scene,
            AnyScene::Linear(scene) => return args.plan_linear(*scene),
        },
        None => args.moveit.load(args.default.limits())?,
    };
    args.report.refuse_unfit_output(&scene.problem)?;
    args.planning.apply(&mut scene.options);
    let (mut solution, backend) = args.planning.plan(&scene.problem, &scene.options)?;
    tighten(&scene.problem, &mut solution);
    args.report.tell(&scene.problem, &solution, scene.options.seed, &backend)
}

/// Proves clearances to within what is printed of them.
pub(super) fn tighten(problem: &Problem, solution: &mut Solution) {
    let tolerance = Some(CLEARANCE_TOLERANCE);
    let tight =
        CertifyOptions { world_tolerance: tolerance, links_tolerance: tolerance, ..Default::default() };
    if let Ok(certificate) = certify(problem, &solution.trajectory, &tight) {
        solution.certificate = certificate;
    }
}

impl PlanArgs {
    /// Plans a linear system.
    fn plan_linear(&self, mut scene: LinearScene) -> Result<(), Failure> {
        self.moveit.refuse_for_linear()?;
        self.default.refuse_for_linear()?;
        self.planning.apply_to_linear(&mut scene.options)?;
        let ReportArgs { output, quiet, json } = &self.report;
        linear::plan(&scene, Output { file: output.as_deref(), is_quiet: *quiet, is_json: *json })
    }
}

impl PlanningArgs {
    /// Plans one query; also gives the name of the backend that checked.
    pub(super) fn plan(
        &self,
        problem: &Problem,
        options: &PlanOptions,
    ) -> Result<(Solution, String), Failure> {
        self.plan_by(problem, options, |plan, options| plan(problem, options))
    }

    /// The same from where a running trajectory is left.
    pub(super) fn replan(
        &self,
        problem: &Problem,
        options: &PlanOptions,
        departure: &Departure<'_>,
    ) -> Result<(Solution, String), Failure> {
        self.plan_by(problem, options, |plan, options| replan_by(problem, options, departure, plan))
    }

    fn plan_by(
        &self,
        problem: &Problem,
        options: &PlanOptions,
        by: impl FnOnce(&mut PlanFunction<'_>, &PlanOptions) -> Result<Solution, PlanError>,
    ) -> Result<(Solution, String), Failure> {
        let progress = ProgressLine::spinner("planning");
        let begun = Instant::now();
        let make = || self.backend.checker(problem, options.resolution);
        let mut checker = make()?;
        // To make the checker is part of the work, and of its budgets.
        let packed = begun.elapsed();
        let left = |limit: Duration| limit.saturating_sub(packed);
        let options = PlanOptions {
            time_limit: options.time_limit.map(left),
            improve: options.improve.map(left),
            observer: options.observer.clone().or_else(|| Some(progress.observer())),
            ..options.clone()
        };
        let plan = &mut |problem: &Problem, options: &PlanOptions| match self.threads() {
            1 => plan(problem, &mut *checker, options),
            threads => plan_on_threads(problem, make, options, threads),
        };
        let answer = by(plan, &options);
        drop(progress);
        let mut solution = answer.map_err(unsolved)?;
        solution.statistics.setup += packed;
        Ok((solution, checker.name()))
    }
}

impl ReportArgs {
    /// A name that stands for no format is better refused before planning than after.
    pub(super) fn refuse_unknown_format(&self) -> Result<(), InputError> {
        self.output.as_deref().map(Format::of).transpose().map(drop)
    }

    /// And so is a format that cannot hold the answer, or a file that the problem was read from.
    pub(super) fn refuse_unfit_output(&self, problem: &Problem) -> Result<(), InputError> {
        let Some(file) = &self.output else { return Ok(()) };
        refuse_inputs([file.as_path()])?;
        Format::of(file)?.admit(&problem.mechanism).map_err(|e| e.in_file(file))
    }

    /// Writes and prints what is asked for.
    pub(super) fn tell(
        &self,
        problem: &Problem,
        solution: &Solution,
        seed: u64,
        backend: &str,
    ) -> Result<(), Failure> {
        let file = export(problem, solution, seed);
        let replay = self.output.as_deref().map(|path| save(&file, path)).transpose()?.flatten();
        if self.json {
            return say(&file.text(Format::Json)?);
        }
        if self.quiet {
            return Ok(());
        }
        let mut text = summary(solution, backend, seed);
        if let Some(errors) = replay {
            let _ = writeln!(text, "  replay     {errors}");
        }
        if let Some(path) = &self.output {
            let _ = writeln!(text, "  written to {}", path.display());
        }
        say(&text)
    }
}

/// What a person wants to know of a plan.
fn summary(solution: &Solution, backend: &str, seed: u64) -> String {
    let s = &solution.statistics;
    let millis = |d: Duration| d.as_secs_f64() * 1e3;
    let trajectory = &solution.trajectory;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "solved in {:.2} ms (set up {:.2}, plan {:.2}, refine {:.2}, certify {:.2})",
        millis(s.total()),
        millis(s.setup),
        millis(s.plan),
        millis(s.refine),
        millis(s.certify)
    );
    if trajectory.duration() == 0.0 {
        let _ = writeln!(text, "  duration   0 s: the start is the goal, there is nothing to do");
    } else {
        let _ =
            writeln!(text, "  duration   {}; {:.3} s before refinement", length(trajectory), s.raw_duration);
        let is_duration = s.cost == trajectory.duration();
        if !is_duration {
            let _ = writeln!(text, "  cost       {:.4}", s.cost);
        }
        let what = if is_duration { "takes less than" } else { "costs less than" };
        if let Some(gap) = s.gap() {
            let unit = if is_duration { " s" } else { "" };
            let _ = writeln!(
                text,
                "  gap        {:.0}%: no motion {what} {:.3}{unit}, whatever stands in the way",
                100.0 * gap,
                s.least_cost
            );
        }
    }
    if let Some(budget) = solution.cut_short {
        let _ = writeln!(text, "  cut short  {budget}: more time may find a shorter one");
    }
    text.push_str(&describe(&solution.certificate));
    let (samples, edges, states) = (s.iterations, s.edges, s.states);
    let _ = writeln!(
        text,
        "  search     {samples} samples, {edges} edges, {states} states; {backend}, seed {seed}"
    );
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

/// Clearances, the tightest limit and what was not judged, a line each.
pub(super) fn describe(certificate: &Certificate) -> String {
    let mut text = String::new();
    let mut label = "clearance";
    for (what, clearance) in [("obstacles", &certificate.world), ("itself", &certificate.links)] {
        // There are none, or nothing that could meet.
        if clearance.at_least == f64::INFINITY {
            continue;
        }
        let _ = write!(text, "  {label:<9}  of {what} at least {:.1} mm", clearance.at_least * 1e3);
        if let Some(Nearest { between: [a, b], time, .. }) = &clearance.nearest {
            let _ = write!(text, "; nearest are \"{a}\" and \"{b}\", at {time:.3} s");
        }
        text.push('\n');
        label = "";
    }
    if text.is_empty() {
        text.push_str("  clearance  unlimited: there is nothing to touch\n");
    }
    if let Some((limit, peak)) = certificate.tightest() {
        let (used, value, bound, time) = (peak.used * 100.0, peak.value, peak.bound, peak.time);
        let _ = writeln!(text, "  tightest   {limit}: {value:.4} of {bound:.4} ({used:.0}%) at {time:.3} s");
    }
    if !certificate.not_judged.is_empty() {
        let _ = writeln!(text, "  not judged {}", certificate.not_judged);
    }
    text
}

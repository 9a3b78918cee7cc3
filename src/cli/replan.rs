//! `flatout replan`: from a trajectory that is being driven to another.

use super::arguments::DefaultArgs;
use super::check;
use super::failure::Failure;
use super::plan::{ReportArgs, tighten};
use super::planning::PlanningArgs;
use super::telling::load_scene;
use crate::certify::CertifyOptions;
use crate::error::InputError;
use crate::plan::Departure;
use crate::problem::JointState;

use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct ReplanArgs {
    /// Scene file: the world as it is now, and the goal; its start is not looked at
    scene: PathBuf,
    /// Trajectory that is being driven: .json (flatout-trajectory/1), .yaml or .csv
    trajectory: PathBuf,
    /// When to leave it, seconds after it began: far enough ahead for the new one to be there in time
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    from: f64,
    /// Give the whole of what is driven, from the beginning of the old trajectory; certified as a whole
    #[arg(long)]
    join: bool,
    /// With --join, give and certify what is driven from this time on, seconds after the old trajectory began: what
    /// lies behind may no longer be valid
    #[arg(long, value_name = "T", allow_negative_numbers = true, requires = "join")]
    now: Option<f64>,
    #[command(flatten)]
    default: DefaultArgs,
    #[command(flatten)]
    planning: PlanningArgs,
    #[command(flatten)]
    report: ReportArgs,
}

/// What the old trajectory may miss by at its knots: files of points are rounded.
const TOLERANCE: f64 = 1e-5;

pub(super) fn run(args: &ReplanArgs) -> Result<(), Failure> {
    args.report.refuse_unknown_format()?;
    let mut scene = load_scene(&args.scene, args.default.limits())?;
    args.planning.apply(&mut scene.options);
    let located = |e: InputError| e.in_file(&args.trajectory);
    let running = check::load(&args.trajectory, &scene.problem)?.trajectory;
    args.report.refuse_unfit_output(&scene.problem)?;
    let duration = running.duration();
    if !(0.0..=duration).contains(&args.from) {
        let message = format!("--from {}: expected a time from 0 to {duration}, its duration", args.from);
        return Err(located(InputError::new(message)).into());
    }
    let now = args.now.unwrap_or(0.0);
    if !(0.0..=args.from).contains(&now) {
        let message = format!("--now {now}: expected a time from 0 to {}, that of the departure", args.from);
        return Err(located(InputError::new(message)).into());
    }
    let departure = Departure { running: &running, from: args.from };
    let mut problem = departure.problem(&scene.problem);
    let (mut solution, backend) = args.planning.replan(&scene.problem, &scene.options, &departure)?;
    if args.join {
        let tolerant = CertifyOptions {
            tolerance: TOLERANCE,
            limit_tolerance: 10.0 * TOLERANCE,
            jerk_tolerance: 1e3 * TOLERANCE,
            ..CertifyOptions::default()
        };
        let joined = departure.ahead(now, &problem, &solution.trajectory, &tolerant);
        solution.statistics.raw_duration += args.from - now;
        (solution.trajectory, solution.certificate) = joined.map_err(|violation| {
            let from = args.from;
            Failure::Invalid(format!(
                "no plan: the running trajectory is not valid until {from} s: {violation}"
            ))
        })?;
        let beginning = JointState::of(&problem.mechanism, &running, now, problem.smoothness);
        problem.start = beginning.unwrap_or(problem.start);
    }
    tighten(&problem, &mut solution);
    args.report.tell(&problem, &solution, scene.options.seed, &backend)
}

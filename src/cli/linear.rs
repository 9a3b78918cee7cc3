//! Linear systems: planned, and motions of them certified.

use super::failure::Failure;
use super::output::{refuse_inputs, say, write_file};
use super::telling::warn;
use crate::certify::{
    LinearCertificate, LinearTolerances, LinearViolation, LinearViolations, VariablePeak, certify_linear,
};
use crate::error::InputError;
use crate::exchange::{Format, LinearExport, NamedTrajectory};
use crate::plan::rrt_star::{LinearPlanError, LinearSolution, LinearStatistics, plan_linear};
use crate::scene::LinearScene;
use crate::trajectory::Trajectory;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// What becomes of an answer.
#[derive(Clone, Copy)]
pub(super) struct Output<'a> {
    /// Is written, where there is one.
    pub(super) file: Option<&'a Path>,
    /// Whether nothing is printed.
    pub(super) is_quiet: bool,
    /// Whether the motion is printed as JSON.
    pub(super) is_json: bool,
}

/// Refuses options that say nothing of a linear system, of those that are given.
pub(super) fn refuse(given: &[(&str, bool)]) -> Result<(), InputError> {
    let unfit = given.iter().find(|(_, is_given)| *is_given);
    unfit.map_or(Ok(()), |(option, _)| {
        let message = "does not apply to a scene of a linear system; expected none of it";
        Err(InputError::new(message).for_key(*option))
    })
}

pub(super) fn plan(scene: &LinearScene, output: Output<'_>) -> Result<(), Failure> {
    let LinearScene { problem, options } = scene;
    if let Some(file) = output.file {
        refuse_inputs([file])?;
        Format::of(file)?.admit_linear().map_err(|e| e.in_file(file))?;
    }
    let solution = plan_linear(problem, options).map_err(|why| match why {
        LinearPlanError::Invalid(why) => Failure::Input(InputError::of_value(why)),
        other => Failure::Invalid(other.to_string()),
    })?;
    // Neither holds anything that JSON cannot say.
    let value = |v: serde_json::Result<Value>| v.unwrap_or_default();
    let export = LinearExport {
        report: value(serde_json::to_value(&solution.certificate)),
        stats: value(serde_json::to_value(solution.statistics)),
        seed: Some(options.seed),
        ..LinearExport::new(problem, &solution.trajectory)
    };
    if let Some(file) = output.file {
        write_file(file, &export.text(Format::of(file)?).map_err(|e| e.in_file(file))?)?;
    }
    if output.is_json {
        return say(&export.text(Format::Json)?);
    }
    if output.is_quiet {
        return Ok(());
    }
    let mut text = summary(&solution, options.seed);
    if let Some(file) = output.file {
        let _ = writeln!(text, "  written to {}", file.display());
    }
    say(&text)
}

/// What a person wants to know of a plan.
fn summary(solution: &LinearSolution, seed: u64) -> String {
    let LinearStatistics { least_cost, first_cost, first_samples, improvements, .. } = solution.statistics;
    let LinearStatistics { samples, states, seconds, certify_seconds, .. } = solution.statistics;
    let mut text = String::new();
    let _ = writeln!(text, "solved in {:.2} ms (certify {:.2})", 1e3 * seconds, 1e3 * certify_seconds);
    text.push_str(&describe(&solution.certificate));
    let gap = 100.0 * solution.gap();
    let _ = writeln!(
        text,
        "  gap        {gap:.1}%: no motion costs less than {least_cost:.4}, whatever stands in the way"
    );
    if let Some(budget) = solution.cut_short {
        let _ = writeln!(text, "  cut short  {budget}: more time may find a cheaper one");
    }
    let first = first_cost.unwrap_or(solution.certificate.cost);
    let _ = writeln!(
        text,
        "  search     {samples} samples, {states} states; first answer {first:.4} after {first_samples}, bettered \
         {improvements} times; rrt-star, seed {seed}"
    );
    text
}

/// Cost, clearance, the tightest bound, and how well the equations of motion hold, a line each.
fn describe(certificate: &LinearCertificate) -> String {
    let LinearCertificate { duration, effort, cost, residual, world, .. } = certificate;
    let mut text = format!("  cost       {cost:.4}: {duration:.4} s and an effort of {effort:.4}\n");
    let _ = writeln!(text, "  clearance  of obstacles {world}");
    if let Some(VariablePeak { name, peak }) = certificate.tightest() {
        let (used, value, bound, time) = (peak.used * 100.0, peak.value, peak.bound, peak.time);
        let _ =
            writeln!(text, "  tightest   \"{name}\": {value:.4} of {bound:.4} ({used:.0}%) at {time:.3} s");
    }
    let _ = writeln!(text, "  equations  hold within {residual:.1e}");
    text
}

/// Certifies anybody's motion of a linear system.
pub(super) fn check(scene: &LinearScene, file: &Path, tolerance: f64, is_json: bool) -> Result<(), Failure> {
    let named = NamedTrajectory::load(file)?;
    warn(&named.warnings);
    let trajectory: Trajectory = named.of_linear(&scene.problem).map_err(|e| e.in_file(file))?;
    let proved = certify_linear(&scene.problem, &trajectory, &LinearTolerances::for_files(tolerance));
    if is_json {
        say(&format!("{:#}\n", in_json(&proved)))?;
    }
    let certificate = proved.map_err(|why| Failure::Invalid(why.to_string()))?;
    if is_json { Ok(()) } else { say(&format!("valid at every instant\n{}", describe(&certificate))) }
}

/// The certificate, or all that stands against a motion.
fn in_json(proved: &Result<LinearCertificate, LinearViolations>) -> Value {
    let one = |violation: &LinearViolation| json!({"kind": violation.kind(), "reason": violation.to_string(), "violation": violation});
    match proved {
        Ok(certificate) => json!({"valid": true, "certificate": certificate}),
        Err(why) => {
            let all: Vec<Value> = why.0.iter().map(one).collect();
            json!({"valid": false, "reason": why.to_string(), "violations": all})
        }
    }
}

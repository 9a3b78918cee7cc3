//! `flatout bench compare`: a new report beside an old one.

use super::arguments::positive;
use super::failure::Failure;
use super::output::{say, write_results};
use crate::bench::compare::{Comparison, Results, Statistic};
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct CompareArgs {
    /// Report that a suite has written with --json
    old: PathBuf,
    /// A later one, of the same suite
    new: PathBuf,
    /// End with exit code 1 where a time or a duration is more than so many times what it was, or fewer problems of a
    /// group are solved
    #[arg(long, value_name = "R", allow_negative_numbers = true, value_parser = positive)]
    fail_above: Option<f64>,
    /// Figures that --fail-above looks at: median, p95, max
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        default_value = "median,p95,max",
        requires = "fail_above"
    )]
    of: Vec<Statistic>,
    /// Write the comparison as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
}

pub(super) fn run(args: &CompareArgs) -> Result<(), Failure> {
    let (old, new) = (Results::load(&args.old)?, Results::load(&args.new)?);
    let comparison = Comparison::of(&old, &new).map_err(|e| e.in_file(&args.new))?;
    say(&comparison.to_string())?;
    write_results(args.json.as_deref(), &comparison)?;
    let Some(limit) = args.fail_above else { return Ok(()) };
    let beyond = comparison.beyond(limit, &args.of);
    if beyond.is_empty() { Ok(()) } else { Err(Failure::Worse(beyond.join("; "))) }
}

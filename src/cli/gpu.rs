//! `flatout bench gpu`: what a device is worth beside the processors, in one table.

use super::arguments::{count, positive};
use super::failure::Failure;
use super::output::{complain, refuse_inputs, say, write_results};
use crate::bench::gpu::{GpuBench, GpuBenchError, measure};
use crate::check::AdapterChoice;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub(super) struct GpuArgs {
    /// Adapter: part of its name, or its number in `flatout devices`
    #[arg(long = "gpu", value_name = "NAME|INDEX")]
    adapter: Option<AdapterChoice>,
    /// Time for each figure, seconds; what is expected to take ten times as long is left out
    #[arg(long, value_name = "S", default_value_t = 1.0, allow_negative_numbers = true, value_parser = positive)]
    time: f64,
    /// Problems of the largest batch
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = count)]
    most: usize,
    /// Hard queries of each family
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = count)]
    hard: usize,
    /// Write results as JSON
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Tell nothing of how it goes
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &GpuArgs) -> Result<(), Failure> {
    refuse_inputs(args.json.as_deref())?;
    let adapter = args.adapter.clone().unwrap_or_default();
    let mut tell = |what: &str| {
        if !args.quiet {
            complain(what);
        }
    };
    let asked = GpuBench { budget: Duration::from_secs_f64(args.time), most: args.most, hard: args.hard };
    let report = measure(&adapter, asked, &mut tell).map_err(|e| match e {
        GpuBenchError::Check(e) => Failure::from(e),
        GpuBenchError::Input(e) => Failure::from(e),
    })?;
    say(&report.to_string())?;
    write_results(args.json.as_deref(), &report)
}

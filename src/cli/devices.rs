//! `flatout devices`: which adapters there are, whether they can be trusted, and what they are worth.

use super::arguments::positive;
use super::failure::Failure;
use super::output::say;
use crate::bench::edges::{Measurement, Subject, Workload, standard_problem};
use crate::bench::report::{Distribution, Machine};
use crate::check::gpu::{AdapterDescription, BareTrip, Gpu, GpuChecker, adapters, probe};
use crate::check::{AdapterChoice, CheckError, EdgeBatch};
use clap::Args;
use std::time::{Duration, Instant};

/// The batch by which devices and lanes are compared: what a planner that feeds a device sends.
const BATCH: usize = 4096;
const OBSTACLES: usize = 20;
const RESOLUTION: f64 = 0.05;
const ROUND_TRIPS: usize = 200;

#[derive(Args)]
pub(super) struct DevicesArgs {
    /// List only, measure nothing
    #[arg(long)]
    list: bool,
    /// Time for each figure, seconds
    #[arg(long, value_name = "S", default_value_t = 0.2, allow_negative_numbers = true, value_parser = positive)]
    time: f64,
}

pub(super) fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let found = adapters();
    if found.is_empty() {
        say(
            "no adapter: neither Vulkan, Metal nor DirectX 12 offers one (WGPU_BACKEND says which are asked)\n",
        )?;
    }
    let mut subjects = Vec::new();
    let workload = Workload::new(&standard_problem(OBSTACLES)?, RESOLUTION, BATCH, 0);
    for (index, adapter) in found.iter().enumerate() {
        say(&describe(index, adapter))?;
        match examine(&workload, index) {
            Ok((subject, ours, bare)) => {
                let (ours, bare) = (ours * 1e6, bare * 1e6);
                say("   known-answer probe passed; ")?;
                say(&format!(
                    "an empty batch there and back takes {ours:.0} us, a bare dispatch {bare:.0} us\n"
                ))?;
                subjects.push(subject);
            }
            Err(CheckError::Backend { message, .. }) => say(&format!("   not usable: {message}\n"))?,
            Err(error @ CheckError::Invalid(_)) => return Err(error.into()),
        }
    }
    if args.list {
        return Ok(());
    }
    say(&format!(
        "\n{}\nPanda among {OBSTACLES} obstacles, {RESOLUTION} m between samples:\n{}\n",
        Machine::this(),
        Measurement::HEADING
    ))?;
    subjects.extend([workload.best_lanes(), workload.all_threads()]);
    for mut subject in subjects {
        if let Some(measured) = measure(&workload, &mut subject, args)? {
            say(&format!("{measured}\n"))?;
        }
    }
    Ok(())
}

/// Opens and probes a device, and times the round trip of an empty batch and of a dispatch that does
/// nothing: medians, seconds.
fn examine(workload: &Workload, index: usize) -> Result<(Subject, f64, f64), CheckError> {
    let gpu = Gpu::open(&AdapterChoice::Index(index))?;
    probe(&gpu)?;
    let mut bare = BareTrip::new(&gpu)?;
    let bare = median_seconds(|| bare.make().map(drop))?;
    let mut checker = GpuChecker::new(&gpu, workload.problem(), RESOLUTION)?;
    let empty = EdgeBatch::new(1, 3);
    let ours = median_seconds(|| {
        let ticket = checker.submit(&empty, 0..0)?;
        checker.collect(ticket, &mut Vec::new())
    })?;
    Ok((workload.on_device(&gpu)?, ours, bare))
}

/// Median of many runs, without the first, which warm up.
fn median_seconds(mut work: impl FnMut() -> Result<(), CheckError>) -> Result<f64, CheckError> {
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for _ in 0..ROUND_TRIPS {
        let started = Instant::now();
        work()?;
        times.push(started.elapsed().as_secs_f64());
    }
    Ok(Distribution::of(times.split_off(ROUND_TRIPS / 10)).median)
}

fn measure(
    workload: &Workload,
    subject: &mut Subject,
    args: &DevicesArgs,
) -> Result<Option<Measurement>, CheckError> {
    workload.measure(subject, BATCH, Duration::from_secs_f64(args.time))
}

fn describe(index: usize, adapter: &AdapterDescription) -> String {
    let AdapterDescription { name, api, kind, driver, workgroup_threads, subgroup, .. } = adapter;
    let mebibytes = adapter.storage_binding >> 20;
    let kibibytes = adapter.workgroup_memory >> 10;
    let clock = if adapter.timestamps { "times its own work" } else { "cannot time its own work" };
    let votes = if adapter.votes { "with votes" } else { "without votes" };
    format!(
        "{index}: {name} ({kind}, {api}; {driver})\n   {mebibytes} MiB a buffer, {kibibytes} KiB and \
         {workgroup_threads} threads a workgroup, subgroups of {} to {} {votes}, {clock}\n",
        subgroup.0, subgroup.1
    )
}

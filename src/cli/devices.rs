//! `flatout devices`: which adapters there are, whether they can be trusted, and what they are worth.

use super::{Failure, positive, say};
use crate::bench::edges::{Measurement, Subject, Workload, standard_problem};
use crate::bench::report::Machine;
use crate::check::gpu::{AdapterDescription, Gpu, adapters, probe};
use crate::check::{AdapterChoice, CheckError};
use clap::Args;
use std::time::Duration;

/// The batch by which devices and lanes are compared: what a planner that feeds a device sends.
const BATCH: usize = 4096;
const OBSTACLES: usize = 20;
const RESOLUTION: f64 = 0.05;

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
        );
    }
    let mut subjects = Vec::new();
    let workload = Workload::new(&standard_problem(OBSTACLES)?, RESOLUTION, BATCH, 0);
    for (index, adapter) in found.iter().enumerate() {
        say(&describe(index, adapter));
        let opened = Gpu::open(&AdapterChoice::Index(index));
        let trusted = opened.and_then(|gpu| probe(&gpu).and_then(|()| workload.on_device(&gpu)));
        match trusted {
            Ok(subject) => {
                say("   known-answer probe passed\n");
                subjects.push(subject);
            }
            Err(CheckError { message, .. }) => say(&format!("   not usable: {message}\n")),
        }
    }
    if args.list {
        return Ok(());
    }
    say(&format!(
        "\n{}\nPanda among {OBSTACLES} obstacles, {RESOLUTION} m between samples:\n{}\n",
        Machine::this(),
        Measurement::HEADING
    ));
    subjects.extend([workload.best_lanes(), workload.all_threads()]);
    for mut subject in subjects {
        if let Some(measured) = measure(&workload, &mut subject, args)? {
            say(&format!("{measured}\n"));
        }
    }
    Ok(())
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
    format!(
        "{index}: {name} ({kind}, {api}; {driver})\n   {mebibytes} MiB a buffer, {kibibytes} KiB and \
         {workgroup_threads} threads a workgroup, subgroups of {} to {}, {clock}\n",
        subgroup.0, subgroup.1
    )
}

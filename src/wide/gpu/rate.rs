//! How many nearest neighbours a second a device finds.

use super::super::layout::{BEGIN, START, Slot};
use super::super::rounds::{Rounds, WideRoom};
use super::super::task::{WideOutput, WideTask};
use super::kernels::Kernels;
use super::set::{DeviceSet, SetSize, Stage, WideTraffic};
use crate::check::CheckError;
use crate::check::gpu::GpuPool;
use std::time::{Duration, Instant};

/// Queries that share a set, and how often a submission asks them all at most.
const QUERIES: u32 = 1024;
const MOST_TIMES: usize = 1 << 12;

/// Nearest neighbours that a device finds among some points in a second, measured for about `budget`.
///
/// # Errors
/// When the device fails.
pub fn nearest_rate(pool: &GpuPool, points: &[Vec<f64>], budget: Duration) -> Result<f64, CheckError> {
    let kernels = pool.gpu().keep(Kernels::new)?;
    let outputs = points.first().map_or(1, Vec::len);
    let output = WideOutput { bounds: (0.0, 1.0), weight: 1.0, reach: 1.0, seconds: [1.0, 0.0, 0.0] };
    let task = WideTask {
        problem: 0,
        outputs: vec![output; outputs],
        degree: 3,
        roots: [points.to_vec(), vec![vec![0.5; outputs]]],
        seed: 0,
        range: 1.0,
        padding: 0.0,
        clearance: 0.0,
        resolution: 1.0,
        most_samples: u64::MAX,
        time_limit: None,
        cancel: None,
    };
    let room = WideRoom { slots: QUERIES, capacity: points.len() as u32 + QUERIES };
    let rounds = Rounds::new(std::slice::from_ref(&task), room);
    let Some(mut set) = DeviceSet::new(pool, SetSize::of_rounds(&rounds))? else {
        return Err(pool.gpu().error("it has no memory for a tree"));
    };
    set.begin(&rounds)?;
    let mut traffic = WideTraffic::default();
    let mut encoder = set.encoder();
    set.record(&kernels, &mut encoder, &[Stage::Plant, Stage::Tally]);
    set.read_back(encoder, 4, &mut traffic)?;
    // Every slot asks for the nearest of the first tree's nodes to the other's root.
    let asking = Slot { phase: BEGIN, side: START, ..Slot::straight(0) };
    pool.gpu().queue().write_buffer(&set.slots, 0, bytemuck::cast_slice(&vec![asking; QUERIES as usize]));
    // The first warms up; then as often in a submission as the budget allows.
    let mut times = 1;
    loop {
        let mut stages = vec![Stage::Propose];
        stages.resize(1 + times, Stage::Nearest);
        let begun = Instant::now();
        let mut encoder = set.encoder();
        set.record(&kernels, &mut encoder, &stages);
        set.read_back(encoder, 4, &mut traffic)?;
        let took = begun.elapsed();
        if took >= budget || times >= MOST_TIMES {
            return Ok(times as f64 * f64::from(QUERIES) / took.as_secs_f64());
        }
        times *= 2;
    }
}

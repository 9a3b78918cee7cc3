//! The most arithmetic that a device does, measured, and the least that a check takes: what share of a
//! device the checks use. Imports `check::gpu::device` and `check::packed`.

use super::super::CheckError;
use super::super::packed::Packed;
use super::device::Gpu;
use super::layout;
use std::time::{Duration, Instant};
use wgpu::BufferUsages;

/// Threads of a workgroup of `multiply_add.wgsl`, and multiply-adds of a thread in each round.
const THREADS: u32 = 64;
const CHAINS: u32 = 16;

/// Rounds of a thread.
const ROUNDS: u32 = 4096;

/// A measurement lasts at least so long, so that the round trip is a small share of it.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// Measures how many multiply-adds of `f32` a device does in a second, at most: some ten milliseconds of
/// nothing else.
///
/// # Errors
/// When the device fails.
pub fn peak(gpu: &Gpu) -> Result<f64, CheckError> {
    let device = gpu.device();
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("multiply_add"),
        source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/multiply_add.wgsl").into()),
    });
    let constants = [("ROUNDS", f64::from(ROUNDS))];
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("multiply_add"),
        layout: None,
        module: &module,
        entry_point: Some("multiply_add"),
        compilation_options: wgpu::PipelineCompilationOptions { constants: &constants, ..Default::default() },
        cache: None,
    });
    let sums = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("sums"),
        size: u64::from(THREADS) * 4,
        usage: BufferUsages::STORAGE,
        mapped_at_creation: false,
    });
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("multiply_add"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: sums.as_entire_binding() }],
    });
    let seconds = |groups: u32| -> Result<Duration, CheckError> {
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(groups, 1, 1);
        drop(pass);
        let started = Instant::now();
        gpu.wait(gpu.queue().submit([encoder.finish()]))?;
        Ok(started.elapsed())
    };
    let most = gpu.limits().max_compute_workgroups_per_dimension;
    // The first also warms up.
    let mut groups = 8;
    seconds(groups)?;
    loop {
        let took = seconds(groups)?;
        if took >= LONG_ENOUGH || groups == most {
            let done = f64::from(groups) * f64::from(THREADS) * f64::from(CHAINS) * f64::from(ROUNDS);
            return Ok(done / took.as_secs_f64());
        }
        groups = groups.saturating_mul(2).min(most);
    }
}

/// The least multiply-adds that the check of one valid state takes, counted in the shaders: every body
/// placed, the bound of every moving link tested against every obstacle, every pair of links, every
/// limit but efforts. Tests of single spheres come on top. `None` where the world has a hierarchy: then it
/// depends on where the robot is.
pub(super) fn least_work(packed: &Packed) -> Option<f64> {
    const BODY: usize = 61;
    const LINK: usize = 15;
    const OBSTACLE: usize = 12;
    const PAIR: usize = 3;
    const OUTPUT: usize = 8;
    let bodies = BODY * (packed.bodies.len() - 1);
    let links = packed.moving_links * (LINK + OBSTACLE * packed.world.len());
    let work = bodies + links + PAIR * packed.pairs.len() + OUTPUT * packed.dof();
    (!layout::walks(packed)).then_some(work as f64)
}

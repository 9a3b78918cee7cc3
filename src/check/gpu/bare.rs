//! A dispatch that does nothing, with its read-back: the least that any round trip takes, by which
//! the backend's own is judged. Imports `check::gpu::device`.

use super::super::CheckError;
use super::device::Gpu;
use wgpu::BufferUsages;

/// Bytes that are read back: a report of no verdicts takes as many.
const BYTES: u64 = 16;

/// Makes round trips that do nothing.
pub struct BareTrip {
    gpu: Gpu,
    pipeline: wgpu::ComputePipeline,
    trips: wgpu::Buffer,
    download: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
}

impl BareTrip {
    /// On this device.
    ///
    /// # Errors
    /// When it fails.
    pub fn new(gpu: &Gpu) -> Result<Self, CheckError> {
        let device = gpu.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("nothing"),
            source: wgpu::ShaderSource::Wgsl(include_str!("../../../shaders/nothing.wgsl").into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("nothing"),
            layout: None,
            module: &module,
            entry_point: Some("nothing"),
            compilation_options: Default::default(),
            cache: None,
        });
        let buffer = |label, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: BYTES,
                usage,
                mapped_at_creation: false,
            })
        };
        let trips = buffer("trips", BufferUsages::STORAGE | BufferUsages::COPY_SRC);
        let download = buffer("download", BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("nothing"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: trips.as_entire_binding() }],
        });
        gpu.health()?;
        Ok(Self { gpu: gpu.clone(), pipeline, trips, download, bind_group })
    }

    /// There and back; gives how many trips there have been.
    ///
    /// # Errors
    /// When the device fails.
    pub fn make(&mut self) -> Result<u32, CheckError> {
        let gpu = &self.gpu;
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(1, 1, 1);
        drop(pass);
        encoder.copy_buffer_to_buffer(&self.trips, 0, &self.download, 0, BYTES);
        let submission = gpu.queue().submit([encoder.finish()]);
        self.download.map_async(wgpu::MapMode::Read, 0..BYTES, |_| {});
        gpu.wait(submission)?;
        let view = self.download.get_mapped_range(0..BYTES).map_err(|e| gpu.error(e.to_string()))?;
        let trips = bytemuck::pod_read_unaligned::<u32>(&view[..4]);
        drop(view);
        self.download.unmap();
        Ok(trips)
    }
}

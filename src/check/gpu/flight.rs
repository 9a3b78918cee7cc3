//! The buffers of one batch on its way to the device and back: made once, grown when a batch needs
//! more, and used again and again. Imports `check::gpu::device` and `layout`.

use super::super::{CheckError, Verdict};
use super::device::{Gpu, PATIENCE};
use super::layout::REPORT_HEADER;
use std::mem::size_of;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use wgpu::BufferUsages;

/// Smallest buffer, bytes: room for some thirty edges of an arm.
const SMALLEST: u64 = 4096;

/// Bytes of two timestamps.
const TIMESTAMPS: u64 = 16;

/// One batch's buffers.
pub(super) struct Flight {
    /// Mapped for writing whenever the flight is idle.
    upload: wgpu::Buffer,
    batch: wgpu::Buffer,
    report: wgpu::Buffer,
    download: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    clock: Option<Clock>,
    mappings: Arc<Mappings>,
    /// What is under way.
    pub under_way: Option<UnderWay>,
    /// The device's count of examined states when the last batch was collected.
    counted: u32,
}

pub(super) struct UnderWay {
    submission: wgpu::SubmissionIndex,
    count: usize,
    /// Bytes that come down.
    down: u64,
}

/// Times a pass on the device.
struct Clock {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
}

/// How the mappings of both buffers went. Any thread that waits for the device may be the one that
/// is told, and so later than another that waited too.
#[derive(Default)]
struct Mappings {
    /// Still to be heard of, and whether all others succeeded.
    state: Mutex<(usize, bool)>,
    heard: Condvar,
}

impl Mappings {
    fn begin(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = (2, true);
    }

    fn end(&self, success: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = (state.0.saturating_sub(1), state.1 && success);
        self.heard.notify_all();
    }

    /// Waits for both, of which the device is known to be done.
    fn succeed(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |state: &mut (usize, bool)| state.0 > 0;
        let heard = self.heard.wait_timeout_while(state, PATIENCE, missing);
        let (state, _) = heard.unwrap_or_else(PoisonError::into_inner);
        *state == (0, true)
    }
}

/// What came back.
pub(super) struct Landed {
    /// States that the device examined.
    pub states: u64,
    /// Bytes that came down.
    pub bytes: u64,
    /// How long the device worked; zero unless timed.
    pub gpu_time: Duration,
}

/// Bytes of a report with `count` verdicts; even an empty one has a place for a verdict, since no
/// binding may be empty.
fn report_bytes(count: usize) -> u64 {
    (REPORT_HEADER + size_of::<Verdict>() * count.max(1)) as u64
}

fn clock_offset(count: usize) -> u64 {
    report_bytes(count).next_multiple_of(8)
}

impl Flight {
    /// A flight with room for `bytes` of batch and `count` verdicts. `tables` are the buffers that
    /// all batches of a problem share: those before `batch` and those after `report`.
    pub(super) fn new(
        gpu: &Gpu,
        layout: &wgpu::BindGroupLayout,
        tables: &Tables,
        bytes: u64,
        count: usize,
        timed: bool,
    ) -> Self {
        let most = gpu.limits().max_storage_buffer_binding_size;
        let room = |bytes: u64| bytes.next_power_of_two().clamp(SMALLEST, most.max(SMALLEST)).max(bytes);
        let (batch_bytes, report_room) = (room(bytes), room(report_bytes(count)));
        let buffer = |label, size, usage, mapped_at_creation| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation,
            })
        };
        let upload = buffer("upload", batch_bytes, BufferUsages::MAP_WRITE | BufferUsages::COPY_SRC, true);
        let batch = buffer("batch", batch_bytes, BufferUsages::STORAGE | BufferUsages::COPY_DST, false);
        let report_usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let report = buffer("report", report_room, report_usage, false);
        let download_room = report_room + 8 + TIMESTAMPS;
        let download =
            buffer("download", download_room, BufferUsages::MAP_READ | BufferUsages::COPY_DST, false);
        let clock = timed.then(|| Clock {
            queries: gpu.device().create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("clock"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(
                "clock",
                TIMESTAMPS,
                BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC,
                false,
            ),
        });
        let bind_group = tables.bind(gpu, layout, &batch, &report);
        Self {
            upload,
            batch,
            report,
            download,
            bind_group,
            clock,
            mappings: Arc::default(),
            under_way: None,
            counted: 0,
        }
    }

    /// Whether a batch of `bytes` with `count` verdicts fits, timed or not.
    pub(super) fn fits(&self, bytes: u64, count: usize, timed: bool) -> bool {
        bytes <= self.batch.size()
            && report_bytes(count) <= self.report.size()
            && timed == self.clock.is_some()
    }

    /// Sends `parts` one behind the other as a batch of `count`, and has `groups` workgroups of a
    /// kernel check them.
    pub(super) fn take_off(
        &mut self,
        gpu: &Gpu,
        pipeline: &wgpu::ComputePipeline,
        label: &str,
        parts: &[&[u8]],
        count: usize,
        groups: u32,
    ) -> Result<(), CheckError> {
        let bytes = self.load(gpu, parts)?;
        let mut encoder =
            gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) });
        encoder.copy_buffer_to_buffer(&self.upload, 0, &self.batch, 0, bytes);
        let clock = self.clock.as_ref();
        let timestamp_writes = clock.map(|clock| wgpu::ComputePassTimestampWrites {
            query_set: &clock.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(label), timestamp_writes });
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(groups, 1, 1);
        drop(pass);
        let mut down = report_bytes(count);
        encoder.copy_buffer_to_buffer(&self.report, 0, &self.download, 0, down);
        if let Some(clock) = clock {
            encoder.resolve_query_set(&clock.queries, 0..2, &clock.resolved, 0);
            encoder.copy_buffer_to_buffer(
                &clock.resolved,
                0,
                &self.download,
                clock_offset(count),
                TIMESTAMPS,
            );
            down = clock_offset(count) + TIMESTAMPS;
        }
        let submission = gpu.queue().submit([encoder.finish()]);
        self.mappings.begin();
        self.map(&self.download, wgpu::MapMode::Read, down);
        self.map(&self.upload, wgpu::MapMode::Write, self.upload.size());
        self.under_way = Some(UnderWay { submission, count, down });
        Ok(())
    }

    /// Writes the parts to the upload buffer and says how many bytes they are.
    fn load(&self, gpu: &Gpu, parts: &[&[u8]]) -> Result<u64, CheckError> {
        gpu.health()?;
        let mut view = self.upload.get_mapped_range_mut(..).map_err(|e| gpu.error(e.to_string()))?;
        let mut at = 0;
        for part in parts {
            view.slice(at..at + part.len()).copy_from_slice(part);
            at += part.len();
        }
        drop(view);
        self.upload.unmap();
        Ok(at as u64)
    }

    fn map(&self, buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) {
        let mappings = self.mappings.clone();
        buffer.map_async(mode, 0..bytes, move |result| mappings.end(result.is_ok()));
    }

    /// Waits for the batch and appends its verdicts.
    pub(super) fn land(&mut self, gpu: &Gpu, verdicts: &mut Vec<Verdict>) -> Result<Landed, CheckError> {
        let Some(UnderWay { submission, count, down }) = self.under_way.take() else {
            return Err(gpu.error("no batch is under way"));
        };
        gpu.wait(submission)?;
        if !self.mappings.succeed() {
            return Err(gpu.error("the verdicts cannot be read back"));
        }
        let view = self.download.get_mapped_range(0..down).map_err(|e| gpu.error(e.to_string()))?;
        let states = bytemuck::pod_read_unaligned::<u32>(&view[..REPORT_HEADER]);
        let end = REPORT_HEADER + count * size_of::<Verdict>();
        let (first, rest) = (verdicts.len(), view[REPORT_HEADER..end].chunks_exact(size_of::<Verdict>()));
        verdicts.extend(rest.map(bytemuck::pod_read_unaligned::<Verdict>));
        let gpu_time = self.clock.as_ref().map_or(Duration::ZERO, |_| {
            let at = clock_offset(count) as usize;
            let [begin, end] = bytemuck::pod_read_unaligned::<[u64; 2]>(&view[at..at + TIMESTAMPS as usize]);
            let ticks = end.saturating_sub(begin) as f64;
            Duration::from_nanos((ticks * f64::from(gpu.queue().get_timestamp_period())) as u64)
        });
        drop(view);
        self.download.unmap();
        if !verdicts[first..].iter().all(Verdict::is_sound) {
            return Err(gpu.error("a verdict came back that no stage gives"));
        }
        let examined = u64::from(states.wrapping_sub(self.counted));
        let landed = Landed { states: examined, bytes: down, gpu_time };
        self.counted = states;
        Ok(landed)
    }

    /// Overwrites the report with bytes that no stage writes.
    #[cfg(test)]
    pub(super) fn poison(&mut self, gpu: &Gpu) {
        let bytes = vec![0xa5; self.report.size() as usize];
        gpu.queue().write_buffer(&self.report, 0, &bytes);
        self.counted = 0xa5a5_a5a5;
    }
}

/// The buffers that all batches of a problem share.
pub(super) struct Tables {
    /// Bindings 0 to 4.
    pub before: Vec<wgpu::Buffer>,
    /// Binding 7: the threads' words, where a buffer holds them.
    pub words: Option<wgpu::Buffer>,
}

impl Tables {
    fn bind(
        &self,
        gpu: &Gpu,
        layout: &wgpu::BindGroupLayout,
        batch: &wgpu::Buffer,
        report: &wgpu::Buffer,
    ) -> wgpu::BindGroup {
        let buffers = self.before.iter().chain([batch, report]).chain(&self.words);
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("check"),
            layout,
            entries: &entries,
        })
    }
}

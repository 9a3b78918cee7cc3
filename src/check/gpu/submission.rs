//! The buffers of one submission on its way to the device and back: made once, and used again and
//! again. Imports `check::gpu::device` and `layout`.

use super::super::{CheckError, Verdict};
use super::device::{Gpu, PATIENCE, Pipelines};
use super::layout::{BatchHeader, Head, ROW};
use std::mem::size_of;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use wgpu::BufferUsages;

/// Bytes of two timestamps.
const TIMESTAMPS: u64 = 16;

/// Bytes of a verdict.
const VERDICT: u64 = size_of::<Verdict>() as u64;

/// What a submission holds, or has room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BatchRoom {
    /// Edges or states: so many heads and verdicts.
    pub heads: usize,
    /// Rows of polynomials and durations.
    pub rows: usize,
}

impl BatchRoom {
    pub(super) fn holds(self, other: Self) -> bool {
        self.heads >= other.heads && self.rows >= other.rows
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { heads: self.heads + other.heads, rows: self.rows + other.rows }
    }

    /// The least that holds both.
    pub(super) fn around(self, other: Self) -> Self {
        Self { heads: self.heads.max(other.heads), rows: self.rows.max(other.rows) }
    }

    /// The most that fits in both.
    pub(super) fn within(self, other: Self) -> Self {
        Self { heads: self.heads.min(other.heads), rows: self.rows.min(other.rows) }
    }

    /// Bytes of a batch.
    pub(super) fn bytes(self) -> u64 {
        (ROW + self.heads * size_of::<Head>() + self.rows * ROW) as u64
    }

    /// Bytes of the verdicts; even of none there is a place for one, since no binding may be empty.
    fn verdict_bytes(self) -> u64 {
        VERDICT * self.heads.max(1) as u64
    }
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    Edges = 0,
    States = 1,
}

/// Where a submission is.
pub(super) enum Phase {
    /// Empty.
    Idle,
    /// Taking clients enqueued.
    Loading,
    /// Submitted; `true` when somebody waits for the device.
    UnderWay(wgpu::SubmissionIndex, bool),
    /// Back, until the last client has read its verdicts.
    Done,
    /// Lost.
    Failed(CheckError),
}

/// One submission's buffers, and what is enqueued.
pub(super) struct Submission {
    buffers: Arc<Buffers>,
    room: BatchRoom,
    clock: Option<SubmissionClock>,
    pub phase: Phase,
    pub kernel: Kernel,
    /// What is enqueued.
    pub load: BatchRoom,
    /// Riders that still write.
    pub writers: usize,
    /// Riders that have not yet read their verdicts.
    pub clients: usize,
    /// When it was opened, counted in submissions.
    pub number: u64,
    /// Tells the clients that the phase has changed.
    pub changed: Arc<Condvar>,
}

/// The buffers themselves, which clients hold on to while others join and leave.
pub(super) struct Buffers {
    /// Mapped for writing whenever the submission is idle or loading.
    upload: wgpu::Buffer,
    batch: wgpu::Buffer,
    report: wgpu::Buffer,
    download: wgpu::Buffer,
    bind_group: wgpu::BindGroup,
    mappings: Arc<Mappings>,
}

/// Times a pass on the device.
struct SubmissionClock {
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

impl Buffers {
    /// Waits for a submission, until its verdicts can be read.
    pub(super) fn wait(&self, gpu: &Gpu, submission: wgpu::SubmissionIndex) -> Result<(), CheckError> {
        gpu.wait(submission)?;
        if self.mappings.succeed() { Ok(()) } else { Err(gpu.error("the verdicts cannot be read back")) }
    }

    /// Writes a client's heads and rows to their places among all enqueued.
    pub(super) fn write(
        &self,
        gpu: &Gpu,
        room: BatchRoom,
        seat: BatchRoom,
        heads: &[Head],
        parts: &[&[u8]],
    ) -> Result<(), CheckError> {
        let mut at = (ROW + size_of::<Head>() * seat.heads) as u64;
        self.write_at(gpu, &mut at, bytemuck::cast_slice(heads))?;
        let mut at = (ROW + size_of::<Head>() * room.heads + ROW * seat.rows) as u64;
        parts.iter().try_for_each(|part| self.write_at(gpu, &mut at, part))
    }

    fn write_at(&self, gpu: &Gpu, at: &mut u64, bytes: &[u8]) -> Result<(), CheckError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let end = *at + bytes.len() as u64;
        let view = self.upload.get_mapped_range_mut(*at..end);
        view.map_err(|e| gpu.error(e.to_string()))?.copy_from_slice(bytes);
        *at = end;
        Ok(())
    }

    /// Appends the verdicts of a client; gives how many samples they took.
    pub(super) fn read(
        &self,
        gpu: &Gpu,
        first: usize,
        count: usize,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<u64, CheckError> {
        if count == 0 {
            return Ok(0);
        }
        let range = VERDICT * first as u64..VERDICT * (first + count) as u64;
        let view = self.download.get_mapped_range(range).map_err(|e| gpu.error(e.to_string()))?;
        let mut examined = 0;
        for bytes in view.chunks_exact(VERDICT as usize) {
            let (verdict, samples) = bytemuck::pod_read_unaligned::<Verdict>(bytes)
                .with_samples()
                .ok_or_else(|| gpu.error("a verdict came back that no stage gives"))?;
            examined += u64::from(samples);
            verdicts.push(verdict);
        }
        Ok(examined)
    }

    fn map(&self, buffer: &wgpu::Buffer, mode: wgpu::MapMode, bytes: u64) {
        let mappings = self.mappings.clone();
        buffer.map_async(mode, 0..bytes, move |result| mappings.end(result.is_ok()));
    }
}

impl Submission {
    /// An idle submission with so much room. `tables` are the buffers that all submissions share.
    pub(super) fn new(
        gpu: &Gpu,
        layout: &wgpu::BindGroupLayout,
        tables: &SharedBuffers,
        room: BatchRoom,
        timed: bool,
    ) -> Self {
        let buffer = |label, size, usage, mapped_at_creation| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size,
                usage,
                mapped_at_creation,
            })
        };
        let (up, down) = (room.bytes(), room.verdict_bytes());
        let upload = buffer("upload", up, BufferUsages::MAP_WRITE | BufferUsages::COPY_SRC, true);
        let batch = buffer("batch", up, BufferUsages::STORAGE | BufferUsages::COPY_DST, false);
        let report_usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let report = buffer("report", down, report_usage, false);
        let download_usage = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let download = buffer("download", down + TIMESTAMPS, download_usage, false);
        let clock = timed.then(|| SubmissionClock {
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
            buffers: Arc::new(Buffers {
                upload,
                batch,
                report,
                download,
                bind_group,
                mappings: Arc::default(),
            }),
            room,
            clock,
            phase: Phase::Idle,
            kernel: Kernel::Edges,
            load: BatchRoom::default(),
            writers: 0,
            clients: 0,
            number: 0,
            changed: Arc::default(),
        }
    }

    pub(super) fn buffers(&self) -> Arc<Buffers> {
        self.buffers.clone()
    }

    pub(super) fn room(&self) -> BatchRoom {
        self.room
    }

    /// Whether it is idle and may be opened for a batch that asks for so much.
    pub(super) fn suits(&self, room: BatchRoom, timed: bool) -> bool {
        self.is_idle() && self.room.holds(room) && timed == self.clock.is_some()
    }

    pub(super) fn is_loading(&self) -> bool {
        matches!(self.phase, Phase::Loading)
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    /// Whether all enqueued have written.
    pub(super) fn is_ready(&self) -> bool {
        self.is_loading() && self.clients > 0 && self.writers == 0
    }

    /// Submits what is enqueued to `pipelines`, in at most `most_groups` workgroups of `threads`;
    /// gives how many bytes go up and will come down.
    pub(super) fn submit_to(
        &mut self,
        gpu: &Gpu,
        pipelines: &Pipelines,
        threads: u32,
        most_groups: u32,
    ) -> Result<(u64, u64), CheckError> {
        gpu.health()?;
        let Buffers { upload, batch, report, download, bind_group, mappings } = &*self.buffers;
        let header = BatchHeader::new(self.load.heads);
        self.buffers.write_at(gpu, &mut 0, bytemuck::bytes_of(&header))?;
        upload.unmap();
        let (pipeline, label, per_group) = match self.kernel {
            Kernel::Edges => (&pipelines.edges, "check_edges", 1),
            Kernel::States => (&pipelines.states, "check_states", threads),
        };
        let mut encoder =
            gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(label) });
        let heads = BatchRoom { rows: 0, ..self.load }.bytes();
        let rows_at = BatchRoom { rows: 0, ..self.room }.bytes();
        let rows = (ROW * self.load.rows) as u64;
        encoder.copy_buffer_to_buffer(upload, 0, batch, 0, heads);
        if rows > 0 {
            encoder.copy_buffer_to_buffer(upload, rows_at, batch, rows_at, rows);
        }
        let timestamp_writes = self.clock.as_ref().map(|clock| wgpu::ComputePassTimestampWrites {
            query_set: &clock.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        });
        let mut pass =
            encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some(label), timestamp_writes });
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, bind_group, &[]);
        let groups = (self.load.heads as u32).div_ceil(per_group).clamp(1, most_groups);
        pass.dispatch_workgroups(groups, 1, 1);
        drop(pass);
        let mut down = self.load.verdict_bytes();
        encoder.copy_buffer_to_buffer(report, 0, download, 0, down);
        if let Some(clock) = &self.clock {
            encoder.resolve_query_set(&clock.queries, 0..2, &clock.resolved, 0);
            encoder.copy_buffer_to_buffer(&clock.resolved, 0, download, down, TIMESTAMPS);
            down += TIMESTAMPS;
        }
        let submission = gpu.queue().submit([encoder.finish()]);
        mappings.begin();
        self.buffers.map(download, wgpu::MapMode::Read, down);
        self.buffers.map(upload, wgpu::MapMode::Write, upload.size());
        self.phase = Phase::UnderWay(submission, false);
        Ok((heads + rows, down))
    }

    /// How long the device worked on what has landed; zero unless timed.
    pub(super) fn gpu_time(&self, gpu: &Gpu) -> Duration {
        if self.clock.is_none() {
            return Duration::ZERO;
        }
        let at = self.load.verdict_bytes();
        let Ok(view) = self.buffers.download.get_mapped_range(at..at + TIMESTAMPS) else {
            return Duration::ZERO;
        };
        let [begin, end] = bytemuck::pod_read_unaligned::<[u64; 2]>(&view);
        let ticks = end.saturating_sub(begin) as f64;
        Duration::from_nanos((ticks * f64::from(gpu.queue().get_timestamp_period())) as u64)
    }

    /// Makes a submission that has landed, and that all have left, ready for the next.
    pub(super) fn empty(&mut self) {
        self.buffers.download.unmap();
        self.load = BatchRoom::default();
        self.phase = Phase::Idle;
    }

    /// Overwrites the report with bytes that no stage writes.
    #[cfg(test)]
    pub(super) fn poison(&self, gpu: &Gpu) {
        let bytes = vec![0xa5; self.buffers.report.size() as usize];
        gpu.queue().write_buffer(&self.buffers.report, 0, &bytes);
    }
}

/// The buffers that all submissions share.
pub(super) struct SharedBuffers {
    /// Bindings 0 to 4.
    pub tables: [wgpu::Buffer; 5],
    /// Binding 7: the threads' words, where a buffer holds them.
    pub words: Option<wgpu::Buffer>,
}

impl SharedBuffers {
    pub(super) fn bind(
        &self,
        gpu: &Gpu,
        layout: &wgpu::BindGroupLayout,
        batch: &wgpu::Buffer,
        report: &wgpu::Buffer,
    ) -> wgpu::BindGroup {
        let buffers = self.tables.iter().chain([batch, report]).chain(&self.words);
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

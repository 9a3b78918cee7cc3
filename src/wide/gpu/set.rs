//! The buffers of a set of searches on a device, and what is submitted to them.

use super::super::layout::{Search, Slot};
use super::super::rounds::{Rounds, WideRoom};
use super::super::task::WideSettings;
use super::kernels::Kernels;
use crate::check::gpu::{EdgeStage, Gpu, GpuPool};
use crate::check::packed::{COEFFICIENT_ROW, coefficient_stride};
use crate::check::{CheckError, Verdict};
use std::mem::size_of;
use std::sync::mpsc::channel;
use wgpu::BufferUsages;

/// Bytes of a row of a batch, and rows of the head of an edge.
const ROW: u64 = 16;
const HEAD_ROWS: u64 = 2;

/// Words of what `tally` writes: three for each of four dispatches; behind them the most workgroups of the check.
const DISPATCHES: u64 = 4;
const DISPATCH_WORDS: u64 = 3;
const WORD: u64 = size_of::<u32>() as u64;

/// What has gone to a device and come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WideTraffic {
    /// Submissions.
    pub submissions: u64,
    /// Rounds in them.
    pub rounds: u64,
    /// Bytes read back.
    pub down: u64,
    /// Sets of buffers that were made; stands still once the largest has been seen.
    pub buffers: u64,
}

/// How much a set's buffers hold: searches, and bytes of each of its buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetSize {
    searches: u64,
    slots: u64,
    tables: u64,
    arena: u64,
    edge_rows: u64,
    failures: u64,
    path_words: u64,
}

impl SetSize {
    /// That of some searches with so many outputs.
    pub(super) fn of(searches: u64, room: WideRoom, outputs: usize) -> Self {
        let (slots, capacity, outputs) = (u64::from(room.slots), u64::from(room.capacity), outputs as u64);
        // Of the greater degree.
        let rows = (coefficient_stride(5) / COEFFICIENT_ROW) as u64;
        Self {
            searches,
            slots: searches * slots,
            tables: 0,
            arena: searches * (2 * capacity * (outputs + 2) + slots * outputs),
            edge_rows: outputs * rows,
            failures: searches * 2 * capacity,
            path_words: 2 + u64::from(WideSettings::DEFAULT.most_knots) * outputs,
        }
    }

    pub(super) fn of_rounds(rounds: &Rounds) -> Self {
        let first = rounds.searches.first();
        let number = |of: fn(&Search) -> u32| first.map_or(0, of).into();
        Self {
            searches: rounds.searches.len() as u64,
            slots: rounds.slots.len() as u64,
            tables: rounds.tables.len() as u64,
            arena: rounds.arena.len() as u64,
            edge_rows: number(|search| search.edge_rows),
            failures: rounds.failures.len() as u64,
            path_words: number(|search| search.path_words),
        }
    }

    /// The least that has room for both.
    pub(super) fn around(self, other: Self) -> Self {
        Self {
            searches: self.searches.max(other.searches),
            slots: self.slots.max(other.slots),
            tables: self.tables.max(other.tables),
            arena: self.arena.max(other.arena),
            edge_rows: self.edge_rows.max(other.edge_rows),
            failures: self.failures.max(other.failures),
            path_words: self.path_words.max(other.path_words),
        }
    }

    fn batch(self) -> u64 {
        ROW + self.slots * ROW * (HEAD_ROWS + self.edge_rows)
    }

    fn paths(self) -> u64 {
        self.searches * self.path_words * WORD
    }

    /// Bytes of the largest of its buffers.
    pub(super) fn largest(self) -> u64 {
        (self.arena * WORD).max(self.batch()).max(self.paths())
    }
}

/// Buffers of a set on a device.
pub(super) struct DeviceSet {
    gpu: Gpu,
    size: SetSize,
    /// Of the searches that are in it now.
    in_use: SetSize,
    is_new: bool,
    tables: wgpu::Buffer,
    pub(super) searches: wgpu::Buffer,
    pub(super) slots: wgpu::Buffer,
    pub(super) arena: wgpu::Buffer,
    pub(super) batch: wgpu::Buffer,
    pub(super) verdicts: wgpu::Buffer,
    pub(super) failures: wgpu::Buffer,
    paths: wgpu::Buffer,
    /// How many workgroups the stages of a round take.
    dispatches: wgpu::Buffer,
    download: wgpu::Buffer,
    check: EdgeStage,
    /// Bound to what is in use: by `tally` with the dispatches, by the others with the paths.
    bound: Option<[wgpu::BindGroup; 2]>,
}

impl DeviceSet {
    /// Buffers for a set; `None` where the device has no memory for them.
    pub(super) fn new(pool: &GpuPool, size: SetSize) -> Result<Option<Self>, CheckError> {
        let gpu = pool.gpu();
        let memory = gpu.device().push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let buffer = |label, bytes: u64, usage| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: bytes.max(ROW).next_multiple_of(ROW),
                usage,
                mapped_at_creation: false,
            })
        };
        let storage = BufferUsages::STORAGE | BufferUsages::COPY_DST | BufferUsages::COPY_SRC;
        let batch = buffer("wide batch", size.batch(), storage);
        let verdicts = buffer("wide verdicts", size.slots * size_of::<Verdict>() as u64, storage);
        let searches_bytes = size.searches * size_of::<Search>() as u64;
        let searches = buffer("searches", searches_bytes, storage);
        let tables = buffer("wide tables", size.tables * WORD, storage);
        let slots = buffer("slots", size.slots * size_of::<Slot>() as u64, storage);
        let arena = buffer("trees", size.arena * WORD, storage);
        let failures = buffer("failures", size.failures * WORD, storage);
        let paths = buffer("paths", size.paths(), storage);
        let words = DISPATCHES * DISPATCH_WORDS + 1;
        let dispatches = buffer("dispatches", words * WORD, storage | BufferUsages::INDIRECT);
        let down = searches_bytes.max(size.paths());
        let download = buffer("wide download", down, BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        // Nothing may be bound that there is no memory for.
        if pollster::block_on(memory.pop()).is_some() {
            gpu.health()?;
            return Ok(None);
        }
        let check = pool.edge_stage(&batch, &verdicts);
        gpu.health()?;
        Ok(Some(Self {
            gpu: gpu.clone(),
            size,
            in_use: size,
            is_new: true,
            tables,
            searches,
            slots,
            arena,
            batch,
            verdicts,
            failures,
            paths,
            dispatches,
            download,
            check,
            bound: None,
        }))
    }

    /// What it has room for.
    pub(super) fn size(&self) -> SetSize {
        self.size
    }

    /// Takes searches in that have not begun.
    pub(super) fn begin(&mut self, rounds: &Rounds) -> Result<(), CheckError> {
        self.in_use = SetSize::of_rounds(rounds);
        self.gpu.queue().write_buffer(&self.tables, 0, bytemuck::cast_slice(&rounds.tables));
        self.gpu.queue().write_buffer(&self.searches, 0, bytemuck::cast_slice(&rounds.searches));
        let groups = [self.check.most_groups];
        let at = DISPATCHES * DISPATCH_WORDS * WORD;
        self.gpu.queue().write_buffer(&self.dispatches, at, bytemuck::cast_slice(&groups));
        self.is_new = true;
        self.bound = None;
        self.gpu.health()
    }

    /// The buffers bound for the kernels; `searches` alone has just what is in use, as its length tells their number.
    fn bind(&mut self, kernels: &Kernels) {
        if self.bound.is_some() {
            return;
        }
        let searches = wgpu::BufferBinding {
            buffer: &self.searches,
            offset: 0,
            size: std::num::NonZeroU64::new(self.in_use.searches * size_of::<Search>() as u64),
        };
        let of = |report: &wgpu::Buffer| {
            let resources = [
                self.tables.as_entire_binding(),
                wgpu::BindingResource::Buffer(searches.clone()),
                self.slots.as_entire_binding(),
                self.arena.as_entire_binding(),
                self.batch.as_entire_binding(),
                self.verdicts.as_entire_binding(),
                self.failures.as_entire_binding(),
                report.as_entire_binding(),
            ];
            let entries: Vec<_> = (0..)
                .zip(resources)
                .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
                .collect();
            self.gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("wide"),
                layout: &kernels.layout,
                entries: &entries,
            })
        };
        self.bound = Some([of(&self.paths), of(&self.dispatches)]);
    }

    /// Records some stages, in order.
    pub(super) fn record(&mut self, kernels: &Kernels, encoder: &mut wgpu::CommandEncoder, stages: &[Stage]) {
        self.bind(kernels);
        let Some([with_paths, with_dispatches]) = &self.bound else { return };
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let searches = self.in_use.searches as u32;
        let indirect = |i: u64| i * DISPATCH_WORDS * WORD;
        for stage in stages {
            pass.set_bind_group(0, with_paths, &[]);
            match stage {
                Stage::Plant => {
                    pass.set_pipeline(&kernels.plant);
                    pass.dispatch_workgroups(searches, 1, 1);
                }
                Stage::Propose => {
                    pass.set_pipeline(&kernels.propose);
                    pass.dispatch_workgroups_indirect(&self.dispatches, indirect(0));
                }
                Stage::Nearest => {
                    pass.set_pipeline(&kernels.nearest);
                    pass.dispatch_workgroups_indirect(&self.dispatches, indirect(1));
                }
                Stage::Steer => {
                    pass.set_pipeline(&kernels.steer);
                    pass.dispatch_workgroups_indirect(&self.dispatches, indirect(0));
                }
                Stage::Check => {
                    pass.set_pipeline(&self.check.pipeline);
                    pass.set_bind_group(0, &self.check.bind_group, &[]);
                    pass.dispatch_workgroups_indirect(&self.dispatches, indirect(2));
                }
                Stage::Append => {
                    pass.set_pipeline(&kernels.append);
                    pass.dispatch_workgroups_indirect(&self.dispatches, indirect(3));
                }
                Stage::Tally => {
                    pass.set_pipeline(&kernels.tally);
                    pass.set_bind_group(0, with_dispatches, &[]);
                    pass.dispatch_workgroups(1, 1, 1);
                }
                Stage::Trace => {
                    pass.set_pipeline(&kernels.trace);
                    pass.dispatch_workgroups(searches, 1, 1);
                }
            }
        }
    }

    /// Has the device do so many rounds, and tells what has come of the searches.
    pub(super) fn submit(
        &mut self,
        kernels: &Kernels,
        rounds: u32,
        traffic: &mut WideTraffic,
    ) -> Result<Vec<Search>, CheckError> {
        let mut encoder = self.encoder();
        if std::mem::take(&mut self.is_new) {
            self.record(kernels, &mut encoder, &[Stage::Plant, Stage::Tally]);
        }
        for _ in 0..rounds {
            self.record(kernels, &mut encoder, &Stage::ROUND);
        }
        self.record(kernels, &mut encoder, &[Stage::Trace]);
        let bytes = self.in_use.searches * size_of::<Search>() as u64;
        encoder.copy_buffer_to_buffer(&self.searches, 0, &self.download, 0, bytes);
        traffic.rounds += u64::from(rounds);
        let read = self.read_back(encoder, bytes, traffic)?;
        Ok(bytemuck::pod_collect_to_vec(&read))
    }

    /// The paths of some searches that are solved; `None` for what has too many states.
    pub(super) fn paths(
        &mut self,
        solved: &[usize],
        searches: &[Search],
        traffic: &mut WideTraffic,
    ) -> Result<Vec<Option<Path>>, CheckError> {
        if solved.is_empty() {
            return Ok(Vec::new());
        }
        let record = self.in_use.path_words * WORD;
        let mut encoder = self.encoder();
        for (i, &s) in solved.iter().enumerate() {
            let (from, to) = (s as u64 * record, i as u64 * record);
            encoder.copy_buffer_to_buffer(&self.paths, from, &self.download, to, record);
        }
        let read = self.read_back(encoder, solved.len() as u64 * record, traffic)?;
        let records = read.chunks_exact(record as usize);
        Ok(records.zip(solved).map(|(record, &s)| path_of(record, &searches[s])).collect())
    }

    pub(super) fn encoder(&self) -> wgpu::CommandEncoder {
        self.gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("wide") })
    }

    /// Submits, waits, and gives the first bytes of what was downloaded.
    pub(super) fn read_back(
        &self,
        encoder: wgpu::CommandEncoder,
        bytes: u64,
        traffic: &mut WideTraffic,
    ) -> Result<Vec<u8>, CheckError> {
        let gpu = &self.gpu;
        gpu.health()?;
        let submission = gpu.queue().submit([encoder.finish()]);
        traffic.submissions += 1;
        traffic.down += bytes;
        let (told, heard) = channel();
        self.download.map_async(wgpu::MapMode::Read, 0..bytes, move |result| {
            // Whoever waits may have given up.
            let _ = told.send(result.is_ok());
        });
        gpu.wait(submission)?;
        if heard.recv() != Ok(true) {
            return Err(gpu.error("what came of the searches cannot be read back"));
        }
        let view = self.download.get_mapped_range(0..bytes).map_err(|e| gpu.error(e.to_string()))?;
        let read = view.to_vec();
        drop(view);
        self.download.unmap();
        Ok(read)
    }

    #[cfg(test)]
    pub(super) fn download_size(&self) -> u64 {
        self.download.size()
    }

    /// Records a copy of part of a buffer to where it can be read back.
    #[cfg(test)]
    pub(super) fn copy_down(&self, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, at: u64, bytes: u64) {
        encoder.copy_buffer_to_buffer(buffer, at, &self.download, 0, bytes);
    }

    /// Overwrites all that the stages write with bytes that none of them writes.
    #[cfg(test)]
    pub(super) fn poison(&self) {
        let written = [&self.slots, &self.arena, &self.batch, &self.verdicts, &self.failures, &self.paths];
        for buffer in written {
            self.gpu.queue().write_buffer(buffer, 0, &vec![0xa5; buffer.size() as usize]);
        }
    }
}

/// Positions from a root of the start to one of the goals, and how many are of the start's tree.
pub(super) type Path = (Vec<Vec<f64>>, usize);

fn path_of(record: &[u8], search: &Search) -> Option<Path> {
    let words: Vec<u32> = bytemuck::pod_collect_to_vec(record);
    let (before, after) = (words[0] as usize, words[1] as usize);
    if before + after > WideSettings::DEFAULT.most_knots as usize {
        return None;
    }
    let outputs = search.outputs as usize;
    let states = words[2..].chunks_exact(outputs).take(before + after);
    Some((states.map(|state| state.iter().map(|&x| f32::from_bits(x).into()).collect()).collect(), before))
}

/// The stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Plant,
    Propose,
    Nearest,
    Steer,
    Check,
    Append,
    Tally,
    Trace,
}

impl Stage {
    /// A round.
    pub(super) const ROUND: [Self; 6] =
        [Self::Propose, Self::Nearest, Self::Steer, Self::Check, Self::Append, Self::Tally];
}

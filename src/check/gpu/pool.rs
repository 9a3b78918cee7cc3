//! Many problems on one device: what their checkers submit travels together. Imports
//! `check::gpu::device`, `submission`, `layout`, and the checker's error.
//!
//! Whoever has a batch joins the submission that is loading. A submission leaves as soon as all enqueued have
//! written and fewer than [`UNDER_WAY`] are under way: the busier the device, the more wait for the
//! next and the fuller that is (as databases commit in groups), and while the device works on one
//! submission the next is written. Nobody waits for others to come, so nobody starves when they end.
//! Whoever waits for a submission that nobody watches over waits for the device on behalf of all.

use super::super::packed::Packed;
use crate::threads::start;
use super::super::{CheckError, Verdict};
use super::device::{Gpu, Pipelines, WORKGROUP};
use super::layout::{Head, Needs, ROW, Tables};
use super::shaders::Memory;
use super::submission::{BatchRoom, Buffers, Kernel, Phase, SharedBuffers, Submission};
use crate::problem::Problem;
use bytemuck::Pod;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Submissions under way at once: one that the device works on, and one that it can begin at once.
const UNDER_WAY: usize = 2;

/// Most edges or states of one submission: enough to fill any device, and few enough that it
/// answers in good time.
const MOST: usize = 1 << 14;

/// Room of the first submissions, for each problem: for some thirty edges of an arm.
const SMALLEST: BatchRoom = BatchRoom { heads: 32, rows: 256 };

/// Most bytes of words that threads keep in a buffer.
const MOST_WORDS: u64 = 128 << 20;

/// Problems on a device, uploaded once; see [`GpuPool::checker`]. Clones share it.
#[derive(Clone)]
pub struct GpuPool(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub gpu: Gpu,
    pub problems: Vec<Packed>,
    pub pipelines: Arc<Pipelines>,
    buffers: SharedBuffers,
    /// Most workgroups of a submission.
    most_groups: u32,
    /// Most that a submission holds.
    most: BatchRoom,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    submissions: Vec<Submission>,
    /// The submission that is loading, by kernel.
    open: [Option<usize>; 2],
    under_way: usize,
    opened: u64,
    /// Room of the next submission that is made.
    room: BatchRoom,
    timed: bool,
    traffic: Traffic,
}

/// What has gone to a device and come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Submissions.
    pub submissions: u64,
    /// Batches that they carried.
    pub batches: u64,
    /// Bytes sent up.
    pub up: u64,
    /// Bytes sent down.
    pub down: u64,
    /// Sets of buffers made for submissions; stands still once the largest has been seen.
    pub buffers: u64,
    /// Time that the device worked, if [`GpuChecker::set_timed`](super::GpuChecker::set_timed).
    pub gpu_time: Duration,
}

/// A batch under way; see [`GpuChecker::submit`](super::GpuChecker::submit). One that is dropped is waited for.
#[must_use = "a batch under way is to be collected"]
pub struct Ticket {
    pool: Arc<Shared>,
    submission: usize,
    buffers: Arc<Buffers>,
    /// Its first head, and how many it has.
    first: usize,
    count: usize,
    landed: bool,
}

/// The kernel that checks edges, a workgroup for each, bound to somebody's buffers.
pub(crate) struct EdgeStage {
    pub pipeline: wgpu::ComputePipeline,
    pub bind_group: wgpu::BindGroup,
    /// Most workgroups that it may be given.
    pub most_groups: u32,
}

impl GpuPool {
    /// Puts problems on a device, each with the farthest, in metres, that a sphere may move between
    /// two samples of an edge. Those of the same robot share its tables.
    ///
    /// # Errors
    /// When the device fails, or the problems are too large for it.
    pub fn new<'a>(
        gpu: &Gpu,
        problems: impl IntoIterator<Item = (&'a Problem, f64)>,
    ) -> Result<Self, CheckError> {
        let problems: Vec<_> = problems.into_iter().collect();
        Self::of(gpu, pack_all(&problems))
    }

    pub(super) fn of(gpu: &Gpu, problems: Vec<Packed>) -> Result<Self, CheckError> {
        let pipelines = gpu.pipelines(Needs::of(&problems))?;
        Self::with(gpu, problems, pipelines)
    }

    pub(super) fn with(
        gpu: &Gpu,
        problems: Vec<Packed>,
        pipelines: Arc<Pipelines>,
    ) -> Result<Self, CheckError> {
        let limits = gpu.limits();
        let mut most_groups = limits.max_compute_workgroups_per_dimension;
        let mut words = None;
        if pipelines.memory == Memory::Storage {
            let per_group = u64::from(pipelines.words) * u64::from(WORKGROUP) * 4;
            let room = limits.max_storage_buffer_binding_size.min(MOST_WORDS);
            most_groups = ((room / per_group) as u32).min(most_groups);
            if most_groups == 0 {
                return Err(gpu.error(format!("a robot of {} words is too large", pipelines.words)));
            }
            words = Some(gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("words"),
                size: u64::from(most_groups) * per_group,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            }));
        }
        let buffers = SharedBuffers { tables: upload(gpu, &Tables::new(&problems))?, words };
        gpu.health()?;
        let rows = limits.max_storage_buffer_binding_size as usize / ROW - 1;
        // Heads take two rows each, of which half the buffer is enough.
        let heads = MOST.min(rows / 4);
        let most = BatchRoom { heads, rows: rows - 2 * heads };
        let many = problems.len().max(1);
        let room = BatchRoom { heads: many * SMALLEST.heads, rows: many * SMALLEST.rows }.within(most);
        let state = Mutex::new(PoolState { room, ..PoolState::default() });
        let gpu = gpu.clone();
        Ok(Self(Arc::new(Shared { gpu, problems, pipelines, buffers, most_groups, most, state })))
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.0.gpu
    }

    /// The check of edges as a stage of others' work: of a batch and to verdicts in buffers of theirs.
    pub(crate) fn edge_stage(&self, batch: &wgpu::Buffer, verdicts: &wgpu::Buffer) -> EdgeStage {
        let Shared { gpu, pipelines, buffers, most_groups, .. } = &*self.0;
        EdgeStage {
            pipeline: pipelines.edges.clone(),
            bind_group: buffers.bind(gpu, &pipelines.layout, batch, verdicts),
            most_groups: *most_groups,
        }
    }

    /// What has gone up and down so far, for all its problems.
    pub fn traffic(&self) -> Traffic {
        self.0.traffic()
    }
}

/// Packs problems, on all processors where there are many.
fn pack_all(problems: &[(&Problem, f64)]) -> Vec<Packed> {
    let pack = |&(problem, resolution): &(&Problem, f64)| Packed::new(problem, resolution);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(problems.len() / 8);
    if threads < 2 {
        return problems.iter().map(pack).collect();
    }
    std::thread::scope(|scope| {
        let parts = problems.chunks(problems.len().div_ceil(threads));
        let all = |part: &[(&Problem, f64)]| part.iter().map(pack).collect::<Vec<_>>();
        let parts: Vec<_> = parts.map(|part| (part, start(scope, move || all(part)))).collect();
        let packed = parts.into_iter().flat_map(|(part, thread)| match thread {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => all(part),
        });
        packed.collect()
    })
}

/// Uploads the tables, in the order of the bindings.
fn upload(gpu: &Gpu, tables: &Tables) -> Result<[wgpu::Buffer; 5], CheckError> {
    let Tables { problems, bodies, links, obstacles, rows, .. } = tables;
    Ok([
        table(gpu, "problems", problems)?,
        table(gpu, "bodies", bodies)?,
        table(gpu, "links", links)?,
        table(gpu, "obstacles", obstacles)?,
        table(gpu, "tables", rows)?,
    ])
}

/// A buffer that holds `items`; one of zeros stands for none, since no binding may be empty.
fn table<T: Pod>(gpu: &Gpu, label: &str, items: &[T]) -> Result<wgpu::Buffer, CheckError> {
    let nothing = [T::zeroed()];
    let contents: &[u8] = bytemuck::cast_slice(if items.is_empty() { &nothing } else { items });
    let (bytes, most) = (contents.len() as u64, gpu.limits().max_storage_buffer_binding_size);
    if bytes > most {
        return Err(
            gpu.error(format!("the {label} of all problems take {bytes} bytes; a buffer has at most {most}"))
        );
    }
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: bytes,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue().write_buffer(&buffer, 0, contents);
    Ok(buffer)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    pub(super) fn set_timed(&self, timed: bool) {
        self.lock().timed = timed;
    }

    /// The most heads and rows of one submission.
    pub(super) fn most(&self) -> BatchRoom {
        self.most
    }

    /// Sends heads, whose rows and durations are counted from the first of `parts`, and those parts.
    pub(super) fn submit(
        self: &Arc<Self>,
        kernel: Kernel,
        heads: &mut [Head],
        parts: &[&[u8]],
    ) -> Result<Ticket, CheckError> {
        self.gpu.health()?;
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let batch = BatchRoom { heads: heads.len(), rows: bytes / ROW };
        if !self.most.holds(batch) {
            let (BatchRoom { heads, rows }, most) = (batch, self.most);
            return Err(self.gpu.error(format!(
                "a batch of {heads} edges or states with {rows} rows exceeds the {} and {} of a submission",
                most.heads, most.rows
            )));
        }
        let (ticket, mut enqueued) = self.enqueue(kernel, batch)?;
        let Enqueued { room, seat, .. } = enqueued;
        let row = (2 * room.heads + seat.rows) as u32;
        for head in heads.iter_mut() {
            head.row += row;
            head.durations += 4 * row;
        }
        let outcome = ticket.buffers.write(&self.gpu, room, seat, heads, parts);
        enqueued.outcome = Some(outcome.clone());
        drop(enqueued);
        outcome.map(|()| ticket)
    }

    /// Finds a place for a batch in the submission that is loading, or opens one.
    fn enqueue(
        self: &Arc<Self>,
        kernel: Kernel,
        batch: BatchRoom,
    ) -> Result<(Ticket, Enqueued<'_>), CheckError> {
        let mut state = self.lock();
        let index = self.open(&mut state, kernel, batch)?;
        let submission = &mut state.submissions[index];
        let seat = submission.load;
        submission.load = seat.plus(batch);
        submission.writers += 1;
        submission.clients += 1;
        let (room, buffers) = (submission.room(), submission.buffers());
        state.traffic.batches += 1;
        drop(state);
        let (pool, first, count) = (self.clone(), seat.heads, batch.heads);
        let ticket = Ticket { pool, submission: index, buffers, first, count, landed: false };
        Ok((ticket, Enqueued { pool: self, submission: index, room, seat, outcome: None }))
    }

    /// The index of a submission that is loading and has room for a batch.
    fn open(&self, state: &mut PoolState, kernel: Kernel, batch: BatchRoom) -> Result<usize, CheckError> {
        if let Some(open) = state.open[kernel as usize] {
            let submission = &state.submissions[open];
            let together = submission.load.plus(batch);
            if submission.is_loading() && submission.room().holds(together) {
                return Ok(open);
            }
            // It leaves as it is; the next has room for as much and this batch too.
            state.room = state.room.around(power_of_two(together)).within(self.most);
        }
        state.room = state.room.around(power_of_two(batch)).within(self.most);
        let (room, timed) = (state.room, state.timed);
        let suits = state.submissions.iter().position(|submission| submission.suits(room, timed));
        let index = match suits {
            Some(index) => index,
            None => {
                let submission =
                    Submission::new(&self.gpu, &self.pipelines.layout, &self.buffers, room, timed);
                self.gpu.health()?;
                state.traffic.buffers += 1;
                match state.submissions.iter().position(Submission::is_idle) {
                    Some(index) => {
                        state.submissions[index] = submission;
                        index
                    }
                    None => {
                        state.submissions.push(submission);
                        state.submissions.len() - 1
                    }
                }
            }
        };
        state.opened += 1;
        let submission = &mut state.submissions[index];
        (submission.phase, submission.kernel, submission.number) = (Phase::Loading, kernel, state.opened);
        state.open[kernel as usize] = Some(index);
        Ok(index)
    }

    /// Lets submissions leave, the longest open first.
    fn launch(&self, state: &mut PoolState) {
        loop {
            let ready = (0..state.submissions.len()).filter(|&i| state.submissions[i].is_ready());
            let Some(index) = ready.min_by_key(|&i| state.submissions[i].number) else { return };
            if state.under_way == UNDER_WAY {
                // Those enqueued may have to watch over what is in their way.
                state.submissions[index].changed.notify_one();
                return;
            }
            let open = &mut state.open[state.submissions[index].kernel as usize];
            *open = open.filter(|&open| open != index);
            let submission = &mut state.submissions[index];
            match submission.submit_to(&self.gpu, &self.pipelines, WORKGROUP, self.most_groups) {
                Ok((up, down)) => {
                    state.under_way += 1;
                    state.traffic.submissions += 1;
                    state.traffic.up += up;
                    state.traffic.down += down;
                    submission.changed.notify_one();
                }
                Err(failure) => {
                    submission.phase = Phase::Failed(failure);
                    submission.changed.notify_all();
                }
            }
        }
    }

    /// Waits until a submission has landed.
    fn land(&self, index: usize) -> Result<(), CheckError> {
        let mut state = self.lock();
        loop {
            let submission = &state.submissions[index];
            match &submission.phase {
                Phase::Failed(failure) => return Err(failure.clone()),
                Phase::Done | Phase::Idle => return Ok(()),
                Phase::UnderWay(..) | Phase::Loading => {}
            }
            // One's own submission first; while it cannot leave, any that is in its way.
            let unwatched = |i: &usize| matches!(state.submissions[*i].phase, Phase::UnderWay(_, false));
            let waits = submission.is_loading();
            let mut others = (0..state.submissions.len()).filter(|_| waits);
            let Some(watched) = Some(index).filter(unwatched).or_else(|| others.find(unwatched)) else {
                let changed = submission.changed.clone();
                state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state = self.watch(state, watched);
        }
    }

    /// Waits for the device on behalf of all clients of a submission.
    fn watch<'a>(&'a self, mut state: MutexGuard<'a, PoolState>, index: usize) -> MutexGuard<'a, PoolState> {
        let submission = &mut state.submissions[index];
        let Phase::UnderWay(number, watched) = &mut submission.phase else { return state };
        *watched = true;
        let (number, buffers) = (number.clone(), submission.buffers());
        drop(state);
        let mut settling = Settling { pool: self, submission: index, outcome: None };
        settling.outcome = Some(buffers.wait(&self.gpu, number));
        drop(settling);
        self.lock()
    }

    /// A client leaves; after the last the submission is ready for the next.
    fn leave(&self, index: usize) {
        let mut state = self.lock();
        let submission = &mut state.submissions[index];
        submission.clients -= 1;
        // One that failed is never used again.
        if submission.clients == 0 && matches!(submission.phase, Phase::Done) {
            submission.empty();
        }
    }

    #[cfg(test)]
    pub(super) fn poison(&self) {
        self.lock().submissions.iter().for_each(|submission| submission.poison(&self.gpu));
    }
}

fn power_of_two(room: BatchRoom) -> BatchRoom {
    BatchRoom { heads: room.heads.next_power_of_two(), rows: room.rows.next_power_of_two() }
}

/// A client that writes. However that ends, the submission learns of it.
struct Enqueued<'a> {
    pool: &'a Shared,
    submission: usize,
    /// Of the submission.
    room: BatchRoom,
    /// What was enqueued before.
    seat: BatchRoom,
    /// `None` until it has written.
    outcome: Option<Result<(), CheckError>>,
}

impl Drop for Enqueued<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        let submission = &mut state.submissions[self.submission];
        submission.writers -= 1;
        let panicked = || self.pool.gpu.failure("a thread panicked while it wrote a batch".to_owned());
        if let Err(failure) = self.outcome.take().unwrap_or_else(|| Err(panicked())) {
            submission.phase = Phase::Failed(failure);
            submission.changed.notify_all();
        }
        self.pool.launch(&mut state);
    }
}

/// A submission that is waited for. However that ends, its clients learn of it.
struct Settling<'a> {
    pool: &'a Shared,
    submission: usize,
    /// `None` until it is over.
    outcome: Option<Result<(), CheckError>>,
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.under_way -= 1;
        let submission = &mut state.submissions[self.submission];
        let panicked =
            || self.pool.gpu.failure("a thread panicked while it waited for the device".to_owned());
        let gpu_time = match self.outcome.take().unwrap_or_else(|| Err(panicked())) {
            Ok(()) => {
                submission.phase = Phase::Done;
                submission.gpu_time(&self.pool.gpu)
            }
            Err(failure) => {
                submission.phase = Phase::Failed(failure);
                Duration::ZERO
            }
        };
        submission.changed.notify_all();
        state.traffic.gpu_time += gpu_time;
        self.pool.launch(&mut state);
    }
}

impl Ticket {
    /// Waits for the batch and appends its verdicts; gives how many samples they took.
    pub(super) fn collect(mut self, verdicts: &mut Vec<Verdict>) -> Result<u64, CheckError> {
        self.pool.land(self.submission)?;
        self.landed = true;
        self.buffers.read(&self.pool.gpu, self.first, self.count, verdicts)
    }

    pub(super) fn is_of(&self, pool: &Arc<Shared>) -> bool {
        Arc::ptr_eq(&self.pool, pool)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.landed {
            // Whether it ends or fails, nobody will ask.
            let _ = self.pool.land(self.submission);
        }
        self.pool.leave(self.submission);
    }
}

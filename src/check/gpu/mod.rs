//! The GPU backend: whole batches of edges or states in one submission, all stages in WGSL, through
//! wgpu, which otherwise only `wide::gpu` names, whose searches have their edges checked by the same kernel, and whoever hands in a
//! caller's device. Imports `check::packed` and the trait; `problem` and below only
//! to pack.
//!
//! A workgroup takes an edge, a thread a sample of it. What a thread must remember between stages
//! (poses, centres, loads) would not fit its registers for every robot, and WGSL has no private
//! arrays whose size is known only when a pipeline is made. So each thread has its words in an array whose
//! size is written into the source, or, for a robot that is too large for that, in a buffer; the stages
//! cannot tell which. (In the workgroup's memory few workgroups find room at once: on an H200 three on a
//! multiprocessor, and no latency is hidden.)
//!
//! Problems of one [`GpuPool`] share the device's buffers and its submissions: `pool.rs` says how.

mod bare;
mod device;
mod layout;
mod peak;
mod pool;
mod probe;
mod shaders;
mod shared;
mod submission;
#[cfg(test)]
pub(crate) mod tests;

pub use bare::BareTrip;
pub use device::{AdapterDescription, Gpu, adapters};
pub use peak::peak;
pub(crate) use layout::DEGREE_SHIFT;
pub(crate) use pool::EdgeStage;
pub use pool::{GpuPool, Ticket, Traffic};
pub use probe::probe;

use super::packed::{COEFFICIENT_ROW, EdgeBatch, Packed, RAKE, RakeOrder, StateBatch, coefficient_stride};
use super::spread::{SpreadWorker, spread};
use super::{CheckError, EdgeChecker, OnDevice, Verdict};
use crate::problem::Problem;
use crate::stop::Stop;
use layout::{Head, ROW};
use pool::Shared;
use std::ops::Range;
use std::sync::Arc;
use submission::{BatchRoom, Kernel};

/// Numbers in a row.
const PER_ROW: usize = ROW / size_of::<f32>();

const _: () = assert!(PER_ROW == COEFFICIENT_ROW, "polynomials go up as they are");

/// No thread packs fewer edges, or states, of a batch than this, some 6 ms of work: with fewer, threads cost
/// more than they gain (`benches/RESULTS.md`).
const LEAST_PACKED: usize = 1 << 16;

/// Most threads that pack a batch: more wait for each other.
const MOST_PACKERS: usize = 8;

/// Most edges or states that are packed before they travel, those of other threads beside them: the device
/// begins when the first are packed.
const CHUNK: usize = 2048;

/// And most samples that these take, but for those of a single edge: a device is not interrupted in a submission,
/// and takes some milliseconds for as many. Edges of a search at its usual resolution take a twentieth.
const CHUNK_SAMPLES: usize = 1 << 20;

/// Checks on a GPU: one problem of a [`GpuPool`].
pub struct GpuChecker {
    /// The first packs what is packed on one thread; the others are made for the first batch that is worth
    /// them.
    packers: Vec<SpreadWorker<Packer>>,
}

/// Packs edges and states of a problem as the shaders read them, and gathers verdicts.
#[derive(Clone)]
struct Packer {
    pool: Arc<Shared>,
    /// Number of the problem in the pool.
    problem: u32,
    /// Where its edges are sampled, and by how much its spheres are grown.
    packed: Packed,
    /// Steps of [`RakeOrder`], by number of rakes; 0 where not yet known.
    steps: Vec<u16>,
    heads: Vec<Head>,
    rows: Vec<[f32; PER_ROW]>,
    states_checked: u64,
    stop: Stop,
}

impl GpuChecker {
    /// A checker of `problem` on a device, sampling edges so that no sphere moves farther than
    /// `resolution` metres between two samples.
    ///
    /// # Errors
    /// When the device fails, or the problem is too large for it.
    pub fn new(gpu: &Gpu, problem: &Problem, resolution: f64) -> Result<Self, CheckError> {
        Ok(GpuPool::new(gpu, [(problem, resolution)])?.checker(0))
    }

    /// A checker of a problem that is packed already.
    pub(super) fn from_packed(gpu: &Gpu, packed: &Packed) -> Result<Self, CheckError> {
        Ok(GpuPool::of(gpu, vec![packed.clone()])?.checker(0))
    }

    fn new_in(pool: Arc<Shared>, problem: usize) -> Self {
        let packer = Packer {
            packed: pool.problems[problem].clone(),
            problem: problem as u32,
            pool,
            steps: Vec::new(),
            heads: Vec::new(),
            rows: Vec::new(),
            states_checked: 0,
            stop: Stop::NEVER,
        };
        Self { packers: vec![SpreadWorker::new(packer)] }
    }

    fn packer(&self) -> &Packer {
        &self.packers[0].checker
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.packer().pool.gpu
    }

    pub(super) fn packed(&self) -> &Packed {
        &self.packer().packed
    }

    /// The least multiply-adds that the check of a valid state takes; `None` where that depends on the
    /// state.
    pub fn least_work(&self) -> Option<f64> {
        peak::least_work(self.packed())
    }

    /// What has gone up and down so far, for all problems of its pool.
    pub fn traffic(&self) -> Traffic {
        self.packer().pool.traffic()
    }

    /// Has the device time its own work from now on, where it can; for the whole pool.
    pub fn set_timed(&mut self, timed: bool) {
        self.packer().pool.set_timed(timed && self.gpu().has_timestamps());
    }

    /// Sends the edges `range` of a batch and returns while the device works on them, so that the
    /// caller can prepare the next. Collect each ticket on the same checker, in any order.
    ///
    /// # Errors
    /// When the device fails, or so many edges do not fit in one of its buffers.
    pub fn submit(&mut self, edges: &EdgeBatch, range: Range<usize>) -> Result<Ticket, CheckError> {
        Ok(self.packers[0].checker.submit(edges, range, usize::MAX)?.1)
    }

    /// Waits for a batch and appends its verdicts.
    ///
    /// # Errors
    /// When the device fails.
    pub fn collect(&mut self, ticket: Ticket, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packers[0].checker.collect(ticket, verdicts)
    }

    /// Has as many packers as a batch of `count` is worth, and there are processors for.
    fn gather(&mut self, count: usize) {
        if count >= 2 * LEAST_PACKED && self.packers.len() == 1 {
            let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_PACKERS);
            let packer = Packer { states_checked: 0, ..self.packer().clone() };
            self.packers.extend(std::iter::repeat_n(packer, threads - 1).map(SpreadWorker::new));
        }
    }

    /// On how many threads it packs a large batch: on one until there has been such a batch.
    pub fn threads(&self) -> usize {
        self.packers.len()
    }

    fn packers(&mut self) -> impl Iterator<Item = &mut Packer> {
        self.packers.iter_mut().map(|worker| &mut worker.checker)
    }
}

impl GpuPool {
    /// A checker of one of the problems. Checkers of a pool may be used from different threads; what
    /// they submit at about the same time makes one submission.
    ///
    /// # Panics
    /// If there is no such problem.
    pub fn checker(&self, problem: usize) -> GpuChecker {
        GpuChecker::new_in(self.0.clone(), problem)
    }
}

impl Packer {
    /// As [`GpuChecker::submit`], but only the first edges of the range, one at least, that take so many samples;
    /// also gives where these end.
    fn submit(
        &mut self,
        edges: &EdgeBatch,
        range: Range<usize>,
        most_samples: usize,
    ) -> Result<(usize, Ticket), CheckError> {
        let first = edges.heads().get(range.start).map_or(0, |head| head.first);
        let range = self.pack_heads(edges, range, first, most_samples);
        let end = edges.heads()[range.clone()].last().map_or(first, |head| head.first + head.segments);
        let heads = &edges.heads()[range.clone()];
        let (durations, coefficients) = edges.segments(first as usize..end as usize);
        // The duration of a single segment is the edge's.
        let durations = if heads.iter().any(|head| head.segments > 1) { durations } else { &[] };
        self.rows.clear();
        self.rows.extend(durations.chunks(PER_ROW).map(|some| {
            let mut row = [0.0; PER_ROW];
            row[..some.len()].copy_from_slice(some);
            row
        }));
        self.heads.iter_mut().for_each(|head| head.durations += coefficients.len() as u32);
        let parts = [bytemuck::cast_slice(coefficients), bytemuck::cast_slice(&self.rows)];
        Ok((range.end, self.pool.submit(Kernel::Edges, &mut self.heads, &parts)?))
    }

    /// Packs the heads of the first edges of a range, one at least, that take so many samples; the first
    /// segment of them all is `first`.
    fn pack_heads(
        &mut self,
        edges: &EdgeBatch,
        range: Range<usize>,
        first: u32,
        most_samples: usize,
    ) -> Range<usize> {
        self.heads.clear();
        let mut samples = 0_usize;
        for i in range.clone() {
            let (head, rakes) = self.head(edges, i, first);
            samples = samples.saturating_add(rakes * RAKE);
            if samples > most_samples && i > range.start {
                return range.start..i;
            }
            self.heads.push(head);
        }
        range
    }

    /// As [`GpuChecker::collect`].
    fn collect(&mut self, ticket: Ticket, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        if !ticket.is_of(&self.pool) {
            return Err(self.pool.gpu.error("the ticket is another checker's"));
        }
        self.states_checked += ticket.collect(verdicts)?;
        Ok(())
    }

    /// The head of an edge in a batch whose first segment is `first`, its durations counted from the first, and
    /// how many rakes it takes.
    fn head(&mut self, edges: &EdgeBatch, i: usize, first: u32) -> (Head, usize) {
        let head = edges.heads()[i];
        let rakes = self.packed.rakes(&edges.get(i));
        let segment = (head.first - first) as usize;
        let head = Head {
            row: (segment * self.packed.flat_dof() * coefficient_stride(edges.degree()) / PER_ROW) as u32,
            segments: 2 * head.segments + head.at_rest,
            duration: head.duration,
            // An edge has less than 2^16 rakes: see `Packed::rakes`.
            rakes: rakes as u32 | u32::from(self.step(rakes)) << 16,
            durations: segment as u32,
            ..self.blank(edges.degree())
        };
        (head, rakes)
    }

    /// The head of a state, at row 0.
    fn blank(&self, degree: usize) -> Head {
        let problem = self.problem | (degree as u32) << DEGREE_SHIFT;
        let Packed { padding, clearance, .. } = self.packed;
        Head { row: 0, segments: 2, duration: 0.0, rakes: 1, problem, padding, durations: 0, clearance }
    }

    /// [`RakeOrder::step`], remembered: it takes many divisions.
    fn step(&mut self, rakes: usize) -> u16 {
        if self.steps.len() <= rakes {
            self.steps.resize(rakes + 1, 0);
        }
        if self.steps[rakes] == 0 {
            self.steps[rakes] = RakeOrder::new(rakes).step() as u16;
        }
        self.steps[rakes]
    }

    /// As for [`GpuChecker::submit`], with states: each a cubic that has its derivatives at time 0.
    fn submit_states(&mut self, states: &StateBatch, range: Range<usize>) -> Result<Ticket, CheckError> {
        let (blank, dof) = (self.blank(3), self.packed.dof());
        self.rows.clear();
        self.heads.clear();
        for i in range {
            self.heads.push(Head { row: (self.heads.len() * dof) as u32, ..blank });
            let [y, yd, ydd] = [0, 1, 2].map(|derivative| states.get(i, derivative));
            let cubics = y.iter().zip(yd).zip(ydd).map(|((&y, &yd), &ydd)| [y, yd, 0.5 * ydd, 0.0]);
            self.rows.extend(cubics);
        }
        self.pool.submit(Kernel::States, &mut self.heads, &[bytemuck::cast_slice(&self.rows)])
    }

    /// The first of the edges `range`, as many as go into one submission: at least one.
    fn chunk(&self, edges: &EdgeBatch, range: Range<usize>) -> Range<usize> {
        let most = self.pool.most();
        let mut load = BatchRoom::default();
        let (first, mut end) = (range.start, range.start);
        for head in edges.heads()[range].iter().take(CHUNK) {
            let segments = head.segments as usize;
            let numbers = segments * (self.packed.flat_dof() * coefficient_stride(edges.degree()) + 1);
            let rows = numbers.div_ceil(PER_ROW) + 1;
            load = load.plus(BatchRoom { heads: 1, rows });
            if !most.holds(load) {
                break;
            }
            end += 1;
        }
        first..end.max(first + 1)
    }

    /// Checks some edges of a batch.
    fn check(
        &mut self,
        edges: &EdgeBatch,
        range: Range<usize>,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<(), CheckError> {
        self.relay(range, verdicts, |packer, left| {
            let chunk = packer.chunk(edges, left);
            packer.submit(edges, chunk, CHUNK_SAMPLES)
        })
    }

    /// As [`Packer::check`], for states.
    fn check_states(
        &mut self,
        states: &StateBatch,
        range: Range<usize>,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<(), CheckError> {
        let most = self.pool.most();
        let most = CHUNK.min(most.heads).min(most.rows / self.packed.dof().max(1));
        self.relay(range, verdicts, |packer, left| {
            let end = left.end.min(left.start + most);
            Ok((end, packer.submit_states(states, left.start..end)?))
        })
    }

    /// Packs each part of a range while the device works on the one before. `send` submits the first part of
    /// what is left, and tells where that ends. When it is time to stop, no more is sent.
    fn relay(
        &mut self,
        range: Range<usize>,
        verdicts: &mut Vec<Verdict>,
        mut send: impl FnMut(&mut Self, Range<usize>) -> Result<(usize, Ticket), CheckError>,
    ) -> Result<(), CheckError> {
        let (mut next, mut under_way) = (range.start, None);
        let all = verdicts.len() + range.len();
        while next < range.end && !self.stop.is_due() {
            let (end, ticket) = send(self, next..range.end)?;
            next = end;
            if let Some(before) = under_way.replace(ticket) {
                self.collect(before, verdicts)?;
            }
        }
        under_way.map_or(Ok(()), |ticket| self.collect(ticket, verdicts))?;
        verdicts.resize(all, Verdict::UNCHECKED);
        Ok(())
    }
}

impl EdgeChecker for GpuChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed().admit_edges(edges)?;
        verdicts.clear();
        self.gather(edges.len());
        spread(&mut self.packers, edges.len(), LEAST_PACKED, verdicts, |packer, part, verdicts| {
            packer.check(edges, part, verdicts)
        })
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        self.packed().admit_states(states)?;
        verdicts.clear();
        self.gather(states.len());
        spread(&mut self.packers, states.len(), LEAST_PACKED, verdicts, |packer, part, verdicts| {
            packer.check_states(states, part, verdicts)
        })
    }

    fn set_clearance(&mut self, metres: f64) {
        self.packers().for_each(|packer| packer.packed.clearance = metres as f32);
    }

    fn set_padding(&mut self, metres: f64) {
        self.packers().for_each(|packer| packer.packed.padding = metres as f32);
    }

    fn set_resolution(&mut self, metres: f64) {
        self.packers().for_each(|packer| packer.packed.resolution = metres as f32);
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.packers().for_each(|packer| packer.stop = stop.clone());
    }

    fn states_checked(&self) -> u64 {
        self.packers.iter().map(|worker| worker.checker.states_checked).sum()
    }

    /// Enough that a search needs but a few round trips; with more it would learn too late what it
    /// already has (`benches/RESULTS.md`). Software is busy with few.
    fn preferred_batch(&self) -> usize {
        if self.gpu().is_software() { 64 } else { 256 }
    }

    fn on_device(&self) -> Option<OnDevice> {
        let Packer { pool, problem, packed, .. } = self.packer();
        Some(OnDevice {
            pool: GpuPool(pool.clone()),
            problem: *problem as usize,
            padding: packed.padding.into(),
            resolution: packed.resolution.into(),
        })
    }

    fn name(&self) -> String {
        format!("gpu/{}", self.gpu().name())
    }
}

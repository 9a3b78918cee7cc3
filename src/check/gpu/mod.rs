//! The GPU backend: whole batches of edges or states in one submission, all stages in WGSL, through
//! wgpu, which nothing else names. Imports `check::packed` and the trait; `problem` and below only
//! to pack.
//!
//! A workgroup takes an edge, a thread a sample of it. What a thread must remember between stages
//! (poses, centres, loads) would not fit its registers for every robot, and WGSL has no private
//! arrays whose size is known only at run time. So each thread has its words in the workgroup's memory,
//! or, for a robot that is too large for that, in a buffer; the stages cannot tell which.

mod bare;
mod device;
mod flight;
mod layout;
mod probe;
mod shaders;
#[cfg(test)]
pub(super) mod tests;

pub use bare::BareTrip;
pub use device::{AdapterDescription, Gpu, adapters};
pub use probe::probe;

use super::packed::{COEFFICIENT_ROW, EdgeBatch, Packed, RakeOrder, StateBatch, coefficient_stride};
use super::{CheckError, EdgeChecker, Verdict};
use crate::problem::Problem;
use bytemuck::Pod;
use device::{Pipelines, WORKGROUP};
use flight::{Flight, Tables};
use layout::{BatchHeader, Head, ROW};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Most edges or states of one submission: enough to fill any device, and few enough that it
/// answers in good time and that a large batch is packed while the device works on its first part.
const MOST: usize = 1 << 16;

/// Most bytes of words that threads keep in a buffer.
const MOST_WORDS: u64 = 128 << 20;

/// Checks on a GPU.
pub struct GpuChecker {
    gpu: Gpu,
    packed: Packed,
    pipelines: Arc<Pipelines>,
    tables: Tables,
    /// Most workgroups of a submission.
    most_groups: u32,
    flights: Vec<Flight>,
    /// Steps of [`RakeOrder`], by number of rakes; 0 where not yet known.
    steps: Vec<u16>,
    heads: Vec<Head>,
    rows: Vec<[f32; 4]>,
    traffic: Traffic,
    timed: bool,
    states_checked: u64,
}

/// What has gone to a device and come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Submissions.
    pub submissions: u64,
    /// Bytes sent up.
    pub up: u64,
    /// Bytes sent down.
    pub down: u64,
    /// Sets of buffers made for batches; stands still once the largest batch has been seen.
    pub buffers: u64,
    /// Time that the device worked, if [`GpuChecker::set_timed`].
    pub gpu_time: Duration,
}

/// A batch under way; see [`GpuChecker::submit`].
#[derive(Debug)]
#[must_use = "a batch under way is to be collected"]
pub struct Ticket {
    flight: usize,
}

impl GpuChecker {
    /// A checker of `problem` on a device, sampling edges so that no sphere moves farther than
    /// `resolution` metres between two samples.
    ///
    /// # Errors
    /// When the device fails, or the problem is too large for it.
    pub fn new(gpu: &Gpu, problem: &Problem, resolution: f64) -> Result<Self, CheckError> {
        Self::from_packed(gpu, &Packed::new(problem, resolution))
    }

    /// A checker of a problem that is packed already.
    pub(super) fn from_packed(gpu: &Gpu, packed: &Packed) -> Result<Self, CheckError> {
        let pipelines = gpu.pipelines(layout::words(packed))?;
        Self::with(gpu, packed.clone(), pipelines)
    }

    fn with(gpu: &Gpu, packed: Packed, pipelines: Arc<Pipelines>) -> Result<Self, CheckError> {
        let (words, limits) = (layout::words(&packed), gpu.limits());
        let mut most_groups = limits.max_compute_workgroups_per_dimension;
        let mut word_buffer = None;
        if pipelines.memory == shaders::Memory::Storage {
            let per_group = words.next_multiple_of(16) as u64 * u64::from(WORKGROUP) * 4;
            let room = limits.max_storage_buffer_binding_size.min(MOST_WORDS);
            most_groups = ((room / per_group) as u32).min(most_groups);
            if most_groups == 0 {
                return Err(gpu.error(format!("a robot of {} bodies is too large", packed.bodies.len())));
            }
            word_buffer = Some(gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("words"),
                size: u64::from(most_groups) * per_group,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            }));
        }
        let tables = Tables { before: tables(gpu, &packed), words: word_buffer };
        gpu.health()?;
        Ok(Self {
            gpu: gpu.clone(),
            packed,
            pipelines,
            tables,
            most_groups,
            flights: Vec::new(),
            steps: Vec::new(),
            heads: Vec::new(),
            rows: Vec::new(),
            traffic: Traffic::default(),
            timed: false,
            states_checked: 0,
        })
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    pub(super) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// What has gone up and down so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Has the device time its own work from now on, where it can.
    pub fn set_timed(&mut self, timed: bool) {
        self.timed = timed && self.gpu.has_timestamps();
    }

    /// Sends the edges `range` of a batch and returns while the device works on them, so that the
    /// caller can prepare the next. Collect each ticket once, on the same checker, in any order.
    ///
    /// # Errors
    /// When the device fails, or so many edges do not fit in one of its buffers.
    pub fn submit(&mut self, edges: &EdgeBatch, range: Range<usize>) -> Result<Ticket, CheckError> {
        let mut heads = std::mem::take(&mut self.heads);
        heads.clear();
        let first = edges.heads().get(range.start).map_or(0, |head| head.first);
        heads.extend(range.map(|i| self.head(edges, i, first)));
        let end = heads.last().map_or(first, |head| first + head.first + head.segments / 2);
        let (durations, coefficients) = edges.segments(first as usize..end as usize);
        let durations_row = heads.len() + coefficients.len() / COEFFICIENT_ROW;
        let header = BatchHeader::new(heads.len(), self.packed.padding, durations_row, edges.degree());
        // The last row of durations may be cut short: its rest is not read.
        let parts: [&[u8]; 4] = [
            bytemuck::bytes_of(&header),
            bytemuck::cast_slice(&heads),
            bytemuck::cast_slice(coefficients),
            bytemuck::cast_slice(durations),
        ];
        let ticket = self.send(&parts, heads.len(), Kernel::Edges);
        self.heads = heads;
        ticket
    }

    /// Waits for a batch and appends its verdicts.
    ///
    /// # Errors
    /// When the device fails.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket is good for one collection")]
    pub fn collect(&mut self, ticket: Ticket, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        let landed = match self.flights.get_mut(ticket.flight) {
            Some(flight) => flight.land(&self.gpu, verdicts)?,
            None => return Err(self.gpu.error("the ticket is another checker's")),
        };
        self.states_checked += landed.states;
        self.traffic.down += landed.bytes;
        self.traffic.gpu_time += landed.gpu_time;
        Ok(())
    }

    /// The head of an edge in a submission whose first segment is `first`.
    fn head(&mut self, edges: &EdgeBatch, i: usize, first: u32) -> Head {
        let head = edges.heads()[i];
        let rakes = self.packed.rakes(&edges.get(i));
        Head {
            first: head.first - first,
            segments: 2 * head.segments + head.at_rest,
            duration: head.duration,
            // An edge has less than 2^16 rakes: see `Packed::rakes`.
            rakes: rakes as u32 | u32::from(self.step(rakes)) << 16,
        }
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

    /// As for [`GpuChecker::submit`], with states.
    fn submit_states(&mut self, states: &StateBatch, range: Range<usize>) -> Result<Ticket, CheckError> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        for i in range.clone() {
            let [y, yd, ydd] = [0, 1, 2].map(|derivative| states.get(i, derivative));
            rows.extend(y.iter().zip(yd).zip(ydd).map(|((&y, &yd), &ydd)| [y, yd, 0.5 * ydd, 0.0]));
        }
        let header = BatchHeader::new(range.len(), self.packed.padding, 0, 3);
        let parts: [&[u8]; 2] = [bytemuck::bytes_of(&header), bytemuck::cast_slice(&rows)];
        let ticket = self.send(&parts, range.len(), Kernel::States);
        self.rows = rows;
        ticket
    }

    /// Finds or makes a flight for a batch, and sends it.
    fn send(&mut self, parts: &[&[u8]], count: usize, kernel: Kernel) -> Result<Ticket, CheckError> {
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        let most = self.gpu.limits().max_storage_buffer_binding_size;
        if bytes > most {
            return Err(self.gpu.error(format!("a batch of {bytes} bytes exceeds its buffers' {most}")));
        }
        let index = self.flight_for(bytes, count)?;
        let (pipeline, label, threads) = match kernel {
            Kernel::Edges => (&self.pipelines.edges, "check_edges", 1),
            Kernel::States => (&self.pipelines.states, "check_states", WORKGROUP),
        };
        let groups = (count as u32).div_ceil(threads).clamp(1, self.most_groups);
        self.flights[index].take_off(&self.gpu, pipeline, label, parts, count, groups)?;
        self.traffic.submissions += 1;
        self.traffic.up += bytes;
        Ok(Ticket { flight: index })
    }

    /// An idle flight with room for a batch.
    fn flight_for(&mut self, bytes: u64, count: usize) -> Result<usize, CheckError> {
        let Self { gpu, pipelines, tables, flights, traffic, timed, .. } = self;
        let idle = flights.iter().position(|flight| flight.under_way.is_none());
        if let Some(i) = idle
            && flights[i].fits(bytes, count, *timed)
        {
            return Ok(i);
        }
        let flight = Flight::new(gpu, &pipelines.layout, tables, bytes, count, *timed);
        gpu.health()?;
        traffic.buffers += 1;
        let index = idle.unwrap_or(flights.len());
        if index == flights.len() {
            flights.push(flight);
        } else {
            flights[index] = flight;
        }
        Ok(index)
    }

    /// The edges from `first` that go into one submission: at least one.
    fn chunk(&self, edges: &EdgeBatch, first: usize) -> Range<usize> {
        let segment = (self.packed.dof() * coefficient_stride(edges.degree()) + 1) * size_of::<f32>();
        let mut room = self.gpu.limits().max_storage_buffer_binding_size as usize - 2 * ROW;
        let mut end = first;
        for head in edges.heads()[first..].iter().take(MOST) {
            let bytes = ROW + head.segments as usize * segment;
            if bytes > room {
                break;
            }
            room -= bytes;
            end += 1;
        }
        first..end.max(first + 1)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kernel {
    Edges,
    States,
}

impl EdgeChecker for GpuChecker {
    /// Packs each part of a large batch while the device works on the one before.
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        let (mut next, mut under_way) = (0, None);
        while next < edges.len() {
            let range = self.chunk(edges, next);
            next = range.end;
            let ticket = self.submit(edges, range)?;
            if let Some(before) = under_way.replace(ticket) {
                self.collect(before, verdicts)?;
            }
        }
        under_way.map_or(Ok(()), |ticket| self.collect(ticket, verdicts))
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        verdicts.clear();
        let per_state = (self.packed.dof() * ROW).max(ROW);
        let most = self.gpu.limits().max_storage_buffer_binding_size as usize / per_state - 1;
        let (mut next, mut under_way) = (0, None);
        while next < states.len() {
            let range = next..states.len().min(next + MOST.min(most));
            next = range.end;
            let ticket = self.submit_states(states, range)?;
            if let Some(before) = under_way.replace(ticket) {
                self.collect(before, verdicts)?;
            }
        }
        under_way.map_or(Ok(()), |ticket| self.collect(ticket, verdicts))
    }

    fn set_padding(&mut self, metres: f64) {
        self.packed.padding = metres as f32;
    }

    fn set_resolution(&mut self, metres: f64) {
        self.packed.resolution = metres as f32;
    }

    fn states_checked(&self) -> u64 {
        self.states_checked
    }

    /// Enough that a search needs but a few round trips; with more it would learn too late what it
    /// already has (`benches/RESULTS.md`). Software is busy with few.
    fn preferred_batch(&self) -> usize {
        if self.gpu.is_software() { 64 } else { 256 }
    }

    fn name(&self) -> String {
        format!("gpu/{}", self.gpu.name())
    }
}

/// Uploads what all batches of a problem share, in the order of the bindings.
fn tables(gpu: &Gpu, packed: &Packed) -> Vec<wgpu::Buffer> {
    let bodies: Vec<layout::Body> = packed.bodies.iter().map(Into::into).collect();
    let links: Vec<layout::Link> = packed.links.iter().map(Into::into).collect();
    let mut problem = bytemuck::bytes_of(&layout::Problem::new(packed)).to_vec();
    problem.extend_from_slice(bytemuck::cast_slice(&layout::tables(packed)));
    vec![
        table(gpu, "problem", &problem),
        table(gpu, "bodies", &bodies),
        table(gpu, "links", &links),
        table(gpu, "spheres", &packed.spheres),
        table(gpu, "obstacles", &layout::obstacles(&packed.world)),
    ]
}

/// A buffer that holds `items`; one of zeros stands for none, since no binding may be empty.
fn table<T: Pod>(gpu: &Gpu, label: &str, items: &[T]) -> wgpu::Buffer {
    let nothing = [T::zeroed()];
    let contents: &[u8] = bytemuck::cast_slice(if items.is_empty() { &nothing } else { items });
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size: contents.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue().write_buffer(&buffer, 0, contents);
    buffer
}

//! The wide search wholly on a device: all rounds of a submission in one command buffer, and of what comes of them a few
//! words per search read back. Imports `check::gpu` and the stages in lanes, whose words go up as they are.
//!
//! Problems are searched in sets, as many at once as fill the device and fit into its buffers. A search that does not
//! find its path in the room that it has is searched again among fewer, with more slots and larger trees: most are easy,
//! and for those that are not thousands of extensions at once make the tail shorter.

mod kernels;
mod rate;
mod set;
#[cfg(test)]
mod tests;

pub use rate::nearest_rate;
pub use set::WideTraffic;

use super::rounds::{Rounds, WideRoom};
use super::task::{Explorer, WideAnswer, WideSettings, WideTask};
use crate::check::CheckError;
use crate::check::gpu::{Gpu, GpuPool};
use crate::stop::Stop;
use kernels::Kernels;
use set::{DeviceSet, SetSize};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How sets are made, and how long the device works without a break.
struct DeviceSettings {
    /// Edges of a round that keep a device busy, and the most that it is given: so that a round takes far less than any
    /// watchdog of a driver waits.
    edges: [u32; 2],
    /// Nodes that a round looks at for the nearest, at most, for the same reason.
    most_visits: u32,
    /// Slots of a search: at least and at most.
    slots: [u32; 2],
    /// Nodes of a tree at first, for each slot of the search.
    nodes_per_slot: u32,
    /// Rounds of a search in its first set; each later one has more slots, more nodes and more rounds, ...
    rounds: u32,
    /// ... each so many times as many.
    growth: u32,
    /// Sets that a search is part of, at most.
    passes: u32,
    /// Time that a submission is to take: a round at least, ...
    submission: Duration,
    /// ... at first so many, and at most.
    submitted_rounds: [u32; 2],
    /// Bytes of the trees of a set, at most.
    most_bytes: u64,
}

impl DeviceSettings {
    /// Those of hardware.
    const HARDWARE: Self = Self {
        edges: [1 << 13, 1 << 16],
        most_visits: 1 << 28,
        slots: [32, 1024],
        nodes_per_slot: 32,
        rounds: 64,
        growth: 4,
        passes: 4,
        submission: Duration::from_millis(20),
        submitted_rounds: [4, 32],
        most_bytes: 1 << 29,
    };

    /// Those of software, which takes a millisecond for an edge: so that time limits hold, more or less.
    const SOFTWARE: Self =
        Self { edges: [64, 64], most_visits: 1 << 20, slots: [32, 64], submitted_rounds: [1, 32], ..Self::HARDWARE };

    /// Those of a device.
    fn of(gpu: &Gpu) -> Self {
        if gpu.is_software() { Self::SOFTWARE } else { Self::HARDWARE }
    }

    /// The room of searches of which so many are to be done, in their `pass`-th set.
    fn room(&self, count: usize, pass: u32) -> WideRoom {
        let [least, most] = self.slots;
        let grown = self.growth.saturating_pow(pass);
        let wanted = (self.edges[0] / count.max(1) as u32).max(1).next_power_of_two();
        let slots = wanted.max(least.saturating_mul(grown)).clamp(least, most);
        let capacity = slots.saturating_mul(self.nodes_per_slot).saturating_mul(grown);
        WideRoom { slots, capacity: capacity.min(self.most_visits / slots) }
    }

    /// How many of so many searches make a set, where each takes so many bytes of the largest buffer and no dispatch has
    /// more than `groups` workgroups.
    fn fitting(&self, count: usize, room: WideRoom, bytes: u64, buffer: u64, groups: u32) -> usize {
        let by_bytes = (buffer.min(self.most_bytes) / bytes) as usize;
        let by_edges = (self.edges[1] / room.slots) as usize;
        let by_visits = (self.most_visits / (room.slots * room.capacity).max(1)) as usize;
        let by_groups = (groups / (room.slots / WideSettings::DEFAULT.tile)) as usize;
        by_bytes.min(by_edges).min(by_visits).min(by_groups).clamp(1, count)
    }
}

/// Searches on a device; see [`Explorer`].
pub struct DeviceExplorer {
    pool: GpuPool,
    kernels: Arc<Kernels>,
    /// Buffers of the last set, used again where the next is no larger.
    set: Option<DeviceSet>,
    settings: DeviceSettings,
    traffic: WideTraffic,
}

impl DeviceExplorer {
    /// Searches of the problems of a pool, by their numbers in it.
    ///
    /// # Errors
    /// When the device fails.
    pub fn new(pool: &GpuPool) -> Result<Self, CheckError> {
        let kernels = pool.gpu().keep(Kernels::new)?;
        let settings = DeviceSettings::of(pool.gpu());
        Ok(Self { pool: pool.clone(), kernels, set: None, settings, traffic: WideTraffic::default() })
    }

    /// The device.
    pub fn gpu(&self) -> &Gpu {
        self.pool.gpu()
    }

    /// What has gone to the device and come back so far.
    pub fn traffic(&self) -> WideTraffic {
        self.traffic
    }

    /// How many of some tasks fit into one set: one at least.
    fn fitting(&self, tasks: &[&WideTask], room: WideRoom) -> usize {
        let limits = self.gpu().limits();
        let outputs = tasks.iter().map(|task| task.outputs.len()).max().unwrap_or(1);
        let each = SetSize::of(1, room, outputs).largest();
        let (buffer, groups) =
            (limits.max_storage_buffer_binding_size, limits.max_compute_workgroups_per_dimension);
        self.settings.fitting(tasks.len(), room, each, buffer, groups)
    }

    /// Searches a set; gives which of its searches are to be tried again with more room.
    fn explore_set(
        &mut self,
        tasks: &[&WideTask],
        room: WideRoom,
        is_last: bool,
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<Vec<usize>, CheckError> {
        let rounds = (self.settings.rounds * room.capacity / room.slots / self.settings.nodes_per_slot).max(1);
        let limited: Vec<WideTask> = tasks
            .iter()
            .map(|&task| WideTask {
                most_samples: match is_last {
                    true => task.most_samples,
                    false => task.most_samples.min(u64::from(rounds * room.slots)),
                },
                ..task.clone()
            })
            .collect();
        let start = Rounds::new(&limited, room);
        let size = SetSize::of_rounds(&start);
        let mut set = match self.set.take().filter(|set| set.holds(size)) {
            Some(set) => set,
            None => {
                self.traffic.buffers += 1;
                match DeviceSet::new(&self.pool, size)? {
                    Some(set) => set,
                    // Half of them at a time may have room; one by itself goes on elsewhere.
                    None if tasks.len() > 1 => {
                        let (few, others) = tasks.split_at(tasks.len() / 2);
                        let mut again = self.explore_set(few, room, is_last, stop, answered)?;
                        let mut tell = |i: usize, answer| answered(few.len() + i, answer);
                        let more = self.explore_set(others, room, is_last, stop, &mut tell)?;
                        again.extend(more.into_iter().map(|i| few.len() + i));
                        return Ok(again);
                    }
                    None => {
                        answered(0, start.searches[0].answer(None));
                        return Ok(Vec::new());
                    }
                }
            }
        };
        set.begin(&start)?;
        let again = self.run(&mut set, &limited, tasks, is_last, stop, answered);
        self.set = Some(set);
        again
    }

    /// Submits rounds until all searches are over.
    fn run(
        &mut self,
        set: &mut DeviceSet,
        limited: &[WideTask],
        tasks: &[&WideTask],
        is_last: bool,
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<Vec<usize>, CheckError> {
        let DeviceSettings { submission, submitted_rounds: [first_rounds, most_rounds], .. } = self.settings;
        let mut rounds = first_rounds;
        let mut open: Vec<usize> = (0..limited.len()).collect();
        let mut again = Vec::new();
        while !open.is_empty() && !stop.is_due() {
            let begun = Instant::now();
            let searches = set.submit(&self.kernels, rounds, &mut self.traffic)?;
            let took = begun.elapsed().as_secs_f64().max(1e-6);
            rounds = ((f64::from(rounds) * submission.as_secs_f64() / took) as u32).clamp(1, most_rounds);
            let (over, left): (Vec<usize>, Vec<usize>) =
                open.into_iter().partition(|&s| !searches[s].is_running());
            open = left;
            let solved: Vec<usize> = over.iter().copied().filter(|&s| searches[s].is_solved()).collect();
            let mut paths = set.paths(&solved, &searches, &mut self.traffic)?.into_iter();
            for s in over {
                let search = &searches[s];
                let path = if search.is_solved() { paths.next().flatten() } else { None };
                let may_grow = path.is_none() && !is_last && u64::from(search.samples) < tasks[s].most_samples;
                match may_grow {
                    true => again.push(s),
                    false => answered(s, search.answer(path)),
                }
            }
        }
        Ok(again)
    }
}

impl Explorer for DeviceExplorer {
    fn explore(
        &mut self,
        tasks: &[WideTask],
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<(), CheckError> {
        let mut left: Vec<usize> = (0..tasks.len()).collect();
        let passes = self.settings.passes;
        for pass in 0..passes {
            let room = self.settings.room(left.len(), pass);
            let mut again = Vec::new();
            let mut first = 0;
            while first < left.len() && !stop.is_due() {
                let open: Vec<&WideTask> = left[first..].iter().map(|&i| &tasks[i]).collect();
                let count = self.fitting(&open, room);
                let numbers = &left[first..first + count];
                let mut tell = |s: usize, answer| answered(numbers[s], answer);
                let open = self.explore_set(&open[..count], room, pass + 1 == passes, stop, &mut tell)?;
                again.extend(open.into_iter().map(|s| numbers[s]));
                first += count;
            }
            left = again;
        }
        Ok(())
    }
}

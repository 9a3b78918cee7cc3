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

use super::layout::Search;
use super::rounds::{Rounds, WideRoom};
use super::task::{Explorer, WideAnswer, WideSettings, WideTask};
use crate::check::CheckError;
use crate::check::gpu::{Gpu, GpuPool};
use crate::stop::{CancelToken, Stop};
use kernels::Kernels;
use set::{DeviceSet, Path, SetSize};
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

    /// How many searches with so many outputs fit into one set of at most `count`: one at least.
    fn fitting(&self, count: usize, room: WideRoom, outputs: usize) -> usize {
        let limits = self.gpu().limits();
        let each = SetSize::of(1, room, outputs).largest();
        let (buffer, groups) =
            (limits.max_storage_buffer_binding_size, limits.max_compute_workgroups_per_dimension);
        self.settings.fitting(count, room, each, buffer, groups)
    }

    /// Buffers for searches that have not begun: those of the last set where they have room, or new ones that have room
    /// for both. `None` where the device has no memory for them.
    fn buffers(&mut self, size: SetSize) -> Result<Option<DeviceSet>, CheckError> {
        let before = self.set.take();
        let most = self.gpu().limits().max_storage_buffer_binding_size;
        let both = before.as_ref().map_or(size, |set| set.size().around(size));
        let room = if both.largest() <= most { both } else { size };
        if let Some(set) = before.filter(|set| set.size() == room) {
            return Ok(Some(set));
        }
        self.traffic.buffers += 1;
        match DeviceSet::new(&self.pool, room)? {
            None if room != size => DeviceSet::new(&self.pool, size),
            made => Ok(made),
        }
    }

    /// Searches a set; gives which of its searches are to be tried again with more room.
    fn explore_set(&mut self, pass: &Pass<'_>, open: &[Open], answered: &mut Answered<'_>) -> Result<Vec<Open>, CheckError> {
        let Pass { tasks, room, is_last, .. } = *pass;
        let rounds = (self.settings.rounds * room.capacity / room.slots / self.settings.nodes_per_slot).max(1);
        let most = if is_last { u64::MAX } else { u64::from(rounds) * u64::from(room.slots) };
        let limited = |open: &Open| {
            let task = &tasks[open.number];
            WideTask { most_samples: task.most_samples.saturating_sub(open.drawn).min(most), ..task.clone() }
        };
        let start = Rounds::new(&open.iter().map(limited).collect::<Vec<_>>(), room);
        match self.buffers(SetSize::of_rounds(&start))? {
            Some(mut set) => {
                set.begin(&start)?;
                let again = self.run(&mut set, pass, open, answered);
                self.set = Some(set);
                again
            }
            // Half of them at a time may have room; one by itself goes on elsewhere.
            None if open.len() > 1 => {
                let (few, others) = open.split_at(open.len() / 2);
                let mut again = self.explore_set(pass, few, answered)?;
                again.extend(self.explore_set(pass, others, answered)?);
                Ok(again)
            }
            None => {
                answered(open[0].number, open[0].answer(&start.searches[0], None));
                Ok(Vec::new())
            }
        }
    }

    /// Submits rounds until all searches of a set are over, or nobody waits for them any more.
    fn run(
        &mut self,
        set: &mut DeviceSet,
        pass: &Pass<'_>,
        open: &[Open],
        answered: &mut Answered<'_>,
    ) -> Result<Vec<Open>, CheckError> {
        let Pass { tasks, is_last, stop, .. } = *pass;
        let DeviceSettings { submission, submitted_rounds: [mut rounds, most_rounds], .. } = self.settings;
        let task = |s: usize| &tasks[open[s].number];
        // The searches of a set go on together: as long as any of them may.
        let limit: Option<Duration> =
            (0..open.len()).map(|s| task(s).time_limit).try_fold(Duration::ZERO, |a, b| Some(a.max(b?)));
        let due = limit.map_or(Stop::NEVER, |limit| Stop::after(Instant::now(), limit));
        let mut running: Vec<usize> = (0..open.len()).collect();
        let mut again = Vec::new();
        while !running.is_empty() && !stop.is_due() {
            let begun = Instant::now();
            let searches = set.submit(&self.kernels, rounds, &mut self.traffic)?;
            let took = begun.elapsed().as_secs_f64().max(1e-6);
            rounds = ((f64::from(rounds) * submission.as_secs_f64() / took) as u32).clamp(1, most_rounds);
            let is_late = due.is_due();
            let is_unwanted = |s: usize| is_late || task(s).cancel.as_ref().is_some_and(CancelToken::is_cancelled);
            let (over, left): (Vec<usize>, Vec<usize>) =
                running.into_iter().partition(|&s| !searches[s].is_running() || is_unwanted(s));
            running = left;
            let solved: Vec<usize> = over.iter().copied().filter(|&s| searches[s].is_solved()).collect();
            let mut paths = set.paths(&solved, &searches, &mut self.traffic)?.into_iter();
            for s in over {
                let search = &searches[s];
                let path = if search.is_solved() { paths.next().flatten() } else { None };
                let answer = open[s].answer(search, path);
                let may_grow = answer.path.is_none() && !is_last && answer.samples < task(s).most_samples;
                match may_grow && !is_unwanted(s) {
                    true => again.push(Open { drawn: answer.samples, ..open[s] }),
                    false => answered(open[s].number, answer),
                }
            }
        }
        Ok(again)
    }
}

/// Whoever is handed answers, by the number of the task.
type Answered<'a> = dyn FnMut(usize, WideAnswer) + 'a;

/// A search that has no answer yet: the number of its task, and the samples that it has drawn in earlier sets.
#[derive(Clone, Copy, Debug)]
struct Open {
    number: usize,
    drawn: u64,
}

impl Open {
    /// What has come of it in all its sets.
    fn answer(&self, search: &Search, path: Option<Path>) -> WideAnswer {
        let answer = search.answer(path);
        WideAnswer { samples: self.drawn + answer.samples, ..answer }
    }
}

/// All sets of searches that have the same room.
#[derive(Clone, Copy)]
struct Pass<'a> {
    tasks: &'a [WideTask],
    room: WideRoom,
    is_last: bool,
    stop: &'a Stop,
}

impl Explorer for DeviceExplorer {
    fn explore(
        &mut self,
        tasks: &[WideTask],
        stop: &Stop,
        answered: &mut dyn FnMut(usize, WideAnswer),
    ) -> Result<(), CheckError> {
        let mut left: Vec<Open> = (0..tasks.len()).map(|number| Open { number, drawn: 0 }).collect();
        let outputs = tasks.iter().map(|task| task.outputs.len()).max().unwrap_or(1);
        for number in 0..self.settings.passes {
            let room = self.settings.room(left.len(), number).for_roots(tasks);
            let pass = Pass { tasks, room, is_last: number + 1 == self.settings.passes, stop };
            let mut again = Vec::new();
            let mut rest = &left[..];
            while !rest.is_empty() && !stop.is_due() {
                let (set, later) = rest.split_at(self.fitting(rest.len(), room, outputs));
                again.extend(self.explore_set(&pass, set, answered)?);
                rest = later;
            }
            left = again;
        }
        Ok(())
    }
}

//! The stages of a round, one after the other, in plain Rust: what a device does for thousands of slots at once. The
//! kernels of `shaders/wide/` say the same in the same order.

use super::layout::{
    BEGIN, EXTEND, FREE, FULL, GOAL, NOTHING, OUTPUT_WORDS, RUNNING, SOLVED, SPENT, START, STEP, STEPS, Search, Slot,
};
use super::random::{random, unit};
use super::task::{WideAnswer, WideOutput, WideSettings, WideTask};
use crate::check::Status;
use crate::check::packed::{RakeOrder, coefficient_stride, COEFFICIENT_ROW};
use crate::search::ExtensionSettings;
use std::sync::LazyLock;

/// How much room each search of a set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WideRoom {
    /// Slots: a multiple of [`WideSettings::tile`].
    pub slots: u32,
    /// Nodes of each of its trees.
    pub capacity: u32,
}

impl WideRoom {
    /// The same, with room for the roots of all tasks and what grows from them in a round.
    pub(super) fn for_roots(self, tasks: &[WideTask]) -> Self {
        let roots = tasks.iter().flat_map(|task| &task.roots).map(Vec::len).max().unwrap_or(0);
        let least = u32::try_from(roots).unwrap_or(u32::MAX).saturating_add(self.slots);
        Self { capacity: self.capacity.max(least), ..self }
    }
}

/// A set of searches on their way.
#[derive(Clone, Debug)]
pub struct Rounds {
    pub(super) searches: Vec<Search>,
    pub(super) slots: Vec<Slot>,
    pub(super) tables: Vec<f32>,
    pub(super) arena: Vec<u32>,
    pub(super) failures: Vec<u32>,
}

/// Steps of rakes by their number.
static RAKE_STEPS: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..STEPS as usize).map(|n| RakeOrder::new(n.max(1)).step() as f32).collect());

/// A number that WGSL can take: it promises nothing about infinities.
fn finite(x: f64) -> f32 {
    (x as f32).clamp(-1e30, 1e30)
}

fn words(output: &WideOutput) -> [f32; OUTPUT_WORDS as usize] {
    let WideOutput { bounds: (lower, upper), weight, reach, seconds: [linear, square, cube] } = *output;
    let way = |x: f64| if x.is_nan() { 0.0 } else { finite(x) };
    [finite(lower), finite(upper - lower), finite(weight), finite(reach), way(linear), way(square), way(cube), 0.0]
}

impl Rounds {
    /// Searches that have not begun: what goes up to a device. Trees are not planted.
    pub(super) fn new(tasks: &[WideTask], room: WideRoom) -> Self {
        let WideRoom { slots, capacity } = room;
        let mut tables = RAKE_STEPS.clone();
        let mut searches = Vec::with_capacity(tasks.len());
        let most_outputs = tasks.iter().map(|task| task.outputs.len()).max().unwrap_or(0);
        let rows = |task: &WideTask| task.outputs.len() * coefficient_stride(task.degree) / COEFFICIENT_ROW;
        let edge_rows = tasks.iter().map(rows).max().unwrap_or(0) as u32;
        let path_words = 2 + WideSettings::DEFAULT.most_knots * most_outputs as u32;
        let mut trees = 0;
        for (i, task) in tasks.iter().enumerate() {
            let table = tables.len() as u32;
            tables.extend(task.outputs.iter().flat_map(words));
            let roots = tables.len() as u32;
            tables.extend(task.roots.iter().flatten().flatten().map(|&x| x as f32));
            let search = Search {
                problem: task.problem as u32,
                outputs: task.outputs.len() as u32,
                degree: task.degree as u32,
                slots,
                capacity,
                table,
                roots,
                trees,
                failures: i as u32 * 2 * capacity,
                first_slot: i as u32 * slots,
                seed_low: task.seed as u32,
                seed_high: (task.seed >> 32) as u32,
                range: task.range as f32,
                padding: task.padding as f32,
                clearance: task.clearance as f32,
                resolution: task.resolution as f32,
                most_samples: u32::try_from(task.most_samples).unwrap_or(u32::MAX - slots),
                sizes: [START, GOAL].map(|side| task.roots[side as usize].len() as u32),
                running: i as u32,
                edge_rows,
                path_words,
                ..Search::default()
            };
            trees = search.ends(slots as usize) as u32;
            searches.push(search);
        }
        let (slots, failures) = (searches.len() * slots as usize, searches.len() * 2 * capacity as usize);
        Self {
            searches,
            slots: vec![Slot::default(); slots],
            tables,
            arena: vec![0; trees as usize],
            failures: vec![0; failures],
        }
    }

    fn number(&self, word: usize) -> f32 {
        f32::from_bits(self.arena[word])
    }

    fn output(&self, search: &Search, j: usize) -> &[f32] {
        let at = search.table as usize + OUTPUT_WORDS as usize * j;
        &self.tables[at..at + OUTPUT_WORDS as usize]
    }

    /// Trees of their roots alone, and the first edges, straight from the goals to the start.
    pub(super) fn plant(&mut self) {
        self.failures.fill(0);
        for search in &self.searches {
            let (mut root, outputs) = (search.roots as usize, search.outputs as usize);
            for side in [START, GOAL] {
                for node in 0..search.sizes[side as usize] as usize {
                    for j in 0..outputs {
                        self.arena[search.positions(side, j) + node] = self.tables[root + j].to_bits();
                    }
                    self.arena[search.parents(side) + node] = node as u32;
                    self.arena[search.costs(side) + node] = 0;
                    root += outputs;
                }
            }
            let first = search.first_slot as usize;
            for (i, slot) in self.slots[first..first + search.slots as usize].iter_mut().enumerate() {
                let phase = if (i as u32) < search.sizes[1] { STEP } else { FREE };
                *slot = Slot { phase, ..Slot::straight(i as u32) };
            }
        }
    }

    /// The searches that are still running, in order, and their slots.
    fn edges(&self) -> Vec<(Search, usize)> {
        let running = self.running();
        let slots = self.searches.first().map_or(0, |search| search.slots as usize);
        running.into_iter().flat_map(|s| (0..slots).map(move |i| (self.searches[s], i))).collect()
    }

    /// The numbers of the searches that are still running.
    pub(super) fn running(&self) -> Vec<usize> {
        (0..self.searches.len()).filter(|&s| self.searches[s].status == RUNNING).collect()
    }

    /// What each free slot is to do next.
    pub(super) fn propose(&mut self) {
        for (search, i) in self.edges() {
            let at = search.first_slot as usize + i;
            let end = search.ends(i);
            let draw = |draw: usize| {
                let counter =
                    [search.seed_low, search.seed_high, search.round, (i as u32) << 4 | (draw as u32 / 4)];
                random(counter)[draw % 4]
            };
            match self.slots[at].phase {
                FREE => {
                    let [starts, goals] = search.sizes.map(|size| size as i32);
                    let slots = search.slots as i32;
                    let share = (slots + goals - starts).clamp(0, 2 * slots) as u32;
                    let side = if draw(0) % (2 * search.slots) < share { START } else { GOAL };
                    self.slots[at] = Slot { phase: EXTEND, side, ..self.slots[at] };
                    for j in 0..search.outputs as usize {
                        let output = self.output(&search, j);
                        let sample = output[0] + output[1] * unit(draw(j + 1));
                        self.arena[end + j] = sample.to_bits();
                    }
                }
                BEGIN => {
                    let Slot { side, goal, .. } = self.slots[at];
                    for j in 0..search.outputs as usize {
                        self.arena[end + j] = self.arena[search.positions(1 - side, j) + goal as usize];
                    }
                }
                _ => {}
            }
        }
    }

    /// The node of the tree that a slot extends which is nearest to where it is to go; of several, the first.
    pub(super) fn nearest(&mut self) {
        /// Nodes that are looked at together: their sums fit in registers.
        const BLOCK: usize = 64;
        for (search, i) in self.edges() {
            let at = search.first_slot as usize + i;
            let slot = self.slots[at];
            if !slot.looks() {
                continue;
            }
            let end = search.ends(i);
            let size = search.sizes[slot.side as usize] as usize;
            let (mut least, mut near) = (3.0e38_f32, 0);
            for block in (0..size).step_by(BLOCK) {
                let count = BLOCK.min(size - block);
                let mut sums = [0.0_f32; BLOCK];
                for j in 0..search.outputs as usize {
                    let (weight, to) = (self.output(&search, j)[2], self.number(end + j));
                    let from = search.positions(slot.side, j) + block;
                    for (sum, &x) in sums.iter_mut().zip(&self.arena[from..from + count]) {
                        let d = weight * (f32::from_bits(x) - to);
                        *sum += d * d;
                    }
                }
                for (k, &sum) in sums[..count].iter().enumerate() {
                    if sum < least {
                        (least, near) = (sum, block + k);
                    }
                }
            }
            self.slots[at] = Slot { near: near as u32, distance: least.sqrt(), ..slot };
        }
    }

    /// The edge of each slot.
    pub(super) fn steer(&mut self) {
        for (search, i) in self.edges() {
            let at = search.first_slot as usize + i;
            if self.slots[at].tries > 0 {
                self.slots[at].duration *= WideSettings::DEFAULT.slower;
                continue;
            }
            self.bring_near(&search, i);
            self.slots[at].duration = self.least_duration(&search, i);
        }
    }

    /// Makes a slot's edge lead no farther than it may; where it leads nowhere, the slot has none in this round.
    fn bring_near(&mut self, search: &Search, i: usize) {
        let slot = &mut self.slots[search.first_slot as usize + i];
        let mut share = 1.0;
        if slot.phase == EXTEND {
            let failed = self.failures[search.failures_of(slot.side, slot.near)];
            if !ExtensionSettings::DEFAULT.takes(failed, slot.distance.into(), search.range.into()) {
                slot.phase = NOTHING;
                return;
            }
            let halvings = ExtensionSettings::DEFAULT.halvings(failed);
            share = search.range / (1_u32 << halvings) as f32 / slot.distance;
        } else {
            slot.phase = STEP;
            if slot.distance > search.range {
                share = search.range / slot.distance;
            }
        }
        let slot = *slot;
        let end = search.ends(i);
        for j in 0..search.outputs as usize {
            let from = self.number(search.positions(slot.side, j) + slot.near as usize);
            let mut to = match slot.phase {
                STEP => self.number(search.positions(1 - slot.side, j) + slot.goal as usize),
                _ => self.number(end + j),
            };
            if share < 1.0 {
                to = from + (to - from) * share;
            }
            self.arena[end + j] = to.to_bits();
        }
    }

    /// Where a slot's edge begins and ends, output by output, as it will be driven: edges of the goal's tree lead to its
    /// root.
    pub(super) fn way(&self, search: &Search, i: usize, j: usize) -> [f32; 2] {
        let slot = &self.slots[search.first_slot as usize + i];
        let near = self.number(search.positions(slot.side, j) + slot.near as usize);
        let end = self.number(search.ends(i) + j);
        if slot.side == GOAL { [end, near] } else { [near, end] }
    }

    /// The least duration within the limits of velocity, acceleration and jerk, and a little more, which rounding may
    /// take.
    fn least_duration(&self, search: &Search, i: usize) -> f32 {
        let (mut linear, mut square, mut cube) = (0.0_f32, 0.0_f32, 0.0_f32);
        for j in 0..search.outputs as usize {
            let [from, to] = self.way(search, i, j);
            let distance = (to - from).abs();
            let output = self.output(search, j);
            linear = linear.max(distance * output[4]);
            square = square.max(distance * output[5]);
            cube = cube.max(distance * output[6]);
        }
        linear.max(square.sqrt()).max(cube.cbrt()) * 1.000_01
    }

    /// The slots that have an edge in this round: which search's, and which of its slots.
    pub(super) fn proposed(&self) -> impl Iterator<Item = (Search, usize)> + '_ {
        let has_edge = |&(search, i): &(Search, usize)| {
            self.slots[search.first_slot as usize + i].phase != NOTHING
        };
        self.edges().into_iter().filter(has_edge)
    }

    /// Makes nodes of what the check found valid, in the order of the slots; every slot learns what it is to do next.
    /// `statuses` are those of all slots of the searches that are running.
    pub(super) fn append(&mut self, statuses: &[Status]) {
        let slots = self.searches.first().map_or(1, |search| search.slots as usize);
        for (s, statuses) in self.running().into_iter().zip(statuses.chunks(slots)) {
            self.append_to(s, statuses);
        }
    }

    fn append_to(&mut self, s: usize, statuses: &[Status]) {
        let search = self.searches[s];
        let mut sizes = search.sizes;
        let mut shortest: Option<(f32, Slot)> = None;
        for (i, &status) in statuses.iter().enumerate() {
            let at = search.first_slot as usize + i;
            let slot = self.slots[at];
            let free = Slot { phase: FREE, tries: 0, ..slot };
            self.slots[at] = match status {
                _ if slot.phase == NOTHING => free,
                Status::Valid if slot.phase == STEP && slot.distance <= search.range => {
                    let cost = |side| self.number(search.costs(side) + slot.near_in(side) as usize);
                    let whole = cost(START) + slot.duration + cost(GOAL);
                    if shortest.is_none_or(|(least, _)| whole < least) {
                        shortest = Some((whole, slot));
                    }
                    free
                }
                Status::Valid => {
                    let node = sizes[slot.side as usize];
                    sizes[slot.side as usize] += 1;
                    self.grown(&search, i, node)
                }
                Status::Effort | Status::Base if slot.tries < WideSettings::DEFAULT.tries => {
                    Slot { tries: slot.tries + 1, ..slot }
                }
                _ => {
                    if slot.phase == EXTEND {
                        self.failures[search.failures_of(slot.side, slot.near)] += 1;
                    }
                    free
                }
            };
        }
        let is_full = sizes.iter().any(|&size| size > search.capacity);
        let search = &mut self.searches[s];
        search.round += 1;
        search.samples += search.slots;
        search.sizes = sizes.map(|size| size.min(search.capacity));
        if let Some((_, slot)) = shortest {
            search.status = SOLVED;
            search.near = [START, GOAL].map(|side| slot.near_in(side));
            search.closing = slot.duration;
        } else if is_full {
            search.status = FULL;
        } else if search.samples >= search.most_samples {
            search.status = SPENT;
        }
    }

    /// A slot whose edge is valid: the edge's end becomes a node, if there is room.
    fn grown(&mut self, search: &Search, i: usize, node: u32) -> Slot {
        let slot = Slot { tries: 0, ..self.slots[search.first_slot as usize + i] };
        if node >= search.capacity {
            return Slot { phase: FREE, ..slot };
        }
        let at = node as usize;
        for j in 0..search.outputs as usize {
            self.arena[search.positions(slot.side, j) + at] = self.arena[search.ends(i) + j];
        }
        self.arena[search.parents(slot.side) + at] = slot.near;
        let cost = self.number(search.costs(slot.side) + slot.near as usize) + slot.duration;
        self.arena[search.costs(slot.side) + at] = cost.to_bits();
        match slot.phase {
            STEP => Slot { near: node, distance: slot.distance - search.range, ..slot },
            _ => Slot { phase: BEGIN, side: 1 - slot.side, goal: node, ..slot },
        }
    }

    /// The path of a search that is solved, from start to goal, and how many of its states are of the start's tree.
    /// `None` where it has more states than a device would read back.
    pub(super) fn trace(&self, search: &Search) -> Option<(Vec<Vec<f64>>, usize)> {
        let chain = |side: u32| {
            let parent = move |&node: &u32| {
                let parent = self.arena[search.parents(side) + node as usize];
                (parent != node).then_some(parent)
            };
            std::iter::successors(Some(search.near[side as usize]), parent)
        };
        let state = |side: u32, node: u32| -> Vec<f64> {
            let at = |j| f64::from(self.number(search.positions(side, j) + node as usize));
            (0..search.outputs as usize).map(at).collect()
        };
        let mut path: Vec<Vec<f64>> = chain(START).map(|node| state(START, node)).collect();
        path.reverse();
        let before = path.len();
        path.extend(chain(GOAL).map(|node| state(GOAL, node)));
        (path.len() <= WideSettings::DEFAULT.most_knots as usize).then_some((path, before))
    }

    /// What has come of a search so far.
    pub(super) fn answer(&self, s: usize) -> WideAnswer {
        let search = &self.searches[s];
        let path = if search.is_solved() { self.trace(search) } else { None };
        search.answer(path)
    }
}

impl Search {
    /// What has come of it so far, with its path where that is known.
    pub(super) fn answer(&self, path: Option<(Vec<Vec<f64>>, usize)>) -> WideAnswer {
        WideAnswer {
            path,
            samples: self.samples.into(),
            nodes: self.sizes.map(|size| size as usize),
            is_full: self.status == FULL,
        }
    }

    /// Whether it goes on.
    pub(super) fn is_running(&self) -> bool {
        self.status == RUNNING
    }

    /// Whether it has found a path.
    pub(super) fn is_solved(&self) -> bool {
        self.status == SOLVED
    }
}

//! Every kernel against the same stage in lanes, from the same state: integers alike, floats but for rounding.

use super::kernels::SOURCE;
use super::set::Stage;
use super::super::layout::{NOTHING, Search, Slot};
use super::super::lanes::WideSearch;
use super::super::task::WideOutput;
use super::*;
use crate::check::gpu::tests::{device, problem};
use crate::check::packed::reaches;
use crate::check::{EdgeBatch, EdgeChecker, ScalarChecker, SimdChecker, Status, Verdict};
use crate::problem::Problem;
use crate::steer::{Steering, steering_limits};
use naga::TypeInner;
use std::mem::offset_of;

/// Spacing of samples, metres.
const RESOLUTION: f64 = 0.02;

/// A search of the probe's arm from its start to some goals.
fn task(problem: &Problem, goals: &[[f64; 2]], seed: u64) -> WideTask {
    let terms = Steering::new(problem.smoothness, &steering_limits(problem)).rest_to_rest_terms();
    let reaches = reaches(&problem.mechanism);
    let output = |(j, seconds): (usize, [f64; 3])| WideOutput {
        bounds: (-3.0, 3.0),
        weight: 1.0 - 0.2 * j as f64,
        reach: reaches[j].into(),
        seconds,
    };
    WideTask {
        problem: 0,
        outputs: terms.into_iter().enumerate().map(output).collect(),
        degree: problem.smoothness.degree(),
        roots: [vec![vec![0.3, 0.1]], goals.iter().map(|goal| goal.to_vec()).collect()],
        seed,
        range: 0.4,
        padding: 1e-3,
        clearance: 2e-3,
        resolution: RESOLUTION,
        most_samples: 4000,
        time_limit: None,
        cancel: None,
    }
}

fn tasks(problem: &Problem) -> Vec<WideTask> {
    vec![
        task(problem, &[[2.8, 0.2]], 1),
        task(problem, &[[-2.8, -1.0], [2.6, 2.0], [-1.4, 0.5]], 1 << 40),
        task(problem, &[[0.5, 0.2]], 3),
        task(problem, &[[-2.5, 1.5]], 4),
    ]
}

/// A set on its way, on a device and in lanes.
struct Both {
    device: DeviceSet,
    kernels: Arc<Kernels>,
    lanes: Rounds,
    checker: SimdChecker,
    traffic: WideTraffic,
}

impl Both {
    fn new(gpu: &Gpu, kernels: Arc<Kernels>, room: WideRoom) -> Self {
        let problem = problem();
        let pool = GpuPool::new(gpu, [(&problem, RESOLUTION)]).unwrap();
        let tasks = tasks(&problem);
        let lanes = Rounds::new(&tasks, room);
        let mut device = DeviceSet::new(&pool, SetSize::of_rounds(&lanes)).unwrap().unwrap();
        device.begin(&lanes).unwrap();
        let mut checker = SimdChecker::new(&problem, RESOLUTION);
        checker.set_padding(tasks[0].padding);
        checker.set_clearance(tasks[0].clearance);
        Self { device, kernels, lanes, checker, traffic: WideTraffic::default() }
    }

    fn downloaded<T: bytemuck::Pod>(&mut self, buffer: &wgpu::Buffer, count: usize) -> Vec<T> {
        let mut all = Vec::with_capacity(count);
        let (mut at, end) = (0, (count * size_of::<T>()) as u64);
        while at < end {
            let bytes = self.device.download_size().min(end - at);
            let mut encoder = self.device.encoder();
            self.device.copy_down(&mut encoder, buffer, at, bytes);
            let read = self.device.read_back(encoder, bytes, &mut self.traffic).unwrap();
            all.extend_from_slice(&read);
            at += bytes;
        }
        bytemuck::pod_collect_to_vec(&all)
    }

    /// What the device has, as the set in lanes.
    fn state(&mut self) -> Rounds {
        let Rounds { searches, slots, arena, failures, tables } = self.lanes.clone();
        let buffers = [&self.device.searches, &self.device.slots, &self.device.arena, &self.device.failures];
        let [of_searches, of_slots, of_arena, of_failures] = buffers.map(wgpu::Buffer::clone);
        Rounds {
            searches: self.downloaded::<Search>(&of_searches, searches.len()),
            slots: self.downloaded::<Slot>(&of_slots, slots.len()),
            arena: self.downloaded(&of_arena, arena.len()),
            failures: self.downloaded(&of_failures, failures.len()),
            tables,
        }
    }

    /// What the checker in lanes says of the edges that the device made, of all slots of the searches that are running.
    fn statuses(&mut self) -> Vec<Status> {
        let slots = self.lanes.searches[0].slots as usize;
        let mut statuses = vec![Status::Unchecked; self.lanes.running().len() * slots];
        let rank = |lanes: &Rounds, s: usize| lanes.running().iter().position(|&r| r == s).unwrap();
        let proposed: Vec<(Search, usize)> = self.lanes.proposed().collect();
        let (mut edges, mut verdicts) = (EdgeBatch::new(2, 3), Vec::<Verdict>::new());
        for (search, i) in &proposed {
            let way = |end: usize| -> Vec<f64> {
                (0..2).map(|j| self.lanes.way(search, *i, j)[end].into()).collect()
            };
            let duration = self.lanes.slots[search.first_slot as usize + i].duration;
            edges.push_at_rest(&way(0), &way(1), duration.into());
        }
        self.checker.check(&edges, &mut verdicts).unwrap();
        for ((search, i), verdict) in proposed.iter().zip(&verdicts) {
            let s = (search.first_slot / search.slots) as usize;
            statuses[rank(&self.lanes, s) * slots + i] = verdict.status();
        }
        statuses
    }

    /// Does a stage on the device and in lanes and compares what has come of it; then both go on from the device's state.
    fn stage(&mut self, stage: Stage) -> Result<(), String> {
        let mut encoder = self.device.encoder();
        self.device.record(&self.kernels.clone(), &mut encoder, &[stage]);
        self.device.read_back(encoder, 4, &mut self.traffic).map_err(|e| e.to_string())?;
        match stage {
            Stage::Plant => self.lanes.plant(),
            Stage::Propose => self.lanes.propose(),
            Stage::Nearest => self.lanes.nearest(),
            Stage::Steer => self.lanes.steer(),
            Stage::Check | Stage::Tally | Stage::Trace => {}
            Stage::Append => {
                let expected = self.statuses();
                let verdicts = self.device.verdicts.clone();
                let said: Vec<Verdict> = self.downloaded(&verdicts, expected.len());
                let proposed = |k: usize| {
                    let search = self.lanes.searches[self.lanes.running()[k / self.slots()]];
                    self.lanes.slots[search.first_slot as usize + k % self.slots()].phase != NOTHING
                };
                let said: Vec<Status> =
                    said.iter().map(|verdict| verdict.with_samples().map_or(Status::Unchecked, |v| v.0.status())).collect();
                for (k, (&said, &expected)) in said.iter().zip(&expected).enumerate() {
                    // Which of several faults is found first is another order in lanes.
                    if proposed(k) && (said == Status::Valid) != (expected == Status::Valid) {
                        return Err(format!("check of edge {k}: {said:?}, in lanes {expected:?}"));
                    }
                }
                self.lanes.append(&said);
            }
        }
        let device = self.state();
        same(&device, &self.lanes).map_err(|why| format!("{stage:?}: {why}"))?;
        self.lanes = device;
        Ok(())
    }

    fn slots(&self) -> usize {
        self.lanes.searches[0].slots as usize
    }

    /// Rounds until all searches are over; gives how many.
    fn run(&mut self) -> Result<usize, String> {
        self.stage(Stage::Plant)?;
        self.stage(Stage::Tally)?;
        for round in 0..100 {
            for stage in Stage::ROUND {
                self.stage(stage)?;
            }
            if self.lanes.running().is_empty() {
                return Ok(round + 1);
            }
        }
        Err("searches have no end".to_owned())
    }
}

/// Compares states: integers must be the same, floats but for rounding.
fn same(device: &Rounds, lanes: &Rounds) -> Result<(), String> {
    let near = |a: f32, b: f32| (a - b).abs() <= 2e-5 * (1.0 + b.abs());
    for (s, (a, b)) in device.searches.iter().zip(&lanes.searches).enumerate() {
        let integers = |x: &Search| Search { closing: 0.0, running: 0, ..*x };
        if integers(a) != integers(b) || !near(a.closing, b.closing) {
            return Err(format!("search {s}: {a:?}, in lanes {b:?}"));
        }
    }
    for (i, (a, b)) in device.slots.iter().zip(&lanes.slots).enumerate() {
        let integers = |x: &Slot| Slot { distance: 0.0, duration: 0.0, ..*x };
        if integers(a) != integers(b) || !near(a.distance, b.distance) || !near(a.duration, b.duration) {
            return Err(format!("slot {i}: {a:?}, in lanes {b:?}"));
        }
    }
    for search in &device.searches {
        for word in search.ends(0)..search.ends(search.slots as usize) {
            let [a, b] = [device, lanes].map(|rounds| f32::from_bits(rounds.arena[word]));
            if !near(a, b) {
                return Err(format!("end of an edge: {a}, in lanes {b}"));
            }
        }
        for side in [0, 1] {
            for node in 0..search.sizes[side as usize] as usize {
                let parent = search.parents(side) + node;
                if device.arena[parent] != lanes.arena[parent] {
                    return Err(format!("parent of node {node}"));
                }
                let places = (0..2).map(|j| search.positions(side, j) + node);
                for word in places.chain([search.costs(side) + node]) {
                    let [a, b] = [device, lanes].map(|rounds| f32::from_bits(rounds.arena[word]));
                    if !near(a, b) {
                        return Err(format!("node {node} of tree {side}: {a}, in lanes {b}"));
                    }
                }
                let failures = search.failures_of(side, node as u32);
                if device.failures[failures] != lanes.failures[failures] {
                    return Err(format!("failures of node {node}"));
                }
            }
        }
    }
    Ok(())
}

const ROOM: WideRoom = WideRoom { slots: 32, capacity: 1024 };

fn kernels(gpu: &Gpu) -> Arc<Kernels> {
    gpu.keep(Kernels::new).unwrap()
}

#[test]
fn kernels_do_what_lanes_do() {
    let Some(gpu) = device() else { return };
    let mut both = Both::new(gpu, kernels(gpu), ROOM);
    let rounds = both.run().unwrap();
    assert!(rounds > 4, "the searches take some rounds: {rounds}");
    assert!(both.lanes.searches.iter().filter(|search| search.is_solved()).count() >= 3);
    let mut encoder = both.device.encoder();
    both.device.record(&kernels(gpu), &mut encoder, &[Stage::Trace]);
    both.device.read_back(encoder, 4, &mut both.traffic).unwrap();
    let solved: Vec<usize> = (0..4).filter(|&s| both.lanes.searches[s].is_solved()).collect();
    let paths = both.device.paths(&solved, &both.lanes.searches, &mut both.traffic).unwrap();
    for (&s, path) in solved.iter().zip(paths) {
        assert_eq!(path, both.lanes.trace(&both.lanes.searches[s]), "search {s}");
    }
}

/// Trees that fill up, and few slots: every way that a search can end.
#[test]
fn full_trees_end_a_search_alike() {
    let Some(gpu) = device() else { return };
    let mut both = Both::new(gpu, kernels(gpu), WideRoom { slots: 4, capacity: 8 });
    both.run().unwrap();
    assert!(both.lanes.searches.iter().any(|search| search.answer(None).is_full));
}

/// Every edge of the trees of fifty searches, by the plain oracle: at the search's own samples, whose verdicts differ by
/// rounding alone, which the padding makes up for.
#[test]
fn every_edge_of_a_tree_is_valid() {
    let Some(gpu) = device() else { return };
    let problem = problem();
    let pool = GpuPool::new(gpu, [(&problem, RESOLUTION)]).unwrap();
    let kernels = kernels(gpu);
    let mut oracle = ScalarChecker::new(&problem, RESOLUTION);
    let (mut edges, mut searches) = (EdgeBatch::new(2, 3), 0);
    for seed in 0..13 {
        let tasks: Vec<WideTask> =
            tasks(&problem).into_iter().map(|task| WideTask { seed: task.seed + (seed << 8), ..task }).collect();
        let lanes = Rounds::new(&tasks, ROOM);
        let mut device = DeviceSet::new(&pool, SetSize::of_rounds(&lanes)).unwrap().unwrap();
        device.begin(&lanes).unwrap();
        let mut traffic = WideTraffic::default();
        while device.submit(&kernels, 8, &mut traffic).unwrap().iter().any(Search::is_running) {}
        let checker = SimdChecker::new(&problem, RESOLUTION);
        let mut both = Both { device, kernels: kernels.clone(), lanes, checker, traffic };
        let state = both.state();
        for search in &state.searches {
            searches += 1;
            for side in [0, 1] {
                for node in 0..search.sizes[side as usize] as usize {
                    let parent = state.arena[search.parents(side) + node] as usize;
                    let at = |node: usize| -> Vec<f64> {
                        (0..2).map(|j| f32::from_bits(state.arena[search.positions(side, j) + node]).into()).collect()
                    };
                    let cost = |node: usize| f32::from_bits(state.arena[search.costs(side) + node]);
                    let (mut ends, duration) = ([at(parent), at(node)], cost(node) - cost(parent));
                    if side == 1 {
                        ends.reverse();
                    }
                    if parent != node {
                        edges.push_at_rest(&ends[0], &ends[1], f64::from(duration) * (1.0 + 1e-5));
                    }
                }
            }
        }
    }
    assert!(searches >= 50 && edges.len() > 1000, "{searches} searches, {} edges", edges.len());
    let mut verdicts = Vec::new();
    oracle.check(&edges, &mut verdicts).unwrap();
    let invalid: Vec<_> = verdicts.iter().filter(|verdict| verdict.status() != Status::Valid).collect();
    assert!(invalid.is_empty(), "{} of {}: {:?}", invalid.len(), edges.len(), invalid[0]);
}

/// Held to the least limits, and with none of what is optional: as many searches as fit are in a set.
#[test]
fn a_plain_device_will_do() {
    if device().is_none() {
        return;
    }
    let gpu = Gpu::open_limited(&crate::check::AdapterChoice::Best).unwrap();
    let problem = problem();
    let pool = GpuPool::new(&gpu, [(&problem, RESOLUTION)]).unwrap();
    let mut explorer = DeviceExplorer::new(&pool).unwrap();
    let answers = explored(&mut explorer, &tasks(&problem));
    assert!(answers.iter().filter(|answer| answer.path.is_some()).count() >= 3);
}

#[test]
fn a_fault_in_any_kernel_is_noticed() {
    let Some(gpu) = device() else { return };
    let faults = [
        ("output.lower + output.width * unit", "output.lower + 1.001 * output.width * unit"),
        ("arena[parents(search, side) + node] = node;", "arena[parents(search, side) + node] = 0u;"),
        ("if asks[q] && sums[q] < squares[q]", "if asks[q] && sums[q] > 0.01 && sums[q] < squares[q]"),
        ("share = search.range / slot.distance;", "share = 1.1 * search.range / slot.distance;"),
        ("-2.0 * third", "-1.0 * third"),
        ("select(vec2f(near, end - near), vec2f(end, near - end), slot.side == GOAL)", "vec2f(near, 0.5 * (end - near))"),
        ("return select(GROWN, CLOSED, slot.phase == STEP && slot.distance <= search.range);", "return GROWN;"),
        ("next.side = 1u - slot.side;", "next.side = slot.side;"),
        ("sizes[GOAL] += added[t][GOAL];", "sizes[GOAL] += added[t][START];"),
        ("1u);\n        } else if outcome == CLOSED", "2u);\n        } else if outcome == CLOSED"),
    ];
    for (sound, faulty) in faults {
        let source = SOURCE.replacen(sound, faulty, 1);
        assert_ne!(source, SOURCE, "{sound}");
        let kernels = Arc::new(Kernels::of(gpu, &source));
        gpu.health().unwrap();
        assert!(Both::new(gpu, kernels, ROOM).run().is_err(), "not noticed: {faulty}");
    }
}

fn explored(explorer: &mut DeviceExplorer, tasks: &[WideTask]) -> Vec<WideAnswer> {
    let mut answers: Vec<Option<WideAnswer>> = vec![None; tasks.len()];
    explorer.explore(tasks, &Stop::NEVER, &mut |i, answer| answers[i] = Some(answer)).unwrap();
    answers.into_iter().map(Option::unwrap).collect()
}

/// The same seed gives the same answers: from buffers that hold what no stage writes, from those of another set, and in
/// lanes, which find the faults of an edge in another order, so that here it has but one kind.
#[test]
fn answers_depend_on_the_seed_alone() {
    let Some(gpu) = device() else { return };
    let problem = Problem { torque: false, ..problem() };
    let pool = GpuPool::new(gpu, [(&problem, RESOLUTION)]).unwrap();
    let mut explorer = DeviceExplorer::new(&pool).unwrap();
    let tasks = tasks(&problem);
    let first = explored(&mut explorer, &tasks);
    assert!(first.iter().filter(|answer| answer.path.is_some()).count() >= 3);
    let buffers = explorer.traffic().buffers;
    for _ in 0..3 {
        explorer.set.as_ref().unwrap().poison();
        assert_eq!(explored(&mut explorer, &tasks), first);
    }
    assert_eq!(explorer.traffic().buffers, buffers, "buffers are used again");
    let room = explorer.settings.room(tasks.len(), 0);
    let mut checker = SimdChecker::new(&problem, RESOLUTION);
    checker.set_padding(tasks[0].padding);
    checker.set_clearance(tasks[0].clearance);
    for (task, answer) in tasks.iter().zip(&first).filter(|(_, answer)| answer.samples < 2000) {
        let mut search = WideSearch::new(task, room.slots, room.capacity);
        while search.is_running() {
            search.advance(&mut checker).unwrap();
        }
        let lanes = search.answer();
        assert_eq!((lanes.samples, lanes.nodes), (answer.samples, answer.nodes));
        let [ours, theirs] = [&lanes, answer].map(|a| a.path.clone().unwrap());
        assert_eq!(ours.1, theirs.1);
        for (a, b) in ours.0.iter().flatten().zip(theirs.0.iter().flatten()) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}

/// More goals than a tree has nodes at first, and a start that is one of them: nothing is written where others stand.
#[test]
fn many_goals_have_room() {
    let Some(gpu) = device() else { return };
    let problem = problem();
    let pool = GpuPool::new(gpu, [(&problem, RESOLUTION)]).unwrap();
    let mut explorer = DeviceExplorer::new(&pool).unwrap();
    let alone = explored(&mut explorer, &[task(&problem, &[[2.8, 0.2]], 1), task(&problem, &[[0.3, 0.1]], 1)]);
    assert_eq!(alone[1].path.as_ref().unwrap().0.len(), 2, "from the start to itself");
    let goals: Vec<[f64; 2]> = (0..3000).map(|i| [2.9 - 1e-4 * f64::from(i), 0.2]).collect();
    let many = explored(&mut explorer, &[task(&problem, &goals, 1), task(&problem, &[[2.8, 0.2]], 1)]);
    assert!(many.iter().all(|answer| answer.path.is_some()));
    assert_eq!(many[1].path, alone[0].path, "the neighbour is not disturbed");
}

/// Samples of all sets count, and who cancels is not waited for.
#[test]
fn budgets_hold_over_all_sets() {
    let Some(gpu) = device() else { return };
    let problem = problem();
    let pool = GpuPool::new(gpu, [(&problem, RESOLUTION)]).unwrap();
    let mut explorer = DeviceExplorer::new(&pool).unwrap();
    // A goal that no sample leads to.
    let sealed = |most_samples| WideTask { most_samples, ..task(&problem, &[[50.0, 0.0]], 1) };
    let answer = &explored(&mut explorer, &[sealed(6000)])[0];
    assert!(answer.path.is_none() && (6000..6200).contains(&answer.samples), "{}", answer.samples);
    let token = CancelToken::new();
    token.cancel();
    let cancelled = WideTask { cancel: Some(token), ..sealed(u64::MAX) };
    let late = WideTask { time_limit: Some(Duration::from_millis(1)), ..sealed(u64::MAX) };
    assert!(explored(&mut explorer, &[cancelled])[0].samples < 6000);
    assert!(explored(&mut explorer, &[late])[0].samples < 6000);
}

/// What is lost in the middle is told as an error, and nobody waits for it.
#[test]
fn a_lost_device_is_an_error() {
    if device().is_none() {
        return;
    }
    let gpu = Gpu::open(&crate::check::AdapterChoice::Best).unwrap();
    let problem = problem();
    let pool = GpuPool::new(&gpu, [(&problem, RESOLUTION)]).unwrap();
    let mut explorer = DeviceExplorer::new(&pool).unwrap();
    let tasks = tasks(&problem);
    let mut told = 0;
    let lost = explorer.explore(&tasks, &Stop::NEVER, &mut |_, _| {
        told += 1;
        gpu.destroy();
    });
    assert!(lost.is_err() && told > 0 && told < tasks.len(), "{lost:?} after {told}");
    assert!(explorer.explore(&tasks, &Stop::NEVER, &mut |_, _| {}).is_err());
}

#[test]
fn layouts_are_those_of_the_shader() {
    let module = naga::front::wgsl::parse_str(SOURCE).unwrap();
    let check = |name: &str, size: usize, offsets: &[(&str, usize)]| {
        let found = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(name)).unwrap().1;
        let TypeInner::Struct { members, span } = &found.inner else { panic!("{name} is a struct") };
        assert_eq!(*span as usize, size, "{name}");
        for &(field, offset) in offsets {
            let member = members.iter().find(|m| m.name.as_deref() == Some(field)).unwrap();
            assert_eq!(member.offset as usize, offset, "{name}.{field}");
        }
    };
    macro_rules! fields {
        ($type:ty, $($field:ident),*) => { &[$((stringify!($field), offset_of!($type, $field))),*] };
    }
    let mut of_search = fields!(
        Search, problem, outputs, degree, slots, capacity, table, roots, trees, failures, first_slot, seed_low, seed_high,
        range, padding, clearance, resolution, most_samples, status, round, samples, closing, running, edge_rows, path_words
    )
    .to_vec();
    of_search.extend([("start_size", offset_of!(Search, sizes)), ("goal_size", offset_of!(Search, sizes) + 4)]);
    of_search.extend([("start_near", offset_of!(Search, near)), ("goal_near", offset_of!(Search, near) + 4)]);
    check("Search", size_of::<Search>(), &of_search);
    check("Slot", size_of::<Slot>(), fields!(Slot, phase, side, near, goal, distance, duration, tries, pad));
}

/// No round is given more than a watchdog lets pass, whatever is asked for, and no set more than fits.
#[test]
fn sets_are_of_bounded_size() {
    for settings in [DeviceSettings::HARDWARE, DeviceSettings::SOFTWARE] {
        for count in [1, 7, 350, 10_000, 1_000_000] {
            for pass in 0..settings.passes + 3 {
                let room = settings.room(count, pass);
                assert!(room.slots.is_multiple_of(WideSettings::DEFAULT.tile) && room.capacity >= room.slots);
                let bytes = SetSize::of(1, room, 7).largest();
                let set = settings.fitting(count, room, bytes, 1 << 27, 65_535) as u32;
                assert!(set >= 1 && set * room.slots <= settings.edges[1]);
                assert!(set == 1 || u64::from(set) * bytes <= 1 << 27);
                assert!(set * room.slots / WideSettings::DEFAULT.tile <= 65_535);
                assert!(u64::from(set * room.slots) * u64::from(room.capacity) <= u64::from(settings.most_visits));
            }
        }
    }
}

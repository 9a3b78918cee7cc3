//! A checker that sends batches to a GPU when that is faster, and goes on in CPU lanes when there is
//! none or it fails. Imports the two backends that it chooses between.

use super::gpu::{Gpu, GpuChecker, GpuPool};
use super::packed::{EdgeBatch, Packed, StateBatch};
use super::{AdapterChoice, CheckError, EdgeChecker, OnDevice, SimdChecker, Verdict};
use crate::problem::Problem;
use crate::stop::Stop;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No batch smaller than this pays for the round trip to any device (some 0.1 ms, in which lanes
/// check hundreds of edges), nor for opening one.
const WORTH_ASKING: usize = 512;

/// Edges of a batch by which the backends are compared.
const SAMPLE: usize = 1024;

/// A comparison takes some milliseconds; with less time than this left, it is not begun.
const COMPARISON: Duration = Duration::from_millis(20);

/// The share of the time left that a query waits for a device to be opened, which takes a tenth of a second
/// to some seconds: after that it goes on in lanes, and the device is there for the next.
const WAIT: f64 = 0.25;

/// How often whoever waits asks whether to go on waiting.
const GLANCE: Duration = Duration::from_micros(500);

/// Checks in lanes or on a device, whichever is faster for the batch at hand.
///
/// Both agree but for rounding at the very boundary; so a search may take another way where batches
/// are large enough for a device, and the same way again on the same machine.
pub struct AutoChecker {
    lanes: SimdChecker,
    device: Device,
    warnings: Vec<String>,
    /// States that devices checked before they were given up.
    states_before: u64,
    stop: Stop,
}

enum Device {
    /// No batch has yet been large enough to ask for one.
    Unopened(AdapterChoice),
    /// On its way, on a thread of its own: drivers can't be interrupted. Whether it has been waited for as long
    /// as it may.
    Opening(Receiver<Result<GpuChecker, CheckError>>, bool),
    /// In use for batches of at least `least`; `None` until that is measured.
    Open { checker: Box<GpuChecker>, least: Option<usize> },
    /// There is none, or it failed.
    Closed,
}

/// The size of a robot and its world, on a device: where it is the same, so is the break-even.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Class {
    device: String,
    spheres: usize,
    pairs: usize,
    obstacles: usize,
    torque: bool,
    /// The kind of base, of a vehicle.
    base: Option<u32>,
}

impl AutoChecker {
    /// A checker that opens a device when a batch is large enough to be worth it.
    pub fn new(adapter: &AdapterChoice, problem: &Problem, resolution: f64) -> Self {
        Self::with(SimdChecker::new(problem, resolution), Device::Unopened(adapter.clone()))
    }

    /// A checker that sends every batch to an open device for as long as that works.
    ///
    /// # Errors
    /// When the device fails, or the problem is too large for it.
    pub fn always(gpu: &Gpu, problem: &Problem, resolution: f64) -> Result<Self, CheckError> {
        Ok(Self::in_pool(&GpuPool::new(gpu, [(problem, resolution)])?, 0))
    }

    /// The same for one of the problems of a pool, whose batches travel with those of the others.
    pub fn in_pool(pool: &GpuPool, problem: usize) -> Self {
        let checker = Box::new(pool.checker(problem));
        let lanes = SimdChecker::of(checker.packed().clone());
        Self::with(lanes, Device::Open { checker, least: Some(0) })
    }

    fn with(lanes: SimdChecker, device: Device) -> Self {
        Self { lanes, device, warnings: Vec::new(), states_before: 0, stop: Stop::NEVER }
    }

    /// The device's checker, if a batch of this many is for the device.
    fn device_for(&mut self, batch: usize, edges: Option<&EdgeBatch>) -> Option<&mut GpuChecker> {
        if batch >= WORTH_ASKING {
            self.open();
        }
        if let (Device::Open { checker, least: least @ None }, Some(edges)) = (&mut self.device, edges)
            && batch >= WORTH_ASKING
        {
            match break_even(checker, &mut self.lanes, edges, &self.stop) {
                Ok(measured) => *least = measured,
                Err(failure) => self.settle(Err(failure)),
            }
        }
        match &mut self.device {
            Device::Open { checker, least: Some(least) } if batch >= *least => Some(checker),
            _ => None,
        }
    }

    /// Has the device opened, and waits for it as long as it may.
    fn open(&mut self) {
        if let Device::Unopened(adapter) = &self.device {
            self.device = opening(adapter.clone(), self.lanes.packed());
        }
        let Device::Opening(opened, has_waited) = &mut self.device else { return };
        let wait =
            if *has_waited { Stop::after(Instant::now(), Duration::ZERO) } else { self.stop.share(WAIT) };
        let answer = loop {
            match opened.recv_timeout(GLANCE) {
                Err(RecvTimeoutError::Timeout) if wait.is_due() => {
                    *has_waited = true;
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Err(no_thread()),
                Ok(answer) => break answer,
            }
        };
        // What it was made of may have changed since.
        let Packed { padding, clearance, resolution, .. } = *self.lanes.packed();
        self.settle(answer.map(|mut checker| {
            checker.set_padding(padding.into());
            checker.set_clearance(clearance.into());
            checker.set_resolution(resolution.into());
            checker.set_stop(&self.stop);
            Device::Open { checker: Box::new(checker), least: None }
        }));
    }

    /// Takes note of a device that was opened, or of why there is none.
    fn settle(&mut self, device: Result<Device, CheckError>) {
        self.device = device.unwrap_or_else(|failure| {
            let lanes = self.lanes.name();
            self.warnings.push(format!("{failure}; checks go on with {lanes}"));
            if let Device::Open { checker, .. } = &self.device {
                self.states_before += checker.states_checked();
            }
            Device::Closed
        });
    }
}

/// Threads that open devices. One that outlives its query is best waited for before the process ends: drivers
/// don't like to be interrupted.
static OPENING: AtomicUsize = AtomicUsize::new(0);

/// Waits until no device is being opened any more, at most a few seconds: before a process ends.
pub fn wait_for_devices() {
    const MOST: Duration = Duration::from_secs(10);
    let wait = Stop::after(Instant::now(), MOST);
    while OPENING.load(Ordering::Acquire) > 0 && !wait.is_due() {
        std::thread::sleep(GLANCE);
    }
}

/// One of the threads that open devices, from before it begins until it ends.
struct Counted;

impl Counted {
    fn new() -> Self {
        OPENING.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPENING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Opens the device of an adapter, and makes a checker of a problem on it.
fn opening(adapter: AdapterChoice, packed: &Packed) -> Device {
    let (tell, opened) = sync_channel(1);
    if let Some(gpu) = Gpu::open_already(&adapter) {
        // There is room for one, and the other end is here.
        let _ = tell.send(GpuChecker::from_packed(&gpu, packed));
        return Device::Opening(opened, false);
    }
    let (packed, counted) = (packed.clone(), Counted::new());
    let open = move || {
        let _counted = counted;
        let checker = Gpu::shared(&adapter).and_then(|gpu| GpuChecker::from_packed(&gpu, &packed));
        // Nobody may be there any more to use it.
        let _ = tell.send(checker);
    };
    // Where there is no thread to be had, the other end learns of it, as `open` is dropped.
    let _ = std::thread::Builder::new().name("open a device".to_owned()).spawn(open);
    Device::Opening(opened, false)
}

fn no_thread() -> CheckError {
    CheckError::Backend { backend: "gpu".to_owned(), message: "no thread could open the device".to_owned() }
}

/// The size of batch from which on a device is faster than lanes, by checking some edges with both:
/// once per process and class of problem. `usize::MAX` where it never is, `None` where there is no time to tell.
fn break_even(
    gpu: &mut GpuChecker,
    lanes: &mut SimdChecker,
    edges: &EdgeBatch,
    stop: &Stop,
) -> Result<Option<usize>, CheckError> {
    static KNOWN: Mutex<Option<HashMap<Class, usize>>> = Mutex::new(None);
    // Software on the same cores as the lanes cannot be faster.
    if gpu.gpu().is_software() {
        return Ok(Some(usize::MAX));
    }
    let packed = gpu.packed();
    let class = Class {
        device: gpu.gpu().name().to_owned(),
        spheres: packed.spheres.len(),
        pairs: packed.pairs.len(),
        obstacles: packed.world.len(),
        torque: packed.torque,
        base: packed.base.map(|base| base.kind),
    };
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(&least) = known.get(&class) {
        return Ok(Some(least));
    }
    if stop.is_due_in(COMPARISON) {
        return Ok(None);
    }
    let least = measured(gpu, lanes, edges)?;
    // What was broken off took too little time.
    let least = (!stop.is_due()).then_some(least);
    least.map(|least| known.insert(class, least));
    Ok(least)
}

/// The break-even, measured: a few milliseconds.
fn measured(gpu: &mut GpuChecker, lanes: &mut SimdChecker, edges: &EdgeBatch) -> Result<usize, CheckError> {
    let sample = edges.len().min(SAMPLE);
    let seconds = |work: &mut dyn FnMut() -> Result<(), CheckError>| -> Result<f64, CheckError> {
        let started = Instant::now();
        work()?;
        Ok(started.elapsed().as_secs_f64())
    };
    let mut verdicts = Vec::new();
    let mut trip = |gpu: &mut GpuChecker, count: usize| {
        verdicts.clear();
        let ticket = gpu.submit(edges, 0..count)?;
        gpu.collect(ticket, &mut verdicts)
    };
    // The first trip also makes buffers, and some drivers compile only then.
    trip(gpu, sample)?;
    let empty = seconds(&mut || trip(gpu, 0))?;
    let full = seconds(&mut || trip(gpu, sample))?;
    let part = edges.part(0..sample);
    let in_lanes = seconds(&mut || lanes.check(&part, &mut verdicts))?;
    let per_edge = (in_lanes - (full - empty).max(0.0)) / sample as f64;
    Ok(if per_edge > 0.0 { (empty / per_edge).ceil() as usize } else { usize::MAX })
}

impl EdgeChecker for AutoChecker {
    fn check(&mut self, edges: &EdgeBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        if let Some(checker) = self.device_for(edges.len(), Some(edges)) {
            match checker.check(edges, verdicts) {
                Ok(()) => return Ok(()),
                Err(failure) => self.settle(Err(failure)),
            }
        }
        self.lanes.check(edges, verdicts)
    }

    fn check_states(&mut self, states: &StateBatch, verdicts: &mut Vec<Verdict>) -> Result<(), CheckError> {
        if let Some(checker) = self.device_for(states.len(), None) {
            match checker.check_states(states, verdicts) {
                Ok(()) => return Ok(()),
                Err(failure) => self.settle(Err(failure)),
            }
        }
        self.lanes.check_states(states, verdicts)
    }

    fn effort_shares(
        &mut self,
        edges: &EdgeBatch,
        longest: f64,
        shares: &mut Vec<f32>,
    ) -> Result<(), CheckError> {
        self.lanes.effort_shares(edges, longest, shares)
    }

    fn screen(&mut self, states: &StateBatch, free: &mut Vec<bool>) -> Result<(), CheckError> {
        self.lanes.screen(states, free)
    }

    fn screened_at_once(&self) -> usize {
        match &self.device {
            Device::Open { least: Some(0), .. } => 0,
            _ => self.lanes.screened_at_once(),
        }
    }

    // What is opened later takes both from the lanes.
    fn set_clearance(&mut self, metres: f64) {
        self.lanes.set_clearance(metres);
        if let Device::Open { checker, .. } = &mut self.device {
            checker.set_clearance(metres);
        }
    }

    fn set_padding(&mut self, metres: f64) {
        self.lanes.set_padding(metres);
        if let Device::Open { checker, .. } = &mut self.device {
            checker.set_padding(metres);
        }
    }

    fn set_resolution(&mut self, metres: f64) {
        self.lanes.set_resolution(metres);
        if let Device::Open { checker, .. } = &mut self.device {
            checker.set_resolution(metres);
        }
    }

    fn set_stop(&mut self, stop: &Stop) {
        self.stop = stop.clone();
        self.lanes.set_stop(stop);
        match &mut self.device {
            Device::Open { checker, .. } => checker.set_stop(stop),
            Device::Opening(_, has_waited) => *has_waited = false,
            Device::Unopened(_) | Device::Closed => {}
        }
    }

    fn states_checked(&self) -> u64 {
        let on_device = match &self.device {
            Device::Open { checker, .. } => checker.states_checked(),
            _ => 0,
        };
        self.lanes.states_checked() + on_device + self.states_before
    }

    fn preferred_batch(&self) -> usize {
        match &self.device {
            Device::Open { checker, least: Some(0) } => checker.preferred_batch(),
            _ => self.lanes.preferred_batch(),
        }
    }

    fn name(&self) -> String {
        match &self.device {
            Device::Open { checker, least: Some(0) } => checker.name(),
            Device::Open { checker, .. } => format!("{} or {}", self.lanes.name(), checker.name()),
            _ => self.lanes.name(),
        }
    }

    fn on_device(&self) -> Option<OnDevice> {
        match &self.device {
            Device::Open { checker, least: Some(0) } => checker.on_device(),
            _ => None,
        }
    }

    fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::super::gpu::tests::{device, edges, problem};
    use super::*;

    /// What is measured is a size of batch; and from there on, and only from there on, batches go to the
    /// device.
    #[test]
    fn batches_go_where_they_are_checked_faster() {
        let Some(gpu) = device() else { return };
        let problem = problem();
        let mut on_device = GpuChecker::new(gpu, &problem, 0.05).expect("a checker");
        let mut lanes = SimdChecker::new(&problem, 0.05);
        assert!(measured(&mut on_device, &mut lanes, &edges(1000)).expect("a device that works") > 0);
        let software = break_even(&mut on_device, &mut lanes, &edges(1000), &Stop::NEVER);
        let software = software.expect("a device that works");
        assert!(!gpu.is_software() || software == Some(usize::MAX), "it works on the same cores");

        let mut checker = AutoChecker::always(gpu, &problem, 0.05).expect("a checker");
        if let Device::Open { least, .. } = &mut checker.device {
            *least = Some(700);
        }
        let submissions = |checker: &AutoChecker| match &checker.device {
            Device::Open { checker, .. } => checker.traffic().submissions,
            _ => panic!("the device is open"),
        };
        let (mut small, mut large) = (Vec::new(), Vec::new());
        checker.check(&edges(699), &mut small).expect("lanes do not fail");
        assert_eq!(submissions(&checker), 0);
        checker.check(&edges(700), &mut large).expect("a device that works");
        assert_eq!(submissions(&checker), 1);
        let differ = small.iter().zip(&large).filter(|(a, b)| a.status() != b.status()).count();
        assert!(differ <= 2, "{differ} differ");
        assert!(checker.name().contains(" or gpu/"), "{}", checker.name());
    }

    /// A device that is not there by the time there is goes on being opened, and the query in lanes; what the stop
    /// forbids is not checked at all.
    #[test]
    fn nobody_waits_for_a_device_longer_than_there_is_time() {
        let problem = problem();
        let (tell, opened) = sync_channel(1);
        let mut checker = AutoChecker::with(SimdChecker::new(&problem, 0.05), Device::Opening(opened, false));
        let mut verdicts = Vec::new();
        checker.set_stop(&Stop::after(Instant::now(), Duration::ZERO));
        checker.check(&edges(600), &mut verdicts).expect("lanes do not fail");
        assert_eq!(verdicts, [Verdict::UNCHECKED; 600]);
        assert!(matches!(checker.device, Device::Opening(_, true)), "it has waited, and does not again");
        let hour = Stop::after(Instant::now(), Duration::from_secs(3600));
        checker.set_stop(&hour);
        assert!(matches!(checker.device, Device::Opening(_, false)), "another query waits anew");
        let why = || CheckError::Backend { backend: "gpu".to_owned(), message: "there is none".to_owned() };
        tell.send(Err(why())).expect("somebody waits");
        checker.check(&edges(600), &mut verdicts).expect("lanes do not fail");
        assert!(verdicts.iter().all(|verdict| verdict.status() != Status::Unchecked));
        assert!(matches!(checker.device, Device::Closed));
        assert!(checker.take_warnings()[0].starts_with(&why().to_string()));
        // Neither is one whose thread has gone.
        let (_, opened) = sync_channel(1);
        let mut checker = AutoChecker::with(SimdChecker::new(&problem, 0.05), Device::Opening(opened, false));
        checker.check(&edges(600), &mut verdicts).expect("lanes do not fail");
        assert!(matches!(checker.device, Device::Closed));
    }

    /// Backends are not compared in a hurry, and lanes check meanwhile.
    #[test]
    fn without_time_nothing_is_compared() {
        let Some(gpu) = device() else { return };
        let problem = problem();
        let mut on_device = GpuChecker::new(gpu, &problem, 0.05).expect("a checker");
        let mut lanes = SimdChecker::new(&problem, 0.05);
        let soon = Stop::after(Instant::now(), COMPARISON / 2);
        let compared =
            break_even(&mut on_device, &mut lanes, &edges(1000), &soon).expect("a device that works");
        assert!(compared.is_none() || gpu.is_software());
        assert_eq!(on_device.traffic().submissions, 0);
    }
}

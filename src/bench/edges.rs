//! How many edges and states a second each backend checks, by size of batch.

use crate::check::StateBatch;
use crate::check::{CheckError, EdgeBatch, EdgeChecker, ParallelChecker, ScalarChecker, SimdChecker, simd};
use crate::error::InputError;
use crate::pose::Pose;
use crate::problem::{JointState, GRAVITY, Problem, Smoothness};
use crate::robot::{LoadOptions, Mechanism, Robot};
use crate::scene::Planned;
use crate::search::Sampler;
use crate::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// How far an output goes on an edge, at most, rad or m: about an extension of the planner.
const STEP: f64 = 0.5;

/// Obstacles stand in a box that reaches so far from the world's origin, metres, and leave out a
/// column about the robot's base.
const REACH: f64 = 1.2;
const COLUMN: f64 = 0.3;

/// Random edges from rest to rest, and random states, of one problem.
pub struct Workload {
    problem: Problem,
    resolution: f64,
    edges: EdgeBatch,
    states: StateBatch,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// Backend, with its level or adapter.
    pub backend: String,
    /// Threads that check.
    pub threads: usize,
    /// Edges (or states) of a batch.
    pub batch: usize,
    /// Edges checked a second, of wall time.
    pub edges_per_s: f64,
    /// States of those edges that were looked at, a second.
    pub edge_states_per_s: f64,
    /// States checked a second, one by one.
    pub states_per_s: f64,
    /// Share of the wall time for which the device worked, where it can tell.
    pub device_share: Option<f64>,
    /// Least share of the multiply-adds that the device can do, as measured, in what time it worked.
    pub peak_share: Option<f64>,
    /// Bytes sent to the device for an edge, and back.
    pub bytes: Option<(f64, f64)>,
}

/// A backend to be measured.
pub enum Subject {
    /// One checker on this thread.
    One(Box<dyn EdgeChecker>),
    /// Lanes on several threads.
    Threads(ParallelChecker),
    /// A device, and how many multiply-adds it can do in a second.
    #[cfg(feature = "gpu")]
    Gpu(Box<crate::check::gpu::GpuChecker>, f64),
}

/// The same robot among `count` random obstacles of every bounded shape; the more, the smaller.
#[must_use]
pub fn among_obstacles(problem: &Problem, count: usize, seed: u64) -> Problem {
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let size = 0.15 / (count as f64 / 10.0).cbrt().max(1.0);
    let mut obstacles = Vec::new();
    while obstacles.len() < count {
        let mut vector = |reach: f64| DVec3::from_array([0; 3].map(|_| rng.random_range(-reach..reach)));
        let (at, turn) = (vector(REACH), DQuat::from_scaled_axis(vector(3.0)));
        if at.truncate().length() < COLUMN {
            continue;
        }
        let mut length = || size * rng.random_range(0.3..1.0);
        let shape = match obstacles.len() % 4 {
            0 => Shape::Sphere { radius: length() },
            1 => Shape::Cuboid { half_extents: DVec3::new(length(), length(), length()) },
            2 => Shape::Capsule { radius: length(), half_length: length() },
            _ => Shape::Cylinder { radius: length(), half_length: length() },
        };
        obstacles.push(Obstacle {
            name: format!("obstacle {}", obstacles.len()),
            shape,
            pose: Pose::new(turn, at),
        });
    }
    Problem { world: World { obstacles }, ..problem.clone() }
}

/// A Panda with its arm free to move among so many obstacles: what machines are compared by.
///
/// # Errors
/// Never, unless the files that flatout carries are broken.
pub fn standard_problem(obstacles: usize) -> Result<Problem, InputError> {
    let robot = Robot::parse(
        include_str!("../../robots/panda/panda.urdf"),
        Some(include_str!("../../robots/panda/panda.srdf")),
        Some(include_str!("../../robots/panda/joint_limits.yaml")),
        &LoadOptions::default(),
    )?;
    let joints = Planned::Group("panda_arm".into()).resolve(&robot)?;
    let mechanism = Mechanism::new(&robot, &joints, &robot.neutral(), Pose::IDENTITY)?;
    let start = JointState::at_rest(vec![0.0; mechanism.dof()]);
    let (goals, world) = (vec![start.clone()], World::default());
    let problem = Problem {
        mechanism,
        world,
        start,
        goals,
        smoothness: Smoothness::Acceleration,
        torque: false,
        gravity: GRAVITY,
    };
    Ok(among_obstacles(&problem, obstacles, 0))
}

impl Workload {
    /// `count` edges and as many states of a problem.
    pub fn new(problem: &Problem, resolution: f64, count: usize, seed: u64) -> Self {
        let limits = &problem.mechanism.limits;
        let dof = limits.len();
        let bounds: Vec<_> = limits.iter().map(|l| (l.lower.max(-3.0), l.upper.min(3.0))).collect();
        let mut sampler = Sampler::new(bounds.clone(), seed);
        let (mut edges, mut states) = (EdgeBatch::new(dof, 3), StateBatch::new(dof));
        let (mut from, still) = (vec![0.0; dof], vec![0.0; dof]);
        for _ in 0..count {
            sampler.sample(&mut from);
            let step = |(y, &(lower, upper)): (&f64, &(f64, f64))| {
                (y + STEP * (2.0 * sampler.unit() - 1.0)).clamp(lower, upper)
            };
            let to: Vec<f64> = from.iter().zip(&bounds).map(step).collect();
            edges.push_at_rest(&from, &to, 1.0);
            states.push(&from, &still, &still);
        }
        Self { problem: problem.clone(), resolution, edges, states }
    }

    /// Every backend of this machine's CPU: the oracle, each level of lanes on one thread, and the
    /// best on all of them.
    pub fn cpu_subjects(&self) -> Vec<Subject> {
        let lanes = |level| SimdChecker::at_level(&self.problem, self.resolution, level);
        let mut subjects = vec![Subject::One(Box::new(ScalarChecker::new(&self.problem, self.resolution)))];
        for checker in simd::levels().into_iter().filter_map(lanes) {
            subjects.push(Subject::One(Box::new(checker)));
        }
        subjects.push(self.all_threads());
        subjects
    }

    /// The best lanes on one thread.
    pub fn best_lanes(&self) -> Subject {
        Subject::One(Box::new(SimdChecker::new(&self.problem, self.resolution)))
    }

    /// The best lanes on all threads.
    pub fn all_threads(&self) -> Subject {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Subject::Threads(ParallelChecker::new(&self.problem, self.resolution, threads))
    }

    /// A device.
    ///
    /// # Errors
    /// When the device fails.
    #[cfg(feature = "gpu")]
    pub fn on_device(&self, gpu: &crate::check::gpu::Gpu) -> Result<Subject, CheckError> {
        let mut checker = crate::check::gpu::GpuChecker::new(gpu, &self.problem, self.resolution)?;
        checker.set_timed(true);
        Ok(Subject::Gpu(Box::new(checker), crate::check::gpu::peak(gpu)?))
    }

    /// What is checked.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The first `batch` edges.
    #[must_use]
    pub fn first(&self, batch: usize) -> EdgeBatch {
        self.edges.part(0..batch)
    }

    /// Measures a subject with batches of `batch`, each kind for about `budget`; `None` where there
    /// are not so many edges.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn measure(
        &self,
        subject: &mut Subject,
        batch: usize,
        budget: Duration,
    ) -> Result<Option<Measurement>, CheckError> {
        if batch > self.edges.len() {
            return Ok(None);
        }
        let (edges, states) = (self.first(batch), self.states.part(0..batch));
        let mut verdicts = Vec::with_capacity(batch);
        // The first time buffers are made, and some drivers compile only then.
        subject.checker().check_states(&states, &mut verdicts)?;
        subject.checker().check(&edges, &mut verdicts)?;
        let (examined, before) = (subject.checker().states_checked(), subject.traffic());
        let (rounds, wall) = repeat(budget, || subject.checker().check(&edges, &mut verdicts))?;
        let examined = (subject.checker().states_checked() - examined) as f64;
        let checked = (rounds * batch) as f64;
        let after = subject.traffic();
        let device = after.device.saturating_sub(before.device).as_secs_f64();
        let (state_rounds, state_wall) =
            repeat(budget, || subject.checker().check_states(&states, &mut verdicts))?;
        Ok(Some(Measurement {
            backend: subject.name(),
            threads: subject.threads(),
            batch,
            edges_per_s: checked / wall,
            edge_states_per_s: examined / wall,
            states_per_s: (state_rounds * batch) as f64 / state_wall,
            device_share: (device > 0.0).then_some(device / wall),
            peak_share: subject.full_use().filter(|_| device > 0.0).map(|most| examined / device / most),
            bytes: (after.up > 0).then(|| {
                ((after.up - before.up) as f64 / checked, (after.down - before.down) as f64 / checked)
            }),
        }))
    }

    /// Measures a subject with batches of 1, 10, 100 and so on, as long as one takes no longer than
    /// `budget`.
    ///
    /// # Errors
    /// When the backend fails.
    pub fn sweep(&self, mut subject: Subject, budget: Duration) -> Result<Vec<Measurement>, CheckError> {
        let mut measurements: Vec<Measurement> = Vec::new();
        let mut batch = 1;
        loop {
            let slowest =
                measurements.last().map_or(0.0, |m| batch as f64 / m.edges_per_s.min(m.states_per_s));
            if slowest > budget.as_secs_f64() {
                return Ok(measurements);
            }
            match self.measure(&mut subject, batch, budget)? {
                Some(measurement) => measurements.push(measurement),
                None => return Ok(measurements),
            }
            batch *= 10;
        }
    }
}

/// Repeats `work` for about `budget`, at least once; gives how often, and the seconds.
fn repeat(
    budget: Duration,
    mut work: impl FnMut() -> Result<(), CheckError>,
) -> Result<(usize, f64), CheckError> {
    let started = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || started.elapsed() < budget {
        work()?;
        rounds += 1;
    }
    Ok((rounds, started.elapsed().as_secs_f64()))
}

/// What has gone to a device and back.
#[derive(Default)]
struct EdgeTraffic {
    up: u64,
    down: u64,
    device: Duration,
}

impl Subject {
    fn threads(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Threads(checker) => checker.threads(),
            #[cfg(feature = "gpu")]
            Self::Gpu(checker, _) => checker.threads(),
        }
    }

    /// The checker itself.
    pub fn checker(&mut self) -> &mut dyn EdgeChecker {
        match self {
            Self::One(checker) => &mut **checker,
            Self::Threads(checker) => checker,
            #[cfg(feature = "gpu")]
            Self::Gpu(checker, _) => &mut **checker,
        }
    }

    /// Name of the backend.
    pub fn name(&mut self) -> String {
        self.checker().name()
    }

    fn traffic(&self) -> EdgeTraffic {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(checker, _) => {
                let traffic = checker.traffic();
                EdgeTraffic { up: traffic.up, down: traffic.down, device: traffic.gpu_time }
            }
            _ => EdgeTraffic::default(),
        }
    }

    /// The most states that a device could check in a second if it did nothing but the least that each
    /// takes.
    fn full_use(&self) -> Option<f64> {
        match self {
            #[cfg(feature = "gpu")]
            Self::Gpu(checker, peak) => checker.least_work().map(|work| peak / work),
            _ => None,
        }
    }
}

impl Measurement {
    /// What stands above the columns of its line.
    pub const HEADING: &str = "backend                                threads    batch      edges/s  states/s of edges     states/s  device    peak  up, down bytes/edge";
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, threads, batch, edges_per_s, edge_states_per_s, states_per_s, .. } = self;
        write!(
            f,
            "{backend:<38} {threads:>7} {batch:>8} {edges_per_s:>12.3e} {edge_states_per_s:>18.3e} {states_per_s:>12.3e}"
        )?;
        for (share, digits) in [(self.device_share, 0), (self.peak_share, 2)] {
            match share {
                Some(share) => write!(f, " {:>6.digits$}%", share * 100.0)?,
                None => write!(f, " {:>7}", "-")?,
            }
        }
        match self.bytes {
            Some((up, down)) => write!(f, "  {up:.0}, {down:.0}"),
            None => write!(f, "  -"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_of_the_cpu_is_measured() {
        let problem = standard_problem(20).expect("flatout's own robot");
        assert_eq!(problem.world.obstacles.len(), 20);
        let workload = Workload::new(&problem, 0.1, 10, 1);
        for subject in workload.cpu_subjects() {
            let measured = workload.sweep(subject, Duration::from_millis(1)).expect("a backend that works");
            assert!(!measured.is_empty());
            for m in measured {
                assert!(m.edges_per_s > 0.0 && m.states_per_s > 0.0 && m.edge_states_per_s > 0.0);
                assert!(m.bytes.is_none() && m.to_string().starts_with(&m.backend));
            }
        }
    }
}

//! Deadlines: hard queries of random families, each with a few milliseconds' time, and how much longer the
//! planner works than it may.
//!
//! A query is hard where no answer is found in that time, or where better ones are looked for as long as it
//! lasts. Every family is drawn anew for each seed; none is taken from a suite.

use super::report::{Distribution, Machine};
use super::runner::MakeChecker;
use crate::base::{
    self, Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, PlanarQuadrotor, Point,
    Quadrotor, VelocityAxes, Trailer,
};
use crate::check::{CheckError, EdgeChecker, diagnose, diagnose_base};
use crate::error::InputError;
use crate::plan::{Departure, PlanError, PlanOptions, plan, replan};
use crate::pose::Pose;
use crate::problem::{JointState, GRAVITY, Problem, Smoothness};
use crate::robot::{
    Body, CollisionLink, Inertia, JointLimits, Mechanism, JointMotion, Robot, Sphere, rectangle_spheres,
};
use crate::stop::CancelToken;
use crate::trajectory::Trajectory;
use crate::world::{Obstacle, Shape, World};
use glam::{DMat3, DQuat, DVec2, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::{Duration, Instant};

/// Draws of a start or goal before the world is thinned out, in which there may be none.
const DRAWS: usize = 200;

/// When a running trajectory is left, as a share of its duration.
const LEFT_AT: f64 = 0.3;

/// Why a query could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum DeadlineError {
    /// The checking backend failed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A family contradicts itself.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// A kind of query.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineFamily {
    /// An arm of 4 to 7 joints among obstacles.
    Arm,
    /// The same, from and to states at speed.
    MovingArm,
    /// An arm with limits of jerk, from a state at speed.
    JerkArm,
    /// An arm near the limits of its torques.
    TorqueArm,
    /// An arm that replans on the way, with limits of jerk.
    JerkReplan,
    /// A point in a maze of walls with narrow doors.
    Maze,
    /// A differential drive with limits of acceleration.
    Drive,
    /// A car.
    Car,
    /// A car with a trailer that may turn its wheels at once.
    Trailer,
    /// An airplane.
    Airplane,
    /// A quadrotor in a vertical plane.
    PlanarQuadrotor,
    /// A quadrotor in space.
    Quadrotor,
}

impl DeadlineFamily {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Arm,
        Self::MovingArm,
        Self::JerkArm,
        Self::TorqueArm,
        Self::JerkReplan,
        Self::Maze,
        Self::Drive,
        Self::Car,
        Self::Trailer,
        Self::Airplane,
        Self::PlanarQuadrotor,
        Self::Quadrotor,
    ];

    /// A problem of this kind.
    ///
    /// # Errors
    /// Never, unless the limits of a kind contradict one another.
    pub fn problem(self, seed: u64) -> Result<Problem, InputError> {
        let mut rng = Pcg64Mcg::seed_from_u64(seed << 8 | self as u64);
        let rng = &mut rng;
        match self {
            Self::Arm | Self::MovingArm | Self::JerkArm | Self::TorqueArm | Self::JerkReplan => {
                Ok(self.arm(rng))
            }
            Self::Maze => maze(rng),
            _ => self.vehicle(rng),
        }
    }

    fn arm(self, rng: &mut Pcg64Mcg) -> Problem {
        let mechanism = arm(rng, self);
        let obstacles = rng.random_range(10..80);
        let world = World { obstacles: (0..obstacles).map(|i| obstacle(rng, i, 1.3, 0.15)).collect() };
        let still = JointState::at_rest(vec![0.0; mechanism.dof()]);
        let smoothness = match self {
            Self::JerkArm | Self::JerkReplan => Smoothness::Jerk,
            _ => Smoothness::Acceleration,
        };
        let torque = self == Self::TorqueArm;
        let problem = Problem {
            mechanism,
            world,
            start: still.clone(),
            goals: vec![still],
            smoothness,
            torque,
            gravity: GRAVITY,
        };
        let speed = match self {
            Self::MovingArm | Self::JerkArm => 0.5,
            _ => 0.0,
        };
        with_ends(problem, rng, |rng, problem| {
            let limits = &problem.mechanism.limits;
            let mut state = JointState::at_rest(limits.iter().map(|l| within(rng, l)).collect());
            for (j, l) in limits.iter().enumerate() {
                state.velocity[j] = speed * l.velocity * rng.random_range(-1.0..1.0);
            }
            state
        })
    }

    fn vehicle(self, rng: &mut Pcg64Mcg) -> Result<Problem, InputError> {
        let size = 10.0;
        let in_space = matches!(self, Self::Airplane | Self::Quadrotor);
        let upright = self == Self::PlanarQuadrotor;
        let base = self.base();
        let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
        for limits in &mut limits[..if in_space { 3 } else { 2 }] {
            (limits.lower, limits.upper) = (-size, size);
        }
        let half = DVec2::new(0.4, 0.2);
        let cover = |upright| rectangle_spheres(half, 0.05, upright, 64).unwrap_or_default();
        let trailer = if self == Self::Trailer { cover(false) } else { Vec::new() };
        let robot = Robot::of_spheres("body", cover(upright));
        let robot = robot.on_base(base, &limits, trailer);
        let mechanism =
            Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?;
        let count = if in_space { 60 } else { 40 };
        let obstacles = (0..count).map(|i| obstacle(rng, i, size, 1.2));
        let flat = |mut obstacle: Obstacle| {
            if !in_space {
                obstacle.pose.translation[if upright { 1 } else { 2 }] = 0.0;
            }
            obstacle
        };
        let world = World { obstacles: obstacles.map(flat).collect() };
        let still = JointState::at_rest(vec![0.0; mechanism.dof()]);
        let problem = Problem {
            mechanism,
            world,
            start: still.clone(),
            goals: vec![still],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        };
        Ok(with_ends(problem, rng, |rng, problem| {
            let mut state = JointState::at_rest(vec![0.0; problem.mechanism.dof()]);
            let places = if in_space { 3 } else { 2 };
            for (p, l) in state.position.iter_mut().zip(&problem.mechanism.limits).take(places) {
                *p = within(rng, l);
            }
            match self {
                Self::Drive | Self::Car => state.position[2] = rng.random_range(-3.0..3.0),
                // The trailer stands straight behind its car.
                Self::Trailer => {
                    let heading = rng.random_range(-3.0..3.0);
                    state.position[2] = heading;
                    if let Some(other) = state.position.get_mut(3) {
                        *other = 0.0;
                    }
                }
                Self::Airplane => state.position[3] = rng.random_range(-3.0..3.0),
                _ => {}
            }
            state
        }))
    }

    fn base(self) -> Base {
        let acceleration = Some(DriveAcceleration { linear: 0.5, angular: 1.5 });
        let car = Car {
            wheelbase: 0.5,
            speed: [-0.5, 1.0],
            steering: 0.6,
            steering_rate: f64::INFINITY,
            acceleration: f64::INFINITY,
            trailer: None,
        };
        match self {
            Self::Car => Base::Car(Car { steering_rate: 1.0, acceleration: 1.0, ..car }),
            Self::Trailer => {
                Base::Car(Car { trailer: Some(Trailer { hitch_length: 0.9, angle: 0.8 }), ..car })
            }
            Self::Airplane => Base::Airplane(Airplane {
                speed: [0.0, 2.0],
                acceleration: 1.5,
                yaw_rate: 0.8,
                pitch_rate: 0.8,
                pitch: 1.0,
            }),
            Self::PlanarQuadrotor => Base::PlanarQuadrotor(PlanarQuadrotor {
                mass: 1.0,
                inertia: 0.02,
                arm: 0.3,
                rotor: 1.5,
                velocity: 5.0,
                body_rate: 6.0,
                gravity: base::GRAVITY,
            }),
            Self::Quadrotor => Base::Quadrotor(Quadrotor {
                mass: 1.0,
                inertia: DVec3::new(0.02, 0.02, 0.04),
                actuation: Actuation::Wrench {
                    unit: [1.0; 4],
                    lower: [0.0, -0.3, -0.3, -0.1],
                    upper: [18.0, 0.3, 0.3, 0.1],
                },
                velocity: 6.0,
                body_rate: 8.0,
                velocity_axes: VelocityAxes::Body,
                gravity: base::GRAVITY,
            }),
            _ => Base::DifferentialDrive(DifferentialDrive {
                speed: [-0.5, 1.0],
                turn_rate: [-1.0, 1.0],
                acceleration,
            }),
        }
    }
}

impl std::str::FromStr for Clock {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "processor" => Ok(Self::Processor),
            "wall" => Ok(Self::Wall),
            _ => Err(format!("unknown clock \"{s}\"; expected processor or wall")),
        }
    }
}

impl fmt::Display for DeadlineFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Arm => "arm",
            Self::MovingArm => "moving arm",
            Self::JerkArm => "arm, jerk",
            Self::TorqueArm => "arm, torque",
            Self::JerkReplan => "replan, jerk",
            Self::Maze => "maze",
            Self::Drive => "drive",
            Self::Car => "car",
            Self::Trailer => "car with trailer",
            Self::Airplane => "airplane",
            Self::PlanarQuadrotor => "planar quadrotor",
            Self::Quadrotor => "quadrotor",
        })
    }
}

/// A position between limits.
fn within(rng: &mut Pcg64Mcg, limits: &JointLimits) -> f64 {
    rng.random_range(limits.lower..limits.upper)
}

/// The problem with a start and a goal that are valid, in a world that is thinned out until there are such.
fn with_ends(
    mut problem: Problem,
    rng: &mut Pcg64Mcg,
    draw: impl Fn(&mut Pcg64Mcg, &Problem) -> JointState,
) -> Problem {
    loop {
        let valid = |rng: &mut Pcg64Mcg| {
            let mut drawn = (0..DRAWS).map(|_| draw(rng, &problem));
            drawn.find(|state| diagnose(&problem, state).is_none())
        };
        let ends = [valid(rng), valid(rng)];
        if let ([Some(start), Some(goal)], None) = (ends, diagnose_base(&problem)) {
            return Problem { start, goals: vec![goal], ..problem };
        }
        let half = problem.world.obstacles.len() / 2;
        problem.world.obstacles.truncate(half);
        if half == 0 {
            return problem;
        }
    }
}

/// An obstacle within a cube of half-width `reach`, metres, up to so large.
fn obstacle(rng: &mut Pcg64Mcg, number: usize, reach: f64, size: f64) -> Obstacle {
    let mut length = || rng.random_range(0.2 * size..size);
    let shape = match number % 3 {
        0 => Shape::Cuboid { half_extents: DVec3::new(length(), length(), length()) },
        1 => Shape::Sphere { radius: length() },
        _ => Shape::Cylinder { radius: length(), half_length: length() },
    };
    let mut point = |reach: f64| DVec3::from_array(std::array::from_fn(|_| rng.random_range(-reach..reach)));
    let pose = Pose::new(DQuat::from_scaled_axis(point(2.0)), point(reach));
    Obstacle { name: format!("obstacle {number}"), shape, pose }
}

/// A chain of revolute joints, by turns about the axis of the link before and across it.
fn arm(rng: &mut Pcg64Mcg, family: DeadlineFamily) -> Mechanism {
    let joints: usize = rng.random_range(4..8);
    let base = Body {
        name: "base".into(),
        parent: 0,
        placement: Pose::IDENTITY,
        motion: JointMotion::Fixed,
        output: 0,
        ratio: 0.0,
        offset: 0.0,
        inertia: Inertia::ZERO,
    };
    let mut m = Mechanism::bare(vec![base], (0..joints).map(|j| format!("joint {j}")).collect(), Vec::new());
    let mut before = 0.2;
    for joint in 0..joints {
        let length = rng.random_range(0.15..0.35);
        let across = if joint % 2 == 1 { DMat3::from_rotation_x(1.57) } else { DMat3::IDENTITY };
        let mass = rng.random_range(0.5..3.0);
        let com = DVec3::new(0.0, 0.0, 0.5 * length);
        m.bodies.push(Body {
            name: format!("joint {joint}"),
            parent: joint,
            placement: Pose { rotation: across, translation: DVec3::Z * before },
            motion: JointMotion::Revolute,
            output: joint,
            ratio: 1.0,
            offset: 0.0,
            inertia: Inertia { mass, com, matrix: DMat3::IDENTITY * (mass * length * length / 12.0) },
        });
        let first = m.spheres.len();
        let radius = rng.random_range(0.03..0.06);
        let center = |i: usize| DVec3::Z * (length * (i as f64 + 0.5) / 4.0);
        m.spheres.extend((0..4).map(|i| Sphere { center: center(i), radius }));
        m.links.push(CollisionLink {
            name: format!("link {joint}"),
            body: joint + 1,
            spheres: first..m.spheres.len(),
            bound: Sphere { center: com, radius: 0.5 * length + radius },
            padding: 0.0,
        });
        m.pairs.extend((0..joint.saturating_sub(1)).map(|other| [other, joint]));
        let acceleration = rng.random_range(5.0..20.0);
        let torque = if family == DeadlineFamily::TorqueArm { rng.random_range(15.0..60.0) } else { 1e3 };
        m.limits.push(JointLimits {
            lower: -2.8,
            upper: 2.8,
            velocity: rng.random_range(1.0..3.0),
            acceleration,
            jerk: acceleration * rng.random_range(10.0..100.0),
            effort: torque / (1.0 + joint as f64),
        });
        before = length;
    }
    m
}

/// A point among walls across its way, each with one door hardly wider than the point.
fn maze(rng: &mut Pcg64Mcg) -> Result<Problem, InputError> {
    let walls = rng.random_range(3..9);
    let radius = 0.01;
    let base = Base::Point(Point { dimensions: 2, velocity: 1.0, acceleration: 2.0 });
    let limits =
        JointLimits { lower: 0.0, upper: 1.0, velocity: 1.0, acceleration: 2.0, ..JointLimits::NONE };
    let ball = Sphere { center: DVec3::ZERO, radius };
    let robot = Robot::of_spheres("point", vec![ball]).on_base(base, &[limits; 2], Vec::new());
    let mechanism = Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?;
    let mut obstacles = Vec::new();
    for wall in 0..walls {
        let x = (f64::from(wall) + 1.0) / (f64::from(walls) + 1.0);
        let door = rng.random_range(0.05..0.95);
        let half = radius * rng.random_range(1.1..2.0);
        for (lower, upper) in [(-0.1, door - half), (door + half, 1.1)] {
            obstacles.push(Obstacle {
                name: format!("wall {wall}"),
                shape: Shape::Cuboid { half_extents: DVec3::new(0.005, 0.5 * (upper - lower), 0.1) },
                pose: Pose::from_translation(DVec3::new(x, 0.5 * (lower + upper), 0.0)),
            });
        }
    }
    let at = |x: f64, y: f64| JointState::at_rest(vec![x, y]);
    let (start, goals) = (at(0.02, rng.random_range(0.1..0.9)), vec![at(0.98, rng.random_range(0.1..0.9))]);
    let (world, smoothness) = (World { obstacles }, Smoothness::Acceleration);
    Ok(Problem { mechanism, world, start, goals, smoothness, torque: false, gravity: GRAVITY })
}

/// What a deadline is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The time that the thread has worked: what others do on the same machine does not count.
    Processor,
    /// Time on the wall, by [`PlanOptions::time_limit`].
    Wall,
}

/// A query that was given a deadline.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct DeadlineEvent {
    /// Its kind.
    pub family: DeadlineFamily,
    /// Its seed.
    pub seed: u64,
    /// Whether an answer was there at the end.
    pub solved: bool,
    /// Whether the deadline ended it.
    pub cut_short: bool,
    /// Time that the thread has worked, microseconds.
    pub worked_us: f64,
    /// By how much that is more than the limit, microseconds.
    pub beyond_us: f64,
    /// Time on the wall, microseconds.
    pub wall_us: f64,
}

/// A run over all families.
#[derive(Clone, Debug, Serialize)]
pub struct DeadlineReport {
    /// The time each query is given, microseconds.
    pub limit_us: f64,
    /// What it is held against.
    pub clock: Clock,
    /// What it ran on.
    pub machine: Machine,
    /// One entry per query.
    pub events: Vec<DeadlineEvent>,
}

/// The time that this thread has worked so far; where the system does not tell, the time on the wall.
#[cfg(target_os = "linux")]
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
fn worked() -> Duration {
    use std::sync::OnceLock;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    BEGUN.get_or_init(Instant::now).elapsed()
}

/// Gives one query of a family its deadline. Every other is to improve its answer until then; the others end when they
/// have one.
///
/// # Errors
/// When the checking backend fails, or a family makes no sense.
pub fn measure(
    family: DeadlineFamily,
    seed: u64,
    checker: &MakeChecker<'_>,
    options: &PlanOptions,
    limit: Duration,
    clock: Clock,
) -> Result<DeadlineEvent, DeadlineError> {
    let problem = family.problem(seed)?;
    let mut checker = checker(&problem)?;
    let options = PlanOptions { seed, improve: (seed % 2 == 1).then_some(Duration::MAX), ..options.clone() };
    // A robot that replans drives already, and is to go back.
    let running = match family {
        DeadlineFamily::JerkReplan => first_answer(&problem, &mut *checker, &options)?,
        _ => None,
    };
    let (begun, started) = (worked(), Instant::now());
    let options = match clock {
        Clock::Wall => PlanOptions { time_limit: Some(limit), ..options },
        Clock::Processor => {
            let cancel = Some(CancelToken::when(move || worked().saturating_sub(begun) >= limit));
            PlanOptions { time_limit: None, cancel, ..options }
        }
    };
    let answer = match &running {
        None => plan(&problem, &mut *checker, &options),
        Some(running) => {
            let back = Problem { goals: vec![problem.start.clone()], ..problem.clone() };
            let departure = Departure { running, from: LEFT_AT * running.duration() };
            replan(&back, &mut *checker, &options, &departure)
        }
    };
    let (worked, wall) = (worked().saturating_sub(begun), started.elapsed());
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    Ok(DeadlineEvent {
        family,
        seed,
        solved: answer.is_ok(),
        cut_short: match answer {
            Ok(solution) => solution.cut_short.is_some(),
            Err(PlanError::Backend(error)) => return Err(error.into()),
            Err(error) => error.unsolved().is_some(),
        },
        worked_us: micros(worked),
        beyond_us: micros(worked.saturating_sub(limit)),
        wall_us: micros(wall),
    })
}

/// The first answer that is found in a second, if there is one.
fn first_answer(
    problem: &Problem,
    checker: &mut dyn EdgeChecker,
    options: &PlanOptions,
) -> Result<Option<Trajectory>, CheckError> {
    let second = Some(Duration::from_secs(1));
    let options = PlanOptions { time_limit: second, improve: None, ..options.clone() };
    match plan(problem, checker, &options) {
        Ok(solution) => Ok(Some(solution.trajectory)),
        Err(PlanError::Backend(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

impl fmt::Display for DeadlineReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["queries", "solved", "cut", "median", "p99", "max"];
        let columns = columns.map(|name| format!("{name:>8}")).join(" ");
        writeln!(f, "{:<18} |{columns} | us of work beyond {} us", "family", self.limit_us)?;
        for family in DeadlineFamily::ALL {
            let events: Vec<&DeadlineEvent> = self.events.iter().filter(|event| event.family == family).collect();
            if !events.is_empty() {
                row(f, &family.to_string(), &events)?;
            }
        }
        row(f, "all", &self.events.iter().collect::<Vec<_>>())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, events: &[&DeadlineEvent]) -> fmt::Result {
    let count = |of: fn(&DeadlineEvent) -> bool| events.iter().filter(|event| of(event)).count();
    let (solved, cut) = (count(|event| event.solved), count(|event| event.cut_short));
    let Distribution { median, p99, max, .. } = Distribution::of(events.iter().map(|event| event.beyond_us));
    let all = events.len();
    writeln!(f, "{name:<18} |{all:>8} {solved:>8} {cut:>8} {median:>8.0} {p99:>8.0} {max:>8.0} |")
}

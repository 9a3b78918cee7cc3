//! Families of random problems, each known to be solvable because a way through it was there before its
//! obstacles were: what the planner is tuned on, so that published suites stay checks.

use crate::base::{Base, Point};
use crate::error::InputError;
use crate::pose::Pose;
use crate::problem::{JointState, GRAVITY, Problem, Smoothness};
use crate::robot::{Inertia, Joint, JointKind, JointLimits, Link, Mechanism, Robot, Sphere};
use crate::world::{Obstacle, Shape, World};
use glam::{DQuat, DVec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchFamily {
    /// A point in a square, divided by walls with a door each, again and again.
    Maze2d,
    /// The same in a cube.
    Maze3d,
    /// A serial arm of three to seven joints among boxes, balls and cylinders that crowd around a way of
    /// three straight motions.
    Arm,
}

impl SearchFamily {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Maze2d, Self::Maze3d, Self::Arm];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Maze2d => "maze2d",
            Self::Maze3d => "maze3d",
            Self::Arm => "arm",
        }
    }

    /// The member `index` of the family, all of its lengths times `scale`.
    ///
    /// # Errors
    /// Never, unless `scale` is absurd.
    pub fn problem(self, index: u64, scale: f64) -> Result<Problem, InputError> {
        let rng = &mut Pcg64Mcg::seed_from_u64(index);
        match self {
            Self::Maze2d => Maze::random(rng, 2).problem(scale),
            Self::Maze3d => Maze::random(rng, 3).problem(scale),
            Self::Arm => Arm::random(rng).problem(rng, scale),
        }
    }
}

impl std::str::FromStr for SearchFamily {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == name);
        named.ok_or_else(|| "expected maze2d, maze3d or arm".to_owned())
    }
}

/// Lengths of a maze, as shares of its side.
mod maze {
    /// No cell is narrower.
    pub(super) const CELL: f64 = 0.22;
    /// Width, and height, of a door.
    pub(super) const DOOR: f64 = 0.06;
    /// Half of the thickness of a wall, at most and at least.
    pub(super) const HALF_WALL: [f64; 2] = [0.005, 0.02];
    /// Radius of the body.
    pub(super) const BODY: f64 = 0.005;
}

/// Walls in the unit square or cube.
struct Maze {
    dimensions: usize,
    walls: Vec<[DVec3; 2]>,
    /// Middles of the doors.
    doors: Vec<DVec3>,
    start: DVec3,
    goal: DVec3,
}

impl Maze {
    fn random(rng: &mut Pcg64Mcg, dimensions: usize) -> Self {
        // Ends lie in opposite corners, where no wall can be.
        let free = maze::CELL - maze::HALF_WALL[1];
        let corner = |rng: &mut Pcg64Mcg, axis: usize| match axis < dimensions {
            true => rng.random_range(2.0 * maze::BODY..free - 2.0 * maze::BODY),
            false => 0.5,
        };
        let start = DVec3::from_array(std::array::from_fn(|axis| corner(rng, axis)));
        let goal = DVec3::from_array(std::array::from_fn(|axis| 1.0 - corner(rng, axis)));
        let mut maze = Self { dimensions, walls: Vec::new(), doors: Vec::new(), start, goal };
        maze.divide(rng, DVec3::ZERO, DVec3::ONE);
        maze
    }

    /// Divides a cell by a wall with a door, and both of its parts again, down to the least cell.
    fn divide(&mut self, rng: &mut Pcg64Mcg, lower: DVec3, upper: DVec3) {
        const TRIES: usize = 50;
        let wide: Vec<usize> =
            (0..self.dimensions).filter(|&i| upper[i] - lower[i] >= 2.0 * maze::CELL).collect();
        if wide.is_empty() {
            return;
        }
        for _ in 0..TRIES {
            let axis = wide[rng.random_range(0..wide.len())];
            let at = rng.random_range(lower[axis] + maze::CELL..=upper[axis] - maze::CELL);
            let half = rng.random_range(maze::HALF_WALL[0]..maze::HALF_WALL[1]);
            // No wall may end in a door.
            let blocked = |door: &DVec3| {
                let touches = (0..self.dimensions)
                    .all(|i| door[i] > lower[i] - maze::CELL / 4.0 && door[i] < upper[i] + maze::CELL / 4.0);
                touches && (door[axis] - at).abs() < maze::DOOR / 2.0 + half + 4.0 * maze::BODY
            };
            if self.doors.iter().any(blocked) {
                continue;
            }
            self.add_wall(rng, [lower, upper], axis, at, half);
            let (mut middle_low, mut middle_high) = (lower, upper);
            (middle_high[axis], middle_low[axis]) = (at, at);
            self.divide(rng, lower, middle_high);
            self.divide(rng, middle_low, upper);
            return;
        }
    }

    /// Adds the boxes of a wall across `axis` around a door of its own.
    fn add_wall(&mut self, rng: &mut Pcg64Mcg, [lower, upper]: [DVec3; 2], axis: usize, at: f64, half: f64) {
        let (mut low, mut high) = (lower, upper);
        (low[axis], high[axis]) = (at - half, at + half);
        let mut door = 0.5 * (lower + upper);
        door[axis] = at;
        let margin = maze::DOOR / 2.0 + maze::HALF_WALL[1];
        for i in (0..self.dimensions).filter(|&i| i != axis) {
            door[i] = rng.random_range(lower[i] + margin..=upper[i] - margin);
        }
        self.doors.push(door);
        for i in (0..self.dimensions).filter(|&i| i != axis) {
            let (mut below, mut above) = ([low, high], [low, high]);
            below[1][i] = door[i] - maze::DOOR / 2.0;
            above[0][i] = door[i] + maze::DOOR / 2.0;
            self.walls.extend([below, above]);
            // What is left of the wall is beside the door along the next axis.
            (low[i], high[i]) = (below[1][i], above[0][i]);
        }
    }

    fn problem(&self, scale: f64) -> Result<Problem, InputError> {
        const SPEED: f64 = 0.3;
        const ACCELERATION: f64 = 0.2;
        let (velocity, acceleration) = (SPEED * scale, ACCELERATION * scale);
        let base = Base::Point(Point { dimensions: self.dimensions, velocity, acceleration });
        let limits = JointLimits { lower: 0.0, upper: scale, velocity, acceleration, ..JointLimits::NONE };
        let body = Sphere { center: DVec3::ZERO, radius: maze::BODY * scale };
        let robot =
            Robot::of_spheres("point", vec![body]).on_base(base, &vec![limits; self.dimensions], Vec::new());
        let height = if self.dimensions == 2 { DVec3::new(0.0, 0.0, -0.5 * scale) } else { DVec3::ZERO };
        let obstacle = |(i, [low, high]): (usize, &[DVec3; 2])| Obstacle {
            name: format!("wall {i}"),
            shape: Shape::Cuboid { half_extents: (*high - *low) * (0.5 * scale) },
            pose: Pose::from_translation((*low + *high) * (0.5 * scale) + height),
        };
        let obstacles = self.walls.iter().enumerate().map(obstacle).collect();
        let at = |p: DVec3| JointState::at_rest((p * scale).to_array()[..self.dimensions].to_vec());
        Ok(Problem {
            mechanism: Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?,
            world: World { obstacles },
            start: at(self.start),
            goals: vec![at(self.goal)],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        })
    }
}

/// A serial arm, and a way that it can go: states joined by straight lines.
struct Arm {
    robot: Robot,
    way: Vec<Vec<f64>>,
}

impl Arm {
    /// States of the way: its ends and two between.
    const STATES: usize = 4;

    /// Instants of every straight line at which it is looked at.
    const LOOKS: usize = 60;

    /// Room that obstacles leave around the way, metres: for arms about a metre long.
    const ROOM: f64 = 0.005;

    /// The first of a series of random arms that can go a way.
    fn random(rng: &mut Pcg64Mcg) -> Self {
        loop {
            let robot = Self::random_robot(rng);
            if let Some(way) = Self::random_way(rng, &robot) {
                return Self { robot, way };
            }
        }
    }

    fn random_way(rng: &mut Pcg64Mcg, robot: &Robot) -> Option<Vec<Vec<f64>>> {
        const TRIES: usize = 200;
        let mut way: Vec<Vec<f64>> = Vec::new();
        for _ in 0..TRIES {
            let state: Vec<f64> =
                robot.joints.iter().map(|j| rng.random_range(j.limits.lower..j.limits.upper)).collect();
            let from = way.last().unwrap_or(&state);
            if states_between(from, &state, Self::LOOKS).all(|q| keeps_apart(robot, &q)) {
                way.push(state);
            }
            if way.len() == Self::STATES {
                return Some(way);
            }
        }
        None
    }

    fn random_robot(rng: &mut Pcg64Mcg) -> Robot {
        let joints = rng.random_range(3..=7);
        let radius = rng.random_range(0.03..0.06);
        let mut robot = Robot::of_spheres("arm", vec![Sphere { center: DVec3::ZERO, radius: 1.5 * radius }]);
        let mut before = DVec3::new(0.0, 0.0, 0.15);
        for joint in 0..joints {
            // The last links of an arm are short.
            let length = rng.random_range(0.12..0.4) * (1.0 - 0.5 * joint as f64 / joints as f64);
            let along = if rng.random_bool(0.5) { DVec3::Z } else { DVec3::X } * length;
            let count = (length / radius).ceil() as usize;
            let sphere = |k: usize| Sphere { center: along * ((k + 1) as f64 / count as f64), radius };
            let axis = [DVec3::X, DVec3::Y, DVec3::Z][rng.random_range(0..3)];
            let turn = rng.random_range(1.2..2.9);
            robot.joints.push(Joint {
                name: format!("joint {joint}"),
                kind: JointKind::Revolute,
                parent: joint,
                origin: Pose::from_translation(before),
                axis,
                limits: JointLimits {
                    lower: -turn,
                    upper: turn,
                    velocity: rng.random_range(1.0..3.0),
                    acceleration: rng.random_range(2.0..12.0),
                    ..JointLimits::NONE
                },
                mimic: None,
            });
            let spheres = (0..count).map(sphere).collect();
            robot.links.push(Link {
                name: format!("link {joint}"),
                inertia: Inertia::ZERO,
                spheres,
                visible: true,
            });
            before = along;
        }
        let links = robot.links.len();
        robot.pairs = (0..links).flat_map(|a| (a + 2..links).map(move |b| [a, b])).collect();
        robot
    }

    fn problem(self, rng: &mut Pcg64Mcg, scale: f64) -> Result<Problem, InputError> {
        let Self { robot, way } = self;
        let obstacles = crowd(rng, &robot, &way);
        let mut robot = robot;
        for link in &mut robot.links {
            for sphere in &mut link.spheres {
                *sphere = Sphere { center: sphere.center * scale, radius: sphere.radius * scale };
            }
        }
        for joint in &mut robot.joints {
            joint.origin.translation *= scale;
        }
        let obstacles = obstacles.into_iter().map(|o| scaled(&o, scale)).collect();
        let [start, .., goal] = &way[..] else {
            return Err(InputError::new("a way has two ends"));
        };
        Ok(Problem {
            mechanism: Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?,
            world: World { obstacles },
            start: JointState::at_rest(start.clone()),
            goals: vec![JointState::at_rest(goal.clone())],
            smoothness: Smoothness::Acceleration,
            torque: false,
            gravity: GRAVITY,
        })
    }
}

/// States on the straight line between two, both included.
fn states_between<'a>(from: &'a [f64], to: &'a [f64], looks: usize) -> impl Iterator<Item = Vec<f64>> + 'a {
    (0..=looks).map(move |k| {
        let share = k as f64 / looks as f64;
        from.iter().zip(to).map(|(a, b)| a + (b - a) * share).collect()
    })
}

/// The spheres of a robot in a state, link by link.
fn placed(robot: &Robot, q: &[f64]) -> Vec<Vec<Sphere>> {
    let place = |(link, pose): (&Link, Pose)| {
        let moved = |s: &Sphere| Sphere { center: pose.point(s.center), radius: s.radius };
        link.spheres.iter().map(moved).collect()
    };
    robot.links.iter().zip(robot.link_poses(q)).map(place).collect()
}

/// Whether links that are not neighbours keep some distance.
fn keeps_apart(robot: &Robot, q: &[f64]) -> bool {
    let links = placed(robot, q);
    let apart = |s: &Sphere, t: &Sphere| s.center.distance(t.center) > s.radius + t.radius + Arm::ROOM;
    robot.pairs.iter().all(|&[a, b]| links[a].iter().all(|s| links[b].iter().all(|t| apart(s, t))))
}

/// Obstacles within the robot's reach that leave the way free.
fn crowd(rng: &mut Pcg64Mcg, robot: &Robot, way: &[Vec<f64>]) -> Vec<Obstacle> {
    const TRIES: usize = 20_000;
    /// How far beside an end an obstacle's middle is, at most, along each axis.
    const BESIDE: f64 = 0.25;
    let swept: Vec<Sphere> = way
        .windows(2)
        .flat_map(|pair| states_between(&pair[0], &pair[1], Arm::LOOKS))
        .flat_map(|q| placed(robot, &q).concat())
        .collect();
    let reach = robot.joints.iter().map(|j| j.origin.translation.length()).sum::<f64>();
    let ends = [&way[0], &way[way.len() - 1]].map(|q| placed(robot, q).concat()).concat();
    let wanted = rng.random_range(50..400);
    let mut obstacles = Vec::new();
    for _ in 0..TRIES {
        if obstacles.len() == wanted {
            break;
        }
        let beside_an_end = rng.random_bool(0.6).then(|| ends[rng.random_range(0..ends.len())].center);
        let mut draw = || DVec3::from_array(std::array::from_fn(|_| rng.random_range(-1.0..1.0)));
        let (offset, turn) = (draw(), draw() * 3.0);
        let center = beside_an_end.map_or(offset * reach, |end| end + offset * BESIDE);
        let mut size = |most: f64| rng.random_range(0.01..most);
        let half_extents = DVec3::new(size(0.2), size(0.2), size(0.2));
        let shape = match rng.random_range(0..4) {
            0 => Shape::Sphere { radius: half_extents.x },
            1 => Shape::Cylinder { radius: half_extents.x, half_length: half_extents.y },
            _ => Shape::Cuboid { half_extents },
        };
        let obstacle = Obstacle {
            name: format!("obstacle {}", obstacles.len()),
            shape,
            pose: Pose::new(DQuat::from_scaled_axis(turn), center),
        };
        if swept.iter().all(|s| obstacle.signed_distance(s.center) > s.radius + Arm::ROOM) {
            obstacles.push(obstacle);
        }
    }
    obstacles
}

/// An obstacle with all of its lengths times `scale`.
fn scaled(obstacle: &Obstacle, scale: f64) -> Obstacle {
    let shape = match obstacle.shape {
        Shape::Sphere { radius } => Shape::Sphere { radius: radius * scale },
        Shape::Cuboid { half_extents } => Shape::Cuboid { half_extents: half_extents * scale },
        Shape::Capsule { radius, half_length } => {
            Shape::Capsule { radius: radius * scale, half_length: half_length * scale }
        }
        Shape::Cylinder { radius, half_length } => {
            Shape::Cylinder { radius: radius * scale, half_length: half_length * scale }
        }
        Shape::HalfSpace => Shape::HalfSpace,
    };
    let mut pose = obstacle.pose;
    pose.translation *= scale;
    Obstacle { name: obstacle.name.clone(), shape, pose }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Doors stay open: every wall's door is free of all walls, with room for the body.
    #[test]
    fn doors_of_mazes_are_open() {
        for index in 0..50 {
            for dimensions in [2, 3] {
                let rng = &mut Pcg64Mcg::seed_from_u64(index);
                let maze = Maze::random(rng, dimensions);
                assert!(!maze.doors.is_empty());
                for door in &maze.doors {
                    for [low, high] in &maze.walls {
                        let beyond = (*low - *door).max(*door - *high).max(DVec3::ZERO);
                        assert!(beyond.length() > 2.0 * maze::BODY, "{index}: a wall in a door");
                    }
                }
            }
        }
    }

    /// The ways that arms are given are free.
    #[test]
    fn ways_of_arms_are_free() {
        for index in 0..5 {
            let rng = &mut Pcg64Mcg::seed_from_u64(index);
            let arm = Arm::random(rng);
            let (robot, way) = (arm.robot.clone(), arm.way.clone());
            let problem = arm.problem(rng, 1.0).unwrap();
            assert!(problem.world.obstacles.len() > 5);
            for pair in way.windows(2) {
                for q in states_between(&pair[0], &pair[1], 500) {
                    for sphere in placed(&robot, &q).concat() {
                        let nearest = problem
                            .world
                            .obstacles
                            .iter()
                            .map(|o| o.signed_distance(sphere.center) - sphere.radius);
                        assert!(nearest.fold(f64::INFINITY, f64::min) > 0.0, "{index}");
                    }
                }
            }
        }
    }
}

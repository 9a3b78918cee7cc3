//! The three robots, each in a world of our own: the published ones are known as pictures alone. What the paper does not
//! print is chosen here: the quadrotor's figures, and the weights of the car's controls. And ways whose least cost is known.

use crate::plan::rrt_star::{LinearWorld, Neighbours};
use crate::pose::Pose;
use crate::steer::LinearSystem;
use crate::world::{Shape, World};
use glam::DVec3;
use serde::Serialize;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A robot of the paper, or a double integrator on a way whose least cost is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreeRobot {
    /// A disc of 1 m that accelerates in a plane of 200 m by 100 m.
    DoubleIntegrator,
    /// A quadrotor linearised about hovering, in a room of 5 m.
    Quadrotor,
    /// A car linearised about each sample, on a road with a bend.
    Car,
    /// A disc of 1 m that accelerates round one corner.
    Corner,
    /// The same in a slalom of four walls: `rrt_double_int_2d.m` of github.com/bewimm/kinodynamic_rrt_star.
    Slalom,
}

impl TreeRobot {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::DoubleIntegrator, Self::Quadrotor, Self::Car, Self::Corner, Self::Slalom];

    /// Published seconds to so many states (table 1, closed form).
    pub fn published(self, nodes: usize) -> Option<f64> {
        let seconds = match self {
            Self::DoubleIntegrator => [19.75, 43.26, 72.59, 108.6, 150.4],
            Self::Quadrotor => [116.2, 274.9, 507.3, 841.6, 1168.0],
            Self::Car => [5.416, 12.43, 21.74, 31.99, 42.94],
            Self::Corner | Self::Slalom => return None,
        };
        let index = (nodes / 1000).checked_sub(1).filter(|_| nodes.is_multiple_of(1000))?;
        seconds.get(index).copied()
    }

    /// What the best motion costs, where that is known: by direct transcription, 400 intervals of constant acceleration and
    /// a free duration, rounded corners as constraints at every knot, with IPOPT (casadi 3.7) from a guess on the right
    /// sides of the walls. That is a little dearer than what it stands for.
    pub fn optimum(self) -> Option<f64> {
        match self {
            Self::DoubleIntegrator | Self::Quadrotor | Self::Car => None,
            Self::Corner => Some(50.681),
            Self::Slalom => Some(78.477),
        }
    }

    /// The world, a start and a goal.
    pub fn problem(self, neighbours: Neighbours) -> (LinearWorld, Vec<f64>, Vec<f64>) {
        match self {
            Self::DoubleIntegrator => double_integrator(neighbours),
            Self::Quadrotor => quadrotor(neighbours),
            Self::Car => car(neighbours),
            Self::Corner => way(neighbours, &[[30.0, 0.0, 10.0, 60.0]], [5.0, 5.0], [75.0, 5.0]),
            Self::Slalom => way(neighbours, &SLALOM, [2.0, 2.0], [98.0, 98.0]),
        }
    }
}

impl fmt::Display for TreeRobot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoubleIntegrator => "double-integrator",
            Self::Quadrotor => "quadrotor",
            Self::Car => "car",
            Self::Corner => "corner",
            Self::Slalom => "slalom",
        })
    }
}

impl FromStr for TreeRobot {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|robot| robot.to_string() == s);
        named.ok_or_else(|| format!("unknown robot \"{s}\"; expected double-integrator, quadrotor, car, corner or slalom"))
    }
}

/// A system whose entries that are not zero are given: of A and B by row and column, and R by its diagonal.
fn system(
    states: usize,
    a: &[(usize, usize, f64)],
    b: &[(usize, usize, f64)],
    c: &[(usize, f64)],
    r: &[f64],
) -> Option<LinearSystem> {
    let filled = |rows: usize, columns: usize, entries: &[(usize, usize, f64)]| {
        let mut matrix = vec![vec![0.0; columns]; rows];
        entries.iter().for_each(|&(i, j, value)| matrix[i][j] = value);
        matrix
    };
    let diagonal: Vec<_> = r.iter().enumerate().map(|(i, &weight)| (i, i, weight)).collect();
    let mut constant = vec![0.0; states];
    c.iter().for_each(|&(i, value)| constant[i] = value);
    let controls = r.len();
    LinearSystem::new(
        &filled(states, states, a),
        &filled(states, controls, b),
        &constant,
        &filled(controls, controls, &diagonal),
    )
    .ok()
}

/// A world of boxes, by centre and size.
fn boxes(all: &[([f64; 3], [f64; 3])]) -> World {
    let mut world = World::default();
    for (i, (center, size)) in all.iter().enumerate() {
        let pose = Pose::from_translation(DVec3::from(*center));
        // Names differ.
        let _ = world.add(&format!("box {i}"), Shape::cuboid(DVec3::from(*size)), pose);
    }
    world
}

const SYSTEM: &str = "a system that can be controlled";

/// A point in a plane whose controls are its accelerations, each of which counts so much.
fn point(weight: f64) -> LinearSystem {
    system(4, &[(0, 2, 1.0), (1, 3, 1.0)], &[(2, 0, 1.0), (3, 1, 1.0)], &[], &[weight; 2]).expect(SYSTEM)
}

/// Four walls: x and y of a corner, width and height.
const SLALOM: [[f64; 4]; 4] =
    [[60.0, 0.0, 10.0, 20.0], [60.0, 30.0, 10.0, 70.0], [30.0, 0.0, 10.0, 70.0], [30.0, 80.0, 10.0, 20.0]];

/// A way between walls in a square of 100 m.
fn way(
    neighbours: Neighbours,
    walls: &[[f64; 4]],
    start: [f64; 2],
    goal: [f64; 2],
) -> (LinearWorld, Vec<f64>, Vec<f64>) {
    let wall = |&[x, y, width, height]: &[f64; 4]| {
        ([x + 0.5 * width, y + 0.5 * height, 0.0], [width, height, 20.0])
    };
    let world = LinearWorld {
        system: point(1.0),
        linearise: None,
        fastest: f64::INFINITY,
        states: vec![[0.0, 100.0], [0.0, 100.0], [-10.0, 10.0], [-10.0, 10.0]],
        controls: vec![[-5.0, 5.0]; 2],
        place: vec![0, 1],
        radius: 1.0,
        world: boxes(&walls.iter().map(wall).collect::<Vec<_>>()),
        neighbours,
    };
    (world, [start, [0.0; 2]].concat(), [goal, [0.0; 2]].concat())
}

fn double_integrator(neighbours: Neighbours) -> (LinearWorld, Vec<f64>, Vec<f64>) {
    let world = LinearWorld {
        system: point(0.25),
        linearise: None,
        fastest: f64::INFINITY,
        states: vec![[0.0, 200.0], [0.0, 100.0], [-10.0, 10.0], [-10.0, 10.0]],
        controls: vec![[-10.0, 10.0]; 2],
        place: vec![0, 1],
        radius: 1.0,
        world: boxes(&[([65.0, 30.0, 0.0], [10.0, 60.0, 9.0]), ([125.0, 70.0, 0.0], [10.0, 60.0, 9.0])]),
        neighbours,
    };
    (world, vec![5.0, 5.0, 0.0, 0.0], vec![195.0, 95.0, 0.0, 0.0])
}

/// Place, velocity, two tilts and their rates; thrust beyond the weight and two moments over an arm. Mass 0.5 kg, arm
/// 0.125 m, moment of inertia 2.5e-3 kg m^2.
fn quadrotor(neighbours: Neighbours) -> (LinearWorld, Vec<f64>, Vec<f64>) {
    const GRAVITY: f64 = 9.8;
    let (mass, arm, inertia) = (0.5, 0.125, 2.5e-3);
    let a = [
        (0, 3, 1.0),
        (1, 4, 1.0),
        (2, 5, 1.0),
        (3, 6, GRAVITY),
        (4, 7, -GRAVITY),
        (6, 8, 1.0),
        (7, 9, 1.0),
    ];
    let b = [(5, 0, 1.0 / mass), (8, 1, arm / inertia), (9, 2, arm / inertia)];
    let within = |most: f64| [-most, most];
    let world = LinearWorld {
        system: system(10, &a, &b, &[], &[0.25, 0.5, 0.5]).expect(SYSTEM),
        linearise: None,
        fastest: f64::INFINITY,
        states: [vec![[0.0, 5.0]; 3], vec![within(5.0); 3], vec![within(1.0); 2], vec![within(5.0); 2]].concat(),
        controls: vec![[-4.545, 9.935], within(3.62), within(3.62)],
        place: vec![0, 1, 2],
        radius: 0.2,
        world: boxes(&[([2.0, 1.5, 2.5], [0.5, 3.0, 5.0]), ([3.5, 3.5, 2.5], [0.5, 3.0, 5.0])]),
        neighbours,
    };
    let at = |x: f64, y: f64| [vec![x, y, 2.5], vec![0.0; 7]].concat();
    (world, at(0.5, 0.5), at(4.5, 4.5))
}

/// Place, heading, speed and curvature; x' = v cos, y' = v sin, heading' = curvature v. Of controls the change of the
/// speed counts 1, and that of the curvature 100.
fn car(neighbours: Neighbours) -> (LinearWorld, Vec<f64>, Vec<f64>) {
    let start = vec![10.0, 15.0, 0.0, 5.0, 0.0];
    let world = LinearWorld {
        system: linearised_car(&start).expect(SYSTEM),
        linearise: Some(linearised_car),
        fastest: 10.0,
        states: vec![[0.0, 200.0], [0.0, 100.0], [-PI, PI], [0.1, 10.0], [-0.25, 0.25]],
        controls: vec![[f64::NEG_INFINITY, f64::INFINITY]; 2],
        place: vec![0, 1],
        radius: 1.0,
        // A road along y = 15, then along x = 115, then along y = 85.
        world: boxes(&[
            ([50.0, 65.0, 0.0], [100.0, 70.0, 9.0]),
            ([165.0, 35.0, 0.0], [70.0, 70.0, 9.0]),
        ]),
        neighbours,
    };
    (world, start, vec![190.0, 85.0, 0.0, 5.0, 0.0])
}

fn linearised_car(state: &[f64]) -> Option<LinearSystem> {
    let [_, _, heading, v, k] = *state else { return None };
    let (sin, cos) = heading.sin_cos();
    let a = [(0, 2, -v * sin), (0, 3, cos), (1, 2, v * cos), (1, 3, sin), (2, 3, k), (2, 4, v)];
    let b = [(3, 0, 1.0), (4, 1, 1.0)];
    // f(x) - A x.
    let c = [(0, v * sin * heading), (1, -v * cos * heading), (2, -k * v)];
    system(5, &a, &b, &c, &[1.0, 100.0])
}

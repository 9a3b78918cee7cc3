//! Kino-PAX's problems (github.com/aria-systems-group/Kino-PAX; Perrault et al., arXiv 2409.06807): a file
//! of boxes, one system, one start, and a ball of goals.
//!
//! Start, goal and limits are those of its sources and of its paper. Air drag, which its quadrotor has,
//! is left out. Its quadrotor's states are roll, pitch and yaw and a velocity in the body's frame, along whose axes that
//! is limited; ours are one form for all, and its start and goal, level and at rest, are the same in both.

use crate::base::{self, Actuation, Airplane, Base, Point, Quadrotor, VelocityAxes};
use crate::error::{InputError, excerpt};
use crate::pose::Pose;
use crate::problem::{JointState, GRAVITY, Problem, Smoothness};
use crate::robot::{JointLimits, Mechanism, Robot, Sphere};
use crate::world::{Obstacle, Shape, World};
use csv::{ReaderBuilder, Trim};
use glam::DVec3;
use std::f64::consts::{FRAC_PI_3, FRAC_PI_4, PI};
use std::path::Path;

/// Greatest coordinate in a file, metres; what is beyond is a slip.
const MAX_COORDINATE: f64 = 1e6;

/// One of its systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// A double integrator in space.
    Point,
    /// A Dubins airplane.
    Airplane,
    /// A quadrotor, in a world a hundred times as large.
    Quadrotor,
}

impl std::str::FromStr for System {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "point" => Ok(Self::Point),
            "airplane" => Ok(Self::Airplane),
            "quadrotor" => Ok(Self::Quadrotor),
            _ => Err("expected point, airplane or quadrotor".to_owned()),
        }
    }
}

impl System {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Airplane => "airplane",
            Self::Quadrotor => "quadrotor",
        }
    }

    /// How it moves.
    pub fn base(self) -> Base {
        match self {
            Self::Point => Base::Point(Point { dimensions: 3, velocity: 0.3, acceleration: 0.2 }),
            Self::Airplane => Base::Airplane(Airplane {
                speed: [0.0, 0.3],
                acceleration: 0.3,
                yaw_rate: FRAC_PI_4,
                pitch_rate: FRAC_PI_4,
                pitch: FRAC_PI_3,
            }),
            Self::Quadrotor => Base::Quadrotor(Quadrotor {
                mass: 1.0,
                inertia: DVec3::new(1.0, 1.0, 2.0),
                actuation: Actuation::Wrench {
                    unit: [1.0; 4],
                    lower: [0.0, -PI, -PI, -PI],
                    upper: [30.0, PI, PI, PI],
                },
                velocity: 30.0,
                body_rate: 30.0,
                velocity_axes: VelocityAxes::Body,
                gravity: base::GRAVITY,
            }),
        }
    }

    /// Length of the edges of its world, which begins at the origin, metres.
    pub fn size(self) -> f64 {
        if self == Self::Quadrotor { 100.0 } else { 1.0 }
    }

    /// Where it starts, metres; at rest and level.
    pub fn start(self) -> DVec3 {
        if self == Self::Quadrotor { DVec3::new(10.0, 8.0, 5.0) } else { DVec3::new(0.1, 0.08, 0.05) }
    }

    /// Centre and radius of the ball in which it may end, metres.
    pub fn goal(self) -> (DVec3, f64) {
        (DVec3::new(0.8, 0.95, 0.9) * self.size(), 0.05 * self.size())
    }

    /// Directions in which it may end, yaw and pitch, rad: for an airplane, where Kino-PAX leaves them open,
    /// around the way from the start to the goal; else one, level.
    fn arrivals(self) -> Vec<[f64; 2]> {
        if self != Self::Airplane {
            return vec![[0.0; 2]];
        }
        let way = self.goal().0 - self.start();
        let yaw = way.y.atan2(way.x);
        let yaws = [-0.75, 0.0, 0.75].map(|turned| yaw + turned);
        yaws.into_iter().flat_map(|yaw| [0.0, 0.5].map(|pitch| [yaw, pitch])).collect()
    }

    /// The problem among `world`, which ends at rest in the centre of the ball of goals.
    ///
    /// # Errors
    /// Never, unless the limits above contradict one another.
    pub fn problem(self, world: World) -> Result<Problem, InputError> {
        let base = self.base();
        let mut limits = vec![JointLimits::NONE; base.coordinates().len()];
        for limits in &mut limits[..3] {
            (limits.lower, limits.upper) = (0.0, self.size());
            if let Base::Point(Point { velocity, acceleration, .. }) = base {
                (limits.velocity, limits.acceleration) = (velocity, acceleration);
            }
        }
        let point = Sphere { center: DVec3::ZERO, radius: 0.0 };
        let robot = Robot::of_spheres("point", vec![point]).on_base(base, &limits, Vec::new());
        let mechanism =
            Mechanism::new(&robot, &robot.independent_joints(), &robot.neutral(), Pose::IDENTITY)?;
        let at = |p: DVec3| {
            let mut position = vec![0.0; limits.len()];
            position[..3].copy_from_slice(&p.to_array());
            JointState::at_rest(position)
        };
        let arriving = |[yaw, pitch]: [f64; 2]| {
            let mut goal = at(self.goal().0);
            // After the place of an airplane come its yaw and its pitch.
            if self == Self::Airplane {
                goal.position[3..5].copy_from_slice(&[yaw, pitch]);
            }
            goal
        };
        let (start, goals) = (at(self.start()), self.arrivals().into_iter().map(arriving).collect());
        let smoothness = Smoothness::Acceleration;
        Ok(Problem { mechanism, world, start, goals, smoothness, torque: false, gravity: GRAVITY })
    }
}

/// Reads boxes, one a line: least x, y, z, greatest x, y, z. Some of Kino-PAX's have these the other way
/// around, which its own check never meets, or no thickness: they are boxes and plates here.
///
/// # Errors
/// Where the file is missing or malformed.
pub fn load(file: &Path) -> Result<World, InputError> {
    let text = InputError::read_text(file)?;
    parse(&text).map_err(|e| e.in_file(file))
}

/// Reads boxes from the text of a file.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str) -> Result<World, InputError> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let mut obstacles = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| InputError::new(format!("not CSV: {}", excerpt(&e.to_string()))))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        let wrong = |message: String| InputError::new(message).at_line(line);
        let number = |field: &str| match field.parse::<f64>() {
            Ok(x) if x.abs() <= MAX_COORDINATE => Ok(x),
            Ok(x) if x.is_finite() => {
                Err(wrong(format!("expected a number up to {MAX_COORDINATE:e} m, found {x:e}")))
            }
            _ => Err(wrong(format!("expected a finite number, found \"{}\"", excerpt(field)))),
        };
        let numbers: Vec<f64> = record.iter().map(number).collect::<Result<_, _>>()?;
        let [a, b, c, d, e, f] = numbers[..] else {
            return Err(wrong(format!("expected six numbers, found {}", numbers.len())));
        };
        let corners = [DVec3::new(a, b, c), DVec3::new(d, e, f)];
        let (lower, upper) = (corners[0].min(corners[1]), corners[0].max(corners[1]));
        obstacles.push(Obstacle {
            name: format!("box {}", obstacles.len()),
            shape: Shape::Cuboid { half_extents: (upper - lower) / 2.0 },
            pose: Pose::from_translation((lower + upper) / 2.0),
        });
    }
    Ok(World { obstacles })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_boxes_with_and_without_spaces() {
        let world = parse("0.3, 0, 0.0, 0.5, 0.49, 1.0\n1,0,0,0,2,3").unwrap();
        let distance =
            |p| world.obstacles.iter().map(|o: &Obstacle| o.signed_distance(p)).fold(9.0, f64::min);
        assert!((distance(DVec3::new(1.5, 1.0, 1.0)) - 0.5).abs() < 1e-12);
        assert_eq!(world.obstacles.len(), 2);
        assert!((world.obstacles[0].signed_distance(DVec3::new(0.4, 0.5, 0.5)) - 0.01).abs() < 1e-12);
    }

    #[test]
    fn says_what_is_wrong_where() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(error("0,0,0,1,1,1\n0,0,0,1,x,1\n"), "line 2: expected a finite number, found \"x\"");
        assert_eq!(error("0,0,0,1,1\n"), "line 1: expected six numbers, found 5");
    }
}

//! The vehicles that problems are drawn for, all in one table.

use super::placement::{Placement, Steering};
use crate::base::{
    Actuation, Airplane, Base, Car, DifferentialDrive, DriveAcceleration, GRAVITY, MecanumWheels,
    Omnidirectional, PlanarQuadrotor, Quadrotor, Trailer, VelocityAxes,
};
use crate::error::InputError;
use crate::problem::JointState;
use crate::robot::Sphere;
use crate::scene::{Part, PointRobot, RobotSource, VehicleRobot};
use glam::{DQuat, DVec2, DVec3};

/// A vehicle of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vehicle {
    /// A disc in the plane that accelerates along x and y.
    Point,
    /// A differential drive that reverses, with limits of acceleration and a rectangular body.
    Drive,
    /// A round one that does not reverse.
    ForwardDrive,
    /// A round one that never stands still.
    MinSpeedDrive,
    /// A car.
    Car,
    /// A smaller one.
    SmallCar,
    /// A base on mecanum wheels with a rectangular body.
    Omnidirectional,
    /// A car with a trailer.
    CarTrailer,
    /// A Dubins airplane.
    Airplane,
    /// A quadrotor in a vertical plane.
    PlanarQuadrotor,
    /// A quadrotor.
    Quadrotor,
}

/// How closely spheres cover rectangular bodies, as a share of their shorter side: worlds leave a twentieth of it.
const COVER: f64 = 0.02;

/// Turning circles of ways that prove problems solvable, over the smallest that the vehicle can turn.
const SPARE_RADIUS: f64 = 1.05;

/// Speed of an airplane at start and goal, and on the way, over its least.
const CRUISE: f64 = 1.25;

/// What worlds have to know of a vehicle.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// How it moves, what it fills.
    robot: RobotSource,
    /// What it can turn.
    pub(super) steering: Steering,
    /// Width of its body, metres; its diameter where it is round.
    pub(super) width: f64,
    /// How far it reaches ahead of its frame and behind it, metres, trailer included.
    pub(super) ahead: f64,
    pub(super) behind: f64,
    /// From a trailer's axle to the rear axle, metres.
    pub(super) hitch: Option<f64>,
    /// Height at which it flies, metres; 0 on the ground.
    pub(super) altitude: f64,
    /// Spheres of its body as ways are held clear of obstacles: of what leans in flight, a ball that holds it
    /// however it leans.
    body: Vec<Sphere>,
    trailer: Vec<Sphere>,
}

impl Vehicle {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Point,
        Self::Drive,
        Self::ForwardDrive,
        Self::MinSpeedDrive,
        Self::Car,
        Self::SmallCar,
        Self::Omnidirectional,
        Self::CarTrailer,
        Self::Airplane,
        Self::PlanarQuadrotor,
        Self::Quadrotor,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Drive => "drive",
            Self::ForwardDrive => "forward-drive",
            Self::MinSpeedDrive => "min-speed-drive",
            Self::Car => "car",
            Self::SmallCar => "small-car",
            Self::Omnidirectional => "omnidirectional",
            Self::CarTrailer => "car-trailer",
            Self::Airplane => "airplane",
            Self::PlanarQuadrotor => "planar-quadrotor",
            Self::Quadrotor => "quadrotor",
        }
    }

    /// What worlds have to know of it.
    pub(super) fn model(self) -> Model {
        match self {
            Self::Point => point(),
            Self::Drive => {
                let acceleration = Some(DriveAcceleration { linear: 0.8, angular: 2.5 });
                let drive = DifferentialDrive { speed: [-0.5, 1.0], turn_rate: [-1.5, 1.5], acceleration };
                let body = Part::rectangle(DVec2::new(0.7, 0.5), DVec3::new(-0.05, 0.0, 0.0), COVER, false);
                Model::new(Base::DifferentialDrive(drive), body, Steering::Spot { reverses: true })
            }
            Self::ForwardDrive => {
                let drive =
                    DifferentialDrive { speed: [0.0, 1.0], turn_rate: [-1.5, 1.5], acceleration: None };
                Model::new(Base::DifferentialDrive(drive), Part::ball(0.2), Steering::Spot { reverses: false })
            }
            Self::MinSpeedDrive => {
                let drive =
                    DifferentialDrive { speed: [0.25, 0.5], turn_rate: [-0.5, 0.5], acceleration: None };
                let steering = Steering::radius(drive.speed[0] / drive.turn_rate[1] * SPARE_RADIUS, false);
                Model::new(Base::DifferentialDrive(drive), Part::ball(0.15), steering)
            }
            Self::Car => car(2.6, DVec2::new(4.3, 1.8), 1.3, None),
            Self::SmallCar => car(2.0, DVec2::new(3.2, 1.5), 1.0, None),
            Self::CarTrailer => {
                let body = Part::rectangle(DVec2::new(3.0, 1.7), DVec3::new(-0.2, 0.0, 0.0), COVER, false);
                car(2.8, DVec2::new(4.4, 1.8), 1.4, Some((Trailer { hitch_length: 3.0, angle: 0.9 }, body)))
            }
            Self::Omnidirectional => omnidirectional(),
            Self::Airplane => airplane(),
            Self::PlanarQuadrotor => planar_quadrotor(),
            Self::Quadrotor => quadrotor(),
        }
    }
}

impl std::str::FromStr for Vehicle {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|vehicle| vehicle.name() == name);
        named.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

fn point() -> Model {
    let spheres = vec![Sphere { center: DVec3::ZERO, radius: 0.2 }];
    let robot = PointRobot { dimensions: 2, velocity: 1.0, acceleration: 1.0, bounds: None, spheres };
    let body = robot.spheres.clone();
    Model { robot: RobotSource::Point(robot), ..Model::of_spheres(body, Steering::Any) }
}

fn car(wheelbase: f64, size: DVec2, center: f64, trailer: Option<(Trailer, Part)>) -> Model {
    let steering = 0.6_f64;
    let (hitched, part) = trailer.unzip();
    let base = Base::Car(Car {
        wheelbase,
        speed: [-2.0, 5.0],
        steering,
        steering_rate: 0.8,
        acceleration: 2.0,
        trailer: hitched,
    });
    let body = Part::rectangle(size, DVec3::new(center, 0.0, 0.0), COVER, false);
    let radius = wheelbase / steering.tan() * SPARE_RADIUS;
    Model::new(base, body, Steering::radius(radius, true)).drawing(hitched.map(|t| t.hitch_length), part)
}

/// Its body is that of [`Vehicle::Drive`], so that it is drawn the same worlds.
fn omnidirectional() -> Model {
    let base = Omnidirectional {
        velocity: [1.0, 0.8, 1.5],
        acceleration: [0.8, 0.8, 2.5],
        wheels: Some(MecanumWheels { radius: 0.1, half_length: 0.25, half_width: 0.2, rate: 13.0 }),
    };
    let body = Part::rectangle(DVec2::new(0.7, 0.5), DVec3::new(-0.05, 0.0, 0.0), COVER, false);
    Model::new(Base::Omnidirectional(base), body, Steering::Spot { reverses: true })
}

fn airplane() -> Model {
    let plane = Airplane {
        speed: [2.0, 6.0],
        acceleration: 2.0,
        yaw_rate: 1.0,
        pitch_rate: 0.6,
        pitch: 0.5,
    };
    let steering = Steering::radius(CRUISE * plane.speed[0] / plane.yaw_rate * SPARE_RADIUS, false);
    let model =
        Model::new(Base::Airplane(plane), Part::cuboid(DVec3::new(0.8, 1.0, 0.2), 0.04), steering);
    Model { altitude: 4.0, ..model }
}

fn planar_quadrotor() -> Model {
    let base = Base::PlanarQuadrotor(PlanarQuadrotor {
        mass: 0.6,
        inertia: 0.004,
        arm: 0.16,
        rotor: 2.0,
        velocity: 5.0,
        body_rate: 8.0,
        gravity: GRAVITY,
    });
    let body = Part::rectangle(DVec2::new(0.44, 0.1), DVec3::ZERO, 0.05, true);
    let model = Model::new(base, body, Steering::Any);
    Model { width: model.length(), ..model }.leaning()
}

fn quadrotor() -> Model {
    let base = Base::Quadrotor(Quadrotor {
        mass: 0.8,
        inertia: DVec3::new(0.004, 0.004, 0.007),
        actuation: Actuation::Rotors { arm: 0.17, torque_by_thrust: 0.016, most: 2.2 },
        velocity: 5.0,
        body_rate: 8.0,
        velocity_axes: VelocityAxes::World,
        gravity: GRAVITY,
    });
    Model::new(base, Part::cuboid(DVec3::new(0.4, 0.4, 0.12), 0.02), Steering::Any).leaning()
}

/// How far spheres reach along an axis, and against it.
fn reach(spheres: &[Sphere], axis: DVec3) -> [f64; 2] {
    let most = |side: f64| spheres.iter().map(|s| side * s.center.dot(axis) + s.radius).fold(0.0, f64::max);
    [most(1.0), most(-1.0)]
}

impl Model {
    /// Of what is covered by these spheres, on the ground.
    fn of_spheres(body: Vec<Sphere>, steering: Steering) -> Self {
        let ([ahead, behind], [left, right]) = (reach(&body, DVec3::X), reach(&body, DVec3::Y));
        Self {
            robot: RobotSource::Point(PointRobot {
                dimensions: 2,
                velocity: 1.0,
                acceleration: 1.0,
                bounds: None,
                spheres: Vec::new(),
            }),
            steering,
            width: left + right,
            ahead,
            behind,
            hitch: None,
            altitude: 0.0,
            body,
            trailer: Vec::new(),
        }
    }

    fn new(base: Base, part: Part, steering: Steering) -> Self {
        let body = part.spheres.clone();
        let robot = RobotSource::Vehicle(Box::new(VehicleRobot::bare(base, vec![part])));
        Self { robot, ..Self::of_spheres(body, steering) }
    }

    /// The same with a trailer, where there is one.
    fn drawing(mut self, hitch: Option<f64>, part: Option<Part>) -> Self {
        let (Some(hitch), Some(part), RobotSource::Vehicle(vehicle)) = (hitch, part, &mut self.robot) else {
            return self;
        };
        self.hitch = Some(hitch);
        self.trailer = part.spheres.clone();
        self.behind = hitch + reach(&part.spheres, DVec3::X)[1];
        vehicle.trailer = vec![part];
        self
    }

    /// The same of what leans: a ball holds it.
    fn leaning(mut self) -> Self {
        let radius = self.body.iter().map(|s| s.center.length() + s.radius).fold(0.0, f64::max);
        let body = vec![Sphere { center: DVec3::ZERO, radius }];
        self.altitude = 4.0;
        Self { body, ahead: radius, behind: radius, ..self }
    }

    /// How far it reaches from end to end, metres.
    pub(super) fn length(&self) -> f64 {
        self.ahead + self.behind
    }

    /// The factor of lengths that are meant for cars, 4.3 m long, and larger vehicles.
    pub(super) fn scale(&self) -> f64 {
        if self.length() > 2.0 { 1.0 } else { self.length() / 4.3 }
    }

    /// How far from its frame any part of it is, metres.
    pub(super) fn extent(&self) -> f64 {
        let far = |spheres: &[Sphere]| {
            spheres.iter().map(|s| s.center.length() + s.radius).fold(0.0, f64::max)
        };
        far(&self.body).max(self.hitch.map_or(0.0, |hitch| hitch + far(&self.trailer)))
    }

    /// The spheres of its body in a placement.
    pub(super) fn footprint(&self, at: &Placement) -> impl Iterator<Item = Sphere> {
        let place = |origin: DVec2, heading: f64| {
            let turn = DQuat::from_rotation_z(heading);
            let origin = origin.extend(self.altitude);
            move |s: &Sphere| Sphere { center: origin + turn * s.center, radius: s.radius }
        };
        let axle = at.position - self.hitch.unwrap_or(0.0) * DVec2::from_angle(at.trailer);
        let body = self.body.iter().map(place(at.position, at.heading));
        body.chain(self.trailer.iter().map(place(axle, at.trailer)))
    }

    /// How far it reaches to the outside of a circle of radius `turn` that its frame goes along (infinite: straight
    /// on), from that circle, metres.
    pub(super) fn swept(&self, turn: f64) -> f64 {
        let side = |s: &Sphere| match turn.is_finite() {
            true => (turn + s.center.y.abs()).hypot(s.center.x) - turn + s.radius,
            false => s.center.y.abs() + s.radius,
        };
        self.body.iter().map(side).fold(0.0, f64::max)
    }

    /// The robot of a scene, its frame (of a car with a trailer the trailer's) within these bounds.
    pub(super) fn source(&self, lower: DVec3, upper: DVec3) -> RobotSource {
        let mut source = self.robot.clone();
        let within = |axes: &[usize]| Some([lower, upper].map(|p| axes.iter().map(|&i| p[i]).collect()));
        match &mut source {
            RobotSource::Point(point) => point.bounds = within(&[0, 1]),
            RobotSource::Vehicle(vehicle) => {
                vehicle.bounds = within(match vehicle.base {
                    Base::PlanarQuadrotor(_) => &[0, 2],
                    Base::Airplane(_) | Base::Quadrotor(_) => &[0, 1, 2],
                    _ => &[0, 1],
                });
            }
            RobotSource::Files(_) => {}
        }
        source
    }

    /// The state of a scene in a placement at a height: level, at rest or as slow as ways are gone.
    ///
    /// # Errors
    /// Never, unless the figures of the table contradict one another.
    pub(super) fn state(&self, at: &Placement, height: f64) -> Result<JointState, InputError> {
        let &Placement { position: DVec2 { x, y }, heading, trailer } = at;
        let RobotSource::Vehicle(vehicle) = &self.robot else {
            return Ok(JointState::at_rest(vec![x, y]));
        };
        let numbers = match &vehicle.base {
            Base::Airplane(plane) => vec![x, y, height, heading, 0.0, CRUISE * plane.speed[0]],
            Base::PlanarQuadrotor(_) => vec![x, height, 0.0, 0.0, 0.0, 0.0],
            Base::Quadrotor(_) => {
                let turn = DQuat::from_rotation_z(heading).to_array();
                [&[x, y, height][..], &turn, &[0.0; 6]].concat()
            }
            Base::Omnidirectional(_) => vec![x, y, heading, 0.0, 0.0, 0.0],
            Base::DifferentialDrive(DifferentialDrive { acceleration: Some(_), .. }) => {
                vec![x, y, heading, 0.0, 0.0]
            }
            _ if self.hitch.is_some() => vec![x, y, heading, trailer],
            _ => vec![x, y, heading],
        };
        let [position, velocity] =
            vehicle.base.configuration(&numbers).map_err(|e| InputError::new(e.to_string()))?;
        Ok(JointState { velocity, ..JointState::at_rest(position) })
    }
}

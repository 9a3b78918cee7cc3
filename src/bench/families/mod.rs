//! Families of random problems for vehicles, each problem solvable because a way through it was found, or stood, before
//! it was given out. `docs/families.md` says what is drawn, and from which ranges.

mod corridor;
mod dead_end;
mod docking;
mod forest;
mod maze;
mod parking;
pub mod report;
mod site;
mod slot;
mod track;
mod vehicles;

pub use track::Placement;
pub use vehicles::Vehicle;

use crate::error::InputError;
use crate::scene::Scene;
use crate::world::World;
use glam::DVec2;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;
use site::Site;
use vehicles::Model;

/// A kind of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyKind {
    /// Bays along, across and at an angle to a lane.
    Parking,
    /// Rooms with doors, by recursive division.
    Maze,
    /// Trunks around a tube.
    Forest,
    /// Openings that may be narrower than the body.
    Slot,
    /// A bent corridor.
    Corridor,
    /// A trap between start and goal.
    DeadEnd,
    /// Backwards into a dock.
    Docking,
}

/// A problem of a family.
#[derive(Clone, Debug)]
pub struct Instance {
    /// What is to be planned.
    pub scene: Scene,
    /// Placements from start to goal in which the vehicle keeps clear of all obstacles, and between which it can
    /// drive; of a slot those within it.
    pub witness: Vec<Placement>,
}

/// A world in the plane, and a way through it.
struct Drawn {
    site: Site,
    /// Least and greatest position.
    bounds: [DVec2; 2],
    /// From start to goal.
    way: Vec<Placement>,
}

/// Room above and below the height at which a way flies, metres.
const HEADROOM: f64 = 3.0;

/// Clearance of ways, as a share of the width of the vehicle.
const MARGIN: f64 = 0.01;

/// Worlds that are drawn until one has a way through it.
const TRIES: usize = 2000;

impl FamilyKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Parking, Self::Maze, Self::Forest, Self::Slot, Self::Corridor, Self::DeadEnd, Self::Docking];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parking => "parking",
            Self::Maze => "maze",
            Self::Forest => "forest",
            Self::Slot => "slot",
            Self::Corridor => "corridor",
            Self::DeadEnd => "dead-end",
            Self::Docking => "docking",
        }
    }

    /// The vehicles that it makes sense for.
    pub fn vehicles(self) -> &'static [Vehicle] {
        use Vehicle::{
            Airplane, Car, CarTrailer, Drive, ForwardDrive, MinSpeedDrive, PlanarQuadrotor, Point, Quadrotor,
            SmallCar,
        };
        match self {
            Self::Parking => &[Drive, Car, SmallCar],
            Self::Maze | Self::Corridor => &[Point, Drive, ForwardDrive, MinSpeedDrive, Car, Airplane],
            Self::Forest | Self::DeadEnd => {
                &[Point, Drive, ForwardDrive, MinSpeedDrive, Car, Airplane, Quadrotor]
            }
            Self::Slot => &[PlanarQuadrotor, Quadrotor],
            Self::Docking => &[Drive, CarTrailer],
        }
    }

    /// The problem of this seed for one of its vehicles.
    ///
    /// # Errors
    /// Where the vehicle is none of its own, or no world of many has a way through it.
    pub fn instance(self, vehicle: Vehicle, seed: u64) -> Result<Instance, InputError> {
        if !self.vehicles().contains(&vehicle) {
            return Err(InputError::new(self.not_for(&[vehicle])));
        }
        let (rng, model) = (&mut Pcg64Mcg::seed_from_u64(seed), vehicle.model());
        if self == Self::Slot {
            return slot::instance(rng, vehicle, &model);
        }
        let draw = match self {
            Self::Parking => parking::draw,
            Self::Maze => maze::draw,
            Self::Forest => forest::draw,
            Self::Corridor => corridor::draw,
            Self::DeadEnd => dead_end::draw,
            Self::Docking | Self::Slot => docking::draw,
        };
        let drawn = (0..TRIES).find_map(|_| draw(rng, &model)).ok_or_else(|| {
            let (kind, vehicle) = (self.name(), vehicle.name());
            InputError::new(format!("none of {TRIES} worlds has a way: {kind} {vehicle}, seed {seed}"))
        })?;
        drawn.instance(&model)
    }

    /// What there is to say where it is asked for with none of its vehicles.
    pub fn not_for(self, vehicles: &[Vehicle]) -> String {
        let names = |vehicles: &[Vehicle]| vehicles.iter().map(|v| v.name()).collect::<Vec<_>>().join(", ");
        let (kind, asked, expected) = (self.name(), names(vehicles), names(self.vehicles()));
        format!("{kind} is not for {asked}; expected one of {expected}")
    }
}

impl std::str::FromStr for FamilyKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == name);
        named.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

impl Drawn {
    /// The problem from the start of the way to its end.
    fn instance(self, model: &Model) -> Result<Instance, InputError> {
        let Self { site, bounds: [lower, upper], way } = self;
        let height = model.altitude;
        let [Some(first), Some(last)] = [way.first(), way.last()] else {
            return Err(InputError::new("a way has two ends"));
        };
        let ends = [model.state(first, height)?, model.state(last, height)?];
        let [low, high] = [-HEADROOM, HEADROOM].map(|room| height + room);
        let source = model.source(lower.extend(low), upper.extend(high));
        let scene = Scene::of_vehicle(source, World { obstacles: site.obstacles }, ends)?;
        Ok(Instance { scene, witness: way })
    }
}

/// The box around a way, and so much more on all sides.
fn around(way: &[Placement], room: f64) -> [DVec2; 2] {
    let corner = |pick: fn(DVec2, DVec2) -> DVec2, room: f64| {
        way.iter().map(|at| at.position).reduce(pick).unwrap_or_default() + room
    };
    [corner(DVec2::min, -room), corner(DVec2::max, room)]
}

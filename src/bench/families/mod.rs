//! Families of random problems for vehicles, each problem solvable because a way through it was found, or stood, before
//! it was given out. `docs/families.md` says what is drawn, and from which ranges.

mod corridor;
mod dead_end;
mod docking;
mod drawn;
mod forest;
mod maze;
mod parking;
mod placement;
pub mod report;
mod site;
mod slot;
mod track;
mod vehicles;

pub use drawn::Instance;
pub use placement::Placement;
pub use vehicles::Vehicle;

use crate::error::InputError;
use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

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
            Airplane, Car, CarTrailer, Drive, ForwardDrive, MinSpeedDrive, Omnidirectional, PlanarQuadrotor, Point,
            Quadrotor, SmallCar,
        };
        match self {
            Self::Parking => &[Drive, Car, SmallCar, Omnidirectional],
            Self::Maze | Self::Corridor => {
                &[Point, Drive, ForwardDrive, MinSpeedDrive, Car, Omnidirectional, Airplane]
            }
            Self::Forest | Self::DeadEnd => {
                &[Point, Drive, ForwardDrive, MinSpeedDrive, Car, Omnidirectional, Airplane, Quadrotor]
            }
            Self::Slot => &[PlanarQuadrotor, Quadrotor],
            Self::Docking => &[Drive, Omnidirectional, CarTrailer],
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

//! Occupancy grids: cells that are occupied, merged into as few boxes as a greedy sweep finds. Imports `error` and
//! `pose`.

use super::{Obstacle, Shape, World};
use crate::error::{InvalidValue, excerpt, positive};
use crate::pose::Pose;
use glam::DVec3;

/// The most cells of a grid.
const MOST_CELLS: usize = 1 << 28;

/// A grid of cubic cells, each of which is occupied or free.
///
/// ```
/// use flatout::{glam::DVec3, pose::Pose, world::{OccupancyGrid, World}};
///
/// // A wall of 4 x 1 x 2 cells of 10 cm, with its first corner at the origin.
/// let grid = OccupancyGrid { size: [4, 1, 2], cell: 0.1, corner: Pose::IDENTITY, occupied: vec![true; 8] };
/// let mut world = World::default();
/// world.add_grid("wall", &grid)?;
/// assert_eq!(world.obstacles.len(), 1);
/// # Ok::<(), flatout::error::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OccupancyGrid {
    /// Cells along x, y and z.
    pub size: [usize; 3],
    /// Edge of a cell, metres.
    pub cell: f64,
    /// Frame in the world of the grid's first corner: the grid lies along its axes.
    pub corner: Pose,
    /// Whether each cell is occupied, x running fastest and z slowest.
    pub occupied: Vec<bool>,
}

impl World {
    /// Puts the occupied cells of a grid in place of those that this name had: a map that comes frame by frame, occupied
    /// or not.
    ///
    /// # Errors
    /// Where the grid makes no sense.
    pub fn set_grid(&mut self, name: &str, grid: &OccupancyGrid) -> Result<&mut Self, InvalidValue> {
        grid.boxes()?;
        self.obstacles.retain(|obstacle| obstacle.name != name);
        self.add_grid(name, grid)
    }

    /// Adds the occupied cells of a grid, merged into boxes that all have this name.
    ///
    /// # Errors
    /// Where the name is taken, or the grid makes no sense.
    pub fn add_grid(&mut self, name: &str, grid: &OccupancyGrid) -> Result<&mut Self, InvalidValue> {
        self.admit(name)?;
        let under = |e: InvalidValue| e.under(format_args!("grid \"{}\"", excerpt(name)));
        let boxes = grid.boxes().map_err(under)?;
        self.obstacles.extend(boxes.into_iter().map(|(shape, pose)| Obstacle {
            name: name.to_owned(),
            shape,
            pose,
        }));
        Ok(self)
    }
}

impl OccupancyGrid {
    /// Boxes that cover the occupied cells, each cell once: a box grows from the first cell that is left along x, then
    /// y, then z, for as long as all that it takes in is occupied.
    pub(super) fn boxes(&self) -> Result<Vec<(Shape, Pose)>, InvalidValue> {
        self.validate()?;
        if self.occupied.is_empty() {
            return Ok(Vec::new());
        }
        let [nx, ny, nz] = self.size;
        let mut left = self.occupied.clone();
        let at = |x: usize, y: usize, z: usize| (z * ny + y) * nx + x;
        let mut boxes = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    if !left[at(x, y, z)] {
                        continue;
                    }
                    let is_full = |left: &[bool], [x1, y1, z1]: [usize; 3], [x0, y0, z0]: [usize; 3]| {
                        (z0..z1).all(|z| (y0..y1).all(|y| (x0..x1).all(|x| left[at(x, y, z)])))
                    };
                    let mut end = [x + 1, y + 1, z + 1];
                    while end[0] < nx && is_full(&left, [end[0] + 1, end[1], end[2]], [end[0], y, z]) {
                        end[0] += 1;
                    }
                    while end[1] < ny && is_full(&left, [end[0], end[1] + 1, end[2]], [x, end[1], z]) {
                        end[1] += 1;
                    }
                    while end[2] < nz && is_full(&left, [end[0], end[1], end[2] + 1], [x, y, end[2]]) {
                        end[2] += 1;
                    }
                    for z in z..end[2] {
                        for y in y..end[1] {
                            left[at(x, y, z)..at(end[0], y, z)].fill(false);
                        }
                    }
                    boxes.push(self.cuboid([x, y, z], end));
                }
            }
        }
        Ok(boxes)
    }

    /// The box from one corner of cells to another.
    fn cuboid(&self, from: [usize; 3], to: [usize; 3]) -> (Shape, Pose) {
        let corner = |cells: [usize; 3]| DVec3::from(cells.map(|n| n as f64)) * self.cell;
        let [from, to] = [corner(from), corner(to)];
        let pose = self.corner * Pose::from_translation(0.5 * (from + to));
        (Shape::cuboid(to - from), pose)
    }

    fn validate(&self) -> Result<(), InvalidValue> {
        positive("cell", self.cell)?;
        self.corner.validate().map_err(|e| e.under("corner"))?;
        let cells = self.size.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        match cells.filter(|&cells| cells <= MOST_CELLS) {
            Some(cells) if cells == self.occupied.len() => Ok(()),
            Some(cells) => {
                let expected = format!("{cells}, one for each cell");
                Err(InvalidValue::new("occupied", self.occupied.len(), expected))
            }
            None => {
                let found = format!("{:?}", self.size);
                Err(InvalidValue::new("size", found, format!("at most {MOST_CELLS} cells")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The boxes hold exactly the occupied cells, each once.
        #[test]
        fn boxes_are_the_occupied_cells(
            size in [1..6_usize, 1..6_usize, 1..6_usize],
            bits in proptest::collection::vec(any::<bool>(), 125),
        ) {
            let cells = size.iter().product();
            let grid = OccupancyGrid { size, cell: 0.5, corner: Pose::IDENTITY, occupied: bits[..cells].to_vec() };
            let boxes = grid.boxes().unwrap();
            for (i, &occupied) in grid.occupied.iter().enumerate() {
                let cell = [i % size[0], i / size[0] % size[1], i / size[0] / size[1]];
                let center = (DVec3::from(cell.map(|n| n as f64)) + 0.5) * 0.5;
                let inside = |(shape, pose): &&(Shape, Pose)| shape.signed_distance(pose.local_point(center)) < 0.0;
                prop_assert_eq!(boxes.iter().filter(inside).count(), usize::from(occupied));
            }
            let volume: f64 = boxes.iter().map(|(shape, _)| match shape {
                Shape::Cuboid { half_extents } => 8.0 * half_extents.element_product(),
                _ => f64::NAN,
            }).sum();
            let occupied = grid.occupied.iter().filter(|&&o| o).count() as f64;
            prop_assert!((volume - occupied * 0.125).abs() < 1e-9);
        }
    }

    #[test]
    fn whole_blocks_are_one_box() {
        let grid = |size: [usize; 3]| OccupancyGrid {
            size,
            cell: 0.1,
            corner: Pose::IDENTITY,
            occupied: vec![true; size.iter().product()],
        };
        assert_eq!(grid([7, 5, 3]).boxes().unwrap().len(), 1);
        assert_eq!(grid([0, 5, 3]).boxes().unwrap().len(), 0);
        let wrong = OccupancyGrid { occupied: vec![true; 3], ..grid([2, 2, 1]) };
        assert_eq!(
            wrong.boxes().unwrap_err().to_string(),
            "occupied: expected 4, one for each cell, found 3"
        );
        assert!(OccupancyGrid { cell: f64::NAN, ..grid([1, 1, 1]) }.boxes().is_err());
        assert!(OccupancyGrid { size: [usize::MAX; 3], ..grid([1, 1, 1]) }.boxes().is_err());
    }
}

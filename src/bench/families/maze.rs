//! Mazes in the plane by recursive division: a rectangle is divided by a wall with a door, and both of its parts again.
//!
//! Rooms are wide enough for the turning circle of what turns along circles: it enters and leaves by doors straight on,
//! and along one of Dubins' curves in the room between, so that it never has to reverse.

use super::drawn::{Drawn, MARGIN};
use super::placement::Placement;
use super::site::Site;
use super::track::through;
use super::vehicles::Model;
use glam::DVec2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::f64::consts::PI;

/// Width of doors, in widths of the vehicle.
const DOOR: std::ops::Range<f64> = 1.1..2.0;
/// Half the thickness of walls, in widths of the vehicle.
const HALF_WALL: f64 = 0.1;
/// No room is narrower than so many extents of the vehicle, widths of it and radii of its tightest circle: a wall along
/// it has room for a door and for a vehicle that turns before it.
const ROOM: [f64; 3] = [2.0, 3.0, 4.0];
/// Sides of the maze, in least widths of rooms.
const SIDE: std::ops::Range<f64> = 3.0..6.0;
/// Tries to place a wall that ends in no door.
const PLACES: usize = 50;

#[derive(Clone, Copy)]
struct Room([DVec2; 2]);

struct Door {
    middle: DVec2,
    /// Across the wall.
    axis: usize,
    width: f64,
}

struct Maze<'a> {
    model: &'a Model,
    site: Site,
    rooms: Vec<Room>,
    doors: Vec<Door>,
}

pub(super) fn draw(rng: &mut Pcg64Mcg, model: &Model) -> Option<Drawn> {
    let least = ROOM[0] * model.extent() + ROOM[1] * model.width + ROOM[2] * model.steering.tightest();
    let size = DVec2::new(rng.random_range(SIDE), rng.random_range(SIDE)) * least;
    let mut maze = Maze { model, site: Site::new(model), rooms: Vec::new(), doors: Vec::new() };
    maze.divide(rng, Room([DVec2::ZERO, size]), least);
    maze.surround(size);
    let corner = |room: &Room| room.0[0].element_sum();
    let by_corner = |a: &Room, b: &Room| corner(a).total_cmp(&corner(b));
    let first = *maze.rooms.iter().min_by(|a, b| by_corner(a, b))?;
    let last = *maze.rooms.iter().max_by(|a, b| by_corner(a, b))?;
    let mut stops = vec![first.random_placement(rng)];
    stops.extend(maze.passages(&first, &last)?);
    stops.push(last.random_placement(rng));
    let way = through(model, &maze.site, &stops, MARGIN * model.width)?;
    Some(Drawn { site: maze.site, bounds: [DVec2::ZERO, size], way })
}

impl Room {
    fn middle(&self) -> DVec2 {
        (self.0[0] + self.0[1]) / 2.0
    }

    fn random_placement(&self, rng: &mut Pcg64Mcg) -> Placement {
        let DVec2 { x, y } = self.middle();
        Placement::new(x, y, rng.random_range(-PI..PI))
    }

    fn holds(&self, p: DVec2) -> bool {
        p.cmpgt(self.0[0]).all() && p.cmplt(self.0[1]).all()
    }
}

impl Door {
    /// A point on either side of it, -1 or 1.
    fn beside(&self, side: f64, by: f64) -> DVec2 {
        self.middle + side * by * DVec2::AXES[self.axis]
    }
}

impl Maze<'_> {
    fn half_wall(&self) -> f64 {
        HALF_WALL * self.model.width
    }

    /// Divides a room down to the least width.
    fn divide(&mut self, rng: &mut Pcg64Mcg, room: Room, least: f64) {
        let Room([lower, upper]) = room;
        let wide: Vec<usize> = [0, 1].into_iter().filter(|&i| upper[i] - lower[i] >= 2.0 * least).collect();
        for _ in 0..if wide.is_empty() { 0 } else { PLACES } {
            let axis = wide[rng.random_range(0..wide.len())];
            let spare = (upper[axis] - lower[axis] - 2.0 * least).max(0.0);
            let at = lower[axis] + least + spare * rng.random_range(0.0..1.0);
            let near = |door: &Door| {
                let beyond = (lower - door.middle).max(door.middle - upper).max_element();
                let free = door.width / 2.0 + self.half_wall() + self.model.width;
                beyond < 2.0 * self.half_wall() && (door.middle[axis] - at).abs() < free
            };
            if self.doors.iter().any(near) {
                continue;
            }
            self.add_wall(rng, [lower, upper], axis, at);
            let (mut below, mut above) = (room, room);
            (below.0[1][axis], above.0[0][axis]) = (at, at);
            self.divide(rng, below, least);
            self.divide(rng, above, least);
            return;
        }
        self.rooms.push(room);
    }

    /// Adds a wall across `axis` with a door somewhere.
    fn add_wall(&mut self, rng: &mut Pcg64Mcg, [lower, upper]: [DVec2; 2], axis: usize, at: f64) {
        let (along, half) = (1 - axis, self.half_wall());
        let width = rng.random_range(DOOR) * self.model.width;
        let margin = width / 2.0 + half + self.model.extent();
        let spare = (upper[along] - lower[along] - 2.0 * margin).max(0.0);
        let door = lower[along] + margin + spare * rng.random_range(0.0..1.0);
        let mut middle = DVec2::splat(at);
        middle[along] = door;
        self.doors.push(Door { middle, axis, width });
        for [from, to] in [[lower[along], door - width / 2.0], [door + width / 2.0, upper[along]]] {
            let (mut center, mut size) = (DVec2::splat(at), DVec2::splat(2.0 * half));
            (center[along], size[along]) = ((from + to) / 2.0, to - from);
            self.site.add_box("wall", center, size, 0.0);
        }
    }

    /// Adds the walls around all.
    fn surround(&mut self, size: DVec2) {
        let half = self.half_wall();
        for axis in [0, 1] {
            for at in [-half, size[axis] + half] {
                let (mut center, mut sides) = (size / 2.0, size + 4.0 * half);
                (center[axis], sides[axis]) = (at, 2.0 * half);
                self.site.add_box("outer wall", center, sides, 0.0);
            }
        }
    }

    /// Placements before and behind all doors from one room to another, in the order in which they are passed.
    fn passages(&self, from: &Room, to: &Room) -> Option<Vec<Placement>> {
        let beside = |door: &Door, side: f64| {
            let point = door.beside(side, 2.0 * self.half_wall());
            self.rooms.iter().position(|room| room.holds(point))
        };
        let joined: Vec<[usize; 2]> = self
            .doors
            .iter()
            .map(|door| Some([beside(door, -1.0)?, beside(door, 1.0)?]))
            .collect::<Option<_>>()?;
        let index = |room: &Room| self.rooms.iter().position(|r| r.holds(room.middle()));
        let (first, last) = (index(from)?, index(to)?);
        // Every wall has one door, so that rooms and doors are a tree: each room is entered once.
        let mut entered: Vec<Option<(usize, f64)>> = vec![None; self.rooms.len()];
        let mut waiting = vec![first];
        while let Some(room) = waiting.pop() {
            for (door, rooms) in joined.iter().enumerate() {
                let Some(side) = rooms.iter().position(|&r| r == room) else { continue };
                let next = rooms[1 - side];
                if next != first && entered[next].is_none() {
                    entered[next] = Some((door, if side == 0 { 1.0 } else { -1.0 }));
                    waiting.push(next);
                }
            }
        }
        let mut passages = Vec::new();
        let mut room = last;
        while room != first {
            let (door, course) = entered[room]?;
            let before = joined[door][usize::from(course < 0.0)];
            passages.extend(self.passage(&self.doors[door], course).into_iter().rev());
            room = before;
        }
        passages.reverse();
        Some(passages)
    }

    /// Before and behind a door that is passed upwards or downwards along its axis.
    fn passage(&self, door: &Door, course: f64) -> [Placement; 2] {
        let heading = DVec2::AXES[door.axis].to_angle() + if course < 0.0 { PI } else { 0.0 };
        let clear = self.model.extent() + self.half_wall() + 2.0 * MARGIN * self.model.width;
        [-course, course].map(|side| {
            let DVec2 { x, y } = door.beside(side, clear);
            Placement::new(x, y, heading)
        })
    }
}


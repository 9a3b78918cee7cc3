//! What a vehicle fills: balls, and boxes that spheres cover.

use super::lengths::{length, lengths, point};
use super::tables;
use crate::document::{Map, Node, names};
use crate::error::InputError;
use crate::robot::{Sphere, cuboid_spheres, rectangle_spheres};
use glam::{DVec2, DVec3};

/// Most spheres that cover one part; every one of them costs time in every check.
pub(super) const MAX_SPHERES: usize = 256;
/// How far spheres may reach beyond a rectangle or a box, as a share of its shortest side, where nothing
/// is said.
pub(super) const RECTANGLE_EXCESS: f64 = 0.05;
const BOX_EXCESS: f64 = 0.2;

/// A part of a vehicle's body, in the vehicle's frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its shape.
    pub shape: PartShape,
    /// Its centre, metres.
    pub center: DVec3,
    /// Spheres that hold all of it.
    pub spheres: Vec<Sphere>,
}

/// The shape of a [`Part`]; sides lie along the axes of the vehicle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PartShape {
    /// A ball.
    Ball {
        /// Radius, metres.
        radius: f64,
    },
    /// A rectangle in the plane that the vehicle moves in.
    Rectangle {
        /// Half the sides, metres.
        half_extents: DVec2,
        /// What its spheres reach beyond it at most, metres.
        excess: f64,
    },
    /// A box.
    Cuboid {
        /// Half the sides, metres.
        half_extents: DVec3,
        /// What its spheres reach beyond it at most, metres.
        excess: f64,
    },
}

/// Where a vehicle moves, which says what a size of two lengths means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartMoves {
    /// In the plane of x and y.
    OnGround,
    /// In the plane of x and z.
    Upright,
    /// In space.
    InSpace,
}

/// Reads a part, or a list of parts.
pub(super) fn body(node: &Node, moves: PartMoves) -> Result<Vec<Part>, InputError> {
    let Ok(list) = node.list("") else { return Ok(vec![part(node, moves)?]) };
    if list.is_empty() {
        return Err(node.expected("at least one part"));
    }
    list.iter().map(|node| part(node, moves)).collect()
}

fn part(node: &Node, moves: PartMoves) -> Result<Part, InputError> {
    let what = "a part of the body: a map with radius or size, or a list of such parts";
    let map = node.map_of(what, &names(tables::PART))?;
    let center = map.get("center").map_or(Ok(DVec3::ZERO), |node| center(node, moves))?;
    let Some(entry) = map.at_most_one(&["radius", "size"])? else {
        return Err(node.error("missing key \"radius\" (or \"size\")"));
    };
    if entry.key == "size" {
        return sized(&map, &entry.node, center, moves);
    }
    if let Some(excess) = map.get("excess") {
        return Err(excess.error("a ball is a sphere already; \"excess\" goes with \"size\""));
    }
    let radius = length(&entry.node)?;
    let spheres = vec![Sphere { center, radius }];
    Ok(Part { shape: PartShape::Ball { radius }, center, spheres })
}

fn center(node: &Node, moves: PartMoves) -> Result<DVec3, InputError> {
    let given = match (moves, node.array::<2>("")) {
        (PartMoves::OnGround, Ok([x, y])) => [x, y, 0.0],
        (PartMoves::Upright, Ok([x, z])) => [x, 0.0, z],
        _ => node.array("three numbers, x, y and z in metres")?,
    };
    point(given).map_err(|e| node.locate(e))
}

/// A box in space, or a rectangle in the plane that the vehicle moves in.
fn sized(map: &Map, size: &Node, center: DVec3, moves: PartMoves) -> Result<Part, InputError> {
    let excess = |most: f64| map.get("excess").map_or(Ok(most), length);
    let moved = |spheres: Option<Vec<Sphere>>| -> Result<Vec<Sphere>, InputError> {
        let spheres = spheres.ok_or_else(|| too_fine(map))?.into_iter();
        Ok(spheres.map(|s| Sphere { center: s.center + center, ..s }).collect())
    };
    let sides = size.list("a list of lengths")?.len();
    if sides == 2 && moves != PartMoves::InSpace {
        let half_extents = DVec2::from(lengths(size, "two lengths")?) / 2.0;
        let excess = excess(RECTANGLE_EXCESS * 2.0 * half_extents.min_element())?;
        let spheres = moved(rectangle(half_extents, excess, moves))?;
        return Ok(Part { shape: PartShape::Rectangle { half_extents, excess }, center, spheres });
    }
    let what = match moves {
        PartMoves::OnGround => "two lengths, along x and y, or three, along x, y and z",
        PartMoves::Upright => "two lengths, along x and z, or three, along x, y and z",
        PartMoves::InSpace => "three lengths, along x, y and z",
    };
    let half_extents = DVec3::from(lengths(size, what)?) / 2.0;
    let excess = excess(BOX_EXCESS * 2.0 * half_extents.min_element())?;
    let spheres = moved(cuboid_spheres(half_extents, excess, MAX_SPHERES))?;
    Ok(Part { shape: PartShape::Cuboid { half_extents, excess }, center, spheres })
}

/// The spheres of a rectangle, unless it takes too many.
fn rectangle(half: DVec2, excess: f64, moves: PartMoves) -> Option<Vec<Sphere>> {
    rectangle_spheres(half, excess, moves == PartMoves::Upright, MAX_SPHERES)
}

fn too_fine(map: &Map) -> InputError {
    map.get("excess").unwrap_or(map.node).error(format!(
        "it takes more than {MAX_SPHERES} spheres to cover this so closely; expected a greater \"excess\", or \
         several parts"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse;

    fn read(text: &str, moves: PartMoves) -> Result<Vec<Part>, InputError> {
        body(&parse(text).unwrap(), moves)
    }

    #[test]
    fn two_lengths_lie_in_the_plane() {
        let ground = read("{size: [0.6, 0.4], center: [0.1, 0.2]}", PartMoves::OnGround).unwrap();
        assert!(ground[0].spheres.iter().all(|s| s.center.z == 0.0));
        assert_eq!(ground[0].center, DVec3::new(0.1, 0.2, 0.0));
        let upright =
            read("[{size: [0.6, 0.1]}, {radius: 0.2, center: [0, 0.3]}]", PartMoves::Upright).unwrap();
        assert!(upright[0].spheres.iter().all(|s| s.center.y == 0.0));
        assert_eq!(upright[1].center, DVec3::new(0.0, 0.0, 0.3));
    }

    #[test]
    fn what_makes_no_body_is_refused() {
        for (text, moves, message) in [
            (
                "{size: [1, 1]}",
                PartMoves::InSpace,
                "size: expected three lengths, along x, y and z, found a list of 2",
            ),
            (
                "{size: [1, -1]}",
                PartMoves::OnGround,
                "size[1]: expected a length from 1e-6 to 1e6 m, found -1",
            ),
            ("{radius: 1, excess: 1}", PartMoves::OnGround, "excess: a ball is a sphere already"),
            (
                "{radius: 1, size: [1, 1]}",
                PartMoves::OnGround,
                "\"radius\" and \"size\" cannot stand together",
            ),
            ("{center: [0, 0]}", PartMoves::OnGround, "missing key \"radius\" (or \"size\")"),
            ("{radius: 1, center: [0, 0]}", PartMoves::InSpace, "center: expected three numbers"),
            ("[]", PartMoves::InSpace, "expected at least one part, found a list of 0"),
            ("{size: [1e6, 1e-5]}", PartMoves::OnGround, "it takes more than 256 spheres"),
            ("{size: [1, 1, 1], excess: 1e-4}", PartMoves::InSpace, "excess: it takes more than 256 spheres"),
        ] {
            let error = read(text, moves).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}

//! The objects of a MoveIt planning scene, as its messages add, change and remove them.

use super::message::{Frames, forbid, frame};
use crate::document::{Map, Node, Value};
use crate::error::{InputError, Warnings};
use crate::pose::Pose;
use crate::scene::lengths::lengths;
use crate::world::{Obstacle, Shape, World};
use glam::DVec3;

/// Keys of a `moveit_msgs/CollisionObject`.
const KEYS: [&str; 13] = [
    "header",
    "pose",
    "id",
    "type",
    "primitives",
    "primitive_poses",
    "meshes",
    "mesh_poses",
    "planes",
    "plane_poses",
    "subframe_names",
    "subframe_poses",
    "operation",
];

/// An object of several shapes.
struct Object {
    /// Its name; several that have none are several objects.
    id: Option<String>,
    pose: Pose,
    /// Its shapes, and where they stand in its frame.
    parts: Vec<(Shape, Pose)>,
}

/// What a message does with an object.
#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Add,
    Remove,
    Append,
    Move,
}

/// The obstacles that are there after all messages.
pub(super) fn world(list: &[Node], frames: &Frames, warnings: &Warnings) -> Result<World, InputError> {
    let mut objects = Vec::new();
    for node in list {
        // What is misspelt here is an obstacle that is not there, or stands elsewhere.
        let map = node.map_of("a collision object: a map", &KEYS)?;
        for (key, what) in
            [("meshes", "meshes"), ("mesh_poses", "meshes"), ("planes", "planes"), ("plane_poses", "planes")]
        {
            forbid(&map, key, what)?;
        }
        apply(&map, frames, &mut objects, warnings)?;
    }
    let mut world = World::default();
    for Object { id, pose, parts } in objects {
        let id = id.unwrap_or_else(|| "object".to_owned());
        let single = parts.len() == 1;
        let part = |(i, (shape, local)): (usize, (Shape, Pose))| Obstacle {
            name: if single { id.clone() } else { format!("{id} {i}") },
            shape,
            pose: pose * local,
        };
        world.obstacles.extend(parts.into_iter().enumerate().map(part));
    }
    Ok(world)
}

/// Does what a message says.
fn apply(
    map: &Map,
    frames: &Frames,
    objects: &mut Vec<Object>,
    warnings: &Warnings,
) -> Result<(), InputError> {
    let id = map.get("id").map(|n| n.text("the name of an object")).transpose()?;
    let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
    let found = objects.iter().position(|object| object.id.is_some() && object.id == id);
    let operation = operation(map)?;
    if operation == Operation::Remove {
        match (found, &id) {
            (_, None) => objects.clear(),
            (Some(found), _) => drop(objects.remove(found)),
            (None, Some(id)) => {
                warnings.push(map.node.error(format!("there is no object \"{id}\" to remove; passed over")));
            }
        }
        return Ok(());
    }
    let mut pose = frames.of(map)?;
    if let Some(node) = map.get("pose") {
        pose = pose * frame(node, "position", "orientation", warnings)?;
    }
    let parts = parts(map, warnings)?;
    match (operation, found) {
        (Operation::Move, Some(_)) if !parts.is_empty() => {
            return Err(map.node.error("moves an object and has shapes; expected a pose alone"));
        }
        (Operation::Move, Some(found)) => {
            map.require("pose")?;
            objects[found].pose = pose;
        }
        (Operation::Move, None) => return Err(map.node.error("there is no object of this id to move")),
        // MoveIt does nothing then, and what is there of this name stays.
        _ if parts.is_empty() => {
            warnings.push(map.node.error("an object without any shape; passed over"));
        }
        (Operation::Append, Some(found)) => {
            let object = &mut objects[found];
            let back = object.pose.inverse();
            object.parts.extend(parts.into_iter().map(|(shape, local)| (shape, back * pose * local)));
        }
        _ => {
            // Adding an object takes away the one that has its name.
            if let Some(found) = found {
                objects.remove(found);
            }
            objects.push(Object { id, pose, parts });
        }
    }
    Ok(())
}

/// The operation of a message, which is its number there, or its name.
fn operation(map: &Map) -> Result<Operation, InputError> {
    const ALL: [(&str, Operation); 4] = [
        ("ADD", Operation::Add),
        ("REMOVE", Operation::Remove),
        ("APPEND", Operation::Append),
        ("MOVE", Operation::Move),
    ];
    let Some(node) = map.get("operation") else { return Ok(Operation::Add) };
    let found = match &node.value {
        Value::Integer(number) => usize::try_from(*number).ok().and_then(|i| ALL.get(i)),
        Value::Text(text) => ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)),
        _ => None,
    };
    found
        .map(|&(_, operation)| operation)
        .ok_or_else(|| node.expected("0 to add, 1 to remove, 2 to append or 3 to move"))
}

/// The shapes of a message, and where they stand in the frame of the object.
fn parts(map: &Map, warnings: &Warnings) -> Result<Vec<(Shape, Pose)>, InputError> {
    let shapes = map.get("primitives").map_or(Ok(&[][..]), |node| node.list("a list of primitives"))?;
    let what = format!("{} poses, one for each primitive", shapes.len());
    let poses = match map.get("primitive_poses") {
        Some(node) => node.list(&what)?,
        None => &[],
    };
    // With a pose of its own an object may leave out those of its primitives.
    if poses.len() != shapes.len() && !(poses.is_empty() && map.get("pose").is_some()) {
        let node = map.get("primitive_poses").unwrap_or(map.node);
        return Err(node.error(format!("expected {what}, found {}", poses.len())));
    }
    let part = |(i, node): (usize, &Node)| {
        let local = poses.get(i).map(|p| frame(p, "position", "orientation", warnings)).transpose()?;
        Ok((primitive(node)?, local.unwrap_or(Pose::IDENTITY)))
    };
    shapes.iter().enumerate().map(part).collect()
}

/// A `shape_msgs/SolidPrimitive`: a box by its full size, a sphere by its radius, a cylinder by
/// height and radius.
fn primitive(node: &Node) -> Result<Shape, InputError> {
    let map = node.map("a primitive: a map")?;
    let kind = map.require("type")?;
    let dimensions = map.require("dimensions")?;
    match kind.value {
        Value::Text(ref name) if name.eq_ignore_ascii_case("box") => cuboid(dimensions),
        Value::Text(ref name) if name.eq_ignore_ascii_case("sphere") => sphere(dimensions),
        Value::Text(ref name) if name.eq_ignore_ascii_case("cylinder") => cylinder(dimensions),
        Value::Integer(1) => cuboid(dimensions),
        Value::Integer(2) => sphere(dimensions),
        Value::Integer(3) => cylinder(dimensions),
        _ => Err(kind.expected("box, sphere or cylinder")),
    }
}

fn cuboid(dimensions: &Node) -> Result<Shape, InputError> {
    let size = DVec3::from(lengths(dimensions, "three lengths, along x, y and z")?);
    Ok(Shape::Cuboid { half_extents: size / 2.0 })
}

fn sphere(dimensions: &Node) -> Result<Shape, InputError> {
    let [radius] = lengths(dimensions, "one length, the radius")?;
    Ok(Shape::Sphere { radius })
}

fn cylinder(dimensions: &Node) -> Result<Shape, InputError> {
    let [height, radius] = lengths(dimensions, "two lengths, height and radius")?;
    Ok(Shape::Cylinder { radius, half_length: height / 2.0 })
}

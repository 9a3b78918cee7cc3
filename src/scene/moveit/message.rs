//! What all of MoveIt's messages are made of: poses in frames, and keys that say nothing or too much.

use crate::document::{Map, Node, Value, unknown};
use crate::error::{InputError, Warnings};
use crate::pose::Pose;
use crate::scene::lengths::point;
use glam::{DQuat, DVec3};

/// Warns of keys that the message does not have.
pub(super) fn tell_unknown(map: &Map, known: &[&str], warnings: &Warnings) {
    for entry in map.entries.iter().filter(|e| !known.contains(&e.key.as_str())) {
        let what = unknown("key", &entry.key, known.iter().copied());
        warnings.push(entry.error(format!("{what}; passed over")));
    }
}

/// Refuses what is there and would change which motions are allowed.
pub(super) fn forbid(map: &Map, key: &str, what: &str) -> Result<(), InputError> {
    let Some(node) = map.get(key) else { return Ok(()) };
    if is_blank(node) { Ok(()) } else { Err(node.error(format!("{what} cannot be read yet; expected none"))) }
}

/// Whether no list in it holds anything; names and headers alone say nothing.
pub(super) fn is_blank(node: &Node) -> bool {
    match &node.value {
        Value::List(list) => list.is_empty(),
        Value::Map(entries) => entries.iter().all(|e| is_blank(&e.node)),
        _ => true,
    }
}

/// Frames that poses of objects may be given in.
pub(super) struct Frames(Vec<(String, Pose)>);

impl Frames {
    /// Those of a scene, and of links of the robot.
    pub(super) fn read(
        scene: &Map,
        links: impl Iterator<Item = (String, Pose)>,
        warnings: &Warnings,
    ) -> Result<Self, InputError> {
        let mut frames = Self(vec![(String::new(), Pose::IDENTITY), ("world".to_owned(), Pose::IDENTITY)]);
        frames.0.extend(links);
        let Some(node) = scene.get("fixed_frame_transforms") else { return Ok(frames) };
        for node in node.list("a list of transforms")? {
            let map = node.map("a transform: a map")?;
            let name = map.require("child_frame_id")?.text("the name of a frame")?;
            let transform = frame(map.require("transform")?, "translation", "rotation", warnings)?;
            let parent = match frame_node(&map)? {
                None => Pose::IDENTITY,
                Some(node) => frames.find(node)?.unwrap_or_else(|| {
                    // Only from the planning frame may they lead, whose name no message says.
                    warnings.push(node.error("is no frame that is known; taken for the planning frame"));
                    Pose::IDENTITY
                }),
            };
            let pose = parent * transform;
            frames.0.insert(0, (name.trim_start_matches('/').to_owned(), pose));
        }
        Ok(frames)
    }

    /// The frame that a `std_msgs/Header` names; the planning frame where it names none.
    pub(super) fn of(&self, object: &Map) -> Result<Pose, InputError> {
        let Some(node) = frame_node(object)? else { return Ok(Pose::IDENTITY) };
        self.find(node)?.ok_or_else(|| {
            let known = self.0.iter().map(|(name, _)| name.as_str());
            node.error(unknown("frame", frame_name(node).unwrap_or_default(), known))
        })
    }

    /// The frame of a name, if it is known.
    fn find(&self, node: &Node) -> Result<Option<Pose>, InputError> {
        let name = frame_name(node)?;
        Ok(self.0.iter().find(|(known, _)| known == name).map(|(_, pose)| *pose))
    }
}

/// Where a `std_msgs/Header` names a frame.
fn frame_node<'a>(object: &Map<'a>) -> Result<Option<&'a Node>, InputError> {
    let Some(header) = object.get("header") else { return Ok(None) };
    Ok(header.map("a header: a map")?.get("frame_id"))
}

fn frame_name(node: &Node) -> Result<&str, InputError> {
    Ok(node.text("the name of a frame")?.trim_start_matches('/'))
}

/// By how much the length of a quaternion may differ from one, which is told.
const NOT_OF_UNIT_LENGTH: f64 = 0.1;

/// By how much it may differ by rounding.
const ROUNDING: f64 = 1e-6;

/// A `geometry_msgs/Pose` or `Transform`, its parts being lists or maps of x, y, z and w.
pub(super) fn frame(
    node: &Node,
    position: &str,
    orientation: &str,
    warnings: &Warnings,
) -> Result<Pose, InputError> {
    let map = node.map("a pose: a map")?;
    let translation = match map.get(position) {
        None => DVec3::ZERO,
        Some(node) => point(components(node, ["x", "y", "z"])?).map_err(|e| node.locate(e))?,
    };
    let rotation = match map.get(orientation) {
        None => DQuat::IDENTITY,
        Some(node) => quaternion(node, components(node, ["x", "y", "z", "w"])?, warnings)?,
    };
    Ok(Pose::new(rotation, translation))
}

/// The rotation of a quaternion. Without any length it is what a message has that says nothing: none.
fn quaternion(node: &Node, xyzw: [f64; 4], warnings: &Warnings) -> Result<DQuat, InputError> {
    let q = DQuat::from_array(xyzw);
    let length = q.length();
    if length == 0.0 {
        return Ok(DQuat::IDENTITY);
    }
    if (length - 1.0).abs() > NOT_OF_UNIT_LENGTH {
        return Err(node.error(format!("expected a quaternion of length 1, found one of length {length:?}")));
    }
    if (length - 1.0).abs() > ROUNDING {
        warnings.push(node.error(format!("a quaternion of length {length:?}; it is brought to length 1")));
    }
    Ok(q.normalize())
}

fn components<const N: usize>(node: &Node, names: [&str; N]) -> Result<[f64; N], InputError> {
    if let Value::Map(_) = node.value {
        let map = node.map_of("a vector", &names)?;
        let mut values = [0.0; N];
        for (value, name) in values.iter_mut().zip(names) {
            *value = map.require(name)?.number()?;
        }
        return Ok(values);
    }
    node.array(&format!("{N} numbers: {}", names.join(", ")))
}

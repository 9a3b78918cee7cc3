//! glTF 2.0 (.gltf and .glb) as far as collision geometry needs it: the triangles of all meshes that the scene shows, each
//! where its nodes place it (glTF 2.0 specification, chapters 3 and 4).
//!
//! In glTF y points up, by its specification; in URDF z does. So the scene is turned by a quarter about x, as RViz 2
//! (ros2/rviz#1482), Drake, Genesis and Blender turn it: (x, y, z) becomes (x, -z, y).

mod buffers;
mod schema;

use super::{MAX_CORNERS, MAX_DEPTH, MAX_VISITS, Mesh};
use crate::error::{InputError, excerpt};
use buffers::{Buffers, ReadFile, no_such, path, refuse_compression};
use glam::{DAffine3, DMat3, DMat4, DQuat, DVec3};
use schema::{Document, Node, Primitive, Shapes};
use std::collections::HashMap;

/// What a .glb begins with.
const MAGIC: &[u8; 4] = b"glTF";

/// Kinds of its chunks.
const JSON_CHUNK: &[u8; 4] = b"JSON";
const BINARY_CHUNK: &[u8; 4] = b"BIN\0";

/// How far the length of a rotation's quaternion may be off 1; the specification asks for unit quaternions.
const UNIT: f64 = 1e-2;

impl Mesh {
    /// Paths of the other files that a glTF document names, from there; none where it is no document.
    pub(super) fn named_in_gltf(bytes: &[u8]) -> Vec<String> {
        let buffers = document(bytes).map_or(Vec::new(), |(document, _)| document.buffers);
        let uris = buffers.iter().filter_map(|buffer| buffer.uri.as_deref());
        uris.filter(|uri| !uri.starts_with("data:")).filter_map(|uri| path(uri).ok()).collect()
    }

    /// Reads the bytes of a glTF document, .gltf or .glb. `read_file` gives the bytes of other files that it names, by
    /// their paths from there.
    ///
    /// # Errors
    /// As [`Self::load`]; also where it shows skins, morphed meshes or several instances of a node by an extension, or its
    /// values are compressed or sparse.
    pub fn from_gltf(
        bytes: &[u8],
        read_file: &dyn Fn(&str) -> Result<Vec<u8>, InputError>,
    ) -> Result<Self, InputError> {
        let (document, chunk) = document(bytes)?;
        admit(&document)?;
        let mut reader = GltfReader::new(&document, Buffers::new(&document, chunk, read_file as ReadFile));
        reader.scene(&DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Z, -DVec3::Y)))?;
        Self::new(reader.vertices, reader.triangles)
    }
}

/// The document, and the bytes that stand behind it in a .glb.
fn document(bytes: &[u8]) -> Result<(Document, Option<&[u8]>), InputError> {
    let (json, chunk) = if bytes.starts_with(MAGIC) { chunks(bytes)? } else { (bytes, None) };
    let document = serde_json::from_slice(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)).map_err(|e| {
        let error = InputError::new(format!("not a glTF document: {}", excerpt(&e.to_string())));
        if e.line() > 0 { error.at(e.line(), e.column()) } else { error }
    })?;
    Ok((document, chunk))
}

/// The chunks of a .glb (specification, section 4.4): the document, and a buffer, if there is one.
fn chunks(bytes: &[u8]) -> Result<(&[u8], Option<&[u8]>), InputError> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize);
    let (Some(version), Some(length)) = (word(4), word(8)) else {
        return Err(InputError::new("the header of the .glb is cut short"));
    };
    if version != 2 {
        return Err(InputError::new(format!("expected a .glb of version 2, found {version}")));
    }
    if length > bytes.len() {
        let found = bytes.len();
        return Err(InputError::new(format!("the header of the .glb asks for {length} bytes, but the file has {found}")));
    }
    let chunk = |at: usize| {
        let (size, kind) = (word(at)?, bytes.get(at + 4..at + 8)?);
        Some((kind, bytes.get(at + 8..(at + 8).checked_add(size)?)?))
    };
    let Some((_, json)) = chunk(12).filter(|(kind, _)| kind == JSON_CHUNK) else {
        return Err(InputError::new("expected a whole chunk of JSON as the first of the .glb"));
    };
    let next = 20 + json.len();
    if next >= length {
        return Ok((json, None));
    }
    match chunk(next) {
        Some((kind, binary)) if kind == BINARY_CHUNK => Ok((json, Some(binary))),
        // Chunks of other kinds are to be passed over.
        Some(_) => Ok((json, None)),
        None => Err(InputError::new("the second chunk of the .glb is cut short")),
    }
}

/// Refuses documents of other versions, and those that nobody can read who does not know their extensions.
fn admit(document: &Document) -> Result<(), InputError> {
    let version = document.asset.min_version.as_ref().unwrap_or(&document.asset.version);
    if version.split('.').next() != Some("2") {
        let message = format!("expected version 2.0, found \"{}\"", excerpt(version));
        return Err(InputError::new(message).for_key("asset.version"));
    }
    // Those that change how surfaces look change no shapes.
    let is_known = |name: &str| {
        let looks = ["KHR_materials_", "EXT_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "EXT_lights_"];
        name == "KHR_mesh_quantization" || looks.iter().any(|prefix| name.starts_with(prefix))
    };
    match document.extensions_required.iter().find(|name| !is_known(name)) {
        Some(name) => {
            let message = format!("the extension {} is required, which is not read", excerpt(name));
            Err(InputError::new(message).for_key("extensionsRequired"))
        }
        None => Ok(()),
    }
}

/// What has been read of a document.
struct GltfReader<'a> {
    document: &'a Document,
    buffers: Buffers<'a>,
    /// Nodes that were come to, each as often as it was.
    visits: usize,
    vertices: Vec<DVec3>,
    triangles: Vec<[u32; 3]>,
}

impl<'a> GltfReader<'a> {
    fn new(document: &'a Document, buffers: Buffers<'a>) -> Self {
        Self { document, buffers, visits: 0, vertices: Vec::new(), triangles: Vec::new() }
    }

    /// The scene that the document shows, the first where it does not say; where there is none all nodes that no other
    /// has, or all meshes as they are.
    fn scene(&mut self, pose: &DAffine3) -> Result<(), InputError> {
        let document = self.document;
        let index = document.scene.unwrap_or(0);
        if let Some(scene) = document.scenes.get(index) {
            return scene.nodes.iter().try_for_each(|&node| self.node(node, pose, 0));
        }
        if document.scene.is_some() {
            return Err(no_such("scenes", index, document.scenes.len()));
        }
        if document.nodes.is_empty() {
            return (0..document.meshes.len()).try_for_each(|mesh| self.mesh(mesh, pose));
        }
        let mut is_root = vec![true; document.nodes.len()];
        for &child in document.nodes.iter().flat_map(|node| &node.children) {
            if let Some(root) = is_root.get_mut(child) {
                *root = false;
            }
        }
        (0..is_root.len()).filter(|&node| is_root[node]).try_for_each(|node| self.node(node, pose, 0))
    }

    fn node(&mut self, index: usize, parent: &DAffine3, depth: usize) -> Result<(), InputError> {
        let nodes = &self.document.nodes;
        let node = nodes.get(index).ok_or_else(|| no_such("nodes", index, nodes.len()))?;
        let fault = |message: String| InputError::new(message).for_key(format!("nodes[{index}]"));
        if depth > MAX_DEPTH {
            return Err(fault(format!("more than {MAX_DEPTH} nodes within each other")));
        }
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(fault(format!("the scene shows more than {MAX_VISITS} nodes")));
        }
        if node.extensions.contains_key("EXT_mesh_gpu_instancing") {
            return Err(fault("EXT_mesh_gpu_instancing is not read; expected a node for every instance".to_owned()));
        }
        let pose = *parent * transformation(node).map_err(|e| e.for_key(format!("nodes[{index}]")))?;
        if let Some(mesh) = node.mesh {
            if node.skin.is_some() {
                return Err(fault("skins are not read; expected a mesh without".to_owned()));
            }
            if node.weights.iter().any(|&weight| weight != 0.0) {
                return Err(fault(MORPHED.to_owned()));
            }
            self.mesh(mesh, &pose)?;
        }
        node.children.iter().try_for_each(|&child| self.node(child, &pose, depth + 1))
    }

    fn mesh(&mut self, index: usize, pose: &DAffine3) -> Result<(), InputError> {
        let meshes = &self.document.meshes;
        let Shapes { primitives, weights } =
            meshes.get(index).ok_or_else(|| no_such("meshes", index, meshes.len()))?;
        if weights.iter().any(|&weight| weight != 0.0) {
            return Err(InputError::new(MORPHED).for_key(format!("meshes[{index}].weights")));
        }
        // Primitives of several materials share their positions.
        let mut known = HashMap::new();
        for (i, primitive) in primitives.iter().enumerate() {
            let place = |e: InputError| match (&e.file, &e.key) {
                (None, None) => e.for_key(format!("meshes[{index}].primitives[{i}]")),
                _ => e,
            };
            self.primitive(primitive, pose, &mut known).map_err(place)?;
        }
        Ok(())
    }

    fn primitive(
        &mut self,
        primitive: &Primitive,
        pose: &DAffine3,
        known: &mut HashMap<usize, [usize; 2]>,
    ) -> Result<(), InputError> {
        let mode = match primitive.mode.unwrap_or(TRIANGLES) {
            // Points and lines bound nothing.
            0..TRIANGLES => return Ok(()),
            mode @ TRIANGLES..=FAN => mode,
            mode => return Err(InputError::new(format!("expected a mode from 0 to {FAN}, found {mode}"))),
        };
        refuse_compression(&primitive.extensions)?;
        // By the specification one without positions is not drawn.
        let Some(&positions) = primitive.attributes.get("POSITION") else { return Ok(()) };
        let [first, count] = match known.get(&positions) {
            Some(&range) => range,
            None => *known.entry(positions).or_insert(self.positions(positions, pose)?),
        };
        let corners = match primitive.indices {
            Some(accessor) => self.buffers.indices(accessor)?,
            None => (0..count as u32).collect(),
        };
        if let Some(index) = corners.iter().find(|&&corner| corner as usize >= count) {
            return Err(InputError::new(format!("expected indices below {count}, the number of positions, found {index}")));
        }
        let corners: Vec<u32> = corners.iter().map(|corner| first as u32 + corner).collect();
        if mode == TRIANGLES && !corners.len().is_multiple_of(3) {
            let found = corners.len();
            return Err(InputError::new(format!("expected three corners for each triangle, found {found} in all")));
        }
        self.triangles.extend(triangles(mode, &corners));
        if self.triangles.len() * 3 > MAX_CORNERS {
            return Err(InputError::new(format!("the scene shows more than {MAX_CORNERS} corners of triangles")));
        }
        Ok(())
    }

    /// Adds positions; returns the number of the first, and how many there are.
    fn positions(&mut self, accessor: usize, pose: &DAffine3) -> Result<[usize; 2], InputError> {
        let first = self.vertices.len();
        let positions = self.buffers.vectors(accessor)?;
        if first + positions.len() > MAX_CORNERS {
            return Err(InputError::new(format!("the scene shows more than {MAX_CORNERS} positions")));
        }
        self.vertices.extend(positions.iter().map(|&p| pose.transform_point3(DVec3::from_array(p))));
        Ok([first, positions.len()])
    }
}

const MORPHED: &str = "morph targets are not read; expected weights of zero";

/// Modes of primitives: separate triangles, ...
const TRIANGLES: u32 = 4;
/// ... strips of triangles, ...
const STRIP: u32 = 5;
/// ... and fans.
const FAN: u32 = 6;

fn triangles(mode: u32, corners: &[u32]) -> Vec<[u32; 3]> {
    match mode {
        STRIP => {
            // Every other triangle of a strip runs the other way about.
            let turned = |(i, w): (usize, &[u32])| if i % 2 == 0 { [w[0], w[1], w[2]] } else { [w[1], w[0], w[2]] };
            corners.windows(3).enumerate().map(turned).collect()
        }
        FAN => corners[1.min(corners.len())..].windows(2).map(|w| [corners[0], w[0], w[1]]).collect(),
        _ => corners.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect(),
    }
}

/// What a node does: its matrix, or its scale, then its rotation, then its translation.
fn transformation(node: &Node) -> Result<DAffine3, InputError> {
    if let Some(matrix) = &node.matrix {
        if [matrix[3], matrix[7], matrix[11], matrix[15]] != [0.0, 0.0, 0.0, 1.0] {
            return Err(InputError::new("expected a matrix whose last row is 0, 0, 0, 1"));
        }
        return Ok(DAffine3::from_mat4(DMat4::from_cols_array(matrix)));
    }
    let rotation = DQuat::from_array(node.rotation.unwrap_or([0.0, 0.0, 0.0, 1.0]));
    if (rotation.length() - 1.0).abs() > UNIT {
        let message = format!("expected a rotation by a quaternion of length 1, found {}", rotation.length());
        return Err(InputError::new(message));
    }
    let scale = DVec3::from_array(node.scale.unwrap_or([1.0; 3]));
    let translation = DVec3::from_array(node.translation.unwrap_or_default());
    Ok(DAffine3::from_scale_rotation_translation(scale, rotation.normalize(), translation))
}

//! Triangle meshes of collision geometry: read from STL, OBJ, COLLADA and glTF, and the solid that one bounds:
//! distance to its surface, what lies inside, its volume. Imports `error` only.

mod close;
mod collada;
mod gltf;
mod inside;
mod surface;
mod touch;

pub use surface::Surface;

use crate::error::InputError;
use glam::DVec3;
use std::collections::HashMap;
use std::io::{BufRead, Cursor, Read};
use std::path::{Path, PathBuf};

/// Coordinates beyond this (metres) are taken for a mistake in units or scale.
const LARGEST_COORDINATE: f64 = 1e6;

/// Nodes within nodes, and instances of nodes, at most: a document whose nodes hold themselves has no end.
const MAX_DEPTH: usize = 64;

/// Nodes of a document, at most, each as often as it is shown.
const MAX_VISITS: usize = 1_000_000;

/// Corners of all faces together, at most: a small document may show its geometry any number of times.
const MAX_CORNERS: usize = 50_000_000;

/// Triangles over shared vertices, in metres. Holds at least one triangle, only finite
/// coordinates, and only indices that exist.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    vertices: Vec<DVec3>,
    triangles: Vec<[u32; 3]>,
}

impl Mesh {
    /// A mesh from vertices (metres) and triples of indices into them.
    ///
    /// # Errors
    /// Where there is no triangle, an index points nowhere, or a coordinate is not a number of
    /// sensible size.
    pub fn new(vertices: Vec<DVec3>, triangles: Vec<[u32; 3]>) -> Result<Self, InputError> {
        if triangles.is_empty() {
            return Err(InputError::new("the mesh has no triangles; expected at least one"));
        }
        let sensible = |v: &DVec3| v.to_array().iter().all(|x| x.abs() <= LARGEST_COORDINATE);
        if let Some(v) = vertices.iter().find(|v| !sensible(v)) {
            return Err(InputError::new(format!(
                "vertex ({}, {}, {}) m: expected finite coordinates of at most {LARGEST_COORDINATE:e} m \
                 (is the scale right?)",
                v.x, v.y, v.z
            )));
        }
        if let Some(i) = triangles.iter().flatten().find(|&&i| i as usize >= vertices.len()) {
            let count = vertices.len();
            return Err(InputError::new(format!("a triangle names vertex {i} of {count} (counted from 0)")));
        }
        Ok(Self { vertices, triangles })
    }

    /// Reads an STL file (text or binary), an OBJ file, a COLLADA file (.dae) or a glTF file (.gltf, .glb), by the
    /// extension of its name, and multiplies coordinates by `scale`.
    ///
    /// Of an OBJ file only vertices and faces are read; polygons are cut into fans. All solids of
    /// a text STL are joined.
    ///
    /// # Errors
    /// Where the file cannot be read, is of another kind, is cut short or makes no mesh.
    pub fn load(path: &Path, scale: DVec3) -> Result<Self, InputError> {
        let beside = |bytes: &[u8]| Self::from_gltf(bytes, &|name| InputError::read_bytes(&sibling(path, name)));
        let parse: &dyn Fn(&[u8]) -> Result<Self, InputError> = match extension(path).as_str() {
            "stl" => &Self::from_stl,
            "obj" => &Self::from_obj,
            "dae" => &Self::from_collada,
            "gltf" | "glb" => &beside,
            _ => {
                let message = "expected a mesh in an .stl, .obj, .dae, .gltf or .glb file";
                return Err(InputError::new(message).in_file(path));
            }
        };
        let mesh = InputError::read_bytes(path).and_then(|bytes| parse(&bytes));
        mesh.and_then(|m| m.scaled(scale)).map_err(|e| e.in_file(path))
    }

    /// Reads the bytes of an STL file, text or binary.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_stl(bytes: &[u8]) -> Result<Self, InputError> {
        let clean = if bytes.starts_with(b"solid") && binary_stl_size(bytes) != Some(bytes.len()) {
            clean_text_stl(bytes)?
        } else {
            clean_binary_stl(bytes)?
        };
        let stl = stl_io::read_stl(&mut Cursor::new(clean))
            .map_err(|e| InputError::new(format!("not a whole STL file: {e}")))?;
        let vertices = stl.vertices.iter().map(|v| glam::Vec3::from(v.0).as_dvec3()).collect();
        let index =
            |i: usize| u32::try_from(i).map_err(|_| InputError::new("the mesh has too many vertices"));
        let triangle = |f: &stl_io::IndexedTriangle| {
            let [a, b, c] = f.vertices;
            Ok([index(a)?, index(b)?, index(c)?])
        };
        Self::new(vertices, stl.faces.iter().map(triangle).collect::<Result<_, InputError>>()?)
    }

    /// Reads the bytes of an OBJ file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_obj(bytes: &[u8]) -> Result<Self, InputError> {
        let text = String::from_utf8_lossy(bytes);
        let clean: String = text.lines().flat_map(|line| [geometry_of_obj_line(line), "\n"]).collect();
        let mut lines = LineByLine { rest: clean.as_bytes(), consumed: 0 };
        let options = tobj::LoadOptions {
            triangulate: true,
            ignore_points: true,
            ignore_lines: true,
            ..Default::default()
        };
        let models = tobj::load_obj_buf(&mut lines, &options, |_| Ok((Vec::new(), Default::default())));
        let (models, _) = models.map_err(|e| {
            let error = InputError::new(format!("not a valid OBJ file: {e}"));
            // Faces are looked up after the last line has been read: then the line is not known.
            if lines.rest.is_empty() { error } else { error.at_line(lines.consumed) }
        })?;
        let (mut vertices, mut triangles) = (Vec::new(), Vec::new());
        for model in models {
            let first = u32::try_from(vertices.len())
                .map_err(|_| InputError::new("the mesh has too many vertices"))?;
            let positions = model.mesh.positions.chunks_exact(3);
            vertices.extend(positions.map(|p| glam::Vec3::new(p[0], p[1], p[2]).as_dvec3()));
            let indices = model.mesh.indices.chunks_exact(3);
            triangles.extend(indices.map(|t| [first + t[0], first + t[1], first + t[2]]));
        }
        Self::new(vertices, triangles)
    }

    /// The mesh with every coordinate multiplied by that of `scale`.
    fn scaled(self, scale: DVec3) -> Result<Self, InputError> {
        if !scale.is_finite() || scale.abs().min_element() == 0.0 {
            return Err(InputError::new(format!(
                "scale {scale}: expected three finite numbers, none of them zero"
            )));
        }
        Self::new(self.vertices.iter().map(|&v| v * scale).collect(), self.triangles)
    }

    /// Vertices, metres.
    pub fn vertices(&self) -> &[DVec3] {
        &self.vertices
    }

    /// Triangles as indices of their corners.
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.triangles
    }

    /// The triangles over vertices numbered anew, so that vertices at one place are one vertex.
    fn welded(&self) -> (Vec<DVec3>, Vec<[usize; 3]>) {
        let mut numbers = HashMap::new();
        let mut vertices = Vec::new();
        let mut number = |i: u32| {
            // Adding zero makes -0.0 and 0.0 one place.
            let v = self.vertices[i as usize] + DVec3::ZERO;
            *numbers.entry(v.to_array().map(f64::to_bits)).or_insert_with(|| {
                vertices.push(v);
                vertices.len() - 1
            })
        };
        let triangles = self.triangles.iter().map(|t| t.map(&mut number)).collect();
        (vertices, triangles)
    }
}

/// The other files that a file of a mesh names, whose bytes are given.
pub(super) fn named_files(path: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    match extension(path).as_str() {
        "gltf" | "glb" => Mesh::named_in_gltf(bytes).iter().map(|name| sibling(path, name)).collect(),
        _ => Vec::new(),
    }
}

/// A file by its path from the folder of another.
fn sibling(path: &Path, name: &str) -> PathBuf {
    path.parent().unwrap_or_else(|| Path::new("")).join(name)
}

fn extension(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase()
}

/// Bytes that a binary STL file must have by the count of triangles in its header.
fn binary_stl_size(bytes: &[u8]) -> Option<usize> {
    let count = u32::from_le_bytes(bytes.get(80..84)?.try_into().ok()?);
    usize::try_from(84 + 50 * u64::from(count)).ok()
}

/// A binary STL whose free-text header cannot be mistaken for the first line of a text STL.
fn clean_binary_stl(bytes: &[u8]) -> Result<Vec<u8>, InputError> {
    match binary_stl_size(bytes) {
        None => Err(InputError::new("neither a text STL (\"solid …\") nor a whole header of a binary one")),
        Some(size) if size != bytes.len() => Err(InputError::new(format!(
            "the header of the binary STL asks for {size} bytes, but the file has {}",
            bytes.len()
        ))),
        Some(_) => Ok([&[0; 80], &bytes[80..]].concat()),
    }
}

/// A text STL of a single solid, which is all that `stl_io` reads, holding the facets of all.
fn clean_text_stl(bytes: &[u8]) -> Result<Vec<u8>, InputError> {
    let text = String::from_utf8_lossy(bytes);
    let word = |line: &str| line.split_whitespace().next().map(str::to_owned);
    if text.lines().filter_map(word).next_back().as_deref() != Some("endsolid") {
        return Err(InputError::new("the text STL is cut short: expected \"endsolid\" as its last line"));
    }
    let facets = text.lines().filter(|l| !matches!(word(l).as_deref(), Some("solid" | "endsolid")));
    let lines = std::iter::once("solid all").chain(facets).chain(std::iter::once("endsolid all"));
    Ok(lines.flat_map(|l| [l, "\n"]).collect::<String>().into_bytes())
}

/// The line if it gives a vertex or a face (without colours), else nothing. Normals and texture
/// coordinates are of no use here, and wild indices into them would make `tobj` overflow.
fn geometry_of_obj_line(line: &str) -> &str {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("f") => line,
        // Three coordinates may be followed by a weight, or by red, green and blue.
        Some("v") => match words.nth(3).zip(words.next()) {
            None => line,
            Some((color, _)) => &line[..color.as_ptr() as usize - line.as_ptr() as usize],
        },
        _ => "",
    }
}

/// Hands out one line at a time, so that one can tell how far a reader has come.
struct LineByLine<'a> {
    rest: &'a [u8],
    consumed: usize,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for LineByLine<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let end = self.rest.iter().position(|&b| b == b'\n').map_or(self.rest.len(), |i| i + 1);
        Ok(&self.rest[..end])
    }

    fn consume(&mut self, count: usize) {
        let (gone, rest) = self.rest.split_at(count);
        self.consumed += usize::from(gone.ends_with(b"\n"));
        self.rest = rest;
    }
}

//! COLLADA (.dae) as far as collision geometry needs it: the faces of all geometries that the scene shows, each
//! where its nodes place it (COLLADA 1.4.1 specification, chapters 4 and 5).
//!
//! Coordinates are multiplied by the document's unit. Its up-axis is not applied: that is the convention of RViz,
//! MoveIt and Pinocchio, by which URDFs are written.

use super::{MAX_CORNERS, MAX_DEPTH, MAX_VISITS, Mesh};
use crate::error::InputError;
use crate::robot::xml::{children, fault, well_formed};
use glam::{DAffine3, DMat4, DVec3};
use roxmltree::{Node, NodeId};
use std::collections::HashMap;

/// Inputs that faces may have, at most.
const MAX_INPUTS: usize = 64;

impl Mesh {
    /// Reads the bytes of a COLLADA document.
    ///
    /// # Errors
    /// As [`Self::load`]; also where it shows skins, splines or transformations other than `matrix`, `translate`,
    /// `rotate` and `scale`.
    pub fn from_collada(bytes: &[u8]) -> Result<Self, InputError> {
        let text = String::from_utf8_lossy(bytes);
        let document = well_formed(text.trim_start_matches('\u{feff}'))?;
        let root = document.root_element();
        if root.tag_name().name() != "COLLADA" {
            return Err(fault(root, "not a COLLADA document: expected <COLLADA>"));
        }
        let ids = root.descendants().filter_map(|n| n.attribute("id").map(|id| (id, n))).collect();
        let mut reader = ColladaReader { ids, visits: 0, vertices: Vec::new(), triangles: Vec::new() };
        let unit = children(root, "asset").flat_map(|a| children(a, "unit").next()).next();
        let meter = unit.and_then(|u| u.attribute("meter").map(|m| (u, m)));
        let meter = meter.map_or(Ok(1.0), |(node, text)| {
            let size = text.trim().parse().ok().filter(|m: &f64| m.is_finite() && *m > 0.0);
            size.ok_or_else(|| fault(node, format!("expected a length in metres above 0, found \"{text}\"")))
        })?;
        reader.scene(root, &DAffine3::from_scale(DVec3::splat(meter)))?;
        Self::new(reader.vertices, reader.triangles)
    }
}

/// What has been read of a document.
struct ColladaReader<'a, 'i> {
    ids: HashMap<&'a str, Node<'a, 'i>>,
    /// Nodes that were come to, each as often as it was.
    visits: usize,
    vertices: Vec<DVec3>,
    triangles: Vec<[u32; 3]>,
}

impl<'a, 'i> ColladaReader<'a, 'i> {
    /// The scene that the document shows; the only one there is where it does not say; all geometries as they
    /// are where there is none.
    fn scene(&mut self, root: Node<'a, 'i>, pose: &DAffine3) -> Result<(), InputError> {
        let instance = children(root, "scene").flat_map(|s| children(s, "instance_visual_scene").next()).next();
        let all = |library, element| children(root, library).flat_map(move |l| children(l, element));
        let shown = match instance {
            Some(instance) => Some(self.target(instance, "url")?),
            None => all("library_visual_scenes", "visual_scene").next(),
        };
        match shown {
            Some(scene) => children(scene, "node").try_for_each(|node| self.node(node, pose, 0)),
            None => all("library_geometries", "geometry").try_for_each(|geometry| self.geometry(geometry, pose)),
        }
    }

    /// The element that an attribute points to.
    fn target(&self, node: Node<'a, 'i>, attribute: &str) -> Result<Node<'a, 'i>, InputError> {
        let reference = node.attribute(attribute).unwrap_or_default();
        let id = reference.strip_prefix('#').filter(|_| reference.len() > 1);
        id.and_then(|id| self.ids.get(id).copied()).ok_or_else(|| {
            fault(node, format!("{attribute} \"{reference}\": expected # and an id of this document"))
        })
    }

    fn node(&mut self, node: Node<'a, 'i>, parent: &DAffine3, depth: usize) -> Result<(), InputError> {
        if depth > MAX_DEPTH {
            return Err(fault(node, format!("more than {MAX_DEPTH} nodes within each other")));
        }
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(fault(node, format!("the scene shows more than {MAX_VISITS} nodes")));
        }
        let mut pose = *parent;
        for child in node.children().filter(Node::is_element) {
            match child.tag_name().name() {
                "matrix" | "translate" | "rotate" | "scale" => pose *= transformation(child)?,
                other @ ("lookat" | "skew") => {
                    return Err(fault(child, format!("<{other}> is not read; expected matrix, translate, rotate or scale")));
                }
                "instance_geometry" => self.geometry(self.target(child, "url")?, &pose)?,
                "instance_node" => self.node(self.target(child, "url")?, &pose, depth + 1)?,
                "instance_controller" => return Err(fault(child, "skins are not read; expected instance_geometry")),
                "node" => self.node(child, &pose, depth + 1)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn geometry(&mut self, geometry: Node<'a, 'i>, pose: &DAffine3) -> Result<(), InputError> {
        let Some(mesh) = children(geometry, "mesh").next() else {
            return Err(fault(geometry, "expected a <mesh>; splines and convex meshes are not read"));
        };
        // Faces of several materials share their positions.
        let mut known = HashMap::new();
        for faces in mesh.children().filter(Node::is_element) {
            match faces.tag_name().name() {
                "triangles" | "polylist" | "polygons" | "trifans" | "tristrips" => self.faces(faces, pose, &mut known)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds faces of one kind, cut into triangles.
    fn faces(
        &mut self,
        faces: Node<'a, 'i>,
        pose: &DAffine3,
        known: &mut HashMap<NodeId, [usize; 2]>,
    ) -> Result<(), InputError> {
        let offset = |input: Node| input.attribute("offset").map_or(Some(0), |o| o.trim().parse::<usize>().ok());
        let offsets = children(faces, "input").map(offset).collect::<Option<Vec<_>>>();
        let stride = offsets.and_then(|o| o.into_iter().max()).filter(|&most| most < MAX_INPUTS).map(|most| most + 1);
        let vertex = children(faces, "input").find(|i| i.attribute("semantic") == Some("VERTEX"));
        let (Some(stride), Some(input)) = (stride, vertex) else {
            return Err(fault(faces, "expected inputs with offsets, one of them of the semantic VERTEX"));
        };
        let vertices = self.target(input, "source")?;
        let [first, count] = match known.get(&vertices.id()) {
            Some(&range) => range,
            None => {
                let first = self.positions(vertices, pose)?;
                let range = [first, self.vertices.len() - first];
                known.insert(vertices.id(), range);
                range
            }
        };
        let at = offset(input).unwrap_or(0);
        if children(faces, "ph").next().is_some() {
            return Err(fault(faces, "polygons with holes (<ph>) are not read"));
        }
        let mut lists = Vec::new();
        for p in children(faces, "p") {
            let indices: Vec<usize> = numbers(p)?;
            let corners: Option<Vec<u32>> = indices
                .chunks(stride)
                .map(|c| c.get(at).filter(|&&i| i < count).and_then(|&i| u32::try_from(first + i).ok()))
                .collect();
            lists.push(corners.ok_or_else(|| fault(p, format!("expected indices below {count}, the number of positions")))?);
        }
        for polygon in polygons(faces, lists)? {
            let fan = (1..polygon.len().saturating_sub(1)).map(|i| [polygon[0], polygon[i], polygon[i + 1]]);
            self.triangles.extend(fan);
        }
        if self.triangles.len() * 3 > MAX_CORNERS {
            return Err(fault(faces, format!("the scene shows more than {MAX_CORNERS} corners of faces")));
        }
        Ok(())
    }

    /// Adds the positions of vertices; returns the number of the first.
    fn positions(&mut self, vertices: Node<'a, 'i>, pose: &DAffine3) -> Result<usize, InputError> {
        let position = children(vertices, "input").find(|i| i.attribute("semantic") == Some("POSITION"));
        let source = match position {
            Some(position) => self.target(position, "source")?,
            None => vertices,
        };
        let accessor = children(source, "technique_common").flat_map(|t| children(t, "accessor").next()).next();
        let array = children(source, "float_array").next();
        let (Some(accessor), Some(array)) = (accessor, array) else {
            return Err(fault(source, "expected positions: a <float_array> and an <accessor>"));
        };
        let whole = |name: &str, default: usize| accessor.attribute(name).map_or(Some(default), |v| v.trim().parse().ok());
        let (Some(stride), Some(offset)) = (whole("stride", 1).filter(|&s| s >= 3), whole("offset", 0)) else {
            return Err(fault(accessor, "expected a stride of at least 3 and a whole offset"));
        };
        let values: Vec<f64> = numbers(array)?;
        let first = self.vertices.len();
        let rows = values.get(offset..).unwrap_or_default().chunks(stride).filter(|row| row.len() >= 3);
        self.vertices.extend(rows.map(|row| pose.transform_point3(DVec3::from_slice(row))));
        if self.vertices.len() > MAX_CORNERS {
            return Err(fault(vertices, format!("the scene shows more than {MAX_CORNERS} positions")));
        }
        Ok(first)
    }
}

/// The polygons of faces, of which each `p` is a list of corners.
fn polygons(faces: Node, lists: Vec<Vec<u32>>) -> Result<Vec<Vec<u32>>, InputError> {
    Ok(match faces.tag_name().name() {
        "triangles" if lists.iter().any(|list| list.len() % 3 != 0) => {
            return Err(fault(faces, "expected three corners for each triangle in <p>"));
        }
        "triangles" => lists.iter().flat_map(|list| list.chunks_exact(3).map(<[u32]>::to_vec)).collect(),
        "tristrips" => {
            let strip = |list: &Vec<u32>| {
                // Every other triangle of a strip runs the other way about.
                let turned = |(i, w): (usize, &[u32])| if i % 2 == 0 { w.to_vec() } else { vec![w[1], w[0], w[2]] };
                list.windows(3).enumerate().map(turned).collect::<Vec<_>>()
            };
            lists.iter().flat_map(strip).collect()
        }
        "polylist" => {
            let counts: Vec<usize> = children(faces, "vcount").next().map_or(Ok(Vec::new()), numbers)?;
            let corners = lists.concat();
            let mut rest = &corners[..];
            let mut polygons = Vec::with_capacity(counts.len());
            for count in counts {
                let Some((polygon, after)) = rest.split_at_checked(count) else {
                    return Err(fault(faces, "<vcount> asks for more corners than <p> has"));
                };
                polygons.push(polygon.to_vec());
                rest = after;
            }
            if !rest.is_empty() {
                return Err(fault(faces, "<p> has more corners than <vcount> asks for"));
            }
            polygons
        }
        // Polygons and fans: each list is one.
        _ => lists,
    })
}

/// The numbers that are an element's text.
fn numbers<T: std::str::FromStr>(node: Node) -> Result<Vec<T>, InputError> {
    let number = |word: &str| {
        word.parse().map_err(|_| fault(node, format!("expected numbers, found \"{}\"", crate::error::excerpt(word))))
    };
    // Comments part a text.
    let texts = node.children().filter(Node::is_text).filter_map(|n| n.text());
    texts.flat_map(str::split_ascii_whitespace).map(number).collect()
}

/// What one element of a node's transformation does.
fn transformation(node: Node) -> Result<DAffine3, InputError> {
    let values: Vec<f64> = numbers(node)?;
    let name = node.tag_name().name();
    let expected = match name {
        "matrix" => 16,
        "rotate" => 4,
        _ => 3,
    };
    if values.len() != expected || values.iter().any(|v| !v.is_finite()) {
        return Err(fault(node, format!("expected {expected} finite numbers, found {}", values.len())));
    }
    let vector = DVec3::from_slice(&values);
    Ok(match name {
        "matrix" => DAffine3::from_mat4(DMat4::from_cols_slice(&values).transpose()),
        "rotate" => DAffine3::from_axis_angle(vector.try_normalize().unwrap_or(DVec3::Z), values[3].to_radians()),
        "scale" => DAffine3::from_scale(vector),
        _ => DAffine3::from_translation(vector),
    })
}

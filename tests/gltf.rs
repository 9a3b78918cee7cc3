//! Meshes in glTF files: what they show, where it stands, and what is refused.

mod common;

use common::command::folder;
use flatout::error::InputError;
use flatout::robot::mesh::{Mesh, Surface};
use glam::DVec3;
use serde_json::{Value, json};
use std::path::Path;

/// Corners of a tetrahedron of a sixth of a cubic metre.
const CORNERS: [[f32; 3]; 4] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
const FACES: [u8; 12] = [0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3];

fn positions() -> Vec<u8> {
    CORNERS.iter().flatten().flat_map(|x| x.to_le_bytes()).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &b)| bits | u32::from(b) << (16 - 8 * i));
        let digit = |i: usize| match i <= group.len() {
            true => char::from(DIGITS[(bits >> (18 - 6 * i)) as usize & 63]),
            false => '=',
        };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// A tetrahedron whose indices are numbers of a type, in a buffer that the document holds itself.
fn tetrahedron(component_type: u32) -> Value {
    let index = |&i: &u8| match component_type {
        5121 => vec![i],
        5123 => u16::from(i).to_le_bytes().to_vec(),
        _ => u32::from(i).to_le_bytes().to_vec(),
    };
    let indices: Vec<u8> = FACES.iter().flat_map(index).collect();
    let bytes = [positions(), indices.clone()].concat();
    json!({
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": component_type, "count": 12, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": 48},
            {"buffer": 0, "byteOffset": 48, "byteLength": indices.len()},
        ],
        "buffers": [{"byteLength": bytes.len(), "uri": format!("data:application/octet-stream;base64,{}", base64(&bytes))}],
    })
}

/// A .glb of these chunks.
fn glb(document: &Value, binary: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for (kind, bytes, fill) in [(b"JSON", document.to_string().as_bytes(), b' '), (b"BIN\0", binary, 0)] {
        let size = bytes.len().next_multiple_of(4);
        chunks.extend((size as u32).to_le_bytes());
        chunks.extend(kind);
        chunks.extend(bytes);
        chunks.resize(chunks.len() + size - bytes.len(), fill);
    }
    let length = (12 + chunks.len()) as u32;
    [b"glTF".as_slice(), &2_u32.to_le_bytes(), &length.to_le_bytes(), &chunks].concat()
}

fn no_file(name: &str) -> Result<Vec<u8>, InputError> {
    Err(InputError::new(format!("no file \"{name}\"")))
}

fn read(document: &Value) -> Result<Mesh, InputError> {
    Mesh::from_gltf(document.to_string().as_bytes(), &no_file)
}

fn bounds(mesh: &Mesh) -> [DVec3; 2] {
    Surface::new(mesh).bounds()
}

fn assert_spans(mesh: &Mesh, low: [f64; 3], high: [f64; 3]) {
    let [found_low, found_high] = bounds(mesh);
    let close = |a: DVec3, b: [f64; 3]| a.distance(DVec3::from_array(b)) < 1e-6;
    assert!(close(found_low, low) && close(found_high, high), "{found_low} {found_high}");
}

/// In glTF y points up, in URDF z.
#[test]
fn y_becomes_z() {
    let mut document = tetrahedron(5123);
    document["nodes"][0]["scale"] = json!([1, 2, 3]);
    let mesh = read(&document).unwrap();
    assert_spans(&mesh, [0.0, -3.0, 0.0], [1.0, 0.0, 2.0]);
    assert!((Surface::new(&mesh).volume() - 1.0).abs() < 1e-9);
}

#[test]
fn indices_may_be_of_any_size_or_left_out() {
    for component_type in [5121, 5123, 5125] {
        let mesh = read(&tetrahedron(component_type)).unwrap();
        assert_eq!((mesh.vertices().len(), mesh.triangles().len()), (4, 4), "{component_type}");
        assert!((Surface::new(&mesh).volume() - 1.0 / 6.0).abs() < 1e-9);
    }
    let mut document = tetrahedron(5121);
    let corners: Vec<u8> =
        FACES.iter().flat_map(|&i| CORNERS[usize::from(i)]).flat_map(f32::to_le_bytes).collect();
    document["meshes"][0]["primitives"][0] = json!({"attributes": {"POSITION": 0}, "mode": 4});
    document["accessors"][0]["count"] = json!(12);
    document["bufferViews"][0]["byteLength"] = json!(corners.len());
    document["buffers"][0] =
        json!({"byteLength": corners.len(), "uri": format!("data:;base64,{}", base64(&corners))});
    let mesh = read(&document).unwrap();
    assert_eq!((mesh.vertices().len(), mesh.triangles().len()), (12, 4));
    assert!((Surface::new(&mesh).volume() - 1.0 / 6.0).abs() < 1e-9);
}

/// Strips and fans; lines and points bound nothing.
#[test]
fn modes_are_those_of_the_specification() {
    let with = |mode: u32, indices: &[u8]| {
        let mut document = tetrahedron(5121);
        let bytes = [positions(), indices.to_vec()].concat();
        document["meshes"][0]["primitives"][0]["mode"] = json!(mode);
        document["accessors"][1]["count"] = json!(indices.len());
        document["bufferViews"][1]["byteLength"] = json!(indices.len());
        document["buffers"][0] =
            json!({"byteLength": bytes.len(), "uri": format!("data:;base64,{}", base64(&bytes))});
        read(&document)
    };
    // A tetrahedron is a strip of its corners and the first two again.
    let strip = with(5, &[0, 2, 1, 3, 0, 2]).unwrap();
    assert_eq!(strip.triangles(), [[0, 2, 1], [1, 2, 3], [1, 3, 0], [0, 3, 2]].map(|t: [u32; 3]| t));
    assert!((Surface::new(&strip).volume() - 1.0 / 6.0).abs() < 1e-9);
    assert_eq!(with(6, &[0, 1, 2, 3]).unwrap().triangles(), [[0, 1, 2], [0, 2, 3]]);
    for mode in 0..4 {
        assert!(with(mode, &FACES).unwrap_err().message.contains("no triangles"));
    }
    for (mode, short) in [(5, [0_u8, 1]), (6, [0, 1])] {
        assert!(with(mode, &short).unwrap_err().message.contains("no triangles"));
    }
    assert!(with(4, &FACES[..11]).unwrap_err().message.contains("three corners"));
    assert!(with(7, &FACES).unwrap_err().message.contains("mode from 0 to 6"));
}

/// Nodes in nodes: by matrices, and by scale, rotation and translation, in this order.
#[test]
fn nodes_place_what_they_show() {
    let mut document = tetrahedron(5123);
    let half = std::f64::consts::FRAC_1_SQRT_2;
    document["scenes"] = json!([{"nodes": []}, {"nodes": [1]}]);
    document["scene"] = json!(1);
    document["nodes"] = json!([
        {"mesh": 0, "scale": [2, 1, 1], "rotation": [0, 0, half, half], "translation": [10, 0, 0]},
        {"children": [0, 2], "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 5, 1]},
        {"mesh": 0},
    ]);
    let mesh = read(&document).unwrap();
    assert_eq!(mesh.triangles().len(), 8);
    // The first from 9 to 10 along x and 0 to 2 along y, both from 5 to 6 along z, which becomes -y.
    assert_spans(&mesh, [0.0, -6.0, 0.0], [10.0, -5.0, 2.0]);
    // Without scenes, what no other node has; without nodes, all meshes.
    for list in ["scenes", "nodes"] {
        document.as_object_mut().unwrap().remove("scene");
        document.as_object_mut().unwrap().remove(list);
        assert_eq!(read(&document).unwrap().triangles().len(), if list == "scenes" { 8 } else { 4 });
    }
}

/// Interleaved, as whole numbers, and with offsets in views and accessors.
#[test]
fn accessors_may_be_packed_in_any_way() {
    let mut document = tetrahedron(5121);
    let mut bytes = vec![7; 5];
    for corner in CORNERS {
        bytes.extend([9; 2]);
        bytes.extend(corner.map(|x| (127.0 * x) as i8 as u8));
        bytes.extend([9; 3]);
    }
    bytes.truncate(bytes.len() - 3);
    let view = bytes.len() - 5;
    bytes.extend(FACES);
    document["accessors"][0] = json!({
        "bufferView": 0, "byteOffset": 2, "componentType": 5120, "normalized": true, "count": 4, "type": "VEC3",
    });
    document["bufferViews"] = json!([
        {"buffer": 0, "byteOffset": 5, "byteLength": view, "byteStride": 8},
        {"buffer": 0, "byteOffset": 5 + view, "byteLength": 12},
    ]);
    document["buffers"][0] =
        json!({"byteLength": bytes.len(), "uri": format!("data:;base64,{}", base64(&bytes))});
    document["extensionsRequired"] = json!(["KHR_mesh_quantization", "KHR_materials_unlit"]);
    let mesh = read(&document).unwrap();
    assert_spans(&mesh, [0.0, -1.0, 0.0], [1.0, 0.0, 1.0]);
}

#[test]
fn buffers_may_be_beside_the_file_or_behind_the_document() {
    let folder = folder("gltf");
    let indices: Vec<u8> = FACES.iter().flat_map(|&i| u16::from(i).to_le_bytes()).collect();
    let bytes = [positions(), indices].concat();
    let mut document = tetrahedron(5123);
    document["buffers"][0] = json!({"byteLength": bytes.len(), "uri": "my%20data.bin"});
    let file = folder.join("part.GLTF");
    std::fs::write(&file, document.to_string()).unwrap();
    std::fs::write(folder.join("my data.bin"), &bytes).unwrap();
    let load = |file: &Path| Mesh::load(file, DVec3::new(1.0, 2.0, 1.0));
    assert_spans(&load(&file).unwrap(), [0.0, -2.0, 0.0], [1.0, 0.0, 1.0]);
    std::fs::remove_file(folder.join("my data.bin")).unwrap();
    let error = load(&file).unwrap_err();
    assert!(error.file.as_ref().unwrap().ends_with("my data.bin") && error.message.contains("cannot read"));

    document["buffers"][0] = json!({"byteLength": bytes.len()});
    let file = folder.join("part.glb");
    let whole = glb(&document, &bytes);
    std::fs::write(&file, &whole).unwrap();
    assert_spans(&load(&file).unwrap(), [0.0, -2.0, 0.0], [1.0, 0.0, 1.0]);
    for length in 0..whole.len() {
        assert!(Mesh::from_gltf(&whole[..length], &no_file).is_err(), "the first {length} bytes");
    }
    assert!(read(&document).unwrap_err().to_string().contains("buffers[0]: expected a \"uri\""));
}

#[test]
fn what_cannot_be_read_is_named() {
    let compressed = json!({"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}});
    for (pointer, value, said) in [
        ("/asset/version", json!("1.0"), "asset.version: expected version 2.0, found \"1.0\""),
        ("/asset/minVersion", json!("3.1"), "asset.version: expected version 2.0, found \"3.1\""),
        (
            "/extensionsRequired",
            json!(["KHR_draco_mesh_compression"]),
            "extensionsRequired: the extension KHR_draco_mesh_compression is required",
        ),
        (
            "/meshes/0/primitives/0/extensions",
            compressed,
            "meshes[0].primitives[0]: values compressed by KHR_draco_mesh_compression",
        ),
        (
            "/bufferViews/0/extensions",
            json!({"EXT_meshopt_compression": {}}),
            "bufferViews[0]: values compressed by EXT_meshopt_compression",
        ),
        (
            "/nodes/0/extensions",
            json!({"EXT_mesh_gpu_instancing": {}}),
            "nodes[0]: EXT_mesh_gpu_instancing is not read",
        ),
        ("/nodes/0/skin", json!(0), "nodes[0]: skins are not read"),
        ("/nodes/0/weights", json!([0, 0.5]), "nodes[0]: morph targets are not read"),
        ("/meshes/0/weights", json!([1]), "meshes[0].weights: morph targets are not read"),
        (
            "/nodes/0/matrix",
            json!([1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
            "nodes[0]: expected a matrix whose last row",
        ),
        (
            "/nodes/0/rotation",
            json!([0, 0, 0, 2]),
            "nodes[0]: expected a rotation by a quaternion of length 1",
        ),
        ("/nodes/0/children", json!([0]), "nodes[0]: more than 64 nodes within each other"),
        ("/nodes/0/children", json!([9]), "nodes: there is no number 9"),
        ("/nodes/0/mesh", json!(1), "meshes: there is no number 1"),
        ("/scene", json!(1), "scenes: there is no number 1"),
        ("/accessors/0/sparse", json!({}), "accessors[0].sparse: sparse accessors are not read"),
        ("/accessors/0/type", json!("VEC2"), "accessors[0].type: expected VEC3, found \"VEC2\""),
        (
            "/accessors/0/componentType",
            json!(5125),
            "accessors[0].componentType: expected 5120 to 5123, or 5126",
        ),
        (
            "/accessors/1/componentType",
            json!(5126),
            "accessors[1].componentType: expected 5121, 5123 or 5125",
        ),
        ("/accessors/0/bufferView", json!(7), "bufferViews: there is no number 7"),
        ("/accessors/0/bufferView", json!(null), "accessors[0].bufferView: the accessor has no values"),
        ("/accessors/0/count", json!(5), "bufferViews[0]: accessor 0 has 5 elements of 12 bytes"),
        ("/accessors/0/count", json!(u64::MAX), "bufferViews[0]: accessor 0 has"),
        ("/accessors/0/count", json!(3), "meshes[0].primitives[0]: expected indices below 3"),
        ("/accessors/0/byteOffset", json!(u64::MAX), "bufferViews[0]: accessor 0 has"),
        ("/bufferViews/0/byteStride", json!(4), "bufferViews[0]: accessor 0 has"),
        ("/bufferViews/0/byteOffset", json!(u64::MAX), "bufferViews[0]: expected offsets of sensible size"),
        ("/bufferViews/0/byteLength", json!(4000), ""),
        ("/bufferViews/0/buffer", json!(1), "buffers: there is no number 1"),
        ("/bufferViews/1/byteOffset", json!(64), "buffers[0]: expected more bytes than the 72 there are"),
        ("/buffers/0/byteLength", json!(73), "buffers[0]: expected 73 bytes, found 72"),
        ("/buffers/0/uri", json!("data:;base64,?"), "buffers[0]: expected data in base64"),
        ("/buffers/0/uri", json!("data:,abc"), "buffers[0]: expected data in base64"),
        ("/buffers/0/uri", json!("http://x/y.bin"), "buffers[0]: expected a relative path or data"),
        ("/buffers/0/uri", json!("none.bin"), "buffers[0]: no file \"none.bin\""),
        ("/meshes/0/primitives/0/attributes", json!({"NORMAL": 0}), "no triangles"),
        ("/asset", json!({}), "line 1: not a glTF document: missing field `version`"),
    ] {
        let mut document = tetrahedron(5123);
        let (above, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(above).unwrap()[key] = value;
        match read(&document) {
            Ok(_) => assert_eq!(said, "", "{pointer}"),
            Err(error) => assert!(!said.is_empty() && error.to_string().contains(said), "{pointer}: {error}"),
        }
    }
    for bytes in [&b""[..], b"{}", b"glTF", b"[1", b"\xff"] {
        assert!(Mesh::from_gltf(bytes, &no_file).is_err());
    }
}

/// Nodes of which each shows the next twice show more than anybody can hold.
#[test]
fn what_a_scene_shows_is_bounded() {
    let mut document = tetrahedron(5123);
    let nodes: Vec<Value> = (1..=60).map(|next| json!({"children": [next, next]})).collect();
    document["nodes"] = json!([nodes, vec![json!({"mesh": 0})]].concat());
    let error = read(&document).unwrap_err().to_string();
    assert!(error.contains("the scene shows more than"), "{error}");
}
